"""The figures' page, in a real browser: what it says, what it does not say, and the files it gives out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits
from playwright.sync_api import Page, expect
from staffed import Office, office_in

from bot.console.figure import lasting, share
from bot.hours import SHANGHAI, Hours
from bot.model import Answer, Conversation, Feedback, Reply, Source, TicketEvent
from bot.sheet import inert, sheet
from bot.store.base import Transaction

pytest_plugins = ("browsing",)

EVIL = '=HYPERLINK("https://evil.example","点我")'
REASON = "=1+1 我的电话 13812345678 <img src=x onerror=alert(1)>"
ANSWER = Reply("answer", "请等六小时。", 0.9, answer=Answer("a-1", "问", "答", Source("甲系统", "", "", "1")))
GONE = Reply("answer", "旧的。", 0.9, answer=Answer("b-9", "问", "答", Source("乙系统", "", "", "9")))
CLARIFY = Reply("clarify", "哪一个？", 0.4)
REJECT = Reply("reject", "抱歉，没有找到。", 0.1)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server where somebody asked today, ten days ago and 40 days ago."""
    now = datetime.now(SHANGHAI)
    # all that happens in the half an hour before it happens on this day, also if it has just begun
    now = max(now, now.replace(hour=0, minute=30, second=0, microsecond=0)).astimezone(UTC)
    with office_in(tmp_path_factory.mktemp("office")) as office:
        for number in range(24):
            talk(office, f"today-{number:02}-0123456789", now - timedelta(minutes=number), [ANSWER, REJECT], "a")
        talk(office, "earlier-0123456789", now - timedelta(days=10), [CLARIFY], "a")
        talk(office, "gone-0123456789", now - timedelta(days=10), [GONE], None)
        talk(office, "long-ago-0123456789", now - timedelta(days=40), [ANSWER], "a")
        ticket(office, "today-00-0123456789", now)
        yield office


def talk(office: Office, name: str, at: datetime, replies: list[Reply], system: str | None) -> None:
    """A conversation of questions with these replies; the first one's verdict is that it did not help."""

    def work(t: Transaction) -> None:
        t.add_conversation(Conversation(name, "web", system, at, at))
        for number, reply in enumerate(replies):
            t.add_message(name, "visitor", EVIL, now=at)
            said = t.add_message(name, "bot", reply.text, now=at, reply=reply)
            if number == 0 and reply.answer and name.startswith("today"):
                t.rate_answer(Feedback(said.id, name, helpful=False, reason=REASON, at=at))

    office.store.write(work)


def ticket(office: Office, name: str, ended: datetime) -> None:
    """One ticket, taken and answered after a quarter of an hour, and rated."""
    at, then = ended - timedelta(minutes=20), ended - timedelta(minutes=5)

    def work(t: Transaction) -> None:
        number = t.add_ticket(name, "human", system="a", now=at).number
        for kind, when, actor, detail in (
            ("handed_in", at, "visitor", ""),
            ("taken", then, "wang", ""),
            ("resolved", ended, "wang", ""),
            ("rated", ended, "visitor", "5"),
        ):
            t.add_event(TicketEvent(number, when, actor, kind, detail))
        t.add_message(name, "agent", "您好", now=then, agent="wang")
        kept = t.ticket(number)
        assert kept is not None
        t.update_ticket(replace(kept, status="resolved", updated_at=ended))

    office.store.write(work)


def drawn(page: Page, table: str) -> Any:
    """The numbers that a chart shows."""
    return page.evaluate(
        "(id) => Chart.getChart(document.querySelector(`canvas[data-table=${id}]`)).data.datasets.map((d) => d.data)",
        f"table-{table}",
    )


def rows(office: Office, name: str, **query: str) -> list[list[str]]:
    """A table as a spreadsheet reads it."""
    response = office.console("zhao").get(f"/console/analytics/{name}.csv", params=query)
    assert response.status_code == 200, response.text
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_the_page_is_accessible_and_fits_with_and_without_figures(
    desk: Desk, size: tuple[int, int], scheme: str
) -> None:
    """At every size, in light and dark, with all tables open, and where there is nothing to tell."""
    page = desk.member("zhao", "/console/analytics", size=size, scheme=scheme)
    page.evaluate("document.querySelectorAll('#analytics details').forEach((each) => { each.open = true; })")
    check_accessible(page)
    check_fits(page)
    page.goto("/console/analytics?from=2020-01-01&to=2020-01-31")
    expect(page.get_by_text("这段时间没有会话")).to_be_visible()
    expect(page.locator("canvas")).to_have_count(0)
    check_accessible(page)
    check_fits(page)


