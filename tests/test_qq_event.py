"""What the adapters' events say in our own words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from nonebot.adapters.onebot import v11 as onebot
from nonebot.adapters.qq import C2CMessageCreateEvent, GroupAtMessageCreateEvent, GroupMessageCreateEvent

from bot.qq.event import REPLIED_TO, heard, is_addressed, without_reply
from bot.qq.model import Address, Heard

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SENT = datetime(2026, 11, 2, 8, 59, tzinfo=UTC)
PICTURE = "https://multimedia.nt.qq.com.cn/download?appid=1406"


def private(**more: Any) -> C2CMessageCreateEvent:
    data = {
        "event_id": "e",
        "id": "ROBOT1.0_a",
        "content": "账号被锁",
        "timestamp": "2026-11-02T16:59:00+08:00",
        "author": {"id": "LI", "user_openid": "LI"},
    }
    return C2CMessageCreateEvent.model_validate(data | more)


def said(*segments: dict[str, Any], **more: Any) -> onebot.Event | None:
    """A OneBot message event, as the adapter makes it of what came."""
    raw = {
        "time": int(SENT.timestamp()),
        "self_id": 10001,
        "post_type": "message",
        "message_type": "private",
        "sub_type": "friend",
        "message_id": -7,
        "user_id": 20001,
        "message": [*segments],
        "raw_message": "",
        "font": 14,
        "sender": {},
    }
    return onebot.Adapter.json_to_event(without_reply(raw | more))


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "data": {"text": words}}


def test_a_private_message_of_the_official_platform() -> None:
    """Its words without the space around them, its pictures' addresses, and when it was sent."""
    attached = [{"content_type": "image/png", "url": PICTURE, "filename": "a.png"}]
    content = ' 账号被锁 &lt;1&gt;<faceType=1,faceId="13",ext="eyJ0ZXh0IjoiIn0="> '
    found = heard(private(content=content, attachments=attached), "102", NOW)
    assert found == Heard(Address("qq", "102", "LI"), "ROBOT1.0_a", "账号被锁 <1>", (PICTURE,), SENT)


def test_half_an_emoji_becomes_a_question_mark() -> None:
    """In words and in addresses: no store could keep it, and the message would be lost."""
    event = said(text("账号\ud83d被锁"), {"type": "image", "data": {"url": f"{PICTURE}\udc00"}})
    assert event is not None
    found = heard(event, "10001", NOW)
    assert found is not None
    assert (found.text, found.pictures) == ("账号?被锁", (f"{PICTURE}?",))


def test_a_group_message_is_of_its_member_there() -> None:
    """Addressed, as the platform only tells of those."""
    data = private().model_dump() | {
        "author": {"id": "M", "member_openid": "M", "bot": False, "member_role": "member"},
        "group_id": "G",
        "group_openid": "G",
        "content": "账号被锁",
    }
    event = GroupAtMessageCreateEvent.model_validate(data)
    found = heard(event, "102", NOW)
    assert found is not None
    assert (found.address, found.text) == (Address("qq", "102", "M", "G"), "账号被锁")
    assert is_addressed(event)


