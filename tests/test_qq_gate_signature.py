"""The gate: callbacks come through only if the platform signed them, and nobody else gets a signature."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from gatehouse import (
    APP_ID,
    GROUP_MESSAGE,
    KEY,
    NOW,
    PUBLISHED,
    VECTOR,
    Behind,
    Headers,
    Inner,
    ask,
    dispatch,
    gate_before,
    http,
    post,
    running,
    settled,
    signed,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.qq.payload import read_object
from bot.qq.signature import Key

pytest_plugins = ("gatekeeper",)


def test_a_signed_event_goes_on_signed_anew() -> None:
    """The adapter's own check passes what the gate wrote, and sees no header that the gate did not look at."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(inner, NOW + 290), body, [*signed(body), (b"cookie", b"a=b")]) == (200, b"{}")
    headers = dict(inner.scopes[0]["headers"])
    assert set(headers) == {
        *(b"host", b"content-type", b"content-length"),
        *(b"x-bot-appid", b"x-signature-timestamp", b"x-signature-ed25519"),
    }
    assert int(headers[b"content-length"]) == len(inner.bodies[0])
    assert headers[b"x-signature-timestamp"] == str(NOW + 290).encode()
    assert KEY.has_signed(headers[b"x-signature-ed25519"].decode(), str(NOW + 290), inner.bodies[0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: signed(body)[:1],
        lambda body: signed(body)[:2],
        lambda body: [*signed(body)[:1], signed(body)[2]],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"no hex")],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"ab" * 63)],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"a" * 127)],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"00" * 64)],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"\xe9" * 128)],
        lambda body: signed(body + b" "),
        lambda body: signed(body, key=Key("another")),
        lambda body: signed(body, at=str(NOW - 301)),
        lambda body: signed(body, at=str(NOW + 301)),
        lambda body: signed(body, at=f"0{NOW}"),
        lambda body: signed(body, at=f"{NOW}\n"),
        lambda body: signed(
            body, at=str(NOW).translate({ord(digit): ord(digit) - 48 + 0xFF10 for digit in "0123456789"})
        ),
        lambda body: [*signed(body), *signed(body)[1:]],
        lambda body: [*signed(body), (b"x-bot-appid", b"another")],
        lambda body: [(b"x-bot-appid", b"another"), *signed(body)[1:]],
        lambda body: signed(body)[1:],
        lambda _: [],
    ],
)
@pytest.mark.parametrize("size", [0, 4096])
def test_what_is_not_signed_is_refused(spoil: Callable[[bytes], Headers], size: int) -> None:
    """No signature, none at all, another's, of another body or another time, or two: 403, however long the body."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "content": "x" * size})
    assert post(gate_before(inner), body, spoil(body)) == (403, b"")
    assert inner.scopes == []
    assert post(gate_before(inner), body, signed(body))[0] == 200


def test_skew_of_five_minutes_is_taken() -> None:
    """Clocks differ: up to 300 seconds either way are no reason to refuse."""
    for now in (NOW - 300, NOW + 300):
        inner = Inner()
        body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
        assert post(gate_before(inner, now), body, signed(body))[0] == 200
        assert len(inner.bodies) == 1


def test_the_signature_is_of_the_raw_body() -> None:
    """The same JSON in other bytes is not what was signed."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(inner), body + b" ", signed(body))[0] == 403
    assert inner.scopes == []


def test_nothing_long_is_read_before_it_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON is parsed only once the signature is right, or if it is short enough for a validation."""
    read: list[bytes] = []

    def note(data: bytes) -> dict[str, Any]:
        read.append(data)
        return read_object(data)

    monkeypatch.setattr("bot.qq.callback.read_object", note)
    long = json.dumps({**VECTOR, "more": "x" * 1024}).encode()
    assert post(gate_before(Inner()), long)[0] == 403
    assert read == []
    assert post(gate_before(Inner()), long, signed(long))[0] == 200
    assert read == [long]


def test_the_official_validation_goes_on() -> None:
    """The example of the platform's documentation, which has no signature, and nothing but what it consists of."""
    inner = Inner()
    body = json.dumps({**VECTOR, "opcode": 0, "data": {}, "t": "C2C_MESSAGE_CREATE"}).encode()
    assert post(gate_before(inner), body)[0] == 200
    assert inner.events == [VECTOR]
    assert KEY.sign(VECTOR["d"]["event_ts"], VECTOR["d"]["plain_token"].encode()) == PUBLISHED


