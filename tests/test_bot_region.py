"""Regions named in what visitors type. The phrasings were written for these tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.region import Region, divisions, find_region


def name_in(text: str) -> str | None:
    region = find_region(text)
    return region.name if region else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("河北省石家庄市桥西区", "河北省 石家庄市 桥西区"),
        ("河北石家庄桥西", "河北省 石家庄市 桥西区"),
        ("河北省-石家庄市-长安区", "河北省 石家庄市 长安区"),
        ("山东 青岛 即墨", "山东省 青岛市 即墨区"),
        ("深圳宝安", "广东省 深圳市 宝安区"),
        ("浙江义乌", "浙江省 金华市 义乌市"),
        ("浙江省义乌市佛堂镇", "浙江省 金华市 义乌市"),
        ("新疆 石河子", "新疆维吾尔自治区 石河子市"),
        ("新疆生产建设兵团石河子市", "新疆维吾尔自治区 石河子市"),
        ("北京市朝阳区", "北京市 朝阳区"),
        ("北京市市辖区海淀区", "北京市 海淀区"),
        ("重庆市重庆市渝中区", "重庆市 渝中区"),
        ("内蒙古呼和浩特", "内蒙古自治区 呼和浩特市"),
        ("广西南宁", "广西壮族自治区 南宁市"),
        ("吉林吉林", "吉林省 吉林市"),
        ("恩施州来凤县", "湖北省 恩施土家族苗族自治州 来凤县"),
        ("西双版纳景洪", "云南省 西双版纳傣族自治州 景洪市"),
        ("我单位在云南省红河州弥勒市", "云南省 红河哈尼族彝族自治州 弥勒市"),
        ("湖北省直辖县级行政单位潜江市", "湖北省 潜江市"),
        ("本溪满族自治县", "辽宁省 本溪市 本溪满族自治县"),
        ("黑龙江大兴安岭加格达奇", "黑龙江省 大兴安岭地区 加格达奇区"),
        ("杭州临平", "浙江省 杭州市 临平区"),
        ("济南莱芜", "山东省 济南市 莱芜区"),
        ("省份：河北 城市：石家庄 区县：桥西", "河北省 石家庄市 桥西区"),
        ("河北省雄县", "河北省 保定市 雄县"),
        ("大连市中山区", "辽宁省 大连市 中山区"),
    ],
)
def test_a_chain_of_names_tells_the_region(text: str, name: str) -> None:
    """With or without 省, 市 and 区, and with whatever stands between."""
    assert name_in(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("石家庄市", "河北省 石家庄市"),
        ("我们在石家庄，登不上", "河北省 石家庄市"),
        ("我们是湖北的", "湖北省"),
        ("西安", "陕西省 西安市"),
        ("吉林", "吉林省"),
        ("中山", "广东省 中山市"),
        ("宝安", "广东省 深圳市 宝安区"),
        ("浦东新区选不到", "上海市 浦东新区"),
        ("雄安新区", "河北省 雄安新区"),
        ("香港特别行政区", "香港特别行政区"),
        ("北京市市场监督管理局", "北京市"),
        ("河北桥西", "河北省"),
    ],
)
def test_one_name_is_enough_where_it_is_clear(text: str, name: str) -> None:
    """What lies above it is added; two 桥西区 in one province leave the province."""
    assert name_in(text) == name


@pytest.mark.parametrize(
    "text", ["朝阳区", "朝阳", "鼓楼区", "城关区", "桥西区", "通州区", "新城区", "我们在老城区", "江北区"]
)
def test_a_name_that_many_places_share_is_not_guessed(text: str) -> None:
    """It needs a city or province beside it."""
    assert name_in(text) is None


def test_the_city_may_stand_anywhere_in_the_message() -> None:
    """Then the county's full name is enough."""
    assert name_in("桥西区选不到，我们是石家庄市的") == "河北省 石家庄市 桥西区"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("河北省雄安新区容城片区", "河北省 雄安新区 容城片区"),
        ("江苏省苏州市某某新区没有在县区列表里", "江苏省 苏州市 某某新区"),
        ("合肥市高新区", "安徽省 合肥市 高新区"),
        ("郑州经济技术开发区", "河南省 郑州市 经济技术开发区"),
        ("上海市市北高新区", "上海市 市北高新区"),
        ("东莞市虎门镇", "广东省 东莞市 虎门镇"),
        ("贵州贵安新区", "贵州省 贵安新区"),
        ("杭州市下城区", "浙江省 杭州市 下城区"),
        ("河北省鼓楼区", "河北省 鼓楼区"),
    ],
)
def test_a_county_that_no_list_has_is_kept_as_written(text: str, name: str) -> None:
    """It may be new, and that a menu lacks it is what the visitor writes about."""
    region = find_region(text)
    assert region is not None
    assert region.name == name
    assert not region.listed


@pytest.mark.parametrize(
    ("text", "name"),
    [("河北省的新区选不到", "河北省"), ("江苏省的县区选不到", "江苏省"), ("合肥市各县区都没有", "安徽省 合肥市")],
)
def test_a_mere_kind_of_place_is_no_county(text: str, name: str) -> None:
    """县区 and 新区 name no place."""
    assert name_in(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("长安汽车", "地区选不到", "中山路", "我们县里", "通州建总", "市场", "上海市场", "北京物美超市", "长治久安"),
        *("我们市区没有", "石家庄天成有限公司", "城市", "前海", "县区没有", "", "。"),
    ],
)
def test_an_ordinary_word_is_no_region(text: str) -> None:
    """However it begins."""
    assert name_in(text) is None


def test_the_place_in_the_text_is_told() -> None:
    """From the first name to the last."""
    text = "您好，我们在河北石家庄桥西区，登不上"
    region = find_region(text)
    assert region is not None
    assert text[region.start : region.end] == "河北石家庄桥西区"


def test_the_place_in_the_text_does_not_tell_regions_apart() -> None:
    """The same region is the same wherever it stands."""
    assert find_region("我们在石家庄市") == find_region("石家庄市") == Region("河北省", "石家庄市")


def test_the_divisions_are_those_of_today() -> None:
    """As many as official statistics count, with what stdnum lacks and without what it lists twice."""
    regions = divisions()
    assert len(regions) == 34
    assert regions["广东省"]["东莞市"] == ()
    assert {"临平区", "钱塘区"} <= set(regions["浙江省"]["杭州市"])
    assert not {"下城区", "市辖区"} & set(regions["浙江省"]["杭州市"])
    assert "朝阳区" in regions["北京市"][""]
    assert list(regions["湖北省"]).count("随州市") == 1
    assert 2840 < sum(len(counties) for cities in regions.values() for counties in cities.values()) + 30 < 2860


@pytest.mark.parametrize("province", sorted(divisions()))
def test_every_division_is_found_by_its_full_names(province: str) -> None:
    """With nothing between them."""
    for city, counties in divisions()[province].items():
        for county in (*counties, ""):
            if city or county:
                assert find_region(province + city + county) == Region(province, city, county)


@given(st.text(alphabet="河北省石家庄市桥西区京新疆县镇的在，北 朝阳长安。abc1", max_size=40))
def test_a_region_names_itself(text: str) -> None:
    """What is found in any text is found again in its own name."""
    region = find_region(text)
    if region is not None:
        assert 0 <= region.start < region.end <= len(text)
        assert find_region(region.name) == region


@pytest.mark.parametrize("piece", ["江苏省", "重庆", "北京北京市", "石家庄市新", "的", "新", "市", "省："])
def test_a_hostile_text_comes_to_an_end(piece: str) -> None:
    """Names over and over."""
    find_region(piece * 50_000)
