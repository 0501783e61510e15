"""The widget on screens of every size, light and dark, with the keyboard alone, and what axe-core finds."""

from __future__ import annotations

import httpx
import pytest
from embedded import (
    DESKTOP,
    EVERYWHERE,
    LOCKED,
    PHONE,
    ZOOMED,
    Open,
    View,
    bubbles,
    do,
    expect_accessible,
    open_panel,
    reply_number,
    say,
)
from playwright.sync_api import Page, expect

pytest_plugins = ("browsing",)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, ZOOMED], ids=["desktop", "phone", "zoomed"])
def test_everything_fits_the_screen(open_page: Open, size: tuple[int, int], scheme: str) -> None:
    """Nothing scrolls sideways, the composer stays in view, and a finger can press every button."""
    page = open_page("?system=whjy", size, color_scheme=scheme)
    say(page, "登录时忘记密码")
    say(page, "W" * 600)
    say(page, "转人工")
    page.fill("#text", "一\n二\n三\n四\n五\n六\n七")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert page.locator(".scroller").evaluate("node => node.scrollWidth <= node.clientWidth")
    assert page.evaluate("document.documentElement.scrollHeight") == size[1]
    field = page.locator("#text").bounding_box()
    assert field is not None
    assert field["height"] <= 5 * 24 + 22 + 1
    assert field["y"] + field["height"] <= size[1]
    for control in page.locator("button:visible, select:visible, textarea:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44, control.text_content()


@EVERYWHERE
def test_a_long_message_of_ones_own_does_not_hide_its_reply(page: Page) -> None:
    """The end of it comes into view, and what was answered below."""
    say(page, "长" * 2000)
    expect(bubbles(page, "bot").last).to_be_in_viewport(ratio=0.9)


def test_the_narrowest_screen_keeps_the_head_on_two_lines(open_page: Open) -> None:
    """320 pixels, which is also a desktop's window at 400 %."""
    page = open_page(size=(320, 568))
    box = page.locator(".subtitle").bounding_box()
    assert box is not None
    assert box["height"] <= 18


@EVERYWHERE
def test_the_keyboard_reaches_everything_in_reading_order(page: Page, view: View) -> None:
    """On a desktop the composer has the focus at first; from the top, Tab goes through head, log and composer."""
    if view[0] == DESKTOP:
        expect(page.locator("#text")).to_be_focused()
    say(page, LOCKED)
    page.locator(".tools button").first.focus()
    asked = page.locator(".welcome .choices button").all_text_contents()
    last = bubbles(page, "bot").last.locator("button").all_text_contents()
    head = ["新消息提醒", "开始新会话", "system", "对话"]
    expected = [*head, *asked, *last, "有帮助", "没帮助", "picture", "text", "公共电脑？清除本机记录"]
    order = []
    for _ in expected:
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                """() => {
                    const node = document.querySelector("online-chat").shadowRoot.activeElement;
                    return node.id || node.getAttribute("aria-label") || node.textContent;
                }"""
            )
        )
    assert order == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_in_any_state(embed: Open, staff: httpx.Client, size: tuple[int, int], scheme: str) -> None:
    """Launcher, welcome, suggestions, answer, form with a refused value, question, person, rating."""
    page = embed('data-color="#1668dc"', size, color_scheme=scheme)
    expect_accessible(page)
    open_panel(page)
    expect_accessible(page)
    page.fill("#text", "密码")
    expect(page.locator(".suggestions li").first).to_be_visible()
    page.press("#text", "ArrowDown")
    expect_accessible(page)
    page.press("#text", "Escape")
    say(page, LOCKED)
    page.get_by_role("button", name="没帮助").click()
    expect(page.get_by_role("button", name="与问题无关")).to_be_focused()
    expect_accessible(page)
    page.get_by_role("button", name="申请解锁账号").click()
    reply_number(page, 1).get_by_role("button", name="同意").click()
    reply_number(page, 2).get_by_label("登录账号").fill("一")
    page.get_by_role("button", name="提交").click()
    expect(reply_number(page, 3).get_by_label("登录账号")).to_have_attribute("aria-invalid", "true")
    expect_accessible(page)
    page.get_by_role("button", name="开始新会话").click()
    expect(page.locator(".sheet")).to_be_visible()
    expect_accessible(page)
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_be_hidden()
    expect(page.locator(".panel")).to_be_visible()
    tell_for_a_person(page)
    number = int((page.locator(".status").last.text_content() or "").rsplit(" ", 1)[1])
    do(staff, number, "take")
    do(staff, number, "reply", text="您好，请看这一条", entry_id="zyb-1.9")
    expect(bubbles(page, "agent")).to_have_count(1)  # a message ends the typing
    do(staff, number, "typing")
    expect(page.locator(".peer")).to_have_text("小王正在输入…")
    expect_accessible(page)
    do(staff, number, "resolve")
    page.get_by_role("radio", name="4 星").check(force=True)
    expect_accessible(page)


def tell_for_a_person(page: Page) -> None:
    """Press 「转人工」 and wait for the ticket."""
    before = bubbles(page, "bot").count()
    page.get_by_role("button", name="转人工", exact=True).click()
    reply_number(page, before)
    expect(page.locator(".status").last).to_contain_text("受理编号")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("color", ["#000080", "#ffee00", "#777777", "#ff0000", "#ffffff", "#000000"])
def test_any_color_of_a_site_can_be_read(embed: Open, color: str, scheme: str) -> None:
    """Buttons, links and what the visitor said."""
    page = embed(f'data-system="zyb" data-color="{color}"', color_scheme=scheme)
    open_panel(page)
    say(page, LOCKED)
    page.fill("#text", "问")
    expect_accessible(page)
