"""`kill -9` of the server at random moments under load, and what must be there when it is up again.

Visitors post messages, fill in forms and send pictures, staff take over, write and resolve, all over HTTP and as real
clients do: what was not acknowledged is sent again under its id, or given up. Each time the server is killed, at work
or while it starts, it is started again on the same data. In the end nothing acknowledged is missing, nothing is there
twice, and no ticket is in a state it cannot be in.

    python tests/kill.py 50 [SEED]      the long run
"""

from __future__ import annotations

import io
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
from conftest import ROOT, environment, free_port, wait_until_ready
from interleaving import sequence_faults, ticket_faults
from logscan import leaks
from PIL import Image

from bot import wording
from bot.account import Accounts
from bot.mask import hide_secrets
from bot.store.sqlite import SqliteStore

VISITORS: Final = 6
STAFF: Final = (("wang", "小王"), ("li", "小李"))
PASSWORD: Final = "correct horse battery"
PATIENCE: Final = 60.0
SECRETS: Final = (PASSWORD, "Abc12345", "某某化工")

FORM: Final = ("账号被锁定怎么办", "+unlock", "同意", "账号是 wang_0001", "*", "确认")
APPEAL: Final = (
    "注册的手机号停用了，我要申诉",
    "+appeal",
    "同意",
    "北京某某化工有限公司",
    "北京市朝阳区",
    "13812345678",
)
TALK: Final = (
    "打印申报表404",
    "加油站选择哪个经营方式",
    "谢谢",
    "取消",
    "还要等多久",
    "转人工",
    "1",
    "5",
    "我的密码是Abc12345",
)
SCRIPTS: Final = (FORM, APPEAL, TALK, ("转人工", *TALK), (*FORM, "转人工"))


class Gone(Exception):
    """The run is over, and whoever waits for the server goes home."""


@dataclass
class Sent:
    """What a client sent, and the answer if one came; `again` counts how often it was sent."""

    client_id: str | None
    text: str
    again: int = 0
    answer: dict[str, Any] | None = None


@dataclass
class Visitor:
    """One conversation as its visitor knows it."""

    id: str
    token: str
    sent: list[Sent] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


