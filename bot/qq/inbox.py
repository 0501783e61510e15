"""What is heard, kept before anything else is done, and answered once: in order for each address, many at a time.

A platform tells the same event again when it is not sure that it arrived, and after a restart. The store knows which
came before; a turn that was cut off is taken up again under the same client message id, by which `Bot` knows it. What
the bot says to it is stored with the turn and goes out by the outbox.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from fastapi import HTTPException

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.picture import PictureError
from bot.qq import wording
from bot.qq.model import Address, Chat, Group, Heard
from bot.store.base import Store, StoreError, Transaction
from bot.turn import Incoming, MessageConflict, Pass, TurnError

log = logging.getLogger(__name__)

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
        self._lanes: dict[Address, deque[tuple[Heard, asyncio.Future[None]]]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Answer what was left unanswered when the process ended."""
        for heard in await asyncio.to_thread(self._store.read, lambda rows: rows.unanswered()):
            self._line_up(heard, kept=True)

    async def take(self, heard: Heard) -> None:
        """Have a message answered in its turn; returns once it is kept. One that came before changes nothing."""
        await self._line_up(heard, kept=False)

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""
        return bool(self._lanes)

    async def close(self) -> None:
        """Stop; what is not answered is answered after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _line_up(self, heard: Heard, *, kept: bool) -> asyncio.Future[None]:
        """Put a message behind those of its address, at once: messages are kept in the order in which they came."""
        arrived = asyncio.get_running_loop().create_future()
        if kept:
            arrived.set_result(None)
        lane = self._lanes.get(heard.address)
        if lane is None:
            lane = self._lanes[heard.address] = deque()
            task = asyncio.create_task(self._work(heard.address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        lane.append((heard, arrived))
        return arrived

    async def _work(self, address: Address) -> None:
        lane = self._lanes[address]
        try:
            while lane:
                heard, arrived = lane[0]
                try:
                    if arrived.done() or await self._keep(heard, arrived):
                        async with self._turns:
                            await self._persist(lambda heard=heard: self._answer(heard))  # type: ignore[misc]
                except Exception:
                    log.exception("QQ：一条消息处理失败，重启后会再次处理")
                lane.popleft()
        finally:
            del self._lanes[address]
            for _, arrived in lane:
                arrived.cancel()

    async def _keep(self, heard: Heard, arrived: asyncio.Future[None]) -> bool:
        """Keep a message; whether it is new."""
        try:
            new: bool = await asyncio.to_thread(self._store.write, lambda rows: rows.add_heard(heard))
        except StoreError as error:
            log.warning("QQ：消息无法保存，平台会再次推送：%s", error)
            if not arrived.cancelled():
                arrived.set_exception(error)
            return False
        if not arrived.cancelled():
            arrived.set_result(None)
        return new

    async def _persist(self, deed: Callable[[], Awaitable[None]]) -> None:
        """Do something, however long the store cannot be written to."""
        for attempt in range(10**6):
            try:
                return await deed()
            except StoreError as error:
                log.warning("QQ：暂时无法保存，稍后重试：%s", error)
                await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        return None

    async def _answer(self, heard: Heard) -> None:
        """Answer a message that is kept, and forget what it said."""
        chat, group = await asyncio.to_thread(self._store.write, lambda rows: self._look(rows, heard))
        conversation_id = chat.conversation_id if chat else await asyncio.to_thread(self._open, heard, group)
        refusal = self._refusal(heard)
        if group is not None and group.mode == "off":
            said: list[str] = []
        elif refusal is not None:
            said = [refusal] if refusal else []
        elif not heard.text and not heard.pictures:
            said = [wording.UNREADABLE]
        elif not heard.pictures and wording.is_more(heard.text) and await self._outgoing.more(conversation_id, heard):
            return
        else:
            said = await asyncio.to_thread(self._turns_of, heard, conversation_id, group)
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
