"""The draft as values: what changes make of the files, and where they conflict."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from test_bot_version import FILES

from bot.draft import (
    MOST_TEXT,
    MOST_TEXTS,
    Change,
    Ground,
    Kind,
    State,
    applied,
    check_place,
    check_there,
    checked,
    conflicts,
    planned,
)
from bot.version import BadChange, Event, Held, Missing, Version, phrases_of
from faq.writing import read_tables, read_topics

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUESTIONS = {"a-1": "怎么登录", "a-2": "怎么注销", "a-3": "怎么打印申报表"}
GROUND = Ground(QUESTIONS, phrases_of(FILES))


def change(number: int, kind: Kind, entry: str = "", text: str = "", tree: str = "") -> Change:
    return Change(number, kind, entry, text, "王老师", NOW, tree)


def told(*changes: Change, ground: Ground = GROUND) -> list[tuple[int, str]]:
    return [(conflict.change, conflict.entry_id) for conflict in conflicts(changes, ground)]


def test_changes_of_texts_reach_their_files() -> None:
    """Similar questions and topics, added and dropped; what is about an unknown entry is left out."""
    files = applied(
        FILES,
        [
            change(1, "add_similar", "a-1", "系统进不去"),
            change(2, "drop_similar", "a-2", "账号不要了"),
            change(3, "add_similar", "a-3", "打印不了"),
            change(4, "add_topic", "", "天气"),
            change(5, "drop_topic", "", "几月截止"),
            change(6, "add_similar", "a-9", "没有这个条目"),
        ],
        QUESTIONS,
    )
    assert read_tables(files) == {
        "a-1": ("怎么登录", ("登不上去", "系统进不去")),
        "a-2": ("怎么注销", ()),
        "a-3": ("怎么打印申报表", ("打印不了",)),
    }
    assert read_topics(files) == ("天气",)
    assert files["a.txt"] == FILES["a.txt"]


def test_keeping_similar_questions_writes_the_new_question_above_them() -> None:
    """Which is what counts them in again."""
    files = applied(FILES, [change(1, "keep_similar", "a-1")], {**QUESTIONS, "a-1": "如何登录"})
    assert read_tables(files)["a-1"] == ("如何登录", ("登不上去",))


@pytest.mark.parametrize(
    ("text", "kept"), [("  怎么\n 登录 ", "怎么 登录"), ("404", "404"), ("a" * MOST_TEXT, "a" * MOST_TEXT)]
)
def test_a_text_is_kept_on_one_line(text: str, kept: str) -> None:
    """Trimmed, as a question is."""
    assert checked(text) == kept


@pytest.mark.parametrize("text", ["", "  ", "？？", "a" * (MOST_TEXT + 1), "a\x00b", "a\ud800", "a\x1bb"])
def test_what_is_no_question_is_refused(text: str) -> None:
    """Nothing said, too much said, or no text at all."""
    with pytest.raises(BadChange):
        checked(text)


@pytest.mark.parametrize(
    ("text", "other"),
    [("账号不要了", "a-2"), ("账号不要了！", "a-2"), ("请问账号不要了", "a-2"), ("怎么注销", "a-2"), ("几月截止", "")],
)
def test_a_text_that_stands_elsewhere_is_a_conflict(text: str, other: str) -> None:
    """Under another entry, as its question, or among the topics; spelling, courtesy and marks aside."""
    assert told(change(1, "add_similar", "a-1", text)) == [(1, other)]


def test_a_topic_that_has_an_answer_is_a_conflict() -> None:
    """It cannot be covered and uncovered."""
    assert told(change(1, "add_topic", "", "登不上去")) == [(1, "a-1")]
    assert told(change(1, "add_topic", "", "几月截止？")) == [(1, "")]
    assert told(change(1, "add_topic", "", "天气怎么样")) == []


def test_moving_a_text_is_no_conflict() -> None:
    """Dropped there and added here, in whichever order."""
    there, here = change(1, "drop_similar", "a-2", "账号不要了"), change(2, "add_similar", "a-1", "账号不要了")
    assert told(there, here) == []
    assert told(dataclasses.replace(here, id=1), dataclasses.replace(there, id=2)) == []


def test_two_changes_that_contradict_each_other_are_both_named() -> None:
    """Whoever looks at either sees the other."""
    assert told(change(1, "add_similar", "a-1", "新问法"), change(2, "add_similar", "a-2", "新问法")) == [
        (1, "a-2"),
        (2, "a-1"),
    ]


def test_a_change_whose_ground_is_gone_is_a_conflict() -> None:
    """An entry, a text or a held-back question that the folder no longer has."""
    assert told(change(1, "add_similar", "a-9", "新问法")) == [(1, "")]
    assert told(change(1, "drop_similar", "a-1", "没有这句")) == [(1, "")]
    assert told(change(1, "keep_similar", "a-1")) == [(1, "")]
    held = {"a-1": Held("a-1", "怎么登陆", "怎么登录", ("登不上去",))}
    assert told(change(1, "keep_similar", "a-1"), ground=dataclasses.replace(GROUND, held=held)) == []


@pytest.mark.parametrize(
    ("kind", "entry", "texts", "error"),
    [
        ("add_similar", "", ["x"], BadChange),
        ("add_topic", "a-1", ["x"], BadChange),
        ("add_similar", "a-9", ["x"], Missing),
        ("add_similar", "a-1", [], BadChange),
        ("keep_similar", "a-1", [], BadChange),
        ("add_topic", "", [f"x{n}" for n in range(MOST_TEXTS + 1)], BadChange),
    ],
)
def test_a_change_without_a_place_is_refused(kind: Kind, entry: str, texts: list[str], error: type[Exception]) -> None:
    """Before anything is kept."""
    with pytest.raises(error):
        check_place(kind, entry, texts, GROUND)


def test_only_what_is_there_can_be_dropped() -> None:
    """Of the entry named."""
    check_there("drop_similar", "a-1", ["登不上去"], GROUND)
    check_there("add_similar", "a-1", ["什么都行"], GROUND)
    for kind, entry, text in (("drop_similar", "a-2", "登不上去"), ("drop_topic", "", "登不上去")):
        with pytest.raises(BadChange, match="登不上去"):
            check_there(kind, entry, [text], GROUND)  # type: ignore[arg-type]


def test_the_inverse_of_a_pending_change_takes_it_away() -> None:
    """And the same once more is no new change."""
    pending = [change(1, "add_similar", "a-1", "甲"), change(2, "drop_similar", "a-1", "乙")]
    assert planned("drop_similar", "a-1", ["甲"], "", pending) == ([pending[0]], [])
    assert planned("add_similar", "a-1", ["乙", "甲", "丙"], "", pending) == ([pending[1]], ["丙"])
    assert planned("drop_similar", "a-2", ["甲"], "", pending) == ([], ["甲"])


def test_of_several_states_of_the_folder_the_last_one_counts() -> None:
    """Taken twice as it is, nothing changes."""
    taken = change(1, "take_files", tree="t1")
    assert planned("take_files", "", [""], "t1", [taken]) == ([], [])
    assert planned("take_files", "", [""], "t2", [taken]) == ([taken], [""])


def test_a_fingerprint_names_the_changes_and_what_they_are_made_to() -> None:
    """Who made them, and when, does not matter."""
    version = Version(1, "文件", "", NOW, "t", "h")
    event = Event(1, NOW, "文件", "publish", 1, None, "t", "")
    state = State(event, version, (change(1, "add_similar", "a-1", "甲"),))
    same = State(event, version, (change(9, "add_similar", "a-1", "甲"),))
    assert state.fingerprint == same.fingerprint
    others = [
        State(event, version, ()),
        State(event, version, (change(1, "add_similar", "a-1", "乙"),)),
        State(event, version, (change(1, "add_similar", "a-2", "甲"),)),
        State(dataclasses.replace(event, id=2), version, state.changes),
    ]
    assert len({state.fingerprint, *(other.fingerprint for other in others)}) == 5
