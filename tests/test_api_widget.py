"""What the widget is served with, on a real server: files, what to show first, polling, the off-hours form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fake
import httpx
import pytest
from fastapi import FastAPI
from staffed import Office, office_in, until
from test_api_guard import ask
from test_api_site import serving

from bot import demand
from bot.api import schema
from bot.api.problem import install
from bot.api.widget import static_routes
from bot.demand import Demand
from bot.desk import Desk
from bot.handoff import Office as Times
from bot.hours import Hours
from bot.live import QUEUE
from bot.model import Answer, Conversation, Feedback, Reply, Source, TicketEvent
from bot.store.base import StoreError

PHONE = "13812345678"
LONG = "console.log('在线咨询');" * 100


@pytest.fixture
def files(tmp_path: Path) -> FastAPI:
    """An application that serves a folder as the server serves its own; a secret lies beside it."""
    folder = tmp_path / "static"
    folder.mkdir()
    for name in ("widget.js", "widget.css", "other.js"):
        (folder / name).write_text(LONG, encoding="utf-8")
    (tmp_path / "secret.js").write_text("secret", encoding="utf-8")
    app = FastAPI()
    app.router.routes.extend(static_routes(folder))
    install(app)
    return app


def plain(app: FastAPI, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    return ask(app, method, path, headers={"Accept-Encoding": "identity", **headers})


@pytest.mark.parametrize(("path", "kind"), [("/widget.js", "text/javascript"), ("/widget.css", "text/css")])
def test_the_widgets_files_are_for_every_site(files: FastAPI, path: str, kind: str) -> None:
    """Packed where that is taken, the same bytes either way, by HEAD as well."""
    response = plain(files, path)
    assert response.text == LONG
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    packed = ask(files, "GET", path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(LONG) / 5
    assert packed.text == LONG
    assert "Accept-Encoding" in packed.headers["vary"]
    head = plain(files, path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == response.headers["etag"]


def test_a_file_that_is_known_is_not_sent_again(files: FastAPI) -> None:
    """Until it changed."""
    tag = plain(files, "/widget.js").headers["etag"]
    known = plain(files, "/widget.js", **{"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    assert plain(files, "/widget.js", **{"If-None-Match": '"another"'}).status_code == 200


def test_other_files_are_for_our_own_pages(files: FastAPI) -> None:
    """And nothing beside the folder is served."""
    assert plain(files, "/static/other.js").status_code == 200
    assert "cross-origin-resource-policy" not in plain(files, "/static/other.js").headers
    for path in ("/other.js", "/static/secret.js", "/static/../secret.js", "/static/%2e%2e/secret.js", "/static/"):
        assert plain(files, path).status_code == 404, path
    assert plain(files, "/widget.js", "POST").status_code == 405


def test_neither_sources_nor_templates_are_served(tmp_path: Path) -> None:
    """Only what lies in the static folder; replies of the API are never packed."""
    web = Path(__file__).parent.parent / "bot" / "web"
    beside = [path for path in web.rglob("*") if path.is_file() and web / "static" not in path.parents]
    assert beside
    with serving(tmp_path) as place:
        for path in (path.relative_to(web) for path in beside):
            if not (web / "static" / path).exists():
                assert place.ask("GET", f"/static/{path}").status_code == 404, path
        icon = place.ask("GET", "/static/icon.svg")
        assert icon.status_code == 200
        assert icon.headers["cross-origin-resource-policy"] == "same-origin"
        assert icon.headers["cache-control"] == "no-cache"
        assert icon.headers["etag"]
        reply = place.ask("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in reply.headers


def test_what_to_show_before_a_word_was_said(tmp_path: Path) -> None:
    """Of one system or of all; an unknown one is not found."""
    with serving(tmp_path) as place:
        of_all = place.ask("GET", "/api/widget").json()
        assert [system["key"] for system in of_all["systems"]] == ["a", "b"]
        assert of_all["system"] is None
        assert of_all["most_asked"] == [
            {"entry_id": "a-1", "label": "【甲系统】账号被锁定怎么办"},
            {"entry_id": "b-1", "label": "【乙系统】油枪漏油"},
        ]
        of_one = place.ask("GET", "/api/widget?system=a").json()
        assert of_one["systems"] == [{"key": "a", "name": "甲系统", "portal": None, "hotline": None}]
        assert of_one["most_asked"] == [{"entry_id": "a-1", "label": "账号被锁定怎么办"}]
        assert place.ask("GET", "/api/widget?system=").json() == of_all
        unknown = place.ask("GET", "/api/widget?system=c")
        assert (unknown.status_code, unknown.json()["detail"]) == (404, "没有这个系统，请检查系统标识。")


@pytest.mark.parametrize(
    ("hours", "presence"),
    [
        ("always", {"open": True, "hours": "每天全天", "opens": None}),
        ("never", {"open": False, "hours": "暂无人工客服值守", "opens": None}),
    ],
)
def test_the_widget_says_when_staff_are_there(tmp_path: Path, hours: str, presence: dict[str, Any]) -> None:
    """Without a promise where nobody comes."""
    with serving(tmp_path) as place:
        place.bot.office = Times(Hours.read(hours))
        shown = place.ask("GET", "/api/widget").json()
        assert {name: shown[name] for name in presence} == presence


def test_what_was_asked_most_comes_first_and_the_rest_is_filled_up(tmp_path: Path) -> None:
    """In /api/widget and /api/systems alike; a refused answer does not count, nor does one visitor's repetition."""
    with serving(tmp_path) as place:
        entries = [fake.entry(f"a-{number}", f"第{number}个问题", "回答。") for number in range(1, 9)]
        index = fake.index_of(fake.knowledge_of(*entries))
        place.bot.desk = Desk(index, (), place.bot.desk.thresholds)
        for visitor in ("one", "two"):
            choose(place, "a-7", visitor)
        choose(place, "a-5", "one")
        repeated = place.ask("POST", "/api/chat", json={"choose": "a-8"}).json()
        again = {"choose": "a-8", "conversation_id": repeated["conversation_id"]}
        token = {"Authorization": f"Bearer {repeated['conversation_token']}"}
        answers = [repeated["message_id"]]
        answers += [place.ask("POST", "/api/chat", json=again, headers=token).json()["message_id"] for _ in range(4)]
        for answer in answers:
            where = f"/api/conversations/{repeated['conversation_id']}/feedback"
            body = {"message_id": answer, "helpful": False}
            assert place.ask("POST", where, json=body, headers=token).status_code == 204
        shown = place.ask("GET", "/api/widget?system=a").json()["most_asked"]
        assert [option["entry_id"] for option in shown] == ["a-7", "a-5", "a-1", "a-2", "a-3", "a-4"]
        [system, _] = place.ask("GET", "/api/systems").json()["systems"]
        assert [option["entry_id"] for option in system["examples"]] == ["a-7", "a-5", "a-1", "a-2"]


