"""The ways out, through NoneBot's own adapters: to the official platform, and through a OneBot client."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import nonebot
import pytest
from conftest import free_port
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from nonebot.adapters.onebot.v11 import Adapter as OneBotAdapter
from nonebot.adapters.onebot.v11 import Bot as OneBotBot
from nonebot.adapters.qq import Bot as QQBot
from nonebot.adapters.qq.config import BotInfo
from nonebot.config import Config, Env
from nonebot.exception import WebSocketClosed
from starlette.websockets import WebSocketDisconnect

from bot.qq.line import Expired, Later, LineError, Refused, Repeated, Unclear, Unfiled, Unfit
from bot.qq.model import Address
from bot.qq.official import OfficialAdapter, OfficialLine
from bot.qq.onebot import OneBotLine
from bot.qq.simulate.official import Fault as Refusal
from bot.qq.simulate.official import OfficialPlatform
from bot.qq.simulate.onebot import Fault, OneBotPeer
from bot.qq.simulate.terminal import serving

APP_ID, SECRET, TOKEN = "11111111", "DG5g3B4j9X2KOErG", "a-token-of-onebot"
OPENID, GROUP_OPENID = "E4F4AEA33253A2797FB897C50B81D7ED", "C9F778FE6ADF9D1D1DBE395BF744A33A"
PRIVATE, GROUP = Address("qq", APP_ID, OPENID), Address("qq", APP_ID, OPENID, GROUP_OPENID)
FRIEND, MEMBER = Address("onebot", "10001", "20001"), Address("onebot", "10001", "20001", "30001")
AWKWARD = "<a> & [CQ:at,qq=all] 第一条：\n1. “甲”\t√ 😀 ，"
PNG, JPEG = b"\x89PNG\r\n\x1a\n and more", b"\xff\xd8\xff and more"
SECONDS = 10

OfficialTest = Callable[[OfficialLine, OfficialPlatform], Awaitable[None]]
OneBotTest = Callable[[OneBotLine, OneBotPeer], Awaitable[None]]


@pytest.fixture
def nonebot_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make a driver of NoneBot's the one of the process for as long as the test lasts."""

    def use(driver: str, **settings: Any) -> Any:
        made = importlib.import_module(f"nonebot.drivers.{driver}").Driver(Env(), Config(**settings))
        monkeypatch.setattr(nonebot, "_driver", made)
        return made

    return use


def official_bot(use: Callable[..., Any], port: int) -> QQBot:
    """The adapter's bot, of a platform on a port of this machine."""
    base = f"http://127.0.0.1:{port}"
    driver = use("httpx", qq_api_base=base, qq_auth_base=f"{base}/app/getAppAccessToken")
    return QQBot(OfficialAdapter(driver), APP_ID, BotInfo(id=APP_ID, secret=SECRET))


def official(use: Callable[..., Any], test: OfficialTest, **kwargs: Any) -> None:
    """Run a test with a line to a simulated official platform, which NoneBot reaches over HTTP."""
    platform, port = OfficialPlatform(APP_ID, SECRET, **kwargs), free_port()
    bot = official_bot(use, port)

    async def served() -> None:
        async with serving(platform.app, port), bot.adapter.driver._lifespan:
            await test(OfficialLine({APP_ID: bot}.get), platform)

    asyncio.run(asyncio.wait_for(served(), SECONDS))


def fault_of(use: Callable[..., Any], answer: Response) -> LineError:
    """What comes of a message where a platform gives tokens and otherwise this answer."""
    app, port = FastAPI(), free_port()
    app.post("/app/getAppAccessToken")(lambda: {"access_token": "t", "expires_in": "7200"})
    app.post("/v2/users/{openid}/messages")(lambda openid: answer)  # noqa: ARG005
    bot = official_bot(use, port)

    async def served() -> LineError:
        async with serving(app, port), bot.adapter.driver._lifespan:
            return await error_of(OfficialLine({APP_ID: bot}.get))

    return asyncio.run(asyncio.wait_for(served(), SECONDS))


async def error_of(line: OfficialLine, address: Address = PRIVATE) -> LineError:
    """What a line raises."""
    with pytest.raises(LineError) as error:
        await line.send(address, "在", None, None)
    return error.value


