"""What the widget shows of a conversation with the bot: answers word for word, options, links, notes."""

from __future__ import annotations

import json

import pytest
from embedded import EVERYWHERE, LOCKED, XSS, Open, bubbles, change_replies, entry, reply_number, said, say, stored
from playwright.sync_api import Page, expect

from bot import wording

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


def test_an_answer_is_shown_word_for_word_with_its_source(page: Page) -> None:
    """Question, answer, source and the button of what a person can do."""
    reply = say(page, LOCKED)
    expect(reply.get_by_role("heading")).to_have_text(entry("zyb-1.9").question)
    assert said(reply) == entry("zyb-1.9").answer
    expect(reply.locator(".source")).to_have_text("来源：职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条")
    expect(reply.get_by_role("button", name="申请解锁账号")).to_be_enabled()


def test_a_question_back_offers_options_and_choosing_one_shows_its_answer(page: Page) -> None:
    """The label becomes the visitor's message, the entry's own words the reply."""
    options = say(page, "忘记密码了").locator(".choices button")
    assert 2 <= options.count() <= 4
    options.filter(has_text=entry("whjy-1.2.2").question).click()
    assert said(reply_number(page, 1)) == entry("whjy-1.2.2").answer
    expect(bubbles(page, "visitor").last).to_contain_text(entry("whjy-1.2.2").question)


def test_addresses_and_telephone_numbers_become_links_and_nothing_else_changes(page: Page) -> None:
    """A link ends before Chinese text and punctuation; the text stays the document's to the character."""
    reply = say(page, "危化品系统登录时忘记密码")
    assert said(reply) == entry("whjy-1.2.2").answer
    links = {link.get_attribute("href") for link in reply.locator("a").all()}
    assert links == {"https://whjy.mem.gov.cn/", "tel:4009659818"}


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (
            "见https://a.gov.cn/x?y=1。再看http://b.cn，或（https://c.cn/）",
            ["https://a.gov.cn/x?y=1", "http://b.cn", "https://c.cn/"],
        ),
        ("打开https://whjy.mem.gov.cn,然后登录", ["https://whjy.mem.gov.cn"]),
        (
            "电话010-12345678或(0371)1234567,手机13800138000。",
            ["tel:01012345678", "tel:03711234567", "tel:13800138000"],
        ),
        ("400-9659818 400-965-9818", ["tel:4009659818", "tel:4009659818"]),
        ("代码9111000013800138000,13800138000X,2443,8-16位,javascript:alert(1),https://", []),
    ],
)
def test_only_whole_addresses_and_numbers_are_links(page: Page, text: str, links: list[str]) -> None:
    """Digits inside longer ones, and schemes other than http and https, are plain text."""
    change_replies(page, lambda reply: {**reply, "text": text, "answer": None})
    reply = say(page, "你好")
    assert [link.get_attribute("href") for link in reply.locator("a").all()] == links
    assert said(reply) == text


def test_a_password_is_hidden_and_the_visitor_warned(page: Page, widget_server: str) -> None:
    """The note stands apart before the reply, and the visitor's own bubble does not show the password any more."""
    reply = say(page, "我的密码是 Abc12345678，登录不上")
    expect(reply.locator(".note")).to_have_text(wording.HIDDEN)
    expect(bubbles(page, "visitor")).not_to_contain_text("Abc12345678")
    expect(bubbles(page, "visitor")).to_contain_text("******")
    assert "Abc12345678" not in json.dumps(stored(page, widget_server))
    page.reload()
    expect(reply_number(page, 0).locator(".note")).to_have_text(wording.HIDDEN)


def test_an_answer_can_be_called_helpful_or_not(page: Page) -> None:
    """With a reason where it was not; a word of thanks replaces the buttons."""
    say(page, LOCKED)
    with page.expect_request("**/feedback") as told:
        page.get_by_role("button", name="有帮助").click()
    assert told.value.post_data_json["helpful"] is True
    expect(page.locator(".feedback")).to_have_text("感谢您的反馈！")
    page.get_by_role("button", name=entry("zyb-1.2").question).first.click()
    reply_number(page, 1)
    with page.expect_response("**/feedback") as answer:
        page.get_by_role("button", name="没帮助").click()
    assert answer.value.status == 204
    with page.expect_response("**/feedback") as answer:
        page.get_by_role("button", name="按步骤做了仍未解决").click()
    assert answer.value.status == 204
    assert answer.value.request.post_data_json["reason"] == "按步骤做了仍未解决"
    expect(page.locator(".feedback button")).to_have_count(0)
    expect(bubbles(page, "bot").nth(0)).not_to_contain_text("感谢")


