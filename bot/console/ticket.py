"""A conversation: the dossier beside the chat, what may be done with it, and answers suggested for the last message.

What is said comes live, as `/api/staff/tickets/{number}/events` tells it; drawn here is all that stands around it, and
drawn anew whenever how the ticket stands has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from bot.agent import File, NotYours
from bot.api.dep import Serving, lookup
from bot.api.staff_caller import Caller
from bot.api.staff_chat import chat_of
from bot.api.staff_ticket import Number
from bot.api.staff_view import file_of
from bot.console.page import Member, may, partial, render
from bot.console.queue import system_names
from bot.console.search import LEAST, Found, found_all
from bot.model import Decision, Feedback, Message

router = APIRouter(dependencies=[Depends(lookup)])

SUGGESTED: Final = 3
"""Answers that are suggested."""
TRIED: Final = 8
"""Questions that are shown of those the visitor asked the bot, the last ones."""
CONSIDERED: Final = 20
"""Messages among which the visitor's last one is looked for."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the visitor asked the bot, what became of it, and, of an answer, whether it helped."""

    question: str
    decision: Decision
    title: str
    feedback: Feedback | None


def legal(file: File, caller: Caller) -> frozenset[str]:
    """What somebody may do with a ticket as it is; `Agents` has the last word."""
    owner, status, me = file.conversation.owner, file.ticket.status, caller.staff.name
    mine, led = owner == me, owner is not None and may(caller, "lead")
    deeds = {
        "note": True,
        "take": owner in (None, me) and status in ("collecting", "waiting"),
        "transfer": mine or led,
        "release": mine or led,
        "resolve": mine and status == "assigned",
        "close": (mine and status == "assigned") or status in ("collecting", "waiting"),
    }
    return frozenset(deed for deed, possible in deeds.items() if possible)


def may_invite(file: File, caller: Caller) -> bool:
    """Whether somebody may make an address by which a visitor on QQ goes on in the web chat."""
    return file.conversation.owner == caller.staff.name or may(caller, "lead")


def tried(file: File) -> list[Attempt]:
    """What the visitor asked the bot before a person came, and what it made of that."""
    rated = {each.message_id: each for each in file.feedback}
    attempts: list[Attempt] = []
    asked = ""
    for message in file.messages:
        reply = message.reply
        if message.author == "visitor":
            asked = message.text
        elif reply and asked and reply.step is None and reply.decision in ("answer", "clarify", "reject"):
            title = reply.answer.question if reply.answer else ""
            attempts.append(Attempt(asked, reply.decision, title, rated.get(message.id)))
    return attempts[-TRIED:]


def last_said(messages: Sequence[Message]) -> str:
    """The visitor's last words that are a question or may be one: none that the bot took as an order or into a form."""
    after: Message | None = None
    for message in reversed(messages):
        if message.author == "visitor" and message.text.strip() and not (after and _obeyed(after)):
            return message.text
        after = message
    return ""


def _obeyed(message: Message) -> bool:
    """Whether the bot did what it was told with this: it asks for the next value, hands over, cancels."""
    reply = message.reply
    if reply is None or reply.decision not in ("escalate", "talk"):
        return False
    return reply.escalation is None or reply.escalation.status != "offered"


@router.get("/tickets/{number}")
def ticket(number: Number, request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """The whole page; or, for htmx, what changes as the ticket does."""
    file = serving.agents.file(number, caller.staff)
    desk = serving.bot.desk
    return render(
        request,
        "ticket_state.html" if partial(request) else "ticket.html",
        here="queue",
        view=file_of(file, serving),
        deeds=legal(file, caller),
        mine=file.conversation.owner == caller.staff.name,
        qq=chat_of(file.conversation.id, serving),
        invites=may_invite(file, caller),
        web=serving.invitations is not None,
        tried=tried(file),
        colleagues=[staff for staff in serving.accounts.all() if staff.active],
        system_names=system_names(desk),
        systems=desk.knowledge.catalog.systems,
    )


@router.get("/tickets/{number}/suggestions")
def suggestions(number: Number, request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """Entries that come near to the visitor's last message, to quote with one click."""
    file = serving.agents.file(number, caller.staff)
    said = last_said(file.messages[-CONSIDERED:])
    near: list[Found] = []
    if said:
        thought = serving.bot.desk.consider(said, file.conversation.system, file.conversation.audience)
        likely = [hit for hit in thought.hits[:SUGGESTED] if hit.confidence >= LEAST]
        near = [each for each in found_all(serving.bot.desk, likely) if each.near]
    return render(request, "ticket_suggestions.html", said=said, near=near)


@router.post("/tickets/{number}/link")
def link(number: Number, request: Request, serving: Serving, caller: Member) -> HTMLResponse:
    """Make an address by which a visitor on QQ goes on in the web chat. This answer alone shows it."""
    file = serving.agents.file(number, caller.staff)
    qq = chat_of(file.conversation.id, serving)
    if qq is None:
        raise HTTPException(404, "这个会话不在 QQ 上。")
    if serving.invitations is None:
        raise HTTPException(409, "服务器没有设置 PUBLIC_URL，无法生成网页咨询链接。")
    if not may_invite(file, caller):
        raise NotYours("请先接待这位访客。")
    address = serving.invitations.make(file.conversation.id)
    serving.agents.note(number, caller.staff, "已生成网页咨询链接")
    made = render(request, "ticket_link.html", address=address, group=qq.group)
    made.headers["Cache-Control"] = "no-store"
    return made
