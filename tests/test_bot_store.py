"""What every store must hold: what is said is kept whole, in order, and once. Here through the SQLite store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database
from stored import CONVERSATION, NOW, begin, collect, say, texts

from bot.model import (
    Answer,
    ApiKey,
    Canned,
    Conversation,
    Escalation,
    Feedback,
    Message,
    Option,
    Picture,
    Reply,
    Session,
    Source,
    Staff,
    Step,
    Ticket,
    TicketEvent,
    TicketStatus,
)
from bot.notify import Notice
from bot.store.base import ConstraintError, Store, StoreError, Transaction
from bot.store.sqlite import SqliteStore

REPLY = Reply(
    "answer",
    "请联系所在地的卫健委。",
    0.93,
    answer=Answer("zyb-1.9", "账号被锁定", "请联系。\n1、电话", Source("zyb", "常见问题", "企业用户", "1.9")),
    options=(Option("zyb-1.1", "忘记密码"),),
    escalation=Escalation("unlock", "申请解锁", "waiting", 1001),
    step=Step("phone", "手机号", "请提供手机号。", ("phone",), required=False, choices=("跳过",), left=1),
    note="密码已隐去。",
    question="账号被锁了",
)
QUOTED = Answer("zyb-1.1", "忘记密码", "请找回。", Source("zyb", "常见问题", "企业用户", "1.1"))
LATER = NOW + timedelta(hours=1)


PICTURE = Picture("p", "c", "image/png", 1234, 640, 480, NOW)
TICKET = Ticket(
    1001,
    "c",
    "unlock",
    "assigned",
    NOW,
    LATER,
    system="zyb",
    fields={"phone": "13800138000", "details": "锁了\n😀", "since": ""},
    asked="phone",
    tries=2,
    assignee="li",
    waiting_since=NOW + timedelta(microseconds=1),
    taken_at=NOW + timedelta(microseconds=2),
    ended_at=NOW + timedelta(microseconds=3),
    stars=5,
    comment="很快",
)
NOTICE = Notice("n", "ticket.waiting", 1001, "申请解锁", "zyb", "账号：138****8000", NOW)
LI = Staff("li", "小李", "agent", True, NOW)


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
    other = Conversation("d", "qq", "zyb", NOW, NOW + timedelta(microseconds=1), "企业用户", "li", 3, 2)
    store.write(lambda t: t.add_conversation(other))
    assert store.read(lambda t: t.conversation("d")) == other


def test_a_conversation_that_does_not_exist_is_none(store: Store) -> None:
    """Asking for an unknown conversation is no error."""
    assert store.read(lambda t: t.conversation("nobody")) is None


def test_messages_come_back_as_they_were_added_and_in_order(store: Store) -> None:
    """A message read later equals the one that adding it returned, its whole reply included."""
    asked = store.write(say("账号被锁了\r\n\0😀", "0123456789abcdef"))
    answered = store.write(lambda t: t.add_message("c", "bot", REPLY.text, now=NOW, reply=REPLY, in_reply_to=asked))
    shown = store.write(lambda t: t.add_message("c", "visitor", "", now=NOW, picture="p"))
    taken = store.write(
        lambda t: t.add_message(
            "c", "agent", "您好", now=NOW, client_message_id="k", agent="小李", answer=QUOTED, picture="q"
        )
    )
    told = store.write(lambda t: t.add_message("c", "bot", "已由客服小李接待", now=NOW))
    assert store.read(lambda t: t.messages("c")) == [asked, answered, shown, taken, told]
    assert (answered.reply, asked.created_at, asked.client_message_id) == (REPLY, NOW, "0123456789abcdef")
    assert (shown.picture, told.reply) == ("p", None)
    assert (taken.agent, taken.answer, taken.picture, taken.client_message_id) == ("小李", QUOTED, "q", "k")


def test_a_message_is_found_by_its_id(store: Store) -> None:
    """And None where there is none."""
    added = store.write(say("a"))
    assert store.read(lambda t: (t.message(added.id), t.message("nobody"))) == (added, None)


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, ["c"]), (2, ["b", "c"]), (9, ["a", "b", "c"])])
def test_the_last_messages_come_in_order(store: Store, count: int, expected: list[str]) -> None:
    """As many as asked for, or all there are; another conversation's are not among them."""
    for text in "abc":
        store.write(say(text))
    store.write(begin("d"))
    store.write(lambda t: t.add_message("d", "visitor", "x", now=NOW))
    assert [message.text for message in store.read(lambda t: t.last_messages("c", count))] == expected
    assert store.read(lambda t: t.last_messages("nobody", 3)) == []


