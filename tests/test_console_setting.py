"""The settings' pages, in a real browser: everything a person can click, and that it holds at once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import fake
import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits
from playwright.sync_api import Page, expect
from staffed import PASSWORD, Office, office_in

from bot import canned as replies
from bot.audition import Progress
from bot.console import canned, roster, setting, target, threshold
from bot.evaluate import QUESTIONS
from bot.preference import Preferences
from bot.store.sqlite import SqliteStore

pytest_plugins = ("browsing",)

TABS = ("hours", "canned", "accounts", "keys", "targets", "thresholds", "history")
ENTRIES = (
    fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"),
    fake.entry("a-2", "忘记密码怎么找回", "点击忘记密码。"),
)
ROWS: list[dict[str, Any]] = [
    {"id": "1", "text": "账号被锁定怎么办", "expect": "answer", "entries": ["a-1"], "escalate": None},
    {"id": "2", "text": "忘记密码", "expect": "answer", "entries": ["a-2"], "escalate": None},
    {"id": "3", "text": "今天天气怎么样", "expect": "reject", "entries": [], "escalate": None},
]
SECRET = "a-very-secret-secret"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with labelled questions, which may notify its own machine."""
    with office_in(tmp_path_factory.mktemp("office"), *ENTRIES) as office:
        lines = (json.dumps(row, ensure_ascii=False) for row in ROWS)
        (office.folder / "documents" / QUESTIONS).write_text("\n".join(lines), encoding="utf-8")
        preferences = office.service.preferences
        preferences.defaults = preferences.defaults.model_copy(update={"notify_private": True})
        yield office


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A place that takes notices: its address, and what it was told."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:  # type: ignore[override]
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", told
    finally:
        server.shutdown()
        server.server_close()


def confirm(page: Page) -> None:
    """Say yes to the question that was asked."""
    page.get_by_role("dialog").get_by_role("button", name="确定").click()


def changes(*modules: ModuleType) -> list[str]:
    """The paths of every change that these parts of the console know."""
    routes = [route for module in modules for route in module.router.routes]
    return [re.sub(r"{\w+}", "nothing", route.path) for route in routes if "POST" in route.methods]


def last_change(office: Office) -> tuple[str, str, str, str]:
    """Who changed what from what to what, last."""
    line = office.store.read(lambda t: t.alterations(1))[0]
    return line.by, line.subject, line.before, line.after


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_every_page_is_accessible_and_fits(desk: Desk, office: Office, size: tuple[int, int], scheme: str) -> None:
    """At every size, in light and dark, with something on each of them."""
    if not office.service.accounts.keys():
        office.service.accounts.add_key("数据大屏", "agent")
        api = office.member("zhao")
        api.post("/canned", json={"title": "已解锁", "text": "您的账号已解锁。\n请重新登录。"})
    page = desk.member("admin", "/console/settings", size=size, scheme=scheme)
    for tab in TABS:
        page.goto(f"/console/settings/{tab}")
        if tab == "thresholds":
            expect(page.get_by_role("heading", name="对题集的效果")).to_be_visible()
            page.evaluate("document.querySelectorAll('details:not(.me)').forEach((each) => { each.open = true; })")
        check_accessible(page)
        check_fits(page)
    page.goto("/console/settings/accounts?edit=wang")
    expect(page.get_by_role("heading", name="修改账号 wang")).to_be_visible()
    page.get_by_role("button", name="停用 wang").click()
    check_accessible(page)
    check_fits(page)
    page.keyboard.press("Escape")
    assert office.service.accounts.all()


