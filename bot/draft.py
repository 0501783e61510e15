"""The draft: changes that staff have made and not yet published, what they make of the files, where they conflict.

Pure. A change is about one text, so that each can be undone alone; several people work on one draft.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from bot.version import BadChange, Event, Held, Missing, PhraseChange, Version, with_phrases
from faq.writing import Files, with_question
from index.variant import canonical, without_courtesy

Kind: TypeAlias = Literal["add_similar", "drop_similar", "keep_similar", "add_topic", "drop_topic", "take_files"]
INVERSE: Final[Mapping[Kind, Kind]] = {
    "add_similar": "drop_similar",
    "drop_similar": "add_similar",
    "add_topic": "drop_topic",
    "drop_topic": "add_topic",
}
"""The kinds that are about a text, and what undoes each."""
MOST_TEXT: Final = 200
MOST_TEXTS: Final = 200
MOST_CHANGES: Final = 2000
MOST_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class Change:
    """A change: of a similar question, of a topic ("" for the entry), or of what the documents folder holds (`tree`).

    "keep_similar": the held-back similar questions of an entry fit its new question too.
    """

    id: int
    kind: Kind
    entry_id: str
    text: str
    author: str
    at: datetime
    tree: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a change makes no sense beside the rest, in Chinese, and the other entry concerned, if there is one."""

    change: int
    message: str
    entry_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """All changes, the oldest first; `published` is the version they are made to, `fingerprint` names all of it."""

    fingerprint: str
    published: int
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was changed."""
        return not self.changes

    def of(self, change_id: int) -> list[Conflict]:
        """The conflicts of a change."""
        return [conflict for conflict in self.conflicts if conflict.change == change_id]


@dataclass(frozen=True, slots=True)
class State:
    """What is published, since which line of the history, and what was changed since."""

    event: Event
    version: Version
    changes: tuple[Change, ...]

    @property
    def fingerprint(self) -> str:
        """What the draft is known by: the same changes to the same state of things have the same."""
        rows = [[change.kind, change.entry_id, change.text, change.tree] for change in self.changes]
        return hashlib.sha256(json.dumps([self.event.id, rows]).encode()).hexdigest()[:32]

    @property
    def taken(self) -> str:
        """The tree of the documents folder that the draft takes over, "" where it takes none."""
        return next((change.tree for change in self.changes if change.kind == "take_files"), "")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the changes of texts are made to: questions by entry id, similar questions and topics, entries held back."""

    questions: Mapping[str, str]
    phrases: Sequence[PhraseChange]
    held: Mapping[str, Held] = field(default_factory=dict)


def checked(text: str) -> str:
    """A text as it is kept, on one line; BadChange where it is nothing that somebody would ask."""
    kept = " ".join(text.split())
    if not any(map(str.isalnum, kept)):
        raise BadChange("内容不能为空。")
    if len(kept) > MOST_TEXT:
        raise BadChange(f"「{kept[:20]}……」太长了，最多 {MOST_TEXT} 个字。")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") for char in kept):
        raise BadChange(f"「{kept[:20]}」中含有无法识别的字符。")
    return kept


def check_place(kind: Kind, entry: str, texts: Sequence[str], ground: Ground) -> None:
    """Refuse a change of texts that has no place: BadChange, or Missing for an entry that is not there."""
    topic = kind in ("add_topic", "drop_topic")
    if topic == bool(entry):
        raise BadChange("未收录话题不属于任何条目。" if topic else "请选择条目。")
    if entry and entry not in ground.questions:
        raise Missing(f"没有编号为 {entry} 的条目。")
    if kind == "keep_similar" and entry not in ground.held:
        raise BadChange(f"条目 {entry} 没有待确认的相似问法。")
    if kind != "keep_similar" and not texts:
        raise BadChange("内容不能为空。")
    if len(texts) > MOST_TEXTS:
        raise BadChange(f"一次最多修改 {MOST_TEXTS} 条。")


def planned(
    kind: Kind, entry: str, texts: Iterable[str], tree: str, pending: Iterable[Change]
) -> tuple[list[Change], list[str]]:
    """The pending changes to take away, and the texts that make new ones.

    The inverse of a pending change takes that one away; one that is there already is not made again; of several states
    of the documents folder the last one counts.
    """
    known = {(change.kind, change.entry_id, change.text): change for change in pending}
    gone, added = list[Change](), list[str]()
    for text in texts:
        same, inverse = known.get((kind, entry, text)), known.get((INVERSE.get(kind, kind), entry, text))
        if kind in INVERSE and inverse is not None:
            gone.append(inverse)
        elif same is None or same.tree != tree:
            gone += [same] if same else []
            added.append(text)
    return gone, added


