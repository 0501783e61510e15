"""What the bot says in the course of a conversation, by the real Bot and SQLite store over a desk of a few entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fake
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import wording
from bot.agent import AgentError, Agents
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.dossier import Dossier, Field
from bot.escalation import HUMAN, Reason
from bot.handoff import Office
from bot.hours import Hours
from bot.model import Picture, Reply, Staff, Ticket
from bot.store.sqlite import SqliteStore
from bot.ticket import IllegalChange
from bot.turn import Incoming, Pass

COMPANY = Field("company", "单位名称", "请提供单位全称。", ("company",), ("公司",))
PHONE = Field("phone", "手机号", "请提供手机号码。", ("phone",), ("电话",))
DETAILS = Field("details", "情况说明", "请说明情况。", ("text",), ("情况",), heard=True)
SHOT = Field("shot", "页面截图", "请发送截图。", ("image",), required=False)
APPEAL = Reason(
    "appeal",
    Dossier("申请申诉", "可以登记申诉。", "", "客服会联系您。", (COMPANY, PHONE, DETAILS, SHOT)),
    entries=("a-1",),
)
UNLOCK = Reason("unlock", Dossier("申请解锁", "可以解锁。", at_once=True), entries=("a-2",))
FAULT = Reason("fault", Dossier("反馈故障", "可以反馈。", fields=(DETAILS, PHONE)), cues=(re.compile("白屏"),))
NAME = "石家庄某某化工有限公司"
WANG = Staff("wang", "小王", "agent", True, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def desk() -> Desk:
    knowledge = fake.knowledge_of(
        fake.entry("a-1", "账号申诉一直不通过", "请联系区县。"),
        fake.entry("a-2", "账号被锁定怎么办", "请等六小时。"),
        fake.entry("a-3", "忘记密码怎么找回", "企业自己找回。", audience="企业用户"),
        fake.entry("a-4", "忘记密码如何找回", "机构由上级重置。", audience="管理机构"),
        fake.entry("b-1", "加油站选择哪个经营方式", "选择加油站。"),
        fake.entry("b-2", "打印出现404", "产品填无。"),
    )
    return Desk(fake.index_of(knowledge), (APPEAL, UNLOCK, FAULT, HUMAN), Thresholds(answer=0.3))


@dataclass
class Talk:
    """A visitor's conversation, with a clock that tests set forward."""

    store: SqliteStore
    desk: Desk
    office: Office = field(default_factory=lambda: Office(Hours.read("always")))
    now: datetime = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    holder: Pass | None = None

    def __post_init__(self) -> None:
        self.bot = Bot(self.store, self.desk, self.office, clock=lambda: self.now)
        self.agents = Agents(self.store, self.bot.live, clock=lambda: self.now)
        self.store.write(lambda t: t.put_staff(WANG, "hash"))

    def silent(self, text: str | None = None, **what: Any) -> Reply | None:
        """Say something a second later; the reply, if there is one."""
        self.now += timedelta(seconds=1)
        turn = self.bot.turn(Incoming(text, **what), self.holder)
        if self.holder is None and turn.token is not None:
            self.holder = Pass(turn.conversation.id, turn.token)
        return turn.reply

    def say(self, *texts: str, **what: Any) -> Reply:
        """Say one thing after the other, or do something else; the last reply."""
        for text in texts[:-1]:
            assert self.silent(text) is not None
        reply = self.silent(texts[-1] if texts else None, **what)
        assert reply is not None
        return reply

    def picture(self, name: str = "picture-number-0001") -> str:
        """The id of a picture that was sent up."""
        assert self.holder is not None
        kept = Picture(name, self.holder.conversation_id, "image/png", 9, 1, 1, self.now)
        self.bot.add_picture(self.holder, kept)
        return kept.id

    @property
    def tickets(self) -> list[Ticket]:
        assert self.holder is not None
        number = self.holder.conversation_id
        return self.store.read(lambda t: t.tickets(number))

    @property
    def ticket(self) -> Ticket:
        return self.tickets[-1]

    def resolved(self) -> None:
        """A person takes the last ticket and resolves it."""
        self.agents.take(self.ticket.number, WANG)
        self.agents.resolve(self.ticket.number, WANG)


