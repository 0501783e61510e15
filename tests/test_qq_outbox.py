"""What goes out to QQ: in order, once, as replies as long as there are any, and nothing is lost by a crash anywhere."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from typing import TypeVar

import pytest
from outgoing import (
    ENDLESS,
    LONG,
    SORRY,
    Crash,
    FakeLine,
    Fault,
    Hall,
    lines_of,
    once,
    portions,
    raises,
    run,
    running,
    until,
)
from stored import NOW

from bot.model import Conversation, Message
from bot.qq import outbox as module
from bot.qq.line import Later, Refused, Unclear, Unfiled, Unfit
from bot.qq.model import Address, Chat, Heard, Opening, Piece
from bot.qq.outbox import AT_ONCE, LONGEST_PAUSE, NEW_CHATS
from bot.qq.outcome import Delivery, outcomes
from bot.qq.parcel import PORTION
from bot.store.base import ConstraintError, StoreError, Transaction

pytest_plugins = ("halls",)

T = TypeVar("T")


# What goes out


def test_what_bot_and_staff_said_goes_out_in_order(hall: Hall) -> None:
    """As first, second, third reply to the user's last message; what the user said does not."""
    hall.say("问", author="visitor")
    hall.say("一")
    hall.say("二", author="agent")
    hall.say("三\n四")
    hall.deliver()
    assert hall.texts() == ["一", "二", "三", "四"]
    assert hall.replies() == [("m1", number) for number in (1, 2, 3, 4)]
    assert [(piece.sequence, piece.number, piece.state, piece.platform_id) for piece in hall.pieces()] == [
        (2, 0, "sent", "p1"),
        (3, 0, "sent", "p2"),
        (4, 0, "sent", "p3"),
        (4, 1, "sent", "p4"),
    ]
    assert hall.store.read(lambda t: t.chat("c")) == Chat("c", Address("qq", "bot", "c"), 4, (Opening("m1", NOW, 4),))


def test_what_was_delivered_does_not_go_out_again(hall: Hall) -> None:
    """The next start has only what is new."""
    hall.say("一")
    hall.deliver()
    hall.deliver()
    hall.say("二")
    hall.deliver()
    assert hall.texts() == ["一", "二"]


def test_after_the_users_next_message_replies_are_counted_anew(hall: Hall) -> None:
    """They reply to that one."""
    hall.say("一")
    hall.deliver()
    assert hall.hear() == "m2"
    hall.say("二")
    hall.deliver()
    assert hall.replies() == [("m1", 1), ("m2", 1)]


def test_a_message_that_is_not_to_go_to_qq_is_passed_over(hall: Hall) -> None:
    """What the bot says in a group that is to be quiet, for one."""
    hall.text = lambda _, message, __: "" if message.text == "静" else message.text
    hall.say("静", author="agent")
    hall.say("一")
    hall.deliver()
    assert hall.texts() == ["一"]


def test_addresses_are_rewritten_only_where_they_must_be_filed(hall: Hall) -> None:
    """Elsewhere they stay as they are."""
    hall.say("a.example")
    hall.deliver()
    hall.line.filed = True
    hall.say("b.example")
    hall.tell("c.example")
    hall.deliver()
    assert hall.texts() == ["a.example", "c。example", "b。example"]


def test_a_message_for_a_platform_that_is_not_set_up_fails(hall: Hall) -> None:
    """The others go on."""
    hall.open("d", platform="onebot")
    hall.say("一\n二", "d")
    hall.tell("三", "d")
    hall.say("四")
    hall.deliver()
    assert hall.states("d") == ["failed", "failed"]
    assert hall.reasons("d") == {"没有启用这个平台的接入"}
    assert hall.texts() == ["四"]


# Long messages


def test_of_a_long_message_one_portion_goes_and_the_rest_waits_until_asked_for(hall: Hall) -> None:
    """The last piece of each portion says how much is left and how to get it."""
    hall.say(lines_of("a", 2 * PORTION + 1))
    hall.deliver()
    expected = [(f"a.{number}", "") for number in range(PORTION - 1)]
    expected.append((f"a.{PORTION - 1}", f"（内容较长，还有 {PORTION + 1} 段，回复「继续」查看。）"))
    assert portions(hall.texts()) == expected
    assert outcomes(hall.pieces()) == {1: Delivery("held")}
    hall.hear()
    assert hall.more() is True
    hall.deliver()
    hinted = [number for number, (_, hint) in enumerate(portions(hall.texts())) if hint]
    assert hinted == [PORTION - 1, 2 * PORTION - 1]
    assert len(hall.texts()) == 2 * PORTION
    hall.hear()
    assert hall.more() is True
    assert hall.more() is False
    hall.deliver()
    assert [text for text, _ in portions(hall.texts())] == lines_of("a", 2 * PORTION + 1).split("\n")
    assert hall.texts()[-1] == f"a.{2 * PORTION}"
    assert outcomes(hall.pieces()) == {1: Delivery("sent")}


