"""For operators: is the process alive, and can it serve?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from bot.api import schema
from bot.api.dep import Serving
from bot.api.problem import responses

if TYPE_CHECKING:
    from bot.qq.exchange import Exchange

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
def healthz() -> schema.Health:
    """The process runs."""
    return schema.Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=responses(503))
def readyz(serving: Serving) -> schema.Readiness:
    """The index is loaded and conversations can be stored; says when search has to do without the encoder."""
    serving.ready.check()
    desk = serving.bot.desk
    notes = [*desk.notes]
    if desk.index.mode == "keyword":
        notes.insert(0, "语义模型不可用，当前仅使用关键词检索；可运行 python serve.py build 重新生成。")
    return schema.Readiness(
        search=desk.index.mode,
        entries=len(desk.knowledge.entries),
        index=desk.knowledge.content_hash,
        qq=bots(serving.exchange) if serving.exchange else [],
        detail="".join(notes) or None,
    )


def bots(exchange: Exchange) -> list[schema.QQBot]:
    """How the bots on QQ stand."""
    return [
        schema.QQBot(
            platform=each.platform,
            ready=each.ready,
            trouble=each.trouble,
            heard_at=each.heard_at.isoformat() if each.heard_at else None,
        )
        for each in exchange.connections()
    ]
