"""What is heard on QQ, answered once and in order, over the real Bot and store."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fake import entry, index_of, knowledge_of

from bot import wording as said_by_bot
from bot.api.limit import Limit
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.escalation import HUMAN
from bot.model import Picture
from bot.picture import BUSY, PictureError
from bot.qq import wording
from bot.qq.clerk import PICTURES_AT_ONCE, Pictures
from bot.qq.errand import TOO_MANY
from bot.qq.fetch import FAILED
from bot.qq.inbox import Inbox, Limits
from bot.qq.model import Address, Heard, Opening
from bot.store.base import StoreError, Transaction
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Pass, Turn, TurnError

T = TypeVar("T")

PICTURE = "https://gchat.qpic.cn/x"
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
LI = Address("qq", "102", "LI")
WANG = Address("qq", "102", "WANG")
IN_GROUP = Address("qq", "102", "LI-in-group", "GROUP")


class Told:
    """What would go out besides what the bot says."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.texts, self.held = store, list[str](), False

    async def more(self, conversation_id: str, heard: Heard | None = None) -> bool:  # noqa: ARG002
        was, self.held = self.held, False
        if was and heard:
            self.store.write(lambda rows: rows.end_heard(heard))
        return was

    async def tell(self, conversation_id: str, text: str, heard: Heard | None = None) -> None:  # noqa: ARG002
        if heard:
            self.store.write(lambda rows: rows.end_heard(heard))
        self.texts.append(text)


class House:
    """A bot on QQ; each `run` is a process's life."""

    def __init__(self, store: SqliteStore) -> None:
        knowledge = knowledge_of(
            entry("a-1", "账号被锁定怎么办", "请等六小时。"), entry("a-2", "忘记密码怎么办", "点这里。")
        )
        self.store, self.told = store, Told(store)
        self.bot = Bot(store, Desk(index_of(knowledge), (HUMAN,), Thresholds()))
        self.rate = "1000/minute"

        self.fetched = list[str]()
        self.kept = count(1)
        self.album: Callable[[Pass], str] = self.no_album
        self.now = START + timedelta(minutes=1)
        self.tickets = "20/hour"

    def no_album(self, holder: Pass) -> str:  # noqa: ARG002
        raise PictureError("图片没有收到。")

    def one_album(self, holder: Pass) -> str:
        kept = Picture(f"picture-{next(self.kept)}-0000", holder.conversation_id, "image/png", 1, 1, 1, START)
        self.bot.add_picture(holder, kept)
        return kept.id

    def fetch(self, url: str, address: Address, seconds: float) -> bytes:  # noqa: ARG002
        self.fetched.append(url)
        return url.encode()

    def keep(self, holder: Pass, data: bytes) -> str:  # noqa: ARG002
        return self.album(holder)

    def run(self, deed: Callable[[Inbox], Awaitable[object]]) -> None:
        async def live() -> None:
            limits = Limits(Limit(self.rate), Limit("1000/minute"), Limit(self.tickets), Limit("1/minute"))
            pictures = Pictures(self.fetch, self.keep)
            inbox = Inbox(self.bot, self.store, self.told, pictures, limits, clock=lambda: self.now)
            await inbox.resume()
            await deed(inbox)
            while inbox.busy:
                await asyncio.sleep(0.01)
            await inbox.close()

        asyncio.run(live())

    @contextmanager
    def without(self, row: str, times: int = 1_000_000) -> Iterator[list[str]]:
        """The store does not take writes of a kind, so many times, though all is done for them; those it did not."""
        write, failed = self.store.write, list[str]()

        def failing(work: Callable[[Transaction], T]) -> T:
            def undone(rows: Transaction) -> T:
                work(rows)
                failed.append(row)
                raise StoreError("full")

            return write(undone if row in work.__code__.co_names and len(failed) < times else work)

        self.store.write = failing  # type: ignore[method-assign]
        yield failed
        self.store.write = write  # type: ignore[method-assign]

    def hear(self, *heard: Heard) -> None:
        async def deed(inbox: Inbox) -> None:
            await asyncio.gather(*(inbox.take(each) for each in heard))

        self.run(deed)

    def break_at(self, text: str) -> None:
        """The bot breaks at a text."""
        turn = self.bot.turn

        def broken(incoming: Incoming, *args: Any, **more: Any) -> Turn:
            if incoming.text == text:
                raise KeyError(incoming.text)
            return turn(incoming, *args, **more)

        self.bot.turn = broken  # type: ignore[method-assign]

    def meanwhile(self, work: Callable[[Transaction, str], object]) -> None:
        """Something is done to a conversation just before its next turn."""
        turn = self.bot.turn

        def late(incoming: Incoming, holder: Pass, *args: Any, **more: Any) -> Turn:
            self.bot.turn = turn  # type: ignore[method-assign]
            self.store.write(lambda rows: work(rows, holder.conversation_id))
            return turn(incoming, holder, *args, **more)

        self.bot.turn = late  # type: ignore[assignment, method-assign]

    def dialogue(self, address: Address = LI) -> list[tuple[str, str]]:
        chat = self.store.read(lambda rows: rows.chat_at(address))
        assert chat is not None
        messages = self.store.read(lambda rows: rows.messages(chat.conversation_id))
        return [(message.author, message.text) for message in messages]


