"""The exchange: everything for QQ put together. Made only where a way to QQ is set up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal, TypeAlias

from starlette.types import ASGIApp

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.live import QUEUE
from bot.model import Message
from bot.qq import official, onebot
from bot.qq.bridge import Access, Bridge
from bot.qq.clerk import Pictures
from bot.qq.errand import are_one
from bot.qq.fetch import fetch
from bot.qq.gate import Gate
from bot.qq.inbox import Inbox, Limits
from bot.qq.line import Line
from bot.qq.link import rewrite
from bot.qq.model import Address, Chat, Platform
from bot.qq.outbox import Outbox
from bot.qq.parcel import Packing
from bot.qq.piece import split
from bot.qq.standing import GONE
from bot.qq.wording import unsendable, written
from bot.settings import Settings
from bot.store.base import Store, Transaction
from bot.turn import Pass

Keep: TypeAlias = Callable[[Pass, bytes], str]
"""Keeps a picture for the holder of a conversation, and says its id."""
Show: TypeAlias = Callable[[str], bytes | None]
"""The bytes of a kept picture, None where it is gone."""

FINISH_SECONDS: Final = 5.0
"""How long the end of the program waits for what is on its way out."""
TOLD: Final = "1/minute"
"""How often who says too much is told so."""

_HOSTS: Final[Mapping[Platform, tuple[str, ...]]] = {"qq": official.PICTURE_HOSTS, "onebot": onebot.PICTURE_HOSTS}


@dataclass(frozen=True, slots=True)
class Connection:
    """How a bot stands: why messages cannot go out, in Chinese, None where they can; when it last heard something.

    Without a `self_id`: no OneBot client has come yet, though there is a way for one.
    """

    platform: Platform
    self_id: str
    trouble: str | None
    heard_at: datetime | None

    @property
    def ready(self) -> bool:
        """Whether messages can go out."""
        return self.trouble is None


class Exchange:
    """QQ, for as long as `running` lasts. `app` takes what comes for QQ. Made once per process."""

    def __init__(self, bot: Bot, store: Store, settings: Settings, keep: Keep, show: Show) -> None:
        self._settings = settings
        access = access_of(settings)
        self._bots = access.bots
        self._bridge = Bridge(access)
        lines: dict[Platform, Line] = {}
        self._lines = lines
        if access.bots:
            lines["qq"] = official.OfficialLine(self._bridge.official, self._bridge.standing.told)
        if access.onebot_token:
            lines["onebot"] = onebot.OneBotLine(self._bridge.onebot)
        packing = Packing(
            lines,
            self._text,
            split,
            rewrite=partial(rewrite, filed=(settings.qq_filed_hosts or "").split()),
            spell=partial(rewrite, filed=()),
            sorry=unsendable(settings.public_url),
        )
        self._outbox = Outbox(store, packing, show, changed=bot.live.changed)
        bot.live.call(QUEUE, self._outbox.wake)
        limits = Limits(
            Limit(settings.rate_per_qq_user),
            Limit(settings.rate_per_qq_group),
            Limit(settings.rate_tickets, "转人工的申请太多了"),
            Limit(TOLD),
        )
        self._inbox = Inbox(bot, store, self._outbox, Pictures(self._fetch, keep), limits)
        self.app: ASGIApp = Gate(
            self._bridge.app, self._bridge.receipts, bots=access.bots, onebot_token=access.onebot_token
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear and deliver for as long as the block lasts."""
        async with self._bridge.running(self._inbox):
            delivering = asyncio.create_task(self._outbox.run())
            try:
                yield
            finally:
                delivering.cancel()
                with suppress(asyncio.CancelledError):
                    await delivering

    async def finish(self) -> None:
        """Let what is on its way out arrive, and send nothing more; see `Outbox`."""
        await self._outbox.finish(FINISH_SECONDS)

    def trouble(self, chat: Chat) -> Literal["unset", "over"] | None:
        """What keeps messages from a chat: no way to its platform is set up, or none of its own can be replied to."""
        if chat.address.platform not in self._lines:
            return "unset"
        return None if self._outbox.is_open(chat) else "over"

    def connections(self) -> list[Connection]:
        """How the bots stand: those of the official platform that are set up, and the OneBot ones that came."""
        troubles: dict[tuple[Platform, str], str | None] = {
            ("qq", app_id): self._bridge.standing.trouble(app_id) for app_id in self._bots
        }
        if "onebot" in self._lines:
            came = self._bridge.onebots() or {"": GONE}
            troubles |= {("onebot", self_id): trouble for self_id, trouble in came.items()}
        return [Connection(*key, trouble, self._bridge.heard_at.get(key)) for key, trouble in sorted(troubles.items())]

    def _text(self, rows: Transaction, message: Message, chat: Chat) -> str:
        """What a message says at a chat's address; "" where it says nothing there.

        That is in a group that only wants answers, where it is none, and where it repeats what was said to the picture
        before in the same message of the visitor's: platforms count replies.
        """
        address = chat.address
        if address.group is not None:
            group = rows.group(address.platform, address.self_id, address.group)
            answers = message.reply is None or message.reply.decision == "answer"
            if group is not None and (group.mode == "off" or (group.mode == "quiet" and not answers)):
                return ""
        say = partial(written, group=address.group is not None, address=self._settings.public_url)
        before = _before(rows, message)
        return "" if before and say(before) == say(message) else say(message)

    def _fetch(self, url: str, address: Address, seconds: float) -> bytes:
        own = (self._settings.qq_picture_hosts or "").split()
        private = any(url.startswith((f"http://{host}/", f"https://{host}/")) for host in own)
        return fetch(url, (*_HOSTS[address.platform], *own), private=private, seconds=seconds)


def _before(rows: Transaction, message: Message) -> Message | None:
    """The bot's reply before this one, where both are to parts of one message that was heard."""
    if message.reply is None or message.sequence < 4:
        return None
    first, reply, second, _ = rows.messages(message.conversation_id, message.sequence - 4)[:4]
    between = (first.author, reply.author, second.author) == ("visitor", "bot", "visitor")
    return reply if between and are_one(first.client_message_id, second.client_message_id) else None


def access_of(settings: Settings) -> Access:
    """What the platforms know us by."""
    written_bots = settings.qq_apps.get_secret_value().split() if settings.qq_apps else []
    bots = dict(each.split(":", 1) for each in written_bots)
    token = settings.onebot_token.get_secret_value() if settings.onebot_token else None
    return Access(bots, token, settings.qq_api)
