"""load: whole documents, their head, their frame, and the account of their lines."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from faq.catalog import Catalog, System, read_catalog
from faq.error import DocumentError
from faq.load import load

DOCUMENTS = Path(__file__).parents[1] / "faq" / "documents"
EVALUATION = Path(__file__).parents[2] / "shared" / "eval"
CATALOG = read_catalog(DOCUMENTS / "catalog.toml")


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str, name: str = "demo.txt", **options):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load(path, **options)

    return read_text


def gold(name: str):
    path = EVALUATION / name
    if not path.exists():
        pytest.skip("the evaluation data (../shared/eval) is not beside this checkout")
    return json.loads(unicodedata.normalize("NFC", path.read_text(encoding="utf-8")))


def test_both_documents_equal_what_a_person_reads():
    """All 34 entries, to the character."""
    expected = gold("gold_entries.json")
    fields = ("id", "system", "section", "question", "answer")
    found = [load(DOCUMENTS / f"{key}.txt", catalog=CATALOG)[0].entries for key in ("zyb", "whjy")]
    assert [{field: getattr(entry, field) for field in fields} for entries in found for entry in entries] == expected


def test_both_heads_equal_what_a_person_reads():
    """Title, portal, notes, and sections with their number of entries."""
    for expected in gold("gold_documents.json"):
        document, _ = load(DOCUMENTS / f"{expected['system']}.txt", catalog=CATALOG)
        assert document.title == expected["title"]
        assert document.portal_url == expected["portal_url"]
        assert list(document.notes) == expected["notes"]
        counts = [sum(entry.section == section.title for entry in document.entries) for section in document.sections]
        titles = [section.title for section in document.sections]
        assert [{"title": t, "count": c} for t, c in zip(titles, counts, strict=True)] == expected["sections"]


@pytest.mark.parametrize(
    ("key", "entries", "sections", "counts"),
    [
        ("zyb", 21, 2, {"entry": 73, "section": 2, "head": 0, "artefact": 1, "lost": 0}),
        ("whjy", 13, 3, {"entry": 48, "section": 3, "head": 4, "artefact": 1, "lost": 0}),
    ],
)
def test_both_documents_are_accounted_for(key, entries, sections, counts):
    """Every non-blank line has a kind and none is lost."""
    document, report = load(DOCUMENTS / f"{key}.txt", catalog=CATALOG)
    assert (len(document.entries), len(document.sections)) == (entries, sections)
    assert report.counts == counts


def test_a_hard_wrapped_answer_keeps_its_two_paragraphs():
    """zyb-1.12 and zyb-2.4 have two paragraphs, zyb-1.16 one; spaces of the source stay."""
    answers = {entry.id: entry.answer for entry in load(DOCUMENTS / "zyb.txt")[0].entries}
    assert answers["zyb-1.12"].count("\n") == answers["zyb-2.4"].count("\n") == 1
    assert "\n" not in answers["zyb-1.16"]
    assert "若查询出该单位， 点击“启用”。\n第二步" in answers["zyb-2.4"]


def test_an_answers_own_list_stays_in_the_answer():
    """whjy-1.2.2 has steps 1 to 4 counted like the entries, with notes between."""
    entries = {entry.id: entry for entry in load(DOCUMENTS / "whjy.txt")[0].entries}
    assert [line[:2] for line in entries["whjy-1.2.2"].answer.split("\n")] == [
        *("1、", "2、", "3、", "注意", "4、", "注意", "①密", "②设")
    ]
    assert entries["whjy-1.2.3"].question == "登录时不知道账号"


def test_the_head_gives_title_portal_name_and_notes(read):
    """What stands before the first number is no entry."""
    document, report = read(
        "某某系统\n登录地址：https://example.gov.cn/\n《某某系统》常见问题解析\n温馨提示：请用谷歌浏览器\n系统每晚维护。\n1、忘记密码\n重置。\n2、闪退\n重装。\n"
    )
    assert (document.title, document.name, document.portal_url) == ("某某系统", "常见问题", "https://example.gov.cn")
    assert document.notes == ("温馨提示：请用谷歌浏览器", "系统每晚维护。")
    assert report.counts == {"entry": 4, "section": 0, "head": 5, "artefact": 0, "lost": 0}


def test_a_subtitle_alone_gives_the_title(read):
    """「某某系统常见问题解答」 names the system."""
    assert read("某某系统常见问题解答\n1、忘记密码\n重置。\n")[0].title == "某某系统"


def test_a_line_below_a_heading_is_kept_as_a_note(read):
    """An introduction belongs to no entry and is not lost."""
    document, report = read(
        "一、企业\n以下适用于企业。\n1、忘记密码\n重置。\n2、闪退\n重装。\n二、机构\n1、点错\n撤销。\n"
    )
    assert document.notes == ("以下适用于企业。",)
    assert report.counts["head"] == 1
    assert report.counts["lost"] == 0


@pytest.mark.parametrize(
    "page", ["5", "- 5 -", "第5页", "第 5 页 共 10 页", "5/10", "Page 5", "—5—", "第五页", "------"]
)
def test_page_numbers_are_artefacts(read, page):
    """A lone page number amid an answer is reported and left out."""
    document, report = read(f"1、忘记密码\n重置密码。\n{page}\n然后登录。\n2、闪退\n重装。\n")
    assert document.entries[0].answer == "重置密码。\n然后登录。"
    assert (3, "artefact", page) in report.kinds


def test_running_headers_are_artefacts(read):
    """A short line repeated beside page numbers is left out."""
    pages = "".join(f"{n}、问题{n}怎么办\n答案{n}。\n{n}\n某单位内部资料\n" for n in range(1, 5))
    document, report = read(pages)
    assert report.counts["artefact"] == 8
    assert [entry.answer for entry in document.entries] == [f"答案{n}。" for n in range(1, 5)]


def test_a_repeated_label_is_no_running_header(read):
    """「解决方式:」 in every answer stays."""
    document, _ = read("".join(f"{n}、闪退{n}\n解决方式:\n重装。\n" for n in range(1, 9)))
    assert {entry.answer for entry in document.entries} == {"解决方式:\n重装。"}


def test_the_frame_of_a_web_page_is_an_artefact(read):
    """Navigation before the first number and at the end is left out, the rest is not."""
    document, report = read(
        "当前位置：首页 > 帮助\n某某系统\n发布时间：2024-01-01 来源：某局\n1、忘记密码\n返回列表页再点重置。\n"
        "2、闪退\n重装。\n上一篇：关于放假\n下一篇：没有了\n【打印本页】 【关闭窗口】\n版权所有 某局\n"
    )
    assert report.counts["artefact"] == 6
    assert document.entries[0].answer == "返回列表页再点重置。"
    assert document.title == "某某系统"


def test_a_document_without_entries_says_what_was_looked_for(read):
    """The message tells how questions are marked."""
    with pytest.raises(DocumentError, match=r"没有找到任何问题.*编号.*问："):
        read("只是一段文字。\n没有编号。\n")


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("a.txt", {}, "a"),
        ("A b（1）.txt", {}, "a-b-1"),
        ("a.txt", {"system": "zyb"}, "zyb"),
        ("zyb.txt", {"catalog": CATALOG}, "zyb"),
        ("x.txt", {"catalog": Catalog((System("sys", "某某系统"),))}, "sys"),
    ],
)
def test_the_system_comes_from_option_file_name_or_title(read, name, options, key):
    """--system first, then the catalog's, then the file's own name."""
    document, _ = read("某某系统\n1、忘记密码\n重置。\n2、闪退\n重装。\n", name, **options)
    assert document.system == key
    assert document.entries[0].id == f"{key}-1"


def test_chinese_file_names_give_different_keys(read):
    """A stem without Latin letters still gives a key of its own."""
    keys = {read("1、忘记密码\n重置。\n", name)[0].system for name in ("问答.txt", "常见问题.txt")}
    assert len(keys) == 2
    assert all(key.isascii() and key for key in keys)


def test_latin_words_meet_with_a_space_when_lines_are_joined(read):
    """In wrapped text nothing is put between Chinese, one space between words."""
    line = "请打开浏览器并在地址栏中输入系统的网址然后按下回车键等待页面打开完成后"
    text = "".join(f"{n}、如何办理\n答：{line[2:]}\n{line}\n{line[:-4]} Windows\nServer 再试。\n" for n in range(1, 5))
    assert "Windows Server 再试。" in read(text)[0].entries[0].answer


@pytest.mark.parametrize(
    "signature",
    [
        ["交通运输部海事局", "2023年12月", "（此件公开发布）"],
        ["二〇二三年十二月一日"],
        ["2023-12-01"],
        ["技术支持单位：某某科技有限公司", "联系电话：010-12345678"],
        ["某某市卫生健康委员会", "2024 年 3 月 5 日"],
    ],
)
def test_a_signature_below_the_last_answer_is_an_artefact(read, signature):
    """Who signs the document, when, and how to reach them is no part of the last answer."""
    lines = ["1、申报提前多久？", "答：提前24小时。", "2、申报被退回", "答：按照退回意见修改。", *signature]
    document, report = read("\n".join(lines) + "\n")
    assert document.entries[-1].answer == "按照退回意见修改。"
    assert [text for _, kind, text in report.kinds if kind == "artefact"] == signature


@pytest.mark.parametrize(
    "ending",
    [
        "2、找谁审核？\n某某市卫生健康委员会\n",
        "2、何时截止？\n2023年12月\n",
        "2、找谁？\n答：请致电。\n联系电话：010-12345678\n",
    ],
)
def test_an_answer_that_looks_like_a_signature_stays(read, ending):
    """An office, a date or a telephone number can be all the answer there is."""
    document, report = read("1、如何注册？\n点击注册。\n" + ending)
    assert report.counts["artefact"] == 0
    assert document.entries[-1].answer.endswith(ending.rstrip().split("\n")[-1])


@pytest.mark.parametrize("page", ["第1页\n", "\f"])
def test_a_running_header_of_two_pages_is_an_artefact(read, page):
    """The title at the top of the second page is left out, though there are two pages only."""
    document, report = read(
        f"某某省系统常见问题\n一、登录\n1、打不开？\n答：换浏览器。\n{page}某某省系统常见问题\n2、忘记密码？\n答：点忘记密码。\n"
    )
    assert [entry.answer for entry in document.entries] == ["换浏览器。", "点忘记密码。"]
    assert "某某省系统常见问题" in [text for _, kind, text in report.kinds if kind == "artefact"]
    assert document.title == "某某省系统"


def test_a_short_answer_given_twice_beside_pages_stays(read):
    """What stands right below a question is its answer, page end or not."""
    document, _ = read("1、打不开？\n请重启浏览器\n第1页\n2、忘记密码？\n请重启浏览器\n第2页\n3、闪退？\n重装。\n")
    assert [entry.answer for entry in document.entries] == ["请重启浏览器", "请重启浏览器", "重装。"]
