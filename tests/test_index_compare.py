"""What the measures see of a message, with cosines that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from fake import NOWHERE, FakeEncoder, entry, knowledge_of, segmenter

from faq.knowledge import KnowledgeBase
from index import snapshot
from index.compare import Comparison, Seen
from index.segment import bigrams

PLACES = {
    "忘记密码": {0: 1.0},
    "密码想不起来": {0: 1.0, 1: 1.0},
    "点击重置": {1: 1.0},
    "账号锁定": {2: 1.0},
    "今天天气": {3: 1.0},
}
KNOWLEDGE = knowledge_of(
    entry("a-1", "忘记密码", "点击重置。联系上级机构", "密码想不起来"),
    entry("a-2", "账号锁定"),
    uncovered=["今天天气"],
)
ENCODER = FakeEncoder(PLACES)
LEVEL = (2 * (2**0.5 / 2) + 2 * (2**0.5 / 2)) / (6 * 5)
"""Of the 15 pairs of phrasings, two meet at 45°, all others at right angles; each pair counts twice."""


def comparison(knowledge: KnowledgeBase = KNOWLEDGE, encoder: FakeEncoder | None = ENCODER) -> Comparison:
    return Comparison(snapshot.build(knowledge, segmenter(), encoder))


def see(text: str, *held_out: int, encoder: FakeEncoder | None = ENCODER) -> Seen:
    vector = None if encoder is None else encoder.encode([text])[0]
    return comparison(encoder=encoder).see(segmenter().words(text), bigrams(text), vector, held_out)


def above_level(cosine: float) -> float:
    return (cosine - LEVEL) / (1 - LEVEL)


def test_cosines_are_taken_from_the_level_of_unrelated_texts() -> None:
    """The same text is at 1 wherever the level is, an unrelated one a little below 0."""
    seen = see("忘记密码")
    assert seen.title == pytest.approx([1.0, above_level(0)], abs=1e-6)


def test_the_nearest_of_title_and_similar_questions_counts() -> None:
    """A similar question met exactly makes the entry's question measure 1, not its title."""
    seen = see("密码想不起来")
    assert seen.question[0] == pytest.approx(1.0)
    assert seen.title[0] == pytest.approx(above_level(2**0.5 / 2))


def test_the_nearest_sentence_of_an_answer_counts() -> None:
    """Not the mean over a long answer."""
    assert see("点击重置").answer[0] == pytest.approx(1.0)


def test_an_entry_without_an_answer_is_not_blamed_for_it() -> None:
    """Its question stands in: a knowledge base of bare questions gets the same confidence as one with answers."""
    seen = see("账号锁定")
    assert seen.answer[1] == seen.question[1] == pytest.approx(1.0)


def test_the_nearest_uncovered_topic_is_told() -> None:
    """By meaning and by words."""
    seen = see("今天天气")
    assert seen.topic == pytest.approx(1.0)
    assert seen.topic_words is not None
    assert seen.topic_words > 0.5


def test_what_is_held_out_is_overlooked() -> None:
    """A similar question held out counts for nothing, and topics held out are as good as none."""
    similar, topic = 1, 5
    seen = see("密码想不起来", similar)
    assert seen.question[0] == seen.title[0]
    assert seen.pairs[0] < see("密码想不起来").pairs[0]
    assert see("今天天气", topic).topic is None
    assert see("今天天气", topic).topic_words is None


def test_without_an_encoder_there_are_words_and_no_cosines() -> None:
    """Keyword search sees zeros where cosines would be."""
    seen = see("忘记密码", encoder=None)
    assert not seen.title.any()
    assert not seen.answer.any()
    assert seen.words[0] > seen.words[1]
    assert seen.topic == 0.0


def test_letters_alike_are_told_from_the_best_question() -> None:
    """The same text is at 1, a text with nothing in common at 0, and what is held out is not looked at."""
    compared = comparison()
    assert compared.fuzzy(0, "密码想不起来") == 1.0
    assert compared.fuzzy(1, "xyz") == 0.0
    assert compared.fuzzy(0, "密码想不起来", {1}) < 1.0
    assert compared.fuzzy(1, "账号锁定", {4}) == 0.0


def test_the_phrasing_that_came_nearest_is_told() -> None:
    """As it is written in the documents."""
    compared = comparison()
    seen = see("密码想不起来")
    assert compared.nearest(0, seen) == "密码想不起来"
    assert compared.nearest(1, seen) == "账号锁定"


@pytest.mark.parametrize("encoder", [None, FakeEncoder()])
def test_an_empty_knowledge_base_can_be_compared_with(encoder: FakeEncoder | None) -> None:
    """It measures nothing."""
    vector = None if encoder is None else encoder.encode(["忘记密码"])[0]
    seen = comparison(knowledge_of(), encoder).see(["密码"], ["密码"], vector)
    assert seen.title.shape == seen.question.shape == seen.answer.shape == seen.pairs.shape == (0,)
    assert seen.topic is None


def test_texts_that_are_all_the_same_have_no_level_of_one() -> None:
    """The measures stay finite where all phrasings are one text."""
    same = comparison(knowledge_of(entry("a-1", "密码"), entry("a-2", "密码")), FakeEncoder({"密码": {NOWHERE: 1.0}}))
    vector = FakeEncoder().encode(["密码"])[0]
    assert np.isfinite(same.see([], [], vector).title).all()
