"""Commands about what is kept: staff accounts, visitors' conversations, versions of the knowledge base."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from bot import archive
from bot.account import Accounts
from bot.holding import FILES
from bot.hours import SHANGHAI
from bot.library import Library
from bot.picture import PictureFolder
from bot.preview import Outcome, Preview
from bot.settings import Settings
from bot.store.sqlite import SqliteStore
from bot.sweep import Retention, expire, purge
from bot.upkeep import say
from bot.version import Unreadable

MOST_DAYS: Final = 36500
"""A hundred years; much more lies before the calendar begins."""
SHOWN: Final = 20
"""Questions of a kind that are listed."""
DEEDS: Final = {"publish": "发布", "rollback": "回滚", "export": "导出"}
DECISIONS: Final = {"answer": "回答", "clarify": "反问", "escalate": "转人工", "reject": "拒答"}


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


def publish(settings: Settings, options: argparse.Namespace) -> int:
    """Take the documents' changes over into the draft, prepare it, say what it changes, publish; 1 where it cannot."""
    with closing(SqliteStore(settings.database)) as store:
        library = Library(store, settings)
        changes = library.file_changes()
        if changes.error:
            raise Unreadable(changes.error)
        pending = [change for change in library.draft().changes if change.kind != "take_files"]
        if pending:
            say(f"草稿中已有的 {len(pending)} 处修改将一并发布。")
        if not changes.empty:
            library.change("take_files", None, (), options.author)
        draft = library.draft()
        if draft.empty:
            say("没有需要发布的修改。")
            return 0
        preview = _prepared(library, None)
        if preview is None:
            return 1
        print(_told(preview))
        version = library.publish(draft.fingerprint, options.author, options.note)
    say(f"已发布第 {version.number} 版；正在运行的服务会在几秒内换用。")
    return 0


def versions(settings: Settings, _: argparse.Namespace) -> int:
    """List versions, then who did what with them when, the last first."""
    with closing(SqliteStore(settings.database)) as store:
        library = Library(store, settings)
        published = library.published().number
        for version in library.versions():
            at = version.at.astimezone(SHANGHAI)
            state = "发布中" if version.number == published else ""
            print(f"{version.number}\t{at:%Y-%m-%d %H:%M}\t{version.author}\t{version.note}\t{state}".rstrip())
        for event in library.history():
            at, deed = event.at.astimezone(SHANGHAI), DEEDS[event.kind]
            print(f"{at:%Y-%m-%d %H:%M}\t{event.author}\t{deed}第 {event.number} 版\t{event.note}".rstrip())
    return 0


def rollback(settings: Settings, options: argparse.Namespace) -> int:
    """Publish a version of before once more."""
    with closing(SqliteStore(settings.database)) as store:
        library = Library(store, settings)
        if not library.kept(options.number):
            say(f"第 {options.number} 版的索引已经清理，正在重新准备……")
            if _prepared(library, options.number) is None:
                return 1
        library.rollback(options.number, options.author, options.note)
    say(f"已回滚到第 {options.number} 版；正在运行的服务会在几秒内换用。")
    return 0


def export_faq(settings: Settings, options: argparse.Namespace) -> int:
    """Write the published version's files into the documents folder, or into another."""
    with closing(SqliteStore(settings.database)) as store:
        done = Library(store, settings).export(options.out, author=FILES, force=options.force)
    say(f"已写入 {'、'.join(done)}。" if done else "文档文件夹已是发布的内容，没有需要写入的文件。")
    return 0


def prepare(settings: Settings, options: argparse.Namespace) -> int:
    """Prepare what is to be published, in this process; for `publish` and the console, which start it."""
    with closing(SqliteStore(settings.database)) as store:
        return 0 if Library(store, settings).carry_out(options.key) else 1


def tell_of_files(library: Library) -> None:
    """Say that documents have changed since they were last taken over, and how to confirm it."""
    with suppress(Unreadable):  # which was said before
        changes = library.file_changes()
        if changes.error:
            say(f"文档有改动，但无法读取，目前仍使用已发布的版本。{changes.error}")
        elif changes.difference is not None and not changes.empty:
            names = "、".join(changes.difference.files)
            say(f"文档有改动（{names}），尚未生效；请在控制台确认，或运行 python serve.py publish 发布。")


def _prepared(library: Library, number: int | None) -> Preview | None:
    """What the preparation brings, awaited; None where it fails, which is said."""
    found, said = library.prepare(number), ""
    while found.state in ("none", "running"):
        step = f"{found.step} {found.done * 10 // found.of}0%" if found.of else found.step
        if step and step != said:
            say(f"{step}……")
            said = step
        time.sleep(0.2)
        found = library.preparation(number)
    if found.preview is None:
        say(found.message)
    return found.preview


def _told(preview: Preview) -> str:
    """What publishing would change, in a few lines."""
    changed, lines = preview.difference, [preview.summary]
    held = [f"{held.entry_id} 的问题已改变，它的 {len(held.similar)} 个相似问法待确认" for held in changed.held]
    lines += [f"条目变化 {len(changed.entries)} 个，相似问法和话题变化 {len(changed.phrases)} 条", *held]
    for source, name, asked in (("own", "题集", preview.asked_own), ("visitor", "访客提问", preview.asked_visitor)):
        shifts = [shift for shift in preview.shifts if shift.source == source]
        counts = Counter(shift.judgement for shift in shifts)
        judged = f"，其中变好 {counts['better']} 个、变差 {counts['worse']} 个" if source == "own" and shifts else ""
        lines.append(f"{name} {asked} 个问题中有 {len(shifts)} 个的回答会改变{judged}")
        lines += [f"  {shift.text}：{_outcome(shift.before)} → {_outcome(shift.after)}" for shift in shifts[:SHOWN]]
    lines += [f"错误：{check.message}" for check in preview.errors]
    return "\n".join(lines)


def _outcome(outcome: Outcome) -> str:
    return f"{DECISIONS.get(outcome.decision, outcome.decision)} {'、'.join(outcome.entries)}".rstrip()


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
