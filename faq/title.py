"""Headings without a mark of their own: 「1 账号类」 above 1.1, 【登录注册】 and a plain short line above an item 1.

None of them is told by its look alone. A bare number needs the dotted numbers that go on from it; a title needs a
second one like it, and each must open a count of questions afresh, as the introduction of an answer's list does not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from faq.marker import ASK, STEP_KINDS, Marker, read_boxed
from faq.node import NEAR, Node, next_marker
from faq.text import display_width
from faq.wrap import ends_sentence

BARE = "bare"
TITLE = "title"
MIN_TITLES = 2
MAX_WIDTH = 40
"""Columns a title may fill."""

_BARE = re.compile(r"(\d{1,2})[ \t\u3000]+(\D.*)")
_PUNCTUATION = re.compile(r"[，。；：？！,;:?!]")
_LABEL = re.compile(
    r"(?:方法|步骤|方式|办法|措施|如下|流程|原因|说明|事项|目录|操作|方案|[一二三四五\d])$|^(?:注意|提示|提醒|说明|答|问)"
)
_DOCUMENT = re.compile(r"常见|FAQ|问答|手册|解答|答疑|汇总|(?:系统|平台)$", re.IGNORECASE)


def mark_titles(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes, headings without a mark of their own given one: kind BARE with its number, TITLE counted in order."""
    found = [_bare(nodes, position) or node for position, node in enumerate(nodes)]
    for count, position in enumerate(_titles(found), 1):
        text = found[position].line.text
        found[position] = replace(found[position], marker=Marker(TITLE, (count,), "", read_boxed(text) or text))
    return tuple(found)


def _bare(nodes: Sequence[Node], position: int) -> Node | None:
    node = nodes[position]
    written = None if node.marker or node.answers else _BARE.fullmatch(node.line.text)
    if written is None or display_width(written[2]) > MAX_WIDTH or ends_sentence(written[2]):
        return None
    number = int(written[1])
    below = next_marker(nodes, position, NEAR)
    if not number or below is None or below.path != (number, 1):
        return None
    return replace(node, marker=Marker(BARE, (number,), "", written[2]))


def _titles(nodes: Sequence[Node]) -> list[int]:
    """The positions of the titles, all above items of one kind."""
    found = {position: kind for position in range(len(nodes) - 1) if (kind := _opens(nodes, position))}
    if not found:
        return []
    kind = Counter(found.values()).most_common(1)[0][0]
    texts = Counter(nodes[position].line.text for position in found)
    places = [p for p, below in found.items() if below == kind and texts[nodes[p].line.text] == 1]
    if any(node.answers for node in nodes):
        places = [position for position in places if kind == ASK or _answered(nodes, position + 1)]
    elif kind != ASK and not _counted(nodes, places, kind):
        return []
    return places if len(places) >= MIN_TITLES else []


def _opens(nodes: Sequence[Node], position: int) -> str | None:
    """The kind of the item 1 (or the 问) that the line stands above, if it may be a title."""
    node, below = nodes[position], nodes[position + 1].marker
    if node.marker or node.answers or below is None or below.kind in STEP_KINDS:
        return None
    boxed = read_boxed(node.line.text)
    title = boxed or node.line.text
    if below.number != 1 and not (boxed and below.kind == ASK):
        return None
    if display_width(title) > MAX_WIDTH or _PUNCTUATION.search(title) or _LABEL.search(title):
        return None
    above = nodes[position - 1].marker if position else None
    introduces = above is not None and above.kind not in STEP_KINDS and (above.kind != below.kind or above.kind == ASK)
    if (introduces and not nodes[position - 1].answers) or (position == 0 and _DOCUMENT.search(title)):
        return None
    return below.kind


def _answered(nodes: Sequence[Node], position: int) -> bool:
    """Whether 答 stands under that marked line."""
    for node in nodes[position + 1 : position + 1 + NEAR]:
        if node.answers or node.marker:
            return node.answers
    return False


def _counted(nodes: Sequence[Node], places: Sequence[int], kind: str) -> bool:
    """Whether below each title, and nowhere else, that kind counts 1, 2, 3… with no other count around it."""
    if not places or any(node.marker and node.marker.kind not in STEP_KINDS for node in nodes[: places[0]]):
        return False
    for begin, end in pairwise([*places, len(nodes)]):
        markers = [node.marker for node in nodes[begin:end] if node.marker and node.marker.kind not in STEP_KINDS]
        if [marker.number for marker in markers if marker.kind == kind] != list(range(1, len(markers) + 1)):
            return False
    return True
