"""Asking the desk that serves the project's own questions, so that thresholds can be tried on what it hears.

Done in the background when it is first wanted for a knowledge base, one question after the other with pauses between
them and none while a turn is thought out, so that a visitor waits for one search at most; what was heard is kept on the
disk.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from bot import hearing
from bot.desk import Desk, Heard
from bot.evaluate import QUESTIONS, QuestionsError, QuestionSet, read_set
from bot.rehearsal import Rehearsal
from bot.traffic import Traffic

log = logging.getLogger(__name__)

REST: Final = 1.0
"""After each question a rest so many times as long as it took: about half of one processor is used."""

PATIENCE: Final = 2.0
"""Seconds that a question gives way to turns, for a busy day must not keep it from ever being asked."""

State: TypeAlias = Literal["missing", "running", "ready", "failed"]


class Serving(Protocol):
    """Whatever answers from a desk that may be replaced."""

    @property
    def desk(self) -> Desk:
        """The desk that answers now."""

    @property
    def traffic(self) -> Traffic:
        """The turns that are being thought out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the questions are asked: `done` of `of`; `message` is Chinese and says what is wrong."""

    state: State
    done: int = 0
    of: int = 0
    message: str = ""


class Audition:
    """The rehearsal of whichever knowledge base is served, made in the background when it is first asked for."""

    def __init__(self, serving: Serving, documents: Path, folder: Path, *, rest: float = REST) -> None:
        self._serving = serving
        self._questions = (documents if documents.is_dir() else documents.parent) / QUESTIONS
        self._folder = folder
        self._rest = rest
        self._lock = threading.Lock()
        self._ready: tuple[str, Rehearsal] | None = None
        self._progress = Progress("missing")
        self._key = ""

    def progress(self) -> Progress:
        """How far it is; begins it where it has to be made."""
        self.ready()
        return self._progress

    def ready(self) -> Rehearsal | None:
        """The rehearsal of what is served now; None while it is made or where it cannot be."""
        desk = self._serving.desk
        with self._lock:
            try:
                questions = read_set(self._questions)
            except QuestionsError as error:
                self._progress = Progress("missing", message=str(error))
                return None
            key = hearing.key_of(desk, questions)
            if self._ready is not None and self._ready[0] == key:
                return self._ready[1]
            if self._progress.state == "running" or (self._progress.state == "failed" and self._key == key):
                return None
            self._key = key
            if (heard := self._load(key, desk, questions)) is not None:
                return self._finish(key, Rehearsal(desk, questions, heard))
            self._progress = Progress("running", 0, len(questions.rows))
            threading.Thread(target=self._hear, args=(key, desk, questions), name="rehearsal", daemon=True).start()
            return None

    def _hear(self, key: str, desk: Desk, questions: QuestionSet) -> None:
        heard = []
        try:
            for question, _ in questions.rows:
                self._serving.traffic.give_way(PATIENCE)
                started = time.perf_counter()
                heard.append(hearing.lean(desk.hear(question.text, question.context)))
                self._progress = Progress("running", len(heard), len(questions.rows))
                time.sleep(self._rest * (time.perf_counter() - started))
            hearing.save(self._folder, key, heard)
            with self._lock:
                self._finish(key, Rehearsal(desk, questions, heard))
        except Exception:
            log.exception("题集未能试算")
            self._progress = Progress("failed", message="试算没有完成，原因见服务器日志。")

    def _finish(self, key: str, rehearsal: Rehearsal) -> Rehearsal:
        of = len(rehearsal.questions.rows)
        self._ready, self._progress = (key, rehearsal), Progress("ready", of, of)
        return rehearsal

    def _load(self, key: str, desk: Desk, questions: QuestionSet) -> list[Heard] | None:
        try:
            return hearing.load(self._folder, key, desk, questions)
        except Exception:
            log.warning("试算结果 %s 无法读取，重新生成", key)
            return None
