"""A real browser for tests of the console: contexts of every size and scheme, logged in, checked for faults."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect, sync_playwright
from staffed import PASSWORD

expect.set_options(timeout=20_000)  # it waits 5 s whatever a context's default is; on a busy machine that is little

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 800), (390, 844)
VIEWS = [
    pytest.param(size, scheme, id=f"{size[0]}-{scheme}") for size in (DESKTOP, PHONE) for scheme in ("light", "dark")
]
"""For `@pytest.mark.parametrize(("size", "scheme"), VIEWS)`: what every screen is looked at in."""


_logins: dict[tuple[str, str], Any] = {}
"""The cookies of whoever has logged in, by server and name; a login serves all tests of a module."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium; use it in a fixture of scope "module": its event loop runs in this thread while open."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


@dataclass
class Desk:
    """Opens pages of a server in contexts of their own, and keeps what the browser complained about."""

    browser: Browser
    url: str
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def context(self, size: tuple[int, int] = DESKTOP, scheme: str = "light", **options: Any) -> BrowserContext:
        """A context of that size and colour scheme, with Chinese as its language."""
        options = {"color_scheme": scheme, "reduced_motion": "reduce", "locale": "zh-CN", **options}
        viewport = {"width": size[0], "height": size[1]}
        context = self.browser.new_context(base_url=self.url, viewport=viewport, **options)
        self.contexts.append(context)
        context.set_default_timeout(20_000)
        context.on("console", lambda said: self.faults.append(said.text) if _is_fault(said) else None)
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        return context

    def member(self, name: str, path: str = "/console/", **options: Any) -> Page:
        """A page of the console for somebody, who logs in through the form where no earlier login holds."""
        context = self.context(**options)
        context.add_cookies(_logins.get((self.url, name), []))
        page = context.new_page()
        page.goto(path)
        if "/console/login" in page.url:
            page.get_by_label("用户名").fill(name)
            page.get_by_label("密码").fill(PASSWORD)
            page.get_by_role("button", name="登录").click()
            page.wait_for_url(f"**{path}")
            _logins[self.url, name] = context.cookies()
        return page

    def close(self) -> None:
        """Close all contexts; fails where a browser complained."""
        for context in self.contexts:
            context.close()
        assert self.faults == []


def _is_fault(said: ConsoleMessage) -> bool:
    """Whether the browser complains. A page that is left lets its requests go; htmx calls that an error too."""
    left = said.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))  # other failures have words of their own
    return said.type in ("error", "warning") and not left


@contextmanager
def desk_at(browser: Browser, url: str) -> Iterator[Desk]:
    """A desk for one test."""
    desk = Desk(browser, url)
    yield desk
    desk.close()


def check_accessible(page: Page) -> None:
    """Fail with axe's words where it finds a violation on the page as it is now."""
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def check_fits(page: Page) -> None:
    """Fail where the page is wider than its window: nobody scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def first_held(page: Page, held: list[Route]) -> Route:
    """The first request that a route's handler put aside, once it did."""
    for _ in range(1000):
        if held:
            return held[0]
        page.wait_for_timeout(20)
    pytest.fail("no request came to be held")
