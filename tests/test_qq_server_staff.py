"""Staff of the running server talk with people on QQ from the console."""

from __future__ import annotations

import asyncio
import io
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from embedded import do, logged_in
from PIL import Image
from telephone import House, shown, until

from bot.qq.simulate.phone import Phone
from bot.qq.simulate.webhook import CHINA, private_message

pytest_plugins = ("switchboard",)


@pytest.fixture(scope="module")
def staff(house: House) -> Iterator[httpx.Client]:
    with logged_in(house.data, house.url, "wang", "小王") as client:
        yield client


async def attended(phone: Phone, staff: httpx.Client, user: str) -> int:
    """Ask for a person, who comes; the number of the ticket."""
    await phone.say("转人工", user=user)
    return await coming(phone, staff)


async def coming(phone: Phone, staff: httpx.Client) -> int:
    """Let a person come who was asked for; the number of the ticket."""
    found = re.search(r"受理编号 (\d+)", await shown(phone))
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


def test_a_person_sends_a_picture_to_somebody_on_qq(house: House, staff: httpx.Client) -> None:
    """It comes after the words on both platforms, on the official one as one more reply to the last message."""

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            for phone, user in ((official, "PICTURED"), (onebot, "20010")):
                number = await attended(phone, staff, user)
                await asyncio.to_thread(send_picture, staff, number, "请点这里")
                assert await shown(phone) == "小王：请点这里"
                seen = await asyncio.wait_for(phone.show(), 20)
                [picture] = seen.pictures
                with Image.open(io.BytesIO(picture)) as image:
                    assert (image.format, image.size) == ("PNG", (40, 30))
            assert [each.reply for each in official.shown[-2:]] == [3, 4]

    asyncio.run(talk())


def send_picture(staff: httpx.Client, number: int, text: str) -> None:
    """Let the person send a picture with words."""
    drawn = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(drawn, "PNG")
    kept = staff.post(f"tickets/{number}/pictures", content=drawn.getvalue()).raise_for_status().json()
    do(staff, number, "reply", text=text, picture_id=kept["picture_id"], client_message_id=secrets.token_hex(8))


def test_after_an_hour_a_person_is_pushed_or_the_store_says_why_not(house: House, staff: httpx.Client) -> None:
    """The last message is 66 minutes old: an active push, and where the platform refuses it, a reason."""

    async def talk() -> None:
        async with house.official() as (official, _):
            before = datetime.now(CHINA) - timedelta(minutes=66)
            await official.deliver(private_message("转人工", "LATE", at=before))
            number = await coming(official, staff)
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