@asynccontextmanager
async def connected(use: Callable[..., Any], **settings: Any) -> AsyncIterator[tuple[OneBotLine, OneBotPeer]]:
    """A line and the client that it goes through, over a real WebSocket to NoneBot."""
    driver, port = use("fastapi", onebot_access_token=TOKEN, **settings), free_port()
    adapter = OneBotAdapter(driver)
    bots: dict[str, OneBotBot] = adapter.bots  # type: ignore[assignment]
    async with serving(driver.asgi, port), OneBotPeer(f"ws://127.0.0.1:{port}/onebot/v11/ws", token=TOKEN) as peer:
        await until(lambda: "10001" in bots)
        yield OneBotLine(bots.get), peer


async def until(reached: Callable[[], bool]) -> None:
    """Wait until something is so."""
    while not reached():
        await asyncio.sleep(0.01)


def onebot(use: Callable[..., Any], test: OneBotTest, **settings: Any) -> None:
    """Run a test with a line through a simulated client."""

    async def under_way() -> None:
        async with connected(use, **settings) as (line, peer):
            await test(line, peer)

    asyncio.run(asyncio.wait_for(under_way(), SECONDS))


def test_a_reply_reaches_the_official_platform_verbatim(nonebot_with: Callable[..., Any]) -> None:
    """In private and in a group it carries the message's id and the reply's number, and no character is changed."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        private = (await platform.say("在吗", user=OPENID))["d"]["id"]
        group = (await platform.say("在吗", user=OPENID, group=GROUP_OPENID))["d"]["id"]
        ids = [await line.send(PRIVATE, AWKWARD, private, 1), await line.send(GROUP, AWKWARD, group, 2)]
        assert [shown.id for shown in platform.shown] == ids
        assert [(each.text, each.user, each.group, each.message_id, each.reply) for each in platform.shown] == [
            (AWKWARD, OPENID, None, private, 1),
            (AWKWARD, None, GROUP_OPENID, group, 2),
        ]

    official(nonebot_with, test)


@pytest.mark.parametrize("picture", [PNG, JPEG], ids=["png", "jpeg"])
def test_a_picture_reaches_the_official_platform_byte_for_byte(
    nonebot_with: Callable[..., Any], picture: bytes
) -> None:
    """In private and in a group, as a numbered reply like words; a repeat is known as one."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        private = (await platform.say("在吗", user=OPENID))["d"]["id"]
        group = (await platform.say("在吗", user=OPENID, group=GROUP_OPENID))["d"]["id"]
        ids = [await line.send(PRIVATE, picture, private, 1), await line.send(GROUP, picture, group, 2)]
        assert [(each.id, each.pictures, each.user, each.group, each.reply) for each in platform.shown] == [
            (ids[0], (picture,), OPENID, None, 1),
            (ids[1], (picture,), None, GROUP_OPENID, 2),
        ]
        with pytest.raises(Repeated):
            await line.send(PRIVATE, picture, private, 1)

    official(nonebot_with, test)


def test_a_picture_that_the_platform_does_not_take_is_told_to_staff(nonebot_with: Callable[..., Any]) -> None:
    """It is refused before any message is."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        message_id = (await platform.say("在吗", user=OPENID))["d"]["id"]
        with pytest.raises(Unfit, match="平台不接收这种图片"):
            await line.send(PRIVATE, b"GIF89a", message_id, 1)
        assert platform.shown == []

    official(nonebot_with, test)


def test_a_picture_that_got_no_name_is_for_later(nonebot_with: Callable[..., Any]) -> None:
    """The platform took it, but did not say what messages can call it."""
    app, port = FastAPI(), free_port()
    app.post("/app/getAppAccessToken")(lambda: {"access_token": "t", "expires_in": "7200"})
    app.post("/v2/users/{openid}/files")(lambda openid: {})  # noqa: ARG005
    bot = official_bot(nonebot_with, port)

    async def test() -> None:
        async with serving(app, port), bot.adapter.driver._lifespan:
            with pytest.raises(Later, match="平台没有收下图片") as caught:
                await OfficialLine({APP_ID: bot}.get).send(PRIVATE, PNG, None, None)
            assert not isinstance(caught.value, Unclear)

    asyncio.run(asyncio.wait_for(test(), SECONDS))


def test_a_picture_that_takes_too_long_is_for_later(
    nonebot_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent yet, so it cannot come twice."""
    monkeypatch.setattr("bot.qq.official.ANSWER_SECONDS", 0.2)
    app, port = FastAPI(), free_port()
    app.post("/app/getAppAccessToken")(lambda: {"access_token": "t", "expires_in": "7200"})

    @app.post("/v2/users/{openid}/files")
    async def take(openid: str) -> None:  # noqa: ARG001
        await asyncio.sleep(1)

    bot = official_bot(nonebot_with, port)

    async def test() -> None:
        async with serving(app, port), bot.adapter.driver._lifespan:
            with pytest.raises(Later) as caught:
                await OfficialLine({APP_ID: bot}.get).send(PRIVATE, PNG, None, None)
            assert not isinstance(caught.value, Unclear)

    asyncio.run(asyncio.wait_for(test(), SECONDS))


