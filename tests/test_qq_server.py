"""The running server, spoken to as OneBot clients and the official platform speak to it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator

import httpx
import pytest
from conftest import ROOT
from embedded import CODE, LOCKED, entry, png
from telephone import House, answers, open_house, shown, until

from bot.qq.simulate.onebot import OneBotPeer
from bot.qq.simulate.webhook import group_message, member

pytest_plugins = ("switchboard",)


def test_both_platforms_get_the_entry_word_for_word(house: House) -> None:
    """In private and in a group; the offer beside it stays out of the group."""

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            for phone, user, group in ((official, "LI", "GROUP"), (onebot, "20001", "30001")):
                private = await answers(phone, LOCKED, user=user)
                assert entry("zyb-1.9").answer in private
                assert "请回复“是”" in private
                public = await answers(phone, LOCKED, user=user, group=group)
                assert entry("zyb-1.9").answer in public
                assert "请回复" not in public
                assert "私聊" in public

    asyncio.run(talk())


def test_a_form_is_filled_in_with_a_screenshot(house: House) -> None:
    """Until the ticket has its number, on both platforms."""

    async def talk() -> None:
        async with house.official() as (official, album), house.onebot() as onebot:
            picture = album.add(png(600)["buffer"])
            for phone, user in ((official, "WANG"), (onebot, "20002")):
                for text in (LOCKED, "是", "同意"):
                    await answers(phone, text, user=user)
                assert "图片" in await answers(phone, CODE, user=user)
                await phone.say("", user=user, pictures=[picture])
                assert "确认" in await shown(phone)
                assert "受理编号" in await answers(phone, "确认", user=user)

    asyncio.run(talk())


def test_readiness_tells_of_the_bots(house: House) -> None:
    """Which are there and which are not."""

    def bots() -> dict[str, bool]:
        ready = httpx.get(f"{house.url}/readyz").json()
        return {each["platform"]: each["ready"] for each in ready["qq"]}

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            await answers(official, "你好", user="TOLD")
            await answers(onebot, "你好", user="20004")
            await until(lambda: bots() == {"onebot": True, "qq": True})
        await until(lambda: bots().get("onebot") is False)

    asyncio.run(talk())


# Long answers

LONG = "".join(f"第 {number} 句说明怎样办理这件事，请照着做。" for number in range(1, 300))
HINT = re.compile(r"\n\n（内容较长，还有 (\d+) 段，回复「继续」查看。）$")


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house one of whose entries is long, and which finds it by its words alone."""
    folder = tmp_path_factory.mktemp("wordy")
    documents = shutil.copytree(ROOT / "faq" / "documents", folder / "documents")
    text = (documents / "zyb.txt").read_text(encoding="utf-8")
    head, rest = text.split("答：请打开百度搜索窗口", 1)
    tail = rest[rest.index("10、若新系统注册时") :]
    (documents / "zyb.txt").write_text(f"{head}答：{LONG}\n\n{tail}", encoding="utf-8")
    (folder / "nothing").mkdir()
    with open_house(folder / "nothing", folder, FAQ_DOCUMENTS=str(documents), FAQ_MODEL="none") as house:
        yield house


@pytest.mark.parametrize("group", [None, "GROUP"])
def test_the_rest_of_a_long_answer_comes_when_it_is_asked_for(wordy: House, group: str | None) -> None:
    """Four pieces at a time, the last of them saying how many are left; together the entry, word for word."""

    async def talk() -> list[str]:
        async with wordy.official() as (official, _):
            where = {"user": "READER", "group": group}
            seen = []
            event = await official.say(entry("zyb-1.9").question, **where)
            left = 1
            while left:
                await until(wordy.at_rest)
                portion = official.shown[len(seen) :]
                assert [(each.message_id, each.reply) for each in portion] == [
                    (event["d"]["id"], number) for number in range(1, len(portion) + 1)
                ]
                assert all(len(each.text.encode()) <= 1800 for each in portion)
                hints = [HINT.search(each.text) for each in portion]
                assert not any(hints[:-1])
                left = int(hints[-1][1]) if hints[-1] else 0
                assert len(portion) == 4 or left == 0
                seen += [HINT.sub("", each.text) for each in portion]
                if left:
                    before = wordy.heard()
                    event = await official.say("继续", **where)
                    await until(lambda before=before: wordy.heard() > before)
            return seen

    seen = asyncio.run(talk())
    assert len(seen) > 4
    assert LONG.replace(" ", "") in re.sub(r"\s", "", "".join(seen))
    user = member("GROUP", "READER") if group else "READER"
    assert wordy.said(user, group or "") == [entry("zyb-1.9").question]


