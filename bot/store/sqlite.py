"""The store in one SQLite file, through sqlite-utils.

One thread owns the only connection that writes. Works that wait while the disk is busy with a commit are committed
together in the next, each in a savepoint of its own, so that they share the price of `synchronous=FULL`, one fsync a
commit. Readers have connections that cannot write, and do not wait for writers. Several processes may share the file:
SQLite's lock puts their commits in order. Not for network file systems, where WAL does not work.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock, Thread, current_thread
from typing import Any, Literal, TypeVar

from sqlite_utils import Database

from bot.store.base import ConstraintError, StoreError, Transaction
from bot.store.migration import migrate
from bot.store.transaction import SqliteTransaction

T = TypeVar("T")

BATCH = 64  # works in one commit; more would save little and keep the first one waiting
READERS = 8  # at once; each keeps up to 2 MB of pages, and more would only share the same processor

_CAUSES = {
    sqlite3.SQLITE_BUSY: "正被其他程序占用",
    sqlite3.SQLITE_CANTOPEN: "无法打开，请检查目录和权限",
    sqlite3.SQLITE_CORRUPT: "文件已损坏，请用备份恢复",
    sqlite3.SQLITE_FULL: "磁盘已满",
    sqlite3.SQLITE_IOERR: "磁盘读写出错",
    sqlite3.SQLITE_NOTADB: "文件不是数据库，或已损坏",
    sqlite3.SQLITE_READONLY: "不可写入",
}


@dataclass(slots=True)
class _Order:
    """A work on its way through the writer, and what becomes of it."""

    work: Callable[[SqliteTransaction], Any]
    done: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class SqliteStore:
    """Keeps conversations in the SQLite file at `path`, which is made where it is missing, for this user only.

    `patience` is how many seconds another process may hold the database before a work fails. Raises StoreError for a
    file that is damaged, not ours, not writable, or changed by a newer version of the program.
    """

    def __init__(self, path: Path, *, patience: float = 5.0) -> None:
        self._path = path.absolute()
        self._patience = patience
        try:
            self._db = self._open()
        except (sqlite3.Error, OSError, StoreError) as error:
            raise self._explain(error) from error
        self._file = self._identity()
        self._idle: list[Database] = []
        self._reading = BoundedSemaphore(READERS)
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._closed = False
        self._lock = Lock()  # once _closed is set under it, nothing more is ordered, and no idle reader kept
        self._writer = Thread(target=self._write_until_closed, name="store-writer", daemon=True)
        self._writer.start()

    def read(self, work: Callable[[Transaction], T]) -> T:
        """See `Store`."""
        try:
            with self._reader() as db:
                db.execute("BEGIN")
                try:
                    return work(SqliteTransaction(db))
                finally:
                    db.rollback()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def write(self, work: Callable[[Transaction], T]) -> T:
        """See `Store`."""
        return self._submit(work).result()

    def check(self) -> None:
        """See `Store`. Also notices a file that was deleted or replaced under the running program."""
        if self._identity() != self._file:
            raise StoreError(f"数据库 {self._path}：文件已被删除或替换，请重新启动程序")
        self._submit(SqliteTransaction.mark_ready).result()

    def scrub(self) -> None:
        """See `Store`. Empties the write-ahead log, which still has what was deleted."""
        try:
            db = self._connect("rw")
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                db.close()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def close(self) -> None:
        """See `Store`."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._orders.put(None)
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()
        self._writer.join()

    def _submit(self, work: Callable[[SqliteTransaction], T]) -> Future[T]:
        if current_thread() is self._writer:
            raise RuntimeError("a work may not write through the store: it would wait for itself")
        order = _Order(work)
        with self._lock:
            self._refuse_if_closed()
            self._orders.put(order)
        return order.done

    def _write_until_closed(self) -> None:
        closed = False
        while not closed:
            waiting = [self._orders.get()]
            with suppress(Empty):
                while len(waiting) < BATCH:
                    waiting.append(self._orders.get_nowait())
            closed = None in waiting  # always the last, for nothing is ordered after it
            if orders := [order for order in waiting if order is not None]:
                self._commit(orders)
        with suppress(sqlite3.Error):
            self._db.close()

    def _commit(self, orders: list[_Order]) -> None:
        """Run the works in one transaction, and wake their callers when it is on disk, or lost for all of them."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for order in orders:
                self._run(order)
            self._db.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._db.rollback()
            for order in orders:
                order.error = self._explain(error)
        for order in orders:
            if order.error is None:
                order.done.set_result(order.result)
            else:
                order.done.set_exception(order.error)

    def _run(self, order: _Order) -> None:
        try:
            with self._db.atomic():
                order.result = order.work(SqliteTransaction(self._db))
        except BaseException as error:
            if not self._db.conn.in_transaction:  # a full or failing disk: SQLite gave up the others' works as well
                raise
            order.error = self._explain(error) if isinstance(error, sqlite3.Error) else error

    @contextmanager
    def _reader(self) -> Iterator[Database]:
        """Lend a read-only connection: as many are made as ever were needed at once, at most READERS."""
        with self._reading:
            with self._lock:
                self._refuse_if_closed()
                idle = self._idle.pop() if self._idle else None
            db = idle or self._connect("ro")
            try:
                yield db
            finally:
                with self._lock:
                    kept = not self._closed
                    if kept:
                        self._idle.append(db)
                if not kept:
                    db.close()

    def _open(self) -> Database:
        """Return the writing connection to a database that is ours and up to date."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only a file that is certainly new may be opened and closed here: closing any descriptor of a database drops
        # the locks that this process's connections hold on it.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL, 0o600))
        db = self._connect("rw")
        try:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")  # what visitors had deleted must not stay in free pages
            self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _migrate(self, db: Database) -> None:
        """Migrate, and again where SQLite fails at once in place of waiting: while another process turns WAL on."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return migrate(db)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    def _connect(self, mode: Literal["rw", "ro"]) -> Database:
        """Connect with transactions left to us. A connection changes threads, but is never used by two at once."""
        conn = sqlite3.connect(
            f"{self._path.as_uri()}?mode={mode}",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            db = Database(conn, execute_plugins=False)
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA cache_size = -512")  # KiB; the system caches the file as well
        except BaseException:
            conn.close()
            raise
        return db

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError(f"数据库 {self._path}：已关闭")

    def _explain(self, error: BaseException) -> StoreError:
        """Return the error as callers see it, its cause in the operator's language."""
        kind = ConstraintError if isinstance(error, sqlite3.IntegrityError) else StoreError
        cause = _CAUSES.get(_code(error))
        explained = kind(f"数据库 {self._path}：{f'{cause}（{error}）' if cause else error}")
        explained.__cause__ = error
        return explained


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code, without the extension in the higher bits; 0 where there is none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
