"""Sets of questions: read, asked one by one, and held against their labels.

Each question is a conversation of its own; nothing is stored. What the results are worth is `measure`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from bot.case import Case, Expect, Fault, Label, Prediction, faults
from bot.desk import Desk, Thought
from bot.explanation import Explanation, explain
from bot.measure import Figure, measure

QUESTIONS: Final = "questions.jsonl"
"""The project's own labelled questions, beside the documents."""


class QuestionsError(Exception):
    """The file of questions cannot be read; the Chinese message names the line."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the set; `context` is the system that the channel knows, or None."""

    id: str
    text: str
    context: str | None


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Labelled questions, known by the name of their file; `digest` is the sha256 in hex of that file."""

    name: str
    path: Path
    digest: str
    rows: tuple[tuple[Question, Label], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that is not as labelled, and how it came about."""

    question: Question
    case: Case
    faults: tuple[Fault, ...]
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Examination:
    """A set, asked. `unknown`: entries of the labels that the knowledge base does not have."""

    questions: QuestionSet
    cases: tuple[Case, ...]
    figures: Mapping[str, Figure]
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]


def read_questions(path: Path) -> Iterator[Question]:
    """The questions of a JSONL file, {"id", "text", "context"?} a line; further fields are left alone."""
    for number, row in _rows(path, _read(path)):
        yield _question(path, number, row)


def read_set(path: Path) -> QuestionSet:
    """The questions of a JSONL file with their labels, "expect", "entries" and "escalate"? in the same line."""
    data = _read(path)
    rows: dict[str, tuple[Question, Label]] = {}
    for number, row in _rows(path, data):
        question = _question(path, number, row)
        if question.id in rows:
            raise QuestionsError(f"{path.name} 第 {number} 行：编号 {question.id} 重复。")
        rows[question.id] = question, _label(path, number, row)
    if not rows:
        raise QuestionsError(f"{path.name}：文件里没有题目。")
    return QuestionSet(path.stem, path, hashlib.sha256(data).hexdigest(), tuple(rows.values()))


def read_sets(paths: Iterable[Path]) -> list[QuestionSet]:
    """Several sets; their names must differ, since floors and tables know them by name."""
    sets: dict[str, QuestionSet] = {}
    for path in paths:
        found = read_set(path)
        if found.name in sets:
            raise QuestionsError(f"{path}：已有名为 {found.name} 的题集，请改名后再评测。")
        sets[found.name] = found
    return list(sets.values())


def predict(desk: Desk, question: Question) -> Prediction:
    """The prediction for one question."""
    return prediction(question, desk.consider(question.text, question.context))


def examine(desk: Desk, questions: QuestionSet) -> Examination:
    """Ask every question of a set; those that go wrong are explained."""
    cases, findings = [], []
    for question, label in questions.rows:
        thought = desk.consider(question.text, question.context)
        case = Case(label, prediction(question, thought))
        cases.append(case)
        if wrong := faults(case):
            findings.append(Finding(question, case, wrong, explain(desk, question.text, thought, case)))
    labelled = dict.fromkeys(entry for _, label in questions.rows for entry in label.entries)
    return Examination(
        questions=questions,
        cases=tuple(cases),
        figures=measure(cases),
        findings=tuple(findings),
        unknown=tuple(entry for entry in labelled if desk.knowledge.entry(entry) is None),
    )


def prediction(question: Question, thought: Thought) -> Prediction:
    """What the bot makes of a question, as labels are held against it."""
    reply = thought.reply
    return Prediction(
        id=question.id,
        decision=reply.decision,
        ranked=[hit.entry.id for hit in thought.hits],
        confidence=round(reply.confidence, 6),
        options=[option.entry_id for option in reply.options],
        escalate=reply.escalation.reason if reply.escalation else None,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise QuestionsError(f"{path.name}：无法读取（{error.strerror}）。") from error


def _rows(path: Path, data: bytes) -> Iterator[tuple[int, Any]]:
    """Each line that is not blank with its number."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
                json.dumps(row, ensure_ascii=False).encode()  # half a character (\ud800) could not be written again
            except (ValueError, RecursionError) as error:
                raise QuestionsError(f"{path.name} 第 {number} 行：不是有效的 JSON。") from error
            yield number, row


def _question(path: Path, number: int, row: Any) -> Question:
    try:
        question = Question(row["id"], row["text"], row.get("context"))
    except (KeyError, TypeError, AttributeError) as error:
        raise QuestionsError(f"{path.name} 第 {number} 行：应为含 id 和 text 的 JSON 对象。") from error
    if not isinstance(question.id, str) or not isinstance(question.text, str):
        raise QuestionsError(f"{path.name} 第 {number} 行：id 和 text 应为字符串。")
    if not isinstance(question.context, str | None):
        raise QuestionsError(f"{path.name} 第 {number} 行：context 应为字符串或 null。")
    return question


def _label(path: Path, number: int, row: Mapping[str, Any]) -> Label:
    def mistake(what: str) -> QuestionsError:
        return QuestionsError(f"{path.name} 第 {number} 行：{what}")

    expect: Any = row.get("expect")
    entries, escalate = row.get("entries"), row.get("escalate")
    if expect not in get_args(Expect):
        raise mistake("缺少标注 expect，应为 answer、clarify 或 reject。")
    if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
        raise mistake("缺少标注 entries，应为条目编号的列表。")
    if bool(entries) == (expect == "reject"):
        raise mistake("expect 为 reject 时 entries 应为空，否则至少有一个条目编号。")
    if not isinstance(escalate, str | None) or escalate == "":
        raise mistake("escalate 应为人工事由或 null。")
    return Label(expect, tuple(entries), escalate)
