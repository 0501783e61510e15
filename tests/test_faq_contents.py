"""A table of contents is an artefact: it announces sections and makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from faq.load import load

BODY = (
    "一、注册登录\n1、如何注册？\n答：点击注册。\n2、密码忘了？\n答：点击“忘记密码”。\n"
    "二、课程学习\n1、视频无法播放？\n答：更换浏览器。\n三、考试\n1、次数有限制吗？\n答：每人3次。\n"
)


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str):
        path = tmp_path / "demo.txt"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return read_text


@pytest.mark.parametrize(
    "contents",
    [
        "目录\n一、注册登录\n二、课程学习\n三、考试\n",
        "目  录\n一、注册登录\n二、课程学习\n三、考试\n",
        "【目录】\n\n一、注册登录 1\n二、课程学习 2\n三、考试 4\n",
        "目录\n一、注册登录……1\n二、课程学习……2\n三、考试……4\n",
        "一、注册登录........ 1\n二、课程学习........ 2\n三、考试 ········ 4\n",
        "目录\n一、注册登录\n1、如何注册？\n2、密码忘了？\n二、课程学习\n1、视频无法播放？\n三、考试\n1、次数有限制吗？\n",
        "一、注册登录\n二、课程学习\n三、考试\n",
        "目录\n一、注册登录\n1、如何注册？\n2、忘记密码？\n二、课程学习\n1、视频无法播放？\n三、考试\n",
    ],
)
def test_a_table_of_contents_makes_no_sections(read, contents):
    """With or without its title, page numbers and leader dots it is reported, and the sections below are read."""
    document, report = read("某某平台常见问题\n" + contents + BODY)
    assert [section.title for section in document.sections] == ["注册登录", "课程学习", "考试"]
    assert [entry.number for entry in document.entries] == ["1.1", "1.2", "2.1", "3.1"]
    dropped = [text for _, kind, text in report.kinds if kind == "artefact"]
    assert dropped == [line for line in contents.split("\n") if line]
    assert report.lost == ()


def test_a_list_that_does_not_stand_below_again_is_no_table_of_contents(read):
    """What is said nowhere else is kept, even under 目录."""
    _, report = read(
        "某某平台\n目录\n一、适用范围\n二、联系方式\n1、如何注册？\n答：点击注册。\n2、如何登录？\n答：登录。\n"
    )
    assert report.counts["artefact"] == 0
