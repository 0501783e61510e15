"""Lanes: whoever has to do something for the same key waits until those before have done it, in the order they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # lets in who came first
    within: int = 0


class Lanes:
    """A lane for each key, for as long as somebody is in it. For coroutines of one event loop."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane] = {}

    @asynccontextmanager
    async def enter(self, key: Hashable) -> AsyncIterator[None]:
        """Be alone in a lane for as long as the block lasts."""
        lane = self._lanes.setdefault(key, _Lane())
        lane.within += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.within -= 1
            if not lane.within:
                del self._lanes[key]

    def __bool__(self) -> bool:
        return bool(self._lanes)
