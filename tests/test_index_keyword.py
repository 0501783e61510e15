"""BM25 as shares of the query's weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.keyword import KeywordIndex

tokens = st.lists(st.sampled_from("abcdefgh"), max_size=8)


@given(st.lists(tokens, max_size=8), tokens)
def test_shares_lie_between_nothing_and_all(texts: list[list[str]], query: list[str]) -> None:
    """One share per text, at least 0 and below 1, and above 0 exactly where a token is shared."""
    shares = KeywordIndex(texts).shares(query)
    assert shares.shape == (len(texts),)
    assert ((shares >= 0) & (shares < 1)).all()
    assert [share > 0 for share in shares] == [bool(set(text) & set(query)) for text in texts]


@pytest.mark.parametrize("texts", [[], [[]], [[], []]])
def test_an_index_without_words_shares_nothing(texts: list[list[str]]) -> None:
    """No texts, or only empty ones, are no error."""
    assert KeywordIndex(texts).shares(["a"]).tolist() == [0.0] * len(texts)


def test_a_query_without_words_shares_nothing() -> None:
    """Nor does one whose words occur nowhere."""
    index = KeywordIndex([["a"], ["b"]])
    assert index.shares([]).tolist() == index.shares(["z"]).tolist() == [0.0, 0.0]


def test_unknown_words_lower_every_share() -> None:
    """Half a query that nobody knows cannot score like a whole one."""
    index = KeywordIndex([["a"], ["b"]])
    assert index.shares(["a", "z"])[0] < index.shares(["a"])[0] / 2


def test_a_repeated_word_counts_once() -> None:
    """Saying it twice does not make it truer."""
    index = KeywordIndex([["a", "b"], ["b"]])
    assert index.shares(["a", "b", "a"]).tolist() == index.shares(["a", "b"]).tolist()


def test_a_word_repeated_without_end_stays_below_one() -> None:
    """Where the score comes so near to 1 that it would be rounded up to it."""
    index = KeywordIndex([["a"] * 20_000, *([["b"]] * 50_000)])
    assert index.shares(["a"])[0] < 1


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    """Of two words of the query the rarer decides."""
    index = KeywordIndex([["a", "x"], ["b", "x"], ["b", "x"], ["b", "x"]])
    assert np.argmax(index.shares(["a", "b"])) == 0
