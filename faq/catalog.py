"""The catalog: which systems the help desk serves, and by which words people name them.

Read from a TOML file with `[[system]]` tables (each with `[[system.audience]]` tables), lists `elsewhere` and `terms`
and a table `[synonyms]`. The file is written by people, so every mistake in it is named with its place; nothing is
guessed, nothing unknown is ignored.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faq.error import CatalogError

_KEY = re.compile(r"[a-z0-9_-]+")
_SYSTEM_FIELDS = {"key", "name", "aliases", "cues", "audience", "portal", "hotline"}
_AUDIENCE_FIELDS = {"name", "cues", "bodies"}


@dataclass(frozen=True, slots=True)
class Audience:
    """A group of users; `name` is the title of the section written for it, `cues` are the words that give it away.

    `bodies` give it away only where somebody says to be of them: 「我们是县卫健局的」 is, 「联系县卫健局」 is not.
    """

    name: str
    cues: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """A system the help desk answers for.

    A message with one of its `aliases` (or its name) is about it; one of its `cues` only makes that likelier.
    """

    key: str
    name: str
    aliases: tuple[str, ...] = ()
    cues: tuple[str, ...] = ()
    audiences: tuple[Audience, ...] = ()
    portal: str | None = None
    hotline: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """All systems, and the words that belong to no single one of them.

    `elsewhere`: names of other systems and services that no document here is about. `terms`: words of the trade that
    must be kept whole and are recognised by their sound. `synonyms`: for a term the other names people give it.
    """

    systems: tuple[System, ...] = ()
    elsewhere: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def system(self, key: str) -> System | None:
        """The system of that key, or None."""
        return next((system for system in self.systems if system.key == key), None)


def read_catalog(path: Path) -> Catalog:
    """Read a catalog file; CatalogError says in Chinese which field of which table is wrong."""
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise CatalogError(path, f"无法读取目录文件（{error.strerror or error}）。") from error
    except UnicodeDecodeError as error:
        raise CatalogError(path, "目录文件不是 UTF-8 编码，请另存为 UTF-8。") from error
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(path, f"不是有效的 TOML（{error}）。") from error
    try:
        return _catalog(data)
    except _FieldError as error:
        raise CatalogError(path, str(error)) from error


class _FieldError(Exception):
    """A wrong field, not yet with the file's name; never leaves this module."""


def _catalog(data: Mapping[str, object]) -> Catalog:
    _refuse_unknown(data, {"system", "elsewhere", "terms", "synonyms"}, "文件顶层")
    systems = tuple(_system(table, n) for n, table in enumerate(_tables(data, "system", "文件顶层"), 1))
    _refuse_twice((system.key for system in systems), "系统 key")
    _refuse_twice((system.name for system in systems), "系统名称")
    return Catalog(
        systems, _strings(data, "elsewhere", "文件顶层"), _strings(data, "terms", "文件顶层"), _synonyms(data)
    )


def _synonyms(data: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    table = data.get("synonyms", {})
    if not isinstance(table, dict):
        raise _FieldError("文件顶层的 synonyms 应写成 [synonyms] 表。")
    found = {term: _strings(table, term, "[synonyms]") for term in table}
    _refuse_twice((name for term, names in found.items() for name in (term, *names)), "[synonyms] 中的说法")
    return found


def _system(table: Mapping[str, object], position: int) -> System:
    place = f"第 {position} 个 [[system]]"
    _refuse_unknown(table, _SYSTEM_FIELDS, place)
    key = _string(table, "key", place)
    if not _KEY.fullmatch(key):
        raise _FieldError(f"{place} 的 key「{key}」只能由小写字母、数字、- 和 _ 组成。")
    place = f"系统 {key}"
    audiences = tuple(_audience(item, place) for item in _tables(table, "audience", place))
    _refuse_twice((audience.name for audience in audiences), f"{place} 的用户类别")
    return System(
        key=key,
        name=_string(table, "name", place),
        aliases=_strings(table, "aliases", place),
        cues=_strings(table, "cues", place),
        audiences=audiences,
        portal=_string(table, "portal", place) if "portal" in table else None,
        hotline=_string(table, "hotline", place) if "hotline" in table else None,
    )


def _audience(table: Mapping[str, object], place: str) -> Audience:
    place = f"{place} 的 [[system.audience]]"
    _refuse_unknown(table, _AUDIENCE_FIELDS, place)
    return Audience(_string(table, "name", place), _strings(table, "cues", place), _strings(table, "bodies", place))


def _string(table: Mapping[str, object], field: str, place: str) -> str:
    if field not in table:
        raise _FieldError(f"{place} 缺少 {field}。")
    value = table[field]
    if not isinstance(value, str) or not value.strip():
        raise _FieldError(f"{place} 的 {field} 应为非空字符串。")
    return value.strip()


def _strings(table: Mapping[str, object], field: str, place: str) -> tuple[str, ...]:
    value = table.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise _FieldError(f"{place} 的 {field} 应为字符串列表，且每一项非空。")
    found = tuple(item.strip() for item in value)
    _refuse_twice(found, f"{place} 的 {field}")
    return found


def _tables(table: Mapping[str, object], field: str, place: str) -> list[Mapping[str, object]]:
    value = table.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _FieldError(f"{place} 的 {field} 应写成 [[{field}]] 表。")
    return value


def _refuse_unknown(table: Mapping[str, object], known: set[str], place: str) -> None:
    if unknown := sorted(set(table) - known):
        raise _FieldError(f"{place} 有不认识的字段 {'、'.join(unknown)}；可用的是 {'、'.join(sorted(known))}。")


def _refuse_twice(values: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _FieldError(f"{what}「{value}」重复。")
        seen.add(value)