def choose(place: Any, entry: str, visitor: str) -> None:
    """Somebody else's conversation in which an entry is chosen."""
    response = place.ask(
        "POST", "/api/chat", json={"choose": entry, "client_message_id": f"{visitor} who chooses {entry}"}
    )
    assert response.status_code == 200, response.text


def test_polling_gives_only_what_is_new(tmp_path: Path) -> None:
    """With the state as it is, and nothing above the last; the place must be a number."""
    with serving(tmp_path) as place:
        first = place.ask("POST", "/api/chat", json={"text": "账号被锁定怎么办"}).json()
        where, token = (
            f"/api/chat/{first['conversation_id']}",
            {"Authorization": f"Bearer {first['conversation_token']}"},
        )

        def polled(after: Any) -> httpx.Response:
            return place.ask("GET", f"{where}?after={after}", headers=token)

        whole = place.ask("GET", where, headers=token).json()
        assert [message["sequence"] for message in whole["messages"]] == [1, 2]
        assert polled(0).json() == whole
        assert polled(1).json() == {**whole, "messages": whole["messages"][1:]}
        assert polled(2).json() == {**whole, "messages": []}
        assert polled(999).json()["messages"] == []
        for wrong in (-1, "x", 2**40, ""):
            assert polled(wrong).status_code == 422, wrong
        assert place.ask("GET", f"{where}?after=1").status_code == 401


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


