"""Rounds → figures → a table. A figure is the median over the rounds, beside it the least and the greatest round."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from client import Load
from measure import CLIENTS, KINDS, Round
from typeahead import TYPED, TYPISTS

Figure = dict[str, float]

BUSY: Final = 0.1
"""Cores; from here on other processes are in the figures."""

NAMES: Final = {
    "encoder": "bare encoder",
    "empty": "empty endpoint",
    "uncached": "chat, uncached",
    "cached": "chat, cached",
}


def describe(
    rounds: Sequence[Round],
    starts: Sequence[float],
    memory: tuple[float, float] | None,
    decisions: Mapping[str, Counter[str]],
    others: float | None,
) -> dict[str, Any]:
    """All figures of a run, ready for JSON; milliseconds, seconds, MB (10⁶ bytes), answers per second."""

    def p50(kind: str) -> Callable[[Round], float]:
        return lambda done: _milliseconds(done.one[kind].latencies, 0.5)

    def p95(kind: str) -> Callable[[Round], float]:
        return lambda done: _milliseconds(done.one[kind].latencies, 0.95)

    def rate(kind: str) -> Callable[[Round], float]:
        return lambda done: done.many[kind].per_second

    def ratio(above: Callable[[Round], float], below: Callable[[Round], float]) -> Figure:
        return _figure(above(done) / below(done) for done in rounds)

    def thought(who: str) -> Callable[[Round], float]:
        return lambda done: _milliseconds(getattr(done.thought, who), 0.5)

    typeahead = describe_typeahead([done.typed for done in rounds])
    return {
        "machine": _machine(),
        "other_processes_cores": others,
        "rounds": len(rounds),
        "one_client": {
            kind: {
                "p50_ms": _figure(map(p50(kind), rounds)),
                "p95_ms": _figure(map(p95(kind), rounds)),
                "requests": sum(len(done.one[kind].latencies) for done in rounds),
            }
            for kind in KINDS
        },
        "many_clients": {
            "clients": CLIENTS,
            **{
                kind: {
                    "per_second": _figure(map(rate(kind), rounds)),
                    "p95_ms": _figure(_milliseconds(done.many[kind].latencies, 0.95) for done in rounds),
                    "client_share": _figure(done.many[kind].client_share for done in rounds),
                    "requests": sum(len(done.many[kind].latencies) for done in rounds),
                }
                for kind in KINDS
            },
        },
        "typeahead": typeahead,
        "in_process": {
            **{who: {"p50_ms": _figure(map(thought(who), rounds))} for who in ("desk", "encoder")},
            "requests": sum(len(done.thought.desk) for done in rounds),
        },
        "ratios": {
            "search and decision p50 ÷ encoder p50": ratio(thought("desk"), thought("encoder")),
            "chat uncached p50 ÷ encoder p50": ratio(p50("uncached"), p50("encoder")),
            "chat uncached p50 ÷ empty p50": ratio(p50("uncached"), p50("empty")),
            "chat cached p50 ÷ empty p50": ratio(p50("cached"), p50("empty")),
            "chat uncached per second ÷ encoder texts per second": ratio(rate("uncached"), rate("encoder")),
            "chat uncached per second ÷ empty per second": ratio(rate("uncached"), rate("empty")),
            "chat cached per second ÷ empty per second": ratio(rate("cached"), rate("empty")),
            f"suggestions p95 ÷ empty p95, {TYPISTS} clients": typeahead["any system"]["ratio_p95"],
        },
        "commit_ms": _figure(_milliseconds(done.commit, 0.5) for done in rounds),
        "start_s": _figure(starts),
        "memory_mb": None if memory is None else {"now": memory[0], "peak": memory[1]},
        "decisions": {kind: dict(counted.most_common()) for kind, counted in decisions.items()},
    }


def show(figures: Mapping[str, Any]) -> str:
    """The figures as a table of plain text."""
    machine, one, many = figures["machine"], figures["one_client"], figures["many_clients"]
    inside = figures["in_process"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, commit {machine['commit']}",
        f"{figures['rounds']} rounds: median (least–greatest round); {_disturbance(figures['other_processes_cores'])}",
        "",
        _row("RATIOS, the figures to quote", ""),
        *(_row(name, _text(figure)) for name, figure in figures["ratios"].items()),
        "",
        _row("ONE CLIENT", "p50 ms", "p95 ms", "requests"),
        *(
            _row(NAMES[kind], _text(one[kind]["p50_ms"]), _text(one[kind]["p95_ms"]), str(one[kind]["requests"]))
            for kind in KINDS
        ),
        _row("search and decision", _text(inside["desk"]["p50_ms"]), "", str(inside["requests"])),
        _row("bare encoder, same texts", _text(inside["encoder"]["p50_ms"])),
        _row("write of 4 KB to the disk (fdatasync)", _text(figures["commit_ms"])),
        "",
        _row(f"{many['clients']} CLIENTS (encoder: a thread per core)", "per second", "p95 ms", "client's cores"),
        *(
            _row(
                NAMES[kind],
                _text(many[kind]["per_second"]),
                _text(many[kind]["p95_ms"]),
                "" if kind == "encoder" else f"{many[kind]['client_share']['median']:.2f}",
            )
            for kind in KINDS
        ),
        "",
        *show_typeahead(figures["typeahead"]),
        "",
        _row("SERVER", ""),
        _row("start to first answer, s", _text(figures["start_s"])),
    ]
    if memory := figures["memory_mb"]:
        lines.append(_row("resident after the run, MB", f"{memory['now']:.0f} (at most {memory['peak']:.0f})"))
    for kind, counted in figures["decisions"].items():
        total = sum(counted.values())
        shares = ", ".join(f"{name} {count / total:.0%}" for name, count in counted.items())
        lines.append(_row(f"decisions, {kind}", shares))
    return "\n".join(lines)


def describe_typeahead(rounds: Sequence[Mapping[str, Load]]) -> dict[str, Any]:
    """The figures of suggestions while typing; `worst_p95_ms` is that of the client which was worst off."""

    def figure(kind: str, measured: Callable[[Load], float]) -> Figure:
        return _figure(measured(done[kind]) for done in rounds)

    def ratio(kind: str, share: float) -> Figure:
        times = [(done[kind].latencies, done["empty"].latencies) for done in rounds]
        return _figure(_milliseconds(asked, share) / _milliseconds(empty, share) for asked, empty in times)

    return {
        "clients": TYPISTS,
        **{
            kind: {
                "p50_ms": figure(kind, lambda load: _milliseconds(load.latencies, 0.5)),
                "p95_ms": figure(kind, lambda load: _milliseconds(load.latencies, 0.95)),
                "worst_p95_ms": figure(kind, lambda load: max(_milliseconds(one, 0.95) for one in load.by_client)),
                "per_second": figure(kind, lambda load: load.per_second),
                "ratio_p50": ratio(kind, 0.5),
                "ratio_p95": ratio(kind, 0.95),
                "requests": sum(len(done[kind].latencies) for done in rounds),
            }
            for kind in TYPED
        },
    }


def show_typeahead(typed: Mapping[str, Any]) -> list[str]:
    """The figures of suggestions while typing as lines of a table."""
    columns = ("p50_ms", "p95_ms", "worst_p95_ms", "ratio_p95")
    names = {"empty": "empty endpoint", "any system": "suggestions", "one system": "suggestions of one system"}
    return [
        _row(f"TYPING, {typed['clients']} CLIENTS", "p50 ms", "p95 ms", "p95 ms, worst client", "p95 ÷ empty p95"),
        *(_row(names[kind], *(_text(typed[kind][column]) for column in columns)) for kind in TYPED),
    ]


def _disturbance(others: float | None) -> str:
    if others is None:
        return "what else ran is not known here"
    return f"other processes took {others:.2f} cores" + (": BUSY, MEASURE AGAIN" if others > BUSY else "")


def _row(name: str, *cells: str) -> str:
    return f"{name:52}{''.join(f'{cell:24}' for cell in cells)}".rstrip()


def _text(figure: Figure) -> str:
    digits = 0 if figure["median"] >= 100 else 1 if figure["median"] >= 20 else 2
    median, least, greatest = (f"{figure[name]:.{digits}f}" for name in ("median", "min", "max"))
    return f"{median} ({least}–{greatest})"


def _figure(values: Iterable[float]) -> Figure:
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _milliseconds(seconds: Sequence[float], share: float) -> float:
    """The quantile, nearest rank."""
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1e3


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """The revision measured; "+" where the tree differs from it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
