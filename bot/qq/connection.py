"""Connections: the WebSockets that OneBot clients such as LLBot or NapCat open to us, one for each account.

NoneBot's adapter drops a connection at the first frame that is no JSON, and at an answer that comes twice; and while it
holds one, it refuses the next from the same account, even if nobody is at the other end of the first any more. So
frames are sifted here, and a new connection takes the place of the old one.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from nonebot.adapters.onebot.v11 import Adapter
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api.dep import address
from bot.qq.event import REPLIED_TO
from bot.qq.payload import ADDED, read_object, write_object
from bot.qq.refusal import Notice, Refusal

LARGEST_FRAME: Final = 1024 * 1024
"""Bytes. The server's own limit (uvicorn's `ws_max_size`, 16 MiB unless set) should be the same."""
WRONG_TOKENS: Final = "10/minute"
"""From one address; after that none from there is looked at for a while, so that tokens cannot be tried out."""
PATIENCE: Final = 5.0
"""Seconds that a new connection waits for the adapter to let go of the old one."""
MOST_ASKED: Final = 1000
"""Calls whose answers are waited for; what is older was given up by the adapter."""
REPLACED: Final = 1008
"""The code that a connection ends with whose place another took."""

_SELF_ID: Final = re.compile("[1-9][0-9]{4,19}")
_SCHEMES: Final = ("bearer", "token")
_MESSAGES: Final = ("private", "group")
_OURS: Final = ADDED | {REPLIED_TO}
_KNOWN_OF_SENDER: Final = ("nickname", "card", "role")


class Connections:
    """Lets clients that know the token through to the adapter, `app`."""

    def __init__(self, app: ASGIApp, token: str, notice: Notice) -> None:
        self._app = app
        self._token = token
        self._notice = notice
        self._open: dict[str, Connection] = {}
        self._rate = parse(WRONG_TOKENS)
        self._wrong = MovingWindowRateLimiter(MemoryStorage())

    async def serve(self, scope: Scope, sent: Mapping[bytes, str], receive: Receive, send: Send) -> None:
        """Serve a connection until it ends; `sent` are its headers. Refusal before anything is sent."""
        self_id = self._recognize(scope, sent)
        connection = Connection(self_id, receive, send, self._notice)
        while old := self._open.get(self_id):
            old.cut()
            self._notice.say("同一个 OneBot 账号又有新的连接，已断开原来的连接")
            try:
                async with asyncio.timeout(PATIENCE):
                    await old.gone.wait()
            except TimeoutError:
                raise Refusal(503, "原来的 OneBot 连接未能断开，暂不接受新的连接") from None
        self._open[self_id] = connection
        passed = {"host": "localhost", "x-self-id": self_id, "authorization": f"Bearer {self._token}"}
        headers = [(name.encode(), value.encode()) for name, value in passed.items()]
        inner = {**scope, "headers": headers, "query_string": b"", "subprotocols": []}
        try:
            await self._app(inner, connection.receive, connection.send)
        except Exception as error:  # its text may hold what a person wrote
            self._notice.say(f"适配器未能处理 OneBot 连接（{type(error).__name__}）")
            connection.cut()
        finally:
            del self._open[self_id]  # still this one: the next waits until it is gone
            connection.gone.set()
        await connection.close()

    def _recognize(self, scope: Scope, sent: Mapping[bytes, str]) -> str:
        if b"origin" in sent:
            raise Refusal(403, "OneBot 连接来自浏览器网页，已拒绝")
        client = address(Request({**scope, "type": "http"}))
        if not self._wrong.test(self._rate, client):
            raise Refusal(429, "同一地址多次以错误的 token 连接 OneBot，一分钟内不再受理")
        scheme, _, token = sent.get(b"authorization", "").partition(" ")
        same = hmac.compare_digest(token.strip().encode("latin-1"), self._token.encode())
        if scheme.lower() not in _SCHEMES or not same:
            self._wrong.hit(self._rate, client)
            raise Refusal(401, "OneBot 连接没有带 token，或 token 不对")
        self_id = sent.get(b"x-self-id", "")
        if not _SELF_ID.fullmatch(self_id):
            raise Refusal(400, "OneBot 连接的 X-Self-ID 不是 QQ 号")
        if sent.get(b"x-client-role", "Universal").lower() != "universal":
            raise Refusal(400, "OneBot 连接的 X-Client-Role 不是 Universal")
        return self_id


class Connection:
    """One connection, as the adapter sees it. `gone` is set once the adapter has let go of it."""

    def __init__(self, self_id: str, receive: Receive, send: Send, notice: Notice) -> None:
        self.gone = asyncio.Event()
        self._self_id = self_id
        self._receive = receive
        self._send = send
        self._notice = notice
        self._begun = False
        self._cut = False
        self._waiting: asyncio.Timeout | None = None
        self._asked: dict[str, None] = {}

    def cut(self) -> None:
        """Have the adapter believe that the connection has ended, whatever the other end does."""
        if not self._cut and self._waiting:
            self._waiting.reschedule(asyncio.get_running_loop().time())
        self._cut = True

    async def close(self) -> None:
        """Tell the other end, if it was cut off and is still there."""
        if self._cut:
            with suppress(Exception):
                await self._send({"type": "websocket.close", "code": REPLACED, "reason": ""})

    async def receive(self) -> Message:
        """The next message that the adapter can take."""
        if not self._begun:
            self._begun = True
            return {"type": "websocket.connect"}
        with suppress(TimeoutError):  # cut off while waiting
            while not self._cut:
                message = await self._next()
                if message["type"] != "websocket.receive":
                    return message
                try:
                    return {"type": "websocket.receive", "text": self._sift(message)}
                except ValueError as error:
                    self._notice.say(f"已略过 OneBot 的一帧：{error}")
        return {"type": "websocket.disconnect", "code": REPLACED, "reason": ""}

    async def send(self, message: Message) -> None:
        """Send what the adapter sends, and remember what it asks."""
        if self._cut:
            return
        if message["type"] == "websocket.send":
            self._asked[json.loads(message["text"])["echo"]] = None
            if len(self._asked) > MOST_ASKED:
                del self._asked[next(iter(self._asked))]
        await self._send(message)

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await self._receive()
        finally:
            self._waiting = None

    def _sift(self, message: Message) -> str:
        """A frame as the adapter can take it. ValueError, with the reason in Chinese, if it cannot."""
        data = message.get("bytes") or (message.get("text") or "").encode(errors="replace")
        if len(data) > LARGEST_FRAME:
            raise ValueError("超过 1 MiB")
        try:
            frame = read_object(data)
        except ValueError:
            raise ValueError("不是合格的 JSON 对象") from None
        if "post_type" in frame:
            frame = self._event(frame)
        else:
            echo = frame.get("echo")
            if not isinstance(echo, str) or echo not in self._asked:
                raise ValueError("回应的不是本站发出的请求")
            del self._asked[echo]
        return write_object(frame).decode()

    def _event(self, frame: dict[str, Any]) -> dict[str, Any]:
        """An event that the adapter can read; it would write any other to its log, with all that is in it."""
        if str(frame.get("self_id")) != self._self_id:
            raise ValueError("事件不属于所连接的账号")
        try:
            if frame["post_type"] == "message":
                frame = _message(frame)
                Adapter.event_models.get_model(frame)[0].model_validate(dict(frame))  # a copy: it adds to what it gets
            else:
                Adapter.event_models.get_model(frame)[-1].model_validate(frame)  # the adapter falls back on this one
        except (ValueError, TypeError, AttributeError, LookupError):  # pydantic's ValidationError is a ValueError
            raise ValueError("无法读取的事件") from None
        return frame


def _message(frame: dict[str, Any]) -> dict[str, Any]:
    """A message with what the adapter asks for and some clients leave out. ValueError if it is of another kind.

    Of the sender's own data clients send this and that, some in forms that the adapter cannot read; few are needed.
    """
    if frame.get("message_type") not in _MESSAGES:
        raise ValueError("neither private nor in a group")
    sender = frame.get("sender")
    known = (
        {name: value for name, value in sender.items() if isinstance(value, str)} if isinstance(sender, dict) else {}
    )
    known = {name: known[name] for name in _KNOWN_OF_SENDER if name in known}
    frame = {name: value for name, value in frame.items() if value is not None and name not in _OURS}
    if isinstance(segments := frame.get("message"), list):
        frame["message"] = [_segment(each) for each in segments]
    return {"font": 0, "raw_message": "", "sub_type": "normal", **frame, "sender": known}


def _segment(segment: Any) -> dict[str, Any]:
    """A part of a message as the standard has it: what is told of it are texts. ValueError if it is none.

    Clients give numbers as such, and more besides, a whole forwarded chat, say; of that nothing is read.
    """
    kind, data = (segment.get("type"), segment.get("data") or {}) if isinstance(segment, dict) else (None, None)
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise ValueError("no segment")  # noqa: TRY004 - what was sent is wrong, not what the caller passed
    data = {name: str(value) for name, value in data.items() if isinstance(value, str | int | float)}
    if kind == "text" and "text" not in data:
        raise ValueError("no text")
    return {"type": kind, "data": data}
