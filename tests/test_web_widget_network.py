"""Whatever the network does, nothing is lost and nothing doubled; what the server refuses is said."""

from __future__ import annotations

import httpx
import pytest
from embedded import (
    EVERYWHERE,
    HIDE,
    LOCKED,
    attended,
    bubbles,
    do,
    entry,
    hide,
    only_network,
    problem,
    reply_number,
    said,
    say,
    sequences,
    serve_sources,
    stop_clock,
    stored,
    tell,
)
from playwright.sync_api import Page, Request, Route, expect

pytest_plugins = ("browsing",)
pytestmark = EVERYWHERE


def test_messages_sent_while_the_network_was_away_arrive_once(
    page: Page, staff: httpx.Client, widget_server: str, faults: list[str]
) -> None:
    """Five seconds offline: what a person wrote meanwhile is there shortly after, in order, and nothing twice."""
    number = attended(page, staff)
    do(staff, number, "reply", text="之前")
    expect(bubbles(page, "agent")).to_have_count(1)
    page.context.set_offline(True)
    do(staff, number, "reply", text="期间一")
    page.wait_for_timeout(5000)
    expect(page.get_by_text("连接已中断，正在重新连接…")).to_be_visible()
    do(staff, number, "reply", text="期间二")
    page.context.set_offline(False)
    expect(bubbles(page, "agent")).to_have_text(["小王：之前", "小王：期间一", "小王：期间二"])
    expect(page.get_by_text("连接已中断，正在重新连接…")).to_be_hidden()
    tell(page, "好的")
    page.wait_for_timeout(500)
    assert sequences(page) == list(range(len(stored(page, widget_server)) + 1))
    only_network(faults)


def test_a_conversation_that_is_gone_is_said_to_be(page: Page, faults: list[str]) -> None:
    """Listening to it is refused: a button offers a new one."""
    say(page, "你好")
    page.route("**/events", lambda route: route.fulfill(**problem(404, "找不到这个会话。")))
    page.route("**/api/chat/*", lambda route: route.fulfill(**problem(404, "找不到这个会话。")), times=1)
    page.reload()
    expect(page.locator(".aside")).to_contain_text("之前的会话已失效")
    say(page, "你好")
    expect(page.locator(".aside").last).to_contain_text("此会话已失效")
    page.unroute("**/events")
    page.locator(".aside").get_by_role("button", name="开始新会话").click()
    expect(bubbles(page, "visitor")).to_have_count(0)
    say(page, "你好")
    only_network(faults)


def test_events_are_read_whatever_their_line_ends_and_pieces(page: Page) -> None:
    """CR, LF and CRLF, data of several lines, comments, characters cut in two; the last number goes along later."""
    stream = (
        '\ufeff: ping\r\n\r\nevent: message\r\nid: 7\r\ndata: {"text":\r\ndata:  "你好\\u2028"}\r\n\r\n'
        "retry: 5\nevent: state\ndata:{}\n\nevent: typing\n\n: ping\n\ndata: 1\r\rdata: 2\n\ndata: lost"
    )
    serve_sources(page)
    for size in (1, 2, 1000):
        heard = page.evaluate(
            """async ([text, size]) => {
                const { listen } = await import("/widget-src/stream.js");
                const bytes = new TextEncoder().encode(text), heard = [];
                return new Promise(resolve => {
                    let asked = 0;
                    const stream = async (after) => {
                        asked += 1;
                        if (asked === 2) {
                            stop();
                            resolve([heard, after]);
                        }
                        return new Response(new ReadableStream({ start(controller) {
                            for (let n = 0; n < bytes.length; n += size) controller.enqueue(bytes.slice(n, n + size));
                            controller.close();
                        } }));
                    };
                    const poll = () => Promise.reject(new TypeError("not asked"));
                    const hear = (kind, data) => heard.push([kind, data]);
                    const ways = { stream, poll, urgent: () => false };
                    const stop = listen(ways, 0, { heard: hear, troubled() {}, gone() {} });
                });
            }""",
            [stream, size],
        )
        events = [["message", {"text": "你好\u2028"}], ["state", {}], ["message", 1], ["message", 2]]
        assert heard == [events, 7]


