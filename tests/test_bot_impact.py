"""What another knowledge base makes of known questions, over small ones in memory; and the preview as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import fake
import numpy as np

from bot.case import Label
from bot.decide import Thresholds
from bot.desk import Desk
from bot.escalation import HUMAN
from bot.evaluate import Question
from bot.impact import Memory, compare_asked, compare_own, differ
from bot.preview import Check, FigureChange, Outcome, Preview, Shift
from bot.version import Asked, Difference, EntryChange, Held, PhraseChange, Text

LOGIN = fake.entry("a-1", "账号怎么登录", "点登录。")
PRINT = fake.entry("a-2", "申报表怎么打印", "点打印。")
OUTCOME = Outcome("answer", ("a-1",), 0.9, None)


def desk(*similar: str, uncovered: tuple[str, ...] = ()) -> Desk:
    knowledge = fake.knowledge_of(replace(LOGIN, similar=similar), PRINT, uncovered=uncovered)
    return Desk(fake.index_of(knowledge), (HUMAN,), Thresholds())


def nothing() -> None:
    """No progress to tell."""


def test_the_same_knowledge_changes_nothing() -> None:
    """No shift, and figures alike."""
    rows = [(Question("1", "账号怎么登录", None), Label("answer", ("a-1",), None))]
    shifts, figures = compare_own(desk(), desk(), rows, nothing)
    assert shifts == []
    assert all(figure.before == figure.after for figure in figures)


def test_own_questions_are_judged_by_their_labels() -> None:
    """What gets worse comes first."""
    rows = [
        (Question("1", "进不去网站了", None), Label("answer", ("a-1",), None)),
        (Question("2", "网站打不开了", "a"), Label("reject", (), None)),
    ]
    before, after = desk(), desk("进不去网站了", "网站打不开了")
    shifts, figures = compare_own(before, after, rows, nothing)
    assert [(shift.text, shift.system, shift.judgement) for shift in shifts] == [
        ("网站打不开了", "a", "worse"),
        ("进不去网站了", None, "better"),
    ]
    assert {(shift.before.decision, shift.after.decision, shift.after.entries) for shift in shifts} == {
        ("reject", "answer", ("a-1",))
    }
    named = {figure.name: figure for figure in figures}
    assert (named["answered_right"].before, named["answered_right"].after) == (0.0, 1.0)
    assert (named["false_answers"].before, named["false_answers"].after) == (0.0, 1.0)
    back, _ = compare_own(after, before, rows, nothing)
    assert [shift.judgement for shift in back] == ["worse", "better"]


def test_visitors_questions_are_told_by_their_message() -> None:
    """Without a word of theirs, in the order in which they were given."""
    ticks: list[None] = []
    asked = [Asked("进不去网站了", None, 7, "m1"), Asked("账号怎么登录", "a", 3, "m2")]
    shifts = compare_asked(desk(), desk("进不去网站了"), asked, lambda: ticks.append(None))
    assert [(s.source, s.text, s.count, s.message_id, s.judgement) for s in shifts] == [
        ("visitor", "", 7, "m1", "other")
    ]
    assert len(ticks) == 2


def test_what_nobody_would_notice_is_no_difference() -> None:
    """Confidence, and the order of options; another entry, decision or reason is one."""
    asked = Outcome("clarify", ("a-1", "a-2"), 0.5, None)
    assert not differ(asked, Outcome("clarify", ("a-2", "a-1"), 0.4, None))
    assert differ(asked, Outcome("clarify", ("a-1", "a-3"), 0.5, None))
    assert differ(asked, replace(asked, decision="reject"))
    assert differ(OUTCOME, replace(OUTCOME, entries=("a-2",)))
    assert differ(OUTCOME, replace(OUTCOME, escalate="unlock"))


def test_a_text_is_encoded_once_however_many_desks_ask() -> None:
    """Encoding is the dear part."""
    encoder = fake.FakeEncoder({"甲": {0: 1.0}, "乙": {1: 1.0}})
    memory = Memory(encoder)
    first = memory.encode(["甲", "乙", "甲"])
    assert np.array_equal(memory.encode(["乙", "甲"]), first[[1, 0]])
    assert encoder.encoded == ["甲", "乙"]
    assert memory.encode([]).shape == (0, fake.DIMENSION)
    assert (memory.model_id, memory.dimension) == (encoder.model_id, fake.DIMENSION)


def test_a_preview_reads_back_as_it_was_written() -> None:
    """Through JSON; only errors refuse publishing."""
    error = Check("error", "twice", ("a-1",), ("甲", "乙"), "重复。", new=True)
    preview = Preview(
        key="k",
        tree="t",
        content_hash="h",
        model_id=None,
        thresholds=asdict(Thresholds()),
        seconds=1.5,
        asked_own=1,
        asked_visitor=2,
        difference=Difference(
            (EntryChange("a-1", Text("甲", "乙"), None),),
            (PhraseChange("add", "", "丙"),),
            (Held("a-2", "旧", "新", ("丁",)),),
            ("a.txt",),
        ),
        shifts=(Shift("own", "问", "a", 1, OUTCOME, replace(OUTCOME, decision="reject"), "worse", None),),
        figures=(FigureChange("top1", "首位正确", "covered", True, None, 0.5, 2),),
        checks=(error, replace(error, severity="hint")),
        summary="好。",
    )
    assert Preview.from_dict(json.loads(json.dumps(asdict(preview)))) == preview
    assert preview.errors == (error,)
