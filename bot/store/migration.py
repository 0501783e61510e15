"""The database's shape, told as its history: one numbered step after another.

A released step is never changed; what it got wrong, a later step puts right. Times are ISO 8601 text in UTC with
microseconds, which sorts as it should.
"""

from __future__ import annotations

from contextlib import closing

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from bot.store.base import StoreError

migrations = Migrations("bot")


@migrations()
def m001_conversation(db: Database) -> None:
    """Keep who talks with us, and which of the visitor's messages began it."""
    db.execute("""
        CREATE TABLE conversation (
            id TEXT PRIMARY KEY NOT NULL,
            channel TEXT NOT NULL,
            system TEXT,
            opened_by TEXT UNIQUE,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        )
    """)


@migrations()
def m002_message(db: Database) -> None:
    """Keep what was said, in order; a message is replied to once."""
    db.execute("""
        CREATE TABLE message (
            id TEXT PRIMARY KEY NOT NULL,
            conversation_id TEXT NOT NULL REFERENCES conversation(id),
            sequence INTEGER NOT NULL CHECK (sequence >= 1),
            author TEXT NOT NULL CHECK (author IN ('visitor', 'bot', 'agent')),
            text TEXT NOT NULL,
            created_at TEXT NOT NULL,
            client_message_id TEXT CHECK (client_message_id IS NULL OR author = 'visitor'),
            reply TEXT CHECK (reply IS NULL OR author = 'bot'),
            in_reply_to TEXT REFERENCES message(id),
            UNIQUE (conversation_id, sequence),
            UNIQUE (conversation_id, client_message_id)
        )
    """)
    db.table("message").create_index(["in_reply_to"], "message_replied_once", unique=True)


@migrations()
def m003_ticket(db: Database) -> None:
    """Keep what a person has to do, under numbers that can be said on the phone and are never given twice."""
    db.execute("""
        CREATE TABLE ticket (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation_id TEXT NOT NULL REFERENCES conversation(id),
            reason TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('offered', 'collecting', 'waiting', 'assigned', 'resolved', 'closed')),
            opened_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        )
    """)
    db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('ticket', 1000)")
    db.table("ticket").create_index(["conversation_id"], "ticket_of_conversation")
    db.execute("""
        CREATE UNIQUE INDEX ticket_open_once ON ticket(conversation_id, reason)
        WHERE status NOT IN ('resolved', 'closed')
    """)


@migrations()
def m004_secret(db: Database) -> None:
    """Keep the keys that conversation tokens are signed with, so that a restart does not void them."""
    db.execute("CREATE TABLE secret (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL CHECK (length(value) = 32))")


@migrations()
def m005_readiness(db: Database) -> None:
    """Keep one row that a readiness check writes, for only writing shows that the disk is not full."""
    db.table("readiness").create({"id": int, "checked_at": str}, pk="id", not_null={"checked_at"})


def migrate(db: Database) -> None:
    """Bring the database up to date in one transaction; of several processes that start together, one does it.

    Raises StoreError, before anything is changed, for a database that is not ours or that a newer version has changed.
    """
    with db.atomic():
        _inspect(db)
    db.enable_wal()
    if db.journal_mode != "wal":
        raise StoreError("所在的文件系统不支持 WAL，请改用本机磁盘")
    db.execute("BEGIN IMMEDIATE")
    try:
        _inspect(db)  # again, for another process may have come first
        migrations.apply(db)
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def _inspect(db: Database) -> None:
    applied = {step.name for step in migrations.applied(db)}
    if not applied and db.table_names():
        raise StoreError("属于其他程序，未作任何改动，请检查数据目录的设置")
    with closing(Database(memory=True, execute_plugins=False)) as empty:
        known = {step.name for step in migrations.pending(empty)}
    if unknown := sorted(applied - known):
        raise StoreError(f"由更新版本的程序写入（{'、'.join(unknown)}），请先升级本程序")
