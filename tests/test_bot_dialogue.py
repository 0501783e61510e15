"""Turns of a conversation through the real Bot and SQLite store, over a desk of a few entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import BadMessage, Bot, Incoming, MessageConflict, NotOffered, Pass, TooLong, Turn, Unknown
from bot.dossier import Dossier
from bot.escalation import HUMAN, Reason
from bot.store.base import StoreError
from bot.store.sqlite import SqliteStore
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
