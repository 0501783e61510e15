"""Callback: what of the official platform's callbacks goes on to NoneBot's adapter, and in what form.

Three things of nonebot-adapter-qq 1.7.3 are made good here. It signs any text for whoever sends a validation (op 13),
with the key that authenticates events; it takes events of any age; and it drops events silently where a field is
missing that the platform leaves out at times.

The platform's documentation shows validations without a signature, its own Go library asks for one, and users saw one
that is over other bytes than an event's (tencent-connect/bot-docs, issue 245). So none is asked for: what we sign for
strangers is ten digits and up to 64 letters and digits, which is no event, as every event's body has a brace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nonebot.adapters.qq.event import EVENT_CLASSES
from pydantic import ValidationError

from bot.qq.payload import ADDED, read_object, write_object
from bot.qq.receipt import MessageKey
from bot.qq.refusal import Notice, Refusal
from bot.qq.signature import Key, is_fresh

DISPATCH: Final = 0
VALIDATION: Final = 13
LARGEST_VALIDATION: Final = 1024
"""Bytes. Nothing longer is read unless it is signed."""
PRIVATE_MESSAGES: Final = frozenset({"C2C_MESSAGE_CREATE"})
GROUP_MESSAGES: Final = frozenset({"GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"})
KINDS: Final = (
    PRIVATE_MESSAGES
    | GROUP_MESSAGES
    | {
        *("FRIEND_ADD", "FRIEND_DEL", "C2C_MSG_REJECT", "C2C_MSG_RECEIVE"),
        *("GROUP_ADD_ROBOT", "GROUP_DEL_ROBOT", "GROUP_MSG_REJECT", "GROUP_MSG_RECEIVE"),
    }
)
"""Events that go on; all others, those of guilds (频道) among them, are taken and dropped."""

APP_ID: Final = b"x-bot-appid"
SIGNATURE: Final = b"x-signature-ed25519"
TIMESTAMP: Final = b"x-signature-timestamp"
ROLES: Final = ("member", "admin", "owner")

_TOKEN: Final = re.compile("[A-Za-z0-9]{1,64}")
_OPENID: Final = re.compile("[A-Za-z0-9_-]+")
"""Of users and groups: answers go to addresses that are made with it."""
_OURS: Final = ADDED | {"message"}


@dataclass(frozen=True, slots=True)
class Passed:
    """What goes on to the adapter: headers as ASGI has them, and a body; and which message that is, if it is one."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    message: MessageKey | None


class Callback:
    """Checks callbacks. `bots` are the secrets of our bots by their AppID; `clock` gives seconds since 1970."""

    def __init__(self, bots: Mapping[str, str], clock: Callable[[], float], notice: Notice) -> None:
        self._keys = {app_id: Key(secret) for app_id, secret in bots.items()}
        self._clock = clock
        self._notice = notice

    def recognize(self, headers: Mapping[bytes, str]) -> str:
        """The AppID of the bot that a request is for; Refusal if it is none of ours. Comes before the body is read."""
        app_id = headers.get(APP_ID, "")
        if app_id not in self._keys:
            raise Refusal(403, "回调的 AppID 不是本站的机器人")
        return app_id

    def take(self, app_id: str, headers: Mapping[bytes, str], body: bytes) -> Passed | None:
        """What goes on of a request, None where it is one to drop; Refusal if it is not from the platform."""
        key, now = self._keys[app_id], self._clock()
        timestamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not is_fresh(timestamp, now):
            doubt = "回调没有时间戳，或与本机时间相差超过 300 秒"
        elif not key.has_signed(signature, timestamp, body):
            doubt = "回调的签名不对，请核对机器人的 AppSecret"
        else:
            doubt = ""
        try:
            if doubt and len(body) > LARGEST_VALIDATION:
                raise Refusal(403, doubt)
            payload = read_object(body)
        except ValueError:
            raise Refusal(403 if doubt else 400, doubt or "回调的内容不是合格的 JSON 对象") from None
        if payload.get("op") == VALIDATION:
            passed = _validation(payload, now)
        elif doubt:
            raise Refusal(403, doubt)
        elif payload.get("op") == DISPATCH and (event := self._event(payload, now)):
            passed = event
        else:
            return None
        again = write_object(passed)
        # Signed anew, as it was written anew: so the adapter's own check stays on behind this one.
        return Passed(
            (
                (b"content-type", b"application/json"),
                (b"content-length", str(len(again)).encode()),
                (APP_ID, app_id.encode()),
                (TIMESTAMP, f"{now:.0f}".encode()),
                (SIGNATURE, key.sign(f"{now:.0f}", again).encode()),
            ),
            again,
            (app_id, passed["t"], json.loads(again)["d"]["id"])  # as the adapter reads it
            if passed.get("t") in PRIVATE_MESSAGES | GROUP_MESSAGES
            else None,
        )

    def _event(self, payload: Mapping[str, Any], now: float) -> dict[str, Any] | None:
        kind, data, event_id = payload.get("t"), payload.get("d"), payload.get("id")
        if not isinstance(kind, str) or kind not in KINDS:
            return None
        completed = complete(kind, data, now) if isinstance(data, dict) else None
        if completed is None:
            self._notice.say(f"无法读取事件 {kind}，已略过")
            return None
        return {"op": DISPATCH, "id": event_id if isinstance(event_id, str) else None, "t": kind, "d": completed}


