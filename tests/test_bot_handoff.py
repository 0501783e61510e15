"""Tickets opened, handed in, cancelled, reopened and released, on a real store; and what visitors may expect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from stored import CONVERSATION, NOW

from bot import handoff
from bot.dossier import Dossier, Field
from bot.escalation import Reason
from bot.form import CONSENT, SKIPPED, Form
from bot.handoff import Office
from bot.hours import Hours
from bot.model import Conversation, Ticket
from bot.store.sqlite import SqliteStore
from bot.ticket import IllegalChange, change

PHONE = Field("phone", "手机号", "请提供手机号码。", ("phone",))
DETAILS = Field("details", "情况说明", "请说明情况。", ("text",), heard=True)
SINCE = Field("since", "开始时间", "从什么时候开始的？", ("text",), required=False)
APPEAL = Reason("appeal", Dossier("申请申诉", "可以登记。", fields=(PHONE, DETAILS)))
FAULT = Reason("fault", Dossier("反馈故障", "可以登记。", fields=(DETAILS, SINCE, PHONE)))
DOSSIERS = {reason.name: reason.dossier for reason in (APPEAL, FAULT)}
ALWAYS = Office(Hours.read("always"))
WEEKDAYS = Office(Hours.read("周一至周五 09:00-17:00", calendar=False))
MONDAY = NOW + timedelta(days=1)
"""17:30 in Shanghai, half an hour too late."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "conversations.db")
    store.write(lambda t: t.add_conversation(CONVERSATION))
    yield store
    store.close()


def opened(store: SqliteStore, reason: Reason = APPEAL, heard: str | None = None, conversation: str = "c") -> Ticket:
    """A ticket that collects."""
    where = replace(CONVERSATION, id=conversation)
    return store.write(lambda t: handoff.open_ticket(t, where, reason, heard, "a", NOW))


def waiting(store: SqliteStore, number: int) -> Ticket:
    """A ticket that waits since `number` minutes after NOW, in a conversation of its own."""
    name = f"c-{number}"
    now = NOW + timedelta(minutes=number)
    store.write(lambda t: t.add_conversation(replace(CONVERSATION, id=name)))
    ticket = opened(store, conversation=name)
    return store.write(lambda t: handoff.hand_in(t, ticket, APPEAL.dossier, now))


def taken(store: SqliteStore, ticket: Ticket, after: timedelta) -> Ticket:
    """The ticket, taken so long after it was handed in."""
    assert ticket.waiting_since is not None
    assigned = change(ticket, "assigned", ticket.waiting_since + after, "wang")
    store.write(lambda t: t.update_ticket(assigned))
    return assigned


def outlook(store: SqliteStore, ticket: Ticket, office: Office = ALWAYS, after: timedelta = timedelta(hours=1)) -> str:
    return store.read(lambda t: handoff.outlook(t, ticket, office, NOW + after))


def history(store: SqliteStore, ticket: Ticket) -> list[tuple[str, str, str]]:
    return [(event.actor, event.kind, event.detail) for event in store.read(lambda t: t.events(ticket.number))]


def test_the_first_in_the_queue_is_told_so(store: SqliteStore) -> None:
    """Without a promise how long it takes, as long as nobody knows."""
    assert outlook(store, waiting(store, 1)) == "您排在第一位，工作人员接待时会在本窗口回复您。"


def test_who_waits_is_told_how_many_come_before(store: SqliteStore) -> None:
    """By the time of handing in; tickets taken or not handed in do not count."""
    first, *_, last = [waiting(store, number) for number in range(4)]
    opened(store)
    assert outlook(store, last).startswith("您前面还有 3 位，")
    taken(store, first, timedelta(minutes=9))
    assert outlook(store, last).startswith("您前面还有 2 位，")


