"""Documents of many shapes, each read as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faq.entry import Document
from faq.load import load


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str) -> Document:
        path = tmp_path / "d.txt"
        path.write_text(text, encoding="utf-8")
        document, report = load(path)
        assert report.counts["lost"] == 0
        return document

    return read_text


def entries(document: Document) -> list[tuple[str, str, str]]:
    return [(entry.number, entry.question, entry.answer) for entry in document.entries]


def titles(document: Document) -> list[tuple[str, str]]:
    return [(section.number, section.title) for section in document.sections]


def test_chinese_numbered_sections_hold_entries_with_answer_marks(read):
    """一、 counts sections and 1、 entries where 答 stands under each 1、."""
    document = read(
        "一、企业\n1、无法登录\n答：重置密码。\n2、忘记账号\n答：联系客服。\n二、机构\n1、点错了\n答：撤销。\n"
    )
    assert titles(document) == [("1", "企业"), ("2", "机构")]
    assert entries(document) == [
        ("1.1", "无法登录", "重置密码。"),
        ("1.2", "忘记账号", "联系客服。"),
        ("2.1", "点错了", "撤销。"),
    ]


def test_dotted_sections_hold_plainly_numbered_entries(read):
    """1.1、 counts sections and 1、 entries, answers standing plainly below."""
    document = read(
        "1.1、注册\n1、注册不了\n换浏览器。\n2、收不到短信\n稍后再试。\n1.2、登录\n1、忘记密码\n点击忘记密码。\n"
    )
    assert titles(document) == [("1.1", "注册"), ("1.2", "登录")]
    assert [number for number, _, _ in entries(document)] == ["1.1.1", "1.1.2", "1.2.1"]


def test_dotted_entries_keep_their_own_number(read):
    """Under 1、 sections an entry 1.1 is 1.1, not 1.1.1."""
    document = read(
        "1、注册\n1.1、注册不了\n换浏览器。\n1.2、收不到短信\n稍后再试。\n2、登录\n2.1、忘记密码\n点击忘记密码。\n"
    )
    assert titles(document) == [("1", "注册"), ("2", "登录")]
    assert [number for number, _, _ in entries(document)] == ["1.1", "1.2", "2.1"]


def test_dotted_entries_without_punctuation_are_understood(read):
    """「1.1 标题」 and 「1.1标题」 are numbers too, and 「2.5万元」 in an answer is none."""
    document = read("1 .注册\n1.1 注册不了\n换浏览器。\n2.5万元以下不收费。\n1.2收不到短信\n稍后再试。\n")
    assert entries(document) == [
        ("1.1", "注册不了", "换浏览器。\n2.5万元以下不收费。"),
        ("1.2", "收不到短信", "稍后再试。"),
    ]


def test_dotted_entries_go_on_without_headings(read):
    """1.1, 1.2, 2.1 are three entries though no line is numbered 1 or 2."""
    document = read("1.1 注册不了\n换浏览器。\n1.2 收不到短信\n稍后再试。\n2.1 忘记密码\n点击忘记密码。\n")
    assert [number for number, _, _ in entries(document)] == ["1.1", "1.2", "2.1"]


def test_three_dotted_levels_are_two_of_sections_and_one_of_entries(read):
    """1 / 1.1 / 1.1.1 keep their own numbers."""
    document = read(
        "1、账号\n1.1 注册\n1.1.1 注册不了\n换浏览器。\n1.1.2 没短信\n稍后。\n1.2 登录\n1.2.1 忘记密码\n重置。\n"
    )
    assert titles(document) == [("1", "账号"), ("1.1", "注册"), ("1.2", "登录")]
    assert [number for number, _, _ in entries(document)] == ["1.1.1", "1.1.2", "1.2.1"]


def test_entries_may_be_the_outermost_level(read):
    """一、 counts entries where 答 stands directly under it."""
    document = read(
        "一、无法登录怎么办？\n答：重置密码：\n1、点击忘记密码\n2、输入手机号\n二、忘记账号\n答：联系客服。\n"
    )
    assert entries(document) == [
        ("1", "无法登录怎么办？", "重置密码：\n1、点击忘记密码\n2、输入手机号"),
        ("2", "忘记账号", "联系客服。"),
    ]


def test_two_levels_of_sections(read):
    """一、 /（一）/ 1、: an entry belongs to the innermost section."""
    document = read(
        "一、企业\n（一）注册\n1、注册不了\n换浏览器。\n2、没短信\n稍后。\n（二）登录\n1、忘记密码\n重置。\n二、机构\n（一）审核\n1、点错了\n撤销。\n"
    )
    assert titles(document) == [("1", "企业"), ("1.1", "注册"), ("1.2", "登录"), ("2", "机构"), ("2.1", "审核")]
    assert [(e.number, e.section) for e in document.entries] == [
        ("1.1.1", "注册"),
        ("1.1.2", "注册"),
        ("1.2.1", "登录"),
        ("2.1.1", "审核"),
    ]


def test_chapters_and_clauses_are_sections(read):
    """第一章 holds 第一节, which holds 1、."""
    document = read(
        "第一章 企业\n第一节 注册\n1、注册不了\n换浏览器。\n"
        "第二节 登录\n1、忘记密码\n重置。\n第二章 机构\n第一节 审核\n1、点错\n撤。\n"
    )
    assert [number for number, _ in titles(document)] == ["1", "1.1", "1.2", "2", "2.1"]
    assert [number for number, _, _ in entries(document)] == ["1.1.1", "1.2.1", "2.1.1"]


@pytest.mark.parametrize(
    ("ask", "answer"),
    [("问：", "答："), ("问:", "答:"), ("问题：", "答复："), ("Q：", "A："), ("q:", "a:"), ("【问】", "【答】")],
)
def test_plain_pairs_are_numbered_in_order(read, ask, answer):
    """问 and 答 without numbers: the first pair is entry 1."""
    document = read(f"{ask}无法登录\n{answer}重置密码。\n再登录。\n{ask}忘记账号？\n{answer}联系客服。\n")
    assert entries(document) == [("1", "无法登录", "重置密码。\n再登录。"), ("2", "忘记账号？", "联系客服。")]


@pytest.mark.parametrize(
    ("ask", "answer"),
    [("Q{}：", "A{}："), ("问{}：", "答："), ("问题{}、", "答："), ("{}、问：", "答："), ("Q{} ", "A{} ")],
)
def test_numbered_pairs_keep_their_number(read, ask, answer):
    """Q1/A1, 问1：, 「1、问：」: the number is the document's."""
    text = "".join(f"{ask.format(n)}第{n}问怎么办\n{answer.format(n)}第{n}答。\n" for n in (1, 2, 3))
    assert entries(read(text)) == [(str(n), f"第{n}问怎么办", f"第{n}答。") for n in (1, 2, 3)]


