"""Personal data made unreadable: in logs and notifications, and secrets that a visitor types into the chat.

Numbers are recognised by their shape, valid or not: a mistyped one is as personal. What stays is enough to tell two
apart (138****5678) and too little to restore one. Ordinary numbers stay as they are: codes of errors, dates, sums,
report numbers. Every pattern is bounded, so that no text takes more than linear time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final

from stdnum.cn import uscc

from index.variant import simplified

_HIDDEN: Final = "******"
_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    ord(char): plain
    for chars, plain in (
        ("‐‑‒–—―−﹣", "-"),
        ("\u3000\xa0\u2002\u2003\u2009\u202f\t\u200b\u200c\u200d\u2060\ufeff", " "),
        ("•‧・･", "·"),
    )
    for char in chars
}
_NARROW_WORDS: Final = {code: plain for code, plain in _NARROW.items() if chr(code) not in "，；！？（）"}

# What is left of something masked must not grow together with its neighbours: masking twice changes nothing.
_FROM: Final = r"(?<!\d)(?<![0-9A-Za-z]\*{4})"
_TO: Final = r"(?!\d)(?!\*{4}[0-9A-Za-z])"
_FROM_WORD: Final = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z]\*{4})"
_TO_WORD: Final = r"(?![0-9A-Za-z])(?!\*{4}[0-9A-Za-z])"
_GAP: Final = r"[ \-.·_/\n\r()~]{0,3}"
_ABROAD: Final = rf"(?:(?:\+|00)?86{_GAP}|0{_GAP})?"
_AREA: Final = rf"\(?(?:0|(?:\+|00)86{_GAP}0?)(?:10|2\d|[3-9]\d\d)"
_DATED: Final = r"(?:19|20)\d\d[.\-/ ]\d{1,2}[.\-/ ]\d{1,2}(?!\d)"
_TENS: Final = {1: "[0-5]", 2: "[1-3]", 3: "[1-7]", 4: "[1-6]", 5: "[0-4]", 6: "[1-5]", 7: "1", 8: "[1-3]"}
_PROVINCE: Final = "|".join(f"{tens}{_GAP}{ones}" for tens, ones in _TENS.items())


def _pattern(before: str, it: str, after: str) -> re.Pattern[str]:
    return re.compile(f"{before}(?P<it>{it}){after}")


_EMAIL: Final = _pattern(r"(?<![A-Za-z0-9._%+\-])", r"[A-Za-z0-9._%+\-]++", r"@(?=[A-Za-z0-9])")
_LONG: Final = _pattern(_FROM_WORD, r"\d{14,18}[\dXx]|[\dANYany][0-9A-Za-z][\dOISZoisz]{6}[0-9A-Za-z]{9,11}", _TO_WORD)
_MOBILE: Final = _pattern(_FROM + _ABROAD, r"1[3-9]\d{9}", _TO)
_ID_SPACED: Final = _pattern(
    rf"{_FROM_WORD}(?!1{_GAP}9|2{_GAP}0)",
    rf"[1-8](?:{_GAP}\d){{5}}{_GAP}(?:1{_GAP}9|2{_GAP}0)(?:{_GAP}\d){{2}}"  # place and year
    rf"{_GAP}(?:0{_GAP}\d|1{_GAP}[0-2]){_GAP}[0-3](?:{_GAP}\d){{4}}{_GAP}[\dXx]",
    _TO_WORD,
)
_CODE_SPACED: Final = _pattern(
    rf"{_FROM_WORD}(?!{_DATED})",
    rf"[1-9ANYany]{_GAP}[0-9A-Za-z]{_GAP}(?:{_PROVINCE})(?:{_GAP}\d){{4}}(?:{_GAP}[0-9A-Za-z]){{10}}",
    _TO_WORD,
)
_MOBILE_SPACED: Final = _pattern(
    rf"{_FROM}{_ABROAD}(?!\d{{4}}{_GAP}\d{{3}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d))", rf"1{_GAP}[3-9](?:{_GAP}\d){{9}}", _TO
)
_FOREIGN: Final = _pattern(rf"(?<![0-9A-Za-z])\+(?!86)(?!\d{{1,2}}{_GAP}{_DATED})", rf"[1-9](?:{_GAP}\d){{8,14}}", _TO)
# A digit too few or too many. Sums and the hexadecimal names of conversations are longer than the digits in them.
_SUM: Final = r"(?!\.\d{1,2}(?!\d)| ?[元万亿人]|-[0-9a-f]{4}-)"
_MISTYPED: Final = tuple(
    _pattern(rf"{_FROM}(?<![a-f]){_ABROAD}", rf"1{_GAP}[3-9](?:{_GAP}\d){{{more}}}", rf"{_TO}(?![a-f]){_SUM}")
    for more in (10, 8)
)
_LANDLINE: Final = _pattern(rf"{_FROM}{_AREA}{_GAP}(?!{_DATED})", rf"[1-9](?:{_GAP}\d){{6,7}}", _TO)
_LOCAL: Final = _pattern(
    rf"(?:[电電][话話]|座机|固话|传真|傳真|[Tt][Ee][Ll])[: 是为]{{0,3}}(?!{_DATED})",
    rf"[2-8]\d{{2,3}}{_GAP}\d{{4}}",
    _TO,
)
_MASKS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...]] = (
    (_EMAIL, lambda match: f"{match['it'][0]}***"),
    (_LONG, lambda match: _masked(match, 2, 2)),
    (_FOREIGN, lambda match: _masked(match, 3, 3)),
    (_MOBILE, lambda match: _masked(match, 3, 4)),
    (_ID_SPACED, lambda match: _masked(match, 2, 2)),
    (_CODE_SPACED, lambda match: _masked(match, 2, 2) if _is_code(match["it"]) else None),
    (_CODE_SPACED, lambda match: _masked(match, 2, 2) if _is_nearly_a_code(match["it"]) else None),
    (_MOBILE_SPACED, lambda match: _masked(match, 3, 4) if _is_mobile(match["it"]) else None),
    *((mistyped, lambda match: _masked(match, 3, 4) if _is_mobile(match["it"]) else None) for mistyped in _MISTYPED),
    (_LANDLINE, lambda match: _masked(match, 1, 3)),
    (_LOCAL, lambda match: _masked(match, 1, 3)),
)
_CODE: Final = re.compile(r"[0-9ANY][0-9A-HJ-NP-RTUW-Y]\d{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_ADDRESS: Final = re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}")

_WORD: Final = (
    r"(?:密 ?码|口 ?令|(?:验 ?证|校 ?验|动 ?态|短 ?信) ?码"
    r"|(?P<english>(?<![A-Za-z])(?:password|passwd|passcode|pwd|pw|mima|yanzhengma)(?![A-Za-z])))"
)
_HEDGE: Final = (
    r"(?:就|都|也|还|全|应[该当]|可能|大概|好像|貌似|似乎|估计|多半"
    r"|我|记得|一直|现在|目前|原来|之前|以前|已经?|统一){0,3}"
)
_SECRET: Final = re.compile(
    r"(?P<about>忘记?了?|重置|找回|修改|更改|改|换|输错|输入|填|(?:forgot|forget|reset|change) (?:my )?"
    r"|(?P<lacking>提示|没有|收不到|获取|发送))?(?:我的|登录|的){0,2}"
    rf"{_WORD}(?P<link>\s{{0,3}}{_HEDGE}\s?(?:(?P<told>不?是|为|叫|(?:is|was)(?![A-Za-z])"
    r"|(?:修?改|换|设置?|重置|填|输入?|写|用|弄)(?:成|为|的是|的|了)了?)|用)?\s{0,3}(?P<colon>[:=])?\s{0,3}"
    r"[\"'“‘「『【（(\[]{0,2})(?P<it>(?!https?:|www\.|\*)[!-~]{3,64})",
    re.IGNORECASE,
)
_SECRET_FIRST: Final = re.compile(
    r"(?<![!-+\--9<-~])(?P<it>(?!https?|www\.|\*)[!-+\--9<-~]{3,64}+)[”’」』】）]{0,2}\s{0,2}(?:"
    rf"{_HEDGE}(?P<told>是|为|is )"
    r"(?P<whose>(?:我们?的?|公司的?|单位的?|账号的|my |the |our |原来的?|以前的?|之前的?|[新旧老]的?){0,2})"
    rf"|设置?[成为]了?|[当作做]成?为?|这[个串])(?:初始|默认|登录|登陆|正确)?的?{_WORD}",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(r"(?:账[号户]|帐[号户]|用户名|登[录陆]名|工号)\s?[是为:]?\s?")
_COUNTED: Final = re.compile(r"\s?(?:[位次个天分秒小月年遍条种]|以[上内])")
_REPORTED: Final = re.compile(r"\s?(?:错误|报错|页面|界面|功能|系统|的提示)")
_FAILED: Final = re.compile(r"\s?(?:错|不|输|有误|有问题|问题|的问题|过期|没|被|忘)")
_ASKED: Final = re.compile(r"\s?(?:都|也|给|又)?(?:忘|是(?:什么|多少|哪|[!-~]))")
_NO_SECRET: Final = re.compile(
    r"(?:\d{0,5}[_\-]?err(?:ors?)?[_\-]?\d{0,5}|null|undefined|none|wrong|invalid|incorrect|failed?|login|reset|input|username"
    r"|user|sms|app|code|ip|http.*|not|correct|required|expired|empty|missing|forgotten|lost|locked|right|same|okay|too|short"
    r"|long|changed|sent|disabled|denied|(?:ie|edge|chrome|firefox|windows|win|wps|android|ios|360)[\d.]*|v?\d+(?:\.\d+){2,}"
    r"|[^0-9A-Za-z]+)[^0-9A-Za-z]*",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"\+?[\d\-]{11,}[\dXx]?|[0-9A-Z]{15,20}|\d{1,3}(?:\.\d{1,3}){3}"
    r"|[\w.+\-]{1,64}@[A-Za-z0-9\-]{1,32}\.[A-Za-z.]{2,16}|(?:[A-Za-z0-9\-]{1,32}\.){1,4}(?:cn|com|net|org)\b.*"
)


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

    Also those with spaces, dashes, dots or line ends between, +86 or full-width digits, and those a digit off.
    Masking twice changes nothing.
    """
    for pattern, shown in _MASKS:
        text = _replaced(text, text.translate(_NARROW), pattern, shown)
    return text


