"""The simulated platforms: a OneBot client against aiocqhttp, and the official platform by its own published rules."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiocqhttp import ActionFailed, CQHttp
from aiocqhttp import Event as CQEvent
from aiocqhttp.exceptions import NetworkError
from conftest import free_port
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI, Request, Response
from websockets.exceptions import InvalidStatus

from bot.qq.simulate.album import Album
from bot.qq.simulate.official import Fault as Refusal
from bot.qq.simulate.official import OfficialPlatform
from bot.qq.simulate.onebot import Fault, OneBotPeer
from bot.qq.simulate.phone import Shown
from bot.qq.simulate.segment import make, read, write
from bot.qq.simulate.terminal import chat, chat_over_official, chat_over_onebot, serving
from bot.qq.simulate.webhook import Webhook, group_message, member, private_message, sign

APP_ID, SECRET = "11111111", "DG5g3B4j9X2KOErG"
OTHER_SECRET = "naOC0ocQE3shWLAfffVLB1rhYPG7"
OTHER_PUBLIC_KEY = "d7c362fe78aef81ff23287b493628b5db02a3c4fe30b215e4d19609b5d76673a"
"""As the platform publishes them, with a key that goes with the second."""
TOKEN = "a-token-of-onebot"
USER, GROUP = "E4F4AEA33253A2797FB897C50B81D7ED", "C9F778FE6ADF9D1D1DBE395BF744A33A"
SECONDS = 10


@asynccontextmanager
async def aiocqhttp(**kwargs: Any) -> AsyncIterator[tuple[CQHttp, str]]:
    """A server of aiocqhttp's, an implementation of the bot's side that is not ours, and the address of its socket."""
    bot, port, over = CQHttp(access_token=TOKEN, **kwargs), free_port(), asyncio.Event()
    task = asyncio.create_task(bot.run_task(port=port, shutdown_trigger=over.wait))
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            break
    try:
        yield bot, f"ws://127.0.0.1:{port}/ws"
    finally:
        over.set()
        await task


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test to its end, which is near."""
    asyncio.run(asyncio.wait_for(test(), SECONDS))


def echo(bot: CQHttp) -> list[CQEvent]:
    """Have the bot repeat every message to whoever sent it; the events it got."""
    events: list[CQEvent] = []

    @bot.on_message
    async def repeat(event: CQEvent) -> None:
        events.append(event)
        await bot.send(event, event.message)

    return events


def meta_events(bot: CQHttp, kind: str) -> asyncio.Queue[CQEvent]:
    """The events of a kind that tell of the client itself, as they come."""
    events: asyncio.Queue[CQEvent] = asyncio.Queue()

    @bot.on_meta_event(kind)
    async def keep(event: CQEvent) -> None:
        events.put_nowait(event)

    return events


def test_a_private_message_reaches_an_independent_bot_and_its_answer_comes_back() -> None:
    """What a user says arrives at aiocqhttp, and what it sends is shown to that user, verbatim."""

    async def test() -> None:
        async with aiocqhttp() as (bot, url), OneBotPeer(url, token=TOKEN) as peer:
            echo(bot)
            await peer.say("密码忘了 [CQ:at,qq=all] & <b>", user="20001")
            shown = await peer.show()
            assert (shown.texts, shown.user, shown.group) == (("密码忘了 [CQ:at,qq=all] & <b>",), "20001", None)

    run(test)


def test_a_group_message_carries_what_clients_put_into_it() -> None:
    """At, reply, face and image arrive as segments and as CQ codes, with the group; the answer is shown there."""

    async def test() -> None:
        async with aiocqhttp() as (bot, url), OneBotPeer(url, token=TOKEN, self_id=10001) as peer:
            events = echo(bot)
            said = await peer.say(
                "怎么办", user="20002", group="30001", pictures=["http://a.example/1"], reply=77, face=14
            )
            shown = await peer.show()
            assert (shown.user, shown.group) == (None, "30001")
            event = events[0]
            assert [segment["type"] for segment in event.message] == ["reply", "at", "text", "face", "image"]
            assert (event.group_id, event.user_id, event.self_id) == (30001, 20002, 10001)
            assert event.sub_type == "normal"
            assert event.message_id == said["message_id"]
            assert event.raw_message == (
                "[CQ:reply,id=77][CQ:at,qq=10001] 怎么办[CQ:face,id=14][CQ:image,file=0.png,url=http://a.example/1]"
            )

    run(test)


