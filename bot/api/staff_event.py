"""What staff listen to: the queue, and one conversation each. Server-sent events, read from the store when woken.

Every look at the store checks the login first: a stream ends with it. Listening is not using: a console left open does
not keep its login alive.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from bot.agent import File, NoTicket
from bot.api.dep import Service, Serving
from bot.api.problem import responses
from bot.api.staff_caller import Brought, Credentials, SignedIn
from bot.api.staff_schema import Queue
from bot.api.staff_ticket import Number
from bot.api.staff_view import live_of, message_of, queue_of, same_queue
from bot.live import QUEUE
from bot.store.base import StoreError

router = APIRouter(tags=["staff events"])
log = logging.getLogger(__name__)

LOOK_AGAIN: Final = 15.0
"""Seconds after which a listener looks without being woken: at the login, and for what other processes stored."""
BURST: Final = 0.25
"""Seconds between two looks, however often a listener is woken."""


class _Over(Exception):
    """The stream has come to its end: logged out, or what it tells of is gone."""


@router.get("/events", response_class=EventSourceResponse, responses=responses(401, 403, 503))
async def queue_events(serving: Serving, brought: Brought, _: SignedIn) -> AsyncIterator[ServerSentEvent]:
    """Listen to the queue (server-sent events): `queue` is the whole of it, at once and after every change."""
    shown = None
    with serving.live.watch(QUEUE) as watch:
        while not watch.closed:
            try:
                now = await run_in_threadpool(_queue, serving, brought)
            except _Over:
                return
            if not same_queue(shown, now):
                yield ServerSentEvent(data=now, event="queue")
                shown = now
            await asyncio.sleep(BURST)
            await watch.wait(LOOK_AGAIN)


async def _begin(number: Number, serving: Serving, staff: SignedIn) -> File:
    """The ticket as it is when a stream begins; refuses before it began, when a status can still be given."""
    return await run_in_threadpool(serving.agents.file, number, staff, 0)


@router.get(
    "/tickets/{number}/events", response_class=EventSourceResponse, responses=responses(401, 403, 404, 422, 503)
)
async def ticket_events(
    number: Number,
    serving: Serving,
    brought: Brought,
    begun: Annotated[File, Depends(_begin)],
    last_event_id: Annotated[str | None, Header(description="The last message that is known.")] = None,
    known: Annotated[
        int, Query(alias="after", ge=0, le=2**53, description="The same, for browsers that begin anew.")
    ] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Listen to a ticket's conversation (server-sent events).

    `state`: who owns it, how its tickets stand, how far each side has read, what the visitor thought of answers,
    whether personal data are hidden; at first and whenever it changes. `message`: each message above `Last-Event-ID`
    or else `after`, in order, its sequence number as the event's id. `typing`: somebody types. A message may come
    twice: drop it by its id.
    """
    given = (last_event_id or "").strip()
    after = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else known
    shown = None
    with serving.live.watch(begun.conversation.id) as watch:
        while not watch.closed:
            try:
                file, mine = await run_in_threadpool(_file, serving, brought, number, after)
                state = await run_in_threadpool(live_of, file, serving)
            except _Over:
                return
            if state != shown:
                yield ServerSentEvent(data=state, event="state")
                shown = state
            for message in file.messages:
                yield ServerSentEvent(data=message_of(message), event="message", id=str(message.sequence))
                after = message.sequence
            for signal in dict.fromkeys(await watch.wait(LOOK_AGAIN)):
                author = signal.removeprefix("typing:")
                if author != signal and not (author == "agent" and mine):
                    yield ServerSentEvent(data={"author": author}, event="typing")


def _queue(serving: Service, brought: Credentials) -> Queue:
    try:
        if brought.caller(serving.accounts, touch=False) is None:
            raise _Over
        return queue_of(serving)
    except StoreError as error:  # the browser comes again, and is told 503 as long as it lasts
        log.error("store: %s", error)  # noqa: TRY400 — its text says all
        raise _Over from error


def _file(serving: Service, brought: Credentials, number: int, after: int) -> tuple[File, bool]:
    """A ticket as its listener may see it, and whether the conversation is theirs."""
    try:
        caller = brought.caller(serving.accounts, touch=False)
        if caller is None:
            raise _Over
        file = serving.agents.file(number, caller.staff, after)
    except NoTicket as error:
        raise _Over from error
    except StoreError as error:
        log.error("store: %s", error)  # noqa: TRY400
        raise _Over from error
    return file, file.conversation.owner == caller.staff.name