def hide_secrets(text: str) -> tuple[str, bool]:
    """The text with passwords and verification codes replaced by ******, and whether there were any."""
    hidden = text
    for pattern, shown in ((_SECRET, _hidden), (_SECRET_FIRST, _hidden_first)):
        plain = simplified(hidden.encode(errors="replace").decode())  # half a surrogate pair becomes one character
        hidden = _replaced(hidden, plain.translate(_NARROW_WORDS), pattern, shown)
    return hidden, hidden != text


def _replaced(text: str, plain: str, pattern: re.Pattern[str], shown: Callable[[re.Match[str]], str | None]) -> str:
    """The text with what is found in its plain form, which is as long, replaced by what `shown` gives.

    None is no match after all: another may begin inside of it.
    """
    parts, last, start = [], 0, 0
    while match := pattern.search(plain, start):
        instead, start = shown(match), match.end()
        if instead is None:
            start = match.start("it") + 1
        elif instead != match["it"]:
            parts += [text[last : match.start("it")], instead]
            last = match.end("it")
    return "".join([*parts, text[last:]])


def _masked(match: re.Match[str], first: int, last: int) -> str:
    number = "".join(filter(str.isalnum, match["it"]))
    return f"{number[:first]}****{number[-last:]}"


def _is_code(text: str) -> bool:
    number = "".join(filter(str.isalnum, text)).upper()
    return bool(_CODE.fullmatch(number)) and uscc.calc_check_digit(number) == number[-1]


