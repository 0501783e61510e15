"""Looking things up: staff search, suggestions while typing, single entries, the systems."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from bot.api import schema
from bot.api.dep import OPTIONAL, Serving, lookup, staff
from bot.api.problem import responses
from bot.api.site import Bound, about
from bot.desk import Desk
from bot.turn import check_text

router = APIRouter(prefix="/api", tags=["look-up"], dependencies=[Depends(lookup)])

System = Annotated[
    str | None, Query(description="Only entries of the system with this key, unless the text names another.")
]


def _known(system: str | None, desk: Desk) -> None:
    if system is not None and system not in desk.systems:
        raise HTTPException(404, "没有这个系统，请检查系统标识。")


@router.get(
    "/search",
    dependencies=[Depends(staff)],
    responses=responses(401, 404, 413, 422, 429),
    openapi_extra=OPTIONAL,
)
def search(
    serving: Serving,
    q: Annotated[str, Query(description="What to look for.", examples=["账号被锁定"])],
    system: System = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> schema.SearchResult:
    """Search for staff: the entries that come nearest, how sure the bot is of each, and why."""
    check_text(q)
    desk = serving.bot.desk
    _known(system, desk)
    return schema.SearchResult(
        query=q,
        system=system,
        search=desk.index.mode,
        hits=[
            schema.SearchHit(
                entry_id=hit.entry.id,
                system=hit.entry.system,
                section=hit.entry.section,
                question=hit.entry.question,
                answer=hit.entry.answer,
                confidence=round(hit.confidence, 4),
                relevance=round(hit.relevance, 4),
                matched=hit.phrasing,
                features={name: round(value, 4) for name, value in hit.features.items()},
            )
            for hit in desk.search(q, system, limit)
        ],
    )


@router.get("/suggest", responses=responses(403, 404, 422, 429))
def suggest(
    request: Request,
    serving: Serving,
    q: Annotated[str, Query(max_length=200, description="What is typed so far.", examples=["密码"])],
    system: System = None,
) -> schema.Suggestions:
    """Titles for what is being typed."""
    desk = serving.bot.desk
    system = about(system, request)
    _known(system, desk)
    return schema.Suggestions(suggestions=[schema.Option.model_validate(o) for o in desk.suggest(q, system)])


@router.get("/entries/{entry_id}", responses=responses(404, 422, 429))
def entry(entry_id: str, serving: Serving) -> schema.Answer:
    """One entry, word for word."""
    desk = serving.bot.desk
    found = desk.index.entry(entry_id)
    if found is None:
        raise HTTPException(404, "没有这个条目。")
    return schema.Answer.model_validate(desk.quote(found))


@router.get("/systems", responses=responses(429))
def systems(serving: Serving, bound: Bound) -> schema.Systems:
    """The systems the help desk answers for."""
    desk, asked = serving.bot.desk, serving.demand.counts()
    return schema.Systems(
        systems=[
            schema.SystemInfo(
                key=system.key,
                name=system.name,
                portal=system.portal,
                hotline=system.hotline,
                examples=[schema.Option.model_validate(option) for option in desk.examples(system.key, asked)],
            )
            for system in desk.knowledge.catalog.systems
            if bound in (None, system.key)
        ]
    )
