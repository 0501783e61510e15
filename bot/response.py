"""What the bot says to a message, given the conversation it came in.

First what belongs to what was said before: an offered option, a form that is being filled in, an offer accepted, a
question left half said. Then whatever the desk makes of the text. Nothing is stored here: a `Response` carries the deed
that settles it, which the caller runs in the transaction that stores message and reply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot import form as forms
from bot import handoff, say, wording
from bot.desk import Desk, Thought
from bot.escalation import HUMAN, Reason
from bot.handoff import Office
from bot.model import Conversation, Escalation, Message, Reply, Ticket, TicketEvent
from bot.store.base import Transaction
from bot.ticket import OPEN
from index.variant import is_courtesy

SHORT: Final = 15
"""Characters up to which a message that asks for a person does nothing else, also in the middle of a form."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A conversation as it stands: its last messages in order, and its tickets. `cold`: it rested too long to go on."""

    conversation: Conversation | None = None
    messages: Sequence[Message] = ()
    tickets: Sequence[Ticket] = ()
    cold: bool = False

    @property
    def sequence(self) -> int:
        """The last sequence number; it grows with everything that could change a reply."""
        return self.messages[-1].sequence if self.messages else 0

    @property
    def last(self) -> Reply | None:
        """What the bot said last, if that is still in mind."""
        replies = () if self.cold else (m.reply for m in reversed(self.messages) if m.reply)
        return next(iter(replies), None)

    @property
    def question(self) -> str | None:
        """What was asked last: the text that the last reply with a verdict rested on."""
        if self.cold:
            return None
        for before, message in zip(reversed(self.messages[:-1]), reversed(self.messages[1:]), strict=True):
            if message.reply is not None and message.reply.question is not None:
                return message.reply.question
            if message.reply is not None and before.author == "visitor" and _was_question(message.reply, before.text):
                return before.text
        return None

    @property
    def collecting(self) -> Ticket | None:
        """The ticket whose form is being filled in."""
        return next((ticket for ticket in self.tickets if ticket.status == "collecting"), None)

    def open_for(self, reason: str) -> Ticket | None:
        """The ticket for a reason that is handed in and not ended."""
        return next((t for t in self.tickets if t.reason == reason and t.status in ("waiting", "assigned")), None)


Deed = Callable[[Transaction, Conversation, Reply], Reply]


@dataclass(frozen=True, slots=True)
class Response:
    """A reply, what the conversation is about from now on, and the deed that settles the reply in a transaction."""

    reply: Reply
    system: str | None
    audience: str | None
    settle: Deed


