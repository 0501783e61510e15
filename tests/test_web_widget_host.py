"""The widget on pages of other sites: one script tag, whatever the page's styles, scripts and policies are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from embedded import (
    EVERYWHERE,
    LOCKED,
    PHONE,
    ZOOMED,
    Host,
    Open,
    View,
    ask_for_a_person,
    bubbles,
    do,
    entry,
    launcher,
    only_network,
    open_panel,
    png,
    reply_number,
    said,
    say,
    shows_picture,
    stop_clock,
    tag,
)
from playwright.sync_api import BrowserContext, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE

# Styles that want the whole page, and a layer above everything else that can be had by z-index.
HOSTILE = """<style>
    * { all: unset !important; }
    html { font-size: 40px; direction: rtl; }
    body { transform: rotate(2deg); filter: blur(1px); line-height: 5; color: red !important; }
    div, p, button, span, textarea, online-chat { display: none !important; position: static !important;
        font: 60px/3 fantasy !important; color: red !important; background: lime !important; opacity: .1 !important; }
    .curtain { display: block !important; position: fixed !important; top: 0; left: 0; width: 100vw; height: 100vh;
        z-index: 2147483647 !important; background: rgba(255, 255, 0, .3) !important; }
</style>"""
OLD = """
    delete Document.prototype.adoptedStyleSheets;
    delete ShadowRoot.prototype.adoptedStyleSheets;
    delete CSSStyleSheet.prototype.replace;
    delete CSSStyleSheet.prototype.replaceSync;
    delete Element.prototype.replaceChildren;
    delete ShadowRoot.prototype.replaceChildren;
    delete Document.prototype.replaceChildren;
    delete HTMLElement.prototype.showPopover;
    delete HTMLElement.prototype.popover;
    delete crypto.constructor.prototype.randomUUID;
    delete Array.prototype.at;
    delete String.prototype.at;
    delete Array.prototype.flatMap;
    delete Array.prototype.findLast;
    delete String.prototype.replaceAll;
    delete String.prototype.matchAll;
    delete Object.fromEntries;
    delete Object.hasOwn;
    delete Promise.allSettled;
    delete Promise.any;
    delete window.structuredClone;
    delete window.queueMicrotask;
    delete window.requestIdleCallback;
    delete window.visualViewport;
    delete window.Notification;
    delete AbortSignal.timeout;
    delete AbortSignal.any;
"""


def test_one_script_tag_opens_a_conversation_about_the_pages_system(embed: Open) -> None:
    """No chooser, the system's own questions, and an answer."""
    page = embed('data-system="zyb"')
    open_panel(page)
    expect(page.locator("#system")).to_have_count(0)
    expect(page.get_by_role("button", name=entry("zyb-1.2").question)).to_be_visible()
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer


def test_where_no_system_is_named_the_visitor_chooses_one(embed: Open) -> None:
    """Its own questions are shown then, and the choice survives a reload."""
    page = embed()
    open_panel(page)
    page.get_by_label("咨询的系统").select_option("whjy")
    expect(page.locator(".facts")).to_contain_text("400-9659818")
    expect(page.get_by_role("button", name=entry("whjy-1.1.1").question)).to_be_visible()
    expect(page.get_by_role("button", name=entry("zyb-1.1").question)).to_have_count(0)
    page.reload()
    open_panel(page)
    expect(page.get_by_label("咨询的系统")).to_have_value("whjy")


def test_a_system_that_is_not_there_leaves_the_choice_to_the_visitor(embed: Open, faults: list[str]) -> None:
    """A page may name one that was renamed."""
    page = embed('data-system="gone"')
    open_panel(page)
    expect(page.locator("#system option")).to_have_count(3)
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    faults.clear()


def test_a_page_on_which_everything_is_unset_does_not_reach_the_widget(embed: Open) -> None:
    """Its looks are the same to the pixel, and the page's own styles are not touched either."""
    looks = """() => [".launcher", ".panel", ".head", ".bubble", "#text"].map(name => {
        const node = document.querySelector("online-chat").shadowRoot.querySelector(name);
        const { fontSize, fontFamily, color, backgroundColor, direction, opacity } = getComputedStyle(node);
        const { x, y, width, height } = node.getBoundingClientRect();
        return [fontSize, fontFamily, color, backgroundColor, direction, opacity, x, y, width, height];
    })"""
    seen = []
    for head in ("", HOSTILE):
        page = embed(head=head)
        before = page.evaluate("getComputedStyle(document.querySelector('h1')).cssText")
        open_panel(page)
        seen.append(page.evaluate(looks))
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).cssText") == before
    assert seen[0] == seen[1]
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer


@pytest.mark.parametrize("when", ["before", "after"])
def test_nothing_lies_above_the_widget_by_its_z_index(embed: Open, when: str) -> None:
    """Neither what was there before nor what came later, with the greatest number that there is."""
    curtain = '<div class="curtain"></div>'
    page = embed(head=HOSTILE, body=curtain if when == "before" else "")
    if when == "after":
        page.evaluate("html => document.documentElement.insertAdjacentHTML('beforeend', html)", curtain)
    top = """() => ["online-chat", ".launcher"].map((_, deep) => {
        const host = document.querySelector("online-chat");
        const node = host.shadowRoot.querySelector(".launcher").getBoundingClientRect();
        const root = deep ? host.shadowRoot : document;
        const found = root.elementFromPoint(node.x + node.width / 2, node.y + node.height / 2);
        return deep ? Boolean(found && found.closest(".launcher")) : found === host;
    })"""
    assert page.evaluate(top) == [True, True]
    open_panel(page)


def test_a_site_that_is_not_listed_is_told_why_nothing_works(
    open_context: Callable[..., BrowserContext], widget_server: str, host: Host, faults: list[str]
) -> None:
    """At once, and again below what is typed all the same; the words return to the composer."""
    page = open_context().new_page()
    host.put("/unlisted", f"<!doctype html><title>申报系统</title>{tag(widget_server, 'data-system=zyb')}")
    page.goto(host.url.replace("127.0.0.1", "localhost") + "/unlisted")
    launcher(page).click()
    why = "这个网页没有使用本咨询服务的权限，请联系网站管理员。"
    expect(page.locator(".notice").filter(has_text=why)).to_be_visible()
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text(why)
    expect(page.locator("#text")).to_have_value(LOCKED)
    expect(page.get_by_role("button", name="重发")).to_have_count(0)
    refused = [fault for fault in faults if "CORS" not in fault and "status of 403" not in fault]
    assert refused == []
    faults.clear()


def test_a_desk_that_could_not_be_asked_is_asked_again(embed: Open, faults: list[str]) -> None:
    """Its questions come once it can be; what is said meanwhile is answered."""
    page = embed('data-system="zyb"')
    stop_clock(page)
    page.route("**/api/widget*", lambda route: route.abort())
    launcher(page).click()
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    page.unroute_all()
    expect(page.locator(".welcome .choices button")).to_have_count(0)
    page.clock.run_for(10_000)
    expect(page.get_by_role("button", name=entry("zyb-1.2").question)).to_be_visible()
    only_network(faults)


