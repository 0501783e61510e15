"""Settings that cannot be are refused by name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKING_HOURS", "周八 9点"),
        ("HOLIDAYS", "2026-13-01"),
        ("WORKDAYS", "明天"),
        ("COLD_MINUTES", "100001"),
        ("COLD_MINUTES", "1e400"),
        ("REOPEN_DAYS", "36501"),
        ("REOPEN_DAYS", "nan"),
        ("EXPIRE_DAYS", "inf"),
        ("RETENTION_DAYS", "36501"),
        ("RATE_TICKETS", "many"),
        ("MOST_STREAMS", "0"),
        ("MOST_STREAMS_PER_ADDRESS", "-1"),
        ("PICTURE_BUDGET_MB", "-1"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """And nothing else is."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None)
    assert [problem["loc"] for problem in refused.value.errors()] == [(name.lower(),)]


def test_a_day_cannot_be_off_and_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day and a setting to change are named; dates that cannot be read are named alone."""
    monkeypatch.setenv("HOLIDAYS", "2026-10-01..2026-10-07")
    monkeypatch.setenv("WORKDAYS", "2026-10-07")
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None)
    [problem] = refused.value.errors()
    assert problem["loc"] == ("workdays",)
    assert "2026-10-07" in problem["msg"]
    monkeypatch.setenv("HOLIDAYS", "国庆")
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None)
    assert [problem["loc"] for problem in refused.value.errors()] == [("holidays",)]


def test_the_largest_numbers_make_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is too large to be counted with."""
    for name, value in (("COLD_MINUTES", 100_000), *((f"{n}_DAYS", 36_500) for n in ("REOPEN", "EXPIRE", "RETENTION"))):
        monkeypatch.setenv(name, str(value))
    settings = Settings(_env_file=None)
    assert settings.office.expire_after.days == 36_500
    assert settings.retention