def test_a_client_with_a_wrong_token_is_turned_away() -> None:
    """The token travels as a bearer token, and the bot's refusal is not hidden."""

    async def test() -> None:
        async with aiocqhttp() as (_, url):
            with pytest.raises(InvalidStatus) as refused:
                async with OneBotPeer(url, token="another"):
                    pass
            assert refused.value.response.status_code == 403

    run(test)


def test_each_call_gets_its_own_answer() -> None:
    """Answers to calls that are under way at the same time are told apart by their echo."""

    async def test() -> None:
        async with aiocqhttp() as (bot, url), OneBotPeer(url, token=TOKEN) as peer:
            said = await peer.say("在吗")
            answers = await asyncio.gather(
                bot.get_login_info(),
                bot.get_status(),
                bot.get_version_info(),
                bot.get_msg(message_id=said["message_id"]),
            )
            assert answers[0]["user_id"] == 10001
            assert answers[1] == {"online": True, "good": True}
            assert answers[2]["protocol_version"] == "v11"
            assert answers[3]["message"] == [{"type": "text", "data": {"text": "在吗"}}]
            with pytest.raises(ActionFailed) as unknown:
                await bot.set_group_ban(group_id=30001)
            assert unknown.value.result["retcode"] == 1404

    run(test)


def test_a_forwarded_message_is_shown_in_its_parts() -> None:
    """Each node of a forwarded message is one text; a client that has no such thing says so."""

    async def test() -> None:
        nodes = [make("node", content=text) for text in ("第一段", "第二段")]
        async with aiocqhttp() as (bot, url), OneBotPeer(url, token=TOKEN) as peer:
            await bot.send_private_forward_msg(user_id=20001, messages=nodes)
            await bot.send_group_forward_msg(group_id=30001, messages=nodes)
            assert [(each.texts, each.user, each.group) for each in peer.shown] == [
                (("第一段", "第二段"), "20001", None),
                (("第一段", "第二段"), None, "30001"),
            ]
            peer.unsupported.add("send_group_forward_msg")
            with pytest.raises(ActionFailed):
                await bot.send_group_forward_msg(group_id=30001, messages=nodes)

    run(test)


def test_a_client_misbehaves_on_demand() -> None:
    """A sending fails by a code, or is not answered though the message arrives, and the next one is well again."""

    async def test() -> None:
        async with aiocqhttp(api_timeout_sec=1.0) as (bot, url), OneBotPeer(url, token=TOKEN) as peer:
            peer.faults.extend([Fault(100, "风控"), Fault(None, arrives=True)])
            with pytest.raises(ActionFailed) as failed:
                await bot.send_private_msg(user_id=20001, message="一")
            assert failed.value.result["retcode"] == 100
            with pytest.raises(NetworkError):
                await bot.send_private_msg(user_id=20001, message="二")
            await bot.send_private_msg(user_id=20001, message="三")
            assert [each.text for each in peer.shown] == ["二", "三"]

    run(test)


def test_a_client_that_lost_its_connection_comes_back() -> None:
    """After a drop it connects again, announces itself, and a message said meanwhile is reported."""

    async def test() -> None:
        async with aiocqhttp() as (bot, url):
            arrivals = meta_events(bot, "lifecycle")
            echo(bot)
            async with OneBotPeer(url, token=TOKEN, pause=0.05) as peer:
                await peer.say("一")
                await peer.show()
                peer.drop()
                await peer.say("二")
                assert (await peer.show()).text == "二"
            assert [(await arrivals.get()).sub_type for _ in range(2)] == ["connect", "connect"]

    run(test)


def test_a_client_repeats_an_event_as_it_was() -> None:
    """The same event comes again under the same message id."""

    async def test() -> None:
        async with aiocqhttp() as (bot, url), OneBotPeer(url, token=TOKEN) as peer:
            events = echo(bot)
            await peer.say("重复")
            await peer.again()
            await peer.show()
            await peer.show()
            assert events[0] == events[1]

    run(test)


def test_heartbeats_come_at_their_interval() -> None:
    """The bot hears that its client lives, and how often it will."""

    async def test() -> None:
        async with aiocqhttp() as (bot, url):
            beats = meta_events(bot, "heartbeat")
            async with OneBotPeer(url, token=TOKEN, beat=0.02):
                heard = [await beats.get() for _ in range(3)]
            assert [event["interval"] for event in heard] == [20, 20, 20]

    run(test)


