"""Clerk: has the bot answer what was heard on QQ, one part of a message after the other, and each of them once.

The pictures of a message come before that, all at the same time, in threads that no answer needs: where a platform's
pictures do not come, only those who sent some wait, and not for long.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import HTTPException

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.picture import BUSY, PictureBusy, PictureError
from bot.qq.errand import Errand, Part
from bot.qq.fetch import FAILED, SECONDS
from bot.qq.model import Address
from bot.store.base import Store
from bot.turn import Incoming, Pass, TurnError

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Messages that are answered at the same time."""
PICTURES_AT_ONCE: Final = 16
"""Pictures that are fetched, or wait to be drawn, at the same time: each may be of `bot.picture.LARGEST` bytes."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """How to get the bytes at an address that came from a chat, within so many seconds, and how to keep them.

    PictureError, TurnError or HTTPException says to the visitor why that is not possible. `keep` gives the picture's
    id. Both are called in threads.
    """

    fetch: Callable[[str, Address, float], bytes]
    keep: Callable[[Pass, bytes], str]


class Clerk:
    """Works in threads of its own, so that others are kept and delivered meanwhile. `tickets` limits a conversation's.

    What cannot be taken of a part is left with it in words for the visitor. StoreError where something could not be
    kept: tried again, it goes on from there; a picture that could not be kept is fetched once more.
    """

    def __init__(self, bot: Bot, store: Store, pictures: Pictures, tickets: Limit) -> None:
        self._bot, self._store, self._pictures, self._tickets = bot, store, pictures, tickets
        self._turning = ThreadPoolExecutor(AT_ONCE, "qq")
        self._collecting = ThreadPoolExecutor(PICTURES_AT_ONCE, "qq-picture")
        self._drawing = threading.Lock()  # one is drawn at a time anyway, and whoever waits for that is soon refused

    async def collect(self, errand: Errand, conversation_id: str) -> None:
        """Fetch and keep the pictures of a message, `SECONDS` at the most and whatever it takes to draw the last."""
        loop, until = asyncio.get_running_loop(), time.monotonic() + SECONDS
        holder = self._holder(conversation_id)
        coming = [
            loop.run_in_executor(self._collecting, self._bring, part, part.url, holder, errand.heard.address, until)
            for part in errand.parts
            if part.url is not None and part.picture is None and not part.said and not part.done
        ]
        for came in await asyncio.gather(*coming, return_exceptions=True):  # none is left behind to work on its part
            if came is not None:
                raise came

    async def serve(self, errand: Errand, conversation_id: str, system: str | None) -> None:
        """Have a message answered in a conversation, save for parts that were before the process ended."""
        loop = asyncio.get_running_loop()
        for part in errand.parts:
            if not part.done:
                await loop.run_in_executor(self._turning, self._serve, errand, part, conversation_id, system)

    def close(self) -> None:
        """Wait for what cannot be interrupted."""
        self._collecting.shutdown()
        self._turning.shutdown()

    def _holder(self, conversation_id: str) -> Pass:
        return Pass(conversation_id, self._bot.token(conversation_id))

    def _bring(self, part: Part, url: str, holder: Pass, address: Address, until: float) -> None:
        if self._store.read(lambda rows: rows.visitor_message(holder.conversation_id, part.client_id)) is not None:
            return
        try:
            part.picture = self._kept(url, holder, address, until)
        except (PictureError, TurnError, HTTPException) as error:
            part.said.append(_words(error))
        except (RuntimeError, OSError):  # pictures cannot be drawn on this machine, or cannot be kept
            log.exception("QQ：图片无法处理")
            part.said.append(FAILED)

    def _kept(self, url: str, holder: Pass, address: Address, until: float) -> str:
        """The id of the picture at an address, once it is kept; errors as with `Pictures`."""
        if (left := until - time.monotonic()) <= 0:  # others' took so long
            raise PictureError(FAILED)
        data = self._pictures.fetch(url, address, left)
        if not self._drawing.acquire(timeout=max(0.0, until - time.monotonic())):
            raise PictureBusy(BUSY)
        try:
            return self._pictures.keep(holder, data)
        finally:
            self._drawing.release()

    def _serve(self, errand: Errand, part: Part, conversation_id: str, system: str | None) -> None:
        made = self._store.read(lambda rows: rows.visitor_message(conversation_id, part.client_id))
        if made is None:
            if part.text or part.picture is not None:
                self._turn(errand, part, self._holder(conversation_id), system)
        elif part.url is not None and made.picture is None and not part.said:
            part.said.append(FAILED)
        part.done = True

    def _turn(self, errand: Errand, part: Part, holder: Pass, system: str | None) -> None:
        incoming = Incoming(
            text=part.text or None, picture=part.picture, client_message_id=part.client_id, system=system
        )
        try:
            self._bot.turn(
                incoming,
                holder,
                channel="qq",
                public=errand.heard.address.group is not None,
                may_hand_in=partial(errand.count, self._tickets.spend),
            )
        except (TurnError, HTTPException) as error:
            part.said.append(_words(error))


def _words(error: PictureError | TurnError | HTTPException) -> str:
    """What an error says to the visitor."""
    return error.detail if isinstance(error, HTTPException) else str(error)
