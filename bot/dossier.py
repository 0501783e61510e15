"""Dossiers: what has to be collected before a person can act, declared in dossiers.toml beside the documents.

Comments in that file explain its fields. How a dossier is filled in is `form`; what a field takes is `field`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.field import KINDS

NOTICE: Final = (
    "为办理这件事，需要登记：{fields}。这些信息只用于办理本次事项。回复“同意”开始登记；不想登记请回复“取消”。"
)
RESERVED: Final = frozenset({"consent", "confirm"})
"""The steps of a form that are no fields."""


class DossierError(Exception):
    """dossiers.toml cannot be used; the operator sees the Chinese message, which names the file and the place."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to collect; a value of any of its `kinds` will do. `heard`: taken over from what was asked before."""

    name: str
    label: str
    ask: str
    kinds: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    heard: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a reason needs: the texts the visitor reads, who handles it, and the fields in the order they are asked.

    `at_once`: handed in as soon as it is accepted, with what was heard and nothing asked.
    """

    label: str
    told: str
    handler: str = ""
    done: str = ""
    fields: tuple[Field, ...] = ()
    at_once: bool = False
    notice: str = NOTICE

    def field(self, name: str | None) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


HUMAN: Final = Dossier(
    label="转人工客服",
    told="可以为您转接人工客服。",
    fields=(Field("details", "情况说明", "请简单说明遇到的情况。", ("text",), heard=True, required=False),),
    at_once=True,
)
"""A person can always be asked for, also where no dossiers are declared."""


def read_dossiers(path: Path) -> dict[str, Dossier]:
    """The dossiers declared in a file, by reason; none where there is no file."""
    if not path.is_file():
        return {}
    try:
        declared = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DossierError(f"{path.name}：无法读取（{error}）。") from error
    notice = declared.get("notice", NOTICE)
    if not isinstance(notice, str) or not notice.strip():
        raise DossierError(f"{path.name}：notice 应为非空字符串。")
    _refuse_unknown(path.name, declared, {"notice", "field", "dossier"})
    fields = {
        name: _field(f"{path.name} 的 [field.{name}]", name, table)
        for name, table in _tables(path.name, declared, "field").items()
    }
    return {
        name: _dossier(f"{path.name} 的 [dossier.{name}]", table, fields, notice)
        for name, table in _tables(path.name, declared, "dossier").items()
    }


def _tables(place: str, declared: Mapping[str, Any], kind: str) -> dict[str, Any]:
    tables = declared.get(kind, {})
    if not isinstance(tables, dict):
        raise DossierError(f"{place}：{kind} 应写成 [{kind}.名称] 表。")
    return tables


def _field(place: str, name: str, table: Any) -> Field:
    if name in RESERVED:
        raise DossierError(f"{place}：{'、'.join(sorted(RESERVED))} 另有用途，请换一个名称。")
    _refuse_unknown(place, table, {"label", "ask", "kinds", "aliases", "heard"})
    kinds = _texts(place, table, "kinds")
    if not kinds or (unknown := sorted(set(kinds) - KINDS)):
        raise DossierError(
            f"{place}：kinds 应从 {'、'.join(sorted(KINDS))} 中选取{f'，没有 {unknown[0]}' if kinds else ''}。"
        )
    return Field(
        name=name,
        label=_text(place, table, "label"),
        ask=_text(place, table, "ask"),
        kinds=kinds,
        aliases=_texts(place, table, "aliases"),
        heard=_flag(place, table, "heard"),
    )


def _dossier(place: str, table: Any, fields: Mapping[str, Field], notice: str) -> Dossier:
    _refuse_unknown(place, table, {"label", "told", "handler", "done", "fields", "optional", "at_once"})
    names, optional = _texts(place, table, "fields"), _texts(place, table, "optional")
    for name in (*names, *optional):
        if name not in fields or name not in names:
            raise DossierError(f"{place}：用到的字段 {name} 没有定义，或不在 fields 中。")
    if not names and not table.get("at_once"):
        raise DossierError(f"{place}：fields 至少要有一项，除非 at_once 为 true。")
    return Dossier(
        label=_text(place, table, "label"),
        told=_text(place, table, "told"),
        handler=_text(place, table, "handler", needed=False),
        done=_text(place, table, "done", needed=False),
        fields=tuple(
            Field(f.name, f.label, f.ask, f.kinds, f.aliases, f.heard, f.name not in optional)
            for f in (fields[name] for name in dict.fromkeys(names))
        ),
        at_once=_flag(place, table, "at_once"),
        notice=notice,
    )


def _refuse_unknown(place: str, table: Any, known: set[str]) -> None:
    if not isinstance(table, dict):
        raise DossierError(f"{place}：应为表。")
    if unknown := sorted(set(table) - known):
        raise DossierError(f"{place}：有不认识的字段 {'、'.join(unknown)}。")


def _text(place: str, table: Mapping[str, Any], key: str, *, needed: bool = True) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or (needed and not value.strip()):
        raise DossierError(f"{place}：缺少 {key}，或它不是非空字符串。")
    return value


def _texts(place: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise DossierError(f"{place}：{key} 应为字符串列表。")
    return tuple(value)


def _flag(place: str, table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise DossierError(f"{place}：{key} 应为 true 或 false。")
    return value
