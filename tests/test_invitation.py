"""Going on with a conversation in the web chat by an invitation: once, within a day, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from conftest import running_server
from embedded import EVERYWHERE, LOCKED, bubbles, expect_accessible, only_network, remembered, say
from fake import entry, index_of, knowledge_of
from playwright.sync_api import BrowserContext, expect

from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.invitation import Invitations
from bot.qq.model import Address, Chat
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Unknown

pytest_plugins = ("browsing",)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
GONE = "这个链接已经用过或已失效，请联系客服重新获取。"


class Hall:
    def __init__(self, store: SqliteStore) -> None:
        self.now, self.store = NOW, store
        self.bot = Bot(store, Desk(index_of(knowledge_of(entry("a-1", "问", "答"))), (), Thresholds()))
        self.invitations = Invitations(self.bot, store, "https://help.example", clock=lambda: self.now)

    def code(self, conversation_id: str) -> str:
        address, code = self.invitations.make(conversation_id).split("#")
        assert address == "https://help.example/join"
        return code


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield Hall(store)
    store.close()


def test_a_code_opens_its_conversation_once(hall: Hall) -> None:
    """Afterwards it is as good as any other word."""
    holder = hall.bot.begin(channel="qq")
    code = hall.code(holder.conversation_id)
    assert hall.invitations.take(code) == holder
    for wrong in (code, "", "made-up", code[:-1]):
        with pytest.raises(Unknown, match=GONE):
            hall.invitations.take(wrong)


def test_who_comes_over_is_answered_in_the_web_chat_alone(hall: Hall) -> None:
    """What is said on QQ afterwards begins another conversation there."""
    holder = hall.bot.begin(channel="qq")
    place = Address("qq", "102", "LI")
    hall.store.write(lambda t: t.put_chat(Chat(holder.conversation_id, place, 0, "m", NOW)))
    hall.invitations.take(hall.code(holder.conversation_id))
    assert hall.store.read(lambda t: (t.chat_at(place), t.chat(holder.conversation_id))) == (None, None)
    hall.bot.turn(Incoming("你好"), holder)
    assert hall.store.read(lambda t: t.chats_behind(10)) == []


def test_a_code_is_good_for_a_day_and_until_the_next(hall: Hall) -> None:
    """The latest one counts."""
    holder = hall.bot.begin(channel="qq")
    first, second = hall.code(holder.conversation_id), hall.code(holder.conversation_id)
    with pytest.raises(Unknown):
        hall.invitations.take(first)
    hall.now += timedelta(hours=24)
    with pytest.raises(Unknown):
        hall.invitations.take(second)
    third = hall.code(holder.conversation_id)
    hall.now += timedelta(hours=23)
    assert hall.invitations.take(third) == holder


@pytest.fixture(scope="module")
def public(widget_data: Path) -> Iterator[str]:
    """The base URL of a server that knows its address."""
    with running_server(widget_data, PUBLIC_URL="https://help.example") as (url, _):
        yield url


def invite(server: str, data: Path) -> tuple[str, str]:
    """An invitation to a conversation in which something was asked: its code, and the conversation's id."""
    said = httpx.post(f"{server}/api/chat", json={"text": LOCKED}).json()
    store = SqliteStore(data / "conversations.db")
    try:
        made = Invitations(Bot(store, Desk(index_of(knowledge_of()), (), Thresholds())), store, "https://help.example")
        return made.make(said["conversation_id"]).split("#")[1], said["conversation_id"]
    finally:
        store.close()


@EVERYWHERE
def test_a_visitor_goes_on_in_the_web_chat(
    public: str, widget_data: Path, open_context: Callable[..., BrowserContext], faults: list[str]
) -> None:
    """Once the button is pressed, and not by looking; the code is not sent in an address, and the next try is told."""
    code, conversation_id = invite(public, widget_data)
    page = open_context(base_url=public).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/join#{code}")
    expect_accessible(page)
    page.reload()
    page.get_by_role("button", name="继续咨询").click()
    page.wait_for_url(f"{public}/")
    expect(bubbles(page, "visitor")).to_have_text("您：" + LOCKED)
    assert remembered(page)["id"] == conversation_id
    say(page, "忘记密码了")
    assert not any(code in url.split("#")[0] for url in asked)
    page.goto(f"/join#{code}")
    page.get_by_role("button", name="继续咨询").click()
    expect(page.get_by_role("status")).to_have_text(GONE)
    expect(page.get_by_role("link", name="打开在线咨询")).to_be_visible()
    expect_accessible(page)
    only_network(faults)


def test_without_an_address_of_its_own_a_server_invites_nobody(widget_server: str) -> None:
    """What is tried all the same is refused in words."""
    response = httpx.post(f"{widget_server}/api/join", json={"code": "made-up"})
    assert (response.status_code, response.json()["detail"]) == (404, GONE)
    assert httpx.post(f"{widget_server}/api/join", json={"code": ""}).status_code == 422
