"""Questions as visitors ask them: the project's own similar questions, and as many variants of them as are wanted."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Question:
    """A text, and the system of the page it is typed on."""

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


def new_questions(known: list[Question]) -> Iterator[Question]:
    """Variants without end, no two alike: another number in each, so that no answer can be remembered."""
    for number in count(1001):
        base = known[number % len(known)]
        yield Question(_FRAMES[number // len(known) % len(_FRAMES)].format(number, base.text), base.system)
