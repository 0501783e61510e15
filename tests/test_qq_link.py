"""Addresses of the web that a platform was not told of, taken apart so that it lets the text pass."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.qq.link import rewrite
from faq.knowledge import read_folder

ENTRIES = read_folder(Path(__file__).parent.parent / "faq" / "documents").entries
DOTS = "\n（网址中的“。”请改为“.”，然后在浏览器中打开。）"
SPACE = "\n（网址中的“//”后的空格请去掉，然后在浏览器中打开。）"
BOTH = "\n（网址中的“。”请改为“.”，“//”后的空格请去掉，然后在浏览器中打开。）"
LOOSE = re.compile(r"https?://\S|(?:[a-z0-9-]+\.)+(?:com|cn|net|org|sh)\b|\d+\.\d+\.\d+\.\d+:", re.I | re.A)
"""What a platform may take for an address."""
ADDRESSES = [
    "https://whjy.mem.gov.cn",
    "http://www.zybwhsb.com/login.do?next=/a.b&x=1#top",
    "HTTPS://WHJY.MEM.GOV.CN/",
    "www.zybwhsb.com",
    "zwfw.nhc.gov.cn:8443/portal",
    "10.12.3.4:8080",
    "http://10.12.3.4/a",
    "http://localhost:8000/",
    "http://user:word@example.com/",
    "example.com/go?to=http://other.cn/x",
    "1.sh",
]
VERBATIM = [
    "IE8.0",
    "申报表.doc",
    "report_v2.final.xlsx",
    "setup.exe",
    "photo.zip",
    "1.2.3",
    "v10.0.19045.3",
    "12:30",
    "2026.11.22",
    "3.5倍",
    "400-9659818",
    "zhang.san@163.com",
    "mailto:li.cn@mail.example.gov.cn",
    "1.IE浏览器",
    "2.CA证书",
    "1.2.CN域名",
    "Mr.Li",
    "192.168.1.1",
    "以http://开头",
    "以http://、https://开头的",
    "等等...",
    "a.b",
    "错误.cn",
    "localhost:8000",
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("打开https://whjy.mem.gov.cn,然后登录", "打开https:// whjy。mem。gov。cn,然后登录" + BOTH),
        ("(https://whjy.mem.gov.cn/)在登录", "(https:// whjy。mem。gov。cn/)在登录" + BOTH),
        ("登录www.zybwhsb.com或拨打", "登录www。zybwhsb。com或拨打" + DOTS),
        ("http://a.cn/b.html?c=1.2&d=e", "http:// a。cn/b.html?c=1.2&d=e" + BOTH),
        ("a.cn/b.do", "a。cn/b。do" + DOTS),
        ("10.12.3.4:8080/a", "10。12。3。4:8080/a" + DOTS),
        ("10.12.3.4/a", "10。12。3。4/a" + DOTS),
        ("http://localhost:8000/a.b", "http:// localhost:8000/a.b" + SPACE),
        ("http://[::1]/", "http:// [::1]/" + SPACE),
        ("http://whjy.cn@evil.com/", "http:// whjy。cn@evil。com/" + BOTH),
        ("见http://a.cn，邮箱li@b.cn", "见http:// a。cn，邮箱li@b.cn" + BOTH),
        ("See www.baidu.com.", "See www。baidu。com." + DOTS),
        ("网址：zwfw.nhc.gov.cn。请收藏", "网址：zwfw。nhc。gov。cn 。请收藏" + DOTS),
        ("xhttp://a.cn", "xhttp:// a。cn" + BOTH),
        ("@evil.com", "@evil。com" + DOTS),
        ("见https://例子.中国/路径，请", "见https:// 例子。中国/路径，请" + BOTH),
        ("http://www.例子.cn:80。", "http:// www。例子。cn:80 。" + BOTH),
        ("http://li@a例子.com.cn", "http:// li@a例子。com。cn" + BOTH),
        ("https://a.cn/x，请", "https:// a。cn/x，请" + BOTH),
        ("https://a.cn请看", "https:// a。cn请看" + BOTH),
    ],
)
def test_an_address_is_taken_apart_where_everybody_sees_it(text: str, shown: str) -> None:
    """The dots of its host and its scheme, and nothing around it; the last line says how to put it together."""
    assert rewrite(text, ()) == shown


@pytest.mark.parametrize("text", VERBATIM)
def test_what_is_no_address_stays_as_it_is(text: str) -> None:
    """Alone, in the middle of a sentence, and beside an address."""
    assert rewrite(text, ()) == text
    assert rewrite(f"说明：{text}，谢谢。", ()) == f"说明：{text}，谢谢。"
    assert rewrite(f"{text} 见 b.cn", ()) == f"{text} 见 b。cn{DOTS}"


@pytest.mark.parametrize(
    "text",
    [
        "https://whjy.mem.gov.cn/login.do?next=a.cn&b=c.com#d.cn，或",
        "mem.gov.cn",
        "请打开WHJY.mem.gov.cn:8443/a.cn。",
        "http://li@mem.gov.cn/",
        "https://mem.gov.cn请看",
        "https://mem.gov.cn.请看",
        "https://例子.mem.gov.cn，请看",
    ],
)
def test_what_was_filed_stays_as_it_is(text: str) -> None:
    """The host itself and what is below it, with port, path and query."""
    assert rewrite(text, ("MEM.gov.cn",)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://mem.gov.cn.evil.com", "https:// mem。gov。cn。evil。com" + BOTH),
        ("amem.gov.cn", "amem。gov。cn" + DOTS),
        ("gov.cn", "gov。cn" + DOTS),
        ("http://mem.gov.cn@evil.com", "http:// mem。gov。cn@evil。com" + BOTH),
        ("https://mem.gov.cn/a.cn?b=http://evil.com/c", "https://mem.gov.cn/a.cn?b=http:// evil。com/c" + BOTH),
    ],
)
def test_what_only_looks_like_a_filed_host_is_none(text: str, shown: str) -> None:
    """Above it, beside it, before it, or within its path."""
    assert rewrite(text, ("mem.gov.cn",)) == shown


@pytest.mark.parametrize("filed", [(), ("whjy.mem.gov.cn",)])
def test_of_the_real_entries_only_those_with_addresses_change(filed: tuple[str, ...]) -> None:
    """And in nothing but the address, which is there for whoever follows the last line."""
    changed = {entry.id: entry for entry in ENTRIES if rewrite(entry.answer, filed) != entry.answer}
    with_address = {entry.id for entry in ENTRIES if "https://" in entry.answer}
    assert len(with_address) >= 5
    assert set(changed) == (set() if filed else with_address)
    assert all(rewrite(entry.question, filed) == entry.question for entry in ENTRIES)
    for entry in changed.values():
        shown = rewrite(entry.answer, filed)
        assert shown == entry.answer.replace("https://whjy.mem.gov.cn", "https:// whjy。mem。gov。cn") + BOTH
        assert not LOOSE.search(shown)


texts = st.lists(
    st.tuples(
        st.sampled_from(["，请看", "（", "\n", " ", "或"]),
        # 「错误.cn」 is one after 「以http://开头」.
        st.sampled_from([*ADDRESSES, *(text for text in VERBATIM if text != "错误.cn")]),
    )
)


@given(texts)
def test_whatever_stands_beside_it_every_address_is_found_and_can_be_restored(parts: list[tuple[str, str]]) -> None:
    """Following the last line gives the text back; looking once more finds nothing."""
    text = "".join(f"{before}{part}" for before, part in parts)
    shown = rewrite(text, ())
    told, _, explained = (
        shown.rpartition("\n（网址中的") if any(part in ADDRESSES for _, part in parts) else (shown, "", "")
    )
    assert told.replace("。", ".").replace("// ", "//") == text
    assert rewrite(told, ()) == told
    assert bool(explained) == (told != text)
    for _, part in parts:
        if part in VERBATIM:
            assert part in told
    plain = [part for part in VERBATIM if LOOSE.search(part)]
    for part in plain:
        told = told.replace(part, "")
    assert not LOOSE.search(told)


@given(st.text(alphabet="aw1.@:/-_%?#[]中。 htp", max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    """Whatever was typed, nothing but dots, spaces and the last line is put in."""
    shown = rewrite(text, ("a.aw",))
    if shown != text:
        shown = shown.rpartition("\n（网址中的")[0]
    assert re.sub(r"[\s.。]", "", shown) == re.sub(r"[\s.。]", "", text)


@pytest.mark.parametrize(
    "unit",
    ["a", ".", "a.", "a%", "a@", "http://", "http://a@", "a.cn/", "/a.cn?", "www.", "1.2.3.4:", "://", "a.cn。"],
)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    """Four times the text takes about four times as long, not sixteen."""

    def seconds(length: int) -> float:
        text, taken = (unit * length)[:length], []
        for _ in range(3):
            start = time.process_time()
            rewrite(text, ("a.cn",))
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(80_000) < 10 * seconds(20_000) + 0.01


def test_what_was_rewritten_may_be_rewritten_for_more() -> None:
    """It is explained once, for all of it."""
    text = "登录 www.a.cn 或 https://b.cn/x 办理"
    once = rewrite(text, ["b.cn"])
    assert once == "登录 www。a。cn 或 https://b.cn/x 办理\n（网址中的“。”请改为“.”，然后在浏览器中打开。）"
    assert rewrite(once, []) == rewrite(text, [])
    assert rewrite(once, ["b.cn"]) == once
    other = "登录 https://a.cn 或 b.cn 办理"
    assert rewrite(rewrite(other, ["b.cn"]), []) == rewrite(other, [])
