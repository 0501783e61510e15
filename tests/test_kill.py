"""The real server killed at random moments; see `kill`, whose long run is not in the suite."""

from __future__ import annotations

import kill

KILLS = 5


def test_a_killed_server_loses_and_doubles_nothing_it_acknowledged() -> None:
    """Messages, replies, pictures and deeds, each there once after the last start; tickets as their history says."""
    with kill.data_folder() as data:
        it = kill.run(data, KILLS, seed=1)
    assert it.faults == []
    sent = [sent for visitor in it.visitors for sent in visitor.sent]
    assert any(each.again > 1 and each.answer for each in sent), "nobody had to send anything again"
    assert any(visitor.pictures for visitor in it.visitors)
    assert any(each.answer for each in it.written)
    assert it.deeds