def check_there(kind: Kind, entry: str, texts: Iterable[str], ground: Ground) -> None:
    """Refuse to drop what is not there."""
    for text in texts if kind.startswith("drop") else ():
        if PhraseChange("add", entry, text) not in ground.phrases:
            raise BadChange(f"「{text}」不在{_where(entry)}，可能已经移除。")


def applied(files: Files, changes: Iterable[Change], questions: Mapping[str, str]) -> dict[str, bytes]:
    """The files with the changes of texts; `questions` by entry id, and what is about another entry is left out."""
    written, phrases = dict(files), list[PhraseChange]()
    for change in changes:
        if change.kind in INVERSE and (change.entry_id in questions or not change.entry_id):
            phrases.append(_phrase(change))
        elif change.kind == "keep_similar" and change.entry_id in questions:
            written = with_question(written, change.entry_id, questions[change.entry_id])
    return with_phrases(written, phrases, questions)


def conflicts(changes: Sequence[Change], ground: Ground) -> tuple[Conflict, ...]:
    """Where changes contradict one another or what is there: told by letters alone, so that it costs nothing."""
    phrases = [_phrase(change) for change in changes]
    dropped = {(phrase.entry_id, phrase.text) for phrase in phrases if phrase.kind == "drop"}
    there = {(phrase.entry_id, phrase.text) for phrase in ground.phrases}
    places: defaultdict[str, list[_Place]] = defaultdict(list)
    for entry, question in ground.questions.items():
        places[_key(question)].append(_Place(entry, question, 0))
    for entry, text in there - dropped:
        places[_key(text)].append(_Place(entry, text, 0))
    for change in changes:
        if change.kind in ("add_similar", "add_topic"):
            places[_key(change.text)].append(_Place(change.entry_id, change.text, change.id))
    found: list[Conflict] = []
    for change in changes:
        if change.kind in ("add_similar", "add_topic"):
            found += _doubled(change, places[_key(change.text)], ground)
        elif change.kind in ("drop_similar", "drop_topic") and (change.entry_id, change.text) not in there:
            found.append(Conflict(change.id, f"「{change.text}」已经不在{_where(change.entry_id)}，这处修改没有作用。"))
        elif change.kind == "keep_similar" and change.entry_id not in ground.held:
            found.append(Conflict(change.id, f"条目 {change.entry_id} 没有待确认的相似问法，这处修改没有作用。"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text stands: as an entry's question or similar question, or as a topic; by which change, or 0."""

    entry: str
    text: str
    change: int


def _doubled(change: Change, places: Iterable[_Place], ground: Ground) -> Iterable[Conflict]:
    """Where the text of a change stands as well, each place once."""
    if change.entry_id and change.entry_id not in ground.questions:
        yield Conflict(change.id, f"条目 {change.entry_id} 已不存在，这处修改不会生效。")
    seen = set[str]()
    for place in places:
        if place.change != change.id and place.entry not in seen:
            seen.add(place.entry)
            like = "" if place.text == change.text else f"（「{place.text}」）"
            if place.entry == change.entry_id:
                told = f"{_where(place.entry)}已经有这句话{like}，不必重复添加。"
            elif place.entry and change.entry_id:
                told = f"条目 {place.entry} 已经有这句话{like}，只能归入一个条目。"
            elif place.entry:
                told = f"这句话是条目 {place.entry} 的问法{like}，有答案的问题不能列为未收录话题。"
            else:
                told = f"这句话已列为未收录话题{like}，请先移除那个话题。"
            yield Conflict(change.id, told, place.entry)


def _where(entry: str) -> str:
    return f"条目 {entry} 中" if entry else "未收录话题中"


def _phrase(change: Change) -> PhraseChange:
    return PhraseChange("drop" if change.kind.startswith("drop") else "add", change.entry_id, change.text)


def _key(text: str) -> str:
    """What is left of a text without spelling, courtesy and marks."""
    form = without_courtesy(canonical(text))
    return "".join(filter(str.isalnum, form)) or form
