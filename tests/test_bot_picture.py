"""Uploaded pictures: what survives of them, what is refused, and how they are kept."""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from bot import picture
from bot.drawing import draw
from bot.picture import (
    KEPT_PIXELS,
    LARGEST,
    MOST_PIXELS,
    Picture,
    PictureBusy,
    PictureError,
    PictureFolder,
    PictureTooLarge,
    clean,
)

ID = "x9_-AbCdEfGhIjKl"
SECRET = b"GPS 30.27N 120.15E"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def halves(size: tuple[int, int] = (64, 32)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return image


def shown(drawn: Picture) -> Image.Image:
    with Image.open(io.BytesIO(drawn.data)) as image:
        image.load()
        assert image.get_format_mimetype() == drawn.media_type
        assert image.size == (drawn.width, drawn.height)
        return image.convert("RGBA")


def colour(image: Image.Image, x: int, y: int) -> str:
    red, _, blue, _ = image.getpixel((x, y))
    return {(True, False): "red", (False, True): "blue"}.get((red > 150, blue > 150), "?")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def gif_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(halves(), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def bmp_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(halves(), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def webp_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGBA", (8, 8), (1, 2, 3, 4)), "WEBP", exif=b"Exif\0\0"))
    assert data[12:16] == b"VP8X"
    data[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def plain_webp_of(width: int, height: int) -> bytes:
    return encoded(Image.new("RGB", (width, height)), "WEBP", quality=1, method=0)


def jpeg_of(width: int, height: int) -> bytes:
    data = encoded(halves(), "JPEG")
    return re.sub(rb"(\xff\xc0..\x08)....", lambda m: m[1] + struct.pack(">HH", height, width), data, flags=re.DOTALL)


def chunks(data: bytes) -> list[bytes]:
    names, at = [], 8
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        names.append(data[at + 4 : at + 8])
        at += length + 12
    assert at == len(data)
    return names


def segments(data: bytes) -> list[int]:
    """The markers of a JPEG before its scan."""
    markers, at = [], 2
    while data[at + 1] != 0xDA:
        markers.append(data[at + 1])
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return markers


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/png"),
        ("BMP", "image/png"),
        ("GIF", "image/png"),
    ],
)
def test_a_picture_shows_what_was_uploaded(kind: str, media_type: str) -> None:
    """JPEG stays JPEG, the others become PNG; no name or declared type has a say."""
    drawn = clean(encoded(halves(), kind))
    assert drawn.media_type == media_type
    assert (drawn.width, drawn.height) == (64, 32)
    assert [colour(shown(drawn), x, 16) for x in (8, 56)] == ["red", "blue"]


def test_a_phones_screenshot_is_taken_as_it_is() -> None:
    """1080 by 2400 with an alpha channel, as phones write it; not a pixel changes."""
    image = Image.effect_noise((1080, 2400), 40).convert("RGBA")
    drawn = clean(encoded(image, "PNG"))
    assert drawn.media_type == "image/png"
    assert shown(drawn).tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_understood(mode: str) -> None:
    """Black stays black and white stays white, whatever the file counts in."""
    image = Image.new(mode, (4, 2))
    white = {"LA": (255, 255), "RGB": (255,) * 3, "RGBA": (255,) * 4, "1": 1, "I;16": 65535}.get(mode, 255)
    if mode == "P":
        image.putpalette([0] * 765 + [255] * 3)
    image.paste(white, (2, 0, 4, 2))
    drawn = shown(draw(encoded(image, "PNG")))
    assert [drawn.getpixel((x, 0))[:3] for x in (0, 3)] == [(0, 0, 0), (255, 255, 255)]


def test_the_inks_of_print_become_colours_of_a_screen() -> None:
    """A JPEG in CMYK, which not every browser shows."""
    drawn = draw(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert colour(shown(drawn), 4, 4) == "red"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_transparent_stays_transparent(kind: str) -> None:
    """The page shows through as it did where the picture came from."""
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 8, 16))
    drawn = shown(draw(encoded(image, kind)))
    assert [drawn.getpixel((x, 8))[3] for x in (2, 13)] == [255, 0]


@pytest.mark.parametrize(
    ("orientation", "red"),
    [
        (1, (2, 16)),
        (2, (62, 16)),
        (3, (62, 16)),
        (4, (2, 16)),
        (5, (16, 2)),
        (6, (16, 2)),
        (7, (16, 62)),
        (8, (16, 62)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_set_upright(kind: str, orientation: int, red: tuple[int, int]) -> None:
    """A camera notes how it was held; the note goes, so the pixels have to turn."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    drawn = draw(encoded(halves(), kind, exif=exif))
    assert (drawn.width, drawn.height) == ((64, 32) if orientation < 5 else (32, 64))
    assert colour(shown(drawn), *red) == "red"


def test_where_a_photo_was_taken_is_gone() -> None:
    """Neither EXIF nor XMP, comments or a colour profile are left of a JPEG: no segment but what decoding needs."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[2] = (30.0, 16.0, 12.0)
    data = encoded(halves(), "JPEG", exif=exif, comment=SECRET, icc_profile=SECRET * 10, xmp=SECRET)
    assert data.count(SECRET) > 3
    drawn = draw(data)
    assert SECRET not in drawn.data
    assert set(segments(drawn.data)) <= {0xE0, 0xDB, 0xC0, 0xC4}
    with Image.open(io.BytesIO(drawn.data)) as image:
        assert not image.getexif()


def test_texts_in_a_png_are_gone() -> None:
    """Programs note their names, users' names and times in chunks; only pixels are left."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET.decode())
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode(), zip=True)
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    image = halves().quantize(4)
    drawn = draw(encoded(image, "PNG", pnginfo=texts, exif=exif, icc_profile=SECRET, dpi=(300, 300), transparency=0))
    assert SECRET not in drawn.data
    assert set(chunks(drawn.data)) == {b"IHDR", b"IDAT", b"IEND"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_what_hangs_on_behind_a_picture_is_gone(kind: str) -> None:
    """A file can be a picture and a script, a page or an archive at once; the picture is drawn anew."""
    tail = b"<script>alert(1)</script>PK\x03\x04" + SECRET
    drawn = draw(encoded(halves(), kind) + tail)
    assert b"script" not in drawn.data
    assert SECRET not in drawn.data


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_only_the_first_frame_of_an_animation_is_kept(kind: str) -> None:
    """However many follow."""
    frames = [Image.new("RGB", (16, 16), (0, 0, 255 - number)) for number in range(50)]
    data = encoded(Image.new("RGB", (16, 16), "red"), kind, save_all=True, append_images=frames)
    drawn = draw(data)
    assert colour(shown(drawn), 8, 8) == "red"
    with Image.open(io.BytesIO(drawn.data)) as image:
        assert getattr(image, "n_frames", 1) == 1


def test_a_large_picture_is_scaled_down() -> None:
    """To an area; its shape stays."""
    drawn = draw(encoded(halves((6000, 4000)), "PNG"))
    assert 0.99 * KEPT_PIXELS < drawn.width * drawn.height <= KEPT_PIXELS
    assert drawn.width / drawn.height == pytest.approx(1.5, rel=0.001)
    assert colour(shown(drawn), 10, 10) == "red"


def test_a_long_screenshot_stays_legible() -> None:
    """Scrolling screenshots are much longer than wide; what counts is their width."""
    drawn = draw(encoded(Image.new("L", (1080, 14_000), 255), "PNG"))
    assert (drawn.width, drawn.height) == (1080, 14_000)


def test_what_is_kept_is_no_larger_than_what_may_be_uploaded() -> None:
    """Noise in 256 colours doubles as a PNG of full colour, so it becomes a JPEG."""
    image = Image.frombytes("P", (2800, 2800), os.urandom(2800 * 2800))
    image.putpalette(os.urandom(768))
    data = encoded(image, "PNG")
    assert len(data) < LARGEST
    drawn = draw(data)
    assert drawn.media_type == "image/jpeg"
    assert len(drawn.data) <= LARGEST


def test_a_transparent_picture_too_large_for_png_gets_a_white_ground() -> None:
    """JPEG knows no transparency, and black on black would be illegible."""
    image = Image.frombytes("RGBA", (1800, 1800), os.urandom(1800 * 1800 * 4))
    image.paste((0, 0, 0, 0), (0, 0, 100, 100))
    drawn = draw(encoded(image, "PNG"))
    assert drawn.media_type == "image/jpeg"
    assert min(shown(drawn).getpixel((40, 40))) > 240


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!DOCTYPE html><html><body>hi</body></html>",
        b"%PDF-1.7\n1 0 obj",
        b"PK\x03\x04" + bytes(100),
        b"MZ" + bytes(100),
        b"II*\x00" + bytes(100),
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"P6 2 2 255\n" + bytes(12),
        b"\x00\x00\x01\x00" + bytes(100),
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        "一张图片".encode(),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Nor are the formats that Pillow could read but no visitor needs."""
    with pytest.raises(PictureError, match="无法识别这个文件"):
        clean(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_cut_short_is_refused(kind: str, share: float) -> None:
    """An upload that broke off is not shown in grey; the visitor is told to try again."""
    data = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), kind)
    with pytest.raises(PictureError, match="不完整或已损坏"):
        draw(data[: int(len(data) * share)])


@pytest.mark.parametrize("make", [png_of, jpeg_of, gif_of, bmp_of, webp_of])
def test_a_bomb_is_refused_before_it_goes_off(make) -> None:
    """A few bytes that claim hundreds of millions of pixels."""
    data = make(16_000, 16_000)
    assert len(data) < 100_000
    started = time.process_time()
    with pytest.raises(PictureError):
        draw(data)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("make", [png_of, jpeg_of, gif_of, bmp_of, plain_webp_of])
def test_a_picture_of_too_many_pixels_is_too_large(make) -> None:
    """Not broken: its sender can take a smaller one, and is told so."""
    with pytest.raises(PictureTooLarge, match="尺寸过大"):
        draw(make(5000, MOST_PIXELS // 5000 + 1))


def test_a_picture_of_endless_lines_is_too_large() -> None:
    """Each line costs memory, however short."""
    with pytest.raises(PictureTooLarge):
        draw(png_of(1, MOST_PIXELS))


def test_an_upload_of_too_many_bytes_is_too_large() -> None:
    """Whatever it is; nobody looks into it."""
    with pytest.raises(PictureTooLarge, match="8 MB"):
        clean(bytes(LARGEST + 1))


def test_texts_that_unpack_to_gigabytes_are_refused() -> None:
    """Chunks of compressed text in a PNG are small and grow a thousandfold."""
    data = png_of(8, 8)
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000)))
    with pytest.raises(PictureError):
        draw(data[:33] + text * 1000 + data[33:])


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    """Each of a few bytes makes the decoder go over the whole picture again."""
    data = encoded(Image.new("RGB", (2000, 2000)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert draw(data).width == 2000
    with pytest.raises(PictureError):
        draw(data[:-2] + last * 10_000 + data[-2:])


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\xff" * 40])
def test_a_photo_with_broken_notes_is_still_a_photo(exif: bytes) -> None:
    """The notes are thrown away in any case."""
    assert clean(encoded(halves(), "JPEG", exif=exif)).width == 64


HEADS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x24\0\0\0WEBPVP8 ", b"GIF89a", b"BM")


@given(st.sampled_from(HEADS), st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_what_is_declared(head: bytes, data: bytes) -> None:
    """Also where they begin like a picture."""
    with suppress(PictureError):
        draw(head + data)


@settings(max_examples=300)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF"]), st.data())
def test_a_damaged_picture_raises_nothing_but_what_is_declared(kind: str, data: st.DataObject) -> None:
    """Bytes are changed, lost or doubled anywhere; what still decodes is drawn within the limits."""
    exif = Image.Exif()
    exif[0x0112] = 6
    damaged = bytearray(encoded(halves((24, 16)), kind, **({"exif": exif} if kind in {"PNG", "JPEG", "WEBP"} else {})))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        length = data.draw(st.integers(0, 4))
        damaged[at : at + length] = data.draw(st.binary(max_size=6))
        if not damaged:
            return
    try:
        drawn = draw(bytes(damaged))
    except PictureError:
        return
    assert drawn.width * drawn.height <= KEPT_PIXELS
    shown(drawn)


def test_the_worst_is_left_to_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that dies or hangs, the visitor's picture is at fault and the server lives on."""

    def die(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess([], -11, b"", b"")

    def hang(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        raise subprocess.TimeoutExpired([], 1)

    for end in (die, hang):
        monkeypatch.setattr(picture.subprocess, "run", end)
        with pytest.raises(PictureError, match="已损坏"):
            clean(encoded(halves(), "PNG"))


def test_a_machine_that_cannot_draw_is_not_the_visitors_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without Pillow has to be repaired, so its own words go to the log."""
    failed = subprocess.CompletedProcess([], 1, b"", b"ModuleNotFoundError: No module named 'PIL'")
    monkeypatch.setattr(picture.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(RuntimeError, match="No module named 'PIL'"):
        clean(encoded(halves(), "PNG"))


def test_the_size_that_is_refused_is_told_across_processes() -> None:
    """The reason arrives, not only the refusal."""
    with pytest.raises(PictureTooLarge, match="尺寸过大"):
        clean(png_of(60_000, 60_000))
    with pytest.raises(PictureError, match="已损坏") as broken:
        clean(encoded(halves(), "PNG")[:60])
    assert not isinstance(broken.value, PictureTooLarge)


def test_one_picture_is_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that many uploads at once take no more memory than one; who waits too long is asked to come again."""
    begun, free = threading.Event(), threading.Event()
    run = subprocess.run

    def slow(*arguments: object, **options: object) -> object:
        begun.set()
        assert free.wait(10)
        return run(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(picture, "_WAIT", 0.05)
    monkeypatch.setattr(picture.subprocess, "run", slow)
    first: list[Picture] = []
    thread = threading.Thread(target=lambda: first.append(clean(encoded(halves(), "PNG"))))
    thread.start()
    try:
        assert begun.wait(10)
        with pytest.raises(PictureBusy, match="稍后再试"):
            clean(encoded(halves(), "PNG"))
    finally:
        free.set()
        thread.join()
    assert first[0].width == 64
    assert clean(encoded(halves(), "PNG")).width == 64


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_the_process_that_draws_has_limits() -> None:
    """Of memory and time, taken before it reads a byte of the upload."""
    probe = """
import resource
from bot import drawing

def limits(data):
    print(*(resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)))
    raise SystemExit

drawing.draw = limits
drawing._main()
"""
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", probe], input=b"", capture_output=True, check=True, cwd=root)
    memory, seconds = map(int, done.stdout.split())
    assert memory <= 1024**3
    assert seconds <= picture.SECONDS


def test_a_kept_picture_can_be_read_by_whoever_opens_the_folder_next(tmp_path: Path) -> None:
    """It survives the process that kept it."""
    kept = draw(encoded(halves(), "PNG"))
    PictureFolder(tmp_path / "data" / "pictures").keep(ID, kept)
    again = PictureFolder(tmp_path / "data" / "pictures")
    assert again.read(ID) == kept.data
    assert list(again.ids()) == [ID]


def test_nobody_else_on_the_machine_can_read_a_picture(tmp_path: Path) -> None:
    """The folder and its files are the program's own, under any umask."""
    before = os.umask(0)
    try:
        PictureFolder(tmp_path / "pictures").keep(ID, Picture(b"data", "image/png", 1, 1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "pictures").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "pictures" / ID).stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    """It is made when the first picture comes, not by looking."""
    folder = PictureFolder(tmp_path / "pictures")
    assert folder.read(ID) is None
    assert list(folder.ids()) == []
    folder.delete(ID)
    assert not (tmp_path / "pictures").exists()


def test_a_deleted_picture_is_gone(tmp_path: Path) -> None:
    """Once or twice, to the same effect."""
    folder = PictureFolder(tmp_path)
    folder.keep(ID, Picture(b"data", "image/png", 1, 1))
    folder.delete(ID)
    folder.delete(ID)
    assert folder.read(ID) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "picture_id",
    ["", ".", "..", "short", "x" * 65, "../" + ID, ID + "/../../etc", "/etc/passwd/aaaaaaa", ID + "\n", ID + ".part",
     ID + "\0", "图" * 16, "..\\" + ID],
)  # fmt: skip
def test_no_path_can_be_smuggled_in_a_name(tmp_path: Path, picture_id: str) -> None:
    """Nothing outside the folder is read, written or deleted."""
    folder = PictureFolder(tmp_path / "pictures")
    with pytest.raises(ValueError, match="id"):
        folder.read(picture_id)
    with pytest.raises(ValueError, match="id"):
        folder.delete(picture_id)
    with pytest.raises(ValueError, match="id"):
        folder.keep(picture_id, Picture(b"data", "image/png", 1, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told, and no half of a picture is ever read."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(picture.os, "fsync", full)
    folder = PictureFolder(tmp_path)
    with pytest.raises(OSError, match="No space"):
        folder.keep(ID, Picture(b"data", "image/png", 1, 1))
    assert folder.read(ID) is None
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_unfinished_can_be_cleared_up(tmp_path: Path) -> None:
    """It is listed by its id and deleted like a picture, but never read as one."""
    (tmp_path / f"{ID}.part").write_bytes(b"half")
    (tmp_path / "README").write_bytes(b"not ours")
    folder = PictureFolder(tmp_path)
    assert folder.read(ID) is None
    assert list(folder.ids()) == [ID]
    folder.delete(ID)
    assert [path.name for path in tmp_path.iterdir()] == ["README"]


def test_clearing_up_can_spare_what_has_only_just_come(tmp_path: Path) -> None:
    """A picture lies there a moment before its message does."""
    folder = PictureFolder(tmp_path)
    for name, age in ((ID, 0), ("old" + ID, 7200)):
        folder.keep(name, Picture(b"data", "image/png", 1, 1))
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert list(folder.ids(older_than=3600)) == ["old" + ID]
