"""With a person: their messages, name and marks, what comes unseen, and the rating at the end."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
from embedded import (
    EVERYWHERE,
    HIDE,
    XSS,
    Open,
    ask_for_a_person,
    attended,
    bubbles,
    do,
    entry,
    expect_read,
    hide,
    later,
    logged_in,
    ready,
    said,
    say,
    sequences,
    shown_log,
    stored,
    tell,
)
from playwright.sync_api import Page, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


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
    expect(page.locator(".subtitle")).to_have_text("常见问题自助解答")
    say(page, "忘记密码了")


def test_a_reload_keeps_the_order_and_number_of_messages(page: Page, staff: httpx.Client, widget_server: str) -> None:
    """What was drawn as reply, event and history is the same conversation, each message once and in order."""
    number = attended(page, staff)
    for n in range(3):
        do(staff, number, "reply", text=f"第 {n} 条")
        tell(page, f"收到第 {n} 条")
    expect(bubbles(page, "agent")).to_have_count(3)
    before = shown_log(page)
    for _ in range(2):
        assert sequences(page) == list(range(len(stored(page, widget_server)) + 1))
        page.reload()
        ready(page)
        expect(bubbles(page, "agent")).to_have_count(3)
        expect(page.locator(".title")).to_have_text("小王")
        assert shown_log(page) == before
    do(staff, number, "reply", text="还在吗")
    expect(bubbles(page, "agent").last).to_have_text("小王：还在吗")


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


def test_messages_that_come_unseen_are_counted_in_the_title(
    page: Page, staff: httpx.Client, widget_server: str
) -> None:
    """While the page is hidden nothing is marked as read; once it shows again it is, and the title is as before."""
    number = attended(page, staff)
    expect_read(page, widget_server, whole=True)
    hide(page, hidden=True)
    for n in (1, 2):
        do(staff, number, "reply", text=f"{n}")
        expect(page).to_have_title(f"（{n}）在线咨询")
    page.wait_for_timeout(1000)
    expect_read(page, widget_server, whole=False)
    hide(page, hidden=False)
    expect(page).to_have_title("在线咨询")
    page.wait_for_timeout(1000)
    expect_read(page, widget_server, whole=True)


def test_messages_that_came_while_the_page_was_closed_are_counted_until_seen(
    page: Page, staff: httpx.Client, widget_server: str
) -> None:
    """Only a person's and only those not read before; seen in one tab, they are seen in the other."""
    number = attended(page, staff)
    do(staff, number, "reply", text="读过的")
    expect(bubbles(page, "agent")).to_have_count(1)
    expect_read(page, widget_server, whole=True)
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
    expect_read(first, widget_server, whole=True)


def test_who_reads_further_up_is_not_moved(page: Page, staff: httpx.Client) -> None:
    """A button says that there is something new and leads to it."""
    number = attended(page, staff)
    for n in range(12):
        do(staff, number, "reply", text=f"第 {n} 条\n\n。")
    expect(bubbles(page, "agent")).to_have_count(12)
    page.locator(".scroller").evaluate("node => { node.scrollTop = 0; }")
    expect(page.get_by_role("button", name="有新消息")).to_be_hidden()
    do(staff, number, "reply", text="最新")
    page.get_by_role("button", name="有新消息").click()
    expect(bubbles(page, "agent").last).to_be_in_viewport()
    expect(page.get_by_role("button", name="有新消息")).to_be_hidden()


