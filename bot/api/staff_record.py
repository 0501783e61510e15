"""For leads and administrators: figures, and what is kept of one conversation, to hand out or to delete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from bot import archive, metric
from bot.api.dep import Serving
from bot.api.health import bots
from bot.api.problem import responses
from bot.api.staff_caller import require
from bot.live import QUEUE
from bot.qq.model import Platform
from bot.qq.sending import SendingFigures, sendings
from bot.store.base import Transaction

router = APIRouter(tags=["staff records"])

IN_MEMORY: Final = 1024 * 1024
CHUNK: Final = 64 * 1024


@router.get("/metrics", dependencies=[Depends(require("lead"))], responses=responses(401, 403, 422, 503))
def metrics(
    serving: Serving,
    days: Annotated[int, Query(ge=1, le=366, description="How many days back.")] = 7,
    system: Annotated[str | None, Query(max_length=200, description="Only what is about this system.")] = None,
) -> dict[str, Any]:
    """What was asked and what came of it; answers confirmed, assumed and abandoned are kept apart.

    `qq`, where a way there is set up: how the bots stand now, and what became of the pieces of messages that were to go
    out in the period, of all systems.
    """
    until = datetime.now(UTC)
    since, office, exchange = until - timedelta(days=days), serving.bot.office, serving.exchange

    def read(rows: Transaction) -> tuple[metric.Figures, Mapping[Platform, SendingFigures]]:
        figures = metric.measure(
            rows, since, until, now=until, cold_after=office.cold_after, system=system, hours=office.hours
        )
        return figures, sendings(rows, since, until) if exchange else {}

    figures, sent = serving.store.read(read)
    qq = exchange and {
        "bots": [each.model_dump() for each in bots(exchange)],
        "pieces": {platform: asdict(each) for platform, each in sent.items()},
    }
    return {**figures.to_dict(), "qq": qq}


@router.get(
    "/conversations/{conversation_id}/export",
    dependencies=[Depends(require("admin"))],
    response_class=StreamingResponse,
    responses=responses(401, 403, 404, 422, 503),
)
def export(conversation_id: str, serving: Serving) -> StreamingResponse:
    """Everything kept of one conversation, as a ZIP: for visitors who ask what is known of them."""
    # Written out whole before the first byte goes, since an error afterwards could not be told any more.
    out: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — closed with the response
    try:
        archive.export(serving.store, serving.pictures, conversation_id, out)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    headers = {"Content-Disposition": 'attachment; filename="conversation.zip"'}
    return StreamingResponse(_chunks(out), media_type="application/zip", headers=headers)


@router.delete(
    "/conversations/{conversation_id}",
    status_code=204,
    dependencies=[Depends(require("admin"))],
    responses=responses(401, 403, 404, 409, 422, 503),
)
def erase(conversation_id: str, serving: Serving, *, force: bool = False) -> None:
    """Delete a conversation for good; refused while somebody works on it, unless `force`."""
    if not archive.erase(serving.store, serving.pictures, conversation_id, force=force):
        raise archive.NoConversation("没有这个会话，它可能已经删除。")
    serving.live.changed(conversation_id, QUEUE)


def _chunks(out: IO[bytes]) -> Iterator[bytes]:
    with out:
        while chunk := out.read(CHUNK):
            yield chunk
