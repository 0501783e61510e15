"""What is made of an examination: explanations, the table, the floor, the last release's figures, the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake import entry, knowledge_of
from hypothesis import given
from hypothesis import strategies as st

from bot import chart, page, release, report, table
from bot.case import Fault
from bot.decide import Thresholds
from bot.desk import Thought
from bot.dossier import Dossier
from bot.escalation import Reason
from bot.evaluate import Examination, QuestionsError, examine, read_set, read_sets
from bot.explanation import MEASURES
from bot.measure import DEFINITIONS, Bin, Point
from bot.model import Decision, Escalation, Option, Reply
from bot.release import FloorError, Result
from index import rank
from index.hybrid import Hit

NASTY = '</title><script>alert(1)</script><img src="https://example.com/x" onerror=alert(1)>&amp;$sets'
ENTRIES = (
    entry("a-1", "忘记密码", "点击忘记密码"),
    entry("a-2", "账号锁定", "6小时后重试"),
    entry("b-1", f"导出报表{NASTY}", "点击导出"),
)
SURE = (("a-1", 0.9), ("a-2", 0.05))
UNSURE = (("a-1", 0.3), ("a-2", 0.2))


def hits(found: Sequence[tuple[str, float]]) -> tuple[Hit, ...]:
    """Hits whose every feature is their confidence."""
    by_id = {entry.id: entry for entry in ENTRIES}
    return tuple(
        Hit(by_id[key], confidence, confidence, f"{by_id[key].question}？", dict.fromkeys(rank.FEATURES, confidence))
        for key, confidence in found
    )


def thought(
    decision: Decision, found: Sequence[tuple[str, float]] = SURE, *options: str, reason: str | None = None
) -> Thought:
    """What a desk might think."""
    handed = Escalation(reason, reason, "offered", None) if reason else None
    reply = Reply(
        decision=decision,
        text="",
        confidence=found[0][1] if found else 0.0,
        options=tuple(Option(option, option) for option in options),
        escalation=handed,
    )
    return Thought(reply, "a", hits(found))


@dataclass
class ScriptedDesk:
    """Thinks what it was told to, text by text."""

    script: dict[str, Thought]
    mode: str = "keyword"
    thresholds: Thresholds = field(default_factory=Thresholds)
    knowledge: Any = field(default_factory=lambda: knowledge_of(*ENTRIES))

    @property
    def index(self) -> Any:
        """As much of an index as an explanation asks."""
        weights = rank.shipped("keyword", similar=False)
        return SimpleNamespace(mode=self.mode, knowledge=self.knowledge, understand=str.lower, weights=weights)

    def consider(self, text: str, _: str | None = None) -> Thought:
        """The thought for a text."""
        return self.script[text]

    def reason(self, name: str) -> Reason | None:
        """One reason is declared."""
        return Reason("unlock", dossier=Dossier(label="账号解锁", told="请稍候。")) if name == "unlock" else None


ROWS: list[dict[str, Any]] = [
    {"id": "right", "text": "忘记密码", "context": "a", "expect": "answer", "entries": ["a-1"], "escalate": None},
    {"id": "wrong", "text": "账号LOCK了", "expect": "answer", "entries": ["a-2"], "escalate": "unlock"},
    {"id": "false", "text": f"导出{NASTY}", "expect": "reject", "entries": []},
    {"id": "silent", "text": "想不起来", "expect": "answer", "entries": ["a-9"], "escalate": None},
    {"id": "asked", "text": "登不上", "expect": "answer", "entries": ["a-2"]},
    {"id": "torn", "text": "密码", "expect": "clarify", "entries": ["a-1", "b-1"], "context": None},
    {"id": "vain", "text": "解锁", "expect": "reject", "entries": [], "escalate": None},
]
SCRIPT = {
    "忘记密码": thought("answer"),
    "账号LOCK了": thought("answer"),
    f"导出{NASTY}": thought("answer", [("b-1", 0.7), ("a-1", 0.1)]),
    "想不起来": thought("reject", UNSURE),
    "登不上": thought("clarify", UNSURE, "a-1", "a-2"),
    "密码": thought("reject", []),
    "解锁": thought("escalate", UNSURE, reason="unlock"),
}
DESK: Any = ScriptedDesk(SCRIPT)
MEASURED = release.measured_by(DESK, similar=True)


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def asked(tmp_path: Path) -> Examination:
    """The rows, asked."""
    return examine(DESK, read_set(write(tmp_path / "some.jsonl", ROWS)))


@pytest.fixture
def result(asked: Examination) -> Result:
    """The rows against a floor, one figure of which they miss."""
    return release.hold(asked, MEASURED, {"some": {"answered_right": 0.9, "false_answers": 0.5}})


def test_what_is_not_as_labelled_is_found(asked: Examination) -> None:
    """Each case with what went wrong; labels that name unknown entries are told apart."""
    found: dict[str, tuple[Fault, ...]] = {finding.question.id: finding.faults for finding in asked.findings}
    assert found == {
        "wrong": ("wrong_answer", "reason_missed"),
        "false": ("false_answer",),
        "silent": ("refused",),
        "asked": ("asked_needlessly",),
        "torn": ("refused",),
        "vain": ("reason_in_vain",),
    }
    assert asked.unknown == ("a-9",)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("wrong", ["首选 a-1 的置信度为 0.90", "正确条目 a-2 排在第 2 位", "主要在于：", "账号解锁 unlock"]),
        ("false", ["首选 b-1 的置信度为 0.70"]),
        ("silent", ["不应答", "正确条目 a-9 不在前 2 位"]),
        ("asked", ["因此反问", "反问给出的选项：a-1、a-2；其中正确的是 a-2"]),
        ("torn", ["没有检索到任何条目"]),
        ("vain", ["不需要人工"]),
    ],
)  # fmt: skip
def test_an_explanation_says_how_it_came_about(asked: Examination, question: str, said: list[str]) -> None:
    """The thresholds, the place of the right entry, what put another first, the options, the person."""
    explanation = next(finding.explanation for finding in asked.findings if finding.question.id == question)
    told = "".join(explanation.reasons)
    assert [part for part in said if part not in told] == []


def test_contributions_are_features_times_weights_the_greatest_first(asked: Examination) -> None:
    """With the weights of the search that was used, and names for staff."""
    explanation = asked.findings[0].explanation
    assert explanation.understood == "账号lock了"
    assert [candidate.right for candidate in explanation.candidates] == [False, True]
    parts = explanation.candidates[0].contributions
    weights = dict(zip(rank.FEATURES, rank.shipped("keyword", similar=False).entry, strict=True))
    assert {part.name: part.score for part in parts} == {name: 0.9 * weight for name, weight in weights.items()}
    assert [abs(part.score) for part in parts] == sorted((abs(part.score) for part in parts), reverse=True)


def test_every_measure_of_the_ranker_has_a_name_for_staff() -> None:
    """A new one must get one."""
    assert set(rank.FEATURES) <= set(MEASURES)


def test_the_table_has_a_column_per_set(result: Result) -> None:
    """Proportions with their intervals, columns aligned though Chinese is wide, notes below."""
    lines = table.render([result, result]).splitlines()
    assert lines[0].split() == ["some", "some"]
    covered = next(line for line in lines if line.startswith("  答对"))
    assert covered.split("25.0%")[1].strip() == "[4.6, 69.9] ✗"
    assert "【应回答的题】" in lines[1]
    assert lines[1].split()[1:] == ["4", "题", "4", "题"]
    assert lines[-1].startswith("some：标注中有知识库里没有的条目：a-9")
    starts = {len(line[: line.index("25.0%")].encode("gbk")) for line in lines if "25.0%" in line}
    assert len(starts) == 1


def test_a_figure_that_misses_its_floor_is_named(asked: Examination, result: Result) -> None:
    """With its value and what it should be; at its floor, to four digits, it holds."""
    assert result.missed == ("未达标：some 的「答对」（answered_right）为 0.2500，应不低于 0.9。",)
    assert release.hold(asked, MEASURED, {"some": {"top3": 0.75, "mrr": 0.5}}).missed == ()
    third = replace(asked, figures={**asked.figures, "mrr": replace(asked.figures["mrr"], value=2 / 3)})
    assert release.hold(third, MEASURED, {"some": {"mrr": 0.6667}}).missed == ()
    assert "应不高于" in release.hold(asked, MEASURED, {"some": {"false_answers": 0.1}}).missed[0]


def test_a_floor_for_what_was_not_measured_is_missed(tmp_path: Path) -> None:
    """No questions are no proof; a floor without a table for the set is said."""
    asked = examine(DESK, read_set(write(tmp_path / "few.jsonl", ROWS[:1])))
    assert "没有可测的题" in release.hold(asked, MEASURED, {"few": {"false_answers": 0.1}}).missed[0]
    assert "下限文件中没有这个题集。" in release.hold(asked, MEASURED, {"other": {"top1": 1.0}}).notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[some]\nbest = 1", "没有名为 best 的指标"),
        ("[some]\ntop1 = 'high'", "应为数字"),
        ("[some]\ntop1 = nan", "应为数字"),
        ("[some]\ntop1 = true", "应为数字"),
        ("top1 = 0.9", "应写成 [top1] 表"),
        ("[some", "不是有效的 TOML"),
    ],
)
def test_mistakes_in_a_floor_are_named(tmp_path: Path, text: str, said: str) -> None:
    """A misspelt figure would otherwise hold for ever."""
    path = tmp_path / "floor.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FloorError, match=r"floor\.toml") as caught:
        release.read_floor(path)
    assert said in str(caught.value)
    with pytest.raises(FloorError, match="无法读取"):
        release.read_floor(tmp_path / "nowhere.toml")


def test_accepted_figures_are_what_the_next_are_compared_with(asked: Examination) -> None:
    """They lie beside the set; no difference to oneself, then the difference."""
    path = release.accept(asked, MEASURED)
    assert path.name == "some.figures.json"
    same = release.hold(asked, MEASURED, {})
    assert {standing.difference for standing in same.standings} == {0.0}
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["figures"]["top1"] = 0.75
    path.write_text(json.dumps(stored), encoding="utf-8")
    changed = release.hold(asked, MEASURED, {})
    assert changed.standings[0].difference == pytest.approx(-0.5)
    assert "25.0% [4.6, 69.9] (-50.0)" in table.render([changed])
    assert "-50.0" in page.render(MEASURED, [changed])


def test_figures_measured_otherwise_are_not_compared(asked: Examination) -> None:
    """Another search or no similar questions: no difference, a note. A changed set: the difference, and a note."""
    release.accept(asked, replace(MEASURED, similar=False))
    other = release.hold(asked, MEASURED, {})
    assert {standing.difference for standing in other.standings} == {None}
    assert any("不作比较" in note for note in other.notes)
    release.accept(replace(asked, questions=replace(asked.questions, digest="other")), MEASURED)
    changed = release.hold(asked, MEASURED, {})
    assert changed.standings[0].difference == 0.0
    assert any("有改动" in note for note in changed.notes)


@pytest.mark.parametrize(
    "text", ["[1", "[]", "{}", '{"figures": 1}', '{"digest": 1, "condition": 2, "figures": {"a": "b"}}']
)
def test_damaged_figures_are_named(asked: Examination, text: str) -> None:
    """With what to do about it."""
    release.figures_file(asked.questions.path).write_text(text, encoding="utf-8")
    with pytest.raises(FloorError, match=r"some\.figures\.json.*重新写入"):
        release.hold(asked, MEASURED, {})


class Reading(HTMLParser):
    """Which elements and attributes a page has, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_in_a_text_becomes_part_of_the_page(result: Result) -> None:
    """Questions and entries are shown as they are; no scripts, pictures or links, nothing from elsewhere."""
    nasty = replace(result.examination.questions, name=f"some{NASTY}")
    told = replace(result, examination=replace(result.examination, questions=nasty), notes=(NASTY,))
    read = Reading(page.render(replace(MEASURED, search=NASTY, content_hash=NASTY), [told]))
    assert not read.elements & {"script", "img", "link", "iframe", "object", "embed", "base", "a", "image", "use"}
    assert not {name for name in read.attributes if name.startswith("on")}
    assert not read.attributes & {"src", "href", "xlink:href", "srcset", "action", "data"}
    assert "url(" not in page.FRAME.read_text(encoding="utf-8")
    assert "default-src 'none'" in page.FRAME.read_text(encoding="utf-8")
    assert read.text.count(NASTY) > 5


