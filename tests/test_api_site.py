"""Pages of other sites: who is named, who is let in, what they may ask; browsers' headers sent to a real server."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fake
import httpx
import pytest
import uvicorn
from browse import chromium
from conftest import free_port, run_command
from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from pydantic import ValidationError
from staffed import until

from bot.api.app import create_app
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.escalation import HUMAN
from bot.origin import OriginError, check_systems, read_origins
from bot.settings import Settings
from bot.store.sqlite import SqliteStore

LISTED, BOUND, EVIL = "https://listed.example", "https://bound.example:8443", "https://evil.example"
VISITORS = (
    ("GET", "/api/systems"),
    ("GET", "/api/widget"),
    ("GET", "/api/suggest?q=账号"),
    ("GET", "/api/entries/a-1"),
    ("POST", "/api/chat"),
    ("POST", "/api/conversations"),
    ("GET", "/api/chat/nobody"),
    ("GET", "/api/conversations/nobody/events"),
    ("GET", "/api/conversations/nobody/pictures/none"),
    ("POST", "/api/conversations/nobody/contact"),
)
OTHERS = (
    ("GET", "/api/search?q=账号"),
    ("GET", "/api/staff/queue"),
    ("POST", "/api/staff/login"),
    ("GET", "/healthz"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
    ("GET", "/api/chatter"),
)


class Place:
    """A server and its address; `client` sends what a browser on some page would."""

    def __init__(self, bot: Bot, client: httpx.Client) -> None:
        self.bot = bot
        self.client = client
        self.url = str(client.base_url).rstrip("/")

    def ask(self, method: str, path: str, origin: str | None = None, **options: Any) -> httpx.Response:
        headers = {**({} if origin is None else {"Origin": origin}), **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **options)


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Place]:
    store = SqliteStore(folder / "conversations.db")
    knowledge = fake.knowledge_of(
        fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"), fake.entry("b-1", "油枪漏油", "停用。")
    )
    bot = Bot(store, Desk(fake.index_of(knowledge), (HUMAN,), Thresholds()))
    given = {"widget_origins": f"{LISTED}, {BOUND}=a", "data_dir": folder, **settings}
    app = create_app(bot, store, Settings(_env_file=None, **given))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none", proxy_headers=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield Place(bot, client)
            bot.live.close()
    finally:
        server.should_exit = True
        thread.join()
        store.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp("site")) as place:
        yield place


def granted(response: httpx.Response) -> str | None:
    origin: str | None = response.headers.get("access-control-allow-origin")
    return origin


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://zyb.example.gov.cn", "https://zyb.example.gov.cn"),
        ("HTTPS://ZYB.Example.gov.cn:443", "https://zyb.example.gov.cn"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://例子.中国", "https://xn--fsqu00a.xn--fiqs8s"),
        ("http://localhost:5173", "http://localhost:5173"),
    ],
)
def test_an_origin_is_read_into_the_form_in_which_browsers_send_it(written: str, origin: str) -> None:
    """Lower case, Punycode, without the scheme's own port."""
    assert read_origins(written) == {origin: None}


def test_origins_are_separated_by_spaces_or_commas_and_may_name_a_system() -> None:
    """Also by line ends; twice the same is once."""
    assert read_origins(" https://a.cn=zyb,\nhttps://b.cn  https://b.cn ") == {
        "https://a.cn": "zyb",
        "https://b.cn": None,
    }
    assert read_origins("") == {}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("*", "通配符"),
        ("https://*.example.cn", "通配符"),
        ("zyb.example.cn", "http:// 或 https://"),
        ("ftp://zyb.example.cn", "http:// 或 https://"),
        ("javascript:alert(1)", "http:// 或 https://"),
        ("null", "http:// 或 https://"),
        ("https://zyb.example.cn/", "不要有 / 或路径"),
        ("https://zyb.example.cn/portal", "不要有 / 或路径"),
        ("https://zyb.example.cn?a", "不要有 / 或路径"),
        ("https://zyb.example.cn#", "不要有 / 或路径"),
        ("https://me@zyb.example.cn", "不要有 / 或路径"),
        ("https://zyb.example.cn:", "不要有 / 或路径"),
        ("https://zyb.example.cn:99999", "不是网站地址"),
        ("https://zyb_;.cn", "域名无法识别"),
        ("https://", "http:// 或 https://"),
        ("https://a.cn=", "没有系统标识"),
        ("https://a.cn=zyb https://a.cn=whjy", "写了两次"),
    ],
)
def test_what_is_no_origin_is_refused_at_start_in_words(written: str, said: str) -> None:
    """The message names the part and says how to write it."""
    with pytest.raises(OriginError, match=said):
        read_origins(written)
    with pytest.raises(ValidationError, match="widget_origins"):
        Settings(_env_file=None, widget_origins=written)


