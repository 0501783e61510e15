"""Conversations written down as screenplays (tests/conversations/*.toml), replayed over HTTP and checked as they go.

A script is what a visitor and members of staff do, turn after turn, and what has to come of it:

    about = "…"                     what it shows, for whoever reads it
    system = "zyb"                  the system that the page is about (leave out: none)
    settings = {WORKING_HOURS = "never"}
    never_kept = ["…"]              texts that must not be anywhere in the database afterwards

    [[turn]]                        exactly one deed:
    visitor = "账号被锁了"            what the visitor types; with `picture` beside it, what goes with the picture
    choose = "zyb-1.9"              … an offered entry, chosen by its button
    accept = "unlock"               … a hand-over, accepted by its button
    picture = "png"                 … a picture of that format (png, jpeg, webp, bmp, gif; "fake" is no picture)
    agent = "take"                  what a member of staff does with the last ticket: take, reply 文字, release,
                                    resolve, close, transfer 名字, note 文字
    as = "wang"                     … and who (wang 小王, li 小李); the ticket's owner unless said
    restart = true                  the server's process is killed and another started on its data
    reconnect = true                another browser that has but id and token goes on from here
    again = true                    the last message is sent once more, as it was

    says, not_says                  parts of what is read: note, text and the form's question; of an agent's deed, the
                                    last message that the visitor sees
    decision, entry, asks, status   the reply's; `asks` is the field, "consent", "confirm" or "" for nothing
    options                         the least and most options shown
    refused                         the HTTP status where the deed is refused; `says` is of the words then
    fields                          the last ticket's dossier, all of it; a picture is "（图片）"
    tickets                         the states of all tickets by reason, of each reason's last one

After the last turn: messages are numbered without a gap, each acknowledged one is there once with its id, the stream
of events told what the history tells, no ticket's history has an illegal change, and no reply was empty, nor any given
while a person owned the conversation.
"""

from __future__ import annotations

import io
import json
import secrets
import shutil
import socket
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from conftest import running_server
from PIL import Image

from bot.account import Accounts
from bot.form import PICTURE
from bot.model import Ticket, TicketEvent, TicketStatus
from bot.store.sqlite import SqliteStore
from bot.ticket import LEGAL

SCRIPTS: Final = Path(__file__).parent / "conversations"
STAFF: Final = {"wang": "小王", "li": "小李"}
PASSWORD: Final = "四海之内皆兄弟也，何患无辞"

DEEDS: Final = ("visitor", "choose", "accept", "picture", "agent", "restart", "reconnect", "again")
EXPECTATIONS: Final = (
    "says", "not_says", "decision", "entry", "asks", "status", "options", "refused", "fields", "tickets",
)  # fmt: skip
MOVES: Final[Mapping[str, tuple[TicketStatus | None, TicketStatus]]] = {
    "handed_in": ("collecting", "waiting"),
    "taken": ("waiting", "assigned"),
    "transferred": ("assigned", "assigned"),
    "released": ("assigned", "waiting"),
    "resolved": ("assigned", "resolved"),
    "closed": (None, "closed"),
    "cancelled": (None, "closed"),
    "expired": (None, "closed"),
    "reopened": (None, "waiting"),
}
"""What the lines of a ticket's history do to its state: from which (None: any) to which."""


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation to be played."""

    name: str
    about: str
    turns: Sequence[Mapping[str, Any]]
    settings: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    never_kept: Sequence[str] = ()


def read_script(path: Path) -> Script:
    """The script in a file; a misspelt key is an error."""
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    turns = written.pop("turn")
    for number, turn in enumerate(turns, 1):
        unknown = set(turn) - {*DEEDS, *EXPECTATIONS, "as"}
        deeds = [deed for deed in DEEDS if deed in turn]
        assert not unknown, f"{path.name}, turn {number}: {sorted(unknown)}"
        assert len(deeds) == 1 or deeds == ["visitor", "picture"], f"{path.name}, turn {number}: {deeds}"
    return Script(path.stem, turns=turns, **written)


class Stage:
    """A real server on a data folder of its own, which can be killed and started again; and the staff's logins."""

    def __init__(self, built: Path, folder: Path, settings: Mapping[str, str]) -> None:
        folder.mkdir()
        shutil.copy(built / "index.db", folder / "index.db")
        shutil.copytree(built / "cache", folder / "cache")
        (folder / "models").symlink_to(built / "models")
        self.data = folder
        self._settings = dict(settings)
        self._store = SqliteStore(self.database)
        self.client = httpx.Client(timeout=30)
        accounts = Accounts(self._store)
        for name, display in STAFF.items():
            accounts.add(name, display, "agent", PASSWORD)
        self._start()
        self._logins: dict[str, dict[str, str]] = {}

    @property
    def database(self) -> Path:
        """Where conversations are kept."""
        return self.data / "conversations.db"

    def restart(self) -> None:
        """End the process as a power cut would, and start another."""
        self._process.kill()
        self._process.wait(30)
        self._running.close()
        self._start()

    def close(self) -> None:
        """Stop the server."""
        self._running.close()
        self._store.close()
        self.client.close()

    def ask(self, method: str, path: str, headers: Mapping[str, str], **content: Any) -> httpx.Response:
        """A request to the server as it is now."""
        return self.client.request(method, self.url + path, headers=headers, **content)

    def login(self, name: str) -> Mapping[str, str]:
        """The headers of that member's session."""
        if name not in self._logins:
            me = httpx.post(f"{self.url}/api/staff/login", json={"name": name, "password": PASSWORD}, timeout=30)
            assert me.status_code == 200, me.text
            cookies = "; ".join(f"{key}={value}" for key, value in me.cookies.items())
            self._logins[name] = {"cookie": cookies, "x-csrf-token": me.json()["csrf"]}
        return self._logins[name]

    def tickets(self, conversation_id: str) -> list[tuple[Ticket, list[TicketEvent]]]:
        """The conversation's tickets with their histories, the oldest first, as they are on disk."""
        return self._store.read(lambda t: [(each, t.events(each.number)) for each in t.tickets(conversation_id)])

    def holds(self, text: str) -> bool:
        """Whether a text is anywhere in the database's files, deleted or not."""
        files = [self.database, *self.data.glob("conversations.db-*")]
        return any(text.encode() in file.read_bytes() for file in files)

    def _start(self) -> None:
        self._running = ExitStack()
        self.url, self._process = self._running.enter_context(running_server(self.data, **self._settings))


