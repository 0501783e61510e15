"""Logging in to the console, in a real browser against a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits
from playwright.sync_api import expect
from staffed import PASSWORD, Office, office_in
from starlette.routing import Mount

pytest_plugins = ("browsing",)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with staff."""
    with office_in(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_whoever_is_not_logged_in_is_asked_to_and_then_gets_where_they_wanted(
    desk: Desk, size: tuple[int, int], scheme: str
) -> None:
    """The login leads to the page that was asked for; it and the account page are accessible at every size."""
    page = desk.context(size, scheme).new_page()
    page.goto("/console/account")
    expect(page).to_have_url(f"{desk.url}/console/login?next=/console/account")
    check_accessible(page)
    check_fits(page)
    page.get_by_label("用户名").fill("wang")
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="我的账号")).to_be_visible()
    check_accessible(page)
    check_fits(page)


def test_a_wrong_password_is_told_and_the_name_kept(desk: Desk) -> None:
    """A failed login says so in Chinese and leaves the name to try again."""
    page = desk.context().new_page()
    page.goto("/console/login")
    page.get_by_label("用户名").fill("wang")
    page.get_by_label("密码").fill("not my password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("用户名")).to_have_value("wang")
    desk.faults.clear()  # the browser notes the status 401


def test_logging_out_ends_the_session(desk: Desk) -> None:
    """After logging out the console asks for the login again."""
    page = desk.member("li", "/console/account")
    page.locator("details.me summary").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/console/login")
    page.goto("/console/account")
    expect(page).to_have_url(f"{desk.url}/console/login?next=/console/account")


def test_logging_out_ends_every_page_of_the_browser_and_forgets_drafts(desk: Desk) -> None:
    """Another page does not stand open with what it showed; what was half written is not left to the next person."""
    page = desk.member("li", "/console/account")
    other = page.context.new_page()
    other.goto("/console/queue")
    for each in (page, other):
        each.evaluate("sessionStorage.setItem('draft:li:1001', '电话 13812345678')")
    page.locator("details.me summary").click()
    page.get_by_role("button", name="退出登录").click()
    other.wait_for_url("**/console/login?**")
    page.wait_for_url("**/console/login")
    for each in (page, other):
        assert each.evaluate("sessionStorage.getItem('draft:li:1001')") is None
    desk.faults.clear()  # the browser notes the status 401


def test_pages_that_are_open_follow_a_new_login(desk: Desk) -> None:
    """Somebody else gets the page drawn for them; the same person goes on writing without a reload."""
    page = desk.member("li", "/console/account")
    other = page.context.new_page()
    for name, display in (("li", "LI"), ("wang", "WANG")):
        before = page.locator("body").get_attribute("data-csrf")
        other.goto("/console/login")
        other.get_by_label("用户名").fill(name)
        other.get_by_label("密码").fill(PASSWORD)
        other.keyboard.press("Enter")
        other.wait_for_url("**/console/")
        expect(page.locator("body")).not_to_have_attribute("data-csrf", before or "")
        expect(page.locator(".who")).to_have_text(display)
        token = other.locator("body").get_attribute("data-csrf") or ""
        expect(page.locator("body")).to_have_attribute("data-csrf", token)
        assert token in (page.locator("body").get_attribute("hx-headers") or "")


def test_a_password_can_be_changed(desk: Desk, office: Office) -> None:
    """The new password holds from then on; whoever mistypes it is told."""
    office.service.accounts.add("chen", "小陈", "agent", PASSWORD)
    page = desk.member("chen", "/console/account")
    page.get_by_label("原密码").fill(PASSWORD)
    page.get_by_label("新密码", exact=True).fill("another long password")
    page.get_by_label("再次输入新密码").fill("something else entirely")
    page.get_by_role("button", name="修改密码").click()
    expect(page.locator(".toast.bad")).to_contain_text("不一致")
    page.get_by_label("再次输入新密码").fill("another long password")
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_text("密码已修改")).to_be_visible()
    assert office.service.accounts.login("chen", "another long password", "1.2.3.4")
    desk.faults.clear()  # the browser notes the status 422


