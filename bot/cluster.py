"""Questions that mean the same, found without knowing how many meanings there are. Pure, deterministic.

Two questions are alike as their words, sounds and meanings are (`index.likeness`, on a scale where unrelated ones are
at about 0), and as what the index makes of them is: the overlap of the probabilities that it gives to the entries
(Bhattacharyya), which counts as far as it gives them to any. Groups grow by average link (UPGMA): two groups become one
while the mean likeness across them is at least ALIKE.

Measured on the project's documents, each similar question and uncovered topic held out as in `index.trial`, those that
the bot would then not answer (748; every topic for a meaning of its own, which is hard on the precision): of pairs
under one entry 34 % are at ALIKE or above, of other pairs 0.6 %; the groups have a B³ precision of 0.70 and a recall of
0.83 (on keywords alone 0.76 and 0.77). On questions.jsonl, the first entry being the meaning and every refused question
one of its own: those that the bot would not answer (196) 0.67 and 0.94, all that are answered or refused (562) 0.78 and
0.91, those that are answered (382) 0.95 and 0.87. Of the answered ones the best B³ F over all thresholds is 0.93 this
way, 0.67 with words and meanings but without the entries, 0.45 with raw vectors of the encoder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.likeness import Likeness

Floats = NDArray[np.float32]

ALIKE: Final = 0.33
ALIKE_WORDS: Final = 0.6
"""The same for words and sounds alone: nearly the same letters."""

_LEAST_SHARE: Final = 0.01
_ROWS: Final = 32


def alike(
    texts: Sequence[str],
    vectors: Floats | None,
    shares: Sequence[Mapping[str, float]],
    rest: Callable[[], None] = lambda: None,
) -> Floats:
    """How alike n texts are, shape (n, n), symmetric, at most 1.

    `vectors` are unit vectors of the knowledge base's space, None without an encoder; `shares` the probabilities of
    entries, none where they are not known. `rest` is called every few rows, for whoever computes beside others.
    """
    likeness = Likeness(texts, vectors)
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    parts_of: defaultdict[str, list[float]] = defaultdict(list)
    for row, share in enumerate(shares):
        for entry, probability in share.items():
            if probability >= _LEAST_SHARE:
                rows_of[entry].append(row)
                parts_of[entry].append(probability**0.5)
    mass = np.sqrt([min(1.0, sum(share.values())) for share in shares], dtype=np.float64)
    blank = np.zeros(len(texts), dtype=np.float32)
    found = np.empty((len(texts), len(texts)), dtype=np.float32)
    for row, text in enumerate(texts):
        total = likeness.alike(text, blank if vectors is None else vectors @ vectors[row]).astype(np.float64)
        overlap = np.zeros(len(texts))
        for entry, probability in shares[row].items():
            if probability >= _LEAST_SHARE:
                overlap[rows_of[entry]] += probability**0.5 * np.array(parts_of[entry])
        weight = mass[row] * mass
        found[row] = (total + weight * overlap) / (1 + weight**2)
        if row % _ROWS == 0:
            rest()
    for row in range(1, len(found)):  # symmetric to the last bit, without a second matrix
        found[:row, row] = found[row, :row]
    return found


def groups(likeness: Floats, least: float) -> list[list[int]]:
    """Positions that belong together, each group in order and the groups by their first; `likeness` is used up."""
    count = len(likeness)
    np.fill_diagonal(likeness, -np.inf)
    size = np.ones(count)
    members = [[row] for row in range(count)]
    best = likeness.argmax(axis=1) if count > 1 else np.zeros(0, dtype=np.intp)
    value = likeness.max(axis=1, initial=-np.inf)
    while count > 1:
        one = int(value.argmax())
        if value[one] < least:
            break
        one, other = sorted((one, int(best[one])))
        joint = (size[one] * likeness[one] + size[other] * likeness[other]) / (size[one] + size[other])
        joint[[one, other]] = -np.inf
        likeness[one] = likeness[:, one] = joint
        likeness[other] = likeness[:, other] = -np.inf
        size[one] += size[other]
        members[one] += members[other]
        members[other] = []
        value[other] = -np.inf
        stale = np.flatnonzero(((best == one) | (best == other)) & (value > -np.inf))
        for row in {one, *map(int, stale)}:
            best[row] = likeness[row].argmax()
            value[row] = likeness[row, best[row]]
        nearer = joint > value
        best[nearer], value[nearer] = one, joint[nearer]
    return [sorted(group) for group in members if group]


def typical(likeness: Floats, group: Sequence[int], weights: Sequence[int]) -> int:
    """The member of a group that is most like all of it, each counted by its weight."""
    within = likeness[np.ix_(group, group)].copy()
    np.fill_diagonal(within, 1.0)
    return group[int((within @ np.asarray(weights, dtype=np.float64)).argmax())]
