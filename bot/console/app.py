"""The console, an application of its own inside the other: its errors are pages, or words for the page that is open."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import State

from bot.api.problem import Refusal, install
from bot.api.staff_caller import same_site
from bot.console import (
    analytics,
    canned,
    doubt,
    draft,
    entry,
    knowledge,
    login,
    qq,
    queue,
    roster,
    search,
    setting,
    target,
    threshold,
    ticket,
    version,
)
from bot.console.page import ROOT, partial, render

PARTS: Final = (
    login,
    search,
    queue,
    ticket,
    doubt,
    knowledge,
    draft,
    version,
    entry,
    analytics,
    setting,
    canned,
    qq,
    roster,
    target,
    threshold,
)
TITLES: Final = {403: "没有权限", 404: "没有找到", 429: "请稍后再试"}


def create_console(state: State) -> FastAPI:
    """The console over the same service as the application it is part of."""
    app = FastAPI(title="控制台", openapi_url=None, dependencies=[Depends(changes_from_here)])
    app.state = state
    install(app, refuse)
    for part in PARTS:
        app.include_router(part.router)
    return app


async def changes_from_here(request: Request) -> None:
    """Refuse changes that a browser says another site has sent; a link from elsewhere may lead here."""
    if request.method != "GET":
        await same_site(request)


def refuse(request: Request, refusal: Refusal) -> Response:
    """An error as the console shows it: the login, words for the open page (htmx), or a page of its own."""
    if refusal.status == 401:
        return _to_login(request)
    if partial(request) or request.method != "GET":
        return PlainTextResponse(refusal.detail, refusal.status, refusal.headers)
    title = TITLES.get(refusal.status, "出错了")
    page = render(request, "error.html", status=refusal.status, title=title, detail=refusal.detail)
    page.headers.update(refusal.headers or {})
    return page


def _to_login(request: Request) -> Response:
    if partial(request):
        return Response(status_code=401, headers={"HX-Redirect": f"{ROOT}/login"})
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # The browser kept the cookie back, since a link of another site leads here; this page's own step brings it.
        return render(request, "arrival.html", where=where)
    return RedirectResponse(f"{ROOT}/login?next={quote(where)}", status_code=303)
