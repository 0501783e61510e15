"""A folder of documents becomes one knowledge base."""

from __future__ import annotations

from pathlib import Path

import pytest

from faq.error import DocumentError, FaqError
from faq.knowledge import read_entries, read_folder

CATALOG = '[[system]]\nkey = "a"\nname = "甲系统"\n[[system.audience]]\nname = "企业"\ncues = ["公司"]\n'
DOCUMENT = "一、企业\n1、忘记密码\n答：重置。\n二、其他\n1、闪退\n答：重装。\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "catalog.toml").write_text(CATALOG, encoding="utf-8")
    return tmp_path


def test_the_shipped_folder_is_read():
    """Both documents in name order; similar questions written for them all find their entry."""
    base = read_folder(Path(__file__).parents[1] / "faq" / "documents")
    assert [document.system for document in base.documents] == ["whjy", "zyb"]
    assert len(base.entries) == 34
    assert base.warnings == ()
    assert {entry.audience for entry in base.entries if entry.system == "zyb"} == {"企业用户", "管理机构"}


def test_entries_know_their_audience(folder):
    """The catalog's audience of the section's name, or none."""
    base = read_folder(folder)
    assert [(entry.id, entry.audience) for entry in base.entries] == [("a-1.1", "企业"), ("a-2.1", None)]
    assert base.documents[0].title == "甲系统"


def test_a_single_file_is_read_with_what_stands_beside_it(folder):
    """A path to one document reads that one only."""
    (folder / "b.txt").write_text(DOCUMENT, encoding="utf-8")
    assert [document.system for document in read_folder(folder / "a.txt").documents] == ["a"]


def test_similar_questions_are_attached(folder):
    """Where id and question agree."""
    (folder / "a.similar.toml").write_text(
        '["a-1.1"]\nquestion = "忘记密码"\nsimilar = ["密码忘了"]\n', encoding="utf-8"
    )
    base = read_folder(folder)
    entry = base.entry("a-1.1")
    assert entry is not None
    assert entry.similar == ("密码忘了",)
    assert base.warnings == ()


def test_similar_questions_of_another_question_are_held_back(folder):
    """An unknown id and a changed question are warned of and not attached."""
    text = '["a-9"]\nquestion = "x"\nsimilar = ["y"]\n["a-1.1"]\nquestion = "忘记账号"\nsimilar = ["账号忘了"]\n'
    (folder / "a.similar.toml").write_text(text, encoding="utf-8")
    base = read_folder(folder)
    assert all(entry.similar == () for entry in base.entries)
    assert ["a-9" in base.warnings[0], "忘记账号" in base.warnings[1]] == [True, True]


def test_uncovered_topics_are_read(folder):
    """A list of questions known to have no answer."""
    (folder / "uncovered.toml").write_text('topics = ["怎么退费"]\n', encoding="utf-8")
    assert read_folder(folder).uncovered == ("怎么退费",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uncovered.toml", "topics = 1"),
        ("uncovered.toml", "theme = []"),
        ("a.similar.toml", "x = 1"),
        ("a.similar.toml", '["a-1.1"]\nquestion = 1\nsimilar = []'),
        ("a.similar.toml", '["a-1.1"]\nquestion = "忘记密码"\nsimilar = "x"'),
        ("a.similar.toml", "x ="),
    ],
)
def test_a_wrong_file_is_named(folder, name, text):
    """Wrong types and wrong TOML are errors, with the file's name."""
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=name.replace(".", r"\.")):
        read_folder(folder)


def test_a_missing_or_empty_folder_is_an_error(tmp_path):
    """Each says what to do."""
    with pytest.raises(DocumentError, match="找不到"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(DocumentError, match=r"没有 \.txt"):
        read_folder(tmp_path)


def test_two_documents_with_one_id_are_an_error(folder):
    """The id must name one entry."""
    (folder / "A.txt").write_text(DOCUMENT, encoding="utf-8")
    with pytest.raises(DocumentError, match="已经出现"):
        read_folder(folder)


def test_the_content_hash_changes_with_every_file(folder):
    """Documents, catalog, similar questions and topics all count; the folder's place does not."""
    seen = {read_folder(folder).content_hash}
    (folder / "uncovered.toml").write_text('topics = ["x"]', encoding="utf-8")
    seen.add(read_folder(folder).content_hash)
    (folder / "catalog.toml").write_text(CATALOG + "\n", encoding="utf-8")
    seen.add(read_folder(folder).content_hash)
    (folder / "a.txt").rename(folder / "b.txt")
    seen.add(read_folder(folder).content_hash)
    assert len(seen) == 4
    assert read_folder(folder).content_hash in seen


def test_throw_away_entries_are_read(tmp_path):
    """JSONL rows with optional fields; the number is the id."""
    path = tmp_path / "e.jsonl"
    path.write_text(
        '{"id": "x", "question": "问"}\n\n{"id": "y", "question": "问", "similar": ["又问"], "system": "s"}\n', "utf-8"
    )
    first, second = read_entries(path).entries
    assert (first.number, first.answer, first.similar, first.system) == ("x", "", (), "")
    assert (second.similar, second.system) == (("又问",), "s")


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        "{}",
        '{"id": 1, "question": "x"}',
        '{"id": "a"}',
        '{"id": "a", "question": "x", "similar": "y"}',
        '{"id": "a", "question": "x", "answer": 1}',
        '{"id": "ok", "question": "x"}',
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path, row):
    """Line 2 is wrong, and said to be."""
    path = tmp_path / "e.jsonl"
    path.write_text('{"id": "ok", "question": "x"}\n' + row, encoding="utf-8")
    with pytest.raises(DocumentError, match="第 2 行"):
        read_entries(path)


def test_rows_that_cannot_be_read_at_all(tmp_path):
    """Missing, empty and damaged files."""
    path = tmp_path / "e.jsonl"
    for data in (None, b"", b"\xff"):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(FaqError):
            read_entries(path)


@pytest.mark.parametrize("field", ["id", "question", "answer", "similar", "system"])
def test_a_lone_surrogate_is_refused(tmp_path, field):
    """A character that is half of one would end the program where it is first written."""
    value = '["\\ud800"]' if field == "similar" else '"\\ud800"'
    row = ", ".join([f'"{name}": "x"' for name in ("id", "question") if name != field] + [f'"{field}": {value}'])
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "0", "question": "问\\ud83d\\ude00"}\n{' + row + "}\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"第 2 行：.*代理字符"):
        read_entries(path)
