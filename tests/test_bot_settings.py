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
        ("PUBLIC_URL", "help.example.gov.cn"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://help.example.gov.cn/?system=zyb"),
        ("PUBLIC_URL", "https://help.example.gov.cn/#chat"),
        ("QQ_API", "ftp://127.0.0.1"),
        ("QQ_APPS", "102000001"),
        ("QQ_APPS", "bot:DG5g3B4j9X2KOErG"),
        ("QQ_APPS", "102000001:"),
        ("QQ_APPS", "102000001:DG5g,102000002:naOC"),
        ("QQ_APPS", "102000001:DG5g3B4j9X2KOErG 102000002"),
        ("QQ_APPS", " "),
        ("QQ_APPS", "102000001:DG5g3B4j9X2KOErG 102000001:naOC0ocQE3shWLAf"),
        ("QQ_FILED_HOSTS", "https://a.cn"),
        ("QQ_FILED_HOSTS", "a.cn/x"),
        ("QQ_FILED_HOSTS", "a.cn, b.cn"),
        ("QQ_FILED_HOSTS", "a.cn:443"),
        ("QQ_PICTURE_HOSTS", "https://a.cn/"),
        ("QQ_PICTURE_HOSTS", "a.cn,b.cn"),
        ("QQ_PICTURE_HOSTS", "a.cn:https"),
        ("QQ_PICTURE_HOSTS", "图片.cn"),
        ("ONEBOT_TOKEN", "fifteen-letters"),
        ("ONEBOT_TOKEN", "with a space in it"),
        ("ONEBOT_TOKEN", "机器人的口令机器人的口令机器人的口令"),
        ("RATE_PER_QQ_USER", "often"),
        ("RATE_PER_QQ_GROUP", "3"),
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


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("QQ_APPS", "102000001:DG5g 102000002:naOC 102000001:hWLA", "AppID 102000001 写了不止一次"),
        ("QQ_FILED_HOSTS", "a.cn https://b.cn/x", "“https://b.cn/x”不是主机名"),
        ("QQ_PICTURE_HOSTS", "127.0.0.1:8100 b.cn,", "“b.cn,”不是主机名"),
    ],
)
def test_what_is_wrong_with_a_way_to_qq_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    """And no secret."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None)
    [problem] = refused.value.errors()
    assert told in problem["msg"]
    assert not any(secret in problem["msg"] for secret in ("DG5g", "naOC", "hWLA"))


def test_hosts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filed ones may be written in Chinese, those of pictures may have a port; capitals mean nothing."""
    monkeypatch.setenv("QQ_FILED_HOSTS", "help.example.gov.cn  例子.中国")
    monkeypatch.setenv("QQ_PICTURE_HOSTS", "localhost 127.0.0.1:8100 A-b.Example.com")
    settings = Settings(_env_file=None)
    assert settings.qq_filed_hosts == "help.example.gov.cn  例子.中国"
    assert settings.qq_picture_hosts == "localhost 127.0.0.1:8100 a-b.example.com"


def test_ways_to_qq_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several bots, a token that is just long enough, an address without its last slash; no secret is shown."""
    monkeypatch.setenv("QQ_APPS", "102000001:DG5g3B4j9X2KOErG 102000002:naOC0ocQE3shWLAfffVLB1rhYPG7")
    monkeypatch.setenv("ONEBOT_TOKEN", "sixteen-letters!")
    monkeypatch.setenv("PUBLIC_URL", "https://help.example.gov.cn/chat/")
    settings = Settings(_env_file=None)
    assert settings.qq_apps is not None
    assert len(settings.qq_apps.get_secret_value().split()) == 2
    assert settings.onebot_token is not None
    assert settings.public_url == "https://help.example.gov.cn/chat"
    assert "naOC0" not in repr(settings)
    assert "sixteen" not in repr(settings)


def test_nothing_is_open_to_qq_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when the variables are missing nor when they are empty."""
    for name in ("QQ_APPS", "ONEBOT_TOKEN", "PUBLIC_URL", "QQ_API"):
        monkeypatch.setenv(name, "")
    settings = Settings(_env_file=None)
    assert (settings.qq_apps, settings.onebot_token, settings.public_url, settings.qq_api) == (None, None, None, None)
