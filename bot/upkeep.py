"""The index on disk and the desk over it: built, kept up to date, opened, followed.

The command line and the server go through here, so that both see the same documents, model and thresholds.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

from bot.desk import Desk
from bot.escalation import Reason, read_reasons
from bot.settings import NO_MODEL, Settings
from faq.error import FaqError
from faq.knowledge import KnowledgeBase, read_folder
from index import snapshot
from index.build import build as build_snapshot
from index.encoder import Encoder, ModelError, load_encoder
from index.hybrid import HybridIndex
from index.model import model_id_of, prepare_model
from index.segment import Segmenter, terms
from index.snapshot import Snapshot, SnapshotError, Stamp

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 2.0
MANY: Final = 3000
"""Questions from which on what follows their encoding takes long enough to be announced."""
STALE: Final = "文档或模型有变化，但重新生成索引失败，目前使用的是上一次的索引。"
COMMAND: Final = Path(__file__).resolve().parent.parent / "serve.py"


class Serving(Protocol):
    """Whatever answers from a desk that may be replaced."""

    desk: Desk


def build(settings: Settings) -> None:
    """Make the model and the index; what is there and still right is used again."""
    knowledge = read_folder(settings.faq_documents)
    for warning in knowledge.warnings:
        say(warning)
    say(f"正在生成索引：{len(knowledge.entries)} 个条目……")
    started = time.perf_counter()
    made = make(settings, knowledge, segmenter_of(settings, knowledge), encoder_of(settings))
    snapshot.save(made, settings.snapshot)
    say(f"索引已生成，共 {len(made.phrasings)} 条检索文本，用时 {time.perf_counter() - started:.1f} 秒。")


def make(settings: Settings, knowledge: KnowledgeBase, segmenter: Segmenter, encoder: Encoder | None) -> Snapshot:
    """A snapshot in memory, with vectors of the one on disk where these are of the same model."""
    from index.calibrate import calibrated  # noqa: PLC0415 — brings scipy's optimizer, which serving has no use for

    questions = sum(1 + len(entry.similar) for entry in knowledge.entries)
    aloud = say if questions >= MANY else None
    made = build_snapshot(knowledge, segmenter, encoder, previous=_previous(settings), progress=_Progress(), say=aloud)
    return calibrated(made, segmenter, encoder, say=aloud)


def open_desk(settings: Settings, notes: Sequence[str] = ()) -> Desk:
    """The desk over the snapshot on disk. Dictionary, encoder and snapshot are loaded side by side."""
    with ThreadPoolExecutor() as pool:
        encoder = pool.submit(ready_encoder, settings)
        made = snapshot.load(settings.snapshot)
        segmenter = segmenter_of(settings, made.knowledge)
        index = HybridIndex(made, segmenter, encoder.result())
    return Desk(index, reasons_of(settings), settings.thresholds, notes, hours=settings.office.hours)


def desk_for(settings: Settings) -> Desk:
    """The desk a command asks: what a server may be using in the same folder is not touched by it."""
    there = snapshot.stamp(settings.snapshot)
    if there is None:
        return open_desk(settings, bring_up_to_date(settings))
    if there == _wanted(settings):
        return open_desk(settings)
    return throw_away_desk(settings, read_folder(settings.faq_documents), reasons_of(settings))


def throw_away_desk(settings: Settings, knowledge: KnowledgeBase, reasons: Sequence[Reason]) -> Desk:
    """A desk over any knowledge base; nothing is kept."""
    if settings.faq_model != NO_MODEL and _model_id(settings) is None:
        in_child("model")
    encoder, segmenter = ready_encoder(settings), segmenter_of(settings, knowledge)
    made = make(settings, knowledge, segmenter, encoder)
    return Desk(HybridIndex(made, segmenter, encoder), reasons, settings.thresholds, hours=settings.office.hours)


def bring_up_to_date(settings: Settings) -> list[str]:
    """Build in a child process where the snapshot is not of these documents and this model.

    In a child, because making the model imports PyTorch, which serving never does. When that fails and an older
    snapshot is there, it serves on; the notes say so.
    """
    try:
        if snapshot.stamp(settings.snapshot) == _wanted(settings) or in_child("build") == 0:
            return []
    except FaqError as error:
        say(str(error))
    if snapshot.stamp(settings.snapshot) is None:
        raise SnapshotError("索引未能生成，服务无法启动；原因见上面的提示。")
    say(STALE)
    return [STALE]


def follow(bot: Serving, settings: Settings) -> None:
    """Swap the desk whenever a new snapshot of these documents and this model has taken the place of the old.

    A snapshot of others is somebody's experiment in the same folder.
    """
    seen = _place(settings.snapshot)
    while True:
        time.sleep(POLL_SECONDS)
        now = _place(settings.snapshot)
        if now is not None and now != seen:
            seen = now
            try:
                if snapshot.stamp(settings.snapshot) != _wanted(settings):
                    log.warning("新的索引不属于当前的文档和模型，继续使用原来的索引")
                    continue
                bot.desk = open_desk(settings)
                log.info("已换用新的索引：%d 个条目", len(bot.desk.knowledge.entries))
            except Exception:
                log.exception("新的索引无法使用，继续使用原来的索引")


def encoder_of(settings: Settings) -> Encoder | None:
    """The encoder, made where it is missing; None, said aloud, where it cannot be had."""
    if settings.faq_model == NO_MODEL:
        return None
    try:
        return load_encoder(prepare_model(settings.faq_model, settings.models, say=say))
    except ModelError as error:
        say(f"语义模型不可用，仅使用关键词检索。{error}")
        return None


def ready_encoder(settings: Settings) -> Encoder | None:
    """The encoder if it is ready."""
    if _model_id(settings) is None:
        return None
    return load_encoder(prepare_model(settings.faq_model, settings.models, say=say))


def segmenter_of(settings: Settings, knowledge: KnowledgeBase) -> Segmenter:
    """The segmenter with the words of a knowledge base; its cache lies in the data folder."""
    return Segmenter(terms(knowledge), settings.data_dir / "cache")


def reasons_of(settings: Settings) -> tuple[Reason, ...]:
    """The reasons declared beside the documents."""
    documents = settings.faq_documents
    return read_reasons((documents if documents.is_dir() else documents.parent) / "reasons.toml")


def in_child(command: str) -> int:
    """The exit status of a command run in a process of its own, which leaves nothing imported here."""
    return subprocess.run([sys.executable, str(COMMAND), command], check=False).returncode  # noqa: S603


def say(line: str) -> None:
    """Say a line to the operator."""
    print(line, file=sys.stderr, flush=True)


def _wanted(settings: Settings) -> Stamp:
    """The stamp of a snapshot of the documents as they are now and the model that is ready (None: keywords only)."""
    return Stamp(read_folder(settings.faq_documents).content_hash, _model_id(settings))


def _place(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _model_id(settings: Settings) -> str | None:
    return None if settings.faq_model == NO_MODEL else model_id_of(settings.faq_model, settings.models)


def _previous(settings: Settings) -> Snapshot | None:
    try:
        return snapshot.load(settings.snapshot)
    except SnapshotError:
        return None


class _Progress:
    """Says every tenth part of the encoding."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, done: int, of: int) -> None:
        tenth = done * 10 // max(of, 1)
        if tenth > self._said:
            self._said = tenth
            say(f"正在编码文本：{done}/{of}")
