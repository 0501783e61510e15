"""Staff at work over HTTP: the queue, tickets and what is done with them, pictures, search, canned replies."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from staffed import ENTRY, HIDDEN, PHONE, Office, Stream, office_in

from bot import picture
from bot.api.staff_view import PAGE
from bot.model import Conversation, Feedback, Picture
from bot.store.base import Transaction
from bot.ticket import change


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


def is_problem(response: httpx.Response, status: int) -> bool:
    """Whether a response is a problem of that status with words that staff can read."""
    detail = response.json()["detail"]
    return response.status_code == response.json()["status"] == status and bool(re.search(r"[\u4e00-\u9fff]", detail))


def texts(office: Office, conversation_id: str = "conversation-number-1") -> list[str]:
    return [message.text for message in office.store.read(lambda t: t.messages(conversation_id))]


def test_the_queue_shows_who_waits_longest_first(office: Office) -> None:
    """With place and seconds waited, then what is worked on and by whom; nothing personal in it."""
    first, second, third = (office.ticket(f"conversation-number-{n}") for n in range(3))
    wang = office.member("wang")
    assert wang.post(f"/tickets/{first}/take").json()["status"] == "assigned"
    response = wang.get("/queue")
    waiting, assigned = response.json()["waiting"], response.json()["assigned"]
    assert [(item["number"], item["position"]) for item in waiting] == [(second, 1), (third, 2)]
    assert all(0 <= item["waited_seconds"] < 60 for item in waiting)
    assert [(item["number"], item["assignee"]) for item in assigned] == [(first, {"name": "wang", "display": "WANG"})]
    assert waiting[0]["label"] == "转人工客服"
    assert PHONE not in response.text


def test_the_queue_is_shown_page_by_page(office: Office) -> None:
    """With everybody's own place and how many there are, so that nobody is out of sight, however many wait."""
    numbers = [office.ticket(f"conversation-number-{number}") for number in range(5)]
    wang = office.member("wang")
    wang.post(f"/tickets/{numbers[0]}/take")
    pages = [wang.get("/queue", params={"offset": offset, "limit": 3}).json() for offset in (0, 3, 6)]
    shown = [[(item["number"], item["position"]) for item in page["waiting"]] for page in pages]
    assert shown == [[(numbers[1], 1), (numbers[2], 2), (numbers[3], 3)], [(numbers[4], 4)], []]
    assert [page["total"] for page in pages] == [4, 4, 4]
    assert [item["number"] for page in pages for item in page["assigned"]] == [numbers[0]] * 3
    for senseless in ({"offset": -1}, {"limit": 0}, {"limit": PAGE + 1}, {"offset": "x"}):
        assert is_problem(wang.get("/queue", params=senseless), 422)


def test_whoever_waits_behind_five_hundred_is_seen(office: Office) -> None:
    """On the next page; the stream tells how many there are."""

    def work(transaction: Transaction) -> None:
        now = datetime.now(UTC)
        for number in range(PAGE + 1):
            transaction.add_conversation(Conversation(f"conversation-number-{number}", "web", None, now, now))
            ticket = transaction.add_ticket(f"conversation-number-{number}", "human", system=None, now=now)
            transaction.update_ticket(change(ticket, "waiting", now))

    office.store.write(work)
    wang = office.member("wang")
    first, second = (wang.get("/queue", params={"offset": offset}).json() for offset in (0, PAGE))
    assert (len(first["waiting"]), len(second["waiting"])) == (PAGE, 1)
    assert second["waiting"][0]["position"] == second["total"] == PAGE + 1
    told = Stream(office, wang, "/events").next()[1]
    assert (len(told["waiting"]), told["total"]) == (PAGE, PAGE + 1)


