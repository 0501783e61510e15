"""What staff listen to: the queue and one conversation, as server-sent events of a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from staffed import HIDDEN, PHONE, Office, Stream, office_in, until

from bot.account import Accounts
from bot.api import staff_event
from bot.live import QUEUE

CONVERSATION = "conversation-number-1"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


def test_the_queue_comes_at_once_and_after_every_change(office: Office) -> None:
    """Whole each time: who comes, who is taken, who is answered."""
    wang, li = office.member("wang"), office.member("li")
    queue = Stream(office, wang, "/events")
    assert queue.response.headers["content-type"].startswith("text/event-stream")
    assert queue.next() == ("queue", {"waiting": [], "assigned": [], "total": 0}, None)
    number = office.ticket()
    office.service.live.changed(QUEUE)
    assert [item["number"] for item in queue.next()[1]["waiting"]] == [number]
    li.post(f"/tickets/{number}/take")
    taken = queue.next()[1]
    assert (taken["waiting"], taken["assigned"][0]["assignee"]["name"]) == ([], "li")
    office.say(CONVERSATION, "在吗")
    assert queue.next()[1]["assigned"][0]["unread"] == 2


def test_a_burst_of_changes_is_told_a_few_times(office: Office) -> None:
    """At most about four times a second, and the last state is never missed."""
    queue = Stream(office, office.member("wang"), "/events")
    queue.next()
    began, numbers = time.monotonic(), []
    for n in range(40):
        numbers.append(office.ticket(f"conversation-number-{n}"))
        office.service.live.changed(QUEUE)
    seen = 0
    while True:
        told = queue.next()[1]["waiting"]
        seen += 1
        if len(told) == 40:
            break
    assert [item["number"] for item in told] == numbers
    assert seen <= 2 + (time.monotonic() - began) / staff_event.BURST


def test_nothing_is_told_when_nothing_changed(office: Office) -> None:
    """Being woken for what the queue does not show, and time passing, are no changes."""
    office.ticket()
    queue = Stream(office, office.member("wang"), "/events")
    queue.next()
    time.sleep(1.1)
    office.service.live.changed(QUEUE)
    time.sleep(0.5)
    second = office.ticket("conversation-number-2")
    office.service.live.changed(QUEUE)
    assert [item["number"] for item in queue.next()[1]["waiting"]][1:] == [second]


def test_streams_end_with_the_login(office: Office) -> None:
    """Both kinds, at the next look; a new attempt is refused."""
    wang, admin, number = office.member("wang"), office.member("admin"), office.ticket()
    queue, ticket = Stream(office, wang, "/events"), Stream(office, wang, f"/tickets/{number}/events")
    queue.next()
    ticket.next()
    admin.patch("/users/wang", json={"active": False})
    office.service.live.changed(QUEUE, CONVERSATION)
    assert queue.ended()
    assert ticket.ended()
    assert Stream(office, wang, "/events").response.status_code == 401
    until(lambda: office.service.live.count() == 0)


def test_the_login_is_looked_at_again_without_a_change(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream on which nothing happens does not outlive the login by more than a ping."""
    monkeypatch.setattr(staff_event, "LOOK_AGAIN", 0.1)
    wang = office.member("wang")
    queue = Stream(office, wang, "/events")
    queue.next()
    wang.post("/logout")
    assert queue.ended()


def test_streams_end_when_the_server_stops(office: Office) -> None:
    """Lest it wait for those who would never go."""
    queue = Stream(office, office.member("wang"), "/events")
    queue.next()
    office.service.live.close()
    assert queue.ended()


def test_who_goes_away_is_not_listened_for(office: Office) -> None:
    """A closed tab leaves no watch behind."""
    queue = Stream(office, office.member("wang"), "/events")
    queue.next()
    assert office.service.live.count(QUEUE) == 1
    queue.response.close()
    until(lambda: office.service.live.count(QUEUE) == 0)


def test_a_conversation_is_followed_message_by_message(office: Office) -> None:
    """In order, with the sequence number as id; what the visitor writes comes as it is stored."""
    number, wang = office.ticket(), office.member("wang")
    wang.post(f"/tickets/{number}/take")
    stream = Stream(office, wang, f"/tickets/{number}/events")
    kind, state, _ = stream.next()
    assert (kind, state["owner"], state["masked"]) == ("state", {"name": "wang", "display": "WANG"}, False)
    first, second = stream.next("message"), stream.next("message")
    assert (first[2], first[1]["text"]) == ("1", f"请回电 {PHONE}")
    assert (second[2], second[1]["author"]) == ("2", "bot")
    office.say(CONVERSATION, "在吗")
    assert stream.next("message")[1]["text"] == "在吗"
    wang.post(f"/tickets/{number}/reply", json={"text": "在的", "entry_id": "a-1"})
    replied = stream.next("message")
    assert (replied[2], replied[1]["text"], replied[1]["answer"]["entry_id"]) == ("4", "在的", "a-1")


