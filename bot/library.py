"""Library: versions of the knowledge base, the draft of the next one, and what a running process serves.

The database says what is published; what lies on the disk is made from it. Publishing opens the index that was prepared
and then changes the database in one transaction, so that a crash at any moment leaves a whole version: the old one or
the new one. Other processes on the same database follow within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot import folder, proof, upkeep
from bot.dossier import DossierError
from bot.draft import (
    MOST_CHANGES,
    MOST_NOTE,
    Conflict,
    Draft,
    Ground,
    Kind,
    State,
    check_place,
    check_there,
    checked,
    conflicts,
    planned,
)
from bot.escalation import ReasonError
from bot.evaluate import QuestionsError
from bot.follower import Follower, Serving
from bot.holding import Holding, state_in
from bot.mask import mask
from bot.preparation import Preparations
from bot.preview import Check, Preparation, Preview, Shift
from bot.proof import Piece
from bot.settings import Settings
from bot.store.base import Store, StoreError, Transaction
from bot.version import (
    Asked,
    BadChange,
    Difference,
    DraftMoved,
    Event,
    Faulty,
    FileChanges,
    Held,
    LibraryError,
    Missing,
    NotPrepared,
    Unreadable,
    Version,
    difference,
)
from faq.error import FaqError
from index.encoder import ModelError
from index.snapshot import SnapshotError, Stamp

KEPT: Final = 10
"""Versions whose indexes are kept, the last published ones."""
LOOKED_BACK: Final = 200
"""Lines of the history in which these are looked for."""
EXPECTED: Final = (
    LibraryError,
    FaqError,
    ReasonError,
    DossierError,
    SnapshotError,
    ModelError,
    QuestionsError,
    StoreError,
    OSError,
)
"""What can keep a preparation from coming to an end, each with words for whoever asked for it."""
_VERSION: Final = "-version-"
_MOVED: Final = "草稿在预览之后又有变化，请重新预览后再发布。"


class Obsolete(Exception):
    """What is being prepared could not be published any more: the draft has changed. Nobody sees it."""


class Library:
    """See above. Thread-safe. `serving` is what answers in this process, if anything does."""

    def __init__(self, store: Store, settings: Settings, serving: Serving | None = None) -> None:
        self._store, self._settings = store, settings
        self._holding = Holding(store, settings)
        self._shelf = self._holding.shelf
        self._preparations = Preparations(settings)
        self.follower = Follower(self._holding, serving)

    # What is published

    def published(self) -> Version:
        """The version that is published; Unreadable where there is none yet and the documents cannot be read."""
        return self._holding.state().version

    def version(self, number: int) -> Version:
        """The version of that number; Missing."""
        return self._holding.version(number)

    def versions(self, limit: int = 50, before: int | None = None) -> list[Version]:
        """The last versions below number `before`, the newest first."""
        return self._store.read(lambda transaction: transaction.versions(limit, before))

    def history(self, limit: int = 50) -> list[Event]:
        """Who published what when, the last first."""
        return self._store.read(lambda transaction: transaction.knowledge_events(limit))

    def difference(self, before: int, after: int) -> Difference:
        """How one version differs from another."""
        old, new = (self._holding.files(self.version(number).tree) for number in (before, after))
        return difference(old, self._shelf.read(old), new, self._shelf.read(new))

    def kept(self, number: int) -> bool:
        """Whether the index of a version lies ready, so that it can be published at once."""
        return self._shelf.find(self._holding.stamp(self.version(number))) is not None

    def checks(self) -> tuple[Check, ...] | None:
        """What the check found in the published version; None where it was not checked yet, which `prepare` does."""
        return proof.read_checks(self._shelf.checks(self._holding.stamp(self.published())))

    # The draft

    def file_changes(self) -> FileChanges:
        """What taking over the documents folder as it is now would change."""
        return self._holding.file_changes()

    def draft(self) -> Draft:
        """The draft, with what is wrong with it as far as that is cheaply seen."""
        state = self._holding.state()
        found = list(conflicts(state.changes, self._holding.ground(state))) if state.changes else []
        for change in state.changes:
            if change.kind == "take_files":
                with suppress(Unreadable):
                    if self._holding.moved_on(change):
                        found.append(Conflict(change.id, "文档文件夹在纳入之后又有变化；需要最新内容时请重新纳入。"))
        return Draft(state.fingerprint, state.version.number, state.changes, tuple(found))

    def held(self) -> tuple[Held, ...]:
        """The entries whose similar questions are held back, in the draft or in what is published, and not yet kept."""
        state = self._holding.state()
        kept = {change.entry_id for change in state.changes if change.kind == "keep_similar"}
        return tuple(held for entry, held in self._holding.ground(state).held.items() if entry not in kept)

    def change(self, kind: Kind, entry_id: str | None, texts: Sequence[str], author: str) -> Draft:
        """Add a change for each text, all or none; what undoes a pending change takes that one away instead."""
        entry, state, disk = entry_id or "", self._holding.state(), None
        dropped = kind in ("drop_similar", "drop_topic")  # named as they stand in the files, whatever that is
        wanted = list(dict.fromkeys(texts if dropped else map(checked, texts)))
        ground = Ground({}, ())
        if kind == "take_files":
            entry, wanted, disk = "", [""], self._holding.taken(state)
        else:
            ground = self._holding.ground(state)
            check_place(kind, entry, wanted, ground)
            wanted = [""] if kind == "keep_similar" else wanted

        def work(transaction: Transaction) -> None:
            # The files come with the change that needs them: whoever publishes meanwhile deletes what nothing needs.
            tree = "" if disk is None else transaction.put_files(disk)
            undone, added = planned(kind, entry, wanted, tree, transaction.changes())
            check_there(kind, entry, added, ground)
            for change in undone:
                transaction.delete_change(change.id)
            for text in added:
                transaction.add_change(kind, entry, text, author, datetime.now(UTC), tree)
            if len(transaction.changes()) > MOST_CHANGES:
                raise BadChange(f"草稿中的修改不能超过 {MOST_CHANGES} 处，请先发布。")

        self._store.write(work)
        return self.draft()

    def undo(self, change_id: int) -> Draft:
        """Take a change back."""
        if not self._store.write(lambda transaction: transaction.delete_change(change_id)):
            raise Missing("这处修改已经撤销或发布。")
        return self.draft()

    def discard(self) -> Draft:
        """Take all changes back."""
        self._store.write(_clear)
        return self.draft()

    # From the draft to what is published

    def prepare(self, number: int | None = None) -> Preparation:
        """Have the draft, or the return to a version, prepared in a process of its own."""
        key = self._key(self._holding.state(), number)
        if self._preparation(key).state not in ("running", "ready"):
            self._preparations.start(key)
        return self.preparation(number)

    def preparation(self, number: int | None = None) -> Preparation:
        """How far that has come, and what came out."""
        found = self._preparation(self._key(self._holding.state(), number))
        if found.preview is None:
            return found
        return replace(found, preview=replace(found.preview, shifts=self._spoken(found.preview.shifts)))

    def publish(self, fingerprint: str, author: str, note: str = "") -> Version:
        """Publish the draft that was previewed under this fingerprint, in this process at once."""
        note = _checked_note(note)
        with self.follower.lock:
            state = self._holding.state()
            if state.fingerprint != fingerprint:
                raise DraftMoved(_MOVED)
            if not state.changes:
                raise BadChange("没有可以发布的修改。")
            preview = self._preparation(fingerprint).preview
            if preview is None:
                raise NotPrepared("请先预览这份草稿，完成后再发布。")
            if preview.errors:
                raise Faulty(f"检查发现 {len(preview.errors)} 个错误，改正后才能发布：{preview.errors[0].message}")
            stamp = Stamp(preview.content_hash, preview.model_id)

            def work(transaction: Transaction) -> Version:
                now_there = state_in(transaction)
                if now_there is None or now_there.fingerprint != fingerprint:
                    raise DraftMoved(_MOVED)
                now = datetime.now(UTC)
                version = transaction.add_version(author, note, now, preview.tree, preview.content_hash)
                base = state.taken or state.event.base
                transaction.add_knowledge_event("publish", version.number, base, author=author, note=note, at=now)
                _clear(transaction)
                transaction.forget_files()
                return version

            return self._go_live(preview.tree, stamp, work)

    def rollback(self, number: int, author: str, note: str = "") -> Version:
        """Publish a version of before once more, in this process at once."""
        note = _checked_note(note)
        with self.follower.lock:
            state, version = self._holding.state(), self.version(number)
            if number == state.version.number:
                raise BadChange(f"现在发布的就是第 {number} 版。")
            stamp = self._holding.stamp(version)
            if self._shelf.find(stamp) is None:
                raise NotPrepared(f"第 {number} 版的索引已经清理，请先准备，完成后再回滚。")

            def work(transaction: Transaction) -> Version:
                last = transaction.last_knowledge_event(number)
                base, now = last.base if last else version.tree, datetime.now(UTC)
                transaction.add_knowledge_event("rollback", number, base, author=author, note=note, at=now)
                return version

            return self._go_live(version.tree, stamp, work)

    def export(self, documents: Path | None = None, *, author: str, force: bool = False) -> list[str]:
        """Write the published files into the documents folder, or another; the names of those that changed."""
        state = self._holding.state()
        files = self._holding.files(state.version.tree)
        if documents is not None:
            return folder.put(files, documents, known=[files], force=force)
        documents = self._settings.faq_documents
        done = folder.put(files, documents, known=[files, self._holding.files(state.event.base)], force=force)

        def work(transaction: Transaction) -> None:
            base = transaction.put_files(folder.read(documents))
            number, now = state.version.number, datetime.now(UTC)
            last = transaction.last_knowledge_event()
            if last == state.event and base != last.base:
                transaction.add_knowledge_event("export", number, base, author=author, note="", at=now)

        self._store.write(work)
        return done

    def archive(self) -> bytes:
        """A ZIP of the published files."""
        return folder.packed(self._holding.files(self.published().tree))

    # What takes long, in a process of its own

    def carry_out(self, key: str) -> bool:
        """Do what `prepare` has asked for, leaving progress, result or failure where `preparation` finds it."""

        def tell(told: Preparation) -> None:
            if not self._wanted(key):
                raise Obsolete
            self._preparations.tell(key, told)

        try:
            with self._preparations.alone():
                preview = proof.prove(self._settings, self._piece(key), tell)
                tell(Preparation("ready", preview=preview))
                self._tidy()
        except Obsolete:
            return False
        except EXPECTED as error:
            self._preparations.tell(key, Preparation("failed", message=str(error)))
            return False
        except Exception:
            self._preparations.tell(key, Preparation("failed", message="准备时出现内部错误，原因见服务日志。"))
            raise
        return True

    def _piece(self, key: str) -> Piece:
        state = self._holding.state()
        published, asked = self._holding.files(state.version.tree), self._store.read(_asked)
        if key == state.fingerprint:
            files = self._holding.drafted(state)
            return Piece(key, self._store.write(lambda t: t.put_files(files)), files, published, tuple(asked))
        event, _, number = key.partition(_VERSION)
        if not number.isdigit() or event != str(state.event.id):
            raise Obsolete
        tree = self.version(int(number)).tree
        return Piece(key, tree, self._holding.files(tree), published, tuple(asked))

    def _key(self, state: State, number: int | None) -> str:
        """What a preparation of the draft, or of the return to a version, is known by."""
        return state.fingerprint if number is None else f"{state.event.id}{_VERSION}{self.version(number).number}"

    def _wanted(self, key: str) -> bool:
        """Whether what is known by a key could still be published."""
        state = self._holding.state()
        return key == state.fingerprint or key.startswith(f"{state.event.id}{_VERSION}")

    def _preparation(self, key: str) -> Preparation:
        """How far a preparation has come; one whose index is gone, or of other settings, was none."""
        found = self._preparations.read(key)
        if found.preview is None:
            return found
        serving = self.follower.serving
        if serving is not None and asdict(serving.desk.thresholds) != found.preview.thresholds:
            return Preparation("none")
        stamp = Stamp(found.preview.content_hash, upkeep.model_id(self._settings))
        return found if self._shelf.find(stamp) else Preparation("none")

    def _go_live(self, tree: str, stamp: Stamp, work: Callable[[Transaction], Version]) -> Version:
        """Open what lies ready, then say in the database that it is published, then answer from it."""
        try:
            desk = self.follower.ready(tree, stamp)
        except SnapshotError as error:
            self._shelf.forget(stamp)
            raise NotPrepared(f"准备好的索引无法打开，请重新准备。{error}") from error
        version = self._store.write(work)
        self.follower.take(tree, desk)
        with suppress(OSError):  # it is published; the next one tidies up
            self._tidy()
        return version

    def _tidy(self) -> None:
        """Throw away what is neither published lately nor about to be."""
        keys = [key for key in self._preparations.known() if self._wanted(key)]
        self._preparations.forget(*keys)
        numbers = list(dict.fromkeys(event.number for event in self.history(LOOKED_BACK)))[:KEPT]
        made: list[Version | Preview] = [self.version(number) for number in numbers]
        made += [found for key in keys if (found := self._preparations.read(key).preview)]
        model_id = upkeep.model_id(self._settings)
        self._shelf.prune([Stamp(found.content_hash, model_id) for found in made], [found.tree for found in made])

    def _spoken(self, shifts: Sequence[Shift]) -> tuple[Shift, ...]:
        """The shifts with visitors' words, masked; without those whose message is gone."""

        def work(transaction: Transaction) -> tuple[Shift, ...]:
            told: list[Shift] = []
            for shift in shifts:
                message = transaction.message(shift.message_id) if shift.message_id else None
                if shift.source == "own":
                    told.append(shift)
                elif message is not None:
                    told.append(replace(shift, text=mask(message.text)))
            return tuple(told)

        return self._store.read(work)


def _asked(transaction: Transaction) -> list[Asked]:
    return transaction.questions_asked(datetime.now(UTC) - proof.LOOKED_BACK, proof.MOST_ASKED)


def _clear(transaction: Transaction) -> None:
    for change in transaction.changes():
        transaction.delete_change(change.id)


def _checked_note(note: str) -> str:
    kept = " ".join(note.split())
    if len(kept) > MOST_NOTE:
        raise BadChange(f"说明太长了，最多 {MOST_NOTE} 个字。")
    return kept
