"""Cosines between texts by their tokens: TF-IDF with sublinear counts, normalised (Salton and Buckley, 1988)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float32]


class GramIndex:
    """An immutable index of n token lists."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        counted = [Counter(text) for text in texts]
        frequency = Counter(token for counts in counted for token in counts)
        self._ids = {token: at for at, token in enumerate(frequency)}
        count = len(texts)
        self._idf = {token: math.log((1 + count) / (1 + found)) + 1 for token, found in frequency.items()}
        self._unknown = math.log(1 + count) + 1
        rows = [self._weigh(counts) for counts in counted]
        columns = [self._ids[token] for row in rows for token in row]
        values = [value for row in rows for value in row.values()]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        self._count = count
        self._columns = csr_array((np.array(values, np.float32), columns, starts), (count, len(self._ids))).T.tocsr()

    def cosines(self, tokens: Sequence[str]) -> Floats:
        """The cosine of each text with a text of these tokens, shape (n,)."""
        weighed = {
            self._ids[token]: value for token, value in self._weigh(Counter(tokens)).items() if token in self._ids
        }
        found = np.zeros(self._count, np.float32)
        for column, value in weighed.items():
            start, end = self._columns.indptr[column : column + 2]
            found[self._columns.indices[start:end]] += np.float32(value) * self._columns.data[start:end]
        return found

    def _weigh(self, counts: Counter[str]) -> dict[str, float]:
        weighed = {t: (1 + math.log(n)) * self._idf.get(t, self._unknown) for t, n in counts.items()}
        length = math.sqrt(sum(value * value for value in weighed.values())) or 1.0
        return {token: value / length for token, value in weighed.items()}
