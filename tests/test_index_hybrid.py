"""Searching: what is found, in which order, and how surely."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shipped
from fake import FakeEncoder, entry, index_of, knowledge_of, segmenter
from hypothesis import given, settings
from hypothesis import strategies as st

from faq.catalog import Catalog
from faq.knowledge import KnowledgeBase
from index import rank
from index.build import build
from index.encoder import Encoder, load_encoder
from index.hybrid import CANDIDATES, HeldOut, HybridIndex

KNOWLEDGE = knowledge_of(
    entry("a-1", "忘记密码", "点击忘记密码", "密码想不起来", audience="企业用户"),
    entry("a-2", "忘记密码", "联系上级", audience="管理机构"),
    entry("a-3", "账号锁定", "6小时后重试"),
    entry("b-1", "忘记密码", "用手机号找回"),
    uncovered=["今天天气"],
)
MANY = knowledge_of(*(entry(f"{'ab'[n % 2]}-{n}", f"第{n}个问题") for n in range(CANDIDATES * 4)))
KEYWORD = index_of(KNOWLEDGE)
HYBRID = index_of(
    KNOWLEDGE,
    FakeEncoder({"忘记密码": {0: 1.0}, "密码想不起来": {0: 1.0, 1: 0.5}, "账号锁定": {2: 1.0}, "进不去": {2: 1.0}}),
)

texts = (
    st.text(max_size=200)
    | st.text(st.sampled_from("忘记密码账号锁定你好谢谢请问，。？😀 "), max_size=60)
    | st.sampled_from(["", " ", "？？？", "😀👍", "\u200b", "1", "a", "忘记密码" * 500, "锁" * 2000])
)


@pytest.mark.parametrize("index", [KEYWORD, HYBRID], ids=["keyword", "hybrid"])
@settings(deadline=None)
@given(text=texts)
def test_any_text_finds_every_entry_with_two_probabilities(index: HybridIndex, text: str) -> None:
    """Search never fails and never leaves out an entry; how little one fits is what its confidence says."""
    hits = index.search(text)
    assert {hit.entry.id for hit in hits} == {entry.id for entry in KNOWLEDGE.entries}
    assert all(0 <= hit.confidence <= 1 and 0 <= hit.relevance <= 1 for hit in hits)
    assert all(hit.phrasing in (hit.entry.question, *hit.entry.similar) for hit in hits)


def test_meaning_finds_what_shares_no_word() -> None:
    """「进不去」 stands where 「账号锁定」 does, and only the encoder knows."""
    assert HYBRID.search("进不去")[0].entry.id == "a-3"
    assert HYBRID.search("进不去")[0].confidence > KEYWORD.search("进不去")[0].confidence


def test_keywords_alone_find_what_shares_them() -> None:
    """Without an encoder search works, and says how."""
    assert KEYWORD.mode == "keyword"
    assert KEYWORD.search("账号被锁定了")[0].entry.id == "a-3"


def test_a_known_system_restricts() -> None:
    """Only entries of that system are found."""
    assert [hit.entry.id for hit in HYBRID.search("忘记密码", "b")] == ["b-1"]
    assert {hit.entry.system for hit in HYBRID.search("忘记密码", "a")} == {"a"}


def test_an_unknown_system_has_no_entries() -> None:
    """Nothing is found, nothing fails."""
    assert HYBRID.search("忘记密码", "c") == []


@pytest.mark.parametrize(("limit", "found"), [(-1, 0), (0, 0), (1, 1), (3, 3), (4, 4), (1000, 4)])
def test_the_limit_is_kept(limit: int, found: int) -> None:
    """As many as there are, at most as many as asked for."""
    assert len(HYBRID.search("忘记密码", limit=limit)) == found


def test_the_limit_does_not_change_who_comes_first() -> None:
    """A shorter list is the beginning of a longer one."""
    index = index_of(MANY)
    everything = index.search("第17个问题", limit=1000)
    assert len(everything) == CANDIDATES
    assert index.search("第17个问题", limit=3) == everything[:3]
    assert len(index.search("第17个问题", "a", limit=1000)) == CANDIDATES


def test_a_named_audience_goes_first() -> None:
    """「我局」 is a word of the authorities, 「我公司」 of the enterprises; they tell like entries apart."""
    titles = [entry("a-1", "忘记密码", audience="企业用户"), entry("a-2", "忘记密码", audience="管理机构")]
    index = index_of(knowledge_of(*titles))
    assert index.search("我局忘记密码", "a")[0].entry.id == "a-2"
    assert index.search("我公司忘记密码", "a")[0].entry.id == "a-1"


def test_a_cue_of_a_system_goes_first() -> None:
    """「加油站」 points at one system without naming it."""
    assert HYBRID.search("加油站忘记密码")[0].entry.id == "b-1"


def test_courtesy_and_spelling_change_nothing_that_is_measured() -> None:
    """With greeting and thanks, in full width: the same hits."""
    plain, dressed = HYBRID.search("忘记密码"), HYBRID.search("您好，请问忘记密码，谢谢！")
    assert dressed == plain


@pytest.mark.parametrize("index", [KEYWORD, HYBRID], ids=["keyword", "hybrid"])
def test_background_takes_nothing_from_a_question(index: HybridIndex) -> None:
    """Search is as sure of a question behind sentences about other things as of the question alone."""
    alone = index.search("账号锁定")
    behind = index.search("我是新来的。领导下周要看。账号锁定")
    assert [(hit.entry.id, hit.confidence) for hit in behind] == [(hit.entry.id, hit.confidence) for hit in alone]


def test_a_sentence_without_own_words_still_counts() -> None:
    """What leads further is taken: here the whole message, since what is left of it without its first sentence is
    no more than a question word."""
    assert HYBRID.search("进不去。怎么办?")[0].entry.id == "a-3"
    assert HYBRID.search("进不去。怎么办?")[0].confidence >= HYBRID.search("怎么办?")[0].confidence


def test_a_foreign_system_lowers_confidence() -> None:
    """「微信忘记密码」 is about something else."""
    assert HYBRID.search("微信忘记密码")[0].confidence < HYBRID.search("忘记密码")[0].confidence / 2


@pytest.mark.parametrize("encoder", [None, FakeEncoder({"忘记密码": {n: n + 0.3 for n in range(8)}})])
def test_equal_entries_stay_in_the_order_of_the_documents(encoder: Encoder | None) -> None:
    """Nothing but their order tells them apart."""
    index = index_of(knowledge_of(*(entry(f"a-{n}", "忘记密码") for n in range(200))), encoder)
    hits = index.search("忘记密码", limit=30)
    assert [hit.entry.id for hit in hits] == [f"a-{n}" for n in range(30)]
    assert len({(hit.confidence, hit.relevance) for hit in hits}) == 1


def test_the_same_question_gets_the_same_hits_to_the_bit() -> None:
    """From the memory, from another index over the same snapshot, from several threads."""
    made = build(MANY, segmenter(), FakeEncoder())
    questions = [f"第{n}个" for n in range(100)]
    first = HybridIndex(made, segmenter(), FakeEncoder())
    expected = [first.search(question) for question in questions]
    second = HybridIndex(made, segmenter(), FakeEncoder())
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(second.search, questions)) == expected
    assert [first.search(question) for question in questions] == expected


def test_words_typed_by_sound_and_other_names_find_the_same() -> None:
    """What is corrected and what is renamed is searched as what was meant."""
    catalog = Catalog(KNOWLEDGE.catalog.systems, terms=("密码", "账号", "锁定"), synonyms={"密码": ("口令",)})
    index = index_of(replace(KNOWLEDGE, catalog=catalog))
    expected = index.search("忘记密码")
    for typed in ("忘记口令", "忘记蜜码", "忘记mima", "忘記密碼"):
        assert index.search(typed) == expected


def test_a_cue_is_found_by_the_form_of_its_name() -> None:
    """Where a synonym renames the cue, the message still points at its system."""
    catalog = replace(KNOWLEDGE.catalog, synonyms={"油品站": ("加油站",)})
    assert index_of(replace(KNOWLEDGE, catalog=catalog)).mention("加油站忘记密码").systems == {"b"}


@pytest.mark.parametrize("index", [KEYWORD, HYBRID], ids=["keyword", "hybrid"])
def test_what_is_held_out_has_no_say(index: HybridIndex) -> None:
    """Neither by its words nor in the classifier, whose answer comes with what is held out."""
    row = next(at for at, phrasing in enumerate(index.snapshot.phrasings) if phrasing.kind == "similar")
    head = np.arange(len(KNOWLEDGE.entries) + 1) / 10
    plain = index.candidates("密码想不起来")
    without = index.candidates("密码想不起来", held_out=HeldOut(frozenset([row]), head))
    at, column = without.entries.index(0), rank.FEATURES.index
    assert without.features[:, column("head")].tolist() == head[list(without.entries)].tolist()
    assert without.none[rank.NONE.index("topic_head")] == head[-1]
    for name in ("words", "pairs", "sounds", "fuzzy"):
        assert without.features[at, column(name)] < plain.features[plain.entries.index(0), column(name)]


def test_the_tuning_of_a_snapshot_is_used() -> None:
    """It changes how sure search is, not the order."""
    made = build(KNOWLEDGE, segmenter(), None)
    plain, doubtful = (HybridIndex(m, segmenter(), None) for m in (made, replace(made, tuning=(1.0, 2.0))))
    hits, less = plain.search("忘记密码"), doubtful.search("忘记密码")
    assert [hit.entry for hit in hits] == [hit.entry for hit in less]
    assert all(one.confidence > other.confidence for one, other in zip(hits, less, strict=True))


def test_a_returned_list_is_the_callers_own() -> None:
    """Emptying it does not empty the memory."""
    HYBRID.search("忘记密码").clear()
    assert HYBRID.search("忘记密码")


def test_a_message_is_encoded_once() -> None:
    """However often and for whichever system it is searched."""
    encoder = FakeEncoder()
    index = index_of(KNOWLEDGE, encoder)
    encoder.encoded.clear()
    for system in (None, "a", "b", None):
        index.search("怎么登录", system)
    assert encoder.encoded == ["怎么登录"]


def test_an_index_that_is_swapped_leaves_the_memory_at_once() -> None:
    """Its vectors are large, so it must not wait for the garbage collector."""
    index = index_of(KNOWLEDGE)
    index.search("忘记密码")
    gone = weakref.ref(index)
    gc.disable()
    try:
        del index
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "knowledge",
    [
        knowledge_of(),
        knowledge_of(uncovered=["今天天气"]),
        knowledge_of(entry("a-1", "忘记密码")),
        replace(knowledge_of(entry("-1", "忘记密码")), documents=()),
    ],
    ids=["empty", "topics only", "one entry", "no system"],
)
@pytest.mark.parametrize("encoder", [None, FakeEncoder()], ids=["keyword", "hybrid"])
def test_small_knowledge_bases_are_searched_like_large_ones(knowledge: KnowledgeBase, encoder: Encoder | None) -> None:
    """No entries, no answers, no topics, no systems: what is there is found."""
    index = index_of(knowledge, encoder)
    for text in ("忘记密码", "", "😀"):
        assert [hit.entry for hit in index.search(text)] == list(knowledge.entries)
    assert [hit.entry for hit in index.search("忘记密码", "a")] == [e for e in knowledge.entries if e.system == "a"]


def test_entries_are_known_by_id() -> None:
    """And unknown ids are None."""
    assert HYBRID.entry("a-3") is KNOWLEDGE.entries[2]
    assert HYBRID.entry("a-9") is None


def test_mentions_are_read_from_the_text_as_it_was_typed() -> None:
    """Full width and capitals make no difference."""
    assert HYBRID.mention("在ＹＸＴ里").system == "b"


def test_vectors_of_another_model_are_not_compared_with() -> None:
    """An index whose snapshot was made by another model searches on keywords alone."""
    made = build(KNOWLEDGE, segmenter(), FakeEncoder(model_id="old"))
    assert HybridIndex(made, segmenter(), FakeEncoder(model_id="new")).mode == "keyword"
    assert HybridIndex(build(KNOWLEDGE, segmenter(), None), segmenter(), FakeEncoder()).mode == "keyword"


@pytest.fixture(scope="module")
def project(built: Path, model_folder: Path) -> HybridIndex:
    """The project's own documents under the real encoder."""
    return shipped.index_of(shipped.made(built), load_encoder(model_folder))


def test_every_title_finds_its_own_entry_and_surely(project: HybridIndex) -> None:
    """Asked as the documents put it, each of the 34 questions is answered with its own entry, with confidence."""
    for expected in project.knowledge.entries:
        hit = project.search(expected.question)[0]
        assert hit.entry.id == expected.id
        assert hit.confidence >= 0.62


@pytest.mark.parametrize(
    "text", ["今天天气怎么样啊", "推荐一部电影", "明天去上海的火车几点", "红烧肉怎么做", "附近有什么好吃的"]
)
def test_far_questions_are_not_answered(project: HybridIndex, text: str) -> None:
    """What nobody asks a help desk gets next to no confidence."""
    assert project.search(text)[0].confidence < 0.3
