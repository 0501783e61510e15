"""Line: the way out to a platform, and what may go wrong on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from bot.qq.model import Address

Content: TypeAlias = str | bytes


class LineError(Exception):
    """A piece was not taken; the Chinese text says why, for staff."""


class Later(LineError):
    """Trying again may help: no connection, too many messages, a fault of the platform's."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait  # seconds, where the platform says so


class Unclear(Later):
    """It is not known whether the platform took it: its answer did not come, or says nothing of that."""


class Expired(LineError):
    """The message that it was to reply to is too old, or has as many replies as it may have."""


class Refused(LineError):
    """The platform does not take it, now or later."""


class Unfit(Refused):
    """The platform does not take what is said; something else it may."""


class Unfiled(Unfit):
    """The platform does not take it for an address of the web that it was not told of."""


class Repeated(LineError):
    """The platform has it already: the same reply to the same message came before. All is well."""


@dataclass(frozen=True, slots=True)
class Window:
    """For how long and how often a platform lets one reply to a message; None: as long and often as one likes."""

    private: timedelta | None
    group: timedelta | None
    replies: int | None


class Line(Protocol):
    """Sends to one platform: words, or the bytes of a picture (PNG or JPEG).

    Coroutines belong to the event loop that the platform's connection lives in.
    """

    longest: int
    """UTF-8 bytes of a piece."""
    window: Window
    forwards: bool
    """Whether several pieces can go as one forwarded message."""
    filed: bool
    """Whether the platform refuses addresses of the web that it has not been told of."""

    async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:
        """Send a piece as the `reply`-th (from 1) reply to a user's message, or, without one, as an active push.

        What the platform calls it; LineError where it was not taken. The same reply to the same message may be sent
        again when it is not known whether it arrived.
        """

    async def forward(self, address: Address, contents: Sequence[Content]) -> str:
        """Send several pieces as one forwarded message; LineError where that is not possible."""
