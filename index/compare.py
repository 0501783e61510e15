"""What keyword search and the encoder see when a message is held against every phrasing of every entry.

All measures are between about 0 and 1 and mean the same in every knowledge base: keyword scores are shares of the
message's own weight (see `keyword`), and cosines are taken from the level at which unrelated texts of this knowledge
base stand, since encoders such as E5 never give less than about 0.7.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from index.keyword import KeywordIndex
from index.segment import bigrams
from index.snapshot import Snapshot
from index.variant import canonical

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """Measures of one message against n entries, each of shape (n,), and against the uncovered topics.

    `title` and `question` are cosines to the title and to the nearest of title and similar questions; `answer` is that
    to the nearest sentence of the answer, and the same as `question` where there is no answer. `words` and `pairs` are
    keyword shares of the best title or similar question, `answer_words` and `answer_pairs` of title and answer. `topic`
    is the cosine to the nearest uncovered topic and `topic_words` the sum of its two keyword shares; both are None
    where there are no topics. `near`, one per title and similar question, says how near each came.
    """

    title: Floats
    question: Floats
    answer: Floats
    words: Floats
    pairs: Floats
    answer_words: Floats
    answer_pairs: Floats
    topic: float | None
    topic_words: float | None
    near: Floats


class Comparison:
    """The phrasings of a snapshot, ready to be compared with messages. Immutable."""

    def __init__(self, snapshot: Snapshot) -> None:
        phrasings = snapshot.phrasings
        count = len(snapshot.knowledge.entries)
        kinds = np.array([phrasing.kind for phrasing in phrasings], dtype=np.str_)
        entries = np.array([phrasing.entry for phrasing in phrasings], dtype=np.intp)
        # Phrasings stand in the order of their entries (see `Snapshot`), so the questions of entry n are a run of rows.
        self._questions = np.flatnonzero((kinds == "title") | (kinds == "similar"))
        self._starts = np.searchsorted(entries[self._questions], np.arange(count + 1))
        self._titles = np.flatnonzero(kinds == "title")
        self._answers = np.flatnonzero(kinds == "answer")
        self._answered, self._answer_starts = np.unique(entries[self._answers], return_index=True)
        self._topics = np.flatnonzero(kinds == "uncovered")
        self._asked = np.concatenate([self._questions, self._topics])
        self._texts = [phrasings[row].text for row in self._questions]

        canonical_texts = [canonical(phrasing.text) for phrasing in phrasings]
        self._canonical_texts = [canonical_texts[row] for row in self._questions]
        pairs = [bigrams(text) for text in canonical_texts]
        words = [phrasing.words for phrasing in phrasings]
        self._words = KeywordIndex([words[row] for row in self._asked])
        self._pairs = KeywordIndex([pairs[row] for row in self._asked])
        whole: list[tuple[list[str], list[str]]] = [([], []) for _ in range(count)]
        for row in np.concatenate([self._titles, self._answers]):
            whole[entries[row]][0].extend(words[row])
            whole[entries[row]][1].extend(pairs[row])
        self._answer_words = KeywordIndex([entry[0] for entry in whole])
        self._answer_pairs = KeywordIndex([entry[1] for entry in whole])

        self._count = len(phrasings)
        self._vectors = snapshot.vectors
        self._level = 0.0 if snapshot.vectors is None else _level(snapshot.vectors)

    def see(
        self, words: Sequence[str], pairs: Sequence[str], vector: Floats | None, held_out: Collection[int] = ()
    ) -> Seen:
        """Compare a message, given as words, character pairs and vector (or None), leaving out the rows `held_out`."""
        asked_words, asked_pairs = self._words.shares(words), self._pairs.shares(pairs)
        cosines = np.zeros(self._count, dtype=np.float32)
        if vector is not None and self._vectors is not None:
            cosines = (self._vectors @ vector - self._level) / (1 - self._level)
            cosines = np.round(cosines, 6)  # beyond that the product depends on where in the matrix a row stands
        topics = len(self._topics)
        if held_out:
            rows = np.fromiter(held_out, dtype=np.intp)
            out = np.isin(self._asked, rows)
            cosines[rows] = -1.0
            asked_words[out] = asked_pairs[out] = 0.0
            topics -= np.isin(self._topics, rows).sum()
        questions = len(self._questions)
        question = self._best(cosines[self._questions])
        answer = question.copy()
        if len(self._answers):
            answer[self._answered] = np.maximum.reduceat(cosines[self._answers], self._answer_starts)
        return Seen(
            title=cosines[self._titles],
            question=question,
            answer=answer,
            words=self._best(asked_words[:questions]),
            pairs=self._best(asked_pairs[:questions]),
            answer_words=self._answer_words.shares(words),
            answer_pairs=self._answer_pairs.shares(pairs),
            topic=float(cosines[self._topics].max()) if topics else None,
            topic_words=float((asked_words + asked_pairs)[questions:].max()) if topics else None,
            near=cosines[self._questions] + asked_words[:questions] + asked_pairs[:questions],
        )

    def fuzzy(self, entry: int, text: str, held_out: Collection[int] = ()) -> float:
        """How alike the letters of the message and of the entry's best question are, 0 to 1 (rapidfuzz)."""
        run = self._run(entry)
        others = [self._canonical_texts[at] for at in run if self._questions[at] not in held_out]
        return max((fuzz.ratio(text, other) + fuzz.partial_ratio(text, other) for other in others), default=0.0) / 200

    def nearest(self, entry: int, seen: Seen) -> str:
        """The entry's title or similar question that came nearest to the message."""
        run = self._run(entry)
        return self._texts[run.start + int(seen.near[run.start : run.stop].argmax())]

    def _run(self, entry: int) -> range:
        return range(self._starts[entry], self._starts[entry + 1])

    def _best(self, values: Floats) -> Floats:
        """Of the values of all questions, the greatest per entry."""
        best: Floats = np.maximum.reduceat(values, self._starts[:-1]) if len(values) else values
        return best


def _level(vectors: Floats) -> float:
    """The mean cosine between two different rows: how alike unrelated texts look to this encoder."""
    count = len(vectors)
    if count < 2:
        return 0.0
    total = vectors.sum(axis=0, dtype=np.float64)
    return min(0.95, float((total @ total - count) / (count * (count - 1))))
