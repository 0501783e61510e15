"""Settings: the frame that its pages share, when staff are there, and what was changed lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse

from bot.account import KEY, OPERATOR
from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import Caller, require
from bot.console.page import ROOT, Member, may, render, toasted
from bot.hours import NAMES, SHANGHAI, Hours, knows_holidays, say_spans
from bot.model import Role
from bot.preference import LONGEST, BadPreference, stamp

router = APIRouter(prefix="/settings", dependencies=[Depends(lookup), Depends(require("lead"))])

HOURS: Final = ("working_hours", "holidays", "workdays")
MOST_ALTERATIONS: Final = 200

Written = Annotated[str, Form(max_length=LONGEST)]
Typed = Annotated[str, Query(max_length=LONGEST)]


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the settings, for everybody from that role upwards."""

    key: str
    title: str
    role: Role = "lead"

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{ROOT}/settings/{self.key}"


TABS: Final = (
    Tab("hours", "上班时间"),
    Tab("canned", "常用语"),
    Tab("qq", "QQ"),
    Tab("accounts", "账号", "admin"),
    Tab("keys", "密钥", "admin"),
    Tab("targets", "通知", "admin"),
    Tab("thresholds", "阈值", "admin"),
    Tab("history", "最近的改动"),
)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the preview: its hours in words ("" for none), and why they are not those of its weekday."""

    date: date
    weekday: str
    hours: str
    why: str


def draw(request: Request, caller: Caller, tab: str, **values: Any) -> HTMLResponse:
    """The page of a tab, from its template."""
    tabs = [each for each in TABS if may(caller, each.role)]
    return render(request, f"setting_{tab}.html", here="settings", tab=tab, tabs=tabs, **values)


def people(serving: Service) -> Mapping[str, str]:
    """What members of staff and programs are called, by what the history calls them."""
    named = {staff.name: staff.display for staff in serving.accounts.all()}
    held = serving.accounts.keys()
    keys = {KEY + key.id: f"密钥 {key.label}" for key in held}
    return {**named, **keys, OPERATOR: "命令行"}


def week(hours: Hours, today: date) -> list[Day]:
    """Next week, from Monday on."""
    monday = today + timedelta(days=7 - today.weekday())
    days = [monday + timedelta(days=number) for number in range(7)]
    return [Day(day, NAMES[day.weekday()], say_spans(hours.of(day)), _why(hours, day)) for day in days]


@router.get("")
@router.get("/hours")
def hours(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """When staff are there."""
    return _hours(request, serving, caller)


@router.get("/hours/week")
def preview(
    request: Request, serving: Serving, _: Member, working_hours: Typed = "", holidays: Typed = "", workdays: Typed = ""
) -> HTMLResponse:
    """Next week, by hours that are being written."""
    try:
        tried = serving.preferences.tried(_written(working_hours, holidays, workdays)).office.hours
    except BadPreference as error:
        return render(request, "setting_week.html", trouble=str(error), days=[], hours=None)
    return render(request, "setting_week.html", trouble="", days=week(tried, _today()), hours=tried)


@router.post("/hours")
def save_hours(
    request: Request,
    serving: Serving,
    caller: Member,
    working_hours: Written = "",
    holidays: Written = "",
    workdays: Written = "",
    seen: Annotated[str | None, Form()] = None,
) -> HTMLResponse:
    """Set when staff are there; `seen` says which hours the page showed."""
    serving.preferences.put(_written(working_hours, holidays, workdays), caller.staff.name, seen)
    return toasted(_hours(request, serving, caller), "已保存，立即生效。")


@router.post("/hours/default")
def default_hours(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """Let the environment say again when staff are there."""
    serving.preferences.drop(HOURS, caller.staff.name)
    return toasted(_hours(request, serving, caller), "已恢复默认，立即生效。")


@router.get("/history")
def history(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """What was changed lately, by whom."""
    found = serving.store.read(lambda transaction: transaction.alterations(MOST_ALTERATIONS))
    return draw(request, caller, "history", alterations=found, people=people(serving), most=MOST_ALTERATIONS)


def _hours(request: Request, serving: Service, caller: Caller) -> HTMLResponse:
    preferences = serving.preferences
    in_force = preferences.settings.office.hours
    return draw(
        request,
        caller,
        "hours",
        settings=preferences.settings,
        seen=stamp(HOURS, preferences.settings),
        defaults=preferences.defaults,
        kept=[preferences.kept[name] for name in HOURS if name in preferences.kept],
        people=people(serving),
        days=week(in_force, _today()),
        hours=in_force,
        trouble="",
        open=in_force.open_at(datetime.now(UTC)),
        unknown=[year for year in (_today().year, _today().year + 1) if not knows_holidays(year)],
    )


def _written(working_hours: str, holidays: str, workdays: str) -> dict[str, str]:
    if not working_hours.strip():  # which would mean never, and mostly is an accident
        raise BadPreference("请填写每周的上班时间；没有人工客服请写「从不」。")
    return {"working_hours": working_hours, "holidays": holidays, "workdays": workdays}


def _why(hours: Hours, day: date) -> str:
    if day in hours.holidays or day in hours.workdays:
        return "设为上班日" if day in hours.workdays else "设为休息日"
    return {True: "调休上班", False: "法定节假日", None: ""}[hours.exception(day)]


def _today() -> date:
    return datetime.now(SHANGHAI).date()
