"""Going on with a conversation in the web chat by an invitation: in one browser, within a day, and nothing is lost."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import outgoing
import pytest
from embedded import (
    EVERYWHERE,
    LOCKED,
    begin_anew,
    bubbles,
    do,
    expect_accessible,
    logged_in,
    only_network,
    ready,
    remembered,
    say,
    sequences,
)
from fake import entry, index_of, knowledge_of
from playwright.sync_api import BrowserContext, Page, Route, expect
from telephone import House, answers, open_house, shown, until

from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.invitation import AnotherHeld, Invitations
from bot.model import Author
from bot.qq.line import Refused
from bot.qq.model import Address, Chat, Opening
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Pass, Unknown

pytest_plugins = ("browsing",)

T = TypeVar("T")

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
GONE = "这个链接已经用过或已失效，请联系客服重新获取。"
KEY, OTHER = "k" * 32, "o" * 32
GO_ON, KEEP, OPEN = "继续咨询", "继续原来的网页会话", "打开 QQ 里的会话"
FORBID = "names => names.forEach(name => Object.defineProperty(window, name, { get() { throw new Error(name) } }))"


def bot_over(store: SqliteStore) -> Bot:
    return Bot(store, Desk(index_of(knowledge_of(entry("a-1", "问", "答"))), (), Thresholds()))


class Hall:
    def __init__(self, store: SqliteStore) -> None:
        self.now, self.store = NOW, store
        self.bot = bot_over(store)
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


def test_a_code_opens_its_conversation_to_whoever_brings_it_first(hall: Hall) -> None:
    """As often as they ask with the key they came with; anybody else, and any other code, is refused alike."""
    holder = hall.bot.begin(channel="qq")
    code = hall.code(holder.conversation_id)
    for wrong in ("", "made-up", code[:-1], f"{code}#{KEY}"):
        with pytest.raises(Unknown, match=GONE):
            hall.invitations.take(wrong, KEY)
    for _ in range(3):
        assert hall.invitations.take(code, KEY) == holder
        for other in (OTHER, "", KEY[:-1]):
            with pytest.raises(Unknown, match=GONE):
                hall.invitations.take(code, other)
    with pytest.raises(Unknown, match=GONE):
        hall.invitations.take(hall.code(holder.conversation_id)[:-1], KEY)


def test_neither_code_nor_key_can_be_read_from_the_data(hall: Hall, tmp_path: Path) -> None:
    """Before it is taken and afterwards."""
    holder = hall.bot.begin(channel="qq")
    code = hall.code(holder.conversation_id)
    for _ in range(2):
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert holder.conversation_id.encode() in kept
        assert code.encode() not in kept
        assert KEY.encode() not in kept
        hall.invitations.take(code, KEY)


def test_a_code_is_good_for_a_day_and_until_the_next(hall: Hall) -> None:
    """The latest one counts; having taken one makes it no longer."""
    holder = hall.bot.begin(channel="qq")
    first, second = hall.code(holder.conversation_id), hall.code(holder.conversation_id)
    with pytest.raises(Unknown):
        hall.invitations.take(first, KEY)
    hall.now += timedelta(hours=24)
    with pytest.raises(Unknown):
        hall.invitations.take(second, KEY)
    third = hall.code(holder.conversation_id)
    for _ in range(2):
        hall.now += timedelta(hours=11, minutes=59)
        assert hall.invitations.take(third, KEY) == holder
    hall.now += timedelta(minutes=2)
    with pytest.raises(Unknown):
        hall.invitations.take(third, KEY)


def test_who_holds_another_conversation_is_asked_before_anything_is_done(hall: Hall) -> None:
    """The code stays good for everybody, and the conversation on QQ; who holds the very one goes on."""
    holder, place = hall.bot.begin(channel="qq"), Address("qq", "102", "LI")
    hall.store.write(lambda t: t.put_chat(Chat(holder.conversation_id, place, 0, (Opening("m", NOW),))))
    code = hall.code(holder.conversation_id)
    with pytest.raises(AnotherHeld):
        hall.invitations.take(code, KEY, "another")
    assert hall.store.read(lambda t: t.chat_at(place)) is not None
    assert hall.invitations.take(code, OTHER, holder.conversation_id) == holder


def test_who_comes_over_is_answered_in_the_web_chat_alone(hall: Hall) -> None:
    """Once it is held there. What is said on QQ afterwards begins another conversation; who listens here is woken."""
    holder, place = hall.bot.begin(channel="qq"), Address("qq", "102", "LI")
    hall.store.write(lambda t: t.put_chat(Chat(holder.conversation_id, place, 0, (Opening("m", NOW),))))
    code = hall.code(holder.conversation_id)
    hall.invitations.take(code, KEY)
    assert hall.store.read(lambda t: t.chat_at(place)) is not None  # the answer may be lost on its way
    seen: list[Chat | None] = []
    hall.bot.live.call(holder.conversation_id, lambda: seen.append(hall.store.read(lambda t: t.chat_at(place))))
    hall.invitations.take(code, KEY, holder.conversation_id)
    assert seen == [None]
    assert hall.store.read(lambda t: t.chat(holder.conversation_id)) is None
    hall.bot.turn(Incoming("你好"), holder)
    assert hall.store.read(lambda t: t.chats_behind(10)) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_was_on_its_way_to_qq_is_all_in_the_web_chat(tmp_path: Path, when: str) -> None:
    """Failed, held back, cut off in the middle, or not looked at yet; nothing more of it goes out."""
    hall = outgoing.Hall(tmp_path / "conversations.db")
    hall.open()
    said: list[tuple[Author, str]] = [
        ("bot", outgoing.lines_of("很长的回答", 7)),
        ("agent", "没有送到"),
        ("agent", "一段话\n没说完"),
        ("bot", "还没有轮到"),
    ]
    for author, text in said[:2]:
        hall.say(text, author=author)
    hall.line.faults = [lambda _: None] * 4 + [outgoing.raises(Refused("拒收"))]
    hall.deliver()
    assert sorted(set(hall.states())) == ["failed", "held", "sent"]
    out = hall.texts()
    for author, text in said[2:]:
        hall.say(text, author=author)
    bot = bot_over(hall.store)
    invitations = Invitations(bot, hall.store, "https://help.example")
    code = invitations.make("c").split("#")[1]
    taken: list[Pass] = []

    def join(now: str) -> None:
        if now == when:
            taken.append(invitations.take(code, KEY, "c"))

    hall.line.faults = [join]
    hall.deliver()
    assert hall.texts() == [*out, "一段话"]
    assert [(each.author, each.text) for each in bot.history(*taken)[1]] == said
    assert hall.pieces() == []
    hall.store.close()


# In a browser


@pytest.fixture(scope="module")
def house(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with ways to QQ that knows its address."""
    with open_house(built, tmp_path_factory.mktemp("joining"), PUBLIC_URL="https://help.example") as house:
        yield house


