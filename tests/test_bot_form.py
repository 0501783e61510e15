"""Filling in a dossier, message by message, and what may never happen on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import form as forms
from bot import say
from bot.dossier import Dossier, Field
from bot.field import label_values
from bot.form import CONFIRM, CONSENT, SKIPPED, UNCHECKED, Filled, Form, begin, fill

COMPANY = Field("company", "单位名称", "请提供单位全称。", ("company",), ("公司", "单位"))
REGION = Field("region", "所在地区", "请提供所在地区。", ("region",), ("地区",))
PHONE = Field("phone", "手机号", "请提供手机号码。", ("phone",), ("电话", "手机"))
WRONG = Field("wrong", "填错的代码", "请提供填错的代码。", ("code",), ("错误代码",))
RIGHT = Field("right", "正确的代码", "请提供正确的代码。", ("credit_code",), ("正确代码",))
DETAILS = Field("details", "情况说明", "请说明情况。", ("text",), ("情况",), heard=True)
SINCE = Field("since", "开始时间", "从什么时候开始的？", ("text",), ("时间",), required=False)
ADDRESS = Field("address", "IP 截图", "请发送 IP 截图。", ("image", "ip"), ("IP",))
SHOT = Field("shot", "页面截图", "请发送页面截图。", ("image",), required=False)

APPEAL = Dossier("申诉", "可以登记。", fields=(COMPANY, REGION, PHONE, DETAILS), notice="需要登记：{fields}。")
CODES = Dossier("更正代码", "可以登记。", fields=(COMPANY, WRONG, RIGHT))
UNLOCK = Dossier("解锁", "可以登记。", fields=(ADDRESS, PHONE))
FAULT = Dossier("故障", "可以登记。", fields=(DETAILS, SINCE, SHOT))

CODE = "91110000600037341L"
NAME = "石家庄某某化工有限公司"
PLACE = "河北省石家庄市桥西区"
COMPLETE = {"company": NAME, "region": "河北省 石家庄市 桥西区", "phone": "13812345678", "details": "登录不了"}


def after(dossier: Dossier, *texts: str, form: Form | None = None) -> Filled:
    """The form after these messages, from its beginning or from a given state on."""
    filled = Filled(form or begin())
    for text in texts:
        assert filled.state == "asking"
        filled = fill(dossier, filled.form, text)
    return filled


def pictured(dossier: Dossier, form: Form, text: str = "", picture: str = "p") -> Filled:
    """The form after a picture."""
    return fill(dossier, form, text, picture)


def test_nothing_is_taken_before_consent() -> None:
    """Whatever is said, in words or pictures, consent is asked for again and no value is kept."""
    for text, picture in (("我们是" + NAME, None), ("13812345678", None), ("返回", None), ("跳过", None), ("", "p")):
        filled = fill(APPEAL, begin(), text, picture)
        assert (dict(filled.form.fields), filled.form.asked, filled.state) == ({}, CONSENT, "asking")
        assert (filled.said, filled.taken) == ("登记之前需要您同意。", False)


@pytest.mark.parametrize("text", ["不同意", "不用了", "取消", "算了", "不想登记"])
def test_a_form_ends_where_consent_is_refused(text: str) -> None:
    """A no is as good as a cancellation."""
    assert after(APPEAL, text).state == "cancelled"


@pytest.mark.parametrize("text", ["同意", "好的", "可以", "ok"])
def test_consent_leads_to_the_first_field(text: str) -> None:
    """A yes, however it is said."""
    assert after(APPEAL, text).form.asked == "company"


def test_what_was_heard_before_is_not_asked_again() -> None:
    """It fills the fields that take it, after consent, and nothing else; what tells no more than the wish does not."""
    heard = forms.recall(APPEAL, Form({}, "company"), [], "注册的手机号停用了，登录不了")
    assert dict(heard.fields) == {"details": "注册的手机号停用了，登录不了"}
    for form in (
        forms.recall(APPEAL, Form({}, "company"), [], "我要申诉账号"),
        forms.recall(UNLOCK, Form({}, "address"), [], "注册的手机号停用了，登录不了"),
    ):
        assert dict(form.fields) == {}


def test_what_was_said_before_is_recalled_after_consent() -> None:
    """Values and pictures of earlier messages, without displacing what the form has."""
    form = forms.recall(
        APPEAL, Form({"details": "登录不了"}, "company"), [(f"我们是{NAME}", None), ("情况：别的", None)]
    )
    assert form == Form({"details": "登录不了", "company": NAME}, "region")
    assert forms.recall(UNLOCK, Form({}, "address"), [("", "p")]).fields == {"address": "picture:p"}


def test_what_was_said_last_is_recalled_first() -> None:
    """A number that was corrected before the form began stays corrected."""
    said = [("电话13812345678", None), ("写错了，电话13912345678", None)]
    assert forms.recall(APPEAL, Form({}, "company"), said).fields["phone"] == "13912345678"


def test_a_question_is_not_recalled() -> None:
    """Whom the visitor could not reach is not the visitor."""
    said = [("区卫健委的电话010-12345678打不通怎么办？", None)]
    assert "phone" not in forms.recall(APPEAL, Form({}, "company"), said).fields


@pytest.mark.parametrize("text", ["稍等", "谢谢", "您好", "好的"])
def test_what_is_said_in_passing_costs_no_try(text: str) -> None:
    """The field is asked for again."""
    form = Form({"company": NAME, "region": PLACE}, "phone", 2)
    assert fill(APPEAL, form, text).form == form


def test_a_message_may_bring_several_values() -> None:
    """Each goes to its field, the next that is empty is asked for."""
    form = after(APPEAL, "同意", f"我们是{NAME}，在{PLACE}，电话13812345678").form
    assert dict(form.fields) == {name: value for name, value in COMPLETE.items() if name != "details"}
    assert form.asked == "details"


def test_labelled_values_go_where_their_labels_say() -> None:
    """In whatever order, by any of a field's names."""
    form = after(CODES, "同意", f"正确代码：{CODE}\n错误代码：91110000600037341X\n公司：{NAME}").form
    assert dict(form.fields) == {"company": NAME, "wrong": "91110000600037341X", "right": CODE}
    assert form.asked == CONFIRM


