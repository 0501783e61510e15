"""How much of the machine other processes took meanwhile, which says how far to believe the figures. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType


class Watch:
    """While it is entered, tells apart what `ours` compute and what the rest of the machine does."""

    others: float | None = None
    """Cores that others kept busy on average, known once the watch is left; None where the system does not say."""

    def __init__(self, ours: Sequence[int]) -> None:
        self._ours = ours

    def __enter__(self) -> Watch:
        self._since, self._used = time.monotonic(), self._foreign()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = self._foreign()
        if now is not None and self._used is not None:
            self.others = max(0.0, now - self._used) / (time.monotonic() - self._since)

    def _foreign(self) -> float | None:
        """Seconds of computing by others since the machine was started."""
        try:
            user, nice, system, _, _, irq, softirq, steal = _fields(Path("/proc/stat"), 1, 9)
            ours = sum(sum(_fields(Path(f"/proc/{pid}/stat"), 11, 13)) for pid in self._ours)
        except (OSError, ValueError):
            return None
        return (user + nice + system + irq + softirq + steal - ours) / os.sysconf("SC_CLK_TCK")


def _fields(path: Path, first: int, last: int) -> list[int]:
    """Numbers of the first line; of a process those behind its name, which may hold spaces."""
    line = path.read_text(encoding="utf-8").splitlines()[0].rpartition(") ")[2]
    return [int(value) for value in line.split()[first:last]]
