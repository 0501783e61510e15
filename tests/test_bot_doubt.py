"""What is doubtful, what belongs together, and what is left to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fake import FakeEncoder, entry, index_of, knowledge_of
from staffed import until

from bot import cluster
from bot.concern import Cluster, cases
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.doubt import Deed, Doubt, Wording, doubts_in, plain, wordings
from bot.escalation import HUMAN
from bot.review import Review
from bot.store.sqlite import SqliteStore
from bot.turn import Incoming, Pass

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
COLD = timedelta(hours=2)


class Hall:
    """A bot over a small knowledge base, whose time passes a minute a message, and its doubts."""

    def __init__(self, store: SqliteStore, *, encoder: FakeEncoder | None = None) -> None:
        self.store, self.now = store, START
        knowledge = knowledge_of(
            entry("a-1", "账号被锁定怎么办", "请等六小时。"),
            entry("a-2", "打印时提示错误", "请换浏览器。", audience="企业用户"),
            entry("a-3", "打印时提示错误", "请联系上级。", audience="管理机构"),
        )
        self.desk = Desk(index_of(knowledge, encoder), (HUMAN,), Thresholds())
        self.bot = Bot(store, self.desk, clock=lambda: self.now)

    def talk(self, *texts: str, holder: Pass | None = None) -> Pass:
        """Say some texts in a conversation."""
        holder = holder or self.bot.begin()
        for text in texts:
            self.now += timedelta(minutes=1)
            self.last = self.bot.turn(Incoming(text=text), holder)
        return holder

    def choose(self, holder: Pass, entry_id: str) -> None:
        self.now += timedelta(minutes=1)
        self.last = self.bot.turn(Incoming(choose=entry_id), holder)

    @property
    def decision(self) -> str:
        assert self.last.reply is not None
        return self.last.reply.decision

    def refute(self, holder: Pass) -> None:
        self.bot.rate_answer(holder, self.last.message_id, helpful=False)

    def doubts(self, since: datetime = START) -> list[tuple[str, str]]:
        found = self.store.read(lambda t: list(doubts_in(t.lines(since), since, COLD)))
        return [(doubt.text, doubt.kind) for doubt in found]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store."""
    store = SqliteStore(tmp_path / "conversations.db")
    yield store
    store.close()


@pytest.fixture
def hall(store: SqliteStore) -> Hall:
    """A bot on keywords."""
    return Hall(store)


def test_a_refused_question_is_doubtful(hall: Hall) -> None:
    """What the bot refused is listed, courtesies and questions about the desk beside it are not."""
    hall.talk("你好", "月球上有水吗", "谢谢", "你是机器人吗", "再见")
    assert hall.doubts() == [("月球上有水吗", "reject")]


def test_an_answered_question_is_not_doubtful(hall: Hall) -> None:
    """A question that was answered is not listed."""
    hall.talk("账号被锁定怎么办")
    assert hall.decision == "answer"
    assert hall.doubts() == []


def test_an_answer_that_did_not_help_makes_its_question_doubtful(hall: Hall) -> None:
    """A thumb down counts for the question that was answered."""
    hall.refute(hall.talk("账号被锁定怎么办"))
    assert hall.doubts() == [("账号被锁定怎么办", "refuted")]


def test_a_question_asked_back_is_doubtful_until_an_option_is_chosen(hall: Hall) -> None:
    """A choice settles a question back; whoever leaves it or asks something else does not."""
    left = hall.talk("打印时提示错误")
    assert hall.decision == "clarify"
    assert hall.doubts() == [("打印时提示错误", "clarify")]
    hall.choose(left, "a-2")
    assert hall.doubts() == []
    hall.talk("打印时提示错误", "月球上有水吗")
    assert hall.doubts() == [("打印时提示错误", "clarify"), ("月球上有水吗", "reject")]


def test_a_choice_that_did_not_help_makes_the_question_before_it_doubtful(hall: Hall) -> None:
    """What was chosen is an entry's own words; the visitor's are those of the question before."""
    holder = hall.talk("打印时提示错误呢")
    hall.choose(holder, "a-2")
    hall.refute(holder)
    assert hall.doubts() == [("打印时提示错误呢", "refuted")]


def test_a_call_for_a_person_makes_the_question_before_it_doubtful(hall: Hall) -> None:
    """「转人工」 is no question; alone it is nothing, after an answer it says that the answer did not do."""
    hall.talk("转人工")
    assert hall.doubts() == []
    hall.talk("账号被锁定怎么办", "转人工")
    assert hall.doubts() == [("账号被锁定怎么办", "escalate")]


def test_a_call_for_a_person_another_day_says_nothing_about_yesterdays_question(hall: Hall) -> None:
    """Only within its visit is looked for what came after a question."""
    holder = hall.talk("账号被锁定怎么办")
    hall.now += timedelta(days=1)
    hall.talk("转人工", holder=holder)
    assert hall.doubts() == []


