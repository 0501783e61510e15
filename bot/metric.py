"""Figures of a period: what is known, what is only supposed, and what nobody can say, kept apart.

A visitor who is content mostly says nothing. So each answer of the bot is exactly one of these, and none is added to
another:

    confirmed        the visitor said that it helped (the last word counts, whenever it was said)
    refuted          the visitor said that it did not
    assumed_left     nothing said; nothing came next but courtesies, and the visit is over
    assumed_went_on  nothing said; what came next got another entry's answer, or went on with the form it was beside
    unclear          nothing said; what came next got anything else, the same answer again or no reply, or a person came
    pending          nothing said, and nothing came next yet

What came next is looked for within the visit (see `bot.visit`), a stretch of a conversation without a long pause. A
visit is abandoned when nothing but courtesies followed a question back (`clarify`), a refusal (`reject`), an offer of a
hand-over without an answer (`offer`) or a question of a form (`form`), until it was over.

What counts where: conversations by their beginning, messages, replies and answers by their own time, visits by their
last message. An answer is its entry's system's; everything else of a conversation is the conversation's, or, where that
is not known, that of the last answer in it. Tickets know theirs. Conversations deleted since are in no figure. Days,
weekdays and hours are Beijing's.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any, Final, Protocol, get_args

from bot.hours import ALWAYS, SHANGHAI, Hours
from bot.mask import mask
from bot.model import Decision
from bot.tally import Tally, in_order
from bot.visit import Judgement, Said, abandonment, judge, visits

DEEDS: Final = ("opened", "handed_in", "taken", "reopened", "resolved", "closed", "cancelled", "expired")
"""What happens to tickets, as their history calls it."""
MOST_REASONS: Final = 20
"""Reasons for "did not help" that are listed, the most frequent first; visitors write them."""

_ENDS: Final = frozenset({"resolved", "closed", "cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class Done:
    """A line of a ticket's history. `spoken_at`: the first time from then on that staff wrote in the conversation."""

    ticket: int
    reason: str
    system: str | None
    kind: str
    at: datetime
    actor: str
    detail: str
    spoken_at: datetime | None = None


