"""A visitor's conversation over HTTP beside talking: events, reading, typing, pictures, ratings; on a real server."""

from __future__ import annotations

import io
import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fake
import httpx
import pytest
import uvicorn
from conftest import free_port
from PIL import Image
from staffed import until

from bot import wording
from bot.api.app import MOST_WINDOWS, create_app
from bot.api.dep import Service
from bot.api.server import Server
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import MOST_PICTURES, Bot
from bot.dossier import Dossier
from bot.escalation import HUMAN, Reason
from bot.model import Picture, Staff
from bot.settings import Settings
from bot.store.sqlite import SqliteStore

WANG = Staff("wang", "小王", "agent", True, datetime(2026, 1, 1, tzinfo=UTC))
UNLOCK = Reason("unlock", Dossier("申请解锁", "可以解锁。", at_once=True), entries=("a-1",))
RATES = ("rate_per_address", "rate_per_conversation", "rate_lookups", "rate_tickets")
MANY = dict.fromkeys(RATES, "1000000/second")


@dataclass
class Place:
    """A server that runs in this process, and the way into it."""

    server: Server
    client: httpx.Client
    service: Service
    folder: Path
    open: ExitStack

    def say(self, text: str) -> Visitor:
        """Begin a conversation."""
        response = self.client.post("/api/chat", json={"text": text})
        assert response.status_code == 200, response.text
        reply = response.json()
        return Visitor(self, reply["conversation_id"], reply["conversation_token"], reply)


