"""The shapes of requests and responses on the wire, with examples; the conversation's own values are in `bot.model`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot import model

CONVERSATION_ID: Final = "[A-Za-z0-9_-]{1,64}"
"""What a conversation's id looks like; a text that does not is answered with 404, as an unknown id is."""

LONGEST_NAME: Final = 200

_ANSWER_EXAMPLE = {
    "entry_id": "zyb-1.9",
    "question": "登录账号被锁定，请在 6小时后重试",
    "answer": '请打开百度搜索窗口，在搜索栏中输入"IP"，把搜索出来的 IP 截图发给登陆界面“在线咨询”的客服，'
    "稍后会进行解锁；或 6 个小时后重试。",
    "source": {"system": "职业病危害项目申报系统", "document": "常见问题", "section": "企业用户", "number": "9"},
}
_REPLY_EXAMPLE = {
    "decision": "answer",
    "text": _ANSWER_EXAMPLE["answer"],
    "answer": _ANSWER_EXAMPLE,
    "options": [],
    "escalation": {"reason": "unlock", "label": "申请解锁账号", "status": "offered", "ticket": None},
    "related": [{"entry_id": "zyb-1.1", "label": "企业用户输入账号密码无法登陆或忘记账号密码"}],
    "confidence": 0.97,
    "search": "hybrid",
}
_CHAT_REPLY_EXAMPLE = {
    **_REPLY_EXAMPLE,
    "conversation_id": "Xb1vD2yqk0sS3mJc9w4n1A",
    "conversation_token": "9f0c…",
    "message_id": "0b9c6c6a5d3f4c0e8a3c1d6d0f0a7b11",
    "sequence": 2,
}
_HISTORY_EXAMPLE = {
    "conversation_id": "Xb1vD2yqk0sS3mJc9w4n1A",
    "agent": None,
    "system": "zyb",
    "tickets": [],
    "visitor_read": 2,
    "staff_read": 0,
    "messages": [
        {
            "message_id": "6d2a1f0c9b3e4d5fa7c8e1b2d3f40516",
            "sequence": 1,
            "author": "visitor",
            "text": "账号被锁了，帮我解一下",
            "created_at": "2026-01-05T01:30:00+00:00",
            "reply": None,
        },
        {
            "message_id": "0b9c6c6a5d3f4c0e8a3c1d6d0f0a7b11",
            "sequence": 2,
            "author": "bot",
            "text": _ANSWER_EXAMPLE["answer"],
            "created_at": "2026-01-05T01:30:00+00:00",
            "reply": _REPLY_EXAMPLE,
        },
    ],
}
_SEARCH_EXAMPLE = {
    "query": "账号被锁定",
    "system": None,
    "search": "hybrid",
    "hits": [
        {
            "entry_id": "zyb-1.9",
            "system": "zyb",
            "section": "企业用户",
            "question": _ANSWER_EXAMPLE["question"],
            "answer": _ANSWER_EXAMPLE["answer"],
            "confidence": 0.97,
            "relevance": 0.99,
            "matched": "账号被锁定了怎么办",
            "features": {"question": 0.93, "words": 0.81, "pairs": 0.78, "fuzzy": 0.86},
        }
    ],
}
_OPTION_EXAMPLE = {"entry_id": "zyb-1.9", "label": "登录账号被锁定，请在 6小时后重试"}
_SYSTEMS_EXAMPLE = {
    "systems": [
        {
            "key": "whjy",
            "name": "危险化学品经营安全监管系统",
            "portal": "https://whjy.mem.gov.cn",
            "hotline": None,
            "examples": [{"entry_id": "whjy-1.2.2", "label": "登录时，忘记密码"}],
        }
    ]
}
_WELCOME_EXAMPLE = {
    "systems": [
        {
            "key": "whjy",
            "name": "危险化学品经营安全监管系统",
            "portal": "https://whjy.mem.gov.cn",
            "hotline": None,
        }
    ],
    "system": "whjy",
    "most_asked": [{"entry_id": "whjy-1.2.2", "label": "登录时，忘记密码"}],
    "open": False,
    "hours": "周一至周五 9:00–12:00、13:30–17:30，法定节假日除外",
    "opens": "今天 13:30",
}