def test_a_policy_without_unsafe_words_is_enough(embed: Open, widget_server: str, faults: list[str]) -> None:
    """Scripts, styles and requests of the widget's host alone, pictures from memory: all of it works."""
    policy = (
        f"default-src 'none'; script-src {widget_server}; style-src {widget_server}; connect-src {widget_server}; "
        "img-src blob:; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    )
    page = embed(headers={"Content-Security-Policy": policy})
    open_panel(page)
    say(page, LOCKED)
    page.set_input_files("#file", png())
    page.fill("#text", "见图")
    page.press("#text", "Enter")
    reply_number(page, 1)
    shows_picture(page.locator(".thumbnail img"))
    page.reload()
    open_panel(page)
    shows_picture(page.locator(".thumbnail img"))
    assert faults == []


def test_an_old_engine_and_a_page_that_deletes_adopted_style_sheets_do_not_break_it(embed: Open) -> None:
    """The style comes by <link>, and nothing is used that Chromium 69 does not have."""
    page = embed('data-system="zyb"', before=OLD)
    assert page.evaluate("document.querySelector('online-chat').shadowRoot.querySelectorAll('style').length") == 0
    open_panel(page)
    expect(page.locator(".panel")).to_have_css("position", "fixed")
    page.fill("#text", "账号被锁")
    expect(page.locator(".suggestions li").first).to_be_visible()
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    ask_for_a_person(page)
    page.reload()
    open_panel(page)
    reply_number(page, 1)


def test_nothing_is_shown_before_the_style_is_there(embed: Open, faults: list[str]) -> None:
    """A style sheet that did not come is asked for again."""
    page = embed()
    page.route("**/widget.css", lambda route: route.abort(), times=1)
    page.reload()
    page.wait_for_timeout(500)
    assert page.evaluate("getComputedStyle(document.querySelector('online-chat')).display") == "none"
    assert page.evaluate("document.querySelector('online-chat').shadowRoot.querySelector('button')") is None
    expect(launcher(page)).to_be_visible()
    faults.clear()


def test_the_script_included_twice_makes_one_widget(embed: Open, widget_server: str) -> None:
    """Also where it is put in later by another script, and where the element was written by hand."""
    page = embed(body="<online-chat data-title='咨询台'></online-chat>" + tag(widget_server))
    page.evaluate(
        """url => new Promise(done => {
            const again = Object.assign(document.createElement("script"), { src: url, onload: done });
            document.body.append(again);
        })""",
        f"{widget_server}/widget.js?again",
    )
    expect(page.locator("online-chat")).to_have_count(1)
    expect(page.get_by_role("button", name="打开咨询台")).to_be_visible()


def test_nothing_is_left_on_the_pages_window(embed: Open) -> None:
    """No name more than on the same page without the script, and no message of the page's document is touched."""
    page = embed()
    open_panel(page)
    names = page.evaluate("Object.getOwnPropertyNames(window)")
    page.route("**/widget.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(page.url)
    assert set(names) - set(page.evaluate("Object.getOwnPropertyNames(window)")) <= {"0"}
    expect(page).to_have_title("申报系统")


@pytest.mark.parametrize(
    ("color", "fill", "text"),
    [
        ("#1668dc", "rgb(22, 104, 220)", "rgb(255, 255, 255)"),
        ("#fd0", "rgb(255, 221, 0)", "rgb(0, 0, 0)"),
        ("red;}*{display:none", "rgb(26, 95, 180)", "rgb(255, 255, 255)"),
        ("javascript:alert(1)", "rgb(26, 95, 180)", "rgb(255, 255, 255)"),
    ],
)
def test_the_sites_color_keeps_what_stands_on_it_readable(embed: Open, color: str, fill: str, text: str) -> None:
    """Black or white, whichever can be read; what is no colour leaves the widget's own."""
    page = embed(f'data-color="{color}"')
    expect(launcher(page)).to_have_css("background-color", fill)
    expect(launcher(page)).to_have_css("color", text)


def test_a_theme_is_set_by_variables(embed: Open, view: View) -> None:
    """From the page's own style sheet; on a phone the panel is the screen all the same."""
    page = embed(head="<style>online-chat { --chat-color: #0b6e4f; --chat-width: 320px; --chat-edge: 40px; }</style>")
    expect(launcher(page)).to_have_css("background-color", "rgb(11, 110, 79)")
    panel = open_panel(page).bounding_box()
    assert panel is not None
    width, _ = view[0]
    wanted = (width, width) if view[0] == PHONE else (320, width - 40)
    assert (panel["width"], panel["x"] + panel["width"]) == wanted


@pytest.mark.parametrize("position", ["left", "right"])
def test_the_launcher_stands_in_the_wanted_corner(embed: Open, view: View, position: str) -> None:
    """And the panel opens in the same, where it does not cover the screen."""
    page = embed(f'data-position="{position}"')
    boxes = [launcher(page).bounding_box(), open_panel(page).bounding_box()]
    for box in boxes[:1] if view[0] == PHONE else boxes:
        assert box is not None
        assert (box["x"] < 100) == (position == "left")


@pytest.mark.parametrize("zoomed", [False, True])
def test_the_panel_opens_and_closes_with_the_keyboard_and_the_focus_returns(
    embed: Open, view: View, *, zoomed: bool
) -> None:
    """Escape closes the suggestions first; on a phone, where it covers the page, Tab stays in the panel."""
    size = ZOOMED if zoomed else view[0]
    page = embed(size=size, body='<a href="#x">链接</a>')
    launcher(page).focus()
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    expect(panel).to_be_visible()
    expect(launcher(page)).to_be_hidden()
    page.locator("#text").focus()
    page.keyboard.type("密码")
    expect(page.locator(".suggestions li").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".suggestions li")).to_have_count(0)
    expect(panel).to_be_visible()
    box = panel.bounding_box()
    assert box is not None
    assert (box["width"] == size[0] and box["height"] == size[1]) == (size == PHONE)
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= size[1]
    expect(panel).to_have_attribute("aria-modal", "true") if size == PHONE else None
    inside = "() => document.activeElement === document.querySelector('online-chat')"
    for _ in range(25):
        page.keyboard.press("Tab")
        assert page.evaluate(inside) or size != PHONE
    page.locator(".tools button").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(inside) == (size == PHONE)
    page.locator("#text").focus()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(launcher(page)).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="关闭在线咨询").click()
    expect(launcher(page)).to_be_focused()


def test_keys_typed_into_the_widget_are_no_shortcuts_of_the_page(embed: Open) -> None:
    """A page that listens for keys does not hear them."""
    page = embed(before="window.keys = 0; document.addEventListener('keydown', () => { window.keys += 1; });")
    open_panel(page)
    page.locator("#text").press_sequentially("abc/?")
    assert page.evaluate("window.keys") == 0