def test_unnumbered_questions_under_sections(read):
    """问 counts anew under each 一、, and numbered lists in answers are neither sections nor entries."""
    document = read(
        "一、企业\n问：无法登录\n答：如下：\n1、清缓存\n2、重启\n问：忘记账号\n答：1、找回\n2、申诉\n二、机构\n问：点错了\n答：撤销。\n"
    )
    assert titles(document) == [("1", "企业"), ("2", "机构")]
    assert entries(document) == [
        ("1.1", "无法登录", "如下：\n1、清缓存\n2、重启"),
        ("1.2", "忘记账号", "1、找回\n2、申诉"),
        ("2.1", "点错了", "撤销。"),
    ]


def test_unmarked_questions_above_answer_marks(read):
    """Where only answers are marked, the line above each 答 asks."""
    document = read("无法登录怎么办\n答：重置密码。\n忘记账号怎么办\n答：联系客服。\n")
    assert entries(document) == [("1", "无法登录怎么办", "重置密码。"), ("2", "忘记账号怎么办", "联系客服。")]


@pytest.mark.parametrize("mark", ["{}、", "{}. ", "{}．", "{}.", "{}）", "（{}）", "({})"])
def test_a_single_flat_list(read, mark):
    """One list, numbered in any way, is a list of entries."""
    text = "".join(f"{mark.format(n)}忘记第{n}个密码怎么办\n找回第{n}个。\n" for n in range(1, 4))
    assert entries(read(text)) == [(str(n), f"忘记第{n}个密码怎么办", f"找回第{n}个。") for n in range(1, 4)]


