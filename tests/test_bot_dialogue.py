"""Turns of a conversation through the real Bot and SQLite store, over a desk of a few entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stored import NOW

from bot import wording
from bot.agent import Agents
from bot.decide import Thresholds
from bot.desk import Desk, Thought
from bot.dialogue import MOST_PICTURES, Bot
from bot.dossier import Dossier, Field
from bot.escalation import HUMAN, Reason
from bot.model import Picture, Staff, Ticket
from bot.store.base import StoreError
from bot.store.sqlite import SqliteStore
from bot.sweep import expire
from bot.turn import BadMessage, Incoming, MessageConflict, NotOffered, Pass, TooLong, Turn, Unknown
from faq.catalog import Catalog, System
from faq.entry import Entry
from faq.knowledge import KnowledgeBase
from index.build import build
from index.hybrid import HybridIndex
from index.segment import Segmenter

ENTRIES = (
    Entry("a-1", "a", "", "1", "账号被锁定怎么办", "请等六小时。"),
    Entry("a-2", "a", "", "2", "打印出现404", "产品填“无”。"),
    Entry("b-1", "b", "", "1", "加油站选择哪个经营方式", "选择加油站。"),
)
UNLOCK = Reason("unlock", Dossier("申请解锁", "可以转给客服解锁。", at_once=True), entries=("a-1",))
SENT = "a-random-id-of-the-client"


@pytest.fixture(scope="module")
def desk() -> Desk:
    catalog = Catalog((System("a", "甲系统"), System("b", "乙系统")))
    knowledge = KnowledgeBase(catalog, (), ENTRIES, (), "hash")
    segmenter = Segmenter()
    index = HybridIndex(build(knowledge, segmenter, None), segmenter, None)
    return Desk(index, (UNLOCK, HUMAN), Thresholds(answer=0.3))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield store
    store.close()


@pytest.fixture
def bot(store: SqliteStore, desk: Desk) -> Bot:
    return Bot(store, desk)


def holder(turn: Turn) -> Pass:
    assert turn.token is not None
    return Pass(turn.conversation.id, turn.token)


def said(bot: Bot, turn: Turn) -> list[tuple[str, str]]:
    return [(message.author, message.text) for message in bot.history(holder(turn))[1]]


def test_a_message_and_its_reply_are_stored_in_order(bot: Bot) -> None:
    """What was said is there again, word for word, and the reply whole."""
    first = bot.turn(Incoming("打印出现404"))
    bot.turn(Incoming("谢谢"), holder(first))
    conversation, messages = bot.history(holder(first))
    assert [message.sequence for message in messages] == [1, 2, 3, 4]
    assert messages[0].text == "打印出现404"
    assert messages[1].reply == first.reply
    assert first.reply.answer is not None
    assert first.reply.answer.entry_id == "a-2"
    assert conversation.channel == "web"


def test_only_the_first_reply_brings_the_token(bot: Bot) -> None:
    """Whoever holds it does not get it again."""
    first = bot.turn(Incoming("你好"))
    assert bot.turn(Incoming("在吗"), holder(first)).token is None


def test_a_token_opens_its_own_conversation_only(bot: Bot) -> None:
    """Another's token, a made-up one and a made-up conversation are all unknown."""
    first, second = bot.turn(Incoming("你好")), bot.turn(Incoming("你好"))
    for stranger in (
        Pass(first.conversation.id, holder(second).token),
        Pass(first.conversation.id, "口令"),
        Pass("ghost", bot.token("ghost")),
    ):
        with pytest.raises(Unknown):
            bot.turn(Incoming("偷看"), stranger)
        with pytest.raises(Unknown):
            bot.history(stranger)
    assert len(said(bot, first)) == 2


def test_tokens_survive_a_restart(bot: Bot, store: SqliteStore, desk: Desk) -> None:
    """The key lies in the database; another database has another."""
    first = bot.turn(Incoming("你好"))
    assert Bot(store, desk).history(holder(first))[0].id == first.conversation.id