def test_the_same_reply_sent_again_is_known_as_a_repeat(nonebot_with: Callable[..., Any]) -> None:
    """An answer that was lost leads to one message and, when it is sent again, to Repeated."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        message_id = (await platform.say("在吗", user=OPENID))["d"]["id"]
        platform.faults.append(Refusal(504, arrives=True))
        with pytest.raises(Later):
            await line.send(PRIVATE, "在", message_id, 1)
        with pytest.raises(Repeated):
            await line.send(PRIVATE, "在", message_id, 1)
        assert len(platform.shown) == 1

    official(nonebot_with, test)


def test_no_more_replies_go_out_than_the_line_says(nonebot_with: Callable[..., Any]) -> None:
    """What the line calls its window is taken in private and in a group; one more in private is Expired."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        for address in (PRIVATE, GROUP):
            message_id = (await platform.say("在吗", user=OPENID, group=address.group))["d"]["id"]
            assert line.window.replies is not None
            for number in range(1, line.window.replies + 1):
                await line.send(address, "在", message_id, number)
            if address.group is None:
                with pytest.raises(Expired, match="40034128"):
                    await line.send(address, "在", message_id, line.window.replies + 1)

    official(nonebot_with, test)


def test_many_messages_at_once_share_a_token_and_a_connection(nonebot_with: Callable[..., Any]) -> None:
    """A hundred replies at a time ask once for a token, and none is lost."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        asked: list[str] = []
        line._bot_of(APP_ID).adapter.request = watched(asked, line._bot_of(APP_ID).adapter.request)  # type: ignore
        await asyncio.gather(*(line.send(PRIVATE, str(number), None, None) for number in range(100)))
        assert sorted(int(shown.text) for shown in platform.shown) == [*range(100)]
        assert sum(url.endswith("getAppAccessToken") for url in asked) == 1

    official(nonebot_with, test)


def watched(asked: list[str], request: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """The same requests, noted down."""

    async def note(setup: Any) -> Any:
        asked.append(str(setup.url))
        return await request(setup)

    return note


def test_a_token_that_ended_is_replaced(nonebot_with: Callable[..., Any]) -> None:
    """After a 401 the adapter sends again by itself; after a token error with status 500 the next try does."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        await line.send(PRIVATE, "一", None, None)
        platform.expire_tokens()
        await line.send(PRIVATE, "二", None, None)
        platform.faults.append(Refusal(500, 11244, "token not exist or expire"))
        with pytest.raises(Later, match="访问令牌已失效"):
            await line.send(PRIVATE, "三", None, None)
        bot = line._bot_of(APP_ID)
        assert bot is not None
        assert bot._access_token is None
        await line.send(PRIVATE, "三", None, None)
        assert [shown.text for shown in platform.shown] == ["一", "二", "三"]

    official(nonebot_with, test)


