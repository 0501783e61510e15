"""Which numbered lines are entries and which belong to an answer's own list, where both are numbered alike.

    1、已注册，但登录时提示【此账号不存在】     entry 1
    1、首先确认登录时地址是否正确               list 1
    2、在根据以下步骤请仔细排查：               list 2
    2、登录时，忘记密码。                       entry 2

No line can be judged alone. A section's numbered lines are read as a whole: every reading has a cost, and the cheapest
is taken. A state is (last entry's number, last list number); lines are taken in order, and the best way to each state
is kept (Viterbi), so the work grows with the lines, not with the readings. Gaps in either count weigh most, an entry
without a body or without the 答 its siblings have comes next, and what the words look like only breaks ties.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faq.text import display_width

Role = Literal["entry", "list", "text"]

GAP = 6.0
"""An entry's number skips some, plus MISSING for each skipped, up to MAX_MISSING of them."""
MISSING = 0.5
MAX_MISSING = 8
BACK = 12.0
"""An entry's number does not go up."""
EMPTY = 5.0
"""An entry has nothing below it."""
NO_ANSWER = 6.0
"""An entry has no answer mark where entries have them; or has one too many (SECOND_ANSWER)."""
SECOND_ANSWER = 6.0
START_LIST = 0.5
"""A list begins at 1; each further list within the same answer costs RESTART_LIST."""
RESTART_LIST = 1.5
LATE_LIST = 8.0
"""A list begins at another number than 1, or goes on with a gap."""
ORPHAN = 10.0
"""A list item stands before any entry."""
PLAIN = 7.0
"""A numbered line is no item at all; nothing at all where it goes on from a full line mid-sentence."""
NEXT_ENTRY = 6.0
"""A heading-like line goes on the count of entries, and no list's, and is no entry all the same."""
ASKED = 8.0
"""A line that ends in a question mark is no entry, nor an item of a list that is under way."""
BROKEN_OFF = 4.0
"""An item begins where the line before breaks off mid-sentence."""
OTHER_STYLE = 2.0
"""「1、」 and 「1.」 in one count."""
WORDING = 1.0
"""The weight of what the words look like, for each point of `leaning`."""
BEAM = 24
MARGIN = 30.0
"""States kept from line to line: so many, and none so much costlier than the best. Documents of people need fewer."""

_ASKING = re.compile(r"怎么|怎样|如何|为什么|为何|什么|哪[个些里]|是否|吗|能不能|多久|几[天个]")
_SYMPTOM = re.compile(r"提示|无法|不了|不能|不到|不成功|忘记|不知道|失败|报错|异常|错误|关于|无反应|不上|空白|没有")
_ACTION = re.compile(
    r"(?:请|先|再|然后|首先|其次|最后|接着|之后|第[一二三]|在根据|点击|单击|双击|选择|打开|填写|进入|输入|联系|设置|上传|下载|检查|确认|核对|按照|"
    r"通过|使用|登录(?!时|后|不|失|提)|返回|重新|拨打|提交|保存|用户名|等待|找到)"
)
_ACTING = re.compile(r"点击|按钮|即可|然后|界面")
_SENTENCE = re.compile(r"[；;。，,]")


@dataclass(frozen=True, slots=True)
class Item:
    """A numbered line and what lies between it and the one before.

    `text_before`: lines without such a number; `answers_before`: answer marks among them. `complete`: the line holds
    its own answer. `broken_off`: the line before it is full and ends mid-sentence.
    `listed`: it stands behind an answer mark (「答：1、…」), so it begins a list and nothing else.
    """

    number: int
    text: str
    style: str = ""
    text_before: bool = False
    answers_before: int = 0
    complete: bool = False
    broken_off: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class _State:
    entry: int
    entry_style: str
    listed: int
    list_style: str
    lists: int
    bare: bool
    """The last line is an entry, and nothing is below it yet."""
    answers: int


@dataclass(frozen=True, slots=True)
class _Way:
    cost: float
    role: Role
    before: _Way | None


