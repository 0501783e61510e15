"""How the bots on QQ stand, and what became of what went out: what the running server says of it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from telephone import House, answers, open_house, shown, until

from bot.account import Accounts
from bot.qq.simulate.official import Fault
from bot.qq.simulate.onebot import OneBotPeer
from bot.qq.standing import GONE, LOGGED_OUT, UNWELL
from bot.store.sqlite import SqliteStore


@contextmanager
def plain_house(folder: Path) -> Iterator[House]:
    """A house that finds entries by their words alone, and so is soon ready."""
    (folder / "nothing").mkdir()
    with open_house(folder / "nothing", folder, FAQ_MODEL="none") as house:
        yield house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that tests share, each with people of its own."""
    with plain_house(tmp_path_factory.mktemp("standing")) as house:
        yield house


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    """A house of the test's own."""
    with plain_house(tmp_path) as house:
        yield house


def stand(house: House, platform: str) -> tuple[bool, str | None]:
    """Whether the platform's bot is ready, and what its trouble is."""
    bots = httpx.get(f"{house.url}/readyz").raise_for_status().json()["qq"]
    [found] = [(each["ready"], each["trouble"]) for each in bots if each["platform"] == platform]
    return found


def test_a_bot_that_the_official_platform_disowns_is_not_ready(empty_house: House) -> None:
    """It is not before the platform knows it, nor once the secret is wrong or it is banned; after each it is again."""
    house = empty_house

    async def comes(ready: bool, trouble: str | None) -> None:
        await until(lambda: stand(house, "qq") == (ready, trouble))

    async def talk() -> None:
        await comes(False, "连不上 QQ 平台")
        async with house.official() as (official, _):
            await comes(True, None)
            assert await answers(official, "你好", user="LI")

            secret, official._secret = official._secret, "changed"
            official.expire_tokens()
            await official.say("账号被锁定怎么办", user="LI")
            await comes(False, "没有取得访问令牌，请检查 AppID 和 AppSecret")
            official._secret = secret
            assert await shown(official)
            await comes(True, None)

            official.faults.extend([Fault(400, 40054016, "机器人已下线/封禁")] * 9)
            await official.say("账号被锁定怎么办", user="ZHAO")
            banned = "机器人已下线或被封禁（错误码 40054016）"
            await comes(False, banned)
            await until(house.at_rest)
            assert house.pieces("ZHAO")[0]["state"] == "failed"
            assert stand(house, "qq") == (False, banned)
            official.faults.clear()
            assert await answers(official, "账号被锁定怎么办", user="ZHAO")
            await comes(True, None)

    asyncio.run(talk())
    log = (house.data / "serve.log").read_text(encoding="utf-8")
    for trouble in ("连不上 QQ 平台", "没有取得访问令牌", "机器人已下线或被封禁"):
        assert f"目前不可用：{trouble}" in log
    assert log.count("已接入开放平台") == 3


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ({"online": False, "good": True}, LOGGED_OUT),
        ({"online": False, "good": False, "stat": {}}, LOGGED_OUT),
        ({"online": True, "good": False}, UNWELL),
        ({"online": None, "good": False}, UNWELL),
        ({"online": False}, LOGGED_OUT),
    ],
)
def test_an_account_that_its_client_says_is_not_online_is_not_ready(
    house: House, status: Mapping[str, Any], trouble: str
) -> None:
    """Though the client stays connected; until a heartbeat or a new connection says otherwise."""

    def beat(peer: OneBotPeer, **more: Any) -> dict[str, Any]:
        base = {"time": int(time.time()), "self_id": peer.self_id, "post_type": "meta_event"}
        return {**base, "meta_event_type": "heartbeat", "interval": 5000, **more}

    async def comes(trouble: str | None) -> None:
        await until(lambda: stand(house, "onebot") == (trouble is None, trouble))

    async def talk() -> None:
        async with house.onebot(beat=3600) as onebot:
            assert await answers(onebot, "你好", user="20001")  # its own first heartbeat came before
            await comes(None)
            await onebot.emit(beat(onebot, status=status))
            await comes(trouble)
            await onebot.emit(beat(onebot))
            await onebot.emit({**beat(onebot, sub_type="enable"), "meta_event_type": "lifecycle"})
            await onebot.emit(beat(onebot, status="fine"))
            assert await answers(onebot, "你好", user="20001")
            assert stand(house, "onebot") == (False, trouble)
            await onebot.emit(beat(onebot, status={"online": True, "good": True}))
            await comes(None)
            await onebot.emit(beat(onebot, status=status))
            await comes(trouble)
            onebot.drop()
            await comes(None)
        await comes(GONE)

    asyncio.run(talk())