def test_full_width_digits_count(read):
    """１、 is 1、."""
    assert [number for number, _, _ in entries(read("１、忘记密码\n重置。\n２、忘记账号\n找回。\n"))] == ["1", "2"]


def test_numbers_may_go_on_across_sections(read):
    """Entries counted through the whole document keep their numbers."""
    document = read("一、企业\n1、甲问\n甲答。\n2、乙问\n乙答。\n二、机构\n3、丙问\n丙答。\n4、丁问\n丁答。\n")
    assert [number for number, _, _ in entries(document)] == ["1.1", "1.2", "2.3", "2.4"]


def test_lists_of_the_entries_own_kind_stay_in_the_answer(read):
    """1、 counts entries and steps alike; the count says which is which."""
    document = read(
        "1、无法登录\n1、清缓存。\n2、重启。\n2、忘记密码\n1、点击找回。\n2、填手机号。\n3、设置密码。\n3、忘记账号\n用信用代码。\n"
    )
    assert entries(document) == [
        ("1", "无法登录", "1、清缓存。\n2、重启。"),
        ("2", "忘记密码", "1、点击找回。\n2、填手机号。\n3、设置密码。"),
        ("3", "忘记账号", "用信用代码。"),
    ]


def test_an_answer_that_is_only_a_list_of_steps(read):
    """Entries whose answers are lists of ① are entries, not sections."""
    document = read("1、怎么登录\n①打开网站。\n②输入密码。\n2、怎么注册\n①打开网站。\n②点击注册。\n")
    assert entries(document) == [
        ("1", "怎么登录", "①打开网站。\n②输入密码。"),
        ("2", "怎么注册", "①打开网站。\n②点击注册。"),
    ]


def test_an_answer_label_within_the_question_line_begins_the_answer(read):
    """「、原因:」 and 「】解决方式:」 part question and answer; the label stays, 答： does not."""
    document = read(
        "1、密码错误、原因:跳转了。\n解决方式:\n重新登录。\n2、进入【某部】解决方式:重新打开。\n3、闪退？答：重装。\n4、提示【原因:未知】\n重启。\n"
    )
    assert entries(document) == [
        ("1", "密码错误", "原因:跳转了。\n解决方式:\n重新登录。"),
        ("2", "进入【某部】", "解决方式:重新打开。"),
        ("3", "闪退？", "重装。"),
        ("4", "提示【原因:未知】", "重启。"),
    ]


def test_question_and_answer_on_one_line(read):
    """Where an entry is one line, its question mark ends the question."""
    document = read("1、怎么注册？点击注册按钮。\n2、忘记密码怎么办？点击【忘记密码?】按钮。\n")
    assert entries(document) == [
        ("1", "怎么注册？", "点击注册按钮。"),
        ("2", "忘记密码怎么办？", "点击【忘记密码?】按钮。"),
    ]


def test_trailing_marks_of_a_question_are_dropped(read):
    """A colon or full stop goes, a question mark stays."""
    document = read("1、忘记密码：\n重置。\n2、忘记账号。\n找回。\n3、闪退怎么办？\n重装。\n")
    assert [question for _, question, _ in entries(document)] == ["忘记密码", "忘记账号", "闪退怎么办？"]


def test_a_list_before_the_first_section_is_no_list_of_entries(read):
    """A numbered notice at the top belongs to the head."""
    document = read(
        "某系统\n使用说明：\n1、请用谷歌浏览器。\n2、请勿刷新。\n一、企业\n1、忘记密码\n重置。\n二、机构\n1、点错\n撤销。\n"
    )
    assert [number for number, _, _ in entries(document)] == ["1.1", "2.1"]
    assert document.notes == ("使用说明：", "1、请用谷歌浏览器。", "2、请勿刷新。")


