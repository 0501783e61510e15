"""Taking pictures, whoever sends them and whichever way they come: drawn anew, kept, and noted whose they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from bot.agent import Agents
from bot.api.limit import Budget
from bot.dialogue import Bot
from bot.model import Picture, Staff
from bot.picture import PictureFolder, clean
from bot.turn import Pass


class Album:
    """Pictures in a folder of a certain size. Thread-safe."""

    def __init__(self, bot: Bot, folder: PictureFolder, budget: Budget) -> None:
        self._bot, self._folder, self.budget = bot, folder, budget

    def keep(self, holder: Pass, data: bytes) -> Picture:
        """Keep a picture of the holder's conversation.

        PictureError where it is none that can be used, TurnError where the conversation takes no more, HTTPException
        503 where the folder is full.
        """
        return self._keep(holder.conversation_id, data, None, partial(self._bot.add_picture, holder))

    def keep_of_staff(self, agents: Agents, number: int, staff: Staff, data: bytes) -> Picture:
        """Keep a picture for a reply to a ticket; errors as with `keep`, and AgentError for who may not reply."""
        conversation = agents.conversation(number, staff)  # before the picture is drawn, which costs more
        return self._keep(conversation.id, data, staff.name, partial(agents.add_picture, number, staff))

    def _keep(self, conversation_id: str, data: bytes, staff: str | None, note: Callable[[Picture], None]) -> Picture:
        self.budget.check()
        picture = clean(data)
        kept = Picture(
            id=secrets.token_urlsafe(16),
            conversation_id=conversation_id,
            media_type=picture.media_type,
            size=len(picture.data),
            width=picture.width,
            height=picture.height,
            created_at=datetime.now(UTC),
            staff=staff,
        )
        self._folder.keep(kept.id, picture)  # first the file: a row without one would promise what is not there
        try:
            note(kept)
        except BaseException:
            self._folder.delete(kept.id)
            raise
        self.budget.add(kept.size)
        return kept
