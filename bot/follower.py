"""Which version this process answers from: what the database says is published, from its start and within seconds.

Whatever goes wrong with a new one, the old one answers on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from bot import upkeep
from bot.desk import Desk
from bot.holding import Holding
from bot.version import Unreadable
from index.snapshot import SnapshotError, Stamp

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 60.0
"""After so long what could not be opened is tried again."""

Served: TypeAlias = tuple[str, str | None]
"""Tree and model."""


class Serving(Protocol):
    """Whatever answers from a desk that may be replaced."""

    desk: Desk


class Follower:
    """Keeps the desk of `serving` in step. Whoever replaces it holds the `lock`."""

    def __init__(self, holding: Holding, serving: Serving | None = None) -> None:
        self._holding, self._settings, self._shelf = holding, holding.settings, holding.shelf
        self.serving = serving
        self.lock = threading.RLock()
        self._served: Served | None = None
        self._failed: tuple[Served, float] | None = None
        self._replaced = False

    def first(self) -> Desk:
        """The desk to begin with, its index built where it is missing; SnapshotError where there is none to be had."""
        tree, documents = "", None
        try:
            tree = self._holding.state().version.tree
            documents = self._shelf.folder(self._holding.files(tree))
        except Unreadable as error:
            upkeep.say(str(error))
        notes = upkeep.bring_up_to_date(self._settings, documents)
        try:
            desk = self._open(documents, notes)
        except SnapshotError as error:  # damaged where its stamp does not tell
            upkeep.say(str(error))
            if not notes:
                self._shelf.forget(upkeep.stamp_of(self._settings, documents))
            upkeep.in_child(self._settings, "build")
            desk = self._open(documents, ())
        self._served = None if notes else (tree, desk.index.snapshot.model_id)
        return desk

    def ready(self, tree: str, stamp: Stamp) -> Desk | None:
        """A desk over a version whose index lies ready, None without anybody to serve from it; SnapshotError."""
        if self.serving is None:
            return None
        documents = self._shelf.folder(self._holding.files(tree))
        place = self._shelf.find(stamp) or self._shelf.place(stamp)
        return upkeep.open_desk(self._settings, path=place, documents=documents, running=self.serving.desk)

    def take(self, tree: str, desk: Desk | None) -> None:
        """Answer from this desk from now on."""
        if self.serving is not None and desk is not None:
            self.serving.desk = desk
            self._served = tree, desk.index.snapshot.model_id
            self._replaced = True
            log.info("已换用新的知识库：%d 个条目", len(desk.knowledge.entries))

    def follow(self) -> None:
        """Look every few seconds, for as long as the process lives."""
        while True:
            time.sleep(POLL_SECONDS)
            try:
                self.refresh()
                if self._replaced:  # the one before is gone by now; nobody waits for this here
                    self._replaced = False
                    upkeep.give_memory_back()
            except Exception:
                log.exception("新的知识库无法使用，继续使用原来的知识库")

    def refresh(self) -> None:
        """Take up what is published, where that is something else than what is served."""
        try:
            version = self._holding.state().version
        except Unreadable:  # nothing was ever published, and the documents are as broken as at the start
            return
        stamp = self._holding.stamp(version)
        wanted = version.tree, stamp.model_id
        if wanted == self._served or (
            self._failed and self._failed[0] == wanted and time.monotonic() < self._failed[1]
        ):
            return
        self._failed = wanted, time.monotonic() + RETRY_SECONDS
        if self._shelf.find(stamp) is None:
            if self._served and self._served[0] == version.tree:
                self._failed = None  # another model: whoever made it is making the index as well
                return
            upkeep.in_child(self._settings, "build", nice=upkeep.NICE)
        with self.lock:
            if self._holding.state().version == version:
                self.take(version.tree, self.ready(version.tree, stamp))
        self._failed = None

    def _open(self, documents: Path | None, notes: Sequence[str]) -> Desk:
        """The desk over the documents' index; with notes, which say that there is none, over the last there is."""
        found = None if notes else self._shelf.find(upkeep.stamp_of(self._settings, documents))
        return upkeep.open_desk(self._settings, notes, path=found or self._shelf.newest()[0], documents=documents)
