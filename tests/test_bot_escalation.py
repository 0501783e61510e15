"""Reasons for a person to act, told by what people type. The phrasings were written for these tests."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.escalation import HUMAN, ReasonError, read_reasons, reason_for
from index.variant import canonical

REASONS = read_reasons(Path(__file__).parent.parent / "faq" / "documents" / "reasons.toml")

NEEDED = {
    "unlock": [
        "账号锁了帮忙解一下",
        "登陆被锁咋办",
        "输错密码给锁定了",
        "我们公司账号被冻结了怎么弄",
        "提示请在6小时后重试",
        "密码输错五次不让登了",
        "号锁了，急用",
        "能不能帮我提前解锁",
        "账号显示已锁定，今天必须申报完",
        "用户被锁定，无法登录",
        "麻烦给解个锁",
        "登录的时候说账户锁定了",
        "我号被封了",
        "输了好几遍密码现在登不进，说被锁",
        "帐号锁死了，求解",
        "IP截图发给谁解锁",
        "帮我开一下锁，账号登不上",
        "密码错误次数过多，账号锁了",
        "登不上去，说我被锁住了",
        "能给解封吗",
    ],
    "appeal": [
        "账号申诉提交了一直没人审核",
        "注册用的手机号停机了，怎么找回账号",
        "注册的手机号是前任同事的，他离职了联系不上",
        "忘了当时用哪个手机号注册的",
        "提示已被手机尾号1234注册，但这个号不是我们的",
        "我要申诉账号",
        "申诉提交三天了还没审",
        "原来注册的手机丢了收不到验证码",
        "手机号换了，登不上也找不回密码",
        "不知道注册手机是谁的",
        "尾号8899的手机没人认识",
        "帮忙处理一下账号申诉",
        "注册手机注销了怎么办",
        "账号申诉怎么没人管",
        "注册手机号忘了",
    ],
    "credit_code": [
        "注册的时候信用代码填错了",
        "社会信用代码输错了能帮忙改吗",
        "注册完发现统一社会信用代码有误",
        "信用代码少输了一位，已经注册了",
        "我们单位的代码填成别家的了怎么改",
        "社会信用代码写错，要更正",
        "注册时把代码填错一位怎么办",
        "机构代码错了，请帮我改一下",
        "信用代码注册错了咋办",
        "统一代码录错了",
        "公司信用代码填写有误",
    ],
    "add_region": [
        "下拉里没有我们县",
        "缺少我们区的选项，请添加",
        "地区里找不到高新区",
        "能不能把我们新区加上",
        "选地区的时候没有经开区",
        "所属地区里面没有我们市",
        "我们县没在列表里",
        "地区选项少了一个县",
        "帮忙添加一下地区",
        "管理机构这边缺了两个区，统计好了发给谁",
        "注册选不到我们街道",
        "没有我们区",
        "少个县",
    ],
    "human": [
        "转人工",
        "人工",
        "人工客服",
        "我要找人工",
        "有没有活人",
        "找个真人跟我说",
        "接客服",
        "给我个客服电话",
        "你们这个机器人答非所问，换人",
        "我要投诉",
        "客服在吗",
        "能打电话给我吗",
        "别用机器人糊弄我",
        "叫你们技术来",
        "电话一直打不通",
        "有工作人员吗",
        "转接工程师",
        "有人吗，出来个人",
        "我要人工",
        "转客服",
    ],
    "other": [
        "网站打不开了",
        "系统502",
        "人工审核都三天了还没通过",
        "提交了人工审核一个星期没消息",
        "更换手机号提示信息错误，填的都对",
        "系统崩溃了",
        "上传附件一直报错",
        "页面显示500错误",
        "注册人工审核好几天了也没收到短信",
        "网页打不开提示503",
        "换手机号的时候信息没错却提示信息错误",
        "人工审核超过一个工作日了还没结果",
        "系统进不去了显示502 bad gateway",
    ],
}
"""The writer has the problem now and staff act on it, or asks for a person."""

NOT_NEEDED = {
    "unlock": [
        "锁定要等多久",
        "账号一般锁几个小时",
        "输错几次会被锁",
        "怎么避免账号被锁",
        "为什么账号会被锁定",
        "等6小时会自动解锁吗",
        "什么情况下账号会锁",
        "信息变更按钮被锁了",
        "账号锁定规则是什么",
        "6小时后账号会自己恢复吗",
        "我要锁定申报数据",
        "填报数据锁定了改不了",
        "信息填错了不能提交怎么办",
        "人数填错了，不让保存",
    ],
    "appeal": [
        "申诉要多久",
        "什么情况需要账号申诉",
        "账号申诉是什么意思",
        "申诉通过以后怎么登录",
        "注册手机还在用，忘了密码",
        "申诉由谁审核",
        "忘记密码怎么办",
        "一般申诉几天能审完",
        "收不到验证码",
    ],
    "credit_code": [
        "分公司用总公司的信用代码注册了怎么办",
        "没有独立信用代码怎么填",
        "正在注册，信用代码怎么填",
        "信用代码查不到",
        "统一社会信用代码是账号吗",
        "下属公司社会信用代码填谁的",
        "怎么查社会信用代码",
        "注册的时候能不能自己输入信用代码",
        "信用代码一般多少位",
    ],
    "add_region": [
        "地区下拉是空白的",
        "添加地区要走什么流程",
        "行业分类点进去是空白",
        "区县机构登录不上",
        "一般多久能添加好地区",
        "下级区县账号停用了",
        "没有对应的危害因素小类",
        "区县审核错了怎么办",
        "我们市没有登录权限",
        "区县级管理机构没有审核",
        "少了一个因素",
    ],
    "human": [
        "法人类型选人工审核",
        "你是机器人吗",
        "人工审核要多久",
        "怎么选其他人工审核",
        "你是真人吗",
        "联系管理员是什么意思",
        "人工注册怎么填",
        "打印申报表提示联系管理员",
        "需要技术服务机构报告吗",
        "体检机构怎么找",
        "怎么找个人信息",
    ],
    "other": [
        "404提示联系管理员",
        "人工审核要多久",
        "下一步没反应",
        "账号不存在",
        "构成重大危险源怎么选",
        "审核状态是待审核",
        "地址里有2443",
        "更换手机号怎么操作",
        "访问被阻断",
    ],
}
"""The writer wants to know, helps himself, or another authority acts; the key is the reason it comes near to."""


def name_of(text: str, system: str | None = "zyb", answer: str | None = None, *, elsewhere: bool = False) -> str | None:
    reason = reason_for(REASONS, canonical(text), system=system, answer=answer, elsewhere=elsewhere)
    return reason.name if reason else None


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NEEDED.items() for text in texts])
def test_a_message_that_needs_a_person_gives_its_reason(name: str, text: str) -> None:
    """As visitors type: short, in dialect, with mistakes."""
    assert name_of(text) == name


@pytest.mark.parametrize("text", [text for texts in NOT_NEEDED.values() for text in texts])
def test_a_message_that_needs_no_person_gives_none(text: str) -> None:
    """However near its words come to one that does."""
    assert name_of(text) is None


@pytest.mark.parametrize("name", ["unlock", "human", "other"])
def test_some_reasons_hold_for_every_system(name: str) -> None:
    """Locked accounts, people and faults are the same everywhere, also where the system is not known."""
    for system in (None, "whjy"):
        assert [name_of(text, system) for text in NEEDED[name]] == [name] * len(NEEDED[name])


@pytest.mark.parametrize("name", ["appeal", "credit_code", "add_region"])
def test_some_reasons_are_those_of_one_system(name: str) -> None:
    """The other system's documents name no such service."""
    assert name not in [name_of(text, "whjy") for text in NEEDED[name]]
    assert name not in [name_of(text, None) for text in NEEDED[name]]


