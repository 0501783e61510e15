"""Staff at the door: logging in, CSRF, roles, keys and accounts, against a real server."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.openapi.utils import get_openapi
from staffed import PASSWORD, STAFF, Office, office_in

from bot.api import problem


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


def is_problem(response: httpx.Response, status: int) -> bool:
    """Whether a response is a problem of that status with words that staff can read."""
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response.headers["content-type"] == problem.MEDIA_TYPE
        and re.search(r"[\u4e00-\u9fff]", body["detail"]) is not None
    )


def operations(office: Office) -> list[tuple[str, str]]:
    """Every route of the staff's, as method and path with something in place of parameters."""
    paths = get_openapi(title="", version="", routes=office.app.routes)["paths"]
    found = [
        (method.upper(), re.sub(r"\{number\}", "1001", path).replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/staff/")
    ]
    assert len(found) > 25
    return found


def test_logging_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(office: Office) -> None:
    """HttpOnly, SameSite=Strict, for the API and the console, as long as a login may last."""
    response = office.stranger().post("/login", json={"name": "wang", "password": PASSWORD})
    assert response.json() == {"name": "wang", "display": "WANG", "role": "agent", "csrf": response.json()["csrf"]}
    cookie = response.headers["set-cookie"]
    assert re.fullmatch(r"staff=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=strict", cookie), cookie
    assert response.headers["cache-control"] == "no-store"


def test_over_https_the_cookie_is_secure(office: Office) -> None:
    """It is never sent in the clear then."""

    async def login() -> httpx.Response:
        transport = httpx.ASGITransport(office.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://test") as client:
            return await client.post("/api/staff/login", json={"name": "wang", "password": PASSWORD})

    assert "; Secure" in asyncio.run(login()).headers["set-cookie"]


def test_wrong_passwords_are_refused_alike_and_then_for_a_while(office: Office) -> None:
    """401 in the same words for known and unknown names; after five 429 with when to try again."""
    client = office.stranger()
    for name in ("wang", "nobody"):
        refused = [client.post("/login", json={"name": name, "password": "not the password"}) for _ in range(6)]
        assert all(is_problem(response, 401) for response in refused[:5])
        assert {response.json()["detail"] for response in refused[:5]} == {"账号或密码不正确。"}
        assert is_problem(refused[5], 429)
        assert 0 < int(refused[5].headers["retry-after"]) <= 900
    assert is_problem(client.post("/login", json={"name": "wang", "password": PASSWORD}), 429)
    assert "staff" not in client.cookies


@pytest.mark.parametrize(
    "body",
    [{}, [], {"name": "wang"}, {"name": 1, "password": PASSWORD}, {"name": "wang", "password": "x" * 2000}],
)
def test_bad_logins_are_refused_in_words(office: Office, body: Any) -> None:
    """422, and the password is not repeated."""
    response = office.stranger().post("/login", json=body)
    assert is_problem(response, 422)
    assert PASSWORD not in response.text


def test_me_says_who_is_logged_in_until_logging_out(office: Office) -> None:
    """The CSRF token comes again, for a page that was loaded anew; the old cookie is worth nothing afterwards."""
    wang = office.member("wang")
    me = wang.get("/me").json()
    assert me == {"name": "wang", "display": "WANG", "role": "agent", "csrf": wang.headers["X-CSRF-Token"]}
    kept = wang.cookies["staff"]
    assert wang.post("/logout").status_code == 204
    assert "staff" not in wang.cookies
    assert is_problem(wang.get("/me"), 401)
    assert is_problem(office.stranger(Cookie=f"staff={kept}").get("/me"), 401)


def test_logging_in_again_ends_the_login_before(office: Office) -> None:
    """One browser has one login."""
    wang = office.member("wang")
    before = wang.cookies["staff"]
    wang.post("/login", json={"name": "wang", "password": PASSWORD})
    assert is_problem(office.stranger(Cookie=f"staff={before}").get("/me"), 401)
    assert wang.get("/me").status_code == 200


def test_every_route_refuses_who_is_not_logged_in(office: Office) -> None:
    """All of them but the login itself, also with a cookie or key that is none."""
    for headers in (
        {},
        {"Cookie": "staff=forged"},
        {"X-API-Key": "zx_forged"},
        {"Authorization": "Bearer zx_forged"},
        {"Authorization": "Bearer"},
    ):
        client = office.stranger(**headers)
        for method, path in operations(office):
            if path != "/api/staff/login":
                response = client.request(method, office.url + path, json={})
                assert is_problem(response, 401), (method, path, response.text)


def test_every_change_needs_the_csrf_token(office: Office) -> None:
    """A cookie alone, or with another's token, changes nothing; reading needs none."""
    admin, other = office.member("admin"), office.member("wang")
    del admin.headers["X-CSRF-Token"]
    for token in (None, b"", b"x" * 43, "口令".encode(), other.headers["X-CSRF-Token"].encode()):
        headers = {} if token is None else {"X-CSRF-Token": token}
        for method, path in operations(office):
            if method != "GET" and path != "/api/staff/login":
                response = admin.request(method, office.url + path, json={}, headers=headers)
                assert is_problem(response, 403), (method, path, token)
    assert admin.get("/me").status_code == 200


def test_requests_of_other_sites_are_refused(office: Office) -> None:
    """Whatever the browser says another site has sent, logging in too."""
    admin = office.member("admin")
    for method, path in operations(office):
        response = admin.request(method, office.url + path, json={}, headers={"Sec-Fetch-Site": "cross-site"})
        assert is_problem(response, 403), (method, path)
    assert admin.get("/me", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_keys_get_in_without_csrf_token(office: Office) -> None:
    """In either header; a key has no password to change."""
    made = office.member("admin").post("/keys", json={"label": "大屏", "role": "lead"})
    assert made.status_code == 201
    for headers in ({"X-API-Key": made.json()["key"]}, {"Authorization": f"Bearer {made.json()['key']}"}):
        program = office.stranger(**headers)
        assert program.get("/me").json() == {
            "name": f"key:{made.json()['id']}",
            "display": "大屏",
            "role": "lead",
            "csrf": None,
        }
        assert program.post("/canned", json={"title": "你好", "text": "您好！"}).status_code == 201
        assert is_problem(program.post("/password", json={"old": PASSWORD, "new": "x" * 12}), 403)
        assert program.post("/logout").status_code == 204
        assert program.get("/me").status_code == 200


def test_a_wrong_key_is_not_made_up_for_by_a_cookie(office: Office) -> None:
    """Whoever brings a key is asked for it, lest a browser's cookie slip in without CSRF token."""
    wang = office.member("wang")
    assert is_problem(wang.get("/me", headers={"X-API-Key": "zx_forged"}), 401)


def test_each_role_may_do_what_it_may_and_no_more(office: Office) -> None:
    """Agents read canned replies, leads write them, administrators manage accounts and keys."""
    canned = {"title": "已解锁", "text": "您的账号已解锁。"}
    user = {"name": "new", "display": "新人", "role": "agent", "password": PASSWORD}
    for name, role in STAFF.items():
        client = office.member(name)
        assert client.get("/canned").status_code == 200
        expected = {"agent": (403, 403), "lead": (201, 403), "admin": (201, 201)}[role]
        answers = client.post("/canned", json=canned), client.post("/users", json=user)
        assert tuple(answer.status_code for answer in answers) == expected
        for method, path in operations(office):
            if re.match("/api/staff/(users|keys)", path) and role != "admin":
                assert is_problem(client.request(method, office.url + path, json={}), 403)


def test_administrators_keep_accounts(office: Office) -> None:
    """Made, listed, changed; a name twice is a conflict, an unknown one not found, a weak password refused."""
    admin = office.member("admin")
    user = {"name": "Sun", "display": "小孙", "role": "agent", "password": PASSWORD}
    made = admin.post("/users", json=user)
    assert (made.status_code, made.json()["name"], made.json()["active"]) == (201, "sun", True)
    assert is_problem(admin.post("/users", json=user), 409)
    assert is_problem(admin.post("/users", json={**user, "name": "sun2", "password": "1234567890"}), 422)
    assert is_problem(admin.post("/users", json={**user, "name": "sun2", "role": "root"}), 422)
    assert is_problem(admin.patch("/users/nobody", json={"display": "某"}), 404)
    assert admin.patch("/users/sun", json={"display": "孙老师", "role": "lead"}).json()["role"] == "lead"
    names = [(each["name"], each["display"]) for each in admin.get("/users").json()["users"]]
    assert ("sun", "孙老师") in names
    assert PASSWORD not in admin.get("/users").text
    assert "argon2" not in admin.get("/users").text


def test_the_last_administrator_cannot_be_locked_out(office: Office) -> None:
    """409, and they are still in."""
    admin = office.member("admin")
    assert is_problem(admin.patch("/users/admin", json={"active": False}), 409)
    assert is_problem(admin.patch("/users/admin", json={"role": "agent"}), 409)
    assert admin.get("/me").json()["role"] == "admin"


def test_who_is_deactivated_is_out_at_once_and_owns_nothing(office: Office) -> None:
    """The session ends, and conversations in hand wait again, so that no visitor talks to nobody."""
    wang, admin, number = office.member("wang"), office.member("admin"), office.ticket()
    wang.post(f"/tickets/{number}/take")
    assert admin.patch("/users/wang", json={"active": False}).json()["active"] is False
    assert is_problem(wang.get("/me"), 401)
    queue = admin.get("/queue").json()
    assert [item["number"] for item in queue["waiting"]] == [number]
    assert queue["assigned"] == []
    assert "wang" not in [each["name"] for each in admin.get("/colleagues").json()["colleagues"]]


def test_a_dropped_key_is_void(office: Office) -> None:
    """And what it owned waits again."""
    admin, number = office.member("admin"), office.ticket()
    made = admin.post("/keys", json={"label": "大屏", "role": "agent"}).json()
    program = office.stranger(**{"X-API-Key": made["key"]})
    assert program.post(f"/tickets/{number}/take").status_code == 200
    listed = admin.get("/keys")
    assert [key["id"] for key in listed.json()["keys"]] == [made["id"]]
    assert made["key"] not in listed.text
    assert admin.delete(f"/keys/{made['id']}").status_code == 204
    assert is_problem(admin.delete(f"/keys/{made['id']}"), 404)
    assert is_problem(program.get("/me"), 401)
    assert [item["number"] for item in admin.get("/queue").json()["waiting"]] == [number]


def test_one_changes_ones_own_password(office: Office) -> None:
    """Other sessions end, this one goes on with a new cookie and CSRF token."""
    here, elsewhere = office.member("wang"), office.member("wang")
    assert is_problem(here.post("/password", json={"old": "wrong", "new": "another long password"}), 422)
    assert is_problem(here.post("/password", json={"old": PASSWORD, "new": "1234567890"}), 422)
    changed = here.post("/password", json={"old": PASSWORD, "new": "another long password"})
    assert changed.status_code == 200
    assert is_problem(here.post("/logout"), 403)
    here.headers["X-CSRF-Token"] = changed.json()["csrf"]
    assert here.get("/me").status_code == 200
    assert is_problem(elsewhere.get("/me"), 401)
    assert here.post("/login", json={"name": "wang", "password": "another long password"}).status_code == 200


def test_secrets_are_neither_on_disk_nor_in_the_log(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Keys, session tokens and passwords as they are sent; names do not stand in the log either."""
    with caplog.at_level(logging.DEBUG):
        wang = office.member("wang")
        key = office.member("admin").post("/keys", json={"label": "大屏", "role": "agent"}).json()["key"]
        office.stranger(**{"X-API-Key": key}).get("/me")
    on_disk = b"".join(path.read_bytes() for path in office.folder.iterdir() if path.is_file())
    logged = "\n".join(f"{r.name} {r.getMessage()}" for r in caplog.records if not r.name.startswith("http"))
    assert "POST /api/staff/login 200" in logged
    for secret in (key, wang.cookies["staff"], PASSWORD):
        assert secret.encode() not in on_disk
        assert secret not in logged
    assert "wang" not in logged


def test_every_route_is_documented(office: Office) -> None:
    """A description each, problems for errors, and the ways to log in."""
    document = get_openapi(title="", version="", routes=office.app.routes)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/staff/"):
                assert operation["description"], (method, path)
                assert "401" in operation["responses"], (method, path)
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        assert list(response["content"]) == [problem.MEDIA_TYPE], (method, path, status)
    assert {"staffSession", "staffKey", "staffBearer"} <= set(document["components"]["securitySchemes"])
