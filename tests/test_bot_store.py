"""What every store must hold: what is said is kept whole, in order, and once. Here through the SQLite store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, timedelta, timezone
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import CONVERSATION, NOW, say, texts

from bot.model import Answer, Conversation, Escalation, Message, Option, Reply, Source
from bot.store.base import ConstraintError, Store, StoreError, Transaction
from bot.store.sqlite import SqliteStore

REPLY = Reply(
    "answer",
    "请联系所在地的卫健委。",
    0.93,
    answer=Answer("zyb-1.9", "账号被锁定", "请联系。\n1、电话", Source("zyb", "常见问题", "企业用户", "1.9")),
    options=(Option("zyb-1.1", "忘记密码"),),
    escalation=Escalation("unlock", "申请解锁", "waiting", 1001),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "bot.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store with one conversation, "c"."""
    with closing(SqliteStore(path)) as store:
        store.write(lambda transaction: transaction.add_conversation(CONVERSATION))
        yield store


def sequences(store: Store) -> list[int]:
    return [message.sequence for message in store.read(lambda transaction: transaction.messages("c"))]


# What is kept


def test_a_conversation_comes_back_as_it_was_added(store: Store) -> None:
    """Every field survives, times to the microsecond."""
    other = Conversation("d", "qq", "zyb", NOW, NOW + timedelta(microseconds=1))
    store.write(lambda t: t.add_conversation(other))
    assert store.read(lambda t: t.conversation("d")) == other


def test_a_conversation_that_does_not_exist_is_none(store: Store) -> None:
    """Asking for an unknown conversation is no error."""
    assert store.read(lambda t: t.conversation("nobody")) is None


def test_messages_come_back_as_they_were_added_and_in_order(store: Store) -> None:
    """A message read later equals the one that adding it returned, its whole reply included."""
    asked = store.write(say("账号被锁了\r\n\0😀", "0123456789abcdef"))
    answered = store.write(lambda t: t.add_message("c", "bot", REPLY.text, now=NOW, reply=REPLY, in_reply_to=asked))
    taken = store.write(lambda t: t.add_message("c", "agent", "您好", now=NOW))
    assert store.read(lambda t: t.messages("c")) == [asked, answered, taken]
    assert (answered.reply, asked.created_at, asked.client_message_id) == (REPLY, NOW, "0123456789abcdef")


def test_messages_can_be_read_from_a_sequence_number_on(store: Store) -> None:
    """Only what came after the given number is returned: what a reconnecting client has not seen."""
    for text in "abc":
        store.write(say(text))
    assert [m.text for m in store.read(lambda t: t.messages("c", after=1))] == ["b", "c"]


def test_each_conversation_counts_its_messages_from_one(store: Store) -> None:
    """Another conversation's messages do not move the count."""
    store.write(say("a"))
    store.write(lambda t: t.add_conversation(Conversation("d", "web", None, NOW, NOW)))
    assert store.write(lambda t: t.add_message("d", "visitor", "b", now=NOW)).sequence == 1


def test_times_are_kept_in_utc(store: Store) -> None:
    """A time of another zone comes back as the same moment in UTC."""
    beijing = NOW.astimezone(timezone(timedelta(hours=8)))
    added = store.write(lambda t: t.add_message("c", "visitor", "a", now=beijing))
    assert (added.created_at, added.created_at.tzinfo) == (NOW, UTC)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    """A naive time would be a guess, so it raises and nothing is kept."""
    with pytest.raises(ValueError, match="time zone"):
        store.write(lambda t: t.add_message("c", "visitor", "a", now=NOW.replace(tzinfo=None)))
    assert texts(store) == []


def test_a_conversation_learns_its_system(store: Store) -> None:
    """System and time of change are kept; what else differs is not."""
    later = NOW + timedelta(seconds=1)
    store.write(lambda t: t.update_conversation(Conversation("c", "qq", "whjy", later, later)))
    assert store.read(lambda t: t.conversation("c")) == Conversation("c", "web", "whjy", NOW, later)


