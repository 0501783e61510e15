"""Forms of a text under which different spellings meet. Pure; for matching only, never for display.

Here are spellings that everybody mixes up and the words of courtesy around a question. It knows no knowledge base: what
belongs to one (its systems, its terms) is read from its catalog.
"""

from __future__ import annotations

import re

import opencc

from faq.text import normalize

LONGEST = 2000

# 帐/账 and 登陆/登录 are written for one another everywhere, in official documents too; 咋 and 啥 are what people say.
_SPELLINGS = (
    ("帐", "账"),
    ("登陆", "登录"),
    ("登入", "登录"),
    ("账户", "账号"),
    ("其它", "其他"),
    ("咋", "怎么"),
    ("啥", "什么"),
)

# What Taiwan and Hong Kong call by other words. OpenCC's own phrases (tw2sp) would also change what simplified text
# means: 停用 to 禁用, 新增 to 添加.
_REGIONAL = (
    ("网路", "网络"),
    ("软体", "软件"),
    ("资讯", "信息"),
    ("萤幕", "屏幕"),
    ("伺服器", "服务器"),
    ("滑鼠", "鼠标"),
    ("简讯", "短信"),
    ("列印", "打印"),
    ("档案", "文件"),
    ("支援", "支持"),
    ("字元", "字符"),
    ("点选", "点击"),
    ("登出", "退出"),
)
_SIMPLIFIER = opencc.OpenCC("t2s")

# What looks like courtesy may begin a word: 好几天, 问题, 下一步, 在不在线. Hence the looks ahead and behind.
_SOME = r"(?:一下|下(?!一|载|拉|面|级|属|午|周|次|个|月|班|发|线|达)|(?:一)?个问题)"
_WHOM = r"(?:各位|尊敬的|大家|老师|客服|领导|同志|亲|您|你)"
_MARK = r"[\s,，、。.!！?？:：;；~]"
_OPENING = re.compile(
    rf"^(?:(?:{_WHOM}++们?好(?![像多久几])[啊呀呢]?|(?:早上|上午|中午|下午|晚上)好[啊呀呢]?|好(?:的|吧|滴)?(?={_MARK}|$)"
    rf"|我?(?:想要?|要)?(?:请问|请教){_SOME}?{_WHOM}?|我?(?:想要?|要)(?:咨询|了解|问){_SOME}?|(?:咨询|了解|问){_SOME}"
    rf"|麻烦[您你]?(?:问|帮忙看|帮我看){_SOME}?|打扰(?:{_SOME}|了)?|不好意思|在[吗么嘛]|在不在(?![线里])|有人在?吗"
    rf"|(?:hi|hello)(?![a-z])){_MARK}*+)++"
)
_CLOSING = re.compile(
    rf"(?<!{_MARK})(?<!谢)(?:{_MARK}*+(?:(?:非常|十分|万分)?(?:感谢|谢谢|多谢)(?:您|你|大家|老师|客服|了|啦)*+|谢了|辛苦[您你]?[了啦]|麻烦[您你]?了"
    r"|我?(?:很|好|挺|非常|特别)?(?:着急|(?<![应紧救焦])急++)|在线等))++[\s,，。.!！~]*+$"
)


def canonical(text: str) -> str:
    """The normalized text in one spelling, LONGEST characters of it: some characters stand for eighteen others."""
    text = normalize(text)[:LONGEST]
    spellings: tuple[tuple[str, str], ...] = _SPELLINGS
    while text != (simplified := str(_SIMPLIFIER.convert(text))):
        text, spellings = simplified, (*_REGIONAL, *_SPELLINGS)
    for variant, spelling in spellings:
        text = text.replace(variant, spelling)
    return text[:LONGEST].strip()


def simplified(text: str) -> str:
    """The text in simplified characters, place by place; itself where a word would change its length."""
    converted = str(_SIMPLIFIER.convert(text))
    return converted if len(converted) == len(text) else text


def without_courtesy(text: str) -> str:
    """A canonical text without greetings, 请问 and thanks around it; itself when nothing else is in it."""
    return _stripped(text) or text


def is_courtesy(text: str) -> bool:
    """Whether a canonical text is nothing but a greeting or thanks."""
    return bool(text) and not _stripped(text)


def _stripped(text: str) -> str:
    while text != (shorter := _CLOSING.sub("", _OPENING.sub("", text))):
        text = shorter
    return text