def test_a_string_is_read_as_clients_read_it() -> None:
    """CQ codes in a string are segments, and text with auto_escape; a text survives being written and read."""
    assert read("[CQ:at,qq=all] 各位&amp;&#91;好&#93;") == [make("at", qq="all"), make("text", text=" 各位&[好]")]
    assert read("[CQ:at,qq=all]", plain=True) == [make("text", text="[CQ:at,qq=all]")]
    awkward = make("text", text="[CQ:at,qq=all],&amp; 100%")
    assert read(write(awkward)) == [awkward]


class Clock:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.now = 1_725_442_341.0

    def __call__(self) -> float:
        return self.now


class Api:
    """What a bot knows of the platform: its API, called with a token."""

    def __init__(self, **kwargs: Any) -> None:
        self.clock = Clock()
        self.platform = OfficialPlatform(APP_ID, SECRET, clock=self.clock, **kwargs)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.platform.app), base_url="http://api")

    async def log_in(self) -> dict[str, Any]:
        asked = {"appId": APP_ID, "clientSecret": SECRET}
        granted: dict[str, Any] = (await self.client.post("/app/getAppAccessToken", json=asked)).json()
        self.client.headers["Authorization"] = f"QQBot {granted['access_token']}"
        return granted

    async def send(self, text: str = "您好", group: bool = False, **fields: Any) -> httpx.Response:
        path = f"/v2/groups/{GROUP}/messages" if group else f"/v2/users/{USER}/messages"
        return await self.client.post(path, json={"msg_type": 0, "content": text, **fields})


def api_test(test: Callable[[Api], Awaitable[None]], **kwargs: Any) -> None:
    """Run a test as a bot that is logged in."""

    async def logged_in() -> None:
        api = Api(**kwargs)
        async with api.client:
            await api.log_in()
            await test(api)

    run(logged_in)


def code(response: httpx.Response) -> tuple[int, int]:
    """An error's status and the platform's code."""
    body = response.json()
    assert body["code"] == body["err_code"]
    assert body["trace_id"] == response.headers["X-Tps-trace-ID"]
    return response.status_code, body["code"]


def test_a_signature_is_the_published_one() -> None:
    """Both vectors that the platform publishes come out, for a secret shorter and one longer than half a seed."""
    assert sign(SECRET, b"1725442341" + b"Arq0D5A61EgUu4OxUvOp") == (
        "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d0"
        "1bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
    )
    body = b'{\n  "op": 0,\n  "d": {},\n  "t": "GATEWAY_EVENT_NAME"\n}'  # the page shows it without its lines
    assert sign(OTHER_SECRET, b"1725442341" + body) == (
        "865ad13a61752ca65e26bde6676459cd36cf1be609375b37bd62af366e1dc25a"
        "8dc789ba7f14e017ada3d554c671a911bfdf075ba54835b23391d509579ed002"
    )


def test_a_token_is_given_to_who_knows_the_secret_and_ends() -> None:
    """A wrong secret gets code 100016; a token stays the same until its last minute, and is then replaced."""

    async def test(api: Api) -> None:
        wrong = await api.client.post("/app/getAppAccessToken", json={"appId": APP_ID, "clientSecret": "x"})
        assert wrong.json()["code"] == 100016
        first = await api.log_in()
        assert first["expires_in"] == "7200"
        assert (await api.client.get("/users/@me")).json()["bot"] is True
        assert (await api.client.get("/gateway/bot")).json()["shards"] == 1
        api.clock.now += 7141
        assert (await api.client.get("/users/@me")).status_code == 200
        second = await api.log_in()
        assert second["access_token"] != first["access_token"]
        api.platform.expire_tokens()
        for path in ("/users/@me", "/gateway/bot"):
            assert code(await api.client.get(path)) == (401, 11244)
        assert code(await api.send()) == (401, 11244)

    api_test(test)


