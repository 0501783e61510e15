"""Personal data and secrets made unreadable. The phrasings and all numbers were made up for these tests."""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from bot.field import find
from bot.mask import Masked, hide_secrets, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13812345678", "电话138****5678"),
        ("手机138 1234 5678谢谢", "手机138****5678谢谢"),
        ("138-1234-5678，谢谢", "138****5678，谢谢"),
        ("1381 234 5678", "138****5678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "138****5678"),
        ("１３８１２３４５６７８", "138****5678"),
        ("+86 138 1234 5678", "+86 138****5678"),
        ("8613812345678", "86138****5678"),
        ("0086-13812345678", "0086-138****5678"),
        ("wx13812345678", "wx138****5678"),
        ("**13812345678**", "**138****5678**"),
        ("13812345678/13912345679", "138****5678/139****5679"),
        ("138.1234.5678", "138****5678"),
        ("138·1234·5678", "138****5678"),
        ("138/1234/5678", "138****5678"),
        ("138_1234_5678", "138****5678"),
        ("138\n1234\r\n5678", "138****5678"),
        ("(138)1234-5678", "(138****5678"),
        ("138 - 1234 - 5678", "138****5678"),
        ("1381234\n5678", "138****5678"),
        ("1381 2345 678", "138****5678"),
        ("86.138.1234.5678", "86.138****5678"),
        ("013812345678", "0138****5678"),
        ("错误1404 138 1234 5678", "错误1404 138****5678"),
    ],
)
def test_a_mobile_number_keeps_its_ends(text: str, masked: str) -> None:
    """However it was typed."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("手机1381234567", "手机138****4567"),
        ("138123456 7", "138****4567"),
        ("138 1234 567，谢谢", "138****4567，谢谢"),
        ("138.1234.56789", "138****6789"),
        ("138123456789", "138****6789"),
        ("+86 1381234567", "+86 138****4567"),
    ],
)
def test_a_mobile_number_with_a_digit_too_few_or_too_many_is_one(text: str, masked: str) -> None:
    """It is the person's all the same."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+1 650 253 0000", "+165****000"),
        ("+13812345678", "+138****678"),
        ("+852-5123-4567", "+852****567"),
        ("+852 51234567", "+852****567"),
    ],
)
def test_a_number_with_another_country_is_masked(text: str, masked: str) -> None:
    """Forms take it too."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("010-12345678转123", "010-1****678转123"),
        ("（0311）87654321", "（0311）8****321"),
        ("0311 8765 4321", "0311 8****321"),
        ("03118765432", "03118****432"),
        ("+86-10-65521234", "+86-10-6****234"),
        ("电话：87654321", "电话：8****321"),
        ("電話：87654321", "電話：8****321"),
        ("0311.8765.4321", "0311.8****321"),
        ("0311/876-54321", "0311/8****321"),
    ],
)
def test_a_landline_keeps_its_area_code(text: str, masked: str) -> None:
    """Without one it is known by the word before it."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("110101199003078371", "11****71"),
        ("身份证11010119900307837x。", "身份证11****7x。"),
        ("110101 19900307 8371", "11****71"),
        ("１１０１０１１９９００３０７８３７１", "11****71"),
        ("130503670401001", "13****01"),
        ("91110000600037341L", "91****1L"),
        ("9111 0000 6000 3734 1l", "91****1l"),
        ("91-110000-600037341-L", "91****1L"),
        ("9111OOOO6OOO37341L", "91****1L"),
        ("91.110000.600037341L", "91****1L"),
        ("9111_0000_6000_3734_1L", "91****1L"),
        ("91110000\n600037341L", "91****1L"),
        ("91110000\n600037341X", "91****1X"),
        ("12 34 91110000·600037341L", "12 34 91****1L"),
        ("1234 9111 0000 6000 37 34 1L", "1234 91****1L"),
        ("110101/19900307/8371", "11****71"),
        ("110101\n199003078371", "11****71"),
        ("代码91110000600037341L手机13812345678", "代码91****1L手机138****5678"),
    ],
)
def test_id_numbers_and_credit_codes_keep_two_characters_at_each_end(text: str, masked: str) -> None:
    """Those with O for 0 as well."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [("zhangsan@qq.com", "z***@qq.com"), ("邮箱13812345678@163.com", "邮箱1***@163.com"), ("a.b-c@d.cn", "a***@d.cn")],
)
def test_an_email_address_loses_its_name(text: str, masked: str) -> None:
    """Where it was sent to is no secret."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        *(
            "报错404",
            "错误代码2443",
            "2024-01-15 10:20:30",
            "工单1024",
            "50000元",
            "2024年1月15日",
            "10:20",
            "2021-11-05 INFO ready",
        ),
        *(
            "报告编号2024011500",
            "20240115123",
            "错误 1404 2443 404",
            "ip 112.1.2.3",
            "第9条",
            "1.2.3",
            "１２３",
            "6小时，3次",
        ),
        *("99999999", "v3.11.2", "100%", "@所有人", "", "3800-4200人", "1-2-3"),
        *("2026.11.22", "2026/11/22", "2026.11.22 13:30-15:30", "15/11/2026 10:20", "1998.11.22 404", "1998/11/22-404"),
        *("2021-11-05 2021-11-06 12:30", "2026.11 2026.12 2026.01", "20261122103000", "13.30-15.30 2026.1.2"),
        *("Chrome/138.0.7204.101", "Chrome 138.0.7204.49", "172.16.254.123", "192.168.100.100", "138.123.4.5:8080"),
        *("15000-20000元", "15.80/16.80/17.8", "138.50/1399.50", "1500000000元", "1381234567.50", "1399/1499/999"),
        *("150000-200000", "错误150 200 300 400", "1404\n2443\n404", "客服400-9659818", "9:00-12:00，13:30-17:30"),
        *("13812345-1234-4567-89ab-0123456789ab", "a1381234567b", "UTC +8 2026-11-22 10:20", "工单1024/1025/1026"),
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    """Errors, dates, sums, tickets."""
    assert mask(text) == text


