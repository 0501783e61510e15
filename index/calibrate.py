"""The shipped weights brought to one knowledge base's own scale, when its index is built.

How much a score is worth depends on how close together a knowledge base's questions lie: among three hundred questions
about one product an uncovered one comes nearer to some entry than among thirty about two systems. So a sample of the
similar questions is asked as in training, each held out, and with its entry gone where no topics are known; two numbers
are fitted to what comes of it: how sharply scores become probabilities, and the score that "none of them" starts with
(after Platt, Probabilistic Outputs for Support Vector Machines, 1999). Few questions hardly move them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import minimize

from index import rank
from index.encoder import Encoder
from index.hybrid import HybridIndex
from index.rank import Floats
from index.segment import Segmenter
from index.snapshot import Snapshot
from index.train import ask
from index.trial import Recall

SAMPLE: Final = 200
"""Similar questions asked, however large the knowledge base."""

_FEWEST = 50
_SPREAD: Final = (0.5, 2.0)
"""By how much the logarithm of the sharpness, and the start of "none", may be expected to differ between bases."""


def calibrated(
    snapshot: Snapshot, segmenter: Segmenter, encoder: Encoder | None, *, say: Callable[[str], None] | None = None
) -> Snapshot:
    """The snapshot with its tuning; the same where it has too few similar questions to learn from.

    `say` is told (a line, Chinese) that it begins.
    """
    if sum(phrasing.kind == "similar" for phrasing in snapshot.phrasings) < _FEWEST:
        return snapshot
    if say is not None:
        say("正在校准置信度……")
    index = HybridIndex(snapshot, segmenter, None if encoder is None else Recall(snapshot, encoder))
    weights = rank.shipped(index.mode, similar=True)
    asked = [
        (rank.weigh(a.features, weights.entry), rank.weigh(a.none[None], weights.none), a.right, a.weight)
        for a in ask(index, snapshot, SAMPLE)
    ]

    def loss(tuning: Floats) -> float:
        sharpness, start = np.exp(tuning[0]), tuning[1]
        total = float(((tuning / _SPREAD) ** 2).sum()) / 2
        for entries, none, right, weight in asked:
            scores = sharpness * np.append(entries, none)
            scores[-1] += start
            top = scores.max()
            total -= weight * float(scores[-1 if right is None else right] - top - np.log(np.exp(scores - top).sum()))
        return total

    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3}).x
    return replace(snapshot, tuning=(round(float(np.exp(found[0])), 4), round(float(found[1]), 4)))