def test_the_answer_about_locked_accounts_is_reason_enough() -> None:
    """Whoever chose that entry has that problem, in whatever words, unless he only asks how long."""
    assert name_of("", answer="zyb-1.9") == "unlock"
    assert name_of("六小时太久了", answer="zyb-1.9") == "unlock"
    assert name_of("锁定要等多久", answer="zyb-1.9") is None


def test_asking_for_the_deed_outweighs_asking_about_it() -> None:
    """「一般要锁多久」 is a question; with 「帮我解一下」 it is a request."""
    assert name_of("账号锁了一般要多久") is None
    assert name_of("账号锁了一般要多久，等不及了，帮我解一下") == "unlock"


def test_another_providers_system_gives_no_reason_but_a_person() -> None:
    """We cannot unlock an account of 微信."""
    assert name_of("微信账号被锁了", None, elsewhere=True) is None
    assert name_of("微信账号被锁了，转人工", None, elsewhere=True) == "human"


def test_the_first_reason_declared_goes_first() -> None:
    """A locked account that a person shall unlock is a case of unlocking."""
    assert name_of("账号被锁了，转人工") == "unlock"


@given(st.text(max_size=300))
def test_any_text_can_be_asked_for_its_reason(text: str) -> None:
    """No text fails."""
    assert name_of(text) in {None, *(reason.name for reason in REASONS)}


HOSTILE = """
账号 锁 申诉 一 几个 手机 注册 信用代码 尾号 县 找 好几天 换手机 回个 个 没有 电话
人工审核一 输错密码 不知道 区 添加 上传 系统 给 人工
"""


@pytest.mark.parametrize("piece", HOSTILE.split())
def test_no_pattern_takes_long_over_a_hostile_text(piece: str) -> None:
    """Of 2,000 characters that nearly match over and over; each pattern is tried, with and without a different end."""
    started = time.process_time()
    for text in ((piece * 2000)[:2000], (piece * 2000)[:1999] + "x"):
        for reason in REASONS:
            for pattern in (*reason.cues, *reason.unless, *reason.request):
                pattern.search(text)
    assert time.process_time() - started < 5


def declared(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "reasons.toml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = '[[reason]]\nname = "unlock"\nlabel = "解锁"\ntold = "可以转人工。"\ncues = ["锁"]\n'


def test_a_person_can_be_asked_for_where_nothing_is_declared(tmp_path: Path) -> None:
    """Without a file, and with one that does not speak of it."""
    assert read_reasons(tmp_path / "reasons.toml") == (HUMAN,)
    assert [reason.name for reason in read_reasons(declared(tmp_path, GOOD))] == ["unlock", "human"]
    assert reason_for((HUMAN,), "转人工", system=None, answer=None) is HUMAN


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[reason]", "无法读取"),
        ("reason = 1", "应写成"),
        ("reason = [1]", "应写成"),
        (GOOD + GOOD, "不能重复"),
        (GOOD + "colour = 1", "不认识的字段 colour"),
        (GOOD.replace("unlock", ""), "缺少 name"),
        (GOOD.replace('["锁"]', '"锁"'), "cues 应为字符串列表"),
        (GOOD.replace('["锁"]', '["(锁"]'), "正则表达式「\\(锁」有误"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    """In Chinese, with the file and the reason."""
    with pytest.raises(ReasonError, match=rf"reasons\.toml.*{complaint}"):
        read_reasons(declared(tmp_path, text))
