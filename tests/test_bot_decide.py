"""Hits → answer, clarify or reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from fake import entry
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import MOST_OPTIONS, Thresholds, Verdict, decide
from index.hybrid import Hit
from index.rank import FEATURES

# Powers of two where parts of other figures are compared, so that each test can stand on the threshold itself.
THRESHOLDS = Thresholds(answer=0.6, relevant=0.3, alike=0.25, near=0.5, role=0.25, suggest=0.05)
probabilities = st.floats(0, 1)


def hit(
    entry_id: str, confidence: float, relevance: float, audience: str | None = None, *, nearness: float = 0.5
) -> Hit:
    """A hit whose nearness is the same by every measure."""
    features = dict.fromkeys(FEATURES, nearness)
    return Hit(entry(entry_id, "忘记密码", audience=audience), confidence, relevance, "忘记密码", features)


def judge(
    hits: Sequence[Hit], thresholds: Thresholds = THRESHOLDS, *, system: bool = False, role: bool = False
) -> Verdict:
    """The verdict while neither system nor audience is known, unless it is said that they are."""
    return decide(hits, system_known=system, role_known=role, thresholds=thresholds)


def shown(verdict: Verdict) -> list[str]:
    return [hit.entry.id for hit in verdict.shown]


@st.composite
def searches(draw: st.DrawFn) -> list[Hit]:
    """What search may find: confidences that add up to one at most, relevances that are no smaller, best first."""
    odds = sorted(draw(st.lists(st.floats(1e-9, 1e9), max_size=10)), reverse=True)
    parties = st.tuples(st.sampled_from("abc"), st.sampled_from([None, "x", "y"]))
    found = []
    for number, odd in enumerate(odds):
        system, audience = draw(parties)
        near = draw(probabilities)
        found.append(hit(f"{system}-{number}", odd / (1 + sum(odds)), odd / (1 + odd), audience, nearness=near))
    return found


anything = st.lists(
    st.builds(
        hit,
        st.sampled_from(["a-1", "a-2", "b-1", "b-2"]),
        probabilities,
        probabilities,
        st.sampled_from([None, "x", "y"]),
        nearness=probabilities,
    ),
    max_size=10,
)
any_thresholds = st.builds(
    Thresholds, probabilities, probabilities, probabilities, probabilities, probabilities, probabilities
)


@given(anything, any_thresholds, st.booleans(), st.booleans())
def test_any_hits_are_decided_on(found: list[Hit], thresholds: Thresholds, system: bool, role: bool) -> None:
    """An answer shows the first hit, a question back two to four, a refusal up to three; all are among the hits."""
    verdict = judge(found, thresholds, system=system, role=role)
    allowed = {"answer": range(1, 2), "clarify": range(2, MOST_OPTIONS + 1), "reject": range(4)}
    assert len(verdict.shown) in allowed[verdict.decision]
    assert all(any(one is other for other in found) for one in verdict.shown)
    if verdict.decision == "answer":
        assert verdict.shown[0] is found[0]
        assert found[0].confidence >= thresholds.answer
    if verdict.decision == "reject":
        assert all(one.relevance >= thresholds.suggest for one in verdict.shown)


@given(searches(), st.booleans(), st.booleans())
def test_nothing_is_shown_twice(found: list[Hit], system: bool, role: bool) -> None:
    """Options and suggestions are different entries."""
    ids = shown(judge(found, system=system, role=role))
    assert len(ids) == len(set(ids))


@given(searches(), st.booleans(), st.booleans())
def test_what_is_answered_stays_answered_when_more_is_known(found: list[Hit], system: bool, role: bool) -> None:
    """Knowing the system or the audience never takes an answer away."""
    if judge(found, system=system, role=role).decision == "answer":
        assert judge(found, system=True, role=role).decision == "answer"
        assert judge(found, system=system, role=True).decision == "answer"


@given(searches(), st.booleans(), st.booleans(), probabilities)
def test_a_higher_threshold_never_answers_more(found: list[Hit], system: bool, role: bool, higher: float) -> None:
    """What is answered with the greater `answer`, `near` or `role` is answered with the smaller."""
    stricter = replace(THRESHOLDS, answer=max(THRESHOLDS.answer, higher))
    laxer = (
        THRESHOLDS,
        replace(stricter, near=max(THRESHOLDS.near, higher)),
        replace(stricter, role=max(THRESHOLDS.role, higher)),
    )
    if judge(found, stricter, system=system, role=role).decision == "answer":
        assert all(judge(found, one, system=system, role=role).decision == "answer" for one in laxer)


@given(searches(), st.booleans(), st.booleans())
def test_by_default_a_doubt_is_asked_about(found: list[Hit], system: bool, role: bool) -> None:
    """A hit sure enough for an answer is never refused: what casts doubt on it is near enough to be an option."""
    if found and found[0].confidence >= Thresholds().answer:
        assert judge(found, Thresholds(), system=system, role=role).decision != "reject"


@given(searches())
def test_with_everything_known_the_confidence_alone_answers(found: list[Hit]) -> None:
    """From `answer` on, whatever else fits."""
    sure = bool(found) and found[0].confidence >= THRESHOLDS.answer
    assert (judge(found, system=True, role=True).decision == "answer") == sure


@given(searches(), any_thresholds, st.booleans(), st.booleans())
def test_an_answer_has_no_rival_of_an_unknown_party(
    found: list[Hit], thresholds: Thresholds, system: bool, role: bool
) -> None:
    """In another system while the system is unknown, for another audience while that is unknown."""
    if judge(found, thresholds, system=system, role=role).decision != "answer":
        return
    best = found[0]
    for other in found[1:]:
        if other.entry.system != best.entry.system:
            assert system or other.nearness < max(thresholds.near * best.nearness, 1e-6)
        elif other.entry.audience != best.entry.audience and not role:
            fits = other.relevance >= thresholds.alike * best.relevance
            assert not fits or other.confidence < thresholds.role * best.confidence


def test_a_sure_hit_is_the_answer() -> None:
    """From `answer` on, and not below it."""
    assert judge([hit("a-1", 0.6, 0.9)]) == Verdict("answer", (hit("a-1", 0.6, 0.9),))
    assert judge([hit("a-1", 0.59, 0.9)]).decision == "reject"


def test_a_hit_far_ahead_of_all_others_is_no_answer_while_it_hardly_fits() -> None:
    """Being the best of what is there says nothing about a message that is about something else."""
    assert judge([hit("a-1", 0.2, 0.2), hit("a-2", 0.0, 0.001)], system=True, role=True).decision == "reject"


@pytest.mark.parametrize("audience", [None, "企业用户"])
def test_another_system_that_could_be_meant_is_asked_about_while_the_system_is_open(audience: str | None) -> None:
    """From the part `near` of the first one's nearness on, however improbable; not once the system is known."""
    found = [hit("a-1", 0.75, 0.95, nearness=0.5), hit("b-1", 1e-9, 1e-8, audience, nearness=0.25)]
    assert judge(found, role=True) == Verdict("clarify", tuple(found))
    assert judge(found, system=True, role=True).decision == "answer"
    behind = [found[0], hit("b-1", 1e-9, 1e-8, audience, nearness=0.24)]
    assert judge(behind).decision == "answer"


