"""Questions about the help desk itself: when somebody is there, who is talking, how else to reach it. Pure.

No document answers these, but the settings and the catalog do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot import wording
from bot.hours import Hours, say_when
from bot.say import LONGEST
from faq.catalog import Catalog
from index.variant import canonical

_HOURS: Final = re.compile(
    r"(?:几点|什么时候|啥时候?|周[一二三四五六日末天]|节假日|放假|中午|晚上|今天|明天|现在)[^,。?]{0,6}(?:上班|下班|在线|有人|开门|值班)"
    r"|(?:上班|下班|工作|服务|人工|办公|营业)(?:的)?时间"
)
_WHOSE_HOURS: Final = re.compile(
    r"你们|客服|人工|在线|咨询|你|^(?:请问)?(?:几点|什么时候|周|节假日|今天|明天|现在|上班|工作时间|服务时间)"
)
_WHO: Final = re.compile(
    r"(?:你|您|这|对面)(?:们)?(?:这)?(?:到底|究竟)?(?:是|是不是)(?:不是)?(?:个)?(?:真人|机器人|人工|人|活人|ai|客服|谁|自动回复)(?:吗|么|还是.{0,6}|呢|啊|\?|$)"
    r"|^是?(?:不是)?(?:真人|机器人|人工)(?:吗|么|还是.{0,6})"
)
_REACH: Final = re.compile(
    r"(?:电话|热线|联系方式|手机号|座机)(?:号码|号)?(?:是|有)?(?:多少|什么|几|呢|吗|么|给|告诉|发)|(?:打|拨)(?:什么|哪个)电话|^(?:你们|客服|咨询|服务|技术支持)的?(?:电话|热线|联系方式)"
    r"|(?:有|留|给)(?:没有)?(?:一?个)?(?:你们的?|客服的?|咨询|联系|服务)?(?:电话|热线|联系方式)"
)
_OTHERS: Final = re.compile(
    r"区县|县|卫健|应急局|监管机构|上级|填|注册|预留|绑定|我的|企业|单位|公司|法人|经办|验证码|收不到|换|改|停机|注销"
)
_ANGRY: Final = re.compile(
    r"垃圾|破机器|听不懂人话|傻[逼叉比x]|滚(?!动|装)|骗子|有病|什么破|破(?:系统|网站|玩意)|tmd|妈的|他妈|操你|草泥|气死|烦死|急死|坑人|坑爹|废物|智障|脑残|什么东西|要疯"
)


def about_us(text: str, hours: Hours, catalog: Catalog, system: str | None) -> str | None:
    """The answer to a question about the help desk; None for any other message, long ones among them."""
    said = canonical(text) if len(text) <= LONGEST else ""
    if _WHO.search(said):
        return wording.WHO
    if _HOURS.search(said) and _WHOSE_HOURS.search(said):
        return wording.service_hours(hours.describe() if any(hours.week) else None)
    if _REACH.search(said) and not _OTHERS.search(said):
        lines = [(s.name, s.hotline) for s in catalog.systems if s.hotline and system in (None, s.key)]
        return wording.reach(lines)
    return None


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether staff are there, their hours in words, and in words when they come; None while they are there."""

    open: bool
    hours: str
    opens: str | None


def presence(hours: Hours, now: datetime) -> Presence:
    """Whether staff are there at an aware moment, and if not, when they will be."""
    present = hours.open_at(now)
    opening = None if present else hours.next_opening(now)
    return Presence(present, hours.describe(), say_when(opening, now) if opening else None)


def is_angry(text: str) -> bool:
    """Whether the message curses."""
    return _ANGRY.search(canonical(text)) is not None
