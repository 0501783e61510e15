"""What a publisher must know before a knowledge base goes live, as findings.

Errors are contradictions: a question that stands twice, under two entries or against an uncovered topic, and one that
does not find its own entry even where it is the only similar question. Hints are what search makes of each similar
question and uncovered topic that it has not seen: with itself held out, from words, meaning and classifier alike (as in
`train`). Nothing is changed or printed here.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from faq.knowledge import SIMILAR, UNCOVERED
from index.hybrid import HybridIndex
from index.snapshot import Kind, Snapshot
from index.trial import Trial

FEWEST: Final = 12
MOST: Final = 25
"""How many similar questions an entry should have."""

Severity: TypeAlias = Literal["error", "hint"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look into, told in a Chinese sentence; of the ids and texts it is about, the first is to be changed.

    Errors: "two_entries", "twice", "title", "covered_topic" (a text stands where it must not stand as well), "unfound".
    Hints: "unread", "count", "elsewhere" and "below_none" (a similar question held out), "answered_topic".
    """

    severity: Severity
    kind: str
    entries: tuple[str, ...]
    texts: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How much was checked and found; `accuracy` is the part of the similar questions that find their own entry first
    when held out, None where there are none."""

    entries: int
    similar: int
    topics: int
    accuracy: float | None
    errors: int
    hints: int

    def __str__(self) -> str:
        held_out = "" if self.accuracy is None else f"逐条留出后指向本条目的占 {self.accuracy:.1%}；"
        return (
            f"共 {self.entries} 个条目、{self.similar} 个相似问法、{self.topics} 个未收录话题；{held_out}"
            f"错误 {self.errors} 个，提示 {self.hints} 个。"
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A similar question of `entry`, or an uncovered topic ("" for `entry`), as it stands in the file of that name."""

    file: str
    entry: str
    text: str


def read_written(documents: Path) -> tuple[Written, ...]:
    """What stands in the files beside documents that `faq.knowledge.read_folder` has read, repeated texts too."""
    home = documents if documents.is_dir() else documents.parent
    found: list[Written] = []
    for path in sorted(home.glob(f"*{SIMILAR}")):
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        found += [Written(path.name, entry, text) for entry, table in tables.items() for text in table["similar"]]
    if (topics := home / UNCOVERED).is_file():
        read = tomllib.loads(topics.read_text(encoding="utf-8-sig"))
        found += [Written(UNCOVERED, "", text) for text in read.get("topics", [])]
    return tuple(found)


def lint(index: HybridIndex, snapshot: Snapshot, answer: float, written: Sequence[Written] = ()) -> list[Finding]:
    """Errors, then hints, those of a kind together and the worst first.

    `snapshot` is the one `index` was made of and `answer` the confidence from which on the bot answers. `written` says
    in which files the texts stand; without it no files are named, and a text repeated to the letter is not seen, since
    reading has merged it.
    """
    names = _Names(snapshot, written)
    trial = Trial(index, snapshot)
    return [
        *_repeated(names, written),
        *_unfound(trial, names),
        *(Finding("hint", "unread", (), (), warning) for warning in snapshot.knowledge.warnings),
        *_counts(snapshot, names),
        *_misled(trial, names),
        *_answered(trial, names, answer),
    ]


def summarize(snapshot: Snapshot, findings: Sequence[Finding]) -> Summary:
    """What `lint` found in a snapshot, in figures."""
    kinds = Counter(phrasing.kind for phrasing in snapshot.phrasings)
    lost = sum(finding.kind == "elsewhere" for finding in findings)
    errors = sum(finding.severity == "error" for finding in findings)
    return Summary(
        entries=len(snapshot.knowledge.entries),
        similar=kinds["similar"],
        topics=kinds["uncovered"],
        accuracy=1 - lost / kinds["similar"] if kinds["similar"] else None,
        errors=errors,
        hints=len(findings) - errors,
    )


class _Names:
    """Texts by the places where a publisher finds them."""

    def __init__(self, snapshot: Snapshot, written: Sequence[Written]) -> None:
        self.phrasings = snapshot.phrasings
        self.entries = snapshot.knowledge.entries
        self._files = {(place.entry, place.text): place.file for place in written}
        self._file = {place.entry: place.file for place in written}

    def rows(self, kind: Kind) -> list[int]:
        """The rows of a kind, in order."""
        return [row for row, phrasing in enumerate(self.phrasings) if phrasing.kind == kind]

    def id(self, row: int) -> str:
        """The id of the entry that a phrasing belongs to, "" for a topic."""
        entry = self.phrasings[row].entry
        return "" if entry < 0 else self.entries[entry].id

    def place(self, row: int) -> str:
        """File, entry and text of a phrasing."""
        phrasing, entry = self.phrasings[row], self.id(row)
        if phrasing.kind == "title":
            return f"{entry} 的标题「{phrasing.text}」"
        file = self._files.get((entry, phrasing.text), "")
        return f"{file} {entry or '未收录话题'}「{phrasing.text}」".lstrip()

    def entry(self, entry: str) -> str:
        """File and entry."""
        return f"{self._file.get(entry, '')} {entry}".lstrip()


