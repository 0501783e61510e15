"""Segments of OneBot v11 messages, and the CQ codes that stand for them in strings. Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

Segment: TypeAlias = dict[str, Any]

BASE64: Final = "base64://"

_CODE: Final = re.compile(r"\[CQ:([a-z_]+)((?:,[^,\]]*)*)\]")
_ESCAPES: Final = (("&", "&amp;"), ("[", "&#91;"), ("]", "&#93;"), (",", "&#44;"))


def make(kind: str, **data: str) -> Segment:
    """Return a segment."""
    return {"type": kind, "data": data}


def read(message: Any, *, plain: bool = False) -> list[Segment]:
    """Return the segments of a message as a client takes it: a list, one segment, or a string with CQ codes in it."""
    if isinstance(message, list):
        return message
    if isinstance(message, dict):
        return [message]
    if plain:
        return [make("text", text=str(message))]
    segments, place = [], 0
    for code in _CODE.finditer(message):
        segments.append(make("text", text=_unescape(message[place : code.start()])))
        data = dict(pair.split("=", 1) for pair in code[2].split(",")[1:])
        segments.append(make(code[1], **{key: _unescape(value) for key, value in data.items()}))
        place = code.end()
    segments.append(make("text", text=_unescape(message[place:])))
    return [segment for segment in segments if segment["data"] != {"text": ""}]


def write(segment: Segment) -> str:
    """Return a segment as it stands in a string."""
    data = {key: _escape(str(value)) for key, value in segment["data"].items()}
    if segment["type"] == "text":
        return data["text"].replace("&#44;", ",")
    return f"[CQ:{segment['type']}{''.join(f',{key}={value}' for key, value in data.items())}]"


def pictures(segments: Iterable[Segment]) -> tuple[bytes, ...]:
    """Return the pictures that the segments bring with them."""
    files = [str(each["data"].get("file", "")) for each in segments if each["type"] == "image"]
    return tuple(b64decode(file.removeprefix(BASE64), validate=True) for file in files if file.startswith(BASE64))


def look(segment: Segment) -> str:
    """Return what a person sees of a segment."""
    match segment["type"]:
        case "text":
            return str(segment["data"]["text"])
        case "at":
            return f"@{segment['data']['qq']}"
        case kind:
            return f"[{kind}]"


def _escape(text: str) -> str:
    for mark, code in _ESCAPES:
        text = text.replace(mark, code)
    return text


def _unescape(text: str) -> str:
    for mark, code in reversed(_ESCAPES):
        text = text.replace(code, mark)
    return text