def test_every_chart_shows_the_numbers_of_its_table(desk: Desk) -> None:
    """What is drawn is what is written; the day's colours change with the scheme."""
    page = desk.member("zhao", "/console/analytics")
    volume = drawn(page, "volume")
    assert [series[-1] for series in volume] == [24, 48]
    assert sum(volume[1]) == 50
    assert [series[-1] for series in drawn(page, "decisions")] == [24, 0, 24, 0, 0]
    assert drawn(page, "answers")[0][1] == 24
    page.get_by_text("查看数字").first.click()
    table = page.get_by_role("region", name="每天的咨询量的数字")
    expect(table.locator("tbody tr").last.locator("td").first).to_have_text("24")
    light = page.evaluate("Chart.getChart(document.querySelector('canvas')).data.datasets[0].backgroundColor")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "(light) => Chart.getChart(document.querySelector('canvas')).data.datasets[0].backgroundColor !== light",
        arg=light,
    )


def test_the_period_and_the_system_are_chosen_without_leaving_the_page(desk: Desk) -> None:
    """By buttons, by dates and by name; the address says what is shown, and goes back."""
    page = desk.member("zhao", "/console/analytics")
    sums = page.locator(".sums dd strong")
    expect(sums.first).to_have_text("26")
    page.get_by_label("7 天").check()
    expect(sums.first).to_have_text("24")
    page.get_by_label("90 天").check()
    expect(sums.first).to_have_text("27")
    assert "days=90" in page.url
    page.get_by_role("combobox", name="系统").select_option("a")
    expect(sums.first).to_have_text("26")
    page.get_by_role("combobox", name="系统").select_option("")
    expect(sums.first).to_have_text("27")
    day = (datetime.now(SHANGHAI) - timedelta(days=10)).date().isoformat()
    page.get_by_label("结束日期").fill(day)
    expect(page.get_by_label("自选")).to_be_checked()
    expect(sums.first).to_have_text("3")
    page.go_back()
    expect(sums.first).to_have_text("27")


def test_few_cases_are_counted_and_not_called_a_share(desk: Desk) -> None:
    """One answered ticket has a median, and no share, no p90 and no mean of stars."""
    page = desk.member("zhao", "/console/analytics")
    waits = page.locator("section[aria-labelledby=title-waits]")
    expect(waits).to_contain_text("中位数 15 分钟（1 次）")
    expect(waits).to_contain_text("不足 20 次")
    expect(waits).not_to_contain_text("，九成")
    expect(page.get_by_text("共 1 次评分，次数太少，不计平均")).to_be_visible()
    expect(page.get_by_text("48 条回复中的 24 条")).not_to_be_visible()
    page.goto(f"/console/analytics?days=&from={day_ago(10)}&to={day_ago(10)}")
    expect(page.locator(".sums dd strong").nth(1)).to_have_text("1 / 2")


def day_ago(days: int) -> date:
    return (datetime.now(SHANGHAI) - timedelta(days=days)).date()


def test_what_visitors_wrote_is_shown_inert_and_without_personal_data(desk: Desk, office: Office) -> None:
    """On the page only, never in a file."""
    page = desk.member("zhao", "/console/analytics")
    section = page.locator("section[aria-labelledby=title-reasons]")
    expect(section).to_contain_text("<img src=x onerror=alert(1)>")
    expect(section).not_to_contain_text("13812345678")
    assert section.locator("img").count() == 0
    for name in ("volume", "decisions", "answers", "abandoned", "tickets", "stars", "entries", "systems", "hours"):
        written = "\n".join(",".join(row) for row in rows(office, name))
        assert "HYPERLINK" not in written
        assert "onerror" not in written


def test_the_most_given_entries_come_with_what_visitors_said(desk: Desk, office: Office) -> None:
    """An entry that is not in the knowledge base any more still counts."""
    page = desk.member("zhao", "/console/analytics")
    table = page.get_by_role("region", name="回答最多的条目的表格")
    expect(table.locator("tbody tr").first).to_contain_text("账号被锁定怎么办")
    expect(table.locator("tbody tr").nth(1)).to_contain_text("已不在知识库中")
    assert rows(office, "entries")[1:] == [
        ["a-1", "账号被锁定怎么办", "24", "0", "24"],
        ["b-9", "（已不在知识库中）", "1", "0", "0"],
    ]