@pytest.fixture
def talk(tmp_path: Path, desk: Desk) -> Iterator[Talk]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield Talk(store, desk)
    store.close()


def entry(reply: Reply) -> str | None:
    return reply.answer.entry_id if reply.answer else None


def asked(reply: Reply) -> str | None:
    return reply.step.field if reply.step else None


def appealing(talk: Talk, *texts: str) -> Reply:
    """A form for an appeal, consented to and filled in with these messages."""
    return talk.say("账号申诉一直不通过", "好的", "同意", *texts)


@pytest.mark.parametrize(
    "text", ["2", "第二个", "选②", "2.", "忘记密码如何找回", "【管理机构】忘记密码如何找回", "a-4"]
)
def test_an_option_is_picked_by_its_number_or_label(talk: Talk, text: str) -> None:
    """Typed instead of pressed; the label with what stands before it or without."""
    assert [option.entry_id for option in talk.say("忘记密码").options] == ["a-3", "a-4"]
    assert entry(talk.say(text)) == "a-4"


def test_a_number_that_is_not_offered_is_said_to_be_none(talk: Talk) -> None:
    """The options come again, and one of them can be picked then."""
    reply = talk.say("忘记密码", "7")
    assert (reply.decision, reply.text) == ("clarify", "没有第 7 项，请选择 1 到 2：")
    assert entry(talk.say("1")) == "a-3"


def test_a_suggestion_beside_a_refusal_is_picked_by_its_number(talk: Talk) -> None:
    """As an option is."""
    assert [option.entry_id for option in talk.say("乙系统账号被锁定怎么办").related] == ["a-2"]
    assert entry(talk.say("1")) == "a-2"


def test_a_number_means_nothing_once_something_else_was_said(talk: Talk) -> None:
    """Only what the bot said last can be picked from."""
    talk.say("忘记密码", "谢谢")
    assert entry(talk.say("2")) != "a-4"


def test_a_yes_accepts_what_was_offered(talk: Talk) -> None:
    """A word or the offer's own label; no other reply in between."""
    for text in ("好的", "需要", "申请申诉"):
        talk.holder = None
        reply = talk.say("账号申诉一直不通过", text)
        assert (reply.text, asked(reply)) == ("好的，现在为您登记：申请申诉。", "consent")
        assert talk.ticket.fields == {}


def test_a_no_declines_what_was_offered(talk: Talk) -> None:
    """Courteously, and a later yes accepts nothing."""
    reply = talk.say("账号申诉一直不通过", "不用了")
    assert (reply.decision, reply.text) == ("talk", wording.ALRIGHT)
    talk.say("好的")
    assert talk.tickets == []


def test_a_question_is_taken_up_for_another_audience(talk: Talk) -> None:
    """「那管理机构呢」 is the question once more; the role is remembered and restricts from then on."""
    assert entry(talk.say("企业用户忘记密码怎么找回")) == "a-3"
    assert entry(talk.say("那管理机构呢")) == "a-4"
    assert entry(talk.say("账号被锁定怎么办")) == "a-2"
    assert entry(talk.say("忘记密码怎么找回")) == "a-4"


def test_a_question_is_taken_up_for_another_system(talk: Talk) -> None:
    """It restricts as if the question had named it, and stays."""
    talk.say("账号被锁定怎么办")
    reply = talk.say("那乙系统呢")
    assert (entry(reply), reply.question) == (None, "账号被锁定怎么办")
    assert entry(talk.say("账号被锁定了")) is None
    assert entry(talk.say("那甲系统呢")) == "a-2"


