"""A conversation in the console, in a real browser against a real server, with visitors who write meanwhile."""

from __future__ import annotations

import io
import itertools
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import fake
import httpx
import pytest
from browse import PHONE as SMALL
from browse import VIEWS, Desk, check_accessible, check_fits, first_held
from PIL import Image
from playwright.sync_api import Page, Route, expect
from staffed import HIDDEN, PASSWORD, PHONE, Office, Stream, office_in, until

from bot.agent import AgentError
from bot.api.staff_caller import Caller
from bot.console.ticket import last_said, legal
from bot.model import Canned, Decision, Escalation, Message, Reply, Staff, TicketStatus
from bot.ticket import IllegalChange

pytest_plugins = ("browsing",)

LOCKED = fake.entry("a-1", "账号被锁定怎么办", "请等六小时。\n1. 先退出；\n2. 再登录。", "账号锁住了")
FORGOT = fake.entry("a-2", "忘记密码怎么办", "点击“忘记密码”。", "密码忘了")
EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
COUNT = itertools.count(1)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with staff, two entries and two replies kept ready."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("RATE_TICKETS", "1000/hour")
        office = stack.enter_context(office_in(tmp_path_factory.mktemp("office"), LOCKED, FORGOT))
        for n, (title, text) in enumerate([("请稍等", "您好，正在为您查询。"), ("已解锁", "您的账号已解锁。")]):
            kept = Canned(f"{n:016}", title, text, datetime.now(UTC))
            office.store.write(lambda transaction, kept=kept: transaction.put_canned(kept))
        yield office


@dataclass
class Visitor:
    """Somebody who asked for a person, over the API."""

    client: httpx.Client
    id: str
    ticket: int

    @classmethod
    def of(cls, office: Office, *said: str) -> Visitor:
        client = office.open.enter_context(httpx.Client(base_url=f"{office.url}/api", timeout=10))
        made = cls(client, "", 0)
        for text in (*said, "转人工"):
            reply = made.say(text)
            if "Authorization" not in client.headers:
                client.headers["Authorization"] = f"Bearer {reply['conversation_token']}"
                made.id = reply["conversation_id"]
        made.ticket = reply["escalation"]["ticket"]
        return made

    def say(self, text: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"client_message_id": secrets.token_hex(16), "conversation_id": self.id or None, **more}
        response = self.client.post("/chat", json=body | ({"text": text} if text else {}))
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    def send_picture(self) -> None:
        """A screenshot."""
        file = io.BytesIO()
        Image.new("RGB", (320, 200), "navy").save(file, "PNG")
        kept = self.client.post(f"/conversations/{self.id}/pictures", content=file.getvalue()).json()
        self.say(picture=kept["picture_id"])

    def history(self) -> dict[str, Any]:
        """The conversation as the visitor sees it."""
        kept: dict[str, Any] = self.client.get(f"/chat/{self.id}").json()
        return kept

    def heard(self) -> list[dict[str, Any]]:
        """What people wrote to the visitor."""
        return [message for message in self.history()["messages"] if message["author"] == "agent"]


def opened(desk: Desk, visitor: Visitor, name: str = "wang", **options: Any) -> Page:
    """The visitor's ticket in somebody's browser, once all that was said stands there."""
    page = desk.member(name, f"/console/tickets/{visitor.ticket}", **options)
    expect(page.locator("#messages .message")).to_have_count(len(visitor.history()["messages"]))
    return page


def taken(desk: Desk, office: Office, visitor: Visitor, **options: Any) -> Page:
    """The same after it was taken."""
    office.member("wang").post(f"/tickets/{visitor.ticket}/take")
    page = opened(desk, visitor, **options)
    expect(page.get_by_label("回复访客")).to_be_visible()
    return page


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_a_conversation_is_accessible_and_fits_in_all_its_states(
    desk: Desk, office: Office, size: tuple[int, int], scheme: str
) -> None:
    """Waiting, in hand with everything open that can be opened, and ended."""
    visitor = Visitor.of(office, "账号锁住了怎么办")
    visitor.send_picture()
    page = opened(desk, visitor, size=size, scheme=scheme)
    check_accessible(page)
    check_fits(page)
    page.get_by_role("button", name="接待", exact=True).click()
    field = page.get_by_label("回复访客")
    expect(field).to_be_focused()
    visitor.say("密码忘了怎么办")
    page.locator("#suggestions button").first.click()
    field.fill("/")
    expect(page.get_by_role("listbox", name="常用语")).to_be_visible()
    if size[0] < 1000:
        page.get_by_text("资料与记录").click()
    check_accessible(page)
    check_fits(page)
    page.keyboard.press("Control+k")
    page.get_by_label("搜索知识库").fill("密码忘了")
    expect(page.locator(".verdict")).to_be_visible()
    check_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="转交").click()
    check_accessible(page)
    page.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="已处理").click()
    page.locator("dialog[open]").get_by_role("button", name="已处理").click()
    expect(page.locator("#ticket-head .tag")).to_have_text("已处理")
    expect(field).to_be_hidden()
    check_accessible(page)
    check_fits(page)


