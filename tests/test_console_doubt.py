"""Unanswered and doubtful questions in the console, in a real browser against a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fake
import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits, desk_at
from playwright.sync_api import Browser, expect
from staffed import Office, office_in, until

from bot import review
from bot.turn import Incoming

pytest_plugins = ("browsing",)

ENTRIES = (
    fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"),
    fake.entry("a-2", "怎样打印申报表", "请点打印。"),
    fake.entry("b-1", "加油站在哪里登记", "在首页登记。"),
)
MOON = ("月球上有没有水", "月球上有没有水呢", "月球上到底有没有水")


@contextmanager
def asked_in(folder: Path) -> Iterator[Office]:
    """A server whose visitors asked what nobody can answer."""
    with office_in(folder, *ENTRIES) as office:
        for text in MOON:
            ask(office, text)
        ask(office, "火车票怎么退 13812345678")
        ask(office, "火车票怎么退 13812345678", "转人工")
        ask(office, "<img src=x onerror=alert(1)>")
        office.service.review.make(30)
        yield office


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server at which nothing is changed."""
    with asked_in(tmp_path_factory.mktemp("still")) as office:
        yield office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server to change things at."""
    with asked_in(tmp_path) as office:
        yield office


@pytest.fixture
def onlooker(browser: Browser, still: Office) -> Iterator[Desk]:
    """A browser at the console where nothing is changed."""
    with desk_at(browser, still.url) as desk:
        yield desk


def ask(office: Office, *texts: str) -> None:
    """Ask in a conversation of its own."""
    holder = office.service.bot.begin()
    for text in texts:
        office.service.bot.turn(Incoming(text=text), holder)


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_groups_and_what_can_be_done_about_them_are_accessible(desk: Desk, size: tuple[int, int], scheme: str) -> None:
    """The list with a group expanded and its form open, and what was done, at every size and scheme."""
    page = desk.member("zhao", "/console/doubts", size=size, scheme=scheme)
    first = page.locator("article.doubt").first
    expect(first.get_by_text("3次会话")).to_be_visible()
    first.locator("summary").click()
    expect(first.locator(".occasions").first).to_be_visible()
    first.get_by_role("button", name="归入条目或话题").click()
    expect(first.get_by_label("查找其他条目")).to_be_focused()
    first.get_by_label("查找其他条目").fill("打印")
    expect(first.get_by_role("radio", name="a-2")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    first.get_by_role("button", name="取消").click()
    first.get_by_role("button", name="忽略").click()
    expect(page.get_by_role("status").filter(has_text="已忽略")).to_be_visible()
    check_accessible(page)
    page.goto("/console/doubts/deeds")
    expect(page.get_by_role("listitem").filter(has_text="月球上")).to_be_visible()
    check_accessible(page)
    check_fits(page)


def test_questions_of_one_meaning_are_a_group_and_the_most_frequent_first(onlooker: Desk) -> None:
    """Three ways to ask the same are one group of three; what a visitor wrote is text and nothing else."""
    page = onlooker.member("wang", "/console/doubts")
    heads = page.locator("article.doubt h2")
    expect(heads.first).to_contain_text("月球上")
    expect(heads).to_have_count(3)
    expect(heads.nth(2)).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator("article.doubt").nth(1)).to_contain_text("转了人工 1")


def test_members_show_their_tickets_and_no_personal_data(onlooker: Desk) -> None:
    """From a question a link leads to the ticket that came of it; the number in it is masked."""
    page = onlooker.member("wang", "/console/doubts")
    train = page.locator("article.doubt").nth(1)
    train.locator("summary").click()
    expect(train.get_by_text("138****5678").first).to_be_visible()
    assert "13812345678" not in page.content()
    train.get_by_role("link", name="工单 1001").click()
    page.wait_for_url("**/console/tickets/1001")


def test_what_has_just_appeared_works_at_once(desk: Desk) -> None:
    """A field that htmx puts on the page hears the very first key."""
    page = desk.member("zhao", "/console/doubts")
    page.evaluate("""() => new MutationObserver((_, observer) => {
        const field = document.querySelector("article.doubt [name=q]");
        if (!field) return;
        observer.disconnect();
        field.value = "a-2";
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }).observe(document, { childList: true, subtree: true })""")
    first = page.locator("article.doubt").first
    first.get_by_role("button", name="归入条目或话题").click()
    expect(first.locator(".found label").first).to_be_visible()


def test_a_group_is_assigned_to_an_entry_through_the_draft_and_that_undone(desk: Desk, office: Office) -> None:
    """Chosen and edited texts go into the draft under the entry that was looked for; undoing takes them out again."""
    page = desk.member("zhao", "/console/doubts")
    first = page.locator("article.doubt").first
    first.get_by_role("button", name="归入条目或话题").click()
    expect(first.get_by_label("查找其他条目")).to_be_focused()
    first.get_by_label("查找其他条目").fill("a-2")
    first.get_by_role("radio", name="a-2").check()
    first.get_by_role("checkbox").nth(1).uncheck()
    first.get_by_role("textbox", name="第 1 个问法").fill("月亮上有水吗")
    first.get_by_role("button", name="放进草稿").click()
    expect(first.get_by_text("已把 2 个问法放进草稿")).to_be_visible()
    changes = office.service.library.draft().changes
    assert [(change.kind, change.entry_id) for change in changes] == [("add_similar", "a-2")] * 2
    assert changes[0].text == "月亮上有水吗"
    assert {change.author for change in changes} == {"ZHAO"}
    page.reload()
    expect(page.locator("article.doubt").last).to_contain_text("草稿中，待发布")
    page.goto("/console/doubts/deeds")
    page.get_by_role("button", name="撤销：").click()
    expect(page.get_by_text("已撤销，问题会重新出现")).to_be_visible()
    assert office.service.library.draft().empty
    page.goto("/console/doubts")
    expect(page.locator("article.doubt").first).to_contain_text("月球上")


def test_a_group_becomes_an_uncovered_topic(desk: Desk, office: Office) -> None:
    """A topic is drafted without an entry; the deed is undone where it was done."""
    page = desk.member("zhao", "/console/doubts")
    first = page.locator("article.doubt").first
    first.get_by_role("button", name="归入条目或话题").click()
    first.get_by_role("radio", name="未收录话题").check()
    first.get_by_role("button", name="放进草稿").click()
    expect(first.get_by_text("列为未收录话题")).to_be_visible()
    assert {(change.kind, change.entry_id) for change in office.service.library.draft().changes} == {("add_topic", "")}
    first.get_by_role("button", name="撤销").click()
    expect(first.get_by_role("button", name="归入条目或话题")).to_be_visible()
    expect(first).to_be_focused()
    assert office.service.library.draft().empty


def test_a_dismissed_group_is_gone_until_more_ask_it_than_before(desk: Desk, office: Office) -> None:
    """Dismissed at three conversations it is back with the fourth new one, and says that it was dismissed."""
    page = desk.member("zhao", "/console/doubts")
    page.locator("article.doubt").first.get_by_role("button", name="忽略").click()
    expect(page.get_by_text("已忽略")).to_be_visible()
    for number in range(4):
        page.reload()
        expect(page.locator("article.doubt")).to_have_count(2)
        ask(office, f"月球上有没有水{'呀' * number}")
        office.service.review.make(30)
    page.reload()
    expect(page.locator("article.doubt").first).to_contain_text("曾忽略")
    expect(page.locator("article.doubt").first).to_contain_text("4次会话")


def test_questions_that_were_deleted_meanwhile_are_no_fault(office: Office) -> None:
    """The list is some seconds old: a group whose conversations are gone is dismissed all the same."""
    survey = office.service.review.make(30)
    for doubt in survey.clusters[0].doubts:
        office.store.write(lambda t, gone=doubt.conversation: t.delete_conversation(gone))  # type: ignore[misc]
    response = office.member("zhao").post(f"{office.url}/console/doubts/{survey.clusters[0].id}/dismiss")
    assert response.status_code == 200
    assert "已忽略" in response.text


def test_filters_choose_by_system_and_kind(onlooker: Desk) -> None:
    """Only groups of the chosen kind are left, and the address keeps the choice."""
    page = onlooker.member("wang", "/console/doubts")
    page.get_by_label("情形").select_option("escalate")
    expect(page.locator("article.doubt")).to_have_count(1)
    expect(page.locator("article.doubt")).to_contain_text("火车票")
    page.wait_for_url("**/doubts?*kind=escalate*")
    page.get_by_label("情形").select_option("refuted")
    expect(page.get_by_text("这段时间没有待完善的问题")).to_be_visible()
    page.reload()
    expect(page.get_by_label("情形")).to_have_value("refuted")


def test_what_is_not_read_yet_shows_by_its_letters_and_says_so(
    desk: Desk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While questions are still being read the page shows what there is, how far it is, and offers the rest after."""
    go, read = threading.Event(), review.read_by
    monkeypatch.setattr(review, "read_by", lambda *args: (go.wait(10), read(*args))[1])
    ask(office, "海水为什么是咸的")
    try:
        page = desk.member("wang", "/console/doubts?days=7")
        expect(page.get_by_text("正在按含义归类")).to_be_visible()
        expect(page.get_by_role("heading", name="海水为什么是咸的")).to_be_visible()
    finally:
        go.set()
    page.get_by_role("button", name="显示结果").click()
    expect(page.get_by_text("正在按含义归类")).to_have_count(0)
    expect(page.get_by_role("heading", name="海水为什么是咸的")).to_be_visible()
    until(lambda: not office.service.review.running)


