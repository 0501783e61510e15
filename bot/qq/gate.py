"""Gate: what stands before NoneBot's application and lets through what is surely from QQ, in a form that it can take.

Two ways lead in: POST /qq/webhook for the callbacks of the official platform and the WebSocket /onebot/v11/ws for
OneBot clients. All else under /qq/ and /onebot/ is not found, OneBot's reports by HTTP among it: they would make a bot
of whatever number they name.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.qq.callback import Callback, Passed
from bot.qq.connection import Connections
from bot.qq.receipt import Receipts
from bot.qq.refusal import Notice, Refusal

CALLBACK: Final = "/qq/webhook"
SOCKET: Final = "/onebot/v11/ws"
LARGEST_BODY: Final = 256 * 1024
"""Bytes of a callback."""
BODY_SECONDS: Final = 10.0
"""How long a callback may take to arrive."""
KEPT_WITHIN: Final = 4.0
"""Seconds until a callback is answered without knowing that its message is kept; the platform gives up after five."""


class Gate:
    """ASGI middleware before NoneBot's application, `app`.

    `bots` are the secrets of the official platform's bots by their AppID, `onebot_token` is what OneBot clients must
    know; without them, that way is not there. `receipts` say whether a message is kept, before which its callback is
    not acknowledged. `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        app: ASGIApp,
        receipts: Receipts,
        *,
        bots: Mapping[str, str],
        onebot_token: str | None,
        clock: Callable[[], float] = time.time,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._receipts = receipts
        self._notice = Notice(clock)
        self._callback = Callback(bots, clock, self._notice) if bots else None
        self._connections = Connections(app, onebot_token, self._notice) if onebot_token else None
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a connection, or refuse it."""
        if scope["type"] == "http":
            try:
                response = await self._answer(scope, receive)
            except Refusal as refusal:
                self._notice.say(refusal.reason)
                response = Response(status_code=refusal.status, headers={"Connection": "close"})
            except ClientDisconnect:
                return
            await response(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()  # "websocket.connect", after which it may be refused
            try:
                if self._connections is None or scope["path"] != SOCKET:
                    await _deny(scope, send, 404)
                else:
                    await self._connections.serve(scope, _single(scope), receive, send)
            except Refusal as refusal:
                self._notice.say(refusal.reason)
                await _deny(scope, send, refusal.status)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        if self._callback is None or scope["path"] != CALLBACK or scope["method"] != "POST":
            return Response(status_code=404)
        headers = _single(scope)
        app_id = self._callback.recognize(headers)
        passed = self._callback.take(app_id, headers, await _body(receive, self._body_seconds))
        if passed is None:
            return Response()
        if passed.message is None:
            return await self._ask(scope, passed)
        with self._receipts.expect(passed.message) as kept:
            response = await self._ask(scope, passed)
            if response.status_code == 200 and not await _settled(kept):
                response.status_code = 503  # it comes again
        return response

    async def _ask(self, scope: Scope, passed: Passed) -> Response:
        """The adapter's response. Refusal, which has the platform try again later, where it failed."""
        response = Response()
        pending = [passed.body]

        async def give() -> Message:
            if pending:
                return {"type": "http.request", "body": pending.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code = message["status"]
            else:
                response.body += message.get("body", b"")

        headers = [(b"host", b"localhost"), *passed.headers]
        try:
            await self._app({**scope, "headers": headers, "query_string": b""}, give, keep)
        except Exception as error:  # its text may hold what a person wrote
            raise Refusal(503, f"适配器未能处理回调（{type(error).__name__}），平台会再次推送") from None
        # A new one, whose length fits.
        return Response(bytes(response.body), response.status_code, media_type="application/json")


def _single(scope: Scope) -> dict[bytes, str]:
    """The headers that came once; one that came twice could be read in two ways and counts as an empty one."""
    often = Counter(name for name, _ in scope["headers"])
    return {name: value.decode("latin-1") if often[name] == 1 else "" for name, value in scope["headers"]}


async def _body(receive: Receive, seconds: float) -> bytes:
    """The whole body; Refusal if it is too large or slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY:
                    raise Refusal(413, "回调的内容超过 256 KiB")
                more = message.get("more_body", False)
    except TimeoutError:
        raise Refusal(408, "回调的内容迟迟没有传完") from None
    return bytes(body)


async def _settled(kept: asyncio.Future[bool]) -> bool:
    """Whether a message is kept; Refusal where that is not known in time."""
    try:
        return await asyncio.wait_for(kept, KEPT_WITHIN)
    except TimeoutError:  # if it is kept after all, nothing happens when it comes again
        raise Refusal(503, "平台推送的消息没有及时保存，平台会再次推送") from None


async def _deny(scope: Scope, send: Send, status: int) -> None:
    """Refuse a connection with a status where the server can (uvicorn can), else with its own."""
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
