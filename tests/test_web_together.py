"""A visitor in two tabs and an agent at the console write while the network comes and goes: all see the same."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest
from browse import Desk, desk_at
from embedded import CODE, LOCKED, Open, entry, launcher, open_panel, png, reply_number, said, say, stored
from playwright.sync_api import Browser, Locator, Page, expect
from staffed import PASSWORD

from bot.account import Accounts
from bot.store.sqlite import SqliteStore

pytest_plugins = ("browsing",)

AWAY = 20  # seconds
PATIENCE = 45_000  # milliseconds until everything is there again: the longest pause before a connection is tried
Said: TypeAlias = list[tuple[int, str, str]]
"""Number, author and words of each message; of what the bot said without its words, which each side words around."""


@pytest.fixture
def desk(browser: Browser, widget_server: str, widget_data: Path) -> Iterator[Desk]:
    """A browser at the console, in which 小李 can log in as `li`."""
    with closing(SqliteStore(widget_data / "conversations.db")) as store:
        Accounts(store).add("li", "小李", "agent", PASSWORD)
    with desk_at(browser, widget_server) as desk:
        yield desk


def tell(page: Page, text: str) -> None:
    """Write to the person as the visitor does, without waiting for anything but the button."""
    page.locator("#text").fill(text)
    page.get_by_role("button", name="发送", exact=True).click()


def answer(page: Page, text: str) -> None:
    """Write to the visitor, without waiting for anything."""
    field = page.get_by_label("回复访客")
    field.fill(text)
    field.press("Enter")


def shown(messages: Locator) -> Said:
    """What a page shows, from the top."""
    drawn = messages.evaluate_all(
        """all => all.filter(each => +each.dataset.sequence).map(each => [+each.dataset.sequence,
            ["visitor", "agent"].find(name => each.classList.contains(name)) || "bot",
            Array.from(each.querySelectorAll(".words")).map(words => words.textContent).join("\\n")])"""
    )
    return [(number, author, "" if author == "bot" else words) for number, author, words in drawn]


def kept(data: Path) -> Said:
    """What the database has of its last conversation that has a ticket."""
    with closing(sqlite3.connect(data / "conversations.db")) as database:
        rows = database.execute(
            """
            SELECT sequence, author, text FROM message
            WHERE conversation_id = (SELECT conversation_id FROM ticket ORDER BY number DESC LIMIT 1) ORDER BY sequence
            """
        ).fetchall()
    return [(number, author, "" if author == "bot" else text) for number, author, text in rows]


def test_visitor_and_agent_see_the_same_whatever_the_network_does(
    embed: Open, desk: Desk, widget_server: str, widget_data: Path, faults: list[str]
) -> None:
    """Asked, answered, handed over with a screenshot, taken; both write, each without a network for a while; then
    reloaded, resolved and rated. Order, number and words of the messages are equal in both tabs, at the console, in the
    API and in the database."""
    agent = desk.member("li", "/console/queue")
    expect(agent.get_by_role("heading", name="工单", level=1)).to_be_visible()

    # The visitor asks, is answered and hands over, with a screenshot
    tab = embed('data-system="zyb"')
    open_panel(tab)
    answered = say(tab, LOCKED)
    assert said(answered) == entry("zyb-1.9").answer
    answered.get_by_role("button", name="申请解锁账号").click()
    reply_number(tab, 1).get_by_role("button", name="同意").click()
    reply_number(tab, 2)
    say(tab, CODE)
    tab.set_input_files("#file", png(600))
    tab.get_by_role("button", name="发送", exact=True).click()
    reply_number(tab, 4).get_by_role("button", name="确认").click()
    status = reply_number(tab, 5).locator(".status")
    expect(status).to_have_text(re.compile(r"^已登记，等待工作人员处理，受理编号 \d+$"))
    number = (status.text_content() or "").rsplit(" ", 1)[1]
    other = tab.context.new_page()
    other.goto(tab.url)
    expect(launcher(other)).to_be_visible()
    open_panel(other)

    # The queue shows it by itself; an agent takes it
    agent.get_by_role("button", name=f"接待 {number}").click()
    agent.wait_for_url(f"**/tickets/{number}")
    for page in (tab, other):
        expect(page.get_by_text("您正在与人工客服对话")).to_be_visible()
        expect(page.get_by_role("heading", name="小李")).to_be_visible()
    dossier = agent.get_by_role("region", name="登记资料")
    expect(dossier).to_contain_text(CODE)
    dossier.get_by_role("button", name="查看IP 截图原图").click()
    whole = agent.get_by_role("dialog", name="图片").get_by_role("img")
    expect(whole).to_have_js_property("naturalWidth", 600)
    agent.keyboard.press("Escape")

    # Both write at once
    for n in range(1, 5):
        tell(tab, f"访客 {n}")
        answer(agent, f"客服 {n}")
        tell(other, f"访客另一页 {n}")
    for name in ("访客 4", "访客另一页 4"):  # what is still on its way would have to be sent once more
        expect(agent.get_by_text(name, exact=True)).to_be_visible(timeout=PATIENCE)
    for page in (tab, other):  # as would what has arrived but is not known to have
        expect(page.locator(".log > .visitor:not([data-sequence])")).to_have_count(0, timeout=PATIENCE)
    expect(agent.locator("#outbox .message")).to_have_count(0, timeout=PATIENCE)

    # The visitor's network is gone, then the agent's; the other goes on, and they write all the same
    tab.context.set_offline(True)
    tell(tab, "访客断网时")
    for n in range(1, 4):
        answer(agent, f"客服，访客断网时 {n}")
        agent.wait_for_timeout(AWAY * 1000 / 3)
    expect(tab.get_by_text("连接已中断，正在重新连接…")).to_be_visible()
    tab.context.set_offline(False)
    tab.get_by_role("button", name="重发").click(timeout=PATIENCE)
    for page in (tab, other):
        expect(page.locator(".log > .agent")).to_have_count(7, timeout=PATIENCE)
    agent.context.set_offline(True)
    answer(agent, "客服断网时")
    for n, page in enumerate((tab, other, tab), 1):
        tell(page, f"访客，客服断网时 {n}")
        page.wait_for_timeout(AWAY * 1000 / 3)
    agent.context.set_offline(False)
    agent.get_by_role("button", name="重发").click(timeout=PATIENCE)
    for page in (tab, other):
        expect(page.locator(".log > .agent")).to_have_count(8, timeout=PATIENCE)
    expect(agent.get_by_text("访客，客服断网时 3")).to_be_visible(timeout=PATIENCE)

    # Reloaded on both sides
    for page in (tab, agent):
        page.reload()
    open_panel(tab)
    expect(tab.locator(".log > .agent")).to_have_count(8)
    tell(tab, "谢谢")
    answer(agent, "不客气")
    expect(agent.get_by_text("谢谢", exact=True)).to_be_visible()
    expect(tab.get_by_text("不客气", exact=True)).to_be_visible()

    # Resolved and rated
    agent.get_by_role("button", name="已处理").click()
    agent.get_by_role("dialog").get_by_role("button", name="已处理").click()
    rating = tab.get_by_role("group", name="请为本次服务评分")
    rating.get_by_role("radio", name="5 星").check(force=True)
    rating.get_by_label("其他意见").fill("很快")
    rating.get_by_role("button", name="提交评价").click()
    expect(tab.get_by_text("感谢您的评价！")).to_be_visible()
    expect(agent.get_by_text("5 星，很快")).to_be_visible()
    expect(other.get_by_role("group", name="请为本次服务评分")).to_have_count(0)

    everything = kept(widget_data)
    assert [number for number, _, _ in everything] == list(range(1, len(everything) + 1))
    texts = [text for _, author, text in everything if author != "bot"]
    assert len(texts) == len({*texts}), "something is doubled"
    written = [f"{who} {n}" for n in range(1, 5) for who in ("访客", "客服", "访客另一页")]
    written += [f"{who} {n}" for n in range(1, 4) for who in ("客服，访客断网时", "访客，客服断网时")]
    assert {*written, "访客断网时", "客服断网时", "谢谢", "不客气", LOCKED, CODE} <= {*texts}
    for who in ("访客", "客服", "访客另一页", "客服，访客断网时", "访客，客服断网时"):
        mine = [text for text in texts if re.fullmatch(rf"{who} \d", text)]
        assert mine == sorted(mine)
    api = [(each["sequence"], each["author"], each["text"]) for each in stored(tab, widget_server)]
    assert [(number, author, "" if author == "bot" else text) for number, author, text in api] == everything
    for page, messages in ((tab, ".log > *"), (other, ".log > *"), (agent, "#messages > *")):
        expect(page.locator(f"{messages}[data-sequence='{everything[-1][0]}']")).to_have_count(1)
        assert shown(page.locator(messages)) == everything
    for complaints in (faults, desk.faults):
        others = [
            each for each in complaints if not re.match("Failed to load resource|htmx:sendError|Send Error", each)
        ]
        assert others == []
        complaints.clear()
