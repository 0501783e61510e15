"""How alike two questions are, as the classifier sees it: meaning, characters and sound mixed in one kernel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.gram import GramIndex
from index.sound import syllables

Floats = NDArray[np.float32]

LANDMARKS: Final = 6000
"""The most questions that others are compared with."""

WEIGHTS: Final = 16_000_000
"""The most weights of a classifier, one per class and landmark: 64 MB, in the snapshot and in the server's memory."""

_SHARPNESS = 2.0
_MEANING = 2 / 3
"""What the cosine of two vectors counts for; the rest is shared by characters and sounds."""


class Likeness:
    """n questions, given as canonical texts and unit vectors (None: without an encoder). Immutable.

    `classes` is how many a classifier over them will tell apart.
    """

    def __init__(self, texts: Sequence[str], vectors: Floats | None, classes: int = 1) -> None:
        count = len(texts)
        most = min(count, LANDMARKS, max(WEIGHTS // max(classes, 1), 1))
        self.landmarks = np.unique(np.linspace(0, count - 1, most).astype(np.intp))
        """Positions of the questions that others are compared with, evenly spread; all of them if they are few."""
        self._meaning = 0.0 if vectors is None else _MEANING
        self._letters = GramIndex([_letters(texts[at]) for at in self.landmarks])
        self._sounds = GramIndex([_sounds(texts[at]) for at in self.landmarks])

    def kernel(self, text: str, cosines: Floats) -> Floats:
        """The kernel of a text with the landmarks, given the cosines of their vectors with its own."""
        return np.asarray(np.exp(_SHARPNESS * (self.alike(text, cosines) - 1)))

    def alike(self, text: str, cosines: Floats) -> Floats:
        """The mixed cosine that the kernel rests on."""
        mixed = (1 - self._meaning) / 2 * (self._letters.cosines(_letters(text)) + self._sounds.cosines(_sounds(text)))
        return np.asarray(mixed + self._meaning * cosines)


class Kernel:
    """The kernel of n questions with the landmarks among them, shape (n, landmarks), computed as rows are asked for."""

    def __init__(self, likeness: Likeness, texts: Sequence[str], vectors: Floats | None) -> None:
        self._likeness, self._texts = likeness, texts
        self._vectors = np.zeros((len(texts), 0), np.float32) if vectors is None else vectors
        self._landmarks = self._vectors[likeness.landmarks]

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The rows at these positions."""
        cosines = self._vectors[rows] @ self._landmarks.T
        found = [self._likeness.kernel(self._texts[row], cosine) for row, cosine in zip(rows, cosines, strict=True)]
        return np.array(found, dtype=np.float64).reshape(cosines.shape)


def _letters(text: str) -> list[str]:
    letters = "".join(filter(str.isalnum, text))
    return [*letters, *(letters[at : at + 2] for at in range(len(letters) - 1))]


def _sounds(text: str) -> list[str]:
    found = syllables(text)
    return [*found, *map(" ".join, pairwise(found))]
