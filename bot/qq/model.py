"""Who is talked with on QQ, what came from there, and what goes out; the same for both platforms. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

Platform: TypeAlias = Literal["qq", "onebot"]
"""The official QQ platform, or a OneBot v11 client such as LLBot or NapCat."""
PieceState: TypeAlias = Literal["queued", "sending", "held", "sent", "failed"]
"""`sending`: under way, or cut off on the way. `held`: kept back until the person asks for the rest."""
GroupMode: TypeAlias = Literal["answer", "quiet", "off"]
"""In a group the bot answers whoever addresses it, or only where it knows the answer, or never."""

MOST_OPENINGS: Final = 10
"""Messages of one user that are kept to be replied to."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a conversation is held: in private with a user, or with that user in a group.

    `self_id` is the bot's own id, `user` an id that the platform made for this bot (official) or a QQ number (OneBot);
    in a group of the official platform the same person has another one than in private.
    """

    platform: Platform
    self_id: str
    user: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that was addressed to the bot. `message_id` is the platform's, `pictures` are addresses to fetch."""

    address: Address
    message_id: str
    text: str
    pictures: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """A message of the user's, which may be replied to for a while; `replies` is how many did so far."""

    message_id: str
    heard_at: datetime
    replies: int = 0


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation as it goes on on QQ.

    `cursor` is the sequence number up to which the conversation's messages were made into pieces. `openings` are the
    user's latest messages, the last one last.
    """

    conversation_id: str
    address: Address
    cursor: int
    openings: tuple[Opening, ...]

    def hear(self, heard: Heard) -> Chat:
        """The chat after another message of the user's; one that came before changes nothing."""
        if any(each.message_id == heard.message_id for each in self.openings):
            return self
        return self.open(Opening(heard.message_id, heard.at))

    def open(self, opening: Opening) -> Chat:
        """The chat with an opening in place of the one of that message, or besides the others."""
        kept = {each.message_id: each for each in self.openings} | {opening.message_id: opening}
        return replace(self, openings=(*kept.values(),)[-MOST_OPENINGS:])


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message that goes out on its own: the `number`-th (from 0) of the message numbered `sequence`.

    A `sequence` of 0 is no message of the conversation's but a word about what could not be taken. It is a `text`, or,
    where that is "", the `picture` of that id. `message_id` and `reply` are which message of the user's it is sent as
    which reply to; None in an active push. `reason` is why it failed, in Chinese, for staff; `platform_id` is what the
    platform calls it.
    """

    conversation_id: str
    sequence: int
    number: int
    text: str
    state: PieceState
    at: datetime
    message_id: str | None = None
    reply: int | None = None
    platform_id: str | None = None
    reason: str | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group that the bot is in: the system that it is about, if any, and whether the bot speaks there."""

    platform: Platform
    self_id: str
    id: str
    system: str | None
    mode: GroupMode
    seen_at: datetime
