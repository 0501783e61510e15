"""Regions of China: the divisions there are, and the one that a text names.

The divisions down to counties come from python-stdnum (cn/loc, taken from Wikipedia's lists of GB/T 2260 codes), those
of today only. A text names a region by a chain of names, 「河北石家庄桥西」, or by one name that is clear by itself,
「石家庄市」. Names that many places share are not guessed, and neither is a place in an ordinary word such as 中山路. A
county that the list lacks is kept as written: that it is missing from a list may be the very complaint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final

from stdnum import numdb

LONGEST: Final = 2000
"""Characters of a text that are looked at."""

# Missing from cn/loc of python-stdnum 2.2: two districts made in 2021, an area that menus list beside the cities, and
# two districts that became 两江新区 in 2025 and stay in menus and habits for a while.
_MISSING: Final = {
    ("浙江省", "杭州市"): ("临平区", "钱塘区"),
    ("河北省", "雄安新区"): (),
    ("重庆市", ""): ("江北区", "渝北区"),
}
_NOT_DIVISIONS: Final = re.compile(r"市辖区|县|林区|.*直辖县级行政单位")
_TODAY: Final = re.compile(r"(?:\[\d*-\])?(?P<name>[^\[\]]+)")
_SIMPLIFIED: Final = str.maketrans("區達嶺", "区达岭")
_MUNICIPALITIES: Final = frozenset({"北京市", "天津市", "上海市", "重庆市"})

_PEOPLES: Final = (
    "保安|布依|布朗|傣|朝鲜|达斡尔|侗|东乡|独龙|鄂温克|各|仡佬|哈尼|哈萨克|回|景颇|柯尔克孜|拉祜|黎|傈僳|满|毛南|蒙古|苗"
    "|仫佬|纳西|怒|普米|羌|撒拉|畲|水|塔吉克|土家|土|佤|维吾尔|锡伯|瑶|彝|裕固|藏|壮|白"
)
_SHORT: Final = re.compile(
    rf"(?P<short>.{{2,}}?)(?:(?:{_PEOPLES})族?)*族?(?:特别行政区|自治[区州县旗]|地区|[新林特]区|[省市县区盟旗])"
)

# What may stand between the names of a chain: 「河北省 - 石家庄市 / 桥西区」, 「省：河北 市：石家庄」.
_BETWEEN: Final = re.compile(
    r"(?:[\s·、,，;；/\\|>_—－\-]|市辖区|省直辖县(?:级行政单位)?|生产建设兵团|的"
    r"|(?:所[在属])?(?:省份?|城市|市|区县|县区|区|县)(?:名称?)?\s{0,3}[:：是])*+"
)
_EDGE: Final = r"[^一-鿿A-Za-z0-9]"
_FREE_BEFORE: Final = re.compile(rf"(?:^|{_EDGE}|[在是到]|来自|属于?|位于)$")
_FREE_AFTER: Final = re.compile(rf"$|{_EDGE}|[的这那]")
_OTHER_WORD: Final = re.compile(r"[场值]|别[人的家]|份(?!公司)")

# Full names of counties that are also what people call some part of any place.
_COMMON: Final = frozenset(
    {
        *("老城区", "古城区", "新市区", "新城区", "城东区", "城西区", "城北区", "城中区", "市中区", "山城区", "江城区"),
        *("港口区", "海港区", "河口区", "新兴区", "友好区", "平房区"),
    }
)

_STOP: Final = (
    "[没不的选找有在是要请加吗呢了与及跟或把被给到各哪该这那我你您咱让想填写错]"
    "|系统|企业|公司|单位|用户|账号|申报|注册|菜单|列表|页面|显示|什么|怎么|下拉|里面|上传|上报|政府|监督|人民"
)
_KIND: Final = "开发区|园区|片区|新区|街道|区|县|市|旗|镇|乡"
_UNLISTED: Final = re.compile(
    rf"(?!省|市(?![东南西北中])|(?:(?:{_PEOPLES})族?)*族?自治|特别行政|地区|[林特]区)"
    rf"(?:(?:(?!{_STOP})[一-鿿A-Za-z0-9]){{1,10}}?(?:{_KIND})+){{1,2}}"
)
_NO_COUNTY: Final = re.compile(
    r".*(?:[超城夜都门股楼]市|[小社景厂校辖山库灾战专牧地]区|[服业]务区|住宅区|生活区|办公区|[城乡]镇|市区|[县区][区县市]|市县)"
    r"|[新郊老某原园片本]区|[新某外原本]县|[新某外]市|街道|.?(?:乡|镇|市)"
)


@dataclass(frozen=True, slots=True)
class Region:
    """A province, and the city and county in it where they are known, by their full names.

    Counties of a municipality (北京市 朝阳区) have no city; one that a province governs itself (石河子市) is a city.
    `start` and `end` say where a text names the region; they do not count when regions are compared.
    """

    province: str
    city: str = ""
    county: str = ""
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        """河北省 石家庄市 桥西区."""
        return " ".join(filter(None, (self.province, self.city, self.county)))

    @property
    def listed(self) -> bool:
        """Whether it is a division of today's list; one kept as written is not."""
        cities = divisions().get(self.province, {})
        return self.city in cities and (not self.county or self.county in cities[self.city])