def test_a_redirection_without_a_question_is_a_message_like_any_other(talk: Talk) -> None:
    """There is nothing to ask again."""
    assert talk.say("那管理机构呢").question is None


def test_a_redirection_passes_over_small_talk(talk: Talk) -> None:
    """Thanks, numbers and yeses are no questions."""
    talk.say("企业用户忘记密码怎么找回", "谢谢", "再见")
    assert entry(talk.say("那管理机构呢")) == "a-4"


def test_an_introduction_is_not_answered(talk: Talk) -> None:
    """Who says for whom he speaks is asked for his question, and the role is remembered."""
    reply = talk.say("我是管理机构的")
    assert (reply.answer, reply.options, reply.text) == (None, (), wording.INTRODUCED)
    assert entry(talk.say("忘记密码怎么找回")) == "a-4"


def test_asking_how_far_it_is_tells_the_place(talk: Talk) -> None:
    """While a ticket waits; then that somebody works on it is the person's to say."""
    talk.say("转人工")
    reply = talk.say("怎么样了")
    assert reply.text == f"您的“转人工客服”已经登记，受理编号 {talk.ticket.number}。{wording.queued(0, None)}"
    assert reply.escalation is not None
    assert (reply.escalation.ticket, reply.escalation.status) == (talk.ticket.number, "waiting")


def test_asking_how_far_it_is_without_a_ticket_is_a_question(talk: Talk) -> None:
    """There is no request it could be about."""
    reply = talk.say("怎么样了")
    assert (reply.decision != "talk", reply.escalation) == (True, None)


def test_with_nothing_to_cancel_the_visitor_is_told_so(talk: Talk) -> None:
    """And, where a ticket waits, how to take it back; it waits on."""
    assert talk.say("取消").text == wording.NOTHING_TO_CANCEL
    talk.say("转人工")
    assert talk.say("取消").text == wording.withdrawable([talk.ticket.number])
    assert talk.ticket.status == "waiting"


def test_what_waits_can_be_taken_back(talk: Talk) -> None:
    """All of it, with a line in the history."""
    talk.say("账号被锁定怎么办", "好的", "转人工")
    assert talk.say("撤回").text == wording.WITHDRAWN
    assert [ticket.status for ticket in talk.tickets] == ["closed", "closed"]
    number = talk.ticket.number
    assert talk.store.read(lambda t: t.events(number))[-1].kind == "cancelled"


def test_what_was_taken_back_is_not_reopened(talk: Talk) -> None:
    """The next question is a question."""
    talk.say("转人工", "撤回")
    assert talk.say("打印出现404").note is None
    assert talk.ticket.status == "closed"


def test_what_a_person_works_on_is_not_taken_back_by_the_bot(talk: Talk) -> None:
    """The person reads it."""
    talk.say("转人工")
    talk.agents.take(talk.ticket.number, WANG)
    assert talk.silent("撤回") is None
    assert talk.ticket.status == "assigned"


def test_what_a_person_left_behind_can_be_taken_back(talk: Talk) -> None:
    """It waits again by then."""
    talk.say("转人工")
    talk.agents.take(talk.ticket.number, WANG)
    talk.now += timedelta(hours=24)
    talk.say("撤回")
    assert talk.ticket.status == "closed"


def test_asking_for_a_person_opens_a_ticket_at_once(talk: Talk) -> None:
    """With the last question; asking again tells how it stands."""
    talk.say("打印出现404怎么处理")
    reply = talk.say("转人工")
    assert reply.escalation is not None
    assert (reply.escalation.status, talk.ticket.fields) == ("waiting", {"details": "打印出现404怎么处理"})
    assert str(talk.ticket.number) in reply.text
    assert talk.say("转人工").text.startswith("您的“转人工客服”已经登记")
    assert len(talk.tickets) == 1