def test_a_file_opens_in_a_spreadsheet(desk: Desk) -> None:
    """The link downloads what the page shows: UTF-8 with a byte order mark, named after the table and its days."""
    page = desk.member("zhao", "/console/analytics?days=7")
    with page.expect_download() as download:
        page.locator("section[aria-labelledby=title-volume]").get_by_role("link", name="导出 CSV").click()
    today = datetime.now(SHANGHAI).date()
    assert download.value.suggested_filename == f"volume-{today - timedelta(days=6):%Y%m%d}-{today:%Y%m%d}.csv"
    content = download.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    found = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert found[0] == ["日期", "会话", "访客消息"]
    assert found[-1] == [today.isoformat(), "24", "48"]
    assert len(found) == 8


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        "  =1",
        "\u3000=1",
        "\ufeff=1",
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever a spreadsheet would calculate stands behind an apostrophe; numbers stay numbers, also negative ones."""
    assert inert(text) == f"'{text}"
    assert sheet(["问", text], [[text, -1, 0.5, None, date(2026, 3, 1)]]).decode("utf-8-sig").count(f"'{text[0]}") == 2
    assert [inert(-1), inert(0.5), inert(None), inert("a=1")] == [-1, 0.5, "", "a=1"]


def test_no_cell_ends_before_its_end() -> None:
    """Where spreadsheets part cells by semicolons or tabs, too: texts are in quotes, and quotes in them doubled."""
    written = sheet(["问"], [['a;=1\t=2,"=3"', 4]]).decode("utf-8-sig")
    assert written == '"问"\r\n"a;=1\t=2,""=3""",4\r\n'


def test_a_file_of_one_system_says_so(office: Office) -> None:
    """In its name, lest it be taken for the whole."""
    response = office.console("zhao").get("/console/analytics/volume.csv", params={"days": "7", "system": "a"})
    assert 'filename="volume-a-' in response.headers["Content-Disposition"]


def test_a_chart_of_one_column_of_several_says_which(desk: Desk) -> None:
    """Where a table has one column of numbers only, its title says it all."""
    page = desk.member("zhao", "/console/analytics")
    shown = page.evaluate(
        "Object.fromEntries(Array.from(document.querySelectorAll('canvas')).map((canvas) =>"
        " [canvas.dataset.table, Chart.getChart(canvas).options.plugins.legend.display]))"
    )
    assert shown == {
        f"table-{name}": name in ("volume", "decisions", "tickets", "systems")
        for name in ("volume", "decisions", "answers", "abandoned", "stars", "tickets", "systems")
    }


def test_without_working_hours_nobody_boasts_of_short_waits(desk: Desk, office: Office) -> None:
    """Of time that is no working time a wait has none: then the clock counts."""
    serving = office.service
    before = serving.bot.office
    serving.bot.office = replace(before, hours=Hours.read("从不"))
    page = desk.member("zhao", "/console/analytics?days=7")
    serving.bot.office = before
    wait = page.locator(".sums > div").last
    expect(wait).to_contain_text("15 分钟")
    expect(wait).not_to_contain_text("上班时间")
    expect(page.locator("section[aria-labelledby=title-waits]")).not_to_contain_text("上班时间")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("days=&from=2026-13-01&to=2026-12-01", 422),
        ("days=&from=2026-03-02&to=2026-03-01", 422),
        ("days=&from=2020-01-01&to=2026-03-01", 422),
        ("days=&from=9999-12-01&to=9999-12-31", 422),
        ("days=&from=0001-01-01&to=0001-01-02", 422),
        ("days=&from=1999-12-31&to=2000-01-02", 422),
        ("days=&from=2099-12-01&to=2099-12-31", 200),
        ("system=nowhere", 404),
        ("days=7'--", 200),
        (f"system={'x' * 300}", 422),
    ],
)
def test_a_wrong_question_gets_a_chinese_answer(office: Office, query: str, status: int) -> None:
    """No error of the server, whatever stands in the address."""
    response = office.console("zhao").get(f"/console/analytics?{query}")
    assert response.status_code == status
    assert any("\u4e00" <= char <= "\u9fff" for char in response.text)
    if status == 200:
        assert "统计" in response.text


def test_only_leads_and_administrators_see_figures(desk: Desk, office: Office) -> None:
    """For others there is no way to them, and nothing behind it."""
    page = desk.member("wang", "/console/account")
    expect(page.get_by_role("navigation", name="主导航").get_by_role("link", name="统计")).to_have_count(0)
    for path in ("/console/analytics", "/console/analytics/volume.csv"):
        assert office.console("wang").get(path).status_code == 403
        assert httpx.get(office.url + path).status_code == 303
    assert office.console("zhao").get("/console/analytics/nothing.csv").status_code == 404


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (None, "—"),
        (timedelta(seconds=20), "不到 1 分钟"),
        (timedelta(minutes=59), "59 分钟"),
        (timedelta(minutes=60), "1 小时"),
        (timedelta(hours=25, minutes=10), "1 天 1 小时"),
    ],
)
def test_waits_are_told_in_words(wait: timedelta | None, words: str) -> None:
    """As somebody would say them."""
    assert lasting(wait) == words


def test_a_share_of_few_is_a_count() -> None:
    """From twenty cases on it is a share."""
    assert (share(1, 19), share(5, 20)) == ("1 / 19", "25%")
