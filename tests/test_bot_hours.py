"""When staff are there: what operators can write, what it means, and how visitors are told."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.hours import SHANGHAI, Hours, HoursError, knows_holidays, say_when

OFFICE = "周一至周五 09:00-12:00,13:30-17:30; 周六 09:00-12:00"
PLAIN = Hours.read(OFFICE, calendar=False)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "there"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 11:59:59", True),
        ("2026-11-23 12:00", False),
        ("2026-11-23 13:30", True),
        ("2026-11-27 17:29", True),
        ("2026-11-28 11:00", True),
        ("2026-11-28 14:00", False),
        ("2026-11-29 10:00", False),
    ],
)
def test_staff_are_there_from_the_first_to_before_the_last_minute(moment: str, there: bool) -> None:
    """Monday to Friday, Saturday mornings, never on Sunday."""
    assert PLAIN.open_at(at(moment)) is there


@pytest.mark.parametrize(
    "text",
    [
        "周一至周五 09:00-12:00,13:30-17:30; 周六 09:00-12:00",
        "1-5 09:00-12:00,13:30-17:30;6 9:00-12:00",
        "周一到周五09:00-12:00、13:30-17:30；星期六 09:00—12:00",
        "工作日 ０９：００～１２：００，１３：３０～１７：３０\n周六 09:00至12:00\n",
        "1,2,3、4、周五 13:30-17:30, 09:00-12:00; 周六 09:00-12:00;",
        "周一至周六 09:00-12:00; 周一至周五 13:30-17:30",
    ],
)
def test_hours_can_be_written_as_operators_write_them(text: str) -> None:
    """Chinese or digits, full width or half, in one line or several; all mean the same."""
    assert Hours.read(text, calendar=False) == PLAIN


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("周一至周五", "周一至周五"),
        ("09:00-17:00", "09:00-17:00"),
        ("周八 09:00-12:00", "周八"),
        ("8 09:00-12:00", "8"),
        ("周五至周一 09:00-12:00", "先后颠倒"),
        ("周一 09:00-25:00", "09:00-25:00"),
        ("周一 24:00-25:00", "24:00-25:00"),
        ("周一 09:60-10:00", "09:60-10:00"),
        ("周一 09:00", "09:00"),
        ("周一 09:00-09:00", "整天请写「全天」"),
        ("周一 09:00-12:00,下午", "下午"),
        ("周一 09:00-12:00,11:00-13:00", "周一的时间段与另一时间段重叠"),
        ("周一至周五 09:00-12:00; 周三 08:00-18:00", "周三的时间段与另一时间段重叠"),
        ("周日 22:00-06:00; 周一 05:00-09:00", "周日的时间段与另一时间段重叠"),
        ("周一 22:00-06:00,23:00-23:30", "重叠"),
        ("sometimes", "sometimes"),
        ("周一 朝九晚五", "周一 朝九晚五"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, part: str) -> None:
    """So that the operator finds it in a long line."""
    with pytest.raises(HoursError, match=part):
        Hours.read(text)


@pytest.mark.parametrize("text", ["always", "Always", "全天", " always "])
def test_always_is_always(text: str) -> None:
    """On public holidays too; there is no coming where nobody leaves."""
    hours = Hours.read(text)
    assert hours.open_at(at("2026-10-01 03:00"))
    assert hours.next_opening(at("2026-10-01 03:00")) is None


@pytest.mark.parametrize("text", ["never", "", "  ", "从不"])
def test_never_is_never(text: str) -> None:
    """As where no hours are set."""
    hours = Hours.read(text)
    assert not hours.open_at(at("2026-11-23 10:00"))
    assert hours.next_opening(at("2026-11-23 10:00")) is None


def test_a_span_over_midnight_belongs_to_the_day_it_begins() -> None:
    """Friday's night shift stays until Saturday morning; Saturday has none of its own."""
    hours = Hours.read("周五 22:00-06:00", calendar=False)
    assert [hours.open_at(at(f"2026-11-{moment}")) for moment in ("27 05:00", "27 22:00", "28 05:59", "28 06:00")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert hours.next_opening(at("2026-11-28 06:00")) == at("2026-12-04 22:00")


def test_sundays_night_shift_lasts_into_monday() -> None:
    """The week goes around."""
    hours = Hours.read("周日 22:00-06:00; 周一 06:00-09:00", calendar=False)
    assert hours.open_at(at("2026-11-23 05:00"))
    assert hours.next_opening(at("2026-11-23 05:00")) == at("2026-11-29 22:00")


@pytest.mark.parametrize(
    ("moment", "there"),
    [
        ("2026-10-01 10:00", False),
        ("2026-10-03 10:00", False),
        ("2026-10-08 10:00", True),
        ("2026-09-20 15:00", True),
        ("2026-10-10 15:00", True),
        ("2026-10-10 12:30", False),
        ("2026-10-17 10:00", True),
        ("2026-10-17 15:00", False),
    ],
)
def test_public_holidays_are_off_and_worked_weekends_are_worked(moment: str, there: bool) -> None:
    """A Saturday among the holidays is off too; one worked in exchange has Monday's hours, not its own."""
    assert Hours.read(OFFICE).open_at(at(moment)) is there


def test_the_public_calendar_can_be_turned_off() -> None:
    """For a desk that also works on holidays."""
    assert PLAIN.open_at(at("2026-10-01 10:00"))
    assert not PLAIN.open_at(at("2026-10-10 15:00"))


def test_a_year_that_is_not_known_has_its_weekdays() -> None:
    """The calendar for it has not been announced; only what the law fixes by date is off."""
    hours = Hours.read(OFFICE)
    assert not knows_holidays(2050)
    assert [hours.open_at(at(f"2050-{day} 10:00")) for day in ("03-01", "03-06", "10-03", "10-04")] == [
        True, False, False, True,
    ]  # fmt: skip


def test_the_calendar_knows_the_year_that_the_tests_speak_of() -> None:
    """Fails where the package is older than the tests."""
    assert knows_holidays(2026)


def test_dates_that_the_operator_sets_win() -> None:
    """A holiday worked, and a Thursday, a range and a Saturday off."""
    hours = Hours.read(
        OFFICE, holidays="2026-11-26, 2026-12-01..2026-12-03、2026-12-05", workdays="2026-10-01；2026-11-29"
    )
    assert hours.open_at(at("2026-10-01 10:00"))
    assert not hours.open_at(at("2026-10-02 10:00"))
    assert hours.open_at(at("2026-11-29 15:00"))
    off = ("2026-11-26", "2026-12-01", "2026-12-02", "2026-12-03", "2026-12-05")
    assert not any(hours.open_at(at(f"{day} 10:00")) for day in off)
    assert hours.open_at(at("2026-12-04 10:00"))


def test_always_yields_to_a_holiday_that_the_operator_sets() -> None:
    """Who writes the date down means it."""
    hours = Hours.read("always", holidays="2026-11-26")
    assert not hours.open_at(at("2026-11-26 10:00"))
    assert hours.next_opening(at("2026-11-26 10:00")) == at("2026-11-27 00:00")


@pytest.mark.parametrize(
    ("holidays", "workdays", "part"),
    [
        ("2026-13-01", "", "2026-13-01"),
        ("国庆", "", "国庆"),
        ("20261001", "", "20261001"),
        ("2026-10-07..2026-10-01", "", "先后颠倒"),
        ("2026-01-01..2036-01-01", "", "超过一年"),
        ("", "2026-02-30", "2026-02-30"),
        ("2026-10-01..2026-10-03", "2026-10-02", "2026-10-02 既设为休息日"),
    ],
)
def test_a_date_that_cannot_be_read_is_named(holidays: str, workdays: str, part: str) -> None:
    """So is one that is off and worked at once."""
    with pytest.raises(HoursError, match=part):
        Hours.read(OFFICE, holidays, workdays)


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-23 08:00", "2026-11-23 09:00"),
        ("2026-11-23 09:00", "2026-11-23 13:30"),
        ("2026-11-23 12:00", "2026-11-23 13:30"),
        ("2026-11-23 17:30", "2026-11-24 09:00"),
        ("2026-11-28 12:00", "2026-11-30 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),
    ],
)
def test_the_next_opening_is_when_staff_come_next(moment: str, opening: str) -> None:
    """Past a lunch break, a Sunday or a week of holidays."""
    assert Hours.read(OFFICE).next_opening(at(moment)) == at(opening)


