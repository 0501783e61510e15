"""What time brings about by itself: forms and tickets that expire, logins that lapse, conversations kept long enough.

Everything is decided from `now`, and decided again within the transaction that acts on it: a visitor who writes in the
last moment is not swept away. Works are small, so that no other writer waits long. Twice does no more than once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from bot import archive, handoff
from bot.handoff import Office
from bot.live import QUEUE, Live
from bot.model import Conversation, Ticket
from bot.picture import PictureFolder
from bot.store.base import Store, StoreError, Transaction
from bot.ticket import OPEN

log = logging.getLogger(__name__)
T = TypeVar("T")

SWEEP_SECONDS: Final = 60.0
PURGE_EVERY: Final = timedelta(hours=1)
SESSION_IDLE: Final = timedelta(hours=12)
"""So long after a login was last used it lapses."""
ORPHAN_SECONDS: Final = 3600.0
"""A file is written before its row; what has no row after so long never will."""
BATCH: Final = 20
"""Conversations in one transaction."""
LOOKED_UP: Final = 200
"""Pictures looked up in one transaction."""
HEARD_FOR: Final = timedelta(days=30)
"""For so long it is known which messages of QQ came, so that they are not answered again."""
CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days after anything happened to it a conversation is deleted; None keeps all for ever."""

    days: int | None = None

    def __post_init__(self) -> None:
        if self.days is not None and self.days < 1:
            raise ValueError("conversations are kept for a day at least")

    def cutoff(self, now: datetime) -> datetime | None:
        """What rests since before this moment can go; None: nothing."""
        return None if self.days is None else now - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each: forms and waiting tickets closed, conversations deleted, with pictures; files without a row.

    `touched` are the ids of the conversations in which a visitor could see a difference.
    """

    forms: int = 0
    tickets: int = 0
    conversations: int = 0
    pictures: int = 0
    orphans: int = 0
    touched: tuple[str, ...] = ()

    def __add__(self, other: Swept) -> Swept:
        return Swept(
            self.forms + other.forms,
            self.tickets + other.tickets,
            self.conversations + other.conversations,
            self.pictures + other.pictures,
            self.orphans + other.orphans,
            self.touched + other.touched,
        )


def sweep(store: Store, pictures: PictureFolder, office: Office, retention: Retention, now: datetime) -> Swept:
    """All of it once. StoreError where the store fails; what was done before stays done."""
    return expire(store, office, now) + purge(store, pictures, retention, now)


def expired(ticket: Ticket, conversation: Conversation, office: Office, now: datetime) -> bool:
    """Whether a ticket's time is over: neither it nor its conversation moved for as long as its state may last."""
    lasting = {"collecting": office.cold_after, "waiting": office.expire_after}.get(ticket.status)
    rest = now - max(ticket.updated_at, conversation.updated_at)
    return lasting is not None and rest >= lasting and conversation.owner is None


def outlived(conversation: Conversation, tickets: Iterable[Ticket], cutoff: datetime) -> bool:
    """Whether a conversation was kept long enough: it rests since before `cutoff`, and no ticket is open."""
    return conversation.updated_at < cutoff and not any(ticket.status in OPEN for ticket in tickets)


def expired_text(number: int) -> str:
    """What the visitor reads when a ticket that waited is closed."""
    return f"受理单 {number} 长时间没有进展，已自动关闭；如仍需处理，请直接在这里留言。"


def expire(store: Store, office: Office, now: datetime, *, idle: timedelta = SESSION_IDLE) -> Swept:
    """Close forms and waiting tickets whose time is over, and end logins not used for `idle`."""

    def resting(transaction: Transaction) -> list[str]:
        tickets = [
            *transaction.tickets_resting("collecting", now - office.cold_after),
            *transaction.tickets_resting("waiting", now - office.expire_after),
            *transaction.tickets_resting("assigned", now - office.unattended_after),
        ]
        return list(dict.fromkeys(ticket.conversation_id for ticket in tickets))

    def close(some: Sequence[str], transaction: Transaction) -> list[Ticket]:
        return [ticket for each in some for ticket in _close(transaction, each, office, now)]

    ended: list[Ticket] = []
    for some in _batches(store.read(resting), BATCH):
        ended += store.write(partial(close, some))
    store.write(lambda transaction: transaction.end_sessions(seen_before=now - idle))
    forms = sum(ticket.status == "collecting" for ticket in ended)
    return Swept(forms, len(ended) - forms, touched=tuple(dict.fromkeys(ticket.conversation_id for ticket in ended)))