def test_a_site_cannot_be_bound_to_a_system_that_is_not_there(built: Path) -> None:
    """The server does not start, and says which systems there are."""
    check_systems({"https://a.cn": "zyb", "https://b.cn": None}, ["zyb"])
    done = run_command(built, "serve", WIDGET_ORIGINS="https://a.cn=zybb", PORT="0")
    assert done.returncode == 2
    assert "zybb 不存在，现有系统：whjy、zyb" in done.stderr


@pytest.mark.parametrize(("method", "path"), VISITORS)
def test_a_listed_site_can_read_every_reply_for_visitors(place: Place, method: str, path: str) -> None:
    """Errors, too; nobody else's page is granted anything by it, and caches keep the replies apart."""
    response = place.ask(method, path, LISTED)
    assert response.status_code != 403
    assert granted(response) == LISTED
    assert response.headers["vary"] == "Origin"
    assert response.headers["access-control-expose-headers"] == "Retry-After"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"
    plain = place.ask(method, path)
    assert plain.status_code == response.status_code
    assert granted(plain) is None
    assert plain.headers["vary"] == "Origin"


@pytest.mark.parametrize(("method", "path"), [*VISITORS, *OTHERS])
@pytest.mark.parametrize("origin", [EVIL, "null", "http://listed.example", "https://listed.example.evil.cn", "", "*"])
def test_a_page_of_any_other_site_is_refused(place: Place, method: str, path: str, origin: str) -> None:
    """In words, which it may read where it asked for what visitors ask for."""
    response = place.ask(method, path, origin)
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "这个网页没有使用本咨询服务的权限，请联系网站管理员。"
    assert granted(response) == (origin if (method, path) in VISITORS else None)
    assert response.headers.get("vary") == ("Origin" if (method, path) in VISITORS else None)
    ahead = place.ask("OPTIONS", path, origin, headers={"Access-Control-Request-Method": method})
    assert ahead.status_code == 403
    assert "access-control-allow-headers" not in ahead.headers
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_a_listed_site_has_no_business_with_staff_and_search(place: Place, method: str, path: str) -> None:
    """Neither asked ahead nor outright."""
    ahead = place.ask("OPTIONS", path, LISTED, headers={"Access-Control-Request-Method": method})
    for response in (ahead, place.ask(method, path, LISTED)):
        assert response.status_code == 403
        assert granted(response) is None


def test_what_is_refused_has_not_happened(place: Place) -> None:
    """A page that may not read the reply must not have begun a conversation with it, either."""
    said = {"text": "账号被锁定怎么办", "client_message_id": "id-of-a-refused-message"}
    assert place.ask("POST", "/api/chat", EVIL, json=said).status_code == 403
    seen = place.bot._store.read(lambda transaction: transaction.opened_by("id-of-a-refused-message"))
    assert seen is None
    assert place.ask("POST", "/api/chat", LISTED, json=said).status_code == 200


def test_two_origins_are_none(place: Place) -> None:
    """No browser sends two; whoever does means to have one checked and another granted."""
    response = place.client.get("/api/systems", headers=[("Origin", LISTED), ("Origin", EVIL)])
    assert response.status_code == 403


