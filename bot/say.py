"""Small things people say in a conversation: yes, no, leave it, skip it, the second one, and what about others. Pure.

Only whole messages count: 「好」 is a yes, 「好像不行」 is not. Whatever needs the knowledge base is not here. Most is
told by lists of words: a message says a thing when it is made of words for it and of others that change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.model import Option
from faq.text import strip_list_mark
from index.variant import canonical

LONGEST: Final = 40
"""Characters; a longer message is never one of these. It also bounds what looking at one can cost."""
MOST_CHANGED: Final = 600
"""Characters that a change is looked for in."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# Words that change nothing.

_FILLING: Final = _words(", . ! ~ ; 、 。 的 吧 啊 呀 哦 喔 噢 呢 啦 嘛 哈 哟 哇 呗 叭 嘞 咧 勒 滴 哒") | {" "}
_THANKING: Final = _words(
    "谢谢 谢谢了 谢谢你 谢谢您 谢谢你们 谢谢大家 谢谢老师 谢谢客服 谢 谢了 多谢 多谢了 感谢 感谢您 感谢你们",
    "太感谢 非常感谢 十分感谢 万分感谢 感激不尽 thanks thank thx tks 3q 🙏",
    "辛苦 辛苦了 辛苦您了 辛苦你了 麻烦了 麻烦您了 麻烦你了",
)
_UNDERSTOOD: Final = _words(
    "知道了 我知道了 明白 明白了 我明白了 懂了 我懂了 了解 了解了 清楚了 收到 收到了",
)
_SETTLED: Final = _words(
    "好了 行了 可以了 可以用了 好用了 搞定 搞定了 弄好了 弄完了 办好了 解决了 问题解决了 已解决 恢复了 正常了 成功了",
    "解锁了 已解锁 登录上了 登上了 能登录了 可以登录了 能登上了 进去了 能进去了",
)

# What is said, and what may stand beside it.

