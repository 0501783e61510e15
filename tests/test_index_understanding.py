"""Messages as search takes them, with the words of the project's own documents."""

from __future__ import annotations

import pytest
import shipped
from fake import segmenter
from hypothesis import example, given
from hypothesis import strategies as st

from faq.text import sentences
from index.understanding import Understanding
from index.variant import canonical

CATALOG = shipped.knowledge().catalog
NAMES = sorted({name for term, names in CATALOG.synonyms.items() for name in (term, *names)})
pieces = st.sampled_from(
    [
        *NAMES,
        *CATALOG.terms,
        *"登录名号账用户上不进码密审诉正新增打回来退吗了的1 ,",
        "zhanghao",
        "mi ma",
        "审诉",
        "验正码",
    ]
)


def read(text: str) -> str:
    return shipped.understanding().read(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("審訴被退回", "申诉被退回"),
        ("帳號被鎖住", "账号被锁住"),
        ("验正码收不到", "验证码收不到"),
        ("zhanghao忘了", "账号忘了"),
        ("zhang hao", "账号"),
        ("转人公", "转人工"),
        ("打应申报表404了", "打印申报表404了"),
        ("一企多正怎么选", "一企多证怎么选"),
    ],
)
def test_words_typed_by_their_sound_are_put_right(text: str, form: str) -> None:
    """After the traditional characters have become simplified ones."""
    assert read(text) == form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("口令忘了", "密码忘了"),
        ("登录名是什么", "账号是什么"),
        ("油站怎么开户", "加油站怎么注册"),
        ("登不上去", "登录不了"),
        ("填统一社会信用代码", "填信用代码"),
        ("校验码", "验证码"),
        ("koul令", "koul令"),
    ],
)
def test_the_many_names_of_a_thing_become_one(text: str, form: str) -> None:
    """As the catalog says, on both sides of every comparison."""
    assert read(text) == form


@pytest.mark.parametrize(
    "text",
    [
        "注册吗",
        "报404怎么办",
        "错误2443",
        "502 bad gateway",
        "excel导出",
        "ie浏览器",
        "91123450ma0123456x",
        "ip被限制",
        "换完新证后怎么更新",
        "在机构管理里搜到那个县",
    ],
)
def test_what_is_right_stays_as_it_is(text: str) -> None:
    """Numbers, error strings, foreign words, and words that only sound like another."""
    assert read(text) == text


def test_a_word_is_left_alone_where_one_that_sounds_like_it_is_known() -> None:
    """公式 is a word, though the documents know 公示."""
    understanding = Understanding({"公示": True}, {}, segmenter())
    assert understanding.read("公式怎么算") == "公式怎么算"


def test_nothing_in_the_documents_is_taken_for_a_mistake() -> None:
    """Titles and answers read as they are written, but for the names that the catalog makes one."""
    plain = Understanding(shipped.made().lexicon, {}, shipped.cutter())
    texts = [t for e in shipped.knowledge().entries for t in (e.question, *sentences(e.answer))]
    assert {t: plain.read(t) for t in texts} == {t: canonical(t) for t in texts}


def test_names_and_terms_of_the_catalog_are_not_taken_for_a_mistake() -> None:
    """Neither those of the systems nor those that stand for no system."""
    plain = Understanding(shipped.made().lexicon, {}, shipped.cutter())
    words = [w for s in CATALOG.systems for w in (s.name, *s.aliases, *s.cues)]
    words += [w for s in CATALOG.systems for a in s.audiences for w in (a.name, *a.cues)]
    words += [*CATALOG.elsewhere, *CATALOG.terms, *NAMES]
    assert {w: plain.read(w) for w in words} == {w: canonical(w) for w in words}


def test_every_phrasing_reads_as_its_form() -> None:
    """What is compared has been read to the end: reading a form again changes nothing."""
    forms = {phrasing.form for phrasing in shipped.made().phrasings}
    assert {form: read(form) for form in forms} == {form: form for form in forms}


@given(st.text(max_size=40) | st.lists(pieces, max_size=6).map("".join))
@example("登录用户名")
@example("经营危化证")
@example("危险化学品正")
@example("薴")
@example("a" * 1999 + " b")
@example("咋" * 2000)
def test_reading_twice_is_reading_once(text: str) -> None:
    """Also where a name that was made one stands beside another."""
    form = read(text)
    assert read(form) == form


def test_names_are_found_as_whole_words_only() -> None:
    """油站 within 加油站 is not replaced."""
    assert read("加油站") == "加油站"


def test_without_synonyms_and_words_a_text_is_only_canonical() -> None:
    """A knowledge base without a catalog knows no better."""
    assert Understanding({}, {}, segmenter()).read("審訴 ZHANGHAO") == "审诉 zhanghao"
