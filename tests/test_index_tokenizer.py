"""Token ids, held against the library `tokenizers` itself."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, BertWordPieceTokenizer, Tokenizer, models, normalizers, pre_tokenizers, processors

from index.encoder import TOKENIZER
from index.model import prepare_model
from index.tokenizer import load_tokenizer

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "var" / "models"
ODD = [
    "",
    " ",
    "\n\t\u3000",
    "\0",
    "query: ",
    "▁",
    "a<s>b</s>  c<unk><pad>x<mask>",
    "＜s＞ab ＜ｕnk＞",
    "😀😀 👨‍👩‍👧 🇨🇳",
    "привет 한국어 𠮷",
    "ＡＢＣ１２３　全角",
    "哈" * 400,
    "aab" * 20_000,
]


@pytest.fixture(scope="session")
def default() -> Path:
    """The default model's `tokenizer.json`."""
    return prepare_model(None, MODELS, say=print) / TOKENIZER


@pytest.fixture(scope="session")
def library(default: Path) -> Callable[[str], list[int]]:
    tokenizer = Tokenizer.from_file(str(default))
    tokenizer.enable_truncation(256)
    return lambda text: list(tokenizer.encode(text).ids)


@pytest.fixture(scope="session")
def ours(default: Path) -> Callable[[str], list[int]]:
    return load_tokenizer(default, 256)


def unigram(**added: Any) -> Tokenizer:
    """A small one: every way to cut 「aab」 into two pieces scores alike, and c, e and f are none alone."""
    pieces = [("<unk>", 0.0), ("a", -1.0), ("aa", -1.5), ("ab", -1.5), ("b", -1.0), ("▁", -2.0), ("▁a", -2.25)]
    pieces += [("d", -4.0), ("de", -0.5), ("ef", -9.0), ("g", -9.0), ("h", -9.0), ("ghe", -0.5)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    for name, value in added.items():
        setattr(tokenizer, name, value)
    return tokenizer


def saved(tokenizer: Tokenizer, folder: Path) -> Path:
    tokenizer.save(str(folder / TOKENIZER))
    return folder / TOKENIZER


def same(tokenizer: Tokenizer, folder: Path, texts: list[str]) -> bool:
    ours = load_tokenizer(saved(tokenizer, folder), 512)
    return all(ours(text) == tokenizer.encode(text).ids for text in texts)


def test_the_documents_get_the_same_ids(ours: Callable[[str], list[int]], library: Callable[[str], list[int]]) -> None:
    """Line by line, clause by clause, and whole."""
    files = sorted((ROOT / "faq" / "documents").glob("*.t*"))
    whole = [path.read_text(encoding="utf-8") for path in files]
    texts = [*whole, *(line for text in whole for line in text.splitlines())]
    texts += [clause for text in whole for clause in re.split(r"[，。；？“”\"\n]", text)]
    assert len(texts) > 5000
    assert [text for text in texts if ours("query: " + text) != library("query: " + text)] == []


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_get_the_same_ids(
    ours: Callable[[str], list[int]], library: Callable[[str], list[int]], text: str
) -> None:
    """Nothing at all, special tokens spelt out, characters without a piece, and far too long."""
    assert ours(text) == library(text)


def test_mixed_pieces_get_the_same_ids(
    default: Path, ours: Callable[[str], list[int]], library: Callable[[str], list[int]]
) -> None:
    """2,000 strings of the vocabulary's own pieces, rare characters, full-width forms and emoji, put side by side."""
    pieces = [piece for piece, _ in json.loads(default.read_text(encoding="utf-8"))["model"]["vocab"]]
    dice = random.Random(1)
    kinds: list[Callable[[], str]] = [
        lambda: dice.choice(pieces),
        lambda: chr(dice.randint(0x4E00, 0x9FFF)),
        lambda: chr(dice.randint(0x20, 0x7E)),
        lambda: chr(dice.randint(0xFF00, 0xFFEF)),
        lambda: chr(dice.randint(0x1F300, 0x1F6FF)),
    ]
    texts = ["".join(dice.choice(kinds)() for _ in range(dice.randint(1, 60))) for _ in range(2000)]
    assert [text for text in texts if ours(text) != library(text)] == []


@given(text=st.text(max_size=60))
def test_any_text_gets_the_same_ids(
    ours: Callable[[str], list[int]], library: Callable[[str], list[int]], text: str
) -> None:
    """Whatever Unicode holds."""
    assert ours(text) == library(text)


def test_pieces_that_score_alike_are_chosen_alike(tmp_path: Path) -> None:
    """Of equal sums the library keeps the one it finds first."""
    assert same(unigram(), tmp_path, ["aab", "aaab", "abaab", "aab aab", "cc", "cacc", "ccab c"])


def test_an_unknown_character_is_as_dear_as_to_the_library(tmp_path: Path) -> None:
    """Dearer than the worst piece beside a good one, cheaper than three of the worst."""
    assert same(unigram(), tmp_path, ["def", "ghef", "ccdef", "fff", "ef"])
    ours = load_tokenizer(tmp_path / TOKENIZER, 512)
    assert (ours("def"), ours("ghef")) == ([5, 7, 9], [5, 12, 0])


def test_special_tokens_are_taken_out_as_the_library_does(tmp_path: Path) -> None:
    """One that swallows the space before it, one that is found after normalisation, and a frame at the end alone."""
    tokenizer = unigram(normalizer=normalizers.Lowercase())
    tokenizer.add_special_tokens(["</s>", AddedToken("<mask>", lstrip=True, normalized=True)])
    end = tokenizer.token_to_id("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", end)])
    assert same(tokenizer, tmp_path, ["", "aab <mask> ab", "AAB<MASK>b", "a</s>ab", "c<mask>c</s>", "<mask>"])


def test_ids_beyond_the_limit_are_cut_off(ours: Callable[[str], list[int]]) -> None:
    """The closing token stays."""
    ids = ours("长" * 1000 + "账号")
    assert len(ids) <= 256
    assert (ids[0], ids[-1]) == (0, 2)
    assert len(ours("忘记密码了怎么办" * 200)) == 256


def test_other_kinds_of_model_are_left_to_the_library(tmp_path: Path) -> None:
    """WordPiece, and a Unigram model that spells unknown characters in bytes; padding that was saved is not applied."""
    words = BertWordPieceTokenizer({"[UNK]": 0, "[SEP]": 1, "[CLS]": 2, "账": 3, "号": 4})._tokenizer
    words.enable_padding(length=20)
    assert load_tokenizer(saved(words, tmp_path), 4)("账号 锁") == [2, 3, 4, 1]
    spelt = [("<unk>", 0.0), *((f"<0x{byte:02X}>", -3.0) for byte in range(256)), ("a", -1.0)]
    tokenizer = Tokenizer(models.Unigram(spelt, unk_id=0, byte_fallback=True))
    assert same(tokenizer, tmp_path, ["aé", "a"])


def test_threads_may_share_a_tokenizer(ours: Callable[[str], list[int]]) -> None:
    """Eight at once get what one gets."""
    texts = [f"第{n}个账号被锁定了怎么解锁" for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ours, texts)) == [ours(text) for text in texts]


def test_the_default_tokenizer_takes_little_memory(default: Path) -> None:
    """Below 20 MB, the library itself included; with its own pieces it would take about 80."""
    script = f"""
import ctypes, re, sys
from pathlib import Path
def anonymous():
    ctypes.CDLL(None).malloc_trim(0)
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = anonymous()
from index.tokenizer import load_tokenizer
ids = load_tokenizer(Path({str(default)!r}), 256)
ids("账号被锁了")
print(anonymous() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20_000
