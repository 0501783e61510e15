"""What stands at the start of a line: a number of some kind, a question mark (问：, Q1:), an answer mark (答：).

Only forms are told apart here. Whether 「2、…」 is an entry or a step of an answer is for `faq.sequence` to say, and
which kind holds which for `faq.outline`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

ASK = "ask"
STEP_KINDS = frozenset({"circled", "paren", "close"})
"""Kinds that mostly number steps: ①, （1） and 1）."""

_CJK = "一二三四五六七八九十百零〇两"
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_NUMBER = rf"(?P<number>\d{{1,3}}|[{_CJK}]{{1,5}})"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("part", rf"第\s*{_NUMBER}\s*(?:部分|篇|编)[、:：.．]?\s*"),
        ("chapter", rf"第\s*{_NUMBER}\s*章[、:：.．]?\s*"),
        ("clause", rf"第\s*{_NUMBER}\s*节[、:：.．]?\s*"),
        ("article", rf"第\s*{_NUMBER}\s*条[、:：.．]?\s*"),
        ("cjk", rf"(?P<number>[{_CJK}]{{1,4}})\s*(?P<style>[、.．])\s*"),
        ("cjk-paren", rf"[(（]\s*(?P<number>[{_CJK}]{{1,4}})\s*(?P<style>[)）])[、.．]?\s*"),
        ("cjk-paren", r"(?P<number>[㈠-㈩])(?P<style>)[、.．]?\s*"),
        (
            "dotted",
            r"(?P<number>\d{1,2}(?:[.．]\d{1,2}){1,3})(?![.．]?\d)"
            r"(?:\s*(?P<style>[、.．:：])\s*|(?P<space>\s+)|(?=[^\x00-\x7f]))",
        ),
        ("arabic", r"(?P<number>\d{1,4})\s*(?P<style>、|[.．](?!\d))\s*"),
        ("arabic", r"(?P<number>[⒈-⒛])(?P<style>)\s*"),
        ("close", r"(?P<number>\d{1,3})\s*(?P<style>[)）])[、.．]?\s*"),
        ("paren", r"[(（]\s*(?P<number>\d{1,3})\s*(?P<style>[)）])[、.．]?\s*"),
        ("paren", r"(?P<number>[⑴-⒇])(?P<style>)[、.．]?\s*"),
        ("circled", r"(?P<number>[①-⑳❶-❿])(?P<style>)[、.．]?\s*"),
    )
)
_BOXED = re.compile(r"[【《〖\[［]([^【】《》〖〗\[\]［］]+)[】》〗\]］][:：]?")
_ASK = re.compile(
    rf"(?:问题|提问|问|[QqＱｑ])\s*(?:{_NUMBER})?\s*[:：、.．]\s*|[QqＱｑ]\s*(?P<spaced>\d{{1,3}})\s+"
    r"|[【\[［](?:问题?|[QqＱｑ])\s*(?P<boxed>\d{0,3})[】\]］]\s*[:：]?\s*"
)
_ANSWER = re.compile(
    r"(?:答复|回答|解答|回复|答案|答|[AaＡａ])\s*\d{0,3}\s*[:：]\s*|[AaＡａ]\d{1,3}(?:[、.．]\s*|\s+)"
    r"|[【\[［](?:答复|回答|解答|答|[AaＡａ])\s*\d{0,3}[】\]］]\s*[:：]?\s*"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """A mark at a line's start. `path` is its number, (1, 2) for 1.2; `style` its punctuation; `rest` what follows.

    A question mark (kind ASK) without a number has the path (0,).
    """

    kind: str
    path: tuple[int, ...]
    style: str
    rest: str

    @property
    def number(self) -> int:
        """The last part of the path: the place among its siblings."""
        return self.path[-1]


def read_marker(text: str) -> Marker | None:
    """The mark the text begins with, a question mark behind a number (「1、问：」) included; None for plain text.

    Brackets around the whole line (「【一、登录】」) are no part of its words.
    """
    if ask := _ASK.match(text):
        number = ask["number"] or ask["spaced"] or ask["boxed"]
        return Marker(ASK, (read_number(number) if number else 0,), "", text[ask.end() :])
    if boxed := read_boxed(text):
        text = boxed
    for kind, pattern in _KINDS:
        if found := pattern.match(text):
            path = tuple(read_number(part) for part in re.split(r"[.．]", found["number"]))
            if 0 in path:
                return None
            rest = text[found.end() :]
            if ask := _ASK.match(rest):
                return Marker(ASK, path[-1:], "", rest[ask.end() :])
            depth = f"-{len(path)}" if kind == "dotted" else ""
            style = unicodedata.normalize("NFKC", found.groupdict().get("style") or "")
            return Marker(kind + depth, path, style, rest)
    return None


def read_boxed(text: str) -> str | None:
    """What stands in the brackets (【】《》〖〗[]) around the whole text, or None where there are none."""
    found = _BOXED.fullmatch(text)
    return found[1].strip() if found else None


def read_answer(text: str) -> str | None:
    """What follows the answer mark the text begins with, or None where it begins with none."""
    found = _ANSWER.match(text)
    return text[found.end() :] if found else None


def read_number(text: str) -> int:
    """The value of 12, １２, 十二, ⑫ or ㈡; 0 where the characters make no number."""
    if len(text) == 1 and text not in _CJK:
        return int(unicodedata.numeric(text, 0))
    if text.isdecimal():
        return int(text)
    total, digit = 0, 0
    for char in text:
        if char in "十百":
            total += (digit or 1) * (10 if char == "十" else 100)
            digit = 0
        elif digit:
            return 0
        else:
            digit = _DIGITS.get(char, 0)
    return total + digit
