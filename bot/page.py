"""The report as a page for staff: figures, charts, what was given for what, every error with its explanation.

It stands alone: no scripts, nothing from elsewhere. Every text that is not ours is escaped where it enters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Final

from bot import chart
from bot.case import Fault, Tally, confusion
from bot.evaluate import Finding
from bot.explanation import Candidate
from bot.measure import GROUPS, calibration, curve
from bot.release import Measured, Result, Standing
from bot.table import NOTHING, difference, questions, value

FRAME: Final = Path(__file__).with_name("report.html")

FAULTS: Final[Mapping[Fault, str]] = {
    "wrong_answer": "答错：给出了别的条目",
    "false_answer": "误答：没有条目能回答，却作了答",
    "hasty_answer": "应反问，却直接作了答",
    "refused": "应回答或反问，却没有应答",
    "asked_needlessly": "应直接回答，却反问",
    "asked_uncovered": "没有条目能回答，却反问",
    "poor_options": "反问的选项不全或过多",
    "reason_missed": "没有识别出需要人工",
    "reason_in_vain": "不需要人工，却提出转人工",
    "reason_confused": "人工事由不对",
}
"""What each fault is called for staff, the gravest first."""

THRESHOLDS: Final = {
    "answer": "应答",
    "relevant": "反问",
    "alike": "相近",
    "near": "系统不明",
    "role": "身份不明",
    "suggest": "建议",
}
DECISIONS: Final = {"answer": "应答", "clarify": "反问", "escalate": "转人工", "reject": "不应答"}


def render(measured: Measured, results: Iterable[Result]) -> str:
    """The page, HTML."""
    return Template(FRAME.read_text(encoding="utf-8")).substitute(
        about=_about(measured), sets="\n".join(_set(measured, result) for result in results)
    )


def _about(measured: Measured) -> str:
    search = {"hybrid": "关键词与语义", "keyword": "仅关键词"}.get(measured.search, measured.search)
    thresholds = "，".join(
        f"{THRESHOLDS.get(name, name)} {number:g}" for name, number in asdict(measured.thresholds).items()
    )
    similar = "含相似问法" if measured.similar else "不含相似问法"
    return (
        f'<p class="quiet">{len(measured.entries)} 个条目，{escape(search)}检索，{similar}；'
        f"门槛：{escape(thresholds)}；文档摘要 <code>{escape(measured.content_hash[:12])}</code>。"
        "方括号内是 95% 区间（Wilson）；比例与上次发布的差异以百分点计。</p>"
    )


def _set(measured: Measured, result: Result) -> str:
    cases, figures = result.examination.cases, result.examination.figures
    wrong, right = figures["answered_wrong"].value, figures["answered_right"].value
    false = figures["false_answers"].value
    now = None if wrong is None or right is None or false is None else (wrong + right, false)
    missed = "".join(f'<p class="bad">{escape(line)}</p>' for line in result.missed)
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    return (
        f"<section><h2>{escape(result.name)}：{len(cases)} 题，{len(result.examination.findings)} 题有错</h2>"
        f'{missed}<ul class="notes">{notes}</ul>{_figures(result)}'
        f'<h3>曲线</h3><div class="charts">{chart.coverage(result.name, curve(cases), now)}'
        f"{chart.calibration(result.name, calibration(cases))}</div>"
        f"<h3>各条目答成了什么</h3>{_confusion(measured, confusion(cases))}"
        f"<h3>有错的题</h3>{_findings(result.examination.findings)}</section>"
    )


def _figures(result: Result) -> str:
    rows = []
    for group, standings in groupby(result.standings, lambda standing: standing.definition.group):
        rows.append(f'<tr class="group"><th colspan="5">{GROUPS[group]} {questions(result, group)}</th></tr>')
        rows += map(_figure, standings)
    head = '<tr><th>指标</th><th class="number">本次</th><th class="number">上次发布</th>'
    head += '<th class="number">差异</th><th class="number">下限或上限</th></tr>'
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'


def _figure(standing: Standing) -> str:
    changed = standing.difference or 0.0
    tone = "" if not changed else "good" if (changed > 0) == standing.definition.higher else "bad"
    share = standing.figure.interval is not None
    last = NOTHING if standing.last is None else f"{standing.last:.1%}" if share else f"{standing.last:.3f}"
    bound = NOTHING if standing.floor is None else f"{'≥' if standing.definition.higher else '≤'} {standing.floor:g}"
    held = f'<td class="number{" bad" if standing.missed else ""}">{bound}{" 未达标" if standing.missed else ""}</td>'
    return (
        f"<tr><td>{escape(standing.definition.title)} <code>{standing.definition.name}</code></td>"
        f'<td class="number">{value(standing.figure)}</td><td class="number">{last}</td>'
        f'<td class="number {tone}">{difference(standing) or NOTHING}</td>{held}</tr>'
    )


def _confusion(measured: Measured, tallies: Iterable[Tally]) -> str:
    head = '<tr><th>题目所属条目</th><th class="number">题数</th><th class="number">答对</th>'
    head += '<th class="number">反问</th><th class="number">未应答</th><th>错给的条目</th></tr>'
    rows = "".join(_tally(measured, tally) for tally in tallies)
    return f'<div class="wide"><table>{head}{rows}</table></div>'


def _tally(measured: Measured, tally: Tally) -> str:
    wrong = [f"{_entry(measured, given)} × {count}" for given, count in tally.given.items() if given != tally.entry]
    silent = tally.questions - tally.offered - sum(tally.given.values())
    right = NOTHING if tally.entry is None else str(tally.right)
    numbers = "".join(f'<td class="number">{cell}</td>' for cell in (tally.questions, right, tally.offered, silent))
    name = "（未收录）" if tally.entry is None else _entry(measured, tally.entry)
    return f"<tr><td>{name}</td>{numbers}<td>{'<br>'.join(wrong)}</td></tr>"


def _entry(measured: Measured, entry: str) -> str:
    return f"<code>{escape(entry)}</code> {escape(measured.entries.get(entry, '（知识库中没有）'))}"


def _findings(findings: Sequence[Finding]) -> str:
    """All findings, by their first fault, the gravest first."""
    order = list(FAULTS)
    parts = []
    for fault, found in groupby(sorted(findings, key=lambda f: order.index(f.faults[0])), lambda f: f.faults[0]):
        listed = list(found)
        parts.append(f"<h4>{FAULTS[fault]}（{len(listed)} 题）</h4>{''.join(map(_finding, listed))}")
    return "".join(parts) or "<p>没有。</p>"


def _finding(finding: Finding) -> str:
    question, label, prediction = finding.question, finding.case.label, finding.case.prediction
    decision = DECISIONS.get(prediction.decision, prediction.decision)
    told = [
        f"标注：{_said(DECISIONS[label.expect], label.entries, label.escalate)}",
        f"结果：{_said(decision, prediction.ranked[:1], prediction.escalate)}，置信度 {prediction.confidence:.2f}",
        f"所知系统：{finding.explanation.system or '未知'}",
        f"检索时看作：「{finding.explanation.understood}」",
        *finding.explanation.reasons,
    ]
    return (
        f'<details><summary><span class="tag">{escape(question.id)}</span> {escape(question.text)}</summary>'
        f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in told)}</ul>"
        f"{''.join(map(_hit, finding.explanation.candidates))}</details>"
    )


def _said(decision: str, entries: Sequence[str], escalate: str | None) -> str:
    return "，".join([decision, *entries, *([f"人工事由 {escalate}"] if escalate else [])])


def _hit(candidate: Candidate) -> str:
    parts = "；".join(
        f"{part.title} {part.value:.2f}×{part.weight:.2f}={part.score:+.2f}"
        for part in candidate.contributions
        if part.score
    )
    right = ' <span class="tag right">正确</span>' if candidate.right else ""
    return (
        f'<div class="hit">第 {candidate.place} 位 <code>{escape(candidate.entry)}</code> {escape(candidate.question)}'
        f"{right}<br>置信度 {candidate.confidence:.3f}，相关度 {candidate.relevance:.3f}，"
        f'最近的问法「{escape(candidate.phrasing)}」<div class="parts">得分来自：{escape(parts)}</div></div>'
    )
