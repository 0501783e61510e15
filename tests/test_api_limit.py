"""How often, how many at once, and how much: allowances, places and a folder's budget."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import HTTPException

from bot.api import limit
from bot.api.limit import Budget, Limit, Places


def test_an_allowance_says_what_for_and_when_it_is_there_again() -> None:
    """In seconds, or in minutes where that is long; for every key its own."""
    for rate, unit in (("1/minute", "秒"), ("1/hour", "分钟")):
        allowance = Limit(rate, "转人工的申请太多了")
        allowance.spend("a")
        allowance.spend("b")
        with pytest.raises(HTTPException) as refused:
            allowance.spend("a")
        assert refused.value.status_code == 429
        assert refused.value.detail.startswith("转人工的申请太多了，请 ")
        assert f" {unit}后再试" in refused.value.detail
        assert int((refused.value.headers or {})["Retry-After"]) > 0


def test_a_place_is_free_again_however_it_was_left() -> None:
    """Refused with the given status; counted for every key; nothing stays behind of keys that are gone."""
    places = Places(2, HTTPException(429, "太多了"))
    with places.take("a"), places.take("a"), places.take("b"):
        with pytest.raises(HTTPException, match="太多了"), places.take("a"):
            pass
        with pytest.raises(HTTPException, match="太多了"), places.take("a"):
            pass
    with pytest.raises(LookupError), places.take("a"):
        raise LookupError
    with places.take("a"), places.take("a"):
        pass
    assert places._taken == {}


def test_a_folder_is_added_up_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept in between counts at once, what is deleted when it is added up anew; there may be no folder yet."""
    now = 1000.0
    monkeypatch.setattr(limit.time, "monotonic", lambda: now)
    folder = tmp_path / "pictures"
    budget = Budget(folder, 10)
    budget.check()
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_bytes(b"12345")
        budget.check()
        budget.add(5)
    for _ in range(2):
        with pytest.raises(HTTPException) as refused:
            budget.check()
        assert refused.value.status_code == 503
        (folder / "two").unlink(missing_ok=True)
    now += limit.SUM_FOR
    budget.check()
    (folder / "three").write_bytes(b"12345")
    budget.check()
    now += limit.SUM_FOR
    with pytest.raises(HTTPException):
        budget.check()


def test_without_a_budget_no_picture_is_taken(tmp_path: Path) -> None:
    """0 turns pictures off."""
    with pytest.raises(HTTPException):
        Budget(tmp_path / "none", 0).check()