def test_working_hours_are_previewed_saved_and_given_back(desk: Desk, office: Office) -> None:
    """What is saved holds at once for visitors; the default is the environment's again."""
    page = desk.member("zhao", "/console/settings")
    week = page.locator("#week")
    page.get_by_label("每周的上班时间").fill("周一 08:15-09:45")
    expect(week.locator("tbody tr").first).to_contain_text("8:15–9:45")
    expect(week.locator("tbody tr").nth(1)).to_contain_text("休息")
    page.get_by_label("每周的上班时间").fill("周八 08:00-09:00")
    expect(week).to_contain_text("不是星期")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".toast.bad")).to_contain_text("周八")
    desk.faults.clear()  # the browser notes the status 422
    page.get_by_label("每周的上班时间").fill("周一 08:15-09:45")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#panel")).to_contain_text("ZHAO 于")
    assert httpx.get(f"{office.url}/api/widget").json()["hours"] == "周一 8:15–9:45，法定节假日除外"
    assert last_change(office) == ("zhao", "上班时间", "周一至周五 09:00-12:00,13:30-17:30", "周一 08:15-09:45")
    page.get_by_role("button", name="恢复默认").click()
    confirm(page)
    expect(page.get_by_label("每周的上班时间")).to_have_value("周一至周五 09:00-12:00,13:30-17:30")
    expect(page.get_by_role("button", name="恢复默认")).to_have_count(0)
    assert "周一至周五" in httpx.get(f"{office.url}/api/widget").json()["hours"]


def test_hours_that_were_emptied_are_not_taken_for_never(desk: Desk, office: Office) -> None:
    """The browser asks for them, the preview says so, and the server takes none."""
    page = desk.member("zhao", "/console/settings")
    page.get_by_label("每周的上班时间").fill("")
    expect(page.locator("#week")).to_contain_text("请填写每周的上班时间")
    page.get_by_role("button", name="保存").click()
    assert page.locator("#working-hours:invalid").count() == 1
    response = office.console("zhao").post("/console/settings/hours", data={"working_hours": " "})
    assert (response.status_code, response.text) == (422, "请填写每周的上班时间；没有人工客服请写「从不」。")


@pytest.mark.parametrize("tab", ["hours", "thresholds"])
def test_a_page_left_open_overwrites_nothing(desk: Desk, office: Office, tab: str) -> None:
    """Whoever saves what somebody else changed meanwhile is told so, and the others' values stay."""
    page = desk.member("admin", f"/console/settings/{tab}")
    office.service.preferences.put({"holidays": "2031-05-20", "threshold_near": 0.7}, "zhao")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".toast.bad")).to_contain_text("别人改过这些设置")
    desk.faults.clear()  # the browser notes the status 409
    settings = office.service.preferences.settings
    assert (settings.holidays, settings.threshold_near) == ("2031-05-20", 0.7)
    page.reload()
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存，立即生效")).to_be_visible()
    office.service.preferences.drop(("holidays", "threshold_near"), "zhao")


def test_a_reply_that_somebody_else_changed_is_not_overwritten(desk: Desk, office: Office) -> None:
    """Whoever saves it later is told so, and after a look at it may."""
    kept = replies.add(office.store, "开场", "您好。", "zhao")
    page = desk.member("zhao", f"/console/settings/canned?edit={kept.id}")
    replies.change(office.store, kept.id, "开场", "您好，请讲。", "li")
    page.locator("#text").fill("欢迎。")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".toast.bad")).to_contain_text("别人改过")
    desk.faults.clear()  # the browser notes the status 409
    assert last_change(office)[3] == "您好，请讲。"
    page.reload()
    page.locator("#text").fill("欢迎。")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存常用语")).to_be_visible()
    assert last_change(office) == ("zhao", "常用语「开场」", "您好，请讲。", "欢迎。")


def test_a_page_left_open_gives_nobody_a_role_back(office: Office) -> None:
    """Whoever changes only a name leaves the role as somebody else has set it meanwhile."""
    accounts = office.service.accounts
    accounts.add("qian", "小钱", "lead", PASSWORD)
    accounts.change("qian", role="agent")
    data = {"display": "老钱", "role": "lead", "was": "lead"}
    assert office.console("admin").post("/console/settings/accounts/qian", data=data).status_code == 200
    assert [(each.display, each.role) for each in accounts.all() if each.name == "qian"] == [("老钱", "agent")]


