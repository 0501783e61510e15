"""What the application refuses, counts and logs, asked in-process where a real server could not be brought to it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import fake
import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from bot.api import guard, ready, schema, staff_schema
from bot.api.app import create_app
from bot.api.dep import address
from bot.api.site import Sites
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.escalation import HUMAN
from bot.live import Live
from bot.settings import Settings
from bot.store.base import StoreError
from bot.store.sqlite import SqliteStore

RIGHT = b"the right token"


class BrokenBot:
    """Falls over at whatever it is asked."""

    live = Live()

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


class CountingStore:
    """A store that is empty, and asked whether it works."""

    def __init__(self) -> None:
        self.checks = 0
        self.error: StoreError | None = None

    def read(self, _: Any) -> list[Any]:
        return []  # no settings are kept

    def check(self) -> None:
        self.checks += 1
        if self.error:
            raise self.error


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield store
    store.close()


@pytest.fixture
def bot(store: SqliteStore) -> Bot:
    knowledge = fake.knowledge_of(fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"))
    return Bot(store, Desk(fake.index_of(knowledge), (HUMAN,), Thresholds()))


@pytest.fixture
def broken() -> FastAPI:
    return app_of(BrokenBot(), CountingStore())


def app_of(bot: Any, store: Any, **settings: Any) -> FastAPI:
    return create_app(bot, store, Settings(_env_file=None, **settings))


def ask(app: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    """One request; an error that left the application would be raised here."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **request)

    return asyncio.run(asked())


def nobody(_: str, __: str) -> bool:
    """Holds no conversation."""
    return False


async def works(request: Request) -> bool:
    """Whether a request is of the staff."""
    return request.headers.get("x-api-key") == RIGHT.decode()


class Uploads:
    """Pictures sent up to a guard, each part when told to; `dealing` counts those that the application has in hand."""

    def __init__(self) -> None:
        self.guard = guard.Guard(self._deal, lambda _, token: token == RIGHT.decode(), works, Sites({}))
        self.dealing = 0
        self.go_on = asyncio.Event()
        self.bodies: list[bytes] = []

    async def _deal(self, _: Any, receive: Any, send: Any) -> None:
        self.dealing += 1
        await self.go_on.wait()
        self.dealing -= 1
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def send(
        self, address: str, token: bytes = RIGHT, place: str = "conversations/conversation-number-1"
    ) -> tuple[asyncio.Queue[bytes | None], asyncio.Task[int]]:
        """Begin to send: the parts to come, None at the end, and the status in the end."""
        head = (b"x-api-key", token) if place.startswith("staff") else (b"authorization", b"Bearer " + token)
        parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        statuses: list[int] = []

        async def receive() -> Any:
            part = await parts.get()
            return {"type": "http.request", "body": part or b"", "more_body": part is not None}

        async def sent(message: Any) -> None:
            statuses.append(message.get("status", 0))

        async def serve() -> int:
            scope = {
                "type": "http",
                "method": "POST",
                "path": f"/api/{place}/pictures",
                "headers": [head],
                "client": (address, 1),
            }
            await self.guard(scope, receive, sent)
            return statuses[0]

        return parts, asyncio.create_task(serve())

    def send_whole(self, address: str, body: bytes = b"x") -> asyncio.Task[int]:
        parts, status = self.send(address)
        parts.put_nowait(body)
        parts.put_nowait(None)
        return status


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def is_problem(response: httpx.Response, status: int) -> bool:
    return (
        response.status_code == response.json()["status"] == status
        and response.headers["content-type"] == "application/problem+json"
        and not response.json()["detail"].isascii()
        and "default-src 'none'" in response.headers["content-security-policy"]
    )


def test_an_unexpected_error_is_a_problem_and_logged_once(broken: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    """With the security headers, without a word of the cause; the traceback is in the log."""
    with caplog.at_level(logging.INFO):
        response = ask(broken, "POST", "/api/chat", json={"text": "你好"})
    assert is_problem(response, 500)
    assert "turn" not in response.text
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info[0] for record in errors if record.exc_info] == [ZeroDivisionError]
    assert "POST /api/chat 500" in caplog.text