def test_a_number_given_twice_stays_unique(read):
    """Two entries with one number keep apart."""
    document = read("一、企业\n1、甲问怎么办\n甲答。\n一、机构\n1、乙问怎么办\n乙答。\n")
    numbers = [number for number, _, _ in entries(document)]
    assert len(set(numbers)) == 2


def test_a_missing_number_does_not_lose_the_entry(read):
    """1, 2, 4: the author forgot 3."""
    document = read("1、忘记密码怎么办\n重置。\n2、忘记账号怎么办\n找回。\n4、闪退怎么办\n重装。\n")
    assert [number for number, _, _ in entries(document)] == ["1", "2", "4"]


def test_questions_answered_by_numbered_steps_alone(read):
    """一、 counts entries where all that stands below is a list of steps."""
    document = read(
        "一、怎么登录\n1、打开网站。\n2、输入密码。\n二、忘记密码怎么办\n1、点击忘记密码。\n2、填写手机号。\n"
    )
    assert entries(document) == [
        ("1", "怎么登录", "1、打开网站。\n2、输入密码。"),
        ("2", "忘记密码怎么办", "1、点击忘记密码。\n2、填写手机号。"),
    ]


def test_an_empty_section_does_not_end_the_count_of_sections(read):
    """Sections go on behind one that holds nothing but a remark, or nothing at all."""
    document = read(
        "一、企业用户\n1、如何注册？\n答：点击注册。\n2、如何登录？\n答：点击登录。\n二、第三方机构\n暂无。\n"
        "三、监管部门\n1、如何审核？\n答：点击审核。\n四、其他\n"
    )
    assert titles(document) == [("1", "企业用户"), ("2", "第三方机构"), ("3", "监管部门"), ("4", "其他")]
    assert [(entry.number, entry.answer) for entry in document.entries] == [
        ("1.1", "点击注册。"),
        ("1.2", "点击登录。"),
        ("3.1", "点击审核。"),
    ]


def test_more_empty_sections_than_filled_ones_are_still_sections(read):
    """A count of headings that runs through the document is one, however few of them hold entries."""
    document = read(
        "一、企业\n1、如何注册？\n答：点击注册。\n二、机构\n暂无。\n三、专家\n暂无。\n四、公众\n暂无。\n"
        "五、监管\n1、如何审核？\n答：点击审核。\n"
    )
    assert [number for number, _ in titles(document)] == ["1", "2", "3", "4", "5"]
    assert [entry.number for entry in document.entries] == ["1.1", "5.1"]


def test_steps_counted_like_headings_stay_in_their_answer(read):
    """A count in an answer is none of sections, though it goes up and the next question is below it."""
    document = read(
        "1、如何注册？\n答：步骤如下\n一、打开网站\n二、点击注册\n2、如何登录？\n答：输入密码。\n"
        "3、如何注销？\n答：\n一、打开设置\n二、点击注销\n"
    )
    assert titles(document) == []
    assert [entry.answer for entry in document.entries] == [
        "步骤如下\n一、打开网站\n二、点击注册",
        "输入密码。",
        "一、打开设置\n二、点击注销",
    ]


@pytest.mark.parametrize("form", ["【{}】", "《{}》", "[{}]", "［{}］"])
def test_numbered_headings_may_stand_in_brackets(read, form):
    """Brackets around a heading are not part of it."""
    first, second = form.format("一、登录注册"), form.format("二、填报")
    document = read(
        f"{first}\n1、忘记密码？\n答：重置。\n2、没有短信？\n答：重试。\n{second}\n1、怎么保存？\n答：点击保存。\n"
    )
    assert titles(document) == [("1", "登录注册"), ("2", "填报")]
    assert [entry.number for entry in document.entries] == ["1.1", "1.2", "2.1"]


def test_a_count_may_begin_late_and_pass_a_thousand(read):
    """Numbers of four digits count, and a document that begins at 995 does too."""
    numbers = [995, 996, 997, 998, 999, 1000, 1001]
    document = read("一、企业\n" + "".join(f"{n}、第{n}个问题怎么办？\n答：办法{n}。\n" for n in numbers))
    assert [entry.number for entry in document.entries] == [f"1.{n}" for n in numbers]


