"""A knowledge base made ready for searching: spelled, cut into words, encoded, its classifier fitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from faq.knowledge import KnowledgeBase
from faq.text import sentences
from index.compare import Comparison
from index.encoder import Encoder
from index.segment import Segmenter, terms
from index.snapshot import Kind, Phrasing, Snapshot
from index.spelling import Lexicon, lexicon
from index.understanding import Understanding
from index.variant import canonical, without_courtesy


def build(
    knowledge: KnowledgeBase,
    segmenter: Segmenter,
    encoder: Encoder | None,
    *,
    previous: Snapshot | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Snapshot:
    """Cut, encode and learn a knowledge base; vectors of `previous` made by the same model are used again.

    `progress` is called with the number of texts encoded and the number to encode, `say` with a line (Chinese) when
    the classifier's turn has come.
    """
    knowledge = _whole(knowledge)
    words = _lexicon(knowledge, segmenter)
    understanding = Understanding(words, knowledge.catalog.synonyms, segmenter)
    phrasings = tuple(_phrasing(*found, understanding, segmenter) for found in _texts(knowledge))
    made = Snapshot(knowledge, phrasings, words, None, None, None)
    if encoder is not None:
        vectors = _vectors(phrasings, encoder, previous, progress)
        made = replace(made, vectors=vectors, model_id=encoder.model_id)
    if say is not None:
        say(f"正在训练分类器：{sum(phrasing.kind != 'answer' for phrasing in phrasings)} 个问法……")
    return learned(made)


def learned(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the classifier of its phrasings."""
    return replace(snapshot, head=Comparison(snapshot).fit().weights())


def reduced(snapshot: Snapshot, without: Collection[Kind]) -> Snapshot:
    """The snapshot of the same knowledge base with some kinds of phrasings overlooked, and its own classifier."""
    kept = [row for row, phrasing in enumerate(snapshot.phrasings) if phrasing.kind not in without]
    vectors = None if snapshot.vectors is None else snapshot.vectors[kept]
    return learned(
        replace(snapshot, phrasings=tuple(snapshot.phrasings[row] for row in kept), vectors=vectors, tuning=(1.0, 0.0))
    )


def _phrasing(entry: int, kind: Kind, text: str, understanding: Understanding, segmenter: Segmenter) -> Phrasing:
    form = without_courtesy(understanding.read(text))
    return Phrasing(entry, kind, text, form, tuple(segmenter.words(form)))


def _lexicon(knowledge: KnowledgeBase, segmenter: Segmenter) -> Lexicon:
    """The words of titles and answers. Similar questions are typed by people, mistakes and all."""
    texts = (canonical(text) for entry in knowledge.entries for text in (entry.question, entry.answer))
    names = [canonical(term) for term in terms(knowledge)]
    return lexicon((word for text in texts for word in segmenter.cut(text)), names, segmenter)


def _vectors(
    phrasings: Collection[Phrasing],
    encoder: Encoder,
    previous: Snapshot | None,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float32]:
    known: dict[str, NDArray[np.float32]] = {}
    if previous is not None and previous.vectors is not None and previous.model_id == encoder.model_id:
        known = {p.form: vector for p, vector in zip(previous.phrasings, previous.vectors, strict=True)}
    fresh = [form for form in dict.fromkeys(p.form for p in phrasings) if form not in known]
    if fresh:
        report = None if progress is None else partial(_report, progress, len(fresh))
        known.update(zip(fresh, encoder.encode(fresh, report), strict=True))
    vectors = np.zeros((len(phrasings), encoder.dimension), dtype=np.float32)
    for row, phrasing in enumerate(phrasings):
        vectors[row] = known[phrasing.form]
    return vectors


def _report(progress: Callable[[int, int], None], total: int, done: int) -> None:
    progress(done, total)


def _whole(knowledge: KnowledgeBase) -> KnowledgeBase:
    """The knowledge base with its own entries in its documents too, where the bare ones from the file may stand."""
    entries = {entry.id: entry for entry in knowledge.entries}
    documents = (
        replace(document, entries=tuple(entries.get(entry.id, entry) for entry in document.entries))
        for document in knowledge.documents
    )
    return replace(knowledge, documents=tuple(documents))


def _texts(knowledge: KnowledgeBase) -> Iterator[tuple[int, Kind, str]]:
    for at, entry in enumerate(knowledge.entries):
        yield at, "title", entry.question
        for similar in entry.similar:
            yield at, "similar", similar
        for sentence in sentences(entry.answer):
            yield at, "answer", sentence
    for topic in knowledge.uncovered:
        yield -1, "uncovered", topic
