"""Lines → outline: what stands before the first number, the sections, and the lines of each entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from faq.level import Plan, plan_levels
from faq.marker import ASK, Marker
from faq.node import NEAR, Node, behind_answer, find_entries, next_marker, read_nodes
from faq.reader import Line
from faq.title import mark_titles
from faq.wrap import Wrap, ends_sentence

MAX_TITLE = 60
"""Characters a heading without entries may have and still be a heading."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's heading: its full number ("1.2"), its title, its line, and its depth from 0."""

    number: str
    title: str
    line: Line
    depth: int


@dataclass(slots=True)
class Block:
    """An entry's lines: its full number, the first line without its mark, and the section it stands in (an index)."""

    number: str
    rest: str
    section: int | None
    lines: list[Line]


@dataclass(slots=True)
class Outline:
    """A document's structure. `head`: lines before everything; `loose`: lines between a heading and its first entry."""

    head: list[Line] = field(default_factory=list)
    loose: list[Line] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def read_outline(lines: Sequence[Line], wrap: Wrap) -> Outline:
    """The outline of a document's lines (artefacts taken out). Every line is in exactly one place of it."""
    outline = Outline()
    nodes = mark_titles(read_nodes(lines))
    plan = plan_levels(nodes)
    if plan is None:
        outline.head.extend(lines)
        return outline
    before = 0
    for section, segment in _segments(nodes, plan, outline):
        starts = find_entries(segment, plan.entry, wrap, answered=plan.answered, before=before)
        if section is None and plan.sections and not _has_body(segment, plan):
            starts = []
        first = starts[0] if starts else len(segment)
        loose = outline.head if section is None and not outline.blocks else outline.loose
        loose.extend(node.line for node in segment[:first])
        _add_blocks(outline, segment, starts, section)
        before = max((_number(segment[start]) for start in starts), default=before)
    return outline


def _segments(nodes: Sequence[Node], plan: Plan, outline: Outline) -> Iterator[tuple[int | None, list[Node]]]:
    """The lines under each heading, in order; headings are added to the outline as they are met."""
    section: int | None = None
    segment: list[Node] = []
    counts: dict[int, Marker] = {}
    parents: list[Heading] = []
    previous: Marker | None = None
    listed: dict[str, int] = {}
    for position, node in enumerate(nodes):
        marker = node.marker or behind_answer(node)
        goes_on = marker is not None and listed.get(marker.kind) == marker.number - 1 and marker.number > 1
        if marker and marker.kind in plan.sections and not goes_on and _is_heading(nodes, position, plan, counts):
            yield section, segment
            listed = {}
            depth = plan.sections.index(marker.kind)
            counts = {level: found for level, found in counts.items() if level < depth} | {depth: marker}
            parents = [parent for parent in parents if parent.depth < depth]
            number = _unique(
                _full_number(marker, parents[-1].number if parents else ""), [h.number for h in outline.headings]
            )
            parents.append(Heading(number, _title(marker, node.line), node.line, depth))
            outline.headings.append(parents[-1])
            section, segment, previous = len(outline.headings) - 1, [], None
            continue
        if marker:
            listed[marker.kind] = marker.number
        if marker and marker.kind == plan.entry and len(marker.path) > 1:
            if previous and marker.number == 1 and marker.path[:-1] > previous.path[:-1]:
                yield section, segment
                segment = []
            previous = marker
        segment.append(node)
    yield section, segment


def _is_heading(nodes: Sequence[Node], position: int, plan: Plan, counts: dict[int, Marker]) -> bool:
    marker = nodes[position].marker
    if marker is None:
        return False
    depth = plan.sections.index(marker.kind)
    inner = {*plan.sections[depth + 1 :], plan.entry}
    below = next_marker(nodes, position, NEAR)
    leads = below is not None and below.kind in inner
    if leads and below is not None and (below.number <= 1 or below.kind == ASK):
        return True
    last = counts.get(depth)
    expected = marker.path > last.path if last else True
    if leads:
        return expected
    if _is_empty(nodes, position, plan, last):
        return True
    following = nodes[position + 1].marker if position + 1 < len(nodes) else None
    titled = len(marker.rest) <= MAX_TITLE and not ends_sentence(marker.rest)
    return expected and titled and following is not None and following.kind in plan.sections


def _is_empty(nodes: Sequence[Node], position: int, plan: Plan, last: Marker | None) -> bool:
    """Whether a heading without entries stands here: it goes on from the last one, and the next goes on from it."""
    marker = nodes[position].marker
    if marker is None or last is None or marker.path[:-1] != last.path[:-1] or marker.number != last.number + 1:
        return False
    if len(marker.rest) > MAX_TITLE or ends_sentence(marker.rest):
        return False
    outer = plan.sections[: plan.sections.index(marker.kind)]
    for place, node in enumerate(nodes[position + 1 :], position + 1):
        if node.marker and (node.marker.kind == marker.kind or node.marker.kind in outer):
            below = next_marker(nodes, place, NEAR)
            opens = below is not None and below.kind in (*plan.sections, plan.entry)
            return opens and (node.marker.kind in outer or node.marker.number == marker.number + 1)
        if node.answers or (node.marker and node.marker.kind in (*plan.sections, plan.entry)):
            return False
    return len(nodes) - position - 1 <= 1


def _has_body(segment: Sequence[Node], plan: Plan) -> bool:
    """Whether entries have more than a line each; a bare list before the first section is no list of entries."""
    marked = [node.marker is not None and node.marker.kind == plan.entry for node in segment]
    return True in marked and False in marked[marked.index(True) :]


def _add_blocks(outline: Outline, segment: Sequence[Node], starts: Sequence[int], section: int | None) -> None:
    parent = outline.headings[section].number if section is not None else ""
    numbers = [_number(segment[start]) for start in starts]
    counted = all(after > before for before, after in zip([0, *numbers], numbers, strict=False))
    taken = {block.number for block in outline.blocks}
    for place, (start, end) in enumerate(zip(starts, [*starts[1:], len(segment)], strict=False), 1):
        marker = segment[start].marker
        if marker is None:
            raise ValueError("an entry begins with a mark")
        if marker.kind == ASK and not counted:
            marker = Marker(ASK, (place,), "", marker.rest)
        number = _unique(_full_number(marker, parent), taken)
        taken.add(number)
        outline.blocks.append(Block(number, marker.rest, section, [node.line for node in segment[start:end]]))


def _full_number(marker: Marker, parent: str) -> str:
    """The number within the document: a dotted number that goes on from its section's is whole already."""
    own = ".".join(map(str, marker.path))
    if not parent or (len(marker.path) > 1 and own.rpartition(".")[0] == parent):
        return own
    return f"{parent}.{own}"


def _unique(number: str, taken: Sequence[str] | set[str]) -> str:
    """The number, with "-2", "-3"… where the document gives it twice."""
    found, copy = number, 1
    while found in taken:
        copy += 1
        found = f"{number}-{copy}"
    return found


def _number(node: Node) -> int:
    return node.marker.number if node.marker else 0


def _title(marker: Marker, line: Line) -> str:
    return marker.rest.rstrip("：: ").strip() or line.text
