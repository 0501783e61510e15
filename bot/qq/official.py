"""OfficialLine: the way out to the official QQ platform, and what its error codes mean to staff.

Texts go out as they are: in private and group messages the platform shows `&lt;` as those four characters (adapter-qq
issue 92), so nothing is escaped. A reply that comes twice under the same number is refused as a repeat, which is what
makes sending again after a crash safe; an active push has no number, so it may double when its answer is lost. That
it did not arrive is certain only where no connection was made, or where the platform itself says so.

The codes are those of the platform's pages 发送单聊消息, 发送群聊消息 and 错误码 as of July 2026, and a few that were
only seen in use (11244, 11298, 40034031, 40034102). Unknown ones are judged by the HTTP status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from math import isfinite
from typing import Any, Final, TypeAlias

from httpx import AsyncClient, ConnectError, ConnectTimeout, HTTPError, PoolTimeout, ProxyError, TimeoutException
from nonebot.adapters.qq import Adapter, Bot
from nonebot.adapters.qq.exception import ActionFailed, ApiNotAvailable, AuditException, NetworkError
from nonebot.adapters.qq.models import Media
from nonebot.drivers import Request, Response

from bot.qq.line import Content, Expired, Later, LineError, Refused, Repeated, Unclear, Unfiled, Unfit, Window
from bot.qq.model import Address

PICTURE_HOSTS: Final = ("multimedia.nt.qq.com.cn", "qpic.cn", "qqbot.ugcimg.cn")
"""Hosts that the platform serves pictures of messages from, and what is below them."""

ANSWER_SECONDS: Final = 10.0
"""The platform asks for at least five: a message may be sent long before its answer comes."""

Meaning: TypeAlias = tuple[type[LineError], str]

TOKEN_CODES: Final = frozenset({11241, 11242, 11243, 11244, 40011027})
IP_CODES: Final = frozenset({11298, 40023002})
BAN_CODES: Final = frozenset({11254, 11265, 40054016})
DISOWNING: Final = TOKEN_CODES | IP_CODES | BAN_CODES
"""Codes that say that the platform does not take the bot, whatever it sends."""
UNFILED: Final = "消息里有网址没有在 QQ 开放平台报备"
MEANINGS: Final[Mapping[int, Meaning]] = {
    code: (kind, reason)
    for kind, reason, codes in (
        (Repeated, "平台已经收到过这条消息", (40054005,)),
        (Expired, "已过回复时限，或回复次数已用完", (304027, 304103, 40034005, 40034031, 40034128)),
        (Expired, "平台找不到要回复的那条消息", (304026, 40034024)),
        (Later, "发送过于频繁，平台暂不接收", (22009, 1100100, 1100308, 40034100)),
        (Later, "访问令牌已失效，将重新获取", TOKEN_CODES),
        (Later, "服务器的出口 IP 不在 QQ 开放平台的白名单里", IP_CODES),
        (Later, "平台暂时没能发出", (11252, 11263, 11281, 304016, 340067, 40054006, 1100300, 50055001, 50055002)),
        (Unfiled, UNFILED, (304003, 40054010)),
        (Unfit, "平台认为消息内容违规", (304025, 1100101, 1100103, 40034006)),
        (Refused, "平台不允许机器人主动发消息，或对方关闭了主动消息", (304022, 40034102, 40034105)),
        (Refused, "对方拒收机器人的消息", (40054013,)),
        (Refused, "对方没有添加机器人", (40054004,)),
        (Refused, "机器人不在这个群里", (1100104, 1100301, 40034101, 40054003)),
        (Refused, "机器人在这个群里被禁言", (40054002,)),
        (Unfit, "消息超过平台允许的长度", (40054007, 40054018)),
        (Unfit, "平台不接收这种图片", (850019, 40034002)),
        (Refused, "机器人已下线或被封禁", BAN_CODES),
        (Refused, "机器人没有发送消息的权限", (11253, 11264)),
    )
    for code in codes
}
"""What a code of the platform's means: whether to try again, and the reason for staff."""


