"""Logging in to the console and out of it, and changing one's own password."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot.account import AccountError, LoginFailed, LoginThrottled
from bot.api.dep import Serving, address, lookup
from bot.api.staff_caller import Brought, drop_cookie, set_cookie
from bot.console.page import ROOT, Member, render

router = APIRouter(dependencies=[Depends(lookup)])

LONGEST: Final = 1024
Text = Annotated[str, Form(max_length=LONGEST)]


def local(path: str) -> str:
    """Where to go after the login: a page of the console, never another site, and no longer than the form takes."""
    inside = path.startswith(f"{ROOT}/") and "//" not in path and "\\" not in path
    return path if inside and len(path) <= LONGEST else f"{ROOT}/"


@router.get("/login")
def form(request: Request, next: str = "") -> HTMLResponse:  # noqa: A002 — the name of the query parameter
    """The form to log in with."""
    return render(request, "login.html", next=local(next), name="", trouble="")


@router.post("/login")
def login(
    request: Request,
    serving: Serving,
    brought: Brought,
    name: Text = "",
    password: Text = "",
    next: Text = "",  # noqa: A002
) -> Response:
    """Log in; told in the same words whatever was wrong."""
    try:
        token, _, _ = serving.accounts.login(name.strip(), password, address(request))
    except (LoginFailed, LoginThrottled) as error:
        status = 429 if isinstance(error, LoginThrottled) else 401
        return render(request, "login.html", status=status, next=local(next), name=name, trouble=str(error))
    if brought.token:
        serving.accounts.logout(brought.token)
    response = RedirectResponse(local(next), status_code=303)
    set_cookie(response, request, token, serving.accounts.absolute)
    return response


@router.post("/logout")
def logout(request: Request, serving: Serving, brought: Brought, _: Member) -> Response:
    """Log out."""
    if brought.token:
        serving.accounts.logout(brought.token)
    response = Response(headers={"HX-Redirect": f"{ROOT}/login"})
    drop_cookie(response, request)
    return response


@router.get("/account")
def account(request: Request, _: Member) -> HTMLResponse:
    """One's own account."""
    return render(request, "account.html", here="account")


@router.post("/account/password")
def password(
    request: Request, serving: Serving, caller: Member, old: Text = "", new: Text = "", again: Text = ""
) -> Response:
    """Change one's own password; every other login of this account ends."""
    if new != again:
        raise HTTPException(422, "两次输入的新密码不一致。")
    try:
        token, _, _ = serving.accounts.renew(caller.staff.name, old, new, address(request))
    except LoginFailed as error:
        raise HTTPException(422, "原密码不正确。") from error
    except AccountError as error:
        raise HTTPException(422, str(error)) from error
    response = Response(headers={"HX-Redirect": f"{ROOT}/account?changed=1"})
    set_cookie(response, request, token, serving.accounts.absolute)
    return response
