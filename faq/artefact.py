"""Lines that are not part of the text: page numbers, running headers, navigation, rules, contents, signatures.

They are reported, not dropped unseen. A line repeated in the text proper (「解决方式:」) is none: a running header
stands where pages begin or end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from faq.contents import find_contents
from faq.marker import read_answer, read_marker
from faq.reader import Line
from faq.text import display_width
from faq.wrap import ends_sentence

MAX_HEADER_WIDTH = 60
MIN_REPEATS = 3

_PAGE = re.compile(
    r"[-—–－·~\s]*(?:第\s*)?\d{1,3}(?:\s*页)?[-—–－·~\s]*"
    r"|第\s*\d{1,4}\s*页\s*[,，/（(]?\s*(?:共|总)\s*\d{1,4}\s*页\s*[)）]?|共\s*\d{1,4}\s*页\s*[,，]?\s*第\s*\d{1,4}\s*页"
    r"|\d{1,4}\s*/\s*\d{1,4}(?:\s*页)?|第\s*[一二三四五六七八九十百]+\s*页|(?:page|p\.)\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?",
    re.IGNORECASE,
)
_RULE = re.compile(r"([-=*_—－＝~·.…#])(?:\s*\1){2,}")
_WORD = (
    r"返回(?:列表|顶部|首页|上一页|上页)|回到顶部|打印(?:本页|此页|页面|文章)?|关闭(?:窗口|本页|页面)|收藏(?:本页)?|网站地图"
    r"|分享(?:到|至)?|微信|微博|朋友圈|扫一扫.{0,12}|上一页|下一页|首页|尾页|联系我们|关于我们|免责声明|隐私(?:政策|声明)"
    r"|加入收藏|设为首页|字[号体](?:大小)?|大\s*中\s*小|没有了"
)
_FIELD = (
    r"(?:上一[篇条]|下一[篇条]|浏览(?:次数|量)|阅读(?:次数|量|数)?|点击(?:数|量|次数)|访问(?:次数|量)|发布(?:时间|日期|者|人)"
    r"|更新(?:时间|日期)|来源|文章来源|信息来源|作者|编辑|责任编辑|当前位置|您的位置|您现在的位置|主办单位|承办单位|主办|承办"
    r"|网站标识码|备案号|字号|字体|分享到|分享至)\s*[:：].{0,80}"
)
_NAVIGATION = re.compile(
    rf"(?:{_FIELD}|(?:[\[【〖(（]?\s*(?:{_WORD}|上一[篇条]|下一[篇条])\s*[\]】〗)）]?[\s|｜/:：>»·,，-]*)+"
    r"|.{0,40}(?:版权所有|copyright|©|ICP备|公网安备).{0,80}|首页\s*[>»›].{0,80})",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:\d{4}|[〇○零一二三四五六七八九]{4})\s*[年./-]\s*(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*"
    r"(?:月|[./-]\s*\d{1,2})?\s*(?:(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*日)?"
)
_PUBLIC = re.compile(r"[(（【\[]?此件[^，。；]{0,12}公开[^，。；]{0,6}[)）】\]]?")
_SUPPORT = re.compile(r"(?:技术支持|技术服务|系统维护|开发|运维)(?:单位|公司|方)?\s*[:：].{2,40}")
_PHONE = re.compile(
    r"(?:技术支持|技术服务|客服|服务|咨询|联系|监督|举报)?(?:电话|热线|方式)\s*[:：]?\s*[\d\-—－()（）、/;；,，\s转]{5,60}"
)
_OFFICE = re.compile(
    r"[\u4e00-\u9fff×XＸ]{3,30}(?:局|厅|委|委员会|部|司|处|院|中心|办公室|政府|公司|协会|总站|总队|支队)"
)


def find_artefacts(lines: Sequence[Line]) -> frozenset[int]:
    """The numbers of the lines that are no text."""
    pages = {line.number for line in lines if _PAGE.fullmatch(line.text) or _RULE.fullmatch(line.text)}
    headers = _running_headers(lines, pages)
    known = pages | headers
    known |= _navigation(lines, known)
    known |= _signature(lines, known)
    return frozenset(known | find_contents(lines, known))


def _running_headers(lines: Sequence[Line], pages: set[int]) -> set[int]:
    """Short lines repeated beside page numbers or form feeds, and repetitions of the document's first line."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for position, line in enumerate(lines):
        if line.number in pages or display_width(line.text) > MAX_HEADER_WIDTH:
            continue
        if not read_marker(line.text) and read_answer(line.text) is None and not ends_sentence(line.text):
            places[re.sub(r"\d+", "#", line.text)].append(position)
    found: set[int] = set()
    for positions in places.values():
        if len(positions) < MIN_REPEATS:
            if len(positions) == MIN_REPEATS - 1 and _twice(lines, pages, positions):
                found.update(lines[position].number for position in positions if position > 0)
            continue
        beside = sum(_beside_page(lines, pages, position) for position in positions)
        if beside * 3 >= len(positions) * 2 or positions[0] == 0:
            found.update(lines[position].number for position in positions if position > 0)
    return found


def _twice(lines: Sequence[Line], pages: set[int], positions: Sequence[int]) -> bool:
    """Whether a line that stands twice does so right beside page ends (or first of all), never as a sole answer."""
    for position in positions[1:]:
        above = lines[position - 1]
        if read_marker(above.text) or read_answer(above.text) == "" or position == len(lines) - 1:
            return False
    first = positions[0] == 0 or _beside_page(lines, pages, positions[0])
    return first and all(_beside_page(lines, pages, position) for position in positions[1:])


def _beside_page(lines: Sequence[Line], pages: set[int], position: int) -> bool:
    if position in (0, len(lines) - 1) or lines[position].after_feed or lines[position + 1].after_feed:
        return True
    return lines[position - 1].number in pages or lines[position + 1].number in pages


def _signature(lines: Sequence[Line], known: set[int]) -> set[int]:
    """Who signs the document, when, and how to reach them: its last lines, below an answer that is one without them.

    An office or a telephone number alone may be an answer's last line; it needs another signature beside it.
    """
    found: set[int] = set()
    sure = False
    for position in range(len(lines) - 1, -1, -1):
        line = lines[position]
        if line.number in known:
            continue
        if display_width(line.text) > MAX_HEADER_WIDTH or (
            read_marker(line.text) is not None and not _DATE.fullmatch(line.text)
        ):
            break
        certain = any(form.fullmatch(line.text) for form in (_DATE, _PUBLIC, _SUPPORT))
        if not certain and not _PHONE.fullmatch(line.text) and not _OFFICE.fullmatch(line.text):
            break
        sure = sure or certain
        found.add(line.number)
    above = [line for line in lines if line.number not in known | found]
    if not sure or not above or not found or above[-1].number > min(found):
        return set()
    last, answer = above[-1], read_answer(above[-1].text)
    if answer == "" or (answer is None and read_marker(last.text) is not None):
        return set()
    return found if any(read_marker(line.text) or read_answer(line.text) is not None for line in above) else set()


def _navigation(lines: Sequence[Line], known: set[int]) -> set[int]:
    """A web page's frame: at the end as far up as it reaches, at the beginning anywhere before the first number."""
    found: set[int] = set()
    for line in reversed(lines):
        if _NAVIGATION.fullmatch(line.text):
            found.add(line.number)
        elif line.number not in known:
            break
    for line in lines:
        if read_marker(line.text) is not None:
            break
        if _NAVIGATION.fullmatch(line.text):
            found.add(line.number)
    return found
