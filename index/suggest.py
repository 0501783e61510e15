"""Suggestions while typing: titles and similar questions that hold what was typed so far, or nearly."""

from __future__ import annotations

from rapidfuzz import fuzz, process

from faq.entry import Entry
from faq.knowledge import KnowledgeBase
from index.variant import canonical, without_courtesy

_SHORTEST, _ALIKE = 2, 75


class Suggester:
    """The questions of a knowledge base, ready for typing. Immutable; needs no encoder."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._entries = [entry for entry in knowledge.entries for _ in (entry.question, *entry.similar)]
        self._texts = [canonical(text) for entry in knowledge.entries for text in (entry.question, *entry.similar)]

    def suggest(self, typed: str, system: str | None = None, limit: int = 5) -> list[Entry]:
        """Entries for what is typed so far, nearest first; none for less than two characters."""
        typed = without_courtesy(canonical(typed))
        if len(typed) < _SHORTEST:
            return []
        found = process.extract(
            typed, self._texts, scorer=fuzz.partial_ratio, processor=None, score_cutoff=_ALIKE, limit=None
        )
        # Equal scores are many (every text that holds all of it): a shorter text is nearer to what is typed.
        found.sort(key=lambda match: (-match[1], len(match[0])))
        entries = (self._entries[at] for _, _, at in found)
        return list(dict.fromkeys(e for e in entries if system in (None, e.system)))[:limit]
