"""The classifier in closed form, held against fits that were really made."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import head
from index.head import Fit

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

CLASSES = 4


@dataclass(frozen=True)
class Problem:
    """Points, what they are, which of them are landmarks, and which are held out: `row` among `held_out`."""

    kernel: Floats
    labels: Rows
    basis: Rows
    row: int
    held_out: list[int]

    @property
    def kept(self) -> Rows:
        return np.setdiff1d(np.arange(len(self.labels)), self.held_out)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small kernels of random points, some of them equal; the landmarks are a part of the points or all."""
    count = draw(st.integers(3, 12))
    points = np.random.default_rng(draw(st.integers(0, 2**16))).normal(size=(count, 3))
    points[draw(st.integers(0, count - 1))] = points[0]
    distances = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    labels = np.array(draw(st.lists(st.integers(0, CLASSES - 1), min_size=count, max_size=count)), np.intp)
    some = st.lists(st.integers(0, count - 1), min_size=1, max_size=count - 1, unique=True)
    held_out = draw(some)
    basis = np.array(sorted(draw(some | st.just(list(range(count))))), np.intp)
    return Problem(np.exp(-distances)[:, basis], labels, basis, draw(st.sampled_from(held_out)), held_out)


def fit(problem: Problem) -> Fit:
    return Fit(problem.kernel, problem.basis, problem.labels, CLASSES)


@given(problems())
def test_what_it_would_say_without_some_is_what_it_says_where_they_never_were(problem: Problem) -> None:
    """Fitted again on the other rows, the landmarks being the same."""
    kept = problem.kept
    targets = np.eye(CLASSES)[problem.labels[kept]]
    seen, among = problem.kernel[kept], problem.kernel[problem.basis]
    gram = seen.T @ seen + 0.1 * among + 1e-7 * len(problem.basis) * np.eye(len(problem.basis))
    again = problem.kernel[problem.row] @ np.linalg.solve(gram, seen.T @ targets)
    assert fit(problem).without(problem.row, problem.held_out) == pytest.approx(again, abs=1e-5)


@given(problems())
def test_where_no_landmark_is_held_out_a_fit_of_the_others_says_it(problem: Problem) -> None:
    """Through the class itself, not through its formula."""
    kept = problem.kept
    inside = np.isin(problem.basis, kept)
    if not inside.any():
        return
    columns = problem.kernel[:, inside]
    whole = Fit(columns, problem.basis[inside], problem.labels, CLASSES)
    again = Fit(columns[kept], np.searchsorted(kept, problem.basis[inside]), problem.labels[kept], CLASSES)
    said = again.weights() @ columns[problem.row]
    assert whole.without(problem.row, problem.held_out) == pytest.approx(said, abs=1e-4)


@given(problems())
def test_where_all_are_landmarks_those_held_out_leave_no_trace(problem: Problem) -> None:
    """A landmark that nobody saw gets no weight: it is as if it, too, had never been there."""
    if len(problem.basis) < len(problem.labels):
        return
    kept = problem.kept
    again = Fit(problem.kernel[np.ix_(kept, kept)], np.arange(len(kept)), problem.labels[kept], CLASSES)
    said = again.weights() @ problem.kernel[problem.row, kept]
    assert fit(problem).without(problem.row, problem.held_out) == pytest.approx(said, abs=1e-3)


@given(problems())
def test_the_order_in_which_they_are_held_out_does_not_matter(problem: Problem) -> None:
    """Each is found at its own place."""
    forward = fit(problem).without(problem.row, problem.held_out)
    assert fit(problem).without(problem.row, problem.held_out[::-1]) == pytest.approx(forward, abs=1e-9)


def test_an_example_is_recognised_and_others_are_not() -> None:
    """About 1 for its class and 0 for the rest, one row of weights per class, also for a class without examples."""
    kernel = np.eye(3) + 0.01
    weights = Fit(kernel, np.arange(3), np.array([0, 1, 2]), 4).weights()
    assert weights.shape == (4, 3)
    assert weights.dtype == np.float32
    said = kernel @ weights.T
    assert said[:, :3] == pytest.approx(np.eye(3), abs=0.15)
    assert not said[:, 3].any()


def test_without_it_an_example_is_not_recognised() -> None:
    """Nothing else is like it, so nothing speaks for its class."""
    kernel = np.eye(3) + 0.01
    assert abs(Fit(kernel, np.arange(3), np.array([0, 1, 2]), 3).without(1, [1])[1]) < 1e-9


@pytest.mark.parametrize("copies", [10, 300])
def test_examples_that_repeat_each_other_are_no_trouble(copies: int) -> None:
    """Titles of a table, say; in single precision their kernel is not quite what a kernel is."""
    noise = np.random.default_rng(0).normal(size=(4 * copies, 4 * copies)) * 1e-7
    kernel = (np.kron(np.full((4, 4), 0.9) + 0.1 * np.eye(4), np.ones((copies, copies))) + noise).astype(np.float32)
    labels = np.repeat(np.arange(4), copies)
    weights = Fit(kernel.astype(np.float64), np.arange(4 * copies), labels, CLASSES).weights()
    assert (np.argmax(kernel @ weights.T, axis=1) == labels).all()


@given(problems(), st.integers(1, 5))
def test_reading_the_kernel_in_parts_changes_nothing(problem: Problem, chunk: int) -> None:
    """However few of its rows fit into memory at once."""
    whole = fit(problem)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(head, "_CHUNK", chunk)
        parts = fit(problem)
    assert parts.weights() == pytest.approx(whole.weights(), abs=1e-3)
    said, again = (f.without(problem.row, problem.held_out) for f in (whole, parts))
    assert again == pytest.approx(said, abs=1e-5)


def test_a_class_costs_its_weights_and_no_column_of_targets() -> None:
    """Ten thousand entries have as many classes: a table of rows by classes would be 800 MB here."""
    kernel = np.exp(-np.random.default_rng(1).random((2000, 5)))
    labels = np.arange(2000) * 25
    tracemalloc.start()
    try:
        fitted = Fit(kernel, np.arange(5), labels, 50_000)
        said = fitted.without(7, [7, 8])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said.shape == (50_000,)
    assert peak < 20e6


@pytest.mark.parametrize("classes", [1, 3])
def test_without_examples_there_are_weights_for_nothing(classes: int) -> None:
    """An empty knowledge base has a classifier, too."""
    none = np.zeros(0, np.intp)
    assert Fit(np.zeros((0, 0)), none, none, classes).weights().shape == (classes, 0)
