"""Invitations: an address by which somebody goes on with a conversation in the web chat, once and within a day.

For visitors on QQ whom a reply did not reach. The code stands in the address behind `#`, which browsers keep to
themselves; whoever brings it first gets the conversation's token for it. Only a hash of it is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.dialogue import Bot
from bot.store.base import Store, Transaction
from bot.turn import Pass, Unknown

GOOD_FOR: Final = timedelta(hours=24)


class Invitations:
    """Makes and takes invitations; `public_url` is the chat's address as visitors reach it. Thread-safe."""

    def __init__(
        self, bot: Bot, store: Store, public_url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._bot, self._store, self._public_url, self._clock = bot, store, public_url, clock

    def make(self, conversation_id: str) -> str:
        """An address for a conversation, in place of those made before."""
        code = secrets.token_urlsafe(18)
        until = self._clock() + GOOD_FOR
        self._store.write(lambda rows: rows.put_invitation(conversation_id, _hash(code), until))
        return f"{self._public_url}/join#{code}"

    def take(self, code: str) -> Pass:
        """What its holder gets; Unknown where there is no such invitation, any more or at all."""

        def work(rows: Transaction) -> str | None:
            taken = rows.take_invitation(_hash(code), self._clock())
            if taken is not None:
                rows.drop_chat(taken)  # from now on it is held in the web chat, and in no other place as well
            return taken

        conversation_id = self._store.write(work)
        if conversation_id is None:
            raise Unknown("这个链接已经用过或已失效，请联系客服重新获取。")
        return Pass(conversation_id, self._bot.token(conversation_id))


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