def test_a_message_that_just_fits_has_no_hint(hall: Hall) -> None:
    """Nothing is held of it."""
    hall.say(lines_of("a", PORTION))
    hall.deliver()
    assert hall.texts() == lines_of("a", PORTION).split("\n")
    assert hall.more() is False


def test_room_is_left_for_the_hint(hall: Hall) -> None:
    """With it no piece is longer than the platform takes."""
    given: list[int] = []
    hall.say(lines_of("a", PORTION + 1))

    def split(text: str, longest: int) -> list[str]:
        given.append(longest)
        return text.split("\n")

    run(lambda: once(hall, hall.outbox(split=split)))
    assert given[0] == hall.line.longest
    assert given[-1] + len(hall.texts()[-1].removeprefix(f"a.{PORTION - 1}").encode()) <= hall.line.longest


def test_the_rest_may_be_asked_for_days_later(hall: Hall) -> None:
    """It is as old as the question for it."""
    hall.say(lines_of("a", PORTION + 1))
    hall.deliver()
    hall.clock.go_on(days=3)
    hall.hear()
    assert hall.more()
    hall.deliver()
    assert len(hall.texts()) == PORTION + 1


def test_the_question_for_more_is_answered_by_the_portion(hall: Hall) -> None:
    """In one transaction: taken up again after a crash it would ask twice. Where nothing is held it stays open."""
    heard = Heard(Address("qq", "bot", "c"), "m9", "继续", (), NOW)
    hall.store.write(lambda t: t.add_heard(heard))
    assert hall.more(heard=heard) is False
    assert hall.store.read(lambda t: t.unanswered()) == [heard]
    hall.say(lines_of("a", PORTION + 1))
    hall.deliver()
    assert hall.more(heard=heard) is True
    assert hall.store.read(lambda t: t.unanswered()) == []


def test_the_bots_next_answer_takes_the_place_of_what_is_held(hall: Hall) -> None:
    """A colleague's short word does not, nor an answer without words."""
    hall.say(lines_of("a", PORTION + 1))
    hall.say("稍等", author="agent")
    hall.say(" ")
    hall.deliver()
    assert outcomes(hall.pieces()) == {1: Delivery("held"), 2: Delivery("sent")}
    hall.say("另一个回答")
    hall.deliver()
    assert outcomes(hall.pieces())[1] == Delivery("failed", "访客没有继续查看其余部分")
    assert hall.more() is False


def test_more_always_means_the_last_long_message(hall: Hall) -> None:
    """A colleague's long one, too, takes the place of what is held."""
    hall.say(lines_of("a", PORTION + 1))
    hall.say(lines_of("b", PORTION + 1), author="agent")
    hall.deliver()
    assert hall.more()
    hall.deliver()
    assert hall.texts()[-1] == f"b.{PORTION}"
    assert f"a.{PORTION}" not in hall.texts()


def test_nothing_is_held_where_replies_are_not_counted(endless: Hall) -> None:
    """However long it is."""
    endless.say(lines_of("a", 3 * PORTION))
    endless.deliver()
    assert endless.texts() == lines_of("a", 3 * PORTION).split("\n")


# Words besides


def test_words_besides_are_numbered_on_and_each_stands_for_itself(hall: Hall) -> None:
    """One that is refused takes no other with it, and no message."""
    hall.tell("甲\n乙")
    hall.tell("丙")
    hall.clock.go_on(seconds=1)
    hall.say("一")
    hall.line.faults = [raises(Refused("不行"))]
    hall.deliver()
    assert hall.texts() == ["乙", "丙", "一"]
    assert [(piece.sequence, piece.number, piece.state) for piece in hall.pieces()] == [
        (0, 0, "failed"),
        (0, 1, "sent"),
        (0, 2, "sent"),
        (1, 0, "sent"),
    ]
    assert outcomes(hall.pieces()) == {1: Delivery("sent")}


