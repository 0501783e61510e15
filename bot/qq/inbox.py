"""What is heard, kept before anything else is done, and answered once: in order for each address, many at a time.

A platform tells the same event again when it is not sure that it arrived, and after a restart. The store knows which
came before; a turn that was cut off is taken up again under the same client message id, by which `Bot` knows it. What
the bot says to it is stored with the turn and goes out by the outbox.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeVar

from fastapi import HTTPException

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.picture import PictureError
from bot.qq import wording
from bot.qq.fetch import FAILED
from bot.qq.model import Address, Chat, Group, Heard
from bot.store.base import ConstraintError, Store, StoreError, Transaction
from bot.turn import Incoming, MessageConflict, Pass, TurnError

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE: Final = 8
"""Messages that are answered at the same time."""
MOST_PICTURES: Final = 5
"""Pictures of one message that are looked at."""
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


@dataclass(slots=True)
class _Lane:
    """The messages of one address: how many are about to be kept, and those that wait for an answer, or are refused."""

    keeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    arriving: int = 0
    waiting: deque[tuple[Heard, str | None]] = field(default_factory=deque)
    working: bool = False


class Inbox:
    """Takes messages in one event loop, works in threads. `keep_picture(holder, url, address)` gives a picture's id."""

    def __init__(
        self,
        bot: Bot,
        store: Store,
        outgoing: Outgoing,
        keep_picture: Callable[[Pass, str, Address], str],
        limits: Limits,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bot, self._store, self._outgoing = bot, store, outgoing
        self._keep_picture, self._limits, self._clock = keep_picture, limits, clock
        self._lanes: dict[Address, _Lane] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        # Of its own: turns that wait for pictures must not keep others from being kept and delivered.
        self._threads = ThreadPoolExecutor(AT_ONCE, "qq")
        self._tasks: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Answer what was left unanswered when the process ended."""
        for heard in await asyncio.to_thread(self._store.read, lambda rows: rows.unanswered()):
            self._line_up(heard, self._lanes.setdefault(heard.address, _Lane()), None)

    async def take(self, heard: Heard) -> None:
        """Have a message answered in its turn; returns once it is kept. One that came before changes nothing.

        StoreError where it could not be kept and the platform brings it again; OneBot does not, so there it is tried
        until it is kept.
        """

        async def keep() -> bool:
            return await asyncio.to_thread(self._store.write, lambda rows: rows.add_heard(heard))

        lane = self._lanes.setdefault(heard.address, _Lane())
        lane.arriving += 1
        try:
            async with lane.keeping:  # in the order in which they came
                if await (self._persist(keep) if heard.address.platform == "onebot" else keep()):
                    self._line_up(heard, lane, self._refusal(heard))
        except StoreError as error:
            log.warning("QQ：消息无法保存，平台会再次推送：%s", error)
            raise
        finally:
            lane.arriving -= 1
            self._let_go(heard.address, lane)

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""
        return bool(self._lanes)

    async def close(self) -> None:
        """Stop; what is not answered is answered after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown)

    def _line_up(self, heard: Heard, lane: _Lane, refusal: str | None) -> None:
        """Have a message that is kept answered after those before it, or refused."""
        lane.waiting.append((heard, refusal))
        if not lane.working:
            lane.working = True
            task = asyncio.create_task(self._work(heard.address, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _let_go(self, address: Address, lane: _Lane) -> None:
        if not lane.arriving and not lane.working:
            self._lanes.pop(address, None)

    async def _work(self, address: Address, lane: _Lane) -> None:
        try:
            while lane.waiting:
                heard, refusal = lane.waiting.popleft()
                try:
                    async with self._turns:
                        await self._persist(partial(self._answer, heard, refusal))
                except Exception as error:
                    await self._give_up(heard, error)
        finally:
            lane.working = False
            self._let_go(address, lane)

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

    async def _give_up(self, heard: Heard, error: Exception) -> None:
        """Say that a message could not be dealt with; it must not come again at each start."""
        place = traceback.extract_tb(error.__traceback__)[-1]  # without its words, which may be the visitor's
        log.error("QQ：一条消息处理出错：%s（%s:%s）", type(error).__name__, place.name, place.lineno)
        with suppress(StoreError):  # then at the next start
            chat = await asyncio.to_thread(self._store.read, lambda rows: rows.chat_at(heard.address))
            if chat is not None:
                await self._outgoing.tell(chat.conversation_id, wording.FAILED, heard)

    async def _answer(self, heard: Heard, refusal: str | None) -> None:
        """Answer a message that is kept, and forget what it said; `refusal` is what to say instead ("": nothing)."""
        chat, group = await asyncio.to_thread(self._store.write, lambda rows: self._look(rows, heard))
        if refusal == "" or (group is not None and group.mode == "off"):
            await asyncio.to_thread(self._store.write, lambda rows: rows.end_heard(heard))
            return
        conversation_id = chat.conversation_id if chat else await asyncio.to_thread(self._open, heard, group)
        said: list[str]
        if refusal is not None:
            said = [refusal]
        elif not heard.text and not heard.pictures:
            said = [wording.UNREADABLE]
        elif not heard.pictures and wording.is_more(heard.text) and await self._outgoing.more(conversation_id, heard):
            return
        else:
            said = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._turns_of, heard, conversation_id, group
            )
        if group is not None and group.mode == "quiet":
            said = []
        for text in said[:-1]:
            await self._outgoing.tell(conversation_id, text)
        if said:
            await self._outgoing.tell(conversation_id, said[-1], heard)
        else:
            await asyncio.to_thread(self._store.write, lambda rows: rows.end_heard(heard))

    def _look(self, rows: Transaction, heard: Heard) -> tuple[Chat | None, Group | None]:
        """The chat at an address, which what goes out now replies to this message of; and the group, if it is one."""
        address = heard.address
        group = None
        if address.group is not None:
            group = rows.see_group(address.platform, address.self_id, address.group, self._clock())
        chat = rows.chat_at(address)
        if chat is not None and chat.message_id != heard.message_id:
            chat = replace(chat, message_id=heard.message_id, heard_at=heard.at, replies=0)
            rows.put_chat(chat)
        return chat, group

    def _open(self, heard: Heard, group: Group | None) -> str:
        """A new conversation at an address; its id."""
        conversation_id = self._bot.begin(self._system(group), channel="qq").conversation_id
        chat = Chat(conversation_id, heard.address, 0, heard.message_id, heard.at)
        self._store.write(lambda rows: rows.put_chat(chat))
        return conversation_id

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

    def _turns_of(self, heard: Heard, conversation_id: str, group: Group | None) -> list[str]:
        """Have the bot answer, once for each picture; what it could not take, in words for the visitor."""
        holder = Pass(conversation_id, self._bot.token(conversation_id))
        said = []
        pictures = heard.pictures[:MOST_PICTURES] if group is None else ()
        for number, url in enumerate(pictures or (None,)):
            text = heard.text if number == 0 else ""
            try:
                picture = None if url is None else self._keep_picture(holder, url, heard.address)
            except (PictureError, TurnError, HTTPException) as error:
                said.append(error.detail if isinstance(error, HTTPException) else str(error))
                picture = None
            except RuntimeError:  # pictures cannot be drawn on this machine
                log.exception("QQ：图片无法处理")
                said.append(FAILED)
                picture = None
            if not text and picture is None:
                continue
            incoming = Incoming(
                text=text or None,
                picture=picture,
                client_message_id=_client_id(heard, number),
                system=self._system(group) if group is not None else None,
            )
            try:
                self._bot.turn(
                    incoming,
                    holder,
                    channel="qq",
                    public=heard.address.group is not None,
                    may_hand_in=self._limits.tickets.spend,
                )
            except MessageConflict:
                pass  # this very message was answered before the process ended; its picture was fetched once more
            except (TurnError, HTTPException) as error:
                said.append(error.detail if isinstance(error, HTTPException) else str(error))
        if heard.pictures and group is not None and not heard.text:
            said.append(wording.NO_PICTURES_HERE)
        return said


def _client_id(heard: Heard, number: int) -> str:
    """The id that `Bot` knows a message by, however often it comes."""
    address = heard.address
    key = f"{address.platform} {address.self_id} {heard.message_id} {number}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]
