"""Suggestions while typing: titles and similar questions that hold what was typed so far, or nearly.

Most texts have too few of the typed characters to be near, which a table from characters to texts tells without looking
at one. Only the others are compared.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from faq.entry import Entry
from faq.knowledge import KnowledgeBase
from index.variant import canonical, without_courtesy

_SHORTEST, _ALIKE = 2, 75

_IN_COMMON, _OF = 3, 5
"""3 of 5 characters of the shorter text are in the longer one, too, where `partial_ratio` gives them _ALIKE or more.

With c characters in common of m, and n more or less around them, 2c / (m + n) >= 0.75 and n >= c make 5c >= 3m.
"""


class Suggester:
    """The questions of a knowledge base, ready for typing. Immutable; needs no encoder."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._entries = [entry for entry in knowledge.entries for _ in (entry.question, *entry.similar)]
        self._texts = [canonical(text) for entry in knowledge.entries for text in (entry.question, *entry.similar)]
        self._lengths = np.array([len(text) for text in self._texts], np.int32)
        places: dict[str, list[int]] = {}
        for place, text in enumerate(self._texts):
            for char in set(text):
                places.setdefault(char, []).append(place)
        self._places = {char: np.array(where, np.int32) for char, where in places.items()}

    def suggest(self, typed: str, system: str | None = None, limit: int = 5) -> list[Entry]:
        """Entries for what is typed so far, nearest first; none for less than two characters."""
        typed = without_courtesy(canonical(typed))
        if len(typed) < _SHORTEST:
            return []
        near = [int(place) for place in self._near(typed) if system in (None, self._entries[place].system)]
        found = process.extract(
            typed,
            [self._texts[place] for place in near],
            scorer=fuzz.partial_ratio,
            processor=None,
            score_cutoff=_ALIKE,
            limit=None,
        )
        # Equal scores are many (every text that holds all of it): a shorter text is nearer to what is typed.
        found.sort(key=lambda match: (-match[1], len(match[0])))
        return list(dict.fromkeys(self._entries[near[at]] for _, _, at in found))[:limit]

    def _near(self, typed: str) -> NDArray[np.intp]:
        """The places of texts that have enough of the typed characters, in whatever order they have them."""
        common = np.zeros(len(self._texts), np.int32)
        for char, times in Counter(typed).items():
            if (where := self._places.get(char)) is not None:
                common[where] += times
        return np.flatnonzero(_OF * common >= _IN_COMMON * np.minimum(self._lengths, len(typed)))
