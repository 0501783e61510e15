"""Staff at work: the queue, a ticket with everything around it, and what is done with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from starlette.concurrency import run_in_threadpool

from bot.agent import NoTicket, NotYours
from bot.api import schema
from bot.api import staff_schema as shape
from bot.api.conversation import PICTURE_BODY, picture_kept
from bot.api.dep import Service, Serving
from bot.api.problem import responses
from bot.api.staff_caller import SignedIn
from bot.api.staff_view import PAGE, file_of, message_of, queue_of, ticket_state
from bot.live import QUEUE
from bot.model import Answer, Conversation, Ticket
from bot.store.base import Transaction

router = APIRouter(tags=["staff tickets"])

Number = Annotated[int, Path(ge=1, le=2**53, description="The ticket's number.")]

_READ = responses(401, 403, 404, 422, 503)
_WRITE = responses(400, 401, 403, 404, 408, 409, 413, 422, 503)


@router.get("/queue", responses=responses(401, 403, 422, 503))
def queue(
    serving: Serving,
    _: SignedIn,
    offset: Annotated[int, Query(ge=0, le=2**53, description="How many of those that wait to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="How many of those that wait to show.")] = PAGE,
) -> shape.Queue:
    """What waits, the longest wait first, page by page, and all that is worked on. Nothing personal."""
    return queue_of(serving, offset, limit)


@router.get("/tickets/{number}", responses=_READ)
def file(number: Number, serving: Serving, staff: SignedIn) -> shape.TicketFile:
    """A ticket with its conversation, history and feedback; personal data are shown to its assignee only."""
    return file_of(serving.agents.file(number, staff), serving)


@router.post("/tickets/{number}/take", responses=_WRITE)
def take(number: Number, serving: Serving, staff: SignedIn) -> schema.TicketState:
    """Take over the conversation; from now on the bot keeps silent. 409 if somebody else has it."""
    return ticket_state(serving.agents.take(number, staff), serving)


@router.post("/tickets/{number}/release", responses=_WRITE)
def release(number: Number, serving: Serving, staff: SignedIn) -> schema.TicketState:
    """Give the conversation back to the bot; its tickets wait again."""
    return ticket_state(serving.agents.release(number, staff), serving)


@router.post("/tickets/{number}/transfer", responses=_WRITE)
def transfer(number: Number, form: shape.Transfer, serving: Serving, staff: SignedIn) -> schema.TicketState:
    """Hand the conversation on to a colleague."""
    return ticket_state(serving.agents.transfer(number, staff, form.to, form.note), serving)


@router.post("/tickets/{number}/reply", responses=_WRITE)
def reply(number: Number, form: shape.AgentReply, serving: Serving, staff: SignedIn) -> schema.HistoryMessage:
    """Write to the visitor, with an entry quoted word for word, a picture that was sent up before, both or neither."""
    answer = None if form.entry_id is None else _quoted(form.entry_id, serving)
    message = serving.agents.reply(
        number,
        staff,
        form.text,
        answer=answer,
        picture=form.picture_id,
        client_message_id=form.client_message_id,
    )
    return message_of(message)


@router.post(
    "/tickets/{number}/pictures",
    status_code=201,
    responses=responses(401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra=PICTURE_BODY,
)
async def send_picture(number: Number, request: Request, serving: Serving, staff: SignedIn) -> schema.PictureKept:
    """Send a picture up for the visitor: the body is the file, at most 8 MiB of PNG, JPEG, WebP, GIF or BMP.

    Only for who may reply. Judged by its content; only its pixels are kept. Afterwards its id goes with a reply.
    """
    data = await request.body()
    return picture_kept(await run_in_threadpool(serving.album.keep_of_staff, serving.agents, number, staff, data))


@router.post("/tickets/{number}/note", status_code=204, responses=_WRITE)
def note(number: Number, form: shape.Note, serving: Serving, staff: SignedIn) -> None:
    """Note something in the ticket's history that only staff see."""
    serving.agents.note(number, staff, form.text)


@router.post("/tickets/{number}/resolve", responses=_WRITE)
def resolve(number: Number, serving: Serving, staff: SignedIn, form: shape.Ending | None = None) -> schema.TicketState:
    """End the ticket, done. The last one ended gives the conversation back to the bot."""
    return ticket_state(serving.agents.resolve(number, staff, note=form.note if form else ""), serving)


@router.post("/tickets/{number}/close", responses=_WRITE)
def close(number: Number, serving: Serving, staff: SignedIn, form: shape.Ending | None = None) -> schema.TicketState:
    """End the ticket without a deed: one's own, or one that waits and that nobody has to see to."""
    said = form.note if form else ""
    if _find(serving, number)[0].status == "assigned":
        return ticket_state(serving.agents.resolve(number, staff, resolved=False, note=said), serving)
    return ticket_state(serving.agents.dismiss(number, staff, said), serving)


@router.post("/tickets/{number}/read", status_code=204, responses=_WRITE)
def read(number: Number, mark: schema.ReadMark, serving: Serving, staff: SignedIn) -> None:
    """The owner has read up to a message; of others it is not noted."""
    serving.agents.read_up_to(number, staff, mark.sequence)
    serving.live.changed(QUEUE)


@router.post("/tickets/{number}/typing", status_code=204, responses=_READ | responses(409))
def typing(number: Number, serving: Serving, staff: SignedIn) -> None:
    """The owner types."""
    _, conversation = _find(serving, number)
    if conversation.owner != staff.name:
        raise NotYours("请先接待这位访客。")
    serving.live.signal(conversation.id, "typing:agent")


def _find(serving: Service, number: int) -> tuple[Ticket, Conversation]:
    def work(transaction: Transaction) -> tuple[Ticket, Conversation]:
        ticket = transaction.ticket(number)
        conversation = transaction.conversation(ticket.conversation_id) if ticket else None
        if ticket is None or conversation is None:
            raise NoTicket(f"没有编号为 {number} 的受理单。")
        return ticket, conversation

    return serving.store.read(work)


def _quoted(entry_id: str, serving: Service) -> Answer:
    desk = serving.bot.desk
    entry = desk.index.entry(entry_id)
    if entry is None:
        raise HTTPException(404, "没有这个条目。")
    return desk.quote(entry)
