"""Texts that try to become code stay texts: every one of tests/xss.txt, everywhere in the widget and the console."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
from conftest import NO_LIMIT
from embedded import bubbles, remembered, reply_number, say
from hostile import HARMLESS, PAYLOADS, House, knowledge
from playwright.sync_api import Browser, Page, expect
from staffed import PASSWORD, office_in
from watching import Watch, watched

from bot.console.page import _environment as templates
from bot.console.queue import SHOWN
from bot.doubt import plain
from bot.mask import mask

pytest_plugins = ("browsing",)

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)

Visit = Callable[[Watch], None]
Inert = Callable[..., None]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, House]]:
    """Two servers alike but for the texts: harmless ones in the first."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in NO_LIMIT.items():
            patch.setenv(name, value)
        built = []
        for texts in (HARMLESS, PAYLOADS):
            entries = knowledge(texts).entries
            house = House(stack.enter_context(office_in(tmp_path_factory.mktemp("house"), *entries)), texts)
            house.furnish()
            built.append(house)
        yield built[0], built[1]


@pytest.fixture
def inert(browser: Browser, houses: tuple[House, House]) -> Inert:
    """Pays both houses the same visit; fails where the hostile one had other elements to show than the harmless one."""

    def compared(visit: Visit, **options: Any) -> None:
        found = []
        for house in houses:
            with watched(browser, house, **options) as watch:
                visit(watch)
            found.append(watch)
        harmless, hostile = found
        assert hostile.shapes - harmless.shapes <= {"a[href,rel,target]", "a[href]"}
        assert hostile.counts == harmless.counts

    return compared


def everywhere(text: str, *names: str) -> str:
    """A query of an address that has the text under every name."""
    return "&".join(f"{name}={quote(text, safe='')}" for name in names)


def enter(page: Page, name: str = "zhao") -> None:
    """Log in to the console."""
    page.goto("/console/login")
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/console/")


def logged_in(visit: Visit, name: str = "zhao") -> Visit:
    """The visit of somebody who is logged in to the console."""

    def visited(watch: Watch) -> None:
        enter(watch.page, name)
        visit(watch)

    return visited


# The widget


def test_in_the_widget_whatever_is_said_is_text(inert: Inert) -> None:
    """Typed, answered, live and after a reload; words of visitor, bot and person, names, sources, options."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        texts, count = house.texts, len(house.texts)
        page.goto("/")
        expect(page.locator("#system option")).to_have_count(count + 2)
        watch.look(*texts)
        say(page, texts[15])
        kept = remembered(page)["id"]
        watch.look()
        before = bubbles(page, "visitor").count()
        house.visitor_says(kept)
        expect(bubbles(page, "visitor")).to_have_count(before + count)
        shown = page.locator(".log > .visitor .words").evaluate_all("all => all.map(each => each.textContent)")
        assert shown[before:] == [*texts]
        before = bubbles(page, "bot").count()
        house.bot_says(kept)
        expect(bubbles(page, "bot")).to_have_count(before + count + 1)
        watch.look(*texts)
        house.agent_says(kept)
        expect(bubbles(page, "agent")).to_have_count(count)
        expect(page.locator(".title")).to_have_text(texts[15])
        watch.look(*texts)
        page.reload()
        expect(bubbles(page, "agent")).to_have_count(count)
        watch.look(*texts)

    inert(visit)


def test_in_the_widget_suggestions_and_options_are_text(inert: Inert) -> None:
    """Those of a real search, then all of them at once; taking one shows the entry word for word."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        page.goto("/?system=s3")
        suggestions = page.locator(".suggestions [role=option]")
        for typed in (texts[20][-12:], texts[100][:14], texts[40][:10]):
            page.fill("#text", "")
            with page.expect_response("**/api/suggest*"):
                page.locator("#text").press_sequentially(typed)
            page.wait_for_timeout(100)
            watch.look()
        offered = {"suggestions": [{"entry_id": f"a-{n}", "label": text} for n, text in enumerate(texts, 1)]}
        page.route("**/api/suggest*", lambda route: route.fulfill(json=offered))
        page.locator("#text").press_sequentially("问")
        expect(suggestions).to_have_count(len(texts))
        watch.look(*texts)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(bubbles(page, "bot")).to_have_count(1)
        expect(bubbles(page, "visitor")).to_have_text(f"您：{texts[0]}")
        watch.look(texts[0])

    inert(visit)


