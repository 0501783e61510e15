"""The figures as a table for the terminal: a row per figure, a column per set."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby

from bot.measure import GROUPS, Figure, Group
from bot.release import Result, Standing

NOTHING = "–"


def render(results: Sequence[Result]) -> str:
    """The table of all results, with their notes below it."""
    rows = [["", *(result.name for result in results)]]
    for group, standings in groupby(zip(*(result.standings for result in results), strict=True), _group):
        found = list(standings)
        rows.append([f"【{GROUPS[group]}】", *(questions(result, group) for result in results)])
        rows += [[f"  {across[0].definition.title}", *map(_cell, across)] for across in found]
    lines = _aligned(rows)
    lines += [f"{result.name}：{note}" for result in results for note in result.notes]
    return "\n".join(lines)


def questions(result: Result, group: Group) -> str:
    """How many questions a group of figures is about; "" where its figures are about several kinds."""
    wanted = {"covered": "answer", "uncovered": "reject", "ambiguous": "clarify"}.get(group)
    if wanted is not None:
        return f"{sum(case.label.expect == wanted for case in result.examination.cases)} 题"
    if group == "escalation":
        return f"{sum(case.label.escalate is not None for case in result.examination.cases)} 题需要人工"
    return ""


def value(figure: Figure) -> str:
    """A figure with its interval: proportions in percent, others as they are."""
    if figure.value is None:
        return NOTHING
    if figure.interval is None:
        return f"{figure.value:.3f}"
    least, most = figure.interval
    return f"{figure.value:.1%} [{least * 100:.1f}, {most * 100:.1f}]"


def difference(standing: Standing) -> str:
    """What has changed since the last release: proportions in points; "" where there is nothing to compare."""
    if standing.difference is None:
        return ""
    if standing.figure.interval is None:
        return f"{standing.difference:+.3f}"
    return f"{standing.difference * 100:+.1f}"


def _group(across: Sequence[Standing]) -> Group:
    return across[0].definition.group


def _cell(standing: Standing) -> str:
    changed = difference(standing)
    return f"{value(standing.figure)}{f' ({changed})' if changed else ''}{' ✗' if standing.missed else ''}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(zip(row, widths, strict=True))).rstrip() for row in rows]


def _padded(cells: Iterable[tuple[str, int]]) -> list[str]:
    return [cell + " " * (width - _width(cell)) for cell, width in cells]


def _width(text: str) -> int:
    """The columns that a text takes in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
