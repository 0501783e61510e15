"""For administrators: accounts of staff, and keys for other programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse

from bot.account import LONGEST_DISPLAY, LONGEST_LABEL, LONGEST_PASSWORD, SHORTEST_PASSWORD
from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import Caller, require
from bot.console.page import Member, toasted
from bot.console.setting import draw
from bot.live import QUEUE
from bot.model import Role

router = APIRouter(prefix="/settings", dependencies=[Depends(lookup), Depends(require("admin"))])

Written = Annotated[str, Form(max_length=1024)]
Chosen = Annotated[Role, Form()]
Typed = Annotated[str, Query(max_length=200)]


@router.get("/accounts")
def accounts(request: Request, serving: Serving, caller: Member, edit: Typed = "") -> HTMLResponse:
    """All accounts; one of them to be changed."""
    return _accounts(request, serving, caller, edit)


@router.post("/accounts")
def add(
    request: Request,
    serving: Serving,
    caller: Member,
    role: Chosen,
    name: Written = "",
    display: Written = "",
    password: Written = "",
) -> HTMLResponse:
    """Make an account."""
    staff = serving.accounts.add(name.strip(), display, role, password, by=caller.staff.name)
    return toasted(_accounts(request, serving, caller), f"已添加账号 {staff.name}。")


@router.post("/accounts/{name}")
def change(
    request: Request,
    serving: Serving,
    caller: Member,
    name: str,
    role: Chosen,
    display: Written = "",
    password: Written = "",
    was: Annotated[Role | None, Form()] = None,
) -> HTMLResponse:
    """Change an account; the password stays where none is given.

    So does the role where it is what it `was` on the page, lest a page left open gives back what somebody has lost.
    """
    chosen = None if role == was else role
    serving.accounts.change(name, display=display, role=chosen, password=password or None, by=caller.staff.name)
    serving.live.changed(QUEUE)
    return toasted(_accounts(request, serving, caller), f"已保存账号 {name}。")


@router.post("/accounts/{name}/rest")
def rest(request: Request, serving: Serving, caller: Member, name: str) -> HTMLResponse:
    """Let an account rest; what it has in hand goes back to the queue."""
    serving.accounts.change(name, active=False, by=caller.staff.name)
    serving.live.changed(QUEUE)
    return toasted(_accounts(request, serving, caller), f"账号 {name} 已停用。")


@router.post("/accounts/{name}/wake")
def wake(request: Request, serving: Serving, caller: Member, name: str) -> HTMLResponse:
    """Let an account that rests be used again."""
    serving.accounts.change(name, active=True, by=caller.staff.name)
    return toasted(_accounts(request, serving, caller), f"账号 {name} 已启用。")


@router.get("/keys")
def keys(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """All keys."""
    return _keys(request, serving, caller)


@router.post("/keys")
def add_key(request: Request, serving: Serving, caller: Member, role: Chosen, label: Written = "") -> HTMLResponse:
    """Make a key. This page alone shows it."""
    secret, key = serving.accounts.add_key(label, role, by=caller.staff.name)
    page = _keys(request, serving, caller, secret=secret, label=key.label)
    page.headers["Cache-Control"] = "no-store"
    return page


@router.post("/keys/{key_id}/void")
def void(request: Request, serving: Serving, caller: Member, key_id: str) -> HTMLResponse:
    """Void a key; what it has in hand goes back to the queue."""
    serving.accounts.drop_key(key_id, by=caller.staff.name)
    serving.live.changed(QUEUE)
    return toasted(_keys(request, serving, caller), "密钥已作废。")


def _accounts(request: Request, serving: Service, caller: Caller, edit: str = "") -> HTMLResponse:
    staff = serving.accounts.all()
    return draw(
        request,
        caller,
        "accounts",
        staff=staff,
        edited=next((each for each in staff if each.name == edit), None),
        longest_display=LONGEST_DISPLAY,
        passwords=(SHORTEST_PASSWORD, LONGEST_PASSWORD),
    )


def _keys(request: Request, serving: Service, caller: Caller, secret: str = "", label: str = "") -> HTMLResponse:
    kept = serving.accounts.keys()
    return draw(request, caller, "keys", keys=kept, secret=secret, label=label, longest_label=LONGEST_LABEL)