def test_in_the_widget_the_names_of_files_are_text(inert: Inert) -> None:
    """A picture pasted, dropped and refused under every name; one is sent."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        page.goto("/")
        page.evaluate(
            """async texts => {
                const root = document.querySelector("online-chat").shadowRoot;
                const bytes = Uint8Array.from(atob(
                    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
                ), each => each.charCodeAt());
                for (const [n, text] of texts.entries()) {
                    const clipboardData = new DataTransfer();
                    const type = n % 3 ? "image/png" : text.slice(0, 40);
                    clipboardData.items.add(new File([bytes], text, { type }));
                    const about = { clipboardData, dataTransfer: clipboardData, bubbles: true, cancelable: true };
                    const event = n % 2 ? new ClipboardEvent("paste", about) : new DragEvent("drop", about);
                    root.querySelector("#text").dispatchEvent(event);
                    await new Promise(requestAnimationFrame);
                }
            }""",
            list(texts),
        )
        watch.look()
        name = texts[16]
        page.locator("#file").set_input_files({"name": name, "mimeType": "image/png", "buffer": PICTURE})
        expect(page.locator(".attached img")).to_be_visible()
        watch.look()
        page.press("#text", "Enter")
        # It is shown while it is sent up, beside how far it is: both houses are looked at once it has arrived.
        expect(page.locator(".log > .visitor[data-sequence] .thumbnail img")).to_be_visible()
        reply_number(page, 0)
        watch.look()

    inert(visit)


def test_what_a_form_asks_and_takes_is_text(inert: Inert) -> None:
    """A person asked for with a text as what it is about, and the same taken back into the field."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        page.goto("/")
        say(page, house.texts[15])
        kept = remembered(page)["id"]
        house.bot_says(kept)
        expect(page.get_by_text("还有 2 项待填写")).to_be_visible()
        watch.look(*house.texts)
        field = page.locator("form.fill input")
        field.fill(house.texts[21])
        watch.look(house.texts[21])
        replies = bubbles(page, "bot").count()
        field.press("Enter")
        expect(page.locator(".log > .visitor").last).to_contain_text(house.texts[21])
        reply_number(page, replies)
        watch.look(house.texts[21])

    inert(visit)


def test_attributes_of_the_script_tag_and_of_the_address_are_text(inert: Inert) -> None:
    """System, colour, position and title in every element of a page; `?system=` in the address."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        page.goto("/")
        page.evaluate(
            """texts => texts.forEach(text => {
                const element = document.createElement("online-chat");
                Object.assign(element.dataset, { system: text, color: text, position: text, title: text });
                document.body.append(element);
            })""",
            list(texts),
        )
        last = page.locator("online-chat").last
        expect(last.locator(".launcher")).to_be_visible()
        expect(page.locator(".launcher")).to_have_count(len(texts))  # each once it has its style, in any order
        watch.look()
        labels = page.locator(".launcher").evaluate_all("all => all.map(each => each.title)")
        assert labels == [f"打开{text}" for text in texts]
        last.locator(".launcher").click()
        expect(last.locator(".title")).to_have_text(texts[-1])
        watch.look(texts[-1])
        watch.parse([f"/?system={quote(text)}" for text in texts])
        for text in texts[15], texts[-1]:
            page.goto(f"/?system={quote(text)}")
            page.wait_for_load_state("networkidle")
            watch.look()

    inert(visit, refused=("/api/widget",))


# The console


def test_in_the_console_a_search_and_its_hits_are_text(inert: Inert) -> None:
    """As one types, and as the address says; what cannot be looked for is said on a page of its own."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        watch.look(*texts, seen=False)
        field = page.get_by_label("搜索知识库")
        for text in texts[15], texts[60], texts[-1]:
            field.fill(text)
            expect(page.locator(f"#hits [data-query={json.dumps(text, ensure_ascii=False)}]")).to_be_attached()
            watch.look(text)
        page.goto(f"/console/?q={quote(texts[16])}&system=a")
        watch.look(texts[16])
        watch.parse([f"/console/?q={quote(text)}" for text in texts], texts)
        watch.parse([f"/console/?{everywhere(text, 'q', 'system', 'insert')}" for text in texts])
        page.goto(f"/console/?q=1&system={quote(texts[15])}")
        watch.look()

    inert(logged_in(visit), refused=("/console/",))


