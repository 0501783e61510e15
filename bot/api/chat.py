"""The visitor's side: a message in, a reply out; and the conversation so far."""

from __future__ import annotations

import re
import secrets
from typing import Final

from fastapi import APIRouter, HTTPException, Request

from bot.api import schema
from bot.api.dep import OPTIONAL, Service, Serving, Token, address
from bot.api.problem import responses
from bot.dialogue import Incoming, Pass

router = APIRouter(prefix="/api", tags=["chat"])


_ID: Final = re.compile(schema.CONVERSATION_ID)


def _pass(conversation_id: str, token: str | None) -> Pass:
    if token is None:
        raise HTTPException(401, "请提供会话凭证。", {"WWW-Authenticate": "Bearer"})
    if not _ID.fullmatch(conversation_id):
        # The bot's words for a conversation that is not there, since to a client this is the same.
        raise HTTPException(404, "找不到这个会话，请刷新页面重新开始咨询。")
    return Pass(conversation_id, token)


def _spend(serving: Service, holder: Pass) -> None:
    """Count a message against its conversation, if it is the holder's: a stranger must not use up what is another's."""
    if secrets.compare_digest(serving.bot.token(holder.conversation_id).encode(), holder.token.encode()):
        serving.conversations.spend(holder.conversation_id)


@router.post(
    "/chat",
    responses=responses(400, 401, 404, 408, 409, 413, 422, 429, 503),
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
        holder = _pass(message.conversation_id, token)
        _spend(serving, holder)
    incoming = Incoming(message.text, message.choose, message.accept, message.client_message_id, message.system)
    turn = serving.bot.turn(incoming, holder)
    return schema.ChatReply(
        **schema.Reply.model_validate(turn.reply).model_dump(),
        conversation_id=turn.conversation.id,
        conversation_token=turn.token,
        message_id=turn.message_id,
    )


@router.get("/chat/{conversation_id}", responses=responses(401, 404, 422, 429, 503))
def history(conversation_id: str, request: Request, serving: Serving, token: Token) -> schema.History:
    """The conversation from its beginning, for whoever holds its token."""
    serving.lookups.spend(address(request))
    conversation, messages = serving.bot.history(_pass(conversation_id, token))
    return schema.History(
        conversation_id=conversation.id,
        system=conversation.system,
        messages=[
            schema.HistoryMessage(
                message_id=message.id,
                sequence=message.sequence,
                author=message.author,
                text=message.text,
                created_at=message.created_at.isoformat(),
                reply=schema.Reply.model_validate(message.reply) if message.reply else None,
            )
            for message in messages
        ],
    )
