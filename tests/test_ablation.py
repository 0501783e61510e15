"""What each measure adds is told fairly: nothing is judged by what it taught, and what is taken away is gone."""

from __future__ import annotations

from collections.abc import Sequence

import ablation
import numpy as np
import pytest
from ablation import ALWAYS, GROUPS, Example, crosswise, folds_of, judge, learnable, only, table, variants
from fake import FakeEncoder, entry, index_of, knowledge_of

from index import rank
from index.rank import FEATURES, NONE, Weights
from index.train import Asked, learn

HEAD, TITLE, TOPIC = FEATURES.index("head"), FEATURES.index("title"), NONE.index("topic_head")


def example(seed: int) -> Example:
    """Of four candidates the third is right where `seed` is odd; `head` and `topic_head` say so, `title` is noise."""
    rng, right = np.random.default_rng(seed), 2 if seed % 2 else None
    features, none = np.zeros((4, len(FEATURES))), np.zeros(len(NONE))
    features[:, HEAD], features[:, TITLE], none[0] = rng.uniform(0, 0.5, 4), rng.uniform(size=4), 1.0
    if right is None:
        none[TOPIC] = 1.0
    else:
        features[right, HEAD] += 0.7
    return Example(
        Asked(features, none, right), right is not None, frozenset() if right is None else frozenset({right})
    )


def examples() -> tuple[list[Example], list[int]]:
    return [example(seed) for seed in range(120)], [seed // 2 % 5 for seed in range(120)]


def test_no_fold_splits_an_entry() -> None:
    """All questions of an entry are in one fold, and the topics are dealt to all of them."""
    entries = [entry(f"a-{n}", f"标题{n}", "", *(f"问法{n}{m}" for m in "甲乙丙")) for n in range(7)]
    index = index_of(knowledge_of(*entries, uncovered=[f"话题{n}" for n in range(6)]), FakeEncoder())
    folds, questions = folds_of(index.snapshot), learnable(index, index.snapshot)
    assert folds == [n % 5 for n in range(7) for _ in "甲乙丙"] + [0, 1, 2, 3, 4, 0]
    assert [question.covered for question in questions] == [True] * 21 + [False] * 6
    assert all(bool(question.right) == question.covered for question in questions)


def test_nothing_is_judged_by_weights_that_it_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fold once, by what the four others teach."""
    questions, folds = examples()
    taught: list[set[int]] = []
    judged: list[tuple[int, int]] = []

    def learning(asked: Sequence[Asked]) -> Weights:
        taught.append(set(map(id, asked)))
        return Weights((1.0,) * len(FEATURES), (1.0,) * len(NONE))

    def judging(question: Example, weights: Weights) -> object:
        judged.append((len(taught) - 1, id(question.asked)))
        return judge(question, weights)

    monkeypatch.setattr(ablation, "learn", learning)
    monkeypatch.setattr(ablation, "judge", judging)
    crosswise(questions, folds)
    assert [len(found) for found in taught] == [96] * 5
    assert sorted(asked for _, asked in judged) == sorted(id(question.asked) for question in questions)
    assert all(asked not in taught[round_] for round_, asked in judged)


def test_a_column_taken_away_is_weightless() -> None:
    """Whatever it would have told, of entries and of "none"; the question as it was is left alone."""
    questions, _ = examples()
    kept = frozenset((*FEATURES, *NONE)) - {"head", "topic_head"}
    weights = learn([only(question.asked, kept) for question in questions])
    assert weights.entry[HEAD] == weights.none[TOPIC] == 0.0
    whole = learn([question.asked for question in questions])
    assert min(whole.entry[HEAD], whole.none[TOPIC]) > 1.0


def test_a_useless_column_costs_nothing() -> None:
    """With noise or without, the same figures to a hundredth; without what tells, far worse ones."""
    questions, folds = examples()

    def without(*names: str) -> list[float | None]:
        kept = frozenset((*FEATURES, *NONE)) - set(names)
        return crosswise([Example(only(q.asked, kept), q.covered, q.right) for q in questions], folds)

    everything, quiet, blind = without(), without("title"), without("head", "topic_head")
    assert everything == pytest.approx(quiet, abs=0.01)
    assert everything[:2] == pytest.approx([1.0, 1.0], abs=0.01)
    assert blind[0] is not None
    assert blind[0] < 0.5


def test_candidates_that_tie_are_not_right() -> None:
    """Where nothing is seen, the order in which candidates come must not count as knowledge."""
    asked = Asked(np.zeros((3, len(FEATURES))), np.zeros(len(NONE)), 0)
    weights = Weights((1.0,) * len(FEATURES), (0.0,) * len(NONE))
    case, loss = judge(Example(asked, True, frozenset({0})), weights)
    assert not case.right
    assert loss == pytest.approx(np.log(4))
    nothing = Asked(np.zeros((0, len(FEATURES))), np.zeros(len(NONE)), None)
    assert judge(Example(nothing, False, frozenset()), weights)[0].prediction.confidence == 0.0


def test_every_measure_is_in_a_group() -> None:
    """Each is taken away once at least; what is always there is in none."""
    assert frozenset().union(*GROUPS.values()) == frozenset((*rank.FEATURES, *rank.NONE)) - ALWAYS
    kept = dict(variants())
    assert len(kept) == 1 + 2 * len(GROUPS)
    for name, group in GROUPS.items():
        assert kept[f"without {name}"].isdisjoint(group)
        assert kept[f"{name} alone"] == group | ALWAYS


def test_tables_are_aligned_or_markdown() -> None:
    """A figure that there is not is a dash."""
    rows: list[ablation.Row] = [("everything", [0.5, None]), ("cues alone", [1 / 3, 0.25])]
    assert table(["a", "b"], rows, markdown=False).splitlines() == [
        "                a      b",
        "everything  0.500      –",
        "cues alone  0.333  0.250",
    ]
    assert table(["a", "b"], rows, markdown=True).splitlines()[:3] == [
        "|  | a | b |",
        "| --- | --: | --: |",
        "| everything | 0.500 | – |",
    ]
