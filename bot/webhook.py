"""Sending notices to their targets: one thread and one queue per target, tried again with growing pauses.

What this keeps and what it does not: a notice is in memory until its target took it, refused it for good, or was tried
so often that others should have their turn; `outcome` hears which. Notices that a full queue pushes out or that wait at
`close` are heard of no more. Whoever has to be sure keeps a notice until it was taken or refused, and tells it again.
Delivery is at least once: an answer that got lost makes a second message.

Connections go to public addresses only (see `outward`), or to one's own network where that is allowed. Redirects are
not followed and proxies of the environment not used. No URL, token, signature or secret reaches a log: this module says
only the targets' names, and httpcore logs no request lines.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import urlsplit

import httpcore
from tenacity import RetryCallState, Retrying
from tenacity.nap import sleep_using_event
from tenacity.retry import retry_if_result
from tenacity.stop import stop_after_attempt, stop_when_event_set
from tenacity.wait import wait_base, wait_exponential_jitter

from bot.notify import Notice, Outcome, Target, accepted, request_for
from bot.outward import Guard, Refused, resolve

log = logging.getLogger(__name__)

TOTAL_SECONDS: Final = 10.0
BODY_BYTES: Final = 64 * 1024
CAPACITY: Final = 500
"""Notices that wait for one target."""
WAIT: Final = wait_exponential_jitter(multiplier=2, exp_base=4, max=600, jitter=2)
"""2, 8, 32, 128, 512 seconds: with six attempts longer than the ten minutes for which DingTalk shuts out the hasty."""

_FAILURES: Final[tuple[tuple[tuple[type[Exception], ...], Outcome], ...]] = (
    ((Refused,), Outcome(False, reason="地址在内部网络中，已拒绝；确需通知内部系统时，请在设置中允许内部网络地址")),
    ((httpcore.TimeoutException, TimeoutError), Outcome(False, retry=True, reason="等待超时")),
    ((socket.gaierror,), Outcome(False, retry=True, reason="域名无法解析")),
)


class WebhookNotify:
    """Tells every target every notice.

    `allow_private` lets targets be in one's own network; `attempts` and `wait` say how often and how far apart one
    notice is tried, `seconds` how long one attempt may take. `outcome` is called in the target's thread with notice,
    target and how it went; `retry` says that the target may take the notice later. `tls`, `resolve`, `network` and
    `now` stand in for certificates, name service, network and clock.
    """

    def __init__(
        self,
        targets: Iterable[Target],
        *,
        allow_private: bool = False,
        attempts: int = 6,
        wait: wait_base = WAIT,
        seconds: float = TOTAL_SECONDS,
        capacity: int = CAPACITY,
        outcome: Callable[[Notice, Target, Outcome], None] | None = None,
        tls: ssl.SSLContext | None = None,
        resolve: Callable[[str, int], Sequence[str]] = resolve,
        network: httpcore.NetworkBackend | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._private = allow_private
        self._attempts = attempts
        self._wait = wait
        self._seconds = seconds
        self._outcome = outcome
        self._tls = tls
        self._resolve = resolve
        self._network = network or httpcore.SyncBackend()
        self._now = now
        self._closing = threading.Event()
        self._lanes = [_Lane(target, capacity, self._deliver, self._closing) for target in targets]
        for lane in self._lanes:
            lane.start()

    def tell(self, notice: Notice) -> None:
        """Queue the notice for every target."""
        for lane in self._lanes:
            lane.add(notice)

    def close(self, timeout: float = TOTAL_SECONDS) -> None:
        """Stop: whatever waits is left, an attempt under way gets `timeout` seconds to finish."""
        self._closing.set()
        deadline = time.monotonic() + timeout
        for lane in self._lanes:
            lane.wake()
        for lane in self._lanes:
            lane.join(max(0.0, deadline - time.monotonic()))

    def _deliver(self, target: Target, notice: Notice) -> None:
        """Try until the target takes the notice, refuses it for good, was tried often enough, or all is closing."""

        def later(state: RetryCallState) -> None:
            log.info("通知目标 %s 暂时未能送达，稍后重试：%s", target.name, _result(state).reason)

        outcome: Outcome = Retrying(
            retry=retry_if_result(lambda outcome: outcome.retry),
            stop=stop_after_attempt(self._attempts) | stop_when_event_set(self._closing),
            wait=self._wait,
            sleep=sleep_using_event(self._closing),
            before_sleep=later,
            retry_error_callback=_result,
        )(self._attempt, target, notice)
        if outcome.retry and self._closing.is_set():
            log.info("通知目标 %s：程序停止，通知 %s 尚未送达", target.name, notice.id)
            return
        if not outcome.delivered:
            went = "暂时未能送达" if outcome.retry else "被拒绝，不再发送"
            log.warning("通知目标 %s：通知 %s %s：%s", target.name, notice.id, went, outcome.reason)
        if self._outcome is not None:
            self._outcome(notice, target, outcome)

    def _attempt(self, target: Target, notice: Notice) -> Outcome:
        if self._closing.is_set():  # during the pause before this attempt
            return Outcome(False, retry=True)
        try:
            return accepted(target, *self._post(*request_for(target, notice, self._now())))
        except Exception as error:
            return _failed(error)

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and (the beginning of) the body of the answer. httpcore checks certificates for the URL's host."""
        guard = Guard(self._resolve, self._network, private=self._private, seconds=self._seconds)
        headers = {
            "Host": urlsplit(url).netloc,
            "User-Agent": "zaixian-zixun",
            "Accept-Encoding": "identity",
            **headers,
        }
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=guard) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
        ):
            read = bytearray()
            for chunk in response.iter_stream():
                read += chunk[: BODY_BYTES - len(read)]
                if len(read) == BODY_BYTES:
                    break
            return response.status, bytes(read)


