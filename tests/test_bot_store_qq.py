"""What the store keeps for QQ: that a message came, where a conversation is held, what is on its way, which groups."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlite_utils import Database
from stored import NOW, begin

from bot.qq.model import Address, Chat, Group, Heard, Opening, Piece
from bot.store.base import ConstraintError, Transaction
from bot.store.migration import migrations
from bot.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[1]
ALONE = Address("qq", "bot", "user")
TOGETHER = Address("qq", "bot", "member", "group")
HEARD = Heard(TOGETHER, "m1", "账号被锁了\n😀", ("https://a.example/1", "https://a.example/2"), NOW)
CHAT = Chat("c", ALONE, 0, (Opening("m1", NOW),))
PIECE = Piece("c", 2, 0, "您好", "queued", NOW)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store with two conversations, "c" and "d"."""
    with closing(SqliteStore(path)) as store:
        store.write(begin("c"))
        store.write(begin("d"))
        yield store


def speak(store: SqliteStore, name: str = "c", *, hours: int = 0) -> None:
    store.write(lambda t: t.add_message(name, "bot", "您好", now=NOW + timedelta(hours=hours)))


def behind(store: SqliteStore, limit: int = 100) -> list[str]:
    return [chat.conversation_id for chat in store.read(lambda t: t.chats_behind(limit))]


def dump(store: SqliteStore, table: str) -> list[dict[str, Any]]:
    def work(t: Any) -> list[dict[str, Any]]:
        return list(t._db.table(table).rows)

    return store.read(work)


# Heard


def test_a_message_is_kept_whole_until_it_is_answered(store: SqliteStore) -> None:
    """Words, pictures, where and when: in the order in which they came, not by their times."""
    early = Heard(ALONE, "m0", "", (), NOW - timedelta(hours=1))
    assert store.write(lambda t: t.add_heard(HEARD))
    assert store.write(lambda t: t.add_heard(early))
    assert store.read(lambda t: t.unanswered()) == [HEARD, early]
    store.write(lambda t: t.end_heard(HEARD))
    assert store.read(lambda t: t.unanswered()) == [early]


def test_a_message_that_comes_again_is_not_added(store: SqliteStore) -> None:
    """Neither before it is answered nor after, whatever else it says; the first one stays."""
    assert store.write(lambda t: t.add_heard(HEARD))
    again = replace(HEARD, text="x", pictures=(), address=replace(TOGETHER, user="other", group=None))
    assert not store.write(lambda t: t.add_heard(again))
    assert store.read(lambda t: t.unanswered()) == [HEARD]
    store.write(lambda t: t.end_heard(HEARD))
    assert not store.write(lambda t: t.add_heard(again))
    assert store.read(lambda t: t.unanswered()) == []


def test_the_same_id_is_another_message_elsewhere(store: SqliteStore) -> None:
    """Another platform and another bot number theirs as they like."""
    for address in (TOGETHER, replace(TOGETHER, platform="onebot"), replace(TOGETHER, self_id="bot2")):
        heard = replace(HEARD, address=address)
        assert store.write(lambda t, heard=heard: t.add_heard(heard))
    assert len(store.read(lambda t: t.unanswered())) == 3


def test_of_an_answered_message_nothing_personal_is_kept(store: SqliteStore) -> None:
    """Only that it came, and when."""
    store.write(lambda t: t.add_heard(HEARD))
    store.write(lambda t: t.end_heard(HEARD))
    [row] = dump(store, "qq_heard")
    kept = {column: value for column, value in row.items() if value is not None and column != "id"}
    assert kept == {"platform": "qq", "self_id": "bot", "message_id": "m1", "at": NOW.isoformat()}


def test_a_message_that_cannot_be_kept_is_no_repeated_one(store: SqliteStore) -> None:
    """What breaks a rule of the table is an error, not silently taken for one that came before."""
    wrong = replace(HEARD, address=replace(TOGETHER, platform="icq"))  # type: ignore[arg-type]
    with pytest.raises(ConstraintError, match="CHECK"):
        store.write(lambda t: t.add_heard(wrong))


