"""Hits → answer, clarify or reject."""

from __future__ import annotations

import pytest
from fake import entry
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import MOST_OPTIONS, Thresholds, decide
from index.hybrid import Hit

THRESHOLDS = Thresholds(answer=0.6, relevant=0.3, alike=0.3, suggest=0.05)
probabilities = st.floats(0, 1)


def hit(entry_id: str, confidence: float, relevance: float, audience: str | None = None) -> Hit:
    return Hit(entry(entry_id, "忘记密码", audience=audience), confidence, relevance, "忘记密码", {})


hits = st.lists(
    st.builds(
        hit,
        st.sampled_from(["a-1", "a-2", "b-1", "b-2"]),
        probabilities,
        probabilities,
        st.sampled_from([None, "x", "y"]),
    ),
    max_size=10,
)


@given(hits, st.booleans())
def test_any_hits_are_decided_on(found: list[Hit], known: bool) -> None:
    """An answer shows one hit, a question back two to four, a refusal up to three; all of them among the hits."""
    verdict = decide(found, system_known=known, thresholds=THRESHOLDS)
    allowed = {"answer": range(1, 2), "clarify": range(2, MOST_OPTIONS + 1), "reject": range(4)}
    assert len(verdict.shown) in allowed[verdict.decision]
    assert all(any(shown is one for one in found) for shown in verdict.shown)


def test_a_sure_hit_is_the_answer() -> None:
    """From the threshold on."""
    assert decide([hit("a-1", 0.6, 0.9)], system_known=False, thresholds=THRESHOLDS).decision == "answer"


def test_a_hit_far_ahead_of_all_others_is_no_answer_while_it_hardly_fits() -> None:
    """Being the best of what is there says nothing about a message that is about something else."""
    assert decide([hit("a-1", 0.9, 0.2)], system_known=True, thresholds=THRESHOLDS).decision == "reject"


@pytest.mark.parametrize(("other", "audience"), [("b-1", None), ("a-2", "管理机构")])
def test_parties_that_fit_alike_are_asked_about_while_the_system_is_open(other: str, audience: str | None) -> None:
    """Entries of different systems or audiences are never answered with one of them, however sure the first is."""
    found = [hit("a-1", 0.9, 0.9), hit(other, 0.1, 0.8, audience)]
    verdict = decide(found, system_known=False, thresholds=THRESHOLDS)
    assert (verdict.decision, verdict.shown) == ("clarify", tuple(found))
    assert decide(found, system_known=True, thresholds=THRESHOLDS).decision == "answer"


def test_a_party_far_behind_is_not_asked_about() -> None:
    """Less than a third of the first one's relevance."""
    found = [hit("a-1", 0.9, 0.9), hit("b-1", 0.1, 0.2)]
    assert decide(found, system_known=False, thresholds=THRESHOLDS).decision == "answer"


def test_the_best_option_comes_first_and_then_the_best_of_every_other_party() -> None:
    """So that four options reach every party, and a second entry of the first party does not move it back."""
    found = [
        hit("a-1", 0.4, 0.9),
        hit("a-2", 0.3, 0.8),
        hit("b-1", 0.2, 0.7),
        hit("a-3", 0.1, 0.6),
        hit("b-2", 0.1, 0.5),
    ]
    verdict = decide(found, system_known=False, thresholds=THRESHOLDS)
    assert [shown.entry.id for shown in verdict.shown] == ["a-1", "b-1", "a-2", "a-3"]


def test_near_entries_of_one_party_are_asked_about_when_none_is_sure() -> None:
    """Also where the system is known."""
    found = [hit("a-1", 0.4, 0.5), hit("a-2", 0.3, 0.4)]
    assert decide(found, system_known=True, thresholds=THRESHOLDS).decision == "clarify"


def test_what_hardly_fits_is_refused_with_suggestions() -> None:
    """At most three, and none that does not bear on the message at all."""
    found = [hit("a-1", 0.1, 0.2), hit("a-2", 0.1, 0.1), hit("a-3", 0.0, 0.01), hit("a-4", 0.0, 0.2)]
    verdict = decide(found, system_known=True, thresholds=THRESHOLDS)
    assert verdict.decision == "reject"
    assert [shown.entry.id for shown in verdict.shown] == ["a-1", "a-2"]


def test_nothing_found_is_refused_with_nothing() -> None:
    """No hits are no error."""
    verdict = decide([], system_known=False, thresholds=THRESHOLDS)
    assert (verdict.decision, verdict.shown) == ("reject", ())
