"""A page, and what no text in it may bring about: elements, attributes, requests, dialogs, code that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hostile import House
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

LOOK = """([documents, wanted, seen, within]) => {
    const STATE = new Set(["hidden", "checked", "selected", "disabled", "open", "required", "class", "style",
        "aria-current", "aria-busy", "aria-invalid", "aria-describedby", "aria-activedescendant", "tabindex",
        "autofocus", "height", "width", "id", "title", "role",
        "data-sequence", // a message has it once it has arrived
        "data-focus"]); // what comes in has it until it has the focus
    const ADDRESS = /^(?:href|src|srcset|action|formaction|data|srcdoc|poster|background|xlink:href|ping)$/;
    const shapes = new Set(), bad = [], texts = [], counts = {};
    const counted = ["script", "style", "link", "meta", "base", "title", "iframe", "object", "embed", "frame"];
    const visible = ({ parentElement: around }) => !seen || around === null
        || around.closest("select, textarea, title") || around.getClientRects().length > 0;
    const walk = root => {
        const nodes = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
        for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
            if (node.nodeType === Node.TEXT_NODE) {
                if (visible(node)) texts.push(node.data);
                continue;
            }
            const names = node.getAttributeNames();
            const name = node.localName;
            shapes.add(name + "[" + names.filter(each => !STATE.has(each)).sort().join() + "]");
            if (counted.includes(name) && !(root instanceof ShadowRoot)) counts[name] = (counts[name] || 0) + 1;
            if (node.namespaceURI.endsWith("svg") && name === "script") bad.push(node.outerHTML);
            for (const each of names) {
                const value = node.getAttribute(each).trim();
                const address = ADDRESS.test(each) && !/^(?:https?:|tel:|blob:|[/#?]|$)/.test(value);
                const own = ["action", "src"].includes(each) && /^[\\w-]+$/.test(value);
                if (/^on/i.test(each) || address || own) bad.push(`${name} ${each}=${value}`);
                if (each === "style" && /url|expression|behavior|animation|inset|background/.test(value)) {
                    bad.push(`${name} style=${value}`);
                }
                if (/^(?:x-|hx-|data-hx|@|:)/.test(each) && /window\\.hit|javascript|\\bjs:/.test(value)) {
                    bad.push(`${name} ${each}=${value}`);
                }
            }
            if ("value" in node && typeof node.value === "string") texts.push("\\n", node.value, "\\n");
            if (name === "option") texts.push("\\n", node.textContent, "\\n");
            if (node.shadowRoot) walk(node.shadowRoot);
            if (name === "template") walk(node.content);
            for (const each of ["aria-label", "title", "placeholder", "data-copy"]) {
                if (node.hasAttribute(each)) texts.push("\\n", node.getAttribute(each), "\\n");
            }
        }
    };
    documents = documents.map(each => typeof each === "string"
        ? new DOMParser().parseFromString(each, "text/html") : each);
    (documents.length ? documents : [within ? document.querySelector(within) : document]).forEach(walk);
    const struck = frame => {
        try {
            return "hit" in frame;
        } catch (error) {
            return true; // a frame of another origin: we have none
        }
    };
    const hit = [window, ...Array.from(window.frames)].some(struck) || "hit" in Object.prototype
        || "hit" in window.parent || window.top !== window;
    const plain = text => text.replace(/\\s+/g, "");
    const whole = plain(texts.join(""));
    return { shapes: [...shapes], bad, counts, hit, missing: wanted.filter(each => !whole.includes(plain(each))) };
}"""
"""In the page: the kinds of elements with their attributes, what no page of ours has, and which texts are missing."""


@dataclass
class Watch:
    """A page, and what happens on it that no text may cause."""

    page: Page
    house: House
    shapes: set[str] = field(default_factory=set)
    counts: list[dict[str, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def look(self, *wanted: str, seen: bool = True, within: str = "") -> None:
        """Take note of what is on the page now, or in a part of it; the texts must stand there word for word."""
        found = self.page.evaluate(LOOK, [[], list(wanted), seen, within])
        self._noted(found)
        self.counts.append(found["counts"])

    def parse(self, paths: Sequence[str], wanted: Sequence[str] = ()) -> None:
        """Take note of pages that are fetched and parsed but not shown; the hostile texts must stand in them."""
        if not self.house.hostile:
            paths, wanted = paths[::50], ()  # enough to see what is on such pages
        pages = self.page.evaluate(
            """paths => Promise.all(paths.map(
                path => fetch(path, { headers: { Accept: "text/html" } }).then(each => each.text())))""",
            list(paths),
        )
        self._noted(self.page.evaluate(LOOK, [pages, list(wanted), False, ""]))

    def _noted(self, found: dict[str, Any]) -> None:
        assert found["hit"] is False, f"hit at {self.page.url}"
        assert found["bad"] == [], (self.page.url, found["bad"][:5])
        assert found["missing"] == [], (self.page.url, found["missing"][:5])
        self.shapes |= set(found["shapes"])


@contextmanager
def watched(browser: Browser, house: House, refused: Sequence[str] = (), **options: Any) -> Iterator[Watch]:
    """A page in a context of its own; fails where it asked for anything but its server's own, or opened a dialog.

    What it asks for is there, save under the paths that may be `refused`.
    """
    options = {"base_url": house.url, "reduced_motion": "reduce", "locale": "zh-CN", **options}
    context: BrowserContext = browser.new_context(**options)
    context.set_default_timeout(15_000)
    watch = Watch(context.new_page(), house)
    own = re.compile(r"/|/widget\.(?:js|css)|/static/[\w./-]+|/api/.+|/console/(?!account|logout).*")

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        here = f"{address.scheme}://{address.netloc}" == house.url
        if address.scheme != "blob" and not (here and own.fullmatch(address.path)):
            watch.wrong.append(f"asked for {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 400 and not urlsplit(response.url).path.startswith(tuple(refused)):
            watch.wrong.append(f"{response.status} for {response.url}")

    def complained(said: ConsoleMessage) -> None:
        known = ("Failed to load resource", "Response Status Error Code")  # told by the status as well
        if said.type == "error" and not said.text.startswith(known):
            watch.wrong.append(said.text)

    context.on("request", asked)
    context.on("dialog", lambda dialog: (watch.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    context.on("page", lambda page: watch.wrong.append(f"opened {page.url}") if page != watch.page else None)
    context.on("response", answered)
    context.on("console", complained)
    context.on("weberror", lambda error: watch.wrong.append(str(error.error)))
    yield watch
    watch.look()
    context.close()
    assert watch.wrong == [], watch.wrong[:5]
