"""Figures are made once a minute, whoever asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.handoff import Office
from bot.hours import ALWAYS, Hours
from bot.ledger import GOOD_FOR, MOST, Ledger
from bot.model import Conversation
from bot.store.sqlite import SqliteStore

NOW = datetime.now(UTC)
SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=1)
OFFICE = Office(ALWAYS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        yield store


def ask(store: SqliteStore, name: str) -> None:
    """Begin a conversation."""
    store.write(lambda t: t.add_conversation(Conversation(name, "web", "a", NOW, NOW)))
    store.write(lambda t: t.add_message(name, "visitor", "问", now=NOW))


def test_figures_stand_for_a_minute_and_are_then_made_anew(store: SqliteStore) -> None:
    """What came meanwhile is in the next ones."""
    time = [0.0]
    ledger = Ledger(store, clock=lambda: time[0])
    found = [ledger.figures(SINCE, UNTIL, None, OFFICE).conversations]
    ask(store, "a-conversation-of-today")
    for moment in (GOOD_FOR - 1, GOOD_FOR, GOOD_FOR + 1):
        time[0] = moment
        found.append(ledger.figures(SINCE, UNTIL, None, OFFICE).conversations)
    assert found == [0, 0, 1, 1]


def test_other_days_systems_and_hours_have_figures_of_their_own(store: SqliteStore) -> None:
    """None of them is taken for another's."""
    ledger = Ledger(store)
    first = ledger.figures(SINCE, UNTIL, None, OFFICE)
    ask(store, "a-conversation-of-today")
    assert ledger.figures(SINCE - timedelta(days=1), UNTIL, None, OFFICE).conversations == 1
    assert ledger.figures(SINCE, UNTIL, "a", OFFICE).conversations == 1
    assert ledger.figures(SINCE, UNTIL, None, replace(OFFICE, hours=Hours.read("从不"))).conversations == 1
    assert ledger.figures(SINCE, UNTIL, None, OFFICE) is first


def test_not_all_that_was_ever_asked_is_kept(store: SqliteStore) -> None:
    """The oldest go."""
    ledger = Ledger(store, clock=lambda: 0.0)
    made = [ledger.figures(SINCE, UNTIL + timedelta(days=day), None, OFFICE) for day in range(MOST + 2)]
    assert ledger.figures(SINCE, UNTIL + timedelta(days=MOST + 1), None, OFFICE) is made[-1]
    assert ledger.figures(SINCE, UNTIL, None, OFFICE) is not made[0]