class Listener:
    """The stream of a conversation's events, read by a thread; a broken one goes on where it broke off."""

    def __init__(self, stage: Stage, conversation_id: str, token: str) -> None:
        self._stage, self._path = stage, f"/api/conversations/{conversation_id}/events"
        self._token = token
        self.messages: dict[str, Any] = {}
        self.sequences: list[int] = []
        self._socket: socket.socket | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the stream."""
        self._stopped.set()
        while self._thread.is_alive():
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(0.05)

    def heard(self, sequence: int) -> bool:
        """Whether the message of that number comes, within a few seconds."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if sequence in self.sequences:
                return True
            time.sleep(0.01)
        return False

    def _run(self) -> None:
        while not self._stopped.is_set():
            with suppress(httpx.TransportError, OSError):
                self._listen()
            self._stopped.wait(0.05)

    def _listen(self) -> None:
        headers = {"authorization": f"Bearer {self._token}"}
        if self.sequences:
            headers["last-event-id"] = str(self.sequences[-1])
        with self._stage.client.stream("GET", self._stage.url + self._path, headers=headers) as response:
            if response.status_code != 200:
                return
            self._socket = response.extensions["network_stream"].get_extra_info("socket")
            event: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(":")
                if line:
                    event[name] = value.removeprefix(" ")
                    continue
                if event.get("event") == "message":
                    message = json.loads(event["data"])
                    assert event["id"] == str(message["sequence"])
                    self.messages.setdefault(message["message_id"], message)
                    self.sequences.append(message["sequence"])
                event = {}


