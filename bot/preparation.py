"""Preparations of a publication: what takes long is done beforehand, in a process of its own, and left in a file.

The process holds a lock that the system lets go of when it ends, however it ends: that is how others see that it is at
work. One works at a time; what it does is `proof`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict

from bot import upkeep
from bot.preview import Preparation, Preview
from bot.settings import Settings
from bot.shelf import write

GAVE_UP = "准备过程中断了，请重试。"


class Preparations:
    """Where each preparation is at and what came out, by the key of what is prepared. Shared by processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.data_dir / "drafts"

    def read(self, key: str) -> Preparation:
        """How far it has come."""
        at_work = self._at_work(key)  # before its state is read, which it may leave and end
        try:
            stored = json.loads((self._folder / key / "state.json").read_bytes())
            preview = None if stored["preview"] is None else Preview.from_dict(stored["preview"])
            found = Preparation(**{**stored, "preview": preview})
        except (OSError, ValueError, KeyError, TypeError):
            return Preparation("running", "正在等待开始") if at_work else Preparation("none")
        return found if found.state != "running" or at_work else Preparation("failed", message=GAVE_UP)

    def tell(self, key: str, told: Preparation) -> None:
        """Leave where it is at."""
        folder = self._folder / key
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(folder / "state.json", json.dumps(asdict(told), ensure_ascii=False).encode())

    def start(self, key: str) -> None:
        """Start the process, unless one is at work on it."""
        folder = self._folder / key
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            if not _locked(descriptor):
                return
            (folder / "state.json").unlink(missing_ok=True)
            process = upkeep.start(self._settings, "prepare", key, nice=upkeep.NICE, keep=[descriptor])
            threading.Thread(target=upkeep.await_end, args=[process], name="preparation", daemon=True).start()
        finally:
            os.close(descriptor)  # the process has it still, and the lock with it

    def known(self) -> list[str]:
        """The keys of which anything is left."""
        return [folder.name for folder in self._folder.glob("*/")]

    def forget(self, *kept: str) -> None:
        """Throw away what was left of all others that nobody is at work on."""
        for folder in self._folder.glob("*/"):
            if folder.name not in kept and not self._at_work(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process of ours is preparing anything."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "turn").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _at_work(self, key: str) -> bool:
        try:
            with (self._folder / key / "lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False


def _locked(descriptor: int) -> bool:
    """Whether the lock is ours now. Who only looks whether it is free has it for a moment, too."""
    for _ in range(20):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return False
