"""Who is listening, and waking them when something changed. In this process's memory only.

What changed is not told: whoever is woken reads it from the store, where nothing is missed and nothing comes twice.
Only what is not worth keeping, such as that somebody is typing, travels with the waking. Nothing here survives a
restart, and nothing has to.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Final

QUEUE: Final = "queue"
"""The topic of the tickets' queue; every conversation's id is a topic as well, and none is that short."""

MOST_SIGNALS: Final = 20


class Watch:
    """One listener. `wait` belongs to the event loop it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._signals: deque[str] = deque(maxlen=MOST_SIGNALS)
        self.closed = False

    async def wait(self, seconds: float) -> tuple[str, ...]:
        """Return once woken or closed, or after `seconds`; the signals that came meanwhile, oldest first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        if not self.closed:
            self._woken.clear()
        signals = tuple(self._signals)
        self._signals.clear()
        return signals

    def wake(self, signal: str | None = None, *, close: bool = False) -> None:
        """Wake the listener from any thread."""

        def wake() -> None:
            if signal is not None:
                self._signals.append(signal)
            self.closed = self.closed or close
            self._woken.set()

        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(wake)


class Live:
    """Listeners by topic. Thread-safe."""

    def __init__(self) -> None:
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self._calls: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._lock = Lock()
        self._closed = False

    def call(self, topic: str, deed: Callable[[], None]) -> None:
        """Have a deed done, from now on, whenever something of a topic was stored. It must return at once."""
        with self._lock:
            self._calls[topic].append(deed)

    @contextmanager
    def watch(self, topic: str) -> Iterator[Watch]:
        """A listener to a topic, for as long as the block lasts. Only within an event loop."""
        made = Watch()
        with self._lock:
            made.closed = self._closed
            self._watches[topic].add(made)
        if made.closed:
            made.wake()
        try:
            yield made
        finally:
            with self._lock:
                self._watches[topic].discard(made)
                if not self._watches[topic]:
                    del self._watches[topic]

    def count(self, topic: str | None = None) -> int:
        """How many listen to a topic, or in all."""
        with self._lock:
            chosen = (
                self._watches.values() if topic is None else [self._watches[topic]] if topic in self._watches else []
            )
            return sum(map(len, chosen))

    def changed(self, *topics: str) -> None:
        """Something of these topics was stored."""
        for topic in topics:
            for watch in self._listeners(topic):
                watch.wake()
            for deed in self._calls.get(topic, ()):
                deed()

    def signal(self, topic: str, signal: str) -> None:
        """Tell the listeners of a topic something that is not kept."""
        for watch in self._listeners(topic):
            watch.wake(signal)

    def close(self) -> None:
        """Send every listener home, also those who come later."""
        with self._lock:
            self._closed = True
            everyone = [watch for watches in self._watches.values() for watch in watches]
        for watch in everyone:
            watch.wake(close=True)

    def _listeners(self, topic: str) -> list[Watch]:
        with self._lock:
            return list(self._watches.get(topic, ()))
