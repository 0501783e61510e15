"""The index as a file: whole or not at all, the same when read as when written."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake import CATALOG, FakeEncoder, entry, knowledge_of, segmenter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faq.catalog import Audience, Catalog, System
from faq.entry import Document, Entry, Section
from faq.knowledge import KnowledgeBase, read_folder
from index.snapshot import FORMAT, Snapshot, SnapshotError, Stamp, build, load, save, stamp

ROOT = Path(__file__).parent.parent
KNOWLEDGE = knowledge_of(
    entry("a-1", "忘记密码", "点击重置。联系上级", "密码想不起来", audience="企业用户"),
    entry("b-1", "账号锁定"),
    uncovered=["今天天气"],
)

text = st.text(st.characters(codec="utf-8"), max_size=12)
texts = st.lists(text, max_size=3).map(tuple)
documents = st.builds(
    Document,
    text,
    text,
    text,
    st.none() | text,
    texts,
    st.lists(st.builds(Section, text, text), max_size=2).map(tuple),
    st.just(()),
)
systems = st.lists(
    st.builds(
        System,
        text,
        text,
        texts,
        texts,
        st.lists(st.builds(Audience, text, texts), max_size=2).map(tuple),
        st.none() | text,
        st.none() | text,
    ),
    max_size=3,
    unique_by=lambda system: system.key,
).map(tuple)


@st.composite
def knowledge_bases(draw: st.DrawFn) -> KnowledgeBase:
    """Knowledge bases whose documents hold some of the entries, in order, as documents do."""
    entries = draw(
        st.lists(
            st.builds(Entry, text, text, text, text, text, text, texts, st.none() | text),
            max_size=4,
            unique_by=lambda e: e.id,
        )
    )
    found = draw(st.lists(documents, max_size=2))
    homes = [draw(st.integers(-1, len(found) - 1)) for _ in entries]
    whole = tuple(
        replace(document, entries=tuple(e for e, home in zip(entries, homes, strict=True) if home == at))
        for at, document in enumerate(found)
    )
    return KnowledgeBase(
        Catalog(draw(systems), draw(texts)), whole, tuple(entries), draw(texts), draw(text), draw(texts)
    )


def assert_equal(left: Snapshot, right: Snapshot) -> None:
    assert replace(left, vectors=None) == replace(right, vectors=None)
    assert (left.vectors is None) == (right.vectors is None)
    if left.vectors is not None and right.vectors is not None:
        assert left.vectors.dtype == right.vectors.dtype == np.float32
        assert len(left.vectors) == len(right.vectors)
        assert left.vectors.tobytes() == right.vectors.tobytes()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(knowledge=knowledge_bases(), encoder=st.sampled_from([None, FakeEncoder()]))
def test_a_snapshot_comes_back_as_it_was(tmp_path: Path, knowledge: KnowledgeBase, encoder: FakeEncoder | None) -> None:
    """Knowledge base, phrasings, vectors and model, also where there are none of them."""
    made = build(knowledge, segmenter(), encoder)
    assert made.knowledge == knowledge
    save(made, tmp_path / "index.db")
    assert_equal(load(tmp_path / "index.db"), made)
    assert stamp(tmp_path / "index.db") == Stamp(knowledge.content_hash, made.model_id)


def test_documents_hold_the_entries_with_what_was_added_to_them(tmp_path: Path) -> None:
    """The reader's documents may hold bare entries; a snapshot's hold the knowledge base's own."""
    knowledge = read_folder(ROOT / "faq" / "documents")
    save(build(knowledge, segmenter(), None), tmp_path / "index.db")
    read = load(tmp_path / "index.db").knowledge
    assert [e for document in read.documents for e in document.entries] == sorted(
        read.entries, key=lambda e: [document.system for document in read.documents].index(e.system)
    )
    assert replace(read, documents=()) == replace(knowledge, documents=())


def test_every_text_to_compare_with_is_there_in_order() -> None:
    """Title, similar questions and sentences entry by entry, the uncovered topics last; texts of no words too."""
    made = build(KNOWLEDGE, segmenter(), None)
    assert [(p.entry, p.kind, p.text) for p in made.phrasings] == [
        (0, "title", "忘记密码"),
        (0, "similar", "密码想不起来"),
        (0, "answer", "点击重置"),
        (0, "answer", "联系上级"),
        (1, "title", "账号锁定"),
        (-1, "uncovered", "今天天气"),
    ]


def test_only_new_texts_are_encoded() -> None:
    """Publishing a change costs the change; taking everything over costs nothing."""
    before = build(KNOWLEDGE, segmenter(), FakeEncoder({"忘记密码": {0: 1.0}}))
    encoder = FakeEncoder()
    more = knowledge_of(*KNOWLEDGE.entries, entry("a-2", "账号锁定", "新的答案"), uncovered=["今天天气"])
    after = build(more, segmenter(), encoder, previous=before)
    assert encoder.encoded == ["新的答案"]
    assert after.vectors is not None
    assert after.vectors[0, 0] == 1.0
    encoder.encoded.clear()
    assert_equal(build(more, segmenter(), encoder, previous=after), after)
    assert encoder.encoded == []


@pytest.mark.parametrize("previous", [FakeEncoder(model_id="other"), None])
def test_vectors_of_another_model_are_not_taken_over(previous: FakeEncoder | None) -> None:
    """Nor are those of a snapshot without any."""
    encoder = FakeEncoder()
    build(KNOWLEDGE, segmenter(), encoder, previous=build(KNOWLEDGE, segmenter(), previous))
    assert len(encoder.encoded) == 6


