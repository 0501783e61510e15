"""What became of what was to go out to QQ, counted over the real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from stored import NOW, begin

from bot.qq.model import Address, Chat, Opening, Piece, PieceState, Platform
from bot.qq.parcel import NOT_ASKED_FOR
from bot.qq.sending import SendingFigures, sendings
from bot.store.base import Transaction
from bot.store.sqlite import SqliteStore

REASON = "对方拒收机器人的消息（错误码 40054013）"
UNTIL = NOW + timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with a conversation on each platform, of the platform's name, and one of the web."""
    with closing(SqliteStore(tmp_path / "bot.db")) as store:
        for name in ("qq", "onebot", "web"):
            store.write(begin(name))
        platforms: tuple[Platform, ...] = ("qq", "onebot")
        for platform in platforms:
            chat = Chat(platform, Address(platform, "bot", "user"), 0, (Opening("m1", NOW),))
            store.write(lambda rows, chat=chat: rows.put_chat(chat))
        yield store


def add(store: SqliteStore, name: str, *states: tuple[PieceState, str | None], at: datetime = NOW) -> None:
    """A message whose pieces are in these states, for these reasons."""

    def work(rows: Transaction) -> None:
        sequence = 1 + max((piece.sequence for piece in rows.pieces(name)), default=0)
        rows.add_pieces(
            [Piece(name, sequence, n, "您好", state, at, reason=reason) for n, (state, reason) in enumerate(states)]
        )

    store.write(work)


def counted(store: SqliteStore) -> dict[Platform, SendingFigures]:
    return store.read(lambda rows: sendings(rows, NOW, UNTIL))


def test_nothing_went_out_where_nothing_was_to(store: SqliteStore) -> None:
    """No platform is listed that nothing was to go out to."""
    assert counted(store) == {}


def test_pieces_are_counted_by_what_became_of_them(store: SqliteStore) -> None:
    """Those on their way wait, whatever went wrong so far; what nobody asked for did not fail."""
    add(store, "qq", ("sent", None), ("sent", None), ("queued", None), ("sending", "平台暂时没能发出"), ("held", None))
    add(store, "qq", ("failed", REASON), ("failed", REASON), ("failed", "超时"), ("failed", NOT_ASKED_FOR))
    add(store, "onebot", ("sent", None))
    assert counted(store) == {
        "onebot": SendingFigures(sent=1),
        "qq": SendingFigures(sent=2, waiting=2, held=1, unasked=1, failed=3, reasons={REASON: 2, "超时": 1}),
    }


def test_a_piece_counts_when_it_was_lined_up(store: SqliteStore) -> None:
    """From the first moment of a period until before the first of the next."""
    add(store, "qq", ("sent", None), at=NOW - timedelta(microseconds=1))
    add(store, "qq", ("sent", None), at=NOW)
    add(store, "qq", ("sent", None), at=UNTIL - timedelta(microseconds=1))
    add(store, "qq", ("sent", None), at=UNTIL)
    assert counted(store) == {"qq": SendingFigures(sent=2)}