def test_in_the_console_the_queue_is_text(inert: Inert) -> None:
    """Systems, reasons and people's names, in the live queue and in the list of all tickets; and its filters."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        texts = house.texts
        page.goto("/console/queue")
        expect(page.get_by_role("button", name="接待")).to_have_count(min(SHOWN, len(texts)))
        watch.look(*texts)
        page.goto("/console/tickets")
        watch.look(texts[15], texts[-1])
        names = ("state", "system", "reason", "mine")
        watch.parse([f"/console/tickets?{everywhere(text, 'number', *names)}" for text in texts], texts)
        watch.parse([f"/console/queue?{everywhere(text, *names)}" for text in texts])
        page.goto(f"/console/tickets?number={quote(texts[15])}")
        watch.look(texts[15])

    inert(logged_in(visit), refused=("/console/",))


def test_in_the_console_a_conversation_is_text(inert: Inert) -> None:
    """All that is said and noted, the dossier, replies kept ready, suggestions, quotes and colleagues' names."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        texts = house.texts
        page.goto(f"/console/tickets/{house.ticket}")
        expect(page.locator("#messages > li")).to_have_count(3 * len(texts) + 1)
        watch.look(*texts)
        log = page.locator("#messages .visitor .words").evaluate_all("all => all.map(each => each.textContent)")
        assert log == [*texts]
        reply = page.get_by_label("回复访客")
        for group in range(0, len(texts), 20):
            reply.fill(f"/{group // 20}组")
            expect(page.locator("#canned [role=option]")).to_have_count(len(texts[group : group + 20]))
            watch.look(*(text[:90] for text in texts[group : group + 20]), within="#canned")
        page.keyboard.press("Enter")
        watch.look(texts[group])
        reply.fill("")
        page.get_by_role("button", name="转交", exact=True).click()
        watch.look(*texts)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="备注", exact=True).click()
        page.locator("dialog[open] textarea").fill(texts[23])
        page.get_by_role("button", name="保存备注").click()
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.keyboard.press("Control+k")
        page.get_by_label("搜索知识库").fill(texts[15])
        expect(page.locator("#hits .hit").first).to_be_visible()
        watch.look(texts[15])
        page.locator("#hits").get_by_role("button", name="插入").first.click()
        expect(page.locator("#quote")).to_be_visible()
        watch.look()
        reply.fill(texts[24])
        reply.press("Enter")
        expect(page.locator("#messages > li")).to_have_count(3 * len(texts) + 2)
        watch.look(texts[24])
        house.visitor_says(house.conversations[0])
        expect(page.locator("#messages > li")).to_have_count(4 * len(texts) + 2)
        expect(page.locator("#suggestions button").first).to_be_visible()
        watch.look(*texts)
        page.reload()
        expect(page.locator("#messages > li")).to_have_count(4 * len(texts) + 2)
        watch.look(*texts)

    inert(logged_in(visit))


