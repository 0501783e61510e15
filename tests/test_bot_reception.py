"""Questions about the help desk itself, as people ask them, and questions about others that sound alike."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot import wording
from bot.hours import SHANGHAI, Hours
from bot.reception import Presence, about_us, is_angry, presence
from faq.catalog import Catalog, System

HOURS = Hours.read("周一至周五 09:00-17:00")
CATALOG = Catalog((System("a", "甲系统", hotline="400-1234567"), System("b", "乙系统")))


def said(text: str, system: str | None = None) -> str | None:
    return about_us(text, HOURS, CATALOG, system)


@pytest.mark.parametrize(
    "text",
    [
        "你们几点上班",
        "客服几点下班？",
        "工作时间",
        "周末有人吗",
        "人工服务时间是几点",
        "你們幾點上班",
        "什么时候有人在线",
    ],
)
def test_who_asks_for_the_hours_is_told_them(text: str) -> None:
    """As the settings have them."""
    assert said(text) == wording.service_hours(HOURS.describe())


@pytest.mark.parametrize("text", ["你是机器人吗", "是真人吗", "你是人工还是机器", "你是谁", "您是客服吗"])
def test_who_asks_who_is_talking_is_told_the_truth(text: str) -> None:
    """It is no person."""
    assert said(text) == wording.WHO


@pytest.mark.parametrize("text", ["电话多少", "你们电话是多少", "客服热线是多少", "有没有联系电话", "打什么电话"])
def test_who_asks_for_a_number_is_told_the_hotline(text: str) -> None:
    """Of the system in question, or of all; where there is none, how else to reach somebody."""
    assert "400-1234567" in (said(text) or "")
    assert "400-1234567" in (said(text, "a") or "")
    assert said(text, "b") == wording.reach([])


@pytest.mark.parametrize(
    "text",
    [
        "区县卫健委电话多少",
        "注册的手机号换了怎么办",
        "联系电话填谁的",
        "审核什么时候能完",
        "企业联系电话怎么改",
        "收不到验证码",
        "工作场所怎么填",
        "人工审核要多久",
        "你们好",
        "法人电话是什么",
        "几点上班" * 20,
    ],
)
def test_other_questions_are_left_to_the_documents(text: str) -> None:
    """Other people's numbers, other people's hours, and long messages."""
    assert said(text) is None


@pytest.mark.parametrize(
    ("text", "angry"),
    [("什么破系统", True), ("你个垃圾机器人", True), ("TMD 又锁了", True), ("滚动条在哪", False), ("急", False)],
)
def test_cursing_is_heard(text: str, angry: bool) -> None:
    """Words that only look like it are not."""
    assert is_angry(text) is angry


def test_where_nobody_is_ever_there_that_is_said() -> None:
    """No hours are made up."""
    assert about_us("你们几点上班", Hours.read("never"), CATALOG, None) == wording.service_hours(None)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (datetime(2026, 3, 3, 10, tzinfo=SHANGHAI), None),
        (datetime(2026, 3, 3, 8, tzinfo=SHANGHAI), "今天 9:00"),
        (datetime(2026, 3, 3, 18, tzinfo=SHANGHAI), "明天 9:00"),
        (datetime(2026, 3, 6, 18, tzinfo=SHANGHAI), "周一（3月9日）9:00"),
    ],
)
def test_who_comes_out_of_hours_learns_when_staff_will_be_there(moment: datetime, opens: str | None) -> None:
    """While they are there, there is nothing to say."""
    assert presence(HOURS, moment) == Presence(opens is None, HOURS.describe(), opens)


def test_where_staff_never_come_no_time_is_named() -> None:
    """Neither now nor later."""
    never = presence(Hours.read("never"), datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    assert never == Presence(False, "暂无人工客服值守", None)
