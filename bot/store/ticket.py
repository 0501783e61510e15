"""Tickets, their history and the notices about them in SQLite."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from bot.model import Ticket, TicketEvent, TicketStatus
from bot.notify import Notice
from bot.store.base import ConstraintError
from bot.store.row import Row, Rows, maybe_text, maybe_time, text_of, time_of

_BY_WAIT = "ORDER BY waiting_since IS NULL, waiting_since, number"


class SqliteTicketRows(Rows):
    """See `TicketRows`."""

    def add_ticket(self, conversation_id: str, reason: str, *, system: str | None, now: datetime) -> Ticket:
        """See `TicketRows`."""
        row: Row = {
            "conversation_id": conversation_id,
            "reason": reason,
            "status": "collecting",
            "opened_at": text_of(now),
            "updated_at": text_of(now),
            "system": system,
        }
        number = self._db.table("ticket").insert(row).last_pk
        [row] = self._rows("SELECT * FROM ticket WHERE number = ?", number)
        return _ticket(row)

    def ticket(self, number: int) -> Ticket | None:
        """See `TicketRows`."""
        row = self._row("SELECT * FROM ticket WHERE number = ?", number)
        return _ticket(row) if row else None

    def tickets(self, conversation_id: str) -> list[Ticket]:
        """See `TicketRows`."""
        rows = self._rows("SELECT * FROM ticket WHERE conversation_id = ? ORDER BY number", conversation_id)
        return [_ticket(row) for row in rows]

    def update_ticket(self, ticket: Ticket) -> None:
        """See `TicketRows`."""
        changing: Row = {
            "status": ticket.status,
            "updated_at": text_of(ticket.updated_at),
            "system": ticket.system,
            "fields": json.dumps(dict(ticket.fields), ensure_ascii=False),
            "asked": ticket.asked,
            "tries": ticket.tries,
            "assignee": ticket.assignee,
            "waiting_since": maybe_text(ticket.waiting_since),
            "taken_at": maybe_text(ticket.taken_at),
            "ended_at": maybe_text(ticket.ended_at),
            "stars": ticket.stars,
            "comment": ticket.comment,
        }
        columns = ", ".join(f"{column} = ?" for column in changing)
        if not self._change(
            f"UPDATE ticket SET {columns} WHERE number = ?",  # noqa: S608 — our own column names
            *changing.values(),
            ticket.number,
        ):
            raise ConstraintError(f"没有编号为 {ticket.number} 的受理单")

    def tickets_in(self, statuses: Collection[TicketStatus], limit: int = 500) -> list[Ticket]:
        """See `TicketRows`."""
        wanted = json.dumps(list(statuses))
        rows = self._rows(
            f"SELECT * FROM ticket WHERE status IN (SELECT value FROM json_each(?)) {_BY_WAIT} LIMIT ?",  # noqa: S608
            wanted,
            limit,
        )
        return [_ticket(row) for row in rows]

    def tickets_before(
        self,
        number: int,
        statuses: Collection[TicketStatus],
        *,
        system: str | None = None,
        reason: str | None = None,
        assignee: str | None = None,
        limit: int,
    ) -> list[Ticket]:
        """See `TicketRows`."""
        rows = self._rows(
            """
            SELECT * FROM ticket
            WHERE number < ? AND status IN (SELECT value FROM json_each(?))
                AND system IS coalesce(?, system) AND reason = coalesce(?, reason)
                AND assignee IS coalesce(?, assignee)
            ORDER BY number DESC LIMIT ?
            """,
            number,
            json.dumps(list(statuses)),
            system,
            reason,
            assignee,
            limit,
        )
        return [_ticket(row) for row in rows]

    def tickets_resting(self, status: TicketStatus, since: datetime, limit: int = 500) -> list[Ticket]:
        """See `TicketRows`."""
        rows = self._rows(
            "SELECT * FROM ticket WHERE status = ? AND updated_at < ? ORDER BY updated_at LIMIT ?",
            status,
            text_of(since),
            limit,
        )
        return [_ticket(row) for row in rows]

    def position(self, ticket: Ticket) -> int:
        """See `TicketRows`."""
        [row] = self._rows(
            """
            SELECT count(*) AS before FROM ticket
            WHERE status = 'waiting' AND (waiting_since, number) < (?, ?)
            """,
            maybe_text(ticket.waiting_since),
            ticket.number,
        )
        return int(row["before"]) + 1

    def waits(self, since: datetime, limit: int) -> list[tuple[datetime, datetime]]:
        """See `TicketRows`."""
        rows = self._rows(
            """
            SELECT waiting_since, taken_at FROM ticket
            WHERE taken_at >= ? AND waiting_since <= taken_at ORDER BY taken_at DESC, number DESC LIMIT ?
            """,
            text_of(since),
            limit,
        )
        return [(time_of(row["waiting_since"]), time_of(row["taken_at"])) for row in rows]

    def add_event(self, event: TicketEvent) -> None:
        """See `TicketRows`."""
        self._db.table("ticket_event").insert({**asdict(event), "at": text_of(event.at)})

    def events(self, number: int) -> list[TicketEvent]:
        """See `TicketRows`."""
        rows = self._rows(
            "SELECT ticket, at, actor, kind, detail FROM ticket_event WHERE ticket = ? ORDER BY id", number
        )
        return [TicketEvent(**{**row, "at": time_of(row["at"])}) for row in rows]

    def add_notice(self, notice: Notice) -> None:
        """See `TicketRows`."""
        self._db.table("notice").insert({**asdict(notice), "at": text_of(notice.at)})

    def notices(self) -> list[Notice]:
        """See `TicketRows`."""
        rows = self._rows("SELECT * FROM notice ORDER BY at, rowid")
        return [Notice(**{**row, "at": time_of(row["at"])}) for row in rows]

    def delete_notice(self, notice_id: str) -> None:
        """See `TicketRows`."""
        self._change("DELETE FROM notice WHERE id = ?", notice_id)


def _ticket(row: Row) -> Ticket:
    return Ticket(
        number=row["number"],
        conversation_id=row["conversation_id"],
        reason=row["reason"],
        status=row["status"],
        opened_at=time_of(row["opened_at"]),
        updated_at=time_of(row["updated_at"]),
        system=row["system"],
        fields=json.loads(row["fields"]),
        asked=row["asked"],
        tries=row["tries"],
        assignee=row["assignee"],
        waiting_since=maybe_time(row["waiting_since"]),
        taken_at=maybe_time(row["taken_at"]),
        ended_at=maybe_time(row["ended_at"]),
        stars=row["stars"],
        comment=row["comment"],
    )
