"""What a conversation is made of, as values: replies, messages, conversations, tickets.

No behaviour but the JSON shape of a reply, which is stored with its message and shown again word for word. How a reply
comes about is `decide`; what is kept, and how, is `store`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

Decision: TypeAlias = Literal["answer", "clarify", "escalate", "reject"]
Author: TypeAlias = Literal["visitor", "bot", "agent"]
TicketStatus: TypeAlias = Literal["offered", "collecting", "waiting", "assigned", "resolved", "closed"]
Search: TypeAlias = Literal["hybrid", "keyword"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer stands: `section` is the innermost section's title or "", `number` the document's own ("1.9")."""

    system: str
    document: str
    section: str
    number: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry's own words, question and answer, and where they stand."""

    entry_id: str
    question: str
    answer: str
    source: Source


@dataclass(frozen=True, slots=True)
class Option:
    """An entry offered for choosing; `label` is what the visitor reads."""

    entry_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """A hand-over to a person that is offered or under way; `ticket` is its number once one is open."""

    reason: str
    label: str
    status: TicketStatus
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says to one message. `confidence` is the probability (0 to 1) that the first hit answers it."""

    decision: Decision
    text: str
    confidence: float
    answer: Answer | None = None
    options: tuple[Option, ...] = ()
    escalation: Escalation | None = None
    related: tuple[Option, ...] = ()
    search: Search = "hybrid"

    def to_dict(self) -> dict[str, Any]:
        """Return the reply as JSON knows it: dictionaries, lists, strings, numbers, null."""
        return {**asdict(self), "options": list(map(asdict, self.options)), "related": list(map(asdict, self.related))}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reply:
        """Return the reply that `to_dict` wrote.

        A field with a default may be missing: an older version of the program did not write it. Any other difference
        raises KeyError or TypeError.
        """
        answer, escalation = stored.get("answer"), stored.get("escalation")
        return cls(
            decision=stored["decision"],
            text=stored["text"],
            confidence=stored["confidence"],
            answer=None if answer is None else Answer(**{**answer, "source": Source(**answer["source"])}),
            options=tuple(Option(**option) for option in stored.get("options", ())),
            escalation=None if escalation is None else Escalation(**escalation),
            related=tuple(Option(**option) for option in stored.get("related", ())),
            search=stored.get("search", "hybrid"),
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """One visitor's thread on one channel ("web", "qq"); `system` once it is known. Times are UTC and aware."""

    id: str
    channel: str
    system: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    `sequence` counts from 1 within the conversation, without gaps, and is its SSE event id. A visitor's message may
    carry the `client_message_id` it was sent with; a bot's message carries its whole `reply`.
    """

    id: str
    conversation_id: str
    sequence: int
    author: Author
    text: str
    created_at: datetime
    client_message_id: str | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something a person has to do; `number` is short enough to say on the phone."""

    number: int
    conversation_id: str
    reason: str
    status: TicketStatus
    opened_at: datetime
    updated_at: datetime
