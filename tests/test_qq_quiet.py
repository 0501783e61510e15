"""NoneBot takes nothing from the environment and tells the log nothing that people wrote."""

from __future__ import annotations

import logging
import os

import pytest
from nonebot.log import logger

from bot.qq.quiet import alone, log_quietly

OWN = ("NICKNAME", "qq_bots", "ONEBOT_V11_SECRET", "QQ_VERIFY_WEBHOOK")


def test_what_nonebot_would_take_for_its_own_is_hidden_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever case it is written; all else stays."""
    for name in (*OWN, "PUBLIC_URL"):
        monkeypatch.setenv(name, "x")
    with alone():
        assert [name for name in OWN if name in os.environ] == []
        assert os.environ["PUBLIC_URL"] == "x"
    assert [os.environ[name] for name in OWN] == ["x"] * len(OWN)


def test_complaints_are_logged_without_their_words(caplog: pytest.LogCaptureFixture) -> None:
    """Where it was, and the kind of error."""
    log_quietly()
    with caplog.at_level(logging.INFO):
        logger.opt(colors=True).warning("<m>QQ</m> | Failed to parse event Dispatch(content='我的密码')")
        logger.opt(exception=KeyError("13812345678")).error("我的密码")
        logger.info("Message 1 from LI: hello")
    said = [record.getMessage() for record in caplog.records if record.name == "bot.qq.quiet"]
    assert said == ["NoneBot：QQ | Failed to parse event Dispatch", "NoneBot：（KeyError）"]
