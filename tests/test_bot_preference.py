"""What staff set rules over the environment, in every process, and never keeps the server from starting."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fake
import pytest

from bot import wording
from bot.decide import Thresholds
from bot.desk import Desk
from bot.dialogue import Bot
from bot.handoff import Office
from bot.hours import Hours
from bot.model import Preference
from bot.preference import GOVERNED, BadPreference, Outdated, Preferences, in_force, stamp
from bot.settings import Settings
from bot.store.preference import read_preferences
from bot.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SECRET = "wecom:https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=very-secret-key"


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        yield store


@pytest.fixture
def preferences(store: SqliteStore) -> Preferences:
    return Preferences(store, settings(), clock=lambda: NOW)


def history(store: SqliteStore) -> list[tuple[str, str, str, str]]:
    """Who changed what from what to what, the latest first."""
    return [(a.by, a.subject, a.before, a.after) for a in store.read(lambda t: t.alterations(100))]


def keep(store: SqliteStore, **values: str) -> None:
    """Store values as some other program might have."""
    for name, value in values.items():
        store.write(lambda t, name=name, value=value: t.put_preference(Preference(name, value, "wang", NOW)))


def test_what_staff_set_rules_until_they_take_it_back(preferences: Preferences) -> None:
    """The environment's value returns with the default."""
    preferences.put({"threshold_answer": 0.7, "working_hours": "周六 09:00-12:00"}, "wang")
    assert preferences.settings.thresholds == replace(Thresholds(), answer=0.7)
    assert preferences.settings.office.hours == Hours.read("周六 09:00-12:00")
    assert {name: kept.by for name, kept in preferences.kept.items()} == {
        "threshold_answer": "wang",
        "working_hours": "wang",
    }
    preferences.drop(["threshold_answer"], "li")
    assert preferences.settings.thresholds == Thresholds()
    assert preferences.settings.working_hours == "周六 09:00-12:00"