def test_updating_an_unknown_conversation_is_an_error(store: Store) -> None:
    """Nothing is silently lost."""
    with pytest.raises(ConstraintError, match="nobody"):
        store.write(lambda t: t.update_conversation(Conversation("nobody", "web", None, NOW, NOW)))


def test_everything_is_there_after_reopening(store: SqliteStore, path: Path) -> None:
    """Closing and opening again loses nothing and adds nothing."""
    added = store.write(say("a"))
    store.close()
    with closing(SqliteStore(path)) as again:
        assert again.read(lambda t: t.messages("c")) == [added]


# Nothing twice


def test_a_lost_first_reply_is_found_by_the_message_that_opened_the_conversation(store: Store) -> None:
    """A visitor who never learned the conversation's id gets it again by the client's message id."""
    opened = Conversation("d", "web", None, NOW, NOW)
    store.write(lambda t: t.add_conversation(opened, "0123456789abcdef"))
    assert store.read(lambda t: t.opened_by("0123456789abcdef")) == opened
    assert store.read(lambda t: t.opened_by("fedcba9876543210")) is None


def test_one_message_opens_one_conversation(store: Store) -> None:
    """The same opening message cannot begin a second conversation."""
    store.write(lambda t: t.add_conversation(Conversation("d", "web", None, NOW, NOW), "0123456789abcdef"))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_conversation(Conversation("e", "web", None, NOW, NOW), "0123456789abcdef"))
    assert store.read(lambda t: t.conversation("e")) is None


def test_a_message_sent_again_is_found_with_its_reply(store: Store) -> None:
    """What was sent under a client's message id, and what the bot said to it, can both be found."""

    def turn(t: Transaction) -> tuple[Message, Message]:
        asked = t.add_message("c", "visitor", "a", now=NOW, client_message_id="0123456789abcdef")
        return asked, t.add_message("c", "bot", "b", now=NOW, reply=REPLY, in_reply_to=asked)

    asked, answered = store.write(turn)
    assert store.read(lambda t: t.visitor_message("c", "0123456789abcdef")) == asked
    assert store.read(lambda t: t.reply_to(asked)) == answered
    assert store.read(lambda t: (t.visitor_message("c", "other"), t.reply_to(answered))) == (None, None)


def test_a_client_message_id_counts_within_its_conversation(store: Store) -> None:
    """The same id is refused in the same conversation and free in another."""
    store.write(say("a", "0123456789abcdef"))
    with pytest.raises(ConstraintError):
        store.write(say("b", "0123456789abcdef"))
    store.write(lambda t: t.add_conversation(Conversation("d", "web", None, NOW, NOW)))
    store.write(lambda t: t.add_message("d", "visitor", "c", now=NOW, client_message_id="0123456789abcdef"))
    assert texts(store) == ["a"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda t: t.add_message("nobody", "visitor", "a", now=NOW), id="an unknown conversation"),
        pytest.param(lambda t: t.add_message("c", "stranger", "a", now=NOW), id="an unknown author"),
        pytest.param(lambda t: t.add_message("c", "visitor", "a", now=NOW, reply=REPLY), id="a visitor's reply"),
        pytest.param(lambda t: t.add_message("c", "bot", "a", now=NOW, client_message_id="x"), id="a bot's client id"),
        pytest.param(lambda t: t.open_ticket("nobody", "unlock", now=NOW), id="a ticket of no conversation"),
        pytest.param(lambda t: t.add_conversation(CONVERSATION), id="a conversation's id again"),
    ],
)
def test_what_the_schema_forbids_is_refused(store: Store, wrong: Callable[[Transaction], Any]) -> None:
    """A caller's mistake raises ConstraintError and leaves nothing behind."""
    with pytest.raises(ConstraintError):
        store.write(wrong)
    assert texts(store) == []


def test_the_bot_replies_to_a_message_once(store: Store) -> None:
    """A second reply to the same message is refused."""
    asked = store.write(say("a"))
    store.write(lambda t: t.add_message("c", "bot", "b", now=NOW, in_reply_to=asked))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_message("c", "bot", "b", now=NOW, in_reply_to=asked))
    assert texts(store) == ["a", "b"]


