"""Similar questions and topics written back: what was asked for, and nothing else in the file changed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from faq.error import DocumentError
from faq.knowledge import read_folder
from faq.writing import read_tables, read_topics, with_question, with_similar, with_topics

SIMILAR = """# 谁写的
["a-1"]
question = "怎么登录"  # 原题
similar = [
    "登不上去",  # 常见
    # 下面是口语
    "进不去系统",
]

["a-2"]
question = "怎么注销"
similar = []
"""
TOPICS = """topics = [
    # 法规
    "几月截止",

    # 其他
    "罚多少",
]
"""
FILES = {
    "a.txt": "1、怎么登录\n答：点登录。\n".encode(),
    "a.similar.toml": SIMILAR.encode(),
    "uncovered.toml": TOPICS.encode(),
}
DOCUMENTS = {path.name: path.read_bytes() for path in (ROOT / "faq" / "documents").glob("*.toml")}
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(str.strip)


def lines(files: dict[str, bytes], name: str) -> list[str]:
    return files[name].decode().splitlines()


def test_what_is_added_stands_at_the_end_of_its_entry() -> None:
    """On a line of its own like the others; every other line stays, comments too."""
    written = with_similar(FILES, "a-1", "怎么登录", add=["密码错误"])
    added = [line for line in lines(written, "a.similar.toml") if line not in SIMILAR.splitlines()]
    assert added == ['    "密码错误",']
    assert read_tables(written)["a-1"] == ("怎么登录", ("登不上去", "进不去系统", "密码错误"))


def test_what_is_dropped_leaves_the_comments() -> None:
    """Only its own line goes."""
    written = with_similar(FILES, "a-1", "怎么登录", drop=["进不去系统"])
    assert read_tables(written)["a-1"][1] == ("登不上去",)
    assert "# 下面是口语" in written["a.similar.toml"].decode()
    assert "# 常见" in written["a.similar.toml"].decode()


def test_a_repeated_text_goes_wherever_it_stands() -> None:
    """In every file and as often as it is there."""
    other = b'["a-1"]\nquestion = "\xe6\x80\x8e"\nsimilar = ["x", "x", "y"]\n'
    written = with_similar({**FILES, "b.similar.toml": other}, "a-1", "怎么登录", drop=["x", "登不上去"])
    assert read_tables(written)["a-1"][1] == ("进不去系统", "y")


def test_an_entry_without_similar_questions_gets_a_table_in_its_systems_file() -> None:
    """With the question they are written for; a file that is missing is made."""
    written = with_similar(FILES, "a-3", '他说"进不去"', add=["甲", "乙"])
    assert written["a.similar.toml"].decode().startswith(SIMILAR)
    assert read_tables(written)["a-3"] == ('他说"进不去"', ("甲", "乙"))
    assert read_tables(with_similar({}, "b-1.2", "问", add=["甲"])) == {"b-1.2": ("问", ("甲",))}
    assert list(with_similar({}, "b-1.2", "问", add=["甲"])) == ["b.similar.toml"]


def test_a_question_is_rewritten_where_its_similar_questions_stand() -> None:
    """So that they count again."""
    written = with_question(FILES, "a-1", "如何登录")
    assert read_tables(written)["a-1"] == ("如何登录", ("登不上去", "进不去系统"))
    assert 'question = "如何登录"  # 原题' in written["a.similar.toml"].decode()


def test_topics_come_and_go_between_their_comments() -> None:
    """Also where there is no file yet; dropping from no file makes none."""
    written = with_topics(FILES, add=["天气"], drop=["几月截止"])
    assert read_topics(written) == ("罚多少", "天气")
    assert "# 法规" in written["uncovered.toml"].decode()
    assert read_topics(with_topics({}, add=["天气"])) == ("天气",)
    assert with_topics({}, drop=["天气"]) == {}


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """Some editors put one there."""
    marked = {"uncovered.toml": b"\xef\xbb\xbf" + TOPICS.encode()}
    assert read_topics(with_topics(marked, add=["天气"])) == ("几月截止", "罚多少", "天气")


def test_a_broken_file_is_named() -> None:
    """Nothing is written over it."""
    with pytest.raises(DocumentError, match=r"a\.similar\.toml"):
        with_similar({"a.similar.toml": b"[x"}, "a-1", "问", add=["甲"])


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["zyb-1.1", "whjy-1.1.1", "zyb-9.9", ""]), TEXTS), max_size=8))
def test_whatever_is_written_reads_back_as_sets_do(steps: list[tuple[bool, str, str]]) -> None:
    """Any text, any order: the files hold what a set would, and what nobody touched is as it was."""
    files = dict(DOCUMENTS)
    tables, topics = read_tables(files), dict.fromkeys(read_topics(files))
    wanted = {entry: dict.fromkeys(texts) for entry, (_, texts) in tables.items()} | {"": topics}
    for adds, entry, text in steps:
        changes = {"add": [text]} if adds else {"drop": [text]}
        files = with_similar(files, entry, "问", **changes) if entry else with_topics(files, **changes)  # type: ignore[arg-type]
        mine = wanted.setdefault(entry, {}) if adds or entry in wanted else {}
        mine[text] = None
        if not adds:
            mine.pop(text)
    found = {entry: dict.fromkeys(texts) for entry, (_, texts) in read_tables(files).items()}
    assert {**found, "": dict.fromkeys(read_topics(files))} == wanted
    for name in ("reasons.toml", "dossiers.toml", "catalog.toml"):
        assert files[name] == DOCUMENTS[name]


def test_the_projects_own_files_survive_a_round_trip(tmp_path: Path) -> None:
    """Added and dropped again, every byte is as it was, and they are read as before."""
    files = with_similar(DOCUMENTS, "zyb-1.1", "", add=["一个新问法"])
    files = with_topics(files, add=["一个新话题"])
    files = with_similar(files, "zyb-1.1", "", drop=["一个新问法"])
    assert with_topics(files, drop=["一个新话题"]) == DOCUMENTS
    for path in (ROOT / "faq" / "documents").glob("*.txt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        tomllib.loads(data.decode())
    assert len(read_folder(tmp_path).entries) == 34