def test_the_environment_counts_where_staff_set_nothing(store: SqliteStore) -> None:
    """Everything else of the settings stays as it is."""
    preferences = Preferences(store, settings(threshold_answer=0.6, port=1234))
    preferences.put({"threshold_near": 0.9}, "wang")
    assert preferences.settings.thresholds == replace(Thresholds(), answer=0.6, near=0.9)
    assert preferences.settings.port == 1234


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"threshold_answer": 1.5}, "直接回答的把握：应为 0 到 1 之间的数。", id="threshold"),
        pytest.param({"threshold_answer": float("nan")}, "直接回答的把握：应为 0 到 1 之间的数。", id="no number"),
        pytest.param({"working_hours": "周八 09:00-12:00"}, "上班时间：服务时间「周八 09:00-12:00」", id="hours"),
        pytest.param({"holidays": "元旦"}, "休息日：「元旦」不是日期", id="dates"),
        pytest.param({"holidays": "2026-03-03", "workdays": "2026-03-03"}, "既设为休息日，又设为上班日", id="both"),
        pytest.param({"notify_targets": "wecom:https://a.example"}, "缺少 key= 参数", id="target"),
        pytest.param({"holidays": "1" * 5000}, "内容太长了", id="long"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_chinese_and_nothing_of_it_kept(
    store: SqliteStore, preferences: Preferences, values: dict[str, Any], words: str
) -> None:
    """The checks are those of the environment variables."""
    with pytest.raises(BadPreference, match=words.replace("（", ".")):
        preferences.put({"threshold_near": 0.9, **values}, "wang")
    assert preferences.settings == preferences.defaults
    assert preferences.kept == {}
    assert history(store) == []


def test_a_refused_target_is_not_in_the_error(preferences: Preferences) -> None:
    """Nor is it in what caused it."""
    with pytest.raises(BadPreference) as caught:
        preferences.put({"notify_targets": f"{SECRET} telegram:https://very-secret.example"}, "wang")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_cannot_be_used_any_more_is_left_out_with_a_line_in_the_log(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Broken JSON, a wrong type, a value out of range and an unknown name; what is right still holds."""
    keep(
        store,
        working_hours='"周八"',
        holidays="[1]",
        threshold_answer="7",
        threshold_near="{",
        threshold_alike="0.3",
        port="1",
        notify_targets='"wecom:https://very-secret.example"',
    )
    with caplog.at_level(logging.WARNING):
        preferences = Preferences(store, settings())
    assert preferences.settings == settings(threshold_alike=0.3)
    for name in ("上班时间", "休息日", "直接回答的把握", "threshold_near", "port", "通知目标"):
        assert sum(f"「{name}」" in message for message in caplog.messages) == 1, name
    assert "very-secret" not in caplog.text


def test_a_value_that_is_broken_can_be_set_anew(store: SqliteStore) -> None:
    """Whoever mends one is not held up by another."""
    keep(store, working_hours='"周八"', holidays='"?"')
    preferences = Preferences(store, settings())
    preferences.put({"working_hours": "always"}, "wang")
    assert preferences.settings.working_hours == "always"


def test_whoever_works_by_a_setting_is_told_at_once_and_in_other_processes_at_the_next_look(
    store: SqliteStore, preferences: Preferences
) -> None:
    """Nobody is told where nothing changed."""
    here, there = [], []
    other = Preferences(store, settings())
    preferences.call(lambda changed: here.append(changed.threshold_answer))
    other.call(lambda changed: there.append(changed.threshold_answer))
    preferences.put({"threshold_answer": 0.7}, "wang")
    assert (here, there) == ([0.7], [])
    other.look()
    other.look()
    preferences.look()
    assert (here, there) == ([0.7], [0.7])


def test_one_who_fails_to_take_a_change_over_does_not_keep_it_from_the_others(preferences: Preferences) -> None:
    """It is logged."""
    told = []

    def fail(_: Settings) -> None:
        raise RuntimeError("broken")

    preferences.call(fail)
    preferences.call(lambda changed: told.append(changed.threshold_answer))
    preferences.put({"threshold_answer": 0.7}, "wang")
    assert told == [0.7]


def test_every_change_leaves_a_line_that_says_who_and_what_and_no_secret(
    store: SqliteStore, preferences: Preferences
) -> None:
    """What stays as it was leaves none."""
    preferences.put({"threshold_answer": 0.7, "threshold_near": 0.6, "holidays": ""}, "wang")
    preferences.edit("notify_targets", lambda _: SECRET, "admin")
    preferences.drop(["threshold_answer", "notify_targets", "holidays"], "li")
    assert history(store) == [
        ("li", "通知目标", "企业微信 qyapi.weixin.qq.com", "默认值（无）"),
        ("li", "直接回答的把握", "0.7", "默认值（0.55）"),
        ("admin", "通知目标", "无", "企业微信 qyapi.weixin.qq.com"),
        ("wang", "直接回答的把握", "0.55", "0.7"),
    ]
    assert preferences.kept == {}


def test_two_who_change_the_same_list_lose_nothing_of_each_others(store: SqliteStore) -> None:
    """A change is made of what is in force at that moment, not of what a page showed."""
    one, other = Preferences(store, settings()), Preferences(store, settings())

    def adding(word: str) -> Any:
        return lambda now: ", ".join(filter(None, (now.holidays, word)))

    one.edit("holidays", adding("2026-03-03"), "wang")
    other.edit("holidays", adding("2026-03-04"), "li")
    assert other.settings.holidays == "2026-03-03, 2026-03-04"


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(store: SqliteStore) -> None:
    """A form sends all of its values, also those that its page showed and nobody touched."""
    one, other = Preferences(store, settings()), Preferences(store, settings())
    names = ("threshold_answer", "threshold_near")
    shown = stamp(names, other.settings)
    one.put({"threshold_answer": 0.7, "threshold_near": 0.6}, "wang", shown)
    with pytest.raises(Outdated, match="别人改过"):
        other.put({"threshold_answer": 0.55, "threshold_near": 0.9}, "li", shown)
    assert len(history(store)) == 1
    other.look()
    other.put({"threshold_answer": 0.7, "threshold_near": 0.9}, "li", stamp(names, other.settings))
    assert other.settings.thresholds == replace(Thresholds(), answer=0.7, near=0.9)


def test_settings_do_not_show_their_secrets(preferences: Preferences) -> None:
    """Not even those that staff set."""
    preferences.put({"notify_targets": SECRET}, "admin")
    assert [target.url for target in preferences.settings.targets] == [SECRET.partition(":")[2]]
    assert "very-secret" not in repr(preferences.settings)


def test_a_command_works_by_what_staff_set_and_leaves_the_database_alone(
    tmp_path: Path, preferences: Preferences
) -> None:
    """Also while no server runs, and where there is no database at all."""
    preferences.put({"threshold_answer": 0.7}, "wang")
    found = read_preferences(tmp_path / "bot.db")
    assert in_force(settings(), found).threshold_answer == 0.7
    assert read_preferences(tmp_path / "none.db") == []
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "other.db").write_text("no database")
    assert read_preferences(tmp_path / "other.db") == []


def test_what_is_governed_are_settings(preferences: Preferences) -> None:
    """Every name is one, and has a value that can be kept as JSON."""
    assert set(GOVERNED) <= set(Settings.model_fields)
    for name in set(GOVERNED) - {"notify_targets"}:
        json.dumps(getattr(preferences.settings, name))


def test_a_desk_that_takes_the_others_place_works_by_what_was_set(store: SqliteStore) -> None:
    """Publishing knowledge loses no threshold and no hours, whichever settings the new desk was opened with."""
    index = fake.index_of(fake.knowledge_of(fake.entry("a-1", "账号被锁定怎么办")))
    bot = Bot(store, Desk(index, (), Thresholds()))
    untouched = Desk(index, (), Thresholds(answer=0.9))
    bot.desk = untouched
    assert bot.desk is untouched
    office = Office(Hours.read("never"), cold_after=timedelta(hours=1))
    bot.tune(Thresholds(answer=0.7), office)
    bot.desk = Desk(index, (), Thresholds(answer=0.2))
    assert bot.desk.thresholds == Thresholds(answer=0.7)
    assert bot.office is office
    assert untouched.thresholds == Thresholds(answer=0.9)
    assert bot.desk.consider("你们几点上班").reply.text == wording.service_hours(None)
