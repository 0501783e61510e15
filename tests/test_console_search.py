"""The console's search, in a real browser against a real server, with the keyboard and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import fake
import httpx
import pytest
from browse import PHONE, VIEWS, Desk, check_accessible, check_fits, first_held
from playwright.sync_api import Page, Route, expect
from staffed import PASSWORD, Office, office_in

from bot.console.search import Found, sifted
from bot.model import Answer, Source

pytest_plugins = ("browsing",)

LOCKED = fake.entry(
    "a-1", "账号被锁定怎么办", "请等六小时。\n1. 先退出；\n2. 再登录 https://example.com/login 。", "账号锁住了"
)
FORGOT = fake.entry("a-2", "忘记密码怎么办", "点击“忘记密码”，或致电 400-123-4567。", "密码忘了", "账号密码忘了")
LONG = fake.entry("b-1", "乙系统账号如何注册", "\n".join(f"第 {n} 步，请填写第 {n} 项。" for n in range(1, 13)))
EVIL = fake.entry("b-2", "<img src=x onerror=alert(1)>", "<script>alert(1)</script><b>粗</b> javascript:alert(1)")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server whose knowledge base has four entries."""
    with office_in(tmp_path_factory.mktemp("office"), LOCKED, FORGOT, LONG, EVIL) as office:
        yield office


def searched(desk: Desk, text: str, **options: Any) -> Page:
    """A page of search with the hits of a text."""
    page = desk.member("wang", **options)
    page.get_by_label("搜索知识库").fill(text)
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", text)
    return page


def clipboard(page: Page) -> str:
    """What was copied."""
    copied: str = page.evaluate("navigator.clipboard.readText()")
    return copied