def test_a_word_besides_goes_after_what_was_said_before_it(hall: Hall) -> None:
    """Be that lined up already or not; and no word comes between the pieces of an answer."""

    def tell(text: str) -> Fault:
        def fault(when: str) -> None:
            if when == "before":
                hall.clock.go_on(seconds=1)
                hall.store.write(lambda t: hall.outbox()._packing.add(t, "c", text))

        return fault

    hall.line.faults = [tell("甲")]
    hall.say("一\n二")
    hall.clock.go_on(seconds=1)
    hall.say("三")
    hall.clock.go_on(seconds=1)
    hall.tell("乙")
    hall.clock.go_on(seconds=1)
    hall.say("四", at=NOW - timedelta(minutes=1))  # the clock was set back: messages keep their order
    hall.deliver()
    assert hall.texts() == ["一", "二", "三", "四", "乙", "甲"]


def test_a_word_answers_what_was_heard(hall: Hall) -> None:
    """In one transaction, so that it is not said twice; also where the chat is gone."""
    heard = [Heard(Address("qq", "bot", "c"), name, "", (), NOW) for name in ("x", "y")]
    for one in heard:
        hall.store.write(lambda t, one=one: t.add_heard(one))
    hall.tell("甲", heard=heard[0])
    hall.tell("乙", "nobody", heard[1])
    assert hall.store.read(lambda t: t.unanswered()) == []
    hall.deliver()
    assert [sent.text for sent in hall.line.sent] == ["甲"]


# What goes wrong


def test_what_may_be_taken_later_is_tried_again_as_the_same_reply(hall: Hall) -> None:
    """After pauses that grow up to a minute, and begin anew after a success."""
    late = raises(Later("平台暂时出错"))
    hall.line.faults = [*[late] * 9, lambda _: None, late]
    hall.say("一")
    hall.say("二")
    hall.deliver()
    assert hall.texts() == ["一", "二"]
    assert [(sent.message_id, sent.reply) for sent in hall.line.tried] == [("m1", 1)] * 10 + [("m1", 2)] * 2
    assert hall.clock.slept == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]


def test_the_platform_may_say_how_long_to_wait(hall: Hall) -> None:
    """But neither to try at once for ever nor to be silent for hours."""
    hall.line.faults = [raises(Later("太频繁", wait)) for wait in (40.0, 0.5, 7200.0)]
    hall.say("一")
    hall.deliver()
    assert hall.clock.slept == [40, 2, LONGEST_PAUSE]


def test_while_a_message_rests_it_is_known_why(hall: Hall) -> None:
    """And no longer once it is sent."""
    seen = {}

    def look(when: str) -> None:
        if when == "before":
            seen.update(outcomes(hall.pieces()))

    hall.line.faults = [raises(Later("没有连接")), look]
    hall.say("一")
    hall.deliver()
    assert seen == {1: Delivery("sending", "没有连接")}
    assert outcomes(hall.pieces()) == {1: Delivery("sent")}


def test_what_was_taken_without_an_answer_is_not_doubled(hall: Hall) -> None:
    """The platform knows it when it comes again, and that is a success."""
    hall.line.faults = [raises(Later("没有答复"), "after")]
    hall.say("一\n二")
    hall.deliver()
    assert hall.texts() == ["一", "二"]
    assert hall.states() == ["sent", "sent"]
    assert len(hall.line.tried) == 3


@pytest.mark.parametrize(("group", "hours"), [(None, 24), ("g", 1)])
def test_what_is_not_taken_for_long_is_given_up(hall: Hall, group: str | None, hours: int) -> None:
    """With the last reason; what was said later is given up later."""
    hall.open("d", group=group)
    hall.line.always = raises(Later("没有连接"))
    first = hall.say("一\n二", "d")
    second = hall.say("三", "d", at=NOW + timedelta(minutes=30))
    hall.deliver()
    assert {delivery.reason for delivery in outcomes(hall.pieces("d")).values()} == {"没有连接"}
    assert hall.states("d") == ["failed"] * 3
    tried = Counter(sent.text for sent in hall.line.tried)
    assert set(tried) == {"一", "三"}
    assert tried["三"] == pytest.approx(30, abs=2)  # one a minute, after it was its turn
    assert hall.clock() - NOW == pytest.approx(timedelta(hours=hours, minutes=30), abs=timedelta(minutes=2))
    assert (first, second) == (1, 2)