_YES: Final = _words(
    "好 好d 行 可以 同意 愿意 嗯 恩 en 嗯呐 对 是 没错 正确 无误 要 需要 成 中 妥",
    "ok okok okay okk yes yep y 👌 🆗 [ok]",
    "没问题 没有问题 没毛病 没意见 都对 全对 都正确 确认 确定 确认无误 核对无误 信息无误 核对过了",
    "同意了 已同意 确认了 已确认 确定了 核对了 继续 开始 提交 转",
    "提交了 确认提交了 可以提交了 就这样提交 就这样吧提交 我同意 我同意了 我愿意 我要 我需要 我确认",
)
_DEEDS: Final = _words(
    "帮我办 帮我办理 帮我登记 帮我提交 帮我申请 帮我转 帮我弄 帮我处理 帮我解 帮我解锁 帮我加 帮我添加 帮我改 帮我更正",
    "给我办 给我办理 给我登记 给我申请 给我弄 给我处理 给我解 给我解锁 给我加 给我改 替我办 替我登记",
    "登记 申请 办理 办 继续登记 继续申请 继续办理 重新登记 重新申请 重新办理",
)
_YES_BESIDE: Final = _FILLING | _THANKING | _words("那 就 那就 都 还是 麻烦 麻烦您 麻烦你 请 请您 帮忙 一下 下 尽快")
_WAIT: Final = _words(
    "稍等 等一下 等下 等等 等会 等会儿 等一会 等一会儿 等我一下 等我 稍候 稍等一下 马上 马上发 马上来",
    "马上就好 一会 一会儿 待会 待会儿",
    "找一下 找找 找一找 看一下 看看 看一看 查一下 查查 问一下 问问 我找 我看 我查 我问 别急 不急",
    "那我等 我等 我等着 等着 等吧 我先等 先等着 慢慢来",
)
_WAIT_BESIDE: Final = (
    _FILLING
    | _THANKING
    | _words("好 嗯 行 ok 我 去 先 再 就 那 那就 请 您 你 麻烦 不好意思 还在 正在 让 一下 发 给你 给您 发给你 发给您")
    | _words("营业执照 执照 代码 信用代码 账号 手机 手机号 截图 图片 照片 资料 材料 同事 老板 会计 财务")
)
_NONE: Final = _words(
    "都不是 以上都不是 都不对 全不对 全不是 不是这些 不是这个 不是这几个 都不符合 都不合适 没一个是",
    "没有一个是 一个都不是",
    "没有我要的 没有我想要的 没有我想问的 没有我要问的 没有我的问题 没有合适的 没有对的 没有符合的 没我要的 没我想问的",
)
_NONE_BESIDE: Final = _FILLING | _THANKING | _words("我 的 这 这里 这里面 这些 里面 好像 感觉 上面 以上 选项 问题")
_WITHDRAW: Final = _words(
    "撤回 撤销 撤单 撤掉 撤了 撤回申请 撤回登记 撤销申请 撤销登记 撤回受理单 撤销受理单 取消受理单 取消排队",
    "不排了 不等了 不排队了",
)
_WITHDRAW_BESIDE: Final = (
    _FILLING | _THANKING | _words("我 要 我要 想 帮我 请 麻烦 把 那 那就 好 嗯 是 确认 吧 单子 这个")
)
_SOLVED: Final = _words(
    "不用处理了 不用处理 不用解锁了 不用解了 不用管了 不用弄了 不用办了 不用找了 不用转了 不用加了 不用改了 不用人工了",
    "不需要处理了 不需要了 不用你们处理了 自己解决了 自己弄好了 自己搞定了 自己好了 自己恢复了 自动解锁了",
    "自动好了 找到了",
)
_SOLVED_BESIDE: Final = (
    _FILLING
    | _THANKING
    | _UNDERSTOOD
    | _words(
        "我 我们 了 已经 已 都 又 现在 刚才 刚刚 不用 不用了 不需要 好 嗯 哦 没事 问题 账号 系统 自己 可以 能",
        "登录 登 上 进去",
    )
)
_STARS: Final = {
    word: stars
    for stars, line in {
        5: "非常满意 很满意 十分满意 特别满意 非常好 很好 太好了 棒 很棒 太棒了 五星 5星 五星好评 好评 完美 满分",
        4: "满意 挺好 不错 挺不错 还不错 四星 4星 比较满意",
        3: "一般 一般般 还行 还可以 凑合 三星 3星",
        2: "不满意 不太满意 不怎么样 不太好 二星 两星 2星",
        1: "非常不满意 很不满意 十分不满意 太差 太差了 很差 差评 一星 1星 差劲",
    }.items()
    for word in line.split()
}
_STARS_BESIDE: Final = (
    _FILLING | _THANKING | _UNDERSTOOD | _SETTLED | _words("我 服务 态度 客服 对 处理 给 的 了 你们 您 速度 快 很快")
)
_NO: Final = _words(
    "不, 不了 不要 不用 不必 不需要 不可以 不同意 不愿意 不想 不登记 不办 不办理 不转 不提交 不申请",
    "不是 不对 不正确 不准确 不确认 用不着 没必要 没有必要 没兴趣 免了 拒绝 算了 否 no nope n 别 别转 甭",
    "错了 有错 有误 填错了 写错了 打错了",
)
_NO_BESIDE: Final = (
    _FILLING
    | _THANKING
    | _UNDERSTOOD
    | _SETTLED
    | _words("了 我 你 先 暂 暂时 现在 还 还是 那 那就 就 也 都 已经 好的 嗯 不好意思 麻烦")
    | _words("登记 办 办理 转 人工 转人工 提交 信息 自己来 自己解决 自己弄 自己处理")
    | _words("再看看 再试试 再想想 等等 再等等 再等等看 以后再说")
)
_CANCEL: Final = _words(
    "取消 退出 算了 停止 终止 放弃 结束 不要了 cancel quit exit 不办 不办理 不弄 不填了 不写了 不登记 不申请",
    "不想办 不想办理 不想弄 不想填 不想写 不想登记 不想申请 懒得填 懒得弄 以后再说 以后再办 以后再弄 以后再填",
    "下次再说 下次再办 改天再说 改天再办 改天再弄 晚点再说 晚点再弄 回头再说 回头再弄",
)
_CANCEL_BESIDE: Final = (
    _FILLING
    | _THANKING
    | _words("了 我 我要 我想 想 要 先 那 那就 就 还是 都 它 这个 这次 请 帮我 麻烦 好 嗯 行 不好意思")
    | _words("登记 申请 办理 填写")
)
_SKIP: Final = _words(
    "跳过 略 略过 下一个 下一项 下一题 下一步 下一条 pass skip next / - n/a none",
    "没 没有 没有了 无 暂无 没了 没得 木有 没有别的 没有其他 没别的 没其他 没别的了 没有别的了 没其他了 没有其他了",
    "不用 不用了 不需要 不需要了 不填 不要",
    "不想留 不留 不愿意留 不愿留 不想留手机 不想留手机号 不想留电话 不想给 不想填 没有手机 没有手机号",
    "没有电话 没有账号 没有代码 没有截图",
    "不知道 不清楚 不记得 不记得了 不记得账号了 不晓得 不确定 忘了 忘记了 忘记账号了",
    "记不得了 记不清 记不清了 想不起来 想不起来了 没注意 保密",
    "提供不了 没法提供 无法提供 不能提供 不方便 不方便提供 不方便说 不方便给 不想提供 不想说 不愿提供 不愿意提供",
    "没法截图 没法截 截不了 截图不了 不会截图 不会截",
)
_SKIP_BESIDE: Final = (
    _FILLING
    | _THANKING
    | _words("我 也 都 先 就 目前 暂时 现在 实在 真 真的 具体 这个 这项 这一项 这题 此项 不好意思 抱歉 那 那就")
    | _words("截图 图 图片 照片 账号 帐号 用户名 代码 信用代码 ip")
)
_BACK: Final = _words(
    "上一步 上一项 上一个 上一题 上一条 返回 返回上一步 退回 退回去 后退 回退 back",
    "修改上一项 修改上一个 改上一项 改上一个 重填上一项 重填上一个",
)
_BACK_BESIDE: Final = _FILLING | _words("我 我要 我想 要 想 请 帮我 麻烦 回 回到 退到 退 到 去 一下")
_THANKS_BESIDE: Final = (
    _FILLING
    | _words("好 嗯 恩 ok 行 哦 可以 对 不用了 不用 没有了 了 你 您 你们 大家 老师 客服 you")
    | _words("非常 太 真 我 已经 已 都 又 现在 终于 自己 帮助 帮忙 解答 回复 问题")
)
_FAREWELL: Final = _words(
    "再见 拜 拜拜 白白 bye byebye goodbye 88 886 回见 回头见 下次见 明天见 晚安",
    "先这样 就这样 就先这样 先下了 先忙了 先走了 我下了 没事了 没问题了 没有问题了",
    "没别的问题了 没有别的问题了 没其他问题了 没有其他问题了 没别的了 没别的事了 没其他的了 没其他事了",
)
_FAREWELL_BESIDE: Final = _THANKS_BESIDE | _THANKING | _UNDERSTOOD | _SETTLED | _words("那 就 先 -")

