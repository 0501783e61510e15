"""What thresholds make of a set of questions that a desk has heard: decided at will, for deciding is cheap.

Pure. Searching is dear, and done before; see `bot.audition`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.case import Case, Label
from bot.decide import Thresholds, Verdict
from bot.desk import Desk, Heard
from bot.evaluate import Question, QuestionSet, prediction
from bot.measure import DEFINITIONS, Definition, Figure, measure

SHOWN: Final = (
    "answered_right", "answered_wrong", "offered_among_options", "not_helped", "false_answers", "clarified",
    "asked_with_right_options", "answered_one_of_them",
)  # fmt: skip
"""The figures of `bot.measure` that the thresholds decide."""
SWEEP: Final = tuple(step / 20 for step in range(1, 20))
MOST_CHANGED: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with these thresholds and with others; None where there are no questions that it is about."""

    definition: Definition
    before: Figure
    after: Figure

    @property
    def difference(self) -> int:
        """How many more questions it is."""
        return count(self.after) - count(self.before)

    @property
    def better(self) -> bool | None:
        """Whether that is for the better; None where nothing changes."""
        return None if self.difference == 0 else (self.difference > 0) == self.definition.higher


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that other thresholds make something else of: decisions, and what is right."""

    text: str
    expect: str
    before: str
    after: str
    better: bool | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What other thresholds change. `suggested`: refusals that come with suggestions, before and after."""

    rows: tuple[Row, ...]
    suggested: tuple[int, int]
    changed: tuple[Changed, ...]
    more: int
    """Questions changed beyond those listed."""


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of `SHOWN` by name, for one value of a threshold."""

    value: float
    figures: Mapping[str, Figure]


def count(figure: Figure) -> int:
    """How many questions a share is."""
    return round((figure.value or 0.0) * figure.of)


class Rehearsal:
    """A set of questions, heard by a desk, ready to be decided by any thresholds."""

    def __init__(self, desk: Desk, questions: QuestionSet, heard: Sequence[Heard]) -> None:
        self._desk = desk
        self._heard = heard
        self._known: dict[tuple[object, ...], Case] = {}
        self.questions = questions

    def figures(self, thresholds: Thresholds) -> dict[str, Figure]:
        """What is decided by these thresholds is worth."""
        found = measure([case for case, _ in self._cases(thresholds)])
        return {name: found[name] for name in SHOWN}

    def compare(self, before: Thresholds, after: Thresholds) -> Effect:
        """What changes from one set of thresholds to another."""
        were, are = self._cases(before), self._cases(after)
        old, new = self.figures(before), self.figures(after)
        changed = [
            Changed(question.text, one.label.expect, _told(one), _told(other), _judged(one, other))
            for (question, _), (one, _), (other, _) in zip(self.questions.rows, were, are, strict=True)
            if _told(one) != _told(other)
        ]
        changed.sort(key=lambda each: {False: 0, True: 1, None: 2}[each.better])
        return Effect(
            tuple(Row(each, old[each.name], new[each.name]) for each in DEFINITIONS if each.name in SHOWN),
            (_suggested(were), _suggested(are)),
            tuple(changed[:MOST_CHANGED]),
            max(0, len(changed) - MOST_CHANGED),
        )

    def sweep(self, thresholds: Thresholds, name: str = "answer") -> list[Point]:
        """The figures for a row of values of one threshold, the others as they are."""
        values = sorted({*SWEEP, round(getattr(thresholds, name), 4)})
        return [Point(value, self.figures(replace(thresholds, **{name: value}))) for value in values]

    def _cases(self, thresholds: Thresholds) -> list[tuple[Case, Verdict]]:
        """Each question's case. Whatever was decided once is looked up: few questions are decided in many ways."""
        cases = []
        for number, ((question, label), heard) in enumerate(zip(self.questions.rows, self._heard, strict=True)):
            verdict = heard.decide(thresholds)
            key = (number, verdict.decision, *(hit.entry.id for hit in verdict.shown))
            if key not in self._known:
                self._known[key] = self._case(question, label, heard, verdict)
            cases.append((self._known[key], verdict))
        return cases

    def _case(self, question: Question, label: Label, heard: Heard, verdict: Verdict) -> Case:
        return Case(label, prediction(question, self._desk.conclude(heard, verdict)))


def _told(case: Case) -> str:
    """What was decided, in words: 「回答 zyb-1.9」."""
    match case.prediction.decision:
        case "answer":
            return f"回答 {case.first}"
        case "clarify":
            return f"反问 {'、'.join(case.prediction.options)}"
        case "escalate":
            return f"转人工 {case.prediction.escalate}"
    return "不回答"


def _worth(case: Case) -> int:
    """2: as labelled; 0: wrong, where it should not have answered or with another entry; 1: the rest."""
    answered, asked = case.decided("answer"), case.decided("clarify")
    match case.label.expect:
        case "answer":
            return 2 if answered and case.right else 0 if answered else 1
        case "clarify":
            return 2 if asked and case.offers(min(2, len(case.label.entries))) else 0 if answered else 1
    return 0 if answered else 1 if asked else 2


def _judged(before: Case, after: Case) -> bool | None:
    difference = _worth(after) - _worth(before)
    return None if difference == 0 else difference > 0


def _suggested(cases: Sequence[tuple[Case, Verdict]]) -> int:
    return sum(verdict.decision == "reject" and bool(verdict.shown) for _, verdict in cases)
