"""Measures → score → probability. A linear score ranks; two logistic curves over it say what it is worth.

`relevance`: the entry bears on the message. `confidence`: it answers the message, and no other entry does so better;
beside the score it knows the margin to the best other entry. Both know how much nearer an uncovered topic came. The
weights are learned from the knowledge base's own similar questions, each held out in turn (see `train`), and lie in
rank.json, one set for search with the encoder and one without. For the curves: Platt, Probabilistic Outputs for Support
Vector Machines (1999).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FILE: Final = Path(__file__).with_name("rank.json")
"""The shipped weights."""

FEATURES: Final = (
    "title",
    "question",
    "answer",
    "words",
    "pairs",
    "answer_words",
    "answer_pairs",
    "fuzzy",
    "system",
    "audience",
)
"""The columns of a feature matrix: seven of `compare.Seen`, fuzzy matching, two of −1, 0 or 1 (see `hybrid`)."""

Floats = NDArray[np.float64]

RELEVANCE: Final = ("constant", "score", "topic", "topic_words", "elsewhere")
CONFIDENCE: Final = ("constant", "score", "margin", "topic", "topic_words", "elsewhere")
"""The columns of the two curves, see `curves`."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight per column of FEATURES, RELEVANCE and CONFIDENCE."""

    score: tuple[float, ...]
    relevance: tuple[float, ...]
    confidence: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Per candidate, shape (n,): the score, and the two probabilities."""

    score: Floats
    relevance: Floats
    confidence: Floats


@cache
def weights(mode: str) -> Weights:
    """The shipped weights for "hybrid" or "keyword" search."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))[mode]
    return Weights(
        score=tuple(stored["score"][name] for name in FEATURES),
        relevance=tuple(stored["relevance"][name] for name in RELEVANCE),
        confidence=tuple(stored["confidence"][name] for name in CONFIDENCE),
    )


def judge(features: Floats, rival: Floats, elsewhere: bool, learned: Weights) -> Judgement:
    """Judge n candidates by their `features`, shape (n, len(FEATURES)); `rival` and `elsewhere` as for `curves`.

    No candidate gets more confidence than one with a better score, however far it is ahead of the uncovered topics.
    """
    score = weigh(features, learned.score)
    relevance, confidence = curves(score, rival, elsewhere)
    order = np.argsort(-score, kind="stable")
    falling = np.empty(len(score))
    falling[order] = np.minimum.accumulate(_logistic(confidence, learned.confidence)[order])
    return Judgement(score, _logistic(relevance, learned.relevance), falling)


def curves(score: Floats, rival: Floats, elsewhere: bool) -> tuple[Floats, Floats]:
    """The columns RELEVANCE and CONFIDENCE of n scored candidates.

    `rival`, shape (n, 2), says how much nearer than each candidate an uncovered topic came, by meaning and by words;
    `elsewhere`, whether the message names a system that is not ours.
    """
    one, away = np.ones(len(score)), np.full(len(score), float(elsewhere))
    return (
        np.column_stack([one, score, rival, away]),
        np.column_stack([one, score, margins(score), rival, away]),
    )


def margins(score: Floats) -> Floats:
    """By how much each score beats the best other one; a lone candidate beats 0."""
    if len(score) < 2:
        return score.copy()
    order = np.argsort(-score, kind="stable")
    best_other = np.full(len(score), score[order[0]])
    best_other[order[0]] = score[order[1]]
    return np.asarray(score - best_other)


def weigh(columns: Floats, learned: Sequence[float] | Floats) -> Floats:
    """The weighted sum of each row. Equal rows get equal sums to the bit, which a matrix product does not promise."""
    return np.asarray((columns * np.asarray(learned)).sum(axis=1))


def _logistic(columns: Floats, learned: Sequence[float]) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(weigh(columns, learned), -30, 30))))
