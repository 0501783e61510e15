"""Figures on handmade conversations: what is known, what is supposed, and what is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from stored import NOW

from bot import wording
from bot.hours import Hours
from bot.metric import DEEDS, Figures, _p90, measure
from bot.model import Answer, Conversation, Escalation, Feedback, Message, Reply, Source, Step, TicketEvent
from bot.store.base import Transaction
from bot.store.metric import SqliteMetricRows
from bot.store.sqlite import SqliteStore
from bot.visit import judge, visits

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SINCE, UNTIL, LATER = NOW - HOUR, NOW + DAY, NOW + 2 * DAY

Line: TypeAlias = str | Reply | None
"""What is said: "v…" by the visitor, "a…" by staff, "n…" a notice of the bot, a reply; None a long pause."""


def answer(entry: str, **more: Any) -> Reply:
    return Reply("answer", "文", 0.9, answer=Answer(entry, "问", "文", Source("系统", "", "", "1")), **more)


OFFER = Escalation("unlock", "申请解锁", "offered", None)
STEP = Step("credit_code", "信用代码", "请提供信用代码。")
A1, A2, B1 = answer("zyb-1.1"), answer("zyb-1.2"), answer("whjy-1.1")
CLARIFY = Reply("clarify", "哪一个？", 0.5)
REJECT = Reply("reject", "抱歉", 0.1)
TALK = Reply("talk", wording.ALRIGHT, 0.0)
THANKED = Reply("reject", wording.THANKED, 0.0)
GREETED = Reply("reject", wording.GREETING + "我可以解答…", 0.0)
OFFERED = Reply("escalate", "可以登记", 0.1, escalation=OFFER)
ASKING = Reply("escalate", "好的", 1.0, escalation=replace(OFFER, status="collecting", ticket=1001), step=STEP)
HANDED_IN = Reply("escalate", "已登记", 1.0, escalation=replace(OFFER, status="waiting", ticket=1001))
CANCELLED = Reply("escalate", wording.CANCELLED, 1.0, escalation=replace(OFFER, status="closed", ticket=1001))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        yield store


def talk(
    store: SqliteStore, *lines: Line, name: str = "c", system: str | None = None, at: datetime = NOW
) -> list[Message]:
    """A conversation, a minute between its messages, three hours for a None."""

    def work(t: Transaction) -> list[Message]:
        now, said = at, list[Message]()
        t.add_conversation(Conversation(name, "web", system, at, at))
        for line in lines:
            if line is None:
                now += 3 * HOUR
                continue
            if isinstance(line, Reply):
                said.append(t.add_message(name, "bot", line.text, now=now, reply=line))
            else:
                author = {"v": "visitor", "a": "agent", "n": "bot"}[line[0]]
                said.append(t.add_message(name, author, line[1:], now=now))  # type: ignore[arg-type]
            now += MINUTE
        t.update_conversation(Conversation(name, "web", system, at, now))
        return said

    return store.write(work)


def figures(
    store: SqliteStore,
    system: str | None = None,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    now: datetime = LATER,
) -> Figures:
    def work(t: Any) -> Figures:
        rows = SqliteMetricRows(t._db)
        return measure(rows, since, until, now=now, cold_after=2 * HOUR, system=system)

    return store.read(work)


def rate(store: SqliteStore, message: Message, helpful: bool, reason: str = "") -> None:
    store.write(lambda t: t.rate_answer(Feedback(message.id, message.conversation_id, helpful, reason, LATER)))


def judged(store: SqliteStore) -> dict[str, int]:
    """The answers' figures other than 0."""
    found = figures(store).to_dict()["answers"]
    del found["given"], found["reasons"]
    return {name: count for name, count in found.items() if count}


def test_an_empty_database_has_figures(store: SqliteStore) -> None:
    """Zeros, no medians, no mean; and they are JSON."""
    found = figures(store)
    assert (found.conversations, found.visits, found.visitor_messages) == (0, 0, 0)
    assert found.replies == found.abandoned == {}
    assert found.answers.given == 0
    assert (found.tickets.taken_median, found.tickets.spoken_median, found.tickets.stars_mean) == (None, None, None)
    assert found.tickets.deeds == dict.fromkeys(DEEDS, 0)
    written = json.loads(json.dumps(found.to_dict()))
    assert written["since"] == SINCE.isoformat()
    assert written["tickets"]["stars"] == {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0}


