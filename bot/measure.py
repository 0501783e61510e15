"""What predictions are worth: labelled cases → figures, a curve of coverage, a calibration.

Pure, on the standard library alone; it knows no index and reads no file. `DEFINITIONS` says what each figure is, `case`
what its words mean.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from typing import Final, Literal, TypeAlias

from bot.case import Case, sort

Group: TypeAlias = Literal["covered", "uncovered", "ambiguous", "escalation", "confidence"]
COVERAGE: Final = 0.85
BINS: Final = 10
URGENT: Final = frozenset({"unlock", "appeal"})
"""The reasons that must never be overlooked: whoever has one cannot work until a person acts."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over `of` questions (pairs of questions for `auroc`); None where there are none.

    `interval`: for a proportion, where the true one lies with 95 %.
    """

    value: float | None
    of: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's name, its title for staff, what it is about, whether more of it is better, and what it is."""

    name: str
    title: str
    group: Group
    higher: bool
    meaning: str


DEFINITIONS: Final = tuple(Definition(*row) for row in (
    ("top1", "首位正确", "covered", True, "share of covered questions whose first is right, whatever was decided"),
    ("top3", "前三位有正确条目", "covered", True, "the same with a right entry among the first three"),
    ("mrr", "平均倒数排名", "covered", True, "mean of 1/place of the best right entry, 0 where none is ranked"),
    ("answered_right", "答对", "covered", True, "share answered with a right entry"),
    ("answered_wrong", "答错", "covered", False, "share answered with another entry"),
    ("offered_among_options", "反问中给出正确条目", "covered", True,
     "share asked back, a right entry among at most four options"),
    ("not_helped", "没有帮上", "covered", False, "the rest: refused, or asked back without a right option"),
    ("false_answers", "误答", "uncovered", False, "share of uncovered questions that are answered"),
    ("clarified", "误反问", "uncovered", False, "share of uncovered questions that are asked back"),
    ("asked_with_right_options", "反问且选项正确", "ambiguous", True,
     "share asked back, at least two right entries (or the one there is) among at most four options"),
    ("answered_one_of_them", "直接答了其中一条", "ambiguous", False, "share answered with one of the right entries"),
    ("escalation_recall", "识别出需要人工", "escalation", True,
     "of the questions that need a person, those given any reason"),
    ("escalation_precision", "提出人工且确有需要", "escalation", True,
     "of the questions given a reason, those that need a person"),
    ("right_reason", "人工事由正确", "escalation", True,
     "of the questions that need a person, those given the right reason"),
    ("unlock_appeal_recall", "识别出解锁和申诉", "escalation", True,
     "of the questions that need unlocking or an appeal, those given any reason"),
    ("auroc", "区分收录与未收录（AUROC）", "confidence", True,
     "chance that a covered question has more confidence than an uncovered one, equal confidence counting half"),
    ("false_answers_at_85_coverage", "覆盖 85% 时的误答", "confidence", False,
     "share of uncovered questions with at least the confidence that 85 % of the covered ones reach"),
    ("calibration_error", "校准误差（ECE）", "confidence", False,
     "mean distance, weighted by the number of questions, between confidence and share of right firsts in ten bins of "
     "equal width; the first of an uncovered question is never right, ambiguous questions do not count"),
))  # fmt: skip
"""Every figure, in the order in which it is shown."""

GROUPS: Final[dict[Group, str]] = {
    "covered": "应回答的题",
    "uncovered": "未收录的题",
    "ambiguous": "应反问的题",
    "escalation": "转人工",
    "confidence": "置信度",
}
"""What the groups are called for staff."""


