"""The knowledge base as it is published, with what the draft would change: entries, similar questions, topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving
from bot.api.staff_caller import require
from bot.console.difference import compared, summary
from bot.console.page import Member, partial, render, toasted
from bot.draft import MOST_TEXT, MOST_TEXTS, Change, Draft
from bot.preview import Check
from faq.entry import Entry

router = APIRouter()
LEAD: Final = [Depends(require("lead"))]

SHOWN: Final = 200
"""Entries or topics on one page; more are found by typing."""
LONGEST: Final = 64_000
Key = Annotated[str, Query(max_length=200)]
Lines = Annotated[str, Form(max_length=LONGEST)]
Line = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Branch:
    """A section of a system in the tree, and how many entries it holds."""

    system: str
    section: str
    count: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """A similar question or topic as it is published or drafted; `change` is the draft's, that adds or drops it."""

    text: str
    change: Change | None = None
    conflicts: tuple[str, ...] = ()


def around(serving: Service, *, panel: bool = False) -> dict[str, Any]:
    """What every page of the knowledge base shows around it: the draft and whether files have changed."""
    desk, draft, files = serving.bot.desk, serving.library.draft(), serving.library.file_changes()
    return {
        "here": "knowledge",
        "draft": draft,
        "files": files,
        "taken": any(change.kind == "take_files" and change.tree == files.tree for change in draft.changes),
        "held": serving.library.held(),
        "panel": panel,
        "entry_of": desk.index.entry,
        "system_names": {system.key: system.name for system in desk.knowledge.catalog.systems},
        "compared": compared,
        "summary": summary,
    }


@router.get("/knowledge")
def entries(
    request: Request, serving: Serving, _: Member, system: Key = "", section: Key = "", q: Key = ""
) -> HTMLResponse:
    """All entries by system and section; for htmx only the list."""
    everything, words = serving.bot.desk.knowledge.entries, q.strip().lower()
    found = [
        entry
        for entry in everything
        if system in ("", entry.system) and section in ("", entry.section) and _holds(entry, words)
    ]
    counts = Counter((entry.system, entry.section) for entry in everything)
    whole = around(serving)
    draft: Draft = whole["draft"]
    return render(
        request,
        "knowledge_list.html" if partial(request) else "knowledge.html",
        branches=[Branch(key, title, count) for (key, title), count in counts.items()],
        everything=len(everything),
        found=found[:SHOWN],
        total=len(found),
        chosen={"system": system, "section": section, "q": q.strip()},
        asked=serving.demand.counts(),
        drafted=Counter(change.entry_id for change in draft.changes),
        **whole,
    )


@router.get("/knowledge/topics")
def topics(request: Request, serving: Serving, _: Member, q: Key = "") -> HTMLResponse:
    """The uncovered topics; for htmx only the list."""
    whole, words = around(serving), q.strip().lower()
    found = [
        phrase
        for phrase in phrases(serving.bot.desk.knowledge.uncovered, "", whole["draft"])
        if words in phrase.text.lower()
    ]
    return render(
        request,
        "knowledge_topics_list.html" if partial(request) else "knowledge_topics.html",
        found=found[:SHOWN],
        total=len(found),
        q=q.strip(),
        place="",
        **whole,
    )


@router.post("/knowledge/topics/add", dependencies=LEAD)
def add_topics(request: Request, serving: Serving, caller: Member, texts: Lines = "") -> HTMLResponse:
    """Add topics to the draft, one a line."""
    added = read_lines(texts)
    serving.library.change("add_topic", None, added, caller.staff.display)
    return toasted(_topics_part(request, serving), f"已把 {len(added)} 个话题放进草稿。")


@router.post("/knowledge/topics/drop", dependencies=LEAD)
def drop_topic(request: Request, serving: Serving, caller: Member, text: Line = "") -> HTMLResponse:
    """Let the draft drop a topic, or no longer add it."""
    serving.library.change("drop_topic", None, [text], caller.staff.display)
    return _topics_part(request, serving)


@router.post("/knowledge/topics/restore", dependencies=LEAD)
def restore_topic(request: Request, serving: Serving, caller: Member, text: Line = "") -> HTMLResponse:
    """Let the draft no longer drop a topic."""
    serving.library.change("add_topic", None, [text], caller.staff.display)
    return _topics_part(request, serving)


@router.post("/knowledge/topics/edit", dependencies=LEAD)
def edit_topic(request: Request, serving: Serving, caller: Member, before: Line = "", after: Line = "") -> HTMLResponse:
    """Put another text in a topic's place."""
    replace_phrase(serving, "", before, after, caller.staff.display)
    return _topics_part(request, serving)


def phrases(published: Sequence[str], entry_id: str, draft: Draft) -> list[Phrase]:
    """The phrases of an entry ("" for topics): first what the draft adds, then what is published."""
    changes = [change for change in draft.changes if change.entry_id == entry_id]
    dropped = {change.text: change for change in changes if change.kind in ("drop_similar", "drop_topic")}
    added = [change for change in reversed(changes) if change.kind in ("add_similar", "add_topic")]
    told = {change.id: tuple(conflict.message for conflict in draft.of(change.id)) for change in changes}
    fresh = [Phrase(change.text, change, told[change.id]) for change in added]
    return fresh + [Phrase(text, change := dropped.get(text), told[change.id] if change else ()) for text in published]


def checks_of(serving: Service, entry_id: str | None = None) -> tuple[str, Sequence[Check]] | None:
    """What the check found, in the draft where that was previewed, else in what is published; None: not checked."""
    preview = serving.library.preparation().preview
    checks = preview.checks if preview is not None else serving.library.checks()
    if checks is None:
        return None
    mine = [check for check in checks if entry_id is None or entry_id in check.entries]
    return "草稿" if preview is not None and not serving.library.draft().empty else "已发布", mine


def _holds(entry: Entry, words: str) -> bool:
    return not words or any(words in text.lower() for text in (entry.id, entry.question, entry.answer, *entry.similar))


def read_lines(texts: str) -> list[str]:
    """The texts of a field that has one a line, each once; refused where there are none or too many."""
    found = list(dict.fromkeys(line.strip() for line in texts.splitlines() if line.strip()))
    if not found:
        raise HTTPException(422, "请先输入内容，每行一个。")
    if len(found) > MOST_TEXTS:
        raise HTTPException(422, f"一次最多添加 {MOST_TEXTS} 个，请分几次添加。")
    return found


def replace_phrase(serving: Service, entry_id: str, before: str, after: str, author: str) -> None:
    """Drop a text and add another. The new one goes first: where it is refused, nothing has changed."""
    if before == after.strip():
        return
    kind, place = ("similar", entry_id) if entry_id else ("topic", None)
    if not after.strip() or len(after) > MOST_TEXT:
        raise HTTPException(422, f"请填写 1 到 {MOST_TEXT} 个字。")
    serving.library.change("add_similar" if kind == "similar" else "add_topic", place, [after], author)
    serving.library.change("drop_similar" if kind == "similar" else "drop_topic", place, [before], author)


def _topics_part(request: Request, serving: Service) -> HTMLResponse:
    whole = around(serving)
    found = phrases(serving.bot.desk.knowledge.uncovered, "", whole["draft"])
    values = {"found": found[:SHOWN], "total": len(found), "q": "", "place": "", **whole}
    return render(request, "knowledge_topics_list.html", changed=True, **values)
