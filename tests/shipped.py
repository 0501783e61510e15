"""The project's own documents, read, cut and built once for all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from conftest import ROOT

from faq.knowledge import KnowledgeBase, read_folder
from index import build, snapshot
from index.encoder import Encoder
from index.hybrid import HybridIndex
from index.segment import Segmenter, terms
from index.snapshot import Snapshot
from index.trial import Recall
from index.understanding import Understanding

DOCUMENTS = ROOT / "faq" / "documents"


@cache
def knowledge() -> KnowledgeBase:
    """What the documents say."""
    return read_folder(DOCUMENTS)


@cache
def cutter() -> Segmenter:
    """The segmenter that knows their words."""
    return Segmenter(terms(knowledge()), ROOT / "var" / "cache")


@cache
def made(built: Path | None = None) -> Snapshot:
    """Their snapshot: without vectors, or the one in the data folder `built`."""
    return build.build(knowledge(), cutter(), None) if built is None else snapshot.load(built / "index.db")


@cache
def understanding() -> Understanding:
    """How their index reads messages."""
    return Understanding(made().lexicon, knowledge().catalog.synonyms, cutter())


def index_of(made: Snapshot, encoder: Encoder | None) -> HybridIndex:
    """An index of their snapshot that knows the vectors of its own phrasings by heart."""
    return HybridIndex(made, cutter(), None if encoder is None else Recall(made, encoder))
