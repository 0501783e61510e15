"""Handing out and deleting what is kept of one conversation."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stored import CONVERSATION, NOW

from bot import handoff
from bot.archive import InHand, NoConversation, erase, export
from bot.dossier import Dossier
from bot.model import Answer, Feedback, Picture, Reply, Source, TicketEvent
from bot.picture import Picture as Drawn
from bot.picture import PictureFolder
from bot.store.base import Transaction
from bot.store.sqlite import SqliteStore
from bot.ticket import change

ANSWER = Answer("zyb-1.9", "账号被锁定", "请联系。", Source("zyb", "常见问题", "企业用户", "1.9"))
REPLY = Reply("answer", "请联系。", 0.93, answer=ANSWER)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with a conversation "c" that has one of everything, and another that must not be seen."""
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        store.write(fill)
        yield store


@pytest.fixture
def pictures(tmp_path: Path) -> PictureFolder:
    folder = PictureFolder(tmp_path / "pictures")
    folder.keep("picture-of-the-screen", Drawn(PNG, "image/png", 1, 1))
    return folder


def fill(t: Transaction) -> None:
    t.add_conversation(replace(CONVERSATION, system="zyb", owner="wang"), "0123456789abcdef")
    t.add_conversation(replace(CONVERSATION, id="other"))
    t.add_message("other", "visitor", "别人的话", now=NOW)
    asked = t.add_message("c", "visitor", "账号被锁了😀", now=NOW, client_message_id="0123456789abcdef")
    answered = t.add_message("c", "bot", REPLY.text, now=NOW, reply=REPLY, in_reply_to=asked)
    for name, media_type in (("picture-of-the-screen", "image/png"), ("picture-that-got-lost", "image/jpeg")):
        t.add_picture(Picture(name, "c", media_type, len(PNG), 1, 1, NOW))
    t.add_message("c", "visitor", "", now=NOW, picture="picture-of-the-screen")
    t.add_message("c", "agent", "您好", now=NOW, agent="小王", answer=ANSWER)
    t.rate_answer(Feedback(answered.id, "c", False, "不对", NOW))
    ticket = t.add_ticket("c", "unlock", system="zyb", now=NOW)
    ticket = replace(change(change(ticket, "waiting", NOW), "assigned", NOW, "wang"), fields={"name": "张三"}, stars=4)
    t.update_ticket(ticket)
    t.add_event(TicketEvent(ticket.number, NOW, "wang", "note", "已电话联系"))
    handoff.tell(t, ticket, Dossier("申请解锁", ""), "ticket.waiting", "说明", NOW)


def opened(store: SqliteStore, pictures: PictureFolder) -> tuple[zipfile.ZipFile, dict[str, Any]]:
    out = io.BytesIO()
    export(store, pictures, "c", out, now=NOW)
    archive = zipfile.ZipFile(out)
    assert archive.testzip() is None
    return archive, json.loads(archive.read("conversation.json").decode("utf-8"))


def test_the_export_has_every_message_with_its_whole_reply(store: SqliteStore, pictures: PictureFolder) -> None:
    """Each message equals the stored one, and a reply can be read back."""
    _, contents = opened(store, pictures)
    messages = store.read(lambda t: t.messages("c"))
    assert [m["id"] for m in contents["messages"]] == [m.id for m in messages]
    assert [m["text"] for m in contents["messages"]] == ["账号被锁了😀", "请联系。", "", "您好"]
    assert Reply.from_dict(contents["messages"][1]["reply"]) == REPLY
    assert contents["messages"][3]["answer"]["entry_id"] == "zyb-1.9"


def test_the_export_has_what_else_is_kept(store: SqliteStore, pictures: PictureFolder) -> None:
    """Conversation, tickets with fields, rating and history, feedback, and what staff are still to be told."""
    _, contents = opened(store, pictures)
    assert contents["exported_at"] == contents["conversation"]["created_at"] == NOW.isoformat()
    assert contents["conversation"]["system"] == "zyb"
    [ticket] = contents["tickets"]
    assert (ticket["fields"], ticket["stars"], ticket["assignee"]) == ({"name": "张三"}, 4, "wang")
    assert [event["detail"] for event in ticket["events"]] == ["已电话联系"]
    assert [(f["helpful"], f["reason"]) for f in contents["feedback"]] == [(False, "不对")]
    assert [notice["text"] for notice in contents["notices"]] == ["说明"]


