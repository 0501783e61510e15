"""The built widget: it is what its sources say, small enough, and within what old engines understand."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent / "bot" / "web"
FILES = ("widget.js", "widget.css")
MOST = 25_000
"""Bytes of both files together, packed by gzip."""
SOON = ("--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with what builds them, installed as the lock file says."""
    npm = shutil.which("npm")
    if npm is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)("npm is not installed")
    folder = tmp_path_factory.mktemp("widget") / "widget"
    shutil.copytree(WEB / "widget", folder, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run([npm, "ci", *SOON], cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_committed_files_are_what_the_sources_build(workshop: Path) -> None:
    """Byte for byte: nobody edits them by hand or forgets to build."""
    out = workshop.parent / "out"
    subprocess.run(["node", "build.js", str(out)], cwd=workshop, check=True, timeout=60)
    for name in FILES:
        assert (out / name).read_bytes() == (WEB / "static" / name).read_bytes(), f"{name}: run `make web`"


def test_the_script_is_ecmascript_2018(workshop: Path) -> None:
    """Chromium 69 understands nothing newer."""
    parse = [
        str(workshop / "node_modules" / ".bin" / "acorn"),
        "--ecma2018",
        "--silent",
        str(WEB / "static" / FILES[0]),
    ]
    done = subprocess.run(parse, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_script_and_style_together_stay_small() -> None:
    """As packed for the way to the browser."""
    sizes = {name: len(gzip.compress((WEB / "static" / name).read_bytes(), 9)) for name in FILES}
    assert sum(sizes.values()) <= MOST, sizes


def test_nothing_is_used_that_chromium_69_does_not_have() -> None:
    """Neither in the script nor in the style; what stands in a rule of its own may be unknown."""
    script = (WEB / "static" / "widget.js").read_text(encoding="utf-8")
    style = (WEB / "static" / "widget.css").read_text(encoding="utf-8")
    words = (
        "replaceChildren structuredClone randomUUID queueMicrotask fromEntries allSettled matchAll replaceAll findLast"
    )
    for word in [*words.split(), "globalThis", "unsafeHTML", "eval(", "new Function", ".at(", ".flatMap("]:
        assert word not in script, word
    for pattern in (r"[{;]gap:", r"[{;]inset:", r":is\(", r":where\(", r":has\(", r"clamp\(", r"[\d.]rem\b", "dvh"):
        assert re.search(pattern, style) is None, pattern


def test_the_lock_names_no_registry_and_every_version_is_exact() -> None:
    """So that it installs from whichever registry the machine uses."""
    package = json.loads((WEB / "widget" / "package.json").read_text(encoding="utf-8"))
    lock = (WEB / "widget" / "package-lock.json").read_text(encoding="utf-8")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert '"resolved"' not in lock
    assert "://" not in re.sub(r'"url": "https://[^"]*"', "", lock)
