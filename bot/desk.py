"""Desk: what the bot says to one message on its own, without a conversation around it.

Pure given its index: nothing is stored, the same text and system get the same reply. Immutable and swapped whole when
the index changes. Chat, QQ, staff search and the evaluation all ask here.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from bot import say, wording
from bot.decide import Thresholds, Verdict, decide
from bot.escalation import HUMAN, Reason, reason_for
from bot.hours import ALWAYS, Hours
from bot.model import Answer, Decision, Escalation, Option, Reply, Source
from bot.reception import about_us
from faq.entry import Entry
from index.cue import Mention
from index.hybrid import Hit, HybridIndex
from index.suggest import Suggester
from index.variant import is_courtesy

RANKED = 10
RELATED = 3
EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class Thought:
    """A reply and what it rests on: the system and audience it is about (None: not known) and the hits, best first."""

    reply: Reply
    system: str | None
    hits: tuple[Hit, ...]
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message is, before anything is decided: what search and the catalog make of it, whatever the thresholds.

    `system` and `audience`: what is known of its subject, from the channel or its words. `said`: its words as search
    takes them. `asks_us` says whether it can be a question for us at all, `introduced` that it only says who is asking.
    """

    text: str
    said: str
    system: str | None
    audience: str | None
    mention: Mention
    hits: tuple[Hit, ...]
    asks_us: bool
    introduced: bool
    elsewhere: bool
    system_known: bool
    role_known: bool

    def decide(self, thresholds: Thresholds) -> Verdict:
        """What to do with it, going by what was found."""
        return decide(
            self.hits if self.asks_us else (),
            system_known=self.system_known,
            role_known=self.role_known,
            thresholds=thresholds,
        )


