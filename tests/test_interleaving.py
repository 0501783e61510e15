"""A visitor, staff, the clock and the sweeper in any order; see `interleaving`, whose long run is not in the suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import interleaving
import pytest

from bot import agent
from bot.response import Seen

SCENARIOS = 300
RUNNING_FREE = 40


def faults_of(numbers: range, folder: Path, *, free: bool = False) -> tuple[list[str], Counter[str]]:
    """The scenarios with faults, each with its first one, and what happened in all of them."""
    found, happened = [], Counter[str]()
    for number in numbers:
        faults, counted = interleaving.run(number, folder, free=free)
        found += [f"{number}: {fault}" for fault in faults[:1]]
        happened += counted
    return found, happened


def test_no_interleaving_breaks_a_rule(tmp_path: Path) -> None:
    """Nobody shares a conversation, no message is lost, doubled or made up, no ticket goes where it cannot."""
    found, happened = faults_of(range(SCENARIOS), tmp_path)
    assert found == []
    rare = {"transferred", "cancelled", "expired", "reopened", "rated", "released", "closed", "resolved", "agent"}
    assert rare <= happened.keys(), "some of what can happen did not"


def test_threads_that_go_as_they_like_break_no_rule(tmp_path: Path) -> None:
    """The same with real threads, whose order no generator chose."""
    found, _ = faults_of(range(SCENARIOS, SCENARIOS + RUNNING_FREE), tmp_path, free=True)
    assert found == []


def test_a_number_brings_its_scenario_back(tmp_path: Path) -> None:
    """Word for word, so that a failure can be looked at."""
    told: list[list[str]] = [[], []]
    for lines in told:
        interleaving.run(7, tmp_path, tell=lines.append)
    assert told[0] == told[1]
    assert len(told[0]) > 5


class _Whatever(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def _forget_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seen, "sequence", property(lambda _: _Whatever()))


def _forget_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "_owned", lambda transaction, number, _, **__: agent._find(transaction, number))


@pytest.mark.parametrize(
    ("harm", "noticed"),
    [(_forget_order, "that is another by now"), (_forget_owner, "writes in")],
)
def test_a_missing_check_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[pytest.MonkeyPatch], None], noticed: str
) -> None:
    """Without the bot's look at what came first, or the agents' at whose a conversation is, the scenarios fail."""
    harm(monkeypatch)
    found = (fault for number in range(SCENARIOS) for fault in interleaving.run(number, tmp_path)[0])
    assert any(noticed in fault for fault in found)
