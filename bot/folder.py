"""The documents folder as files come from it and go back into it. What is in them is not looked at here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from itertools import count
from pathlib import Path
from typing import Final

from bot.shelf import plain, write
from bot.version import CannotWrite, Unconfirmed, Unreadable, files_in
from faq.writing import Files

ASIDE: Final = ".bak"
"""What is added to the name of a file that nobody has confirmed, where it has to make room all the same."""


def read(documents: Path) -> dict[str, bytes]:
    """The knowledge files of a folder or beside a document; Unreadable."""
    try:
        return files_in(documents)
    except OSError as error:
        raise Unreadable(f"{Path(error.filename or documents).name}：无法读取（{error.strerror}）。") from error


def put(files: Files, documents: Path, *, known: Collection[Files], force: bool) -> list[str]:
    """Make a folder hold these files, each written whole or not at all; the names of what was written or removed.

    Unconfirmed where a file is none of `known`; with `force` such a file is put aside under another name. CannotWrite.
    """
    home = documents.parent if documents.is_file() else documents
    there = read(documents) if documents.exists() else {}
    own = [name for name, data in there.items() if files.get(name) != data]
    strange = [name for name in own if all(state.get(name) != there[name] for state in known)]
    if strange and not force:
        raise Unconfirmed(f"文档文件夹中有尚未确认的改动（{'、'.join(sorted(strange))}），请先确认，或选择强制导出。")
    written = sorted(name for name, data in files.items() if there.get(name) != data)
    removed = sorted(name for name in own if name not in files)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name in strange:
            write(_aside(home / name), there[name])
        for name in written:
            write(home / plain(name), files[name])
        for name in removed:
            (home / name).unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(f"文档文件夹不能写入（{error.strerror}），请检查权限，或下载压缩包后自行放入。") from error
    return sorted([*written, *removed])


def _aside(path: Path) -> Path:
    """Where a file makes room to, beside what has made room before: nobody has confirmed that either."""
    names = (path.with_name(f"{path.name}{ASIDE}{number or ''}") for number in count())
    return next(name for name in names if not name.exists())


def packed(files: Files) -> bytes:
    """A ZIP of the files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(plain(name), data)
    return out.getvalue()