# Answers


@pytest.mark.parametrize(
    ("after", "judgement"),
    [
        pytest.param([], "assumed_left", id="nothing more"),
        pytest.param(["v谢谢", THANKED], "assumed_left", id="thanks"),
        pytest.param(["v不用", TALK], "assumed_left", id="declined what was offered beside it"),
        pytest.param(["v别的", B1], "assumed_went_on", id="another answer"),
        pytest.param(["v谢谢", THANKED, "v别的", A2], "assumed_went_on", id="thanks, and another answer"),
        pytest.param(["v又问", A1], "unclear", id="the same answer again"),
        pytest.param(["v又问", CLARIFY], "unclear", id="a question back"),
        pytest.param(["v又问", REJECT], "unclear", id="a refusal"),
        pytest.param(["v转人工", HANDED_IN], "unclear", id="a person wanted"),
        pytest.param(["v登记", ASKING], "unclear", id="an offer accepted"),
        pytest.param(["n人工客服正在为您服务。", "a您好"], "unclear", id="a person came"),
        pytest.param(["v在吗"], "unclear", id="no reply"),
        pytest.param(["v在吗", "n人工客服已退出"], "unclear", id="no reply but a notice"),
        pytest.param([None, "v又问", REJECT], "assumed_left", id="what comes on another visit does not count"),
    ],
)
def test_without_feedback_what_came_next_decides(store: SqliteStore, after: list[Line], judgement: str) -> None:
    """Supposed to have helped only where the visitor was silent or went on to something else."""
    talk(store, "v问", A1, *after)
    seen: list[str] = []
    for visit in visits(list(store.read(lambda t: list(SqliteMetricRows(t._db).said(SINCE, UNTIL)))), 2 * HOUR, LATER):
        seen += [judge(visit, number) for number, said in enumerate(visit.said) if said.entry]
    assert seen[0] == judgement
    assert figures(store).to_dict()["answers"][judgement] == seen.count(judgement)


def test_an_answer_beside_a_form_is_supposed_to_have_helped_if_the_form_goes_on(store: SqliteStore) -> None:
    """The same answer asked for again is unclear, form or not."""
    beside = replace(A1, step=STEP)
    talk(store, "v登记", ASKING, "v代码在哪", beside, "v91330100MA27XYZ12K", ASKING, name="c")
    assert judged(store) == {"assumed_went_on": 1}
    talk(store, "v登记", ASKING, "v代码在哪", beside, "v代码在哪", beside, name="d")
    assert judged(store) == {"assumed_went_on": 1, "unclear": 1, "assumed_left": 1}


def test_what_the_visitor_said_goes_before_what_is_supposed(store: SqliteStore) -> None:
    """Feedback decides, however the conversation went on, and whenever it came; reasons are counted and masked."""
    good = talk(store, "v问", A1, "v又问", REJECT, name="good")
    bad = [talk(store, "v问", A1, name=f"bad{n}")[1] for n in range(3)]
    rate(store, good[1], helpful=True)
    for message, reason in zip(bad, ["看不懂", "看不懂", "打 13812345678 没人接"], strict=True):
        rate(store, message, helpful=False, reason=reason)
    found = figures(store).answers
    assert (found.given, found.confirmed, found.refuted, found.assumed_left) == (4, 1, 3, 0)
    assert found.reasons == {"看不懂": 2, "打 138****5678 没人接": 1}
    rate(store, bad[0], helpful=True)
    assert (figures(store).answers.confirmed, figures(store).answers.refuted) == (2, 2)


def test_while_the_visit_may_go_on_nothing_is_supposed(store: SqliteStore) -> None:
    """Pending until it is over; what is decided already is not pending."""
    talk(store, "v问", A1, "v别的", A2)
    found = figures(store, now=NOW + HOUR).answers
    assert (found.pending, found.assumed_went_on, found.assumed_left) == (1, 1, 0)
    found = figures(store, now=NOW + 3 * HOUR).answers
    assert (found.pending, found.assumed_went_on, found.assumed_left) == (0, 1, 1)