def test_a_stream_that_fell_silent_is_opened_again_and_waits_grow(page: Page) -> None:
    """45 seconds without a ping end a connection; then the pauses double up to half a minute; `online` ends one."""
    serve_sources(page)
    stop_clock(page)
    page.evaluate(
        """async () => {
            const { listen } = await import("/widget-src/stream.js");
            window.asked = 0;
            const first = new TextEncoder().encode("data: 1\\n\\n");
            const stream = (_, signal) => {
                window.asked += 1;
                if (window.asked > 1) return Promise.reject(new TypeError("no network"));
                return Promise.resolve(new Response(new ReadableStream({ start(controller) {
                    controller.enqueue(first);
                    signal.addEventListener("abort", () => controller.error(new Error("aborted")));
                } })));
            };
            const poll = () => Promise.reject(new TypeError("no network"));
            const ways = { stream, poll, urgent: () => false };
            listen(ways, 0, { heard() {}, troubled(now) { window.broken = now; }, gone() {} });
        }"""
    )
    page.clock.run_for(44_000)
    assert page.evaluate("window.asked") == 1
    page.clock.run_for(3_000)
    assert page.evaluate("window.asked") == 2
    for seconds, most in ((120, 10), (300, 24)):
        before = page.evaluate("window.asked")
        page.clock.run_for(seconds * 1000)
        assert 3 <= page.evaluate("window.asked") - before <= most
    assert page.evaluate("window.broken") is True
    before = page.evaluate("window.asked")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    assert page.evaluate("window.asked") == before + 1


def test_without_a_network_a_message_waits_for_its_retry(page: Page, widget_server: str, faults: list[str]) -> None:
    """It says that it failed; once the network is back one press sends it, exactly once."""
    say(page, "你好")
    page.context.set_offline(True)
    page.fill("#text", LOCKED)
    page.press("#text", "Enter")
    retry = page.get_by_role("button", name="重发")
    expect(retry).to_be_visible()
    page.context.set_offline(False)
    retry.click()
    assert said(reply_number(page, 1)) == entry("zyb-1.9").answer
    expect(bubbles(page, "visitor")).to_have_count(2)
    assert [message["text"] for message in stored(page, widget_server)].count(LOCKED) == 1
    only_network(faults)


@pytest.mark.parametrize("before", [[], ["你好"]], ids=["first", "later"])
def test_a_reply_that_got_lost_is_fetched_and_nothing_doubled(
    page: Page, widget_server: str, faults: list[str], before: list[str]
) -> None:
    """The server took the message but its reply never came: the retry carries the same id and gets that reply.

    In a conversation that is listened to, message and reply come by themselves.
    """
    for text in before:
        say(page, text)
    sent: list[Request] = []

    def lose(route: Route) -> None:
        sent.append(route.request)
        route.fetch()
        route.abort()

    page.route("**/api/chat", lose, times=1)
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/api/chat") else None)
    page.fill("#text", "忘记密码了")
    page.press("#text", "Enter")
    if not before:
        page.get_by_role("button", name="重发").click()
    reply_number(page, len(before))
    expect(page.get_by_role("button", name="重发")).to_have_count(0)
    expect(bubbles(page, "visitor")).to_have_count(len(before) + 1)
    ids = {request.post_data_json["client_message_id"] for request in sent}
    assert len(ids) == 1
    assert len(ids.pop()) >= 22
    assert [m["text"] for m in stored(page, widget_server) if m["author"] == "visitor"] == [*before, "忘记密码了"]
    only_network(faults)


def test_a_refused_message_says_why_and_returns_to_the_composer(page: Page, faults: list[str]) -> None:
    """The server's own words; there is nothing to retry."""
    page.fill("#text", "有\x07控制字符")
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("消息里有无法识别的控制字符，请删除后重新发送。")
    expect(page.locator("#text")).to_have_value("有\x07控制字符")
    only_network(faults)


def test_too_many_messages_can_be_retried_after_the_stated_seconds(page: Page, faults: list[str]) -> None:
    """The wait is counted down before the button appears."""
    stop_clock(page)
    page.route(
        "**/api/chat", lambda route: route.fulfill(**problem(429, "发送太频繁了。", **{"Retry-After": "30"})), times=1
    )
    page.fill("#text", "你好")
    page.press("#text", "Enter")
    expect(page.locator(".trouble")).to_have_text("发送太频繁了。30 秒后可重试")
    expect(page.locator(".trouble button")).to_have_count(0)
    page.clock.run_for(30_000)
    page.get_by_role("button", name="重发").click()
    reply_number(page, 0)
    only_network(faults)


def test_a_forgotten_conversation_is_replaced_and_the_message_kept(
    page: Page, widget_server: str, faults: list[str]
) -> None:
    """The server knows the conversation no more: the same message opens a new one without a word from the visitor."""
    say(page, "你好")
    page.route("**/api/chat", lambda route: route.fulfill(**problem(404, "找不到这个会话。")), times=1)
    page.route("**/api/chat/*", lambda route: route.fulfill(**problem(404, "找不到这个会话。")), times=1)
    assert said(say(page, LOCKED)) == entry("zyb-1.9").answer
    expect(page.locator(".aside")).to_contain_text("已为您开始新的会话")
    assert stored(page, widget_server)[0]["text"] == LOCKED
    only_network(faults)


