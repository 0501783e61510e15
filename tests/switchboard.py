"""Fixtures of tests of QQ; a test module takes them with `pytest_plugins = ("switchboard",)`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from telephone import House, open_house


@pytest.fixture(scope="session")
def house(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that many tests share, each with people of its own."""
    with open_house(built, tmp_path_factory.mktemp("qq")) as house:
        yield house


@pytest.fixture
def empty_house(built: Path, tmp_path: Path) -> Iterator[House]:
    """A house of the test's own."""
    with open_house(built, tmp_path) as house:
        yield house
