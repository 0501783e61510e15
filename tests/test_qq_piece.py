"""Long texts in pieces that a platform takes: nothing lost, nothing torn, cut where a reader would pause."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.qq.link import rewrite
from bot.qq.piece import split
from faq.knowledge import read_folder

ENTRIES = read_folder(Path(__file__).parent.parent / "faq" / "documents").entries
WHOLE = [
    "👨‍👩‍👧‍👦",
    "🧑🏽‍🚒",
    "🇨🇳",
    "1️⃣",
    "❤️",
    "é̂",
    "https://whjy.mem.gov.cn/a?b=1;c=2!d",
    "https:// whjy。mem。gov。cn/a",
    "www.zybwhsb.com/login.do",
    "400-9659818",
    "0311-8765 4321",
    "138 1234 5678",
    "91130100MA07XXXX5K",
    "zhang.san@163.com",
    "1,234,567.89",
]
"""What is never cut, as long as it fits."""
CHINESE = ["登录系统", "请联系当地管理机构审核", "，", "。", "！”", "；", "（注意：", "）", "“", "①"]
SPACES = ["\n", "\n\n", " ", "\r\n", "\u3000"]

limits = st.integers(60, 1800)
chinese = st.lists(st.sampled_from(CHINESE), min_size=1, max_size=120).map("".join)
mixed = st.lists(
    st.one_of(
        st.sampled_from([*CHINESE, *SPACES, *WHOLE]),
        st.text("abc XYZ019.,;:!?()\n", max_size=30),
        st.text(max_size=10),
    ),
    max_size=150,
).map("".join)
held_apart = st.lists(st.tuples(chinese.map(lambda text: text[:60]), st.sampled_from(WHOLE)), max_size=40)


def size(text: str) -> int:
    return len(text.encode())


def gaps(text: str, pieces: list[str]) -> list[str]:
    """What stands between the pieces in the text; they are found in it in this order."""
    found, at = [], 0
    for piece in pieces:
        start = text.index(piece, at)
        found.append(text[at:start])
        at = start + len(piece)
    return [*found, text[at:]]


@given(mixed, limits)
def test_nothing_is_lost_but_white_space_where_the_text_is_cut(text: str, longest: int) -> None:
    """Every piece fits, says something, and has no white space at its ends."""
    pieces = split(text, longest)
    assert all(not gap.strip() for gap in gaps(text, pieces))
    assert all(0 < size(piece) <= longest and piece == piece.strip() for piece in pieces)


@given(st.text(max_size=60), st.integers(4, 12))
def test_a_piece_holds_at_least_a_character(text: str, longest: int) -> None:
    """However small it is."""
    pieces = split(text, longest)
    assert all(not gap.strip() for gap in gaps(text, pieces))
    assert all(0 < size(piece) <= longest for piece in pieces)


def test_less_than_a_character_is_no_piece() -> None:
    """A platform that takes less is a mistake of ours."""
    with pytest.raises(ValueError, match="3 bytes"):
        split("中", 3)


@given(held_apart, limits)
def test_what_belongs_together_is_not_torn(parts: list[tuple[str, str]], longest: int) -> None:
    """Characters of several code points, addresses, numbers and words."""
    text = "".join(f"{before}看{whole}" for before, whole in parts)
    pieces = split(text, longest)
    for _, whole in parts:
        assert sum(piece.count(whole) for piece in pieces) == text.count(whole)


@given(st.sampled_from(WHOLE), st.integers(0, 40), st.integers(1, 40))
def test_what_just_fits_is_not_torn_either(whole: str, before: int, after: int) -> None:
    """Though then little stands in the piece before it, or after it."""
    pieces = split("看" * before + whole + "看" * after, max(size(whole), 4))
    assert whole in pieces


@given(chinese, limits)
def test_pieces_are_well_filled(text: str, longest: int) -> None:
    """At least half, the last one a quarter: no needless pieces, and no word alone at the end."""
    *filled, last = split(text, longest)
    assert all(size(piece) >= longest // 2 - 8 for piece in filled)
    assert not filled or size(last) >= longest // 4 - 8


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("甲。乙。\n丙丙。\n\n丁。戊戊", ["甲。乙。\n丙丙。", "丁。戊戊"]),
        ("甲甲。乙。\n丙丙。丁。戊戊\n", ["甲甲。乙。", "丙丙。丁。戊戊"]),
        ("甲甲甲甲甲\n\n乙\n丙丙丙丙丙丙", ["甲甲甲甲甲", "乙\n丙丙丙丙丙丙"]),
        ("甲甲甲甲甲\n乙。丙丙丙丙丙丙", ["甲甲甲甲甲", "乙。丙丙丙丙丙丙"]),
        ("甲甲甲甲甲。乙，丙丙丙丙丙丙", ["甲甲甲甲甲。", "乙，丙丙丙丙丙丙"]),
        ("“甲甲，乙乙。”丙丙，丁丁", ["“甲甲，乙乙。”", "丙丙，丁丁"]),
        ("甲？！（乙乙！）……丙丙丁丁", ["甲？！（乙乙！）……", "丙丙丁丁"]),
        ("甲甲甲甲，乙乙乙乙、丙丙", ["甲甲甲甲，", "乙乙乙乙、丙丙"]),
        ("甲甲甲甲甲甲甲甲甲（乙乙乙乙乙）", ["甲甲甲甲甲甲甲甲甲", "（乙乙乙乙乙）"]),
        ("甲甲甲甲甲甲甲甲甲甲，乙乙乙乙乙乙", ["甲甲甲甲甲甲甲甲甲", "甲，乙乙乙乙乙乙"]),
        ("One two. Three four five six seven eight", ["One two. Three four five six", "seven eight"]),
    ],
    ids=[
        "paragraph",
        "line",
        "before line",
        "before sentence",
        "before clause",
        "sentence",
        "marks",
        "clause",
        "bracket",
        "mark",
        "English",
    ],
)
def test_a_text_is_cut_where_a_reader_pauses(text: str, pieces: list[str]) -> None:
    """At the best place in the second half of a piece; marks stay with what they belong to."""
    assert split(text, 30) == pieces


def test_what_fits_is_one_piece() -> None:
    """Word for word, to the byte; a blank text is none."""
    assert split("甲" * 600, 1800) == ["甲" * 600]
    assert len(split("甲" * 601, 1800)) == 2
    assert split(" \n\u3000", 60) == []


@pytest.mark.parametrize("longest", [60, 100, 250, 600, 1200, 1800])
@pytest.mark.parametrize("filed", [True, False], ids=["as it is", "addresses taken apart"])
def test_every_real_entry_is_cut_well(longest: int, filed: bool) -> None:
    """The longest, too: whole for the platform; in pieces of 250 bytes cut at ends of lines, sentences and clauses."""
    assert max(size(entry.answer) for entry in ENTRIES) > 1000
    for entry in ENTRIES:
        text = entry.answer if filed else rewrite(entry.answer, ())
        pieces = split(text, longest)
        between = gaps(text, pieces)
        assert all(not gap.strip() for gap in between)
        assert all(size(piece) <= longest for piece in pieces)
        if longest >= 1200:
            assert len(pieces) == 1
        if longest >= 250:
            assert all(
                "\n" in gap or re.search(r"[。！？；：，、.,:;!?][”）)】]*$", piece)
                for piece, gap in zip(pieces[:-1], between[1:], strict=False)
            )


@pytest.mark.parametrize(
    "unit",
    [
        "中",
        "，",
        "a",
        "a ",
        " ",
        "(",
        "1 ",
        "123-",
        "é",
        "\u0301",
        "🇨🇳",
        "👩‍",
        "https://a。b ",
        "http://",
        "\n\n中",
        ". ",
    ],
)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    """Four times the text takes about four times as long, not sixteen."""

    def seconds(length: int) -> float:
        text, taken = "中" + (unit * length)[:length] + "中", []
        for _ in range(3):
            start = time.process_time()
            split(text, 1800)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(40_000) < 10 * seconds(10_000) + 0.01