@pytest.mark.parametrize("group", [None, "30001"])
@pytest.mark.parametrize("forwards", [True, False])
def test_onebot_forwards_a_long_answer_whole_or_sends_its_pieces(
    wordy: House, group: str | None, forwards: bool
) -> None:
    """As one message where the client can do that, else one after the other; 「继续」 is never needed."""

    async def talk() -> OneBotPeer:
        async with wordy.onebot() as onebot:
            if not forwards:
                onebot.unsupported = {"send_private_forward_msg", "send_group_forward_msg"}
            before = wordy.heard()
            await onebot.say(entry("zyb-1.9").question, user=f"2000{forwards:d}", group=group)
            await until(lambda: wordy.heard() > before and wordy.at_rest())
            return onebot

    onebot = asyncio.run(talk())
    pieces = [text for each in onebot.shown for text in each.texts]
    assert len(pieces) > 4
    assert len(onebot.shown) == (1 if forwards else len(pieces))
    start = f"@2000{forwards:d} " if group and not forwards else ""
    assert all(text.startswith(start) for text in pieces)
    whole = "".join(text.removeprefix(start) for text in pieces)
    assert LONG.replace(" ", "") in re.sub(r"\s", "", whole)
    assert "继续" not in whole


# Groups


def test_what_is_not_said_to_the_bot_in_a_group_is_not_kept(house: House) -> None:
    """No answer and no trace in the database or the log, of the words or of who said them."""
    secret, stranger = "这句话与机器人无关", "87654321"

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            event = group_message(secret, stranger, "GROUP")
            mention = {"id": "M", "member_openid": "M", "scope": "single", "bot": False, "is_you": False}
            for mentions in ([], [mention]):
                data = {**event["d"], "id": f"OTHER{len(mentions)}", "mentions": mentions}
                await official.deliver({**event, "t": "GROUP_MESSAGE_CREATE", "d": data})
            await onebot.say(secret, user=stranger, group="30009", at=False)
            theirs = await onebot.say("大家好", user="20005", group="30009", at=False)
            await onebot.say(secret, user=stranger, group="30009", at=False, reply=theirs["message_id"])
            await answers(onebot, "你好", user="20005", group="30009")
            await answers(official, "你好", user="FRIEND", group="GROUP")
            await until(house.at_rest)
            assert len(onebot.shown) == len(official.shown) == 1

    asyncio.run(talk())
    for path in (*house.data.glob("conversations.db*"), house.data / "serve.log"):
        kept = path.read_bytes()
        for trace in (secret, stranger, member("GROUP", stranger), "OTHER0", "OTHER1"):
            assert trace.encode() not in kept


def test_a_reply_to_the_bot_in_a_group_is_said_to_it(house: House) -> None:
    """Also by somebody else, and without naming it."""

    async def talk() -> None:
        async with house.onebot() as onebot:
            await onebot.say("账号被锁定怎么办", user="20006", group="30006")
            first = await asyncio.wait_for(onebot.show(), 20)
            await until(house.at_rest)
            for user in ("20006", "20007"):
                await onebot.say("忘记密码怎么办", user=user, group="30006", at=False, reply=int(first.id))
                assert (await shown(onebot)).startswith(f"@{user} ")

    asyncio.run(talk())
    assert house.said("20007", "30006") == ["忘记密码怎么办"]


def test_nothing_personal_is_asked_for_in_a_group(house: House) -> None:
    """What a form asks for in private, it does not ask where others read along, whatever is said."""
    script = (LOCKED, "是", "同意", CODE, "转人工", "是", "我要申诉", "同意")

    async def talk() -> dict[str, list[str]]:
        async with house.official() as (official, _), house.onebot() as onebot:
            said: dict[str, list[str]] = {"private": [], "group": []}
            for phone, user, group in ((official, "ZHAO", "GROUP2"), (onebot, "20008", "30008")):
                for text in script[:4]:
                    said["private"].append(await answers(phone, text, user=user))
                for text in script:
                    said["group"].append(await answers(phone, text, user=user, group=group))
            return said

    said = asyncio.run(talk())
    asked = {
        json.loads(row["reply"])["step"]["ask"]
        for user in ("ZHAO", "20008")
        for row in house.messages(user)
        if row["reply"] and json.loads(row["reply"])["step"]
    }
    assert len(asked) >= 3
    for ask in asked:
        assert any(ask in text for text in said["private"])
        assert not any(ask in text for text in said["group"])
    assert any("私聊" in text for text in said["group"])
    for user, group in ((member("GROUP2", "ZHAO"), "GROUP2"), ("20008", "30008")):
        assert not any(json.loads(row["reply"])["step"] for row in house.messages(user, group) if row["reply"])
    tickets = house.rows("SELECT * FROM ticket JOIN qq_chat USING (conversation_id) WHERE group_id <> ''")
    assert tickets == []