def test_in_the_console_the_names_of_files_are_text(inert: Inert) -> None:
    """A picture for the visitor pasted, dropped and refused under every name; one is sent."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        texts = house.texts
        said = len(house.office.store.read(lambda transaction: transaction.messages(house.conversations[0])))
        page.goto(f"/console/tickets/{house.ticket}")
        expect(page.locator("#messages > li")).to_have_count(said)
        page.evaluate(
            """async ([texts, bytes]) => {
                for (const [n, text] of texts.entries()) {
                    const clipboardData = new DataTransfer();
                    const type = n % 3 ? "image/png" : text.slice(0, 40);
                    clipboardData.items.add(new File([new Uint8Array(bytes)], text, { type }));
                    const about = { clipboardData, dataTransfer: clipboardData, bubbles: true, cancelable: true };
                    const event = n % 2 ? new ClipboardEvent("paste", about) : new DragEvent("drop", about);
                    document.getElementById("reply").dispatchEvent(event);
                    await new Promise(requestAnimationFrame);
                }
            }""",
            [list(texts), list(PICTURE)],
        )
        watch.look()
        page.locator("#file").set_input_files({"name": texts[16], "mimeType": "image/png", "buffer": PICTURE})
        expect(page.locator("#attached img")).to_be_visible()
        watch.look()
        page.get_by_label("回复访客").press("Enter")
        expect(page.locator("#messages .agent .thumb img").last).to_be_visible()
        expect(page.locator("#messages > li")).to_have_count(said + 1)
        expect(page.locator("#outbox > li")).to_have_count(0)
        watch.look()

    inert(logged_in(visit))


def test_in_the_console_the_knowledge_base_is_text(inert: Inert) -> None:
    """Entries, sections, similar questions, topics, the draft, its preview, changed files, versions and the check."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        texts, library = house.texts, house.office.service.library
        page.goto("/console/knowledge")
        watch.look(*texts)
        page.goto("/console/knowledge/a-16")
        watch.look(texts[15])
        page.get_by_label("添加相似问法").fill(f"{texts[16]}\n{texts[17]}")
        page.locator("#similar").get_by_role("button", name="放进草稿").click()
        expect(page.locator("#similar")).to_contain_text(texts[17])
        watch.look(texts[16], texts[17])
        library.discard()
        watch.parse([f"/console/knowledge/a-{n}" for n in range(1, len(texts) + 1)], texts)
        watch.parse([f"/console/knowledge?{everywhere(text, 'q', 'section', 'system')}" for text in texts], texts)
        watch.parse([f"/console/knowledge/{quote(text, safe='')}" for text in texts])
        page.goto("/console/knowledge/topics")
        watch.look(*texts)
        house.draft()
        with house.previewed():
            for path in ("draft", "checks", "files", "a-16", "topics", "versions", "versions/2"):
                page.goto(f"/console/knowledge/{path}")
                page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
                watch.look(*(texts if path not in ("versions", "topics") else ()), seen=path != "a-16")
            page.goto("/console/knowledge/versions")
            page.get_by_text("改了什么").first.click()
            expect(page.locator(".changed .change").first).to_be_visible()
            watch.look()
            page.get_by_role("button", name="回滚到第 1 版").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            watch.look(*texts, seen=False)
        library.discard()

    inert(logged_in(visit), refused=("/console/knowledge",))


def test_in_the_console_doubts_and_what_was_done_about_them_are_text(inert: Inert) -> None:
    """What visitors asked, in groups and one by one, the entries near to it, and the deeds."""

    def visit(watch: Watch) -> None:
        page, house = watch.page, watch.house
        house.office.service.review.make(30)
        page.goto("/console/doubts")
        cards = page.get_by_role("article")
        expect(cards.first).to_be_visible()
        while (more := page.get_by_role("button", name="显示后面的")).count():
            before = cards.count()
            more.click()
            expect(cards).not_to_have_count(before)
        watch.look()
        said = page.locator("[hx-get*='/members']").evaluate_all("all => all.map(each => each.getAttribute('hx-get'))")
        alike = Counter(map(plain, house.texts))  # of such as differ in marks only, one is shown
        asked = [mask(text) for text in house.texts if alike[plain(text)] == 1]
        watch.parse(said, asked)
        cards.first.get_by_text("种问法").click()
        cards.first.get_by_role("button", name="归入条目或话题").click()
        with page.expect_response("**/doubts/entries?*"):
            page.get_by_label("查找其他条目").fill(house.texts[15])
        expect(page.locator(".found label").first).to_be_visible()
        watch.look(house.texts[15])
        page.get_by_role("button", name="忽略").first.click()
        page.goto("/console/doubts/deeds")
        watch.look()
        watch.parse([f"/console/doubts?{everywhere(text, 'system', 'kind')}" for text in house.texts[::4]])
        watch.parse([f"/console/doubts?{everywhere(text, 'days', 'start')}" for text in house.texts[::4]])
        watch.parse([f"/console/doubts/entries?q={quote(text)}" for text in house.texts])
        watch.parse([f"/console/doubts/{quote(text, safe='')}" for text in house.texts])

    inert(logged_in(visit), refused=("/console/doubts",))