def test_each_answer_is_counted_once(store: SqliteStore) -> None:
    """The judgements are apart: each answer is in exactly one."""
    talk(store, "v问", A1, "v别的", A2, "v又", A2, "v啊", REJECT, None, "v问", B1, "v谢谢", THANKED)
    assert judged(store) == {"assumed_went_on": 1, "unclear": 2, "assumed_left": 1}
    assert figures(store).answers.given == 4


# Visits and what became of them


@pytest.mark.parametrize(
    ("lines", "how"),
    [
        pytest.param(["v问", CLARIFY], "clarify", id="a question back"),
        pytest.param(["v问", replace(CLARIFY, escalation=OFFER)], "clarify", id="a question back with an offer"),
        pytest.param(["v问", REJECT], "reject", id="a refusal"),
        pytest.param(["v问", REJECT, "v谢谢", THANKED], "reject", id="a refusal and thanks"),
        pytest.param(["v问", OFFERED], "offer", id="an offer"),
        pytest.param(["v问", replace(TALK, escalation=OFFER)], "offer", id="a picture nobody could read"),
        pytest.param(["v问", ASKING], "form", id="a form"),
        pytest.param(["v问", ASKING, "v代码在哪", replace(A1, step=STEP)], "form", id="an answer beside a form"),
        pytest.param(["v问", A1], None, id="an answer"),
        pytest.param(["v问", replace(A1, escalation=OFFER)], None, id="an answer with an offer"),
        pytest.param(["v问", OFFERED, "v不用", TALK], None, id="an offer declined"),
        pytest.param(["v问", ASKING, "v算了", CANCELLED], None, id="a form cancelled"),
        pytest.param(["v问", ASKING, "v好", HANDED_IN], None, id="a form handed in"),
        pytest.param(["v问", REJECT, "v在吗"], None, id="a person's turn"),
        pytest.param(["v问", OFFERED, "n人工客服正在为您服务。", "a您好"], None, id="a person came"),
        pytest.param(["v你好", GREETED], None, id="a greeting"),
    ],
)
def test_a_visit_is_abandoned_when_the_bot_had_the_last_word(
    store: SqliteStore, lines: list[Line], how: str | None
) -> None:
    """And it was not an answer, nor a leave taken."""
    talk(store, *lines)
    found = figures(store)
    assert found.visits == 1
    assert found.abandoned == ({how: 1} if how else {})


def test_a_visit_that_may_go_on_is_not_abandoned(store: SqliteStore) -> None:
    """Not before it is over."""
    talk(store, "v问", CLARIFY)
    found = figures(store, now=NOW + HOUR)
    assert (found.visits, found.abandoned) == (0, {})


def test_a_conversation_may_be_abandoned_more_than_once(store: SqliteStore) -> None:
    """Each visit counts; one in which only staff or the bot spoke is none."""
    talk(store, "v问", CLARIFY, None, "v又问", REJECT, None, "n受理单 1001 已自动关闭")
    found = figures(store)
    assert (found.conversations, found.visits, found.abandoned) == (1, 2, {"clarify": 1, "reject": 1})


# What counts where


def test_replies_are_counted_by_decision(store: SqliteStore) -> None:
    """Small talk is talk, whatever the desk calls it."""
    talk(store, "v你好", GREETED, "v问", A1, "v问", CLARIFY, "v问", REJECT, "v问", OFFERED, "v不", TALK)
    found = figures(store)
    assert found.replies == {"talk": 2, "answer": 1, "clarify": 1, "reject": 1, "escalate": 1}
    assert found.visitor_messages == 6


def test_a_period_has_its_beginning_and_not_its_end(store: SqliteStore) -> None:
    """A conversation of before counts with what is said in the period only."""
    talk(store, "v问", A1, None, "v问", A2, name="c")
    edge = NOW + 2 * MINUTE + 3 * HOUR  # of the second visit's first message
    before, after = figures(store, until=edge), figures(store, since=edge)
    assert (before.conversations, before.visitor_messages, before.visits, before.answers.given) == (1, 1, 1, 1)
    assert (after.conversations, after.visitor_messages, after.visits, after.answers.given) == (0, 1, 1, 1)
    assert figures(store, since=LATER, until=LATER + DAY).visitor_messages == 0