def test_a_way_that_no_client_has_come_by_is_told_of(empty_house: House) -> None:
    """After a start nothing is known of OneBot's accounts, which is not to say that all is well."""
    assert stand(empty_house, "onebot") == (False, GONE)


@pytest.fixture
def lead(house: House) -> Iterator[httpx.Client]:
    """A program with the rights of a lead."""
    with closing(SqliteStore(house.data / "conversations.db")) as store:
        key = Accounts(store).add_key("大屏", "lead")[0]
    with httpx.Client(base_url=f"{house.url}/api/staff", headers={"X-API-Key": key}) as client:
        yield client


def test_the_figures_tell_what_became_of_what_went_out(house: House, lead: httpx.Client) -> None:
    """How many pieces arrived and failed on each platform, and why; and how the bots stand, as readiness has it."""

    def told() -> dict[str, Any]:
        found: dict[str, Any] = lead.get("/metrics", params={"days": 1}).raise_for_status().json()["qq"]
        return found

    async def talk() -> None:
        async with house.official() as (official, _), house.onebot() as onebot:
            assert await answers(official, "账号被锁定怎么办", user="FIGURED")
            assert await answers(onebot, "账号被锁定怎么办", user="20011")
            await until(house.at_rest)
            before = told()["pieces"]
            assert await answers(official, "账号被锁定怎么办", user="FIGURED")
            official.faults.append(Fault(400, 40054013, "对方拒收"))
            await official.say("账号被锁定怎么办", user="FIGURED2")
            assert await answers(onebot, "账号被锁定怎么办", user="20011")
            await until(house.at_rest)
            after = told()
            reason = "对方拒收机器人的消息（错误码 40054013）"
            assert after["pieces"]["qq"]["sent"] > before["qq"]["sent"]
            for name, more in (("failed", 1), ("waiting", 0), ("held", 0), ("unasked", 0)):
                assert after["pieces"]["qq"][name] == before["qq"][name] + more
            assert after["pieces"]["qq"]["reasons"][reason] == before["qq"]["reasons"].get(reason, 0) + 1
            assert after["pieces"]["onebot"]["sent"] == before["onebot"]["sent"] + 1
            assert after["bots"] == httpx.get(f"{house.url}/readyz").json()["qq"]
            assert {each["platform"] for each in after["bots"]} == {"qq", "onebot"}

    asyncio.run(talk())
    kept = house.rows(
        "SELECT platform, state, count(*) AS n FROM qq_piece JOIN qq_chat USING (conversation_id) GROUP BY 1, 2"
    )
    sent = {row["platform"]: row["n"] for row in kept if row["state"] == "sent"}
    assert {platform: each["sent"] for platform, each in told()["pieces"].items() if each["sent"]} == sent


def change(house: House, statement: str) -> None:
    """Do something to the database behind the server's back."""
    with closing(sqlite3.connect(house.data / "conversations.db", timeout=30)) as database, database:
        database.execute(statement)


def test_a_reply_in_a_group_is_not_lost_while_the_store_fails(empty_house: House) -> None:
    """Only the store knows whether it was said to the bot, and OneBot tells it once; later ones do not overtake it."""
    house = empty_house
    first, second = "忘记密码怎么办", "账号被锁定怎么办"

    async def talk() -> None:
        async with house.onebot() as onebot:
            await onebot.say("账号被锁定怎么办", user="20006", group="30006")
            said = await asyncio.wait_for(onebot.show(), 20)
            await until(house.at_rest)
            change(house, "ALTER TABLE qq_piece RENAME TO qq_piece_away")
            await onebot.say(first, user="20007", group="30006", at=False, reply=int(said.id))
            await onebot.say("大家好", user="20007", group="30006", at=False, reply=1)
            await onebot.say(second, user="20007", group="30006")
            await asyncio.sleep(1)
            assert "20007" not in {row["user_id"] for row in house.rows("SELECT user_id FROM qq_heard")}
            change(house, "ALTER TABLE qq_piece_away RENAME TO qq_piece")
            for _ in range(2):
                assert (await shown(onebot)).startswith("@20007 ")
            await until(house.at_rest)

    asyncio.run(talk())
    assert house.said("20007", "30006") == [first, second]
