"""Typing: keys, input methods, suggestions, and how long a text may be."""

from __future__ import annotations

import pytest
from browse import first_held
from embedded import (
    EVERYWHERE,
    LOCKED,
    begin_anew,
    bubbles,
    entry,
    only_network,
    problem,
    reply_number,
    said,
    say,
    sequences,
    stored,
)
from playwright.sync_api import Page, Route, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


def test_shift_and_enter_break_the_line_and_enter_sends(page: Page) -> None:
    """The message keeps its line break, and the composer is empty afterwards."""
    page.focus("#text")
    page.keyboard.type("第一行")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("第二行")
    expect(bubbles(page, "visitor")).to_have_count(0)
    page.keyboard.press("Enter")
    reply_number(page, 0)
    assert said(bubbles(page, "visitor").first) == "第一行\n第二行"
    expect(page.locator("#text")).to_have_value("")


def test_enter_that_ends_a_composition_does_not_send(page: Page) -> None:
    """Neither while the input method composes nor with the key code it reports; the next Enter does."""
    page.focus("#text")
    devtools = page.context.new_cdp_session(page)

    def enter(key_code: int) -> None:
        # rawKeyDown: the input method takes the key, so that no line break follows from it.
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": key_code, "nativeVirtualKeyCode": key_code}
        devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})

    devtools.send("Input.imeSetComposition", {"text": "mima", "selectionStart": 4, "selectionEnd": 4})
    enter(13)
    devtools.send("Input.insertText", {"text": "密码"})
    enter(229)
    expect(bubbles(page, "visitor")).to_have_count(0)
    expect(page.locator("#text")).to_have_value("密码")
    page.keyboard.press("Enter")
    expect(bubbles(page, "visitor")).to_have_count(1)
    reply_number(page, 0)


@pytest.fixture
def on_its_way(page: Page) -> Route:
    """A first message 「你好」 that has not arrived."""
    held: list[Route] = []
    page.route("**/api/chat", lambda route: held.extend([route]), times=1)
    page.fill("#text", "你好")
    page.press("#text", "Enter")
    expect(page.locator("#typing")).to_be_visible()
    return first_held(page, held)


