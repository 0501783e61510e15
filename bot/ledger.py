"""Figures at hand for a minute, since making them takes a processor for seconds where much was said.

Whoever opens a page, its tables and its files one after the other gets the same numbers in all of them. They are made
one after the other: two at once would be no sooner there, and hold up the visitors' turns twice as long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from bot.handoff import Office
from bot.metric import Figures, measure
from bot.store.base import Store

GOOD_FOR: Final = 60.0
"""Seconds for which figures stand."""
MOST: Final = 50

_Asked: TypeAlias = tuple[datetime, datetime, str | None, Office]


class Ledger:
    """The figures of a store. Thread-safe; `clock` counts seconds."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[_Asked, tuple[float, Figures]] = {}

    def figures(self, since: datetime, until: datetime, system: str | None, office: Office) -> Figures:
        """The figures of [since, until), of one system or all, as of less than a minute ago."""
        asked = (since, until, system, office)
        with self._lock:
            fresh = [(key, kept) for key, kept in self._kept.items() if self._clock() - kept[0] < GOOD_FOR]
            self._kept = dict(fresh[-MOST:])
            if asked not in self._kept:
                began, now = self._clock(), datetime.now(UTC)
                made = self._store.read(
                    lambda rows: measure(
                        rows, since, until, now=now, cold_after=office.cold_after, system=system, hours=office.hours
                    )
                )
                self._kept[asked] = began, made
            return self._kept[asked][1]
