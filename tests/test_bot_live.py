"""Waking those who listen: from any thread, as often as needed, and without leaving anything behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest

from bot.live import MOST_SIGNALS, QUEUE, Live, Watch

LONG = 20.0
"""Seconds; whoever waits that long in vain fails the test."""


@pytest.fixture
def live() -> Live:
    return Live()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in an event loop of its own; it fails where it waited for something that did not come."""
    started = time.monotonic()
    asyncio.run(test())
    assert time.monotonic() - started < LONG / 2


def from_another_thread(work: Callable[[], None]) -> None:
    thread = Thread(target=work)
    thread.start()
    thread.join()


def test_a_change_wakes_those_who_listen_to_its_topic(live: Live) -> None:
    """All of them, and nobody else."""

    async def test() -> None:
        with live.watch("c") as one, live.watch("c") as two, live.watch("d") as other:
            live.changed("c")
            assert await one.wait(LONG) == ()
            assert await two.wait(LONG) == ()
            assert other._woken.is_set() is False
            assert await other.wait(0.01) == ()

    run(test)


def test_several_topics_change_at_once(live: Live) -> None:
    """A message wakes its conversation and the queue; a topic nobody listens to is none the worse."""

    async def test() -> None:
        with live.watch("c") as one, live.watch(QUEUE) as queue:
            live.changed("nobody", "c", QUEUE)
            await asyncio.gather(one.wait(LONG), queue.wait(LONG))

    run(test)


def test_waiting_ends_by_itself(live: Live) -> None:
    """After its seconds, with nothing."""

    async def test() -> None:
        with live.watch("c") as one:
            assert await one.wait(0.01) == ()
            assert await one.wait(0) == ()

    run(test)


def test_a_change_before_the_waiting_is_not_missed(live: Live) -> None:
    """Whoever reads the store between two waits learns of what came meanwhile, and once."""

    async def test() -> None:
        with live.watch("c") as one:
            live.changed("c")
            live.changed("c")
            await asyncio.sleep(0)
            await one.wait(LONG)
            assert one._woken.is_set() is False

    run(test)


def test_a_waiting_listener_is_woken_from_another_thread(live: Live) -> None:
    """The threads that write are not those that wait."""

    async def test() -> None:
        with live.watch("c") as one:
            waiting = asyncio.create_task(one.wait(LONG))
            await asyncio.sleep(0.01)
            await asyncio.to_thread(live.signal, "c", "typing")
            assert await waiting == ("typing",)

    run(test)


def test_signals_come_in_order_and_once(live: Live) -> None:
    """They travel with the waking and are gone afterwards."""

    async def test() -> None:
        with live.watch("c") as one:
            for number in range(3):
                live.signal("c", str(number))
            assert await one.wait(LONG) == ("0", "1", "2")
            assert await one.wait(0.01) == ()

    run(test)


def test_signals_that_nobody_takes_do_not_pile_up(live: Live) -> None:
    """Only the last ones are kept."""

    async def test() -> None:
        with live.watch("c") as one:
            for number in range(MOST_SIGNALS * 100):
                live.signal("c", str(number))
            signals = await one.wait(LONG)
            assert signals == tuple(str(number) for number in range(MOST_SIGNALS * 99, MOST_SIGNALS * 100))

    run(test)


def test_many_threads_wake_many_listeners_and_nobody_is_forgotten(live: Live) -> None:
    """Eight threads that signal, and thirty listeners that come and go meanwhile."""

    async def listen() -> None:
        with live.watch("c") as one:
            while "end" not in await one.wait(LONG):
                pass

    async def test() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(8) as pool:
            listening = [asyncio.create_task(listen()) for _ in range(30)]
            await asyncio.sleep(0)
            assert live.count("c") == 30
            noise = [loop.run_in_executor(pool, live.changed, "c", QUEUE) for _ in range(200)]
            passing = [asyncio.create_task(pass_by()) for _ in range(30)]
            await asyncio.gather(*noise, *passing)
            await loop.run_in_executor(pool, live.signal, "c", "end")
            await asyncio.gather(*listening)
        assert live.count() == 0

    async def pass_by() -> None:
        with live.watch("c") as one:
            await one.wait(0.001)

    run(test)


def test_who_listens_is_counted(live: Live) -> None:
    """By topic and in all; asking for a topic does not make one."""

    async def test() -> None:
        with live.watch("c"), live.watch("c"), live.watch("d"):
            assert [live.count("c"), live.count("d"), live.count("e"), live.count()] == [2, 1, 0, 3]
        assert [live.count("c"), live.count()] == [0, 0]

    run(test)


def test_a_topic_is_forgotten_with_its_last_listener(live: Live) -> None:
    """Also where listening ended in an error, and for topics that only changed: memory does not grow with visitors."""

    async def test() -> None:
        for number in range(100):
            with pytest.raises(LookupError), live.watch(str(number)):
                raise LookupError
            live.changed(f"x{number}")
            live.signal(f"y{number}", "typing")
            live.count(f"z{number}")
        assert dict(live._watches) == {}

    run(test)


def test_a_listener_that_was_cancelled_leaves_nothing(live: Live) -> None:
    """A browser that goes away cancels its stream."""

    async def listen() -> None:
        with live.watch("c") as one:
            await one.wait(LONG)

    async def test() -> None:
        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        assert live.count() == 1
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        assert dict(live._watches) == {}

    run(test)


def test_closing_sends_everybody_home_at_once(live: Live) -> None:
    """Also those who wait again, and those who come later, so that a server can stop."""

    async def test() -> None:
        with live.watch("c") as one, live.watch(QUEUE) as two:
            waiting = [asyncio.create_task(watch.wait(LONG)) for watch in (one, two)]
            await asyncio.sleep(0)
            await asyncio.to_thread(live.close)
            await asyncio.gather(*waiting)
            assert (one.closed, two.closed) == (True, True)
            await one.wait(LONG)
            with live.watch("d") as late:
                assert late.closed
                await late.wait(LONG)
                await late.wait(LONG)
            live.close()
        assert live.count() == 0

    run(test)


def test_a_listener_whose_loop_is_closed_does_no_harm(live: Live) -> None:
    """A thread that wakes it goes on as if nobody listened, and the others are woken."""
    made: list[Watch] = []

    async def stay() -> None:
        made.append(Watch())

    asyncio.run(stay())
    live._watches["c"].update(made)

    async def test() -> None:
        with live.watch("c") as one:
            from_another_thread(lambda: live.signal("c", "typing"))
            assert await one.wait(LONG) == ("typing",)
            from_another_thread(live.close)
            await one.wait(LONG)
            assert one.closed

    run(test)


def test_listening_needs_an_event_loop(live: Live) -> None:
    """Without one nothing is registered."""
    with pytest.raises(RuntimeError, match="event loop"), live.watch("c"):
        pass
    assert live.count() == 0
