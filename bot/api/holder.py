"""Who holds a conversation: its id in the path or body, its token in the `Authorization` header and nowhere else."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Request

from bot.api import schema
from bot.api.dep import Service, Serving, Token, address
from bot.dialogue import Bot
from bot.turn import Pass

_ID: Final = re.compile(schema.CONVERSATION_ID)


def pass_of(conversation_id: str, token: str | None) -> Pass:
    """What the request brings to open a conversation with; HTTPException 401 without a token."""
    if token is None:
        raise HTTPException(401, "请提供会话凭证。", {"WWW-Authenticate": "Bearer"})
    if not _ID.fullmatch(conversation_id):
        # The bot's words for a conversation that is not there, since to a client this is the same.
        raise HTTPException(404, "找不到这个会话，请刷新页面重新开始咨询。")
    return Pass(conversation_id, token)


def holds(bot: Bot, conversation_id: str, token: str) -> bool:
    """Whether the token is that of such a conversation, be there one or not: nothing is looked up."""
    if not _ID.fullmatch(conversation_id):
        return False
    return secrets.compare_digest(bot.token(conversation_id).encode(), token.encode())


def spend(serving: Service, holder: Pass) -> None:
    """Count a message against its conversation, if it is the holder's: a stranger must not use up what is another's."""
    if holds(serving.bot, holder.conversation_id, holder.token):
        serving.conversations.spend(holder.conversation_id)


def held(conversation_id: str, request: Request, serving: Serving, token: Token) -> Pass:
    """The holder of the conversation in the path; 404 unless the token is this conversation's."""
    serving.lookups.spend(address(request))
    holder = pass_of(conversation_id, token)
    serving.bot.view(holder, after=2**31)
    return holder


Holder = Annotated[Pass, Depends(held)]
