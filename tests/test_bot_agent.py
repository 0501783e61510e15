"""What staff do with conversations, on a real store with visitors' turns by the real Bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fake
import pytest

from bot import wording
from bot.agent import AgentError, Agents, AlreadySent, File, NoTicket, NotYours
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.dossier import Dossier, Field
from bot.escalation import HUMAN, Reason
from bot.live import QUEUE
from bot.model import Message, Staff, Ticket
from bot.store.sqlite import SqliteStore
from bot.ticket import IllegalChange
from bot.turn import Incoming, Pass, TurnError

BEGAN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
WANG, LI, ZHAO, GONE = (
    Staff(name, display, "agent", active, BEGAN)
    for name, display, active in (
        ("wang", "小王", True),
        ("li", "小李", True),
        ("zhao", "小赵", True),
        ("gone", "某", False),
    )
)
UNLOCK = Reason("unlock", Dossier("申请解锁", "可以解锁。", at_once=True), entries=("a-1",))
PHONE = Field("phone", "手机号", "请提供手机号码。", ("phone",))
FAULT = Reason("fault", Dossier("反馈故障", "可以反馈。", fields=(PHONE,)), entries=("a-2",))
NUMBER = "13812345678"
HIDDEN = "138****5678"


class Clock:
    """A clock that goes a second each time somebody looks."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="module")
def desk() -> Desk:
    knowledge = fake.knowledge_of(
        fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"), fake.entry("a-2", "打印出现404", "产品填无。")
    )
    return Desk(fake.index_of(knowledge), (UNLOCK, FAULT, HUMAN), Thresholds(answer=0.3))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "conversations.db")
    for staff in (WANG, LI, ZHAO, GONE):
        store.write(lambda t, staff=staff: t.put_staff(staff, "hash"))
    yield store
    store.close()


@pytest.fixture
def bot(store: SqliteStore, desk: Desk) -> Bot:
    return Bot(store, desk, clock=Clock())


@pytest.fixture
def agents(store: SqliteStore, bot: Bot, desk: Desk) -> Agents:
    return Agents(
        store, bot.live, lambda: {name: reason.dossier for name, reason in desk.reasons.items()}, clock=Clock()
    )


def visit(bot: Bot, *incoming: Incoming | str) -> Pass:
    """A visitor's conversation in which these things were said and done."""
    holder: Pass | None = None
    for each in incoming:
        turn = bot.turn(Incoming(each) if isinstance(each, str) else each, holder)
        holder = holder or Pass(turn.conversation.id, turn.token or "")
    assert holder is not None
    return holder


def waiting(bot: Bot) -> tuple[Pass, int]:
    """A conversation with a ticket that waits, and its number."""
    holder = visit(bot, "转人工")
    return holder, bot.view(holder).tickets[-1].number


def statuses(bot: Bot, holder: Pass) -> list[tuple[str, str, str | None]]:
    return [(ticket.reason, ticket.status, ticket.assignee) for ticket in bot.view(holder).tickets]


def history(store: SqliteStore, number: int) -> list[tuple[str, str, str]]:
    return [(event.actor, event.kind, event.detail) for event in store.read(lambda t: t.events(number))]


def last(bot: Bot, holder: Pass) -> Message:
    return bot.history(holder)[1][-1]


