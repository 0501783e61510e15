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
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from child import MODELS, bot_server, data_folder, empty_server  # noqa: E402
from client import RequestError  # noqa: E402
from measure import FULL, QUICK, Bench, Plan  # noqa: E402
from question import known_questions  # noqa: E402
from report import describe, show  # noqa: E402
from watch import Watch  # noqa: E402

from index.encoder import load_encoder  # noqa: E402
from index.model import prepare_model  # noqa: E402

STARTS = 3


def main() -> int:
    """Run the benchmark; 1 when a request failed."""
    parser = argparse.ArgumentParser(prog="python tests/bench", description="Measure the chat in ratios.")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that all works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children are ended then, too
    try:
        figures = measure(QUICK if options.quick else FULL)
    except RequestError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print(show(figures))
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


def say(line: str) -> None:
    """Tell whoever waits."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
