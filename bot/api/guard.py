"""What stands before every request: caps on headers and body, security headers on every response, one log line.

Nothing escapes it: an unexpected error becomes a problem like any other, with the same headers. The log line has no
query, no address and no token: what visitors type must not end up in logs.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import Final
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import picture
from bot.api.problem import problem
from bot.mask import mask

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 32 * 1024
"""Bytes. A text of 2,000 characters takes at most 24 kB, were each written as an escaped surrogate pair."""

PICTURES: Final = re.compile("/api/conversations/[^/]*/pictures")
"""Where pictures are sent up, which are larger and take longer; few at once, since each is held in memory."""
MOST_PICTURES: Final = 4
PICTURE_SECONDS: Final = 60.0

LARGEST_HEADERS: Final = 16 * 1024

BODY_SECONDS: Final = 10.0
"""How long a body may take to arrive; the slowest sender would otherwise hold its connection for ever."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pictures = asyncio.Semaphore(MOST_PICTURES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                # Replies are nobody else's; files are asked for anew (by ETag) lest an upgrade meet an old script.
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/api/") else "no-cache")
            await send(message)

        try:
            await self._serve(scope, receive, guarded)
        except Exception:
            if status:  # Half a response is out: the server says so in its log and drops the connection.
                raise
            log.exception("unexpected error")
            await problem(500)(scope, receive, guarded)
        finally:
            # Quoted, since the path comes decoded and a line break in it would begin a line of its own.
            took = (time.perf_counter() - started) * 1e3
            log.info("%s %s %s %.0f ms", scope["method"], quote(mask(scope["path"]), errors="replace"), status, took)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
            await problem(431)(scope, receive, send)
            return
        if scope["method"] != "POST" or not PICTURES.fullmatch(scope["path"]):
            await self._take(scope, receive, send, LARGEST_BODY, BODY_SECONDS)
        elif self._pictures.locked():
            await problem(503, headers={"Retry-After": "3"})(scope, receive, send)
        else:
            async with self._pictures:
                await self._take(scope, receive, send, picture.LARGEST, PICTURE_SECONDS)

    async def _take(self, scope: Scope, receive: Receive, send: Send, largest: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                body = await _body(scope, receive, largest)
        except TimeoutError:
            await problem(408, headers={"Connection": "close"})(scope, receive, send)
            return
        if body is None:
            await problem(413)(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)


async def _body(scope: Scope, receive: Receive, largest: int) -> bytes | None:
    """The whole body, or None as soon as it is larger than `largest` bytes."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > largest:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > largest:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once, then whatever else comes (a disconnect)."""
    pending = [body]

    async def replayed() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replayed
