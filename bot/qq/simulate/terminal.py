"""A chat with the bot in the terminal, over a simulated platform: real connections, real signatures, no QQ."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from bot.qq.simulate.album import Album
from bot.qq.simulate.official import OfficialPlatform
from bot.qq.simulate.onebot import OneBotPeer
from bot.qq.simulate.phone import Phone, Shown
from bot.qq.simulate.webhook import Webhook

USER: Final = "20001"
GROUP: Final = "30001"
OPENID: Final = "E4F4AEA33253A2797FB897C50B81D7ED"
GROUP_OPENID: Final = "C9F778FE6ADF9D1D1DBE395BF744A33A"
LINGER_SECONDS: Final = 3.0
"""For how long answers are still shown after the last line of a file."""

HELP: Final = "直接输入文字即私聊；/g 文字：在群里 @机器人；/image 路径：发图片；/again：重复投递上一条；/quit：退出"


async def chat_over_onebot(url: str, token: str | None, port: int) -> None:
    """Chat as a OneBot client that connects to `url`; pictures are served from `port`."""
    album = Album(f"http://127.0.0.1:{port}")
    app = FastAPI()
    app.include_router(album.router)
    async with serving(app, port), OneBotPeer(url, token=token) as peer:
        await chat(peer, typed(), user=USER, group=GROUP, album=album)


async def chat_over_official(url: str, app_id: str, secret: str, port: int, filed: Collection[str] = ()) -> None:
    """Chat as the official platform that calls `url` back; its API and pictures are served from `port`."""
    album = Album(f"http://127.0.0.1:{port}")
    async with httpx.AsyncClient(trust_env=False) as client:
        platform = OfficialPlatform(app_id, secret, Webhook(client, url, app_id, secret), filed=filed)
        platform.app.include_router(album.router)
        async with serving(platform.app, port):
            await chat(platform, typed(), user=OPENID, group=GROUP_OPENID, album=album)


async def chat(
    phone: Phone,
    lines: AsyncIterator[str],
    *,
    user: str,
    group: str,
    album: Album,
    show: Callable[[str], None] = print,
    linger: float = LINGER_SECONDS,
) -> None:
    """Say each line to the bot and show what it answers, until `/quit` or the last line."""
    show(HELP)
    showing = asyncio.create_task(_show(phone, show))
    try:
        async for line in lines:
            command, _, rest = line.strip().partition(" ")
            match command:
                case "":
                    continue
                case "/quit":
                    return
                case "/again":
                    await phone.again()
                case "/g":
                    await phone.say(rest, user=user, group=group)
                case "/image":
                    try:
                        picture = album.add_file(Path(rest.strip()))
                    except OSError as error:
                        show(f"读不了图片：{error}")
                    else:
                        await phone.say("", user=user, pictures=[picture])
                case _:
                    await phone.say(line.strip(), user=user)
        await asyncio.sleep(linger)
    finally:
        showing.cancel()


async def typed() -> AsyncIterator[str]:
    """What is typed, line by line. The thread that reads it does not hold up the end of the process."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(RuntimeError):  # the chat is over, and its loop closed
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


@asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """Serve an application on a port of this machine; OSError where it is taken."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = _Server(uvicorn.Config(app, log_level="warning"))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _show(phone: Phone, show: Callable[[str], None]) -> None:
    while True:
        show(_written(await phone.show()))


def _written(shown: Shown) -> str:
    """Return what the bot said as it stands in the terminal."""
    where = "群聊" if shown.group is not None else "私聊"
    manner = " · 合并转发" if len(shown.texts) > 1 else ""
    return f"\n【机器人 · {where}{manner}】\n" + "\n———\n".join(shown.texts)
