"""How a text sounds: Mandarin syllables, so that homophones and typed pinyin meet the characters that were meant.

Syllables are softened: zh/z, ch/c, sh/s and the endings n/ng, which many speakers and input methods do not tell apart,
are one. Every character has one reading, its most frequent; that both sides of a comparison read alike matters more
than that they read right. Readings: pypinyin.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

# The dictionary of phrases costs 45 MB and is of no use where every character is read for itself.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")

from pypinyin import Style, pinyin

_RUN = re.compile(
    r"(?P<chinese>[\u3400-\u9fff\U00020000-\U000323af])|(?P<latin>[a-z]+)|(?P<number>[0-9]+)|(?P<space>\s+)|."
)
_FIRST, _LAST = 0x4E00, 0x9FA5
_LONGEST = 6


@lru_cache(maxsize=8192)
def reading(char: str) -> str:
    """The syllable of a Chinese character without its tone: 账 → zhang; the character itself where it has none."""
    return pinyin(char, style=Style.NORMAL, v_to_u=False)[0][0].replace("ve", "ue")  # lüe is typed as lue and lve


@lru_cache(maxsize=8192)
def toned(char: str) -> str:
    """The same with its tone as a number: 账 → zhang4."""
    return pinyin(char, style=Style.TONE3, v_to_u=False)[0][0]


def soften(syllable: str) -> str:
    """The form that a syllable shares with those often taken for it: zhang → zan."""
    if syllable[:2] in ("zh", "ch", "sh"):
        syllable = syllable[0] + syllable[2:]
    return syllable[:-1] if syllable.endswith("ng") else syllable


def spell(letters: str) -> list[str] | None:
    """Lower-case Latin letters as the fewest pinyin syllables: zhanghao → zhang, hao; None where they are no pinyin."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(letters) + 1):
        ways = [
            [*before, letters[start:end]]
            for start in range(max(0, end - _LONGEST), end)
            if (before := best[start]) is not None and letters[start:end] in _syllables()
        ]
        best.append(min(ways, key=len, default=None))
    return None if best[-1] is None else [syllable.replace("ve", "ue") for syllable in best[-1]]


def sounds(text: str) -> list[str]:
    """Overlapping pairs of softened syllables of a canonical text; numbers and Latin words that are no pinyin stay.

    Marks separate, spaces do not: 「zhang hao」 sounds like 账号.
    """
    return [sound for run in _runs(text) for sound in _pairs(run)]


def syllables(text: str) -> list[str]:
    """The softened syllables of a canonical text one by one, and its other words."""
    return [syllable for run in _runs(text) for syllable in run]


def _pairs(run: list[str]) -> list[str]:
    return [f"{one} {two}" for one, two in pairwise(run)] if len(run) > 1 else run


def _runs(text: str) -> Iterator[list[str]]:
    run: list[str] = []
    for match in _RUN.finditer(text):
        kind, found = match.lastgroup, match.group()
        spelled = spell(found) if kind == "latin" else None
        if kind == "chinese":
            run.append(soften(reading(found)))
        elif spelled is not None:
            run.extend(map(soften, spelled))
        elif kind != "space":
            if run:
                yield run
            run = []
            if kind is not None:
                yield [found]
    if run:
        yield run


@cache
def _syllables() -> frozenset[str]:
    """All syllables of more than one letter; single letters are initials of anything."""
    read = {reading(chr(code)) for code in range(_FIRST, _LAST + 1)}
    typed = {"lve", "nve"} | {s.replace("v", "u") for s in read}
    return frozenset(s for s in read | typed if len(s) > 1 and s.isascii() and set(s) & set("aeiouv"))
