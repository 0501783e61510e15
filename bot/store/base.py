"""The Store port: where conversations, messages and tickets are kept.

A caller passes a function, a work, and the store runs it with a `Transaction`:

    message = store.write(lambda transaction: transaction.add_message(id, "visitor", text, now=now))

Whatever has to hold together goes into one work: to look whether a message is there and to add it otherwise is one
work, not two. A work is short (it holds up every other writer: search and encode before), touches nothing but its
transaction, and lets the transaction's errors pass.

The rules for who may do what, when, are not here but in `bot.dialogue` and `bot.ticket`; here is only what must hold
whatever they do. Times are timezone-aware; they come back in UTC, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from bot.model import Author, Conversation, Message, Reply, Ticket

T = TypeVar("T")


class StoreError(Exception):
    """The store could not do it: unreachable, locked, full, damaged, closed, or written by a newer program.

    Its text is Chinese and meant for the operator. At start the command line prints it and exits; while serving the API
    answers 503, and the same request may be tried again: nothing of the work was kept, save where a connection broke in
    the middle of the commit, which `client_message_id` is there for.
    """


class ConstraintError(StoreError):
    """A work broke a rule of the schema: an id given twice, a conversation that does not exist. Nothing of it was kept.

    Repeating it does not help: the caller is at fault, which nobody outside should ever see.
    """


class Transaction(Protocol):
    """What a work may do. Sees what is committed and what the work itself did; worth nothing once the work returned."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        """Return the conversation, if there is one."""

    def opened_by(self, client_message_id: str) -> Conversation | None:
        """Return the conversation whose first visitor message carried this id: it comes again if its reply got lost."""

    def add_conversation(self, conversation: Conversation, opened_by: str | None = None) -> None:
        """Add a conversation and the id of the visitor message that opens it. ConstraintError if either is taken."""

    def update_conversation(self, conversation: Conversation) -> None:
        """Keep the conversation's `system` and `updated_at`; ConstraintError if there is no such conversation."""

    def visitor_message(self, conversation_id: str, client_message_id: str) -> Message | None:
        """Return the visitor's message of this conversation that was sent with this id."""

    def reply_to(self, message: Message) -> Message | None:
        """Return the bot's message that was added with `in_reply_to=message`."""

    def messages(self, conversation_id: str, after: int = 0) -> list[Message]:
        """Return the conversation's messages in order, those with a sequence number above `after`."""

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
        """Add a message under a new id and the conversation's next sequence number.

        ConstraintError if the conversation does not exist, `client_message_id` was used in it before or by anyone but
        the visitor, a `reply` is not the bot's, or the bot already replied to `in_reply_to`.
        """

    def open_ticket(self, conversation_id: str, reason: str, *, now: datetime) -> Ticket:
        """Return the conversation's ticket for this reason that is neither resolved nor closed, or else a new one.

        A new ticket waits for a person: its status is `waiting`.
        """

    def tickets(self, conversation_id: str) -> list[Ticket]:
        """Return the conversation's tickets, the oldest first."""

    def secret(self, name: str) -> bytes:
        """Return the 32 random bytes kept under this name, made on first use; StoreError if that is in a `read`."""


class Store(Protocol):
    """Keeps what is said. One instance serves all threads of a process; several processes may share a database."""

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a work that changes nothing, on one consistent state, and return its result."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a work all or nothing and return its result once it is on disk.

        What the work raises is raised here, and nothing of the work is kept; others' works are not affected.
        """

    def check(self) -> None:
        """Raise StoreError if nothing can be written now; for readiness."""

    def close(self) -> None:
        """Finish the works that wait, then let go. Afterwards everything but `close` raises StoreError."""