def test_five_waits_make_an_expectation(store: SqliteStore) -> None:
    """Told as such; four do not."""
    *early, late = [waiting(store, number) for number in (0, 20, 40, 60, 80)]
    for ticket in early:
        taken(store, ticket, timedelta(minutes=12))
    last = waiting(store, 100)
    assert "预计" not in outlook(store, last, after=timedelta(minutes=100))
    taken(store, late, timedelta(minutes=12))
    told = outlook(store, last, after=timedelta(minutes=100))
    assert told == "您排在第一位，按最近的情况预计等待约 12 分钟，工作人员接待时会在本窗口回复您。"
    assert "预计等待约 8 分钟" in outlook(store, last, after=timedelta(minutes=104, seconds=20))


def test_a_long_queue_and_a_short_wait_are_not_promised_together(store: SqliteStore) -> None:
    """31 before, after five that waited a minute each: half an hour, and not a minute."""
    for number in range(0, 50, 10):
        taken(store, waiting(store, number), timedelta(minutes=1))
    *_, last = [waiting(store, 60 + number) for number in range(32)]
    told = outlook(store, last, after=timedelta(minutes=91))
    assert told.startswith("您前面还有 31 位，按最近的情况预计等待约 31 分钟，")


def test_a_wait_that_reaches_beyond_closing_time_counts_working_time(store: SqliteStore) -> None:
    """And says so; with hours without end there is nothing to say."""
    for number in range(1000, 1100, 20):  # Monday from 10:10
        taken(store, waiting(store, number), timedelta(minutes=15))
    *_, last = [waiting(store, 1360 + number) for number in range(11)]
    after = timedelta(minutes=1380)  # 16:30, the last half hour
    assert "您前面还有 10 位，按最近的情况预计等待约 2.5 小时，" in outlook(store, last, after=after)
    assert "预计等待约 2.5 小时（按工作时间计算），" in outlook(store, last, WEEKDAYS, after)


def test_over_a_day_no_figure_is_told(store: SqliteStore) -> None:
    """It would be made up."""
    for number in range(5):
        taken(store, waiting(store, number), timedelta(days=1, minutes=2))
    assert "预计等待一天以上，" in outlook(store, waiting(store, 9), after=timedelta(minutes=9))


def test_old_waits_say_nothing(store: SqliteStore) -> None:
    """How long people waited last week is forgotten."""
    for number in range(5):
        taken(store, waiting(store, number), timedelta(minutes=12))
    assert "预计" not in outlook(store, waiting(store, 9), after=timedelta(days=8))


def test_out_of_hours_the_visitor_hears_when_staff_come(store: SqliteStore) -> None:
    """And the hours, but neither a place nor a wait."""
    told = outlook(store, waiting(store, 1), WEEKDAYS, MONDAY - NOW)
    assert "周一至周五 9:00–17:00" in told
    assert "明天 9:00" in told
    assert "同一浏览器" in told
    assert "第一位" not in told
    assert "1 位" in outlook(store, waiting(store, 2), WEEKDAYS, MONDAY - NOW - timedelta(hours=2))


@pytest.mark.parametrize("hours", [Hours.read("never"), Hours.read("always", holidays="2026-03-01..2026-12-31")])
def test_where_nobody_comes_no_moment_is_promised(store: SqliteStore, hours: Hours) -> None:
    """Neither an hour nor that there is one; it is registered, and the visitor knows where an answer would be."""
    told = outlook(store, waiting(store, 1), Office(hours))
    assert told == (
        "目前没有人工值守，工作人员看到后会处理。您可以先离开，之后请用这台设备的同一浏览器回到本页面查看回复。"
        "也可以留下您的联系电话，方便工作人员联系您。"
    )


def test_what_is_worked_on_is_told_as_such(store: SqliteStore) -> None:
    """At any hour."""
    assert outlook(store, taken(store, waiting(store, 1), timedelta(0)), WEEKDAYS) == "工作人员正在处理。"