def test_old_messages_are_forgotten_once_they_are_answered(store: SqliteStore) -> None:
    """After that they would be new again; what is not answered stays, however old."""
    heard = [replace(HEARD, message_id=str(hours), at=NOW + timedelta(hours=hours)) for hours in range(3)]
    for one in heard:
        store.write(lambda t, one=one: t.add_heard(one))
    for one in heard[1:]:
        store.write(lambda t, one=one: t.end_heard(one))
    store.write(lambda t: t.forget_heard(NOW + timedelta(hours=2)))
    assert store.read(lambda t: t.unanswered()) == heard[:1]
    assert [store.write(lambda t, one=one: t.add_heard(one)) for one in heard] == [False, True, False]


def test_of_many_who_add_the_same_message_at_once_one_does(store: SqliteStore) -> None:
    """Each message is new to exactly one thread, whoever comes first."""
    threads, messages = 8, 25
    start = Barrier(threads)

    def add(_: int) -> list[bool]:
        start.wait(10)
        heard = [replace(HEARD, message_id=str(number)) for number in range(messages)]
        return [store.write(lambda t, one=one: t.add_heard(one)) for one in heard]

    with ThreadPoolExecutor(threads) as pool:
        added = list(pool.map(add, range(threads)))
    assert [sum(column) for column in zip(*added, strict=True)] == [1] * messages


ADDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bot.qq.model import Address, Heard
from bot.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    heard = Heard(Address("qq", "bot", "user"), str(number), "x", (), datetime.now(UTC))
    print(int(store.write(lambda t: t.add_heard(heard))))
