"""How a visitor wants to be reached who does not wait: what they leave with a ticket while nobody is there. Pure.

It lies among the ticket's fields under names of its own, so that nothing a form collected is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.dossier import Field
from bot.field import FieldError, check, find
from bot.mask import hide_secrets
from bot.model import Ticket, TicketEvent
from bot.store.base import Transaction
from bot.ticket import OPEN
from bot.turn import NotOffered, TurnError, Unknown, check_text

LONGEST_NAME: Final = 40

FIELDS: Final = (
    Field("contact_name", "联系人", "请填写怎么称呼您。", ("text",), required=False),
    Field("contact_phone", "联系电话", "请填写您的手机号码，或带区号的座机号码。", ("phone",)),
    Field("contact_details", "补充说明", "请写下还需要说明的情况。", ("text",), required=False),
)
"""What can be left; each field's name is `contact_` and what the visitor's form calls it."""


class BadContact(TurnError):
    """Something filled in is not right; `fields` says what, in Chinese, by the names in the visitor's form."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(next(iter(fields.values())))
        self.fields = dict(fields)


def read_contact(name: str, phone: str, details: str) -> dict[str, str]:
    """What is to be kept, by field name, without secrets; BadContact otherwise. Name and details may be empty."""
    kept: dict[str, str] = {}
    wrong: dict[str, str] = {}
    readers: Mapping[str, tuple[str, Callable[[str], str]]] = {
        "name": (name, _read_name),
        "phone": (phone, lambda typed: check("phone", typed)),
        "details": (details, _read_details),
    }
    for asked, (typed, read) in readers.items():
        try:
            value = read(hide_secrets(typed)[0])
        except (FieldError, TurnError) as error:
            wrong[asked] = str(error)
        else:
            kept |= {f"contact_{asked}": value} if value else {}
    if wrong:
        raise BadContact(wrong)
    return kept


def keep_contact(
    transaction: Transaction, conversation_id: str, number: int, contact: Mapping[str, str], now: datetime
) -> bool:
    """Keep what was read with a ticket of the conversation; False where it is kept already.

    Unknown for another's ticket, NotOffered for one that is over.
    """
    ticket = transaction.ticket(number)
    if ticket is None or ticket.conversation_id != conversation_id:
        raise Unknown("没有这个受理单。")
    fields = {**ticket.fields, **contact}
    if fields == ticket.fields:
        return False
    if ticket.status not in OPEN:
        raise NotOffered(f"受理单 {number} 已经结束，如需继续办理，请直接在这里留言。")
    transaction.update_ticket(replace(ticket, fields=fields, updated_at=now))
    left = "、".join(field.label for field in FIELDS if field.name in contact)
    transaction.add_event(TicketEvent(number, now, "visitor", "contact", f"留下联系方式：{left}"))
    return True


def has_phone(ticket: Ticket) -> bool:
    """Whether a phone number is among a ticket's fields."""
    return any(find("phone", value) for value in ticket.fields.values())


def _read_name(typed: str) -> str:
    name = " ".join(typed.split())
    if len(name) > LONGEST_NAME:
        raise FieldError(f"称呼最多 {LONGEST_NAME} 个字，您填写了 {len(name)} 个字。")
    if not name.isprintable():
        raise FieldError("称呼里有无法识别的字符，请删除后重新填写。")
    return name


def _read_details(typed: str) -> str:
    if typed.strip():
        check_text(typed)
    return typed.strip()