def complete(kind: str, data: dict[str, Any], now: float) -> dict[str, Any] | None:
    """An event's data in a form that the adapter can read; None where that needs what is not there.

    What the platform leaves out is filled in so that it changes nothing; what is unreadable and not needed is left out.
    """
    data = {name: value for name, value in data.items() if name not in _OURS}
    if kind in PRIVATE_MESSAGES:
        data = {**_message(data), "author": _author(data.get("author"), "user_openid")}
    elif kind in GROUP_MESSAGES:
        author, group = _author(data.get("author"), "member_openid"), _openid(data.get("group_openid"))
        data = {"group_id": group, **_message(data), "author": author, "group_openid": group}
    else:
        data = _filled(data, {"timestamp": int(now), "op_member_openid": ""})
    for _ in range(2):
        try:
            EVENT_CLASSES[kind].model_validate(data)
        except ValidationError as error:
            unreadable = {name for each in error.errors() for name in each["loc"][:1]}
            data = {name: value for name, value in data.items() if name not in unreadable}
        else:
            return data
    return None


def _validation(payload: Mapping[str, Any], now: float) -> dict[str, Any]:
    data = payload.get("d")
    token, at = (data.get("plain_token"), data.get("event_ts")) if isinstance(data, dict) else (None, None)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Refusal(403, "回调地址验证的 plain_token 含有字母、数字以外的字符，可能有人想骗取签名")
    if not isinstance(at, str) or not is_fresh(at, now):
        raise Refusal(403, "回调地址验证的 event_ts 不是时间戳，或与本机时间相差超过 300 秒")
    return {"op": VALIDATION, "d": {"plain_token": token, "event_ts": at}}


def _filled(value: Any, defaults: Mapping[str, Any]) -> Any:
    """An object with these for what it does not have; what is no object stays as it is, for the model to refuse."""
    if not isinstance(value, dict):
        return value
    return {**defaults, **{name: each for name, each in value.items() if each is not None}}


def _each_filled(values: Any, defaults: Mapping[str, Any]) -> Any:
    return [_filled(value, defaults) for value in values] if isinstance(values, list) else values


def _message(data: dict[str, Any]) -> dict[str, Any]:
    # Without a timestamp a message counts as sent when it came.
    message: dict[str, Any] = _with_attachments(_filled(data, {"content": "", "timestamp": ""}))
    if isinstance(mentions := message.get("mentions"), list):
        message["mentions"] = [_mention(each) for each in mentions]
    if "message_scene" in message:
        message["message_scene"] = _filled(message["message_scene"], {"ext": [], "source": ""})
    if "msg_elements" in message:  # messages that this one replies to
        elements = _each_filled(message["msg_elements"], {"content": ""})
        message["msg_elements"] = (
            [_with_attachments(each) for each in elements] if isinstance(elements, list) else elements
        )
    return message


def _author(author: Any, openid: str) -> Any:
    if not isinstance(author, dict):
        return author
    author = {**author, openid: _openid(author.get(openid))}
    author = _filled(author, {"id": author[openid], "bot": False})
    return {**author, "member_role": author["member_role"] if author.get("member_role") in ROLES else "member"}


def _openid(value: Any) -> Any:
    """An id as the platform writes them; None, without which nobody can be answered, where it is none."""
    return value if isinstance(value, str) and _OPENID.fullmatch(value) else None


def _mention(mention: Any) -> Any:
    if not isinstance(mention, dict):
        return mention
    if mention.get("scope") == "all":
        return {**_filled(mention, {"username": ""}), "is_you": True}
    same = mention.get("id") or mention.get("member_openid")
    defaults = {"scope": "single", "bot": False, "is_you": False, "username": "", "id": same, "member_openid": same}
    return _filled(mention, defaults)


def _with_attachments(value: Any) -> Any:
    if not isinstance(value, dict) or "attachments" not in value:
        return value
    return {**value, "attachments": _each_filled(value["attachments"], {"content_type": "application/octet-stream"})}