def test_a_ticket_opens_empty_and_asks_for_consent(store: SqliteStore) -> None:
    """What was heard before is for later, and its history begins."""
    ticket = opened(store, heard="登录不了")
    assert store.read(lambda t: t.ticket(ticket.number)) == ticket
    assert (ticket.status, ticket.fields, ticket.asked, ticket.system) == (
        "collecting",
        {},
        CONSENT,
        "a",
    )
    assert history(store, ticket) == [("visitor", "opened", "申请申诉")]


def test_another_reason_cancels_the_form_and_takes_its_values_over(store: SqliteStore) -> None:
    """Those that it asks for itself; what the other was about stays behind."""
    first = opened(store, FAULT, heard="白屏")
    filled = handoff.with_form(first, Form({"details": "白屏", "since": "昨天", "phone": "13812345678"}, "phone"), NOW)
    store.write(lambda t: t.update_ticket(filled))
    second = opened(store, APPEAL, heard="申诉不通过")
    assert second.fields == {"phone": "13812345678"}
    cancelled = store.read(lambda t: t.ticket(first.number))
    assert cancelled is not None
    assert cancelled.status == "closed"
    assert history(store, first)[-1] == ("visitor", "cancelled", "改办其他事项")


def test_what_was_skipped_is_not_taken_over(store: SqliteStore) -> None:
    """Another matter may need it."""
    first = opened(store, FAULT)
    skipped = handoff.with_form(first, Form({"details": "白屏", "phone": SKIPPED}, "since"), NOW)
    store.write(lambda t: t.update_ticket(skipped))
    assert "phone" not in opened(store, APPEAL).fields


def test_handing_in_leaves_a_line_and_a_masked_notice(store: SqliteStore) -> None:
    """Staff hear of it at once, without personal data."""
    filled = handoff.with_form(opened(store), Form({"phone": "13812345678", "details": "打 13987654321"}, None), NOW)
    ticket = store.write(lambda t: handoff.hand_in(t, filled, APPEAL.dossier, NOW))
    assert (ticket.status, ticket.waiting_since, ticket.asked) == ("waiting", NOW, None)
    assert ticket.fields["phone"] == "13812345678"
    assert history(store, ticket)[-1] == ("visitor", "handed_in", "")
    [notice] = store.read(lambda t: t.notices())
    assert (notice.kind, notice.ticket, notice.label, notice.system) == (
        "ticket.waiting",
        ticket.number,
        "申请申诉",
        "a",
    )
    assert notice.text == "手机号：138****5678\n情况说明：打 139****4321"


def test_handing_in_too_early_says_what_is_missing(store: SqliteStore) -> None:
    """Skipped or never asked; what is optional is not missed."""
    filled = handoff.with_form(opened(store, FAULT), Form({"details": SKIPPED}, "since"), NOW)
    ticket = store.write(lambda t: handoff.hand_in(t, filled, FAULT.dossier, NOW))
    assert history(store, ticket)[-1] == ("visitor", "handed_in", "未提供：情况说明、手机号")


def test_nothing_is_handed_in_twice(store: SqliteStore) -> None:
    """The second time is refused, and no notice goes out."""
    ticket = waiting(store, 1)
    with pytest.raises(IllegalChange):
        store.write(lambda t: handoff.hand_in(t, ticket, APPEAL.dossier, NOW))
    assert len(store.read(lambda t: t.notices())) == 1


def ended(store: SqliteStore, ticket: Ticket, at: timedelta = timedelta(0)) -> Ticket:
    return store.write(lambda t: handoff.end(t, ticket, "closed", "wang", NOW + at))


def reopen(store: SqliteStore, after: timedelta, conversation: str = "c-1") -> Ticket | None:
    return store.write(
        lambda t: handoff.reopen(t, t.tickets(conversation), ALWAYS, DOSSIERS, "打 13812345678", NOW + after)
    )