@pytest.mark.parametrize(
    "data",
    [
        {"plain_token": '{"op":0,"t":"C2C_MESSAGE_CREATE","d":{"content":"forged"}}', "event_ts": str(NOW)},
        {"plain_token": "", "event_ts": str(NOW)},
        {"plain_token": "a" * 65, "event_ts": str(NOW)},
        {"plain_token": "abc\n", "event_ts": str(NOW)},
        {"plain_token": "密码", "event_ts": str(NOW)},
        {"plain_token": "１２", "event_ts": str(NOW)},
        {"plain_token": 12, "event_ts": str(NOW)},
        {"plain_token": "abc", "event_ts": NOW},
        {"plain_token": "abc", "event_ts": f'{NOW}{{"op":0}}'},
        {"plain_token": "abc", "event_ts": f"{NOW}000"},
        {"plain_token": "abc", "event_ts": str(NOW - 301)},
        {"plain_token": "abc", "event_ts": str(NOW + 301)},
        {"plain_token": "abc"},
        {"event_ts": str(NOW)},
        {},
        [],
        None,
        "abc",
    ],
)
def test_a_validation_that_would_sign_anything_else_is_refused(data: Any) -> None:
    """The forged event among them, signed or not: nothing that the adapter would sign gets there."""
    inner = Inner()
    body = json.dumps({"op": 13, "d": data}).encode()
    assert post(gate_before(inner), body)[0] == 403
    assert post(gate_before(inner), body, signed(body))[0] == 403
    assert inner.scopes == []


@settings(max_examples=60, deadline=None)
@given(
    token=st.from_regex("[A-Za-z0-9]{1,64}", fullmatch=True),
    at=st.integers(NOW - 300, NOW + 300).map(str),
    data=st.data(),
)
@example(token="0", at=str(NOW), data=None)
def test_no_answered_validation_is_an_event(token: str, at: str, data: Any) -> None:
    """However its signed bytes are split into a timestamp and a body, the signature lets no event in."""
    taken = Inner()
    asyncio.run(
        ask(
            gate_before(taken),
            http("/qq/webhook"),
            json.dumps({"op": 13, "d": {"plain_token": token, "event_ts": at}}).encode(),
        )
    )
    assert len(taken.bodies) == 1, "the adapter signs it"
    bytes_signed = (at + token).encode()
    signature = KEY.sign(at, token.encode()).encode()
    assert b"{" not in bytes_signed, "which every object has"
    split = data.draw(st.integers(0, len(bytes_signed))) if data else len(at)
    for cut in {split, len(at)}:
        inner = Inner()
        headers = [
            (b"x-bot-appid", APP_ID.encode()),
            (b"x-signature-timestamp", bytes_signed[:cut]),
            (b"x-signature-ed25519", signature),
        ]
        status, _ = post(gate_before(inner), bytes_signed[cut:], headers)
        assert status in {400, 403}
        assert inner.scopes == []


def test_the_adapter_answers_the_official_validation(nonebot_made: Callable[[], Behind]) -> None:
    """The published example gets the published signature, through the gate and the real adapter."""

    async def validated() -> tuple[int, bytes]:
        async with running(nonebot_made()) as app:
            return await ask(app, http("/qq/webhook"), json.dumps(VECTOR).encode())

    status, body = asyncio.run(validated())
    answer = json.loads(body)
    assert (status, answer["plain_token"]) == (200, "Arq0D5A61EgUu4OxUvOp")
    assert answer["signature"] == PUBLISHED


def test_the_adapter_reads_and_checks_what_goes_on(nonebot_made: Callable[[], Behind]) -> None:
    """Events that it would drop as they come arrive as messages; unsigned, past the gate, it refuses them."""

    async def heard() -> list[Any]:
        behind = nonebot_made()
        async with running(behind) as app:
            body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
            assert (await ask(behind.app, http("/qq/webhook", headers=signed(body)), body))[0] == 200
            assert (await ask(behind.app, http("/qq/webhook"), body))[0] == 403
            assert behind.heard == []
            assert (await ask(app, http("/qq/webhook", headers=signed(body)), body))[0] == 200
            await settled(lambda: behind.heard)
            return behind.heard

    (event,) = asyncio.run(heard())
    assert (event.get_user_id(), event.id, event.event_id) == ("MEMBER", "ROBOT1.0_group", "event")
