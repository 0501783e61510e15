"""What the tests of the way out to QQ share: a platform, a clock, and an outbox between a store and the platform."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from stored import NOW

from bot.model import Author, Conversation, Message, Reply
from bot.qq.line import Content, Expired, Line, Repeated, Window
from bot.qq.model import Address, Chat, Heard, Opening, Piece, Platform
from bot.qq.outbox import Outbox
from bot.qq.parcel import Packing
from bot.store.base import Transaction
from bot.store.sqlite import SqliteStore

T = TypeVar("T")

LONG = 20.0
"""Seconds; whoever waits that long in vain fails the test."""
COUNTED = Window(timedelta(minutes=60), timedelta(minutes=5), 5)
ENDLESS = Window(None, None, None)
ANSWER = Reply("answer", "x", 0.9)
SORRY = "对不起"


class Crash(BaseException):
    """The process ends here; nothing that handles errors sees it."""


class Clock:
    """A time that goes on only when somebody sleeps, or the test says so."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a platform took."""

    user: str
    text: Content
    message_id: str | None
    reply: int | None


Fault = Callable[[str], None]
"""Called with "before" and "after" the platform took something; may raise."""


class FakeLine:
    """A platform as the official one is: it drops repeated replies, and knows how long and often one may reply.

    `faults` are for the next things sent, one each. `heard` is when each message of a user's came.
    """

    longest = 200
    filed = False

    def __init__(self, clock: Clock, window: Window = COUNTED, *, forwards: bool = False) -> None:
        self.clock, self.window, self.forwards = clock, window, forwards
        self.heard: dict[str, datetime] = {}
        self.sent: list[Sent] = []
        self.whole: list[tuple[Content, ...]] = []
        self.faults: list[Fault] = []
        self.tried: list[Sent] = []
        self.always: Fault = lambda _: None
        self.lied = False

    async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:
        piece = Sent(address.user, content, message_id, reply)
        self.tried.append(piece)
        fault = self._fault()
        await asyncio.sleep(0)
        fault("before")
        if message_id is not None and self.window.replies is not None:
            self._check(address, piece)
        self.sent.append(piece)
        await asyncio.sleep(0)
        fault("after")
        return f"p{len(self.sent)}"

    async def forward(self, address: Address, contents: Sequence[Content]) -> str:
        fault = self._fault()
        fault("before")
        self.whole.append(tuple(contents))
        self.sent += [Sent(address.user, content, None, None) for content in contents]
        await asyncio.sleep(0)
        fault("after")
        return f"f{len(self.whole)}"

    def _fault(self) -> Fault:
        own = [self.faults.pop(0)] if self.faults else []

        def fault(when: str) -> None:
            for one in (*own, self.always):
                one(when)

        return fault

    def _check(self, address: Address, piece: Sent) -> None:
        taken = {one.reply for one in self.sent if one.message_id == piece.message_id}
        if piece.reply in taken:
            raise Repeated("消息被去重")
        lasts = self.window.private if address.group is None else self.window.group
        assert piece.message_id is not None
        if lasts is not None and self.clock() >= self.heard[piece.message_id] + lasts:
            raise Expired("消息已过期")
        if self.window.replies is not None and len(taken) >= self.window.replies:
            raise Expired("回复次数已用完")


def raises(error: BaseException, when: str = "before") -> Fault:
    """A fault: the platform took it not (before), or took it and nobody knows (after)."""

    def fault(now: str) -> None:
        if now == when:
            raise error

    return fault


def said(_: Transaction, message: Message, __: Chat) -> str:
    return message.text


def by_line(text: str, longest: int) -> list[str]:
    """Every line a piece."""
    assert all(len(line.encode()) <= longest for line in text.split("\n"))
    return text.split("\n")


def lines_of(name: str, count: int) -> str:
    return "\n".join(f"{name}.{number}" for number in range(count))


