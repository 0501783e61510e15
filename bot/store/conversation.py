"""Conversations, messages, pictures and feedback in SQLite."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import datetime

from bot.model import Answer, Author, Conversation, Feedback, Message, Picture, Reply
from bot.store.base import ConstraintError
from bot.store.row import Row, Rows, text_of, time_of


class SqliteConversationRows(Rows):
    """See `ConversationRows`."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        """See `ConversationRows`."""
        row = self._row("SELECT * FROM conversation WHERE id = ?", conversation_id)
        return _conversation(row) if row else None

    def opened_by(self, client_message_id: str) -> Conversation | None:
        """See `ConversationRows`."""
        row = self._row("SELECT * FROM conversation WHERE opened_by = ?", client_message_id)
        return _conversation(row) if row else None

    def add_conversation(self, conversation: Conversation, opened_by: str | None = None) -> None:
        """See `ConversationRows`."""
        self._db.table("conversation").insert(
            {
                "id": conversation.id,
                "channel": conversation.channel,
                "opened_by": opened_by,
                "created_at": text_of(conversation.created_at),
                **_changing(conversation),
            }
        )

    def update_conversation(self, conversation: Conversation) -> None:
        """See `ConversationRows`."""
        changing = _changing(conversation)
        columns = ", ".join(f"{column} = ?" for column in changing)
        if not self._change(
            f"UPDATE conversation SET {columns} WHERE id = ?",  # noqa: S608 — our own column names
            *changing.values(),
            conversation.id,
        ):
            raise ConstraintError(f"没有编号为 {conversation.id} 的会话")

    def visitor_message(self, conversation_id: str, client_message_id: str) -> Message | None:
        """See `ConversationRows`."""
        row = self._row(
            "SELECT * FROM message WHERE conversation_id = ? AND client_message_id = ?",
            conversation_id,
            client_message_id,
        )
        return _message(row) if row else None

    def agent_message(self, conversation_id: str, client_message_id: str) -> Message | None:
        """See `ConversationRows`."""
        row = self._row(
            "SELECT * FROM message WHERE conversation_id = ? AND agent_message_id = ?",
            conversation_id,
            client_message_id,
        )
        return _message(row) if row else None

    def message(self, message_id: str) -> Message | None:
        """See `ConversationRows`."""
        row = self._row("SELECT * FROM message WHERE id = ?", message_id)
        return _message(row) if row else None

    def reply_to(self, message: Message) -> Message | None:
        """See `ConversationRows`."""
        row = self._row("SELECT * FROM message WHERE in_reply_to = ?", message.id)
        return _message(row) if row else None

    def messages(self, conversation_id: str, after: int = 0) -> list[Message]:
        """See `ConversationRows`."""
        rows = self._rows(
            "SELECT * FROM message WHERE conversation_id = ? AND sequence > ? ORDER BY sequence", conversation_id, after
        )
        return [_message(row) for row in rows]

    def last_messages(self, conversation_id: str, count: int) -> list[Message]:
        """See `ConversationRows`."""
        rows = self._rows(
            "SELECT * FROM message WHERE conversation_id = ? ORDER BY sequence DESC LIMIT ?", conversation_id, count
        )
        return [_message(row) for row in reversed(rows)]

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
        agent: str | None = None,
        answer: Answer | None = None,
        picture: str | None = None,
    ) -> Message:
        """See `ConversationRows`."""
        if in_reply_to and in_reply_to.conversation_id != conversation_id:
            raise ConstraintError(f"消息 {in_reply_to.id} 不属于会话 {conversation_id}")
        [last] = self._rows("SELECT max(sequence) AS sequence FROM message WHERE conversation_id = ?", conversation_id)
        row: Row = {
            "id": uuid.uuid4().hex,
            "conversation_id": conversation_id,
            "sequence": (last["sequence"] or 0) + 1,
            "author": author,
            "text": text,
            "created_at": text_of(now),
            "client_message_id": None if author == "agent" else client_message_id,
            "agent_message_id": client_message_id if author == "agent" else None,
            "reply": reply and json.dumps(reply.to_dict(), ensure_ascii=False),
            "in_reply_to": in_reply_to and in_reply_to.id,
            "agent": agent,
            "answer": answer and json.dumps(asdict(answer), ensure_ascii=False),
            "picture": picture,
        }
        self._db.table("message").insert(row)
        return _message(row)

    def add_picture(self, picture: Picture) -> None:
        """See `ConversationRows`."""
        self._db.table("picture").insert({**asdict(picture), "created_at": text_of(picture.created_at)})

    def picture(self, picture_id: str) -> Picture | None:
        """See `ConversationRows`."""
        row = self._row("SELECT * FROM picture WHERE id = ?", picture_id)
        return _picture(row) if row else None

    def pictures(self, conversation_id: str) -> list[Picture]:
        """See `ConversationRows`."""
        rows = self._rows("SELECT * FROM picture WHERE conversation_id = ? ORDER BY created_at, id", conversation_id)
        return [_picture(row) for row in rows]

    def rate_answer(self, feedback: Feedback) -> None:
        """See `ConversationRows`."""
        self._db.table("feedback").insert({**asdict(feedback), "at": text_of(feedback.at)}, replace=True)

    def feedback(self, conversation_id: str) -> list[Feedback]:
        """See `ConversationRows`."""
        rows = self._rows("SELECT * FROM feedback WHERE conversation_id = ? ORDER BY at", conversation_id)
        return [Feedback(**{**row, "helpful": bool(row["helpful"]), "at": time_of(row["at"])}) for row in rows]

    def idle_since(self, moment: datetime, limit: int) -> list[str]:
        """See `ConversationRows`."""
        rows = self._rows(
            """
            SELECT id FROM conversation WHERE updated_at < ? AND NOT EXISTS (
                SELECT 1 FROM ticket WHERE conversation_id = conversation.id AND status NOT IN ('resolved', 'closed')
            ) ORDER BY updated_at LIMIT ?
            """,
            text_of(moment),
            limit,
        )
        return [row["id"] for row in rows]

    def delete_conversation(self, conversation_id: str) -> bool:
        """See `ConversationRows`."""
        tickets = "(SELECT number FROM ticket WHERE conversation_id = ?)"
        for statement in (
            f"DELETE FROM notice WHERE ticket IN {tickets}",  # noqa: S608
            f"DELETE FROM ticket_event WHERE ticket IN {tickets}",  # noqa: S608
            "DELETE FROM ticket WHERE conversation_id = ?",
            "DELETE FROM feedback WHERE conversation_id = ?",
            "DELETE FROM picture WHERE conversation_id = ?",
            "DELETE FROM message WHERE conversation_id = ?",
        ):
            self._change(statement, conversation_id)
        return self._change("DELETE FROM conversation WHERE id = ?", conversation_id) > 0


def _changing(conversation: Conversation) -> Row:
    """The columns of what can change."""
    return {
        "system": conversation.system,
        "audience": conversation.audience,
        "owner": conversation.owner,
        "visitor_read": conversation.visitor_read,
        "staff_read": conversation.staff_read,
        "updated_at": text_of(conversation.updated_at),
    }


def _conversation(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        channel=row["channel"],
        system=row["system"],
        created_at=time_of(row["created_at"]),
        updated_at=time_of(row["updated_at"]),
        audience=row["audience"],
        owner=row["owner"],
        visitor_read=row["visitor_read"],
        staff_read=row["staff_read"],
    )


def _message(row: Row) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        sequence=row["sequence"],
        author=row["author"],
        text=row["text"],
        created_at=time_of(row["created_at"]),
        client_message_id=row["client_message_id"] or row["agent_message_id"],
        reply=Reply.from_dict(json.loads(row["reply"])) if row["reply"] else None,
        agent=row["agent"],
        answer=Answer.from_dict(json.loads(row["answer"])) if row["answer"] else None,
        picture=row["picture"],
    )


def _picture(row: Row) -> Picture:
    return Picture(**{**row, "created_at": time_of(row["created_at"])})
