"""Questions as visitors ask them: the project's own similar questions, and as many variants of them as are wanted."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

DOCUMENTS = Path(__file__).parents[2] / "faq" / "documents"

# None of them is a courtesy, which search strips: it would hand the encoder a shorter text than it was asked with.
_FRAMES = (
    "我们厂有{}个人，{}",
    "编号{}的企业，{}",
    "单位代码后几位{}，{}",
    "手机尾号{}，{}",
    "我这边是{}号窗口，{}",
    "{1}，单位编号{0}",
    "{1}，手机尾号是{0}",
    "{1}，我们是园区{0}号",
)


_SHORTEST, _LONGEST = 6, 25
_MORE = re.compile(r"[。！？!?；;…\n]\s*\S")


@dataclass(frozen=True, slots=True)
class Question:
    """A text, and the system of the page it is typed on; "" where that says none."""

    text: str
    system: str


def known_questions(documents: Path = DOCUMENTS) -> list[Question]:
    """All similar questions of the project, in an order that is the same in every run."""
    found = [
        Question(text, path.name.split(".")[0])
        for path in sorted(documents.glob("*.similar.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8")).values()
        for text in entry["similar"]
    ]
    Random(20).shuffle(found)
    return found


def asked_questions(documents: Path = DOCUMENTS) -> list[Question]:
    """The single sentences of 6 to 25 characters that the project is evaluated with, none twice, in a fixed order."""
    rows = map(json.loads, (documents / "questions.jsonl").read_text(encoding="utf-8").splitlines())
    found = {row["text"]: Question(row["text"], row["context"] or "") for row in rows}
    asked = [q for text, q in found.items() if _SHORTEST <= len(text) <= _LONGEST and not _MORE.search(text)]
    Random(20).shuffle(asked)
    return asked


def new_questions(known: list[Question]) -> Iterator[Question]:
    """Variants without end, no two alike: another number in each, so that no answer can be remembered."""
    for number in count(1001):
        base = known[number % len(known)]
        yield Question(_FRAMES[number // len(known) % len(_FRAMES)].format(number, base.text), base.system)