class Hall:
    """A store, and a line for each platform."""

    def __init__(self, path: Path, window: Window = COUNTED, *, forwards: bool = False) -> None:
        self.path, self.clock = path, Clock()
        self.store = SqliteStore(path)
        self.line = FakeLine(self.clock, window, forwards=forwards)
        self.lines: dict[Platform, Line] = {"qq": self.line}
        self.text: Callable[[Transaction, Message, Chat], str] = said
        self.ids = itertools.count(1)
        self.pictures: dict[str, bytes] = {}
        self.crashes = 0

    def open(self, name: str = "c", *, group: str | None = None, platform: Platform = "qq") -> None:
        """Begin a conversation whose user is called like it."""
        message_id = self._heard()
        address = Address(platform, "bot", name, group)

        def work(t: Transaction) -> None:
            t.add_conversation(Conversation(name, "qq", None, NOW, NOW))
            t.put_chat(Chat(name, address, 0, (Opening(message_id, self.clock()),)))

        self.store.write(work)

    def hear(self, name: str = "c") -> str:
        """The user says something; what goes out from now on replies to that first."""
        message_id = self._heard()

        def work(t: Transaction) -> None:
            chat = t.chat(name)
            assert chat is not None
            t.put_chat(chat.hear(Heard(chat.address, message_id, "问", (), self.clock())))
            t.add_message(name, "visitor", "问", now=self.clock())

        self.store.write(work)
        return message_id

    def say(self, text: str, name: str = "c", *, author: Author = "bot", at: datetime | None = None) -> int:
        """A message is stored; of the bot's it is an answer. Its sequence number."""
        reply = ANSWER if author == "bot" else None
        message = self.store.write(lambda t: t.add_message(name, author, text, now=at or self.clock(), reply=reply))
        return message.sequence

    def outbox(self, *, split: Callable[[str, int], Sequence[str]] = by_line, **options: Any) -> Outbox:
        packing = Packing(
            self.lines,
            self.text,
            split,
            rewrite=lambda text: text.replace(".", "。"),
            spell=lambda text: text.replace("/", "／"),
            sorry=SORRY,
            clock=self.clock,
        )
        return Outbox(self.store, packing, self.pictures.get, **{"sleep": self.clock.sleep, "every": 1000.0, **options})

    def deliver(self) -> None:
        """Run an outbox until nothing is left to do; whatever ends it before that ends this, too."""
        run(self._deliver)

    def more(self, name: str = "c", heard: Heard | None = None) -> bool:
        return asyncio.run(self.outbox().more(name, heard))

    def tell(self, text: str, name: str = "c", heard: Heard | None = None) -> None:
        asyncio.run(self.outbox().tell(name, text, heard))

    def pieces(self, name: str = "c") -> list[Piece]:
        return self.store.read(lambda t: t.pieces(name))

    def states(self, name: str = "c") -> list[str]:
        return [piece.state for piece in self.pieces(name)]

    def reasons(self, name: str = "c") -> set[str | None]:
        return {piece.reason for piece in self.pieces(name) if piece.state == "failed"}

    def texts(self, name: str = "c") -> list[Content]:
        return [sent.text for sent in self.line.sent if sent.user == name]

    def replies(self, name: str = "c") -> list[tuple[str | None, int | None]]:
        return [(sent.message_id, sent.reply) for sent in self.line.sent if sent.user == name]

    def quiet(self, outbox: Outbox) -> bool:
        return not outbox._busy and not self.store.read(lambda t: t.chats_behind(1))

    async def _deliver(self) -> None:
        outbox = self.outbox()
        async with running(outbox):
            await until(lambda: self.quiet(outbox))

    def _heard(self) -> str:
        message_id = f"m{next(self.ids)}"
        self.line.heard[message_id] = self.clock()
        return message_id


def run(test: Callable[[], Awaitable[T]]) -> T:
    """Run a test in an event loop of its own; what ended it, out of its groups."""

    async def whole() -> T:
        return await test()

    try:
        return asyncio.run(whole())
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


@asynccontextmanager
async def running(outbox: Outbox) -> Any:
    """An outbox at work, for as long as the block lasts; where it fails, the block ends."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(outbox.run())
        yield task
        task.cancel()


async def once(hall: Hall, outbox: Outbox) -> None:
    async with running(outbox):
        await until(lambda: hall.quiet(outbox))


def portions(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Pieces, and the hint at each one's end."""
    return [(text.partition("\n\n")[0], text.partition("\n\n")[2]) for text in texts]