def test_a_long_request_for_a_person_says_what_it_is_about(talk: Talk) -> None:
    """The message itself is the description then."""
    text = "我要人工客服，我们单位昨天换了法人现在什么都看不到"
    talk.say(text)
    assert talk.ticket.fields == {"details": text}


def test_a_person_wanted_in_the_middle_of_a_form_gets_what_is_there(talk: Talk) -> None:
    """The form is handed in as far as it got."""
    reply = appealing(talk, NAME, "转人工")
    assert wording.HANDED_OVER in reply.text
    assert (talk.ticket.reason, talk.ticket.status) == ("appeal", "waiting")
    assert talk.ticket.fields == {"company": NAME, "details": "账号申诉一直不通过"}
    number = talk.ticket.number
    assert [e.detail for e in talk.store.read(lambda t: t.events(number))][-1] == "未提供：手机号"


def test_a_person_accepted_in_the_middle_of_a_form_gets_what_is_there(talk: Talk) -> None:
    """The button does what the word does."""
    appealing(talk, NAME)
    talk.say(accept="human")
    assert "waiting" in [ticket.status for ticket in talk.tickets if ticket.fields.get("company") == NAME]


def test_a_company_named_after_artificial_intelligence_is_no_call_for_a_person(talk: Talk) -> None:
    """人工智能 has 人工 in it; the form goes on."""
    assert asked(appealing(talk, "甲某人工智能有限公司")) == "phone"


def test_a_whole_form_is_filled_in_and_handed_in(talk: Talk) -> None:
    """Consent, fields, a picture, a last look; then the number and what happens next."""
    assert asked(appealing(talk)) == "company"
    assert asked(talk.say(NAME)) == "phone"
    assert asked(talk.say("13812345678")) == "shot"
    assert asked(talk.say(picture=talk.picture())) == "confirm"
    reply = talk.say("确认")
    assert reply.text == f"已为您登记：申请申诉，受理编号 {talk.ticket.number}。{wording.queued(0, None)}客服会联系您。"
    assert (reply.step, talk.ticket.status, talk.ticket.fields) == (
        None,
        "waiting",
        {
            "company": NAME,
            "phone": "13812345678",
            "shot": "picture:picture-number-0001",
            "details": "账号申诉一直不通过",
        },
    )


def test_a_form_survives_between_turns(talk: Talk) -> None:
    """Tries too: the third wrong number is kept unchecked."""
    appealing(talk, NAME, "138", "139", "1391")
    assert talk.ticket.fields["phone"] == "1391（未能核对）"


def test_a_question_in_the_middle_of_a_form_is_answered_and_the_field_asked_again(talk: Talk) -> None:
    """Without another offer, and the form is as it was."""
    appealing(talk, NAME)
    before = talk.ticket
    reply = talk.say("打印出现404怎么办")
    assert (entry(reply), asked(reply), reply.escalation) == ("b-2", "phone", None)
    assert talk.ticket == before


def test_another_matter_in_the_middle_of_a_form_is_offered_in_its_place(talk: Talk) -> None:
    """A yes changes over; anything that is meant for the field goes on with the form."""
    appealing(talk, NAME)
    reply = talk.say("账号被锁定怎么办")
    assert (entry(reply), asked(reply), reply.note) == ("a-2", "phone", wording.switch("申请解锁"))
    assert asked(talk.say("13812345678")) == "shot"
    talk.say("账号被锁定怎么办", "是")
    assert [(ticket.reason, ticket.status) for ticket in talk.tickets] == [("appeal", "closed"), ("unlock", "waiting")]


@pytest.mark.parametrize(("way", "status"), [("是", "collecting"), ("申请解锁", "closed")])
def test_where_a_yes_is_the_forms_own_the_other_matter_goes_by_its_name(talk: Talk, way: str, status: str) -> None:
    """At consent 「是」 goes on with the form; the name of the other changes over."""
    talk.say("账号申诉一直不通过", "好的")
    reply = talk.say("账号被锁定怎么办")
    assert (asked(reply), reply.note) == ("consent", wording.switch("申请解锁"))
    talk.say(way)
    assert talk.tickets[0].reason == "appeal"
    assert talk.tickets[0].status == status


