"""Similar questions and uncovered topics written back into their files, comments, order and line breaks kept.

Files are bytes by name, as they stand in a folder of documents; nothing is read from or written to a disk here. What
stands in no similar questions' file is left alone. tomlkit is imported where something is written: serving has no use
for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from faq.error import DocumentError
from faq.knowledge import SIMILAR, UNCOVERED

Files: TypeAlias = Mapping[str, bytes]
"""Contents by name."""

_EMPTY: Final = b"topics = [\n]\n"


def read_tables(files: Files) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Entry id → the question that its similar questions were written for, and these, of files that were read before.

    DocumentError for a file that no reading would take.
    """
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name in _similar(files):
        for entry, table in _read(name, files[name]).items():
            question, known = found.get(entry, (table["question"], ()))
            found[entry] = question, tuple(dict.fromkeys((*known, *table["similar"])))
    return found


def read_topics(files: Files) -> tuple[str, ...]:
    """The uncovered topics."""
    if UNCOVERED not in files:
        return ()
    return tuple(dict.fromkeys(_read(UNCOVERED, files[UNCOVERED]).get("topics", [])))


def with_similar(
    files: Files, entry: str, question: str, *, add: Collection[str] = (), drop: Collection[str] = ()
) -> dict[str, bytes]:
    """The files with similar questions of an entry added and dropped.

    They go where the entry's others stand; `question` heads the table that is made where it has none.
    """
    written = dict(files)
    homes = [name for name in _similar(files) if entry in _read(name, files[name])]
    for name in homes:
        written[name] = _changed(files[name], [entry, "similar"], add if name == homes[0] else (), drop)
    if add and not homes:
        name = f"{entry.rpartition('-')[0] or 'common'}{SIMILAR}"
        written[name] = _with_table(files.get(name, b""), entry, question, add)
    return written


def with_question(files: Files, entry: str, question: str) -> dict[str, bytes]:
    """The files in which the similar questions of an entry are written for that question."""
    written = dict(files)
    for name in _similar(files):
        if entry in _read(name, files[name]):
            document = _parsed(files[name])
            document[entry]["question"] = question
            written[name] = document.as_string().encode()
    return written


def with_topics(files: Files, *, add: Collection[str] = (), drop: Collection[str] = ()) -> dict[str, bytes]:
    """The files with uncovered topics added and dropped."""
    if not add and UNCOVERED not in files:
        return dict(files)
    return {**files, UNCOVERED: _changed(files.get(UNCOVERED) or _EMPTY, ["topics"], add, drop)}


def _changed(data: bytes, place: Iterable[str], add: Collection[str], drop: Collection[str]) -> bytes:
    """The file with texts added at the end of a list, unless they are there, and dropped from it."""
    found: Any = _parsed(data)
    document = found
    *above, last = place
    for key in above:
        found = found[key]
    if last not in found:
        found[last] = []
    texts = found[last]
    for at in range(len(texts) - 1, -1, -1):
        if texts[at] in drop:
            del texts[at]
    for text in dict.fromkeys(add):
        if text not in texts:
            texts.append(text)
    return str(document.as_string()).encode()


def _with_table(data: bytes, entry: str, question: str, similar: Collection[str]) -> bytes:
    """The file with a table at its end, written as the others are: one text a line."""
    import tomlkit  # noqa: PLC0415 — see above

    def quoted(text: str) -> str:
        return tomlkit.string(text).as_string()

    lines = [
        f"[{quoted(entry)}]",
        f"question = {quoted(question)}",
        "similar = [",
        *(f"    {quoted(text)}," for text in dict.fromkeys(similar)),
        "]",
    ]
    text = data.decode("utf-8-sig")
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    return (before + "\n".join(lines) + "\n").encode()


def _similar(files: Files) -> list[str]:
    return sorted(name for name in files if name.endswith(SIMILAR))


def _parsed(data: bytes) -> Any:
    import tomlkit  # noqa: PLC0415 — see above

    return tomlkit.parse(data.decode("utf-8-sig"))


def _read(name: str, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:  # neither UTF-8 nor TOML
        raise DocumentError(Path(name), None, f"不是有效的 TOML（{error}）。") from error
