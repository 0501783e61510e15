"""What goes out to QQ next, and what came of it: decided within one transaction of the store. Sends nothing.

A message of the bot's or of a member of staff becomes pieces in the same transaction that moves the chat's cursor past
it. A piece is stored as `sending`, with the reply that it will be, before it is handed to its line, and as `sent` or
`failed` after it.

- Messages go out in their order, and a word besides once nothing older waits.
- A piece is sent as a reply to the latest of the person's messages that still takes one. Whether one does, the platform
  knows: its clock may be another. Without one it is pushed, and what was not taken as a push becomes a reply once the
  person speaks again.
- What knows no repeats is sent once more, and not again, where it may have arrived.
- Where a platform counts replies, at most `PORTION` pieces of a message go at once, the last of them with a hint; the
  rest is held until the person asks for it, however long that takes. Held pieces of an earlier message are given up
  when an answer of the bot's, or another message that is too long, goes out: so 「继续」 always means the last one.
- When a piece fails for good, the rest of its message fails with it, for half an answer misleads. The next message is
  tried. Where the platform refused what it says, the person is told so, who would wait in vain otherwise.
- What is refused for an address of the web is sent once more with all addresses taken apart: not all is filed that the
  settings say.
- What could not be delivered for a day is given up, in a group for an hour: there the talk has gone on, and all the
  others would read it. That also goes for what was left over while the program was not running.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.model import Message
from bot.qq.line import Expired, Later, Line, LineError, Repeated, Unclear, Unfiled, Unfit
from bot.qq.model import Address, Chat, Opening, Piece, Platform
from bot.qq.signature import SKEW
from bot.store.base import Transaction

log = logging.getLogger(__name__)

PORTION: Final = 4
"""Pieces of one message that go at once where replies are counted; no platform takes fewer to one message."""
MARGIN: Final = timedelta(seconds=5)
"""Before its end a window counts as over to whoever wants to write: that takes time."""
GRACE: Final = timedelta(seconds=SKEW)
"""After its end a reply is tried all the same: the clocks may differ by so much, and a push is seldom taken."""
KEPT: Final = timedelta(hours=24)
KEPT_IN_GROUP: Final = timedelta(hours=1)
"""The age at which what was not taken is given up."""

_HINT: Final = "\n\n（内容较长，还有 {} 段，回复「继续」查看。）"
_ROOM: Final = len(_HINT.format(999).encode())
NOT_ASKED_FOR: Final = "访客没有继续查看其余部分"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes in one call: a piece, or all pieces of a long message, forwarded as one.

    `fresh`: it is handed over in this way for the first time, and no platform can have it already under its number.
    """

    address: Address
    pieces: tuple[Piece, ...]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Packing:
    """How messages become parcels.

    `text` says a message as it is read on QQ ("": it is not to go there), `rewrite` changes addresses of the web where
    a platform takes only those that were filed, `spell` changes all of them, `split` cuts a text into pieces of at most
    so many UTF-8 bytes. `sorry` is what to say where a platform refused a message. `clock` tells the time.
    """

    lines: Mapping[Platform, Line]
    text: Callable[[Transaction, Message, Chat], str]
    split: Callable[[str, int], Sequence[str]]
    rewrite: Callable[[str], str]
    spell: Callable[[str], str]
    sorry: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def release(self, rows: Transaction, conversation_id: str) -> bool:
        """Let the next portion of what is held go; False if nothing is."""
        held = rows.pieces(conversation_id, ["held"])
        for piece in held[:PORTION]:
            rows.put_piece(replace(piece, state="queued", at=self.clock()))
        return bool(held)

    def add(self, rows: Transaction, conversation_id: str, text: str, at: datetime | None = None) -> None:
        """Line up a word that is no message of the conversation's; it takes its turn by a time, or by now."""
        chat = rows.chat(conversation_id)
        if chat is None:
            return
        used = sum(piece.sequence == 0 for piece in rows.pieces(conversation_id))
        parts = self._parts(text, self.lines.get(chat.address.platform))
        at = at or self.clock()
        rows.add_pieces([Piece(conversation_id, 0, used + n, part, "queued", at) for n, part in enumerate(parts)])

    def step(
        self, rows: Transaction, conversation_id: str, parcel: Parcel | None = None, came: str | LineError = ""
    ) -> Parcel | None:
        """Note what came of a parcel, if there was one, and make the next one ready; None where nothing is left."""
        if parcel is not None:
            self.settle(rows, parcel, came)
        chat = rows.chat(conversation_id)
        if chat is None:  # deleted meanwhile
            return None
        chat = self._take(rows, chat)
        kept = KEPT if chat.address.group is None else KEPT_IN_GROUP
        while waiting := rows.pieces(conversation_id, ("queued", "sending")):
            turn = _foremost(waiting)
            first = turn[0]
            if self.clock() - first.at < kept:
                return self._pack(rows, chat, turn)
            _fail(rows, first, first.reason or f"超过 {kept // timedelta(hours=1)} 小时未能送达")
        return None

    def _take(self, rows: Transaction, chat: Chat) -> Chat:
        """Make pieces of the messages above the cursor, and move it; the chat as it is then."""
        messages = rows.messages(chat.conversation_id, chat.cursor)
        if not messages:
            return chat
        for message in messages:
            if message.author != "visitor":
                self._cut(rows, chat, message)
        moved = replace(chat, cursor=messages[-1].sequence)
        rows.put_chat(moved)
        return moved

    def _cut(self, rows: Transaction, chat: Chat, message: Message) -> None:
        """Make pieces of a message, which waits since it was said: of its words, and of its picture."""
        line = self.lines.get(chat.address.platform)
        text = self.text(rows, message, chat)
        parts = self._parts(text, line)
        pictures = [message.picture] if parts and message.picture else []
        long = line is not None and line.window.replies is not None and len(parts) + len(pictures) > PORTION
        if long:
            parts = _hinted(self._parts(text, line, _ROOM), len(pictures))
        if long or (parts and message.reply is not None):
            for piece in rows.pieces(chat.conversation_id, ["held"]):
                rows.put_piece(replace(piece, state="failed", reason=NOT_ASKED_FOR))
        contents = [*((part, None) for part in parts), *(("", picture) for picture in pictures)]
        rows.add_pieces(
            [
                Piece(
                    chat.conversation_id,
                    message.sequence,
                    number,
                    part,
                    "held" if long and number >= PORTION else "queued",
                    message.created_at,
                    picture=picture,
                )
                for number, (part, picture) in enumerate(contents)
            ]
        )

    def _parts(self, text: str, line: Line | None, room: int = 0) -> Sequence[str]:
        """Cut a text as a line wants it, and leave room in each piece; whole where there is no line, so not to send."""
        if line is None or not text.strip():
            return [text] if text.strip() else []
        return self.split(self.rewrite(text) if line.filed else text, line.longest - room)

    def _pack(self, rows: Transaction, chat: Chat, message: Sequence[Piece]) -> Parcel:
        """Make what comes next of a message ready to be handed over: all of it, forwarded as one, or its first piece.

        A message whose words are one piece is not forwarded, picture or not. Pieces that are forwarded are all in one
        state; where that was refused, the first is ahead of the others.
        """
        first = message[0]
        line = self.lines.get(chat.address.platform)
        words = sum(piece.picture is None for piece in message)
        whole = words > 1 and first.sequence > 0 == first.number and len({piece.state for piece in message}) == 1
        if line is not None and line.forwards and whole:
            for piece in message:
                rows.put_piece(replace(piece, state="sending"))
            return Parcel(chat.address, tuple(message))
        if first.state == "queued" or (first.message_id is None and self._opening(chat, GRACE)):
            return Parcel(chat.address, (self._route(rows, chat, first),), fresh=True)
        return Parcel(chat.address, (first,))

    def _spelled(self, chat: Chat, piece: Piece) -> str | None:
        """A piece's text with all addresses taken apart; None where that changes nothing, or makes it too long."""
        text = self.spell(piece.text)
        fits = len(text.encode()) <= self.lines[chat.address.platform].longest
        return text if fits and text != piece.text else None

    def is_open(self, chat: Chat) -> bool:
        """Whether a message of the person's can still be replied to."""
        return self._opening(chat, -MARGIN) is not None

    def _opening(self, chat: Chat, grace: timedelta) -> Opening | None:
        """The latest message of the person's that can be replied to once more, and for so long after its time."""
        line = self.lines.get(chat.address.platform)
        if line is None:
            return None
        window, now = line.window, self.clock()
        lasts = window.private if chat.address.group is None else window.group
        for opening in reversed(chat.openings):
            in_time = lasts is None or now < opening.heard_at + lasts + grace
            if in_time and (window.replies is None or opening.replies < window.replies):
                return opening
        return None

    def _close(self, chat: Chat, message_id: str | None) -> Chat:
        """The chat when the platform takes no more replies to a message, whatever was counted here."""
        most = self.lines[chat.address.platform].window.replies or 0
        used = [each for each in chat.openings if each.message_id == message_id]
        for opening in used:  # it stays, lest its numbers begin anew
            chat = chat.open(replace(opening, replies=max(opening.replies, most)))
        return chat

    def _route(self, rows: Transaction, chat: Chat, piece: Piece) -> Piece:
        """Decide as which reply to which of the person's messages a piece is sent; without one, as an active push."""
        opening = self._opening(chat, GRACE)
        if opening is None:
            piece = replace(piece, state="sending", message_id=None, reply=None)
        else:
            opening = replace(opening, replies=opening.replies + 1)
            rows.put_chat(chat.open(opening))
            piece = replace(piece, state="sending", message_id=opening.message_id, reply=opening.replies)
        rows.put_piece(piece)
        return piece

    def _is_numbered(self, chat: Chat, piece: Piece) -> bool:
        """Whether the platform would drop a piece that it has already."""
        line = self.lines.get(chat.address.platform)
        return piece.message_id is not None and line is not None and line.window.replies is not None

    def settle(self, rows: Transaction, parcel: Parcel, came: str | LineError) -> None:
        """Note what came of a parcel."""
        first, *others = parcel.pieces
        chat = rows.chat(first.conversation_id)
        if chat is None:
            return
        if isinstance(came, Repeated) and parcel.fresh:
            # Another one had this number: the chat is a new one, in which they began again. On with the next number.
            rows.put_piece(replace(first, state="queued"))
        elif isinstance(came, str | Repeated):
            name = came or None if isinstance(came, str) else None  # some say nothing
            for piece in parcel.pieces:
                rows.put_piece(replace(piece, state="sent", platform_id=name, reason=None))
        elif others and (isinstance(came, Unclear) or not isinstance(came, Later)):
            # It cannot be forwarded, or nobody knows whether it was: one by one, then.
            reason = str(came) if isinstance(came, Unclear) else None
            self._route(rows, chat, replace(first, reason=reason))
            for piece in others:
                rows.put_piece(replace(piece, state="queued"))
        elif isinstance(came, Unclear) and first.reason and not parcel.fresh and not self._is_numbered(chat, first):
            _fail(rows, first, f"{came}，可能已经送达")  # each time it is sent it may double
        elif isinstance(came, Later):
            # What has no number, and surely did not arrive, is as it was: it looks for a way anew.
            anew = parcel.fresh and not isinstance(came, Unclear) and not self._is_numbered(chat, first)
            for piece in parcel.pieces:
                rows.put_piece(replace(piece, state="queued" if anew else piece.state, reason=str(came)))
        else:
            self._refused(rows, chat, first, came)

    def _refused(self, rows: Transaction, chat: Chat, piece: Piece, came: LineError) -> None:
        """Find another way for a piece that was not taken as it was, or give it up."""
        if isinstance(came, Expired) and self._is_numbered(chat, piece):
            rows.put_chat(self._close(chat, piece.message_id))
            rows.put_piece(replace(piece, state="queued"))
        elif isinstance(came, Unfiled) and (spelled := self._spelled(chat, piece)):
            rows.put_piece(replace(piece, text=spelled, reason=str(came)))
        else:
            _fail(rows, piece, f"图片没有送达：{came}" if piece.picture else str(came))
            if isinstance(came, Unfit) and piece.sequence > 0:
                self.add(rows, chat.conversation_id, self.sorry, piece.at)  # in its place


def _foremost(waiting: Sequence[Piece]) -> list[Piece]:
    """What goes next of what waits, which is in order: a word besides, or what there is of a message.

    Messages keep their order even where the clock was set back, or the rest of one was asked for late.
    """
    oldest = min(waiting, key=lambda piece: piece.at)
    if oldest.sequence == 0:
        return [oldest]
    sequence = next(piece.sequence for piece in waiting if piece.sequence > 0)
    return [piece for piece in waiting if piece.sequence == sequence]


def _hinted(parts: Sequence[str], pictures: int) -> list[str]:
    """Tell at the end of each portion how much is left, the pictures that come after the words among it."""
    whole = len(parts) + pictures
    return [
        part + _HINT.format(whole - number) if number % PORTION == 0 and number < whole else part
        for number, part in enumerate(parts, 1)
    ]


def _fail(rows: Transaction, piece: Piece, reason: str) -> None:
    """Give up a piece, and the rest of its message with it."""
    log.warning("QQ：有一条消息未能送达：%s", reason)
    for other in rows.pieces(piece.conversation_id, ("queued", "sending", "held")):
        if other.sequence == piece.sequence and (other.sequence > 0 or other.number == piece.number):
            rows.put_piece(replace(other, state="failed", reason=reason))
