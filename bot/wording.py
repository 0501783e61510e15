"""What the bot says in its own words, and how options are labelled: plain, courteous Simplified Chinese.

Answers are not here; they come from entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot import say
from bot.model import Option, Reply
from faq.entry import Entry
from faq.knowledge import KnowledgeBase
from index.variant import is_courtesy

GREETING = "您好，我是在线咨询助手。请直接描述您遇到的问题，例如页面上的提示信息；需要人工时请说“转人工”。"
CLARIFY = "您的问题可能对应下面几种情况，请选择最接近的一项："
REJECT = ("抱歉，我没有找到能回答这个问题的内容。", "您可以换个说法，或写出页面上的提示文字；需要人工时请说“转人工”。")
REJECT_WITH_SUGGESTIONS = (
    "抱歉，我没有找到能准确回答这个问题的内容。下面几条比较接近，看看是否有帮助；需要人工时请说“转人工”。"
)
NOTHING_SAID = "我收到了您的消息，但没有看到文字。请用文字描述您遇到的问题；需要人工时请说“转人工”。"

INTRODUCED = "好的，知道了。请问您遇到了什么问题？"
WHO = "我是在线咨询的自动助手，用常见问题文档的原文回答您。需要工作人员时，请说“转人工”。"
SORRY = "很抱歉给您添麻烦了。"
HELLO = "您好。"
WELCOME = "不客气。"
GO_ON = "请继续填写。"
ADDED = "已补充。"
UNFINISHED = "登记还没有提交。不再需要的话请回复“取消”，否则请继续。"
PATIENCE = "好的，不着急。"
NOTED = "已记录，工作人员接待时可以看到。"
ALRIGHT = "好的。还有其他问题可以继续问我。"
WAITING = "好的，请稍候。"
NOTHING_FITS = "没关系，请换个说法再描述一下，或写出页面上的提示文字；需要人工时请说“转人工”。"
AFTERWARDS = "提交之后就会转给工作人员，届时会告诉您排队的情况。"
WITHDRAWN = "好的，已为您撤回。还有其他问题可以继续问我。"
THANKED = "不客气，很高兴能帮到您。还有其他问题可以继续问我。"
FAREWELL = "再见，祝您工作顺利。需要时欢迎随时回来咨询。"
HIDDEN = (
    "您的消息里似乎有密码或验证码，我已将它隐去，没有保存。"
    "请不要把密码或验证码发给任何人；如有泄露的可能，请尽快修改密码。"
)
PICTURE = "图片已收到，不过我看不懂图片的内容。请用文字写出图片上的提示；需要工作人员查看时，请说“转人工”。"
PICTURE_KEPT = "图片已收到，工作人员可以看到。"
COME_BACK = "您可以先离开，之后请用这台设备的同一浏览器回到本页面查看回复。"
LEAVE_PHONE = "也可以留下您的联系电话，方便工作人员联系您。"
UNSTAFFED = f"目前没有人工值守，工作人员看到后会处理。{COME_BACK}"
BEING_WORKED_ON = "工作人员正在处理。"
CANCELLED = "好的，已取消登记，刚才填写的内容不再保留在登记里。还有其他问题可以继续问我。"
HANDED_OVER = "您已填写的内容会一并转给工作人员。"
NOTHING_TO_CANCEL = "目前没有正在填写的登记。还有其他问题可以继续问我。"
RATE = "请为本次服务评分：回复 1 到 5，5 为非常满意。"
RATED = "感谢您的评价！"
RELEASED = "人工客服已退出，您可以继续向我提问；您的请求仍在等待处理。"


def not_here(label: str) -> str:
    """Others read along, so no form begins."""
    return f"办理“{label}”需要登记您的信息，请不要在群里发送。请私聊我办理。"


def collecting(label: str) -> str:
    """A form begins."""
    return f"好的，现在为您登记：{label}。"


def service_hours(hours: str | None) -> str:
    """When staff are there; None: never."""
    if hours is None:
        return "目前没有人工值守。我可以解答常见问题，也可以先为您登记。"
    return f"人工服务时间：{hours}。其他时间我可以解答常见问题，也可以先为您登记。"


def reach(lines: Sequence[tuple[str, str]]) -> str:
    """How else people can be reached: systems and their hotlines."""
    known = "；".join(f"“{name}”服务热线 {line}" for name, line in lines)
    return f"{known}。也可以在这里说“转人工”。" if known else "您可以直接在这里咨询；需要工作人员时，请说“转人工”。"


def switch(label: str) -> str:
    """Another hand-over is offered in the middle of a form, where "yes" may be the answer to the form."""
    return f"如果要改办，请回复“{label}”；否则请继续填写。"


def lapsed(label: str) -> str:
    """A form was left behind and ended."""
    return f"您之前的“{label}”登记长时间没有继续，已自动结束，填过的内容还在。要接着办理，请回复“继续登记”。"


def withdrawable(numbers: Sequence[int]) -> str:
    """What waits, and how to take it back."""
    return f"受理单 {'、'.join(map(str, numbers))} 正在等待处理。不再需要的话，请回复“撤回”。"


def lacking(labels: Sequence[str]) -> str:
    """What a form that was handed in early lacks."""
    return f"您还没有提供{'、'.join(labels)}，工作人员接待时会向您询问。" if labels else ""


def unlisted(number: int, most: int) -> str:
    """The visitor named an option that is not there."""
    return f"没有第 {number} 项，请选择 1 到 {most}："


def scope(knowledge: KnowledgeBase) -> str:
    """A sentence that says what the bot can help with."""
    names = [system.name for system in knowledge.catalog.systems] or [d.title for d in knowledge.documents if d.title]
    return f"我可以解答{'、'.join(f'“{name}”' for name in names)}的常见问题。" if names else ""


def plain(reply: Reply) -> str:
    """A reply where only text can be shown: the words, the source, what can be chosen, and the hand-over."""
    lines = [reply.text]
    if reply.answer is not None:
        source = reply.answer.source
        place = [f"{source.system} {source.document}".strip(), source.section, f"第 {source.number} 条"]
        lines.append(f"来源：{' · '.join(part for part in place if part)}（{reply.answer.entry_id}）")
    lines += [f"- {option.label}（{option.entry_id}）" for option in (*reply.options, *reply.related)]
    if reply.escalation is not None and reply.escalation.status == "offered":
        lines.append(f"可转人工：{reply.escalation.label}")
    if reply.step is not None:
        lines.append(reply.step.ask)
    return "\n".join(line for line in (reply.note or "", *lines) if line)


def registered(label: str, ticket: int, outlook: str, done: str) -> str:
    """A ticket was handed in."""
    return f"已为您登记：{label}，受理编号 {ticket}。{outlook}{done}"


def standing(label: str, ticket: int, outlook: str) -> str:
    """A ticket that is there already."""
    return f"您的“{label}”已经登记，受理编号 {ticket}。{outlook}"


def queued(before: int, expected: timedelta | None, *, broken: bool = False) -> str:
    """The visitor's place in the queue, and the wait to expect; `broken` by a time at which nobody is there."""
    place = f"您前面还有 {before} 位" if before else "您排在第一位"
    counted = "（按工作时间计算）" if broken else ""
    wait = f"，按最近的情况预计等待{duration(expected)}{counted}" if expected is not None else ""
    return f"{place}{wait}，工作人员接待时会在本窗口回复您。"


