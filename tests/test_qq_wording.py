"""What a stored message says on QQ: all that the widget shows, in words, and the words to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake import entry, index_of, knowledge_of
from hypothesis import given
from hypothesis import strategies as st

from bot import form
from bot import wording as spoken
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.dossier import Dossier, Field, read_dossiers
from bot.escalation import HUMAN, Reason
from bot.handoff import Office
from bot.hours import Hours
from bot.model import Answer, Escalation, Message, Option, Reply, Source, Step, Ticket
from bot.qq import wording
from bot.qq.wording import written
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Pass
from faq.knowledge import read_folder

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 2, 2, tzinfo=UTC)
ANSWER = Answer(
    "zyb-1.9",
    "账号被锁定怎么办",
    "1、等待六小时；\n2、或联系客服。",
    Source("职业病危害项目申报系统", "常见问题", "企业用户", "9"),
)
ENTRY = "账号被锁定怎么办\n1、等待六小时；\n2、或联系客服。\n来源：职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条"
ANSWERED = Reply("answer", ANSWER.answer, 0.9, answer=ANSWER)
OPTIONS = (Option("zyb-1.1", "【企业用户】忘记密码怎么办"), Option("zyb-2.1", "【管理机构】忘记密码怎么办"))
UNLOCK = Escalation("unlock", "申请解锁账号", "offered", None)
PHONE = Step("phone", "申请人手机号", "请提供手机号码。", ("phone",), left=3)


def bot_says(reply: Reply | None, text: str = "") -> Message:
    return Message("m", "c", 2, "bot", reply.text if reply else text, NOW, reply=reply)


def said(reply: Reply, **where: bool | str) -> str:
    return written(bot_says(reply), **where)  # type: ignore[arg-type]


def test_an_answer_is_the_entry_with_its_source() -> None:
    """Question and answer word for word; the answer once."""
    assert said(ANSWERED) == ENTRY


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (Source("甲系统", "常见问题", "企业用户", "9"), "甲系统 常见问题 · 企业用户 · 第 9 条"),
        (Source("甲系统", "甲系统常见问题", "", "9"), "甲系统常见问题 · 第 9 条"),
        (Source("甲系统", "", "", ""), "甲系统"),
        (Source("", "常见问题", "", "1"), "常见问题 · 第 1 条"),
    ],
)
def test_the_source_line_is_the_widgets(source: Source, line: str) -> None:
    """The system is not said twice, and nothing that is not known."""
    assert said(replace(ANSWERED, answer=replace(ANSWER, source=source))).splitlines()[-1] == f"来源：{line}"


def test_every_real_entry_is_there_word_for_word() -> None:
    """Question and answer as the document has them."""
    entries = read_folder(ROOT / "faq" / "documents").entries
    assert len(entries) > 30
    for each in entries:
        text = said(
            replace(ANSWERED, text=each.answer, answer=replace(ANSWER, question=each.question, answer=each.answer))
        )
        assert text.startswith(f"{each.question}\n{each.answer}\n来源：")


def test_options_are_numbered_lines() -> None:
    """Right below the question back."""
    assert said(Reply("clarify", "请选择最接近的一项：", 0.5, options=OPTIONS)) == (
        "请选择最接近的一项：\n1. 【企业用户】忘记密码怎么办\n2. 【管理机构】忘记密码怎么办\n回复数字即可。"
    )


def test_related_questions_are_numbered_below_the_answer() -> None:
    """What is offered comes before them, as in the widget."""
    assert said(replace(ANSWERED, related=OPTIONS[:1], escalation=UNLOCK)) == (
        f"{ENTRY}\n\n如需“申请解锁账号”，请回复“是”。\n\n相关问题（回复数字即可查看）：\n1. 【企业用户】忘记密码怎么办"
    )


def test_a_number_means_one_line_only() -> None:
    """Of two lists the one that the bot takes numbers from has them."""
    text = said(Reply("clarify", "请选择：", 0.5, options=OPTIONS[:1], related=OPTIONS[1:]))
    assert "1. 【企业用户】" in text
    assert "相关问题：\n· 【管理机构】" in text
    assert text.count("1.") == 1


@pytest.mark.parametrize(
    ("status", "ticket", "line"),
    [
        ("waiting", 1006, "已登记，等待工作人员处理，受理编号 1006"),
        ("assigned", 1006, "工作人员正在处理，受理编号 1006"),
        ("resolved", 1006, "已处理完毕，受理编号 1006"),
        ("waiting", None, "已登记，等待工作人员处理"),
        ("collecting", 1006, ""),
        ("closed", 1006, ""),
    ],
)
def test_how_a_request_stands_is_said_in_the_widgets_words(status: str, ticket: int | None, line: str) -> None:
    """With its number; a form that is being filled in and one that is over say nothing."""
    stands = Escalation("unlock", "申请解锁账号", status, ticket)  # type: ignore[arg-type]
    assert said(Reply("escalate", "您好。", 1.0, escalation=stands)) == f"您好。\n\n{line}".strip()
    words = (ROOT / "bot" / "web" / "widget" / "src" / "message.js").read_text(encoding="utf-8")
    assert not line or f'{status}: "{line.partition("，受理编号")[0]}"' in words


@pytest.mark.parametrize(
    ("step", "lines"),
    [
        (PHONE, ["请提供手机号码。", "正在填写“申请人手机号”，还有 3 项待填写。"]),
        (replace(PHONE, left=1), ["请提供手机号码。", "正在填写“申请人手机号”。"]),
        (
            Step("shot", "截图", "请发截图。没有的话请回复“跳过”。", ("image", "ip"), False, ("跳过",), 2),
            [
                "请发截图。没有的话请回复“跳过”。",
                "正在填写“截图”（可不填），还有 2 项待填写。",
                "可以直接在这里发送图片。",
            ],
        ),
        (
            Step("since", "时间", "从什么时候开始的？", ("text",), False, ("跳过",)),
            ["从什么时候开始的？", "正在填写“时间”（可不填）。", "也可以回复“跳过”。"],
        ),
        (
            Step(form.CONSENT, "同意", "需要登记手机号。", choices=("同意", "取消"), left=2),
            ["需要登记手机号。", "还有 2 项待填写。", "也可以回复“同意”或“取消”。"],
        ),
        (
            Step(form.CONFIRM, "确认", "请核对：\n手机号：138\n回复“确认”提交。", choices=("确认", "取消")),
            ["请核对：", "手机号：138", "回复“确认”提交。", "也可以回复“取消”。"],
        ),
    ],
    ids=["field", "last", "picture", "optional", "consent", "confirm"],
)
def test_a_form_asks_and_names_the_words_to_answer(step: Step, lines: list[str]) -> None:
    """After whatever else is said; words that the question names are not named again."""
    assert said(Reply("escalate", "已更改。", 1.0, step=step)).splitlines() == ["已更改。", "", *lines]


def test_a_note_comes_first_and_words_beside_an_answer_are_kept() -> None:
    """As does the widget."""
    assert said(replace(ANSWERED, note="密码已隐去。", text="还有一点。")) == f"密码已隐去。\n\n{ENTRY}\n\n还有一点。"


def test_beside_a_form_the_note_says_how_to_change_over() -> None:
    """Once is enough."""
    note = spoken.switch("申请解锁账号")
    text = said(Reply("clarify", "", 0.5, escalation=UNLOCK, step=replace(PHONE, left=1), note=note))
    assert text == f"{note}\n\n请提供手机号码。\n正在填写“申请人手机号”。"


def test_who_searches_by_keywords_only_says_so() -> None:
    """Beside what was found or not, and not in small talk."""
    assert said(replace(ANSWERED, search="keyword")) == f"{ENTRY}\n\n{wording.KEYWORD}"
    assert said(Reply("talk", "再见。", 0.0, search="keyword")) == "再见。"


def test_a_person_is_named_before_what_they_say() -> None:
    """An entry that they quote follows word for word, with its source."""
    message = Message("m", "c", 3, "agent", "请看这一条。", NOW, agent="客服小王")
    assert written(message) == "客服小王：请看这一条。"
    assert written(replace(message, answer=ANSWER)) == f"客服小王：请看这一条。\n\n{ENTRY}"
    assert written(replace(message, text="", answer=ANSWER)) == f"客服小王：\n\n{ENTRY}"
    assert written(replace(message, agent=None)) == "人工客服：请看这一条。"


def test_a_picture_of_staff_is_announced() -> None:
    """By the words it came with, or by words of its own; it goes by itself after them."""
    message = Message("m", "c", 3, "agent", "点这里", NOW, agent="客服小王", picture="p")
    assert written(message) == "客服小王：点这里"
    assert written(replace(message, text="")) == "客服小王发来一张图片："
    assert written(replace(message, text="", answer=ANSWER)) == f"客服小王发来一张图片：\n\n{ENTRY}"
    assert written(replace(message, text="", agent=None)) == "人工客服发来一张图片："


def test_who_gets_nothing_is_told_where_to_go_on() -> None:
    """To the web chat where it has an address, else to other words or a person."""
    assert "https://zx.example/" in wording.unsendable("https://zx.example/")
    assert "转人工" in wording.unsendable(None)


def test_what_happened_is_told_as_it_is_stored() -> None:
    """A message of the bot's without a reply; a reply without a word says nothing."""
    assert written(bot_says(None, "人工客服“小王”正在为您服务。")) == "人工客服“小王”正在为您服务。"
    assert said(Reply("talk", "", 0.0)) == ""


