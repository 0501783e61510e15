"""Composition root and command line: the only place that knows every part."""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from bot import command as commanded
from bot import release, report, table, upkeep, wording
from bot.account import AccountError
from bot.archive import ArchiveError
from bot.courier import Courier, Done, Sender
from bot.desk import Desk
from bot.dialogue import Bot
from bot.dossier import DossierError
from bot.escalation import ReasonError
from bot.evaluate import QUESTIONS, QuestionsError, examine, predict, read_questions, read_sets
from bot.holding import FILES, served_documents
from bot.hours import SHANGHAI, knows_holidays
from bot.library import Library
from bot.live import QUEUE, Live
from bot.mask import Masked
from bot.notify import Target
from bot.origin import OriginError, check_systems
from bot.picture import PictureFolder
from bot.preference import Preferences, in_force
from bot.release import FloorError
from bot.settings import NO_MODEL, Settings
from bot.store.base import StoreError
from bot.store.preference import read_preferences
from bot.store.sqlite import SqliteStore
from bot.sweep import Sweeper
from bot.version import LibraryError
from faq.catalog import Catalog, read_catalog
from faq.error import FaqError
from faq.knowledge import read_entries, read_folder
from faq.load import as_json, load
from index import rank
from index.encoder import ModelError
from index.hybrid import HybridIndex
from index.model import prepare_model
from index.snapshot import SnapshotError
from index.trial import Recall

log = logging.getLogger("serve")

M_ARENA_MAX: Final = -8  # malloc.h
_EXPECTED: Final = (
    FaqError,
    ModelError,
    SnapshotError,
    ReasonError,
    DossierError,
    QuestionsError,
    FloorError,
    StoreError,
    AccountError,
    ArchiveError,
    LibraryError,
    OriginError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    0 when it succeeded, 1 when a check found something, 2 when something outside the program was wrong; either is said
    in Chinese.
    """
    options = _parser().parse_args(arguments)
    upkeep.hold_on()
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            print(f"设置 {'.'.join(map(str, problem['loc'])).upper()} 有误：{problem['msg']}", file=sys.stderr)
        return 2
    try:
        if options.run is not serve:  # which follows what staff set while it runs
            settings = in_force(settings, read_preferences(settings.database))
        status: int = options.run(settings, options)
    except _EXPECTED as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or ''}：{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve the chat over HTTP, building the index first where it is missing or out of date."""
    import uvicorn  # noqa: PLC0415 — a third of a second that no other command needs

    from bot.api.app import create_app  # noqa: PLC0415
    from bot.api.server import Server  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(Masked())
    _share_memory()
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold addresses, and those hold users' ids
    _warn_of_unknown_holidays(settings)
    with closing(SqliteStore(settings.database)) as store, closing(Preferences(store, settings)) as preferences:
        settings = preferences.settings
        library = Library(store, settings)
        desk = library.follower.first()
        commanded.tell_of_files(library)
        check_systems(settings.origins, desk.systems)
        live = Live()
        bot = Bot(store, desk, settings.office, live=live)
        upkeep.give_memory_back()
        log.info("索引就绪：%d 个条目，检索方式 %s", len(bot.desk.knowledge.entries), bot.desk.index.mode)
        library.follower.serving = bot
        threading.Thread(target=library.follower.follow, daemon=True).start()
        app = create_app(bot, store, settings, library, preferences)
        exchange = app.state.service.exchange
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,  # its lines hold queries, which visitors typed; the guard logs without them
            proxy_headers=False,  # forwarded addresses count from TRUSTED_PROXIES only
            server_header=False,
            log_config=None,
            http="h11",
            h11_max_incomplete_event_size=32 * 1024,
            ws="websockets-sansio",
            ws_max_size=1024**2,
            timeout_graceful_shutdown=10,
        )
        server = Server(config, live, exchange.finish if exchange is not None else None)
        courier = Courier(store, settings.targets, partial(_sender, private=settings.notify_private))
        live.call(QUEUE, courier.wake)
        pictures = PictureFolder(settings.pictures)
        sweeper = Sweeper(store, pictures, settings.office, settings.retention, live=live, scrub=store.scrub)
        preferences.call(lambda changed: courier.retarget(changed.targets))
        preferences.call(lambda changed: setattr(sweeper, "office", changed.office))
        threading.Thread(target=preferences.follow, daemon=True).start()
        with closing(courier), closing(sweeper):
            server.run()
        return 0 if server.started else 2


