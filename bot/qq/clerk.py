"""Clerk: has the bot answer what was heard on QQ, one part of a message after the other, and each of them once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from fastapi import HTTPException

from bot.api.limit import Limit
from bot.dialogue import Bot
from bot.picture import PictureError
from bot.qq.errand import Errand, Part
from bot.qq.fetch import FAILED
from bot.qq.model import Address
from bot.store.base import Store
from bot.turn import Incoming, Pass, TurnError

log = logging.getLogger(__name__)


class Clerk:
    """Works in threads. `keep_picture(holder, url, address)` gives a picture's id; `tickets` limits a conversation's.

    What cannot be taken of a part is left with it in words for the visitor. StoreError where something could not be
    kept: tried again, it goes on from there.
    """

    def __init__(
        self, bot: Bot, store: Store, keep_picture: Callable[[Pass, str, Address], str], tickets: Limit
    ) -> None:
        self._bot, self._store, self._keep_picture, self._tickets = bot, store, keep_picture, tickets

    def serve(self, errand: Errand, part: Part, conversation_id: str, system: str | None) -> None:
        """Have a part answered in a conversation, unless it was before the process ended."""
        made = self._store.read(lambda rows: rows.visitor_message(conversation_id, part.client_id))
        if made is None:
            holder = Pass(conversation_id, self._bot.token(conversation_id))
            if part.url is not None and part.picture is None and not part.said:
                self._fetch(part, part.url, holder, errand.heard.address)
            if part.text or part.picture is not None:
                self._turn(errand, part, holder, system)
        elif part.url is not None and made.picture is None and not part.said:
            part.said.append(FAILED)
        part.done = True

    def _fetch(self, part: Part, url: str, holder: Pass, address: Address) -> None:
        try:
            part.picture = self._keep_picture(holder, url, address)
        except (PictureError, TurnError, HTTPException) as error:
            part.said.append(_words(error))
        except (RuntimeError, OSError):  # pictures cannot be drawn on this machine, or cannot be kept
            log.exception("QQ：图片无法处理")
            part.said.append(FAILED)

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
