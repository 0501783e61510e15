"""The Transaction port on a sqlite-utils database: rows in, values out."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlite_utils import Database

from bot.model import Author, Conversation, Message, Reply, Ticket
from bot.store.base import ConstraintError

Row: TypeAlias = dict[str, Any]


class SqliteTransaction:
    """See `Transaction`. Neither begins nor ends the transaction that its statements run in."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def conversation(self, conversation_id: str) -> Conversation | None:
        """See `Transaction`."""
        rows = self._rows("SELECT * FROM conversation WHERE id = ?", conversation_id)
        return _conversation(rows[0]) if rows else None

    def opened_by(self, client_message_id: str) -> Conversation | None:
        """See `Transaction`."""
        rows = self._rows("SELECT * FROM conversation WHERE opened_by = ?", client_message_id)
        return _conversation(rows[0]) if rows else None

    def add_conversation(self, conversation: Conversation, opened_by: str | None = None) -> None:
        """See `Transaction`."""
        self._db.table("conversation").insert(
            {
                "id": conversation.id,
                "channel": conversation.channel,
                "system": conversation.system,
                "opened_by": opened_by,
                "created_at": _text(conversation.created_at),
                "updated_at": _text(conversation.updated_at),
            }
        )

    def update_conversation(self, conversation: Conversation) -> None:
        """See `Transaction`."""
        changed = self._db.execute(
            "UPDATE conversation SET system = ?, updated_at = ? WHERE id = ?",
            (conversation.system, _text(conversation.updated_at), conversation.id),
        )
        if changed.rowcount == 0:
            raise ConstraintError(f"没有编号为 {conversation.id} 的会话")

    def visitor_message(self, conversation_id: str, client_message_id: str) -> Message | None:
        """See `Transaction`."""
        rows = self._rows(
            "SELECT * FROM message WHERE conversation_id = ? AND client_message_id = ?",
            conversation_id,
            client_message_id,
        )
        return _message(rows[0]) if rows else None

    def reply_to(self, message: Message) -> Message | None:
        """See `Transaction`."""
        rows = self._rows("SELECT * FROM message WHERE in_reply_to = ?", message.id)
        return _message(rows[0]) if rows else None

    def messages(self, conversation_id: str, after: int = 0) -> list[Message]:
        """See `Transaction`."""
        rows = self._rows(
            "SELECT * FROM message WHERE conversation_id = ? AND sequence > ? ORDER BY sequence", conversation_id, after
        )
        return [_message(row) for row in rows]

    def add_message(
        self,
        conversation_id: str,
        author: Author,
        text: str,
        *,
        now: datetime,
        client_message_id: str | None = None,
        reply: Reply | None = None,
        in_reply_to: Message | None = None,
    ) -> Message:
        """See `Transaction`."""
        if in_reply_to and in_reply_to.conversation_id != conversation_id:
            raise ConstraintError(f"消息 {in_reply_to.id} 不属于会话 {conversation_id}")
        [last] = self._rows("SELECT max(sequence) AS sequence FROM message WHERE conversation_id = ?", conversation_id)
        row: Row = {
            "id": uuid.uuid4().hex,
            "conversation_id": conversation_id,
            "sequence": (last["sequence"] or 0) + 1,
            "author": author,
            "text": text,
            "created_at": _text(now),
            "client_message_id": client_message_id,
            "reply": reply and json.dumps(reply.to_dict(), ensure_ascii=False),
            "in_reply_to": in_reply_to and in_reply_to.id,
        }
        self._db.table("message").insert(row)
        return _message(row)

    def open_ticket(self, conversation_id: str, reason: str, *, now: datetime) -> Ticket:
        """See `Transaction`."""
        for ticket in self.tickets(conversation_id):
            if ticket.reason == reason and ticket.status not in {"resolved", "closed"}:
                return ticket
        row: Row = {
            "conversation_id": conversation_id,
            "reason": reason,
            "status": "waiting",
            "opened_at": _text(now),
            "updated_at": _text(now),
        }
        number = self._db.table("ticket").insert(row).last_pk
        return _ticket({"number": number, **row})

    def tickets(self, conversation_id: str) -> list[Ticket]:
        """See `Transaction`."""
        rows = self._rows("SELECT * FROM ticket WHERE conversation_id = ? ORDER BY number", conversation_id)
        return [_ticket(row) for row in rows]

    def secret(self, name: str) -> bytes:
        """See `Transaction`."""
        rows = self._rows("SELECT value FROM secret WHERE name = ?", name)
        if rows:
            return bytes(rows[0]["value"])
        value = secrets.token_bytes(32)
        self._db.table("secret").insert({"name": name, "value": value})
        return value

    def mark_ready(self) -> None:
        """Write the one row that shows that writing is possible."""
        self._db.table("readiness").insert({"id": 1, "checked_at": _text(datetime.now(UTC))}, replace=True)

    def _rows(self, sql: str, *parameters: object) -> Sequence[Row]:
        return list(self._db.query(sql, parameters))


def _text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a time zone says nothing: {moment}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _conversation(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        channel=row["channel"],
        system=row["system"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def _message(row: Row) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        sequence=row["sequence"],
        author=row["author"],
        text=row["text"],
        created_at=datetime.fromisoformat(row["created_at"]),
        client_message_id=row["client_message_id"],
        reply=Reply.from_dict(json.loads(row["reply"])) if row["reply"] else None,
    )


def _ticket(row: Row) -> Ticket:
    return Ticket(
        number=row["number"],
        conversation_id=row["conversation_id"],
        reason=row["reason"],
        status=row["status"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
