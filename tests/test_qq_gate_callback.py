"""The gate: bodies of callbacks, whatever is in them, and what their senders are answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from gatehouse import (
    APP_ID,
    GROUP_MESSAGE,
    NOW,
    Headers,
    Inner,
    ask,
    dispatch,
    gate_before,
    http,
    post,
    settled,
    signed,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from bot.qq import gate
from bot.qq.payload import DEEPEST, read_object, write_object
from bot.qq.receipt import Receipts

pytest_plugins = ("gatekeeper",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"13",
        b'"{}"',
        b'{"op":13,"op":0}',
        b'{"op":0,"d":{"a":1,"a":2}}',
        b'{"op":NaN}',
        b'{"op":-Infinity}',
        b'{"op":1e999}',
        b'{"op":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"op":0}',
        '{"op":0}'.encode("utf-16"),
        b'{"a":' + b"[" * 100_000,
        b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST,
        b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_signed_nonsense_is_answered_400(body: bytes, warned: pytest.LogCaptureFixture) -> None:
    """No object, a name twice, no number, no UTF-8, too deep: refused in a line, without a trace of the stack."""
    inner = Inner()
    assert post(gate_before(inner), body, signed(body)) == (400, b"")
    assert inner.scopes == []
    assert [record.exc_info for record in warned.records] == [None]


def test_depth_ends_where_it_says() -> None:
    """So many levels are read, and one more is not."""
    read_object(b'{"a":' * (DEEPEST - 1) + b"{}" + b"}" * (DEEPEST - 1))
    with pytest.raises(ValueError, match="deep"):
        read_object(b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST)


def test_half_a_character_does_not_stop_a_message() -> None:
    """JSON can hold what UTF-8 cannot; it goes on as a question mark."""
    assert write_object(read_object(b'{"a":"\\ud83d!"}')) == b'{"a":"?!"}'


def test_a_body_is_counted_as_it_comes() -> None:
    """256 KiB are taken, a byte more is not, whatever length was promised; the rest is not waited for."""
    inner = Inner()
    filler = gate.LARGEST_BODY - len(dispatch("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "more": ""}))
    for more, status in ((0, 200), (1, 413)):
        body = dispatch("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "more": "x" * (filler + more)})
        scope = http("/qq/webhook", headers=[*signed(body), (b"content-length", b"2")])
        parts = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        assert asyncio.run(ask(gate_before(inner), scope, *parts))[0] == status
    assert len(inner.bodies) == 1
    assert (
        asyncio.run(ask(gate_before(inner), http("/qq/webhook"), b"x" * (gate.LARGEST_BODY + 1), slow=True))[0] == 413
    )


def test_a_slow_body_is_given_up() -> None:
    """Whoever sends a byte and then nothing holds no connection."""
    inner = Inner()
    app = gate_before(inner, body_seconds=0.05)
    assert asyncio.run(ask(app, http("/qq/webhook"), b"{", slow=True))[0] == 408
    assert gate.BODY_SECONDS == 10
    assert inner.scopes == []


def test_who_hangs_up_is_sent_nothing() -> None:
    """A client that leaves while it sends gets no response."""

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def never(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(gate_before(Inner())(http("/qq/webhook"), gone, never))


@settings(max_examples=150, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0", str(NOW)]),
            lambda each: (
                st.lists(each, max_size=3)
                | st.dictionaries(st.sampled_from(["op", "d", "t", "id", "plain_token", "event_ts"]) | st.text(), each)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"x-bot-appid", b"x-signature-timestamp", b"x-signature-ed25519", b"content-length"]),
            st.sampled_from([APP_ID.encode(), str(NOW).encode(), b"0" * 128]) | st.binary(max_size=140),
        )
    ),
    is_signed=st.booleans(),
)
def test_whatever_comes_is_refused_or_taken(body: bytes, headers: Headers, is_signed: bool) -> None:
    """Never an error of ours; and nothing goes on but what is signed, or a validation."""
    inner = Inner()
    status, _ = post(gate_before(inner), body, signed(body) if is_signed else headers)
    assert status in ({200, 400, 403} if is_signed else {200, 403})
    if not is_signed:
        assert all(event["op"] == 13 for event in inner.events)
        assert (status == 200) == bool(inner.events)


@pytest.mark.parametrize("status", [200, 204, 400, 503])
def test_the_adapters_answer_is_passed_back(status: int) -> None:
    """Whoever stands behind the gate says whether the event was kept."""
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(Inner(status)), body, signed(body))[0] == status


def test_a_failing_adapter_has_the_platform_try_again(warned: pytest.LogCaptureFixture) -> None:
    """503 and a line without what the error says, which may be what a person wrote."""
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(Inner(error=LookupError("私密"))), body, signed(body))[0] == 503
    assert [record.getMessage() for record in warned.records] == [
        "QQ：适配器未能处理回调（LookupError），平台会再次推送"
    ]


# Kept messages


def deliver(
    receipts: Receipts,
    said: Callable[[], object],
    body: bytes = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE),
    times: int = 1,
) -> list[int]:
    """The statuses of callbacks that come together, of which this is said once the adapter has them."""

    async def delivered() -> list[int]:
        inner = Inner()
        app = gate_before(inner, receipts=receipts)
        asking = [
            asyncio.ensure_future(ask(app, http("/qq/webhook", headers=signed(body)), body)) for _ in range(times)
        ]
        await settled(lambda: len(inner.bodies) == times)
        await asyncio.sleep(0.01)
        said()
        return [status for status, _ in await asyncio.gather(*asking)]

    return asyncio.run(delivered())


@pytest.mark.parametrize(("kept", "status"), [(True, 200), (False, 503)])
@pytest.mark.parametrize("times", [1, 3])
def test_a_message_is_acknowledged_once_it_is_kept(kept: bool, status: int, times: int) -> None:
    """By bot, event and message; one that cannot be kept is to come again; who comes twice at a time is told twice."""
    receipts = Receipts()

    def said() -> None:
        kind, message_id = "GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE["id"]
        receipts.settle(("another", kind, message_id), kept=not kept)
        receipts.settle((APP_ID, "GROUP_MESSAGE_CREATE", message_id), kept=not kept)
        receipts.settle((APP_ID, kind, "another"), kept=not kept)
        receipts.settle((APP_ID, kind, message_id), kept=kept)
        receipts.settle((APP_ID, kind, message_id), kept=not kept)

    assert deliver(receipts, said, times=times) == [status] * times
    assert receipts._expected == {}


def test_half_a_character_in_its_id_does_not_keep_a_message_from_being_acknowledged() -> None:
    """It is known by its id as the adapter reads it."""
    receipts, kind = Receipts(), "GROUP_AT_MESSAGE_CREATE"
    body = dispatch(kind, {**GROUP_MESSAGE, "id": "\ud83d"})
    assert deliver(receipts, lambda: receipts.settle((APP_ID, kind, "?"), kept=True), body) == [200]


def test_a_message_of_which_nothing_is_heard_comes_again(
    monkeypatch: pytest.MonkeyPatch, warned: pytest.LogCaptureFixture
) -> None:
    """The platform waits for five seconds; a word that comes too late harms nobody."""
    assert gate.KEPT_WITHIN < 5
    monkeypatch.setattr(gate, "KEPT_WITHIN", 0.02)
    receipts = Receipts()
    assert deliver(receipts, lambda: None) == [503]
    receipts.settle((APP_ID, GROUP_MESSAGE["id"]), kept=True)
    assert [record.getMessage() for record in warned.records] == ["QQ：平台推送的消息没有及时保存，平台会再次推送"]


def test_what_is_no_message_is_acknowledged_as_it_comes() -> None:
    """Nobody keeps that the bot has a new friend."""
    friend = dispatch("FRIEND_ADD", {"openid": "USER", "timestamp": NOW})
    assert deliver(Receipts(), lambda: None, friend) == [200]


def test_an_adapter_that_refuses_is_not_waited_for() -> None:
    """What it did not take nobody will keep."""
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(Inner(400), receipts=Receipts()), body, signed(body))[0] == 400