def test_a_reply_belongs_to_the_conversation_of_its_message(store: Store) -> None:
    """One conversation's reply cannot hang on another's message."""
    asked = store.write(say("a"))
    store.write(lambda t: t.add_conversation(Conversation("d", "web", None, NOW, NOW)))
    with pytest.raises(ConstraintError, match="不属于"):
        store.write(lambda t: t.add_message("d", "bot", "b", now=NOW, in_reply_to=asked))


# Tickets and secrets


def test_tickets_are_numbered_so_that_they_can_be_said_on_the_phone(store: Store) -> None:
    """Numbers are four digits from 1001 on, and a ticket comes back as it was opened."""
    opened = [
        store.write(lambda t, reason=reason: t.open_ticket("c", reason, now=NOW)) for reason in ("unlock", "human")
    ]
    assert [ticket.number for ticket in opened] == [1001, 1002]
    assert store.read(lambda t: t.tickets("c")) == opened


def test_a_reason_has_one_open_ticket(store: Store) -> None:
    """Asking again while it is open returns the same ticket, unchanged."""
    first = store.write(lambda t: t.open_ticket("c", "unlock", now=NOW))
    assert store.write(lambda t: t.open_ticket("c", "unlock", now=NOW + timedelta(hours=1))) == first


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_settled_ticket_does_not_stand_for_a_new_one(store: SqliteStore, status: str) -> None:
    """Once resolved or closed, the same reason gets a ticket with the next number."""
    store.write(lambda t: t.open_ticket("c", "unlock", now=NOW))
    store._submit(lambda t: t._db.table("ticket").update(1001, {"status": status})).result()
    assert store.write(lambda t: t.open_ticket("c", "unlock", now=NOW)).number == 1002


def test_a_secret_is_made_once_and_stays(store: SqliteStore, path: Path) -> None:
    """A name's secret is the same for ever, also after a restart; another name's is another."""
    token, session = store.write(lambda t: (t.secret("token"), t.secret("session")))
    assert (len(token), token == session) == (32, False)
    store.close()
    with closing(SqliteStore(path)) as again:
        assert again.read(lambda t: t.secret("token")) == token


def test_a_secret_is_not_made_while_reading(store: Store) -> None:
    """Reading a secret nobody made raises, for a reader cannot keep it."""
    with pytest.raises(StoreError, match="不可写入"):
        store.read(lambda t: t.secret("token"))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.sampled_from("cd"), st.sampled_from(["k1", "k2", "k3"])),
            st.tuples(st.just("fail"), st.sampled_from("cd"), st.sampled_from(["k1", "k2", "k3"])),
            st.tuples(st.just("open"), st.sampled_from("cd"), st.sampled_from(["unlock", "human"])),
            st.tuples(st.just("settle"), st.sampled_from("cd"), st.sampled_from(["unlock", "human"])),
        ),
        max_size=30,
    )
)
def test_whatever_happens_numbers_have_no_gaps_and_nothing_is_there_twice(events: list[tuple[str, str, str]]) -> None:
    """Any sequence of messages sent again, failed works, tickets opened and settled agrees with plain Python."""
    said: dict[str, list[str]] = {"c": [], "d": []}
    opened: dict[str, list[str]] = {"c": [], "d": []}
    settled: set[int] = set()
    numbers: dict[tuple[str, str], int] = {}
    next_number = count(1001)

    def send(t: Transaction, conversation: str, key: str) -> Message:
        return t.visitor_message(conversation, key) or t.add_message(
            conversation, "visitor", key, now=NOW, client_message_id=key
        )

    def fail(t: Transaction, conversation: str, key: str) -> None:
        send(t, conversation, key)
        t.open_ticket(conversation, key, now=NOW)
        raise LookupError(key)

    with tempfile.TemporaryDirectory() as folder, closing(SqliteStore(Path(folder) / "bot.db")) as store:
        for name in said:
            store.write(lambda t, name=name: t.add_conversation(Conversation(name, "web", None, NOW, NOW)))
        for event, name, what in events:
            if event == "say":
                if what not in said[name]:
                    said[name].append(what)
                sent = store.write(lambda t, name=name, what=what: send(t, name, what))
                assert sent.sequence == said[name].index(what) + 1
            elif event == "fail":
                with pytest.raises(LookupError):
                    store.write(lambda t, name=name, what=what: fail(t, name, what))
            elif event == "open":
                if (name, what) not in numbers:
                    numbers[name, what] = next(next_number)
                    opened[name].append(what)
                ticket = store.write(lambda t, name=name, what=what: t.open_ticket(name, what, now=NOW))
                assert ticket.number == numbers[name, what]
            elif (name, what) in numbers:
                number = numbers.pop((name, what))
                settled.add(number)
                store._submit(lambda t, n=number: t._db.table("ticket").update(n, {"status": "closed"})).result()
        for name, keys in said.items():
            messages, tickets = store.read(lambda t, name=name: (t.messages(name), t.tickets(name)))
            assert [(m.sequence, m.text) for m in messages] == list(enumerate(keys, start=1))
            assert [ticket.reason for ticket in tickets] == opened[name]
            assert {t.number for t in tickets if t.status == "closed"} == {t.number for t in tickets} & settled


