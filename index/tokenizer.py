"""Texts into token ids, as the library `tokenizers` cuts them; Unigram models in a fraction of its memory.

The library keeps the pieces of a Unigram model in a tree of hash tables: 79 MB for the default model's 100,500. Here
they lie in a MARISA trie beside their ids and scores: 1.5 MB. The library does everything else, with no piece to find:
it normalises a text, takes special tokens out, and splits it into words. Other kinds of model are left to it wholly.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import marisa_trie
from tokenizers import Tokenizer

_UNKNOWN_PENALTY = 10.0  # an unknown character scores this much less than the worst piece: SentencePiece's constant


def load_tokenizer(file: Path, max_length: int) -> Callable[[str], list[int]]:
    """What gives the token ids of a text, special ones included and at most `max_length` of them. Thread-safe.

    `file` is a `tokenizer.json`. Raises whatever the library raises when it is none.
    """
    form = json.loads(file.read_text(encoding="utf-8"))
    model = form["model"]
    if model.get("type") == "Unigram" and model.get("unk_id") is not None and not model.get("byte_fallback"):
        return _Unigram(form, max_length).encode
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return lambda text: list(tokenizer.encode(text).ids)


class _Unigram:
    """Cuts words into the pieces whose scores add up to the most, by the steps of SentencePiece and `tokenizers`."""

    def __init__(self, form: dict[str, Any], max_length: int) -> None:
        pieces: list[tuple[str, float]] = form["model"]["vocab"]
        self._trie = marisa_trie.Trie(piece for piece, _ in pieces if piece)
        self._ids = array("i", bytes(4 * len(self._trie)))
        self._scores = array("d", bytes(8 * len(self._trie)))
        for number, (piece, score) in enumerate(pieces):
            if piece:
                key = self._trie[piece]
                self._ids[key], self._scores[key] = number, score
        self._longest = max(len(piece) for piece, _ in pieces)
        self._unknown: int = form["model"]["unk_id"]
        self._unknown_score = min(score for _, score in pieces) - _UNKNOWN_PENALTY
        bare = {"type": "Unigram", "vocab": [["", 0.0]], "unk_id": 0}  # gives every word back as an unknown token
        self._library = Tokenizer.from_str(json.dumps({**form, "model": bare, "truncation": None, "padding": None}))
        self._special = {self._library.token_to_id(token["content"]): token["id"] for token in form["added_tokens"]}
        framed = self._library.encode("a")
        word = framed.special_tokens_mask.index(0)
        self._before: list[int] = framed.ids[:word]
        self._after: list[int] = framed.ids[word + 1 :]
        self._room = max_length - len(self._before) - len(self._after)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        words = self._library.encode(text, add_special_tokens=False)
        for number, word in zip(words.ids, words.tokens, strict=True):
            if number:  # a special token that stands in the text
                ids.append(self._special[number])
            else:
                ids += self._cut(word)
        return self._before + ids[: self._room] + self._after

    def _cut(self, word: str) -> list[int]:
        """The ids of the best pieces (Viterbi); unknown characters in a row are one token.

        Scores are added and compared in the library's order, so sums that are nearly equal are decided alike.
        """
        scores = [0.0] * (len(word) + 1)  # of the best pieces up to here
        starts = [-1] * (len(word) + 1)  # where the last of them starts
        ids = [self._unknown] * (len(word) + 1)  # and which it is
        for at in range(len(word)):
            here, alone = scores[at], False
            for piece, key in self._trie.iter_prefixes_with_ids(word[at : at + self._longest]):
                end, score = at + len(piece), here + self._scores[key]
                if starts[end] < 0 or score > scores[end]:
                    scores[end], starts[end], ids[end] = score, at, self._ids[key]
                alone = alone or end == at + 1
            score = here + self._unknown_score
            if not alone and (starts[at + 1] < 0 or score > scores[at + 1]):
                scores[at + 1], starts[at + 1], ids[at + 1] = score, at, self._unknown
        found: list[int] = []
        end = len(word)
        while end > 0:
            if ids[end] != self._unknown or found[-1:] != [self._unknown]:
                found.append(ids[end])
            end = starts[end]
        return found[::-1]
