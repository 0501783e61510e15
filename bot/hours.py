"""When staff are there, told from a line such as "周一至周五 09:00-12:00,13:30-17:30; 周六 09:00-12:00".

Pure. It knows the public holidays of China as far as the package chinesecalendar does: the State Council announces each
year's in the November before, a new release of the package follows. In a year it does not know (see `knows_holidays`)
only the days that the law fixes by date are taken for holidays; the operator can set the others.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final

import chinese_calendar  # type: ignore[import-untyped]

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has kept no summer time since 1991, so a fixed offset is exact and needs no time zone database."""

FARTHEST: Final = timedelta(days=60)
"""How far ahead an opening is looked for."""

Span = tuple[int, int]
"""Minutes since the midnight that begins the day; an end above 1440 lies on the next day."""

_DAY: Final = 24 * 60
_ALL_DAY: Final[Span] = (0, _DAY)
NAMES: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
"""What the days are called, Monday first."""
_NUMBERS: Final = {sign: index % 7 for index, sign in enumerate("一二三四五六日1234567")} | {"天": 6}
_SETS: Final = {"每天": range(7), "每日": range(7), "工作日": range(5), "周末": range(5, 7)}
_TO: Final = r"\s*(?:-|–|—|~|至|到)\s*"
_RULE: Final = re.compile(r"(?P<days>.*?)\s*(?P<times>(?:\d{1,2}:|全天).*)", re.DOTALL)
_ONE: Final = r"(?:周|星期|礼拜)?([一二三四五六日天1-7])"
_DAYS: Final = re.compile(rf"{_ONE}(?:{_TO}{_ONE})?")
_SPAN: Final = re.compile(rf"(\d{{1,2}}):(\d\d){_TO}(\d{{1,2}}):(\d\d)")
_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*(?:\.\.|~|至|到)\s*(\d{4}-\d\d-\d\d))?")
_LONGEST: Final = timedelta(days=366)
_FIXED: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""Months and days of 全国年节及纪念日放假办法 (2024), article 2, that follow the solar calendar."""


class HoursError(ValueError):
    """The operator's hours or dates cannot be read; the Chinese message names the part."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Regular spans of each day, Monday first, and the dates on which they do not hold.

    A span belongs to the day on which it begins: 周五 22:00-06:00 lasts until Saturday morning, whatever day that is.
    A weekend day that is worked (调休) has the hours of Monday, any other day worked those of its own weekday.
    """

    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    calendar: bool = True
    """Whether public holidays are taken off and the days worked in exchange for them are worked."""

    @classmethod
    def read(cls, hours: str, holidays: str = "", workdays: str = "", *, calendar: bool = True) -> Hours:
        """Hours as an operator writes them; HoursError where that cannot be read.

        `hours`: days and times by `;`. "" or "never" (从不) is never; "always" (全天) is at any time, public holidays
        too. A span that ends before it begins lasts until the next day. Spans that overlap are an error.
        `holidays`, `workdays`: dates and ranges, 2026-10-01..2026-10-07, 2026-12-31. They win over the public calendar.
        """
        rest, work = _dates(holidays), _dates(workdays)
        if both := rest & work:
            raise HoursError(f"{min(both)} 既设为休息日，又设为上班日，请只保留一处。")
        text = unicodedata.normalize("NFKC", hours).strip()
        if text.lower() in {"always", "全天"}:
            return cls(((_ALL_DAY,),) * 7, rest, work, calendar=False)
        if text.lower() in {"", "never", "从不"}:
            return cls(((),) * 7, rest, work, calendar=calendar)
        return cls(_week(text), rest, work, calendar=calendar)

    def open_at(self, moment: datetime) -> bool:
        """Whether staff are there at an aware moment of any zone. A span holds its beginning and not its end."""
        local = _local(moment)
        return any(
            start <= local < end for ago in (1, 0) for start, end in self._spans(local.date() - timedelta(days=ago))
        )

    def next_opening(self, moment: datetime) -> datetime | None:
        """The first moment after this one at which staff come, in Shanghai time; None where that is over 60 days away.

        While staff are there it is when they come the next time, so there is none where they never leave.
        """
        local = _local(moment)
        for ahead in range(FARTHEST.days + 1):
            for start, _ in self._spans(local.date() + timedelta(days=ahead)):
                if local < start <= local + FARTHEST and not self.open_at(start - timedelta.resolution):
                    return start
        return None

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time between two aware moments staff were there; nothing where the end is not later."""
        begin, until = _local(start), _local(end)
        worked = timedelta(0)
        day = begin.date() - timedelta(days=1)  # whose last span may reach into the first day
        while day <= until.date():
            for opening, closing in self._spans(day):
                if max(opening, begin) < min(closing, until):
                    worked += min(closing, until) - max(opening, begin)
                    begin = min(closing, until)  # a night shift may reach into the hours of a weekend day worked
            day += timedelta(days=1)
        return worked

    def describe(self) -> str:
        """The regular hours for visitors, without a full stop: 周一至周五 9:00–12:00、13:30–17:30，法定节假日除外."""
        days: dict[tuple[Span, ...], list[int]] = {}
        for number, spans in enumerate(self.week):
            if spans:
                days.setdefault(spans, []).append(number)
        if not days:
            return "暂无人工客服值守"
        said = ((_say_days(numbers), say_spans(spans)) for spans, numbers in days.items())
        told = "；".join(f"{names}{'' if spans == '全天' else ' '}{spans}" for names, spans in said)
        return f"{told}，法定节假日除外" if self.calendar else told

    def of(self, day: date) -> tuple[Span, ...]:
        """The spans of one day."""
        worked = self.exception(day)
        if worked is False:
            return ()
        return self.week[0 if worked and day.weekday() >= 5 else day.weekday()]

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        midnight = datetime.combine(day, time(), SHANGHAI)
        for start, end in self.of(day):
            yield midnight + timedelta(minutes=start), midnight + timedelta(minutes=end)

    def exception(self, day: date) -> bool | None:
        """Whether the day is worked or off by exception; None for a day like any other of its weekday."""
        if day in self.holidays or day in self.workdays:
            return day in self.workdays
        return _public(day) if self.calendar else None


