"""What time brings about: expiry, lapsed logins, deletion for good, and nobody swept away in the last moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stored import NOW

from bot import handoff, sweep
from bot.dossier import Dossier
from bot.handoff import Office
from bot.hours import Hours
from bot.live import Live
from bot.model import Conversation, Feedback, Picture, Reply, Session, Staff, Ticket, TicketEvent
from bot.picture import Picture as Drawn
from bot.picture import PictureFolder
from bot.store.base import StoreError, Transaction
from bot.store.sqlite import SqliteStore
from bot.sweep import Retention, Sweeper, Swept, expire, expired, outlived, purge
from bot.ticket import change

OFFICE = Office(Hours.read("always"), cold_after=timedelta(hours=2), expire_after=timedelta(days=30))
DAY = timedelta(days=1)
MONTH = Retention(30)
SECRET = "91330100MA27XYZ12K"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        yield store


@pytest.fixture
def pictures(tmp_path: Path) -> PictureFolder:
    return PictureFolder(tmp_path / "pictures")


def begin(store: SqliteStore, name: str, at: datetime = NOW, text: str = "你好") -> Conversation:
    """A conversation of one message and its reply."""
    conversation = Conversation(name, "web", None, at, at)

    def work(t: Transaction) -> None:
        t.add_conversation(conversation, f"{name}-client-message")
        asked = t.add_message(name, "visitor", text, now=at, client_message_id=f"{name}-client-message")
        t.add_message(name, "bot", "您好", now=at, reply=Reply("reject", "您好", 0.0), in_reply_to=asked)

    store.write(work)
    return conversation


def ask_for(
    store: SqliteStore, name: str, *statuses: str, at: datetime = NOW, reason: str = "unlock", staff: str = "wang"
) -> Ticket:
    """A ticket that went through these states, all at once."""

    def work(t: Transaction) -> Ticket:
        ticket = t.add_ticket(name, reason, system=None, now=at)
        for status in statuses:
            ticket = change(ticket, status, at, staff if status == "assigned" else None)  # type: ignore[arg-type]
        t.update_ticket(ticket)
        conversation = t.conversation(name)
        assert conversation
        if ticket.status == "assigned":
            t.update_conversation(replace(conversation, owner=staff))
        return ticket

    return store.write(work)


def show(store: SqliteStore, pictures: PictureFolder, name: str, picture_id: str, at: datetime = NOW) -> None:
    """A picture sent in a conversation, file and row."""
    pictures.keep(picture_id, Drawn(b"picture of " + name.encode(), "image/png", 1, 1))
    store.write(lambda t: t.add_picture(Picture(picture_id, name, "image/png", 10, 1, 1, at)))


def status_of(store: SqliteStore, ticket: Ticket) -> str:
    found = store.read(lambda t: t.ticket(ticket.number))
    assert found
    return found.status


def age(tmp_path: Path, seconds: float) -> None:
    for path in (tmp_path / "pictures").iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# What is over


@pytest.mark.parametrize(
    ("status", "ticket_rests", "conversation_rests", "owner", "over"),
    [
        ("collecting", timedelta(hours=2), timedelta(hours=2), None, True),
        ("collecting", timedelta(hours=1, minutes=59), timedelta(hours=9), None, False),
        ("collecting", timedelta(hours=9), timedelta(minutes=5), None, False),
        ("waiting", 30 * DAY, 30 * DAY, None, True),
        ("waiting", 29 * DAY, 29 * DAY, None, False),
        ("waiting", 40 * DAY, DAY, None, False),
        ("waiting", 40 * DAY, 40 * DAY, "wang", False),
        ("assigned", 400 * DAY, 400 * DAY, "wang", False),
        ("resolved", 400 * DAY, 400 * DAY, None, False),
        ("closed", 400 * DAY, 400 * DAY, None, False),
    ],
)
def test_a_ticket_is_over_when_it_and_its_conversation_rest_long_enough(
    status: Any, ticket_rests: timedelta, conversation_rests: timedelta, owner: str | None, over: bool
) -> None:
    """Whoever still talks, with the bot or with staff, loses nothing."""
    ticket = Ticket(1001, "c", "unlock", status, NOW, NOW - ticket_rests)
    conversation = Conversation("c", "web", None, NOW, NOW - conversation_rests, owner=owner)
    assert expired(ticket, conversation, OFFICE, NOW) is over


@pytest.mark.parametrize(
    ("status", "rests", "over"),
    [
        ("closed", 31 * DAY, True),
        ("closed", 30 * DAY, False),
        ("waiting", 99 * DAY, False),
        ("assigned", 99 * DAY, False),
    ],
)
def test_a_conversation_is_kept_while_it_is_young_or_a_ticket_is_open(
    status: Any, rests: timedelta, over: bool
) -> None:
    """Age alone does not delete what a person still has to do."""
    conversation = Conversation("c", "web", None, NOW, NOW - rests)
    ticket = Ticket(1001, "c", "unlock", status, NOW, NOW)
    assert outlived(conversation, [ticket], NOW - 30 * DAY) is over


@pytest.mark.parametrize("days", [0, -1])
def test_a_retention_of_less_than_a_day_is_refused(days: int) -> None:
    """Zero is not "for ever" and not "at once", but a mistake."""
    with pytest.raises(ValueError, match="a day at least"):
        Retention(days)


# Expiry


def test_a_form_left_alone_is_closed_without_a_word(store: SqliteStore) -> None:
    """Its history says that it expired; the visitor, who is gone, is told nothing."""
    begin(store, "c")
    ticket = ask_for(store, "c")
    swept = expire(store, OFFICE, NOW + timedelta(hours=2, seconds=1))
    assert swept == Swept(forms=1, touched=("c",))
    [event] = store.read(lambda t: t.events(ticket.number))
    assert (status_of(store, ticket), event.actor, event.kind) == ("closed", "bot", "expired")
    assert len(store.read(lambda t: t.messages("c"))) == 2


def test_a_ticket_that_waited_in_vain_is_closed_and_the_visitor_told(store: SqliteStore) -> None:
    """The message names the ticket; it moves the conversation, so that it is kept until it could be read."""
    begin(store, "c")
    ticket, now = ask_for(store, "c", "waiting"), NOW + 31 * DAY
    assert expire(store, OFFICE, now) == Swept(tickets=1, touched=("c",))
    last = store.read(lambda t: t.messages("c"))[-1]
    assert (last.author, last.reply) == ("bot", None)
    assert last.text == f"受理单 {ticket.number} 长时间没有进展，已自动关闭；如仍需处理，请直接在这里留言。"
    conversation = store.read(lambda t: t.conversation("c"))
    assert conversation
    assert conversation.updated_at == now
    assert purge_counts(store, now + 29 * DAY) == 0


def purge_counts(store: SqliteStore, now: datetime) -> int:
    return purge(store, PictureFolder(Path("nowhere")), MONTH, now).conversations


def test_all_tickets_of_a_conversation_expire_together(store: SqliteStore) -> None:
    """Telling of the first does not make the second look alive."""
    begin(store, "c")
    tickets = [ask_for(store, "c", "waiting", reason=reason) for reason in ("unlock", "appeal")]
    assert expire(store, OFFICE, NOW + 31 * DAY).tickets == 2
    assert [status_of(store, ticket) for ticket in tickets] == ["closed", "closed"]


def test_an_expired_ticket_is_reopened_by_a_message(store: SqliteStore) -> None:
    """The message says so, and it is so."""
    begin(store, "c")
    ask_for(store, "c", "waiting")
    now = NOW + 31 * DAY
    expire(store, OFFICE, now)

    def write(t: Transaction) -> Ticket | None:
        return handoff.reopen(t, t.tickets("c"), OFFICE, {"unlock": Dossier("申请解锁", "")}, "还没好", now + DAY)

    reopened = store.write(write)
    assert reopened
    assert reopened.status == "waiting"


def test_sweeping_again_does_nothing_more(store: SqliteStore, pictures: PictureFolder) -> None:
    """The second sweep finds nothing and changes nothing."""
    for name, statuses in (("c", ()), ("d", ("waiting",)), ("e", ("waiting", "closed"))):
        begin(store, name)
        ask_for(store, name, *statuses)
    now = NOW + 31 * DAY
    first = sweep.sweep(store, pictures, OFFICE, MONTH, now)
    assert (first.forms, first.tickets, first.conversations) == (1, 1, 2)  # "c" has no open ticket any more
    assert sweep.sweep(store, pictures, OFFICE, MONTH, now) == Swept()


def test_many_expire_in_small_transactions(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 50 conversations no transaction closes more than the batch."""
    for number in range(50):
        begin(store, f"c{number}")
        ask_for(store, f"c{number}")
    sizes: list[int] = []
    write = store.write

    def counted(work: Callable[[Transaction], Any]) -> Any:
        result = write(work)
        if isinstance(result, list):
            sizes.append(len(result))
        return result

    monkeypatch.setattr(store, "write", counted)
    assert expire(store, OFFICE, NOW + DAY).forms == 50
    assert sizes == [20, 20, 10]