def test_a_search_by_keywords_only_is_said(page: Page) -> None:
    """A notice, as long as the last reply was found that way."""
    change_replies(page, lambda reply: {**reply, "search": "keyword"})
    say(page, "你好")
    expect(page.get_by_text("当前为关键词检索，结果可能不够全面")).to_be_visible()
    page.unroute("**/api/chat")
    say(page, "你好")
    expect(page.get_by_text("当前为关键词检索，结果可能不够全面")).to_be_hidden()


def test_the_address_names_the_system_that_is_asked_about(open_page: Open) -> None:
    """The selector shows it with its contacts, answers are its own, and another choice changes the address."""
    page = open_page("?system=whjy")
    expect(page.locator("#system")).to_have_value("whjy")
    expect(page.locator(".facts")).to_have_text("系统网址：https://whjy.mem.gov.cn\n客服电话：400-9659818")
    expect(page.get_by_role("button", name=entry("whjy-1.1.1").question)).to_be_visible()
    expect(page.get_by_role("button", name=entry("zyb-1.1").question)).to_be_hidden()
    reply = say(page, LOCKED)
    assert entry("zyb-1.9").answer not in (reply.text_content() or "")
    expect(reply.get_by_role("button", name="申请解锁账号")).to_be_visible()
    page.select_option("#system", "zyb")
    assert page.url.endswith("/?system=zyb")
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer


def test_an_example_question_is_sent_when_pressed(page: Page) -> None:
    """One press from the welcome to an answer."""
    page.get_by_role("button", name=entry("zyb-1.2").question).click()
    assert said(reply_number(page, 0)) == entry("zyb-1.2").answer


def test_a_person_can_always_be_asked_for(page: Page) -> None:
    """The button in the head says it for the visitor; there is a ticket number at once."""
    page.get_by_role("button", name="转人工", exact=True).click()
    expect(reply_number(page, 0).locator(".status")).to_contain_text("受理编号")


def test_what_a_visitor_types_is_never_run(page: Page) -> None:
    """Payloads are shown as the text they are, now and after a reload."""
    for payload in XSS:
        say(page, payload)
    for _ in range(2):
        assert [said(bubble) for bubble in bubbles(page, "visitor").all()] == list(XSS)
        assert page.locator(".log").locator("script, img, iframe, style, a[href^=javascript]").count() == 0
        assert page.evaluate("window.hit") is None
        page.reload()
        reply_number(page, len(XSS) - 1)


@pytest.mark.parametrize("payload", XSS)
def test_what_a_document_says_is_never_run(page: Page, payload: str) -> None:
    """Neither are texts, questions, sources and labels of a reply."""
    option = {"entry_id": payload, "label": payload}
    source = {"system": payload, "document": payload, "section": payload, "number": payload}
    changed = {
        "text": payload,
        "answer": {"entry_id": payload, "question": payload, "answer": "…" + payload, "source": source},
        "options": [option],
        "related": [option],
        "escalation": {"reason": payload, "label": payload, "status": "offered", "ticket": None},
        "note": payload,
        "step": {
            **dict.fromkeys(("field", "label", "ask"), payload),
            "kinds": [payload],
            "required": True,
            "choices": [payload],
            "left": 1,
        },
    }
    change_replies(page, lambda reply: {**reply, **changed})
    reply = say(page, "你好")
    expect(reply.locator(".choices button")).to_have_text(payload)
    assert reply.locator("script, img, iframe, style, a[href^=javascript]").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_new_conversation_begins_empty(page: Page, widget_server: str) -> None:
    """Asked for and confirmed; the old conversation is forgotten."""
    say(page, "你好")
    page.get_by_role("button", name="开始新会话").click()
    page.locator(".sheet").get_by_role("button", name="开始新会话").click()
    expect(bubbles(page, "visitor")).to_have_count(0)
    say(page, "忘记密码了")
    assert stored(page, widget_server)[0]["text"] == "忘记密码了"
    page.get_by_role("button", name="开始新会话").click()
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_be_hidden()
    say(page, "你好")
    assert [said(bubble) for bubble in bubbles(page, "visitor").all()] == ["忘记密码了", "你好"]
