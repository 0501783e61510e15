"""What publishing would change, as values that are kept as JSON: decisions, figures, findings of the check.

A visitor's question is kept by its message's id only, so that what is deleted is gone from here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.version import Difference, EntryChange, Held, PhraseChange, Text

State: TypeAlias = Literal["none", "running", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bot makes of a question; `entries`: the one answered, or those offered by a question back."""

    decision: str
    entries: tuple[str, ...]
    confidence: float
    escalate: str | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """A question that would be treated otherwise: one of the project's own, or one that visitors asked `count` times.

    Own ones are judged by their labels; what visitors meant nobody knows. A visitor's `text` is masked.
    """

    source: Literal["own", "visitor"]
    text: str
    system: str | None
    count: int
    before: Outcome
    after: Outcome
    judgement: Literal["better", "worse", "other"] = "other"
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of `bot.measure` over the project's own questions; `higher`: whether more of it is better."""

    name: str
    title: str
    group: str
    higher: bool
    before: float | None
    after: float | None
    of: int


@dataclass(frozen=True, slots=True)
class Check:
    """A finding of `index.lint`; `new`: what is published does not have it."""

    severity: Literal["error", "hint"]
    kind: str
    entries: tuple[str, ...]
    texts: tuple[str, ...]
    message: str
    new: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What publishing the files of `tree` instead of what is published would change.

    `key` names what was previewed, `thresholds` are those that it was decided by; `seconds` is how long that took,
    `summary` the check's result in a sentence.
    """

    key: str
    tree: str
    content_hash: str
    model_id: str | None
    thresholds: Mapping[str, float]
    seconds: float
    asked_own: int
    asked_visitor: int
    difference: Difference
    shifts: tuple[Shift, ...]
    figures: tuple[FigureChange, ...]
    checks: tuple[Check, ...]
    summary: str

    @property
    def errors(self) -> tuple[Check, ...]:
        """What refuses publishing."""
        return tuple(check for check in self.checks if check.severity == "error")

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Preview:
        """The preview that `dataclasses.asdict` made a dictionary of; KeyError or TypeError for anything else."""
        return cls(
            **{
                **stored,
                "difference": _difference(stored["difference"]),
                "shifts": tuple(_shift(row) for row in stored["shifts"]),
                "figures": tuple(FigureChange(**row) for row in stored["figures"]),
                "checks": tuple(check_of(row) for row in stored["checks"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Preparation:
    """How far a preparation has come: `done` of `of` questions asked, and in Chinese its step or why it failed."""

    state: State
    step: str = ""
    done: int = 0
    of: int = 0
    message: str = ""
    preview: Preview | None = None


def check_of(row: Mapping[str, Any]) -> Check:
    """The finding that was written as a dictionary."""
    return Check(**{**row, "entries": tuple(row["entries"]), "texts": tuple(row["texts"])})


def _shift(row: Mapping[str, Any]) -> Shift:
    return Shift(**{**row, "before": _outcome(row["before"]), "after": _outcome(row["after"])})


def _outcome(row: Mapping[str, Any]) -> Outcome:
    return Outcome(**{**row, "entries": tuple(row["entries"])})


def _difference(row: Mapping[str, Any]) -> Difference:
    return Difference(
        entries=tuple(
            EntryChange(change["entry_id"], _text(change["before"]), _text(change["after"]))
            for change in row["entries"]
        ),
        phrases=tuple(PhraseChange(**change) for change in row["phrases"]),
        held=tuple(Held(**{**held, "similar": tuple(held["similar"])}) for held in row["held"]),
        files=tuple(row["files"]),
    )


def _text(row: Mapping[str, str] | None) -> Text | None:
    return None if row is None else Text(**row)
