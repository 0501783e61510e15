"""What may have been read wrongly is said, with its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from faq.knowledge import read_folder
from faq.load import load


@pytest.fixture
def warnings(tmp_path: Path):
    def read_text(text: str) -> tuple[str, ...]:
        path = tmp_path / "demo.txt"
        path.write_text(text, encoding="utf-8")
        return load(path)[1].warnings

    return read_text


def test_a_plain_document_raises_no_doubt(warnings):
    """Lists, sections and answer marks in their places are nothing to warn of."""
    first = "一、登录\n1、打不开？\n答：\n一、换浏览器\n二、重启\n2、闪退？\n答：重装。\n"
    assert warnings(first + "二、填报\n1、怎么保存？\n答：点击保存。\n") == ()


def test_a_question_without_answer_is_named(warnings):
    """An entry that would answer nothing is said."""
    found = warnings("一、登录\n1、打不开？\n答：换。\n2、提示404\n二、填报\n1、怎么保存？\n答：保存。\n")
    assert found == ("第 4 行「2、提示404」是一个问题，但下面没有回答，请补充。",)


def test_an_answer_mark_within_an_answer_is_named(warnings):
    """A second 答 means that a question was not seen."""
    found = warnings(
        "1、打不开？\n答：换。\n收不到短信怎么办\n答：重试。\n2、闪退？\n答：重装。\n3、卡顿？\n答：重启。\n"
    )
    assert len(found) == 1
    assert found[0].startswith("第 4 行「答：重试。」以“答”开头，却在第 1 行的问题的回答里")


def test_a_heading_within_an_answer_is_named(warnings):
    """A line that goes on the count of the headings means that a section was not seen."""
    found = warnings(
        "一、登录\n1、打不开？\n答：换。\n2、闪退？\n答：重装。\n二、填报须知，请先阅读以下说明。\n先登录。\n再填报。\n"
    )
    assert len(found) == 1
    assert found[0].startswith("第 6 行「二、填报须知，请先阅读以下说明。」像是一个标题，却在第 4 行的问题的回答里")


def test_an_answer_before_any_question_is_named(warnings):
    """答 in the head has lost its question."""
    found = warnings(
        "某某系统\n密码忘了怎么办\n答：重置。\n\n1、打不开？\n答：换。\n2、闪退？\n答：重装。\n3、卡顿？\n答：重启。\n"
    )
    assert found == ("第 3 行「答：重置。」以“答”开头，但上面没有它的问题，已作为说明保留，请核对编号。",)


def test_a_folder_tells_the_doubts_with_the_file_name(tmp_path):
    """read_folder hands on what a document's report warns of."""
    (tmp_path / "demo.txt").write_text("1、打不开？\n答：换。\n2、提示404\n", encoding="utf-8")
    assert read_folder(tmp_path).warnings == ("demo.txt：第 3 行「2、提示404」是一个问题，但下面没有回答，请补充。",)
