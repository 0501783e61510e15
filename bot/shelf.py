"""Where what the database says lies ready on the disk: versions' files as folders, their indexes as snapshots.

Everything here is known by what it holds, and made again where it is missing or wrong; nothing here is the truth.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.dossier import DossierError
from bot.escalation import ReasonError, read_reasons
from bot.version import CannotWrite, Unreadable, tree_of
from faq.error import FaqError
from faq.knowledge import KnowledgeBase, read_folder
from index import snapshot
from index.snapshot import Stamp

LEFT_OVER: Final = 3600.0
"""Seconds after which a folder that is still being made is left over from a process that was killed."""


class Shelf:
    """The folders of a data folder. Thread-safe; several processes may share it."""

    def __init__(self, data: Path) -> None:
        self._trees, self._snapshots, self._built = data / "knowledge", data / "snapshots", data / "index.db"

    def folder(self, files: Mapping[str, bytes]) -> Path:
        """A folder that holds just these files."""
        place = self._trees / tree_of(files)
        if _read(place) == files:
            return place
        self._trees.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=self._trees, prefix=".part-"))
        try:
            for name, data in files.items():
                write(made / plain(name), data)
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):  # another process has just made it
                made.rename(place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return place

    def read(self, files: Mapping[str, bytes]) -> KnowledgeBase:
        """The files as a knowledge base, which is checked as a whole.

        Unreadable for what cannot be served; its text names file and line.
        """
        self._trees.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._trees, prefix=".read-") as folder:
            for name, data in files.items():
                (Path(folder) / plain(name)).write_bytes(data)
            try:
                read_reasons(Path(folder) / "reasons.toml")
                return read_folder(Path(folder))
            except (FaqError, ReasonError, DossierError) as error:
                raise Unreadable(str(error).replace(f"{folder}/", "").replace(f"{folder}：", "")) from error

    def place(self, stamp: Stamp) -> Path:
        """Where the snapshot of that stamp belongs."""
        name = hashlib.sha256(f"{stamp.content_hash} {stamp.model_id} {stamp.format}".encode()).hexdigest()[:32]
        return self._snapshots / f"{name}.db"

    def find(self, stamp: Stamp) -> Path | None:
        """The snapshot of that stamp, None where there is none; the one that was built last is kept along the way."""
        place = self.place(stamp)
        if snapshot.stamp(place) == stamp:
            return place
        if snapshot.stamp(self._built) != stamp:
            return None
        with suppress(OSError):  # no hard links here, or no space
            self._snapshots.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            os.link(self._built, place)
            return place
        return self._built

    def newest(self) -> list[Path]:
        """Every snapshot, the newest first."""
        found = [path for path in (self._built, *self._snapshots.glob("*.db")) if path.is_file()]
        return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def forget(self, stamp: Stamp) -> None:
        """Throw a snapshot away that turned out to be damaged."""
        self.place(stamp).unlink(missing_ok=True)

    def checks(self, stamp: Stamp) -> Path:
        """Where the findings about that snapshot belong."""
        return self.place(stamp).with_suffix(".checks.json")

    def prune(self, stamps: Collection[Stamp], trees: Collection[str]) -> None:
        """Throw away what is not among these."""
        kept = {self.place(stamp).stem for stamp in stamps}
        for path in self._snapshots.glob("*"):
            if path.name.partition(".")[0] not in kept:
                path.unlink(missing_ok=True)
        for folder in self._trees.glob("*"):
            being_made = folder.name.startswith(".") and not _is_old(folder)
            if folder.name not in trees and not being_made:
                shutil.rmtree(folder, ignore_errors=True)


def plain(name: str) -> str:
    """The name, when it is one of a file in a folder; CannotWrite for anything that leads elsewhere."""
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise CannotWrite(f"文件名「{name}」不能使用。")
    return name


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, so that it is on the disk; OSError."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644  # a file that is there keeps its rights
        Path(part).chmod(mode)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)


def _is_old(folder: Path) -> bool:
    """Whether whoever made it was killed over it: it is there for a moment otherwise."""
    try:
        return time.time() - folder.stat().st_mtime > LEFT_OVER
    except OSError:
        return False


def _read(folder: Path) -> dict[str, bytes]:
    try:
        return {path.name: path.read_bytes() for path in folder.iterdir()}
    except OSError:
        return {}
