"""QQ in the console, in a real browser: what became of messages, links for who is not reached, bots and groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import fake
import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits
from playwright.sync_api import Page, Route, expect
from staffed import Office, office_in

from bot.api.staff_chat import chat_of
from bot.hours import SHANGHAI
from bot.model import Author, Conversation
from bot.qq.exchange import Connection
from bot.qq.model import Address, Chat, Opening, Piece, PieceState, Platform
from bot.qq.official import OfficialLine
from bot.qq.onebot import OneBotLine
from bot.qq.parcel import NOT_ASKED_FOR, Packing
from bot.qq.standing import GONE

pytest_plugins = ("browsing",)

USER, GROUP = "C0FFEE00C0FFEE00C0FFEE00C0FFEE00", "DECAF000DECAF000DECAF000DECAF7A7"
REASON = "对方拒收机器人的消息"
BANNED = "机器人已下线或被封禁（错误码 40054016）"
COUNT = itertools.count(1)


class Exchange:
    """An exchange as the console knows it: its lines have their platforms' limits, and lead nowhere."""

    def __init__(self) -> None:
        self.stands: list[Connection] = []
        lines = {"qq": OfficialLine(lambda _: None), "onebot": OneBotLine(lambda _: None)}
        self.packing = Packing(lines, str, str, str, str, "")  # type: ignore[arg-type]

    def connections(self) -> list[Connection]:
        return self.stands

    def trouble(self, chat: Chat) -> str | None:
        return None if self.packing.is_open(chat) else "over"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server that visitors know by an address, with a way to QQ."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PUBLIC_URL", "https://help.example.com")
        entries = (fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"),)
        office = stack.enter_context(office_in(tmp_path_factory.mktemp("office"), *entries))
        office.app.state.service = replace(office.service, exchange=Exchange())  # type: ignore[arg-type]
        yield office


@dataclass(frozen=True)
class Talk:
    """A conversation that is held on QQ, with a ticket that 小王 has."""

    office: Office
    id: str
    number: int

    @classmethod
    def on(
        cls, office: Office, platform: Platform = "qq", group: str | None = None, ago: timedelta = timedelta()
    ) -> Talk:
        n = next(COUNT)
        made = cls(office, f"conversation-on-qq-{n}", office.ticket(f"conversation-on-qq-{n}"))
        office.member("wang").post(f"/tickets/{made.number}/take")
        address = Address(platform, "1024", f"{USER}{n}", group and f"{group}{n}")
        last = office.store.read(lambda rows: rows.last_messages(made.id, 1))[0].sequence
        chat = Chat(made.id, address, last, (Opening("message-1", datetime.now(UTC) - ago),))
        office.store.write(lambda rows: rows.put_chat(chat))
        return made

    def say(self, text: str, *states: PieceState, reason: str | None = None, author: Author = "agent") -> list[Piece]:
        """Write to the visitor; the message's pieces are in these states, and where there are none, it has none yet."""
        now = datetime.now(UTC)

        def work(rows: Any) -> list[Piece]:
            message = rows.add_message(self.id, author, text, now=now, agent="WANG" if author == "agent" else None)
            pieces = [
                Piece(self.id, message.sequence, number, text, state, now, reason=reason)
                for number, state in enumerate(states)
            ]
            if pieces:
                rows.add_pieces(pieces)
                rows.put_chat(replace(rows.chat(self.id), cursor=message.sequence))
            return pieces

        pieces = self.office.store.write(work)
        self.office.service.live.changed(self.id)
        return pieces

    def put(self, piece: Piece) -> None:
        """Something came of a piece."""
        self.office.store.write(lambda rows: rows.put_piece(piece))
        self.office.service.live.changed(self.id)

    def page(self, desk: Desk, name: str = "wang", **options: Any) -> Page:
        """The ticket in somebody's browser, once all that was said stands there."""
        page = desk.member(name, f"/console/tickets/{self.number}", **options)
        said = self.office.store.read(lambda rows: rows.messages(self.id))
        expect(page.locator("#messages .message")).to_have_count(len(said))
        return page


@contextmanager
def without(office: Office, part: str) -> Iterator[None]:
    """The same server without one of its parts, for as long as the block lasts."""
    whole = office.service
    office.app.state.service = replace(whole, **{part: None})  # type: ignore[arg-type]
    try:
        yield
    finally:
        office.app.state.service = whole


def delivery(page: Page, text: str) -> Any:
    """What stands under a message of what became of it."""
    return page.locator("#messages .message", has_text=text).locator(".delivery")


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_a_conversation_on_qq_is_accessible_and_fits(
    desk: Desk, office: Office, size: tuple[int, int], scheme: str
) -> None:
    """With a message in every state, and a link made for the visitor."""
    talk = Talk.on(office, group=GROUP)
    talk.say("已经到了", "sent")
    talk.say("还在路上", "sending")
    talk.say("很长的回答", "sent", "held", author="bot")
    talk.say("没有到", "failed", reason=REASON)
    page = talk.page(desk, size=size, scheme=scheme)
    expect(page.locator("#ticket-head")).to_contain_text("QQ 群")
    page.get_by_role("button", name="发给访客网页咨询链接").click()
    expect(page.locator("#link")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    assert USER not in page.content()
    assert GROUP not in page.content()


def test_each_message_that_did_not_arrive_says_so(desk: Desk, office: Office) -> None:
    """Failed with the reason, under way, held; nothing for what arrived, and nothing about who read it."""
    talk = Talk.on(office)
    talk.say("已经到了", "sent", "sent")
    talk.say("还在路上", "sent", "queued")
    talk.say("平台没有回应", "sending", reason="平台暂时没能发出")
    talk.say("很长的回答", "sent", "held", author="bot")
    talk.say("没有到", "failed", reason=REASON)
    page = talk.page(desk)
    expect(page.locator("#ticket-head")).to_contain_text("QQ 私聊")
    expect(delivery(page, "没有到")).to_have_text(f"未送达：{REASON}")
    expect(delivery(page, "还在路上")).to_have_text("发送中")
    expect(delivery(page, "平台没有回应")).to_have_text("发送中：平台暂时没能发出")
    expect(delivery(page, "很长的回答")).to_have_text("其余部分待访客回复“继续”")
    expect(delivery(page, "已经到了")).to_have_count(0)
    assert "未读" not in page.locator("#messages").inner_text()


def test_what_becomes_of_a_message_shows_at_once(desk: Desk, office: Office) -> None:
    """Before it has pieces, while they are under way, when they arrived, and when they did not."""
    talk = Talk.on(office)
    page = talk.page(desk)
    offer = page.get_by_role("button", name="发给访客网页咨询链接")
    talk.say("马上为您处理")
    expect(delivery(page, "马上为您处理")).to_have_text("发送中")
    [piece] = talk.say("请看这里", "sending")
    expect(delivery(page, "请看这里")).to_have_text("发送中")
    talk.put(replace(piece, state="sent"))
    expect(delivery(page, "请看这里")).to_have_count(0)
    expect(offer).to_have_count(0)
    talk.put(replace(piece, state="failed", reason=REASON))
    expect(delivery(page, "请看这里")).to_have_text(f"未送达：{REASON}")
    expect(offer).to_be_visible()
    expect(page.locator("#ticket-qq")).to_contain_text("有消息没有送达访客")


def test_what_fails_while_the_page_is_drawn_is_not_missed(desk: Desk, office: Office) -> None:
    """The page was drawn before, and listens only after."""
    talk = Talk.on(office)
    [piece] = talk.say("请看这里", "sending")
    page = desk.member("wang", "/console/account")

    def fail_first(route: Route) -> None:
        talk.put(replace(piece, state="failed", reason=REASON))
        route.continue_()

    page.route("**/events?*", fail_first)
    page.goto(f"/console/tickets/{talk.number}")
    expect(page.locator("#ticket-qq")).to_contain_text("有消息没有送达访客")


def test_a_conversation_of_the_web_says_nothing_of_qq(desk: Desk, office: Office) -> None:
    """It has marks of reading, and no link to be made."""
    number = office.ticket("conversation-of-the-web")
    wang = office.member("wang")
    wang.post(f"/tickets/{number}/take")
    wang.post(f"/tickets/{number}/reply", json={"text": "您好"})
    page = desk.member("wang", f"/console/tickets/{number}")
    expect(page.locator("#messages .agent .mark")).to_have_text("未读")
    assert "QQ" not in page.locator("#ticket-head").inner_text()
    expect(page.locator("#ticket-qq")).to_be_hidden()
    assert office.console("wang").post(f"/console/tickets/{number}/link").status_code == 404


def test_the_link_leads_into_the_conversation_once_and_is_noted(desk: Desk, office: Office) -> None:
    """It is shown with a button that copies it; the ticket's history says that it was made, and not what it is."""
    talk = Talk.on(office)
    talk.say("没有到", "failed", reason=REASON)
    page = talk.page(desk, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="发给访客网页咨询链接").click()
    address = page.locator("#link").inner_text()
    start, _, code = address.partition("#")
    assert start == "https://help.example.com/join"
    page.get_by_role("button", name="复制网页咨询链接").click()
    expect(page.locator(".toast")).to_contain_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == address
    expect(page.locator("#ticket-side .history")).to_contain_text("已生成网页咨询链接")
    expect(page.locator("#link")).to_have_text(address)
    page.reload()
    expect(page.locator("#ticket-side .history")).to_contain_text("已生成网页咨询链接")
    assert code not in page.content()
    invitations = office.service.invitations
    assert invitations is not None
    assert invitations.take(code, "a-key-of-the-visitors-own").conversation_id == talk.id


def test_a_link_is_for_the_owner_and_for_leads(desk: Desk, office: Office) -> None:
    """Colleagues see no button, and are refused without one; so is a form of another site."""
    talk = Talk.on(office)
    talk.say("没有到", "failed", reason=REASON)
    path = f"/console/tickets/{talk.number}/link"
    page = talk.page(desk, "li")
    expect(page.locator("#ticket-qq")).to_contain_text("有消息没有送达访客")
    expect(page.get_by_role("button", name="发给访客网页咨询链接")).to_have_count(0)
    assert office.console("li").post(path).status_code == 409
    expect(talk.page(desk, "zhao").get_by_role("button", name="发给访客网页咨询链接")).to_be_visible()
    assert office.console("zhao").post(path).status_code == 200
    with httpx.Client(base_url=office.url, cookies=office.console("wang").cookies) as forged:
        assert forged.post(path).status_code == 403
    assert httpx.post(office.url + path).status_code == 303


def test_where_the_address_is_not_known_the_console_says_which_setting_it_is(desk: Desk, office: Office) -> None:
    """And offers no button that cannot work."""
    talk = Talk.on(office)
    talk.say("没有到", "failed", reason=REASON)
    with without(office, "invitations"):
        page = talk.page(desk)
        expect(page.locator("#ticket-qq")).to_contain_text("PUBLIC_URL")
        expect(page.get_by_role("button", name="发给访客网页咨询链接")).to_have_count(0)
        assert office.console("wang").post(f"/console/tickets/{talk.number}/link").status_code == 409


@pytest.mark.parametrize(
    ("platform", "group", "minutes", "trouble"),
    [
        ("qq", None, 58, None),
        ("qq", None, 60, "over"),
        ("qq", GROUP, 4, None),
        ("qq", GROUP, 5, "over"),
        ("onebot", None, 600, None),
        ("onebot", GROUP, 600, None),
    ],
)
def test_the_time_to_reply_is_over_when_the_platform_says_so(
    office: Office, platform: Platform, group: str | None, minutes: int, trouble: str | None
) -> None:
    """After an hour in private, five minutes in a group; on OneBot never."""
    talk = Talk.on(office, platform, group, timedelta(minutes=minutes))
    found = chat_of(talk.id, office.service)
    assert found is not None
    assert (found.group, found.trouble) == (group is not None, trouble)


def test_without_a_way_to_qq_nobody_is_reached_there(office: Office) -> None:
    """Whatever time there would be to reply."""
    found = chat_of(Talk.on(office).id, replace(office.service, exchange=None))
    assert found is not None
    assert found.trouble == "unset"


def test_a_link_is_offered_when_the_time_to_reply_is_over_while_the_ticket_is_open(desk: Desk, office: Office) -> None:
    """Once it has ended, nobody has to be reached."""
    talk = Talk.on(office, ago=timedelta(hours=2))
    page = talk.page(desk)
    expect(page.locator("#ticket-qq")).to_contain_text("QQ 允许回复的时间或次数已用完")
    expect(page.get_by_role("button", name="发给访客网页咨询链接")).to_be_visible()
    office.member("wang").post(f"/tickets/{talk.number}/resolve")
    expect(page.locator("#ticket-qq")).to_be_hidden()


@pytest.fixture
def groups(office: Office) -> tuple[str, str]:
    """Two groups that were heard from, a long id and a short one."""
    n = next(COUNT)
    found = (f"{GROUP}{n:06}", f"88{n:04}77")
    office.store.write(lambda rows: rows.see_group("qq", "1024", found[0], datetime.now(UTC)))
    office.store.write(lambda rows: rows.see_group("onebot", "2048", found[1], datetime.now(UTC)))
    return found


@pytest.fixture
def stands(office: Office) -> Iterator[list[Connection]]:
    """How the bots stand: one that is ready, one that is not, and one that the platform does not take."""
    exchange: Any = office.service.exchange
    exchange.stands = [
        Connection("onebot", "2048", GONE, None),
        Connection("qq", "1024", None, datetime.now(UTC)),
        Connection("qq", "4096", BANNED, datetime.now(UTC)),
    ]
    yield exchange.stands
    exchange.stands = []


@pytest.mark.usefixtures("groups", "stands")
@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_the_settings_of_qq_are_accessible_and_fit(desk: Desk, size: tuple[int, int], scheme: str) -> None:
    """How each bot stands and why, and the groups, whose ids are shortened."""
    page = desk.member("zhao", "/console/settings/qq", size=size, scheme=scheme)
    expect(page.locator("li", has_text="1024")).to_contain_text("可以收发")
    expect(page.locator("li", has_text="2048")).to_contain_text(f"不可用 {GONE}")
    expect(page.locator("li", has_text="4096")).to_contain_text(f"不可用 {BANNED}")
    expect(page.locator("li", has_text="2048")).to_contain_text("启动以来没有收到消息")
    expect(page.locator("form").first).to_be_visible()
    assert GROUP not in page.locator("#panel").inner_text()
    check_accessible(page)
    check_fits(page)


def test_a_group_is_set_and_the_history_says_so(desk: Desk, office: Office, groups: tuple[str, str]) -> None:
    """What it is about, and whether the bot speaks there; both hold at once."""
    name = f"…{groups[0][-6:]}"
    page = desk.member("zhao", "/console/settings/qq")
    form = page.locator("form", has_text=name)
    form.get_by_label("的系统").select_option("a")
    form.get_by_label("机器人在群").select_option("quiet")
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".toast")).to_contain_text("已保存")
    kept = office.store.read(lambda rows: rows.group("qq", "1024", groups[0]))
    assert kept is not None
    assert (kept.system, kept.mode) == ("a", "quiet")
    line = office.store.read(lambda rows: rows.alterations(1))[0]
    system = form.locator("option[selected]").first.inner_text()
    assert (line.by, line.subject, line.before) == ("zhao", f"QQ 群 {name}", "回答，不限系统")
    assert line.after == f"只回答有把握的，{system}"
    form.get_by_label("的系统").select_option("")
    form.get_by_label("机器人在群").select_option("off")
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".toast")).to_have_count(2)
    expect(form.get_by_role("button", name="保存")).to_be_focused()
    kept = office.store.read(lambda rows: rows.group("qq", "1024", groups[0]))
    assert kept is not None
    assert (kept.system, kept.mode) == (None, "off")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"group": "nothing"}, 404),
        ({"platform": "telegram"}, 422),
        ({"mode": "loud"}, 422),
        ({"system": "nothing"}, 404),
        ({"seen": "off "}, 409),
        ({"system": "x" * 201}, 422),
    ],
)
def test_what_cannot_be_set_is_refused_in_chinese(
    office: Office, groups: tuple[str, str], given: dict[str, str], status: int
) -> None:
    """Unknown, wrong, too long, or changed by somebody else meanwhile; nothing of it is kept."""
    before = office.store.read(lambda rows: (rows.groups(), len(rows.alterations(1000))))
    whole = {"platform": "qq", "self_id": "1024", "group": groups[0], "mode": "off", "seen": "answer ", "system": "a"}
    response = office.console("zhao").post("/console/settings/qq", data=whole | given)
    assert response.status_code == status, response.text
    assert any("\u4e00" <= char <= "\u9fff" for char in response.text)
    assert office.store.read(lambda rows: (rows.groups(), len(rows.alterations(1000)))) == before