def _example(example: Any) -> ConfigDict:
    return ConfigDict(from_attributes=True, json_schema_extra={"examples": [example]})


class ChatRequest(BaseModel):
    """A visitor's message: exactly one of `text`, `choose` and `accept`; or a picture, alone or with a text."""

    model_config = _example(
        {"text": "账号被锁了，帮我解一下", "client_message_id": "3q2-7wAAAABkZWFkYmVlZg", "system": "zyb"}
    )

    text: str | None = Field(None, description="What the visitor typed, at most 2,000 characters.")
    choose: str | None = Field(None, max_length=LONGEST_NAME, description="The id of an offered entry.")
    accept: str | None = Field(
        None, max_length=LONGEST_NAME, description="The name of an offered escalation reason; opens a ticket."
    )
    picture: str | None = Field(
        None, max_length=LONGEST_NAME, description="The id of a picture that was sent up to this conversation before."
    )
    client_message_id: str | None = Field(
        None,
        description="The sender's random id of this message, 16 to 128 printable ASCII characters. Sending it again "
        "with the same content returns the first reply; with other content it is a conflict.",
    )
    conversation_id: str | None = Field(
        None,
        description="The conversation to go on with, whose token is sent along; without it one begins.",
        json_schema_extra={"pattern": f"^{CONVERSATION_ID}$"},
    )
    system: str | None = Field(
        None,
        max_length=LONGEST_NAME,
        description="The key of the system that the page or channel is about; empty to take back the one known so far.",
    )


class Beginning(BaseModel):
    """What is known before a word was said."""

    model_config = _example({"system": "zyb"})

    system: str | None = Field(
        None, max_length=LONGEST_NAME, description="The key of the system that the page is about."
    )


class Joining(BaseModel):
    """An invitation to go on with a conversation."""

    model_config = _example({"code": "Xb1vD2yqk0sS3mJc9w4n1A", "key": "0b9c6c6a5d3f4c0e8a3c1d6d0f0a7b11"})

    code: str = Field(min_length=1, max_length=100, description="What stands behind `#` in the invitation's address.")
    key: str = Field(
        pattern="^[A-Za-z0-9_-]{22,100}$",
        description="A random secret of the sender's, at least 128 bits: once taken, the code is good for it alone.",
    )
    held: str | None = Field(
        None,
        max_length=LONGEST_NAME,
        description="The id of the conversation that the sender holds. Invited to another one, they are refused with "
        "409, and the code stays as it was; invited to this one, they are answered on QQ no more.",
    )


class Begun(BaseModel):
    """An empty conversation."""

    model_config = _example({"conversation_id": "Xb1vD2yqk0sS3mJc9w4n1A", "conversation_token": "9f0c…"})

    conversation_id: str
    conversation_token: str = Field(description="The secret to send as `Authorization: Bearer` from now on.")


class Source(BaseModel):
    """Where an answer stands in the documents."""

    model_config = ConfigDict(from_attributes=True)

    system: str
    document: str
    section: str
    number: str


class Answer(BaseModel):
    """An entry, word for word."""

    model_config = _example(_ANSWER_EXAMPLE)

    entry_id: str
    question: str
    answer: str
    source: Source


class Option(BaseModel):
    """An entry to choose."""

    model_config = ConfigDict(from_attributes=True)

    entry_id: str
    label: str


class Escalation(BaseModel):
    """A hand-over to a person, offered or under way."""

    model_config = ConfigDict(from_attributes=True)

    reason: str
    label: str
    status: model.TicketStatus
    ticket: int | None = Field(description="The number to name on the phone, once a ticket is open.")


class Step(BaseModel):
    """What a form asks for next."""

    model_config = ConfigDict(from_attributes=True)

    field: str = Field(description="The field's name, or `consent` or `confirm`.")
    label: str
    ask: str = Field(description="The question; it is shown after the reply's text.")
    kinds: list[str] = Field(description="What is taken: text, company, phone, image …")
    required: bool
    choices: list[str] = Field(description="Answers to offer as buttons; sent as `text`.")
    left: int = Field(description="How many fields are still empty.")


