"""What the store keeps for QQ: events heard, chats, pieces on their way, groups."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from bot.qq.model import Address, Chat, Group, GroupMode, Heard, Piece, PieceState, Platform


class QQRows(Protocol):
    """Rows of QQ. Chats and pieces go with their conversation."""

    def add_heard(self, heard: Heard) -> bool:
        """Keep a message until it is answered; False if it came before, however long ago it was answered."""

    def unanswered(self) -> list[Heard]:
        """Return the messages that are not answered, in the order they came."""

    def end_heard(self, heard: Heard) -> None:
        """A message is answered: forget what was said and keep that it came."""

    def forget_heard(self, before: datetime) -> None:
        """Forget that messages came which were heard before a moment and are answered."""

    def chat(self, conversation_id: str) -> Chat | None:
        """Return a conversation's chat, if it is held on QQ."""

    def chat_at(self, address: Address) -> Chat | None:
        """Return the chat at an address."""

    def put_chat(self, chat: Chat) -> None:
        """Add or change a chat; ConstraintError where another conversation has its address, or there is none."""

    def drop_chat(self, conversation_id: str) -> None:
        """Forget that a conversation is held on QQ, if it is: what is said there begins another."""

    def chats_behind(self, limit: int) -> list[Chat]:
        """Return chats with messages above their cursor, or pieces that are queued or under way, longest first."""

    def add_pieces(self, pieces: Collection[Piece]) -> None:
        """Add pieces; ConstraintError if one is there."""

    def pieces(self, conversation_id: str, states: Collection[PieceState] = ()) -> list[Piece]:
        """Return a conversation's pieces in order, those in these states, or all."""

    def put_piece(self, piece: Piece) -> None:
        """Keep everything of a piece that can change."""

    def count_pieces(self, since: datetime, until: datetime) -> list[tuple[Platform, PieceState, str | None, int]]:
        """Count the pieces that were lined up in [since, until) by platform, state and reason."""

    def is_ours(self, address: Address, platform_id: str) -> bool:
        """Whether the platform calls a piece that was sent to this address, or to its group, by this id."""

    def groups(self) -> list[Group]:
        """Return the groups, the one seen last first."""

    def group(self, platform: Platform, self_id: str, group_id: str) -> Group | None:
        """Return a group, if it is known."""

    def see_group(self, platform: Platform, self_id: str, group_id: str, now: datetime) -> Group:
        """Note that a group was heard from, and return it; a new one is about no system and is answered."""

    def set_group(self, platform: Platform, self_id: str, group_id: str, system: str | None, mode: GroupMode) -> bool:
        """Change what a group is about and whether the bot speaks there; False if it is not known."""