def _is_nearly_a_code(text: str) -> bool:
    """Whether letters and digits with joints between are more than words after a date."""
    number = "".join(filter(str.isalnum, text))
    spaced = not re.search(r"[^0-9A-Za-z \-]", text)
    return sum(map(str.isdigit, number)) >= 12 and (spaced or (number[0] in "159" and len(re.split(r"\W+", text)) <= 5))


def _is_mobile(text: str) -> bool:
    """Whether digits with joints between are grouped as in a mobile number, not as in dates, sums, versions or lists.

    「1404 2443 404」 are three numbers, 「1381 234 5678」 is one; so is 「138.1234.5678」, but not 「138.0.7204.101」.
    """
    joints = re.findall(r"\D+", text)
    first, *rest = sizes = tuple(map(len, re.findall(r"\d+", text)))
    length, spaced = sum(sizes), not re.search(r"[^\d \-]", text)
    if not rest or max(sizes) == 1:
        return True
    if first == 4:
        return sizes == (4, 3, 4) or (sizes == (4, 4, 3) and spaced and text[1] not in "49")
    if length == 11 and (spaced or (len(rest) == 1 and not re.search(r"[./]", text))):
        return True
    if len(rest) == 1:
        return sizes in ((3, 8), (7, 4)) if "." in text else first == 3 or first >= 7
    if first != 3 or min(rest) < (2 if length == 11 else 3) or _ADDRESS.fullmatch(text):
        return False
    return len(rest) == 2 or (length == 11 and len(set(joints)) == 1 and (max(rest) >= 4 or max(rest) == 2))