@pytest.mark.parametrize(
    "path", ["//evil.example/console/", "https://evil.example", "/console/..//evil.example", "/\\evil"]
)
def test_the_login_leads_to_no_other_site(office: Office, path: str) -> None:
    """Whatever `next` says, the login leads into the console."""
    with httpx.Client(base_url=office.url) as client:
        response = client.post("/console/login", data={"name": "wang", "password": PASSWORD, "next": path})
    assert response.status_code == 303
    assert response.headers["Location"] == "/console/"


def test_changes_without_the_csrf_token_or_from_another_site_are_refused(office: Office) -> None:
    """A form that another site sends changes nothing, even with the cookie."""
    with httpx.Client(base_url=office.url) as client:
        client.post("/console/login", data={"name": "wang", "password": PASSWORD})
        assert client.get("/console/account").status_code == 200
        assert client.post("/console/logout").status_code == 403
        assert client.post("/console/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.get("/console/account").status_code == 200


def routes(office: Office) -> Iterator[tuple[str, str]]:
    """Every route for staff, of the console and of the API, but the logins: method and path."""
    mount = next(route for route in office.app.routes if isinstance(route, Mount) and route.path == "/console")
    console: Any = mount.app
    documents = (("/console", console.openapi()), ("", office.app.openapi()))
    for prefix, document in documents:
        for path, methods in document["paths"].items():
            if (prefix or path.startswith("/api/staff")) and not path.endswith("/login"):
                yield from ((method.upper(), prefix + re.sub(r"\{[^}]*\}", "1001", path)) for method in methods)


def test_every_route_asks_who_is_there_and_every_change_wants_the_token(office: Office) -> None:
    """None has been forgotten: strangers see nothing, and a cookie alone changes nothing."""
    every = sorted(set(routes(office)))
    assert len(every) > 60
    with httpx.Client(base_url=office.url) as client:
        for method, path in every:
            refused = client.request(method, path)
            assert refused.status_code == 401 or "/console/login" in refused.headers.get("Location", ""), (method, path)
        client.post("/console/login", data={"name": "admin", "password": PASSWORD})
        for method, path in every:
            if method != "GET":
                assert client.request(method, path).status_code == 403, (method, path)


def test_no_browser_keeps_a_page_of_the_console(office: Office) -> None:
    """After logging out the back button shows nothing, and nothing of it lies on the disk."""
    with httpx.Client(base_url=office.url) as client:
        assert client.get("/console/login").headers["Cache-Control"] == "no-store"
        client.post("/console/login", data={"name": "wang", "password": PASSWORD})
        for path in ("/console/", "/console/queue", "/console/tickets", "/console/account", "/api/staff/me"):
            assert client.get(path).headers["Cache-Control"] == "no-store"
        assert client.get("/static/console/console.js").headers["Cache-Control"] == "no-cache"


def test_a_way_back_that_is_too_long_does_not_lock_anybody_out(office: Office) -> None:
    """The form takes what it was drawn with."""
    with httpx.Client(base_url=office.url) as client:
        page = client.get("/console/login", params={"next": "/console/?q=" + "%25E8" * 300})
        assert 'name="next" value="/console/"' in page.text


def test_what_is_not_there_is_a_page_in_chinese(desk: Desk) -> None:
    """A wrong address shows a page with a way back."""
    page = desk.member("wang", "/console/account")
    page.goto("/console/nothing-here")
    expect(page.get_by_role("heading", name="没有找到")).to_be_visible()
    check_accessible(page)
    desk.faults.clear()  # the browser notes the status 404


def test_a_link_on_another_site_finds_whoever_is_logged_in(desk: Desk, office: Office) -> None:
    """The browser keeps the cookie back at first; no second login is asked for."""
    page = desk.member("wang", "/console/account")
    elsewhere = office.url.replace("127.0.0.1", "localhost")
    page.context.route(
        f"{elsewhere}/", lambda route: route.fulfill(body=f"<a href='{office.url}/console/account'>工单</a>")
    )
    page.goto(f"{elsewhere}/")
    page.get_by_role("link").click()
    expect(page.get_by_role("heading", name="我的账号")).to_be_visible()
