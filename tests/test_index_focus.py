"""The part of a long message that the question is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.focus import focused

OWN = {"账号": True, "验证码": True, "电脑": False}


def cut(text: str) -> list[str]:
    """Known words whole, all else by characters."""
    for word in OWN:
        text = text.replace(word, f"|{word}|")
    return [piece for part in text.split("|") for piece in ([part] if part in OWN else part)]


def focus(text: str) -> str:
    """What is left of a text."""
    return focused(text, OWN, cut)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("我刚接手这块工作。领导催得急!账号登不上了", "账号登不上了"),
        ("账号登不上了。试了一上午", "账号登不上了。"),
        ("我电脑用得慢。收不到验证码", "收不到验证码"),  # 电脑 is in the documents, but common everywhere
        ("我刚注册了账号。验证码收不到。", "我刚注册了账号。验证码收不到。"),
        ("我有账号。出口许可怎么办理", "我有账号。出口许可怎么办理"),  # the question itself is never background
        ("我有账号。去哪里交钱呢!谢谢配合。", "我有账号。去哪里交钱呢!"),
        ("领导催得急......账号登不上", "账号登不上"),  # …… comes as six full stops
    ],
)
def test_sentences_without_own_words_or_a_question_are_left_out(text: str, kept: str) -> None:
    """What tells of the documents, or asks, stays in the order written."""
    assert focus(text) == kept


@pytest.mark.parametrize("text", ["", "你好", "我刚接手。领导催得急。", "我刚接手,账号登不上", "。。。"])
def test_a_message_stays_whole_where_nothing_tells_its_parts_apart(text: str) -> None:
    """One sentence, or only background."""
    assert focus(text) == text


@given(st.text("账号验证码怎。!?\n 的", max_size=40))
def test_nothing_is_added_or_emptied(text: str) -> None:
    """What is left stands in the text in the same order, and something always is."""
    rest = iter(text)
    kept = focus(text)
    assert all(char in rest for char in kept)
    assert bool(kept) == bool(text)
