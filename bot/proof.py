"""The proof of a publication: its index built and checked, and all known questions put to it and to what is published.

This takes long and imports what serving never does; it belongs into a process of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot import impact, upkeep
from bot.desk import Desk
from bot.evaluate import QUESTIONS, read_set
from bot.preview import Check, FigureChange, Preparation, Preview, Shift, check_of
from bot.settings import Settings
from bot.shelf import Shelf, write
from bot.version import Asked, difference
from faq.writing import Files
from index import snapshot
from index.hybrid import HybridIndex
from index.snapshot import Stamp

LOOKED_BACK: Final = timedelta(days=90)
MOST_ASKED: Final = 2000
"""Visitors' questions that are asked, the most frequent ones of so many days."""
TELL_EVERY: Final = 25
"""Questions after which progress is told."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is to be published under a key: the files of `tree` in place of those that are published."""

    key: str
    tree: str
    files: Files
    published: Files
    asked: tuple[Asked, ...]


def prove(settings: Settings, piece: Piece, tell: Callable[[Preparation], None]) -> Preview:
    """Build, check and ask; `tell` is told of every step, and may raise to end it."""
    started = time.perf_counter()
    tell(Preparation("running", "正在生成索引"))
    encoder = upkeep.encoder_of(settings)
    memory = None if encoder is None else impact.Memory(encoder)
    before, after = (_Side(settings, files, memory) for files in (piece.published, piece.files))
    tell(Preparation("running", "正在检查"))
    known = {(check.kind, check.entries, check.texts) for check in before.checks()}
    checks = after.checks()
    documents = settings.faq_documents
    own = (documents if documents.is_dir() else documents.parent) / QUESTIONS
    rows, asked = read_set(own).rows if own.is_file() else (), piece.asked
    done = 0

    def tick() -> None:
        nonlocal done
        if done % TELL_EVERY == 0:
            tell(Preparation("running", "正在比较问答", done, len(rows) + len(asked)))
        done += 1

    shifts, figures = list[Shift](), list[FigureChange]()
    if piece.files != piece.published:
        shifts, figures = impact.compare_own(before.desk, after.desk, rows, tick)
        shifts += impact.compare_asked(before.desk, after.desk, asked, tick)
    return Preview(
        key=piece.key,
        tree=piece.tree,
        content_hash=after.stamp.content_hash,
        model_id=after.stamp.model_id,
        thresholds=asdict(settings.thresholds),
        seconds=round(time.perf_counter() - started, 1),
        asked_own=len(rows),
        asked_visitor=len(asked),
        difference=difference(piece.published, before.desk.knowledge, piece.files, after.desk.knowledge),
        shifts=tuple(shifts),
        figures=tuple(figures),
        checks=tuple(replace(c, new=(c.kind, c.entries, c.texts) not in known) for c in checks),
        summary=after.summary(checks),
    )


def read_checks(path: Path) -> tuple[Check, ...] | None:
    """The findings that were left beside a snapshot."""
    try:
        return tuple(map(check_of, json.loads(path.read_bytes())))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Side:
    """One of the two: its files with their snapshot, made where it is missing, and a desk over it."""

    def __init__(self, settings: Settings, files: Files, encoder: impact.Memory | None) -> None:
        self._shelf, self._encoder = Shelf(settings.data_dir), encoder
        self._documents = self._shelf.folder(files)
        knowledge = self._shelf.read(files)
        self.stamp = Stamp(knowledge.content_hash, encoder.model_id if encoder else None)
        self._segmenter = upkeep.segmenter_of(settings, knowledge)
        place = self._shelf.find(self.stamp)
        if place is None:
            place = self._shelf.place(self.stamp)
            snapshot.save(upkeep.make(settings, knowledge, self._segmenter, encoder), place)
        self._made = snapshot.load(place)
        index = HybridIndex(self._made, self._segmenter, encoder)
        reasons = upkeep.reasons_of(settings, self._documents)
        self.desk = Desk(index, reasons, settings.thresholds, hours=settings.office.hours)

    def checks(self) -> tuple[Check, ...]:
        """What the check finds, kept beside the snapshot."""
        from index import lint  # noqa: PLC0415 — whoever only reads what was found has no use for it
        from index.trial import Recall  # noqa: PLC0415

        place = self._shelf.checks(self.stamp)
        found = read_checks(place)
        if found is None:
            encoder = Recall(self._made, self._encoder) if self._encoder else None
            index, written = HybridIndex(self._made, self._segmenter, encoder), lint.read_written(self._documents)
            findings = lint.lint(index, self._made, self.desk.thresholds.answer, written)
            found = tuple(Check(f.severity, f.kind, f.entries, f.texts, f.message) for f in findings)
            write(place, json.dumps([asdict(check) for check in found], ensure_ascii=False).encode())
        return found

    def summary(self, checks: Sequence[Check]) -> str:
        """The findings in a sentence."""
        from index import lint  # noqa: PLC0415

        findings = [lint.Finding(c.severity, c.kind, c.entries, c.texts, c.message) for c in checks]
        return str(lint.summarize(self._made, findings))
