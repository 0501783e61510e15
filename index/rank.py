"""Measures → score → probability: one softmax over the entries found and "none of them".

Each entry's score is a weighted sum of what was measured of it, and so is that of "none", which rises with the nearness
of uncovered topics; the probabilities follow by the softmax (a conditional logit: McFadden, Conditional Logit Analysis
of Qualitative Choice Behavior, 1974). So the probabilities of all that a message could mean add up to one: two entries
that fit alike share it, and one far ahead of the others gets it only where "none" leaves it. The weights are learned
from the knowledge base's own similar questions and uncovered topics, each held out in turn (see `train`), and lie in
rank.json, readable: one set for each mode of search, with similar questions and without; `calibrate` scales it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    "head",
    "words",
    "pairs",
    "sounds",
    "answer_words",
    "answer_pairs",
    "fuzzy",
    "system",
    "audience",
)
"""What is measured of an entry (see `compare.Seen`): cosines, the classifier's score, keyword shares, letters, and two
of −1, 0 or 1 that say whether the message points at the entry's system and audience or at others."""

NONE: Final = ("constant", "no_topics", "topic_head", "topic", "topic_words", "elsewhere")
"""What is measured of "none of them": 1; 1 where no uncovered topics are known; how near the uncovered topics came by
the classifier, by meaning and by words; 1 where the message names a system that is not ours."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight per column of FEATURES and of NONE."""

    entry: tuple[float, ...]
    none: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Per candidate, shape (n,): the score, the probability that it is what was asked for, and the probability that it
    were if the other candidates did not exist."""

    score: Floats
    confidence: Floats
    relevance: Floats


@cache
def shipped(mode: str, *, similar: bool) -> Weights:
    """The shipped weights for "hybrid" or "keyword" search in a knowledge base with or without similar questions."""
    return read(json.loads(FILE.read_text(encoding="utf-8"))[name(mode, similar=similar)])


def tuned(weights: Weights, sharpness: float, start: float) -> Weights:
    """The weights for one knowledge base: all of them times `sharpness`, and "none" beginning at `start` more."""
    none = [
        sharpness * value + (start if name == "constant" else 0.0)
        for name, value in zip(NONE, weights.none, strict=True)
    ]
    return Weights(tuple(sharpness * value for value in weights.entry), tuple(none))


def name(mode: str, *, similar: bool) -> str:
    """What a set of weights is called in rank.json."""
    return f"{mode}, {'similar questions' if similar else 'titles and answers'}"


def read(stored: Mapping[str, Mapping[str, float]]) -> Weights:
    """The weights from their readable form."""
    return Weights(tuple(stored["entry"][n] for n in FEATURES), tuple(stored["none"][n] for n in NONE))


def judge(features: Floats, none: Floats, learned: Weights) -> Judgement:
    """Judge n candidates by their `features`, shape (n, len(FEATURES)), against `none`, shape (len(NONE),)."""
    score = weigh(features, learned.entry) - float(weigh(none[None], learned.none)[0])
    odds = np.exp(np.clip(score, -60, 60))
    return Judgement(score, np.asarray(odds / (1 + odds.sum())), np.asarray(odds / (1 + odds)))


def weigh(columns: Floats, learned: tuple[float, ...]) -> Floats:
    """The weighted sum of each row. Equal rows get equal sums to the bit, which a matrix product does not promise."""
    return np.asarray((columns * np.asarray(learned)).sum(axis=1))