@dataclass
class Play:
    """A script being played on a stage."""

    script: Script
    stage: Stage
    conversation_id: str | None = None
    token: str | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    reply: dict[str, Any] = field(default_factory=dict)
    acknowledged: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Play every turn, then check what must hold of any conversation; AssertionError with all that went wrong."""
        try:
            for number, turn in enumerate(self.script.turns, 1):
                self._where = f"turn {number}: {_deed(turn)}"
                self._act(turn)
            self._where = "at the end"
            self._check_conversation()
        finally:
            for listener in self.listeners:
                listener.stop()
        assert not self.wrong, "\n".join([f"{self.script.name}: {self.script.about}", *self.wrong])

    def _act(self, turn: Mapping[str, Any]) -> None:
        if "restart" in turn:
            self.stage.restart()
            shown: Any = {}
        elif "reconnect" in turn:
            shown = self._reconnect()
        elif "again" in turn:
            shown = self._again()
        elif "agent" in turn:
            shown = self._agent(turn)
        else:
            shown = self._visitor(turn)
        self._check(turn, shown)

    def _visitor(self, turn: Mapping[str, Any]) -> Any:
        body: dict[str, Any] = {"client_message_id": secrets.token_urlsafe(18)}
        body |= {deed: turn[deed] for deed in ("choose", "accept") if deed in turn}
        body |= {"text": turn["visitor"]} if "visitor" in turn else {}
        body |= {"system": self.script.system} if self.script.system else {}
        if "picture" in turn:
            kept = self._request("POST", f"/api/conversations/{self.conversation_id}/pictures", content=draw(turn))
            if kept.status_code != 201:
                return kept
            body["picture"] = kept.json()["picture_id"]
        owned = self.conversation_id is not None and self._history()["agent"] is not None
        response = self._send(body)
        if response.status_code != 200:
            return response
        self.sent, self.reply = body, response.json()
        self.acknowledged.append((body, self.reply))
        self._say((self.reply["decision"] == "silent") == owned, "the bot speaks exactly while nobody else does")
        if not owned:
            self._say(_read(self.reply).strip(), "a reply is never empty")
        return self.reply

    def _send(self, body: dict[str, Any]) -> httpx.Response:
        known = {"conversation_id": self.conversation_id} if self.conversation_id else {}
        response = self._request("POST", "/api/chat", json={**body, **known})
        if response.status_code == 200 and self.conversation_id is None:
            begun = response.json()
            self.conversation_id, self.token = begun["conversation_id"], begun["conversation_token"]
            self._listen()
        return response

    def _again(self) -> Any:
        before = self._history()
        response = self._send(self.sent)
        self._say(response.status_code == 200, response.text)
        again = {**response.json(), "conversation_token": self.reply["conversation_token"]}
        self._say(again == self.reply, f"the first reply comes again, not {again}")
        self._say(self._history() == before, "nothing is kept twice")
        return again

    def _reconnect(self) -> Any:
        known = self._history()
        self._listen()
        if known["messages"]:
            self._say(self.listeners[-1].heard(known["messages"][-1]["sequence"]), "a new stream tells it all again")
        return {}

    def _agent(self, turn: Mapping[str, Any]) -> Any:
        ticket = self._tickets()[-1][0]
        name = turn.get("as") or ticket.assignee or "wang"
        deed, _, rest = turn["agent"].partition(" ")
        body: dict[str, Any] | None = {
            "reply": {"text": rest, "client_message_id": secrets.token_urlsafe(18)},
            "note": {"text": rest},
            "transfer": {"to": rest},
            "resolve": {"note": rest},
            "close": {"note": rest},
        }.get(deed)
        response = self.stage.ask(
            "POST", f"/api/staff/tickets/{ticket.number}/{deed}", self.stage.login(name), json=body
        )
        if response.status_code >= 400:
            return response
        message = self._history()["messages"][-1]
        return {"text": message["text"], "status": self._tickets()[-1][0].status}

    def _check(self, turn: Mapping[str, Any], shown: Any) -> None:
        refused = shown.status_code if isinstance(shown, httpx.Response) else None
        self._say(refused == turn.get("refused"), f"refused with {refused}: {refused and shown.text}")
        read = shown.json()["detail"] if isinstance(shown, httpx.Response) else _read(shown)
        for part in turn.get("says", ()):
            self._say(part in read, f"it should say “{part}”; it says “{read}”")
        for part in turn.get("not_says", ()):
            self._say(part not in read, f"it should not say “{part}”; it says “{read}”")
        if not isinstance(shown, httpx.Response):
            self._check_reply(turn, shown, read)
        if "fields" in turn:
            self._check_dossier(turn["fields"])
        if "tickets" in turn:
            states = {ticket.reason: ticket.status for ticket, _ in self._tickets()}
            self._say(states == turn["tickets"], f"the tickets are {states}")

    def _check_reply(self, turn: Mapping[str, Any], shown: Mapping[str, Any], read: str) -> None:
        step, answer, escalation = (shown.get(part) or {} for part in ("step", "answer", "escalation"))
        found = {
            "decision": shown.get("decision"),
            "entry": answer.get("entry_id", ""),
            "asks": step.get("field", ""),
            "status": shown.get("status") or escalation.get("status", ""),
        }
        for name, value in found.items():
            if name in turn:
                self._say(value == turn[name], f"{name} should be “{turn[name]}”, not “{value}”; it says “{read}”")
        if "options" in turn:
            least, most = turn["options"]
            self._say(least <= len(shown["options"]) <= most, f"{len(shown['options'])} options; it says “{read}”")

    def _check_dossier(self, expected: Mapping[str, str]) -> None:
        """The last ticket's dossier, as it is kept and as its assignee sees it."""
        tickets = self._tickets()
        kept = tickets[-1][0].fields if tickets else {}
        told = {name: "（图片）" if value.startswith(PICTURE) else value for name, value in kept.items()}
        self._say(tickets and told == expected, f"the dossier is {told}")
        owner = tickets[-1][0].assignee if tickets else None
        if owner:
            file = self.stage.ask("GET", f"/api/staff/tickets/{tickets[-1][0].number}", self.stage.login(owner)).json()
            seen = {each["name"]: "（图片）" if each["picture"] else each["value"] for each in file["ticket"]["fields"]}
            seen = {name: value for name, value in seen.items() if value}
            self._say(seen == {name: value for name, value in told.items() if value}, f"staff see {seen}")

    def _check_conversation(self) -> None:
        if self.conversation_id is None:
            return
        history = self._history()
        messages = history["messages"]
        count = range(1, len(messages) + 1)
        self._say([message["sequence"] for message in messages] == list(count), "messages are numbered without a gap")
        for body, reply in self.acknowledged:
            mine = [m for m in messages if m["client_message_id"] == body["client_message_id"]]
            there = [m for m in messages if m["message_id"] == reply["message_id"]]
            self._say(len(mine) == 1 and len(there) == 1, f"{body} and its reply are there once")
            self._say(there[0]["sequence"] == reply["sequence"], "the acknowledged number is the message's")
            if reply["decision"] != "silent":
                self._say(there[0]["sequence"] == mine[0]["sequence"] + 1, "the reply follows its message")
                self._say(there[0]["reply"]["text"] == reply["text"], "what was said is what is kept")
            else:
                self._say(there == mine, "a message to a person is acknowledged itself")
        for listener in self.listeners:
            self._say(listener.heard(len(messages)), "the stream tells the last message")
            self._say(list(listener.messages.values()) == messages, "the stream tells what the history tells")
        self._check_tickets(history)
        for text in self.script.never_kept:
            self._say(not self.stage.holds(text), f"“{text}” is kept somewhere")

    def _check_tickets(self, history: Mapping[str, Any]) -> None:
        tickets = self._tickets()
        told = [(each["number"], each["status"]) for each in history["tickets"]]
        self._say(told == [(ticket.number, ticket.status) for ticket, _ in tickets], "the visitor sees every ticket")
        for ticket, events in tickets:
            kinds = [event.kind for event in events]
            self._say(kinds[:1] == ["opened"], f"a ticket begins by being opened, not {kinds}")
            state: TicketStatus = "collecting"
            for kind in kinds[1:]:
                if kind in MOVES:
                    before, after = MOVES[kind]
                    legal = before in (None, state) and after in LEGAL[state]
                    self._say(legal, f"{kind} while {state}: {kinds}")
                    state = after
            self._say(state == ticket.status, f"the history leads to {state}, the ticket is {ticket.status}")
            self._say((ticket.status == "collecting") == (ticket.asked is not None), "a form is asked while collecting")
        owners = {ticket.assignee for ticket, _ in tickets if ticket.status == "assigned"}
        shown = {STAFF[owner] for owner in owners if owner}
        self._say(shown == {history["agent"]} - {None}, "owned exactly while a ticket is assigned")

    def _tickets(self) -> list[tuple[Ticket, list[TicketEvent]]]:
        assert self.conversation_id is not None
        return self.stage.tickets(self.conversation_id)

    def _history(self) -> Any:
        response = self._request("GET", f"/api/chat/{self.conversation_id}")
        self._say(response.status_code == 200, response.text)
        return response.json()

    def _listen(self) -> None:
        assert self.conversation_id is not None
        assert self.token is not None
        for listener in self.listeners:
            listener.stop()
        self.listeners = [Listener(self.stage, self.conversation_id, self.token)]

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return self.stage.ask(method, path, headers, **content)

    def _say(self, right: object, wrong: str) -> None:
        if not right:
            self.wrong.append(f"  {self._where}\n    {wrong.replace(chr(10), ' / ')}")


