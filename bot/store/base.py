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

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from bot.doubt import DoubtRows
from bot.draft import Change, Kind
from bot.metric import MetricRows
from bot.model import (
    Alteration,
    Answer,
    ApiKey,
    Author,
    Canned,
    Conversation,
    Feedback,
    Message,
    Picture,
    Preference,
    Reply,
    Session,
    Staff,
    Ticket,
    TicketEvent,
    TicketStatus,
)
from bot.notify import Notice
from bot.qq.row import QQRows
from bot.version import Asked, Event, EventKind, Version

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


class ConversationRows(Protocol):
    """Who talks with us, what was said, and what came along with it."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        """Return the conversation, if there is one."""

    def opened_by(self, client_message_id: str) -> Conversation | None:
        """Return the conversation whose first visitor message carried this id: it comes again if its reply got lost."""

    def add_conversation(self, conversation: Conversation, opened_by: str | None = None) -> None:
        """Add a conversation and the id of the visitor message that opens it. ConstraintError if either is taken."""

    def update_conversation(self, conversation: Conversation) -> None:
        """Keep everything of the conversation that can change; ConstraintError if there is no such conversation."""

    def visitor_message(self, conversation_id: str, client_message_id: str) -> Message | None:
        """Return the visitor's message of this conversation that was sent with this id."""

    def agent_message(self, conversation_id: str, client_message_id: str) -> Message | None:
        """Return the agent's message of this conversation that was sent with this id."""

    def message(self, message_id: str) -> Message | None:
        """Return the message of that id, if there is one."""

    def reply_to(self, message: Message) -> Message | None:
        """Return the bot's message that was added with `in_reply_to=message`."""

    def messages(self, conversation_id: str, after: int = 0) -> list[Message]:
        """Return the conversation's messages in order, those with a sequence number above `after`."""

    def last_messages(self, conversation_id: str, count: int) -> list[Message]:
        """Return the last messages of the conversation, at most `count`, in order."""

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
        """Add a message under a new id and the conversation's next sequence number.

        ConstraintError if the conversation does not exist, `client_message_id` was used in it before by the same
        author or is the bot's, a `reply` is not the bot's, an `agent` or `answer` not an agent's, a `picture` the
        bot's, or the bot already replied to `in_reply_to`.
        """

    def add_picture(self, picture: Picture) -> None:
        """Add a picture; ConstraintError if its id is taken or its conversation does not exist."""

    def picture(self, picture_id: str) -> Picture | None:
        """Return the picture of that id, if there is one."""

    def pictures(self, conversation_id: str) -> list[Picture]:
        """Return the conversation's pictures, the oldest first."""

    def rate_answer(self, feedback: Feedback) -> None:
        """Keep what the visitor thought of an answer, in place of what they thought before."""

    def feedback(self, conversation_id: str) -> list[Feedback]:
        """Return the conversation's feedback, the oldest first."""

    def idle_since(self, moment: datetime, limit: int) -> list[str]:
        """Return ids of conversations without an open ticket that rest since before `moment`, at most `limit`."""

    def delete_conversation(self, conversation_id: str) -> bool:
        """Delete a conversation and all that hangs on it, for good; False if there is none."""


class TicketRows(Protocol):
    """What persons have to do."""

    def add_ticket(self, conversation_id: str, reason: str, *, system: str | None, now: datetime) -> Ticket:
        """Add a ticket that collects. ConstraintError if one with this reason is open, or one collects already."""

    def ticket(self, number: int) -> Ticket | None:
        """Return the ticket of that number, if there is one."""

    def tickets(self, conversation_id: str) -> list[Ticket]:
        """Return the conversation's tickets, the oldest first."""

    def update_ticket(self, ticket: Ticket) -> None:
        """Keep everything of the ticket that can change; ConstraintError if there is no such ticket.

        Whoever calls has gone through `bot.ticket.change` for its status.
        """

    def tickets_in(self, statuses: Collection[TicketStatus], limit: int = 500) -> list[Ticket]:
        """Return tickets in these states, those that wait longest first, then the oldest; at most `limit`."""

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
        """Return tickets in these states with a lower number, the latest first; only those about, for and of, if given.

        At most `limit`.
        """

    def tickets_resting(self, status: TicketStatus, since: datetime, limit: int = 500) -> list[Ticket]:
        """Return tickets in this state that nothing happened to since before `since`."""

    def position(self, ticket: Ticket) -> int:
        """Return the place of a waiting ticket in the queue, from 1."""

    def waits(self, since: datetime, limit: int) -> list[tuple[datetime, datetime]]:
        """Return from when till when the last tickets taken since `since` had waited, the latest taken first."""

    def add_event(self, event: TicketEvent) -> None:
        """Add a line to a ticket's history."""

    def events(self, number: int) -> list[TicketEvent]:
        """Return a ticket's history in order."""

    def add_notice(self, notice: Notice) -> None:
        """Keep a notice until it is delivered."""

    def notices(self) -> list[Notice]:
        """Return the notices that are not delivered, the oldest first."""

    def delete_notice(self, notice_id: str) -> None:
        """Forget a notice, if it is there."""


