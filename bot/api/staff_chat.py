"""How a conversation on QQ stands, as it goes on the wire: what did not arrive, and whether the visitor is reached."""

from __future__ import annotations

from typing import Literal, TypeAlias

from bot.api import staff_schema as shape
from bot.api.dep import Service
from bot.qq.model import Chat, Piece
from bot.qq.outcome import Delivery, outcomes
from bot.qq.parcel import NOT_ASKED_FOR
from bot.store.base import Transaction

Trouble: TypeAlias = Literal["failed", "over", "unset"]


def chat_of(conversation_id: str, serving: Service) -> shape.QQChat | None:
    """How a conversation stands on QQ; None where it is not held there."""

    def work(rows: Transaction) -> tuple[Chat, list[Piece], list[int]] | None:
        chat = rows.chat(conversation_id)
        if chat is None:
            return None
        unseen = rows.messages(conversation_id, chat.cursor)
        return chat, rows.pieces(conversation_id), [each.sequence for each in unseen if each.author != "visitor"]

    found = serving.store.read(work)
    if found is None:
        return None
    chat, pieces, unseen = found
    came = {**dict.fromkeys(unseen, Delivery("sending")), **outcomes(pieces)}
    undelivered = [
        shape.QQDelivery(sequence=sequence, state=each.state, reason=each.reason)
        for sequence, each in sorted(came.items())
        if each.state != "sent"
    ]
    arrived = max((sequence for sequence, each in came.items() if each.state == "sent"), default=0)
    failed = any(
        each.state == "failed" and each.reason != NOT_ASKED_FOR and each.sequence > arrived for each in undelivered
    )
    trouble: Trouble | None = serving.exchange.trouble(chat) if serving.exchange is not None else "unset"
    if failed:
        trouble = "failed"
    return shape.QQChat(group=chat.address.group is not None, trouble=trouble, undelivered=undelivered)