@pytest.fixture(scope="module")
def staff(house: House) -> Iterator[httpx.Client]:
    with logged_in(house.data, house.url, "wang", "小王") as client:
        yield client


@pytest.fixture
def open_browser(open_context: Callable[..., BrowserContext], house: House) -> Callable[[], Page]:
    """Opens a browser of its own, at the server."""
    return lambda: open_context(base_url=house.url).new_page()


def invite(house: House, conversation_id: str) -> str:
    """The code of an invitation to a conversation."""
    with closing(SqliteStore(house.data / "conversations.db")) as store:
        return Invitations(bot_over(store), store, "https://help.example").make(conversation_id).split("#")[1]


def invited(house: House) -> tuple[str, str]:
    """An invitation to a conversation in which something was asked: its code, and the conversation's id."""
    asked = httpx.post(f"{house.url}/api/chat", json={"text": LOCKED}).json()
    return invite(house, asked["conversation_id"]), asked["conversation_id"]


def untouched(house: House, code: str) -> bool:
    """Whether a code is still good for everybody."""
    code_hash = hashlib.sha256(code.encode()).hexdigest()
    return bool(house.rows("SELECT 1 FROM invitation WHERE code_hash = ?", code_hash))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def lose(route: Route) -> None:
    """Let the server do what it is asked for, and nobody hear of it."""
    assert route.fetch().ok
    route.abort()


def follow(page: Page, code: str) -> None:
    """Open an invitation and go on."""
    page.goto("about:blank")  # otherwise the page would stay, and what stands behind # would change
    page.goto(f"/join#{code}")
    press(page, GO_ON)


def expect_chat(page: Page, house: House, conversation_id: str, said: str = LOCKED) -> None:
    """Wait until the web chat shows a conversation."""
    page.wait_for_url(f"{house.url}/")
    expect(bubbles(page, "visitor")).to_have_text("您：" + said)
    assert remembered(page)["id"] == conversation_id