@dataclass(frozen=True, slots=True)
class _Name:
    """One of the names of a division; a full name says of which kind it is: 石家庄市, 恩施州."""

    region: Region
    full: bool

    @property
    def level(self) -> int:
        """0 for a province, 1 for a city, 2 for a county."""
        return 2 if self.region.county else 1 if self.region.city else 0


@dataclass(frozen=True, slots=True)
class _Chain:
    """Names that follow one another in a text, each of a division within the one before."""

    names: tuple[_Name, ...]
    start: int
    end: int
    unlisted: str = ""

    @property
    def region(self) -> Region:
        region = self.names[-1].region
        return Region(region.province, region.city, region.county or self.unlisted, self.start, self.end)

    @property
    def weight(self) -> tuple[int, int, int, int]:
        """What is better told is heavier: more levels, full names, longer ones, and the larger of two namesakes."""
        levels = len({name.level for name in self.names}) + bool(self.unlisted)
        return levels, sum(name.full for name in self.names), self.end - self.start, -self.names[-1].level


@cache
def divisions() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Provinces → cities → counties of today; the counties of municipalities are under "", which every province has."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for *_, provinces in numdb.get("cn/loc").prefixes:
        names = {code: name for _, code, _, properties, _ in provinces if (name := _today(properties["county"]))}
        cities: dict[str, tuple[str, ...]] = {"": ()}
        prefectures = {code[:2]: name for code, name in names.items() if code[2:] == "00" and code != "0000"}
        for code, name in names.items():
            if code[2:] == "00" or _NOT_DIVISIONS.fullmatch(name):
                continue
            city = prefectures.get(code[:2], "")
            if _NOT_DIVISIONS.fullmatch(city) and names["0000"] not in _MUNICIPALITIES:
                if name not in prefectures.values():  # 随州市 is listed twice
                    cities.setdefault(name, ())
                continue
            city = "" if _NOT_DIVISIONS.fullmatch(city) else city
            cities[city] = (*cities.get(city, ()), name)
        for name in prefectures.values():
            if not _NOT_DIVISIONS.fullmatch(name):
                cities.setdefault(name, ())
        found[names["0000"]] = cities
    for (province, city), counties in _MISSING.items():
        found[province][city] = tuple(dict.fromkeys((*found[province].get(city, ()), *counties)))
    return MappingProxyType({province: MappingProxyType(cities) for province, cities in found.items()})


def find_region(text: str) -> Region | None:
    """The region that the text names best, with its place in the text; None where none is clear."""
    text = text[:LONGEST]
    best: list[_Chain] = []
    for start in range(len(text)):
        for chain in _chains(text, start):
            if not _clear(chain, text):
                continue
            if not best or chain.weight > best[0].weight:
                best = [chain]
            elif chain.weight == best[0].weight and chain.start == best[0].start:
                best.append(chain)
    region = _common(best)
    return region and (region if region.county else _with_county(region, text))


def _today(dated: str) -> str:
    """The name that a code has today, "" if none: 「[1983-1986]郊区,[1987-]白云区」 → 白云区."""
    names = [match["name"] for part in dated.split(",") if (match := _TODAY.fullmatch(part))]
    return names[-1].translate(_SIMPLIFIED) if names else ""


