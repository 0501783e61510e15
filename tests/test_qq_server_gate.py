"""What the running server does not let in: forged, old, or from somebody else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from telephone import APP_ID, SECRET, TOKEN, House, answers, until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.qq.simulate.webhook import Webhook, private_message, sign

pytest_plugins = ("switchboard",)


def post(house: House, body: bytes, **changed: str) -> httpx.Response:
    """Post an event as the platform does, but for these headers."""
    now = str(int(time.time()))
    timestamp = changed.get("X_Signature_Timestamp", now)
    headers = {
        "X-Bot-Appid": APP_ID,
        "X-Signature-Timestamp": timestamp,
        "X-Signature-Ed25519": sign(SECRET, timestamp.encode() + body),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return httpx.post(f"{house.url}/qq/webhook", content=body, headers=headers)


def event_of(user: str) -> bytes:
    return json.dumps(private_message("账号被锁定怎么办", user)).encode()


def test_the_address_proves_that_it_knows_the_secret(house: House) -> None:
    """A validation with the documentation's token is answered by a signature that the bot's public key confirms."""

    async def validate(token: str, at: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await Webhook(client, f"{house.url}/qq/webhook", APP_ID, SECRET).validate(token, at)

    token, now = "Arq0D5A61EgUu4OxUvOp", str(int(time.time()))
    answer = asyncio.run(validate(token, now))
    assert answer.status_code == 200
    assert answer.json()["plain_token"] == token
    key = Ed25519PrivateKey.from_private_bytes((SECRET * 2)[:32].encode()).public_key()
    key.verify(bytes.fromhex(answer.json()["signature"]), (now + token).encode())
    assert asyncio.run(validate(token, "1725442341")).status_code == 403


def test_nobody_gets_an_event_signed(house: House) -> None:
    """A validation whose token is an event's body is refused without a signature of it."""
    forged, now = event_of("FORGED").decode(), str(int(time.time()))
    body = json.dumps({"op": 13, "d": {"plain_token": forged, "event_ts": now}}).encode()
    for answer in (post(house, body), post(house, body, X_Signature_Ed25519="")):
        assert answer.status_code == 403
        assert answer.content == b""
    assert sign(SECRET, (now + forged).encode()) not in (house.data / "serve.log").read_text(encoding="utf-8")
    assert house.messages("FORGED") == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"X_Signature_Timestamp": "old"}, 403),
        ({"X_Signature_Timestamp": "early"}, 403),
        ({"X_Signature_Timestamp": ""}, 403),
        ({"X_Signature_Ed25519": "00" * 64}, 403),
        ({"X_Signature_Ed25519": ""}, 403),
        ({"X_Bot_Appid": "102000002"}, 403),
        ({"X_Bot_Appid": ""}, 403),
        ({}, 200),
    ],
)
def test_only_what_the_platform_signed_just_now_is_heard(house: House, fault: Mapping[str, str], status: int) -> None:
    """Older or newer by over 300 seconds, signed wrongly, for another bot: refused and not kept."""
    moments = {"old": str(int(time.time()) - 302), "early": str(int(time.time()) + 310)}
    user = f"STRANGER{'-'.join([*fault, *fault.values()])[:40]}"
    body = event_of(user)
    changed = {name: moments.get(value, value) for name, value in fault.items()}

    async def talk() -> int:
        async with house.official():
            answer = await asyncio.to_thread(post, house, body, **changed)
            await until(house.at_rest)
            return answer.status_code

    assert asyncio.run(talk()) == status
    assert (json.loads(body)["d"]["id"] in house.heard()) == (status == 200)


def test_a_changed_event_is_refused(house: House) -> None:
    """The signature of one event lets no other in."""
    body, other = event_of("FIRST"), event_of("OTHER")
    now = str(int(time.time()))
    assert post(house, other, X_Signature_Ed25519=sign(SECRET, now.encode() + body)).status_code == 403
    assert json.loads(other)["d"]["id"] not in house.heard()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer not-the-token-of-ours"}, 401),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "http://127.0.0.1"}, 403),
    ],
)
def test_only_a_client_that_knows_the_token_connects(house: House, headers: Mapping[str, str], status: int) -> None:
    """Without or with a wrong token, or from a page in a browser, none does; the one connected stays so."""

    async def talk() -> int:
        async with house.official(), house.onebot() as onebot:
            with pytest.raises(InvalidStatus) as refused:
                await connect(house.socket, additional_headers={"X-Self-ID": "10001", **headers}, proxy=None)
            assert await answers(onebot, "你好", user="20001")
            return refused.value.response.status_code

    assert asyncio.run(talk()) == status