def test_personal_data_show_in_full_only_to_who_has_the_ticket(desk: Desk, office: Office) -> None:
    """Hidden in dossier and chat until it is taken, then in full, and hidden again once it is given back."""
    visitor = Visitor.of(office, f"我的电话是{PHONE}，账号锁住了")
    page = opened(desk, visitor)
    expect(page.locator("#messages")).to_contain_text(HIDDEN)
    assert PHONE not in page.locator("body").inner_text()
    page.get_by_role("button", name="接待", exact=True).click()
    expect(page.locator("#messages")).to_contain_text(PHONE)
    expect(page.get_by_text("由我接待")).to_be_visible()
    page.get_by_role("button", name="放回队列").click()
    page.locator("dialog[open]").get_by_role("button", name="放回队列").click()
    expect(page.locator("#messages")).to_contain_text(HIDDEN)
    expect(page.get_by_role("button", name="接待", exact=True)).to_be_visible()
    assert PHONE not in page.locator("body").inner_text()


def test_a_value_of_the_dossier_is_copied_with_one_click(desk: Desk, office: Office) -> None:
    """Only where it stands in full: what is hidden is no use to anybody."""
    number = office.ticket(f"conversation-to-copy-{next(COUNT)}")
    page = desk.member("wang", f"/console/tickets/{number}", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator(".dossier")).to_contain_text(HIDDEN)
    expect(page.locator(".dossier").get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="接待", exact=True).click()
    page.get_by_role("button", name="复制phone").click()
    expect(page.locator(".toast")).to_contain_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == PHONE


def test_what_the_visitor_tried_and_what_became_of_it_stand_beside_the_chat(desk: Desk, office: Office) -> None:
    """Questions with the entries they were answered with, whether these helped, and the other tickets."""
    visitor = Visitor.of(office, "账号锁住了怎么办")
    answer = next(message for message in visitor.history()["messages"] if message["reply"])
    rating = {"message_id": answer["message_id"], "helpful": False, "reason": "试过了"}
    assert visitor.client.post(f"/conversations/{visitor.id}/feedback", json=rating).status_code == 204
    page = opened(desk, visitor)
    tried = page.locator("#ticket-side section", has=page.get_by_role("heading", name="已经问过机器人"))
    expect(tried.get_by_role("listitem").first).to_contain_text("账号锁住了怎么办")
    expect(tried.get_by_role("listitem").first).to_contain_text(LOCKED.question)
    expect(tried).to_contain_text("没帮助")
    expect(tried).to_contain_text("试过了")
    bot = page.locator("#messages .bot", has_text=LOCKED.question)
    assert LOCKED.answer in bot.inner_text()
    expect(bot).to_contain_text("a-1")
    expect(bot).to_contain_text("已答")


def test_the_screenshot_opens_in_full(desk: Desk, office: Office) -> None:
    """A thumbnail in the chat leads to the whole picture in a dialog, and Escape back."""
    visitor = Visitor.of(office)
    visitor.send_picture()
    page = taken(desk, office, visitor)
    page.get_by_role("button", name="查看图片").click()
    whole = page.locator("#picture img")
    expect(whole).to_be_visible()
    until(lambda: whole.evaluate("image => image.naturalWidth") == 320)
    page.keyboard.press("Escape")
    expect(whole).to_be_hidden()


