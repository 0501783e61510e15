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


@migrations()
def m006_memory(db: Database) -> None:
    """Keep the visitor's role, the staff member who has taken over, and how far each side has read."""
    db.execute("ALTER TABLE conversation ADD COLUMN audience TEXT")
    db.execute("ALTER TABLE conversation ADD COLUMN owner TEXT")
    for side in ("visitor_read", "staff_read"):
        db.execute(f"ALTER TABLE conversation ADD COLUMN {side} INTEGER NOT NULL DEFAULT 0")
    db.table("conversation").create_index(["updated_at"], "conversation_by_age")


@migrations()
def m007_agent(db: Database) -> None:
    """Keep who of the staff wrote a message, their own id of it, the entry it quotes, and the picture it came with."""
    db.execute("ALTER TABLE message ADD COLUMN agent TEXT CHECK (agent IS NULL OR author = 'agent')")
    db.execute("ALTER TABLE message ADD COLUMN answer TEXT CHECK (answer IS NULL OR author = 'agent')")
    db.execute("ALTER TABLE message ADD COLUMN picture TEXT CHECK (picture IS NULL OR author <> 'bot')")
    db.execute(
        "ALTER TABLE message ADD COLUMN agent_message_id TEXT CHECK (agent_message_id IS NULL OR author = 'agent')"
    )
    db.table("message").create_index(["conversation_id", "agent_message_id"], "message_of_agent_once", unique=True)


@migrations()
def m008_dossier(db: Database) -> None:
    """Keep what a ticket's form collected, who has it, since when, how it was rated, and its history.

    Tickets of before waited from the moment they were opened.
    """
    for column in (
        "system TEXT",
        "fields TEXT NOT NULL DEFAULT '{}'",
        "asked TEXT",
        "tries INTEGER NOT NULL DEFAULT 0",
        "assignee TEXT",
        "waiting_since TEXT",
        "taken_at TEXT",
        "ended_at TEXT",
        "stars INTEGER CHECK (stars BETWEEN 1 AND 5)",
        "comment TEXT",
    ):
        db.execute(f"ALTER TABLE ticket ADD COLUMN {column}")
    db.execute("UPDATE ticket SET waiting_since = opened_at")
    db.execute("UPDATE ticket SET ended_at = updated_at WHERE status IN ('resolved', 'closed')")
    db.table("ticket").create_index(["status", "waiting_since"], "ticket_by_state")
    db.execute("CREATE UNIQUE INDEX ticket_collecting_once ON ticket(conversation_id) WHERE status = 'collecting'")
    db.execute("""
        CREATE TABLE ticket_event (
            id INTEGER PRIMARY KEY,
            ticket INTEGER NOT NULL REFERENCES ticket(number),
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            kind TEXT NOT NULL,
            detail TEXT NOT NULL
        )
    """)
    db.table("ticket_event").create_index(["ticket"], "ticket_event_of_ticket")


@migrations()
def m009_staff(db: Database) -> None:
    """Keep who may act, their logins and other programs' keys; of passwords, tokens and keys only hashes."""
    db.execute("""
        CREATE TABLE staff (
            name TEXT PRIMARY KEY NOT NULL,
            display TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('agent', 'lead', 'admin')),
            active INTEGER NOT NULL,
            password_hash TEXT NOT NULL,
            created_at TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE session (
            hash TEXT PRIMARY KEY NOT NULL,
            staff TEXT NOT NULL REFERENCES staff(name),
            csrf TEXT NOT NULL,
            created_at TEXT NOT NULL,
            seen_at TEXT NOT NULL
        )
    """)
    db.table("session").create_index(["staff"], "session_of_staff")
    db.execute("""
        CREATE TABLE api_key (
            id TEXT PRIMARY KEY NOT NULL,
            label TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('agent', 'lead', 'admin')),
            hash TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,
            used_at TEXT
        )
    """)


@migrations()
def m010_picture(db: Database) -> None:
    """Keep whose picture is whose."""
    db.execute("""
        CREATE TABLE picture (
            id TEXT PRIMARY KEY NOT NULL,
            conversation_id TEXT NOT NULL REFERENCES conversation(id),
            media_type TEXT NOT NULL,
            size INTEGER NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            created_at TEXT NOT NULL
        )
    """)
    db.table("picture").create_index(["conversation_id"], "picture_of_conversation")


