"""Delivering kept notices: told to every target, deleted once all are done, told again after a crash."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from stored import CONVERSATION, NOW
from tenacity.wait import wait_fixed

from bot import courier
from bot.courier import Courier, Done, address
from bot.notify import Notice, Outcome, Target
from bot.store.base import StoreError
from bot.store.sqlite import SqliteStore
from bot.webhook import WebhookNotify

TAKEN = Outcome(True)
REFUSED = Outcome(False, reason="机器人地址无效")
BUSY = Outcome(False, retry=True, reason="等待超时")
FIRST, SECOND = Target("wecom", 1, "https://a.example"), Target("webhook", 2, "https://b.example", "s")


class Sender:
    """Keeps what it is told; the test says when it is done."""

    def __init__(self, target: Target, done: Done) -> None:
        self.target = target
        self.done = done
        self.told: list[Notice] = []
        self.closed: list[float] = []

    def tell(self, notice: Notice) -> None:
        self.told.append(notice)

    def close(self, timeout: float = 5.0) -> None:
        self.closed.append(timeout)

    def finish(self, number: int = 0, outcome: Outcome = TAKEN) -> None:
        self.done(self.told[number], self.target, outcome)

    @property
    def ids(self) -> list[str]:
        return [notice.id for notice in self.told]


class Eager(Sender):
    """Delivers at once, in the caller's thread."""

    def tell(self, notice: Notice) -> None:
        super().tell(notice)
        self.done(notice, self.target, TAKEN)


class Broken(Sender):
    """Raises, which senders never should."""

    def tell(self, notice: Notice) -> None:
        super().tell(notice)
        raise RuntimeError("broken")


class Desk:
    """A store with one ticket, and couriers over it."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteStore(path)
        self.store.write(lambda t: t.add_conversation(CONVERSATION))
        self.ticket = self.store.write(lambda t: t.add_ticket("c", "unlock", system="zyb", now=NOW))
        self.senders: dict[str, Sender] = {}
        self.couriers: list[Courier] = []
        self.now = NOW
        self.looks = 0

    def keep(self, *ids: str, at: datetime = NOW) -> None:
        for name in ids:
            notice = Notice(name, "ticket.waiting", self.ticket.number, "申请解锁", "zyb", "说明", at)
            self.store.write(lambda t, notice=notice: t.add_notice(notice))

    @property
    def kept(self) -> list[str]:
        return [notice.id for notice in self.store.read(lambda t: t.notices())]

    def start(self, *targets: Target, kind: type[Sender] = Sender, every: float = 60.0) -> Courier:
        def connect(target: Target, done: Done) -> Sender:
            self.senders[target.name] = kind(target, done)
            return self.senders[target.name]

        started = Courier(self.store, targets, connect, clock=self.look, every=every)
        self.couriers.append(started)
        return started

    def look(self) -> datetime:
        """The courier's clock, which counts how often it is looked at."""
        self.looks += 1
        return self.now

    def close(self) -> None:
        for started in self.couriers:
            started.close()
        self.store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path / "bot.db")) as desk:
        yield desk


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def look(desk: Desk, started: Courier) -> None:
    """Let the courier look, and wait until it did: that look is over when the next one begins."""
    for _ in range(2):
        count = desk.looks
        started.wake()
        until(lambda count=count: desk.looks > count)


def test_what_is_kept_at_the_start_is_told_to_every_target_in_order(desk: Desk) -> None:
    """Nobody has to wake a courier that just started."""
    desk.keep("n1", "n2")
    desk.start(FIRST, SECOND)
    for name in ("wecom[1]", "webhook[2]"):
        until(lambda name=name: desk.senders[name].ids == ["n1", "n2"])
    assert desk.kept == ["n1", "n2"]


def test_a_notice_goes_once_all_targets_are_done_with_it(desk: Desk) -> None:
    """One target's delivery is not enough; the other's refusal for good counts as done."""
    desk.keep("n1")
    started = desk.start(FIRST, SECOND)
    until(lambda: [s.ids for s in desk.senders.values()] == [["n1"], ["n1"]])
    desk.senders["wecom[1]"].finish()
    started.wake()
    time.sleep(0.1)
    assert desk.kept == ["n1"]
    desk.senders["webhook[2]"].finish(outcome=REFUSED)
    until(lambda: desk.kept == [])
    assert [s.ids for s in desk.senders.values()] == [["n1"], ["n1"]]


