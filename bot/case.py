"""A labelled question and what the bot made of it: what went wrong, and what was given for what.

Pure, on the standard library alone. In all of it a *covered* question is one labelled `answer`, an *uncovered* one is
labelled `reject`, an *ambiguous* one `clarify`; the *first* is the first ranked entry, and it is *right* when it is
among the entries of the label. What many cases together are worth is `measure`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Expect: TypeAlias = Literal["answer", "clarify", "reject"]
Fault: TypeAlias = Literal[
    "wrong_answer", "false_answer", "hasty_answer", "refused", "asked_needlessly", "asked_uncovered", "poor_options",
    "reason_missed", "reason_in_vain", "reason_confused",
]  # fmt: skip

MOST_OPTIONS: Final = 4
"""A question back that offers more counts as not having helped."""


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of a question: what to do with it, the equally right entries, the reason for a person or None."""

    expect: Expect
    entries: tuple[str, ...]
    escalate: str | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the bot makes of a question.

    `ranked`: entry ids, best first, at least 10 or all there are. `confidence`: the probability that the first answers.
    """

    id: str
    decision: str
    ranked: list[str]
    confidence: float
    options: list[str]
    escalate: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A label and the prediction for the same question."""

    label: Label
    prediction: Prediction

    @property
    def first(self) -> str | None:
        """The first ranked entry."""
        return self.prediction.ranked[0] if self.prediction.ranked else None

    @property
    def right(self) -> bool:
        """Whether the first is right."""
        return self.first in self.label.entries

    @property
    def place(self) -> int | None:
        """The place, from 1, of the best right entry among the ranked ones."""
        return next((n for n, entry in enumerate(self.prediction.ranked, 1) if entry in self.label.entries), None)

    def decided(self, decision: str) -> bool:
        """Whether the bot decided so."""
        return self.prediction.decision == decision

    def offers(self, least: int) -> bool:
        """Whether the bot asks back with at most MOST_OPTIONS options, `least` or more of them right."""
        options = self.prediction.options
        return (
            self.decided("clarify")
            and len(options) <= MOST_OPTIONS
            and len(set(options) & set(self.label.entries)) >= least
        )


def sort(cases: Iterable[Case]) -> tuple[list[Case], list[Case], list[Case], list[Case]]:
    """The covered, the uncovered, the ambiguous, and all."""
    everything = list(cases)
    covered, uncovered, ambiguous = (
        [case for case in everything if case.label.expect == expect] for expect in ("answer", "reject", "clarify")
    )
    return covered, uncovered, ambiguous, everything


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the questions for one entry (None: of the uncovered ones).

    `offered` are asked back, `given` says how often which entry was the answer, right or wrong; the rest is refused. A
    question with several right entries counts under the one that was given, else under the first of its label.
    """

    entry: str | None
    questions: int
    right: int
    offered: int
    given: Mapping[str, int]


def confusion(cases: Iterable[Case]) -> tuple[Tally, ...]:
    """A tally per entry that is asked for, in the order of ids, and last that of the uncovered questions."""
    covered, uncovered, _, _ = sort(cases)
    groups: dict[str | None, list[Case]] = {}
    for case in covered:
        entry = case.first if case.decided("answer") and case.right else case.label.entries[0]
        groups.setdefault(entry, []).append(case)
    ordered = sorted(groups.items(), key=lambda group: group[0] or "")
    return tuple(_tally(entry, found) for entry, found in [*ordered, (None, uncovered)] if found)


def faults(case: Case) -> tuple[Fault, ...]:
    """What went wrong with a case; nothing when it is as labelled."""
    return tuple(fault for fault in (_decision_fault(case), _reason_fault(case)) if fault is not None)


def _decision_fault(case: Case) -> Fault | None:
    answered, asked = case.decided("answer"), case.decided("clarify")
    match case.label.expect:
        case "answer" if answered:
            return None if case.right else "wrong_answer"
        case "answer":
            return "asked_needlessly" if asked else "refused"
        case "reject":
            return "false_answer" if answered else "asked_uncovered" if asked else None
        case "clarify" if asked:
            return None if case.offers(min(2, len(case.label.entries))) else "poor_options"
        case "clarify":
            return "hasty_answer" if answered else "refused"


def _reason_fault(case: Case) -> Fault | None:
    wanted, given = case.label.escalate, case.prediction.escalate
    if wanted == given:
        return None
    return "reason_missed" if given is None else "reason_in_vain" if wanted is None else "reason_confused"


def _tally(entry: str | None, cases: Sequence[Case]) -> Tally:
    return Tally(
        entry=entry,
        questions=len(cases),
        right=sum(case.decided("answer") and case.right for case in cases),
        offered=sum(case.decided("clarify") for case in cases),
        given=dict(Counter(case.first for case in cases if case.decided("answer") and case.first).most_common()),
    )
