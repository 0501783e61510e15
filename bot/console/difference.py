"""How texts and states of the knowledge base differ, made ready to be shown. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal, TypeAlias

from bot.version import Difference, PhraseChange

Op: TypeAlias = Literal["same", "ins", "del"]

LONGEST: Final = 4000
"""Words beyond which two texts are shown one after the other: to compare them takes quadratic time."""

_WORDS: Final = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is there before and after, or only after (ins), or only before (del)."""

    op: Op
    text: str


def compared(before: str, after: str) -> list[Piece]:
    """Two texts word for word, a Chinese character being a word."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > LONGEST:
        return [Piece("del", before), Piece("ins", after)]
    return list(_joined(old, new))


def _joined(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for tag, start, end, into, until in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(old[start:end]))
        else:
            if start < end:
                yield Piece("del", "".join(old[start:end]))
            if into < until:
                yield Piece("ins", "".join(new[into:until]))


def by_entry(phrases: Sequence[PhraseChange]) -> dict[str, list[PhraseChange]]:
    """Changes of phrases by entry ("" for topics), in their order."""
    found: dict[str, list[PhraseChange]] = {}
    for phrase in phrases:
        found.setdefault(phrase.entry_id, []).append(phrase)
    return found


def summary(difference: Difference) -> str:
    """A difference in a line: 「条目新增 1、修改 2；相似问法新增 5、移除 1；话题新增 3」."""
    entries = Counter(
        "新增" if change.before is None else "删除" if change.after is None else "修改" for change in difference.entries
    )
    similar = Counter("新增" if p.kind == "add" else "移除" for p in difference.phrases if p.entry_id)
    topics = Counter("新增" if p.kind == "add" else "移除" for p in difference.phrases if not p.entry_id)
    parts = [
        title + "、".join(f"{what} {counts[what]}" for what in ("新增", "修改", "删除", "移除") if counts[what])
        for title, counts in (("条目", entries), ("相似问法", similar), ("未收录话题", topics))
        if counts
    ]
    if difference.held:
        parts.append(f"待确认的条目 {len(difference.held)}")
    if difference.files:
        parts.append("、".join(difference.files))
    return "；".join(parts) or "没有改动"
