"""Telling staff that a ticket needs them: what is told, to which target, in which form, and whether it was taken.

A target is a group robot of WeCom (企业微信), DingTalk (钉钉) or Feishu (飞书), or a plain webhook of one's own.
Everything here is pure; `bot.webhook` does the sending. Robots get text messages, never markdown, in which visitors'
words could pose as links or headings. The forms follow the vendors' pages:

    WeCom     developer.work.weixin.qq.com/document/path/91770
    DingTalk  open.dingtalk.com/document/robots/custom-robot-access
    Feishu    open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Literal, Protocol, TypeAlias, cast, get_args
from urllib.parse import parse_qs, quote_plus, urlsplit

Kind: TypeAlias = Literal["wecom", "dingtalk", "feishu", "webhook"]

HEADLINES: Final = {
    "ticket.waiting": "有新的人工请求等待处理",
    "ticket.reopened": "已办结的请求被重新打开",
    "ticket.transferred": "请求已转交",
    "test": "这是一条测试通知，无需处理",
}
KEYWORD: Final = "在线咨询"
"""Stands in every message to a robot, so that operators can name it as the robot's keyword (自定义关键词)."""

TITLES: Final[Mapping[Kind, str]] = {"wecom": "企业微信", "dingtalk": "钉钉", "feishu": "飞书", "webhook": "接收方"}
"""What the kinds are called."""
_NEEDED: Final[Mapping[Kind, str]] = {"wecom": "key", "dingtalk": "access_token"}
_HOST: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?")
_BEIJING: Final = timezone(timedelta(hours=8))
_TEXT_BYTES: Final = 1200
_NAME_BYTES: Final = 150
"""Together with the fixed words these stay within WeCom's 2048 bytes, the least of the three."""
_LOOKALIKES: Final = str.maketrans({"<": "＜", ">": "＞"})

_BUSY: Final[Mapping[Kind, frozenset[int]]] = {
    "wecom": frozenset({-1, 45009, 45033}),
    "dingtalk": frozenset({-1, 130101, 410100}),
    "feishu": frozenset({9499, 11232}),
    "webhook": frozenset(),
}
"""The vendors' codes for "too often" and "busy": the same message may be taken later."""
_MEANINGS: Final[Mapping[tuple[Kind, int], str]] = {
    ("wecom", 45009): "发送过于频繁",
    ("wecom", 93000): "机器人地址无效，或机器人已被移除",
    ("dingtalk", 130101): "发送过于频繁",
    ("dingtalk", 300005): "access_token 无效",
    ("dingtalk", 310000): "未通过机器人的安全设置：关键词、签名或 IP",
    ("dingtalk", 400101): "access_token 无效",
    ("dingtalk", 400102): "机器人已停用",
    ("dingtalk", 410100): "发送过于频繁",
    ("feishu", 11232): "发送过于频繁",
    ("feishu", 19001): "机器人地址无效",
    ("feishu", 19021): "签名不符，或本机时间相差一小时以上",
    ("feishu", 19022): "本机 IP 不在机器人的白名单中",
    ("feishu", 19024): "消息中没有机器人要求的关键词",
}


class TargetError(ValueError):
    """The setting of the targets cannot be used; the operator sees the Chinese message, which repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something staff should know. `id` (ASCII, unique) goes along, so that a receiver can drop what came twice.

    `kind` is "ticket.waiting", "ticket.reopened" or "ticket.transferred", or "test", which is about no ticket (0).
    `label` says what the ticket is about and `system` names the system, "" where it is not known. `text` says what
    happened, with personal data already masked.
    """

    id: str
    kind: str
    ticket: int
    label: str
    system: str
    text: str
    at: datetime


class Notify(Protocol):
    """Passes notices on to staff. Never blocks and never raises: a ticket does not wait for its notice."""

    def tell(self, notice: Notice) -> None:
        """Pass the notice on soon."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who is told: the `number`-th of the setting. URL and secret are not shown; logs say `name`, as "dingtalk[2]"."""

    kind: Kind
    number: int
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What the target is called in logs."""
        return f"{self.kind}[{self.number}]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request went. `retry`: the same notice may be taken later. `reason` is Chinese and holds no secret."""

    delivered: bool
    retry: bool = False
    reason: str = ""


def parse_targets(setting: str) -> tuple[Target, ...]:
    """The targets of a setting, separated by whitespace or commas, each `kind:url` or `kind:url#secret`.

    TargetError if one of them cannot be right.
    """
    written = [part for part in re.split(r"[\s,，]+", setting) if part]
    return tuple(_target(number, part) for number, part in enumerate(written, start=1))


