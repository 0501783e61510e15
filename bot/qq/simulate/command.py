"""The command `qq-simulate`: a chat with a running server, set up by the server's own settings.

What keeps the two apart is found before the first word, since platforms say nothing of it later: with the official one
the callback address is validated as on the day when an operator enters it.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import time
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import InvalidHandshake

from bot.qq.simulate.terminal import chat_over_official, chat_over_onebot
from bot.qq.simulate.webhook import Webhook, sign
from bot.settings import Settings

PICTURE_PORT: Final = 8100
"""Where a OneBot client's pictures are served from, unless said otherwise."""
HERE: Final = ("127.0.0.1", "localhost")


class SimulateError(Exception):
    """The chat cannot begin; the Chinese text tells the developer why."""


def simulate(settings: Settings, platform: str, url: str | None, port: int | None) -> None:
    """Chat in the terminal until it is over; SimulateError where it cannot begin.

    `platform` is "onebot" or "official", `url` the server's address (None: where the settings have it listen), `port`
    where the simulated platform is served from (None: `PICTURE_PORT`, or the port of QQ_API).
    """
    url = url or _address(settings)
    if platform == "official":
        port = port or _port(settings.qq_api)
        begun = _official(f"{url}/qq/webhook", *_app(settings), port, (settings.qq_filed_hosts or "").split())
    else:
        port = port or PICTURE_PORT
        begun = _onebot(f"ws{url.removeprefix('http')}/onebot/v11/ws", _token(settings), port)
    try:
        asyncio.run(begun)
    except (OSError, httpx.TransportError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise SimulateError(f"端口 {port} 已被占用。") from error
        raise SimulateError(f"连不上 {url}，请先启动服务器，或用 --url 指明它的地址。") from error


async def _onebot(url: str, token: str, port: int) -> None:
    try:
        await chat_over_onebot(url, token, port)
    except InvalidHandshake as error:
        raise SimulateError(f"服务器没有接受连接，请核对它启动时的 ONEBOT_TOKEN（{error}）。") from error


async def _official(url: str, app_id: str, secret: str, port: int, filed: list[str]) -> None:
    token, now = secrets.token_hex(16), f"{time.time():.0f}"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await Webhook(client, url, app_id, secret).validate(token, now)
    if answer.status_code != httpx.codes.OK or _json(answer).get("signature") != sign(secret, f"{now}{token}".encode()):
        raise SimulateError(f"回调地址未通过验证，请核对服务器启动时的 QQ_APPS（HTTP {answer.status_code}）。")
    await chat_over_official(url, app_id, secret, port, filed)


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _token(settings: Settings) -> str:
    if settings.onebot_token is None:
        raise SimulateError("请设置 ONEBOT_TOKEN，与服务器启动时的相同。")
    return settings.onebot_token.get_secret_value()


def _app(settings: Settings) -> tuple[str, str]:
    """The AppID and the secret of the first bot."""
    apps = settings.qq_apps.get_secret_value().split() if settings.qq_apps else []
    if not apps:
        raise SimulateError("请设置 QQ_APPS，与服务器启动时的相同，如 QQ_APPS=102000001:DG5g3B4j9X2KOErG。")
    app_id, _, secret = apps[0].partition(":")
    return app_id, secret


def _port(api: str | None) -> int:
    split = urlsplit(api or "")
    if split.hostname not in HERE or split.port is None:
        raise SimulateError("请设置 QQ_API，与服务器启动时的相同，指向本机，如 QQ_API=http://127.0.0.1:8100。")
    return split.port


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
