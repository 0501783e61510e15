"""A conversation as it stands when a message comes in: what was said, what is open, what is still in mind. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import say
from bot.model import Conversation, Message, Reply, Ticket
from index.variant import is_courtesy


@dataclass(frozen=True, slots=True)
class Seen:
    """A conversation as it stands: its last messages in order, and its tickets. `cold`: it rested too long to go on."""

    conversation: Conversation | None = None
    messages: Sequence[Message] = ()
    tickets: Sequence[Ticket] = ()
    cold: bool = False

    @property
    def sequence(self) -> int:
        """The last sequence number; it grows with everything that could change a reply."""
        return self.messages[-1].sequence if self.messages else 0

    @property
    def last(self) -> Reply | None:
        """What the bot said last, if that is still in mind."""
        for message in () if self.cold else reversed(self.messages):
            if message.author == "agent" or (message.author == "bot" and message.reply is None):
                return None  # a person came in between, and what was offered before is over
            if message.reply is not None:
                return message.reply
        return None

    @property
    def question(self) -> str | None:
        """What was asked last: the text that the last reply with a verdict rested on."""
        if self.cold:
            return None
        for before, message in zip(reversed(self.messages[:-1]), reversed(self.messages[1:]), strict=True):
            if message.reply is not None and message.reply.question is not None:
                return message.reply.question
            if message.reply is not None and before.author == "visitor" and _was_question(message.reply, before.text):
                return before.text
        return None

    @property
    def collecting(self) -> Ticket | None:
        """The ticket whose form is being filled in."""
        return next((ticket for ticket in self.tickets if ticket.status == "collecting"), None)

    @property
    def handed_in(self) -> list[Ticket]:
        """The tickets that wait for a person or are in their hands."""
        return [ticket for ticket in self.tickets if ticket.status in ("waiting", "assigned")]

    def open_for(self, reason: str) -> Ticket | None:
        """The ticket for a reason that is handed in and not ended."""
        return next((ticket for ticket in self.handed_in if ticket.reason == reason), None)


def _was_question(reply: Reply, text: str) -> bool:
    """Whether a reply was the desk's to a question, not to small talk, a number or a form's value."""
    if reply.step is not None and reply.decision == "escalate":
        return False
    return reply.decision in ("answer", "clarify", "reject", "escalate") and len(text) > 2 and not _small(text)


def _small(text: str) -> bool:
    return (
        say.number_in(text) is not None
        or say.is_yes(text)
        or say.is_no(text)
        or say.is_cancel(text)
        or say.is_thanks(text)
        or say.is_farewell(text)
        or say.is_status(text)
        or is_courtesy(text)
    )
