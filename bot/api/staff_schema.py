"""The shapes of the staff's requests and responses on the wire, with examples."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot import model
from bot.api.schema import HistoryMessage, TicketState

LONGEST_NOTE: Final = 500
LONGEST_TITLE: Final = 100
_LONGEST: Final = 1000  # of what is refused in better words further in

_MEMBER: Final = {"name": "wang", "display": "小王", "role": "agent"}
_PERSON: Final = {"name": "wang", "display": "小王"}
_AT: Final = "2026-01-05T01:30:00+00:00"
_CANNED: Final = {
    "id": "5b1c2d3e4f506172",
    "title": "已解锁",
    "text": "您的账号已解锁，请重新登录。",
    "updated_at": _AT,
}
_STATE: Final = {"number": 1001, "reason": "unlock", "label": "申请解锁账号", "status": "assigned", "stars": None}
_KEY: Final = {"id": "a1b2c3d4e5f6", "label": "数据大屏", "role": "agent", "created_at": _AT, "used_at": None}


def _example(example: Any) -> ConfigDict:
    return ConfigDict(from_attributes=True, json_schema_extra={"examples": [example]})


class Login(BaseModel):
    """Who logs in."""

    model_config = _example({"name": "wang", "password": "correct horse battery"})

    name: str = Field(max_length=_LONGEST)
    password: SecretStr = Field(max_length=_LONGEST)


class PasswordChange(BaseModel):
    """One's own password, the one until now and the next, 10 to 128 characters."""

    model_config = _example({"old": "correct horse battery", "new": "staple correct horse"})

    old: SecretStr = Field(max_length=_LONGEST)
    new: SecretStr = Field(max_length=_LONGEST)


class Person(BaseModel):
    """Somebody of the staff; `display` is what visitors see."""

    model_config = _example(_PERSON)

    name: str
    display: str


class Colleague(Person):
    """Somebody a conversation can be handed on to."""

    model_config = _example(_MEMBER)

    role: model.Role


class Colleagues(BaseModel):
    """Everybody of the staff who is active."""

    model_config = _example({"colleagues": [_MEMBER]})

    colleagues: list[Colleague]


class Me(Colleague):
    """Who is logged in."""

    model_config = _example({**_MEMBER, "csrf": "dGhpcyBpcyBub3QgYSByZWFsIHRva2Vu"})

    csrf: str | None = Field(description="To send as `X-CSRF-Token` with whatever is not GET; null for an API key.")


class QueueItem(BaseModel):
    """A ticket in the queue."""

    number: int
    reason: str
    label: str
    system: str | None
    opened_at: str = Field(description="ISO 8601, UTC.")
    waiting_since: str | None
    assignee: Person | None
    position: int | None = Field(default=None, description="The place among those that wait, from 1.")
    waited_seconds: int | None = Field(default=None, description="How long it has waited by now; only while it waits.")
    unread: int | None = Field(
        default=None, description="Visitor's messages that the assignee has not read; only while assigned."
    )


class Queue(BaseModel):
    """What there is to do: the longest wait first, and then what is worked on."""

    model_config = _example(
        {
            "waiting": [
                {
                    "number": 1002,
                    "reason": "unlock",
                    "label": "申请解锁账号",
                    "system": "zyb",
                    "opened_at": _AT,
                    "waiting_since": _AT,
                    "assignee": None,
                    "position": 1,
                    "waited_seconds": 75,
                    "unread": None,
                }
            ],
            "assigned": [],
            "total": 1,
        }
    )

    waiting: list[QueueItem]
    assigned: list[QueueItem]
    total: int = Field(description="How many wait, shown or not.")


class DossierValue(BaseModel):
    """A field of a ticket's dossier; `value` is null where nothing was given, and where a picture was."""

    name: str
    label: str
    value: str | None
    picture: str | None = Field(description="The id of the picture that is the field's value.")
    required: bool


class TicketView(TicketState):
    """A ticket and its dossier."""

    system: str | None
    opened_at: str
    updated_at: str
    waiting_since: str | None
    taken_at: str | None
    ended_at: str | None
    assignee: Person | None
    comment: str | None
    fields: list[DossierValue]


class ConversationView(BaseModel):
    """What is known of a conversation."""

    id: str
    channel: str
    system: str | None
    audience: str | None
    created_at: str
    owner: Person | None = Field(description="Who talks with the visitor; null while the bot does.")
    messages: int = Field(description="How many there are.")
    visitor_read: int
    staff_read: int


class TicketLine(BaseModel):
    """A line of a ticket's history."""

    at: str
    actor: str = Field(description="A member's name, `visitor` or `bot`.")
    display: str
    kind: str
    detail: str


class FeedbackLine(BaseModel):
    """What the visitor thought of an answer."""

    message_id: str
    helpful: bool
    reason: str
    at: str


class TicketFile(BaseModel):
    """Everything about a ticket; `masked`: personal data are hidden, since only the assignee sees them."""

    model_config = _example(
        {
            "ticket": {
                **_STATE,
                "system": "zyb",
                "opened_at": _AT,
                "updated_at": _AT,
                "waiting_since": _AT,
                "taken_at": _AT,
                "ended_at": None,
                "assignee": _PERSON,
                "comment": None,
                "fields": [
                    {"name": "phone", "label": "联系电话", "value": "138****5678", "picture": None, "required": True}
                ],
            },
            "conversation": {
                "id": "Xb1vD2yqk0sS3mJc9w4n1A",
                "channel": "web",
                "system": "zyb",
                "audience": "企业用户",
                "created_at": _AT,
                "owner": _PERSON,
                "messages": 2,
                "visitor_read": 2,
                "staff_read": 2,
            },
            "others": [],
            "messages": [],
            "history": [{"at": _AT, "actor": "visitor", "display": "访客", "kind": "opened", "detail": "申请解锁账号"}],
            "feedback": [],
            "masked": True,
        }
    )

    ticket: TicketView
    conversation: ConversationView
    others: list[TicketState] = Field(description="The visitor's other tickets.")
    messages: list[HistoryMessage]
    history: list[TicketLine]
    feedback: list[FeedbackLine]
    masked: bool


