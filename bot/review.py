"""Doubtful questions in groups of one meaning, kept at hand while staff look at them.

Reading hundreds of questions takes the index a minute, so it happens in a thread of its own that rests longer than it
works. Until everything is read, groups are those of nearly the same letters. What was read is kept in the store, by the
message that it was read for, for as long as the index is the same.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, TypeAlias

import numpy as np

from bot import cluster
from bot.concern import Cluster
from bot.desk import Desk
from bot.doubt import Reading, Wording, doubts_in, wordings
from bot.store.base import Store, StoreError
from index.variant import without_courtesy

log = logging.getLogger(__name__)

MOST: Final = 2000
"""Wordings that are looked at, the most frequent first."""
NEAREST: Final = 3
GOOD_FOR: Final = timedelta(seconds=30)
PATIENCE: Final = 1.5
"""Seconds that whoever asks first waits for what is there at once."""

_AT_ONCE: Final = 8
_SETTLED_BY_ANSWER: Final = ("reject", "clarify")

Readings: TypeAlias = Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class Survey:
    """The groups as of a moment. `done` of `of` wordings are read; until all are, groups are by letters only."""

    clusters: tuple[Cluster, ...]
    at: datetime
    stamp: str
    done: int
    of: int

    @property
    def unfinished(self) -> bool:
        """Whether groups will change when all is read."""
        return self.done < self.of

    def cluster(self, cluster_id: str) -> Cluster | None:
        """The group of that id, or None."""
        return next((found for found in self.clusters if found.id == cluster_id), None)


class Review:
    """The surveys, one for each period asked for. Thread-safe.

    `desk` gives the desk at work; `pace` is how many times as long as it works the thread rests.
    """

    def __init__(
        self,
        store: Store,
        desk: Callable[[], Desk],
        cold_after: timedelta,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: float = 3.0,
    ) -> None:
        self._store, self._desk, self._cold_after = store, desk, cold_after
        self._clock, self._pace = clock, pace
        self._surveys: dict[int, Survey] = {}
        self._running = False
        self._news = threading.Condition()

    def survey(self, days: int) -> Survey | None:
        """The survey of so many days, None where there is none yet.

        Where the last one is old a new one is begun, waited for a moment, and given where it was quick.
        """
        with self._news:
            known = self._surveys.get(days)
            begun = not self._running and (known is None or self._old(known))
            if begun:
                self._running = True
                threading.Thread(target=self._run, args=(days,), name="review", daemon=True).start()
            if begun or known is None:
                self._news.wait_for(lambda: not self._running or self._is_rough(days), PATIENCE)
            return self._surveys.get(days)

    @property
    def running(self) -> bool:
        """Whether a survey is being made."""
        return self._running

    def make(self, days: int) -> Survey:
        """Make a survey; whoever asks meanwhile sees how far it is."""
        desk, now = self._desk(), self._clock()
        since = now - timedelta(days=days)
        stamp = stamp_of(desk)
        found, kept = self._store.read(
            lambda t: (wordings(doubts_in(t.lines(since), since, self._cold_after), MOST), t.readings(stamp))
        )
        # A wording is read for its first message, so that what is known of it goes when that is erased.
        known = {w.key: kept[m] for w in found if (m := w.doubts[0].message) in kept}
        missing = [wording for wording in found if wording.key not in known]
        if missing and (days not in self._surveys or self._surveys[days].unfinished):
            rough = clusters(found, {}, desk, self._rest_after(time.monotonic()))
            self._put(days, Survey(rough, now, stamp, len(known), len(found)))
        for start in range(0, len(missing), _AT_ONCE):
            began, batch = time.monotonic(), missing[start : start + _AT_ONCE]
            read = {wording.key: read_by(desk, wording) for wording in batch}
            known |= read
            by_message = {wording.doubts[0].message: read[wording.key] for wording in batch}
            self._store.write(lambda t: t.put_readings(stamp, by_message))  # noqa: B023 — run at once
            self._progress(days, len(known))
            self._rest_after(began)()
        self._store.write(lambda t: t.drop_readings(stamp))
        unsettled = [left for w in found if (left := without_answered(w, known[w.key], desk.thresholds.answer))]
        made = clusters(unsettled, known, desk, self._rest_after(time.monotonic()))
        survey = Survey(made, now, stamp, len(found), len(found))
        self._put(days, survey)
        return survey

    def _run(self, days: int) -> None:
        try:
            self.make(days)
        except StoreError as error:
            log.error("review: %s", error)  # noqa: TRY400 — its text says all
        except Exception:
            log.exception("review")
        finally:
            with self._news:
                self._running = False
                self._news.notify_all()

    def _is_rough(self, days: int) -> bool:
        return days in self._surveys and self._surveys[days].unfinished

    def _old(self, survey: Survey) -> bool:
        return self._clock() - survey.at >= GOOD_FOR or survey.stamp != stamp_of(self._desk())

    def _put(self, days: int, survey: Survey) -> None:
        with self._news:
            self._surveys[days] = survey
            self._news.notify_all()

    def _progress(self, days: int, done: int) -> None:
        with self._news:
            if days in self._surveys and self._surveys[days].unfinished:
                # Never all: that the last one is read is told by the groups that come of it.
                self._surveys[days] = replace(self._surveys[days], done=min(done, self._surveys[days].of - 1))

    def _rest_after(self, began: float) -> Callable[[], None]:
        last = began

        def rest() -> None:
            nonlocal last
            time.sleep(min((time.monotonic() - last) * self._pace, 2.0))
            last = time.monotonic()

        return rest


def stamp_of(desk: Desk) -> str:
    """What readings of a desk are known by."""
    return f"{desk.knowledge.content_hash}:{desk.index.snapshot.model_id if desk.index.mode == 'hybrid' else ''}"


def read_by(desk: Desk, wording: Wording) -> Reading:
    """What a desk's index makes of a wording."""
    vector = desk.index.place(_form(desk, wording))
    hits = desk.search(wording.text, wording.system)
    return Reading(
        None if vector is None else vector.astype("<f2").tobytes(),
        {hit.entry.id: round(hit.confidence, 4) for hit in hits if hit.confidence >= 0.001},
    )


