"""The settings that staff may change while the server runs: they rule over the environment's, in every process.

Each is kept in the database under its name in `Settings` and checked as an environment variable is. What cannot be
used any more (a newer program is stricter, say) is left out with a line in the log; it never keeps the server from
starting. Whoever works by a setting is told when it changed, at once in this process and within seconds in others.
Every change leaves a line in the history, in which secrets are not.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from bot.decide import Thresholds
from bot.model import Alteration, Preference, Role
from bot.notify import TITLES, Target
from bot.settings import Settings
from bot.store.base import Store, StoreError, Transaction

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
"""Between two looks for what another process changed."""
LONGEST: Final = 4000
"""Characters of a value."""


class BadPreference(Exception):
    """A value cannot be used; staff read the Chinese text, and nothing was changed."""


class Outdated(Exception):
    """Somebody else changed it since it was shown; staff read the Chinese text, and nothing was changed."""

    def __init__(self) -> None:
        super().__init__("没有保存：打开页面之后，别人改过这些设置。请刷新页面，看过现在的值再修改。")


@dataclass(frozen=True, slots=True)
class Title:
    """What a setting is called, and from which role upwards it may be changed."""

    name: str
    role: Role


TITLES_OF_THRESHOLDS: Final[Mapping[str, str]] = {
    "answer": "直接回答的把握",
    "relevant": "反问的相关度",
    "alike": "选项的相近程度",
    "near": "别的系统的相近程度",
    "role": "别的用户类型的可能",
    "suggest": "推荐条目的相关度",
}
GOVERNED: Final[Mapping[str, Title]] = {
    "working_hours": Title("上班时间", "lead"),
    "holidays": Title("休息日", "lead"),
    "workdays": Title("调休上班日", "lead"),
    "notify_targets": Title("通知目标", "admin"),
    **{f"threshold_{each.name}": Title(TITLES_OF_THRESHOLDS[each.name], "admin") for each in fields(Thresholds)},
}
"""What may be changed, by its name in `Settings`."""


def in_force(defaults: Settings, kept: Iterable[Preference], say: Callable[..., None] = log.warning) -> Settings:
    """The settings with what staff set over them, without what cannot be used, of which `say` is told as a log is."""
    values: dict[str, Any] = {}
    for preference in kept:
        try:
            values[preference.name] = json.loads(preference.value)
        except ValueError:
            say("保存的设置「%s」无法读取，已忽略", preference.name)
    for name in sorted(set(values) - set(GOVERNED)):
        say("保存的设置「%s」不是本程序的设置，已忽略", name)
        del values[name]
    while values:
        try:
            return _with(defaults, values)
        except ValidationError as error:
            faulty = {str(each["loc"][0]) for each in error.errors()} & set(values) or set(values)
            for name in faulty:
                say("保存的设置「%s」无法使用，已忽略：%s", GOVERNED[name].name, _told(error, name))
                del values[name]
    return defaults


class Preferences:
    """The settings in force, over a store and what the environment says. Thread-safe; `clock` tells the time."""

    def __init__(
        self, store: Store, defaults: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._clock = clock
        self._calls: list[Callable[[Settings], None]] = []
        self._lock = threading.RLock()  # whoever is told of a change may look at it
        self._closing = threading.Event()
        self.defaults = defaults
        """What the environment says."""
        self._kept = self._store.read(lambda transaction: transaction.preferences())
        self._settings = in_force(defaults, self._kept)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @property
    def kept(self) -> Mapping[str, Preference]:
        """What staff set, by name."""
        return {preference.name: preference for preference in self._kept}

    def call(self, deed: Callable[[Settings], None]) -> None:
        """Have something told the settings whenever they change from now on. It must return soon."""
        with self._lock:
            self._calls.append(deed)

    def look(self) -> None:
        """See what was changed, here or by another process, and tell whoever wants to know."""
        with self._lock:
            kept = self._store.read(lambda transaction: transaction.preferences())
            if kept == self._kept:
                return
            self._kept, self._settings = kept, in_force(self.defaults, kept)
            log.info("设置已更新")
            for deed in self._calls:
                try:
                    deed(self._settings)
                except Exception:
                    log.exception("新的设置未能全部生效")

    def follow(self, every: float = LOOK_SECONDS) -> None:
        """Look again and again, until `close`."""
        while not self._closing.wait(every):
            try:
                self.look()
            except StoreError as error:
                log.warning("暂时无法读取设置：%s", error)

    def close(self) -> None:
        """End `follow`."""
        self._closing.set()

    def tried(self, values: Mapping[str, Any]) -> Settings:
        """What would be in force with these values as well; BadPreference where they cannot be used."""
        return _checked(self.defaults, self._store.read(lambda transaction: transaction.preferences()), values)

    def put(self, values: Mapping[str, Any], by: str, seen: str | None = None) -> None:
        """Set these from now on, all or none. BadPreference where one of them cannot be used.

        `seen`: what `stamp` said of them when they were shown; Outdated where it would say something else now.
        """

        def work(transaction: Transaction) -> None:
            kept, now = transaction.preferences(), self._clock()
            before, after = in_force(self.defaults, kept, log.debug), _checked(self.defaults, kept, values)
            if seen is not None and seen != stamp(values, before):
                raise Outdated
            for name in values:
                if describe(name, before) != describe(name, after):
                    transaction.put_preference(Preference(name, json.dumps(values[name]), by, now))
                    _note(transaction, name, describe(name, before), describe(name, after), by, now)

        self._store.write(work)
        self.look()

    def edit(self, name: str, change: Callable[[Settings], Any], by: str) -> None:
        """Set one to what `change` makes of the settings in force at that moment; see `put`."""

        def work(transaction: Transaction) -> None:
            kept, now = transaction.preferences(), self._clock()
            before = in_force(self.defaults, kept, log.debug)
            value = change(before)
            after = _checked(self.defaults, kept, {name: value})
            transaction.put_preference(Preference(name, json.dumps(value), by, now))
            _note(transaction, name, describe(name, before), describe(name, after), by, now)

        self._store.write(work)
        self.look()

    def drop(self, names: Sequence[str], by: str) -> None:
        """Let the environment rule again. BadPreference where what staff set otherwise does not go with that."""

        def work(transaction: Transaction) -> None:
            kept, now = transaction.preferences(), self._clock()
            before = in_force(self.defaults, kept, log.debug)
            left = [each for each in kept if each.name not in names]
            after = _checked(self.defaults, left, {})
            for name in names:
                if transaction.drop_preference(name):
                    told = f"默认值（{describe(name, after)}）"
                    _note(transaction, name, describe(name, before), told, by, now)

        self._store.write(work)
        self.look()


def describe(name: str, settings: Settings) -> str:
    """The value of a setting in words for staff; of a secret, no more than what it is about."""
    if name == "notify_targets":
        return "；".join(map(mask_target, settings.targets)) or "无"
    value = getattr(settings, name)
    return f"{value:g}" if isinstance(value, float) else str(value or "无")


def stamp(names: Iterable[str], settings: Settings) -> str:
    """A name for the values that some settings have."""
    told = "\n".join(f"{name}={describe(name, settings)}" for name in sorted(names))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def mask_target(target: Target) -> str:
    """A target without its secrets: of which kind, and at which host."""
    return f"{TITLES[target.kind]} {urlsplit(target.url).netloc}"


def _checked(defaults: Settings, kept: Iterable[Preference], values: Mapping[str, Any]) -> Settings:
    """The settings in force with these values over them; what of the kept ones is of no use is left out."""
    if any(isinstance(value, str) and len(value) > LONGEST for value in values.values()):
        raise BadPreference(f"内容太长了，最多 {LONGEST} 个字符。")
    basis = in_force(defaults, [each for each in kept if each.name not in values], log.debug)
    try:
        return _with(basis, values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        title = f"{GOVERNED[name].name}：" if name in GOVERNED else ""
        raise BadPreference(title + _told(error, name)) from None  # the cause would show the value


def _with(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with these values, checked as all settings are."""
    return type(settings)(**{"_env_file": None, **dict(settings), **values})


def _told(error: ValidationError, name: str) -> str:
    """What is wrong with a setting. Neither the value nor pydantic's words, which are not for staff."""
    found = next((each for each in error.errors() if str(each["loc"][0]) == name), error.errors()[0])
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    return "应为 0 到 1 之间的数。" if name.startswith("threshold_") else "格式不正确。"


def _note(transaction: Transaction, name: str, before: str, after: str, by: str, now: datetime) -> None:
    transaction.add_alteration(Alteration(now, by, GOVERNED[name].name, before, after))
