"""How often one address and one conversation may ask, how many at once, and how much may be kept. In memory only."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from fastapi import HTTPException
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

log = logging.getLogger(__name__)

SUM_FOR: Final = 60.0
"""Seconds for which the size of a folder is not added up anew."""


class Limit:
    """One allowance in a moving window (the `limits` library), counted apart for every key."""

    def __init__(self, rate: str, said: str = "发送太频繁了") -> None:
        self._item: RateLimitItem = parse(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._said = said

    def spend(self, key: str) -> None:
        """Count one request; HTTPException 429 with Retry-After (seconds) when the allowance is used up."""
        if not self._limiter.hit(self._item, key):
            reset = self._limiter.get_window_stats(self._item, key).reset_time
            wait = max(1, math.ceil(reset - time.time()))
            said = f"{wait} 秒" if wait <= 120 else f"{math.ceil(wait / 60)} 分钟"
            raise HTTPException(429, f"{self._said}，请 {said}后再试。", {"Retry-After": str(wait)})


class Places:
    """So many at once, counted apart for every key. For coroutines of one event loop, which need no lock."""

    def __init__(self, most: int, refusal: HTTPException) -> None:
        self._most = most
        self._refusal = refusal
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, key: str = "") -> Iterator[None]:
        """A place for as long as the block lasts; the refusal is raised when all are taken."""
        if self._taken[key] >= self._most:
            raise HTTPException(self._refusal.status_code, self._refusal.detail, self._refusal.headers)
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Budget:
    """How many bytes a folder may hold. Thread-safe.

    Its files are added up once a minute; what is kept in between is added, what is deleted in between is not missed.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._lock = Lock()
        self._size = 0
        self._summed = -math.inf

    def check(self) -> None:
        """HTTPException 503 when the folder is full."""
        with self._lock:
            if time.monotonic() - self._summed >= SUM_FOR:
                self._size, self._summed = _size(self._folder), time.monotonic()
                if self._size >= self._most:
                    log.warning("图片已占用 %d MB，达到上限，暂不接收新的图片", self._size // 1024**2)
            if self._size >= self._most:
                wait = {"Retry-After": str(math.ceil(SUM_FOR))}
                raise HTTPException(503, "图片存储空间已满，暂时不能上传图片，请先用文字说明。", wait)

    def add(self, size: int) -> None:
        """Count a file that was just kept."""
        with self._lock:
            self._size += size


def _size(folder: Path) -> int:
    size = 0
    with suppress(FileNotFoundError):  # nothing was kept yet
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # deleted just now
                size += path.stat().st_size
    return size
