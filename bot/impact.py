"""What another knowledge base would make of the questions that are known: the project's own and visitors'.

Both desks are asked the same, and what is not the same afterwards is told. Pure given its desks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.case import Case, Label, Prediction, faults
from bot.desk import Desk
from bot.evaluate import Question, predict
from bot.measure import DEFINITIONS, measure
from bot.preview import FigureChange, Outcome, Shift
from bot.version import Asked
from index.encoder import Encoder


class Memory:
    """An encoder that encodes a text once, however many desks ask for it."""

    def __init__(self, encoder: Encoder) -> None:
        self.model_id, self.dimension, self._encoder = encoder.model_id, encoder.dimension, encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """As `Encoder.encode`."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._encoder.encode(fresh, progress), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else self._encoder.encode(texts)


def compare_own(
    before: Desk, after: Desk, rows: Iterable[tuple[Question, Label]], tick: Callable[[], None]
) -> tuple[list[Shift], list[FigureChange]]:
    """What changes for labelled questions, what got worse first, and the figures; `tick` is called after each."""
    old, new, shifts = list[Case](), list[Case](), list[Shift]()
    for question, label in rows:
        old.append(Case(label, predict(before, question)))
        new.append(Case(label, predict(after, question)))
        outcomes = outcome(old[-1].prediction), outcome(new[-1].prediction)
        if differ(*outcomes):
            worse = len(faults(new[-1])) - len(faults(old[-1]))
            judgement = "worse" if worse > 0 else "better" if worse < 0 else "other"
            shifts.append(Shift("own", question.text, question.context, 1, *outcomes, judgement))  # type: ignore[arg-type]
        tick()
    shifts.sort(key=lambda shift: ("worse", "other", "better").index(shift.judgement))
    return shifts, _figures(old, new)


def compare_asked(before: Desk, after: Desk, asked: Iterable[Asked], tick: Callable[[], None]) -> list[Shift]:
    """What changes for visitors' questions, in their order; their words stay where they are."""
    shifts: list[Shift] = []
    for found in asked:
        question = Question(found.message_id, found.text, found.system)
        outcomes = outcome(predict(before, question)), outcome(predict(after, question))
        if differ(*outcomes):
            shifts.append(Shift("visitor", "", found.system, found.count, *outcomes, message_id=found.message_id))
        tick()
    return shifts


def outcome(prediction: Prediction) -> Outcome:
    """What a prediction comes to for whoever asked."""
    entries = prediction.ranked[:1] if prediction.decision == "answer" else prediction.options
    return Outcome(prediction.decision, tuple(entries), prediction.confidence, prediction.escalate)


def differ(before: Outcome, after: Outcome) -> bool:
    """Whether whoever asks would notice; the order of what is offered does not count, nor does confidence."""
    return (before.decision, before.escalate, set(before.entries)) != (
        after.decision,
        after.escalate,
        set(after.entries),
    )


def _figures(old: Sequence[Case], new: Sequence[Case]) -> list[FigureChange]:
    before, after = measure(old), measure(new)
    return [
        FigureChange(d.name, d.title, d.group, d.higher, before[d.name].value, after[d.name].value, after[d.name].of)
        for d in DEFINITIONS
    ]