@pytest.mark.parametrize(("given", "ids"), [("2", ["3", "4"]), ("0", ["1", "2", "3", "4"]), ("nonsense", ["1", "2"])])
def test_a_stream_goes_on_where_it_broke_off(office: Office, given: str, ids: list[str]) -> None:
    """After the Last-Event-ID; from the beginning where that is none."""
    number, wang = office.ticket(), office.member("wang")
    for text in ("二", "三", "四"):
        office.say(CONVERSATION, text)
    stream = Stream(office, wang, f"/tickets/{number}/events", **{"Last-Event-ID": given})
    assert [stream.next("message")[2] for _ in ids] == ids


def test_who_is_not_assigned_follows_without_personal_data(office: Office) -> None:
    """Until they take it: the state says so, and what comes from then on is not hidden."""
    number, wang = office.ticket(), office.member("wang")
    stream = Stream(office, wang, f"/tickets/{number}/events")
    assert stream.next("state")[1]["masked"] is True
    assert stream.next("message")[1]["text"] == f"请回电 {HIDDEN}"
    wang.post(f"/tickets/{number}/take")
    assert stream.next("state")[1]["masked"] is False
    office.say(CONVERSATION, f"再说一遍 {PHONE}")
    stream.next("message")
    assert stream.next("message")[1]["text"] == f"再说一遍 {PHONE}"
    wang.post(f"/tickets/{number}/release")
    assert stream.next("state")[1]["masked"] is True
    office.say(CONVERSATION, PHONE)
    stream.next("message")
    assert stream.next("message")[1]["text"] == HIDDEN


def test_state_is_told_when_it_changed(office: Office) -> None:
    """Owner, status and how far each side has read."""
    number, wang = office.ticket(), office.member("wang")
    stream = Stream(office, wang, f"/tickets/{number}/events")
    assert stream.next("state")[1]["status"] == "waiting"
    wang.post(f"/tickets/{number}/take")
    taken = stream.next("state")[1]
    assert (taken["status"], taken["owner"]["name"], taken["staff_read"]) == ("assigned", "wang", 0)
    wang.post(f"/tickets/{number}/read", json={"sequence": 2})
    assert stream.next("state")[1]["staff_read"] == 2
    wang.post(f"/tickets/{number}/resolve")
    ended = stream.next("state")[1]
    assert (ended["status"], ended["owner"], ended["tickets"][0]["status"]) == ("resolved", None, "resolved")


def test_typing_is_told_to_the_others(office: Office) -> None:
    """The visitor's to everybody, the owner's to everybody but the owner."""
    number, wang, li = office.ticket(), office.member("wang"), office.member("li")
    wang.post(f"/tickets/{number}/take")
    mine, others = (Stream(office, client, f"/tickets/{number}/events") for client in (wang, li))
    for stream in (mine, others):
        stream.next("message")
        stream.next("message")
    until(lambda: office.service.live.count(CONVERSATION) == 2)
    assert wang.post(f"/tickets/{number}/typing").status_code == 204
    assert others.next("typing")[1] == {"author": "agent"}
    office.service.live.signal(CONVERSATION, "typing:visitor")
    assert mine.next("typing")[1] == {"author": "visitor"}
    assert li.post(f"/tickets/{number}/typing").status_code == 409


def test_a_conversation_that_is_not_there_is_refused_before_the_stream_begins(office: Office) -> None:
    """404, so that the browser does not try again for ever; deleted meanwhile, the stream ends."""
    number, wang = office.ticket(), office.member("wang")
    assert Stream(office, wang, "/tickets/4711/events").response.status_code == 404
    stream = Stream(office, wang, f"/tickets/{number}/events")
    stream.next("message")
    office.store.write(lambda t: t.delete_conversation(CONVERSATION))
    office.service.live.changed(CONVERSATION)
    assert stream.ended()


def test_an_open_console_does_not_keep_its_login_alive(office: Office) -> None:
    """Listening is not using."""
    wang = office.member("wang")
    touched: list[bool] = []
    session = Accounts.session

    def spy(accounts: Accounts, token: str, *, touch: bool = True) -> object:
        touched.append(touch)
        return session(accounts, token, touch=touch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Accounts, "session", spy)
        queue = Stream(office, wang, "/events")
        queue.next()
        office.ticket()
        office.service.live.changed(QUEUE)
        queue.next()
    assert touched == [True, False, False]
