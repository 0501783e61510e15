"""Whose a conversation is: what strangers get on every route, on a real server, and that no log tells a secret."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from logscan import leaks
from PIL import Image
from staffed import Office, office_in

NOBODY = "a-conversation-not-there"


@dataclass(frozen=True)
class Held:
    """A visitor's conversation with a picture, a ticket that has ended and an answer."""

    id: str
    token: str
    message: str
    picture: str
    ticket: int

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_in(tmp_path_factory.mktemp("access")) as office:
        yield office


@pytest.fixture(scope="module")
def client(office: Office) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=office.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def own(office: Office, client: httpx.Client) -> Held:
    return hold(office, client)


@pytest.fixture(scope="module")
def other(office: Office, client: httpx.Client) -> Held:
    return hold(office, client)


def png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    return data.getvalue()


def hold(office: Office, client: httpx.Client) -> Held:
    """A conversation with something of everything in it."""
    first = client.post("/api/chat", json={"text": "账号被锁定怎么办"}).json()
    conversation, token = first["conversation_id"], first["conversation_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    body = {"conversation_id": conversation, "accept": "human"}
    number = client.post("/api/chat", json=body, headers=bearer).json()["escalation"]["ticket"]
    sent = client.post(f"/api/conversations/{conversation}/pictures", content=png(), headers=bearer)
    assert sent.status_code == 201, sent.text
    assert office.member("wang").post(f"/tickets/{number}/close").status_code == 200
    return Held(conversation, token, first["message_id"], sent.json()["picture_id"], number)


def routes(office: Office) -> list[tuple[str, str]]:
    """Method and path of every route of visitors that names a conversation."""
    return [
        (method, route.path)
        for route in iter_route_contexts(office.app.routes)
        if "{conversation_id}" in (route.path or "") and "/staff" not in route.path
        for method in sorted(route.methods)
    ]


def ask(client: httpx.Client, method: str, path: str, headers: dict[str, Any], **more: Any) -> tuple[int, str]:
    """The status and, of a refusal, the words; a stream is left at once."""
    body: dict[str, Any] = {"content": png()} if path.endswith("/pictures") else {"json": {}}
    with client.stream(method, path, headers=headers, **({} if method == "GET" else body), **more) as response:
        return response.status_code, response.read().decode() if response.status_code >= 400 else ""


def at(path: str, conversation: str, picture: str) -> str:
    return path.format(conversation_id=conversation, picture_id=picture)


def sizes(client: httpx.Client, held: Held) -> tuple[int, int]:
    """How much there is in a conversation, and how far it is read."""
    state = client.get(f"/api/chat/{held.id}", headers=held.bearer).json()
    return len(state["messages"]), state["visitor_read"]


def test_the_routes_that_name_a_conversation_are_found(office: Office) -> None:
    """Else the tests below would test nothing."""
    found = routes(office)
    assert ("GET", "/api/chat/{conversation_id}") in found
    for path in ("events", "typing", "read", "pictures", "pictures/{picture_id}", "feedback", "rating"):
        assert any(route.endswith(f"{{conversation_id}}/{path}") for _, route in found), path


def test_the_owner_gets_in_everywhere(office: Office, client: httpx.Client, own: Held) -> None:
    """What follows is refused for the token's sake and for nothing else."""
    for method, path in routes(office):
        status, said = ask(client, method, at(path, own.id, own.picture), own.bearer)
        assert status in (200, 201, 204, 422), (method, path, status, said)


def test_without_a_token_every_route_asks_for_one(office: Office, client: httpx.Client, own: Held) -> None:
    """Also with one that is not in the header where it belongs: in the URL, in a cookie, in another scheme."""
    ways: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"Authorization": ""}, {}),
        ({"Authorization": "Bearer"}, {}),
        ({"Authorization": own.token}, {}),
        ({"Authorization": f"Basic {own.token}"}, {}),
        ({"X-API-Key": own.token}, {}),
        ({"Cookie": f"token={own.token}; conversation_token={own.token}; staff={own.token}"}, {}),
        *(({}, {name: own.token}) for name in ("token", "access_token", "conversation_token", "authorization")),
    ]
    for method, path in routes(office):
        for headers, query in ways:
            status, said = ask(client, method, at(path, own.id, own.picture), headers, params=query)
            assert (status, json.loads(said)["status"]) == (401, 401), (method, path, headers, query, said)