ALLOWED = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_search_is_accessible_and_fits_before_and_after_a_query(desk: Desk, size: tuple[int, int], scheme: str) -> None:
    """Entries to begin with, hits, a long answer unfolded, and nothing found: each screen at each size."""
    page = desk.member("wang", size=size, scheme=scheme)
    expect(page.get_by_role("heading", name=LOCKED.question)).to_be_visible()
    check_accessible(page)
    check_fits(page)
    field = page.get_by_label("搜索知识库")
    field.fill("账号怎么办")
    expect(page.locator(".verdict")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    field.fill("食堂几点开门")
    expect(page.get_by_text("没有接近的条目", exact=True).first).to_be_visible()
    check_accessible(page)
    check_fits(page)


def test_a_hit_shows_where_it_stands_how_sure_it_is_and_why(desk: Desk) -> None:
    """System and source, confidence, the phrasing that matched, the measures that speak for it, and the decision."""
    page = searched(desk, "账号锁住了")
    hit = page.locator(".hit").first
    expect(hit.get_by_role("heading")).to_have_text(LOCKED.question)
    expect(hit.locator(".place")).to_contain_text("甲系统")
    expect(hit.locator(".place")).to_contain_text("a-1")
    expect(hit.locator(".why")).to_contain_text("账号锁住了")
    expect(hit.locator(".why .tag").first).to_be_visible()
    sure = float(hit.get_by_role("meter").get_attribute("value") or 0)
    expect(hit.locator(".sure strong")).to_have_text(f"{sure:.0%}")
    assert sure > 0.5
    expect(page.locator(".verdict")).to_contain_text("机器人会用第 1 条直接回答")


def test_words_are_shown_and_copied_verbatim_with_links_to_follow(desk: Desk) -> None:
    """The answer stands there word for word; addresses and telephone numbers in it can be opened and called."""
    page = searched(desk, "账号锁住了", **ALLOWED)
    answer = page.locator(".hit").first.locator(".answer")
    assert answer.text_content() == LOCKED.answer
    expect(answer.get_by_role("link")).to_have_attribute("href", "https://example.com/login")
    page.locator(".hit").first.get_by_role("button", name="复制原文").click()
    expect(page.locator(".toast")).to_contain_text("已复制")
    assert clipboard(page) == LOCKED.answer
    page.get_by_label("搜索知识库").fill("密码忘了")
    expect(page.locator(".hit").first.get_by_role("link", name="400-123-4567")).to_have_attribute(
        "href", "tel:4001234567"
    )


def test_from_a_question_to_the_copied_answer_by_keyboard_alone(desk: Desk) -> None:
    """`/` leads to the field from anywhere, ↓ and ↑ to a hit and back, and Enter copies its words."""
    page = desk.member("wang", **ALLOWED)
    page.locator(".brand").focus()
    page.keyboard.press("/")
    field = page.get_by_label("搜索知识库")
    expect(field).to_be_focused()
    page.keyboard.type("账号怎么")
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", "账号怎么")
    first, second = (page.locator(".hit").nth(n) for n in (0, 1))
    page.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("已复制")
    assert clipboard(page) == second.locator(".answer").text_content()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("登录")
    expect(field).to_have_value("账号怎么登录")
    page.keyboard.press("Escape")
    expect(field).to_have_value("")


def test_enter_right_after_the_last_key_waits_for_the_hits_of_that_text(desk: Desk) -> None:
    """Whoever is quicker than the search never copies the answer to what stood in the field before."""
    page = searched(desk, "账号锁住了", **ALLOWED)
    field = page.get_by_label("搜索知识库")
    field.fill("密码忘了")
    field.press("Enter")
    expect(page.locator(".toast")).to_contain_text("已复制")
    assert clipboard(page) == FORGOT.answer


def test_arrows_and_enter_right_after_the_last_key_go_to_the_hits_of_that_text(desk: Desk) -> None:
    """↓ and Enter wait as well, however quick they come, and keep their order."""
    page = searched(desk, "账号锁住了", **ALLOWED)
    field = page.get_by_label("搜索知识库")
    for keys, picked in ((("ArrowDown",), 0), (("ArrowDown", "ArrowDown"), 1)):
        field.fill("账号怎么" if picked else "密码忘了")
        for key in (*keys, "Enter"):
            page.keyboard.press(key)
        expect(page.locator(".toast")).to_have_count(picked + 1)
        expect(page.locator(".hit").nth(picked)).to_be_focused()
        assert clipboard(page) == page.locator(".hit").nth(picked).locator(".answer").text_content()
    field.fill("密码忘了")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".hit").first).to_be_focused()
    expect(page.locator(".hit").first.get_by_role("heading")).to_have_text(FORGOT.question)


@pytest.mark.parametrize(("key", "left"), [("Escape", ""), ("了", "账号锁住了")])
def test_who_goes_on_before_the_hits_come_gets_nothing_copied(desk: Desk, key: str, left: str) -> None:
    """Enter is for the text that stood there; clearing it or typing on takes it back."""
    page = desk.member("wang", **ALLOWED)
    held: list[Route] = []
    page.route("**/console/?q=*", lambda route: held.extend([route]), times=1)
    field = page.get_by_label("搜索知识库")
    field.fill("账号锁住")
    field.press("Enter")
    first_held(page, held)
    if left:
        page.keyboard.insert_text(key)
    else:
        page.keyboard.press(key)
    expect(field).to_have_value(left)
    page.wait_for_timeout(300)
    with page.expect_response(lambda response: f"/console/?q={quote(left)}&" in response.url):
        held[0].continue_()
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", left)
    page.wait_for_timeout(200)
    assert page.locator(".toast").count() == 0


def test_hits_that_are_replaced_leave_the_focus_where_it_is(desk: Desk) -> None:
    """Whoever has gone on to a hit stays on it while the same hits are drawn again."""
    page = searched(desk, "密码忘了", **ALLOWED)
    first = page.locator(".hit").first
    first.evaluate("hit => { hit.old = true; }")
    page.keyboard.press("x")
    page.keyboard.press("Backspace")
    page.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    page.wait_for_function("() => !document.querySelector('.hit').old")
    expect(first).to_be_focused()


