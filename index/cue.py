"""What a message gives away about its subject: the system it names, the audience it speaks for, or a foreign system."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from faq.catalog import Catalog
from index.variant import canonical, without_courtesy

_EDGE_BEFORE, _EDGE_AFTER, _NOTHING = "(?<![a-z0-9])", "(?![a-z0-9])", "(?!)"
_CLAUSE_END = re.compile(r"[,，。.;；!！?？\s]")


@dataclass(frozen=True, slots=True)
class Mention:
    """What a message says of its subject.

    `system` is the one system it names, or None. `systems` and `audiences` hold the keys and (key, name) pairs whose
    cue words occur. `elsewhere` is true when its first clause names a system that no document is
    about, and it names none of ours.
    """

    system: str | None = None
    systems: frozenset[str] = frozenset()
    audiences: frozenset[tuple[str, str]] = frozenset()
    elsewhere: bool = False


class Cues:
    """The catalog's words, ready to be found in messages."""

    def __init__(self, catalog: Catalog, read: Callable[[str], str] = canonical) -> None:
        """`read` gives the form of a text in which messages come."""

        def forms(words: Iterable[str]) -> re.Pattern[str]:
            return _forms({form for word in words for form in (canonical(word), read(word))})

        self._names = [(s.key, forms((s.name, *s.aliases))) for s in catalog.systems]
        self._cues = [(s.key, forms(s.cues)) for s in catalog.systems]
        self._audiences = [((s.key, a.name), forms((a.name, *a.cues))) for s in catalog.systems for a in s.audiences]
        self._elsewhere = forms(catalog.elsewhere)

    def read(self, text: str) -> Mention:
        """The mention in a text as `read` gives it."""
        named = {key for key, names in self._names if names.search(text)}
        return Mention(
            system=next(iter(named)) if len(named) == 1 else None,
            systems=frozenset(named | {key for key, cues in self._cues if cues.search(text)}),
            audiences=frozenset(audience for audience, cues in self._audiences if cues.search(text)),
            elsewhere=not named and self._elsewhere.search(_subject(text)) is not None,
        )


def _subject(text: str) -> str:
    """The first clause: 「微信登不上」 is about 微信, 「账号锁了，截图用微信发给谁」 is not."""
    return _CLAUSE_END.split(without_courtesy(text), maxsplit=1)[0]


def _forms(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the words. Latin letters and digits count as a word only when they stand alone:
    12345 is a service, 13812345678 is somebody's number."""
    forms = sorted(filter(None, words), key=lambda form: (-len(form), form))
    found = "|".join(
        f"{_EDGE_BEFORE if _latin(f[0]) else ''}{re.escape(f)}{_EDGE_AFTER if _latin(f[-1]) else ''}" for f in forms
    )
    return re.compile(found or _NOTHING)


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
