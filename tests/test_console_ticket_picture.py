"""Pictures that staff send from a conversation in the console: chosen, pasted, dropped, looked at, taken away, sent."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fake
import httpx
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits, first_held
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect
from staffed import Office, office_in, until

pytest_plugins = ("browsing",)

COUNT = itertools.count(1)
SENT_UP = "**/api/staff/tickets/*/pictures"
GIVE = """([way, files]) => {
    const data = new DataTransfer();
    files.forEach(([name, type, bytes]) => data.items.add(new File([new Uint8Array(bytes)], name, { type })));
    const options = { bubbles: true, cancelable: true };
    const field = document.getElementById("reply");
    const event = way === "paste"
        ? new ClipboardEvent("paste", { ...options, clipboardData: data })
        : new DragEvent(way, { ...options, dataTransfer: data });
    (way === "paste" ? field : document.querySelector("header")).dispatchEvent(event);
    return event.defaultPrevented;
}"""
"""Files pasted into the field or held over the page anywhere; whether the browser leaves them to the page."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with staff and an entry."""
    entry = fake.entry("a-1", "账号被锁定怎么办", "请等六小时。")
    with office_in(tmp_path_factory.mktemp("office"), entry) as office:
        yield office


@dataclass
class Case:
    """A ticket of wang's, and what its visitor has heard from staff."""

    office: Office
    conversation: str
    number: int

    @classmethod
    def of(cls, office: Office) -> Case:
        conversation = f"conversation-of-pictures-{next(COUNT)}"
        case = cls(office, conversation, office.ticket(conversation))
        assert office.member("wang").post(f"/tickets/{case.number}/take").status_code == 200
        return case

    def open(self, desk: Desk, **options: Any) -> Page:
        """Its page, ready to write."""
        page = desk.member("wang", f"/console/tickets/{self.number}", **options)
        expect(page.get_by_label("回复访客")).to_be_visible()
        return page

    def heard(self) -> list[tuple[str, tuple[int, int] | None]]:
        """What staff said, with the size of the picture as the visitor gets it."""
        token = self.office.service.bot.token(self.conversation)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"{self.office.url}/api", headers=headers, timeout=10) as client:
            messages = client.get(f"/chat/{self.conversation}").json()["messages"]
            said = [(message["text"], message["picture"]) for message in messages if message["author"] == "agent"]
            at = f"/conversations/{self.conversation}/pictures"
            return [(text, picture and size_of(client.get(f"{at}/{picture}").content)) for text, picture in said]


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def png(width: int = 320, height: int = 200) -> FilePayload:
    """A screenshot."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(file, "PNG")
    return {"name": "截图.png", "mimeType": "image/png", "buffer": file.getvalue()}


def given(page: Page, way: str, *files: FilePayload) -> bool:
    """Paste files or hold them over the page; whether the page takes care of them."""
    taken: bool = page.evaluate(GIVE, [way, [[f["name"], f["mimeType"], list(f["buffer"])] for f in files]])
    return taken


def whole(page: Page, width: int) -> None:
    """The last picture in the conversation opens in full."""
    page.locator("#messages .agent .thumb").last.click()
    image = page.get_by_role("img", name="客服发来的图片")
    expect(image).to_be_visible()
    until(lambda: image.evaluate("image => image.naturalWidth") == width)
    page.keyboard.press("Escape")
    expect(image).to_be_hidden()


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_a_picture_in_the_composer_and_in_the_conversation_is_accessible_and_fits(
    desk: Desk, office: Office, size: tuple[int, int], scheme: str
) -> None:
    """Looked at before it is sent, refused, under way, not sent, and sent; a phone's long screenshot."""
    page = Case.of(office).open(desk, size=size, scheme=scheme)
    given(page, "dragover", png())
    expect(page.locator(".composer.target")).to_be_visible()
    page.set_input_files("#file", png(1080, 2400))
    expect(page.get_by_alt_text("待发送的图片")).to_be_visible()
    given(page, "paste", png(), png())
    expect(page.get_by_role("alert").filter(has_text="一次只能发送一张图片")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    page.route(SENT_UP, lambda route: route.abort(), times=1)
    page.get_by_label("回复访客").press("Enter")
    expect(page.locator("#outbox .failed")).to_contain_text("连接已中断")
    check_accessible(page)
    check_fits(page)
    page.get_by_role("button", name="重发").click()
    expect(page.locator("#messages .agent .thumb img")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    whole(page, 1080)
    desk.faults.clear()  # the browser notes what was cut


def test_enter_sends_the_picture_with_the_words(desk: Desk, office: Office) -> None:
    """As one message, by keyboard alone; the composer is empty then, and the picture opens in full."""
    case = Case.of(office)
    page = case.open(desk)
    page.get_by_label("回复访客").fill("请点红圈处")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="图片", exact=True).press("Enter")
    chooser.value.set_files(png())
    expect(page.get_by_label("回复访客")).to_be_focused()
    page.keyboard.press("Enter")
    sent = page.locator("#messages .agent")
    expect(sent).to_contain_text("请点红圈处")
    expect(page.locator("#attached")).to_be_hidden()
    expect(page.get_by_label("回复访客")).to_have_value("")
    expect(page.locator("#outbox .message")).to_have_count(0)
    assert case.heard() == [("请点红圈处", (320, 200))]
    whole(page, 320)
    page.reload()
    whole(page, 320)


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(desk: Desk, office: Office, way: str) -> None:
    """Into the field or anywhere on the page; alone it is a message too."""
    case = Case.of(office)
    page = case.open(desk)
    assert given(page, way, png()) is True
    expect(page.get_by_alt_text("待发送的图片")).to_be_visible()
    page.get_by_role("button", name="发送", exact=True).click()
    expect(page.locator("#messages .agent .thumb")).to_have_count(1)
    assert case.heard() == [("", (320, 200))]


def test_a_picture_can_be_taken_away_before_it_is_sent(desk: Desk, office: Office) -> None:
    """The words go alone, and nothing of it was sent up; another can take its place."""
    case = Case.of(office)
    page = case.open(desk)
    sent_up: list[str] = []
    page.on("request", lambda request: sent_up.append(request.url) if request.url.endswith("/pictures") else None)
    page.set_input_files("#file", png())
    page.get_by_label("回复访客").fill("您好")
    page.get_by_role("button", name="移除图片").click()
    expect(page.locator("#attached")).to_be_hidden()
    expect(page.get_by_label("回复访客")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#messages .agent")).to_have_count(1)
    assert sent_up == []
    for width in (300, 500):
        page.set_input_files("#file", png(width))
    page.get_by_label("回复访客").press("Enter")
    expect(page.locator("#messages .agent")).to_have_count(2)
    assert case.heard() == [("您好", None), ("", (500, 200))]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([{"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}], "只能发送 PNG、JPEG"),
        ([{"name": "a.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}], "只能发送 PNG、JPEG"),
        ([{"name": "a.png", "mimeType": "image/png", "buffer": b""}], "这个文件是空的"),
        ([png(), png()], "一次只能发送一张图片"),
    ],
    ids=["document", "drawing", "empty", "two"],
)
def test_what_is_no_picture_is_refused_before_it_is_sent(
    desk: Desk, office: Office, files: list[FilePayload], words: str
) -> None:
    """In words, which go once one writes on; what was there before stays."""
    page = Case.of(office).open(desk)
    given(page, "paste", png())
    given(page, "drop", *files)
    told = page.locator(".composer [role=alert]")
    expect(told).to_contain_text(words)
    expect(page.get_by_alt_text("待发送的图片")).to_be_visible()
    page.get_by_label("回复访客").press_sequentially("好")
    expect(told).to_be_hidden()


def test_a_picture_of_more_than_eight_megabytes_is_refused_before_it_is_sent(desk: Desk, office: Office) -> None:
    """In words that say what helps."""
    page = Case.of(office).open(desk)
    page.set_input_files("#file", {**png(), "buffer": b"x" * (8 * 1024 * 1024 + 1)})
    expect(page.locator(".composer [role=alert]")).to_have_text("图片不能超过 8 MB，请裁剪或压缩后再发送。")
    expect(page.locator("#attached")).to_be_hidden()


def test_what_the_server_takes_for_no_picture_is_said_at_the_message(desk: Desk, office: Office) -> None:
    """In its words; the message can be deleted, and the next one goes."""
    case = Case.of(office)
    page = case.open(desk)
    page.set_input_files("#file", {**png(), "buffer": b"no picture"})
    page.get_by_label("回复访客").fill("见图")
    page.keyboard.press("Enter")
    failed = page.locator("#outbox .failed")
    expect(failed).to_contain_text("无法识别这个文件")
    expect(failed).to_contain_text("见图")
    failed.get_by_role("button", name="删除").click()
    page.get_by_label("回复访客").fill("请稍等")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .agent")).to_have_count(1)
    assert case.heard() == [("请稍等", None)]
    desk.faults.clear()  # the browser notes the refusal


def test_while_a_picture_is_sent_up_it_says_so_and_nothing_overtakes_it(desk: Desk, office: Office) -> None:
    """What is written meanwhile waits for its turn."""
    case = Case.of(office)
    page = case.open(desk)
    held: list[Route] = []
    page.route(SENT_UP, lambda route: held.extend([route]))
    page.set_input_files("#file", png())
    page.get_by_label("回复访客").press("Enter")
    outbox = page.locator("#outbox .message")
    expect(outbox.first).to_contain_text("正在上传图片…")
    expect(outbox.get_by_alt_text("待发送的图片")).to_be_visible()
    page.get_by_label("回复访客").fill("第二条")
    page.keyboard.press("Enter")
    expect(outbox).to_have_count(2)
    assert case.heard() == []
    first_held(page, held).continue_()
    expect(outbox).to_have_count(0)
    assert case.heard() == [("", (320, 200)), ("第二条", None)]


def test_a_picture_whose_message_was_not_confirmed_is_sent_again_once(desk: Desk, office: Office) -> None:
    """Also after a reload: it was sent up already, and the visitor gets it once."""
    case = Case.of(office)
    page = case.open(desk)
    page.route("**/events*", lambda route: route.abort())
    page.reload()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/reply", lose, times=1)
    page.set_input_files("#file", png())
    page.get_by_label("回复访客").fill("见图")
    page.keyboard.press("Enter")
    failed = page.locator("#outbox .failed")
    expect(failed).to_contain_text("连接已中断")
    page.reload()
    until(lambda: failed.get_by_alt_text("待发送的图片").evaluate("image => image.naturalWidth") == 320)
    failed.get_by_role("button", name="重发").click()
    expect(failed).to_have_count(0)
    expect(page.locator("#messages .agent")).to_have_count(1)
    assert case.heard() == [("见图", (320, 200))]
    desk.faults.clear()  # the browser notes what was cut


def test_words_whose_picture_was_lost_are_not_sent_without_it(desk: Desk, office: Office) -> None:
    """A page left while the picture was on its way: the message stands there still, and says what to do."""
    case = Case.of(office)
    page = case.open(desk)
    page.route(SENT_UP, lambda route: route.abort())
    page.set_input_files("#file", png())
    page.get_by_label("回复访客").fill("请点红圈处")
    page.keyboard.press("Enter")
    expect(page.locator("#outbox .failed")).to_be_visible()
    page.unroute(SENT_UP)
    page.reload()
    failed = page.locator("#outbox .failed")
    expect(failed).to_contain_text("请点红圈处")
    failed.get_by_role("button", name="重发").click()
    expect(failed).to_contain_text("需要重新选择")
    assert case.heard() == []
    failed.get_by_role("button", name="删除").click()
    expect(failed).to_have_count(0)
    desk.faults.clear()  # the browser notes what was cut


def test_who_does_not_have_the_ticket_cannot_attach_a_picture(desk: Desk, office: Office) -> None:
    """Neither by the button nor by dropping it."""
    case = Case.of(office)
    page = desk.member("li", f"/console/tickets/{case.number}")
    expect(page.get_by_text("接待这位访客之后才能回复")).to_be_visible()
    expect(page.locator("#attach")).to_be_hidden()
    assert given(page, "drop", png()) is False
    expect(page.locator("#attached")).to_be_hidden()


def test_text_beside_a_picture_on_the_clipboard_is_what_is_pasted(desk: Desk, office: Office) -> None:
    """As of a table that was copied."""
    page = Case.of(office).open(desk)
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(9)], "a.png", { type: "image/png" }));
            data.setData("text/plain", "一\\t二");
            const event = new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data });
            document.getElementById("reply").dispatchEvent(event);
        }"""
    )
    expect(page.locator("#attached")).to_be_hidden()
