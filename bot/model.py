"""What a conversation is made of, as values: replies, messages, conversations, tickets, and the staff who act on them.

No behaviour but the JSON shape of a reply, which is stored with its message and shown again word for word. How a reply
comes about is `decide`; which changes a ticket may undergo is `ticket`; what is kept, and how, is `store`. Times are
UTC and aware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

Decision: TypeAlias = Literal["answer", "clarify", "escalate", "reject", "talk"]
"""What a reply is; "talk" is about the conversation itself (cancelled, rated), and no verdict on a question."""
Author: TypeAlias = Literal["visitor", "bot", "agent"]
TicketStatus: TypeAlias = Literal["offered", "collecting", "waiting", "assigned", "resolved", "closed"]
Search: TypeAlias = Literal["hybrid", "keyword"]
Role: TypeAlias = Literal["agent", "lead", "admin"]


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

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Answer:
        """Return the answer that `dataclasses.asdict` made a dictionary of."""
        return cls(**{**stored, "source": Source(**stored["source"])})


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
class Step:
    """What a form asks for next. `field` is its name, or "consent" or "confirm"; `ask` is the question to show.

    `kinds` say what is taken (see `field`); a step that is not `required` may be skipped. `choices` are answers to
    offer as buttons; `left` is how many fields are still empty.
    """

    field: str
    label: str
    ask: str
    kinds: tuple[str, ...] = ()
    required: bool = True
    choices: tuple[str, ...] = ()
    left: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says to one message. `confidence` is the probability (0 to 1) that the first hit answers it.

    `note` goes before everything else (a password was hidden, a ticket reopened). `step` is what the form that is being
    filled in asks for next; its question follows whatever else the reply says. `question` is what was looked for, where
    that is not what the visitor wrote.
    """

    decision: Decision
    text: str
    confidence: float
    answer: Answer | None = None
    options: tuple[Option, ...] = ()
    escalation: Escalation | None = None
    related: tuple[Option, ...] = ()
    search: Search = "hybrid"
    step: Step | None = None
    note: str | None = None
    question: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the reply as JSON knows it: dictionaries, lists, strings, numbers, null."""
        written = {**asdict(self), "options": [*map(asdict, self.options)], "related": [*map(asdict, self.related)]}
        if self.step is not None:
            written["step"] |= {"kinds": [*self.step.kinds], "choices": [*self.step.choices]}
        return written

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reply:
        """Return the reply that `to_dict` wrote.

        A field with a default may be missing: an older version of the program did not write it. Any other difference
        raises KeyError or TypeError.
        """
        answer, escalation, step = stored.get("answer"), stored.get("escalation"), stored.get("step")
        return cls(
            decision=stored["decision"],
            text=stored["text"],
            confidence=stored["confidence"],
            answer=None if answer is None else Answer.from_dict(answer),
            options=tuple(Option(**option) for option in stored.get("options", ())),
            escalation=None if escalation is None else Escalation(**escalation),
            related=tuple(Option(**option) for option in stored.get("related", ())),
            search=stored.get("search", "hybrid"),
            step=None if step is None else Step(**{**step, "kinds": (*step["kinds"],), "choices": (*step["choices"],)}),
            note=stored.get("note"),
            question=stored.get("question"),
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """One visitor's thread on one channel ("web", "qq").

    `system` and `audience` (the visitor's role, an audience of the catalog) stand once they are known. `owner` is the
    name of the staff member who talks with the visitor; while it is None the bot does. `visitor_read` and `staff_read`
    are the sequence numbers up to which each side has read.
    """

    id: str
    channel: str
    system: str | None
    created_at: datetime
    updated_at: datetime
    audience: str | None = None
    owner: str | None = None
    visitor_read: int = 0
    staff_read: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    `sequence` counts from 1 within the conversation, without gaps, and is its SSE event id. A visitor's message may
    carry the `client_message_id` it was sent with. A bot's message carries its whole `reply`, save where it only tells
    what happened ("已由客服小王接待"). An agent's message carries the name to show, and the entry it quotes, if any.
    `picture` is the id of a picture sent with the message.
    """

    id: str
    conversation_id: str
    sequence: int
    author: Author
    text: str
    created_at: datetime
    client_message_id: str | None = None
    reply: Reply | None = None
    agent: str | None = None
    answer: Answer | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something a person has to do; `number` is short enough to say on the phone.

    `fields` is the dossier, by field name ("" for what the visitor skipped); while `status` is "collecting", `asked` is
    the field that is being asked for and `tries` how often what came in could not be taken. `waiting_since` is when it
    was handed in last, `taken_at` when a person took it first, `ended_at` when it was resolved or closed; `assignee` is
    the staff member's name. `stars` (1 to 5) and `comment` are the visitor's rating.
    """

    number: int
    conversation_id: str
    reason: str
    status: TicketStatus
    opened_at: datetime
    updated_at: datetime
    system: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    asked: str | None = None
    tries: int = 0
    assignee: str | None = None
    waiting_since: datetime | None = None
    taken_at: datetime | None = None
    ended_at: datetime | None = None
    stars: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """A line of a ticket's history: who (a staff name, "visitor" or "bot") did what, and a note or detail."""

    ticket: int
    at: datetime
    actor: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, cleaned; its bytes lie in the picture folder under its id.

    `staff` is the name of the member of staff who sent it, None where the visitor did.
    """

    id: str
    conversation_id: str
    media_type: str
    size: int
    width: int
    height: int
    created_at: datetime
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff. `name` is what they log in with, `display` what visitors see."""

    name: str
    display: str
    role: Role
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A login: who, the token that changing requests must bring along (CSRF), since when and when last used."""

    staff: str
    csrf: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of another program, known by its hash; `id` may be shown, the key itself was shown once."""

    id: str
    label: str
    role: Role
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the visitor thought of one answer."""

    message_id: str
    conversation_id: str
    helpful: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Canned:
    """A reply that staff keep ready."""

    id: str
    title: str
    text: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Preference:
    """A setting that staff changed: its value as JSON text, who set it (a login name) and when."""

    name: str
    value: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alteration:
    """A line of the settings' history, in words for staff: what was changed from what to what, by whom (a login name).

    Of secrets it holds nothing.
    """

    at: datetime
    by: str
    subject: str
    before: str
    after: str
    id: int = 0
