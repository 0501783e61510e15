"""Commands about what is kept: staff accounts, and visitors' conversations to purge, export and erase."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from bot import archive
from bot.account import Accounts
from bot.picture import PictureFolder
from bot.settings import Settings
from bot.store.sqlite import SqliteStore
from bot.sweep import Retention, expire, purge
from bot.upkeep import say

MOST_DAYS: Final = 36500
"""A hundred years; much more lies before the calendar begins."""


def user(settings: Settings, options: argparse.Namespace) -> int:
    """Add, change or list members of staff; a password is asked for, or read from a pipe."""
    with closing(SqliteStore(settings.database)) as store:
        accounts = Accounts(store)
        match options.deed:
            case "add":
                staff = accounts.add(options.name, options.display or options.name, options.role, _password())
                say(f"已添加工作人员 {staff.name}（{staff.display}，{staff.role}）。")
            case "password":
                accounts.change(options.name, password=_password())
                say(f"已更改 {options.name} 的密码，此前的登录已失效。")
            case "off" | "on":
                accounts.change(options.name, active=options.deed == "on")
                say(f"已{'启用' if options.deed == 'on' else '停用'} {options.name}。")
            case _:
                for member in accounts.all():
                    print(f"{member.name}\t{member.display}\t{member.role}\t{'启用' if member.active else '停用'}")
    return 0


def days(text: str) -> int:
    """A number of days for `purge --days`, from 1 (a mistyped 0 must not delete what was said just now)."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"「{text}」不是 1 到 {MOST_DAYS} 的整数天数")
    return number


def purge_all(settings: Settings, options: argparse.Namespace) -> int:
    """Delete conversations that were kept long enough, and close what has expired."""
    retention = settings.retention if options.days is None else Retention(options.days)
    now = datetime.now(UTC)
    with closing(SqliteStore(settings.database)) as store:
        swept = expire(store, settings.office, now) + purge(store, PictureFolder(settings.pictures), retention, now)
        store.scrub()
    say(f"已删除 {swept.conversations} 个会话、{swept.pictures + swept.orphans} 张图片。")
    return 0


def export(settings: Settings, options: argparse.Namespace) -> int:
    """Write everything kept of one conversation into a ZIP."""
    with closing(SqliteStore(settings.database)) as store, _private(options.out) as out:
        try:
            archive.export(store, PictureFolder(settings.pictures), options.conversation, out)
        except BaseException:
            options.out.unlink()
            raise
    say(f"已导出到 {options.out}。")
    return 0


def erase(settings: Settings, options: argparse.Namespace) -> int:
    """Delete one conversation for good."""
    with closing(SqliteStore(settings.database)) as store:
        pictures = PictureFolder(settings.pictures)
        gone = archive.erase(store, pictures, options.conversation, force=options.force)
        store.scrub()
    say("已删除。" if gone else "没有这个会话，它可能已经删除。")
    return 0 if gone else 1


def _private(path: Path) -> IO[bytes]:
    """A new file that only this user may read."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("密码（至少 10 个字符，输入时不显示）：")
    if getpass.getpass("再输入一次：") != password:
        say("两次输入的密码不一致，请重新输入。")
        return _password()
    return password
