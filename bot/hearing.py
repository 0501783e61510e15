"""What a desk made of questions, kept in a file: of its hits only what deciding needs, so that it is small.

The name of the file says all that search's results depend on, so that nothing stale is ever read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from bot.desk import Desk, Heard
from bot.evaluate import Question, QuestionSet
from index import rank
from index.cue import Mention
from index.hybrid import NEARNESS, Hit

KEPT_FILES: Final = 4
FORM: Final = "1"
"""Of the file; another form, another name."""


def key_of(desk: Desk, questions: QuestionSet) -> str:
    """A name for all that search's results depend on."""
    parts = (
        FORM,
        desk.knowledge.content_hash,
        desk.index.mode,
        desk.index.snapshot.model_id or "",
        repr(desk.index.snapshot.tuning),
        questions.digest,
        hashlib.sha256(rank.FILE.read_bytes()).hexdigest(),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def lean(heard: Heard) -> Heard:
    """What was heard, with no more of its hits than deciding needs."""
    hits = (
        replace(hit, phrasing="", features={name: float(hit.features[name]) for name in NEARNESS}) for hit in heard.hits
    )
    return replace(heard, hits=tuple(hits))


def _written(heard: Heard) -> dict[str, Any]:
    row = {each.name: getattr(heard, each.name) for each in fields(heard) if each.name not in ("text", "hits")}
    mention = heard.mention
    row["mention"] = [
        mention.system,
        sorted(mention.systems),
        sorted(mention.audiences),
        mention.elsewhere,
        sorted(mention.speaker),
    ]
    row["hits"] = [
        [hit.entry.id, float(hit.confidence), float(hit.relevance), *hit.features.values()] for hit in heard.hits
    ]
    return row


def _read(question: Question, row: Mapping[str, Any], desk: Desk) -> Heard:
    system, systems, audiences, elsewhere, speaker = row["mention"]
    mention = Mention(
        system, frozenset(systems), frozenset(map(tuple, audiences)), elsewhere, frozenset(map(tuple, speaker))
    )
    hits = []
    for entry_id, confidence, relevance, *nearness in row["hits"]:
        entry = desk.index.entry(entry_id)
        if entry is None:
            raise ValueError(entry_id)
        hits.append(Hit(entry, confidence, relevance, "", dict(zip(NEARNESS, nearness, strict=True))))
    return Heard(**{**row, "text": question.text, "mention": mention, "hits": tuple(hits)})


def load(folder: Path, key: str, desk: Desk, questions: QuestionSet) -> list[Heard] | None:
    """What the desk had heard; None where it is not kept. Raises whatever a damaged file makes it raise."""
    try:
        stored = json.loads((folder / f"{key}.json").read_bytes())
    except FileNotFoundError:
        return None
    return [_read(question, row, desk) for (question, _), row in zip(questions.rows, stored, strict=True)]


def save(folder: Path, key: str, heard: Sequence[Heard]) -> None:
    """Keep what was heard: written beside its place and moved there whole; the oldest go."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{key}.json"
    written = place.with_suffix(f".{os.getpid()}.tmp")
    written.write_text(json.dumps([_written(each) for each in heard], ensure_ascii=False), encoding="utf-8")
    written.replace(place)
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in files[KEPT_FILES:]:
        old.unlink(missing_ok=True)
