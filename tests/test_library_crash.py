"""Killed in the middle of publishing, at every step: what is served afterwards is a whole version, the old or the new.

A child publishes or rolls back and kills itself on the way, as a power cut would; then the folder is opened anew.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, free_port
from library_case import begin, opened

from bot.upkeep import child, environment

DIE = """
import os, signal, sys
from pathlib import Path
from library_case import BY, opened

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

with opened(Path(sys.argv[1])) as case:
    step, deed = sys.argv[2:]
    case.add("a-1", "甲甲")
    if deed == "rollback":
        case.publish()
    else:
        case.ready()
    if step == "opened":
        real = case.library.follower.ready
        case.library.follower.ready = lambda *a: (real(*a), die())
    elif step == "half a transaction":
        import bot.store.knowledge as rows
        real_event = rows.SqliteKnowledgeRows.add_knowledge_event
        def add(self, *a, **k):
            real_event(self, *a, **k)
            die()
        rows.SqliteKnowledgeRows.add_knowledge_event = add
    elif step == "committed":
        case.library.follower.take = die
    elif step == "tidying":
        case.library._shelf.prune = die
    if deed == "rollback":
        case.library.rollback(1, BY)
    else:
        case.library.publish(case.library.draft().fingerprint, BY)
"""
OLD, NEW = ("登不上去",), ("登不上去", "甲甲")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return begin(tmp_path_factory.mktemp("crash"))


def die_in(folder: Path, step: str, deed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIE, str(folder), step, deed],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    ("step", "published"), [("opened", 1), ("half a transaction", 1), ("committed", 2), ("tidying", 2)]
)
def test_a_publication_that_is_killed_happened_or_did_not(
    begun: Path, tmp_path: Path, step: str, published: int
) -> None:
    """The draft is there still or it is published, never both, never neither; and it can be published then."""
    folder = Path(shutil.copytree(begun, tmp_path / "case"))
    die_in(folder, step, "publish")
    with opened(folder) as case:
        assert case.library.published().number == published
        assert case.similar("a-1") == (NEW if published == 2 else OLD)
        assert case.library.draft().empty == (published == 2)
        assert [event.number for event in case.library.history()] == list(range(published, 0, -1))
        if published == 1:
            assert case.publish().number == 2
            assert case.similar("a-1") == NEW


@pytest.mark.parametrize(
    ("step", "published"), [("opened", 2), ("half a transaction", 2), ("committed", 1), ("tidying", 1)]
)
def test_a_return_that_is_killed_happened_or_did_not(begun: Path, tmp_path: Path, step: str, published: int) -> None:
    """A whole version is served, and no version is lost."""
    folder = Path(shutil.copytree(begun, tmp_path / "case"))
    die_in(folder, step, "rollback")
    with opened(folder) as case:
        assert case.library.published().number == published
        assert case.similar("a-1") == (NEW if published == 2 else OLD)
        assert [version.number for version in case.library.versions()] == [2, 1]


def test_a_preparation_that_is_killed_is_noticed_and_can_be_tried_again(begun: Path, tmp_path: Path) -> None:
    """Whoever waits for it learns that it broke off; nothing that is served suffers."""
    folder = Path(shutil.copytree(begun, tmp_path / "case"))
    with opened(folder) as case:
        case.add("a-1", "甲甲")
        key = case.library.draft().fingerprint
        for seconds in (0.2, 0.8, 1.6):
            process = subprocess.Popen(
                child("prepare", key), env=environment(case.settings), cwd=ROOT, stderr=subprocess.DEVNULL
            )
            time.sleep(seconds)
            process.kill()
            process.wait()
            assert case.library.preparation().state in ("none", "failed", "ready")
            assert case.library.published().number == 1
        assert case.publish().number == 2
    with opened(folder) as case:
        assert case.similar("a-1") == NEW


PARENT = """
import sys, time
from pathlib import Path
from library_case import opened
from bot import upkeep

with opened(Path(sys.argv[1])) as case:
    print(upkeep.start(case.settings, "serve", nice=3).pid, flush=True)
    time.sleep(60)
"""


def test_a_child_gives_way_and_dies_with_its_parent(begun: Path, tmp_path: Path) -> None:
    """However its parent came to its end: nobody waits for what it makes any more."""
    folder = str(shutil.copytree(begun, tmp_path / "case"))
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "", "PORT": str(free_port())}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, folder], cwd=ROOT, env=path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        child_id = int(parent.stdout.readline())
        _await(lambda: os.getpriority(os.PRIO_PROCESS, child_id) == os.getpriority(os.PRIO_PROCESS, 0) + 3)
        assert _lives(child_id)
        parent.kill()
    _await(lambda: not _lives(child_id))


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_preparing_runs_in_a_process_of_its_own(begun: Path, tmp_path: Path) -> None:
    """Asked for twice it runs once; its steps can be watched, and what came out can be published."""
    with opened(Path(shutil.copytree(begun, tmp_path / "case"))) as case:
        case.add("a-1", "甲甲")
        assert case.library.preparation().state == "none"
        assert case.library.prepare().state == "running"
        assert case.library.prepare().state == "running"
        deadline = time.monotonic() + 60
        while (found := case.library.preparation()).state == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found.state == "ready", found.message
        assert case.library.publish(case.library.draft().fingerprint, "王老师").number == 2
        assert case.similar("a-1") == NEW


def test_a_draft_that_changes_makes_the_preparation_obsolete(begun: Path, tmp_path: Path) -> None:
    """The new one is prepared, the old one leaves nothing behind."""
    with opened(Path(shutil.copytree(begun, tmp_path / "case"))) as case:
        case.add("a-1", "甲甲")
        old = case.library.draft().fingerprint
        case.library.prepare()
        case.add("a-1", "乙乙")
        case.library.prepare()
        deadline = time.monotonic() + 60
        while case.library.preparation().state == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert case.library.preparation().state == "ready"
        assert not (case.settings.data_dir / "drafts" / old / "state.json").exists()