def test_groups_are_for_leads_to_set_and_not_for_other_sites(office: Office, groups: tuple[str, str]) -> None:
    """Agents neither see nor change them; a form without the CSRF token changes nothing."""
    whole = {"platform": "qq", "self_id": "1024", "group": groups[0], "mode": "off", "seen": "answer "}
    assert office.console("wang").get("/console/settings/qq").status_code == 403
    assert office.console("wang").post("/console/settings/qq", data=whole).status_code == 403
    with httpx.Client(base_url=office.url, cookies=office.console("zhao").cookies) as forged:
        assert forged.post("/console/settings/qq", data=whole).status_code == 403
    kept = office.store.read(lambda rows: rows.group("qq", "1024", groups[0]))
    assert kept is not None
    assert kept.mode == "answer"


def test_without_a_way_to_qq_the_settings_say_which_settings_make_one(desk: Desk, office: Office) -> None:
    """Rather than that all is well."""
    with without(office, "exchange"):
        page = desk.member("zhao", "/console/settings/qq")
    expect(page.get_by_text("没有接通 QQ")).to_be_visible()
    expect(page.locator("#panel")).to_contain_text("QQ_APPS")
    expect(page.locator("#panel")).to_contain_text("ONEBOT_TOKEN")


def test_the_figures_tell_conversations_on_qq_from_those_of_the_web(desk: Desk, office: Office) -> None:
    """On the page and in the API; those that are counted together are all there are."""
    now = datetime.now(UTC)
    before = office.member("zhao").get("/metrics").json()["channels"]

    def work(rows: Any) -> None:
        for n in range(2):
            rows.add_conversation(Conversation(f"counted-on-qq-{n}", "qq", "a", now, now))
            rows.add_message(f"counted-on-qq-{n}", "visitor", "账号锁了", now=now)

    office.store.write(work)
    office.ticket("counted-on-the-web")
    figures = office.member("zhao").get("/metrics").json()
    assert figures["channels"] == {"web": before.get("web", 0) + 1, "qq": before.get("qq", 0) + 2}
    assert sum(figures["channels"].values()) == figures["conversations"]
    page = desk.member("zhao", "/console/analytics")
    expect(page.locator(".sums")).to_contain_text(f"网页 {before.get('web', 0) + 1}，QQ {before.get('qq', 0) + 2}；")