store.close()
"""


def test_of_two_processes_that_add_the_same_message_one_does(path: Path, store: SqliteStore) -> None:
    """The database decides, not the process."""
    store.close()
    arguments = [sys.executable, "-c", ADDER, str(path)]
    processes = [
        subprocess.Popen(arguments, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        first, second = (process.communicate(timeout=60)[0].split() for process in processes)
    finally:
        for process in processes:
            process.kill()
    assert [{one, other} for one, other in zip(first, second, strict=True)] == [{"0", "1"}] * 100


# Chats


def test_a_chat_is_found_by_its_conversation_and_its_address(store: SqliteStore) -> None:
    """As it was put last; a person in a group and in private are two."""
    other = Chat("d", TOGETHER, 0, (Opening("m1", NOW), Opening("m2", LATER, 3)))
    store.write(lambda t: t.put_chat(CHAT))
    store.write(lambda t: t.put_chat(other))
    assert store.read(lambda t: [t.chat("c"), t.chat("d"), t.chat("e")]) == [CHAT, other, None]
    assert store.read(lambda t: [t.chat_at(ALONE), t.chat_at(TOGETHER)]) == [CHAT, other]
    for stranger in (replace(TOGETHER, group=None), replace(ALONE, group="group"), replace(ALONE, platform="onebot")):
        assert store.read(lambda t, stranger=stranger: t.chat_at(stranger)) is None
    changed = Chat("c", replace(ALONE, user="moved"), 7, (Opening("m3", LATER, 5),))
    store.write(lambda t: t.put_chat(changed))
    assert store.read(lambda t: [t.chat("c"), t.chat_at(ALONE)]) == [changed, None]


@pytest.mark.parametrize("address", [ALONE, TOGETHER])
def test_two_conversations_cannot_have_one_address(store: SqliteStore, address: Address) -> None:
    """In private and in a group; the first one stays as it is."""
    chat = replace(CHAT, address=address)
    store.write(lambda t: t.put_chat(chat))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.put_chat(replace(chat, conversation_id="d")))
    assert store.read(lambda t: [t.chat("c"), t.chat("d")]) == [chat, None]


def test_a_chat_belongs_to_a_conversation(store: SqliteStore) -> None:
    """One that does not exist cannot be held anywhere."""
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.put_chat(replace(CHAT, conversation_id="nobody")))


def test_a_chat_that_makes_no_sense_is_refused(store: SqliteStore) -> None:
    """The table knows what cannot be."""
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.put_chat(replace(CHAT, cursor=-1)))


# Behind


def test_a_chat_is_behind_while_messages_are_above_its_cursor(store: SqliteStore) -> None:
    """Whoever wrote them, and whether they or the chat came first."""
    speak(store)
    assert behind(store) == []
    store.write(lambda t: t.put_chat(CHAT))
    assert behind(store) == ["c"]
    store.write(lambda t: t.put_chat(replace(CHAT, cursor=1)))
    assert behind(store) == []
    store.write(lambda t: t.add_message("c", "visitor", "在吗", now=NOW))
    assert behind(store) == ["c"]
    store.write(lambda t: t.put_chat(replace(CHAT, cursor=1, openings=())))
    assert behind(store) == ["c"]
    store.write(lambda t: t.put_chat(replace(CHAT, cursor=2)))
    assert behind(store) == []


def test_a_chat_is_behind_while_pieces_are_under_way(store: SqliteStore) -> None:
    """Held, sent and failed ones are not."""
    store.write(lambda t: t.put_chat(CHAT))
    store.write(lambda t: t.add_pieces([PIECE]))
    found = {}
    for state in ("queued", "sending", "held", "sent", "failed"):
        piece = replace(PIECE, state=state, reason="r" if state == "failed" else None)
        store.write(lambda t, piece=piece: t.put_piece(piece))
        found[state] = bool(behind(store))
    assert found == {"queued": True, "sending": True, "held": False, "sent": False, "failed": False}


def test_those_that_wait_longest_come_first(store: SqliteStore) -> None:
    """By the oldest of their messages and pieces that are not delivered, each chat once, at most as many as asked."""
    for number, name in enumerate(["e", "f"]):
        store.write(begin(name))
        chat = Chat(name, replace(ALONE, user=str(number)), 0, ())
        store.write(lambda t, chat=chat: t.put_chat(chat))
    store.write(lambda t: t.put_chat(CHAT))
    store.write(lambda t: t.put_chat(Chat("d", TOGETHER, 1, ())))
    speak(store, "d", hours=0)  # below the cursor
    speak(store, "d", hours=5)
    for hours in (3, 4):
        speak(store, "e", hours=hours)
    speak(store, "c", hours=6)
    store.write(lambda t: t.add_pieces([replace(PIECE, state="sending", at=NOW + timedelta(hours=2))]))
    assert behind(store) == ["c", "e", "d"]
    assert behind(store, 2) == ["c", "e"]


def test_looking_for_chats_behind_does_not_look_at_all_of_them(store: SqliteStore) -> None:
    """Every table is searched by an index that holds only what is under way, or what that led to."""

    def plan(t: Any) -> list[str]:
        seen: list[str] = []
        original = t._db.query
        t._db.query = lambda sql, parameters: seen.append(sql) or original(sql, parameters)
        t.chats_behind(5)
        t._db.query = original
        return [row["detail"] for row in t._db.query(f"EXPLAIN QUERY PLAN {seen[0]}", (5,))]

    tables = [line for line in store.read(plan) if "qq_" in line or "message" in line]
    scans = [line for line in tables if line.startswith("SCAN")]
    assert all("qq_chat_behind" in line or "qq_piece_open" in line for line in scans), tables
    assert len(scans) == 2
    assert len(tables) == 4


# Pieces


def test_pieces_come_back_in_order_and_as_they_were_put(store: SqliteStore) -> None:
    """By message and number, those in the states asked for."""
    held = replace(PIECE, number=1, text="二", state="held")
    word = Piece("c", 0, 0, "图片太大", "queued", LATER)
    late = Piece("c", 10, 0, "三", "queued", LATER, "m1", 2, "p", "r")
    store.write(lambda t: t.add_pieces([late, held, PIECE, word]))
    assert store.read(lambda t: t.pieces("c")) == [word, PIECE, held, late]
    assert store.read(lambda t: t.pieces("c", ["held"])) == [held]
    assert store.read(lambda t: t.pieces("c", ["queued", "sent"])) == [word, PIECE, late]
    assert store.read(lambda t: t.pieces("d")) == []
    sent = Piece("c", 2, 0, "您好", "failed", LATER, "m1", 1, "p1", "平台拒收")
    store.write(lambda t: t.put_piece(sent))
    assert store.read(lambda t: t.pieces("c")) == [word, sent, held, late]


def test_a_piece_is_added_once(store: SqliteStore) -> None:
    """And all that are added with it, or none."""
    store.write(lambda t: t.add_pieces([PIECE]))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_pieces([replace(PIECE, sequence=3), PIECE]))
    assert store.read(lambda t: t.pieces("c")) == [PIECE]


@pytest.mark.parametrize(
    "wrong",
    [
        {"conversation_id": "nobody"},
        {"sequence": -1},
        {"number": -1},
        {"state": "lost"},
        {"state": "failed"},  # without a reason
        {"message_id": "m"},  # but which reply?
        {"reply": 1},  # to what?
        {"message_id": "m", "reply": 0},
    ],
)
def test_a_piece_that_makes_no_sense_is_refused(store: SqliteStore, wrong: dict[str, Any]) -> None:
    """The table knows what cannot be."""
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.add_pieces([replace(PIECE, **wrong)]))


def test_what_became_of_a_deleted_piece_is_not_kept(store: SqliteStore) -> None:
    """It went with its conversation while it was under way, and that is no error."""
    store.write(lambda t: t.put_piece(PIECE))
    assert store.read(lambda t: t.pieces("c")) == []


def test_our_own_pieces_are_known_where_they_were_sent(store: SqliteStore) -> None:
    """To that person in private, to anybody in that group, and nowhere else."""
    store.write(lambda t: t.put_chat(CHAT))
    store.write(lambda t: t.put_chat(replace(CHAT, conversation_id="d", address=TOGETHER)))
    store.write(lambda t: t.add_pieces([replace(PIECE, platform_id="p"), replace(PIECE, number=1)]))
    store.write(lambda t: t.add_pieces([replace(PIECE, conversation_id="d", platform_id="q")]))

    def ours(address: Address, platform_id: str) -> bool:
        return store.read(lambda t: t.is_ours(address, platform_id))

    assert ours(ALONE, "p")
    assert ours(TOGETHER, "q")
    assert ours(replace(TOGETHER, user="another"), "q")
    assert not ours(ALONE, "q")
    assert not ours(TOGETHER, "p")
    assert not ours(replace(ALONE, user="another"), "p")
    assert not ours(replace(TOGETHER, group="other"), "q")
    assert not ours(replace(ALONE, platform="onebot"), "p")
    assert not ours(replace(ALONE, self_id="bot2"), "p")


def test_chat_and_pieces_go_with_their_conversation(store: SqliteStore) -> None:
    """For good; others' stay."""
    other = replace(CHAT, conversation_id="d", address=TOGETHER)
    for chat in (CHAT, other):
        store.write(lambda t, chat=chat: t.put_chat(chat))
        speak(store, chat.conversation_id)
        store.write(lambda t, chat=chat: t.add_pieces([replace(PIECE, conversation_id=chat.conversation_id)]))
    assert store.write(lambda t: t.delete_conversation("c"))
    assert [row["conversation_id"] for row in dump(store, "qq_chat") + dump(store, "qq_piece")] == ["d", "d"]
    assert behind(store) == ["d"]
    store.write(begin("c"))
    store.write(lambda t: t.put_chat(CHAT))  # the address is free again


