"""Text as text: forms for matching, widths, sentences. Pure functions over strings; nothing here knows of documents."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"\s+")
_QUOTE = r"【[^】\n]*】|「[^」\n]*」|“[^”\n]*”"
_SENTENCE = re.compile(rf"(?:{_QUOTE}|[^。！？!?；;\n])+")
_LIST_MARK = re.compile(
    r"\s*(?:[①-⑳⑴-⒇]|[(（]\s*(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*[)）]"
    r"|\d{1,2}(?:[、)）．]|\.(?!\d))|[一二三四五六七八九十]{1,3}、)\s*"
)
_BEYOND_CF = {"\ufe0e", "\ufe0f", "\u034f", "\u115f", "\u1160", "\u3164", "\uffa0"}


def strip_invisible(text: str) -> str:
    """The text without control, zero-width and bidirectional characters; tabs and line ends become spaces."""
    return "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or (unicodedata.category(char) not in ("Cc", "Cf", "Cs") and char not in _BEYOND_CF)
    )


def normalize(text: str) -> str:
    """The form two spellings of the same words share: NFKC, case folded, nothing invisible, single spaces, stripped.

    For matching only, never for display. Stable: normalizing twice changes nothing.
    """
    text = strip_invisible(text)
    while True:  # folding can call for composing again; two rounds are the most that Unicode needs in practice
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        if folded == text:
            break
        text = folded
    return _SPACE.sub(" ", strip_invisible(text)).strip()


def display_width(text: str) -> int:
    """The width in columns: 2 for East Asian wide and full-width characters, 0 for combining marks, else 1."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def strip_list_mark(text: str) -> str:
    """The text without one list mark at its start: ①, 1、, 1., （1）, 一、."""
    return _LIST_MARK.sub("", text, count=1) if _LIST_MARK.match(text) else text.strip()


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, without end marks and list marks; 【…】, 「…」 and “…” are never split."""
    found = (strip_list_mark(match).strip() for match in _SENTENCE.findall(text))
    return [sentence for sentence in found if sentence]
