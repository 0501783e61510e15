"""The gate: which OneBot clients connect, and how a new connection takes the place of the old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
import uvicorn
from gatehouse import (
    PRIVATE,
    SELF_ID,
    TOKEN,
    Behind,
    Headers,
    Inner,
    Peer,
    gate_before,
    onebot_headers,
    refused,
    running,
    settled,
    websocket,
)
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.qq import connection

pytest_plugins = ("gatekeeper",)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (0, onebot_headers()),
        (0, onebot_headers(scheme="Token")),
        (0, onebot_headers(scheme="bearer")),
        (0, [header for header in onebot_headers() if header[0] != b"x-client-role"]),
        (401, onebot_headers("wrong")),
        (401, onebot_headers("")),
        (401, onebot_headers(TOKEN[:-1])),
        (401, onebot_headers(f"{TOKEN}x")),
        (401, onebot_headers("密码")),
        (401, onebot_headers(scheme="Basic")),
        (401, onebot_headers()[:2]),
        (401, [*onebot_headers(), (b"authorization", f"Bearer {TOKEN}".encode())]),
        (400, onebot_headers(self_id="1234")),
        (400, onebot_headers(self_id="1" * 21)),
        (400, onebot_headers(self_id="12345x")),
        (400, onebot_headers(self_id="１２３４５")),
        (400, onebot_headers(self_id="")),
        (400, onebot_headers()[1:]),
        (400, [*onebot_headers(), (b"x-self-id", b"99999")]),
        (400, [onebot_headers()[0], (b"x-client-role", b"API"), onebot_headers()[2]]),
        (403, [*onebot_headers(), (b"origin", b"https://example.org")]),
        (403, [*onebot_headers(), (b"origin", b"")]),
    ],
)
def test_only_a_client_that_knows_the_token_comes_through(status: int, headers: Headers) -> None:
    """No browser, no part of a token, no account that is no number; and only what was checked goes on."""
    inner = Inner()
    assert asyncio.run(refused(gate_before(inner), headers)) == status
    assert len(inner.scopes) == (0 if status else 1)
    for scope in inner.scopes:
        assert sorted(scope["headers"]) == [
            (b"authorization", f"Bearer {TOKEN}".encode()),
            (b"host", b"localhost"),
            (b"x-self-id", SELF_ID.encode()),
        ]


def test_a_token_in_the_address_is_no_token() -> None:
    """Addresses are logged; and only the one path leads in."""
    inner = Inner()
    scope = {**websocket(onebot_headers()[:2]), "query_string": f"access_token={TOKEN}".encode()}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(gate_before(inner)(scope, receive, send))
    asyncio.run(gate_before(inner)({**scope, "extensions": {}}, receive, send))
    assert [(message["type"], message.get("status")) for message in sent] == [
        ("websocket.http.response.start", 401),
        ("websocket.http.response.body", None),
        ("websocket.close", None),
    ]
    for path in ("/onebot/v11/", "/onebot/v11/ws/", "/onebot/v12/ws", "/qq/webhook"):
        assert asyncio.run(refused(gate_before(inner), onebot_headers(), path=path)) == 404
    assert inner.scopes == []


def test_tokens_cannot_be_tried_out() -> None:
    """After ten wrong ones an address is not heard, even with the right one; others are."""
    inner = Inner()

    async def tried() -> None:
        app = gate_before(inner)
        for _ in range(10):
            assert await refused(app, onebot_headers("wrong")) == 401
        assert await refused(app, onebot_headers("wrong")) == 429
        assert await refused(app, onebot_headers()) == 429
        assert await refused(app, onebot_headers(), client="203.0.113.8") == 0

    asyncio.run(tried())
    assert len(inner.scopes) == 1


def test_a_new_connection_takes_the_place_of_the_old(nonebot_made: Callable[[], Behind]) -> None:
    """Also of one whose other end is silent: the old is closed, the new one hears, calls and can be replaced."""

    async def replaced() -> None:
        behind = nonebot_made()
        async with running(behind) as app:
            peers = [Peer(app) for _ in range(3)]
            for peer in peers:
                await peer.open()
            for old in peers[:2]:
                assert old.task is not None
                await settled(old.task.done)
                assert old.types == ["websocket.accept", "websocket.close"]
                assert old.sent[1]["code"] == 1008
            assert list(behind.bots) == [SELF_ID]
            peers[2].say(PRIVATE)
            await settled(lambda: behind.heard)
            call = asyncio.ensure_future(behind.bots[SELF_ID].get_status())
            await settled(lambda: len(peers[2].sent) == 2)
            echo = json.loads(peers[2].sent[1]["text"])["echo"]
            peers[2].say({"status": "ok", "retcode": 0, "data": {}, "echo": echo})
            assert await call == {}
            await peers[2].close()
            assert behind.bots == {}

    asyncio.run(replaced())


def test_many_that_come_at_once_leave_one(nonebot_made: Callable[[], Behind]) -> None:
    """The last is connected, all others are closed, and nobody waits for ever."""

    async def raced() -> None:
        behind = nonebot_made()
        async with running(behind) as app:
            peers = [Peer(app) for _ in range(8)]
            await asyncio.gather(*(peer.open() for peer in peers))
            await settled(lambda: sum(peer.task.done() for peer in peers if peer.task) == 7)
            (left,) = [peer for peer in peers if peer.task and not peer.task.done()]
            assert left.types == ["websocket.accept"]
            assert list(behind.bots) == [SELF_ID]
            await left.close()
            assert behind.bots == {}

    asyncio.run(raced())


def test_an_adapter_that_does_not_let_go_keeps_the_new_one_waiting_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client is told to come again, and is let in once the old connection is gone."""
    monkeypatch.setattr(connection, "PATIENCE", 0.02)

    async def stuck() -> None:
        held = asyncio.Event()

        async def inner(_: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await held.wait()

        app = gate_before(inner)
        first = Peer(app)
        await first.open()
        assert await refused(app, onebot_headers()) == 503
        held.set()
        assert first.task is not None
        await first.task
        assert first.types == ["websocket.accept", "websocket.close"]
        assert await refused(app, onebot_headers()) == 0

    asyncio.run(stuck())


def test_an_adapter_that_fails_ends_only_that_connection(warned: pytest.LogCaptureFixture) -> None:
    """A line without what the error says; the client is told, and may come again."""

    async def failed() -> None:
        async def inner(_: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            raise LookupError("私密")

        app = gate_before(inner)
        for _ in range(2):
            peer = Peer(app)
            await peer.open()
            assert peer.task is not None
            await peer.task
            assert peer.types == ["websocket.accept", "websocket.close"]

    asyncio.run(failed())
    assert [record.getMessage() for record in warned.records] == ["QQ：适配器未能处理 OneBot 连接（LookupError）"]


def test_a_silent_connection_of_a_real_server_gives_way(nonebot_made: Callable[[], Behind]) -> None:
    """The client that comes back is let in at once, though the first one's end never answers; a wrong token is told."""

    async def returned() -> None:
        behind = nonebot_made()
        async with running(behind) as app:
            config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws_max_size=connection.LARGEST_FRAME)
            server = uvicorn.Server(config)
            serving = asyncio.ensure_future(server.serve())
            await settled(lambda: server.started)
            port = server.servers[0].sockets[0].getsockname()[1]
            url, sent = f"ws://127.0.0.1:{port}/onebot/v11/ws", {"X-Self-ID": SELF_ID}
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = ["GET /onebot/v11/ws HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade"]
            lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
            lines += [f"X-Self-ID: {SELF_ID}", f"Authorization: Bearer {TOKEN}", "", ""]
            writer.write("\r\n".join(lines).encode())
            assert b" 101 " in await reader.readline()
            await settled(lambda: SELF_ID in behind.bots)
            with pytest.raises(InvalidStatus) as wrong:
                await connect(url, additional_headers={**sent, "Authorization": "Bearer wrong"})
            assert wrong.value.response.status_code == 401
            async with connect(url, additional_headers={**sent, "Authorization": f"Bearer {TOKEN}"}) as client:
                await client.send("nonsense")
                await client.send(json.dumps(PRIVATE))
                await settled(lambda: behind.heard)
            writer.close()
            server.should_exit = True
            await serving

    asyncio.run(returned())
