"""The SQLite store: on disk when it says so, whatever happens to the process, the disk or the file."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from sqlite_utils import Database
from stored import CONVERSATION, NOW, say, texts

from bot.model import Conversation, Message, Reply, Ticket
from bot.store.base import ConstraintError, Store, StoreError, Transaction
from bot.store.migration import migrations
from bot.store.sqlite import BATCH, READERS, SqliteStore

ROOT = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "bot.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store with one conversation, "c"."""
    with closing(SqliteStore(path)) as store:
        store.write(lambda transaction: transaction.add_conversation(CONVERSATION))
        yield store


@contextmanager
def held(store: SqliteStore) -> Iterator[None]:
    """Hold the writer within a commit of its own, so that whatever is submitted meanwhile waits for the next one."""
    entered, release = Event(), Event()

    def wait(_: Transaction) -> bool:
        entered.set()
        return release.wait(10)

    holding = store._submit(wait)
    assert entered.wait(10)
    try:
        yield
    finally:
        release.set()
    assert holding.result(10)


def count_commits(store: SqliteStore) -> list[str]:
    """Return a list that grows with every COMMIT the writer makes from now on."""
    commits: list[str] = []
    store._db.conn.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    return commits


# Readers


def test_as_many_read_at_once_as_there_are_connections_for(store: SqliteStore) -> None:
    """One more waits until one of them is done, and then reads on its connection."""
    inside, done = Barrier(READERS + 1), Event()

    def stay(_: Transaction) -> bool:
        inside.wait(10)
        return done.wait(10)

    with ThreadPoolExecutor(READERS + 1) as pool:
        staying = [pool.submit(store.read, stay) for _ in range(READERS)]
        inside.wait(10)
        late = pool.submit(texts, store)
        with pytest.raises(TimeoutError):
            late.result(0.2)
        done.set()
        assert all(one.result(10) for one in staying)
        assert late.result(10) == []
    assert len(store._idle) == READERS


# Commits


def test_a_failed_work_leaves_the_others_of_its_batch(store: SqliteStore) -> None:
    """Works committed together fail one by one."""

    def fail(t: Transaction) -> None:
        say("lost")(t)
        raise SystemExit("even this")

    commits = count_commits(store)
    with held(store):
        before, failed, after = store._submit(say("a")), store._submit(fail), store._submit(say("b"))
    with pytest.raises(SystemExit):
        failed.result()
    assert (before.result().sequence, after.result().sequence, texts(store)) == (1, 2, ["a", "b"])
    assert len(commits) == 2  # the holding work's own, and one for all three


def test_works_that_wait_are_committed_together(store: SqliteStore) -> None:
    """As many as fit a batch share one commit, the rest the next."""
    commits = count_commits(store)
    with held(store):
        done = [store._submit(say(str(number))) for number in range(BATCH + 10)]
    assert [work.result().sequence for work in done] == list(range(1, BATCH + 11))
    store.close()
    assert len(commits) == 3  # the holding work's own, a full batch, the rest


def test_when_the_commit_fails_every_caller_of_the_batch_learns_it(store: SqliteStore) -> None:
    """Nobody is told of a success that did not happen, and the store goes on."""

    def poison(t: Any) -> None:
        t._db.execute("PRAGMA defer_foreign_keys = ON")
        t.add_message("nobody", "visitor", "a", now=NOW)

    with held(store):
        callers = [store._submit(work) for work in (say("a"), poison, say("b"))]
    for caller in callers:
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            caller.result()
    assert texts(store) == []
    assert store.write(say("c")).sequence == 1


def test_a_full_disk_is_told_to_everyone_it_hits_and_passes(store: SqliteStore) -> None:
    """What was acknowledged is kept, what was not is gone, and with room again the store writes again."""
    [(pages,)] = store._db.execute("PRAGMA page_count").fetchall()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with held(store):
        callers = [store._submit(say(text)) for text in ("a", "b" * 100_000, "c")]
    errors = [caller.exception() for caller in callers]
    assert isinstance(errors[1], StoreError)
    assert "磁盘已满" in str(errors[1])
    kept = [caller.result().text for caller, error in zip(callers, errors, strict=True) if error is None]
    assert texts(store) == kept
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store.write(say("d" * 100_000)).sequence == len(kept) + 1


def test_when_sqlite_gives_up_the_transaction_every_caller_of_the_batch_learns_it(store: SqliteStore) -> None:
    """A failure that takes the works before it along is not hidden from them."""
    with held(store):
        callers = [store._submit(work) for work in (say("a"), lambda t: t._db.rollback() or 1 / 0, say("b"))]
    for caller in callers:
        with pytest.raises(StoreError):
            caller.result()
    assert texts(store) == []


