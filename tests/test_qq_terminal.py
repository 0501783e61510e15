"""`serve.py qq-simulate` run as a developer runs it: beside a server, and where something is amiss."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from conftest import ROOT, environment, free_port, run_command, running_server
from embedded import LOCKED, entry

APP, OTHER_APP = "102000001:DG5g3B4j9X2KOErG", "102000001:naOC0ocQE3shWLAfffVLB1rhYPG7"
TOKEN = "a-token-of-one-bot"
SECONDS = 30
ANSWERED = "【机器人 · 私聊】\n"


@pytest.fixture(scope="module")
def house(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A running server's address, and the settings that let a QQ client in."""
    data = shutil.copytree(built, tmp_path_factory.mktemp("terminal") / "data", symlinks=True)
    settings = {"QQ_APPS": APP, "QQ_API": f"http://127.0.0.1:{free_port()}", "ONEBOT_TOKEN": TOKEN}
    with running_server(data, **settings) as (url, _):
        yield url, settings


@pytest.mark.parametrize("platform", ["onebot", "official"])
def test_a_chat_in_the_terminal(house: tuple[str, dict[str, str]], platform: str, tmp_path: Path) -> None:
    """What is typed is answered word for word, what comes again is not, and `/quit` ends it."""
    url, settings = house
    command = [sys.executable, str(ROOT / "serve.py"), "qq-simulate", "--platform", platform, "--url", url]
    if platform == "onebot":  # the official one is where QQ_API says
        command += ["--port", str(free_port())]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(tmp_path, PYTHONUNBUFFERED="1", **settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        alarm = Timer(SECONDS, process.kill)
        alarm.start()

        def answer(line: str, end: str) -> str:
            """What is shown from a line that is typed to the end of its answer."""
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            seen = ""
            for shown in process.stdout:
                seen += shown
                if end in shown:
                    break
            return seen

        try:
            said = answer(LOCKED, "请回复“是”")
            assert entry("zyb-1.9").answer in said
            assert said.count(ANSWERED) == 1
            other = entry("zyb-1.1")
            said = answer(f"/again\n{other.question}", other.answer.splitlines()[-1])
            said += answer("/quit", "nothing more")
            assert other.answer in said
            assert said.count(ANSWERED) == 1
        finally:
            alarm.cancel()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("platform", "settings", "named"),
    [
        ("onebot", {}, "ONEBOT_TOKEN"),
        ("official", {"QQ_API": "http://127.0.0.1:8100"}, "QQ_APPS"),
        ("official", {"QQ_API": "http://127.0.0.1:8100", "QQ_APPS": " "}, "QQ_APPS"),
        ("official", {"QQ_APPS": APP}, "QQ_API"),
        ("official", {"QQ_APPS": APP, "QQ_API": "https://api.sgroup.qq.com"}, "QQ_API"),
        ("onebot", {"ONEBOT_TOKEN": TOKEN}, "请先启动服务器"),
        ("official", {"QQ_APPS": APP, "QQ_API": "http://127.0.0.1:8100"}, "请先启动服务器"),
    ],
)
def test_what_is_missing_is_named(platform: str, settings: dict[str, str], named: str, tmp_path: Path) -> None:
    """A setting, or the server."""
    nothing = {"ONEBOT_TOKEN": "", "QQ_APPS": "", "QQ_API": "", "PORT": str(free_port())}
    port = [] if named == "QQ_API" else ["--port", str(free_port())]
    done = run_command(tmp_path, "qq-simulate", "--platform", platform, *port, **nothing | settings)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("platform", "changed", "named"),
    [
        (
            "onebot",
            {"ONEBOT_TOKEN": "another-token-of-one"},
            "ONEBOT_TOKEN（server rejected WebSocket connection: HTTP 401）",
        ),
        ("official", {"QQ_APPS": OTHER_APP}, "QQ_APPS（HTTP 200）"),
        ("official", {"QQ_APPS": "102000002:DG5g3B4j9X2KOErG"}, "QQ_APPS（HTTP 403）"),
    ],
)
def test_a_server_that_knows_another_secret_is_noticed_at_once(
    house: tuple[str, dict[str, str]], platform: str, changed: dict[str, str], named: str, tmp_path: Path
) -> None:
    """Before a word is typed; the secret is not shown."""
    url, settings = house
    settings = settings | changed
    options = ["--platform", platform, "--url", url, "--port", str(free_port())]
    done = run_command(tmp_path, "qq-simulate", *options, **settings)
    assert done.returncode == 2
    assert named in done.stderr
    assert next(iter(changed.values())).rpartition(":")[2] not in done.stderr


def test_a_port_in_use_is_named(house: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    """Not taken for a server that is away."""
    url, settings = house
    port = url.rpartition(":")[2]
    done = run_command(tmp_path, "qq-simulate", "--url", url, "--port", port, **settings)
    assert done.returncode == 2
    assert done.stderr == f"端口 {port} 已被占用。\n"
