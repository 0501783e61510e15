"""The server process: uvicorn, which on its way out first sends those home who listen."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn

from bot.live import Live


class Server(uvicorn.Server):
    """Ends event streams before it stops; else it would wait for listeners that never leave.

    Not in the signal's handler: that runs in the middle of whatever the main thread does, locks held and all. What has
    to be done while connections are still there, `finish` does.
    """

    def __init__(self, config: uvicorn.Config, live: Live, finish: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(config)
        self._live = live
        self._finish = finish

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`; called in the event loop, a tenth of a second after the signal at the latest."""
        self._live.close()
        if self._finish is not None:
            await self._finish()
        await super().shutdown(sockets)