def test_logins_not_used_for_long_lapse(store: SqliteStore) -> None:
    """The idle one goes, the other stays."""

    def add(t: Transaction) -> None:
        t.put_staff(Staff("wang", "小王", "agent", True, NOW), "hash")
        t.add_session("idle", Session("wang", "x", NOW, NOW))
        t.add_session("used", Session("wang", "x", NOW, NOW + timedelta(hours=5)))

    store.write(add)
    expire(store, OFFICE, NOW + timedelta(hours=12, seconds=1))
    assert store.read(lambda t: t.session("idle")) is None
    assert store.read(lambda t: t.session("used")) is not None


# Deletion for good


def everything(store: SqliteStore) -> str:
    """All values of all tables as text."""

    def dump(t: Any) -> str:
        tables = [row["name"] for row in t._db.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(repr(row) for table in tables for row in t._db.query(f"SELECT * FROM {table}"))  # noqa: S608

    return store.read(dump)


def fill(store: SqliteStore, pictures: PictureFolder, name: str) -> None:
    """A conversation with everything that can hang on one; its words name it."""
    begin(store, name, text=f"我是 {SECRET} {name}")
    ticket = ask_for(store, name, "waiting")
    show(store, pictures, name, f"picture-of-{name}-0000")

    def work(t: Transaction) -> None:
        t.update_ticket(replace(ticket, fields={"credit_code": f"{SECRET} {name}"}))
        t.add_event(TicketEvent(ticket.number, NOW, "wang", "note", f"{SECRET} {name}"))
        handoff.tell(t, ticket, Dossier("申请解锁", ""), "ticket.waiting", f"notice {name}", NOW)
        answered = t.messages(name)[1]
        t.rate_answer(Feedback(answered.id, name, False, f"{SECRET} {name}", NOW))
        t.update_ticket(change(replace(ticket, comment=name), "closed", NOW))

    store.write(work)


def test_what_was_kept_long_enough_leaves_nothing_behind(
    store: SqliteStore, pictures: PictureFolder, tmp_path: Path
) -> None:
    """No table, database file or picture still names the deleted conversation; another one is untouched."""
    fill(store, pictures, "gone-conversation")
    before = everything(store)
    fill(store, pictures, "kept-conversation")
    store.write(lambda t: t.update_conversation(replace(t.conversation("kept-conversation"), updated_at=NOW + DAY)))  # type: ignore[type-var]
    assert before.count("gone-conversation") >= 9
    store._submit(lambda t: t._db.execute("PRAGMA secure_delete = ON")).result()

    swept = purge(store, pictures, MONTH, NOW + 30 * DAY + timedelta(hours=1))
    assert swept == Swept(conversations=1, pictures=1, touched=("gone-conversation",))
    assert "gone-conversation" not in everything(store)
    assert everything(store).count("kept-conversation") >= 9
    assert pictures.read("picture-of-kept-conversation-0000") is not None
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["picture-of-kept-conversation-0000"]
    store.close()  # the last connection empties the write-ahead log
    bytes_left = b"".join(path.read_bytes() for path in tmp_path.glob("bot.db*"))
    assert b"gone-conversation" not in bytes_left
    assert b"kept-conversation" in bytes_left


def test_without_a_limit_all_is_kept(store: SqliteStore, pictures: PictureFolder) -> None:
    """None days: nothing is ever deleted."""
    begin(store, "c")
    assert purge(store, pictures, Retention(None), NOW + 9999 * DAY) == Swept()
    assert store.read(lambda t: t.conversation("c")) is not None


def test_a_conversation_with_an_open_ticket_stays(store: SqliteStore, pictures: PictureFolder) -> None:
    """However old it is."""
    begin(store, "c")
    ask_for(store, "c", "waiting", "assigned")
    assert purge(store, pictures, MONTH, NOW + 999 * DAY).conversations == 0


@pytest.mark.parametrize("event", ["a message", "a ticket"])
def test_a_visitor_who_comes_in_the_last_moment_is_not_swept_away(
    store: SqliteStore, pictures: PictureFolder, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """What happens between finding and deleting a conversation counts: it stays, the others go."""
    for name in ("c", "d"):
        begin(store, name)
    read, now = store.read, NOW + 31 * DAY

    def read_and_then(work: Callable[[Transaction], Any]) -> Any:
        found = read(work)
        if found == ["c", "d"]:
            if event == "a ticket":
                ask_for(store, "c", at=now)
            else:
                store.write(lambda t: t.add_message("c", "visitor", "还在吗", now=now))
                store.write(lambda t: t.update_conversation(Conversation("c", "web", None, NOW, now)))
        return found

    monkeypatch.setattr(store, "read", read_and_then)
    assert purge(store, pictures, MONTH, now).touched == ("d",)
    assert read(lambda t: t.conversation("c")) is not None


def test_many_are_deleted_in_small_transactions(store: SqliteStore, pictures: PictureFolder) -> None:
    """All of 45 go; `stop` leaves the rest after a batch."""
    for number in range(45):
        begin(store, f"c{number}")
    stops = iter([False, True, True])
    assert purge(store, pictures, MONTH, NOW + 31 * DAY, stop=lambda: next(stops)).conversations == 20
    assert purge(store, pictures, MONTH, NOW + 31 * DAY).conversations == 25


def test_files_without_a_row_go_after_an_hour_and_rows_without_a_file_stay(
    store: SqliteStore, pictures: PictureFolder, tmp_path: Path
) -> None:
    """A crash between file and row, or between row and file, is cleaned up; a young file may get its row yet."""
    begin(store, "c")
    show(store, pictures, "c", "picture-with-a-row")
    show(store, pictures, "c", "picture-without-file")
    pictures.delete("picture-without-file")
    pictures.keep("picture-without-row", Drawn(b"x", "image/png", 1, 1))
    (tmp_path / "pictures" / "picture-unfinished.part").write_bytes(b"x")
    assert purge(store, pictures, Retention(), NOW) == Swept()
    age(tmp_path, 3700)
    assert purge(store, pictures, Retention(), NOW) == Swept(orphans=2)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["picture-with-a-row"]
    assert len(store.read(lambda t: t.pictures("c"))) == 2


def test_a_file_that_cannot_be_deleted_is_found_again(
    store: SqliteStore, pictures: PictureFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are gone all the same, and the next sweep removes the file."""
    begin(store, "c")
    show(store, pictures, "c", "picture-of-a-conversation")
    delete = pictures.delete

    def fail(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pictures, "delete", fail)
    assert purge(store, pictures, MONTH, NOW + 31 * DAY) == Swept(conversations=1, touched=("c",))
    monkeypatch.setattr(pictures, "delete", delete)
    age(tmp_path, 3700)
    assert purge(store, pictures, MONTH, NOW + 31 * DAY) == Swept(orphans=1)


# Every minute


class Recorded(Live):
    """Keeps the topics that changed."""

    def __init__(self) -> None:
        super().__init__()
        self.topics: list[str] = []

    def changed(self, *topics: str) -> None:
        self.topics += topics


def test_the_sweeper_sweeps_at_its_start_and_tells_who_listens(store: SqliteStore, pictures: PictureFolder) -> None:
    """Open windows and the queue hear of an expired ticket; deleting waits for its hour."""
    begin(store, "c")
    ask_for(store, "c", "waiting")
    live, now, scrubbed = Recorded(), [NOW + 31 * DAY], list[datetime]()
    with closing(
        Sweeper(
            store,
            pictures,
            OFFICE,
            MONTH,
            live=live,
            scrub=lambda: scrubbed.append(now[0]),
            clock=lambda: now[0],
            every=0.01,
        )
    ):
        until(lambda: live.topics == ["c", "queue"])
        now[0] += timedelta(minutes=59)
        begin(store, "d", at=NOW)
        time.sleep(0.1)
        assert store.read(lambda t: t.conversation("d")) is not None
        now[0] += timedelta(minutes=1)
        until(lambda: len(scrubbed) == 2)
        assert store.read(lambda t: t.conversation("d")) is None


def test_the_sweeper_outlives_a_failing_store(
    store: SqliteStore, pictures: PictureFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in the log, and the next round does the work."""
    begin(store, "c")
    ticket = ask_for(store, "c")
    read, failing = store.read, threading.Event()

    def fail(work: Callable[[Transaction], Any]) -> Any:
        if not failing.is_set():
            raise StoreError("磁盘已满")
        return read(work)

    monkeypatch.setattr(store, "read", fail)
    with closing(Sweeper(store, pictures, OFFICE, MONTH, clock=lambda: NOW + DAY, every=0.01)):
        until(lambda: "磁盘已满" in caplog.text)
        failing.set()
        until(lambda: status_of(store, ticket) == "closed")


def test_closing_the_sweeper_is_prompt(store: SqliteStore, pictures: PictureFolder) -> None:
    """It does not wait for the minute to pass; closing again does nothing."""
    sweeper = Sweeper(store, pictures, OFFICE, MONTH, clock=lambda: NOW)
    before = time.monotonic()
    sweeper.close()
    sweeper.close()
    assert time.monotonic() - before < 4
    assert not sweeper._thread.is_alive()