def test_the_queue_counts_what_the_assignee_has_not_read(office: Office) -> None:
    """Of the visitor's messages; reading clears it."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    office.say("conversation-number-1", "在吗")
    assert wang.get("/queue").json()["assigned"][0]["unread"] == 2
    last = len(texts(office))
    assert wang.post(f"/tickets/{number}/read", json={"sequence": last}).status_code == 204
    assert wang.get("/queue").json()["assigned"][0]["unread"] == 0
    assert wang.get(f"/tickets/{number}").json()["conversation"]["staff_read"] == last


def test_only_the_assignee_sees_personal_data(office: Office) -> None:
    """In fields, messages, history and feedback; to colleagues, leads and administrators they are hidden."""
    number, wang = office.ticket(), office.member("wang")
    said = office.store.read(lambda t: t.messages("conversation-number-1"))[0]
    office.store.write(
        lambda t: t.rate_answer(
            Feedback(said.id, "conversation-number-1", False, f"打 {PHONE} 没人接", datetime.now(UTC))
        )
    )
    masked = wang.get(f"/tickets/{number}")
    assert masked.json()["masked"] is True
    assert PHONE not in masked.text
    assert masked.text.count(HIDDEN) == 5
    wang.post(f"/tickets/{number}/take")
    full = wang.get(f"/tickets/{number}")
    assert full.json()["masked"] is False
    assert full.text.count(PHONE) == 5
    for other in (office.member("li"), office.member("admin"), office.key("admin")):
        assert PHONE not in other.get(f"/tickets/{number}").text


def test_a_ticket_comes_with_everything_around_it(office: Office) -> None:
    """The dossier under its labels, the conversation, the visitor's other tickets, and the history."""
    number, wang = office.ticket(), office.member("wang")
    other = office.store.write(
        lambda t: t.add_ticket("conversation-number-1", "unlock", system="a", now=datetime.now(UTC)).number
    )
    wang.post(f"/tickets/{number}/take")
    file = wang.get(f"/tickets/{number}").json()
    assert file["ticket"]["assignee"] == {"name": "wang", "display": "WANG"}
    assert [(field["label"], field["value"]) for field in file["ticket"]["fields"]] == [
        ("情况说明", f"请回电 {PHONE}"),
        ("phone", PHONE),
    ]
    conversation = file["conversation"]
    assert (conversation["channel"], conversation["system"], conversation["audience"]) == ("web", "a", "企业用户")
    assert conversation["owner"]["name"] == "wang"
    assert conversation["messages"] == len(file["messages"]) == 2
    assert [ticket["number"] for ticket in file["others"]] == [other]
    assert [(line["kind"], line["display"]) for line in file["history"]] == [("handed_in", "访客"), ("taken", "WANG")]


def test_the_visitors_own_message_ids_are_not_shown(office: Office) -> None:
    """Whoever knows that of the first message could get the visitor's token."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    assert "id of conversation-number-1" not in wang.get(f"/tickets/{number}").text


def test_a_field_may_be_a_picture(office: Office) -> None:
    """Its id is given in place of a value, where the field takes pictures."""
    number, wang = office.ticket(), office.member("wang")
    ticket = office.store.read(lambda t: t.ticket(number))
    assert ticket is not None
    office.store.write(lambda t: t.update_ticket(replace(ticket, fields={"details": "picture:13812345678901234"})))
    field = wang.get(f"/tickets/{number}").json()["ticket"]["fields"][0]
    assert field["picture"] is None  # the visitor's words, not a picture


@pytest.mark.parametrize("deed", ["take", "release", "resolve", "close", "typing"])
def test_what_is_not_there_is_not_found(office: Office, deed: str) -> None:
    """404 for a number that no ticket has, 422 for what is none."""
    wang = office.member("wang")
    assert is_problem(wang.post(f"/tickets/4711/{deed}"), 404)
    assert is_problem(wang.post(f"/tickets/none/{deed}"), 422)
    assert is_problem(wang.post(f"/tickets/{10**30}/{deed}"), 422)
    assert is_problem(wang.get("/tickets/4711"), 404)


def test_two_take_one_ticket_and_one_gets_it(office: Office) -> None:
    """The other gets 409 in words; taking again what one has changes nothing."""
    number, staff = office.ticket(), [office.member(name) for name in ("wang", "li", "zhao", "admin")]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda client: client.post(f"/tickets/{number}/take"), staff))
    assert sorted(response.status_code for response in taken) == [200, 409, 409, 409]
    assert all(is_problem(response, 409) for response in taken if response.status_code != 200)
    winner = next(client for client, response in zip(staff, taken, strict=True) if response.status_code == 200)
    assert winner.post(f"/tickets/{number}/take").status_code == 200
    assert sum("正在为您服务" in text for text in texts(office)) == 1


def test_only_the_owner_acts(office: Office) -> None:
    """Everybody else gets 409, before anybody has taken it and afterwards."""
    number, wang, li = office.ticket(), office.member("wang"), office.member("li")
    deeds: dict[str, Any] = {
        "release": None,
        "transfer": {"to": "zhao"},
        "reply": {"text": "您好"},
        "resolve": None,
        "typing": None,
    }
    for deed, body in deeds.items():
        assert is_problem(wang.post(f"/tickets/{number}/{deed}", json=body), 409), deed
    wang.post(f"/tickets/{number}/take")
    for deed, body in {**deeds, "close": None}.items():
        assert is_problem(li.post(f"/tickets/{number}/{deed}", json=body), 409), deed
    assert wang.post(f"/tickets/{number}/typing").status_code == 204


def test_a_reply_sent_twice_is_stored_once(office: Office) -> None:
    """With the sender's own id; the second answer is the first message."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    body = {"text": "您好，请稍等。", "client_message_id": secrets.token_urlsafe(16)}
    first, second = (wang.post(f"/tickets/{number}/reply", json=body) for _ in range(2))
    assert first.status_code == 200
    assert first.json() == second.json()
    assert (first.json()["author"], first.json()["agent"]) == ("agent", "WANG")
    assert first.json()["client_message_id"] == body["client_message_id"]
    assert texts(office).count("您好，请稍等。") == 1


