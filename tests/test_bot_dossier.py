"""Dossiers as they are declared: read whole, and every mistake named in Chinese with its place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.dossier import HUMAN, NOTICE, Dossier, DossierError, Field, read_dossiers
from bot.field import KINDS

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"
FIELD = '[field.phone]\nlabel = "手机号"\nask = "请提供手机号。"\nkinds = ["phone"]\n'
DOSSIER = '[dossier.unlock]\nlabel = "申请解锁"\ntold = "可以转给客服。"\nfields = ["phone"]\n'
GOOD = FIELD + DOSSIER


def declared(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "dossiers.toml"
    path.write_text(text, encoding=encoding)
    return path


# The shipped ones

SHIPPED = read_dossiers(DOCUMENTS / "dossiers.toml")


def test_every_reason_shipped_has_its_dossier() -> None:
    """And no dossier is for a reason that nothing can give."""
    reasons = tomllib.loads((DOCUMENTS / "reasons.toml").read_text(encoding="utf-8"))["reason"]
    assert SHIPPED.keys() == {reason["name"] for reason in reasons}


@pytest.mark.parametrize("reason", SHIPPED)
def test_a_shipped_dossier_can_be_asked_for(reason: str) -> None:
    """Kinds that are known, questions that end as sentences do, somebody who acts and something said at the end."""
    dossier = SHIPPED[reason]
    assert dossier.fields
    assert dossier.handler
    assert dossier.done.endswith("。")
    assert "{fields}" in dossier.notice
    for field in dossier.fields:
        assert set(field.kinds) <= KINDS
        assert field.ask[-1] in "。？"


@pytest.mark.parametrize("reason", SHIPPED)
def test_a_shipped_dossier_calls_no_two_fields_alike(reason: str) -> None:
    """A value after a name (公司：…) belongs to one field; a change (修改公司) means one."""
    names = [name for field in SHIPPED[reason].fields for name in {field.label, *field.aliases}]
    assert sorted(names) == sorted(set(names))


def test_the_unlocking_asks_for_what_the_answer_about_it_names() -> None:
    """The account or the company's code, and the screenshot of the IP."""
    assert [field.kinds for field in SHIPPED["unlock"].fields] == [("credit_code", "account"), ("image", "ip")]


def test_a_person_is_had_at_once() -> None:
    """What was asked before is taken along; nothing has to be filled in."""
    for human in (SHIPPED["human"], HUMAN):
        assert human.at_once
        assert [(field.heard, field.required) for field in human.fields] == [(True, False)]


# Reading


def test_what_is_declared_is_read(tmp_path: Path) -> None:
    """Every field of the file, and the defaults of those left out."""
    text = """
        notice = "需要登记：{fields}。"
        [field.phone]
        label = "手机号"
        ask = "请提供手机号。"
        kinds = ["phone", "text"]
        aliases = ["电话"]
        heard = true
        [field.note]
        label = "说明"
        ask = "请说明。"
        kinds = ["text"]
        [dossier.unlock]
        label = "申请解锁"
        told = "可以转给客服。"
        handler = "工程师"
        done = "稍后回复。"
        fields = ["note", "phone"]
        optional = ["phone"]
        at_once = true
        [dossier.other]
        label = "反馈"
        told = "可以反馈。"
        fields = ["note"]
    """
    note = Field("note", "说明", "请说明。", ("text",))
    phone = Field("phone", "手机号", "请提供手机号。", ("phone", "text"), ("电话",), heard=True, required=False)
    notice = "需要登记：{fields}。"
    assert read_dossiers(declared(tmp_path, text)) == {
        "unlock": Dossier(
            "申请解锁", "可以转给客服。", "工程师", "稍后回复。", (note, phone), at_once=True, notice=notice
        ),
        "other": Dossier("反馈", "可以反馈。", fields=(note,), notice=notice),
    }


def test_a_field_is_found_by_its_name(tmp_path: Path) -> None:
    """And None for no name or one that is not there."""
    dossier = read_dossiers(declared(tmp_path, GOOD))["unlock"]
    assert dossier.field("phone") == dossier.fields[0]
    assert (dossier.field("fax"), dossier.field(None)) == (None, None)


def test_the_notice_has_a_default(tmp_path: Path) -> None:
    """Nobody is asked for anything without being told why."""
    assert read_dossiers(declared(tmp_path, GOOD))["unlock"].notice == NOTICE
    assert "{fields}" in NOTICE


def test_a_field_named_twice_is_asked_once(tmp_path: Path) -> None:
    """In the place it is named first."""
    dossiers = read_dossiers(declared(tmp_path, GOOD.replace('["phone"]\n', '["phone", "phone"]\n')))
    assert [field.name for field in dossiers["unlock"].fields] == ["phone"]


def test_without_a_file_or_with_an_empty_one_there_are_no_dossiers(tmp_path: Path) -> None:
    """A knowledge base need not declare any."""
    assert read_dossiers(tmp_path / "dossiers.toml") == {}
    assert read_dossiers(declared(tmp_path, "")) == {}


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As Windows' editors leave it."""
    assert read_dossiers(declared(tmp_path, GOOD, "utf-8-sig")).keys() == {"unlock"}