def test_enter_copies_nothing_where_nothing_is_close(desk: Desk) -> None:
    """Who is told that nothing fits has to choose deliberately what is farther away."""
    page = searched(desk, "食堂几点开门", **ALLOWED)
    expect(page.locator(".verdict")).to_contain_text("不会用任何条目回答")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert page.locator(".toast").count() == 0


def test_what_is_hardly_the_answer_is_folded_away_behind_what_likely_is(desk: Desk) -> None:
    """The arrows lead on to the line that unfolds it, and into it."""
    page = searched(desk, "密码忘了", **ALLOWED)
    line = page.locator("details.others summary")
    expect(line).to_have_text(re.compile(r"其他较远的条目（\d+）"))
    shown = page.locator(".hit:visible").count()
    for _ in range(shown + 1):
        page.keyboard.press("ArrowDown")
    expect(line).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("details.others .hit").first).to_be_visible()
    assert page.locator(".toast").count() == 0
    page.keyboard.press("ArrowDown")
    expect(page.locator("details.others .hit").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("已复制")
    page.keyboard.press("Escape")
    expect(page.get_by_label("搜索知识库")).to_be_focused()


def hit(confidence: float, near: bool) -> Found:
    """An entry as search shows it."""
    answer = Answer("a-1", "问题", f"{confidence} {near}", Source("甲系统", "说明", "", "1"))
    return Found(answer, confidence, near=near)


def test_only_where_an_entry_is_likely_are_the_others_called_far() -> None:
    """Where nothing is sure, all that comes near is to be looked at."""
    sure, vague, off = hit(0.9, True), hit(0.001, True), hit(0.0, False)
    assert sifted([sure, vague, off]) == ([sure], [vague, off])
    assert sifted([vague, off]) == ([vague], [off])
    assert sifted([off]) == ([], [off])
    assert sifted([sure, vague, off], {"a-1"}) == ([sure, vague], [off])


def test_composing_with_an_input_method_neither_copies_nor_searches(desk: Desk) -> None:
    """Enter and letters of a composition belong to the input method; what it gives in the end is looked for."""
    page = searched(desk, "账号锁住了", **ALLOWED)
    field = page.get_by_label("搜索知识库")
    field.press("Control+a")
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "mimawangle", "selectionStart": 10, "selectionEnd": 10})
    key = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    page.wait_for_timeout(300)
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", "账号锁住了")
    keys.send("Input.insertText", {"text": "密码忘了"})
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", "密码忘了")
    assert page.locator(".toast").count() == 0


def test_pages_over_plain_http_copy_as_well(desk: Desk) -> None:
    """Where the browser offers no clipboard, the old way serves; the field keeps the focus."""
    page = desk.context(**ALLOWED).new_page()
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})")
    page.goto("/console/login")
    page.get_by_label("用户名").fill("wang")
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    field = page.get_by_label("搜索知识库")
    field.fill("密码忘了")
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", "密码忘了")
    field.press("Enter")
    expect(page.locator(".toast")).to_contain_text("已复制")
    expect(field).to_be_focused()
    field.fill("")
    field.press("Control+v")
    expect(field).to_have_value(FORGOT.answer)


def test_shift_enter_and_a_button_open_the_entry(desk: Desk) -> None:
    """Both lead to the entry in the knowledge base."""
    page = searched(desk, "密码忘了")
    expect(page.locator(".hit").first.get_by_role("link", name="打开条目")).to_have_attribute(
        "href", "/console/knowledge/a-2"
    )
    with page.expect_request("**/console/knowledge/a-2"):
        page.keyboard.press("Shift+Enter")
    page.wait_for_load_state()
    desk.faults.clear()  # where nothing lies at that address, the browser notes it


