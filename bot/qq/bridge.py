"""The bridge to QQ: NoneBot2 with its two adapters inside of our application, and the ways in and out.

Behind the gate a webhook is acknowledged once its message is kept, so that what the platform believes to have arrived
cannot be lost. NoneBot is one per process, and so is this.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, cast

import nonebot
from fastapi import FastAPI
from httpx import HTTPError
from nonebot.adapters import Bot as Peer
from nonebot.adapters import Event, qq
from nonebot.adapters.onebot import v11 as onebot
from nonebot.adapters.qq.models import User
from nonebot.drivers import ASGIMixin
from nonebot.exception import AdapterException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.qq import event as events
from bot.qq.inbox import Inbox
from bot.qq.model import Heard, Platform
from bot.qq.official import OfficialAdapter
from bot.qq.quiet import alone, log_quietly
from bot.store.base import Store, StoreError

log = logging.getLogger(__name__)

ACKNOWLEDGED_WITHIN: Final = 4.0
"""Seconds until a webhook is acknowledged without knowing; the platform gives up on one after five."""
LONGEST_PAUSE: Final = 60
"""Seconds between two attempts to reach the official platform."""
MESSAGES: Final = ("C2C_MESSAGE_CREATE", "GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE")

_Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Access:
    """What the platforms know us by. `bots`: secrets by app id; `api`: another address of the official platform."""

    bots: Mapping[str, str]
    onebot_token: str | None
    api: str | None = None


class OneBotAdapter(onebot.Adapter):
    """The adapter, which does not ask the platform for messages that are replied to; see `event.without_reply`."""

    @classmethod
    def json_to_event(cls, json_data: Any) -> onebot.Event | None:
        """See `onebot.Adapter`."""
        return super().json_to_event(events.without_reply(json_data) if isinstance(json_data, dict) else json_data)


class Bridge:
    """NoneBot's application and what hears its events. Made once per process."""

    def __init__(
        self, access: Access, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._access, self._store, self._clock = access, store, clock
        self._inbox: Inbox | None = None
        self._expected: dict[_Key, asyncio.Future[bool]] = {}
        self.heard_at: dict[tuple[Platform, str], datetime] = {}
        """When each bot last heard something."""
        self._known: set[str] = set()
        log_quietly()
        with alone():
            self._inner = self._set_up(access)

    def _set_up(self, access: Access) -> FastAPI:
        """NoneBot's application."""
        nonebot.init(
            _env_file=(os.devnull,),  # settings are ours alone
            driver="~fastapi+~httpx+~websockets",
            host="127.0.0.1",
            port=8080,
            log_level="WARNING",
            fastapi_include_adapter_schema=False,
            qq_bots=[
                {"id": app_id, "secret": secret, "use_websocket": False} for app_id, secret in access.bots.items()
            ],
            onebot_access_token=access.onebot_token,
            **_elsewhere(access.api),
        )
        driver = nonebot.get_driver()
        for adapter in (OfficialAdapter if access.bots else None, OneBotAdapter if access.onebot_token else None):
            if adapter is not None:
                driver.register_adapter(adapter)
        nonebot.on_message(priority=1, block=True).handle()(self._hear)
        return cast(FastAPI, cast(ASGIMixin, driver).asgi)

    @asynccontextmanager
    async def running(self, inbox: Inbox) -> AsyncIterator[None]:
        """Hear events for as long as the block lasts."""
        self._inbox = inbox
        async with self._inner.router.lifespan_context(self._inner):
            await inbox.resume()
            greetings = [asyncio.create_task(self._greet(app_id)) for app_id in self._access.bots]
            try:
                yield
            finally:
                for greeting in greetings:
                    greeting.cancel()
                await asyncio.gather(*greetings, return_exceptions=True)
                await inbox.close()

    async def _greet(self, app_id: str) -> None:
        """Connect a bot of the official platform, and ask the platform whether it knows it, however long that takes.

        The adapter would ask at the first callback, and drop that where the platform cannot be asked: an address not on
        its list, say, is no reason not to hear.
        """
        adapter = nonebot.get_adapter(OfficialAdapter)
        info = next(info for info in adapter.qq_config.qq_bots if info.id == app_id)
        bot = qq.Bot(adapter, app_id, info)
        bot.self_info = User(id=app_id)
        if app_id not in adapter.bots:
            adapter.bot_connect(bot)
        for attempt in range(10**6):
            try:
                await bot.me()
            except (AdapterException, HTTPError, ValueError) as error:
                log.warning("QQ：机器人 %s 未能接入开放平台，稍后重试（%s）", app_id, type(error).__name__)
                await asyncio.sleep(min(2**attempt, LONGEST_PAUSE))
            else:
                self._known.add(app_id)
                return

    def is_known(self, app_id: str) -> bool:
        """Whether the official platform said that it knows a bot."""
        return app_id in self._known

    def official(self, app_id: str) -> qq.Bot | None:
        """The official platform's bot of that id."""
        peer = nonebot.get_bots().get(app_id)
        return peer if isinstance(peer, qq.Bot) else None

    def onebot(self, self_id: str) -> onebot.Bot | None:
        """The OneBot client of that number, while it is connected."""
        peer = nonebot.get_bots().get(self_id)
        return peer if isinstance(peer, onebot.Bot) else None

    def onebots(self) -> list[str]:
        """The OneBot clients that are connected."""
        return [self_id for self_id, peer in nonebot.get_bots().items() if isinstance(peer, onebot.Bot)]

    @property
    def app(self) -> ASGIApp:
        """What comes through the gate, acknowledged once it is kept."""
        return self._acknowledged

    async def _acknowledged(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = dict(scope["headers"])
        key = _key_of(bytes(body), headers.get(b"x-bot-appid", b"").decode("latin1"))
        kept: asyncio.Future[bool] | None = None
        if key is not None:
            kept = self._expected.setdefault(key, asyncio.get_running_loop().create_future())
        answer: list[Message] = []

        async def hold(message: Message) -> None:
            answer.append(message)

        try:
            await self._inner(scope, _once(bytes(body)), hold)
            if kept is not None and answer[0]["status"] == 200:
                answer[0]["status"] = 200 if await asyncio.wait_for(asyncio.shield(kept), ACKNOWLEDGED_WITHIN) else 503
        except TimeoutError:
            answer[0]["status"] = 503  # it comes again, and if it was kept meanwhile nothing happens
            log.warning("QQ：平台推送的消息没有及时保存，平台会再次推送")
        finally:
            if key is not None and self._expected.get(key) is kept:
                del self._expected[key]
        for message in answer:
            await send(message)

    async def _hear(self, bot: Peer, event: Event) -> None:
        """NoneBot's only handler."""
        kept = False
        try:
            heard = events.heard(event, bot.self_id, self._clock())
            if heard is not None and self._inbox is not None and await self._is_meant(event, heard):
                await self._inbox.take(heard)
                self.heard_at[heard.address.platform, bot.self_id] = self._clock()
            kept = True
        except StoreError:
            pass  # the inbox said so; the platform is told by the status
        finally:
            expected = self._expected.get((bot.self_id, str(getattr(event, "id", ""))))
            if expected is not None and not expected.done():
                expected.set_result(kept)

    async def _is_meant(self, event: Event, heard: Heard) -> bool:
        if events.is_addressed(event):
            return True
        replied_to = getattr(event, events.REPLIED_TO, "")
        return bool(replied_to) and await asyncio.to_thread(
            self._store.read, lambda rows: rows.is_ours(heard.address, replied_to)
        )


def _key_of(body: bytes, app_id: str) -> _Key | None:
    """What the message that a webhook brings is known by; None where it brings none."""
    try:
        payload = json.loads(body)
        if payload["op"] == 0 and payload["t"] in MESSAGES:
            return app_id, str(payload["d"]["id"])
    except (ValueError, TypeError, KeyError):
        pass
    return None


def _once(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _elsewhere(api: str | None) -> dict[str, str]:
    if api is None:
        return {}
    base = api.rstrip("/")
    return {"qq_api_base": f"{base}/", "qq_auth_base": f"{base}/app/getAppAccessToken"}
