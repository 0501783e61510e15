"""Who of the staff is asking: a login's cookie or another program's key, and what they may do.

A cookie is sent by the browser on its own, so whatever changes something must also bring the session's CSRF token,
which no other site can read. A key is sent on purpose and needs none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Request, Response
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from bot.account import Accounts
from bot.api.dep import Serving
from bot.model import Role, Staff
from bot.store.base import StoreError

COOKIE: Final = "staff"
PATH: Final = "/api/staff"
ROLES: Final[tuple[Role, ...]] = ("agent", "lead", "admin")
"""From the least to the most that may be done."""

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_cookie = APIKeyCookie(
    name=COOKIE,
    scheme_name="staffSession",
    description="The cookie of a login; whatever is not GET needs `X-CSRF-Token` besides.",
    auto_error=False,
)
_key = APIKeyHeader(
    name="X-API-Key",
    scheme_name="staffKey",
    description="A key that an administrator made; `Authorization: Bearer` is taken as well.",
    auto_error=False,
)
_bearer = HTTPBearer(scheme_name="staffBearer", description="The same key as `X-API-Key`.", auto_error=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings to be known by: a session's token or a key."""

    token: str | None
    key: str | None

    def caller(self, accounts: Accounts, *, touch: bool = True) -> Caller | None:
        """Whose they are; None where they are nobody's, or nobody's any more. A key goes before a session."""
        if self.key is not None:
            staff = accounts.by_key(self.key, touch=touch)
            return None if staff is None else Caller(staff, None)
        found = accounts.session(self.token, touch=touch) if self.token else None
        return None if found is None else Caller(found[1], found[0].csrf)


@dataclass(frozen=True, slots=True)
class Caller:
    """A member of staff who is logged in, and the session's CSRF token; a key has none."""

    staff: Staff
    csrf: str | None


def set_cookie(response: Response, request: Request, token: str, lasting: timedelta) -> None:
    """Give the browser a login's token, for the API and the console, which no script and no other site can use."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lasting.total_seconds()),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def drop_cookie(response: Response, request: Request) -> None:
    """Let the browser forget it."""
    response.delete_cookie(COOKIE, secure=request.url.scheme == "https", httponly=True, samesite="strict")


async def same_site(request: Request) -> None:
    """Refuse what a browser says another site has sent."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise HTTPException(403, "不接受来自其他网站的请求。")


async def credentials(
    token: Annotated[str | None, Depends(_cookie)],
    key: Annotated[str | None, Depends(_key)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Credentials:
    """What the request brings."""
    return Credentials(token, key or (bearer.credentials.strip() if bearer else None) or None)


Brought = Annotated[Credentials, Depends(credentials)]


async def works(accounts: Accounts, request: Request) -> bool:
    """Whether a request comes from somebody of the staff; whether they may do what they ask for, the route says."""
    brought = await credentials(await _cookie(request), await _key(request), await _bearer(request))
    try:
        return await run_in_threadpool(brought.caller, accounts, touch=False) is not None
    except StoreError:  # nor can the route say who it is: it answers 503
        return False


def known(brought: Brought, request: Request, serving: Serving) -> Caller:
    """Whoever is asking; 401 where nobody is logged in, 403 where a change lacks the CSRF token."""
    caller = brought.caller(serving.accounts)
    if caller is None:
        said = "登录已过期，请重新登录。" if brought.token and not brought.key else "请先登录。"
        raise HTTPException(401, "密钥无效。" if brought.key else said, {"WWW-Authenticate": "Bearer"})
    if caller.csrf is not None and request.method not in _SAFE:
        given = request.headers.get("X-CSRF-Token", "")
        if not secrets.compare_digest(given.encode(), caller.csrf.encode()):
            raise HTTPException(403, "页面已过期，请刷新后重试。")
    return caller


Known = Annotated[Caller, Depends(known)]


async def signed_in(caller: Known) -> Staff:
    """The member of staff who is asking."""
    return caller.staff


SignedIn = Annotated[Staff, Depends(signed_in)]


def require(role: Role) -> Callable[[Staff], None]:
    """A dependency that refuses whoever may do less than that role, with 403."""

    def required(staff: SignedIn) -> None:
        if ROLES.index(staff.role) < ROLES.index(role):
            raise HTTPException(403, "没有权限进行这项操作。")

    return required
