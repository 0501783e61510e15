"""A real browser, at the console and at the widget: fixtures.

A test module takes them with `pytest_plugins = ("browsing",)`. `desk` is at the console of the `office` that the module
has. The widget's server is over the project's documents: `open_page` opens the page that is nothing but the chat,
`embed` a page of another site that has the script tag on it; CSS selectors find what is in the shadow root.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from browse import Desk, chromium, desk_at
from conftest import running_server
from embedded import DESKTOP, PHONE, Host, Open, View, launcher, logged_in, tag
from playwright.sync_api import Browser, BrowserContext, Page, expect
from staffed import Office


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A site on a port of its own, so that it is another origin than the widget's."""
    pages: dict[str, tuple[str, dict[str, str]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, headers = pages.get(self.path, ("", {}))
            self.send_response(200 if self.path in pages else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body.encode())))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Host(f"http://127.0.0.1:{server.server_port}", pages)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def widget_data(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of the widget's own server."""
    return shutil.copytree(built, tmp_path_factory.mktemp("widget") / "data", symlinks=True)


@pytest.fixture(scope="session")
def widget_server(widget_data: Path, host: Host) -> Iterator[str]:
    """The base URL of a real server whose widget the host's pages may embed; staff are always there."""
    with running_server(widget_data, WIDGET_ORIGINS=host.url) as (url, _):
        yield url


# The browser's own event loop runs in this thread while it is open, so it must not stay open for other modules' tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk(browser: Browser, office: Office) -> Iterator[Desk]:
    """A browser at the console."""
    with desk_at(browser, office.url) as desk:
        yield desk


@pytest.fixture
def faults() -> list[str]:
    """What the browser complained about; whatever is in it at the end fails the test."""
    return []


@pytest.fixture
def view(request: pytest.FixtureRequest) -> View:
    """The size and colour scheme that pages have by themselves; EVERYWHERE runs a test in all of them."""
    return getattr(request, "param", (DESKTOP, "light"))


@pytest.fixture
def open_context(browser: Browser, faults: list[str], view: View) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser context whose complaints fail the test."""
    contexts: list[BrowserContext] = []

    def opened(size: tuple[int, int] | None = None, **options: Any) -> BrowserContext:
        size = size or view[0]
        options = {"color_scheme": view[1], **options}
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", has_touch=size == PHONE, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        return context

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def open_page(open_context: Callable[..., BrowserContext], widget_server: str) -> Open:
    """Opens the chat page in a browser context of its own and waits until it is ready."""

    def opened(query: str = "", size: tuple[int, int] | None = None, **options: Any) -> Page:
        page = open_context(size, base_url=widget_server, **options).new_page()
        page.goto(f"/{query}")
        expect(page.locator("#system option")).to_have_count(3)
        return page

    return opened


@pytest.fixture
def page(open_page: Open) -> Page:
    """The chat page on a desktop."""
    return open_page()


@pytest.fixture
def embed(open_context: Callable[..., BrowserContext], widget_server: str, host: Host) -> Open:
    """Opens a page of the host's site with the script tag on it, and waits for the launcher."""

    def opened(
        attributes: str = "",
        size: tuple[int, int] | None = None,
        *,
        body: str = "<h1>申报系统</h1>",
        head: str = "",
        before: str = "",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Page:
        html = f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>申报系统</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
            <body><main>{body}</main>{tag(widget_server, attributes)}</body></html>"""
        page = open_context(size, **options).new_page()
        if before:
            page.add_init_script(before)
        page.goto(host.put("/", html, **(headers or {})))
        expect(launcher(page)).to_be_visible()
        return page

    return opened


@pytest.fixture(scope="module")
def staff(widget_data: Path, widget_server: str, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """小王, logged in."""
    with logged_in(
        widget_data, widget_server, "wang-" + request.module.__name__[-12:].replace("_", "-"), "小王"
    ) as client:
        yield client