def test_in_a_group_nothing_personal_is_asked_for() -> None:
    """Who needs a form is sent elsewhere, to the web chat too where there is one."""
    text = said(
        Reply("escalate", "好的。", 1.0, escalation=replace(UNLOCK, status="collecting"), step=PHONE), group=True
    )
    assert text == f"好的。\n\n{spoken.not_here('申请解锁账号')}"
    offered = replace(ANSWERED, escalation=UNLOCK)
    assert said(offered, group=True) == f"{ENTRY}\n\n如需“申请解锁账号”，请私聊我办理。"
    address = "https://zixun.example.gov.cn/chat"
    assert said(offered, group=True, address=address).endswith(f"请私聊我办理。\n也可以打开网页办理：{address}")
    told = Reply("escalate", spoken.not_here("申请解锁账号"), 1.0, escalation=UNLOCK)
    assert said(told, group=True) == told.text
    assert said(told, group=True, address=address) == f"{told.text}\n\n也可以打开网页办理：{address}"


@pytest.mark.parametrize("text", ["继续", "继续。", " 继续 ", "查看更多"])
def test_the_rest_is_asked_for_in_so_many_words(text: str) -> None:
    """Whole messages only."""
    assert wording.is_more(text)


@pytest.mark.parametrize("text", ["", "继续登记", "怎么继续", "不继续了", "还有吗" * 30])
def test_other_words_do_not_ask_for_the_rest(text: str) -> None:
    """They are for the bot."""
    assert not wording.is_more(text)


