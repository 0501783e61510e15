"""What may have been read wrongly: lines that ended up in an answer and look as if they began something of their own.

Nothing is changed here. Each doubt is a sentence in Chinese naming its lines, for the person who publishes.
"""

from __future__ import annotations

from collections.abc import Iterator

from faq.entry import Document
from faq.level import HEADINGS
from faq.marker import read_answer, read_marker
from faq.outline import Block, Outline
from faq.reader import Line

MAX_SHOWN = 24
"""Characters of a line that are quoted."""


def find_doubts(outline: Outline, document: Document) -> tuple[str, ...]:
    """The doubts about a document as it was read, in the order of their lines."""
    found: list[tuple[int, str]] = []
    for line in [*outline.head, *outline.loose]:
        if read_answer(line.text) is not None:
            found.append((line.number, f"{_name(line)}以“答”开头，但上面没有它的问题，已作为说明保留，请核对编号。"))
    for block, entry in zip(outline.blocks, document.entries, strict=True):
        first = block.lines[0]
        if not entry.answer:
            found.append((first.number, f"{_name(first)}是一个问题，但下面没有回答，请补充。"))
        for line in block.lines[1:]:
            if read_answer(line.text) is not None and f"\n{line.text}" in f"\n{entry.answer}":
                where = f"却在第 {first.number} 行的问题的回答里"
                found.append((line.number, f"{_name(line)}以“答”开头，{where}，可能有一个问题没有认出，请核对编号。"))
    for line, first in _stray_headings(outline):
        where = f"却在第 {first.number} 行的问题的回答里"
        text = f"{_name(line)}像是一个标题，{where}，可能有一个分类没有认出，请核对编号。"
        found.append((line.number, text))
    return tuple(text for _, text in sorted(found))


def _stray_headings(outline: Outline) -> Iterator[tuple[Line, Line]]:
    """Lines within answers that go on the count of the headings outside, each with its entry's first line."""
    marks = [read_marker(heading.line.text) for heading in outline.headings]
    entries = {marker.kind for block in outline.blocks if (marker := read_marker(block.lines[0].text))}
    kinds = {*HEADINGS, *(marker.kind for marker in marks if marker)} - entries
    counts: dict[str, int] = {}
    blocks: dict[int, Block] = {block.lines[0].number: block for block in outline.blocks}
    outside = [*outline.head, *outline.loose, *(heading.line for heading in outline.headings)]
    for line in sorted([*outside, *(block.lines[0] for block in outline.blocks)], key=lambda line: line.number):
        block = blocks.get(line.number)
        if block is None:
            if marker := read_marker(line.text):
                counts[marker.kind] = marker.number
            continue
        own: dict[str, int] = {}
        for below in block.lines[1:]:
            marker = read_marker(read_answer(below.text) or below.text)
            if marker is None or marker.kind not in kinds:
                continue
            if marker.number == counts.get(marker.kind, 0) + 1 > 1 and own.get(marker.kind) != marker.number - 1:
                counts[marker.kind] = marker.number
                yield below, line
            else:
                own[marker.kind] = marker.number


def _name(line: Line) -> str:
    shown = line.text if len(line.text) <= MAX_SHOWN else line.text[:MAX_SHOWN] + "…"
    return f"第 {line.number} 行「{shown}」"
