"""The chat endpoint of a real server over the project's documents."""

from __future__ import annotations

import json
import re
import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from faq.knowledge import read_folder

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


def say(client: httpx.Client, text: str | None = None, **fields: Any) -> Any:
    """Send a message and return the reply; the conversation goes on when `after` is an earlier reply that began it."""
    after = fields.pop("after", None)
    headers = {}
    if after is not None:
        headers["Authorization"] = f"Bearer {after['conversation_token']}"
        fields["conversation_id"] = after["conversation_id"]
    body = fields if text is None else {"text": text, **fields}
    response = client.post("/api/chat", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def post(client: httpx.Client, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Send a message in ASCII, so that it can hold half a surrogate pair."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    return client.post("/api/chat", content=json.dumps(body), headers=headers)


def is_problem(response: httpx.Response, status: int) -> bool:
    """Whether a response is a problem of that status with words a visitor can read."""
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response.headers["content-type"] == "application/problem+json"
        and re.search(r"[\u4e00-\u9fff]", body["detail"]) is not None
    )


def test_a_locked_account_is_answered_word_for_word_and_unlocking_offered(client: httpx.Client) -> None:
    """The answer is the entry's text to the character, with its source, and the hand-over rides along."""
    reply = say(client, "账号被锁了，帮我解一下")
    entry = read_folder(DOCUMENTS).entry("zyb-1.9")
    assert entry is not None
    assert reply["decision"] == "answer"
    assert reply["answer"]["entry_id"] == "zyb-1.9"
    assert reply["answer"]["answer"] == reply["text"] == entry.answer
    assert reply["answer"]["source"] == {
        "system": "职业病危害项目申报系统",
        "document": "常见问题",
        "section": "企业用户",
        "number": "9",
    }
    assert reply["escalation"] == {"reason": "unlock", "label": "申请解锁账号", "status": "offered", "ticket": None}
    assert reply["search"] == "hybrid"


def test_another_systems_entry_is_never_the_answer(client: httpx.Client) -> None:
    """With whjy known, zyb's entry is at most a suggestion that names its system; unlocking is offered."""
    reply = say(client, "账号被锁了，帮我解一下", system="whjy")
    assert reply["answer"] is None
    assert reply["escalation"]["reason"] == "unlock"
    labels = {option["entry_id"]: option["label"] for option in reply["related"] + reply["options"]}
    assert all("职业病危害项目申报系统" in label for entry, label in labels.items() if entry.startswith("zyb"))


def test_what_no_entry_is_about_is_not_answered(client: httpx.Client) -> None:
    """The weather is declined, without a reason for a person to act."""
    reply = say(client, "今天天气怎么样")
    assert (reply["decision"], reply["answer"], reply["escalation"]) == ("reject", None, None)


def test_a_question_that_fits_both_systems_is_asked_back(client: httpx.Client) -> None:
    """At most four options, of both systems, each saying which system it belongs to; choosing one answers with it."""
    asked = say(client, "忘记密码了")
    assert asked["decision"] == "clarify"
    assert 2 <= len(asked["options"]) <= 4
    assert {option["entry_id"].split("-")[0] for option in asked["options"]} == {"zyb", "whjy"}
    assert all("系统" in option["label"] for option in asked["options"])
    chosen = asked["options"][1]["entry_id"]
    reply = say(client, choose=chosen, after=asked)
    assert (reply["decision"], reply["answer"]["entry_id"], reply["confidence"]) == ("answer", chosen, 1.0)


def test_asking_for_a_person_is_heard(client: httpx.Client) -> None:
    """转人工 is no question: it is offered a person."""
    reply = say(client, "转人工")
    assert (reply["decision"], reply["escalation"]["reason"]) == ("escalate", "human")


def test_accepting_a_hand_over_opens_one_ticket(client: httpx.Client) -> None:
    """Accepting twice does not open a second; handed in, it has a number to name, and later replies know of it."""
    first = say(client, "登录账号被锁定，请在6小时后重试")
    accepted = say(client, accept="unlock", after=first)
    assert (accepted["escalation"]["status"], accepted["step"]["field"]) == ("collecting", "consent")
    number = accepted["escalation"]["ticket"]
    assert say(client, accept="unlock", after=first)["escalation"]["ticket"] == number
    handed_in = say(client, "转人工", after=first)
    assert handed_in["escalation"]["status"] == "waiting"
    assert str(number) in handed_in["text"]
    assert say(client, "账号还是锁着", after=first)["escalation"]["ticket"] == number


def test_a_reason_that_was_not_offered_cannot_be_accepted(client: httpx.Client) -> None:
    """Only what the bot offered, or asking for a person, opens a ticket."""
    first = say(client, "今天天气怎么样")
    headers = {"Authorization": f"Bearer {first['conversation_token']}"}
    body = {"accept": "appeal", "conversation_id": first["conversation_id"]}
    assert is_problem(client.post("/api/chat", json=body, headers=headers), 409)
    assert say(client, accept="human", after=first)["escalation"]["ticket"]


def test_a_system_once_named_stays(client: httpx.Client) -> None:
    """After 危化品系统 was named, 忘记密码 needs no asking back."""
    first = say(client, "危化品系统怎么注册不了，提示调用第三方服务超时")
    reply = say(client, "忘记密码了", after=first)
    assert (reply["decision"], reply["answer"]["entry_id"]) == ("answer", "whjy-1.2.2")


def test_a_message_sent_again_gets_the_same_reply_and_is_stored_once(client: httpx.Client) -> None:
    """Also the very first one, whose reply with the token may have been lost."""
    sent = {"text": "打印申报表404", "client_message_id": secrets.token_urlsafe(16)}
    first = client.post("/api/chat", json=sent).json()
    assert client.post("/api/chat", json=sent).json() == first
    again = {**sent, "client_message_id": secrets.token_urlsafe(16)}
    second, third = (say(client, after=first, **again) for _ in range(2))
    assert second == third
    assert [m["author"] for m in history(client, first)["messages"]] == ["visitor", "bot"] * 2


def history(client: httpx.Client, reply: Any) -> Any:
    headers = {"Authorization": f"Bearer {reply['conversation_token']}"}
    response = client.get(f"/api/chat/{reply['conversation_id']}", headers=headers)
    assert response.status_code == 200
    return response.json()


def test_one_message_sent_by_many_at_once_is_stored_once(client: httpx.Client) -> None:
    """Sixteen senders of one first message end up in one conversation with one reply."""
    sent = {"text": "行业分类点开是空白的", "client_message_id": secrets.token_urlsafe(16)}
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: client.post("/api/chat", json=sent).json(), range(16)))
    assert all(reply == replies[0] for reply in replies)
    assert len(history(client, replies[0])["messages"]) == 2


