"""Hits → answer, clarify or reject: one pure function, the same on every channel.

It knows neither the message nor the texts of a reply, only what search made of the message. What a threshold does to
coverage and to false answers is in the README.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from bot.model import Decision
from index.hybrid import Hit

MOST_OPTIONS = 4
"""More options than this are a list to read, not a question to answer."""

_TOUCHED = 1e-6  # a message that shares nothing with a question is not near to it, however far it is from the others


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability on the bot answers, asks back, and shows an entry as a suggestion.

    `answer`: least confidence of an answer. `relevant`: least relevance of the best option of a question back, or,
    where the options are for different visitors, least probability that one of them is right. `alike`: options must be
    at least this large a part of the best one's relevance. `near`: while nothing says which system is meant, an answer
    needs every entry of another system to be less than this part as near; similar questions are collected system by
    system, so the probabilities are sure of one that is met to the letter, whoever else could be meant. `role`: the
    part of the best one's confidence from which on an option of the same system for another audience casts doubt, while
    nothing says for whom the message speaks. `suggest`: least relevance of a suggestion beside a refusal, and of a
    related question.
    """

    answer: float = 0.55
    relevant: float = 0.25
    alike: float = 0.2
    near: float = 0.6
    role: float = 0.02
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
    best = hits[0]
    if system_known:
        hits = [hit for hit in hits if hit.entry.system == best.entry.system]
    alike = [hit for hit in hits if hit.relevance >= thresholds.alike * best.relevance]
    elsewhere = [] if system_known else _of_other_systems(hits, thresholds)
    unsure = elsewhere or (not role_known and _for_others(alike, thresholds))
    if best.confidence >= thresholds.answer and not unsure:
        return Verdict("answer", (best,))
    options = _in_turn([hit for hit in hits if hit in alike or hit in elsewhere])[:MOST_OPTIONS]
    bearing = best.relevance
    if len({(hit.entry.system, None if role_known else hit.entry.audience) for hit in options}) > 1:
        bearing = max(bearing, sum(hit.confidence for hit in options))
    if bearing >= thresholds.relevant and len(options) > 1:
        return Verdict("clarify", tuple(options))
    suggestions = tuple(hit for hit in hits[:3] if hit.relevance >= thresholds.suggest)
    return Verdict("reject", suggestions)


def _of_other_systems(hits: Sequence[Hit], thresholds: Thresholds) -> list[Hit]:
    """The entries of other systems than the first's that the message comes about as near to."""
    least = thresholds.near * hits[0].nearness
    return [hit for hit in hits if hit.entry.system != hits[0].entry.system and hit.nearness >= max(least, _TOUCHED)]


def _for_others(options: Sequence[Hit], thresholds: Thresholds) -> bool:
    """Whether an entry of the same system for another audience could be meant as well."""
    best = options[0]
    return any(
        hit.entry.system == best.entry.system
        and hit.entry.audience != best.entry.audience
        and hit.confidence >= thresholds.role * best.confidence
        for hit in options
    )


def _in_turn(options: Sequence[Hit]) -> list[Hit]:
    """One option of each party after the other: of each system, and where there is but one, of each audience."""
    several = len({hit.entry.system for hit in options}) > 1
    parties: dict[str | None, list[Hit]] = {}
    for hit in options:
        parties.setdefault(hit.entry.system if several else hit.entry.audience, []).append(hit)
    return [hit for turn in zip_longest(*parties.values()) for hit in turn if hit is not None]
