"""How often each entry was asked for lately, so that a visitor is first shown what others needed.

Counted are answers of the bot, also to a choice, by conversations, lest one visitor's repetitions count; without those
of which the visitor said that they did not help.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.store.base import Store, StoreError

log = logging.getLogger(__name__)

COUNTED: Final = timedelta(days=90)
GOOD_FOR: Final = timedelta(minutes=5)
"""How long a count stands."""


class Demand:
    """The counts, kept in memory. Thread-safe; whoever asks gets the last count at once, while a new one is made."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self._counts: Mapping[str, int] = {}
        self._good_until: datetime | None = None
        self._lock = threading.Lock()

    def counts(self) -> Mapping[str, int]:
        """In how many conversations each entry was the answer; entries that never were are missing."""
        now = self._clock()
        with self._lock:
            first = self._good_until is None
            stale = self._good_until is None or now >= self._good_until
            if stale:
                self._good_until = now + GOOD_FOR
        if stale and first:
            self.count()
        elif stale:
            threading.Thread(target=self.count, name="demand", daemon=True).start()
        return self._counts

    def count(self) -> None:
        """Count anew; where that fails the last count stands."""
        since = self._clock() - COUNTED
        try:
            self._counts = self._store.read(lambda transaction: transaction.asked(since))
        except StoreError as error:
            log.error("store: %s", error)  # noqa: TRY400 — its text says all
