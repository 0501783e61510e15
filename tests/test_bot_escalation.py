"""Reasons for a person to act, told by what people type. The phrasings were written for these tests."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import dossier
from bot.dossier import DossierError
from bot.escalation import HUMAN, ReasonError, read_reasons, reason_for
from faq.knowledge import read_folder
from index.build import build
from index.hybrid import HybridIndex
from index.segment import Segmenter, terms

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"
REASONS = read_reasons(DOCUMENTS / "reasons.toml")


def index() -> HybridIndex:
    knowledge = read_folder(DOCUMENTS)
    segmenter = Segmenter(terms(knowledge))
    return HybridIndex(build(knowledge, segmenter, None), segmenter, None)


INDEX = index()
EXAMPLES = tomllib.loads((Path(__file__).parent / "escalation.toml").read_text(encoding="utf-8"))["about"]


def name_of(text: str, system: str | None = "zyb", answer: str | None = None, *, elsewhere: bool = False) -> str | None:
    reason = reason_for(REASONS, INDEX.understand(text), system=system, answer=answer, elsewhere=elsewhere)
    return reason.name if reason else None


def examples(field: str) -> list[tuple[str, str, str | None]]:
    """Reason, text and system of the examples in a field; where the channel knows no system, the one the text names."""
    return [
        (about["reason"], text, about.get("system") or INDEX.mention(text).system)
        for about in EXAMPLES
        for text in about.get(field, [])
    ]


def needed(reason: str) -> list[str]:
    return [text for name, text, _ in examples("needed") if name == reason]


@pytest.mark.parametrize(("name", "text", "system"), examples("needed"))
def test_a_message_that_needs_a_person_gives_its_reason(name: str, text: str, system: str | None) -> None:
    """As visitors type: short, in dialect, with mistakes."""
    assert name_of(text, system) == name


@pytest.mark.parametrize(("name", "text", "system"), examples("not_needed"))
def test_a_message_that_needs_no_person_gives_none(name: str, text: str, system: str | None) -> None:
    """However near its words come to one that does."""
    assert name_of(text, system) is None, f"it only comes near to {name}"


@pytest.mark.parametrize("name", ["unlock", "human", "other"])
def test_some_reasons_hold_for_every_system(name: str) -> None:
    """Locked accounts, people and faults are the same everywhere, also where the system is not known."""
    for system in (None, "whjy"):
        assert [name_of(text, system) for text in needed(name)] == [name] * len(needed(name))


@pytest.mark.parametrize("name", ["appeal", "credit_code", "add_region"])
def test_some_reasons_are_those_of_one_system(name: str) -> None:
    """The other system's documents name no such service."""
    assert name not in [name_of(text, "whjy") for text in needed(name)]
    assert name not in [name_of(text, None) for text in needed(name)]


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
账号 锁 申诉 一 几个 手机 注册 信用代码 尾号 县 找 好几天 换手机 回个 个 没有 电话 号 不知道注册 ip 工作日 还 没
人工审核一 输错密码 不知道 区 添加 上传 系统 给 人工
"""


@pytest.mark.parametrize("piece", HOSTILE.split())
def test_no_pattern_takes_long_over_a_hostile_text(piece: str) -> None:
    """Of 2,000 characters that nearly match over and over; each pattern is tried, with and without a different end."""
    started = time.process_time()
    for text in ((piece * 2000)[:2000], (piece * 2000)[:1999] + "x"):
        for reason in REASONS:
            for pattern in (*reason.cues, *reason.hints, *reason.unless, *reason.asks, *reason.request):
                pattern.search(text)
    assert time.process_time() - started < 5


GOOD = '[[reason]]\nname = "unlock"\ncues = ["锁"]\n'
FORM = '[field.phone]\nlabel = "手机号"\nask = "请提供手机号。"\nkinds = ["phone"]\n'
DOSSIER = '[dossier.unlock]\nlabel = "解锁"\ntold = "可以转人工。"\nfields = ["phone"]\n'


def declared(tmp_path: Path, text: str, dossiers: str = FORM + DOSSIER) -> Path:
    """The path of reasons, with their dossiers beside them."""
    path = tmp_path / "reasons.toml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "dossiers.toml").write_text(dossiers, encoding="utf-8")
    return path


def test_words_stand_for_their_patterns(tmp_path: Path) -> None:
    """{lock} in a pattern is the group of that name; a number of times stays one."""
    words = '[word]\nlock = "锁|冻结"\n'
    (reason, _) = read_reasons(declared(tmp_path, words + GOOD.replace('["锁"]', '["账号.{0,2}{lock}了"]')))
    assert [reason.given_by(text, system=None, answer=None) for text in ("账号被冻结了", "账号锁", "冻结了")] == [
        True,
        False,
        False,
    ]


def test_an_entry_with_hints_needs_one_of_them(tmp_path: Path) -> None:
    """Words too common for a cue count beside the answer they belong to."""
    (reason, _) = read_reasons(declared(tmp_path, GOOD + 'entries = ["zyb-2.3"]\nhints = ["少"]\n'))
    assert reason.given_by("少一个", system="zyb", answer="zyb-2.3")
    assert not reason.given_by("少一个", system="zyb", answer="zyb-2.4")
    assert not reason.given_by("多一个", system="zyb", answer="zyb-2.3")


def test_what_rules_a_reason_out_outweighs_a_request(tmp_path: Path) -> None:
    """A question gives way to a request, another matter does not."""
    rules = 'unless = ["数据"]\nasks = ["多久"]\nrequest = ["帮"]\n'
    (reason, _) = read_reasons(declared(tmp_path, GOOD + rules))
    given = [reason.given_by(text, system=None, answer=None) for text in ("锁多久", "锁多久,帮我解", "数据锁了帮我解")]
    assert given == [False, True, False]


def test_a_person_can_be_asked_for_where_nothing_is_declared(tmp_path: Path) -> None:
    """Without a file, and with one that does not speak of it."""
    assert read_reasons(tmp_path / "reasons.toml") == (HUMAN,)
    assert [reason.name for reason in read_reasons(declared(tmp_path, GOOD))] == ["unlock", "human"]
    assert reason_for((HUMAN,), "转人工", system=None, answer=None) is HUMAN


def test_a_reason_has_the_dossier_of_its_name(tmp_path: Path) -> None:
    """From the file beside it; a person's is declared or the program's own."""
    unlock, human = read_reasons(declared(tmp_path, GOOD))
    assert [field.label for field in unlock.dossier.fields] == ["手机号"]
    assert (human, human.dossier) == (HUMAN, dossier.HUMAN)


def test_a_person_may_have_a_dossier_without_a_declared_reason(tmp_path: Path) -> None:
    """The program's own words tell who wants one, the file what is asked then."""
    told = DOSSIER.replace("unlock", "human").replace("解锁", "找人")
    _, human = read_reasons(declared(tmp_path, GOOD, FORM + DOSSIER + told))
    assert (human.cues, human.dossier.label) == (HUMAN.cues, "找人")


