"""Fields read from what tired people type. The phrasings and all numbers were made up for these tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from bot.field import KINDS, FieldError, check, find, label_values

CODE = "91110000600037341L"


def found(kind: str, text: str) -> str | None:
    one = find(kind, text)
    return one.value if one else None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("我是石家庄天成化工有限公司的", "石家庄天成化工有限公司"),
        ("我们是河北XX（集团）股份有限公司，账号锁了", "河北XX（集团）股份有限公司"),
        ("石家庄天成(集团)有限公司", "石家庄天成（集团）有限公司"),
        ("公司名称：石家庄天成有限公司 电话13812345678", "石家庄天成有限公司"),
        ("企业名称是深圳市宝安区福永天成五金厂", "深圳市宝安区福永天成五金厂"),
        ("我单位石家庄市桥西区红旗加油站登不上", "石家庄市桥西区红旗加油站"),
        ("石家庄天成有限公司账号被锁了请问申诉中心在哪", "石家庄天成有限公司"),
        (
            "中国石油天然气股份有限公司河北石家庄销售分公司第二加油站",
            "中国石油天然气股份有限公司河北石家庄销售分公司第二加油站",
        ),
        ("石家庄市中心医院", "石家庄市中心医院"),
        ("华为技术有限公司", "华为技术有限公司"),
        ("给排水设备有限公司", "给排水设备有限公司"),
        ("不锈钢制品有限公司", "不锈钢制品有限公司"),
        ("美的集团", "美的集团"),
        ("为民加油站", "为民加油站"),
        ("你好我是天成五金厂的会计", "天成五金厂"),
        ("帮石家庄天成有限公司解锁一下", "石家庄天成有限公司"),
        ("老师您好石家庄天成有限公司的账号锁了", "石家庄天成有限公司"),
        ("公司名就是天成有限公司", "天成有限公司"),
        ("某某县疾病预防控制中心", "某某县疾病预防控制中心"),
        ("１２３有限公司", "123有限公司"),
        ("天成有限公司\n13812345678", "天成有限公司"),
        ("XX村农民专业合作社", "XX村农民专业合作社"),
    ],
)
def test_a_company_is_found_without_the_words_before_it(text: str, value: str) -> None:
    """And without those after."""
    assert found("company", text) == value


@pytest.mark.parametrize(
    "text",
    [
        "我们公司账号锁了",
        "这家公司",
        "我在个人中心找不到",
        "打电话给疾控中心",
        "人工客服中心",
        "我们厂",
        "化工厂",
        "一家公司",
        "到检测中心体检",
    ],
)
def test_a_mere_kind_of_firm_is_no_company(text: str) -> None:
    """我们公司 is a company without its name."""
    assert find("company", text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("石家庄市第一中学", "石家庄市第一中学"),
        ("单位名称：石家庄市第一中学", "石家庄市第一中学"),
        ("石家庄天成有限公司工会", "石家庄天成有限公司工会"),
        ("石家庄天成有限公司，电话13812345678", "石家庄天成有限公司"),
    ],
)
def test_a_name_given_for_an_answer_may_end_in_any_word(text: str, value: str) -> None:
    """As long as it is no sentence."""
    assert check("company", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (CODE, CODE),
        ("9111 0000 6000 3734 1l", CODE),
        ("91-110000-600037341-L", CODE),
        ("统一社会信用代码：９１１１００００６０００３７３４１Ｌ谢谢", CODE),
        (f"{CODE} 13812345678", CODE),
        (f"404 {CODE}", CODE),
        ("91110000\n600037341L", CODE),
        ("我们的代码是91110000600037341L错了", CODE),
        ("N2110105MF1234567" + uscc.calc_check_digit("N2110105MF1234567"), "N2110105MF1234567W"),
    ],
)
def test_a_credit_code_is_found_however_it_is_spaced(text: str, value: str) -> None:
    """Full width, lower case, over two lines."""
    if value.startswith("N"):
        value = text
    assert found("credit_code", text) == check("credit_code", text) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CODE[:-1], "应为 18 位，您填写的是 17 位"),
        ("代码是" + CODE[:-2], "您填写的是 16 位"),
        ("911100006000373410", "校验位不符，请对照营业执照逐位核对"),
        ("9111A000600037341L", "第 3 到 8 位应为数字"),
        ("9111000060003734VL", "里有 V，请对照"),
        ("9111OOOO6OOO37341L", f"里有 O。把字母 O 换成数字 0 后是 {CODE}"),
        ("9IIIOOOO6OOO3734IL", f"里有 I、O。把字母 I 换成数字 1、O 换成数字 0 后是 {CODE}"),
        ("110101199003078371", "像是身份证号码"),
        ("没有", "没有看到统一社会信用代码"),
    ],
)
def test_a_wrong_credit_code_is_told_what_is_wrong(text: str, told: str) -> None:
    """Its length, letters that never occur, what was meant by them, or the check character."""
    with pytest.raises(FieldError, match=told):
        check("credit_code", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("错的代码是91110000600037341X", "91110000600037341X"),
        ("代码填成了9111000060003734", "9111000060003734"),
        ("税号 91110000 600037341L 电话 13812345678", CODE),
        ("编码：abc-1234", "ABC1234"),
        (f"填错了 {CODE}", CODE),
        ("错误代码500102", None),
        ("我电话13812345678", None),
        ("110101199003078371", None),
    ],
)
def test_a_code_is_found_right_or_wrong(text: str, value: str | None) -> None:
    """With a label, or long enough to be one; codes of errors are others."""
    assert found("code", text) == value


@pytest.mark.parametrize(("text", "value"), [("13-0432", "130432"), ("填成 9111000", "9111000"), ("a1", "A1")])
def test_a_code_given_for_an_answer_may_be_short(text: str, value: str) -> None:
    """It is the wrong one, after all."""
    assert check("code", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("我的账号是zyb2024", "zyb2024"),
        ("账号：zyb2024被锁了", "zyb2024"),
        ("帐号：ｚｙｂ２０２４", "zyb2024"),
        ("账号zyb2024登不上", "zyb2024"),
        ("用户名 13812345678", "13812345678"),
        ("登录名为：admin", "admin"),
        ("用户名是张三", "张三"),
        ("账号是石家庄天成有限公司被锁了", None),
        ("我的账号被锁了", None),
        ("账号是什么", None),
        ("账号404", None),
        ("账号是统一社会信用代码", None),
        ("账号 密码 都忘了", None),
        ("账号是被锁了", None),
    ],
)
def test_an_account_is_what_is_said_to_be_one(text: str, value: str | None) -> None:
    """A sentence about an account is none."""
    assert found("account", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("zyb2024", "zyb2024"),
        ("张三", "张三"),
        (CODE.lower(), CODE),
        ("a_b@c.cn", "a_b@c.cn"),
    ],
)
def test_an_account_given_for_an_answer_needs_no_label(text: str, value: str) -> None:
    """Credit codes serve as accounts too."""
    assert check("account", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("电话13812345678", "13812345678"),
        ("手机138 1234 5678谢谢", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("８６１３８１２３４５６７８", "13812345678"),
        ("联系人张三1-3-8-1-2-3-4-5-6-7-8", "13812345678"),
        ("微信同号13812345678王会计", "13812345678"),
        ("138 1234 5678 或 0311-87654321", "13812345678"),
        ("010-12345678转123", "010-12345678转123"),
        ("0311-87654321-802", "0311-87654321转802"),
        ("（0311）87654321", "0311-87654321"),
        ("0311 8765 4321", "0311-87654321"),
        ("010-65521234 分机 12", "010-65521234转12"),
        (f"代码{CODE}，电话13812345678", "13812345678"),
        (CODE, None),
        ("9111 0000 6000 3734 1L", None),
        ("110101199003078371", None),
        ("110101 19900307 8371", None),
        ("911101013812345678", None),
        ("错误2443，2024-01-15 10:20", None),
    ],
)
def test_a_phone_number_is_found_in_its_normal_form(text: str, value: str | None) -> None:
    """None is taken out of a code or an ID number."""
    assert found("phone", text) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1381234567", "应为 11 位，您填写的是 10 位"),
        ("138 1234 56789", "您填写的是 12 位"),
        ("+86 1381234567", "您填写的是 10 位"),
        ("87654321", "请带上区号"),
        ("0311-876543", "一共是 10 位"),
        ("23812345678", "不是有效的电话号码"),
        ("没有", "没有看到电话号码"),
    ],
)
def test_a_wrong_phone_number_is_told_its_length(text: str, told: str) -> None:
    """So that the missing digit is found."""
    with pytest.raises(FieldError, match=told):
        check("phone", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("我的ip是 112.1.2.3", "112.1.2.3"),
        ("112。1。2。3", "112.1.2.3"),
        ("IP：１１２．１．２．３，锁了", "112.1.2.3"),
        ("112.80.1.1:8080", "112.80.1.1"),
        ("192.168.1.1:8080", None),
        ("ip:2408:8000:1::1", "2408:8000:1::1"),
        ("256.1.1.1", None),
        ("10:20:30", None),
        ("版本1.2.3.4", None),
        ("1.2.3.4.5", None),
    ],
)
def test_an_address_is_found(text: str, value: str | None) -> None:
    """Neither times nor versions are one."""
    assert found("ip", text) == value


def test_a_region_is_found_with_its_place() -> None:
    """In the normal form with spaces."""
    one = find("region", "我们在河北石家庄桥西，登不上")
    assert one is not None
    assert (one.value, one.start, one.end) == ("河北省 石家庄市 桥西区", 3, 10)


def test_any_text_is_a_text() -> None:
    """Stripped, up to 500 characters; none is looked for."""
    assert check("text", " a\nb　") == "a\nb"
    assert find("text", "a") is None
    with pytest.raises(FieldError, match="您填写了 501 个字"):
        check("text", "x" * 501)


def test_no_text_is_an_image() -> None:
    """A picture is asked for."""
    assert find("image", "图片.png") is None
    with pytest.raises(FieldError, match="请直接发送截图"):
        check("image", "图片.png")


@pytest.mark.parametrize("kind", sorted(KINDS - {"text"}))
@pytest.mark.parametrize("text", ["", " 　\n", "我不知道", "忘记了怎么办啊"])
def test_an_answer_that_is_none_is_refused_in_chinese(kind: str, text: str) -> None:
    """Whatever was asked for."""
    with pytest.raises(FieldError, match="请"):
        check(kind, text)


LABELS = {
    "company": ("公司名称", "公司", "企业名称", "单位名称", "单位"),
    "phone": ("联系电话", "电话", "手机号", "手机"),
    "situation": ("情况说明", "情况"),
    "ip": ("IP",),
    "code": ("信用代码", "代码"),
    "account": ("账号",),
}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("公司：XX有限公司 电话：138... 情况：锁了", {"company": "XX有限公司", "phone": "138...", "situation": "锁了"}),
        ("公司名称 XX；联系电话 138", {"company": "XX", "phone": "138"}),
        ("公司名称\nXX有限公司\n联系电话\n13812345678", {"company": "XX有限公司", "phone": "13812345678"}),
        (
            "公司：XX有限公司电话：138情况：登不上，等了6小时",
            {"company": "XX有限公司", "phone": "138", "situation": "登不上，等了6小时"},
        ),
        ("公司是天成有限公司，电话是13812345678", {"company": "天成有限公司", "phone": "13812345678"}),
        ("我的电话13812345678 ip112.1.2.3", {"phone": "13812345678", "ip": "112.1.2.3"}),
        ("1、公司名称：天成\n2、代码：9111\n3、账号：", {"company": "天成", "code": "9111"}),
        ("天成有限公司 我的电话：138", {"phone": "138"}),
        ("单位：天成 我的账号：zyb；IP地址 1.2.3.4", {"company": "天成", "account": "zyb", "ip": "1.2.3.4"}),
        ("公司：\n电话：138", {"phone": "138"}),
        ("电话：138\n电话：139", {"phone": "138"}),
        ("XX有限公司：账号锁了", {}),
        ("电话是多少", {}),
        ("账号被锁了，电话打不通", {}),
        ("", {}),
    ],
)
def test_labels_take_a_message_apart(text: str, values: dict[str, str]) -> None:
    """As in a form, with or without colons and line ends."""
    assert label_values(text, LABELS) == values


def test_without_labels_there_are_no_values() -> None:
    """And no failure."""
    assert label_values("公司：天成", {}) == {}


PIECES = st.sampled_from(
    [
        *(
            "我是",
            "账号",
            "是",
            "：",
            "天成",
            "石家庄",
            "有限公司",
            "厂",
            "（",
            "）",
            "13812345678",
            CODE,
            "zyb1",
            " ",
            "\n",
        ),
        *("-802", "转12", "0311-8765432", "112.1.2.3", "::", "河北省", "桥西区", "代码", "的", "，", "医院", "集团"),
        *("分公司", "公司", "名称", "叫", "为", "110101199003078371", "中心", "新区"),
    ]
)


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(text=st.one_of(st.lists(PIECES, max_size=10).map("".join), st.text(max_size=60)))
def test_what_is_found_is_accepted_unchanged(kind: str, text: str) -> None:
    """A value in its normal form stays in it, and stands where it is said to."""
    one = find(kind, text)
    if one is not None:
        assert 0 <= one.start < one.end <= len(text)
        assert check(kind, one.value) == one.value


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(text=st.one_of(st.lists(PIECES, max_size=10).map("".join), st.text(max_size=600)))
def test_what_is_accepted_once_is_accepted_again(kind: str, text: str) -> None:
    """No text fails but with a message."""
    try:
        value = check(kind, text)
    except FieldError:
        return
    assert check(kind, value) == value


@given(st.one_of(st.lists(st.sampled_from(["公司", "电话", "：", "是", " ", "\n", "x"])).map("".join), st.text()))
def test_any_message_can_be_taken_apart(text: str) -> None:
    """Values are not empty and stand in the message."""
    assert all(value and value in text for value in label_values(text, LABELS).values())


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("piece", ["1 ", "账号是", "有限公司", "我是", "厂", "a:", "1.1.", "代码是", "天", "0311-"])
def test_a_hostile_text_comes_to_an_end(kind: str, piece: str) -> None:
    """Beginnings of values over and over."""
    find(kind, piece * 20_000)
    label_values(piece * 20_000, LABELS)


@pytest.mark.parametrize("code", ["91110101MA0000000X", "91350100M000100Y4", "91350100M000100Y433"])
def test_a_mistyped_credit_code_is_no_account(code: str) -> None:
    """Taken for a login name it would send the person looking for an account that does not exist."""
    with pytest.raises(FieldError, match="统一社会信用代码"):
        check("account", code)


@pytest.mark.parametrize(
    "text", ["2026.11.22 13:30-15:30", "138.50/1399.50", "172.16.254.123", "Chrome/138.0.7204.101"]
)
def test_dates_prices_and_addresses_are_no_phone_numbers(text: str) -> None:
    """However many digits they have; a mobile number in three groups is one."""
    assert find("phone", text) is None
    assert find("phone", "电话138.1234.5678") is not None
