"""The gate: frames of OneBot clients in a form that the adapter can read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from gatehouse import NOW, PRIVATE, SELF_ID, Behind, Peer, gate_before, onebot_headers, running, settled, websocket
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nonebot.adapters.onebot import v11 as onebot
from starlette.types import Message, Receive, Scope, Send

from bot.qq import connection

pytest_plugins = ("gatekeeper",)


UNFIT = [
    *(5, "你好", None, {}, {"type": None, "data": {}}, {"type": ["text"], "data": {"text": "你好"}}),
    *({"type": "text"}, {"type": "text", "data": {}}, {"type": "text", "data": {"text": ["你好"]}}),
    {"type": "image", "data": ["a"]},
]
"""What is no part of a message."""


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
                *({**PRIVATE, "message": [each]} for each in UNFIT),
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
        {"message": [{"type": "face", "data": None}, {"type": "dice"}, *PRIVATE["message"]]},
        {"message": [*PRIVATE["message"], {"type": "forward", "data": {"id": 5, "content": [{"type": 1}]}}]},
        {"to_me": "perhaps", "reply": {"id": 1}, "original_message": 5, "replied_to": ["x"]},
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


def test_what_is_told_of_a_part_is_read_as_text() -> None:
    """As the standard has it; a client may give a number as such. What the adapter adds itself is its own to say."""

    async def passed() -> list[Message]:
        taken = list[Message]()

        async def inner(_: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                taken.append(message)

        peer = Peer(gate_before(inner))
        await peer.open()
        parts = [
            {"type": "at", "data": {"qq": 10001, "more": {"a": [1]}}, "id": 7},
            {"type": "text", "data": {"text": 5}},
            {"type": "image", "data": {"url": "u", "file_size": 12.5, "summary": None}},
        ]
        peer.say({**PRIVATE, "message": parts, "to_me": True, "reply": {}, "original_message": [], "replied_to": "x"})
        await peer.close()
        return taken

    _, message = asyncio.run(passed())
    assert json.loads(message["text"]) == {
        **PRIVATE,
        "message": [
            {"type": "at", "data": {"qq": "10001"}},
            {"type": "text", "data": {"text": "5"}},
            {"type": "image", "data": {"url": "u", "file_size": "12.5"}},
        ],
        "sender": {"nickname": "名字"},
    }


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