def _repeated(names: _Names, written: Sequence[Written]) -> Iterator[Finding]:
    """Where one question stands in two places, spelling, courtesy and marks aside."""
    copies = Counter((place.entry, place.text) for place in written)
    same: dict[str, list[int]] = {}
    for row, phrasing in enumerate(names.phrasings):
        if phrasing.kind != "answer":
            key = "".join(filter(str.isalnum, phrasing.form)) or phrasing.form
            merged = copies[names.id(row), phrasing.text] > 1 and phrasing.kind == "similar"
            same.setdefault(key, []).extend([row, row] if merged else [row])
    for rows in same.values():
        for other, row in combinations(rows, 2):  # titles come first and topics last
            kinds = names.phrasings[other].kind, names.phrasings[row].kind
            own = names.id(other) == names.id(row)
            if kinds == ("similar", "similar"):
                if own:
                    yield _both("twice", names, row, other, "是同一句话，在一个条目下只需写一次")
                else:
                    yield _both("two_entries", names, row, other, "是同一句话，只能归入一个条目")
            elif set(kinds) == {"title", "similar"} and not own:
                similar, title = (row, other) if kinds[1] == "similar" else (other, row)
                yield _both("title", names, similar, title, "是同一句话，请移到那个条目下或删去")
            elif kinds[1] == "uncovered" and kinds[0] != "uncovered":
                yield _both("covered_topic", names, row, other, "是同一句话，有答案的问题不能列为未收录话题")


def _both(kind: str, names: _Names, row: int, other: int, told: str) -> Finding:
    entries = dict.fromkeys(filter(None, (names.id(row), names.id(other))))
    texts = names.phrasings[row].text, names.phrasings[other].text
    return Finding("error", kind, tuple(entries), texts, f"{names.place(row)}与 {names.place(other)}{told}。")


def _unfound(trial: Trial, names: _Names) -> Iterator[Finding]:
    for row in names.rows("similar"):
        if not trial.finds_itself(row):
            text = names.phrasings[row].text
            told = f"{names.place(row)}与本条目的标题和答案太不相干，只留下它一个相似问法时也排不到第一。"
            yield Finding("error", "unfound", (names.id(row),), (text,), told)


def _counts(snapshot: Snapshot, names: _Names) -> Iterator[Finding]:
    entries = snapshot.knowledge.entries
    for entry in entries if any(entry.similar for entry in entries) else ():
        count = len(entry.similar)
        if not FEWEST <= count <= MOST:
            told = f"{names.entry(entry.id)} 有 {count} 个相似问法，宜为 {FEWEST} 至 {MOST} 个。"
            yield Finding("hint", "count", (entry.id,), (), told)


def _misled(trial: Trial, names: _Names) -> Iterator[Finding]:
    """Similar questions that, held out, lead to another entry or nowhere, the farthest astray first."""
    found: list[tuple[float, Finding]] = []
    for row in names.rows("similar"):
        candidates, judged = trial.held_out(row)
        entry, text = names.phrasings[row].entry, names.phrasings[row].text
        own = candidates.entries.index(entry) if entry in candidates.entries else None
        score = -np.inf if own is None else float(judged.score[own])
        share = 0.0 if own is None else float(judged.confidence[own])
        best = int(judged.score.argmax())
        if best != own:
            rival, near = names.entries[candidates.entries[best]].id, trial.nearest(best, candidates)
            like = "会指向" if judged.score[best] >= 0 else "更像没有答案的问题，条目中先找到"
            told = (
                f"{names.place(row)}留出后{like} {rival}「{near}」"
                f"（置信度 {judged.confidence[best]:.2f}，本条目 {share:.2f}）。"
            )
            worse = max(float(judged.score[best]), 0.0) - score
            found.append((worse, Finding("hint", "elsewhere", (names.id(row), rival), (text, near), told)))
        elif score < 0:
            topic = trial.nearest_topic(row)
            like = "" if topic is None else f"，最接近的未收录话题是「{topic}」"
            told = f"{names.place(row)}留出后更像没有答案的问题（置信度 {share:.2f}）{like}。"
            texts = (text,) if topic is None else (text, topic)
            found.append((-score, Finding("hint", "below_none", (names.id(row),), texts, told)))
    yield from (finding for _, finding in sorted(found, key=lambda pair: -pair[0]))


def _answered(trial: Trial, names: _Names, answer: float) -> Iterator[Finding]:
    """Uncovered topics that, held out, would be answered, the surest first."""
    found: list[tuple[float, Finding]] = []
    for row in names.rows("uncovered"):
        candidates, judged = trial.held_out(row)
        best = int(judged.score.argmax()) if len(judged.score) else None
        if best is not None and judged.confidence[best] >= answer:
            rival, near = names.entries[candidates.entries[best]].id, trial.nearest(best, candidates)
            told = (
                f"{names.place(row)}留出后会由 {rival} 回答（置信度 {judged.confidence[best]:.2f}，最接近「{near}」），"
                "可能已有答案，也可能该条目的相似问法过宽。"
            )
            finding = Finding("hint", "answered_topic", (rival,), (names.phrasings[row].text, near), told)
            found.append((float(judged.confidence[best]), finding))
    yield from (finding for _, finding in sorted(found, key=lambda pair: -pair[0]))
