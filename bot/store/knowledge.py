"""Versions of the knowledge base, their files, what is published, and the draft, in SQLite.

Files are kept by their hash and compressed, so that versions share what they have in common.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime

from bot.draft import Change, Kind
from bot.store.row import Row, Rows, text_of, time_of
from bot.version import Asked, Event, EventKind, Version, tree_of


class SqliteKnowledgeRows(Rows):
    """See `KnowledgeRows`."""

    def put_files(self, files: Mapping[str, bytes]) -> str:
        """See `KnowledgeRows`."""
        tree = tree_of(files)
        if self._row("SELECT 1 FROM knowledge_tree WHERE tree = ? LIMIT 1", tree) is None:
            for name, data in files.items():
                blob = hashlib.sha256(data).hexdigest()
                row = {"hash": blob, "data": zlib.compress(data)}
                self._db.table("knowledge_blob").insert(row, ignore=True)
                self._db.table("knowledge_tree").insert({"tree": tree, "name": name, "blob": blob})
        return tree

    def files(self, tree: str) -> dict[str, bytes]:
        """See `KnowledgeRows`."""
        rows = self._rows(
            "SELECT name, data FROM knowledge_tree JOIN knowledge_blob ON hash = blob WHERE tree = ? ORDER BY name",
            tree,
        )
        return {row["name"]: zlib.decompress(row["data"]) for row in rows}

    def forget_files(self) -> None:
        """See `KnowledgeRows`."""
        self._change("""
            DELETE FROM knowledge_tree WHERE tree NOT IN (
                SELECT tree FROM knowledge_version
                UNION SELECT base FROM knowledge_event
                UNION SELECT tree FROM knowledge_change
            )
        """)
        self._change("DELETE FROM knowledge_blob WHERE hash NOT IN (SELECT blob FROM knowledge_tree)")

    def add_version(self, author: str, note: str, at: datetime, tree: str, content_hash: str) -> Version:
        """See `KnowledgeRows`."""
        row = {"author": author, "note": note, "at": text_of(at), "tree": tree, "content_hash": content_hash}
        self._db.table("knowledge_version").insert(row)
        return self.versions(1)[0]

    def version(self, number: int) -> Version | None:
        """See `KnowledgeRows`."""
        row = self._row("SELECT * FROM knowledge_version WHERE number = ?", number)
        return _version(row) if row else None

    def versions(self, limit: int, before: int | None = None) -> list[Version]:
        """See `KnowledgeRows`."""
        rows = self._rows(
            "SELECT * FROM knowledge_version WHERE number < coalesce(?, number + 1) ORDER BY number DESC LIMIT ?",
            before,
            limit,
        )
        return [_version(row) for row in rows]

    def add_knowledge_event(
        self, kind: EventKind, number: int, base: str, *, author: str, note: str, at: datetime
    ) -> Event:
        """See `KnowledgeRows`."""
        last = self.last_knowledge_event()
        previous = None if last is None else last.number
        row = {"at": text_of(at), "author": author, "kind": kind, "number": number, "previous": previous}
        self._db.table("knowledge_event").insert({**row, "base": base, "note": note})
        return self.knowledge_events(1)[0]

    def last_knowledge_event(self, number: int | None = None) -> Event | None:
        """See `KnowledgeRows`."""
        row = self._row(
            "SELECT * FROM knowledge_event WHERE number = coalesce(?, number) ORDER BY id DESC LIMIT 1", number
        )
        return _event(row) if row else None

    def knowledge_events(self, limit: int) -> list[Event]:
        """See `KnowledgeRows`."""
        return [_event(row) for row in self._rows("SELECT * FROM knowledge_event ORDER BY id DESC LIMIT ?", limit)]

    def changes(self) -> list[Change]:
        """See `KnowledgeRows`."""
        rows = self._rows("SELECT * FROM knowledge_change ORDER BY id")
        return [Change(**{**row, "at": time_of(row["at"])}) for row in rows]

    def add_change(self, kind: Kind, entry_id: str, text: str, author: str, at: datetime, tree: str = "") -> None:
        """See `KnowledgeRows`."""
        row = {"kind": kind, "entry_id": entry_id, "text": text, "author": author, "at": text_of(at), "tree": tree}
        self._db.table("knowledge_change").insert(row)

    def delete_change(self, change_id: int) -> bool:
        """See `KnowledgeRows`."""
        return self._change("DELETE FROM knowledge_change WHERE id = ?", change_id) > 0

    def questions_asked(self, since: datetime, limit: int) -> list[Asked]:
        """See `KnowledgeRows`."""
        rows = self._rows(
            """
            SELECT said.text, conversation.system, count(*) AS count, max(said.id) AS message_id
            FROM message AS reply
            JOIN message AS said ON said.id = reply.in_reply_to
            JOIN conversation ON conversation.id = said.conversation_id
            WHERE reply.created_at >= ? AND conversation.updated_at >= ? AND said.author = 'visitor'
                AND json_extract(reply.reply, '$.decision') IN ('answer', 'clarify', 'escalate', 'reject')
                AND json_extract(reply.reply, '$.step') IS NULL
            GROUP BY said.text, conversation.system
            ORDER BY count DESC, max(said.created_at) DESC
            LIMIT ?
            """,
            text_of(since),
            text_of(since),
            limit,
        )
        return [Asked(**row) for row in rows]


def _version(row: Row) -> Version:
    return Version(**{**row, "at": time_of(row["at"])})


def _event(row: Row) -> Event:
    return Event(**{**row, "at": time_of(row["at"])})
