"""The measure: its figures counted by hand, its bounds, and its agreement with the evaluation data's own program."""

from __future__ import annotations

import importlib.util
import math
import random
from dataclasses import asdict
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from conftest import EVAL
from hypothesis import given
from hypothesis import strategies as st

from bot.case import Case, Expect, Label, Prediction, Tally, confusion, faults
from bot.evaluate import read_set
from bot.measure import DEFINITIONS, Bin, Point, calibration, curve, measure, wilson


def case(
    expect: Expect,
    entries: str = "",
    decision: str = "reject",
    ranked: str = "",
    confidence: float = 0.0,
    options: str = "",
    wanted: str | None = None,
    given: str | None = None,
) -> Case:
    """A case whose entries are single letters."""
    return Case(
        Label(expect, tuple(entries), wanted), Prediction("", decision, [*ranked], confidence, [*options], given)
    )


CASES = [
    case("answer", "a", "answer", "abc", 0.9),
    case("answer", "ab", "answer", "bca", 0.8),
    case("answer", "a", "answer", "bca", 0.7),
    case("answer", "a", "clarify", "ba", 0.4, "ab"),
    case("answer", "a", "clarify", "bc", 0.3, "bc"),
    case("answer", "c", "clarify", "abc", 0.3, "abdec"),
    case("answer", "a", "escalate", "", 0.0, wanted="unlock", given="unlock"),
    case("reject", "", "answer", "ab", 0.7),
    case("reject", "", "clarify", "ab", 0.4, "ab"),
    case("reject", "", "reject", "ab", 0.1, given="human"),
    case("reject", "", "escalate", "ab", 0.1, wanted="other", given="human"),
    case("clarify", "ab", "clarify", "ab", 0.5, "ab"),
    case("clarify", "ab", "clarify", "ac", 0.5, "ac"),
    case("clarify", "a", "clarify", "ac", 0.5, "ac"),
    case("clarify", "ab", "answer", "ba", 0.9),
    case("clarify", "ab", "reject", "ab", 0.2, wanted="appeal"),
]


@pytest.mark.parametrize(
    ("name", "part", "whole"),
    [
        ("top1", 2, 7),
        ("top3", 5, 7),
        ("answered_right", 2, 7),
        ("answered_wrong", 1, 7),
        ("offered_among_options", 1, 7),
        ("not_helped", 3, 7),
        ("false_answers", 1, 4),
        ("clarified", 1, 4),
        ("asked_with_right_options", 2, 5),
        ("answered_one_of_them", 1, 5),
        ("escalation_recall", 2, 3),
        ("escalation_precision", 2, 3),
        ("right_reason", 1, 3),
        ("unlock_appeal_recall", 1, 2),
        ("false_answers_at_85_coverage", 2, 4),
    ],
)
def test_proportions_are_those_counted_by_hand(name: str, part: int, whole: int) -> None:
    """Each is a part of its own questions, with the interval of that part."""
    figure = measure(CASES)[name]
    assert (figure.value, figure.of) == (pytest.approx(part / whole), whole)
    assert figure.interval == pytest.approx(wilson(part, whole))


def test_other_figures_are_those_counted_by_hand() -> None:
    """Places 1, 1, 3, 2, none, 3, none; 28 pairs, of which 16 are won and two are even; five bins."""
    figures = measure(CASES)
    assert figures["mrr"].value == pytest.approx((1 + 1 + 1 / 3 + 1 / 2 + 1 / 3) / 7)
    wins = 4 + 4 + 3.5 + 2.5 + 2 + 2 + 0
    assert figures["auroc"].value == pytest.approx(wins / 28)
    assert figures["auroc"].of == 28
    # 0: one of 0; 0.1: two; 0.3: two; 0.4: two; 0.7: two; 0.8 and 0.9 are right
    assert figures["calibration_error"].value == pytest.approx((0 + 0.2 + 0.6 + 0.8 + 1.4 + 0.2 + 0.1) / 11)
    assert all(figures[name].interval is None for name in ("mrr", "auroc", "calibration_error"))


