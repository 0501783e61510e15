"""What stands before every request: whose page asks, caps on headers and body, headers on every response, a log line.

A picture is larger than any other body and costs more to deal with. So who sends one must hold the conversation or be
of the staff, has his turn only once the picture has arrived, and one address cannot take all turns. What strangers send
is not read.

Nothing escapes it: an unexpected error becomes a problem like any other, with the same headers. The log line has no
query, no address and no token: what visitors type must not end up in logs.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from fastapi import HTTPException
from fastapi.security.utils import get_authorization_scheme_param
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import picture
from bot.api.dep import address
from bot.api.limit import Places
from bot.api.problem import problem
from bot.api.site import FOREIGN, Sites, Visit
from bot.mask import mask

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 32 * 1024
"""Bytes. A text of 2,000 characters takes at most 24 kB, were each written as an escaped surrogate pair."""

PRIVATE: Final = re.compile("/(api|console)(/|$)")
"""What no browser may keep: replies are nobody else's, nor is a page of the console once somebody has logged out.
Files are only asked for anew (by ETag), lest an upgrade meet an old script."""
PICTURES: Final = re.compile("/api/(?:conversations/([^/]*)|staff/tickets/[^/]*)/pictures")
"""Where pictures are sent up."""
PICTURE_SECONDS: Final = 60.0
"""How long a picture may take to arrive."""
MOST_FROM_ADDRESS: Final = 3
"""Pictures from one address that arrive or are dealt with; fewer than MOST_PICTURES, or it could take all turns."""
MOST_HELD: Final = 128 * 1024 * 1024
"""Bytes of pictures in memory, as far as they have arrived."""
MOST_PICTURES: Final = 4
"""Pictures that are dealt with at once, each of which keeps a thread."""
PICTURE_PATIENCE: Final = 10.0
"""Seconds that a picture waits for its turn."""

_CROWDED: Final = "同时上传的图片太多了，请稍后再试。"

LARGEST_HEADERS: Final = 16 * 1024

BODY_SECONDS: Final = 10.0
"""How long a body may take to arrive; the slowest sender would otherwise hold its connection for ever."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # stricter would have browsers send "Origin: null" with our own forms
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PARTS: Final = ("text/javascript", "application/javascript", "text/css")
OF_PARTS: Final = ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
"""Those that say something of a script or a style sheet; the others are for documents."""


class Guard:
    """ASGI middleware. `holds` says whether a token is that of a conversation, by their id and text, at once.

    `works` says whether a request comes from somebody of the staff.
    """

    def __init__(
        self,
        app: ASGIApp,
        holds: Callable[[str, str], bool],
        works: Callable[[Request], Awaitable[bool]],
        sites: Sites,
    ) -> None:
        self._app = app
        self._holds = holds
        self._works = works
        self._sites = sites
        self._arriving = Places(MOST_FROM_ADDRESS, HTTPException(429, _CROWDED, {"Retry-After": "3"}))
        self._turns = asyncio.Semaphore(MOST_PICTURES)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        visit = self._sites.receive(scope)

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in visit.headers.items():
                    headers.append(name, value)
                # Scripts and styles are no documents: for them the rest would be half a kilobyte in every page.
                part = headers.get("Content-Type", "").startswith(PARTS)
                for name, value in SECURITY_HEADERS.items():
                    if name in OF_PARTS or not part:
                        headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store" if PRIVATE.match(scope["path"]) else "no-cache")
            await send(message)

        try:
            await self._serve(visit, scope, receive, guarded)
        except Exception:
            if status:  # Half a response is out: the server says so in its log and drops the connection.
                raise
            log.exception("unexpected error")
            await problem(500)(scope, receive, guarded)
        finally:
            # Quoted, since the path comes decoded and a line break in it would begin a line of its own.
            took = (time.perf_counter() - started) * 1e3
            log.info("%s %s %s %.0f ms", scope["method"], quote(mask(scope["path"]), errors="replace"), status, took)

    async def _serve(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        if visit.refused:
            await problem(403, FOREIGN)(scope, receive, send)
            return
        if visit.preflight:
            await Response(status_code=204)(scope, receive, send)
            return
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
            await problem(431)(scope, receive, send)
            return
        try:
            if scope["method"] == "POST" and (sent := PICTURES.fullmatch(scope["path"])):
                await self._take_picture(sent[1], scope, receive, send)
            else:
                body = await _body(scope, receive, LARGEST_BODY, BODY_SECONDS)
                await self._app(scope, _replay(body, receive), send)
        except HTTPException as error:
            await problem(error.status_code, error.detail, dict(error.headers or {}))(scope, receive, send)

    async def _may_send(self, conversation_id: str | None, scope: Scope) -> bool:
        """Whether a picture is the holder's of the conversation, or, without one, somebody's of the staff."""
        if conversation_id is None:
            return await self._works(Request(scope))
        scheme, token = get_authorization_scheme_param(Headers(scope=scope).get("authorization"))
        return scheme.lower() == "bearer" and self._holds(conversation_id, token.strip())

    async def _take_picture(self, conversation_id: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        if not await self._may_send(conversation_id, scope):
            await self._app(scope, _replay(b"", receive), send)  # the route says no, in the words of all others
            return
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            held += size
            self._held += size
            if self._held > MOST_HELD:
                raise HTTPException(503, _CROWDED, {"Retry-After": "10"})

        try:
            with self._arriving.take(address(Request(scope))):
                body = await _body(scope, receive, picture.LARGEST, PICTURE_SECONDS, hold)
                try:
                    async with asyncio.timeout(PICTURE_PATIENCE):
                        await self._turns.acquire()
                except TimeoutError:
                    raise HTTPException(503, _CROWDED, {"Retry-After": "3"}) from None
                try:
                    await self._app(scope, _replay(body, receive), send)
                finally:
                    self._turns.release()
        finally:
            self._held -= held


async def _body(
    scope: Scope, receive: Receive, largest: int, seconds: float, hold: Callable[[int], None] = lambda _: None
) -> bytes:
    """The whole body; `hold` is told the bytes of each part. HTTPException if it is larger than `largest`, or slow."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > largest:
        raise HTTPException(413, "")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return bytes(body)
                part = message.get("body", b"")
                hold(len(part))
                body += part
                if len(body) > largest:
                    raise HTTPException(413, "")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise HTTPException(408, "", {"Connection": "close"}) from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once, then whatever else comes (a disconnect)."""
    pending = [body]

    async def replayed() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replayed
