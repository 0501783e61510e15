"""QQ in SQLite: events heard, chats, pieces on their way, groups."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from bot.qq.model import Address, Chat, Group, GroupMode, Heard, Opening, Piece, PieceState, Platform
from bot.store.row import Row, Rows, text_of, time_of


class SqliteQQRows(Rows):
    """See `QQRows`. A group of "" is none, since two NULLs are not the same to a unique key."""

    def add_heard(self, heard: Heard) -> bool:
        """See `QQRows`."""
        address = heard.address
        added = self._change(
            """
            INSERT INTO qq_heard (platform, self_id, message_id, at, user_id, group_id, text, pictures)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (platform, self_id, message_id) DO NOTHING
            """,
            address.platform,
            address.self_id,
            heard.message_id,
            text_of(heard.at),
            address.user,
            address.group or "",
            heard.text,
            json.dumps(heard.pictures, ensure_ascii=False),
        )
        return added > 0

    def unanswered(self) -> list[Heard]:
        """See `QQRows`."""
        rows = self._rows("SELECT * FROM qq_heard WHERE text IS NOT NULL ORDER BY id")
        return [
            Heard(_address(row), row["message_id"], row["text"], (*json.loads(row["pictures"]),), time_of(row["at"]))
            for row in rows
        ]

    def end_heard(self, heard: Heard) -> None:
        """See `QQRows`."""
        self._change(
            """
            UPDATE qq_heard SET user_id = NULL, group_id = NULL, text = NULL, pictures = NULL
            WHERE platform = ? AND self_id = ? AND message_id = ?
            """,
            heard.address.platform,
            heard.address.self_id,
            heard.message_id,
        )

    def forget_heard(self, before: datetime) -> None:
        """See `QQRows`."""
        self._change("DELETE FROM qq_heard WHERE text IS NULL AND at < ?", text_of(before))

    def chat(self, conversation_id: str) -> Chat | None:
        """See `QQRows`."""
        row = self._row("SELECT * FROM qq_chat WHERE conversation_id = ?", conversation_id)
        return _chat(row) if row else None

    def chat_at(self, address: Address) -> Chat | None:
        """See `QQRows`."""
        row = self._row(
            "SELECT * FROM qq_chat WHERE platform = ? AND self_id = ? AND user_id = ? AND group_id = ?",
            address.platform,
            address.self_id,
            address.user,
            address.group or "",
        )
        return _chat(row) if row else None

    def put_chat(self, chat: Chat) -> None:
        """See `QQRows`."""
        address = chat.address
        self._change(
            """
            INSERT INTO qq_chat
                (conversation_id, platform, self_id, user_id, group_id, cursor, openings, behind)
            VALUES (?, ?, ?, ?, ?, ?, ?,
                EXISTS (SELECT 1 FROM message WHERE conversation_id = ? AND sequence > ?))
            ON CONFLICT (conversation_id) DO UPDATE SET
                platform = excluded.platform, self_id = excluded.self_id,
                user_id = excluded.user_id, group_id = excluded.group_id,
                cursor = excluded.cursor, openings = excluded.openings, behind = excluded.behind
            """,
            chat.conversation_id,
            address.platform,
            address.self_id,
            address.user,
            address.group or "",
            chat.cursor,
            json.dumps([[each.message_id, text_of(each.heard_at), each.replies] for each in chat.openings]),
            chat.conversation_id,
            chat.cursor,
        )

    def drop_chat(self, conversation_id: str) -> None:
        """See `QQRows`."""
        self._change("DELETE FROM qq_piece WHERE conversation_id = ?", conversation_id)
        self._change("DELETE FROM qq_chat WHERE conversation_id = ?", conversation_id)

    def chats_behind(self, limit: int) -> list[Chat]:
        """See `QQRows`. Costs what is behind, not all chats: those are found by partial indexes."""
        rows = self._rows(
            """
            SELECT qq_chat.* FROM (
                SELECT conversation_id, min(at) AS since FROM (
                    SELECT conversation_id, at FROM qq_piece WHERE state IN ('queued', 'sending')
                    UNION ALL
                    SELECT message.conversation_id, message.created_at
                    FROM qq_chat CROSS JOIN message
                        ON message.conversation_id = qq_chat.conversation_id AND message.sequence > qq_chat.cursor
                    WHERE qq_chat.behind
                ) GROUP BY conversation_id
            ) AS waiting CROSS JOIN qq_chat ON qq_chat.conversation_id = waiting.conversation_id
            ORDER BY waiting.since, qq_chat.conversation_id LIMIT ?
            """,
            limit,
        )
        return [_chat(row) for row in rows]

    def add_pieces(self, pieces: Collection[Piece]) -> None:
        """See `QQRows`."""
        for piece in pieces:
            self._db.table("qq_piece").insert({**asdict(piece), "at": text_of(piece.at)})

    def pieces(self, conversation_id: str, states: Collection[PieceState] = ()) -> list[Piece]:
        """See `QQRows`."""
        among = f"AND state IN ({', '.join('?' * len(states))})" if states else ""
        rows = self._rows(
            f"SELECT * FROM qq_piece WHERE conversation_id = ? {among} ORDER BY sequence, number",  # noqa: S608
            conversation_id,
            *states,
        )
        return [Piece(**{**row, "at": time_of(row["at"])}) for row in rows]

    def put_piece(self, piece: Piece) -> None:
        """See `QQRows`. Nothing where it went with its conversation meanwhile."""
        self._change(
            """
            UPDATE qq_piece SET text = ?, state = ?, at = ?, message_id = ?, reply = ?, platform_id = ?, reason = ?
            WHERE conversation_id = ? AND sequence = ? AND number = ?
            """,
            piece.text,
            piece.state,
            text_of(piece.at),
            piece.message_id,
            piece.reply,
            piece.platform_id,
            piece.reason,
            piece.conversation_id,
            piece.sequence,
            piece.number,
        )

    def count_pieces(self, since: datetime, until: datetime) -> list[tuple[Platform, PieceState, str | None, int]]:
        """See `QQRows`."""
        rows = self._rows(
            """
            SELECT platform, state, reason, count(*) AS pieces
            FROM qq_piece JOIN qq_chat ON qq_chat.conversation_id = qq_piece.conversation_id
            WHERE at >= ? AND at < ? GROUP BY platform, state, reason
            """,
            text_of(since),
            text_of(until),
        )
        return [(row["platform"], row["state"], row["reason"], row["pieces"]) for row in rows]

    def is_ours(self, address: Address, platform_id: str) -> bool:
        """See `QQRows`."""
        row = self._row(
            """
            SELECT 1 FROM qq_piece JOIN qq_chat ON qq_chat.conversation_id = qq_piece.conversation_id
            WHERE platform_id = ? AND platform = ? AND self_id = ? AND group_id = ? AND (group_id <> '' OR user_id = ?)
            """,
            platform_id,
            address.platform,
            address.self_id,
            address.group or "",
            address.user,
        )
        return row is not None

    def groups(self) -> list[Group]:
        """See `QQRows`."""
        return [_group(row) for row in self._rows("SELECT * FROM qq_group ORDER BY seen_at DESC, id")]

    def group(self, platform: Platform, self_id: str, group_id: str) -> Group | None:
        """See `QQRows`."""
        row = self._row(
            "SELECT * FROM qq_group WHERE platform = ? AND self_id = ? AND id = ?", platform, self_id, group_id
        )
        return _group(row) if row else None

    def see_group(self, platform: Platform, self_id: str, group_id: str, now: datetime) -> Group:
        """See `QQRows`."""
        # Read whole before anything else is done: a statement that returns rows is done once all of them are taken.
        [row] = self._rows(
            """
            INSERT INTO qq_group (platform, self_id, id, mode, seen_at) VALUES (?, ?, ?, 'answer', ?)
            ON CONFLICT (platform, self_id, id) DO UPDATE SET seen_at = excluded.seen_at RETURNING *
            """,
            platform,
            self_id,
            group_id,
            text_of(now),
        )
        return _group(row)

    def set_group(self, platform: Platform, self_id: str, group_id: str, system: str | None, mode: GroupMode) -> bool:
        """See `QQRows`."""
        changed = self._change(
            "UPDATE qq_group SET system = ?, mode = ? WHERE platform = ? AND self_id = ? AND id = ?",
            system,
            mode,
            platform,
            self_id,
            group_id,
        )
        return changed > 0


def _address(row: Row) -> Address:
    return Address(row["platform"], row["self_id"], row["user_id"], row["group_id"] or None)


def _chat(row: Row) -> Chat:
    return Chat(
        row["conversation_id"],
        _address(row),
        row["cursor"],
        tuple(Opening(name, time_of(at), replies) for name, at, replies in json.loads(row["openings"])),
    )


def _group(row: Row) -> Group:
    return Group(**{**row, "seen_at": time_of(row["seen_at"])})
