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
import shipped
from fake import CATALOG, FakeEncoder, entry, knowledge_of, segmenter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faq.catalog import Audience, Catalog, System
from faq.entry import Document, Entry, Section
from faq.knowledge import KnowledgeBase
from index.build import build
from index.hybrid import HybridIndex
from index.snapshot import FORMAT, Snapshot, SnapshotError, Stamp, load, save, stamp

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
synonyms = st.dictionaries(text, texts, max_size=3)
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
        Catalog(draw(systems), draw(texts), draw(texts), draw(synonyms)),
        whole,
        tuple(entries),
        draw(texts),
        draw(text),
        draw(texts),
    )


def assert_equal(left: Snapshot, right: Snapshot) -> None:
    assert replace(left, vectors=None, head=None) == replace(right, vectors=None, head=None)
    assert list(left.lexicon) == list(right.lexicon)
    for one, other in ((left.vectors, right.vectors), (left.head, right.head)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.dtype == other.dtype == np.float32
            assert len(one) == len(other)
            assert one.tobytes() == other.tobytes()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    knowledge=knowledge_bases(),
    encoder=st.sampled_from([None, FakeEncoder()]),
    tuning=st.tuples(st.floats(0.1, 9), st.floats(-9, 9)),
)
def test_a_snapshot_comes_back_as_it_was(
    tmp_path: Path, knowledge: KnowledgeBase, encoder: FakeEncoder | None, tuning: tuple[float, float]
) -> None:
    """Knowledge base, phrasings, lexicon, vectors, classifier, tuning, also where there are none of them."""
    made = replace(build(knowledge, segmenter(), encoder), tuning=tuning)
    assert made.knowledge == knowledge
    save(made, tmp_path / "index.db")
    assert_equal(load(tmp_path / "index.db"), made)
    assert stamp(tmp_path / "index.db") == Stamp(knowledge.content_hash, made.model_id)


def test_documents_hold_the_entries_with_what_was_added_to_them(tmp_path: Path) -> None:
    """The reader's documents may hold bare entries; a snapshot's hold the knowledge base's own."""
    knowledge = shipped.knowledge()
    save(shipped.made(), tmp_path / "index.db")
    read = load(tmp_path / "index.db").knowledge
    assert [e for document in read.documents for e in document.entries] == sorted(
        read.entries, key=lambda e: [document.system for document in read.documents].index(e.system)
    )
    assert replace(read, documents=()) == replace(knowledge, documents=())


def test_the_tables_can_be_read_with_plain_sqlite(tmp_path: Path) -> None:
    """An operator needs nothing of this program to see what is in the file."""
    save(build(KNOWLEDGE, segmenter(), FakeEncoder()), tmp_path / "index.db")
    with closing(sqlite3.connect(tmp_path / "index.db")) as db:
        assert db.execute("select id, document, question, similar from entry").fetchall() == [
            ("a-1", 0, "忘记密码", '["密码想不起来"]'),
            ("b-1", 1, "账号锁定", "[]"),
        ]
        assert db.execute("select value from meta where name = 'format'").fetchone() == (FORMAT,)
        assert db.execute("select count(*), min(length(weights)) from phrasing join vector on row = id").fetchone() == (
            6,
            32,
        )
        assert db.execute("select count(*), min(length(weights)) from head").fetchone() == (3, 16)
        assert db.execute("select own from word where word = '甲平台'").fetchone() == (1,)
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
    "a vector missing": lambda path: execute(path, "delete from vector where row = 3"),
    "a vector cut short": lambda path: execute(path, "update vector set weights = x'00' where row = 3"),
    "no classifier": lambda path: execute(path, "drop table head"),
    "a class missing": lambda path: execute(path, "delete from head where row = 2"),
    "no lexicon": lambda path: execute(path, "drop table word"),
    "a tuning that is none": lambda path: execute(path, "update meta set value = '[1]' where name = 'tuning'"),
    "synonyms that are none": lambda path: execute(path, "update meta set value = '[]' where name = 'synonyms'"),
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


def test_a_catalog_comes_back_with_its_terms_and_synonyms(tmp_path: Path) -> None:
    """A snapshot read again understands messages as the one that was written."""
    catalog = replace(CATALOG, terms=("验证码",), synonyms={"密码": ("口令", "暗号"), "账号": ("用户名",)})
    save(build(knowledge_of(*KNOWLEDGE.entries, catalog=catalog), segmenter(), None), tmp_path / "index.db")
    read = load(tmp_path / "index.db")
    assert read.knowledge.catalog == catalog
    assert read.lexicon["验证码"]
    assert HybridIndex(read, segmenter(), None).understand("验正码和口令") == "验证码和密码"


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
from index.build import build
from index.snapshot import save
entries = [entry(f"a-{n}", f"第{n}个问题", "答案" * 1000) for n in range(300)]
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
    assert len(load(path).knowledge.entries) in (2, 300)
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
