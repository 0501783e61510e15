"""Phrasings of a knowledge base asked of its own index as if it did not hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from index import rank
from index.encoder import Encoder
from index.head import Fit
from index.hybrid import Candidates, HeldOut, HybridIndex
from index.likeness import Kernel, Likeness
from index.snapshot import Kind, Phrasing, Snapshot
from index.space import Space

Floats: TypeAlias = NDArray[np.float32]

_HEAD = rank.FEATURES.index("head")


class Recall:
    """An encoder that knows the vectors of a snapshot by heart and asks another for the rest."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder) -> None:
        self.model_id, self.dimension, self._encoder = encoder.model_id, encoder.dimension, encoder
        self._known: dict[str, Floats] = {}
        if snapshot.vectors is not None and snapshot.model_id == encoder.model_id:
            self._known = {p.form: vector for p, vector in zip(snapshot.phrasings, snapshot.vectors, strict=True)}

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Floats:
        """As `Encoder.encode`; what is known is not reported to `progress`."""
        if texts and all(text in self._known for text in texts):
            return np.stack([self._known[text] for text in texts])
        return self._encoder.encode(texts, progress)


class Trial:
    """A snapshot and the index made of it."""

    def __init__(self, index: HybridIndex, snapshot: Snapshot) -> None:
        self.index, self.snapshot = index, snapshot
        self._comparison = index.comparison
        self._places = {int(row): place for place, row in enumerate(self._comparison.asked)}
        self._fit = self._comparison.fit()
        self._weights = index.weights
        vectors = None
        if index.mode == "hybrid" and snapshot.vectors is not None:
            vectors = Space(snapshot.vectors).place(snapshot.vectors)
        self._titles, self._topics = (_Group(snapshot, kind, vectors) for kind in ("title", "uncovered"))
        self._of_titles, self._ridge = self._titles.fit(), _ridge()

    def held_out(self, row: int) -> tuple[Candidates, rank.Judgement]:
        """What is found for a phrasing that was never there."""
        place = self._places[row]
        found = self._ask(row, HeldOut(frozenset([row]), self._fit.without(place, [place])))
        return found, rank.judge(found.features, found.none, self._weights)

    def finds_itself(self, row: int) -> bool:
        """Whether a similar question finds its own entry where it is the only one: no other question, no topic.

        The classifier, too, knows no more than it and the titles.
        """
        kept = {row, *self._titles.rows}
        found = self._ask(row, HeldOut(frozenset(self._places.keys() - kept)))
        entry = self.snapshot.phrasings[row].entry
        if entry not in found.entries:
            return False
        own = found.entries.index(entry)
        features = found.features.copy()
        features[:, _HEAD] = self._head(row, entry)[list(found.entries)]
        return int(rank.judge(features, found.none, self._weights).score.argmax()) == own

    def nearest(self, at: int, found: Candidates) -> str:
        """The title or similar question of the candidate at `at` that came nearest."""
        return self._comparison.nearest(found.entries[at], found.seen)

    def nearest_topic(self, row: int) -> str | None:
        """The uncovered topic that is most like a phrasing, None where there are none."""
        return self._topics.nearest(row).text if self._topics.rows else None

    def _ask(self, row: int, held_out: HeldOut) -> Candidates:
        return self.index.candidates(self.snapshot.phrasings[row].form, held_out=held_out)

    def _head(self, row: int, own: int) -> rank.Floats:
        """What a classifier of all titles and of a phrasing of the entry at `own` says to that phrasing, per entry.

        Kernel ridge regression learns one example more in closed form: the answers move towards it by the part of its
        kernel that the titles do not explain, as far as the ridge allows.
        """
        kernel = self._titles.kernel(row)
        said = np.asarray(self._of_titles @ kernel, dtype=np.float64)
        unexplained = max(1 - float(kernel @ said[self._titles.seen]), 0.0)
        learned = unexplained / (unexplained + self._ridge)
        said *= 1 - learned
        said[own] += learned
        return said


class _Group:
    """The phrasings of a kind, and how like them others are; at most `likeness.LANDMARKS` of them are seen."""

    def __init__(self, snapshot: Snapshot, kind: Kind, vectors: Floats | None) -> None:
        self._phrasings, self._vectors = snapshot.phrasings, vectors
        self.rows = [row for row, phrasing in enumerate(snapshot.phrasings) if phrasing.kind == kind]
        forms = [snapshot.phrasings[row].form for row in self.rows]
        self._likeness = Likeness(forms, None if vectors is None else vectors[self.rows], len(forms))
        self.seen = self._likeness.landmarks
        """Positions in `rows` of those seen."""

    def fit(self) -> Floats:
        """The classifier that has each phrasing for a class of its own."""
        forms = [self._phrasings[row].form for row in self.rows]
        kernel = Kernel(self._likeness, forms, None if self._vectors is None else self._vectors[self.rows])
        return Fit(kernel, self.seen, np.arange(len(forms)), len(forms)).weights()

    def kernel(self, row: int) -> Floats:
        """The kernel of a phrasing with those seen."""
        cosines = np.zeros(len(self.rows), np.float32)
        if self._vectors is not None:
            cosines = self._vectors[self.rows] @ self._vectors[row]
        return self._likeness.kernel(self._phrasings[row].form, cosines[self.seen])

    def nearest(self, row: int) -> Phrasing:
        """The one most like a phrasing."""
        return self._phrasings[self.rows[int(self.seen[self.kernel(row).argmax()])]]


def _ridge() -> float:
    """The classifier's ridge: a single example of kernel 1 gets 1 / (1 + ridge)."""
    alone = Fit(np.ones((1, 1)), np.zeros(1, np.intp), np.zeros(1, np.intp), 1)
    return 1 / float(alone.weights()[0, 0]) - 1
