"""One entry's lines → its question and its answer, each in the document's own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from faq.marker import read_answer, read_marker
from faq.reader import Line
from faq.wrap import Wrap, ends_sentence, join_lines

MAX_QUESTION_LINES = 4
"""Lines above 答： that can be a question; further down it is part of an answer."""

_QUOTED = re.compile(r"(?<=【)[^】]*(?=】)|(?<=“)[^”]*(?=”)|(?<=「)[^」]*(?=」)|(?<=[(（])[^()（）]*(?=[)）])")
_LABEL = re.compile(
    r"(?<=[、，,；;。.？?！!】）)」”\s])(?:原因|(?P<drop>答案|答复|回答|答))\s*[:：]\s*"
    r"|(?<![的及和与其或种])(?:解决|处理)(?:方式|办法|方法|方案|措施)\s*[:：]"
)
_ASKED = re.compile(r"[？?]\s*")

Piece = tuple[Line, str]
"""A line, and what of its text belongs here."""


def read_block(lines: Sequence[Line], rest: str, wrap: Wrap) -> tuple[str, str]:
    """The question and the answer of an entry's lines; `rest` is the first line without its number."""
    pieces: list[Piece] = [(line, line.text) for line in lines]
    pieces[0] = (lines[0], rest)
    if split := split_inline(rest, alone=len(lines) == 1):
        question, answer = split
        return clean_question(question), "\n".join(read_paragraphs([(lines[0], answer), *pieces[1:]], wrap))
    for position, line in enumerate(lines[: MAX_QUESTION_LINES + 1]):
        if position and (answer_text := read_answer(line.text)) is not None:
            question = join_lines([text for _, text in pieces[:position]])
            if not clean_question(question):
                break
            answer = "\n".join(read_paragraphs([(line, answer_text), *pieces[position + 1 :]], wrap))
            return clean_question(question), answer
    end = 1
    while end < len(pieces) and (
        not pieces[end - 1][1] or _runs_on(pieces[end - 1], pieces[end], wrap, first=end == 1)
    ):
        end += 1
    question = join_lines([text for _, text in pieces[:end]])
    if end == len(pieces) and (split := split_inline(question, alone=True)):
        return clean_question(split[0]), split[1]
    return clean_question(question) or lines[0].text, "\n".join(read_paragraphs(pieces[end:], wrap))


def read_paragraphs(pieces: Sequence[Piece], wrap: Wrap) -> list[str]:
    """The paragraphs of an answer: each line its own, or hard-wrapped lines joined."""
    pieces = [piece for piece in pieces if piece[1]]
    paragraphs: list[list[str]] = [[pieces[0][1]]] if pieces else []
    for (line, _), (following, text) in pairwise(pieces):
        runs_on = wrap.continues(line, following, first=len(paragraphs[-1]) == 1)
        if runs_on and not _begins_item(line, following):
            paragraphs[-1].append(text)
        else:
            paragraphs.append([text])
    return [join_lines(paragraph) for paragraph in paragraphs]


def split_inline(text: str, *, alone: bool) -> tuple[str, str] | None:
    """Question and answer of one line that holds both: at a label (解决方式：), or, `alone`, behind its question mark.

    The label stays with the answer, except a pure 答：, which says nothing. Labels in quotes or brackets do not count.
    """
    masked = _QUOTED.sub(lambda found: "□" * len(found[0]), text)
    for label in _LABEL.finditer(masked):
        question = text[: label.start()].rstrip("、，,；; ")
        answer = text[label.end() if label["drop"] else label.start() :]
        if clean_question(question) and answer:
            return question, answer
    asked = _ASKED.search(masked) if alone else None
    if asked and len(text) - asked.end() >= 2 and not text.endswith(("？", "?")):
        return text[: asked.end()].strip(), text[asked.end() :]
    return None


def clean_question(text: str) -> str:
    """The question without the colon or full stop it ends with; a question mark stays."""
    return text.rstrip("：:。 \u3000").strip()


def _runs_on(piece: Piece, following: Piece, wrap: Wrap, *, first: bool) -> bool:
    line, below = piece[0], following[0]
    return not ends_sentence(line.text) and wrap.continues(line, below, first=first) and not _begins_item(line, below)


def _begins_item(line: Line, following: Line) -> bool:
    """Whether a line begins an item of a list, though the line above is full."""
    marker = read_marker(following.text)
    if marker is None:
        return False
    return ends_sentence(line.text) or not marker.kind.startswith(("arabic", "dotted"))
