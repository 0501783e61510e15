"""Build knowledge bases of growing size as `serve.py build` does, to see that the cost grows with the entries.

`python tests/bench/growth.py [--entries 1000 3000 10000]`, see the README beside this.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from child import MODELS  # noqa: E402
from invent import write_documents  # noqa: E402

from bot import upkeep  # noqa: E402
from bot.settings import Settings  # noqa: E402
from index import calibrate, snapshot  # noqa: E402
from index.compare import Comparison  # noqa: E402
from index.encoder import load_encoder  # noqa: E402
from index.model import prepare_model  # noqa: E402

SIZES = (1000, 3000, 10_000)
PARTS = ("reading", "encoding", "classifier", "calibration", "the rest")
COLUMNS = ("entries", "texts", "seconds", "per 1,000", *PARTS, "CPU", "peak MB", "file MB", "head")


def main() -> int:
    """Build each size in a process of its own and print the table; 1 when a build failed."""
    parser = argparse.ArgumentParser(prog="python tests/bench/growth.py", description="Build growing knowledge bases.")
    parser.add_argument("--entries", type=int, nargs="+", default=SIZES, metavar="N", help="sizes to build")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)  # one size, in this process, as JSON
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measure(options.entries[0])))
        return 0
    prepare_model(None, MODELS, say=upkeep.say)
    done: list[dict[str, Any]] = []
    print("".join(f"{name:>12}" for name in COLUMNS))
    for entries in options.entries:
        child = subprocess.run(
            [sys.executable, __file__, "--alone", "--entries", str(entries)], stdout=subprocess.PIPE, check=False
        )
        if child.returncode:
            return 1
        done.append(json.loads(child.stdout))
        print("".join(f"{done[-1][name]:>12}" for name in COLUMNS), flush=True)
    first, last = done[0], done[-1]
    print(f"\n{last['entries'] / first['entries']:.1f} times the entries cost", end=" ")
    print(", ".join(f"{last[name] / max(first[name], 0.1):.1f} ({name})" for name in ("seconds", *PARTS, "CPU")))
    return 0


def measure(entries: int) -> dict[str, Any]:
    """Build a base of that many entries with the product's own code and the default encoder; seconds and MB (10⁶)."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="growth-", dir=MODELS.parent) as name:
        folder = Path(name)
        write_documents(folder / "documents", entries)
        (folder / "models").symlink_to(MODELS)
        settings = Settings(_env_file=None, data_dir=folder, faq_documents=folder / "documents", faq_model=None)
        encoder = type(load_encoder(prepare_model(None, MODELS, say=upkeep.say)))
        with (
            watch.on(upkeep, "read_folder", "reading"),
            watch.on(encoder, "encode", "encoding"),
            watch.on(Comparison, "fit", "classifier"),
            watch.on(calibrate, "calibrated", "calibration"),
        ):
            started, begun = time.perf_counter(), time.process_time()
            upkeep.build(settings)
            seconds = time.perf_counter() - started
            used = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        made = snapshot.load(settings.snapshot)
        size = settings.snapshot.stat().st_size
    spent = watch.spent | {"the rest": seconds - sum(watch.spent.values())}
    assert made.head is not None
    return {
        "entries": len(made.knowledge.entries),
        "texts": len(made.phrasings),
        "seconds": round(seconds, 1),
        "per 1,000": round(seconds / entries * 1000, 2),
        **{part: round(spent[part], 1) for part in PARTS},
        "CPU": round(used, 1),
        "peak MB": round(peak),
        "file MB": round(size / 1e6),
        "head": "x".join(map(str, made.head.shape)),
    }


class Stopwatch:
    """Seconds spent in parts of the program; a part within a part counts for itself alone."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(PARTS[:-1], 0.0)
        self._within: list[str] = []

    @contextmanager
    def on(self, owner: Any, name: str, part: str) -> Iterator[None]:
        """While entered, calls of the function of that name are counted as that part."""
        original = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self._within.append(part)
            started = time.perf_counter()
            try:
                return original(*arguments, **options)
            finally:
                passed = time.perf_counter() - started
                self._within.pop()
                self.spent[part] += passed
                if self._within:
                    self.spent[self._within[-1]] -= passed

        setattr(owner, name, watched)
        try:
            yield
        finally:
            setattr(owner, name, original)


if __name__ == "__main__":
    sys.exit(main())
