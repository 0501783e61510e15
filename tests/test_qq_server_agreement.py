"""The same questions over HTTP, OneBot and the official platform are answered alike by the running server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from aiocqhttp import Message
from conftest import ROOT
from telephone import House, until

from bot.evaluate import read_questions

pytest_plugins = ("switchboard",)

COUNT = 100
ALL = sorted({question.text for question in read_questions(ROOT / "faq" / "documents" / "questions.jsonl")})
QUESTIONS = ALL[:: len(ALL) // COUNT][:COUNT]


def test_every_channel_answers_alike(empty_house: House) -> None:
    """Decision, entry and confidence of a hundred questions, each the first of its conversation.

    What went out through OneBot, aiocqhttp reads as the simulated client shows it.
    """
    house = empty_house

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            for number, text in enumerate(QUESTIONS):
                await official.say(text, user=f"USER{number}")
                await onebot.say(text, user=str(20000 + number))
            await until(lambda: len(house.heard()) == 2 * COUNT and house.at_rest(), 60)
            calls = [call["params"] for call in onebot.calls if call["action"].startswith("send_")]
            assert [read(call) for call in calls] == [shown.texts for shown in onebot.shown]
            assert len(calls) >= COUNT

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


def read(call: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of a message, or of each part of a forwarded one, as aiocqhttp reads them, also from CQ codes."""
    parts = [Message(node["data"]["content"]) for node in call.get("messages", ())] or [Message(call["message"])]
    assert [Message(str(part)) for part in parts] == parts
    return tuple(part.extract_plain_text() for part in parts)


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