@dataclass
class Visitor:
    """Who holds a conversation; `reply` is the last one."""

    place: Place
    id: str
    token: str
    reply: dict[str, Any]

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.place.client.request(method, f"/api/conversations/{self.id}{path}", headers=headers, **options)

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.request("POST", path, json=body)

    def chat(self, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.place.client.post("/api/chat", json={"conversation_id": self.id, **body}, headers=headers)

    def say(self, text: str) -> dict[str, Any]:
        response = self.chat(text=text)
        assert response.status_code == 200, response.text
        self.reply = response.json()
        return self.reply

    def listen(self, **headers: bytes) -> Stream:
        where = f"/api/conversations/{self.id}/events"
        everything = {"Authorization": f"Bearer {self.token}".encode(), **headers}
        stream = self.place.client.stream("GET", where, headers=everything)
        return Stream(self.place.open.enter_context(stream))

    @property
    def ticket(self) -> int:
        return int(self.reply["escalation"]["ticket"])

    def taken(self) -> None:
        self.place.service.agents.take(self.ticket, WANG)

    def resolved(self) -> None:
        self.taken()
        self.place.service.agents.resolve(self.ticket, WANG)


class Stream:
    """Server-sent events as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self, kind: str | None = None) -> tuple[str, Any, str | None]:
        """The next event, or the next of that kind: its kind, data and id. StopIteration at the end."""
        event: dict[str, str] = {}
        while True:
            line = next(self._lines)
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "event" in event and kind in (None, event["event"]):
                return event["event"], json.loads(event["data"]), event.get("id")
            else:
                event = {}

    def ended(self) -> bool:
        """Whether the server ends the stream, whatever comes before that."""
        return all(line is not None for line in self._lines)


@contextmanager
def place_in(folder: Path, **settings: Any) -> Iterator[Place]:
    """A server over a small knowledge base, with its data in a folder."""
    store = SqliteStore(folder / "conversations.db")
    store.write(lambda t: t.put_staff(WANG, "hash"))
    knowledge = fake.knowledge_of(
        fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"), fake.entry("a-2", "打印出现404", "产品填无。")
    )
    bot = Bot(store, Desk(fake.index_of(knowledge), (UNLOCK, HUMAN), Thresholds(answer=0.3)))
    app = create_app(bot, store, Settings(_env_file=None, data_dir=folder, **{**MANY, **settings}))
    port = free_port()
    config = uvicorn.Config(app, port=port, log_config=None, ws="none", lifespan="off", timeout_graceful_shutdown=5)
    server = Server(config, bot.live)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        with ExitStack() as stack:
            stack.callback(bot.live.close)
            client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10))
            yield Place(server, client, app.state.service, folder, stack)
    finally:
        server.should_exit = True
        thread.join()
        store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path) as place:
        yield place


def is_problem(response: httpx.Response, status: int) -> bool:
    """Whether a response is a problem of that status with words a visitor can read."""
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response.headers["content-type"] == "application/problem+json"
        and re.search(r"[\u4e00-\u9fff]", body["detail"]) is not None
    )


def image(kind: str = "PNG", size: tuple[int, int] = (8, 6)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, kind)
    return data.getvalue()


def test_events_tell_the_conversation_from_its_beginning(place: Place) -> None:
    """Each message as the history has it, with its sequence number as id, then how things stand."""
    visitor = place.say("账号被锁定怎么办")
    visitor.say("好的")
    stream = visitor.listen()
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    events = [stream.next() for _ in range(5)]
    headers = {"Authorization": f"Bearer {visitor.token}"}
    history = place.client.get(f"/api/chat/{visitor.id}", headers=headers).json()
    assert [kind for kind, *_ in events] == ["message"] * 4 + ["state"]
    assert [data for _, data, _ in events[:4]] == history["messages"]
    assert [event_id for *_, event_id in events] == ["1", "2", "3", "4", None]
    state = events[4][1]
    assert state == {name: history[name] for name in state}
    assert [(ticket["label"], ticket["status"]) for ticket in state["tickets"]] == [("申请解锁", "waiting")]


def test_events_go_on_where_the_last_stream_ended(place: Place) -> None:
    """Nothing twice, nothing missed, and the state anew."""
    visitor = place.say("你好")
    visitor.say("在吗")
    stream = visitor.listen(**{"Last-Event-ID": b"3"})
    assert [stream.next()[2], stream.next()[0]] == ["4", "state"]


@pytest.mark.parametrize("last", ["", "x", "-1", "1.5", "³", "9" * 30, "0"])
def test_a_senseless_last_event_begins_anew(place: Place, last: str) -> None:
    """Better twice than never."""
    stream = place.say("你好").listen(**{"Last-Event-ID": last.encode()})
    assert stream.next()[2] == "1"


def test_what_is_said_comes_at_once(place: Place) -> None:
    """The visitor's own messages, replies, and what a person writes."""
    visitor = place.say("转人工")
    stream = visitor.listen()
    stream.next("state")
    began = time.monotonic()
    visitor.say("打印出现404")
    assert [stream.next("message")[1]["text"] for _ in range(2)] == ["打印出现404", "产品填无。"]
    visitor.reply = {"escalation": {"ticket": 1001}}
    visitor.taken()
    place.service.agents.reply(visitor.ticket, WANG, "您好")
    assert stream.next("message")[1]["text"] == "人工客服“小王”正在为您服务。"
    data = stream.next("message")[1]
    assert (data["author"], data["agent"], data["text"], data["reply"]) == ("agent", "小王", "您好", None)
    assert time.monotonic() - began < 5


def test_the_state_comes_when_it_changes(place: Place) -> None:
    """Who talks, how requests stand, how far each side has read; nothing while nothing changes."""
    visitor = place.say("转人工")
    stream = visitor.listen()
    assert stream.next("state")[1]["agent"] is None
    visitor.taken()
    state = stream.next("state")[1]
    assert (state["agent"], state["tickets"][0]["status"]) == ("小王", "assigned")
    place.service.agents.read_up_to(visitor.ticket, WANG, 2)
    assert stream.next()[1]["staff_read"] == 2
    assert visitor.post("/read", {"sequence": 3}).status_code == 204
    assert stream.next()[1]["visitor_read"] == 3
    place.service.agents.resolve(visitor.ticket, WANG)
    state = stream.next("state")[1]
    assert (state["agent"], state["tickets"][0]["status"]) == (None, "resolved")
    visitor.post("/rating", {"ticket": visitor.ticket, "stars": 4})
    assert stream.next()[1]["tickets"][0]["stars"] == 4


def test_typing_travels_both_ways(place: Place) -> None:
    """To the visitor as an event, to staff as a signal; nothing is kept."""
    visitor = place.say("你好")
    stream = visitor.listen()
    stream.next("state")
    place.service.live.signal(visitor.id, "typing:agent")
    assert stream.next() == ("typing", {"author": "agent"}, None)
    assert visitor.request("POST", "/typing").status_code == 204
    place.service.live.signal(visitor.id, "typing:agent")
    assert stream.next()[0] == "typing"


def test_every_window_hears_everything(place: Place) -> None:
    """As many as are allowed; one more is asked to wait, until one is closed."""
    visitor = place.say("你好")
    streams = [visitor.listen() for _ in range(MOST_WINDOWS)]
    for stream in streams:
        stream.next("state")
    refused = visitor.request("GET", "/events")
    assert is_problem(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    assert place.say("你好").listen().next()
    visitor.say("在吗")
    assert {stream.next("message")[2] for stream in streams} == {"3"}
    streams[0].response.close()
    until(lambda: visitor.listen().response.status_code == 200)


def test_windows_opened_at_the_same_moment_are_counted(place: Place) -> None:
    """However many come at once, no more are let in."""
    visitor = place.say("你好")
    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(lambda _: visitor.listen().response.status_code, range(40)))
    assert (statuses.count(200), statuses.count(429)) == (MOST_WINDOWS, 40 - MOST_WINDOWS)
    assert place.service.live.count(visitor.id) == MOST_WINDOWS


@pytest.mark.parametrize(("setting", "status"), [("most_streams_per_address", 429), ("most_streams", 503)])
def test_windows_are_limited_beyond_one_conversation(tmp_path: Path, setting: str, status: int) -> None:
    """For an address and in all; one that is closed makes room."""
    with place_in(tmp_path, **{setting: 3}) as place:
        visitors = [place.say("你好") for _ in range(4)]
        streams = [visitor.listen() for visitor in visitors[:3]]
        refused = visitors[3].request("GET", "/events")
        assert is_problem(refused, status)
        assert int(refused.headers["retry-after"]) > 0
        streams[0].response.close()
        until(lambda: visitors[3].listen().response.status_code == 200)


def test_whoever_leaves_is_forgotten(place: Place) -> None:
    """No listener stays behind."""
    visitor = place.say("你好")
    stream = visitor.listen()
    stream.next("state")
    stream.response.close()
    until(lambda: place.service.live.count() == 0)


def test_a_deleted_conversation_ends_its_streams(place: Place) -> None:
    """And is not found any more."""
    visitor = place.say("你好")
    stream = visitor.listen()
    stream.next("state")
    place.service.store.write(lambda t: t.delete_conversation(visitor.id))
    place.service.live.changed(visitor.id)
    assert stream.ended()
    assert is_problem(visitor.request("GET", "/events"), 404)


def test_a_closing_server_ends_streams_at_once(place: Place) -> None:
    """It does not wait for listeners that never leave."""
    streams = [place.say("你好").listen() for _ in range(3)]
    for stream in streams:
        stream.next("state")
    began = time.monotonic()
    place.server.handle_exit(signal.SIGTERM, None)
    assert all(stream.ended() for stream in streams)
    assert time.monotonic() - began < 3
    until(lambda: place.service.live.count() == 0)


def test_a_signal_may_come_in_the_middle_of_anything(place: Place) -> None:
    """Its handler runs in a thread that may hold the listeners' lock, and waits for nothing."""
    stream = place.say("你好").listen()
    stream.next("state")

    def interrupted() -> None:
        with place.service.live._lock:
            place.server.handle_exit(signal.SIGTERM, None)

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert stream.ended()


ROUTES = (
    ("GET", "/events"),
    ("POST", "/typing"),
    ("POST", "/read"),
    ("POST", "/pictures"),
    ("GET", "/pictures/picture-number-0001"),
    ("POST", "/feedback"),
    ("POST", "/rating"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_door_asks_for_the_token(place: Place, method: str, path: str) -> None:
    """401 without one; 404 in the same words for another's and for no conversation."""
    visitor, other = place.say("你好"), place.say("你好")
    where = f"/api/conversations/{visitor.id}{path}"
    assert is_problem(place.client.request(method, where, json={}), 401)
    wrong = place.client.request(method, where, headers={"Authorization": f"Bearer {other.token}"}, json={})
    ghost = place.client.request(
        method, f"/api/conversations/ghost{path}", headers={"Authorization": f"Bearer {other.token}"}, json={}
    )
    assert is_problem(wrong, 404)
    assert wrong.json() == ghost.json()
    assert other.token not in wrong.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/read", {}),
        ("/read", {"sequence": -1}),
        ("/read", {"sequence": "x"}),
        ("/read", {"sequence": 2**40}),
        ("/read", []),
        ("/feedback", {}),
        ("/feedback", {"message_id": "x"}),
        ("/feedback", {"message_id": "x" * 201, "helpful": True}),
        ("/feedback", {"message_id": 7, "helpful": True}),
        ("/rating", {}),
        ("/rating", {"ticket": 1, "stars": 0}),
        ("/rating", {"ticket": 1, "stars": 6}),
        ("/rating", {"ticket": -1, "stars": 5}),
        ("/rating", {"ticket": 2**60, "stars": 5}),
        ("/rating", {"ticket": 1, "stars": 4.5}),
    ],
)
def test_bad_bodies_are_refused_in_words(place: Place, path: str, body: Any) -> None:
    """422, in Chinese."""
    assert is_problem(place.say("你好").post(path, body), 422)


def test_an_answer_is_rated(place: Place) -> None:
    """204; 404 for what is no answer of this conversation, 413 for a reason that is too long."""
    visitor, other = place.say("打印出现404"), place.say("打印出现404")
    rating = {"message_id": visitor.reply["message_id"], "helpful": False, "reason": "与问题无关"}
    assert visitor.post("/feedback", rating).status_code == 204
    assert visitor.post("/feedback", {**rating, "helpful": True, "reason": ""}).status_code == 204
    assert is_problem(other.post("/feedback", rating), 404)
    assert is_problem(visitor.post("/feedback", {**rating, "message_id": "none"}), 404)
    assert is_problem(visitor.post("/feedback", {**rating, "reason": "字" * 501}), 413)
    assert is_problem(visitor.post("/feedback", {**rating, "reason": "a\x00b"}), 422)
    [kept] = place.service.store.read(lambda t: t.feedback(visitor.id))
    assert (kept.helpful, kept.reason) == (True, "")


def test_a_request_is_rated_once_it_is_over(place: Place) -> None:
    """409 before, 404 for another's, 204 after; the state has it."""
    visitor, other = place.say("转人工"), place.say("你好")
    rating = {"ticket": visitor.ticket, "stars": 5, "comment": "很快"}
    assert is_problem(visitor.post("/rating", rating), 409)
    visitor.resolved()
    assert is_problem(other.post("/rating", rating), 404)
    assert is_problem(visitor.post("/rating", {**rating, "ticket": 7}), 404)
    assert is_problem(visitor.post("/rating", {**rating, "comment": "字" * 501}), 413)
    assert visitor.post("/rating", rating).status_code == 204
    assert visitor.listen().next("state")[1]["tickets"][0]["stars"] == 5


def test_a_picture_is_sent_up_shown_and_said(place: Place) -> None:
    """Its id goes with a message; only its pixels are kept; no browser may take it for anything else."""
    visitor = place.say("你好")
    secret = b"GPS of the visitor"
    response = visitor.request("POST", "/pictures", content=image() + secret)
    assert response.status_code == 201
    assert response.json() == {"picture_id": response.json()["picture_id"], "width": 8, "height": 6}
    picture = response.json()["picture_id"]
    assert visitor.chat(picture=picture).json()["decision"] == "talk"
    shown = visitor.request("GET", f"/pictures/{picture}")
    assert Image.open(io.BytesIO(shown.content)).size == (8, 6)
    assert secret not in shown.content
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "private, no-store"
    assert "sandbox" in shown.headers["content-security-policy"]
    stream = visitor.listen()
    assert [stream.next()[1]["picture"] for _ in range(4)] == [None, None, picture, None]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_usual_format_is_taken(place: Place, kind: str) -> None:
    """Whatever the client says it is."""
    headers = {"Content-Type": "text/html"}
    assert place.say("你好").request("POST", "/pictures", content=image(kind), headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 415),
        ("这是文本".encode(), 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"%PDF-1.7", 415),
        (image()[:40], 415),
        (b"\x89PNG\r\n\x1a\n" + b"<script>" * 9, 415),
        (b"\x89PNG\r\n\x1a\n" + b"x" * (8 * 1024 * 1024), 413),
    ],
)
def test_what_is_no_picture_is_refused_and_not_kept(place: Place, content: bytes, status: int) -> None:
    """By its content, whatever it is called; one that is too large before it is looked at."""
    visitor = place.say("你好")
    headers = {"Content-Type": "image/png"}
    assert is_problem(visitor.request("POST", "/pictures", content=content, headers=headers), status)
    assert place.service.store.read(lambda t: t.pictures(visitor.id)) == []
    assert not list(place.folder.glob("pictures/*"))


