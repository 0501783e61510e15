"""The chat page in a real browser, against a real server over the project's documents."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Locator,
    Page,
    Request,
    Route,
    expect,
    sync_playwright,
)

from bot import wording
from bot.account import Accounts
from bot.store.sqlite import SqliteStore
from faq.entry import Entry
from faq.knowledge import read_folder

KNOWLEDGE = read_folder(Path(__file__).parent.parent / "faq" / "documents")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE, ZOOMED = (1280, 800), (390, 844), (640, 400)  # the last: a desktop's window at 200 %
LOCKED = "账号被锁了，帮我解一下"
CODE = "91110000600037341L"
PASSWORD = "correct-horse-7"
XSS = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    '"><svg onload=window.hit=1>',
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<a href='javascript:window.hit=1'>javascript:window.hit=1</a>",
    "https://example.com/\"onmouseover='window.hit=1'",
    "</textarea><style>*{display:none}</style>{{7*7}}${7*7}&lt;b&gt;",
)

Open = Callable[..., Page]


def entry(entry_id: str) -> Entry:
    """An entry that must be there."""
    found = KNOWLEDGE.entry(entry_id)
    assert found is not None
    return found


# The browser's own event loop runs in this thread while it is open, so it must not stay open for other modules' tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def faults() -> list[str]:
    """What the browser complained about; whatever is in it at the end fails the test."""
    return []


@pytest.fixture
def open_page(browser: Browser, server: str, faults: list[str]) -> Iterator[Open]:
    """Opens the chat page in a browser context of its own and waits until it is ready."""
    contexts: list[BrowserContext] = []

    def opened(query: str = "", size: tuple[int, int] = DESKTOP, **options: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(base_url=server, viewport=viewport, reduced_motion="reduce", **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        page = context.new_page()
        page.goto(f"/{query}")
        expect(page.locator("#system option")).to_have_count(3)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page: Open) -> Page:
    """The chat page on a desktop."""
    return open_page()


@pytest.fixture(scope="module")
def staff(built: Path, server: str) -> Iterator[httpx.Client]:
    """小王, logged in."""
    with logged_in(built, server, "web-wang", "小王") as client:
        yield client


@contextmanager
def logged_in(built: Path, server: str, name: str, display: str) -> Iterator[httpx.Client]:
    """A new member of staff's client, which sends what changes need."""
    with closing(SqliteStore(built / "conversations.db")) as store:
        Accounts(store).add(name, display, "agent", PASSWORD)
    with httpx.Client(base_url=f"{server}/api/staff/") as client:
        me = client.post("login", json={"name": name, "password": PASSWORD}).raise_for_status().json()
        client.headers["X-CSRF-Token"] = me["csrf"]
        yield client


def do(staff: httpx.Client, number: int, deed: str, **form: Any) -> None:
    """Let staff do something with a ticket."""
    staff.post(f"tickets/{number}/{deed}", json=form or None).raise_for_status()


def ask_for_a_person(page: Page) -> int:
    """Say 「转人工」; the number of the ticket."""
    line = say(page, "转人工").locator(".status")
    expect(line).to_have_text(re.compile(r"^已登记，等待工作人员处理，受理编号 \d+$"))
    return int((line.text_content() or "").rsplit(" ", 1)[1])


def attended(page: Page, staff: httpx.Client) -> int:
    """Ask for a person and wait until 小王 is there; the number of the ticket."""
    number = ask_for_a_person(page)
    do(staff, number, "take")
    expect(page.locator("#subtitle")).to_have_text("人工客服“小王”正在为您服务")
    return number


def tell(page: Page, text: str) -> None:
    """Say something to a person and wait until it is sent."""
    before = bubbles(page, "visitor").count()
    page.fill("#text", text)
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(before + 1)
    expect(page.locator("#typing")).to_be_hidden()
    expect(page.locator("#log > .visitor").last).to_have_attribute("data-sequence", re.compile(r"\d"))


def png(side: int = 40) -> FilePayload:
    """A picture to choose."""
    data = io.BytesIO()
    Image.new("RGB", (side, 2 * side), "#48c").save(data, "PNG")
    return {"name": "图片.png", "mimeType": "image/png", "buffer": data.getvalue()}


def bubbles(page: Page, author: str) -> Locator:
    """What the visitor ("visitor"), the bot ("bot", the welcome aside) or a person ("agent") said."""
    return page.locator(f"#log .{author}:not(#welcome) .bubble")


def say(page: Page, text: str) -> Locator:
    """Type and send a text; the reply's bubble."""
    replies = bubbles(page, "bot").count()
    page.fill("#text", text)
    page.press("#text", "Enter")
    return reply_number(page, replies)


def reply_number(page: Page, number: int) -> Locator:
    """The bot's bubble of that number, counted from 0, once it is there and the page takes the next message."""
    expect(bubbles(page, "bot")).to_have_count(number + 1)
    expect(page.locator("#typing")).to_be_hidden()
    return bubbles(page, "bot").nth(number)


def said(bubble: Locator) -> str:
    """A bubble's first text, as it stands in the document."""
    return bubble.locator(".words").first.text_content() or ""


def remembered(page: Page) -> Any:
    """What the device keeps of the conversation: its id, token and last use; or None."""
    return json.loads(page.evaluate("localStorage.getItem('chat-conversation')") or "null")


def later(page: Page, script: str = "") -> Page:
    """The chat page opened in another tab of the same browser, after running a script there."""
    other = page.context.new_page()
    other.add_init_script(script)
    other.goto("/")
    expect(other.locator("#system option")).to_have_count(3)
    expect(other.locator("#log")).not_to_have_attribute("aria-busy", "true")
    return other


def stored(page: Page, server: str) -> list[dict[str, Any]]:
    """The messages that the server keeps of the page's conversation."""
    kept = remembered(page)
    headers = {"Authorization": f"Bearer {kept['token']}"}
    messages: list[dict[str, Any]] = httpx.get(f"{server}/api/chat/{kept['id']}", headers=headers).json()["messages"]
    return messages


