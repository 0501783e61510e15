"""What staff have at hand: pictures, colleagues, search, and replies kept ready."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from bot import canned as canned_reply
from bot.api import lookup, schema
from bot.api import staff_schema as shape
from bot.api.conversation import shown
from bot.api.dep import Serving
from bot.api.problem import responses
from bot.api.staff_caller import SignedIn, require, signed_in
from bot.model import Canned

router = APIRouter(tags=["staff desk"], dependencies=[Depends(signed_in)])
LEAD: Final = [Depends(require("lead"))]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_REFUSALS: Final = responses(400, 401, 403, 404, 408, 413, 422, 503)


@router.get("/pictures/{picture_id}", response_class=Response, responses=responses(401, 403, 404, 422, 503))
def picture(picture_id: str, serving: Serving) -> Response:
    """A picture that a visitor or staff sent."""
    kept = (
        serving.store.read(lambda transaction: transaction.picture(picture_id)) if _ID.fullmatch(picture_id) else None
    )
    if kept is None:
        raise HTTPException(404, "没有这张图片。")
    response = shown(serving.pictures.read(picture_id), kept)
    response.headers["Content-Disposition"] = f'inline; filename="{picture_id}.{kept.media_type.rpartition("/")[2]}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@router.get("/colleagues", responses=responses(401, 403, 503))
def colleagues(serving: Serving) -> shape.Colleagues:
    """Everybody of the staff who is active."""
    active = [staff for staff in serving.accounts.all() if staff.active]
    return shape.Colleagues(colleagues=[shape.Colleague.model_validate(staff) for staff in active])


@router.get("/search", responses=responses(401, 403, 404, 413, 422, 503))
def search(
    serving: Serving,
    q: Annotated[str, Query(description="What to look for.", examples=["账号被锁定"])],
    system: lookup.System = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> schema.SearchResult:
    """The entries that come nearest, how sure the bot is of each, and why."""
    return lookup.search(serving, q, system, limit)


@router.get("/canned", responses=responses(401, 403, 503))
def canned(serving: Serving) -> shape.CannedReplies:
    """All replies that are kept ready, by title."""
    kept = serving.store.read(lambda transaction: transaction.canned())
    return shape.CannedReplies(canned=list(map(_canned, kept)))


@router.post("/canned", status_code=201, dependencies=LEAD, responses=_REFUSALS)
def add_canned(form: shape.CannedText, serving: Serving, caller: SignedIn) -> shape.CannedReply:
    """Keep a reply ready."""
    return _canned(canned_reply.add(serving.store, form.title, form.text, caller.name))


@router.put("/canned/{canned_id}", dependencies=LEAD, responses=_REFUSALS)
def change_canned(canned_id: str, form: shape.CannedText, serving: Serving, caller: SignedIn) -> shape.CannedReply:
    """Change a reply that is kept ready."""
    return _canned(canned_reply.change(serving.store, canned_id, form.title, form.text, caller.name))


@router.delete("/canned/{canned_id}", status_code=204, dependencies=LEAD, responses=responses(401, 403, 404, 422, 503))
def drop_canned(canned_id: str, serving: Serving, caller: SignedIn) -> None:
    """Keep a reply ready no longer."""
    canned_reply.drop(serving.store, canned_id, caller.name)


def _canned(kept: Canned) -> shape.CannedReply:
    return shape.CannedReply(id=kept.id, title=kept.title, text=kept.text, updated_at=kept.updated_at.isoformat())
