"""Bytes to lines: encodings, damage, limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from faq import reader
from faq.error import DocumentError
from faq.reader import read_lines

TEXT = "1、忘记密码\n答：点击找回。\n"


@pytest.fixture
def write(tmp_path: Path):
    def write_bytes(data: bytes) -> Path:
        path = tmp_path / "d.txt"
        path.write_bytes(data)
        return path

    return write_bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_common_encodings_are_read(write, encoding):
    """UTF-8 with and without BOM, UTF-16 with BOM and GB18030 give the same lines."""
    assert [line.text for line in read_lines(write(TEXT.encode(encoding)))] == ["1、忘记密码", "答：点击找回。"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_of_either_order_is_read(write, encoding):
    """The BOM tells the byte order."""
    assert read_lines(write(("\ufeff" + TEXT).encode(encoding)))[0].text == "1、忘记密码"


def test_a_damaged_line_is_named_and_nothing_is_guessed(write):
    """One broken line among good UTF-8 is refused with its number."""
    lines = [f"{n}、忘记密码".encode() for n in range(1, 6)]
    lines[2] = lines[2][:-1]
    with pytest.raises(DocumentError, match="第 3 行") as caught:
        read_lines(write(b"\n".join(lines)))
    assert caught.value.line == 3


def test_damaged_gb18030_is_named_too(write):
    """GB18030 is read strictly as well."""
    with pytest.raises(DocumentError, match="第 2 行"):
        read_lines(write("忘记密码\n".encode("gb18030") + b"\xcd\xff\n" + "找回\n".encode("gb18030")))


@pytest.mark.parametrize("data", [b"a\nb\0c", bytes(range(1, 9)) * 20])
def test_binary_files_are_refused(write, data):
    """NUL bytes and masses of control characters are no text."""
    with pytest.raises(DocumentError, match="文本文件"):
        read_lines(write(data))


@pytest.mark.parametrize("data", [b"", b"\n \n\t\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(write, data):
    """Nothing but blank lines is empty."""
    with pytest.raises(DocumentError, match="空的"):
        read_lines(write(data))


def test_a_missing_file_is_named(tmp_path):
    """The message names the file."""
    with pytest.raises(DocumentError, match=r"nowhere\.txt：找不到"):
        read_lines(tmp_path / "nowhere.txt")


def test_a_file_over_the_cap_is_refused(write, monkeypatch):
    """The size is checked before reading."""
    monkeypatch.setattr(reader, "MAX_BYTES", 10)
    with pytest.raises(DocumentError, match="上限"):
        read_lines(write(TEXT.encode()))


def test_lines_know_their_place(write):
    """Number, indentation, and whether a blank line or a page stands before."""
    first, second, third = read_lines(write("甲\r\n\r\n\u3000\u3000乙\r\f丙\u200b".encode()))
    assert (first.number, first.text, first.after_blank) == (1, "甲", False)
    assert (second.number, second.text, second.indent, second.after_blank) == (3, "乙", 4, True)
    assert (third.number, third.text, third.after_feed) == (4, "丙", True)


def test_text_is_composed(write):
    """Decomposed characters are read as NFC."""
    assert read_lines(write("e\u0301".encode()))[0].text == "\u00e9"