# All or nothing, and many at once


def test_a_work_that_fails_leaves_nothing_and_its_error_reaches_its_caller(store: Store) -> None:
    """The caller sees the very exception its work raised, and nothing the work did is kept."""
    mine = LookupError("mine")

    def fail(t: Transaction) -> None:
        say("lost")(t)
        raise mine

    with pytest.raises(LookupError) as caught:
        store.write(fail)
    assert caught.value is mine
    assert texts(store) == []


def test_reading_sees_one_state_from_beginning_to_end(store: Store) -> None:
    """What is committed while a work reads does not appear in the middle of it."""

    def read_twice(t: Transaction) -> tuple[int, int]:
        before = len(t.messages("c"))
        store.write(say("a"))
        return before, len(t.messages("c"))

    assert store.read(read_twice) == (0, 0)
    assert texts(store) == ["a"]


def test_reading_cannot_write(store: Store) -> None:
    """A work that changes something in a read raises and changes nothing."""
    with pytest.raises(StoreError, match="不可写入"):
        store.read(say("a"))
    assert texts(store) == []


def test_the_error_of_a_reading_work_reaches_its_caller(store: Store) -> None:
    """It is the caller's own exception, and the next read works."""
    with pytest.raises(ZeroDivisionError):
        store.read(lambda _: 1 / 0)
    assert texts(store) == []


def test_a_work_that_writes_through_the_store_is_refused(store: Store) -> None:
    """It would wait for itself for ever; the writer survives and goes on."""
    with pytest.raises(RuntimeError, match="itself"):
        store.write(lambda _: store.write(say("a")))
    assert store.write(say("b")).sequence == 1


def test_many_threads_write_without_gaps_or_doubles(store: Store) -> None:
    """32 threads that write and read at once leave each message once, numbered without gaps."""
    together = Barrier(32)

    def work(thread: int) -> None:
        together.wait(10)
        for number in range(10):
            assert store.write(say(f"{thread}/{number}")).text in texts(store)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))
    assert sequences(store) == list(range(1, 321))
    assert sorted(texts(store)) == sorted(f"{thread}/{number}" for thread in range(32) for number in range(10))


# Readiness and the end


def test_check_passes_while_the_database_can_be_written(store: Store) -> None:
    """Checking again and again is no error and no message."""
    store.check()
    store.check()
    assert texts(store) == []


def test_a_closed_store_refuses_everything_but_closing(store: SqliteStore) -> None:
    """Reading, writing and checking raise; closing again does nothing."""
    store.read(lambda t: t.messages("c"))
    store.close()
    for call in (lambda: store.read(lambda t: t.messages("c")), lambda: store.write(say("a")), store.check):
        with pytest.raises(StoreError, match="已关闭"):
            call()
    store.close()


def test_a_reader_still_at_work_outlives_closing(store: SqliteStore) -> None:
    """Closing does not pull the connection away from under a work that reads."""

    def read_across_closing(t: Transaction) -> list[Message]:
        before = t.messages("c")
        store.close()
        return before + t.messages("c")

    added = store.write(say("a"))
    assert store.read(read_across_closing) == [added, added]