class Reply(BaseModel):
    """What the bot says."""

    model_config = ConfigDict(from_attributes=True)

    decision: model.Decision | Literal["silent"] = Field(
        description="`talk` is about the conversation itself; `silent`: a person owns it, and the bot says nothing."
    )
    text: str = Field(description="What to show where only text can be shown; of an answer, the entry's own words.")
    answer: Answer | None
    options: list[Option]
    escalation: Escalation | None
    related: list[Option]
    confidence: Annotated[float, Field(ge=0, le=1, description="The probability that the first hit answers.")]
    search: Literal["hybrid", "keyword"] = Field(description="`keyword` when the sentence encoder is not available.")
    step: Step | None = Field(None, description="What the form that is being filled in asks for next.")
    note: str | None = Field(None, description="To show before everything else, such as that a password was hidden.")


class ChatReply(Reply):
    """The reply to a message, stored before it was given."""

    model_config = _example(_CHAT_REPLY_EXAMPLE)

    conversation_id: str
    conversation_token: str | None = Field(
        description="Only in the first reply: the secret to send as `Authorization: Bearer` from now on."
    )
    message_id: str = Field(description="The reply's id; the visitor's message's where the bot is silent.")
    sequence: int


class HistoryMessage(BaseModel):
    """A message of a conversation; a bot's message has its reply, unless it only tells what happened."""

    message_id: str
    sequence: int
    author: model.Author
    text: str
    created_at: str = Field(description="ISO 8601, UTC.")
    reply: Reply | None
    agent: str | None = Field(None, description="The name of the person who wrote.")
    answer: Answer | None = Field(None, description="The entry that a person quotes.")
    picture: str | None = Field(None, description="The id of a picture that came along.")
    client_message_id: str | None = Field(None, description="The sender's own id of the message.")

    @classmethod
    def of(cls, message: model.Message) -> HistoryMessage:
        """The message on the wire."""
        return cls(
            message_id=message.id,
            sequence=message.sequence,
            author=message.author,
            text=message.text,
            created_at=message.created_at.isoformat(),
            reply=Reply.model_validate(message.reply) if message.reply else None,
            agent=message.agent,
            answer=Answer.model_validate(message.answer) if message.answer else None,
            picture=message.picture,
            client_message_id=message.client_message_id if message.author == "visitor" else None,
        )


class TicketState(BaseModel):
    """How a request of the visitor stands."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="The number to name on the phone.")
    reason: str
    label: str
    status: model.TicketStatus
    stars: int | None = Field(None, description="The visitor's rating, once given.")


class State(BaseModel):
    """Who talks with the visitor, how requests stand, and how far each side has read."""

    model_config = _example(
        {
            "agent": "小王",
            "system": "zyb",
            "tickets": [
                {"number": 1001, "reason": "unlock", "label": "申请解锁账号", "status": "assigned", "stars": None}
            ],
            "visitor_read": 6,
            "staff_read": 5,
        }
    )

    agent: str | None = Field(description="The name of the person who owns the conversation; null while the bot does.")
    system: str | None
    tickets: list[TicketState]
    visitor_read: int
    staff_read: int


class History(State):
    """A conversation from its beginning."""

    model_config = _example(_HISTORY_EXAMPLE)

    conversation_id: str
    messages: list[HistoryMessage]


class PictureKept(BaseModel):
    """A picture was taken; send its id with a message."""

    model_config = _example({"picture_id": "q3vJx0bQe0m0r1N3d2b0Yw", "width": 1080, "height": 2400})

    picture_id: str
    width: int
    height: int


class ReadMark(BaseModel):
    """How far somebody has read."""

    model_config = _example({"sequence": 6})

    sequence: Annotated[int, Field(ge=0, le=2**31)]


class AnswerRating(BaseModel):
    """What the visitor thinks of an answer."""

    model_config = _example(
        {"message_id": "0b9c6c6a5d3f4c0e8a3c1d6d0f0a7b11", "helpful": False, "reason": "与问题无关"}
    )

    message_id: str = Field(max_length=LONGEST_NAME)
    helpful: bool
    reason: str = ""


class Contact(BaseModel):
    """How a visitor wants to be reached about a ticket."""

    model_config = _example({"ticket": 1001, "name": "李女士", "phone": "0311-87654321", "details": "下午方便接电话"})

    ticket: Annotated[int, Field(ge=0, le=2**53)]
    name: str | None = Field(None, description="At most 40 characters.")
    phone: str = Field(description="A mobile number, or a landline with its area code.")
    details: str | None = Field(None, description="At most 2,000 characters.")


class TicketRating(BaseModel):
    """What the visitor thinks of the service, 1 (poor) to 5."""

    model_config = _example({"ticket": 1001, "stars": 5, "comment": "很快就解决了"})

    ticket: Annotated[int, Field(ge=0, le=2**53)]
    stars: Annotated[int, Field(ge=1, le=5)]
    comment: str = ""


class SearchHit(BaseModel):
    """An entry found, and why."""

    entry_id: str
    system: str
    section: str
    question: str
    answer: str
    confidence: float = Field(description="The probability that it answers and no other entry does better.")
    relevance: float = Field(description="The probability that it bears on the query.")
    matched: str = Field(description="The title or similar question that came nearest.")
    features: dict[str, float] = Field(description="The measures behind the score.")


class SearchResult(BaseModel):
    """Hits, best first."""

    model_config = _example(_SEARCH_EXAMPLE)

    query: str
    system: str | None
    search: Literal["hybrid", "keyword"]
    hits: list[SearchHit]


class Suggestions(BaseModel):
    """Entries for what is being typed."""

    model_config = _example({"suggestions": [_OPTION_EXAMPLE]})

    suggestions: list[Option]


class SystemInfo(BaseModel):
    """A system the help desk answers for."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    name: str
    portal: str | None
    hotline: str | None
    examples: list[Option] = Field(description="A few of its entries, to show what can be asked.")


