"""What thresholds make of a set of questions: the same as the desk itself, without another search."""

from __future__ import annotations

import json
import logging
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fake
import pytest

from bot.audition import Audition
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.escalation import HUMAN
from bot.evaluate import QUESTIONS, examine, read_set
from bot.rehearsal import SHOWN, Rehearsal, count
from bot.store.sqlite import SqliteStore
from bot.traffic import Traffic
from bot.turn import Incoming

QUESTION_ROWS: list[dict[str, Any]] = [
    {"id": "1", "text": "账号被锁定怎么办", "expect": "answer", "entries": ["a-1"], "escalate": None},
    {"id": "2", "text": "忘记密码", "context": "a", "expect": "answer", "entries": ["a-2"], "escalate": None},
    {"id": "3", "text": "今天天气怎么样", "expect": "reject", "entries": [], "escalate": None},
    {"id": "4", "text": "账号注册", "expect": "clarify", "entries": ["a-3", "b-1"], "escalate": None},
    {"id": "5", "text": "我要转人工", "expect": "reject", "entries": [], "escalate": "human"},
    {
        "id": "6",
        "text": "我是管理机构的，账号锁定",
        "context": "b",
        "expect": "reject",
        "entries": [],
        "escalate": None,
    },
]
KNOWLEDGE = fake.knowledge_of(
    fake.entry("a-1", "账号被锁定怎么办", "请等六小时。"),
    fake.entry("a-2", "忘记密码怎么找回", "点击忘记密码。"),
    fake.entry("a-3", "如何注册账号", "点击注册。"),
    fake.entry("b-1", "账号怎么注册", "联系管理员。"),
)
TRIED = [
    Thresholds(),
    Thresholds(answer=0.0),
    Thresholds(answer=1.0, relevant=0.0, alike=0.0),
    Thresholds(near=0.0, role=0.0),
    Thresholds(answer=0.3, relevant=0.9, suggest=1.0),
]


@dataclass
class Served:
    """Whatever answers from a desk."""

    desk: Desk
    traffic: Traffic = field(default_factory=Traffic)


class Searches:
    """Counts the searches of an index."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        search = desk.index.search

        def counted(*arguments: Any) -> Any:
            self.count += 1
            return search(*arguments)

        monkeypatch.setattr(desk.index, "search", counted)


@pytest.fixture
def desk() -> Desk:
    return Desk(fake.index_of(KNOWLEDGE), (HUMAN,), Thresholds())


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    lines = (json.dumps(row, ensure_ascii=False) for row in QUESTION_ROWS)
    (tmp_path / QUESTIONS).write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def made(desk: Desk, documents: Path) -> Audition:
    return Audition(Served(desk), documents, documents / "rehearsal", rest=0.0)


def heard(audition: Audition) -> Rehearsal:
    """The rehearsal, once it is ready."""
    deadline = time.monotonic() + 10
    while (found := audition.ready()) is None:
        assert time.monotonic() < deadline
        assert audition.progress().state in ("running", "ready")
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("thresholds", TRIED)
@pytest.mark.parametrize("from_disk", [False, True], ids=["heard", "read"])
def test_every_figure_is_the_one_that_an_evaluation_gives(
    desk: Desk, documents: Path, thresholds: Thresholds, from_disk: bool
) -> None:
    """For any thresholds, also from what was kept in the file."""
    rehearsal = heard(made(desk, documents))
    if from_disk:
        rehearsal = made(desk, documents).ready() or pytest.fail("it was not kept")
    asked = examine(Desk(desk.index, (HUMAN,), thresholds), read_set(documents / QUESTIONS))
    assert rehearsal.figures(thresholds) == {name: asked.figures[name] for name in SHOWN}


def test_trying_thresholds_searches_nothing(desk: Desk, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is searched once for a knowledge base, and never again, not even after a restart."""
    searches = Searches(desk, monkeypatch)
    rehearsal = heard(made(desk, documents))
    assert searches.count == len(QUESTION_ROWS)
    for thresholds in TRIED:
        rehearsal.compare(Thresholds(), thresholds)
    rehearsal.sweep(Thresholds())
    assert made(desk, documents).ready() is not None
    assert searches.count == len(QUESTION_ROWS)