def test_a_system_has_its_own_figures(store: SqliteStore) -> None:
    """Answers are their entry's, the rest is the conversation's, or where that is not known the last answer's."""
    talk(store, "v问", A1, "v问", B1, "v问", CLARIFY, name="c", system="zyb")
    talk(store, "v问", REJECT, "v问", B1, name="d")
    talk(store, "v问", REJECT, name="e")
    zyb, whjy, everything = figures(store, "zyb"), figures(store, "whjy"), figures(store)
    assert (zyb.conversations, zyb.visitor_messages, zyb.replies) == (1, 3, {"answer": 1, "clarify": 1})
    assert (whjy.conversations, whjy.visitor_messages, whjy.replies) == (1, 2, {"answer": 2, "reject": 1})
    assert (zyb.answers.given, whjy.answers.given, everything.answers.given) == (1, 2, 3)
    assert (zyb.abandoned, whjy.abandoned, everything.abandoned) == ({"clarify": 1}, {}, {"clarify": 1, "reject": 1})
    assert everything.conversations == 3


# Tickets


def happen(
    store: SqliteStore, *events: tuple[str, timedelta], name: str = "c", reason: str = "unlock", system: str = "zyb"
) -> int:
    """A ticket with this history, counted from NOW: "visitor:handed_in", "wang:taken", "visitor:rated=5"."""

    def work(t: Transaction) -> int:
        ticket = t.add_ticket(name, reason, system=system, now=NOW + events[0][1])
        for line, after in events:
            actor, _, kind = line.partition(":")
            kind, _, detail = kind.partition("=")
            t.add_event(TicketEvent(ticket.number, NOW + after, actor, kind, detail))
        t.update_ticket(replace(ticket, status="closed", updated_at=NOW + events[-1][1]))
        return ticket.number

    return store.write(work)


def write_as_staff(store: SqliteStore, *after: timedelta, name: str = "c") -> None:
    for moment in after:
        store.write(lambda t, moment=moment: t.add_message(name, "agent", "您好", now=NOW + moment))


def test_what_happened_to_tickets_is_counted_in_all_and_by_reason(store: SqliteStore) -> None:
    """A ticket taken twice is one ticket taken; what happened before the period is not counted."""
    talk(store)
    happen(
        store,
        ("visitor:opened", -2 * HOUR),
        ("visitor:handed_in", MINUTE),
        ("wang:taken", 2 * MINUTE),
        ("wang:released", 3 * MINUTE),
        ("li:taken", 4 * MINUTE),
        ("li:resolved", 5 * MINUTE),
    )
    happen(store, ("visitor:opened", MINUTE), ("visitor:cancelled", HOUR), reason="appeal", system="whjy")
    happen(store, ("visitor:opened", MINUTE), ("bot:expired", HOUR), reason="appeal", system="whjy")
    found = figures(store).tickets
    assert {kind: count for kind, count in found.deeds.items() if count} == {
        "opened": 2,
        "handed_in": 1,
        "taken": 1,
        "resolved": 1,
        "cancelled": 1,
        "expired": 1,
    }
    assert list(found.by_reason) == ["appeal", "unlock"]
    assert (found.by_reason["appeal"]["opened"], found.by_reason["unlock"]["opened"]) == (2, 0)
    assert figures(store, "zyb").tickets.deeds["opened"] == 0
    assert figures(store, "whjy").tickets.deeds["opened"] == 2


