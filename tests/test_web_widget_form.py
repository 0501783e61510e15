"""Handing over: the form that a hand-over asks for, from the offer to the ticket's number."""

from __future__ import annotations

import re

from browse import first_held
from embedded import CODE, EVERYWHERE, LOCKED, Open, View, png, reply_number, say, shows_picture, stored
from playwright.sync_api import Page, Route, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


def test_a_form_is_filled_in_with_a_picture_until_a_ticket_has_its_number(
    open_page: Open, view: View, widget_server: str
) -> None:
    """Consent by a button, a value typed, a picture chosen and shown, a last look, and the number; once only."""
    page = open_page()
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
    expect(page.get_by_role("button", name="发送图片")).to_have_class(re.compile("strong"))
    page.set_input_files("#file", png(600))
    expect(page.locator(".attached")).to_be_visible()
    page.get_by_role("button", name="发送", exact=True).click()
    check = reply_number(page, 4)
    expect(check).to_contain_text("IP 截图：已收到图片")
    check.get_by_role("button", name="确认").click()
    done = reply_number(page, 5)
    expect(done.locator(".status")).to_have_text(re.compile(r"^已登记，等待工作人员处理，受理编号 \d+$"))
    expect(page.get_by_role("button", name="申请解锁账号（已登记）")).to_be_disabled()
    expect(page.get_by_role("button", name="发送图片")).not_to_have_class(re.compile("strong"))
    page.reload()
    reply_number(page, 5)
    shows_picture(page.locator(".thumbnail img"))
    page.locator(".thumbnail").click()
    shows_picture(page.locator(".viewer").locator("img"), 600)
    assert page.evaluate("document.documentElement.scrollWidth") == view[0][0]
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()
    assert [message["picture"] is not None for message in stored(page, widget_server)].count(True) == 1


def test_a_value_filled_in_while_a_message_is_on_its_way_is_not_lost(page: Page, widget_server: str) -> None:
    """It goes in its turn, once, however often it was pressed."""
    say(page, LOCKED).get_by_role("button", name="申请解锁账号").click()
    reply_number(page, 1).get_by_role("button", name="同意").click()
    field = reply_number(page, 2).locator(".fill input")
    held: list[Route] = []
    page.route("**/api/chat", lambda route: held.extend([route]), times=1)
    page.fill("#text", "登录账号被锁定多久能解")
    page.press("#text", "Enter")
    expect(page.locator("#typing")).to_be_visible()
    field.fill(CODE)
    field.press("Enter")
    field.press("Enter")
    first_held(page, held).continue_()
    reply_number(page, 4)
    page.wait_for_timeout(300)
    told = [message["text"] for message in stored(page, widget_server) if message["author"] == "visitor"]
    assert told[-2:] == ["登录账号被锁定多久能解", CODE]