def test_what_a_person_writes_is_never_run(page: Page, widget_data: Path, widget_server: str) -> None:
    """Neither their text nor their name, in the log, the head and the typing line."""
    name = "<svg onload=hit=1>"
    with logged_in(widget_data, widget_server, f"web-{uuid4().hex[:12]}", name) as client:
        number = ask_for_a_person(page)
        do(client, number, "take")
        for payload in XSS:
            do(client, number, "reply", text=payload)
        expect(bubbles(page, "agent")).to_have_count(len(XSS))  # a message ends the typing
        do(client, number, "typing")
        expect(page.locator(".peer")).to_have_text(f"{name}正在输入…")
        for _ in range(2):
            expect(bubbles(page, "agent")).to_have_count(len(XSS))
            assert [said(bubble) for bubble in bubbles(page, "agent").all()] == list(XSS)
            expect(page.locator(".title")).to_have_text(name)
            assert page.locator("#log, .name").locator("script, img, iframe, style").count() == 0
            assert page.evaluate("window.hit") is None
            page.reload()
        do(client, number, "close")


def test_the_visitors_messages_say_when_they_were_read(page: Page, staff: httpx.Client) -> None:
    """Not before somebody who has the request has read them."""
    number = attended(page, staff)
    tell(page, "在吗")
    last = page.locator(".log > .visitor").last
    expect(last.locator(".read")).to_have_count(0)
    do(staff, number, "read", sequence=int(last.get_attribute("data-sequence") or 0))
    expect(last.locator(".read")).to_have_text("已读")
    tell(page, "还有一个问题")
    expect(page.locator(".log > .visitor").last.locator(".read")).to_have_count(0)


NOTICES = """
    window.asked = 0;
    window.notices = [];
    window.tones = 0;
    window.Notification = class {
        constructor(title, options) { window.notices.push([title, options.body]); }
        static get permission() { return localStorage.allowed || "default"; }
        static async requestPermission() { window.asked += 1; return (localStorage.allowed = "ALLOWED"); }
    };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { window.tones += 1; start.call(this, at); };
"""


def test_sound_and_desktop_notice_come_only_once_allowed_and_while_hidden(open_page: Open, staff: httpx.Client) -> None:
    """Off at first; the bell asks the browser when pressed, stays on after a reload, and tells no contents."""
    page = open_page()
    page.add_init_script(NOTICES.replace("ALLOWED", "granted"))
    page.reload()
    bell = page.get_by_role("button", name="新消息提醒")
    expect(bell).to_have_attribute("aria-pressed", "false")
    number = attended(page, staff)
    hide(page, hidden=True)
    do(staff, number, "reply", text="第一条")
    expect(page).to_have_title("（1）在线咨询")
    assert page.evaluate("[asked, notices.length, tones]") == [0, 0, 0]
    hide(page, hidden=False)
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("asked === 1 && tones === 2")
    do(staff, number, "reply", text="第二条")
    expect(bubbles(page, "agent")).to_have_count(2)
    assert page.evaluate("notices.length") == 0
    page.reload()
    expect(bell).to_have_attribute("aria-pressed", "true")
    expect(bubbles(page, "agent")).to_have_count(2)
    hide(page, hidden=True)
    do(staff, number, "reply", text="第三条")
    page.wait_for_function("notices.length === 1 && tones === 2")
    assert page.evaluate("[notices[0], asked]") == [["在线咨询", "人工客服发来了新消息"], 0]
    hide(page, hidden=False)
    bell.click()
    hide(page, hidden=True)
    do(staff, number, "reply", text="第四条")
    expect(bubbles(page, "agent")).to_have_count(4)
    assert page.evaluate("notices.length") == 1


def test_a_refused_desktop_notice_leaves_the_sound(open_page: Open, staff: httpx.Client) -> None:
    """And the visitor is told."""
    page = open_page()
    page.add_init_script(NOTICES.replace("ALLOWED", "denied"))
    page.reload()
    number = attended(page, staff)
    page.get_by_role("button", name="新消息提醒").click()
    expect(page.locator(".aside").last).to_have_text("浏览器没有允许桌面通知，有新消息时只会响提示音。")
    before = page.evaluate("tones")
    hide(page, hidden=True)
    do(staff, number, "reply", text="你好")
    page.wait_for_function(f"tones === {before} + 2")
    assert page.evaluate("notices.length") == 0