@migrations()
def m011_feedback(db: Database) -> None:
    """Keep what visitors thought of answers; the last word on one counts."""
    db.execute("""
        CREATE TABLE feedback (
            message_id TEXT PRIMARY KEY NOT NULL REFERENCES message(id),
            conversation_id TEXT NOT NULL REFERENCES conversation(id),
            helpful INTEGER NOT NULL,
            reason TEXT NOT NULL,
            at TEXT NOT NULL
        )
    """)
    db.table("feedback").create_index(["conversation_id"], "feedback_of_conversation")


@migrations()
def m012_canned(db: Database) -> None:
    """Keep replies that staff have ready."""
    db.execute("""
        CREATE TABLE canned (
            id TEXT PRIMARY KEY NOT NULL,
            title TEXT NOT NULL,
            text TEXT NOT NULL,
            updated_at TEXT NOT NULL
        )
    """)


@migrations()
def m013_notice(db: Database) -> None:
    """Keep what staff have to be told until every target was told, so that a crash forgets nobody."""
    db.execute("""
        CREATE TABLE notice (
            id TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL,
            ticket INTEGER NOT NULL REFERENCES ticket(number),
            label TEXT NOT NULL,
            system TEXT NOT NULL,
            text TEXT NOT NULL,
            at TEXT NOT NULL
        )
    """)


@migrations()
def m014_knowledge(db: Database) -> None:
    """Keep every version of the knowledge base whole, which one is published since when, and the draft of the next.

    Files are kept once, however many versions have them (`tree`: a set of files).
    """
    db.execute("CREATE TABLE knowledge_blob (hash TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL)")
    db.execute("""
        CREATE TABLE knowledge_tree (
            tree TEXT NOT NULL,
            name TEXT NOT NULL,
            blob TEXT NOT NULL REFERENCES knowledge_blob(hash),
            PRIMARY KEY (tree, name)
        )
    """)
    db.table("knowledge_tree").create_index(["blob"], "knowledge_tree_by_blob")
    db.execute("""
        CREATE TABLE knowledge_version (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            author TEXT NOT NULL,
            note TEXT NOT NULL,
            at TEXT NOT NULL,
            tree TEXT NOT NULL,
            content_hash TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE knowledge_event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            author TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('publish', 'rollback', 'export')),
            number INTEGER NOT NULL REFERENCES knowledge_version(number),
            previous INTEGER REFERENCES knowledge_version(number),
            base TEXT NOT NULL,
            note TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE knowledge_change (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            entry_id TEXT NOT NULL,
            text TEXT NOT NULL,
            author TEXT NOT NULL,
            at TEXT NOT NULL,
            tree TEXT NOT NULL,
            UNIQUE (kind, entry_id, text)
        )
    """)


@migrations()
def m015_preference(db: Database) -> None:
    """Keep the settings that staff changed, and who changed what when; of secrets the history holds nothing."""
    db.execute("""
        CREATE TABLE preference (
            name TEXT PRIMARY KEY NOT NULL,
            value TEXT NOT NULL,
            by TEXT NOT NULL,
            at TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE alteration (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            by TEXT NOT NULL,
            subject TEXT NOT NULL,
            before TEXT NOT NULL,
            after TEXT NOT NULL
        )
    """)


@migrations()
def m016_doubt(db: Database) -> None:
    """Keep what the index makes of doubtful questions, and what staff did about which of them.

    Both hang on the visitor's messages, and go with them.
    """
    db.execute("""
        CREATE TABLE doubt_reading (
            message_id TEXT PRIMARY KEY NOT NULL REFERENCES message(id) ON DELETE CASCADE,
            stamp TEXT NOT NULL,
            vector BLOB,
            shares TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE doubt_deed (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('assign', 'topic', 'dismiss')),
            entry_id TEXT NOT NULL,
            texts TEXT NOT NULL,
            author TEXT NOT NULL,
            at TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE doubt_settled (
            message_id TEXT PRIMARY KEY NOT NULL REFERENCES message(id) ON DELETE CASCADE,
            deed INTEGER NOT NULL REFERENCES doubt_deed(id)
        )
    """)
    db.table("doubt_settled").create_index(["deed"], "doubt_settled_by_deed")