def off_hours(hours: str, opening: str) -> str:
    """Nobody is there now."""
    return f"现在不是人工服务时间（人工服务时间：{hours}），工作人员将在{opening}上班后处理。{COME_BACK}"


def duration(span: timedelta) -> str:
    """About how long something takes. Over a day no figure: by then it hangs on more than the pace of the last days."""
    minutes = max(1, round(span.total_seconds() / 60))
    if minutes < 60:
        return f"约 {minutes} 分钟"
    return f"约 {round(minutes / 30) / 2:g} 小时" if minutes <= 24 * 60 else "一天以上"


def reopened(ticket: int, outlook: str) -> str:
    """A new message reopened a ticket."""
    return f"受理单 {ticket} 已重新打开，您的消息已转给工作人员。{outlook}"


def taken_over(agent: str) -> str:
    """A person talks from now on."""
    return f"人工客服“{agent}”正在为您服务。"


def ended(ticket: int, *, resolved: bool, rate: bool) -> str:
    """A person is done with a ticket, and asks to be rated when with all of them."""
    asked = RATE if rate else ""
    return f"受理单 {ticket} {'已办结' if resolved else '已关闭'}。如还有问题，可以直接在这里留言。{asked}"


def refusal(said: str, knowledge: KnowledgeBase, *, suggestions: bool) -> str:
    """What is said to a canonical text that no entry answers."""
    if not any(map(str.isalnum, said)):
        return NOTHING_SAID
    if say.is_farewell(said):
        return FAREWELL
    if say.is_thanks(said):
        return THANKED
    if is_courtesy(said):
        return GREETING + scope(knowledge)
    return REJECT_WITH_SUGGESTIONS if suggestions else scope(knowledge).join(REJECT)


def options(entries: Sequence[Entry], knowledge: KnowledgeBase, *, always_system: bool = False) -> tuple[Option, ...]:
    """Entries to choose from: each one's question, led by the system and audience where these set it apart."""
    by_system = always_system or len({entry.system for entry in entries}) > 1
    by_audience = len({(entry.system, entry.audience) for entry in entries}) > 1
    return tuple(_option(entry, knowledge, by_system=by_system, by_audience=by_audience) for entry in entries)


def _option(entry: Entry, knowledge: KnowledgeBase, *, by_system: bool, by_audience: bool) -> Option:
    lead = [system_name(entry.system, knowledge)] if by_system and entry.system else []
    lead += [entry.audience] if by_audience and entry.audience else []
    return Option(entry.id, f"【{' · '.join(lead)}】{entry.question}" if lead else entry.question)


def system_name(key: str, knowledge: KnowledgeBase) -> str:
    """The name people know the system by."""
    system = knowledge.catalog.system(key)
    if system is not None:
        return system.name
    return next((document.title for document in knowledge.documents if document.system == key and document.title), key)
