"""Pictures that staff send, over HTTP: sent up, said with a reply, seen by the visitor, refused."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from staffed import ENTRY, Office, Stream, office_in

from bot import archive
from bot.agent import MOST_PICTURES
from bot.api.guard import LARGEST_BODY
from bot.model import Picture

CONVERSATION = "conversation-number-1"
OTHER = "conversation-number-2"
KEPT = Picture("p" * 22, CONVERSATION, "image/png", 9, 1, 1, datetime.now(UTC))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


def image(kind: str = "PNG", side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, 6), "navy").save(file, kind)
    return file.getvalue()


def is_problem(response: httpx.Response, status: int) -> bool:
    """Whether a response is a problem of that status with words that staff can read."""
    detail = response.json()["detail"]
    return response.status_code == response.json()["status"] == status and bool(re.search(r"[\u4e00-\u9fff]", detail))


def taken(office: Office, conversation_id: str = CONVERSATION, name: str = "wang") -> tuple[int, httpx.Client]:
    """A ticket that is somebody's, and their client."""
    number, member = office.ticket(conversation_id), office.member(name)
    assert member.post(f"/tickets/{number}/take").status_code == 200
    return number, member


def visitor(office: Office, conversation_id: str = CONVERSATION) -> httpx.Client:
    """Whoever holds the conversation."""
    token = office.service.bot.token(conversation_id)
    headers = {"Authorization": f"Bearer {token}"}
    return office.open.enter_context(httpx.Client(base_url=f"{office.url}/api", headers=headers, timeout=10))


def sent_up(member: httpx.Client, number: int, **request: Any) -> str:
    """A picture that was taken; its id."""
    response = member.post(f"/tickets/{number}/pictures", content=image(), **request)
    assert response.status_code == 201, response.text
    picture: str = response.json()["picture_id"]
    return picture


def kept(office: Office, conversation_id: str = CONVERSATION) -> list[str]:
    return [picture.id for picture in office.store.read(lambda t: t.pictures(conversation_id))]


def said(office: Office) -> list[tuple[str, str | None]]:
    """What staff said, and the pictures that came with it."""
    messages = office.store.read(lambda t: t.messages(CONVERSATION))
    return [(message.text, message.picture) for message in messages if message.author == "agent"]


def test_a_picture_of_staffs_reaches_the_visitor(office: Office) -> None:
    """Sent up, said without a word, and there in history, events and as a file, of which only the pixels are kept."""
    number, wang = taken(office)
    secret = b"GPS of the office"
    response = wang.post(f"/tickets/{number}/pictures", content=image() + secret)
    picture = response.json()["picture_id"]
    assert (response.status_code, response.json()) == (201, {"picture_id": picture, "width": 8, "height": 6})
    message = wang.post(f"/tickets/{number}/reply", json={"picture_id": picture}).json()
    assert (message["author"], message["text"], message["picture"]) == ("agent", "", picture)
    guest = visitor(office)
    assert guest.get(f"/chat/{CONVERSATION}").json()["messages"][-1]["picture"] == picture
    events = Stream(office, guest, f"/conversations/{CONVERSATION}/events", **{"Last-Event-ID": "2"})
    assert events.next("message")[1]["picture"] == picture
    shown = guest.get(f"/conversations/{CONVERSATION}/pictures/{picture}")
    assert Image.open(io.BytesIO(shown.content)).size == (8, 6)
    assert secret not in shown.content
    assert shown.headers["content-type"] == "image/png"
    assert is_problem(visitor(office, OTHER).get(f"/conversations/{OTHER}/pictures/{picture}"), 404)
    li = office.member("li")
    assert li.get(f"/pictures/{picture}").content == shown.content
    assert li.get(f"/tickets/{number}").json()["messages"][-1]["picture"] == picture
    assert Stream(office, li, f"/tickets/{number}/events?after=2").next("message")[1]["picture"] == picture


def test_a_picture_goes_with_words_and_an_entry(office: Office) -> None:
    """All three are one message; what is no text is refused beside a picture too."""
    number, wang = taken(office)
    picture = sent_up(wang, number)
    body = {"text": "请点红圈处", "entry_id": ENTRY.id, "picture_id": picture}
    message = wang.post(f"/tickets/{number}/reply", json=body).json()
    assert (message["text"], message["answer"]["entry_id"], message["picture"]) == ("请点红圈处", ENTRY.id, picture)
    assert is_problem(wang.post(f"/tickets/{number}/reply", json={"text": "\x00", "picture_id": picture}), 422)
    assert said(office) == [("请点红圈处", picture)]


