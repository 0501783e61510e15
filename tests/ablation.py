"""What each measure of `rank` adds, over the shipped documents: `python tests/ablation.py [--markdown]`, some minutes.

Every similar question and uncovered topic is asked with itself held out, once with the similar questions of its entry
and once with titles and answers only. The weights are then learned and judged crosswise: of five folds, none of which
splits an entry, each is judged by the weights that the other four teach. That is done with all measures, without each
group of them, and with each group alone. The labelled questions, of which nothing is learned, are judged by the weights
that all examples teach. Deterministic. The measures themselves are not learned anew without the fold: what is held out
of the index and the classifier is the one question.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from bot import upkeep  # noqa: E402
from bot.case import Case, Label, Prediction  # noqa: E402
from bot.evaluate import QUESTIONS, QuestionSet, read_set  # noqa: E402
from bot.measure import measure  # noqa: E402
from bot.settings import Settings  # noqa: E402
from faq.knowledge import read_folder  # noqa: E402
from index import rank  # noqa: E402
from index.build import reduced  # noqa: E402
from index.hybrid import HybridIndex  # noqa: E402
from index.snapshot import Snapshot  # noqa: E402
from index.train import Asked, ask, learn  # noqa: E402
from index.trial import Recall  # noqa: E402

FOLDS: Final = 5
DEVELOPMENT: Final = ROOT.parent / "shared" / "eval" / "dev_queries.jsonl"

ALWAYS: Final = frozenset({"constant", "no_topics"})
GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "encoder": frozenset({"title", "question", "answer"}),
    "classifier": frozenset({"head"}),
    "BM25 words": frozenset({"words"}),
    "BM25 pairs": frozenset({"pairs"}),
    "sounds": frozenset({"sounds"}),
    "answers": frozenset({"answer", "answer_words", "answer_pairs"}),
    "fuzzy": frozenset({"fuzzy"}),
    "cues": frozenset({"system", "audience", "elsewhere"}),
    "topics": frozenset({"topic_head", "topic", "topic_words"}),
    "vectors": frozenset({"title", "question", "answer", "head", "topic", "topic_head"}),
}
"""Measures by what they come from; `answer` is in two groups. The classifier's kernel mixes vectors, characters and
sounds: "encoder" takes only the cosines themselves away, "vectors" everything that vectors have a part in."""

LEARNED: Final = ("top1", "auroc", "false_answers_at_85_coverage", "calibration_error")
LABELLED: Final = LEARNED[:3]
HEADS: Final = ("recall@1", "AUROC", "false@85", "ECE")

Row: TypeAlias = tuple[str, list[float | None]]


@dataclass(frozen=True, slots=True)
class Example:
    """A question as `rank` sees it, whether it is covered, and the places of the candidates that are right."""

    asked: Asked
    covered: bool
    right: frozenset[int]


@dataclass(frozen=True, slots=True)
class Bench:
    """What is learned from, with the fold of each example, what is only judged, by the name of the set, and the
    weights that are in use."""

    examples: Sequence[Example]
    folds: Sequence[int]
    sets: Mapping[str, Sequence[Example]]
    shipped: rank.Weights


def variants() -> Iterator[tuple[str, frozenset[str]]]:
    """The names of the measures kept, by what the choice is called."""
    everything = frozenset((*rank.FEATURES, *rank.NONE))
    yield "everything", everything
    yield from ((f"without {name}", everything - group) for name, group in GROUPS.items())
    yield from ((f"{name} alone", group | ALWAYS) for name, group in GROUPS.items())


def only(asked: Asked, kept: Collection[str]) -> Asked:
    """The question with nothing to see in the other columns, which so learn no weight."""
    entry, none = (np.array([name in kept for name in names]) for names in (rank.FEATURES, rank.NONE))
    return replace(asked, features=asked.features * entry, none=asked.none * none)


def folds_of(snapshot: Snapshot) -> list[int]:
    """The fold of each question in the order of `ask`: entries are dealt round, and so are the topics."""
    entries = [phrasing.entry % FOLDS for phrasing in snapshot.phrasings if phrasing.kind == "similar"]
    topics = sum(phrasing.kind == "uncovered" for phrasing in snapshot.phrasings)
    return [*entries, *(topic % FOLDS for topic in range(topics))]


def learnable(index: HybridIndex, snapshot: Snapshot) -> list[Example]:
    """The similar questions, then the topics, each held out."""
    kinds = sorted(phrasing.kind for phrasing in snapshot.phrasings if phrasing.kind in ("similar", "uncovered"))
    return [
        Example(asked, kind == "similar", frozenset() if asked.right is None else frozenset({asked.right}))
        for kind, asked in zip(kinds, ask(index, snapshot), strict=True)
    ]


def labelled(index: HybridIndex, questions: QuestionSet) -> Iterator[Example]:
    """The questions of a set; those that several systems answer alike are left out."""
    for question, label in questions.rows:
        if label.expect != "clarify":
            found = index.candidates(index.understand(question.text), question.context)
            ids = [index.knowledge.entries[at].id for at in found.entries]
            right = frozenset(place for place, entry_id in enumerate(ids) if entry_id in label.entries)
            yield Example(Asked(found.features, found.none, None), label.expect == "answer", right)


def judge(example: Example, weights: rank.Weights) -> tuple[Case, float]:
    """The case, in which a candidate is first only ahead of all others, and the logarithm of the chance missed."""
    asked = example.asked
    judged = rank.judge(asked.features, asked.none, weights)
    first = np.flatnonzero(judged.score == judged.score.max(initial=-np.inf)).tolist()
    right = bool(first) and example.right.issuperset(first)
    chance = 1 - judged.confidence.sum() if asked.right is None else judged.confidence[asked.right]
    label = Label("answer", ("right",), None) if example.covered else Label("reject", (), None)
    confidence = float(judged.confidence.max(initial=0.0))
    case = Case(label, Prediction("", "answer", ["right" if right else "other"], confidence, [], None))
    return case, -math.log(max(float(chance), 1e-12))


def crosswise(examples: Sequence[Example], folds: Sequence[int]) -> list[float | None]:
    """LEARNED and the log-loss of all examples, each judged by the weights that the other folds teach.

    The log-loss counts examples as learning does; the other figures count each once.
    """
    judged = []
    for fold in sorted(set(folds)):
        weights = learn([example.asked for example, at in zip(examples, folds, strict=True) if at != fold])
        left = [example for example, at in zip(examples, folds, strict=True) if at == fold]
        judged += [(*judge(example, weights), example.asked.weight) for example in left]
    figures = measure(case for case, _, _ in judged)
    loss = sum(loss * weight for _, loss, weight in judged) / sum(weight for _, _, weight in judged)
    return [*(figures[name].value for name in LEARNED), loss]


def examined(examples: Sequence[Example], weights: rank.Weights) -> list[float | None]:
    """LABELLED of questions that nothing was learned from."""
    figures = measure(judge(example, weights)[0] for example in examples)
    return [figures[name].value for name in LABELLED]


def ablate(bench: Bench) -> Iterator[Row]:
    """A row for each variant, and for the weights in use, which all examples have taught."""
    for name, kept in variants():
        upkeep.say(name)
        seen = [replace(example, asked=only(example.asked, kept)) for example in bench.examples]
        weights = learn([example.asked for example in seen])  # 0 for the columns taken away
        tested = [figure for examples in bench.sets.values() for figure in examined(examples, weights)]
        yield name, [*crosswise(seen, bench.folds), *tested]
    tested = [figure for examples in bench.sets.values() for figure in examined(examples, bench.shipped)]
    yield "as shipped", [*[None] * (len(LEARNED) + 1), *tested]


def table(heads: Sequence[str], rows: Sequence[Row], *, markdown: bool) -> str:
    """Figures by variant, – where there is none."""
    cells = [[name, *("–" if value is None else f"{value:.3f}" for value in row)] for name, row in rows]
    lines = [["", *heads], *([["---", *["--:"] * len(heads)]] if markdown else []), *cells]
    if markdown:
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    return "\n".join("  ".join([line[0].ljust(first), *map(str.rjust, line[1:], others)]) for line in lines)


def main() -> int:
    """Print a table for the documents with their similar questions and one for titles and answers only."""
    parser = argparse.ArgumentParser(prog="python tests/ablation.py", description="Tell what each measure adds.")
    parser.add_argument("--markdown", action="store_true", help="print the tables as they stand in docs/ranking.md")
    options = parser.parse_args()
    settings = Settings()
    knowledge = read_folder(settings.faq_documents)
    encoder, segmenter = upkeep.encoder_of(settings), upkeep.segmenter_of(settings, knowledge)
    if encoder is None:
        return 1
    whole = upkeep.make(settings, knowledge, segmenter, encoder)
    sets = {"own": read_set(settings.faq_documents / QUESTIONS)}
    if DEVELOPMENT.is_file():
        sets["dev"] = read_set(DEVELOPMENT)
    for similar, title in ((True, "With similar questions"), (False, "Titles and answers only")):
        made = whole if similar else reduced(whole, ["similar"])
        index = HybridIndex(made, segmenter, Recall(whole, encoder))
        bench = Bench(
            examples=learnable(index, whole),
            folds=folds_of(whole),
            sets={name: list(labelled(index, questions)) for name, questions in sets.items()},
            shipped=rank.tuned(rank.shipped(index.mode, similar=similar), *made.tuning),
        )
        heads = [*HEADS, "log-loss", *(f"{name} {head}" for name in sets for head in HEADS[: len(LABELLED)])]
        sizes = [f"{name} {counted(found)}" for name, found in {"held out": bench.examples, **bench.sets}.items()]
        print(f"{title} ({'; '.join(sizes)}):\n\n{table(heads, list(ablate(bench)), markdown=options.markdown)}\n")
    if "dev" not in sets:
        print(f"Skipped, since it is not there: ../{DEVELOPMENT.relative_to(ROOT.parent)}")
    return 0


def counted(examples: Collection[Example]) -> str:
    """How many of the questions are covered and how many are not."""
    covered = sum(example.covered for example in examples)
    return f"{covered} covered and {len(examples) - covered} uncovered"


if __name__ == "__main__":
    sys.exit(main())