_NUMBER: Final = re.compile(
    r"(?:(?:我|问|说|想|应该|选项|选择|选|要|是|就|点|的)*+\s*[#(]?([1-9一二三四五六七八九])\s*[).、:\u20e3]?号?"
    r"|(?:我|问|说|想|应该|选择|选|要|是|就|看|点|的)*+\s*第\s*([1-9一二三四五六七八九])\s*(?:个|项|条|种|点|题)?"
    r"(?:问题|选项|情况|答案)?)(?:[吧的呢啊呀,\s]|谢谢)*+"
)
_ORDER: Final = "一二三四五六七八九"

# How far is it? Of these deeds people ask whether they are done; of others, how they are done.
_DEED: Final = r"(?:解锁|解开|处理|解决|办理|办|弄|搞|添加|加|更正|修改|改|受理|回复|回|接待|接|联系|来|好|完成)"
_DONE: Final = r"(?:好|完|上|掉|成|我)?"
_SPAN: Final = r"(?:\d{1,3}|[一两三四五六七八九十几半]{1,3})个?多?(?:小时|分钟|天)"
_NEWS: Final = r"(?:人|客服|进展|结果|消息|回复|回音|动静|反应)(?:处理|接待|管|理我?|回复?|接|在|来)?"
_HOW_FAR: Final = "|".join(
    (
        r"(?:还|要|得|需要|再|等|排|队)*+(?:多久|多长时间|几分钟|几个?小时|几天|多少天)"
        rf"(?:(?:才|能|可以|会)++(?:{_DEED}{_DONE}(?:账号)?|有人.{{0,3}}))?",
        rf"(?:什么时候|啥时候?|几时|几点|多会儿?)(?:才|能|可以|会|给我|帮我)*+(?:{_DEED}{_DONE}|(?:轮|排)?到我)",
        rf"(?:能|可以)(?:给我|帮我)?(?:(?:解锁|处理|解决|回复|接待){_DONE}|[办弄搞加改]?[好完上])[吗么]",
        rf"{_DEED}(?:好|完|上|掉|成|过来)?了(?:吗|么|没有?)|{_DEED}(?:好|完|上|成)?没有?|{_DEED}[好完]吗",
        rf"(?:{_DEED}[得的]?)?(?:怎么样|咋样|如何)了|{_DEED}[得的](?:怎么样|咋样|如何)",
        rf"{_DEED}?到(?:哪|哪里|哪儿|哪一?步|什么程度)了?",
        rf"(?:怎么|为什么|为啥|咋)?还(?:没有?|不|未)(?:人|给我|帮我|轮)?(?:{_DEED}{_DONE}|到我|{_NEWS})[吗么]?",
        rf"有(?:没有)?{_NEWS}了?(?:吗|么|没有?)|有没有{_NEWS}|(?:怎么|为什么|一直|都)?没有?{_NEWS}[吗么]?",
        r"(?:轮|排)?到我了?(?:吗|没有?)|我?(?:现在)?排[在到]?了?第?几[位个号名]?了?",
        r"我?前[面边]?(?:还|现在|有|排|了)*+(?:几|多少)[个位]?人?|还有几[个位]人?",
        r"(?:帮我?|我要?|想)?[查看问]?(?:一下|询)?(?:办理|处理|受理)?(?:进度|进展)(?:查询|怎么样|如何|到哪)?了?",
        rf"(?:帮我|请)?(?:催[一下催促办]*+|快一?点|尽快|赶紧|赶快|抓紧|加急){_DEED}?(?:一下)?",
        rf"我?(?:都|已经)?等了?(?:半天|好久|很久|{_SPAN})了?",
        r"(?:人工客服|人工|客服|工作人员|人)(?:呢|在吗|在不在|(?:怎么)?还[没不]来|去?哪里?去?了|什么时候来)",
        r"(?:什么时候|啥时候?|几时|几点|多久)(?:才)?(?:能)?有(?:人|客服|工作人员|人工)(?:在|来)?|还有人在?(?:吗|么|没有?)?|有没有人在?(?:吗|么)?|有人在?(?:吗|么|没有?)",
    )
)
_STATUS: Final = re.compile(
    r"(?:请问|麻烦|问一?下|我?想问|[您你]好|那|,|\s)*+"
    r"(?:我的?|你们|客服)?(?:这个|那个)?(?:受理单|工单|单子|申请|登记|问题|事情|事|账号)?(?:\d{4,6}号?)?"
    r"(?:现在|目前|今天|到底|究竟|已经|都|大概|大约|一共|\s)*+"
    rf"(?:(?:{_HOW_FAR})(?:[?.!~,、。\s啊呀呢哦哈了嘛]|谢谢)*+){{1,2}}"
)