def test_an_error_in_the_middle_of_a_response_is_the_servers() -> None:
    """A response that has begun cannot become a problem: it is cut off, lest half of it pass for the whole."""

    async def half(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    async def no_body() -> Any:
        return {"type": "http.request"}

    async def sent(message: Any) -> None:
        assert message["type"] == "http.response.start"

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(guard.Guard(half, nobody, works, Sites({}))(scope, no_body, sent))


def test_a_body_that_does_not_come_is_not_waited_for(bot: Bot, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """408, and the connection closes."""
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)

    async def dripping() -> AsyncIterator[bytes]:
        yield b'{"text":'
        await asyncio.sleep(30)
        yield b'"a"}'

    response = ask(app_of(bot, store), "POST", "/api/chat", content=dripping())
    assert is_problem(response, 408)
    assert response.headers["connection"] == "close"


def test_whoever_only_begins_to_send_pictures_stops_nobody() -> None:
    """A picture has its turn once it has arrived: however many are on their way, another is taken."""

    async def test() -> None:
        uploads = Uploads()
        uploads.go_on.set()
        slow = [uploads.send(f"203.0.113.{number}") for number in range(guard.MOST_PICTURES * 5)]
        for parts, _ in slow:
            parts.put_nowait(b"a part")
        await settle()
        assert await uploads.send_whole("198.51.100.1") == 201
        for parts, _ in slow:
            parts.put_nowait(None)
        assert {await status for _, status in slow} == {201}
        assert uploads.bodies == [b"x", *[b"a part"] * len(slow)]

    asyncio.run(test())


def test_what_strangers_send_is_not_read() -> None:
    """The application refuses them without it, though they never send a body at all."""

    async def test() -> None:
        uploads = Uploads()
        uploads.go_on.set()
        places = ("conversations/conversation-number-1", "staff/tickets/1001")
        sent = [uploads.send("203.0.113.1", token, place) for token in (b"wrong", b"") for place in places]
        assert [await status for _, status in sent] == [201] * 4
        assert uploads.bodies == [b""] * 4

    asyncio.run(test())


def test_what_staff_send_is_read_as_what_visitors_do() -> None:
    """More of it than any other body has, and to no other address of theirs."""
    large = b"x" * (guard.LARGEST_BODY + 1)

    async def test() -> None:
        uploads = Uploads()
        uploads.go_on.set()
        for place, status in (("staff/tickets/1001", 201), ("staff/tickets/1001/more", 413), ("staff", 413)):
            parts, answered = uploads.send("203.0.113.1", place=place)
            parts.put_nowait(large)
            parts.put_nowait(None)
            assert await answered == status
        assert uploads.bodies == [large]

    asyncio.run(test())


def test_one_address_cannot_take_all_turns() -> None:
    """429 for its next picture, until one of them is done; another address has its turn."""

    async def test() -> None:
        uploads = Uploads()
        greedy = [uploads.send_whole("203.0.113.1") for _ in range(guard.MOST_FROM_ADDRESS)]
        await settle()
        assert uploads.dealing == guard.MOST_FROM_ADDRESS < guard.MOST_PICTURES
        assert await uploads.send_whole("203.0.113.1") == 429
        other = uploads.send_whole("203.0.113.2")
        await settle()
        assert uploads.dealing == guard.MOST_PICTURES
        uploads.go_on.set()
        assert {await status for status in (*greedy, other)} == {201}
        assert await uploads.send_whole("203.0.113.1") == 201

    asyncio.run(test())


def test_a_picture_waits_for_its_turn_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that arrives while all turns are taken is served next, or told to come again."""

    async def test() -> None:
        uploads = Uploads()
        sent = [uploads.send_whole(f"203.0.113.{number}") for number in range(guard.MOST_PICTURES + 1)]
        await settle()
        assert uploads.dealing == guard.MOST_PICTURES
        monkeypatch.setattr(guard, "PICTURE_PATIENCE", 0.01)
        assert await uploads.send_whole("203.0.113.99") == 503
        uploads.go_on.set()
        assert {await status for status in sent} == {201}

    asyncio.run(test())


def test_pictures_in_memory_are_limited_as_far_as_they_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 for the part that is too much; what was given up or dealt with takes nothing any more."""
    monkeypatch.setattr(guard, "MOST_HELD", 10)

    async def test() -> None:
        uploads = Uploads()
        uploads.go_on.set()
        begun, status = uploads.send("203.0.113.1")
        begun.put_nowait(b"6 byte")
        await settle()
        assert await uploads.send_whole("203.0.113.2", b"5 byt") == 503
        assert await uploads.send_whole("203.0.113.2", b"four") == 201
        begun.put_nowait(None)
        assert await status == 201
        assert await uploads.send_whole("203.0.113.2", b"exactly 10") == 201
        status = uploads.send_whole("203.0.113.2", b"elevenbytes")
        assert await status == 503
        monkeypatch.setattr(guard, "PICTURE_SECONDS", 0.01)
        begun, status = uploads.send("203.0.113.1")
        begun.put_nowait(b"6 byte")
        assert await status == 408
        assert await uploads.send_whole("203.0.113.2", b"exactly 10") == 201
        assert uploads.guard._held == 0

    asyncio.run(test())


@pytest.mark.parametrize("path", ["/a%0AINFO%20forged", "/a%0D%1B%5B2J", "/%E2%80%A8x", "/%ED%A0%80"])
def test_a_path_cannot_forge_a_log_line(broken: FastAPI, caplog: pytest.LogCaptureFixture, path: str) -> None:
    """Control characters and separators are logged as they were sent, encoded."""
    with caplog.at_level(logging.INFO, logger="bot.api.guard"):
        assert is_problem(ask(broken, "GET", path), 404)
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.api.guard"]
    assert len(lines) == 1
    assert lines[0].isascii()
    assert lines[0].isprintable()


def test_a_stranger_cannot_use_up_anothers_allowance(bot: Bot, store: Any) -> None:
    """Only messages with the right token count against a conversation."""
    app = app_of(bot, store, rate_per_conversation="1/minute")
    first = ask(app, "POST", "/api/chat", json={"text": "你好"}).json()
    body = {"text": "你好", "conversation_id": first["conversation_id"]}
    own, wrong = ({"Authorization": f"Bearer {token}"} for token in (first["conversation_token"], "f" * 64))
    for _ in range(3):
        assert is_problem(ask(app, "POST", "/api/chat", json=body, headers=wrong), 404)
    assert ask(app, "POST", "/api/chat", json=body, headers=own).status_code == 200
    assert is_problem(ask(app, "POST", "/api/chat", json=body, headers=own), 429)


@pytest.mark.parametrize(
    ("client", "counted_for"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("garbage", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_client_is_counted_by_its_network(client: str | None, counted_for: str) -> None:
    """A host has a whole /64 to choose addresses from; what is no address is one client."""
    request = Request({"type": "http", "client": None if client is None else (client, 1)})
    assert address(request) == counted_for
    assert counted_for == "unknown" or ipaddress.ip_network(counted_for)


def test_garbage_from_a_trusted_proxy_shares_one_allowance(bot: Bot, store: Any) -> None:
    """Made-up names of clients do not have an allowance each; a proxy may be given by any address of its network."""
    app = app_of(bot, store, trusted_proxies="127.0.0.9/8", rate_per_address="1/minute")

    def status(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return ask(app, "POST", "/api/chat", json={"text": "你好"}, headers=headers).status_code

    assert [status(name) for name in ("one", "two", "999.1.1.1", "x:y:z")] == [200, 429, 429, 429]
    assert [status(name) for name in ("2001:db8::1", "2001:db8::2", "[2001:db8::3]:80")] == [200, 429, 429]
    assert [status(name) for name in ("203.0.113.1", "203.0.113.2:5", "203.0.113.2")] == [200, 200, 429]


def test_a_good_check_counts_for_a_while_and_a_bad_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often readiness is asked for, the disk is written once a second; a failure is looked at again at once."""
    store = CountingStore()
    asked = ready.Ready(store)  # type: ignore[arg-type]
    now = 1000.0
    monkeypatch.setattr(ready.time, "monotonic", lambda: now)
    for _ in range(3):
        asked.check()
    assert store.checks == 1
    now += ready.GOOD_FOR
    store.error = StoreError("磁盘已满")
    for _ in range(2):
        with pytest.raises(StoreError):
            asked.check()
    assert store.checks == 3
    store.error = None
    asked.check()
    assert store.checks == 4


def test_every_example_fits_its_own_schema(broken: FastAPI) -> None:
    """Also where null is a value: a field that must be there is in the example."""
    shown = 0
    schemas = ask(broken, "GET", "/openapi.json").json()["components"]["schemas"]
    for name, shape in schemas.items():
        for example in shape.get("examples", ()):
            model = getattr(schema, name, None) or getattr(staff_schema, name)
            model.model_validate_json(json.dumps(example), strict=True)
            assert set(shape.get("required", ())) <= set(example) <= set(shape["properties"]), name
            shown += 1
    assert shown >= 10
    assert schemas["ChatReply"]["examples"][0]["escalation"]["ticket"] is None
    assert schemas["Readiness"]["examples"][0]["detail"] is None


def test_the_openapi_document_says_who_needs_which_credentials(broken: FastAPI) -> None:
    """A generated client can go on with a conversation; what may do without says so."""
    document = ask(broken, "GET", "/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert (schemes["conversationToken"]["type"], schemes["conversationToken"]["scheme"]) == ("http", "bearer")
    assert (schemes["apiKey"]["in"], schemes["apiKey"]["name"]) == ("header", "X-API-Key")
    security = {
        (method, path): operation.get("security")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    staff = [{"staffSession": []}, {"staffKey": []}, {"staffBearer": []}]
    for (method, path), wanted in security.items():
        match path.split("/")[1:4]:
            case ["api", "staff", "login"] | ["api", "conversations"]:
                assert wanted in (None, staff), path  # whoever logs in again leaves the old session
            case ["api", "staff", *_]:
                assert wanted == staff, (method, path)
            case ["api", "conversations", _] | ["api", "chat", _]:
                assert wanted == [{"conversationToken": []}], (method, path)
            case ["api", "chat"]:
                assert wanted == [{"conversationToken": []}, {}]
            case ["api", "search"]:
                assert wanted == [{"apiKey": []}, {}]
            case _:
                assert wanted is None, path


def test_the_openapi_document_has_the_errors_that_any_route_can_give(broken: FastAPI) -> None:
    """Caps and accidents everywhere, what concerns bodies where there are bodies, limits where there are limits."""
    for path, operations in ask(broken, "GET", "/openapi.json").json()["paths"].items():
        for operation in operations.values():
            wanted = {"431", "500"}
            wanted |= {"408", "413"} if "requestBody" in operation else set()
            wanted |= {"429"} if path.startswith("/api/") else set()
            assert wanted <= set(operation["responses"]), path
            assert any(status.startswith("2") for status in operation["responses"]), path