def _hidden(match: re.Match[str]) -> str:
    secret = match["it"].rstrip(",.;)]'\"")
    rest = match.string[match.start("it") + len(secret) : match.end("it") + 4]
    digits = any(map(str.isdigit, secret))
    if len(secret) < 3 or _NO_SECRET.fullmatch(secret) or _COUNTED.match(rest):
        return match["it"]
    if match["told"] or match["colon"]:
        sentence = match["told"] in ("is", "was") and not digits and re.match(r" ?[A-Za-z]", rest)
        return match["it"] if sentence else _HIDDEN + match["it"][len(secret) :]
    if match["lacking"] or _NUMBER.fullmatch(secret) or _REPORTED.match(rest) or (match["english"] and not digits):
        return match["it"]
    if match["about"] or match["link"].strip(
        " \n\r\"'“‘「『【（(["
    ):  # more than the word: only what looks like a password
        shortest = 6 if digits and (not secret.isdigit() or not match["link"].startswith(" ")) else 65
    else:
        shortest = 4 if digits or match["link"] else 5
    return match["it"] if len(secret) < shortest else _HIDDEN + match["it"][len(secret) :]


def _hidden_first(match: re.Match[str]) -> str:
    secret, rest = match["it"], match.string[match.end() : match.end() + 6]
    digits = any(map(str.isdigit, secret))
    before = match.string[max(0, match.start() - 6) : match.start()]
    if _NO_SECRET.fullmatch(secret) or any(found.end() == len(before) for found in _ACCOUNT.finditer(before)):
        return secret
    if match["whose"]:
        return _HIDDEN
    if not digits or (match["told"] and _FAILED.match(rest)):
        return secret
    if not match["told"] and (
        _NUMBER.fullmatch(secret) or _ASKED.match(rest) or (secret.isdigit() and len(secret) <= 4)
    ):
        return secret
    return _HIDDEN