def test_a_message_sent_again_is_answered_again_and_stored_once(bot: Bot) -> None:
    """The first message of a conversation, whose token may be lost with the reply, and a later one."""
    first = bot.turn(Incoming("打印出现404", client_message_id=SENT))
    assert bot.turn(Incoming("打印出现404", client_message_id=SENT)) == first
    later = Incoming("你好", client_message_id=SENT + "2")
    assert bot.turn(later, holder(first)).message_id == bot.turn(later, holder(first)).message_id
    assert len(said(bot, first)) == 4


def test_the_first_message_brings_no_token_once_the_conversation_went_on(bot: Bot) -> None:
    """Then its token had arrived; whoever repeats the message now may be a stranger who knows the id."""
    first = bot.turn(Incoming("打印出现404", client_message_id=SENT))
    bot.turn(Incoming("我的手机号是13800000000"), holder(first))
    with pytest.raises(MessageConflict):
        bot.turn(Incoming("打印出现404", client_message_id=SENT))
    again = bot.turn(Incoming("打印出现404", client_message_id=SENT), holder(first))
    assert (again.message_id, again.token) == (first.message_id, None)


def test_the_same_id_for_something_else_is_a_conflict_and_stores_nothing(bot: Bot) -> None:
    """Another text, or a choice, under a used id."""
    first = bot.turn(Incoming("打印出现404", client_message_id=SENT))
    for other in (Incoming("你好", client_message_id=SENT), Incoming(choose="a-1", client_message_id=SENT)):
        with pytest.raises(MessageConflict):
            bot.turn(other)
        with pytest.raises(MessageConflict):
            bot.turn(other, holder(first))
    assert len(said(bot, first)) == 2


def test_many_senders_of_one_message_get_one_reply(bot: Bot) -> None:
    """At once, as a new conversation and within one."""
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda _: bot.turn(Incoming("你好", client_message_id=SENT)), range(24)))
        assert len({turn.message_id for turn in turns}) == 1
        inside = Incoming("在吗", client_message_id=SENT + "2")
        again = list(pool.map(lambda _: bot.turn(inside, holder(turns[0])), range(24)))
    assert len({turn.message_id for turn in again}) == 1
    assert len(said(bot, turns[0])) == 4


def test_choosing_answers_with_the_entry_and_settles_the_system(bot: Bot) -> None:
    """The choice is stored as its question; afterwards the conversation is about that system."""
    first = bot.turn(Incoming(choose="a-1"))
    assert first.reply.text == "请等六小时。"
    assert first.reply.confidence == 1.0
    assert first.reply.escalation is not None
    assert first.reply.escalation.reason == "unlock"
    assert said(bot, first)[0] == ("visitor", "账号被锁定怎么办")
    later = bot.turn(Incoming("加油站选择哪个经营方式"), holder(first))
    assert later.conversation.system == "a"
    assert later.reply.answer is None


def test_a_known_system_can_be_taken_back(bot: Bot) -> None:
    """An empty system forgets it; none at all keeps it."""
    first = bot.turn(Incoming("你好", system="a"))
    kept = bot.turn(Incoming("加油站选择哪个经营方式"), holder(first))
    assert (kept.conversation.system, kept.reply.answer) == ("a", None)
    forgotten = bot.turn(Incoming("请问加油站选择哪个经营方式", system=""), holder(first))
    assert forgotten.conversation.system is None
    assert forgotten.reply.answer is not None


def test_naming_another_system_goes_before_the_known_one(bot: Bot) -> None:
    """The name in the message rules, and stays."""
    first = bot.turn(Incoming("你好", system="a"))
    named = bot.turn(Incoming("乙系统加油站选择哪个经营方式"), holder(first))
    assert named.reply.answer is not None
    assert named.reply.answer.entry_id == "b-1"
    assert named.conversation.system == "b"


def test_accepting_an_offer_opens_one_ticket_that_later_replies_know(bot: Bot) -> None:
    """The same ticket however often it is accepted or offered again."""
    first = bot.turn(Incoming("账号被锁定怎么办"))
    assert first.reply.escalation is not None
    assert first.reply.escalation.status == "offered"
    tickets = set()
    for incoming in (Incoming(accept="unlock"), Incoming(accept="unlock"), Incoming("账号被锁定怎么办")):
        escalation = bot.turn(incoming, holder(first)).reply.escalation
        assert escalation is not None
        assert escalation.status == "waiting"
        tickets.add(escalation.ticket)
    assert len(tickets) == 1
    assert None not in tickets


