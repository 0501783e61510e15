"""Phone: what a person on QQ does with the bot and sees of it, whichever platform is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Shown:
    """What the bot said, as it is seen: in a group, or in private to a user.

    `texts` are several where it is a forwarded message; a picture is "[image]" in them, and its bytes are among the
    `pictures`. `id` is what the platform calls it. On the official platform `message_id` and `reply` say which message
    it is sent as which reply to; both are None in an active push.
    """

    texts: tuple[str, ...]
    id: str
    user: str | None = None
    group: str | None = None
    message_id: str | None = None
    reply: int | None = None
    pictures: tuple[bytes, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.texts)


class Phone(Protocol):
    """A simulated platform, from a person's side."""

    async def say(self, text: str, *, user: str, group: str | None = None, pictures: Sequence[str] = ()) -> Any:
        """Send the bot a message, in a group by naming it; `pictures` are addresses that it can fetch them from."""

    async def again(self) -> Any:
        """Deliver the last message once more, as platforms do."""

    async def show(self) -> Shown:
        """Wait for what the bot says next."""