def test_a_value_that_fits_several_fields_goes_to_the_one_asked_for() -> None:
    """A credit code is a code too; only when the right one is asked for it is the right one."""
    asked = Form({"company": NAME, "wrong": "1" * 15}, "right")
    assert after(CODES, CODE, form=asked).form.fields["right"] == CODE
    assert dict(after(CODES, CODE, form=Form({"company": NAME}, "wrong")).form.fields) == {
        "company": NAME,
        "wrong": CODE,
    }


def test_a_labelled_value_is_used_once() -> None:
    """The right code, said to be the right one, is not the wrong one as well."""
    form = after(CODES, "同意", f"公司：{NAME}，正确代码：{CODE}").form
    assert dict(form.fields) == {"company": NAME, "right": CODE}
    assert form.asked == "wrong"


def test_a_place_in_a_labelled_name_is_not_the_region() -> None:
    """As little as it is without the label: each place of a message is used once."""
    name = "石家庄市某某化工有限公司"
    for text in (name, f"公司：{name}", f"单位 {name}"):
        assert dict(after(APPEAL, "同意", text).form.fields) == {"company": name}


def test_a_labelled_value_of_another_field_is_not_the_answer() -> None:
    """Asked since when, the visitor corrects the description: the time is still asked for."""
    form = after(FAULT, "情况：打不开报表", form=Form({"details": "打不开"}, "since")).form
    assert dict(form.fields) == {"details": "打不开报表"}
    assert form.asked == "since"


def test_a_wrong_value_is_asked_for_again_in_the_fields_words() -> None:
    """The complaint says what is wrong; the attempt is counted, nothing is kept."""
    filled = after(APPEAL, "1381234567", form=Form({"company": NAME, "region": PLACE}, "phone"))
    assert "10 位" in filled.said
    assert (filled.form.asked, filled.form.tries, filled.taken) == ("phone", 1, False)
    assert "phone" not in filled.form.fields


def test_a_wrong_value_is_kept_unchecked_the_third_time() -> None:
    """Nobody is stuck: staff see it as it was typed; the next field has all its tries."""
    filled = after(APPEAL, "1381234567", "138", " 1381234 ", form=Form({"company": NAME, "region": PLACE}, "phone"))
    assert filled.form.fields["phone"] == f"1381234{UNCHECKED}"
    assert (filled.form.asked, filled.form.tries, filled.taken) == ("details", 0, True)
    assert "核对" in filled.said