class StaffRows(Protocol):
    """Who may act, and what they keep ready. Callers hash passwords, tokens and keys before they come here."""

    def staff(self, name: str) -> Staff | None:
        """Return the member of staff of that name."""

    def all_staff(self) -> list[Staff]:
        """Return all members of staff by name."""

    def password_hash(self, name: str) -> str | None:
        """Return the hash of a member's password."""

    def put_staff(self, staff: Staff, password_hash: str | None = None) -> None:
        """Add or change a member; the password stays where none is given. ConstraintError for a new one without."""

    def add_session(self, token_hash: str, session: Session) -> None:
        """Add a login."""

    def session(self, token_hash: str) -> Session | None:
        """Return the login of that token."""

    def touch_session(self, token_hash: str, now: datetime) -> None:
        """Note that a login was used."""

    def end_session(self, token_hash: str) -> None:
        """Forget a login, if it is there."""

    def end_sessions(self, *, staff: str | None = None, seen_before: datetime | None = None) -> None:
        """Forget all logins of a member, or all that were last used before a moment."""

    def add_api_key(self, key: ApiKey, key_hash: str) -> None:
        """Add a key."""

    def api_key(self, key_hash: str) -> ApiKey | None:
        """Return the key of that hash."""

    def api_keys(self) -> list[ApiKey]:
        """Return all keys, the oldest first."""

    def touch_api_key(self, key_id: str, now: datetime) -> None:
        """Note that a key was used."""

    def delete_api_key(self, key_id: str) -> bool:
        """Delete a key; False if there is none."""

    def canned(self) -> list[Canned]:
        """Return all canned replies by title."""

    def put_canned(self, canned: Canned) -> None:
        """Add or change a canned reply."""

    def delete_canned(self, canned_id: str) -> bool:
        """Delete a canned reply; False if there is none."""


class PreferenceRows(Protocol):
    """The settings that staff changed, and their history."""

    def preferences(self) -> list[Preference]:
        """Return all of them by name."""

    def put_preference(self, preference: Preference) -> None:
        """Add or change one."""

    def drop_preference(self, name: str) -> bool:
        """Forget one; False if there is none."""

    def add_alteration(self, alteration: Alteration) -> None:
        """Add a line to the history, whatever its id."""

    def alterations(self, limit: int) -> list[Alteration]:
        """Return the last lines of the history, the newest first."""


class KnowledgeRows(Protocol):
    """Versions of the knowledge base, which one is published, and the draft of the next."""

    def put_files(self, files: Mapping[str, bytes]) -> str:
        """Keep files and return their tree; what is known already is not kept again."""

    def files(self, tree: str) -> dict[str, bytes]:
        """Return the files of a tree by name; none where it is not kept."""

    def forget_files(self) -> None:
        """Delete the files that no version, no line of the history and no change needs."""

    def add_version(self, author: str, note: str, at: datetime, tree: str, content_hash: str) -> Version:
        """Add a version under the next number."""

    def version(self, number: int) -> Version | None:
        """Return the version of that number, if there is one."""

    def versions(self, limit: int, before: int | None = None) -> list[Version]:
        """Return at most `limit` versions, the newest first, those with a number below `before`."""

    def add_knowledge_event(
        self, kind: EventKind, number: int, base: str, *, author: str, note: str, at: datetime
    ) -> Event:
        """Add a line to the history: version `number` is what is published from now on."""

    def last_knowledge_event(self, number: int | None = None) -> Event | None:
        """Return the last line of the history, or the last about a version."""

    def knowledge_events(self, limit: int) -> list[Event]:
        """Return the last lines of the history, the newest first."""

    def changes(self) -> list[Change]:
        """Return the draft's changes, the oldest first."""

    def add_change(self, kind: Kind, entry_id: str, text: str, author: str, at: datetime, tree: str = "") -> None:
        """Add a change to the draft; ConstraintError if it is there."""

    def delete_change(self, change_id: int) -> bool:
        """Delete a change of the draft; False if there is none."""

    def questions_asked(self, since: datetime, limit: int) -> list[Asked]:
        """Return what visitors asked the bot since then, each text and system once, the most frequent first."""


class InvitationRows(Protocol):
    """Codes by which somebody goes on with a conversation elsewhere. Callers hash them before they come here."""

    def put_invitation(self, conversation_id: str, code_hash: str, good_until: datetime) -> None:
        """Keep a conversation's code in place of the one before; ConstraintError if there is no such conversation."""

    def take_invitation(self, code_hash: str, own_hash: str, now: datetime) -> str | None:
        """Return whose conversation a code is good for; None where it is not good, or there is none.

        From then on `own_hash` alone stands for it, which whoever took it knows how to make.
        """


class Transaction(
    ConversationRows,
    TicketRows,
    StaffRows,
    MetricRows,
    KnowledgeRows,
    PreferenceRows,
    DoubtRows,
    QQRows,
    InvitationRows,
    Protocol,
):
    """What a work may do. Sees what is committed and what the work itself did; worth nothing once the work returned."""

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

    def scrub(self) -> None:
        """Take what was deleted off the disk, as far as it is still there."""

    def close(self) -> None:
        """Finish the works that wait, then let go. Afterwards everything but `close` raises StoreError."""