def test_a_reply_is_taken_once() -> None:
    """The same number for the same message is refused as a repeat, and shown once."""

    async def test(api: Api) -> None:
        event = await api.platform.say("在吗", user=USER)
        fields = {"msg_id": event["d"]["id"], "msg_seq": 1}
        taken = (await api.send("在", **fields)).json()
        assert taken["id"].startswith("ROBOT1.0_")
        assert datetime.fromisoformat(taken["timestamp"]).timestamp() == api.clock.now
        assert code(await api.send("在", **fields)) == (400, 40054005)
        assert api.platform.shown == [Shown(("在",), taken["id"], user=USER, message_id=event["d"]["id"], reply=1)]

    api_test(test)


@pytest.mark.parametrize(("group", "times", "seconds"), [(False, 4, 3600), (True, 5, 300)])
def test_replies_are_limited_in_number_and_time(group: bool, times: int, seconds: int) -> None:
    """In private four replies within an hour, in a group five within five minutes, no more and no later."""

    async def test(api: Api) -> None:
        event = await api.platform.say("在吗", user=USER, group=GROUP if group else None)
        message_id = event["d"]["id"]
        api.clock.now += seconds
        for number in range(1, times + 1):
            assert (await api.send(group=group, msg_id=message_id, msg_seq=number)).status_code == 200
        assert code(await api.send(group=group, msg_id=message_id, msg_seq=9)) == (400, 40034128)
        api.clock.now += 1
        assert code(await api.send(group=group, msg_id=message_id, msg_seq=10)) == (400, 40034005)

    api_test(test)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请登录 https://www.zybwhsb.com/login 办理", 40054010),
        ("见 crawler.py", 40054010),
        ("见 www.nhc.gov.cn。", 40054010),
        ("https://zyb.gov.cn.evil.com", 40054010),
        ("字" * 601, 40054007),
        ("", 22006),
        ("请登录 https://a.zyb.gov.cn:8443/x?y=1 办理，第 1.2 条，版本 1.10.x，邮箱 a.b@qq.com", None),
        ("字" * 600, None),
    ],
)
def test_a_text_is_refused_as_the_platform_refuses_it(text: str, expected: int | None) -> None:
    """Addresses that were not filed, even what only looks like one, and what is too long or empty is refused."""

    async def test(api: Api) -> None:
        response = await api.send(text)
        assert (None if response.status_code == 200 else response.json()["code"]) == expected
        assert [shown.text for shown in api.platform.shown] == ([] if expected else [text])

    api_test(test, filed=["zyb.gov.cn"])


def test_a_picture_is_given_first_and_then_named() -> None:
    """PNG and JPEG in base64, to be named by messages of the same kind; anything else, or anywhere else, is refused."""

    async def test(api: Api) -> None:
        png = b"\x89PNG\r\n\x1a\n and more"
        asked = {"file_type": 1, "srv_send_msg": False, "file_data": b64encode(png).decode()}
        user, group = f"/v2/users/{USER}/files", f"/v2/groups/{GROUP}/files"
        wrong: list[dict[str, object]] = [
            {"file_type": 2},
            {"srv_send_msg": True},
            {"file_data": b64encode(b"GIF89a").decode()},
            {"file_data": "?"},
            {"file_data": ""},
        ]
        for each in wrong:
            assert code(await api.client.post(user, json={**asked, **each})) == (400, 850019), each
        own = (await api.client.post(user, json=asked)).json()["file_info"]
        theirs = (await api.client.post(group, json=asked)).json()["file_info"]
        for file_info in (theirs, "x", None):
            refused = await api.send("", msg_type=7, media={"file_info": file_info})
            assert code(refused) == (400, 22006)
        taken = (await api.send("", msg_type=7, media={"file_info": own})).json()
        assert api.platform.shown == [Shown(("[image]",), taken["id"], user=USER, pictures=(png,))]
        api.platform.expire_tokens()
        assert code(await api.client.post(user, json=asked)) == (401, 11244)

    api_test(test)


def test_a_message_is_replied_to_where_it_was_said() -> None:
    """Another's message id, or one that never was, is refused; without one it is a push, which can be forbidden."""

    async def test(api: Api) -> None:
        event = await api.platform.say("在吗", user=USER, group=GROUP)
        assert code(await api.send(msg_id=event["d"]["id"])) == (400, 40034024)
        assert code(await api.send(msg_id="ROBOT1.0_none")) == (400, 40034024)
        assert (await api.send("主动", group=True)).status_code == 200
        assert (api.platform.shown[0].message_id, api.platform.shown[0].reply) == (None, None)
        api.platform.pushes = False
        assert code(await api.send("主动", group=True)) == (400, 40034102)

    api_test(test)