def test_declining_another_matter_goes_on_with_the_form(talk: Talk) -> None:
    """「不用」 is not an answer to the field, and costs no try."""
    appealing(talk, NAME)
    talk.say("账号被锁定怎么办", "不用")
    assert (talk.ticket.status, talk.ticket.asked, talk.ticket.tries) == ("collecting", "phone", 0)


def test_how_far_it_is_with_several_requests_tells_each(talk: Talk) -> None:
    """In the order in which they were opened."""
    talk.say("账号被锁定怎么办", "好的", "转人工")
    first, second = talk.say("怎么样了").text.splitlines()
    assert (str(talk.tickets[0].number) in first, str(talk.tickets[1].number) in second) == (True, True)


def test_what_nobody_can_answer_is_noted_while_a_ticket_waits(talk: Talk) -> None:
    """A person reads it anyway."""
    talk.say("转人工")
    assert talk.say("我们单位在开发区").text == wording.NOTED


def test_what_was_said_before_is_not_asked_again(talk: Talk) -> None:
    """Once consented to, the form looks through the visitor's last messages."""
    talk.say(f"我们是{NAME}", "电话13812345678")
    assert asked(appealing(talk)) == "shot"
    assert talk.ticket.fields["company"] == NAME


def test_nothing_from_before_a_rest_is_recalled(talk: Talk) -> None:
    """Weeks later the number may be another's."""
    talk.say("电话13812345678")
    talk.now += timedelta(days=30)
    appealing(talk)
    assert "phone" not in talk.ticket.fields


@pytest.mark.parametrize("text", ["那管理机构呢", "转人工"])
def test_a_question_from_before_a_rest_is_forgotten(talk: Talk, text: str) -> None:
    """Also after a greeting in between."""
    talk.say("忘记密码怎么找回")
    talk.now += timedelta(days=30)
    reply = talk.say("你好", text)
    assert (reply.question, [dict(ticket.fields) for ticket in talk.tickets if ticket.fields]) == (None, [])


def test_a_picture_sent_before_or_with_the_consent_is_not_asked_for_again(talk: Talk) -> None:
    """Either way it goes into the form."""
    talk.say("账号申诉一直不通过", "好的")
    talk.say(picture=talk.picture())
    talk.say("同意")
    assert talk.ticket.fields["shot"] == "picture:picture-number-0001"
    talk.holder = None
    talk.say("账号申诉一直不通过", "好的")
    talk.say("同意", picture=talk.picture("picture-number-0002"))
    assert talk.ticket.fields["shot"] == "picture:picture-number-0002"


def test_a_person_wanted_beside_a_picture_gets_the_form(talk: Talk) -> None:
    """The screenshot comes along."""
    appealing(talk, NAME)
    talk.say("转人工", picture=talk.picture())
    assert (talk.ticket.status, talk.ticket.fields.get("company")) == ("waiting", NAME)


def test_taking_back_a_form_cancels_it(talk: Talk) -> None:
    """「撤回」 is as good as 「取消」 there."""
    appealing(talk, NAME, "撤回")
    assert talk.ticket.status == "closed"


def test_options_in_the_middle_of_a_form_are_picked_from(talk: Talk) -> None:
    """The number answers the question, not the field."""
    appealing(talk, NAME)
    reply = talk.say("忘记密码了怎么办？")
    assert (reply.decision, asked(reply)) == ("clarify", "phone")
    second = reply.options[1].entry_id
    reply = talk.say("2")
    assert (entry(reply), asked(reply)) == (second, "phone")
    assert "phone" not in talk.ticket.fields


