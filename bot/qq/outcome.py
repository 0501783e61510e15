"""What became of a conversation's messages on QQ. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.qq.model import Piece


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message: under way, its rest held back, sent, or failed at least in part.

    `reason`, in Chinese for staff, is why it failed, or why it is still under way.
    """

    state: Literal["sending", "held", "sent", "failed"]
    reason: str | None = None


def outcomes(pieces: Collection[Piece]) -> Mapping[int, Delivery]:
    """What became of each message, by its sequence number: failed, or under way, if any of its pieces is."""
    found: dict[int, Delivery] = {}
    for state in ("sent", "held", "queued", "sending", "failed"):  # the last one counts
        for piece in pieces:
            if piece.state == state and piece.sequence > 0:
                found[piece.sequence] = Delivery("sending" if state == "queued" else state, piece.reason)
    return found