def expect_gone(page: Page) -> None:
    """Wait until it is said that the link leads nowhere."""
    expect(page.get_by_role("status")).to_have_text(GONE)
    expect(page.get_by_role("link", name="打开在线咨询")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def expect_fine(page: Page) -> None:
    """The page is accessible and fits its window."""
    expect_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@EVERYWHERE
def test_a_visitor_goes_on_in_the_web_chat(house: House, open_browser: Callable[[], Page]) -> None:
    """Once the button is pressed, and not by looking; the code is not sent in an address."""
    code, conversation_id = invited(house)
    page = open_browser()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/join#{code}")
    expect_fine(page)
    page.reload()
    assert untouched(house, code)
    press(page, GO_ON)
    expect_chat(page, house, conversation_id)
    say(page, "忘记密码了")
    assert not any(code in url.split("#")[0] for url in asked)


@EVERYWHERE
def test_an_answer_that_is_lost_on_its_way_is_had_by_pressing_again(
    house: House, open_browser: Callable[[], Page], faults: list[str]
) -> None:
    """Even where the page was loaded anew meanwhile; another browser is told that the link was used."""
    code, conversation_id = invited(house)
    page, other = open_browser(), open_browser()
    page.route("**/api/join", lose, times=2)
    follow(page, code)
    expect(page.get_by_role("status")).to_contain_text("网络连接失败")
    expect_fine(page)
    assert not untouched(house, code)
    follow(other, code)
    expect_gone(other)
    expect_fine(other)
    press(page, GO_ON)
    expect(page.get_by_role("status")).to_contain_text("网络连接失败")
    follow(page, code)
    expect_chat(page, house, conversation_id)
    only_network(faults)


@EVERYWHERE
def test_a_visitor_chooses_between_two_conversations(
    house: House, open_browser: Callable[[], Page], faults: list[str]
) -> None:
    """First the one they had here, as if there were no link; then the other, which stands here from then on."""
    code, conversation_id = invited(house)
    page = open_browser()
    page.goto("/")
    say(page, "忘记密码了")
    own = remembered(page)["id"]
    follow(page, code)
    expect(page.get_by_role("status")).to_contain_text("原来的网页会话仍保留在工作人员那里，但这个浏览器不再显示它")
    expect_fine(page)
    page.get_by_role("link", name=KEEP).click()
    expect_chat(page, house, own, "忘记密码了")
    assert untouched(house, code)
    follow(page, code)
    expect(page.get_by_role("link", name=KEEP)).to_be_visible()
    assert untouched(house, code)
    press(page, OPEN)
    expect_chat(page, house, conversation_id)
    assert not untouched(house, code)
    only_network(faults)


def test_the_link_leads_back_for_as_long_as_this_browser_holds_the_conversation(
    house: House, open_browser: Callable[[], Page], faults: list[str]
) -> None:
    """Who has let it go, on a computer that others use as well, leaves no way back to it."""
    code, conversation_id = invited(house)
    page = open_browser()
    for _ in range(2):
        follow(page, code)
        expect_chat(page, house, conversation_id)
    begin_anew(page)
    assert remembered(page) is None
    assert page.evaluate("Object.keys(localStorage).filter(name => name.endsWith('join'))") == []
    follow(page, code)
    expect_gone(page)
    page.get_by_role("link", name="打开在线咨询").click()
    ready(page)
    expect(bubbles(page, "visitor")).to_have_count(0)
    only_network(faults)


def test_another_link_may_be_opened_in_the_same_tab(
    house: House, open_browser: Callable[[], Page], faults: list[str]
) -> None:
    """After one that is not good any more, though only what is behind # changes."""
    code, conversation_id = invited(house)
    page = open_browser()
    follow(page, "no-such-code-" + "x" * 11)
    expect_gone(page)
    page.evaluate("code => { location.hash = code }", code)
    press(page, GO_ON)
    expect_chat(page, house, conversation_id)
    only_network(faults)


def test_that_the_conversation_is_held_here_may_be_lost_on_its_way(
    house: House, open_browser: Callable[[], Page], faults: list[str]
) -> None:
    """The visitor goes on all the same."""
    code, conversation_id = invited(house)
    page = open_browser()

    def cut_off(route: Route) -> None:
        if route.request.post_data_json["held"] is None:
            route.continue_()
        else:
            route.abort()

    page.route("**/api/join", cut_off)
    follow(page, code)
    expect_chat(page, house, conversation_id)
    assert faults != []
    only_network(faults)


@pytest.mark.parametrize("kept", ['{"id": "c", "token": "t", "at": 0}', "{", "null", "7"])
def test_what_the_chat_would_not_show_any_more_is_not_asked_about(
    house: House, open_browser: Callable[[], Page], kept: str
) -> None:
    """A conversation of more than seven days ago, and what cannot be read."""
    code, conversation_id = invited(house)
    page = open_browser()
    page.goto("/join")
    page.evaluate("kept => localStorage.setItem(`online-chat:${location.origin}/:conversation`, kept)", kept)
    follow(page, code)
    expect_chat(page, house, conversation_id)


def test_where_the_device_may_keep_nothing_the_tab_keeps_the_conversation(
    house: House, open_browser: Callable[[], Page]
) -> None:
    """And where the tab may not either, the code is not used up."""
    code, _ = invited(house)
    page, other = open_browser(), open_browser()
    other.add_init_script(f"({FORBID})(['localStorage', 'sessionStorage'])")
    follow(other, code)
    expect(other.get_by_role("status")).to_contain_text("换一个浏览器")
    assert untouched(house, code)
    page.add_init_script(f"({FORBID})(['localStorage'])")
    follow(page, code)
    page.wait_for_url(f"{house.url}/")
    expect(bubbles(page, "visitor")).to_have_text("您：" + LOCKED)


def aside(talk: Callable[[], Awaitable[T]]) -> T:
    """Have a talk in a thread of its own: this one's event loop is the browser's."""

    async def whole() -> T:
        return await talk()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, whole()).result()