QQ_TABLE = "QQ 送达的表格"


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_the_figures_tell_what_became_of_what_went_out(
    desk: Desk, office: Office, size: tuple[int, int], scheme: str
) -> None:
    """By platform and by pieces, with the reasons of what failed; the same as in the API."""
    talk = Talk.on(office)
    talk.say("到了一半", "sent", "failed", reason=REASON)
    talk.say("还在路上", "queued", "sending")
    talk.say("很长的回答", "sent", "held", author="bot")
    talk.say("没有看完", "failed", reason=NOT_ASKED_FOR, author="bot")
    Talk.on(office, "onebot").say("到了", "sent")
    page = desk.member("zhao", "/console/analytics?days=7", size=size, scheme=scheme)
    table = page.get_by_role("region", name=QQ_TABLE)
    found = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()
    }
    pieces = office.member("zhao").get("/metrics").json()["qq"]["pieces"]
    names = ("sent", "waiting", "held", "unasked", "failed")
    assert found == {
        "QQ 官方机器人": [str(pieces["qq"][name]) for name in names],
        "OneBot": [str(pieces["onebot"][name]) for name in names],
    }
    assert all(pieces["qq"][name] for name in names)
    reasons = page.locator("section", has=page.locator("#title-qq")).locator("li")
    expect(reasons.first).to_contain_text(f"{REASON}{pieces['qq']['reasons'][REASON]} 段")
    check_accessible(page)
    check_fits(page)


