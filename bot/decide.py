"""Hits → answer, clarify or reject: one pure function, the same on every channel.

It knows neither the message nor the texts of a reply, only what search made of the message. What a threshold does to
coverage and to false answers is in the README.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import Decision
from index.hybrid import Hit

MOST_OPTIONS = 4
"""More options than this are a list to read, not a question to answer."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability on the bot answers, asks back, and shows an entry as a suggestion.

    `answer`: least confidence of an answer. `relevant`: least relevance of an answer, and of the best option of a
    question back: far ahead of all others is not yet near. `alike`: options must be at least this large a part of the
    best one's relevance. `suggest`: least relevance of a suggestion beside a refusal, and of a related question.
    """

    answer: float = 0.62
    relevant: float = 0.25
    alike: float = 0.3
    suggest: float = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and the hits that an answer, a question back or a refusal shows."""

    decision: Decision
    shown: tuple[Hit, ...] = ()


def decide(hits: Sequence[Hit], *, system_known: bool, thresholds: Thresholds) -> Verdict:
    """What to do with a message whose hits are `hits`, best first: answer, clarify or reject.

    Whether a refusal becomes `escalate` is for `escalation` to say. `system_known`: the channel, the conversation or
    the message names the system. Entries of different systems or audiences that fit alike are never answered with one
    of them while the system is not known.
    """
    rivals = _rivals(hits, thresholds)
    torn = not system_known and len({_party(hit) for hit in rivals}) > 1
    relevant = bool(hits) and hits[0].relevance >= thresholds.relevant
    if relevant and hits[0].confidence >= thresholds.answer and not torn:
        return Verdict("answer", (hits[0],))
    if relevant and len(rivals) > 1:
        return Verdict("clarify", tuple(rivals[:MOST_OPTIONS]))
    suggestions = tuple(hit for hit in hits[:3] if hit.relevance >= thresholds.suggest)
    return Verdict("reject", suggestions)


def _rivals(hits: Sequence[Hit], thresholds: Thresholds) -> list[Hit]:
    """The hits that fit about as well as the first; the best of each system and audience come first."""
    near = [hit for hit in hits if hit.relevance >= thresholds.alike * hits[0].relevance]
    best: dict[tuple[str, str | None], Hit] = {}
    for hit in near:
        best.setdefault(_party(hit), hit)
    return [*best.values(), *(hit for hit in near if best[_party(hit)] is not hit)]


def _party(hit: Hit) -> tuple[str, str | None]:
    return hit.entry.system, hit.entry.audience