# Groups


def test_a_new_group_is_about_nothing_and_answered(store: SqliteStore) -> None:
    """Seeing it again changes only when that was."""
    first = store.write(lambda t: t.see_group("qq", "bot", "g", NOW))
    assert first == Group("qq", "bot", "g", None, "answer", NOW)
    assert store.write(lambda t: t.set_group("qq", "bot", "g", "zyb", "quiet"))
    again = store.write(lambda t: t.see_group("qq", "bot", "g", LATER))
    assert again == Group("qq", "bot", "g", "zyb", "quiet", LATER)
    assert store.read(lambda t: t.group("qq", "bot", "g")) == again


def test_the_group_seen_last_comes_first(store: SqliteStore) -> None:
    """A group of another bot or platform is another group."""
    for hours, (platform, self_id) in enumerate([("qq", "bot"), ("onebot", "bot"), ("qq", "bot2")]):
        store.write(
            lambda t, p=platform, s=self_id, h=hours: t.see_group(p, s, "g", NOW + timedelta(hours=h))  # type: ignore[arg-type]
        )
    found = store.read(lambda t: t.groups())
    assert [(group.platform, group.self_id) for group in found] == [("qq", "bot2"), ("onebot", "bot"), ("qq", "bot")]


def test_a_group_that_is_not_known_cannot_be_set(store: SqliteStore) -> None:
    """Nor found; and how the bot behaves there is one of three ways."""
    assert not store.write(lambda t: t.set_group("qq", "bot", "g", None, "off"))
    assert store.read(lambda t: t.group("qq", "bot", "g")) is None
    store.write(lambda t: t.see_group("qq", "bot", "g", NOW))
    with pytest.raises(ConstraintError):
        store.write(lambda t: t.set_group("qq", "bot", "g", None, "loud"))  # type: ignore[arg-type]


