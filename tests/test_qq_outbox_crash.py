"""The way out to QQ, cut off at every moment and begun anew: nothing is lost, and what can be known is not doubled."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outgoing import (
    COUNTED,
    ENDLESS,
    SORRY,
    Clock,
    Crash,
    FakeLine,
    Fault,
    Hall,
    lines_of,
    portions,
    raises,
    run,
    running,
    until,
)

from bot.qq.line import Content, Expired, Later, Refused
from bot.qq.model import Address
from bot.qq.outbox import Outbox
from bot.qq.parcel import PORTION
from bot.store.sqlite import SqliteStore

T = TypeVar("T")


class Fuse:
    """Counts everything that is done to the outside, before and after, and ends the process at one of these moments."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.passed = 0

    def __call__(self, _: str = "") -> None:
        self.passed += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash

    @contextmanager
    def on(self, hall: Hall) -> Iterator[None]:
        """Watch a hall's store and line."""

        def watched(deed: Callable[..., T]) -> Callable[..., T]:
            def do(*arguments: Any) -> T:
                self()
                done = deed(*arguments)
                self()
                return done

            return do

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hall.store, "write", watched(hall.store.write))
            patch.setattr(hall.store, "read", watched(hall.store.read))
            patch.setattr(hall.line, "always", self)
            yield


def crash_everywhere(make: Callable[[Path], Hall]) -> Iterator[Hall]:
    """The same delivery once for each moment at which it can be cut off, then begun anew: halls after all is done."""
    for moment in itertools.count():
        with tempfile.TemporaryDirectory() as folder:
            hall = make(Path(folder) / "bot.db")
            fuse = Fuse()
            with fuse.on(hall):
                fuse.left = moment
                outbox = hall.outbox()
                crashed = False
                try:
                    run(lambda outbox=outbox: finished(hall, outbox))  # noqa: B023
                except Crash:
                    crashed = True
            hall.store.close()
            hall.store = SqliteStore(hall.path)
            with closing(hall.store):
                hall.deliver()
                yield hall
            if not crashed:
                assert moment > 8
                return


async def finished(hall: Hall, outbox: Outbox) -> None:
    """Run an outbox until it is done, without touching what is watched."""
    async with running(outbox):
        await until(lambda: not outbox._busy and not outbox._woken.is_set() and bool(hall.line.sent))
        await asyncio.sleep(0.005)
        await until(lambda: not outbox._busy and not outbox._woken.is_set())


def test_a_crash_at_any_moment_neither_loses_nor_doubles_nor_reorders_replies() -> None:
    """Before and after each look, each transaction and each sending; the platform drops what comes again."""

    def make(path: Path) -> Hall:
        hall = Hall(path, replace(COUNTED, replies=20))
        hall.open()
        hall.open("d", group="g")
        hall.say("一")
        hall.say(lines_of("a", PORTION + 1))
        hall.say("问", author="visitor")
        hall.say("二", author="agent")
        hall.say("三\n四", "d")
        return hall

    moments = 0
    for hall in crash_everywhere(make):
        moments += 1
        assert [text for text, _ in portions(hall.texts())] == ["一", *(f"a.{n}" for n in range(PORTION)), "二"]
        assert hall.texts("d") == ["三", "四"]
        assert [piece.state for piece in hall.pieces()] == [*["sent"] * (PORTION + 1), "held", "sent"]
        assert {sent.reply for sent in hall.line.sent if sent.user == "c"} == set(range(1, PORTION + 3))
    assert moments > 30


@pytest.mark.parametrize("forwards", [True, False])
def test_a_crash_at_any_moment_loses_nothing_and_doubles_one_at_most_where_the_platform_knows_no_repeats(
    forwards: bool,
) -> None:
    """A push that was under way, or a message that was being forwarded, goes again: whether it arrived is not known."""

    def make(path: Path) -> Hall:
        hall = Hall(path, replace(COUNTED, replies=0) if not forwards else ENDLESS, forwards=forwards)
        hall.open()
        hall.say("一\n二")
        hall.say("三\n四\n五", author="agent")
        hall.line._check = lambda *_: None  # type: ignore[method-assign]  # it drops nothing
        return hall

    doubled = set()
    for hall in crash_everywhere(make):
        texts = hall.texts()
        again = [text for text, count in Counter(texts).items() if count > 1]
        assert list(dict.fromkeys(texts)) == ["一", "二", "三", "四", "五"]
        assert again in ([], ["一", "二"], ["三", "四", "五"]) if forwards else len(again) <= 1
        assert set(hall.states()) == {"sent"}
        doubled.add(tuple(again))
    assert len(doubled) > 1  # or nothing was cut off in the middle


# Anything, in any order

