"""Events that come again and again, in any order and after a restart, are answered once by the running server."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from embedded import KNOWLEDGE
from telephone import House, until

from bot.qq.simulate.official import OfficialPlatform
from bot.qq.simulate.onebot import OneBotPeer
from bot.qq.simulate.webhook import group_message, member, private_message

pytest_plugins = ("switchboard",)

QUESTIONS = [entry.question for entry in KNOWLEDGE.entries]


@dataclass(frozen=True)
class Told:
    """A message that the platforms report: where it was said as the database has it, and how to report it."""

    user: str
    group: str
    text: str
    message_id: str
    report: Callable[[], Awaitable[None]]


def told_on(official: OfficialPlatform, onebot: OneBotPeer) -> list[Told]:
    """Two messages of each of three people, in private and in a group, on both platforms; all texts differ."""
    texts = iter(QUESTIONS)
    told = []
    for person in range(1, 4):
        for group in ("", "GROUP"):
            for number in range(2):
                user, text = f"USER{person}", next(texts)
                if group:
                    event = group_message(text, user, group, old=number == 1)
                    user = member(group, user)
                else:
                    event = private_message(text, user)
                told.append(Told(user, group, text, event["d"]["id"], partial(official.deliver, event)))
        for number in (0, 30001):
            for _ in range(2):
                user, text = 20000 + person, next(texts)
                segments = [{"type": "text", "data": {"text": text}}]
                named = [{"type": "at", "data": {"qq": str(onebot.self_id)}}] if number else []
                event = onebot.message(named + segments, user, number or None)
                where = str(number) if number else ""
                report = partial(onebot.emit, event)
                told.append(Told(str(user), where, text, str(event["message_id"]), report))
    return told


def test_every_event_is_answered_once(empty_house: House) -> None:
    """Three times out of order, and twice more after a restart: each message is stored, answered and shown once."""
    house = empty_house

    async def talk() -> tuple[Sequence[Told], OfficialPlatform, OneBotPeer]:
        rng = random.Random(6)
        async with house.official() as (official, _), house.onebot() as onebot:
            told = told_on(official, onebot)
            everything = {each.message_id for each in told}
            await report_shuffled(told * 3, rng)
            await until(lambda: house.heard() == everything and house.at_rest())
            await asyncio.to_thread(house.stop)
            house.start()
            await asyncio.to_thread(house.ready)
            await until(lambda: onebot.shown and onebot._online.is_set())
            await report_shuffled(told * 2, rng)
            await asyncio.sleep(1)  # for what should not come
            await until(house.at_rest)
            return told, official, onebot

    told, official, onebot = asyncio.run(talk())

    places = Counter((each.user, each.group) for each in told)
    assert set(places.values()) == {2}
    for user, group in places:
        own = [each for each in told if (each.user, each.group) == (user, group)]
        messages = house.messages(user, group)
        texts = [row["text"] for row in messages if row["author"] == "visitor"]
        assert sorted(texts) == sorted(each.text for each in own)
        assert sum(row["reply"] is not None for row in messages) == 2
        ids = {each.message_id for each in own}
        shown = [each.text for each in official.shown if each.message_id in ids]
        start = f"@{user} " if group else ""
        shown += [
            each.text.removeprefix(start)
            for each in onebot.shown
            if (each.user or user, each.group or "") == (user, group) and each.text.startswith(start)
        ]
        went = [row["text"] for row in house.pieces(user, group) if row["state"] == "sent"]
        assert shown == went
        assert len(went) == 2
    assert len(official.shown) + len(onebot.shown) == len(told)


async def report_shuffled(told: Sequence[Told], rng: random.Random) -> None:
    """Report messages in any order, many at a time."""
    await asyncio.gather(*(each.report() for each in rng.sample(told, len(told))))