def test_there_is_a_definition_for_every_figure_in_the_same_order() -> None:
    """The table and the floor know figures by their definitions."""
    assert list(measure(CASES)) == [definition.name for definition in DEFINITIONS]


def test_what_there_are_no_questions_for_has_no_value() -> None:
    """None, not zero: nothing was measured."""
    assert all((figure.value, figure.of, figure.interval) == (None, 0, None) for figure in measure([]).values())
    covered = measure([case("answer", "a", "answer", "a", 0.9)])
    assert covered["answered_right"].value == 1
    assert covered["false_answers"].value is covered["auroc"].value is None


def test_the_interval_is_wilsons() -> None:
    """10 of 100: 0.0552 to 0.1744; it is never wider than from 0 to 1."""
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=5e-5)
    assert wilson(0, 3)[0] == 0
    assert wilson(3, 3)[1] == 1


def test_the_curve_has_a_point_for_each_confidence() -> None:
    """Falling thresholds; equal confidences make one point."""
    points = curve(
        [
            case("answer", "a", ranked="a", confidence=0.9),
            case("answer", "a", ranked="b", confidence=0.5),
            case("reject", ranked="b", confidence=0.5),
            case("reject", ranked="b", confidence=0.1),
        ]
    )
    assert points == (Point(0.9, 0.5, 0, 0.5), Point(0.5, 1, 0.5, 0.5), Point(0.1, 1, 1, 0.5))
    assert curve([case("answer", "a", ranked="a", confidence=0.9)]) == ()


def test_calibration_counts_the_right_in_tenths() -> None:
    """1 belongs to the last tenth; the first of an uncovered question is never right; ambiguous ones do not count."""
    bins = calibration(
        [
            case("answer", "a", ranked="a", confidence=1.0),
            case("answer", "a", ranked="b", confidence=0.9),
            case("reject", ranked="a", confidence=0.05),
            case("clarify", "ab", ranked="a", confidence=0.5),
        ]
    )
    assert bins == (Bin(0, 1, 0.05, 0), Bin(9, 2, 0.95, 1))


def test_confusion_counts_what_was_given_for_what() -> None:
    """By entry; a question with several right entries counts under the one that was given."""
    assert confusion(CASES) == (
        Tally("a", 5, 1, 2, {"a": 1, "b": 1}),
        Tally("b", 1, 1, 0, {"b": 1}),
        Tally("c", 1, 0, 1, {}),
        Tally(None, 4, 0, 1, {"a": 1}),
    )


def test_faults_say_what_went_wrong() -> None:
    """Of the decision first, then of the hand-over; nothing where all is as labelled."""
    assert [faults(found) for found in CASES] == [
        (),
        (),
        ("wrong_answer",),
        ("asked_needlessly",),
        ("asked_needlessly",),
        ("asked_needlessly",),
        ("refused",),
        ("false_answer",),
        ("asked_uncovered",),
        ("reason_in_vain",),
        ("reason_confused",),
        (),
        ("poor_options",),
        (),
        ("hasty_answer",),
        ("refused", "reason_missed"),
    ]


letters = st.text("abcde", max_size=5)
reasons = st.sampled_from([None, "unlock", "appeal", "human", "other"])
labels = st.one_of(
    st.tuples(st.sampled_from(["answer", "clarify"]), st.text("abcde", min_size=1, max_size=3)),
    st.just(("reject", "")),
)
cases = st.builds(
    lambda label, *rest: case(*label, *rest),
    labels,
    st.sampled_from(["answer", "clarify", "escalate", "reject"]),
    letters.map(dict.fromkeys).map("".join),
    st.floats(0, 1),
    letters,
    reasons,
    reasons,
)


