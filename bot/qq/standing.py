"""Whether the bots can be used: what the official platform says of ours, and OneBot clients of their accounts.

The official platform tells nobody when it stops taking a bot: the secret was changed, our address is off its list, the
bot was banned. So it is asked at the start and every few minutes; what a sending met with counts at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from bot.qq.line import Later, LineError

log = logging.getLogger(__name__)

EVERY: Final = 180.0
"""Seconds between two askings while all is well."""
FIRST_PAUSE: Final = 1.0
"""Seconds after a first asking in vain; each further pause is twice as long …"""
LONGEST_PAUSE: Final = 60.0
"""… up to this."""
NOT_YET: Final = "正在接入 QQ 开放平台"
GONE: Final = "OneBot 客户端没有连接"
LOGGED_OUT: Final = "QQ 账号已掉线，请在 OneBot 客户端上重新登录"
UNWELL: Final = "OneBot 客户端报告运行异常"


class Standing:
    """How bots of the official platform stand, by their AppIDs.

    `ask` asks the platform for a bot: what is against it, None where it is known.
    """

    def __init__(self, bots: Iterable[str], ask: Callable[[str], Awaitable[LineError | None]]) -> None:
        self._ask = ask
        self._trouble: dict[str, str | None] = dict.fromkeys(bots, NOT_YET)
        self._bans: dict[str, str] = {}
        self._doubted = {app_id: asyncio.Event() for app_id in self._trouble}

    def trouble(self, app_id: str) -> str | None:
        """Why a bot cannot be used, in Chinese; None where it can."""
        return self._bans.get(app_id) or self._trouble[app_id]

    def told(self, app_id: str, fault: LineError | None) -> None:
        """Note what a sending met with: what is against the bot whatever it sends; None where it went out.

        What does not pass by itself, a ban, was said to a sending, and asking who the bot is does not disprove it.
        """
        before = self.trouble(app_id)
        if fault is not None and not isinstance(fault, Later):
            self._bans[app_id] = str(fault)
        else:
            if fault is None:
                self._bans.pop(app_id, None)
            elif self._trouble[app_id] is None:  # else it is being asked already, after pauses that grow
                self._doubted[app_id].set()
            self._trouble[app_id] = None if fault is None else str(fault)
        self._say(app_id, before)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            for app_id in self._trouble:
                group.create_task(self._watch(app_id))

    async def _watch(self, app_id: str) -> None:
        tries = 0
        while True:
            self._doubted[app_id].clear()
            try:
                fault = await self._ask(app_id)
            except Exception as error:  # a fault of ours must not be the last word
                log.error("QQ：查询机器人状态出错：%s", type(error).__name__)  # noqa: TRY400 — its words may be anybody's
                fault = Later("程序内部错误")
            before = self.trouble(app_id)
            self._trouble[app_id] = None if fault is None else str(fault)
            self._say(app_id, before)
            pause = EVERY if fault is None else min(FIRST_PAUSE * 2 ** min(tries, 30), LONGEST_PAUSE)
            tries = 0 if fault is None else tries + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._doubted[app_id].wait()

    def _say(self, app_id: str, before: str | None) -> None:
        now = self.trouble(app_id)
        if now is not None and now != before:
            log.warning("QQ：机器人 %s 目前不可用：%s", app_id, now)
        elif now is None and before is not None:
            log.info("QQ：机器人 %s 已接入开放平台", app_id)


def trouble_of(status: Mapping[str, object]) -> str | None:
    """Why a OneBot account cannot be used, by the `status` in a heartbeat of its client's; None where it can."""
    if status.get("online") is False:
        return LOGGED_OUT
    return UNWELL if status.get("good") is False else None
