"""`serve.py evaluate`, run as an operator runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import EVAL, ROOT, run_command

from bot.evaluate import read_set
from bot.release import read_floor

ROWS = [
    {"id": "1", "text": "账号被锁定了怎么办", "expect": "answer", "entries": ["zyb-1.9"], "escalate": "unlock"},
    {"id": "2", "text": "今天天气怎么样啊", "context": None, "expect": "reject", "entries": []},
    {
        "id": "3",
        "text": "打印申报表404",
        "context": "zyb",
        "expect": "answer",
        "entries": ["zyb-1.1"],
        "escalate": None,
    },
]


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    """A data folder of one's own with the built index."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(built / "index.db", folder / "index.db")
    (folder / "models").symlink_to(built / "models")
    return folder


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """Three questions, one of them labelled wrong on purpose."""
    return write(tmp_path / "some.jsonl", ROWS)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def report(folder: Path) -> dict[str, Any]:
    """The first set of a report."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["sets"][0]
    return found


def test_evaluate_prints_a_table_and_writes_a_report(data: Path, some: Path) -> None:
    """Into the data folder unless another is named; no conversation is left behind, no figures are accepted."""
    done = run_command(data, "evaluate", str(some))
    assert done.returncode == 0, done.stderr
    assert "50.0%" in next(line for line in done.stdout.splitlines() if "答对" in line)
    assert str(data / "report" / "report.html") in done.stderr
    found = report(data / "report")
    assert [error["question"]["id"] for error in found["errors"]] == ["3"]
    assert (data / "report" / "report.html").is_file()
    assert not (data / "conversations.db").exists()
    assert not some.with_suffix(".figures.json").exists()


def test_accepted_figures_are_compared_with(data: Path, some: Path, tmp_path: Path) -> None:
    """`--accept` writes them beside the set; the next evaluation shows the difference."""
    assert run_command(data, "evaluate", str(some), "--accept").returncode == 0
    assert json.loads((tmp_path / "some.figures.json").read_text(encoding="utf-8"))["figures"]["answered_right"] == 0.5
    write(some, [ROWS[0], ROWS[1], {**ROWS[2], "entries": ["zyb-1.11"]}])
    done = run_command(data, "evaluate", str(some), "--report", str(tmp_path / "elsewhere"))
    assert "(+50.0)" in next(line for line in done.stdout.splitlines() if "答对" in line)
    assert "题集在上次发布后有改动" in done.stdout
    assert report(tmp_path / "elsewhere")["figures"]["answered_right"]["difference"] == 0.5


def test_a_missed_floor_is_the_exit_status(data: Path, some: Path, tmp_path: Path) -> None:
    """1, each figure is named, the report is there, and nothing is accepted."""
    floor = tmp_path / "floor.toml"
    floor.write_text("[some]\nanswered_right = 0.75\nfalse_answers = 0.0\n", encoding="utf-8")
    done = run_command(data, "evaluate", str(some), "--floor", str(floor), "--accept")
    assert done.returncode == 1
    assert "answered_right" in done.stderr
    assert "false_answers" not in done.stderr
    assert (data / "report" / "report.json").is_file()
    assert not (tmp_path / "some.figures.json").exists()
    floor.write_text("[some]\nanswered_right = 0.5\n", encoding="utf-8")
    assert run_command(data, "evaluate", str(some), "--floor", str(floor)).returncode == 0


def test_other_entries_are_asked_like_the_documents(data: Path, tmp_path: Path) -> None:
    """`--entries` replaces the documents, `--no-similar` leaves similar questions out."""
    refund = {"id": "x1", "question": "怎么申请退款", "similar": ["钱能不能退给我"]}
    entries = write(tmp_path / "entries.jsonl", [refund, {"id": "x2", "question": "什么时候发货"}])
    asked = write(
        tmp_path / "asked.jsonl", [{"id": "1", "text": "钱能不能退给我", "expect": "answer", "entries": ["x1"]}]
    )
    options = ("evaluate", str(asked), "--entries", str(entries))
    assert run_command(data, *options).returncode == 0
    with_similar = report(data / "report")
    assert with_similar["figures"]["answered_right"]["value"] == 1
    assert run_command(data, *options, "--no-similar").returncode == 0
    assert report(data / "report")["calibration"] != with_similar["calibration"]


def test_without_a_set_the_documents_own_questions_are_asked(data: Path, tmp_path: Path) -> None:
    """questions.jsonl in the folder of documents; where there is none, that is said."""
    documents = Path(shutil.copytree(ROOT / "faq" / "documents", tmp_path / "documents"))
    write(documents / "questions.jsonl", ROWS[:2])
    done = run_command(data, "evaluate", FAQ_DOCUMENTS=str(documents))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "questions"
    (documents / "questions.jsonl").unlink()
    done = run_command(data, "evaluate", FAQ_DOCUMENTS=str(documents))
    assert (done.returncode, "questions.jsonl" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("row", "options", "said"),
    [
        ({"entries": []}, [], "第 2 行"),
        ({}, ["--floor", "nowhere.toml"], "nowhere.toml"),
        ({}, ["--entries", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_mistakes_are_named_without_a_traceback(
    data: Path, some: Path, row: dict[str, Any], options: list[str], said: str
) -> None:
    """Exit status 2 and a message that names what is wrong; nothing is written."""
    write(some, [ROWS[1], {**ROWS[0], **row}])
    done = run_command(data, "evaluate", str(some), *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (data / "report").exists()


def test_the_shipped_floor_is_of_the_shipped_questions() -> None:
    """It can be read, and its first table is that of questions.jsonl, whose labels can be read too."""
    assert next(iter(read_floor(ROOT / "tests" / "floor.toml"))) == "questions"
    assert read_set(ROOT / "faq" / "documents" / "questions.jsonl").name == "questions"


@pytest.mark.skipif(not EVAL.is_dir(), reason="the evaluation data is not beside this checkout")
def test_the_figures_are_those_of_the_evaluation_datas_own_program(data: Path, tmp_path: Path) -> None:
    """`predict` and that program give what `evaluate` gives."""
    queries, out = EVAL / "dev_queries.jsonl", tmp_path / "predictions.jsonl"
    assert run_command(data, "predict", str(queries), "--out", str(out)).returncode == 0
    command = [sys.executable, str(EVAL / "score.py"), str(queries), str(out)]
    scored = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert run_command(data, "evaluate", str(queries)).returncode == 0
    figures = {name: round(figure["value"], 4) for name, figure in report(data / "report")["figures"].items()}
    assert figures["top1"] == scored["ranking"]["top1"]
    assert figures["answered_right"] == scored["covered"]["answered_right"]
    assert figures["false_answers"] == scored["uncovered"]["false_answers"]
    assert figures["asked_with_right_options"] == scored["ambiguous"]["asked_with_right_options"]
    assert figures["escalation_recall"] == scored["escalation"]["recall"]
    assert figures["auroc"] == scored["selective"]["auroc_covered_vs_uncovered"]
    assert figures["calibration_error"] == scored["calibration_error"]
