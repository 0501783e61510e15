"""The gate before NoneBot: only what is surely from QQ comes through, in a form that the adapters can read."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import nonebot
import pytest
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nonebot.adapters.onebot import v11 as onebot
from nonebot.adapters.qq import Adapter as QQAdapter
from nonebot.adapters.qq.event import EVENT_CLASSES, C2CMessageCreateEvent, GroupMessageCreateEvent
from nonebot.adapters.qq.models import Dispatch
from nonebot.drivers import ASGIMixin
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.qq import connection, gate
from bot.qq.callback import KINDS, complete
from bot.qq.gate import Gate
from bot.qq.payload import DEEPEST, read_object, write_object
from bot.qq.signature import Key

APP_ID, SECRET = "11111111", "DG5g3B4j9X2KOErG"
NOW = 1725442341
TOKEN = "a-token-of-onebot"
SELF_ID = "1234567890"
KEY = Key(SECRET)
VECTOR: dict[str, Any] = {"d": {"plain_token": "Arq0D5A61EgUu4OxUvOp", "event_ts": str(NOW)}, "op": 13}
PUBLISHED = (
    "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d0"
    "1bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
)
GROUP_MESSAGE = {
    "id": "ROBOT1.0_group",
    "content": " 密码忘记了怎么办",
    "timestamp": "2024-09-04T17:32:21+08:00",
    "group_openid": "GROUP",
    "author": {"member_openid": "MEMBER"},
}

Headers = list[tuple[bytes, bytes]]


@dataclass
class Inner:
    """An application that remembers what reached it."""

    status: int = 200
    error: Exception | None = None
    scopes: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        self.bodies.append((await receive())["body"])
        assert (await receive())["type"] == "http.disconnect"
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


def gate_before(app: ASGIApp, now: float = NOW, **changed: Any) -> Gate:
    return Gate(app, **{"bots": {APP_ID: SECRET}, "onebot_token": TOKEN, "clock": lambda: now, **changed})


def http(path: str, method: str = "POST", headers: Headers | None = None) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("203.0.113.7", 5000),
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"x-bot-appid", APP_ID.encode())] if headers is None else headers,
    }


async def ask(app: ASGIApp, scope: Scope, *parts: bytes, slow: bool = False) -> tuple[int, bytes]:
    """The status and body of a response; the request's body comes in these parts, and then perhaps nothing."""
    pending = [
        {"type": "http.request", "body": part, "more_body": slow or number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if pending:
            return pending.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def signed(body: bytes, at: str = str(NOW), key: Key = KEY) -> Headers:
    return [
        (b"x-bot-appid", APP_ID.encode()),
        (b"x-signature-timestamp", at.encode()),
        (b"x-signature-ed25519", key.sign(at, body).encode()),
    ]


def post(app: ASGIApp, body: bytes, headers: Headers | None = None) -> tuple[int, bytes]:
    return asyncio.run(ask(app, http("/qq/webhook", headers=headers), body))


def dispatch(kind: str, data: Any, event_id: Any = "event") -> bytes:
    return json.dumps({"op": 0, "id": event_id, "t": kind, "s": 7, "d": data}).encode()


# The official platform: who sent it


def test_a_signed_event_goes_on_signed_anew() -> None:
    """The adapter's own check passes what the gate wrote, and sees no header that the gate did not look at."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(inner, NOW + 290), body, [*signed(body), (b"cookie", b"a=b")]) == (200, b"{}")
    headers = dict(inner.scopes[0]["headers"])
    assert set(headers) == {
        *(b"host", b"content-type", b"content-length"),
        *(b"x-bot-appid", b"x-signature-timestamp", b"x-signature-ed25519"),
    }
    assert int(headers[b"content-length"]) == len(inner.bodies[0])
    assert headers[b"x-signature-timestamp"] == str(NOW + 290).encode()
    assert KEY.has_signed(headers[b"x-signature-ed25519"].decode(), str(NOW + 290), inner.bodies[0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: signed(body)[:1],
        lambda body: signed(body)[:2],
        lambda body: [*signed(body)[:1], signed(body)[2]],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"no hex")],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"ab" * 63)],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"a" * 127)],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"00" * 64)],
        lambda body: [*signed(body)[:2], (b"x-signature-ed25519", b"\xe9" * 128)],
        lambda body: signed(body + b" "),
        lambda body: signed(body, key=Key("another")),
        lambda body: signed(body, at=str(NOW - 301)),
        lambda body: signed(body, at=str(NOW + 301)),
        lambda body: signed(body, at=f"0{NOW}"),
        lambda body: signed(body, at=f"{NOW}\n"),
        lambda body: signed(
            body, at=str(NOW).translate({ord(digit): ord(digit) - 48 + 0xFF10 for digit in "0123456789"})
        ),
        lambda body: [*signed(body), *signed(body)[1:]],
        lambda body: [*signed(body), (b"x-bot-appid", b"another")],
        lambda body: [(b"x-bot-appid", b"another"), *signed(body)[1:]],
        lambda body: signed(body)[1:],
        lambda _: [],
    ],
)
@pytest.mark.parametrize("size", [0, 4096])
def test_what_is_not_signed_is_refused(spoil: Callable[[bytes], Headers], size: int) -> None:
    """No signature, none at all, another's, of another body or another time, or two: 403, however long the body."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "content": "x" * size})
    assert post(gate_before(inner), body, spoil(body)) == (403, b"")
    assert inner.scopes == []
    assert post(gate_before(inner), body, signed(body))[0] == 200


def test_skew_of_five_minutes_is_taken() -> None:
    """Clocks differ: up to 300 seconds either way are no reason to refuse."""
    for now in (NOW - 300, NOW + 300):
        inner = Inner()
        body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
        assert post(gate_before(inner, now), body, signed(body))[0] == 200
        assert len(inner.bodies) == 1


def test_the_signature_is_of_the_raw_body() -> None:
    """The same JSON in other bytes is not what was signed."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(inner), body + b" ", signed(body))[0] == 403
    assert inner.scopes == []


def test_nothing_long_is_read_before_it_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON is parsed only once the signature is right, or if it is short enough for a validation."""
    read: list[bytes] = []

    def note(data: bytes) -> dict[str, Any]:
        read.append(data)
        return read_object(data)

    monkeypatch.setattr("bot.qq.callback.read_object", note)
    long = json.dumps({**VECTOR, "more": "x" * 1024}).encode()
    assert post(gate_before(Inner()), long)[0] == 403
    assert read == []
    assert post(gate_before(Inner()), long, signed(long))[0] == 200
    assert read == [long]


# The official platform: validations


def test_the_official_validation_goes_on() -> None:
    """The example of the platform's documentation, which has no signature, and nothing but what it consists of."""
    inner = Inner()
    body = json.dumps({**VECTOR, "opcode": 0, "data": {}, "t": "C2C_MESSAGE_CREATE"}).encode()
    assert post(gate_before(inner), body)[0] == 200
    assert inner.events == [VECTOR]
    assert KEY.sign(VECTOR["d"]["event_ts"], VECTOR["d"]["plain_token"].encode()) == PUBLISHED


@pytest.mark.parametrize(
    "data",
    [
        {"plain_token": '{"op":0,"t":"C2C_MESSAGE_CREATE","d":{"content":"forged"}}', "event_ts": str(NOW)},
        {"plain_token": "", "event_ts": str(NOW)},
        {"plain_token": "a" * 65, "event_ts": str(NOW)},
        {"plain_token": "abc\n", "event_ts": str(NOW)},
        {"plain_token": "密码", "event_ts": str(NOW)},
        {"plain_token": "１２", "event_ts": str(NOW)},
        {"plain_token": 12, "event_ts": str(NOW)},
        {"plain_token": "abc", "event_ts": NOW},
        {"plain_token": "abc", "event_ts": f'{NOW}{{"op":0}}'},
        {"plain_token": "abc", "event_ts": f"{NOW}000"},
        {"plain_token": "abc", "event_ts": str(NOW - 301)},
        {"plain_token": "abc", "event_ts": str(NOW + 301)},
        {"plain_token": "abc"},
        {"event_ts": str(NOW)},
        {},
        [],
        None,
        "abc",
    ],
)
def test_a_validation_that_would_sign_anything_else_is_refused(data: Any) -> None:
    """The forged event among them, signed or not: nothing that the adapter would sign gets there."""
    inner = Inner()
    body = json.dumps({"op": 13, "d": data}).encode()
    assert post(gate_before(inner), body)[0] == 403
    assert post(gate_before(inner), body, signed(body))[0] == 403
    assert inner.scopes == []


@settings(max_examples=60, deadline=None)
@given(
    token=st.from_regex("[A-Za-z0-9]{1,64}", fullmatch=True),
    at=st.integers(NOW - 300, NOW + 300).map(str),
    data=st.data(),
)
@example(token="0", at=str(NOW), data=None)
def test_no_answered_validation_is_an_event(token: str, at: str, data: Any) -> None:
    """However its signed bytes are split into a timestamp and a body, the signature lets no event in."""
    taken = Inner()
    asyncio.run(
        ask(
            gate_before(taken),
            http("/qq/webhook"),
            json.dumps({"op": 13, "d": {"plain_token": token, "event_ts": at}}).encode(),
        )
    )
    assert len(taken.bodies) == 1, "the adapter signs it"
    bytes_signed = (at + token).encode()
    signature = KEY.sign(at, token.encode()).encode()
    assert b"{" not in bytes_signed, "which every object has"
    split = data.draw(st.integers(0, len(bytes_signed))) if data else len(at)
    for cut in {split, len(at)}:
        inner = Inner()
        headers = [
            (b"x-bot-appid", APP_ID.encode()),
            (b"x-signature-timestamp", bytes_signed[:cut]),
            (b"x-signature-ed25519", signature),
        ]
        status, _ = post(gate_before(inner), bytes_signed[cut:], headers)
        assert status in {400, 403}
        assert inner.scopes == []


# The official platform: bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"13",
        b'"{}"',
        b'{"op":13,"op":0}',
        b'{"op":0,"d":{"a":1,"a":2}}',
        b'{"op":NaN}',
        b'{"op":-Infinity}',
        b'{"op":1e999}',
        b'{"op":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"op":0}',
        '{"op":0}'.encode("utf-16"),
        b'{"a":' + b"[" * 100_000,
        b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST,
        b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_signed_nonsense_is_answered_400(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """No object, a name twice, no number, no UTF-8, too deep: refused in a line, without a trace of the stack."""
    inner = Inner()
    assert post(gate_before(inner), body, signed(body)) == (400, b"")
    assert inner.scopes == []
    assert [record.exc_info for record in caplog.records] == [None]


def test_depth_ends_where_it_says() -> None:
    """So many levels are read, and one more is not."""
    read_object(b'{"a":' * (DEEPEST - 1) + b"{}" + b"}" * (DEEPEST - 1))
    with pytest.raises(ValueError, match="deep"):
        read_object(b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST)


def test_half_a_character_does_not_stop_a_message() -> None:
    """JSON can hold what UTF-8 cannot; it goes on as a question mark."""
    assert write_object(read_object(b'{"a":"\\ud83d!"}')) == b'{"a":"?!"}'


def test_a_body_is_counted_as_it_comes() -> None:
    """256 KiB are taken, a byte more is not, whatever length was promised; the rest is not waited for."""
    inner = Inner()
    filler = gate.LARGEST_BODY - len(dispatch("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "more": ""}))
    for more, status in ((0, 200), (1, 413)):
        body = dispatch("GROUP_AT_MESSAGE_CREATE", {**GROUP_MESSAGE, "more": "x" * (filler + more)})
        scope = http("/qq/webhook", headers=[*signed(body), (b"content-length", b"2")])
        parts = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        assert asyncio.run(ask(gate_before(inner), scope, *parts))[0] == status
    assert len(inner.bodies) == 1
    assert (
        asyncio.run(ask(gate_before(inner), http("/qq/webhook"), b"x" * (gate.LARGEST_BODY + 1), slow=True))[0] == 413
    )


def test_a_slow_body_is_given_up() -> None:
    """Whoever sends a byte and then nothing holds no connection."""
    inner = Inner()
    app = gate_before(inner, body_seconds=0.05)
    assert asyncio.run(ask(app, http("/qq/webhook"), b"{", slow=True))[0] == 408
    assert gate.BODY_SECONDS == 10
    assert inner.scopes == []


def test_who_hangs_up_is_sent_nothing() -> None:
    """A client that leaves while it sends gets no response."""

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def never(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(gate_before(Inner())(http("/qq/webhook"), gone, never))


@settings(max_examples=150, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0", str(NOW)]),
            lambda each: (
                st.lists(each, max_size=3)
                | st.dictionaries(st.sampled_from(["op", "d", "t", "id", "plain_token", "event_ts"]) | st.text(), each)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"x-bot-appid", b"x-signature-timestamp", b"x-signature-ed25519", b"content-length"]),
            st.sampled_from([APP_ID.encode(), str(NOW).encode(), b"0" * 128]) | st.binary(max_size=140),
        )
    ),
    is_signed=st.booleans(),
)
def test_whatever_comes_is_refused_or_taken(body: bytes, headers: Headers, is_signed: bool) -> None:
    """Never an error of ours; and nothing goes on but what is signed, or a validation."""
    inner = Inner()
    status, _ = post(gate_before(inner), body, signed(body) if is_signed else headers)
    assert status in ({200, 400, 403} if is_signed else {200, 403})
    if not is_signed:
        assert all(event["op"] == 13 for event in inner.events)
        assert (status == 200) == bool(inner.events)


# The official platform: events


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


def test_an_unreadable_event_is_told_by_its_kind_alone(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the kind, once a minute with how often, and nothing of what was said or by whom."""
    now = float(NOW)
    app = Gate(Inner(), bots={APP_ID: SECRET}, onebot_token=None, clock=lambda: now)
    body = dispatch("C2C_MESSAGE_CREATE", {"content": "私密的话", "author": {"user_openid": 5}})
    for _ in range(3):
        post(app, body, signed(body))
    for _ in range(2):
        now += 61
        post(app, body, signed(body))
    now += 300
    post(app, body, signed(body))
    assert [record.getMessage() for record in caplog.records] == [
        "QQ：无法读取事件 C2C_MESSAGE_CREATE，已略过",
        "QQ：无法读取事件 C2C_MESSAGE_CREATE，已略过（此前另有 2 次）",
        "QQ：无法读取事件 C2C_MESSAGE_CREATE，已略过",
        "QQ：回调没有时间戳，或与本机时间相差超过 300 秒",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


@pytest.mark.parametrize("status", [200, 204, 400, 503])
def test_the_adapters_answer_is_passed_back(status: int) -> None:
    """Whoever stands behind the gate says whether the event was kept."""
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(Inner(status)), body, signed(body))[0] == status


def test_a_failing_adapter_has_the_platform_try_again(caplog: pytest.LogCaptureFixture) -> None:
    """503 and a line without what the error says, which may be what a person wrote."""
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(Inner(error=LookupError("私密"))), body, signed(body))[0] == 503
    assert [record.getMessage() for record in caplog.records] == [
        "QQ：适配器未能处理回调（LookupError），平台会再次推送"
    ]


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


# All other ways


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, "/qq/webhook") for method in ("GET", "HEAD", "PUT", "OPTIONS", "post")),
        *(("POST", path) for path in ("/qq/", "/qq/webhook/", "/qq", "/qq/webhook//", "/QQ/webhook", "/qq/other")),
        *(("POST", path) for path in ("/onebot/v11/", "/onebot/v11/http", "/onebot/v11/http/", "/onebot/v11/ws")),
        ("GET", "/onebot/v11/ws"),
    ],
)
def test_no_other_way_leads_in(method: str, path: str) -> None:
    """Not the adapters' other addresses, nor OneBot's reports by HTTP, whoever signs them."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    headers = [*signed(body), (b"x-self-id", SELF_ID.encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
    assert asyncio.run(ask(gate_before(inner), http(path, method, headers), body))[0] == 404
    assert inner.scopes == []


def test_a_platform_that_is_not_set_up_has_no_way_in() -> None:
    """Without bots there is no webhook, and without a token no WebSocket, not even for an empty one."""
    inner = Inner()
    body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
    assert post(gate_before(inner, bots={}), body, signed(body))[0] == 404
    for token in (None, ""):
        assert asyncio.run(refused(gate_before(inner, onebot_token=token), onebot_headers(""))) == 404
    with pytest.raises(ValueError, match="secret"):
        gate_before(inner, bots={APP_ID: ""})
    assert inner.scopes == []


def test_the_lifespan_goes_through() -> None:
    """NoneBot starts and stops with the application."""
    inner = Inner()

    async def never() -> Message:
        raise AssertionError

    async def nothing(_: Message) -> None: ...

    asyncio.run(gate_before(inner)({"type": "lifespan"}, never, nothing))
    assert [scope["type"] for scope in inner.scopes] == ["lifespan"]


# OneBot: who connects


def onebot_headers(token: str = TOKEN, self_id: str = SELF_ID, scheme: str = "Bearer") -> Headers:
    return [
        (b"x-self-id", self_id.encode()),
        (b"x-client-role", b"Universal"),
        (b"authorization", f"{scheme} {token}".encode()),
    ]


def websocket(headers: Headers, path: str = "/onebot/v11/ws", client: str = "203.0.113.7") -> Scope:
    return {
        **http(path, headers=headers),
        "type": "websocket",
        "scheme": "ws",
        "client": (client, 5000),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


async def refused(app: ASGIApp, headers: Headers, **changed: Any) -> int:
    """The status that a connection is refused with; 0 if it is not."""
    sent: list[Message] = []
    messages: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "websocket.disconnect", "code": 1000, "reason": ""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(websocket(headers, **changed), receive, send)
    return cast(int, sent[0].get("status", 0)) if sent else 0


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (0, onebot_headers()),
        (0, onebot_headers(scheme="Token")),
        (0, onebot_headers(scheme="bearer")),
        (0, [header for header in onebot_headers() if header[0] != b"x-client-role"]),
        (401, onebot_headers("wrong")),
        (401, onebot_headers("")),
        (401, onebot_headers(TOKEN[:-1])),
        (401, onebot_headers(f"{TOKEN}x")),
        (401, onebot_headers("密码")),
        (401, onebot_headers(scheme="Basic")),
        (401, onebot_headers()[:2]),
        (401, [*onebot_headers(), (b"authorization", f"Bearer {TOKEN}".encode())]),
        (400, onebot_headers(self_id="1234")),
        (400, onebot_headers(self_id="1" * 21)),
        (400, onebot_headers(self_id="12345x")),
        (400, onebot_headers(self_id="１２３４５")),
        (400, onebot_headers(self_id="")),
        (400, onebot_headers()[1:]),
        (400, [*onebot_headers(), (b"x-self-id", b"99999")]),
        (400, [onebot_headers()[0], (b"x-client-role", b"API"), onebot_headers()[2]]),
        (403, [*onebot_headers(), (b"origin", b"https://example.org")]),
        (403, [*onebot_headers(), (b"origin", b"")]),
    ],
)
def test_only_a_client_that_knows_the_token_comes_through(status: int, headers: Headers) -> None:
    """No browser, no part of a token, no account that is no number; and only what was checked goes on."""
    inner = Inner()
    assert asyncio.run(refused(gate_before(inner), headers)) == status
    assert len(inner.scopes) == (0 if status else 1)
    for scope in inner.scopes:
        assert sorted(scope["headers"]) == [
            (b"authorization", f"Bearer {TOKEN}".encode()),
            (b"host", b"localhost"),
            (b"x-self-id", SELF_ID.encode()),
        ]


def test_a_token_in_the_address_is_no_token() -> None:
    """Addresses are logged; and only the one path leads in."""
    inner = Inner()
    scope = {**websocket(onebot_headers()[:2]), "query_string": f"access_token={TOKEN}".encode()}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(gate_before(inner)(scope, receive, send))
    asyncio.run(gate_before(inner)({**scope, "extensions": {}}, receive, send))
    assert [(message["type"], message.get("status")) for message in sent] == [
        ("websocket.http.response.start", 401),
        ("websocket.http.response.body", None),
        ("websocket.close", None),
    ]
    for path in ("/onebot/v11/", "/onebot/v11/ws/", "/onebot/v12/ws", "/qq/webhook"):
        assert asyncio.run(refused(gate_before(inner), onebot_headers(), path=path)) == 404
    assert inner.scopes == []


def test_tokens_cannot_be_tried_out() -> None:
    """After ten wrong ones an address is not heard, even with the right one; others are."""
    inner = Inner()

    async def tried() -> None:
        app = gate_before(inner)
        for _ in range(10):
            assert await refused(app, onebot_headers("wrong")) == 401
        assert await refused(app, onebot_headers("wrong")) == 429
        assert await refused(app, onebot_headers()) == 429
        assert await refused(app, onebot_headers(), client="203.0.113.8") == 0

    asyncio.run(tried())
    assert len(inner.scopes) == 1


# OneBot and the official platform behind the gate, with NoneBot's own adapters


@dataclass
class Behind:
    """NoneBot's application, with the adapters and the events that reached its handlers."""

    app: ASGIApp
    bots: dict[str, Any]
    onebot: onebot.Adapter
    heard: list[Any]


@pytest.fixture
def nonebot_made(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Behind]:
    """A NoneBot of one's own, beside whatever NoneBot the process has."""

    def make() -> Behind:
        monkeypatch.setattr(nonebot, "_driver", None)
        nonebot.init(
            _env_file=None,
            driver="~fastapi+~httpx",
            host="127.0.0.1",
            port=8080,
            log_level="CRITICAL",
            qq_bots=[{"id": APP_ID, "secret": SECRET, "use_websocket": False}],
            onebot_access_token=TOKEN,
        )
        driver = nonebot.get_driver()
        heard: list[Any] = []

        async def hear(_: Any, event: Any) -> None:
            heard.append(event)

        async def me(_: Any) -> Any:
            from nonebot.adapters.qq.models import User  # noqa: PLC0415

            return User(id="BOT", username="在线咨询", bot=True)

        monkeypatch.setattr("nonebot.adapters.qq.bot.Bot.handle_event", hear)
        monkeypatch.setattr("nonebot.adapters.qq.bot.Bot.me", me)
        monkeypatch.setattr("nonebot.adapters.onebot.v11.bot.Bot.handle_event", hear)
        QQAdapter(driver)
        adapter = onebot.Adapter(driver)
        return Behind(cast(ASGIMixin, driver).asgi, cast(dict[str, Any], driver.bots), adapter, heard)

    return make


@asynccontextmanager
async def running(behind: Behind) -> AsyncIterator[Gate]:
    async with behind.app.router.lifespan_context(behind.app):  # type: ignore[attr-defined]
        yield gate_before(behind.app)


async def settled(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def test_the_adapter_answers_the_official_validation(nonebot_made: Callable[[], Behind]) -> None:
    """The published example gets the published signature, through the gate and the real adapter."""

    async def validated() -> tuple[int, bytes]:
        async with running(nonebot_made()) as app:
            return await ask(app, http("/qq/webhook"), json.dumps(VECTOR).encode())

    status, body = asyncio.run(validated())
    answer = json.loads(body)
    assert (status, answer["plain_token"]) == (200, "Arq0D5A61EgUu4OxUvOp")
    assert answer["signature"] == PUBLISHED


def test_the_adapter_reads_and_checks_what_goes_on(nonebot_made: Callable[[], Behind]) -> None:
    """Events that it would drop as they come arrive as messages; unsigned, past the gate, it refuses them."""

    async def heard() -> list[Any]:
        behind = nonebot_made()
        async with running(behind) as app:
            body = dispatch("GROUP_AT_MESSAGE_CREATE", GROUP_MESSAGE)
            assert (await ask(behind.app, http("/qq/webhook", headers=signed(body)), body))[0] == 200
            assert (await ask(behind.app, http("/qq/webhook"), body))[0] == 403
            assert behind.heard == []
            assert (await ask(app, http("/qq/webhook", headers=signed(body)), body))[0] == 200
            await settled(lambda: behind.heard)
            return behind.heard

    (event,) = asyncio.run(heard())
    assert (event.get_user_id(), event.id, event.event_id) == ("MEMBER", "ROBOT1.0_group", "event")


@dataclass
class Peer:
    """A OneBot client at the other end of a WebSocket."""

    app: ASGIApp
    scope: Scope = field(default_factory=lambda: websocket(onebot_headers()))
    incoming: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    sent: list[Message] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.incoming.put_nowait({"type": "websocket.connect"})
        app = cast(Callable[..., Awaitable[None]], self.app)
        self.task = asyncio.ensure_future(cast(Any, app(self.scope, self.incoming.get, self._take)))
        await settled(lambda: self.sent)

    async def _take(self, message: Message) -> None:
        self.sent.append(message)

    def say(self, frame: Any, kind: str = "text") -> None:
        text = frame if isinstance(frame, str | bytes) else json.dumps(frame)
        self.incoming.put_nowait({"type": "websocket.receive", kind: text})

    async def close(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        assert self.task is not None
        await asyncio.wait_for(self.task, 5)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]


PRIVATE = {
    "post_type": "message",
    "message_type": "private",
    "sub_type": "friend",
    "time": NOW,
    "self_id": int(SELF_ID),
    "user_id": 54321,
    "message_id": 9,
    "message": [{"type": "text", "data": {"text": "你好"}}],
    "raw_message": "你好",
    "font": 14,
    "sender": {"user_id": 54321, "nickname": "名字", "sex": "unknown", "age": 0},
}


def test_frames_that_are_no_events_leave_the_connection_open(nonebot_made: Callable[[], Behind]) -> None:
    """No JSON, no object, another account's, an answer to nothing: skipped, and the next message is heard."""

    async def heard() -> list[Any]:
        behind = nonebot_made()
        async with running(behind) as app:
            peer = Peer(app)
            await peer.open()
            for frame in (
                *("", "nonsense", "[]", "null", '{"post_type":"message","post_type":"message"}', '{"a":NaN}'),
                *(b"\xff\xfe", b"{", "[" * 100_000),
                *({}, {"echo": "1"}, {"echo": 1, "data": {}}, {"echo": "9" * 5000}, {"echo": None}),
                *({"post_type": "message"}, {**PRIVATE, "self_id": 99999}, {**PRIVATE, "user_id": "nobody"}),
                *({**PRIVATE, "message_type": "guild"}, {**PRIVATE, "post_type": ["message"]}),
                *({**PRIVATE, "notice_type": "poke"}, {**PRIVATE, "sub_type": {}}, {**PRIVATE, "time": "soon"}),
                {**PRIVATE, "raw_message": "x" * connection.LARGEST_FRAME},
            ):
                peer.say(frame, "bytes" if isinstance(frame, bytes) else "text")
            peer.incoming.put_nowait({"type": "websocket.receive", "text": None, "bytes": json.dumps(PRIVATE).encode()})
            peer.say({"post_type": "meta_event", "meta_event_type": "x", "time": NOW, "self_id": int(SELF_ID)})
            await settled(lambda: len(behind.heard) >= 2)
            assert peer.types == ["websocket.accept"]
            await peer.close()
            assert behind.bots == {}
            return behind.heard

    private, meta = asyncio.run(heard())
    assert isinstance(private, onebot.PrivateMessageEvent)
    assert private.get_plaintext() == "你好"
    assert meta.get_type() == "meta_event"


@pytest.mark.parametrize(
    "changed",
    [
        {"font": None},
        {"raw_message": None, "sub_type": None},
        {"sender": {"nickname": 5, "level": 3, "age": "old"}},
        {"sender": None},
        {"message_type": "group", "group_id": 77777, "sub_type": "normal", "sender": {"level": 1, "role": "owner"}},
        {"message": "你好"},
        {"message": [{"type": "text", "data": {"text": "你好"}}], "message_format": "array", "real_id": None},
    ],
)
def test_a_message_is_heard_however_its_client_puts_it(
    nonebot_made: Callable[[], Behind], changed: dict[str, Any]
) -> None:
    """Clients leave out what the adapter asks for, or give a sender's level as a number: it would be no message."""

    async def heard() -> list[Any]:
        behind = nonebot_made()
        async with running(behind) as app:
            peer = Peer(app)
            await peer.open()
            peer.say({**PRIVATE, **changed})
            await settled(lambda: behind.heard)
            await peer.close()
            return behind.heard

    (event,) = asyncio.run(heard())
    assert isinstance(event, onebot.MessageEvent)
    assert event.get_plaintext() == "你好"
    assert event.get_user_id() == "54321"


def test_an_answer_that_comes_twice_counts_once(nonebot_made: Callable[[], Behind]) -> None:
    """The adapter would fall over the second; answers of another connection's calls are not taken either."""

    async def called() -> Any:
        behind = nonebot_made()
        async with running(behind) as app:
            peer, other = Peer(app), Peer(app, websocket(onebot_headers(self_id="55555")))
            await peer.open()
            await other.open()
            call = asyncio.ensure_future(behind.bots[SELF_ID].get_status())
            await settled(lambda: len(peer.sent) == 2)
            echo = json.loads(peer.sent[1]["text"])["echo"]
            other.say({"status": "ok", "retcode": 0, "data": {"by": "other"}, "echo": echo})
            await settled(other.incoming.empty)
            for by in ("first", "second"):
                peer.say({"status": "ok", "retcode": 0, "data": {"by": by}, "echo": echo})
            answer = await call
            peer.say(PRIVATE)
            await settled(lambda: behind.heard)
            assert peer.types == ["websocket.accept", "websocket.send"]
            await peer.close()
            await other.close()
            return answer

    assert asyncio.run(called()) == {"by": "first"}


def test_answers_are_not_waited_for_without_end(
    nonebot_made: Callable[[], Behind], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of calls that nobody answers only so many are remembered; the latest still gets its answer."""
    monkeypatch.setattr(connection, "MOST_ASKED", 2)

    async def called() -> Any:
        behind = nonebot_made()
        async with running(behind) as app:
            peer = Peer(app)
            await peer.open()
            calls = [asyncio.ensure_future(behind.bots[SELF_ID].get_status()) for _ in range(3)]
            await settled(lambda: len(peer.sent) == 4)
            for message in peer.sent[1:]:
                peer.say({"status": "ok", "retcode": 0, "data": {}, "echo": json.loads(message["text"])["echo"]})
            await asyncio.gather(*calls[1:])
            done = calls[0].done()
            calls[0].cancel()
            await peer.close()
            return done

    assert asyncio.run(called()) is False


def test_a_new_connection_takes_the_place_of_the_old(nonebot_made: Callable[[], Behind]) -> None:
    """Also of one whose other end is silent: the old is closed, the new one hears, calls and can be replaced."""

    async def replaced() -> None:
        behind = nonebot_made()
        async with running(behind) as app:
            peers = [Peer(app) for _ in range(3)]
            for peer in peers:
                await peer.open()
            for old in peers[:2]:
                assert old.task is not None
                await settled(old.task.done)
                assert old.types == ["websocket.accept", "websocket.close"]
                assert old.sent[1]["code"] == 1008
            assert list(behind.bots) == [SELF_ID]
            peers[2].say(PRIVATE)
            await settled(lambda: behind.heard)
            call = asyncio.ensure_future(behind.bots[SELF_ID].get_status())
            await settled(lambda: len(peers[2].sent) == 2)
            echo = json.loads(peers[2].sent[1]["text"])["echo"]
            peers[2].say({"status": "ok", "retcode": 0, "data": {}, "echo": echo})
            assert await call == {}
            await peers[2].close()
            assert behind.bots == {}

    asyncio.run(replaced())


def test_many_that_come_at_once_leave_one(nonebot_made: Callable[[], Behind]) -> None:
    """The last is connected, all others are closed, and nobody waits for ever."""

    async def raced() -> None:
        behind = nonebot_made()
        async with running(behind) as app:
            peers = [Peer(app) for _ in range(8)]
            await asyncio.gather(*(peer.open() for peer in peers))
            await settled(lambda: sum(peer.task.done() for peer in peers if peer.task) == 7)
            (left,) = [peer for peer in peers if peer.task and not peer.task.done()]
            assert left.types == ["websocket.accept"]
            assert list(behind.bots) == [SELF_ID]
            await left.close()
            assert behind.bots == {}

    asyncio.run(raced())


def test_an_adapter_that_does_not_let_go_keeps_the_new_one_waiting_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client is told to come again, and is let in once the old connection is gone."""
    monkeypatch.setattr(connection, "PATIENCE", 0.02)

    async def stuck() -> None:
        held = asyncio.Event()

        async def inner(_: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await held.wait()

        app = gate_before(inner)
        first = Peer(app)
        await first.open()
        assert await refused(app, onebot_headers()) == 503
        held.set()
        assert first.task is not None
        await first.task
        assert first.types == ["websocket.accept", "websocket.close"]
        assert await refused(app, onebot_headers()) == 0

    asyncio.run(stuck())


def test_an_adapter_that_fails_ends_only_that_connection(caplog: pytest.LogCaptureFixture) -> None:
    """A line without what the error says; the client is told, and may come again."""

    async def failed() -> None:
        async def inner(_: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            raise LookupError("私密")

        app = gate_before(inner)
        for _ in range(2):
            peer = Peer(app)
            await peer.open()
            assert peer.task is not None
            await peer.task
            assert peer.types == ["websocket.accept", "websocket.close"]

    asyncio.run(failed())
    assert [record.getMessage() for record in caplog.records] == ["QQ：适配器未能处理 OneBot 连接（LookupError）"]


def test_a_silent_connection_of_a_real_server_gives_way(nonebot_made: Callable[[], Behind]) -> None:
    """The client that comes back is let in at once, though the first one's end never answers; a wrong token is told."""

    async def returned() -> None:
        behind = nonebot_made()
        async with running(behind) as app:
            config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws_max_size=connection.LARGEST_FRAME)
            server = uvicorn.Server(config)
            serving = asyncio.ensure_future(server.serve())
            await settled(lambda: server.started)
            port = server.servers[0].sockets[0].getsockname()[1]
            url, sent = f"ws://127.0.0.1:{port}/onebot/v11/ws", {"X-Self-ID": SELF_ID}
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = ["GET /onebot/v11/ws HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade"]
            lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
            lines += [f"X-Self-ID: {SELF_ID}", f"Authorization: Bearer {TOKEN}", "", ""]
            writer.write("\r\n".join(lines).encode())
            assert b" 101 " in await reader.readline()
            await settled(lambda: SELF_ID in behind.bots)
            with pytest.raises(InvalidStatus) as wrong:
                await connect(url, additional_headers={**sent, "Authorization": "Bearer wrong"})
            assert wrong.value.response.status_code == 401
            async with connect(url, additional_headers={**sent, "Authorization": f"Bearer {TOKEN}"}) as client:
                await client.send("nonsense")
                await client.send(json.dumps(PRIVATE))
                await settled(lambda: behind.heard)
            writer.close()
            server.should_exit = True
            await serving

    asyncio.run(returned())


@settings(max_examples=60, deadline=None)
@given(
    frame=st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from([*PRIVATE, "echo", "notice_type", "meta_event_type", "group_id", "anonymous"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["message", "group", "notice"])
        | st.lists(st.integers(), max_size=2)
        | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    ).map(lambda changed: json.dumps({**PRIVATE, **changed}).encode())
)
@example(frame=json.dumps({**PRIVATE, "post_type": "notice", "time": "soon"}).encode())
@example(frame=json.dumps({**PRIVATE, "post_type": "notice", "message_type": None}).encode())
def test_no_frame_ends_a_connection_or_reaches_the_log(frame: bytes) -> None:
    """What passes can be read by the adapter, which else would write all of it to its log."""

    async def passed() -> list[Message]:
        taken: list[Message] = []

        async def inner(_: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                taken.append(message)

        peer = Peer(gate_before(inner))
        await peer.open()
        peer.say(frame, "bytes")
        peer.say(PRIVATE)
        await peer.close()
        return taken

    _, *events, last = asyncio.run(passed())
    assert json.loads(last["text"])["message_id"] == 9
    for event in events:
        assert onebot.Adapter.json_to_event(json.loads(event["text"])) is not None


@pytest.fixture(autouse=True)
def _warnings_of_our_own(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING, logger="bot.qq"):
        yield
