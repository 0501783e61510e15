"""How versions of the knowledge base differ, and how the folder's changes join staff's: pure, on files in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_case import CATALOG, DOCUMENT, SIMILAR, TOPICS

from bot.shelf import Shelf
from bot.version import (
    Difference,
    EntryChange,
    Held,
    PhraseChange,
    Text,
    difference,
    files_in,
    merged,
    phrases_of,
    tree_of,
    with_phrases,
)
from faq.knowledge import KnowledgeBase, read_folder

FILES = {
    "a.txt": DOCUMENT.encode(),
    "catalog.toml": CATALOG.encode(),
    "a.similar.toml": SIMILAR.encode(),
    "uncovered.toml": TOPICS.encode(),
}
POOL = [(entry, f"问法{number}") for entry in ("a-1", "a-2", "a-3", "") for number in range(3)]
SETS = st.sets(st.sampled_from(POOL))


def read(files: dict[str, bytes], folder: Path) -> KnowledgeBase:
    return Shelf(folder).read(files)


def holding(phrases: set[tuple[str, str]]) -> dict[str, bytes]:
    """Files that hold just these similar questions and topics."""
    bare = {"a.txt": DOCUMENT.encode(), "catalog.toml": CATALOG.encode()}
    questions = {"a-1": "怎么登录", "a-2": "怎么注销", "a-3": "怎么打印申报表"}
    return with_phrases(bare, [PhraseChange("add", *phrase) for phrase in sorted(phrases)], questions)


def held_in(files: dict[str, bytes]) -> set[tuple[str, str]]:
    return {(phrase.entry_id, phrase.text) for phrase in phrases_of(files)}


def test_a_tree_is_known_by_names_and_contents() -> None:
    """Whatever the order; a byte moved from one file to the next is another tree."""
    assert tree_of(FILES) == tree_of(dict(reversed(FILES.items())))
    assert tree_of({"a": b"bc", "d": b""}) != tree_of({"a": b"b", "d": b"c"}) != tree_of({"a": b"bc"})


def test_a_version_is_what_is_read_and_what_decides(tmp_path: Path) -> None:
    """Documents, similar questions, catalog, topics, reasons and dossiers; questions that measure it are no part."""
    for name in (*FILES, "reasons.toml", "dossiers.toml", "questions.jsonl", "b.md", "a.txt.bak", ".a.txt.part"):
        (tmp_path / name).write_bytes(FILES.get(name, b""))
    assert sorted(files_in(tmp_path)) == sorted([*FILES, "dossiers.toml", "reasons.toml"])
    (tmp_path / "b.txt").write_bytes(b"x")
    assert "b.txt" not in files_in(tmp_path / "a.txt")
    assert set(files_in(tmp_path / "a.txt")) == {*FILES, "dossiers.toml", "reasons.toml"}


def test_its_content_hash_is_that_of_the_folder(tmp_path: Path) -> None:
    """So that an index built from the folder serves the version too."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    assert read(FILES, tmp_path / "data").content_hash == read_folder(tmp_path).content_hash


def test_a_difference_tells_entries_phrases_and_files(tmp_path: Path) -> None:
    """Word for word before and after."""
    after = {
        **FILES,
        "a.txt": "1、怎么登录\n答：点登录按钮。\n2、怎么注销\n答：请联系管理员。\n".encode(),
        "b.txt": "1、怎么缴费\n答：到窗口。\n".encode(),
        "a.similar.toml": SIMILAR.replace("登不上去", "进不去").encode(),
        "uncovered.toml": b"topics = []\n",
    }
    assert difference(FILES, read(FILES, tmp_path), after, read(after, tmp_path)) == Difference(
        entries=(
            EntryChange("a-1", Text("怎么登录", "点登录。"), Text("怎么登录", "点登录按钮。")),
            EntryChange("a-3", Text("怎么打印申报表", "点打印。"), None),
            EntryChange("b-1", None, Text("怎么缴费", "到窗口。")),
        ),
        phrases=(
            PhraseChange("drop", "a-1", "登不上去"),
            PhraseChange("drop", "", "几月截止"),
            PhraseChange("add", "a-1", "进不去"),
        ),
        files=("a.similar.toml", "a.txt", "b.txt", "uncovered.toml"),
    )
    assert difference(FILES, read(FILES, tmp_path), FILES, read(FILES, tmp_path)).empty


def test_a_changed_question_holds_its_similar_questions_back(tmp_path: Path) -> None:
    """They may not fit any more."""
    after = {**FILES, "a.txt": DOCUMENT.replace("怎么登录", "怎么登录新系统").encode()}
    found = difference(FILES, read(FILES, tmp_path), after, read(after, tmp_path))
    assert found.held == (Held("a-1", "怎么登录", "怎么登录新系统", ("登不上去",)),)
    assert [change.entry_id for change in found.entries] == ["a-1"]


@settings(max_examples=60)
@given(SETS, SETS, SETS)
def test_similar_questions_and_topics_join_as_sets(
    base: set[tuple[str, str]], published: set[tuple[str, str]], disk: set[tuple[str, str]]
) -> None:
    """published ∪ (disk − base) − (base − disk), whatever was changed on either side."""
    joined = merged(holding(base), holding(published), holding(disk))
    assert held_in(joined) == (published | (disk - base)) - (base - disk)


@settings(max_examples=30)
@given(SETS, SETS)
def test_what_only_one_side_changed_is_that_sides(base: set[tuple[str, str]], other: set[tuple[str, str]]) -> None:
    """Nothing is asked of a side that did nothing."""
    assert held_in(merged(holding(base), holding(base), holding(other))) == other
    assert held_in(merged(holding(base), holding(other), holding(base))) == other


def test_everything_else_is_as_the_folder_has_it() -> None:
    """Documents, catalog, comments and order; what staff added comes behind."""
    published = with_phrases(FILES, [PhraseChange("add", "a-1", "系统进不去")], {"a-1": "怎么登录"})
    disk = {
        **FILES,
        "a.txt": DOCUMENT.replace("点登录。", "点右上角。").encode(),
        "a.similar.toml": SIMILAR.replace("# 说明", "# 新的说明").encode(),
        "reasons.toml": b"",
    }
    joined = merged(FILES, published, disk)
    assert joined["a.similar.toml"].decode().startswith("# 新的说明")
    assert ("a-1", "系统进不去") in held_in(joined)
    assert {name: joined[name] for name in ("a.txt", "catalog.toml", "reasons.toml", "uncovered.toml")} == {
        name: disk[name] for name in ("a.txt", "catalog.toml", "reasons.toml", "uncovered.toml")
    }


def test_what_staff_added_to_an_entry_that_is_gone_is_kept_but_not_used(tmp_path: Path) -> None:
    """Under the question it was written for, so that nothing is lost and a warning names it."""
    published = with_phrases(FILES, [PhraseChange("add", "a-3", "打印不了")], {"a-3": "怎么打印申报表"})
    disk = {**FILES, "a.txt": DOCUMENT.partition("3、")[0].encode()}
    joined = merged(FILES, published, disk)
    assert ("a-3", "打印不了") in held_in(joined)
    assert any("a-3" in warning for warning in read(joined, tmp_path).warnings)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.txt", "../a.txt", "a\\b.txt", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    """Whatever a database holds, files are written into their folder only."""
    with pytest.raises(Exception, match="不能使用"):
        Shelf(tmp_path).folder({name: b"x"})
    assert [path.name for path in tmp_path.iterdir()] == ["knowledge"]
    assert list((tmp_path / "knowledge").iterdir()) == []
