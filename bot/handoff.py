"""Handing over to a person: tickets opened, handed in, cancelled, reopened and expired, each within a transaction.

Every change goes through `ticket.change` and leaves a line in the ticket's history; what staff must hear of becomes a
notice in the same transaction, so that a crash can neither lose nor invent one.
"""

from __future__ import annotations

import statistics
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot import form as forms
from bot import wording
from bot.dossier import Dossier
from bot.escalation import Reason
from bot.form import Form
from bot.hours import Hours, say_when
from bot.mask import mask
from bot.model import Conversation, Escalation, Ticket, TicketEvent
from bot.notify import Notice
from bot.store.base import Transaction
from bot.ticket import OPEN, change, reopenable

WAITS: Final = 20
"""How many of the last waits make up the expected one; with fewer than FEWEST nothing is promised."""
FEWEST: Final = 5
RECENT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Office:
    """When staff are there, and how long things last.

    `cold_after`: a conversation at rest for so long starts afresh. `reopen_within`: so long after a ticket ended a new
    message reopens it. `expire_after`: so long after anything happened to a waiting ticket it is closed.
    """

    hours: Hours
    cold_after: timedelta = timedelta(hours=2)
    reopen_within: timedelta = timedelta(days=3)
    expire_after: timedelta = timedelta(days=30)


def form_of(ticket: Ticket) -> Form:
    """The form that a collecting ticket is."""
    return Form(ticket.fields, ticket.asked, ticket.tries)


def with_form(ticket: Ticket, form: Form, now: datetime) -> Ticket:
    """The ticket with its form as it is now."""
    return replace(ticket, fields=dict(form.fields), asked=form.asked, tries=form.tries, updated_at=now)


def escalation(ticket: Ticket, dossier: Dossier) -> Escalation:
    """The hand-over as a reply shows it."""
    return Escalation(ticket.reason, dossier.label, ticket.status, ticket.number)


def open_ticket(
    transaction: Transaction,
    conversation: Conversation,
    reason: Reason,
    heard: str | None,
    system: str | None,
    now: datetime,
) -> Ticket:
    """A new ticket that collects. One that collects for another reason is cancelled, and lends what it has."""
    lent: dict[str, str] = {}
    for other in transaction.tickets(conversation.id):
        if other.status == "collecting":
            end(transaction, other, "cancelled", "visitor", now, "改办其他事项")
            lent = {name: value for name, value in other.fields.items() if value and reason.dossier.field(name)}
    ticket = transaction.add_ticket(conversation.id, reason.name, system=system, now=now)
    form = forms.begin(reason.dossier, heard)
    ticket = with_form(ticket, replace(form, fields={**lent, **form.fields}), now)
    transaction.update_ticket(ticket)
    transaction.add_event(TicketEvent(ticket.number, now, "visitor", "opened", reason.dossier.label))
    return ticket


def hand_in(
    transaction: Transaction, ticket: Ticket, dossier: Dossier, now: datetime, actor: str = "visitor"
) -> Ticket:
    """The ticket, waiting for a person from now on."""
    left = forms.missing(dossier, ticket.fields)
    detail = f"未提供：{'、'.join(field.label for field in left)}" if left else ""
    ticket = change(ticket, "waiting", now)
    transaction.update_ticket(ticket)
    transaction.add_event(TicketEvent(ticket.number, now, actor, "handed_in", detail))
    tell(transaction, ticket, dossier, "ticket.waiting", forms.summary(dossier, ticket.fields), now)
    return ticket


def reopen(
    transaction: Transaction,
    tickets: list[Ticket],
    office: Office,
    dossiers: dict[str, Dossier],
    said: str,
    now: datetime,
) -> Ticket | None:
    """The conversation's last ticket, reopened by a new message; None where there is nothing to reopen."""
    ended = [ticket for ticket in tickets if reopenable(ticket, now, office.reopen_within)]
    if not ended or any(ticket.status in OPEN for ticket in tickets):
        return None
    last = max(ended, key=lambda ticket: (ticket.ended_at or ticket.updated_at, ticket.number))
    dossier = dossiers.get(last.reason, Dossier(last.reason, ""))
    ticket = change(last, "waiting", now)
    transaction.update_ticket(ticket)
    transaction.add_event(TicketEvent(ticket.number, now, "visitor", "reopened"))
    tell(transaction, ticket, dossier, "ticket.reopened", said, now)
    return ticket


def end(transaction: Transaction, ticket: Ticket, kind: str, actor: str, now: datetime, detail: str = "") -> Ticket:
    """The ticket, closed: "cancelled" by the visitor, "expired", or "closed" by staff."""
    ticket = change(ticket, "closed", now)
    transaction.update_ticket(ticket)
    transaction.add_event(TicketEvent(ticket.number, now, actor, kind, detail))
    return ticket


def release(
    transaction: Transaction, conversation: Conversation, actor: str, now: datetime, detail: str = ""
) -> Conversation:
    """The conversation, the bot's again; what its owner had in hand waits once more."""
    for ticket in transaction.tickets(conversation.id):
        if ticket.status == "assigned":
            waiting = change(ticket, "waiting", now)
            transaction.update_ticket(waiting)
            transaction.add_event(TicketEvent(ticket.number, now, actor, "released", detail))
    conversation = replace(conversation, owner=None, updated_at=now)
    transaction.update_conversation(conversation)
    return conversation


def outlook(transaction: Transaction, ticket: Ticket, office: Office, now: datetime) -> str:
    """What a visitor may expect of a ticket that waits or is worked on."""
    if ticket.status == "assigned":
        return wording.BEING_WORKED_ON
    if not office.hours.open_at(now):
        opening = office.hours.next_opening(now)
        return wording.off_hours(office.hours.describe(), say_when(opening, now) if opening else None)
    waits = transaction.waits(now - RECENT, WAITS)
    seconds = statistics.median(wait.total_seconds() for wait in waits) if len(waits) >= FEWEST else None
    expected = None if seconds is None else timedelta(seconds=seconds)
    return wording.queued(transaction.position(ticket) - 1, expected)


def tell(transaction: Transaction, ticket: Ticket, dossier: Dossier, kind: str, text: str, now: datetime) -> None:
    """Keep a notice to staff about a ticket; personal data in the text are hidden."""
    transaction.add_notice(
        Notice(
            id=uuid.uuid4().hex,
            kind=kind,
            ticket=ticket.number,
            label=dossier.label,
            system=ticket.system or "",
            text=mask(text),
            at=now,
        )
    )
