"""Fields of a dossier: what kinds there are, and how each is read from what people type.

`find` looks for a valid value in a message about something else; `check` takes a text as the answer to the question
for a field and says what is wrong with it, in words for visitors; `label_values` takes a message apart in which several
fields are filled in like a form. A value has one normal form however it was typed: full width, with spaces, dashes.

Methods: check characters and divisions by python-stdnum, phone numbers by phonenumbers, addresses by ipaddress; names
and accounts by the words around them. Whether a company, an account or a number exists, nobody here knows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import phonenumbers
from stdnum.cn import ric, uscc

from bot.company import TALK, companies, given_name
from bot.region import Region, divisions, find_region

LONGEST: Final = 2000
"""Characters of a message that are looked at."""

KINDS: Final = frozenset(
    {"text", "company", "credit_code", "code", "account", "phone", "region", "county", "regions", "ip", "image"},
)


class FieldError(Exception):
    """An answer is no value of its kind; the visitor reads the Chinese message, which says how to correct it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value in its normal form, and where the text has it."""

    value: str
    start: int
    end: int


# Character for character, so that places in the text stay the same. Invisible characters become spaces.
_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    ord(char): plain
    for chars, plain in (
        ("‐‑‒–—―−﹣", "-"),
        ("\u3000\xa0\u2002\u2003\u2009\u202f\t\u200b\u200c\u200d\u2060\ufeff", " "),
    )
    for char in chars
}
_JOINT: Final = re.compile(r"[ \-\n\r.·_]{0,2}")
_WORD: Final = re.compile(r"[0-9A-Za-z]+")

_CODE: Final = re.compile(r"[0-9ANY][0-9A-HJ-NP-RTUW-Y][0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_LIKE_A_CODE: Final = re.compile(r"(?=(?:\D*\d){8})[159][0-9A-Za-z]{16,18}")
_LOOKALIKES: Final = str.maketrans("OIZS", "0125")
_CODE_LABEL: Final = re.compile(
    r"(?<!错误)(?<!报错)(?:代码|税号|识别号|编码|信用码)\s{0,3}(?:(?:就?是|为|(?:错?[写填输]|误填)[成为]?了?)?\s{0,3}[:=]?\s{0,3})"
    r"(?=(?:[ \-]?[0-9A-Za-z]){6})"
)

_EXTENSION: Final = re.compile(
    r"\s{0,2}(?:转|分机号?|ext\.?|-)\s{0,2}:?\s{0,2}(?P<number>\d{1,6})(?!\d)", re.IGNORECASE
)
_DASHED_EXTENSION: Final = re.compile(
    r"(?<=0\d{2}-\d{8})-\d{1,5}(?!\d)|(?<=0\d{3}-\d{7})-\d{1,5}(?!\d)|(?<=0\d{3}-\d{8})-\d{1,5}(?!\d)"
)

_UNLIKE_A_NUMBER: Final = re.compile(r"[./:]")
_DOTTED_MOBILE: Final = re.compile(r"(?:\+?86[ .-]?)?1\d{2}[./]\d{4}[./]\d{4}")
"""Dates, prices and addresses are written with dots and slashes, numbers hardly ever but in three groups."""

_IPV4: Final = re.compile(r"(?<![\d.vV本])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_IPV6: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f:]{4,39}(?![0-9A-Za-z])")

_ACCOUNT: Final = re.compile(
    r"(?:账号|帐号|账户|帐户|用户名|登[录陆]名|账户名)(?:名称?)?(?P<link>\s{0,3}(?:就?是|为|叫|[:=])\s{0,3}[:=]?\s{0,3}|\s{1,3}|)"
    r"(?P<value>[^\s,;。、\"'“”‘’《》「」]{2,50})"
)
_LOGIN: Final = re.compile(r"[0-9A-Za-z_@.\-]+")

_LINK: Final = (
    r"(?:名称?|号码?|地址|如下)?"
    r"(?P<link>[ ]{0,3}[:=]\s{0,3}|[ ]{0,3}(?:就?是|为)[ ]{0,3}|[ ]{0,3}\n\s{0,3}|[ ]{1,3}|(?=[0-9A-Za-z]))"
)
_OPENING: Final = re.compile(
    r"(?:^|[\s,;。、/|()\[\]【】!！.①-⑩]|\d[).、])(?:我们?的?|咱们?的?|本|联系|单位|企业|的)?$"
)
_PART_OF_NAME: Final = re.compile(r"(?:有限|责任|股份|集团|[分总子])$")
_ASKED: Final = re.compile(r"什么|多少|哪|不是|否|谁|怎么")


def find(kind: str, text: str) -> Found | None:
    """The first valid value of that kind in a message; None for kinds that anything or nothing is a value of."""
    text = text[:LONGEST].translate(_NARROW)
    if kind in ("region", "county"):
        region = find_region(text)
        named = region is not None and (kind == "region" or _to_the_county(region))
        return Found(region.name, region.start, region.end) if region is not None and named else None
    finder = _FINDERS.get(kind)
    return next(finder(text), None) if finder else None


def check(kind: str, text: str) -> str:
    """The normal form of the value that the whole text stands for; raises FieldError where it stands for none."""
    if kind == "image":
        raise FieldError("这一项需要图片，请直接发送截图或照片。")
    if not text.strip():
        raise FieldError("您还没有填写内容，请重新填写。")
    if kind == "text":
        return _checked_text(text.strip())
    text = " ".join(text[:LONGEST].translate(_NARROW).split())
    match kind:
        case "company":
            return _checked_company(text)
        case "account":
            return _checked_account(text)
        case "code":
            return _checked_code(text)
        case "regions" if (region := find_region(text)) is not None:
            whole = (region.start, region.end) == (0, len(text))
            return region.name if whole else _checked_text(text)
    if found := find(kind, text):
        return found.value
    raise FieldError(_COMPLAINTS[kind](text))


def label_values(text: str, labels: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The values in 「公司：某某有限公司 电话：138…」, as typed, by field; `labels` has the names that a field goes by.

    A label is followed by a colon, 是 or 为, or stands at the start of a line or clause with a space or a line end
    behind it. A value ends at the next label, a semicolon or the end of the line.
    """
    text = text[:LONGEST]
    fields = {alias.translate(_NARROW).lower(): name for name, aliases in labels.items() for alias in aliases if alias}
    if not fields:
        return {}
    names = "|".join(re.escape(alias) for alias in sorted(fields, key=len, reverse=True))
    narrow = text.translate(_NARROW)
    found: list[tuple[int, int, str]] = []
    for match in re.finditer(f"(?P<alias>{names}){_LINK}", narrow, re.IGNORECASE | re.ASCII):
        before = narrow[max(0, match.start() - 8) : match.start()]
        opening = _OPENING.search(before)
        if opening or (":" in match["link"] and not _PART_OF_NAME.search(before)):
            begin = match.start() - (len(opening[0]) if opening else 0)
            found.append((begin, match.end(), fields[match["alias"].lower()]))
    values: dict[str, str] = {}
    ends = [begin for begin, *_ in found[1:]] + [len(text)]
    for (_, start, name), end in zip(found, ends, strict=False):
        value = re.split(r"[\n；;]", text[start:end], maxsplit=1)[0].strip(" \t\u3000,，、。;；:：")
        if value and not _ASKED.match(value):
            values.setdefault(name, value)
    return values