def test_in_the_console_figures_are_text(inert: Inert) -> None:
    """Systems, entries and reasons as labels of tables and charts; the address."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        page.goto("/console/analytics")
        expect(page.locator("canvas").first).to_be_visible()
        watch.look(*texts, seen=False)
        watch.parse([f"/console/analytics?{everywhere(text, 'from', 'to')}" for text in texts])
        watch.parse([f"/console/analytics?{everywhere(text, 'system')}" for text in texts])
        watch.parse([f"/console/analytics?{everywhere(text, 'days')}" for text in texts[::40]])

    inert(logged_in(visit), refused=("/console/analytics",))


def test_what_is_typed_at_the_door_is_text(inert: Inert) -> None:
    """A name that nobody has, where to go next, and addresses of pages that are not there."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        for text in texts[15], texts[120]:
            page.goto(f"/console/login?next={quote(text)}")
            page.get_by_label("用户名").fill(text[:64])
            page.get_by_label("密码").fill("wrong")
            page.get_by_role("button", name="登录").click()
            expect(page.get_by_role("alert")).to_be_visible()
            expect(page.get_by_label("用户名")).to_have_value(text[:64])
            watch.look()
        watch.parse([f"/console/login?next={quote(text)}" for text in texts])
        watch.parse([f"/console/login?next=/console/{quote(text)}" for text in texts])
        for path in ("/console/", "/console/tickets/", "/api/"):
            watch.parse([path + quote(text, safe="") for text in texts])

    inert(visit, refused=("/console/", "/api/"))


def test_in_the_console_settings_are_text(inert: Inert) -> None:
    """Replies kept ready, people, keys, what is notified, hours and the history of changes."""

    def visit(watch: Watch) -> None:
        page, texts = watch.page, watch.house.texts
        page.goto("/console/settings")
        shown = {"canned": texts, "accounts": texts, "keys": texts, "history": texts}
        for tab in ("hours", "canned", "accounts", "keys", "targets", "thresholds", "history"):
            page.goto(f"/console/settings/{tab}")
            expect(page.get_by_role("heading", name="设置", exact=True)).to_be_visible()
            expect(page.get_by_text("正在试算")).to_have_count(0)
            watch.look(*shown.get(tab, ()))
        page.goto("/console/settings/canned")
        page.get_by_role("button", name=texts[15]).last.click()
        expect(page.get_by_role("dialog")).to_contain_text(texts[15])
        watch.look(texts[15])
        page.get_by_role("button", name="取消").click()
        page.get_by_label("标题").fill(texts[16][:100])
        page.get_by_label("内容").fill(texts[16])
        page.get_by_role("button", name="添加", exact=True).click()
        expect(page.get_by_role("heading", name="168 条")).to_be_visible()
        watch.look()
        page.goto("/console/settings/hours")
        with page.expect_response("**/settings/hours/week*"):
            page.get_by_label("每周的上班时间").fill(texts[15])
        page.get_by_role("button", name="保存", exact=True).click()
        expect(page.locator(".toast").first).to_be_visible()
        watch.look()
        watch.parse([f"/console/settings/hours/week?{everywhere(text, 'working_hours')}" for text in texts])
        watch.parse([f"/console/settings/canned?{everywhere(text, 'q', 'edit')}" for text in texts[::4]])
        watch.parse([f"/console/settings/accounts?{everywhere(text, 'edit')}" for text in texts[::9]])

    inert(logged_in(visit, "admin"), refused=("/console/settings",))


