"""Fixtures that tests of several parts share: the model, an index of the project's documents, a running server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import logscan
import pytest
from hypothesis import settings

from index.model import prepare_model

settings.register_profile("unhurried", deadline=None)  # a busy machine is no defect
settings.load_profile("unhurried")

ROOT = Path(__file__).parent.parent
EVAL = ROOT.parent / "shared" / "eval"
RATES = ("RATE_PER_ADDRESS", "RATE_PER_CONVERSATION", "RATE_LOOKUPS", "RATE_TICKETS")
NO_LIMIT = dict.fromkeys(RATES, "1000000/second")

OFFICE = {"WORKING_HOURS": "always", "NOTIFY_TARGETS": ""}


@pytest.fixture(scope="session", autouse=True)
def logs_hold_nothing_personal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No server of the whole run logged a number of a person or company."""
    yield
    assert logscan.scan(tmp_path_factory.getbasetemp()) == []


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The default encoder's folder, made on first use and kept for `make serve` and the next run."""
    return prepare_model(None, ROOT / "var" / "models", say=print)


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """The environment of a child that keeps its data in `data_dir`, whatever the settings of whoever runs the tests."""
    return {
        **os.environ,
        **NO_LIMIT,
        "HOST": "127.0.0.1",
        "DATA_DIR": str(data_dir),
        "FAQ_MODEL": "",
        **OFFICE,
        **settings,
    }


def run_command(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of serve.py to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "serve.py"), *arguments],
        cwd=ROOT,
        env=environment(data_dir, **settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(data_dir: Path, **settings: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server started as an operator starts it, once it is ready: its base URL and its process."""
    port = free_port()
    with (data_dir / "serve.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "serve.py"), "serve"],
            cwd=ROOT,
            env=environment(data_dir, PORT=str(port), **settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait(30)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return once the server is ready; fail when it ends before that or takes longer than a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended with status {process.returncode}")
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    pytest.fail("the server did not become ready within a minute")


@pytest.fixture(scope="session")
def built(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the default model and a built index of the project's documents. Copy it to change it."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "models").symlink_to(model_folder.parent)
    done = run_command(folder, "build")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def server(built: Path) -> Iterator[str]:
    """The base URL of a real server over the project's documents."""
    with running_server(built) as (url, _):
        yield url