def test_a_key_sends_pictures_as_a_login_does(office: Office) -> None:
    """Another program is somebody of the staff; a login without the CSRF token is refused."""
    number, key = office.ticket(), office.key("agent")
    assert key.post(f"/tickets/{number}/take").status_code == 200
    sent_up(key, number)
    other, wang = taken(office, OTHER)
    del wang.headers["X-CSRF-Token"]
    assert is_problem(wang.post(f"/tickets/{other}/pictures", content=image()), 403)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_usual_format_is_taken(office: Office, kind: str) -> None:
    """Whatever the browser says it is."""
    number, wang = taken(office)
    headers = {"Content-Type": "text/html"}
    assert wang.post(f"/tickets/{number}/pictures", content=image(kind), headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 415),
        ("这是文本".encode(), 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415),
        (b"%PDF-1.7", 415),
        (image()[:40], 415),
        (b"\x89PNG\r\n\x1a\n" + b"<script>" * 9, 415),
        (b"\x89PNG\r\n\x1a\n" + b"x" * (8 * 1024 * 1024), 413),
    ],
    ids=["nothing", "text", "drawing", "document", "half", "script", "large"],
)
def test_what_is_no_picture_is_refused_and_not_kept(office: Office, content: bytes, status: int) -> None:
    """By its content, whatever it is called."""
    number, wang = taken(office)
    headers = {"Content-Type": "image/png"}
    assert is_problem(wang.post(f"/tickets/{number}/pictures", content=content, headers=headers), status)
    assert kept(office) == []
    assert not list(office.folder.glob("pictures/*"))


def test_only_the_owner_sends_pictures(office: Office) -> None:
    """409 before anybody has taken the ticket and for everybody else afterwards; strangers and no tickets likewise."""
    number, wang, li = office.ticket(), office.member("wang"), office.member("li")
    assert is_problem(wang.post(f"/tickets/{number}/pictures", content=image()), 409)
    wang.post(f"/tickets/{number}/take")
    for refused, status in ((li, 409), (office.member("admin"), 409), (office.stranger(), 401)):
        for content in (image(), b"what is not even looked at"):
            assert is_problem(refused.post(f"/tickets/{number}/pictures", content=content), status)
    for path, status in ((f"/tickets/{number + 1}/pictures", 404), ("/tickets/x/pictures", 422)):
        assert is_problem(wang.post(path, content=image()), status)
    assert kept(office) == []
    assert not list(office.folder.glob("pictures/*"))


