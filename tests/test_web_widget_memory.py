"""What a device keeps of a conversation: reloads, closed pages, several tabs, shared computers, forbidden storage."""

from __future__ import annotations

import json

import pytest
from embedded import (
    EVERYWHERE,
    LOCKED,
    Open,
    ask_for_a_person,
    begin_anew,
    bubbles,
    entry,
    later,
    only_network,
    ready,
    remembered,
    reply_number,
    said,
    say,
    sequences,
    shown_log,
    stored,
)
from playwright.sync_api import Page, Route, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


def test_a_reload_shows_the_conversation_again(page: Page) -> None:
    """Every bubble returns with its options and source, and what is registered stays registered."""
    say(page, LOCKED)
    ask_for_a_person(page)
    say(page, "忘记密码了")
    before = shown_log(page)
    page.reload()
    ready(page)
    reply_number(page, 2)
    expect(page.locator(".status")).to_contain_text("等待工作人员处理")
    assert shown_log(page) == before
    assert said(say(page, "危化品系统登录时忘记密码")) == entry("whjy-1.2.2").answer


def test_a_closed_page_finds_its_conversation_again(page: Page, widget_server: str) -> None:
    """Shown whole and scrolled to its end, and it goes on; a draft was the closed tab's own."""
    for _ in range(3):
        say(page, LOCKED)
    page.fill("#text", "还没有写完")
    other = later(page)
    page.close()
    reply_number(other, 2)
    expect(bubbles(other, "visitor")).to_have_count(3)
    end = "node => node.scrollHeight - node.scrollTop - node.clientHeight"
    assert other.locator(".scroller").evaluate(end) < 120
    expect(other.locator("#text")).to_have_value("")
    say(other, "忘记密码了")
    assert len(stored(other, widget_server)) == 8


@pytest.mark.parametrize(("days", "found"), [(6.9, 1), (7.1, 0), (-7.1, 0)])
def test_a_conversation_is_found_for_seven_days_after_its_last_use(page: Page, days: float, found: int) -> None:
    """Looking at it is a use; a clock that was set back does not keep it for ever; what expired is removed."""
    say(page, "你好")
    other = later(
        page,
        f"""if (location.pathname === "/") {{
            const key = Object.keys(localStorage).find(key => key.endsWith(":conversation"));
            const kept = JSON.parse(localStorage.getItem(key));
            kept.at = Date.now() - {days} * 24 * 60 * 60 * 1000;
            localStorage.setItem(key, JSON.stringify(kept));
        }}""",
    )
    expect(bubbles(other, "visitor")).to_have_count(found)
    if found:
        for _ in range(100):  # it is looked at a moment after it was drawn
            age = other.evaluate("Date.now()") - remembered(other)["at"]
            if age < 60_000:
                break
            other.wait_for_timeout(100)
        assert age < 60_000
    else:
        assert remembered(other) is None


def test_two_tabs_share_a_conversation_without_doubling(page: Page, widget_server: str) -> None:
    """A tab that showed none takes up what the other began; what either says appears in both, once and in order."""
    other = later(page)
    say(page, "你好")
    reply_number(other, 0)
    say(other, LOCKED)
    reply_number(page, 1)
    say(page, "忘记密码了")
    reply_number(other, 2)
    for tab in (page, other):
        expect(tab.locator(".log > *")).to_have_count(7)
        assert sequences(tab) == list(range(7))
    assert len(stored(page, widget_server)) == 6


@pytest.mark.parametrize("failed", [False, True], ids=["at once", "after a failure"])
def test_two_tabs_do_not_begin_two_conversations(
    page: Page, widget_server: str, faults: list[str], *, failed: bool
) -> None:
    """Neither when both send their first message at once, nor when one had failed before the other began."""
    other = later(page)
    waiting: list[Route] = []
    page.route("**/api/chat", lambda route: waiting.append(route), times=1)  # noqa: PLW0108 — Playwright marks it
    page.fill("#text", "你好")
    with page.expect_request("**/api/chat"):
        page.press("#text", "Enter")
    while not waiting:
        page.wait_for_timeout(20)
    if failed:
        waiting.pop().abort()
        expect(page.locator(".trouble")).to_be_visible()
    other.fill("#text", LOCKED)
    other.press("#text", "Enter")
    other.wait_for_timeout(300)
    if failed:
        reply_number(other, 0)
        page.get_by_role("button", name="重发").click()
    else:
        waiting.pop().continue_()
    for tab in (page, other):
        reply_number(tab, 1)
        expect(bubbles(tab, "visitor")).to_have_count(2)
        assert sequences(tab) == list(range(5))
    said_there = [message["text"] for message in stored(page, widget_server) if message["author"] == "visitor"]
    assert sorted(said_there) == sorted(["你好", LOCKED])
    only_network(faults)


def test_a_tab_keeps_its_conversation_while_another_begins_anew(page: Page, widget_server: str) -> None:
    """Until it is loaded again; meanwhile it does not touch the new one that the device keeps."""
    say(page, "你好")
    other = later(page)
    reply_number(other, 0)
    begin_anew(other)
    page.wait_for_function("!Object.keys(localStorage).some(key => key.endsWith(':conversation'))")
    assert remembered(page) is None
    say(other, LOCKED)
    kept = remembered(other)
    say(page, "忘记密码了")
    expect(bubbles(page, "visitor")).to_have_count(2)
    page.wait_for_timeout(800)
    assert remembered(page)["id"] == kept["id"]
    assert [message["text"] for message in stored(page, widget_server) if message["author"] == "visitor"] == [LOCKED]
    begin_anew(page)
    assert remembered(other)["id"] == kept["id"]
    page.reload()
    expect(bubbles(page, "visitor")).to_have_text("您：" + LOCKED)


def test_a_shared_computer_can_be_made_to_forget(page: Page) -> None:
    """Confirmed first; then no tab shows the conversation or the draft any more, and no later one finds them."""
    say(page, LOCKED)
    other = later(page)
    reply_number(other, 0)
    for tab in (page, other):
        tab.fill("#text", "还没有写完")
    forget = page.get_by_role("button", name="公共电脑？清除本机记录")
    forget.click()
    expect(page.locator(".sheet")).to_contain_text("清除后，本机不再保留当前对话")
    page.keyboard.press("Escape")
    expect(bubbles(page, "visitor")).to_have_count(1)
    assert remembered(page) is not None
    forget.click()
    page.locator(".sheet").get_by_role("button", name="清除记录").click()
    for tab in (page, other):
        expect(tab.locator(".log > :not(.welcome)")).to_have_text(["已清除本机记录。"])
        expect(tab.locator("#text")).to_have_value("")
    assert page.evaluate("localStorage.length") == 0
    kept = page.evaluate("Object.values(sessionStorage)")
    assert set(kept) <= {'""', "[]"}
    for tab in (page, other):
        tab.reload()
        ready(tab)
    for tab in (page, other, later(page)):
        expect(tab.locator(".log > *")).to_have_count(1)


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
    ready(page)
    say(page, "你好")
    say(page, LOCKED)
    expect(bubbles(page, "visitor")).to_have_count(2)
    page.reload()
    ready(page)
    expect(bubbles(page, "visitor")).to_have_count(0 if forbidden == "both" else 2)
    say(page, "忘记密码了")


def test_what_was_typed_and_not_sent_survives_a_reload(page: Page, widget_server: str, faults: list[str]) -> None:
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
    assert len(stored(page, widget_server)) == 2
    expect(page.locator("#text")).to_have_value("还没有写完")
    only_network(faults)