def test_an_answer_is_shown_word_for_word_with_its_source(page: Page) -> None:
    """Question, answer, source and the button of what a person can do."""
    reply = say(page, LOCKED)
    expect(reply.get_by_role("heading")).to_have_text(entry("zyb-1.9").question)
    assert said(reply) == entry("zyb-1.9").answer
    expect(reply.locator(".source")).to_have_text("来源：职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条")
    expect(reply.get_by_role("button", name="申请解锁账号")).to_be_enabled()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_form_is_filled_in_with_a_picture_until_a_ticket_has_its_number(
    open_page: Open, size: tuple[int, int], server: str
) -> None:
    """Consent by a button, a value typed, a picture chosen and shown, a last look, and the number; once only."""
    page = open_page(size=size, has_touch=size == PHONE)
    offer = say(page, LOCKED).get_by_role("button", name="申请解锁账号")
    offer.click()
    consent = reply_number(page, 1)
    expect(consent.locator(".step")).to_contain_text("回复“同意”开始登记")
    expect(page.get_by_role("button", name="申请解锁账号（登记中）")).to_be_disabled()
    consent.get_by_role("button", name="同意").click()
    reply_number(page, 2)
    expect(consent.get_by_role("button")).to_have_count(0)
    asking = say(page, CODE)
    expect(asking.get_by_role("button", name="选择图片")).to_be_visible()
    expect(page.get_by_role("button", name="发送图片")).to_have_class("strong")
    page.set_input_files("#file", png(600))
    expect(page.locator("#attached")).to_be_visible()
    page.get_by_role("button", name="发送", exact=True).click()
    check = reply_number(page, 4)
    expect(check).to_contain_text("IP 截图：已收到图片")
    check.get_by_role("button", name="确认").click()
    done = reply_number(page, 5)
    expect(done.locator(".status")).to_have_text(re.compile(r"^已登记，等待工作人员处理，受理编号 \d+$"))
    expect(page.get_by_role("button", name="申请解锁账号（已登记）")).to_be_disabled()
    expect(page.get_by_role("button", name="发送图片")).not_to_have_class("strong")
    page.reload()
    reply_number(page, 5)
    shows_picture(page.locator(".thumbnail img"))
    page.locator(".thumbnail").click()
    shows_picture(page.get_by_role("dialog").locator("img"), 600)
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert [message["picture"] is not None for message in stored(page, server)].count(True) == 1


def shows_picture(image: Locator, width: int = 0) -> None:
    """Wait until an image is loaded, from memory and not from an address with a secret."""
    expect(image).to_be_visible()
    expect(image).to_have_js_property("complete", value=True)
    assert image.evaluate("image => image.naturalWidth") >= max(width, 1)
    assert (image.get_attribute("src") or "").startswith("blob:")


def test_a_question_back_offers_options_and_choosing_one_shows_its_answer(page: Page) -> None:
    """The label becomes the visitor's message, the entry's own words the reply."""
    options = say(page, "忘记密码了").locator(".choices button")
    assert 2 <= options.count() <= 4
    options.filter(has_text=entry("whjy-1.2.2").question).click()
    assert said(reply_number(page, 1)) == entry("whjy-1.2.2").answer
    expect(bubbles(page, "visitor").last).to_contain_text(entry("whjy-1.2.2").question)


def test_addresses_and_telephone_numbers_become_links_and_nothing_else_changes(page: Page) -> None:
    """A link ends before Chinese text and punctuation; the text stays the document's to the character."""
    reply = say(page, "危化品系统登录时忘记密码")
    assert said(reply) == entry("whjy-1.2.2").answer
    links = {link.get_attribute("href") for link in reply.locator("a").all()}
    assert links == {"https://whjy.mem.gov.cn/", "tel:4009659818"}


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (
            "见https://a.gov.cn/x?y=1。再看http://b.cn，或（https://c.cn/）",
            ["https://a.gov.cn/x?y=1", "http://b.cn", "https://c.cn/"],
        ),
        ("打开https://whjy.mem.gov.cn,然后登录", ["https://whjy.mem.gov.cn"]),
        (
            "电话010-12345678或(0371)1234567,手机13800138000。",
            ["tel:01012345678", "tel:03711234567", "tel:13800138000"],
        ),
        ("400-9659818 400-965-9818", ["tel:4009659818", "tel:4009659818"]),
        ("代码9111000013800138000,13800138000X,2443,8-16位,javascript:alert(1),https://", []),
    ],
)
def test_only_whole_addresses_and_numbers_are_links(page: Page, text: str, links: list[str]) -> None:
    """Digits inside longer ones, and schemes other than http and https, are plain text."""
    change_replies(page, lambda reply: {**reply, "text": text, "answer": None})
    reply = say(page, "你好")
    assert [link.get_attribute("href") for link in reply.locator("a").all()] == links
    assert said(reply) == text


