"""Suggestions while typing, asked by several clients at once, against an endpoint that looks nothing up.

Each client types one question after another, letter by letter, and asks for the next letter as soon as it has its
answer: no person does, and none of the answers can be a remembered one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final
from urllib.parse import urlencode

from child import Child
from client import Bound, Client, Connection, Load, ask_all
from question import Question

TYPISTS: Final = 10
SHORTEST: Final = 2  # letters, below which nothing is suggested
LONGEST: Final = 16
TYPED: Final = ("empty", "any system", "one system")


class Typist:
    """Asks for suggestions; `path` is where, and with `within` it names the question's system, as a portal's page."""

    def __init__(self, connection: Connection, path: str, *, within: bool) -> None:
        self._connection = connection
        self._path = path
        self._within = within

    async def ask(self, question: Question) -> None:
        """Ask what is typed so far."""
        about = {"system": question.system} if self._within else {}
        await self._connection.get(f"{self._path}?{urlencode({'q': question.text, **about})}")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Typeahead:
    """A bot's server and an empty endpoint, and what is typed."""

    def __init__(self, bot: Child, empty: Child, known: Sequence[Question]) -> None:
        self._bot = bot
        self._empty = empty
        self._known = known

    def measure(self, bound: Bound, number: int) -> dict[str, Load]:
        """Each of TYPED within the bound; the order moves on with the number of the round."""
        first = number % len(TYPED)
        return {kind: self._measure(kind, bound, number) for kind in TYPED[first:] + TYPED[:first]}

    def _measure(self, kind: str, bound: Bound, number: int) -> Load:
        port, path = (self._empty.port, "/") if kind == "empty" else (self._bot.port, "/api/suggest")

        async def typist() -> Client:
            return Typist(await Connection.open(port), path, within=kind == "one system")

        return ask_all(typist, typing(self._known, number), bound, list(self._known[:TYPISTS]), TYPISTS)


def typing(known: Sequence[Question], seed: int) -> Iterator[Question]:
    """What is typed of questions without end, each letter by letter, in another order for every seed."""
    dice = Random(seed)
    while True:
        for question in dice.sample(known, len(known)):
            for typed in range(SHORTEST, min(len(question.text), LONGEST) + 1):
                yield Question(question.text[:typed], question.system)