# What stands behind it, should a text become markup after all


PLACES = (
    "",
    "queue",
    "tickets",
    "tickets/1",
    "knowledge",
    "knowledge/a-1",
    "knowledge/draft",
    "knowledge/versions",
    "knowledge/checks",
    "doubts",
    "analytics",
    "settings",
    "settings/canned",
    "account",
    "nowhere",
    "tickets/999999",
    "?system=nowhere",
)


def test_no_page_runs_or_draws_what_is_written_into_it(browser: Browser, houses: tuple[House, House]) -> None:
    """By its header, and by what the browser does: script, handler, style and text as code are refused and reported."""
    page = browser.new_context(base_url=houses[0].url).new_page()
    for path in ("/", "/console/login"):
        refuses_what_is_written_into_it(page, path)
    enter(page)
    for path in PLACES:
        refuses_what_is_written_into_it(page, f"/console/{path}")
    page.context.close()


def refuses_what_is_written_into_it(page: Page, path: str) -> None:
    """Fail where a page lets a script, handler or style that is added to it do anything."""
    response = page.goto(path)
    assert response is not None, path
    policy = response.header_value("content-security-policy") or ""
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in policy
    told = page.evaluate(
        """async () => {
            const told = [];
            document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
                told.push(`${effectiveDirective} ${blockedURI}`));
            const add = (name, text) => {
                const element = document.body.appendChild(document.createElement(name));
                element.textContent = text;
                return element;
            };
            add("script", "window.hit = 1");
            add("style", "html { opacity: 0 !important }");
            const button = add("button", "");
            button.setAttribute("onclick", "window.hit = 1");
            button.setAttribute("style", "opacity: 0");
            button.click();
            setTimeout("window.hit = 1");
            await new Promise(done => setTimeout(done, 100));
            return [[...new Set(told)].sort(), "hit" in window, getComputedStyle(document.documentElement).opacity];
        }"""
    )
    kinds = ["script-src eval", "script-src-attr inline", "script-src-elem inline"]
    assert told == [[*kinds, "style-src-attr inline", "style-src-elem inline"], False, "1"], path


@pytest.mark.parametrize("trusting", [False, True], ids=["policy", "no policy"])
def test_these_tests_see_what_is_parsed_in_the_widget(
    browser: Browser, houses: tuple[House, House], *, trusting: bool
) -> None:
    """Words that are put in as HTML are found at once; without the policy they would run."""
    with watched(browser, houses[1], bypass_csp=trusting) as watch:
        page = watch.page
        page.goto("/")
        say(page, PAYLOADS[15])
        watch.look()
        words = page.locator(".log > .visitor .words")
        words.evaluate("node => { node.innerHTML = node.textContent }")
        page.wait_for_timeout(200)
        with pytest.raises(AssertionError, match="hit at" if trusting else "onerror"):
            watch.look()
        assert any(f"asked for {watch.house.url}/x" in each for each in watch.wrong)
        watch.wrong.clear()
        words.evaluate("node => { node.textContent = ''; delete window.hit; }")


def test_these_tests_see_what_is_not_escaped_in_the_console(
    browser: Browser, houses: tuple[House, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the templates' escaping shut off, the first look at the page fails."""
    with watched(browser, houses[1]) as watch:
        enter(watch.page, "wang")
        watch.parse(["/console/"])
        monkeypatch.setattr(templates, "autoescape", False)
        templates.cache.clear()
        try:
            with pytest.raises(AssertionError, match=r"on\w+="):
                watch.parse(["/console/"])
        finally:
            templates.cache.clear()
        watch.wrong.clear()  # the browser says that it would not run them