def change_replies(page: Page, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let the server answer, and change its reply on the way."""

    def handle(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=change(response.json()))

    page.route("**/api/chat", handle)


def test_a_reload_shows_the_conversation_again(page: Page) -> None:
    """Every bubble returns with its options and source, and what is registered stays registered."""
    say(page, LOCKED)
    ask_for_a_person(page)
    say(page, "忘记密码了")
    before = page.locator("#log").inner_text()
    page.reload()
    reply_number(page, 2)
    expect(page.locator(".status")).to_contain_text("等待工作人员处理")
    assert page.locator("#log").inner_text() == before
    assert said(say(page, "危化品系统登录时忘记密码")) == entry("whjy-1.2.2").answer


def test_a_closed_page_finds_its_conversation_again(page: Page, server: str) -> None:
    """Shown whole and scrolled to its end, and it goes on; a draft was the closed tab's own."""
    for _ in range(3):
        say(page, LOCKED)
    page.fill("#text", "还没有写完")
    other = later(page)
    page.close()
    reply_number(other, 2)
    expect(bubbles(other, "visitor")).to_have_count(3)
    end = "scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight"
    assert other.evaluate(f"(() => {{ const scroller = document.getElementById('scroller'); return {end} }})()") < 120
    expect(other.locator("#text")).to_have_value("")
    say(other, "忘记密码了")
    assert len(stored(other, server)) == 8


@pytest.mark.parametrize(("days", "found"), [(6.9, 1), (7.1, 0), (-7.1, 0)])
def test_a_conversation_is_found_for_seven_days_after_its_last_use(page: Page, days: float, found: int) -> None:
    """Looking at it is a use; a clock that was set back does not keep it for ever; what expired is removed."""
    say(page, "你好")
    other = later(
        page,
        f"""if (location.pathname === "/") {{
            const kept = JSON.parse(localStorage.getItem("chat-conversation"));
            kept.at = Date.now() - {days} * 24 * 60 * 60 * 1000;
            localStorage.setItem("chat-conversation", JSON.stringify(kept));
        }}""",
    )
    expect(bubbles(other, "visitor")).to_have_count(found)
    if found:
        other.wait_for_timeout(1000)
        assert other.evaluate("Date.now()") - remembered(other)["at"] < 60_000
    else:
        assert remembered(other) is None


def test_two_tabs_share_a_conversation_without_doubling(page: Page, server: str) -> None:
    """A tab that showed none takes up what the other began; what either says appears in both, once and in order."""
    other = later(page)
    say(page, "你好")
    reply_number(other, 0)
    say(other, LOCKED)
    reply_number(page, 1)
    say(page, "忘记密码了")
    reply_number(other, 2)
    for tab in (page, other):
        expect(tab.locator("#log > *")).to_have_count(7)
        assert sequences(tab) == list(range(7))
    assert len(stored(page, server)) == 6


def test_a_tab_keeps_its_conversation_while_another_begins_anew(page: Page, server: str) -> None:
    """Until it is loaded again; meanwhile it does not touch the new one that the device keeps."""
    say(page, "你好")
    other = later(page)
    reply_number(other, 0)
    begin_anew(other)
    assert remembered(page) is None
    say(other, LOCKED)
    kept = remembered(other)
    say(page, "忘记密码了")
    expect(bubbles(page, "visitor")).to_have_count(2)
    page.wait_for_timeout(800)
    assert remembered(page)["id"] == kept["id"]
    assert [message["text"] for message in stored(page, server) if message["author"] == "visitor"] == [LOCKED]
    begin_anew(page)
    assert remembered(other)["id"] == kept["id"]
    page.reload()
    expect(bubbles(page, "visitor")).to_have_text("您：" + LOCKED)


def begin_anew(page: Page) -> None:
    """Press 「新会话」 and confirm it."""
    page.get_by_role("button", name="新会话").click()
    page.get_by_role("dialog").get_by_role("button", name="开始新会话").click()
    expect(bubbles(page, "visitor")).to_have_count(0)


def test_a_shared_computer_can_be_made_to_forget(page: Page) -> None:
    """Confirmed first; then no tab shows the conversation or the draft any more, and no later one finds them."""
    say(page, LOCKED)
    other = later(page)
    reply_number(other, 0)
    for tab in (page, other):
        tab.fill("#text", "还没有写完")
    forget = page.get_by_role("button", name="公共电脑？清除本机记录")
    forget.click()
    expect(page.get_by_role("dialog")).to_contain_text("清除后，本机不再保留当前对话")
    page.keyboard.press("Escape")
    expect(bubbles(page, "visitor")).to_have_count(1)
    assert remembered(page) is not None
    forget.click()
    page.get_by_role("dialog").get_by_role("button", name="清除记录").click()
    for tab in (page, other):
        expect(tab.locator("#log > :not(#welcome)")).to_have_text(["已清除本机记录。"])
        expect(tab.locator("#text")).to_have_value("")
    assert page.evaluate("localStorage.length") == 0
    kept = page.evaluate("Object.values(sessionStorage)")
    assert set(kept) <= {'""', "[]"}
    for tab in (page, other):
        tab.reload()
        expect(tab.locator("#log")).not_to_have_attribute("aria-busy", "true")
    for tab in (page, other, later(page)):
        expect(tab.locator("#log > *")).to_have_count(1)


@pytest.mark.parametrize("forbidden", ["localStorage", "sessionStorage", "both"])
def test_the_page_works_where_storage_is_forbidden(open_page: Open, forbidden: str) -> None:
    """A visit goes as ever; without the device's memory the tab's finds it after a reload, without either none does."""
    page = open_page()
    names = ["localStorage", "sessionStorage"] if forbidden == "both" else [forbidden]
    page.add_init_script(
        f"""for (const name of {json.dumps(names)}) Object.defineProperty(window, name, {{
            get() {{ throw new DOMException("Access is denied.", "SecurityError"); }}
        }});"""
    )
    page.reload()
    expect(page.locator("#system option")).to_have_count(3)
    say(page, "你好")
    say(page, LOCKED)
    expect(bubbles(page, "visitor")).to_have_count(2)
    page.reload()
    expect(page.locator("#system option")).to_have_count(3)
    expect(page.locator("#log")).not_to_have_attribute("aria-busy", "true")
    expect(bubbles(page, "visitor")).to_have_count(0 if forbidden == "both" else 2)
    say(page, "忘记密码了")


def test_a_persons_messages_arrive_by_themselves_and_the_bot_keeps_silent(page: Page, staff: httpx.Client) -> None:
    """Under their name, with links, the quoted entry and its source; the head says who is there while they are."""
    number = attended(page, staff)
    expect(page.locator(".aside").last).to_have_text("人工客服“小王”正在为您服务。")
    expect(page.get_by_role("button", name="转人工", exact=True)).to_be_hidden()
    do(staff, number, "typing")
    expect(page.get_by_text("小王正在输入…")).to_be_visible()
    do(staff, number, "reply", text="请致电13800138000")
    expect(bubbles(page, "agent")).to_have_text("小王：请致电13800138000")
    expect(page.get_by_text("小王正在输入…")).to_be_hidden()
    expect(page.get_by_role("link", name="13800138000")).to_be_visible()
    do(staff, number, "reply", text="参考这一条", entry_id="zyb-1.9")
    quote = bubbles(page, "agent").nth(1).locator(".quote")
    expect(quote.locator(".words")).to_have_text(entry("zyb-1.9").answer)
    expect(quote.locator(".source")).to_contain_text("企业用户 · 第 9 条")
    spoken = bubbles(page, "bot").count()
    with page.expect_request("**/typing"):
        page.locator("#text").press_sequentially("忘记")
    tell(page, "忘记密码了")
    assert bubbles(page, "bot").count() == spoken
    do(staff, number, "release")
    expect(page.locator("#subtitle")).to_have_text("常见问题自助解答")
    say(page, "忘记密码了")


def test_a_reload_keeps_the_order_and_number_of_messages(page: Page, staff: httpx.Client, server: str) -> None:
    """What was drawn as reply, event and history is the same conversation, each message once and in order."""
    number = attended(page, staff)
    for n in range(3):
        do(staff, number, "reply", text=f"第 {n} 条")
        tell(page, f"收到第 {n} 条")
    expect(bubbles(page, "agent")).to_have_count(3)
    before = page.locator("#log").inner_text()
    for _ in range(2):
        assert sequences(page) == list(range(len(stored(page, server)) + 1))
        page.reload()
        expect(bubbles(page, "agent")).to_have_count(3)
        expect(page.locator("#subtitle")).to_contain_text("小王")
        assert page.locator("#log").inner_text() == before
    do(staff, number, "reply", text="还在吗")
    expect(bubbles(page, "agent").last).to_have_text("小王：还在吗")


def sequences(page: Page) -> list[int]:
    """The numbers of the messages that are shown, from the top; the welcome is 0."""
    found: list[int] = page.locator("#log > *").evaluate_all("nodes => nodes.map(node => +node.dataset.sequence)")
    return found


def test_messages_sent_while_the_network_was_away_arrive_once(
    page: Page, staff: httpx.Client, server: str, faults: list[str]
) -> None:
    """Five seconds offline: what a person wrote meanwhile is there shortly after, in order, and nothing twice."""
    number = attended(page, staff)
    do(staff, number, "reply", text="之前")
    expect(bubbles(page, "agent")).to_have_count(1)
    page.context.set_offline(True)
    do(staff, number, "reply", text="期间一")
    page.wait_for_timeout(5000)
    expect(page.get_by_text("连接已中断，正在重新连接…")).to_be_visible()
    do(staff, number, "reply", text="期间二")
    page.context.set_offline(False)
    expect(bubbles(page, "agent")).to_have_text(["小王：之前", "小王：期间一", "小王：期间二"])
    expect(page.get_by_text("连接已中断，正在重新连接…")).to_be_hidden()
    tell(page, "好的")
    page.wait_for_timeout(500)
    assert sequences(page) == list(range(len(stored(page, server)) + 1))
    only_network(faults)


def test_a_password_is_hidden_and_the_visitor_warned(page: Page, server: str) -> None:
    """The note stands apart before the reply, and the visitor's own bubble does not show the password any more."""
    reply = say(page, "我的密码是 Abc12345678，登录不上")
    expect(reply.locator(".note")).to_have_text(wording.HIDDEN)
    expect(bubbles(page, "visitor")).not_to_contain_text("Abc12345678")
    expect(bubbles(page, "visitor")).to_contain_text("******")
    assert "Abc12345678" not in json.dumps(stored(page, server))
    page.reload()
    expect(reply_number(page, 0).locator(".note")).to_have_text(wording.HIDDEN)


def test_an_answer_can_be_called_helpful_or_not(page: Page) -> None:
    """With a reason where it was not; a word of thanks replaces the buttons."""
    say(page, LOCKED)
    with page.expect_request("**/feedback") as told:
        page.get_by_role("button", name="有帮助").click()
    assert told.value.post_data_json["helpful"] is True
    expect(page.locator(".feedback")).to_have_text("感谢您的反馈！")
    page.get_by_role("button", name=entry("zyb-1.2").question).first.click()
    reply_number(page, 1)
    with page.expect_response("**/feedback") as answer:
        page.get_by_role("button", name="没帮助").click()
    assert answer.value.status == 204
    with page.expect_response("**/feedback") as answer:
        page.get_by_role("button", name="按步骤做了仍未解决").click()
    assert answer.value.status == 204
    assert answer.value.request.post_data_json["reason"] == "按步骤做了仍未解决"
    expect(page.locator(".feedback button")).to_have_count(0)
    expect(bubbles(page, "bot").nth(0)).not_to_contain_text("感谢")


def test_a_request_that_was_seen_to_can_be_rated(page: Page, staff: httpx.Client) -> None:
    """One to five stars and a comment once it is resolved, also after a reload; afterwards it is not asked again."""
    number = attended(page, staff)
    do(staff, number, "resolve")
    expect(page.locator(".rating legend")).to_contain_text(str(number))
    page.reload()
    expect(page.locator(".status")).to_contain_text("已处理完毕")
    expect(page.get_by_role("button", name="提交评价")).to_be_disabled()
    page.get_by_role("radio", name="1 星").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".stars .lit")).to_have_count(4)
    page.get_by_label("其他意见").fill("很快")
    page.get_by_role("button", name="提交评价").click()
    expect(page.locator(".aside").last).to_have_text("感谢您的评价！")
    expect(page.locator(".rating")).to_have_count(0)
    ticket = staff.get(f"tickets/{number}").json()["ticket"]
    assert (ticket["stars"], ticket["comment"]) == (4, "很快")
    page.reload()
    expect(page.locator(".status")).to_contain_text("已处理完毕")
    expect(page.locator(".rating")).to_have_count(0)


