"""What staff see, as it goes on the wire: the queue, a ticket with everything around it, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from bot import contact, form, model
from bot.agent import File
from bot.api import schema
from bot.api import staff_schema as shape
from bot.api.dep import Service
from bot.api.staff_chat import chat_of
from bot.store.base import Transaction

PAGE: Final = 500
"""Waiting tickets that are shown at once."""

_ALL: Final = 1_000_000
_ACTORS: Final = {"visitor": "访客", "bot": "机器人"}

Names = Mapping[str, str]
"""What visitors call members of staff, by their names."""


def names_of(serving: Service) -> Names:
    """Everybody's display name, also of those who have left; keys go by their labels."""

    def work(transaction: Transaction) -> Names:
        keys = {f"key:{key.id}": key.label for key in transaction.api_keys()}
        return {**keys, **{staff.name: staff.display for staff in transaction.all_staff()}}

    return serving.store.read(work)


def queue_of(serving: Service, offset: int = 0, limit: int = PAGE) -> shape.Queue:
    """What waits, from a place on, and what is worked on. Nothing personal, so that nothing has to be hidden."""

    def work(transaction: Transaction) -> tuple[list[model.Ticket], list[model.Ticket], dict[str, int]]:
        waiting, assigned = (transaction.tickets_in([status], _ALL) for status in ("waiting", "assigned"))
        return waiting, assigned, _unread(transaction, assigned)

    waiting, assigned, unread = serving.store.read(work)
    names, now = names_of(serving), datetime.now(UTC)
    return shape.Queue(
        total=len(waiting),
        waiting=[
            _item(ticket, serving, names).model_copy(
                update={"position": place, "waited_seconds": _seconds(ticket, now)}
            )
            for place, ticket in enumerate(waiting[offset : offset + limit], offset + 1)
        ],
        assigned=[
            _item(ticket, serving, names).model_copy(update={"unread": unread.get(ticket.conversation_id, 0)})
            for ticket in assigned
        ],
    )


def same_queue(one: shape.Queue | None, other: shape.Queue) -> bool:
    """Whether two queues differ in nothing but that time has passed."""
    return one is not None and _timeless(one) == _timeless(other)


def file_of(file: File, serving: Service) -> shape.TicketFile:
    """A ticket with everything around it."""
    names, conversation = names_of(serving), file.conversation
    return shape.TicketFile(
        ticket=_ticket(file.ticket, serving, names),
        conversation=shape.ConversationView(
            id=conversation.id,
            channel=conversation.channel,
            system=conversation.system,
            audience=conversation.audience,
            created_at=conversation.created_at.isoformat(),
            owner=_person(conversation.owner, names),
            messages=len(file.messages),
            visitor_read=conversation.visitor_read,
            staff_read=conversation.staff_read,
        ),
        others=[ticket_state(each, serving) for each in file.tickets if each.number != file.ticket.number],
        messages=list(map(message_of, file.messages)),
        history=[
            shape.TicketLine(
                at=event.at.isoformat(),
                actor=event.actor,
                display=_ACTORS.get(event.actor) or names.get(event.actor, event.actor),
                kind=event.kind,
                detail=event.detail,
            )
            for event in file.events
        ],
        feedback=_feedback(file),
        masked=file.masked,
    )


def live_of(file: File, serving: Service) -> shape.TicketLive:
    """How a ticket and its conversation stand."""
    return shape.TicketLive(
        owner=_person(file.conversation.owner, names_of(serving)),
        status=file.ticket.status,
        tickets=[ticket_state(each, serving) for each in file.tickets],
        masked=file.masked,
        visitor_read=file.conversation.visitor_read,
        staff_read=file.conversation.staff_read,
        history=len(file.events),
        feedback=_feedback(file),
        qq=chat_of(file.conversation.id, serving),
    )


