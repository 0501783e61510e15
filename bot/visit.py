"""Visits: stretches of a conversation without a long pause, and what became of what the bot said in them. Pure.

After a pause of `cold_after` the bot starts afresh, and so do we: only within its visit is looked for what came after
an answer. A verdict is a reply to a question; small talk, a rating or an offer declined is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from bot import wording
from bot.model import Author, Decision

Judgement: TypeAlias = Literal["confirmed", "refuted", "assumed_left", "assumed_went_on", "unclear", "pending"]
"""What became of an answer; `bot.metric` says what the words mean."""
Abandonment: TypeAlias = Literal["clarify", "reject", "offer", "form"]
"""What the visitor left without a word: a question back, a refusal, an offer without an answer, a form's question."""

_SMALL_TALK: Final = (wording.GREETING, wording.THANKED, wording.FAREWELL, wording.NOTHING_SAID)


class Said(NamedTuple):  # in place of a dataclass, since a hundred thousand of them are made for one page
    """A message with what the figures need of its conversation, reply and feedback.

    `decision`, `entry`, `escalation` (its status) and `asks` (a form's question) are the reply's; `words` is the text
    of a refusal.
    """

    conversation: str
    opened_at: datetime
    system: str | None
    author: Author
    at: datetime
    decision: Decision | None = None
    entry: str | None = None
    escalation: str | None = None
    asks: bool = False
    words: str | None = None
    helpful: bool | None = None
    reason: str = ""
    channel: str = "web"

    @property
    def small_talk(self) -> bool:
        """Whether the desk returned a greeting, thanks or a farewell, which it does under the name of a refusal."""
        return self.decision == "reject" and (self.words or "").startswith(_SMALL_TALK)

    @property
    def verdict(self) -> Decision | None:
        """What a question got; None where this is no reply to a question."""
        return None if self.small_talk or self.decision == "talk" else self.decision


@dataclass(frozen=True, slots=True)
class Visit:
    """A stretch of a conversation without a long pause; `over` once one followed."""

    said: Sequence[Said]
    over: bool


def visits(conversation: Sequence[Said], cold_after: timedelta, now: datetime) -> list[Visit]:
    """A conversation's messages, in order, as visits."""
    starts = [0, *(n for n in range(1, len(conversation)) if conversation[n].at - conversation[n - 1].at >= cold_after)]
    ends = [*starts[1:], len(conversation)]
    return [
        Visit(conversation[start:end], end < len(conversation) or now - conversation[end - 1].at >= cold_after)
        for start, end in zip(starts, ends, strict=True)
    ]


def judge(visit: Visit, number: int) -> Judgement:
    """What became of the answer that is the visit's message `number`."""
    answer = visit.said[number]
    if answer.helpful is not None:
        return "confirmed" if answer.helpful else "refuted"
    asked = False
    for said in visit.said[number + 1 :]:
        if said.author == "agent":
            return "unclear"
        if said.verdict is not None:
            elsewhere = said.entry is not None and said.entry != answer.entry
            form = answer.asks and said.asks and said.verdict == "escalate"
            return "assumed_went_on" if elsewhere or form else "unclear"
        asked = said.author == "visitor" or (asked and said.decision is None)
    if not visit.over:
        return "pending"
    return "unclear" if asked else "assumed_left"


def abandonment(visit: Visit) -> Abandonment | None:
    """How the visitor left the bot standing in a visit that is over; None where he did not."""
    said = list(visit.said)
    while len(said) > 1 and said[-1].small_talk and said[-2].author == "visitor":
        del said[-2:]
    last = said[-1] if said else None
    if last is None or last.decision is None or last.small_talk:
        return None
    if last.asks:
        return "form"
    if last.decision == "clarify":
        return "clarify"
    if last.escalation == "offered" and last.entry is None:
        return "offer"
    return "reject" if last.decision == "reject" else None
