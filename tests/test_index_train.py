"""Learning rank.json: always the same from the same documents, and the one that is shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake import FakeEncoder, entry, index_of, knowledge_of, segmenter

from faq.knowledge import KnowledgeBase, read_folder
from index import rank, snapshot, train
from index.encoder import load_encoder
from index.hybrid import HybridIndex
from index.rank import weigh
from index.segment import Segmenter, terms
from index.train import Asked

ROOT = Path(__file__).parent.parent
KNOWLEDGE = knowledge_of(
    entry("a-1", "忘记密码", "点击重置", "密码想不起来", "找回密码"),
    entry("a-2", "账号锁定", "6小时后重试", "账号被锁了"),
    uncovered=["今天天气", "密码锁多少钱"],
)
Learned = dict[str, dict[str, float]]


def asked(knowledge: KnowledgeBase) -> list[Asked]:
    made = snapshot.build(knowledge, segmenter(), FakeEncoder())
    return list(train.examples(index_of(knowledge, FakeEncoder()), made))


def test_every_similar_question_and_topic_is_asked_in_four_ways() -> None:
    """With and without the other similar questions, with and without the topics; a topic has no right answer."""
    questions = asked(KNOWLEDGE)
    assert len(questions) == 4 * 5
    assert [question.right for question in questions[-8:]] == [None] * 8
    assert all(question.right is not None for question in questions[:12])


def test_a_question_is_not_compared_with_itself() -> None:
    """Held out, it never meets its own text: no keyword share of 1 is to be had."""
    for question in asked(KNOWLEDGE)[:4]:
        assert question.features[:, rank.FEATURES.index("fuzzy")].max() < 1


def test_learning_twice_gives_the_same_weights() -> None:
    """To the last digit."""
    assert train.learn(asked(KNOWLEDGE)) == train.learn(asked(KNOWLEDGE))


@pytest.mark.parametrize(
    "knowledge",
    [
        knowledge_of(),
        knowledge_of(entry("a-1", "忘记密码"), uncovered=["天气"]),
        knowledge_of(entry("a-1", "忘记密码", "", "找回密码")),
    ],
    ids=["empty", "topics only", "questions only"],
)
def test_there_must_be_something_to_learn_from(knowledge: KnowledgeBase) -> None:
    """Similar questions and uncovered topics, or a Chinese message that says so."""
    with pytest.raises(ValueError, match=r"相似问法.*未收录话题"):
        train.learn(asked(knowledge))


def test_what_is_written_reads_as_the_shipped_file_does(tmp_path: Path) -> None:
    """Writing the shipped weights changes nothing in the file."""
    shipped = ROOT / "index" / "rank.json"
    train.write(json.loads(shipped.read_text(encoding="utf-8")), tmp_path / "rank.json")
    assert (tmp_path / "rank.json").read_bytes() == shipped.read_bytes()


@pytest.fixture(scope="module")
def questions(model_folder: Path) -> dict[str, list[Asked]]:
    """What the shipped documents are asked, with the real encoder and without, by mode."""
    knowledge = read_folder(ROOT / "faq" / "documents")
    cutter, encoder = Segmenter(terms(knowledge)), load_encoder(model_folder)
    made = snapshot.build(knowledge, cutter, encoder)
    indices = [HybridIndex(made, cutter, encoder), HybridIndex(made, cutter, None)]
    return {index.mode: list(train.examples(index, made)) for index in indices}


@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
def test_the_shipped_weights_are_those_learned_from_the_shipped_documents(
    mode: str, questions: dict[str, list[Asked]]
) -> None:
    """`python serve.py train` makes rank.json; after changing documents, similar questions or topics run it again."""
    shipped: Learned = json.loads((ROOT / "index" / "rank.json").read_text(encoding="utf-8"))[mode]
    learned = train.learn(questions[mode])
    assert learned == {part: pytest.approx(weights, abs=0.05) for part, weights in shipped.items()}


@pytest.mark.parametrize(("mode", "floor"), [("hybrid", 0.72), ("keyword", 0.64)])
def test_a_similar_question_held_out_finds_its_own_entry(
    mode: str, floor: float, questions: dict[str, list[Asked]]
) -> None:
    """Without a system being known; a floor a little under what was measured (0.739 and 0.667)."""
    covered = [question for question in questions[mode] if question.right is not None][::4]
    score = rank.weights(mode).score
    right = [int(weigh(question.features, score).argmax()) == question.right for question in covered]
    assert sum(right) / len(right) >= floor
