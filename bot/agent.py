"""What staff do with conversations: take them over, write, note, hand on, resolve.

A person or the bot owns a conversation, never both: whoever takes one becomes its owner in a single transaction, which
fails when somebody else already is. All tickets of a conversation that are handed in go with its owner, so that
`owner` is set exactly while a ticket of the conversation is assigned, and then it is that ticket's assignee.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bot import form as forms
from bot import handoff, wording
from bot.dossier import Dossier
from bot.live import QUEUE, Live
from bot.mask import mask
from bot.model import Answer, Conversation, Feedback, Message, Picture, Staff, Ticket, TicketEvent
from bot.store.base import Store, Transaction
from bot.ticket import OPEN, IllegalChange, change
from bot.turn import NotOffered, Unknown, check_text

MOST_PICTURES: Final = 30
"""Pictures that staff send in one conversation within PICTURE_DAY; visitors have as many of their own."""
PICTURE_DAY: Final = timedelta(days=1)


class AgentError(Exception):
    """A deed that is refused; staff read the Chinese text, nothing was changed."""


class NoTicket(AgentError):
    """There is no ticket, conversation or member of staff of that name."""


class NotYours(AgentError):
    """Somebody else owns the conversation, or nobody does and it has to be taken first."""


class AlreadySent(AgentError):
    """The message id was used before, for another message."""


@dataclass(frozen=True, slots=True)
class File:
    """Everything staff see of a ticket: the conversation, its tickets, messages and feedback, and the history.

    `masked` says that personal data in it are hidden, since only the assignee sees them in full.
    """

    ticket: Ticket
    conversation: Conversation
    tickets: tuple[Ticket, ...]
    messages: tuple[Message, ...]
    events: tuple[TicketEvent, ...]
    feedback: tuple[Feedback, ...]
    masked: bool


class Agents:
    """The deeds of staff over a store. Thread-safe; `live` is told of every change."""

    def __init__(
        self,
        store: Store,
        live: Live,
        dossiers: Callable[[], Mapping[str, Dossier]] = dict,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`dossiers` gives the declared dossiers by reason, as they are now."""
        self._store = store
        self._live = live
        self._dossiers = dossiers
        self._clock = clock

    def file(self, number: int, staff: Staff, after: int = 0) -> File:
        """A ticket with everything around it, messages above `after`; NoTicket if there is none of that number."""

        def work(transaction: Transaction) -> File:
            ticket, conversation = _find(transaction, number)
            masked = (conversation.owner or ticket.assignee) != staff.name
            hide: Callable[[Ticket], Ticket] = self._masked if masked else lambda ticket: ticket
            messages = transaction.messages(conversation.id, after)
            feedback = transaction.feedback(conversation.id)
            return File(
                ticket=hide(ticket),
                conversation=conversation,
                tickets=tuple(map(hide, transaction.tickets(conversation.id))),
                messages=tuple(_masked_message(message) for message in messages) if masked else tuple(messages),
                events=tuple(_masked_event(event) if masked else event for event in transaction.events(number)),
                feedback=tuple(replace(f, reason=mask(f.reason)) if masked else f for f in feedback),
                masked=masked,
            )

        return self._store.read(work)

    def take(self, number: int, staff: Staff) -> Ticket:
        """Take over a ticket's conversation, with all its tickets that wait; a form not finished is handed in as it is.

        Taking what one has already changes nothing. NotYours if somebody else owns the conversation, IllegalChange if
        the ticket has ended.
        """

        def work(transaction: Transaction) -> Ticket:
            ticket, conversation = _find(transaction, number)
            if conversation.owner == staff.name and ticket.assignee == staff.name and ticket.status == "assigned":
                return ticket
            if conversation.owner not in (None, staff.name):
                raise NotYours("其他工作人员正在接待这位访客。")
            now = self._clock()
            change(
                change(ticket, "waiting", now) if ticket.status == "collecting" else ticket, "assigned", now, staff.name
            )
            for each in transaction.tickets(conversation.id):
                if each.status in OPEN and each.status != "assigned":
                    self._assign(transaction, each, staff, now)
            transaction.update_conversation(replace(conversation, owner=staff.name, updated_at=now))
            if conversation.owner is None:
                transaction.add_message(conversation.id, "bot", wording.taken_over(staff.display), now=now)
            return _find(transaction, number)[0]

        return self._done(self._store.write(work))

    def release(self, number: int, staff: Staff) -> Ticket:
        """Give a conversation back to the bot; its tickets wait again."""

        def work(transaction: Transaction) -> Ticket:
            _, conversation = _owned(transaction, number, staff, leads=True)
            handoff.release(transaction, conversation, staff.name, self._clock())
            return _find(transaction, number)[0]

        return self._done(self._store.write(work))

    def transfer(self, number: int, staff: Staff, to: str, note: str = "") -> Ticket:
        """Hand a conversation on to a colleague; NoTicket where there is none of that name at work."""

        def work(transaction: Transaction) -> Ticket:
            _, conversation = _owned(transaction, number, staff, leads=True)
            colleague = transaction.staff(to)
            if colleague is None or not colleague.active or colleague.name == conversation.owner:
                raise NoTicket("没有可以转交的这位工作人员。")
            now = self._clock()
            for each in transaction.tickets(conversation.id):
                if each.status == "assigned":
                    moved = change(each, "assigned", now, colleague.name)
                    transaction.update_ticket(moved)
                    detail = f"转给 {colleague.name}" + (f"：{note}" if note else "")
                    transaction.add_event(TicketEvent(each.number, now, staff.name, "transferred", detail))
                    handoff.tell(
                        transaction, moved, self._dossier(moved), "ticket.transferred", f"转给 {colleague.display}", now
                    )
            transaction.update_conversation(replace(conversation, owner=colleague.name, updated_at=now))
            transaction.add_message(conversation.id, "bot", wording.taken_over(colleague.display), now=now)
            return _find(transaction, number)[0]

        return self._done(self._store.write(work))

    def conversation(self, number: int, staff: Staff) -> Conversation:
        """The conversation of a ticket, which must be this member's: NotYours where it is not."""
        return self._store.read(lambda transaction: _owned(transaction, number, staff)[1])

    def add_picture(self, number: int, staff: Staff, picture: Picture) -> None:
        """Keep whose picture it is, to be sent with a reply. Who may reply may; NotOffered where there are too many."""

        def work(transaction: Transaction) -> None:
            _, conversation = _owned(transaction, number, staff)
            since = self._clock() - PICTURE_DAY
            pictures = transaction.pictures(conversation.id)
            if sum(each.staff is not None and each.created_at >= since for each in pictures) >= MOST_PICTURES:
                raise NotOffered(f"一天之内最多可以向一位访客发送 {MOST_PICTURES} 张图片。")
            transaction.add_picture(picture)

        self._store.write(work)

    def reply(
        self,
        number: int,
        staff: Staff,
        text: str,
        *,
        answer: Answer | None = None,
        picture: str | None = None,
        client_message_id: str | None = None,
    ) -> Message:
        """Write to the visitor, with an entry quoted, a picture, both or neither; without a text where there is either.

        The same `client_message_id` again is one message. NotYours where the conversation is not this member's, Unknown
        where staff sent up no such picture for it.
        """
        if text or (answer is None and picture is None):
            check_text(text)

        def work(transaction: Transaction) -> Message:
            _, conversation = _find(transaction, number)
            if client_message_id and (sent := transaction.agent_message(conversation.id, client_message_id)):
                if (sent.text, sent.answer, sent.picture) != (text, answer, picture):
                    raise AlreadySent("这个消息编号已经用于另一条消息，请使用新的编号。")
                return sent
            _owned(transaction, number, staff)
            if picture is not None:
                _check_picture(transaction, conversation.id, picture)
            now = self._clock()
            message = transaction.add_message(
                conversation.id,
                "agent",
                text,
                now=now,
                client_message_id=client_message_id,
                agent=staff.display,
                answer=answer,
                picture=picture,
            )
            read = max(conversation.staff_read, message.sequence)
            transaction.update_conversation(replace(conversation, staff_read=read, updated_at=now))
            return message

        message = self._store.write(work)
        self._live.changed(message.conversation_id, QUEUE)
        return message

    def note(self, number: int, staff: Staff, text: str) -> None:
        """Keep a note that only staff see."""
        check_text(text)

        def work(transaction: Transaction) -> Ticket:
            ticket, _ = _find(transaction, number)
            transaction.add_event(TicketEvent(number, self._clock(), staff.name, "note", text))
            return ticket

        self._done(self._store.write(work))

    def resolve(self, number: int, staff: Staff, *, resolved: bool = True, note: str = "") -> Ticket:
        """End a ticket: resolved, or closed without a deed. With the last one the conversation is the bot's again."""

        def work(transaction: Transaction) -> Ticket:
            ticket, conversation = _owned(transaction, number, staff)
            now = self._clock()
            ticket = change(ticket, "resolved" if resolved else "closed", now)
            transaction.update_ticket(ticket)
            transaction.add_event(TicketEvent(number, now, staff.name, ticket.status, note))
            over = all(each.status != "assigned" for each in transaction.tickets(conversation.id))
            if over:
                conversation = replace(conversation, owner=None)
            transaction.update_conversation(replace(conversation, updated_at=now))
            said = wording.ended(number, resolved=resolved, rate=resolved and over)
            transaction.add_message(conversation.id, "bot", said, now=now)
            return ticket

        return self._done(self._store.write(work))

    def dismiss(self, number: int, staff: Staff, note: str = "") -> Ticket:
        """Close a ticket that waits and that nobody has to see to."""

        def work(transaction: Transaction) -> Ticket:
            ticket, conversation = _find(transaction, number)
            if ticket.status == "assigned":
                raise NotYours("有工作人员正在接待这位访客，请由其办结。")
            if ticket.status not in OPEN:
                raise IllegalChange(f"受理单 {number} 已经结束。")
            now = self._clock()
            ticket = handoff.end(transaction, ticket, "closed", staff.name, now, note)
            transaction.add_message(conversation.id, "bot", wording.ended(number, resolved=False, rate=False), now=now)
            transaction.update_conversation(replace(conversation, updated_at=now))
            return ticket

        return self._done(self._store.write(work))

    def read_up_to(self, number: int, staff: Staff, sequence: int) -> None:
        """The owner has read the messages up to a sequence number."""

        def work(transaction: Transaction) -> str | None:
            _, conversation = _find(transaction, number)
            last = transaction.last_messages(conversation.id, 1)
            read = min(sequence, last[0].sequence if last else 0)
            if conversation.owner != staff.name or read <= conversation.staff_read:
                return None
            transaction.update_conversation(replace(conversation, staff_read=read))
            return conversation.id

        if changed := self._store.write(work):
            self._live.changed(changed, QUEUE)

    def _assign(self, transaction: Transaction, ticket: Ticket, staff: Staff, now: datetime) -> None:
        if ticket.status == "collecting":
            ticket = change(ticket, "waiting", now)
            transaction.add_event(
                TicketEvent(ticket.number, now, staff.name, "handed_in", "登记未完成，由工作人员接手")
            )
        ticket = change(ticket, "assigned", now, staff.name)
        transaction.update_ticket(ticket)
        transaction.add_event(TicketEvent(ticket.number, now, staff.name, "taken"))

    def _masked(self, ticket: Ticket) -> Ticket:
        dossier = self._dossier(ticket)
        fields = {name: forms.masked(dossier.field(name), value) for name, value in ticket.fields.items()}
        return replace(ticket, fields=fields, comment=ticket.comment and mask(ticket.comment))

    def _dossier(self, ticket: Ticket) -> Dossier:
        return self._dossiers().get(ticket.reason) or Dossier(ticket.reason, "")

    def _done(self, ticket: Ticket) -> Ticket:
        self._live.changed(ticket.conversation_id, QUEUE)
        return ticket