def test_messages_can_be_read_from_a_sequence_number_on(store: Store) -> None:
    """Only what came after the given number is returned: what a reconnecting client has not seen."""
    for text in "abc":
        store.write(say(text))
    assert [m.text for m in store.read(lambda t: t.messages("c", after=1))] == ["b", "c"]


def test_each_conversation_counts_its_messages_from_one(store: Store) -> None:
    """Another conversation's messages do not move the count."""
    store.write(say("a"))
    store.write(begin("d"))
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


def test_a_conversation_changes(store: Store) -> None:
    """System, role, owner, read marks and time of change are kept; nothing else is, and no other conversation."""
    store.write(begin("d"))
    changed = Conversation("c", "qq", "whjy", LATER, LATER, "管理机构", "li", 7, 5)
    store.write(lambda t: t.update_conversation(changed))
    assert store.read(lambda t: t.conversation("c")) == replace(changed, channel="web", created_at=NOW)
    assert store.read(lambda t: t.conversation("d")) == Conversation("d", "web", None, NOW, NOW)


def test_a_conversation_forgets_what_it_knew(store: Store) -> None:
    """The owner goes, and system and role with a visitor who starts afresh."""
    store.write(lambda t: t.update_conversation(replace(CONVERSATION, system="zyb", audience="企业用户", owner="li")))
    store.write(lambda t: t.update_conversation(CONVERSATION))
    assert store.read(lambda t: t.conversation("c")) == CONVERSATION


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
    store.write(begin("d"))
    store.write(lambda t: t.add_message("d", "visitor", "c", now=NOW, client_message_id="0123456789abcdef"))
    assert texts(store) == ["a"]


def test_an_agents_message_is_sent_once(store: Store) -> None:
    """Its id counts within its conversation and apart from the visitor's ids."""
    key = "0123456789abcdef"
    store.write(say("a", key))
    send = lambda t: t.add_message("c", "agent", "b", now=NOW, client_message_id=key, agent="小李")  # noqa: E731
    sent = store.write(send)
    with pytest.raises(ConstraintError):
        store.write(send)
    assert store.read(lambda t: (t.agent_message("c", key), t.agent_message("c", "other"))) == (sent, None)
    assert store.read(lambda t: t.visitor_message("c", key).text) == "a"
    store.write(begin("d"))
    assert store.read(lambda t: t.agent_message("d", key)) is None
    store.write(lambda t: t.add_message("d", "agent", "b", now=NOW, client_message_id=key))
    assert texts(store) == ["a", "b"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda t: t.add_message("nobody", "visitor", "a", now=NOW), id="an unknown conversation"),
        pytest.param(lambda t: t.add_message("c", "stranger", "a", now=NOW), id="an unknown author"),
        pytest.param(lambda t: t.add_message("c", "visitor", "a", now=NOW, reply=REPLY), id="a visitor's reply"),
        pytest.param(lambda t: t.add_message("c", "bot", "a", now=NOW, client_message_id="x"), id="a bot's client id"),
        pytest.param(lambda t: t.add_message("c", "agent", "a", now=NOW, reply=REPLY), id="an agent's reply"),
        pytest.param(lambda t: t.add_message("c", "visitor", "a", now=NOW, agent="小李"), id="a visitor's agent"),
        pytest.param(lambda t: t.add_message("c", "bot", "a", now=NOW, agent="小李"), id="a bot's agent"),
        pytest.param(lambda t: t.add_message("c", "visitor", "a", now=NOW, answer=QUOTED), id="a visitor's answer"),
        pytest.param(lambda t: t.add_message("c", "bot", "a", now=NOW, answer=QUOTED), id="a bot's answer"),
        pytest.param(lambda t: t.add_message("c", "bot", "a", now=NOW, picture="p"), id="a bot's picture"),
        pytest.param(lambda t: t.add_picture(replace(PICTURE, conversation_id="x")), id="a picture of no conversation"),
        pytest.param(lambda t: t.rate_answer(Feedback("x", "c", True, "", NOW)), id="feedback on no message"),
        pytest.param(collect("unlock", "nobody"), id="a ticket of no conversation"),
        pytest.param(lambda t: t.update_ticket(TICKET), id="a ticket that is not there"),
        pytest.param(lambda t: t.add_event(TicketEvent(1001, NOW, "bot", "opened")), id="an event of no ticket"),
        pytest.param(lambda t: t.add_notice(NOTICE), id="a notice of no ticket"),
        pytest.param(lambda t: t.put_staff(LI), id="new staff without a password"),
        pytest.param(lambda t: t.put_staff(replace(LI, role="boss"), "hash"), id="an unknown role"),
        pytest.param(lambda t: t.add_session("token", Session("nobody", "csrf", NOW, NOW)), id="a login of nobody"),
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
    store.write(begin("d"))
    with pytest.raises(ConstraintError, match="不属于"):
        store.write(lambda t: t.add_message("d", "bot", "b", now=NOW, in_reply_to=asked))