def build(settings: Settings, _: argparse.Namespace) -> int:
    """Make the model and the index of what is published; what is there and still right is used again."""
    upkeep.build(settings, served_documents(settings))
    return 0


def model(settings: Settings, _: argparse.Namespace) -> int:
    """Make the sentence encoder's files."""
    if settings.faq_model != NO_MODEL:
        prepare_model(settings.faq_model, settings.models, say=upkeep.say)
    return 0


def train(settings: Settings, _: argparse.Namespace) -> int:
    """Learn the ranker's weights from the documents' similar questions, and write them where search reads them."""
    from index import train as learning  # noqa: PLC0415 — brings scipy's optimizer, which serving has no use for

    knowledge = read_folder(settings.faq_documents)
    encoder, segmenter = upkeep.encoder_of(settings), upkeep.segmenter_of(settings, knowledge)
    if encoder is None:
        raise ModelError("训练需要语义模型。")
    learned = {}
    for used in (encoder, None):
        made = upkeep.make(settings, knowledge, segmenter, used)
        for similar in (True, False):
            name = rank.name("hybrid" if used else "keyword", similar=similar)
            upkeep.say(f"正在学习排序权重（{name}）……")
            try:
                learned[name] = learning.learn(list(learning.examples(made, segmenter, used, similar=similar)))
            except ValueError as error:
                raise ModelError(str(error)) from error
    learning.write(learned, rank.FILE)
    upkeep.say(f"已写入 {rank.FILE}，请重新评测并提交。")
    return 0


