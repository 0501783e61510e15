"""Replies that staff keep ready: added, changed and deleted, each with a line in the settings' history."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from bot.model import Alteration, Canned
from bot.preference import Outdated
from bot.store.base import Store, Transaction
from bot.turn import BadMessage, check_text

LONGEST_TITLE: Final = 100
MOST: Final = 500


class NoCanned(Exception):
    """There is no such reply; staff read the Chinese text."""


class TooManyCanned(Exception):
    """There are so many that nobody finds one; staff read the Chinese text."""


def add(store: Store, title: str, text: str, by: str) -> Canned:
    """Keep a reply ready. BadMessage or TooLong for texts that cannot be sent, TooManyCanned."""
    kept = _checked(secrets.token_hex(8), title, text)

    def work(transaction: Transaction) -> None:
        if len(transaction.canned()) >= MOST:
            raise TooManyCanned(f"常用语最多 {MOST} 条，请先删除不再使用的。")
        transaction.put_canned(kept)
        _note(transaction, by, kept.title, "", kept.text)

    store.write(work)
    return kept


def change(store: Store, canned_id: str, title: str, text: str, by: str, seen: str | None = None) -> Canned:
    """Change a reply. NoCanned, and what `add` raises.

    `seen`: when it was last changed, in ISO 8601, as far as whoever changes it knows; Outdated where it was later.
    """
    kept = _checked(canned_id, title, text)

    def work(transaction: Transaction) -> None:
        before = _known(transaction, canned_id)
        if seen is not None and seen != before.updated_at.isoformat():
            raise Outdated
        transaction.put_canned(kept)
        if (before.title, before.text) != (kept.title, kept.text):
            _note(transaction, by, before.title, before.text, _titled(before, kept))

    store.write(work)
    return kept


def drop(store: Store, canned_id: str, by: str) -> None:
    """Keep a reply ready no longer. NoCanned."""

    def work(transaction: Transaction) -> None:
        before = _known(transaction, canned_id)
        transaction.delete_canned(canned_id)
        _note(transaction, by, before.title, before.text, "已删除")

    store.write(work)


def _known(transaction: Transaction, canned_id: str) -> Canned:
    for canned in transaction.canned():
        if canned.id == canned_id:
            return canned
    raise NoCanned("没有这条常用语。")


def _checked(canned_id: str, title: str, text: str) -> Canned:
    check_text(title)
    check_text(text)
    if len(title.strip()) > LONGEST_TITLE:
        raise BadMessage(f"标题太长了，最多 {LONGEST_TITLE} 个字。")
    return Canned(canned_id, title.strip(), text, datetime.now(UTC))


def _titled(before: Canned, after: Canned) -> str:
    return after.text if before.title == after.title else f"【{after.title}】{after.text}"


def _note(transaction: Transaction, by: str, title: str, before: str, after: str) -> None:
    transaction.add_alteration(Alteration(datetime.now(UTC), by, f"常用语「{title}」", before, after))
