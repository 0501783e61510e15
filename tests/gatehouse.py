"""The gate before NoneBot as tests meet it: what comes to it, and who stands on both sides.

The fixtures are in `gatekeeper`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from nonebot.adapters.onebot import v11 as onebot
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.qq.gate import Gate
from bot.qq.receipt import MessageKey, Receipts
from bot.qq.signature import Key

APP_ID, SECRET = "11111111", "DG5g3B4j9X2KOErG"
NOW = 1725442341
TOKEN = "a-token-of-onebot"
SELF_ID = "1234567890"
KEY = Key(SECRET)
VECTOR: dict[str, Any] = {"d": {"plain_token": "Arq0D5A61EgUu4OxUvOp", "event_ts": str(NOW)}, "op": 13}
PUBLISHED = (
    "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d0"
    "1bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
)
GROUP_MESSAGE: dict[str, Any] = {
    "id": "ROBOT1.0_group",
    "content": " 密码忘记了怎么办",
    "timestamp": "2024-09-04T17:32:21+08:00",
    "group_openid": "GROUP",
    "author": {"member_openid": "MEMBER"},
}
PRIVATE = {
    "post_type": "message",
    "message_type": "private",
    "sub_type": "friend",
    "time": NOW,
    "self_id": int(SELF_ID),
    "user_id": 54321,
    "message_id": 9,
    "message": [{"type": "text", "data": {"text": "你好"}}],
    "raw_message": "你好",
    "font": 14,
    "sender": {"user_id": 54321, "nickname": "名字", "sex": "unknown", "age": 0},
}

Headers = list[tuple[bytes, bytes]]


@dataclass
class Inner:
    """An application that remembers what reached it."""

    status: int = 200
    error: Exception | None = None
    scopes: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        self.bodies.append((await receive())["body"])
        assert (await receive())["type"] == "http.disconnect"
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


class Kept(Receipts):
    """Receipts for whatever comes."""

    @contextmanager
    def expect(self, key: MessageKey) -> Iterator[asyncio.Future[bool]]:
        with super().expect(key) as receipt:
            receipt.set_result(True)
            yield receipt


def gate_before(app: ASGIApp, now: float = NOW, receipts: Receipts | None = None, **changed: Any) -> Gate:
    return Gate(
        app, receipts or Kept(), **{"bots": {APP_ID: SECRET}, "onebot_token": TOKEN, "clock": lambda: now, **changed}
    )


def http(path: str, method: str = "POST", headers: Headers | None = None) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("203.0.113.7", 5000),
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"x-bot-appid", APP_ID.encode())] if headers is None else headers,
    }


async def ask(app: ASGIApp, scope: Scope, *parts: bytes, slow: bool = False) -> tuple[int, bytes]:
    """The status and body of a response; the request's body comes in these parts, and then perhaps nothing."""
    pending = [
        {"type": "http.request", "body": part, "more_body": slow or number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if pending:
            return pending.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def signed(body: bytes, at: str = str(NOW), key: Key = KEY) -> Headers:
    return [
        (b"x-bot-appid", APP_ID.encode()),
        (b"x-signature-timestamp", at.encode()),
        (b"x-signature-ed25519", key.sign(at, body).encode()),
    ]


def post(app: ASGIApp, body: bytes, headers: Headers | None = None) -> tuple[int, bytes]:
    return asyncio.run(ask(app, http("/qq/webhook", headers=headers), body))


def dispatch(kind: str, data: Any, event_id: Any = "event") -> bytes:
    return json.dumps({"op": 0, "id": event_id, "t": kind, "s": 7, "d": data}).encode()


def onebot_headers(token: str = TOKEN, self_id: str = SELF_ID, scheme: str = "Bearer") -> Headers:
    return [
        (b"x-self-id", self_id.encode()),
        (b"x-client-role", b"Universal"),
        (b"authorization", f"{scheme} {token}".encode()),
    ]


def websocket(headers: Headers, path: str = "/onebot/v11/ws", client: str = "203.0.113.7") -> Scope:
    return {
        **http(path, headers=headers),
        "type": "websocket",
        "scheme": "ws",
        "client": (client, 5000),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


async def refused(app: ASGIApp, headers: Headers, **changed: Any) -> int:
    """The status that a connection is refused with; 0 if it is not."""
    sent: list[Message] = []
    messages: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "websocket.disconnect", "code": 1000, "reason": ""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(websocket(headers, **changed), receive, send)
    return cast(int, sent[0].get("status", 0)) if sent else 0


@dataclass
class Behind:
    """NoneBot's application, with the adapters and the events that reached its handlers."""

    app: ASGIApp
    bots: dict[str, Any]
    onebot: onebot.Adapter
    heard: list[Any]


@asynccontextmanager
async def running(behind: Behind) -> AsyncIterator[Gate]:
    async with behind.app.router.lifespan_context(behind.app):  # type: ignore[attr-defined]
        yield gate_before(behind.app)


async def settled(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@dataclass
class Peer:
    """A OneBot client at the other end of a WebSocket."""

    app: ASGIApp
    scope: Scope = field(default_factory=lambda: websocket(onebot_headers()))
    incoming: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    sent: list[Message] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.incoming.put_nowait({"type": "websocket.connect"})
        app = cast(Callable[..., Awaitable[None]], self.app)
        self.task = asyncio.ensure_future(cast(Any, app(self.scope, self.incoming.get, self._take)))
        await settled(lambda: self.sent)

    async def _take(self, message: Message) -> None:
        self.sent.append(message)

    def say(self, frame: Any, kind: str = "text") -> None:
        text = frame if isinstance(frame, str | bytes) else json.dumps(frame)
        self.incoming.put_nowait({"type": "websocket.receive", kind: text})

    async def close(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        assert self.task is not None
        await asyncio.wait_for(self.task, 5)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]