def test_only_what_was_offered_can_be_accepted(bot: Bot) -> None:
    """Except a person, who can always be asked for; and nothing is stored of the refused message."""
    first = bot.turn(Incoming("打印出现404"))
    with pytest.raises(NotOffered):
        bot.turn(Incoming(accept="unlock"), holder(first))
    with pytest.raises(NotOffered):
        bot.turn(Incoming(accept="unlock"))
    assert len(said(bot, first)) == 2
    escalation = bot.turn(Incoming(accept="human"), holder(first)).reply.escalation
    assert escalation is not None
    assert escalation.ticket


@pytest.mark.parametrize(
    ("incoming", "error"),
    [
        (Incoming(), BadMessage),
        (Incoming("你好", choose="a-1"), BadMessage),
        (Incoming(""), BadMessage),
        (Incoming(" \u3000\n"), BadMessage),
        (Incoming("a\x07"), BadMessage),
        (Incoming("\ud800"), BadMessage),
        (Incoming("字" * 2001), TooLong),
        (Incoming("你好", client_message_id="fifteen-letters"), BadMessage),
        (Incoming("你好", client_message_id="sixteen letters\n"), BadMessage),
        (Incoming("你好", system="c"), Unknown),
        (Incoming(choose="c-1"), Unknown),
        (Incoming(accept="money"), Unknown),
    ],
)
def test_what_cannot_be_taken_begins_no_conversation(
    bot: Bot, tmp_path: Path, incoming: Incoming, error: type[Exception]
) -> None:
    """Refused before anything is stored."""
    with pytest.raises(error):
        bot.turn(incoming)
    connection = sqlite3.connect(tmp_path / "conversations.db")
    for table in ("conversation", "message", "ticket"):
        assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)  # noqa: S608
    connection.close()


def test_what_cannot_be_stored_is_not_answered(bot: Bot, store: SqliteStore) -> None:
    """A reply that was given is on disk, so without a store there is none."""
    store.close()
    with pytest.raises(StoreError):
        bot.turn(Incoming("打印出现404"))


WANG = Staff("wang", "小王", "agent", True, NOW)


@pytest.fixture
def agents(store: SqliteStore, bot: Bot) -> Agents:
    store.write(lambda t: t.put_staff(WANG, "hash"))
    return Agents(store, bot.live)


def ticket_of(bot: Bot, turn: Turn) -> Ticket:
    """The last ticket of a conversation."""
    return bot.view(holder(turn)).tickets[-1]


def sent_up(bot: Bot, turn: Turn, number: int = 1, at: datetime | None = None) -> str:
    """The id of a picture that was sent up to a conversation."""
    picture = Picture(
        f"picture-{turn.conversation.id}-{number}", turn.conversation.id, "image/png", 9, 1, 1, at or datetime.now(UTC)
    )
    bot.add_picture(holder(turn), picture)
    return picture.id