def test_the_same_id_with_another_text_is_a_conflict(client: httpx.Client) -> None:
    """With and without a conversation."""
    sent = {"text": "检查报告编号填什么", "client_message_id": secrets.token_urlsafe(16)}
    first = client.post("/api/chat", json=sent).json()
    other = {**sent, "text": "别的"}
    assert is_problem(client.post("/api/chat", json=other), 409)
    headers = {"Authorization": f"Bearer {first['conversation_token']}"}
    assert is_problem(
        client.post("/api/chat", json={**other, "conversation_id": first["conversation_id"]}, headers=headers), 409
    )


def test_a_strangers_conversation_is_closed(client: httpx.Client) -> None:
    """Without its own token a conversation can be neither written nor read, whether it exists or not."""
    mine, other = say(client, "你好"), say(client, "你好")
    for token in (None, "x" * 64, "口令", other["conversation_token"]):
        headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
        body = {"text": "偷看", "conversation_id": mine["conversation_id"]}
        for response in (
            client.post("/api/chat", json=body, headers=headers),
            client.get(f"/api/chat/{mine['conversation_id']}", headers=headers),
        ):
            assert is_problem(response, 404 if token else 401)
    ghost = {"Authorization": f"Bearer {mine['conversation_token']}"}
    assert is_problem(client.post("/api/chat", json={"text": "在吗", "conversation_id": "ghost"}, headers=ghost), 404)
    assert len(history(client, mine)["messages"]) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "  \n\t "}, 422),
        ({"text": "字" * 2001}, 413),
        ({"text": "账号\x00被锁"}, 422),
        ({"text": "账号\x1b[31m被锁"}, 422),
        ({"text": 404}, 422),
        ({"text": ["账号"]}, 422),
        ({}, 422),
        ({"text": "账号被锁", "choose": "zyb-1.9"}, 422),
        ({"text": "账号被锁", "system": "nowhere"}, 404),
        ({"text": "账号被锁", "system": 3}, 422),
        ({"choose": "zyb-99.9"}, 404),
        ({"choose": ""}, 404),
        ({"accept": "money"}, 404),
        ({"accept": "unlock"}, 409),
        ({"choose": "z" * 201}, 422),
        ({"choose": "\ud800"}, 422),
        ({"accept": "z" * 201}, 422),
        ({"accept": "\ud800"}, 422),
        ({"text": "账号被锁", "system": "z" * 201}, 422),
        ({"text": "账号被锁", "system": "\ud800"}, 422),
        ({"text": "账号被锁", "client_message_id": "\ud800" * 20}, 422),
        ({"text": "账号被锁", "client_message_id": "short"}, 422),
        ({"text": "账号被锁", "client_message_id": "长" * 20}, 422),
        ({"text": "账号被锁", "client_message_id": "x" * 200}, 422),
        ([], 422),
        ("账号被锁", 422),
        (None, 422),
    ],
)
def test_bad_messages_are_refused_in_words(client: httpx.Client, body: Any, status: int) -> None:
    """Each with a 4xx and a Chinese detail."""
    assert is_problem(post(client, body), status)