def _joined(text: str, length: int) -> Iterator[tuple[str, int, int]]:
    """Whole words, or several with little between, that are so many characters together: 「9111 0000 6000 3734 1L」."""
    words = list(_WORD.finditer(text))
    for first in range(len(words)):
        chars, last = "", -1
        for word in words[first:]:
            if last >= 0 and not _JOINT.fullmatch(text, last, word.start()):
                break
            chars, last = chars + word[0].upper(), word.end()
            if len(chars) >= length:
                break
        if len(chars) == length:
            yield chars, words[first].start(), last


def _is_credit_code(code: str) -> bool:
    """GB 32100-2015; the issuers A, N and Y, which stdnum leaves out, are allowed too. No ID number is one."""
    return bool(_CODE.fullmatch(code)) and uscc.calc_check_digit(code) == code[-1] and not ric.is_valid(code)


def _is_slip(text: str) -> bool:
    """Whether a text is meant for a credit code and is none: about as long, and mostly digits."""
    return bool(_LIKE_A_CODE.fullmatch(text)) and not _is_credit_code(text.upper()) and not ric.is_valid(text)


def _credit_codes(text: str) -> Iterator[Found]:
    return (Found(code, start, end) for code, start, end in _joined(text, 18) if _is_credit_code(code))


def _codes(text: str) -> Iterator[Found]:
    """What follows a label, or a word as long as a code; no ID number."""
    found = []
    for label in _CODE_LABEL.finditer(text):
        code, start, end = "", label.end(), label.end()
        for word in _WORD.finditer(text, label.end()):
            if code and not (re.fullmatch(r"[ \-]", text[end : word.start()]) and len(code + word[0]) <= 18):
                break
            code, start, end = code + word[0].upper(), start if code else word.start(), word.end()
        if len(code) <= 30:
            found.append(Found(code, start, end))
    for word in _WORD.finditer(text):
        if 15 <= len(word[0]) <= 30 and sum(map(str.isdigit, word[0])) >= 8 and not ric.is_valid(word[0]):
            found.append(Found(word[0].upper(), word.start(), word.end()))
    return iter(sorted(found, key=lambda one: one.start))