class OfficialAdapter(Adapter):
    """NoneBot's adapter, over connections that are kept, and with a time limit.

    NoneBot itself makes a client for every request, TLS and all, and waits for its answer without end.
    """

    def setup(self) -> None:
        """See Adapter."""
        super().setup()
        self._client: AsyncClient | None = None
        self.driver.on_shutdown(self._close)

    async def request(self, setup: Request) -> Response:
        """Ask the platform; httpx's errors where it is not reached."""
        if self._client is None:
            self._client = AsyncClient(timeout=ANSWER_SECONDS)
        answer = await self._client.request(
            setup.method, str(setup.url), headers=[*setup.headers.items()], content=setup.content, json=setup.json
        )
        return Response(answer.status_code, headers=answer.headers.multi_items(), content=answer.content, request=setup)

    async def _close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class OfficialLine:
    """Sends through the bots of NoneBot's adapter for the official platform; a Line.

    `bot_of` finds a bot by its AppID, None where it is not set up. `told` is told, by AppID, what a sending showed that
    holds for all others too: what the platform has against the bot, None where it took something. In private it takes
    four replies to a message and in a group five: four is what holds everywhere.
    """

    longest = 1800
    window = Window(private=timedelta(minutes=60), group=timedelta(minutes=5), replies=4)
    forwards = False
    filed = True

    def __init__(
        self, bot_of: Callable[[str], Bot | None], told: Callable[[str, LineError | None], None] = lambda _, __: None
    ) -> None:
        self._bot_of, self._told = bot_of, told
        self._asking = asyncio.Lock()

    async def send(self, address: Address, content: Content, message_id: str | None, reply: int | None) -> str:
        """Send a piece; see Line."""
        bot = self._bot_of(address.self_id)
        if bot is None:
            raise Later("机器人没有接入 QQ 开放平台")
        try:
            with _preparing(bot):
                async with self._asking:  # one asks for a token, and the others wait for it instead of asking too
                    await bot.get_access_token()
            with _explained(bot):
                platform_id = await _post(bot, address, content, message_id, reply)
        except LineError as fault:
            if _is_general(fault):
                self._told(address.self_id, fault)
            raise
        if platform_id is None:  # status 200 has been seen with a token error inside, which the adapter hides
            _forget_token(bot)
            raise Unclear("平台没有确认收到")
        self._told(address.self_id, None)
        return platform_id

    async def forward(self, address: Address, contents: Sequence[Content]) -> str:  # noqa: ARG002 — a Line has it
        """Refuse: the platform has no forwarded messages."""
        raise Refused("QQ 开放平台不支持合并转发")


async def ask(bot: Bot) -> LineError | None:
    """Ask the platform for a bot: what it has against it, None where it knows it."""
    try:
        with _explained(bot):
            await bot.me()
    except LineError as fault:
        return fault
    return None


@contextmanager
def _explained(bot: Bot) -> Iterator[None]:
    """Raise a LineError for whatever the adapter raises."""
    try:
        yield
    except ActionFailed as error:
        if not TOKEN_CODES.isdisjoint(_codes(error)):
            _forget_token(bot)
        raise _fault(error) from error
    except AuditException as error:
        raise Refused("平台要先人工审核这条消息，通过后才会送达") from error
    except ApiNotAvailable as error:
        raise Refused("平台没有这个会话或接口") from error
    except (NetworkError, HTTPError) as error:
        raise _unreached(error) from error
    except ValueError as error:  # an answer that is no JSON, or not the platform's
        raise Unclear("平台的答复无法识别") from error


@contextmanager
def _preparing(bot: Bot) -> Iterator[None]:
    """Raise a LineError that is never Unclear: whatever happens here, nothing was sent yet."""
    try:
        with _explained(bot):
            yield
    except Unclear as error:
        raise Later(str(error)) from error.__cause__


