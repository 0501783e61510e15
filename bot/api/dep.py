"""What routes share: the bot and the limits of the application they belong to, and who is asking.

All of them are coroutines: they wait for nothing, and FastAPI would give every plain function a thread.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, HTTPException, Request

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.settings import Settings
from bot.store.base import Store


@dataclass(frozen=True, slots=True)
class Service:
    """Everything the routes serve from."""

    bot: Bot
    store: Store
    settings: Settings
    messages: Limit
    conversations: Limit
    lookups: Limit


async def service(request: Request) -> Service:
    """The application's service."""
    return cast(Service, request.app.state.service)


Serving = Annotated[Service, Depends(service)]


def address(request: Request) -> str:
    """The client's address; behind a trusted proxy the one that the proxy names."""
    return request.client.host if request.client else "unknown"


async def lookup(request: Request, serving: Serving) -> None:
    """Count a look-up against its address."""
    serving.lookups.spend(address(request))


async def bearer(authorization: Annotated[str | None, Header(include_in_schema=False)] = None) -> str | None:
    """The token of an `Authorization: Bearer` header, or None without one."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


Token = Annotated[str | None, Depends(bearer)]


async def staff(
    serving: Serving,
    token: Token,
    x_api_key: Annotated[str | None, Header(description="The API key, when one is set.")] = None,
) -> None:
    """Refuse whoever does not bring the API key, when one is set."""
    wanted = serving.settings.api_key
    if wanted is not None and not secrets.compare_digest(
        (x_api_key or token or "").encode(), wanted.get_secret_value().encode()
    ):
        raise HTTPException(401, "请提供正确的 API 密钥。", {"WWW-Authenticate": "Bearer"})