def test_no_question_is_asked_while_a_turn_is_thought_out(
    desk: Desk, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on at once when the turn is over."""
    searches, served = Searches(desk, monkeypatch), Served(desk)
    audition = Audition(served, documents, documents / "rehearsal", rest=0.0)
    with served.traffic:
        assert audition.progress().state == "running"
        time.sleep(0.1)
        assert searches.count == 0
    heard(audition)
    assert searches.count == len(QUESTION_ROWS)


def test_a_turn_is_counted_while_it_is_thought_out(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not any more afterwards, not even one that failed."""
    counted: list[int] = []

    def search(*_: Any) -> Any:
        counted.append(bot.traffic.under_way)
        raise RuntimeError("broken")

    monkeypatch.setattr(desk.index, "search", search)
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        bot = Bot(store, desk)
        with pytest.raises(RuntimeError):
            bot.turn(Incoming(text="账号被锁定怎么办"))
    assert counted == [1]
    assert bot.traffic.under_way == 0


def test_on_a_busy_day_questions_are_asked_all_the_same(
    desk: Desk, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gives way for ever."""
    monkeypatch.setattr("bot.audition.PATIENCE", 0.01)
    served = Served(desk)
    with served.traffic:
        heard(Audition(served, documents, documents / "rehearsal", rest=0.0))


def test_what_changes_is_told_with_whether_that_is_better(desk: Desk, documents: Path) -> None:
    """Answering nothing helps nobody, and harms no uncovered question."""
    rehearsal = heard(made(desk, documents))
    effect = rehearsal.compare(Thresholds(), Thresholds(answer=1.0, relevant=1.0))
    right = next(row for row in effect.rows if row.definition.name == "answered_right")
    assert right.better is False
    assert count(right.after) == 0
    assert [each.text for each in effect.changed if each.better is False]
    assert all(each.before != each.after for each in effect.changed)
    same = rehearsal.compare(Thresholds(), Thresholds())
    assert same.changed == ()
    assert {row.better for row in same.rows} == {None}


def test_the_curve_has_the_value_in_force_among_its_points(desk: Desk, documents: Path) -> None:
    """Each point is what these thresholds would give."""
    rehearsal = heard(made(desk, documents))
    points = {point.value: point.figures for point in rehearsal.sweep(Thresholds(answer=0.123))}
    assert 0.123 in points
    for value in (0.123, 0.05, 0.95):
        assert points[value] == rehearsal.figures(replace(Thresholds(), answer=value))


def test_other_knowledge_and_other_questions_are_heard_anew(desk: Desk, documents: Path) -> None:
    """What was heard before is of no use for them."""
    served = Served(desk)
    audition = Audition(served, documents, documents / "rehearsal", rest=0.0)
    first = heard(audition)
    assert audition.ready() is first
    served.desk = Desk(fake.index_of(replace(KNOWLEDGE, content_hash="1" * 64)), (), Thresholds())
    assert heard(audition) is not first
    (documents / QUESTIONS).write_text(json.dumps(QUESTION_ROWS[0]), encoding="utf-8")
    assert len(heard(audition).questions.rows) == 1
    assert len(list((documents / "rehearsal").glob("*.json"))) == 3


def test_a_damaged_file_is_made_again(desk: Desk, documents: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a line in the log."""
    heard(made(desk, documents))
    (file,) = (documents / "rehearsal").glob("*.json")
    file.write_text('[{"hits": 1}]', encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        heard(made(desk, documents))
    assert "无法读取" in caplog.text
    assert json.loads(file.read_text(encoding="utf-8"))[0]["hits"] != 1


def test_without_questions_it_says_so(desk: Desk, tmp_path: Path) -> None:
    """And makes nothing."""
    audition = made(desk, tmp_path)
    assert audition.ready() is None
    assert audition.progress().state == "missing"
    assert "questions.jsonl" in audition.progress().message


def test_what_goes_wrong_is_told_and_not_tried_over_and_over(
    desk: Desk, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the knowledge or the questions change."""

    def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(desk.index, "search", fail)
    audition = made(desk, documents)
    deadline = time.monotonic() + 10
    while audition.progress().state != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert audition.ready() is None
    assert audition.progress().state == "failed"
