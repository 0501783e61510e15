"""HybridIndex: a message in, ranked entries out, each with the probability that it answers the message.

Immutable, and swapped whole for a new one. Keyword search (BM25 over words, character and syllable pairs), the sentence
encoder, a few-shot classifier and fuzzy matching each look at the phrasings of an entry; `rank` turns what they saw
into probabilities.
Works without an encoder, on keywords alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faq.entry import Entry
from index import rank
from index.compare import Comparison, Query, Seen
from index.cue import Cues, Mention
from index.encoder import Encoder
from index.focus import focused
from index.segment import Segmenter, bigrams
from index.snapshot import Snapshot
from index.sound import sounds
from index.understanding import Understanding
from index.variant import without_courtesy

CANDIDATES: Final = 50
"""Entries that the cheap measures hand on to the dear ones (fuzzy matching), and so the most that a search finds."""

Mode: TypeAlias = Literal["hybrid", "keyword"]
Vector: TypeAlias = NDArray[np.float32]

NEARNESS: Final = ("question", "words", "pairs", "fuzzy")
"""The features that say how near, see `Hit.nearness`."""

REMEMBERED: Final = 256
"""Messages whose search is kept, about 10 kB each; the same forty questions make up most of the traffic."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found: `confidence` is the probability that it answers the message and no other entry does better.

    `relevance` is the probability that it bears on the message at all, rivals apart. `features` say why; `phrasing` is
    the one of the entry's texts that came nearest.
    """

    entry: Entry
    confidence: float
    relevance: float
    phrasing: str
    features: Mapping[str, float]

    @property
    def nearness(self) -> float:
        """How near the message came to one of the entry's questions, by meaning and by letters.

        At most 1, and 0 or less where nothing is shared. Nothing learned is in it, least of all which entry a phrasing
        belongs to.
        """
        return sum(self.features[name] for name in NEARNESS) / len(NEARNESS)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The entries worth a closer look, as positions in the knowledge base, and what `rank` wants to know of them."""

    entries: tuple[int, ...]
    features: rank.Floats
    none: rank.Floats
    seen: Seen


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Phrasings to overlook, as rows of the snapshot, and what the classifier would say without them, per class."""

    rows: frozenset[int]
    head: rank.Floats | None = None


class HybridIndex:
    """A snapshot ready for searching. Thread-safe."""

    def __init__(self, snapshot: Snapshot, segmenter: Segmenter, encoder: Encoder | None) -> None:
        self.knowledge = snapshot.knowledge
        usable = encoder is not None and snapshot.vectors is not None and encoder.model_id == snapshot.model_id
        self._encoder = encoder if usable else None
        self._segmenter = segmenter
        self._entries = snapshot.knowledge.entries
        self._entry_by_id = {entry.id: entry for entry in self._entries}
        self.snapshot = snapshot
        self.comparison = Comparison(snapshot)
        catalog = snapshot.knowledge.catalog
        self._understanding = Understanding(snapshot.lexicon, catalog.synonyms, segmenter)
        self._cues = Cues(snapshot.knowledge.catalog, self.understand)
        self._head = snapshot.head
        similar = any(entry.similar for entry in self._entries)
        self.weights = rank.tuned(rank.shipped(self.mode, similar=similar), *snapshot.tuning)
        """What ranks here."""
        systems = np.array([entry.system for entry in self._entries], dtype=np.str_)
        self._of_system = {str(system): np.flatnonzero(systems == system) for system in np.unique(systems)}
        self._remembered, self._vector = _memories(self)

    @property
    def mode(self) -> Mode:
        """ "hybrid", or "keyword" when there is no encoder to search with."""
        return "keyword" if self._encoder is None else "hybrid"

    @property
    def encoder(self) -> Encoder | None:
        """What messages are encoded with; None when search does without."""
        return self._encoder

    def entry(self, entry_id: str) -> Entry | None:
        """The entry of that id, or None."""
        return self._entry_by_id.get(entry_id)

    def understand(self, text: str) -> str:
        """The text as search takes it (see `understanding`)."""
        return self._understanding.read(text)

    def mention(self, text: str) -> Mention:
        """What the message gives away about its subject."""
        return self._cues.read(self.understand(text))

    def names_only(self, text: str) -> Mention | None:
        """What a message says that is nothing but names of systems and audiences; None for any other."""
        return self._cues.names_only(self.understand(text))

    def without_roles(self, text: str) -> str:
        """A message without the words that tell whom it speaks for."""
        return self._cues.without_roles(self.understand(text))

    def place(self, text: str) -> Vector | None:
        """Where a text that `understand` gave lies among the meanings known here (see `space`); None on keywords."""
        vector = self._vector(text)
        return None if vector is None else self.comparison.place(vector)

    def search(self, text: str, system: str | None = None, limit: int = 10) -> list[Hit]:
        """The entries nearest to the message, best first; only those of `system` where one is given.

        As many as there are, at most `limit` and never more than CANDIDATES. The first ones do not depend on `limit`.
        """
        return list(self._remembered(self.understand(text), system, limit)) if limit > 0 else []

    def candidates(
        self, text: str, system: str | None = None, held_out: HeldOut | None = None, *, question: str | None = None
    ) -> Candidates:
        """What search knows of a text that `understand` gave, before it judges; `question` is the part to compare."""
        mention = self._cues.read(text)
        query = self._query(without_courtesy(text) if question is None else question)
        rows = held_out.rows if held_out else ()
        seen, kernel = self.comparison.see(query, rows)
        guess = seen.question + seen.words + seen.pairs + seen.sounds + seen.answer + seen.answer_words
        chosen = self._greatest(guess, system)
        classes = np.append(chosen, len(self._entries))
        if held_out and held_out.head is not None:
            head = held_out.head[classes]
        else:
            head = np.zeros(len(classes)) if self._head is None else np.round(self._head[classes] @ kernel, 6)
        by_class = {"head": head[:-1], "fuzzy": self.comparison.fuzzy(chosen, query.text, seen, rows)}
        columns = [by_class[name] if name in by_class else getattr(seen, name)[chosen] for name in rank.FEATURES[:-2]]
        columns.append([_agreement(mention.systems, self._entries[at].system) for at in chosen])
        columns.append([_audience_agreement(mention, self._entries[at]) for at in chosen])
        away = system is None and mention.elsewhere
        none = np.array([1, not self.comparison.topics, head[-1], seen.topic, seen.topic_words, away], dtype=np.float64)
        return Candidates(tuple(map(int, chosen)), np.column_stack(columns).astype(np.float64), none, seen)

    def _query(self, text: str) -> Query:
        return Query(text, self._segmenter.words(text), bigrams(text), sounds(text), self._vector(text))

    def _encode(self, text: str) -> Vector | None:
        return None if self._encoder is None else self._encoder.encode([text])[0]

    def _greatest(self, guess: Vector, system: str | None) -> NDArray[np.intp]:
        """Positions of the greatest values among the entries of a system (None: all), greatest first, ties in order."""
        if system is None:
            positions = np.arange(len(guess), dtype=np.intp)
        else:
            positions = self._of_system.get(system, np.empty(0, dtype=np.intp))
        if len(positions) > CANDIDATES:
            least = np.partition(guess[positions], -CANDIDATES)[-CANDIDATES]
            positions = positions[guess[positions] >= least]
        return positions[np.argsort(-guess[positions], kind="stable")[:CANDIDATES]]

    def _search(self, text: str, system: str | None, limit: int) -> tuple[Hit, ...]:
        whole = without_courtesy(text)
        # A message is compared as a whole and without its background; the reading that leads further counts.
        readings = [
            (found, rank.judge(found.features, found.none, self.weights))
            for question in dict.fromkeys([whole, focused(whole, self.snapshot.lexicon, self._segmenter.cut)])
            for found in [self.candidates(text, system, question=question)]
        ]
        found, judged = max(readings, key=lambda reading: reading[1].confidence.max(initial=0.0))
        return tuple(
            Hit(
                entry=self._entries[found.entries[n]],
                confidence=float(judged.confidence[n]),
                relevance=float(judged.relevance[n]),
                phrasing=self.comparison.nearest(found.entries[n], found.seen),
                features=dict(zip(rank.FEATURES, map(float, found.features[n]), strict=True)),
            )
            for n in np.argsort(-judged.score, kind="stable")[:limit]
        )


def _memories(
    index: HybridIndex,
) -> tuple[Callable[[str, str | None, int], tuple[Hit, ...]], Callable[[str], Vector | None]]:
    """Searches and vectors, each made once for a while.

    They hold the index weakly: tied to itself, one that was swapped for another would stay in memory for long.
    """
    this = weakref.proxy(index)

    @lru_cache(maxsize=REMEMBERED)
    def search(text: str, system: str | None, limit: int) -> tuple[Hit, ...]:
        hits: tuple[Hit, ...] = this._search(text, system, limit)
        return hits

    @lru_cache(maxsize=REMEMBERED)
    def vector(text: str) -> Vector | None:
        made: Vector | None = this._encode(text)
        return made

    return search, vector


def _agreement(said: Collection[object], mine: object) -> float:
    """1 when the message points only at mine, −1 when only at others, else 0."""
    if mine not in said:
        return -1.0 if said else 0.0
    return 1.0 if len(said) == 1 else 0.0


def _audience_agreement(mention: Mention, entry: Entry) -> float:
    if entry.audience is None:
        return 0.0
    return _agreement({name for system, name in mention.audiences if system == entry.system}, entry.audience)
