"""Keeping NoneBot to itself: what it takes from the environment, and what it says in the log."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from nonebot.adapters import qq
from nonebot.adapters.onebot import v11 as onebot
from nonebot.config import Config
from nonebot.log import logger
from pydantic import BaseModel

log = logging.getLogger(__name__)

_FIXED: Final = re.compile(r"[A-Za-z |,.]*")
"""The beginning of a line of NoneBot's that is surely its own: no number, no quotation, no Chinese."""


@contextmanager
def alone() -> Iterator[None]:
    """Hide what NoneBot would take from the environment for its own: settings are ours alone."""
    fields = {name.lower() for config in (Config, qq.config.Config, onebot.config.Config) for name in _names(config)}
    hidden = {name: value for name, value in os.environ.items() if name.lower() in fields}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _names(config: type[BaseModel]) -> Iterator[str]:
    for name, field in config.model_fields.items():
        yield name
        if field.alias is not None:
            yield field.alias


def log_quietly() -> None:
    """Send what NoneBot complains of to our log, without its words: they hold what people wrote."""
    logger.remove()

    def tell(message: Any) -> None:
        record = message.record
        words = _FIXED.match(re.sub(r"</?\w[^>]*>", "", record["message"]))
        error = record["exception"]
        kind = f"（{error.type.__name__}）" if error is not None and error.type is not None else ""
        log.log(record["level"].no, "NoneBot：%s%s", words[0].strip() if words else "", kind)

    logger.add(tell, level="WARNING", format="{message}")