def on_disk(folder: Path) -> bytes:
    """Everything that lies in the database's files, the write-ahead log too."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_a_password_is_hidden_before_it_is_stored(bot: Bot, tmp_path: Path) -> None:
    """Neither the message nor the reply nor any file has it, and the visitor is told so."""
    turn = bot.turn(Incoming("打印出现404，我的密码是Secret-4711"))
    assert turn.reply is not None
    assert turn.reply.note == wording.HIDDEN
    assert turn.reply.answer is not None
    assert said(bot, turn)[0] == ("visitor", "打印出现404，我的密码是******")
    assert "打印出现404".encode() in on_disk(tmp_path)
    assert b"Secret-4711" not in on_disk(tmp_path)


def test_a_password_is_hidden_from_tickets_remarks_and_while_a_person_talks(
    bot: Bot, agents: Agents, tmp_path: Path
) -> None:
    """Wherever a visitor can write."""
    first = bot.turn(Incoming("我要转人工，账号登录不上去，密码是Secret-4711"))
    assert ticket_of(bot, first).fields["details"].endswith("密码是******")
    agents.take(ticket_of(bot, first).number, WANG)
    bot.turn(Incoming("密码是Secret-4711"), holder(first))
    answered = bot.turn(Incoming("打印出现404"))
    bot.rate_answer(holder(answered), answered.message_id, helpful=False, reason="密码是Secret-4711")
    agents.resolve(ticket_of(bot, first).number, WANG)
    bot.rate_ticket(holder(first), ticket_of(bot, first).number, 3, "密码是Secret-4711")
    assert b"Secret-4711" not in on_disk(tmp_path)


def test_a_turn_says_that_something_was_hidden(bot: Bot, agents: Agents) -> None:
    """Also where the bot keeps silent and no note can say it."""
    first = bot.turn(Incoming("转人工"))
    assert not first.hidden
    agents.take(ticket_of(bot, first).number, WANG)
    leaked = Incoming("密码是Secret-4711", client_message_id=SENT)
    assert (bot.turn(leaked, holder(first)).hidden, bot.turn(Incoming("在吗"), holder(first)).hidden) == (True, False)
    assert bot.turn(leaked, holder(first)).hidden


def test_a_message_with_a_password_sent_again_is_the_same_turn(bot: Bot) -> None:
    """Though what is stored is not what was sent."""
    leaked = Incoming("密码是Secret-4711，登录不了", client_message_id=SENT)
    first = bot.turn(leaked)
    assert bot.turn(leaked) == first
    assert bot.turn(leaked, holder(first)).message_id == first.message_id
    assert len(said(bot, first)) == 2


def test_a_picture_is_stored_with_its_message(bot: Bot) -> None:
    """Alone and with a text, and again under the same id."""
    first = bot.turn(Incoming("你好"))
    picture = sent_up(bot, first)
    bot.turn(Incoming(picture=picture), holder(first))
    shown = Incoming("看这里", picture=picture, client_message_id=SENT)
    assert bot.turn(shown, holder(first)).message_id == bot.turn(shown, holder(first)).message_id
    messages = bot.history(holder(first))[1]
    assert [(message.text, message.picture) for message in messages if message.author == "visitor"] == [
        ("你好", None),
        ("", picture),
        ("看这里", picture),
    ]
    with pytest.raises(MessageConflict):
        bot.turn(Incoming("看这里", client_message_id=SENT), holder(first))


def test_a_picture_of_another_conversation_is_unknown(bot: Bot) -> None:
    """As one that was never sent up is; nothing is stored of the message."""
    first, second = bot.turn(Incoming("你好")), bot.turn(Incoming("你好"))
    for picture in (sent_up(bot, first), "picture-that-is-none", ""):
        with pytest.raises(Unknown):
            bot.turn(Incoming(picture=picture), holder(second))
        with pytest.raises(Unknown):
            bot.picture(holder(second), picture)
    assert len(said(bot, second)) == 2


def test_no_picture_begins_a_conversation(bot: Bot) -> None:
    """It would be another's, or none."""
    picture = sent_up(bot, bot.turn(Incoming("你好")))
    for unknown in (picture, "picture-that-is-none"):
        with pytest.raises(Unknown):
            bot.turn(Incoming(picture=unknown))


def test_a_conversation_holds_so_many_pictures(bot: Bot) -> None:
    """In a day; the next one is refused in words. Another conversation is not concerned."""
    first, second = bot.turn(Incoming("你好")), bot.turn(Incoming("你好"))
    sent_up(bot, first, -1, datetime.now(UTC) - timedelta(hours=25))
    for number in range(MOST_PICTURES):
        sent_up(bot, first, number)
    with pytest.raises(NotOffered, match="30 张图片"):
        sent_up(bot, first, MOST_PICTURES)
    assert sent_up(bot, second)


@pytest.mark.parametrize(
    "incoming",
    [Incoming(choose="a-1", picture="p" * 20), Incoming(accept="human", picture="p" * 20)],
)
def test_a_picture_goes_with_nothing_but_a_text(bot: Bot, incoming: Incoming) -> None:
    """A choice shows nothing."""
    with pytest.raises(BadMessage):
        bot.turn(incoming)


