"""How often one address and one conversation may ask: moving windows in memory (the `limits` library)."""

from __future__ import annotations

import math
import time

from fastapi import HTTPException
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Limit:
    """One allowance, counted apart for every key."""

    def __init__(self, rate: str) -> None:
        self._item: RateLimitItem = parse(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def spend(self, key: str) -> None:
        """Count one request; HTTPException 429 with Retry-After (seconds) when the allowance is used up."""
        if not self._limiter.hit(self._item, key):
            reset = self._limiter.get_window_stats(self._item, key).reset_time
            wait = max(1, math.ceil(reset - time.time()))
            raise HTTPException(429, f"发送太频繁了，请 {wait} 秒后再试。", {"Retry-After": str(wait)})