def test_days_off_show_in_the_preview_with_their_reason(desk: Desk) -> None:
    """A day that staff declare off or worked is marked."""
    page = desk.member("zhao", "/console/settings")
    monday = page.locator("#week tbody tr").first
    day = page.evaluate(
        "() => { const day = new Date(Date.now() + 8 * 3600e3);"
        " day.setUTCDate(day.getUTCDate() + 7 - (day.getUTCDay() + 6) % 7);"
        " return day.toISOString().slice(0, 10); }"
    )
    page.get_by_label("另外的休息日").fill(day)
    expect(monday).to_contain_text("设为休息日")
    page.get_by_label("另外的上班日").fill(day)
    expect(page.locator("#week")).to_contain_text("请只保留一处")


def test_canned_replies_are_added_found_changed_and_deleted(desk: Desk, office: Office) -> None:
    """Whatever is in them is shown as it is; every step leaves a line."""
    page = desk.member("zhao", "/console/settings/canned")
    page.locator("#title").fill("问候语")
    page.locator("#text").fill(f"您好！\n{EVIL}")
    page.get_by_role("button", name="添加").click()
    item = page.locator("#canned-list li").filter(has_text="问候语")
    expect(item).to_contain_text(EVIL)
    assert last_change(office) == ("zhao", "常用语「问候语」", "", f"您好！\n{EVIL}")
    search = page.get_by_label("搜索常用语")
    search.fill("没有这样的话")
    expect(page.get_by_text("没有找到")).to_be_visible()
    search.fill("问候")
    expect(item).to_be_visible()
    page.get_by_role("link", name="编辑「问候语」").click()
    expect(page.locator("#title")).to_be_focused()
    page.locator("#text").fill("您好，请讲。")
    page.get_by_role("button", name="保存").click()
    expect(item).to_contain_text("您好，请讲。")
    page.get_by_role("button", name="删除「问候语」").click()
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    expect(item).to_be_visible()
    page.get_by_role("button", name="删除「问候语」").click()
    confirm(page)
    expect(item).to_have_count(0)
    assert last_change(office) == ("zhao", "常用语「问候语」", "您好，请讲。", "已删除")


def test_accounts_are_added_changed_put_to_rest_and_back(desk: Desk, office: Office) -> None:
    """Who rests is logged out; a new password holds; nothing of it is in the history."""
    page = desk.member("admin", "/console/settings/accounts")
    page.get_by_label("用户名").fill("sun")
    page.get_by_label("姓名").fill(EVIL[:20])
    page.get_by_label("角色").select_option("lead")
    page.get_by_label("初始密码").fill("too short")
    page.get_by_role("button", name="添加").click()
    expect(page.locator(".toast.bad")).to_contain_text("密码应为")
    desk.faults.clear()  # the browser notes the status 422
    page.get_by_label("初始密码").fill("another long password")
    page.get_by_role("button", name="添加").click()
    row = page.locator("tbody tr").filter(has_text="sun")
    expect(row).to_contain_text("组长")
    assert office.service.accounts.login("sun", "another long password", "1.2.3.4")
    page.get_by_role("link", name="编辑 sun").click()
    expect(page.get_by_label("姓名")).to_be_focused()
    page.get_by_label("姓名").fill("小孙")
    page.get_by_label("角色").select_option("agent")
    page.get_by_label("新密码").fill("yet another password")
    page.get_by_role("button", name="保存").click()
    expect(row).to_contain_text("小孙")
    assert office.service.accounts.login("sun", "yet another password", "1.2.3.4")
    assert last_change(office) == ("admin", "账号 sun", f"{EVIL[:20]}，组长，在用", "小孙，客服，在用，密码已重设")
    page.get_by_role("button", name="停用 sun").click()
    confirm(page)
    expect(row.locator(".tag")).to_have_text("停用")
    assert not [staff for staff in office.service.accounts.all() if staff.name == "sun" and staff.active]
    page.get_by_role("button", name="启用 sun").click()
    expect(page.get_by_role("button", name="停用 sun")).to_be_visible()


