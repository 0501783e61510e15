"""Versions of the knowledge base: what each changed, going back to one, files in and out, and what the check found."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving
from bot.api.staff_caller import require
from bot.console.difference import by_entry
from bot.console.draft import Note, impact
from bot.console.knowledge import around, checks_of
from bot.console.page import ROOT, Member, partial, render
from bot.version import CannotWrite, Unconfirmed, Unreadable, Version

router = APIRouter()
LEAD: Final = [Depends(require("lead"))]

PAGE: Final = 30
HISTORY: Final = 50
CHECKS: Final = 300

Number = Annotated[int, Path(ge=1, le=2**53)]


@router.get("/knowledge/versions")
def versions(
    request: Request,
    serving: Serving,
    _: Member,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    published: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:
    """All versions, the newest first, and who published what when; for htmx those before a number."""
    found = serving.library.versions(PAGE + 1, before)
    return render(
        request,
        "version_rows.html" if partial(request) else "version.html",
        versions=found[:PAGE],
        more=found[PAGE - 1].number if len(found) > PAGE else None,
        current=serving.library.published().number,
        history=serving.library.history(HISTORY),
        fresh=published,
        **around(serving),
    )


@router.get("/knowledge/versions/{number}")
def version(request: Request, serving: Serving, _: Member, number: Number) -> HTMLResponse:
    """What a version changed in the one before it; for htmx in short."""
    before = serving.library.versions(1, number)
    found = serving.library.difference(before[0].number, number) if before else None
    return render(
        request,
        "version_changes.html" if partial(request) else "version_one.html",
        version=serving.library.version(number),
        before=before[0] if before else None,
        difference=found,
        phrases=by_entry(found.phrases if found else ()),
        current=serving.library.published().number,
        **around(serving),
    )


@router.get("/knowledge/versions/{number}/return")
def returning(request: Request, serving: Serving, _: Member, number: Number) -> HTMLResponse:
    """What going back to a version would change; its index is made where it is not kept."""
    return render(request, "version_return.html", **_return(serving, number))


@router.post("/knowledge/versions/{number}/prepare", dependencies=LEAD)
def prepare(request: Request, serving: Serving, _: Member, number: Number) -> HTMLResponse:
    """Begin to look at what going back would mean, and to make the version's index where it is not kept."""
    serving.library.prepare(number)
    return render(request, "version_return.html", **_return(serving, number))


@router.post("/knowledge/versions/{number}/rollback", dependencies=LEAD)
def rollback(serving: Serving, caller: Member, number: Number, note: Note = "") -> Response:
    """Go back to a version."""
    serving.library.rollback(number, caller.staff.display, note)
    return Response(headers={"HX-Redirect": f"{ROOT}/knowledge/versions?published={number}"})


@router.get("/knowledge/export")
def exporting(request: Request, serving: Serving, _: Member) -> HTMLResponse:
    """What writing the files back means."""
    return render(request, "version_export.html", trouble="", force=False, done=None, **around(serving))


@router.post("/knowledge/export", dependencies=LEAD)
def export(request: Request, serving: Serving, caller: Member, force: Annotated[bool, Form()] = False) -> HTMLResponse:
    """Write what is published back into the documents folder."""
    trouble, done, refused = "", None, False
    try:
        done = serving.library.export(author=caller.staff.display, force=force)
    except (Unconfirmed, Unreadable) as error:
        trouble, refused = str(error), True
    except CannotWrite as error:
        trouble = str(error)
    return render(request, "version_export.html", trouble=trouble, force=refused, done=done, **around(serving))


@router.get("/knowledge/archive")
def archive(serving: Serving, _: Member) -> Response:
    """The published files as a ZIP."""
    name = f"knowledge-{serving.library.published().number}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(serving.library.archive(), media_type="application/zip", headers=headers)


@router.get("/knowledge/checks")
def checks(
    request: Request, serving: Serving, _: Member, kind: Annotated[str, Query(max_length=20)] = ""
) -> HTMLResponse:
    """What the check found, the errors first."""
    found = checks_of(serving)
    everything = found[1] if found else ()
    shown = [check for check in everything if kind in ("", check.kind, check.severity)]
    return render(
        request,
        "knowledge_checks.html",
        checks=found,
        shown=shown[:CHECKS],
        total=len(shown),
        kinds=list(dict.fromkeys(check.kind for check in everything)),
        kind=kind,
        preparation=serving.library.preparation(),
        **around(serving),
    )


def _return(serving: Service, number: int) -> dict[str, Any]:
    library = serving.library
    target: Version = library.version(number)
    found = library.difference(library.published().number, number)
    return {
        "version": target,
        "kept": library.kept(number),
        "difference": found,
        "phrases": by_entry(found.phrases),
        **impact(library.preparation(number)),
        **around(serving),
    }