def test_no_opening_is_promised_farther_off_than_sixty_days() -> None:
    """Where staff are away for longer, nobody is told to wait."""
    hours = Hours.read(OFFICE, holidays="2026-11-23..2027-03-01", calendar=False)
    assert hours.next_opening(at("2026-11-23 08:00")) is None
    assert hours.next_opening(at("2027-02-27 08:00")) == at("2027-03-02 09:00")


QUARTER = timedelta(minutes=15)
MINUTES = st.integers(0, 47).map(lambda half: half * 30)
SPANS = st.lists(MINUTES, min_size=2, max_size=6, unique=True).map(sorted)


def line(week: list[list[int]]) -> str:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    return ";".join(
        f"{number} " + ",".join(f"{clock(a)}-{clock(b)}" for a, b in list(pairwise(edges))[::2])
        for number, edges in enumerate(week, start=1)
        if edges
    )


def covers(week: list[list[int]], moment: datetime) -> bool:
    minute = moment.hour * 60 + moment.minute
    return any(start <= minute < end for start, end in list(pairwise(week[moment.weekday()]))[::2])


@settings(max_examples=40, deadline=None)
@given(st.lists(SPANS | st.just([]), min_size=7, max_size=7), st.integers(0, 7 * 24 * 60 - 1))
def test_the_next_opening_is_the_earliest_open_minute(week: list[list[int]], minute: int) -> None:
    """By trying one minute after the other for four days, against hours told without this module."""
    hours = Hours.read(line(week), calendar=False)
    moment = at("2026-11-23 00:00") + timedelta(minutes=minute)
    opening = hours.next_opening(moment)
    before = covers(week, moment)
    assert hours.open_at(moment) is before
    for later in range(1, 4 * 24 * 60):
        tried = moment + timedelta(minutes=later)
        there = covers(week, tried)
        if there and not before:
            assert opening == tried
            return
        before = there
    assert opening is None or opening >= moment + timedelta(days=4)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-23 10:00", "2026-11-23 11:30", 1.5),
        ("2026-11-23 11:00", "2026-11-23 14:00", 1.5),
        ("2026-11-23 17:00", "2026-11-24 09:30", 1),
        ("2026-11-27 17:00", "2026-11-30 09:10", 3 + 2 / 3),
        ("2026-11-28 13:00", "2026-11-30 08:00", 0),
        ("2026-09-30 17:00", "2026-10-08 09:30", 1),
        ("2026-11-23 10:00", "2026-11-23 10:00", 0),
        ("2026-11-24 10:00", "2026-11-23 10:00", 0),
        ("2026-11-23 00:00", "2026-11-30 00:00", 38),
    ],
)
def test_nights_lunch_breaks_sundays_and_holidays_are_not_worked(start: str, end: str, hours: float) -> None:
    """What is left between two moments; nothing backwards."""
    assert Hours.read(OFFICE).worked(at(start), at(end)) == timedelta(hours=hours)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_who_is_always_there_works_all_the_time(moment: datetime, span: timedelta) -> None:
    """To the microsecond; who is never there works none of it."""
    start = moment.replace(tzinfo=UTC)
    assert Hours.read("always").worked(start, start + span) == span
    assert Hours.read("never").worked(start, start + span) == timedelta(0)


