"""Staff of the running server talk with people on QQ from the console."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from embedded import do, logged_in
from telephone import House, answers, shown, until

from bot.qq.simulate.phone import Phone
from bot.qq.simulate.webhook import CHINA, private_message

pytest_plugins = ("switchboard",)


@pytest.fixture(scope="module")
def staff(house: House) -> Iterator[httpx.Client]:
    with logged_in(house.data, house.url, "wang", "小王") as client:
        yield client


async def attended(phone: Phone, staff: httpx.Client, user: str) -> int:
    """Ask for a person, who comes; the number of the ticket."""
    found = re.search(r"受理编号 (\d+)", await answers(phone, "转人工", user=user))
    assert found
    number = int(found[1])
    await asyncio.to_thread(do, staff, number, "take")
    assert "小王" in await shown(phone)
    return number


async def write(staff: httpx.Client, number: int, text: str) -> None:
    """Let the person say something."""
    await asyncio.to_thread(do, staff, number, "reply", text=text, client_message_id=secrets.token_hex(8))


def written_to(staff: httpx.Client, number: int) -> list[Any]:
    """What the person sees of what the visitor said."""
    ticket = staff.get(f"tickets/{number}").raise_for_status().json()
    return [each["text"] for each in ticket["messages"] if each["author"] == "visitor"]


def test_a_person_talks_with_somebody_on_qq(house: House, staff: httpx.Client) -> None:
    """Both ways on both platforms, the bot keeps out of it, and what is official replies to the last message."""

    async def talk() -> None:
        events = []
        async with house.official() as (official, _), house.onebot() as onebot:
            for phone, user in ((official, "PERSON"), (onebot, "20009")):
                number = await attended(phone, staff, user)
                await write(staff, number, "您好，请问是哪家企业？")
                assert await shown(phone) == "小王：您好，请问是哪家企业？"
                events.append(await phone.say("账号被锁定怎么办", user=user))
                await until(lambda user=user: house.said(user)[-1:] == ["账号被锁定怎么办"] and house.at_rest())
                seen = await asyncio.to_thread(written_to, staff, number)
                assert seen == ["转人工", "账号被锁定怎么办"]
                for text in ("已经解锁了", "请再试一下"):
                    await write(staff, number, text)
                    assert await shown(phone) == f"小王：{text}"  # nothing of the bot's before it
            replies = [(each.message_id, each.reply) for each in official.shown[-2:]]
            assert replies == [(events[0]["d"]["id"], 1), (events[0]["d"]["id"], 2)]

    asyncio.run(talk())


def test_after_an_hour_a_person_is_pushed_or_the_store_says_why_not(house: House, staff: httpx.Client) -> None:
    """The last message is 61 minutes old: an active push, and where the platform refuses it, a reason."""

    async def talk() -> None:
        async with house.official() as (official, _):
            number = await attended(official, staff, "LATE")
            before = datetime.now(CHINA) - timedelta(minutes=61)
            await official.deliver(private_message("还在吗", "LATE", at=before))
            await until(lambda: house.said("LATE")[-1] == "还在吗" and house.at_rest())
            await write(staff, number, "久等了")
            assert await shown(official) == "小王：久等了"
            assert official.shown[-1].message_id is None
            await until(house.at_rest)
            assert (house.pieces("LATE")[-1]["state"], house.pieces("LATE")[-1]["reply"]) == ("sent", None)

            official.pushes = False
            count = len(official.shown)
            await write(staff, number, "账号已经解锁")
            await until(lambda: house.pieces("LATE")[-1]["text"] == "小王：账号已经解锁" and house.at_rest())
            piece = house.pieces("LATE")[-1]
            assert piece["state"] == "failed"
            assert "不允许机器人主动发消息" in piece["reason"]
            assert len(official.shown) == count

            await official.say("我回来了", user="LATE")
            await until(lambda: house.said("LATE")[-1] == "我回来了" and house.at_rest())
            await write(staff, number, "可以登录了")
            assert await shown(official) == "小王：可以登录了"
            assert official.shown[-1].reply == 1

    asyncio.run(talk())
