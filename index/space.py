"""Sentence vectors, so turned and stretched that a cosine says more about meaning and less about the subject.

All texts of one help desk have much in common, and an encoder such as E5 puts any two texts at a cosine above 0.7. Here
what they share is taken away (the mean) and the directions in which they differ most are shortened (whitening towards a
covariance shrunk to the identity: Su et al., Whitening Sentence Representations, 2021; Ledoit and Wolf, 2004), so that
unrelated texts of the knowledge base are at about 0 and the same text is at 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SHRINKAGE = 0.9


class Space:
    """The space of one knowledge base, learned from all its vectors, shape (n, dimension). Immutable."""

    def __init__(self, vectors: Floats) -> None:
        count, dimension = vectors.shape
        # One vector at the origin more, so that a knowledge base of one text does not have that text for its mean.
        self._mean = vectors.sum(axis=0, dtype=np.float64) / (count + 1)
        centred = (vectors - self._mean).astype(np.float32)
        covariance = (centred.T @ centred).astype(np.float64)
        trace = float(np.trace(covariance))
        shape = covariance * (dimension / trace) if trace else np.zeros_like(covariance)
        # Values and vectors of a symmetric matrix: its inverse root keeps the axes, a triangular factor would not.
        values, axes = np.linalg.eigh((1 - _SHRINKAGE) * shape + _SHRINKAGE * np.eye(dimension))
        self._turn = (axes / np.sqrt(values)) @ axes.T

    def place(self, vectors: Floats) -> Floats:
        """Unit vectors of this space for vectors of the encoder, both of shape (n, dimension)."""
        turned = (vectors - self._mean) @ self._turn
        lengths = np.linalg.norm(turned, axis=-1, keepdims=True)
        return np.asarray(turned / np.maximum(lengths, 1e-9), dtype=np.float32)
