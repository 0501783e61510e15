"""Which kind of number counts the entries of a document, and which kinds count its sections.

An answer mark (答：) names the entries: they are what it stands under. Without one the kinds are walked from the
outermost: a kind whose items mostly are followed at once by the first item of a deeper kind counts sections, the first
that mostly carries a body counts entries. A question mark (问：) trumps all numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from faq.answer import split_inline
from faq.marker import ASK, STEP_KINDS, Marker
from faq.node import NEAR, Node, find_entries, marker_above, next_marker
from faq.sequence import leaning
from faq.title import BARE, TITLE

MOSTLY = 0.5
MIN_OPENING = 2
"""Headings that open a count of entries, in a count of headings that runs through the document: the rest are empty."""
HEADINGS = ("part", "chapter", "clause", "cjk", "cjk-paren", TITLE, BARE)
"""Kinds that are outside any other they meet, outermost first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The kind that counts the entries and those that count sections, outermost first. `answered`: entries have 答."""

    entry: str
    sections: tuple[str, ...]
    answered: bool


def plan_levels(nodes: Sequence[Node]) -> Plan | None:
    """The plan of the document, or None where nothing in it is marked as an entry."""
    kinds = _outermost_first(nodes)
    answers = sum(node.answers for node in nodes)
    asks = sum(node.marker is not None and node.marker.kind == ASK for node in nodes)
    if asks >= 2 or (asks and answers):
        return Plan(ASK, _leading(nodes, kinds, ASK), answered=answers * 2 >= asks)
    kinds = [kind for kind in kinds if kind != ASK]
    if not kinds:
        return None
    above = [found for p, node in enumerate(nodes) if node.answers and (found := marker_above(nodes, p))]
    if above and len(above) * 2 >= answers:
        entry = Counter(marker.kind for marker in above).most_common(1)[0][0]
        chain = 0
        for node in nodes:
            if node.marker and node.marker.kind == entry:
                chain = chain + 1 if node.marker.number == chain + 1 else 1 if node.marker.number == 1 else chain
        return Plan(entry, _leading(nodes, kinds, entry), answered=len(above) >= max(1, chain * MOSTLY))
    sections, entry = _walk(nodes, kinds)
    return Plan(entry, sections, answered=False)


def _outermost_first(nodes: Sequence[Node]) -> list[str]:
    """The kinds in order of containment: the one whose items more often begin a count of the other is outside it."""
    markers = [node.marker for node in nodes if node.marker]
    kinds = list(dict.fromkeys(marker.kind for marker in markers))
    begins: Counter[tuple[str, str]] = Counter()
    latest: dict[str, int] = {}
    for position, marker in enumerate(markers):
        for kind, seen in latest.items():
            between = latest.get(marker.kind, -1)
            if kind != marker.kind and marker.number == 1 and seen > between:
                begins[kind, marker.kind] += 1
        latest[marker.kind] = position

    def outside(a: str, b: str) -> bool:
        if begins[a, b] != begins[b, a]:
            return begins[a, b] > begins[b, a]
        if (a in HEADINGS) != (b in HEADINGS):
            return a in HEADINGS
        if (a in STEP_KINDS) != (b in STEP_KINDS):
            return b in STEP_KINDS
        return kinds.index(a) < kinds.index(b)

    return sorted(kinds, key=lambda kind: sum(outside(other, kind) for other in kinds if other != kind))


def _leading(nodes: Sequence[Node], kinds: Sequence[str], entry: str) -> tuple[str, ...]:
    """The kinds whose items mostly lead to an entry, or to a kind that does, and are counted while doing so."""
    found: list[str] = []
    first = next((position for position, node in enumerate(nodes) if node.marker and node.marker.kind == entry), 0)
    inner = [kind for kind in kinds if kind != entry and kind not in STEP_KINDS]
    for kind in [*reversed(inner), *reversed(inner)]:
        if kind in found:
            continue
        within = NEAR if kind in HEADINGS else 1
        items = [position for position, node in enumerate(nodes) if node.marker and node.marker.kind == kind]
        leads = opens = last = listed = steps = 0
        for position in items:
            below, marker = next_marker(nodes, position, within), nodes[position].marker
            step = marker is not None and bool(last) and marker.number == listed + 1
            goes_on = step and listed > 0 and below is not None and below.kind == entry and below.number > 1
            if marker and below and not goes_on and (below.kind == entry or below.kind in found):
                counted = marker.number in (1, last + 1) or position < first
                if counted and (below.number <= 1 or below.kind == ASK or kind in HEADINGS):
                    leads, last = leads + 1, marker.number
                    opens += below.number <= 1
                    listed = 0 if below.number <= 1 else listed
                    continue
            if marker is None or kind not in HEADINGS:
                continue
            if step:
                listed, steps = marker.number, steps + 1
            elif marker.number == last + 1:
                last, listed = marker.number, 0
        unbroken = kind in HEADINGS and last == len(items) and opens >= MIN_OPENING
        beside_steps = opens >= MIN_OPENING and leads > MOSTLY * (len(items) - steps)
        if leads > MOSTLY * len(items) or unbroken or beside_steps:
            found.append(kind)
    return tuple(kind for kind in kinds if kind in found)


def _walk(nodes: Sequence[Node], kinds: Sequence[str]) -> tuple[tuple[str, ...], str]:
    sections: list[str] = []
    position = 0
    while position < len(kinds) - 1:
        kind, deeper = kinds[position], kinds[position + 1 :]
        within = NEAR if kind in HEADINGS else 1
        items = [p for p, node in enumerate(nodes) if node.marker and node.marker.kind == kind]
        below = [next_marker(nodes, p, within) for p in items]
        first = [
            marker.kind
            for marker in below
            if marker
            and marker.kind in deeper
            and (marker.number == 1 or (kind in HEADINGS and marker.kind not in STEP_KINDS))
        ]
        if len(first) <= MOSTLY * len(items):
            break
        inner = Counter(first).most_common(1)[0][0]
        if not _carries(nodes, inner, kind):
            break
        sections.append(kind)
        position = kinds.index(inner)
    return tuple(sections), kinds[position]


def _carries(nodes: Sequence[Node], kind: str, outer: str) -> bool:
    """Whether the items of a kind mostly have something below them, as entries and sections have and steps have not."""
    bounds = [p for p, node in enumerate(nodes) if node.marker and node.marker.kind == outer] + [len(nodes)]
    entries: list[Marker] = []
    carrying = 0
    for begin, end in pairwise(bounds):
        segment = nodes[begin + 1 : end]
        starts = find_entries(segment, kind)
        for start, stop in zip(starts, [*starts[1:], len(segment)], strict=False):
            if marker := segment[start].marker:
                entries.append(marker)
                below = segment[start + 1].marker if stop - start > 1 else None
                bare = stop - start == 1 or (below is not None and below.kind == kind and below.number != 1)
                carrying += not bare or split_inline(marker.rest, alone=True) is not None
    likeness = sum(leaning(marker.rest) for marker in entries)
    enough = 0.5 if kind in STEP_KINDS else -1.0 * len(entries)
    return carrying > MOSTLY * len(entries) and likeness >= enough
