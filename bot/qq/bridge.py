"""The bridge to QQ: NoneBot2 with its two adapters inside of our application, and the ways in and out.

NoneBot is one per process, and so is this.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from weakref import WeakKeyDictionary

import nonebot
from fastapi import FastAPI
from nonebot.adapters import Bot as Peer
from nonebot.adapters import Event, qq
from nonebot.adapters.onebot import v11 as onebot
from nonebot.adapters.qq.models import User
from nonebot.drivers import ASGIMixin

from bot.qq import event as events
from bot.qq.inbox import Inbox
from bot.qq.line import Later, LineError
from bot.qq.model import Platform
from bot.qq.official import OfficialAdapter, ask
from bot.qq.quiet import alone, log_quietly
from bot.qq.receipt import Receipts
from bot.qq.standing import GONE, NOT_YET, Standing, trouble_of
from bot.store.base import StoreError

log = logging.getLogger(__name__)


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

    def __init__(self, access: Access, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._access, self._clock = access, clock
        self._inbox: Inbox | None = None
        self.receipts = Receipts()
        self.standing = Standing(access.bots, self._ask)
        self.heard_at: dict[tuple[Platform, str], datetime] = {}
        """When each bot last heard something."""
        self._came: set[str] = set()
        self._said: WeakKeyDictionary[Peer, str | None] = WeakKeyDictionary()  # a new connection begins anew
        log_quietly()
        with alone():
            self.app = self._set_up(access)

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
        nonebot.on_metaevent(priority=1, block=True).handle()(self._learn)
        driver.on_bot_connect(self._note)
        return cast(FastAPI, cast(ASGIMixin, driver).asgi)

    @asynccontextmanager
    async def running(self, inbox: Inbox) -> AsyncIterator[None]:
        """Hear events for as long as the block lasts."""
        self._inbox = inbox
        async with self.app.router.lifespan_context(self.app):
            await inbox.resume()
            for app_id in self._access.bots:
                self._connect(app_id)
            watching = asyncio.create_task(self.standing.run())
            try:
                yield
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await inbox.close()

    def _connect(self, app_id: str) -> None:
        """Have the adapter take a bot of the official platform for connected.

        It would do so at the first callback, once the platform said who the bot is, and drop that callback where the
        platform cannot be asked: an address not on its list, say, is no reason not to hear.
        """
        adapter = nonebot.get_adapter(OfficialAdapter)
        info = next(info for info in adapter.qq_config.qq_bots if info.id == app_id)
        bot = qq.Bot(adapter, app_id, info)
        bot.self_info = User(id=app_id)
        if app_id not in adapter.bots:
            adapter.bot_connect(bot)

    async def _ask(self, app_id: str) -> LineError | None:
        """Ask the official platform for a bot; see `Standing`."""
        bot = self.official(app_id)
        return await ask(bot) if bot is not None else Later(NOT_YET)

    def official(self, app_id: str) -> qq.Bot | None:
        """The official platform's bot of that id."""
        peer = nonebot.get_bots().get(app_id)
        return peer if isinstance(peer, qq.Bot) else None

    def onebot(self, self_id: str) -> onebot.Bot | None:
        """The OneBot client of that number, while it is connected."""
        peer = nonebot.get_bots().get(self_id)
        return peer if isinstance(peer, onebot.Bot) else None

    def onebots(self) -> dict[str, str | None]:
        """The OneBot accounts that came since the start, and why each cannot be used; None where it can."""
        peers = {self_id: self.onebot(self_id) for self_id in tuple(self._came)}  # asked from threads
        return {self_id: GONE if peer is None else self._said.get(peer) for self_id, peer in peers.items()}

    async def _hear(self, bot: Peer, event: Event) -> None:
        """NoneBot's handler of messages."""
        kept = False
        try:
            heard = events.heard(event, bot.self_id, self._clock())
            if heard is not None and self._inbox is not None:
                self.heard_at[heard.address.platform, bot.self_id] = self._clock()
                replied_to = getattr(event, events.REPLIED_TO, "")
                if events.is_addressed(event):
                    await self._inbox.take(heard)
                elif replied_to:
                    await self._inbox.take(heard, lambda rows: rows.is_ours(heard.address, replied_to))
            kept = True
        except StoreError:
            pass  # the inbox said so; the platform is told by the status
        finally:
            if key := events.key_of(event, bot.self_id):
                self.receipts.settle(key, kept=kept)

    async def _note(self, bot: Peer) -> None:
        """NoneBot's handler of connections."""
        if isinstance(bot, onebot.Bot):
            self._came.add(bot.self_id)

    async def _learn(self, bot: Peer, event: Event) -> None:
        """NoneBot's handler of what OneBot clients say of themselves."""
        status = event.model_dump().get("status")  # of what is no full heartbeat too
        if isinstance(status, dict) and (trouble := trouble_of(status)) != self._said.get(bot):
            self._said[bot] = trouble
            if trouble is not None:
                log.warning("QQ：OneBot 账号 %s 目前不可用：%s", bot.self_id, trouble)


def _elsewhere(api: str | None) -> dict[str, str]:
    if api is None:
        return {}
    base = api.rstrip("/")
    return {"qq_api_base": f"{base}/", "qq_auth_base": f"{base}/app/getAppAccessToken"}
