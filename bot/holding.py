"""What the database holds of the knowledge base, made whole: the published files, and those that the draft makes.

The documents folder becomes version 1 when there is none yet.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
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


class Holding:
    """The knowledge base in a store, and in the data folder beside it. Thread-safe."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings, self.shelf = store, settings, Shelf(settings.data_dir)

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

    def joined(self, state: State, disk: Files) -> dict[str, bytes]:
        """What publishing the documents folder would publish."""
        return merged(self.files(state.event.base), self.files(state.version.tree), disk)

    def drafted(self, state: State) -> dict[str, bytes]:
        """The files that the draft makes; Unreadable."""
        files = self._below(state)
        questions = {entry.id: entry.question for entry in self.shelf.read(files).entries}
        return applied(files, state.changes, questions)

    def ground(self, state: State) -> Ground:
        """What the draft's changes of texts are made to; Unreadable."""
        files = self._below(state)
        knowledge = self.shelf.read(files)
        questions = {entry.id: entry.question for entry in knowledge.entries}
        return Ground(questions, phrases_of(files), frozenset(held_back(files, knowledge)))

    def file_changes(self) -> FileChanges:
        """What taking over the documents folder as it is now would change."""
        state, tree = self.state(), ""
        try:
            disk = self.disk()
            tree = tree_of(disk)
            if tree in (state.event.base, state.version.tree):
                return FileChanges(Difference(), None, tree)
            self.shelf.read(disk)  # before anything else looks into it
            old, new = self.files(state.version.tree), self.joined(state, disk)
            return FileChanges(difference(old, self.shelf.read(old), new, self.shelf.read(new)), None, tree)
        except Unreadable as error:
            return FileChanges(None, str(error), tree)

    def moved_on(self, change: Change) -> bool:
        """Whether the documents folder is not any more as a change takes it over."""
        return tree_of(self.disk()) != change.tree

    def take(self, state: State) -> str:
        """Keep the documents folder for the draft; its tree. BadChange where there is nothing to take, Unreadable."""
        disk = self.disk()
        if tree_of(disk) in (state.event.base, state.version.tree):
            raise BadChange("文档文件夹没有尚未确认的改动。")
        self.shelf.read(disk)
        return self.store.write(lambda transaction: transaction.put_files(disk))

    def _below(self, state: State) -> dict[str, bytes]:
        """What the changes of texts are made to: what is published, or the folder that the draft takes over."""
        return self.joined(state, self.files(state.taken)) if state.taken else self.files(state.version.tree)

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