def test_both_write_at_once_and_everything_stands_once_and_in_order(desk: Desk, office: Office) -> None:
    """Through a stretch without network: what was said meanwhile comes once, in the order of its numbers."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    field = page.get_by_label("回复访客")
    for n in range(3):
        field.fill(f"客服第 {n} 条")
        field.press("Enter")
        visitor.say(f"访客第 {n} 条")
    expect(page.locator("#outbox .message")).to_have_count(0)
    page.context.set_offline(True)
    visitor.say("断网时说的一")
    field.fill("断网时写的")
    field.press("Enter")
    expect(page.get_by_role("button", name="重发")).to_be_visible()
    visitor.say("断网时说的二")
    page.context.set_offline(False)
    page.get_by_role("button", name="重发").click()
    expect(page.locator("#outbox .message")).to_have_count(0)
    messages = visitor.history()["messages"]
    expect(page.locator("#messages .message")).to_have_count(len(messages))
    drawn = page.locator("#messages .message").evaluate_all("all => all.map((each) => Number(each.dataset.sequence))")
    assert drawn == [message["sequence"] for message in messages]
    assert [message["text"] for message in visitor.heard()] == [*(f"客服第 {n} 条" for n in range(3)), "断网时写的"]
    desk.faults.clear()  # the browser notes that the network was gone


def test_a_message_whose_confirmation_was_lost_is_sent_again_once(desk: Desk, office: Office) -> None:
    """The server has it already: the visitor gets it once, and it stands once here."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    page.route("**/events*", lambda route: route.abort())
    page.reload()
    field = page.get_by_label("回复访客")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/reply", lose, times=1)
    field.fill("请稍等")
    field.press("Enter")
    failed = page.locator("#outbox .failed")
    expect(failed).to_contain_text("连接已中断")
    page.reload()
    expect(failed).to_contain_text("请稍等")
    failed.get_by_role("button", name="重发").click()
    expect(failed).to_have_count(0)
    expect(page.locator("#messages .agent")).to_have_count(1)
    assert [message["text"] for message in visitor.heard()] == ["请稍等"]
    desk.faults.clear()  # the browser notes what was cut


def test_enter_sends_shift_enter_begins_a_line_and_composing_does_neither(desk: Desk, office: Office) -> None:
    """What an input method does with Enter is its own."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    field = page.get_by_label("回复访客")
    field.focus()
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "ninhao", "selectionStart": 6, "selectionEnd": 6})
    field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229, "isComposing": True})
    page.wait_for_timeout(200)
    assert visitor.heard() == []
    keys.send("Input.insertText", {"text": "您好"})
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("请稍等")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .agent")).to_contain_text("请稍等")
    assert [message["text"] for message in visitor.heard()] == ["您好\n请稍等"]
    expect(field).to_have_value("")


def test_a_draft_is_kept_for_its_ticket(desk: Desk, office: Office) -> None:
    """Text and quoted entry survive a reload, and do not show in another conversation."""
    one, two = Visitor.of(office), Visitor.of(office)
    page = taken(desk, office, one)
    page.get_by_label("回复访客").fill("写到一半")
    page.keyboard.press("Control+k")
    page.get_by_label("搜索知识库").fill("密码忘了")
    page.keyboard.press("Enter")
    expect(page.locator("#quote")).to_contain_text(FORGOT.question)
    page.reload()
    expect(page.get_by_label("回复访客")).to_have_value("写到一半")
    expect(page.locator("#quote")).to_contain_text(FORGOT.question)
    office.member("wang").post(f"/tickets/{two.ticket}/take")
    page.goto(f"/console/tickets/{two.ticket}")
    expect(page.get_by_label("回复访客")).to_have_value("")
    expect(page.locator("#quote")).to_be_hidden()


def test_from_the_reply_to_an_entry_and_back_by_keyboard_alone(desk: Desk, office: Office) -> None:
    """Ctrl+K, a few words, ↓ and Enter quote the entry word for word; Enter sends it."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    page.get_by_label("回复访客").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("账号锁住了")
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", "账号锁住了")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("回复访客")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#messages .agent .quoted")).to_contain_text(LOCKED.question)
    [message] = visitor.heard()
    assert message["answer"]["answer"] == LOCKED.answer


def test_who_closes_the_search_before_the_hits_come_gets_nothing_quoted(desk: Desk, office: Office) -> None:
    """Enter was for the search that stood open, and not for the next."""
    page = taken(desk, office, Visitor.of(office))
    page.keyboard.press("Control+k")
    expect(page.locator("#hits .hit").first).to_be_visible()
    held: list[Route] = []
    page.route("**/console/?*", lambda route: held.extend([route]), times=1)
    page.keyboard.insert_text("账号锁住了")
    page.keyboard.press("Enter")
    first_held(page, held)
    page.locator("#finder").get_by_role("button", name="关闭").click()
    page.keyboard.press("Control+k")
    held[0].continue_()
    expect(page.locator("#hits [data-query]")).to_have_attribute("data-query", "账号锁住了")
    page.wait_for_timeout(200)
    expect(page.locator("#finder")).to_be_visible()
    expect(page.locator("#quote")).to_be_hidden()


