"""Invitations: an address by which somebody goes on with a conversation in the web chat, in one browser, within a day.

For visitors on QQ whom a reply did not reach. The code stands in the address behind `#`, which browsers keep to
themselves; whoever brings it first gets the conversation's token for it. An answer may be lost on its way: who took
the code gets the same again for the key that they brought with it, and until they say that they hold the conversation
it goes on on QQ as well. Only hashes are kept, of the code until it is taken, from then on of code and key together.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.dialogue import Bot
from bot.store.base import Store, Transaction
from bot.turn import Pass, TurnError, Unknown

GOOD_FOR: Final = timedelta(hours=24)


class AnotherHeld(TurnError):
    """The visitor's browser holds another conversation, which it would show no longer. Nothing is taken."""


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

    def take(self, code: str, key: str, held: str | None = None) -> Pass:
        """What its holder gets; Unknown where there is no such invitation, any more or for whoever has this key.

        `held` is the conversation that the visitor's browser holds: AnotherHeld where it is not the one invited to;
        where it is, what is said there goes out on QQ no more.
        """

        def work(rows: Transaction) -> str:
            taken = rows.take_invitation(_hash(code), _hash(f"{code}#{key}"), self._clock())
            if taken is None:
                raise Unknown("这个链接已经用过或已失效，请联系客服重新获取。")
            if held not in (None, taken):
                raise AnotherHeld("这个浏览器里还有另一个会话，请先选择继续哪一个。")
            if held is not None:
                rows.drop_chat(taken)
            return taken

        conversation_id = self._store.write(work)
        self._bot.live.changed(conversation_id)  # staff see that it is not on QQ any more
        return Pass(conversation_id, self._bot.token(conversation_id))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
