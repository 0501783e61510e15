"""What the bot says to one message, over the project's own documents on keywords alone (quick, no model needed)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import wording
from bot.decide import Thresholds
from bot.desk import Desk
from bot.escalation import read_reasons
from bot.evaluate import Question, predict
from faq.entry import Entry
from faq.knowledge import read_folder
from index.build import build
from index.hybrid import HybridIndex
from index.segment import Segmenter, terms

DOCUMENTS = Path(__file__).parent.parent / "faq" / "documents"


def open_desk() -> Desk:
    knowledge = read_folder(DOCUMENTS)
    segmenter = Segmenter(terms(knowledge))
    index = HybridIndex(build(knowledge, segmenter, None), segmenter, None)
    return Desk(index, read_reasons(DOCUMENTS / "reasons.toml"), Thresholds())


DESK = open_desk()


def test_an_answer_is_the_entrys_text_with_its_source() -> None:
    """Text and answer are the document's words; the source names system, document, section and place."""
    reply = DESK.consider("更新密码多次,但登录还是提示密码错误").reply
    entry = DESK.knowledge.entry("whjy-1.2.4")
    assert entry is not None
    assert reply.answer is not None
    assert (reply.decision, reply.text, reply.answer.answer) == ("answer", entry.answer, entry.answer)
    source = reply.answer.source
    assert (source.system, source.document, source.number) == ("危险化学品经营安全监管系统", "常见问题", "4")
    assert source.section.startswith("登录时常见问题")


@pytest.mark.parametrize("entry", DESK.knowledge.entries, ids=lambda entry: entry.id)
def test_every_title_is_answered_or_asked_back(entry: Entry) -> None:
    """Word for word with the system known, an entry is the answer; without it, the answer or among the options."""
    known = DESK.consider(entry.question, entry.system).reply
    offered = [option.entry_id for option in known.options]
    assert (known.answer is not None and known.answer.entry_id == entry.id) or entry.id in offered
    unknown = DESK.consider(entry.question).reply
    shown = [option.entry_id for option in unknown.options] + ([unknown.answer.entry_id] if unknown.answer else [])
    assert entry.id in shown


def test_options_say_what_sets_them_apart() -> None:
    """Systems where they differ, audiences where they differ, the bare question where neither does."""
    entries = {entry.id: entry for entry in DESK.knowledge.entries}
    labels = [option.label for option in wording.options([entries["zyb-1.1"], entries["whjy-1.2.2"]], DESK.knowledge)]
    assert labels[0].startswith("【职业病危害项目申报系统 · 企业用户】")
    assert labels[1].startswith("【危险化学品经营安全监管系统】")
    labels = [option.label for option in wording.options([entries["zyb-1.1"], entries["zyb-2.1"]], DESK.knowledge)]
    assert [label[:6] for label in labels] == ["【企业用户】", "【管理机构】"]
    alone = wording.options([entries["zyb-1.1"], entries["zyb-1.2"]], DESK.knowledge)
    assert [option.label for option in alone] == [entries["zyb-1.1"].question, entries["zyb-1.2"].question]


def test_a_greeting_is_greeted_and_an_emoji_asked_for_words() -> None:
    """Neither is told that nothing was found."""
    assert DESK.consider("您好").reply.text.startswith("您好")
    assert DESK.consider("😀").reply.text == wording.NOTHING_SAID


def test_a_question_about_somebody_elses_system_is_declined() -> None:
    """However much it sounds like ours; and locked accounts elsewhere are not ours to unlock."""
    reply = DESK.consider("微信号被锁定了怎么解锁").reply
    assert (reply.decision, reply.escalation, reply.related) == ("reject", None, ())


@pytest.mark.parametrize(
    ("text", "system", "entry"),
    [
        ("登录账号被锁定，IP截图用微信发给谁", "zyb", "zyb-1.9"),
        ("打印申报表出现404，用微信打开也不行", "zyb", "zyb-1.11"),
        ("打印申报表出现404，电子税务局就没有这个问题", None, "zyb-1.11"),
    ],
)
def test_somebody_elses_system_mentioned_in_passing_changes_nothing(text: str, system: str | None, entry: str) -> None:
    """Only what the first clause names is the subject, and a known system is the subject anyway."""
    reply = DESK.consider(text, system).reply
    assert entry in [reply.answer.entry_id if reply.answer else "", *(option.entry_id for option in reply.options)]


def wary() -> Desk:
    """A desk that answers whatever it finds, unless another system or audience could be meant."""
    thresholds = Thresholds(answer=0, relevant=0, alike=0, near=0, role=0)
    return Desk(DESK.index, read_reasons(DOCUMENTS / "reasons.toml"), thresholds)


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("管理端登录不上", "zyb"),
        ("职业病申报系统的管理端登录不上", None),
        ("我们卫健局登录不上", None),
        ("加油站登录不上", None),
    ],
)
def test_nothing_is_asked_about_that_is_known(text: str, system: str | None) -> None:
    """The system from the channel, a name or a word that gives it away; the audience from a word."""
    assert wary().consider(text, system).reply.decision == "answer"


@pytest.mark.parametrize(
    ("text", "system"), [("登录不上", "zyb"), ("登录不上", None), ("职业病申报系统登录不上", None)]
)
def test_what_is_not_known_is_asked_about(text: str, system: str | None) -> None:
    """A known system does not tell the audience."""
    reply = wary().consider(text, system).reply
    assert reply.decision == "clarify"
    assert {option.entry_id[:5] for option in reply.options} >= {"zyb-1", "zyb-2"}


def test_a_prediction_is_what_the_chat_says() -> None:
    """Same text and system, same decision, entry, confidence and reason."""
    for text in ("账号被锁了，帮我解一下", "忘记密码了", "转人工", "今天天气怎么样"):
        for system in (None, "zyb", "whjy"):
            reply, said = DESK.consider(text, system).reply, predict(DESK, Question("1", text, system))
            assert said.decision == reply.decision
            assert said.confidence == pytest.approx(reply.confidence, abs=1e-6)
            assert said.options == [option.entry_id for option in reply.options]
            assert said.escalate == (reply.escalation.reason if reply.escalation else None)
            if reply.answer:
                assert said.ranked[0] == reply.answer.entry_id


@settings(max_examples=150, deadline=None)
@given(text=st.text(min_size=1, max_size=60), system=st.sampled_from([None, "zyb", "whjy"]))
def test_any_text_gets_a_reply_that_holds_together(text: str, system: str | None) -> None:
    """An answer exactly when the decision says so, two to four options, a probability, the same again."""
    reply = DESK.consider(text, system).reply
    assert (reply.answer is not None) == (reply.decision == "answer")
    assert (len(reply.options) in range(2, 5)) == (reply.decision == "clarify")
    assert (reply.decision == "escalate") <= (reply.escalation is not None)
    assert 0 <= reply.confidence <= 1
    assert reply.text
    assert DESK.consider(text, system).reply == reply
