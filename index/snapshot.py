"""The index as one SQLite file: what was read, cut into words and encoded, so that serving starts at once.

A snapshot is written beside its place and renamed into it, so a reader finds the last whole one whatever happens
meanwhile. `stamp` tells without loading it whether a file belongs to these documents, this model and this program. The
tables (see `record`) can be read with any SQLite tool.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from faq.knowledge import KnowledgeBase
from index.record import create_table, pack, read_knowledge, rows, unpack, write_knowledge
from index.spelling import Lexicon

FORMAT = "6"
"""Raised with every change to what a snapshot holds or how its words are cut; another number means building anew."""

Kind = Literal["title", "similar", "answer", "uncovered"]


class SnapshotError(Exception):
    """The file is not a snapshot this program can read; building again replaces it. The message is Chinese."""


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One text that retrieval compares with: a title, a similar question, a sentence of an answer, an uncovered topic.

    `entry` is the entry's position in the knowledge base, −1 for an uncovered topic; `form` is the text as it is
    compared: canonical, its words spelled right.
    """

    entry: int
    kind: Kind
    text: str
    form: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A knowledge base ready for searching; `vectors` has shape (phrasings, dimension), None for keyword search only.

    The phrasings of an entry stand together, its title first, and the entries' in the order of the knowledge base. The
    documents in `knowledge` hold the same entries as the knowledge base itself, with audience and similar questions.
    `head` is the classifier's weights, shape (entries + 1, landmarks) (see `head`), `tuning` the scale of probabilities
    (see `calibrate`).
    """

    knowledge: KnowledgeBase
    phrasings: tuple[Phrasing, ...]
    lexicon: Lexicon
    vectors: NDArray[np.float32] | None
    model_id: str | None
    head: NDArray[np.float32] | None
    tuning: tuple[float, float] = (1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of what, with which model and by which format a snapshot was made."""

    content_hash: str
    model_id: str | None
    format: str = FORMAT


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
            Phrasing(row["entry"], row["kind"], row["text"], row["form"], unpack(row["words"]))
            for row in rows(db, "phrasing")
        )
        words = {row["word"]: bool(row["own"]) for row in rows(db, "word")}
        model_id = meta["model_id"] or None
        vectors = _matrix(db, "vector", len(phrasings)) if model_id else None
        head = _matrix(db, "head", len(knowledge.entries) + 1)
        sharpness, start = map(float, unpack(meta["tuning"]))
        return Snapshot(knowledge, phrasings, words, vectors, model_id, head, (sharpness, start))


def _write(db: Database, snapshot: Snapshot) -> None:
    with db.atomic():
        meta = write_knowledge(db, snapshot.knowledge)
        meta |= {"format": FORMAT, "model_id": snapshot.model_id or "", "tuning": pack(snapshot.tuning)}
        create_table(db, "meta", ({"name": name, "value": value} for name, value in meta.items()))
        create_table(
            db,
            "phrasing",
            (
                {"id": at, "entry": p.entry, "kind": p.kind, "text": p.text, "form": p.form, "words": pack(p.words)}
                for at, p in enumerate(snapshot.phrasings)
            ),
        )
        create_table(db, "word", ({"word": word, "own": own} for word, own in snapshot.lexicon.items()))
        for name, matrix in (("vector", snapshot.vectors), ("head", snapshot.head)):
            if matrix is not None:
                lines = enumerate(matrix.astype("<f4"))
                create_table(db, name, ({"row": at, "weights": line.tobytes()} for at, line in lines))


def _matrix(db: Database, name: str, count: int) -> NDArray[np.float32]:
    blobs = [row["weights"] for row in rows(db, name)]
    if len(blobs) != count:
        raise ValueError(f"{len(blobs)} rows of {name} for {count}")
    width = len(blobs[0]) // 4 if blobs else 0
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(count, width).astype(np.float32, copy=False)


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
    except (sqlite3.Error, KeyError, ValueError, TypeError, AttributeError) as error:
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
