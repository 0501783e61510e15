"""Whether conversations can be stored. The check writes to disk, so asking often must not mean checking often."""

from __future__ import annotations

import threading
import time
from typing import Final

from bot.store.base import Store

GOOD_FOR: Final = 1.0
"""Seconds."""


class Ready:
    """The store's check; a good one counts for a second, a bad one is tried again by whoever asks next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._good_until = 0.0

    def check(self) -> None:
        """Return if conversations can be stored, StoreError if not."""
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._store.check()
                self._good_until = time.monotonic() + GOOD_FOR
