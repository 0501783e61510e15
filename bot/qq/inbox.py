"""What is heard, kept before anything else is done, and answered once: in order for each address, many at a time.

A platform tells the same event again when it is not sure that it arrived, and after a restart. The store knows which
came before; a turn that was cut off is taken up again under the same client message id, by which `Bot` knows it. What
the bot says to it is stored with the turn and goes out by the outbox.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeAlias, TypeVar

from fastapi import HTTPException

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.qq import wording
from bot.qq.clerk import AT_ONCE, Clerk, Pictures
from bot.qq.errand import Errand
from bot.qq.lane import Lanes
from bot.qq.model import Chat, Group, Heard, Opening
from bot.qq.parcel import KEPT, KEPT_IN_GROUP
from bot.store.base import ConstraintError, Store, StoreError, Transaction

log = logging.getLogger(__name__)

T = TypeVar("T")

Place: TypeAlias = tuple[str, Group | None]
"""Where a message is answered: the id of the conversation at its address, and its group, if that is one."""

_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between attempts while the store cannot be written to."""


class Outgoing(Protocol):
    """What goes out besides what the bot says; see `outbox`."""

    async def more(self, conversation_id: str, heard: Heard | None = None) -> bool:
        """Let the rest of a long message go; False where there is none. `heard` is answered with that."""

    async def tell(self, conversation_id: str, text: str, heard: Heard | None = None) -> None:
        """Say something that is not part of the conversation; `heard` is answered with that."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one person and one group may say, hand in, and be told that it is too much."""

    person: Limit
    group: Limit
    tickets: Limit
    refusals: Limit


