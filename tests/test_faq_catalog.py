"""The catalog: what ships, and every mistake a person can make in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faq.catalog import Audience, read_catalog
from faq.error import CatalogError
from faq.text import normalize
from index.variant import canonical

SHIPPED = Path(__file__).parents[1] / "faq" / "documents" / "catalog.toml"


def test_the_shipped_catalog_names_both_systems():
    """Portal and hotline are what the documents say."""
    catalog = read_catalog(SHIPPED)
    assert [system.key for system in catalog.systems] == ["zyb", "whjy"]
    whjy = catalog.system("whjy")
    assert whjy is not None
    assert (whjy.portal, whjy.hotline) == ("https://whjy.mem.gov.cn", "400-9659818")
    assert catalog.system("nowhere") is None


def test_no_alias_names_two_systems_or_something_elsewhere():
    """A name settles the system, so it may not stand for two things."""
    catalog = read_catalog(SHIPPED)
    names = [normalize(name) for system in catalog.systems for name in (system.name, *system.aliases)]
    names += [normalize(name) for name in catalog.elsewhere]
    assert len(names) == len(set(names))


def test_a_catalog_is_read_whole(tmp_path):
    """Optional fields may be left out."""
    path = tmp_path / "catalog.toml"
    path.write_text(
        'elsewhere = ["微信"]\n[[system]]\nkey = "a"\nname = "甲"\n[[system.audience]]\nname = "企业"\n', "utf-8"
    )
    catalog = read_catalog(path)
    assert catalog.elsewhere == ("微信",)
    assert catalog.systems[0].audiences == (Audience("企业"),)
    assert catalog.systems[0].portal is None
    assert catalog.terms == ()
    assert catalog.synonyms == {}


def test_terms_and_synonyms_are_read_in_order(tmp_path):
    """A term keeps its other names as they are listed, without spaces around them."""
    path = tmp_path / "catalog.toml"
    path.write_text('terms = ["验证码", " 申诉 "]\n[synonyms]\n"密码" = ["口令", " 暗号 "]\n"账号" = []\n', "utf-8")
    catalog = read_catalog(path)
    assert catalog.terms == ("验证码", "申诉")
    assert catalog.synonyms == {"密码": ("口令", "暗号"), "账号": ()}


def test_no_shipped_synonym_is_renamed_twice():
    """In the form in which words are compared every name leads to one term, and a term to none."""
    synonyms = read_catalog(SHIPPED).synonyms
    names = [canonical(name) for names in synonyms.values() for name in names]
    assert len(names) == len(set(names))
    assert not set(names) & {canonical(term) for term in synonyms}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "TOML"),
        ("colour = 1", "colour"),
        ("system = 1", r"\[\[system\]\]"),
        ("elsewhere = [1]", "elsewhere"),
        ('terms = "验证码"', "文件顶层 的 terms 应为字符串列表"),
        ('terms = [""]', "terms 应为字符串列表，且每一项非空"),
        ('terms = ["验证码", "验证码 "]', "terms「验证码」重复"),
        ('synonyms = ["密码"]', r"应写成 \[synonyms\] 表"),
        ('[synonyms]\n"密码" = "口令"', r"\[synonyms\] 的 密码 应为字符串列表"),
        ('[synonyms]\n"密码" = [1]', r"\[synonyms\] 的 密码 应为字符串列表"),
        ('[synonyms]\n"密码" = ["口令", "口令"]', r"\[synonyms\] 的 密码「口令」重复"),
        ('[synonyms]\n"密码" = ["口令"]\n"账号" = ["口令"]', r"\[synonyms\] 中的说法「口令」重复"),
        ('[synonyms]\n"密码" = ["口令"]\n"口令" = ["暗号"]', r"\[synonyms\] 中的说法「口令」重复"),
        ('[synonyms]\n"密码" = ["密码"]', r"\[synonyms\] 中的说法「密码」重复"),
        ('[[system]]\nname = "甲"', "缺少 key"),
        ('[[system]]\nkey = "a"', "缺少 name"),
        ('[[system]]\nkey = "甲"\nname = "甲"', "小写字母"),
        ('[[system]]\nkey = "a"\nname = 1', "name 应为非空字符串"),
        ('[[system]]\nkey = "a"\nname = "甲"\naliases = "x"', "aliases 应为字符串列表"),
        ('[[system]]\nkey = "a"\nname = "甲"\naliases = ["x", "x"]', "重复"),
        ('[[system]]\nkey = "a"\nname = "甲"\nurl = "x"', "url"),
        ('[[system]]\nkey = "a"\nname = "甲"\nportal = 1', "portal"),
        ('[[system]]\nkey = "a"\nname = "甲"\n[[system.audience]]\ncues = []', "缺少 name"),
        ('[[system]]\nkey = "a"\nname = "甲"\n[[system]]\nkey = "a"\nname = "乙"', "key「a」重复"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path, text, message):
    """Wrong types, missing, duplicate and unknown fields."""
    path = tmp_path / "catalog.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=message) as caught:
        read_catalog(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_damaged_file_is_named(tmp_path):
    """Neither is a traceback."""
    with pytest.raises(CatalogError, match="无法读取"):
        read_catalog(tmp_path / "catalog.toml")
    (tmp_path / "catalog.toml").write_bytes(b"\xff")
    with pytest.raises(CatalogError, match="UTF-8"):
        read_catalog(tmp_path / "catalog.toml")
