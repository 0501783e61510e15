"""Hard-wrapped text → paragraphs. Whether a document is hard-wrapped, and at which width, is read off its line widths.

Text copied from a printed page breaks mid-sentence at one width, give or take: a mark that may not begin a line moves
the break (kinsoku), a Latin word moves it further, and a paragraph's first line loses its indentation. Elsewhere a line
is a line, and stays one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from faq.marker import read_answer, read_marker
from faq.reader import Line
from faq.text import display_width

MIN_WIDTH, MAX_WIDTH = 30, 160
KINSOKU = 4
"""Columns a full line may lack because of marks that must not begin or end a line."""
INDENT = 4
"""Columns the first line of a paragraph may lack besides: two characters of indentation."""
MIN_EVIDENCE = 3
"""Full lines that break off mid-sentence, below which nothing is called hard-wrapped."""
MAX_WIDER = 0.05
"""The share of lines that may be wider than the wrap width."""
MID_SENTENCE_SHARE = 0.6

_ENDS = re.compile(r"[。！？；：!?;:….][”’」』】）)\]]*$")
_TOKEN = re.compile(r"[!-~]+|.")
_ASCII_WORD_END = re.compile(r"[A-Za-z0-9]$|[A-Za-z0-9][,;!?)]$")


@dataclass(frozen=True, slots=True)
class Wrap:
    """How a document breaks its lines: `width` in columns (None: not wrapped); `blank_parts`: blank lines matter."""

    width: int | None
    blank_parts: bool = False

    def continues(self, line: Line, following: Line, *, first: bool) -> bool:
        """Whether the paragraph of `line` runs on into `following`; `first`: the line begins its paragraph."""
        if self.width is None or (self.blank_parts and following.after_blank):
            return False
        if following.indent >= INDENT > line.indent and not first:
            return False
        return is_full(line, following, self.width, first=first)


UNWRAPPED = Wrap(None)


def infer_wrap(lines: Sequence[Line]) -> Wrap:
    """How these lines are broken."""
    width = _common_width(lines)
    if width is None:
        return Wrap(None)
    full = mid = 0
    for line, following in pairwise(lines):
        if read_marker(line.text) or read_marker(following.text) or read_answer(following.text) is not None:
            continue
        if is_full(line, following, width, first=read_answer(line.text) is not None):
            full += 1
            mid += not ends_sentence(line.text)
    if mid < MIN_EVIDENCE or mid < MID_SENTENCE_SHARE * full:
        return Wrap(None)
    return Wrap(width, blank_parts=sum(line.after_blank for line in lines[1:]) < 0.6 * (len(lines) - 1))


def is_full(line: Line, following: Line, width: int, *, first: bool) -> bool:
    """Whether what begins the following line would not have fitted on this one."""
    token = _TOKEN.match(following.text)
    needed = display_width(line.text) + line.indent + (display_width(token[0]) if token else 0)
    return needed > width - KINSOKU - (INDENT if first and not line.indent else 0)


def ends_sentence(text: str) -> bool:
    """Whether the text ends with a mark that ends a sentence, closing quotes and brackets aside."""
    return _ENDS.search(text) is not None


def join_lines(lines: Sequence[str]) -> str:
    """Wrapped lines as one: nothing between Chinese, a space where Latin words meet."""
    joined = ""
    for line in lines:
        latin = _ASCII_WORD_END.search(joined) and line[:1].isascii() and line[:1].isalnum()
        number = joined[-1:].isdigit() and line[:1].isdigit()
        joined += (" " if latin and not number else "") + line
    return joined


def _common_width(lines: Sequence[Line]) -> int | None:
    """The greatest width that a cluster of lines reaches and hardly a line exceeds."""
    widths = Counter(display_width(line.text) + line.indent for line in lines)
    wider = 0
    for width in sorted(widths, reverse=True):
        cluster = sum(widths[width - less] for less in range(KINSOKU + 1))
        if cluster >= max(MIN_EVIDENCE, 0.1 * len(lines)):
            return width if MIN_WIDTH <= width <= MAX_WIDTH else None
        wider += widths[width]
        if wider > MAX_WIDER * len(lines):
            return None
    return None