def test_a_new_notice_is_told_on_waking(desk: Desk) -> None:
    """Whoever stored one wakes the courier; what is under way is not told again."""
    desk.keep("n1")
    started = desk.start(FIRST)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    desk.keep("n2")
    started.wake()
    until(lambda: desk.senders["wecom[1]"].ids == ["n1", "n2"])


def test_a_new_notice_is_found_without_waking(desk: Desk) -> None:
    """A forgotten call of `wake` delays, and loses nothing."""
    desk.start(FIRST, every=0.02)
    desk.keep("n1")
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])


def test_after_a_crash_between_telling_and_the_outcome_it_is_told_again(desk: Desk) -> None:
    """A second courier over the same store, whose first never heard an outcome, tells the same id again."""
    desk.keep("n1")
    desk.start(FIRST)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    desk.start(FIRST, kind=Eager)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"] and desk.kept == [])


def test_without_targets_nothing_is_kept(desk: Desk) -> None:
    """Where nobody is to be told, a notice is deleted at once."""
    desk.keep("n1", "n2")
    desk.start()
    until(lambda: desk.kept == [])


def test_what_is_too_old_is_dropped_with_a_line_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """After a day nobody is told any more; the younger one is."""
    desk.keep("old", at=NOW - timedelta(hours=24))
    desk.keep("young", at=NOW - timedelta(hours=23, minutes=59))
    with caplog.at_level(logging.WARNING):
        desk.start(FIRST)
        until(lambda: desk.kept == ["young"])
        until(lambda: len(caplog.records) == 1)
    assert desk.senders["wecom[1]"].ids == ["young"]
    assert "通知 old（受理单 1001）" in caplog.text


def test_what_grows_too_old_under_way_is_dropped_too(desk: Desk) -> None:
    """A dead target keeps a notice a day at most, and its late outcome does no harm."""
    desk.keep("n1")
    started = desk.start(FIRST, SECOND)
    until(lambda: desk.senders["webhook[2]"].ids == ["n1"])
    desk.now = NOW + timedelta(hours=24)
    started.wake()
    until(lambda: desk.kept == [])
    desk.senders["wecom[1]"].finish()
    desk.keep("n2", at=desk.now)
    started.wake()
    until(lambda: desk.senders["wecom[1]"].ids == ["n1", "n2"])


