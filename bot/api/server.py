"""The server process: uvicorn, which on its way out first sends those home who listen."""

from __future__ import annotations

from types import FrameType

import uvicorn

from bot.live import Live


class Server(uvicorn.Server):
    """Ends event streams as soon as it is told to stop; else it would wait for listeners that never leave."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See `uvicorn.Server`."""
        self._live.close()
        super().handle_exit(sig, frame)