def _target(number: int, written: str) -> Target:
    place = f"第 {number} 个通知目标"
    kind, _, address = written.partition(":")
    if kind not in get_args(Kind):
        raise TargetError(f"{place}：请以 wecom:、dingtalk:、feishu: 或 webhook: 开头，再写地址。")
    url, _, secret = address.partition("#")
    target = Target(cast("Kind", kind), number, url, secret or None)
    place = f"{place}（{kind}）"
    try:
        parts = urlsplit(url)
        usable = _HOST.fullmatch(parts.netloc) is not None and parts.port != 0
    except ValueError:
        raise TargetError(f"{place}：地址有误。") from None  # the cause would show the address
    if not (parts.scheme in {"http", "https"} and usable and url.isascii() and written.isprintable()):
        raise TargetError(f"{place}：地址应为完整的 http:// 或 https:// 网址，只含英文字符，不含用户名和密码。")
    needed = _NEEDED.get(target.kind)
    if needed is not None and needed not in parse_qs(parts.query):
        raise TargetError(f"{place}：地址中缺少 {needed}= 参数，请完整复制机器人的地址。")
    if target.kind == "feishu" and not parts.path.rpartition("/")[2]:
        raise TargetError(f"{place}：地址不完整，请完整复制机器人的地址。")
    if target.kind == "wecom" and target.secret is not None:
        raise TargetError(f"{place}：企业微信机器人没有签名密钥，请去掉 # 及其后的内容。")
    if target.kind == "webhook" and target.secret is None:
        raise TargetError(f"{place}：请在地址后写 # 和签名密钥。")
    return target


def request_for(target: Target, notice: Notice, now: datetime) -> tuple[str, dict[str, str], bytes]:
    """URL, headers and body of the POST request that tells the target; signed for `now`, so made anew for each try."""
    url, headers, seconds = target.url, {"Content-Type": "application/json; charset=utf-8"}, int(now.timestamp())
    match target.kind:
        case "wecom":
            body = _json({"msgtype": "text", "text": {"content": message(notice)}})
        case "dingtalk":
            body = _json({"msgtype": "text", "text": {"content": message(notice)}})
            if target.secret is not None:
                stamp = str(int(now.timestamp() * 1000))
                sign = _base64(_hmac(target.secret, f"{stamp}\n{target.secret}".encode()))
                url += f"&timestamp={stamp}&sign={quote_plus(sign)}"
        case "feishu":
            signed = {}
            if target.secret is not None:  # the text to sign is Feishu's key, and what it signs is empty
                signed = {"timestamp": str(seconds), "sign": _base64(_hmac(f"{seconds}\n{target.secret}", b""))}
            body = _json({**signed, "msg_type": "text", "content": {"text": message(notice)}})
        case "webhook":
            body = _json({**asdict(notice), "at": notice.at.isoformat()})
            signature = _hmac(target.secret or "", f"{seconds}.".encode() + body).hex()
            headers |= {"X-Notice-Id": notice.id, "X-Timestamp": str(seconds), "X-Signature": f"sha256={signature}"}
    return url, headers, body


def message(notice: Notice) -> str:
    """The notice as staff read it in a group. No text in it can mention people, pose as a link or add lines."""
    lines = [f"【{KEYWORD}】{HEADLINES.get(notice.kind, '请求有变化')}"]
    lines += [f"受理编号：{notice.ticket}"] if notice.ticket else []
    given = (
        ("事由", notice.label, _NAME_BYTES),
        ("系统", notice.system, _NAME_BYTES),
        ("说明", notice.text, _TEXT_BYTES),
    )
    lines += [f"{title}：{plain}" for title, text, most in given if (plain := _plain(text, most))]
    return "\n".join([*lines, f"时间：{notice.at.astimezone(_BEIJING):%Y-%m-%d %H:%M}（北京时间）"])


def accepted(target: Target, status: int, body: bytes) -> Outcome:
    """What a response means. Robots answer 200 to refusals too; what counts is the code in the body."""
    code, said = (None, "") if target.kind == "webhook" else _answer(body)
    good = 200 <= status < 300
    if good and (target.kind == "webhook" or code == 0):
        return Outcome(True)
    busy = code in _BUSY[target.kind] and "bad request" not in said  # Feishu's 9499 is either; its words tell
    retry = busy or status in {408, 425, 429} or status >= 500 or (good and code is None)  # a gateway's page, say
    if code:
        meaning = _MEANINGS.get((target.kind, code))
        what = f"代码 {code}（{meaning}）" if meaning else f"代码 {code}"
    elif good:
        what = "无法识别的内容"
    else:
        what = f" HTTP {status}（不跟随重定向）" if 300 <= status < 400 else f" HTTP {status}"
    return Outcome(False, retry=retry, reason=f"{TITLES[target.kind]}返回{what}")


def _answer(body: bytes) -> tuple[int | None, str]:
    """Code and words of a robot's answer, the words in lower case."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(said, dict):
        return None, ""
    code = next((said[name] for name in ("errcode", "code", "StatusCode") if name in said), None)
    known = isinstance(code, int) and not isinstance(code, bool)
    return code if known else None, str(said.get("msg", "")).lower()


def _plain(text: str, most: int) -> str:
    """One line of at most so many UTF-8 bytes without control characters, tags (which mention people) and links."""
    line = "".join(char for char in " ".join(text.split()) if char.isprintable())
    line = line.translate(_LOOKALIKES).replace("](", "] (")
    cut = line.encode()[:most].decode(errors="ignore")
    return cut if cut == line else f"{cut}…"


def _json(content: Mapping[str, object]) -> bytes:
    return json.dumps(content).encode()


def _hmac(key: str, content: bytes) -> bytes:
    return hmac.new(key.encode(), content, hashlib.sha256).digest()


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
