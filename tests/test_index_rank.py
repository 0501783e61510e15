"""From measures to probabilities."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import rank
from index.rank import FEATURES, NONE, Judgement, Weights

Floats = NDArray[np.float64]

SHIPPED = {
    rank.name(mode, similar=similar): rank.shipped(mode, similar=similar)
    for mode in ("hybrid", "keyword")
    for similar in (True, False)
}
shipped = pytest.mark.parametrize("weights", SHIPPED.values(), ids=SHIPPED.keys())
measure = st.floats(-1, 1)
row = st.lists(measure, min_size=len(FEATURES), max_size=len(FEATURES))
nothing = st.lists(st.floats(0, 1), min_size=len(NONE), max_size=len(NONE))
candidates = st.lists(row, max_size=6)
drawn = st.builds(
    Weights,
    st.lists(st.floats(-30, 30), min_size=len(FEATURES), max_size=len(FEATURES)).map(tuple),
    st.lists(st.floats(-30, 30), min_size=len(NONE), max_size=len(NONE)).map(tuple),
)
PLAIN = [1.0, 0.0, 0.2, 0.2, 0.2, 0.0]


def judged(features: list[list[float]], none: list[float], weights: Weights) -> Judgement:
    return rank.judge(np.array(features, dtype=np.float64).reshape(-1, len(FEATURES)), np.array(none), weights)


@shipped
@given(candidates, nothing)
def test_confidence_and_relevance_are_probabilities(
    weights: Weights, features: list[list[float]], none: list[float]
) -> None:
    """Whatever is measured, each candidate gets a score and two numbers from 0 to 1."""
    judgement = judged(features, none, weights)
    for values in (judgement.confidence, judgement.relevance):
        assert values.shape == judgement.score.shape == (len(features),)
        assert ((values >= 0) & (values <= 1)).all()
    assert (judgement.confidence <= judgement.relevance).all()


@given(candidates, nothing, drawn)
def test_the_probabilities_of_all_and_of_none_add_up_to_one(
    features: list[list[float]], none: list[float], weights: Weights
) -> None:
    """With any weights; the probability of "none" is what its own score makes of it."""
    judgement = judged(features, none, weights)
    scores = np.append(judgement.score.clip(-60, 60), 0.0)
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    assert judgement.confidence == pytest.approx(chances[:-1], abs=1e-12)
    assert judgement.confidence.sum() + chances[-1] == pytest.approx(1)


@given(candidates, nothing, drawn)
def test_no_candidate_is_surer_than_a_better_one(
    features: list[list[float]], none: list[float], weights: Weights
) -> None:
    """In the order of the scores neither probability rises."""
    judgement = judged(features, none, weights)
    order = np.argsort(-judgement.score, kind="stable")
    assert (np.diff(judgement.confidence[order]) <= 0).all()
    assert (np.diff(judgement.relevance[order]) <= 0).all()


@given(st.lists(row, min_size=1, max_size=6), st.integers(0, 70), nothing, drawn)
def test_equal_rows_get_equal_probabilities_to_the_bit(
    rows: list[list[float]], between: int, none: list[float], weights: Weights
) -> None:
    """Wherever among the candidates they stand, so that only the order of the documents tells them apart."""
    features = [*rows, *([[0.3] * len(FEATURES)] * between), *rows]
    judgement = judged(features, none, weights)
    for values in (judgement.score, judgement.confidence, judgement.relevance):
        assert values[: len(rows)].tolist() == values[-len(rows) :].tolist()


@shipped
@given(row, st.integers(0, len(FEATURES) - 1), st.floats(0, 1))
def test_a_measure_that_rises_never_lowers_the_probability(
    weights: Weights, features: list[float], column: int, more: float
) -> None:
    """Of a lone candidate."""
    better = [value + more * (at == column) for at, value in enumerate(features)]
    before, after = judged([features], PLAIN, weights), judged([better], PLAIN, weights)
    assert after.confidence[0] >= before.confidence[0] - 1e-12
    assert after.relevance[0] >= before.relevance[0] - 1e-12


@shipped
@pytest.mark.parametrize("name", ["topic_head", "topic_words", "elsewhere"])
def test_a_nearer_uncovered_topic_and_a_foreign_system_lower_it(weights: Weights, name: str) -> None:
    """What speaks against every entry counts against it."""
    spoken = [1.0 if column == name else value for column, value in zip(NONE, PLAIN, strict=True)]
    plain, other = (judged([[0.5] * len(FEATURES)], none, weights) for none in (PLAIN, spoken))
    assert other.confidence[0] < plain.confidence[0]
    assert other.relevance[0] < plain.relevance[0]


@shipped
def test_a_rival_close_behind_lowers_confidence_but_not_relevance(weights: Weights) -> None:
    """Two entries that fit alike are both relevant, and neither is surely the answer."""
    one = [0.5] * len(FEATURES)
    alone, torn = judged([one], PLAIN, weights), judged([one] * 2, PLAIN, weights)
    assert torn.confidence[0] < alone.confidence[0]
    assert torn.confidence[0] <= 0.5
    assert torn.relevance[0] == alone.relevance[0]


@shipped
def test_the_shipped_weights_speak_for_nearness_only(weights: Weights) -> None:
    """None of an entry's is negative, and of those of "none" only the constants may be."""
    assert min(weights.entry) >= 0
    assert all(value >= 0 for name, value in zip(NONE, weights.none, strict=True) if name not in NONE[:2])
    assert max(weights.entry) > 1


def test_scores_beyond_all_measure_stay_finite() -> None:
    """Neither an overflow nor nothing divided by nothing."""
    far = Weights((1e6,) * len(FEATURES), (0.0,) * len(NONE))
    judgement = judged([[1.0] * len(FEATURES), [-1.0] * len(FEATURES)], PLAIN, far)
    assert judgement.confidence == pytest.approx([1.0, 0.0])
    assert judgement.relevance == pytest.approx([1.0, 0.0])


@shipped
@given(candidates, nothing, st.floats(0.2, 5), st.floats(-5, 5))
def test_tuning_keeps_the_order_and_moves_none(
    weights: Weights, features: list[list[float]], none: list[float], sharpness: float, start: float
) -> None:
    """Every score is that much sharper, and "none of them" that much likelier from the start."""
    none[0] = 1.0
    plain, tuned = (judged(features, none, w) for w in (weights, rank.tuned(weights, sharpness, start)))
    assert tuned.score == pytest.approx(sharpness * plain.score - start, abs=1e-6)
    assert rank.tuned(weights, 1.0, 0.0) == weights


def test_weights_are_read_by_name() -> None:
    """Their order in the file means nothing; a name that is missing is an error."""
    stored = {
        "entry": {name: float(at) for at, name in enumerate(FEATURES)},
        "none": {name: -float(at) for at, name in enumerate(NONE)},
    }
    turned = {part: dict(reversed(values.items())) for part, values in stored.items()}
    assert rank.read(turned) == rank.read(stored)
    assert rank.read(stored).entry == tuple(map(float, range(len(FEATURES))))
    del stored["none"]["topic"]
    with pytest.raises(KeyError, match="topic"):
        rank.read(stored)


def test_the_shipped_file_holds_the_four_sets_and_nothing_else() -> None:
    """Two modes of search, with similar questions and without, and exactly the measures there are."""
    stored = json.loads(rank.FILE.read_text(encoding="utf-8"))
    assert stored.keys() == SHIPPED.keys()
    for found in stored.values():
        assert (tuple(found["entry"]), tuple(found["none"])) == (FEATURES, NONE)