def test_cancelling_a_form_closes_its_ticket(talk: Talk) -> None:
    """It is not offered any more, cannot be confirmed, and nothing reopens it."""
    assert appealing(talk, NAME, "取消").text == wording.CANCELLED
    assert talk.ticket.status == "closed"
    assert talk.say("打印出现404").note is None
    assert [ticket.status for ticket in talk.tickets] == ["closed"]


def test_another_request_takes_a_form_over(talk: Talk) -> None:
    """What it asks for itself is not asked again."""
    appealing(talk, NAME, "13812345678")
    talk.say("账号被锁定怎么办")
    with pytest.raises(Exception, match="还没有为您提供"):
        talk.say(accept="fault")
    talk.say("取消", "系统白屏", "好的")
    assert [ticket.status for ticket in talk.tickets] == ["closed", "collecting"]


@pytest.mark.parametrize("text", ["谢谢", "好的", "再见", "解决了，谢谢", "你好", "没问题了"])
def test_small_talk_does_not_reopen_a_ticket(talk: Talk, text: str) -> None:
    """Who thanks has nothing more to ask."""
    talk.say("转人工")
    talk.resolved()
    assert talk.say(text).note is None
    assert talk.ticket.status == "resolved"


@pytest.mark.parametrize("text", ["不用了", "没有了", "👍", "……", "非常满意", "给5分"])
def test_saying_that_nothing_is_left_does_not_reopen_a_ticket(talk: Talk, text: str) -> None:
    """Nor does a mark, nor a rating in words."""
    talk.say("转人工")
    talk.resolved()
    assert talk.say(text).note is None
    assert talk.ticket.status == "resolved"


def test_another_message_reopens_the_ticket_with_a_note(talk: Talk) -> None:
    """Before the answer; from then on it waits."""
    talk.say("转人工")
    talk.resolved()
    reply = talk.say("打印出现404")
    assert entry(reply) == "b-2"
    assert reply.note == wording.reopened(talk.ticket.number, wording.queued(0, None))
    assert (talk.ticket.status, talk.ticket.assignee) == ("waiting", None)
    assert talk.say("打印出现404").note is None


def test_nothing_is_reopened_after_days(talk: Talk) -> None:
    """A new matter is a new ticket then."""
    talk.say("转人工")
    talk.resolved()
    talk.now += timedelta(days=3, minutes=1)
    assert talk.say("打印出现404").note is None


@pytest.mark.parametrize(("text", "stars"), [("5", 5), ("1", 1), ("四", 4), ("3分", 3), ("5星", 5)])
def test_a_number_after_the_end_is_a_rating(talk: Talk, text: str, stars: int) -> None:
    """The visitor is thanked, and the ticket stays resolved."""
    talk.say("转人工")
    talk.resolved()
    assert talk.say(text).text == wording.RATED
    assert (talk.ticket.stars, talk.ticket.status) == (stars, "resolved")


def test_a_number_after_a_ticket_was_closed_rates_nothing(talk: Talk) -> None:
    """Nobody asked for a rating."""
    talk.say("转人工")
    talk.agents.dismiss(talk.ticket.number, WANG)
    talk.say("5")
    assert talk.ticket.stars is None


def test_a_second_number_changes_the_rating(talk: Talk) -> None:
    """At least it does not reopen the ticket."""
    talk.say("转人工")
    talk.resolved()
    talk.say("5", "4")
    assert talk.ticket.status == "resolved"


def test_a_rating_is_of_the_ticket_that_just_ended(talk: Talk) -> None:
    """Whichever of several was opened last."""
    talk.say("账号被锁定怎么办", "好的", "转人工")
    first, second = talk.tickets
    talk.agents.take(first.number, WANG)
    talk.agents.resolve(second.number, WANG)
    talk.agents.resolve(first.number, WANG)
    talk.say("2")
    assert [ticket.stars for ticket in talk.tickets] == [2, None]


