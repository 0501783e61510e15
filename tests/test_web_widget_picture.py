"""Pictures: chosen, pasted, dropped, refused, sent with progress, cancelled, and shown again."""

from __future__ import annotations

import httpx
import pytest
from embedded import (
    EVERYWHERE,
    LOCKED,
    attended,
    bubbles,
    do,
    expect_accessible,
    only_network,
    png,
    remembered,
    reply_number,
    say,
    shows_picture,
    stored,
)
from playwright.sync_api import Page, Route, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


@pytest.mark.parametrize(
    ("kind", "data", "refusal"),
    [
        ("application/pdf", b"%PDF", "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。"),
        ("image/svg+xml", b"<svg/>", "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。"),
        ("image/png", b"x" * (8 * 1024 * 1024 + 1), "图片不能超过 8 MB，请裁剪或压缩后再发送。"),
        ("image/png", b"", "这个文件是空的，请重新选择图片。"),
    ],
    ids=["document", "drawing", "large", "empty"],
)
def test_what_is_no_picture_is_refused_before_it_is_sent(page: Page, kind: str, data: bytes, refusal: str) -> None:
    """In words, and the composer stays as it was."""
    page.set_input_files("#file", {"name": "a", "mimeType": kind, "buffer": data})
    expect(page.get_by_role("alert")).to_have_text(refusal)
    expect(page.locator(".attached")).to_be_hidden()


def test_what_only_looks_like_a_picture_is_refused_by_the_server(page: Page, faults: list[str]) -> None:
    """Its own words stand below the picture, and the text returns to the composer."""
    say(page, "你好")
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.fill("#text", "见图")
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("无法识别这个文件，请上传 PNG、JPEG、WebP、BMP 或 GIF 格式的图片。")
    expect(page.locator("#text")).to_have_value("见图")
    only_network(faults)


def test_a_picture_may_come_before_any_word(page: Page, widget_server: str) -> None:
    """It begins the conversation; a text beside it goes along."""
    page.set_input_files("#file", png())
    page.fill("#text", "登录时提示错误")
    page.press("#text", "Enter")
    reply_number(page, 0)
    expect(page.locator(".attached")).to_be_hidden()
    kept = [(m["text"], bool(m["picture"])) for m in stored(page, widget_server) if m["author"] == "visitor"]
    assert kept == [("登录时提示错误", True)]


def test_a_picture_without_words_that_began_a_conversation_survives_reloads(
    page: Page, widget_server: str, faults: list[str]
) -> None:
    """Not sent up: the conversation stays, empty. Sent up but not said: it waits for its retry. Said: it is shown."""
    page.route("**/pictures", lambda route: route.abort(), times=1)
    page.set_input_files("#file", png())
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送失败重发")
    begun = remembered(page)["id"]
    page.reload()
    expect(page.locator(".log > *")).to_have_count(1)
    page.route("**/api/chat", lambda route: route.abort(), times=1)
    page.set_input_files("#file", png())
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送失败重发")
    page.reload()
    shows_picture(page.locator(".thumbnail img"))
    page.get_by_role("button", name="重发").click()
    reply_number(page, 0)
    page.reload()
    reply_number(page, 0)
    shows_picture(page.locator(".thumbnail img"))
    expect(bubbles(page, "visitor")).to_have_count(1)
    assert remembered(page)["id"] == begun
    assert [bool(message["picture"]) for message in stored(page, widget_server)] == [True, False]
    only_network(faults)