def test_a_message_soon_after_the_end_reopens_the_ticket(store: SqliteStore) -> None:
    """It waits from that moment on; staff hear of it, with the message masked."""
    ended(store, waiting(store, 1))
    ticket = reopen(store, timedelta(days=3))
    assert ticket is not None
    assert (ticket.status, ticket.waiting_since, ticket.ended_at) == ("waiting", NOW + timedelta(days=3), None)
    assert history(store, ticket)[-1] == ("visitor", "reopened", "")
    notice = store.read(lambda t: t.notices())[-1]
    assert (notice.kind, notice.text) == ("ticket.reopened", "打 138****5678")


def test_long_after_the_end_nothing_is_reopened(store: SqliteStore) -> None:
    """The window is shut a moment later."""
    ended(store, waiting(store, 1))
    assert reopen(store, timedelta(days=3, seconds=1)) is None


def test_what_was_never_handed_in_is_not_reopened(store: SqliteStore) -> None:
    """A cancelled form stays cancelled."""
    ended(store, opened(store))
    assert reopen(store, timedelta(hours=1), "c") is None


def test_nothing_is_reopened_beside_an_open_ticket(store: SqliteStore) -> None:
    """Whether it collects, waits or is worked on."""
    ended(store, waiting(store, 1))
    where = replace(CONVERSATION, id="c-1")
    other = store.write(lambda t: handoff.open_ticket(t, where, FAULT, None, "a", NOW))
    assert reopen(store, timedelta(hours=1)) is None
    other = store.write(lambda t: handoff.hand_in(t, other, FAULT.dossier, NOW))
    assert reopen(store, timedelta(hours=1)) is None
    taken(store, other, timedelta(0))
    assert reopen(store, timedelta(hours=1)) is None


def test_the_ticket_that_ended_last_is_reopened(store: SqliteStore) -> None:
    """Not the one that was opened last."""
    first = waiting(store, 1)
    where = replace(CONVERSATION, id="c-1")
    second = store.write(lambda t: handoff.open_ticket(t, where, FAULT, None, "a", NOW))
    second = store.write(lambda t: handoff.hand_in(t, second, FAULT.dossier, NOW))
    ended(store, second)
    ended(store, first, timedelta(minutes=1))
    reopened = reopen(store, timedelta(hours=1))
    assert reopened is not None
    assert reopened.number == first.number


def test_a_ticket_of_an_undeclared_reason_can_be_reopened(store: SqliteStore) -> None:
    """Its reason stands for the label that is gone."""
    ended(store, waiting(store, 1))
    ticket = store.write(lambda t: handoff.reopen(t, t.tickets("c-1"), ALWAYS, {}, "", NOW + timedelta(hours=1)))
    assert ticket is not None
    assert store.read(lambda t: t.notices())[-1].label == "appeal"


def test_releasing_gives_the_conversation_back_and_lets_its_tickets_wait(store: SqliteStore) -> None:
    """Only those that were worked on; each with a line."""
    done, other = waiting(store, 1), opened(store, conversation="c-1", reason=FAULT)
    other = store.write(lambda t: handoff.hand_in(t, other, FAULT.dossier, NOW))
    ended(store, done)
    taken(store, other, timedelta(0))
    owned = replace(CONVERSATION, id="c-1", owner="wang")
    store.write(lambda t: t.update_conversation(owned))
    later = NOW + timedelta(hours=1)
    released: Conversation = store.write(lambda t: handoff.release(t, owned, "wang", later, "下班"))
    assert (released.owner, store.read(lambda t: t.conversation("c-1"))) == (None, released)
    assert [(t.status, t.assignee) for t in store.read(lambda t: t.tickets("c-1"))] == [
        ("closed", None),
        ("waiting", None),
    ]
    assert history(store, other)[-1] == ("wang", "released", "下班")


def test_a_failure_leaves_neither_ticket_nor_notice(store: SqliteStore) -> None:
    """What is done in one transaction is done as a whole."""
    filled = opened(store)

    def work(transaction: object) -> None:
        handoff.hand_in(transaction, filled, APPEAL.dossier, NOW)  # type: ignore[arg-type]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write(work)
    assert store.read(lambda t: t.ticket(filled.number)) == filled
    assert store.read(lambda t: t.notices()) == []