def assign_roles(
    items: Sequence[Item], *, answered: bool, before: int = 0, text_after: bool = True, answers_after: int = 0
) -> tuple[Role, ...]:
    """The role of each item in the cheapest reading.

    `answered`: entries here have answer marks; `before`: the last entry number of the section before, from which the
    count may go on; `text_after`, `answers_after`: what follows the last item.
    """
    start = _State(0, "", 0, "", 0, bare=False, answers=0)
    ways: dict[_State, _Way | None] = {start: None}
    for item in items:
        found: dict[_State, _Way] = {}
        words = leaning(item.text) * WORDING
        for state, way in ways.items():
            settled, paid = _settle(state, text=item.text_before, answers=item.answers_before)
            paid += way.cost if way else 0.0
            for role, following, cost in _readings(settled, item, words, answered=answered, before=before):
                total = paid + cost
                if following not in found or total < found[following].cost:
                    found[following] = _Way(total, role, way)
        kept = sorted(found.items(), key=lambda pair: pair[1].cost)[:BEAM]
        ways = {state: way for state, way in kept if way.cost <= kept[0][1].cost + MARGIN}
    best: _Way | None = None
    for state, way in ways.items():
        if way is None:
            continue
        settled, paid = _settle(state, text=text_after, answers=answers_after)
        paid += way.cost + _closing(settled, answered=answered)
        if best is None or paid < best.cost:
            best = _Way(paid, way.role, way.before)
    roles: list[Role] = []
    while best is not None:
        roles.append(best.role)
        best = best.before
    return tuple(reversed(roles))


def leaning(text: str) -> float:
    """How much a numbered line reads like a question (above 0) or like a step to take (below 0), from -3 to 3."""
    points = 0.0
    if re.search(r"[？?]\s*$", text):
        points += 2
    points += 1.5 if _ASKING.search(text) else 0
    points += 1.5 if _SYMPTOM.search(text) else 0
    points += 0.5 if display_width(text) <= 40 and not text.endswith(("。", "；", ";")) else 0
    points -= 1.5 if _ACTION.match(text) else 0
    points -= 0.5 if _ACTING.search(text) else 0
    points -= 1 if display_width(text) > 60 and text.endswith(("。", "；", ";")) else 0
    return max(-3.0, min(3.0, points))


def _settle(state: _State, *, text: bool, answers: int) -> tuple[_State, float]:
    """The state after the lines between two numbered ones, and what they cost."""
    total = state.answers + answers
    surplus = max(0, total - max(1, state.answers)) if state.entry else 0
    return (
        _State(
            state.entry,
            state.entry_style,
            state.listed,
            state.list_style,
            state.lists,
            bare=state.bare and not text,
            answers=min(1, total),
        ),
        surplus * SECOND_ANSWER,
    )


def _closing(state: _State, *, answered: bool) -> float:
    """What it costs to leave the current entry as it is."""
    if not state.entry:
        return 0.0
    return (EMPTY if state.bare else 0.0) + (NO_ANSWER if answered and not state.answers else 0.0)


def _readings(
    state: _State, item: Item, words: float, *, answered: bool, before: int
) -> list[tuple[Role, _State, float]]:
    broken = BROKEN_OFF if item.broken_off else 0.0

    cost = _closing(state, answered=answered) + broken + max(0.0, -words)
    last = state.entry or (before if before and item.number == before + 1 else 0)
    if item.number > last + 1:
        cost += GAP + MISSING * min(item.number - last - 1, MAX_MISSING)
    elif item.number <= last:
        cost += BACK
    cost += OTHER_STYLE if state.entry and item.style != state.entry_style else 0.0
    complete = int(item.complete)
    entry = _State(item.number, item.style, 0, "", 0, bare=not complete, answers=complete if answered else 0)

    goes_on = bool(state.listed) and item.number == state.listed + 1
    likely = 0.0
    if state.entry and item.number == state.entry + 1 and not goes_on and not _SENTENCE.search(item.text):
        likely += NEXT_ENTRY
    if item.text.rstrip().endswith(("？", "?")):
        likely += ASKED
    listed_cost = broken + max(0.0, words) + (0.0 if state.entry else ORPHAN)
    lists = state.lists
    if goes_on:
        listed_cost += OTHER_STYLE if item.style != state.list_style else 0.0
    elif item.number == 1:
        listed_cost += RESTART_LIST if lists else START_LIST
        lists = 1
    else:
        listed_cost += LATE_LIST + likely
        lists = 1
    listed = _State(state.entry, state.entry_style, item.number, item.style, lists, bare=False, answers=state.answers)

    if item.listed:
        return [("list", listed, listed_cost)]
    plain = _State(
        state.entry,
        state.entry_style,
        state.listed,
        state.list_style,
        lists=state.lists,
        bare=False,
        answers=state.answers,
    )
    plain_cost = 0.0 if item.broken_off else PLAIN + likely + (0.0 if state.entry else ORPHAN)
    return [("entry", entry, cost), ("list", listed, listed_cost), ("text", plain, plain_cost)]