def test_what_a_person_writes_is_never_run(page: Page, built: Path, server: str) -> None:
    """Neither their text nor their name, in the log, the head and the typing line."""
    name = "<svg onload=hit=1>"
    with logged_in(built, server, "web-evil", name) as client:
        number = ask_for_a_person(page)
        do(client, number, "take")
        for payload in XSS:
            do(client, number, "reply", text=payload)
        do(client, number, "typing")
        expect(page.locator("#peer")).to_have_text(f"{name}正在输入…")
        for _ in range(2):
            expect(bubbles(page, "agent")).to_have_count(len(XSS))
            assert [said(bubble) for bubble in bubbles(page, "agent").all()] == list(XSS)
            expect(page.locator("#subtitle")).to_have_text(f"人工客服“{name}”正在为您服务")
            assert page.locator("#log, .name").locator("script, img, svg, iframe, style").count() == 0
            assert page.evaluate("window.hit") is None
            page.reload()
        do(client, number, "close")


@pytest.mark.parametrize(
    ("kind", "data", "refusal"),
    [
        ("application/pdf", b"%PDF", "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。"),
        ("image/svg+xml", b"<svg/>", "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。"),
        ("image/png", b"x" * (8 * 1024 * 1024 + 1), "图片不能超过 8 MB，请裁剪或压缩后再发送。"),
        ("image/png", b"", "这个文件是空的，请重新选择图片。"),
    ],
    ids=["document", "drawing", "large", "empty"],
)
def test_what_is_no_picture_is_refused_before_it_is_sent(page: Page, kind: str, data: bytes, refusal: str) -> None:
    """In words, and the composer stays as it was."""
    page.set_input_files("#file", {"name": "a", "mimeType": kind, "buffer": data})
    expect(page.get_by_role("alert")).to_have_text(refusal)
    expect(page.locator("#attached")).to_be_hidden()


