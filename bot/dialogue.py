"""Bot: one turn of a conversation, the only door for every channel.

A turn is thought out first (search, decision, reason) and then stored in one transaction, message and reply together:
a reply that was given is on disk, and a message that was not acknowledged left nothing behind. What the conversation
knows (an open ticket, the same message sent twice at once) is looked up inside that transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bot import wording
from bot.desk import Desk
from bot.escalation import HUMAN, Reason
from bot.model import Conversation, Escalation, Message, Reply
from bot.store.base import Store, Transaction

LONGEST_TEXT: Final = 2000
SHORTEST_CLIENT_ID: Final = 16
LONGEST_CLIENT_ID: Final = 128


class TurnError(Exception):
    """A message that cannot be taken; the visitor reads the Chinese text, nothing of the message is kept."""


class BadMessage(TurnError):
    """Not one of a text, a choice and an acceptance, or one that cannot be read."""


class TooLong(TurnError):
    """The text has more than LONGEST_TEXT characters."""


class Unknown(TurnError):
    """There is no such conversation (or the token is another's), system, entry or reason."""


class NotOffered(TurnError):
    """The accepted reason was not offered in this conversation."""


class MessageConflict(TurnError):
    """The client message id was used before, for another message."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a visitor sent: exactly one of a text, a chosen entry's id, an accepted reason's name.

    `client_message_id` is the sender's own random id: the same id and content again get the same reply again. `system`
    is the key of the system that the channel knows; "" takes back the one known so far.
    """

    text: str | None = None
    choose: str | None = None
    accept: str | None = None
    client_message_id: str | None = None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """What a visitor holds of a conversation: its id, and the secret token that proves it is his."""

    conversation_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored reply. `token` is set when the turn began the conversation."""

    conversation: Conversation
    message_id: str
    reply: Reply
    token: str | None


@dataclass(frozen=True, slots=True)
class _Said:
    """A message understood: what is stored of it, the reply to it, the system it settles, the reason it accepts."""

    text: str
    reply: Reply
    system: str | None
    accepted: Reason | None = None


class Bot:
    """Conversations over a store and a desk. Thread-safe; `desk` may be replaced at any time."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self.desk = desk
        self._key = store.write(lambda transaction: transaction.secret("conversation-token"))

    def turn(self, incoming: Incoming, holder: Pass | None = None, *, channel: str = "web") -> Turn:
        """Take a message, in the holder's conversation or in a new one, and return the stored reply.

        TurnError when the message cannot be taken, StoreError when it could not be kept.
        """
        desk = self.desk
        _check(incoming, desk)
        conversation = self._find(incoming, holder)
        said = _understand(incoming, conversation, desk)
        if conversation is not None and (
            earlier := self._store.read(lambda t: _earlier(t, conversation, incoming, said))
        ):
            return self._as_turn(conversation, earlier, holder)
        now = datetime.now(UTC)
        fresh = Conversation(secrets.token_urlsafe(16), channel, said.system, now, now)
        return self._store.write(
            lambda transaction: self._record(transaction, conversation or fresh, incoming, said, holder, now)
        )

    def history(self, holder: Pass) -> tuple[Conversation, list[Message]]:
        """The holder's conversation and its messages in order; Unknown if it is not his."""

        def work(transaction: Transaction) -> tuple[Conversation, list[Message]]:
            conversation = self._held(transaction, holder)
            return conversation, transaction.messages(conversation.id)

        return self._store.read(work)

    def token(self, conversation_id: str) -> str:
        """The token of a conversation: a keyed hash of its id, so that none has to be stored."""
        return hmac.new(self._key, conversation_id.encode(), hashlib.sha256).hexdigest()

    def _held(self, transaction: Transaction, holder: Pass) -> Conversation:
        # The same words for no such conversation and a wrong token: a stranger learns nothing from them.
        right = hmac.compare_digest(self.token(holder.conversation_id).encode(), holder.token.encode())
        conversation = transaction.conversation(holder.conversation_id) if right else None
        if conversation is None:
            raise Unknown("找不到这个会话，请刷新页面重新开始咨询。")
        return conversation

    def _find(self, incoming: Incoming, holder: Pass | None) -> Conversation | None:
        """The holder's conversation; without one, the conversation that this very message already began."""

        def work(transaction: Transaction) -> Conversation | None:
            return self._held(transaction, holder) if holder is not None else _opened(transaction, incoming)

        return self._store.read(work)

    def _record(
        self,
        transaction: Transaction,
        conversation: Conversation,
        incoming: Incoming,
        said: _Said,
        holder: Pass | None,
        now: datetime,
    ) -> Turn:
        if holder is None and (opened := _opened(transaction, incoming)):
            conversation = opened
        if transaction.conversation(conversation.id) is None:
            transaction.add_conversation(conversation, incoming.client_message_id)
        elif earlier := _earlier(transaction, conversation, incoming, said):
            return self._as_turn(conversation, earlier, holder)
        reply = _with_ticket(transaction, conversation, said, now)
        message = transaction.add_message(
            conversation.id, "visitor", said.text, now=now, client_message_id=incoming.client_message_id
        )
        stored = transaction.add_message(conversation.id, "bot", reply.text, now=now, reply=reply, in_reply_to=message)
        conversation = replace(conversation, system=said.system, updated_at=now)
        transaction.update_conversation(conversation)
        return self._as_turn(conversation, stored, holder)

    def _as_turn(self, conversation: Conversation, message: Message, holder: Pass | None) -> Turn:
        if message.reply is None:
            raise TypeError("a bot's message carries its reply")
        return Turn(conversation, message.id, message.reply, self.token(conversation.id) if holder is None else None)


def _check(incoming: Incoming, desk: Desk) -> None:
    """Refuse what cannot be taken, whatever the conversation."""
    given = [value for value in (incoming.text, incoming.choose, incoming.accept) if value is not None]
    if len(given) != 1:
        raise BadMessage("请发送一条文字消息，或选择一个选项。")
    if incoming.text is not None:
        check_text(incoming.text)
    client_id = incoming.client_message_id
    if client_id is not None and not (
        SHORTEST_CLIENT_ID <= len(client_id) <= LONGEST_CLIENT_ID and client_id.isascii() and client_id.isprintable()
    ):
        raise BadMessage(f"消息编号应为 {SHORTEST_CLIENT_ID} 到 {LONGEST_CLIENT_ID} 个字母、数字或符号。")
    if incoming.system and incoming.system not in desk.systems:
        raise Unknown("没有这个系统，请检查系统标识。")


def check_text(text: str) -> None:
    """Refuse a text that is too long, empty, or has characters that are no text."""
    if len(text) > LONGEST_TEXT:
        raise TooLong(f"消息太长了，请控制在 {LONGEST_TEXT} 字以内，或分几条发送。")
    if not text.strip():
        raise BadMessage("消息是空的，请输入您的问题。")
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r" for char in text):
        raise BadMessage("消息里有无法识别的控制字符，请删除后重新发送。")


def _understand(incoming: Incoming, conversation: Conversation | None, desk: Desk) -> _Said:
    known = conversation.system if conversation else None
    system = known if incoming.system is None else incoming.system or None
    if incoming.text is not None:
        thought = desk.consider(incoming.text, system)
        return _Said(incoming.text, thought.reply, thought.system)
    if incoming.choose is not None:
        entry = desk.index.entry(incoming.choose)
        if entry is None:
            raise Unknown("没有这个条目，它可能已经更新，请重新提问。")
        return _Said(entry.question, desk.chosen(entry), entry.system or system)
    reason = desk.reason(incoming.accept or "")
    if reason is None:
        raise Unknown("没有这项服务，请重新提问。")
    return _Said(reason.label, desk.accepted(reason), system, accepted=reason)


def _opened(transaction: Transaction, incoming: Incoming) -> Conversation | None:
    """The conversation that this message already began, if its reply may have got lost with the token.

    Once the conversation went on its token had arrived, and giving it again would open it to whoever knows the id.
    """
    conversation = transaction.opened_by(incoming.client_message_id) if incoming.client_message_id else None
    if conversation is not None and len(transaction.messages(conversation.id)) > 2:
        raise MessageConflict("这条消息已经发送过，请在原来的会话中继续。")
    return conversation


def _earlier(transaction: Transaction, conversation: Conversation, incoming: Incoming, said: _Said) -> Message | None:
    """The reply that this message already got, if it was sent before."""
    if incoming.client_message_id is None:
        return None
    message = transaction.visitor_message(conversation.id, incoming.client_message_id)
    if message is None:
        return None
    if message.text != said.text:
        raise MessageConflict("这个消息编号已经用于另一条消息，请使用新的编号。")
    return transaction.reply_to(message)


def _with_ticket(transaction: Transaction, conversation: Conversation, said: _Said, now: datetime) -> Reply:
    """The reply with the state of the ticket it is about: opened now if the visitor accepts, else one already open."""
    reason, reply = said.accepted, said.reply
    if reason is not None:
        offers = (message.reply.escalation for message in transaction.messages(conversation.id) if message.reply)
        if reason.name != HUMAN.name and not any(offer and offer.reason == reason.name for offer in offers):
            raise NotOffered("这项服务还没有为您提供，请先描述您的问题。")
        ticket = transaction.open_ticket(conversation.id, reason.name, now=now)
        escalation = Escalation(reason.name, reason.label, ticket.status, ticket.number)
        return replace(reply, text=wording.registered(reason.label, ticket.number), escalation=escalation)
    if reply.escalation is not None:
        tickets = transaction.tickets(conversation.id)
        running = [t for t in tickets if t.reason == reply.escalation.reason and t.status not in ("resolved", "closed")]
        if running:
            escalation = replace(reply.escalation, status=running[0].status, ticket=running[0].number)
            return replace(reply, escalation=escalation)
    return reply