_MINE: Final = r"(?:我的?|刚才的?|前面的?|上面的?|把|将|那个)?"
_WRONG: Final = (
    r"(?:(?:刚才)?[填写打输发弄选搞敲]?错(?:了|啦)?|不对|有误|不正确"
    r"|我?(?:要|想|需要)?(?:修改|更改|(?<![修更])改)(?:一?下)?)"
)
_TO: Final = r"(?:(?:改?[为成]|应该?[是为])[:：]?|[:：])\s*"
_CHANGE: Final = re.compile(
    r"(?:我|想|要|需要|帮我|请|麻烦)*+(?:修改|更改|更正|重新?填写?|重[填写]|改)(?:一?下)?[:：,，\s]*+"
    rf"(?P<what>[^:：\n]{{1,12}}?)(?:(?:{_TO}|\s+(?=[0-9A-Za-z]{{4}}))(?P<value>.+)|吧|一下)?"
    rf"|{_MINE}(?P<wrong>[^:：\n]{{1,12}}?){_WRONG}(?:[,，。\s]*+(?:{_TO}|是)(?P<right>.+)|吧|[了啦])?"
    rf"|{_MINE}(?P<old>[^:：\n]{{1,12}}?)(?:修改|更改|改|换)[为成][:：]?\s*(?P<new>.+)",
    re.DOTALL,
)
_ABOUT: Final = re.compile(
    r"(?:那么?|要是|如果|换成?|换做|假如|我问的?是|我说的?是|我们?是|是|[,，\s])*+(?P<who>(?!呢).{1,24}?)[,，\s]*"
    r"(?:的话)?[,，\s]*(?:呢|怎么[办弄做]呢?|又怎么[办弄]|怎么样呢?|(?:也|都)?(?:是)?(?:一样|这样)吗|也是吗)?[?.!。\s]*"
)
_ASKING: Final = re.compile(
    r"[?]|[吗呢么]\s*[。.!]*$|怎么|怎样|如何|为什么|为啥|哪[里儿个些位种天年]|在哪|什么|多久|多少|几[个点天位]|咋|啥|谁"
    r"|能不能|可不可以|是不是|有没有|要不要|行不行|对不对|能否|可否|是否"
)