def heard(number: int, text: str, address: Address = LI, *pictures: str) -> Heard:
    return Heard(address, f"message-{number}", text, pictures, START + timedelta(seconds=number))


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not reached():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.qq.inbox._PAUSES", (0.01,))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield House(store)
    store.close()


def test_a_message_is_answered_in_the_conversation_of_its_address(house: House) -> None:
    """The next one goes on in it; who asks in a group has another one there."""
    house.hear(heard(1, "账号被锁定怎么办"))
    house.hear(heard(2, "忘记密码怎么办"))
    house.hear(heard(3, "忘记密码怎么办", IN_GROUP))
    assert house.dialogue() == [
        ("visitor", "账号被锁定怎么办"),
        ("bot", "请等六小时。"),
        ("visitor", "忘记密码怎么办"),
        ("bot", "点这里。"),
    ]
    assert house.dialogue(IN_GROUP) == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]
    assert house.told.texts == []


def test_what_comes_again_changes_nothing(house: House) -> None:
    """At once, out of order, and after a restart."""
    events = [heard(n, "账号被锁定怎么办") for n in range(4)]
    house.hear(*events)
    again = events * 3
    random.Random(1).shuffle(again)
    house.hear(*again)
    house.hear(*reversed(events))
    assert len(house.dialogue()) == 8
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_many_people_are_answered_each_in_order(house: House) -> None:
    """However their messages are mixed."""
    people = [Address("onebot", "10001", f"{n}") for n in range(40)]
    events = [
        Heard(who, f"{n}-{who.user}", f"忘记密码怎么办，第 {n} 次问", (), START) for n in range(4) for who in people
    ]
    house.hear(*events)
    for who in people:
        asked = [text for author, text in house.dialogue(who) if author == "visitor"]
        assert asked == [f"忘记密码怎么办，第 {n} 次问" for n in range(4)]


def test_what_was_kept_and_not_answered_is_answered_after_a_restart(house: House) -> None:
    """Once, be the process gone before the turn, or after it and before it was noted."""
    first, second = heard(1, "账号被锁定怎么办"), heard(2, "忘记密码怎么办")
    house.hear(first)
    house.store.write(lambda rows: rows.add_heard(second))
    house.run(lambda _: asyncio.sleep(0))
    assert [text for author, text in house.dialogue() if author == "visitor"] == [first.text, second.text]

    async def cut_off(inbox: Inbox) -> None:
        await inbox.take(heard(3, "账号被锁定怎么办"))
        await asyncio.sleep(0.3)
        await inbox.close()

    with house.without("end_heard"):
        house.run(cut_off)
    assert len(house.store.read(lambda rows: rows.unanswered())) == 1
    house.run(lambda _: asyncio.sleep(0))
    assert len(house.dialogue()) == 6
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_what_cannot_be_kept_is_not_acknowledged(house: House) -> None:
    """Whoever told of it hears so, and its repetition is answered."""

    async def refused(inbox: Inbox) -> None:
        with house.without("add_heard"), pytest.raises(StoreError):
            await inbox.take(heard(1, "账号被锁定怎么办"))
        await inbox.take(heard(1, "账号被锁定怎么办"))

    house.run(refused)
    assert house.dialogue() == [("visitor", "账号被锁定怎么办"), ("bot", "请等六小时。")]


