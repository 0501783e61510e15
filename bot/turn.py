"""What goes into a turn of a conversation and what comes out of it: messages, passes, replies, refusals. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bot.model import Conversation, Message, Reply, Ticket

LONGEST_TEXT: Final = 2000
LONGEST_REMARK: Final = 500
SHORTEST_CLIENT_ID: Final = 16
LONGEST_CLIENT_ID: Final = 128


class TurnError(Exception):
    """A message that cannot be taken; the visitor reads the Chinese text, nothing of the message is kept."""


class BadMessage(TurnError):
    """Not one of a text, a choice, an acceptance and a picture, or one that cannot be read."""


class TooLong(TurnError):
    """The text has more than LONGEST_TEXT characters."""


class Unknown(TurnError):
    """There is no such conversation (or the token is another's), system, entry, reason, picture, answer or ticket."""


class NotOffered(TurnError):
    """The accepted reason was not offered in this conversation, or what is rated is not over."""


class MessageConflict(TurnError):
    """The client message id was used before, for another message."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a visitor sent: exactly one of a text, a chosen entry's id, an accepted reason's name; or a picture's id.

    A picture may come with a text. `client_message_id` is the sender's own random id: the same id and content again get
    the same reply again. `system` is the key of the system that the channel knows; "" takes back the one known so far.
    """

    text: str | None = None
    choose: str | None = None
    accept: str | None = None
    client_message_id: str | None = None
    system: str | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """What a visitor holds of a conversation: its id, and the secret token that proves it is his."""

    conversation_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored message and the reply to it, None where a person owns the conversation and the bot keeps silent.

    `message_id` and `sequence` are the reply's, or the visitor's message's where there is no reply. `token` is set when
    the turn began the conversation; `hidden`: something secret was in the message and is not stored.
    """

    conversation: Conversation
    message_id: str
    sequence: int
    reply: Reply | None
    token: str | None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What a visitor may see of a conversation: messages in order, tickets, who of the staff talks with them."""

    conversation: Conversation
    messages: tuple[Message, ...]
    tickets: tuple[Ticket, ...]
    agent: str | None


def check(incoming: Incoming, systems: Collection[str]) -> None:
    """Refuse what cannot be taken, whatever the conversation."""
    given = [value for value in (incoming.text, incoming.choose, incoming.accept) if value is not None]
    if len(given) != 1 and not (incoming.picture is not None and not given):
        raise BadMessage("请发送一条文字消息，或选择一个选项。")
    if incoming.picture is not None and (incoming.choose is not None or incoming.accept is not None):
        raise BadMessage("图片只能单独发送，或与文字一起发送。")
    if incoming.text is not None:
        check_text(incoming.text)
    client_id = incoming.client_message_id
    if client_id is not None and not (
        SHORTEST_CLIENT_ID <= len(client_id) <= LONGEST_CLIENT_ID and client_id.isascii() and client_id.isprintable()
    ):
        raise BadMessage(f"消息编号应为 {SHORTEST_CLIENT_ID} 到 {LONGEST_CLIENT_ID} 个字母、数字或符号。")
    if incoming.system and incoming.system not in systems:
        raise Unknown("没有这个系统，请检查系统标识。")


def check_text(text: str) -> None:
    """Refuse a text that is too long, empty, or has characters that are no text."""
    if len(text) > LONGEST_TEXT:
        raise TooLong(f"消息太长了，请控制在 {LONGEST_TEXT} 字以内，或分几条发送。")
    if not text.strip():
        raise BadMessage("消息是空的，请输入您的问题。")
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r" for char in text):
        raise BadMessage("消息里有无法识别的控制字符，请删除后重新发送。")


def check_remark(text: str) -> str:
    """A remark beside a rating, trimmed; it may be empty. TurnError where it cannot be taken."""
    if len(text) > LONGEST_REMARK:
        raise TooLong(f"内容太长了，请控制在 {LONGEST_REMARK} 字以内。")
    if text.strip():
        check_text(text)
    return text.strip()
