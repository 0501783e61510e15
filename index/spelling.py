"""Words that were typed by their sound, put right: 审诉 → 申诉, 验正码 → 验证码, zhanghao → 账号.

A knowledge base is a small world: a piece of a message that sounds like one of its own words, and by its characters is
no likelier text, was meant to be that word. How likely a piece is as written, the frequencies of jieba's dictionary say
(a noisy channel with a unigram model: Kernighan, Church and Gale, A Spelling Correction Program Based on a Noisy
Channel Model, 1990). Its own are the words much commoner in it than elsewhere, since an input method hits common words
by itself. A piece that is a word of the dictionary (公式, where the knowledge base says 公示) is left alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

from index.segment import Segmenter
from index.sound import reading, soften, spell, toned

Lexicon: TypeAlias = Mapping[str, bool]
"""The Chinese words of a knowledge base, and of each whether it is one of its own."""

_WORD = re.compile(r"[\u3400-\u9fff]{2,8}")
_CHINESE = re.compile(r"[\u3400-\u9fff]{2,}")
_LETTERS = re.compile(r"(?<![a-z0-9])[a-z]{2,}(?: [a-z]{2,})*(?![a-z0-9])")
_PARTICLES = frozenset("吗呢吧么嘛啊呀了的地得过着")
_OWN, _MARGIN = 2.3, 3.0
"""Differences of log-probability: how much commoner an own word is in the documents than elsewhere, and how much
likelier a text must become before its characters are changed."""


def lexicon(text: Iterable[str], names: Iterable[str], segmenter: Segmenter) -> Lexicon:
    """The lexicon of documents that hold the words `text` in running order; `names` are own words however rare."""
    counts = Counter(text)
    total = counts.total()
    words = {word: count for word, count in counts.items() if _WORD.fullmatch(word)}
    found = {word: math.log(count / total) - segmenter.weight(word) >= _OWN for word, count in words.items()}
    return found | {name: True for name in names if _WORD.fullmatch(name)}


class Speller:
    """The words of a lexicon by their sound. Immutable, thread-safe."""

    def __init__(self, words: Lexicon, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._words = words
        self._longest = max(map(len, words), default=0)
        self._typed: dict[tuple[str, ...], str] = {}
        self._sounding: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for word in sorted(words, key=lambda word: (-segmenter.weight(word), word)):
            self._typed.setdefault(tuple(map(reading, word)), word)
            if words[word]:
                self._sounding[_sound(word)].append(word)

    def correct(self, text: str) -> str:
        """A canonical text with the words put right. Correcting twice changes nothing more than correcting once."""
        text = _LETTERS.sub(lambda match: self._from_letters(match.group()), text)
        return _CHINESE.sub(lambda match: self._from_characters(match.group()), text)

    def _from_letters(self, letters: str) -> str:
        """Typed pinyin as words of the lexicon, where all of it is made of them; else as it was."""
        syllables = [syllable for part in letters.split() for syllable in spell(part) or [""]]
        best: list[list[str] | None] = [[]]
        for end in range(1, len(syllables) + 1):
            ways = [
                [*before, self._typed[key]]
                for start in range(max(0, end - self._longest), end - 1)
                if (before := best[start]) is not None and (key := tuple(syllables[start:end])) in self._typed
            ]
            best.append(min(ways, key=len, default=None))
        return "".join(best[-1] or [letters])

    def _from_characters(self, run: str) -> str:
        tokens = self._segmenter.cut(run)
        at = 0
        while at < len(tokens):
            width, word = self._meant(tokens, at)
            tokens[at : at + width] = [word]
            at += 1
        return "".join(tokens)

    def _meant(self, tokens: list[str], at: int) -> tuple[int, str]:
        """How many tokens from `at` on were meant to be one word, and that word; the first token where none were."""
        best = 1, tokens[at]
        for width in range(2, len(tokens) - at + 1):
            written = tokens[at : at + width]
            piece = "".join(written)
            if len(piece) > self._longest:
                break
            if (
                piece in self._words
                or written[-1] == "到"
                or (written[-1] in _PARTICLES and len(piece) - 1 == len(written[0]) > 1)
            ):
                continue  # a word as it is, or a word and what may follow any: 注册吗 is not 注册码, 搜到 not 收到
            likeness = sum(map(self._segmenter.weight, written))
            alike = [word for word in self._sounding.get(_sound(piece), ()) if _alike(word, piece)]
            if alike and self._segmenter.weight(alike[0]) - likeness >= _MARGIN:
                best = width, alike[0]
        return best


@lru_cache(maxsize=4096)
def _sound(word: str) -> tuple[str, ...]:
    return tuple(soften(reading(char)) for char in word)


def _alike(word: str, piece: str) -> bool:
    """Whether they share a character or every tone: without either, one is not mistaken for the other."""
    pairs = list(zip(word, piece, strict=True))
    return any(one == other for one, other in pairs) or all(toned(one) == toned(other) for one, other in pairs)
