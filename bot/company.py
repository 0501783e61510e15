"""Names of firms and other bodies in what people type, told by how such names end and by the words around them.

Half-width text is expected. Whether a firm of that name exists, nobody here knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_NAME: Final = r"[一-鿿0-9A-Za-z()·&\-]"
_NAMES: Final = re.compile(rf"{_NAME}{{3,}}")
_LIMITED: Final = re.compile(r"(?:股份|集团)?有限(?:责任)?公司(?:\((?:有限合伙|普通合伙|个人独资)\))?")
_FIRM: Final = re.compile(
    r"(?P<short>(?:加[油气]站|商行|商店|商场|超市|药[店房]|合作社|供销社|(?:经营|门市|批发|服务|营业)部|事务所|研究[所院]|卫生院|诊所"
    r"|幼儿园|学校|[酒饭]店|宾馆|煤矿|集团)+)|(?P<long>(?:总?公司|厂|店|中心|医院)+)"
)
_BRANCH: Final = re.compile(
    r"(?:(?!我|的|是|账号|被|请|没|不|在|登|用|问|了|密码|电话|手机)[一-鿿0-9A-Za-z()]){0,15}?"
    r"(?:分公司|分厂|分店|分院|加[油气]站|(?:门市|经营|营业|项目)部)"
)
_LEAD: Final = re.compile(
    r".*(?:是|叫做?|名[为叫]|名称为?|全称为?|名字|我[们司]?|咱们?|俺们?|[您你]好|老师|客服|请问?|麻烦|帮|给(?![排水料氧])|来自|[那这]个|变更为"
    r"|(?<!美)的(?!士))|^(?:用人|申报)?(?:公司|企业|单位)(?:名称?|全称)?|^\d{6,}|^[在用把](?!友)|^(?:有|就|叫|为(?!民|人))"
)
_NOT_A_FIRM: Final = re.compile(
    r"(?:[这那哪某一两几每各别该贵本子分总新原老小大母]|其他|其它|所有|全部|有些|下属|代办|附近|隔壁|第三方|外包|劳务派遣|检测|体检)"
    r"[个家些的]?.?|.*(?:怎么|什么|没|了|吗|账号|密码|登录|注册|申报|被|锁|去|找|到|需要|可以|应该|联系|电话|系统|页面|网站|平台|进入|打开).*"
    r"|.{0,4}(?:个人|用户|帮助|客服|消息|信息|数据|服务|管理|会员|企业|安全|政务|办事|咨询|任务|控制)"
)
_NO_NAME: Final = re.compile(rf".*(?:{_FIRM.pattern})|.{{0,3}}(?:单位|企业|工厂|门店)|.*(?:电话|人工|客服).*")
_LABEL: Final = re.compile(
    r"(?:我们?|咱们?|本)?的?(?:用人)?(?:公司|企业|单位)的?(?:名称?|全称|名字)?\s?(?:是|叫做?|为|:)\s?|我们?(?:是|叫)|(?:名称|全称)\s?(?:是|为|:)\s?"
)

TALK: Final = re.compile(
    r"什么|多少|哪|怎|不|没|被|锁|忘|错|登[录陆不上]|密码|[账帐][号户]|用户|[我你您谁的了吗呢吧啊]|可以|需要|已经|一样|企业名|公司名|单位名"
    r"|信用代码|手机号|身份证|统一|全称|提示|显示|谢谢|好的"
)
"""Words that a sentence has and a name has not."""


def companies(text: str) -> Iterator[tuple[str, int, int]]:
    """Names that end as those of firms do, and where they stand; without the words before them: 我们是, 公司名称."""
    for run in _NAMES.finditer(text):
        for kind in (_LIMITED, _FIRM):
            for ending in kind.finditer(run[0]):
                head = _without_lead(run[0][max(0, ending.start() - 80) : ending.start()])
                if not _names_a_firm(head, ending):
                    continue
                end = ending.end()
                while branch := _BRANCH.match(run[0], end):
                    end = branch.end()
                start = ending.start() - len(head)
                yield _written(run[0][start:end]), run.start() + start, run.start() + end
                break
            else:
                continue
            break


def _without_lead(head: str) -> str:
    while (shorter := _LEAD.sub("", head, count=1).lstrip("-·&)")) != head:
        head = shorter
    return head


def _names_a_firm(head: str, ending: re.Match[str]) -> bool:
    if ending.re is _LIMITED:
        return 2 <= len(head) <= 40
    shortest = 2 if ending["short"] else 3
    return shortest <= sum(map(str.isalpha, head)) and len(head) <= 40 and not _NOT_A_FIRM.fullmatch(head)


def _written(name: str) -> str:
    return name.replace("(", "（").replace(")", "）")


def given_name(text: str) -> str | None:
    """The name that a text gives when asked for one; None where it is no name.

    Names that end otherwise than firms' do are taken whole, if they are no sentence: schools, villages, offices.
    """
    found = next(companies(text), None)
    label = _LABEL.match(text)
    name = text[label.end() if label else 0 :].strip(' ,.。、;:!"“”')
    start = text.find(name)
    whole = bool(re.fullmatch(rf"{_NAME}{{2,60}}", name)) and not TALK.search(name)
    if found and (not whole or found[1] != start or len(name) - (found[2] - start) > 10):
        return found[0]
    if not whole or sum(map(str.isalpha, name)) < 2 or (not found and _NO_NAME.fullmatch(name)):
        return None
    return _written(name)
