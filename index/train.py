"""Learn rank.json from a knowledge base's own similar questions and uncovered topics.

Every similar question is asked with itself held out, and again with all similar questions held out, so that the weights
serve a knowledge base of bare documents as well; every uncovered topic is asked likewise, with and without the other
topics. The score is fitted by the softmax loss over the candidates of one question (ListNet with one right answer, Cao
et al. 2007) with non-negative weights, the two curves by logistic regression in which what speaks for an entry never
lowers the probability and what speaks against it never raises it. Deterministic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.optimize import minimize

from index import rank
from index.hybrid import HybridIndex, Mode
from index.rank import Floats
from index.snapshot import Snapshot
from index.variant import canonical

Bounds: TypeAlias = tuple[float | None, float | None]

_PENALTY_SCORE, _PENALTY_CURVE = 0.01, 2e-5
_BOUNDS: dict[str, Bounds] = {
    "constant": (None, None),
    "score": (0, None),
    "margin": (0, None),
    "topic": (None, 0),
    "topic_words": (None, 0),
    "elsewhere": (None, 0),
}
_CLOSE = 5
"""Candidates per question that the relevance curve learns from; those further down teach it nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as seen: features and rivals per candidate, and the row of the right one, None if there is none."""

    features: Floats
    rival: Floats
    elsewhere: bool
    right: int | None


def examples(index: HybridIndex, snapshot: Snapshot) -> Iterator[Asked]:
    """Every similar question and uncovered topic under each set of phrasings held out."""
    rows = list(enumerate(snapshot.phrasings))
    similar = frozenset(row for row, phrasing in rows if phrasing.kind == "similar")
    topics = frozenset(row for row, phrasing in rows if phrasing.kind == "uncovered")
    for row, phrasing in rows:
        if phrasing.kind in ("similar", "uncovered"):
            own = frozenset({row})
            for held_out in (own, own | topics, own | similar, own | similar | topics):
                yield _ask(index, phrasing.text, None if phrasing.entry < 0 else phrasing.entry, held_out)


def learn(asked: list[Asked]) -> dict[str, dict[str, float]]:
    """The weights of one mode, by name. ValueError where there is nothing to tell right from wrong by."""
    if len({a.right is None for a in asked}) < 2:
        raise ValueError("训练需要相似问法（*.similar.toml）和未收录话题（uncovered.toml），两者缺一不可。")
    score = _fit_score([a for a in asked if a.right is not None])
    relevance: list[tuple[Floats, bool]] = []
    confidence: list[tuple[Floats, bool]] = []
    for a in asked:
        scores = rank.weigh(a.features, score)
        relevant, confident = rank.curves(scores, a.rival, a.elsewhere)
        order = np.argsort(-scores, kind="stable")
        relevance.extend((relevant[n], n == a.right) for n in order[:_CLOSE])
        confidence.append((confident[order[0]], order[0] == a.right))
    return {
        "score": dict(zip(rank.FEATURES, _rounded(score), strict=True)),
        "relevance": dict(zip(rank.RELEVANCE, _fit_curve(relevance, rank.RELEVANCE), strict=True)),
        "confidence": dict(zip(rank.CONFIDENCE, _fit_curve(confidence, rank.CONFIDENCE), strict=True)),
    }


def write(learned: Mapping[Mode, dict[str, dict[str, float]]], path: Path) -> None:
    """Write the weights of all modes, readable and diffable."""
    path.write_text(json.dumps(learned, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _ask(index: HybridIndex, text: str, entry: int | None, held_out: Collection[int]) -> Asked:
    question = canonical(text)
    found = index.candidates(question, held_out=held_out)
    right = found.entries.index(entry) if entry is not None and entry in found.entries else None
    return Asked(found.features, found.rival, index.mention(question).elsewhere, right)


def _fit_score(asked: list[Asked]) -> Floats:
    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = _PENALTY_SCORE * float(weights @ weights), 2 * _PENALTY_SCORE * weights
        for a in asked:
            scores = a.features @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            total -= float(np.log(max(chances[a.right], 1e-12))) / len(asked)
            gradient = gradient + (chances @ a.features - a.features[a.right]) / len(asked)
        return total, gradient

    return _minimum(loss, np.ones(len(rank.FEATURES)), [(0, None)] * len(rank.FEATURES))


def _fit_curve(examples: list[tuple[Floats, bool]], names: Sequence[str]) -> list[float]:
    columns = np.array([x for x, _ in examples])
    labels = np.array([float(y) for _, y in examples])

    def loss(weights: Floats) -> tuple[float, Floats]:
        raw = columns @ weights
        total = float(np.logaddexp(0, raw).sum() - labels @ raw) / len(labels) + _PENALTY_CURVE * float(
            weights[1:] @ weights[1:]
        )
        gradient = columns.T @ (1 / (1 + np.exp(-raw)) - labels) / len(labels)
        gradient[1:] += 2 * _PENALTY_CURVE * weights[1:]
        return total, gradient

    return _rounded(_minimum(loss, np.zeros(columns.shape[1]), [_BOUNDS[name] for name in names]))


def _minimum(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, bounds: Sequence[Bounds]) -> Floats:
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _rounded(weights: Floats) -> list[float]:
    return [round(float(weight), 4) for weight in weights]