def test_what_only_looks_like_a_picture_is_refused_by_the_server(page: Page, faults: list[str]) -> None:
    """Its own words stand below the picture, and the text returns to the composer."""
    say(page, "你好")
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.fill("#text", "见图")
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("无法识别这个文件，请上传 PNG、JPEG、WebP、BMP 或 GIF 格式的图片。")
    expect(page.locator("#text")).to_have_value("见图")
    only_network(faults)


def test_a_picture_may_come_before_any_word(page: Page, server: str) -> None:
    """It begins the conversation; a text beside it goes along."""
    page.set_input_files("#file", png())
    page.fill("#text", "登录时提示错误")
    page.press("#text", "Enter")
    reply_number(page, 0)
    expect(page.locator("#attached")).to_be_hidden()
    kept = [(m["text"], bool(m["picture"])) for m in stored(page, server) if m["author"] == "visitor"]
    assert kept == [("登录时提示错误", True)]


def test_a_picture_without_words_that_began_a_conversation_survives_reloads(
    page: Page, server: str, faults: list[str]
) -> None:
    """Not sent up: the conversation stays, empty. Sent up but not said: it waits for its retry. Said: it is shown."""
    page.route("**/pictures", lambda route: route.abort(), times=1)
    page.set_input_files("#file", png())
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送失败重发")
    begun = remembered(page)["id"]
    page.reload()
    expect(page.locator("#log > *")).to_have_count(1)
    page.route("**/api/chat", lambda route: route.abort(), times=1)
    page.set_input_files("#file", png())
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送失败重发")
    page.reload()
    shows_picture(page.locator(".thumbnail img"))
    page.get_by_role("button", name="重发").click()
    reply_number(page, 0)
    page.reload()
    reply_number(page, 0)
    shows_picture(page.locator(".thumbnail img"))
    expect(bubbles(page, "visitor")).to_have_count(1)
    assert remembered(page)["id"] == begun
    assert [bool(message["picture"]) for message in stored(page, server)] == [True, False]
    only_network(faults)


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_can_be_pasted_or_dropped(page: Page, server: str, way: str) -> None:
    """It goes along with the text that is typed."""
    say(page, "你好")
    page.evaluate(
        """([way, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true };
            const event = way === "paste"
                ? new ClipboardEvent("paste", { ...options, clipboardData: data })
                : new DragEvent("drop", { ...options, dataTransfer: data });
            document.getElementById("text").dispatchEvent(event);
        }""",
        [way, list(png()["buffer"])],
    )
    expect(page.locator("#attached")).to_be_visible()
    say(page, "见图")
    shows_picture(page.locator(".thumbnail img"))
    assert [bool(message["picture"]) for message in stored(page, server) if message["text"] == "见图"] == [True]


def test_what_was_typed_and_not_sent_survives_a_reload(page: Page, server: str, faults: list[str]) -> None:
    """The draft stands in the composer, the message that failed in the log; it goes under the same id as before."""
    sent: list[str] = []

    def refuse(route: Route) -> None:
        sent.append(route.request.post_data_json["client_message_id"])
        route.abort()

    page.route("**/api/chat", refuse, times=1)
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送失败重发")
    page.fill("#text", "还没有写完")
    page.reload()
    expect(page.locator("#text")).to_have_value("还没有写完")
    expect(bubbles(page, "visitor")).to_have_text("您：" + LOCKED)
    with page.expect_request("**/api/chat") as request:
        page.get_by_role("button", name="重发").click()
    assert said(reply_number(page, 0)) == entry("zyb-1.9").answer
    assert request.value.post_data_json["client_message_id"] == sent[0]
    page.reload()
    reply_number(page, 0)
    expect(bubbles(page, "visitor")).to_have_count(1)
    assert len(stored(page, server)) == 2
    expect(page.locator("#text")).to_have_value("还没有写完")
    only_network(faults)


def test_a_conversation_that_is_gone_is_said_to_be(page: Page, faults: list[str]) -> None:
    """Listening to it is refused: a button offers a new one."""
    say(page, "你好")
    page.route("**/events", lambda route: route.fulfill(**problem(404, "找不到这个会话。")))
    page.route("**/api/chat/*", lambda route: route.fulfill(**problem(404, "找不到这个会话。")), times=1)
    page.reload()
    expect(page.locator(".aside")).to_contain_text("之前的会话已失效")
    say(page, "你好")
    expect(page.locator(".aside").last).to_contain_text("此会话已失效")
    page.unroute("**/events")
    page.get_by_role("button", name="开始新会话").click()
    expect(bubbles(page, "visitor")).to_have_count(0)
    say(page, "你好")
    only_network(faults)


def test_messages_that_come_unseen_are_counted_in_the_title(page: Page, staff: httpx.Client, server: str) -> None:
    """While the page is hidden nothing is marked as read; once it shows again it is, and the title is as before."""
    number = attended(page, staff)
    expect_read(page, server, whole=True)
    hide(page, hidden=True)
    for n in (1, 2):
        do(staff, number, "reply", text=f"{n}")
        expect(page).to_have_title(f"（{n}）在线咨询")
    page.wait_for_timeout(1000)
    expect_read(page, server, whole=False)
    hide(page, hidden=False)
    expect(page).to_have_title("在线咨询")
    page.wait_for_timeout(1000)
    expect_read(page, server, whole=True)


