"""What every store must hold of the knowledge base: versions whole, the history in order, the draft. Through SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database
from stored import CONVERSATION, NOW

from bot.draft import Change
from bot.model import Answer, Reply, Source, Step
from bot.store.base import ConstraintError, Store, Transaction
from bot.store.sqlite import SqliteStore
from bot.version import Asked, Event, Version

FILES = {"a.txt": "1、怎么登录\n".encode(), "b.toml": b"", "三.txt": bytes(range(256))}
ANSWER = Reply(
    "answer", "点登录。", 0.9, answer=Answer("a-1", "怎么登录", "点登录。", Source("a", "常见问题", "", "1"))
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = SqliteStore(tmp_path / "conversations.db")
    yield opened
    opened.close()


def test_files_come_back_as_they_were(store: Store) -> None:
    """Any name, any bytes; another set is another tree, the same set the same."""
    tree = store.write(lambda t: t.put_files(FILES))
    assert store.write(lambda t: t.put_files(dict(reversed(FILES.items())))) == tree
    other = store.write(lambda t: t.put_files({**FILES, "b.toml": b"x"}))
    assert store.read(lambda t: t.files(tree)) == FILES
    assert store.read(lambda t: t.files(other)) == {**FILES, "b.toml": b"x"}
    assert store.read(lambda t: t.files("nothing")) == {}


def test_versions_share_what_they_have_in_common(store: Store, tmp_path: Path) -> None:
    """A hundred versions of which each changes one file keep the others once."""
    for number in range(100):
        store.write(lambda t, n=number: t.put_files({**FILES, "b.toml": str(n).encode()}))  # type: ignore[misc]
    assert Database(tmp_path / "conversations.db").table("knowledge_blob").count == 102


def test_versions_are_numbered_from_one_and_listed_backwards(store: Store) -> None:
    """A page at a time."""

    def work(transaction: Transaction) -> list[Version]:
        tree = transaction.put_files(FILES)
        return [transaction.add_version("王老师", f"第{n}次", NOW, tree, "hash") for n in range(3)]

    made = store.write(work)
    assert [version.number for version in made] == [1, 2, 3]
    assert store.read(lambda t: t.versions(2)) == [made[2], made[1]]
    assert store.read(lambda t: t.versions(2, before=2)) == [made[0]]
    assert store.read(lambda t: t.version(2)) == made[1]
    assert store.read(lambda t: t.version(4)) is None
    assert made[0] == Version(1, "王老师", "第0次", NOW, made[0].tree, "hash")


def test_the_last_line_of_the_history_is_what_counts(store: Store) -> None:
    """Each knows what was published before it; a version's own last line can be asked for."""
    assert store.read(lambda t: t.last_knowledge_event()) is None

    def work(transaction: Transaction) -> list[Event]:
        for _ in range(2):
            transaction.add_version("", "", NOW, transaction.put_files(FILES), "hash")
        return [
            transaction.add_knowledge_event(kind, number, base, author="王老师", note="说明", at=NOW)  # type: ignore[arg-type]
            for kind, number, base in (
                ("publish", 1, "x"),
                ("publish", 2, "y"),
                ("export", 2, "z"),
                ("rollback", 1, "x"),
            )
        ]

    events = store.write(work)
    assert [(event.number, event.previous) for event in events] == [(1, None), (2, 1), (2, 2), (1, 2)]
    assert store.read(lambda t: t.last_knowledge_event()) == events[3]
    assert store.read(lambda t: t.last_knowledge_event(2)) == events[2]
    assert store.read(lambda t: t.knowledge_events(2)) == [events[3], events[2]]
    assert events[0] == Event(1, NOW, "王老师", "publish", 1, None, "x", "说明")


def test_a_line_about_a_version_that_is_not_there_is_refused(store: Store) -> None:
    """What is published is always a version."""
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_knowledge_event("publish", 9, "", author="", note="", at=NOW))


def test_changes_are_kept_in_order_and_never_numbered_twice(store: Store) -> None:
    """Two people who make the same change make one; whoever undoes what is gone is told."""
    store.write(lambda t: t.add_change("add_similar", "a-1", "甲", "王老师", NOW))
    store.write(lambda t: t.add_change("take_files", "", "", "李老师", NOW, "tree"))
    assert store.read(lambda t: t.changes()) == [
        Change(1, "add_similar", "a-1", "甲", "王老师", NOW),
        Change(2, "take_files", "", "", "李老师", NOW, "tree"),
    ]
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_change("add_similar", "a-1", "甲", "李老师", NOW))
    assert store.write(lambda t: t.delete_change(2))
    assert not store.write(lambda t: t.delete_change(2))
    store.write(lambda t: t.add_change("add_topic", "", "乙", "王老师", NOW))
    assert [change.id for change in store.read(lambda t: t.changes())] == [1, 3]


def test_only_files_that_nobody_needs_are_forgotten(store: Store) -> None:
    """Those of versions, of the history's folders and of the draft stay."""

    def work(transaction: Transaction) -> list[str]:
        trees = [transaction.put_files({"a.txt": str(n).encode(), "b.txt": b"shared"}) for n in range(4)]
        transaction.add_version("", "", NOW, trees[0], "hash")
        transaction.add_knowledge_event("publish", 1, trees[1], author="", note="", at=NOW)
        transaction.add_change("take_files", "", "", "王老师", NOW, trees[2])
        transaction.forget_files()
        return trees

    trees = store.write(work)
    kept = [store.read(lambda t, tree=tree: t.files(tree)) for tree in trees]  # type: ignore[misc]
    assert [bool(files) for files in kept] == [True, True, True, False]
    assert kept[0] == {"a.txt": b"0", "b.txt": b"shared"}


def test_visitors_questions_are_counted_by_text_and_system(store: Store) -> None:
    """What the bot decided on, the most frequent first; forms, small talk, agents and old times are left out."""

    def work(transaction: Transaction) -> None:
        transaction.add_conversation(CONVERSATION)

        def asked(text: str, reply: Reply, days: int = 0) -> None:
            now = NOW - timedelta(days=days)
            said = transaction.add_message("c", "visitor", text, now=now)
            transaction.add_message("c", "bot", "", now=now, reply=reply, in_reply_to=said)

        asked("怎么登录", ANSWER)
        asked("怎么缴费", Reply("reject", "", 0.1))
        asked("怎么缴费", Reply("clarify", "", 0.1))
        asked("很久以前", ANSWER, days=91)
        asked("13812345678", Reply("escalate", "", 1.0, step=Step("phone", "手机号", "")))
        asked("谢谢", Reply("talk", "", 1.0))
        transaction.add_message("c", "visitor", "在吗", now=NOW)
        transaction.add_message("c", "agent", "在", now=NOW, agent="王老师")

    store.write(work)
    found = store.read(lambda t: t.questions_asked(NOW - timedelta(days=90), 10))
    assert [(each.text, each.system, each.count) for each in found] == [("怎么缴费", None, 2), ("怎么登录", None, 1)]
    assert store.read(lambda t: t.message(found[0].message_id)).text == "怎么缴费"  # type: ignore[union-attr]
    assert store.read(lambda t: t.questions_asked(NOW - timedelta(days=90), 1)) == found[:1]
    assert isinstance(found[0], Asked)
