"""Learn rank.json from a knowledge base's own similar questions and uncovered topics.

Every similar question and every topic is asked with itself held out, in the knowledge base as it is and in poorer ones:
without topics, without answers, without similar questions, so that the weights serve knowledge bases that lack them.
Where no topics are known, every similar question is also asked with its whole entry held out: then none of the entries
is right, as none is for a question near the domain that nobody has answered yet. Fitted by the likelihood of the
right choice (see `rank`), with weights of which none may speak against an entry for being near. Deterministic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from scipy.optimize import minimize

from index import rank
from index.build import reduced
from index.encoder import Encoder
from index.head import Fit
from index.hybrid import HeldOut, HybridIndex
from index.rank import Floats
from index.segment import Segmenter
from index.snapshot import Kind, Phrasing, Snapshot
from index.trial import Recall

Bounds: TypeAlias = tuple[float | None, float | None]

_PENALTY, _NONE = 3e-5, 0.3
"""How strongly weights are drawn to zero, and which part of all questions is taken to have no answer here."""
_POORER: Final[tuple[tuple[Kind, ...], ...]] = ((), ("uncovered",), ("answer",), ("uncovered", "answer"))
_SIGNS: Final[dict[str, Bounds]] = {"constant": (None, None), "no_topics": (None, None)}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as seen: what `rank` wants to know, the place of the right candidate (None: none of them is), and
    how much it counts."""

    features: Floats
    none: Floats
    right: int | None
    weight: float = 1.0


def examples(snapshot: Snapshot, segmenter: Segmenter, encoder: Encoder | None, *, similar: bool) -> Iterator[Asked]:
    """Every similar question and uncovered topic, asked of the knowledge base and of poorer ones, each without similar
    questions unless `similar`."""
    for poorer in _POORER:
        without = poorer if similar else (*poorer, "similar")
        recall = None if encoder is None else Recall(snapshot, encoder)
        index = HybridIndex(reduced(snapshot, without), segmenter, recall)
        yield from ask(index, snapshot)


def ask(index: HybridIndex, snapshot: Snapshot, most: int | None = None) -> Iterator[Asked]:
    """The similar questions and uncovered topics of a snapshot, asked of an index that may hold them.

    At most `most` of either kind, evenly spread (None: all).
    """
    comparison, fit = index.comparison, index.comparison.fit()
    places = {index.snapshot.phrasings[row]: place for place, row in enumerate(comparison.asked)}
    similar, uncovered = (_spread(snapshot, kind, most) for kind in ("similar", "uncovered"))
    covered, topics = len(similar), len(uncovered)
    to_none = covered * _NONE / (1 - _NONE)
    for phrasing in (*similar, *uncovered):
        place = places.get(phrasing)
        if phrasing.kind == "similar":
            yield _ask(index, fit, phrasing, [] if place is None else [place], 1.0)
            whole = np.flatnonzero(comparison.classes == phrasing.entry).tolist()
            if not comparison.topics:
                share = 0.5 if topics else 1.0
                yield _ask(index, fit, phrasing, whole, to_none * share / covered, gone=phrasing.entry)
        elif phrasing.kind == "uncovered":
            yield _ask(
                index,
                fit,
                phrasing,
                [] if place is None else [place],
                to_none * (1.0 if comparison.topics else 0.5) / topics,
            )


def _spread(snapshot: Snapshot, kind: Kind, most: int | None) -> list[Phrasing]:
    found = [phrasing for phrasing in snapshot.phrasings if phrasing.kind == kind]
    if most is None or len(found) <= most:
        return found
    return [found[at] for at in np.linspace(0, len(found) - 1, most).astype(np.intp)]


def _ask(
    index: HybridIndex, fit: Fit, phrasing: Phrasing, places: list[int], weight: float, gone: int | None = None
) -> Asked:
    """Ask a phrasing with the questions at `places` held out, and with them the entry `gone`."""
    rows = index.comparison.asked[places]
    own = next(
        (place for place, row in zip(places, rows, strict=True) if index.snapshot.phrasings[row] == phrasing), None
    )
    head = None if own is None else fit.without(own, places)
    found = index.candidates(phrasing.form, held_out=HeldOut(frozenset(rows.tolist()), head))
    kept = [n for n, entry in enumerate(found.entries) if entry != gone]
    right = None
    if gone is None and phrasing.entry in found.entries:
        right = found.entries.index(phrasing.entry)
    return Asked(found.features[kept], found.none, right, weight)


def learn(asked: Sequence[Asked]) -> rank.Weights:
    """The weights that make the right choices likeliest. ValueError where nothing tells right from wrong."""
    if len({a.right is None for a in asked}) < 2:
        raise ValueError("训练需要相似问法（*.similar.toml），最好还有未收录话题（uncovered.toml）。")
    entries, nones = len(rank.FEATURES), len(rank.NONE)
    pull = np.full(entries + nones, _PENALTY)
    pull[entries + rank.NONE.index("constant")] *= 0.01
    total = sum(a.weight for a in asked)

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, gradient = float(pull @ (weights * weights)), 2 * pull * weights
        for a in asked:
            scores = np.append(a.features @ weights[:entries], a.none @ weights[entries:])
            top = scores.max()
            chances = np.exp(scores - top)
            summed = chances.sum()
            chances /= summed
            right = -1 if a.right is None else a.right
            share = a.weight / total
            value -= share * float(scores[right] - top - np.log(summed))
            chances[right] -= 1
            gradient[:entries] += share * (chances[:-1] @ a.features)
            gradient[entries:] += share * (chances[-1] * a.none)
        return value, gradient

    bounds: list[Bounds] = [(0, None)] * entries + [_SIGNS.get(n, (0, None)) for n in rank.NONE]
    found = minimize(loss, np.zeros(entries + nones), jac=True, method="L-BFGS-B", bounds=bounds).x
    return rank.Weights(tuple(map(float, found[:entries])), tuple(map(float, found[entries:])))


def readable(weights: rank.Weights) -> dict[str, dict[str, float]]:
    """The form in which weights lie in rank.json."""
    return {
        "entry": {name: round(value, 4) for name, value in zip(rank.FEATURES, weights.entry, strict=True)},
        "none": {name: round(value, 4) for name, value in zip(rank.NONE, weights.none, strict=True)},
    }


def write(learned: Mapping[str, rank.Weights], path: Path) -> None:
    """Write sets of weights, by name, readable and diffable."""
    stored = {name: readable(weights) for name, weights in learned.items()}
    path.write_text(json.dumps(stored, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