def without_answered(wording: Wording, reading: Reading, answer: float) -> Wording | None:
    """The wording without the doubts that the index settles by answering it now; None where none is left."""
    if max(reading.shares.values(), default=0.0) < answer:
        return wording
    left = tuple(doubt for doubt in wording.doubts if doubt.kind not in _SETTLED_BY_ANSWER)
    return replace(wording, doubts=left) if left else None


def clusters(found: Sequence[Wording], readings: Readings, desk: Desk, rest: Callable[[], None]) -> tuple[Cluster, ...]:
    """Wordings in groups of one meaning; without readings, of nearly the same letters."""
    if not found:
        return ()
    shares = [readings[wording.key].shares if readings else {} for wording in found]
    raw = [reading.vector for wording in found if (reading := readings.get(wording.key)) and reading.vector]
    vectors = None
    if len(raw) == len(found):
        vectors = np.frombuffer(b"".join(raw), "<f2").reshape(len(raw), -1).astype(np.float32)
    likeness = cluster.alike([_form(desk, wording) for wording in found], vectors, shares, rest)
    least = cluster.ALIKE if readings else cluster.ALIKE_WORDS
    weights = [wording.conversations for wording in found]
    made = []
    for group in cluster.groups(likeness.copy(), least):
        own = [weights[at] for at in group]
        near: Counter[str] = Counter()
        for at, weight in zip(group, own, strict=True):
            near.update({entry: share * weight / sum(own) for entry, share in shares[at].items()})
        members = tuple(found[at] for at in group)
        made.append(
            Cluster(
                blake2b("".join(sorted(wording.key for wording in members)).encode(), digest_size=8).hexdigest(),
                members,
                found[cluster.typical(likeness, group, own)],
                tuple(near.most_common(NEAREST)),
            )
        )
    return tuple(made)


def _form(desk: Desk, wording: Wording) -> str:
    return without_courtesy(desk.index.understand(wording.text))
