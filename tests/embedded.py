"""What visitors, staff and hosts of the widget do in its tests; the fixtures are those of `browsing`."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from bot.account import Accounts
from bot.store.sqlite import SqliteStore
from faq.entry import Entry
from faq.knowledge import read_folder

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "bot" / "web" / "widget" / "src"
KNOWLEDGE = read_folder(ROOT / "faq" / "documents")
DESKTOP, PHONE, ZOOMED = (1280, 800), (390, 844), (640, 400)  # the last: a desktop's window at 200 %
EVERYWHERE = pytest.mark.parametrize(
    "view",
    [
        pytest.param((size, scheme), id=f"{size[0]}-{scheme}")
        for size in (DESKTOP, PHONE)
        for scheme in ("light", "dark")
    ],
    indirect=True,
)
"""Runs every test of a module at each size and in each colour scheme."""
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
HIDE = "hidden => Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true })"

Open = Callable[..., Page]
View = tuple[tuple[int, int], str]
"""A size, in pixels, and a colour scheme."""


def entry(entry_id: str) -> Entry:
    """An entry that must be there."""
    found = KNOWLEDGE.entry(entry_id)
    assert found is not None
    return found


# Pages


@dataclass
class Host:
    """A site of somebody else, which has the widget on its pages."""

    url: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def put(self, path: str, body: str, **headers: str) -> str:
        """A page of the site; its address."""
        self.pages[path] = (body, headers)
        return self.url + path


def tag(server: str, attributes: str = "") -> str:
    """The script tag that puts the widget on a page."""
    return f'<script src="{server}/widget.js" {attributes} defer></script>'


def launcher(page: Page) -> Locator:
    """The button that opens the panel."""
    return page.locator("online-chat .launcher")


def open_panel(page: Page) -> Locator:
    """Press the launcher; the panel."""
    launcher(page).click()
    panel = page.get_by_role("dialog", name="在线咨询")
    expect(panel).to_be_visible()
    expect(page.locator(".welcome .choices button").first).to_be_visible()
    return panel


# Staff


@contextmanager
def logged_in(data: Path, server: str, name: str, display: str) -> Iterator[httpx.Client]:
    """A new member of staff's client, which sends what changes need."""
    with closing(SqliteStore(data / "conversations.db")) as store:
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
    expect(page.locator(".subtitle")).to_have_text("您正在与人工客服对话")
    expect(page.locator(".title")).to_have_text("小王")
    return number


# What a visitor does and sees


def tell(page: Page, text: str) -> None:
    """Say something to a person and wait until it is sent."""
    before = bubbles(page, "visitor").count()
    page.fill("#text", text)
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(before + 1)
    expect(page.locator("#typing")).to_be_hidden()
    expect(page.locator(".log > .visitor").last).to_have_attribute("data-sequence", re.compile(r"\d"))


def png(side: int = 40) -> FilePayload:
    """A picture to choose."""
    data = io.BytesIO()
    Image.new("RGB", (side, 2 * side), "#48c").save(data, "PNG")
    return {"name": "图片.png", "mimeType": "image/png", "buffer": data.getvalue()}


def bubbles(page: Page, author: str) -> Locator:
    """What the visitor ("visitor"), the bot ("bot", the welcome aside) or a person ("agent") said."""
    return page.locator(f".log > .{author}:not(.welcome) > .bubble")


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


def shown_log(page: Page) -> str:
    """The whole log as it is read."""
    return page.locator(".log").inner_text()


def sequences(page: Page) -> list[int]:
    """The numbers of the messages that are shown, from the top; the welcome is 0."""
    found: list[int] = page.locator(".log > *").evaluate_all("nodes => nodes.map(node => +node.dataset.sequence)")
    return found


def shows_picture(image: Locator, width: int = 0) -> None:
    """Wait until an image is loaded, from memory and not from an address with a secret."""
    expect(image).to_be_visible()
    expect(image).to_have_js_property("complete", value=True)
    assert image.evaluate("image => image.naturalWidth") >= max(width, 1)
    assert (image.get_attribute("src") or "").startswith("blob:")


# What a device keeps, and what the server does


def remembered(page: Page) -> Any:
    """What the device keeps of the conversation: its id, token and last use; or None."""
    kept = "Object.keys(localStorage).find(key => key.startsWith('online-chat:') && key.endsWith(':conversation'))"
    return json.loads(page.evaluate(f"localStorage.getItem({kept})") or "null")


def later(page: Page, script: str = "") -> Page:
    """The chat page opened in another tab of the same browser, after running a script there."""
    other = page.context.new_page()
    other.add_init_script(script)
    other.goto("/")
    ready(other)
    return other


def ready(page: Page) -> None:
    """Wait until the chat page shows what was said before."""
    expect(page.locator("#system option")).to_have_count(3)
    expect(page.locator(".log")).to_have_attribute("aria-busy", "false")


def transcript(page: Page, server: str) -> dict[str, Any]:
    """What the server keeps of the page's conversation."""
    kept = remembered(page)
    headers = {"Authorization": f"Bearer {kept['token']}"}
    past: dict[str, Any] = httpx.get(f"{server}/api/chat/{kept['id']}", headers=headers).json()
    return past


def stored(page: Page, server: str) -> list[dict[str, Any]]:
    """The messages that the server keeps of the page's conversation."""
    messages: list[dict[str, Any]] = transcript(page, server)["messages"]
    return messages


def expect_read(page: Page, server: str, *, whole: bool) -> None:
    """Whether the server knows that the visitor has read everything, shortly after."""
    read = None
    for _ in range(100):
        past = transcript(page, server)
        read = past["visitor_read"] == past["messages"][-1]["sequence"]
        if read == whole:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"read: {read}")


def begin_anew(page: Page) -> None:
    """Press 「开始新会话」 and confirm it."""
    page.get_by_role("button", name="开始新会话").click()
    page.locator(".sheet").get_by_role("button", name="开始新会话").click()
    expect(bubbles(page, "visitor")).to_have_count(0)


def hide(page: Page, *, hidden: bool) -> None:
    """Let the page believe that it is covered, or shown again."""
    page.evaluate(HIDE, arg=hidden)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def stop_clock(page: Page) -> None:
    """Let time pass on the page only when the test says so."""
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=10))  # it goes on until then, and never back


def change_replies(page: Page, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let the server answer, and change its reply on the way."""

    def handle(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=change(response.json()))

    page.route("**/api/chat", handle)


def problem(status: int, detail: str, **headers: str) -> dict[str, Any]:
    """A problem document for `Route.fulfill`."""
    body = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail}
    return {"status": status, "content_type": "application/problem+json", "body": json.dumps(body), "headers": headers}


def only_network(faults: list[str]) -> None:
    """Forget what Chromium itself reports of requests that failed on purpose."""
    assert all(fault.startswith("Failed to load resource") for fault in faults), faults
    faults.clear()


def serve_sources(page: Page) -> None:
    """Let the page import the widget's pure modules one by one, from /widget-src/."""

    def handle(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        route.fulfill(path=SOURCES / name, content_type="text/javascript")

    page.route("**/widget-src/*.js", handle)


def expect_accessible(page: Page) -> None:
    """Let axe-core look at the page as it is."""
    options = {"resultTypes": ["violations"], "preload": False}  # it would fetch the other origin's style sheet
    violations = Axe().run(page, options=options).response["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in violations] == []
