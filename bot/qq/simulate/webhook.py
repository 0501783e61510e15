"""What the official platform reports to a bot: the bodies of its events, signed and delivered as it does.

The signature is Ed25519 over timestamp and body, with a key made by repeating the bot's secret (the platform's page
安全和授权). What is not answered by 200 comes again, the same body up to three times in all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeAlias

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Payload: TypeAlias = dict[str, Any]

CHINA: Final = timezone(timedelta(hours=8))
TRIES: Final = 3


def sign(secret: str, message: bytes) -> str:
    """Return the signature of a message in hexadecimal, made with a bot's secret."""
    seed = secret.encode()
    seed = (seed * (32 // len(seed) + 1))[:32]
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message).hex()


class Webhook:
    """Delivers events to a bot's callback address, through `client`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        app_id: str,
        secret: str,
        *,
        pause: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._url = url
        self._headers = {"User-Agent": "QQBot-Callback", "X-Bot-Appid": app_id, "Content-Type": "application/json"}
        self._secret = secret
        self._pause = pause
        self._clock = clock

    async def deliver(self, payload: Mapping[str, Any]) -> httpx.Response | None:
        """Deliver an event until it is taken or three times, and return the last answer, None where there was none."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        for number in range(TRIES):
            if number:
                await asyncio.sleep(self._pause)
            response = await self.post(body)
            if response is not None and response.status_code == httpx.codes.OK:
                break
        return response

    async def post(
        self, body: bytes, *, timestamp: str | None = None, signature: str | None = None
    ) -> httpx.Response | None:
        """Post a body once, with another timestamp or signature than its own if so wished."""
        timestamp = str(int(self._clock())) if timestamp is None else timestamp
        headers = {
            **self._headers,
            "X-Signature-Timestamp": timestamp,
            "X-Signature-Ed25519": signature or sign(self._secret, timestamp.encode() + body),
        }
        try:
            return await self._client.post(self._url, content=body, headers=headers)
        except httpx.TransportError:
            return None

    async def validate(self, plain_token: str, event_ts: str) -> httpx.Response:
        """Ask the address to prove that it knows the secret, as when an operator enters it."""
        body = json.dumps({"d": {"plain_token": plain_token, "event_ts": event_ts}, "op": 13}).encode()
        return await self._client.post(self._url, content=body, headers=self._headers)


def member(group: str, user: str) -> str:
    """Return the id that a user has in a group, which is another one than in private."""
    return hashlib.md5(f"{group} {user}".encode(), usedforsecurity=False).hexdigest().upper()


def private_message(text: str, user: str, pictures: Sequence[str] = (), *, at: datetime | None = None) -> Payload:
    """Return the event of a private message: `d.id` is the message's id."""
    author = {"id": user, "user_openid": user, "union_openid": "", "username": "", "bot": False}
    return _event("C2C_MESSAGE_CREATE", {"author": author, "content": text}, pictures, at)


def group_message(
    text: str, user: str, group: str, pictures: Sequence[str] = (), *, at: datetime | None = None, old: bool = False
) -> Payload:
    """Return the event of a message in a group that names the bot; the naming itself leaves only a space.

    `old`: in the form that the platform's first documentation has, without much of what it tells today.
    """
    author: dict[str, Any] = {"member_openid": member(group, user)}
    data: dict[str, Any] = {"content": f" {text}", "group_openid": group}
    if not old:
        author |= {"id": author["member_openid"], "member_role": "member", "username": user, "bot": False}
        data |= {"group_id": group}
    return _event("GROUP_AT_MESSAGE_CREATE", {"author": author, **data}, pictures, at)


def _event(kind: str, data: dict[str, Any], pictures: Sequence[str], at: datetime | None) -> Payload:
    data |= {
        "id": f"ROBOT1.0_{uuid.uuid4().hex}",
        "timestamp": (at or datetime.now(CHINA)).astimezone(CHINA).isoformat(timespec="seconds"),
        "message_type": 0,
        "message_scene": {"source": "default", "ext": [f"msg_idx=REFIDX_{uuid.uuid4().hex}"]},
    }
    if pictures:
        data["attachments"] = [
            {"content_type": "image/png", "filename": f"{number}.png", "url": url, "width": 8, "height": 8, "size": 100}
            for number, url in enumerate(pictures)
        ]
    return {"op": 0, "id": f"{kind}:{uuid.uuid4().hex}", "t": kind, "d": data}