def _phones(text: str) -> Iterator[Found]:
    """Numbers valid in China or written with their country, none of them part of a code or an ID number."""
    taken = [(start, end) for code, start, end in _joined(text, 18) if _is_credit_code(code) or ric.is_valid(code)]
    taken += [word.span() for word in _WORD.finditer(text) if len(word[0]) > 13]
    taken += [match.span() for match in _DASHED_EXTENSION.finditer(text)]
    free = text
    for start, end in taken:
        free = free[:start] + "。" * (end - start) + free[end:]
    for match in phonenumbers.PhoneNumberMatcher(free, "CN", leniency=phonenumbers.Leniency.VALID):
        if _UNLIKE_A_NUMBER.search(match.raw_string) and not _DOTTED_MOBILE.fullmatch(match.raw_string):
            continue
        number, end = match.number, match.end
        national = phonenumbers.national_significant_number(number)
        if number.country_code != 86:
            yield Found(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), match.start, end)
            continue
        area = phonenumbers.length_of_geographical_area_code(number)
        value = f"0{national[:area]}-{national[area:]}" if area else national
        extension = _EXTENSION.match(text, end) if area or number.extension else None
        if extension or number.extension:
            value += f"转{extension['number'] if extension else number.extension}"
            end = extension.end() if extension else end
        yield Found(value, match.start, end)


def _addresses(text: str) -> Iterator[Found]:
    """Public IPv4 and IPv6 addresses, also with 。 for the dots; others say nothing of who is locked out."""
    return (found for found in _all_addresses(text) if ipaddress.ip_address(found.value).is_global)


def _all_addresses(text: str) -> Iterator[Found]:
    dotted = re.sub(r"(?<=\d)。(?=\d)", ".", text)
    for match in sorted([*_IPV4.finditer(dotted), *_IPV6.finditer(dotted)], key=lambda match: match.start()):
        literal = match[0].lstrip(":") if not match[0].startswith("::") else match[0]
        start = match.end() - len(literal)
        literal = literal.rstrip(":") if not literal.endswith("::") else literal
        try:
            yield Found(str(ipaddress.ip_address(literal)), start, start + len(literal))
        except ValueError:
            continue


def _accounts(text: str) -> Iterator[Found]:
    """What is said to be the account; with nothing but a space before it, only letters with digits are one."""
    for match in _ACCOUNT.finditer(text):
        value, start = match["value"], match.start("value")
        while inner := _ACCOUNT.match(value):
            value, start = inner["value"], start + inner.start("value")
        login = _LOGIN.match(value)
        if login:
            value = login[0].rstrip(".-")
            digits = any(map(str.isdigit, value))
            if len(value) < 2 or (not match["link"].strip() and not (digits and len(value) >= 5)):
                continue
        else:
            value = value.rstrip("!?.):")
            name = TALK.search(value) is None and next(companies(value), None) is None
            if not match["link"].strip() or not name or not 2 <= len(value) <= 50:
                continue
        if not _is_slip(value):
            yield Found(value, start, start + len(value))


def _checked_text(text: str) -> str:
    if len(text) > 500:
        raise FieldError(f"内容最多 500 个字，您填写了 {len(text)} 个字，请精简后重新填写。")
    return text


def _checked_code(text: str) -> str:
    code = re.sub(r"[ \-]", "", text)
    if re.fullmatch(r"[0-9A-Za-z]{1,30}", code):
        return code.upper()
    if found := next(_codes(text), None):
        return found.value
    words = [word for word in _WORD.findall(text) if any(map(str.isdigit, word))]
    if len(words) != 1 or len(words[0]) > 30:
        raise FieldError("请只填写代码本身，由字母和数字组成，最多 30 位，例如：91110000600037341L。")
    return str(words[0]).upper()


def _checked_company(text: str) -> str:
    name = given_name(text)
    if name is None:
        raise FieldError("没有看到单位全称，请按营业执照填写，例如：石家庄某某化工有限公司。")
    return name


