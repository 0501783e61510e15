"""OneBotLine: the way out through a OneBot v11 client such as LLBot or NapCat.

Texts go as arrays of segments, never as strings: in a string the client would read `[CQ:at,qq=all]` as a command. The
protocol knows no repeats, so a message whose answer is lost may come twice.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from nonebot.adapters.onebot.v11 import Bot
from nonebot.adapters.onebot.v11.exception import ActionFailed, ApiNotAvailable, NetworkError
from nonebot.exception import WebSocketClosed
from starlette.websockets import WebSocketDisconnect

from bot.qq.line import Content, Later, LineError, Refused, Unclear, Window
from bot.qq.model import Address

PICTURE_HOSTS: Final = ("multimedia.nt.qq.com.cn", "qpic.cn")
"""Hosts that QQ serves pictures of messages from, and what is below them."""
NAME: Final = "在线咨询"
"""Who a forwarded message's parts are by."""

Segment: TypeAlias = dict[str, Any]

_RESULT: Final = re.compile(r'"result":\s*(\d+)')
_MUTED: Final = "120"
"""What QQ itself answers to a client that is muted; the client hands it on inside its message."""


class OneBotLine:
    """Sends through the bots of NoneBot's adapter for OneBot v11; a Line.

    `bot_of` finds a bot by its QQ number, None where it is not connected.
    """

    longest = 3000
    window = Window(private=None, group=None, replies=None)
    forwards = True
    filed = False

    def __init__(self, bot_of: Callable[[str], Bot | None]) -> None:
        self._bot_of = bot_of

    async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:  # noqa: ARG002 — no numbered replies here
        """Send a piece; see Line. In a group it begins by naming the user."""
        if address.group is None:
            return await self._call(address, "send_private_msg", user_id=int(address.user), message=[_segment(content)])
        at = {"type": "at", "data": {"qq": address.user}}
        said = _segment(f" {content}" if isinstance(content, str) else content)
        return await self._call(address, "send_group_msg", group_id=int(address.group), message=[at, said])

    async def forward(self, address: Address, contents: Sequence[Content]) -> str:
        """Send several pieces as one forwarded message; see Line."""
        nodes = [_node(address.self_id, content) for content in contents]
        if address.group is None:
            return await self._call(address, "send_private_forward_msg", user_id=int(address.user), messages=nodes)
        return await self._call(address, "send_group_forward_msg", group_id=int(address.group), messages=nodes)

    async def _call(self, address: Address, action: str, **data: object) -> str:
        """Call the client, and return the id of the message that it sent."""
        bot = self._bot_of(address.self_id)
        if bot is None:
            raise Later("QQ 客户端没有连接")
        try:
            answer = await bot.call_api(action, **data)
        except ActionFailed as error:
            raise _fault(error.info) from error
        except NetworkError as error:
            raise Unclear("QQ 客户端没有答复") from error
        except (ApiNotAvailable, WebSocketClosed, WebSocketDisconnect, OSError, RuntimeError) as error:
            # What a socket raises that closed while it was written to.
            raise Unclear("与 QQ 客户端的连接断开了") from error
        return str(answer.get("message_id", "")) if isinstance(answer, dict) else ""


def _segment(content: Content) -> Segment:
    if isinstance(content, str):
        return {"type": "text", "data": {"text": content}}
    return {"type": "image", "data": {"file": f"base64://{b64encode(content).decode()}"}}


def _node(self_id: str, content: Content) -> Segment:
    """Return a part of a forwarded message, under the names of both OneBot v11 and go-cqhttp."""
    author = {"user_id": self_id, "nickname": NAME, "uin": self_id, "name": NAME}
    return {"type": "node", "data": {**author, "content": [_segment(content)]}}


def _fault(info: dict[str, Any]) -> LineError:
    """Return what a failed call means. Clients have one code for nearly everything and say the rest in words."""
    retcode = info.get("retcode")
    words = f"{info.get('message') or ''} {info.get('wording') or ''}"
    result = _RESULT.search(words)
    if result and result[1] == _MUTED:
        return Refused(f"机器人在这个群里被禁言（错误码 {retcode}）")
    if "timeout" in words.lower() or "超时" in words:
        return Unclear(f"QQ 客户端没有确认发出（错误码 {retcode}）")
    if retcode == 1404:
        return Refused("QQ 客户端不支持这种发送方式（错误码 1404）")
    return Refused(f"QQ 客户端没有发出，可能是对方已删除机器人、机器人不在群里或账号受限（错误码 {retcode}）")
