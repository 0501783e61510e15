"""Receipts: whether a message that a callback brought is kept, which the platform is told by the answer's status.

The adapter answers before anything is done with an event. What it said yes to would be lost if the process ended then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

MessageKey: TypeAlias = tuple[str, str, str]
"""What the event of a message is known by: the bot's AppID, the event's type and the message's id."""


class Receipts:
    """The messages that are on their way through the adapter, some of them twice at a time."""

    def __init__(self) -> None:
        self._expected: dict[MessageKey, list[asyncio.Future[bool]]] = {}

    @contextmanager
    def expect(self, key: MessageKey) -> Iterator[asyncio.Future[bool]]:
        """Expect word of a message for as long as the block lasts: True once it is kept, False where it cannot be."""
        receipt = asyncio.get_running_loop().create_future()
        self._expected.setdefault(key, []).append(receipt)
        try:
            yield receipt
        finally:
            self._expected[key].remove(receipt)
            if not self._expected[key]:
                del self._expected[key]

    def settle(self, key: MessageKey, *, kept: bool) -> None:
        """Say whether a message is kept, to all who wait for it."""
        for receipt in self._expected.get(key, ()):
            if not receipt.done():
                receipt.set_result(kept)
