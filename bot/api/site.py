"""Which pages may talk to the server: its own, and for what visitors do those of the sites that the operator named.

Browsers say in `Origin` whose page a request comes from. One from anywhere else is refused before anything happens,
since a reply that a page cannot read has done its deed all the same; that refusal it may read, so that the widget can
say why nothing works there. For the sites named, replies carry the headers of CORS, errors among them; without
credentials: a visitor holds a token, and the cookies of staff are no business of theirs. Whoever sends no `Origin` is
no page of another site: a program, or a browser that asks for a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import Headers
from starlette.types import Scope

from bot.origin import Origins, serialize

VISITORS: Final = re.compile(r"/api/(?:(?:chat|conversations|entries)(?:/.*)?|suggest|systems|widget)", re.DOTALL)
"""What a page of another site may ask for."""

FOREIGN: Final = "这个网页没有使用本咨询服务的权限，请联系网站管理员。"
BOUND: Final = "本页面只能咨询所属系统的问题。"

_SYSTEM: Final = "widget_system"
"""Where a request's scope says which system its site is bound to."""
_GRANT: Final = {"Access-Control-Expose-Headers": "Retry-After", "Cross-Origin-Resource-Policy": "cross-origin"}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "7200",  # the most that Chromium keeps it for
}


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request may do: `refused`, or go on with `headers` to be on the reply; `preflight` is only asked ahead."""

    headers: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False
    preflight: bool = False


class Sites:
    """The sites that an operator named, and which system each is bound to."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def receive(self, scope: Scope) -> Visit:
        """What a request may do; its scope is told which system its site is bound to."""
        sent = [value.decode("latin1") for name, value in scope["headers"] if name == b"origin"]
        visitors = VISITORS.fullmatch(scope["path"]) is not None
        vary = {"Vary": "Origin"} if visitors else {}
        if not sent or (len(sent) == 1 and _own(sent[0], scope)):
            return Visit(vary)
        origin = sent[0]
        if len(sent) > 1 or not visitors:
            return Visit(vary, refused=True)
        readable = {**vary, "Access-Control-Allow-Origin": origin}
        if origin not in self._origins:
            return Visit(readable, refused=True)
        scope[_SYSTEM] = self._origins[origin]
        grant = {**readable, **_GRANT}
        asked = scope["method"] == "OPTIONS" and b"access-control-request-method" in dict(scope["headers"])
        return Visit({**grant, **_PREFLIGHT}, preflight=True) if asked else Visit(grant)


def about(system: str | None, request: Request) -> str | None:
    """The system that a request is about: what it names, or what its site is bound to; 403 where those differ."""
    bound: str | None = request.scope.get(_SYSTEM)
    if bound is not None and system and system != bound:
        raise HTTPException(403, BOUND)
    return bound or system


async def _about(request: Request) -> str | None:
    return about(None, request)


Bound = Annotated[str | None, Depends(_about)]
"""The system that the request's site is bound to."""


def _own(origin: str, scope: Scope | dict[str, Any]) -> bool:
    """Whether a page of this very server asks.

    TLS mostly ends in front of us, and not every proxy says so: an https page of the same host is ours, too. Where a
    proxy changes the host, the browser's own word tells; no script can set that.
    """
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if origin in {serialize(scope["scheme"], host), serialize("https", host)}:
        return True
    return origin != "null" and headers.get("sec-fetch-site") == "same-origin"
