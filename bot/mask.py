"""Personal data made unreadable: in logs and notifications, and secrets that a visitor types into the chat.

Numbers are recognised by their shape, valid or not: a mistyped one is as personal. What stays is enough to tell two
apart (138****5678) and too little to restore one. Ordinary numbers stay as they are: codes of errors, dates, sums,
report numbers. Every pattern is bounded, so that no text takes more than linear time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final

from stdnum.cn import uscc

_HIDDEN: Final = "******"
_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    ord(char): plain
    for chars, plain in (("‐‑‒–—−", "-"), ("\u3000\xa0\u2002\u2003\u2009\u202f\t\u200b\ufeff", " "))
    for char in chars
}
_NARROW_WORDS: Final = {code: plain for code, plain in _NARROW.items() if chr(code) not in "，；！？（）"}

# What is left of something masked must not grow together with its neighbours: masking twice changes nothing.
_FROM: Final = r"(?<!\d)(?<![0-9A-Za-z]\*{4})"
_TO: Final = r"(?!\d)(?!\*{4}[0-9A-Za-z])"
_FROM_WORD: Final = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z]\*{4})"
_TO_WORD: Final = r"(?![0-9A-Za-z])(?!\*{4}[0-9A-Za-z])"
_GAP: Final = r"[ \-]{0,2}"
_ABROAD: Final = rf"(?:(?:\+|00)?86{_GAP})?"
_AREA: Final = rf"\(?(?:0|(?:\+|00)86{_GAP}\(?0?)(?:10|2\d|[3-9]\d\d)\)?"
_TENS: Final = {1: "[0-5]", 2: "[1-3]", 3: "[1-7]", 4: "[1-6]", 5: "[0-4]", 6: "[1-5]", 7: "1", 8: "[1-3]"}
_PROVINCE: Final = "|".join(f"{tens}{_GAP}{ones}" for tens, ones in _TENS.items())


def _pattern(before: str, it: str, after: str) -> re.Pattern[str]:
    return re.compile(f"{before}(?P<it>{it}){after}")


_EMAIL: Final = _pattern(r"(?<![A-Za-z0-9._%+\-])", r"[A-Za-z0-9._%+\-]++", r"@(?=[A-Za-z0-9])")
_LONG: Final = _pattern(_FROM_WORD, r"\d{14,18}[\dXx]|[\dANYany][0-9A-Za-z][\dOISZoisz]{6}[0-9A-Za-z]{9,11}", _TO_WORD)
_MOBILE: Final = _pattern(_FROM + _ABROAD, r"1[3-9]\d{9}", _TO)
_ID_SPACED: Final = _pattern(
    _FROM_WORD,
    rf"[1-8](?:{_GAP}\d){{5}}{_GAP}(?:1{_GAP}9|2{_GAP}0)(?:{_GAP}\d){{2}}"  # place and year
    rf"{_GAP}(?:0{_GAP}\d|1{_GAP}[0-2]){_GAP}[0-3](?:{_GAP}\d){{4}}{_GAP}[\dXx]",
    _TO_WORD,
)
_CODE_SPACED: Final = _pattern(
    _FROM_WORD,
    rf"[1-9ANYany]{_GAP}[0-9A-Za-z]{_GAP}(?:{_PROVINCE})(?:{_GAP}\d){{4}}(?:{_GAP}[0-9A-Za-z]){{10}}",
    _TO_WORD,
)
# 「1404 2443 404」 are three numbers: after four digits only the rest of 1381 234 5678 follows.
_MOBILE_SPACED: Final = _pattern(
    rf"{_FROM}{_ABROAD}(?!\d{{4}}[ \-]{{1,2}}(?!\d{{3}}{_GAP}\d{{4}}))", rf"1{_GAP}[3-9](?:{_GAP}\d){{9}}", _TO
)
_LANDLINE: Final = _pattern(rf"{_FROM}{_AREA}{_GAP}", r"[1-9]\d{2,3}[ \-]?\d{4}", _TO)
_LOCAL: Final = _pattern(r"(?:电话|座机|固话|传真|[Tt][Ee][Ll])[: 是为]{0,3}", r"[2-8]\d{2,3}[ \-]?\d{4}", _TO)
_MASKS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (_EMAIL, lambda match: f"{match['it'][0]}***"),
    (_LONG, lambda match: _masked(match, 2, 2)),
    (_MOBILE, lambda match: _masked(match, 3, 4)),
    (_ID_SPACED, lambda match: _masked(match, 2, 2)),
    (_CODE_SPACED, lambda match: _masked(match, 2, 2) if _is_code(_joined(match)) else match["it"]),
    (_MOBILE_SPACED, lambda match: _masked(match, 3, 4)),
    (_LANDLINE, lambda match: _masked(match, 1, 3)),
    (_LOCAL, lambda match: _masked(match, 1, 3)),
)

_SECRET: Final = re.compile(
    r"(?P<about>忘记?了?|重置|找回|修改|更改|改|换|输错|输入|填|提示|没有|收不到|获取|发送)?(?:我的|登录|的){0,2}"
    r"(?P<word>密码|口令|验证码|动态码|短信码|(?<![A-Za-z])(?:password|passwd|pwd)(?![A-Za-z]))"
    r"(?P<link>\s{0,3}(?:(?:就|都|也|还|全|应该|可能|一直|现在|已经?|统一){0,2}"
    r"(?:是|为|叫|(?:修?改|换|设置?|重置|填|输入?|写|用|弄)(?:成|为|的是|的|了)了?)|[:：=])?\s{0,3}[:：=]?\s{0,3}"
    r"[\"'“‘「『【（(\[]{0,2})(?P<it>(?!https?:|www\.|\*)[!-~]{3,64})",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(r"\s?(?:[位次个天分秒小月年遍条种]|以[上内])")
_REPORTED: Final = re.compile(r"\s?(?:错误|报错|页面|界面|功能|系统|的提示)")
_NO_SECRET: Final = re.compile(
    r"(?:error|errors|err|null|undefined|none|wrong|invalid|incorrect|failed?|login|reset|input|username|user|sms|app"
    r"|code|ip|http.*|[^0-9A-Za-z]+)[^0-9A-Za-z]*",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\+?[\d\-]{11,}[\dXx]?|[0-9A-Z]{15,20}|\d{1,3}(?:\.\d{1,3}){3}")


class Masked(logging.Filter):
    """Masks what a record says, its exception too, before a formatter sees it. For handlers: all records pass them.

    A record's arguments stay apart where masking them is enough: an access log's formatter takes them one by one.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record is logged."""
        try:
            said = mask(record.getMessage())
            if said != record.getMessage():
                self._rewrite(record, said)
        except Exception:  # a record that cannot be formatted must neither fail the caller nor be printed as it is
            record.msg, record.args = mask(f"{record.msg} {record.args}"), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = mask(record.exc_text or logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = mask(record.stack_info)
        return True

    @staticmethod
    def _rewrite(record: logging.LogRecord, said: str) -> None:
        if isinstance(record.args, tuple):
            record.args = tuple(mask(value) if isinstance(value, str) else value for value in record.args)
            if record.getMessage() == said:
                return
        record.msg, record.args = said, ()


def mask(text: str) -> str:
    """The text with phone numbers, ID numbers, credit codes and the names of e-mail addresses made unreadable.

    Also those written with spaces, dashes, +86 or full-width digits. Masking twice changes nothing.
    """
    for pattern, shown in _MASKS:
        text = _replaced(text, pattern, shown)
    return text


def hide_secrets(text: str) -> tuple[str, bool]:
    """The text with passwords and verification codes replaced by ******, and whether there were any."""
    hidden = _replaced(text, _SECRET, _hidden, _NARROW_WORDS)
    return hidden, hidden != text


def _replaced(
    text: str,
    pattern: re.Pattern[str],
    shown: Callable[[re.Match[str]], str],
    narrow: Mapping[int, str | int] = _NARROW,
) -> str:
    """The text with what is found in its half-width form, which is as long, replaced where `shown` gives another."""
    parts, last = [], 0
    for match in pattern.finditer(text.translate(narrow)):
        if (instead := shown(match)) != match["it"]:
            parts += [text[last : match.start("it")], instead]
            last = match.end("it")
    return "".join([*parts, text[last:]])


def _joined(match: re.Match[str]) -> str:
    return match["it"].replace(" ", "").replace("-", "")


def _masked(match: re.Match[str], first: int, last: int) -> str:
    number = _joined(match)
    return f"{number[:first]}****{number[-last:]}"


def _is_code(number: str) -> bool:
    """Whether letters and digits with spaces between are more than words after a date."""
    return bool(uscc.is_valid(number)) or sum(map(str.isdigit, number)) >= 12


def _hidden(match: re.Match[str]) -> str:
    secret = match["it"].rstrip(",.;)]'\"")
    rest = match.string[match.start("it") + len(secret) :]
    told = bool(match["link"].strip())
    spaced = match["link"] != ""
    digits = any(map(str.isdigit, secret))
    if len(secret) < 3 or _NO_SECRET.fullmatch(secret) or _COUNTED.match(rest):
        return match["it"]
    if not told and (match["about"] or _NUMBER.fullmatch(secret) or _REPORTED.match(rest)):
        return match["it"]
    if not told and len(secret) < (4 if digits or spaced else 5):
        return match["it"]
    return _HIDDEN + match["it"][len(secret) :]