def test_a_rating_goes_before_options_from_before_the_person_came(talk: Talk) -> None:
    """Those are long forgotten."""
    talk.say("转人工", "忘记密码")
    talk.resolved()
    talk.say("5")
    assert talk.ticket.stars == 5


def test_an_offer_from_before_the_person_came_is_not_accepted(talk: Talk) -> None:
    """「好的」 is an answer to the person's last words."""
    talk.say("转人工", "账号被锁定怎么办")
    talk.resolved()
    talk.say("好的")
    assert [ticket.reason for ticket in talk.tickets] == ["human"]


def test_a_picture_out_of_the_blue_is_not_understood(talk: Talk) -> None:
    """The visitor is asked for words and offered a person."""
    talk.say("你好")
    reply = talk.say(picture=talk.picture())
    assert reply.text == wording.PICTURE
    assert reply.escalation is not None
    assert (reply.escalation.reason, reply.escalation.status) == ("human", "offered")
    assert talk.say("好的").escalation is not None
    assert talk.ticket.reason == "human"


def test_a_picture_beside_a_waiting_ticket_is_kept_for_staff(talk: Talk) -> None:
    """No second person is offered."""
    talk.say("转人工")
    reply = talk.say(picture=talk.picture())
    assert (reply.text, reply.escalation) == (wording.PICTURE_KEPT, None)


def test_a_text_beside_a_picture_is_answered(talk: Talk) -> None:
    """As it would be without."""
    talk.say("你好")
    assert entry(talk.say("打印出现404", picture=talk.picture())) == "b-2"


def test_a_conversation_that_rested_starts_afresh(talk: Talk) -> None:
    """System, role, options, offers and the last question are forgotten; the messages are not."""
    talk.say("你好", system="a")
    talk.say("我是管理机构的", "忘记密码怎么找回", "账号被锁定怎么办")
    talk.now += timedelta(hours=2)
    talk.say("好的")
    assert talk.tickets == []
    assert len(talk.say("忘记密码").options) == 2
    talk.now += timedelta(hours=2)
    assert entry(talk.say("2")) != "a-4"


def test_a_form_that_rested_is_over_but_can_be_taken_up_again(talk: Talk) -> None:
    """The message is taken for what it says; the visitor is told, and what was filled in is there again."""
    appealing(talk, NAME)
    talk.now += timedelta(hours=2)
    reply = talk.say("13812345678")
    assert (asked(reply), reply.note) == (None, wording.lapsed("申请申诉"))
    assert talk.ticket.status == "closed"
    number = talk.ticket.number
    assert talk.store.read(lambda t: t.events(number))[-1].kind == "expired"
    assert asked(talk.say("继续登记")) == "consent"
    assert talk.ticket.fields["company"] == NAME


def test_a_person_may_take_their_time(talk: Talk) -> None:
    """Whoever answers staff after lunch does not lose them to the bot."""
    talk.say("转人工")
    talk.agents.take(talk.ticket.number, WANG)
    talk.now += timedelta(hours=3)
    assert talk.silent("我回来了") is None
    assert talk.ticket.status == "assigned"


def test_a_person_who_left_gives_the_conversation_back(talk: Talk) -> None:
    """The bot answers again, and the ticket waits for somebody else."""
    talk.say("转人工")
    talk.agents.take(talk.ticket.number, WANG)
    assert talk.silent("在吗") is None
    talk.now += timedelta(hours=24)
    assert entry(talk.say("打印出现404")) == "b-2"
    assert (talk.ticket.status, talk.ticket.assignee) == ("waiting", None)


def test_what_a_person_left_behind_is_said_to_wait(talk: Talk) -> None:
    """Not that somebody works on it."""
    talk.say("账号被锁定怎么办", "好的")
    talk.agents.take(talk.ticket.number, WANG)
    talk.now += timedelta(hours=24)
    reply = talk.say("怎么样了")
    assert reply.escalation is not None
    assert reply.escalation.status == "waiting"
    assert wording.BEING_WORKED_ON not in reply.text


