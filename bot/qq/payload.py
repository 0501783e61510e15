"""JSON that came from outside: read strictly, and written anew, so that nobody after us reads it otherwise. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final

DEEPEST: Final = 32
"""Levels that arrays and objects may be nested. A forwarded chat within a chat has about ten."""

ADDED: Final = frozenset({"to_me", "reply", "original_message"})
"""What the adapters add to a message themselves. Where it came with one, it would pass for theirs."""


def read_object(data: bytes) -> dict[str, Any]:
    """Read an object.

    ValueError if it is none, is not UTF-8, has a name twice, a number that is none, or is nested too deep.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - what was sent is wrong, not what the caller passed
    if _is_deeper(value, DEEPEST):
        raise ValueError("nested too deep")
    return value


def write_object(value: dict[str, Any]) -> bytes:
    """Write it as UTF-8. Half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in value)
