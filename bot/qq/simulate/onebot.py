"""OneBotPeer: a OneBot v11 client such as LLBot or NapCat, connected to the bot by reverse WebSocket.

It reports messages, heartbeats and its own arrival, answers the calls that the bot makes, connects again when the
connection is lost, and misbehaves on demand. A message given as a string is read with its CQ codes, as clients do.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bot.qq.simulate.phone import Shown
from bot.qq.simulate.segment import Segment, look, make, pictures, read, write

Event: TypeAlias = dict[str, Any]

NO_SUCH_ACTION: Final = 1404
SENDINGS: Final = frozenset(
    {"send_msg", "send_private_msg", "send_group_msg", "send_private_forward_msg", "send_group_forward_msg"}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong when the bot sends a message.

    `retcode` is answered with `message`, or nothing at all where it is None. `arrives`: the message is shown all the
    same. `drops`: the connection ends without an answer.
    """

    retcode: int | None = 1200
    message: str = "EventChecker Failed"
    arrives: bool = False
    drops: bool = False


class OneBotPeer:
    """A client under way from `async with` on, which raises what `websockets` does when the bot turns it down.

    `calls` are the bot's calls as they came, `shown` what its messages look like. Each sending takes the first of
    `faults`, if any; actions in `unsupported` are answered by code 1404. `beat` and `pause` are seconds between two
    heartbeats and before connecting again, `lag` those that each call takes.
    """

    def __init__(
        self, url: str, *, self_id: int = 10001, token: str | None = None, beat: float = 5.0, pause: float = 0.1
    ) -> None:
        self.self_id = self_id
        self.calls: list[dict[str, Any]] = []
        self.shown: list[Shown] = []
        self.faults: deque[Fault] = deque()
        self.unsupported: set[str] = set()
        self.lag = 0.0
        self._url = url
        self._headers = {"X-Self-ID": str(self_id), "X-Client-Role": "Universal", "User-Agent": "OneBot/11"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._beat_seconds = beat
        self._pause = pause
        self._messages: dict[int, dict[str, Any]] = {}
        self._unseen: asyncio.Queue[Shown] = asyncio.Queue()
        self._online = asyncio.Event()
        self._last: Event | None = None

    async def __aenter__(self) -> Self:
        self._socket = await self._connect()
        self._life = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._life.cancel()
        with suppress(asyncio.CancelledError):
            await self._life
        await self._socket.close()

    async def say(
        self,
        text: str,
        *,
        user: str = "20001",
        group: str | None = None,
        pictures: Sequence[str] = (),
        at: bool = True,
        reply: int | None = None,
        face: int | None = None,
    ) -> Event:
        """Report a message of a user's, and return its event. `at`: in a group it names the bot; `reply`: quotes."""
        named = [make("at", qq=str(self.self_id))] if group and at else []
        message = [
            *([make("reply", id=str(reply))] if reply is not None else []),
            *named,
            *([make("text", text=f" {text}" if named else text)] if text else []),
            *([make("face", id=str(face))] if face is not None else []),
            *(make("image", file=f"{number}.png", url=url) for number, url in enumerate(pictures)),
        ]
        event = self.message(message, int(user), None if group is None else int(group))
        await self.emit(event)
        return event

    def message(self, message: list[Segment], user: int, group: int | None) -> Event:
        """Return the event of a message, not reported yet."""
        number = random.getrandbits(31)
        sender = {"user_id": user, "nickname": f"用户{user}", "sex": "unknown", "age": 0}
        event: Event = {
            "time": int(time.time()),
            "self_id": self.self_id,
            "post_type": "message",
            "message_type": "private" if group is None else "group",
            "sub_type": "friend" if group is None else "normal",
            "message_id": number,
            "message_seq": number,
            "user_id": user,
            "message": message,
            "raw_message": "".join(write(segment) for segment in message),
            "message_format": "array",
            "font": 14,
            "sender": sender,
        }
        if group is not None:
            event |= {"group_id": group, "sender": {**sender, "card": "", "role": "member"}}
        self._messages[number] = event
        return event

    async def emit(self, event: Event) -> None:
        """Report any event, once the connection stands."""
        await self._online.wait()
        self._last = event
        await self._socket.send(json.dumps(event, ensure_ascii=False))

    async def again(self) -> None:
        """Report the last event once more."""
        if self._last is not None:
            await self.emit(self._last)

    async def show(self) -> Shown:
        """Wait for what the bot says next."""
        return await self._unseen.get()

    def drop(self) -> None:
        """Lose the connection without a word; a new one is made after the pause."""
        self._online.clear()
        self._socket.transport.abort()

    async def _connect(self) -> ClientConnection:
        return await connect(self._url, additional_headers=self._headers, proxy=None, max_size=None)

    async def _live(self) -> None:
        """Serve one connection after the other."""
        while True:
            with suppress(ConnectionClosed):
                await self._serve()
            self._online.clear()
            self._socket = await self._reconnect()

    async def _reconnect(self) -> ClientConnection:
        while True:
            await asyncio.sleep(self._pause)
            with suppress(OSError, InvalidHandshake, TimeoutError):
                return await self._connect()

    async def _serve(self) -> None:
        """Report the arrival, then answer calls until the connection ends."""
        await self._socket.send(json.dumps(self._meta("lifecycle", sub_type="connect")))
        self._online.set()
        beating = asyncio.create_task(self._beat())
        try:
            async for frame in self._socket:
                answer = self._answer(json.loads(frame))
                await asyncio.sleep(self.lag)
                if answer is not None:
                    await self._socket.send(json.dumps(answer, ensure_ascii=False))
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                status = {"online": True, "good": True}
                interval = int(self._beat_seconds * 1000)
                await self._socket.send(json.dumps(self._meta("heartbeat", status=status, interval=interval)))
                await asyncio.sleep(self._beat_seconds)

    def _meta(self, kind: str, **data: object) -> Event:
        base = {"time": int(time.time()), "self_id": self.self_id, "post_type": "meta_event"}
        return {**base, "meta_event_type": kind, **data}

    def _answer(self, call: dict[str, Any]) -> dict[str, Any] | None:
        """Do what the bot asks, and return the answer, if there is to be one."""
        self.calls.append(call)
        action, params, echo = call["action"], call.get("params") or {}, call.get("echo")
        told: dict[str, Callable[[], object]] = {
            "get_msg": lambda: {**self._messages[int(params["message_id"])], "real_id": int(params["message_id"])},
            "get_login_info": lambda: {"user_id": self.self_id, "nickname": "在线咨询"},
            "get_status": lambda: {"online": True, "good": True},
            "get_version_info": lambda: {"app_name": "qq-simulate", "app_version": "1", "protocol_version": "v11"},
        }
        if action in self.unsupported or action not in told.keys() | SENDINGS:
            return _failure(NO_SUCH_ACTION, f"不支持的 API {action}", echo)
        if action in SENDINGS:
            return self._send(action, params, echo)
        try:
            return _success(told[action](), echo)
        except KeyError:
            return _failure(1200, "消息不存在", echo)

    def _send(self, action: str, params: dict[str, Any], echo: object) -> dict[str, Any] | None:
        """Show a message of the bot's and acknowledge it, or have the next fault."""
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return _success({"message_id": int(self._take(action, params).id)}, echo)
        if fault.arrives:
            self._take(action, params)
        if fault.drops:
            self.drop()
            return None
        return None if fault.retcode is None else _failure(fault.retcode, fault.message, echo)

    def _take(self, action: str, params: dict[str, Any]) -> Shown:
        """Show a message of the bot's."""
        kind = params.get("message_type") or ("private" if "private" in action or "group_id" not in params else "group")
        user, group = (params["user_id"], None) if kind == "private" else (None, params["group_id"])
        nodes = params["messages"] if "forward" in action else [{"data": {"content": params["message"]}}]
        plain = bool(params.get("auto_escape"))
        parts = [read(node["data"]["content"], plain=plain) for node in nodes]
        event = self.message([segment for part in parts for segment in part], self.self_id, group)
        shown = Shown(
            texts=tuple("".join(look(segment) for segment in part) for part in parts),
            pictures=pictures(segment for part in parts for segment in part),
            id=str(event["message_id"]),
            user=None if user is None else str(user),
            group=None if group is None else str(group),
        )
        self.shown.append(shown)
        self._unseen.put_nowait(shown)
        return shown


def _success(data: object, echo: object) -> dict[str, Any]:
    return {"status": "ok", "retcode": 0, "data": data, "message": "", "wording": "", "echo": echo}


def _failure(retcode: int, message: str, echo: object) -> dict[str, Any]:
    return {"status": "failed", "retcode": retcode, "data": None, "message": message, "wording": message, "echo": echo}
