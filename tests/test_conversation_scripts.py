"""Every script of tests/conversations, played on a real server; `script` says what is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from script import SCRIPTS, Play, Stage, read_script, stages

FILES = sorted(SCRIPTS.glob("*.toml"))


@pytest.fixture(scope="module")
def stage_for(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Mapping[str, str]], Stage]]:
    with stages(built, tmp_path_factory.mktemp("stages")) as stage_for:
        yield stage_for


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_conversation_goes_as_its_script_says(path: Path, stage_for: Callable[[Mapping[str, str]], Stage]) -> None:
    """Turn by turn; and whatever was said, nothing was lost, doubled or told otherwise on another way."""
    script = read_script(path)
    Play(script, stage_for(script.settings)).run()


def test_there_are_enough_scripts() -> None:
    """Every reason a person acts for is played to its end, and so are the ways a conversation goes wrong."""
    scripts = [read_script(path) for path in FILES]
    states = [turn.get("tickets", {}) for script in scripts for turn in script.turns]
    handed_in = {reason for state in states for reason, status in state.items() if status == "waiting"}
    assert handed_in == {"unlock", "appeal", "credit_code", "add_region", "other", "human"}
    deeds = {deed for script in scripts for turn in script.turns for deed in turn}
    assert deeds >= {"restart", "reconnect", "again", "agent", "picture", "refused"}
    assert len(scripts) >= 32
