"""What a message gives away about its subject."""

from __future__ import annotations

import pytest
import shipped
from fake import CATALOG

from faq.catalog import Catalog, System
from index.cue import Cues, Mention
from index.variant import canonical

CUES = Cues(CATALOG)


def test_a_name_or_alias_settles_the_system() -> None:
    """甲平台 is an alias of the system a."""
    assert CUES.read("甲平台登不上").system == "a"
    assert CUES.read("甲系统登不上").system == "a"


def test_a_cue_only_points_at_a_system() -> None:
    """粉尘 occurs in one system's questions, but does not name it."""
    assert CUES.read("粉尘怎么填") == Mention(systems=frozenset({"a"}))


def test_two_names_settle_nothing() -> None:
    """Whoever names both systems leaves it open."""
    mention = CUES.read("甲系统和乙系统")
    assert mention.system is None
    assert mention.systems == {"a", "b"}


def test_audiences_are_told_by_their_words() -> None:
    """An audience comes with the system it belongs to."""
    assert CUES.read("我局忘记密码").audiences == {("a", "管理机构")}


def test_a_foreign_system_is_elsewhere_unless_ours_is_named() -> None:
    """微信 is not ours; beside the name of one that is, it is only a means."""
    assert CUES.read("微信登不上").elsewhere
    assert not CUES.read("甲系统能用微信登录吗").elsewhere


@pytest.mark.parametrize("text", ["手机13812345678", "代码91123450ma", "zyxt1 yxts"])
def test_digits_and_letters_are_words_only_when_they_stand_alone(text: str) -> None:
    """12345 within a telephone number is no hotline, yxt within a word no system."""
    assert CUES.read(text) == Mention()


def test_digits_and_letters_between_chinese_characters_stand_alone() -> None:
    """Chinese text has no spaces."""
    assert CUES.read("打12345没人").elsewhere
    assert CUES.read(canonical("在ＹＸＴ里")).system == "b"


def test_words_are_found_in_the_form_in_which_messages_come() -> None:
    """A name with a part that is renamed is found renamed, and as it is written."""
    cues = Cues(CATALOG, lambda text: canonical(text).replace("平台", "网站"))
    assert cues.read("甲网站登不上").system == "a"
    assert cues.read("甲平台登不上").system == "a"


def test_the_shipped_cues_are_found_in_what_search_reads() -> None:
    """Names, cues and foreign systems of the catalog, although synonyms rename parts of some."""
    index = shipped.index_of(shipped.made(), None)
    for system in shipped.knowledge().catalog.systems:
        assert {name for name in (system.name, *system.aliases) if index.mention(name).system != system.key} == set()
        assert {cue for cue in system.cues if system.key not in index.mention(cue).systems} == set()
    assert {name for name in shipped.knowledge().catalog.elsewhere if not index.mention(name).elsewhere} == set()


def test_an_empty_word_is_found_nowhere() -> None:
    """A cue of nothing but invisible characters does not match every message."""
    assert Cues(Catalog((System("a", "甲", ("\u200b",)),), ("\u200b",))).read("忘记密码") == Mention()


def test_an_empty_catalog_knows_nothing() -> None:
    """Without systems nothing is ours and nothing is elsewhere."""
    assert Cues(Catalog()).read("甲系统") == Mention()
