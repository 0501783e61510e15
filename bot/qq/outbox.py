"""Delivering what is to go out to QQ: each chat by itself, its pieces one after the other, and nothing lost on the way.

What goes out next is decided, and what came of the last piece is noted, in one transaction before each sending
(`parcel`). A piece that a crash cut off is handed over again as the same reply to the same message, and the official
platform drops it if it had it. An active push, and OneBot as a whole, know no such thing: there a crash, or an answer
that did not come, may double that one piece, once. One process delivers, as with notices.

A chat whose platform is slow or refuses holds up no other: it rests, after pauses that grow, and tries again at once
when the person speaks.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from bot.qq.line import Content, Later, LineError, Refused, Unclear, Unfit
from bot.qq.model import Chat, Heard, Piece
from bot.qq.parcel import Packing, Parcel
from bot.store.base import ConstraintError, Store, StoreError, Transaction

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE: Final = 16
"""Pieces that are on their way to one platform at the same time."""
LOOK_SECONDS: Final = 30.0
"""Between two looks where nobody wakes the outbox."""
SEND_SECONDS: Final = 30.0
"""After which a platform is taken not to have answered."""
FIRST_PAUSE: Final = 1.0
"""Seconds after a first failure; each further pause is twice as long …"""
LONGEST_PAUSE: Final = 60.0
"""… up to this, whatever a platform asks for: it may be mistaken, and its limits are seldom those of one chat."""
NEW_CHATS: Final = 200
"""Chats that one look begins with."""

FINISH_LOOK: Final = 0.02
"""Seconds between two looks whether all that was under way is through."""


@dataclass(slots=True)
class _Visit:
    """A task's work for a chat: the person's last message as far as is known, and whether there was another since."""

    last: str | None
    heard: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """Delivers from a store by lines; `run` is a task of the event loop that the lines belong to.

    `packing` decides what goes out, and by which lines. `picture` gives the bytes of the picture of an id, None
    where it is gone. `every` is how many seconds pass between looks unless somebody calls `wake`, `patience` how many a
    line may take for one piece. `changed` is told of each conversation of whose messages something became.
    """

    def __init__(
        self,
        store: Store,
        packing: Packing,
        picture: Callable[[str], bytes | None],
        *,
        changed: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        every: float = LOOK_SECONDS,
        patience: float = SEND_SECONDS,
    ) -> None:
        self._store, self._packing, self._lines = store, packing, packing.lines
        self._picture, self._changed = picture, changed
        self._sleep, self._every, self._patience = sleep, every, patience
        self._rooms = {platform: asyncio.Semaphore(AT_ONCE) for platform in packing.lines}
        self._busy: dict[str, _Visit] = {}  # conversations that a task sees to
        self._under_way = 0  # parcels that a platform has, or that what came of is not kept yet
        self._leaving = False
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There may be something new. From any thread; returns at once."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the next start looks by itself
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Deliver until cancelled; what is not delivered by then is delivered after the next start."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                await self._look(group)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await self._woken.wait()

    async def finish(self, seconds: float) -> None:
        """Begin with nothing more, and wait until what is under way is through, or for so many seconds.

        To be called while the platforms' connections are still there: what they cut off may come twice later.
        """
        self._leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way:
                    await asyncio.sleep(FINISH_LOOK)

    def is_open(self, chat: Chat) -> bool:
        """Whether a message of the person's can still be replied to; without that, only an active push is left."""
        return self._packing.is_open(chat)

    async def more(self, conversation_id: str, heard: Heard | None = None) -> bool:
        """Let the next portion of a long message go; False if nothing is held.

        `heard` is the message that asked for it: it is answered in the same transaction, for if it were taken up again
        after a crash, it would ask for one portion more.
        """

        def work(rows: Transaction) -> bool:
            released = self._packing.release(rows, conversation_id)
            if released and heard:
                rows.end_heard(heard)
            return released

        released = await asyncio.to_thread(self._store.write, work)
        self.wake()
        return released

    async def tell(self, conversation_id: str, text: str, heard: Heard | None = None) -> None:
        """Say something that is no message of the conversation's; `heard` is answered by it, as in `more`."""

        def work(rows: Transaction) -> None:
            self._packing.add(rows, conversation_id, text)
            if heard:
                rows.end_heard(heard)

        await asyncio.to_thread(self._store.write, work)
        self.wake()

    async def _look(self, group: asyncio.TaskGroup) -> None:
        """Begin with the chats that have something to deliver and that no task sees to."""
        limit = len(self._busy) + NEW_CHATS  # those that wait for a dead platform must not hide the others
        try:
            behind = await asyncio.to_thread(self._store.read, lambda rows: rows.chats_behind(limit))
        except StoreError as error:
            log.warning("QQ：暂时无法读取待发送的消息，稍后重试：%s", error)
            return
        except Exception as error:
            _own_up(error)
            return
        for chat in behind:
            last = chat.openings[-1].message_id if chat.openings else None
            visit = self._busy.get(chat.conversation_id)
            if visit is None and not self._leaving:
                visit = self._busy[chat.conversation_id] = _Visit(last)
                group.create_task(self._see_to(chat.conversation_id, visit))
            elif visit is not None and visit.last != last:
                visit.last = last
                visit.heard.set()
        if len(behind) == limit and not self._leaving:
            self._woken.set()

    async def _see_to(self, conversation_id: str, visit: _Visit) -> None:
        """Deliver what a chat has to deliver, however long that takes."""
        try:
            await self._deliver(conversation_id, visit)
        except Exception as error:
            _own_up(error)
            await self._sleep(LONGEST_PAUSE)
        finally:
            del self._busy[conversation_id]
            self._woken.set()  # something may have come while the task was ending

    async def _deliver(self, conversation_id: str, visit: _Visit) -> None:
        following = partial(self._packing.step, conversation_id=conversation_id)
        parcel = await self._write(following)
        tries = 0
        while parcel is not None:
            async with self._rooms.get(parcel.address.platform, nullcontext()):
                if self._leaving:
                    return
                self._under_way += 1
                try:
                    came = await self._hand_over(parcel)
                    if isinstance(came, Later) or self._leaving:
                        await self._write(partial(self._packing.settle, parcel=parcel, came=came))
                        parcel = None
                    else:
                        parcel = await self._write(partial(following, parcel=parcel, came=came))
                finally:
                    self._under_way -= 1
            self._changed(conversation_id)
            if isinstance(came, Later):
                heard = await self._rest(visit, min(max(came.wait or 0.0, _pause(tries)), LONGEST_PAUSE))
                tries = 0 if heard else tries + 1
                parcel = await self._write(following)
                self._changed(conversation_id)
            else:
                tries = 0

    async def _rest(self, visit: _Visit, seconds: float) -> bool:
        """Pause for so many seconds; True where the person spoke meanwhile, which ends it: somebody waits now."""
        pauses = [asyncio.ensure_future(each) for each in (self._sleep(seconds), visit.heard.wait())]
        try:
            done, _ = await asyncio.wait(pauses, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pause in pauses:
                pause.cancel()
        for pause in done:
            pause.result()
        heard = visit.heard.is_set()
        visit.heard.clear()
        return heard

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        """Write, however long the store cannot be written to: what a platform took must not be forgotten."""
        tries = 0
        while True:
            try:
                return await asyncio.to_thread(self._store.write, work)
            except ConstraintError:
                raise
            except StoreError as error:
                log.warning("QQ：暂时无法保存发送情况，稍后重试：%s", error)
            await self._sleep(_pause(tries))
            tries += 1

    async def _hand_over(self, parcel: Parcel) -> str | LineError:
        """Hand a parcel to its line: what the platform calls it, or why it was not taken."""
        line = self._lines.get(parcel.address.platform)
        if line is None:
            return Refused("没有启用这个平台的接入")
        first = parcel.pieces[0]
        try:
            async with asyncio.timeout(self._patience):
                contents = [await self._content(piece) for piece in parcel.pieces]
                if len(contents) > 1:
                    return await line.forward(parcel.address, contents)
                return await line.send(parcel.address, contents[0], first.message_id, first.reply)
        except LineError as error:
            return error
        except TimeoutError:
            return Unclear("平台没有回应")
        except Exception as error:
            _own_up(error)
            return Unclear("程序内部错误")

    async def _content(self, piece: Piece) -> Content:
        if piece.picture is None:
            return piece.text
        picture = await asyncio.to_thread(self._picture, piece.picture)
        if picture is None:
            raise Unfit("图片已从服务器上删除")
        return picture


def _pause(tries: int) -> float:
    """Seconds to wait after one failure more than `tries`."""
    return float(min(FIRST_PAUSE * 2 ** min(tries, 30), LONGEST_PAUSE))


def _own_up(error: Exception) -> None:
    """Log a fault of ours: what and where, but not in its own words, which may be the visitor's."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("QQ：发送出错，稍后重试：%s（%s:%s）", type(error).__name__, place.name, place.lineno)
