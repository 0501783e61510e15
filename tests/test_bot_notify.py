"""What targets are told, in the vendors' forms; signatures were computed with openssl."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notify import KEYWORD, Notice, Target, TargetError, accepted, message, parse_targets, request_for

NOW = datetime.fromtimestamp(1700000000.123, UTC)
WECOM = "wecom:https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6"
DINGTALK = "dingtalk:https://oapi.dingtalk.com/robot/send?access_token=566cc69d"
FEISHU = "feishu:https://open.feishu.cn/open-apis/bot/v2/hook/c0ffee"
PLAIN = "webhook:https://desk.example/notices#topsecret"
NOTICE = Notice(
    id="7d0f",
    kind="ticket.waiting",
    ticket=12,
    label="账号解锁",
    system="职业病危害项目申报系统",
    text="账号被锁定，手机号 138****0000",
    at=datetime(2026, 11, 22, 9, 20, tzinfo=UTC),
)


def target(written: str) -> Target:
    [parsed] = parse_targets(written)
    return parsed


def told(text: str, label: str = "账号解锁", system: str = "") -> str:
    return message(Notice("1", "ticket.waiting", 1, label, system, text, NOW))


def test_targets_are_separated_by_any_whitespace_or_commas() -> None:
    """As operators write lists; each target keeps its place as its name."""
    targets = parse_targets(f"{WECOM}, {DINGTALK}#SECabc\n\t{FEISHU}，{PLAIN}\n")
    assert [target.name for target in targets] == ["wecom[1]", "dingtalk[2]", "feishu[3]", "webhook[4]"]
    assert [target.secret for target in targets] == [None, "SECabc", None, "topsecret"]
    assert targets[1].url == "https://oapi.dingtalk.com/robot/send?access_token=566cc69d"


def test_an_empty_setting_has_no_targets() -> None:
    """Notifications are off by default."""
    assert parse_targets(" \n") == ()


WRONG = [
    ("https://oapi.dingtalk.com/robot/send?access_token=hush", "开头"),
    ("hush", "开头"),
    ("slack:https://hooks.example/hush", "开头"),
    ("wecom:ftp://qyapi.weixin.qq.com/?key=hush", "http"),
    ("wecom:qyapi.weixin.qq.com/?key=hush", "http"),
    ("wecom:https:///send?key=hush", "http"),
    ("webhook:https://user:hush@desk.example/#s", "用户名"),
    ("webhook:https://desk.example\\@hush.example/#s", "http"),
    ("webhook:https://desk.example/hush-通知#s", "英文"),
    ("webhook:https://desk.example:0/hush#s", "http"),
    ("webhook:https://desk.example:99999/hush#s", "有误"),
    ("webhook:http://[hush/#s", "有误"),
    ("webhook:https://desk.example/hush", "密钥"),
    ("webhook:https://desk.example/hush#", "密钥"),
    ("wecom:https://qyapi.weixin.qq.com/cgi-bin/webhook/send?hush=1", "key="),
    ("wecom:https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1#hush", "没有签名密钥"),
    ("dingtalk:https://oapi.dingtalk.com/robot/send#hush", "access_token="),
    ("dingtalk:https://oapi.dingtalk.com/robot/send?access_token=#hush", "access_token="),
    ("feishu:https://open.feishu.cn/open-apis/bot/v2/hook/#hush", "不完整"),
    ("webhook:https://desk.example/#hush\udce4", "http"),
]


@pytest.mark.parametrize(("written", "about"), WRONG)
def test_a_wrong_target_is_told_by_its_place_and_never_repeated(written: str, about: str) -> None:
    """The message reaches terminals and logs, so it holds neither URL nor secret, nor does its cause."""
    with pytest.raises(TargetError, match="第 2 个通知目标") as raised:
        parse_targets(f"{PLAIN} {written}")
    assert about in str(raised.value)
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_target_shown_shows_no_secret() -> None:
    """Not in the middle of a longer repr either."""
    shown = repr(parse_targets(f"{WECOM} {DINGTALK}#SECabc {FEISHU}#abc {PLAIN}"))
    assert "dingtalk" in shown
    for secret in ("693a91f6", "566cc69d", "SECabc", "c0ffee", "abc", "topsecret", "https"):
        assert secret not in shown


def test_wecom_gets_a_text_message_at_its_address() -> None:
    """Nothing is signed: the key is in the URL."""
    url, headers, body = request_for(target(WECOM), NOTICE, NOW)
    assert url == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6"
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(body) == {"msgtype": "text", "text": {"content": message(NOTICE)}}


def test_dingtalk_gets_its_signature_in_the_url() -> None:
    """HMAC-SHA256 of milliseconds and secret, by the secret, in Base64 with "+" and "/" escaped."""
    url, _, body = request_for(target(f"{DINGTALK}#SECabc"), NOTICE, NOW)
    assert parse_qs(urlsplit(url).query) == {
        "access_token": ["566cc69d"],
        "timestamp": ["1700000000123"],
        "sign": ["IqXBU/aLfwMA3S/tDcfRmHx5vWHw9Y1aOgFLBr1Ti9w="],
    }
    assert url.endswith("&sign=IqXBU%2FaLfwMA3S%2FtDcfRmHx5vWHw9Y1aOgFLBr1Ti9w%3D")
    assert json.loads(body) == {"msgtype": "text", "text": {"content": message(NOTICE)}}


def test_dingtalk_without_a_secret_is_not_signed() -> None:
    """Robots may be guarded by keyword or address instead."""
    assert request_for(target(DINGTALK), NOTICE, NOW)[0] == DINGTALK.removeprefix("dingtalk:")


def test_feishu_gets_its_signature_in_the_body() -> None:
    """HMAC-SHA256 of nothing, by seconds and secret."""
    url, _, body = request_for(target(f"{FEISHU}#topsecret"), NOTICE, NOW)
    assert url == FEISHU.removeprefix("feishu:")
    assert json.loads(body) == {
        "timestamp": "1700000000",
        "sign": "YYwhpW0DojOMeEoJw+vpuvaw1aHMCx3kPEmfSlnJ6rA=",
        "msg_type": "text",
        "content": {"text": message(NOTICE)},
    }


def test_feishu_without_a_secret_is_not_signed() -> None:
    """An unexpected signature would be refused."""
    assert set(json.loads(request_for(target(FEISHU), NOTICE, NOW)[2])) == {"msg_type", "content"}


def test_a_plain_webhook_gets_the_notice_signed_with_its_time() -> None:
    """So that a receiver can tell it from a forged or repeated one."""
    url, headers, body = request_for(target(PLAIN), NOTICE, NOW)
    assert url == "https://desk.example/notices"
    signature = hmac.new(b"topsecret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == f"sha256={signature}"
    assert headers["X-Timestamp"] == "1700000000"
    assert headers["X-Notice-Id"] == "7d0f"
    assert json.loads(body) == {
        "id": "7d0f",
        "kind": "ticket.waiting",
        "ticket": 12,
        "label": "账号解锁",
        "system": "职业病危害项目申报系统",
        "text": "账号被锁定，手机号 138****0000",
        "at": "2026-11-22T09:20:00+00:00",
    }


def test_a_message_says_what_happened_to_which_ticket() -> None:
    """In the time of the people who read it."""
    assert message(NOTICE).splitlines() == [
        "【在线咨询】有新的人工请求等待处理",
        "受理编号：12",
        "事由：账号解锁",
        "系统：职业病危害项目申报系统",
        "说明：账号被锁定，手机号 138****0000",
        "时间：2026-11-22 17:20（北京时间）",
    ]


def test_every_message_holds_the_keyword() -> None:
    """Robots guarded by a keyword drop what lacks it."""
    for kind in ("ticket.waiting", "ticket.reopened", "ticket.transferred", "ticket.something"):
        assert KEYWORD in message(Notice("1", kind, 1, "", "", "", NOW))


@pytest.mark.parametrize("text", ['<at user_id="all">所有人</at>', "<@all>", "[登录](https://evil.example)"])
def test_no_text_can_mention_people_or_pose_as_a_link(text: str) -> None:
    """WeCom and Feishu read such marks in plain text messages too."""
    said = told(text, label=text, system=text)
    assert "<" not in said
    assert "](" not in said


def test_no_text_can_add_lines() -> None:
    """A visitor's line break must not look like a field of ours."""
    assert len(told("一\n受理编号：99\r\n\u2028二", label="a\nb", system="c\nd").splitlines()) == 6


