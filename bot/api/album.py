"""Taking visitors' pictures, whichever way they come: drawn anew, kept, and noted whose they are."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from bot.api.limit import Budget
from bot.dialogue import Bot
from bot.model import Picture
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
        self.budget.check()
        picture = clean(data)
        kept = Picture(
            id=secrets.token_urlsafe(16),
            conversation_id=holder.conversation_id,
            media_type=picture.media_type,
            size=len(picture.data),
            width=picture.width,
            height=picture.height,
            created_at=datetime.now(UTC),
        )
        self._folder.keep(kept.id, picture)  # first the file: a row without one would promise what is not there
        try:
            self._bot.add_picture(holder, kept)
        except BaseException:
            self._folder.delete(kept.id)
            raise
        self.budget.add(kept.size)
        return kept
