"""What no log may hold: phone numbers, ID numbers, credit codes, and secrets the caller knows of.

Looks for them on its own, by shape and check digit, besides asking `mask` whether it would hide something: a log that
`mask` was to clean cannot be judged by `mask` alone.

    python tests/logscan.py FOLDER|FILE …       1 where something is found
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stdnum.cn import ric, uscc

from bot.mask import mask

_TOGETHER: Final = re.compile(r"(?<=[0-9A-Za-z])[ \-](?=[0-9A-Za-z])")
_MOBILE: Final = re.compile(r"(?<![0-9A-Za-z])(?:\+?86)?1[3-9]\d{9}(?![0-9A-Za-z])")
_EIGHTEEN: Final = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Za-z]{0,7}\d{6})[0-9A-Za-z]{18}(?![0-9A-Za-z])")
_MOMENT: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")


def leaks(text: str, secrets: Collection[str] = ()) -> Iterator[str]:
    """Lines that hold something personal, or one of the `secrets`, each with what is wrong before it."""
    for line in text.splitlines():
        said = unquote(_MOMENT.sub("", line))
        if any(secret in said for secret in secrets):
            yield f"a secret: {line}"
        elif _MOBILE.search(said) or any(map(_is_number, _EIGHTEEN.findall(said))):
            yield f"a number: {line}"
        elif _MOBILE.search(_TOGETHER.sub("", said)) or mask(said) != said:
            yield f"a number, by its looks: {line}"


def scan(folder: Path, name: str = "serve.log", secrets: Collection[str] = ()) -> list[str]:
    """What the logs of that name in and below a folder leak."""
    return [
        f"{path}: {leak}"
        for path in sorted(folder.rglob(name))
        for leak in leaks(path.read_text(encoding="utf-8", errors="replace"), secrets)
    ]


def _is_number(word: str) -> bool:
    return bool(ric.is_valid(word) or uscc.is_valid(word.upper()))


def main() -> int:
    """Scan what is named."""
    found: list[str] = []
    for path in map(Path, sys.argv[1:]):
        found += scan(path) if path.is_dir() else leaks(path.read_text(encoding="utf-8", errors="replace"))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