def test_taking_a_ticket_takes_the_conversation_over(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """The visitor reads who talks now; the history has who took it."""
    holder, number = waiting(bot)
    ticket = agents.take(number, WANG)
    assert (ticket.status, ticket.assignee, ticket.taken_at is not None) == ("assigned", "wang", True)
    assert bot.view(holder).conversation.owner == "wang"
    assert (last(bot, holder).author, last(bot, holder).text) == ("bot", wording.taken_over("小王"))
    assert history(store, number)[-1] == ("wang", "taken", "")


def test_taking_twice_changes_nothing(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """A second press of the button leaves neither a message nor a line."""
    holder, number = waiting(bot)
    first = agents.take(number, WANG)
    said, lines = len(bot.history(holder)[1]), len(history(store, number))
    assert agents.take(number, WANG) == first
    assert (len(bot.history(holder)[1]), len(history(store, number))) == (said, lines)


def test_a_conversation_has_one_owner(bot: Bot, agents: Agents) -> None:
    """A second member of staff is refused and nothing changes."""
    holder, number = waiting(bot)
    taken = agents.take(number, WANG)
    with pytest.raises(NotYours):
        agents.take(number, LI)
    assert bot.view(holder).tickets == (taken,)


def test_one_of_many_who_take_at_once_gets_it(bot: Bot, agents: Agents) -> None:
    """The others are refused."""
    holder, number = waiting(bot)

    def take(staff: Staff) -> bool:
        try:
            return agents.take(number, staff).assignee == staff.name
        except NotYours:
            return False

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(take, (WANG, LI, ZHAO))) == 1
    assert sum("正在为您服务" in message.text for message in bot.history(holder)[1]) == 1


def test_all_tickets_of_a_conversation_go_along(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """Those that wait, and a form as far as it got; the visitor reads of it once."""
    holder = visit(bot, "账号被锁定怎么办", "好的", "转人工", "打印出现404", "好的", "同意")
    assert [status for _, status, _ in statuses(bot, holder)] == ["waiting", "waiting", "collecting"]
    numbers = [ticket.number for ticket in bot.view(holder).tickets]
    agents.take(numbers[1], WANG)
    assert {(status, who) for _, status, who in statuses(bot, holder)} == {("assigned", "wang")}
    assert [line[1] for line in history(store, numbers[2])] == ["opened", "handed_in", "taken"]
    assert sum("正在为您服务" in message.text for message in bot.history(holder)[1]) == 1
    assert bot.turn(Incoming(NUMBER), holder).reply is None


def test_a_form_can_be_taken_itself(bot: Bot, agents: Agents) -> None:
    """A visitor who is stuck is helped; what was filled in stays."""
    holder = visit(bot, "打印出现404", "好的", "同意", "138")
    ticket = agents.take(bot.view(holder).tickets[0].number, WANG)
    assert (ticket.status, ticket.asked) == ("assigned", None)


def test_what_has_ended_is_not_taken(bot: Bot, agents: Agents) -> None:
    """Resolved or closed; it would have to be reopened first. Other tickets do not come along by mistake."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    agents.resolve(number, WANG)
    for staff in (WANG, LI):
        with pytest.raises(IllegalChange):
            agents.take(number, staff)
    assert bot.view(holder).conversation.owner is None


def test_what_is_not_there_is_not_found(agents: Agents) -> None:
    """By any deed."""
    deeds: tuple[Callable[[], object], ...] = (
        lambda: agents.take(1, WANG),
        lambda: agents.file(1, WANG),
        lambda: agents.release(1, WANG),
        lambda: agents.transfer(1, WANG, "li"),
        lambda: agents.reply(1, WANG, "您好"),
        lambda: agents.note(1, WANG, "备注"),
        lambda: agents.resolve(1, WANG),
        lambda: agents.dismiss(1, WANG),
        lambda: agents.read_up_to(1, WANG, 1),
    )
    for deed in deeds:
        with pytest.raises(NoTicket):
            deed()


@pytest.mark.parametrize("owner", [None, LI])
def test_only_the_owner_acts(bot: Bot, agents: Agents, owner: Staff | None) -> None:
    """Not before taking over, and not in a colleague's conversation."""
    holder, number = waiting(bot)
    if owner:
        agents.take(number, owner)
    before = (bot.view(holder), bot.history(holder))
    deeds: tuple[Callable[[], object], ...] = (
        lambda: agents.reply(number, WANG, "您好"),
        lambda: agents.release(number, WANG),
        lambda: agents.transfer(number, WANG, "zhao"),
        lambda: agents.resolve(number, WANG),
    )
    for deed in deeds:
        with pytest.raises(NotYours):
            deed()
    assert (bot.view(holder), bot.history(holder)) == before


def test_a_reply_is_the_agents_message(bot: Bot, agents: Agents, desk: Desk) -> None:
    """With the name to show and the entry quoted, which may stand alone; staff have read up to it."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    agents.reply(number, WANG, "您好")
    quote = desk.quote(desk.knowledge.entries[0])
    message = agents.reply(number, WANG, "", answer=quote)
    assert (message.author, message.agent, message.answer, message.sequence) == ("agent", "小王", quote, 5)
    assert last(bot, holder) == message
    assert bot.view(holder).conversation.staff_read == 5


@pytest.mark.parametrize("text", ["", "  ", "字" * 2001, "a\x00"])
def test_what_is_no_text_is_not_sent(bot: Bot, agents: Agents, text: str) -> None:
    """As with visitors."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    for deed in (lambda: agents.reply(number, WANG, text), lambda: agents.note(number, WANG, text)):
        with pytest.raises(TurnError):
            deed()
    assert last(bot, holder).author == "bot"


def test_a_reply_sent_again_is_stored_once(bot: Bot, agents: Agents) -> None:
    """Also after the conversation was given back, and in any number at once."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _: agents.reply(number, WANG, "您好", client_message_id="id-of-console"), range(8)))
    assert len({message.id for message in sent}) == 1
    agents.release(number, WANG)
    assert agents.reply(number, WANG, "您好", client_message_id="id-of-console") == sent[0]
    assert sum(message.author == "agent" for message in bot.history(holder)[1]) == 1


def test_the_same_id_for_another_reply_is_refused(bot: Bot, agents: Agents, desk: Desk) -> None:
    """Another text or another entry; two conversations may have the same id."""
    _, number = waiting(bot)
    _, other = waiting(bot)
    for each in (number, other):
        agents.take(each, WANG)
        agents.reply(each, WANG, "您好", client_message_id="id-of-console")
    quote = desk.quote(desk.knowledge.entries[0])
    for text, answer in (("再见", None), ("您好", quote)):
        with pytest.raises(AlreadySent):
            agents.reply(number, WANG, text, answer=answer, client_message_id="id-of-console")


def test_releasing_lets_the_ticket_wait_and_the_bot_talk(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """The visitor is told, the tickets have nobody."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    assert agents.release(number, WANG).status == "waiting"
    assert statuses(bot, holder) == [("human", "waiting", None)]
    assert last(bot, holder).text == wording.RELEASED
    assert history(store, number)[-1] == ("wang", "released", "")
    assert bot.turn(Incoming("账号被锁定怎么办"), holder).reply is not None
    assert agents.take(number, LI).assignee == "li"


def test_transferring_moves_everything_to_the_colleague(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """Owner and tickets; the visitor reads the new name, the colleague is notified."""
    holder = visit(bot, "账号被锁定怎么办", "好的", "转人工")
    number = bot.view(holder).tickets[0].number
    agents.take(number, WANG)
    assert agents.transfer(number, WANG, "li", "熟悉解锁").assignee == "li"
    assert {who for *_, who in statuses(bot, holder)} == {"li"}
    assert (bot.view(holder).conversation.owner, last(bot, holder).text) == ("li", wording.taken_over("小李"))
    assert history(store, number)[-1] == ("wang", "transferred", "转给 li：熟悉解锁")
    assert [n.kind for n in store.read(lambda t: t.notices())].count("ticket.transferred") == 2
    with pytest.raises(NotYours):
        agents.reply(number, WANG, "您好")
    agents.reply(number, LI, "您好")


@pytest.mark.parametrize("to", ["nobody", "gone", "wang", ""])
def test_a_conversation_is_handed_to_a_colleague_at_work(bot: Bot, agents: Agents, to: str) -> None:
    """Not to a stranger, somebody who rests, or oneself."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    with pytest.raises(NoTicket):
        agents.transfer(number, WANG, to)
    assert bot.view(holder).conversation.owner == "wang"


def test_resolving_the_last_ticket_gives_the_conversation_back(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """And not the one before; each time the visitor is told and asked for a rating."""
    holder = visit(bot, "账号被锁定怎么办", "好的", "转人工")
    first, second = (ticket.number for ticket in bot.view(holder).tickets)
    agents.take(first, WANG)
    agents.resolve(first, WANG, note="已解锁")
    assert bot.view(holder).conversation.owner == "wang"
    assert last(bot, holder).text == wording.ended(first, resolved=True, rate=False)
    agents.resolve(second, WANG)
    assert bot.view(holder).conversation.owner is None
    assert history(store, first)[-1] == ("wang", "resolved", "已解锁")
    assert {(status, who) for _, status, who in statuses(bot, holder)} == {("resolved", "wang")}


def test_closing_without_a_deed_asks_for_no_rating(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """It ends the ticket all the same."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    assert agents.resolve(number, WANG, resolved=False).status == "closed"
    assert "评分" not in last(bot, holder).text
    assert history(store, number)[-1] == ("wang", "closed", "")
    with pytest.raises(AgentError):
        agents.resolve(number, WANG)


def test_dismissing_closes_what_nobody_has_to_see_to(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """Without taking it over first."""
    holder, number = waiting(bot)
    assert agents.dismiss(number, WANG, "重复").status == "closed"
    assert (bot.view(holder).conversation.owner, last(bot, holder).text) == (
        None,
        wording.ended(number, resolved=False, rate=False),
    )
    assert history(store, number)[-1] == ("wang", "closed", "重复")


def test_what_is_worked_on_is_not_dismissed(bot: Bot, agents: Agents) -> None:
    """By nobody, the assignee included: there are other buttons for that."""
    holder, number = waiting(bot)
    agents.take(number, LI)
    for staff in (WANG, LI):
        with pytest.raises(NotYours):
            agents.dismiss(number, staff)
    assert statuses(bot, holder) == [("human", "assigned", "li")]


def test_what_has_ended_is_not_dismissed(bot: Bot, agents: Agents) -> None:
    """A resolved ticket stays resolved, and its visitor hears nothing."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    agents.resolve(number, WANG)
    said = len(bot.history(holder)[1])
    with pytest.raises(IllegalChange):
        agents.dismiss(number, LI)
    assert (statuses(bot, holder), len(bot.history(holder)[1])) == ([("human", "resolved", "wang")], said)


def leaky(bot: Bot) -> tuple[Pass, Ticket]:
    """A conversation with the visitor's number wherever it can be."""
    holder = visit(bot, "转人工", "打印出现404", "好的", "同意", NUMBER)
    bot.turn(Incoming("确认"), holder)
    asked = bot.turn(Incoming(f"我的电话{NUMBER}，打印出现404"), holder)
    bot.turn(Incoming("那甲系统呢"), holder)
    bot.rate_answer(holder, asked.message_id, helpful=False, reason=f"请打{NUMBER}")
    return holder, bot.view(holder).tickets[-1]


def test_only_the_assignee_sees_personal_data(bot: Bot, agents: Agents) -> None:
    """In full once taken over; a colleague sees them masked, as everybody does before."""
    _, ticket = leaky(bot)
    agents.note(ticket.number, LI, f"请回电 {NUMBER}")
    before = agents.file(ticket.number, WANG)
    assert before.masked
    assert before.ticket.fields == {"phone": HIDDEN}
    assert NUMBER not in str((before.ticket, before.tickets, before.events, before.conversation))
    assert HIDDEN in str(before.messages)
    agents.take(ticket.number, WANG)
    mine, theirs = agents.file(ticket.number, WANG), agents.file(ticket.number, LI)
    assert (mine.masked, theirs.masked) == (False, True)
    assert NUMBER in str(mine.messages)
    assert mine.ticket.fields == {"phone": NUMBER}


def masked(bot: Bot, agents: Agents) -> File:
    return agents.file(leaky(bot)[1].number, LI)


def test_a_masked_file_has_no_number_in_its_messages(bot: Bot, agents: Agents) -> None:
    """Neither in texts nor in what a reply was about."""
    assert NUMBER not in str(masked(bot, agents).messages)


def test_a_masked_file_has_no_number_in_its_feedback(bot: Bot, agents: Agents) -> None:
    """A visitor may have left it there."""
    file = masked(bot, agents)
    assert file.feedback
    assert NUMBER not in str(file.feedback)


def test_a_rating_is_masked_too(bot: Bot, agents: Agents) -> None:
    """Its comment is the visitor's."""
    holder, number = waiting(bot)
    agents.take(number, WANG)
    agents.resolve(number, WANG)
    bot.rate_ticket(holder, number, 1, f"没人打{NUMBER}")
    assert agents.file(number, LI).ticket.comment == f"没人打{HIDDEN}"
    assert agents.file(number, WANG).ticket.comment == f"没人打{NUMBER}"


def test_whoever_was_the_assignee_sees_nothing_new(bot: Bot, agents: Agents) -> None:
    """Once a colleague has the conversation, an ended ticket of one's own opens it no more."""
    holder = visit(bot, "账号被锁定怎么办", "好的", "转人工")
    first, second = (ticket.number for ticket in bot.view(holder).tickets)
    agents.take(first, WANG)
    agents.resolve(first, WANG)
    agents.transfer(second, WANG, "li")
    bot.turn(Incoming(f"我的电话{NUMBER}"), holder)
    assert NUMBER not in str(agents.file(first, WANG).messages)


def test_a_file_can_be_read_on_from_where_one_was(bot: Bot, agents: Agents) -> None:
    """Only the messages above a sequence number; the rest as ever."""
    _, number = waiting(bot)
    whole, rest = agents.file(number, WANG), agents.file(number, WANG, after=1)
    assert [message.sequence for message in rest.messages] == [2]
    assert replace(rest, messages=whole.messages) == whole


def test_a_note_is_for_staff_only(bot: Bot, agents: Agents, store: SqliteStore) -> None:
    """It lies in the history, by anybody, in any state, and the visitor hears nothing."""
    holder, number = waiting(bot)
    said = bot.history(holder)[1]
    agents.note(number, LI, "已电话联系")
    assert history(store, number)[-1] == ("li", "note", "已电话联系")
    assert bot.history(holder)[1] == said


def test_the_owners_reading_goes_forward(bot: Bot, agents: Agents) -> None:
    """Never back or beyond the last message, and nobody else's counts."""
    holder, number = waiting(bot)
    agents.read_up_to(number, WANG, 2)
    assert bot.view(holder).conversation.staff_read == 0
    agents.take(number, WANG)
    for staff, sequence, read in ((LI, 3, 0), (WANG, 2, 2), (WANG, 1, 2), (WANG, 2**31, 3)):
        agents.read_up_to(number, staff, sequence)
        assert bot.view(holder).conversation.staff_read == read


def test_an_owner_is_set_exactly_while_a_ticket_is_assigned(bot: Bot, agents: Agents) -> None:
    """After every deed, and then it is that ticket's assignee."""
    holder = visit(bot, "账号被锁定怎么办", "好的", "转人工")
    first, second = (ticket.number for ticket in bot.view(holder).tickets)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: agents.take(first, WANG),
        lambda: agents.transfer(second, WANG, "li"),
        lambda: agents.release(first, LI),
        lambda: agents.dismiss(first, ZHAO),
        lambda: agents.take(second, ZHAO),
        lambda: agents.resolve(second, ZHAO),
        lambda: bot.turn(Incoming("打印出现404"), holder),
        lambda: agents.take(second, LI),
        lambda: agents.resolve(second, LI, resolved=False),
    )
    for deed in deeds:
        deed()
        view = bot.view(holder)
        assert {t.assignee for t in view.tickets if t.status == "assigned"} == {view.conversation.owner} - {None}


def test_whoever_listens_is_told(bot: Bot, agents: Agents) -> None:
    """Who watches the conversation and who watches the queue, of all but a reading that changes nothing."""
    holder, number = waiting(bot)
    deeds: dict[str, Callable[[], object]] = {
        "take": lambda: agents.take(number, WANG),
        "reply": lambda: agents.reply(number, WANG, "您好"),
        "read": lambda: agents.read_up_to(number, WANG, 4),
        "note": lambda: agents.note(number, WANG, "备注"),
        "transfer": lambda: agents.transfer(number, WANG, "li"),
        "release": lambda: agents.release(number, LI),
        "dismiss": lambda: agents.dismiss(number, LI),
    }
    told: dict[str, set[str]] = {}

    async def listen() -> None:
        with bot.live.watch(holder.conversation_id) as visitor, bot.live.watch(QUEUE) as queue:
            for name, deed in deeds.items():
                deed()
                await asyncio.sleep(0)
                told[name] = {who for who, watch in (("visitor", visitor), ("queue", queue)) if watch._woken.is_set()}
                await visitor.wait(0)
                await queue.wait(0)

    asyncio.run(listen())
    both = {"visitor", "queue"}
    assert told == dict.fromkeys(deeds, both) | {"read": set()}
