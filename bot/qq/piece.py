"""A long text in pieces that a platform takes. Pure.

Pieces are counted in UTF-8 bytes. They end where a reader would pause: at the end of a paragraph, else of a line, a
sentence, a clause, else anywhere but within a character, an address, a number or a word. Nothing is lost but the white
space where the text is cut.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

# How good a place is to cut at.
_WITHIN_CHARACTER: Final = 0
_WITHIN_WORD: Final = 1
_BESIDE_MARK: Final = 2  # after an opening or before a closing one
_ANYWHERE: Final = 3
_CLAUSE: Final = 4
_SENTENCE: Final = 5
_LINE: Final = 6
_PARAGRAPH: Final = 7

_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = "，、。！？；：…,.!?;:”’」』）】》〉］｝)\\]}"
_GLUED: Final = re.compile(rf"[“‘「『（【《〈［｛(\[{{](?!\s)|(?=[{_MARKS}])")
_ENDED: Final = re.compile(
    rf"(?P<sentence>[。！？；…!?;]|\.(?=\s))[{_MARKS}\"']*+|[，、,：:][，、,：:”’」』）】》〉)]*+"
)
_JOINED: Final = re.compile("[\u200c\u200d\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]")
_WORD: Final = re.compile(
    r"""
    (?:https?|ftp)://[ ]?(?:[^\s<>"'()\[\]{}|\\^`‘-”…\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]|。(?=[0-9A-Za-z]))+
    | \(?\+?\d{2,4}\)?(?:[- ]?\d{3,8}){1,3}(?![0-9A-Za-z])
    | [0-9A-Za-z]++(?:(?:[-_.:/@%+&=~?\#。]++|,(?=\d{3}(?!\d)))[0-9A-Za-z]++)*+
    """,
    re.VERBOSE,
)
"""An address, taken apart by `link` or not; a telephone number, which may have spaces; a word or a number."""


def split(text: str, longest: int) -> list[str]:
    """The text in pieces of at most `longest` bytes, which must be 4 at least; an empty list for a blank text."""
    if longest < 4:
        raise ValueError(f"no room for a character in {longest} bytes")
    text = text.strip()
    sizes = [0, *accumulate(len(char.encode()) for char in text)]
    ranks = _rank(text) if sizes[-1] > longest else b""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = len(text) if sizes[-1] - sizes[start] <= longest else _cut(sizes, ranks, start, longest)
        pieces.append(text[start:end].rstrip())
        space = _SPACE.match(text, end)
        start = space.end() if space else end
    return pieces


def _cut(sizes: Sequence[int], ranks: Sequence[int], start: int, longest: int) -> int:
    """Where the piece that begins at `start` ends: at the best place in its second half, else as late as possible.

    What is left is worth a piece of its own, unless that took a word apart.
    """
    half = sizes[start] + longest // 2
    worth_a_piece = sizes[-1] - longest // 4
    for most in (worth_a_piece, sizes[-1]):
        last = bisect_right(sizes, min(sizes[start] + longest, most)) - 1
        places = range(last, start, -1)
        place = max(places, key=lambda at: ranks[at] if sizes[at] >= half else min(ranks[at], _ANYWHERE))
        if ranks[place] > _WITHIN_WORD:
            break
    return place


def _rank(text: str) -> bytearray:
    """How good each place is, by the number of characters before it."""
    ranks = bytearray([_ANYWHERE]) * (len(text) + 1)
    for match in _GLUED.finditer(text):
        ranks[match.end()] = _BESIDE_MARK
    for match in _ENDED.finditer(text):
        ranks[match.end()] = _SENTENCE if match["sentence"] else _CLAUSE
    for match in _SPACE.finditer(text):
        lines = len(f".{match[0]}.".splitlines())
        rank = _PARAGRAPH if lines > 2 else _LINE if lines > 1 else _CLAUSE
        ranks[match.start()] = max(ranks[match.start()], rank)
    for match in _WORD.finditer(text):
        for place in range(match.start() + 1, match.end()):
            ranks[place] = _WITHIN_WORD
    for place in _joints(text):
        ranks[place] = _WITHIN_CHARACTER
    return ranks


def _joints(text: str) -> Iterator[int]:
    """The places within what is seen as one character: accents, emoji that are joined or coloured, flags."""
    flags = 0
    for place, (before, char) in enumerate(pairwise(text), 1):
        flags = flags + 1 if _FLAG.match(before) else 0
        if char < "\u0300" and before != "\u200d":
            continue
        joined = unicodedata.category(char).startswith("M") or _JOINED.match(char) or before == "\u200d"
        if joined or (flags % 2 and _FLAG.match(char)):
            yield place