def _check_picture(transaction: Transaction, conversation_id: str, picture_id: str) -> None:
    """Refuse a picture that staff did not send up for this conversation."""
    picture = transaction.picture(picture_id)
    if picture is None or picture.conversation_id != conversation_id or picture.staff is None:
        raise Unknown("没有这张图片，请重新上传后再发送。")


def _find(transaction: Transaction, number: int) -> tuple[Ticket, Conversation]:
    ticket = transaction.ticket(number)
    conversation = transaction.conversation(ticket.conversation_id) if ticket else None
    if ticket is None or conversation is None:
        raise NoTicket(f"没有编号为 {number} 的受理单。")
    return ticket, conversation


def _owned(transaction: Transaction, number: int, staff: Staff, *, leads: bool = False) -> tuple[Ticket, Conversation]:
    """The ticket and its conversation, which must be this member's; with `leads`, or anybody's for a lead or above."""
    ticket, conversation = _find(transaction, number)
    if conversation.owner is None:
        raise NotYours("请先接待这位访客。")
    if conversation.owner != staff.name and not (leads and staff.role in ("lead", "admin")):
        raise NotYours("其他工作人员正在接待这位访客。")
    return ticket, conversation


def _masked_message(message: Message) -> Message:
    reply = message.reply
    if reply is not None:
        step = reply.step and replace(reply.step, ask=mask(reply.step.ask))
        reply = replace(reply, text=mask(reply.text), step=step, question=reply.question and mask(reply.question))
    return replace(message, text=mask(message.text), reply=reply)


def _masked_event(event: TicketEvent) -> TicketEvent:
    return replace(event, detail=mask(event.detail))