def test_what_was_left_over_is_sent_the_next_day_in_private_and_not_in_a_group(hall: Hall) -> None:
    """The group has talked on; a person still waits. After a day nobody does."""
    for number, (name, group) in enumerate([("private", None), ("group", "g"), ("forgotten", None)]):
        hall.open(name, group=group)
        hall.say(str(number), name, at=NOW - timedelta(hours=24 if name == "forgotten" else 2))
    hall.deliver()
    assert [sent.user for sent in hall.line.sent] == ["private"]
    assert hall.reasons("group") == {"超过 1 小时未能送达"}
    assert hall.reasons("forgotten") == {"超过 24 小时未能送达"}


def test_when_a_piece_is_refused_the_rest_of_its_message_is_not_sent(hall: Hall) -> None:
    """Not what is held of it either; the person is told that something is missing, and the next message goes."""
    hall.line.faults = [lambda _: None, raises(Unfit("内容违规"))]
    hall.say(lines_of("a", PORTION + 2))
    hall.say("二", author="agent")
    hall.deliver()
    assert hall.texts() == ["a.0", SORRY, "二"]
    assert outcomes(hall.pieces()) == {1: Delivery("failed", "内容违规"), 2: Delivery("sent")}
    assert hall.states() == ["sent", "sent", *["failed"] * (PORTION + 1), "sent"]
    assert hall.more() is False


def test_only_who_can_hear_it_is_told_that_something_was_refused(hall: Hall) -> None:
    """Not who takes nothing from the bot; and that the telling was refused is not told."""
    hall.line.always = raises(Refused("拒收"))
    hall.say("一")
    hall.deliver()
    hall.line.always = raises(Unfit("内容违规"))
    hall.say("二")
    hall.deliver()
    assert [sent.text for sent in hall.line.tried] == ["一", "二", SORRY]
    assert set(hall.states()) == {"failed"}


def test_what_is_refused_for_an_address_is_sent_once_more_with_all_of_them_taken_apart(hall: Hall) -> None:
    """As the same reply; the settings called an address filed that is not."""
    hall.line.faults = [raises(Unfiled("网址没有报备"))]
    hall.say("见 a/b\n二")
    hall.deliver()
    assert hall.texts() == ["见 a／b", "二"]
    assert hall.replies() == [("m1", 1), ("m1", 2)]
    assert set(hall.states()) == {"sent"}
    assert [piece.text for piece in hall.pieces()] == ["见 a／b", "二"]


@pytest.mark.parametrize("text", ["没有网址", "/" * 100])
def test_what_cannot_be_taken_apart_fails(hall: Hall, text: str) -> None:
    """There is nothing to take apart, or it would be too long then."""
    hall.line.faults = [raises(Unfiled("网址没有报备"))]
    hall.say(text)
    hall.deliver()
    assert hall.texts() == [SORRY]
    assert hall.reasons() == {"网址没有报备"}


def test_what_is_refused_when_taken_apart_fails(hall: Hall) -> None:
    """It is not tried for ever."""
    hall.line.always = raises(Unfiled("网址没有报备"))
    hall.say("见 a/b")
    hall.deliver()
    assert [sent.text for sent in hall.line.tried] == ["见 a/b", "见 a／b", SORRY]