def test_an_endless_wrong_value_is_cut() -> None:
    """What is kept unchecked stays readable."""
    filled = after(APPEAL, "9" * 2000, form=Form({}, "phone", 2))
    assert filled.form.fields["phone"] == "9" * 200 + UNCHECKED


def test_words_are_never_kept_where_only_a_picture_will_do() -> None:
    """They are refused as often as they come; skipping gets on."""
    filled = after(FAULT, "一", "二", "三", "四", "五", form=Form({"details": "打不开", "since": "昨天"}, "shot"))
    assert (filled.form.asked, "shot" in filled.form.fields) == ("shot", False)
    assert after(FAULT, "没有", form=filled.form).form.asked == CONFIRM


def test_a_value_resets_the_tries() -> None:
    """Two mistakes at one field do not count at the next."""
    filled = after(APPEAL, "138", "139", "13812345678", form=Form({"company": NAME, "region": PLACE}, "phone"))
    assert filled.form.tries == 0


def test_an_optional_field_is_skipped_at_once() -> None:
    """And is not asked again."""
    form = after(FAULT, "跳过", form=Form({"details": "打不开"}, "since")).form
    assert (form.fields["since"], form.asked) == (SKIPPED, "shot")


def test_a_required_field_is_skipped_the_third_time() -> None:
    """Twice the visitor is told that it is needed; the hand-in then names what is missing."""
    filled = after(APPEAL, "同意", "不知道")
    assert "单位名称" in filled.said
    filled = after(APPEAL, "没有", "跳过", form=filled.form)
    assert (filled.form.fields["company"], filled.form.asked) == (SKIPPED, "region")
    assert COMPANY in forms.missing(APPEAL, filled.form.fields)


def test_a_question_is_left_to_others() -> None:
    """It costs no try, and the field is still asked for."""
    filled = after(APPEAL, "手机号可以填座机吗？", form=Form({"company": NAME, "region": PLACE}, "phone"))
    assert (filled.taken, filled.said, filled.form.tries, filled.form.asked) == (False, "", 0, "phone")


def test_a_description_may_be_a_question() -> None:
    """Where any text is wanted, a question is one."""
    form = after(
        APPEAL, "为什么总是登录不了？", form=Form({"company": NAME, "region": PLACE, "phone": "1"}, "details")
    ).form
    assert (form.fields["details"], form.asked) == ("为什么总是登录不了？", CONFIRM)


def test_a_value_in_a_description_is_found_as_well() -> None:
    """The description is the whole message."""
    form = after(APPEAL, "登录不了，打13812345678找我", form=Form({"company": NAME, "region": PLACE}, "details")).form
    assert (form.fields["details"], form.fields["phone"]) == ("登录不了，打13812345678找我", "13812345678")


@pytest.mark.parametrize("text", ["同意", "好的", "嗯嗯"])
def test_a_second_yes_is_no_value(text: str) -> None:
    """Who presses the button twice is no company of that name."""
    assert dict(after(APPEAL, "同意", text).form.fields) == {}


@pytest.mark.parametrize("text", ["再见", "早上好", "hello", "稍等"])
def test_small_talk_is_no_value(text: str) -> None:
    """Nor are a greeting and a farewell."""
    assert dict(after(APPEAL, "同意", text).form.fields) == {}


def test_going_back_asks_for_the_field_before() -> None:
    """From field to field, and from the last look to the last field; what is there stays until it is replaced."""
    form = Form({"company": NAME, "region": PLACE}, "phone", 2)
    back = after(APPEAL, "上一步", form=form)
    assert (back.form.asked, back.form.tries, dict(back.form.fields)) == ("region", 0, dict(form.fields))
    assert after(APPEAL, "返回", form=Form(COMPLETE, CONFIRM)).form.asked == "details"
    assert after(APPEAL, "河北省石家庄市长安区", form=back.form).form.fields["region"] == "河北省 石家庄市 长安区"


def test_nothing_lies_before_the_first_field() -> None:
    """The visitor is told, and asked again."""
    filled = after(APPEAL, "返回", form=Form({}, "company"))
    assert (filled.form.asked, filled.said, filled.taken) == ("company", "已经是第一项。", True)


