"""Sentence encoders: texts in, vectors of length 1 out.

An encoder gives the same vector for the same text, to the bit, whatever else is encoded with it: texts run through the
network one at a time, so padding and batch-wide scales cannot touch them, and threads only share out the texts. This
module serves; what it loads is made by `model`. With a compiled model it needs onnxruntime and `tokenizer`, and imports
neither PyTorch nor sentence-transformers.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

CARD = "encoder.json"
NETWORK = "model.onnx"
WEIGHTS = "model.onnx.data"
TOKENIZER = "tokenizer.json"
COMPILATION = "int8-1"  # counts up when compiling the same weights would give other vectors
MAX_LENGTH = 512  # tokens; a model's own limit is kept where it is lower

_WORKERS = 4  # at most; one text keeps one core busy


class ModelError(Exception):
    """A model cannot be made or loaded; the operator reads the message (Chinese), which says what to do."""


class Encoder(Protocol):
    """What search needs of a sentence encoder. Safe to use from several threads."""

    model_id: str  # names weights, tokenizer and compilation: it changes when vectors could change
    dimension: int

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Vectors of `texts`: float32, (len(texts), dimension), rows of length 1; `progress` gets the number done."""
        ...


@dataclass(frozen=True)
class Card:
    """The small JSON beside a model: what it is, how it was checked, and the sizes (bytes) of its files.

    `source` is the Sentence-Transformers folder it was made from: a sibling's name or an absolute path. A model that
    could not be compiled has `compiled` False and the `reason`, and is served from `source`.
    """

    model_id: str
    dimension: int
    max_length: int
    prompt: str
    source: str
    compiled: bool
    reason: str
    cosine_min: float | None
    cosine_mean: float | None
    made_at: str
    files: dict[str, int]

    def write(self, folder: Path) -> None:
        """Write the card into `folder`."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"
        (folder / CARD).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Card:
        """Read the card of `folder`. Raises ModelError when it or one of its files is missing or cut short."""
        try:
            card = cls(**json.loads((folder / CARD).read_text(encoding="utf-8")))
            complete = all((folder / name).stat().st_size == size for name, size in card.files.items())
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"语义模型尚未就绪或已损坏：{folder}（{error}）。请重新运行构建命令。") from error
        if not complete:
            raise ModelError(f"语义模型的文件不完整：{folder}。请重新运行构建命令，程序会重新制作。")
        return card


def load_encoder(model_dir: Path) -> Encoder:
    """The encoder of a ready model directory, about 0.3 s. Raises ModelError when the directory is not ready."""
    card = Card.read(model_dir)
    if card.compiled:
        return OnnxEncoder(model_dir)
    return SentenceTransformersEncoder(str(model_dir.parent / card.source))  # an absolute source stays as it is


class OnnxEncoder:
    """Runs a compiled model with ONNX Runtime, one text at a time.

    One intra-op thread: a second one saves 1.6 ms of 4.5 on a short question, but costs a quarter of the throughput and
    keeps a core spinning. No memory arena: the process gives memory back after a long text. Weights are mapped from
    the file.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # noqa: PLC0415 - search without an encoder loads neither

        from index.tokenizer import load_tokenizer  # noqa: PLC0415

        card = Card.read(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            self._ids = load_tokenizer(folder / TOKENIZER, card.max_length)
            self._session = onnxruntime.InferenceSession(
                str(folder / NETWORK), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise their own kinds
            raise ModelError(
                f"语义模型无法加载：{folder}（{one_line(error)}）。请删除该目录后重新运行构建命令。"
            ) from error
        # Each thread that runs the network keeps scratch memory, so only as many run it as there are cores.
        self._pool = ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1), thread_name_prefix="encoder")
        self._prompt = card.prompt
        self.model_id = card.model_id
        self.dimension = card.dimension

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Vectors of `texts`, shape (len(texts), dimension)."""
        return _stack(self._pool.map(self._vector, texts), len(texts), self.dimension, progress)

    def _vector(self, text: str) -> NDArray[np.float32]:
        ids = self._ids(_clean(self._prompt + text))
        vector: NDArray[np.float32] = self._session.run(None, {"input_ids": np.array([ids], np.int64)})[0][0]
        return vector


class SentenceTransformersEncoder:
    """Runs a Sentence-Transformers model (a folder or a hub id) with PyTorch: the fall-back, and the yardstick.

    Its tokenizer is not safe to share between threads, so texts queue for a lock.
    """

    def __init__(self, folder_or_id: str | Path) -> None:
        try:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds

            self.model: SentenceTransformer = SentenceTransformer(
                str(folder_or_id), device="cpu", model_kwargs={"dtype": "float32", "attn_implementation": "eager"}
            )
        except Exception as error:  # whatever the folder, the hub or a custom module raises
            raise ModelError(
                f"sentence-transformers 无法加载 {folder_or_id}（{one_line(error)}）。"
                "请检查 FAQ_MODEL 指向的目录或模型名；按模型名使用时需要能访问模型站点。"
            ) from error
        self.model.eval()
        self.max_length = min(self.model.max_seq_length or MAX_LENGTH, MAX_LENGTH)
        self.model.max_seq_length = self.max_length
        self.prompt = self.model.prompts.get(self.model.default_prompt_name or "", "") or ""
        self.model_id = f"sentence-transformers-{self.digest()}"
        self.dimension = self.model.get_embedding_dimension() or self._vector("").shape[0]
        self._lock = threading.Lock()

    def digest(self) -> str:
        """Sixteen hex digits over weights, tokenizer, prompt and length: the same for the same model on every machine.

        transformers gives a checkpoint without a pooler a random one; sentence vectors do not come from it, so it is
        left out.
        """
        digest = hashlib.sha256(json.dumps([self.prompt, self.max_length, self.tokenizer_json()]).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            if "pooler." not in name:
                digest.update(f"{name} {tuple(tensor.shape)}".encode())
                digest.update(np.ascontiguousarray(tensor.float().numpy()).data)
        return digest.hexdigest()[:16]

    def tokenizer_json(self) -> str | None:
        """A `tokenizer.json` that cuts texts as this model does, None when its tokenizer has no such form."""
        backend = getattr(self.model.tokenizer, "backend_tokenizer", None)
        if backend is None or not hasattr(backend, "to_str"):
            return None
        form: dict[str, Any] = json.loads(backend.to_str())
        return json.dumps({**form, "truncation": None, "padding": None}, ensure_ascii=False, separators=(",", ":"))

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Vectors of `texts`, shape (len(texts), dimension), one text at a time."""
        with self._lock:
            return _stack(map(self._vector, texts), len(texts), self.dimension, progress)

    def _vector(self, text: str) -> NDArray[np.float32]:
        vectors = self.model.encode(
            [_clean(text)], prompt=self.prompt, show_progress_bar=False, normalize_embeddings=True
        )
        return np.asarray(vectors[0], np.float32)


def one_line(error: Exception) -> str:
    """A library's error as part of a message: its kind and its text, on one line, 300 characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _clean(text: str) -> str:
    """Half a surrogate pair, which JSON may carry, is no character and would be refused: it becomes a question mark."""
    return text.encode(errors="replace").decode()


def _stack(
    vectors: Iterable[NDArray[np.float32]], count: int, dimension: int, progress: Callable[[int], None] | None
) -> NDArray[np.float32]:
    result = np.empty((count, dimension), np.float32)
    for row, vector in enumerate(vectors):
        result[row] = vector
        if progress is not None:
            progress(row + 1)
    return result
