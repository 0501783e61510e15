"""Which of a user's messages what goes out to QQ replies to, and when nothing is left but a push."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from outgoing import LONG, FakeLine, Hall, raises, run, running, until
from stored import NOW

from bot.model import Conversation
from bot.qq.line import Content, Expired, Later, LineError, Refused, Unclear
from bot.qq.model import MOST_OPENINGS, Address, Chat, Heard, Opening
from bot.store.base import Transaction

pytest_plugins = ("halls",)


@pytest.mark.parametrize(("group", "minutes"), [(None, 60), ("g", 5)])
def test_when_the_window_is_over_a_push_is_tried(hall: Hall, group: str | None, minutes: int) -> None:
    """Once the platform says that it is over, or at the latest when its clock cannot be so far off."""
    hall.open("d", group=group)
    hall.open("e", group=group)
    hall.clock.go_on(minutes=minutes, seconds=-1)
    hall.say("一", "d")
    hall.deliver()
    hall.clock.go_on(seconds=2)
    hall.say("二", "d")
    hall.say("三", "d")
    hall.deliver()
    hall.clock.go_on(minutes=5)
    hall.say("四", "e")
    hall.deliver()
    assert hall.replies("d") == [("m2", 1), (None, None), (None, None)]
    assert [(sent.text, sent.message_id) for sent in hall.line.tried] == [
        ("一", "m2"),
        ("二", "m2"),
        ("二", None),
        ("三", None),
        ("四", None),
    ]


@pytest.mark.parametrize("minutes", [4, -4])
def test_a_platform_whose_clock_is_off_is_replied_to(hall: Hall, minutes: int) -> None:
    """In a group, where a message that counts as older than it is would take no reply: pushes are for the few."""
    hall.open("d", group="g")
    heard_at = min(hall.clock() - timedelta(minutes=minutes), hall.clock())  # as `event` reads it
    hall.store.write(lambda t: t.put_chat(Chat("d", Address("qq", "bot", "d", "g"), 0, (Opening("m2", heard_at),))))
    hall.clock.go_on(minutes=4)
    hall.say("一", "d")
    hall.deliver()
    assert hall.replies("d") == [("m2", 1)]


@pytest.mark.parametrize("before", [[], [Unclear("没有答复")]])
def test_a_push_that_is_not_taken_becomes_a_reply_once_there_is_a_message_to_reply_to(
    hall: Hall, before: list[LineError]
) -> None:
    """Too many pushes, the platform says: it would be so all day. Also where it was not known what became of one."""

    def full(when: str) -> None:
        if when == "before":
            hall.hear()
            raise Later("过于频繁")

    hall.clock.go_on(hours=2)
    hall.line.faults = [*map(raises, before), full]
    hall.say("一\n二")
    hall.deliver()
    tried = [(sent.text, sent.message_id, sent.reply) for sent in hall.line.tried]
    assert tried == [("一", None, None)] * (1 + len(before)) + [("一", "m2", 1), ("二", "m2", 2)]
    assert hall.texts() == ["一", "二"]


def test_a_chat_that_rests_goes_on_when_the_person_speaks(hall: Hall) -> None:
    """Whoever writes is there, and waits; and a reply may be taken where a push was not. Others go on resting."""
    hall.open("d")
    hall.clock.go_on(hours=2)
    hall.line.always = raises(Later("过于频繁"))
    hall.say("一")
    hall.say("二", "d")

    async def test() -> None:
        outbox = hall.outbox(sleep=lambda _: asyncio.sleep(LONG))
        async with running(outbox):
            await until(lambda: set(hall.states() + hall.states("d")) == {"queued"})
            hall.line.always = lambda _: None
            hall.hear()
            hall.say("三")
            outbox.wake()
            await until(lambda: len(hall.line.sent) == 2)

    run(test)
    assert hall.replies() == [("m3", 1), ("m3", 2)]
    assert hall.texts("d") == []


def test_after_the_person_spoke_pauses_begin_anew(hall: Hall) -> None:
    """Somebody waits, be it for what goes as a reply."""
    slept: list[float] = []
    hall.line.always = raises(Later("没有连接"))
    hall.say("一")

    async def rest(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            hall.hear()
            outbox.wake()
            await asyncio.sleep(LONG)
        if len(slept) == 5:
            hall.line.always = lambda _: None

    async def test() -> None:
        async with running(outbox):
            await until(lambda: bool(hall.line.sent))

    outbox = hall.outbox(sleep=rest)
    run(test)
    assert slept == [1, 2, 4, 1, 2]


def test_what_the_person_says_while_a_push_is_under_way_counts(hall: Hall) -> None:
    """The outbox looked before the push was turned down: there is no rest after it."""
    hall.clock.go_on(hours=2)
    hall.say("一")

    async def test() -> None:
        looked = asyncio.Event()

        class Slow(FakeLine):
            async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:
                if message_id is None:
                    hall.hear()
                    outbox.wake()
                    await asyncio.wait_for(looked.wait(), LONG)
                    raise Later("过于频繁")
                return await super().send(address, content, message_id, reply)

        hall.lines["qq"] = line = Slow(hall.clock)
        line.heard = hall.line.heard
        outbox = hall.outbox(sleep=lambda _: asyncio.sleep(LONG))
        look = outbox._look

        async def watched(group: asyncio.TaskGroup) -> None:
            await look(group)
            if "m2" in line.heard:
                looked.set()

        outbox._look = watched  # type: ignore[method-assign]
        async with running(outbox):
            await until(lambda: bool(line.sent))
        assert [(sent.message_id, sent.reply) for sent in line.sent] == [("m2", 1)]

    run(test)


def test_when_all_replies_are_used_a_push_is_tried(hall: Hall) -> None:
    """The platform is not asked for one more than it gives."""
    for number in range(6):
        hall.say(str(number), author="agent")
    hall.deliver()
    assert hall.replies() == [*(("m1", number) for number in range(1, 6)), (None, None)]
    assert len(hall.line.tried) == 6


def test_what_is_endless_is_always_a_reply(endless: Hall) -> None:
    """However old the user's message, and however often."""
    endless.clock.go_on(hours=20)
    for number in range(9):
        endless.say(str(number))
    endless.deliver()
    assert endless.replies() == [("m1", number) for number in range(1, 10)]


