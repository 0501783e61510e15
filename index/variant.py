"""Forms of a text under which different spellings meet. Pure; for matching only, never for display.

Here are spellings that everybody mixes up and the words of courtesy around a question. It knows no knowledge base: what
belongs to one (its systems, its terms) is read from its catalog.
"""

from __future__ import annotations

import re

from faq.text import normalize

LONGEST = 2000

# 帐/账 and 登陆/登录 are written for one another everywhere, in official documents too.
_SPELLINGS = (("帐", "账"), ("登陆", "登录"), ("登入", "登录"), ("账户", "账号"), ("其它", "其他"))

# What looks like courtesy may begin a word: 好几天, 问题, 下一步, 在不在线. Hence the looks ahead and behind.
_SOME = r"(?:一下|下(?!一|载|拉|面|级|属|午|周|次|个|月|班|发|线|达)|(?:一)?个问题)"
_WHOM = r"(?:各位|尊敬的|大家|老师|客服|领导|同志|亲|您|你)"
_MARK = r"[\s,，、。.!！?？:：;；~]"
_OPENING = re.compile(
    rf"^(?:(?:{_WHOM}++们?好(?![像多久几])[啊呀呢]?|(?:早上|上午|中午|下午|晚上)好[啊呀呢]?|好(?:的|吧|滴)?(?={_MARK}|$)"
    rf"|我?(?:想要?|要)?(?:请问|请教){_SOME}?{_WHOM}?|我?(?:想要?|要)(?:咨询|了解|问){_SOME}?|(?:咨询|了解|问){_SOME}"
    rf"|麻烦[您你]?(?:问|帮忙看|帮我看){_SOME}?|打扰(?:{_SOME}|了)?|不好意思|在吗|在不在(?![线里])|有人在?吗"
    rf"|(?:hi|hello)(?![a-z])){_MARK}*+)++"
)
_CLOSING = re.compile(
    rf"(?<!{_MARK})(?<!谢)(?:{_MARK}*+(?:(?:非常|十分|万分)?(?:感谢|谢谢|多谢)(?:您|你|大家|老师|客服|了|啦)*+|谢了|辛苦[您你]?[了啦]|麻烦[您你]?了"
    r"|我?(?:很|好|挺|非常|特别)?(?:着急|(?<![应紧救焦])急++)|在线等))++[\s,，。.!！~]*+$"
)


def canonical(text: str) -> str:
    """The normalized text in one spelling, LONGEST characters of it: some characters stand for eighteen others."""
    text = normalize(text)[:LONGEST]
    for variant, spelling in _SPELLINGS:
        text = text.replace(variant, spelling)
    return text


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
