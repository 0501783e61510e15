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
        # A hundred thousand rows: as tuples, in the order of Said, which halves the time of dictionaries.
        rows = self._db.execute(
            """
            SELECT
                conversation.id, conversation.created_at, conversation.system,
                message.author, message.created_at,
                json_extract(reply, '$.decision'),
                json_extract(reply, '$.answer.entry_id'),
                json_extract(reply, '$.escalation.status'),
                json_extract(reply, '$.step.field') IS NOT NULL,
                CASE WHEN json_extract(reply, '$.decision') = 'reject' THEN message.text END,
                feedback.helpful, feedback.reason, conversation.channel
            FROM conversation
            JOIN message ON message.conversation_id = conversation.id
            LEFT JOIN feedback ON feedback.message_id = message.id
            WHERE conversation.updated_at >= ? AND conversation.created_at < ?
            ORDER BY conversation.updated_at, conversation.rowid, message.sequence
            """,
            (text_of(since), text_of(until)),
        )
        for (
            name,
            opened_at,
            system,
            author,
            at,
            decision,
            entry,
            escalation,
            asks,
            words,
            helpful,
            reason,
            channel,
        ) in rows:
            yield Said(
                name,
                time_of(opened_at),
                system,
                author,
                time_of(at),
                decision,
                entry,
                escalation,
                bool(asks),
                words,
                None if helpful is None else bool(helpful),
                reason or "",
                channel,
            )

    def asked(self, since: datetime) -> dict[str, int]:
        """See `MetricRows`."""
        rows = self._db.query(
            """
            SELECT json_extract(reply, '$.answer.entry_id') AS entry, count(DISTINCT conversation.id) AS asked
            FROM conversation
            JOIN message ON message.conversation_id = conversation.id
            LEFT JOIN feedback ON feedback.message_id = message.id
            WHERE conversation.updated_at >= ? AND message.created_at >= ? AND entry IS NOT NULL
                AND coalesce(helpful, 1)
            GROUP BY entry
            """,
            (text_of(since), text_of(since)),
        )
        return {row["entry"]: row["asked"] for row in rows}

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
