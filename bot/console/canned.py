"""Replies that staff keep ready: listed, looked for, added, changed, deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse

from bot import canned as replies
from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import Caller, require
from bot.console.page import Member, toasted
from bot.console.setting import draw
from bot.turn import LONGEST_TEXT

router = APIRouter(prefix="/settings/canned", dependencies=[Depends(lookup), Depends(require("lead"))])

Written = Annotated[str, Form(max_length=2 * LONGEST_TEXT)]
Typed = Annotated[str, Query(max_length=200)]


@router.get("")
def page(request: Request, serving: Serving, caller: Member, q: Typed = "", edit: Typed = "") -> HTMLResponse:
    """The replies that have `q` in them; one of them to be changed."""
    return _page(request, serving, caller, q, edit)


@router.post("")
def add(request: Request, serving: Serving, caller: Member, title: Written = "", text: Written = "") -> HTMLResponse:
    """Keep a reply ready."""
    replies.add(serving.store, title, _plain(text), caller.staff.name)
    return toasted(_page(request, serving, caller), "已添加常用语。")


@router.post("/{canned_id}")
def change(
    request: Request,
    serving: Serving,
    caller: Member,
    canned_id: str,
    title: Written = "",
    text: Written = "",
    seen: Annotated[str | None, Form()] = None,
) -> HTMLResponse:
    """Change a reply; `seen` says which version of it the page showed."""
    replies.change(serving.store, canned_id, title, _plain(text), caller.staff.name, seen)
    return toasted(_page(request, serving, caller), "已保存常用语。")


@router.post("/{canned_id}/drop")
def drop(request: Request, serving: Serving, caller: Member, canned_id: str) -> HTMLResponse:
    """Keep a reply ready no longer."""
    replies.drop(serving.store, canned_id, caller.staff.name)
    return toasted(_page(request, serving, caller), "已删除常用语。")


def _page(request: Request, serving: Service, caller: Caller, q: str = "", edit: str = "") -> HTMLResponse:
    kept = serving.store.read(lambda transaction: transaction.canned())
    sought = q.strip().casefold()
    found = [each for each in kept if sought in f"{each.title}\n{each.text}".casefold()]
    edited = next((each for each in kept if each.id == edit), None)
    return draw(request, caller, "canned", found=found, total=len(kept), q=q, edited=edited, longest=LONGEST_TEXT)


def _plain(text: str) -> str:
    """A text without the line ends that forms are sent with."""
    return text.replace("\r\n", "\n")
