"""BM25 over token lists, as the share of the query's weight that a text holds.

Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), in Lucene's form: every query token adds
idf · tf / (tf + k1 · (1 − b + b · length / mean length)), which is below idf. Divided by the sum of the query tokens'
idf (a token in no text has the greatest idf there is) the score lies in [0, 1) and can be compared between queries: a
query half of whose weight is unknown to the knowledge base cannot score high.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import bm25s
import numpy as np
from numpy.typing import NDArray

_K1, _B = 0.9, 0.3
_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


class KeywordIndex:
    """An immutable BM25 index of n token lists."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._count = len(texts)
        frequency = Counter(token for text in texts for token in set(text))
        self._idf = {token: self._weight(found) for token, found in frequency.items()}
        self._bm25 = None
        if self._idf:
            self._bm25 = bm25s.BM25(method="lucene", k1=_K1, b=_B)
            self._bm25.index([list(text) for text in texts], show_progress=False)

    def _weight(self, found_in: int) -> float:
        return math.log(1 + (self._count - found_in + 0.5) / (found_in + 0.5))

    def shares(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """For each text, the share of the query's weight it holds, shape (n,), each in [0, 1)."""
        tokens = list(dict.fromkeys(tokens))
        known = [token for token in tokens if token in self._idf]
        if self._bm25 is None or not known:
            return np.zeros(self._count, dtype=np.float32)
        unknown = self._weight(0) * (len(tokens) - len(known))
        weight = unknown + sum(self._idf[token] for token in known)
        scores: NDArray[np.float32] = self._bm25.get_scores(known)
        shares: NDArray[np.float32] = np.minimum(scores / np.float32(weight), _BELOW_ONE)  # a sum may be rounded up
        return shares
