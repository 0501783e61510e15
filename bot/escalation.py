"""Reasons for a person to act: what they are, and when a message gives one.

The reasons of a knowledge base are declared in reasons.toml beside its documents; comments there explain the fields.
The rule they follow: the writer has the problem now and the documents say that staff act, or the writer asks for a
person. Wanting to know, helping oneself and what another authority does are no reasons.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_FIELDS = {"name", "label", "told", "systems", "entries", "cues", "unless", "request"}


class ReasonError(Exception):
    """reasons.toml cannot be read; the operator sees the Chinese message, which names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `systems` and `entries` are keys and ids; the patterns match canonical text."""

    name: str
    label: str
    told: str
    systems: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    cues: tuple[re.Pattern[str], ...] = ()
    unless: tuple[re.Pattern[str], ...] = ()
    request: tuple[re.Pattern[str], ...] = ()

    def given_by(self, text: str, *, system: str | None, answer: str | None) -> bool:
        """Whether a canonical text about `system`, answered with the entry of id `answer`, gives this reason."""
        if self.systems and system not in self.systems:
            return False
        if answer not in self.entries and not _any(self.cues, text):
            return False
        return _any(self.request, text) or not _any(self.unless, text)


HUMAN = Reason(
    name="human",
    label="转人工客服",
    told="可以为您转接人工客服。",
    cues=(re.compile("人工(?!审核)|真人|活人|投诉"),),
)
"""A person can always be asked for, also where no reasons are declared."""


def reason_for(
    reasons: Iterable[Reason], text: str, *, system: str | None, answer: str | None, elsewhere: bool = False
) -> Reason | None:
    """The first reason that the message gives. About another provider's system it can only ask for a person."""
    given = (reason for reason in reasons if reason.name == HUMAN.name or not elsewhere)
    return next((reason for reason in given if reason.given_by(text, system=system, answer=answer)), None)


def read_reasons(path: Path) -> tuple[Reason, ...]:
    """The reasons declared in a file; only `HUMAN` where there is no file."""
    if not path.is_file():
        return (HUMAN,)
    try:
        tables = tomllib.loads(path.read_bytes().decode("utf-8-sig")).get("reason", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ReasonError(f"{path.name}：无法读取（{error}）。") from error
    if not isinstance(tables, list):
        raise ReasonError(f"{path.name}：原因应写成 [[reason]] 表。")
    reasons = tuple(_reason(path, table) for table in tables)
    names = [reason.name for reason in reasons]
    if len(set(names)) < len(names):
        raise ReasonError(f"{path.name}：原因的 name 不能重复。")
    return reasons if HUMAN.name in names else (*reasons, HUMAN)


def _reason(path: Path, table: object) -> Reason:
    if not isinstance(table, dict):
        raise ReasonError(f"{path.name}：原因应写成 [[reason]] 表。")
    place = f"{path.name} 的原因「{table.get('name', '?')}」"
    if unknown := sorted(set(table) - _FIELDS):
        raise ReasonError(f"{place}：有不认识的字段 {'、'.join(unknown)}。")
    texts = {field: table.get(field) for field in ("name", "label", "told")}
    lists = {field: table.get(field, []) for field in ("systems", "entries", "cues", "unless", "request")}
    for field, value in texts.items():
        if not isinstance(value, str) or not value:
            raise ReasonError(f"{place}：缺少 {field}，或它不是非空字符串。")
    for field, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ReasonError(f"{place}：{field} 应为字符串列表。")
    return Reason(
        name=str(texts["name"]),
        label=str(texts["label"]),
        told=str(texts["told"]),
        systems=tuple(lists["systems"]),
        entries=tuple(lists["entries"]),
        cues=_patterns(place, lists["cues"]),
        unless=_patterns(place, lists["unless"]),
        request=_patterns(place, lists["request"]),
    )


def _patterns(place: str, patterns: Collection[str]) -> tuple[re.Pattern[str], ...]:
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise ReasonError(f"{place}：正则表达式「{pattern}」有误（{error}）。") from error
    return tuple(compiled)


def _any(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)
