"""Tables as CSV that a spreadsheet opens: UTF-8 with a byte order mark, and no cell that would be a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, TypeAlias

Cell: TypeAlias = str | int | float | date | None

MARK: Final = "\ufeff"
"""Without it Excel reads Chinese in the machine's old encoding."""
_RISKY: Final = tuple("=+-@\t\r\n＝＋－＠")
_UNSEEN: Final = " \u00a0\u3000\u200b\u200e\u200f\u2060\ufeff\0"
"""What some spreadsheets pass over before they look whether a cell is a formula."""


def sheet(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table, lines ended as RFC 4180 wants them."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)  # else a separator of another country would end a cell
    writer.writerow([inert(cell) for cell in head])
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return (MARK + out.getvalue()).encode(errors="replace")


def inert(cell: Cell) -> str | int | float:
    """A cell as it is written: numbers as numbers, texts that a spreadsheet would calculate behind an apostrophe.

    See OWASP, CSV Injection; the full-width characters count too, for Chinese and Japanese Excel take them for the
    others.
    """
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(_UNSEEN).startswith(_RISKY) else cell
    return cell
