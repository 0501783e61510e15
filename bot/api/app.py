"""The web application, put together from its parts. Nothing here answers a question or decides one."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from fastapi import FastAPI, HTTPException
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot.account import Accounts
from bot.agent import Agents
from bot.api import chat, conversation, health, lookup, problem, schema, staff, staff_schema, widget
from bot.api.album import Album
from bot.api.dep import Service
from bot.api.fork import Fork
from bot.api.guard import Guard
from bot.api.holder import holds
from bot.api.limit import Budget, Limit, Places
from bot.api.ready import Ready
from bot.api.site import Sites
from bot.api.staff_caller import works
from bot.audition import Audition
from bot.console.app import create_console
from bot.demand import Demand
from bot.dialogue import Bot
from bot.invitation import Invitations
from bot.ledger import Ledger
from bot.library import Library
from bot.picture import PictureFolder
from bot.preference import Preferences
from bot.review import Review
from bot.settings import Settings
from bot.store.base import Store

if TYPE_CHECKING:
    from bot.qq.exchange import Exchange

THREADS: Final = 16
"""Enough for as many pictures, logins and works of the store at once as those have turns for."""

WEB = Path(__file__).parent.parent / "web"

MOST_TICKETS: Final = "10/day"
"""Tickets handed in from one conversation."""
MOST_WINDOWS: Final = 8
"""Streams of one conversation: tabs and reconnects, not more."""

_TICKETS: Final = "转人工的申请太多了"
_WINDOWS: Final = "打开的窗口太多了，请关闭一些后再试。"
_LATER: Final = {"Retry-After": "10"}


def create_app(
    bot: Bot,
    store: Store,
    settings: Settings,
    library: Library | None = None,
    preferences: Preferences | None = None,
) -> FastAPI:
    """The application that serves `bot`; `store` is asked for readiness."""
    preferences = preferences or Preferences(store, settings)
    pictures = PictureFolder(settings.pictures)
    album = Album(bot, pictures, Budget(settings.pictures, settings.picture_budget_mb * 1024**2))
    exchange = _exchange(bot, store, settings, album, pictures)
    accounts = Accounts(store)
    preferences.call(lambda changed: bot.tune(changed.thresholds, changed.office))
    # The interactive documentation would load scripts from elsewhere; the document itself is at /openapi.json.
    app = FastAPI(
        title="在线咨询",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        responses=problem.responses(431, 500),
        lifespan=partial(_living, exchange),
    )
    app.state.service = Service(
        bot=bot,
        store=store,
        agents=Agents(store, bot.live, lambda: {name: reason.dossier for name, reason in bot.desk.reasons.items()}),
        accounts=accounts,
        pictures=pictures,
        ready=Ready(store),
        library=library or Library(store, settings, bot),
        preferences=preferences,
        audition=Audition(bot, settings.faq_documents, settings.data_dir / "rehearsal"),
        demand=Demand(store),
        ledger=Ledger(store),
        review=Review(store, lambda: bot.desk, settings.office.cold_after),
        settings=settings,
        messages=Limit(settings.rate_per_address),
        conversations=Limit(settings.rate_per_conversation),
        lookups=Limit(settings.rate_lookups),
        tickets=Limit(settings.rate_tickets, _TICKETS),
        tickets_of_conversation=Limit(MOST_TICKETS, _TICKETS),
        streams=Places(settings.most_streams, HTTPException(503, "现在咨询的人太多了，请稍后再试。", _LATER)),
        streams_of_address=Places(settings.most_streams_per_address, HTTPException(429, _WINDOWS, _LATER)),
        streams_of_conversation=Places(MOST_WINDOWS, HTTPException(429, _WINDOWS, _LATER)),
        album=album,
        exchange=exchange,
        invitations=Invitations(bot, store, settings.public_url) if settings.public_url else None,
    )
    problem.install(app)
    for part in (chat, conversation, lookup, widget, staff, health):
        app.include_router(part.router)
    app.mount("/console", create_console(app.state))
    app.router.routes.extend(widget.static_routes())
    app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)(page)
    app.api_route("/join", methods=["GET", "HEAD"], include_in_schema=False)(joining)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    app.add_middleware(Guard, holds=partial(holds, bot), works=partial(works, accounts), sites=Sites(settings.origins))
    if exchange is not None:
        app.add_middleware(Fork, exchange=exchange.app)
    if settings.trusted_proxies:
        # Written out as networks: the middleware takes no other spelling, and would trust nobody without a word.
        trusted = [str(ipaddress.ip_network(proxy, strict=False)) for proxy in settings.trusted_proxies]
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    return app


def _exchange(bot: Bot, store: Store, settings: Settings, album: Album, pictures: PictureFolder) -> Exchange | None:
    """The exchange for QQ, where a way there is set up."""
    if settings.qq_apps is None and settings.onebot_token is None:
        return None
    from bot.qq.exchange import Exchange  # noqa: PLC0415 — brings NoneBot, which most do without

    return Exchange(bot, store, settings, lambda holder, data: album.keep(holder, data).id, pictures.read)


@asynccontextmanager
async def _living(exchange: Exchange | None, _: FastAPI) -> AsyncIterator[None]:
    """The application's life.

    The threads that routes run in are bounded: each costs memory, and two cores answer no faster with more of them.
    """
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    async with exchange.running() if exchange is not None else nullcontext():
        yield


async def page() -> FileResponse:
    """The chat page."""
    return FileResponse(WEB / "page.html")


async def joining() -> FileResponse:
    """The page that invitations lead to."""
    return FileResponse(WEB / "join.html")


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; errors are problems there too, not FastAPI's own shape."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document["components"]["schemas"]
        schemas["Problem"] = schema.Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for name, shape in schemas.items():
            if "examples" in shape:  # Once more, with the nulls that get_openapi leaves out.
                model = getattr(schema, name, None) or getattr(staff_schema, name)
                shape["examples"] = model.model_json_schema()["examples"]
        app.openapi_schema = document
    return app.openapi_schema
