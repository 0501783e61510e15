"""How many turns are being thought out, so that work in the background lets them go first."""

from __future__ import annotations

import threading


class Traffic:
    """Whoever thinks a turn out counts it: `with traffic:`. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.under_way = 0

    def __enter__(self) -> None:
        with self._changed:
            self.under_way += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self.under_way -= 1
            self._changed.notify_all()

    def give_way(self, seconds: float) -> None:
        """Return as soon as no turn is being thought out, after so many seconds at the latest."""
        with self._changed:
            self._changed.wait_for(lambda: self.under_way == 0, seconds)