def plain(text: str) -> str:
    """A short message without what surrounds it: half width, lower case, trimmed; "" for a long one."""
    said = canonical(text[: 4 * LONGEST]).strip(" 。.!~")
    return said if len(said) <= LONGEST and len(text) <= 4 * LONGEST else ""


def is_yes(text: str) -> bool:
    """Whether the message agrees; 「好了」 and 「可以了」 do not: something is well now."""
    return _made_of(text, _YES | _DEEDS, _YES_BESIDE)


def is_deed(text: str) -> bool:
    """Whether the message agrees by asking for the deed (「还是帮我登记一下吧」)."""
    return _made_of(text, _DEEDS, _YES_BESIDE | _YES)


def is_no(text: str) -> bool:
    """Whether the message declines; 「不行」 does not: something does not work."""
    return plain(text) == "不" or _made_of(text, _NO, _NO_BESIDE)


def is_cancel(text: str) -> bool:
    """Whether the message leaves what was begun."""
    return _made_of(text, _CANCEL, _CANCEL_BESIDE)


def is_skip(text: str) -> bool:
    """Whether the message has nothing to give."""
    return _made_of(text, _SKIP, _SKIP_BESIDE)


def is_back(text: str) -> bool:
    """Whether the message goes back one question."""
    return _made_of(text, _BACK, _BACK_BESIDE)


def is_asking(text: str) -> bool:
    """Whether the message asks something, rather than gives something."""
    return _ASKING.search(canonical(text)) is not None