def _checked_account(text: str) -> str:
    code = next(_credit_codes(text), None)
    if code and (code.start, code.end) == (0, len(text)):
        return code.value
    if found := next(_accounts(text), None):
        return found.value
    if _is_slip(text):
        raise FieldError(_wrong_credit_code(text))
    if TALK.search(text) or next(companies(text), None):
        raise FieldError(
            "没有看到账号，请只填写登录时使用的账号，例如：zyb2024。如果不记得，请填写单位的统一社会信用代码。"
        )
    if " " in text:
        raise FieldError("账号中间不能有空格，请只填写登录时使用的账号。")
    if not 2 <= len(text) <= 50 or not text.isprintable():
        raise FieldError(f"账号应为 2 到 50 个字，您填写了 {len(text)} 个字，请只填写登录时使用的账号。")
    return text


def _wrong_credit_code(text: str) -> str:
    code = re.sub(r"[ \-.·_]", "", text).upper()
    if not re.fullmatch(r"[0-9A-Z]+", code):
        code = max((word.upper() for word in _WORD.findall(text)), key=len, default="")
    if not code:
        return "没有看到统一社会信用代码，请填写营业执照上的 18 位代码。"
    if ric.is_valid(code):
        return "您填写的像是身份证号码。请填写营业执照上的 18 位统一社会信用代码。"
    if len(code) != 18:
        return f"统一社会信用代码应为 18 位，您填写的是 {len(code)} 位，请对照营业执照核对后重新填写。"
    if never := list(dict.fromkeys(char for char in code if char in "IOZSV")):
        return _wrong_letters(code, never)
    wrong = "校验位不符" if _CODE.fullmatch(code) else "第 3 到 8 位应为数字"
    return f"统一社会信用代码的{wrong}，请对照营业执照逐位核对后重新填写。"


def _wrong_letters(code: str, never: Sequence[str]) -> str:
    told = f"统一社会信用代码不使用字母 I、O、Z、S、V，您填写的内容里有 {'、'.join(never)}"
    meant = code.translate(_LOOKALIKES)
    if not _is_credit_code(meant):
        return f"{told}，请对照营业执照核对后重新填写。"
    changes = "、".join(f"{char} 换成数字 {char.translate(_LOOKALIKES)}" for char in never)
    return f"{told}。把字母 {changes} 后是 {meant}，如果与营业执照一致，请填写这个代码。"


def _wrong_phone(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if len(digits) > 11 and digits.startswith("86"):
        digits = digits[2:]
    count = len(digits)
    if not digits:
        return "没有看到电话号码，请填写 11 位手机号码，或带区号的座机号码，例如：010-12345678。"
    if digits[0] == "1" and count != 11:
        return f"手机号码应为 11 位，您填写的是 {count} 位，请核对后重新填写。"
    if digits[0] == "0":
        return f"座机号码应为区号加 7 或 8 位号码，您填写的一共是 {count} 位，请核对后重新填写，例如：010-12345678。"
    if count in (7, 8):
        return "座机号码请带上区号，例如：010-12345678。"
    return f"您填写的 {count} 位号码不是有效的电话号码，请核对后重新填写。"


def _wrong_address(text: str) -> str:
    if next(_all_addresses(text), None):
        return "这是内网地址，解锁需要的是外网 IP：请打开百度搜索“IP”，填写搜出来的地址。"
    return "没有看到有效的 IP 地址。它由四组 0 到 255 的数字组成，例如：112.1.2.3，请核对后重新填写。"


def _to_the_county(region: Region) -> bool:
    """Whether nothing below is left open: 东莞市 has no counties."""
    return bool(region.county) or (bool(region.city) and not divisions()[region.province].get(region.city, ()))


def _wrong_region(text: str) -> str:
    region = find_region(text)
    if region is not None:
        return f"已认出{region.name}，请连同县（区）一起写明，例如：河北省石家庄市桥西区。"
    return "没有认出地区，请写明省、市、县（区），例如：河北省石家庄市桥西区。"


_FINDERS: Final[Mapping[str, Callable[[str], Iterator[Found]]]] = {
    "company": lambda text: (Found(*named) for named in companies(text)),
    "credit_code": _credit_codes,
    "code": _codes,
    "account": _accounts,
    "phone": _phones,
    "ip": _addresses,
}
_COMPLAINTS: Final[Mapping[str, Callable[[str], str]]] = {
    "credit_code": _wrong_credit_code,
    "phone": _wrong_phone,
    "ip": _wrong_address,
    "region": _wrong_region,
    "county": _wrong_region,
    "regions": _wrong_region,
}