def test_when_the_platform_takes_no_more_replies_a_push_is_tried(hall: Hall) -> None:
    """It counts otherwise than we do; and what comes next does not ask it again."""
    hall.line.faults = [raises(Expired("回复次数已用完"))]
    hall.say("一\n二")
    hall.deliver()
    assert hall.texts() == ["一", "二"]
    assert [(sent.message_id, sent.reply) for sent in hall.line.tried] == [("m1", 1), (None, None), (None, None)]


def test_a_push_that_is_refused_fails(hall: Hall) -> None:
    """Whatever the platform calls it; it is tried once."""
    for error in (Expired("已过期"), Refused("没有权限")):
        hall.line.faults = [raises(Expired("已过期")), raises(error)]
        hall.say("一")
        hall.deliver()
        assert hall.reasons() >= {str(error)}
        hall.hear()
    assert hall.texts() == []
    assert len(hall.line.tried) == 4


def test_what_came_too_late_for_one_message_may_reply_to_the_next(hall: Hall) -> None:
    """If the user said something meanwhile, no push is needed."""

    def late(when: str) -> None:
        if when == "before":
            hall.hear()
            raise Expired("消息已过期")

    hall.line.faults = [late]
    hall.say("一")
    hall.deliver()
    assert hall.replies() == [("m2", 1)]


def test_a_line_that_counts_nothing_cannot_turn_replies_down_for_ever(endless: Hall) -> None:
    """What it calls expired fails: no other way is left."""
    endless.line.always = raises(Expired("？"))
    endless.say("一")
    endless.deliver()
    assert endless.reasons() == {"？"}
    assert len(endless.line.tried) == 1


