"""What the widget costs a page before it is opened: `python tests/bench/launcher.py`, in Debian's or any Chromium.

A plain page of another origin is loaded without the script tag and with it, in turns, each time with nothing cached.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from child import bot_server, data_folder  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from question import known_questions  # noqa: E402

WORDS = "".join(f"<p>第 {n} 段：企业应当如实填写申报信息，并对其真实性负责。</p>" for n in range(40))
SEEN = """
    window.seen = 0;
    (function look() {
        const element = document.querySelector("online-chat");
        const button = element && element.shadowRoot && element.shadowRoot.querySelector(".launcher");
        if (button && button.getClientRects().length) {
            requestAnimationFrame(() => { // by the frame after the one that draws it, it is painted
                setTimeout(() => { window.seen = performance.now(); });
            });
        } else requestAnimationFrame(look);
    })();
"""
TIMES = """() => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    const [script] = performance.getEntriesByType("resource").filter(each => each.name.endsWith("/widget.js"));
    const loaded = performance.getEntriesByType("resource").filter(each => /widget/.test(each.name));
    return { host: paint.startTime, seen: window.seen, script: script && script.responseEnd,
        begun: script && script.startTime, last: Math.max(0, ...loaded.map(each => each.responseEnd)) };
}"""


def main() -> int:
    """Load, and tell medians in milliseconds."""
    parser = argparse.ArgumentParser(
        prog="python tests/bench/launcher.py", description="Measure the widget's launcher."
    )
    parser.add_argument("--loads", type=int, default=20, metavar="N", help="loads of each page")
    options = parser.parse_args()
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("failed: Chromium is not installed", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        server = stack.enter_context(bot_server(stack.enter_context(data_folder()), known_questions()[0]))
        host = site(f"http://127.0.0.1:{server.port}/widget.js")
        stack.callback(host.shutdown)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        stack.callback(browser.close)
        url = f"http://127.0.0.1:{host.server_port}"
        load(browser, f"{url}/with")
        plain, dressed = [], []
        for number in range(options.loads):
            for path in ("/without", "/with") if number % 2 else ("/with", "/without"):
                (dressed if path == "/with" else plain).append(load(browser, url + path))
        show(plain, dressed)
    return 0


def show(plain: list[dict[str, float]], dressed: list[dict[str, float]]) -> None:
    """The figures."""
    without, with_it = (median(each["host"] for each in loads) for loads in (plain, dressed))
    rows = {
        "page's first paint without the widget": without,
        "page's first paint with the widget": with_it,
        "  difference": with_it - without,
        "  ratio": with_it / without,
        "launcher painted, from the page's start": median(each["seen"] for each in dressed),
        "  after the page's own first paint": median(each["seen"] - each["host"] for each in dressed),
        "  after the script was asked for": median(each["seen"] - each["begun"] for each in dressed),
        "  after the script had come": median(each["seen"] - each["script"] for each in dressed),
        "  after script and style had come": median(each["seen"] - each["last"] for each in dressed),
    }
    print(f"medians of {len(dressed)} loads each, in ms")
    for name, value in rows.items():
        print(f"{name:<44}{value:8.2f}")


def load(browser: Browser, url: str) -> dict[str, float]:
    """Load a page with nothing cached; its times."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(SEEN)
    page.goto(url)
    if url.endswith("/with"):
        page.wait_for_function("window.seen")
    else:
        page.wait_for_timeout(200)
    found: dict[str, float] = page.evaluate(TIMES)
    context.close()
    return found


def site(script: str) -> ThreadingHTTPServer:
    """A site of somebody else's with the same page twice."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            own = f'<script src="{script}" defer></script>' if self.path == "/with" else ""
            body = (
                f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>申报系统</title>{WORDS}{own}'.encode()
            )
            self.send_response(200 if self.path in ("/with", "/without") else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    raise SystemExit(main())