def test_a_fault_of_a_lines_is_no_reason_to_lose_anything(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    """It is tried again, and the log says what kind of fault, but no word of what was sent to whom."""
    hall.line.faults = [raises(ValueError("一 openid"))]
    hall.say("一")
    hall.deliver()
    assert hall.texts() == ["一"]
    assert "ValueError" in caplog.text
    assert "openid" not in caplog.text


def test_a_line_that_hangs_is_left_after_a_while(hall: Hall) -> None:
    """What it hangs on is tried again."""
    slow = iter([LONG, 0])

    class Hanging(FakeLine):
        async def send(self, address: Address, text: str, message_id: str | None, reply: int | None) -> str:
            await asyncio.sleep(next(slow))
            return await super().send(address, text, message_id, reply)

    hall.line = Hanging(hall.clock)
    hall.line.heard["m1"] = NOW
    hall.lines["qq"] = hall.line
    hall.say("一")
    run(lambda: once(hall, hall.outbox(patience=0.05)))
    assert hall.texts() == ["一"]


def test_a_fault_of_ours_holds_up_only_its_chat(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    """It is told without words, and tried again after a minute: here it is gone by then."""
    seen = []

    def text(_: Transaction, message: Message, __: Chat) -> str:
        seen.append(message.text)
        if seen.count("坏") == 1 and message.text == "坏":
            raise KeyError(message.text)
        return message.text

    hall.text = text
    hall.open("d")
    hall.say("坏")
    hall.say("好", "d")
    hall.deliver()
    assert sorted(sent.text for sent in hall.line.sent) == ["坏", "好"]
    assert hall.clock.slept == [60]
    assert "KeyError" in caplog.text
    assert "坏" not in caplog.text


def test_the_log_names_reasons_and_nothing_else(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    """Neither what was said nor to whom."""
    caplog.set_level(logging.DEBUG)
    hall.line.faults = [raises(Refused("没有权限"))]
    hall.open("secret-user")
    hall.say("secret-text", "secret-user")
    hall.deliver()
    assert "没有权限" in caplog.text
    assert "secret" not in caplog.text


def test_a_store_that_cannot_be_written_to_makes_nothing_double(endless: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a platform took is noted as soon as that is possible, while the program runs."""
    write, down = endless.store.write, [StoreError("磁盘已满")] * 3

    def writing(work: Callable[[Transaction], T]) -> T:
        if endless.line.sent and down:
            raise down.pop()
        return write(work)

    endless.say("一")
    monkeypatch.setattr(endless.store, "write", writing)
    endless.deliver()
    assert endless.texts() == ["一"]
    assert not down


@pytest.mark.parametrize("error", [StoreError("x"), KeyError("x")])
def test_a_store_that_cannot_be_read_is_looked_at_again(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The outbox lives on, also where the fault is ours."""
    read, down = hall.store.read, [error]

    def reading(work: Callable[[Transaction], T]) -> T:
        if down:
            raise down.pop()
        return read(work)

    async def test() -> None:
        outbox = hall.outbox(every=0.01)
        async with running(outbox):
            await until(lambda: bool(hall.line.sent))

    hall.say("一")
    monkeypatch.setattr(hall.store, "read", reading)
    run(test)


def test_a_broken_rule_is_not_tried_for_ever_at_once(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    """It is a fault of ours like others."""
    hall.store.write(lambda t: t.add_pieces([Piece("c", 1, 0, "x", "held", NOW)]))
    hall.say("一")

    async def sleep(seconds: float) -> None:
        assert seconds == module.LONGEST_PAUSE
        raise Crash

    with pytest.raises(Crash):
        run(lambda: once(hall, hall.outbox(sleep=sleep)))
    assert ConstraintError.__name__ in caplog.text


def test_a_conversation_that_is_deleted_while_it_is_sent_is_no_fault(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing more of it goes out, after a failure neither."""

    def delete(when: str) -> None:
        if when == "before":
            hall.store.write(lambda t: t.delete_conversation("c"))

    def late(when: str) -> None:
        delete(when)
        raise Later("没有连接")

    for fault in (delete, late):
        hall.line.faults = [fault]
        hall.say("一\n二")
        hall.deliver()
        assert len(hall.line.tried) == 1
        hall.line.tried.clear()
        with suppress(ConstraintError):
            hall.open()
    assert caplog.text == ""


# Forwarding


def test_a_message_in_several_pieces_is_forwarded_as_one(endless: Hall) -> None:
    """One in a single piece is sent, and so are words besides, each for itself."""
    endless.tell("甲\n乙")
    endless.say("一\n二\n三")
    endless.say("四")
    endless.deliver()
    assert endless.line.whole == [("一", "二", "三")]
    assert endless.texts() == ["甲", "乙", "一", "二", "三", "四"]
    assert [piece.platform_id for piece in endless.pieces() if piece.sequence == 1] == ["f1"] * 3
    assert set(endless.states()) == {"sent"}


@pytest.mark.parametrize("error", [Refused("不支持合并转发"), Unclear("没有答复"), ValueError("?")])
def test_what_cannot_be_forwarded_is_sent_piece_by_piece(endless: Hall, error: Exception) -> None:
    """Whatever was wrong with it, and it is not tried again."""
    endless.line.faults = [raises(error)]
    endless.say("一\n二\n三")
    endless.deliver()
    assert endless.line.whole == []
    assert endless.texts() == ["一", "二", "三"]
    assert set(endless.states()) == {"sent"}


# Many at once


def test_what_meets_no_client_is_forwarded_once_there_is_one(endless: Hall) -> None:
    """As one, and not piece by piece; meanwhile it is known why it waits."""
    endless.line.faults = [raises(Later("QQ 客户端没有连接"))] * 2
    known: list[Delivery] = []

    async def rest(_: float) -> None:
        known.append(outcomes(endless.pieces())[1])

    endless.say("一\n二")
    outbox = endless.outbox(sleep=rest)
    run(lambda: once(endless, outbox))
    assert known == [Delivery("sending", "QQ 客户端没有连接")] * 2
    assert endless.line.whole == [("一", "二")]
    assert outcomes(endless.pieces()) == {1: Delivery("sent")}


def test_one_chat_that_hangs_or_rests_holds_up_no_other(hall: Hall) -> None:
    """Both wait; the others go by."""
    hall.open("d")
    hall.open("e")
    for name in "cde":
        hall.say(name, name)

    class Odd(FakeLine):
        async def send(self, address: Address, text: str, message_id: str | None, reply: int | None) -> str:
            if text == "c":
                await asyncio.sleep(LONG)
            if text == "d":
                raise Later("没有连接", LONG)
            return await super().send(address, text, message_id, reply)

    async def test() -> None:
        outbox = hall.outbox(sleep=asyncio.sleep)
        async with running(outbox):
            await until(lambda: bool(line.sent))
            hall.say("e2", "e")
            outbox.wake()
            await until(lambda: len(line.sent) == 2)

    line = Odd(hall.clock)
    line.heard = hall.line.heard
    hall.lines["qq"] = line
    run(test)
    assert [sent.text for sent in line.sent] == ["e", "e2"]


def test_a_chats_pieces_go_one_after_the_other_and_chats_together(hall: Hall) -> None:
    """As many at once as are allowed, never two of one chat."""
    names = [f"n{number}" for number in range(AT_ONCE + 4)]
    for name in names:
        hall.open(name)
        hall.say(lines_of(name, 3), name)
    under_way: Counter[str] = Counter()
    most = [0, 0]

    class Busy(FakeLine):
        async def send(self, address: Address, text: str, message_id: str | None, reply: int | None) -> str:
            under_way[address.user] += 1
            most[:] = max(most[0], under_way.total()), max(most[1], *under_way.values())
            await asyncio.sleep(0.05)
            under_way[address.user] -= 1
            return await super().send(address, text, message_id, reply)

    line = Busy(hall.clock)
    line.heard = hall.line.heard
    hall.line = line
    hall.lines["qq"] = line
    hall.deliver()
    assert most == [AT_ONCE, 1]
    assert all(hall.texts(name) == lines_of(name, 3).split("\n") for name in names)


def test_a_dead_platform_hides_no_other(hall: Hall) -> None:
    """More of its chats wait, and longer, than one look takes in."""

    def work(t: Transaction) -> None:
        for number in range(NEW_CHATS + 50):
            name = f"dead{number}"
            t.add_conversation(Conversation(name, "qq", None, NOW, NOW))
            t.put_chat(Chat(name, Address("onebot", "bot", name), 0, (Opening("m", NOW),)))
            t.add_message(name, "bot", "x", now=NOW - timedelta(hours=1))

    async def test() -> None:
        outbox = hall.outbox(sleep=asyncio.sleep)
        async with running(outbox):
            await until(lambda: bool(hall.line.sent))
            hall.say("二")
            outbox.wake()
            await until(lambda: len(hall.line.sent) == 2)

    dead = FakeLine(hall.clock, ENDLESS)
    dead.always = raises(Later("没有连接", LONG))
    hall.lines["onebot"] = dead
    hall.store.write(work)
    hall.say("一")
    run(test)


def test_it_is_woken_from_any_thread(hall: Hall) -> None:
    """And needs no looking at the clock. Before it runs and after, waking does nothing."""
    outbox = hall.outbox()

    def speak() -> None:
        hall.say("一")
        outbox.wake()

    async def test() -> None:
        async with running(outbox):
            await until(lambda: hall.quiet(outbox))
            Thread(target=speak).start()
            await until(lambda: bool(hall.line.sent))

    outbox.wake()
    run(test)
    outbox.wake()


def test_what_comes_while_it_is_at_work_is_not_overlooked(hall: Hall) -> None:
    """A message stored at the very moment at which a chat had nothing left goes out all the same."""
    entered, release = Event(), Event()
    read = hall.store.read

    def reading(work: Callable[[Transaction], T]) -> T:
        found = read(work)
        if hall.line.sent and not entered.is_set():
            entered.set()
            release.wait(LONG)
        return found

    async def test() -> None:
        outbox = hall.outbox()
        hall.store.read = reading  # type: ignore[method-assign]
        async with running(outbox):
            await until(entered.is_set)  # it looks, and sees nothing
            hall.say("二")
            outbox.wake()
            release.set()
            await until(lambda: len(hall.line.sent) == 2)

    hall.say("一")
    run(test)


# Outcomes


def test_the_outcome_of_a_message_is_that_of_its_worst_piece() -> None:
    """Failed before under way before held before sent; words besides are no messages."""

    def piece(sequence: int, number: int, state: str, reason: str | None = None) -> Piece:
        return Piece("c", sequence, number, "", state, NOW, reason=reason)  # type: ignore[arg-type]

    pieces = [
        piece(0, 0, "failed", "x"),
        *(piece(1, number, "sent") for number in range(2)),
        piece(2, 0, "sent"),
        piece(2, 1, "held"),
        piece(3, 0, "sending", "没有连接"),
        piece(3, 1, "queued"),
        piece(4, 0, "sent"),
        piece(4, 1, "queued"),
        piece(4, 2, "held"),
        piece(5, 0, "sent"),
        piece(5, 1, "failed", "拒收"),
    ]
    expected = {
        1: Delivery("sent"),
        2: Delivery("held"),
        3: Delivery("sending", "没有连接"),
        4: Delivery("sending"),
        5: Delivery("failed", "拒收"),
    }
    assert outcomes(pieces) == outcomes(pieces[::-1]) == expected
    assert outcomes([]) == {}


@pytest.mark.parametrize("kind", ["endless", "hall"])
def test_what_has_no_number_is_tried_twice_where_no_answer_comes(kind: str, request: pytest.FixtureRequest) -> None:
    """It would double each time, for a day; a numbered reply is dropped as a repeat, and is tried until it is clear."""
    hall: Hall = request.getfixturevalue(kind)
    hall.say("一")
    hall.line.faults += [raises(Unclear("没有答复"), "after")] * 3
    hall.deliver()
    [piece] = hall.pieces()
    if kind == "endless":
        assert (piece.state, piece.reason, hall.texts()) == ("failed", "没有答复，可能已经送达", ["一", "一"])
    else:
        assert (piece.state, hall.texts()) == ("sent", ["一"])


@pytest.mark.parametrize("kind", ["endless", "pushed"])
def test_what_has_no_number_is_doubled_once_at_most_whatever_comes_of_it(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Reasons may differ, and the platform may turn it down in between. What did not arrive for sure does not count."""
    hall: Hall = request.getfixturevalue("endless" if kind == "endless" else "hall")
    hall.clock.go_on(hours=2)
    hall.say("一")
    hall.line.faults += [raises(Later("没有连接")), raises(Later("没有连接"))]
    hall.line.faults += [raises(Unclear("没有答复"), "after"), raises(Later("没有连接"))]
    hall.line.faults += [raises(Unclear(f"出错 {number}"), "after") for number in range(9)]
    hall.deliver()
    [piece] = hall.pieces()
    assert (piece.state, piece.reason, hall.texts()) == ("failed", "出错 0，可能已经送达", ["一", "一"])


def test_what_may_have_been_forwarded_is_doubled_once_at_most(endless: Hall) -> None:
    """Piece by piece, it gives up at the first that may have arrived again; where it was refused, that is the first."""
    for error in (Unclear("没有答复"), Refused("不支持")):
        endless.line.forwards = True
        endless.line.faults = [raises(error, "after" if isinstance(error, Unclear) else "before")]
        endless.line.faults += [raises(Unclear("断开了"), "after")] * 9
        endless.say(f"{error}一\n二")
        endless.deliver()
    assert endless.texts() == ["没有答复一", "二", "没有答复一", "不支持一", "不支持一"]