HIDE = "hidden => Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true })"


def hide(page: Page, *, hidden: bool) -> None:
    """Let the page believe that it is covered, or shown again."""
    page.evaluate(HIDE, arg=hidden)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_messages_that_came_while_the_page_was_closed_are_counted_until_seen(
    page: Page, staff: httpx.Client, server: str
) -> None:
    """Only a person's and only those not read before; seen in one tab, they are seen in the other."""
    number = attended(page, staff)
    do(staff, number, "reply", text="读过的")
    expect(bubbles(page, "agent")).to_have_count(1)
    expect_read(page, server, whole=True)
    page.goto("about:blank")
    for n in range(2):
        do(staff, number, "reply", text=f"没读过的 {n}")
    first, second = later(page, f"({HIDE})(true)"), later(page, f"({HIDE})(true)")
    page.close()
    for tab in (first, second):
        expect(tab).to_have_title("（2）在线咨询")
        expect(bubbles(tab, "agent").last).to_be_in_viewport()
    hide(first, hidden=False)
    for tab in (first, second):
        expect(tab).to_have_title("在线咨询")
    expect_read(first, server, whole=True)


def expect_read(page: Page, server: str, *, whole: bool) -> None:
    """Whether the server knows that the visitor has read everything, shortly after."""
    kept = remembered(page)
    headers = {"Authorization": f"Bearer {kept['token']}"}
    for _ in range(30):
        past = httpx.get(f"{server}/api/chat/{kept['id']}", headers=headers).json()
        read = past["visitor_read"] == past["messages"][-1]["sequence"]
        if read == whole:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"read: {read}")


def test_who_reads_further_up_is_not_moved(page: Page, staff: httpx.Client) -> None:
    """A button says that there is something new and leads to it."""
    number = attended(page, staff)
    for n in range(12):
        do(staff, number, "reply", text=f"第 {n} 条\n\n。")
    expect(bubbles(page, "agent")).to_have_count(12)
    page.evaluate("document.getElementById('scroller').scrollTop = 0")
    expect(page.get_by_role("button", name="有新消息")).to_be_hidden()
    do(staff, number, "reply", text="最新")
    page.get_by_role("button", name="有新消息").click()
    expect(bubbles(page, "agent").last).to_be_in_viewport()
    expect(page.get_by_role("button", name="有新消息")).to_be_hidden()


def test_events_are_read_whatever_their_line_ends_and_pieces(page: Page) -> None:
    """CR, LF and CRLF, data of several lines, comments, characters cut in two; the last number goes along later."""
    stream = (
        '\ufeff: ping\r\n\r\nevent: message\r\nid: 7\r\ndata: {"text":\r\ndata:  "你好\\u2028"}\r\n\r\n'
        "retry: 5\nevent: state\ndata:{}\n\nevent: typing\n\n: ping\n\ndata: 1\r\rdata: 2\n\ndata: lost"
    )
    for size in (1, 2, 1000):
        heard = page.evaluate(
            """([text, size]) => new Promise(resolve => {
                const bytes = new TextEncoder().encode(text), heard = [], original = window.fetch;
                let asked = 0;
                window.fetch = async (path, { headers }) => {
                    asked += 1;
                    if (asked === 2) {
                        stop();
                        window.fetch = original;
                        resolve([heard, headers["Last-Event-ID"], headers.Authorization, path]);
                    }
                    return new Response(new ReadableStream({ start(controller) {
                        for (let n = 0; n < bytes.length; n += size) controller.enqueue(bytes.slice(n, n + size));
                        controller.close();
                    } }));
                };
                const hear = (kind, data) => heard.push([kind, data]);
                const stop = listenTo("/x", "secret", 0, { heard: hear, troubled() {}, gone() {} });
            })""",
            [stream, size],
        )
        events = [["message", {"text": "你好\u2028"}], ["state", {}], ["message", 1], ["message", 2]]
        assert heard == [events, "7", "Bearer secret", "/x"]


def test_a_stream_that_fell_silent_is_opened_again_and_waits_grow(page: Page) -> None:
    """45 seconds without a ping end a connection; then the pauses double up to half a minute; `online` ends one."""
    page.clock.install()
    page.evaluate(
        """() => {
            window.asked = 0;
            window.fetch = (path, { signal }) => {
                window.asked += 1;
                if (window.asked > 1) return Promise.reject(new TypeError("no network"));
                return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
            };
            listenTo("/x", "secret", 0, { heard() {}, troubled(now) { window.broken = now; }, gone() {} });
        }"""
    )
    page.clock.run_for(44_000)
    assert page.evaluate("window.asked") == 1
    page.clock.run_for(3_000)
    assert page.evaluate("window.asked") == 2
    for seconds, most in ((120, 10), (300, 24)):
        before = page.evaluate("window.asked")
        page.clock.run_for(seconds * 1000)
        assert 3 <= page.evaluate("window.asked") - before <= most
    assert page.evaluate("window.broken") is True
    before = page.evaluate("window.asked")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    assert page.evaluate("window.asked") == before + 1


def test_a_new_conversation_begins_empty(page: Page, server: str) -> None:
    """Asked for and confirmed; the old conversation is forgotten."""
    say(page, "你好")
    page.get_by_role("button", name="新会话").click()
    page.get_by_role("button", name="开始新会话").click()
    expect(bubbles(page, "visitor")).to_have_count(0)
    say(page, "忘记密码了")
    assert stored(page, server)[0]["text"] == "忘记密码了"
    page.get_by_role("button", name="新会话").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    say(page, "你好")
    assert [said(bubble) for bubble in bubbles(page, "visitor").all()] == ["忘记密码了", "你好"]


def test_what_a_visitor_types_is_never_run(page: Page) -> None:
    """Payloads are shown as the text they are, now and after a reload."""
    for payload in XSS:
        say(page, payload)
    for _ in range(2):
        assert [said(bubble) for bubble in bubbles(page, "visitor").all()] == list(XSS)
        assert page.locator("#log").locator("script, img, svg, iframe, style, a[href^=javascript]").count() == 0
        assert page.evaluate("window.hit") is None
        page.reload()
        reply_number(page, len(XSS) - 1)


