"""For administrators: who is told of new tickets. Addresses and secrets go in here and are never shown again."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse

from bot.api.dep import Service, Serving, lookup
from bot.api.staff_caller import Caller, require
from bot.console.page import Member, toasted
from bot.console.setting import draw, people
from bot.notify import TITLES, Kind, Notice, Target
from bot.preference import LONGEST, BadPreference
from bot.settings import Settings

router = APIRouter(prefix="/settings/targets", dependencies=[Depends(lookup), Depends(require("admin"))])

NAME: Final = "notify_targets"
MOST: Final = 20

Written = Annotated[str, Form(max_length=LONGEST)]


@router.get("")
def page(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """The targets, without what is secret of them."""
    return _page(request, serving, caller)


@router.post("")
def add(
    request: Request,
    serving: Serving,
    caller: Member,
    kind: Annotated[Kind, Form()],
    url: Written = "",
    secret: Written = "",
) -> HTMLResponse:
    """Tell one more."""
    written = f"{kind}:{url.strip()}" + (f"#{secret.strip()}" if secret.strip() else "")
    if len(written.split()) != 1 or "," in written or "，" in written:
        raise BadPreference("地址和密钥中不能有空格和逗号。")

    def with_it(settings: Settings) -> str:
        if len(settings.targets) >= MOST:
            raise BadPreference(f"通知目标最多 {MOST} 个。")
        targets = list(map(_written, settings.targets))
        if written in targets:
            raise BadPreference("这个通知目标已经有了。")
        return " ".join([*targets, written])

    serving.preferences.edit(NAME, with_it, caller.staff.name)
    return toasted(_page(request, serving, caller), "已添加通知目标，立即生效；请发送一条测试消息。")


@router.post("/default")
def default(request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """Let the environment say again who is told."""
    serving.preferences.drop([NAME], caller.staff.name)
    return toasted(_page(request, serving, caller), "已恢复默认，立即生效。")


@router.post("/{mark}/drop")
def drop(request: Request, serving: Serving, caller: Member, mark: str) -> HTMLResponse:
    """Tell one no longer."""
    key = _key(serving)

    def without_it(settings: Settings) -> str:
        gone = _sought(key, settings.targets, mark)
        return " ".join(_written(target) for target in settings.targets if target != gone)

    serving.preferences.edit(NAME, without_it, caller.staff.name)
    return toasted(_page(request, serving, caller), "已删除通知目标，立即生效。")


@router.post("/{mark}/test")
def test(request: Request, serving: Serving, caller: Member, mark: str) -> HTMLResponse:
    """Send a message that says that it is a test, and tell how that went."""
    from bot.webhook import attempt  # noqa: PLC0415 — an HTTP client, which most do without

    settings = serving.preferences.settings
    target = _sought(_key(serving), settings.targets, mark)
    told = f"由 {caller.staff.display} 在控制台发送"
    notice = Notice(uuid.uuid4().hex, "test", 0, "", "", told, datetime.now(UTC))
    outcome = attempt(target, notice, allow_private=settings.notify_private)
    if not outcome.delivered:
        raise HTTPException(409, f"测试没有成功：{outcome.reason}。")
    return toasted(_page(request, serving, caller), "测试消息已送达，请在群里确认。")


def _page(request: Request, serving: Service, caller: Caller) -> HTMLResponse:
    preferences = serving.preferences
    targets = preferences.settings.targets
    return draw(
        request,
        caller,
        "targets",
        targets=[
            (mark, TITLES[target.kind], urlsplit(target.url).netloc, target.secret is not None)
            for mark, target in zip(_marks(_key(serving), targets), targets, strict=True)
        ],
        titles=TITLES,
        private=preferences.settings.notify_private,
        kept=preferences.kept.get(NAME),
        defaults=len(preferences.defaults.targets),
        people=people(serving),
    )


def _sought(key: bytes, targets: Sequence[Target], mark: str) -> Target:
    for found, target in zip(_marks(key, targets), targets, strict=True):
        if hmac.compare_digest(found.encode(), mark.encode()):
            return target
    raise HTTPException(404, "没有这个通知目标，它可能已经删除，请刷新页面。")


def _marks(key: bytes, targets: Sequence[Target]) -> list[str]:
    """A name for each target that holds whatever its place, and from which its secrets cannot be guessed."""
    return [hmac.new(key, _written(target).encode(), hashlib.sha256).hexdigest()[:24] for target in targets]


def _key(serving: Service) -> bytes:
    return serving.store.write(lambda transaction: transaction.secret("targets"))


def _written(target: Target) -> str:
    """A target as the setting writes it."""
    return f"{target.kind}:{target.url}" + (f"#{target.secret}" if target.secret else "")