def test_waits_run_from_the_visitors_asking_to_the_taking_and_to_the_first_word(store: SqliteStore) -> None:
    """Medians of tickets taken in the period; a form that staff took over half filled in is nobody's wait."""
    for number, minutes in enumerate((1, 3, 60)):
        talk(store, name=f"c{number}")
        taken = timedelta(minutes=minutes)
        events = ("visitor:handed_in", timedelta()), ("wang:taken", taken), ("wang:resolved", 2 * HOUR)
        happen(store, *events, name=f"c{number}")
        write_as_staff(store, taken + MINUTE, taken + 5 * MINUTE, name=f"c{number}")
    talk(store, name="half")
    happen(store, ("visitor:opened", timedelta()), ("wang:handed_in", HOUR), ("wang:taken", HOUR), name="half")
    found = figures(store).tickets
    assert (found.waits, found.taken_median, found.spoken_median) == (3, 3 * MINUTE, 4 * MINUTE)
    assert figures(store).to_dict()["tickets"]["taken_median"] == 180.0
    assert figures(store, since=NOW + 2 * MINUTE).tickets.taken_median == timedelta(minutes=31.5)


def test_a_reopened_ticket_waits_anew_and_a_released_one_does_not(store: SqliteStore) -> None:
    """A first word after the ticket ended belongs to the next wait."""
    talk(store)
    happen(
        store,
        ("visitor:handed_in", timedelta()),
        ("wang:taken", 10 * MINUTE),
        ("wang:released", 11 * MINUTE),
        ("li:taken", 50 * MINUTE),
        ("li:resolved", HOUR),
        ("visitor:reopened", 2 * HOUR),
        ("li:taken", 2 * HOUR + 20 * MINUTE),
    )
    write_as_staff(store, 2 * HOUR + 30 * MINUTE)
    found = figures(store).tickets
    assert (found.waits, found.taken_median, found.spoken_median) == (2, 15 * MINUTE, 30 * MINUTE)


def test_what_still_waits_or_ended_untaken_is_no_wait(store: SqliteStore) -> None:
    """A median of waits that never ended would be made up."""
    talk(store)
    happen(store, ("visitor:handed_in", timedelta()))
    happen(store, ("visitor:handed_in", timedelta()), ("bot:expired", HOUR), reason="appeal")
    found = figures(store).tickets
    assert (found.waits, found.taken_median, found.spoken_median) == (0, None, None)


def test_the_last_rating_of_a_ticket_counts(store: SqliteStore) -> None:
    """Counts from one star to five, and their mean."""
    for number, ratings in enumerate(([1, 5], [4], [4])):
        talk(store, name=f"c{number}")
        events = [(f"visitor:rated={stars}", n * MINUTE) for n, stars in enumerate(ratings)]
        happen(store, ("visitor:opened", timedelta()), *events, name=f"c{number}")
    found = figures(store).tickets
    assert found.stars == {1: 0, 2: 0, 3: 0, 4: 2, 5: 1}
    assert found.stars_mean == pytest.approx(13 / 3)


# How they are read


@pytest.mark.parametrize("name", ["said", "done"])
def test_rows_are_read_without_sorting(store: SqliteStore, name: str) -> None:
    """What is read one after the other is not gathered in SQLite first; only the period's conversations are touched."""
    asked: list[str] = []

    def work(t: Any) -> list[str]:
        rows = SqliteMetricRows(t._db)
        with t._db.tracer(lambda sql, _: asked.append(sql)):
            list(getattr(rows, name)(SINCE, UNTIL))
        plan = t._db.query("EXPLAIN QUERY PLAN " + next(sql for sql in asked if "SELECT" in sql), ("", ""))
        return [row["detail"] for row in plan]

    plan = store.read(work)
    assert not [line for line in plan if "TEMP B-TREE" in line]
    if name == "said":
        assert "conversation_by_age" in plan[0]


def test_rows_of_a_conversation_come_together(store: SqliteStore) -> None:
    """Conversations that moved at the same moment do not mix."""
    for name in "abcd":
        talk(store, "v问", A1, "v问", A2, name=name)

    def work(t: Any) -> list[str]:
        return [said.conversation for said in SqliteMetricRows(t._db).said(SINCE, UNTIL)]

    names = store.read(work)
    assert sum(before != after for before, after in pairwise(names)) == 3


# Breakdowns