@given(found=st.lists(cases, max_size=40))
def test_figures_keep_their_bounds(found: list[Case]) -> None:
    """Between 0 and 1, inside their intervals; the parts of the covered questions add up to them."""
    figures = measure(found)
    for figure in figures.values():
        assert (figure.value is None) == (figure.of == 0)
        assert figure.value is None or 0 <= figure.value <= 1
        if figure.interval is not None:
            least, most = figure.interval
            assert figure.value is not None
            assert 0 <= least <= figure.value + 1e-12
            assert figure.value - 1e-12 <= most <= 1
    parts = [figures[n].value for n in ("answered_right", "answered_wrong", "offered_among_options", "not_helped")]
    assert parts == [None] * 4 or math.isclose(sum(part or 0.0 for part in parts), 1)
    points = curve(found)
    for before, after in pairwise(points):
        assert before.threshold > after.threshold
        assert before.coverage <= after.coverage
        assert before.false_answers <= after.false_answers
    assert not points or (points[-1].coverage, points[-1].false_answers) == (1, 1)
    assert sum(tally.questions for tally in confusion(found)) == sum(c.label.expect != "clarify" for c in found)


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    """The evaluation data's own program."""
    if not (EVAL / "score.py").is_file():
        pytest.skip("the evaluation data is not beside this checkout")
    spec = importlib.util.spec_from_file_location("score", EVAL / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WHERE = {
    "top1": ("ranking", "top1"),
    "top3": ("ranking", "top3"),
    "mrr": ("ranking", "mrr"),
    **{name: ("covered", name) for name in ("answered_right", "answered_wrong", "offered_among_options", "not_helped")},
    **{name: ("uncovered", name) for name in ("false_answers", "clarified")},
    **{name: ("ambiguous", name) for name in ("asked_with_right_options", "answered_one_of_them")},
    "escalation_recall": ("escalation", "recall"),
    "escalation_precision": ("escalation", "precision"),
    "right_reason": ("escalation", "right_reason"),
    "unlock_appeal_recall": ("escalation", "unlock_appeal_recall"),
    "auroc": ("selective", "auroc_covered_vs_uncovered"),
    "false_answers_at_85_coverage": ("selective", "false_answers_at_85_coverage"),
}
"""Where the other program shows each figure."""


def guess(question: str, label: Label, entries: list[str], chance: random.Random) -> Prediction:
    """A prediction that is often right, with confidences that are often equal."""
    likely = [*label.entries, *entries]
    ranked = list(dict.fromkeys(chance.choice(likely[: chance.choice([1, 3, 40])]) for _ in range(12)))
    reasons = [label.escalate, label.escalate, None, "human", "unlock"]
    decision = chance.choice(["answer", "clarify", "escalate", "reject"])
    return Prediction(
        id=question,
        decision=decision,
        ranked=ranked if decision == "answer" else ranked[: chance.choice([0, 10])],  # an answer is always ranked
        confidence=chance.choice([round(chance.random(), 2), 0.0, 1.0, 0.3]),
        options=ranked[: chance.choice([0, 2, 4, 5])],
        escalate=chance.choice(reasons),
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_figures_are_those_of_the_evaluation_datas_own_program(judge: ModuleType, seed: int) -> None:
    """To the four digits that it shows, on its questions and any predictions, intervals included."""
    path = EVAL / "dev_queries.jsonl"
    rows, chance = read_set(path).rows, random.Random(seed)
    entries = sorted({entry for _, label in rows for entry in label.entries})
    cases = [Case(label, guess(question.id, label, entries, chance)) for question, label in rows]
    theirs: dict[str, Any] = judge.score(judge.rows(path), [asdict(case.prediction) for case in cases])
    ours = measure(cases)
    assert {name: round(ours[name].value or 0.0, 4) for name in WHERE} == {
        name: theirs[group][key] for name, (group, key) in WHERE.items()
    }
    assert round(ours["calibration_error"].value or 0.0, 4) == theirs["calibration_error"]
    for name, group in (("top1", "ranking"), ("false_answers", "uncovered")):
        assert ours[name].interval == pytest.approx(theirs[group][f"{name}_interval"], abs=5.1e-5)
