"""The processes that are measured: the real server and the empty endpoint, each on a free port of loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client import Connection, RequestError
from question import DOCUMENTS, Question

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "var" / "models"
RATES = ("RATE_PER_ADDRESS", "RATE_PER_CONVERSATION", "RATE_LOOKUPS", "RATE_TICKETS")
NO_LIMIT = dict.fromkeys(RATES, "1000000/second")
PATIENCE = 60  # seconds for a start


@dataclass(frozen=True, slots=True)
class Child:
    """A process that answers on `port`; `started_in` are the seconds from its start to its first answer."""

    process: subprocess.Popen[bytes]
    port: int
    started_in: float

    def memory(self) -> tuple[float, float] | None:
        """Resident now and at most, in MB (10⁶ bytes); None where the system does not say."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return None
        values = dict(line.split(":", 1) for line in status.splitlines())
        now, peak = (int(values[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
        return now, peak


@contextmanager
def data_folder(**settings: str) -> Iterator[Path]:
    """A folder with a built index. Beside the real one, for a commit costs what the disk under it takes."""
    if not MODELS.is_dir():
        _serve(MODELS.parent, "model")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=MODELS.parent) as name:
        folder = Path(name)
        (folder / "models").symlink_to(MODELS)
        _serve(folder, "build", **settings)
        yield folder


@contextmanager
def bot_server(folder: Path, first: Question, **settings: str) -> Iterator[Child]:
    """The server as an operator starts it, once it has answered its first question."""
    port = _free_port()
    command = [sys.executable, str(ROOT / "serve.py"), "serve"]
    environment = _environment(folder, port, **settings)
    with _running(command, port, environment, folder / "serve.log", "/api/chat", first) as child:
        yield child


@contextmanager
def empty_server(folder: Path, first: Question) -> Iterator[Child]:
    """The empty endpoint, once it has answered."""
    port = _free_port()
    command = [sys.executable, str(Path(__file__).with_name("empty.py")), str(port)]
    with _running(command, port, dict(os.environ), folder / "empty.log", "/", first) as child:
        yield child


@contextmanager
def _running(
    command: list[str], port: int, environment: dict[str, str], log: Path, path: str, first: Question
) -> Iterator[Child]:
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            asyncio.run(_first_answer(process, port, path, first))
            yield Child(process, port, time.perf_counter() - started)
        except RequestError as error:
            tail = log.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise RequestError(f"{error}\n{log.name} ends with:\n{tail}") from error
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _first_answer(process: subprocess.Popen[bytes], port: int, path: str, question: Question) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RequestError(f"the process ended with status {process.returncode}")
        try:
            connection = await Connection.open(port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        await connection.post(path, {"text": question.text, "system": question.system})
        connection.close()
        return
    raise RequestError(f"no answer within {PATIENCE} s of the start")


def _serve(folder: Path, command: str, **settings: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "serve.py"), command],
        cwd=ROOT,
        env=_environment(folder, 0, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RequestError(f"serve.py {command} failed:\n{done.stdout}")


def _environment(folder: Path, port: int, **settings: str) -> dict[str, str]:
    """The settings of the measured server, whatever those of whoever measures are."""
    return {
        **os.environ,
        **NO_LIMIT,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "FAQ_DOCUMENTS": str(DOCUMENTS),
        "FAQ_MODEL": "",
        "TRUSTED_PROXIES": "",
        **settings,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