def test_days_and_hours_are_those_of_beijing(store: SqliteStore) -> None:
    """Half past midnight in Beijing is the next day there, though it is not yet in UTC."""
    talk(store, "v问", A1, at=datetime(2026, 3, 1, 15, 59, tzinfo=UTC))
    talk(store, "v问", A1, "v问", CLARIFY, name="d", at=datetime(2026, 3, 1, 16, 30, tzinfo=UTC))
    found = figures(store)
    assert {str(day): counts.get("visitor_messages") for day, counts in found.days.items()} == {
        "2026-03-01": 1,
        "2026-03-02": 2,
    }
    assert found.days[date(2026, 3, 2)]["clarify"] == 1
    assert found.days[date(2026, 3, 2)]["conversations"] == 1
    assert (found.hours[6][23], found.hours[0][0]) == (1, 2)  # Sunday, Monday
    assert sum(map(sum, found.hours)) == found.visitor_messages


def test_every_system_has_its_share(store: SqliteStore) -> None:
    """An answer is its entry's, the rest the conversation's; the shares add up to the whole."""
    talk(store, "v问", A1, "v问", B1, system="zyb")
    talk(store, "v问", REJECT, name="d")
    found = figures(store)
    assert found.systems["zyb"]["answer"] == 1
    assert found.systems["whjy"] == {"answer": 1, "assumed_left": 1}
    assert found.systems[""] == {"conversations": 1, "visitor_messages": 1, "reject": 1, "visits": 1, "abandoned": 1}
    for name, whole in (("conversations", found.conversations), ("visitor_messages", found.visitor_messages)):
        assert sum(counts.get(name, 0) for counts in found.systems.values()) == whole
        assert sum(counts.get(name, 0) for counts in found.days.values()) == whole


def test_every_entry_has_what_became_of_its_answers(store: SqliteStore) -> None:
    """How often it was given, and what visitors said of it."""
    said = talk(store, "v问", A1, "v问", A1, "v问", B1)
    rate(store, said[1], True)
    rate(store, said[3], False)
    assert figures(store).entries == {
        "zyb-1.1": {"given": 2, "confirmed": 1, "refuted": 1},
        "whjy-1.1": {"given": 1, "assumed_left": 1},
    }
    assert list(figures(store, "whjy").entries) == ["whjy-1.1"]


def test_waits_are_told_by_the_clock_and_by_working_hours(store: SqliteStore) -> None:
    """Whoever asks in the evening and is answered in the morning waited minutes of the working day."""
    evening, morning = datetime(2026, 3, 2, 10, 0, tzinfo=UTC), datetime(2026, 3, 3, 1, 30, tzinfo=UTC)

    def work(t: Transaction) -> None:
        t.add_conversation(Conversation("c", "web", None, evening, evening))
        number = t.add_ticket("c", "human", system=None, now=evening).number
        t.add_event(TicketEvent(number, evening, "visitor", "handed_in"))
        t.add_event(TicketEvent(number, morning, "wang", "taken"))
        t.add_message("c", "agent", "您好", now=morning, agent="wang")
        t.update_ticket(replace(t.ticket(number), updated_at=morning))  # type: ignore[type-var]
        t.update_conversation(Conversation("c", "web", None, evening, morning))

    store.write(work)
    hours = Hours.read("周一至周五 09:00-17:00")
    found = store.read(
        lambda t: measure(
            SqliteMetricRows(t._db),  # type: ignore[attr-defined]
            SINCE,
            UNTIL + 2 * DAY,
            now=LATER,
            cold_after=2 * HOUR,
            hours=hours,
        )
    ).tickets
    assert found.spoken == 1
    assert (found.spoken_median, found.spoken_p90) == (15.5 * HOUR, 15.5 * HOUR)
    assert (found.worked_median, found.worked_p90) == (HOUR / 2, HOUR / 2)


@pytest.mark.parametrize(("waits", "p90"), [([], None), ([5], 5), (list(range(1, 11)), 9), (list(range(1, 21)), 18)])
def test_nine_of_ten_wait_no_longer_than_p90(waits: list[int], p90: int | None) -> None:
    """The nearest rank."""
    found = _p90([minutes * MINUTE for minutes in waits])
    assert found == (None if p90 is None else p90 * MINUTE)