def test_the_last_administrator_stays(desk: Desk, office: Office) -> None:
    """Neither rest nor another role; the page says why."""
    page = desk.member("admin", "/console/settings/accounts")
    page.get_by_role("button", name="停用 admin").click()
    confirm(page)
    expect(page.locator(".toast.bad")).to_contain_text("至少要保留一位在用的管理员")
    page.get_by_role("button", name="关闭提示").click()
    page.get_by_role("link", name="编辑 admin").click()
    expect(page.get_by_role("heading", name="修改账号 admin")).to_be_visible()
    page.get_by_label("角色").select_option("agent")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".toast.bad")).to_contain_text("至少要保留一位在用的管理员")
    assert [staff.role for staff in office.service.accounts.all() if staff.name == "admin"] == ["admin"]
    desk.faults.clear()  # the browser notes the status 409


def test_a_key_is_shown_once_works_and_is_voided(desk: Desk, office: Office) -> None:
    """It is in no later page and not in the history."""
    page = desk.member("admin", "/console/settings/keys")
    page.get_by_label("名称").fill("夜间报表")
    page.get_by_label("角色").select_option("lead")
    page.get_by_role("button", name="添加").click()
    secret = page.locator("#secret").inner_text()
    expect(page.get_by_text("只显示这一次")).to_be_visible()
    assert httpx.get(f"{office.url}/api/staff/me", headers={"X-API-Key": secret}).json()["display"] == "夜间报表"
    page.goto("/console/settings/keys")
    expect(page.get_by_text("夜间报表")).to_be_visible()
    assert secret not in page.content()
    page.goto("/console/settings/history")
    expect(page.locator("tbody tr").first).to_contain_text("密钥 夜间报表")
    assert secret not in page.content()
    page.goto("/console/settings/keys")
    page.get_by_role("button", name="作废「夜间报表」").click()
    confirm(page)
    expect(page.locator("#panel")).not_to_contain_text("夜间报表")
    assert httpx.get(f"{office.url}/api/staff/me", headers={"X-API-Key": secret}).status_code == 401


def test_notification_targets_are_added_tried_and_removed_and_never_shown(desk: Desk, office: Office) -> None:
    """Address and secret go in and stay in; whoever follows the settings tells the new target."""
    followed: list[list[str]] = []
    office.service.preferences.call(lambda changed: followed.append([target.url for target in changed.targets]))
    page = desk.member("admin", "/console/settings/targets")
    with receiver() as (url, told):
        page.get_by_label("种类").select_option("webhook")
        page.get_by_label("地址").fill(url)
        page.get_by_role("button", name="添加").click()
        expect(page.locator(".toast.bad")).to_contain_text("签名密钥")
        page.get_by_label("签名密钥").fill(SECRET)
        page.get_by_role("button", name="添加").click()
        expect(page.get_by_text("接收方 127.0.0.1")).to_be_visible()
        assert followed == [[url]]
        page.get_by_role("button", name="向第 1 个目标发送测试").click()
        expect(page.get_by_text("测试消息已送达")).to_be_visible()
        assert [(notice["kind"], notice["ticket"]) for notice in told] == [("test", 0)]
        page.get_by_label("种类").select_option("webhook")
        page.get_by_label("地址").fill(url)
        page.get_by_label("签名密钥").fill(SECRET)
        page.get_by_role("button", name="添加").click()
        expect(page.locator(".toast.bad").last).to_contain_text("已经有了")
    page.get_by_role("button", name="向第 1 个目标发送测试").click()
    expect(page.locator(".toast.bad").last).to_contain_text("测试没有成功")
    for path in ("targets", "history"):
        page.goto(f"/console/settings/{path}")
        assert SECRET not in page.content()
        assert "secret-path" not in page.content()
    page.goto("/console/settings/targets")
    page.get_by_role("button", name="删除第 1 个目标").click()
    confirm(page)
    expect(page.get_by_text("没有通知目标")).to_be_visible()
    assert followed[-1] == []
    page.get_by_role("button", name="恢复默认").click()
    confirm(page)
    expect(page.get_by_role("button", name="恢复默认")).to_have_count(0)
    desk.faults.clear()  # the browser notes the statuses 422 and 409