@cache
def _names() -> Mapping[str, tuple[_Name, ...]]:
    names: dict[str, list[_Name]] = {}
    for province, cities in divisions().items():
        regions = [Region(province)]
        for city, counties in cities.items():
            regions += [Region(province, city)] if city else []
            regions += [Region(province, city, county) for county in counties]
        for region in regions:
            official = region.county or region.city or region.province
            match = _SHORT.fullmatch(official)
            short = match["short"] if match else official
            names.setdefault(official, []).append(_Name(region, full=True))
            if (kind := short + official[-1]) != official and official[-1] in "州县旗区":
                names.setdefault(kind, []).append(_Name(region, full=True))
            if short != official:
                names.setdefault(short, []).append(_Name(region, full=False))
    return MappingProxyType({name: tuple(found) for name, found in names.items()})


@cache
def _lengths() -> tuple[int, ...]:
    return tuple(sorted({len(name) for name in _names()}, reverse=True))


def _chains(text: str, start: int) -> Iterator[_Chain]:
    """Every chain that begins there, each also without its last names."""
    for end, name in _names_at(text, start):
        yield from _continued(text, _Chain((name,), start, end))


def _continued(text: str, chain: _Chain) -> Iterator[_Chain]:
    yield chain
    last = chain.names[-1]
    if last.level == 2:
        return
    match = _BETWEEN.match(text, chain.end)
    start = match.end() if match else chain.end
    for end, name in _names_at(text, start):
        repeated = name.region == last.region and len(chain.names) == 1  # 重庆市重庆市渝中区
        if repeated or (name.level > last.level and _within(name.region, last.region)):
            yield from _continued(text, _Chain((*chain.names, name), chain.start, end))
    county = _UNLISTED.match(text, start)
    if county and not _NO_COUNTY.fullmatch(county[0]) and not _is_elsewhere(text, start):
        yield _Chain(chain.names, chain.start, county.end(), county[0])


def _names_at(text: str, start: int) -> Iterator[tuple[int, _Name]]:
    for length in _lengths():
        end = start + length
        for name in _names().get(text[start:end], ()) if end <= len(text) else ():
            if not (name.full and _OTHER_WORD.match(text, end)):
                yield end, name


def _within(inner: Region, outer: Region) -> bool:
    """Whether one is part of the other or the same."""
    return inner.province == outer.province and outer.city in ("", inner.city)


def _is_elsewhere(text: str, start: int) -> bool:
    """Whether a province or city is named there: it is no county of the one before."""
    return any(name.full and name.level < 2 for _, name in _names_at(text, start))


def _clear(chain: _Chain, text: str) -> bool:
    """Whether the chain surely names its region: several names do, one only if it cannot be anything else."""
    first = chain.names[0]
    if len(chain.names) > 1 or (chain.unlisted and first.full):
        return True
    before = _FREE_BEFORE.search(text[max(0, chain.start - 2) : chain.start]) is not None
    if chain.unlisted:
        return before
    name = text[chain.start : chain.end]
    namesakes = [other for other in _names()[name] if other.full == first.full]
    alone = len(text.strip(" \t\r\n。.!！?？，,")) == len(name)
    if first.level == 2:
        unique = len(_names()[name]) == 1
        return unique and (alone or (first.full and len(name) > 2 and name not in _COMMON))
    if first.full:
        return True
    shared = first.level == 1 and any(other.region.province in _MUNICIPALITIES for other in namesakes)
    return before and _FREE_AFTER.match(text, chain.end) is not None and not shared


def _common(chains: list[_Chain]) -> Region | None:
    """The region of chains that are equally good: what is common to them all."""
    regions = [chain.region for chain in chains]
    if not regions or len({region.province for region in regions}) > 1:
        return None
    first = regions[0]
    if len(set(regions)) == 1:
        return first
    city = first.city if len({region.city for region in regions}) == 1 else ""
    return Region(first.province, city, "", first.start, first.end)


def _with_county(region: Region, text: str) -> Region:
    """The same with the only county of it that is named elsewhere in the text: 「桥西区，石家庄市的」."""
    found = {
        name.region: (start, end)
        for start in range(len(text))
        for end, name in _names_at(text, start)
        if name.full and name.level == 2 and end - start > 2 and _within(name.region, region)
    }
    if len(found) != 1:
        return region
    ((county, (start, end)),) = found.items()
    return Region(county.province, county.city, county.county, min(start, region.start), max(end, region.end))