def test_what_is_said_against_a_file_goes_once_the_visitor_goes_on(page: Page) -> None:
    """It would otherwise stand above every message that follows."""
    page.set_input_files("#file", {"name": "报告.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    expect(page.locator(".composer .bad")).to_contain_text("只能发送")
    page.fill("#text", "好的")
    expect(page.locator(".composer .bad")).to_be_hidden()


def test_a_file_may_be_dropped_beside_the_panel_of_the_page(page: Page) -> None:
    """The browser would otherwise leave the chat for the file; what is held over the page is shown until it leaves."""
    drag = """kind => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(9)], "图片.png", { type: "image/png" }));
        const options = { bubbles: true, cancelable: true, composed: true, dataTransfer: data };
        const element = document.querySelector("online-chat");
        return element.dispatchEvent(new DragEvent(kind, { ...options, relatedTarget: document.body }));
    }"""
    composer = page.locator(".composer.target")
    assert page.evaluate(drag, "dragover") is False
    expect(composer).to_have_count(1)
    page.evaluate(drag, "dragleave")
    expect(composer).to_have_count(0)
    assert page.evaluate(drag, "drop") is False
    expect(page.get_by_alt_text("待发送的图片")).to_be_visible()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_can_be_pasted_or_dropped(page: Page, widget_server: str, way: str) -> None:
    """It goes along with the text that is typed."""
    say(page, "你好")
    page.evaluate(
        """([way, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true, composed: true };
            const event = way === "paste"
                ? new ClipboardEvent("paste", { ...options, clipboardData: data })
                : new DragEvent("drop", { ...options, dataTransfer: data });
            document.querySelector("online-chat").shadowRoot.getElementById("text").dispatchEvent(event);
        }""",
        [way, list(png()["buffer"])],
    )
    expect(page.locator(".attached")).to_be_visible()
    say(page, "见图")
    shows_picture(page.locator(".thumbnail img"))
    assert [bool(message["picture"]) for message in stored(page, widget_server) if message["text"] == "见图"] == [True]


def test_an_upload_shows_how_far_it_is_and_can_be_cancelled(page: Page, widget_server: str, faults: list[str]) -> None:
    """Cancelled, picture and words are back in the composer, and nothing was sent; the next try is whole."""
    say(page, "你好")
    held: list[Route] = []
    page.route("**/pictures", lambda route: held.extend([route]))
    page.set_input_files("#file", png())
    page.fill("#text", "见图")
    page.press("#text", "Enter")
    expect(page.get_by_role("progressbar", name="正在上传图片")).to_be_visible()
    page.get_by_role("button", name="取消上传").click()
    expect(bubbles(page, "visitor")).to_have_count(1)
    expect(page.locator(".attached")).to_be_visible()
    expect(page.locator("#text")).to_have_value("见图")
    page.unroute("**/pictures")
    say(page, "见图二")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    kept = [(m["text"], bool(m["picture"])) for m in stored(page, widget_server) if m["author"] == "visitor"]
    assert kept == [("你好", False), ("见图二", True)]
    only_network(faults)


def test_of_a_cancelled_picture_the_words_stay_where_the_composer_is_in_use(
    page: Page, widget_server: str, faults: list[str]
) -> None:
    """They stand before what is written there; the picture does not take another's place, and is gone."""
    say(page, "你好")
    held: list[Route] = []
    page.route("**/pictures", lambda route: held.extend([route]))
    page.set_input_files("#file", png())
    page.fill("#text", "见图一")
    page.press("#text", "Enter")
    page.set_input_files("#file", png(60))
    page.fill("#text", "见图二")
    page.get_by_role("button", name="取消上传").click()
    expect(bubbles(page, "visitor")).to_have_count(1)
    expect(page.locator("#text")).to_have_value("见图一\n见图二")
    assert page.locator(".attached img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 60
    page.unroute("**/pictures")
    page.press("#text", "Enter")
    reply_number(page, 1)
    kept = [(m["text"], bool(m["picture"])) for m in stored(page, widget_server) if m["author"] == "visitor"]
    assert kept == [("你好", False), ("见图一\n见图二", True)]
    only_network(faults)


def test_what_follows_a_cancelled_picture_goes_without_it(page: Page, widget_server: str, faults: list[str]) -> None:
    """The picture is back in the composer, and what is shown stays in view."""
    for text in (LOCKED, LOCKED):
        say(page, text)
    held: list[Route] = []
    page.route("**/pictures", lambda route: held.extend([route]))
    page.set_input_files("#file", png())
    page.press("#text", "Enter")
    page.fill("#text", "在吗")
    page.press("#text", "Enter")
    expect(bubbles(page, "visitor")).to_have_count(4)
    page.get_by_role("button", name="取消上传").click()
    reply_number(page, 2)
    expect(bubbles(page, "bot").last).to_be_in_viewport()
    expect(page.locator(".attached")).to_be_visible()
    kept = [(m["text"], bool(m["picture"])) for m in stored(page, widget_server) if m["author"] == "visitor"]
    assert kept == [(LOCKED, False), (LOCKED, False), ("在吗", False)]
    only_network(faults)


def test_a_persons_picture_is_shown_and_opens_in_full(page: Page, staff: httpx.Client) -> None:
    """With words and without, live and after a reload, by keyboard too; it says whose it is."""
    number = attended(page, staff)
    data = png(400)["buffer"]
    for text in ("请点红圈处", ""):
        kept = staff.post(f"tickets/{number}/pictures", content=data).raise_for_status().json()
        do(staff, number, "reply", text=text, picture_id=kept["picture_id"])
    for _ in range(2):
        expect(bubbles(page, "agent")).to_have_text(["小王：请点红圈处", "小王："])
        shown = bubbles(page, "agent").get_by_role("img", name="客服发来的图片")
        expect(shown).to_have_count(2)
        for n in range(2):
            shows_picture(shown.nth(n), 400)
            expect(shown.nth(n)).to_have_css("width", "160px")
            expect(shown.nth(n)).to_have_css("height", "160px")
        expect_accessible(page)
        page.reload()
    bubbles(page, "agent").get_by_role("button", name="客服发来的图片").last.press("Enter")
    whole = page.locator(".viewer img")
    shows_picture(whole, 400)
    expect(whole).to_have_attribute("alt", "客服发来的图片")
    page.get_by_role("button", name="关闭", exact=True).click()
    expect(whole).to_be_hidden()


def test_the_visitors_own_picture_says_so(page: Page) -> None:
    """In the conversation and in full."""
    page.set_input_files("#file", png())
    page.press("#text", "Enter")
    reply_number(page, 0)
    page.get_by_role("img", name="您发送的图片").click()
    expect(page.locator(".viewer img")).to_have_attribute("alt", "您发送的图片")