class Visitor:
    """Who waits for a person, and leaves a phone number."""

    def __init__(self, office: Office) -> None:
        self._client = office.open.enter_context(httpx.Client(base_url=office.url, timeout=10))
        reply = self._client.post("/api/chat", json={"text": "转人工"}).json()
        self.id: str = reply["conversation_id"]
        self.ticket: int = reply["escalation"]["ticket"]
        self._token = {"Authorization": f"Bearer {reply['conversation_token']}"}

    def leave(self, ticket: int | None = None, **body: Any) -> httpx.Response:
        where = f"/api/conversations/{self.id}/contact"
        return self._client.post(where, json={"ticket": ticket or self.ticket, **body}, headers=self._token)


def dossier(office: Office, member: str, ticket: int) -> dict[str, str | None]:
    file = office.member(member).get(f"/tickets/{ticket}").json()
    return {field["label"]: field["value"] for field in file["ticket"]["fields"]}


def test_a_phone_number_left_is_in_the_dossier(office: Office) -> None:
    """Whoever takes the ticket sees it in full, colleagues masked; the history says so without it."""
    visitor = Visitor(office)
    response = visitor.leave(name=" 李女士 ", phone="１３８ 1234 5678", details="下午方便接电话")
    assert (response.status_code, response.content) == (204, b"")
    assert dossier(office, "wang", visitor.ticket)["联系电话"] == "138****5678"
    wang = office.member("wang")
    assert wang.post(f"/tickets/{visitor.ticket}/take").status_code == 200
    shown = dossier(office, "wang", visitor.ticket)
    assert (shown["联系人"], shown["联系电话"], shown["补充说明"]) == ("李女士", PHONE, "下午方便接电话")
    [line] = [line for line in wang.get(f"/tickets/{visitor.ticket}").json()["history"] if line["kind"] == "contact"]
    assert (line["display"], line["detail"]) == ("访客", "留下联系方式：联系人、联系电话、补充说明")


def test_leaving_it_again_changes_nothing_and_another_number_replaces_it(office: Office) -> None:
    """A reply that got lost may be asked for again; what is not named stays."""
    visitor = Visitor(office)
    for _ in range(3):
        assert visitor.leave(name="李女士", phone=PHONE).status_code == 204
    assert len(lines(office, visitor.ticket)) == 1
    assert visitor.leave(phone="0311-87654321").status_code == 204
    ticket = office.store.read(lambda t: t.ticket(visitor.ticket))
    assert ticket is not None
    kept = {name: value for name, value in ticket.fields.items() if name.startswith("contact_")}
    assert kept == {"contact_name": "李女士", "contact_phone": "0311-87654321"}
    assert len(lines(office, visitor.ticket)) == 2


def lines(office: Office, ticket: int) -> list[TicketEvent]:
    return [event for event in office.store.read(lambda t: t.events(ticket)) if event.kind == "contact"]