def purge(
    store: Store,
    pictures: PictureFolder,
    retention: Retention,
    now: datetime,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Swept:
    """Delete what was kept long enough, and files without a row; `stop` says whether to leave the rest for later."""
    swept = Swept()
    cutoff = retention.cutoff(now)
    while cutoff is not None and not stop():
        old = store.read(partial(_old, cutoff))
        gone = store.write(partial(_delete, old, cutoff)) if old else {}
        if not gone:  # or all that looked old was written to meanwhile
            break
        removed = sum(archive.discard(pictures, files) for files in gone.values())
        swept += Swept(conversations=len(gone), pictures=removed, touched=tuple(gone))
    for some in _batches(pictures.ids(older_than=ORPHAN_SECONDS), LOOKED_UP):
        if stop():
            break
        swept += Swept(orphans=archive.discard(pictures, store.read(partial(_unknown, some))))
    store.write(lambda transaction: transaction.forget_heard(now - HEARD_FOR))
    return swept


class Sweeper:
    """Sweeps every minute and deletes every hour, until `close`; `live` is told of what visitors could see.

    `scrub` is called after each deletion: the store's way of taking what was deleted off the disk.
    """

    def __init__(
        self,
        store: Store,
        pictures: PictureFolder,
        office: Office,
        retention: Retention,
        *,
        live: Live | None = None,
        scrub: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        every: float = SWEEP_SECONDS,
    ) -> None:
        self._store = store
        self._pictures = pictures
        self.office = office
        """By what is swept; may be replaced at any time."""
        self._retention = retention
        self._live = live or Live()
        self._scrub = scrub
        self._clock = clock
        self._every = every
        self._purged: datetime | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Stop after the transaction under way."""
        self._closing.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.is_set():
            for part in (self._expire, self._purge):
                try:
                    part(self._clock())
                except StoreError as error:
                    log.warning("定时整理未能完成，稍后重试：%s", error)
                except Exception:
                    log.exception("定时整理出错，稍后重试")
            self._closing.wait(self._every)

    def _expire(self, now: datetime) -> None:
        swept = expire(self._store, self.office, now)
        self._live.changed(*swept.touched, *([QUEUE] if swept.touched else []))
        if swept.forms or swept.tickets:
            log.info("已关闭超时的登记 %d 个、受理单 %d 个", swept.forms, swept.tickets)

    def _purge(self, now: datetime) -> None:
        if self._purged is not None and now - self._purged < PURGE_EVERY:
            return
        swept = purge(self._store, self._pictures, self._retention, now, stop=self._closing.is_set)
        self._purged = now
        self._live.changed(*swept.touched)
        self._scrub()
        if swept != Swept():
            log.info(
                "已删除超过保存期限的会话 %d 个、图片 %d 张，清理无主文件 %d 个",
                swept.conversations,
                swept.pictures,
                swept.orphans,
            )


def _close(transaction: Transaction, conversation_id: str, office: Office, now: datetime) -> list[Ticket]:
    """Close the conversation's tickets whose time is over, and return them as they were; of forms nothing is said."""
    conversation = transaction.conversation(conversation_id)
    if conversation is None:
        return []
    if conversation.owner is not None and now - conversation.updated_at >= office.unattended_after:
        handoff.release(transaction, conversation, "bot", now, "长时间没有回复，已退回队列")
        return []
    over = [each for each in transaction.tickets(conversation_id) if expired(each, conversation, office, now)]
    for ticket in over:
        handoff.end(transaction, ticket, "expired", "bot", now)
        if ticket.status == "waiting":
            transaction.add_message(conversation_id, "bot", expired_text(ticket.number), now=now)
    if any(ticket.status == "waiting" for ticket in over):
        transaction.update_conversation(replace(conversation, updated_at=now))
    return over


def _old(cutoff: datetime, transaction: Transaction) -> list[str]:
    return transaction.idle_since(cutoff, BATCH)


def _delete(conversation_ids: Sequence[str], cutoff: datetime, transaction: Transaction) -> dict[str, list[str]]:
    """Delete those that still can go; the ids of each one's pictures."""
    gone: dict[str, list[str]] = {}
    for conversation_id in conversation_ids:
        conversation = transaction.conversation(conversation_id)
        if conversation is not None and outlived(conversation, transaction.tickets(conversation_id), cutoff):
            gone[conversation_id] = archive.delete(transaction, conversation_id) or []
    return gone


def _unknown(picture_ids: Sequence[str], transaction: Transaction) -> list[str]:
    return [picture_id for picture_id in picture_ids if transaction.picture(picture_id) is None]


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
