"""Reasons for a person to act: what they are, and when a message gives one.

The reasons of a knowledge base are declared in reasons.toml beside its documents; comments there explain the fields.
What has to be collected for each is its dossier.
The rule they follow: the writer has the problem now and the documents say that staff act, or the writer asks for a
person. Wanting to know, helping oneself and what another authority does are no reasons.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot import dossier
from bot.dossier import Dossier, read_dossiers

_LISTS: Final = ("systems", "entries")
_MOVED: Final = ("label", "told")
"""Fields of a reason that are its dossier's since there are dossiers."""
_PATTERNS: Final = ("cues", "hints", "unless", "asks", "request")
SPARE: Final = 3
"""Characters beside a cue that say nothing of their own."""
_WORD: Final = re.compile(r"\{([a-z_]+)\}")


class ReasonError(Exception):
    """reasons.toml cannot be read; the operator sees the Chinese message, which names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `systems` and `entries` are keys and ids; the patterns match text as search takes it in."""

    name: str
    dossier: Dossier
    systems: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    cues: tuple[re.Pattern[str], ...] = ()
    hints: tuple[re.Pattern[str], ...] = ()
    unless: tuple[re.Pattern[str], ...] = ()
    asks: tuple[re.Pattern[str], ...] = ()
    request: tuple[re.Pattern[str], ...] = ()

    def given_by(self, text: str, *, system: str | None, answer: str | None) -> bool:
        """Whether an understood text about `system`, answered with the entry of id `answer`, gives this reason."""
        if self.systems and system not in self.systems:
            return False
        answered = answer in self.entries and (not self.hints or _any(self.hints, text))
        if not (answered or _any(self.cues, text)) or _any(self.unless, text):
            return False
        return not _any(self.asks, text) or _any(self.request, text)

    def is_all_of(self, text: str) -> bool:
        """Whether an understood text says hardly anything but one of the cues."""
        found = (cue.search(text) for cue in self.cues)
        return any(len(text) - len(match[0]) <= SPARE for match in found if match)


HUMAN = Reason(
    name="human",
    dossier=dossier.HUMAN,
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
    """The reasons declared in a file, with their dossiers from dossiers.toml beside it; only `HUMAN` without a file."""
    if not path.is_file():
        return (HUMAN,)
    dossiers = {HUMAN.name: HUMAN.dossier, **read_dossiers(path.parent / "dossiers.toml")}
    try:
        declared = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ReasonError(f"{path.name}：无法读取（{error}）。") from error
    tables, words = declared.get("reason", []), declared.get("word", {})
    if not isinstance(tables, list):
        raise ReasonError(f"{path.name}：原因应写成 [[reason]] 表。")
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise ReasonError(f"{path.name}：[word] 的各项应为字符串。")
    reasons = tuple(_reason(path, table, words, dossiers) for table in tables)
    names = [reason.name for reason in reasons]
    if len(set(names)) < len(names):
        raise ReasonError(f"{path.name}：原因的 name 不能重复。")
    if unused := sorted(set(dossiers) - {*names, HUMAN.name}):
        raise ReasonError(f"dossiers.toml：{path.name} 中没有名为 {'、'.join(unused)} 的原因。")
    return reasons if HUMAN.name in names else (*reasons, replace(HUMAN, dossier=dossiers[HUMAN.name]))


def _reason(path: Path, table: object, words: Mapping[str, str], dossiers: Mapping[str, Dossier]) -> Reason:
    if not isinstance(table, dict):
        raise ReasonError(f"{path.name}：原因应写成 [[reason]] 表。")
    place = f"{path.name} 的原因「{table.get('name', '?')}」"
    if moved := "、".join(field for field in _MOVED if field in table):
        there = f"[dossier.{table.get('name', '名称')}]"
        raise ReasonError(f"{place}：{moved} 已改在 dossiers.toml 的 {there} 中填写，请移到那里（见 CHANGELOG.md）。")
    if unknown := sorted(set(table) - {"name", *_LISTS, *_PATTERNS}):
        raise ReasonError(f"{place}：有不认识的字段 {'、'.join(unknown)}。")
    name = table.get("name")
    lists = {field: table.get(field, []) for field in (*_LISTS, *_PATTERNS)}
    if not isinstance(name, str) or not name:
        raise ReasonError(f"{place}：缺少 name，或它不是非空字符串。")
    if name not in dossiers:
        raise ReasonError(f"{place}：dossiers.toml 中没有 [dossier.{name}]。")
    for field, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ReasonError(f"{place}：{field} 应为字符串列表。")
    patterns = {field: _patterns(place, lists[field], words) for field in _PATTERNS}
    return Reason(
        name=name,
        dossier=dossiers[name],
        systems=tuple(lists["systems"]),
        entries=tuple(lists["entries"]),
        **patterns,
    )


def _patterns(place: str, patterns: Collection[str], words: Mapping[str, str]) -> tuple[re.Pattern[str], ...]:
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re.compile(_WORD.sub(lambda name: f"(?:{words[name[1]]})", pattern)))
        except KeyError as error:
            raise ReasonError(f"{place}：「{pattern}」用到的 {{{error.args[0]}}} 未在 [word] 中定义。") from error
        except re.error as error:
            raise ReasonError(f"{place}：正则表达式「{pattern}」有误（{error}）。") from error
    return tuple(compiled)


def _any(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)