def test_a_dead_target_does_not_hold_up_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a few notices under way and gets no more, while the others get them all."""
    monkeypatch.setattr(courier, "UNDER_WAY", 2)
    names = [f"n{number}" for number in range(7)]
    desk.keep(*names)
    desk.start(FIRST, SECOND)
    dead, alive = desk.senders["wecom[1]"], desk.senders["webhook[2]"]
    for number in range(7):
        until(lambda number=number: len(alive.told) > number)
        alive.finish(number)
    until(lambda: alive.ids == names)
    assert dead.ids == ["n0", "n1"]
    dead.finish(0, BUSY)
    until(lambda: dead.ids == ["n0", "n1", "n2"])
    dead.finish(1, REFUSED)
    until(lambda: dead.ids == ["n0", "n1", "n2", "n3"])
    until(lambda: desk.kept == ["n0", *names[2:]])


def test_what_a_target_cannot_take_now_it_is_told_again_after_pauses_that_grow(desk: Desk) -> None:
    """5, 10, 20, 40 minutes and then each hour, it alone; the one that took it is not told twice."""
    desk.keep("n1")
    started = desk.start(FIRST, SECOND)
    until(lambda: [s.ids for s in desk.senders.values()] == [["n1"], ["n1"]])
    dead, alive = desk.senders["wecom[1]"], desk.senders["webhook[2]"]
    alive.finish()
    for number, minutes in enumerate([5, 10, 20, 40, 60, 60]):
        dead.finish(number, BUSY)
        desk.now += timedelta(minutes=minutes, seconds=-1)
        look(desk, started)
        assert len(dead.told) == number + 1
        desk.now += timedelta(seconds=1)
        started.wake()
        until(lambda number=number: len(dead.told) == number + 2)
    assert (alive.ids, desk.kept) == (["n1"], ["n1"])
    dead.finish(6)
    until(lambda: desk.kept == [])


def test_an_outage_of_hours_loses_nothing(desk: Desk) -> None:
    """All that came in twenty hours is told within one after they ended."""
    started = desk.start(FIRST)
    sender = desk.senders["wecom[1]"]
    names = [f"n{hour}" for hour in range(20)]
    tried = 0
    for name in names:
        desk.keep(name, at=desk.now)
        for _ in range(4):
            look(desk, started)
            while tried < len(sender.told):
                sender.finish(tried, BUSY)
                tried += 1
            desk.now += timedelta(minutes=15)
    assert desk.kept == names
    desk.now += courier.LONGEST_PAUSE
    look(desk, started)
    assert sorted(sender.ids[tried:]) == sorted(names)
    for number in range(tried, len(sender.told)):
        sender.finish(number)
    until(lambda: desk.kept == [])


def test_what_was_tried_for_a_day_is_dropped_and_forgotten(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the target that never took it, and not the one that did."""
    desk.keep("n1")
    started = desk.start(FIRST, SECOND)
    until(lambda: [s.ids for s in desk.senders.values()] == [["n1"], ["n1"]])
    desk.senders["webhook[2]"].finish()
    desk.senders["wecom[1]"].finish(outcome=BUSY)
    desk.now = NOW + courier.KEPT
    with caplog.at_level(logging.WARNING):
        started.wake()
        until(lambda: desk.kept == [] and len(caplog.records) == 1)
    assert caplog.messages == ["通知 n1（受理单 1001）超过 24 小时未能送达 wecom[1]，已放弃"]
    assert started._lanes[address(FIRST)].resting == {}
    assert desk.senders["wecom[1]"].ids == ["n1"]


def test_a_sender_that_raises_is_tried_again_and_harms_nobody(desk: Desk) -> None:
    """The error is logged, the notice kept."""
    desk.keep("n1")
    desk.start(FIRST, kind=Broken, every=0.02)
    until(lambda: len(desk.senders["wecom[1]"].told) > 2)
    assert desk.kept == ["n1"]


def test_a_notice_that_was_deleted_meanwhile_is_forgotten(desk: Desk) -> None:
    """A conversation erased while its notice is under way takes the notice along."""
    desk.keep("n1")
    started = desk.start(FIRST)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    desk.store.write(lambda t: t.delete_conversation("c"))
    desk.senders["wecom[1]"].finish()
    until(lambda: started._left == {})
    assert desk.kept == []