def test_thresholds_are_tried_on_the_question_set_before_they_are_saved(desk: Desk, office: Office) -> None:
    """The effect is measured as they are moved; saving holds at once, here and elsewhere."""
    page = desk.member("admin", "/console/settings/thresholds")
    effect = page.locator("#effect")
    expect(effect).to_contain_text("题集共 3 题")
    expect(effect).to_contain_text("还没有调整")
    page.get_by_label("直接回答的把握的数值").fill("1")
    right = effect.locator("tr").filter(has_text="答对").first
    expect(right).to_contain_text("差")
    expect(page.locator('[data-twin="answer"]')).to_have_value("1")
    effect.get_by_text("结果有变化的题").click()
    expect(effect).to_contain_text("回答 a-1")
    points = page.evaluate("Chart.getChart(document.querySelector('canvas[data-table=sweep]')).data.labels")
    assert points[-1] in ("1.0", "1")
    page.get_by_role("button", name="还原滑块").click()
    expect(effect).to_contain_text("还没有调整")
    page.locator('[data-twin="answer"]').fill("1")
    expect(page.get_by_label("直接回答的把握的数值")).to_have_value("1")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#panel")).to_contain_text("ADMIN 于")
    assert office.service.bot.desk.thresholds.answer == 1.0
    assert last_change(office) == ("admin", "直接回答的把握", "0.55", "1")
    assert httpx.post(f"{office.url}/api/chat", json={"text": "忘记密码"}).json()["decision"] != "answer"
    elsewhere = SqliteStore(office.folder / "conversations.db")
    assert Preferences(elsewhere, office.service.preferences.defaults).settings.threshold_answer == 1.0
    elsewhere.close()
    page.get_by_role("button", name="恢复默认").click()
    confirm(page)
    expect(page.get_by_label("直接回答的把握的数值")).to_have_value("0.55")
    assert office.service.bot.desk.thresholds.answer == 0.55


def test_a_number_may_be_emptied_while_it_is_typed(desk: Desk) -> None:
    """It counts as what is in force until there is a number again, and nobody is told off."""
    page = desk.member("admin", "/console/settings/thresholds")
    number, effect = page.get_by_label("直接回答的把握的数值"), page.locator("#effect")
    number.fill("1")
    expect(effect).to_contain_text("结果有变化的题")
    number.fill("")
    expect(effect).to_contain_text("还没有调整")
    expect(page.locator(".toast")).to_have_count(0)


