"""The index on disk and the desk over it: built, kept up to date, opened.

The command line and the server go through here, so that both see the same documents, model and thresholds. Whose
documents these are, the folder's or those of the published version, is the caller's to say.
"""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.desk import Desk
from bot.escalation import Reason, read_reasons
from bot.settings import NO_MODEL, Settings
from bot.shelf import Shelf
from faq.error import FaqError
from faq.knowledge import KnowledgeBase, read_folder
from index import snapshot
from index.build import build as build_snapshot
from index.encoder import Encoder, ModelError, load_encoder
from index.hybrid import HybridIndex
from index.model import model_id_of, prepare_model
from index.segment import Segmenter, terms
from index.snapshot import Snapshot, SnapshotError, Stamp

MANY: Final = 3000
"""Questions from which on what follows their encoding takes long enough to be announced."""
STALE: Final = "文档或模型有变化，但重新生成索引失败，目前使用的是上一次的索引。"
NICE: Final = 10
"""By how much a child gives way while somebody is served."""
LIFELINE: Final = "LIFELINE"
COMMAND: Final = Path(__file__).resolve().parent.parent / "serve.py"
_HANDED_ON: Final = {name for name in Settings.model_fields if name.startswith(("data_", "faq_"))}
"""Settings that a child works with, whatever its environment says."""


def build(settings: Settings, documents: Path | None = None) -> None:
    """Make the model and the index of documents; what is there and still right is used again."""
    knowledge = read_folder(documents or settings.faq_documents)
    for warning in knowledge.warnings:
        say(warning)
    say(f"正在生成索引：{len(knowledge.entries)} 个条目……")
    started = time.perf_counter()
    made = make(settings, knowledge, segmenter_of(settings, knowledge), encoder_of(settings))
    replaced = snapshot.stamp(settings.snapshot)
    if replaced and replaced != Stamp(knowledge.content_hash, made.model_id):
        Shelf(settings.data_dir).find(replaced)  # which keeps it: whoever goes back to that model need not wait again
    snapshot.save(made, settings.snapshot)
    say(f"索引已生成，共 {len(made.phrasings)} 条检索文本，用时 {time.perf_counter() - started:.1f} 秒。")


def make(settings: Settings, knowledge: KnowledgeBase, segmenter: Segmenter, encoder: Encoder | None) -> Snapshot:
    """A snapshot in memory, with vectors of the last one on disk that is of the same model."""
    from index.calibrate import calibrated  # noqa: PLC0415 — brings scipy's optimizer, which serving has no use for

    questions = sum(1 + len(entry.similar) for entry in knowledge.entries)
    aloud = say if questions >= MANY else None
    previous = _previous(settings, encoder)
    made = build_snapshot(knowledge, segmenter, encoder, previous=previous, progress=_Progress(), say=aloud)
    return calibrated(made, segmenter, encoder, say=aloud)


def open_desk(
    settings: Settings,
    notes: Sequence[str] = (),
    *,
    path: Path | None = None,
    documents: Path | None = None,
    running: Desk | None = None,
) -> Desk:
    """The desk over a snapshot on disk, that of the last build where none is named, and the reasons beside `documents`.

    Dictionary, encoder and snapshot are loaded side by side; encoder and thresholds are those of the `running` desk,
    where there is one.
    """
    with ThreadPoolExecutor() as pool:
        ready = pool.submit(_encoder_for, settings, running)
        made = snapshot.load(path or settings.snapshot)
        segmenter = segmenter_of(settings, made.knowledge)
        index = HybridIndex(made, segmenter, ready.result())
    thresholds = running.thresholds if running else settings.thresholds
    return Desk(index, reasons_of(settings, documents), thresholds, notes, hours=settings.office.hours)


def desk_for(settings: Settings, documents: Path | None = None) -> Desk:
    """The desk that a command asks about documents, the folder's where none are named.

    What a server may be using in the same data folder is not touched by it.
    """
    found = Shelf(settings.data_dir).find(stamp_of(settings, documents))
    if found is not None:
        return open_desk(settings, path=found, documents=documents)
    if snapshot.stamp(settings.snapshot) is None and documents in (None, settings.faq_documents):
        bring_up_to_date(settings, documents)
        return open_desk(settings, documents=documents)
    return throw_away_desk(settings, read_folder(documents or settings.faq_documents), reasons_of(settings, documents))