def test_two_quick_messages_have_their_replies_together(hall: Hall) -> None:
    """The later one's first, then what is left of the earlier one's; a push only after that."""
    hall.say("一")
    hall.deliver()
    assert hall.hear() == "m2"
    for number in range(10):
        hall.say(f"话{number}", author="agent")
    hall.deliver()
    assert hall.replies() == [
        ("m1", 1),
        *(("m2", number) for number in range(1, 6)),
        *(("m1", number) for number in range(2, 6)),
        (None, None),
    ]


def test_an_earlier_message_is_replied_to_only_within_its_time(hall: Hall) -> None:
    """Its replies that are left are lost an hour after it, not after the later one."""
    hall.clock.go_on(minutes=30)
    hall.hear()
    hall.clock.go_on(minutes=40)
    for number in range(6):
        hall.say(f"话{number}", author="agent")
    hall.deliver()
    assert hall.replies() == [*(("m2", number) for number in range(1, 6)), (None, None)]


def test_what_the_platform_calls_expired_goes_to_the_message_before(hall: Hall) -> None:
    """Nothing is pushed while a message of the user's takes replies."""
    hall.hear()
    hall.line.faults = [raises(Expired("回复次数已用完"))]
    hall.say("一\n二")
    hall.deliver()
    assert [(sent.message_id, sent.reply) for sent in hall.line.tried] == [("m2", 1), ("m1", 1), ("m1", 2)]


def test_a_message_that_takes_no_more_replies_is_not_counted_anew(hall: Hall) -> None:
    """When it is heard once more, its numbers do not begin again: the platform would take other words for repeats."""
    hall.line.faults = [raises(Expired("回复次数已用完"))]
    hall.say("一")
    hall.deliver()

    def again(t: Transaction) -> None:
        chat = t.chat("c")
        assert chat is not None
        t.put_chat(chat.hear(Heard(chat.address, "m1", "问", (), NOW)))

    hall.store.write(again)
    hall.say("二")
    hall.deliver()
    assert hall.replies() == [(None, None), (None, None)]


def test_not_every_message_ever_said_is_kept_to_be_replied_to(hall: Hall) -> None:
    """The latest ones are."""
    for _ in range(2 * MOST_OPENINGS):
        hall.hear()
    chat = hall.store.read(lambda t: t.chat("c"))
    assert chat is not None
    kept = [each.message_id for each in chat.openings]
    assert kept == [f"m{number}" for number in range(MOST_OPENINGS + 2, 2 * MOST_OPENINGS + 2)]


def test_it_is_known_whether_a_chat_can_be_replied_to(hall: Hall) -> None:
    """As long as a message takes a reply; never where its platform is not set up."""
    chat = hall.store.read(lambda t: t.chat("c"))
    assert chat is not None
    outbox = hall.outbox()
    assert outbox.is_open(chat)
    assert not outbox.is_open(replace(chat, openings=(Opening("m1", hall.clock(), 5),)))
    assert not outbox.is_open(replace(chat, address=replace(chat.address, platform="onebot")))
    hall.clock.go_on(minutes=59, seconds=56)
    assert not outbox.is_open(chat)


def test_numbers_that_were_used_in_an_earlier_chat_are_passed_over(hall: Hall) -> None:
    """The user went on elsewhere while a message was answered, and its other parts are told in a new chat.

    The platform has a first reply to that message; the second one is not taken for it.
    """
    hall.say("一")
    hall.deliver()
    hall.store.write(lambda t: t.drop_chat("c"))

    def anew(t: Transaction) -> None:
        t.add_conversation(Conversation("new", "qq", None, NOW, NOW))
        t.put_chat(Chat("new", Address("qq", "bot", "new"), 0, (Opening("m1", hall.clock()),)))

    hall.store.write(anew)
    hall.say("二", "new")
    hall.say("三", "new")
    hall.deliver()
    assert [(sent.text, sent.reply) for sent in hall.line.sent] == [("一", 1), ("二", 2), ("三", 3)]
    assert hall.states("new") == ["sent", "sent"]