# Pictures and feedback


def test_a_picture_comes_back_as_it_was_added(store: Store) -> None:
    """By its id and with its conversation, the oldest first; an id is taken once."""
    older = replace(PICTURE, id="z", created_at=NOW - timedelta(seconds=1))
    store.write(begin("d"))
    for picture in (PICTURE, older, replace(PICTURE, id="x", conversation_id="d")):
        store.write(lambda t, picture=picture: t.add_picture(picture))
    assert store.read(lambda t: (t.picture("p"), t.picture("nobody"))) == (PICTURE, None)
    assert store.read(lambda t: t.pictures("c")) == [older, PICTURE]
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_picture(PICTURE))


def test_the_last_word_on_an_answer_counts(store: Store) -> None:
    """What the visitor thought before is replaced; other answers' feedback stays; the oldest comes first."""
    first, second = (store.write(lambda t: t.add_message("c", "bot", "a", now=NOW)) for _ in range(2))
    liked = Feedback(second.id, "c", True, "", NOW)
    for feedback in (Feedback(first.id, "c", True, "", NOW), liked, Feedback(first.id, "c", False, "答非所问", LATER)):
        store.write(lambda t, feedback=feedback: t.rate_answer(feedback))
    assert store.read(lambda t: t.feedback("c")) == [liked, Feedback(first.id, "c", False, "答非所问", LATER)]
    assert store.read(lambda t: t.feedback("d")) == []


# Tickets


def test_tickets_are_numbered_so_that_they_can_be_said_on_the_phone(store: Store) -> None:
    """Numbers are four digits from 1001 on, and none is given twice, also where its conversation was deleted."""
    first = store.write(lambda t: t.add_ticket("c", "unlock", system="zyb", now=NOW))
    assert first == Ticket(1001, "c", "unlock", "collecting", NOW, NOW, system="zyb")
    store.write(lambda t: t.delete_conversation("c"))
    store.write(begin("d"))
    assert store.write(collect("unlock", "d")).number == 1002


def test_a_conversation_collects_for_one_ticket(store: Store) -> None:
    """A second form while one is being filled in is refused; in another conversation it is not."""
    first = store.write(collect("unlock"))
    with pytest.raises(ConstraintError):
        store.write(collect("human"))
    store.write(begin("d"))
    other = store.write(collect("human", "d"))
    assert store.read(lambda t: (t.tickets("c"), t.tickets("d"))) == ([first], [other])


