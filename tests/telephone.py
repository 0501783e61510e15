"""A server with ways to both QQ platforms, which can be stopped, killed and started again; what people do with it.

The fixtures are in `switchboard`.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from conftest import ROOT, environment, free_port, wait_until_ready

from bot.qq.simulate.album import Album
from bot.qq.simulate.official import OfficialPlatform
from bot.qq.simulate.onebot import OneBotPeer
from bot.qq.simulate.phone import Phone
from bot.qq.simulate.terminal import serving
from bot.qq.simulate.webhook import Webhook

APP_ID, SECRET, TOKEN = "102000001", "DG5g3B4j9X2KOErG", "a-token-of-one-bot"
FILED = ("zybwhsb.com",)
_LEFT = """
    SELECT (SELECT count(*) FROM qq_heard WHERE text IS NOT NULL)
        + (SELECT count(*) FROM qq_piece WHERE state IN ('queued', 'sending'))
        + (SELECT count(*) FROM qq_chat JOIN message
            ON message.conversation_id = qq_chat.conversation_id AND message.sequence > qq_chat.cursor) AS count
"""


@dataclass
class House:
    """A server on a data folder, and the port where its official platform has to be."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    platform_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/onebot/v11/ws"

    def start(self) -> None:
        """Start the server; it may not be ready yet."""
        settings = {
            "PORT": str(self.port),
            "QQ_APPS": f"{APP_ID}:{SECRET}",
            "QQ_API": f"http://127.0.0.1:{self.platform_port}",
            "QQ_FILED_HOSTS": " ".join(FILED),
            "QQ_PICTURE_HOSTS": f"127.0.0.1:{self.platform_port}",
            "ONEBOT_TOKEN": TOKEN,
            "RATE_PER_QQ_USER": "1000000/second",
            "RATE_PER_QQ_GROUP": "1000000/second",
        }
        with (self.data / "serve.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "serve.py"), "serve"],
                cwd=ROOT,
                env=environment(self.data, **settings, **self.settings),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> None:
        """Wait until it is."""
        assert self.process is not None
        wait_until_ready(self.url, self.process)

    def stop(self) -> None:
        """Stop it as an operator does."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def kill(self) -> None:
        """Kill it, as a power cut would its process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @asynccontextmanager
    async def official(self, kind: type[Webhook] = Webhook) -> AsyncIterator[tuple[OfficialPlatform, Album]]:
        """The official platform, and pictures that its users can send."""
        album = Album(f"http://127.0.0.1:{self.platform_port}")
        everybody = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(trust_env=False, timeout=60, limits=everybody) as client:
            webhook = kind(client, f"{self.url}/qq/webhook", APP_ID, SECRET, pause=0.05)
            platform = OfficialPlatform(APP_ID, SECRET, webhook, filed=FILED)
            platform.app.include_router(album.router)
            async with serving(platform.app, self.platform_port):
                yield platform, album

    @asynccontextmanager
    async def onebot(self, **options: Any) -> AsyncIterator[OneBotPeer]:
        """A OneBot client."""
        async with OneBotPeer(self.socket, token=TOKEN, **options) as peer:
            yield peer

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What the database holds."""
        with closing(sqlite3.connect(self.data / "conversations.db", timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()

    def messages(self, user: str, group: str = "") -> list[sqlite3.Row]:
        """The messages of a conversation on QQ."""
        query = "SELECT message.* FROM message JOIN qq_chat USING (conversation_id)"
        return self.rows(f"{query} WHERE user_id = ? AND group_id = ? ORDER BY sequence", user, group)

    def said(self, user: str, group: str = "") -> list[str]:
        """What a user said."""
        return [row["text"] for row in self.messages(user, group) if row["author"] == "visitor"]

    def pieces(self, user: str, group: str = "") -> list[sqlite3.Row]:
        """What went out, or is to go out, to a user."""
        query = (
            "SELECT qq_piece.* FROM qq_piece JOIN qq_chat USING (conversation_id) WHERE user_id = ? AND group_id = ?"
        )
        return self.rows(f"{query} ORDER BY sequence, number", user, group)

    def heard(self) -> set[str]:
        """The platforms' ids of all messages that were kept."""
        return {row["message_id"] for row in self.rows("SELECT message_id FROM qq_heard")}

    def at_rest(self) -> bool:
        """Whether all that was kept is answered, and all answers are delivered or given up."""
        return self.rows(_LEFT)[0]["count"] == 0


@contextmanager
def open_house(built: Path, folder: Path, **settings: str) -> Iterator[House]:
    """A house with a copy of the index that was built, once its server is ready."""
    house = House(shutil.copytree(built, folder / "data", symlinks=True), settings)
    house.start()
    try:
        house.ready()
        yield house
    finally:
        house.stop()


async def until(check: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so; TimeoutError if it does not come."""
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.05)


async def answers(phone: Phone, text: str, **where: Any) -> str:
    """What the bot says to a text."""
    await phone.say(text, **where)
    return await shown(phone)


async def shown(phone: Phone) -> str:
    """What the bot says next."""
    return (await asyncio.wait_for(phone.show(), 20)).text
