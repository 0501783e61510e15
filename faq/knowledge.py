"""A folder of documents → one KnowledgeBase: catalog, entries, similar questions, topics known to be uncovered."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from faq.catalog import Catalog, read_catalog
from faq.entry import Document, Entry
from faq.error import DocumentError
from faq.load import load

SIMILAR = ".similar.toml"
CATALOG = "catalog.toml"
UNCOVERED = "uncovered.toml"

_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """All that search and conversation know.

    `uncovered`: questions known to have no answer here. `content_hash`: sha256 in hex over all files it was read from.
    `warnings`: what a person should look into, in Chinese; nothing in them kept the rest from being read.
    """

    catalog: Catalog
    documents: tuple[Document, ...]
    entries: tuple[Entry, ...]
    uncovered: tuple[str, ...]
    content_hash: str
    warnings: tuple[str, ...] = ()

    def entry(self, entry_id: str) -> Entry | None:
        """The entry of that id, or None."""
        return next((entry for entry in self.entries if entry.id == entry_id), None)


def read_folder(folder: Path) -> KnowledgeBase:
    """Read every *.txt of a folder in name order (or the one file at the path), with the TOML files beside them.

    FaqError where the folder is missing or empty, a file cannot be read, or two documents bring the same entry id.
    """
    if not folder.exists():
        raise DocumentError(folder, None, "找不到这个文件夹，请检查文档所在位置。")
    single = not folder.is_dir()
    home = folder.parent if single else folder
    paths = [folder] if single else sorted(path for path in home.glob("*.txt") if path.is_file())
    if not paths:
        raise DocumentError(folder, None, "文件夹里没有 .txt 文档，请放入至少一份常见问题文档。")
    beside = [home / CATALOG, home / UNCOVERED, *sorted(home.glob(f"*{SIMILAR}"))]
    beside = [path for path in beside if path.is_file()]

    catalog = read_catalog(home / CATALOG) if home / CATALOG in beside else Catalog()
    loaded = [load(path, catalog=catalog) for path in paths]
    documents = tuple(document for document, _ in loaded)
    entries = _with_audience(catalog, _unique(paths, documents))
    warnings = [
        f"{path.name}：{text}" for path, (_, report) in zip(paths, loaded, strict=True) for text in report.warnings
    ]
    for path in beside:
        if path.name.endswith(SIMILAR):
            entries = _with_similar(entries, path, warnings)
    uncovered = _topics(home / UNCOVERED) if home / UNCOVERED in beside else ()
    content_hash = _hash((path.name, path.read_bytes()) for path in [*paths, *beside])
    return KnowledgeBase(catalog, documents, tuple(entries.values()), uncovered, content_hash, tuple(warnings))


def read_entries(path: Path) -> KnowledgeBase:
    """Read a throw-away knowledge base from JSONL rows {"id", "question", "answer"?, "similar"?, "system"?}."""
    try:
        data = path.read_bytes()
        lines = data.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise DocumentError(path, None, f"无法读取文件（{error.strerror or error}）。") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(path, line, "不是 UTF-8 编码，请另存为 UTF-8。") from error
    entries: dict[str, Entry] = {}
    for number, text in enumerate(lines, 1):
        if text.strip():
            entry = _row(path, number, text)
            if entry.id in entries:
                raise DocumentError(path, number, f"编号「{entry.id}」重复。")
            entries[entry.id] = entry
    if not entries:
        raise DocumentError(path, None, "文件里没有任何条目；每行应为一个 JSON 对象，至少含 id 和 question。")
    return KnowledgeBase(Catalog(), (), tuple(entries.values()), (), _hash([(path.name, data)]))


def _row(path: Path, number: int, line: str) -> Entry:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DocumentError(path, number, f"不是有效的 JSON（{error}）。") from error
    if _SURROGATE.search(json.dumps(row, ensure_ascii=False)):
        raise DocumentError(path, number, r"含有不成对的代理字符（如 \ud800），不是有效的文字，请修正后再导入。")
    if not isinstance(row, dict):
        raise DocumentError(path, number, '应为一个 JSON 对象，例如 {"id": "1", "question": "…"}。')
    for field in ("id", "question"):
        if not isinstance(row.get(field), str) or not row[field].strip():
            raise DocumentError(path, number, f"缺少 {field}，或它不是非空字符串。")
    for field in ("answer", "system"):
        if not isinstance(row.get(field) or "", str):
            raise DocumentError(path, number, f"{field} 应为字符串。")
    similar = row.get("similar") or []
    if not isinstance(similar, list) or not all(isinstance(item, str) for item in similar):
        raise DocumentError(path, number, "similar 应为字符串列表。")
    return Entry(
        id=row["id"],
        system=row.get("system") or "",
        section="",
        number=row["id"],
        question=row["question"],
        answer=row.get("answer") or "",
        similar=tuple(item for item in similar if item.strip()),
    )


def _unique(paths: Iterable[Path], documents: Iterable[Document]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for path, document in zip(paths, documents, strict=True):
        for entry in document.entries:
            if entry.id in entries:
                raise DocumentError(path, None, f"条目编号「{entry.id}」在别的文档中已经出现，请给文档不同的系统名。")
            entries[entry.id] = entry
    return entries


def _with_audience(catalog: Catalog, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    names = {(system.key, audience.name) for system in catalog.systems for audience in system.audiences}
    return {
        key: replace(entry, audience=entry.section) if (entry.system, entry.section) in names else entry
        for key, entry in entries.items()
    }


def _with_similar(entries: dict[str, Entry], path: Path, warnings: list[str]) -> dict[str, Entry]:
    found = dict(entries)
    for entry_id, table in _toml(path).items():
        if not isinstance(table, dict):
            raise DocumentError(path, None, f'「{entry_id}」应写成 ["{entry_id}"] 表，含 question 和 similar。')
        question, similar = table.get("question"), table.get("similar")
        if not isinstance(question, str) or set(table) - {"question", "similar"}:
            raise DocumentError(path, None, f'["{entry_id}"] 只应含 question（字符串）和 similar（字符串列表）。')
        questions = _strings(path, f'["{entry_id}"] 的 similar', similar)
        entry = found.get(entry_id)
        if entry is None:
            warnings.append(f"{path.name}：没有编号为 {entry_id} 的条目，它的 {len(questions)} 个相似问法未采用。")
        elif entry.question != question:
            warnings.append(
                f"{path.name}：{entry_id} 的问题已由「{question}」变为「{entry.question}」，"
                f"它的 {len(questions)} 个相似问法未采用，请确认后改正。"
            )
        else:
            found[entry_id] = replace(entry, similar=tuple(dict.fromkeys((*entry.similar, *questions))))
    return found


def _topics(path: Path) -> tuple[str, ...]:
    data = _toml(path)
    if set(data) - {"topics"}:
        raise DocumentError(path, None, "只应含 topics（字符串列表）。")
    return _strings(path, "topics", data.get("topics", []))


def _strings(path: Path, what: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise DocumentError(path, None, f"{what} 应为字符串列表，且每一项非空。")
    return tuple(value)


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DocumentError(path, None, f"无法读取文件（{error.strerror or error}）。") from error
    except UnicodeDecodeError as error:
        raise DocumentError(path, None, "不是 UTF-8 编码，请另存为 UTF-8。") from error
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(path, None, f"不是有效的 TOML（{error}）。") from error


def _hash(files: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, data in files:
        for part in (name.encode(errors="surrogateescape"), data):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
