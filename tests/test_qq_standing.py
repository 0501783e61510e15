"""Whether the official platform takes our bots: when it is asked, and what a sending tells of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from httpx import ConnectError, ReadTimeout
from nonebot.adapters.qq import Bot
from nonebot.adapters.qq.exception import ActionFailed, ApiNotAvailable, NetworkError, UnauthorizedException
from nonebot.drivers import Response

from bot.qq import standing
from bot.qq.line import Later, LineError, Refused
from bot.qq.model import Address
from bot.qq.official import OfficialLine, ask
from bot.qq.standing import NOT_YET, Standing

APP_ID = "102"
LI = Address("qq", APP_ID, "LI")
UNREACHED, NO_TOKEN = Later("连不上 QQ 平台"), Later("没有取得访问令牌")
BANNED = Refused("机器人已下线或被封禁")


class Platform:
    """What a platform says when it is asked, and how often it was."""

    def __init__(self, *said: LineError | Exception | None) -> None:
        self.said, self.last = list(said), said[-1]
        self.asked = 0

    async def __call__(self, app_id: str) -> LineError | None:
        assert app_id == APP_ID
        self.asked += 1
        said = self.said.pop(0) if self.said else self.last
        if isinstance(said, Exception) and not isinstance(said, LineError):
            raise said
        return said


def watch(platform: Platform, deed: Callable[[Standing], Awaitable[object]]) -> None:
    """Do something while the platform is asked."""

    async def live() -> None:
        stands = Standing([APP_ID], platform)
        running = asyncio.create_task(stands.run())
        try:
            await asyncio.wait_for(deed(stands), 5)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())


async def until(reached: Callable[[], object]) -> None:
    while not reached():
        await asyncio.sleep(0.002)


def test_a_bot_is_asked_for_after_growing_pauses_until_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """And why it is not is told meanwhile: before the first answer too."""
    pauses: list[float] = []
    timeout = asyncio.timeout

    def note(seconds: float) -> asyncio.Timeout:
        pauses.append(seconds)
        return timeout(0.001)

    monkeypatch.setattr(asyncio, "timeout", note)
    platform = Platform(*[NO_TOKEN] * 9, None)

    async def deed(stands: Standing) -> None:
        assert stands.trouble(APP_ID) == NOT_YET
        await until(lambda: platform.asked)
        assert stands.trouble(APP_ID) == str(NO_TOKEN)
        await until(lambda: stands.trouble(APP_ID) is None)

    watch(platform, deed)
    assert pauses[:10] == [1, 2, 4, 8, 16, 32, 60, 60, 60, standing.EVERY]


def test_a_bot_that_is_known_is_asked_for_again_and_may_be_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every change is logged once, and only changes are."""
    monkeypatch.setattr(standing, "EVERY", 0.01)
    monkeypatch.setattr(standing, "FIRST_PAUSE", 0.01)
    platform = Platform(None, None, UNREACHED, UNREACHED, NO_TOKEN, None)

    async def deed(stands: Standing) -> None:
        seen = [stands.trouble(APP_ID)]
        while platform.asked < 8:
            if stands.trouble(APP_ID) != seen[-1]:
                seen.append(stands.trouble(APP_ID))
            await asyncio.sleep(0)
        assert seen == [NOT_YET, None, str(UNREACHED), str(NO_TOKEN), None]

    with caplog.at_level(logging.INFO, logger="bot.qq"):
        watch(platform, deed)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "QQ：机器人 102 已接入开放平台"),
        ("WARNING", "QQ：机器人 102 目前不可用：连不上 QQ 平台"),
        ("WARNING", "QQ：机器人 102 目前不可用：没有取得访问令牌"),
        ("INFO", "QQ：机器人 102 已接入开放平台"),
    ]


def test_a_sending_that_met_with_trouble_has_the_bot_asked_for_at_once() -> None:
    """Once, however many say the same; what is said then counts, and so does a sending that went out."""
    platform = Platform(None, NO_TOKEN, NO_TOKEN)

    async def deed(stands: Standing) -> None:
        await until(lambda: stands.trouble(APP_ID) is None)
        stands.told(APP_ID, None)
        for _ in range(3):
            stands.told(APP_ID, UNREACHED)
        assert stands.trouble(APP_ID) == str(UNREACHED)
        await until(lambda: platform.asked == 2)
        await asyncio.sleep(0.05)
        stands.told(APP_ID, NO_TOKEN)
        await asyncio.sleep(0.05)
        assert platform.asked == 2
        assert stands.trouble(APP_ID) == str(NO_TOKEN)
        stands.told(APP_ID, None)
        assert stands.trouble(APP_ID) is None

    watch(platform, deed)


