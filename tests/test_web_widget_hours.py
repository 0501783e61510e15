"""Outside working hours: when staff will be there, and a number to call for a request that waits."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import running_server
from embedded import (
    EVERYWHERE,
    Open,
    ask_for_a_person,
    expect_accessible,
    later,
    only_network,
    stored,
)
from playwright.sync_api import Page, expect

from bot.hours import SHANGHAI

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


@pytest.fixture(scope="module")
def widget_server(widget_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose staff are there for one hour, the day after tomorrow."""
    day = "一二三四五六日"[(datetime.now(UTC).astimezone(SHANGHAI) + timedelta(days=2)).weekday()]
    data = shutil.copytree(widget_data, tmp_path_factory.mktemp("closed") / "data", symlinks=True)
    hours = f"周{day} 09:00-10:00"
    with running_server(data, WORKING_HOURS=hours, WORKDAYS="", HOLIDAYS="") as (url, _):
        yield url


def test_outside_working_hours_the_visitor_is_told_when_staff_will_be_there(page: Page) -> None:
    """Before a word was said; on a phone's little screen it scrolls away with the welcome."""
    expect(page.locator(".welcome .hours")).to_contain_text("现在是非工作时间，人工服务时间：")
    expect(page.locator(".hours")).to_contain_text(re.compile(r"。人工客服(?! ).*9:00 上班。"))
    expect(page.locator(".hours")).to_contain_text("9:00")


def test_a_number_can_be_left_with_a_request_that_waits(open_page: Open, faults: list[str]) -> None:
    """What is wrong is said at the field, by the page and by the server; once left, it is not asked for again."""
    page = open_page()
    number = ask_for_a_person(page)
    form = page.locator(".contact form")
    expect(form.locator(".lead")).to_contain_text(f"受理编号 {number}")
    phone = form.get_by_label("联系电话")
    assert (phone.get_attribute("inputmode"), phone.get_attribute("autocomplete")) == ("tel", "tel")
    expect(phone).to_have_attribute("aria-invalid", "false")
    form.get_by_role("button", name="提交").click()
    expect(phone).to_have_attribute("aria-invalid", "true")
    expect(phone).to_be_focused()
    expect(phone).to_have_accessible_description("请填写手机号或固定电话。")
    expect_accessible(page)
    phone.fill("12345")
    with page.expect_response("**/contact") as answer:
        form.get_by_role("button", name="提交").click()
    assert answer.value.status == 422
    fault = answer.value.json()["fields"]["phone"]
    expect(phone).to_have_accessible_description(fault)
    phone.fill("13800138000")
    form.get_by_label("称呼").fill("李女士")
    form.get_by_label("补充说明").fill("下午方便接电话")
    with page.expect_request("**/contact") as told:
        form.get_by_role("button", name="提交").click()
    assert told.value.post_data_json == {
        "ticket": number,
        "phone": "13800138000",
        "name": "李女士",
        "details": "下午方便接电话",
    }
    expect(page.locator(".contact")).to_contain_text("已收到您的联系方式")
    page.reload()
    expect(page.locator(".status")).to_contain_text(str(number))
    expect(page.locator(".hours")).to_be_visible()
    expect(page.locator(".contact")).to_have_count(0)
    only_network(faults)


def test_who_does_not_want_to_be_called_is_not_asked_again(page: Page, widget_server: str) -> None:
    """Not in another tab either; and nothing was sent."""
    ask_for_a_person(page)
    page.get_by_role("button", name="不用了").click()
    expect(page.locator(".contact")).to_have_count(0)
    other = later(page)
    expect(other.locator(".status")).to_have_text(re.compile("受理编号"))
    expect(other.locator(".hours")).to_be_visible()
    expect(other.locator(".contact")).to_have_count(0)
    assert len(stored(page, widget_server)) == 2