def test_reading_sees_only_what_is_committed(store: SqliteStore) -> None:
    """A reader is not held up by the writer, and does not see its unfinished work."""
    added, release = Event(), Event()

    def slow(t: Transaction) -> bool:
        say("a")(t)
        added.set()
        return release.wait(10)

    writing = store._submit(slow)
    assert added.wait(10)
    assert texts(store) == []
    release.set()
    assert writing.result(10)
    assert texts(store) == ["a"]


# On disk


def test_a_commit_waits_for_the_disk(store: SqliteStore) -> None:
    """The journal is the write-ahead log, synchronous is FULL (2), and foreign keys hold."""
    settings = [
        store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
    ]
    assert settings == ["wal", 2, 1]


# Other processes

# What they run: it says "ready", and after a line on its input writes turns under load, each acknowledged on a line.
# A turn that an earlier run wrote without acknowledging it is found by its client message id, as the bot does.
WRITER = r"""
import os, sys, threading
from datetime import UTC, datetime
from pathlib import Path
from bot.model import Conversation, Reply
from bot.store.sqlite import SqliteStore

path, tag, amount, *starts = sys.argv[1:]

def turn(t, key):
    now = datetime.now(UTC)
    if t.conversation("c") is None:
        t.add_conversation(Conversation("c", "web", None, now, now))
    if (asked := t.visitor_message("c", key)) is None:
        asked = t.add_message("c", "visitor", key, now=now, client_message_id=key)
        t.add_message("c", "bot", key, now=now, reply=Reply("reject", key, 0.5), in_reply_to=asked)
    return t.reply_to(asked)

def work(thread, start):
    for number in range(start, int(amount)):
        key = f"{tag}-{thread}-{number}"
        assert store.write(lambda t: turn(t, key)).text == key
        os.write(1, f"{key}\n".encode())

print("ready", flush=True)
sys.stdin.readline()
store = SqliteStore(Path(path))
threads = [threading.Thread(target=work, args=(thread, int(start))) for thread, start in enumerate(starts)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
store.close()
"""