def throw_away_desk(settings: Settings, knowledge: KnowledgeBase, reasons: Sequence[Reason]) -> Desk:
    """A desk over any knowledge base; nothing is kept."""
    if settings.faq_model != NO_MODEL and model_id(settings) is None:
        in_child(settings, "model")
    encoder, segmenter = ready_encoder(settings), segmenter_of(settings, knowledge)
    made = make(settings, knowledge, segmenter, encoder)
    return Desk(HybridIndex(made, segmenter, encoder), reasons, settings.thresholds, hours=settings.office.hours)


def bring_up_to_date(settings: Settings, documents: Path | None = None) -> list[str]:
    """Build in a child process where no snapshot is of these documents and this model.

    In a child, because making the model imports PyTorch, which serving never does. When that fails and an older
    snapshot is there, it serves on; the notes say so.
    """
    try:
        if Shelf(settings.data_dir).find(stamp_of(settings, documents)) or in_child(settings, "build") == 0:
            return []
    except FaqError as error:
        say(str(error))
    if not Shelf(settings.data_dir).newest():
        raise SnapshotError("索引未能生成，服务无法启动；原因见上面的提示。")
    say(STALE)
    return [STALE]


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
    if model_id(settings) is None:
        return None
    return load_encoder(prepare_model(settings.faq_model, settings.models, say=say))


def segmenter_of(settings: Settings, knowledge: KnowledgeBase) -> Segmenter:
    """The segmenter with the words of a knowledge base; its cache lies in the data folder."""
    return Segmenter(terms(knowledge), settings.data_dir / "cache")


def reasons_of(settings: Settings, documents: Path | None = None) -> tuple[Reason, ...]:
    """The reasons declared beside documents, the folder's where none are named."""
    documents = documents or settings.faq_documents
    return read_reasons((documents if documents.is_dir() else documents.parent) / "reasons.toml")


def in_child(settings: Settings, *command: str, nice: int = 0) -> int:
    """The exit status of a command run in a process of its own, which leaves nothing imported here."""
    return await_end(start(settings, *command, nice=nice))


def start(settings: Settings, *command: str, nice: int, keep: Collection[int] = ()) -> subprocess.Popen[bytes]:
    """Start a command in a process of its own, which keeps these descriptors and ends when this process does.

    The process holds one end of a pipe, and this one the other, which the system closes however it comes to its end.
    """
    env = environment(settings) | {LIFELINE: str(nice)}
    return subprocess.Popen(child(*command), env=env, stdin=subprocess.PIPE, pass_fds=keep)  # noqa: S603


def await_end(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process that was started this way, when it has ended; our end of the pipe goes with it."""
    with process:
        return process.wait()


def hold_on() -> None:
    """In a process that was started this way: give way to whoever is served meanwhile, and end with the parent."""
    nice = os.environ.pop(LIFELINE, None)  # a child of this one has its own
    if nice is not None:
        os.nice(int(nice))
        threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()


def child(*command: str) -> list[str]:
    """A command of ours as a process is started with it."""
    return [sys.executable, str(COMMAND), *command]


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a child that is to work with the same data."""
    found = settings.model_dump(include=_HANDED_ON)
    return {**os.environ, **{name.upper(): "" if value is None else str(value) for name, value in found.items()}}


def give_memory_back() -> None:
    """What opening an index took and no longer needs, or what held the one before."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def say(line: str) -> None:
    """Say a line to the operator."""
    print(line, file=sys.stderr, flush=True)


def stamp_of(settings: Settings, documents: Path | None = None) -> Stamp:
    """The stamp of a snapshot of documents as they are now and the model that is ready (None: keywords only)."""
    return Stamp(read_folder(documents or settings.faq_documents).content_hash, model_id(settings))


def model_id(settings: Settings) -> str | None:
    """The model that is ready; None for keyword search only."""
    return None if settings.faq_model == NO_MODEL else model_id_of(settings.faq_model, settings.models)


def _encoder_for(settings: Settings, running: Desk | None) -> Encoder | None:
    """The encoder of the running desk if it is the one that is wanted, else that of the settings."""
    encoder = running.index.encoder if running else None
    return encoder if encoder and encoder.model_id == model_id(settings) else ready_encoder(settings)


def _previous(settings: Settings, encoder: Encoder | None) -> Snapshot | None:
    if encoder is not None:
        for path in Shelf(settings.data_dir).newest():
            with suppress(SnapshotError):
                if (found := snapshot.stamp(path)) and found.model_id == encoder.model_id:
                    return snapshot.load(path)
    return None


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)  # as by a power cut: what is written is written whole or not at all


class _Progress:
    """Says every tenth part of the encoding."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, done: int, of: int) -> None:
        tenth = done * 10 // max(of, 1)
        if tenth > self._said:
            self._said = tenth
            say(f"正在编码文本：{done}/{of}")
