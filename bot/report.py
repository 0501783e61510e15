"""The report of an evaluation: report.json for programs, report.html (see `page`) for staff."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot import page
from bot.case import confusion
from bot.evaluate import Finding
from bot.measure import calibration, curve
from bot.release import Measured, Result


def write(folder: Path, measured: Measured, results: Sequence[Result]) -> Path:
    """Write both files into the folder, which is made where it is missing; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(as_json(measured, results), ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(data + "\n", encoding="utf-8")
    shown = folder / "report.html"
    shown.write_text(page.render(measured, results), encoding="utf-8")
    return shown


def as_json(measured: Measured, results: Sequence[Result]) -> dict[str, Any]:
    """The report as JSON knows it."""
    return {
        "condition": measured.condition,
        "thresholds": asdict(measured.thresholds),
        "content_hash": measured.content_hash,
        "sets": [_set(result) for result in results],
    }


def _set(result: Result) -> dict[str, Any]:
    examination = result.examination
    return {
        "name": result.name,
        "questions": len(examination.cases),
        "digest": examination.questions.digest,
        "notes": result.notes,
        "figures": {
            standing.definition.name: {
                **asdict(standing.figure),
                "last": standing.last,
                "difference": standing.difference,
                "floor": standing.floor,
                "missed": standing.missed,
            }
            for standing in result.standings
        },
        "curve": [asdict(point) for point in curve(examination.cases)],
        "calibration": [asdict(found) for found in calibration(examination.cases)],
        "confusion": [asdict(tally) for tally in confusion(examination.cases)],
        "errors": [_finding(finding) for finding in examination.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "question": asdict(finding.question),
        "label": asdict(finding.case.label),
        "prediction": asdict(finding.case.prediction),
        "faults": finding.faults,
        "explanation": asdict(finding.explanation),
    }
