"""The shipped weights brought to one knowledge base's scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake import FakeEncoder, entry, knowledge_of, segmenter

from bot import upkeep
from bot.settings import NO_MODEL, Settings
from index.build import build
from index.calibrate import calibrated
from index.hybrid import HybridIndex
from index.snapshot import Snapshot

THINGS = ("账号", "密码", "验证码", "法人", "手机", "粉尘")
MANY = knowledge_of(
    *(
        entry(
            f"a-{n}",
            f"{thing}怎么改",
            f"点击修改{thing}",
            *(f"{thing}{way}" for way in ("改一下", "不对", "填错了", "修改")),
        )
        for n, thing in enumerate(THINGS * 3)
    ),
    uncovered=["今天天气", "附近的饭店"],
)
modes = pytest.mark.parametrize("encoder", [None, FakeEncoder()], ids=["keyword", "hybrid"])


def made(encoder: FakeEncoder | None) -> Snapshot:
    return build(MANY, segmenter(), encoder)


@modes
def test_calibrating_changes_nothing_but_the_tuning(encoder: FakeEncoder | None) -> None:
    """The same twice, and a sharpness that is above 0."""
    plain = made(encoder)
    tuned, again = (calibrated(plain, segmenter(), encoder) for _ in range(2))
    assert tuned.tuning == again.tuning != (1.0, 0.0)
    assert tuned.tuning[0] > 0
    assert (tuned.phrasings, tuned.head is plain.head) == (plain.phrasings, True)


@modes
def test_calibrating_starts_from_the_shipped_weights(encoder: FakeEncoder | None) -> None:
    """Not from a tuning that was there before."""
    plain = made(encoder)
    other = replace(plain, tuning=(2.0, 3.0))
    assert calibrated(other, segmenter(), encoder).tuning == calibrated(plain, segmenter(), encoder).tuning


def test_who_comes_first_stays_first() -> None:
    """Tuning says how sure, not who."""
    plain = made(None)
    one, other = (HybridIndex(m, segmenter(), None) for m in (plain, calibrated(plain, segmenter(), None)))
    for text in ("密码改一下", "验证码填错了", "手机不对"):
        assert [hit.entry for hit in one.search(text)] == [hit.entry for hit in other.search(text)]


def test_too_few_similar_questions_tune_nothing() -> None:
    """A few questions say little about a knowledge base."""
    few = build(knowledge_of(entry("a-1", "忘记密码", "", "密码忘了")), segmenter(), None)
    assert calibrated(few, segmenter(), None) is few


@pytest.mark.parametrize("many", [1, 1000])
def test_the_long_parts_of_a_large_build_are_announced(
    many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Learning and calibrating begin with a line each; where questions are few, neither takes long enough."""
    monkeypatch.setattr(upkeep, "MANY", many)
    upkeep.make(Settings(data_dir=tmp_path, faq_model=NO_MODEL), MANY, segmenter(), None)
    said = capsys.readouterr().err.splitlines()
    assert said == (["正在训练分类器：92 个问法……", "正在校准置信度……"] if many == 1 else [])
