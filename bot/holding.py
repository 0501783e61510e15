"""What the database holds of the knowledge base, made whole: the published files, and those that the draft makes.

The documents folder becomes version 1 when there is none yet.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from bot import folder, upkeep
from bot.draft import Change, Ground, State, applied
from bot.settings import Settings
from bot.shelf import Shelf
from bot.store.base import Store, Transaction
from bot.store.sqlite import SqliteStore
from bot.version import (
    BadChange,
    Difference,
    FileChanges,
    Missing,
    Unreadable,
    Version,
    difference,
    held_back,
    merged,
    phrases_of,
    tree_of,
)
from faq.writing import Files
from index.snapshot import Stamp

FILES: Final = "文件"
"""The author of what comes from the documents folder."""
REMEMBERED: Final = 4
"""States of the files of which it is remembered what they come to: every page asks, and files seldom change."""


class Holding:
    """The knowledge base in a store, and in the data folder beside it. Thread-safe."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings, self.shelf = store, settings, Shelf(settings.data_dir)
        self._ground = lru_cache(maxsize=REMEMBERED)(self._ground_of)
        self._compared = lru_cache(maxsize=REMEMBERED)(self._compare)

    def state(self) -> State:
        """What is published, and the draft; Unreadable where nothing is yet and the documents cannot be read."""
        found = self.store.read(state_in)
        if found is None:
            found = self._begin()
        return found

    def version(self, number: int) -> Version:
        """The version of that number; Missing."""
        found = self.store.read(lambda transaction: transaction.version(number))
        if found is None:
            raise Missing(f"没有第 {number} 版。")
        return found

    def files(self, tree: str) -> dict[str, bytes]:
        """The files of a tree."""
        return self.store.read(lambda transaction: transaction.files(tree))

    def stamp(self, version: Version) -> Stamp:
        """What the index of a version is known by."""
        return Stamp(version.content_hash, upkeep.model_id(self.settings))

    def disk(self) -> dict[str, bytes]:
        """The files of the documents folder as they are now; Unreadable."""
        return folder.read(self.settings.faq_documents)

    def drafted(self, state: State) -> dict[str, bytes]:
        """The files that the draft makes; Unreadable."""
        files = self._below(state.event.base, state.version.tree, state.taken)
        return applied(files, state.changes, self.ground(state).questions)

    def ground(self, state: State) -> Ground:
        """What the draft's changes of texts are made to; Unreadable."""
        return self._ground(state.event.base, state.version.tree, state.taken)

    def file_changes(self) -> FileChanges:
        """What taking over the documents folder as it is now would change."""
        state = self.state()
        try:
            disk = self.disk()
        except Unreadable as error:
            return FileChanges(None, str(error), "")
        tree = tree_of(disk)
        if tree in (state.event.base, state.version.tree):
            return FileChanges(Difference(), None, tree)
        return self._compared(state.event.base, state.version.tree, tuple(disk.items()))

    def moved_on(self, change: Change) -> bool:
        """Whether the documents folder is not any more as a change takes it over."""
        return tree_of(self.disk()) != change.tree

    def taken(self, state: State) -> dict[str, bytes]:
        """The documents folder, for the draft to take over. BadChange where there is nothing to take, Unreadable."""
        disk = self.disk()
        if tree_of(disk) in (state.event.base, state.version.tree):
            raise BadChange("文档文件夹没有尚未确认的改动。")
        self.shelf.read(disk)
        return disk

    def _joined(self, base: str, published: str, disk: Files) -> dict[str, bytes]:
        """What publishing these files of the documents folder would publish."""
        return merged(self.files(base), self.files(published), disk)

    def _below(self, base: str, published: str, taken: str) -> dict[str, bytes]:
        """What the changes of texts are made to: what is published, or the folder that the draft takes over."""
        return self._joined(base, published, self.files(taken)) if taken else self.files(published)

    def _ground_of(self, base: str, published: str, taken: str) -> Ground:
        files = self._below(base, published, taken)
        knowledge = self.shelf.read(files)
        questions = {entry.id: entry.question for entry in knowledge.entries}
        return Ground(questions, phrases_of(files), held_back(files, knowledge))

    def _compare(self, base: str, published: str, disk: tuple[tuple[str, bytes], ...]) -> FileChanges:
        files, old = dict(disk), self.files(published)
        tree = tree_of(files)
        try:
            self.shelf.read(files)  # before anything else looks into it
            new = self._joined(base, published, files)
            return FileChanges(difference(old, self.shelf.read(old), new, self.shelf.read(new)), None, tree)
        except Unreadable as error:
            return FileChanges(None, str(error), tree)

    def _begin(self) -> State:
        disk = self.disk()
        knowledge = self.shelf.read(disk)

        def work(transaction: Transaction) -> State | None:
            if state_in(transaction) is None:
                tree, now = transaction.put_files(disk), datetime.now(UTC)
                note = "由文档文件夹建立"
                version = transaction.add_version(FILES, note, now, tree, knowledge.content_hash)
                transaction.add_knowledge_event("publish", version.number, tree, author=FILES, note=note, at=now)
            return state_in(transaction)

        begun = self.store.write(work)
        assert begun is not None  # noqa: S101 — it was there, or has just been made
        return begun


def state_in(transaction: Transaction) -> State | None:
    """What is published, and the draft; None where nothing is yet."""
    event = transaction.last_knowledge_event()
    version = event and transaction.version(event.number)
    return State(event, version, tuple(transaction.changes())) if event and version else None


def served_documents(settings: Settings) -> Path:
    """A folder with what is published; the documents folder where nothing is yet. Changes nothing in the database."""
    if settings.database.exists():
        with closing(SqliteStore(settings.database)) as store:
            state = store.read(state_in)
            if state is not None:
                return Shelf(settings.data_dir).folder(store.read(lambda t: t.files(state.version.tree)))
    return settings.faq_documents