@dataclass(frozen=True, slots=True)
class Respondent:
    """The bot's wits for one message: the desk, the office, the conversation as seen, and the time."""

    desk: Desk
    office: Office
    seen: Seen
    system: str | None
    audience: str | None
    now: datetime

    def to_choice(self, entry_id: str) -> Response | None:
        """The reply to choosing an entry; None where there is none of that id."""
        entry = self.desk.index.entry(entry_id)
        if entry is None:
            return None
        reply = self._beside_form(self.desk.chosen(entry))
        return Response(reply, entry.system or self.system, self.audience, self._mention_ticket)

    def to_acceptance(self, reason: Reason) -> Response:
        """The reply to accepting a hand-over."""
        return self._respond(self.desk.accepted(reason), self._opening(reason, self.seen.question))

    def to_picture(self, text: str, picture: str) -> Response:
        """The reply to a picture, with a text or without."""
        ticket = self.seen.collecting
        if ticket is not None and (reason := self.desk.reason(ticket.reason)):
            return self._filling(ticket, reason, text, picture)
        if text:
            return self.to_text(text)
        human = self.desk.reason(HUMAN.name) or HUMAN
        offer = Escalation(human.name, human.dossier.label, "offered", None)
        waiting = any(ticket.status in OPEN for ticket in self.seen.tickets)
        said = wording.PICTURE_KEPT if waiting else wording.PICTURE
        reply = replace(self._spoken(said), escalation=None if waiting else offer)
        return self._respond(reply, self._reopening(text))

    def to_text(self, text: str) -> Response:
        """The reply to a text."""
        ways = (self._to_offer, self._to_form, self._to_cancel, self._to_status, self._to_rating, self._considered)
        return next(response for way in ways if (response := way(text)))

    def _to_offer(self, text: str) -> Response | None:
        """The reply to a text that takes up what the last reply offered: an option, or a hand-over."""
        last, filling = self.seen.last, self.seen.collecting is not None
        if last is None:
            return None
        options = last.options or (last.related if last.decision in ("reject", "escalate") else ())
        if option := say.picked(text, options):
            return self.to_choice(option.entry_id)
        number = say.number_in(text)
        if number is not None and options and not filling:
            reply = Reply("clarify", wording.unlisted(number, len(options)), 0.0, options=options, search=last.search)
            return self._respond(replace(reply, question=self.seen.question), _nothing)
        offer = last.escalation
        reason = self.desk.reason(offer.reason) if offer and offer.status == "offered" and not filling else None
        if reason is None or offer is None:
            return None
        if say.is_yes(text) or say.plain(text) == offer.label:
            return self.to_acceptance(reason)
        return self._respond(self._spoken(wording.DECLINED), _nothing) if say.is_no(text) else None

    def _to_form(self, text: str) -> Response | None:
        """The reply to a text while a form is being filled in."""
        ticket = self.seen.collecting
        reason = self.desk.reason(ticket.reason) if ticket is not None else None
        if ticket is None or reason is None:
            return None
        if len(text) <= SHORT and self._wants_person(text):
            return self._respond(self._escalated(reason), self._handing_over(ticket, reason))
        return self._filling(ticket, reason, text, None)

    def _to_cancel(self, text: str) -> Response | None:
        """The reply to leaving a form where there is none."""
        return self._respond(self._spoken(wording.NOTHING_TO_CANCEL), _nothing) if say.is_cancel(text) else None

    def _to_status(self, text: str) -> Response | None:
        """The reply to asking how far a request is."""
        waiting = [ticket for ticket in self.seen.tickets if ticket.status in ("waiting", "assigned")]
        if not waiting or not say.is_status(text):
            return None
        return self._respond(self._spoken(""), self._standing(waiting[0]))

    def _to_rating(self, text: str) -> Response | None:
        """The reply to a number right after a ticket was resolved."""
        number, messages = say.number_in(text.rstrip("分星 ")), self.seen.messages
        rateable = [t for t in self.seen.tickets if t.status == "resolved" and t.stars is None]
        ended = bool(messages) and messages[-1].author == "bot" and messages[-1].reply is None
        if number is None or number > 5 or not rateable or not ended:
            return None
        ticket = rateable[-1]

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            transaction.update_ticket(replace(ticket, stars=number, updated_at=self.now))
            transaction.add_event(TicketEvent(ticket.number, self.now, "visitor", "rated", str(number)))
            return reply

        return self._respond(self._spoken(wording.RATED), deed)

    def _considered(self, text: str) -> Response:
        """What the desk makes of a text, or of the last question asked about somebody else."""
        who, question = say.about_whom(text), self.seen.question
        named = self.desk.index.names_only(who) if who and question else None
        if named is not None and question is not None:
            question = self.desk.index.without_roles(question)
            audiences = {name for _, name in named.speaker}
            audience = next(iter(audiences)) if len(audiences) == 1 else self.audience
            thought = self.desk.consider(question, named.system or self.system, audience)
            thought = replace(thought, reply=replace(thought.reply, question=question))
        else:
            thought = self.desk.consider(text, self.system, self.audience)
        reply = thought.reply
        if reply.decision == "escalate" and reply.escalation and reply.escalation.reason == HUMAN.name:
            human = self.desk.reason(HUMAN.name) or HUMAN
            heard = text if len(text) > SHORT else question
            return self._respond(reply, self._opening(human, heard), thought)
        return self._respond(reply, self._reopening(text), thought)

    def _filling(self, ticket: Ticket, reason: Reason, text: str, picture: str | None) -> Response:
        """The reply to a message while a form is being filled in."""
        filled = forms.fill(reason.dossier, handoff.form_of(ticket), text, picture)
        if not filled.taken:
            thought = self.desk.consider(text, self.system, self.audience)
            human = thought.reply.escalation is not None and thought.reply.escalation.reason == HUMAN.name
            if thought.reply.decision == "escalate" and human:
                return self._respond(self._escalated(reason), self._handing_over(ticket, reason))
            if thought.reply.decision == "answer" or (thought.reply.decision == "clarify" and say.is_asking(text)):
                reply = replace(thought.reply, escalation=None, step=forms.step(reason.dossier, filled.form))
                return self._respond(reply, _nothing, thought)
        return self._respond(self._escalated(reason), self._advancing(ticket, reason, filled))

    def _advancing(self, ticket: Ticket, reason: Reason, filled: forms.Filled) -> Deed:
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

    def _handing_over(self, ticket: Ticket, reason: Reason) -> Deed:
        """Hand a form in as far as it got, for a visitor who wants a person now."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            return self._handed_in(transaction, ticket, reason, reply, said=wording.HANDED_OVER)

        return deed

    def _handed_in(self, transaction: Transaction, ticket: Ticket, reason: Reason, reply: Reply, *, said: str) -> Reply:
        ticket = handoff.hand_in(transaction, ticket, reason.dossier, self.now)
        outlook = handoff.outlook(transaction, ticket, self.office, self.now)
        text = wording.registered(reason.dossier.label, ticket.number, outlook, said + reason.dossier.done)
        return replace(reply, text=text, escalation=handoff.escalation(ticket, reason.dossier))

    def _opening(self, reason: Reason, heard: str | None) -> Deed:
        """Open a ticket for a reason, or say how the one that is open stands."""
        already = self.seen.open_for(reason.name)

        def deed(transaction: Transaction, conversation: Conversation, reply: Reply) -> Reply:
            if already is not None:
                return self._standing(already)(transaction, conversation, reply)
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

    def _standing(self, ticket: Ticket) -> Deed:
        """Say how an open ticket stands."""

        def deed(transaction: Transaction, _: Conversation, reply: Reply) -> Reply:
            reason = self.desk.reason(ticket.reason)
            label = reason.dossier.label if reason else ticket.reason
            outlook = handoff.outlook(transaction, ticket, self.office, self.now)
            shown = Escalation(ticket.reason, label, ticket.status, ticket.number)
            return replace(
                reply, decision="escalate", text=wording.standing(label, ticket.number, outlook), escalation=shown
            )

        return deed

    def _mention_ticket(self, _: Transaction, __: Conversation, reply: Reply) -> Reply:
        """Show the ticket that is open for what the reply offers."""
        ticket = self.seen.open_for(reply.escalation.reason) if reply.escalation else None
        if ticket is None or reply.escalation is None:
            return reply
        return replace(reply, escalation=replace(reply.escalation, status=ticket.status, ticket=ticket.number))

    def _reopening(self, text: str) -> Deed:
        """Reopen the last ticket for a message that is more than courtesy."""
        said = self.desk.index.understand(text)
        polite = is_courtesy(said) or say.is_thanks(said) or say.is_farewell(said) or say.is_yes(said)

        def deed(transaction: Transaction, conversation: Conversation, reply: Reply) -> Reply:
            reply = self._mention_ticket(transaction, conversation, reply)
            if polite:
                return reply
            dossiers = {name: reason.dossier for name, reason in self.desk.reasons.items()}
            ticket = handoff.reopen(transaction, list(self.seen.tickets), self.office, dossiers, text, self.now)
            if ticket is None:
                return reply
            note = wording.reopened(ticket.number, handoff.outlook(transaction, ticket, self.office, self.now))
            return replace(reply, note=note)

        return deed

    def _wants_person(self, text: str) -> bool:
        """Whether a text asks for a person and nothing else."""
        reply = self.desk.consider(text, self.system).reply
        return reply.decision == "escalate" and reply.escalation is not None and reply.escalation.reason == HUMAN.name

    def _beside_form(self, reply: Reply) -> Reply:
        """A reply to something else, with the question of the form that is being filled in."""
        ticket = self.seen.collecting
        reason = self.desk.reason(ticket.reason) if ticket else None
        if ticket is None or reason is None:
            return reply
        return replace(reply, escalation=None, step=forms.step(reason.dossier, handoff.form_of(ticket)))

    def _respond(self, reply: Reply, settle: Deed, thought: Thought | None = None) -> Response:
        system = thought.system if thought and thought.system else self.system
        audience = thought.audience if thought and thought.audience else self.audience
        return Response(reply, system, audience, settle)

    def _spoken(self, text: str) -> Reply:
        """A reply that is about the conversation itself."""
        return Reply("talk", text, 0.0, search=self.desk.index.mode)

    def _escalated(self, reason: Reason) -> Reply:
        return replace(self.desk.accepted(reason), text="")


def _nothing(_: Transaction, __: Conversation, reply: Reply) -> Reply:
    return reply


def _was_question(reply: Reply, text: str) -> bool:
    """Whether a reply was the desk's to a question, not to small talk, a number or a form's value."""
    if reply.step is not None and reply.decision == "escalate":
        return False
    return reply.decision in ("answer", "clarify", "reject", "escalate") and len(text) > 2 and not _small(text)


def _small(text: str) -> bool:
    return (
        say.number_in(text) is not None
        or say.is_yes(text)
        or say.is_no(text)
        or say.is_cancel(text)
        or say.is_thanks(text)
        or say.is_farewell(text)
        or say.is_status(text)
        or is_courtesy(text)
    )