CHINESE = st.text(alphabet="我的电话是公司信用代码，。：请帮忙登不上 \n（）、", max_size=12)
DIGIT = st.sampled_from("0123456789")


def digits(count: int) -> st.SearchStrategy[str]:
    return st.lists(DIGIT, min_size=count, max_size=count).map("".join)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    body = draw(st.sampled_from(["91", "92", "93", "12", "52"])) + draw(st.sampled_from(["130104", "110000", "440306"]))
    body += draw(st.lists(st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"), min_size=9, max_size=9).map("".join))
    return body + uscc.calc_check_digit(body)


@st.composite
def id_numbers(draw: st.DrawFn) -> str:
    body = (
        draw(st.sampled_from(["110101", "130104", "440306"])) + draw(st.dates()).strftime("1990%m%d") + draw(digits(3))
    )
    return body + ric.calc_check_digit(body + "0")


MOBILES = st.tuples(st.sampled_from("3456789"), digits(9)).map(lambda parts: "1" + "".join(parts))
PERSONAL = st.one_of(credit_codes(), id_numbers(), MOBILES)
SHAPES = st.sampled_from(
    [
        lambda number: number,
        lambda number: number.lower(),
        lambda number: "".join(chr(ord(char) + 0xFEE0) for char in number),
        lambda number: " ".join([number[:3], number[3:7], number[7:]]) if len(number) == 11 else number,
        lambda number: "-".join([number[:6], number[6:14], number[14:]]) if len(number) == 18 else number,
        lambda number: "+86" + number if len(number) == 11 else number,
    ]
)


def bare(text: str) -> str:
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()


@given(CHINESE, PERSONAL, SHAPES, CHINESE)
def test_no_personal_number_survives(before: str, number: str, shape: object, after: str) -> None:
    """In any surroundings and spelling."""
    typed = shape(number)  # type: ignore[operator]
    assert number not in bare(mask(before + typed + after))


GROUPS = {11: [(3, 4, 4), (4, 3, 4), (3, 8), (7, 4), (3, 3, 5), (11,)], 18: [(6, 8, 4), (2, 6, 9, 1), (8, 10), (18,)]}
JOINTS = st.sampled_from([".", "·", "_", "/", " ", "-", "－", "—", "\n", "\r\n", "．", "　", " - ", "\u200b", "\u2060"])
JOINED = re.compile(r"[\s.·_/()\-\u200b\u2060]")


@st.composite
def joined(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> str:
    """A number in groups, the joints between them alike or not."""
    number = draw(numbers)
    singles = (1,) * len(number) if draw(st.integers(0, 9)) == 0 else None
    sizes, alike = singles or draw(st.sampled_from(GROUPS[len(number)])), draw(st.none() | JOINTS)
    text = ""
    for size in sizes:
        text += (alike or draw(JOINTS) if text else "") + number[:size]
        number = number[size:]
    return text


LANDLINES = st.tuples(st.sampled_from(["010", "0311", "021"]), JOINTS, st.sampled_from(["6552", "8765"]), digits(4))
PLAIN = st.sampled_from(
    [
        "电话",
        "是",
        "代码：",
        "，",
        "\n",
        " ",
        "我们公司",
        "错误404，",
        "第9条",
        "谢谢",
        "2026年",
        "50元",
        "zyb2024，",
        "。",
    ]
)
NUMBERS = st.one_of(joined(PERSONAL), joined(PERSONAL), LANDLINES.map("".join)).map(lambda number: number + "，")
TYPED = st.lists(st.one_of(PLAIN, NUMBERS), max_size=5).map("".join)


def together(text: str) -> str:
    return JOINED.sub("", unicodedata.normalize("NFKC", text).replace("—", "-")).upper()


@pytest.mark.parametrize("kind", ["phone", "credit_code"])
@given(TYPED)
def test_what_a_form_accepts_is_masked(kind: str, text: str) -> None:
    """However it is joined, whatever stands around it."""
    one = find(kind, text)
    if one is not None:
        masked = mask(text)
        assert one.value not in masked
        assert together(one.value.split("转")[0]) not in together(masked)


@given(CHINESE, joined(id_numbers()), CHINESE)
def test_an_id_number_is_masked_however_it_is_joined(before: str, number: str, after: str) -> None:
    """No form takes it, and nobody is to see it."""
    assert together(number) not in together(mask(before + number + after))


@given(TYPED)
def test_masking_joined_numbers_twice_changes_nothing(text: str) -> None:
    """Joints between what is left of them are none."""
    assert mask(mask(text)) == mask(text)


@given(st.one_of(st.text(max_size=80), st.text(alphabet="0123456789 -+*()@aX.8613电话/_\n~", max_size=80)))
def test_masking_twice_changes_nothing(text: str) -> None:
    """What is left of one number never makes another with its neighbours."""
    assert mask(mask(text)) == mask(text)


@given(st.lists(st.one_of(PERSONAL, CHINESE, digits(4), st.sampled_from([" ", "-", "@qq.com", "0311-"])), max_size=8))
def test_masking_many_numbers_twice_changes_nothing(parts: list[str]) -> None:
    """Numbers beside numbers."""
    text = "".join(parts)
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("密码是Abc@123", "密码是******"),
        ("密码：qwe123456", "密码：******"),
        ("我密码 Zyb2024! 登不上", "我密码 ****** 登不上"),
        ("验证码是 483920", "验证码是 ******"),
        ("验证码483920对吗", "验证码******对吗"),
        ("口令abc12345", "口令******"),
        ("密码 admin ", "密码 ****** "),
        ("账号：zyb2024 密码：zyb@2024，麻烦看下", "账号：zyb2024 密码：******，麻烦看下"),
        ("用户名admin密码admin", "用户名admin密码******"),
        ("密码已经改成了Abc12345，还是登不上", "密码已经改成了******，还是登不上"),
        ("新密码设置为：Abc12345", "新密码设置为：******"),
        ("修改密码为Abc123", "修改密码为******"),
        ("登录密码“Abc123”不对", "登录密码“******”不对"),
        ("密码　Ａｂｃ１２３４", "密码　******"),
        ("密码是\nAbc123", "密码是\n******"),
        ("Password: hunter22", "Password: ******"),
        ("pwd=abc123;", "pwd=******;"),
        ("密码8888", "密码******"),
        ("密码:Abc123 手机:13812345678", "密码:****** 手机:13812345678"),
        *(
            (f"密码{hedge}Abc12345", f"密码{hedge}******")
            for hedge in (
                "好像是",
                "大概是",
                "可能是",
                "应该是",
                "一直用",
                "设的",
                "设置的",
                "改成了",
                "改为",
                "好像",
                "我记得是",
            )
        ),
        ("我用Abc12345这个密码登不上", "我用******这个密码登不上"),
        ("Abc12345这个密码不对", "******这个密码不对"),
        ("Abc12345是我的密码", "******是我的密码"),
        ("我的“Abc12345”应该是密码", "我的“******”应该是密码"),
        ("我把Abc12345设为密码了", "我把******设为密码了"),
        ("Abc12345 is my password", "****** is my password"),
        ("482913是验证码", "******是验证码"),
        ("密 码：Abc12345", "密 码：******"),
        ("密　码Abc12345", "密　码******"),
        ("密碼是Abc12345", "密碼是******"),
        ("驗證碼：482913", "驗證碼：******"),
        ("password is Abc12345", "password is ******"),
        ("My password is sunshine", "My password is ******"),
        ("pw:Abc12345", "pw:******"),
        ("passwd Abc12345", "passwd ******"),
        ("mima：abc12345", "mima：******"),
        ("忘记密码Abc12345", "忘记密码******"),
        ("校验码是482913", "校验码是******"),
        ("动态码482913", "动态码******"),
        ("口 令 abc12345", "口 令 ******"),
        ("密碼是\ud800？密码是Abc12345", "密碼是\ud800？密码是******"),
    ],
)
def test_a_secret_is_hidden(text: str, hidden: str) -> None:
    """A password or verification code that was typed into the chat, and nothing around it."""
    assert hide_secrets(text) == (hidden, True)
    assert hide_secrets(hidden) == (hidden, False)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "密码是什么",
            "密码错误404",
            "密码输错5次",
            "忘记密码",
            "验证码收不到",
            "密码是错的",
            "密码要8位",
            "密码???",
            "",
        ),
        *(
            "提示密码或账号错误 error",
            "初始密码是不是身份证后六位",
            "密码至少8位，包含字母",
            "密码是8-16位字母",
            "密码 404错误",
        ),
        *(
            "忘记密码 13812345678",
            "忘记密码，13812345678",
            "重置密码 91110000600037341L",
            "验证码60秒后重发",
            "密码错误 error",
        ),
        *(
            "初始密码是身份证后六位",
            "password is wrong",
            "password is not correct",
            "forgot password 2443",
            "忘记密码怎么办",
            "密码里要有大写字母和数字吗",
            "账号zyb2024密码忘了",
            "用户名zyb2024，密码忘了",
            "重置密码 2443",
            "统一社会信用代码91350100M000100Y43是我的账号，密码忘了",
        ),
        *(
            "404是密码错误吗",
            "E1001是密码不对吗",
            "账号zyb2024是初始密码",
            "zyb2024这个密码忘了",
            "13812345678这个密码忘了",
            "UKey是初始密码吗",
            "密码用IE11登不上",
            "密码一直用8位的",
            "密码大概8-16位",
            "找回密码 zhang3@qq.com",
            "重置密码 whjy.mem.gov.cn:2443",
            "密码用360浏览器输不了",
        ),
        *(
            "密码错了3次 手机13812345678",
            "密码正确，但提示error500",
            "密码登录不了 91130000",
            "找回密码 http://a.cn/reset",
        ),
    ],
)
def test_talk_about_passwords_is_no_secret(text: str) -> None:
    """Rules for them, errors, and other numbers nearby."""
    assert hide_secrets(text) == (text, False)


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    logger, stream = logging.Logger("masked"), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Masked())
    logger.addHandler(handler)
    yield logger, stream
    handler.close()


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("来自13812345678", ()),
        ("来自%s", ("13812345678",)),
        ("来自%d", (13812345678,)),
        ("来自%(a)s", ({"a": "13812345678"},)),
    ],
)
def test_a_log_shows_no_personal_data(
    log: tuple[logging.Logger, io.StringIO], message: str, args: tuple[object]
) -> None:
    """Wherever in the record it is."""
    logger, stream = log
    logger.warning(message, *args)
    assert stream.getvalue() == "来自138****5678\n"