@pytest.mark.parametrize("status", ["collecting", "waiting", "assigned"])
def test_a_reason_has_one_open_ticket(store: Store, status: TicketStatus) -> None:
    """While it is open, another for the same reason is refused, and one for another reason comes once none collects."""
    store.write(collect("unlock"))
    store.write(lambda t: t.update_ticket(replace(TICKET, status=status)))
    with pytest.raises(ConstraintError):
        store.write(collect("unlock"))
    if status != "collecting":
        assert store.write(collect("human")).number == 1002


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_settled_ticket_does_not_stand_for_a_new_one(store: Store, status: TicketStatus) -> None:
    """Once resolved or closed, the same reason gets a ticket with the next number; both are the conversation's."""
    store.write(collect("unlock"))
    settled = replace(TICKET, status=status)
    store.write(lambda t: t.update_ticket(settled))
    new = store.write(collect("unlock"))
    assert new.number == 1002
    assert store.read(lambda t: t.tickets("c")) == [settled, new]


def test_a_settled_ticket_is_not_reopened_beside_a_new_one(store: Store) -> None:
    """Two open ones for a reason do not come about through the back door either."""
    store.write(collect("unlock"))
    store.write(lambda t: t.update_ticket(replace(TICKET, status="closed")))
    store.write(collect("unlock"))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.update_ticket(replace(TICKET, status="waiting")))


def test_a_ticket_keeps_everything_that_can_change(store: Store) -> None:
    """Every field comes back, also emptied again; what it is for stays."""
    opened = store.write(collect("unlock"))
    other = replace(TICKET, conversation_id="x", reason="human", opened_at=LATER)
    store.write(lambda t: t.update_ticket(other))
    assert store.read(lambda t: t.ticket(1001)) == TICKET
    store.write(lambda t: t.update_ticket(opened))
    assert store.read(lambda t: (t.ticket(1001), t.ticket(1002))) == (opened, None)


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_a_rating_has_one_to_five_stars(store: Store, stars: int) -> None:
    """Anything else is refused."""
    store.write(collect("unlock"))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.update_ticket(replace(TICKET, stars=stars)))


def queue(store: Store, *waits: timedelta | None) -> list[Ticket]:
    """Tickets that wait since NOW and these, or collect where there is none, each in a conversation of its own."""

    def add(t: Transaction, number: int, wait: timedelta | None) -> Ticket:
        begin(f"w{number}")(t)
        ticket = collect("unlock", f"w{number}")(t)
        if wait is not None:
            ticket = replace(ticket, status="waiting", waiting_since=NOW + wait, updated_at=NOW + wait)
            t.update_ticket(ticket)
        return ticket

    return [store.write(lambda t, n=n, wait=wait: add(t, n, wait)) for n, wait in enumerate(waits)]


HOUR = timedelta(hours=1)


def test_tickets_in_a_state_come_as_they_wait(store: Store) -> None:
    """The longest wait first, then the older number; those that never waited come last; at most as many as wanted."""
    second, third, first, last = queue(store, 2 * HOUR, 2 * HOUR, HOUR, None)

    def found(*statuses: TicketStatus, limit: int = 500) -> list[Ticket]:
        return store.read(lambda t: t.tickets_in(statuses, limit))

    assert found("waiting") == [first, second, third]
    assert found("collecting", "waiting") == [first, second, third, last]
    assert found("waiting", limit=2) == [first, second]
    assert found("collecting") == [last]
    assert found("resolved") == found() == []
    assert store.read(lambda t: t.tickets_in({"waiting"}, 1)) == [first]


def test_tickets_that_rest_are_found(store: Store) -> None:
    """Those of the state that nothing happened to since before the moment, the longest at rest first."""
    late, early, at_the_moment, _ = queue(store, HOUR, timedelta(0), 2 * HOUR, None)
    moment = NOW + 2 * HOUR
    assert store.read(lambda t: t.tickets_resting("waiting", moment)) == [early, late]
    assert store.read(lambda t: t.tickets_resting("waiting", moment, 1)) == [early]
    assert store.read(lambda t: t.tickets_resting("waiting", moment + HOUR)) == [early, late, at_the_moment]
    assert store.read(lambda t: t.tickets_resting("assigned", moment)) == []