def on_qq(staff: httpx.Client, number: int) -> Any:
    """What staff see of how a ticket's conversation stands on QQ."""
    with staff.stream("GET", f"tickets/{number}/events") as events:
        return json.loads(next(line for line in events.iter_lines() if line.startswith("data:"))[5:])["qq"]


def test_all_that_was_said_on_qq_stands_in_the_web_chat(
    house: House, staff: httpx.Client, open_browser: Callable[[], Page], faults: list[str]
) -> None:
    """Also what never arrived there; what is said there afterwards begins anew, and staff see that it is so.

    Until the conversation is held in the web chat, it is held on QQ.
    """
    user = "70001"

    async def before() -> int:
        async with house.onebot() as peer:
            await answers(peer, LOCKED, user=user)
            found = re.search(r"受理编号 (\d+)", await answers(peer, "转人工", user=user))
            assert found
            await asyncio.to_thread(do, staff, int(found[1]), "take")
            await shown(peer)
        return int(found[1])

    number = aside(before)
    for text in ("账号已经解锁", "请再试一下"):
        do(staff, number, "reply", text=text)
    assert on_qq(staff, number)["undelivered"] != []
    said = house.messages(user)
    conversation_id = said[0]["conversation_id"]

    page = open_browser()
    page.route("**/api/join", lose, times=1)
    follow(page, invite(house, conversation_id))
    expect(page.get_by_role("status")).to_contain_text("网络连接失败")
    assert on_qq(staff, number)["undelivered"] != []
    press(page, GO_ON)
    page.wait_for_url(f"{house.url}/")
    ready(page)
    assert [each for each in sequences(page) if each] == [row["sequence"] for row in said]
    expect(bubbles(page, "visitor")).to_have_text(["您：" + LOCKED, "您：转人工"])
    expect(bubbles(page, "agent")).to_have_text([re.compile("账号已经解锁$"), re.compile("请再试一下$")])
    assert on_qq(staff, number) is None

    async def after() -> list[str]:
        async with house.onebot() as peer:
            await answers(peer, "忘记密码了", user=user)
            await until(house.at_rest)
            return [each.text for each in peer.shown]

    heard = aside(after)
    assert len(heard) == 1
    assert "小王" not in heard[0]
    assert house.said(user) == ["忘记密码了"]
    assert house.messages(user)[0]["conversation_id"] != conversation_id
    expect(bubbles(page, "visitor")).to_have_count(2)
    only_network(faults)


# Refusals


def test_a_key_that_could_be_guessed_is_refused(house: House) -> None:
    """And so is none; who holds another conversation is told so."""
    code, conversation_id = invited(house)

    def ask(**more: object) -> tuple[int, str]:
        response = httpx.post(f"{house.url}/api/join", json={"code": code, **more})
        return response.status_code, response.json().get("detail", "")

    for key in ({}, {"key": ""}, {"key": "k" * 21}, {"key": "k" * 101}, {"key": "密" * 32}, {"key": None}):
        assert ask(**key)[0] == 422
    assert ask(key=KEY, held="another") == (409, "这个浏览器里还有另一个会话，请先选择继续哪一个。")
    assert untouched(house, code)
    assert ask(key=KEY, held=conversation_id)[0] == 200
    assert ask(key=OTHER, held="another") == (404, GONE)


def test_without_an_address_of_its_own_a_server_invites_nobody(widget_server: str) -> None:
    """What is tried all the same is refused in words."""
    response = httpx.post(f"{widget_server}/api/join", json={"code": "made-up", "key": KEY})
    assert (response.status_code, response.json()["detail"]) == (404, GONE)
    assert httpx.post(f"{widget_server}/api/join", json={"code": "", "key": KEY}).status_code == 422