def test_while_a_person_owns_the_conversation_the_bot_keeps_silent(bot: Bot, agents: Agents) -> None:
    """The message is stored, and stored once; its turn has the message's own id."""
    first = bot.turn(Incoming("转人工"))
    agents.take(ticket_of(bot, first).number, WANG)
    told = Incoming("打印出现404", client_message_id=SENT)
    turn = bot.turn(told, holder(first))
    messages = bot.history(holder(first))[1]
    assert (turn.reply, turn.message_id, turn.sequence) == (None, messages[-1].id, 4)
    assert (messages[-1].author, messages[-1].text) == ("visitor", "打印出现404")
    assert bot.turn(told, holder(first)).message_id == turn.message_id
    for incoming in (Incoming("好的"), Incoming(choose="a-1"), Incoming(accept="human"), Incoming("5")):
        assert bot.turn(incoming, holder(first)).reply is None
    assert [ticket.reason for ticket in bot.view(holder(first)).tickets] == ["human"]


def test_who_talks_is_seen_by_the_visitor(bot: Bot, agents: Agents) -> None:
    """By the name to show; nobody once the conversation is given back."""
    first = bot.turn(Incoming("转人工"))
    assert bot.view(holder(first)).agent is None
    agents.take(ticket_of(bot, first).number, WANG)
    assert bot.view(holder(first)).agent == "小王"
    agents.release(ticket_of(bot, first).number, WANG)
    assert bot.view(holder(first)).agent is None


def test_another_program_that_talks_is_seen_by_the_visitor(bot: Bot, agents: Agents) -> None:
    """A key's owner is no member of staff, yet somebody talks."""
    first = bot.turn(Incoming("转人工"))
    agents.take(ticket_of(bot, first).number, Staff("key:1", "坐席系统", "agent", True, NOW))
    assert bot.view(holder(first)).agent


class Meanwhile(Desk):
    """A desk in whose thoughts something else happens, so many times."""

    def __init__(self, desk: Desk, deed: Callable[[], object], times: int = 1) -> None:
        super().__init__(desk.index, tuple(desk.reasons.values()), desk.thresholds)
        self.deed, self.left, self.thoughts = deed, times, 0

    def consider(self, text: str, system: str | None = None, audience: str | None = None) -> Thought:
        self.thoughts += 1
        if self.left:
            self.left -= 1
            self.deed()
        return super().consider(text, system, audience)


def test_a_reply_thought_out_while_a_person_took_over_is_dropped(bot: Bot, agents: Agents) -> None:
    """The message is stored after the person's coming, and the bot keeps silent."""
    first = bot.turn(Incoming("转人工"))
    number = ticket_of(bot, first).number
    bot.desk = Meanwhile(bot.desk, lambda: agents.take(number, WANG))
    assert bot.turn(Incoming("打印出现404"), holder(first)).reply is None
    assert [author for author, _ in said(bot, first)] == ["visitor", "bot", "bot", "visitor"]


def test_a_reply_thought_out_while_a_person_left_is_thought_out_again(bot: Bot, agents: Agents) -> None:
    """What counts is who owns the conversation when the message is stored."""
    first = bot.turn(Incoming("转人工"))
    number = ticket_of(bot, first).number

    def come_and_go() -> None:
        agents.take(number, WANG)
        agents.resolve(number, WANG)

    desk = bot.desk = Meanwhile(bot.desk, come_and_go)
    reply = bot.turn(Incoming("打印出现404"), holder(first)).reply
    assert reply is not None
    assert reply.note is not None
    assert desk.thoughts == 2


def test_a_turn_that_others_overtake_is_stored_in_the_end(bot: Bot, store: SqliteStore) -> None:
    """Thought out anew each time, stored once, no message lost."""
    first = bot.turn(Incoming("你好"))
    other = Bot(store, bot.desk)
    desk = bot.desk = Meanwhile(bot.desk, lambda: other.turn(Incoming("在吗"), holder(first)), times=5)
    turn = bot.turn(Incoming("打印出现404"), holder(first))
    assert (desk.thoughts, turn.sequence) == (6, 14)
    assert [message.sequence for message in bot.history(holder(first))[1]] == list(range(1, 15))


