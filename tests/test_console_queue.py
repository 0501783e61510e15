"""The console's queue and the list of all tickets, in a real browser against a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits, desk_at, first_held
from playwright.sync_api import Browser, Page, Route, expect
from staffed import PASSWORD, Office, office_in, until

from bot.console import queue
from bot.console.queue import PAGE, duration
from bot.model import Conversation
from bot.store.base import Transaction

pytest_plugins = ("browsing",)

NOTICES = """
window.notices = [];
window.asked = 0;
window.Notification = class {
  constructor(title, options) { window.notices.push(title + "：" + options.body); }
  static permission = "default";
  static async requestPermission() { window.asked += 1; return (Notification.permission = window.answer || "granted"); }
};
window.hide = (hidden) => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};
"""
"""Stands in for the desktop, which a browser without a screen does not have."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with staff."""
    with office_in(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture
def desk(browser: Browser, office: Office) -> Iterator[Desk]:
    """A browser at the console; afterwards nothing waits and nobody has anything in hand."""
    with desk_at(browser, office.url) as desk:
        yield desk
    wang, li, lead = (office.member(name) for name in ("wang", "li", "zhao"))
    queue = lead.get("/queue").json()
    for item in queue["assigned"]:
        (wang if item["assignee"]["name"] == "wang" else li).post(f"/tickets/{item['number']}/resolve")
    for item in queue["waiting"]:
        lead.post(f"/tickets/{item['number']}/close")


def ticket(office: Office, name: str, text: str = "请回电") -> int:
    """A new ticket, of which the open pages hear."""
    number = office.ticket(f"conversation-of-{name}", text)
    office.service.live.changed("queue")
    return number


def row(page: Page, number: int) -> str:
    """What the queue says of a ticket."""
    return " ".join(page.locator("#queue li", has_text=str(number)).inner_text().split())


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_queue_and_list_are_accessible_and_fit(desk: Desk, office: Office, size: tuple[int, int], scheme: str) -> None:
    """With nothing in it, with tickets that wait and are worked on, and as the list of all."""
    page = desk.member("wang", "/console/queue", size=size, scheme=scheme)
    expect(page.get_by_text("没有人在等待")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    one, two = (ticket(office, f"{name}-{size[0]}-{scheme}") for name in ("one", "two"))
    office.member("wang").post(f"/tickets/{one}/take")
    office.say(f"conversation-of-one-{size[0]}-{scheme}", "在吗")
    expect(page.locator(f"#waiting-{two}")).to_be_visible()
    expect(page.get_by_text("2 条未读")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    page.get_by_role("link", name="全部工单").click()
    expect(page.get_by_role("region", name="工单列表").get_by_role("link", name=str(two))).to_be_visible()
    check_accessible(page)
    check_fits(page)


def test_the_queue_is_live_and_shows_the_longest_wait_first(desk: Desk, office: Office) -> None:
    """A new ticket appears by itself, behind those that wait already, with system, place and wait."""
    page = desk.member("wang", "/console/queue")
    first = ticket(office, "live-first")
    expect(page.locator(f"#waiting-{first}")).to_be_visible()
    second = ticket(office, "live-second")
    expect(page.locator(f"#waiting-{second}")).to_be_visible()
    assert page.locator("#queue .what").evaluate_all("links => links.map((link) => link.id)") == [
        f"waiting-{first}",
        f"waiting-{second}",
    ]
    assert row(page, second) == f"2 转人工客服 {second} 甲系统 已等 不到 1 分钟 接待"
    expect(page.locator("#waiting-count")).to_have_text("2")
    assert page.title().startswith("（2）")


def test_the_queue_is_live_in_a_browser_that_cannot_share_a_connection_too(desk: Desk, office: Office) -> None:
    """Phones' browsers have no SharedWorker; each of their pages listens by itself."""
    page = desk.member("wang", "/console/queue")
    page.add_init_script("delete window.SharedWorker")
    page.reload()
    number = ticket(office, "unshared")
    expect(page.locator(f"#waiting-{number}")).to_be_visible()


def test_many_pages_at_once_share_one_connection(desk: Desk, office: Office) -> None:
    """A browser has six connections to one host; with ten pages open the eleventh still works, and all are live."""
    page = desk.member("wang", "/console/queue")
    before = office.service.live.count("queue")
    others = [page.context.new_page() for _ in range(9)]
    for other in others:
        other.goto("/console/queue")
    number = ticket(office, "shared")
    for each in (page, *others):
        expect(each.locator(f"#waiting-{number}")).to_be_visible()
    assert office.service.live.count("queue") <= before + 1


def test_of_a_long_queue_those_who_wait_longest_are_drawn_and_all_are_counted(
    desk: Desk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is that of all, and a line says that there are more."""
    monkeypatch.setattr(queue, "SHOWN", 2)
    numbers = [ticket(office, f"long-{n}") for n in range(3)]
    page = desk.member("wang", "/console/queue")
    expect(page.get_by_role("heading", name="等待处理 3", exact=True)).to_be_visible()
    expect(page.get_by_text("还有 1 张在后面")).to_be_visible()
    expect(page.locator(f"#waiting-{numbers[1]}")).to_be_visible()
    expect(page.locator(f"#waiting-{numbers[2]}")).to_have_count(0)
    page.get_by_label("系统").select_option("b")
    expect(page.get_by_role("heading", name="等待处理 0 / 3", exact=True)).to_be_visible()


def test_one_click_takes_a_ticket_and_leads_to_its_conversation(desk: Desk, office: Office) -> None:
    """Afterwards it is one's own."""
    number = ticket(office, "taken")
    page = desk.member("wang", "/console/queue")
    page.get_by_role("button", name=f"接待 {number}").click()
    page.wait_for_url(f"**/console/tickets/{number}")
    expect(page.get_by_text("由我接待")).to_be_visible()


def test_who_comes_too_late_is_told_and_sees_the_queue_as_it_is(desk: Desk, office: Office) -> None:
    """Taking what a colleague has taken says so plainly."""
    number = ticket(office, "too-late")
    page = desk.member("wang", "/console/queue")
    page.add_init_script("delete window.SharedWorker")
    page.route("**/api/staff/events", lambda route: route.abort())  # this page hears nothing of the colleague
    page.reload()
    take = page.get_by_role("button", name=f"接待 {number}")
    expect(take).to_be_visible()
    office.member("li").post(f"/tickets/{number}/take")
    take.click()
    expect(page.locator(".toast.bad")).to_contain_text("其他工作人员正在接待")
    expect(page.locator(f"#assigned-{number}")).to_be_visible()
    desk.faults.clear()  # the browser notes the status 409 and the stream that was cut


def test_ones_own_come_first_with_what_is_unread(desk: Desk, office: Office) -> None:
    """Of what is worked on, one's own stands above colleagues', marked with new messages as they come."""
    theirs, mine = ticket(office, "theirs"), ticket(office, "mine")
    office.member("li").post(f"/tickets/{theirs}/take")
    office.member("wang").post(f"/tickets/{mine}/take")
    page = desk.member("wang", "/console/queue")
    assert page.locator("#queue .what").evaluate_all("links => links.map((link) => link.id)") == [
        f"assigned-{mine}",
        f"assigned-{theirs}",
    ]
    office.say("conversation-of-mine", "在吗")
    expect(page.locator("#queue .own")).to_contain_text("2 条未读")
    expect(page).to_have_title(re.compile("^【2 条新消息】"))


def test_filters_hold_while_the_queue_moves_and_over_a_reload(desk: Desk, office: Office) -> None:
    """By system, by reason and by whose it is; what comes later is filtered as well."""
    office.member("wang").post(f"/tickets/{ticket(office, 'filter-mine')}/take")
    waiting = ticket(office, "filter-waiting")
    page = desk.member("wang", "/console/queue")
    expect(page.locator(f"#waiting-{waiting}")).to_be_visible()
    page.get_by_label("只看我的").check()
    expect(page.locator(f"#waiting-{waiting}")).to_have_count(0)
    expect(page.locator("#queue .own")).to_have_count(1)
    later = ticket(office, "filter-later")
    page.wait_for_timeout(500)
    expect(page.locator(f"#waiting-{later}")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("只看我的")).to_be_checked()
    page.get_by_label("只看我的").uncheck()
    expect(page.locator(f"#waiting-{later}")).to_be_visible()
    page.get_by_label("系统").select_option("b")
    expect(page.get_by_text("没有符合条件的工单").first).to_be_visible()
    page.get_by_label("系统").select_option("a")
    page.get_by_label("事由").select_option("human")
    expect(page.locator(f"#waiting-{later}")).to_be_visible()


@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_of_two_filters_the_later_one_holds_however_late_the_earlier_answers(
    desk: Desk, office: Office, moving: bool
) -> None:
    """Also against the queue's own refreshing; what is kept for a reload is the later one too."""
    waiting = ticket(office, f"late-waiting-{moving}")
    page = desk.member("wang", "/console/queue")
    expect(page.locator(f"#waiting-{waiting}")).to_be_visible()
    held: list[Route] = []
    page.route("**/console/queue?*", lambda route: held.extend([route]), times=1)
    ticket(office, f"late-other-{moving}")
    first_held(page, held)
    page.get_by_label("只看我的").check()
    if moving:
        ticket(office, "late-third")
    page.wait_for_timeout(300)
    held[0].continue_()
    page.wait_for_timeout(500)
    expect(page.locator(f"#waiting-{waiting}")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("只看我的")).to_be_checked()


def test_a_page_is_not_shown_before_it_answers(desk: Desk, office: Office) -> None:
    """Whoever clicks as soon as they see a button is heard, also where scripts come late."""
    number = ticket(office, "early")
    page = desk.member("wang", "/console/")

    def late(route: Route) -> None:
        page.wait_for_timeout(1000)
        route.continue_()

    page.route("**/static/console/queue.js", late)
    page.goto("/console/queue", wait_until="commit")
    page.get_by_role("button", name=f"接待 {number}").click()
    page.wait_for_url(f"**/console/tickets/{number}")


def test_the_bell_asks_only_when_pressed_and_rings_only_for_a_hidden_page(desk: Desk, office: Office) -> None:
    """For a new ticket and a new message to oneself; not while the page is seen, and not for a colleague's."""
    office.member("wang").post(f"/tickets/{ticket(office, 'bell-mine')}/take")
    office.member("li").post(f"/tickets/{ticket(office, 'bell-theirs')}/take")
    page = desk.member("wang", "/console/queue")
    page.add_init_script(NOTICES)
    page.reload()
    bell = page.get_by_role("button", name="桌面提醒")
    expect(bell).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("asked") == 0
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    seen = ticket(office, "bell-seen")
    expect(page.locator(f"#waiting-{seen}")).to_be_visible()
    assert page.evaluate("notices") == []
    page.evaluate("hide(true)")
    number = ticket(office, "bell-new", "电话 13812345678")
    office.say("conversation-of-bell-theirs", "在吗")
    until(lambda: page.evaluate("notices.length") == 1)
    office.say("conversation-of-bell-mine", "在吗")
    until(lambda: page.evaluate("notices.length") == 2)
    first, second = page.evaluate("notices")
    assert first == f"新的工单：转人工客服，受理编号 {number}"
    assert second.startswith("访客有新消息：转人工客服")
    handed_on = ticket(office, "bell-handed-on")
    until(lambda: page.evaluate("notices.length") == 3)
    office.member("li").post(f"/tickets/{handed_on}/take")
    expect(page.locator(f"#assigned-{handed_on}")).to_be_visible()
    office.member("li").post(f"/tickets/{handed_on}/transfer", json={"to": "wang"})
    until(lambda: page.evaluate("notices.length") == 4)
    assert page.evaluate("notices[3]") == f"同事转交给您：转人工客服，受理编号 {handed_on}"
    page.evaluate("hide(false)")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")


def test_the_bell_is_on_every_page_and_survives_browsers_that_only_pretend(desk: Desk, office: Office) -> None:
    """A phone's browser has the permission, but throws at a notice: the page goes on counting."""
    page = desk.member("wang", "/console/account")
    page.add_init_script(NOTICES)
    page.reload()
    page.get_by_role("button", name="桌面提醒").click()
    page.evaluate("hide(true)")
    number = ticket(office, "bell-elsewhere")
    until(lambda: page.evaluate("notices.length") == 1)
    assert str(number) in page.evaluate("notices[0]")
    page.evaluate("() => { notices.push = () => { throw new TypeError(); }; }")
    ticket(office, "bell-pretended")
    ticket(office, "bell-counted")
    expect(page.locator("#waiting-count")).to_have_text("3")


def test_a_browser_that_allows_no_notices_is_told_of(desk: Desk) -> None:
    """Whoever declines in the browser learns where that is set; the bell stays off."""
    page = desk.member("wang", "/console/queue")
    page.add_init_script(NOTICES + "window.answer = 'denied';")
    page.reload()
    page.get_by_role("button", name="桌面提醒").click()
    expect(page.locator(".toast.bad")).to_contain_text("没有允许发送通知")
    expect(page.get_by_role("button", name="桌面提醒")).to_have_attribute("aria-pressed", "false")


def test_a_ticket_is_found_by_its_number_also_when_it_is_over(desk: Desk, office: Office) -> None:
    """The number leads to the ticket; one that is not there is named as missing."""
    number = ticket(office, "by-number")
    office.member("zhao").post(f"/tickets/{number}/close")
    page = desk.member("wang", "/console/queue")
    page.get_by_label("受理编号").fill(str(number))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/tickets/{number}")
    page.goto("/console/tickets?number=999999")
    expect(page.get_by_text("没有编号为“999999”的受理单")).to_be_visible()


def test_all_tickets_are_listed_page_by_page_by_state_and_owner(desk: Desk, office: Office) -> None:
    """The latest first; the older ones on further pages; what has ended, and what is one's own, on demand."""

    def many(transaction: Transaction) -> None:
        now = datetime.now(UTC)
        for n in range(PAGE + 5):
            transaction.add_conversation(Conversation(f"conversation-of-many-{n}", "web", "b", now, now))
            transaction.add_ticket(f"conversation-of-many-{n}", "human", system="b", now=now)

    office.store.write(many)
    mine = ticket(office, "list-mine")
    office.member("wang").post(f"/tickets/{mine}/take")
    page = desk.member("wang", "/console/tickets")
    numbers = [int(text) for text in page.locator("tbody td:first-child").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == PAGE
    page.get_by_role("link", name="更早的工单").click()
    expect(page.get_by_role("link", name="回到最新")).to_be_visible()
    older = [int(text) for text in page.locator("tbody td:first-child").all_inner_texts()]
    assert older[0] == numbers[-1] - 1
    page.get_by_label("只看我的").check()
    page.get_by_label("状态").select_option("open")
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("处理中")
    page.goto("/console/tickets?state=ended&system=b")
    expect(page.get_by_text("没有符合条件的工单")).to_be_visible()


def test_only_staff_see_queue_and_list(office: Office) -> None:
    """Strangers are led to the login."""
    with httpx.Client(base_url=office.url) as client:
        for path in (
            "/console/queue",
            "/console/tickets",
            "/console/tickets/1001",
            "/console/tickets/1001/suggestions",
        ):
            assert client.get(path).headers["Location"].startswith("/console/login")
        client.post("/console/login", data={"name": "wang", "password": PASSWORD})
        assert client.get("/console/tickets", params={"number": "9" * 150}).status_code == 200
        assert client.get("/console/tickets", params={"system": "长" * 201}).status_code == 422
        assert client.get("/console/tickets/999999").status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "不到 1 分钟"),
        (59, "不到 1 分钟"),
        (60, "1 分钟"),
        (3599, "59 分钟"),
        (7500, "2 小时 5 分"),
        (172800, "2 天"),
    ],
)
def test_how_long_something_has_waited_is_said_in_round_words(seconds: int, words: str) -> None:
    """Minutes, hours and minutes, days."""
    assert duration(seconds) == words