def test_an_entry_is_quoted_word_for_word(office: Office) -> None:
    """With its source, with a text or without; an unknown one is not found and nothing is sent."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    sent = wang.post(f"/tickets/{number}/reply", json={"entry_id": "a-1"}).json()
    assert (sent["text"], sent["answer"]["answer"]) == ("", ENTRY.answer)
    assert sent["answer"]["source"]["system"] == "甲系统"
    sent = wang.post(f"/tickets/{number}/reply", json={"entry_id": "a-1", "text": "请看这一条。"}).json()
    assert (sent["text"], sent["answer"]["entry_id"]) == ("请看这一条。", "a-1")
    before = texts(office)
    assert is_problem(wang.post(f"/tickets/{number}/reply", json={"entry_id": "a-99"}), 404)
    assert texts(office) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"text": "  "}, 422),
        ({"text": "字" * 2001}, 413),
        ({"text": "账号\x00"}, 422),
        ({"text": 1}, 422),
        ({"text": "好", "client_message_id": "short"}, 422),
        ({"text": "好", "client_message_id": "长" * 20}, 422),
        ({"entry_id": "z" * 2000}, 422),
    ],
)
def test_bad_replies_are_refused_in_words(office: Office, body: Any, status: int) -> None:
    """Nothing is sent."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    assert is_problem(wang.post(f"/tickets/{number}/reply", json=body), status)
    assert len(texts(office)) == 2


def test_a_conversation_is_handed_on(office: Office) -> None:
    """To somebody at work; then it is theirs and the note stands in the history."""
    number, wang, li = office.ticket(), office.member("wang"), office.member("li")
    wang.post(f"/tickets/{number}/take")
    colleagues = [each["name"] for each in wang.get("/colleagues").json()["colleagues"]]
    assert colleagues == ["admin", "li", "wang", "zhao"]
    for nobody in ("nobody", "wang", ""):
        assert is_problem(wang.post(f"/tickets/{number}/transfer", json={"to": nobody}), 404)
    moved = wang.post(f"/tickets/{number}/transfer", json={"to": "li", "note": "请核对企业"})
    assert moved.json()["status"] == "assigned"
    assert is_problem(wang.post(f"/tickets/{number}/reply", json={"text": "您好"}), 409)
    assert li.post(f"/tickets/{number}/reply", json={"text": "您好"}).status_code == 200
    file = li.get(f"/tickets/{number}").json()
    assert "请核对企业" in file["history"][-1]["detail"]
    assert file["masked"] is False
    assert wang.get(f"/tickets/{number}").json()["masked"] is True


def test_a_conversation_is_given_back(office: Office) -> None:
    """It waits again, and anybody can take it."""
    number, wang, li = office.ticket(), office.member("wang"), office.member("li")
    wang.post(f"/tickets/{number}/take")
    released = wang.post(f"/tickets/{number}/release")
    assert released.json()["status"] == "waiting"
    assert PHONE not in released.text
    assert li.post(f"/tickets/{number}/take").status_code == 200


