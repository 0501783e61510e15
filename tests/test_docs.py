"""The READMEs say what is true: their settings, commands and routes are the program's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import serve
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_setting_is_listed_with_its_default(path: Path) -> None:
    """No setting is missing from the table and none is listed that does not exist."""
    rows = dict(re.findall(r"^\| (`[A-Z_]+`(?:[,、] ?`[A-Z_]+`)*) \| ([^|]+) \|", text(path), re.MULTILINE))
    listed = {
        name: default
        for names, defaults in rows.items()
        for name, default in zip(_quoted(names), _each(names, defaults), strict=True)
    }
    fields = Settings.model_fields
    assert set(listed) == {name.upper() for name in fields}
    for name, default in listed.items():
        value = fields[name.lower()].default
        assert default == ("–" if value in (None, ()) else str(value)), name


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _each(names: str, defaults: str) -> list[str]:
    return _quoted(defaults) or [defaults.strip()] * len(_quoted(names))


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_command_is_explained_and_exists(path: Path) -> None:
    """The commands of the help are those of the README; options shown are taken."""
    shown = re.findall(r"^\$ (?:\w+=\S+ )?python serve\.py ([\w-]+)", text(path), re.MULTILINE)
    parser = serve._parser()
    help_text = parser.format_help()
    for command in shown:
        assert re.search(rf"^\s+{command}\s", help_text, re.MULTILINE), command
    for target in re.findall(r"(?:`|\$ )make (\w+)", text(path)):
        assert re.search(rf"^{target}:", text(ROOT / "Makefile"), re.MULTILINE), target


def test_both_readmes_show_the_same_commands_settings_and_routes() -> None:
    """Whatever stands in code in one stands in the other."""
    english, chinese = (set(re.findall(r"^\$ ([^#\n]+?)\s*(?:#|$)", text(path), re.MULTILINE)) for path in READMES)
    assert english == chinese
    english, chinese = (set(re.findall(r"`((?:GET|POST) /[^`]*)`", text(path))) for path in READMES)
    assert english == chinese


def test_what_the_readmes_link_to_exists() -> None:
    """Pictures and files."""
    for path in READMES:
        for target in re.findall(r"\]\(([^)#]+)\)", text(path)):
            assert target.startswith("http") or (ROOT / target).is_file(), target
