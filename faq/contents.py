"""A table of contents: lines that only announce headings and questions which stand below once more.

Three forms are known: what follows 目录, lines that end in leader dots and a page number, and a list of headings above
the first of them proper. Nothing counts as announced unless it turns up again, so no text is dropped with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from faq.marker import read_answer, read_marker
from faq.reader import Line

MIN_LINES = 2
ANNOUNCED = 0.8
"""The share of a table's lines that must stand below again; a heading may be worded otherwise there."""
MAX_LENGTH = 200
"""Characters of a line that are looked at."""
MAX_SEARCH = 5
"""Lines below 目录 of which one must be the first to stand below again."""

_TITLE = re.compile(r"[【\[［《]?\s*(?:目\s*[录錄次]|contents|table of contents)\s*[】\]］》]?[:：]?", re.IGNORECASE)
_LEADER = re.compile(r"\s*(?:[.．·•…。_—-]\s*){3,}\(?\d{1,4}\)?$|\s*…+\s*\d{1,4}$|\s*\t\s*\d{1,4}$")
_PAGE = re.compile(r"\s+\d{1,4}$")
_NO_WORD = re.compile(r"[\W_]+")


def find_contents(lines: Sequence[Line], known: set[int]) -> set[int]:
    """The numbers of the lines of a table of contents, its title among them; `known` lines are artefacts already."""
    text = [line for line in lines if line.number not in known]
    words = [_words(line.text) for line in text]
    keys = [_words(_PAGE.sub("", _LEADER.sub("", line.text[:MAX_LENGTH]))) for line in text]
    latest = {word: place for place, word in enumerate(words)}
    found: set[int] = set()
    for place, line in enumerate(text):
        if _TITLE.fullmatch(line.text):
            for first in range(place + 1, min(place + 1 + MAX_SEARCH, len(text))):
                end = _end(keys, words, first)
                if end is not None:
                    found.update(entry.number for entry in text[place:end])
                    break
            break
    if not found:
        marked = next((p for p, line in enumerate(text) if read_marker(line.text)), len(text))
        end = _end(keys, words, marked, announced=1.0)
        if end is not None and all(read_marker(line.text) for line in text[marked:end]):
            found.update(line.number for line in text[marked:end])
    leaders = [place for place, line in enumerate(text) if _LEADER.search(line.text[:MAX_LENGTH])]
    announced = [place for place in leaders if latest.get(keys[place], -1) > place]
    if len(announced) >= MIN_LINES and len(announced) * 2 > len(leaders):
        found.update(text[place].number for place in leaders if place <= announced[-1])
    return found


def _end(keys: Sequence[str], words: Sequence[str], first: int, announced: float = ANNOUNCED) -> int | None:
    """Where the table that begins at `first` ends: where its first line stands again, and nearly all of it below."""
    if first >= len(keys) or not keys[first]:
        return None
    end = next((place for place in range(first + 1, len(words)) if words[place] == keys[first]), None)
    if end is None or end - first < MIN_LINES:
        return None
    below = set(words[end:])
    again = sum(key in below for key in keys[first:end])
    return end if again >= announced * (end - first) else None


def _words(text: str) -> str:
    """The line's words and number, without marks that a heading may have in one place only."""
    return "" if read_answer(text) is not None else _NO_WORD.sub("", text)
