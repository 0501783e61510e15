"""What the parts of the SQLite transaction share: rows as dictionaries, times as text that sorts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlite_utils import Database

Row: TypeAlias = dict[str, Any]


class Rows:
    """A database within a transaction, which is neither begun nor ended here."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def _rows(self, sql: str, *parameters: object) -> Sequence[Row]:
        return list(self._db.query(sql, parameters))

    def _row(self, sql: str, *parameters: object) -> Row | None:
        rows = self._rows(sql, *parameters)
        return rows[0] if rows else None

    def _change(self, sql: str, *parameters: object) -> int:
        """Run a statement; the number of rows it changed."""
        return int(self._db.execute(sql, parameters).rowcount)


def text_of(moment: datetime) -> str:
    """A time as it is stored; ValueError for one without a time zone, which says nothing."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a time zone says nothing: {moment}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def maybe_text(moment: datetime | None) -> str | None:
    """The same for a time that may be missing."""
    return None if moment is None else text_of(moment)


def time_of(text: str) -> datetime:
    """The time that `text_of` wrote."""
    return datetime.fromisoformat(text)


def maybe_time(text: str | None) -> datetime | None:
    """The same for a time that may be missing."""
    return None if text is None else time_of(text)