class SystemBrief(BaseModel):
    """A system, and how else to reach it."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    name: str
    portal: str | None
    hotline: str | None


class Welcome(BaseModel):
    """What the widget shows before a word was said."""

    model_config = _example(_WELCOME_EXAMPLE)

    systems: list[SystemBrief]
    system: str | None = Field(description="The system that the page is about.")
    most_asked: list[Option] = Field(description="What visitors asked for most lately, then what comes first.")
    open: bool = Field(description="Whether staff are there now.")
    hours: str = Field(description="When staff are there, in Chinese.")
    opens: str | None = Field(
        description="When staff will be back, in Chinese; null while they are there, or where they never are."
    )


class Systems(BaseModel):
    """All systems."""

    model_config = _example(_SYSTEMS_EXAMPLE)

    systems: list[SystemInfo]


class Health(BaseModel):
    """The process runs."""

    model_config = _example({"status": "ok"})

    status: Literal["ok"] = "ok"


_BOT: Final = {"platform": "qq", "ready": False, "trouble": "连不上 QQ 平台", "heard_at": None}


class QQBot(BaseModel):
    """How a bot on QQ stands."""

    model_config = _example(_BOT)

    platform: Literal["qq", "onebot"] = Field(description="The official platform, or a OneBot v11 client.")
    ready: bool = Field(description="Whether messages can go out.")
    trouble: str | None = Field(description="Why it is not ready, in Chinese.")
    heard_at: str | None = Field(description="When it last heard a message since the server's start.")


class Readiness(BaseModel):
    """What is ready to serve."""

    model_config = _example(
        {"status": "ready", "search": "hybrid", "entries": 34, "index": "5f1d…", "qq": [_BOT], "detail": None}
    )

    status: Literal["ready"] = "ready"
    search: Literal["hybrid", "keyword"]
    entries: int
    index: str = Field(description="The content hash of the documents that the index was made of.")
    qq: list[QQBot] = Field(description="The bots on QQ, where a way there is set up.")
    detail: str | None = Field(description="What an operator should know, in Chinese.")


class Problem(BaseModel):
    """An error, RFC 9457; `detail` is for the visitor to read."""

    model_config = _example(
        {
            "type": "about:blank",
            "title": "Content Too Large",
            "status": 413,
            "detail": "消息太长了，请控制在 2000 字以内，或分几条发送。",
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    fields: dict[str, str] | None = Field(None, description="What is wrong with single fields, in Chinese, by name.")