FIELD_PLACE, DOSSIER_PLACE = "的 [field.phone]：", "的 [dossier.unlock]："


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("[field.phone", "：无法读取（", id="no TOML"),
        pytest.param("notice = 1", "：notice 应为非空字符串。", id="a notice that is no text"),
        pytest.param('notice = " "', "：notice 应为非空字符串。", id="an empty notice"),
        pytest.param("colour = 1\n" + GOOD, "：有不认识的字段 colour。", id="an unknown key"),
        pytest.param("[[field]]\n", "：field 应写成 [field.名称] 表。", id="fields as a list"),
        pytest.param("field = 1", "：field 应写成 [field.名称] 表。", id="fields as a number"),
        pytest.param("dossier = []", "：dossier 应写成 [dossier.名称] 表。", id="dossiers as a list"),
        pytest.param("[field]\nphone = 1", FIELD_PLACE + "应为表。", id="a field that is no table"),
        pytest.param("[dossier]\nunlock = 1", DOSSIER_PLACE + "应为表。", id="a dossier that is no table"),
        pytest.param(
            FIELD + "colour = 1\nsize = 2\n",
            FIELD_PLACE + "有不认识的字段 colour、size。",
            id="unknown keys of a field",
        ),
        pytest.param(
            GOOD + "colour = 1\n", DOSSIER_PLACE + "有不认识的字段 colour。", id="an unknown key of a dossier"
        ),
        pytest.param(
            FIELD.replace("phone]", "consent]"), "的 [field.consent]：confirm、consent 另有用途", id="a reserved name"
        ),
        pytest.param(FIELD.replace("label", "#"), FIELD_PLACE + "缺少 label，", id="no label"),
        pytest.param(FIELD.replace("ask", "#"), FIELD_PLACE + "缺少 ask，", id="no question"),
        pytest.param(
            FIELD.replace('"手机号"', '" "'), FIELD_PLACE + "缺少 label，或它不是非空字符串。", id="a blank label"
        ),
        pytest.param(
            FIELD.replace('"手机号"', "1"), FIELD_PLACE + "缺少 label，或它不是非空字符串。", id="a label of digits"
        ),
        pytest.param(FIELD.replace("kinds", "#"), FIELD_PLACE + "kinds 应从 account、", id="no kinds"),
        pytest.param(FIELD.replace('["phone"]', "[]"), FIELD_PLACE + "kinds 应从 account、", id="empty kinds"),
        pytest.param(FIELD.replace('["phone"]', '["fax"]'), "中选取，没有 fax。", id="an unknown kind"),
        pytest.param(
            FIELD.replace('["phone"]', '"phone"'), FIELD_PLACE + "kinds 应为字符串列表。", id="kinds as a text"
        ),
        pytest.param(FIELD.replace('["phone"]', "[1]"), FIELD_PLACE + "kinds 应为字符串列表。", id="kinds of numbers"),
        pytest.param(FIELD + 'aliases = "电话"', FIELD_PLACE + "aliases 应为字符串列表。", id="aliases as a text"),
        pytest.param(FIELD + 'aliases = [""]', FIELD_PLACE + "aliases 应为字符串列表。", id="an empty alias"),
        pytest.param(FIELD + 'heard = "yes"', FIELD_PLACE + "heard 应为 true 或 false。", id="heard as a text"),
        pytest.param(GOOD.replace("told", "#"), DOSSIER_PLACE + "缺少 told，", id="nothing told"),
        pytest.param(FIELD + DOSSIER.replace("label", "#"), DOSSIER_PLACE + "缺少 label，", id="no button"),
        pytest.param(GOOD + "handler = 1", DOSSIER_PLACE + "缺少 handler，", id="a handler that is no text"),
        pytest.param(GOOD + "done = []", DOSSIER_PLACE + "缺少 done，", id="a last word that is no text"),
        pytest.param(DOSSIER, DOSSIER_PLACE + "用到的字段 phone 没有定义", id="a field that is not defined"),
        pytest.param(
            GOOD + 'optional = ["fax"]', DOSSIER_PLACE + "用到的字段 fax 没有定义", id="an optional nobody asks"
        ),
        pytest.param(
            FIELD + DOSSIER.replace('["phone"]', '"phone"'),
            DOSSIER_PLACE + "fields 应为字符串列表。",
            id="fields as a text",
        ),
        pytest.param(FIELD + DOSSIER.replace("fields", "#"), DOSSIER_PLACE + "fields 至少要有一项", id="no fields"),
        pytest.param(GOOD + "at_once = 1", DOSSIER_PLACE + "at_once 应为 true 或 false。", id="at once as a number"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    """The operator reads the file's name, the table and what to do."""
    with pytest.raises(
        DossierError, match="^dossiers.toml ?" + re.escape(complaint) if complaint[0] in "：的" else complaint
    ):
        read_dossiers(declared(tmp_path, text))


def test_a_file_of_another_name_is_named_as_it_is(tmp_path: Path) -> None:
    """The message points to the file that was read."""
    path = tmp_path / "mine.toml"
    path.write_text("field = 1")
    with pytest.raises(DossierError, match=r"^mine\.toml：field"):
        read_dossiers(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """GBK as old editors write it is told as unreadable, not as a crash."""
    with pytest.raises(DossierError, match=r"^dossiers\.toml：无法读取（"):
        read_dossiers(declared(tmp_path, GOOD, "gbk"))