NAMES = ("c", "d")
FAULTS: dict[str, Callable[[], Fault]] = {
    "later": lambda: raises(Later("稍后")),
    "unclear": lambda: raises(Later("没有答复"), "after"),
    "expired": lambda: raises(Expired("已过期")),  # it looks at the time before it looks whether it has it already
    "refused": lambda: raises(Refused("拒收")),
    "fault": lambda: raises(ValueError("x")),
}
EVENTS = st.one_of(
    st.tuples(st.just("bot"), st.sampled_from(NAMES), st.integers(1, 2 * PORTION + 1)),
    st.tuples(st.just("agent"), st.sampled_from(NAMES), st.integers(1, PORTION + 1)),
    st.tuples(st.just("hear"), st.sampled_from(NAMES), st.just(0)),
    st.tuples(st.just("more"), st.sampled_from(NAMES), st.just(0)),
    st.tuples(st.just("fault"), st.sampled_from(sorted(FAULTS)), st.just(0)),
    st.tuples(st.just("time"), st.just(""), st.sampled_from([3, 40])),
    st.tuples(st.just("run"), st.just(""), st.just(0)),
    st.tuples(st.just("crash"), st.just(""), st.integers(0, 40)),
)


@dataclass
class Witness(FakeLine):
    """A line that also counts what arrived without the sender knowing."""

    clock: Clock
    unclear: Counter[Content] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__(self.clock)

    async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:
        before = len(self.sent)
        try:
            return await super().send(address, content, message_id, reply)
        except BaseException:
            self.unclear[content] += sum(sent.text == content for sent in self.sent[before:])
            raise


@settings(max_examples=60)
@given(st.lists(EVENTS, max_size=25))
def test_whatever_happens_every_message_is_sent_once_and_in_order_or_is_known_not_to_be(
    events: list[tuple[str, str, int]],
) -> None:
    """Messages, the user's and time going on, errors of all kinds and crashes at all moments, mixed at will."""
    with tempfile.TemporaryDirectory() as folder:
        hall = Hall(Path(folder) / "bot.db")
        hall.line = witness = Witness(hall.clock)
        hall.lines["qq"] = witness
        with closing(hall.store):
            for name in NAMES:
                hall.open(name, group="g" if name == "d" else None)
            for number, event in enumerate([*events, ("run", "", 0)]):
                happen(hall, number, event)
            witness.faults.clear()
            hall.deliver()
            for name in NAMES:
                check(hall, witness, name)


def happen(hall: Hall, number: int, event: tuple[str, str, int]) -> None:
    match event:
        case ("bot" | "agent") as author, name, count:
            hall.say(lines_of(f"{number}", count), name, author=author)  # type: ignore[arg-type]
        case "hear", name, _:
            hall.hear(name)
        case "more", name, _:
            hall.more(name)
        case "fault", kind, _:
            hall.line.faults.append(FAULTS[kind]())
            hall.line.lied |= kind == "expired"
        case "time", _, minutes:
            hall.clock.go_on(minutes=minutes)
        case "run", _, _:
            hall.deliver()
        case "crash", _, moment:
            fuse = Fuse()
            with fuse.on(hall):
                fuse.left = moment
                try:
                    hall.deliver()
                except Crash:
                    hall.crashes += 1


def check(hall: Hall, witness: Witness, name: str) -> None:
    pieces = {piece.text: piece for piece in hall.pieces(name) if piece.text != SORRY}
    texts = [text for text in hall.texts(name) if text != SORRY]
    times = Counter(texts)
    cursor = hall.store.read(lambda t: t.chat(name)).cursor  # type: ignore[union-attr]
    assert cursor == len(hall.store.read(lambda t: t.messages(name)))
    assert set(times) <= set(pieces)
    more = {text: times[text] - (piece.state == "sent") for text, piece in pieces.items()}
    assert {piece.state for piece in pieces.values()} <= {"sent", "held", "failed"}
    assert min(more.values(), default=0) >= 0  # what counts as sent arrived
    assert sum(more.values()) <= sum(witness.unclear[text] for text in pieces) + hall.crashes
    doubled = {text for text, count in times.items() if count > 1}
    if not witness.lied:  # else what had arrived as a reply without our knowing was pushed
        first = {sent.text: sent.message_id for sent in reversed(witness.sent)}
        assert all(first[text] is None for text in doubled)
    replies = [(sent.message_id, sent.reply) for sent in witness.sent if sent.message_id]
    assert len(set(replies)) == len(replies)
    order = [(pieces[text].sequence, pieces[text].number) for text in dict.fromkeys(texts)]
    assert [at for at in order if at[1] < PORTION] == sorted(at for at in order if at[1] < PORTION)
    by_message = defaultdict(list)
    for sequence, at in order:
        by_message[sequence].append(at)
    assert all(numbers == list(range(len(numbers))) for numbers in by_message.values())
    assert hall.reasons(name) <= {
        "拒收",
        "已过期",
        "访客没有继续查看其余部分",
        "超过 1 小时未能送达",
        "稍后",
        "没有答复",
        "程序内部错误",
        "程序内部错误，可能已经送达",
    }