def test_what_comes_while_another_is_answered_is_kept_at_once(house: House) -> None:
    """However long that answer takes."""
    going = threading.Event()
    turn = house.bot.turn
    house.bot.turn = lambda *args, **more: (going.wait(10), turn(*args, **more))[1]  # type: ignore[assignment]

    async def deed(inbox: Inbox) -> None:
        await inbox.take(heard(1, "账号被锁定怎么办"))
        await inbox.take(heard(2, "忘记密码怎么办"))
        assert len(house.store.read(lambda rows: rows.unanswered())) == 2
        going.set()

    house.run(deed)
    assert [text for author, text in house.dialogue() if author == "bot"] == ["请等六小时。", "点这里。"]


def test_a_message_that_breaks_something_is_said_to_and_holds_up_no_other(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged without its words, and does not come again at each start."""
    house.break_at("我的密码")
    house.hear(heard(1, "我的密码"), heard(2, "忘记密码怎么办"))
    assert [text for author, text in house.dialogue() if author == "visitor"] == ["忘记密码怎么办"]
    assert house.told.texts == [wording.FAILED]
    assert "KeyError" in caplog.text
    assert "我的密码" not in caplog.text
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_a_onebot_message_is_tried_until_it_is_kept(house: House) -> None:
    """Its client does not bring it again."""
    who = Address("onebot", "10001", "20001")
    with house.without("add_heard", 3) as failed:
        house.hear(heard(1, "账号被锁定怎么办", who))
    assert len(failed) == 3
    assert house.dialogue(who) == [("visitor", "账号被锁定怎么办"), ("bot", "请等六小时。")]


def test_who_has_to_wait_until_it_is_kept_is_not_overtaken(house: House) -> None:
    """By what the same person says next."""
    who = Address("onebot", "10001", "20001")
    with house.without("add_heard", 1):
        house.hear(heard(1, "账号被锁定怎么办", who), heard(2, "忘记密码怎么办", who))
    assert [text for author, text in house.dialogue(who) if author == "visitor"] == [
        "账号被锁定怎么办",
        "忘记密码怎么办",
    ]


def test_what_waits_at_the_start_is_not_refused_for_its_number(house: House) -> None:
    """They were counted when they came."""
    house.rate = "1/minute"
    house.hear(heard(0, "你好"))
    for n in range(1, 4):
        house.store.write(lambda rows, n=n: rows.add_heard(heard(n, "忘记密码怎么办")))
    house.run(lambda _: asyncio.sleep(0))
    assert house.told.texts == []
    assert len(house.dialogue()) == 8


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (heard(1, ""), wording.UNREADABLE),
        (heard(1, "", LI, PICTURE), "图片没有收到。"),
        (heard(1, "", LI, *[PICTURE] * 6), f"图片没有收到。\n{TOO_MANY}"),
        (heard(1, "", IN_GROUP, PICTURE), wording.NO_PICTURES_HERE),
        (heard(1, "问" * 2001), "消息太长了，请控制在 2000 字以内，或分几条发送。"),
    ],
    ids=["nothing", "no picture", "too many pictures", "picture in a group", "too long"],
)
def test_what_cannot_be_taken_is_said_to_be(house: House, message: Heard, said: str) -> None:
    """And is no part of the conversation."""
    house.hear(message)
    assert house.told.texts == [said]
    assert house.dialogue(message.address) == []


def test_who_says_too_much_is_told_once(house: House) -> None:
    """What came above the limit is not answered, and others are."""
    house.rate = "2/minute"
    house.hear(*(heard(n, "账号被锁定怎么办") for n in range(6)), heard(9, "忘记密码怎么办", WANG))
    assert len(house.dialogue()) == 4
    assert len(house.told.texts) == 1
    assert house.told.texts[0].startswith("发送太频繁了")
    assert len(house.dialogue(WANG)) == 2


def test_the_rest_of_a_long_answer_is_let_go(house: House) -> None:
    """「继续」 is a question like any other where nothing is left."""
    house.told.held = True
    house.hear(heard(1, "继续"))
    assert house.dialogue() == []
    house.hear(heard(2, "继续"))
    assert house.dialogue()[0] == ("visitor", "继续")


def test_in_a_group_no_ticket_begins(house: House) -> None:
    """Whoever wants a person is asked to come in private, where one does."""
    house.hear(heard(1, "转人工", IN_GROUP), heard(2, "转人工", LI))
    assert house.dialogue(IN_GROUP)[1][1] == said_by_bot.not_here(HUMAN.dossier.label)
    chats = [house.store.read(lambda rows, who=who: rows.chat_at(who)) for who in (IN_GROUP, LI)]
    tickets = [house.store.read(lambda rows, chat=chat: rows.tickets(chat.conversation_id)) for chat in chats if chat]
    assert [len(each) for each in tickets] == [0, 1]


def test_in_a_quiet_group_nothing_is_said_but_answers(house: House) -> None:
    """Neither that a picture is not looked at nor that nothing was understood."""
    house.hear(heard(1, "账号被锁定怎么办", IN_GROUP))
    assert house.store.write(lambda rows: rows.set_group("qq", "102", "GROUP", None, "quiet"))
    house.hear(heard(2, "", IN_GROUP, PICTURE), heard(3, "", IN_GROUP))
    assert house.told.texts == []
    house.hear(heard(4, "忘记密码怎么办", IN_GROUP))
    assert house.dialogue(IN_GROUP)[-1] == ("bot", "点这里。")


def test_where_a_group_is_switched_off_nothing_is_answered(house: House) -> None:
    """Neither stored as said."""
    house.hear(heard(1, "账号被锁定怎么办", IN_GROUP))
    assert house.store.write(lambda rows: rows.set_group("qq", "102", "GROUP", None, "off"))
    house.hear(heard(2, "账号被锁定怎么办", IN_GROUP))
    assert len(house.dialogue(IN_GROUP)) == 2
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_an_answer_can_reply_to_each_message(house: House) -> None:
    """The chat says to which ones, however often one had to be tried."""
    house.hear(heard(1, "账号被锁定怎么办"))
    with house.without("end_heard", 1):
        house.hear(heard(2, "忘记密码怎么办"))
    chat = house.store.read(lambda rows: rows.chat_at(LI))
    assert chat is not None
    assert chat.openings == tuple(Opening(f"message-{n}", START + timedelta(seconds=n)) for n in (1, 2))


@pytest.mark.parametrize(("address", "lasts"), [(LI, timedelta(hours=24)), (IN_GROUP, timedelta(hours=1))])
def test_what_waited_too_long_for_the_next_start_is_forgotten(
    house: House, caplog: pytest.LogCaptureFixture, address: Address, lasts: timedelta
) -> None:
    """In a group the talk has gone on; the operator is told how many there were, and nothing of them."""
    house.hear(heard(1, "账号被锁定怎么办", address))
    for n in (2, 3):
        house.store.write(lambda rows, n=n: rows.add_heard(heard(60 * n, "忘记密码怎么办", address)))
    house.now = START + timedelta(minutes=2, seconds=30) + lasts
    house.run(lambda _: asyncio.sleep(0))
    assert [text for author, text in house.dialogue(address) if author == "visitor"] == [
        "账号被锁定怎么办",
        "忘记密码怎么办",
    ]
    assert house.store.read(lambda rows: rows.unanswered()) == []
    assert [record.getMessage() for record in caplog.records] == ["QQ：有 1 条消息等待过久，不再回答"]


# Tried again


@pytest.mark.parametrize("row", ["_look", "_record", "end_heard"])
def test_what_could_not_be_kept_is_tried_again_from_there(house: House, row: str) -> None:
    """A picture is fetched once and belongs to the message, which is said once."""
    house.album = house.one_album
    with house.without(row, 2) as failed:
        house.hear(heard(1, "账号被锁定怎么办", LI, PICTURE, PICTURE))
    assert len(failed) == 2
    assert house.fetched == [PICTURE, PICTURE]
    chat = house.store.read(lambda rows: rows.chat_at(LI))
    assert chat is not None
    said = [m for m in house.store.read(lambda rows: rows.messages(chat.conversation_id)) if m.author == "visitor"]
    assert [m.text for m in said] == ["账号被锁定怎么办", ""]
    assert {m.picture for m in said} == {"picture-1-0000", "picture-2-0000"}
    assert house.store.read(lambda rows: rows.unanswered()) == []


@pytest.mark.parametrize("row", ["_record", "end_heard"])
def test_a_picture_that_did_not_come_is_not_fetched_at_each_try(house: House, row: str) -> None:
    """The visitor is told of it."""
    with house.without(row, 2):
        house.hear(heard(1, "账号被锁定怎么办", LI, PICTURE))
    assert house.fetched == [PICTURE]
    assert house.told.texts == ["图片没有收到。"]
    assert len(house.dialogue()) == 2


def test_what_the_bot_did_not_take_is_not_asked_of_it_again(house: House) -> None:
    """What it says to that may change with the time."""
    asked = list[int]()

    def refuse(*_: Any, **__: Any) -> Turn:
        asked.append(len(asked))
        raise TurnError(f"请 {60 - len(asked)} 秒后再试。")

    house.bot.turn = refuse  # type: ignore[method-assign]
    with house.without("end_heard", 2):
        house.hear(heard(1, "账号被锁定怎么办"))
    assert house.told.texts == ["请 59 秒后再试。"]


def test_a_ticket_is_counted_once(house: House) -> None:
    """However often the message that hands it in has to be tried; the next one counts anew."""
    house.tickets = "1/hour"
    with house.without("_record", 2) as failed:
        house.hear(heard(1, "转人工"))
    assert len(failed) == 2
    assert house.told.texts == []
    chat = house.store.read(lambda rows: rows.chat_at(LI))
    assert chat is not None
    [ticket] = house.store.read(lambda rows: rows.tickets(chat.conversation_id))
    assert ticket.status == "waiting"


def test_all_that_is_said_to_a_message_goes_out_at_once(house: House) -> None:
    """What holds for several pictures is said once."""
    house.hear(heard(1, "问" * 2001, LI, PICTURE, PICTURE))
    assert house.told.texts == ["图片没有收到。\n消息太长了，请控制在 2000 字以内，或分几条发送。"]


def test_a_picture_that_cannot_be_kept_does_not_take_the_words_with_it(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The disk may be full."""

    def full(_: Pass) -> str:
        raise OSError("No space left on device")

    house.album = full
    house.hear(heard(1, "账号被锁定怎么办", LI, PICTURE))
    assert house.dialogue()[0] == ("visitor", "账号被锁定怎么办")
    assert house.told.texts == [FAILED]
    assert "图片无法处理" in caplog.text


@pytest.mark.parametrize("kept", [True, False])
def test_what_was_answered_before_a_restart_is_not_fetched_again(house: House, *, kept: bool) -> None:
    """Nor said again; where its picture did not come, the visitor is told so."""
    house.album = house.one_album if kept else house.no_album

    async def cut_off(inbox: Inbox) -> None:
        await inbox.take(heard(1, "账号被锁定怎么办", LI, PICTURE))
        await until(lambda: failed)
        await inbox.close()

    with house.without("end_heard") as failed:
        house.run(cut_off)
    before, house.told.texts = house.dialogue(), []
    house.run(lambda _: asyncio.sleep(0))
    assert house.fetched == [PICTURE]
    assert house.dialogue() == before
    assert house.told.texts == ([] if kept else [FAILED])
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_a_number_that_is_given_again_is_another_message(house: House) -> None:
    """OneBot's may be, long after what had it was forgotten; it is no repetition then."""
    house.hear(heard(1, "账号被锁定怎么办"))
    house.store.write(lambda rows: rows.forget_heard(START + timedelta(days=1)))
    house.now += timedelta(days=40)
    house.hear(replace(heard(1, "忘记密码怎么办"), at=START + timedelta(days=40)))
    assert [text for author, text in house.dialogue() if author == "visitor"] == ["账号被锁定怎么办", "忘记密码怎么办"]


# Nobody is held up


def test_who_cannot_be_told_is_answered_all_the_same(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Their next message, at once; the one that broke something does not come again."""
    house.break_at("我的密码")

    async def broken(conversation_id: str, text: str, heard: Heard | None = None) -> None:  # noqa: ARG001
        raise LookupError("我的密码")

    house.told.tell = broken  # type: ignore[method-assign]
    house.hear(heard(1, "我的密码"), heard(2, "忘记密码怎么办"))
    assert house.dialogue() == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]
    assert house.store.read(lambda rows: rows.unanswered()) == []
    assert "KeyError" in caplog.text
    assert "LookupError" in caplog.text
    assert "我的密码" not in caplog.text


def test_who_is_to_be_told_is_told_as_soon_as_that_can_be_kept(house: House) -> None:
    """That a message could not be dealt with does not wait for the next start."""
    house.break_at("我的密码")
    with house.without("end_heard", 2):
        house.hear(heard(1, "我的密码"), heard(2, "忘记密码怎么办"))
    assert house.told.texts == [wording.FAILED]
    assert house.dialogue() == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_in_a_quiet_group_nothing_is_said_of_what_broke(house: House) -> None:
    """It is forgotten."""
    house.break_at("我的密码")
    house.hear(heard(1, "账号被锁定怎么办", IN_GROUP))
    assert house.store.write(lambda rows: rows.set_group("qq", "102", "GROUP", None, "quiet"))
    house.hear(heard(2, "我的密码", IN_GROUP))
    assert house.told.texts == []
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_who_has_to_wait_for_the_store_takes_nobodys_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are answered meanwhile."""
    monkeypatch.setattr("bot.qq.inbox.AT_ONCE", 1)
    monkeypatch.setattr("bot.qq.inbox._PAUSES", (60.0,))

    def full(_: Pass) -> str:
        raise StoreError("full")

    house.album = full

    async def deed(inbox: Inbox) -> None:
        await inbox.take(heard(1, "账号被锁定怎么办", LI, PICTURE))
        await inbox.take(heard(2, "忘记密码怎么办", WANG))
        await until(lambda: len(house.store.read(lambda rows: rows.unanswered())) == 1)
        await inbox.close()

    house.run(deed)
    assert house.dialogue(WANG) == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]


class Stalled:
    """Pictures that do not come; `going` ends that. How many are fetched at the same time, at most."""

    def __init__(self) -> None:
        self.going, self.counting = threading.Event(), threading.Lock()
        self.now = self.most = 0

    def __call__(self, url: str, address: Address, seconds: float) -> bytes:  # noqa: ARG002
        with self.counting:
            self.now += 1
            self.most = max(self.most, self.now)
        self.going.wait(seconds)
        with self.counting:
            self.now -= 1
        raise PictureError(FAILED)


def test_who_waits_for_pictures_takes_nobodys_place(house: House) -> None:
    """Be they many: others are answered meanwhile, their own next words after that, and memory is bounded."""
    stalled = Stalled()
    house.fetch = stalled  # type: ignore[method-assign]
    people = [Address("qq", "102", f"SENDER{n}") for n in range(20)]

    async def deed(inbox: Inbox) -> None:
        for n, who in enumerate(people):
            await inbox.take(heard(n, "", who, *[PICTURE] * 5))
            await inbox.take(heard(100 + n, "忘记密码怎么办", who))
        await inbox.take(heard(200, "账号被锁定怎么办", WANG))
        await until(lambda: len(house.store.read(lambda rows: rows.unanswered())) == 40)
        stalled.going.set()

    house.run(deed)
    assert house.dialogue(WANG) == [("visitor", "账号被锁定怎么办"), ("bot", "请等六小时。")]
    assert all(house.dialogue(who)[0] == ("visitor", "忘记密码怎么办") for who in people)
    assert house.told.texts == [FAILED] * 20
    assert stalled.most == PICTURES_AT_ONCE


def test_the_pictures_of_a_message_share_one_deadline(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are fetched together; who has to wait for others' longer than that is told to send them again."""
    monkeypatch.setattr("bot.qq.clerk.SECONDS", 0.5)
    house.fetch = Stalled()  # type: ignore[method-assign]
    began = time.monotonic()
    house.hear(*(heard(n, "", Address("qq", "102", f"SENDER{n}"), *[PICTURE] * 5) for n in range(20)))
    assert time.monotonic() - began < 5
    assert house.told.texts == [FAILED] * 20


def test_a_picture_that_takes_long_to_draw_holds_up_no_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are more than one drawn at a time; who has to wait too long is told so."""
    monkeypatch.setattr("bot.qq.clerk.SECONDS", 0.5)
    going, drawn = threading.Event(), list[str]()

    def slow(holder: Pass) -> str:
        drawn.append(holder.conversation_id)
        assert going.wait(10)
        return house.one_album(holder)

    house.album = slow

    async def deed(inbox: Inbox) -> None:
        for n in range(10):
            await inbox.take(heard(n, "", Address("qq", "102", f"SENDER{n}"), PICTURE))
        await inbox.take(heard(20, "账号被锁定怎么办", WANG))
        await until(lambda: len(house.told.texts) == 9)
        assert house.dialogue(WANG) == [("visitor", "账号被锁定怎么办"), ("bot", "请等六小时。")]
        going.set()

    house.run(deed)
    assert len(drawn) == 1
    assert house.told.texts == [BUSY] * 9


def test_what_is_kept_while_the_inbox_closes_is_answered_after_the_next_start(house: House) -> None:
    """Nobody is told that it could not be dealt with."""

    async def deed(inbox: Inbox) -> None:
        await inbox.close()
        await inbox.take(heard(1, "忘记密码怎么办"))

    house.run(deed)
    assert house.told.texts == []
    house.run(lambda _: asyncio.sleep(0))
    assert house.dialogue() == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]


# The chat goes meanwhile


@pytest.mark.parametrize("address", [LI, IN_GROUP], ids=["private", "quiet group"])
def test_a_message_whose_conversation_is_deleted_meanwhile_begins_another(house: House, address: Address) -> None:
    """It is neither lost nor answered with words about a web page; a picture goes with it."""
    house.album = house.one_album
    house.hear(heard(1, "账号被锁定怎么办", address))
    house.store.write(lambda rows: rows.set_group("qq", "102", "GROUP", None, "quiet"))
    house.meanwhile(lambda rows, name: rows.delete_conversation(name))
    house.hear(heard(2, "忘记密码怎么办", address, PICTURE))
    assert house.told.texts == []
    assert house.dialogue(address) == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_who_goes_on_in_the_web_chat_meanwhile_is_told_on_qq_what_was_not_taken(house: House) -> None:
    """In another conversation there; what was taken is not said again in it."""
    house.hear(heard(1, "账号被锁定怎么办"))
    house.meanwhile(lambda rows, name: rows.drop_chat(name))
    house.hear(heard(2, "问" * 2001))
    assert len(house.told.texts) == 1
    assert house.told.texts[0].startswith("消息太长了")
    assert house.dialogue() == []
    house.album = house.one_album
    house.meanwhile(lambda rows, name: rows.drop_chat(name))
    house.hear(heard(3, "忘记密码怎么办", LI, *[PICTURE] * 6))
    assert house.told.texts[1:] == [TOO_MANY]
    assert house.dialogue() == []


def test_what_is_not_meant_is_not_kept(house: House) -> None:
    """The store says what is."""

    async def deed(inbox: Inbox) -> None:
        await inbox.take(heard(1, "账号被锁定怎么办"), lambda rows: rows.is_ours(LI, "x"))
        await inbox.take(heard(2, "忘记密码怎么办"), lambda rows: not rows.is_ours(LI, "x"))

    house.run(deed)
    assert house.dialogue() == [("visitor", "忘记密码怎么办"), ("bot", "点这里。")]
