"""The default encoder, as it is served: the real model, made once under `var/models`."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.encoder import Card, Encoder, ModelError, OnnxEncoder, SentenceTransformersEncoder, load_encoder
from index.model import model_id_of, prepare_model

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "var" / "models"
QUESTIONS = ["账号被锁了，帮我解一下", "忘记密码了怎么办？", "危险化学品经营许可证到期了怎么延期"]


@pytest.fixture(scope="session")
def prepared() -> Path:
    return prepare_model(None, MODELS, say=print)


@pytest.fixture(scope="session")
def encoder(prepared: Path) -> Encoder:
    return load_encoder(prepared)


@pytest.fixture(scope="session")
def yardstick(prepared: Path) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(MODELS / Card.read(prepared).source)


def faq_lines(count: int) -> list[str]:
    """The documents' lines and, after them, their clauses."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "faq" / "documents").glob("*.txt")))
    pieces = text.splitlines() + re.split(r"[，。；？\n]", text)
    return list(dict.fromkeys(piece.strip() for piece in pieces if len(piece.strip()) > 3))[:count]


def test_the_default_model_is_compiled_and_was_verified_when_made(prepared: Path, encoder: Encoder) -> None:
    """The card beside the model says what it is and how near to sentence-transformers it came."""
    card = Card.read(prepared)
    assert isinstance(encoder, OnnxEncoder)
    assert card.compiled
    assert card.cosine_min is not None
    assert card.cosine_min >= 0.99
    assert encoder.model_id == card.model_id == model_id_of(None, MODELS)


def test_vectors_equal_those_of_sentence_transformers(encoder: Encoder, yardstick: SentenceTransformersEncoder) -> None:
    """On the FAQ documents' own sentences, which the check at making does not use, every cosine is at least 0.99."""
    lines = faq_lines(220)
    assert len(lines) == 220
    cosines = (encoder.encode(lines) * yardstick.model.encode(lines)).sum(axis=1)
    assert cosines.min() >= 0.99


def test_a_vector_does_not_depend_on_what_is_encoded_with_it(encoder: Encoder) -> None:
    """Alone, in any company and in any order, a text has the same vector to the bit."""
    lines = faq_lines(20)
    together = encoder.encode(lines)
    assert np.array_equal(together, np.concatenate([encoder.encode([line]) for line in lines]))
    assert np.array_equal(together[::-1], encoder.encode(lines[::-1]))
    assert np.array_equal(encoder.encode(QUESTIONS)[0], encoder.encode([QUESTIONS[0]])[0])


def test_vectors_are_float32_rows_of_length_one(encoder: Encoder) -> None:
    """The shape is (texts, dimension)."""
    vectors = encoder.encode(QUESTIONS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dimension) == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    """An empty list keeps the dimension."""
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.encode([]).dtype == np.float32


def test_progress_counts_the_texts_done(encoder: Encoder) -> None:
    """The callback hears of every text once, in order."""
    seen: list[int] = []
    encoder.encode(QUESTIONS, progress=seen.append)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t\u3000",
        "😀😀",
        "👨‍👩‍👧",
        "\x00",
        "\x07\x1b",
        "\ud83d",
        "\u200b\ufeff",
        "привет",
        "한국어",
        "𠮷",
        "长" * 20_000,
    ],
    ids=[
        "empty",
        "space",
        "spaces",
        "emoji",
        "family",
        "null",
        "control",
        "surrogate",
        "zero",
        "ru",
        "ko",
        "rare",
        "long",
    ],
)
def test_odd_texts_get_a_vector(encoder: Encoder, yardstick: SentenceTransformersEncoder, text: str) -> None:
    """Whatever a visitor can type is encoded, and as sentence-transformers would."""
    vector = encoder.encode([text])[0]
    assert np.isfinite(vector).all()
    assert vector @ yardstick.encode([text])[0] >= 0.99


@pytest.mark.parametrize(
    ("question", "same", "other"),
    [
        ("账号被锁了，帮我解一下", "用户名锁定如何解锁", "危险化学品经营许可证到期了怎么延期"),
        ("忘记密码了怎么办", "密码找回的方法", "检测报告上传不了"),
        ("企业名字改了去哪里更新", "单位名称变更后如何修改信息", "验证码收不到"),
    ],
)
def test_the_same_meaning_is_closer_than_another(encoder: Encoder, question: str, same: str, other: str) -> None:
    """A paraphrase in other words beats a sentence of the same desk about something else."""
    asked, near, far = encoder.encode([question, same, other])
    assert asked @ near > asked @ far


def test_many_threads_get_the_same_vectors(encoder: Encoder, yardstick: SentenceTransformersEncoder) -> None:
    """Both encoders may be used from several threads at once."""
    lines = faq_lines(6)
    for each in (encoder, yardstick):
        alone = each.encode(lines)
        with ThreadPoolExecutor(4) as pool:
            shared = list(pool.map(lambda line, each=each: each.encode([line])[0], lines))
        assert np.array_equal(alone, np.stack(shared))


def test_serving_imports_no_pytorch(prepared: Path) -> None:
    """A process that finds the model ready, loads it and encodes has none of the heavy libraries in memory."""
    script = f"""
import sys
heavy = ("torch", "sentence_transformers", "transformers", "onnx", "onnxscript")
from pathlib import Path
from index.encoder import load_encoder
from index.model import model_id_of, prepare_model

directory = Path({str(MODELS)!r})
encoder = load_encoder(prepare_model(None, directory, say=print))
assert encoder.encode(["你好", "转人工"]).shape == (2, 384)
assert model_id_of(None, directory) == encoder.model_id
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert prepared.is_dir()


def test_a_folder_that_is_not_ready_is_refused(tmp_path: Path) -> None:
    """The operator is told that it is not ready and what to do."""
    with pytest.raises(ModelError, match=r"尚未就绪.*重新运行"):
        load_encoder(tmp_path)
