"""What becomes of tickets when a message is answered: deeds, done in the transaction that stores message and reply.

Each deed is made beforehand, on the conversation as seen, and takes the reply that was thought out to the reply that is
stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from bot import form as forms
from bot import handoff, say, wording
from bot.desk import Desk
from bot.escalation import Reason
from bot.handoff import Office
from bot.model import Conversation, Escalation, Reply, Step, Ticket, TicketEvent
from bot.seen import Seen
from bot.store.base import Transaction
from index.variant import is_courtesy

Deed: TypeAlias = Callable[[Transaction, Conversation, Reply], Reply]


@dataclass(frozen=True, slots=True)
class Deeds:
    """Makes deeds for one message."""

    desk: Desk
    office: Office
    seen: Seen
    system: str | None
    now: datetime
    public: bool = False

    def advancing(self, ticket: Ticket, reason: Reason, filled: forms.Filled) -> Deed:
        """Keep a form as it is after a message, or end it."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            if filled.state == "cancelled":
                kept = handoff.end(transaction, ticket, "cancelled", "visitor", self.now)
                return replace(reply, text=wording.CANCELLED, escalation=handoff.escalation(kept, reason.dossier))
            kept = handoff.with_form(ticket, filled.form, self.now)
            if filled.state == "done":
                return self._handed_in(transaction, kept, reason, reply, said="")
            transaction.update_ticket(kept)
            step = forms.step(reason.dossier, filled.form)
            return replace(reply, text=filled.said, escalation=handoff.escalation(kept, reason.dossier), step=step)

        return deed

    def handing_over(self, ticket: Ticket, reason: Reason) -> Deed:
        """Hand a form in as far as it got, for a visitor who wants a person now."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            lacking = wording.lacking([field.label for field in forms.missing(reason.dossier, ticket.fields)])
            return self._handed_in(transaction, ticket, reason, reply, said=wording.HANDED_OVER + lacking)

        return deed

    def _handed_in(self, transaction: Transaction, ticket: Ticket, reason: Reason, reply: Reply, *, said: str) -> Reply:
        ticket = handoff.hand_in(transaction, ticket, reason.dossier, self.now)
        outlook = handoff.outlook(transaction, ticket, self.office, self.now)
        text = wording.registered(reason.dossier.label, ticket.number, outlook, said + reason.dossier.done)
        return replace(reply, text=text, escalation=handoff.escalation(ticket, reason.dossier))

    def opening(self, reason: Reason, heard: str | None) -> Deed:
        """Open a ticket for a reason, or say how the one that is open stands."""
        already = self.seen.open_for(reason.name)
        if self.public:
            return _not_here(reason)

        def deed(transaction: Transaction, conversation: Conversation, reply: Reply) -> Reply:
            if already is not None:
                return self.standing([already])(transaction, conversation, reply)
            collecting = self.seen.collecting
            ticket = (
                collecting
                if collecting is not None and collecting.reason == reason.name
                else handoff.open_ticket(transaction, conversation, reason, heard, self._subject(reason), self.now)
            )
            if reason.dossier.at_once or not reason.dossier.fields:
                return self._handed_in(transaction, ticket, reason, reply, said="")
            step = forms.step(reason.dossier, handoff.form_of(ticket))
            return replace(
                reply,
                decision="escalate",
                text=wording.collecting(reason.dossier.label),
                escalation=handoff.escalation(ticket, reason.dossier),
                step=step,
            )

        return deed

    def _subject(self, reason: Reason) -> str | None:
        """The system a ticket is about: the known one, else that of the answer beside which it was offered."""
        answers = (message.reply.answer for message in reversed(self.seen.messages) if message.reply)
        entry = next((self.desk.index.entry(answer.entry_id) for answer in answers if answer), None)
        only = reason.systems[0] if len(reason.systems) == 1 else None
        return self.system or only or (entry.system if entry else None)

    def calling(self, human: Reason, heard: str) -> Deed:
        """Open a ticket for a person beside whatever else the reply says."""
        already = self.seen.open_for(human.name)
        if self.public:
            return _not_here(human)

        def deed(transaction: Transaction, conversation: Conversation, reply: Reply) -> Reply:
            ticket = already
            if ticket is None:
                subject = self._subject(human)
                ticket = handoff.open_ticket(transaction, conversation, human, heard, subject, self.now)
                ticket = handoff.hand_in(transaction, ticket, human.dossier, self.now)
            outlook = handoff.outlook(transaction, ticket, self.office, self.now)
            note = wording.standing(human.dossier.label, ticket.number, outlook)
            if already is None:
                note = wording.registered(human.dossier.label, ticket.number, outlook, human.dossier.done)
            return replace(reply, note=note, escalation=handoff.escalation(ticket, human.dossier))

        return deed

    def standing(self, tickets: Sequence[Ticket]) -> Deed:
        """Say how open tickets stand."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            lines = []
            for ticket in tickets:
                outlook = handoff.outlook(transaction, ticket, self.office, self.now)
                lines.append(wording.standing(self._label(ticket), ticket.number, outlook))
            first = tickets[0]
            shown = Escalation(first.reason, self._label(first), first.status, first.number)
            return replace(
                reply, decision="escalate", text="\n".join(lines), escalation=shown, step=self.seen_step or reply.step
            )

        return deed

    @property
    def seen_step(self) -> Step | None:
        """What the form that is being filled in asks for."""
        ticket = self.seen.collecting
        reason = self.desk.reason(ticket.reason) if ticket is not None else None
        return (
            forms.step(reason.dossier, handoff.form_of(ticket)) if ticket is not None and reason is not None else None
        )

    def withdrawing(self, tickets: Sequence[Ticket]) -> Deed:
        """Close tickets that the visitor takes back."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            for ticket in tickets:
                taken_back = replace(ticket, waiting_since=None)  # nothing reopens it but asking anew
                handoff.end(transaction, taken_back, "cancelled", "visitor", self.now, "访客撤回")
            return reply

        return deed

    def _label(self, ticket: Ticket) -> str:
        reason = self.desk.reason(ticket.reason)
        return reason.dossier.label if reason else ticket.reason

    def mention_ticket(self, _: Transaction, __: Conversation, reply: Reply) -> Reply:
        """Show the ticket that is open for what the reply offers."""
        ticket = self.seen.open_for(reply.escalation.reason) if reply.escalation else None
        if ticket is None or reply.escalation is None:
            return reply
        return replace(reply, escalation=replace(reply.escalation, status=ticket.status, ticket=ticket.number))

    def reopening(self, text: str) -> Deed:
        """Reopen the last ticket for a message that is more than courtesy."""
        polite = is_polite(self.desk.index.understand(text))

        def deed(transaction: Transaction, conversation: Conversation, reply: Reply) -> Reply:
            tickets = list(self.seen.tickets)
            dossiers = {name: reason.dossier for name, reason in self.desk.reasons.items()}
            ticket = None if polite else handoff.reopen(transaction, tickets, self.office, dossiers, text, self.now)
            if ticket is None:
                return self.mention_ticket(transaction, conversation, reply)
            if reply.escalation is not None and reply.escalation.reason == ticket.reason:
                reply = replace(reply, escalation=replace(reply.escalation, status=ticket.status, ticket=ticket.number))
            note = wording.reopened(ticket.number, handoff.outlook(transaction, ticket, self.office, self.now))
            return replace(reply, note=note)

        return deed

    def rating(self, ticket: Ticket, stars: int) -> Deed:
        """Keep the visitor's rating."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            transaction.update_ticket(replace(ticket, stars=stars, updated_at=self.now))
            transaction.add_event(TicketEvent(ticket.number, self.now, "visitor", "rated", str(stars)))
            return reply

        return deed


def _not_here(reason: Reason) -> Deed:
    """Say that what a reason asks for is not to be told where others read along."""

    def deed(_: Transaction, __: Conversation, reply: Reply) -> Reply:
        offer = Escalation(reason.name, reason.dossier.label, "offered", None)
        said = wording.not_here(reason.dossier.label)
        if reply.decision == "escalate":
            return replace(reply, text=said, escalation=offer)
        return replace(reply, note=said, escalation=offer)

    return deed


def nothing(_: Transaction, __: Conversation, reply: Reply) -> Reply:
    """Change nothing."""
    return reply


def is_polite(said: str) -> bool:
    """Whether a canonical text is small talk, which nobody has to act on."""
    kinds = (is_courtesy, say.is_thanks, say.is_farewell, say.is_yes, say.is_solved, say.is_skip)
    return not any(map(str.isalnum, said)) or say.stars_in(said) is not None or any(kind(said) for kind in kinds)
