"""How the outbox ends: what a platform has arrives, and nothing more begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from outgoing import Hall, run, running, until

from bot.qq.line import Content, Unclear
from bot.qq.model import Address
from bot.qq.outbox import NEW_CHATS
from bot.store.base import Transaction

pytest_plugins = ("halls",)

T = TypeVar("T")


class Slow:
    """Holds what it is given until it is let go; `cut` is how a connection ends."""

    def __init__(self, hall: Hall) -> None:
        self.line = hall.line
        self.has = asyncio.Event()
        self.free = asyncio.Event()
        self.cut = False
        hall.lines["qq"] = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        return getattr(self.line, name)

    async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:
        self.has.set()
        await self.free.wait()
        if self.cut:
            raise Unclear("连接断开")
        return await self.line.send(address, content, message_id, reply)


def test_what_a_platform_has_at_the_end_is_waited_for(endless: Hall) -> None:
    """It is noted as sent; the next message, and the next piece, wait for the next start, and nothing comes twice."""

    async def test() -> None:
        slow = Slow(endless)
        outbox = endless.outbox()
        endless.say("一")
        endless.say("二")
        async with running(outbox):
            await slow.has.wait()
            finishing = asyncio.create_task(outbox.finish(20))
            await asyncio.sleep(0.1)
            assert not finishing.done()
            slow.free.set()
            await finishing
            assert endless.texts() == ["一"]
            endless.say("三")
            outbox.wake()
            await until(lambda: endless.states()[:1] == ["sent"])

    run(test)
    assert endless.texts() == ["一"]
    endless.lines["qq"] = endless.line
    endless.deliver()
    assert endless.texts() == ["一", "二", "三"]


def test_the_end_is_not_held_up_for_ever(hall: Hall) -> None:
    """A platform that hangs is left."""

    async def test() -> None:
        slow = Slow(hall)
        outbox = hall.outbox()
        hall.say("一")
        async with running(outbox):
            await slow.has.wait()
            await asyncio.wait_for(outbox.finish(0.1), 10)
            assert hall.states() == ["sending"]

    run(test)


def test_with_nothing_under_way_the_end_waits_for_nothing(hall: Hall) -> None:
    """A chat that rests after a failure counts as nothing."""

    async def test() -> None:
        slow = Slow(hall)
        slow.free.set()
        slow.cut = True
        resting = asyncio.Event()

        async def rest(_: float) -> None:
            resting.set()
            await asyncio.sleep(1000)

        outbox = hall.outbox(sleep=rest)
        hall.say("一")
        async with running(outbox):
            await resting.wait()
            await asyncio.wait_for(outbox.finish(1000), 10)

    run(test)


@pytest.mark.parametrize("cut", [False, True])
def test_what_came_of_the_last_piece_is_kept(hall: Hall, cut: bool) -> None:
    """Whether it arrived or not."""

    async def test() -> None:
        slow = Slow(hall)
        outbox = hall.outbox()
        hall.say("一\n二")
        async with running(outbox):
            await slow.has.wait()
            slow.cut = cut
            finishing = asyncio.create_task(outbox.finish(20))
            await asyncio.sleep(0.05)
            slow.free.set()
            await finishing

    run(test)
    first, second = hall.pieces()
    assert (first.state, first.reason) == (("sending", "连接断开") if cut else ("sent", None))
    assert second.state == "queued"
    hall.lines["qq"] = hall.line
    hall.deliver()
    assert hall.texts() == ["一", "二"]


def test_the_end_does_not_look_about_for_ever(hall: Hall) -> None:
    """Though more chats wait than one look takes in."""

    async def test() -> None:
        slow = Slow(hall)
        reads = 0
        read = hall.store.read

        def counted(work: Callable[[Transaction], T]) -> T:
            nonlocal reads
            reads += 1
            return read(work)

        outbox = hall.outbox()
        for number in range(NEW_CHATS + 50):
            hall.open(f"c{number}")
            hall.say("一", f"c{number}")
        hall.say("一")
        async with running(outbox):
            await slow.has.wait()
            hall.store.read = counted  # type: ignore[method-assign]
            await outbox.finish(0.5)
            hall.store.read = read  # type: ignore[method-assign]
            assert reads < 10

    run(test)
