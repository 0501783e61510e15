"""Clients on asyncio streams with connections that stay open: lighter than an HTTP library, the server has the cores.

They know just enough HTTP for uvicorn's answers, all of which carry a Content-Length.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from question import Question

PATIENCE = 30  # seconds beyond its time after which a phase has failed

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_DECISION = re.compile(rb'"decision":"(\w+)"')


class RequestError(Exception):
    """A request was not answered as it must be; the run is worth nothing."""


class Client(Protocol):
    """Asks a server one thing after another."""

    async def ask(self, question: Question) -> None:
        """Ask, and wait for the whole answer."""

    def close(self) -> None:
        """Hang up."""


Open = Callable[[], Awaitable[Client]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A phase ends with whichever comes first."""

    seconds: float
    requests: int


@dataclass(frozen=True, slots=True)
class Load:
    """What came of many clients at once: answers per second, and the part of a core that the clients took."""

    per_second: float
    client_share: float
    latencies: list[float]
    by_client: list[list[float]] = field(default_factory=list)
    """The same latencies, each client's by itself."""


class Connection:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect on loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, message: dict[str, str], headers: str = "") -> bytes:
        """POST a message as JSON; the body of the answer, RequestError unless it is a 200."""
        body = json.dumps(message, ensure_ascii=False).encode()
        headers = f"Content-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n"
        return await self._request(f"POST {path}", headers, body)

    async def get(self, path: str) -> bytes:
        """GET; the body of the answer, RequestError unless it is a 200."""
        return await self._request(f"GET {path}", "", b"")

    async def _request(self, what: str, headers: str, body: bytes) -> bytes:
        self._writer.write(f"{what} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode() + body)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            answer = await self._reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise RequestError(f"{what}: the connection broke ({error!r})") from error
        if head[9:12] != b"200":
            raise RequestError(f"{what}: {head[9:12].decode()} {answer.decode(errors='replace')}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Visitor:
    """Talks to the bot in one conversation, begun when it opens and gone on with by every question after that."""

    def __init__(self, connection: Connection, conversation: dict[str, Any], decisions: Counter[str]) -> None:
        self._connection = connection
        self._conversation_id: str = conversation["conversation_id"]
        self._headers = f"Authorization: Bearer {conversation['conversation_token']}\r\n"
        self._decisions = decisions

    @classmethod
    async def open(cls, port: int, first: Question, decisions: Counter[str]) -> Visitor:
        """Begin a conversation; what the bot decides in it from then on is counted in `decisions`."""
        connection = await Connection.open(port)
        reply = json.loads(await connection.post("/api/chat", {"text": first.text, "system": first.system}))
        if reply["search"] != "hybrid":
            raise RequestError("the server searches without its encoder")
        return cls(connection, reply, decisions)

    async def ask(self, question: Question) -> None:
        """Ask, under a message id of its own, so that every question is thought about and stored."""
        message = {
            "text": question.text,
            "system": question.system,
            "conversation_id": self._conversation_id,
            "client_message_id": secrets.token_hex(12),
        }
        reply = await self._connection.post("/api/chat", message, self._headers)
        decision = _DECISION.search(reply)
        if decision is None:
            raise RequestError(f"not a reply: {reply!r}")
        self._decisions[decision[1].decode()] += 1

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Caller:
    """Posts the same to the empty endpoint, which does not look at it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, port: int) -> Caller:
        """Connect."""
        return cls(await Connection.open(port))

    async def ask(self, question: Question) -> None:
        """Post the question."""
        await self._connection.post("/", {"text": question.text, "system": question.system})

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def ask_all(
    open_client: Open, questions: Iterator[Question], bound: Bound, warm_up: Sequence[Question], clients: int
) -> Load:
    """What comes of that many clients, each asking the next question as soon as it has its answer.

    The first one asks all of `warm_up` before, which does not count.
    """

    async def phase() -> Load:
        async with asyncio.timeout(bound.seconds + PATIENCE):
            opened = [await open_client() for _ in range(clients)]
            try:
                for question in warm_up:
                    await opened[0].ask(question)
                return await _measure(opened, islice(questions, bound.requests), bound.seconds)
            finally:
                for client in opened:
                    client.close()

    try:
        return asyncio.run(phase())
    except TimeoutError as error:
        raise RequestError("no answer in time") from error
    except OSError as error:
        raise RequestError(f"no connection: {error!r}") from error
    except ExceptionGroup as group:  # the first failure ends all clients
        raise group.exceptions[0] from group


async def _measure(clients: list[Client], questions: Iterator[Question], seconds: float) -> Load:
    by_client: list[list[float]] = [[] for _ in clients]
    started, used = time.perf_counter(), time.process_time()

    async def keep_asking(client: Client, latencies: list[float]) -> None:
        for question in questions:
            asked = time.perf_counter()
            await client.ask(question)
            answered = time.perf_counter()
            latencies.append(answered - asked)
            if answered - started > seconds:
                return

    async with asyncio.TaskGroup() as tasks:
        for client, latencies in zip(clients, by_client, strict=True):
            tasks.create_task(keep_asking(client, latencies))
    passed = time.perf_counter() - started
    everything = [latency for latencies in by_client for latency in latencies]
    return Load(len(everything) / passed, (time.process_time() - used) / passed, everything, by_client)
