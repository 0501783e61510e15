"""What is not let in, and how the log tells: by the reason alone, and not as often as it happens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

SAID_FOR: Final = 60.0
"""Seconds for which a reason is not said again."""


class Refusal(Exception):
    """A request or a connection is not let in: the HTTP status it gets, and why, for operators, in Chinese.

    Reasons are few and fixed: they name no person and hold nothing of what was sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Notice:
    """Says why something was refused or dropped, each reason at most once a minute; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def say(self, reason: str) -> None:
        """Say it, or count it until it is said again."""
        now = self._clock()
        if 0 <= now - self._said.get(reason, now - SAID_FOR) < SAID_FOR:  # clocks are set back at times
            self._unsaid[reason] = self._unsaid.get(reason, 0) + 1
            return
        self._said[reason] = now
        more = self._unsaid.pop(reason, 0)
        log.warning("QQ：%s%s", reason, f"（此前另有 {more} 次）" if more else "")