NIGHTS = "周一 05:00-09:00; 周三 09:00-17:00; 周五 22:00-06:00; 周日 20:00-04:00"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([OFFICE, NIGHTS, "always", "每天 18:00-02:30", "周末 全天"]),
    st.sets(st.integers(0, 13), max_size=4),
    st.sets(st.integers(0, 13), max_size=4),
    st.integers(0, 12 * 96),
    st.integers(0, 4 * 96),
    st.booleans(),
)
def test_what_was_worked_is_the_sum_of_the_open_quarters(
    text: str, off: set[int], on: set[int], start: int, length: int, calendar: bool
) -> None:
    """Around the holidays of October 2026, with night shifts that reach into a Saturday worked with Monday's hours."""
    first = date(2026, 10, 1)

    def dates(days: set[int]) -> str:
        return ",".join(str(first + timedelta(days=day)) for day in days)

    hours = Hours.read(text, dates(off), dates(on - off), calendar=calendar)
    begin = at("2026-10-01 00:00") + start * QUARTER
    there = sum(hours.open_at(begin + number * QUARTER) for number in range(length))
    assert hours.worked(begin, begin + length * QUARTER) == there * QUARTER


def test_hours_that_overlap_on_a_weekend_day_worked_count_once() -> None:
    """Friday's night shift lasts until six on Saturday the 10th, which has Monday's hours from five."""
    assert Hours.read(NIGHTS).worked(at("2026-10-10 04:00"), at("2026-10-10 10:00")) == timedelta(hours=5)


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),
    st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_the_visitors_zone_does_not_matter(moment: datetime, zone: timezone) -> None:
    """The same moment is judged alike, however it is told."""
    hours = Hours.read(OFFICE)
    here = moment.replace(tzinfo=UTC)
    there = here.astimezone(zone)
    assert hours.open_at(here) is hours.open_at(there)
    assert hours.next_opening(here) == hours.next_opening(there)
    assert say_when(here, there) == say_when(there, here)


