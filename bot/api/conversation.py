"""What else a visitor does with a conversation: listen, show what one types or has read, send pictures, rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from bot import model
from bot.api import schema
from bot.api.chat import state_of
from bot.api.dep import Serving, address
from bot.api.holder import Holder, spend
from bot.api.problem import responses
from bot.contact import read_contact
from bot.store.base import StoreError
from bot.turn import Unknown

router = APIRouter(prefix="/api/conversations/{conversation_id}", tags=["conversation"])

LOOK_AGAIN: Final = 20.0
"""Seconds after which a listener looks without being woken, for what another process stored."""

_REFUSALS: Final = responses(401, 404, 422, 429, 503)
_WITH_BODY: Final = _REFUSALS | responses(400, 408, 409, 413)
PICTURE_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""What a route that takes a picture says of its body in the OpenAPI document."""


async def _listen(
    request: Request, serving: Serving, holder: Holder, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[int]:
    """Where a stream begins. It takes its places, or is refused, before it began: a status can still be given."""
    given = (last_event_id or "").strip()
    with (
        serving.streams_of_conversation.take(holder.conversation_id),
        serving.streams_of_address.take(address(request)),
        serving.streams.take(),
    ):
        yield int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


After = Annotated[int, Depends(_listen)]


@router.get("/events", response_class=EventSourceResponse, responses=_REFUSALS)
async def events(serving: Serving, holder: Holder, after: After) -> AsyncIterator[ServerSentEvent]:
    """Listen to the conversation (server-sent events).

    `message`: each message above `Last-Event-ID` (from the first on without it), in order, with its sequence number as
    the event's id. `state`: who talks with the visitor, how requests stand and how far each side has read, at first and
    whenever it changes. `typing`: the person types. A message may come twice after a reconnect: drop it by its id.
    """
    shown = None
    with serving.live.watch(holder.conversation_id) as watch:
        while not watch.closed:
            try:
                view = await run_in_threadpool(serving.bot.view, holder, after)
            except (Unknown, StoreError):  # deleted meanwhile; or the listener comes again and is told 503
                return
            state = state_of(view, serving)
            for message in view.messages:
                yield ServerSentEvent(
                    data=schema.HistoryMessage.of(message).model_dump(), event="message", id=str(message.sequence)
                )
                after = message.sequence
            if state != shown:
                yield ServerSentEvent(data=state.model_dump(), event="state")
                shown = state
            if "typing:agent" in await watch.wait(LOOK_AGAIN):
                yield ServerSentEvent(data={"author": "agent"}, event="typing")


@router.post("/typing", status_code=204, responses=_REFUSALS)
def typing(serving: Serving, holder: Holder) -> None:
    """The visitor types."""
    serving.live.signal(holder.conversation_id, "typing:visitor")


@router.post("/read", status_code=204, responses=_WITH_BODY)
def read(mark: schema.ReadMark, serving: Serving, holder: Holder) -> None:
    """The visitor has read up to a message."""
    serving.bot.read_up_to(holder, mark.sequence)


@router.post(
    "/pictures",
    status_code=201,
    responses=responses(401, 404, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra=PICTURE_BODY,
)
async def send_picture(request: Request, serving: Serving, holder: Holder) -> schema.PictureKept:
    """Send a picture up: the body is the file, at most 8 MiB of PNG, JPEG, WebP, GIF or BMP.

    Judged by its content; only its pixels are kept. Afterwards its id goes with a message.
    """
    serving.messages.spend(address(request))
    spend(serving, holder)
    data = await request.body()
    kept = await run_in_threadpool(serving.album.keep, holder, data)
    return picture_kept(kept)


@router.get("/pictures/{picture_id}", response_class=Response, responses=_REFUSALS)
def picture(picture_id: str, serving: Serving, holder: Holder) -> Response:
    """A picture of this conversation."""
    kept = serving.bot.picture(holder, picture_id)
    return shown(serving.pictures.read(kept.id), kept)


def picture_kept(kept: model.Picture) -> schema.PictureKept:
    """What is told of a picture that was taken."""
    return schema.PictureKept(picture_id=kept.id, width=kept.width, height=kept.height)


def shown(data: bytes | None, kept: model.Picture) -> Response:
    """A picture's bytes, which no browser may take for anything else."""
    if data is None:
        raise HTTPException(404, "没有这张图片。")
    headers = {
        "Content-Disposition": "inline",
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(data, media_type=kept.media_type, headers=headers)


@router.post("/feedback", status_code=204, responses=_WITH_BODY)
def feedback(rating: schema.AnswerRating, serving: Serving, holder: Holder) -> None:
    """Say whether an answer helped; the last word counts."""
    serving.bot.rate_answer(holder, rating.message_id, helpful=rating.helpful, reason=rating.reason)


@router.post("/contact", status_code=204, responses=_WITH_BODY)
def contact(contact: schema.Contact, request: Request, serving: Serving, holder: Holder) -> None:
    """Leave a phone number with a ticket that is open, while nobody is there.

    Where something is not right, the problem's `fields` says what, by the field's name. Once more changes nothing.
    """
    serving.messages.spend(address(request))
    spend(serving, holder)
    read = read_contact(contact.name or "", contact.phone, contact.details or "")
    serving.bot.leave_contact(holder, contact.ticket, read)


@router.post("/rating", status_code=204, responses=_WITH_BODY)
def rating(rating: schema.TicketRating, serving: Serving, holder: Holder) -> None:
    """Rate the service after a request has ended."""
    serving.bot.rate_ticket(holder, rating.ticket, rating.stars, rating.comment)