@pytest.mark.parametrize("audience", [None, "管理机构"])
def test_another_audience_that_could_be_meant_is_asked_about_while_nobody_is_named(audience: str | None) -> None:
    """From the part `role` of the first one's confidence on, even where the system is known; not once it is named."""
    found = [hit("a-1", 0.8, 0.9, "企业用户"), hit("a-2", 0.2, 0.5, audience)]
    assert judge(found, system=True) == Verdict("clarify", tuple(found))
    assert judge(found, system=True, role=True).decision == "answer"
    behind = [hit("a-1", 0.8, 0.9, "企业用户"), hit("a-2", 0.19, 0.5, audience)]
    assert judge(behind).decision == "answer"


def test_each_doubt_has_its_own_threshold() -> None:
    """`near` is for other systems only, `role` for other audiences of the same system only."""
    other_system = [hit("a-1", 0.8, 0.9, "x", nearness=0.5), hit("b-1", 0.1, 0.5, "y", nearness=0.4)]
    other_audience = [hit("a-1", 0.8, 0.9, "x", nearness=0.5), hit("a-2", 0.1, 0.5, "y", nearness=0.4)]
    assert judge(other_system, replace(THRESHOLDS, near=1)).decision == "answer"
    assert judge(other_system, replace(THRESHOLDS, role=1)).decision == "clarify"
    assert judge(other_audience, replace(THRESHOLDS, role=1)).decision == "answer"
    assert judge(other_audience, replace(THRESHOLDS, near=0)).decision == "answer"
    assert judge(other_audience, replace(THRESHOLDS, role=0)).decision == "clarify"


def test_a_known_audience_does_not_settle_the_system_nor_the_other_way_round() -> None:
    """Each must be known for itself."""
    assert judge([hit("a-1", 0.8, 0.9, "x"), hit("b-1", 0.1, 0.5, "x")], role=True).decision == "clarify"
    assert judge([hit("a-1", 0.7, 0.9, "x"), hit("a-2", 0.2, 0.5, "y")], system=True).decision == "clarify"


def test_two_entries_of_one_party_leave_a_sure_answer_alone() -> None:
    """However near the second comes: there is nothing about the visitor to ask."""
    assert judge([hit("a-1", 0.6, 0.9, "x"), hit("a-2", 0.39, 0.88, "x")]).decision == "answer"


