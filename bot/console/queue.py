"""The queue, live, and all tickets that ever were, to look one up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot import wording
from bot.api.dep import Service, Serving, lookup
from bot.api.staff_schema import QueueItem
from bot.api.staff_view import names_of, queue_of
from bot.console.page import ROOT, Member, partial, render
from bot.desk import Desk
from bot.model import TicketStatus
from bot.ticket import OPEN

router = APIRouter(dependencies=[Depends(lookup)])

PAGE: Final = 50
SHOWN: Final = 100
"""Waiting tickets that are drawn at once: more make no one quicker, and are drawn anew with each change."""
LONGEST: Final = 200
LONGEST_NUMBER: Final = 16
LARGEST: Final = 2**53
_ENDED: Final[tuple[TicketStatus, ...]] = ("resolved", "closed")
STATES: Final[dict[str, tuple[str, tuple[TicketStatus, ...]]]] = {
    "": ("全部", (*sorted(OPEN), *_ENDED)),
    "open": ("未结束", tuple(sorted(OPEN))),
    "ended": ("已结束", _ENDED),
}
"""What tickets can be looked through by: the word for it, and the states."""

Key = Annotated[str, Query(max_length=LONGEST)]


@router.get("/queue")
def queue(
    request: Request, serving: Serving, caller: Member, system: Key = "", reason: Key = "", mine: Key = ""
) -> HTMLResponse:
    """What waits, the longest wait first, and what is worked on, one's own first; drawn anew whenever it changes."""
    every, me = queue_of(serving), caller.staff.name

    def wanted(items: Sequence[QueueItem]) -> list[QueueItem]:
        return [item for item in items if system in ("", item.system) and reason in ("", item.reason)]

    def theirs(item: QueueItem) -> bool:
        return item.assignee is None or item.assignee.name != me

    waiting = [] if mine else wanted(every.waiting)
    assigned = sorted(wanted(every.assigned), key=lambda item: (theirs(item), not item.unread))
    return render(
        request,
        "queue_list.html" if partial(request) else "queue.html",
        here="queue",
        total=every.total,
        waiting=waiting[:SHOWN],
        found=len(waiting) if system or reason else every.total,
        assigned=[item for item in assigned if not (mine and theirs(item))],
        me=me,
        chosen={"system": system, "reason": reason, "mine": mine},
        filtered=bool(system or reason or mine),
        duration=duration,
        **_choices(serving),
    )


@router.get("/tickets")
def tickets(
    request: Request,
    serving: Serving,
    caller: Member,
    number: Key = "",
    state: Key = "",
    system: Key = "",
    reason: Key = "",
    mine: Key = "",
    before: Annotated[int, Query(ge=1, le=LARGEST)] = LARGEST,
) -> Response:
    """All tickets, the latest first, page by page; a number leads to its ticket."""
    typed = number.strip().lstrip("#")
    wanted = int(typed) if typed.isdecimal() and len(typed) < LONGEST_NUMBER else 0
    if serving.store.read(lambda transaction: transaction.ticket(wanted)):
        return RedirectResponse(f"{ROOT}/tickets/{wanted}", status_code=303)
    listed = serving.store.read(
        lambda transaction: transaction.tickets_before(
            before,
            STATES.get(state, STATES[""])[1],
            system=system or None,
            reason=reason or None,
            assignee=caller.staff.name if mine else None,
            limit=PAGE + 1,
        )
    )
    return render(
        request,
        "tickets.html",
        here="queue",
        tickets=listed[:PAGE],
        more=listed[PAGE - 1].number if len(listed) > PAGE else None,
        names=names_of(serving),
        states=STATES,
        chosen={"state": state, "system": system, "reason": reason, "mine": mine},
        missing=number.strip()[:40],
        first=before == LARGEST,
        **_choices(serving),
    )


def system_names(desk: Desk) -> dict[str, str]:
    """What the systems are called, by their keys."""
    return {key: wording.system_name(key, desk.knowledge) for key in sorted(desk.systems)}


def _choices(serving: Service) -> dict[str, Any]:
    """What can be filtered by: systems and reasons, by their keys."""
    desk = serving.bot.desk
    labels = {name: each.dossier.label for name, each in desk.reasons.items()}
    return {"systems": system_names(desk), "labels": labels}


def duration(seconds: int) -> str:
    """How long something has lasted, roughly: 「3 分钟」, 「2 小时 5 分」, 「3 天」."""
    minutes = seconds // 60
    if minutes < 1:
        return "不到 1 分钟"
    if minutes < 60:
        return f"{minutes} 分钟"
    if minutes < 24 * 60:
        return f"{minutes // 60} 小时 {minutes % 60} 分"
    return f"{minutes // (24 * 60)} 天"