def test_a_picture_is_seen_by_its_conversation_only(place: Place) -> None:
    """404 for another's and for ids of no shape; no message takes it along."""
    visitor, other = place.say("你好"), place.say("你好")
    picture = visitor.request("POST", "/pictures", content=image()).json()["picture_id"]
    for unknown in (picture, "none", "picture-number-0001", "..%2f..%2fconversations.db", "%00", "x" * 300):
        assert is_problem(other.request("GET", f"/pictures/{unknown}"), 404), unknown
        assert is_problem(other.chat(picture=unknown[:200]), 404), unknown


def test_a_picture_whose_file_is_gone_is_not_found(place: Place) -> None:
    """404, not an error."""
    visitor = place.say("你好")
    picture = visitor.request("POST", "/pictures", content=image()).json()["picture_id"]
    place.service.pictures.delete(picture)
    assert is_problem(visitor.request("GET", f"/pictures/{picture}"), 404)


def test_too_many_pictures_are_refused_and_not_kept(place: Place) -> None:
    """409, and no file stays behind."""
    visitor = place.say("你好")
    now = datetime.now(UTC)
    for number in range(MOST_PICTURES):
        kept = Picture(f"picture-number-{number:04}", visitor.id, "image/png", 9, 1, 1, now)
        place.service.store.write(lambda t, kept=kept: t.add_picture(kept))
    assert is_problem(visitor.request("POST", "/pictures", content=image()), 409)
    assert not list(place.folder.glob("pictures/*"))


