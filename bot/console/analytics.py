"""Figures for leads: what was asked, what came of it, and how long people waited; as pages, charts and CSV."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import require
from bot.console.figure import FEW, Names, Period, charts, lasting, share
from bot.console.page import Member, render
from bot.console.qq import PLATFORMS
from bot.hours import SHANGHAI
from bot.metric import Figures
from bot.qq.sending import sendings
from bot.sheet import sheet

router = APIRouter(dependencies=[Depends(lookup), Depends(require("lead"))])

PERIODS: Final = (7, 30, 90)
MOST_DAYS: Final = 366
YEARS: Final = range(2000, 2100)
MOST_SHOWN: Final = 20
"""Rows of a table on the page; all of them are in the CSV."""

Text = Annotated[str, Query(max_length=200)]


def period(
    days: Text = "",
    begin: Annotated[str, Query(alias="from", max_length=20)] = "",
    end: Annotated[str, Query(alias="to", max_length=20)] = "",
) -> Period:
    """The days that are asked for: the last so many, or from one to another, both included; else the last 30."""
    today = datetime.now(SHANGHAI).date()
    if days == "" and begin and end:
        first, last = _date(begin), _date(end)
        if last < first:
            raise HTTPException(422, "开始日期应不晚于结束日期。")
        if (last - first).days >= MOST_DAYS:
            raise HTTPException(422, f"一次最多统计 {MOST_DAYS} 天，请缩短时间段。")
        return Period(first, last, None)
    many = int(days) if days in map(str, PERIODS) else 30
    return Period(today - timedelta(days=many - 1), today, many)


Chosen = Annotated[Period, Depends(period)]


@router.get("/analytics")
def analytics(request: Request, serving: Serving, _: Member, chosen: Chosen, system: Text = "") -> HTMLResponse:
    """The figures of a period."""
    figures, hours = _figures(serving, chosen, system), serving.bot.office.hours
    qq = serving.exchange and serving.store.read(lambda rows: sendings(rows, *chosen.bounds))
    names = _names(serving)
    return render(
        request,
        "analytics.html",
        here="analytics",
        figures=figures,
        charts=charts(figures, names, chosen),
        period=chosen,
        periods=PERIODS,
        system=system,
        systems=names.systems,
        shown=MOST_SHOWN,
        few=FEW,
        lasting=lasting,
        share=share,
        qq=qq,
        platforms=PLATFORMS,
        hours=hours.describe() if any(hours.week) else None,
        nothing=not (figures.conversations or figures.visitor_messages or any(figures.tickets.deeds.values())),
    )


@router.get("/analytics/{name}.csv")
def table(serving: Serving, _: Member, name: str, chosen: Chosen, system: Text = "") -> Response:
    """A table of the page as a file; what visitors wrote is in none."""
    found = charts(_figures(serving, chosen, system), _names(serving), chosen).get(name)
    if found is None:
        raise HTTPException(404, "没有这张表。")
    about = f"{name}-{system}" if system else name
    file = f"{about}-{chosen.first:%Y%m%d}-{chosen.last:%Y%m%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    body = sheet([column.title for column in found.columns], found.rows)
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def _figures(serving: Service, chosen: Period, system: str) -> Figures:
    if system and system not in serving.bot.desk.systems:
        raise HTTPException(404, "没有这个系统。")
    return serving.ledger.figures(*chosen.bounds, system or None, serving.bot.office)


def _names(serving: Service) -> Names:
    desk = serving.bot.desk
    return Names(
        systems={system.key: system.name for system in desk.knowledge.catalog.systems},
        entries={entry.id: entry.question for entry in desk.knowledge.entries},
        reasons={name: reason.dossier.label for name, reason in desk.reasons.items()},
    )


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise HTTPException(422, "日期应写成 2026-10-01 的形式。") from None
    if found.year not in YEARS:
        raise HTTPException(422, f"年份应在 {YEARS.start} 至 {YEARS.stop - 1} 之间。")
    return found
