"""What a page needs for the widget: its files, and what is to be shown before a word was said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bot import reception
from bot.api import schema
from bot.api.dep import Serving, lookup
from bot.api.problem import responses
from bot.api.site import about

router = APIRouter(prefix="/api", tags=["widget"], dependencies=[Depends(lookup)])

STATIC: Final = Path(__file__).parent.parent / "web" / "static"
"""All that is served as it is; sources and templates lie beside it."""
EMBEDDED: Final = ("widget.js", "widget.css")
"""Files that pages of any site may load."""
WELCOME: Final = 6
"""Questions that are shown before a word was said."""


class Embedded:
    """ASGI application: one file, under an address of its own that is never to change, for pages of any site."""

    def __init__(self, files: StaticFiles, name: str) -> None:
        self._files = files
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the file."""
        response = await self._files.get_response(self._name, scope)
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        for spare in ("Last-Modified", "Accept-Ranges"):  # the ETag says as much
            if spare in response.headers:
                del response.headers[spare]
        await response(scope, receive, send)


def static_routes(folder: Path = STATIC) -> list[Route | Mount]:
    """Routes to the files of a folder, packed where the browser takes that."""
    files = StaticFiles(directory=folder)
    embedded = [Route(f"/{name}", GZipMiddleware(Embedded(files, name)), include_in_schema=False) for name in EMBEDDED]
    return [*embedded, Mount("/static", GZipMiddleware(files), name="static")]


@router.get("/widget", responses=responses(403, 404, 422, 429))
def widget(
    request: Request,
    serving: Serving,
    system: Annotated[str | None, Query(description="The system that the page is about.")] = None,
) -> schema.Welcome:
    """What to show before a word was said: the systems, what is asked most, and when staff are there."""
    desk = serving.bot.desk
    system = about(system, request) or None
    if system is not None and system not in desk.systems:
        raise HTTPException(404, "没有这个系统，请检查系统标识。")
    presence = reception.presence(serving.bot.office.hours, datetime.now(UTC))
    return schema.Welcome(
        systems=[
            schema.SystemBrief.model_validate(each)
            for each in desk.knowledge.catalog.systems
            if system is None or each.key == system
        ],
        system=system,
        most_asked=[
            schema.Option.model_validate(option) for option in desk.examples(system, serving.demand.counts(), WELCOME)
        ],
        open=presence.open,
        hours=presence.hours,
        opens=presence.opens,
    )
