"""Cosines of token lists."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.gram import GramIndex

tokens = st.lists(st.sampled_from("abcdefgh"), max_size=8)


def weights(text: list[str], texts: list[list[str]]) -> dict[str, float]:
    """TF-IDF as the textbook has it."""
    found = {
        token: (1 + math.log(text.count(token)))
        * (math.log((1 + len(texts)) / (1 + sum(token in other for other in texts))) + 1)
        for token in text
    }
    length = math.hypot(*found.values())
    return {token: value / length for token, value in found.items()}


@given(st.lists(tokens, max_size=8), tokens)
def test_cosines_are_those_of_the_weighted_counts(texts: list[list[str]], query: list[str]) -> None:
    """One per text, between 0 and 1, as computed token by token."""
    cosines = GramIndex(texts).cosines(query)
    asked = weights(query, texts)
    expected = [sum(asked.get(t, 0.0) * value for t, value in weights(text, texts).items()) for text in texts]
    assert cosines.shape == (len(texts),)
    assert cosines.tolist() == pytest.approx(expected, abs=1e-5)
    assert ((cosines >= 0) & (cosines <= 1 + 1e-5)).all()


@given(st.lists(tokens.filter(bool), min_size=1, max_size=8))
def test_a_text_is_at_one_with_itself(texts: list[list[str]]) -> None:
    """In whatever order its tokens come, and equal texts get equal cosines to the bit."""
    index = GramIndex([*texts, *texts])
    for at, text in enumerate(texts):
        cosines = index.cosines(text[::-1])
        assert cosines[at] == pytest.approx(1, abs=1e-5)
        assert cosines[: len(texts)].tolist() == cosines[len(texts) :].tolist()


@pytest.mark.parametrize("texts", [[], [[]], [[], []]])
def test_an_index_without_tokens_is_near_to_nothing(texts: list[list[str]]) -> None:
    """No texts, or only empty ones, are no error."""
    assert GramIndex(texts).cosines(["a"]).tolist() == [0.0] * len(texts)


def test_nothing_shared_is_nothing() -> None:
    """Neither by a query of other tokens, nor by one of none."""
    index = GramIndex([["a"], ["b"]])
    assert index.cosines(["z"]).tolist() == index.cosines([]).tolist() == [0.0, 0.0]


def test_unknown_tokens_count_against_every_text() -> None:
    """Half a query that nobody knows is not at 1 with the other half."""
    index = GramIndex([["a"], ["b"]])
    assert index.cosines(["a", "z"])[0] < 0.8


def test_a_rare_token_weighs_more_than_a_common_one() -> None:
    """Of two tokens of the query the rarer decides."""
    index = GramIndex([["a", "x"], ["b", "x"], ["b", "x"], ["b", "x"]])
    assert np.argmax(index.cosines(["a", "b"])) == 0
