"""The gate: events of the official platform in a form that its adapter can read."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from gatehouse import APP_ID, GROUP_MESSAGE, NOW, SECRET, Inner, Kept, dispatch, gate_before, post, signed
from nonebot.adapters.qq import Adapter as QQAdapter
from nonebot.adapters.qq.event import EVENT_CLASSES, C2CMessageCreateEvent, GroupMessageCreateEvent
from nonebot.adapters.qq.models import Dispatch

from bot.qq.callback import KINDS, complete
from bot.qq.gate import Gate

pytest_plugins = ("gatekeeper",)


@pytest.mark.parametrize(
    "payload",
    [
        {"op": 0, "t": "MESSAGE_CREATE", "d": {}},
        {"op": 0, "t": "AT_MESSAGE_CREATE", "d": {"id": "1", "guild_id": "2"}},
        {"op": 0, "t": "DIRECT_MESSAGE_CREATE", "d": {}},
        {"op": 0, "t": "INTERACTION_CREATE", "d": {}},
        {"op": 0, "t": "NEVER_HEARD_OF", "d": {}},
        {"op": 0, "t": ["C2C_MESSAGE_CREATE"], "d": {}},
        {"op": 0, "t": "C2C_MESSAGE_CREATE", "d": "text"},
        {"op": 0, "t": "C2C_MESSAGE_CREATE", "d": {"content": "nobody's"}},
        {"op": 0, "t": "C2C_MESSAGE_CREATE"},
        {"op": 0},
        {"op": 7},
        {"op": "0", "t": "C2C_MESSAGE_CREATE"},
        {"op": []},
        {},
    ],
)
def test_what_nobody_wants_is_taken_and_dropped(payload: dict[str, Any]) -> None:
    """Guild messages, unknown and unreadable events: 200, or the platform would send them again and again."""
    inner = Inner()
    body = json.dumps(payload).encode()
    assert post(gate_before(inner), body, signed(body)) == (200, b"")
    assert inner.scopes == []


def test_an_unreadable_event_is_told_by_its_kind_alone(warned: pytest.LogCaptureFixture) -> None:
    """The log has the kind, once a minute with how often, and nothing of what was said or by whom."""
    now = float(NOW)
    app = Gate(Inner(), Kept(), bots={APP_ID: SECRET}, onebot_token=None, clock=lambda: now)
    body = dispatch("C2C_MESSAGE_CREATE", {"content": "私密的话", "author": {"user_openid": 5}})
    for _ in range(3):
        post(app, body, signed(body))
    for _ in range(2):
        now += 61
        post(app, body, signed(body))
    now += 300
    post(app, body, signed(body))
    assert [record.getMessage() for record in warned.records] == [
        "QQ：无法读取事件 C2C_MESSAGE_CREATE，已略过",
        "QQ：无法读取事件 C2C_MESSAGE_CREATE，已略过（此前另有 2 次）",
        "QQ：无法读取事件 C2C_MESSAGE_CREATE，已略过",
        "QQ：回调没有时间戳，或与本机时间相差超过 300 秒",
    ]
    assert {record.levelno for record in warned.records} == {logging.WARNING}


def read(kind: str, data: dict[str, Any]) -> Any:
    """The event that the adapter makes of this."""
    completed = complete(kind, data, NOW)
    assert completed is not None
    payload = Dispatch.model_validate({"op": 0, "id": "event", "t": kind, "d": completed})
    return QQAdapter.payload_to_event(payload)


@pytest.mark.parametrize("kind", ["GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"])
@pytest.mark.parametrize(
    "author",
    [
        {"member_openid": "MEMBER"},
        {"id": "MEMBER", "member_openid": "MEMBER", "bot": None, "member_role": None},
        {"member_openid": "MEMBER", "bot": False, "member_role": "robot"},
        {"id": None, "member_openid": "MEMBER", "username": None},
    ],
)
def test_a_group_message_needs_no_more_of_its_author_than_who_it_is(kind: str, author: dict[str, Any]) -> None:
    """The adapter would drop it silently without `bot` and `member_role`, which the documented example lacks."""
    event = read(kind, {**GROUP_MESSAGE, "author": author})
    assert isinstance(event, GroupMessageCreateEvent)
    assert (event.author.id, event.author.member_openid, event.author.bot) == ("MEMBER", "MEMBER", False)
    assert event.author.member_role == "member"
    assert (event.group_id, event.group_openid, event.get_user_id()) == ("GROUP", "GROUP", "MEMBER")
    assert event.get_message().extract_plain_text() == "密码忘记了怎么办"


def test_what_is_there_is_left_as_it_is() -> None:
    """Nothing that the platform says is overwritten."""
    said = {
        **GROUP_MESSAGE,
        "group_id": "ANOTHER",
        "author": {"id": "ID", "member_openid": "MEMBER", "bot": True, "member_role": "owner", "username": "名字"},
        "attachments": [{"content_type": "image/jpeg", "url": "https://example.org/a", "height": 1, "width": 2}],
        "mentions": [
            *({"scope": "single", "bot": True, "id": "a", "is_you": True, "member_openid": "b", "username": "c"},),
            *({"scope": "all", "is_you": True, "username": "全体成员"},),
        ],
        "message_scene": {"ext": ["a"], "source": "default"},
        "message_type": 103,
        "msg_idx": "REFIDX",
        "msg_elements": [{"content": "x", "attachments": [{"content_type": "file"}]}],
    }
    assert complete("GROUP_MESSAGE_CREATE", said, NOW) == said


@pytest.mark.parametrize(
    ("extra", "left"),
    [
        ({"attachments": [{"url": "a.example/b"}]}, True),
        ({"attachments": [{"url": None, "content_type": None}]}, True),
        ({"attachments": None}, True),
        ({"attachments": ["nonsense"]}, False),
        ({"attachments": [{"url": "http://["}]}, False),
        ({"mentions": [{"member_openid": "BOT", "is_you": True}]}, True),
        ({"mentions": [{"scope": "all", "is_you": False}]}, True),
        ({"mentions": [7]}, False),
        ({"mentions": {}}, False),
        ({"message_scene": {"source": "default"}}, True),
        ({"message_scene": "default"}, False),
        ({"message_type": "text"}, False),
        ({"msg_elements": [{"attachments": [{}]}]}, True),
        ({"msg_elements": [{"author": {"bot": "no idea"}}]}, False),
        ({"msg_elements": "nonsense"}, False),
        ({"to_me": "perhaps"}, False),
        ({"to_me": True}, False),
        ({"reply": {"content": "x"}}, False),
        ({"message": "boo"}, False),
        ({"original_message": 3}, False),
        ({"something": {"new": [1]}}, True),
    ],
)
def test_what_else_is_said_of_a_message_never_stops_it(extra: dict[str, Any], left: bool) -> None:
    """It is completed, or left out where it can be neither read nor completed."""
    for kind, data in (
        ("GROUP_MESSAGE_CREATE", GROUP_MESSAGE),
        ("C2C_MESSAGE_CREATE", {"id": "1", "content": "密码忘记了怎么办", "author": {"user_openid": "USER"}}),
    ):
        completed = complete(kind, {**data, **extra}, NOW)
        assert completed is not None
        assert (next(iter(extra)) in completed) == (left and next(iter(extra.values())) is not None)
        event = read(kind, {**data, **extra})
        assert event.get_message().extract_plain_text().strip() == "密码忘记了怎么办"


def test_a_mention_of_the_bot_is_seen() -> None:
    """However little is said of it: in groups where the bot hears everything, that is how it is addressed."""
    event = read("GROUP_MESSAGE_CREATE", {**GROUP_MESSAGE, "mentions": [{"member_openid": "BOT", "is_you": True}]})
    assert [mention.is_you for mention in event.mentions] == [True]
    assert [segment.data["user_id"] for segment in event.get_message()["mention_user"]] == ["BOT"]


def test_a_private_message_may_be_a_picture_alone() -> None:
    """It then has no content, and the documented example's author has no `id`."""
    picture = {"content_type": "image/png", "url": "https://multimedia.nt.qq.com.cn/a"}
    event = read("C2C_MESSAGE_CREATE", {"id": "1", "author": {"user_openid": "USER"}, "attachments": [picture]})
    assert isinstance(event, C2CMessageCreateEvent)
    assert (event.get_user_id(), event.author.id, event.content) == ("USER", "USER", "")
    assert [segment.data["url"] for segment in event.get_message()["image"]] == [picture["url"]]


