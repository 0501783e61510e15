"""Drawing a picture anew, in a process of its own that `picture` starts: what a stranger sends is decoded nowhere else.

Reads a file on standard input; writes a line that describes the picture and its bytes to standard output.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Final

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bot.picture import (
    BROKEN,
    EXITS,
    HUGE,
    KEPT_PIXELS,
    KEPT_SIDE,
    LARGEST,
    LONGEST_SIDE,
    MOST_PIXELS,
    SECONDS,
    Picture,
    PictureError,
    PictureTooLarge,
    kind_of,
)

_MEMORY: Final = 1024**3
_SCANS: Final = 64
_SCAN: Final = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_QUALITIES: Final = (90, 75, 50, 25)
_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg"}
_CLASSES: Final[dict[str, type[ImageFile]]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WebP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
}
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


def draw(data: bytes) -> Picture:
    """What `picture.clean` does, in this process: without limits of memory and time, with all that decoding takes."""
    try:
        kind = _CLASSES[kind_of(data)]
        return _encoded(_upright(kind, data), "JPEG" if kind is JpegImageFile else "PNG")
    except PictureError:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge(HUGE) from error
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, IndexError and others.
        raise PictureError(BROKEN) from error


def _upright(kind: type[ImageFile], data: bytes) -> Image.Image:
    # A few bytes of scan make the decoder go over the whole picture again.
    if kind is JpegImageFile and len(_SCAN.findall(data)) > _SCANS:
        raise PictureError(BROKEN)
    with kind(io.BytesIO(data)) as image:
        width, height = image.size
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            raise PictureTooLarge(HUGE)
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
        return EXITS[type(error)]
    sys.stdout.buffer.write(f"{picture.media_type} {picture.width} {picture.height}\n".encode() + picture.data)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
