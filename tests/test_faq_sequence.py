"""Entries and list items of one kind are told apart by their counts first, by their words last."""

from __future__ import annotations

from faq.sequence import Item, assign_roles, leaning


def roles(*lines: tuple[int, str], **options: bool) -> str:
    """The roles as letters; "+" at a text's end means that text stands below the line."""
    items, body = [], False
    for number, text in lines:
        items.append(Item(number, text.rstrip("+"), "、", text_before=body))
        body = text.endswith("+")
    found = assign_roles(items, answered=options.get("answered", False), text_after=body)
    return "".join(role[0] for role in found)


def test_a_plain_count_is_all_entries():
    """1 2 3, each with a body."""
    assert roles((1, "甲+"), (2, "乙+"), (3, "丙+")) == "eee"


def test_the_count_of_entries_goes_on_after_a_list():
    """1 (1 2) 2 (1 2 3 4) 3: only one reading has no gap."""
    lines = [(1, "甲"), (1, "子"), (2, "丑"), (2, "乙"), (1, "子"), (2, "丑"), (3, "寅"), (4, "卯"), (3, "丙+")]
    assert roles(*lines) == "elleLLLLe".lower()


def test_words_decide_where_the_counts_cannot():
    """After entry 2 with items 1 and 2, a 3 may be an item or the next entry: a step is an item, a question is none."""
    before = [(1, "甲+"), (2, "登录失败怎么办"), (1, "打开网站。"), (2, "输入账号。")]
    assert roles(*before, (3, "点击【登录】按钮即可。+")) == "eelll"
    assert roles(*before, (3, "忘记密码怎么办？+")) == "eelle"


def test_what_comes_later_can_outweigh_the_words():
    """A 3 that reads like a question is an item all the same where another 3 follows a 4."""
    lines = [
        (1, "甲+"),
        (2, "登录失败"),
        (1, "打开。"),
        (2, "输入。"),
        (3, "提示什么"),
        (4, "点击。"),
        (3, "丙+"),
        (4, "丁+"),
    ]
    assert roles(*lines) == "eelLLLee".lower()


def test_an_entry_without_a_body_is_no_good_reading():
    """Items in a row with nothing below them are a list, not entries."""
    assert roles((1, "甲+"), (2, "乙"), (1, "子"), (2, "丑"), (3, "寅"), (4, "卯")) == "eellll"


def test_a_gap_is_better_than_no_entry():
    """1 2 4 with bodies: a number was forgotten."""
    assert roles((1, "甲怎么办+"), (2, "乙怎么办+"), (4, "丙怎么办+")) == "eee"


def test_a_line_broken_off_above_makes_its_number_text():
    """A wrapped line that happens to begin with 「3.」 is text."""
    items = [Item(1, "甲"), Item(2, "版本", text_before=True, broken_off=True), Item(2, "乙", text_before=True)]
    assert assign_roles(items, answered=False) == ("entry", "text", "entry")


def test_entries_without_their_answer_mark_are_items():
    """Where entries have 答, a numbered line between 答 and the next entry belongs to the answer."""
    items = [
        Item(1, "甲"),
        Item(1, "子", text_before=True, answers_before=1),
        Item(2, "丑", text_before=True),
        Item(3, "寅", text_before=True),
        Item(2, "乙", text_before=True),
    ]
    assert assign_roles(items, answered=True, answers_after=1) == ("entry", "list", "list", "list", "entry")


def test_no_items_have_no_roles():
    """An empty section is read as nothing."""
    assert assign_roles([], answered=False) == ()


def test_questions_and_steps_look_different():
    """Asking and symptoms lean one way, acting the other, within bounds."""
    assert leaning("忘记密码怎么办？") == 3.0
    assert leaning("点击【忘记密码】按钮即可。") < 0 < leaning("登录时不知道账号")
