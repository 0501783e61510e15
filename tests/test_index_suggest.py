"""Suggestions while typing: what is near, in which order, and that nothing near is passed over."""

from __future__ import annotations

import fake
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from index.suggest import Suggester
from index.variant import canonical, without_courtesy

ENTRIES = (
    fake.entry("a-1", "账号被锁定怎么办", "", "登录不上了", "账号锁了"),
    fake.entry("a-2", "忘记账号", "", "账号是什么", "账账号号"),
    fake.entry("b-1", "账号被锁定", "", "上传附件失败 pdf"),
    fake.entry("b-2", "登", "", "aabbaabb", "注册"),
)
SUGGESTER = Suggester(fake.knowledge_of(*ENTRIES))
LETTERS = [*sorted(set("".join(entry.question + "".join(entry.similar) for entry in ENTRIES))), "无"]


def test_what_holds_the_typed_text_comes_first_and_the_shorter_text_before_the_longer() -> None:
    """Each entry once, however many of its texts fit."""
    assert [entry.id for entry in SUGGESTER.suggest("账号被锁")] == ["b-1", "a-1"]
    assert [entry.id for entry in SUGGESTER.suggest("账号")] == ["a-1", "a-2", "b-1"]


def test_one_system_is_enough() -> None:
    """Entries of others are left out before the list is cut to its length."""
    assert [entry.id for entry in SUGGESTER.suggest("账号被锁", "a", limit=1)] == ["a-1"]
    assert SUGGESTER.suggest("账号被锁", "c") == []


def test_a_slip_of_the_pen_is_near_enough() -> None:
    """A letter too many, another one, two in the wrong order."""
    for typed in ("账号号被锁定", "帐号被所定", "账号锁被定"):
        assert SUGGESTER.suggest(typed)[0].id in ("a-1", "b-1"), typed


def test_too_little_and_nothing_known_suggest_nothing() -> None:
    """One letter fits too much; a knowledge base may be empty."""
    assert SUGGESTER.suggest("账") == SUGGESTER.suggest("") == SUGGESTER.suggest("您好") == []
    assert SUGGESTER.suggest("无关紧要") == []
    assert Suggester(fake.knowledge_of()).suggest("账号") == []


@given(st.text(st.sampled_from(LETTERS), max_size=24), st.sampled_from([None, "a", "b"]))
def test_nothing_is_passed_over_that_a_look_at_every_text_would_find(typed: str, system: str | None) -> None:
    """The same entries in the same order as without the table."""
    text = without_courtesy(canonical(typed))
    scored = [
        (-fuzz.partial_ratio(text, canonical(question)), len(canonical(question)), place, entry)
        for place, (question, entry) in enumerate((q, e) for e in ENTRIES for q in (e.question, *e.similar))
        if system in (None, entry.system) and len(text) >= 2
    ]
    near = sorted((one for one in scored if one[0] <= -75), key=lambda one: one[:3])
    assert SUGGESTER.suggest(typed, system) == list(dict.fromkeys(entry for *_, entry in near))[:5]
