"""What the tests of the stores share: a conversation, and short words for writing into it and reading from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bot.model import Conversation, Message, Ticket
from bot.store.base import Store, Transaction

NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
CONVERSATION = Conversation("c", "web", None, NOW, NOW)


def say(text: str, client_message_id: str | None = None) -> Callable[[Transaction], Message]:
    """A work that adds a visitor's message to "c"."""
    return lambda t: t.add_message("c", "visitor", text, now=NOW, client_message_id=client_message_id)


def begin(name: str) -> Callable[[Transaction], None]:
    """A work that adds a conversation of that name."""
    return lambda t: t.add_conversation(Conversation(name, "web", None, NOW, NOW))


def collect(reason: str, conversation_id: str = "c", now: datetime = NOW) -> Callable[[Transaction], Ticket]:
    """A work that adds a ticket."""
    return lambda t: t.add_ticket(conversation_id, reason, system=None, now=now)


def texts(store: Store) -> list[str]:
    """The texts of "c" in order."""
    return [message.text for message in store.read(lambda transaction: transaction.messages("c"))]