def test_personal_data_are_masked_and_old_questions_left_out(hall: Hall) -> None:
    """Nobody reads a visitor's number here, and what was asked before the period is not listed."""
    hall.talk("月球上有水吗 13812345678")
    assert hall.doubts() == [("月球上有水吗 138****5678", "reject")]
    assert hall.doubts(hall.now + timedelta(minutes=5)) == []


def test_the_same_words_count_by_conversations(hall: Hall) -> None:
    """Marks and courtesy make no difference, and one visitor's repetitions count once."""
    hall.talk("月球上有水吗", "月球上有水吗？")
    hall.talk("请问月球上有水吗")
    hall.talk("火星上呢")
    found = hall.store.read(lambda t: wordings(doubts_in(t.lines(START), START, COLD), 10))
    assert [(w.conversations, len(w.doubts)) for w in found] == [(2, 3), (1, 1)]


def test_groups_grow_by_mean_likeness() -> None:
    """Two groups become one while the mean across them is high enough, however alike two single members are."""
    likeness = np.array([[1, 0.9, 0.5, 0], [0.9, 1, 0.1, 0], [0.5, 0.1, 1, 0.4], [0, 0, 0.4, 1]], dtype=np.float32)
    assert cluster.groups(likeness.copy(), 0.35) == [[0, 1], [2, 3]]
    assert cluster.groups(likeness.copy(), 0.95) == [[0], [1], [2], [3]]
    assert cluster.groups(likeness.copy(), -1.0) == [[0, 1, 2, 3]]
    assert cluster.groups(np.zeros((1, 1), np.float32), 0.5) == [[0]]


def test_groups_are_those_of_the_plain_way() -> None:
    """Remembering each row's best changes nothing: on random likenesses the groups are those of comparing all."""
    random = np.random.default_rng(1)
    for _ in range(20):
        half = random.random((25, 25)).astype(np.float32)
        likeness = (half + half.T) / 2
        assert cluster.groups(likeness.copy(), 0.55) == _slowly(likeness, 0.55)


def _slowly(likeness: np.ndarray, least: float) -> list[list[int]]:
    groups = [[at] for at in range(len(likeness))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a + 1, len(groups))]
        means = [float(likeness[np.ix_(groups[a], groups[b])].mean()) for a, b in pairs]
        best = int(np.argmax(means))
        if means[best] < least:
            break
        a, b = pairs[best]
        groups[a] = sorted(groups[a] + groups[b])
        del groups[b]
    return groups


def test_texts_are_alike_by_words_meanings_and_entries() -> None:
    """Each of the three brings two texts together; unknown entries bring nothing."""
    texts = ["粉尘超标怎么办", "粉尘超标怎么办呢", "灰太多了", "没有关系的话"]
    vectors = np.eye(4, dtype=np.float32)
    vectors[2] = vectors[0]
    words = cluster.alike(texts, None, [{}] * 4)
    assert words[0, 1] > 0.7
    assert words[0, 2] < 0.1
    assert cluster.alike(texts, vectors, [{}] * 4)[0, 2] > 0.6
    entries = cluster.alike(texts, None, [{}, {}, {"a-1": 0.9}, {"a-1": 0.8}])
    assert entries[2, 3] > 0.4
    assert words[2, 3] < 0.1
    assert np.allclose(words, words.T)


def _doubt(message: str, conversation: str, text: str) -> Doubt:
    return Doubt(message, conversation, "a", START, text, "reject")


def _group(*doubts: Doubt) -> Cluster:
    worded = tuple(wordings(doubts, 10))
    return Cluster("0" * 16, worded, worded[0], ())


def _deed(kind: str, *texts: str, entry_id: str = "") -> Deed:
    return Deed(1, kind, entry_id, texts, "赵组长", START)  # type: ignore[arg-type]


def _left(group: Cluster, deed: Deed, messages: Sequence[str], **there: dict[str, str]) -> list[tuple[int, bool]]:
    found = cases([group], dict.fromkeys(messages, 1), [deed], there.get("drafted", {}), there.get("published", {}))
    return [(case.conversations, bool(case.drafted)) for case in found]


def test_what_was_dismissed_comes_back_when_more_ask_it_than_before() -> None:
    """Dismissed at two conversations, a group stays away for two more and is back with the third."""
    doubts = [_doubt(f"m{n}", f"c{n}", "月球上有水吗") for n in range(5)]
    assert _left(_group(*doubts[:2]), _deed("dismiss"), ["m0", "m1"]) == []
    assert _left(_group(*doubts[:4]), _deed("dismiss"), ["m0", "m1"]) == []
    assert _left(_group(*doubts), _deed("dismiss"), ["m0", "m1"]) == [(3, False)]


def test_what_was_assigned_waits_in_the_draft_and_is_gone_once_published() -> None:
    """A group is marked while its texts are in the draft, gone when they are published, back when they are undone."""
    group, deed = _group(_doubt("m0", "c0", "月球上有水吗")), _deed("assign", "月球有水吗", entry_id="a-1")
    there = {plain("月球有水吗"): "a-1"}
    assert _left(group, deed, ["m0"], drafted=there) == [(1, True)]
    assert _left(group, deed, ["m0"], published=there) == []
    assert _left(group, deed, ["m0"]) == [(1, False)]


