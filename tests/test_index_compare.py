"""What the measures see of a message, with cosines that are known exactly."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from fake import NOWHERE, FakeEncoder, entry, knowledge_of, segmenter

from faq.knowledge import KnowledgeBase
from index.build import build
from index.compare import Comparison, Query, Seen
from index.segment import bigrams
from index.sound import sounds
from index.space import Floats, Space

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
TEXTS = ["忘记密码", "密码想不起来", "点击重置", "联系上级机构", "账号锁定", "今天天气"]
SIMILAR, SECOND, TOPIC = 1, 4, 5
ENCODER = FakeEncoder(PLACES)


def comparison(knowledge: KnowledgeBase = KNOWLEDGE, encoder: FakeEncoder | None = ENCODER) -> Comparison:
    return Comparison(build(knowledge, segmenter(), encoder))


def query(text: str, encoder: FakeEncoder | None = ENCODER) -> Query:
    vector = None if encoder is None else encoder.encode([text])[0]
    return Query(text, segmenter().words(text), bigrams(text), sounds(text), vector)


def see(text: str, *held_out: int, encoder: FakeEncoder | None = ENCODER) -> Seen:
    return comparison(encoder=encoder).see(query(text, encoder), held_out)[0]


def cosine(one: str, other: str) -> float:
    """Of two texts, in the space of all of them."""
    space = Space(ENCODER.encode(TEXTS))
    left, right = space.place(ENCODER.encode([one, other]))
    return float(left @ right)


def test_cosines_are_taken_in_the_space_of_the_knowledge_base() -> None:
    """The same text is at 1, an unrelated one a little below 0."""
    seen = see("忘记密码")
    assert seen.title == pytest.approx([1.0, cosine("忘记密码", "账号锁定")], abs=1e-5)
    assert -0.3 < seen.title[1] < 0


def test_the_nearest_of_title_and_similar_questions_counts() -> None:
    """A similar question met exactly makes the entry's question measure 1, not its title."""
    seen = see("密码想不起来")
    assert seen.question[0] == pytest.approx(1.0)
    assert seen.title[0] == pytest.approx(cosine("密码想不起来", "忘记密码"), abs=1e-5)
    assert seen.title[0] < 0.9


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
    assert comparison().topics
    assert seen.topic == pytest.approx(1.0)
    assert seen.topic_words > 0.5
    assert see("忘记密码").topic < 0.1
    assert see("忘记密码").topic_words == 0.0


def test_a_homophone_is_heard() -> None:
    """张浩 shares no character with 账号, and sounds the same."""
    seen = see("张浩锁定")
    assert seen.sounds[1] > seen.pairs[1]
    assert seen.sounds[1] > 2 * seen.words[1]
    assert seen.sounds[0] == 0


def test_the_words_of_an_answer_are_seen_apart_from_those_of_questions() -> None:
    """重置 stands in an answer only."""
    seen = see("重置")
    assert seen.answer_words[0] > 0
    assert seen.answer_pairs[0] > 0
    assert not seen.words.any()
    assert not seen.answer_words[1:].any()


def test_what_is_held_out_is_overlooked() -> None:
    """A similar question held out counts for nothing, and topics held out are as good as none."""
    seen = see("密码想不起来", SIMILAR)
    assert seen.question[0] == seen.title[0]
    assert seen.pairs[0] < see("密码想不起来").pairs[0]
    assert seen.sounds[0] < see("密码想不起来").sounds[0]
    assert seen.words[0] < see("密码想不起来").words[0]
    assert see("今天天气", TOPIC).topic == 0.0
    assert see("今天天气", TOPIC).topic_words == 0.0


def test_holding_out_changes_no_other_measure() -> None:
    """Whatever is held out, the other entries look the same."""
    plain, without = see("密码锁定"), see("密码锁定", SIMILAR, TOPIC)
    for field in fields(Seen):
        if field.name not in ("near", "topic", "topic_words"):
            assert getattr(plain, field.name)[1] == getattr(without, field.name)[1]