def test_a_waiting_ticket_has_its_place(store: Store) -> None:
    """From 1, as the queue shows them; those that do not wait do not count."""
    second, third, first, _ = queue(store, 2 * HOUR, 2 * HOUR, HOUR, None)
    assert [store.read(lambda t, one=one: t.position(one)) for one in (first, second, third)] == [1, 2, 3]
    store.write(lambda t: t.update_ticket(replace(first, status="assigned", assignee="li", taken_at=NOW)))
    assert [store.read(lambda t, one=one: t.position(one)) for one in (second, third)] == [1, 2]


def test_the_last_waits_are_told(store: Store) -> None:
    """Of tickets taken since the moment, the latest first; one that waits again counts with none."""
    tickets = queue(store, timedelta(0), timedelta(0), timedelta(0), 9 * HOUR, timedelta(0))
    for ticket, hours in zip(tickets, (2, 3, 1, 5), strict=False):
        taken = replace(ticket, status="assigned", taken_at=NOW + hours * HOUR)
        store.write(lambda t, taken=taken: t.update_ticket(taken))
    waits = [(NOW, NOW + hours * HOUR) for hours in (3, 2, 1)]
    assert store.read(lambda t: t.waits(NOW, 10)) == waits
    assert store.read(lambda t: t.waits(NOW + 2 * HOUR, 10)) == waits[:2]
    assert store.read(lambda t: t.waits(NOW, 1)) == waits[:1]
    assert store.read(lambda t: t.waits(NOW + 9 * HOUR, 10)) == []


def test_a_tickets_history_comes_in_order(store: Store) -> None:
    """As it was told, also where several things happened in the same moment."""
    store.write(collect("unlock"))
    store.write(begin("d"))
    store.write(collect("unlock", "d"))
    told = [TicketEvent(1001, NOW, who, what, note) for who, what, note in ("vox", "bar", "abc", "li ")]
    for event in (told[0], TicketEvent(1002, NOW, "bot", "opened"), *told[1:]):
        store.write(lambda t, event=event: t.add_event(event))
    assert store.read(lambda t: t.events(1001)) == told
    assert store.read(lambda t: t.events(1003)) == []


def test_a_notice_is_kept_until_it_is_deleted(store: Store) -> None:
    """The oldest first; deleting one again is no error."""
    store.write(collect("unlock"))
    older = replace(NOTICE, id="o", at=NOW - HOUR)
    store.write(lambda t: (t.add_notice(NOTICE), t.add_notice(older)))
    assert store.read(lambda t: t.notices()) == [older, NOTICE]
    for _ in range(2):
        store.write(lambda t: t.delete_notice("o"))
    assert store.read(lambda t: t.notices()) == [NOTICE]


# Forgetting


def test_conversations_at_rest_are_found(store: Store) -> None:
    """Those not touched since before the moment and without an open ticket, the longest at rest first."""
    for name, age in (("old", 9), ("older", 10), ("young", 0), ("open", 12), ("settled", 11)):
        at = NOW - timedelta(days=age)
        store.write(lambda t, name=name, at=at: t.add_conversation(Conversation(name, "web", None, at, at)))
    store.write(lambda t: t.delete_conversation("c"))
    for name, status in (("open", "waiting"), ("settled", "closed")):
        ticket = replace(store.write(collect("unlock", name)), status=status)
        store.write(lambda t, ticket=ticket: t.update_ticket(ticket))
    moment = NOW - timedelta(days=1)
    assert store.read(lambda t: t.idle_since(moment, 10)) == ["settled", "older", "old"]
    assert store.read(lambda t: t.idle_since(moment, 1)) == ["settled"]
    assert store.read(lambda t: t.idle_since(NOW - timedelta(days=9), 10)) == ["settled", "older"]


