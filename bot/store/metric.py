"""The rows that figures are made of, in SQLite, read one after the other.

Both are bounded by the period's beginning: a conversation's `updated_at` (which has an index) and a ticket's are never
earlier than the last thing that happened to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.metric import Done
from bot.store.row import Rows, maybe_time, text_of, time_of
from bot.visit import Said


class SqliteMetricRows(Rows):
    """See `MetricRows`."""

    def said(self, since: datetime, until: datetime) -> Iterator[Said]:
        """See `MetricRows`."""
        rows = self._db.query(
            """
            SELECT
                conversation.id, conversation.created_at AS opened_at, conversation.system,
                message.author, message.created_at,
                json_extract(reply, '$.decision') AS decision,
                json_extract(reply, '$.answer.entry_id') AS entry,
                json_extract(reply, '$.escalation.status') AS escalation,
                json_extract(reply, '$.step.field') IS NOT NULL AS asks,
                CASE WHEN json_extract(reply, '$.decision') = 'reject' THEN message.text END AS words,
                feedback.helpful, feedback.reason
            FROM conversation
            JOIN message ON message.conversation_id = conversation.id
            LEFT JOIN feedback ON feedback.message_id = message.id
            WHERE conversation.updated_at >= ? AND conversation.created_at < ?
            ORDER BY conversation.updated_at, conversation.rowid, message.sequence
            """,
            (text_of(since), text_of(until)),
        )
        for row in rows:
            yield Said(
                conversation=row["id"],
                opened_at=time_of(row["opened_at"]),
                system=row["system"],
                author=row["author"],
                at=time_of(row["created_at"]),
                decision=row["decision"],
                entry=row["entry"],
                escalation=row["escalation"],
                asks=bool(row["asks"]),
                words=row["words"],
                helpful=None if row["helpful"] is None else bool(row["helpful"]),
                reason=row["reason"] or "",
            )

    def done(self, since: datetime, until: datetime) -> Iterator[Done]:
        """See `MetricRows`."""
        rows = self._db.query(
            """
            SELECT number, ticket.reason, ticket.system, kind, at, actor, detail,
                CASE WHEN kind IN ('handed_in', 'reopened') THEN (
                    SELECT created_at FROM message
                    WHERE message.conversation_id = ticket.conversation_id AND author = 'agent' AND created_at >= at
                    ORDER BY sequence LIMIT 1
                ) END AS spoken_at
            FROM ticket JOIN ticket_event ON ticket_event.ticket = number
            WHERE ticket.updated_at >= ? AND ticket.opened_at < ?
            ORDER BY number, ticket_event.id
            """,
            (text_of(since), text_of(until)),
        )
        for row in rows:
            yield Done(
                ticket=row["number"],
                reason=row["reason"],
                system=row["system"],
                kind=row["kind"],
                at=time_of(row["at"]),
                actor=row["actor"],
                detail=row["detail"],
                spoken_at=maybe_time(row["spoken_at"]),
            )
