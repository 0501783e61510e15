"""How texts sound."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from index.sound import reading, soften, sounds, spell, syllables, toned
from index.variant import canonical

texts = st.text(max_size=40) | st.text(st.sampled_from("账号密码锁zhanghao mi404,。 𠮷"), max_size=30)


@pytest.mark.parametrize(("char", "syllable", "tone"), [("账", "zhang", "zhang4"), ("号", "hao", "hao4")])
def test_a_character_is_read_with_and_without_its_tone(char: str, syllable: str, tone: str) -> None:
    """One reading each, the most frequent."""
    assert reading(char) == syllable
    assert toned(char) == tone


@pytest.mark.parametrize("char", ["𠮷", "㐂"])
def test_a_character_that_nobody_reads_stands_for_itself(char: str) -> None:
    """Rare characters in names are no error."""
    assert reading(char) == toned(char) == char
    assert sounds(char) == [char]


@pytest.mark.parametrize(
    ("one", "other"),
    [("zhang", "zan"), ("chong", "con"), ("shi", "si"), ("sheng", "sen"), ("lin", "ling"), ("xian", "xiang")],
)
def test_what_many_speakers_do_not_tell_apart_is_one(one: str, other: str) -> None:
    """zh/z, ch/c, sh/s and the endings n/ng, also both at once."""
    assert soften(one) == soften(other)


@pytest.mark.parametrize(("one", "other"), [("ma", "mi"), ("hu", "fu"), ("nan", "lan"), ("z", "c"), ("hao", "gao")])
def test_other_syllables_stay_apart(one: str, other: str) -> None:
    """Softening makes no more alike than it says."""
    assert soften(one) != soften(other)


@pytest.mark.parametrize("syllable", ["zhang", "chuang", "shuang", "er", "ang", "a", "n"])
def test_a_softened_syllable_stays_as_it_is(syllable: str) -> None:
    """Softening twice changes nothing, and something is always left."""
    assert soften(soften(syllable)) == soften(syllable) != ""


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ("zhanghao", ["zhang", "hao"]),
        ("yanzhengma", ["yan", "zheng", "ma"]),
        ("xian", ["xian"]),
        ("nvshi", ["nv", "shi"]),
        ("shenglue", ["sheng", "lue"]),
        ("", []),
        ("hello", None),
        ("login", None),
        ("pdf", None),
        ("a", None),
        ("ng", None),
    ],
)
def test_letters_are_spelled_as_the_fewest_syllables(letters: str, found: list[str] | None) -> None:
    """Or not at all where they are no pinyin; a single letter is the beginning of anything."""
    assert spell(letters) == found


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=40))
def test_what_is_spelled_is_what_was_typed(letters: str) -> None:
    """No letter is lost or added."""
    found = spell(letters)
    assert found is None or "".join(found) == letters.replace("ve", "ue")  # both are typed for üe


@pytest.mark.parametrize("typed", ["账号", "帐号", "zhanghao", "zhang hao", "zhang号", "张浩", "zan hao"])
def test_homophones_and_typed_pinyin_sound_alike(typed: str) -> None:
    """However 账号 is typed."""
    assert sounds(canonical(typed)) == sounds("账号")


@pytest.mark.parametrize("typed", ["shenglue", "sheng lve"])
def test_both_ways_of_typing_u_with_dots_sound_alike(typed: str) -> None:
    """省略 is typed with lue and with lve."""
    assert sounds(typed) == sounds("省略")


def test_numbers_and_foreign_words_are_kept_whole_and_separate() -> None:
    """An error code sounds like nothing but itself."""
    assert sounds("报404错") == ["bao", "404", "cuo"]
    assert sounds("excel导出") == ["excel", "dao cu"]
    assert syllables("错误2443") == ["cuo", "wu", "2443"]


def test_marks_separate_and_spaces_do_not() -> None:
    """A pair of syllables never reaches across a comma."""
    assert sounds("账号,锁") == ["zan hao", "suo"]
    assert sounds("账号 锁") == ["zan hao", "hao suo"]
    assert sounds("") == sounds(",。") == syllables("?") == []


@given(texts)
def test_any_text_has_a_sound(text: str) -> None:
    """Nothing fails, nothing sounds like nothing, and pairs are made of the syllables."""
    said = canonical(text)
    heard = syllables(said)
    assert all(heard)
    assert {part for sound in sounds(said) for part in sound.split()} == {p for part in heard for p in part.split()}


def test_the_dictionary_of_phrases_is_not_loaded() -> None:
    """It costs 45 MB in every serving process."""
    code = "import sys, index.sound as s; s.reading('账'); print('pypinyin.phrases_dict' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