class QQDelivery(BaseModel):
    """A message to a visitor on QQ that did not arrive, or not all of it."""

    sequence: int
    state: Literal["sending", "held", "failed"] = Field(
        description="`held`: the visitor has to ask for the rest of a long message."
    )
    reason: str | None = Field(description="Why it failed, or why it is still under way; Chinese.")


class QQChat(BaseModel):
    """A conversation that is held on QQ."""

    group: bool = Field(description="In a group, or in private.")
    trouble: Literal["failed", "over", "unset"] | None = Field(
        description="Why the visitor may not be reached: a message failed; the time to reply is over, until the visitor"
        " writes again; QQ is not set up any more."
    )
    undelivered: list[QQDelivery] = Field(description="Messages that did not arrive, by their numbers.")


class TicketLive(BaseModel):
    """How a ticket and its conversation stand, sent whenever that changes."""

    model_config = _example(
        {
            "owner": _PERSON,
            "status": "assigned",
            "tickets": [_STATE],
            "masked": False,
            "visitor_read": 6,
            "staff_read": 5,
            "history": 3,
            "feedback": [{"message_id": "fCo2vZbWQ0eRr0oR3n5K2w", "helpful": True, "reason": "", "at": _AT}],
            "qq": None,
        }
    )

    owner: Person | None
    status: model.TicketStatus
    tickets: list[TicketState] = Field(description="All tickets of the conversation.")
    masked: bool = Field(description="When this changes, fetch the ticket anew: what was sent so far does not.")
    visitor_read: int
    staff_read: int
    history: int = Field(description="How many lines the ticket's history has.")
    feedback: list[FeedbackLine]
    qq: QQChat | None = Field(description="How it stands on QQ, where the conversation is held there.")


class Transfer(BaseModel):
    """To whom a conversation is handed on."""

    model_config = _example({"to": "li", "note": "需要核对企业信息"})

    to: str = Field(max_length=_LONGEST)
    note: str = Field(default="", max_length=LONGEST_NOTE)


class AgentReply(BaseModel):
    """What a person writes to the visitor: a text, an entry to quote word for word, a picture, or several of these."""

    model_config = _example({"text": "请按这一条操作。", "entry_id": "zyb-1.9"})

    text: str = Field(default="", description="At most 2,000 characters.")
    entry_id: str | None = Field(default=None, max_length=_LONGEST)
    picture_id: str | None = Field(
        default=None, max_length=_LONGEST, description="The id of a picture that staff sent up for this ticket before."
    )
    client_message_id: str | None = Field(
        default=None,
        pattern="^[!-~]{16,128}$",
        description="The sender's random id of this message; sending it again adds nothing and returns the first.",
    )


class Note(BaseModel):
    """A note that only staff see."""

    model_config = _example({"text": "已电话核实。"})

    text: str = Field(description="At most 2,000 characters.")


class Ending(BaseModel):
    """What is noted when a ticket ends."""

    model_config = _example({"note": "已在后台解锁"})

    note: str = Field(default="", max_length=LONGEST_NOTE)


class CannedText(BaseModel):
    """A reply to keep ready."""

    model_config = _example({"title": "已解锁", "text": "您的账号已解锁，请重新登录。"})

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    text: str = Field(description="At most 2,000 characters.")


class CannedReply(CannedText):
    """A reply that is kept ready."""

    model_config = _example(_CANNED)

    id: str
    updated_at: str


class CannedReplies(BaseModel):
    """All replies that are kept ready, by title."""

    model_config = _example({"canned": [_CANNED]})

    canned: list[CannedReply]


class User(Colleague):
    """An account."""

    model_config = _example({**_MEMBER, "active": True, "created_at": _AT})

    active: bool
    created_at: str


class Users(BaseModel):
    """All accounts, by name."""

    model_config = _example({"users": [{**_MEMBER, "active": True, "created_at": _AT}]})

    users: list[User]


class NewUser(BaseModel):
    """An account to make."""

    model_config = _example({**_MEMBER, "password": "correct horse battery"})

    name: str = Field(max_length=_LONGEST, description="2 to 40 of a-z, 0-9, `.`, `_` and `-`.")
    display: str = Field(max_length=_LONGEST)
    role: model.Role
    password: SecretStr = Field(max_length=_LONGEST, description="10 to 128 characters.")


class UserChange(BaseModel):
    """What is to be another; what is left out stays."""

    model_config = _example({"active": False})

    display: str | None = Field(default=None, max_length=_LONGEST)
    role: model.Role | None = None
    active: bool | None = None
    password: Annotated[SecretStr, Field(max_length=_LONGEST)] | None = None


class Key(BaseModel):
    """What is known of a key."""

    model_config = _example(_KEY)

    id: str
    label: str
    role: model.Role
    created_at: str
    used_at: str | None = Field(description="When it was last used, to the minute.")


class Keys(BaseModel):
    """All keys, the oldest first."""

    model_config = _example({"keys": [_KEY]})

    keys: list[Key]


class NewKey(BaseModel):
    """A key to make."""

    model_config = _example({"label": "数据大屏", "role": "agent"})

    label: str = Field(max_length=_LONGEST)
    role: model.Role


class KeyMade(Key):
    """A new key; `key` is the key itself, which is shown this once."""

    model_config = _example({**_KEY, "key": "zx_…"})

    key: str
