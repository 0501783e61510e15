"""Take the READMEs' pictures: a month of made-up consultations in a database, a real server, a real browser.

    python tests/screenshots.py [FOLDER]        default: docs

The month is said through the bot itself, with its clock set back; the last visitor and the agent sit in the browser.
"""

from __future__ import annotations

import io
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from browse import QUIET
from conftest import ROOT, running_server
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from bot import upkeep
from bot.account import Accounts
from bot.agent import Agents
from bot.dialogue import Bot
from bot.hours import SHANGHAI
from bot.model import Staff
from bot.settings import Settings
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Pass

DAYS, PER_DAY = 28, 16
PASSWORD = "a long enough password"
ASKED = [
    "申报密码忘了，手机号也换了怎么办",
    "账号被锁了",
    "单位注册时信用代码填错了",
    "年度更新在哪里做",
    "回执打印出来是404",
    "提示存在未审批通过的数据",
    "收不到验证码",
    "怎么添加新的区域",
    "许可证到期了怎么延期",
    "登录提示账号不存在",
    "更新密码以后还是提示密码错误",
    "经营方式不知道选哪个",
    "页面被阻断进不去",
    "换了地址要重新申报吗",
    "怎么导入老系统的数据",
    "转人工",
    "审核不通过想申诉",
    "体检机构怎么选",
    "法人变更了在哪里改",
    "接触总人数怎么填",
    "发票在哪里开",
    "培训证书怎么查",
]


