"""Figures as tables, from which the page draws charts and the CSV is written: the same numbers in all three. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, TypeAlias

from bot.hours import NAMES, SHANGHAI
from bot.metric import Figures
from bot.sheet import Cell

Colour: TypeAlias = Literal["accent", "good", "warn", "bad", "quiet"]
Kind: TypeAlias = Literal["bar", "line", "across", "none"]

FEW: Final = 20
"""Of fewer cases no share is told, for one case more or less would change it by five points."""
DECISIONS: Final[tuple[tuple[str, str, Colour], ...]] = (
    ("answer", "已答", "good"),
    ("clarify", "反问", "warn"),
    ("reject", "未能回答", "bad"),
    ("escalate", "转人工", "accent"),
    ("talk", "闲谈", "quiet"),
)
JUDGEMENTS: Final = (
    ("confirmed", "确认有帮助", "访客点了「有帮助」"),
    ("refuted", "确认没帮助", "访客点了「没帮助」"),
    ("assumed_left", "推测满意（离开）", "没有评价，也没有再追问，之后离开"),
    ("assumed_went_on", "推测满意（继续）", "没有评价，接着问了别的问题并得到解答，或继续办理"),
    ("unclear", "说不清", "没有评价，之后又问了同样的问题、没有得到解答，或由人工接待"),
    ("pending", "尚无结果", "没有评价，会话还没有结束"),
)
ABANDONED: Final = (
    ("clarify", "反问之后", "机器人请访客选择，访客没有再说话"),
    ("reject", "未能回答之后", "机器人没有找到答案，访客没有再说话"),
    ("offer", "提出转人工之后", "机器人建议转人工，访客没有接受也没有再说话"),
    ("form", "登记途中", "正在登记转人工所需的信息，访客没有再说话"),
)
DEEDS: Final = (
    ("handed_in", "提交"),
    ("taken", "接手"),
    ("reopened", "重新打开"),
    ("resolved", "解决"),
    ("closed", "关闭"),
    ("cancelled", "访客取消"),
    ("expired", "超时关闭"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included; `days`: where it is the last so many."""

    first: date
    last: date
    days: int | None

    @property
    def all(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """From when it lasts, and until before when."""
        first, after = self.first, self.last + timedelta(days=1)
        return datetime.combine(first, time(), SHANGHAI), datetime.combine(after, time(), SHANGHAI)


@dataclass(frozen=True, slots=True)
class Names:
    """What systems, entries and reasons are called, by key."""

    systems: Mapping[str, str]
    entries: Mapping[str, str]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; with a colour it is drawn."""

    title: str
    colour: Colour | None = None
    number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns, the first of which names them. `empty`: there is nothing that the table could say."""

    title: str
    about: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    kind: Kind = "none"
    empty: bool = False

    @property
    def most(self) -> int:
        """The largest number in it, at least 1."""
        return max((cell for row in self.rows for cell in row if isinstance(cell, int)), default=1) or 1


def charts(figures: Figures, names: Names, period: Period) -> dict[str, Table]:
    """All tables of the page by name."""
    days = [(day, figures.days.get(day, {})) for day in period.all]
    return {
        "volume": _volume(days),
        "decisions": _decisions(days),
        "answers": _answers(figures),
        "abandoned": _abandoned(figures),
        "tickets": _tickets(figures, names),
        "stars": _stars(figures),
        "entries": _entries(figures, names),
        "systems": _systems(figures, names),
        "hours": _hours(figures),
    }


def share(part: int, whole: int) -> str:
    """A part with its share, 「82%」; of few cases only how many there were."""
    if whole < FEW:
        return f"{part} / {whole}"
    return f"{part / whole:.0%}"


def _volume(days: Sequence[tuple[date, Mapping[str, int]]]) -> Table:
    rows = [(day, found.get("conversations", 0), found.get("visitor_messages", 0)) for day, found in days]
    return Table(
        "每天的咨询量",
        "会话按开始的日期计，消息按发送的日期计，只计访客发送的消息。",
        (_named("日期"), Column("会话", "accent"), Column("访客消息", "quiet")),
        rows,
        "bar",
        not any(row[1] or row[2] for row in rows),
    )


def _decisions(days: Sequence[tuple[date, Mapping[str, int]]]) -> Table:
    rows: list[Sequence[Cell]] = [(day, *(found.get(name, 0) for name, _, _ in DECISIONS)) for day, found in days]
    return Table(
        "机器人的回复",
        "每条回复只计一类。反问：有几个条目可能符合，请访客选择。闲谈：问候、感谢等，不是对问题的回答。",
        (_named("日期"), *(Column(title, colour) for _, title, colour in DECISIONS)),
        rows,
        "bar",
        not any(any(row[1:]) for row in rows),
    )


def _answers(figures: Figures) -> Table:
    answers = figures.answers
    return Table(
        "回答之后怎样了",
        "每个回答只属于其中一类。「推测」不是访客说的，不应与「确认」相加；多数满意的访客什么也不说。",
        (_named("结果"), Column("次数", "accent"), _named("含义")),
        [(title, getattr(answers, name), meaning) for name, title, meaning in JUDGEMENTS],
        "across",
        not answers.given,
    )


def _abandoned(figures: Figures) -> Table:
    return Table(
        "中途离开",
        "一次来访没有下文就结束了，最后是机器人在等访客。一次来访：两条消息之间没有长时间停顿的一段对话。",
        (_named("离开之前"), Column("次数", "warn"), _named("含义")),
        [(title, figures.abandoned.get(name, 0), meaning) for name, title, meaning in ABANDONED],
        "across",
        not figures.visits,
    )


def _tickets(figures: Figures, names: Names) -> Table:
    rows: list[Sequence[Cell]] = [
        (names.reasons.get(reason, reason), *(deeds.get(name, 0) for name, _ in DEEDS))
        for reason, deeds in sorted(figures.tickets.by_reason.items(), key=lambda each: -each[1].get("handed_in", 0))
    ]
    columns = [Column(title, "accent" if name == "handed_in" else None) for name, title in DEEDS]
    return Table(
        "转人工的事由",
        "这段时间里受理单发生的变化；同一张受理单可以提交、接手、解决各计一次。",
        (_named("事由"), *columns),
        rows,
        "across",
        not rows,
    )


def _stars(figures: Figures) -> Table:
    stars = figures.tickets.stars
    return Table(
        "满意度评分",
        "受理单结束后访客给的星数，同一张受理单以最后一次为准。",
        (_named("星数"), Column("次数", "warn")),
        [(f"{count} 星", stars.get(count, 0)) for count in range(5, 0, -1)],
        "across",
        not any(stars.values()),
    )


def _entries(figures: Figures, names: Names) -> Table:
    found = sorted(figures.entries.items(), key=lambda each: (-each[1].get("given", 0), each[0]))
    return Table(
        "回答最多的条目",
        "有帮助、没帮助是访客点的，多数访客不点，所以两者之和通常远小于回答次数。",
        (_named("条目"), _named("问题"), Column("回答", "accent"), Column("有帮助"), Column("没帮助")),
        [
            (
                entry,
                names.entries.get(entry, "（已不在知识库中）"),
                *(counts.get(each, 0) for each in ("given", "confirmed", "refuted")),
            )
            for entry, counts in found
        ],
        "none",
        not found,
    )


def _systems(figures: Figures, names: Names) -> Table:
    rows: list[Sequence[Cell]] = [
        (
            names.systems.get(system, system) or "未指明",
            *(
                counts.get(each, 0)
                for each in ("conversations", "visitor_messages", *(name for name, _, _ in DECISIONS[:4]))
            ),
            counts.get("confirmed", 0),
            counts.get("refuted", 0),
        )
        for system, counts in sorted(figures.systems.items(), key=lambda each: -each[1].get("visitor_messages", 0))
    ]
    titles = ("会话", "访客消息", *(title for _, title, _ in DECISIONS[:4]), "有帮助", "没帮助")
    return Table(
        "各系统",
        "回答计在条目所属的系统，其余计在会话所属的系统；不知道是哪个系统的归入「未指明」。",
        (_named("系统"), *(Column(title, "accent" if title == "访客消息" else None) for title in titles)),
        rows,
        "across",
        not rows,
    )


def _hours(figures: Figures) -> Table:
    return Table(
        "什么时候来问",
        "访客消息的条数，按北京时间的星期和钟点；颜色越深，消息越多。",
        (_named("星期"), *(Column(f"{hour} 时") for hour in range(24))),
        [(NAMES[number], *counts) for number, counts in enumerate(figures.hours)],
        "none",
        not any(map(any, figures.hours)),
    )


def _named(title: str) -> Column:
    return Column(title, number=False)


def lasting(wait: timedelta | None) -> str:
    """A wait as staff read it, 「1 小时 20 分钟」; a dash where there is none."""
    if wait is None:
        return "—"
    minutes = round(wait.total_seconds() / 60)
    if minutes < 1:
        return "不到 1 分钟"
    days, hours, left = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {left} 分钟" if left else f"{hours} 小时"
    return f"{left} 分钟"
