"""Properties that hold for any document: written in a random style it reads back, and no text is lost or crashes."""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from faq.error import FaqError
from faq.load import load
from faq.text import display_width, normalize

CHINESE = "一二三四五六七八九十"
CIRCLED = "①②③④⑤⑥⑦⑧"
SUBJECTS = ["登录系统", "注册账号", "打印申报表", "上传附件", "提交数据", "获取验证码", "填写经办人", "企业基础信息"]
TROUBLES = [
    "没有反应",
    "提示错误",
    "失败怎么办",
    "时页面空白",
    "提示已被注册？",
    "如何操作",
    "：忘记密码",
    "报错404",
    "异常、账号被锁定",
]
STEPS = [
    "点击【下一步】按钮",
    "打开网站首页",
    "填写统一社会信用代码。",
    "选择所在地区;",
    "联系当地管理机构审核。",
    "输入 8-16 位密码",
]
TEXTS = [
    "请使用 360 安全浏览器。",
    "数据审核通过后才能修改,请耐心等待;如有疑问拨打400-1234567。",
    "注意:密码不能包含*号",
    "或提示:验证失败。",
    "原因:网络异常。",
    "2443 端口不可用",
    "第一步，检查账号；第二步，检查密码。",
    "一般为一个工作日(节假日顺延)",
    "网址:https://example.gov.cn/a?b=1.2",
]

LONG = [
    "企业注册时，输入企业名称后，可以直接点击右边的放大镜图标查询并选择企业，",
    "用户不确定是否注册时，可以重新注册下；",
    "若在注册时，匹配原账号成功后，老系统中企业的基础信息部分可以导入至新系统，",
    "申诉后可以联系当地区县卫健委进行申诉审核，",
    "通过QQ将企业名称和社会信用代码发送给工程师处理，",
]

questions = st.builds(lambda subject, trouble: subject + trouble, st.sampled_from(SUBJECTS), st.sampled_from(TROUBLES))


@dataclass(frozen=True)
class Style:
    """How a document counts: marks of sections (outermost first) and entries, the answer mark, the marks of lists."""

    sections: tuple[str, ...]
    entry: str
    answer: str
    lists: tuple[str, ...]


STYLES = [
    Style(("一、",), "1、", "答：", ("1、", "1）", "（1）", "①")),
    Style(("一、",), "1、", "", ("1、", "（1）", "①")),
    Style(("一、",), "1.", "答:", ("①", "（一）", "1）")),
    Style(("1.1、",), "1、", "", ("1、", "①", "（1）")),
    Style(("1、",), "1.1、", "", ("①", "（1）", "1）")),
    Style(("1、",), "1.1 ", "答：", ("①", "（1）")),
    Style((), "一、", "答：", ("1、", "（1）", "①")),
    Style(("一、", "（一）"), "1、", "", ("1、", "①")),
    Style(("一、", "（一）"), "1、", "答复：", ("1、", "①")),
    Style(("第一章 ",), "1、", "回答：", ("①", "1、")),
    Style(("【一、】",), "1、", "答：", ("①", "（1）")),
    Style(("1 ",), "1.1 ", "答：", ("①", "（1）")),
    Style(("【】",), "1、", "答：", ("①", "（1）")),
    Style(("【】",), "Q：", "A：", ("①", "（1）")),
    Style(("第一章 ", "第一节 "), "一、", "", ("1、", "①")),
    Style((), "问：", "答：", ("1、", "一、", "①")),
    Style((), "Q1：", "A1：", ("1、", "①")),
    Style(("一、",), "问：", "答：", ("1、", "①")),
    Style((), "1、", "", ("1、", "①", "（1）")),
    Style((), "1. ", "", ("1、", "1. ", "①")),
]


def mark(form: str, number: int, parent: str) -> str:
    """The mark of that form with that number; `parent` is the number a dotted one begins with."""
    if "1.1" in form:
        return form.replace("1.1", f"{parent}.{number}")
    return form.replace("一", CHINESE[number - 1]).replace("①", CIRCLED[number - 1]).replace("1", str(number))


