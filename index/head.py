"""A few-shot classifier over the phrasings of a knowledge base: kernel ridge regression, one class per entry.

Every title, similar question and uncovered topic is an example; the uncovered topics are a class of their own. The
kernel exp(γ · (s − 1)) of a mixed cosine s (see `likeness`) lets each class be many-shaped, as the phrasings of one
entry are. Solved in closed form over a limited number of basis points (Nyström: Williams and Seeger, Using the Nyström
Method to Speed Up Kernel Machines, 2001), so the cost of fitting grows linearly with the phrasings; what the classifier
would say had it never seen some of them follows from the same matrices (leave-one-out: Golub, Heath and Wahba, 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
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
        from scipy.linalg import cholesky  # noqa: PLC0415 — serving fits nothing and does without it

        self._kernel, self._labels = kernel, labels
        # Where landmarks repeat each other the kernel is singular, and the noise of its single precision adds up.
        gram = _JITTER * len(basis) * np.eye(len(basis))
        right = np.zeros((classes, len(basis)))
        for start in range(0, len(kernel), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(kernel)))
            part = kernel[rows]
            gram += part.T @ part
            own = np.isin(rows, basis)
            gram[np.searchsorted(basis, rows[own])] += _RIDGE * part[own]
            _add_by_label(right, labels[rows], part)
        # The lower half of the transpose: the half that is read matters, for the kernel is symmetric only nearly.
        self._root = cholesky(gram.T, lower=True, overwrite_a=True, check_finite=False)
        self._weights = self._divided(self._divided(right.T), transposed=True)

    def weights(self) -> NDArray[np.float32]:
        """The classifier, shape (classes, landmarks): times a message's kernel about 1 for its class, else about 0."""
        return np.ascontiguousarray(self._weights.T, dtype=np.float32)

    def without(self, row: int, held_out: Sequence[int]) -> Floats:
        """What it would say to phrasing `row` had it not seen the phrasings `held_out`, `row` among them."""
        rows = np.asarray(held_out, dtype=np.intp)
        seen = self._kernel[rows]
        half = self._divided(seen.T)
        hat = half.T @ half
        # Of the solution for all of them only the row asked for is needed, so the system is solved for its place.
        share = np.linalg.solve(np.eye(len(rows)) - hat, (rows == row).astype(np.float64))
        said = (share @ seen) @ self._weights
        np.subtract.at(said, self._labels[rows], share @ hat)
        return np.asarray(said, dtype=np.float64)

    def _divided(self, right: Floats, *, transposed: bool = False) -> Floats:
        """The inverse of the root of the normal equations, or of its transpose, times `right`."""
        from scipy.linalg import solve_triangular  # noqa: PLC0415

        found: Floats = solve_triangular(self._root, right, trans=int(transposed), lower=True, check_finite=False)
        return found


def _add_by_label(sums: Floats, labels: NDArray[np.intp], rows: Floats) -> None:
    """Add each of the rows to the sum of its label."""
    order = np.argsort(labels, kind="stable")
    found, starts = np.unique(labels[order], return_index=True)
    sums[found] += np.add.reduceat(rows[order], starts, axis=0)