# The step


def test_a_database_of_before_gets_its_tables_and_keeps_its_words(path: Path) -> None:
    """Its conversations can be held on QQ from then on, and what was said in them before is known to be above."""
    at = NOW.isoformat()
    with closing(Database(path)) as db:
        migrations.apply(db, stop_before="m017_qq")
        db.enable_wal()
        db.execute("INSERT INTO conversation (id, channel, created_at, updated_at) VALUES ('c', 'web', ?, ?)", (at, at))
        db.execute(
            "INSERT INTO message (id, conversation_id, sequence, author, text, created_at)"
            " VALUES ('1', 'c', 1, 'bot', 'x', ?)",
            (at,),
        )
        db.conn.commit()
    with closing(SqliteStore(path)) as store:
        assert [message.text for message in store.read(lambda t: t.messages("c"))] == ["x"]
        store.write(lambda t: t.put_chat(CHAT))
        assert behind(store) == ["c"]
        assert store.write(lambda t: t.add_message("c", "visitor", "y", now=NOW)).sequence == 2


def test_a_database_with_chats_of_before_keeps_what_can_be_replied_to(path: Path) -> None:
    """The one message that was known, with its count; what goes out may be a picture from then on."""
    with closing(Database(path)) as db:
        migrations.apply(db, stop_before="m019_qq_opening")
        db.enable_wal()
        at = NOW.isoformat()
        db.execute("INSERT INTO conversation (id, channel, created_at, updated_at) VALUES ('c', 'qq', ?, ?)", (at, at))
        db.execute(
            "INSERT INTO qq_chat (conversation_id, platform, self_id, user_id, group_id, cursor, message_id, heard_at,"
            " replies, behind) VALUES ('c', 'qq', 'bot', 'user', '', 2, 'm1', ?, 3, 0)",
            (at,),
        )
        db.conn.commit()
    with closing(SqliteStore(path)) as store:
        address = Address("qq", "bot", "user")
        assert store.read(lambda t: t.chat("c")) == Chat("c", address, 2, (Opening("m1", NOW, 3),))
        picture = replace(PIECE, text="", picture="p")
        store.write(lambda t: t.add_pieces([picture]))
        assert store.read(lambda t: t.pieces("c")) == [picture]


def test_a_work_that_fails_leaves_nothing_of_qq(store: SqliteStore) -> None:
    """A group that was seen, a message heard and a chat put in one work go together."""

    def work(t: Transaction) -> None:
        t.see_group("qq", "bot", "g", NOW)
        t.add_heard(HEARD)
        t.put_chat(CHAT)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write(work)
    assert [dump(store, table) for table in ("qq_group", "qq_heard", "qq_chat")] == [[], [], []]
