"""Why the bot decided as it did about a question that went wrong: for the staff who look after the documents.

Says only what can be read off the hits, their weights and the thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.case import Case
from bot.decide import Thresholds
from bot.desk import Desk, Thought
from index import rank
from index.hybrid import Hit, HybridIndex

SHOWN: Final = 3
"""Hits that are shown, besides the right one."""

DECISIVE: Final = 3
"""Measures that are named as having put the wrong entry first."""

MEASURES: Final = {
    "title": "标题意思相近",
    "question": "问法意思相近",
    "answer": "答案意思相近",
    "head": "与以往问法同类",
    "words": "问法用词相同",
    "pairs": "问法用字相同",
    "sounds": "问法读音相同",
    "answer_words": "标题或答案用词相同",
    "answer_pairs": "标题或答案用字相同",
    "fuzzy": "问法写法相近",
    "system": "系统相符",
    "audience": "用户身份相符",
}
"""What the features of `rank` are called for staff; one that is not here keeps its own name."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """A feature's share of an entry's score: what was measured, its weight, and the product of the two."""

    name: str
    value: float
    weight: float

    @property
    def score(self) -> float:
        """What it adds to the score."""
        return self.value * self.weight

    @property
    def title(self) -> str:
        """What it is called for staff."""
        return MEASURES.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry found at `place` (from 1); `right` when it is among those of the label. Greatest contributions first."""

    place: int
    entry: str
    question: str
    right: bool
    confidence: float
    relevance: float
    phrasing: str
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the text was understood as, the system it was taken to be about (None: not known), why, and the hits."""

    understood: str
    system: str | None
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]


def explain(desk: Desk, text: str, thought: Thought, case: Case) -> Explanation:
    """Explain what became of a text."""
    weights = weights_of(desk.index)
    found = [_candidate(place, hit, case, weights) for place, hit in enumerate(thought.hits, 1)]
    shown = [candidate for candidate in found if candidate.place <= SHOWN or candidate.place == case.place]
    return Explanation(
        understood=desk.index.understand(text),
        system=thought.system,
        reasons=(
            _why(case, thought, desk.thresholds),
            *_where_is_the_right_one(case, found),
            *_options(case),
            *_person(case, desk),
        ),
        candidates=tuple(shown),
    )


def weights_of(index: HybridIndex) -> Mapping[str, float]:
    """The weight of each feature in this index."""
    return dict(zip(rank.FEATURES, index.weights.entry, strict=True))


def contributions(hit: Hit, weights: Mapping[str, float]) -> tuple[Contribution, ...]:
    """What each feature adds to a hit's score, the greatest first, whether it speaks for the hit or against it."""
    parts = [Contribution(name, value, weights.get(name, 0.0)) for name, value in hit.features.items()]
    return tuple(sorted(parts, key=lambda part: -abs(part.score)))


def _candidate(place: int, hit: Hit, case: Case, weights: Mapping[str, float]) -> Candidate:
    return Candidate(
        place=place,
        entry=hit.entry.id,
        question=hit.entry.question,
        right=hit.entry.id in case.label.entries,
        confidence=hit.confidence,
        relevance=hit.relevance,
        phrasing=hit.phrasing,
        contributions=contributions(hit, weights),
    )


def _why(case: Case, thought: Thought, thresholds: Thresholds) -> str:
    """The decision, from the thresholds."""
    if not thought.hits:
        return "没有检索到任何条目，因此不应答。"
    first = thought.hits[0]
    sure, relevant = first.confidence >= thresholds.answer, first.relevance >= thresholds.relevant
    found = (
        f"首选 {first.entry.id} 的置信度为 {first.confidence:.2f}（应答门槛 {thresholds.answer:.2f}），"
        f"相关度为 {first.relevance:.2f}（反问门槛 {thresholds.relevant:.2f}）"
    )
    if case.decided("answer"):
        return f"{found}，因此直接应答。"
    if case.decided("clarify"):
        known = "置信度够，但没有说明是哪个系统或哪类用户，也可能是别的" if sure else "置信度不足，相近的条目不止一条"
        return f"{found}：{known}，因此反问。"
    if sure:
        return f"{found}：置信度够，但消息被看作寒暄、没有文字、说的是别的系统，或不清楚是哪个系统，因此不应答。"
    if relevant:
        return f"{found}：置信度不足，又没有别的相近条目可供反问，因此不应答。"
    return f"{found}：置信度和相关度都不足，因此不应答。"


def _where_is_the_right_one(case: Case, found: list[Candidate]) -> list[str]:
    if not case.label.entries or not found:
        return []
    if case.right:
        return ["首选就是正确条目。"]
    right = next((candidate for candidate in found if candidate.right), None)
    wanted = "、".join(case.label.entries)
    if right is None:
        return [f"正确条目 {wanted} 不在前 {len(found)} 位：可能不属于所知的系统，或者缺少相似问法。"]
    mine = {part.name: part.score for part in right.contributions}
    leads = sorted(
        ((part.score - mine.get(part.name, 0.0), part.title) for part in found[0].contributions), reverse=True
    )
    decisive = "、".join(f"{title} +{lead:.2f}" for lead, title in leads[:DECISIVE] if lead > 0)
    told = f"正确条目 {right.entry} 排在第 {right.place} 位，置信度 {right.confidence:.2f}。"
    return [told, f"首选的得分高出，主要在于：{decisive}。"] if decisive else [told]


def _options(case: Case) -> list[str]:
    options = case.prediction.options
    if not options:
        return []
    right = [option for option in options if option in case.label.entries]
    told = f"其中正确的是 {'、'.join(right)}" if right else "其中没有正确条目"
    return [f"反问给出的选项：{'、'.join(options)}；{told}。"]


def _person(case: Case, desk: Desk) -> list[str]:
    wanted, given = case.label.escalate, case.prediction.escalate
    if wanted == given:
        return []
    if given is None:
        return [f"应转人工（{_reason(desk, wanted)}），但事由的用语没有识别出来。"]
    if wanted is None:
        return [f"不需要人工，却按「{_reason(desk, given)}」提出转人工。"]
    return [f"应转人工的事由是「{_reason(desk, wanted)}」，却判为「{_reason(desk, given)}」。"]


def _reason(desk: Desk, name: str | None) -> str:
    reason = desk.reason(name or "")
    return f"{reason.dossier.label} {name}" if reason else name or ""
