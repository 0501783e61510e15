"""Pictures that visitors and staff upload: judged by their content, drawn anew, and kept outside the web root.

What a stranger sends is decoded in a process of its own, which ends after each picture: one at a time, with limits of
memory and time. So the server holds no more than the upload and its result, at most 16 MiB, whatever the file decodes
to. The other process peaks at about 60 MB for a phone's screenshot and 640 MB for the worst file accepted; a file that
takes more memory or time, or brings down a decoder, is a picture that cannot be used.

Only the pixels of the first frame survive. Position, camera, comments, colour profile and whatever else is in the
file or behind its end do not. Nothing here tells what a picture shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an upload, and of what is kept of it."""

MOST_PIXELS: Final = 25_000_000
"""Of an upload: three 4K screens, a long screenshot of ten phone screens, the photo of most phones."""

LONGEST_SIDE: Final = 65_535
"""Pixels of an upload's side, as in JPEG. Decoders take memory for each line, however short."""

KEPT_PIXELS: Final = 16_000_000
"""Pixels of what is kept. An area, since a long screenshot cut down to some height could not be read."""

KEPT_SIDE: Final = 16_000
"""Pixels of a side of what is kept; browsers draw no longer ones reliably."""

SECONDS: Final = 15
"""Time to draw one picture anew; a phone's screenshot takes less than one."""

_WAIT: Final = 10.0
STARTS: Final = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM"),
}
"""What files of the kinds that are accepted begin with."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_PART: Final = ".part"
UNKNOWN: Final = "无法识别这个文件，请上传 PNG、JPEG、WebP、BMP 或 GIF 格式的图片。"
BROKEN: Final = "这张图片不完整或已损坏，请重新截图或保存后再上传。"
BUSY: Final = "现在上传图片的人较多，请稍后再试。"
HEAVY: Final = f"图片不能超过 {LARGEST // 1024**2} MB，请裁剪或压缩后再上传。"
HUGE: Final = "图片的尺寸过大，请截取需要的部分后再上传。"


class PictureError(Exception):
    """An upload that is no picture, or none that can be used; the visitor sees the Chinese message."""


class PictureTooLarge(PictureError):
    """An upload of too many bytes or pixels; the visitor sees the Chinese message, which says what to do."""


class PictureBusy(PictureError):
    """Others' pictures took too long to wait for; the visitor sees the Chinese message and can try again."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture safe to show: `data` is a PNG or a JPEG, as `media_type` says, of pixels and nothing else."""

    data: bytes
    media_type: str
    width: int
    height: int


EXITS: Final[dict[type[PictureError], int]] = {PictureError: 3, PictureTooLarge: 4}
"""What the drawing process ends with."""

_ROOT: Final = Path(__file__).resolve().parent.parent
_turn = threading.Lock()


def clean(data: bytes) -> Picture:
    """The picture of an upload, drawn anew, upright and of at most `KEPT_PIXELS` pixels; PictureError if there is none.

    JPEG stays JPEG; the others become PNG, or JPEG where that would exceed `LARGEST` bytes. Waits while another
    thread's picture is drawn. RuntimeError where the machine cannot draw pictures at all.
    """
    if len(data) > LARGEST:
        raise PictureTooLarge(HEAVY)
    kind_of(data)
    if not _turn.acquire(timeout=_WAIT):
        raise PictureBusy(BUSY)
    try:
        command = [sys.executable, "-W", "ignore", "-m", "bot.drawing"]
        done = subprocess.run(  # noqa: S603
            command, input=data, capture_output=True, timeout=SECONDS, check=False, cwd=_ROOT
        )
    except subprocess.TimeoutExpired as error:
        raise PictureError(BROKEN) from error
    finally:
        _turn.release()
    if done.returncode == 1:
        raise RuntimeError(f"Pictures cannot be drawn here: {done.stderr.decode(errors='replace')[-2000:]}")
    if done.returncode == EXITS[PictureTooLarge]:
        raise PictureTooLarge(HUGE)
    if done.returncode:
        raise PictureError(BROKEN)
    head, _, drawn = done.stdout.partition(b"\n")
    media_type, width, height = head.decode().split(" ")
    return Picture(drawn, media_type, int(width), int(height))


def kind_of(data: bytes) -> str:
    """The kind of picture that a file begins like; PictureError where it is none that is accepted."""
    for kind, start in STARTS.items():
        if start.match(data):
            return kind
    raise PictureError(UNKNOWN)


class PictureFolder:
    """Pictures in a folder that only this program's user can read. An id is random and used once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, picture_id: str, picture: Picture) -> None:
        """Write a picture; when this returns it survives a loss of power. OSError where the disk fails or is full."""
        path = self._path(picture_id)
        part = path.with_name(path.name + _PART)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(picture.data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self, picture_id: str) -> bytes | None:
        """The bytes of a picture; None where it is not kept."""
        try:
            return self._path(picture_id).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, picture_id: str) -> None:
        """Remove a picture and what is left of an attempt to keep it; without effect where there is none."""
        path = self._path(picture_id)
        path.unlink(missing_ok=True)
        path.with_name(path.name + _PART).unlink(missing_ok=True)

    def ids(self, *, older_than: float = 0) -> Iterator[str]:
        """Ids of what lies in the folder for so many seconds, unfinished too; one that no message names can go."""
        if not self._folder.is_dir():
            return
        until = time.time() - older_than
        for path in self._folder.iterdir():
            picture_id = path.name.removesuffix(_PART)
            try:
                if _ID.fullmatch(picture_id) and (older_than <= 0 or path.stat().st_mtime <= until):
                    yield picture_id
            except FileNotFoundError:
                continue

    def _path(self, picture_id: str) -> Path:
        if not _ID.fullmatch(picture_id):
            raise ValueError("A picture's id has 16 to 64 letters, digits, - and _.")
        return self._folder / picture_id