def told(page: Page, server: str) -> list[str]:
    """What the visitor said, in the order in which the server has it; each has its reply."""
    messages = stored(page, server)
    assert [message["author"] for message in messages] == ["visitor", "bot"] * (len(messages) // 2)
    return [message["text"] for message in messages[::2]]


def test_what_is_said_meanwhile_is_shown_at_once_and_sent_in_its_turn(
    page: Page, on_its_way: Route, widget_server: str
) -> None:
    """By Enter, by the button, twice the same: who is faster than the network need not say it again."""
    for text in (LOCKED, "在吗", "在吗"):
        page.fill("#text", text)
        page.locator("#send").click() if text == LOCKED else page.press("#text", "Enter")
        expect(page.locator("#text")).to_have_value("")
    expect(bubbles(page, "visitor")).to_have_count(4)
    expect(bubbles(page, "visitor").last).to_be_in_viewport()
    expect(bubbles(page, "bot")).to_have_count(0)
    on_its_way.continue_()
    assert said(reply_number(page, 3))
    assert told(page, widget_server) == ["你好", LOCKED, "在吗", "在吗"]
    kinds = page.locator(".log > .message:not(.welcome)").evaluate_all("all => all.map(each => each.classList[1])")
    assert kinds == ["visitor", "bot"] * 4
    expect(page.locator(".trouble")).to_have_count(0)


def test_a_suggestion_taken_meanwhile_is_sent_in_its_turn(page: Page, on_its_way: Route, widget_server: str) -> None:
    """The entry that was chosen, not what was typed."""
    page.focus("#text")
    page.keyboard.type("404")
    page.locator("#suggestions").get_by_role("option").first.click()
    expect(page.locator("#text")).to_have_value("")
    on_its_way.continue_()
    assert said(reply_number(page, 1)) == entry("zyb-1.11").answer
    assert told(page, widget_server) == ["你好", entry("zyb-1.11").question]


def test_a_button_pressed_twice_says_it_once(page: Page, widget_server: str) -> None:
    """Wherever the second press of a double click lands: the log moves with the first."""
    held: list[Route] = []
    page.route("**/api/chat", lambda route: held.extend([route]), times=1)
    page.locator(".welcome .choices button").first.dblclick()
    first_held(page, held).continue_()
    reply_number(page, 0)
    page.wait_for_timeout(300)
    assert len(told(page, widget_server)) == 1


def test_nothing_overtakes_a_message_that_failed(
    page: Page, on_its_way: Route, widget_server: str, faults: list[str]
) -> None:
    """What was said after it waits as well, and survives a reload; each goes again when the visitor says so."""
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(2)
    on_its_way.abort()
    expect(page.locator(".trouble")).to_have_text(["发送失败重发"] * 2)
    page.reload()
    expect(page.locator(".trouble")).to_have_text(["发送失败重发"] * 2)
    page.get_by_role("button", name="重发").first.click()
    reply_number(page, 0)
    page.get_by_role("button", name="重发").click()
    reply_number(page, 1)
    assert told(page, widget_server) == ["你好", LOCKED]
    only_network(faults)


def test_what_was_to_follow_does_not_go_into_another_conversation(page: Page, on_its_way: Route) -> None:
    """「开始新会话」 leaves it behind with the rest of the conversation."""
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    begin_anew(page)
    on_its_way.continue_()
    page.wait_for_timeout(500)
    expect(bubbles(page, "visitor")).to_have_count(0)
    say(page, "在吗")
    expect(bubbles(page, "visitor")).to_have_count(1)


def test_what_is_said_before_what_was_said_is_back_follows_it(page: Page, widget_server: str) -> None:
    """A page that was loaded again takes a while to show it on a slow network."""
    say(page, "你好")
    held: list[Route] = []
    page.route("**/api/chat/*", lambda route: held.extend([route]), times=1)
    page.reload()
    expect(page.locator(".log")).to_have_attribute("aria-busy", "true")
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(1)
    first_held(page, held).continue_()
    assert said(reply_number(page, 1)) == entry("zyb-1.9").answer
    assert told(page, widget_server) == ["你好", LOCKED]
    assert sequences(page) == [0, 1, 2, 3, 4]
    expect(page.locator(".trouble")).to_have_count(0)


def test_a_suggestion_is_chosen_with_the_keyboard_alone(page: Page) -> None:
    """Typing opens the list, the arrow keys move in it, Enter chooses; Escape closes it and keeps the text."""
    page.focus("#text")
    suggestions = page.locator("#suggestions").get_by_role("option")
    page.keyboard.type("404")
    expect(suggestions.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggestions).to_have_count(0)
    expect(page.locator("#text")).to_have_value("404")
    page.keyboard.type("打印")
    expect(suggestions.first).to_contain_text(entry("zyb-1.11").question)
    page.keyboard.press("ArrowDown")
    expect(suggestions.first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#text")).to_have_attribute("aria-activedescendant", "suggestion-0")
    page.keyboard.press("Enter")
    assert said(reply_number(page, 0)) == entry("zyb-1.11").answer
    expect(page.locator("#text")).to_have_value("")


def test_chat_works_without_suggestions(page: Page, faults: list[str]) -> None:
    """The typeahead's failure is not the visitor's."""
    page.route("**/api/suggest*", lambda route: route.fulfill(**problem(503, "服务暂时不可用。")))
    with page.expect_response("**/api/suggest*"):
        page.fill("#text", "密码")
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    only_network(faults)


def test_a_text_over_the_limit_cannot_be_sent(page: Page) -> None:
    """2,000 characters go, as the server counts them; the counter shows near the end."""
    page.fill("#text", "问" * 1800)
    expect(page.locator("#counter")).to_have_text("")
    page.fill("#text", "🙂" * 2000)
    expect(page.locator("#counter")).to_have_text("2000 / 2000")
    expect(page.locator("#send")).to_be_enabled()
    page.fill("#text", "问" * 2001)
    expect(page.locator("#counter")).to_have_text("已超出 1 字")
    expect(page.locator("#send")).to_be_disabled()
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(0)
    page.fill("#text", "  \n ")
    expect(page.locator("#send")).to_be_disabled()


def test_an_enter_that_safari_sends_after_a_composition_does_not_send(page: Page) -> None:
    """There the composition ends first, and its Enter comes as a key of its own with the number 229."""
    page.fill("#text", "密码")
    page.locator("#text").evaluate(
        """field => {
            field.dispatchEvent(new CompositionEvent("compositionend", { data: "密码", bubbles: true }));
            const key = { key: "Enter", keyCode: 229, isComposing: false, bubbles: true, cancelable: true };
            field.dispatchEvent(new KeyboardEvent("keydown", key));
        }"""
    )
    page.wait_for_timeout(200)
    expect(bubbles(page, "visitor")).to_have_count(0)
    expect(page.locator("#text")).to_have_value("密码")