@migrations()
def m017_qq(db: Database) -> None:
    """Keep what was heard on QQ until it is answered, and that it came for longer, where a conversation is held there,
    and each piece on its way out. Pieces and chats go with their conversation.

    Of an answered message only its key and time are kept. Messages come in by many ways, and of very many chats few
    have news: a trigger marks them.
    """
    db.execute("""
        CREATE TABLE qq_heard (
            id INTEGER PRIMARY KEY,
            platform TEXT NOT NULL CHECK (platform IN ('qq', 'onebot')),
            self_id TEXT NOT NULL,
            message_id TEXT NOT NULL,
            at TEXT NOT NULL,
            user_id TEXT,
            group_id TEXT CHECK ((group_id IS NULL) = (user_id IS NULL)),
            text TEXT CHECK ((text IS NULL) = (user_id IS NULL)),
            pictures TEXT CHECK ((pictures IS NULL) = (user_id IS NULL)),
            UNIQUE (platform, self_id, message_id)
        )
    """)
    db.execute("CREATE INDEX qq_heard_unanswered ON qq_heard(id) WHERE text IS NOT NULL")
    db.execute("""
        CREATE TABLE qq_chat (
            conversation_id TEXT PRIMARY KEY NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
            platform TEXT NOT NULL CHECK (platform IN ('qq', 'onebot')),
            self_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            group_id TEXT NOT NULL,
            cursor INTEGER NOT NULL CHECK (cursor >= 0),
            message_id TEXT NOT NULL,
            heard_at TEXT NOT NULL,
            replies INTEGER NOT NULL CHECK (replies >= 0),
            behind INTEGER NOT NULL CHECK (behind IN (0, 1)),
            UNIQUE (platform, self_id, user_id, group_id)
        )
    """)
    db.execute("CREATE INDEX qq_chat_behind ON qq_chat(conversation_id) WHERE behind")
    db.execute("""
        CREATE TRIGGER qq_chat_falls_behind AFTER INSERT ON message BEGIN
            UPDATE qq_chat SET behind = 1 WHERE conversation_id = NEW.conversation_id AND NOT behind;
        END
    """)
    db.execute("""
        CREATE TABLE qq_piece (
            conversation_id TEXT NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
            sequence INTEGER NOT NULL CHECK (sequence >= 0),
            number INTEGER NOT NULL CHECK (number >= 0),
            text TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'held', 'sent', 'failed')),
            at TEXT NOT NULL,
            message_id TEXT,
            reply INTEGER CHECK ((reply IS NULL) = (message_id IS NULL) AND reply >= 1),
            platform_id TEXT,
            reason TEXT CHECK (reason IS NOT NULL OR state <> 'failed'),
            PRIMARY KEY (conversation_id, sequence, number)
        )
    """)
    db.execute("CREATE INDEX qq_piece_open ON qq_piece(conversation_id, at) WHERE state IN ('queued', 'sending')")
    db.execute("CREATE INDEX qq_piece_sent ON qq_piece(platform_id) WHERE platform_id IS NOT NULL")
    db.execute("""
        CREATE TABLE qq_group (
            platform TEXT NOT NULL CHECK (platform IN ('qq', 'onebot')),
            self_id TEXT NOT NULL,
            id TEXT NOT NULL,
            system TEXT,
            mode TEXT NOT NULL CHECK (mode IN ('answer', 'quiet', 'off')),
            seen_at TEXT NOT NULL,
            PRIMARY KEY (platform, self_id, id)
        )
    """)


@migrations()
def m018_invitation(db: Database) -> None:
    """Let somebody go on with a conversation elsewhere, by a code of which only a hash is kept."""
    db.execute("""
        CREATE TABLE invitation (
            conversation_id TEXT PRIMARY KEY NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
            code_hash TEXT NOT NULL UNIQUE,
            good_until TEXT NOT NULL
        )
    """)


@migrations()
def m019_qq_opening(db: Database) -> None:
    """Keep several messages of a person's that can be replied to, not the last one alone; let a piece be a picture."""
    db.execute("ALTER TABLE qq_chat ADD COLUMN openings TEXT NOT NULL DEFAULT '[]'")
    db.execute("UPDATE qq_chat SET openings = json_array(json_array(message_id, heard_at, replies))")
    for column in ("message_id", "heard_at", "replies"):
        db.execute(f"ALTER TABLE qq_chat DROP COLUMN {column}")
    db.execute("ALTER TABLE qq_piece ADD COLUMN picture TEXT CHECK (picture IS NULL OR text = '')")


@migrations()
def m020_picture_of_staff(db: Database) -> None:
    """Keep which pictures staff sent, and who."""
    db.execute("ALTER TABLE picture ADD COLUMN staff TEXT")


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