class Desk:
    """The knowledge base at work: an index, the reasons for a person to act, and the thresholds. Thread-safe."""

    def __init__(
        self,
        index: HybridIndex,
        reasons: Sequence[Reason],
        thresholds: Thresholds,
        notes: Sequence[str] = (),
        *,
        hours: Hours = ALWAYS,
    ) -> None:
        self.index = index
        self._hours = hours
        self.notes = tuple(notes)
        """What an operator should know of this index, in Chinese."""
        self.knowledge = index.knowledge
        self.thresholds = thresholds
        self._reasons = {reason.name: reason for reason in reasons}
        self._suggester = Suggester(self.knowledge)
        self._systems = frozenset(system.key for system in self.knowledge.catalog.systems) | frozenset(
            entry.system for entry in self.knowledge.entries if entry.system
        )

    @property
    def systems(self) -> Collection[str]:
        """The keys of the systems this desk answers for."""
        return self._systems

    @property
    def reasons(self) -> Mapping[str, Reason]:
        """The declared reasons by name."""
        return self._reasons

    def reason(self, name: str) -> Reason | None:
        """The declared reason of that name, or None."""
        return self._reasons.get(name)

    def tuned(self, thresholds: Thresholds, hours: Hours) -> Desk:
        """A desk over the same knowledge that decides by these thresholds and knows of these hours."""
        if (thresholds, hours) == (self.thresholds, self._hours):
            return self
        other = copy.copy(self)
        other.thresholds, other._hours = thresholds, hours
        return other

    def consider(self, text: str, system: str | None = None, audience: str | None = None) -> Thought:
        """The reply to a text that came with a known system or audience or without; what the text names goes first."""
        heard = self.hear(text, system, audience)
        thought = self.conclude(heard, heard.decide(self.thresholds))
        reply = thought.reply
        if reply.decision in ("reject", "escalate") and heard.system is not None and heard.asks_us:
            elsewhere = self._of_other_systems(text, heard.system)
            thought = replace(thought, reply=replace(reply, related=(*reply.related, *elsewhere)))
        return thought

    def hear(self, text: str, system: str | None = None, audience: str | None = None) -> Heard:
        """What a text is that came with a known system or audience or without: the dear part of considering it.

        With a known audience, entries for others are out of the question, and their probability is the others'.
        """
        mention = self.index.mention(text)
        system = mention.system or system
        # Within a known system another's name is a circumstance (「用微信打开也不行」), not the subject.
        elsewhere = mention.elsewhere and system is None
        hits = tuple(self.index.search(text, system, RANKED))
        if audience is not None and {name for _, name in mention.audiences} <= {audience}:
            hits = _for_audience(hits, audience)
        speaker = {name for _, name in mention.speaker}
        if len(speaker) == 1:
            audience = next(iter(speaker))
        said = self.index.understand(text)
        small_talk = is_courtesy(said) or say.is_thanks(said) or say.is_farewell(said)
        introduced = bool(mention.speaker) and self.index.names_only(text) is not None
        asks_us = any(map(str.isalnum, said)) and not small_talk and not introduced and not elsewhere
        pointed = len(mention.systems) == 1 and any(hit.entry.system in mention.systems for hit in hits[:1])
        return Heard(
            text,
            said,
            system,
            audience,
            mention,
            hits,
            asks_us,
            introduced,
            elsewhere,
            system_known=system is not None or pointed,
            role_known=bool(mention.audiences) or audience is not None,
        )

    def conclude(self, heard: Heard, verdict: Verdict) -> Thought:
        """The reply to a message on which that was decided, without another search."""
        text, said, system, mention, hits = heard.text, heard.said, heard.system, heard.mention, heard.hits
        entries = [hit.entry for hit in verdict.shown]
        reason = reason_for(
            self._reasons.values(),
            said,
            system=_subject(system, mention, verdict, hits),
            answer=entries[0].id if verdict.decision == "answer" else None,
            elsewhere=heard.elsewhere,
        )
        if (
            reason is not None
            and reason.name == HUMAN.name
            and verdict.decision == "clarify"
            and reason.is_all_of(said)
        ):
            verdict, entries = Verdict("reject"), []  # who says no more than that wants a person, not a list
        about = None if verdict.decision == "answer" else about_us(text, self._hours, self.knowledge.catalog, system)
        if about is not None:
            verdict, entries = Verdict("reject"), []
        reply = self._reply(verdict.decision, said, entries, reason, hits)
        if about is not None or (heard.introduced and reply.decision == "reject"):
            reply = replace(reply, decision="reject", text=about or wording.INTRODUCED)
        return Thought(reply, system or _of_speaker(mention), hits, heard.audience)

    def search(self, text: str, system: str | None = None, limit: int = RANKED) -> list[Hit]:
        """The hits that a reply to a text rests on; a system named in the text goes first."""
        return self.index.search(text, self.index.mention(text).system or system, limit)

    def suggest(self, typed: str, system: str | None = None) -> tuple[Option, ...]:
        """Entries for what is being typed."""
        return wording.options(self._suggester.suggest(typed, system), self.knowledge)

    def examples(
        self, system: str | None, asked: Mapping[str, int] | None = None, most: int = EXAMPLES
    ) -> tuple[Option, ...]:
        """A few entries of a system, or of all, to show what can be asked.

        First what was `asked` most (how often, by entry id), then each system's entries in their order.
        """
        counts, places = asked or {}, Counter[str]()
        ranked: list[tuple[int, int, Entry]] = []
        for entry in self.knowledge.entries:
            if system in (None, entry.system):
                ranked.append((-counts.get(entry.id, 0), places[entry.system], entry))
                places[entry.system] += 1
        ranked.sort(key=itemgetter(0, 1))
        shown = [entry for _, _, entry in ranked[:most]]
        return wording.options(shown, self.knowledge, always_system=system is None)

    def chosen(self, entry: Entry) -> Reply:
        """The reply to choosing an entry."""
        reason = reason_for(self._reasons.values(), "", system=entry.system, answer=entry.id)
        return Reply(
            decision="answer",
            text=entry.answer,
            confidence=1.0,
            answer=self.quote(entry),
            escalation=_offered(reason),
            search=self.index.mode,
        )

    def accepted(self, reason: Reason) -> Reply:
        """The reply to accepting a hand-over; its text and ticket are the conversation's to fill in."""
        return Reply("escalate", reason.dossier.told, 1.0, escalation=_offered(reason), search=self.index.mode)

    def quote(self, entry: Entry) -> Answer:
        """An entry word for word, with its source."""
        document = next((d for d in self.knowledge.documents if d.system == entry.system), None)
        source = Source(
            system=wording.system_name(entry.system, self.knowledge),
            document=document.name if document else "",
            section=entry.section,
            number=entry.number.rpartition(".")[2],
        )
        return Answer(entry.id, entry.question, entry.answer, source)

    def _reply(
        self, decision: Decision, said: str, entries: list[Entry], reason: Reason | None, hits: Sequence[Hit]
    ) -> Reply:
        reply = Reply(
            decision=decision,
            text="",
            confidence=hits[0].confidence if hits else 0.0,
            escalation=_offered(reason),
            search=self.index.mode,
        )
        if decision == "answer":
            near = [
                hit.entry
                for hit in hits[1:]
                if hit.relevance >= self.thresholds.suggest and hit.entry.system == entries[0].system
            ][:RELATED]
            return replace(
                reply,
                text=entries[0].answer,
                answer=self.quote(entries[0]),
                related=wording.options(near, self.knowledge),
            )
        if decision == "clarify":
            return replace(reply, text=wording.CLARIFY, options=wording.options(entries, self.knowledge))
        return replace(
            reply,
            decision="reject" if reason is None else "escalate",
            text=reason.dossier.told if reason else wording.refusal(said, self.knowledge, suggestions=bool(entries)),
            related=wording.options(entries, self.knowledge),
        )

    def _of_other_systems(self, text: str, system: str) -> tuple[Option, ...]:
        """What answers the text in another system, if something does; labelled as that system's."""
        hits = self.index.search(text, None, 1)
        found = [h.entry for h in hits if h.entry.system != system and h.confidence >= self.thresholds.answer]
        return wording.options(found, self.knowledge, always_system=True)


def _subject(system: str | None, mention: Mention, verdict: Verdict, hits: Sequence[Hit]) -> str | None:
    """The system a message is about: the known one, else the one its words point at, else that of what was found."""
    if system is not None:
        return system
    pointed = (
        mention.systems
        if len(mention.systems) == 1
        else frozenset(hit.entry.system for hit in (*verdict.shown, *hits)[:1])
    )
    return next(iter(pointed)) if len(pointed) == 1 else None


def _of_speaker(mention: Mention) -> str | None:
    """The system of somebody who says whom they speak for, where their words point at that one only."""
    systems = {system for system, _ in mention.speaker}
    return next(iter(systems)) if len(systems) == 1 and mention.systems == systems else None


def _for_audience(hits: Sequence[Hit], audience: str) -> tuple[Hit, ...]:
    """The hits without entries for other audiences, their confidence given that none of those is meant."""
    concerned = {hit.entry.system for hit in hits if hit.entry.audience == audience}
    out = [h for h in hits if h.entry.system in concerned and h.entry.audience not in (None, audience)]
    if not out:
        return tuple(hits)
    left = max(1.0 - sum(hit.confidence for hit in out), 1e-9)
    return tuple(replace(hit, confidence=min(1.0, hit.confidence / left)) for hit in hits if hit not in out)


def _offered(reason: Reason | None) -> Escalation | None:
    return None if reason is None else Escalation(reason.name, reason.dossier.label, "offered", None)
