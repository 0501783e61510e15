"""What visitors asked and the bot could not settle: the questions that the knowledge base should look at. Pure.

Of the questions of a conversation these are doubtful, each once and under the first that holds:

    refuted   answered, and the visitor said that it did not help
    escalate  needs a person and has no entry, or was followed by a call for a person
    reject    refused
    clarify   asked back, and what was answered next is none of the options

Small talk, questions about the help desk itself and what is written into forms are none. A choice or a call for a
person (「转人工」) is no question; it speaks about the one before it, within the same visit (see `bot.visit`). Texts
come out masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from typing import Final, Literal, Protocol, TypeAlias

from bot.escalation import HUMAN
from bot.mask import mask
from bot.model import Author, Decision
from bot.wording import REJECT, REJECT_WITH_SUGGESTIONS
from index.variant import canonical, without_courtesy

Kind: TypeAlias = Literal["refuted", "escalate", "reject", "clarify"]
KINDS: Final[tuple[Kind, ...]] = ("refuted", "escalate", "reject", "clarify")
DeedKind: TypeAlias = Literal["assign", "topic", "dismiss"]

LONGEST: Final = 300
"""Characters of a question that are looked at."""
BRIEF: Final = 12
"""Characters up to which a call for a person is no question of its own."""

_REFUSED: Final = (REJECT[0], REJECT_WITH_SUGGESTIONS)


@dataclass(frozen=True, slots=True)
class Line:
    """A message with what tells whether it is doubtful; everything from `decision` on is a reply's of the bot.

    `words` is the text of a visitor's message or of a refusal, `answers` the message that the reply is to, `options`
    the entries that were offered with it to choose from, `handed` the reason and status of a hand-over, `asks` whether
    a form asks for something, `sure` whether the confidence is 1, as that of a choice is. `question` is what was looked
    for where that is not what the visitor wrote.
    """

    conversation: str
    system: str | None
    message: str
    author: Author
    at: datetime
    words: str = ""
    decision: Decision | None = None
    answers: str | None = None
    entry: str | None = None
    options: tuple[str, ...] = ()
    handed: tuple[str, str] | None = None
    asks: bool = False
    sure: bool = False
    question: str | None = None
    helpful: bool | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubtful question: the visitor's message that put it, its text masked, and why."""

    message: str
    conversation: str
    system: str | None
    at: datetime
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Wording:
    """The same words asked of the same system, however often; `text` is how they were written last."""

    key: str
    text: str
    system: str | None
    doubts: tuple[Doubt, ...]

    @property
    def conversations(self) -> int:
        """In how many conversations they were asked."""
        return len({doubt.conversation for doubt in self.doubts})


