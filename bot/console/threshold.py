"""For administrators: the thresholds of the decision, and what others would make of the project's own questions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import Caller, require
from bot.console.page import Member, render, toasted
from bot.console.setting import draw, people
from bot.decide import Thresholds
from bot.preference import TITLES_OF_THRESHOLDS, stamp
from bot.rehearsal import Point, Rehearsal, count

router = APIRouter(prefix="/settings/thresholds", dependencies=[Depends(lookup), Depends(require("admin"))])

NAMES: Final = tuple(each.name for each in fields(Thresholds))
GOVERNED: Final = tuple(f"threshold_{name}" for name in NAMES)
MEANINGS: Final = {
    "answer": "最有把握的条目至少有这么大的把握，机器人才直接回答。调高：答得少，错得也少；调低：答得多，错得也多。",
    "relevant": "没有把握直接回答时，最好的选项至少这么相关，才请访客选择，否则说不知道。调高：反问少，未能回答多。",
    "alike": "相关度达到最好选项的这么多倍的条目，才列为选项。调高：选项少；调低：选项多。",
    "near": "还不知道问的是哪个系统时，别的系统有条目接近到最接近条目的这么多倍，就反问而不直接回答。调低：反问多。",
    "role": "还不知道访客是哪类用户时，同一系统里给别类用户的条目有最可能条目的这么多倍的可能，就反问。调低：反问多。",
    "suggest": "没有回答时，至少这么相关的条目才列在「您可能想问」里；回答下面的相关问题也一样。调高：列得少。",
}
SWEPT: Final = (
    ("answered_right", "答对", "good"),
    ("answered_wrong", "答错", "bad"),
    ("offered_among_options", "反问中给出正确条目", "accent"),
    ("false_answers", "未收录的题被误答", "warn"),
)
"""What the curve shows, in percent of the questions that each is about."""

Number = Annotated[float, Form()]
Typed = Annotated[float | None, Query(), BeforeValidator(lambda typed: typed or None)]
"""A number that is being typed: a field that was emptied for a moment says nothing."""


@dataclass(frozen=True, slots=True)
class Dial:
    """A threshold as it is shown."""

    name: str
    title: str
    meaning: str
    value: float
    default: float


async def proposed(
    serving: Serving,
    answer: Typed = None,
    relevant: Typed = None,
    alike: Typed = None,
    near: Typed = None,
    role: Typed = None,
    suggest: Typed = None,
) -> Thresholds:
    """The thresholds that are proposed; those in force where nothing is said."""
    given = {"answer": answer, "relevant": relevant, "alike": alike, "near": near, "role": role, "suggest": suggest}
    values = {f"threshold_{name}": value for name, value in given.items() if value is not None}
    return serving.preferences.tried(values).thresholds


@router.get("")
def page(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """The thresholds in force."""
    return _page(request, serving, caller)


@router.get("/effect")
def effect(
    request: Request, serving: Serving, _: Member, wanted: Annotated[Thresholds, Depends(proposed)]
) -> HTMLResponse:
    """What the proposed thresholds would change; how far it is where the questions are still being asked."""
    progress, rehearsal = serving.audition.progress(), serving.audition.ready()  # in this order: it may get ready now
    if rehearsal is None:
        return render(request, "setting_effect.html", progress=progress, effect=None)
    now = serving.preferences.settings.thresholds
    return render(
        request,
        "setting_effect.html",
        progress=None,
        effect=rehearsal.compare(now, wanted),
        same=now == wanted,
        sizes=_sizes(rehearsal),
        points=list(map(_point, rehearsal.sweep(wanted))),
        value=wanted.answer,
        swept=SWEPT,
        count=count,
    )


@router.post("")
def save(
    request: Request,
    serving: Serving,
    caller: Member,
    answer: Number,
    relevant: Number,
    alike: Number,
    near: Number,
    role: Number,
    suggest: Number,
    seen: Annotated[str | None, Form()] = None,
) -> HTMLResponse:
    """Decide by these from now on; `seen` says which ones the page showed."""
    wanted = Thresholds(answer, relevant, alike, near, role, suggest)
    values = {f"threshold_{name}": value for name, value in asdict(wanted).items()}
    serving.preferences.put(values, caller.staff.name, seen)
    return toasted(_page(request, serving, caller), "已保存，立即生效。")


@router.post("/default")
def default(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """Let the environment say again."""
    serving.preferences.drop(GOVERNED, caller.staff.name)
    return toasted(_page(request, serving, caller), "已恢复默认，立即生效。")


def _page(request: Request, serving: Service, caller: Caller) -> HTMLResponse:
    preferences = serving.preferences
    now, defaults = preferences.settings.thresholds, preferences.defaults.thresholds
    dials = [
        Dial(name, TITLES_OF_THRESHOLDS[name], MEANINGS[name], getattr(now, name), getattr(defaults, name))
        for name in NAMES
    ]
    kept = [preferences.kept[name] for name in GOVERNED if name in preferences.kept]
    seen = stamp(GOVERNED, preferences.settings)
    return draw(request, caller, "thresholds", dials=dials, seen=seen, kept=kept, people=people(serving))


def _sizes(rehearsal: Rehearsal) -> dict[str, int]:
    """How many questions of each kind."""
    expected = [label.expect for _, label in rehearsal.questions.rows]
    return {"all": len(expected), **{kind: expected.count(kind) for kind in ("answer", "reject", "clarify")}}


def _point(point: Point) -> tuple[float, list[float | None]]:
    """A value, and the figures of `SWEPT` in percent."""
    shares = (point.figures[name].value for name, _, _ in SWEPT)
    return point.value, [None if share is None else round(share * 100, 1) for share in shares]