def fill(t: Transaction, name: str, reason: str) -> None:
    """Give a conversation one of everything that can hang on it."""
    asked = t.add_message(name, "visitor", "a", now=NOW, client_message_id="k")
    answered = t.add_message(name, "bot", "b", now=NOW, reply=REPLY, in_reply_to=asked)
    t.add_message(name, "agent", "c", now=NOW, client_message_id="k", agent="小李", answer=QUOTED)
    t.add_picture(replace(PICTURE, id=f"p{name}", conversation_id=name))
    t.rate_answer(Feedback(answered.id, name, True, "", NOW))
    ticket = t.add_ticket(name, reason, system="zyb", now=NOW)
    t.add_event(TicketEvent(ticket.number, NOW, "visitor", "opened"))
    t.add_notice(replace(NOTICE, id=f"n{name}", ticket=ticket.number))


def everything(t: Transaction, name: str) -> list[object]:
    """All that is kept of a conversation."""
    tickets = t.tickets(name)
    numbers = {ticket.number for ticket in tickets}
    return [
        *([t.conversation(name)] if t.conversation(name) else []),
        *t.messages(name),
        *t.pictures(name),
        *t.feedback(name),
        *tickets,
        *(event for number in numbers for event in t.events(number)),
        *(notice for notice in t.notices() if notice.ticket in numbers),
    ]


def test_a_deleted_conversation_is_gone_with_all_that_hangs_on_it(store: SqliteStore, path: Path) -> None:
    """And nothing else is: not a row more, in no table."""
    store.write(lambda t: fill(t, "c", "unlock"))
    before = rows_in(store, path)
    kept = store.read(lambda t: everything(t, "c"))
    assert len(kept) == 9
    store.write(begin("d"))
    store.write(lambda t: fill(t, "d", "human"))
    assert store.write(lambda t: t.delete_conversation("d")) is True
    assert store.write(lambda t: t.delete_conversation("d")) is False
    assert store.read(lambda t: (everything(t, "c"), everything(t, "d"))) == (kept, [])
    assert rows_in(store, path) == before


def rows_in(store: SqliteStore, path: Path) -> dict[str, int]:
    """The number of rows of every table."""
    store.check()
    with closing(Database(path)) as db:
        return {name: db.table(name).count for name in db.table_names() if not name.startswith("sqlite_")}


# Staff, logins, keys, canned replies


def test_staff_are_kept_with_their_passwords_hash(store: Store) -> None:
    """The hash is had only by asking for it; a change without one leaves it."""
    wang = Staff("wang", "小王", "admin", True, LATER)
    store.write(lambda t: (t.put_staff(wang, "hash of wang"), t.put_staff(LI, "hash of li")))
    assert store.read(lambda t: (t.staff("li"), t.staff("nobody"), t.all_staff())) == (LI, None, [LI, wang])
    left = replace(LI, display="李工", role="lead", active=False)
    store.write(lambda t: t.put_staff(left))
    assert store.read(lambda t: (t.staff("li"), t.password_hash("li"))) == (left, "hash of li")
    store.write(lambda t: t.put_staff(left, "new hash"))
    assert store.read(lambda t: [t.password_hash(name) for name in ("li", "wang", "nobody")]) == [
        "new hash",
        "hash of wang",
        None,
    ]


def test_a_login_is_kept_until_it_ends(store: Store) -> None:
    """Noting its use changes nothing else; ending one that is not there is no error."""
    store.write(lambda t: t.put_staff(LI, "hash"))
    session = Session("li", "csrf", NOW, NOW)
    store.write(lambda t: t.add_session("token", session))
    assert store.read(lambda t: (t.session("token"), t.session("other"))) == (session, None)
    store.write(lambda t: (t.touch_session("token", LATER), t.touch_session("other", LATER)))
    assert store.read(lambda t: t.session("token")) == replace(session, seen_at=LATER)
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_session("token", session))
    for _ in range(2):
        store.write(lambda t: t.end_session("token"))
    assert store.read(lambda t: t.session("token")) is None