def wilson(part: int, whole: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a proportion, `whole` > 0 (Wilson, Probable inference, JASA 22, 1927); 95 % as it is."""
    share, square = part / whole, z * z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = z * sqrt(share * (1 - share) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    return max(0.0, middle - half), min(1.0, middle + half)


def measure(cases: Iterable[Case]) -> dict[str, Figure]:
    """All figures of the cases by name, in the order of DEFINITIONS."""
    covered, uncovered, ambiguous, everything = sort(cases)
    wanting = [case for case in everything if case.label.escalate]
    return {
        "top1": _share(case.right for case in covered),
        "top3": _share(case.place is not None and case.place <= 3 for case in covered),
        "mrr": _mean([1 / case.place if case.place else 0.0 for case in covered]),
        "answered_right": _share(case.decided("answer") and case.right for case in covered),
        "answered_wrong": _share(case.decided("answer") and not case.right for case in covered),
        "offered_among_options": _share(case.offers(1) for case in covered),
        "not_helped": _share(not case.decided("answer") and not case.offers(1) for case in covered),
        "false_answers": _share(case.decided("answer") for case in uncovered),
        "clarified": _share(case.decided("clarify") for case in uncovered),
        "asked_with_right_options": _share(case.offers(min(2, len(case.label.entries))) for case in ambiguous),
        "answered_one_of_them": _share(case.decided("answer") and case.right for case in ambiguous),
        "escalation_recall": _share(case.prediction.escalate is not None for case in wanting),
        "escalation_precision": _share(
            case.label.escalate is not None for case in everything if case.prediction.escalate
        ),
        "right_reason": _share(case.prediction.escalate == case.label.escalate for case in wanting),
        "unlock_appeal_recall": _share(
            case.prediction.escalate is not None for case in wanting if case.label.escalate in URGENT
        ),
        "auroc": _auroc(covered, uncovered),
        "false_answers_at_85_coverage": _at_coverage(covered, uncovered),
        "calibration_error": _calibration_error(calibration([*covered, *uncovered])),
    }


@dataclass(frozen=True, slots=True)
class Point:
    """If everything with at least the confidence `threshold` were answered: the shares of covered and of uncovered
    questions that would be, and the share of covered ones that would be answered right."""

    threshold: float
    coverage: float
    false_answers: float
    right: float


def curve(cases: Iterable[Case]) -> tuple[Point, ...]:
    """A point for each confidence that occurs, falling; none where covered or uncovered questions are missing."""
    covered, uncovered, _, _ = sort(cases)
    if not covered or not uncovered:
        return ()
    points, kept, false, right = [], 0, 0, 0
    for threshold, level in groupby(sorted([*covered, *uncovered], key=_confidence, reverse=True), _confidence):
        for case in level:
            kept += case.label.expect == "answer"
            false += case.label.expect == "reject"
            right += case.label.expect == "answer" and case.right
        points.append(Point(threshold, kept / len(covered), false / len(uncovered), right / len(covered)))
    return tuple(points)


@dataclass(frozen=True, slots=True)
class Bin:
    """The questions whose confidence lies in one tenth of the scale: how many, their mean confidence, those right."""

    number: int
    questions: int
    confidence: float
    right: int


def calibration(cases: Iterable[Case]) -> tuple[Bin, ...]:
    """The bins that are not empty, rising; bin n holds n/10 <= confidence < (n + 1)/10, the last one 1 as well."""
    covered, uncovered, _, _ = sort(cases)
    bins: dict[int, list[Case]] = {}
    for case in (*covered, *uncovered):
        bins.setdefault(min(BINS - 1, int(_confidence(case) * BINS)), []).append(case)
    return tuple(
        Bin(
            number=number,
            questions=len(found),
            confidence=sum(map(_confidence, found)) / len(found),
            right=sum(case.label.expect == "answer" and case.right for case in found),
        )
        for number, found in sorted(bins.items())
    )


def _confidence(case: Case) -> float:
    return case.prediction.confidence


def _share(holds: Iterable[bool]) -> Figure:
    found = list(holds)
    return Figure(sum(found) / len(found), len(found), wilson(sum(found), len(found))) if found else Figure(None, 0)


def _mean(values: Sequence[float]) -> Figure:
    return Figure(sum(values) / len(values) if values else None, len(values))


def _auroc(covered: Sequence[Case], uncovered: Sequence[Case]) -> Figure:
    """The area under the receiver operating characteristic, as the Mann-Whitney statistic."""
    others = sorted(map(_confidence, uncovered))
    pairs = len(covered) * len(others)
    wins = sum(bisect_left(others, _confidence(case)) + bisect_right(others, _confidence(case)) for case in covered) / 2
    return Figure(wins / pairs if pairs else None, pairs)


def _at_coverage(covered: Sequence[Case], uncovered: Sequence[Case]) -> Figure:
    if not covered:
        return Figure(None, 0)
    kept = sorted(map(_confidence, covered), reverse=True)
    threshold = kept[max(0, int(COVERAGE * len(kept)) - 1)]
    return _share(_confidence(case) >= threshold for case in uncovered)


def _calibration_error(bins: Sequence[Bin]) -> Figure:
    """The expected calibration error (Naeini, Cooper, Hauskrecht, AAAI 2015)."""
    questions = sum(found.questions for found in bins)
    gaps = sum(abs(found.questions * found.confidence - found.right) for found in bins)
    return Figure(gaps / questions if questions else None, questions)
