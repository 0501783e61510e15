"""Handing over to a person: tickets opened, handed in, cancelled, reopened and expired, each within a transaction.

Every change goes through `ticket.change` and leaves a line in the ticket's history; what staff must hear of becomes a
notice in the same transaction, so that a crash can neither lose nor invent one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import form as forms
from bot import wait, wording
from bot.contact import has_phone
from bot.dossier import Dossier
from bot.escalation import Reason
from bot.form import Form
from bot.hours import Hours, say_when
from bot.mask import mask
from bot.model import Conversation, Escalation, Ticket, TicketEvent
from bot.notify import Notice
from bot.store.base import Transaction
from bot.ticket import OPEN, change, reopenable


@dataclass(frozen=True, slots=True)
class Office:
    """When staff are there, and how long things last.

    `cold_after`: a conversation at rest for so long starts afresh. `reopen_within`: so long after a ticket ended a new
    message reopens it. `expire_after`: so long after anything happened to a waiting ticket it is closed.
    `unattended_after`: so long at rest in a person's hands a conversation goes back to the queue.
    """

    hours: Hours
    cold_after: timedelta = timedelta(hours=2)
    reopen_within: timedelta = timedelta(days=3)
    expire_after: timedelta = timedelta(days=30)
    unattended_after: timedelta = timedelta(hours=24)


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
    """A new ticket that collects. One that collects for another reason is cancelled, and lends what it has.

    So does one whose form was left behind. What was `heard` before is kept, without personal data, only where nothing
    is asked, and so no consent either.
    """
    lent: dict[str, str] = {}
    for other in transaction.tickets(conversation.id):
        if other.status == "collecting":
            end(transaction, other, "cancelled", "visitor", now, "改办其他事项")
        elif other.status != "closed" or other.waiting_since is not None:
            continue
        fields = {field.name for field in reason.dossier.fields if not field.heard or other.reason == reason.name}
        lent |= {name: value for name, value in other.fields.items() if value and name in fields}
    if reason.dossier.at_once and heard:
        lent |= {field.name: mask(heard) for field in reason.dossier.fields if field.heard}
    ticket = transaction.add_ticket(conversation.id, reason.name, system=system, now=now)
    ticket = with_form(ticket, replace(forms.begin(), fields=lent), now)
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
    """The ticket, closed: "cancelled" by the visitor, "expired", or "closed" by staff.

    What a form collected that the visitor leaves is forgotten.
    """
    left = kind == "cancelled" and ticket.status == "collecting"
    ticket = replace(change(ticket, "closed", now), fields={} if left else ticket.fields)
    transaction.update_ticket(ticket)
    transaction.add_event(TicketEvent(ticket.number, now, actor, kind, detail))
    return ticket


def release(
    transaction: Transaction, conversation: Conversation, actor: str, now: datetime, detail: str = ""
) -> Conversation:
    """The conversation, the bot's again; what its owner had in hand waits once more, and the visitor is told.

    With a `detail` it was not the owner's own doing, and staff are told as well.
    """
    for ticket in transaction.tickets(conversation.id):
        if ticket.status == "assigned":
            waiting = change(ticket, "waiting", now)
            transaction.update_ticket(waiting)
            transaction.add_event(TicketEvent(ticket.number, now, actor, "released", detail))
            if detail:
                tell(transaction, waiting, Dossier(_label(transaction, waiting), ""), "ticket.waiting", detail, now)
    transaction.add_message(conversation.id, "bot", wording.RELEASED, now=now)
    conversation = replace(conversation, owner=None, updated_at=now)
    transaction.update_conversation(conversation)
    return conversation


def let_go(transaction: Transaction, name: str, now: datetime) -> None:
    """Release all that a member of staff has in hand who will not come back to it."""
    for ticket in transaction.tickets_in(["assigned"], limit=10**6):
        conversation = transaction.conversation(ticket.conversation_id)
        if ticket.assignee == name and conversation is not None and conversation.owner == name:
            release(transaction, conversation, "bot", now, "原接待人员已停用")


def outlook(transaction: Transaction, ticket: Ticket, office: Office, now: datetime) -> str:
    """What a visitor may expect of a ticket that waits or is worked on."""
    if ticket.status == "assigned":
        return wording.BEING_WORKED_ON
    hours, before = office.hours, transaction.position(ticket) - 1
    if not hours.open_at(now):
        opening = hours.next_opening(now)
        told = wording.off_hours(hours.describe(), say_when(opening, now)) if opening else wording.UNSTAFFED
        return told if has_phone(ticket) else told + wording.LEAVE_PHONE
    waits = transaction.waits(now - wait.RECENT, wait.WAITS)
    expected = wait.expect(waits, hours, before, hours.worked(ticket.waiting_since or now, now))
    broken = expected is not None and hours.worked(now, now + expected) < expected
    return wording.queued(before, expected, broken=broken)


def _label(transaction: Transaction, ticket: Ticket) -> str:
    """What a ticket was called when it was opened."""
    opened = (event.detail for event in transaction.events(ticket.number) if event.kind == "opened")
    return next(opened, "") or ticket.reason


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
