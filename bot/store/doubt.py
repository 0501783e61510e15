"""Doubtful questions in SQLite: what they are found in, what the index made of them, what was done about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bot.doubt import Deed, DeedKind, Line, Reading
from bot.store.row import Row, Rows, text_of, time_of


class SqliteDoubtRows(Rows):
    """See `DoubtRows`."""

    def lines(self, since: datetime) -> Iterator[Line]:
        """See `DoubtRows`. Bounded by conversations' `updated_at`, which has an index."""
        rows = self._db.query(
            """
            SELECT
                conversation.id AS conversation, conversation.system, message.id, author, message.created_at,
                CASE WHEN author = 'visitor' OR json_extract(reply, '$.decision') = 'reject' THEN text ELSE '' END
                    AS words,
                in_reply_to,
                json_extract(reply, '$.decision') AS decision,
                json_extract(reply, '$.answer.entry_id') AS entry,
                json_extract(reply, '$.options') AS options,
                json_extract(reply, '$.related') AS related,
                json_extract(reply, '$.escalation.reason') AS reason,
                json_extract(reply, '$.escalation.status') AS status,
                json_extract(reply, '$.step.field') IS NOT NULL AS asks,
                json_extract(reply, '$.confidence') = 1 AS sure,
                json_extract(reply, '$.question') AS question,
                feedback.helpful
            FROM conversation
            JOIN message ON message.conversation_id = conversation.id
            LEFT JOIN feedback ON feedback.message_id = message.id
            WHERE conversation.updated_at >= ?
            ORDER BY conversation.updated_at, conversation.rowid, message.sequence
            """,
            (text_of(since),),
        )
        return map(_line, rows)

    def readings(self, stamp: str) -> dict[str, Reading]:
        """See `DoubtRows`."""
        rows = self._rows("SELECT message_id, vector, shares FROM doubt_reading WHERE stamp = ?", stamp)
        return {row["message_id"]: Reading(row["vector"], json.loads(row["shares"])) for row in rows}

    def put_readings(self, stamp: str, readings: Mapping[str, Reading]) -> None:
        """See `DoubtRows`."""
        for message, reading in readings.items():
            self._change(
                """
                INSERT OR REPLACE INTO doubt_reading (message_id, stamp, vector, shares)
                SELECT id, ?, ?, ? FROM message WHERE id = ?
                """,
                stamp,
                reading.vector,
                json.dumps(dict(reading.shares)),
                message,
            )

    def drop_readings(self, stamp: str) -> None:
        """See `DoubtRows`."""
        self._change("DELETE FROM doubt_reading WHERE stamp <> ?", stamp)

    def add_deed(
        self, kind: DeedKind, entry_id: str, texts: Sequence[str], author: str, at: datetime, messages: Iterable[str]
    ) -> int:
        """See `DoubtRows`."""
        # What was said of messages that are gone goes when something new is said: nobody can see or undo it any more.
        self._change("DELETE FROM doubt_deed WHERE NOT EXISTS (SELECT 1 FROM doubt_settled WHERE deed = doubt_deed.id)")
        row = {"kind": kind, "entry_id": entry_id, "texts": json.dumps(texts, ensure_ascii=False), "author": author}
        deed_id = self._db.table("doubt_deed").insert({**row, "at": text_of(at)}).last_pk
        for message in messages:
            self._change(
                "INSERT OR REPLACE INTO doubt_settled (message_id, deed) SELECT id, ? FROM message WHERE id = ?",
                deed_id,
                message,
            )
        return int(str(deed_id))

    def deeds(self) -> list[Deed]:
        """See `DoubtRows`."""
        rows = self._rows(
            "SELECT * FROM doubt_deed WHERE EXISTS (SELECT 1 FROM doubt_settled WHERE deed = id) ORDER BY id DESC"
        )
        return [Deed(**{**row, "texts": tuple(json.loads(row["texts"])), "at": time_of(row["at"])}) for row in rows]

    def settled(self) -> dict[str, int]:
        """See `DoubtRows`."""
        return {row["message_id"]: row["deed"] for row in self._rows("SELECT message_id, deed FROM doubt_settled")}

    def drop_deed(self, deed_id: int) -> bool:
        """See `DoubtRows`."""
        self._change("DELETE FROM doubt_settled WHERE deed = ?", deed_id)
        return self._change("DELETE FROM doubt_deed WHERE id = ?", deed_id) > 0


def _line(row: Row) -> Line:
    offered = [*json.loads(row["options"] or "[]"), *json.loads(row["related"] or "[]")]
    return Line(
        conversation=row["conversation"],
        system=row["system"],
        message=row["id"],
        author=row["author"],
        at=time_of(row["created_at"]),
        words=row["words"],
        decision=row["decision"],
        answers=row["in_reply_to"],
        entry=row["entry"],
        options=tuple(option["entry_id"] for option in offered),
        handed=(row["reason"], row["status"]) if row["reason"] else None,
        asks=bool(row["asks"]),
        sure=bool(row["sure"]),
        question=row["question"],
        helpful=None if row["helpful"] is None else bool(row["helpful"]),
    )
