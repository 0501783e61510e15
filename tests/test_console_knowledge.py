"""The knowledge base in the console, in a real browser against a real server: looked at, changed, published."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fake
import pytest
from browse import VIEWS, Desk, check_accessible, check_fits, desk_at
from playwright.sync_api import Browser, Page, expect
from staffed import Office, office_in, until

from bot.console.difference import compared, summary
from bot.console.entry import lines_of
from bot.turn import Incoming
from bot.version import Difference, EntryChange, PhraseChange, Text

pytest_plugins = ("browsing",)

ENTRIES = (
    fake.entry("a-1", "账号被锁定怎么办", "请等六小时，或拨打 400-123-4567。"),
    fake.entry("a-2", "怎样打印申报表", "请打开 https://example.gov.cn/print 打印。"),
    fake.entry("a-3", "加油站在哪里登记", "在首页登记。"),
)
EVIL = "<img src=x onerror=alert(1)>怎么办"
PREPARED = 60_000  # milliseconds; a process of its own starts and checks


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with a draft that is prepared, at which nothing is changed."""
    with office_in(tmp_path_factory.mktemp("still"), *ENTRIES) as office:
        library = office.service.library
        library.change("add_similar", "a-1", ["号被锁了", "锁住了咋办"], "ZHAO")
        library.change("add_topic", None, ["月球上有水吗"], "ZHAO")
        library.prepare()
        until(lambda: library.preparation().state in ("ready", "failed"), 60)
        yield office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server to change things at."""
    with office_in(tmp_path, *ENTRIES) as office:
        yield office


@pytest.fixture
def onlooker(browser: Browser, still: Office) -> Iterator[Desk]:
    """A browser at the console where nothing is changed."""
    with desk_at(browser, still.url) as desk:
        yield desk


def drafted(office: Office) -> list[tuple[str, str, str]]:
    """What the draft holds."""
    return [(change.kind, change.entry_id, change.text) for change in office.service.library.draft().changes]


def prepare(page: Page) -> None:
    """Preview the draft, and wait for it."""
    page.goto("/console/knowledge/draft")
    page.get_by_role("button", name="预览影响").click()
    expect(page.get_by_role("button", name="发布", exact=True)).to_be_visible(timeout=PREPARED)


def publish(page: Page, note: str = "") -> None:
    """Preview the draft and publish it."""
    prepare(page)
    page.get_by_label("发布说明").fill(note)
    page.get_by_role("button", name="发布", exact=True).click()
    page.wait_for_url("**/knowledge/versions?published=*")


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_every_page_is_accessible(onlooker: Desk, size: tuple[int, int], scheme: str) -> None:
    """Entries, an entry, topics, the draft with its preview, versions, checks and files, at every size and scheme."""
    page = onlooker.member("zhao", "/console/knowledge", size=size, scheme=scheme)
    for path in ("", "/a-1", "/topics", "/draft", "/versions", "/checks", "/files"):
        page.goto(f"/console/knowledge{path}")
        page.evaluate("document.querySelectorAll('#main details:not([open]) > summary').forEach(each => each.click())")
        expect(page.locator(".htmx-request")).to_have_count(0)
        check_accessible(page)
        check_fits(page)
    page.goto("/console/knowledge/a-1")
    page.get_by_role("button", name="修改：号被锁了").click()
    check_accessible(page)
    page.goto("/console/knowledge/versions")
    page.get_by_role("button", name="写回文件").click()
    expect(page.get_by_role("dialog", name="写回文件")).to_be_visible()
    check_accessible(page)
    check_fits(page)


def test_entries_are_found_by_system_section_and_typing(onlooker: Desk) -> None:
    """The tree narrows the list, and so does every letter typed; a link opens the entry."""
    page = onlooker.member("wang", "/console/knowledge")
    expect(page.locator("#entries li")).to_have_count(3)
    page.get_by_label("筛选条目").press_sequentially("打印")
    expect(page.locator("#entries li")).to_have_count(1)
    page.get_by_label("筛选条目").fill("没有这样的东西")
    expect(page.get_by_text("没有符合的条目")).to_be_visible()
    page.get_by_role("link", name="甲系统").click()
    expect(page.locator("#entries li")).to_have_count(3)
    page.get_by_role("link", name="怎样打印申报表").click()
    expect(page.get_by_role("heading", name="怎样打印申报表", level=1)).to_be_visible()


def test_an_entry_shows_as_visitors_see_it(onlooker: Desk) -> None:
    """Word for word with its source, addresses and telephone numbers to open and call."""
    page = onlooker.member("wang", "/console/knowledge/a-2")
    link = page.locator(".preview").get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.gov.cn/print")
    expect(page.locator(".preview")).to_contain_text("请打开 https://example.gov.cn/print 打印。")
    expect(page.locator(".preview .source")).to_contain_text("来源：甲系统")
    page.goto("/console/knowledge/a-1")
    expect(page.locator(".preview").get_by_role("link")).to_have_attribute("href", "tel:4001234567")


def test_similar_questions_are_added_many_at_once_changed_and_removed_again(desk: Desk, office: Office) -> None:
    """Lines that are pasted become drafted questions; one is reworded, one removed, one undone in the panel."""
    page = desk.member("zhao", "/console/knowledge/a-1")
    page.get_by_label("添加相似问法").fill(f"号被锁了\n\n  锁住了咋办  \n{EVIL}\n号被锁了")
    page.get_by_role("button", name="放进草稿").first.click()
    expect(page.locator(".toast")).to_contain_text("3 个相似问法")
    expect(page.locator("#similar .phrases li")).to_have_count(3)
    expect(page.locator("#similar").get_by_text(EVIL)).to_be_visible()
    page.get_by_role("button", name="修改：锁住了咋办").click()
    expect(page.get_by_label("修改后的文字").locator("visible=true")).to_be_focused()
    page.get_by_label("修改后的文字").locator("visible=true").fill("锁住了怎么解")
    page.keyboard.press("Enter")
    expect(page.locator("#similar").get_by_text("锁住了怎么解")).to_be_visible()
    page.locator("#similar").get_by_role("button", name=f"移除：{EVIL}").click()
    expect(page.locator("#similar .phrases li")).to_have_count(2)
    assert drafted(office) == [("add_similar", "a-1", "号被锁了"), ("add_similar", "a-1", "锁住了怎么解")]
    page.get_by_text("草稿中有 2 处修改").click()
    page.get_by_role("button", name="撤销：号被锁了").click()
    expect(page.get_by_text("草稿中有 1 处修改")).to_be_visible()
    expect(page.locator("#similar .phrases li")).to_have_count(1)
    assert drafted(office) == [("add_similar", "a-1", "锁住了怎么解")]


def test_leaving_an_edit_changes_nothing_and_gives_the_focus_back(desk: Desk, office: Office) -> None:
    """Escape closes the field."""
    office.service.library.change("add_similar", "a-1", ["号被锁了"], "ZHAO")
    page = desk.member("zhao", "/console/knowledge/a-1")
    page.get_by_role("button", name="修改：号被锁了").click()
    expect(page.get_by_role("textbox", name="修改后的文字")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="修改：号被锁了")).to_be_focused()
    assert drafted(office) == [("add_similar", "a-1", "号被锁了")]


def test_what_is_published_is_answered_at_once_and_can_be_rolled_back(desk: Desk, office: Office) -> None:
    """Preview, publish with a note, look at what changed, remove and keep, go back through the dialog."""
    bot, library = office.service.bot, office.service.library
    library.change("add_similar", "a-3", ["火星上怎么登记"], "ZHAO")
    page = desk.member("zhao", "/console/knowledge/draft")
    publish(page, "<b>火星</b>")
    expect(page.get_by_text("已发布第 2 版")).to_be_visible()
    expect(page.locator("#versions").get_by_text("<b>火星</b>")).to_be_visible()
    reply = bot.turn(Incoming(text="火星上怎么登记")).reply
    assert reply is not None
    assert reply.answer is not None
    assert reply.answer.entry_id == "a-3"
    page.locator("#versions summary").first.click()
    expect(page.locator("#versions ins")).to_contain_text("火星上怎么登记")
    page.goto("/console/knowledge/a-3")
    page.get_by_role("button", name="移除：火星上怎么登记").click()
    expect(page.get_by_text("草稿：移除")).to_be_visible()
    page.get_by_role("button", name="保留：火星上怎么登记").click()
    expect(page.get_by_text("草稿：移除")).to_have_count(0)
    assert library.draft().empty
    page.goto("/console/knowledge/versions")
    page.get_by_role("button", name="回滚到第 1 版").click()
    dialog = page.get_by_role("dialog", name="回滚到第 1 版？")
    expect(dialog).to_be_visible()
    if not library.kept(1):
        dialog.get_by_role("button", name="准备").click()
        expect(dialog.get_by_role("button", name="回滚", exact=True)).to_be_visible(timeout=PREPARED)
    dialog.get_by_label("说明").fill("试错了")
    dialog.get_by_role("button", name="回滚", exact=True).click()
    page.wait_for_url("**/knowledge/versions?published=1")
    expect(page.get_by_role("row", name="回滚到第 1 版")).to_contain_text("试错了")
    assert library.published().number == 1


def test_a_draft_that_a_colleague_changed_is_not_published_unseen(desk: Desk, office: Office) -> None:
    """What was previewed is what is published: otherwise it is told, and the draft as it now is shown."""
    office.service.library.change("add_similar", "a-3", ["火星上怎么登记"], "ZHAO")
    page = desk.member("zhao", "/console/knowledge/draft")
    prepare(page)
    office.service.library.change("add_similar", "a-3", ["土星上怎么登记"], "LI")
    page.get_by_role("button", name="发布", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#draft").get_by_text("土星上怎么登记")).to_be_visible()
    assert office.service.library.published().number == 1


def test_errors_are_told_and_keep_a_draft_from_being_published(desk: Desk, office: Office) -> None:
    """A text under two entries is a conflict at once and an error in the preview; all can be undone in one go."""
    library = office.service.library
    library.change("add_similar", "a-1", ["号被锁了"], "ZHAO")
    library.change("add_similar", "a-2", ["号被锁了"], "ZHAO")
    page = desk.member("zhao", "/console/knowledge/draft")
    expect(page.get_by_text("处冲突，请先看看")).to_be_visible()
    prepare(page)
    expect(page.get_by_text("改正错误后才能发布。").first).to_be_visible()
    expect(page.get_by_role("button", name="发布", exact=True)).to_be_disabled()
    page.goto("/console/knowledge/a-1")
    expect(page.locator("[aria-labelledby=checks-title]").get_by_text("同一问法归入两个条目").first).to_be_visible()
    page.goto("/console/knowledge/draft")
    page.get_by_role("button", name="全部撤销").click()
    dialog = page.get_by_role("dialog", name="撤销全部修改？")
    dialog.get_by_role("button", name="取消").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="全部撤销").click()
    dialog.get_by_role("button", name="全部撤销").click()
    expect(page.get_by_text("草稿是空的")).to_be_visible()
    expect(dialog).to_be_hidden()
    assert library.draft().empty


def test_what_is_published_can_be_checked_by_itself(desk: Desk) -> None:
    """Without a draft the check is started on its own page, which then shows what it found, by kind."""
    page = desk.member("zhao", "/console/knowledge/checks")
    expect(page.get_by_text("还没有检查过")).to_be_visible()
    page.get_by_role("button", name="开始检查").click()
    expect(page.locator("#checks")).to_contain_text("没有发现问题", timeout=PREPARED)
    page.goto("/console/knowledge/a-1")
    expect(page.get_by_text("没有发现问题")).to_be_visible()


def test_changed_files_wait_to_be_taken_into_the_draft(desk: Desk, office: Office) -> None:
    """A banner leads to what changed, word for word; taken over, published, it is what visitors get."""
    office.service.library.published()
    document = office.folder / "documents" / "a.txt"
    document.write_text(document.read_text("utf-8").replace("在首页登记。", "在新首页登记。"), "utf-8")
    page = desk.member("zhao", "/console/knowledge")
    page.get_by_role("link", name="查看改动").click()
    expect(page.locator("ins")).to_have_text("新")
    page.get_by_role("button", name="采用到草稿").click()
    page.wait_for_url("**/knowledge/draft")
    expect(page.get_by_text("采用文件改动")).to_be_visible()
    publish(page)
    expect(page.get_by_role("link", name="查看改动")).to_have_count(0)
    entry = office.service.bot.desk.index.entry("a-3")
    assert entry is not None
    assert entry.answer == "在新首页登记。"


def test_similar_questions_of_a_changed_question_wait_to_be_confirmed(desk: Desk, office: Office) -> None:
    """Where a document asks otherwise than before, what hung on the question is held back until somebody keeps it."""
    library, folder = office.service.library, office.folder / "documents"
    library.change("add_similar", "a-3", ["火星上怎么登记"], "ZHAO")
    page = desk.member("zhao", "/console/knowledge/draft")
    publish(page)
    library.export(author="ZHAO")
    document = folder / "a.txt"
    document.write_text(document.read_text("utf-8").replace("加油站在哪里登记", "加油站在何处登记"), "utf-8")
    page.goto("/console/knowledge/files")
    expect(page.get_by_text("待确认").first).to_be_visible()
    expect(page.get_by_text("尚未采用")).to_be_visible()
    page.get_by_role("button", name="采用到草稿").click()
    expect(page.get_by_role("button", name="仍然合适，继续沿用")).to_be_visible()
    expect(page.get_by_text("尚未采用")).to_have_count(0)
    publish(page)
    page.goto("/console/knowledge/a-3")
    page.get_by_text("暂不采用").get_by_role("link", name="草稿").click()
    page.get_by_role("button", name="仍然合适，继续沿用").click()
    expect(page.get_by_text("确认沿用相似问法")).to_be_visible()
    expect(page.get_by_role("button", name="仍然合适，继续沿用")).to_have_count(0)
    assert ("keep_similar", "a-3", "") in drafted(office)


def test_files_that_cannot_be_read_are_told(desk: Desk, office: Office) -> None:
    """A mistake in a file is named; nothing can be taken over."""
    office.service.library.published()
    (office.folder / "documents" / "a.similar.toml").write_text("]", "utf-8")
    page = desk.member("zhao", "/console/knowledge/files")
    expect(page.locator(".bad")).to_contain_text("a.similar.toml")
    expect(page.get_by_role("button", name="采用到草稿")).to_have_count(0)


def test_what_is_published_goes_back_into_the_files_and_into_an_archive(desk: Desk, office: Office) -> None:
    """Written where nobody else has; against changes nobody confirmed only when told to. The ZIP holds the files."""
    library, folder = office.service.library, office.folder / "documents"
    library.change("add_similar", "a-3", ["火星上怎么登记"], "ZHAO")
    page = desk.member("zhao", "/console/knowledge/draft")
    publish(page)
    (folder / "a.txt").write_text((folder / "a.txt").read_text("utf-8") + "4、新问题\n答：新答案。\n", "utf-8")
    page.get_by_role("button", name="写回文件").click()
    dialog = page.get_by_role("dialog", name="写回文件")
    dialog.get_by_role("button", name="写回文件").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_role("button", name="仍要写回").click()
    expect(dialog.get_by_text("已写入")).to_be_visible()
    assert "火星上怎么登记" in (folder / "a.similar.toml").read_text("utf-8")
    assert "新问题" not in (folder / "a.txt").read_text("utf-8")
    dialog.get_by_role("button", name="关闭").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 ZIP").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert "a.similar.toml" in archive.namelist()


def test_topics_are_added_found_changed_and_dropped(desk: Desk, office: Office) -> None:
    """Topics are lines of the draft as well."""
    page = desk.member("zhao", "/console/knowledge/topics")
    page.get_by_label("添加话题").fill("月球上有水吗\n火车票怎么退")
    page.get_by_role("button", name="放进草稿").first.click()
    expect(page.locator("#topics .phrases li")).to_have_count(2)
    page.get_by_role("button", name="移除：月球上有水吗").click()
    expect(page.locator("#topics .phrases li")).to_have_count(1)
    page.get_by_label("筛选话题").press_sequentially("飞机")
    expect(page.get_by_text("0 个话题")).to_be_visible()
    assert drafted(office) == [("add_topic", "", "火车票怎么退")]


def test_agents_see_everything_and_change_nothing(onlooker: Desk, still: Office) -> None:
    """An agent finds no buttons that change, and every route that does refuses."""
    page = onlooker.member("wang", "/console/knowledge/a-1")
    expect(page.locator("#similar").get_by_text("号被锁了")).to_be_visible()
    for path in ("/a-1", "/topics", "/draft", "/versions", "/files", "/checks"):
        page.goto(f"/console/knowledge{path}")
        for name in ("放进草稿", "修改", "移除", "撤销", "发布", "预览影响", "写回文件", "回滚到此版", "采用到草稿"):
            expect(page.locator("#main").get_by_role("button", name=name, exact=True)).to_have_count(0)
    before = drafted(still)
    for path in (
        *(f"{place}/{deed}" for place in ("a-1", "topics") for deed in ("add", "drop", "edit", "restore")),
        *("draft/prepare", "draft/publish", "draft/discard", "draft/changes/1/undo", "files/take", "files/keep"),
        *("versions/1/prepare", "versions/1/rollback", "export"),
    ):
        url, data = f"{still.url}/console/knowledge/{path}", {"texts": "问", "text": "号被锁了"}
        assert still.member("wang").post(url, data=data).status_code == 403, path
        lead = still.member("zhao")
        assert lead.post(url, data=data, headers={"X-CSRF-Token": "wrong"}).status_code == 403, path
    assert drafted(still) == before


@pytest.mark.parametrize(
    ("path", "data", "status", "words"),
    [
        ("a-9/add", {"texts": "问"}, 404, "a-9"),
        ("a-1/add", {"texts": " \n "}, 422, "请先输入"),
        ("a-1/add", {"texts": "问" * 201}, 422, "200"),
        ("a-1/add", {"texts": "\n".join(f"问{n}" for n in range(201))}, 422, "200"),
        ("a-1/add", {"texts": "问" * 70_000}, 413, "太长"),
        ("a-1/edit", {"before": "号被锁了", "after": ""}, 422, "1 到 200"),
        ("a-1/drop", {"text": "从来没有过"}, 422, "从来没有过"),
        ("draft/changes/999/undo", {}, 404, "已经撤销"),
        ("versions/99/rollback", {}, 404, "99"),
        ("files/take", {}, 422, "没有"),
    ],
)
def test_what_makes_no_sense_is_refused_in_chinese(
    still: Office, path: str, data: dict[str, str], status: int, words: str
) -> None:
    """Empty, too long, too many, not there: each is told, and the draft stays as it was."""
    before = drafted(still)
    response = still.member("zhao").post(f"{still.url}/console/knowledge/{path}", data=data)
    assert response.status_code == status, response.text
    assert words in response.text
    assert drafted(still) == before


def test_an_entry_or_version_that_is_not_there_is_a_page_in_chinese(onlooker: Desk) -> None:
    """Unknown ids are told on a page with a way back."""
    page = onlooker.member("wang", "/console/knowledge")
    for path in ("/a-99", "/versions/99"):
        page.goto(f"/console/knowledge{path}")
        expect(page.get_by_role("heading", name="没有找到")).to_be_visible()
    onlooker.faults.clear()  # the browser notes the status 404


def test_texts_are_compared_word_for_word() -> None:
    """What stays, goes and comes; what is too long is shown whole, one after the other."""
    found = [(piece.op, piece.text) for piece in compared("请等六小时再登录。", "请等 24 小时再登录。")]
    assert found == [("same", "请等"), ("del", "六"), ("ins", " 24 "), ("same", "小时再登录。")]
    assert [piece.op for piece in compared("一" * 3000, "二" * 3000)] == ["del", "ins"]
    assert compared("", "") == []


def test_a_difference_is_told_in_a_line() -> None:
    """Entries, similar questions and topics are counted apart."""
    one, other = Text("问", "答"), Text("问", "别的")
    found = Difference(
        (EntryChange("a-1", None, one), EntryChange("a-2", one, other)),
        (PhraseChange("add", "a-1", "甲"), PhraseChange("drop", "a-1", "乙"), PhraseChange("add", "", "丙")),
    )
    assert summary(found) == "条目新增 1、修改 1；相似问法新增 1、移除 1；未收录话题新增 1"
    assert summary(Difference()) == "没有改动"


def test_items_of_a_list_are_told_from_other_lines() -> None:
    """As the widget does: numbers, bullets and circled digits begin an item, a date does not."""
    lines = ("1.打开；", "（2）登录；", "①退出", "2026.11.22 起", "其他")
    assert [item for item, _ in lines_of("\n".join(lines))] == [True, True, True, False, False]
