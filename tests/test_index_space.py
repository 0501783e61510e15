"""The space of a knowledge base: what its texts share is taken away, what tells them apart is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.space import Space

Floats = NDArray[np.float32]


def units(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def crowded(count: int = 200, dimension: int = 32, seed: int = 1) -> Floats:
    """Unit vectors that all have much in common, as those of one help desk do: cosines above 0.7."""
    noise = np.random.default_rng(seed).normal(size=(count, dimension))
    noise[:, 0] = 10.0
    return units(noise.astype(np.float32))


def test_unrelated_texts_are_at_about_nothing() -> None:
    """However near to one another the encoder puts them."""
    vectors = crowded()
    assert (vectors @ vectors.T).min() > 0.5
    placed = Space(vectors).place(vectors)
    apart = (placed @ placed.T)[~np.eye(len(placed), dtype=bool)]
    assert abs(apart.mean()) < 0.02
    assert np.percentile(np.abs(apart), 95) < 0.5


def test_the_same_text_is_at_one() -> None:
    """Also one that is not in the knowledge base."""
    space = Space(crowded())
    for vectors in (crowded(), crowded(seed=2)):
        placed = space.place(vectors)
        assert np.linalg.norm(placed, axis=1) == pytest.approx(np.ones(len(placed)), abs=1e-5)
        assert placed.dtype == np.float32


def test_the_nearest_stays_the_nearest() -> None:
    """A text that is almost another one finds it among all others."""
    vectors = crowded()
    space = Space(vectors)
    almost = units(vectors + 0.02 * crowded(seed=3))
    assert (space.place(almost) @ space.place(vectors).T).argmax(axis=1).tolist() == list(range(len(vectors)))


def test_the_directions_in_which_texts_differ_most_count_less() -> None:
    """Two texts that differ only there come nearer to one another than two that differ as much elsewhere."""
    rng = np.random.default_rng(4)
    vectors = units(np.column_stack([rng.normal(scale=5, size=300), rng.normal(size=(300, 7))]).astype(np.float32))
    space = Space(vectors)
    start = np.full(8, 0.3, dtype=np.float32)
    along, across = start.copy(), start.copy()
    along[0] += 0.3
    across[1] += 0.3
    placed = space.place(np.stack([start, along, across]))
    assert placed[0] @ placed[1] > placed[0] @ placed[2]


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((0, 4), np.float32),
        np.eye(4, dtype=np.float32)[:1],
        np.repeat(np.eye(4, dtype=np.float32)[:1], 5, axis=0),
        np.zeros((3, 4), np.float32),
        np.eye(4, dtype=np.float32)[:2],
    ],
    ids=["none", "one", "all the same", "zeros", "fewer than dimensions"],
)
def test_few_or_equal_vectors_make_a_space_all_the_same(vectors: Floats) -> None:
    """Every number is finite, no cosine beyond 1, and a text is still at 1 with itself."""
    space = Space(vectors)
    other = np.array([[0.6, 0.8, 0.0, 0.0]], np.float32)
    placed = space.place(np.concatenate([vectors, other]))
    assert np.isfinite(placed).all()
    assert np.abs(placed @ placed.T).max() <= 1 + 1e-5
    assert placed[-1] @ placed[-1] == pytest.approx(1, abs=1e-5)


def test_the_only_text_of_a_knowledge_base_is_found() -> None:
    """It is not its own mean."""
    only = np.eye(4, dtype=np.float32)[:1]
    placed = Space(only).place(np.eye(4, dtype=np.float32))
    cosines = placed @ placed[0]
    assert cosines[0] == pytest.approx(1, abs=1e-5)
    assert cosines[1:].max() < 0.5


@given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 2**16))
def test_placing_one_or_many_is_the_same(count: int, dimension: int, seed: int) -> None:
    """A vector's place depends on the knowledge base only; a single vector keeps its shape."""
    vectors = np.random.default_rng(seed).normal(size=(count + 1, dimension)).astype(np.float32)
    space = Space(vectors[:count])
    together = space.place(vectors)
    assert together.shape == vectors.shape
    for vector, place in zip(vectors, together, strict=True):
        assert space.place(vector) == pytest.approx(place, abs=1e-5)