def test_the_export_has_the_pictures_and_says_which_are_lost(store: SqliteStore, pictures: PictureFolder) -> None:
    """A picture's row names its file; null where the file is gone."""
    archive, contents = opened(store, pictures)
    files = {picture["id"]: picture["file"] for picture in contents["pictures"]}
    assert files == {
        "picture-of-the-screen": "pictures/picture-of-the-screen.png",
        "picture-that-got-lost": None,
    }
    assert archive.read("pictures/picture-of-the-screen.png") == PNG
    assert sorted(archive.namelist()) == ["conversation.json", "pictures/picture-of-the-screen.png"]


def test_the_export_has_nothing_of_others(store: SqliteStore, pictures: PictureFolder) -> None:
    """Another's words are not in it; Chinese is readable without decoding."""
    archive, _ = opened(store, pictures)
    text = archive.read("conversation.json").decode("utf-8")
    assert "别人的话" not in text
    assert "账号被锁了😀" in text


def test_an_unknown_conversation_is_an_error_and_writes_nothing(store: SqliteStore, pictures: PictureFolder) -> None:
    """The Chinese text can be shown as it is."""
    out = io.BytesIO()
    with pytest.raises(NoConversation, match="没有这个会话"):
        export(store, pictures, "nobody", out)
    assert out.getvalue() == b""


def test_the_export_can_be_streamed_and_holds_one_picture_at_a_time(
    store: SqliteStore, pictures: PictureFolder
) -> None:
    """30 pictures of 2 MB go through in much less than their sum, into something that cannot seek."""

    class Pipe(io.RawIOBase):
        size = 0

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.size += len(data)
            return len(data)

    for number in range(30):
        name = f"picture-number-{number:04}"
        pictures.keep(name, Drawn(bytes(2_000_000), "image/png", 1, 1))
        store.write(lambda t, name=name: t.add_picture(Picture(name, "c", "image/png", 2_000_000, 1, 1, NOW)))
    pipe = Pipe()
    tracemalloc.start()
    export(store, pictures, "c", pipe)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pipe.size > 60_000_000
    assert peak < 10_000_000


def test_erasing_leaves_nothing_of_it_and_everything_of_others(store: SqliteStore, pictures: PictureFolder) -> None:
    """Rows and files go; a second time there is nothing to erase."""
    store.write(lambda t: t.update_ticket(change(t.tickets("c")[0], "resolved", NOW)))
    assert erase(store, pictures, "c") is True
    assert store.read(lambda t: (t.conversation("c"), t.picture("picture-of-the-screen"))) == (None, None)
    assert store.read(lambda t: (t.messages("c"), t.tickets("c"), t.events(1001), t.notices())) == ([], [], [], [])
    assert pictures.read("picture-of-the-screen") is None
    assert [m.text for m in store.read(lambda t: t.messages("other"))] == ["别人的话"]
    assert erase(store, pictures, "c") is False


def test_erasing_waits_for_staff_unless_forced(store: SqliteStore, pictures: PictureFolder) -> None:
    """While somebody works on it nothing is deleted; an administrator can insist."""
    with pytest.raises(InHand, match="工作人员正在处理"):
        erase(store, pictures, "c")
    assert len(store.read(lambda t: t.messages("c"))) == 4
    assert pictures.read("picture-of-the-screen") == PNG
    assert erase(store, pictures, "c", force=True) is True
    assert store.read(lambda t: t.conversation("c")) is None


def test_what_waits_can_be_erased(store: SqliteStore, pictures: PictureFolder) -> None:
    """The right to deletion does not wait for a queue."""
    store.write(lambda t: t.add_ticket("other", "human", system=None, now=NOW))
    store.write(lambda t: t.update_ticket(change(t.tickets("other")[0], "waiting", NOW + timedelta(hours=1))))
    assert erase(store, pictures, "other") is True