def test_every_reason_shipped_has_its_own_dossier() -> None:
    """What each collects is what the documents say staff need."""
    collected = {reason.name: [field.name for field in reason.dossier.fields] for reason in REASONS}
    assert collected == {
        "unlock": ["account", "ip_screenshot"],
        "appeal": ["company", "region", "phone", "details"],
        "credit_code": ["company", "wrong_code", "right_code"],
        "add_region": ["missing_region"],
        "other": ["details", "since", "screenshot"],
        "human": ["details"],
    }


def test_who_comes_from_a_version_without_dossiers_is_told_where_things_went(tmp_path: Path) -> None:
    """There is no dossiers.toml yet; that its fields moved helps more than that a dossier is missing."""
    path = tmp_path / "reasons.toml"
    path.write_text(GOOD + 'label = "解锁"\ntold = "可以转人工。"\n', encoding="utf-8")
    with pytest.raises(ReasonError, match=r"label、told 已改在 dossiers\.toml 的 \[dossier\.unlock\] 中填写"):
        read_reasons(path)


@pytest.mark.parametrize(
    ("dossiers", "complaint"),
    [
        ("", r"reasons\.toml 的原因「unlock」：dossiers\.toml 中没有 \[dossier\.unlock\]"),
        (FORM + DOSSIER + DOSSIER.replace("unlock", "fax"), r"dossiers\.toml：reasons\.toml 中没有名为 fax 的原因"),
    ],
)
def test_reasons_and_dossiers_belong_together(tmp_path: Path, dossiers: str, complaint: str) -> None:
    """A reason without a dossier could not be handed over, a dossier without a reason would never be asked."""
    with pytest.raises(ReasonError, match=complaint):
        read_reasons(declared(tmp_path, GOOD, dossiers))


def test_a_mistake_in_the_dossiers_is_named_as_theirs(tmp_path: Path) -> None:
    """Reading the reasons reads both files."""
    with pytest.raises(DossierError, match=r"dossiers\.toml 的 \[dossier\.unlock\]"):
        read_reasons(declared(tmp_path, GOOD, DOSSIER))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[reason]", "无法读取"),
        ("reason = 1", "应写成"),
        ("reason = [1]", "应写成"),
        (GOOD + GOOD, "不能重复"),
        (GOOD + "colour = 1", "不认识的字段 colour"),
        (GOOD.replace("unlock", ""), "缺少 name"),
        (GOOD.replace('"unlock"', "1"), "缺少 name"),
        (GOOD + 'label = "解锁"\n', r"「unlock」：label 已改在 dossiers\.toml 的 \[dossier\.unlock\] 中填写"),
        (GOOD + 'told = "可以转人工。"\nlabel = "解锁"\n', r"label、told 已改在 .*CHANGELOG\.md"),
        ('[[reason]]\nlabel = "解锁"\n', r"\[dossier\.名称\]"),
        (GOOD.replace('["锁"]', '"锁"'), "cues 应为字符串列表"),
        (GOOD.replace('["锁"]', '["(锁"]'), "正则表达式「\\(锁」有误"),
        (GOOD.replace('["锁"]', '["{lock}"]'), r"\{lock\} 未在 \[word\] 中定义"),
        ("word = 1\n" + GOOD, r"\[word\] 的各项"),
        ("[word]\nlock = 1\n" + GOOD, r"\[word\] 的各项"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    """In Chinese, with the file and the reason."""
    with pytest.raises(ReasonError, match=rf"reasons\.toml.*{complaint}"):
        read_reasons(declared(tmp_path, text))
