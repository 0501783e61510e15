"""What routes share: the bot and the limits of the application they belong to, and who is asking.

All of them are coroutines: they wait for nothing, and FastAPI would give every plain function a thread.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from fastapi import Depends, Header, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from bot.account import Accounts
from bot.agent import Agents
from bot.api.album import Album
from bot.api.limit import Limit, Places
from bot.api.ready import Ready
from bot.audition import Audition
from bot.demand import Demand
from bot.dialogue import Bot
from bot.invitation import Invitations
from bot.ledger import Ledger
from bot.library import Library
from bot.live import Live
from bot.picture import PictureFolder
from bot.preference import Preferences
from bot.review import Review
from bot.settings import Settings
from bot.store.base import Store

if TYPE_CHECKING:
    from bot.qq.exchange import Exchange  # brings NoneBot, which most do without


@dataclass(frozen=True, slots=True)
class Service:
    """Everything the routes serve from."""

    bot: Bot
    store: Store
    agents: Agents
    accounts: Accounts
    pictures: PictureFolder
    ready: Ready
    library: Library
    preferences: Preferences
    audition: Audition
    demand: Demand
    ledger: Ledger
    review: Review
    settings: Settings
    messages: Limit
    conversations: Limit
    lookups: Limit
    tickets: Limit
    tickets_of_conversation: Limit
    streams: Places
    streams_of_address: Places
    streams_of_conversation: Places
    album: Album
    exchange: Exchange | None
    invitations: Invitations | None

    @property
    def live(self) -> Live:
        """Who is listening."""
        return self.bot.live


async def service(request: Request) -> Service:
    """The application's service."""
    return cast(Service, request.app.state.service)


Serving = Annotated[Service, Depends(service)]


def address(request: Request) -> str:
    """What a client's requests are counted for: its IPv4 address, or the /64 that an IPv6 host has to itself.

    Behind a trusted proxy it is that of the address the proxy names. Whatever is no address is "unknown", one and the
    same for all, lest made-up names have an allowance each.
    """
    try:
        host = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    if isinstance(host, ipaddress.IPv6Address):
        if host.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(host), 64), strict=False))
        host = host.ipv4_mapped
    return str(host)


async def lookup(request: Request, serving: Serving) -> None:
    """Count a look-up against its address."""
    serving.lookups.spend(address(request))


_conversation_token = HTTPBearer(
    scheme_name="conversationToken",
    description="The `conversation_token` of a conversation's first reply.",
    auto_error=False,
)
_api_key = APIKeyHeader(
    name="X-API-Key",
    scheme_name="apiKey",
    description="The API key, when one is set; `Authorization: Bearer` is taken as well.",
    auto_error=False,
)
OPTIONAL: Final[dict[str, Any]] = {"security": [{}]}
"""What a route adds to its OpenAPI operation when it can also do without credentials."""


async def bearer(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_conversation_token)],
) -> str | None:
    """The token of an `Authorization: Bearer` header, or None without one."""
    return credentials.credentials.strip() or None if credentials else None


Token = Annotated[str | None, Depends(bearer)]


async def staff(
    serving: Serving,
    x_api_key: Annotated[str | None, Depends(_api_key)],
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> None:
    """Refuse whoever does not bring the API key, when one is set."""
    wanted = serving.settings.api_key
    scheme, _, token = (authorization or "").partition(" ")
    brought = x_api_key or (token.strip() if scheme.lower() == "bearer" else "")
    if wanted is not None and not secrets.compare_digest(brought.encode(), wanted.get_secret_value().encode()):
        raise HTTPException(401, "请提供正确的 API 密钥。", {"WWW-Authenticate": "Bearer"})