def draw(turn: Mapping[str, Any]) -> bytes:
    """The bytes of a picture in the turn's format, another one each time."""
    if turn["picture"] == "fake":
        return b"GIF89a, or so it says"
    picture = Image.new("RGB", (320, 200), tuple(secrets.token_bytes(3)))
    drawn = io.BytesIO()
    picture.save(drawn, turn["picture"])
    return drawn.getvalue()


@contextmanager
def stages(built: Path, folder: Path) -> Iterator[Any]:
    """A function that gives the stage for some settings, started when it is first asked for."""
    started: dict[tuple[tuple[str, str], ...], Stage] = {}

    def stage_for(settings: Mapping[str, str]) -> Stage:
        key = tuple(sorted(settings.items()))
        if key not in started:
            started[key] = Stage(built, folder / str(len(started)), settings)
        return started[key]

    try:
        yield stage_for
    finally:
        for stage in started.values():
            stage.close()


def _read(shown: Mapping[str, Any]) -> str:
    """What is read of a reply."""
    step = shown.get("step") or {}
    return "\n".join(part for part in (shown.get("note"), shown.get("text"), step.get("ask")) if part)


def _deed(turn: Mapping[str, Any]) -> str:
    return " ".join(f"{deed} {turn[deed]}" for deed in DEEDS if deed in turn)