phrases = st.text("申请解锁账号怎么办，。1.", min_size=1, max_size=12)
options = st.lists(st.builds(Option, st.just("a-1"), phrases), max_size=4).map(tuple)
answers = st.builds(
    Answer, st.just("a-1"), phrases, phrases, st.builds(Source, phrases, phrases, phrases, st.just("7"))
)
replies = st.builds(
    Reply,
    st.sampled_from(["answer", "clarify", "escalate", "reject", "talk"]),
    phrases,
    st.just(0.5),
    answer=st.none() | answers,
    options=options,
    related=options,
    note=st.none() | phrases,
    escalation=st.none() | st.builds(Escalation, st.just("x"), phrases, st.just("offered"), st.none()),
)


@given(replies, st.booleans())
def test_nothing_that_the_widget_shows_is_missing(reply: Reply, group: bool) -> None:
    """Whatever a reply is made of, and in the widget's order."""
    text = said(reply, group=group)
    shown = [
        reply.note,
        *((reply.answer.question, reply.answer.answer, reply.answer.source.section) if reply.answer else ()),
    ]
    shown += [] if reply.answer and reply.answer.answer == reply.text else [reply.text]
    shown += [option.label for option in reply.options]
    shown += [reply.escalation.label] if reply.escalation else []
    shown += [option.label for option in reply.related]
    at = 0
    for words in filter(None, shown):
        at = text.index(words, at) + len(words)


APPEAL = Reason(
    "appeal",
    Dossier(
        "申请申诉",
        "可以登记申诉。",
        fields=(
            Field("phone", "手机号", "请提供手机号码。", ("phone",)),
            Field("shot", "截图", "请发送截图。", ("image",), required=False),
        ),
    ),
    entries=("a-1",),
)


