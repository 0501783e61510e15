"""A few-shot classifier over the phrasings of a knowledge base: kernel ridge regression, one class per entry.

Every title, similar question and uncovered topic is an example; the uncovered topics are a class of their own. The
kernel exp(γ · (s − 1)) of a mixed cosine s (see `likeness`) lets each class be many-shaped, as the phrasings of one
entry are. Solved in closed form over a limited number of basis points (Nyström: Williams and Seeger, Using the Nyström
Method to Speed Up Kernel Machines, 2001), so the cost of fitting grows linearly with the phrasings; what the classifier
would say had it never seen some of them follows from the same matrices (leave-one-out: Golub, Heath and Wahba, 1979).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RIDGE, _JITTER, _CHUNK = 0.1, 1e-7, 2048


class Rows(Protocol):
    """A matrix that may be too large to hold: asked for rows by their positions, it gives these."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.intp], /) -> Floats: ...


class Fit:
    """What a fit knows: `kernel`, shape (n, landmarks), whose rows `basis`, rising, are the landmarks' own."""

    def __init__(self, kernel: Rows, basis: NDArray[np.intp], labels: NDArray[np.intp], classes: int) -> None:
        from scipy.linalg import cho_factor, cho_solve  # noqa: PLC0415 — serving fits nothing and does without it

        self._kernel, self._labels, self._classes = kernel, labels, classes
        gram = _JITTER * np.eye(len(basis))
        right = np.zeros((len(basis), classes))
        for start in range(0, len(kernel), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(kernel)))
            part = kernel[rows]
            gram += part.T @ part
            own = np.isin(rows, basis)
            gram[np.searchsorted(basis, rows[own])] += _RIDGE * part[own]
            right += part.T @ self._targets(rows)
        factor = cho_factor(gram, check_finite=False) if len(basis) else None
        self._solve: Callable[[Floats], Floats] = lambda right: right if factor is None else cho_solve(factor, right)
        self._weights = self._solve(right)

    def weights(self) -> NDArray[np.float32]:
        """The classifier, shape (classes, landmarks): times a message's kernel about 1 for its class, else about 0."""
        return np.ascontiguousarray(self._weights.T, dtype=np.float32)

    def without(self, row: int, held_out: Sequence[int]) -> Floats:
        """What it would say to phrasing `row` had it not seen the phrasings `held_out`, `row` among them."""
        rows = np.asarray(held_out, dtype=np.intp)
        seen = self._kernel[rows]
        hat, said = seen @ self._solve(seen.T), seen @ self._weights
        without = np.linalg.solve(np.eye(len(rows)) - hat, said - hat @ self._targets(rows))
        return np.asarray(without[int(np.flatnonzero(rows == row)[0])], dtype=np.float64)

    def _targets(self, rows: NDArray[np.intp]) -> Floats:
        targets = np.zeros((len(rows), self._classes))
        targets[np.arange(len(rows)), self._labels[rows]] = 1.0
        return targets
