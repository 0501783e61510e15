"""Small things people say, as they type them: tired, in a hurry, full width, with dots and laughter."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import say
from bot.model import Option

TOLD: dict[str, Callable[[str], bool]] = {
    "yes": say.is_yes,
    "no": say.is_no,
    "cancel": say.is_cancel,
    "skip": say.is_skip,
    "back": say.is_back,
    "thanks": say.is_thanks,
    "farewell": say.is_farewell,
    "status": say.is_status,
    "asking": say.is_asking,
    "deed": say.is_deed,
    "waiting": say.is_waiting,
    "none": say.is_none,
    "withdrawal": say.is_withdrawal,
    "solved": say.is_solved,
}
PHRASINGS = tomllib.loads((Path(__file__).parent / "say.toml").read_text(encoding="utf-8"))


def phrasings(kind: str, field: str) -> list[str]:
    return [phrasing for line in PHRASINGS[kind][field].splitlines() for phrasing in line.split("|")]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in TOLD for text in phrasings(kind, "said")])
def test_it_is_told_from_how_people_type_it(kind: str, text: str) -> None:
    """With particles, dots, politeness and in full width."""
    assert TOLD[kind](text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in TOLD for text in phrasings(kind, "near")])
def test_what_only_comes_near_is_left_alone(kind: str, text: str) -> None:
    """Questions, statements and names that share its words."""
    assert not TOLD[kind](text)


EXCLUSIVE = [("yes", "no"), ("yes", "cancel"), ("yes", "skip"), ("yes", "back"), ("no", "back"), ("cancel", "skip")]


@pytest.mark.parametrize(("one", "other"), [*EXCLUSIVE, *((b, a) for a, b in EXCLUSIVE)])
def test_what_means_one_thing_does_not_mean_its_opposite(one: str, other: str) -> None:
    """No phrasing is taken for two things that a form treats differently."""
    assert [text for text in phrasings(one, "said") if TOLD[other](text)] == []


@pytest.mark.parametrize("kind", [kind for kind in TOLD if kind != "asking"])
def test_a_long_message_is_none_of_these(kind: str) -> None:
    """However often it says so; nor is an empty one."""
    said = phrasings(kind, "said")[0]
    assert TOLD[kind](said)
    assert not TOLD[kind](said * 41)
    assert not TOLD[kind]("")


@pytest.mark.parametrize(
    ("number", "text"), [(number, text) for number in "1239" for text in phrasings("number", number)]
)
def test_a_number_is_told_however_it_is_written(number: str, text: str) -> None:
    """Arabic, Chinese, circled, full width, with 第 and 个."""
    assert say.number_in(text) == int(number)


@pytest.mark.parametrize("text", phrasings("number", "none"))
def test_a_number_within_something_else_is_no_choice(text: str) -> None:
    """Error codes, quantities, two choices, and questions about one."""
    assert say.number_in(text) is None


OPTIONS = (
    Option("zyb-1.9", "【职业病申报 · 企业用户】账号被锁定怎么办？"),
    Option("zyb-1.10", "忘记密码怎么办"),
    Option("whjy-1.2.3", "【危化品 · 管理机构】忘记密码怎么办"),
    Option("whjy-2", "3 个月没登录会怎样"),
)


@pytest.mark.parametrize(
    ("text", "entry_id"),
    [
        ("2", "zyb-1.10"),
        ("第一个", "zyb-1.9"),
        ("选③", "whjy-1.2.3"),
        ("zyb-1.9", "zyb-1.9"),
        ("ＺＹＢ-1.9", "zyb-1.9"),
        ("zyb 1.10", "zyb-1.10"),
        ("账号被锁定怎么办", "zyb-1.9"),
        ("账号被锁定怎么办？", "zyb-1.9"),
        ("1. 账号被锁定怎么办", "zyb-1.9"),
        ("①账号被锁定怎么办", "zyb-1.9"),
        ("【职业病申报 · 企业用户】账号被锁定怎么办？", "zyb-1.9"),
        ("3个月没登录会怎样", "whjy-2"),
        ("4、3 个月没登录会怎样", "whjy-2"),
        ("5", None),
        ("404", None),
        ("1.9", None),
        ("12", None),
        ("忘记密码怎么办", None),
        ("账号", None),
        ("", None),
        ("？？", None),
        ("都不是", None),
    ],
)
def test_an_option_is_picked_by_number_id_or_label(text: str, entry_id: str | None) -> None:
    """A label that two options bear picks neither."""
    option = say.picked(text, OPTIONS)
    assert (option.entry_id if option else None) == entry_id


def test_nothing_is_picked_where_nothing_is_offered() -> None:
    """No options, no choice."""
    assert say.picked("1", ()) is None
    assert say.picked("", ()) is None


@pytest.mark.parametrize(
    ("text", "what", "value"),
    [
        ("修改手机号", "手机号", None),
        ("修改手机号。", "手机号", None),
        ("修改 手机号", "手机号", None),
        ("修改：手机号", "手机号", None),
        ("修改一下手机号", "手机号", None),
        ("修改手机号吧", "手机号", None),
        ("我要修改手机号", "手机号", None),
        ("我想修改手机号", "手机号", None),
        ("我想改一下单位名称", "单位名称", None),
        ("麻烦帮我改一下单位名称", "单位名称", None),
        ("改手机号", "手机号", None),
        ("更改所在地区", "所在地区", None),
        ("重填所在地区", "所在地区", None),
        ("重新填写所在地区", "所在地区", None),
        ("修改IP 截图", "IP 截图", None),
        ("修改手机号：13800138000", "手机号", "13800138000"),
        ("修改手机号: 13800138000", "手机号", "13800138000"),
        ("修改手机号 13800138000", "手机号", "13800138000"),
        ("修改手机号为13800138000", "手机号", "13800138000"),
        ("手机号改成13800138000", "手机号", "13800138000"),
        ("把手机号改成 13800138000", "手机号", "13800138000"),
        ("我的手机号改为：13800138000", "手机号", "13800138000"),
        ("手机号更改为13800138000", "手机号", "13800138000"),
        ("单位名称改成石家庄市第一有限公司", "单位名称", "石家庄市第一有限公司"),
        ("修改情况说明：第一行\n第二行", "情况说明", "第一行\n第二行"),
        ("手机号错了", "手机号", None),
        ("手机号填错了", "手机号", None),
        ("手机号写错了。。。", "手机号", None),
        ("我手机号填错了", "手机号", None),
        ("我的手机号打错了", "手机号", None),
        ("刚才的手机号填错了", "手机号", None),
        ("手机号有误", "手机号", None),
        ("手机号不对", "手机号", None),
        ("手机号改一下", "手机号", None),
        ("手机号要改一下", "手机号", None),
        ("手机号我想修改一下", "手机号", None),
        ("手机号填错了，应该是13800138000", "手机号", "13800138000"),
        ("手机号错了，是13800138000", "手机号", "13800138000"),
        ("手机号不对 改成13800138000", "手机号", "13800138000"),
    ],
)
def test_a_change_names_what_and_perhaps_the_new_value(text: str, what: str, value: str | None) -> None:
    """By the deed, or by what is wrong; the value as it was typed."""
    assert say.change_of(text) == (what, value)


@pytest.mark.parametrize(
    "text", ["", "好", "13800138000", "确认", "修改", "错了", "手机号：13800138000", "石家庄市第一有限公司"]
)
def test_a_message_without_a_change_changes_nothing(text: str) -> None:
    """Values, agreement, and a change of nothing."""
    assert say.change_of(text) is None


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("管理机构呢", "管理机构"),
        ("管理机构呢？", "管理机构"),
        ("那管理机构呢", "管理机构"),
        ("那么管理机构呢？？", "管理机构"),
        ("那，管理机构呢", "管理机构"),
        ("那要是管理机构呢", "管理机构"),
        ("如果是企业用户呢", "企业用户"),
        ("如果是企业用户的话呢", "企业用户"),
        ("企业用户的话", "企业用户"),
        ("换成区县用户呢", "区县用户"),
        ("那区县用户怎么办", "区县用户"),
        ("区县用户怎么弄呢", "区县用户"),
        ("企业用户也一样吗", "企业用户"),
        ("企业用户也是这样吗？", "企业用户"),
        ("我问的是企业用户", "企业用户"),
        ("我是企业用户", "企业用户"),
        ("企业用户", "企业用户"),
        ("危化品系统呢", "危化品系统"),
        ("那 WHJY 呢", "whjy"),
        ("那呢", None),
        ("", None),
        ("呢" * 50, None),
        ("企业用户在职业病危害项目申报系统里忘记了密码又换了手机号该找谁去处理", None),
    ],
)
def test_whom_a_message_asks_about_is_what_stays_of_it(text: str, who: str | None) -> None:
    """Without the words that only ask; whether that is somebody, the index knows."""
    assert say.about_whom(text) == who


def test_a_short_message_is_seen_without_what_surrounds_it() -> None:
    """Half width, lower case, trimmed; a long one not at all, also one that only normalizing makes long."""
    assert say.plain("　ＯＫ！！。。~ ") == "ok"
    assert say.plain("好" * say.LONGEST) == "好" * say.LONGEST
    assert say.plain("好" * (say.LONGEST + 1)) == ""
    assert say.plain("ﷺ" * 10) == ""
    assert say.plain("好" + "。" * 60) == "好"


ALL = [*TOLD.values(), say.number_in, say.change_of, say.about_whom]
PIECES = phrasings("hostile", "pieces")


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.integers(1, 40), st.sampled_from(["", "x", "吗", "1"])
)
def test_no_message_takes_long(pieces: list[str], times: int, end: str) -> None:
    """However its words repeat and however nearly they match, at the longest that is looked at and far beyond."""
    for text in (("".join(pieces) * times)[: say.LONGEST - 1] + end, "".join(pieces) * times * 10 + end):
        started = time.process_time()
        for told in ALL:
            told(text)
        assert time.process_time() - started < 1


@pytest.mark.parametrize("piece", PIECES)
def test_no_single_piece_takes_long_over_and_over(piece: str) -> None:
    """The plainest attack: one piece again and again, and then something else."""
    started = time.process_time()
    for length in (say.LONGEST - 1, 600, 5000):
        for told in ALL:
            told((piece * length)[:length] + "x")
    assert time.process_time() - started < 2


@given(st.text(max_size=60))
def test_any_text_can_be_looked_at(text: str) -> None:
    """No text fails, and a number is one that can be said."""
    assert say.number_in(text) in {None, *range(1, 10)}
    assert say.picked(text, OPTIONS) in {None, *OPTIONS}
    for told in ALL:
        told(text)


@pytest.mark.parametrize(
    ("text", "stars"),
    [
        ("非常满意", 5),
        ("五星好评！", 5),
        ("很满意，谢谢", 5),
        ("满意", 4),
        ("一般吧", 3),
        ("不太满意", 2),
        ("非常不满意", 1),
        ("太差了", 1),
        ("满意度调查在哪填", None),
        ("一般多久", None),
        ("很好奇", None),
        ("还行不行", None),
    ],
)
def test_a_rating_may_be_given_in_words(text: str, stars: int | None) -> None:
    """Five for the very content, one for the very discontent; other sentences with these words are none."""
    assert say.stars_in(text) == stars
