"""Halls to test the outbox in, as fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from outgoing import ENDLESS, Hall


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """One conversation, "c", on a platform that counts replies."""
    hall = Hall(tmp_path / "bot.db")
    hall.open()
    with closing(hall.store):
        yield hall


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Hall]:
    """One conversation, "c", on a platform that forwards, and drops nothing."""
    hall = Hall(tmp_path / "bot.db", ENDLESS, forwards=True)
    hall.open()
    with closing(hall.store):
        yield hall