def test_an_effect_that_gets_ready_between_two_looks_is_asked_for_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no failure."""
    monkeypatch.setattr(office.service.audition, "ready", lambda: None)
    monkeypatch.setattr(office.service.audition, "progress", lambda: Progress("ready", 3, 3))
    part = office.console("admin").get("/console/settings/thresholds/effect").text
    assert 'hx-trigger="load delay:1s"' in part
    assert "没有题集" not in part


def test_a_threshold_out_of_range_is_refused(desk: Desk, office: Office) -> None:
    """By the browser, and by the server whatever the browser does."""
    page = desk.member("admin", "/console/settings/thresholds")
    page.get_by_label("直接回答的把握的数值").fill("2")
    expect(page.locator(".toast.bad")).to_contain_text("应为 0 到 1 之间的数")
    desk.faults.clear()  # the browser notes the status 422
    api = office.console("admin")
    values = {"answer": "nan", "relevant": "0", "alike": "0", "near": "0", "role": "0", "suggest": "0"}
    assert api.post("/console/settings/thresholds", data=values).status_code == 422
    assert api.post("/console/settings/thresholds", data={**values, "answer": "x"}).status_code == 422
    assert office.service.bot.desk.thresholds.answer == 0.55


def test_the_history_says_who_changed_what(desk: Desk, office: Office) -> None:
    """In the order of time, whatever names are in it."""
    office.service.accounts.change("wang", display="小王", by="admin")
    page = desk.member("zhao", "/console/settings/history")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("ADMIN")
    expect(row).to_contain_text("账号 wang")
    expect(row).to_contain_text("小王，客服，在用")
    expect(page.get_by_role("table")).to_contain_text("命令行")


@pytest.mark.parametrize("path", ["accounts", "keys", "targets", "thresholds", "thresholds/effect"])
def test_what_is_for_administrators_is_refused_to_leads(office: Office, path: str) -> None:
    """And all of it to agents, and to whoever is not logged in."""
    lead = office.console("zhao")
    assert lead.get(f"/console/settings/{path}").status_code == 403
    assert lead.post(f"/console/settings/{path.partition('/')[0]}", data={}).status_code == 403
    assert office.console("wang").get(f"/console/settings/{path}").status_code == 403
    assert httpx.get(f"{office.url}/console/settings/{path}").status_code == 303


def test_agents_see_no_settings(desk: Desk, office: Office) -> None:
    """Not even those of leads, and no way to them."""
    page = desk.member("li", "/console/account")
    expect(page.get_by_role("navigation", name="主导航").get_by_role("link", name="设置")).to_have_count(0)
    agent = office.console("li")
    for tab in ("", "/hours", "/hours/week", "/canned", "/history"):
        assert agent.get(f"/console/settings{tab}").status_code == 403
    lead = desk.member("zhao", "/console/settings")
    expect(lead.get_by_role("navigation", name="设置").get_by_role("link")).to_have_text(
        ["上班时间", "常用语", "QQ", "最近的改动"]
    )


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("accounts/nobody", {"role": "agent", "display": "x"}, 404),
        ("accounts/nobody/rest", {}, 404),
        ("keys/nothing/void", {}, 404),
        ("targets/nothing/drop", {}, 404),
        ("targets/nothing/test", {}, 404),
        ("targets", {"kind": "telegram", "url": "https://x.example"}, 422),
        ("targets", {"kind": "wecom", "url": "https://x.example webhook:https://y.example#s"}, 422),
        ("canned/nothing", {"title": "a", "text": "b"}, 404),
        ("canned/nothing/drop", {}, 404),
        ("canned", {"title": "a" * 101, "text": "b"}, 422),
        ("canned", {"title": "a", "text": "b" * 2001}, 413),
        ("canned", {"title": "a", "text": "b" * 9000}, 422),
        ("hours", {"working_hours": "x" * 9000}, 422),
        ("hours", {"holidays": "2026-13-01"}, 422),
    ],
)
def test_what_cannot_be_done_is_refused_in_chinese(
    office: Office, path: str, data: dict[str, str], status: int
) -> None:
    """Unknown, wrong and too long; nothing of it is kept."""
    before = office.store.read(lambda t: len(t.alterations(1000)))
    response = office.console("admin").post(f"/console/settings/{path}", data=data)
    assert response.status_code == status, response.text
    assert any("\u4e00" <= char <= "\u9fff" for char in response.text)
    assert office.store.read(lambda t: len(t.alterations(1000))) == before


def test_every_change_wants_the_csrf_token(office: Office) -> None:
    """A form of another site changes nothing."""
    paths = changes(setting, canned, roster, target, threshold)
    assert len(paths) == 17
    for given in ({}, {"X-CSRF-Token": "a-guess"}):
        with httpx.Client(base_url=office.url, cookies=office.console("admin").cookies, headers=given) as forged:
            for path in paths:
                assert forged.post(f"/console{path}", data={}).status_code == 403, path


def test_every_change_is_for_those_it_is_for(office: Office) -> None:
    """Leads change nothing of what is for administrators, agents nothing at all."""
    for name, modules in (
        ("zhao", (roster, target, threshold)),
        ("wang", (setting, canned, roster, target, threshold)),
    ):
        for path in changes(*modules):
            response = office.console(name).post(f"/console{path}", data={})
            assert (response.status_code, response.text) == (403, "没有权限进行这项操作。"), path


def test_a_lead_cannot_raise_anybody(office: Office) -> None:
    """Neither by the console nor by the API."""
    lead, me = office.console("zhao"), {"name": "zhao", "display": "x", "role": "admin", "password": "a long password"}
    assert lead.post("/console/settings/accounts/zhao", data=me).status_code == 403
    for method, path in (("PATCH", "users/zhao"), ("PUT", "users/zhao"), ("POST", "users"), ("POST", "keys")):
        response = lead.request(method, f"/api/staff/{path}", json={**me, "label": "x"})
        assert response.status_code in (403, 404, 405), path
    assert [each.role for each in office.service.accounts.all() if each.name == "zhao"] == ["lead"]
