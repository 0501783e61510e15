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

    `answer`: least confidence of an answer. `relevant`: least relevance of the best option of a question back. `alike`:
    options must be at least this large a part of the best one's relevance. `torn`: while nothing says which system is
    meant, an answer needs every relevant entry of another system to be below this part of its confidence: similar
    questions are collected system by system, so one of them may be met to the letter by a question that names none.
    `role`: the same for entries of the same system for another audience. `suggest`: least relevance of a suggestion
    beside a refusal, and of a related question.
    """

    answer: float = 0.55
    relevant: float = 0.25
    alike: float = 0.2
    torn: float = 3e-5
    role: float = 0.05
    suggest: float = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and the hits that an answer, a question back or a refusal shows."""

    decision: Decision
    shown: tuple[Hit, ...] = ()


def decide(hits: Sequence[Hit], *, system_known: bool, role_known: bool, thresholds: Thresholds) -> Verdict:
    """What to do with a message whose hits are `hits`, best first: answer, clarify or reject.

    Whether a refusal becomes `escalate` is for `escalation` to say. `system_known`: the channel, the conversation or
    the message tells the system; `role_known`: the message tells the audience it speaks for. Entries of different
    systems or audiences that fit alike are never answered with one of them while that is not known.
    """
    if not hits:
        return Verdict("reject")
    best, options = hits[0], _options(hits, thresholds)
    torn = (not system_known and _torn(hits, thresholds)) or (not role_known and _unsure_for_whom(hits, thresholds))
    if best.confidence >= thresholds.answer and not torn:
        return Verdict("answer", (best,))
    if best.relevance >= thresholds.relevant and len(options) > 1:
        return Verdict("clarify", tuple(options[:MOST_OPTIONS]))
    suggestions = tuple(hit for hit in hits[:3] if hit.relevance >= thresholds.suggest)
    return Verdict("reject", suggestions)


def _torn(hits: Sequence[Hit], thresholds: Thresholds) -> bool:
    """Whether an entry of another system than the first's could be meant as well."""
    return any(
        hit.entry.system != hits[0].entry.system
        and hit.relevance >= thresholds.relevant
        and hit.confidence >= thresholds.torn * hits[0].confidence
        for hit in hits
    )


def _unsure_for_whom(hits: Sequence[Hit], thresholds: Thresholds) -> bool:
    """Whether an entry of the same system for another audience could be meant as well."""
    return any(
        hit.entry.system == hits[0].entry.system
        and hit.entry.audience != hits[0].entry.audience
        and hit.relevance >= thresholds.relevant
        and hit.confidence >= thresholds.role * hits[0].confidence
        for hit in hits
    )


def _options(hits: Sequence[Hit], thresholds: Thresholds) -> list[Hit]:
    """The hits that fit about as well as the first; the best of each system and audience come first."""
    near = [hit for hit in hits if hit.relevance >= thresholds.alike * hits[0].relevance]
    best: dict[tuple[str, str | None], Hit] = {}
    for hit in near:
        best.setdefault((hit.entry.system, hit.entry.audience), hit)
    return [*best.values(), *(hit for hit in near if hit not in best.values())]
