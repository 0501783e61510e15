"""What a message gives away about its subject: the system it names, the audience it speaks for, or a foreign system."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from faq.catalog import Catalog
from index.variant import canonical, without_courtesy

_EDGE_BEFORE, _EDGE_AFTER, _NOTHING = "(?<![a-z0-9])", "(?![a-z0-9])", "(?!)"
_FILLER = "我们|我|咱们|是|那个|这个|那边|这边|方面|用户|账号|单位|系统|平台|一方|的|呢|[\\s,，。]"
_I_AM = "(?:我们?|咱们?|本人|俺)(?:这里|这边|这)?(?:是|属于|作为).{0,6}?"
_CLAUSE_END = re.compile(r"[,，。.;；!！?？\s]")


@dataclass(frozen=True, slots=True)
class Mention:
    """What a message says of its subject.

    `system` is the one system it names, or None. `systems` and `audiences` hold the keys and (key, name) pairs whose
    cue words occur; `speaker` those of the audiences that it says outright to speak for (我是管理机构的, 我公司).
    `elsewhere` is true when its first clause names a system that no document is about, and it names none of ours.
    """

    system: str | None = None
    systems: frozenset[str] = frozenset()
    audiences: frozenset[tuple[str, str]] = frozenset()
    elsewhere: bool = False
    speaker: frozenset[tuple[str, str]] = frozenset()


class Cues:
    """The catalog's words, ready to be found in messages."""

    def __init__(self, catalog: Catalog, read: Callable[[str], str] = canonical) -> None:
        """`read` gives the form of a text in which messages come."""

        def forms(words: Iterable[str]) -> re.Pattern[str]:
            return _forms({form for word in words for form in (canonical(word), read(word))})

        self._names = [(s.key, forms((s.name, *s.aliases))) for s in catalog.systems]
        self._cues = [(s.key, forms(s.cues)) for s in catalog.systems]
        self._audiences = [((s.key, a.name), forms((a.name, *a.cues))) for s in catalog.systems for a in s.audiences]
        self._speakers = [
            (
                (s.key, a.name),
                _speaking(forms((a.name, *a.cues, *a.bodies)), forms(filter(_first_person, a.cues)), forms([a.name])),
            )
            for s in catalog.systems
            for a in s.audiences
        ]
        self._elsewhere = forms(catalog.elsewhere)
        subjects = [w for s in catalog.systems for w in (s.name, *s.aliases, *s.cues)]
        roles = [w for s in catalog.systems for a in s.audiences for w in (a.name, *a.cues)]
        self._roles = forms(roles)
        self._only = re.compile(rf"(?:{forms((*subjects, *roles)).pattern}|{_FILLER})+")

    def read(self, text: str) -> Mention:
        """The mention in a text as `read` gives it."""
        named = {key for key, names in self._names if names.search(text)}
        return Mention(
            system=next(iter(named)) if len(named) == 1 else None,
            systems=frozenset(named | {key for key, cues in self._cues if cues.search(text)}),
            audiences=frozenset(audience for audience, cues in self._audiences if cues.search(text)),
            elsewhere=not named and self._elsewhere.search(_subject(text)) is not None,
            speaker=frozenset(audience for audience, speaking in self._speakers if speaking.search(text)),
        )

    def names_only(self, text: str) -> Mention | None:
        """What a text says that is nothing but names and cue words (管理机构, 职业病那个系统的); None for any other.

        Where all of them belong to one system, that is the system meant, and the audience the one spoken for.
        """
        mention = self.read(text)
        systems = mention.systems | {system for system, _ in mention.audiences}
        if not systems or self._only.fullmatch(text) is None:
            return None
        only = next(iter(systems)) if len(systems) == 1 else None
        return replace(mention, system=mention.system or only, speaker=mention.audiences)

    def without_roles(self, text: str) -> str:
        """A text as `read` gives it, without the words that tell whom it speaks for."""
        return self._roles.sub("", text)


def _speaking(cues: re.Pattern[str], first_person: re.Pattern[str], name: re.Pattern[str]) -> re.Pattern[str]:
    """Where a text says that it speaks for an audience: 我是…的, a cue in the first person, or the bare name first."""
    return re.compile(rf"{_I_AM}(?:{cues.pattern})|{first_person.pattern}|^(?:{name.pattern})")


def _first_person(cue: str) -> bool:
    return cue.startswith(("我", "本"))


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