def test_a_conversation_deleted_in_the_middle_of_a_turn_is_unknown(bot: Bot, store: SqliteStore) -> None:
    """It does not come back."""
    first = bot.turn(Incoming("你好"))
    bot.desk = Meanwhile(bot.desk, lambda: store.write(lambda t: t.delete_conversation(first.conversation.id)))
    with pytest.raises(Unknown):
        bot.turn(Incoming("打印出现404"), holder(first))


def test_a_form_that_expires_in_the_middle_of_a_turn_stays_closed(bot: Bot, desk: Desk, store: SqliteStore) -> None:
    """Of a form nothing is said when it is swept, so no message tells the turn that things moved on."""
    field = Field("since", "开始时间", "从什么时候开始的？", ("text",))
    reason = Reason("fault", Dossier("故障", "", fields=(field,)), entries=("a-2",))
    bot.desk = Desk(desk.index, (reason,), desk.thresholds)
    first = bot.turn(Incoming("打印出现404"))
    bot.turn(Incoming("好的"), holder(first))
    bot.turn(Incoming("同意"), holder(first))
    later = datetime.now(UTC) + bot.office.cold_after
    bot.desk = Meanwhile(bot.desk, lambda: expire(store, bot.office, later))
    bot.turn(Incoming("昨天"), holder(first))
    assert [event.kind for event in store.read(lambda t: t.events(ticket_of(bot, first).number))][-1] == "expired"
    assert ticket_of(bot, first).status == "closed"


def test_two_first_messages_at_once_begin_one_conversation(bot: Bot, store: SqliteStore) -> None:
    """The second finds the first's reply when it comes to storing its own."""
    other = Bot(store, bot.desk)
    sent = Incoming("打印出现404", client_message_id=SENT)
    bot.desk = Meanwhile(bot.desk, lambda: other.turn(sent))
    turn = bot.turn(sent)
    assert turn == other.turn(sent)
    assert len(said(bot, turn)) == 2


def test_an_answer_is_rated_by_whoever_got_it(bot: Bot, store: SqliteStore) -> None:
    """The last word counts; other messages, others' and none at all are unknown."""
    first, second = bot.turn(Incoming("打印出现404")), bot.turn(Incoming("你好"))
    bot.rate_answer(holder(first), first.message_id, helpful=True)
    bot.rate_answer(holder(first), first.message_id, helpful=False, reason=" 与问题无关 ")
    [feedback] = store.read(lambda t: t.feedback(first.conversation.id))
    assert (feedback.message_id, feedback.helpful, feedback.reason) == (first.message_id, False, "与问题无关")
    question = bot.history(holder(first))[1][0].id
    for where, message in ((second, first.message_id), (second, second.message_id), (first, question), (first, "none")):
        with pytest.raises(Unknown):
            bot.rate_answer(holder(where), message, helpful=True)
    with pytest.raises(TooLong):
        bot.rate_answer(holder(first), first.message_id, helpful=True, reason="字" * 501)
    with pytest.raises(BadMessage):
        bot.rate_answer(holder(first), first.message_id, helpful=True, reason="a\x00")


def test_an_entry_that_a_person_quoted_is_rated_like_an_answer(bot: Bot, agents: Agents) -> None:
    """A person's own words are not."""
    first = bot.turn(Incoming("转人工"))
    number = ticket_of(bot, first).number
    agents.take(number, WANG)
    quoted = agents.reply(number, WANG, "", answer=bot.desk.quote(ENTRIES[0]))
    spoken = agents.reply(number, WANG, "请稍等")
    bot.rate_answer(holder(first), quoted.id, helpful=True)
    with pytest.raises(Unknown):
        bot.rate_answer(holder(first), spoken.id, helpful=True)


