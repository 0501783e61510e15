"""Versions of the knowledge base, as values: their files, how two differ, how changes of the folder join staff's.

A version is the complete set of knowledge files, known by a hash of their names and contents (its tree). Staff edit
similar questions and uncovered topics only; these join as sets, everything else is as the documents folder has it. No
database and no index here; who publishes what, and when, is `library`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from faq.knowledge import CATALOG, SIMILAR, UNCOVERED, KnowledgeBase
from faq.writing import Files, read_tables, read_topics, with_similar, with_topics

EventKind: TypeAlias = Literal["publish", "rollback", "export"]
BESIDE: Final = (CATALOG, UNCOVERED, "reasons.toml", "dossiers.toml")
"""What belongs to a version besides documents and similar questions; questions.jsonl measures it and does not."""


class LibraryError(Exception):
    """What staff or an operator asked of the knowledge base cannot be done; the Chinese text is theirs to read."""


class BadChange(LibraryError):
    """A change that makes no sense: empty, too long, about a text that is not there. Nothing of it was kept."""


class Missing(LibraryError):
    """There is no such version, change or entry."""


class DraftMoved(LibraryError):
    """The draft is not any more what was previewed: look at it again."""


class NotPrepared(LibraryError):
    """No index is ready for it: prepare first."""


class Faulty(LibraryError):
    """The check found errors: mend them first."""


class Unconfirmed(LibraryError):
    """The documents folder holds changes that nobody has confirmed, or cannot be read: look at it first."""


class Unreadable(LibraryError):
    """The documents cannot be read: mend the named line first."""


class CannotWrite(LibraryError):
    """The folder cannot be written: an operator has to give access."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was published once. `tree`: of its files; `content_hash`: what its snapshot is known by."""

    number: int
    author: str
    note: str
    at: datetime
    tree: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the history; the last one says what is published.

    `number` is the version that is published from then on, `previous` the one before. `base`: the tree of the documents
    folder as it was last taken over or written.
    """

    id: int
    at: datetime
    author: str
    kind: EventKind
    number: int
    previous: int | None
    base: str
    note: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as visitors put it, the system it was put to, how often, and one of the messages that put it."""

    text: str
    system: str | None
    count: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Text:
    """An entry's own words."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class EntryChange:
    """An entry before and after; None where it is not there."""

    entry_id: str
    before: Text | None
    after: Text | None


@dataclass(frozen=True, slots=True)
class PhraseChange:
    """A similar question of an entry that was added or dropped, or an uncovered topic ("" for the entry)."""

    kind: Literal["add", "drop"]
    entry_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """An entry whose question is not any more the one its similar questions were written for; they are held back."""

    entry_id: str
    before: str
    after: str
    similar: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """How one state of the knowledge base differs from another. `files`: names of all files that differ."""

    entries: tuple[EntryChange, ...] = ()
    phrases: tuple[PhraseChange, ...] = ()
    held: tuple[Held, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether they are the same, to the letter."""
        return not self.files


@dataclass(frozen=True, slots=True)
class FileChanges:
    """What the documents folder would change; `error`, in Chinese, where it cannot be read."""

    difference: Difference | None
    error: str | None
    tree: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to confirm and nothing to mend."""
        return self.error is None and (self.difference is None or self.difference.empty)


def tree_of(files: Files) -> str:
    """What a set of files is known by: the sha256 in hex of their names and contents."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(errors="surrogateescape"), files[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def files_in(documents: Path) -> dict[str, bytes]:
    """The knowledge files of a folder, or those of the one document at the path and beside it; OSError."""
    single = documents.is_file()
    home = documents.parent if single else documents
    found = [documents] if single else [path for path in home.glob("*.txt") if path.is_file()]
    found += [home / name for name in BESIDE if (home / name).is_file()]
    found += [path for path in home.glob(f"*{SIMILAR}") if path.is_file()]
    return {path.name: path.read_bytes() for path in found}


def phrases_of(files: Files) -> list[PhraseChange]:
    """Every similar question and topic of the files, as if it had been added."""
    similar = ((entry, text) for entry, (_, texts) in read_tables(files).items() for text in texts)
    return [
        PhraseChange("add", entry, text) for entry, text in (*similar, *(("", text) for text in read_topics(files)))
    ]


def phrase_changes(before: Files, after: Files) -> list[PhraseChange]:
    """What was added and dropped between two sets of files, in their order."""
    old, new = dict.fromkeys(phrases_of(before)), dict.fromkeys(phrases_of(after))
    dropped = [PhraseChange("drop", phrase.entry_id, phrase.text) for phrase in old if phrase not in new]
    return [*dropped, *(phrase for phrase in new if phrase not in old)]


def held_back(files: Files, knowledge: KnowledgeBase) -> dict[str, Held]:
    """The entries of files, read as `knowledge`, whose similar questions are held back."""
    questions = {entry.id: entry.question for entry in knowledge.entries}
    return {
        entry: Held(entry, question, questions[entry], similar)
        for entry, (question, similar) in read_tables(files).items()
        if questions.get(entry, question) != question
    }


def difference(before: Files, old: KnowledgeBase, after: Files, new: KnowledgeBase) -> Difference:
    """How files, read as `new`, differ from others, read as `old`."""
    texts, held = [_texts(knowledge) for knowledge in (old, new)], held_back(before, old)
    ids = dict.fromkeys((*texts[0], *texts[1]))
    entries = (EntryChange(entry, texts[0].get(entry), texts[1].get(entry)) for entry in ids)
    names = sorted({*before, *after})
    return Difference(
        entries=tuple(change for change in entries if change.before != change.after),
        phrases=tuple(phrase_changes(before, after)),
        held=tuple(found for entry, found in held_back(after, new).items() if held.get(entry) != found),
        files=tuple(name for name in names if before.get(name) != after.get(name)),
    )


def merged(base: Files, published: Files, disk: Files) -> dict[str, bytes]:
    """The folder's files with what staff changed since the folder was last taken over.

    For similar questions and topics that is published ∪ (disk − base) − (base − disk).
    """
    return with_phrases(disk, phrase_changes(base, published), _headings(published))


def with_phrases(files: Files, changes: Iterable[PhraseChange], questions: Mapping[str, str]) -> dict[str, bytes]:
    """The files with similar questions and topics added and dropped; `questions` are the entries' by id."""
    written, of_entry = dict(files), dict[str, tuple[list[str], list[str]]]()
    for change in changes:
        of_entry.setdefault(change.entry_id, ([], []))[change.kind == "drop"].append(change.text)
    for entry, (add, drop) in of_entry.items():
        if entry:
            written = with_similar(written, entry, questions.get(entry, ""), add=add, drop=drop)
        else:
            written = with_topics(written, add=add, drop=drop)
    return written


def _texts(knowledge: KnowledgeBase) -> dict[str, Text]:
    return {entry.id: Text(entry.question, entry.answer) for entry in knowledge.entries}


def _headings(files: Files) -> dict[str, str]:
    """The questions that similar questions were written for, by entry."""
    return {entry: question for entry, (question, _) in read_tables(files).items()}