@given(st.text(max_size=900), st.text(max_size=200))
def test_any_message_fits_the_narrowest_robot(text: str, name: str) -> None:
    """WeCom takes 2048 bytes."""
    assert len(told(text, name, name).encode()) <= 2048


def test_a_long_text_is_cut_between_characters() -> None:
    """And the time after it still said."""
    said = told("锁" * 5000)
    assert "锁…\n时间：" in said
    assert len(said.encode()) <= 2048


TAKEN = [
    (WECOM, 200, '{"errcode":0,"errmsg":"ok"}'),
    (DINGTALK, 200, '{"errcode":0,"errmsg":"ok"}'),
    (FEISHU, 200, '{"code":0,"msg":"success","data":{}}'),
    (FEISHU, 200, '{"StatusCode":0,"StatusMessage":"success"}'),
    (PLAIN, 200, "ok"),
    (PLAIN, 204, ""),
]


@pytest.mark.parametrize(("written", "status", "body"), TAKEN)
def test_what_counts_as_taken(written: str, status: int, body: str) -> None:
    """A robot says so in its answer, a webhook by its status."""
    assert accepted(target(written), status, body.encode()).delivered


LATER = [
    (WECOM, 200, '{"errcode":45009,"errmsg":"api freq out of limit"}'),
    (WECOM, 200, '{"errcode":-1,"errmsg":"system busy"}'),
    (DINGTALK, 200, '{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}'),
    (DINGTALK, 200, '{"errcode":410100,"errmsg":"发送速度太快而限流"}'),
    (FEISHU, 200, '{"code":11232,"msg":"frequency limited psm[lark.oapi]"}'),
    (FEISHU, 400, '{"code":9499,"msg":"too many request"}'),
    (PLAIN, 429, ""),
    (PLAIN, 408, ""),
    (PLAIN, 503, ""),
    (WECOM, 502, "<html>Bad Gateway</html>"),
    (WECOM, 200, "<html>请先登录网络</html>"),
    (DINGTALK, 200, "[]"),
    (DINGTALK, 200, '{"errcode":"?"}'),
    (FEISHU, 200, '{"code":false}'),
    (FEISHU, 200, "[" * 60_000),
]


