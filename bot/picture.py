"""Pictures that visitors upload: judged by their content, drawn anew, and kept outside the web root.

What a stranger sends is decoded in a process of its own, which ends after each picture: one at a time, with limits of
memory and time. So the server holds no more than the upload and its result, at most 16 MiB, whatever the file decodes
to. The other process peaks at about 60 MB for a phone's screenshot and 640 MB for the worst file accepted; a file that
takes more memory or time, or brings down a decoder, is a picture that cannot be used.

Only the pixels of the first frame survive. Position, camera, comments, colour profile and whatever else is in the
file or behind its end do not. Nothing here tells what a picture shows.
"""

from __future__ import annotations

import io
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

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

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

_MEMORY: Final = 1024**3
_WAIT: Final = 10.0
_SCANS: Final = 64
_SCAN: Final = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_QUALITIES: Final = (90, 75, 50, 25)
_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg"}
_KINDS: Final[tuple[tuple[re.Pattern[bytes], type[ImageFile]], ...]] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImageFile),
    (re.compile(rb"GIF8[79]a"), GifImageFile),
    (re.compile(rb"BM"), BmpImageFile),
)
"""The classes themselves and not Image.open, which would try others and follow a JPEG into formats built upon it."""

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""From the EXIF orientation to what sets it upright."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_PART: Final = ".part"
_UNKNOWN: Final = "无法识别这个文件，请上传 PNG、JPEG、WebP、BMP 或 GIF 格式的图片。"
_BROKEN: Final = "这张图片不完整或已损坏，请重新截图或保存后再上传。"
_BUSY: Final = "现在上传图片的人较多，请稍后再试。"
_HEAVY: Final = f"图片不能超过 {LARGEST // 1024**2} MB，请裁剪或压缩后再上传。"
_HUGE: Final = "图片的尺寸过大，请截取需要的部分后再上传。"


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


_turn = threading.Lock()


def clean(data: bytes) -> Picture:
    """The picture of an upload, drawn anew, upright and of at most `KEPT_PIXELS` pixels; PictureError if there is none.

    JPEG stays JPEG; the others become PNG, or JPEG where that would exceed `LARGEST` bytes. Waits while another
    thread's picture is drawn. RuntimeError where the machine cannot draw pictures at all.
    """
    if len(data) > LARGEST:
        raise PictureTooLarge(_HEAVY)
    _kind(data)
    if not _turn.acquire(timeout=_WAIT):
        raise PictureBusy(_BUSY)
    try:
        # -P keeps the modules beside this file from shadowing others of the same name.
        command = [sys.executable, "-P", "-W", "ignore", __file__]
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise PictureError(_BROKEN) from error
    finally:
        _turn.release()
    if done.returncode == 1:
        raise RuntimeError(f"Pictures cannot be drawn here: {done.stderr.decode(errors='replace')[-2000:]}")
    if done.returncode == _EXITS[PictureTooLarge]:
        raise PictureTooLarge(_HUGE)
    if done.returncode:
        raise PictureError(_BROKEN)
    head, _, drawn = done.stdout.partition(b"\n")
    media_type, width, height = head.decode().split(" ")
    return Picture(drawn, media_type, int(width), int(height))


def draw(data: bytes) -> Picture:
    """What `clean` does, in this process: without its limits of memory and time, and with all that decoding takes."""
    try:
        kind = _kind(data)
        return _encoded(_upright(kind, data), "JPEG" if kind is JpegImageFile else "PNG")
    except PictureError:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge(_HUGE) from error
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, IndexError and others.
        raise PictureError(_BROKEN) from error


def _kind(data: bytes) -> type[ImageFile]:
    for start, kind in _KINDS:
        if start.match(data):
            return kind
    raise PictureError(_UNKNOWN)


def _upright(kind: type[ImageFile], data: bytes) -> Image.Image:
    # A few bytes of scan make the decoder go over the whole picture again.
    if kind is JpegImageFile and len(_SCAN.findall(data)) > _SCANS:
        raise PictureError(_BROKEN)
    with kind(io.BytesIO(data)) as image:
        width, height = image.size
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            raise PictureTooLarge(_HUGE)
        image.load()
        turn = _turn_of(image)
        drawn = _scaled(_plain(image))
    if turn is not None:
        drawn = drawn.transpose(turn)
    drawn.info = {}
    return drawn


def _turn_of(image: ImageFile) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:  # Broken EXIF, which need not break the picture.
        return None


def _plain(image: Image.Image) -> Image.Image:
    """Grey, colour, or colour with transparency, of eight bits each."""
    if image.mode.startswith("I"):  # Sixteen bits of grey.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def _scaled(image: Image.Image) -> Image.Image:
    width, height = image.size
    scale = min(1.0, (KEPT_PIXELS / (width * height)) ** 0.5, KEPT_SIDE / max(width, height))
    if scale == 1:
        return image
    return image.resize((max(1, int(width * scale)), max(1, int(height * scale))))


def _encoded(image: Image.Image, kind: str) -> Picture:
    file = io.BytesIO()
    if kind == "PNG":
        image.save(file, "PNG")
        if file.tell() > LARGEST:
            kind = "JPEG"
            if image.mode == "RGBA":
                opaque = Image.new("RGB", image.size, "white")
                opaque.paste(image, mask=image)
                image = opaque
    if kind == "JPEG":
        for quality in _QUALITIES:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality)
            if file.tell() <= LARGEST:
                break
    return Picture(file.getvalue(), _TYPES[kind], *image.size)


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


_EXITS: Final[dict[type[PictureError], int]] = {PictureError: 3, PictureTooLarge: 4}


def _main() -> int:
    """Draw the picture on standard input: a line that describes it and its bytes on standard output, or a status."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415

        for kind, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
            hard = resource.getrlimit(kind)[1]
            limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (limit, limit))
    try:
        picture = draw(sys.stdin.buffer.read())
    except PictureError as error:
        return _EXITS[type(error)]
    sys.stdout.buffer.write(f"{picture.media_type} {picture.width} {picture.height}\n".encode() + picture.data)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