def test_no_picture_is_taken_once_the_folder_is_full(tmp_path: Path) -> None:
    """503 with words, and what has been kept is still shown."""
    with place_in(tmp_path, picture_budget_mb=1) as place:
        visitor = place.say("你好")
        picture = visitor.request("POST", "/pictures", content=image()).json()["picture_id"]
        place.service.album.budget.add(1024**2)
        refused = visitor.request("POST", "/pictures", content=image())
        assert is_problem(refused, 503)
        assert "文字" in refused.json()["detail"]
        assert int(refused.headers["retry-after"]) > 0
        assert visitor.request("GET", f"/pictures/{picture}").status_code == 200
        assert [path.name for path in place.folder.glob("pictures/*")] == [picture]


def test_a_picture_that_begins_a_conversation_is_unknown(place: Place) -> None:
    """404, whether it is another's or none."""
    picture = place.say("你好").request("POST", "/pictures", content=image()).json()["picture_id"]
    for unknown in (picture, "picture-that-is-none"):
        assert is_problem(place.client.post("/api/chat", json={"picture": unknown}), 404)


def test_while_a_person_talks_the_reply_is_silent(place: Place) -> None:
    """200 with the message's own id, which a client shows nothing for."""
    visitor = place.say("转人工")
    visitor.taken()
    reply = visitor.say("在吗")
    assert (reply["decision"], reply["text"], reply["sequence"]) == ("silent", "", 4)
    assert reply["note"] is None
    assert visitor.say("密码是Secret-4711")["note"] == wording.HIDDEN


