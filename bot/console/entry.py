"""One entry of the knowledge base: as visitors see it, with its similar questions and what the check found."""

from __future__ import annotations

import re
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving
from bot.console.knowledge import LEAD, Line, Lines, around, checks_of, phrases, read_lines, replace_phrase
from bot.console.page import Member, render, toasted

router = APIRouter()
"""To be taken in after the other pages of the knowledge base: an entry's id stands where their names do."""

ITEM: Final = re.compile(
    r"\s*(?:\d{1,2}(?:[.．]\d{1,2})*[.．、)）](?!\d)|[(（][\d一二三四五六七八九十]{1,3}[)）]|[①-⑳•·●-])"
)
"""How a line of a list begins, as the widget has it (src/message.js)."""


@router.get("/knowledge/{entry_id}")
def entry(request: Request, serving: Serving, _: Member, entry_id: str) -> HTMLResponse:
    """One entry: its answer as visitors see it, its similar questions, what the check found."""
    return render(request, "knowledge_entry.html", **_entry(serving, entry_id))


@router.post("/knowledge/{entry_id}/add", dependencies=LEAD)
def add_similar(request: Request, serving: Serving, caller: Member, entry_id: str, texts: Lines = "") -> HTMLResponse:
    """Add similar questions to the draft, one a line."""
    added = read_lines(texts)
    serving.library.change("add_similar", entry_id, added, caller.staff.display)
    return toasted(_similar_part(request, serving, entry_id), f"已把 {len(added)} 个相似问法放进草稿。")


@router.post("/knowledge/{entry_id}/drop", dependencies=LEAD)
def drop_similar(request: Request, serving: Serving, caller: Member, entry_id: str, text: Line = "") -> HTMLResponse:
    """Let the draft drop a similar question, or no longer add it."""
    serving.library.change("drop_similar", entry_id, [text], caller.staff.display)
    return _similar_part(request, serving, entry_id)


@router.post("/knowledge/{entry_id}/edit", dependencies=LEAD)
def edit_similar(
    request: Request, serving: Serving, caller: Member, entry_id: str, before: Line = "", after: Line = ""
) -> HTMLResponse:
    """Put another text in a similar question's place."""
    replace_phrase(serving, entry_id, before, after, caller.staff.display)
    return _similar_part(request, serving, entry_id)


@router.post("/knowledge/{entry_id}/restore", dependencies=LEAD)
def restore_similar(request: Request, serving: Serving, caller: Member, entry_id: str, text: Line = "") -> HTMLResponse:
    """Let the draft no longer drop a similar question."""
    serving.library.change("add_similar", entry_id, [text], caller.staff.display)
    return _similar_part(request, serving, entry_id)


def lines_of(answer: str) -> list[tuple[bool, str]]:
    """The lines of an answer, and which of them are items of a list."""
    return [(ITEM.match(line) is not None, line) for line in answer.split("\n")]


def _entry(serving: Service, entry_id: str) -> dict[str, Any]:
    desk = serving.bot.desk
    entry = desk.index.entry(entry_id)
    if entry is None:
        raise HTTPException(404, "没有这个条目，它可能已经改了编号或被删除。")
    whole = around(serving)
    return {
        "entry": entry,
        "answer": desk.quote(entry),
        "lines": lines_of(entry.answer),
        "similar": phrases(entry.similar, entry.id, whole["draft"]),
        "asked": serving.demand.counts().get(entry.id, 0),
        "checks": checks_of(serving, entry.id),
        "place": entry.id,
        **whole,
    }


def _similar_part(request: Request, serving: Service, entry_id: str) -> HTMLResponse:
    return render(request, "knowledge_similar.html", changed=True, **_entry(serving, entry_id))
