"""Tickets go from state to state as declared, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Ticket, TicketStatus
from bot.ticket import LEGAL, NAMES, OPEN, IllegalChange, change, reopenable

THEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
NOW = THEN + timedelta(hours=1)
STATES: tuple[TicketStatus, ...] = get_args(TicketStatus)
PAIRS = {
    ("collecting", "waiting"),
    ("collecting", "closed"),
    ("waiting", "assigned"),
    ("waiting", "closed"),
    ("assigned", "assigned"),
    ("assigned", "waiting"),
    ("assigned", "resolved"),
    ("assigned", "closed"),
    ("resolved", "waiting"),
    ("resolved", "closed"),
    ("closed", "waiting"),
}
FIELDS = {"phone": "13800138000", "details": ""}


def ticket(status: TicketStatus = "collecting") -> Ticket:
    """A ticket in a state, with all that a ticket in that state has."""
    handed_in = status not in ("offered", "collecting")
    return Ticket(
        1001,
        "c",
        "unlock",
        status,
        THEN,
        THEN,
        system="zyb",
        fields=FIELDS,
        asked="details" if status == "collecting" else None,
        assignee="li" if status in ("assigned", "resolved") else None,
        waiting_since=THEN if handed_in else None,
        taken_at=THEN if status in ("assigned", "resolved") else None,
        ended_at=THEN if status in ("resolved", "closed") else None,
    )


def go(one: Ticket, status: TicketStatus, now: datetime = NOW) -> Ticket:
    return change(one, status, now, "wang" if status == "assigned" else None)


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_a_change_is_legal_exactly_where_it_is_declared(before: TicketStatus, after: TicketStatus) -> None:
    """All pairs of states; an illegal one is told in Chinese, with the number and both states."""
    assert (after in LEGAL.get(before, frozenset())) == ((before, after) in PAIRS)
    if (before, after) in PAIRS:
        assert go(ticket(before), after).status == after
    else:
        with pytest.raises(IllegalChange, match=f"受理单 1001 目前为“{NAMES[before]}”，不能改为“{NAMES[after]}”"):
            go(ticket(before), after)


@pytest.mark.parametrize(("before", "after"), sorted(PAIRS))
def test_a_change_keeps_what_the_ticket_is(before: TicketStatus, after: TicketStatus) -> None:
    """Number, conversation, reason, system, fields, rating stay; the form asks nothing more; the time is noted."""
    rated = replace(ticket(before), stars=5, comment="好")
    changed = go(rated, after)
    same = ("number", "conversation_id", "reason", "opened_at", "system", "fields", "stars", "comment")
    assert [getattr(changed, name) for name in same] == [getattr(rated, name) for name in same]
    assert (changed.updated_at, changed.asked) == (NOW, None)


@pytest.mark.parametrize(("before", "after"), sorted(PAIRS))
def test_a_change_without_its_person_or_with_one_too_many_is_refused(before: TicketStatus, after: TicketStatus) -> None:
    """An assigned ticket has an assignee to be named; no other change names one."""
    with pytest.raises(IllegalChange):
        change(ticket(before), after, NOW, None if after == "assigned" else "wang")


def test_a_released_ticket_keeps_its_place_in_the_queue() -> None:
    """It has waited since it was handed in, whoever had it meanwhile."""
    released = go(ticket("assigned"), "waiting")
    assert (released.waiting_since, released.assignee) == (ticket("assigned").waiting_since, None)


@pytest.mark.parametrize("before", ["collecting", "resolved", "closed"])
def test_a_waiting_ticket_waits_from_now_on_and_is_nobodys(before: TicketStatus) -> None:
    """Handed in or reopened: the wait begins anew, and nothing has ended."""
    waiting = go(ticket(before), "waiting")
    assert (waiting.waiting_since, waiting.assignee, waiting.ended_at) == (NOW, None, None)
    assert waiting.taken_at == ticket(before).taken_at


def test_an_assigned_ticket_notes_who_took_it_and_when_it_was_taken_first() -> None:
    """Taken: the wait's beginning stays. Passed on: the first taking stays."""
    taken = change(ticket("waiting"), "assigned", NOW, "wang")
    assert (taken.assignee, taken.waiting_since, taken.taken_at, taken.ended_at) == ("wang", THEN, NOW, None)
    passed_on = change(taken, "assigned", NOW + timedelta(hours=1), "zhao")
    assert (passed_on.assignee, passed_on.taken_at) == ("zhao", NOW)


@pytest.mark.parametrize("after", ["resolved", "closed"])
def test_an_ended_ticket_notes_when_and_whose_it_was(after: TicketStatus) -> None:
    """The assignee stays with what they ended."""
    ended = go(ticket("assigned"), after)
    assert (ended.ended_at, ended.assignee, ended.waiting_since) == (NOW, "li", THEN)


def test_a_ticket_closed_before_it_was_handed_in_never_waited() -> None:
    """A form left is no request: no wait, nobody, and nothing to reopen."""
    closed = go(ticket("collecting"), "closed")
    assert (closed.waiting_since, closed.taken_at, closed.assignee, closed.ended_at) == (None, None, None, NOW)
    assert not reopenable(closed, NOW, timedelta(days=3))


def test_the_open_states_are_those_that_are_not_ended() -> None:
    """Everything but offered, resolved and closed; and every state has a name for people."""
    assert set(STATES) - {"offered", "resolved", "closed"} == OPEN
    assert set(NAMES) == set(STATES)


@pytest.mark.parametrize(
    ("status", "after", "expected"),
    [
        ("resolved", timedelta(0), True),
        ("resolved", timedelta(days=3), True),
        ("resolved", timedelta(days=3, microseconds=1), False),
        ("closed", timedelta(days=1), True),
        ("closed", timedelta(days=4), False),
        ("collecting", timedelta(0), False),
        ("waiting", timedelta(0), False),
        ("assigned", timedelta(0), False),
    ],
)
def test_a_ticket_can_be_reopened_for_a_while_after_its_end(
    status: TicketStatus, after: timedelta, expected: bool
) -> None:
    """Up to and including the last moment; never while it is open."""
    assert reopenable(ticket(status), THEN + after, timedelta(days=3)) == expected


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 60)), max_size=30))
def test_however_a_ticket_goes_its_times_agree_with_its_state(steps: list[tuple[TicketStatus, int]]) -> None:
    """Whatever is tried, in whatever order: ended if and only if it ended, in hand if and only if it is assigned."""
    one, now = ticket("collecting"), THEN
    for status, minutes in steps:
        now += timedelta(minutes=minutes)
        try:
            one = go(one, status, now)
        except IllegalChange:
            continue
        assert (one.ended_at is not None) == (one.status in ("resolved", "closed"))
        assert one.updated_at == now
        assert one.assignee or one.status != "assigned"
        assert one.assignee is None or one.status in ("assigned", "resolved", "closed")
        assert one.waiting_since is not None or one.status == "closed"
        assert one.taken_at is None or one.taken_at >= THEN
        assert reopenable(one, now, timedelta(days=1)) == (one.ended_at is not None and one.waiting_since is not None)