def lint(settings: Settings, options: argparse.Namespace) -> int:
    """Check similar questions and uncovered topics before they go live; 1 where there are errors."""
    from index import lint as checking  # noqa: PLC0415 — its name is the command's

    knowledge = read_folder(settings.faq_documents)
    encoder, segmenter = upkeep.encoder_of(settings), upkeep.segmenter_of(settings, knowledge)
    made = upkeep.make(settings, knowledge, segmenter, encoder)
    index = HybridIndex(made, segmenter, Recall(made, encoder) if encoder else None)
    written = checking.read_written(settings.faq_documents)
    findings = checking.lint(index, made, settings.threshold_answer, written)
    summary = checking.summarize(made, findings)
    if options.json:
        _print_json({"summary": asdict(summary), "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print(f"{'错误' if finding.severity == 'error' else '提示'}：{finding.message}")
        print(summary)
    return 1 if summary.errors else 0


def ask(settings: Settings, options: argparse.Namespace) -> int:
    """Answer one question."""
    reply = upkeep.desk_for(settings, served_documents(settings)).consider(options.text, options.system).reply
    if options.json:
        _print_json(reply.to_dict())
        return 0
    print(wording.plain(reply))
    print(f"[{reply.decision}，置信度 {reply.confidence:.2f}，{reply.search}]")
    return 0


def search(settings: Settings, options: argparse.Namespace) -> int:
    """Show what comes nearest to a text, and why."""
    hits = upkeep.desk_for(settings, served_documents(settings)).search(options.text, options.system, options.limit)
    if options.json:
        _print_json([{**asdict(hit), "features": dict(hit.features)} for hit in hits])
        return 0
    for hit in hits:
        measures = " ".join(f"{name}={value:.2f}" for name, value in hit.features.items())
        print(f"{hit.confidence:.3f} {hit.relevance:.3f}  {hit.entry.id:12} {hit.entry.question}\n    {measures}")
    return 0


def parse(_: Settings, options: argparse.Namespace) -> int:
    """Show what is read out of a document."""
    beside = options.file.parent / "catalog.toml"
    catalog = read_catalog(beside) if beside.is_file() else Catalog()
    document, report = load(options.file, catalog=catalog, system=options.system)
    if options.json:
        _print_json({**as_json(document), "lines": report.counts})
        return 0
    for entry in document.entries:
        print(f"{entry.id}  {entry.question}\n{entry.answer}\n")
    print("、".join(f"{kind} {count} 行" for kind, count in report.counts.items()))
    return 0


def predict_all(settings: Settings, options: argparse.Namespace) -> int:
    """Write the predictions for a file of questions."""
    questions = list(read_questions(options.queries))
    desk = _desk_asked(settings, options)
    with options.out.open("w", encoding="utf-8") as out:
        for question in questions:
            out.write(json.dumps(asdict(predict(desk, question)), ensure_ascii=False) + "\n")
    return 0


def evaluate(settings: Settings, options: argparse.Namespace) -> int:
    """Score labelled questions against their floor and the last release; 1 where a figure misses its floor."""
    documents = settings.faq_documents
    own = (documents if documents.is_dir() else documents.parent) / QUESTIONS
    sets = read_sets(options.sets or [own])
    floor = release.read_floor(options.floor) if options.floor else {}
    desk = _desk_asked(settings, options)
    measured = release.measured_by(desk, similar=not options.no_similar)
    results = [release.hold(examine(desk, questions), measured, floor) for questions in sets]
    print(table.render(results))
    upkeep.say(f"报告：{report.write(options.report or settings.data_dir / 'report', measured, results)}")
    missed = [line for result in results for line in result.missed]
    for line in missed:
        upkeep.say(line)
    if options.accept and missed:
        upkeep.say("有指标未达标，因此没有写入发布指标。")
    elif options.accept:
        for result in results:
            upkeep.say(f"已写入 {release.accept(result.examination, measured)}，下次评测与之比较。")
    return 1 if missed else 0


def qq_simulate(settings: Settings, options: argparse.Namespace) -> int:
    """Chat with the bot of a running server in the terminal, as on QQ."""
    from bot.qq.simulate.command import SimulateError, simulate  # noqa: PLC0415 — brings servers and clients

    try:
        simulate(settings, options.platform, options.url, options.port)
    except SimulateError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _desk_asked(settings: Settings, options: argparse.Namespace) -> Desk:
    """The desk that `predict` and `evaluate` ask: the usual one, or a throw-away one over what the options name."""
    if not (options.entries or options.no_similar):
        return upkeep.desk_for(settings)
    knowledge = read_entries(options.entries) if options.entries else read_folder(settings.faq_documents)
    if options.no_similar:
        knowledge = replace(knowledge, entries=tuple(replace(entry, similar=()) for entry in knowledge.entries))
    return upkeep.throw_away_desk(settings, knowledge, () if options.entries else upkeep.reasons_of(settings))


def _sender(target: Target, done: Done, *, private: bool) -> Sender:
    from bot.webhook import WebhookNotify  # noqa: PLC0415 — an HTTP client, which most do without

    return WebhookNotify([target], allow_private=private, outcome=done)


def _warn_of_unknown_holidays(settings: Settings) -> None:
    """The public calendar is announced year by year, and comes with a new release of the program."""
    now = datetime.now(SHANGHAI)
    for year in sorted({now.year, (now + timedelta(days=31)).year}):
        if settings.office.hours.calendar and not knows_holidays(year):
            log.warning("%d 年的放假和调休安排还不知道，请用 HOLIDAYS 和 WORKDAYS 设置，或升级本程序", year)


def _share_memory() -> None:
    """Two heaps for all threads together: glibc gives every thread its own, and none of them gives memory back."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="serve.py", description="A help-desk bot that answers from FAQ documents.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Settings, argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    def about_text(added: argparse.ArgumentParser) -> None:
        added.add_argument("text", metavar="TEXT")
        added.add_argument("--system", metavar="KEY", help="the system that the text is about")
        added.add_argument("--json", action="store_true", help="print JSON")

    def about_desk(added: argparse.ArgumentParser) -> None:
        added.add_argument("--entries", type=Path, metavar="ENTRIES.jsonl", help="in place of the documents")
        added.add_argument("--no-similar", action="store_true", help="leave similar questions out")

    command("serve", serve, "serve the chat over HTTP (builds the index first where needed)")
    command("build", build, "make the model and the index")
    command("model", model, "make the sentence encoder's files only")
    command("train", train, "learn the ranker's weights from the documents' similar questions")
    added = command("lint", lint, "check similar questions and uncovered topics before they go live")
    added.add_argument("--json", action="store_true", help="print JSON")
    about_text(command("ask", ask, "answer one question"))
    added = command("search", search, "show the entries nearest to a text, and why")
    about_text(added)
    added.add_argument("--limit", type=int, default=10, metavar="N", help="at most N entries (default: 10)")
    added = command("parse", parse, "show what is read out of a document")
    added.add_argument("file", type=Path, metavar="FILE")
    added.add_argument("--system", metavar="KEY", help="the document's system (default: the catalog's by file name)")
    added.add_argument("--json", action="store_true", help="print JSON")
    added = command("predict", predict_all, "write predictions for a file of questions")
    added.add_argument("queries", type=Path, metavar="QUERIES.jsonl")
    added.add_argument("--out", type=Path, required=True, metavar="PREDICTIONS.jsonl")
    about_desk(added)
    added = command("evaluate", evaluate, "score labelled questions, and write a report of what went wrong and why")
    added.add_argument(
        "sets", type=Path, nargs="*", metavar="SET", help="JSONL (default: questions.jsonl of the documents)"
    )
    added.add_argument("--report", type=Path, metavar="FOLDER", help="default: report in the data folder")
    added.add_argument("--floor", type=Path, metavar="FLOOR.toml", help="exit with 1 where a figure misses its value")
    added.add_argument("--accept", action="store_true", help="keep the figures as those to compare the next with")
    about_desk(added)
    added = command("qq-simulate", qq_simulate, "chat with a running server in the terminal, as on QQ")
    added.add_argument("--platform", choices=["onebot", "official"], default="onebot", help="default: onebot")
    added.add_argument("--url", type=_server, metavar="URL", help="the server (default: HOST and PORT)")
    added.add_argument("--port", type=int, metavar="N", help="where the platform is (default: 8100, or that of QQ_API)")
    _add_keeping(commands, command)
    return parser


def _server(text: str) -> str:
    """The address of a server, for `qq-simulate --url`."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"「{text}」不是 http:// 或 https:// 开头的网址")
    return text.rstrip("/")


def _add_keeping(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands of `bot.command`."""
    added = command("publish", commanded.publish, "take the documents' changes over, check them and publish the draft")
    added.add_argument("--note", default="", metavar="TEXT", help="what changed and why")
    added.add_argument("--author", default=FILES, metavar="NAME", help="who publishes it")
    command("versions", commanded.versions, "list the published versions and who published them")
    added = command("rollback", commanded.rollback, "publish a version of before once more")
    added.add_argument("number", type=int, metavar="N")
    added.add_argument("--note", default="", metavar="TEXT", help="why")
    added.add_argument("--author", default=FILES, metavar="NAME", help="who publishes it")
    added = command("export-faq", commanded.export_faq, "write the published version back into the documents folder")
    added.add_argument("--out", type=Path, metavar="FOLDER", help="another folder")
    added.add_argument("--force", action="store_true", help="put changes that nobody confirmed aside (FILE.bak)")
    added = commands.add_parser("prepare")  # what publishing needs; started by `publish` and by the console
    added.add_argument("key")
    added.set_defaults(run=commanded.prepare)
    added = command("user", commanded.user, "add, change or list members of staff")
    added.add_argument("deed", choices=["add", "password", "off", "on", "list"])
    added.add_argument("name", nargs="?", default="", metavar="NAME", help="what they log in with")
    added.add_argument("--display", metavar="NAME", help="what visitors see (default: the login name)")
    added.add_argument("--role", choices=["agent", "lead", "admin"], default="agent")
    added = command("purge", commanded.purge_all, "delete conversations that were kept long enough")
    added.add_argument("--days", type=commanded.days, metavar="N", help="in place of RETENTION_DAYS; at least 1")
    added = command("export", commanded.export, "write everything kept of one conversation into a ZIP")
    added.add_argument("conversation", metavar="ID")
    added.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
    added = command("erase", commanded.erase, "delete one conversation for good")
    added.add_argument("conversation", metavar="ID")
    added.add_argument("--force", action="store_true", help="even while somebody works on it")


if __name__ == "__main__":
    sys.exit(main())