def say_when(moment: datetime, now: datetime) -> str:
    """A moment for visitors in Shanghai time, as seen from `now`: 今天 13:30, 明天 9:00 or 周一（10月8日）9:00."""
    there, here = _local(moment), _local(now)
    clock = _clock(there.hour * 60 + there.minute)
    away = (there.date() - here.date()).days
    if away in {0, 1}:
        return f"{('今天', '明天')[away]} {clock}"
    year = f"{there.year}年" if there.year != here.year else ""
    return f"{NAMES[there.weekday()]}（{year}{there.month}月{there.day}日）{clock}"


def knows_holidays(year: int) -> bool:
    """Whether the public holidays of a year are known; if not, the operator should set them or renew the package."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=1024)
def _public(day: date) -> bool | None:
    if not knows_holidays(day.year):
        return False if (day.month, day.day) in _FIXED else None
    free, name = chinese_calendar.get_holiday_detail(day)
    return None if name is None else not free


def _local(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("A moment needs its time zone.")
    return moment.astimezone(SHANGHAI)


def _week(text: str) -> tuple[tuple[Span, ...], ...]:
    week: list[list[Span]] = [[] for _ in range(7)]
    for rule in filter(None, map(str.strip, re.split(r"[;\n]", text))):
        matched = _RULE.fullmatch(rule)
        if not matched or not matched["days"]:
            raise HoursError(f"服务时间「{rule}」无法识别，请写成「周一至周五 09:00-12:00,13:30-17:30」的形式。")
        spans = [_span(part, rule) for part in _parts(matched["times"])]
        for number in sorted({number for part in _parts(matched["days"]) for number in _numbers(part, rule)}):
            week[number] += spans
    for spans in week:
        spans.sort()
    for number, spans in enumerate(week):
        following = [(start + _DAY, end + _DAY) for start, end in week[(number + 1) % 7][:1]]
        for (_, end), (start, _) in zip(spans, [*spans[1:], *following], strict=False):
            if start < end:
                raise HoursError(f"服务时间「{text}」中，{NAMES[number]}的时间段与另一时间段重叠。")
    return tuple(map(tuple, week))


def _numbers(part: str, rule: str) -> range:
    if part in _SETS:
        return _SETS[part]
    matched = _DAYS.fullmatch(part)
    if not matched:
        raise HoursError(f"服务时间「{rule}」中的「{part}」不是星期，请写成「周一至周五」或「1-5」的形式。")
    first = _NUMBERS[matched[1]]
    last = _NUMBERS[matched[2] or matched[1]]
    if last < first:
        raise HoursError(f"服务时间「{rule}」中的「{part}」先后颠倒，请从周一写到周日。")
    return range(first, last + 1)


def _span(part: str, rule: str) -> Span:
    if part == "全天":
        return _ALL_DAY
    matched = _SPAN.fullmatch(part)
    hours = [int(matched[number]) for number in (1, 2, 3, 4)] if matched else []
    if not hours or hours[1] > 59 or hours[3] > 59:
        raise HoursError(f"服务时间「{rule}」中的「{part}」不是时间段，请写成「09:00-12:00」的形式。")
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= _DAY or end > _DAY or start == end:
        raise HoursError(f"服务时间「{rule}」中的「{part}」不是有效的时间段；整天请写「全天」。")
    return start, end if start < end else end + _DAY


def _dates(text: str) -> frozenset[date]:
    days: set[date] = set()
    for part in _parts(unicodedata.normalize("NFKC", text)):
        matched = _DATES.fullmatch(part)
        try:
            first, last = map(date.fromisoformat, (matched[1], matched[2] or matched[1]) if matched else ("", ""))
        except ValueError:
            raise HoursError(f"「{part}」不是日期，请写成 2026-10-01 或 2026-10-01..2026-10-07 的形式。") from None
        if not timedelta(0) <= last - first <= _LONGEST:
            raise HoursError(f"「{part}」先后颠倒，或超过一年，请检查。")
        days.update(first + timedelta(days=number) for number in range((last - first).days + 1))
    return frozenset(days)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,、;\n]", text) if part.strip()]


def _say_days(numbers: list[int]) -> str:
    if len(numbers) == 7:
        return "每天"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return "、".join(
        f"{NAMES[run[0]]}至{NAMES[run[-1]]}" if len(run) > 2 else "、".join(NAMES[number] for number in run)
        for run in runs
    )


def say_spans(spans: tuple[Span, ...]) -> str:
    """The spans of a day in words: 9:00–12:00、13:30–17:30."""
    if spans == (_ALL_DAY,):
        return "全天"
    return "、".join(
        f"{_clock(start)}–{_clock(end) if end <= _DAY else f'次日{_clock(end - _DAY)}'}" for start, end in spans
    )


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


ALWAYS: Final = Hours.read("always")