@pytest.mark.parametrize("texts", [("跳过",) * 3, ("1", "2", "3")])
def test_going_back_and_giving_nothing_better_loses_nothing(texts: tuple[str, ...]) -> None:
    """A checked value is worth more than nothing and than an unchecked one."""
    form = after(APPEAL, "同意", NAME, "返回", *texts).form
    assert form.fields["company"] == NAME


@pytest.mark.parametrize("text", ["修改手机号", "手机号填错了", "电话不对", "我要改一下手机"])
def test_a_field_to_change_is_asked_for_again(text: str) -> None:
    """By its label or any other name, at the last look and before."""
    for asked in (CONFIRM, "details"):
        filled = after(APPEAL, text, form=Form(COMPLETE, asked))
        assert (filled.form.asked, filled.taken) == ("phone", True)
        assert dict(filled.form.fields) == COMPLETE
        assert after(APPEAL, "13912345678", form=filled.form).form == Form(COMPLETE | {"phone": "13912345678"}, CONFIRM)


@pytest.mark.parametrize(
    "text", ["修改手机号：139 1234 5678", "手机号改为13912345678", "手机号填错了，应该是13912345678"]
)
def test_a_change_may_bring_the_value(text: str) -> None:
    """It is taken in its normal form."""
    filled = after(APPEAL, text, form=Form(COMPLETE, CONFIRM))
    assert filled == Filled(Form(COMPLETE | {"phone": "13912345678"}, CONFIRM), said="已更改。")


def test_a_change_to_a_wrong_value_changes_nothing_and_asks() -> None:
    """With the field's complaint."""
    filled = after(APPEAL, "修改手机号：139", form=Form(COMPLETE, CONFIRM))
    assert (dict(filled.form.fields), filled.form.asked) == (COMPLETE, "phone")
    assert "3 位" in filled.said


@pytest.mark.parametrize("text", ["修改所在地区", "修改情况说明", "修改手机号"])
def test_a_field_to_change_is_no_value_of_another(text: str) -> None:
    """Also where it is not filled in yet."""
    assert dict(after(APPEAL, "同意", text).form.fields) == {}


def test_a_change_ends_where_it_began() -> None:
    """In the middle of a form the next empty field is asked for afterwards."""
    form = after(
        APPEAL, "修改单位名称", "保定某某化工有限公司", form=Form({"company": NAME, "region": PLACE}, "phone")
    ).form
    assert form == Form({"company": "保定某某化工有限公司", "region": PLACE}, "phone")


def test_a_last_look_is_confirmed() -> None:
    """Then the form is done, with what it holds."""
    filled = after(APPEAL, "确认", form=Form(COMPLETE, CONFIRM))
    assert (filled.state, dict(filled.form.fields)) == ("done", COMPLETE)


@pytest.mark.parametrize("text", ["解决了", "能登录了", "已经解锁了"])
def test_nothing_is_handed_in_that_is_not_needed_any_more(text: str) -> None:
    """Who says that all is well does not confirm."""
    assert fill(APPEAL, Form(COMPLETE, CONFIRM), text).state != "done"


def test_a_denial_at_the_last_look_asks_what_is_wrong() -> None:
    """The form is neither handed in nor lost."""
    filled = after(APPEAL, "不对", form=Form(COMPLETE, CONFIRM))
    assert (filled.state, filled.form.asked) == ("asking", CONFIRM)
    assert "修改单位名称" in filled.said


def test_a_new_value_at_the_last_look_replaces_the_old() -> None:
    """With its label or without."""
    for text in ("13912345678", "电话：13912345678"):
        filled = after(APPEAL, text, form=Form(COMPLETE, CONFIRM))
        assert filled == Filled(Form(COMPLETE | {"phone": "13912345678"}, CONFIRM), said="已更改。")


def test_a_question_at_the_last_look_changes_nothing() -> None:
    """A number in it is not the visitor's own."""
    filled = after(APPEAL, "我打010-12345678没人接怎么办？", form=Form(COMPLETE, CONFIRM))
    assert (dict(filled.form.fields), filled.taken) == (COMPLETE, False)


def test_a_question_at_the_last_look_is_left_to_others() -> None:
    """Nothing is handed in, and nothing changed; nor is it by what is said in passing."""
    filled = after(APPEAL, "多久能审完？", form=Form(COMPLETE, CONFIRM))
    assert (filled.state, filled.taken, filled.said) == ("asking", False, "还没有提交。")
    assert after(APPEAL, "等一下", form=Form(COMPLETE, CONFIRM)).form == Form(COMPLETE, CONFIRM)