def test_a_log_shows_no_personal_data_of_an_exception(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Its message is masked in the traceback, which stays readable."""
    logger, stream = log
    try:
        raise ValueError("13812345678")  # noqa: TRY301
    except ValueError:
        logger.exception("出错", stack_info=True)
    assert "ValueError: 138****5678" in stream.getvalue()
    assert "Traceback" in stream.getvalue()


def test_a_record_that_cannot_be_formatted_does_not_fail(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Nor is it printed as it is."""
    logger, stream = log
    logger.warning("来自%d", "13812345678")
    assert "138****5678" in stream.getvalue()


def test_the_arguments_of_an_access_log_stay_apart() -> None:
    """Its formatter takes them one by one."""
    args = ("127.0.0.1:1", "GET", "/api?phone=13812345678", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', args, None)
    assert Masked().filter(record)
    assert record.args == ("127.0.0.1:1", "GET", "/api?phone=138****5678", "1.1", 200)


HOSTILE = [
    "1",
    "138 ",
    "1 ",
    "a",
    "@",
    "a@",
    "9A",
    "密码",
    "密码 ",
    "密码是",
    "0311-",
    "+86 1",
    "1-",
    "忘记",
    "tel ",
    "110101 19900307 83 ",
    "138.1234.567.",
    "1404\n2443\n",
    "9111_0000_6000_3734_",
    "+1.",
    "1 3 ",
    "9 1 1 1 ",
    "Abc12345是我的",
    "密 码好像",
    "a1,",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_comes_to_an_end(piece: str) -> None:
    """100,000 characters that nearly match over and over."""
    text = (piece * 100_000)[:100_000]
    mask(text)
    hide_secrets(text)
    hide_secrets("密码" + " " * 100_000)
