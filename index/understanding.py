"""A message as search takes it: canonical, words typed by sound put right, the many names of a thing made one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from index.segment import Segmenter
from index.spelling import Lexicon, Speller
from index.variant import canonical

REMEMBERED: Final = 1024

_ROUNDS = 5  # a term may make another name with what stands beside it: 登录用户名 → 登录账号 → 账号


class Understanding:
    """What a knowledge base knows of words: its lexicon and its synonyms. Immutable, thread-safe."""

    def __init__(self, words: Lexicon, synonyms: Mapping[str, Sequence[str]], segmenter: Segmenter) -> None:
        self._speller = Speller(words, segmenter)
        self._segmenter = segmenter
        self.read = lru_cache(maxsize=REMEMBERED)(self._read)
        """The form of a text that is compared; that of a form is itself. A turn asks for it more than once."""
        self._term = {canonical(name): canonical(term) for term, names in synonyms.items() for name in names}

    def _read(self, text: str) -> str:
        form = canonical(text)
        for _ in range(_ROUNDS):
            text, form = form, self._once(form)
            if text == form:
                break
        return form

    def _once(self, text: str) -> str:
        form = self._speller.correct(text)
        return "".join(self._term.get(token, token) for token in self._segmenter.cut(form)) if self._term else form
