"""Where requests part: what comes from QQ has its own gate and adapters, all else the application."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIXES: Final = ("/qq/", "/onebot/")


class Fork:
    """ASGI middleware: what comes from QQ goes to `exchange`, all else to `app`."""

    def __init__(self, app: ASGIApp, exchange: ASGIApp) -> None:
        self._app, self._exchange = app, exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, a connection, or the application's life, which is the other's alone."""
        ours = scope["type"] != "lifespan" and scope["path"].startswith(PREFIXES)
        await (self._exchange if ours else self._app)(scope, receive, send)
