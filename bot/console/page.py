"""Pages of the console: drawn from Jinja2 templates, every value escaped, for whoever is logged in.

A page may be asked for whole or, by htmx, as the part of it that changes; the routes decide which template that is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.account import ROLE_NAMES
from bot.api.staff_caller import ROLES, Caller, known
from bot.hours import SHANGHAI
from bot.model import Role

ROOT: Final = "/console"
TEMPLATES: Final = Path(__file__).parent.parent / "web" / "templates"


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation, for everybody from that role upwards."""

    key: str
    path: str
    title: str
    role: Role = "agent"


PLACES: Final = (
    Place("search", f"{ROOT}/", "搜索"),
    Place("queue", f"{ROOT}/queue", "工单"),
    Place("knowledge", f"{ROOT}/knowledge", "知识库"),
    Place("doubts", f"{ROOT}/doubts", "待完善"),
    Place("analytics", f"{ROOT}/analytics", "统计", "lead"),
    Place("settings", f"{ROOT}/settings", "设置", "lead"),
)


async def member(request: Request, caller: Annotated[Caller, Depends(known)]) -> Caller:
    """Whoever is logged in; the page shows their name and may offer what their role allows."""
    request.state.caller = caller
    return caller


Member = Annotated[Caller, Depends(member)]


def may(caller: Caller, role: Role) -> bool:
    """Whether somebody's role allows what that role does."""
    return ROLES.index(caller.staff.role) >= ROLES.index(role)


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as a response. Besides `values` it knows `caller` (None before a login), `places` and `may(role)`."""
    caller: Caller | None = getattr(request.state, "caller", None)
    text = _environment.get_template(template).render(
        caller=caller,
        places=_places(caller),
        may=lambda role: caller is not None and may(caller, role),
        request=request,
        **values,
    )
    return HTMLResponse(text, status_code=status)


def partial(request: Request) -> bool:
    """Whether htmx asks for a part of a page, rather than a browser for a whole one."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def toasted(response: HTMLResponse, words: str) -> HTMLResponse:
    """The response with words for the edge of the page."""
    response.headers["HX-Trigger"] = json.dumps({"toast": words})
    return response


def _places(caller: Caller | None) -> Sequence[Place]:
    return [place for place in PLACES if caller is not None and may(caller, place.role)]


def moment(value: datetime | str | None) -> str:
    """A point in time as staff read it, Beijing time: 「11-22 14:03」, with the year where it is another one."""
    if value is None:
        return ""
    at = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(SHANGHAI)
    here = datetime.now(UTC).astimezone(SHANGHAI)
    return at.strftime("%m-%d %H:%M" if at.year == here.year else "%Y-%m-%d %H:%M")


def iso(value: datetime | str | None) -> str:
    """A point in time for machines, for the attribute `datetime`."""
    return value if isinstance(value, str) else value.isoformat() if value else ""


def percent(value: float | None) -> str:
    """A share as staff read it, 「82%」; a dash where there is none."""
    return "—" if value is None else f"{value:.0%}"


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.do"],
)
_environment.filters.update(moment=moment, iso=iso, percent=percent)
_environment.globals.update(role_names=ROLE_NAMES, root=ROOT)