def attempt(target: Target, notice: Notice, *, allow_private: bool = False) -> Outcome:
    """Tell a target once, now, and say how that went; within TOTAL_SECONDS."""
    return WebhookNotify([], allow_private=allow_private)._attempt(target, notice)


class _Lane(threading.Thread):
    """What waits for one target, and the thread that delivers it."""

    def __init__(
        self, target: Target, capacity: int, deliver: Callable[[Target, Notice], None], closing: threading.Event
    ) -> None:
        super().__init__(name=f"notify {target.name}", daemon=True)
        self._target = target
        self._capacity = capacity
        self._deliver = deliver
        self._closing = closing
        self._waiting: deque[Notice] = deque()
        self._changed = threading.Condition()

    def add(self, notice: Notice) -> None:
        """Queue a notice, at the cost of the oldest if too many wait."""
        with self._changed:
            dropped = self._waiting.popleft() if len(self._waiting) >= self._capacity else None
            self._waiting.append(notice)
            self._changed.notify()
        if dropped is not None:
            log.warning("通知目标 %s：等待发送的通知过多，已放弃最早的一条（%s）", self._target.name, dropped.id)

    def wake(self) -> None:
        """Look whether all is closing."""
        with self._changed:
            self._changed.notify()

    def run(self) -> None:
        """Deliver one notice after the other until all is closing."""
        while (notice := self._next()) is not None:
            try:
                self._deliver(self._target, notice)
            except Exception:
                log.exception("通知目标 %s：通知 %s 的结果无法记录", self._target.name, notice.id)

    def _next(self) -> Notice | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            return None if self._closing.is_set() else self._waiting.popleft()


def _result(state: RetryCallState) -> Outcome:
    return cast("Future[Outcome]", state.outcome).result()


def _failed(error: Exception) -> Outcome:
    """What an error means. Its text may hold the URL, so only its type is told."""
    if any(
        isinstance(part, ssl.SSLCertVerificationError) for part in error.args
    ):  # what httpcore wraps, it keeps there
        return Outcome(False, retry=True, reason="证书未通过验证")  # one that expired is renewed
    known = (outcome for kinds, outcome in _FAILURES if isinstance(error, kinds))
    passing = isinstance(error, (httpcore.NetworkError, httpcore.RemoteProtocolError, OSError))
    return next(known, Outcome(False, retry=passing, reason=f"发送失败（{type(error).__name__}）"))
