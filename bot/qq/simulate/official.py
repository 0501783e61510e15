"""OfficialPlatform: the official QQ platform as a bot meets it, its API as an ASGI application and its webhooks.

It refuses what the platform refuses, by the same codes: tokens that expired, replies that come twice, too late or too
often, addresses of the web that were not filed, texts that are too long. What it takes is kept and can be waited for.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import uuid
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bot.qq.simulate.phone import Shown
from bot.qq.simulate.webhook import CHINA, Payload, Webhook, group_message, private_message

TOKEN_SECONDS: Final = 7200
TOKEN_OVERLAP: Final = 60
"""In its last minute a token is replaced by another one and stays good."""
PRIVATE: Final = (3600.0, 4)
GROUP: Final = (300.0, 5)
"""For how many seconds, and how often, a message can be replied to."""

_ADDRESS: Final = re.compile(
    r"(?<![\w@.%+-])(?:https?://)?(?:[a-z0-9-]+\.)+(?:[a-z]{2}|com|net|org|gov|edu|info|top|xyz|app|dev|vip|site)\b[^\s，。；、）]*",
    re.IGNORECASE | re.ASCII,
)
"""What the platform takes for an address of the web: file names such as crawler.py too."""
_PICTURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How pictures begin that the platform takes: PNG and JPEG."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What the platform answers a sending with. `arrives`: the message is shown all the same."""

    status: int
    code: int | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    arrives: bool = False


