"""What a stored message of the bot's or of a member of staff's says on QQ: all that the widget shows, as plain text.

Where the widget has a button, the text names the words to answer. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot import form, say
from bot import wording as spoken
from bot.model import Answer, Escalation, Message, Option, Reply, Source, Step, TicketStatus

UNREADABLE: Final = "目前只能识别文字和图片，请用文字描述您遇到的问题。"
NO_PICTURES_HERE: Final = "群里的图片不会查看。请用文字描述您遇到的问题；截图请私聊发给我。"
FAILED: Final = "抱歉，这条消息没能处理，请稍后重新发送，或换一种说法。"
COME_BACK: Final = "您可以先离开，工作人员的回复会发到这里。"
KEYWORD: Final = "（当前为关键词检索，结果可能不够全面。）"

_STATUS: Final[dict[TicketStatus, str]] = {
    "waiting": "已登记，等待工作人员处理",
    "assigned": "工作人员正在处理",
    "resolved": "已处理完毕",
}
_MORE: Final = frozenset({"继续", "继续看", "继续查看", "查看更多", "更多"})


def unsendable(address: str | None) -> str:
    """What to say where the platform refused a message; with the web chat's `address`, if there is one."""
    if address:
        return f"抱歉，有一条消息无法在 QQ 里显示。请打开网页咨询：{address}"
    return "抱歉，有一条消息无法在 QQ 里显示。请换个说法再问，或回复“转人工”。"


def is_more(text: str) -> bool:
    """Whether a message asks for the rest of a long one."""
    return say.plain(text) in _MORE


def written(message: Message, *, group: bool = False, address: str | None = None) -> str:
    """The text of a message of the bot's or of a member of staff's; "" if it says nothing.

    In a `group`, where others read along, nothing personal is asked for: who has to say such a thing is sent elsewhere,
    also to the web chat at `address`, if there is one.
    """
    if message.reply is not None:
        parts = [*_parts(message.reply, group, address)]
    elif message.author == "agent":
        said = f"：{message.text}" if message.text or not message.picture else "发来一张图片："
        parts = [f"{message.agent or '人工客服'}{said}", _entry(message.answer) if message.answer else ""]
    else:
        parts = [_here(message.text)]
    return "\n\n".join(filter(None, parts))


def _parts(reply: Reply, group: bool, address: str | None) -> Iterator[str]:
    """What a reply says, a paragraph for each thing, in the order of the widget; some may be empty."""
    answer, offer, step = reply.answer, reply.escalation, reply.step
    yield _here(reply.note or "")
    if answer is not None:
        yield _entry(answer)
    text = "" if answer is not None and answer.answer == reply.text else _here(reply.text)
    yield "\n".join(filter(None, [text, *_list(reply.options), "回复数字即可。" if reply.options else ""]))
    if offer is not None and offer.status == "offered":
        yield _elsewhere(offer, reply, address) if group else _offer(offer, reply)
    elif offer is not None and offer.status in _STATUS:
        number = "" if offer.ticket is None else f"，受理编号 {offer.ticket}"
        yield f"{_STATUS[offer.status]}{number}"
    if reply.related:
        # Of two lists the bot takes numbers to be those of the first.
        lead = "相关问题：" if reply.options else "相关问题（回复数字即可查看）："
        yield "\n".join([lead, *_list(reply.related, numbered=not reply.options)])
    if reply.search == "keyword" and reply.decision in ("answer", "clarify", "reject"):
        yield KEYWORD
    if step is not None:
        yield spoken.not_here(offer.label if offer else step.label) if group else "\n".join(_ask(step))


def _entry(answer: Answer) -> str:
    return f"{answer.question}\n{answer.answer}\n来源：{_place(answer.source)}"


def _place(source: Source) -> str:
    """Where an entry stands: 职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条."""
    named = source.document.startswith(source.system)
    document = source.document if named else f"{source.system} {source.document}".strip()
    return " · ".join(filter(None, [document, source.section, source.number and f"第 {source.number} 条"]))


def _list(options: Sequence[Option], *, numbered: bool = True) -> list[str]:
    return [f"{f'{n}.' if numbered else '·'} {option.label}" for n, option in enumerate(options, 1)]


def _offer(offer: Escalation, reply: Reply) -> str:
    """How to take up an offer; beside a form the reply's note tells."""
    return "" if reply.step is not None else f"如需“{offer.label}”，请回复“是”。"


def _elsewhere(offer: Escalation, reply: Reply, address: str | None) -> str:
    """Where to take up what is offered in a group, as far as the reply does not tell."""
    told = spoken.not_here(offer.label) in (reply.note, reply.text)
    private = "" if told else f"如需“{offer.label}”，请私聊我办理。"
    return "\n".join(filter(None, [private, f"也可以打开网页办理：{address}" if address else ""]))


def _ask(step: Step) -> Iterator[str]:
    """What a form asks for, and the words to answer that the question does not name."""
    yield step.ask
    left = f"还有 {step.left} 项待填写" if step.left > 1 else ""
    if step.field in (form.CONSENT, form.CONFIRM):
        yield from [f"{left}。"] if left else []
    else:
        optional = "" if step.required else "（可不填）"
        yield "，".join(filter(None, [f"正在填写“{step.label}”{optional}", left])) + "。"
    if "image" in step.kinds:
        yield "可以直接在这里发送图片。"
    if unnamed := [f"“{choice}”" for choice in step.choices if f"“{choice}”" not in step.ask]:
        yield f"也可以回复{'或'.join(unnamed)}。"


def _here(text: str) -> str:
    """The bot's words without those that hold only for a page in a browser."""
    return text.replace(spoken.COME_BACK, COME_BACK)