def test_pictures_are_counted_as_messages(tmp_path: Path) -> None:
    """The allowance of an address is spent on either; 429 says when to try again."""
    with place_in(tmp_path, rate_per_address="3/hour") as place:
        visitor = place.say("你好")
        assert visitor.request("POST", "/pictures", content=image()).status_code == 201
        assert visitor.request("POST", "/pictures", content=b"x").status_code == 415
        refused = visitor.request("POST", "/pictures", content=image())
        assert is_problem(refused, 429)
        assert int(refused.headers["retry-after"]) > 0
        assert is_problem(visitor.chat(text="在吗"), 429)


def test_look_ups_are_counted_too(tmp_path: Path) -> None:
    """Whoever asks all the time is slowed down, before anything is looked up."""
    with place_in(tmp_path, rate_lookups="2/hour") as place:
        visitor = place.say("你好")
        for status in (204, 204, 429):
            assert visitor.post("/read", {"sequence": 1}).status_code == status


def test_tickets_from_one_address_are_limited(tmp_path: Path) -> None:
    """429 for one too many, of which nothing is kept; whatever opens none is answered as before."""
    with place_in(tmp_path, rate_tickets="2/hour") as place:
        visitor = place.say("转人工")
        place.say("转人工")
        refused = place.client.post("/api/chat", json={"text": "转人工"})
        assert is_problem(refused, 429)
        assert "转人工" in refused.json()["detail"]
        assert int(refused.headers["retry-after"]) > 0
        waiting = place.service.store.read(lambda t: t.tickets_in(["collecting", "waiting"]))
        assert [ticket.number for ticket in waiting] == [1001, 1002]
        assert visitor.say("转人工")["escalation"]["ticket"] == visitor.ticket
        other = place.say("打印出现404")
        assert is_problem(other.chat(text="转人工"), 429)
        history = place.client.get(f"/api/chat/{other.id}", headers={"Authorization": f"Bearer {other.token}"})
        assert len(history.json()["messages"]) == 2


def test_tickets_of_one_conversation_are_limited(place: Place) -> None:
    """However often they are taken back; reopening what staff ended is no new ticket."""
    visitor = place.say("转人工")
    visitor.resolved()
    assert visitor.say("问题又出现了，怎么还是没有人管")["note"]
    visitor.say("撤回")
    for _ in range(9):
        visitor.say("转人工")
        assert visitor.reply["escalation"]["status"] == "waiting"
        visitor.say("撤回")
    assert is_problem(visitor.chat(text="转人工"), 429)
    assert place.say("转人工").reply["escalation"]["status"] == "waiting"


def test_the_documentation_names_every_refusal(place: Place) -> None:
    """A picture's format among them."""
    paths = place.client.get("/openapi.json").json()["paths"]
    where = "/api/conversations/{conversation_id}/"
    assert {"401", "404", "409", "413", "415", "429"} <= set(paths[where + "pictures"]["post"]["responses"])
    assert {"401", "404", "409", "422"} <= set(paths[where + "rating"]["post"]["responses"])
    assert {"401", "404", "422"} <= set(paths[where + "feedback"]["post"]["responses"])
    assert {"401", "404", "429"} <= set(paths[where + "events"]["get"]["responses"])
