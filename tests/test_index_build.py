"""From a knowledge base to what is searched: spelled, cut, encoded, learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shipped
from fake import CATALOG, FakeEncoder, entry, knowledge_of, segmenter

from index.build import build, learned, reduced
from index.snapshot import Kind, Snapshot

KNOWLEDGE = knowledge_of(
    entry("a-1", "忘记密码", "点击重置。联系上级", "密码想不起来", audience="企业用户"),
    entry("b-1", "账号锁定"),
    uncovered=["今天天气"],
)


def assert_equal(left: Snapshot, right: Snapshot) -> None:
    assert replace(left, vectors=None, head=None) == replace(right, vectors=None, head=None)
    for one, other in ((left.vectors, right.vectors), (left.head, right.head)):
        assert one is not None
        assert other is not None
        assert one.tobytes() == other.tobytes()


def test_every_text_to_compare_with_is_there_in_order() -> None:
    """Title, similar questions and sentences entry by entry, the uncovered topics last; texts of no words too."""
    made = build(KNOWLEDGE, segmenter(), None)
    assert [(p.entry, p.kind, p.text) for p in made.phrasings] == [
        (0, "title", "忘记密码"),
        (0, "similar", "密码想不起来"),
        (0, "answer", "点击重置"),
        (0, "answer", "联系上级"),
        (1, "title", "账号锁定"),
        (-1, "uncovered", "今天天气"),
    ]


def test_a_phrasing_keeps_its_text_and_is_compared_in_its_form() -> None:
    """Spelled right, its names made one, without courtesy; words are those of the form."""
    catalog = replace(CATALOG, terms=("账号",), synonyms={"密码": ("口令",)})
    made = build(
        knowledge_of(entry("a-1", "重置密码", "", "您好，請問怎么重置zhanghao的口令？"), catalog=catalog),
        segmenter(),
        None,
    )
    similar = made.phrasings[1]
    assert similar.text == "您好，請問怎么重置zhanghao的口令？"
    assert similar.form == "怎么重置账号的密码?"
    assert similar.words == ("重置", "账号", "密码")


def test_the_lexicon_is_made_of_titles_answers_and_the_catalog() -> None:
    """Similar questions and topics are typed by people, mistakes and all."""
    knowledge = knowledge_of(
        entry("a-1", "账号申诉", "登录平台后提交", "审核材料在哪"),
        uncovered=["天气预报"],
        catalog=replace(CATALOG, terms=("验证码",), synonyms={"密码": ("口令",)}),
    )
    words = build(knowledge, segmenter(), None).lexicon
    assert {"账号", "申诉", "登录", "平台", "提交"} <= words.keys()
    assert all(words[name] for name in ("验证码", "密码", "口令", "甲平台", "粉尘", "我公司"))
    assert not {"审核", "材料", "天气预报", "天气"} & words.keys()


def test_only_new_texts_are_encoded() -> None:
    """Publishing a change costs the change; taking everything over costs nothing."""
    before = build(KNOWLEDGE, segmenter(), FakeEncoder({"忘记密码": {0: 1.0}}))
    encoder = FakeEncoder()
    more = knowledge_of(*KNOWLEDGE.entries, entry("a-2", "账号锁定", "新的答案"), uncovered=["今天天气"])
    after = build(more, segmenter(), encoder, previous=before)
    assert encoder.encoded == ["新的答案"]
    assert after.vectors is not None
    assert after.vectors[0, 0] == 1.0
    encoder.encoded.clear()
    assert_equal(build(more, segmenter(), encoder, previous=after), after)
    assert encoder.encoded == []


def test_a_vector_belongs_to_the_form_and_not_to_the_text() -> None:
    """Another spelling of a known text is not encoded again; where a new synonym changes a form, it is."""
    before = build(KNOWLEDGE, segmenter(), FakeEncoder({"密码想不起来": {1: 1.0}}))
    encoder = FakeEncoder()
    spelled = knowledge_of(
        entry("a-1", "您好，忘記密碼", "点击重置。联系上级", "密码 想不起来".replace(" ", "")), uncovered=["今天天氣"]
    )
    after = build(spelled, segmenter(), encoder, previous=before)
    assert encoder.encoded == []
    assert after.vectors is not None
    assert after.vectors[1, 1] == 1.0
    renamed = replace(KNOWLEDGE, catalog=replace(CATALOG, synonyms={"口令": ("密码",)}))
    build(renamed, segmenter(), encoder, previous=before)
    assert encoder.encoded == ["忘记口令", "口令想不起来"]


@pytest.mark.parametrize("previous", [FakeEncoder(model_id="other"), None])
def test_vectors_of_another_model_are_not_taken_over(previous: FakeEncoder | None) -> None:
    """Nor are those of a snapshot without any."""
    encoder = FakeEncoder()
    build(KNOWLEDGE, segmenter(), encoder, previous=build(KNOWLEDGE, segmenter(), previous))
    assert len(encoder.encoded) == 6


def test_progress_counts_the_texts_to_encode() -> None:
    """Each text once, however often it occurs."""
    seen: list[tuple[int, int]] = []
    twice = knowledge_of(entry("a-1", "忘记密码"), entry("a-2", "忘记密码"), entry("a-3", "账号锁定"))
    build(twice, segmenter(), FakeEncoder(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("encoder", [None, FakeEncoder()], ids=["keyword", "hybrid"])
def test_a_classifier_is_learned_over_entries_and_topics(encoder: FakeEncoder | None) -> None:
    """One class per entry and one for all topics; a landmark per title, similar question and topic."""
    made = build(KNOWLEDGE, segmenter(), encoder)
    assert made.head is not None
    assert made.head.shape == (3, 4)
    assert_head(learned(replace(made, head=None)), made)


def assert_head(left: Snapshot, right: Snapshot) -> None:
    assert left.head is not None
    assert right.head is not None
    assert left.head.tobytes() == right.head.tobytes()


def test_building_twice_makes_the_same() -> None:
    """To the bit."""
    assert_equal(build(KNOWLEDGE, segmenter(), FakeEncoder()), build(KNOWLEDGE, segmenter(), FakeEncoder()))


KINDS: list[tuple[Kind, ...]] = [
    (),
    ("similar",),
    ("answer",),
    ("uncovered",),
    ("uncovered", "answer"),
    ("similar", "answer", "uncovered"),
]


@pytest.mark.parametrize("without", KINDS, ids=["-".join(kinds) or "nothing" for kinds in KINDS])
def test_a_reduced_snapshot_overlooks_some_kinds_of_phrasings(without: tuple[Kind, ...]) -> None:
    """Those left keep their vectors, and the classifier is that of a knowledge base that never had the others."""
    made = build(KNOWLEDGE, segmenter(), FakeEncoder({"忘记密码": {0: 1.0}, "账号锁定": {1: 1.0}}))
    less = reduced(made, without)
    assert made.vectors is not None
    assert less.vectors is not None
    assert less.phrasings == tuple(p for p in made.phrasings if p.kind not in without)
    kept = [at for at, p in enumerate(made.phrasings) if p.kind not in without]
    assert np.array_equal(less.vectors, made.vectors[kept])
    assert less.head is not None
    assert less.head.shape == (3, sum(p.kind != "answer" for p in less.phrasings))
    assert less.knowledge == made.knowledge
    assert_head(learned(less), less)


def test_a_reduced_snapshot_without_vectors_has_none() -> None:
    """And leaving out nothing changes nothing."""
    made = build(KNOWLEDGE, segmenter(), None)
    assert reduced(made, ["answer"]).vectors is None
    assert replace(reduced(made, []), head=None) == replace(made, head=None)
    assert_head(reduced(made, []), made)


def test_an_empty_knowledge_base_is_built() -> None:
    """Its classifier has the class of the topics and nothing to tell it by."""
    for encoder in (None, FakeEncoder()):
        made = build(knowledge_of(), segmenter(), encoder)
        assert made.phrasings == ()
        assert made.head is not None
        assert made.head.shape == (1, 0)


def test_the_documents_words_are_in_the_lexicon() -> None:
    """Those of the trade as their own, everyday ones as words that are merely known."""
    words = shipped.made().lexicon
    assert all(words[word] for word in ("申诉", "验证码", "注册", "账号", "法人", "申报"))
    assert not any(words.get(word) for word in ("我们", "需要", "一个", "没有", "时间"))
