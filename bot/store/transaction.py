"""The Transaction port on a sqlite-utils database: rows in, values out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from bot.store.conversation import SqliteConversationRows
from bot.store.doubt import SqliteDoubtRows
from bot.store.invitation import SqliteInvitationRows
from bot.store.knowledge import SqliteKnowledgeRows
from bot.store.metric import SqliteMetricRows
from bot.store.preference import SqlitePreferenceRows
from bot.store.qq import SqliteQQRows
from bot.store.row import text_of
from bot.store.staff import SqliteStaffRows
from bot.store.ticket import SqliteTicketRows


class SqliteTransaction(
    SqliteConversationRows,
    SqliteTicketRows,
    SqliteStaffRows,
    SqliteMetricRows,
    SqliteKnowledgeRows,
    SqlitePreferenceRows,
    SqliteDoubtRows,
    SqliteQQRows,
    SqliteInvitationRows,
):
    """See `Transaction`. Neither begins nor ends the transaction that its statements run in."""

    def secret(self, name: str) -> bytes:
        """See `Transaction`."""
        row = self._row("SELECT value FROM secret WHERE name = ?", name)
        if row:
            return bytes(row["value"])
        value = secrets.token_bytes(32)
        self._db.table("secret").insert({"name": name, "value": value})
        return value

    def mark_ready(self) -> None:
        """Write the one row that shows that writing is possible."""
        self._db.table("readiness").insert({"id": 1, "checked_at": text_of(datetime.now(UTC))}, replace=True)