def test_on_a_phone_the_field_for_the_reply_lies_before_ones_eyes(desk: Desk, office: Office) -> None:
    """Right after the ticket was taken, with nothing to scroll."""
    page = opened(desk, Visitor.of(office, "账号锁住了怎么办"), size=SMALL)
    page.get_by_role("button", name="接待", exact=True).click()
    expect(page.get_by_text("由我接待")).to_be_visible()
    expect(page.get_by_label("回复访客")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="发送", exact=True)).to_be_in_viewport(ratio=1)


def test_answers_for_the_visitors_last_message_are_suggested_live(desk: Desk, office: Office) -> None:
    """With their confidence, changing as the visitor writes; one click quotes, and it can be taken back."""
    visitor = Visitor.of(office, "账号锁住了")
    page = taken(desk, office, visitor)
    visitor.say("密码忘了")
    suggestion = page.locator("#suggestions button").first
    expect(suggestion).to_contain_text(FORGOT.question)
    expect(suggestion).to_contain_text("%")
    suggestion.click()
    expect(page.locator("#quote")).to_contain_text(FORGOT.answer)
    page.get_by_role("button", name="不引用这一条").click()
    expect(page.locator("#quote")).to_be_hidden()
    visitor.say("食堂几点开门")
    expect(page.locator("#suggestions")).to_contain_text("没有接近访客最后一条消息的条目")
    assert visitor.heard() == []


def test_answers_are_suggested_for_what_was_asked_and_not_for_what_was_ordered() -> None:
    """「转人工」, a form's values and 「确认」 are no questions; what was asked before, or a person is told, may be."""
    said: list[Message] = []

    def say(text: str, decision: Decision | None = None, status: TicketStatus | None = None) -> None:
        handed = Escalation("unlock", "申请解锁账号", status, None) if status else None
        reply = Reply(decision, "好的", 1.0, escalation=handed) if decision else None
        said.append(Message("m", "c", len(said) + 1, "visitor", text, datetime.now(UTC)))
        if reply:
            said.append(Message("m", "c", len(said) + 1, "bot", reply.text, datetime.now(UTC), reply=reply))

    assert last_said(said) == ""
    say("转人工", "escalate", "waiting")
    assert last_said(said) == ""
    say("食堂几点开门", "reject", "offered")
    say("账号锁住了，帮我解一下", "escalate", "offered")
    for value in ("同意", "91110000600037341L"):
        say(value, "escalate", "collecting")
    say("确认", "escalate", "waiting")
    say("不用了", "talk")
    assert last_said(said) == "账号锁住了，帮我解一下"
    say("密码也忘了")
    say("  ")
    assert last_said(said) == "密码也忘了"