def test_a_stranger_learns_nothing_from_any_route(office: Office, client: httpx.Client, own: Held, other: Held) -> None:
    """Another's token, a wrong one, no such conversation, no possible id: the same 404 to the letter."""
    before = sizes(client, own)
    for method, path in routes(office):
        refusals = {
            ask(
                client,
                method,
                at(path, conversation, own.picture),
                {"Authorization": f"Bearer {token}".encode("latin-1")},
            )
            for conversation, token in (
                (own.id, other.token),
                (own.id, "0" * 64),
                (own.id, own.token[:-1]),
                (own.id, own.token.upper()),
                (own.id, "é"),
                (NOBODY, own.token),
                (NOBODY, office.service.bot.token(NOBODY)),
                ("no%20id", own.token),
                ("x" * 65, own.token),
            )
        }
        assert [status for status, _ in refusals] == [404], (method, path, refusals)
    assert sizes(client, own) == before


def test_nobody_posts_into_anothers_conversation(client: httpx.Client, own: Held, other: Held) -> None:
    """The chat route, which has the conversation in its body; with a text, a choice, an acceptance or a picture."""
    before = sizes(client, own)
    contents: tuple[dict[str, str], ...] = (
        {"text": "偷看"},
        {"choose": "a-1"},
        {"accept": "human"},
        {"picture": own.picture},
    )
    for content in contents:
        body = {**content, "conversation_id": own.id}
        assert client.post("/api/chat", json=body).status_code == 401
        assert client.post("/api/chat", json=body, params={"token": own.token}).status_code == 401
        assert client.post("/api/chat", json={**body, "conversation_token": own.token}).status_code == 401
        wrong = client.post("/api/chat", json=body, headers=other.bearer)
        nobody = client.post("/api/chat", json={**body, "conversation_id": NOBODY}, headers=other.bearer)
        assert (wrong.status_code, wrong.text) == (404, nobody.text)
    assert sizes(client, own) == before


def test_what_is_anothers_is_unknown_in_ones_own_conversation(client: httpx.Client, own: Held, other: Held) -> None:
    """A picture to look at or to send, an answer or a ticket to rate: as if there were none."""
    before, mine = sizes(client, other), f"/api/conversations/{own.id}"
    pairs = [
        [client.get(f"{mine}/pictures/{each}", headers=own.bearer) for each in (other.picture, "A" * 22)],
        [
            client.post("/api/chat", json={"conversation_id": own.id, "picture": each}, headers=own.bearer)
            for each in (other.picture, "A" * 22)
        ],
        [
            client.post(f"{mine}/feedback", json={"message_id": each, "helpful": True}, headers=own.bearer)
            for each in (other.message, "f" * 32)
        ],
        [
            client.post(f"{mine}/rating", json={"ticket": each, "stars": 1}, headers=own.bearer)
            for each in (other.ticket, 999_999)
        ],
    ]
    for anothers, nobodys in pairs:
        assert (anothers.status_code, nobodys.status_code) == (404, 404), anothers.text
        assert anothers.text == nobodys.text
    assert sizes(client, other) == before


def test_no_conversation_begins_with_a_picture_of_another(client: httpx.Client, other: Held) -> None:
    """A picture belongs to the conversation it was sent up to; a new one has none yet."""
    for picture in (other.picture, "A" * 22):
        response = client.post("/api/chat", json={"picture": picture})
        assert response.status_code == 404, response.text


