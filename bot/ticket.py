"""What may become of a ticket: its states, and the changes between them. Pure.

    collecting → waiting → assigned → resolved | closed
                    ↑         │            │
                    └─────────┴────────────┘   released, or reopened by a new message

A ticket is collecting while its form is filled in, waits for a person once it is handed in, is assigned to the one who
takes it, and ends resolved, or closed without a deed. Whoever changes a ticket goes through `change`, so that a state
reached otherwise does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.model import Ticket, TicketStatus

OPEN: Final[frozenset[TicketStatus]] = frozenset({"collecting", "waiting", "assigned"})
LEGAL: Final[dict[TicketStatus, frozenset[TicketStatus]]] = {
    "collecting": frozenset({"waiting", "closed"}),
    "waiting": frozenset({"assigned", "closed"}),
    "assigned": frozenset({"assigned", "waiting", "resolved", "closed"}),
    "resolved": frozenset({"waiting", "closed"}),
    "closed": frozenset({"waiting"}),
}


class IllegalChange(Exception):
    """The ticket is not in a state from which that may happen; staff read the Chinese text."""


def change(ticket: Ticket, status: TicketStatus, now: datetime, assignee: str | None = None) -> Ticket:
    """The ticket in its next state. `assignee` is needed for "assigned" and for nothing else.

    Raises IllegalChange where the change is not legal.
    """
    if status not in LEGAL.get(ticket.status, frozenset()) or (status == "assigned") != (assignee is not None):
        raise IllegalChange(f"受理单 {ticket.number} 目前为“{NAMES[ticket.status]}”，不能改为“{NAMES[status]}”。")
    ended = now if status in ("resolved", "closed") else None
    return replace(
        ticket,
        status=status,
        updated_at=now,
        assignee=assignee if status == "assigned" else ticket.assignee if ended else None,
        asked=None,
        waiting_since=now if status == "waiting" and ticket.status != "assigned" else ticket.waiting_since,
        taken_at=ticket.taken_at or (now if status == "assigned" else None),
        ended_at=ended,
    )


def reopenable(ticket: Ticket, now: datetime, within: timedelta) -> bool:
    """Whether a new message of the visitor reopens the ticket: it was handed in once, and ended not long ago."""
    return ticket.ended_at is not None and ticket.waiting_since is not None and now - ticket.ended_at <= within


NAMES: Final[dict[TicketStatus, str]] = {
    "offered": "可申请",
    "collecting": "填写中",
    "waiting": "等待处理",
    "assigned": "处理中",
    "resolved": "已解决",
    "closed": "已关闭",
}
"""What people read."""