def test_progress_counts_the_texts_to_encode() -> None:
    """Each text once, however often it occurs."""
    seen: list[tuple[int, int]] = []
    twice = knowledge_of(entry("a-1", "忘记密码"), entry("a-2", "忘记密码"), entry("a-3", "账号锁定"))
    build(twice, segmenter(), FakeEncoder(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_the_tables_can_be_read_with_plain_sqlite(tmp_path: Path) -> None:
    """An operator needs nothing of this program to see what is in the file."""
    save(build(KNOWLEDGE, segmenter(), FakeEncoder()), tmp_path / "index.db")
    with closing(sqlite3.connect(tmp_path / "index.db")) as db:
        assert db.execute("select id, document, question, similar from entry").fetchall() == [
            ("a-1", 0, "忘记密码", '["密码想不起来"]'),
            ("b-1", 1, "账号锁定", "[]"),
        ]
        assert db.execute("select value from meta where name = 'format'").fetchone() == (FORMAT,)
        assert db.execute(
            "select count(*), min(length(vector)) from phrasing join vector on phrasing = id"
        ).fetchone() == (6, 32)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def saved(path: Path) -> Path:
    save(build(KNOWLEDGE, segmenter(), FakeEncoder()), path)
    return path


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_foreign(path: Path, statement: str) -> None:
    path.unlink()
    execute(path, statement)


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "a folder": become_folder,
    "empty": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_text("你好" * 1000, encoding="utf-8"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-4096]),
    "another program's": lambda path: become_foreign(path, "create table cat (id integer)"),
    "another program's meta": lambda path: become_foreign(path, "create table meta (id integer)"),
    "another format": lambda path: execute(path, "update meta set value = '0' where name = 'format'"),
    "no hash": lambda path: execute(path, "delete from meta where name = 'content_hash'"),
}
DAMAGED: dict[str, Callable[[Path], object]] = {
    "no entries": lambda path: execute(path, "drop table entry"),
    "a vector missing": lambda path: execute(path, "delete from vector where phrasing = 3"),
    "a vector cut short": lambda path: execute(path, "update vector set vector = x'00' where phrasing = 3"),
    "a list that is none": lambda path: execute(path, "update entry set similar = '5'"),
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_what_this_program_cannot_read_has_no_stamp_and_is_refused(tmp_path: Path, how: str) -> None:
    """The message is Chinese and says what to do."""
    path = saved(tmp_path / "index.db")
    UNREADABLE[how](path)
    assert stamp(path) is None
    with pytest.raises(SnapshotError, match=r"请.*生成索引"):
        load(path)


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_refused(tmp_path: Path, how: str) -> None:
    """Also where its stamp can still be read."""
    path = saved(tmp_path / "index.db")
    DAMAGED[how](path)
    with pytest.raises(SnapshotError, match="损坏"):
        load(path)


def test_an_odd_file_name_is_read_all_the_same(tmp_path: Path) -> None:
    """Characters that mean something in a URI or a pattern are ordinary in a file name."""
    path = saved(tmp_path / "目录 [1]%20?x#y" / "索引?[1].db")
    assert load(path).knowledge == KNOWLEDGE
    (path.parent / f"{path.name}.1.part").touch()
    saved(path)
    assert not list(path.parent.glob("*.part"))


def test_a_failed_save_leaves_the_last_one(tmp_path: Path) -> None:
    """Nothing half written stays, neither in its place nor beside it."""
    path = saved(tmp_path / "index.db")
    broken = replace(
        build(KNOWLEDGE, segmenter(), None), knowledge=knowledge_of(*KNOWLEDGE.entries, KNOWLEDGE.entries[0])
    )
    with pytest.raises(sqlite3.IntegrityError):
        save(broken, path)
    assert load(path).knowledge == KNOWLEDGE
    assert sorted(child.name for child in tmp_path.iterdir()) == ["index.db", "index.db.lock"]


SAVE_FOREVER = """
import sys
sys.path[:0] = ["tests", "."]
from pathlib import Path
from fake import FakeEncoder, entry, knowledge_of, segmenter
from index.snapshot import build, save
entries = [entry(f"a-{n}", f"第{n}个问题", "答案" * 20) for n in range(3000)]
made = build(knowledge_of(*entries), segmenter(), FakeEncoder())
print("ready", flush=True)
while True:
    save(made, Path(sys.argv[1]))
"""


def test_a_save_that_is_killed_leaves_a_whole_file_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    """Killed while the new file is half written, the old one is served on; the leftover goes with the next save."""
    path = saved(tmp_path / "index.db")
    process = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOREVER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 30
    while not any(part.stat().st_size for part in tmp_path.glob("*.part")) and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert len(load(path).knowledge.entries) in (2, 3000)
    (tmp_path / "index.db.99999.part").touch()
    (tmp_path / "other.db.99999.part").touch()
    saved(path)
    assert sorted(child.name for child in tmp_path.iterdir()) == ["index.db", "index.db.lock", "other.db.99999.part"]


def test_an_index_in_use_can_be_replaced(tmp_path: Path) -> None:
    """A reader that opened the old file reads it to its end."""
    path = saved(tmp_path / "index.db")
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("select question from entry")
        assert rows.fetchone() == ("忘记密码",)
        save(build(knowledge_of(catalog=CATALOG), segmenter(), None), path)
        assert rows.fetchone() == ("账号锁定",)
    assert load(path).knowledge.entries == ()
