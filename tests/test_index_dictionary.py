"""jieba's dictionary in a trie, held against jieba's own."""

from __future__ import annotations

import logging
from pathlib import Path

import jieba
import pytest
from fake import segmenter

from faq.knowledge import read_folder
from index.dictionary import Dictionary, open_dictionary
from index.segment import Segmenter, terms
from index.variant import canonical

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> jieba.Tokenizer:
    """jieba as it comes."""
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("plain"))
    tokenizer.initialize()
    return tokenizer


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the dictionary was made."""
    folder = tmp_path_factory.mktemp("kept")
    open_dictionary(folder)
    return folder


def test_every_word_and_every_beginning_has_jiebas_count(plain: jieba.Tokenizer, kept: Path) -> None:
    """Made or read back; and what jieba does not know is not there."""
    for dictionary in (open_dictionary(None), open_dictionary(kept)):
        assert dictionary.total == plain.total
        assert all(dictionary.get(word) == count for word, count in plain.FREQ.items())
        for word in ("审诉", "", "账号账号", "\ud83d", "a\0"):
            assert word not in plain.FREQ
            assert word not in dictionary
            assert dictionary.get(word, 1) == 1
            with pytest.raises(KeyError):
                dictionary[word]


def test_cuts_are_jiebas_own(plain: jieba.Tokenizer) -> None:
    """On all texts of the knowledge base, in every way of cutting, before and after its terms are added."""
    knowledge = read_folder(DOCUMENTS)
    texts = [text for path in sorted(DOCUMENTS.glob("*.txt")) for text in path.read_text(encoding="utf-8").splitlines()]
    texts += [text for entry in knowledge.entries for text in (entry.question, entry.answer, *entry.similar)]
    own = jieba.Tokenizer()
    own.FREQ, own.total, own.initialized = dict(plain.FREQ), plain.total, True
    added = terms(knowledge)
    for known in ([], added):
        for term in sorted({canonical(term) for term in known}):
            own.add_word(term)
        ours = Segmenter(known)
        for text in map(canonical, texts):
            assert ours.cut(text) == list(own.cut(text, HMM=False))
            assert list(ours._jieba.cut_for_search(text)) == list(own.cut_for_search(text))
    assert own.total == ours._jieba.total


def test_words_may_be_added_and_changed() -> None:
    """As jieba does it: a word's beginnings are entered with it, and one with a count of 0 is none any more."""
    dictionary = open_dictionary(None)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = dictionary, dictionary.total, True
    tokenizer.add_word("接害总人数")
    assert dictionary["接害总人"] == 0
    assert tokenizer.lcut("接害总人数") == ["接害总人数"]
    assert tokenizer.suggest_freq("忘记密码", tune=True) == dictionary["忘记密码"]
    assert tokenizer.lcut("忘记密码", HMM=False) == ["忘记密码"]
    dictionary["忘记密码"] = 0
    assert tokenizer.lcut("忘记密码", HMM=False) == ["忘记", "密码"]


def test_what_jieba_kept_there_goes(tmp_path: Path) -> None:
    """Nine megabytes that nothing reads any more; other files stay."""
    for name in ("jieba.cache", "jieba-0.1.words", "other"):
        (tmp_path / name).write_bytes(b"old")
    open_dictionary(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"jieba-{jieba.__version__}.words", "other"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The dictionary is there all the same."""
    (tmp_path / "file").touch()
    assert "密码" in open_dictionary(tmp_path / "file" / "cache")
    assert "词典无法存入" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 64], ids=["empty", "short", "zeros"])
def test_bytes_that_are_no_dictionary_are_refused(damage: bytes) -> None:
    """So is a single changed bit."""
    with pytest.raises(ValueError, match="digest"):
        Dictionary.from_bytes(damage)
    kept = bytearray(open_dictionary(None).to_bytes())
    kept[-1] ^= 1
    with pytest.raises(ValueError, match="digest"):
        Dictionary.from_bytes(bytes(kept))


def test_a_segmenter_from_the_kept_dictionary_cuts_alike(kept: Path) -> None:
    """Whatever way it was come by."""
    assert Segmenter(cache=kept).words("职业病危害项目申报") == segmenter().words("职业病危害项目申报")
