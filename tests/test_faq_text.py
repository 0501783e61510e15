"""Forms for matching, widths, sentences."""

from __future__ import annotations

import pytest

from faq.text import display_width, normalize, sentences, strip_list_mark


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ１２３", "abc123"),
        (" 忘记\t\n 密码　了 ", "忘记 密码 了"),
        ("忘\u200b记\ufeff密\u202e码\x07", "忘记密码"),
        ("Straße", "strasse"),
        ("\x00\u200d", ""),
    ],
)
def test_normalize_gives_one_form_to_different_spellings(text, expected):
    """Width, case, invisible characters and white space make no difference."""
    assert normalize(text) == expected


def test_chinese_characters_are_two_columns_wide():
    """Wide and full-width characters count double, combining marks nothing."""
    assert display_width("账号 AB，e\u0301") == 4 + 1 + 2 + 2 + 1


def test_sentences_end_at_marks_and_line_ends():
    """。！？； and line ends part sentences; list marks are left out."""
    assert sentences("1、打开网站。点击登录!\n①输入密码；（2）确认?") == ["打开网站", "点击登录", "输入密码", "确认"]


def test_sentences_keep_quotes_together():
    """A question mark inside 【】 ends nothing, and an unclosed bracket hides nothing."""
    assert sentences("点击【忘记密码?】按钮。点【这里。再试") == ["点击【忘记密码?】按钮", "点【这里", "再试"]


def test_decimals_are_no_list_marks():
    """「2.5万」 begins with no list mark."""
    assert [strip_list_mark(text) for text in ("2.5万", "2.选择", "（一）选择", "⑴选择")] == [
        "2.5万",
        "选择",
        "选择",
        "选择",
    ]