def test_the_way_back_from_an_entry_leads_to_what_was_looked_for(desk: Desk) -> None:
    """Text, system and hits stand there again; whoever comes anew begins with an empty field."""
    page = searched(desk, "密码忘了")
    page.get_by_label("系统", exact=True).select_option("a")
    expect(page.locator("#hits [data-system=a]")).to_have_count(1)
    page.locator(".hit").first.get_by_role("link", name="打开条目").click()
    page.wait_for_url("**/console/knowledge/a-2")
    page.go_back()
    expect(page.get_by_label("搜索知识库")).to_have_value("密码忘了")
    expect(page.get_by_label("系统", exact=True)).to_have_value("a")
    expect(page.locator(".hit").first.get_by_role("heading")).to_have_text(FORGOT.question)
    page.locator(".brand").click()
    expect(page.get_by_label("搜索知识库")).to_have_value("")
    desk.faults.clear()  # where nothing lies at that address, the browser notes it


def test_only_what_does_not_fit_can_be_unfolded(desk: Desk) -> None:
    """A long answer shows its beginning, and all of it on demand; a short one has no such button."""
    page = searched(desk, "乙系统账号如何注册")
    hit = page.locator(".hit").first
    unfold = hit.get_by_role("button", name="展开全文")
    before = hit.locator(".answer").evaluate("element => element.clientHeight")
    unfold.click()
    fold = hit.get_by_role("button", name="收起")
    expect(fold).to_have_attribute("aria-expanded", "true")
    assert hit.locator(".answer").evaluate("element => element.clientHeight") > 2 * before
    page.get_by_label("搜索知识库").fill("密码忘了")
    expect(page.locator(".hit").first.get_by_role("heading")).to_have_text(FORGOT.question)
    expect(page.locator(".hit").first.get_by_role("button", name="展开全文")).to_be_hidden()


def test_the_system_restricts_and_one_named_in_the_text_goes_first(desk: Desk) -> None:
    """With a system chosen only its entries are found, and a text that names another says so."""
    page = searched(desk, "账号怎么办")
    page.get_by_label("系统", exact=True).select_option("b")
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-system", "b")
    assert all("乙系统" in place for place in page.locator(".hit .place").all_text_contents())
    page.get_by_label("搜索知识库").fill("甲系统账号锁住了")
    expect(page.locator(".verdict")).to_contain_text("文字中提到“甲系统”")
    expect(page.locator(".hit").first.get_by_role("heading")).to_have_text(LOCKED.question)


def test_what_stands_in_documents_is_never_taken_for_html(desk: Desk) -> None:
    """Markup in titles and answers is shown as the text it is, and no script address becomes a link."""
    page = searched(desk, EVIL.question)
    hit = page.locator(f"[data-entry='{EVIL.id}']")
    if not hit.is_visible():
        page.locator(".others summary").click()
    expect(hit.get_by_role("heading")).to_have_text(EVIL.question)
    assert hit.locator(".answer").text_content() == EVIL.answer
    expect(hit.locator(".answer a, .answer script, .answer b, h2 img")).to_have_count(0)


def test_a_finger_reaches_the_answer_too(desk: Desk) -> None:
    """On a phone a tap copies the answer."""
    page = searched(desk, "密码忘了", size=PHONE, has_touch=True, **ALLOWED)
    page.locator(".hit").first.get_by_role("button", name="复制原文").tap()
    expect(page.locator(".toast")).to_contain_text("已复制")
    assert clipboard(page) == FORGOT.answer


def test_search_is_for_staff_and_refuses_what_it_cannot_look_for(office: Office) -> None:
    """Strangers are led to the login; a text that is too long or a system that is not there is refused in Chinese."""
    with httpx.Client(base_url=office.url) as client:
        response = client.get("/console/", params={"q": "账号"})
        assert (response.status_code, response.headers["Location"]) == (
            303,
            "/console/login?next=/console/%3Fq%3D%25E8%25B4%25A6%25E5%258F%25B7",
        )
        client.post("/console/login", data={"name": "wang", "password": PASSWORD})
        part = {"HX-Request": "true"}
        assert client.get("/console/", params={"q": "长" * 2001}, headers=part).status_code == 413
        unknown = client.get("/console/", params={"q": "账号", "system": "nothing"}, headers=part)
        assert (unknown.status_code, unknown.text) == (404, "没有这个系统，请检查系统标识。")
