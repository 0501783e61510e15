"""A small knowledge base in a real folder, a real database, and a library over both, without an encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.desk import Desk
from bot.library import Library
from bot.preview import Preparation
from bot.settings import NO_MODEL, Settings
from bot.store.sqlite import SqliteStore
from bot.version import Version

DOCUMENT = "1、怎么登录\n答：点登录。\n2、怎么注销\n答：请联系管理员。\n3、怎么打印申报表\n答：点打印。\n"
CATALOG = '[[system]]\nkey = "a"\nname = "甲系统"\n'
SIMILAR = """# 说明
["a-1"]
question = "怎么登录"
similar = [
    "登不上去",
]

["a-2"]
question = "怎么注销"
similar = [
    "账号不要了",
]
"""
TOPICS = 'topics = [\n    "几月截止",\n]\n'
QUESTIONS = '{"id": "1", "text": "登陆不上", "expect": "answer", "entries": ["a-1"], "escalate": null}\n'
BY = "王老师"


@dataclass
class Answering:
    """What a bot is to a library."""

    desk: Desk


@dataclass
class Case:
    """A data folder, its documents, and a library; `answering` is what the process answers from."""

    folder: Path
    settings: Settings
    store: SqliteStore
    library: Library
    answering: Answering

    @property
    def documents(self) -> Path:
        return self.settings.faq_documents

    def put(self, name: str, old: str, new: str) -> None:
        """Change a document as a person does."""
        path = self.documents / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def ready(self, number: int | None = None) -> Preparation:
        """The preparation of the draft or a version, carried out here and now."""
        state = self.library._holding.state()
        self.library.carry_out(self.library._key(state, number))
        return self.library.preparation(number)

    def publish(self, note: str = "") -> Version:
        """Prepare and publish the draft."""
        assert self.ready().state == "ready", self.library.preparation()
        return self.library.publish(self.library.draft().fingerprint, BY, note)

    def add(self, entry: str, *texts: str) -> None:
        """Add similar questions to the draft."""
        self.library.change("add_similar", entry, texts, BY)

    def similar(self, entry: str) -> tuple[str, ...]:
        """The similar questions that are served."""
        found = self.answering.desk.knowledge.entry(entry)
        assert found is not None
        return found.similar


def write_documents(folder: Path) -> None:
    """The knowledge base's files."""
    folder.mkdir(parents=True)
    files = {
        "a.txt": DOCUMENT,
        "catalog.toml": CATALOG,
        "a.similar.toml": SIMILAR,
        "uncovered.toml": TOPICS,
        "questions.jsonl": QUESTIONS,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def begin(folder: Path) -> Path:
    """A folder in which documents lie and version 1 is published, its index built."""
    write_documents(folder / "documents")
    with opened(folder):
        return folder


@contextmanager
def opened(folder: Path) -> Iterator[Case]:
    """The case over such a folder, opened as a server does."""
    settings = Settings(
        _env_file=None, data_dir=folder / "data", faq_documents=folder / "documents", faq_model=NO_MODEL
    )
    store = SqliteStore(settings.database)
    try:
        library = Library(store, settings)
        answering = Answering(library.follower.first())
        library.follower.serving = answering
        yield Case(folder, settings, store, library, answering)
    finally:
        store.close()
