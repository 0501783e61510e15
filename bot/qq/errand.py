"""Errand: a message heard on QQ on its way to an answer. What was done for it stays done, however often it is tried."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bot.qq import wording
from bot.qq.model import Heard

MOST_PICTURES: Final = 5
"""Pictures of one message that are looked at."""
TOO_MANY: Final = f"一条消息里最多查看 {MOST_PICTURES} 张图片，其余的请另外发送。"


@dataclass(slots=True)
class Part:
    """What one turn takes of a message: its words, the picture at an address, or both; and what came of them so far.

    `client_id` is what `Bot` knows it by, however often it comes; see `are_one`. `picture` is the id of the picture
    once it is kept. `said` is what could not be taken, in words for the visitor.
    """

    client_id: str
    text: str
    url: str | None
    picture: str | None = None
    said: list[str] = field(default_factory=list)
    done: bool = False


class Errand:
    """A message, and how far its answer got. `refusal` is what to say instead of one; "": nothing."""

    def __init__(self, heard: Heard, refusal: str | None = None) -> None:
        self.heard = heard
        self.instead = _unreadable(heard) if refusal is None else refusal
        self.parts = _parts(heard)
        self._counted = False

    @property
    def said(self) -> list[str]:
        """What could not be taken, in words for the visitor."""
        left_out = self.heard.address.group is None and len(self.heard.pictures) > MOST_PICTURES
        return [*(words for part in self.parts for words in part.said), *([TOO_MANY] if left_out else [])]

    def count(self, spend: Callable[[str], None], conversation_id: str) -> None:
        """Count a ticket that the message hands in, once."""
        if not self._counted:
            spend(conversation_id)
            self._counted = True

    def begin_anew(self) -> None:
        """Go on in another conversation, with what was not taken in the one before."""
        self.parts = [Part(each.client_id, each.text, each.url) for each in self.parts if each.said]


def _unreadable(heard: Heard) -> str | None:
    """What to say to a message in which there is nothing to answer."""
    if heard.text:
        return None
    if not heard.pictures:
        return wording.UNREADABLE
    return wording.NO_PICTURES_HERE if heard.address.group is not None else None


def _parts(heard: Heard) -> list[Part]:
    """A part for each picture, the first one with the words; in a group, where none is looked at, the words alone."""
    pictures = heard.pictures[:MOST_PICTURES] if heard.address.group is None else ()
    address = heard.address
    # With its time: OneBot may give a number again, long after what had it was forgotten.
    known = f"{address.platform} {address.self_id} {heard.message_id} {heard.at.timestamp()}"
    return [
        Part(f"{hashlib.sha256(known.encode()).hexdigest()[:32]}-{number}", "" if number else heard.text, url)
        for number, url in enumerate(pictures or (None,))
    ]


def are_one(first: str | None, second: str | None) -> bool:
    """Whether two messages of a conversation's, by what `Bot` knows them by, are parts of one that was heard."""
    return None not in (first, second) and str(first).partition("-")[0] == str(second).partition("-")[0]
