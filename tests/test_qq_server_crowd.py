"""Many people at once on both platforms, served by the running server."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

from embedded import KNOWLEDGE
from telephone import House, until

from bot.qq.simulate.webhook import group_message, member, private_message

pytest_plugins = ("switchboard",)

PEOPLE = 1000
"""Half of them on each platform; every fifth in a group."""
ARRIVE_WITHIN = 30.0
"""Seconds."""
QUESTIONS = [entry.question for entry in KNOWLEDGE.entries]


def test_a_thousand_people_in_a_minute_are_all_answered_in_order(empty_house: House) -> None:
    """Each says two things, the second without waiting for an answer to the first; none is lost or overtaken."""
    house = empty_house
    ids: dict[tuple[str, str], list[str]] = defaultdict(list)
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)

    async def talk() -> float:
        async with house.official() as (official, _), house.onebot() as onebot:

            async def speak(person: int) -> None:
                await asyncio.sleep(person * ARRIVE_WITHIN / PEOPLE)
                for number in range(2):
                    text = QUESTIONS[(person + number) % len(QUESTIONS)]
                    grouped = person % 5 == 0
                    if person % 2:
                        user, group = f"USER{person}", f"GROUP{person % 20}" if grouped else ""
                        event = group_message(text, user, group) if group else private_message(text, user)
                        await official.deliver(event)
                        place = (member(group, user) if group else user, group)
                        ids[place].append(event["d"]["id"])
                    else:
                        user, group = str(20000 + person), str(30000 + person % 20) if grouped else ""
                        await onebot.say(text, user=user, group=group or None)
                        place = (user, group)
                    texts[place].append(text)

            began = time.monotonic()
            await asyncio.gather(*map(speak, range(PEOPLE)))
            await until(lambda: len(house.heard()) == 2 * PEOPLE and house.at_rest(), 180)
            took = time.monotonic() - began
            seen: dict[str, list[str]] = defaultdict(list)
            for each in onebot.shown:
                seen[each.user or each.text.split(" ", 1)[0].removeprefix("@")].append(each.text)
            for (user, group), said in texts.items():
                assert house.said(user, group) == said
                went = [piece["text"] for piece in house.pieces(user, group)]
                if user not in seen:  # on the official platform
                    shown = [each for each in official.shown if each.message_id in ids[user, group]]
                    assert [each.text for each in shown] == went
                else:
                    assert seen[user] == [f"@{user} {text}" if group else text for text in went]
                assert sum(row["reply"] is not None for row in house.messages(user, group)) == 2
            return took

    took = asyncio.run(talk())
    assert len(texts) == PEOPLE
    states = house.rows("SELECT DISTINCT state FROM qq_piece")
    assert [row["state"] for row in states] == ["sent"]
    print(f"{PEOPLE} people, {2 * PEOPLE} messages: answered after {took:.0f} s")