@pytest.mark.parametrize(
    "stamp", ["", "yesterday", "2026-11-02T08:59:00", "2126-01-01T00:00:00+08:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_that_is_none_or_to_come_is_now(stamp: str) -> None:
    """So that no window to reply is longer than the platform's."""
    found = heard(private(timestamp=stamp), "102", NOW)
    assert found is not None
    assert found.at == NOW


def mention(who: str, **more: Any) -> dict[str, Any]:
    return {"scope": "single", "bot": False, "id": who, "is_you": False, "member_openid": who, "username": who} | more


ME = mention("ME", is_you=True, bot=True)
ALL = {"scope": "all", "is_you": True, "username": "全体成员"}


@pytest.mark.parametrize(
    ("content", "mentions", "addressed"),
    [
        ("<@ME> 账号被锁", [ME], True),
        ("请问 <@ME> 账号被锁", [ME], True),
        ("<@LI> <@ME> 账号被锁", [mention("LI"), ME], True),
        ("账号被锁", [ME], True),
        ("账号被锁", None, False),
        ("账号被锁", [ALL], False),
        ("<@LI> 账号被锁", [mention("LI")], False),
        ("<@OTHER> 账号被锁", [mention("OTHER", bot=True)], False),
    ],
)
def test_where_the_bot_hears_all_of_a_group_who_names_it_means_it(
    content: str, mentions: list[dict[str, Any]] | None, *, addressed: bool
) -> None:
    """Anywhere in the message; whom the adapter takes it to be for, as a reply to any bot, does not count."""
    data = private().model_dump() | {
        "author": {"id": "M", "member_openid": "M", "bot": False, "member_role": "member"},
        "group_id": "G",
        "group_openid": "G",
        "content": content,
        "mentions": mentions,
    }
    event = GroupMessageCreateEvent.model_validate(data | {"to_me": not addressed})
    assert is_addressed(event) == addressed


def test_a_onebot_message_is_its_words_and_pictures() -> None:
    """Faces, marks and whatever else have none."""
    event = said(
        text("账号 "),
        {"type": "face", "data": {"id": "14"}},
        {"type": "image", "data": {"file": "a.png", "url": PICTURE}},
        {"type": "record", "data": {"file": "a.amr"}},
        text("被锁"),
    )
    assert event is not None
    assert heard(event, "10001", NOW) == Heard(Address("onebot", "10001", "20001"), "-7", "账号 被锁", (PICTURE,), SENT)
    assert is_addressed(event)


def test_a_message_that_quotes_says_which_and_asks_nobody_for_it() -> None:
    """The adapter would ask the platform, and wait."""
    event = said({"type": "reply", "data": {"id": "42"}}, text("还有呢"), message_type="group", group_id=30001)
    assert isinstance(event, onebot.GroupMessageEvent)
    assert [segment.type for segment in event.message] == ["text"]
    assert getattr(event, REPLIED_TO) == "42"
    found = heard(event, "10001", NOW)
    assert found is not None
    assert found.address.group == "30001"
    assert not is_addressed(event)


@pytest.mark.parametrize(
    "more",
    [
        {"user_id": 10001},
        {"message_type": "group", "group_id": 1, "anonymous": {"id": 1, "name": "某人", "flag": "x"}},
    ],
)
def test_what_it_said_itself_or_nobody_can_be_answered_for_is_left_alone(more: dict[str, Any]) -> None:
    """Or the bot would talk with itself."""
    event = said(text("你好"), **more)
    assert event is not None
    assert heard(event, "10001", NOW) is None


@pytest.mark.parametrize(
    ("segments", "addressed"),
    [
        ([text("大家好 "), {"type": "at", "data": {"qq": "10001"}}, text(" 账号锁了")], True),
        ([{"type": "at", "data": {"qq": "20002"}}, {"type": "at", "data": {"qq": "10001"}}, text("怎么办")], True),
        ([text("大家好 "), {"type": "at", "data": {"qq": "all"}}, text(" 账号锁了")], False),
    ],
)
def test_who_names_the_bot_anywhere_means_it(segments: list[dict[str, Any]], *, addressed: bool) -> None:
    """Who names everybody does not."""
    event = said(*segments, message_type="group", group_id=30001)
    assert event is not None
    assert is_addressed(event) == addressed


def test_a_message_written_as_one_string_quotes_as_well() -> None:
    """As some clients have it."""
    event = said(message_type="group", group_id=30001, message="[CQ:reply,id=42]还有呢")
    assert isinstance(event, onebot.GroupMessageEvent)
    assert (str(event.message), getattr(event, REPLIED_TO)) == ("还有呢", "42")


def test_other_bots_are_left_alone() -> None:
    """Two that name each other would never end."""
    author = {"id": "M", "member_openid": "M", "bot": True, "member_role": "member"}
    data = private().model_dump() | {"author": author, "group_id": "G", "group_openid": "G"}
    assert heard(GroupAtMessageCreateEvent.model_validate(data), "102", NOW) is None


@pytest.mark.parametrize("raw", [{}, {"post_type": "meta_event"}, {"post_type": "message", "message": "你好"}])
def test_what_quotes_nothing_stays_as_it_is(raw: dict[str, Any]) -> None:
    """Whatever it is."""
    assert without_reply(raw) is raw
