"""`kill -9` of the running server at random moments, while people on both platforms talk with it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from embedded import KNOWLEDGE
from telephone import House, until
from websockets.exceptions import ConnectionClosed

from bot.qq.simulate.official import OfficialPlatform
from bot.qq.simulate.onebot import Event, OneBotPeer
from bot.qq.simulate.webhook import Webhook, private_message

pytest_plugins = ("switchboard",)

KILLS = 4
TALKERS = 8
QUESTIONS = [entry.question for entry in KNOWLEDGE.entries]


class Patient(Webhook):
    """A platform that reports an event until it is taken, as kills would outlast its three times."""

    async def deliver(self, payload: Mapping[str, Any]) -> httpx.Response | None:
        while (response := await super().deliver(payload)) is None or response.status_code != httpx.codes.OK:
            await asyncio.sleep(0.05)
        return response


@dataclass
class Talk:
    """What was said by whom, what OneBot reported of it, and which pieces a kill may have cut off on their way."""

    said: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    events: list[Event] = field(default_factory=list)
    cut: Counter[tuple[str, str]] = field(default_factory=Counter)
    over: bool = False


async def talk_officially(talk: Talk, official: OfficialPlatform, rng: random.Random) -> None:
    """One person after the other says three things."""
    while not talk.over:
        user = f"USER{rng.getrandbits(60)}"
        for text in rng.sample(QUESTIONS, 3):
            talk.said[user].append(text)
            await official.deliver(private_message(text, user))
            await asyncio.sleep(rng.random() * 0.2)


async def talk_by_onebot(talk: Talk, onebot: OneBotPeer, rng: random.Random) -> None:
    """The same. What a client could not write to its connection it reports over the next."""
    while not talk.over:
        user = rng.randint(10**5, 10**9)
        for text in rng.sample(QUESTIONS, 3):
            talk.said[str(user)].append(text)
            event = onebot.message([{"type": "text", "data": {"text": text}}], user, None)
            talk.events.append(event)
            await emit(onebot, event)
            await asyncio.sleep(rng.random() * 0.2)


async def emit(onebot: OneBotPeer, event: Event) -> None:
    while True:
        with suppress(ConnectionClosed):
            return await onebot.emit(event)
        await asyncio.sleep(0.05)


def cut_off(house: House) -> Counter[tuple[str, str]]:
    """Pieces that were on their way, by user and text."""
    query = """
        SELECT user_id, qq_piece.text FROM qq_piece JOIN qq_chat USING (conversation_id)
        WHERE state = 'sending' AND platform = 'onebot'
    """
    return Counter((row["user_id"], row["text"]) for row in house.rows(query))


async def run(house: House, talk: Talk) -> tuple[OfficialPlatform, OneBotPeer]:
    """Talk, kill and start again, and wait until all is answered."""
    rng = random.Random(6)
    async with house.official(Patient) as (official, _), house.onebot() as onebot, asyncio.TaskGroup() as talkers:
        for _ in range(TALKERS):
            talkers.create_task(talk_officially(talk, official, random.Random(rng.random())))
            talkers.create_task(talk_by_onebot(talk, onebot, random.Random(rng.random())))
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0.3, 2.0))
            for pause in (None, *([rng.uniform(0.5, 2.5)] if rng.random() < 0.4 else [])):  # or while it starts
                await asyncio.sleep(pause or 0)
                house.kill()
                talk.cut += await asyncio.to_thread(cut_off, house)
                house.start()
            await asyncio.to_thread(house.ready)
        talk.over = True
        await until(house.at_rest, 60)
        heard = house.heard()
        lost = [event for event in talk.events if str(event["message_id"]) not in heard]
        for event in lost:  # written to a connection that nobody read any more: OneBot does not tell a client
            await emit(onebot, event)
        every = {str(event["message_id"]) for event in talk.events}
        await until(lambda: every <= house.heard() and house.at_rest(), 60)
        count = sum(map(len, talk.said.values()))
        await until(lambda: len(house.heard()) == count and house.at_rest(), 60)
    return official, onebot


def test_a_killed_server_answers_everything_once(empty_house: House) -> None:
    """Nothing unanswered or lost, and doubled at most what was on its way to a OneBot client, once for each kill."""
    house = empty_house
    talk = Talk()
    official, onebot = asyncio.run(run(house, talk))

    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for each in (*official.shown, *onebot.shown):
        seen[each.user or ""].update(each.texts)
    for user, said in talk.said.items():
        assert Counter(house.said(user)) == Counter(said)
        messages = {row["id"]: row for row in house.messages(user)}
        answered = [row["in_reply_to"] for row in messages.values() if row["reply"]]
        assert Counter(answered) == Counter(key for key, row in messages.items() if row["author"] == "visitor")
        pieces = house.pieces(user)
        assert {piece["state"] for piece in pieces} == {"sent"}
        assert {piece["sequence"] for piece in pieces} == {m["sequence"] for m in messages.values() if m["reply"]}
        went = Counter(piece["text"] for piece in pieces)
        assert went <= seen[user], "an answer is lost"
        for text, times in (seen[user] - went).items():
            assert times <= talk.cut[user, text], "an answer came twice"
    assert seen.keys() == talk.said.keys()
    by_reply = Counter((each.user, each.message_id, each.reply) for each in official.shown)
    assert set(by_reply.values()) == {1}
    count = sum(map(len, talk.said.values()))
    print(f"{len(talk.said)} people, {count} messages, {talk.cut.total()} pieces cut off on their way to OneBot")
    assert count > 100
