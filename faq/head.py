"""What stands before the first section: title, portal, what the document calls itself, general remarks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from faq.answer import read_paragraphs
from faq.reader import Line
from faq.text import display_width
from faq.wrap import Wrap, ends_sentence

DEFAULT_NAME = "常见问题"
MAX_TITLE_WIDTH = 60

_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#@!$&'*+,;=%]+", re.IGNORECASE)
_PORTAL = re.compile(r"入口|网址|地址|官网|网站|登录|登陆|链接|平台|系统|portal|url", re.IGNORECASE)
_NOTE = re.compile(r"[【\[(（※*★]*\s*(?:特别)?(?:注意|说明|备注|注|温馨提示|提示|提醒|须知|声明|公告)")
_SUBTITLE = re.compile(
    r"常见问题|常见疑问|热点问题|问题解[析答]|问题汇总|答疑|问答|FAQ|Q\s*&\s*A|操作手册|使用手册|用户手册",
    re.IGNORECASE,
)
_AFTER_TITLE = re.compile(
    r"(?:操作|使用|用户)?(?:常见|热点)(?:问题|疑问).*$|(?:问题解[析答]|问题汇总|答疑|问答|FAQ).*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a document; `title` is None where no line looks like one."""

    title: str | None
    name: str
    portal_url: str | None
    notes: tuple[str, ...]


def read_head(lines: Sequence[Line], loose: Sequence[Line], wrap: Wrap) -> Head:
    """Read the head; `loose` lines stand below a heading and are remarks like the others."""
    title: str | None = None
    portal: str | None = None
    notes: list[str] = []
    for text in read_paragraphs([(line, line.text) for line in lines], wrap):
        url = _URL.search(text)
        if _NOTE.match(text):
            notes.append(text)
        elif url and portal is None and _PORTAL.search(text[: url.start()] or "网址"):
            portal = url[0].rstrip("/.,;:!?'")
            if ends_sentence(text) or len(text) > url.end() + 2:
                notes.append(text)
        elif display_width(text) > MAX_TITLE_WIDTH or ends_sentence(text):
            notes.append(text)
        elif _SUBTITLE.search(text):
            title = title or _AFTER_TITLE.sub("", text).strip("《》 ·-—:：") or text
        elif title is None:
            title = text.strip("《》")
        elif text.strip("《》") != title:
            notes.append(text)
    notes.extend(read_paragraphs([(line, line.text) for line in loose], wrap))
    return Head(title, DEFAULT_NAME, portal, tuple(notes))
