"""Delivering the notices that the store keeps: told to every target, forgotten once every target is done with them.

A notice is written in the same transaction as what it tells of (`handoff.tell`), and deleted only after each target
took it or refused it for good. A target that cannot take it now is told again after pauses that grow, it alone. So
neither an outage nor a crash loses any: what is left over is told again at the next start, to every target, and a
receiver knows it by its id. What is older than a day is dropped, for staff who were cut off so long look at the queue
and not at hundreds of messages. One process delivers: two over the same store would both tell.

Each target has a sender of its own, with a bounded number of notices under way: a dead one holds up nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeAlias

from bot.notify import Notice, Notify, Outcome, Target
from bot.store.base import Store, StoreError, Transaction

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""Between two looks where nobody wakes the courier."""
KEPT: Final = timedelta(hours=24)
"""The age at which a notice is dropped."""
UNDER_WAY: Final = 100
"""Notices that one sender has at a time; the store keeps the others. Fewer than a sender's queue holds."""
FIRST_PAUSE: Final = timedelta(minutes=5)
"""After a sender tried in vain, which takes it eleven minutes by itself; each further pause is twice as long …"""
LONGEST_PAUSE: Final = timedelta(hours=1)
"""… up to this: by so much at most a target hears later that is back."""
CLOSE_SECONDS: Final = 5.0

Done: TypeAlias = Callable[[Notice, Target, Outcome], None]
"""Takes how it went with a notice and a target; with `retry` it is to be told again. From any thread."""
Address: TypeAlias = tuple[str, str, str | None]
"""What a target is known by, for its number changes when one before it goes."""