def test_a_question_after_a_gap_and_without_its_answer_mark_is_an_entry(read):
    """A line that asks is no step, though its number skips one and 答 is missing."""
    document = read(
        "1、如何注册？\n答：点击注册。\n2、如何登录？\n答：登录。\n4、忘记密码？\n答：重置。\n6、如何注销？\n联系客服。\n"
    )
    assert [entry.number for entry in document.entries] == ["1", "2", "4", "6"]
    assert document.entries[-1].answer == "联系客服。"


def test_a_question_without_an_answer_is_an_entry_without_one(read):
    """The next number of the count is the next question, though nothing is below it."""
    document = read("一、登录\n1、打不开网页？\n答：换浏览器。\n2、提示404\n二、填报\n1、怎么保存？\n答：点击保存。\n")
    assert entries(document) == [
        ("1.1", "打不开网页？", "换浏览器。"),
        ("1.2", "提示404", ""),
        ("2.1", "怎么保存？", "点击保存。"),
    ]


def test_a_bare_number_above_dotted_ones_is_a_heading(read):
    """「1 账号类」 needs no punctuation where 1.1 goes on from it; a number elsewhere stays text."""
    document = read(
        "系统常见问题\n1 账号类\n1.1 如何注册？\n点击注册。\n3 个工作日内审核\n"
        "1.2 忘记密码？\n重置。\n2 填报类\n2.1 如何填报？\n点击填报。\n"
    )
    assert titles(document) == [("1", "账号类"), ("2", "填报类")]
    assert [(entry.number, entry.answer) for entry in document.entries] == [
        ("1.1", "点击注册。\n3 个工作日内审核"),
        ("1.2", "重置。"),
        ("2.1", "点击填报。"),
    ]


ASKED = "{}\n{}Q：忘记密码？\nA：重置。\nQ：没有短信？\nA：重试。\n{}\nQ：怎么保存？\nA：点击保存。\n"
ANSWERED = "{}\n{}1、忘记密码？\n答：重置。\n2、没有短信？\n答：重试。\n{}\n1、怎么保存？\n答：点击保存。\n"


@pytest.mark.parametrize(
    ("form", "title"),
    [
        (ASKED, "【{}】"),
        (ANSWERED, "【{}】"),
        (ANSWERED, "{}"),
        (ANSWERED.replace("答：", ""), "【{}】"),
        (ANSWERED.replace("答：", ""), "{}"),
    ],
)
def test_titles_without_a_number_are_sections(read, form, title):
    """A short line that opens a count afresh, in brackets or not, is a heading where there are two of them."""
    document = read(form.format("某某系统常见问题", title.format("登录注册") + "\n", title.format("数据填报")))
    assert titles(document) == [("1", "登录注册"), ("2", "数据填报")]
    assert entries(document) == [
        ("1.1", "忘记密码？", "重置。"),
        ("1.2", "没有短信？", "重试。"),
        ("2.1", "怎么保存？", "点击保存。"),
    ]


@pytest.mark.parametrize("intro", ["请依次检查", "【解决方法{}】", "分{}类处理"])
def test_the_introduction_of_a_list_is_no_heading(read, intro):
    """A line above an answer's own list stays in the answer, however like a title it looks."""
    text = "".join(
        f"{n}、系统提示异常{n}\n{intro.format(n)}\n1、点击刷新\n2、点击返回\n3、联系工程师\n" for n in range(1, 5)
    )
    document = read(text)
    assert titles(document) == []
    assert [entry.number for entry in document.entries] == ["1", "2", "3", "4"]


def test_the_introduction_of_an_inner_list_is_no_heading(read):
    """The same where the list is numbered in another way than the questions."""
    document = read(
        "一、忘记密码怎么办\n自助处理\n1、点击忘记密码\n2、填写手机号\n二、页面空白怎么办\n浏览器检查\n1、清除缓存\n2、重新打开\n"
    )
    assert titles(document) == []
    assert [entry.number for entry in document.entries] == ["1", "2"]
