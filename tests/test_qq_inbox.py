"""What is heard on QQ, answered once and in order, over the real Bot and store."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
from bot.picture import PictureError
from bot.qq import wording
from bot.qq.inbox import Inbox, Limits
from bot.qq.model import Address, Heard
from bot.store.base import StoreError, Transaction
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Pass, Turn

T = TypeVar("T")

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
        self.texts.append(text)
        if heard:
            self.store.write(lambda rows: rows.end_heard(heard))


class House:
    """A bot on QQ; each `run` is a process's life."""

    def __init__(self, store: SqliteStore) -> None:
        knowledge = knowledge_of(
            entry("a-1", "账号被锁定怎么办", "请等六小时。"), entry("a-2", "忘记密码怎么办", "点这里。")
        )
        self.store, self.told = store, Told(store)
        self.bot = Bot(store, Desk(index_of(knowledge), (HUMAN,), Thresholds()))
        self.rate = "1000/minute"

    def keep_picture(self, holder: Pass, url: str, address: Address) -> str:  # noqa: ARG002
        raise PictureError("图片没有收到。")

    def run(self, deed: Callable[[Inbox], Awaitable[object]]) -> None:
        async def live() -> None:
            limits = Limits(Limit(self.rate), Limit("1000/minute"), Limit("20/hour"), Limit("1/minute"))
            inbox = Inbox(self.bot, self.store, self.told, self.keep_picture, limits)
            await inbox.resume()
            await deed(inbox)
            while inbox.busy:
                await asyncio.sleep(0.01)
            await inbox.close()

        asyncio.run(live())

    @contextmanager
    def without(self, row: str, times: int = 1_000_000) -> Iterator[list[str]]:
        """The store does not take writes of a kind, so many times; those it did not take."""
        write, failed = self.store.write, list[str]()

        def failing(work: Callable[[Transaction], T]) -> T:
            if row in work.__code__.co_names and len(failed) < times:
                failed.append(row)
                raise StoreError("full")
            return write(work)

        self.store.write = failing  # type: ignore[method-assign]
        yield failed
        self.store.write = write  # type: ignore[method-assign]

    def hear(self, *heard: Heard) -> None:
        async def deed(inbox: Inbox) -> None:
            await asyncio.gather(*(inbox.take(each) for each in heard))

        self.run(deed)

    def dialogue(self, address: Address = LI) -> list[tuple[str, str]]:
        chat = self.store.read(lambda rows: rows.chat_at(address))
        assert chat is not None
        messages = self.store.read(lambda rows: rows.messages(chat.conversation_id))
        return [(message.author, message.text) for message in messages]


def heard(number: int, text: str, address: Address = LI, *pictures: str) -> Heard:
    return Heard(address, f"message-{number}", text, pictures, START + timedelta(seconds=number))


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
    turn = house.bot.turn

    def broken(incoming: Incoming, *args: Any, **more: Any) -> Turn:
        if incoming.text == "我的密码":
            raise KeyError(incoming.text)
        return turn(incoming, *args, **more)

    house.bot.turn = broken  # type: ignore[method-assign]
    house.hear(heard(1, "我的密码"), heard(2, "忘记密码怎么办"))
    assert [text for author, text in house.dialogue() if author == "visitor"] == ["忘记密码怎么办"]
    assert house.told.texts == [wording.FAILED]
    assert "KeyError" in caplog.text
    assert "我的密码" not in caplog.text
    assert house.store.read(lambda rows: rows.unanswered()) == []


def test_a_onebot_message_is_tried_until_it_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client does not bring it again."""
    monkeypatch.setattr("bot.qq.inbox._PAUSES", (0.01,))
    who = Address("onebot", "10001", "20001")
    with house.without("add_heard", 3) as failed:
        house.hear(heard(1, "账号被锁定怎么办", who))
    assert len(failed) == 3
    assert house.dialogue(who) == [("visitor", "账号被锁定怎么办"), ("bot", "请等六小时。")]


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
        (heard(1, "", LI, "https://gchat.qpic.cn/x"), "图片没有收到。"),
        (heard(1, "", IN_GROUP, "https://gchat.qpic.cn/x"), wording.NO_PICTURES_HERE),
        (heard(1, "问" * 2001), "消息太长了，请控制在 2000 字以内，或分几条发送。"),
    ],
    ids=["nothing", "no picture", "picture in a group", "too long"],
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
    house.hear(heard(2, "", IN_GROUP, "https://gchat.qpic.cn/x"), heard(3, "", IN_GROUP))
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


def test_an_answer_replies_to_the_last_message(house: House) -> None:
    """The chat says to which one, and counts replies anew."""
    house.hear(heard(1, "账号被锁定怎么办"))
    house.hear(heard(2, "忘记密码怎么办"))
    chat = house.store.read(lambda rows: rows.chat_at(LI))
    assert chat is not None
    assert (chat.message_id, chat.heard_at, chat.replies) == ("message-2", START + timedelta(seconds=2), 0)
