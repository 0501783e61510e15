"""Invitations in SQLite."""

from __future__ import annotations

from datetime import datetime

from bot.store.row import Rows, text_of


class SqliteInvitationRows(Rows):
    """See `InvitationRows`."""

    def put_invitation(self, conversation_id: str, code_hash: str, good_until: datetime) -> None:
        """See `InvitationRows`."""
        self._change("DELETE FROM invitation WHERE conversation_id = ?", conversation_id)
        self._change("INSERT INTO invitation VALUES (?, ?, ?)", conversation_id, code_hash, text_of(good_until))

    def take_invitation(self, code_hash: str, own_hash: str, now: datetime) -> str | None:
        """See `InvitationRows`."""
        row = self._row(
            """
            UPDATE invitation SET code_hash = ? WHERE code_hash IN (?, ?) AND good_until > ?
            RETURNING conversation_id
            """,
            own_hash,
            code_hash,
            own_hash,
            text_of(now),
        )
        return str(row["conversation_id"]) if row else None