@dataclass
class Clock:
    """What the bot and the agents take for now."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def fill(settings: Settings) -> None:
    """A month of consultations on working days, most of them in office hours, with feedback and tickets."""
    chance = random.Random(7)
    clock = Clock(datetime.now(UTC))
    with closing(SqliteStore(settings.database)) as store:
        accounts = Accounts(store)
        accounts.add("zhao", "赵敏", "admin", PASSWORD)
        agent = accounts.add("wang", "小王", "agent", PASSWORD)
        bot = Bot(store, upkeep.open_desk(settings), settings.office, clock=clock)
        dossiers = {name: reason.dossier for name, reason in bot.desk.reasons.items()}
        agents = Agents(store, bot.live, lambda: dossiers, clock=clock)
        today = clock.now.astimezone(SHANGHAI).replace(hour=0, minute=0)
        for day in range(DAYS, 0, -1):
            date = today - timedelta(days=day)
            many = PER_DAY if date.weekday() < 5 else PER_DAY // 4
            for _ in range(chance.randint(many // 2, many)):
                clock.now = date + timedelta(hours=chance.choice((8, 9, 9, 10, 10, 11, 14, 15, 15, 16, 20)))
                clock.now += timedelta(minutes=chance.randint(0, 59))
                consult(bot, agents, agent, chance, clock)


def consult(bot: Bot, agents: Agents, agent: Staff, chance: random.Random, clock: Clock) -> None:
    """One visitor."""
    holder = bot.begin(chance.choice(("zyb", "zyb", "whjy")))
    for text in chance.sample(ASKED, chance.choice((1, 1, 2, 3))):
        turn = bot.turn(Incoming(text, client_message_id=secrets.token_urlsafe(16)), holder)
        clock.now += timedelta(seconds=chance.randint(20, 90))
        if turn.reply and turn.reply.decision == "answer" and chance.random() < 0.4:
            bot.rate_answer(holder, turn.message_id, helpful=chance.random() < 0.85, reason="")
    settle(bot, agents, agent, holder, chance, clock)


def settle(bot: Bot, agents: Agents, agent: Staff, holder: Pass, chance: random.Random, clock: Clock) -> None:
    """What a person does with the tickets, if there are any."""
    for ticket in bot.view(holder).tickets:
        if ticket.status == "waiting":
            clock.now += timedelta(minutes=chance.randint(1, 25))
            agents.take(ticket.number, agent)
            agents.reply(ticket.number, agent, "您好，请稍等，我查一下。", client_message_id=secrets.token_urlsafe(16))
            clock.now += timedelta(minutes=chance.randint(2, 20))
            agents.resolve(ticket.number, agent)
            bot.rate_ticket(holder, ticket.number, chance.choice((3, 4, 4, 5, 5, 5)), "")


def screenshot() -> bytes:
    """What a visitor sends of the search for "IP"."""
    image = Image.new("RGB", (640, 220), "#f5f7fa")
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 616, 64), fill="#ffffff", outline="#c5ccd6")
    draw.text((40, 36), "IP", fill="#1b2430", font_size=16)
    draw.text((40, 96), "203.0.113.25", fill="#1459c4", font_size=32)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def pictures(browser: Browser, url: str, folder: Path) -> None:
    """All of them."""
    host = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN").new_page()
    host.route(f"{url}/host", lambda route: route.fulfill(body=HOST, content_type="text/html"))
    host.goto(f"{url}/host")
    host.get_by_role("button", name="在线咨询").click()
    say(host, "账号被锁了，帮我解一下")
    host.get_by_role("button", name="申请解锁账号").wait_for()
    host.mouse.move(1, 1)
    host.wait_for_timeout(1000)
    host.screenshot(path=folder / "widget.png")

    phone = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN").new_page()
    phone.goto(f"{url}/?system=zyb")
    say(phone, "回执打印404")
    phone.get_by_role("button", name="有帮助").wait_for()
    phone.wait_for_timeout(1000)
    phone.screenshot(path=folder / "widget-phone.png")

    host.get_by_role("button", name="申请解锁账号").click()
    host.get_by_role("button", name="同意").click()
    answer(host, lambda: say(host, "13812345678"))
    host.get_by_role("button", name="选择图片").wait_for()
    host.locator("online-chat input[type=file]").set_input_files(
        {"name": "ip.png", "mimeType": "image/png", "buffer": screenshot()}
    )
    answer(host, lambda: host.get_by_role("button", name="发送", exact=True).click())
    answer(host, host.get_by_role("button", name="确认", exact=True).click)
    host.wait_for_timeout(1000)

    desk = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN").new_page()
    desk.goto(f"{url}/console/login?next=/console/queue")
    desk.get_by_label("用户名").fill("wang")
    desk.get_by_label("密码").fill(PASSWORD)
    desk.get_by_role("button", name="登录").click()
    desk.get_by_role("button", name="接待").first.click()
    desk.get_by_role("heading", name="申请解锁账号").first.wait_for()
    desk.get_by_label("回复").first.fill("您好，已收到您的 IP 截图，马上为您解锁。")
    desk.wait_for_timeout(1500)
    desk.screenshot(path=folder / "console-ticket.png")
    desk.goto(f"{url}/console/?q=密码忘了怎么办")
    desk.wait_for_timeout(1000)
    desk.screenshot(path=folder / "console-search.png")

    lead = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN").new_page()
    lead.goto(f"{url}/console/login?next=/console/doubts")
    lead.get_by_label("用户名").fill("zhao")
    lead.get_by_label("密码").fill(PASSWORD)
    lead.get_by_role("button", name="登录").click()
    lead.wait_for_timeout(20_000)  # until the questions are grouped by meaning
    lead.reload()
    lead.wait_for_timeout(1000)
    lead.screenshot(path=folder / "console-doubts.png")
    lead.goto(f"{url}/console/analytics")
    lead.wait_for_timeout(2000)
    lead.screenshot(path=folder / "console-analytics.png")


def say(page: Page, text: str) -> None:
    """The visitor types it and presses Enter."""
    field = page.get_by_role("textbox").or_(page.get_by_role("combobox")).last
    field.fill(text)
    field.press("Enter")


def answer(page: Page, deed: Callable[[], object]) -> None:
    """Do it and wait for the bot's reply."""
    with page.expect_response("**/api/chat"):
        deed()


HOST = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>职业病危害项目申报系统</title>
<link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/console/console.css">
<header class="bar"><strong>职业病危害项目申报系统</strong></header>
<main><div class="split half"><section class="card stack"><h1>用人单位登录</h1><label>登录账号<input></label>
<label>密码<input type="password"></label><p><button class="strong">登录</button></p></section></div></main>
<script src="/widget.js" data-system="zyb" data-color="#1668dc" defer></script></html>"""


def main(folder: Path) -> None:
    """Fill a folder of data, serve it, take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        (data / "models").symlink_to(ROOT / "var" / "models")
        settings = Settings(_env_file=None, data_dir=data)  # type: ignore[call-arg]
        upkeep.build(settings)
        fill(settings)
        program = shutil.which("chromium") or shutil.which("google-chrome")
        with running_server(data) as (url, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
            pictures(browser, url, folder)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
