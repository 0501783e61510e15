"""The visitor's side: a message in, a reply out; and the conversation so far."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request

from bot import wording
from bot.api import schema
from bot.api.dep import OPTIONAL, Service, Serving, Token, address
from bot.api.holder import Holder, pass_of, spend
from bot.api.problem import responses
from bot.api.site import about
from bot.invitation import AnotherHeld
from bot.turn import Incoming, Turn, Unknown, View

router = APIRouter(prefix="/api", tags=["chat"])


@router.post(
    "/chat",
    responses=responses(400, 401, 403, 404, 408, 409, 413, 422, 429, 503),
    openapi_extra=OPTIONAL,
)
def chat(message: schema.ChatRequest, request: Request, serving: Serving, token: Token) -> schema.ChatReply:
    """Say something to the bot.

    Without a `conversation_id` a conversation begins, and its token comes with the reply. From then on the token is
    sent as `Authorization: Bearer`. The reply is stored before it is given.
    """
    serving.messages.spend(address(request))
    holder = None
    if message.conversation_id is not None:
        holder = pass_of(message.conversation_id, token)
        spend(serving, holder)

    def may_hand_in(conversation_id: str) -> None:
        serving.tickets_of_conversation.spend(conversation_id)
        serving.tickets.spend(address(request))

    turn = serving.bot.turn(
        Incoming(
            message.text,
            message.choose,
            message.accept,
            message.client_message_id,
            about(message.system, request),
            message.picture,
        ),
        holder,
        may_hand_in=may_hand_in,
    )
    return schema.ChatReply(
        **_reply(turn, serving),
        conversation_id=turn.conversation.id,
        conversation_token=turn.token,
        message_id=turn.message_id,
        sequence=turn.sequence,
    )


@router.post("/conversations", status_code=201, responses=responses(400, 403, 404, 408, 413, 422, 429, 503))
def begin(wanted: schema.Beginning, request: Request, serving: Serving) -> schema.Begun:
    """Begin a conversation without a word, to send a picture up first; a message to `/chat` begins one by itself."""
    serving.messages.spend(address(request))
    holder = serving.bot.begin(about(wanted.system, request))
    return schema.Begun(conversation_id=holder.conversation_id, conversation_token=holder.token)


@router.post("/join", responses=responses(400, 404, 408, 409, 413, 422, 429, 503))
def join(wanted: schema.Joining, request: Request, serving: Serving) -> schema.Begun:
    """Go on with the conversation that one was invited to: its token is given for the code.

    To whoever asks first, and to nobody else; to them within the day as often as they send the same `key`. Once they
    have it they ask again, with its id as what they `held`: until then it goes on on QQ as well.
    """
    serving.messages.spend(address(request))
    if serving.invitations is None:
        raise Unknown("这个链接已经用过或已失效，请联系客服重新获取。")
    try:
        holder = serving.invitations.take(wanted.code, wanted.key, wanted.held)
    except AnotherHeld as error:
        raise HTTPException(409, str(error)) from error
    return schema.Begun(conversation_id=holder.conversation_id, conversation_token=holder.token)


@router.get("/chat/{conversation_id}", responses=responses(401, 404, 422, 429, 503))
def history(
    serving: Serving,
    holder: Holder,
    after: Annotated[int, Query(ge=0, le=2**31, description="Only messages above this sequence number.")] = 0,
) -> schema.History:
    """The conversation and how it stands, for whoever holds its token."""
    view = serving.bot.view(holder, after)
    return schema.History(
        **state_of(view, serving).model_dump(),
        conversation_id=view.conversation.id,
        messages=list(map(schema.HistoryMessage.of, view.messages)),
    )


def state_of(view: View, serving: Service) -> schema.State:
    """Who talks with the visitor and how requests stand."""
    reasons = serving.bot.desk.reasons
    return schema.State(
        agent=view.agent,
        system=view.conversation.system,
        tickets=[
            schema.TicketState(
                number=ticket.number,
                reason=ticket.reason,
                label=reasons[ticket.reason].dossier.label if ticket.reason in reasons else ticket.reason,
                status=ticket.status,
                stars=ticket.stars,
            )
            for ticket in view.tickets
        ],
        visitor_read=view.conversation.visitor_read,
        staff_read=view.conversation.staff_read,
    )


def _reply(turn: Turn, serving: Service) -> dict[str, Any]:
    if turn.reply is not None:
        return schema.Reply.model_validate(turn.reply).model_dump()
    silent = schema.Reply(
        decision="silent",
        text="",
        answer=None,
        options=[],
        escalation=None,
        related=[],
        confidence=0.0,
        search=serving.bot.desk.index.mode,
        step=None,
        note=wording.HIDDEN if turn.hidden else None,
    )
    return silent.model_dump()