def _is_general(fault: LineError) -> bool:
    """Whether it is the bot that was not taken, or the platform that is not there: all that is sent would meet it."""
    error = fault.__cause__
    if isinstance(error, ActionFailed):
        return error.status_code == 401 or not DISOWNING.isdisjoint(_codes(error))
    return isinstance(error, NetworkError | HTTPError) and not isinstance(fault, Unclear)


async def _post(bot: Bot, address: Address, content: Content, message_id: str | None, reply: int | None) -> str | None:
    """Hand a piece to the adapter, and return what the platform calls it."""
    body: dict[str, Any]
    if isinstance(content, str):
        body = {"msg_type": 0, "content": content}
    else:
        body = {"msg_type": 7, "media": await _upload(bot, address, content)}
    if address.group is None:
        private = await bot.post_c2c_messages(openid=address.user, msg_id=message_id, msg_seq=reply, **body)
        return private.id
    group = await bot.post_group_messages(group_openid=address.group, msg_id=message_id, msg_seq=reply, **body)
    return group.id


async def _upload(bot: Bot, address: Address, picture: bytes) -> Media:
    """Give the platform a picture, which messages can name then."""
    what: dict[str, Any] = {"file_type": 1, "srv_send_msg": False, "file_data": picture}
    with _preparing(bot):
        if address.group is None:
            file_info = (await bot.post_c2c_files(openid=address.user, **what)).file_info
        else:
            file_info = (await bot.post_group_files(group_openid=address.group, **what)).file_info
    if file_info is None:
        raise Later("平台没有收下图片")
    return Media(file_info=file_info)


def _forget_token(bot: Bot) -> None:
    """Have the adapter ask for a new token, which it does by itself at status 401 only."""
    bot._access_token = None


def _codes(error: ActionFailed) -> list[int]:
    """Return the codes of an error, the more telling one first."""
    body: object = error.body  # any JSON, whatever its type says
    found = (body.get("code"), body.get("err_code")) if isinstance(body, dict) else ()
    return [code for code in found if isinstance(code, int)]


def _fault(error: ActionFailed) -> LineError:
    """Return what an error of the platform's means."""
    codes = _codes(error)
    number = f"（错误码 {codes[0]}）" if codes else f"（HTTP {error.status_code}）"
    kind, reason = next((MEANINGS[code] for code in codes if code in MEANINGS), _unknown(error))
    return kind(reason + number, _pause(error)) if issubclass(kind, Later) else kind(reason + number)


def _unknown(error: ActionFailed) -> Meaning:
    """Return what an error means whose codes say nothing."""
    body: object = error.body
    if error.status_code == 429:
        return Later, "发送过于频繁，平台暂不接收"
    if error.status_code >= 500:  # of a proxy's, it may be, behind which the platform took it
        return Unclear, "平台暂时出错"
    if error.status_code == 401:
        return Later, "平台不承认机器人的身份，请检查 AppID、AppSecret 和 IP 白名单"
    if isinstance(body, dict) and "url" in str(body.get("message")).lower():
        return Unfiled, UNFILED
    return Unfit, "平台没有接收"


def _pause(error: ActionFailed) -> float | None:
    """Return for how many seconds the platform says to wait, if it does."""
    try:
        seconds = float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _unreached(error: NetworkError | HTTPError) -> LineError:
    """Return what it means that no answer came: the adapter says why in words only where it got no token."""
    if isinstance(error, NetworkError) and (error.msg or "").startswith("Get authorization failed"):
        return Later("没有取得访问令牌，请检查 AppID 和 AppSecret")
    met = error if isinstance(error, HTTPError) else error.__cause__
    if isinstance(met, ConnectError | ConnectTimeout | PoolTimeout | ProxyError):
        return Later("连不上 QQ 平台")
    return Unclear("QQ 平台没有及时答复" if isinstance(met, TimeoutException) else "与 QQ 平台的连接断开了")