def test_a_ticket_is_resolved_with_a_note(office: Office) -> None:
    """The visitor is told and asked for a rating; once more is a conflict."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    assert wang.post(f"/tickets/{number}/resolve", json={"note": "已解锁"}).json()["status"] == "resolved"
    assert "评分" in texts(office)[-1]
    file = wang.get(f"/tickets/{number}").json()
    assert (file["history"][-1]["kind"], file["history"][-1]["detail"]) == ("resolved", "已解锁")
    assert file["conversation"]["owner"] is None
    assert is_problem(wang.post(f"/tickets/{number}/resolve"), 409)
    assert wang.get("/queue").json() == {"waiting": [], "assigned": [], "total": 0}


def test_a_ticket_is_closed_by_its_owner_or_while_it_waits(office: Office) -> None:
    """With a note or without."""
    mine, idle, wang = office.ticket("conversation-number-1"), office.ticket("conversation-number-2"), None
    wang = office.member("wang")
    wang.post(f"/tickets/{mine}/take")
    assert wang.post(f"/tickets/{mine}/close").json()["status"] == "closed"
    assert wang.post(f"/tickets/{idle}/close", json={"note": "重复"}).json()["status"] == "closed"
    assert wang.get(f"/tickets/{idle}").json()["history"][-1]["detail"] == "重复"
    assert is_problem(wang.post(f"/tickets/{idle}/close"), 409)


def test_a_note_stays_among_staff(office: Office) -> None:
    """In the history, not in the conversation; an empty one is none."""
    number, li = office.ticket(), office.member("li")
    assert li.post(f"/tickets/{number}/note", json={"text": "已电话核实"}).status_code == 204
    assert li.get(f"/tickets/{number}").json()["history"][-1]["detail"] == "已电话核实"
    assert "已电话核实" not in texts(office)
    assert is_problem(li.post(f"/tickets/{number}/note", json={"text": " "}), 422)


def test_pictures_are_shown_to_staff_and_can_do_no_harm(office: Office) -> None:
    """With the type they were kept with, never sniffed, stored or run; others get nothing."""
    office.ticket()
    data, kept = (
        b"\x89PNG not really",
        Picture("p" * 22, "conversation-number-1", "image/png", 15, 1, 1, datetime.now(UTC)),
    )
    office.service.pictures.keep(kept.id, picture.Picture(data, "image/png", 1, 1))
    office.store.write(lambda t: t.add_picture(kept))
    wang = office.member("wang")
    response = wang.get(f"/pictures/{kept.id}")
    assert response.content == data
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-disposition"] == f'inline; filename="{kept.id}.png"'
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "private, no-store"
    assert set(response.headers["content-security-policy"].split("; ")) == {"sandbox", "default-src 'none'"}
    assert is_problem(office.stranger().get(f"/pictures/{kept.id}"), 401)
    office.service.pictures.delete(kept.id)
    for missing in (kept.id, "q" * 22, "x", "%2e%2e%2fconversations.db", "会" * 22):
        assert is_problem(wang.get(f"/pictures/{missing}"), 404), missing


def test_staff_search_as_the_bot_does(office: Office) -> None:
    """The same hits as the public search, behind the login."""
    wang = office.member("wang")
    query = {"q": "账号被锁定", "system": "a", "limit": 3}
    found = wang.get("/search", params=query).json()
    assert found["hits"][0]["entry_id"] == "a-1"
    assert found == httpx.get(f"{office.url}/api/search", params=query).json()
    assert is_problem(wang.get("/search", params={"q": "账号", "system": "nowhere"}), 404)
    assert is_problem(wang.get("/search", params={"q": " "}), 422)


def test_canned_replies_are_kept_by_leads(office: Office) -> None:
    """Added, changed, deleted; listed by title for everybody."""
    zhao, wang = office.member("zhao"), office.member("wang")
    made = zhao.post("/canned", json={"title": "已解锁", "text": "您的账号已解锁。"}).json()
    zhao.post("/canned", json={"title": "A 您好", "text": "您好！"})
    assert [each["title"] for each in wang.get("/canned").json()["canned"]] == ["A 您好", "已解锁"]
    changed = zhao.put(f"/canned/{made['id']}", json={"title": "已解锁", "text": "已经解锁，请重新登录。"})
    assert (changed.status_code, changed.json()["text"]) == (200, "已经解锁，请重新登录。")
    assert is_problem(zhao.put("/canned/none", json={"title": "无", "text": "无"}), 404)
    assert is_problem(zhao.post("/canned", json={"title": " ", "text": "您好"}), 422)
    assert is_problem(zhao.post("/canned", json={"title": "t", "text": "字" * 2001}), 413)
    assert is_problem(wang.delete(f"/canned/{made['id']}"), 403)
    assert zhao.delete(f"/canned/{made['id']}").status_code == 204
    assert is_problem(zhao.delete(f"/canned/{made['id']}"), 404)
    assert len(wang.get("/canned").json()["canned"]) == 1
