"""What the widget costs the page that it is on, before anybody opens it; in time, see tests/bench/launcher.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from embedded import Host, launcher, tag
from playwright.sync_api import BrowserContext, expect

pytest_plugins = ("browsing",)

MOST = 25_000
"""Bytes on the wire, of both responses with their heads."""


def test_before_it_is_opened_the_widget_loads_its_script_and_style_and_little_of_that(
    open_context: Callable[..., BrowserContext], widget_server: str, host: Host
) -> None:
    """Both packed, each once, and nothing else: neither another file nor a question to the server."""
    page = open_context().new_page()
    network = page.context.new_cdp_session(page)
    asked: dict[str, str] = {}
    loaded: dict[str, int] = {}

    def ask(event: dict[str, Any]) -> None:
        address = urlsplit(event["request"]["url"])
        if f"{address.scheme}://{address.netloc}" == widget_server:
            asked[event["requestId"]] = address.path

    def load(event: dict[str, Any]) -> None:
        if event["requestId"] in asked:
            loaded[asked[event["requestId"]]] = event["encodedDataLength"]

    network.on("Network.requestWillBeSent", ask)
    network.on("Network.loadingFinished", load)
    network.send("Network.enable")
    page.goto(host.put("/cost", f"<!doctype html><title>申报系统</title><h1>申报系统</h1>{tag(widget_server)}"))
    expect(launcher(page)).to_be_visible()
    page.wait_for_timeout(1500)
    assert sorted(asked.values()) == ["/widget.css", "/widget.js"]
    assert sorted(loaded) == ["/widget.css", "/widget.js"]
    assert 1000 < sum(loaded.values()) <= MOST, loaded