@pytest.mark.parametrize("missing", ["id", "author", "group_openid"])
def test_nobody_and_nowhere_are_not_made_up(missing: str) -> None:
    """Which message it is, who wrote it and in what group: without these it cannot be read."""
    assert complete("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, missing: None}, NOW) is None
    assert complete("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "author": {"id": "MEMBER"}}, NOW) is None


@pytest.mark.parametrize("openid", ["", 5, "a/../../groups/G", "..", "a?b", "用户", "a\n", "A" * 20 + "%2F"])
def test_an_id_that_leads_elsewhere_is_none(openid: Any) -> None:
    """Answers go to addresses of the platform's that are made with it."""
    group = {**GROUP_MESSAGE, "author": {"id": "MEMBER", "member_openid": openid}}
    assert complete("GROUP_AT_MESSAGE_CREATE", group, NOW) is None
    assert complete("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "group_openid": openid}, NOW) is None
    assert complete("C2C_MESSAGE_CREATE", {"id": "1", "author": {"id": "U", "user_openid": openid}}, NOW) is None
    assert complete("C2C_MESSAGE_CREATE", {"id": "1", "author": {"user_openid": "a-B_9"}}, NOW) is not None


@pytest.mark.parametrize("kind", sorted(KINDS - {"C2C_MESSAGE_CREATE"}))
def test_every_kind_can_be_read_without_what_may_be_missing(kind: str) -> None:
    """Friends and groups come and go: a timestamp and who did it may be missing, and are of no consequence."""
    data: dict[str, Any] = {"openid": "USER", "group_openid": "GROUP"}
    if "MESSAGE" in kind:
        data = GROUP_MESSAGE
    assert type(read(kind, data)) is EVENT_CLASSES[kind]
    assert complete(kind, {}, NOW) is None


def test_an_event_without_an_id_goes_on() -> None:
    """The adapter would take an id that is no text for no event at all."""
    inner = Inner()
    for event_id, goes_on in ((5, None), ("C2C:1", "C2C:1")):
        body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE, event_id)
        assert post(gate_before(inner), body, signed(body))[0] == 200
        assert inner.events[-1]["id"] == goes_on
