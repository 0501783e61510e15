"""Everything kept of one conversation: handed out as a file, or deleted for good.

For the rights that the Personal Information Protection Law (个人信息保护法) gives to whom the data are about: to know
(article 44), to have access to them, a copy, and to take them elsewhere (article 45), and to have them deleted
(article 47). Correction (article 46) is the staff's, in the ticket. Whoever calls has made sure who is asking.

What is not here is not kept by conversation: logs, which hold no visitor's words, notices that group robots have shown,
with personal data masked, and the operator's backups, from which what was deleted goes when they do.
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import IO, Any, Final

from bot.model import Conversation, Feedback, Message, Picture, Ticket, TicketEvent
from bot.notify import Notice
from bot.picture import PictureFolder
from bot.store.base import Store, Transaction

log = logging.getLogger(__name__)

CONTENTS: Final = "conversation.json"
_ENDINGS: Final = {"image/png": ".png", "image/jpeg": ".jpg"}


class ArchiveError(Exception):
    """The conversation cannot be handed out or deleted; whoever asked reads the Chinese text, nothing was changed."""


class NoConversation(ArchiveError):
    """There is none of that id."""


class InHand(ArchiveError):
    """A member of staff is at work on it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """All rows of one conversation."""

    conversation: Conversation
    messages: list[Message]
    tickets: list[tuple[Ticket, list[TicketEvent]]]
    feedback: list[Feedback]
    pictures: list[Picture]
    notices: list[Notice]


def export(
    store: Store, pictures: PictureFolder, conversation_id: str, out: IO[bytes], *, now: datetime | None = None
) -> None:
    """Write a ZIP of a conversation into `out`: conversation.json (UTF-8) and the pictures beside it.

    The JSON has the conversation, messages with their whole replies, tickets with fields, ratings and history,
    feedback, pictures with the name of their file (null where it is lost) and notices not delivered yet; times are ISO
    8601 in UTC. Holds one picture in memory at a time. `out` need not seek. NoConversation, with nothing written, where
    there is none of that id.
    """
    kept = store.read(lambda transaction: _read(transaction, conversation_id))
    files: dict[str, str] = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for picture in kept.pictures:
            data = pictures.read(picture.id)
            if data is not None:
                files[picture.id] = f"pictures/{picture.id}{_ENDINGS.get(picture.media_type, '')}"
                archive.writestr(files[picture.id], data, zipfile.ZIP_STORED)
        contents = _contents(kept, files, now or datetime.now(UTC))
        archive.writestr(CONTENTS, json.dumps(contents, ensure_ascii=False, indent=1, default=_plain))


def erase(store: Store, pictures: PictureFolder, conversation_id: str, *, force: bool = False) -> bool:
    """Delete a conversation and all that hangs on it, for good; False if there is none of that id.

    InHand, with nothing changed, while a member of staff works on one of its tickets, unless `force`.
    """

    def work(transaction: Transaction) -> list[str] | None:
        tickets = transaction.tickets(conversation_id)
        if not force and any(ticket.status == "assigned" for ticket in tickets):
            raise InHand("工作人员正在处理这个会话，请在办结后再删除。")
        return delete(transaction, conversation_id)

    orphaned = store.write(work)
    discard(pictures, orphaned or ())
    return orphaned is not None


def delete(transaction: Transaction, conversation_id: str) -> list[str] | None:
    """Delete a conversation's rows; the ids of the pictures whose files can go once that is committed.

    None where there is no such conversation.
    """
    orphaned = [picture.id for picture in transaction.pictures(conversation_id)]
    return orphaned if transaction.delete_conversation(conversation_id) else None


def discard(pictures: PictureFolder, picture_ids: Iterable[str]) -> int:
    """Remove the files of pictures whose rows are gone; how many. What fails now, the sweep finds again."""
    removed = 0
    for picture_id in picture_ids:
        try:
            pictures.delete(picture_id)
        except OSError as error:
            log.warning("图片 %s 未能删除，稍后重试：%s", picture_id, error.strerror)
        else:
            removed += 1
    return removed


def _read(transaction: Transaction, conversation_id: str) -> _Kept:
    conversation = transaction.conversation(conversation_id)
    if conversation is None:
        raise NoConversation("没有这个会话，它可能已经删除。")
    tickets = [(ticket, transaction.events(ticket.number)) for ticket in transaction.tickets(conversation_id)]
    numbers = {ticket.number for ticket, _ in tickets}
    return _Kept(
        conversation,
        transaction.messages(conversation_id),
        tickets,
        transaction.feedback(conversation_id),
        transaction.pictures(conversation_id),
        [notice for notice in transaction.notices() if notice.ticket in numbers],
    )


def _contents(kept: _Kept, files: dict[str, str], now: datetime) -> dict[str, Any]:
    return {
        "exported_at": now,
        "conversation": asdict(kept.conversation),
        "messages": [_message(message) for message in kept.messages],
        "tickets": [
            {**asdict(ticket), "events": [asdict(event) for event in events]} for ticket, events in kept.tickets
        ],
        "feedback": [asdict(feedback) for feedback in kept.feedback],
        "pictures": [{**asdict(picture), "file": files.get(picture.id)} for picture in kept.pictures],
        "notices": [asdict(notice) for notice in kept.notices],
    }


def _message(message: Message) -> dict[str, Any]:
    return {**asdict(message), "reply": message.reply and message.reply.to_dict()}


def _plain(value: object) -> str:
    """A time as JSON knows it; anything else here is a mistake of ours."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"not JSON: {type(value).__name__}")