def test_without_an_encoder_there_are_words_and_no_cosines() -> None:
    """Keyword search sees zeros where cosines would be."""
    seen = see("忘记密码", encoder=None)
    assert not seen.title.any()
    assert not seen.answer.any()
    assert seen.words[0] > seen.words[1]
    assert seen.sounds[0] > seen.sounds[1]
    assert seen.topic == 0.0


@pytest.mark.parametrize("encoder", [ENCODER, None], ids=["hybrid", "keyword"])
def test_the_classifier_knows_its_examples(encoder: FakeEncoder | None) -> None:
    """Each whole question is of its entry's class and each topic of the last one; sentences of answers are none."""
    compared = comparison(encoder=encoder)
    assert compared.asked.tolist() == [0, SIMILAR, SECOND, TOPIC]
    assert compared.classes.tolist() == [0, 0, 1, 2]
    weights = compared.fit().weights()
    for row, expected in zip(compared.asked, compared.classes, strict=True):
        said = weights @ compared.see(query(TEXTS[row], encoder))[1]
        assert said.argmax() == expected
        assert said.max() > 0.6


def test_letters_alike_are_told_from_the_best_question() -> None:
    """The same text is at 1, a text with nothing in common at 0, and what is held out is not looked at."""
    compared = comparison()
    both = np.array([0, 1])

    def fuzzy(text: str, *held_out: int) -> list[float]:
        return [float(value) for value in compared.fuzzy(both, text, see(text, *held_out), held_out)]

    assert fuzzy("密码想不起来")[0] == 1.0
    assert fuzzy("xyz") == [0.0, 0.0]
    assert 0 < fuzzy("密码想不起来", SIMILAR)[0] < 1.0
    assert fuzzy("账号锁定", SECOND)[1] == 0.0
    assert compared.fuzzy(np.array([1]), "账号锁定", see("账号锁定")).tolist() == [1.0]
    assert compared.fuzzy(np.array([], np.intp), "账号锁定", see("账号锁定")).shape == (0,)


def test_the_phrasing_that_came_nearest_is_told() -> None:
    """As it is written in the documents, and never one held out."""
    compared = comparison()
    seen = see("密码想不起来")
    assert compared.nearest(0, seen) == "密码想不起来"
    assert compared.nearest(1, seen) == "账号锁定"
    assert compared.nearest(0, see("密码想不起来", SIMILAR)) == "忘记密码"


@pytest.mark.parametrize("encoder", [None, FakeEncoder()], ids=["keyword", "hybrid"])
def test_an_empty_knowledge_base_can_be_compared_with(encoder: FakeEncoder | None) -> None:
    """It measures nothing."""
    empty = comparison(knowledge_of(), encoder)
    seen, kernel = empty.see(query("密码", encoder))
    assert seen.title.shape == seen.question.shape == seen.answer.shape == seen.pairs.shape == (0,)
    assert (seen.topic, seen.topic_words) == (0.0, 0.0)
    assert kernel.shape == (0,)
    assert not empty.topics


def measures(seen: Seen) -> list[Floats]:
    return [np.asarray(getattr(seen, field.name)) for field in fields(Seen)]


@pytest.mark.parametrize("encoder", [None, FakeEncoder({"密码": {NOWHERE: 1.0}})], ids=["keyword", "hybrid"])
@pytest.mark.parametrize("text", ["密码", "别的", "", "?"])
def test_texts_that_are_all_the_same_measure_the_same(encoder: FakeEncoder | None, text: str) -> None:
    """Every measure stays finite where all phrasings are one text, and is equal to the bit for equal entries."""
    same = comparison(knowledge_of(*(entry(f"a-{n}", "密码") for n in range(70))), encoder)
    seen, kernel = same.see(query(text, encoder))
    for values in (*measures(seen), kernel):
        assert np.isfinite(values).all()
        assert len(set(np.atleast_1d(values).tolist())) == 1
