"""Words typed by their sound, put right: in a small lexicon whose words are known."""

from __future__ import annotations

import pytest
from fake import segmenter
from hypothesis import given
from hypothesis import strategies as st

from index.segment import Segmenter
from index.spelling import Speller, lexicon

OWN = ("账号", "密码", "申诉", "验证码", "注册码", "公示", "锁定", "人工", "浏览器", "重置")
WORDS = dict.fromkeys(OWN, True) | {"注册": False, "时间": False, "申请": False, "问题": False}
SPELLER = Speller(WORDS, segmenter())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("审诉", "申诉"),
        ("怎么审诉", "怎么申诉"),
        ("验正码收不到", "验证码收不到"),
        ("账好被索定", "账号被锁定"),
        ("找人公", "找人工"),
        ("蜜码", "密码"),
    ],
)
def test_a_word_typed_by_its_sound_is_put_right(typed: str, meant: str) -> None:
    """Where it is no word itself and sounds like an own one."""
    assert SPELLER.correct(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("zhanghao", "账号"),
        ("zhang hao", "账号"),
        ("我的zhanghao和mima", "我的账号和密码"),
        ("zhanghaomima", "账号密码"),
        ("yan zheng ma", "验证码"),
        ("zhanghao, mima", "账号, 密码"),
        ("shijian", "时间"),
    ],
)
def test_typed_pinyin_becomes_the_words_that_were_meant(typed: str, meant: str) -> None:
    """With and without spaces, any word of the lexicon."""
    assert SPELLER.correct(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "注册吗",  # a word and a particle, not 注册码
        "公式",  # a word, though 公示 is the own one
        "申请",
        "账号和密码",
        "神速",  # the sound of 申诉 without any of its characters or tones
        "hello",
        "zhanghaoxyz",
        "zhang",
        "zhanghao1",
        "sz",
        "404",
        "错误2443",
        "502 bad gateway",
        "ip",
        "?",
        "",
    ],
)
def test_what_may_be_meant_as_it_stands_is_left_alone(typed: str) -> None:
    """Words of the dictionary, words with a particle, foreign words, numbers and error strings."""
    assert SPELLER.correct(typed) == typed


def test_a_word_that_is_not_the_documents_own_is_not_guessed_from_characters() -> None:
    """Common words are hit by input methods themselves; only typed pinyin means them."""
    assert SPELLER.correct("石间") == "石间"
    assert Speller(WORDS | {"石间": True}, segmenter()).correct("石间") == "石间"


def test_the_commoner_of_two_words_that_sound_alike_is_meant() -> None:
    """公式 is typed by its pinyin more often than 公示 where both are known."""
    speller = Speller({"公示": True, "公式": True}, segmenter())
    assert speller.correct("gongshi") == "公式"


@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from([*WORDS, *"审诉验正码账好人公锁索定吗的1, ", "zhang", "hao", "mima"]), max_size=8).map(
        "".join
    )
)
def test_correcting_twice_changes_no_more_than_correcting_once(text: str) -> None:
    """Whatever stands beside the words."""
    once = SPELLER.correct(text)
    assert SPELLER.correct(once) == once


def test_an_empty_lexicon_corrects_nothing() -> None:
    """Neither characters nor letters."""
    assert Speller({}, segmenter()).correct("审诉 zhanghao") == "审诉 zhanghao"


def test_a_lexicon_knows_its_own_words() -> None:
    """Much commoner here than elsewhere, or named; only Chinese words of two to eight characters are in it."""
    running = [*["申诉"] * 20, "我们", *["可以"] * 300, "的", "404", "excel", "一二三四五六七八九"]
    found = lexicon(running, ["接害人数", "yxt", "新"], segmenter())
    assert found.keys() == {"申诉", "我们", "可以", "接害人数"}
    assert found["申诉"]
    assert found["接害人数"]
    assert not found["我们"]


def test_a_name_is_an_own_word_however_common() -> None:
    """The catalog says so."""
    assert lexicon(["我们"], ["我们"], segmenter()) == {"我们": True}


def test_of_no_words_there_is_an_empty_lexicon() -> None:
    """A knowledge base without entries is no error."""
    assert lexicon([], [], Segmenter()) == {}
