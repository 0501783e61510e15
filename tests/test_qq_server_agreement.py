"""The same questions over HTTP, OneBot and the official platform are answered alike by the running server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from conftest import ROOT
from telephone import House, until

from bot.evaluate import read_questions

pytest_plugins = ("switchboard",)

COUNT = 100
ALL = sorted({question.text for question in read_questions(ROOT / "faq" / "documents" / "questions.jsonl")})
QUESTIONS = ALL[:: len(ALL) // COUNT][:COUNT]


def test_every_channel_answers_alike(empty_house: House) -> None:
    """Decision, entry and confidence of a hundred questions, each the first of its conversation."""
    house = empty_house

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            for number, text in enumerate(QUESTIONS):
                await official.say(text, user=f"USER{number}")
                await onebot.say(text, user=str(20000 + number))
            await until(lambda: len(house.heard()) == 2 * COUNT and house.at_rest(), 60)

    asyncio.run(talk())
    assert len(QUESTIONS) == COUNT
    decisions = set()
    with httpx.Client(base_url=house.url, timeout=30) as client:
        for number, text in enumerate(QUESTIONS):
            web = essence(client.post("/api/chat", json={"text": text}).raise_for_status().json())
            decisions.add(web[0])
            for user in (f"USER{number}", str(20000 + number)):
                (reply,) = [json.loads(row["reply"]) for row in house.messages(user) if row["reply"]]
                assert essence(reply) == web, text
    assert decisions >= {"answer", "clarify", "reject"}


def essence(reply: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must not depend on the channel."""
    answer, offer = reply["answer"], reply["escalation"]
    return (
        reply["decision"],
        answer and answer["entry_id"],
        reply["confidence"],
        [option["entry_id"] for option in reply["options"]],
        offer and offer["reason"],
    )