@dataclass(frozen=True, slots=True)
class Reading:
    """What the index makes of a wording: its place among meanings (None: keywords only), and entries' probabilities."""

    vector: bytes | None
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person did about questions, and the entry and texts that went into the draft, if any."""

    id: int
    kind: DeedKind
    entry_id: str
    texts: tuple[str, ...]
    author: str
    at: datetime


class DoubtRows(Protocol):
    """What doubts are found in, what the index made of them, and what was done about them.

    Readings and what a deed is about hang on messages, and go with them.
    """

    def lines(self, since: datetime) -> Iterator[Line]:
        """Every message, conversation by conversation and in order, of those touched since then."""

    def readings(self, stamp: str) -> dict[str, Reading]:
        """Return the readings made by the index of that stamp, by message."""

    def put_readings(self, stamp: str, readings: Mapping[str, Reading]) -> None:
        """Keep readings by message, in place of earlier ones; a message that is gone is passed over."""

    def drop_readings(self, stamp: str) -> None:
        """Forget the readings that other indexes made."""

    def add_deed(
        self, kind: DeedKind, entry_id: str, texts: Sequence[str], author: str, at: datetime, messages: Iterable[str]
    ) -> int:
        """Keep a deed about messages, in place of what was done about them before; return its id."""

    def deeds(self) -> list[Deed]:
        """Return all deeds that are still about a message, the newest first."""

    def settled(self) -> dict[str, int]:
        """Return the deed of each message that one is about."""

    def drop_deed(self, deed_id: int) -> bool:
        """Forget a deed; False if there is none."""


def doubts_in(lines: Iterable[Line], since: datetime, cold_after: timedelta) -> Iterator[Doubt]:
    """The doubtful questions put since then, in their order."""
    for _, group in groupby(lines, key=lambda line: line.conversation):
        found: dict[str, tuple[Line, Kind]] = {}
        for visit in _visits(list(group), cold_after):
            for line, kind in _in_visit(visit):
                known = found.get(line.message)
                if known is None or KINDS.index(kind) < KINDS.index(known[1]):
                    found[line.message] = line, kind
        for line, kind in found.values():
            text = " ".join(mask(line.words).split())[:LONGEST]
            if line.at >= since and any(map(str.isalnum, text)):
                yield Doubt(line.message, line.conversation, line.system, line.at, text, kind)


def wordings(doubts: Iterable[Doubt], most: int) -> list[Wording]:
    """The doubts by their words, at most so many, the most frequent first."""
    by_words: dict[tuple[str, str | None], list[Doubt]] = {}
    for doubt in doubts:
        by_words.setdefault((plain(doubt.text), doubt.system), []).append(doubt)
    found = []
    for (words, system), group in by_words.items():
        group.sort(key=lambda doubt: (doubt.at, doubt.message))
        key = blake2b(f"{system}\n{words}".encode(errors="replace"), digest_size=8).hexdigest()
        found.append(Wording(key, group[-1].text, system, tuple(group)))
    found.sort(key=lambda wording: (-wording.conversations, wording.key))
    return found[:most]


def _visits(lines: Sequence[Line], cold_after: timedelta) -> Iterator[Sequence[Line]]:
    starts = [0, *(n for n in range(1, len(lines)) if lines[n].at - lines[n - 1].at >= cold_after)]
    yield from (lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True))


def _in_visit(visit: Sequence[Line]) -> Iterator[tuple[Line, Kind]]:
    said = {line.message: line for line in visit if line.author == "visitor"}
    question: Line | None = None  # the last one put, and the entries offered since
    offered: tuple[str, ...] = ()
    unresolved: Line | None = None
    called = False
    for line in visit:
        asked = said.get(line.answers or "")
        if line.decision in (None, "talk") or asked is None:
            continue
        fits = line.entry is not None and line.entry in offered
        again = line.decision == "clarify" and line.options == offered
        if _calls_person(line) and not called:
            called = True
            question = asked if len(asked.words) > BRIEF else question
            if question is not None:
                yield question, "escalate"
        elif _is_verdict(line) and not again and not (fits and line.sure):
            if unresolved is not None and not fits:
                yield unresolved, "clarify"
            question, offered, unresolved = asked, line.options, asked if line.decision == "clarify" else None
            if line.decision in ("reject", "escalate"):
                yield asked, "reject" if line.decision == "reject" else "escalate"
        if fits:
            unresolved = None
        if line.helpful is False and question is not None:
            yield question, "refuted"
    if unresolved is not None:
        yield unresolved, "clarify"


def _is_verdict(line: Line) -> bool:
    """Whether it is what the bot made of a question, rather than of an offer, a form or a greeting."""
    if line.asks or line.question is not None:
        return False
    if line.decision == "reject":
        return line.words.startswith(_REFUSED)
    return line.decision != "escalate" or (line.handed is not None and line.handed[1] == "offered")


def _calls_person(line: Line) -> bool:
    """Whether a person was called for, rather than a service that the documents leave to one."""
    return line.decision == "escalate" and line.handed is not None and line.handed[0] == HUMAN.name


def plain(text: str) -> str:
    """What is left of a text without courtesy and marks, in the spelling that the documents have."""
    form = without_courtesy(canonical(text))
    return "".join(filter(str.isalnum, form)) or form
