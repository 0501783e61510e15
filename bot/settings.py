"""Settings, each an environment variable of the same name in capitals, or a line of a file `.env`.

No instance at import.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final

from limits import parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.decide import Thresholds

NO_MODEL: Final = "none"
"""The value of FAQ_MODEL for keyword search only."""

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

    api_key: SecretStr | None = None
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    rate_per_address: str = "120/minute"
    """Messages from one address; an office behind one address shares it."""
    rate_per_conversation: str = "30/minute"
    rate_lookups: str = "1200/minute"
    """Searches, suggestions and other look-ups from one address."""

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

    @field_validator("rate_per_address", "rate_per_conversation", "rate_lookups")
    @classmethod
    def _rate(cls, value: str) -> str:
        parse(value)
        return value

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not (value.get_secret_value().isascii() and value.get_secret_value().isprintable()):
            raise ValueError("must be printable ASCII, since it is sent in a header")
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
