"""Fixtures of tests of the gate; a test module takes them with `pytest_plugins = ("gatekeeper",)`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

import nonebot
import pytest
from gatehouse import APP_ID, SECRET, TOKEN, Behind
from nonebot.adapters.onebot import v11 as onebot
from nonebot.adapters.qq import Adapter as QQAdapter
from nonebot.drivers import ASGIMixin


@pytest.fixture
def nonebot_made(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Behind]:
    """A NoneBot of one's own, beside whatever NoneBot the process has."""

    def make() -> Behind:
        monkeypatch.setattr(nonebot, "_driver", None)
        nonebot.init(
            _env_file=None,
            driver="~fastapi+~httpx",
            host="127.0.0.1",
            port=8080,
            log_level="CRITICAL",
            qq_bots=[{"id": APP_ID, "secret": SECRET, "use_websocket": False}],
            onebot_access_token=TOKEN,
        )
        driver = nonebot.get_driver()
        heard: list[Any] = []

        async def hear(_: Any, event: Any) -> None:
            heard.append(event)

        async def me(_: Any) -> Any:
            from nonebot.adapters.qq.models import User  # noqa: PLC0415

            return User(id="BOT", username="在线咨询", bot=True)

        monkeypatch.setattr("nonebot.adapters.qq.bot.Bot.handle_event", hear)
        monkeypatch.setattr("nonebot.adapters.qq.bot.Bot.me", me)
        monkeypatch.setattr("nonebot.adapters.onebot.v11.bot.Bot.handle_event", hear)
        QQAdapter(driver)
        adapter = onebot.Adapter(driver)
        return Behind(cast(ASGIMixin, driver).asgi, cast(dict[str, Any], driver.bots), adapter, heard)

    return make


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What was said in the log, of warnings on."""
    with caplog.at_level(logging.WARNING, logger="bot.qq"):
        yield caplog
