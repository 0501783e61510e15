"""A real server in this process with staff, logins and visitors, for tests of what staff do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fake
import httpx
import uvicorn
from conftest import free_port
from fastapi import FastAPI

from bot.api.app import create_app
from bot.api.dep import Service
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.escalation import HUMAN
from bot.model import Conversation, Role, TicketEvent
from bot.settings import NO_MODEL, Settings
from bot.store.base import Transaction
from bot.store.sqlite import SqliteStore
from bot.ticket import change
from faq.entry import Entry

PASSWORD = "correct horse battery"
PHONE = "13812345678"
HIDDEN = "138****5678"
ENTRY = fake.entry("a-1", "账号被锁定怎么办", "请等六小时。\n1. 先退出；\n2. 再登录。")
STAFF: dict[str, Role] = {"wang": "agent", "li": "agent", "zhao": "lead", "admin": "admin"}


@dataclass
class Office:
    """A server, and the ways into it. Everybody's display name is the name in capitals."""

    url: str
    app: FastAPI
    store: SqliteStore
    folder: Path
    open: ExitStack
    _consoles: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def service(self) -> Service:
        service: Service = self.app.state.service
        return service

    def stranger(self, **headers: str) -> httpx.Client:
        return self.open.enter_context(httpx.Client(base_url=f"{self.url}/api/staff", headers=headers, timeout=10))

    def member(self, name: str) -> httpx.Client:
        """Somebody logged in, whose client sends the CSRF token along."""
        client = self.stranger()
        response = client.post("/login", json={"name": name, "password": PASSWORD})
        assert response.status_code == 200, response.text
        client.headers["X-CSRF-Token"] = response.json()["csrf"]
        return client

    def console(self, name: str) -> httpx.Client:
        """Somebody logged in to the console, once for all tests, with the CSRF token."""
        if name not in self._consoles:
            client = self.open.enter_context(httpx.Client(base_url=self.url, timeout=10))
            assert client.post("/console/login", data={"name": name, "password": PASSWORD}).status_code == 303
            client.headers["X-CSRF-Token"] = client.get("/api/staff/me").json()["csrf"]
            self._consoles[name] = client
        return self._consoles[name]

    def key(self, role: Role) -> httpx.Client:
        return self.stranger(**{"X-API-Key": self.service.accounts.add_key("大屏", role)[0]})

    def ticket(self, conversation_id: str = "conversation-number-1", text: str = f"请回电 {PHONE}") -> int:
        """A ticket that waits, in a conversation of its own."""

        def work(transaction: Transaction) -> int:
            now = datetime.now(UTC)
            transaction.add_conversation(Conversation(conversation_id, "web", "a", now, now, audience="企业用户"))
            transaction.add_message(
                conversation_id, "visitor", text, now=now, client_message_id=f"id of {conversation_id}"
            )
            ticket = change(transaction.add_ticket(conversation_id, "human", system="a", now=now), "waiting", now)
            transaction.update_ticket(replace(ticket, fields={"details": text, "phone": PHONE}))
            transaction.add_event(TicketEvent(ticket.number, now, "visitor", "handed_in", text))
            return ticket.number

        return self.store.write(work)

    def say(self, conversation_id: str, text: str) -> None:
        """The visitor writes."""
        self.store.write(lambda t: t.add_message(conversation_id, "visitor", text, now=datetime.now(UTC)))
        self.service.live.changed(conversation_id, "queue")


def write_documents(folder: Path, entries: Sequence[Entry]) -> Path:
    """Much the same knowledge base as files; of an answer the first line."""
    folder.mkdir(parents=True, exist_ok=True)
    for system in {entry.system for entry in entries}:
        texts = [
            f"{entry.number}、{entry.question}\n答：{entry.answer.partition(chr(10))[0] or '见说明。'}\n"
            for entry in entries
            if entry.system == system
        ]
        (folder / f"{system}.txt").write_text("".join(texts), encoding="utf-8")
    (folder / "catalog.toml").write_text('[[system]]\nkey = "a"\nname = "甲系统"\n', encoding="utf-8")
    return folder


@contextmanager
def office_in(folder: Path, *entries: Entry) -> Iterator[Office]:
    """A server over a small knowledge base, of one entry unless others are given, with its data in a folder."""
    store = SqliteStore(folder / "conversations.db")
    entries = entries or (ENTRY,)
    desk = Desk(fake.index_of(fake.knowledge_of(*entries)), (HUMAN,), Thresholds())
    documents = write_documents(folder / "documents", entries)
    settings = Settings(_env_file=None, data_dir=folder, faq_documents=documents, faq_model=NO_MODEL)
    app = create_app(Bot(store, desk), store, settings)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, ws="none", lifespan="off", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        with ExitStack() as stack:
            office = Office(f"http://127.0.0.1:{port}", app, store, folder, stack)
            for name, role in STAFF.items():
                office.service.accounts.add(name, name.upper(), role, PASSWORD)
            yield office
            office.service.live.close()
    finally:
        server.should_exit = True
        thread.join()
        store.close()


def until(true: Any, seconds: float = 20.0) -> None:
    """Return once it is true; fail if it does not become so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Stream:
    """Server-sent events as they come."""

    def __init__(self, office: Office, client: httpx.Client, path: str, **headers: str) -> None:
        self.response = office.open.enter_context(client.stream("GET", path, headers=headers))
        self._lines = self.response.iter_lines() if self.response.status_code == 200 else iter(())

    def next(self, kind: str | None = None) -> tuple[str, Any, str | None]:
        """The next event, or the next of that kind: its kind, data and id. StopIteration at the end."""
        event: dict[str, str] = {}
        while True:
            line = next(self._lines)
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif "event" in event and kind in (None, event["event"]):
                return event["event"], json.loads(event["data"]), event.get("id")
            else:
                event = {}

    def ended(self) -> bool:
        """Whether the server ends the stream, whatever comes before that."""
        return all(line is not None for line in self._lines)