def test_what_is_asked_again_after_it_was_assigned_shows_at_once() -> None:
    """Questions that are new since an assignment are evidence that it does not help."""
    group = _group(_doubt("m0", "c0", "月球上有水吗"), _doubt("m1", "c1", "月球上有水吗"))
    deed = _deed("assign", "月球有水吗", entry_id="a-1")
    assert _left(group, deed, ["m0"], published={plain("月球有水吗"): "a-1"}) == [(1, False)]


def test_a_survey_puts_the_most_frequent_first_and_reads_each_wording_once(store: SqliteStore) -> None:
    """Groups of one meaning, by the encoder; a second survey of the same questions reads nothing anew."""
    moon, wet = {0: 1.0}, {0: 0.98, 1: 0.2}
    encoder = FakeEncoder({"月球上有水吗": moon, "月亮里头能找到水不": wet, "火车几点开": {2: 1.0}})
    hall = Hall(store, encoder=encoder)
    for text in ("月球上有水吗", "月亮里头能找到水不", "月球上有水吗", "火车几点开"):
        hall.talk(text)
    review = Review(store, lambda: hall.desk, COLD, clock=lambda: hall.now, pace=0.0)
    found = cases(review.make(30).clusters, {}, [], {}, {})
    assert [(case.conversations, case.cluster.typical.text) for case in found] == [
        (3, "月球上有水吗"),
        (1, "火车几点开"),
    ]
    fresh = Hall(store, encoder=encoder)
    encoder.encoded.clear()
    again = Review(store, lambda: fresh.desk, COLD, clock=lambda: hall.now, pace=0.0).make(30)
    assert [group.id for group in again.clusters] == [case.cluster.id for case in found]
    assert encoder.encoded == []


def test_a_survey_that_is_old_is_made_anew_before_it_is_shown(hall: Hall) -> None:
    """Whoever looks later sees what was asked meanwhile, and nothing of what was erased."""
    first = hall.talk("月球上有水吗")
    review = Review(hall.store, lambda: hall.desk, COLD, clock=lambda: hall.now, pace=0.0)

    def shown() -> list[str]:
        review.survey(30)
        until(lambda: not review.running)  # what is not ready within a moment is shown to whoever looks next
        survey = review.survey(30)
        return [group.typical.text for group in survey.clusters] if survey else []

    assert shown() == ["月球上有水吗"]
    hall.talk("火车票怎么退")
    hall.store.write(lambda t: t.delete_conversation(first.conversation_id))
    assert shown() == ["火车票怎么退"]


def test_what_the_published_index_answers_now_is_no_longer_doubtful(store: SqliteStore) -> None:
    """Once the knowledge base answers a refused question it is not listed any more."""
    hall = Hall(store)
    hall.talk("月球上有水吗")
    learned = index_of(knowledge_of(entry("a-1", "月球上有水吗", "有一点。"), entry("a-2", "账号被锁定怎么办", "等。")))
    taught = Desk(learned, (HUMAN,), Thresholds())
    review = Review(store, lambda: taught, COLD, clock=lambda: hall.now, pace=0.0)
    assert review.make(30).clusters == ()


def test_readings_and_deeds_go_with_the_messages_they_hang_on(hall: Hall) -> None:
    """Erasing a conversation takes along what was made of its questions and what was done about them."""
    holder = hall.talk("月球上有水吗")
    review = Review(hall.store, lambda: hall.desk, COLD, clock=lambda: hall.now, pace=0.0)
    messages = [doubt.message for group in review.make(30).clusters for doubt in group.doubts]
    hall.store.write(lambda t: t.add_deed("dismiss", "", (), "赵组长", hall.now, messages))
    hall.store.write(lambda t: t.delete_conversation(holder.conversation_id))
    assert hall.store.read(lambda t: (t.settled(), t.deeds())) == ({}, [])
    assert review.make(30).clusters == ()
    hall.talk("火车票怎么退")
    messages = [doubt.message for group in review.make(30).clusters for doubt in group.doubts]
    hall.store.write(lambda t: t.add_deed("topic", "", ["火车票怎么退"], "赵组长", hall.now, messages))
    with closing(sqlite3.connect(hall.store._path)) as db:
        assert db.execute("SELECT kind FROM doubt_deed").fetchall() == [("topic",)]


def test_a_wording_keeps_the_way_it_was_written_last() -> None:
    """Of several ways to write the same words the last is shown."""
    first, last = _doubt("m0", "c0", "月球上有水吗"), Doubt("m1", "c1", "a", START + COLD, "月球上有水吗？", "reject")
    assert [w.text for w in wordings([last, first], 5)] == ["月球上有水吗？"]
    assert isinstance(wordings([last, first], 5)[0], Wording)