def test_the_page_shows_figures_charts_confusion_and_errors(result: Result) -> None:
    """In Chinese, the gravest errors first."""
    shown = page.render(MEASURED, [result])
    assert shown.count("<svg") == 2
    text = Reading(shown).text
    for said in ("题目所属条目", "应回答的题中作答的比例", "首选正确的比例", "未达标", "（未收录）", " 0.90×"):
        assert said in text
    order = [text.index(f"{fault}（") for fault in page.FAULTS.values() if f"{fault}（" in text]
    assert len(order) == 5
    assert order == sorted(order)


def test_the_report_is_written_for_programs_too(result: Result, tmp_path: Path) -> None:
    """The same figures, points, counts and explanations as JSON; the folder is made."""
    path = report.write(tmp_path / "new" / "report", MEASURED, [result])
    assert path.read_text(encoding="utf-8") == page.render(MEASURED, [result])
    stored = json.loads((path.parent / "report.json").read_text(encoding="utf-8"))
    (found,) = stored["sets"]
    assert list(found["figures"]) == [definition.name for definition in DEFINITIONS]
    assert found["figures"]["answered_right"]["value"] == 0.25
    assert found["figures"]["answered_right"]["missed"] is True
    assert len(found["curve"]) == 3
    assert found["confusion"][-1]["entry"] is None
    explained = found["errors"][0]["explanation"]["candidates"][0]
    assert {"entry", "phrasing", "confidence", "relevance", "contributions"} <= explained.keys()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=20), st.floats(0, 1))
