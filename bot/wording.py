"""What the bot says in its own words, and how options are labelled: plain, courteous Simplified Chinese.

Answers are not here; they come from entries.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    if reply.escalation is not None:
        lines.append(f"可转人工：{reply.escalation.label}")
    return "\n".join(lines)


def registered(label: str, ticket: int) -> str:
    """The visitor accepted a hand-over."""
    return f"已为您登记：{label}，受理编号 {ticket}。工作人员会尽快处理，请留意本窗口的回复。"


def refusal(said: str, knowledge: KnowledgeBase, *, suggestions: bool) -> str:
    """What is said to a canonical text that no entry answers."""
    if not any(map(str.isalnum, said)):
        return NOTHING_SAID
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
