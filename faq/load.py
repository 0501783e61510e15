"""load(path): a file in, a Document out, and a Report in which every non-blank source line is accounted for."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faq.answer import read_block
from faq.artefact import find_artefacts
from faq.catalog import Catalog
from faq.doubt import find_doubts
from faq.entry import Document, Entry, Section
from faq.error import DocumentError
from faq.head import read_head
from faq.marker import read_answer, read_marker
from faq.outline import Outline, read_outline
from faq.reader import Line, read_lines
from faq.text import normalize
from faq.wrap import infer_wrap

NO_CATALOG = Catalog()
_NO_WORD = re.compile(r"[\W_]+")
_ANSWER_INSIDE = re.compile(r"(?:答案|答复|回答|答)\s*[:：]")


@dataclass(frozen=True, slots=True)
class Report:
    """Where each non-blank source line went: (line number from 1, "entry" | "section" | "head" | "artefact", text).

    `lost`: numbers of lines whose text turns up nowhere in the document that was read. They are looked up in the
    finished text, so a mistake of the parser shows here and is not repeated. `warnings`: what may have been read
    wrongly, in Chinese, naming the lines.
    """

    kinds: tuple[tuple[int, str, str], ...]
    lost: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Lines of each kind, and "lost", which counts lines again that another kind counts already."""
        found = dict.fromkeys(("entry", "section", "head", "artefact"), 0)
        for _, kind, _ in self.kinds:
            found[kind] += 1
        return found | {"lost": len(self.lost)}


def as_json(document: Document) -> dict[str, object]:
    """What a document says, for programs; each section with the number of its entries."""
    return {
        "system": document.system,
        "title": document.title,
        "portal_url": document.portal_url,
        "notes": list(document.notes),
        "sections": [
            {
                "title": section.title,
                "count": sum(entry.number.rpartition(".")[0] == section.number for entry in document.entries),
            }
            for section in document.sections
        ],
        "entries": [
            {name: getattr(entry, name) for name in ("id", "system", "section", "question", "answer")}
            for entry in document.entries
        ],
    }


def load(path: Path, *, catalog: Catalog = NO_CATALOG, system: str | None = None) -> tuple[Document, Report]:
    """Read a document and account for its lines.

    Its system is `system`, else the catalog's whose key is the file's stem or whose name is the title, else a key made
    of the stem. DocumentError where the file cannot be read or holds no entry.
    """
    lines = read_lines(path)
    artefacts = find_artefacts(lines)
    text = [line for line in lines if line.number not in artefacts]
    wrap = infer_wrap(text)
    outline = read_outline(text, wrap)
    if not outline.blocks:
        raise DocumentError(
            path,
            None,
            "没有找到任何问题：问题应以编号（一、 1、 1.1 （1） ①）或“问：”开头，回答写在其下或以“答：”开头。",
        )
    head = read_head(outline.head, outline.loose, wrap)
    key = system or _system_key(path, catalog, head.title)
    known = catalog.system(key)
    entries = []
    for block in outline.blocks:
        question, answer = read_block(block.lines, block.rest, wrap)
        section = outline.headings[block.section].title if block.section is not None else ""
        entries.append(Entry(f"{key}-{block.number}", key, section, block.number, question, answer))
    document = Document(
        system=key,
        title=known.name if known else head.title or path.stem,
        name=head.name,
        portal_url=head.portal_url,
        notes=head.notes,
        sections=tuple(Section(heading.number, heading.title) for heading in outline.headings),
        entries=tuple(entries),
    )
    return document, _report(lines, artefacts, outline, document)


def _system_key(path: Path, catalog: Catalog, title: str | None) -> str:
    if catalog.system(path.stem):
        return path.stem
    named = [system.key for system in catalog.systems if title and normalize(system.name) == normalize(title)]
    stem = re.sub(r"[^a-z0-9_-]+", "-", unicodedata.normalize("NFKC", path.stem).lower()).strip("-")
    return named[0] if named else stem or f"doc-{zlib.crc32(path.stem.encode(errors='replace')):08x}"


def _report(lines: Iterable[Line], artefacts: frozenset[int], outline: Outline, document: Document) -> Report:
    kinds: dict[int, str] = dict.fromkeys(artefacts, "artefact")
    found: dict[int, str] = {}
    for line in [*outline.head, *outline.loose]:
        kinds[line.number] = "head"
    for heading, section in zip(outline.headings, document.sections, strict=True):
        kinds[heading.line.number] = "section"
        found[heading.line.number] = _words(section.number.rpartition(".")[2] + section.title)
    for block, entry in zip(outline.blocks, document.entries, strict=True):
        words = _words(entry.question + entry.answer)
        for line in block.lines:
            kinds[line.number] = "entry"
            found[line.number] = words
    loose = {line.number for line in outline.loose}
    head = _words(" ".join([document.title, *document.notes, document.portal_url or ""]))
    lost = [
        line.number
        for line in lines
        if line.number not in kinds
        or (kinds[line.number] in ("entry", "section") and not _turns_up(line.text, found[line.number]))
        or (line.number in loose and not _turns_up(line.text, head))
    ]
    accounted = tuple((line.number, kinds[line.number], line.text) for line in lines if line.number in kinds)
    return Report(accounted, tuple(lost), find_doubts(outline, document))


def _turns_up(text: str, words: str) -> bool:
    """Whether a line's words are in a text, with or without the mark it begins with."""
    forms = [text]
    if marker := read_marker(text):
        forms.append(marker.rest)
    if (answer := read_answer(text)) is not None:
        forms.append(answer)
    return any(_words(form) in words or _words(_ANSWER_INSIDE.sub("", form)) in words for form in forms)


def _words(text: str) -> str:
    return _NO_WORD.sub("", text)