def test_a_store_that_fails_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The courier outlives a store that cannot be read for a while."""
    read, fails = desk.store.read, iter([True, True, False])

    def flaky(work: Callable[..., object]) -> object:
        if next(fails, False):
            raise StoreError("数据库正被其他程序占用")
        return read(work)

    desk.keep("n1")
    monkeypatch.setattr(desk.store, "read", flaky)
    desk.start(FIRST, every=0.02)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])


def test_closing_is_prompt_and_keeps_what_is_not_delivered(desk: Desk) -> None:
    """All senders are told to stop before any is waited for; closing again does nothing."""
    desk.keep("n1")
    started = desk.start(FIRST, SECOND)
    until(lambda: desk.senders["webhook[2]"].ids == ["n1"])
    before = time.monotonic()
    started.close()
    started.close()
    started.wake()
    assert time.monotonic() - before < 4
    assert [sender.closed[0] for sender in desk.senders.values()] == [0.0, 0.0]
    assert desk.kept == ["n1"]


def test_an_outcome_that_comes_while_closing_counts(desk: Desk) -> None:
    """A sender that finishes its last attempt in `close` is heard: the notice is not told again next time."""

    class Last(Sender):
        def close(self, timeout: float = 5.0) -> None:
            if timeout and not self.closed:
                self.finish()
                super().close(timeout)

    desk.keep("n1")
    started = desk.start(FIRST, kind=Last)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    started.close()
    assert desk.kept == []


def test_many_wakings_from_many_threads_tell_once(desk: Desk) -> None:
    """200 notices stored by eight threads are told once each, and all go."""
    started = desk.start(FIRST, SECOND, kind=Eager)

    def work(thread: int) -> None:
        for number in range(25):
            desk.keep(f"{thread}-{number}")
            started.wake()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: desk.kept == [])
    for sender in desk.senders.values():
        assert sorted(sender.ids) == sorted(f"{thread}-{number}" for thread in range(8) for number in range(25))


def test_over_real_senders_a_target_that_comes_back_is_told_and_the_other_once(desk: Desk) -> None:
    """One target refuses connections at first, the other takes the notices over HTTP: all are told once."""
    taken: list[tuple[str, str]] = []
    targets: list[Target] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.headers["X-Notice-Id"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    def server() -> ThreadingHTTPServer:
        return ThreadingHTTPServer(("127.0.0.1", 0), Receiver, bind_and_activate=False)

    with server() as up, server() as down:
        for number, each in enumerate((up, down)):
            each.server_bind()  # and does not listen
            targets.append(Target("webhook", number + 1, f"http://127.0.0.1:{each.server_port}/{number}", "s"))
        up.server_activate()
        threading.Thread(target=up.serve_forever, args=(0.01,), daemon=True).start()
        desk.keep("n1", "n2")
        started = Courier(
            desk.store,
            targets,
            lambda target, done: WebhookNotify(
                [target], allow_private=True, attempts=2, wait=wait_fixed(0.01), outcome=done
            ),
            clock=lambda: desk.now,
        )
        until(lambda: len(started._lanes[address(targets[1])].resting) == 2)
        until(lambda: len(taken) == 2)
        assert desk.kept == ["n1", "n2"]
        down.server_activate()
        threading.Thread(target=down.serve_forever, args=(0.01,), daemon=True).start()
        desk.now += courier.FIRST_PAUSE
        started.wake()
        until(lambda: desk.kept == [])
        started.close()
        up.shutdown()
        down.shutdown()
    assert taken == [("/0", "n1"), ("/0", "n2"), ("/1", "n1"), ("/1", "n2")]


THIRD = Target("feishu", 1, "https://c.example/hook")


def test_a_target_that_is_added_while_running_is_told_what_is_still_kept(desk: Desk) -> None:
    """Whoever mends an address gets what the wrong one never took."""
    desk.keep("n1")
    started = desk.start(FIRST)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    started.retarget([FIRST, SECOND])
    until(lambda: desk.senders["webhook[2]"].ids == ["n1"])
    desk.senders["wecom[1]"].finish()
    desk.senders["webhook[2]"].finish()
    until(lambda: desk.kept == [])
    assert desk.senders["wecom[1]"].ids == ["n1"]


def test_a_target_that_is_removed_is_let_go_and_keeps_no_notice(desk: Desk) -> None:
    """What it was not done with is forgotten once the others are; its last word harms nobody."""
    desk.keep("n1")
    started = desk.start(FIRST, THIRD)
    until(lambda: desk.senders["feishu[1]"].ids == ["n1"])
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    desk.senders["feishu[1]"].finish()
    started.retarget([THIRD])
    until(lambda: desk.kept == [])
    assert desk.senders["wecom[1]"].closed == [0.0]
    assert desk.senders["feishu[1]"].closed == []
    desk.senders["wecom[1]"].finish(outcome=BUSY)


def test_a_target_whose_number_changes_is_not_told_again(desk: Desk) -> None:
    """A target is known by its address; logs call it by its number from then on."""
    desk.keep("n1")
    started = desk.start(FIRST, SECOND)
    until(lambda: desk.senders["webhook[2]"].ids == ["n1"])
    desk.senders["webhook[2]"].finish()
    moved = Target("webhook", 1, SECOND.url, SECOND.secret)
    started.retarget([moved, THIRD])
    until(lambda: desk.senders["feishu[1]"].ids == ["n1"])
    desk.keep("n2")
    started.wake()
    until(lambda: desk.senders["webhook[1]"].ids == ["n2"])


def test_without_any_target_left_nothing_is_kept(desk: Desk) -> None:
    """Nobody wants to know."""
    desk.keep("n1")
    started = desk.start(FIRST)
    until(lambda: desk.senders["wecom[1]"].ids == ["n1"])
    started.retarget([])
    until(lambda: desk.kept == [])
