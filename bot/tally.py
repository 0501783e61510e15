"""Counting the same things in all, by day and by system, in one go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from operator import itemgetter
from typing import Any, TypeVar

K = TypeVar("K", date, str)


class Tally:
    """How often each thing was counted, by day and system; "" where the system is not known."""

    def __init__(self) -> None:
        self._found: Counter[tuple[date, str, str]] = Counter()

    def add(self, what: str, day: date, system: str | None) -> None:
        """Count one."""
        self._found[day, system or "", what] += 1

    @property
    def total(self) -> Counter[str]:
        """In all; whatever was never counted is 0."""
        found: Counter[str] = Counter()
        for (_, _, what), times in self._found.items():
            found[what] += times
        return found

    @property
    def days(self) -> dict[date, dict[str, int]]:
        """By day, in order; days without anything are missing."""
        return self._by(0)

    @property
    def systems(self) -> dict[str, dict[str, int]]:
        """By system, in order of their keys."""
        return self._by(1)

    def _by(self, place: int) -> dict[Any, dict[str, int]]:
        key, found = itemgetter(place), defaultdict[Any, Counter[str]](Counter)
        for each, times in self._found.items():
            found[key(each)][each[2]] += times
        return in_order(found)


def in_order(counts: Mapping[K, Counter[str]]) -> dict[K, dict[str, int]]:
    """Counts by key, sorted."""
    return {key: dict(counts[key]) for key in sorted(counts)}
