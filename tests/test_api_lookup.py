"""Search, suggestions, entries and health of a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import running_server

from faq.knowledge import read_folder

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


def test_search_says_what_it_found_and_why(client: httpx.Client) -> None:
    """Hits come best first with confidence, the phrasing that matched and the measures behind it."""
    found = client.get("/api/search", params={"q": "打印申报表404", "limit": 5}).json()
    assert len(found["hits"]) == 5
    first = found["hits"][0]
    assert first["entry_id"] == "zyb-1.11"
    assert first["matched"]
    assert {"question", "words", "pairs", "fuzzy"} <= set(first["features"])
    assert found["hits"][0]["confidence"] >= found["hits"][1]["confidence"]


def test_search_of_one_system_finds_only_its_entries(client: httpx.Client) -> None:
    """`system` restricts."""
    found = client.get("/api/search", params={"q": "忘记密码", "system": "whjy", "limit": 50}).json()
    assert {hit["system"] for hit in found["hits"]} == {"whjy"}
    assert len(found["hits"]) == 13


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"q": ""}, 422),
        ({"q": "字" * 2001}, 413),
        ({"q": "a", "limit": "0"}, 422),
        ({"q": "a", "limit": "x"}, 422),
        ({"q": "a", "limit": "51"}, 422),
        ({"q": "a", "system": "x"}, 404),
        ({"q": "a\x00"}, 422),
    ],
)
def test_bad_searches_are_refused(client: httpx.Client, params: dict[str, str], status: int) -> None:
    """With a 4xx, never a 500."""
    assert client.get("/api/search", params=params).status_code == status


def test_typing_suggests_titles(client: httpx.Client) -> None:
    """Two characters are enough; each suggestion is an entry's title, offered once."""
    suggestions = client.get("/api/suggest", params={"q": "分支机构"}).json()["suggestions"]
    assert suggestions[0]["entry_id"] == "zyb-1.12"
    ids = [suggestion["entry_id"] for suggestion in suggestions]
    assert len(ids) == len(set(ids)) <= 5
    assert client.get("/api/suggest", params={"q": "分"}).json() == {"suggestions": []}
    assert client.get("/api/suggest", params={"q": "字" * 201}).status_code == 422


def test_an_entry_is_shown_word_for_word(client: httpx.Client) -> None:
    """All 34 entries are there by their ids."""
    for entry in read_folder(DOCUMENTS).entries:
        shown = client.get(f"/api/entries/{entry.id}").json()
        assert (shown["question"], shown["answer"]) == (entry.question, entry.answer)
    assert client.get("/api/entries/zyb-9.9").status_code == 404


def test_the_systems_are_those_of_the_catalog(client: httpx.Client) -> None:
    """With portal and hotline where the documents give them."""
    systems = {system["key"]: system for system in client.get("/api/systems").json()["systems"]}
    assert set(systems) == {"zyb", "whjy"}
    assert systems["whjy"]["portal"] == "https://whjy.mem.gov.cn"


def test_health_and_readiness(client: httpx.Client) -> None:
    """Readiness says how search works and of which documents the index is made."""
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["search"], ready["entries"], ready["detail"]) == ("ready", "hybrid", 34, None)
    assert ready["index"] == read_folder(DOCUMENTS).content_hash


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_probes_may_ask_with_head(client: httpx.Client, path: str) -> None:
    """The same as GET, without the body."""
    response = client.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


def test_staff_search_wants_the_key_where_one_is_set(built: Path, tmp_path: Path) -> None:
    """401 without it or with another; the visitors' routes stay open. And the limits answer 429 with Retry-After."""
    for name in ("index.db", "models", "cache"):
        (tmp_path / name).symlink_to(built / name)
    settings = {"API_KEY": "right-key-1", "RATE_PER_ADDRESS": "5/minute", "RATE_PER_CONVERSATION": "2/minute"}
    with running_server(tmp_path, **settings) as (url, _), httpx.Client(base_url=url) as client:
        assert client.get("/api/search", params={"q": "密码"}).status_code == 401
        assert (
            client.get("/api/search", params={"q": "密码"}, headers={"X-API-Key": "别的".encode()}).status_code == 401
        )
        for right in ({"X-API-Key": "right-key-1"}, {"Authorization": "Bearer right-key-1"}):
            assert client.get("/api/search", params={"q": "密码"}, headers=right).status_code == 200
        assert client.get("/api/suggest", params={"q": "密码"}).status_code == 200

        first = client.post("/api/chat", json={"text": "你好"}).json()
        own = {"Authorization": f"Bearer {first['conversation_token']}"}
        body = {"text": "你好", "conversation_id": first["conversation_id"]}
        statuses = [client.post("/api/chat", json=body, headers=own).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = [client.post("/api/chat", json={"text": "你好"}) for _ in range(3)][-1]
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        spoofed = client.post("/api/chat", json={"text": "你好"}, headers={"X-Forwarded-For": "203.0.113.9"})
        assert spoofed.status_code == 429


def test_behind_a_trusted_proxy_each_client_has_its_own_allowance(built: Path, tmp_path: Path) -> None:
    """The forwarded address counts only when the proxy is trusted."""
    for name in ("index.db", "models", "cache"):
        (tmp_path / name).symlink_to(built / name)
    settings = {"TRUSTED_PROXIES": "127.0.0.0/8", "RATE_PER_ADDRESS": "1/minute"}
    with running_server(tmp_path, **settings) as (url, _), httpx.Client(base_url=url) as client:
        for address in ("203.0.113.9", "203.0.113.10"):
            headers = {"X-Forwarded-For": address}
            statuses = [client.post("/api/chat", json={"text": "你好"}, headers=headers).status_code for _ in range(2)]
            assert statuses == [200, 429]