def test_unread_messages_are_counted_on_the_launcher(embed: Open, staff: httpx.Client) -> None:
    """Also after a reload, without the panel ever opened; opening it shows and clears them. The title is the page's."""
    page = embed()
    open_panel(page)
    number = ask_for_a_person(page)
    do(staff, number, "take")
    expect(page.locator(".subtitle")).to_have_text("您正在与人工客服对话")
    expect(page.locator(".log > .aside")).to_be_visible()  # seen, so that it is not counted
    page.keyboard.press("Escape")
    expect(page.locator(".badge")).to_have_count(0)
    do(staff, number, "reply", text="第一条")
    expect(page.locator(".badge")).to_have_text("1")
    page.reload()
    expect(page.locator(".badge")).to_have_text("1")
    do(staff, number, "reply", text="第二条")
    expect(page.get_by_role("button", name="打开在线咨询，2 条未读消息")).to_be_visible()
    expect(page.locator(".panel")).to_have_count(0)
    with page.expect_request("**/read"):
        open_panel(page)
    expect(bubbles(page, "agent").last).to_be_in_viewport()
    expect(page.locator(".badge")).to_have_count(0)  # on the launcher, which is hidden meanwhile
    page.keyboard.press("Escape")
    expect(launcher(page)).to_be_visible()
    expect(page.locator(".badge")).to_have_count(0)
    expect(page).to_have_title("申报系统")


def test_two_pages_of_a_site_share_the_conversation(embed: Open) -> None:
    """What is said on one is on the other, once and in order."""
    page = embed()
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        open_panel(tab)
    say(page, "你好")
    reply_number(other, 0)
    say(other, LOCKED)
    reply_number(page, 1)
    for tab in (page, other):
        expect(bubbles(tab, "visitor")).to_have_text(["您：你好", "您：" + LOCKED])


def test_nothing_is_asked_of_the_server_before_the_panel_opens(embed: Open, widget_server: str) -> None:
    """Two files on the first visit, and no cookie or key before something was said."""
    asked: list[str] = []
    page = embed()
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(launcher(page)).to_be_visible()
    page.wait_for_timeout(500)
    assert [url for url in asked if url.startswith(widget_server)] == [
        f"{widget_server}/widget.js",
        f"{widget_server}/widget.css",
    ]
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


def test_an_element_that_is_moved_or_taken_away_goes_on_or_stops(embed: Open) -> None:
    """A page that draws itself anew may take it out of the document and put it back."""
    page = embed()
    open_panel(page)
    say(page, "你好")
    page.evaluate("window.chat = document.querySelector('online-chat'); chat.remove()")
    expect(page.locator("online-chat")).to_have_count(0)
    with page.expect_response("**/api/chat/*"):  # until then it may show what it showed before
        page.evaluate("document.body.append(chat)")
    expect(bubbles(page, "visitor")).to_have_count(1)
    expect(bubbles(page, "bot")).to_have_count(1)
    say(page, LOCKED)


def test_a_phones_keyboard_does_not_cover_the_composer(embed: Open, view: View) -> None:
    """The panel takes the part of the screen that is left."""
    page = embed(
        before="""Object.defineProperty(window, "visualViewport", { value: Object.assign(new EventTarget(), {
            height: innerHeight, offsetTop: 0, scale: 1 }) });""",
    )
    open_panel(page)
    page.evaluate(
        "visualViewport.height = 400; visualViewport.offsetTop = 60; visualViewport.dispatchEvent(new Event('resize'))"
    )
    box: Any = page.locator(".panel").bounding_box()
    if view[0] == PHONE:
        expect(page.locator(".panel")).to_have_css("height", "400px")
        box = page.locator("#text").bounding_box()
        assert 60 <= box["y"] <= 460 - box["height"]
    else:
        assert box["height"] > 600


def test_a_title_is_plain_text(embed: Open) -> None:
    """Whatever the page's template put into it."""
    page = embed('data-title="<img src=x onerror=hit=1>"')
    expect(page.get_by_role("button", name=re.compile("打开<img"))).to_be_visible()
    assert page.evaluate("window.hit") is None


@pytest.mark.parametrize("css", ["html { zoom: 1.5 }", "body { zoom: 1.25 }", "body { zoom: 0.7 }"])
def test_a_page_that_is_zoomed_leaves_the_panel_on_the_screen(embed: Open, view: View, css: str) -> None:
    """Pages for older people enlarge themselves; the panel's head has the buttons that close it and call a person."""
    page = embed(head=f"<style>{css}</style>")
    box = open_panel(page).bounding_box()
    assert box is not None
    assert min(box["x"], box["y"]) >= 0
    assert box["x"] + box["width"] <= view[0][0] + 1
    assert box["y"] + box["height"] <= view[0][1] + 1
    page.get_by_role("button", name="关闭在线咨询").click()
    expect(page.locator(".panel")).to_be_hidden()