@st.composite
def documents(draw) -> tuple[str, list[tuple[str, str, str]]]:
    """A document's text and the (number, question, answer) of its entries."""
    style = draw(st.sampled_from(STYLES))
    lines: list[str] = []
    found: list[tuple[str, str, str]] = []
    announced: list[str] = []

    def add_entries(parent: str) -> None:
        for number in range(1, draw(st.integers(1 if parent else 2, 5)) + 1):
            question = draw(questions)
            body = draw(bodies(style.lists))
            lines.append(mark(style.entry, number, parent or "1") + question)
            answer_mark = mark(style.answer, number, "") if style.answer else ""
            lines.extend([answer_mark + body[0], *body[1:]])
            full = (
                f"1.{number}"
                if "1.1" in style.entry and not parent
                else f"{parent}.{number}"
                if parent
                else str(number)
            )
            found.append((full, question, "\n".join(body)))

    def add_sections(level: int, parent: str) -> None:
        if level == len(style.sections):
            add_entries(parent)
            return
        form = style.sections[level]
        for number in range(1, draw(st.integers(1 if level else 2, 4)) + 1):
            full = f"1.{number}" if form.startswith("1.1") else f"{parent}.{number}" if parent else str(number)
            title = draw(st.sampled_from(["企业用户", "管理机构", "登录时常见问题(注:密码中不能包含*号)"]))
            if form in ("【】", "1 "):  # told from other lines by being short, and each its own
                title = ["企业用户", "管理机构", "登录问题", "第三方"][number - 1]
            head, bracket, _ = form.partition("】")
            lines.append(mark(head, number, "1") + title + bracket)
            if level == 0:
                announced.append(lines[-1])
            add_sections(level + 1, full)

    if draw(st.booleans()):
        lines.append("某某申报系统常见问题解答")
    titled = len(lines)
    add_sections(0, "")
    if len(announced) > 1 and draw(st.booleans()):
        pages = draw(st.booleans())
        lines[titled:titled] = [
            "目录",
            *(f"{text}……{page}" if pages else text for page, text in enumerate(announced, 1)),
        ]
    ending = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    return ending.join(lines) + "\n", found


@st.composite
def bodies(draw, lists: tuple[str, ...]) -> list[str]:
    """An answer's lines: text, a list, both, two lists, a list with notes between its items."""
    lines = [draw(st.sampled_from(TEXTS))] if draw(st.integers(0, 2)) else []
    for _ in range(draw(st.integers(0 if lines else 1, 2))):
        form = draw(st.sampled_from(lists))
        for number in range(1, draw(st.integers(2, 5)) + 1):
            lines.append(mark(form, number, "1") + draw(st.sampled_from(STEPS)))
            if not draw(st.integers(0, 4)):
                lines.append(draw(st.sampled_from(TEXTS)))
    return lines


def load_text(text: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.txt"
        path.write_bytes(text.encode("utf-8", errors="replace"))
        return load(path)


@settings(max_examples=250, deadline=None)
@given(documents())
def test_a_generated_document_reads_back(case):
    """Entries written in any supported style are read back word for word."""
    text, expected = case
    document, report = load_text(text)
    assert [(entry.number, entry.question, entry.answer) for entry in document.entries] == expected
    assert report.counts["lost"] == 0


def wrap_text(text: str, width: int) -> list[str]:
    """The text broken at a display width, Latin words whole, no line beginning with a mark that must not (kinsoku)."""
    lines, line = [], ""
    for word in re.findall(r"[A-Za-z0-9]+|.", text):
        if display_width(line + word) > width and word not in "，。；：、）":
            lines.append(line)
            line = ""
        line += word
    return [*lines, line]


@settings(max_examples=200, deadline=None)
@given(
    width=st.integers(44, 90),
    blank=st.booleans(),
    answers=st.lists(st.lists(st.sampled_from(LONG), min_size=4, max_size=8), min_size=4, max_size=9),
)
def test_a_hard_wrapped_document_reads_back(width, blank, answers):
    """Answers broken at any width are joined again, blank lines between all lines or none."""
    lines: list[str] = ["一、企业用户"]
    for number, answer in enumerate(answers, 1):
        lines.append(f"{number}、第{number}件事如何办理")
        lines.extend(wrap_text("答：" + "".join(answer) + "完成。", width))
    document, report = load_text(("\n\n" if blank else "\n").join(lines))
    assert [entry.answer for entry in document.entries] == ["".join(answer) + "完成。" for answer in answers]
    assert report.counts["lost"] == 0


PIECES = [
    *TEXTS,
    *STEPS,
    *SUBJECTS,
    "一、",
    "1、",
    "1.1、",
    "（1）",
    "①",
    "问：",
    "答：",
    "Q1：",
    "A：",
    "5",
    "- 3 -",
    "下一篇",
    "\f",
    " ",
    "　",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), max_size=25))
def test_every_line_of_a_mixture_is_accounted_for(lines):
    """However badly a document is made, each non-blank line has one kind and none is lost."""
    try:
        _, report = load_text("\n".join(lines))
    except FaqError:
        return
    assert [number for number, _, _ in report.kinds] == [n for n, line in enumerate(lines, 1) if line.strip()]
    assert report.lost == ()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES) | st.text(max_size=8)).map("\n".join)))
def test_arbitrary_text_raises_nothing_but_a_faq_error(text):
    """Any text is read or refused in words."""
    with contextlib.suppress(FaqError):
        load_text(text)


@settings(max_examples=300, deadline=None)
@given(st.binary())
def test_arbitrary_bytes_raise_nothing_but_a_faq_error(data):
    """Any bytes are read or refused in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.txt"
        path.write_bytes(data)
        with contextlib.suppress(FaqError):
            assert load(path)[0].entries


@given(st.text())
def test_normalizing_twice_changes_nothing(text):
    """normalize is stable for any text."""
    assert normalize(normalize(text)) == normalize(text)
