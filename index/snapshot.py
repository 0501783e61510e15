"""The index as one SQLite file: what was read, cut into words and encoded, so that serving starts at once.

A snapshot is written beside its place and renamed into it, so a reader finds the last whole one whatever happens
meanwhile. `stamp` tells without loading it whether a file belongs to these documents, this model and this program. The
tables (see `record`) can be read with any SQLite tool.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from glob import escape
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from faq.knowledge import KnowledgeBase
from faq.text import sentences
from index.encoder import Encoder
from index.record import create_table, pack, read_knowledge, rows, unpack, write_knowledge
from index.segment import Segmenter
from index.variant import canonical

FORMAT = "2"
"""Raised with every change to what a snapshot holds or how its words are cut; another number means building anew."""

Kind = Literal["title", "similar", "answer", "uncovered"]


class SnapshotError(Exception):
    """The file is not a snapshot this program can read; building again replaces it. The message is Chinese."""


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One text that retrieval compares with: a title, a similar question, a sentence of an answer, an uncovered topic.

    `entry` is the entry's position in the knowledge base, −1 for an uncovered topic.
    """

    entry: int
    kind: Kind
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A knowledge base ready for searching; `vectors` has shape (phrasings, dimension), None for keyword search only.

    The phrasings of an entry stand together, its title first, and the entries' in the order of the knowledge base. The
    documents in `knowledge` hold the same entries as the knowledge base itself, with audience and similar questions.
    """

    knowledge: KnowledgeBase
    phrasings: tuple[Phrasing, ...]
    vectors: NDArray[np.float32] | None
    model_id: str | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of what, with which model and by which format a snapshot was made."""

    content_hash: str
    model_id: str | None
    format: str = FORMAT


def build(
    knowledge: KnowledgeBase,
    segmenter: Segmenter,
    encoder: Encoder | None,
    *,
    previous: Snapshot | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Snapshot:
    """Cut and encode a knowledge base; vectors of `previous` made by the same model are used again.

    `progress` is called with the number of texts encoded and the number to encode.
    """
    knowledge = _whole(knowledge)
    phrasings = tuple(
        Phrasing(entry, kind, text, tuple(segmenter.words(canonical(text)))) for entry, kind, text in _texts(knowledge)
    )
    if encoder is None:
        return Snapshot(knowledge, phrasings, None, None)
    known: dict[str, NDArray[np.float32]] = {}
    if previous is not None and previous.vectors is not None and previous.model_id == encoder.model_id:
        known = {p.text: vector for p, vector in zip(previous.phrasings, previous.vectors, strict=True)}
    fresh = [text for text in dict.fromkeys(p.text for p in phrasings) if text not in known]
    if fresh:
        report = None if progress is None else partial(_report, progress, len(fresh))
        known.update(zip(fresh, encoder.encode([canonical(text) for text in fresh], report), strict=True))
    vectors = np.zeros((len(phrasings), encoder.dimension), dtype=np.float32)
    for row, phrasing in enumerate(phrasings):
        vectors[row] = known[phrasing.text]
    return Snapshot(knowledge, phrasings, vectors, encoder.model_id)


def _report(progress: Callable[[int, int], None], total: int, done: int) -> None:
    progress(done, total)


def _whole(knowledge: KnowledgeBase) -> KnowledgeBase:
    """The knowledge base with its own entries in its documents too, where the bare ones from the file may stand."""
    entries = {entry.id: entry for entry in knowledge.entries}
    documents = (
        replace(document, entries=tuple(entries.get(entry.id, entry) for entry in document.entries))
        for document in knowledge.documents
    )
    return replace(knowledge, documents=tuple(documents))


def _texts(knowledge: KnowledgeBase) -> Iterator[tuple[int, Kind, str]]:
    for at, entry in enumerate(knowledge.entries):
        yield at, "title", entry.question
        for similar in entry.similar:
            yield at, "similar", similar
        for sentence in sentences(entry.answer):
            yield at, "answer", sentence
    for topic in knowledge.uncovered:
        yield -1, "uncovered", topic


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the snapshot to `path`, whole or not at all; one process at a time, the last one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        for leftover in path.parent.glob(
            f"{escape(path.name)}.*.part"
        ):  # of killed runs: whoever writes holds the lock
            leftover.unlink()
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with closing(sqlite3.connect(part)) as connection:
                connection.execute("PRAGMA journal_mode = OFF")  # nobody reads the file before it is whole and synced
                connection.execute("PRAGMA synchronous = OFF")
                _write(Database(connection), snapshot)
            _sync(part)
            part.replace(path)
            _sync(path.parent)
        except sqlite3.OperationalError as error:  # the disk is full
            raise SnapshotError(f"索引文件无法写入，请检查磁盘空间：{error}。") from error
        finally:
            part.unlink(missing_ok=True)


def stamp(path: Path) -> Stamp | None:
    """The stamp of the snapshot at `path`; None where there is none that this program can read."""
    try:
        with _reading(path) as (_, meta):
            return Stamp(meta["content_hash"], meta["model_id"] or None)
    except SnapshotError:
        return None


def load(path: Path) -> Snapshot:
    """Read the snapshot at `path`; SnapshotError where there is none, or one of another format."""
    with _reading(path) as (db, meta):
        knowledge = read_knowledge(db, meta)
        phrasings = tuple(
            Phrasing(row["entry"], row["kind"], row["text"], unpack(row["words"])) for row in rows(db, "phrasing")
        )
        model_id = meta["model_id"] or None
        return Snapshot(knowledge, phrasings, _vectors(db, len(phrasings)) if model_id else None, model_id)


def _write(db: Database, snapshot: Snapshot) -> None:
    with db.atomic():
        meta = write_knowledge(db, snapshot.knowledge)
        meta |= {"format": FORMAT, "model_id": snapshot.model_id or ""}
        create_table(db, "meta", ({"name": name, "value": value} for name, value in meta.items()))
        create_table(
            db,
            "phrasing",
            (
                {"id": at, "entry": p.entry, "kind": p.kind, "text": p.text, "words": pack(p.words)}
                for at, p in enumerate(snapshot.phrasings)
            ),
        )
        if snapshot.vectors is not None:
            vectors = enumerate(snapshot.vectors.astype("<f4"))
            create_table(db, "vector", ({"phrasing": at, "vector": vector.tobytes()} for at, vector in vectors))


def _vectors(db: Database, count: int) -> NDArray[np.float32]:
    blobs = [row["vector"] for row in rows(db, "vector")]
    if len(blobs) != count:
        raise ValueError(f"{len(blobs)} vectors for {count} phrasings")
    dimension = len(blobs[0]) // 4 if blobs else 0
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(count, dimension).astype(np.float32, copy=False)


@contextmanager
def _reading(path: Path) -> Iterator[tuple[Database, dict[str, str]]]:
    """The file opened read-only, and its meta table; whatever is wrong with it is a SnapshotError."""
    if not path.is_file():
        raise SnapshotError("还没有索引，请先生成索引（python serve.py build）。")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            db = Database(connection)
            meta = {row["name"]: row["value"] for row in rows(db, "meta")}
            if meta["format"] != FORMAT:
                raise SnapshotError("索引文件由其他版本的程序生成，请重新生成索引（python serve.py build）。")
            yield db, meta
    except (sqlite3.Error, KeyError, ValueError, TypeError) as error:
        raise SnapshotError(f"索引文件已损坏，请重新生成索引（python serve.py build）。{error}") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`; the system lets go of it when the process ends, however it ends."""
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