def test_the_platform_misbehaves_on_demand() -> None:
    """It turns a sending away by any status and code, or loses the answer to one that it took."""

    async def test(api: Api) -> None:
        event = await api.platform.say("在吗", user=USER)
        fields = {"msg_id": event["d"]["id"], "msg_seq": 1}
        api.platform.faults.extend(
            [Refusal(429, 22009, "msg limit exceed", {"Retry-After": "2"}), Refusal(504, arrives=True)]
        )
        limited = await api.send(**fields)
        assert (code(limited), limited.headers["Retry-After"]) == ((429, 22009), "2")
        assert (await api.send(**fields)).status_code == 504
        assert code(await api.send(**fields)) == (400, 40054005)
        assert len(api.platform.shown) == 1

    api_test(test)


class Callback:
    """A bot's callback address that keeps what it gets and answers by the statuses it is given, then by 200."""

    def __init__(self, *statuses: int) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self._statuses = list(statuses)
        self.app = FastAPI()
        self.app.post("/qq/webhook")(self._take)

    async def _take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        return Response(status_code=self._statuses.pop(0) if self._statuses else 200)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


def callback_test(callback: Callback, test: Callable[[Webhook], Awaitable[None]]) -> None:
    """Run a test with a webhook to a callback address."""

    async def connected() -> None:
        transport = httpx.ASGITransport(callback.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            await test(Webhook(client, "/qq/webhook", APP_ID, OTHER_SECRET, pause=0, clock=Clock()))

    run(connected)


def test_an_event_is_signed_over_its_timestamp_and_body() -> None:
    """The published public key confirms it, and a changed body does not pass."""
    callback = Callback()

    async def test(webhook: Webhook) -> None:
        await webhook.deliver(private_message("在吗", USER))

    callback_test(callback, test)
    body, headers = callback.bodies[0], callback.headers[0]
    assert (headers["x-bot-appid"], headers["user-agent"]) == (APP_ID, "QQBot-Callback")
    assert headers["x-signature-timestamp"] == "1725442341"
    key, signature = Ed25519PublicKey.from_public_bytes(bytes.fromhex(OTHER_PUBLIC_KEY)), headers["x-signature-ed25519"]
    key.verify(bytes.fromhex(signature), b"1725442341" + body)
    with pytest.raises(InvalidSignature):
        key.verify(bytes.fromhex(signature), b"1725442341" + body + b" ")


def test_an_address_is_asked_to_prove_that_it_knows_the_secret() -> None:
    """The request is the published one, and not signed."""
    callback = Callback()

    async def test(webhook: Webhook) -> None:
        await webhook.validate("Arq0D5A61EgUu4OxUvOp", "1725442341")

    callback_test(callback, test)
    assert callback.events == [{"d": {"plain_token": "Arq0D5A61EgUu4OxUvOp", "event_ts": "1725442341"}, "op": 13}]
    assert "x-signature-ed25519" not in callback.headers[0]


def test_an_event_comes_again_until_it_is_taken_or_three_times() -> None:
    """The same body comes again while it is not answered by 200, three times in all."""
    first, never = Callback(500), Callback(500, 502, 403, 500)

    async def test(webhook: Webhook) -> None:
        await webhook.deliver(private_message("在吗", USER))

    callback_test(first, test)
    callback_test(never, test)
    assert (len(first.bodies), len(never.bodies)) == (2, 3)
    assert len(set(never.bodies)) == 1


def test_messages_have_the_form_that_the_platform_gives_them() -> None:
    """In private the user's id, in a group the member's; pictures as attachments; the naming leaves a space."""
    private = private_message("你好", USER, ["https://multimedia.nt.qq.com.cn/download?x=1"])["d"]
    assert (private["author"]["user_openid"], private["content"]) == (USER, "你好")
    assert private["attachments"][0]["content_type"] == "image/png"
    group = group_message("你好", USER, GROUP)["d"]
    assert (group["author"]["member_openid"], group["group_openid"]) == (member(GROUP, USER), GROUP)
    assert group["content"] == " 你好"
    assert member(GROUP, USER) != USER
    old = group_message("你好", USER, GROUP, old=True)["d"]
    assert (old["author"], "group_id" in old) == ({"member_openid": member(GROUP, USER)}, False)


def test_a_chat_in_the_terminal_says_what_is_typed_and_shows_what_comes(tmp_path: Path) -> None:
    """Text goes in private, /g in the group, /image with a picture that can be fetched, /again the same once more."""
    picture = tmp_path / "截图 1.png"
    picture.write_bytes(b"picture")
    typed = ["你好", "/g 大家好", "", f"/image {picture}", "/image missing.png", "/again", "/quit", "不会发出"]
    album, output = Album("http://pictures"), []

    async def lines() -> AsyncIterator[str]:
        for line in typed:
            yield f"{line}\n"
            await asyncio.sleep(0.05)

    async def test() -> None:
        async with aiocqhttp() as (bot, url), OneBotPeer(url, token=TOKEN) as peer:
            events = echo(bot)
            await chat(peer, lines(), user="20001", group="30001", album=album, show=output.append)
            pictures = FastAPI()
            pictures.include_router(album.router)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(pictures)) as client:
                fetched = await client.get(events[2].message[0]["data"]["url"])
                assert (await client.get("http://pictures/picture/other")).status_code == 404
            assert fetched.content == b"picture"
            assert [event.raw_message[:20] for event in events][:2] == ["你好", "[CQ:at,qq=10001] 大家好"]
            assert events[2].message_id == events[3].message_id
            assert len(events) == 4

    run(test)
    assert "\n【机器人 · 私聊】\n你好" in output
    assert "\n【机器人 · 群聊】\n@10001 大家好" in output
    assert any(line.startswith("读不了图片") for line in output)


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Have these lines typed, one after the other, as a person would."""

    def typing() -> Iterator[str]:
        for line in lines:
            yield f"{line}\n"
            time.sleep(0.3)

    monkeypatch.setattr("sys.stdin", typing())


def test_the_terminal_is_a_onebot_client(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It connects with the token, and pictures can be fetched from the port that it serves them from."""
    picture, port, fetched = tmp_path / "a.png", free_port(), []
    picture.write_bytes(b"picture")
    type_in(monkeypatch, "你好", f"/image {picture}", "/quit")

    async def test() -> None:
        async with aiocqhttp() as (bot, url), httpx.AsyncClient() as client:

            @bot.on_message
            async def answer(event: CQEvent) -> None:
                if event.message[0]["type"] == "image":
                    fetched.append((await client.get(event.message[0]["data"]["url"])).content)
                await bot.send(event, "收到")

            await chat_over_onebot(url, TOKEN, port)

    run(test)
    assert fetched == [b"picture"]
    assert capsys.readouterr().out.count("【机器人 · 私聊】\n收到") == 2