class OfficialPlatform:
    """The platform with one bot on it; `app` serves its API.

    Events go through `webhook`. `filed` are hosts, which stand for what is below them too. `pushes`: whether the bot
    may speak without being spoken to. Each sending takes the first of `faults`, if any. `shown` is what the bot said.
    """

    def __init__(
        self,
        app_id: str,
        secret: str,
        webhook: Webhook | None = None,
        *,
        filed: Collection[str] = (),
        longest: int = 1800,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.shown: list[Shown] = []
        self.faults: deque[Fault] = deque()
        self.pushes = True
        self._app_id = app_id
        self._secret = secret
        self._webhook = webhook
        self._filed = tuple(filed)
        self._longest = longest
        self._clock = clock
        self._tokens: dict[str, float] = {}  # until when each is good
        self._heard: dict[str, tuple[str, float]] = {}  # message id → where it was said, when
        self._replies: dict[str, set[int]] = {}
        self._files: dict[str, tuple[str, bytes]] = {}  # file_info → "users" or "groups", a picture
        self._unseen: asyncio.Queue[Shown] = asyncio.Queue()
        self._last: Payload | None = None
        self.app = FastAPI()
        self.app.post("/app/getAppAccessToken")(self._token)
        self.app.get("/users/@me")(self._me)
        self.app.get("/gateway/bot")(self._gateway)
        self.app.post("/v2/users/{openid}/messages")(self._private)
        self.app.post("/v2/groups/{openid}/messages")(self._group)
        self.app.post("/v2/{kind}/{openid}/files")(self._file)

    async def say(self, text: str, *, user: str, group: str | None = None, pictures: Sequence[str] = ()) -> Payload:
        """Deliver a message of a user's, and return its event."""
        at = datetime.fromtimestamp(self._clock(), CHINA)
        if group is None:
            event = private_message(text, user, pictures, at=at)
        else:
            event = group_message(text, user, group, pictures, at=at)
        await self.deliver(event)
        return event

    async def deliver(self, event: Payload) -> None:
        """Deliver any event; what it says can be replied to from now on."""
        data = event["d"]
        if "content" in data:
            where = data.get("group_openid") or data["author"]["user_openid"]
            self._heard.setdefault(data["id"], (where, self._clock()))
        self._last = event
        if self._webhook is not None:
            await self._webhook.deliver(event)

    async def again(self) -> None:
        """Deliver the last event once more."""
        if self._last is not None:
            await self.deliver(self._last)

    async def show(self) -> Shown:
        """Wait for what the bot says next."""
        return await self._unseen.get()

    def expire_tokens(self) -> None:
        """Have no token hold any longer."""
        self._tokens.clear()

    async def _token(self, request: Request) -> Response:
        asked = await request.json()
        if (asked.get("appId"), asked.get("clientSecret")) != (self._app_id, self._secret):
            return JSONResponse({"code": 100016, "message": "invalid appid or secret"})
        now = self._clock()
        token = next((each for each, until in self._tokens.items() if until - now > TOKEN_OVERLAP), None)
        if token is None:
            token = secrets.token_urlsafe(32)
            self._tokens[token] = now + TOKEN_SECONDS
        return JSONResponse({"access_token": token, "expires_in": str(int(self._tokens[token] - now))})

    def _stranger(self, request: Request) -> Response | None:
        """Return how a request without a good token is turned away."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "QQBot" and self._tokens.get(token, 0.0) > self._clock():
            return None
        return _refusal(Fault(401, 11244, "token not exist or expire"))

    async def _me(self, request: Request) -> Response:
        me = {"id": "3889000000000000001", "username": "在线咨询", "avatar": "", "bot": True}
        return self._stranger(request) or JSONResponse(me)

    async def _gateway(self, request: Request) -> Response:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 86400000, "max_concurrency": 1}
        gateway = {"url": "wss://gateway.invalid/websocket", "shards": 1, "session_start_limit": limit}
        return self._stranger(request) or JSONResponse(gateway)

    async def _private(self, request: Request, openid: str) -> Response:
        return self._stranger(request) or self._take(await request.json(), openid, None)

    async def _group(self, request: Request, openid: str) -> Response:
        return self._stranger(request) or self._take(await request.json(), None, openid)

    async def _file(self, request: Request, kind: str) -> Response:
        """Take a picture, which a message to the same kind of place can name then."""
        if stranger := self._stranger(request):
            return stranger
        asked = await request.json()
        try:
            picture = b64decode(asked.get("file_data", ""), validate=True)
        except ValueError:
            picture = b""
        if asked.get("file_type") != 1 or asked.get("srv_send_msg") is not False or not picture.startswith(_PICTURES):
            return _refusal(Fault(400, 850019, "富媒体文件格式不支持"))
        file_info = secrets.token_urlsafe(48)
        self._files[file_info] = (kind, picture)
        return JSONResponse({"file_uuid": uuid.uuid4().hex, "file_info": file_info, "ttl": 3600})

    def _take(self, message: dict[str, Any], user: str | None, group: str | None) -> Response:
        """Take a message of the bot's, or say why not."""
        message_id, reply = message.get("msg_id"), message.get("msg_seq", 1)
        objection = self._object(message, user or group or "", GROUP if user is None else PRIVATE)
        if objection is not None:
            return _refusal(objection)
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and not fault.arrives:
            return _refusal(fault)
        file_info = message.get("media", {}).get("file_info")
        shown = Shown(
            texts=("[image]" if file_info else message["content"],),
            pictures=(self._files[file_info][1],) if file_info else (),
            id=f"ROBOT1.0_{uuid.uuid4().hex}",
            user=user,
            group=group,
            message_id=message_id,
            reply=None if message_id is None else reply,
        )
        if message_id is not None:
            self._replies.setdefault(message_id, set()).add(reply)
        self.shown.append(shown)
        self._unseen.put_nowait(shown)
        if fault is not None:
            return _refusal(fault)
        at = datetime.fromtimestamp(self._clock(), CHINA).isoformat(timespec="seconds")
        return JSONResponse({"id": shown.id, "timestamp": at, "ext_info": {"ref_idx": f"REFIDX_{uuid.uuid4().hex}"}})

    def _object(self, message: dict[str, Any], where: str, limits: tuple[float, int]) -> Fault | None:
        """Return what the platform has against a message."""
        content = message.get("content") or ""
        if message.get("msg_type", 0) == 7:
            kind = "users" if limits == PRIVATE else "groups"
            fits = self._files.get(message.get("media", {}).get("file_info"), ("", b""))[0] == kind
        else:
            fits = message.get("msg_type", 0) == 0 and bool(content)
        if not fits:
            return Fault(400, 22006, "消息类型与内容不匹配")
        objection = self._object_reply(message, where, limits)
        if objection is not None:
            return objection
        if unfiled := [each[0] for each in _ADDRESS.finditer(content) if not self._is_filed(each[0])]:
            return Fault(400, 40054010, f"消息发送失败, 不允许发送url {','.join(unfiled)}")
        if len(content.encode()) > self._longest:
            return Fault(400, 40054007, "消息长度超限")
        return None

    def _object_reply(self, message: dict[str, Any], where: str, limits: tuple[float, int]) -> Fault | None:
        """Return what the platform has against replying to what a message replies to."""
        message_id, reply = message.get("msg_id"), message.get("msg_seq", 1)
        if message_id is None:
            return None if self.pushes else Fault(400, 40034102, "主动消息失败, 无权限")
        seconds, times = limits
        said_at, said = self._heard.get(message_id, ("", 0.0))
        replies = self._replies.get(message_id, set())
        if said_at != where:
            return Fault(400, 40034024, "请求参数msg_id无效或越权")
        if reply in replies:
            return Fault(400, 40054005, "消息被去重，请检查请求msgseq")
        if self._clock() - said > seconds:
            return Fault(400, 40034005, "回复消息msg_id已过期")
        if len(replies) >= times:
            return Fault(400, 40034128, "被动回复时间或次数超限")
        return None

    def _is_filed(self, address: str) -> bool:
        host = re.split(r"[/?#:]", address.rsplit("://", maxsplit=1)[-1].lower())[0]
        return any(host == filed or host.endswith(f".{filed}") for filed in self._filed)


def _refusal(fault: Fault) -> Response:
    """Answer as the platform does when it does not take something."""
    trace = uuid.uuid4().hex
    body = {"message": fault.message, "code": fault.code, "err_code": fault.code, "trace_id": trace}
    headers = {"X-Tps-trace-ID": trace, **fault.headers}
    return JSONResponse({} if fault.code is None else body, fault.status, headers=headers)
