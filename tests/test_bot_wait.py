"""The wait to expect, from the waits that others had."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.hours import ALWAYS, SHANGHAI, Hours
from bot.wait import FEWEST, expect

WEEKDAYS = Hours.read("周一至周五 09:00-12:00,13:30-17:30", calendar=False)
MONDAY = datetime(2026, 11, 23, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)


def waits(*spans: tuple[float, float]) -> list[tuple[datetime, datetime]]:
    """Since which minute of Monday each waited, and in which it was taken, the latest taken first."""
    return [
        (MONDAY + since * MINUTE, MONDAY + taken * MINUTE) for since, taken in sorted(spans, key=lambda span: -span[1])
    ]


QUIET = waits(*((start, start + 4) for start in (600, 620, 640, 660, 680)))
"""Each came when nobody waited and was taken four minutes later."""


def test_where_nobody_waits_the_median_is_told() -> None:
    """Of the last waits, whatever the longest of them was."""
    told = waits((540, 541), (560, 562), (580, 592), (600, 612), (620, 635))
    assert expect(told, ALWAYS, 0) == 12 * MINUTE


def test_too_few_waits_tell_nothing() -> None:
    """Four may have been chance."""
    assert expect(QUIET[1:], ALWAYS, 0) is None
    assert expect([], ALWAYS, 9) is None


@pytest.mark.parametrize(("before", "minutes"), [(0, 4), (1, 4), (2, 8), (31, 124)])
def test_a_long_queue_is_not_promised_the_wait_of_a_quiet_hour(before: int, minutes: int) -> None:
    """Each before the visitor takes as long as one took lately."""
    assert expect(QUIET, ALWAYS, before) == minutes * MINUTE


def test_a_queue_moves_at_the_pace_at_which_it_moved() -> None:
    """Forty minutes each, but one every two minutes: several staff. What lay between takes while nobody waited is not
    counted."""
    told = waits(*((start, start + 40) for start in (600, 602, 604, 606, 608)))
    assert expect(told, ALWAYS, 0) == 40 * MINUTE
    assert expect(told, ALWAYS, 30) == 60 * MINUTE


def test_taking_many_in_one_go_does_not_make_a_queue_short() -> None:
    """Every hour somebody takes five that waited for it: with twenty before, that is more than four hours."""
    told = waits(*((540 + hour * 60 - number, 600 + hour * 60) for hour in range(4) for number in range(5)))
    hours = (expect(told, ALWAYS, 20) or timedelta(0)) / (60 * MINUTE)
    assert 3 < hours < 5


def test_a_forgotten_ticket_does_not_stop_the_queue() -> None:
    """It waited for days, but others were taken just before it."""
    told = waits(*((start, start + 4) for start in (600, 620, 640, 660)), (-4000, 665))
    assert (expect(told, ALWAYS, 0), expect(told, ALWAYS, 9)) == (4 * MINUTE, 9 * 3.25 * MINUTE)


def test_nights_and_weekends_are_no_waiting() -> None:
    """Who came on Friday evening and was taken on Monday at ten past nine waited ten minutes."""
    friday = -3 * 24 * 60 + 18 * 60
    told = waits(*((friday + number, 550) for number in range(5)))
    assert expect(told, WEEKDAYS, 0) == 10 * MINUTE
    assert (expect(told, ALWAYS, 0) or timedelta(0)) > timedelta(days=2)


def test_who_is_taken_out_of_hours_tells_nothing() -> None:
    """Somebody who looks in at night is no promise for the day."""
    night = waits(*((start, start + 1) for start in (60, 70, 80, 90, 100)))
    assert expect(night, WEEKDAYS, 0) is None
    assert expect([*QUIET, *night], WEEKDAYS, 3) == expect(QUIET, WEEKDAYS, 3) == 12 * MINUTE


def test_what_the_visitor_waited_already_is_taken_off() -> None:
    """As long as the queue before them does not take longer than what is left."""
    told = waits(*((start, start + 40) for start in (600, 602, 604, 606, 608)))
    assert expect(told, ALWAYS, 0, waited=30 * MINUTE) == 10 * MINUTE
    assert expect(told, ALWAYS, 30, waited=30 * MINUTE) == 60 * MINUTE
    assert expect(told, ALWAYS, 1, waited=50 * MINUTE) == 2 * MINUTE


def test_who_waits_longer_than_the_others_is_promised_nothing() -> None:
    """Being the next, they hear their place and no figure."""
    assert expect(QUIET, ALWAYS, 0, waited=4 * MINUTE) is None


SPANS = st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 3000)), min_size=FEWEST, max_size=20)


@given(SPANS, st.integers(0, 50), st.sampled_from([ALWAYS, WEEKDAYS]))
def test_who_is_farther_back_never_waits_less(spans: list[tuple[int, int]], before: int, hours: Hours) -> None:
    """Nor no time at all."""
    told = waits(*((since, since + lasted) for since, lasted in spans))
    near, far = expect(told, hours, before), expect(told, hours, before + 1)
    assert near is None or (far is not None and timedelta(0) < near <= far)
