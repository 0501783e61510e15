"""What a release must hold: the floor of its figures, and the figures that the last one was accepted with.

The floor is a TOML file, a table per set, a least or most value per figure:

    [questions]
    answered_right = 0.80
    false_answers = 0.05

The accepted figures lie beside the set, in `<set>.figures.json`.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bot.decide import Thresholds
from bot.desk import Desk
from bot.evaluate import Examination
from bot.measure import DEFINITIONS, Definition, Figure

Floor: TypeAlias = Mapping[str, Mapping[str, float]]
"""Set → figure → least or most value."""

DIGITS = 4
"""Figures are compared as they are written, so that a floor copied from a report is held by what it was copied from."""


class FloorError(Exception):
    """A floor or the accepted figures cannot be read; the operator sees the Chinese message, which names the file."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was asked: how it searched and whether with similar questions, its thresholds, its entries' questions by
    id, and the hash of its documents."""

    search: str
    similar: bool
    thresholds: Thresholds
    entries: Mapping[str, str]
    content_hash: str

    @property
    def condition(self) -> dict[str, Any]:
        """Under other conditions figures are not comparable."""
        return {"search": self.search, "similar": self.similar}


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure, the same one of the last release or None, and its least or most value or None."""

    definition: Definition
    figure: Figure
    last: float | None
    floor: float | None

    @property
    def difference(self) -> float | None:
        """By how much it has grown since the last release."""
        if self.figure.value is None or self.last is None:
            return None
        return round(round(self.figure.value, DIGITS) - self.last, DIGITS)

    @property
    def missed(self) -> bool:
        """Whether it misses its floor; a figure that could not be measured does."""
        if self.floor is None:
            return False
        if self.figure.value is None:
            return True
        value = round(self.figure.value, DIGITS)
        return value < self.floor if self.definition.higher else value > self.floor


@dataclass(frozen=True, slots=True)
class Result:
    """A set, asked, and where its figures stand. `notes`: what a reader of the figures should know, in Chinese."""

    examination: Examination
    standings: tuple[Standing, ...]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The set's name."""
        return self.examination.questions.name

    @property
    def missed(self) -> tuple[str, ...]:
        """A sentence for each figure that misses its floor."""
        return tuple(_miss(self.name, standing) for standing in self.standings if standing.missed)


def measured_by(desk: Desk, *, similar: bool) -> Measured:
    """What a desk is; `similar`: whether similar questions were left in."""
    return Measured(
        search=desk.index.mode,
        similar=similar,
        thresholds=desk.thresholds,
        entries={entry.id: entry.question for entry in desk.knowledge.entries},
        content_hash=desk.knowledge.content_hash,
    )


def read_floor(path: Path) -> Floor:
    """The floor at the path. FloorError where it cannot be read or names a figure that does not exist."""
    try:
        tables = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise FloorError(f"{path}：无法读取（{error.strerror}）。") from error
    except ValueError as error:  # neither UTF-8 nor TOML
        raise FloorError(f"{path}：不是有效的 TOML（{error}）。") from error
    names = {definition.name for definition in DEFINITIONS}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise FloorError(f"{path}：{name} 应写成 [{name}] 表，每行一个指标。")
        for figure, value in table.items():
            if figure not in names:
                raise FloorError(f"{path}：[{name}] 中没有名为 {figure} 的指标；可用的是 {'、'.join(sorted(names))}。")
            if not _number(value):
                raise FloorError(f"{path}：[{name}] 的 {figure} 应为数字。")
    return tables


def hold(examination: Examination, measured: Measured, floor: Floor) -> Result:
    """Hold an examination against the floor and against the last release."""
    questions = examination.questions
    bounds, notes = floor.get(questions.name, {}), []
    if floor and not bounds:
        notes.append("下限文件中没有这个题集。")
    last: Mapping[str, float] = {}
    accepted = _accepted(figures_file(questions.path))
    if accepted is None:
        notes.append("没有上次发布的指标可比。")
    elif accepted["condition"] != measured.condition:
        notes.append("上次发布的指标是以别的检索方式或相似问法测得的，不作比较。")
    else:
        last = accepted["figures"]
        if accepted["digest"] != questions.digest:
            notes.append("题集在上次发布后有改动，差异仅供参考。")
    if examination.unknown:
        notes.append(f"标注中有知识库里没有的条目：{'、'.join(examination.unknown)}。")
    standings = tuple(
        Standing(
            definition,
            examination.figures[definition.name],
            last.get(definition.name),
            bounds.get(definition.name),
        )
        for definition in DEFINITIONS
    )
    return Result(examination, standings, tuple(notes))


def accept(examination: Examination, measured: Measured) -> Path:
    """Write the figures beside their set, as those the next release is compared with; the file written."""
    path = figures_file(examination.questions.path)
    stored = {
        "digest": examination.questions.digest,
        "condition": measured.condition,
        "figures": {
            name: round(figure.value, DIGITS)
            for name, figure in examination.figures.items()
            if figure.value is not None
        },
    }
    path.write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def figures_file(questions: Path) -> Path:
    """Where the accepted figures of a set lie."""
    return questions.with_suffix(".figures.json")


def _accepted(path: Path) -> dict[str, Any] | None:
    """The file's content once its form is checked, None where there is none."""
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FloorError(f"{path}：无法读取（{error.strerror}）。") from error
    except (ValueError, RecursionError) as error:
        raise FloorError(f"{path}：不是有效的 JSON，请删除后用 --accept 重新写入。") from error
    figures = stored.get("figures") if isinstance(stored, dict) else None
    if (
        not isinstance(figures, dict)
        or not {"digest", "condition"} <= set(stored)
        or not all(map(_number, figures.values()))
    ):
        raise FloorError(f"{path}：不是 --accept 写入的指标文件，请删除后重新写入。")
    return dict(stored)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _miss(name: str, standing: Standing) -> str:
    definition, value = standing.definition, standing.figure.value
    found = "没有可测的题" if value is None else f"为 {value:.4f}"
    return (
        f"未达标：{name} 的「{definition.title}」（{definition.name}）{found}，"
        f"应{'不低于' if definition.higher else '不高于'} {standing.floor}。"
    )
