"""Predictions over a set of labelled questions, in the form that the measure reads.

Each question is a conversation of its own; nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.desk import Desk


class QuestionsError(Exception):
    """The file of questions cannot be read; the Chinese message names the line."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the set; `context` is the system that the channel knows, or None."""

    id: str
    text: str
    context: str | None


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


def read_questions(path: Path) -> Iterator[Question]:
    """The questions of a JSONL file, {"id", "text", "context"?} a line; further fields are left alone."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise QuestionsError(f"{path.name}：无法读取（{error.strerror}）。") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
                question = Question(row["id"], row["text"], row.get("context"))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise QuestionsError(f"{path.name} 第 {number} 行：应为含 id 和 text 的 JSON 对象。") from error
            if not isinstance(question.text, str) or not isinstance(question.context, str | None):
                raise QuestionsError(f"{path.name} 第 {number} 行：text 应为字符串，context 应为字符串或 null。")
            yield question


def predict(desk: Desk, question: Question) -> Prediction:
    """The prediction for one question."""
    thought = desk.consider(question.text, question.context)
    reply = thought.reply
    return Prediction(
        id=question.id,
        decision=reply.decision,
        ranked=[hit.entry.id for hit in thought.hits],
        confidence=round(reply.confidence, 6),
        options=[option.entry_id for option in reply.options],
        escalate=reply.escalation.reason if reply.escalation else None,
    )
