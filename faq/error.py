"""The errors of the knowledge package: few, in Chinese, each naming the file to look into.

    FaqError                 whatever went wrong here; catch this one at the edges
    ├── DocumentError        a document (or its similar questions, or a JSONL of entries) cannot be read
    └── CatalogError         catalog.toml is not what it should be

Who sees them: the person who runs the command line or publishes a document. What to do: open the named file at the
named line, mend it, run again. Nothing is half-loaded: a document is read whole or refused.
"""

from __future__ import annotations

from pathlib import Path


class FaqError(Exception):
    """Base of every error this package raises on purpose; its text is Chinese and fit to be shown."""


class DocumentError(FaqError):
    """A file that cannot be read as knowledge. Seen by the publisher, who mends the named line (counted from 1)."""

    def __init__(self, path: Path, line: int | None, message: str) -> None:
        super().__init__(path, line, message)
        self.path = path
        self.line = line
        self.message = message

    def __str__(self) -> str:
        place = f"{self.path} 第 {self.line} 行" if self.line is not None else f"{self.path}"
        return f"{place}：{self.message}"


class CatalogError(FaqError):
    """A catalog with a wrong field. Seen by the operator, who mends the named table of the file."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}：{self.message}"
