"""QQ: how the bots there stand, and what the bot does in which group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import Caller, require
from bot.console.page import Member, toasted
from bot.console.queue import system_names
from bot.console.setting import draw
from bot.model import Alteration
from bot.preference import Outdated
from bot.qq.model import Group, GroupMode, Platform
from bot.store.base import Transaction

router = APIRouter(prefix="/settings/qq", dependencies=[Depends(lookup), Depends(require("lead"))])

PLATFORMS: Final[Mapping[Platform, str]] = {"qq": "QQ 官方机器人", "onebot": "OneBot"}
MODES: Final[Mapping[GroupMode, str]] = {"answer": "回答", "quiet": "只回答有把握的", "off": "不说话"}
ANY: Final = "不限系统"

Written = Annotated[str, Form(max_length=200)]


@router.get("")
def page(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """How the bots stand, and the groups that were heard from."""
    return _page(request, serving, caller)


@router.post("")
def save(
    request: Request,
    serving: Serving,
    caller: Member,
    platform: Annotated[Platform, Form()],
    self_id: Written,
    group: Written,
    mode: Annotated[GroupMode, Form()],
    system: Written = "",
    seen: Written = "",
) -> HTMLResponse:
    """Set what a group is about and whether the bot speaks there; `seen` says what the page showed."""
    names = system_names(serving.bot.desk)

    def work(rows: Transaction) -> None:
        before = rows.group(platform, self_id, group)
        if before is None:
            raise HTTPException(404, "没有这个群。")
        if seen != stamp(before):
            raise Outdated
        if system and system not in names and system != before.system:
            raise HTTPException(404, "没有这个系统。")
        rows.set_group(platform, self_id, group, system or None, mode)
        was, now = _said(before.system, before.mode, names), _said(system, mode, names)
        if was != now:
            at, by = datetime.now(UTC), caller.staff.name
            rows.add_alteration(Alteration(at, by, f"QQ 群 {shortened(group)}", was, now))

    serving.store.write(work)
    return toasted(_page(request, serving, caller), "已保存，立即生效。")


def shortened(group_id: str) -> str:
    """A group's id as it is shown: enough to tell the groups apart."""
    return f"…{group_id[-6:]}"


def stamp(group: Group) -> str:
    """What is set for a group, to tell whether somebody else changed it meanwhile."""
    return f"{group.mode} {group.system or ''}"


def _said(system: str | None, mode: GroupMode, names: Mapping[str, str]) -> str:
    return f"{MODES[mode]}，{names.get(system, system) if system else ANY}"


def _page(request: Request, serving: Service, caller: Caller) -> HTMLResponse:
    return draw(
        request,
        caller,
        "qq",
        connections=None if serving.exchange is None else serving.exchange.connections(),
        groups=serving.store.read(lambda rows: rows.groups()),
        platforms=PLATFORMS,
        modes=MODES,
        any=ANY,
        systems=system_names(serving.bot.desk),
        shortened=shortened,
        stamp=stamp,
    )
