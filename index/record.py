"""A knowledge base as rows of SQLite tables, and back. What the tables are for is said in `snapshot`.

One table per kind of thing, one column per field; lists are JSON. The tables are made with their columns before any row
is written, so an empty list of things is an empty table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database
from sqlite_utils.db import Table

from faq.catalog import Audience, Catalog, System
from faq.entry import Document, Entry, Section
from faq.knowledge import KnowledgeBase

Row = Mapping[str, Any]

_COLUMNS: dict[str, dict[str, type]] = {
    "meta": {"name": str, "value": str},
    "system": {"key": str, "name": str, "aliases": str, "cues": str, "audiences": str, "portal": str, "hotline": str},
    "document": {
        "id": int,
        "system": str,
        "title": str,
        "name": str,
        "portal_url": str,
        "notes": str,
        "sections": str,
    },
    "entry": {
        "id": str,
        "document": int,
        "system": str,
        "section": str,
        "number": str,
        "question": str,
        "answer": str,
        "similar": str,
        "audience": str,
    },
    "phrasing": {"id": int, "entry": int, "kind": str, "text": str, "form": str, "words": str},
    "word": {"word": str, "own": int},
    "vector": {"row": int, "weights": bytes},
    "head": {"row": int, "weights": bytes},
}


def create_table(db: Database, name: str, rows: Iterable[Row]) -> None:
    """Create one of the tables and fill it; its first column is the primary key."""
    columns = _COLUMNS[name]
    table = Table(db, name).create(columns, pk=next(iter(columns)))
    table.insert_all((dict(row) for row in rows), batch_size=1000)


def rows(db: Database, name: str) -> list[dict[str, Any]]:
    """All rows of a table in the order they were written; sqlite3.Error where there is no such table."""
    return list(db.query(f'select * from "{name}" order by rowid'))  # noqa: S608 - one of our own names


def pack(value: object) -> str:
    """A list as JSON, in letters that can be read."""
    return json.dumps(value, ensure_ascii=False)


def unpack(text: str) -> tuple[Any, ...]:
    """The list that `pack` wrote."""
    return tuple(json.loads(text))


def write_knowledge(db: Database, knowledge: KnowledgeBase) -> dict[str, str]:
    """Write the tables system, document and entry; returns what else belongs to the knowledge base, by name."""
    home = {entry.id: at for at, document in enumerate(knowledge.documents) for entry in document.entries}
    create_table(db, "system", map(_system_row, knowledge.catalog.systems))
    create_table(db, "document", (_document_row(at, document) for at, document in enumerate(knowledge.documents)))
    create_table(db, "entry", (_entry_row(entry, home.get(entry.id)) for entry in knowledge.entries))
    return {
        "content_hash": knowledge.content_hash,
        "elsewhere": pack(knowledge.catalog.elsewhere),
        "terms": pack(knowledge.catalog.terms),
        "synonyms": json.dumps(knowledge.catalog.synonyms, ensure_ascii=False),
        "uncovered": pack(knowledge.uncovered),
        "warnings": pack(knowledge.warnings),
    }


def read_knowledge(db: Database, meta: Row) -> KnowledgeBase:
    """The knowledge base that `write_knowledge` wrote, `meta` being what it returned."""
    entries: list[Entry] = []
    of_document: dict[int | None, list[Entry]] = {}
    for row in rows(db, "entry"):
        home = row.pop("document")
        entries.append(Entry(**{**row, "similar": unpack(row["similar"])}))
        of_document.setdefault(home, []).append(entries[-1])
    return KnowledgeBase(
        catalog=Catalog(
            tuple(map(_system, rows(db, "system"))),
            unpack(meta["elsewhere"]),
            unpack(meta["terms"]),
            {term: tuple(names) for term, names in json.loads(meta["synonyms"]).items()},
        ),
        documents=tuple(_document(row, of_document.get(row["id"], [])) for row in rows(db, "document")),
        entries=tuple(entries),
        uncovered=unpack(meta["uncovered"]),
        content_hash=meta["content_hash"],
        warnings=unpack(meta["warnings"]),
    )


def _system_row(system: System) -> Row:
    return {
        "key": system.key,
        "name": system.name,
        "aliases": pack(system.aliases),
        "cues": pack(system.cues),
        "audiences": pack([asdict(audience) for audience in system.audiences]),
        "portal": system.portal,
        "hotline": system.hotline,
    }


def _system(row: Row) -> System:
    lists = {name: unpack(row[name]) for name in ("aliases", "cues", "audiences")}
    audiences = tuple(Audience(a["name"], tuple(a["cues"]), tuple(a["bodies"])) for a in lists["audiences"])
    return System(**{**row, **lists, "audiences": audiences})


def _document_row(at: int, document: Document) -> Row:
    return {
        "id": at,
        "system": document.system,
        "title": document.title,
        "name": document.name,
        "portal_url": document.portal_url,
        "notes": pack(document.notes),
        "sections": pack([{"number": section.number, "title": section.title} for section in document.sections]),
    }


def _document(row: Row, entries: list[Entry]) -> Document:
    fields = {name: value for name, value in row.items() if name != "id"}
    sections = tuple(Section(**section) for section in unpack(row["sections"]))
    return Document(**{**fields, "notes": unpack(row["notes"]), "sections": sections, "entries": tuple(entries)})


def _entry_row(entry: Entry, home: int | None) -> Row:
    return {
        "id": entry.id,
        "document": home,
        "system": entry.system,
        "section": entry.section,
        "number": entry.number,
        "question": entry.question,
        "answer": entry.answer,
        "similar": pack(entry.similar),
        "audience": entry.audience,
    }
