"""Bytes → lines: UTF-8 with or without BOM, UTF-16 with BOM, GB18030. Damaged text is refused, never guessed at."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from faq.error import DocumentError
from faq.text import display_width

MAX_BYTES = 10 * 1024 * 1024
BINARY_SHARE = 0.1
"""The share of control characters above which a file is no text."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A non-blank line: its number from 1, its text (NFC, stripped), its indentation in columns.

    `after_blank`: a blank line stands before it; `after_feed`: a form feed does, that is, a page begins with it.
    """

    number: int
    text: str
    indent: int = 0
    after_blank: bool = False
    after_feed: bool = False


def read_lines(path: Path) -> tuple[Line, ...]:
    """The non-blank lines of a text file; DocumentError where it is missing, too large, empty, binary or damaged."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DocumentError(path, None, f"文件有 {size / 1048576:.1f} MB，超过 10 MB 的上限，请拆分后再导入。")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DocumentError(path, None, "找不到这个文件。") from error
    except (OSError, ValueError) as error:
        raise DocumentError(path, None, f"无法读取文件（{error}）。") from error
    lines = split_lines(decode(data, path))
    if not lines:
        raise DocumentError(path, None, "文件是空的，没有可读的文字。")
    return lines


def decode(data: bytes, path: Path) -> str:
    """The text of the bytes; `path` is only named in errors."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = _strict(data, "utf-16", path)
    else:
        data = data.removeprefix(codecs.BOM_UTF8)
        if b"\0" in data:
            line = data.count(b"\n", 0, data.index(b"\0")) + 1
            raise DocumentError(path, line, "含有空字节（NUL），不是文本文件；请另存为 UTF-8 编码的 .txt。")
        text = _strict(data, "gb18030" if _is_gb18030(data) else "utf-8", path)
    controls = sum(unicodedata.category(char) == "Cc" and char not in "\t\r\n\f\v" for char in text)
    if "\0" in text or controls > BINARY_SHARE * len(text):
        raise DocumentError(path, None, "看起来不是文本文件；请另存为 UTF-8 编码的 .txt。")
    return unicodedata.normalize("NFC", text)


def split_lines(text: str) -> tuple[Line, ...]:
    """The non-blank lines of a text, without characters nobody sees."""
    lines: list[Line] = []
    after_blank = after_feed = False
    for number, raw in enumerate(_LINE_END.split(text), 1):
        after_feed = after_feed or "\f" in raw
        visible = _INVISIBLE.sub("", raw)
        stripped = visible.strip()
        if not stripped:
            after_blank = True
            continue
        indent = display_width(visible[: len(visible) - len(visible.lstrip())].replace("\t", "    "))
        lines.append(Line(number, stripped, indent, after_blank, after_feed))
        after_blank = after_feed = False
    return tuple(lines)


def _is_gb18030(data: bytes) -> bool:
    """Whether most lines beyond ASCII are no UTF-8: then it is another encoding, not a damaged line."""
    beyond = [line for line in data.splitlines() if not line.isascii()]
    damaged = sum(not _decodes(line, "utf-8") for line in beyond)
    return damaged * 2 > len(beyond)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _strict(data: bytes, encoding: str, path: Path) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, errors="replace")
        line = len(_LINE_END.findall(before)) + 1
        raise DocumentError(
            path, line, f"这一行的文字已损坏（不是完整的 {encoding.upper()} 编码），请修正后再导入。"
        ) from error