def test_a_hidden_password_is_told_beside_a_reopened_ticket(talk: Talk) -> None:
    """Both matter to the visitor."""
    talk.say("转人工")
    talk.resolved()
    note = talk.say("打印出现404，密码是abc12345").note or ""
    assert wording.HIDDEN in note
    assert str(talk.ticket.number) in note


def test_out_of_hours_the_visitor_is_told_when_staff_come(talk: Talk) -> None:
    """With the number to name."""
    talk.bot.office = Office(Hours.read("周一至周五 14:00-17:00", calendar=False))
    reply = talk.say("转人工")
    assert "现在不是人工服务时间" in reply.text
    assert "今天 14:00" in reply.text


SAID = st.sampled_from(
    [
        *(
            "同意",
            "好的",
            "不用",
            "取消",
            "撤回",
            "返回",
            "跳过",
            "确认",
            "修改手机号",
            "手机号填错了",
            "谢谢",
            "再见",
            "稍等",
        ),
        *("1", "2", "7", "5", "非常满意", "解决了", "👍", "转人工", "怎么样了", "你是真人吗", "密码是abc12345"),
        *(
            "13812345678",
            "1381234567",
            NAME,
            "账号申诉一直不通过",
            "账号被锁定怎么办",
            "系统白屏",
            "忘记密码",
            "那管理机构呢",
        ),
    ]
)
DEED = st.sampled_from(["take", "release", "resolve", "close", "dismiss", "reply"])
REST = st.sampled_from([timedelta(0), timedelta(0), timedelta(0), timedelta(hours=2), timedelta(days=4)])
STEPS = st.lists(
    st.tuples(REST, SAID.map(lambda text: (text, None)) | DEED.map(lambda deed: (None, deed))), max_size=25
)


def do(talk: Talk, deed: str) -> None:
    """What a member of staff does with the last ticket, if there is one and it may be done."""
    if talk.holder is None or not talk.tickets:
        return
    deeds = {
        "take": talk.agents.take,
        "release": talk.agents.release,
        "resolve": talk.agents.resolve,
        "close": lambda number, staff: talk.agents.resolve(number, staff, resolved=False),
        "dismiss": talk.agents.dismiss,
        "reply": lambda number, staff: talk.agents.reply(number, staff, "您好"),
    }
    with suppress(AgentError, IllegalChange):
        deeds[deed](talk.ticket.number, WANG)


@given(steps=STEPS)
@settings(max_examples=60)
def test_no_course_of_a_conversation_breaks_it(
    steps: list[tuple[timedelta, tuple[str | None, str | None]]], tmp_path_factory: pytest.TempPathFactory, desk: Desk
) -> None:
    """Whoever does what: the bot speaks exactly while nobody owns it, says something, and leaves no ticket astray."""
    store = SqliteStore(tmp_path_factory.mktemp("course") / "conversations.db")
    talk = Talk(store, desk)
    talk.say("你好")
    assert talk.holder is not None
    try:
        for rest, (text, deed) in steps:
            talk.now += rest
            if deed:
                do(talk, deed)
            else:
                reply = talk.silent(text)
                assert (reply is None) == (talk.bot.view(talk.holder).conversation.owner is not None)
                assert reply is None or reply.text or reply.step
            view = talk.bot.view(talk.holder)
            owner = view.conversation.owner
            assert {t.assignee for t in view.tickets if t.status == "assigned"} == ({owner} if owner else set())
            assert sum(t.status == "collecting" for t in view.tickets) <= 1
            assert [m.sequence for m in view.messages] == list(range(1, len(view.messages) + 1))
            for ticket in view.tickets:
                reason = desk.reason(ticket.reason)
                assert reason is not None
                assert set(ticket.fields) <= {field.name for field in reason.dossier.fields}
    finally:
        store.close()
