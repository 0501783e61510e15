"""What became of what was to go out to QQ, counted by pieces: a long message is several. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.qq.model import PieceState, Platform
from bot.qq.parcel import NOT_ASKED_FOR
from bot.qq.row import QQRows

_WORDS: Final[Mapping[PieceState, str]] = {
    "sent": "sent",
    "queued": "waiting",
    "sending": "waiting",
    "held": "held",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class SendingFigures:
    """Pieces to one platform: `sent`; `waiting` to be, or under way; `held` until the visitor asks for the rest;
    `unasked`, held and given up since nobody asked; `failed`, for these `reasons`, in Chinese.
    """

    sent: int = 0
    waiting: int = 0
    held: int = 0
    unasked: int = 0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


def sendings(rows: QQRows, since: datetime, until: datetime) -> dict[Platform, SendingFigures]:
    """The pieces of [since, until), those that were lined up or asked for then, for each platform that has any."""
    counts: defaultdict[Platform, Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[Platform, Counter[str]] = defaultdict(Counter)
    for platform, state, reason, many in rows.count_pieces(since, until):
        if state == "failed" and reason == NOT_ASKED_FOR:
            counts[platform]["unasked"] += many
            continue
        counts[platform][_WORDS[state]] += many
        if state == "failed" and reason is not None:
            reasons[platform][reason] += many
    return {
        platform: SendingFigures(**counts[platform], reasons=dict(reasons[platform].most_common()))
        for platform in sorted(counts)
    }