def test_a_ban_stands_until_a_sending_goes_out() -> None:
    """The platform may well say who the bot is and still take nothing from it."""
    platform = Platform(None)

    async def deed(stands: Standing) -> None:
        await until(lambda: stands.trouble(APP_ID) is None)
        stands.told(APP_ID, BANNED)
        stands.told(APP_ID, UNREACHED)
        await until(lambda: platform.asked == 2)
        await asyncio.sleep(0.02)
        assert stands.trouble(APP_ID) == str(BANNED)
        stands.told(APP_ID, None)
        assert stands.trouble(APP_ID) is None

    watch(platform, deed)


def test_an_error_of_ours_does_not_end_the_asking(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its kind is logged, without its words."""
    monkeypatch.setattr(standing, "FIRST_PAUSE", 0.02)
    platform = Platform(KeyError("私密"), None)

    async def deed(stands: Standing) -> None:
        await until(lambda: stands.trouble(APP_ID) == "程序内部错误")
        await until(lambda: stands.trouble(APP_ID) is None)

    watch(platform, deed)
    assert "KeyError" in caplog.text
    assert "私密" not in caplog.text


# What the official line tells of a sending, and what is made of an asking


class Account:
    """A bot of the adapter's, of which the platform says this."""

    def __init__(self, said: Exception | None) -> None:
        self.said = said
        self._access_token: str | None = "token"

    async def get_access_token(self) -> str:
        return "token"

    async def me(self) -> None:
        if self.said is not None:
            raise self.said

    async def post_c2c_messages(self, **_: object) -> Any:
        await self.me()
        return type("Sent", (), {"id": "1"})


def failed(status: int, code: int | None = None, kind: type[ActionFailed] = ActionFailed) -> ActionFailed:
    return kind(Response(status, content=b"{}" if code is None else f'{{"code":{code}}}'.encode()))


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


DISOWNED = [
    *((failed(400, code), "访问令牌已失效") for code in (11241, 11242, 11243, 11244, 40011027)),
    *((failed(403, code), "服务器的出口 IP 不在 QQ 开放平台的白名单里") for code in (11298, 40023002)),
    *((failed(403, code), "机器人已下线或被封禁") for code in (11254, 11265, 40054016)),
    (failed(401, 99, UnauthorizedException), "平台不承认机器人的身份"),
    (NetworkError("Get authorization failed with invalid response {}. Please check your config."), "没有取得访问令牌"),
    (caused(NetworkError("API request failed"), ConnectError("no")), "连不上 QQ 平台"),
    (ConnectError("no"), "连不上 QQ 平台"),
]
PASSING = [
    *(failed(400, code) for code in (40054013, 40054010, 22009, 304027, 40054005, 11253)),
    *(failed(500), failed(429), ApiNotAvailable(), ReadTimeout("slow"), ValueError("no JSON")),
]


def sent(error: Exception | None) -> list[tuple[str, LineError | None]]:
    """What is told of a sending that this comes of."""
    told: list[tuple[str, LineError | None]] = []
    account = cast(Bot, Account(error))
    line = OfficialLine({APP_ID: account}.get, lambda app_id, fault: told.append((app_id, fault)))
    sending = line.send(LI, "在", "message", 1)
    if error is None:
        asyncio.run(sending)
    else:
        with pytest.raises(LineError) as raised:
            asyncio.run(sending)
        assert all(fault is raised.value for _, fault in told)
    return told


@pytest.mark.parametrize(("error", "reason"), DISOWNED)
def test_a_sending_that_shows_that_the_bot_is_not_taken_tells_so(error: Exception, reason: str) -> None:
    """For the same reasons as stand beside the message; and asking for the bot says the same."""
    [(app_id, fault)] = sent(error)
    assert app_id == APP_ID
    assert str(fault).startswith(reason)
    assert str(asyncio.run(ask(cast(Bot, Account(error))))) == str(fault)


@pytest.mark.parametrize("error", PASSING)
def test_what_is_about_one_message_tells_nothing_of_the_bot(error: Exception) -> None:
    """What it says, whom to, how often, or an answer that did not come."""
    assert sent(error) == []


def test_a_sending_that_went_out_tells_that_the_bot_is_taken() -> None:
    """And asking for a bot that is known finds nothing against it."""
    assert sent(None) == [(APP_ID, None)]
    assert asyncio.run(ask(cast(Bot, Account(None)))) is None