@dataclass
class Run:
    """A server on a data folder that is killed again and again, and all that its clients were told."""

    data: Path
    rng: random.Random
    port: int = field(default_factory=free_port)
    over: threading.Event = field(default_factory=threading.Event)
    visitors: list[Visitor] = field(default_factory=list)
    written: list[Sent] = field(default_factory=list)
    deeds: Counter[tuple[int, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server; it may not be ready yet."""
        with (self.data / "serve.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "serve.py"), "serve"],
                cwd=ROOT,
                env=environment(self.data, PORT=str(self.port), FAQ_MODEL="none"),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> None:
        """Wait until it is."""
        assert self.process is not None
        wait_until_ready(self.url, self.process)

    def kill(self) -> None:
        """Kill it, as a power cut would its process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def persist(self, send: Callable[[], httpx.Response], tries: int = 10**6) -> httpx.Response | None:
        """Send until an answer comes; None after so many tries in vain. Gone when the run is over."""
        for _ in range(tries):
            with suppress(httpx.TransportError):
                response = send()
                if response.status_code != 503:
                    return response
            if self.over.wait(0.03):
                raise Gone
        return None


def visit(run: Run, rng: random.Random) -> None:
    """A visitor's life: one conversation after another."""
    with httpx.Client(base_url=run.url, timeout=10) as client:
        while not run.over.is_set():
            with suppress(Gone):
                _converse(run, client, rng)


def _converse(run: Run, client: httpx.Client, rng: random.Random) -> None:
    script = rng.choice(SCRIPTS)
    first = Sent(_client_id(rng), script[0])
    response = run.persist(lambda: _post(client, first, {"text": first.text}, None))
    if response is None or response.status_code != 200:
        run.faults.append(f"the first message is refused: {response and response.text}")
        return
    answer = response.json()
    first.answer = answer
    visitor = Visitor(answer["conversation_id"], answer["conversation_token"], [first])
    run.visitors.append(visitor)
    for line in script[1:]:
        if run.over.wait(rng.random() * 0.05):
            return
        if line == "*":
            _send_picture(run, client, visitor, rng)
        else:
            body = {"accept": line[1:]} if line.startswith("+") else {"text": line}
            _say(run, client, visitor, body, rng)


def _say(run: Run, client: httpx.Client, visitor: Visitor, body: dict[str, str], rng: random.Random) -> None:
    sent = Sent(_client_id(rng) if rng.random() < 0.85 else None, body.get("text", ""))
    visitor.sent.append(sent)
    tries = 10**6 if sent.client_id and rng.random() < 0.8 else 1  # without an id nobody dares to send it again
    response = run.persist(lambda: _post(client, sent, body, visitor), tries)
    if response is not None and response.status_code == 200:
        sent.answer = response.json()
        if sent.client_id and rng.random() < 0.1:
            again = run.persist(lambda: _post(client, sent, body, visitor))
            if again is None or again.json()["message_id"] != sent.answer["message_id"]:
                run.faults.append(f"the same message again was answered otherwise: {again and again.text}")
    elif response is not None and (response.status_code, "accept" in body) != (409, True):
        run.faults.append(f"{body} is refused: {response.status_code} {response.text}")


def _post(client: httpx.Client, sent: Sent, body: dict[str, str], visitor: Visitor | None) -> httpx.Response:
    sent.again += 1
    named = {"client_message_id": sent.client_id} if sent.client_id else {}
    whose = {"conversation_id": visitor.id} if visitor else {}
    return client.post("/api/chat", json={**body, **named, **whose}, headers=_headers(visitor))


def _headers(visitor: Visitor | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {visitor.token}"} if visitor else {}


def _send_picture(run: Run, client: httpx.Client, visitor: Visitor, rng: random.Random) -> None:
    data = io.BytesIO()
    Image.new("RGB", (rng.randint(20, 60), 30), (rng.randint(0, 255), 9, 9)).save(data, "PNG")
    path = f"/api/conversations/{visitor.id}/pictures"
    response = run.persist(lambda: client.post(path, content=data.getvalue(), headers=_headers(visitor)))
    if response is not None and response.status_code in (429, 503):  # others' pictures are on their way just now
        return
    if response is None or response.status_code != 201:
        run.faults.append(f"a picture is refused: {response and response.text}")
        return
    visitor.pictures.append(response.json()["picture_id"])
    _say(run, client, visitor, {"picture": visitor.pictures[-1]}, rng)


def _client_id(rng: random.Random) -> str:
    return f"client-{rng.getrandbits(96):024x}"


def serve_visitors(run: Run, rng: random.Random, name: str) -> None:
    """A member of staff at work."""
    with httpx.Client(base_url=f"{run.url}/api/staff", timeout=10) as client, suppress(Gone):
        login = run.persist(lambda: client.post("/login", json={"name": name, "password": PASSWORD}))
        assert login is not None
        assert login.status_code == 200, login.text
        client.headers["X-CSRF-Token"] = login.json()["csrf"]
        while not run.over.wait(rng.random() * 0.05):
            queue = run.persist(lambda: client.get("/queue"))
            assert queue is not None
            assert queue.status_code == 200, queue.text
            waiting = [item["number"] for item in queue.json()["waiting"]]
            mine = [i["number"] for i in queue.json()["assigned"] if i["assignee"] and i["assignee"]["name"] == name]
            if mine and rng.random() < 0.8:
                _work(run, client, rng, rng.choice(mine), name)
            elif waiting:
                _deed(run, client, rng.choice(waiting[:5]), "take")


def _work(run: Run, client: httpx.Client, rng: random.Random, number: int, name: str) -> None:
    kind = rng.choices(("reply", "resolve", "close", "release", "transfer"), (50, 20, 5, 10, 5))[0]
    if kind != "reply":
        other = next(each for each, _ in STAFF if each != name)
        return _deed(run, client, number, kind, {"to": other} if kind == "transfer" else None)
    sent = Sent(_client_id(rng), rng.choice(("您好，请稍等", "已经处理了，请再试一下")))
    body = {"text": sent.text, "client_message_id": sent.client_id}

    def post() -> httpx.Response:
        sent.again += 1
        return client.post(f"/tickets/{number}/reply", json=body)

    run.written.append(sent)
    response = run.persist(post, 10**6 if rng.random() < 0.8 else 1)
    if response is not None and response.status_code == 200:
        sent.answer = response.json()
    return None


def _deed(run: Run, client: httpx.Client, number: int, kind: str, body: dict[str, str] | None = None) -> None:
    response = run.persist(lambda: client.post(f"/tickets/{number}/{kind}", json=body), 1)
    if response is not None and response.status_code == 200:
        run.deeds[number, kind] += 1
    elif response is not None and response.status_code not in (404, 409):
        run.faults.append(f"{kind} of {number} is refused: {response.status_code} {response.text}")


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder with two members of staff; the server makes its index of keywords when it starts first."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with closing(SqliteStore(data / "conversations.db")) as store:
            accounts = Accounts(store)
            for name, display in STAFF:
                accounts.add(name, display, "agent", PASSWORD)
        yield data


def run(data: Path, kills: int, seed: int, say: Callable[[str], None] = lambda _: None) -> Run:
    """Kill the server so many times under load; what came of it, with the faults."""
    rng = random.Random(seed)
    it = Run(data, rng)
    it.start()
    it.ready()
    work: list[tuple[Callable[..., None], tuple[Any, ...]]] = [(visit, ())] * VISITORS
    work += [(serve_visitors, (name,)) for name, _ in STAFF]

    def guarded(deed: Callable[..., None], *more: Any) -> None:
        try:
            deed(it, *more)
        except Exception as error:
            it.faults.append(f"a client ended with {type(error).__name__}: {error}")

    threads = [
        threading.Thread(target=guarded, args=(deed, random.Random(rng.random()), *more), daemon=True)
        for deed, more in work
    ]
    for thread in threads:
        thread.start()
    try:
        for number in range(kills):
            time.sleep(rng.uniform(0.2, 1.5))
            it.kill()
            it.start()
            if rng.random() < 0.2:  # once more, while it starts
                time.sleep(rng.uniform(0.05, 1.5))
                it.kill()
                it.start()
            it.ready()
            say(f"{number + 1} kills, {len(it.visitors)} conversations, {len(it.faults)} faults")
        time.sleep(0.5)
        it.over.set()
        for thread in threads:
            thread.join(PATIENCE)
        it.faults += history_faults(it)
    finally:
        it.over.set()
        it.kill()
    it.faults += database_faults(it)
    it.faults += leaks((data / "serve.log").read_text(encoding="utf-8"), SECRETS)
    return it


def history_faults(it: Run) -> list[str]:
    """What visitors miss who look at their conversations now."""
    faults: list[str] = []
    with httpx.Client(base_url=it.url, timeout=30) as client:
        for visitor in it.visitors:
            response = client.get(f"/api/chat/{visitor.id}", headers=_headers(visitor))
            if response.status_code != 200:
                faults.append(f"conversation {visitor.id} is lost: {response.text}")
                continue
            shown = {message["message_id"]: message for message in response.json()["messages"]}
            for sent in visitor.sent:
                faults += _answer_faults(sent, shown)
            for picture in visitor.pictures:
                kept = client.get(f"/api/conversations/{visitor.id}/pictures/{picture}", headers=_headers(visitor))
                try:
                    Image.open(io.BytesIO(kept.content)).load()
                except OSError:
                    faults.append(f"picture {picture} is lost: {kept.status_code}")
    return faults


def _answer_faults(sent: Sent, shown: dict[str, dict[str, Any]]) -> Iterator[str]:
    if sent.answer is None:
        return
    message = shown.get(sent.answer["message_id"])
    if message is None or message["sequence"] != sent.answer["sequence"]:
        yield f"the answer to {sent.text!r} is lost"
    elif sent.answer["decision"] != "silent" and message["text"] != sent.answer["text"]:
        yield f"the answer to {sent.text!r} is another now"


def database_faults(it: Run) -> list[str]:
    """What is wrong in the database once the server is down."""
    path = it.data / "conversations.db"
    faults = sequence_faults(path) + ticket_faults(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        if (checked := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            faults.append(f"the database is damaged: {checked}")
        faults += [f"a loose end: {tuple(row)}" for row in connection.execute("PRAGMA foreign_key_check")]
        messages = [dict(row) for row in connection.execute("SELECT * FROM message ORDER BY conversation_id, sequence")]
        pictures = [row["id"] for row in connection.execute("SELECT id FROM picture")]
        events = Counter(
            (row["ticket"], row["kind"]) for row in connection.execute("SELECT ticket, kind FROM ticket_event")
        )
    faults += [f"picture {each} has no file" for each in pictures if not (it.data / "pictures" / each).is_file()]
    faults += _delivery_faults(it, messages) + _owner_faults(messages)
    lines = {
        "take": "taken",
        "release": "released",
        "resolve": "resolved",
        "close": "closed",
        "transfer": "transferred",
    }
    for (number, kind), count in it.deeds.items():
        if kind == "take" and not events[number, "taken"]:
            faults.append(f"ticket {number} was taken, and shows no line of it")
        if kind != "take" and events[number, lines[kind]] < count:
            faults.append(f"{count} × {kind} of ticket {number} left {events[number, lines[kind]]} lines")
    return faults


def _delivery_faults(it: Run, messages: Sequence[dict[str, Any]]) -> list[str]:
    """Every acknowledged message is there once, every other one at most once, and nothing that nobody sent."""
    faults: list[str] = []
    for visitor in it.visitors:
        own = [row for row in messages if (row["conversation_id"], row["author"]) == (visitor.id, "visitor")]
        by_id = {row["client_message_id"]: row for row in own if row["client_message_id"]}
        faults += [f"nobody sent {key}" for key in by_id.keys() - {sent.client_id for sent in visitor.sent}]
        for sent in visitor.sent:
            row = by_id.get(sent.client_id) if sent.client_id else None
            if sent.client_id and sent.answer and row is None:
                faults.append(f"{sent.text!r} was acknowledged, and is lost")
            if row is not None and sent.text and row["text"] != hide_secrets(sent.text)[0]:
                faults.append(f"{sent.text!r} was stored as {row['text']!r}")
        anonymous = [sent for sent in visitor.sent if not sent.client_id]
        count, least = len(own) - len(by_id), sum(sent.answer is not None for sent in anonymous)
        if not least <= count <= len(anonymous):
            faults.append(f"of {len(anonymous)} messages without an id, {least} acknowledged, {count} are there")
    by_agent = Counter(row["agent_message_id"] for row in messages if row["author"] == "agent")
    faults += [f"nobody of the staff sent {key}" for key in by_agent.keys() - {sent.client_id for sent in it.written}]
    lost = (sent for sent in it.written if sent.answer and by_agent[sent.client_id] != 1)
    faults += [f"a message of staff is there {by_agent[sent.client_id]} times" for sent in lost]
    begun = {row["conversation_id"] for row in messages}
    faults += [f"conversation {each} is nobody's" for each in begun - {visitor.id for visitor in it.visitors}]
    return faults


def _owner_faults(messages: Sequence[dict[str, Any]]) -> list[str]:
    """The bot keeps silent from where a person came until one is said to have ended something or gone."""
    coming = {wording.taken_over(display): display for _, display in STAFF}
    faults: list[str] = []
    owner: str | None = None
    for row in messages:
        if row["sequence"] == 1:
            owner = None
        if row["author"] == "bot" and not row["reply"]:
            owner = coming.get(row["text"])
        elif row["reply"] and owner is not None:
            faults.append(f"the bot talks while {owner} does: {row['text']!r}")
    return faults


def main(arguments: Sequence[str]) -> int:
    """Kill the server so many times and say what came of it."""
    kills, seed = int(arguments[0]) if arguments else 50, int(arguments[1]) if len(arguments) > 1 else 0
    began = time.monotonic()
    with data_folder() as data:
        it = run(data, kills, seed, lambda line: print(line, flush=True))
        print(summary(it), f"{time.monotonic() - began:.0f} s")
    print(*it.faults[:20], sep="\n")
    return 1 if it.faults else 0


def summary(it: Run) -> str:
    """What happened, in a line."""
    sent = [sent for visitor in it.visitors for sent in visitor.sent]
    answered, again = sum(each.answer is not None for each in sent), sum(each.again > 1 for each in sent)
    return (
        f"{len(it.visitors)} conversations, {len(sent)} messages of visitors ({answered} acknowledged, "
        f"{again} sent again), {len(it.written)} of staff, "
        f"{sum(len(visitor.pictures) for visitor in it.visitors)} pictures, "
        f"{sum(it.deeds.values())} deeds, {len(it.faults)} faults"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
