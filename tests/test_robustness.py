"""Covered questions keep their first hit in whatever spelling they come, over the project's documents and model."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT
from robust import (
    BACKGROUND,
    GREETINGS,
    UNTOUCHED,
    Forms,
    Result,
    ask,
    covered,
    misheard,
    preamble,
    table,
    typed,
    unpunctuated,
)

from bot import upkeep
from bot.case import Label
from bot.evaluate import Question
from bot.settings import Settings
from faq.knowledge import KnowledgeBase, read_folder
from faq.text import normalize
from index.cue import Cues, Mention
from index.segment import Segmenter, terms
from index.variant import canonical

DOCUMENTS = ROOT / "faq" / "documents"
MOST_LOST = 0.03
"""Of the questions, in any form."""


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return read_folder(DOCUMENTS)


@pytest.fixture(scope="module")
def segmenter(knowledge: KnowledgeBase) -> Segmenter:
    return Segmenter(terms(knowledge))


@pytest.fixture(scope="module")
def forms(knowledge: KnowledgeBase, segmenter: Segmenter) -> Forms:
    return Forms(knowledge, segmenter)


@pytest.fixture(scope="module")
def results(built: Path, segmenter: Segmenter) -> dict[str, Result]:
    """Every covered question in every form, asked."""
    desk = upkeep.open_desk(Settings(data_dir=built, faq_documents=DOCUMENTS))
    assert desk.index.mode == "hybrid"
    return ask(desk, covered(DOCUMENTS / "questions.jsonl"), segmenter)


@pytest.mark.parametrize("form", ["traditional", "full-width", "pinyin", "homophone", "preamble", "unpunctuated"])
def test_the_first_hit_stays_right(results: dict[str, Result], form: str) -> None:
    """At most three points of top-1 are lost; most questions differ in the form, if they can."""
    untouched, found = results[UNTOUCHED], results[form]
    assert found.changed >= (len(found.asked) / 2 if form != "full-width" else 30)
    lost = "\n".join(found.lost(untouched))
    assert untouched.top1 - found.top1 <= MOST_LOST, f"{table(results)}\n{lost}"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("traditional", "賬號被鎖了，IP 404怎麼辦？"),
        ("full-width", "账号被锁了，ＩＰ　４０４怎么办？"),
        ("pinyin", "zhanghao被锁了，IP 404怎么办？"),
        ("homophone", "账好被锁了，IP 404怎么办？"),
        ("unpunctuated", "账号被锁了IP 404怎么办"),
    ],
)
def test_a_form_is_what_people_type(forms: Forms, form: str, text: str) -> None:
    """Each changes the spelling, and one word at most."""
    question, label = Question("1", "账号被锁了，IP 404怎么办？", None), Label("answer", ("zyb-1.9",), None)
    assert forms.all[form](question, label) == text


def test_a_traditional_question_keeps_its_script_around_the_key_word(forms: Forms) -> None:
    """And one without a word of its entry stays as it is."""
    label = Label("answer", ("zyb-1.9",), None)
    assert forms.all["pinyin"](Question("1", "賬號鎖了", None), label) == "zhanghao鎖了"
    assert forms.all["pinyin"](Question("1", "咋整", None), label) == "咋整"


@pytest.mark.parametrize(
    ("word", "latin", "other"),
    [("重置", "chongzhi", "重之"), ("重新", "chongxin", "重心"), ("验证码", "yanzhengma", "验正码")],
)
def test_words_are_typed_and_misheard_as_they_are_read(word: str, latin: str, other: str) -> None:
    """In the reading of the whole word, and with the commonest character of a sound."""
    assert (typed(word), misheard(word)) == (latin, other)


def test_a_preamble_says_nothing_of_the_question(knowledge: KnowledgeBase) -> None:
    """No title, no similar question and no word that points at a system or an audience; the same again, many kinds."""
    cues = Cues(knowledge.catalog)
    asked = {normalize(text) for entry in knowledge.entries for text in (entry.question, *entry.similar)}
    for sentence in (*GREETINGS, *BACKGROUND):
        mention = cues.read(canonical(sentence))
        assert mention == Mention(), sentence
        assert not any(text in normalize(sentence) for text in asked), sentence
    begun = {preamble(f"QA{number:03}") for number in range(300)}
    assert len(begun) > 100
    assert preamble("QA001") == preamble("QA001")
    assert {greeting for greeting in GREETINGS if any(text.startswith(greeting) for text in begun)} == set(GREETINGS)
    assert all(any(sentence in text for text in begun) for sentence in BACKGROUND)


def test_punctuation_goes_and_spaces_stay() -> None:
    """In either script."""
    assert unpunctuated("打不开 404.jsp，「怎么办」？!") == "打不开 404jsp怎么办"
