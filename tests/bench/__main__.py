"""Measure the chat against the bare encoder and an empty endpoint: `python tests/bench`, see the README beside this."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from child import MODELS, bot_server, data_folder, empty_server  # noqa: E402
from client import RequestError  # noqa: E402
from invent import write_documents  # noqa: E402
from measure import FULL, QUICK, Bench, Plan  # noqa: E402
from question import DOCUMENTS, known_questions  # noqa: E402
from report import describe, describe_typeahead, show, show_typeahead  # noqa: E402
from typeahead import Typeahead  # noqa: E402
from watch import Watch  # noqa: E402

from index.encoder import load_encoder  # noqa: E402
from index.model import prepare_model  # noqa: E402

STARTS = 3


def main() -> int:
    """Run the benchmark; 1 when a request failed."""
    parser = argparse.ArgumentParser(prog="python tests/bench", description="Measure the chat in ratios.")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that all works")
    parser.add_argument(
        "--typeahead", type=int, metavar="N", help="only suggestions while typing, over N made-up entries; 0: our own"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children are ended then, too
    try:
        plan = QUICK if options.quick else FULL
        figures = measure(plan) if options.typeahead is None else measure_typeahead(plan, options.typeahead)
    except RequestError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print(show(figures) if options.typeahead is None else "\n".join(show_typeahead(figures)))
    if options.json:
        options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(plan: Plan) -> dict[str, Any]:
    """Start everything, run the plan, and return the figures."""
    began = time.monotonic()
    first = known_questions()[0]
    with ExitStack() as stack:
        say("building the index")
        folder = stack.enter_context(data_folder())
        starts = []
        for _ in range(STARTS - 1):
            say("starting the server")
            with bot_server(folder, first) as server:
                starts.append(server.started_in)
        server = stack.enter_context(bot_server(folder, first))
        starts.append(server.started_in)
        empty = stack.enter_context(empty_server(folder, first))
        encoder = load_encoder(prepare_model(None, MODELS, say=say))
        bench = Bench(server, empty, encoder, folder)
        with Watch([os.getpid(), server.process.pid, empty.process.pid]) as watch:
            rounds = bench.run(plan, say)
        memory = server.memory()
        say(f"done in {time.monotonic() - began:.0f} s\n")
        return describe(rounds, starts, memory, bench.decisions, watch.others)


def measure_typeahead(plan: Plan, entries: int) -> dict[str, Any]:
    """The same for nothing but suggestions while typing, which want no encoder."""
    with ExitStack() as stack:
        documents = DOCUMENTS
        if entries:
            documents = Path(stack.enter_context(TemporaryDirectory(prefix="bench-"))) / "documents"
            write_documents(documents, entries)
        known = known_questions(documents)
        settings = {"FAQ_DOCUMENTS": str(documents), "FAQ_MODEL": "none"}
        say("building the index")
        folder = stack.enter_context(data_folder(**settings))
        server = stack.enter_context(bot_server(folder, known[0], **settings))
        typeahead = Typeahead(server, stack.enter_context(empty_server(folder, known[0])), known)
        with Watch([os.getpid(), server.process.pid]) as watch:
            rounds = [typeahead.measure(plan.many, number) for number in range(plan.rounds)]
        say(f"other processes took {watch.others or 0:.2f} cores")
        return describe_typeahead(rounds)


def say(line: str) -> None:
    """Tell whoever waits."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