def test_whoever_loses_the_ticket_meanwhile_leaves_no_picture(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the picture is drawn the conversation is given back: neither row nor file stays."""
    number, wang = taken(office)
    keep = office.service.pictures.keep

    def slowly(*arguments: Any) -> None:
        keep(*arguments)
        assert wang.post(f"/tickets/{number}/release").status_code == 200

    monkeypatch.setattr(office.service.pictures, "keep", slowly)
    assert is_problem(office.member("wang").post(f"/tickets/{number}/pictures", content=image()), 409)
    assert kept(office) == []
    assert not list(office.folder.glob("pictures/*"))


def test_only_a_picture_that_staff_sent_up_for_this_conversation_is_said(office: Office) -> None:
    """Not the visitor's own, not another conversation's, none that is unknown or has no shape; nothing is sent."""
    number, wang = taken(office)
    other, _ = taken(office, OTHER)
    office.store.write(lambda t: t.add_picture(KEPT))
    for unknown in (KEPT.id, sent_up(wang, other), "q" * 22, "", "../conversations.db", "会" * 22):
        assert is_problem(wang.post(f"/tickets/{number}/reply", json={"picture_id": unknown}), 404), unknown
    for bad in (1, "x" * 2000):
        assert is_problem(wang.post(f"/tickets/{number}/reply", json={"picture_id": bad}), 422), bad
    assert said(office) == []


def test_a_reply_with_a_picture_sent_twice_is_stored_once(office: Office) -> None:
    """The second answer is the first message; with another picture, or none, the same id is a conflict."""
    number, wang = taken(office)
    one, two = sent_up(wang, number), sent_up(wang, number)
    body = {"text": "见图", "picture_id": one, "client_message_id": secrets.token_urlsafe(16)}
    first, second = (wang.post(f"/tickets/{number}/reply", json=body) for _ in range(2))
    assert (first.status_code, first.json()) == (200, second.json())
    for other in (two, None):
        assert is_problem(wang.post(f"/tickets/{number}/reply", json={**body, "picture_id": other}), 409)
    assert said(office) == [("见图", one)]


def test_an_export_has_the_pictures_that_staff_sent(office: Office) -> None:
    """As files beside the messages that name them, with no text as well."""
    number, wang = taken(office)
    picture = sent_up(wang, number)
    wang.post(f"/tickets/{number}/reply", json={"picture_id": picture})
    out = io.BytesIO()
    archive.export(office.store, office.service.pictures, CONVERSATION, out)
    with zipfile.ZipFile(out) as opened:
        contents = json.loads(opened.read("conversation.json"))
        assert opened.read(f"pictures/{picture}.png") == wang.get(f"/pictures/{picture}").content
    assert (contents["messages"][-1]["text"], contents["messages"][-1]["picture"]) == ("", picture)


def test_staff_may_send_so_many_pictures_a_day(office: Office) -> None:
    """Those that the visitor sent, and those of yesterday, are not among them."""
    number, wang = taken(office)
    row = replace(KEPT, created_at=datetime.now(UTC))
    rows = [replace(row, id=f"picture-number-{n:04}") for n in range(MOST_PICTURES)]
    yesterday = row.created_at - timedelta(days=1, minutes=1)
    rows.append(replace(row, id="yesterdays-picture", staff="wang", created_at=yesterday))
    rows.extend(replace(row, id=f"picture-of-staff-{n:04}", staff="wang") for n in range(MOST_PICTURES - 1))
    for each in rows:
        office.store.write(lambda t, each=each: t.add_picture(each))
    last = sent_up(wang, number)
    assert is_problem(wang.post(f"/tickets/{number}/pictures", content=image()), 409)
    assert [path.name for path in office.folder.glob("pictures/*")] == [last]


def test_no_picture_is_taken_once_the_folder_is_full(office: Office) -> None:
    """503 with words and when to try again; staff's pictures count as visitors' do."""
    number, wang = taken(office)
    budget = office.service.album.budget
    before = budget._size
    picture = sent_up(wang, number)
    assert budget._size - before == len(wang.get(f"/pictures/{picture}").content)
    budget.add(2048 * 1024**2)
    refused = wang.post(f"/tickets/{number}/pictures", content=image())
    assert is_problem(refused, 503)
    assert int(refused.headers["retry-after"]) > 0
    assert kept(office) == [picture]


def test_what_the_openapi_document_says_of_it(office: Office) -> None:
    """A picture's format is the body, and a reply may name one."""
    document = httpx.get(f"{office.url}/openapi.json").json()
    upload = document["paths"]["/api/staff/tickets/{number}/pictures"]["post"]
    assert "image/*" in upload["requestBody"]["content"]
    assert {"201", "401", "404", "409", "413", "415", "422", "503"} <= set(upload["responses"])
    assert "picture_id" in document["components"]["schemas"]["AgentReply"]["properties"]


def test_a_picture_may_be_as_large_as_a_visitors(office: Office) -> None:
    """Far larger than any other body; a stranger's is not read at all."""
    number, wang = taken(office)
    noise = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(noise, "PNG")
    assert len(noise.getvalue()) > 16 * LARGEST_BODY
    assert wang.post(f"/tickets/{number}/pictures", content=noise.getvalue()).status_code == 201
    for stranger in (office.stranger(), office.stranger(Cookie="staff=x"), office.stranger(**{"X-API-Key": "zx_x"})):
        assert is_problem(stranger.post(f"/tickets/{number}/pictures", content=noise.getvalue()), 401)


def test_a_visitor_may_send_as_many_as_before_whatever_staff_sent(office: Office) -> None:
    """Staff's pictures do not use up what the visitor may send in a day."""
    taken(office)
    for n in range(30):
        row = replace(KEPT, id=f"picture-of-staff-{n:04}", staff="wang", created_at=datetime.now(UTC))
        office.store.write(lambda t, row=row: t.add_picture(row))
    sent = visitor(office).post(f"/conversations/{CONVERSATION}/pictures", content=image())
    assert sent.status_code == 201


def test_a_visitor_cannot_send_a_picture_of_staffs_as_their_own(office: Office) -> None:
    """Not as the screenshot that a form asks for either."""
    number, wang = taken(office)
    picture_id = sent_up(wang, number)
    answered = visitor(office).post("/chat", json={"conversation_id": CONVERSATION, "picture": picture_id})
    assert is_problem(answered, 404)
