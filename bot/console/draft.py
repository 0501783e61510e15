"""The draft of the knowledge base: what it changes, what that would mean, and publishing it; changes of the files."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving
from bot.api.staff_caller import require
from bot.console.difference import by_entry
from bot.console.knowledge import around
from bot.console.page import ROOT, Member, render, toasted
from bot.measure import GROUPS
from bot.preview import Preparation
from bot.version import DraftMoved, Faulty, NotPrepared

router = APIRouter()
LEAD: Final = [Depends(require("lead"))]

SHIFTS: Final = 100
"""Questions of a kind whose answer changes that are listed."""

Fingerprint = Annotated[str, Form(max_length=64)]
Note = Annotated[str, Form(max_length=2000)]


def impact(found: Preparation) -> dict[str, Any]:
    """What a template of a preparation needs."""
    preview = found.preview
    shifts = preview.shifts if preview else ()
    return {
        "preparation": found,
        "groups": GROUPS,
        "shifts": {
            "better": [shift for shift in shifts if shift.judgement == "better"],
            "worse": [shift for shift in shifts if shift.judgement == "worse"],
            "own": [shift for shift in shifts if shift.source == "own" and shift.judgement == "other"],
            "visitor": [shift for shift in shifts if shift.source == "visitor"],
        },
        "most": SHIFTS,
    }


@router.get("/knowledge/draft")
def draft(request: Request, serving: Serving, _: Member) -> HTMLResponse:
    """The draft, and its preview where there is one."""
    return render(request, "draft.html", **_values(serving))


@router.get("/knowledge/draft/preparation")
def preparation(request: Request, serving: Serving, _: Member) -> HTMLResponse:
    """How far the preview has come, or what came out."""
    return render(request, "draft_preparation.html", **_values(serving))


@router.post("/knowledge/draft/prepare", dependencies=LEAD)
def prepare(request: Request, serving: Serving, _: Member) -> HTMLResponse:
    """Begin the preview."""
    serving.library.prepare()
    return render(request, "draft_preparation.html", **_values(serving))


@router.post("/knowledge/draft/publish", dependencies=LEAD)
def publish(
    request: Request, serving: Serving, caller: Member, fingerprint: Fingerprint = "", note: Note = ""
) -> Response:
    """Publish what was previewed; what keeps it from being published is told beside the draft as it now is."""
    try:
        version = serving.library.publish(fingerprint, caller.staff.display, note)
    except (DraftMoved, NotPrepared, Faulty) as error:
        return render(request, "draft_body.html", changed=True, trouble=str(error), **_values(serving))
    return Response(headers={"HX-Redirect": f"{ROOT}/knowledge/versions?published={version.number}"})


@router.post("/knowledge/draft/changes/{change_id}/undo", dependencies=LEAD)
def undo(request: Request, serving: Serving, _: Member, change_id: Annotated[int, Path(ge=1)]) -> HTMLResponse:
    """Take a change back; the page it was asked from is drawn anew as far as it shows the draft."""
    serving.library.undo(change_id)
    if request.headers.get("HX-Target") == "draft":
        return render(request, "draft_body.html", changed=True, **_values(serving))
    response = render(request, "knowledge_bar.html", **around(serving, panel=True))
    response.headers["HX-Trigger"] = "draft-changed"
    return response


@router.post("/knowledge/draft/discard", dependencies=LEAD)
def discard(request: Request, serving: Serving, _: Member) -> HTMLResponse:
    """Take all changes back."""
    serving.library.discard()
    return toasted(render(request, "draft_body.html", changed=True, **_values(serving)), "已撤销草稿中的全部修改。")


@router.get("/knowledge/files")
def files(request: Request, serving: Serving, _: Member) -> HTMLResponse:
    """What taking over the documents folder would change."""
    whole = around(serving)
    found = whole["files"].difference
    return render(request, "knowledge_files.html", phrases=by_entry(found.phrases if found else ()), **whole)


@router.post("/knowledge/files/take", dependencies=LEAD)
def take(serving: Serving, caller: Member) -> Response:
    """Put the folder's changes into the draft."""
    serving.library.change("take_files", None, (), caller.staff.display)
    return Response(headers={"HX-Redirect": f"{ROOT}/knowledge/draft"})


@router.post("/knowledge/files/keep", dependencies=LEAD)
def keep(
    request: Request, serving: Serving, caller: Member, entry_id: Annotated[str, Form(max_length=200)] = ""
) -> HTMLResponse:
    """The similar questions of an entry whose question changed fit the new one as well."""
    serving.library.change("keep_similar", entry_id, (), caller.staff.display)
    return render(request, "draft_body.html", changed=True, **_values(serving))


def _values(serving: Service) -> dict[str, Any]:
    whole = around(serving)
    kinds = Counter(change.kind for change in whole["draft"].changes)
    found = serving.library.preparation()
    taken = found.preview.difference if found.preview else None
    return {
        "kinds": kinds,
        "phrases": by_entry(taken.phrases if taken else ()),
        **impact(found),
        **whole,
    }