def test_logins_end_together(store: Store) -> None:
    """All of a member's, or all that were not used for long; no others."""
    for name in ("li", "wang"):
        store.write(lambda t, name=name: t.put_staff(replace(LI, name=name), "hash"))
        for age in (0, 1, 2):
            seen = NOW - age * HOUR
            store.write(lambda t, n=name, a=age, s=seen: t.add_session(f"{n}{a}", Session(n, "csrf", NOW, s)))

    def left() -> list[str]:
        tokens = [f"{name}{age}" for name in ("li", "wang") for age in (0, 1, 2)]
        return store.read(lambda t: [token for token in tokens if t.session(token)])

    store.write(lambda t: t.end_sessions())
    assert len(left()) == 6
    store.write(lambda t: t.end_sessions(seen_before=NOW - HOUR))
    assert left() == ["li0", "li1", "wang0", "wang1"]
    store.write(lambda t: t.end_sessions(staff="li"))
    assert left() == ["wang0", "wang1"]


def test_a_key_is_found_by_its_hash(store: Store) -> None:
    """The oldest first; an id and a hash are taken once; deleted, it opens nothing."""
    old, new = ApiKey("k1", "网站", "agent", NOW), ApiKey("k2", "报表", "lead", LATER, used_at=LATER)
    store.write(lambda t: (t.add_api_key(new, "hash 2"), t.add_api_key(old, "hash 1")))
    assert store.read(lambda t: (t.api_key("hash 1"), t.api_key("other"), t.api_keys())) == (old, None, [old, new])
    store.write(lambda t: t.touch_api_key("k1", LATER))
    assert store.read(lambda t: t.api_key("hash 1")) == replace(old, used_at=LATER)
    for key, key_hash in ((old, "hash 3"), (replace(old, id="k3"), "hash 1")):
        with pytest.raises(ConstraintError):
            store.write(lambda t, key=key, key_hash=key_hash: t.add_api_key(key, key_hash))
    assert [store.write(lambda t: t.delete_api_key("k1")) for _ in range(2)] == [True, False]
    assert store.read(lambda t: (t.api_key("hash 1"), t.api_keys())) == (None, [new])


def test_canned_replies_come_by_title(store: Store) -> None:
    """Added, changed, deleted."""
    b, a = Canned("1", "b", "您好", NOW), Canned("2", "a", "再见", NOW)
    store.write(lambda t: (t.put_canned(b), t.put_canned(a)))
    assert store.read(lambda t: t.canned()) == [a, b]
    changed = Canned("1", "A 问候", "您好！", LATER)
    store.write(lambda t: t.put_canned(changed))
    assert store.read(lambda t: t.canned()) == [changed, a]
    assert [store.write(lambda t: t.delete_canned("1")) for _ in range(2)] == [True, False]
    assert store.read(lambda t: t.canned()) == [a]


# Secrets


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
    """Any sequence of messages sent again, failed works, tickets added and settled agrees with plain Python."""
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
        t.add_message(conversation, "agent", key, now=NOW)
        raise LookupError(key)

    def hand_in(t: Transaction, conversation: str, reason: str) -> Ticket:
        ticket = t.add_ticket(conversation, reason, system=None, now=NOW)
        t.update_ticket(replace(ticket, status="waiting", waiting_since=NOW))
        return ticket

    def settle(t: Transaction, number: int) -> None:
        ticket = t.ticket(number)
        assert ticket
        t.update_ticket(replace(ticket, status="closed", ended_at=NOW))

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
            elif event == "open" and (name, what) in numbers:
                with pytest.raises(ConstraintError):
                    store.write(lambda t, name=name, what=what: hand_in(t, name, what))
            elif event == "open":
                numbers[name, what] = next(next_number)
                opened[name].append(what)
                ticket = store.write(lambda t, name=name, what=what: hand_in(t, name, what))
                assert ticket.number == numbers[name, what]
            elif (name, what) in numbers:
                number = numbers.pop((name, what))
                settled.add(number)
                store.write(lambda t, number=number: settle(t, number))
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