def message_of(message: model.Message) -> schema.HistoryMessage:
    """A message as staff see it.

    Without the visitor's own id of it: whoever knows that of the first message gets the conversation's token.
    """
    own = message.client_message_id if message.author == "agent" else None
    return schema.HistoryMessage.of(message).model_copy(update={"client_message_id": own})


def ticket_state(ticket: model.Ticket, serving: Service) -> schema.TicketState:
    """A ticket in short, without anything personal."""
    return schema.TicketState(
        number=ticket.number,
        reason=ticket.reason,
        label=_label(ticket, serving),
        status=ticket.status,
        stars=ticket.stars,
    )


def _feedback(file: File) -> list[shape.FeedbackLine]:
    """What the visitor thought of answers; `Agents` has hidden what has to be."""
    return [
        shape.FeedbackLine(message_id=each.message_id, helpful=each.helpful, reason=each.reason, at=each.at.isoformat())
        for each in file.feedback
    ]


def _ticket(ticket: model.Ticket, serving: Service, names: Names) -> shape.TicketView:
    return shape.TicketView(
        **ticket_state(ticket, serving).model_dump(),
        system=ticket.system,
        opened_at=ticket.opened_at.isoformat(),
        updated_at=ticket.updated_at.isoformat(),
        waiting_since=_time(ticket.waiting_since),
        taken_at=_time(ticket.taken_at),
        ended_at=_time(ticket.ended_at),
        assignee=_person(ticket.assignee, names),
        comment=ticket.comment,
        fields=list(_dossier(ticket, serving)),
    )


def _dossier(ticket: model.Ticket, serving: Service) -> Iterable[shape.DossierValue]:
    """The declared fields in their order, and what else was collected before the declaration changed."""
    reason = serving.bot.desk.reasons.get(ticket.reason)
    asked = {field.name: field for field in reason.dossier.fields} if reason else {}
    declared = asked | {field.name: field for field in contact.FIELDS}
    for name in dict.fromkeys((*asked, *ticket.fields)):
        field, value = declared.get(name), ticket.fields.get(name)
        pictured = field is not None and value is not None and form.is_picture(field, value)
        picture = value.removeprefix(form.PICTURE) if value and pictured else None
        yield shape.DossierValue(
            name=name,
            label=field.label if field else name,
            value=None if picture else value or None,
            picture=picture,
            required=bool(field and field.required),
        )


def _item(ticket: model.Ticket, serving: Service, names: Names) -> shape.QueueItem:
    return shape.QueueItem(
        number=ticket.number,
        reason=ticket.reason,
        label=_label(ticket, serving),
        system=ticket.system,
        opened_at=ticket.opened_at.isoformat(),
        waiting_since=_time(ticket.waiting_since),
        assignee=_person(ticket.assignee, names),
    )


def _timeless(queue: shape.Queue) -> shape.Queue:
    waiting = [item.model_copy(update={"waited_seconds": None}) for item in queue.waiting]
    return queue.model_copy(update={"waiting": waiting})


def _unread(transaction: Transaction, tickets: Iterable[model.Ticket]) -> dict[str, int]:
    """How many of the visitors' messages the owners of conversations have not read, by conversation."""
    unread = {}
    for conversation_id in {ticket.conversation_id for ticket in tickets}:
        if conversation := transaction.conversation(conversation_id):
            new = transaction.messages(conversation_id, conversation.staff_read)
            unread[conversation_id] = sum(message.author == "visitor" for message in new)
    return unread


def _label(ticket: model.Ticket, serving: Service) -> str:
    reason = serving.bot.desk.reasons.get(ticket.reason)
    return reason.dossier.label if reason else ticket.reason


def _person(name: str | None, names: Names) -> shape.Person | None:
    return None if name is None else shape.Person(name=name, display=names.get(name, name))


def _seconds(ticket: model.Ticket, now: datetime) -> int:
    return max(0, round((now - (ticket.waiting_since or ticket.opened_at)).total_seconds()))


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