@pytest.mark.parametrize("path", ["/api/chat", "/api/conversations/some/events", "/api/conversations/some/contact"])
def test_asked_ahead_a_listed_site_learns_what_it_may_send(place: Place, path: str) -> None:
    """The token, JSON and the last event's id; kept for two hours."""
    ask = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,last-event-id",
    }
    response = place.ask("OPTIONS", path, LISTED, headers=ask)
    assert response.status_code == 204
    assert granted(response) == LISTED
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    assert response.headers["access-control-allow-headers"] == "Authorization, Content-Type, Last-Event-ID"
    assert response.headers["access-control-max-age"] == "7200"
    assert place.ask("OPTIONS", path, EVIL, headers=ask).status_code == 403


def test_our_own_pages_ask_as_before(place: Place) -> None:
    """By scheme and host; from https where a proxy ended it; by the browser's word where a proxy changed the host."""
    host = place.url.removeprefix("http://")
    for origin, headers in (
        (f"http://{host}", {}),
        (f"https://{host}", {}),
        ("https://help.example", {"Host": "help.example:443"}),
        ("https://help.example", {"Sec-Fetch-Site": "same-origin"}),
    ):
        for path in ("/api/systems", "/api/search?q=账号"):
            response = place.ask("GET", path, origin, headers=headers)
            assert (response.status_code, granted(response)) == (200, None), (origin, headers)
    for origin, headers in (
        (f"http://{host}0", {}),
        ("http://help.example", {"Host": "help.example:8080"}),
        ("null", {"Sec-Fetch-Site": "same-origin"}),
        (EVIL, {"Sec-Fetch-Site": "same-site"}),
    ):
        assert place.ask("GET", "/api/systems", origin, headers=headers).status_code == 403, (origin, headers)


def test_behind_a_proxy_the_scheme_is_the_forwarded_one(tmp_path: Path) -> None:
    """A page that came over plain http is not that of a host which is served with TLS."""
    with serving(tmp_path, trusted_proxies="127.0.0.1") as place:
        forwarded = {"Host": "help.example", "X-Forwarded-Proto": "https"}
        for origin, status in (("https://help.example", 200), ("http://help.example", 403)):
            assert place.ask("GET", "/api/systems", origin, headers=forwarded).status_code == status


def test_a_bound_site_can_only_be_about_its_system(place: Place) -> None:
    """It need not name it, and is refused another; a site that is not bound may ask about any."""
    begun = place.ask("POST", "/api/conversations", BOUND, json={}).json()
    view = place.ask(
        "GET",
        f"/api/chat/{begun['conversation_id']}",
        BOUND,
        headers={"Authorization": f"Bearer {begun['conversation_token']}"},
    )
    assert view.json()["system"] == "a"
    assert [s["key"] for s in place.ask("GET", "/api/systems", BOUND).json()["systems"]] == ["a"]
    assert place.ask("GET", "/api/widget", BOUND).json()["system"] == "a"
    assert place.ask("GET", "/api/suggest?q=油枪漏油", BOUND).json()["suggestions"] == []
    for method, path, body in (
        ("POST", "/api/conversations", {"system": "b"}),
        ("POST", "/api/chat", {"text": "你好", "system": "b"}),
        ("GET", "/api/widget?system=b", None),
        ("GET", "/api/suggest?q=油枪&system=b", None),
    ):
        refused = place.ask(method, path, BOUND, json=body)
        assert refused.status_code == 403, path
        assert refused.json()["detail"] == "本页面只能咨询所属系统的问题。"
        assert granted(refused) == BOUND
        assert place.ask(method, path, LISTED, json=body).status_code in (200, 201), path
    assert place.ask("POST", "/api/chat", BOUND, json={"text": "你好", "system": "a"}).status_code == 200


def test_errors_before_the_application_can_be_read_too(tmp_path: Path) -> None:
    """A body that is too large, headers that are too long, too many requests with the time to wait."""
    with serving(tmp_path, rate_per_address="1/minute") as place:
        large = place.ask("POST", "/api/chat", LISTED, content=b"x" * 100_000)
        long = place.ask("GET", "/api/systems", LISTED, headers={"X-Long": "x" * 20_000})
        place.ask("POST", "/api/chat", LISTED, json={"text": "你好"})
        many = place.ask("POST", "/api/chat", LISTED, json={"text": "你好"})
        assert [r.status_code for r in (large, long, many)] == [413, 431, 429]
        assert [granted(r) for r in (large, long, many)] == [LISTED] * 3
        assert int(many.headers["retry-after"]) > 0