def test_what_fits_far_worse_is_no_rival() -> None:
    """Below the part `alike` of the first one's relevance an entry for another audience counts for nothing."""
    best = hit("a-1", 0.6, 0.8, "x")
    assert judge([best, hit("a-2", 0.3, 0.19, "y")]).decision == "answer"
    assert judge([best, hit("a-2", 0.3, 0.2, "y")]).decision == "clarify"


def test_the_systems_take_turns_among_the_options() -> None:
    """So that four options show two of each of two systems, the best first."""
    found = [
        hit("a-1", 0.4, 0.9),
        hit("a-2", 0.3, 0.8, "x"),
        hit("b-1", 0.2, 0.7),
        hit("a-3", 0.1, 0.6),
        hit("b-2", 0.1, 0.5),
    ]
    assert shown(judge(found)) == ["a-1", "b-1", "a-2", "b-2"]


def test_within_one_system_the_audiences_do() -> None:
    """The best entry for another audience goes before the second for the same."""
    found = [hit("a-1", 0.4, 0.9, "x"), hit("a-2", 0.3, 0.8, "x"), hit("a-3", 0.2, 0.7, "y")]
    assert shown(judge(found)) == ["a-1", "a-3", "a-2"]


def test_near_entries_of_one_party_are_asked_about_when_none_is_sure() -> None:
    """Also where all is known."""
    found = [hit("a-1", 0.4, 0.5), hit("a-2", 0.3, 0.4)]
    assert judge(found, system=True, role=True) == Verdict("clarify", tuple(found))


def test_a_question_back_wants_a_relevant_first_option() -> None:
    """From `relevant` on."""
    assert judge([hit("a-1", 0.2, 0.3), hit("a-2", 0.2, 0.3)]).decision == "clarify"
    assert judge([hit("a-1", 0.2, 0.29), hit("a-2", 0.2, 0.29)]).decision == "reject"


def test_options_for_different_visitors_need_only_be_probable_together() -> None:
    """Each fits too little alone, but one of them is likely right: worth asking who the visitor is."""
    systems = [hit("a-1", 0.15, 0.2), hit("b-1", 0.15, 0.2)]
    audiences = [hit("a-1", 0.15, 0.2, "x"), hit("a-2", 0.15, 0.2, "y")]
    assert judge(systems).decision == judge(audiences).decision == "clarify"
    assert judge(systems, system=True).decision == judge(audiences, role=True).decision == "reject"
    assert judge([hit("a-1", 0.14, 0.2), hit("b-1", 0.15, 0.2)]).decision == "reject"


def test_only_what_is_shown_makes_a_question_probable() -> None:
    """Options beyond the fourth are not asked about."""
    assert judge([hit(f"{'ab'[n % 2]}-{n}", 0.06, 0.1) for n in range(10)]).decision == "reject"
    assert judge([hit(f"{'ab'[n % 2]}-{n}", 0.08, 0.1) for n in range(10)]).decision == "clarify"


def test_nothing_in_common_is_no_nearness() -> None:
    """Where the first is found by its answer alone, every other system's question is as far."""
    assert judge([hit("a-1", 0.8, 0.9, nearness=0.0), hit("b-1", 0.01, 0.02, nearness=0.0)]).decision == "answer"


def test_another_systems_entries_are_no_options_where_the_system_is_known() -> None:
    """As where the words of a message point at one system, and search found entries of both."""
    found = [hit("a-1", 0.4, 0.9), hit("b-1", 0.3, 0.9), hit("a-2", 0.2, 0.9)]
    assert shown(judge(found, system=True)) == ["a-1", "a-2"]


def test_options_fit_about_as_well_as_the_first() -> None:
    """Those below the part `alike` of its relevance are left out, and one alone is nothing to ask about."""
    found = [hit("a-1", 0.5, 0.5), hit("a-2", 0.2, 0.125), hit("a-3", 0.1, 0.12)]
    assert shown(judge(found)) == ["a-1", "a-2"]
    assert judge([found[0], found[2]]).decision == "reject"


def test_what_hardly_fits_is_refused_with_suggestions() -> None:
    """At most three, and none below `suggest`: that does not bear on the message at all."""
    found = [hit("a-1", 0.1, 0.2), hit("a-2", 0.1, 0.05), hit("a-3", 0.0, 0.049), hit("a-4", 0.0, 0.2)]
    verdict = judge(found, system=True, role=True)
    assert verdict.decision == "reject"
    assert shown(verdict) == ["a-1", "a-2"]


def test_nothing_found_is_refused_with_nothing() -> None:
    """No hits are no error, whatever is known."""
    for known in (False, True):
        assert judge([], system=known, role=known) == Verdict("reject")
