"""Phrasings asked of their own index as if it did not hold them."""

from __future__ import annotations

import numpy as np
import pytest
from fake import NOWHERE, FakeEncoder, entry, index_of, knowledge_of, segmenter

from index import rank
from index.build import build
from index.hybrid import HybridIndex
from index.trial import Recall, Trial

KNOWLEDGE = knowledge_of(
    entry("a-1", "忘记密码", "点击重置", "密码想不起来", "密码找回"),
    entry("a-2", "账号锁定", "6小时后重试", "账号被锁了", "忘记密码了"),
    entry("a-3", "粉尘怎么填", "选小类"),
    uncovered=["今天天气", "密码锁多少钱"],
)
PLACES = {
    "忘记密码": {0: 1.0},
    "密码想不起来": {0: 1.0, 3: 0.3},
    "密码找回": {0: 1.0, 4: 0.3},
    "账号锁定": {1: 1.0},
    "账号被锁了": {1: 1.0, 3: 0.3},
    "粉尘怎么填": {2: 1.0},
}
ENCODER = FakeEncoder(PLACES)
modes = pytest.mark.parametrize("encoder", [None, ENCODER], ids=["keyword", "hybrid"])


def trial(encoder: FakeEncoder | None) -> Trial:
    index = index_of(KNOWLEDGE, encoder)
    return Trial(index, index.snapshot)


def row(made: Trial, text: str) -> int:
    return next(at for at, phrasing in enumerate(made.snapshot.phrasings) if phrasing.text == text)


@modes
def test_a_phrasing_held_out_does_not_meet_itself(encoder: FakeEncoder | None) -> None:
    """Asked as it stands it is met to the letter; held out, it is found by the others of its entry, less surely."""
    made = trial(encoder)
    found, judged = made.held_out(row(made, "密码想不起来"))
    own = found.entries.index(0)
    assert judged.score.argmax() == own
    assert found.features[own, rank.FEATURES.index("fuzzy")] < 1
    assert judged.confidence[own] < made.index.search("密码想不起来")[0].confidence
    assert made.nearest(own, found) in ("忘记密码", "密码找回")


@modes
def test_the_classifier_has_not_seen_what_is_held_out(encoder: FakeEncoder | None) -> None:
    """What it says is what the fit without that phrasing says, of every entry and of the topics."""
    made = trial(encoder)
    at = row(made, "账号被锁了")
    place = made.index.comparison.asked.tolist().index(at)
    said = made.index.comparison.fit().without(place, [place])
    found, _ = made.held_out(at)
    head = found.features[:, rank.FEATURES.index("head")]
    assert head == pytest.approx(said[list(found.entries)])
    assert found.none[rank.NONE.index("topic_head")] == pytest.approx(said[-1])


@modes
def test_a_topic_held_out_is_asked_like_a_question(encoder: FakeEncoder | None) -> None:
    """It no longer speaks for "none of them" itself; the other topics do."""
    made = trial(encoder)
    found, judged = made.held_out(row(made, "今天天气"))
    assert found.none[rank.NONE.index("topic_words")] < 0.5
    assert np.isfinite(judged.score).all()


@modes
def test_a_good_phrasing_finds_itself(encoder: FakeEncoder | None) -> None:
    """Beside all titles, without any other question; also where the titles alone would put it elsewhere."""
    made = trial(encoder)
    for text in ("密码想不起来", "密码找回", "账号被锁了", "忘记密码了"):
        assert made.finds_itself(row(made, text))


@modes
def test_a_phrasing_that_is_another_title_does_not_find_itself(encoder: FakeEncoder | None) -> None:
    """No similar question can bring a visitor past a title that is the same."""
    wrong = knowledge_of(entry("a-1", "忘记密码", "点击重置"), entry("a-2", "账号锁定", "6小时后重试", "忘记密码"))
    index = index_of(wrong, encoder)
    similar = [at for at, phrasing in enumerate(index.snapshot.phrasings) if phrasing.kind == "similar"]
    assert not Trial(index, index.snapshot).finds_itself(similar[0])


@modes
def test_the_topic_most_like_a_phrasing_is_told(encoder: FakeEncoder | None) -> None:
    """As it is written; None where there are no topics."""
    made = trial(encoder)
    assert made.nearest_topic(row(made, "忘记密码")) in ("密码锁多少钱", "今天天气")
    if encoder is None:
        assert made.nearest_topic(row(made, "忘记密码")) == "密码锁多少钱"
    index = index_of(knowledge_of(*KNOWLEDGE.entries), encoder)
    assert Trial(index, index.snapshot).nearest_topic(0) is None


def test_what_a_snapshot_holds_is_not_encoded_again() -> None:
    """Neither one text nor several; what it lacks is, and told to `progress`."""
    made = build(KNOWLEDGE, segmenter(), ENCODER)
    encoder = FakeEncoder(PLACES)
    recall = Recall(made, encoder)
    assert made.vectors is not None
    assert np.array_equal(recall.encode(["密码找回", "忘记密码"]), made.vectors[[2, 0]])
    assert encoder.encoded == []
    told: list[int] = []
    assert recall.encode(["别的"], told.append)[0, NOWHERE] == 1.0
    assert (encoder.encoded, told) == (["别的"], [1])
    assert recall.encode([]).shape == (0, encoder.dimension)


@pytest.mark.parametrize("other", [FakeEncoder(model_id="old"), None], ids=["another model's", "none"])
def test_vectors_of_another_model_are_not_known_by_heart(other: FakeEncoder | None) -> None:
    """Whoever asks for this model's gets this model's."""
    encoder = FakeEncoder()
    Recall(build(KNOWLEDGE, segmenter(), other), encoder).encode(["忘记密码"])
    assert encoder.encoded == ["忘记密码"]


def test_recall_searches_as_its_encoder_does() -> None:
    """To the bit, for texts it knows and texts it does not."""
    made = build(KNOWLEDGE, segmenter(), ENCODER)
    plain = HybridIndex(made, segmenter(), ENCODER)
    recalled = HybridIndex(made, segmenter(), Recall(made, ENCODER))
    assert recalled.mode == "hybrid"
    for text in ("忘记密码", "账号被锁了", "别的什么"):
        assert recalled.search(text) == plain.search(text)