@pytest.mark.parametrize("picture", ["x", "A" * 65, "..%2Fconversations.db", "%00", "图片", "a.b"])
def test_no_pictures_id_is_a_path(client: httpx.Client, own: Held, picture: str) -> None:
    """An id that cannot be one is unknown, and no error."""
    response = client.get(f"/api/conversations/{own.id}/pictures/{picture}", headers=own.bearer)
    assert response.status_code == 404, response.text


def test_a_repeated_first_message_does_not_open_the_conversation(client: httpx.Client) -> None:
    """Whoever knows a message's id and text gets the token only while the conversation has not gone on."""
    first = {"text": "账号被锁定怎么办", "client_message_id": "known-to-a-stranger-too"}
    begun = client.post("/api/chat", json=first).json()
    bearer = {"Authorization": f"Bearer {begun['conversation_token']}"}
    client.post("/api/chat", json={"text": "谢谢", "conversation_id": begun["conversation_id"]}, headers=bearer)
    again = client.post("/api/chat", json=first)
    assert again.status_code == 409
    assert begun["conversation_token"] not in again.text


def test_the_log_of_a_real_server_holds_neither_tokens_nor_what_visitors_type(server: str, built: Path) -> None:
    """Whatever is sent, wherever a careless client puts it."""
    said, password = "我的电话13812345678，身份证11010519491231002X，代码91350100M000100Y43", "Sesam0effne"
    with httpx.Client(base_url=server, timeout=30) as client:
        begun = client.post("/api/chat", json={"text": f"{said}，密码是{password}"}).json()
        token, conversation = begun["conversation_token"], begun["conversation_id"]
        bearer = {"Authorization": f"Bearer {token}"}
        client.get(f"/api/chat/{conversation}", headers=bearer)
        client.get(f"/api/chat/{conversation}", params={"token": token, "q": said})
        client.get(f"/api/chat/{conversation}", headers={"Authorization": f"Bearer {token[:-1]}"})
        client.post("/api/chat", content=f'{{"text": "{said} {token}', headers=bearer)
        client.post("/api/chat", json={"text": "x" * 5000 + said, "conversation_id": conversation}, headers=bearer)
        client.get("/api/chat/13812345678", headers=bearer)
        client.post("/api/staff/login", json={"name": "13812345678", "password": password})
    log = (built / "serve.log").read_text(encoding="utf-8")
    assert conversation in log
    assert [*leaks(log, (token, password, "11010519491231002", "密码"))] == []


def test_what_is_typed_into_a_path_is_masked_in_the_log(server: str, built: Path) -> None:
    """The log quotes paths; letters before a number must not hide it by what they are quoted as."""
    httpx.get(f"{server}/身份证11010519491231002X和电话13912345678")
    assert [*leaks((built / "serve.log").read_text(encoding="utf-8"), ("11010519491231002", "13912345678"))] == []


@pytest.mark.parametrize(
    "line",
    [
        "手机13812345678",
        "GET /api/chat/13812345678 404 1 ms",
        "+8613812345678",
        "138 1234 5678",
        "id 11010519491231002X",
        "代码 91350100M000100Y43。",
        "mail to li.si@example.com",
    ],
)
def test_the_scan_of_logs_finds_what_is_personal(line: str) -> None:
    """Raw numbers in whatever company; what is masked, and the numbers of a log's own, are none."""
    assert [*leaks(f"2026-11-22 10:06:08,427 INFO serve: 就绪\n{line}\n")] != []


def test_the_scan_of_logs_lets_a_servers_own_numbers_pass() -> None:
    """Times, addresses, ids, counts and what was masked."""
    log = """
2026-11-22 10:06:08,427 INFO uvicorn.error: Uvicorn running on http://127.0.0.1:55797 (Press CTRL+C to quit)
2026-11-22 10:06:08,639 INFO bot.api.guard: GET /api/chat/Xb1vD2yqk0sS3mJc9w4n1A 200 65 ms
2026-11-22 10:06:08,639 INFO bot.api.guard: GET /api/chat/138****5678 404 65 ms
2026-11-22 10:06:08,639 INFO serve: 索引就绪：34 个条目，检索方式 hybrid
"""
    assert [*leaks(log)] == []