def test_agents_look_and_leads_decide(onlooker: Desk, still: Office) -> None:
    """An agent finds no buttons, and the routes refuse; nobody is let in without a login or the CSRF token."""
    page = onlooker.member("wang", "/console/doubts")
    expect(page.locator("article.doubt").first).to_be_visible()
    expect(page.get_by_role("button", name="忽略")).to_have_count(0)
    found = still.service.review.make(30).clusters[0].id
    paths = [f"/console/doubts/{found}/{deed}" for deed in ("settle", "dismiss")]
    for path in (*paths, "/console/doubts/deeds/1/undo"):
        agent, lead = still.member("wang"), still.member("zhao")
        assert agent.post(f"{still.url}{path}").status_code == 403
        assert lead.post(f"{still.url}{path}", headers={"X-CSRF-Token": "wrong"}).status_code == 403
        assert httpx.post(f"{still.url}{path}").status_code in (303, 401)


@pytest.mark.parametrize(
    ("path", "data", "status", "words"),
    [
        ("{}/settle", {"use": "0", "text": "月球"}, 422, "请先选择"),
        ("{}/settle", {"target": "a-1", "text": "月球"}, 422, "至少选择一个"),
        ("{}/settle", {"target": "a-9", "use": "0", "text": "月球"}, 404, "a-9"),
        ("{}/settle", {"target": "a-1", "use": "0", "text": "月" * 201}, 422, "200"),
        ("{}/settle", {"target": "a-1", "use": "0", "text": "月" * 1001}, 422, ""),
        ("0123456789abcdef/dismiss", {}, 404, "重新归类"),
        ("deeds/99/undo", {}, 404, "已经撤销"),
    ],
)
def test_what_makes_no_sense_is_refused_in_chinese(
    still: Office, path: str, data: dict[str, str], status: int, words: str
) -> None:
    """Nothing chosen, too long, gone: each is told, and nothing is kept."""
    found = still.service.review.make(30).clusters[0].id
    response = still.member("zhao").post(f"{still.url}/console/doubts/{path.format(found)}", data=data)
    assert response.status_code == status
    assert words in response.text
    assert still.service.library.draft().empty
    assert still.store.read(lambda t: t.deeds()) == []


def test_nothing_to_do_is_told(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A help desk without doubtful questions says so."""
    with office_in(tmp_path_factory.mktemp("empty")) as office, desk_at(browser, office.url) as desk:
        page = desk.member("wang", "/console/doubts")
        expect(page.get_by_text("这段时间没有待完善的问题")).to_be_visible()
        check_accessible(page)
        page.get_by_role("link", name="已处理").click()
        expect(page.get_by_text("还没有处理过问题")).to_be_visible()