def test_the_figures_say_nothing_of_what_went_out_where_nothing_could(desk: Desk, office: Office) -> None:
    """Without a way to QQ there is no table; the API and readiness have nothing either."""
    office.ticket(f"of-the-web-{next(COUNT)}")
    with without(office, "exchange"):
        page = desk.member("zhao", "/console/analytics?days=7")
        expect(page.locator("#title-volume")).to_be_visible()
        expect(page.locator("#title-qq")).to_have_count(0)
        assert office.member("zhao").get("/metrics").json()["qq"] is None
        assert httpx.get(f"{office.url}/readyz").json()["qq"] == []


def test_the_figures_say_so_where_nothing_was_to_go_out(desk: Desk, office: Office) -> None:
    """Rather than a table of noughts."""
    then = datetime.now(UTC) - timedelta(days=40)

    def work(rows: Any) -> None:
        rows.add_conversation(Conversation("of-the-web-long-ago", "web", "a", then, then))
        rows.add_message("of-the-web-long-ago", "visitor", "账号锁了", now=then)

    office.store.write(work)
    day = then.astimezone(SHANGHAI).date()
    page = desk.member("zhao", f"/console/analytics?from={day}&to={day}")
    expect(page.get_by_text("这段时间没有要发到 QQ 的消息")).to_be_visible()
    expect(page.get_by_role("region", name=QQ_TABLE)).to_have_count(0)