def test_a_contact_wakes_queue_and_conversation(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; a repetition wakes nobody."""
    visitor = Visitor(office)
    woken: list[tuple[str, ...]] = []
    monkeypatch.setattr(office.service.live, "changed", lambda *topics: woken.append(topics))
    for _ in range(2):
        visitor.leave(phone=PHONE)
    assert woken == [(visitor.id, QUEUE)]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"phone": ""}, {"phone": "您还没有填写内容"}),
        ({"phone": "1381234567"}, {"phone": ""}),
        ({"phone": "转人工"}, {"phone": "没有看到电话号码"}),
        ({"phone": PHONE, "name": "李" * 41}, {"name": "称呼最多 40 个字"}),
        ({"phone": PHONE, "name": "李\u202e\u0007"}, {"name": "无法识别的字符"}),
        ({"phone": PHONE, "details": "字" * 2001}, {"details": "2000 字"}),
        ({"phone": PHONE, "details": "字\u0000"}, {"details": "控制字符"}),
        ({"phone": "x", "name": "李" * 41, "details": "字" * 2001}, {"phone": "", "name": "", "details": ""}),
    ],
)
def test_what_is_filled_in_wrong_is_said_field_by_field(office: Office, body: Any, wrong: dict[str, str]) -> None:
    """And nothing is kept."""
    visitor = Visitor(office)
    response = visitor.leave(**body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem["fields"]) == set(wrong)
    assert all(part in problem["fields"][name] for name, part in wrong.items())
    assert problem["detail"] in problem["fields"].values()
    assert lines(office, visitor.ticket) == []
    assert "fields" not in visitor.leave(ticket=10**6, phone=PHONE).json()


def test_a_contact_is_left_only_with_ones_own_open_ticket(office: Office) -> None:
    """Another's is not found, one that is over refused; nor may a stranger leave one."""
    visitor, other = Visitor(office), Visitor(office)
    assert visitor.leave(ticket=other.ticket, phone=PHONE).status_code == 404
    assert visitor.leave(ticket=999_999, phone=PHONE).status_code == 404
    wang = office.member("wang")
    for deed in ("take", "resolve"):
        assert wang.post(f"/tickets/{visitor.ticket}/{deed}", json={}).status_code == 200
    over = visitor.leave(phone=PHONE)
    assert over.status_code == 409
    assert f"受理单 {visitor.ticket} 已经结束" in over.json()["detail"]
    where = f"{office.url}/api/conversations/{other.id}/contact"
    assert httpx.post(where, json={"ticket": other.ticket, "phone": PHONE}).status_code == 401
    stranger = {"Authorization": "Bearer " + "f" * 64}
    assert httpx.post(where, json={"ticket": other.ticket, "phone": PHONE}, headers=stranger).status_code == 404


def test_a_password_left_by_mistake_is_hidden(office: Office) -> None:
    """As everywhere."""
    visitor = Visitor(office)
    assert visitor.leave(phone=PHONE, details="我的密码是abc12345").status_code == 204
    ticket = office.store.read(lambda t: t.ticket(visitor.ticket))
    assert ticket is not None
    assert ticket.fields["contact_details"] == "我的密码是******"


def test_out_of_hours_the_bot_asks_for_a_phone_number_unless_it_has_one(office: Office) -> None:
    """Who has left one already is not asked again."""
    office.service.bot.office = replace(office.service.bot.office, hours=Hours.read("never"))
    client = office.open.enter_context(httpx.Client(base_url=office.url, timeout=10))
    reply = client.post("/api/chat", json={"text": "转人工"}).json()
    assert "留下您的联系电话" in reply["text"]
    where, token = reply["conversation_id"], {"Authorization": f"Bearer {reply['conversation_token']}"}
    body = {"ticket": reply["escalation"]["ticket"], "phone": PHONE}
    assert client.post(f"/api/conversations/{where}/contact", json=body, headers=token).status_code == 204
    again = client.post("/api/chat", json={"text": "转人工", "conversation_id": where}, headers=token).json()
    assert "目前没有人工值守" in again["text"]
    assert "留下您的联系电话" not in again["text"]


def test_counts_are_of_the_last_ninety_days(office: Office) -> None:
    """Of conversations, however long ago those began."""
    now = datetime.now(UTC)
    for name, days in (("lately", 89), ("long ago", 91)):
        answered(office, name, now - timedelta(days=days))
    assert Demand(office.store).counts() == {"a-1": 1}


def test_nobody_waits_for_a_new_count(office: Office) -> None:
    """The last one stands for minutes; then it is given once more, while the next is made."""
    now = datetime.now(UTC)
    counted = Demand(office.store, clock=lambda: now)
    assert counted.counts() == {}
    answered(office, "lately", now)
    assert counted.counts() == {}
    now += demand.GOOD_FOR
    assert counted.counts() in ({}, {"a-1": 1})
    until(lambda: counted.counts() == {"a-1": 1})


def test_a_count_that_fails_leaves_the_last_one() -> None:
    """The widget opens all the same."""

    class Broken:
        def read(self, _: Any) -> Any:
            raise StoreError("磁盘已满")

    assert Demand(Broken()).counts() == {}  # type: ignore[arg-type]


def answered(office: Office, name: str, when: datetime) -> None:
    """A conversation in which the bot gave an answer."""
    answer = Answer("a-1", "问题", "回答。", Source("甲系统", "常见问题", "", "1"))

    def work(t: Any) -> None:
        t.add_conversation(Conversation(name, "web", "a", when, when))
        reply = Reply("answer", "回答。", 1.0, answer=answer)
        message = t.add_message(name, "bot", "回答。", now=when, reply=reply)
        t.rate_answer(Feedback(message.id, name, True, "", when))

    office.store.write(work)


def test_the_example_of_a_contact_can_be_left() -> None:
    """Whoever copies it from the OpenAPI document is not refused."""
    example = schema.Contact.model_json_schema()["examples"][0]
    assert schema.Contact.model_validate(example).phone == "0311-87654321"