def test_a_moment_without_a_zone_is_refused() -> None:
    """It would mean another moment on each machine."""
    naive = datetime(2026, 11, 23, 10)
    with pytest.raises(ValueError, match="zone"):
        PLAIN.open_at(naive)
    with pytest.raises(ValueError, match="zone"):
        PLAIN.next_opening(naive)
    with pytest.raises(ValueError, match="zone"):
        PLAIN.worked(naive, naive)
    with pytest.raises(ValueError, match="zone"):
        say_when(naive, naive)


@given(st.text("周一二五六日天至到-:;,、 0123459全天", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never anything but HoursError."""
    with suppress(HoursError):
        assert Hours.read(text, calendar=False).describe()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("周一至周五 09:00-12:00,13:30-17:30", "周一至周五 9:00–12:00、13:30–17:30，法定节假日除外"),
        (OFFICE, "周一至周五 9:00–12:00、13:30–17:30；周六 9:00–12:00，法定节假日除外"),
        ("1,3,5 09:00-12:00", "周一、周三、周五 9:00–12:00，法定节假日除外"),
        ("周末 10:00-16:00", "周六、周日 10:00–16:00，法定节假日除外"),
        ("1-3,6 08:05-24:00", "周一至周三、周六 8:05–24:00，法定节假日除外"),
        ("每天 22:00-06:00", "每天 22:00–次日6:00，法定节假日除外"),
        ("周一至周五 全天", "周一至周五全天，法定节假日除外"),
        ("always", "每天全天"),
        ("never", "暂无人工客服值守"),
    ],
)
def test_visitors_are_told_the_regular_hours(text: str, told: str) -> None:
    """Days alike are told together."""
    assert Hours.read(text).describe() == told


def test_holidays_are_no_exception_where_they_are_worked() -> None:
    """Nor are they mentioned."""
    assert PLAIN.describe() == "周一至周五 9:00–12:00、13:30–17:30；周六 9:00–12:00"


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-09-30 13:30", "今天 13:30"),
        ("2026-10-01 09:00", "明天 9:00"),
        ("2026-10-08 09:05", "周四（10月8日）9:05"),
        ("2027-01-04 09:00", "周一（2027年1月4日）9:00"),
        ("2026-09-29 09:00", "周二（9月29日）9:00"),
    ],
)
def test_a_moment_is_told_as_visitors_would_tell_it(moment: str, told: str) -> None:
    """Near ones by today and tomorrow, others by weekday and date, those of another year with it."""
    assert say_when(at(moment), at("2026-09-30 12:10")) == told


def test_tomorrow_begins_at_midnight_in_shanghai() -> None:
    """Whose server keeps UTC is not a day behind."""
    assert say_when(at("2026-11-24 09:00"), datetime(2026, 11, 23, 16, 30, tzinfo=UTC)) == "今天 9:00"


def test_hours_with_the_same_meaning_are_equal() -> None:
    """They can be compared and kept in a set, as settings are."""
    assert {Hours.read(OFFICE), Hours.read(OFFICE)} == {Hours.read(OFFICE)}
    assert Hours.read("", holidays="2026-10-01").holidays == {date(2026, 10, 1)}
