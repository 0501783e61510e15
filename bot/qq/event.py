"""What the adapters' events say, in our own words. Both platforms' messages become `Heard`; all else is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from nonebot.adapters import Event, MessageSegment
from nonebot.adapters.onebot import v11 as onebot
from nonebot.adapters.qq import C2CMessageCreateEvent, GroupAtMessageCreateEvent, GroupMessageCreateEvent

from bot.qq.model import Address, Heard
from bot.qq.receipt import MessageKey

REPLIED_TO: Final = "replied_to"
"""Where a OneBot event says which message it replies to, once `without_reply` took that out of the message."""


_FACE: Final = re.compile(r'<faceType=\d+,faceId="[^"<>]*",ext="[^"<>]*">')
"""How the official platform writes a face within a text."""


def heard(event: Event, self_id: str, now: datetime) -> Heard | None:
    """The message that an event brings, None where it brings none."""
    if isinstance(event, C2CMessageCreateEvent):
        address = Address("qq", self_id, event.author.user_openid)
        return Heard(address, event.id, *_read(event.get_message()), _moment(event.timestamp, now))
    if isinstance(event, GroupMessageCreateEvent):
        if event.author.bot:  # two bots that name each other would never end
            return None
        address = Address("qq", self_id, event.author.member_openid, event.group_openid)
        return Heard(address, event.id, *_read(event.get_message()), _moment(event.timestamp, now))
    if isinstance(event, onebot.MessageEvent):
        group = str(event.group_id) if isinstance(event, onebot.GroupMessageEvent) else None
        if event.user_id == event.self_id or getattr(event, "anonymous", None) is not None:
            return None
        address = Address("onebot", self_id, str(event.user_id), group)
        return Heard(address, str(event.message_id), *_read(event.message), _moment(event.time, now))
    return None


def key_of(event: Event, self_id: str) -> MessageKey | None:
    """What is waited for while the event of a callback is dealt with; None where it came in another way."""
    if isinstance(event, C2CMessageCreateEvent | GroupMessageCreateEvent):
        return self_id, event.__type__.value, event.id
    return None


def is_addressed(event: Event) -> bool:
    """Whether a message is meant for the bot: any in private, in a group one that names it."""
    if isinstance(event, GroupMessageCreateEvent) and not isinstance(event, GroupAtMessageCreateEvent):
        # Here the bot hears all of a group. The adapter compares names that are missing, so that a reply to any bot is
        # one to ours, and drops mentions. Who replies to ours names it: QQ adds that mention by itself.
        return any(each.scope == "single" and each.is_you for each in event.mentions or ())
    if event.is_tome() or isinstance(event, onebot.PrivateMessageEvent):
        return True
    if not isinstance(event, onebot.GroupMessageEvent):
        return False
    # The adapter looks at the first and the last part only.
    return any(each.type == "at" and each.data.get("qq") == str(event.self_id) for each in event.original_message)


def without_reply(raw: dict[str, Any]) -> dict[str, Any]:
    """A OneBot event whose message does not begin with a reply; which message that was stands beside it.

    The adapter would ask the platform for that message before anything else is done, for up to half a minute, and
    later messages would overtake this one. All we want to know is whether it was the bot's, which the store tells.
    """
    message = raw.get("message")
    if raw.get("post_type") == "message" and isinstance(message, str):
        message = [{"type": each.type, "data": each.data} for each in onebot.Message(message)]
    if raw.get("post_type") != "message" or not isinstance(message, list):
        return raw
    replies = [each for each in message if isinstance(each, dict) and each.get("type") == "reply"]
    if not replies:
        return raw
    data = replies[0].get("data")
    replied_to = str(data.get("id", "")) if isinstance(data, dict) else ""
    return {**raw, "message": [each for each in message if each not in replies], REPLIED_TO: replied_to}


def _read(message: Iterable[MessageSegment[Any]]) -> tuple[str, tuple[str, ...]]:
    """The words of a message and the addresses of its pictures; half an emoji, which no store takes, becomes "?"."""
    words, pictures = [], []
    for segment in message:
        if segment.is_text():
            words.append(str(segment.data.get("text", "")))
        elif segment.type == "image":
            address = segment.data.get("url") or segment.data.get("file") or ""
            pictures.append(_whole(str(address)))
    return _whole(_FACE.sub("", "".join(words)).strip()), tuple(pictures)


def _whole(text: str) -> str:
    return text.encode(errors="replace").decode()


def _moment(said: int | str, now: datetime) -> datetime:
    """When a message was sent, as the platform says; now, where that is no time or lies ahead."""
    try:
        at = datetime.fromtimestamp(said, UTC) if isinstance(said, int) else datetime.fromisoformat(said)
        return min(at.astimezone(UTC), now) if at.tzinfo is not None else now
    except (ValueError, OverflowError, OSError):
        return now