def test_an_accident_can_be_read_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The widget says so in place of a network error."""
    monkeypatch.setattr(place.bot, "begin", lambda *_: 1 / 0)
    response = place.ask("POST", "/api/conversations", LISTED, json={})
    assert (response.status_code, granted(response)) == (500, LISTED)


def test_events_and_pictures_work_from_a_listed_site(place: Place) -> None:
    """A stream carries the headers at its beginning; a picture may be shown where it is embedded."""
    begun = place.ask("POST", "/api/conversations", LISTED, json={}).json()
    where, token = begun["conversation_id"], {"Authorization": f"Bearer {begun['conversation_token']}"}
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    sent = place.ask("POST", f"/api/conversations/{where}/pictures", LISTED, content=file.getvalue(), headers=token)
    assert (sent.status_code, granted(sent)) == (201, LISTED)
    shown = place.ask("GET", f"/api/conversations/{where}/pictures/{sent.json()['picture_id']}", LISTED, headers=token)
    assert (shown.status_code, granted(shown)) == (200, LISTED)
    assert shown.headers["cross-origin-resource-policy"] == "cross-origin"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    with place.client.stream(
        "GET", f"/api/conversations/{where}/events", headers={"Origin": LISTED, **token}
    ) as stream:
        assert (stream.status_code, granted(stream)) == (200, LISTED)
        assert "content-encoding" not in stream.headers
        data = next(line for line in stream.iter_lines() if line.startswith("data:"))
        assert json.loads(data.removeprefix("data:"))["agent"] is None


@contextmanager
def foreign_page() -> Iterator[str]:
    """The address of an empty page of another site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Empty(BaseHTTPRequestHandler):
    """Nothing but a document."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>host</title>")

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


ASK = """async (url) => {
    const json = {"Content-Type": "application/json"};
    const body = JSON.stringify({text: "账号被锁定怎么办"});
    const said = await (await fetch(url + "/api/chat", {method: "POST", headers: json, body})).json();
    const token = {Authorization: "Bearer " + said.conversation_token};
    const where = url + "/api/conversations/" + said.conversation_id + "/events";
    const stream = await fetch(where, {headers: {...token, "Last-Event-ID": "1"}});
    const first = await stream.body.getReader().read();
    const large = await fetch(url + "/api/chat", {method: "POST", headers: json, body: "x".repeat(100000)});
    return [said.answer.entry_id, new TextDecoder().decode(first.value), large.status];
}"""
LOAD = """(url) => new Promise((done) => {
    const script = document.createElement("script");
    script.onload = () => done("loaded");
    script.onerror = () => done("failed");
    script.src = url + "/widget.js";
    document.head.append(script);
})"""


def test_a_real_browser_lets_a_listed_page_talk_and_no_other(tmp_path: Path) -> None:
    """Message, events and errors can be read there; the widget's files load anywhere, but elsewhere nothing answers."""
    with (
        foreign_page() as listed,
        foreign_page() as other,
        chromium() as browser,
        serving(tmp_path, widget_origins=listed) as place,
    ):
        page = browser.new_page()
        page.goto(listed)
        entry, event, status = page.evaluate(ASK, place.url)
        assert (entry, status) == ("a-1", 413)
        assert "id: 2" in event
        assert page.evaluate(LOAD, place.url) == "loaded"
        page.goto(other)
        assert page.evaluate(LOAD, place.url) == "loaded"
        with pytest.raises(PlaywrightError, match="Failed to fetch"):
            page.evaluate(ASK, place.url)
        page.close()


def test_our_own_page_breaks_none_of_its_rules(tmp_path: Path) -> None:
    """Under its policy everything it loads is loaded, and the console stays empty."""
    with chromium() as browser, serving(tmp_path) as place:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.goto(place.url, wait_until="networkidle")
        page.close()
        assert complaints == []
