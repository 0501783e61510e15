"""Forms of a text for matching."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.variant import canonical, is_courtesy, without_courtesy

texts = st.text(max_size=60) | st.text(
    st.sampled_from("您你好请问一下谢谢急在吗账帐户登陆入录号，。！ 老师想要咨询"), max_size=40
)


@given(texts)
def test_the_canonical_form_is_its_own(text: str) -> None:
    """Making a canonical text canonical changes nothing."""
    assert canonical(canonical(text)) == canonical(text)


@given(texts)
def test_leaving_out_courtesy_leaves_something(text: str) -> None:
    """A text with something in it never becomes empty, and what is left is free of courtesy or nothing but courtesy."""
    said = canonical(text)
    left = without_courtesy(said)
    assert bool(left) == bool(said)
    assert without_courtesy(left) == left


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("帐号登陆不了", "账号登录不了"),
        ("登入帐户", "登录账号"),
        ("其它（人工审核）", "其他(人工审核)"),
        ("ＺＹＢ　系统", "zyb 系统"),
    ],
)
def test_spellings_that_everybody_mixes_up_become_one(text: str, form: str) -> None:
    """帐/账, 登陆/登录, full width and half width meet in one form."""
    assert canonical(text) == form


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("您好，请问忘记密码怎么办？谢谢！", "忘记密码怎么办"),
        ("老师好我们单位登不上", "我们单位登不上"),
        ("你好我想咨询一下账号锁定", "账号锁定"),
        ("打扰了，请教一个问题，原账号是什么", "原账号是什么"),
        ("账号被锁了，急急急，在线等！", "账号被锁了"),
        ("hi，忘记密码", "忘记密码"),
        ("麻烦问下忘记密码", "忘记密码"),
    ],
)
def test_courtesy_around_a_question_is_left_out(text: str, question: str) -> None:
    """Greeting, 请问, thanks and urging say nothing about what is asked."""
    assert without_courtesy(canonical(text)) == question


@pytest.mark.parametrize(
    "text",
    [
        "好几天没审核了",
        "问题反馈在哪",
        "你好像没懂",
        "在不在线",
        "应急",
        "紧急联系人怎么改",
        "history",
        "下一步点不动",
        "咨询电话是多少",
    ],
)
def test_words_that_only_begin_like_courtesy_stay_whole(text: str) -> None:
    """好几天 is no 好, 问题 no 问, 应急 no 急."""
    assert without_courtesy(text) == text


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("请问下一步点不动", "下一步点不动"),
        ("请问下拉菜单空白", "下拉菜单空白"),
        ("问一下子公司怎么注册", "子公司怎么注册"),
    ],
)
def test_what_follows_asking_keeps_its_first_letter(text: str, question: str) -> None:
    """请问下一步 is 请问 and 下一步, not 请问下 and 一步."""
    assert without_courtesy(text) == question


@pytest.mark.parametrize("text", ["你好", "您好！谢谢！", "谢谢，辛苦了", "好的谢谢", "在吗？", "早上好", "我很着急"])
def test_greetings_and_thanks_alone_are_courtesy(text: str) -> None:
    """However many of them, there is no question in them."""
    assert is_courtesy(canonical(text))


@pytest.mark.parametrize("text", ["", "？？？", "😀", "你好，忘记密码", "转人工"])
def test_anything_else_is_no_courtesy(text: str) -> None:
    """Neither a question, nor marks alone, nor nothing."""
    assert not is_courtesy(canonical(text))


@pytest.mark.parametrize("piece", ["，", "急", "您", "您好", "谢谢", "谢谢，", "我想", "请问一下", "好", "非常"])
def test_long_repetitions_are_read_quickly(piece: str) -> None:
    """No text of 2,000 characters makes the patterns try over and over."""
    text = (piece * 2000)[:2000] + "x"
    started = time.process_time()
    without_courtesy(text)
    assert time.process_time() - started < 5