@pytest.mark.parametrize(("written", "status", "body"), LATER)
def test_what_is_worth_another_try(written: str, status: int, body: str) -> None:
    """Whoever is busy, limits the rate or is not the robot may take the same notice later."""
    outcome = accepted(target(written), status, body.encode())
    assert (outcome.delivered, outcome.retry) == (False, True)


FINAL = [
    (WECOM, 200, '{"errcode":93000,"errmsg":"invalid webhook url, hint"}', "93000"),
    (DINGTALK, 200, '{"errcode":310000,"errmsg":"sign not match"}', "310000"),
    (DINGTALK, 200, '{"errcode":300005,"errmsg":"token is not exist"}', "access_token"),
    (FEISHU, 400, '{"code":19021,"msg":"sign match fail"}', "签名"),
    (FEISHU, 200, '{"code":9499,"msg":"Bad Request","data":{}}', "9499"),
    (PLAIN, 401, "", "HTTP 401"),
    (PLAIN, 404, "", "HTTP 404"),
    (PLAIN, 302, "", "重定向"),
    (WECOM, 403, "", "HTTP 403"),
]


@pytest.mark.parametrize(("written", "status", "body", "reason"), FINAL)
def test_what_is_refused_for_good(written: str, status: int, body: str, reason: str) -> None:
    """A wrong key stays wrong; the reason says what to mend in our words, as the vendor's may repeat the key."""
    outcome = accepted(target(written), status, body.encode())
    assert (outcome.delivered, outcome.retry) == (False, False)
    assert reason in outcome.reason