def test_the_terminal_is_the_official_platform(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It calls the bot back, and shows what the bot replies over the platform's API."""
    bot, bot_port, port = FastAPI(), free_port(), free_port()
    type_in(monkeypatch, "你好", "/g 大家好", "/quit")

    @bot.post("/qq/webhook")
    async def hear(request: Request) -> Response:
        event = (await request.json())["d"]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
            asked = {"appId": APP_ID, "clientSecret": SECRET}
            token = (await api.post("/app/getAppAccessToken", json=asked)).json()["access_token"]
            group = event.get("group_openid")
            path = f"/v2/groups/{group}/messages" if group else f"/v2/users/{event['author']['user_openid']}/messages"
            reply = {"msg_type": 0, "content": f"{event['content']}！", "msg_id": event["id"], "msg_seq": 1}
            await api.post(path, json=reply, headers={"Authorization": f"QQBot {token}"})
        return Response()

    async def test() -> None:
        async with serving(bot, bot_port):
            await chat_over_official(f"http://127.0.0.1:{bot_port}/qq/webhook", APP_ID, SECRET, port)

    run(test)
    output = capsys.readouterr().out
    assert "【机器人 · 私聊】\n你好！" in output
    assert "【机器人 · 群聊】\n 大家好！" in output


def test_a_port_that_is_taken_ends_the_terminal() -> None:
    """Two of them on one port: the second one ends instead of waiting for nothing."""
    port = free_port()

    async def test() -> None:
        async with serving(FastAPI(), port):
            with pytest.raises(OSError, match=str(port)):
                async with serving(FastAPI(), port):
                    pass

    run(test)
