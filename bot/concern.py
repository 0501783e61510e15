"""Groups of doubtful questions, and what is still to be done about each, given what staff did before. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.doubt import KINDS, Deed, Doubt, Kind, Wording, plain


@dataclass(frozen=True, slots=True)
class Cluster:
    """Wordings of one meaning, the most frequent first, the most typical of them, and the entries nearest to them."""

    id: str
    wordings: tuple[Wording, ...]
    typical: Wording
    nearest: tuple[tuple[str, float], ...]

    @property
    def doubts(self) -> list[Doubt]:
        """All doubts, the oldest first."""
        return sorted((doubt for wording in self.wordings for doubt in wording.doubts), key=lambda doubt: doubt.at)


@dataclass(frozen=True, slots=True)
class Case:
    """A group and what is still to be done about it: the doubts that nothing was done about.

    `drafted` are the entries ("" for a topic) under which something of it stands in the draft; `dismissed` is in how
    many conversations it was asked when it was dismissed.
    """

    cluster: Cluster
    open: tuple[Doubt, ...]
    drafted: tuple[str, ...] = ()
    dismissed: int = 0

    @property
    def conversations(self) -> int:
        """In how many conversations it was asked."""
        return len({doubt.conversation for doubt in self.open})

    @property
    def kinds(self) -> list[tuple[Kind, int]]:
        """Why it is doubtful, and how often each."""
        counts = Counter(doubt.kind for doubt in self.open)
        return [(kind, counts[kind]) for kind in KINDS if counts[kind]]

    @property
    def texts(self) -> int:
        """How many different texts they are."""
        return len({plain(doubt.text) for doubt in self.open})

    @property
    def systems(self) -> list[str]:
        """The systems it was asked of."""
        return sorted({doubt.system for doubt in self.open if doubt.system})


def cases(
    found: Sequence[Cluster],
    settled: Mapping[str, int],
    deeds: Collection[Deed],
    drafted: Mapping[str, str],
    published: Mapping[str, str],
) -> list[Case]:
    """What is left to do, the most frequent first, and last what only waits in the draft to be published.

    `settled` gives the deed of a message; `drafted` and `published` give the entry ("" for a topic) that a text stands
    under, by its plain form. A deed counts while what it added is there: undone in the draft, it is void. What was
    dismissed comes back once more conversations than were dismissed have asked it since.
    """
    standing = {deed.id: deed for deed in deeds if _stands(deed, drafted, published)}
    left = []
    for group in found:
        by = {doubt.message: standing.get(settled.get(doubt.message, 0)) for doubt in group.doubts}
        fresh = tuple(doubt for doubt in group.doubts if by[doubt.message] is None)
        dismissed = {d.conversation for d in group.doubts if (deed := by[d.message]) and deed.kind == "dismiss"}
        texts = [wording.text for wording in group.wordings]
        texts += [text for deed in {d.id: d for d in by.values() if d}.values() for text in deed.texts]
        waiting = dict.fromkeys(drafted[words] for words in map(plain, texts) if words in drafted)
        case = Case(group, fresh, tuple(waiting), len(dismissed))
        if case.conversations > case.dismissed:
            left.append(case)
        elif waiting and not fresh:
            left.append(replace(case, open=tuple(group.doubts)))
    left.sort(key=lambda case: (bool(case.drafted), -case.conversations, -case.open[-1].at.timestamp()))
    return left


def _stands(deed: Deed, drafted: Mapping[str, str], published: Mapping[str, str]) -> bool:
    if deed.kind == "dismiss":
        return True
    words = [plain(text) for text in deed.texts]
    return any(there.get(text) == deed.entry_id for there in (drafted, published) for text in words)