class Inbox:
    """Takes messages in one event loop, works in threads."""

    def __init__(
        self,
        bot: Bot,
        store: Store,
        outgoing: Outgoing,
        pictures: Pictures,
        limits: Limits,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bot, self._store, self._outgoing = bot, store, outgoing
        self._limits, self._clock = limits, clock
        self._clerk = Clerk(bot, store, pictures, limits.tickets)
        self._keeping, self._answering = Lanes(), Lanes()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def resume(self) -> None:
        """Answer what was left unanswered when the process ended, save for what it is too late for.

        That is what would not be delivered any more, had it been answered then.
        """
        late = 0
        for heard in await asyncio.to_thread(self._store.read, lambda rows: rows.unanswered()):
            is_late = self._clock() - heard.at >= (KEPT if heard.address.group is None else KEPT_IN_GROUP)
            self._begin(Errand(heard, "" if is_late else None))  # counted when it came
            late += is_late
        if late:
            log.warning("QQ：有 %s 条消息等待过久，不再回答", late)

    async def take(self, heard: Heard, meant: Callable[[Transaction], bool] = lambda _: True) -> None:
        """Have a message answered in its turn; returns once it is kept. One that came before changes nothing.

        Nor does one that is not `meant` for the bot. StoreError where it could not be kept and the platform brings it
        again; OneBot does not, so there it is tried until it is kept.
        """

        async def keep() -> bool:
            return await asyncio.to_thread(self._store.write, lambda rows: meant(rows) and rows.add_heard(heard))

        try:
            async with self._keeping.enter(heard.address):
                if await (self._persist(keep) if heard.address.platform == "onebot" else keep()):
                    self._begin(Errand(heard, self._refusal(heard)))
        except StoreError as error:
            log.warning("QQ：消息无法保存，平台会再次推送：%s", error)
            raise

    @property
    def busy(self) -> bool:
        """Whether something is being kept or answered."""
        return bool(self._keeping or self._tasks)

    async def close(self) -> None:
        """Stop; what is not answered is answered after the next start."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._clerk.close)

    def _begin(self, errand: Errand) -> None:
        """Have a message that is kept answered after those before it; after the next start where this one ends."""
        if not self._closed:
            task = asyncio.create_task(self._see_to(errand))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _see_to(self, errand: Errand) -> None:
        """Answer a message; where that fails say so, where that fails, too, forget it: it must not come again."""
        async with self._answering.enter(errand.heard.address):
            for way in (self._answer, self._apologize, self._end):
                try:
                    await self._persist(partial(way, errand))
                except Exception as error:
                    _own_up(error)
                else:
                    return

    async def _persist(self, deed: Callable[[], Awaitable[T]]) -> T:
        """Do something, however long the store cannot be written to."""
        tries = 0
        while True:
            try:
                return await deed()
            except ConstraintError:
                raise  # repeating does not help
            except StoreError as error:
                log.warning("QQ：暂时无法保存，稍后重试：%s", error)
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    async def _answer(self, errand: Errand) -> None:
        """Answer a message that is kept, and forget what it said. It takes nobody's place while its pictures come."""
        async with self._places:
            place = await self._find(errand)
        while place is not None:
            await self._clerk.collect(errand, place[0])
            async with self._places:
                place = await self._converse(errand, *place)

    async def _find(self, errand: Errand) -> Place | None:
        """Where a message is to be answered; None where it is dealt with already: it needs no turn of the bot's."""
        heard = errand.heard
        chat, group = await asyncio.to_thread(self._store.write, lambda rows: self._look(rows, heard))
        if errand.instead == "" or (group is not None and group.mode == "off"):
            await self._end(errand)
            return None
        conversation_id = chat.conversation_id if chat else await asyncio.to_thread(self._open, heard, group)
        if errand.instead is not None:
            return await self._say(errand, [errand.instead], conversation_id, group)
        if not heard.pictures and wording.is_more(heard.text) and await self._outgoing.more(conversation_id, heard):
            return None
        return conversation_id, group

    async def _converse(self, errand: Errand, conversation_id: str, group: Group | None) -> Place | None:
        """Have the bot answer a message; where to go on, if the conversation went and not all was taken."""
        await self._clerk.serve(errand, conversation_id, self._system(group))
        return await self._say(errand, errand.said, conversation_id, group)

    async def _say(self, errand: Errand, said: list[str], conversation_id: str, group: Group | None) -> Place | None:
        """Say what could not be taken, if anything, and forget the message; where to go on, as in `_converse`."""
        if said and await asyncio.to_thread(self._store.read, lambda rows: rows.chat(conversation_id)) is None:
            errand.begin_anew()  # deleted, or taken to the web chat
            return await self._find(errand)
        if not said or (group is not None and group.mode == "quiet"):
            await self._end(errand)
        else:
            await self._outgoing.tell(conversation_id, "\n".join(dict.fromkeys(said)), errand.heard)
        return None

    async def _apologize(self, errand: Errand) -> None:
        """Say that a message could not be dealt with, and forget it."""
        heard = errand.heard
        chat, group = await asyncio.to_thread(self._store.write, lambda rows: self._look(rows, heard))
        if chat is None or (group is not None and group.mode != "answer"):
            await self._end(errand)
        else:
            await self._outgoing.tell(chat.conversation_id, wording.FAILED, heard)

    async def _end(self, errand: Errand) -> None:
        """Forget a message without a word."""
        await asyncio.to_thread(self._store.write, lambda rows: rows.end_heard(errand.heard))

    def _look(self, rows: Transaction, heard: Heard) -> tuple[Chat | None, Group | None]:
        """The chat at an address, which this message opens to replies; and the group, if it is one."""
        address = heard.address
        group = None
        if address.group is not None:
            group = rows.see_group(address.platform, address.self_id, address.group, self._clock())
        chat = rows.chat_at(address)
        if chat is not None:
            chat = chat.hear(heard)
            rows.put_chat(chat)
        return chat, group

    def _open(self, heard: Heard, group: Group | None) -> str:
        """A new conversation at an address; its id."""

        def hold(rows: Transaction, conversation_id: str) -> None:
            rows.put_chat(Chat(conversation_id, heard.address, 0, (Opening(heard.message_id, heard.at),)))

        return self._bot.begin(self._system(group), channel="qq", also=hold).conversation_id

    def _system(self, group: Group | None) -> str | None:
        """The system that a group is about, as long as there is one of that key."""
        return group.system if group is not None and group.system in self._bot.desk.systems else None

    def _refusal(self, heard: Heard) -> str | None:
        """What to say instead of an answer to who says too much: "" where it was said just now; None: go on."""
        address = heard.address
        person = f"{address.platform} {address.self_id} {address.group} {address.user}"
        try:
            self._limits.person.spend(person)
            if address.group is not None:
                self._limits.group.spend(f"{address.platform} {address.self_id} {address.group}")
        except HTTPException as error:
            try:
                self._limits.refusals.spend(person)
            except HTTPException:
                return ""
            return error.detail
        return None


def _own_up(error: Exception) -> None:
    """Log a fault of ours: what and where, but not in its own words, which may be the visitor's."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("QQ：一条消息处理出错：%s（%s:%s）", type(error).__name__, place.name, place.lineno)