def test_what_is_added_at_the_last_look_is_kept() -> None:
    """With what was told before."""
    form = after(APPEAL, "补充一下，前任会计离职了", form=Form(COMPLETE, CONFIRM)).form
    assert form == Form({**COMPLETE, "details": "登录不了；补充一下，前任会计离职了"}, CONFIRM)


def test_of_the_values_that_could_not_be_taken_the_nearest_is_kept() -> None:
    """Ten digits tell more than a complaint."""
    form = Form({"company": NAME, "region": PLACE}, "phone", 2)
    kept = fill(APPEAL, form, "就是打不通的那个号", before=["你好", "1381234567", "都说了"]).form.fields["phone"]
    assert kept == "1381234567" + forms.UNCHECKED


def test_a_picture_goes_where_one_is_asked_for() -> None:
    """Its id is the field's value."""
    form = pictured(FAULT, Form({"details": "打不开", "since": "昨天"}, "shot")).form
    assert (form.fields["shot"], form.asked) == ("picture:p", CONFIRM)


def test_a_picture_that_comes_early_is_kept_for_its_field() -> None:
    """The field that is asked for is asked for again."""
    filled = pictured(FAULT, Form({}, "details"))
    assert (dict(filled.form.fields), filled.form.asked) == ({"shot": "picture:p"}, "details")


def test_a_picture_where_none_is_wanted_changes_nothing() -> None:
    """The visitor is told that it arrived."""
    filled = pictured(APPEAL, Form({}, "company"))
    assert (filled.form, filled.said) == (Form({}, "company"), "图片已收到。")


def test_a_text_beside_a_picture_is_read_too() -> None:
    """Its values fill their fields, and cancelling cancels."""
    form = pictured(UNLOCK, Form({}, "address"), "我的电话13812345678").form
    assert dict(form.fields) == {"address": "picture:p", "phone": "13812345678"}
    assert pictured(UNLOCK, Form({}, "address"), "取消").state == "cancelled"


def test_an_address_beside_a_picture_does_not_displace_it() -> None:
    """The picture shows it anyway."""
    assert pictured(UNLOCK, Form({}, "phone"), "IP是112.1.2.3").form.fields["address"] == "picture:p"


def test_the_answer_beside_a_picture_is_taken() -> None:
    """Asked what happens, the visitor says it and sends the screenshot along."""
    form = pictured(FAULT, Form({}, "details"), "打开报表就报错").form
    assert dict(form.fields) == {"details": "打开报表就报错", "shot": "picture:p"}


def test_values_beside_an_unwanted_picture_are_taken() -> None:
    """As they would be without it."""
    assert dict(pictured(APPEAL, Form({}, "company"), f"公司：{NAME}").form.fields) == {"company": NAME}


def test_a_picture_replaces_an_address() -> None:
    """The field asked for again takes either."""
    asked = after(UNLOCK, "修改IP", form=Form({"address": "1.2.3.4", "phone": "13812345678"}, CONFIRM)).form
    assert pictured(UNLOCK, asked).form.fields["address"] == "picture:p"


@pytest.mark.parametrize("asked", [CONSENT, "company", "region", "phone", "details", CONFIRM])
@pytest.mark.parametrize("text", ["取消", "算了", "不办了", "退出"])
def test_a_form_is_left_anywhere(asked: str, text: str) -> None:
    """What was filled in is given back as it was."""
    form = Form({"company": NAME}, asked)
    assert fill(APPEAL, form, text) == Filled(form, "cancelled")


def test_the_consent_step_says_what_will_be_asked() -> None:
    """Only what is not known yet, with buttons for both answers."""
    step = forms.step(APPEAL, Form({"details": "登录不了"}, CONSENT))
    assert (step.field, step.ask, step.choices, step.left) == (
        CONSENT,
        "需要登记：单位名称、所在地区、手机号。",
        ("同意", "取消"),
        3,
    )


def test_consent_is_asked_for_even_if_nothing_is_left_to_ask() -> None:
    """What was heard is personal as well; then comes the last look."""
    dossier = Dossier("反馈", "可以登记。", fields=(DETAILS,), notice="需要登记：{fields}。")
    assert forms.step(dossier, Form({"details": "打不开"}, CONSENT)).ask == "需要登记：您已说明的情况。"
    assert fill(dossier, Form({"details": "打不开"}, CONSENT), "同意").form.asked == CONFIRM