@pytest.mark.parametrize("payload", XSS)
def test_what_a_document_says_is_never_run(page: Page, payload: str) -> None:
    """Neither are texts, questions, sources and labels of a reply."""
    option = {"entry_id": payload, "label": payload}
    source = {"system": payload, "document": payload, "section": payload, "number": payload}
    changed = {
        "text": payload,
        "answer": {"entry_id": payload, "question": payload, "answer": "…" + payload, "source": source},
        "options": [option],
        "related": [option],
        "escalation": {"reason": payload, "label": payload, "status": "offered", "ticket": None},
        "note": payload,
        "step": {
            **dict.fromkeys(("field", "label", "ask"), payload),
            "kinds": [payload],
            "required": True,
            "choices": [payload],
            "left": 1,
        },
    }
    change_replies(page, lambda reply: {**reply, **changed})
    reply = say(page, "你好")
    expect(reply.locator(".choices button")).to_have_text(payload)
    assert reply.locator("script, img, svg, iframe, style, a[href^=javascript]").count() == 0
    assert page.evaluate("window.hit") is None


def test_shift_and_enter_break_the_line_and_enter_sends(page: Page) -> None:
    """The message keeps its line break, and the composer is empty afterwards."""
    page.focus("#text")
    page.keyboard.type("第一行")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("第二行")
    expect(bubbles(page, "visitor")).to_have_count(0)
    page.keyboard.press("Enter")
    reply_number(page, 0)
    assert said(bubbles(page, "visitor").first) == "第一行\n第二行"
    expect(page.locator("#text")).to_have_value("")


def test_enter_that_ends_a_composition_does_not_send(page: Page) -> None:
    """Neither while the input method composes nor with the key code it reports; the next Enter does."""
    page.focus("#text")
    devtools = page.context.new_cdp_session(page)

    def enter(key_code: int) -> None:
        # rawKeyDown: the input method takes the key, so that no line break follows from it.
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": key_code, "nativeVirtualKeyCode": key_code}
        devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})

    devtools.send("Input.imeSetComposition", {"text": "mima", "selectionStart": 4, "selectionEnd": 4})
    enter(13)
    devtools.send("Input.insertText", {"text": "密码"})
    enter(229)
    expect(bubbles(page, "visitor")).to_have_count(0)
    expect(page.locator("#text")).to_have_value("密码")
    page.keyboard.press("Enter")
    expect(bubbles(page, "visitor")).to_have_count(1)
    reply_number(page, 0)


def test_without_a_network_a_message_waits_for_its_retry(page: Page, server: str, faults: list[str]) -> None:
    """It says that it failed; once the network is back one press sends it, exactly once."""
    say(page, "你好")
    page.context.set_offline(True)
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    retry = page.get_by_role("button", name="重发")
    expect(retry).to_be_visible()
    page.context.set_offline(False)
    retry.click()
    assert said(reply_number(page, 1)) == entry("zyb-1.9").answer
    expect(bubbles(page, "visitor")).to_have_count(2)
    assert [message["text"] for message in stored(page, server)].count(LOCKED) == 1
    only_network(faults)


@pytest.mark.parametrize("before", [[], ["你好"]], ids=["first", "later"])
def test_a_reply_that_got_lost_is_fetched_and_nothing_doubled(
    page: Page, server: str, faults: list[str], before: list[str]
) -> None:
    """The server took the message but its reply never came: the retry carries the same id and gets that reply.

    In a conversation that is listened to, message and reply come by themselves.
    """
    for text in before:
        say(page, text)
    sent: list[Request] = []

    def lose(route: Route) -> None:
        sent.append(route.request)
        route.fetch()
        route.abort()

    page.route("**/api/chat", lose, times=1)
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/api/chat") else None)
    page.fill("#text", "忘记密码了")
    page.press("#text", "Enter")
    if not before:
        page.get_by_role("button", name="重发").click()
    reply_number(page, len(before))
    expect(page.get_by_role("button", name="重发")).to_have_count(0)
    expect(bubbles(page, "visitor")).to_have_count(len(before) + 1)
    ids = {request.post_data_json["client_message_id"] for request in sent}
    assert len(ids) == 1
    assert len(ids.pop()) >= 22
    assert [m["text"] for m in stored(page, server) if m["author"] == "visitor"] == [*before, "忘记密码了"]
    only_network(faults)


def only_network(faults: list[str]) -> None:
    """Forget what Chromium itself reports of requests that failed on purpose."""
    assert all(fault.startswith("Failed to load resource") for fault in faults), faults
    faults.clear()


def problem(status: int, detail: str, **headers: str) -> dict[str, Any]:
    """A problem document for `Route.fulfill`."""
    body = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail}
    return {"status": status, "content_type": "application/problem+json", "body": json.dumps(body), "headers": headers}


def test_a_refused_message_says_why_and_returns_to_the_composer(page: Page, faults: list[str]) -> None:
    """The server's own words; there is nothing to retry."""
    page.fill("#text", "有\x07控制字符")
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("消息里有无法识别的控制字符，请删除后重新发送。")
    expect(page.locator("#text")).to_have_value("有\x07控制字符")
    only_network(faults)


def test_too_many_messages_can_be_retried_after_the_stated_seconds(page: Page, faults: list[str]) -> None:
    """The wait is counted down before the button appears."""
    page.clock.install()
    page.route(
        "**/api/chat", lambda route: route.fulfill(**problem(429, "发送太频繁了。", **{"Retry-After": "30"})), times=1
    )
    page.fill("#text", "你好")
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送太频繁了。30 秒后可重试")
    expect(page.locator(".trouble button")).to_have_count(0)
    page.clock.run_for(30_000)
    page.get_by_role("button", name="重发").click()
    reply_number(page, 0)
    only_network(faults)


def test_a_forgotten_conversation_is_replaced_and_the_message_kept(page: Page, server: str, faults: list[str]) -> None:
    """The server knows the conversation no more: the same message opens a new one without a word from the visitor."""
    say(page, "你好")
    page.route("**/api/chat", lambda route: route.fulfill(**problem(404, "找不到这个会话。")), times=1)
    page.route("**/api/chat/*", lambda route: route.fulfill(**problem(404, "找不到这个会话。")), times=1)
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    expect(page.locator(".aside")).to_contain_text("已为您开始新的会话")
    assert stored(page, server)[0]["text"] == LOCKED
    only_network(faults)