class MetricRows(Protocol):
    """The rows that figures are made of, one after the other; to be read within the work."""

    def said(self, since: datetime, until: datetime) -> Iterator[Said]:
        """Every message, conversation by conversation and in order, of those touched in [since, until) or later."""

    def done(self, since: datetime, until: datetime) -> Iterator[Done]:
        """The whole history, ticket by ticket and in order, of those touched in [since, until) or later."""

    def asked(self, since: datetime) -> dict[str, int]:
        """In how many conversations each entry was the bot's answer since then, where nobody said it did not help."""


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What became of `given` answers of the bot; see the module for the words. `reasons` are those of the refuted."""

    given: int = 0
    confirmed: int = 0
    refuted: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    assumed_left: int = 0
    assumed_went_on: int = 0
    unclear: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class TicketFigures:
    """How many tickets underwent each of `DEEDS`, in all and by reason, how long visitors waited, and their ratings.

    Waits count from when the visitor handed in or reopened a ticket, for tickets taken in the period: until it was
    `taken`, and until the first message of staff where there was one, which there was `spoken` times. `worked`: the
    part of that during which staff were there. Medians and p90 (nine of ten waited no longer) are None without any. A
    ticket's last rating in the period counts; `stars` has 1 to 5.
    """

    deeds: Mapping[str, int]
    by_reason: Mapping[str, Mapping[str, int]]
    waits: int
    taken_median: timedelta | None
    spoken: int
    spoken_median: timedelta | None
    spoken_p90: timedelta | None
    worked_median: timedelta | None
    worked_p90: timedelta | None
    stars: Mapping[int, int]
    stars_mean: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of [since, until), of one system or of all (None). `abandoned` are some of the `visits`, by how.

    `days` and `systems` ("" where it is not known) have their share of everything counted: conversations, visits,
    visitor_messages, abandoned, replies by decision and answers by what became of them. `entries` has answers by what
    became of them, and `given`. `hours`: messages of visitors by weekday, Monday first, and hour. `channels`: the
    conversations by where they are held, "web" or "qq".
    """

    since: datetime
    until: datetime
    system: str | None
    conversations: int
    visits: int
    visitor_messages: int
    replies: Mapping[str, int]
    answers: AnswerFigures
    abandoned: Mapping[str, int]
    tickets: TicketFigures
    days: Mapping[date, Mapping[str, int]]
    systems: Mapping[str, Mapping[str, int]]
    entries: Mapping[str, Mapping[str, int]]
    hours: Sequence[Sequence[int]]
    channels: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON knows them: times as ISO 8601 text, spans in seconds."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def measure(
    rows: MetricRows,
    since: datetime,
    until: datetime,
    *,
    now: datetime,
    cold_after: timedelta,
    system: str | None = None,
    hours: Hours = ALWAYS,
) -> Figures:
    """The figures of [since, until), for one system or all. Reads messages and tickets' histories once each.

    `hours`: when staff are there.
    """
    counts = Tally()
    reasons: Counter[str] = Counter()
    abandoned: Counter[str] = Counter()
    entries: defaultdict[str, Counter[str]] = defaultdict(Counter)
    channels: Counter[str] = Counter()
    week = [[0] * 24 for _ in range(7)]

    def within(at: datetime) -> bool:
        return since <= at < until

    for _, group in groupby(rows.said(since, until), key=lambda said: said.conversation):
        conversation = list(group)
        about = _system_of(conversation)
        ours = system in (None, about)
        if ours and within(conversation[0].opened_at):
            counts.add("conversations", _day(conversation[0].opened_at), about)
            channels[conversation[0].channel] += 1
        for visit in visits(conversation, cold_after, now):  # the inner loop sees every message: it is to be quick
            for number, said in enumerate(visit.said):
                theirs = about if said.entry is None else _system(said.entry)
                if system not in (None, theirs) or not within(said.at):
                    continue
                local = said.at.astimezone(SHANGHAI)
                day = local.date()
                if said.author == "visitor":
                    counts.add("visitor_messages", day, theirs)
                    week[local.weekday()][local.hour] += 1
                if said.decision is not None:
                    counts.add("talk" if said.small_talk else said.decision, day, theirs)
                if said.entry is not None:
                    judgement = judge(visit, number)
                    counts.add(judgement, day, theirs)
                    entries[said.entry].update(("given", judgement))
                    if judgement == "refuted":
                        reasons[mask(said.reason)] += 1
            last = visit.said[-1].at
            if ours and visit.over and within(last) and any(said.author == "visitor" for said in visit.said):
                counts.add("visits", _day(last), about)
                if how := abandonment(visit):
                    counts.add("abandoned", _day(last), about)
                    abandoned[how] += 1
    total = counts.total
    judged = {name: total[name] for name in get_args(Judgement)}
    return Figures(
        since,
        until,
        system,
        total["conversations"],
        total["visits"],
        total["visitor_messages"],
        {name: total[name] for name in get_args(Decision) if total[name]},
        AnswerFigures(given=sum(judged.values()), reasons=dict(reasons.most_common(MOST_REASONS)), **judged),
        dict(abandoned),
        _tickets(rows.done(since, until), since, until, system, hours),
        counts.days,
        counts.systems,
        in_order(entries),
        week,
        dict(channels),
    )


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _tickets(
    history: Iterable[Done], since: datetime, until: datetime, system: str | None, hours: Hours
) -> TicketFigures:
    by_reason: dict[str, Counter[str]] = {}
    stars: Counter[int] = Counter()
    taken: list[timedelta] = []
    spoken: list[timedelta] = []
    worked: list[timedelta] = []
    for _, group in groupby(history, key=lambda done: done.ticket):
        ticket = [done for done in group if system in (None, done.system)]
        happened = {done.kind: done for done in ticket if since <= done.at < until}  # the last of each
        deeds = [kind for kind in DEEDS if kind in happened]
        if deeds:
            by_reason.setdefault(ticket[0].reason, Counter(dict.fromkeys(DEEDS, 0))).update(deeds)
        if rated := happened.get("rated"):
            stars[int(rated.detail)] += 1
        for asked, took, ended in _waits(ticket):
            if since <= took < until:
                taken.append(took - asked.at)
                if asked.spoken_at is not None and (ended is None or asked.spoken_at <= ended):
                    spoken.append(asked.spoken_at - asked.at)
                    worked.append(hours.worked(asked.at, asked.spoken_at))
    return TicketFigures(
        {kind: sum(deeds[kind] for deeds in by_reason.values()) for kind in DEEDS},
        {reason: dict(by_reason[reason]) for reason in sorted(by_reason)},
        len(taken),
        _median(taken),
        len(spoken),
        _median(spoken),
        _p90(spoken),
        _median(worked),
        _p90(worked),
        {count: stars[count] for count in range(1, 6)},
        sum(count * many for count, many in stars.items()) / stars.total() if stars else None,
    )


def _waits(ticket: Sequence[Done]) -> Iterator[tuple[Done, datetime, datetime | None]]:
    """When the visitor asked for a person, when one first took the ticket, and when it then ended."""
    asked: Done | None = None
    took: datetime | None = None
    for done in ticket:
        if done.kind in ("handed_in", "reopened") and done.actor == "visitor":
            asked, took = done, None
        elif done.kind == "taken" and took is None:
            took = done.at
        elif done.kind in _ENDS and asked is not None:
            if took is not None:
                yield asked, took, done.at
            asked = took = None
    if asked is not None and took is not None:
        yield asked, took, None


def _median(waits: Iterable[timedelta]) -> timedelta | None:
    seconds = [wait.total_seconds() for wait in waits]
    return timedelta(seconds=median(seconds)) if seconds else None


def _p90(waits: Sequence[timedelta]) -> timedelta | None:
    """What nine of ten do not exceed: the nearest rank, which is a wait that somebody had."""
    return sorted(waits)[math.ceil(0.9 * len(waits)) - 1] if waits else None


def _system_of(conversation: Sequence[Said]) -> str | None:
    known = conversation[0].system
    return known or next((_system(said.entry) for said in reversed(conversation) if said.entry), None)


def _system(entry_id: str) -> str:
    """The system of an entry, whose id is f"{system}-{number}"."""
    return entry_id.rpartition("-")[0]


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
    return value
