"""What the bot says to a message, given the conversation it came in.

First what belongs to what was said before: an offered option, a form that is being filled in, an offer accepted, a
question left half said. Then whatever the desk makes of the text. Nothing is stored here: a `Response` carries the deed
that settles it, which the caller runs in the transaction that stores message and reply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot import form as forms
from bot import handoff, say, wording
from bot.deed import Deed, Deeds, is_polite, nothing
from bot.desk import Desk, Thought
from bot.escalation import HUMAN, Reason
from bot.handoff import Office
from bot.model import Escalation, Reply, Ticket
from bot.reception import is_angry
from bot.seen import Seen
from bot.ticket import OPEN

BRIEF: Final = 12
"""Characters up to which a message that asks for a person says nothing else worth passing on."""
RECALLED: Final = 6
"""Messages of the visitor's that a form looks through once it is consented to."""


@dataclass(frozen=True, slots=True)
class Response:
    """A reply, what the conversation is about from now on, and the deed that settles the reply in a transaction."""

    reply: Reply
    system: str | None
    audience: str | None
    settle: Deed


@dataclass(frozen=True, slots=True)
class Respondent:
    """The bot's wits for one message: the desk, the office, the conversation as seen, the time; whether others read."""

    desk: Desk
    office: Office
    seen: Seen
    system: str | None
    audience: str | None
    now: datetime
    public: bool = False

    def to_choice(self, entry_id: str) -> Response | None:
        """The reply to choosing an entry; None where there is none of that id."""
        entry = self.desk.index.entry(entry_id)
        if entry is None:
            return None
        reply = self._beside_form(self.desk.chosen(entry))
        return Response(reply, entry.system or self.system, self.audience, self._deeds.mention_ticket)

    def to_acceptance(self, reason: Reason) -> Response:
        """The reply to accepting a hand-over."""
        ticket = self.seen.collecting
        filling = self.desk.reason(ticket.reason) if ticket is not None else None
        if ticket is not None and filling is not None and reason.name == HUMAN.name:
            return self._respond(self._escalated(filling), self._deeds.handing_over(ticket, filling))
        return self._respond(self.desk.accepted(reason), self._deeds.opening(reason, self.seen.question))

    def to_picture(self, text: str, picture: str) -> Response:
        """The reply to a picture, with a text or without."""
        ticket = self.seen.collecting
        if ticket is not None and (reason := self.desk.reason(ticket.reason)):
            if self._wants_person(text):
                return self._respond(self._escalated(reason), self._deeds.handing_over(ticket, reason))
            return self._filling(ticket, reason, text, picture)
        if text:
            return self.to_text(text)
        human = self.desk.reason(HUMAN.name) or HUMAN
        offer = Escalation(human.name, human.dossier.label, "offered", None)
        waiting = any(ticket.status in OPEN for ticket in self.seen.tickets)
        said = wording.PICTURE_KEPT if waiting else wording.PICTURE
        reply = replace(self._spoken(said), escalation=None if waiting else offer)
        return self._respond(reply, self._deeds.reopening(text))

    def to_text(self, text: str) -> Response:
        """The reply to a text."""
        ways = (
            self._to_offer,
            self._to_rating,
            self._to_form,
            self._to_cancel,
            self._to_status,
            self._to_phrase,
            self._considered,
        )
        return next(response for way in ways if (response := way(text)))

    def _to_offer(self, text: str) -> Response | None:
        """The reply to a text that takes up what the last reply offered: an option, or a hand-over."""
        last = self.seen.last
        if last is None:
            return None
        options = last.options or last.related
        if option := say.picked(text, options):
            return self.to_choice(option.entry_id)
        if options and self.seen.collecting is None:
            number = say.number_in(text)
            if number is not None:
                reply = Reply("clarify", wording.unlisted(number, len(options)), 0.0, options=options)
                return self._respond(replace(reply, search=last.search, question=self.seen.question), nothing)
            if say.is_none(text):
                return self._respond(self._spoken(wording.NOTHING_FITS), nothing)
        return self._to_hand_over(text, last)

    def _to_hand_over(self, text: str, last: Reply) -> Response | None:
        """The reply to a text that accepts or declines the hand-over that was offered last, or just cancelled."""
        offer, step = last.escalation, last.step
        reason = self.desk.reason(offer.reason) if offer else None
        if offer is None or reason is None:
            return None
        named = say.plain(text) == say.plain(offer.label)
        if not named and step is not None and step.field in (forms.CONSENT, forms.CONFIRM):
            return None
        if offer.status == "closed" and say.is_deed(text):
            return self.to_acceptance(reason)
        if offer.status != "offered":
            return None
        if named or say.is_yes(text):
            return self.to_acceptance(reason)
        return self._respond(self._beside_form(self._spoken(wording.ALRIGHT)), nothing) if say.is_no(text) else None

    def _to_rating(self, text: str) -> Response | None:
        """The reply to a number, or to praise or blame, right after a ticket was resolved."""
        last = self.seen.messages[-1] if self.seen.messages else None
        ended = last is not None and last.author == "bot" and last.reply is None
        rated = last is not None and last.reply is not None and last.reply.text == wording.RATED
        rateable = [t for t in self.seen.tickets if t.status == "resolved" and (t.stars is None or rated)]
        if not rateable or not (ended or rated):
            return None
        stars = say.stars_in(text) or say.number_in(text.removeprefix("给").removeprefix("打").rstrip("分星 "))
        if stars is None or stars > 5:
            return self._respond(self._spoken(wording.RATE), nothing) if text.rstrip("分 ").isdecimal() else None
        latest = max(rateable, key=lambda ticket: ticket.ended_at or ticket.updated_at)
        return self._respond(self._spoken(wording.RATED), self._deeds.rating(latest, stars))

    def _to_form(self, text: str) -> Response | None:
        """The reply to a text while a form is being filled in."""
        ticket = self.seen.collecting
        reason = self.desk.reason(ticket.reason) if ticket is not None else None
        if ticket is None or reason is None:
            return None
        if self._wants_person(text):
            return self._respond(self._escalated(reason), self._deeds.handing_over(ticket, reason))
        if say.is_status(text):
            return self._respond(self._beside_form(self._spoken(wording.AFTERWARDS)), nothing)
        return self._filling(ticket, reason, text, None)

    def _to_cancel(self, text: str) -> Response | None:
        """The reply to taking back what was handed in, or to leaving a form where there is none."""
        waiting = [ticket for ticket in self.seen.tickets if ticket.status == "waiting"]
        if waiting and say.is_withdrawal(text):
            return self._respond(self._spoken(wording.WITHDRAWN), self._deeds.withdrawing(waiting))
        if waiting and (say.is_cancel(text) or say.is_solved(text)):
            return self._respond(self._spoken(wording.withdrawable([t.number for t in waiting])), nothing)
        return self._respond(self._spoken(wording.NOTHING_TO_CANCEL), nothing) if say.is_cancel(text) else None

    def _to_status(self, text: str) -> Response | None:
        """The reply to asking how far a request is, or to confirming once more what was handed in."""
        open_ones = self.seen.handed_in
        again = say.plain(text).startswith(("确认", "提交")) and say.is_yes(text)
        if not open_ones or not (say.is_status(text) or again):
            return None
        return self._respond(self._spoken(""), self._deeds.standing(open_ones))

    def _to_phrase(self, text: str) -> Response | None:
        """The reply to small talk that means something in a conversation that goes on."""
        if not self.seen.messages:
            return None
        if say.is_waiting(text) or (say.is_yes(text) and self.seen.handed_in):
            return self._respond(self._spoken(wording.WAITING if self.seen.handed_in else wording.PATIENCE), nothing)
        if say.is_yes(text) or say.is_no(text):
            return self._respond(self._spoken(wording.ALRIGHT), nothing)
        return self._respond(self._spoken(wording.RATED), nothing) if (say.stars_in(text) or 0) > 3 else None

    def _considered(self, text: str) -> Response:
        """What the desk makes of a text, or of the last question asked about somebody else."""
        thought = self._redirected(text) or self.desk.consider(text, self.system, self.audience)
        reply = thought.reply
        if self._calls_person(text) and not self._is_human(reply):
            human = self.desk.reason(HUMAN.name) or HUMAN
            return self._respond(reply, self._deeds.calling(human, text), thought)
        if self._is_human(reply):
            human = self.desk.reason(HUMAN.name) or HUMAN
            heard = text if len(text) > BRIEF else self.seen.question
            reply = replace(reply, note=wording.SORRY) if is_angry(text) else reply
            return self._respond(reply, self._deeds.opening(human, heard), thought)
        if reply.decision == "reject" and self.seen.handed_in and not is_polite(self.desk.index.understand(text)):
            reply = replace(self._spoken(wording.NOTED), related=reply.related)
        return self._respond(reply, self._deeds.reopening(text), thought)

    def _redirected(self, text: str) -> Thought | None:
        """What the desk makes of the last question, asked about whom or what the text names; None if it names none."""
        who, question = say.about_whom(text), self.seen.question
        named = self.desk.index.names_only(who) if who and question else None
        if named is None or question is None:
            return None
        question = self.desk.index.without_roles(question)
        audiences = {name for _, name in named.speaker}
        audience = next(iter(audiences)) if len(audiences) == 1 else self.audience
        asked = f"{who}{question}" if named.audiences else question
        thought = self.desk.consider(asked, named.system or self.system, audience)
        return replace(thought, audience=audience, reply=replace(thought.reply, question=question))

    def _filling(self, ticket: Ticket, reason: Reason, text: str, picture: str | None) -> Response:
        """The reply to a message that may be meant for the form."""
        before = handoff.form_of(ticket)
        texts = [message.text for message in self.seen.messages if message.author == "visitor"]
        filled = forms.fill(reason.dossier, before, text, picture, before=texts)
        if before.asked == forms.CONSENT and filled.state == "asking" and filled.taken:
            said = [(m.text, m.picture) for m in self.seen.messages if m.author == "visitor"][-RECALLED:]
            said.append((text, picture))
            filled = replace(filled, form=forms.recall(reason.dossier, filled.form, said, self.seen.question))
        if not filled.taken and (response := self._aside(ticket, reason, text, filled)):
            return response
        return self._respond(self._escalated(reason), self._deeds.advancing(ticket, reason, filled))

    def _aside(self, ticket: Ticket, reason: Reason, text: str, filled: forms.Filled) -> Response | None:
        """The reply to a message in a form that is about something else; None where the desk makes nothing of it."""
        thought = self.desk.consider(text, self.system, self.audience)
        reply, offer = thought.reply, thought.reply.escalation
        if reply.decision == "escalate" and offer is not None and offer.reason == HUMAN.name:
            return self._respond(self._escalated(reason), self._deeds.handing_over(ticket, reason))
        elsewhere = offer is not None and offer.reason not in (reason.name, HUMAN.name)
        other = offer if offer is not None and elsewhere and self.seen.open_for(offer.reason) is None else None
        asking = say.is_asking(text)
        if not (asking or len(text) > BRIEF or other) or reply.decision == "reject":
            return None
        if reply.decision == "clarify" and not asking and other is None:
            return None
        step = forms.step(reason.dossier, filled.form)
        note = wording.switch(other.label) if other else None
        text = "" if reply.decision == "escalate" else reply.text
        reply = replace(reply, text=text, escalation=other, related=(), step=step, note=note)
        return self._respond(reply, nothing, thought)

    def _wants_person(self, text: str) -> bool:
        """Whether a text asks for a person and says hardly anything else, or calls for one in so many words."""
        offer = self.desk.consider(text, self.system).reply.escalation if text else None
        human = self.desk.reason(HUMAN.name) or HUMAN
        only = offer is not None and offer.reason == HUMAN.name
        return (only and human.is_all_of(self.desk.index.understand(text))) or self._calls_person(text)

    def _calls_person(self, text: str) -> bool:
        human = self.desk.reason(HUMAN.name) or HUMAN
        said = self.desk.index.understand(text)
        return say.calls_person(text) and human.given_by(said, system=self.system, answer=None)

    def _is_human(self, reply: Reply) -> bool:
        offer = reply.escalation
        return reply.decision == "escalate" and offer is not None and offer.reason == HUMAN.name

    def _beside_form(self, reply: Reply) -> Reply:
        """A reply to something else, with the question of the form that is being filled in."""
        step = self._deeds.seen_step
        return reply if step is None else replace(reply, escalation=None, step=step)

    @property
    def _deeds(self) -> Deeds:
        return Deeds(self.desk, self.office, self.seen, self.system, self.now, self.public)

    def _respond(self, reply: Reply, settle: Deed, thought: Thought | None = None) -> Response:
        system = thought.system if thought and thought.system else self.system
        audience = thought.audience if thought and thought.audience else self.audience
        return Response(reply, system, audience, settle)

    def _spoken(self, text: str) -> Reply:
        """A reply that is about the conversation itself."""
        return Reply("talk", text, 0.0, search=self.desk.index.mode)

    def _escalated(self, reason: Reason) -> Reply:
        return replace(self.desk.accepted(reason), text="")