def test_charts_stay_inside_their_frame(found: list[tuple[float, float]], now: float) -> None:
    """Whatever the figures are, and also where there are none."""
    points = [Point(0.5, x, y, x) for x, y in found]
    bins = [Bin(n, n + 1, x, n) for n, (x, _) in enumerate(found[:10])]
    for drawn in (chart.coverage("题集", points, (now, now)), chart.calibration("题集", bins)):
        read = Reading(drawn)
        assert ("svg" in read.elements) == bool(found)
        assert "nan" not in drawn
        assert "figcaption" in read.elements


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"expect": "maybe"}, "expect"),
        ({"expect": None}, "expect"),
        ({"entries": None}, "entries"),
        ({"entries": "a-1"}, "entries"),
        ({"entries": [1]}, "entries"),
        ({"entries": []}, "entries"),
        ({"expect": "reject"}, "entries"),
        ({"escalate": 1}, "escalate"),
        ({"escalate": ""}, "escalate"),
        ({"id": "right"}, "重复"),
        ({"id": 1}, "id"),
        ({"text": None}, "text"),
        ({"context": 1}, "context"),
    ],
)
def test_a_question_without_a_usable_label_is_named_by_its_line(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    """The set is refused as a whole: figures over the rest would be of another set."""
    path = write(tmp_path / "some.jsonl", [ROWS[0], {**ROWS[1], **row}])
    with pytest.raises(QuestionsError, match=r"some\.jsonl 第 2 行") as caught:
        read_set(path)
    assert said in str(caught.value)


@pytest.mark.parametrize("line", ["{", "[" * 100_000, '{"id": "\\ud800"}', "\udcff", '"text"', "1"])
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str) -> None:
    """Cut short, too deep, half a character, other bytes, not an object."""
    path = tmp_path / "some.jsonl"
    path.write_bytes(b"\n" + line.encode(errors="surrogateescape"))
    with pytest.raises(QuestionsError, match=r"some\.jsonl 第 2 行"):
        read_set(path)


def test_sets_are_known_by_different_names(tmp_path: Path) -> None:
    """Two of the same name are refused, and so is an empty one."""
    (tmp_path / "other").mkdir()
    paths = [write(folder / "some.jsonl", ROWS[:1]) for folder in (tmp_path, tmp_path / "other")]
    assert [found.name for found in read_sets(paths[:1])] == ["some"]
    with pytest.raises(QuestionsError, match="已有名为 some 的题集"):
        read_sets(paths)
    with pytest.raises(QuestionsError, match="没有题目"):
        read_set(write(tmp_path / "empty.jsonl", []))
