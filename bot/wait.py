"""How long a visitor will wait for a person, told from how long others just did. Pure.

Only working time counts: who asks on Friday evening and is helped on Monday at nine has not waited for a weekend. Two
things are looked at, and the longer one is told: what is left of the wait that the last ones had, and how long the
queue before the visitor takes, at the pace at which tickets were taken lately while some waited. So a long queue is
never promised the short wait of the quiet hour before it, and who waits longer than the others did is promised nothing.
Tickets taken out of hours tell nothing, and neither do too few or old ones.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from bot.hours import Hours

RECENT: Final = timedelta(days=7)
WAITS: Final = 20
"""How many of the last waits make up the expected one; with fewer than FEWEST nothing is promised."""
FEWEST: Final = 5


def expect(
    waits: Sequence[tuple[datetime, datetime]], hours: Hours, before: int, waited: timedelta = timedelta(0)
) -> timedelta | None:
    """The working time still to wait for who has `before` others before them; None where it cannot be told.

    `waits` are the last ones, from and till when, the latest taken first. `waited` is working time spent already.
    """
    told = [(since, taken) for since, taken in waits if hours.open_at(taken)]
    if len(told) < FEWEST:
        return None
    lasted = timedelta(seconds=statistics.median(hours.worked(*wait).total_seconds() for wait in told))
    # The mean, since many are often taken in one go: the median pause would then be none at all.
    paces = [hours.worked(max(since, earlier), taken) for (since, taken), (_, earlier) in pairwise(told)]
    pace = sum(paces, timedelta(0)) / len(paces)
    left = max(lasted - waited, pace * before)
    return left if left > timedelta(0) else None
