"""The rounds of a run: everything is measured in each of them, one after another, so that a busy machine is so for all.

Within a round the order moves on by one from round to round.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from child import Child
from client import Bound, Caller, Client, Load, Open, Visitor, ask_all
from question import Question, known_questions, new_questions
from thought import Thinking, Thought
from typeahead import Typeahead

from index.encoder import Encoder
from index.variant import canonical, without_courtesy

CLIENTS: Final = 32
REPEATED: Final = 40  # different questions that visitors ask again and again
WARM_UP: Final = 5
COMMITS: Final = 20

KINDS: Final = ("encoder", "empty", "uncached", "cached")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: at most so many rounds, none begun after so many seconds, each phase within its bound."""

    rounds: int
    seconds: float
    one: Bound
    many: Bound


FULL: Final = Plan(rounds=8, seconds=140, one=Bound(2.0, 200), many=Bound(2.0, 20_000))
QUICK: Final = Plan(rounds=2, seconds=6, one=Bound(0.4, 60), many=Bound(0.4, 20_000))


@dataclass(slots=True)
class Round:
    """What one round saw of every kind; `commit` are the seconds it took to write 4 KB and have the disk confirm it."""

    one: dict[str, Load] = field(default_factory=dict)
    many: dict[str, Load] = field(default_factory=dict)
    commit: list[float] = field(default_factory=list)
    thought: Thought = field(default_factory=Thought)
    typed: dict[str, Load] = field(default_factory=dict)


class Bench:
    """A bot's server, an empty endpoint and an encoder, side by side."""

    def __init__(self, bot: Child, empty: Child, encoder: Encoder, folder: Path) -> None:
        self.decisions: dict[str, Counter[str]] = {"uncached": Counter(), "cached": Counter()}
        self._bot = bot
        self._empty = empty
        self._encoder = encoder
        self._folder = folder
        known = known_questions()
        self._repeated = known[:REPEATED]
        self._new = new_questions(known)
        self._thinking = Thinking(folder, encoder, WARM_UP)
        self._typeahead = Typeahead(bot, empty, known)

    def run(self, plan: Plan, say: Callable[[str], None]) -> list[Round]:
        """The rounds of a plan."""
        rounds: list[Round] = []
        started = time.monotonic()
        while len(rounds) < plan.rounds and time.monotonic() - started < plan.seconds:
            say(f"round {len(rounds) + 1} of {plan.rounds}")
            rounds.append(self._round(plan, len(rounds)))
        return rounds

    def _round(self, plan: Plan, number: int) -> Round:
        done = Round(commit=_commits(self._folder))
        first = number % len(KINDS)
        order = KINDS[first:] + KINDS[:first]
        same = list(islice(self._new, plan.one.requests))  # for the encoder and for the chat
        for kind in order:
            done.one[kind] = self._phase(kind, iter(same), plan.one, 1)
        done.thought = self._thinking.part(number, plan.rounds)
        for kind in order:
            done.many[kind] = self._phase(kind, self._new, plan.many, CLIENTS)
        done.typed = self._typeahead.measure(plan.many, number)
        return done

    def _phase(self, kind: str, new: Iterator[Question], bound: Bound, clients: int) -> Load:
        warm_up = list(islice(self._new, WARM_UP))
        if kind == "encoder":
            return self._encode(new, bound, 1 if clients == 1 else os.cpu_count() or 1)
        if kind == "empty":
            return ask_all(self._caller, new, bound, warm_up, clients)
        if kind == "uncached":
            return ask_all(self._visitor(kind), new, bound, warm_up, clients)
        return ask_all(self._visitor(kind), cycle(self._repeated), bound, self._repeated, clients)

    async def _caller(self) -> Client:
        return await Caller.open(self._empty.port)

    def _visitor(self, kind: str) -> Open:
        async def visitor() -> Client:
            return await Visitor.open(self._bot.port, self._repeated[0], self.decisions[kind])

        return visitor

    def _encode(self, questions: Iterator[Question], bound: Bound, threads: int) -> Load:
        """The bare encoder, given what search would give it."""
        for _ in range(WARM_UP):
            self._encoder.encode(["热身"])
        latencies: list[float] = []
        lock = threading.Lock()
        left = islice(questions, bound.requests)
        started, used = time.perf_counter(), time.process_time()

        def keep_encoding() -> None:
            while time.perf_counter() - started < bound.seconds:
                with lock:
                    question = next(left, None)
                if question is None:
                    return
                text = without_courtesy(canonical(question.text))
                begun = time.perf_counter()
                self._encoder.encode([text])
                latencies.append(time.perf_counter() - begun)

        with ThreadPoolExecutor(threads) as pool:
            for worker in [pool.submit(keep_encoding) for _ in range(threads)]:
                worker.result()
        passed = time.perf_counter() - started
        return Load(len(latencies) / passed, (time.process_time() - used) / passed, latencies)


def _commits(folder: Path) -> list[float]:
    seconds: list[float] = []
    with (folder / "commit").open("wb", buffering=0) as file:
        for _ in range(COMMITS):
            begun = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - begun)
    return seconds