@contextmanager
def writer(path: Path, tag: str, amount: int, starts: list[int]) -> Iterator[subprocess.Popen[str]]:
    """Start another process that writes; it waits for a line on its standard input."""
    arguments = [sys.executable, "-c", WRITER, str(path), tag, str(amount), *map(str, starts)]
    with subprocess.Popen(arguments, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def assert_whole_turns(messages: list[Message]) -> None:
    """Assert that sequence numbers have no gaps, every turn is whole, and no turn is there twice."""
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
    asked, replied = messages[::2], messages[1::2]
    assert [message.text for message in asked] == [message.text for message in replied]
    assert len({message.text for message in asked}) == len(asked)


def test_two_processes_write_to_the_same_file(path: Path) -> None:
    """Processes that start together on a new file both make it, write to it, and lose nothing."""
    with writer(path, "a", 50, [0, 0]) as first, writer(path, "b", 50, [0, 0]) as second:
        go(first)
        go(second)
        acknowledged = [line for process in (first, second) for line in process.communicate(timeout=30)[0].split()]
        assert (first.returncode, second.returncode) == (0, 0)
    with closing(SqliteStore(path)) as store:
        messages = store.read(lambda t: t.messages("c"))
    assert_whole_turns(messages)
    assert sorted(message.text for message in messages[::2]) == sorted(acknowledged)
    assert len(acknowledged) == 200


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path) -> None:
    """Five times `kill -9` under load: what was acknowledged is there, whole and once, also when sent again."""
    acknowledged: list[str] = []
    starts = [0] * 4
    for _ in range(5):
        with writer(path, "a", 1_000_000, starts) as process:
            go(process)
            assert process.stdout
            for _ in range(random.randint(1, 150)):
                acknowledged.append(process.stdout.readline().strip())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()
        acknowledged += [line.strip() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        with closing(SqliteStore(path)) as store:
            messages = store.read(lambda t: t.messages("c"))
        assert_whole_turns(messages)
        assert set(acknowledged) <= {message.text for message in messages}
        starts = [sum(key.startswith(f"a-{thread}-") for key in set(acknowledged)) for thread in range(4)]


# The file


def test_the_database_is_for_its_user_only(store: SqliteStore, path: Path) -> None:
    """File, write-ahead log and new folder are closed to other users, for visitors' words are in them."""
    store.write(say("a"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (path.parent, *path.parent.iterdir())}
    assert modes == {"var": 0o700, "bot.db": 0o600, "bot.db-wal": 0o600, "bot.db-shm": 0o600}


def test_a_path_may_hold_any_characters(tmp_path: Path) -> None:
    """Characters that mean something in a URI are only characters."""
    path = tmp_path / "在线 咨询?mode=memory#%41" / "bot.db"
    with closing(SqliteStore(path)):
        assert path.stat().st_size > 0


def test_a_database_of_a_newer_program_is_refused_and_left_alone(store: SqliteStore, path: Path) -> None:
    """A migration we do not know means that we would misread what is there."""
    store.close()
    with closing(Database(path)) as db:
        db.table("_sqlite_migrations").insert({"migration_set": "bot", "name": "m999_future", "applied_at": ""})
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"bot\.db：由更新版本的程序写入（m999_future），请先升级本程序"):
        SqliteStore(path)
    assert path.read_bytes() == before


# What the program left behind when it knew the steps up to m005_readiness: no forms, no staff, no memory.
OLD_TIMES = [(NOW + timedelta(hours=hours)).isoformat(timespec="microseconds") for hours in range(3)]
OLD_REPLY = {
    "decision": "escalate",
    "text": "可以转人工。",
    "confidence": 0.5,
    "answer": None,
    "options": [],
    "escalation": {"reason": "human", "label": "转人工客服", "status": "waiting", "ticket": 1001},
    "related": [],
    "search": "hybrid",
}
OLD_TICKETS = [
    (1001, "c", "unlock", "waiting"),
    (1002, "c", "human", "resolved"),
    (1003, "c", "human", "closed"),
    (1004, "d", "human", "assigned"),
    (1005, "d", "unlock", "waiting"),
]


@pytest.fixture
def old(path: Path) -> Path:
    """The path of a database as m005 left it: two conversations, messages with replies, tickets in several states."""
    path.parent.mkdir()
    began, meanwhile, ended = OLD_TIMES
    with closing(Database(path)) as db:
        migrations.apply(db, stop_before="m006_memory")
        db.enable_wal()
        for name, system, opened_by in (("c", "zyb", "0123456789abcdef"), ("d", None, None)):
            db.execute(
                "INSERT INTO conversation VALUES (?, 'web', ?, ?, ?, ?)", (name, system, opened_by, began, ended)
            )
            for row in (
                (f"{name}1", name, 1, "visitor", "转人工", began, "0123456789abcdef", None, None),
                (f"{name}2", name, 2, "bot", "可以转人工。", began, None, json.dumps(OLD_REPLY), f"{name}1"),
                (f"{name}3", name, 3, "agent", "您好", meanwhile, None, None, None),
            ):
                db.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for ticket in OLD_TICKETS:
            db.execute("INSERT INTO ticket VALUES (?, ?, ?, ?, ?, ?)", (*ticket, meanwhile, ended))
        db.execute("INSERT INTO secret VALUES ('token', ?)", (b"s" * 32,))
        db.execute("INSERT INTO readiness VALUES (1, ?)", (ended,))
        db.conn.commit()
    return path


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, but for the migrations' own."""
    with closing(Database(path)) as db:
        names = [name for name in db.table_names() if "sqlite" not in name]
        return {name: [dict(row) for row in db.table(name).rows] for name in names}


def test_an_old_database_keeps_every_row(old: Path) -> None:
    """Every row and every column of before is as it was; migrating again changes nothing."""
    before = rows_of(old)
    assert {name: len(rows) for name, rows in before.items()} == {
        "conversation": 2,
        "message": 6,
        "ticket": 5,
        "secret": 1,
        "readiness": 1,
    }
    for _ in range(2):
        SqliteStore(old).close()
        after = rows_of(old)
        for name, rows in before.items():
            assert [{column: row[column] for column in rows[0]} for row in after[name]] == rows
        assert {name for name in after if after[name]} == set(before)


def test_what_an_old_program_wrote_is_read_as_it_was_meant(old: Path) -> None:
    """Conversations without a role and an owner, replies whole, tickets that waited since they were opened."""
    began, meanwhile, ended = map(datetime.fromisoformat, OLD_TIMES)
    with closing(SqliteStore(old)) as store:
        conversation = store.read(lambda t: t.conversation("c"))
        assert conversation == store.read(lambda t: t.opened_by("0123456789abcdef"))
        assert conversation == Conversation("c", "web", "zyb", began, ended)
        asked, answered, agent = store.read(lambda t: t.messages("c"))
        assert asked == Message("c1", "c", 1, "visitor", "转人工", began, "0123456789abcdef")
        assert answered == Message("c2", "c", 2, "bot", "可以转人工。", began, reply=Reply.from_dict(OLD_REPLY))
        assert answered == store.read(lambda t: t.reply_to(asked))
        assert agent == Message("c3", "c", 3, "agent", "您好", meanwhile)
        tickets = store.read(lambda t: [*t.tickets("c"), *t.tickets("d")])
        assert tickets == [
            Ticket(
                *ticket,
                opened_at=meanwhile,
                updated_at=ended,
                waiting_since=meanwhile,
                ended_at=ended if ticket[3] in ("resolved", "closed") else None,
            )
            for ticket in OLD_TICKETS
        ]
        assert store.read(lambda t: t.secret("token")) == b"s" * 32
        store.check()


def test_work_goes_on_where_an_old_program_stopped(old: Path) -> None:
    """The next message and the next ticket have the next numbers, the queue is as it was, and all can be deleted."""
    with closing(SqliteStore(old)) as store:
        assert store.write(say("在吗")).sequence == 4
        assert store.read(lambda t: [ticket.number for ticket in t.tickets_in(["waiting"])]) == [1001, 1005]
        assert store.write(lambda t: t.add_ticket("c", "human", system="zyb", now=NOW)).number == 1006
        with pytest.raises(ConstraintError):
            store.write(lambda t: t.add_ticket("d", "unlock", system=None, now=NOW))
        assert store.write(lambda t: t.delete_conversation("d"))
        assert store.read(lambda t: len(t.messages("c"))) == 4


def test_a_migration_that_fails_leaves_the_database_as_it_was(old: Path) -> None:
    """Two tickets that collect at once cannot be kept: it is refused whole, and the older program still reads it."""
    with closing(Database(old)) as db:
        db.execute("UPDATE ticket SET status = 'collecting' WHERE conversation_id = 'd'")
        db.conn.commit()
    before = rows_of(old)
    with pytest.raises(StoreError, match="UNIQUE"):
        SqliteStore(old)
    assert rows_of(old) == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A mistaken path must not put our tables into somebody else's file."""
    path = tmp_path / "other.db"
    with closing(Database(path)) as db:
        db.table("photo").insert({"id": 1})
    before = path.read_bytes()
    with pytest.raises(StoreError, match="属于其他程序"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Some other file, or one damaged from its first page, is not written to."""
    path = tmp_path / "bot.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="文件不是数据库"):
        SqliteStore(path)
    assert path.read_bytes() == b"not a database" * 1000


def test_a_damaged_database_is_refused(store: SqliteStore, path: Path) -> None:
    """A schema that cannot be read is told as damage."""
    store.close()
    content = bytearray(path.read_bytes())
    content[100:4000] = b"\xff" * 3900
    path.write_bytes(content)
    with pytest.raises(StoreError, match="已损坏"):
        SqliteStore(path)


@pytest.mark.parametrize("place", ["file/bot.db", "folder", "/proc/bot.db"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, place: str) -> None:
    """A file in place of a folder, a folder in place of the file, a file system that takes nothing."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="数据库"):
        SqliteStore(tmp_path / place)


# Readiness and the end


def test_check_and_write_fail_while_another_program_holds_the_database(path: Path) -> None:
    """After some patience the caller gets an error; once the database is free, everything works again."""
    with (
        closing(SqliteStore(path, patience=0.05)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="正被其他程序占用"):
            store.check()
        with pytest.raises(StoreError, match="正被其他程序占用"):
            store.write(lambda t: t.add_conversation(CONVERSATION))
        other.execute("ROLLBACK")
        store.check()
        store.write(lambda t: t.add_conversation(CONVERSATION))


def test_check_fails_when_the_file_is_gone(store: Store, path: Path) -> None:
    """What is written to a deleted file would be gone at the next start."""
    path.unlink()
    with pytest.raises(StoreError, match="已被删除"):
        store.check()


def test_closing_finishes_what_waits(store: SqliteStore) -> None:
    """Works accepted before closing are committed, and their callers get their results."""
    with ThreadPoolExecutor(1) as pool, held(store):
        done = [store._submit(say(str(number))) for number in range(5)]
        pool.submit(store.close)
    assert [work.result(0).sequence for work in done] == [1, 2, 3, 4, 5]
