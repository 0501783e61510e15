"""From measures to probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import rank

MODES = ["hybrid", "keyword"]
measure = st.floats(-1, 1)
candidates = st.integers(0, 6).flatmap(
    lambda count: st.tuples(
        st.lists(st.lists(measure, min_size=10, max_size=10), min_size=count, max_size=count),
        st.lists(st.lists(st.floats(-2, 2), min_size=2, max_size=2), min_size=count, max_size=count),
    )
)


def judged(
    features: list[list[float]], rival: list[list[float]], mode: str, *, elsewhere: bool = False
) -> rank.Judgement:
    return rank.judge(np.array(features).reshape(-1, 10), np.array(rival).reshape(-1, 2), elsewhere, rank.weights(mode))


@pytest.mark.parametrize("mode", MODES)
@given(candidates)
def test_confidence_and_relevance_are_probabilities(
    mode: str, given: tuple[list[list[float]], list[list[float]]]
) -> None:
    """Whatever is measured, each candidate gets a score and two numbers from 0 to 1."""
    judgement = judged(*given, mode)
    for values in (judgement.confidence, judgement.relevance):
        assert values.shape == judgement.score.shape == (len(given[0]),)
        assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("mode", MODES)
@given(candidates)
def test_no_candidate_is_surer_than_a_better_one(mode: str, given: tuple[list[list[float]], list[list[float]]]) -> None:
    """In the order of the scores confidence never rises."""
    judgement = judged(*given, mode)
    order = np.argsort(-judgement.score, kind="stable")
    assert (np.diff(judgement.confidence[order]) <= 0).all()


@pytest.mark.parametrize("mode", MODES)
@given(st.lists(measure, min_size=10, max_size=10), st.integers(0, 9), st.floats(0, 1))
def test_a_measure_that_rises_never_lowers_the_probability(
    mode: str, features: list[float], column: int, more: float
) -> None:
    """Of a lone candidate."""
    better = [value + more * (at == column) for at, value in enumerate(features)]
    before, after = judged([features], [[0, 0]], mode), judged([better], [[0, 0]], mode)
    assert after.confidence[0] >= before.confidence[0] - 1e-12
    assert after.relevance[0] >= before.relevance[0] - 1e-12


@pytest.mark.parametrize("mode", MODES)
def test_a_nearer_uncovered_topic_and_a_foreign_system_lower_it(mode: str) -> None:
    """What speaks against an entry counts against it."""
    plain = judged([[0.5] * 10], [[-0.5, -0.5]], mode)
    for other in (judged([[0.5] * 10], [[0.5, 0.5]], mode), judged([[0.5] * 10], [[-0.5, -0.5]], mode, elsewhere=True)):
        assert other.confidence[0] < plain.confidence[0]
        assert other.relevance[0] < plain.relevance[0]


@pytest.mark.parametrize("mode", MODES)
def test_a_rival_close_behind_lowers_confidence_but_not_relevance(mode: str) -> None:
    """Two entries that fit alike are both relevant, and neither is surely the answer."""
    alone, torn = judged([[0.5] * 10], [[0, 0]], mode), judged([[0.5] * 10] * 2, [[0, 0]] * 2, mode)
    assert torn.confidence[0] < alone.confidence[0]
    assert torn.relevance[0] == alone.relevance[0]


def test_margins_are_over_the_best_other_score() -> None:
    """The first is ahead of the second, all others are behind the first; a lone one is ahead of 0."""
    assert rank.margins(np.array([1.0, 3.0, 2.5])).tolist() == [-2.0, 0.5, -0.5]
    assert rank.margins(np.array([2.0])).tolist() == [2.0]
    assert rank.margins(np.array([])).tolist() == []


def test_equal_scores_have_no_margin() -> None:
    """Whichever comes first."""
    assert rank.margins(np.array([2.0, 2.0])).tolist() == [0.0, 0.0]
