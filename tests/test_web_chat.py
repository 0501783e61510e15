"""The chat page in a real browser, against a real server over the project's documents."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect, sync_playwright

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
        page = context.new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
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


def bubbles(page: Page, author: str) -> Locator:
    """What the visitor ("visitor") or the bot ("bot", the welcome aside) said."""
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


def stored(page: Page, server: str) -> list[dict[str, Any]]:
    """The messages that the server keeps of the page's conversation."""
    kept = json.loads(page.evaluate("sessionStorage.getItem('chat-conversation')"))
    headers = {"Authorization": f"Bearer {kept['token']}"}
    messages: list[dict[str, Any]] = httpx.get(f"{server}/api/chat/{kept['id']}", headers=headers).json()["messages"]
    return messages


def test_an_answer_is_shown_word_for_word_and_its_hand_over_gives_a_ticket_number(page: Page) -> None:
    """Question, answer, source and the button; pressing it registers the case, and it cannot be pressed again."""
    reply = say(page, LOCKED)
    expect(reply.get_by_role("heading")).to_have_text(entry("zyb-1.9").question)
    assert said(reply) == entry("zyb-1.9").answer
    expect(reply.locator(".source")).to_have_text("来源：职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条")
    reply.get_by_role("button", name="申请解锁账号").click()
    expect(bubbles(page, "visitor").last).to_contain_text("申请解锁账号")
    expect(reply_number(page, 1).locator(".status")).to_have_text(re.compile(r"等待工作人员处理，受理编号 \d+$"))
    expect(reply.get_by_role("button", name="申请解锁账号（已登记）")).to_be_disabled()


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
    """Every bubble returns with its options and source, and a registered hand-over stays registered."""
    say(page, LOCKED).get_by_role("button", name="申请解锁账号").click()
    reply_number(page, 1)
    say(page, "忘记密码了")
    before = page.locator("#log").inner_text()
    page.reload()
    reply_number(page, 2)
    assert page.locator("#log").inner_text() == before
    expect(page.get_by_role("button", name="申请解锁账号（已登记）")).to_be_disabled()
    assert "没有找到" in said(say(page, "今天天气怎么样"))


def test_a_persons_message_is_shown_as_theirs(page: Page) -> None:
    """What staff wrote is in the log after a reload, with a link where it has one, under their name."""
    say(page, "你好")
    mine = {"message_id": "1", "sequence": 1, "author": "visitor", "text": "你好", "created_at": "", "reply": None}
    theirs = {**mine, "message_id": "2", "sequence": 2, "author": "agent", "text": "请致电13800138000"}
    past = {"conversation_id": "1", "system": None, "messages": [mine, theirs]}
    page.route("**/api/chat/*", lambda route: route.fulfill(json=past))
    page.reload()
    expect(bubbles(page, "agent")).to_have_text("人工客服：请致电13800138000")
    expect(page.get_by_role("link", name="13800138000")).to_be_visible()


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
    retry = page.get_by_role("button", name="发送失败，点击重试")
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
    """The server took the message but its reply never came: the retry carries the same id and gets that reply."""
    for text in before:
        say(page, text)
    sent: list[Request] = []

    def lose(route: Route) -> None:
        sent.append(route.request)
        route.fetch()
        route.abort()

    page.route("**/api/chat", lose, times=1)
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.fill("#text", "忘记密码了")
    page.press("#text", "Enter")
    page.get_by_role("button", name="发送失败，点击重试").click()
    reply_number(page, len(before))
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
    page.locator(".trouble button").click()
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
    """The button in the head says it for the visitor; accepting gives a ticket number."""
    page.get_by_role("button", name="转人工", exact=True).click()
    reply_number(page, 0).get_by_role("button", name="转人工客服").click()
    expect(reply_number(page, 1).locator(".status")).to_contain_text("受理编号")


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
    say(page, "转人工")
    page.evaluate("document.activeElement.blur(); document.getElementById('system').focus()")
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    examples = [example.text_content() for example in page.locator("#examples button:visible").all()]
    assert order == ["restart", "human", "scroller", *examples, "转人工客服", "text"]