def test_an_entry_that_is_gone_does_not_end_the_conversation(page: Page, widget_server: str, faults: list[str]) -> None:
    """That too is a 404, but the conversation is still there."""
    options = say(page, "忘记密码了").locator(".choices button")
    page.route("**/api/chat", lambda route: route.fulfill(**problem(404, "没有这个条目。")), times=1)
    options.first.click()
    expect(page.locator(".trouble")).to_have_text("没有这个条目。")
    say(page, "你好")
    assert len(stored(page, widget_server)) == 4
    only_network(faults)


def test_where_streams_are_blocked_messages_are_asked_for(page: Page, staff: httpx.Client, faults: list[str]) -> None:
    """Something on the way lets no stream through: what a person writes still comes, once, in order, without alarm."""
    page.route("**/events", lambda route: route.abort())
    number = attended(page, staff)
    for n in range(3):
        do(staff, number, "reply", text=f"第 {n} 条")
    expect(bubbles(page, "agent")).to_have_text([f"小王：第 {n} 条" for n in range(3)])
    tell(page, "收到")
    do(staff, number, "reply", text="好的")
    expect(bubbles(page, "agent")).to_have_count(4)
    expect(page.get_by_text("连接已中断")).to_be_hidden()
    page.reload()
    expect(bubbles(page, "agent")).to_have_count(4)
    page.wait_for_timeout(500)
    assert sequences(page) == sorted(sequences(page))
    only_network(faults)


def test_a_stream_that_stays_mute_twice_is_replaced_by_asking(page: Page) -> None:
    """After 8 seconds each; then every 4 seconds, 20 while hidden, and a stream is tried again after 5 minutes."""
    serve_sources(page)
    stop_clock(page)
    page.evaluate(
        """async () => {
            const { listen } = await import("/widget-src/stream.js");
            Object.assign(window, { streams: 0, polls: [], heard: [] });
            const stream = (_, signal) => {
                window.streams += 1;
                return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
            };
            const poll = async (after) => {
                window.polls.push(after);
                return { agent: null, messages: [{ sequence: after + 1 }] };
            };
            const hear = (kind, data) => kind === "message" && window.heard.push(data.sequence);
            const ways = { stream, poll, urgent: () => false };
            listen(ways, 0, { heard: hear, troubled(now) { window.broken = now; }, gone() {} });
        }"""
    )

    def run(seconds: float) -> list[int]:
        """Let time pass; how often was streamed and polled meanwhile."""
        before = page.evaluate("[streams, polls.length]")
        for _ in range(round(seconds)):
            page.clock.run_for(1000)
        now = page.evaluate("[streams, polls.length]")
        return [now[0] - before[0], now[1] - before[1]]

    assert run(7) == [0, 0]
    assert run(13) == [1, 2]
    assert run(40) == [0, 10]
    page.evaluate(HIDE, arg=True)
    assert run(4 + 100)[1] in (6, 7)
    page.evaluate(HIDE, arg=False)
    streams, _ = run(180)
    assert streams == 1
    assert page.evaluate("heard") == list(range(1, page.evaluate("heard.length") + 1))
    assert page.evaluate("broken") is False


def test_a_tab_that_is_hidden_for_long_gives_its_stream_up(page: Page) -> None:
    """A browser has six connections for a host, all tabs together: it asks now and then, until it shows again."""
    serve_sources(page)
    stop_clock(page)
    page.evaluate(
        """async () => {
            const { listen } = await import("/widget-src/stream.js");
            Object.assign(window, { open: 0, polls: 0, urgent: true });
            const stream = (_, signal) => {
                window.open += 1;
                return Promise.resolve(new Response(new ReadableStream({ start(controller) {
                    controller.enqueue(new TextEncoder().encode("data: 1\\n\\n"));
                    const ping = setInterval(() => controller.enqueue(new TextEncoder().encode(": ping\\n\\n")), 15000);
                    signal.addEventListener("abort", () => {
                        window.open -= 1;
                        clearInterval(ping);
                        controller.error(new Error("aborted"));
                    });
                } })));
            };
            const poll = async () => {
                window.polls += 1;
                return { messages: [] };
            };
            const ways = { stream, poll, urgent: () => window.urgent };
            listen(ways, 0, { heard() {}, troubled(now) { window.broken = now; }, gone() {} });
        }"""
    )
    for urgent in (True, False):
        page.evaluate("urgent => { window.urgent = urgent; }", urgent)
        hide(page, hidden=True)
        for _ in range(100):
            page.clock.run_for(1000)
        assert page.evaluate("open") == (1 if urgent else 0)
        hide(page, hidden=False)
        page.clock.run_for(1000)
        assert page.evaluate("open") == 1
    assert page.evaluate("polls") in (1, 2, 3)
    assert page.evaluate("broken") is False
