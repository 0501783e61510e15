"""Staff: logging in and out, and all that belongs to it. Every other route of theirs hangs on this router."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from bot.api import staff_desk, staff_event, staff_record, staff_ticket, staffing
from bot.api import staff_schema as shape
from bot.api.dep import Serving, address, lookup
from bot.api.problem import responses
from bot.api.staff_caller import PATH, Brought, Known, SignedIn, drop_cookie, same_site, set_cookie
from bot.model import Session, Staff

router = APIRouter(prefix=PATH, dependencies=[Depends(same_site), Depends(lookup)], responses=responses(429))
_login = APIRouter(tags=["staff"])


@_login.post("/login", responses=responses(400, 401, 403, 408, 413, 422, 429, 503))
def login(form: shape.Login, request: Request, response: Response, serving: Serving, brought: Brought) -> shape.Me:
    """Log in with name and password: a cookie comes along, and the CSRF token to send with changes.

    Refused in the same words whatever was wrong, and for a while after too many failures.
    """
    token, session, staff = serving.accounts.login(form.name, form.password.get_secret_value(), address(request))
    if brought.token:
        serving.accounts.logout(brought.token)
    set_cookie(response, request, token, serving.accounts.absolute)
    return _me(staff, session)


@_login.post("/logout", status_code=204, responses=responses(401, 403, 503))
def logout(request: Request, response: Response, serving: Serving, brought: Brought, _: SignedIn) -> None:
    """End the session; an API key has none."""
    if brought.token:
        serving.accounts.logout(brought.token)
    drop_cookie(response, request)


@_login.get("/me", responses=responses(401, 403, 503))
def me(caller: Known) -> shape.Me:
    """Who is logged in, and the CSRF token again."""
    return shape.Me(name=caller.staff.name, display=caller.staff.display, role=caller.staff.role, csrf=caller.csrf)


@_login.post("/password", responses=responses(400, 401, 403, 408, 413, 422, 429, 503))
def password(
    form: shape.PasswordChange, request: Request, response: Response, serving: Serving, caller: Known
) -> shape.Me:
    """Change one's own password. Every session ends, and a new one begins with a new cookie and CSRF token."""
    if caller.csrf is None:
        raise HTTPException(403, "API 密钥没有密码。")
    token, session, staff = serving.accounts.renew(
        caller.staff.name, form.old.get_secret_value(), form.new.get_secret_value(), address(request)
    )
    set_cookie(response, request, token, serving.accounts.absolute)
    return _me(staff, session)


def _me(staff: Staff, session: Session) -> shape.Me:
    return shape.Me(name=staff.name, display=staff.display, role=staff.role, csrf=session.csrf)


for part in (_login, staff_ticket.router, staff_event.router, staff_desk.router, staffing.router, staff_record.router):
    router.include_router(part)
