"""Handwritten stand-ins: an encoder whose cosines are known exactly, and small knowledge bases to go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from faq.catalog import Audience, Catalog, System
from faq.entry import Document, Entry
from faq.knowledge import KnowledgeBase
from index.build import build
from index.encoder import Encoder
from index.hybrid import HybridIndex
from index.segment import Segmenter

DIMENSION = 8
NOWHERE = DIMENSION - 1
"""The axis of every text that nobody placed: at right angles to all the others."""


class FakeEncoder:
    """Places texts on axes or between them; `encoded` keeps what it was asked for."""

    dimension = DIMENSION

    def __init__(self, places: Mapping[str, Mapping[int, float]] | None = None, model_id: str = "fake-1") -> None:
        self.model_id = model_id
        self.encoded: list[str] = []
        self._places = dict(places or {})

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            self.encoded.append(text)
            for axis, length in self._places.get(text, {NOWHERE: 1.0}).items():
                vectors[row, axis] = length
            vectors[row] /= np.linalg.norm(vectors[row])
            if progress is not None:
                progress(row + 1)
        return vectors


def entry(entry_id: str, question: str, answer: str = "", *similar: str, audience: str | None = None) -> Entry:
    """An entry whose system and number are read from its id."""
    system, _, number = entry_id.rpartition("-")
    return Entry(entry_id, system, audience or "", number, question, answer, similar, audience)


def knowledge_of(*entries: Entry, uncovered: Sequence[str] = (), catalog: Catalog | None = None) -> KnowledgeBase:
    """A knowledge base of one document per system; without a catalog its systems are `a` (甲系统) and `b` (乙系统)."""
    systems = dict.fromkeys(entry.system for entry in entries)
    documents = tuple(
        Document(
            system,
            f"{system}文档",
            "常见问题",
            None,
            ("注意事项",),
            (),
            tuple(e for e in entries if e.system == system),
        )
        for system in systems
    )
    return KnowledgeBase(catalog or CATALOG, documents, tuple(entries), tuple(uncovered), "0" * 64)


CATALOG = Catalog(
    systems=(
        System(
            "a", "甲系统", ("甲平台",), ("粉尘",), (Audience("企业用户", ("我公司",)), Audience("管理机构", ("我局",)))
        ),
        System("b", "乙系统", ("yxt",), ("加油站",)),
    ),
    elsewhere=("微信", "12345"),
)


@cache
def segmenter() -> Segmenter:
    """One for all tests; it knows no terms."""
    return Segmenter()


def index_of(knowledge: KnowledgeBase, encoder: Encoder | None = None) -> HybridIndex:
    """An index of the knowledge base; on keywords alone where there is no encoder."""
    return HybridIndex(build(knowledge, segmenter(), encoder), segmenter(), encoder)
