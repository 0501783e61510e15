"""Settings, each an environment variable of the same name in capitals, or a line of a file `.env`.

No instance at import.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from limits import parse
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.decide import Thresholds
from bot.handoff import Office
from bot.hours import Hours
from bot.notify import Target, parse_targets
from bot.origin import Origins, read_origins
from bot.sweep import Retention

NO_MODEL: Final = "none"
"""The value of FAQ_MODEL for keyword search only."""

_APP: Final = re.compile("[0-9]+:[A-Za-z0-9]+")
_HOST: Final = r"\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)*"
_HOSTS: Final = {
    "qq_filed_hosts": (re.compile(_HOST), "主机名：请写成 help.example.gov.cn 的形式，不带 https://、端口和路径"),
    "qq_picture_hosts": (
        re.compile(rf"{_HOST}(:\d{{1,5}})?", re.ASCII),
        "主机名或“主机名:端口”：请写成 img.example.gov.cn:8443 的形式，不带 https:// 和路径",
    ),
}
"""What a host of these settings looks like, and how to say so."""

_DEFAULT = Thresholds()
Probability = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseSettings):
    """What an operator can set. The README lists every field; a test keeps the two alike."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    data_dir: Path = Path("var")
    faq_documents: Path = Path("faq/documents")
    faq_model: str | None = None
    """A Sentence-Transformers folder or hub id in place of the default; "none" for keyword search only."""

    threshold_answer: Probability = _DEFAULT.answer
    threshold_relevant: Probability = _DEFAULT.relevant
    threshold_alike: Probability = _DEFAULT.alike
    threshold_near: Probability = _DEFAULT.near
    threshold_role: Probability = _DEFAULT.role
    threshold_suggest: Probability = _DEFAULT.suggest

    working_hours: str = "周一至周五 09:00-12:00,13:30-17:30"
    """When staff are there, Beijing time; "always" and "never" are understood too."""
    holidays: str | None = None
    """Days off besides the public ones: dates and ranges, 2026-10-01..2026-10-07."""
    workdays: str | None = None
    """Days worked in exchange (调休), besides the public ones."""
    cold_minutes: Annotated[int, Field(ge=1, le=100_000)] = 120
    """After so long at rest a conversation starts afresh: options, role and a form half filled in are forgotten."""
    reopen_days: Annotated[float, Field(ge=0, le=36_500)] = 3
    """For so long after a ticket ended a new message of the visitor reopens it."""
    expire_days: Annotated[float, Field(gt=0, le=36_500)] = 30
    """After so long without anything happening a waiting ticket is closed."""
    unattended_hours: Annotated[int, Field(ge=1, le=10_000)] = 24
    """After so long at rest in a person's hands a conversation goes back to the queue."""
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Conversations at rest for longer are deleted for good; 0 keeps them for ever."""
    notify_targets: SecretStr | None = None
    """Who is told of new tickets: wecom:URL, dingtalk:URL#secret, feishu:URL#secret, webhook:URL#secret."""
    notify_private: bool = False
    """Whether targets may lie in a private network."""

    widget_origins: str | None = None
    """The sites whose pages may embed the widget, https://host or https://host=system each; none but our own."""
    public_url: str | None = None
    """The chat's address as visitors reach it, https://help.example.gov.cn: what QQ users are sent to."""
    qq_apps: SecretStr | None = None
    """Bots of the official QQ platform, APPID:SECRET each."""
    qq_api: str | None = None
    """Another address of the official platform's interface, as the simulator's."""
    qq_filed_hosts: str | None = None
    """Hosts whose addresses the platform lets a bot send, separated by spaces."""
    qq_picture_hosts: str | None = None
    """Hosts besides the platforms' own that pictures may be fetched from, be they in one's own network."""
    onebot_token: SecretStr | None = None
    """What a OneBot v11 client identifies itself with; without it none can connect."""
    rate_per_qq_user: str = "30/minute"
    rate_per_qq_group: str = "120/minute"
    api_key: SecretStr | None = None
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    rate_per_address: str = "120/minute"
    """Messages from one address; an office behind one address shares it."""
    rate_per_conversation: str = "30/minute"
    rate_lookups: str = "1200/minute"
    """Searches, suggestions and other look-ups from one address."""
    rate_tickets: str = "20/hour"
    """Tickets handed in from one address."""
    most_streams: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    """Chat windows that are open at once, each of which keeps a connection."""
    most_streams_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    picture_budget_mb: Annotated[int, Field(ge=0, le=1_000_000_000)] = 2048
    """What pictures of visitors and staff may take on the disk; beyond it none is taken any more."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value

    @field_validator(
        "rate_per_address",
        "rate_per_conversation",
        "rate_lookups",
        "rate_tickets",
        "rate_per_qq_user",
        "rate_per_qq_group",
    )
    @classmethod
    def _rate(cls, value: str) -> str:
        parse(value)
        return value

    @field_validator("qq_apps")
    @classmethod
    def _apps(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = value.get_secret_value().split()
        if not parts or not all(_APP.fullmatch(part) for part in parts):
            raise ValueError("请写成 APPID:SECRET，多个机器人之间用空格分隔")
        app_ids = Counter(part.partition(":")[0] for part in parts)
        if again := [app_id for app_id, often in app_ids.items() if often > 1]:
            raise ValueError(f"AppID {again[0]} 写了不止一次")
        return value

    @field_validator("qq_filed_hosts", "qq_picture_hosts")
    @classmethod
    def _hosts(cls, value: str | None, info: ValidationInfo) -> str | None:
        form, named = _HOSTS[str(info.field_name)]
        for host in (value or "").split():
            if not form.fullmatch(host):
                raise ValueError(f"“{host}”不是{named}，多个之间用空格分隔")
        return value and value.lower()

    @field_validator("public_url", "qq_api")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        split = urlsplit(value or "https://host")
        if split.scheme not in ("http", "https") or not split.hostname or split.query or split.fragment:
            raise ValueError("请写成 https://help.example.gov.cn 的形式")
        return value.rstrip("/") if value else None

    @field_validator("onebot_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        token = value.get_secret_value() if value else "0123456789abcdef"
        if len(token) < 16 or not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("至少 16 个字母、数字或符号，不含空格")
        return value

    @field_validator("widget_origins")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        read_origins(value or "")
        return value

    @field_validator("notify_targets")
    @classmethod
    def _targets(cls, value: SecretStr | None) -> SecretStr | None:
        parse_targets(value.get_secret_value() if value else "")
        return value

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not (value.get_secret_value().isascii() and value.get_secret_value().isprintable()):
            raise ValueError("must be printable ASCII, since it is sent in a header")
        return value

    @field_validator("working_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        Hours.read(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _holidays(cls, value: str | None) -> str | None:
        Hours.read("never", value or "")
        return value

    @field_validator("workdays")
    @classmethod
    def _workdays(cls, value: str | None, info: ValidationInfo) -> str | None:
        Hours.read("never", info.data.get("holidays") or "", value or "")  # no day is both
        return value

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds of the decision."""
        return Thresholds(
            answer=self.threshold_answer,
            relevant=self.threshold_relevant,
            alike=self.threshold_alike,
            near=self.threshold_near,
            role=self.threshold_role,
            suggest=self.threshold_suggest,
        )

    @property
    def origins(self) -> Origins:
        """The sites whose pages may embed the widget."""
        return read_origins(self.widget_origins or "")

    @property
    def targets(self) -> tuple[Target, ...]:
        """Who is told of new tickets."""
        return parse_targets(self.notify_targets.get_secret_value() if self.notify_targets else "")

    @property
    def office(self) -> Office:
        """When staff are there, and how long things last."""
        return Office(
            hours=Hours.read(self.working_hours, self.holidays or "", self.workdays or ""),
            cold_after=timedelta(minutes=self.cold_minutes),
            reopen_within=timedelta(days=self.reopen_days),
            expire_after=timedelta(days=self.expire_days),
            unattended_after=timedelta(hours=self.unattended_hours),
        )

    @property
    def retention(self) -> Retention:
        """How long conversations are kept."""
        return Retention(self.retention_days or None)

    @property
    def pictures(self) -> Path:
        """Where pictures are kept; outside of what is served."""
        return self.data_dir / "pictures"

    @property
    def database(self) -> Path:
        """Where conversations are kept."""
        return self.data_dir / "conversations.db"

    @property
    def snapshot(self) -> Path:
        """Where the index is kept."""
        return self.data_dir / "index.db"

    @property
    def models(self) -> Path:
        """Where models are kept."""
        return self.data_dir / "models"
