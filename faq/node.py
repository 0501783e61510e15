"""Lines with what their start says, and which of them begin entries when a kind of number is taken to count those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from faq.answer import split_inline
from faq.marker import ASK, Marker, read_answer, read_marker
from faq.reader import Line
from faq.sequence import Item, assign_roles
from faq.wrap import UNWRAPPED, Wrap, ends_sentence

NEAR = 3
"""Lines of introduction that may stand between a heading and its first entry, or a question and its 答."""


@dataclass(frozen=True, slots=True)
class Node:
    """A line with what its start says: a mark, or an answer mark."""

    line: Line
    marker: Marker | None
    answers: bool


def read_nodes(lines: Sequence[Line]) -> tuple[Node, ...]:
    """The lines with their marks; where 答 stands under unmarked lines, each of these counts as 问."""
    nodes = [Node(line, read_marker(line.text), read_answer(line.text) is not None) for line in lines]
    answers = [position for position, node in enumerate(nodes) if node.answers]
    if answers and not any(node.marker and node.marker.kind == ASK for node in nodes):
        unmarked = [p for p in answers if p > 0 and not nodes[p - 1].answers and marker_above(nodes, p) is None]
        if len(unmarked) * 2 > len(answers):
            for position in unmarked:
                above = nodes[position - 1]
                nodes[position - 1] = replace(above, marker=Marker(ASK, (0,), "", above.line.text))
    return tuple(nodes)


def next_marker(nodes: Sequence[Node], position: int, within: int) -> Marker | None:
    """The mark of the nearest marked line below, at most `within` lines away, with no 答 in between."""
    for node in nodes[position + 1 : position + 1 + within]:
        if node.answers:
            return None
        if node.marker:
            return node.marker
    return None


def marker_above(nodes: Sequence[Node], position: int) -> Marker | None:
    """The mark a 答 stands under: the nearest one above, with no other 答 in between."""
    for node in reversed(nodes[max(0, position - NEAR) : position]):
        if node.marker or node.answers:
            return node.marker
    return None


def behind_answer(node: Node) -> Marker | None:
    """The mark of the list item that stands on the same line as 答：."""
    return read_marker(read_answer(node.line.text) or "") if node.answers else None


def find_entries(
    segment: Sequence[Node], kind: str, wrap: Wrap = UNWRAPPED, *, answered: bool = False, before: int = 0
) -> list[int]:
    """The positions of the lines that begin entries if that kind counts them; `before`: the count so far."""
    if kind == ASK:
        return [place for place, node in enumerate(segment) if node.marker and node.marker.kind == kind]
    items: list[Item] = []
    places: list[int] = []
    last = -1
    for place, node in enumerate(segment):
        marker = node.marker or behind_answer(node)
        if marker is None or marker.kind != kind:
            continue
        between = segment[last + 1 : place + 1 if node.answers else place]
        items.append(
            Item(
                number=marker.number,
                text=marker.rest,
                style=marker.style,
                text_before=bool(between),
                answers_before=sum(node.answers for node in between) if answered else 0,
                complete=split_inline(marker.rest, alone=True) is not None,
                broken_off=place > 0 and _breaks_off(segment[place - 1].line, node.line, wrap),
                listed=node.answers,
            )
        )
        places.append(place)
        last = place
    after = segment[last + 1 :]
    roles = assign_roles(
        items,
        answered=answered,
        before=before,
        text_after=bool(after),
        answers_after=sum(node.answers for node in after) if answered else 0,
    )
    return [place for place, role in zip(places, roles, strict=True) if role == "entry"]


def _breaks_off(line: Line, following: Line, wrap: Wrap) -> bool:
    return not ends_sentence(line.text) and wrap.continues(line, following, first=False)
