"""Unanswered and doubtful questions: in groups of one meaning, with what a person can do about each.

Nothing goes to the knowledge base by itself: what is assigned goes into its draft, where it waits to be published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving
from bot.api.staff_caller import Caller, require
from bot.concern import Case, cases
from bot.console.page import Member, partial, render, toasted
from bot.doubt import Deed, DeedKind, Doubt, plain
from bot.draft import Kind
from bot.mask import mask
from bot.model import Ticket
from bot.review import Survey
from bot.store.base import Transaction

router = APIRouter()
LEAD: Final = [Depends(require("lead"))]

PERIODS: Final = (7, 30, 90)
PAGE: Final = 20
MEMBERS: Final = 50
"""Wordings of a group that are shown, the most frequent first."""
FOUND: Final = 8

ClusterId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Days = Annotated[int, Query(ge=1, le=365)]
Texts = Annotated[list[Annotated[str, Form(max_length=1000)]], Form(max_length=MEMBERS)]


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the survey is looked at: the last so many days, a system, a kind."""

    days: int
    system: str
    kind: str

    def takes(self, case: Case) -> bool:
        """Whether a case is to be shown."""
        kinds = {kind for kind, _ in case.kinds}
        return (not self.system or self.system in case.systems) and (not self.kind or self.kind in kinds)


def filters(
    days: Days = 30,
    system: Annotated[str, Query(max_length=64)] = "",
    kind: Annotated[str, Query(max_length=16)] = "",
) -> Filter:
    """The filter of the address."""
    return Filter(days if days in PERIODS else 30, system, kind)


Filtered = Annotated[Filter, Depends(filters)]


@router.get("/doubts")
def doubts(
    request: Request, serving: Serving, _: Member, chosen: Filtered, start: Annotated[int, Query(ge=0)] = 0
) -> HTMLResponse:
    """The groups, the most frequent first; for htmx only the list, or what follows `start`."""
    survey = serving.review.survey(chosen.days)
    found = [case for case in open_cases(serving, survey) if chosen.takes(case)] if survey else []
    return render(
        request,
        "doubt_list.html" if partial(request) else "doubt.html",
        here="doubts",
        chosen=chosen,
        periods=PERIODS,
        survey=survey,
        running=serving.review.running,
        keyword=serving.bot.desk.index.mode == "keyword",
        cases=found[start : start + PAGE],
        total=len(found),
        conversations=len({doubt.conversation for case in found for doubt in case.open}),
        start=start,
        after=start + PAGE if start + PAGE < len(found) else None,
        **_names(serving),
    )


@router.get("/doubts/progress")
def progress(request: Request, serving: Serving, _: Member, chosen: Filtered) -> HTMLResponse:
    """How far the reading of a survey is."""
    review = serving.review
    return render(
        request, "doubt_progress.html", chosen=chosen, survey=review.survey(chosen.days), running=review.running
    )


@router.get("/doubts/deeds")
def deeds(request: Request, serving: Serving, _: Member, chosen: Filtered) -> HTMLResponse:
    """What was done about questions, the last first."""

    def work(transaction: Transaction) -> list[tuple[Deed, list[str]]]:
        about: dict[int, list[str]] = {}
        for message, deed in transaction.settled().items():
            about.setdefault(deed, []).append(message)
        shown = transaction.deeds()[:200]
        return [(deed, _said(transaction, about.get(deed.id, []))) for deed in shown]

    return render(
        request,
        "doubt_deeds.html",
        here="doubts",
        chosen=chosen,
        deeds=serving.store.read(work),
        **_names(serving),
    )