def test_a_ticket_is_rated_once_it_is_over(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """Again as often as the visitor changes his mind; not before, not another's, not beyond the scale."""
    first, second = bot.turn(Incoming("转人工")), bot.turn(Incoming("你好"))
    number = ticket_of(bot, first).number
    with pytest.raises(NotOffered):
        bot.rate_ticket(holder(first), number, 5)
    agents.take(number, WANG)
    agents.resolve(number, WANG)
    for where, which in ((second, number), (first, 999)):
        with pytest.raises(Unknown):
            bot.rate_ticket(holder(where), which, 5)
    for stars in (0, 6, -1):
        with pytest.raises(BadMessage):
            bot.rate_ticket(holder(first), number, stars)
    bot.rate_ticket(holder(first), number, 2, "太慢")
    bot.rate_ticket(holder(first), number, 5)
    assert (ticket_of(bot, first).stars, ticket_of(bot, first).comment) == (5, None)
    assert [e.detail for e in store.read(lambda t: t.events(number)) if e.kind == "rated"] == ["2", "5"]


def test_a_cancelled_form_cannot_be_rated(bot: Bot, desk: Desk) -> None:
    """Nobody did anything for it."""
    field = Field("details", "情况说明", "请说明情况。", ("text",))
    bot.desk = Desk(
        desk.index, (Reason("fault", Dossier("故障", "", fields=(field,)), entries=("a-2",)),), desk.thresholds
    )
    first = bot.turn(Incoming("打印出现404"))
    bot.turn(Incoming(accept="fault"), holder(first))
    bot.turn(Incoming("取消"), holder(first))
    with pytest.raises(NotOffered):
        bot.rate_ticket(holder(first), ticket_of(bot, first).number, 1)


def test_reading_goes_forward_and_not_beyond_the_last_message(bot: Bot) -> None:
    """Whatever a client says."""
    first = bot.turn(Incoming("你好"))
    for sequence, read in ((1, 1), (0, 1), (-5, 1), (2**31, 2), (1, 2)):
        bot.read_up_to(holder(first), sequence)
        assert bot.view(holder(first)).conversation.visitor_read == read


def test_only_the_holder_can_do_anything(bot: Bot) -> None:
    """Every door asks for the token."""
    first = bot.turn(Incoming("打印出现404"))
    thief = Pass(first.conversation.id, "0" * 64)
    picture = Picture("picture-of-a-stranger", first.conversation.id, "image/png", 9, 1, 1, NOW)
    for deed in (
        lambda: bot.view(thief),
        lambda: bot.read_up_to(thief, 1),
        lambda: bot.add_picture(thief, picture),
        lambda: bot.picture(thief, picture.id),
        lambda: bot.rate_answer(thief, first.message_id, helpful=True),
        lambda: bot.rate_ticket(thief, 1001, 5),
    ):
        with pytest.raises(Unknown):
            deed()


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("账号被锁定怎么办", Incoming(accept="unlock")),
        ("账号被锁定怎么办", Incoming("转人工")),
        (None, Incoming("转人工")),
    ],
)
def test_where_others_read_along_nothing_is_registered(
    bot: Bot, store: SqliteStore, question: str | None, order: Incoming
) -> None:
    """The answer is given as ever; who wants more is asked to come in private, and no ticket begins."""
    first = bot.turn(Incoming(question), channel="qq", public=True) if question else None
    if first is not None:
        assert first.reply is not None
        assert first.reply.text == "请等六小时。"
    turn = bot.turn(order, holder(first) if first else None, channel="qq", public=True)
    assert turn.reply is not None
    label = "申请解锁" if order.accept else HUMAN.dossier.label
    assert turn.reply.text == wording.not_here(label)
    assert store.read(lambda t: t.tickets(turn.conversation.id)) == []


def test_where_others_read_along_whoever_calls_a_person_is_answered_beside(bot: Bot, store: SqliteStore) -> None:
    """The answer stands, and above it where a person can be had."""
    turn = bot.turn(Incoming("账号被锁定怎么办，我要人工，快点转人工"), channel="qq", public=True)
    assert turn.reply is not None
    assert wording.not_here(HUMAN.dossier.label) in (turn.reply.note, turn.reply.text)
    assert store.read(lambda t: t.tickets(turn.conversation.id)) == []