def is_thanks(text: str) -> bool:
    """Whether the message is thanks, or says that all is clear or well (「知道了」「能登录了」), and nothing else."""
    return _made_of(text, _THANKING | _UNDERSTOOD | _SETTLED, _THANKS_BESIDE)


def is_farewell(text: str) -> bool:
    """Whether the message takes leave."""
    return _made_of(text, _FAREWELL, _FAREWELL_BESIDE)


def is_status(text: str) -> bool:
    """Whether the message asks how far its request is; means something only while one is open."""
    return _STATUS.fullmatch(plain(text)) is not None


def is_waiting(text: str) -> bool:
    """Whether the message asks for patience, or promises some."""
    return _made_of(text, _WAIT, _WAIT_BESIDE)


def is_none(text: str) -> bool:
    """Whether the message finds nothing right among what was offered."""
    return _made_of(text, _NONE, _NONE_BESIDE)


def is_withdrawal(text: str) -> bool:
    """Whether the message takes a request back."""
    return _made_of(text, _WITHDRAW, _WITHDRAW_BESIDE)


def is_solved(text: str) -> bool:
    """Whether the message says that nothing needs to be done any more."""
    return _made_of(text, _SOLVED | _SETTLED, _SOLVED_BESIDE)


def stars_in(text: str) -> int | None:
    """The rating that a message gives in words, 1 to 5; None for any other message."""
    given = {stars for word, stars in _STARS.items() if _made_of(text, frozenset({word}), _STARS_BESIDE)}
    return given.pop() if len(given) == 1 else None


def number_in(text: str) -> int | None:
    """The number that a message consists of (「2」「第二个」「选②」), 1 to 9; None for any other message."""
    found = _NUMBER.fullmatch(plain(text))
    if found is None:
        return None
    said = found[1] or found[2]
    return _ORDER.index(said) + 1 if said in _ORDER else int(said)


def picked(text: str, options: Sequence[Option]) -> Option | None:
    """The option whose number, id or label the message is; perhaps with its number before it (「2. 忘记密码」)."""
    number = number_in(text)
    if number is not None:
        return options[number - 1] if number <= len(options) else None
    said = {_letters(text), _letters(strip_list_mark(text))} - {""}
    same = [
        option
        for option in options
        if said & {_letters(option.label), _letters(_unled(option.label)), _letters(option.entry_id)}
    ]
    return same[0] if len(same) == 1 else None


def change_of(text: str) -> tuple[str, str | None] | None:
    """What the message wants changed, and the new value if it gives one (「修改手机号：138…」)."""
    found = _CHANGE.fullmatch(text[:MOST_CHANGED].strip(" \t\r\n。.!！~～"))
    if found is None:
        return None
    what = found["what"] or found["wrong"] or found["old"]
    value = found["value"] or found["right"] or found["new"]
    return what.strip(" ,，"), value and value.strip()


def about_whom(text: str) -> str | None:
    """Whom a message asks about that leaves the question out (「那管理机构呢」 → 管理机构); None for a long one."""
    found = _ABOUT.fullmatch(plain(text))
    return found["who"] if found else None


def _made_of(text: str, needed: frozenset[str], beside: frozenset[str]) -> bool:
    """Whether a short message is a row of these words, with a needed one among them."""
    said = plain(text)
    reached = {0: False}  # the ends of rows so far, and whether a needed word is among theirs
    for start in range(len(said)):
        if start in reached:
            for end in range(start + 1, len(said) + 1):
                word, edge = said[start:end], said[end - 1 : end + 1]
                if len(edge) == 2 and edge.isascii() and edge.isalnum():  # 888 is not 88 and 8
                    continue
                if word in needed:
                    reached[end] = True
                elif word in beside:
                    reached[end] = reached.get(end, False) or reached[start]
    return reached.get(len(said), False)


def _unled(label: str) -> str:
    """A label without the 【system · audience】 before it."""
    return re.sub(r"^【[^】]*】", "", label)


def _letters(text: str) -> str:
    return "".join(char for char in canonical(text) if char.isalnum())