@pytest.mark.parametrize(
    ("refusal", "expected", "reason"),
    [
        (Refusal(400, 40054010, "消息发送失败, 不允许发送url x.com"), Unfiled, "消息里有网址没有在 QQ 开放平台报备"),
        (Refusal(400, 49999999, "请求参数不允许包含url x.com"), Unfiled, "消息里有网址没有在 QQ 开放平台报备"),
        (Refusal(400, 304027, "msg expire"), Expired, "已过回复时限"),
        (Refusal(400, 40034024, "请求参数msg_id无效或越权"), Expired, "找不到要回复的那条消息"),
        (Refusal(400, 22009, "msg limit exceed"), Later, "过于频繁"),
        (Refusal(400, 40034105, "主动消息失败"), Refused, "主动"),
        (Refusal(400, 40054013, "用户拒收消息"), Refused, "拒收"),
        (Refusal(401, 11298, "接口访问源IP不在白名单"), Later, "白名单"),
        (Refusal(401), Later, "AppSecret"),
        (Refusal(429), Later, "过于频繁"),
        (Refusal(500, 50055001, "消息发送异常，请稍后重试"), Later, "暂时"),
        (Refusal(503), Unclear, "平台暂时出错（HTTP 503）"),
        (Refusal(400, 12345678, "别的"), Unfit, "平台没有接收（错误码 12345678）"),
        (Refusal(404, 12345678, "别的"), Refused, "没有这个会话或接口"),
        (Refusal(200, 11244, "token not exist or expire"), Unclear, "没有确认收到"),
    ],
)
def test_what_the_platform_objects_to_is_told_to_staff(
    nonebot_with: Callable[..., Any], refusal: Refusal, expected: type[LineError], reason: str
) -> None:
    """Each code leads to trying again, to a push, or to giving up, with a reason in Chinese."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        platform.faults.extend([refusal, refusal])  # the adapter tries twice at 401
        with pytest.raises(LineError) as error:
            await line.send(GROUP, "在", None, None)
        assert type(error.value) is expected
        assert reason in str(error.value)

    official(nonebot_with, test)


def test_a_pause_that_the_platform_asks_for_is_passed_on(nonebot_with: Callable[..., Any]) -> None:
    """Seconds in Retry-After are the wait; anything else is none."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        waits = []
        for asked in ("2.5", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"):
            platform.faults.append(Refusal(429, 22009, "msg limit exceed", {"Retry-After": asked}))
            with pytest.raises(Later) as error:
                await line.send(PRIVATE, "在", None, None)
            waits.append(error.value.wait)
        assert waits == [2.5, 0.0, None]

    official(nonebot_with, test)


def test_a_message_that_a_person_has_to_check_is_not_sent_again(nonebot_with: Callable[..., Any]) -> None:
    """The platform's review is a refusal that says so: it may still arrive, and must not twice."""
    audit = {"code": 304023, "message": "waiting for audit", "data": {"message_audit": {"audit_id": "1"}}}
    error = fault_of(nonebot_with, JSONResponse(audit, 202))
    assert (type(error), "人工审核" in str(error)) == (Refused, True)


@pytest.mark.parametrize("answer", [Response("<html>"), JSONResponse(["a"]), JSONResponse({"id": 7})])
def test_an_answer_that_is_not_the_platforms_is_no_acknowledgement(
    nonebot_with: Callable[..., Any], answer: Response
) -> None:
    """What a proxy puts in the way of an answer leads to another try: the platform may have it."""
    error = fault_of(nonebot_with, answer)
    assert (type(error), str(error)) == (Unclear, "平台的答复无法识别")


def test_a_platform_that_does_not_answer_is_not_waited_for_without_end(
    nonebot_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message whose answer does not come in time is for later: it may be sent again under the same number."""
    monkeypatch.setattr("bot.qq.official.ANSWER_SECONDS", 0.1)

    class Stalling(Response):
        async def __call__(self, _: Any, receive: Callable[[], Awaitable[Any]], __: Any) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

    error = fault_of(nonebot_with, Stalling())
    assert (type(error), str(error)) == (Unclear, "QQ 平台没有及时答复")


@pytest.mark.parametrize("body", ["<html>", "[]", '"url"', '{"code": "40054005"}', ""])
def test_an_error_in_another_form_than_the_platforms_is_judged_by_its_status(
    nonebot_with: Callable[..., Any], body: str
) -> None:
    """A body that is not as documented says nothing: 400 is a refusal, after 502 it may have arrived."""
    refused, unclear = (fault_of(nonebot_with, Response(body, status)) for status in (400, 502))
    assert (type(refused), str(refused)) == (Unfit, "平台没有接收（HTTP 400）")
    assert (type(unclear), str(unclear)) == (Unclear, "平台暂时出错（HTTP 502）")


def test_a_platform_that_is_not_reached_is_tried_later(nonebot_with: Callable[..., Any]) -> None:
    """No connection, a wrong secret and a bot that is not set up are for later, and each says what to look at."""
    bot = official_bot(nonebot_with, free_port())
    line = OfficialLine({APP_ID: bot}.get)
    missing = asyncio.run(error_of(line))
    unknown = asyncio.run(error_of(line, Address("qq", "22222222", OPENID)))
    wrong: list[LineError] = []

    async def test(line: OfficialLine, _: OfficialPlatform) -> None:
        bot = line._bot_of(APP_ID)
        assert bot is not None
        bot.bot_info.secret = "wrong"
        wrong.append(await error_of(line))

    official(nonebot_with, test)
    assert [(type(error), str(error)) for error in (missing, unknown, *wrong)] == [
        (Later, "连不上 QQ 平台"),
        (Later, "机器人没有接入 QQ 开放平台"),
        (Later, "没有取得访问令牌，请检查 AppID 和 AppSecret"),
    ]


def test_the_official_platform_has_no_forwarded_messages() -> None:
    """The line says so beforehand, and refuses where it is asked all the same."""
    assert not OfficialLine.forwards
    with pytest.raises(Refused):
        asyncio.run(OfficialLine(lambda _: None).forward(PRIVATE, ["一", "二"]))


def test_a_message_reaches_a_onebot_client_verbatim(nonebot_with: Callable[..., Any]) -> None:
    """Nothing in a text is read as a code; in a group it begins by naming the user."""

    async def test(line: OneBotLine, peer: OneBotPeer) -> None:
        ids = [await line.send(FRIEND, AWKWARD, "1", 1), await line.send(MEMBER, AWKWARD, None, None)]
        assert [(each.id, each.text, each.user, each.group) for each in peer.shown] == [
            (ids[0], AWKWARD, "20001", None),
            (ids[1], f"@20001 {AWKWARD}", None, "30001"),
        ]
        assert peer.calls[1]["params"]["message"][0] == {"type": "at", "data": {"qq": "20001"}}

    onebot(nonebot_with, test)


def test_a_picture_reaches_a_onebot_client_byte_for_byte(nonebot_with: Callable[..., Any]) -> None:
    """In private, in a group after the user's name, and as a part of a forwarded message."""

    async def test(line: OneBotLine, peer: OneBotPeer) -> None:
        await line.send(FRIEND, PNG, None, None)
        await line.send(MEMBER, JPEG, None, None)
        await line.forward(FRIEND, ["一", "二", PNG])
        assert [(each.texts, each.pictures, each.user, each.group) for each in peer.shown] == [
            (("[image]",), (PNG,), "20001", None),
            (("@20001[image]",), (JPEG,), None, "30001"),
            (("一", "二", "[image]"), (PNG,), "20001", None),
        ]

    onebot(nonebot_with, test)


def test_several_pieces_go_as_one_forwarded_message(nonebot_with: Callable[..., Any]) -> None:
    """Each piece is a part by the bot; a client that does not know them refuses, so that pieces can go one by one."""

    async def test(line: OneBotLine, peer: OneBotPeer) -> None:
        ids = [await line.forward(FRIEND, ["一", AWKWARD]), await line.forward(MEMBER, ["一", AWKWARD])]
        assert [(each.id, each.texts, each.user, each.group) for each in peer.shown] == [
            (ids[0], ("一", AWKWARD), "20001", None),
            (ids[1], ("一", AWKWARD), None, "30001"),
        ]
        assert peer.calls[0]["params"]["messages"][0]["data"] == {
            "user_id": "10001",
            "nickname": "在线咨询",
            "uin": "10001",
            "name": "在线咨询",
            "content": [{"type": "text", "data": {"text": "一"}}],
        }
        peer.unsupported.add("send_private_forward_msg")
        with pytest.raises(Refused, match="不支持"):
            await line.forward(FRIEND, ["一", "二"])

    onebot(nonebot_with, test)


@pytest.mark.parametrize(
    ("fault", "expected", "reason"),
    [
        (Fault(1200, 'EventChecker Failed: NTEvent EventRet:\n{\n    "result": 120,\n "errMsg": ""}'), Refused, "禁言"),
        (Fault(1200, "Timeout: NTEvent serviceAndMethod:NodeIKernelMsgService/sendMsg"), Unclear, "没有确认发出"),
        (Fault(200, "发送超时"), Unclear, "没有确认发出"),
        (Fault(100, ""), Refused, "QQ 客户端没有发出"),
        (Fault(None), Unclear, "没有答复"),
        (Fault(drops=True), Unclear, "没有答复"),
    ],
)
def test_what_a_client_objects_to_is_told_to_staff(
    nonebot_with: Callable[..., Any], fault: Fault, expected: type[LineError], reason: str
) -> None:
    """A client that does not confirm is tried later, one that refuses is not; both have a reason in Chinese."""

    async def test(line: OneBotLine, peer: OneBotPeer) -> None:
        peer.faults.append(fault)
        with pytest.raises(LineError) as error:
            await line.send(FRIEND, "在", None, None)
        assert type(error.value) is expected
        assert reason in str(error.value)

    onebot(nonebot_with, test, api_timeout=0.3 if fault.retcode is None or fault.drops else 5)


def test_a_client_that_went_is_waited_for(nonebot_with: Callable[..., Any]) -> None:
    """Without a connection a piece is for later, and goes once the client is back."""

    async def test(line: OneBotLine, peer: OneBotPeer) -> None:
        peer.drop()
        await until(lambda: line._bot_of("10001") is None)
        with pytest.raises(Later, match="没有连接"):
            await line.send(FRIEND, "在", None, None)
        await until(lambda: line._bot_of("10001") is not None)
        await line.send(FRIEND, "在", None, None)
        assert [shown.text for shown in peer.shown] == ["在"]

    onebot(nonebot_with, test)


@pytest.mark.parametrize("error", [RuntimeError("closed"), OSError(), WebSocketClosed(1006), WebSocketDisconnect(1006)])
def test_a_connection_that_breaks_under_a_call_is_for_later(error: Exception) -> None:
    """Whatever a socket raises that closes while it is written to, the piece is kept."""

    class Breaking:
        async def call_api(self, *_: object, **__: object) -> None:
            raise error

    line = OneBotLine(lambda _: cast(OneBotBot, Breaking()))
    with pytest.raises(Later, match="断开"):
        asyncio.run(line.send(FRIEND, "在", None, None))


def broken_off(use: Callable[..., Any], at: str, *, content: str | bytes = "在") -> LineError:
    """What comes of a message where the platform breaks the connection off at this path, and answers at others."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                if at in head.split()[1]:
                    break
                said = b'{"access_token": "t", "expires_in": "7200", "file_info": "f", "id": "1"}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(said), said))
        writer.close()

    port = free_port()
    bot = official_bot(use, port)

    async def served() -> LineError:
        async with await asyncio.start_server(answer, "127.0.0.1", port), bot.adapter.driver._lifespan:
            with pytest.raises(LineError) as error:
                await OfficialLine({APP_ID: bot}.get).send(PRIVATE, content, None, None)
            return error.value

    return asyncio.run(asyncio.wait_for(served(), SECONDS))


def test_a_connection_that_breaks_under_a_message_leaves_it_unclear(nonebot_with: Callable[..., Any]) -> None:
    """The platform may have it, and would show a push each time it comes."""
    error = broken_off(nonebot_with, "/messages")
    assert (type(error), str(error)) == (Unclear, "与 QQ 平台的连接断开了")


@pytest.mark.parametrize(("at", "content"), [("/app/getAppAccessToken", "在"), ("/files", PNG)])
def test_a_connection_that_breaks_before_a_message_is_for_later(
    nonebot_with: Callable[..., Any], at: str, content: str | bytes
) -> None:
    """Under the question for a token, or under a picture, nothing was sent yet."""
    error = broken_off(nonebot_with, at, content=content)
    assert (type(error), str(error)) == (Later, "与 QQ 平台的连接断开了")


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("token", JSONResponse({}, 503)),
        ("token", Response("<html>")),
        ("files", JSONResponse({}, 503)),
        ("files", Response("<html>")),
    ],
)
def test_a_fault_of_the_platforms_before_a_message_is_for_later(
    nonebot_with: Callable[..., Any], at: str, answer: Response
) -> None:
    """Nothing was sent that could come twice, whatever is said there."""
    app, port = FastAPI(), free_port()
    token = JSONResponse({"access_token": "t", "expires_in": "7200"})
    app.post("/app/getAppAccessToken")(lambda: answer if at == "token" else token)
    app.post("/v2/users/{openid}/files")(lambda openid: answer)  # noqa: ARG005
    bot = official_bot(nonebot_with, port)

    async def test() -> None:
        async with serving(app, port), bot.adapter.driver._lifespan:
            with pytest.raises(Later) as error:
                await OfficialLine({APP_ID: bot}.get).send(PRIVATE, PNG, None, None)
            assert type(error.value) is Later

    asyncio.run(asyncio.wait_for(test(), SECONDS))


def test_a_pause_without_end_is_none(nonebot_with: Callable[..., Any]) -> None:
    """An event loop that is asked to sleep for no number of seconds never ends."""

    async def test(line: OfficialLine, platform: OfficialPlatform) -> None:
        for asked in ("nan", "inf", "-inf", "1e999"):
            platform.faults.append(Refusal(429, 22009, "msg limit exceed", {"Retry-After": asked}))
            with pytest.raises(Later) as error:
                await line.send(PRIVATE, "在", None, None)
            assert error.value.wait is None

    official(nonebot_with, test)