@dataclass
class Talk:
    """Somebody on QQ who does what the bot's words say."""

    store: SqliteStore
    hours: str = "always"
    holder: Pass | None = None
    now: datetime = NOW

    def __post_init__(self) -> None:
        knowledge = knowledge_of(
            entry("a-1", "账号申诉一直不通过", "请联系区县。"),
            entry("a-3", "忘记密码怎么找回", "企业自己找回。", audience="企业用户"),
            entry("a-4", "忘记密码如何找回", "机构由上级重置。", audience="管理机构"),
        )
        desk = Desk(index_of(knowledge), (APPEAL, HUMAN), Thresholds(answer=0.3))
        self.bot = Bot(self.store, desk, Office(Hours.read(self.hours)), clock=lambda: self.now)

    def say(self, text: str) -> str:
        """Say something; what is read in return."""
        self.now += timedelta(seconds=1)
        turn = self.bot.turn(Incoming(text), self.holder, channel="qq")
        self.holder = self.holder or Pass(turn.conversation.id, turn.token or "")
        assert turn.reply is not None
        return said(turn.reply)

    @property
    def ticket(self) -> Ticket:
        conversation = self.holder.conversation_id if self.holder else ""
        return self.store.read(lambda rows: rows.tickets(conversation))[-1]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield store
    store.close()


def named(text: str, about: str) -> str:
    """The last words in quotation marks that the line about something asks for."""
    line = next(line for line in text.splitlines() if about in line)
    return re.findall("“([^”]+)”", line)[-1]


def test_who_answers_what_the_words_say_gets_to_the_end(store: SqliteStore) -> None:
    """From the offer beside an answer through the form to a ticket, whose number is said."""
    talk = Talk(store)
    offered = talk.say("账号申诉一直不通过")
    consent = talk.say(named(offered, "如需“申请申诉”"))
    assert "还有 2 项待填写" in consent
    phone = talk.say("同意" if "“同意”" in consent else "")
    assert "请提供手机号码。\n正在填写“手机号”，还有 2 项待填写。" in phone
    picture = talk.say("13812345678")
    assert "可以直接在这里发送图片。" in picture
    confirm = talk.say(named(picture, "没有或不清楚的话"))
    assert "手机号：13812345678" in confirm
    assert named(confirm, "也可以回复") == "取消"
    handed_in = talk.say("确认")
    assert talk.ticket.status == "waiting"
    assert handed_in.endswith(f"已登记，等待工作人员处理，受理编号 {talk.ticket.number}")


def test_the_number_of_a_line_picks_what_it_says(store: SqliteStore) -> None:
    """The second of two options is answered."""
    talk = Talk(store)
    listed = talk.say("忘记密码")
    picked = next(line for line in listed.splitlines() if line.startswith("2."))
    assert picked == "2. 【管理机构】忘记密码如何找回"
    assert talk.say("2").startswith("忘记密码如何找回\n机构由上级重置。\n来源：")


def test_nobody_on_qq_is_told_of_a_page_in_a_browser(store: SqliteStore) -> None:
    """Who comes while nobody is there is told where the answer will be."""
    text = Talk(store, hours="never").say("转人工")
    assert wording.COME_BACK in text
    assert "浏览器" not in text


@pytest.mark.parametrize(
    "dossier", read_dossiers(ROOT / "faq" / "documents" / "dossiers.toml").values(), ids=lambda dossier: dossier.label
)
def test_in_every_real_form_the_choices_are_understood(dossier: Dossier) -> None:
    """Each does what it says at the step that names it."""
    begun = form.begin()
    for choice in form.step(dossier, begun).choices:
        assert form.fill(dossier, begun, choice).state == {"同意": "asking", "取消": "cancelled"}[choice]
    for field in dossier.fields:
        at = form.Form({}, field.name)
        step = form.step(dossier, at)
        assert step.choices == (() if field.required else ("跳过",))
        for choice in step.choices:
            assert form.fill(dossier, at, choice).form.fields == {field.name: form.SKIPPED}
    last = form.Form({field.name: "已填写" for field in dossier.fields}, form.CONFIRM)
    for choice in form.step(dossier, last).choices:
        assert form.fill(dossier, last, choice).state == {"确认": "done", "取消": "cancelled"}[choice]
