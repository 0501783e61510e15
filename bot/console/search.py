"""Search, the first page after the login: what the knowledge base has for a text, and what the bot would do with it.

The hits are those that a reply of the bot rests on, so that staff see what visitors would get, and why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving, lookup
from bot.console.page import Member, partial, render
from bot.desk import Desk, Thought
from bot.explanation import Contribution, contributions, weights_of
from bot.model import Answer, Escalation
from bot.turn import check_text
from faq.entry import Entry
from index.hybrid import Hit

router = APIRouter(dependencies=[Depends(lookup)])

SPEAKING: Final = 3
"""Measures that are named as speaking for a hit."""
LEAST: Final = 0.01
"""Confidence below which nothing is suggested, and what search finds is folded away behind what is likelier."""
EXAMPLES: Final = 8
"""Entries that are shown before anything is looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as search shows it: word for word with its source, and, of a hit, how sure it is, and why."""

    answer: Answer
    confidence: float | None = None
    relevance: float | None = None
    near: bool = True
    matched: str = ""
    speaking: tuple[Contribution, ...] = ()


def found(desk: Desk, entry: Entry, hit: Hit | None = None, weights: Mapping[str, float] | None = None) -> Found:
    """An entry for staff to see; `hit` is what search made of it."""
    answer = desk.quote(entry)
    if hit is None:
        return Found(answer)
    parts = contributions(hit, weights or {})
    return Found(
        answer,
        confidence=hit.confidence,
        relevance=hit.relevance,
        near=hit.relevance >= desk.thresholds.suggest,
        matched=hit.phrasing,
        speaking=tuple(part for part in parts if part.score > 0)[:SPEAKING],
    )


def found_all(desk: Desk, hits: Iterable[Hit]) -> list[Found]:
    """The hits as staff see them."""
    weights = weights_of(desk.index)
    return [found(desk, hit.entry, hit, weights) for hit in hits]


def sifted(every: Sequence[Found], offered: Collection[str] = ()) -> tuple[list[Found], list[Found]]:
    """What to look at first, and what lies farther: where an entry is likely, those too that hardly are the answer.

    Entries that the bot would offer to choose from, by their ids, are always to be looked at.
    """
    near = [each for each in every if each.near]
    likely = [each for each in near if (each.confidence or 0) >= LEAST or each.answer.entry_id in offered]
    first = likely or near
    return first, [each for each in every if each not in first]


def verdict(thought: Thought) -> str:
    """What the bot would do with a text, in words."""
    reply, offer = thought.reply, thought.reply.escalation
    if reply.decision == "escalate":
        return f"机器人不直接回答，会提出转人工{_label(offer)}。"
    said = {
        "answer": "机器人会用第 1 条直接回答",
        "clarify": f"机器人会反问，给出 {len(reply.options)} 个选项",
    }.get(reply.decision, "机器人不会用任何条目回答")
    return f"{said}，并提出转人工{_label(offer)}。" if offer else f"{said}。"


def _label(offer: Escalation | None) -> str:
    return f"“{offer.label}”" if offer else ""


def _search(serving: Service, text: str, system: str | None) -> dict[str, Any]:
    """What a page of search shows."""
    desk = serving.bot.desk
    if system is not None and system not in desk.systems:
        raise HTTPException(404, "没有这个系统，请检查系统标识。")
    shown: dict[str, Any] = {"query": text, "system": system, "thought": None, "threshold": desk.thresholds.answer}
    if not text.strip():
        asked = serving.demand.counts()
        entries = [desk.index.entry(option.entry_id) for option in desk.examples(system, asked, EXAMPLES)]
        return {**shown, "near": [found(desk, entry) for entry in entries if entry], "far": [], "asked": bool(asked)}
    check_text(text)
    thought = desk.consider(text, system)
    near, far = sifted(found_all(desk, thought.hits), {option.entry_id for option in thought.reply.options})
    named = desk.index.mention(text).system
    return {
        **shown,
        "thought": thought,
        "verdict": verdict(thought),
        "near": near,
        "far": far,
        "named": desk.knowledge.catalog.system(named) if named and named != system else None,
    }


@router.get("/")
def search(
    request: Request,
    serving: Serving,
    _: Member,
    q: Annotated[str, Query()] = "",
    system: str = "",
    insert: str = "",
) -> HTMLResponse:
    """Search as one types. With `insert` it lies beside a conversation, which takes what is picked."""
    shown = _search(serving, q, system or None)
    return render(
        request,
        "search_hits.html" if partial(request) else "search.html",
        here="search",
        insert=bool(insert),
        systems=serving.bot.desk.knowledge.catalog.systems,
        **shown,
    )