def test_an_entry_that_is_gone_does_not_end_the_conversation(page: Page, server: str, faults: list[str]) -> None:
    """That too is a 404, but the conversation is still there."""
    options = say(page, "忘记密码了").locator(".choices button")
    page.route("**/api/chat", lambda route: route.fulfill(**problem(404, "没有这个条目。")), times=1)
    options.first.click()
    expect(page.locator(".trouble")).to_have_text("没有这个条目。")
    say(page, "你好")
    assert len(stored(page, server)) == 4
    only_network(faults)


def test_the_address_names_the_system_that_is_asked_about(open_page: Open) -> None:
    """The selector shows it with its contacts, answers are its own, and another choice changes the address."""
    page = open_page("?system=whjy")
    expect(page.locator("#system")).to_have_value("whjy")
    expect(page.locator("#contact")).to_have_text("系统网址：https://whjy.mem.gov.cn客服电话：400-9659818")
    expect(page.get_by_role("button", name=entry("whjy-1.1.1").question)).to_be_visible()
    expect(page.get_by_role("button", name=entry("zyb-1.1").question)).to_be_hidden()
    reply = say(page, LOCKED)
    assert entry("zyb-1.9").answer not in (reply.text_content() or "")
    expect(reply.get_by_role("button", name="申请解锁账号")).to_be_visible()
    page.select_option("#system", "zyb")
    assert page.url.endswith("/?system=zyb")
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer


def test_an_example_question_is_sent_when_pressed(page: Page) -> None:
    """One press from the welcome to an answer."""
    page.get_by_role("button", name=entry("zyb-1.2").question).click()
    assert said(reply_number(page, 0)) == entry("zyb-1.2").answer


def test_a_person_can_always_be_asked_for(page: Page) -> None:
    """The button in the head says it for the visitor; there is a ticket number at once."""
    page.get_by_role("button", name="转人工", exact=True).click()
    expect(reply_number(page, 0).locator(".status")).to_contain_text("受理编号")


def test_a_suggestion_is_chosen_with_the_keyboard_alone(page: Page) -> None:
    """Typing opens the list, the arrow keys move in it, Enter chooses; Escape closes it and keeps the text."""
    page.focus("#text")
    suggestions = page.locator("#suggestions").get_by_role("option")
    page.keyboard.type("404")
    expect(suggestions.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggestions).to_have_count(0)
    expect(page.locator("#text")).to_have_value("404")
    page.keyboard.type("打印")
    expect(suggestions.first).to_contain_text(entry("zyb-1.11").question)
    page.keyboard.press("ArrowDown")
    expect(suggestions.first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#text")).to_have_attribute("aria-activedescendant", "suggestion-0")
    page.keyboard.press("Enter")
    assert said(reply_number(page, 0)) == entry("zyb-1.11").answer
    expect(page.locator("#text")).to_have_value("")


def test_chat_works_without_suggestions(page: Page, faults: list[str]) -> None:
    """The typeahead's failure is not the visitor's."""
    page.route("**/api/suggest*", lambda route: route.fulfill(**problem(503, "服务暂时不可用。")))
    with page.expect_response("**/api/suggest*"):
        page.fill("#text", "密码")
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    only_network(faults)


def test_a_text_over_the_limit_cannot_be_sent(page: Page) -> None:
    """2,000 characters go, as the server counts them; the counter shows near the end."""
    page.fill("#text", "问" * 1800)
    expect(page.locator("#counter")).to_have_text("")
    page.fill("#text", "🙂" * 2000)
    expect(page.locator("#counter")).to_have_text("2000 / 2000")
    expect(page.locator("#send")).to_be_enabled()
    page.fill("#text", "问" * 2001)
    expect(page.locator("#counter")).to_have_text("已超出 1 字")
    expect(page.locator("#send")).to_be_disabled()
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(0)
    page.fill("#text", "  \n ")
    expect(page.locator("#send")).to_be_disabled()


def test_a_search_by_keywords_only_is_said(page: Page) -> None:
    """A notice, as long as the last reply was found that way."""
    change_replies(page, lambda reply: {**reply, "search": "keyword"})
    say(page, "你好")
    expect(page.get_by_text("当前为关键词检索，结果可能不够全面")).to_be_visible()
    page.unroute("**/api/chat")
    say(page, "你好")
    expect(page.get_by_text("当前为关键词检索，结果可能不够全面")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, ZOOMED], ids=["desktop", "phone", "zoomed"])
def test_everything_fits_the_screen(open_page: Open, size: tuple[int, int], scheme: str) -> None:
    """Nothing scrolls sideways, the composer stays in view, and a finger can press every button."""
    page = open_page("?system=whjy", size, color_scheme=scheme, has_touch=size == PHONE)
    say(page, "登录时忘记密码")
    say(page, "W" * 600)
    say(page, "转人工")
    page.fill("#text", "一\n二\n三\n四\n五\n六\n七")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert page.evaluate(
        "document.getElementById('scroller').scrollWidth <= document.getElementById('scroller').clientWidth"
    )
    assert page.evaluate("document.documentElement.scrollHeight") == size[1]
    field = page.locator("#text").bounding_box()
    assert field is not None
    assert field["height"] <= 5 * 24 + 22 + 1
    assert field["y"] + field["height"] <= size[1]
    for control in page.locator("button:visible, select:visible, textarea:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44, control.text_content()


def test_the_keyboard_reaches_everything_in_reading_order(page: Page) -> None:
    """The composer has the focus at first; from the top, Tab goes through head, log and composer."""
    expect(page.locator("#text")).to_be_focused()
    say(page, LOCKED)
    page.evaluate("document.activeElement.blur(); document.getElementById('system').focus()")
    examples = [example.text_content() for example in page.locator("#examples button:visible").all()]
    last = bubbles(page, "bot").last.locator("button").all_text_contents()
    expected = ["restart", "human", "scroller", *examples, *last, "有帮助", "没帮助", "picture", "text"]
    order = []
    for _ in expected:
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert order == expected
