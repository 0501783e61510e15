"""Forms of a text for matching."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.variant import LONGEST, canonical, is_courtesy, without_courtesy

texts = st.text(max_size=60) | st.text(
    st.sampled_from("您你好请问一下谢谢急在吗账帐户登陆入录号，。！ 老师想要咨询"), max_size=40
)


@given(texts | st.text(st.sampled_from("網路軟體資訊帳戶登入陸檔案咋啥薴苧 x"), max_size=40))
@example("薴")
@example("咋" * LONGEST)
@example("a" * (LONGEST - 1) + " b")
def test_the_canonical_form_is_its_own(text: str) -> None:
    """Making a canonical text canonical changes nothing."""
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("審訴被退回", "审诉被退回"),
        ("忘記密碼怎麼辦", "忘记密码怎么办"),
        ("帳號被鎖", "账号被锁"),
        ("報錯404", "报错404"),
        ("網路連線", "网络连线"),
        ("資訊填錯", "信息填错"),
        ("檔案列印不了", "文件打印不了"),
        ("點選登出", "点击退出"),
    ],
)
def test_traditional_characters_and_regional_words_become_those_of_the_documents(text: str, form: str) -> None:
    """網路 is 网络, 列印 打印: what is written in traditional characters is also said in other words."""
    assert canonical(text) == form


@pytest.mark.parametrize(
    "text", ["支援", "档案", "停用", "新增", "资讯", "登出", "公式", "报错404", "错误码2443", "502"]
)
def test_simplified_text_keeps_its_words(text: str) -> None:
    """档案 in simplified text is an archive, and 停用 and 新增 are never 禁用 and 添加."""
    assert canonical(text) == text


@pytest.mark.parametrize("text", ["停用", "新增", "啟用"])
def test_words_of_the_documents_keep_their_meaning_in_traditional_characters(text: str) -> None:
    """Only the characters change."""
    assert canonical(f"{text}帳號") == f"{text.replace('啟', '启')}账号"


def test_a_canonical_text_has_an_end() -> None:
    """Also where one character stands for eighteen others, or two."""
    assert len(canonical("\ufdfa" * LONGEST)) == LONGEST
    assert len(canonical("咋" * LONGEST)) <= LONGEST


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