@pytest.mark.parametrize("conversation_id", ["\ud800", "", "a" * 65, "a\x00b", "会话", "a\n", "../x", 'a"b'])
def test_what_cannot_be_a_conversations_id_is_like_one_that_is_not_there(
    client: httpx.Client, conversation_id: str
) -> None:
    """404 in the same words, which is what clients begin anew at; another type is a mistake of the client."""
    headers = {"Authorization": "Bearer " + "f" * 64}
    response, ghost = (
        post(client, {"text": "在吗", "conversation_id": i}, headers) for i in (conversation_id, "ghost")
    )
    assert is_problem(response, 404)
    assert response.json() == ghost.json()
    assert is_problem(post(client, {"text": "在吗", "conversation_id": 7}, headers), 422)


@pytest.mark.parametrize("part", ["%ED%A0%80", "%00", "%FF%FE", "a%0Ab", "%E4%BC%9A", "a" * 5000, "%2e%2e", "'%20OR"])
def test_garbage_in_a_path_is_not_found(client: httpx.Client, part: str) -> None:
    """Never a 500."""
    headers = {"Authorization": "Bearer " + "f" * 64}
    for place in ("/api/chat/", "/api/entries/", "/static/", "/"):
        assert is_problem(client.get(place + part, headers=headers), 404), place


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe{\x00}", 400),
        ('{"text": "账号"}'.encode("gb18030"), 400),
        (b'{"text": "\\ud800"}', 422),
        (b'{"text": "a", "text": NaN}', 422),
        (b"[" * 20_000, 400),
        (b'{"text": 1' + b"0" * 10_000 + b"}", 400),
        (b'{"text": "' + b"x" * 40_000 + b'"}', 413),
        ("字".encode() * 400_000, 413),
    ],
)
def test_bad_bodies_are_refused_in_words(client: httpx.Client, content: bytes, status: int) -> None:
    """What is not UTF-8, not JSON, too deep, too large or no text is a 4xx, never a 500."""
    response = client.post("/api/chat", content=content, headers={"Content-Type": "application/json"})
    assert is_problem(response, status)


def test_an_endless_body_is_cut_off(client: httpx.Client) -> None:
    """Without a length the body is counted while it comes."""

    def chunks() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"x" * 1000

    response = client.post("/api/chat", content=chunks(), headers={"Content-Type": "application/json"})
    assert is_problem(response, 413)


def test_long_headers_are_refused(client: httpx.Client) -> None:
    """A megabyte of headers gets a 4xx, whichever layer notices first."""
    assert is_problem(client.get("/healthz", headers={"X-Filler": "x" * 17_000}), 431)
    assert 400 <= client.get("/healthz", headers={"X-Filler": "x" * 60_000}).status_code < 500


def test_garbage_instead_of_http_does_no_harm(server: str, client: httpx.Client) -> None:
    """The connection is refused and the server serves on."""
    where = urlsplit(server)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as raw:
        raw.sendall(secrets.token_bytes(4096) + b"\r\n\r\n")
        assert b"400" in raw.recv(100)
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("text", ["😀", "😂😂😂👍", "？？？", "……", "\u200b🙏\u200b"])
def test_emoji_and_marks_are_ordinary_messages(client: httpx.Client, text: str) -> None:
    """They get a courteous reply that asks for words."""
    reply = say(client, text)
    assert (reply["decision"], reply["answer"]) == ("reject", None)
    assert "请用文字描述" in reply["text"]


def test_the_longest_text_is_taken(client: httpx.Client) -> None:
    """2,000 characters, also where each takes four bytes, and a pasted page of line breaks and tabs."""
    assert say(client, "锁" * 2000)["decision"]
    assert say(client, "🔒" * 2000)["decision"]
    assert say(client, "账号\r\n\t被锁\n" * 200)["decision"]


def test_hostile_text_comes_back_as_it_was(client: httpx.Client) -> None:
    """Markup and SQL are text like any other."""
    text = "<img src=x onerror=alert(1)>'); DROP TABLE message;-- {{7*7}}"
    first = say(client, text)
    assert history(client, first)["messages"][0]["text"] == text


def test_every_response_carries_the_security_headers(client: httpx.Client) -> None:
    """Answers, pages and errors alike; nothing unsafe in the policy."""
    for response in (client.get("/"), client.get("/api/entries/none"), client.post("/api/chat", json={"text": "你好"})):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "server" not in response.headers


def test_unknown_places_and_methods_are_problems(client: httpx.Client) -> None:
    """404 and 405 read like every other error."""
    assert is_problem(client.get("/api/nowhere"), 404)
    assert is_problem(client.get("/api/chat"), 405)
    assert is_problem(client.get("/static/../serve.py"), 404)
    assert is_problem(client.get("/static/%2e%2e/%2e%2e/serve.py"), 404)


def test_the_openapi_document_is_complete(client: httpx.Client) -> None:
    """Every route has a description and problems for its errors, bodies have examples, every reference resolves."""
    document = client.get("/openapi.json").json()
    text = json.dumps(document)
    for reference in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert reference in document["components"]["schemas"], reference
    assert "HTTPValidationError" not in text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], path
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    assert list(response["content"]) == ["application/problem+json"], (path, method, status)
    assert document["components"]["schemas"]["ChatRequest"]["examples"]
    assert document["components"]["schemas"]["ChatReply"]["examples"]
