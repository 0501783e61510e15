"""What thinking costs beyond encoding: the desk and the bare encoder in one process, without HTTP and storage.

The desk remembers texts, so every one is put to it only once; who goes first alternates, since the encoder's tokenizer
remembers, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from question import DOCUMENTS, Question, asked_questions

from bot import upkeep
from bot.desk import Desk
from bot.settings import Settings
from index import snapshot
from index.encoder import Encoder
from index.hybrid import HybridIndex
from index.variant import canonical, without_courtesy


@dataclass(frozen=True, slots=True)
class Thought:
    """Seconds per text, of the same texts."""

    desk: list[float] = field(default_factory=list)
    encoder: list[float] = field(default_factory=list)


class Thinking:
    """The desk over the index in `folder`, and single-sentence questions that nobody has put to it."""

    def __init__(self, folder: Path, encoder: Encoder, warm_up: int) -> None:
        settings = Settings(data_dir=folder, faq_documents=DOCUMENTS, faq_model=None)
        made = snapshot.load(settings.snapshot)
        index = HybridIndex(made, upkeep.segmenter_of(settings, made.knowledge), encoder)
        self._desk = Desk(index, upkeep.reasons_of(settings), settings.thresholds)
        self._encoder = encoder
        asked = asked_questions()
        self._questions = asked[warm_up:]
        self._measure(asked[:warm_up])

    def part(self, number: int, of: int) -> Thought:
        """One of so many parts of the questions, measured; each part only once."""
        return self._measure(self._questions[number::of])

    def _measure(self, questions: Sequence[Question]) -> Thought:
        found = Thought()
        for at, question in enumerate(questions):
            text, system = question.text, question.system or None
            form = without_courtesy(canonical(text))
            for turn in ("desk", "encoder") if at % 2 else ("encoder", "desk"):
                begun = time.perf_counter()
                if turn == "desk":
                    self._desk.consider(text, system)
                else:
                    self._encoder.encode([form])
                getattr(found, turn).append(time.perf_counter() - begun)
        return found
