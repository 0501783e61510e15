"""Text into words and character pairs."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fake import CATALOG, entry, knowledge_of, segmenter
from hypothesis import given, settings
from hypothesis import strategies as st

from index.segment import STOP_WORDS, Segmenter, bigrams, terms
from index.variant import canonical


@settings(deadline=None)  # the first call loads the dictionary
@given(st.text(max_size=80))
def test_any_text_is_cut_into_words_that_mean_something(text: str) -> None:
    """Words hold a letter or digit and are no stop words."""
    words = segmenter().words(canonical(text))
    assert all(any(map(str.isalnum, word)) and word not in STOP_WORDS for word in words)


@given(st.text(max_size=80))
def test_pairs_are_two_characters_or_a_run(text: str) -> None:
    """Chinese runs give overlapping pairs, a single character itself, Latin letters and digits whole runs."""
    assert all(len(pair) <= 2 or pair.isascii() for pair in bigrams(canonical(text)))


def test_pairs_overlap_and_do_not_cross_marks() -> None:
    """The comma parts two runs."""
    assert bigrams("忘密码,ip在𠮷") == ["忘密", "密码", "ip", "在𠮷"]


@given(st.text(max_size=80))
def test_a_text_that_is_cut_can_be_put_together_again(text: str) -> None:
    """Nothing is lost, stop words and marks neither."""
    said = canonical(text)
    assert "".join(segmenter().cut(said)) == said


def test_what_the_dictionary_does_not_know_is_cut_into_characters() -> None:
    """No word is guessed."""
    assert segmenter().cut("忘记审诉404") == ["忘记", "审", "诉", "404"]


def test_a_common_word_weighs_more_than_a_rare_or_unknown_one() -> None:
    """All weights are logarithms of shares."""
    weights = [segmenter().weight(word) for word in ("的", "密码", "审诉")]
    assert 0 > weights[0] > weights[1] > weights[2]
    assert weights[2] == segmenter().weight("")


def test_a_long_word_is_given_with_its_parts() -> None:
    """Whoever asks for a part finds the whole."""
    assert {"职业病", "职业"} <= set(segmenter().words("职业病"))


def test_words_of_the_knowledge_base_stay_whole() -> None:
    """A term is one word to a segmenter that knows it."""
    assert "接害总人数" not in segmenter().words("接害总人数怎么填")
    assert "接害总人数" in Segmenter(["接害总人数"]).words("接害总人数怎么填")


def test_terms_are_names_cues_and_quoted_words() -> None:
    """Words of one letter, long ones and ones with marks inside are no terms."""
    found = terms(knowledge_of(entry("a-1", "点【法人类型】", "选“其他(人工审核)”，点“下一步”"), catalog=CATALOG))
    assert {"甲系统", "甲平台", "yxt", "粉尘", "企业用户", "我局", "法人类型", "下一步"} <= set(found)
    assert not any("(" in term for term in found)


def test_terms_of_the_trade_and_all_names_of_a_thing_are_terms() -> None:
    """As the catalog lists them."""
    catalog = replace(CATALOG, terms=("验证码", "接害"), synonyms={"密码": ("口令", "暗号"), "账号": ()})
    assert {"验证码", "接害", "密码", "口令", "暗号", "账号"} <= set(terms(knowledge_of(catalog=catalog)))


def test_the_dictionary_is_kept_where_the_caller_says(tmp_path: Path) -> None:
    """The folder is made, and the next segmenter reads what the first one left there."""
    cache = tmp_path / "cache" / "words"
    first = Segmenter(cache=cache)
    (kept,) = cache.iterdir()
    before = kept.stat().st_mtime_ns
    assert Segmenter(cache=cache).words("忘记密码") == first.words("忘记密码")
    assert kept.stat().st_mtime_ns == before


def test_a_damaged_dictionary_is_made_anew(tmp_path: Path) -> None:
    """A cache cut short costs time, nothing else."""
    Segmenter(cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert Segmenter(cache=tmp_path).words("忘记密码") == segmenter().words("忘记密码")


def test_without_a_cache_the_common_temporary_folder_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dictionary that somebody else left there is neither read nor written."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(b"planted")
    assert Segmenter().words("忘记密码") == segmenter().words("忘记密码")
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").read_bytes() == b"planted"


def test_threads_may_share_a_segmenter() -> None:
    """Cutting from several threads gives what cutting from one does."""
    texts = [f"第{n}个账号被锁定了怎么解锁" for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(segmenter().words, texts)) == [segmenter().words(text) for text in texts]
