"""What keyword search, the encoder and the classifier see when a message is held against every phrasing of every entry.

All measures are between about 0 and 1 and mean the same in every knowledge base: keyword scores are shares of the
message's own weight (see `keyword`), cosines are taken in the space of the knowledge base (see `space`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from index.head import Fit
from index.keyword import KeywordIndex
from index.likeness import Kernel, Likeness
from index.segment import bigrams
from index.snapshot import Snapshot
from index.sound import sounds
from index.space import Space

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

_FUZZY = 3
"""Questions of an entry that are compared letter by letter."""


@dataclass(frozen=True, slots=True)
class Query:
    """A message, ready to be compared: its text as `HybridIndex.understand` gives it, tokens, and vector or None."""

    text: str
    words: Sequence[str]
    pairs: Sequence[str]
    sounds: Sequence[str]
    vector: Floats | None


@dataclass(frozen=True, slots=True)
class Seen:
    """Measures of one message against n entries, each of shape (n,), and against the uncovered topics.

    `title` and `question` are cosines to the title and to the nearest of title and similar questions; `answer` is that
    to the nearest sentence of the answer, and the same as `question` where there is no answer. `words`, `pairs` and
    `sounds` are keyword shares of the best title or similar question, `answer_words` and `answer_pairs` of title and
    answer. `topic` is the cosine to the nearest uncovered topic and `topic_words` the sum of its keyword shares, 0
    where there are no topics. `near`, one per title and similar question, says how near each came.
    """

    title: Floats
    question: Floats
    answer: Floats
    words: Floats
    pairs: Floats
    sounds: Floats
    answer_words: Floats
    answer_pairs: Floats
    topic: float
    topic_words: float
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
        self.asked: Rows = np.concatenate([self._questions, self._topics])
        """The rows that are whole questions: titles, similar questions, uncovered topics."""
        self.classes: Rows = np.where(entries[self.asked] < 0, count, entries[self.asked])
        """Of each of them the entry, and for an uncovered topic the number of entries."""
        self._count = count

        self._texts = [phrasings[row].text for row in self._questions]
        self._forms = [phrasings[row].form for row in self._questions]
        words = [phrasing.words for phrasing in phrasings]
        pairs = [bigrams(phrasing.form) for phrasing in phrasings]
        heard = [sounds(phrasings[row].form) for row in self.asked]
        self._words = KeywordIndex([words[row] for row in self.asked])
        self._pairs = KeywordIndex([pairs[row] for row in self.asked])
        self._sounds = KeywordIndex(heard)
        whole: list[tuple[list[str], list[str]]] = [([], []) for _ in range(count)]
        for row in np.concatenate([self._titles, self._answers]):
            whole[entries[row]][0].extend(words[row])
            whole[entries[row]][1].extend(pairs[row])
        self._answer_words = KeywordIndex([entry[0] for entry in whole])
        self._answer_pairs = KeywordIndex([entry[1] for entry in whole])

        self._rows = len(phrasings)
        self._space = None if snapshot.vectors is None else Space(snapshot.vectors)
        self._vectors = None if self._space is None or snapshot.vectors is None else self._space.place(snapshot.vectors)
        self._questioned = [phrasings[row].form for row in self.asked]
        self._likeness = Likeness(self._questioned, self._vectors, count + 1)

    def see(self, query: Query, held_out: Collection[int] = ()) -> tuple[Seen, Floats]:
        """Compare a message, leaving out the rows `held_out`; and its kernel with the classifier's landmarks."""
        shares = [self._words.shares(query.words), self._pairs.shares(query.pairs), self._sounds.shares(query.sounds)]
        cosines = np.zeros(self._rows, dtype=np.float32)
        if query.vector is not None and self._space is not None and self._vectors is not None:
            cosines = self._vectors @ self._space.place(query.vector)
            cosines = np.round(cosines, 6)  # beyond that the product depends on where in the matrix a row stands
        kernel = self._likeness.kernel(query.text, cosines[self.asked[self._likeness.landmarks]])
        if held_out:
            rows = np.fromiter(held_out, dtype=np.intp)
            cosines[rows] = -1.0
            for share in shares:
                share[np.isin(self.asked, rows)] = 0.0
        questions = len(self._questions)
        question = self._best(cosines[self._questions])
        answer = question.copy()
        if len(self._answers):
            answer[self._answered] = np.maximum.reduceat(cosines[self._answers], self._answer_starts)
        words, pairs, heard = shares
        topics = slice(questions, None)
        seen = Seen(
            title=cosines[self._titles],
            question=question,
            answer=answer,
            words=self._best(words[:questions]),
            pairs=self._best(pairs[:questions]),
            sounds=self._best(heard[:questions]),
            answer_words=self._answer_words.shares(query.words),
            answer_pairs=self._answer_pairs.shares(query.pairs),
            topic=float(cosines[self._topics].max(initial=0.0)),
            topic_words=float((words + pairs + heard)[topics].max(initial=0.0)),
            near=cosines[self._questions] + words[:questions] + pairs[:questions],
        )
        return seen, kernel

    def place(self, vector: Floats) -> Floats:
        """Where a vector of the encoder lies in the space of this knowledge base; where that has none, as it is."""
        return vector if self._space is None else self._space.place(vector)

    @property
    def topics(self) -> bool:
        """Whether there are uncovered topics."""
        return len(self._topics) > 0

    def fit(self) -> Fit:
        """The classifier of these phrasings, fitted."""
        vectors = None if self._vectors is None else self._vectors[self.asked]
        kernel = Kernel(self._likeness, self._questioned, vectors)
        return Fit(kernel, self._likeness.landmarks, self.classes, self._count + 1)

    def fuzzy(self, entries: Rows, text: str, seen: Seen, held_out: Collection[int] = ()) -> Floats:
        """How alike the letters of the message and of each entry's best question are, 0 to 1 (rapidfuzz).

        Only the questions that came nearest otherwise are looked at.
        """
        runs = [self._run(entry) for entry in entries]
        near = [run.start + at for run in runs for at in np.argsort(-seen.near[run], kind="stable")[:_FUZZY]]
        forms = [self._forms[at] for at in near]
        alike = sum(process.cdist([text], forms, scorer=scorer)[0] for scorer in (fuzz.ratio, fuzz.partial_ratio)) / 200
        alike[[self._questions[at] in held_out for at in near]] = 0.0
        starts = np.cumsum([0, *(min(run.stop - run.start, _FUZZY) for run in runs)])[:-1]
        return np.asarray(np.maximum.reduceat(alike, starts), dtype=np.float32) if len(starts) else alike

    def nearest(self, entry: int, seen: Seen) -> str:
        """The entry's title or similar question that came nearest to the message."""
        run = self._run(entry)
        return self._texts[int(run.start) + int(seen.near[run].argmax())]

    def _run(self, entry: int) -> slice:
        """Where the entry's questions stand among all questions."""
        return slice(int(self._starts[entry]), int(self._starts[entry + 1]))

    def _best(self, values: Floats) -> Floats:
        """Of the values of all questions, the greatest per entry."""
        best: Floats = np.maximum.reduceat(values, self._starts[:-1]) if len(values) else values
        return best