@router.get("/doubts/entries")
def entries(
    request: Request, serving: Serving, _: Member, q: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """Entries for what is typed, to choose one from."""
    desk = serving.bot.desk
    found = []
    if q.strip():
        exact = desk.index.entry(q.strip())
        options = [option.entry_id for option in desk.suggest(q)]
        options += [hit.entry.id for hit in desk.search(q, None, FOUND)]
        found = list(dict.fromkeys([*([exact.id] if exact else []), *options]))[:FOUND]
    return render(request, "doubt_entries.html", q=q.strip(), found=found, **_names(serving))


@router.get("/doubts/{cluster_id}")
def card(request: Request, serving: Serving, _: Member, cluster_id: ClusterId, chosen: Filtered) -> HTMLResponse:
    """One group."""
    return render(request, "doubt_card.html", case=_case(serving, chosen, cluster_id), chosen=chosen, **_names(serving))


@router.get("/doubts/{cluster_id}/members")
def members(request: Request, serving: Serving, _: Member, cluster_id: ClusterId, chosen: Filtered) -> HTMLResponse:
    """The wordings of a group, when each was asked and what came of it."""
    case = _case(serving, chosen, cluster_id)
    asked = {doubt.conversation for doubt in case.open}
    worded = _wordings(case)

    def work(transaction: Transaction) -> dict[str, list[Ticket]]:
        return {conversation: transaction.tickets(conversation) for conversation in sorted(asked)[:500]}

    return render(
        request,
        "doubt_members.html",
        case=case,
        shown=worded[:MEMBERS],
        total=len(worded),
        tickets=serving.store.read(work),
        **_names(serving),
    )


@router.get("/doubts/{cluster_id}/settle", dependencies=LEAD)
def settling(request: Request, serving: Serving, _: Member, cluster_id: ClusterId, chosen: Filtered) -> HTMLResponse:
    """The form to assign a group."""
    case = _case(serving, chosen, cluster_id)
    return render(
        request, "doubt_settle.html", case=case, shown=_wordings(case)[:MEMBERS], chosen=chosen, **_names(serving)
    )


@router.post("/doubts/{cluster_id}/settle", dependencies=LEAD)
def settle(
    request: Request,
    serving: Serving,
    caller: Member,
    cluster_id: ClusterId,
    chosen: Filtered,
    target: Annotated[str, Form(max_length=200)] = "",
    use: Texts | None = None,
    text: Texts | None = None,
) -> HTMLResponse:
    """Put wordings of a group into the draft: as similar questions of an entry, or ("-") as topics without answer.

    `text` holds the texts of all wordings that were shown, `use` the positions of those to put there.
    """
    case = _case(serving, chosen, cluster_id)
    picked = {int(at) for at in use or () if at.isdecimal() and len(at) < 4}
    texts = [each.strip() for at, each in enumerate(text or ()) if at in picked and each.strip()]
    if not target:
        raise HTTPException(422, "请先选择要归入的条目，或选择“未收录话题”。")
    if not texts:
        raise HTTPException(422, "请至少选择一个问法。")
    topic = target == "-"
    place = None if topic else target
    serving.library.change("add_topic" if topic else "add_similar", place, texts, caller.staff.display)
    kept = [" ".join(each.split()) for each in texts]
    deed = _keep(serving, caller, "topic" if topic else "assign", place or "", kept, case.open)
    return _done(request, serving, case, deed, f"已把 {len(kept)} 个问法放进草稿，发布后生效。", chosen)


@router.post("/doubts/{cluster_id}/dismiss", dependencies=LEAD)
def dismiss(
    request: Request, serving: Serving, caller: Member, cluster_id: ClusterId, chosen: Filtered
) -> HTMLResponse:
    """Dismiss a group: it comes back when more conversations ask it anew than have so far."""
    case = _case(serving, chosen, cluster_id)
    deed = _keep(serving, caller, "dismiss", "", (), case.cluster.doubts)
    return _done(request, serving, case, deed, "已忽略。", chosen)


@router.post("/doubts/deeds/{deed_id}/undo", dependencies=LEAD)
def undo(
    request: Request,
    serving: Serving,
    caller: Member,
    deed_id: Annotated[int, Path(ge=1)],
    chosen: Filtered,
    cluster_id: Annotated[str | None, Query(alias="cluster", pattern=r"^[0-9a-f]{16}$")] = None,
) -> HTMLResponse:
    """Undo a deed; what of it still waits in the draft is taken out again, what is published stays."""
    deed = next((each for each in serving.store.read(lambda t: t.deeds()) if each.id == deed_id), None)
    if deed is None:
        raise HTTPException(404, "这项处理已经撤销。")
    drafted = drafted_of(serving)
    waiting = [text for text in deed.texts if drafted.get(plain(text)) == deed.entry_id]
    if waiting:
        kind: Kind = "drop_topic" if deed.kind == "topic" else "drop_similar"
        serving.library.change(kind, deed.entry_id or None, waiting, caller.staff.display)
    serving.store.write(lambda t: t.drop_deed(deed_id))
    stays = len(deed.texts) - len(waiting)
    words = f"已撤销；其中 {stays} 个问法已经发布，需要时请在知识库中删除。" if stays else "已撤销。"
    if cluster_id is None:
        return toasted(render(request, "doubt_undone.html"), words)
    case = _case(serving, chosen, cluster_id)
    return toasted(render(request, "doubt_card.html", case=case, chosen=chosen, focus=True, **_names(serving)), words)


def open_cases(serving: Service, survey: Survey | None) -> list[Case]:
    """What is left to do of a survey."""
    if survey is None:
        return []
    settled, deeds = serving.store.read(lambda t: (t.settled(), t.deeds()))
    return cases(survey.clusters, settled, deeds, drafted_of(serving), published_of(serving))


def drafted_of(serving: Service) -> Mapping[str, str]:
    """The entries ("" for a topic) that the draft adds texts to, by the texts' plain forms."""
    added = ("add_similar", "add_topic")
    return {plain(change.text): change.entry_id for change in serving.library.draft().changes if change.kind in added}


def published_of(serving: Service) -> Mapping[str, str]:
    """The entries ("" for a topic) of all published similar questions and topics, by their plain forms."""
    knowledge = serving.bot.desk.knowledge
    found = {plain(text): "" for text in knowledge.uncovered}
    return found | {plain(text): entry.id for entry in knowledge.entries for text in entry.similar}


def _keep(
    serving: Service, caller: Caller, kind: DeedKind, entry_id: str, texts: Sequence[str], about: Sequence[Doubt]
) -> Deed:
    """Keep what somebody did about questions. What of them was deleted since the survey is passed over."""
    author, now, messages = caller.staff.display, datetime.now(UTC), [doubt.message for doubt in about]
    deed_id = serving.store.write(lambda t: t.add_deed(kind, entry_id, texts, author, now, messages))
    return Deed(deed_id, kind, entry_id, tuple(texts), author, now)


def _done(request: Request, serving: Service, case: Case, deed: Deed, words: str, chosen: Filter) -> HTMLResponse:
    return render(request, "doubt_done.html", case=case, deed=deed, words=words, chosen=chosen, **_names(serving))


def _case(serving: Service, chosen: Filter, cluster_id: str) -> Case:
    """A group as it stands, also where nothing is left to do about it."""
    survey = serving.review.survey(chosen.days)
    group = survey.cluster(cluster_id) if survey else None
    if group is None:
        raise HTTPException(404, "这些问题已经重新归类，请刷新页面。")
    left = next((case for case in open_cases(serving, survey) if case.cluster.id == cluster_id), None)
    return left or Case(group, tuple(group.doubts))


def _wordings(case: Case) -> list[tuple[str, list[Doubt]]]:
    """What was asked, each text once with its doubts, the latest first; the most typical text goes first."""
    group, open_ones = case.cluster, {doubt.message for doubt in case.open}
    found: dict[str, tuple[str, list[Doubt]]] = {}
    for wording in (group.typical, *(each for each in group.wordings if each.key != group.typical.key)):
        if left := [doubt for doubt in wording.doubts if doubt.message in open_ones]:
            found.setdefault(plain(wording.text), (wording.text, []))[1].extend(left)
    for _, left in found.values():
        left.sort(key=lambda doubt: doubt.at, reverse=True)
    return list(found.values())


def _said(transaction: Transaction, messages: list[str]) -> list[str]:
    """What was said in messages, masked, each once."""
    found = (transaction.message(message) for message in messages[:MEMBERS])
    return list(dict.fromkeys(mask(each.text) for each in found if each))


def _names(serving: Service) -> dict[str, Any]:
    """How entries and systems are named."""
    desk = serving.bot.desk
    systems = {system.key: system.name for system in desk.knowledge.catalog.systems}
    return {"entry_of": desk.index.entry, "system_names": systems}