def test_a_fields_step_says_whether_it_may_be_skipped() -> None:
    """An optional one has a button for it."""
    step = forms.step(FAULT, Form({"details": "打不开"}, "since"))
    assert (step.label, step.kinds, step.required, step.choices, step.left) == (
        "开始时间",
        ("text",),
        False,
        ("跳过",),
        2,
    )
    assert "跳过" in step.ask
    assert forms.step(APPEAL, Form({}, "phone")).choices == ()


def test_the_last_look_shows_everything() -> None:
    """Field by field, a picture as being there, what is missing as missing."""
    step = forms.step(FAULT, Form({"details": "打不开", "since": SKIPPED, "shot": "picture:p"}, CONFIRM))
    assert "情况说明：打不开\n开始时间：未提供\n页面截图：已收到图片" in step.ask
    assert (step.field, step.choices) == (CONFIRM, ("确认", "取消"))


def test_a_text_that_looks_like_a_picture_is_shown_as_text() -> None:
    """Only a field that takes pictures has one."""
    assert forms.summary(FAULT, {"details": "picture:p"}).startswith("情况说明：picture:p\n")


def test_a_form_whose_declaration_changed_goes_on() -> None:
    """A field that is gone is not asked for; the next one is."""
    assert fill(APPEAL, Form({"company": NAME}, "gone"), "你好").form == Form({"company": NAME}, "region")


DOSSIERS = (APPEAL, CODES, UNLOCK, FAULT)
SAID = st.sampled_from(
    [
        "同意",
        "好的",
        "不",
        "不对",
        "确认",
        "取消",
        "返回",
        "跳过",
        "没有",
        "修改手机号",
        "手机号填错了",
        "修改单位名称：保定某某化工有限公司",
        "电话：139",
        "情况：a",
        "怎么办？",
        "1",
        "在吗",
        "谢谢",
        "转人工",
        "昨天",
        "13812345678",
        "1381234567",
        "112.1.2.3",
        "999.1.1.1",
        "91110000600037341L",
        "91110000600037341X",
        "石家庄某某化工有限公司",
        "河北省石家庄市桥西区",
    ]
)
MESSAGES = st.lists(st.tuples(SAID | st.text(max_size=60), st.booleans()), max_size=12)


@given(st.sampled_from(DOSSIERS), st.none() | st.just("登录不了"), MESSAGES)
def test_no_messages_break_a_form(dossier: Dossier, heard: str | None, messages: list[tuple[str, bool]]) -> None:
    """It always asks something, is done or is cancelled, and holds nothing but its dossier's fields."""
    names = {field.name for field in dossier.fields}
    form = Form({field.name: heard for field in dossier.fields if field.heard and heard}, CONSENT)
    for text, with_picture in messages:
        filled = fill(dossier, form, text, "p" if with_picture else None)
        form = filled.form
        assert set(form.fields) <= names
        assert form.asked in names | {CONSENT, CONFIRM}
        assert forms.step(dossier, form).ask
        assert form.tries >= 0
        assert all(isinstance(value, str) for value in form.fields.values())
        if filled.state != "asking":
            break
    else:
        return
    assert filled.state in ("done", "cancelled")
    assert (filled.state == "cancelled") or set(form.fields) == names


@given(st.sampled_from(DOSSIERS), MESSAGES)
def test_only_the_field_asked_for_or_named_changes(dossier: Dossier, messages: list[tuple[str, bool]]) -> None:
    """A value that was taken stays until the visitor is asked for it again, names it, or looks over the whole."""
    labels = {field.name: (field.label, *field.aliases) for field in dossier.fields}
    form = replace(begin(), asked=dossier.fields[0].name)
    for text, with_picture in messages:
        filled = fill(dossier, form, text, "p" if with_picture else None)
        named = say.change_of(text) is not None or label_values(text, labels) or form.asked == CONFIRM
        for field in dossier.fields:
            value = form.fields.get(field.name)
            if value and field.name != form.asked and not named and not (with_picture and "image" in field.kinds):
                assert filled.form.fields.get(field.name) == value
            assert field.name not in form.fields or field.name in filled.form.fields
        form = filled.form
        if filled.state != "asking":
            return