class Sender(Notify, Protocol):
    """Tells one target, tries a few times by itself, and says by `Done` when it is through with a notice for now."""

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Stop within `timeout` seconds; may be called again."""


@dataclass(slots=True)
class _Lane:
    """A target, its sender, the ids of the notices that it has and has not said anything of, and those that rest.

    Of each that rests: how long, and until when.
    """

    target: Target
    sender: Sender
    under_way: set[str] = field(default_factory=set)
    resting: dict[str, tuple[timedelta, datetime]] = field(default_factory=dict)

    def rest(self, notice_id: str, now: datetime) -> None:
        """Leave a notice alone for twice as long as the last time."""
        last, _ = self.resting.get(notice_id, (FIRST_PAUSE / 2, now))
        pause = min(last * 2, LONGEST_PAUSE)
        self.resting[notice_id] = pause, now + pause

    def rests(self, notice_id: str, now: datetime) -> bool:
        """Whether a notice is to be left alone."""
        return notice_id in self.resting and now < self.resting[notice_id][1]


class Courier:
    """Delivers from a store to targets, from now until `close`. Thread-safe; nothing here raises into its callers.

    `connect` makes a target's sender, as `lambda target, done: WebhookNotify([target], outcome=done)`. `clock` tells
    the time; `every` is how many seconds pass between looks unless somebody calls `wake`.
    """

    def __init__(
        self,
        store: Store,
        targets: Iterable[Target],
        connect: Callable[[Target, Done], Sender],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        every: float = LOOK_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._every = every
        self._lock = threading.Lock()
        self._connect = connect
        self._left: dict[str, set[Address]] = {}  # of each notice: the targets that are not done with it
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._lanes = {address(target): _Lane(target, connect(target, self._done)) for target in targets}
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be a new notice. From any thread; returns at once."""
        self._woken.set()

    def retarget(self, targets: Iterable[Target]) -> None:
        """Deliver to these targets from now on. New ones are told what is still kept, too; what is gone is let go."""
        with self._lock:
            if self._closing.is_set():
                return
            before, self._lanes = self._lanes, {}
            for target in targets:
                lane = before.get(address(target))
                kept = lane is not None and lane.target == target  # or its number changed, by which logs call it
                self._lanes[address(target)] = (
                    lane if lane is not None and kept else _Lane(target, self._connect(target, self._done))
                )
            new, current = self._lanes.keys() - before.keys(), self._lanes.keys()
            self._left = {notice_id: (left & current) | new for notice_id, left in self._left.items()}
            gone = [lane for lane in before.values() if lane not in self._lanes.values()]
        for lane in gone:
            self._stop(lane, 0.0)
        self.wake()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Stop within about `timeout` seconds; what is not delivered stays in the store for the next start."""
        deadline = time.monotonic() + timeout
        self._closing.set()
        self._woken.set()
        for patient in (False, True):  # all are told to stop before one is waited for
            for lane in self._all_lanes():
                self._stop(lane, max(0.0, deadline - time.monotonic()) if patient else 0.0)
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._try(lambda: self._forget(self._finished()))

    def _stop(self, lane: _Lane, timeout: float) -> None:
        try:
            lane.sender.close(timeout)
        except Exception:
            log.exception("通知目标 %s：停止时出错", lane.target.name)

    def _all_lanes(self) -> list[_Lane]:
        with self._lock:
            return list(self._lanes.values())

    def _run(self) -> None:
        while not self._closing.is_set():
            self._try(self._look)
            self._woken.wait(self._every)
            self._woken.clear()

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreError as error:
            log.warning("暂时无法处理待发送的通知，稍后重试：%s", error)
        except Exception:
            log.exception("处理待发送的通知时出错，稍后重试")

    def _look(self) -> None:
        """Tell what is new, and forget what is done with or too old."""
        now = self._clock()
        notices = self._store.read(lambda transaction: transaction.notices())
        fresh = [notice for notice in notices if now - notice.at < KEPT]
        stale = [notice for notice in notices if now - notice.at >= KEPT]
        with self._lock:
            lacking = {notice.id: self._left.get(notice.id, set(self._lanes)) for notice in notices}
            self._left = {notice.id: lacking[notice.id] for notice in fresh}
            names = {address: lane.target.name for address, lane in self._lanes.items()}
            for lane in self._lanes.values():
                lane.resting = {name: rest for name, rest in lane.resting.items() if name in self._left}
        for lane in self._all_lanes():
            self._tell(lane, fresh, now)
        self._forget([*self._finished(), *(notice.id for notice in stale)])
        for notice in stale:
            if told := "、".join(sorted(names[address] for address in lacking[notice.id] if address in names)):
                log.warning("通知 %s（受理单 %d）超过 24 小时未能送达 %s，已放弃", notice.id, notice.ticket, told)

    def _tell(self, lane: _Lane, notices: Sequence[Notice], now: datetime) -> None:
        for notice in notices:
            with self._lock:
                if len(lane.under_way) >= UNDER_WAY or self._closing.is_set():
                    return
                if notice.id in lane.under_way or address(lane.target) not in self._left.get(notice.id, ()):
                    continue
                if lane.rests(notice.id, now):
                    continue
                lane.under_way.add(notice.id)
            try:
                lane.sender.tell(notice)
            except Exception:
                log.exception("通知目标 %s：通知 %s 无法交付发送，稍后重试", lane.target.name, notice.id)
                with self._lock:
                    lane.under_way.discard(notice.id)

    def _done(self, notice: Notice, target: Target, outcome: Outcome) -> None:
        """A target is done with a notice, or cannot take it for now, which its sender has logged."""
        with self._lock:
            lane = self._lanes.get(address(target))
            if lane is None:  # it was let go meanwhile
                return
            lane.under_way.discard(notice.id)
            if outcome.retry:
                lane.rest(notice.id, self._clock())
            else:
                self._left.get(notice.id, set()).discard(address(target))
        self._woken.set()

    def _finished(self) -> list[str]:
        with self._lock:
            return [notice_id for notice_id, left in self._left.items() if not left]

    def _forget(self, notice_ids: Sequence[str]) -> None:
        if not notice_ids:
            return

        def work(transaction: Transaction) -> None:
            for notice_id in notice_ids:
                transaction.delete_notice(notice_id)

        self._store.write(work)
        with self._lock:
            for notice_id in notice_ids:
                self._left.pop(notice_id, None)


def address(target: Target) -> Address:
    """What a target is known by."""
    return target.kind, target.url, target.secret
