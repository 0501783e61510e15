"""What a document says, as values: entries in sections in a document. No behaviour, no reading, no searching."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One question with its answer, both word for word from the document.

    `number` is the document's own numbering within the system ("1.9", "1.2.3") and `id` is f"{system}-{number}";
    `section` is the title of the innermost section, or "". `similar` are other ways to ask the same question,
    written by people; `audience` is the catalog's audience the section is meant for, if it is meant for one.
    """

    id: str
    system: str
    section: str
    number: str
    question: str
    answer: str
    similar: tuple[str, ...] = ()
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading that holds entries: its number as in the entries' numbers ("1.2"), and its title without the number."""

    number: str
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document: `name` is what it calls itself in a source line ("常见问题"), `notes` its general remarks."""

    system: str
    title: str
    name: str
    portal_url: str | None
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    entries: tuple[Entry, ...]
