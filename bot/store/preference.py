"""The settings that staff changed, and their history, in SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sqlite_utils import Database

from bot.model import Alteration, Preference
from bot.store.row import Rows, text_of, time_of


class SqlitePreferenceRows(Rows):
    """See `PreferenceRows`."""

    def preferences(self) -> list[Preference]:
        """See `PreferenceRows`."""
        rows = self._rows("SELECT name, value, by, at FROM preference ORDER BY name")
        return [Preference(**{**row, "at": time_of(row["at"])}) for row in rows]

    def put_preference(self, preference: Preference) -> None:
        """See `PreferenceRows`."""
        self._db.table("preference").upsert({**asdict(preference), "at": text_of(preference.at)}, pk="name")

    def drop_preference(self, name: str) -> bool:
        """See `PreferenceRows`."""
        return self._change("DELETE FROM preference WHERE name = ?", name) > 0

    def add_alteration(self, alteration: Alteration) -> None:
        """See `PreferenceRows`."""
        row = {**asdict(alteration), "at": text_of(alteration.at)}
        del row["id"]
        self._db.table("alteration").insert(row)

    def alterations(self, limit: int) -> list[Alteration]:
        """See `PreferenceRows`."""
        rows = self._rows("SELECT * FROM alteration ORDER BY id DESC LIMIT ?", limit)
        return [Alteration(**{**row, "at": time_of(row["at"])}) for row in rows]


def read_preferences(path: Path) -> list[Preference]:
    """What the database at `path` holds, for a command that otherwise has no use for it and so must not change it.

    Nothing where there is no database, or none of this program's that can be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return SqlitePreferenceRows(Database(connection, execute_plugins=False)).preferences()
    except sqlite3.Error:
        return []