def test_a_slash_at_the_beginning_searches_the_replies_kept_ready(desk: Desk, office: Office) -> None:
    """By title and text; arrows and Enter take one, Escape leaves what was typed."""
    page = taken(desk, office, Visitor.of(office))
    field, offered = page.get_by_label("回复访客"), page.get_by_role("listbox", name="常用语")
    field.focus()
    page.keyboard.type("/")
    expect(offered.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(offered.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.type("解锁")
    expect(offered.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(field).to_have_value("您的账号已解锁。")
    expect(offered).to_be_hidden()
    field.fill("")
    page.get_by_role("button", name="常用语").click()
    expect(offered).to_be_visible()
    page.keyboard.press("Escape")
    expect(offered).to_be_hidden()
    expect(field).to_have_value("/")


def test_what_an_input_method_gives_in_the_end_searches_the_replies_too(desk: Desk, office: Office) -> None:
    """Enter takes the reply that fits the whole text, not one that fitted what stood there before."""
    page = taken(desk, office, Visitor.of(office))
    field, offered = page.get_by_label("回复访客"), page.get_by_role("listbox", name="常用语")
    field.focus()
    page.keyboard.type("/")
    expect(offered.get_by_role("option")).to_have_count(2)
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "jie suo", "selectionStart": 7, "selectionEnd": 7})
    keys.send("Input.insertText", {"text": "解锁"})
    expect(offered.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(field).to_have_value("您的账号已解锁。")


def test_what_replies_are_searched_by_never_reaches_the_visitor(desk: Desk, office: Office) -> None:
    """Not where none fits, nor before they have been read; after Escape it is a text like any other."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    field, offered = page.get_by_label("回复访客"), page.get_by_role("listbox", name="常用语")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/staff/canned", hold)
    with page.expect_request("**/api/staff/canned"):
        field.fill("/解锁")
    field.press("Enter")
    first_held(page, held).continue_()
    page.unroute("**/api/staff/canned")
    expect(offered.get_by_role("option")).to_have_count(1)
    field.fill("/没有这一条")
    expect(offered).to_contain_text("没有符合的常用语")
    check_accessible(page)
    field.press("Enter")
    page.get_by_role("button", name="发送").click()
    expect(field).to_be_focused()
    expect(offered).to_be_visible()
    assert visitor.heard() == []
    field.press("Escape")
    field.press("Enter")
    expect(page.locator("#messages .agent")).to_contain_text("/没有这一条")
    field.fill("/也没有")
    offered.get_by_text("点这里").click()
    page.get_by_role("button", name="发送").click()
    expect(page.locator("#messages .agent").last).to_contain_text("/也没有")


@pytest.mark.parametrize("key", ["、", "／"])
def test_what_chinese_input_methods_make_of_the_slash_searches_too(desk: Desk, office: Office, key: str) -> None:
    """Nobody has to switch the keyboard for a reply that is kept ready."""
    page = taken(desk, office, Visitor.of(office))
    page.get_by_label("回复访客").fill(f"{key}解锁")
    page.get_by_role("listbox", name="常用语").get_by_role("option", name="已解锁").click()
    expect(page.get_by_label("回复访客")).to_have_value("您的账号已解锁。")


def test_a_reply_kept_ready_meanwhile_is_found_without_a_reload(desk: Desk, office: Office) -> None:
    """What a lead adds is there at the next `/`."""
    page = taken(desk, office, Visitor.of(office))
    field, offered = page.get_by_label("回复访客"), page.get_by_role("listbox", name="常用语")
    field.fill("/")
    expect(offered.get_by_role("option")).to_have_count(2)
    field.fill("")
    made = office.member("zhao").post("/canned", json={"title": "刚加的", "text": "新的常用语"}).json()
    field.fill("/")
    expect(offered.get_by_role("option")).to_have_count(3)
    office.member("zhao").delete(f"/canned/{made['id']}")


def test_what_the_visitor_thinks_of_an_answer_shows_at_once(desk: Desk, office: Office) -> None:
    """Of the bot's and of one that a person quoted; what they wrote besides is hidden from colleagues."""
    visitor = Visitor.of(office, "账号锁住了怎么办")
    page = taken(desk, office, visitor)
    office.member("wang").post(f"/tickets/{visitor.ticket}/reply", json={"entry_id": "a-2"})
    colleague = desk.member("li", f"/console/tickets/{visitor.ticket}")
    answer = next(message for message in visitor.history()["messages"] if message["reply"])
    for message, helpful in ((answer, False), (visitor.heard()[0], True)):
        rating = {"message_id": message["message_id"], "helpful": helpful, "reason": f"请回电 {PHONE}"}
        assert visitor.client.post(f"/conversations/{visitor.id}/feedback", json=rating).status_code == 204
    expect(page.locator("#messages .bot .rating")).to_have_text(f"访客评价：没帮助 请回电 {PHONE}")
    expect(page.locator("#messages .agent .rating")).to_have_text(f"访客评价：有帮助 请回电 {PHONE}")
    expect(page.locator("#ticket-side")).to_contain_text("没帮助")
    expect(colleague.locator("#messages .bot .rating")).to_have_text(f"访客评价：没帮助 请回电 {HIDDEN}")
    check_accessible(page)


def test_what_the_visitor_reopens_can_be_taken_again_at_once(desk: Desk, office: Office) -> None:
    """The page of a ticket that was resolved follows, and hides again what only its assignee may see."""
    visitor = Visitor.of(office, f"我的电话是{PHONE}")
    page = taken(desk, office, visitor)
    office.member("wang").post(f"/tickets/{visitor.ticket}/resolve")
    expect(page.locator("#ticket-head .tag")).to_have_text("已处理")
    visitor.say("还是登录不了，请再看一下")
    expect(page.get_by_role("button", name="接待", exact=True)).to_be_visible()
    expect(page.locator(".history")).to_contain_text("重新打开")
    page.get_by_role("button", name="接待", exact=True).click()
    expect(page.get_by_label("回复访客")).to_be_focused()


def test_nobody_but_the_assignee_finds_the_number_anywhere(office: Office) -> None:
    """Neither on a page nor in a part of one, nor in what comes live, suggested or as JSON."""
    visitor = Visitor.of(office, f"账号锁住了，我的电话是{PHONE}")
    for member in ("wang", "zhao"):
        office.member(member).post(f"/tickets/{visitor.ticket}/note", json={"text": f"已打 {PHONE}"})
    office.member("wang").post(f"/tickets/{visitor.ticket}/take")
    visitor.say(f"密码忘了，再说一次：{PHONE}")
    colleague, console = office.member("li"), f"{office.url}/console"
    for path in (f"/tickets/{visitor.ticket}", "/queue"):
        assert PHONE not in colleague.get(path).text
    for path in (
        f"/tickets/{visitor.ticket}",
        f"/tickets/{visitor.ticket}/suggestions",
        "/queue",
        "/tickets",
        "/doubts",
    ):
        for headers in ({}, {"HX-Request": "true"}):
            shown = colleague.get(f"{console}{path}", headers=headers)
            assert (shown.status_code, PHONE in shown.text) == (200, False), path
    stream = Stream(office, colleague, f"/tickets/{visitor.ticket}/events")
    said = [stream.next("message")[1] for _ in visitor.history()["messages"]]
    assert HIDDEN in str(said)
    assert PHONE not in str(said)


def test_a_page_that_was_hidden_for_long_asks_only_for_what_it_has_not_heard(desk: Desk, office: Office) -> None:
    """It gave its connection back; what was said meanwhile comes once, and nothing it has already comes again."""
    visitor = Visitor.of(office)
    page = desk.context().new_page()
    page.clock.install()
    page.context.add_cookies(desk.member("wang").context.cookies())
    page.goto(f"/console/tickets/{visitor.ticket}")
    count = len(visitor.history()["messages"])
    expect(page.locator("#messages .message")).to_have_count(count)
    show = "hidden => { Object.defineProperty(document, 'hidden', {get: () => hidden, configurable: true}); "
    show += "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(show, True)
    page.clock.run_for(11_000)
    said = visitor.say("趁您不在")
    page.clock.run_for(1000)
    expect(page.locator("#messages .message")).to_have_count(count)
    with page.expect_request(f"**/events?after={count}"):
        page.evaluate(show, False)
    expect(page.locator("#messages .visitor", has_text="趁您不在")).to_have_count(1)
    expect(page.locator("#messages .message")).to_have_count(len(visitor.history()["messages"]))
    assert said


def test_each_side_sees_the_other_type_and_read(desk: Desk, office: Office) -> None:
    """Signals and read marks go both ways while the page is seen."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    visitor.client.post(f"/conversations/{visitor.id}/typing")
    expect(page.get_by_text("访客正在输入…")).to_be_visible()
    visitor.say("在吗")
    until(lambda: visitor.history()["staff_read"] == len(visitor.history()["messages"]))
    with page.expect_request("**/typing"):
        page.get_by_label("回复访客").press_sequentially("在的")
    page.keyboard.press("Enter")
    mark = page.locator("#messages .agent .mark")
    expect(mark).to_have_text("未读")
    visitor.client.post(f"/conversations/{visitor.id}/read", json={"sequence": visitor.heard()[-1]["sequence"]})
    expect(mark).to_have_text("已读")


def test_who_reads_further_up_is_not_moved(desk: Desk, office: Office) -> None:
    """A new message stays unread below, with a button that leads to it."""
    visitor = Visitor.of(office, *(f"第 {n} 个问题，" + "说来话长。" * 20 for n in range(5)))
    page = taken(desk, office, visitor)
    log = page.locator("#log")
    until(lambda: log.evaluate("log => log.scrollTop") > 0)
    until(lambda: (past := visitor.history())["staff_read"] == past["messages"][-1]["sequence"])
    log.evaluate("log => { log.scrollTop = 0; }")
    page.wait_for_timeout(300)
    read = visitor.history()["staff_read"]
    visitor.say("新的一句")
    newer = page.get_by_role("button", name="有新消息")
    expect(newer).to_be_visible()
    page.wait_for_timeout(500)  # as long as a read mark would take
    assert log.evaluate("log => log.scrollTop") == 0
    assert visitor.history()["staff_read"] == read
    newer.click()
    expect(newer).to_be_hidden()
    until(lambda: visitor.history()["staff_read"] > read)


def test_a_conversation_is_handed_on_with_a_word_to_the_colleague(desk: Desk, office: Office) -> None:
    """The colleague has it live, with the note in the history; who handed it on can write no more."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    colleague = opened(desk, visitor, "li")
    expect(colleague.get_by_text("接待这位访客之后才能回复")).to_be_visible()
    page.get_by_role("button", name="转交").click()
    assert page.locator("[name=to] option:not([hidden])").evaluate_all("all => all.map((each) => each.value)") == [
        "",
        "admin",
        "li",
        "zhao",
    ]
    page.get_by_role("combobox", name="转交给").select_option("li")
    page.get_by_label("交代").fill("请核对企业信息")
    page.locator("dialog[open]").get_by_role("button", name="转交").click()
    expect(page.get_by_label("回复访客")).to_be_hidden()
    expect(page.get_by_text("由 LI 接待")).to_be_visible()
    expect(colleague.get_by_label("回复访客")).to_be_visible()
    expect(colleague.locator(".history")).to_contain_text("请核对企业信息")


def test_notes_and_endings_stand_in_the_history_and_the_visitor_reads_no_note(desk: Desk, office: Office) -> None:
    """A note, then resolved with a result; the visitor learns that it is done."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    page.get_by_role("button", name="备注").click()
    page.get_by_role("textbox", name="备注").fill("已电话核实")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".history .note")).to_contain_text("已电话核实")
    page.get_by_role("button", name="已处理").click()
    page.get_by_label("处理结果").fill("后台已解锁")
    page.locator("dialog[open]").get_by_role("button", name="已处理").click()
    expect(page.locator(".history")).to_contain_text("后台已解锁")
    expect(page.locator("#ticket-head .tag")).to_have_text("已处理")
    said = str(visitor.history()["messages"])
    assert "已电话核实" not in said
    assert "后台已解锁" not in said
    assert "已办结" in said


def test_what_ends_the_conversation_waits_for_the_reply_that_is_on_its_way(desk: Desk, office: Office) -> None:
    """Nothing overtakes it; whoever cancels meanwhile has done nothing."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    field, dialog = page.get_by_label("回复访客"), page.locator("dialog[open]")
    state = page.locator("#ticket-head .tag")
    held: list[Route] = []
    page.route("**/reply", lambda route: held.extend([route]))
    for cancels in (True, False):
        field.fill("已为您解锁")
        field.press("Enter")
        first_held(page, held)
        page.get_by_role("button", name="已处理").click()
        dialog.get_by_role("button", name="已处理").click()
        page.wait_for_timeout(300)
        expect(state).to_have_text("处理中")
        if cancels:
            dialog.get_by_role("button", name="取消").click()
        held.pop().continue_()
        expect(page.locator("#outbox .message")).to_have_count(0)
        if cancels:
            page.wait_for_timeout(300)
            expect(state).to_have_text("处理中")
    expect(state).to_have_text("已处理")
    assert [message["text"] for message in visitor.heard()] == ["已为您解锁"] * 2


def test_what_ends_the_conversation_is_held_up_by_a_reply_that_was_not_sent(desk: Desk, office: Office) -> None:
    """It says why; once the reply is sent again, or dropped, it goes on."""
    visitor = Visitor.of(office)
    page = taken(desk, office, visitor)
    page.route("**/reply", lambda route: route.abort(), times=1)
    page.get_by_label("回复访客").fill("已为您解锁")
    page.keyboard.press("Enter")
    expect(page.locator("#outbox .failed")).to_be_visible()
    page.get_by_role("button", name="已处理").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("button", name="已处理").click()
    expect(dialog.get_by_role("alert")).to_contain_text("还有回复没有发出")
    dialog.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="重发").click()
    expect(page.locator("#outbox .message")).to_have_count(0)
    page.get_by_role("button", name="已处理").click()
    dialog.get_by_role("button", name="已处理").click()
    expect(page.locator("#ticket-head .tag")).to_have_text("已处理")
    assert [message["text"] for message in visitor.heard()] == ["已为您解锁"]
    desk.faults.clear()  # the browser notes what was cut


def test_what_ends_the_conversation_says_that_something_has_not_been_sent(desk: Desk, office: Office) -> None:
    """A text or a quoted entry in the composer, before it is hidden; a note ends nothing."""
    page = taken(desk, office, Visitor.of(office))
    field, dialog = page.get_by_label("回复访客"), page.locator("dialog[open]")
    words = dialog.get_by_text("回复框中还有未发出的内容")

    def told(*names: str) -> Iterator[bool]:
        for name in names:
            page.locator("#ticket-head").get_by_role("button", name=name).click()
            expect(dialog).to_be_visible()
            yield words.is_visible()
            dialog.get_by_role("button", name="取消").click()

    assert list(told("已处理", "转交", "放回队列", "备注")) == [False] * 4
    field.fill("写到一半")
    assert list(told("已处理", "转交", "放回队列", "备注")) == [True, True, True, False]
    page.get_by_role("button", name="已处理").click()
    check_accessible(page)
    dialog.get_by_role("button", name="取消").click()
    field.fill("")
    page.keyboard.press("Control+k")
    page.locator("#hits").get_by_role("button", name="插入").first.click()
    assert list(told("已处理")) == [True]


def test_whoever_is_too_late_is_told_plainly(desk: Desk, office: Office) -> None:
    """Taking or writing to what a colleague has says so, and the page shows how it stands."""
    visitor = Visitor.of(office)
    page = opened(desk, visitor)
    page.route("**/events*", lambda route: route.abort())
    page.reload()
    office.member("li").post(f"/tickets/{visitor.ticket}/take")
    page.get_by_role("button", name="接待", exact=True).click()
    expect(page.locator(".toast.bad")).to_contain_text("其他工作人员正在接待")
    expect(page.get_by_text("由 LI 接待")).to_be_visible()
    expect(page.get_by_role("button", name="接待", exact=True)).to_have_count(0)
    desk.faults.clear()  # the browser notes the status 409 and the streams that were cut


def test_nothing_a_visitor_writes_is_taken_for_html(desk: Desk, office: Office) -> None:
    """Markup stands in chat and dossier as the text it is."""
    visitor = Visitor.of(office, EVIL)
    visitor.say(EVIL)
    page = taken(desk, office, visitor)
    expect(page.locator("#messages .visitor").first).to_contain_text(EVIL)
    visitor.say(EVIL + " https://example.com/?q=1 13812345678")
    last = page.locator("#messages .visitor").last
    expect(last).to_contain_text("13812345678")
    assert [link.get_attribute("href") for link in last.get_by_role("link").all()] == [
        "https://example.com/?q=1",
        "tel:13812345678",
    ]
    expect(page.locator("#ticket-side")).to_contain_text("<script>")
    expect(page.locator("#messages img, #messages script, #ticket-side img, #ticket-side script")).to_have_count(0)


@pytest.mark.parametrize("state", ["waiting", "mine", "theirs", "resolved"])
@pytest.mark.parametrize("name", ["wang", "zhao"])
@pytest.mark.parametrize("deed", ["take", "transfer", "release", "resolve", "close", "note"])
def test_deeds_are_offered_exactly_where_they_are_allowed(office: Office, state: str, name: str, deed: str) -> None:
    """What the page offers, the desk does; what it does not offer, the desk refuses."""
    agents = office.service.agents
    number = office.ticket(f"conversation-of-deed-{next(COUNT)}")
    people = {each.name: each for each in office.service.accounts.all()}
    if state != "waiting":
        agents.take(number, people["li" if state == "theirs" else name])
    if state == "resolved":
        agents.resolve(number, people[name])
    staff = people[name]
    offered = deed in legal(agents.file(number, staff), Caller(staff, None))
    try:
        act(office, number, staff, deed)
        done = (deed, state) != ("take", "mine")  # taking what one has is no error, and no deed
    except (AgentError, IllegalChange):
        done = False
    assert offered == done


def act(office: Office, number: int, staff: Staff, deed: str) -> None:
    """Do a deed as its route does."""
    agents = office.service.agents
    if deed == "close":
        assigned = agents.file(number, staff).ticket.status == "assigned"
        agents.resolve(number, staff, resolved=False) if assigned else agents.dismiss(number, staff)
    elif deed == "transfer":
        agents.transfer(number, staff, "admin")
    elif deed == "note":
        agents.note(number, staff, "备注")
    else:
        getattr(agents, deed)(number, staff)


def test_a_ticket_that_is_not_there_is_a_page_in_chinese(office: Office) -> None:
    """A wrong number shows a page with a way back."""
    with httpx.Client(base_url=office.url) as client:
        client.post("/console/login", data={"name": "wang", "password": PASSWORD})
        response = client.get("/console/tickets/999999")
    assert response.status_code == 404
    assert "没有编号为 999999 的受理单" in response.text
