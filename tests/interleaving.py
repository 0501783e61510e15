"""Random interleavings of a visitor's windows, two members of staff, the clock and the sweeper, and what must hold.

Bot and Agents are the real ones, twice, each over an SqliteStore of its own on one file, as in two processes. Every
`read` and `write` of a store is a point where somebody else may come first; a generator seeded with the scenario's
number says who, so that the number alone brings a failure back. `run(seed, free=True)` lets threads go as they like.

    python tests/interleaving.py 10000 [FIRST]      the long run; says the number of what fails
    python tests/interleaving.py 1 NUMBER           one scenario, told in full
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fake import CATALOG, entry, index_of, knowledge_of

from bot import wording
from bot.agent import AgentError, Agents
from bot.decide import Thresholds
from bot.desk import Desk, Thought
from bot.dialogue import Bot
from bot.dossier import HUMAN as HUMAN_DOSSIER
from bot.dossier import Dossier, Field
from bot.escalation import HUMAN, Reason
from bot.live import Live
from bot.mask import hide_secrets
from bot.model import Message, Picture, Staff, TicketStatus
from bot.store.base import Store, Transaction
from bot.store.sqlite import SqliteStore
from bot.sweep import expire
from bot.ticket import LEGAL, IllegalChange
from bot.turn import Incoming, MessageConflict, Pass, Turn, TurnError

T = TypeVar("T")

BEGIN: Final = datetime(2026, 3, 2, 2, tzinfo=UTC)
STAFF: Final = tuple(Staff(name, display, "agent", True, BEGIN) for name, display in (("wang", "小王"), ("li", "小李")))
DISPLAYS: Final = {staff.display: staff.name for staff in STAFF}

ENTRIES: Final = (
    entry("a-1", "账号被锁定怎么办", "请等六小时。"),
    entry("a-2", "打印出现404", "产品填“无”。"),
    entry("a-3", "手机号停用了怎么找回密码", "请提交申诉。"),
    entry("b-1", "加油站选择哪个经营方式", "选择加油站。"),
    entry("b-2", "加油站选择哪个行业类型", "选择零售。"),
)
UNLOCK: Final = Dossier(
    "申请解锁账号",
    "可以转给客服解锁。",
    fields=(
        Field("account", "登录账号", "请提供账号。", ("credit_code", "account")),
        Field("screenshot", "截图", "请发截图。", ("image", "ip")),
    ),
)
APPEAL: Final = Dossier(
    "申请申诉协助",
    "可以转给客服登记。",
    fields=(
        Field("phone", "手机号", "请提供手机号。", ("phone",)),
        Field("details", "情况说明", "请说明情况。", ("text",), heard=True, required=False),
    ),
)
REASONS: Final = (
    Reason("unlock", UNLOCK, entries=("a-1",)),
    Reason("appeal", APPEAL, entries=("a-3",)),
    Reason("human", HUMAN_DOSSIER, cues=HUMAN.cues),
)
TEXTS: Final = (
    *(
        "账号被锁定怎么办",
        "打印出现404",
        "手机号停用了怎么找回密码",
        "加油站选择哪个",
        "天上有几颗星星",
        "系统崩溃了，快来人看看",
    ),
    *("转人工", "转人工", "好的", "同意", "确认", "不用了", "取消", "跳过", "返回", "修改手机号", "修改账号：li_0002"),
    *("账号是 wang_0001", "13812345678", "手机号：13812345678", "192.168.3.4", "我的密码是Abc12345", "说不清楚"),
    *("撤回", "不用处理了", "满意", "都不是", "我不想登记这个，想问怎么打印出现404", "等一下"),
    *("1", "2", "5", "第二个", "谢谢", "再见", "还要等多久", "那管理机构呢", "乙系统加油站选择哪个经营方式"),
)
SAID: Final = ("您好", "请稍等", "已经处理了，请再试一下", "还有别的问题吗")
DEEDS: Final = ("take", "reply", "again", "release", "transfer", "resolve", "close", "dismiss", "note", "mark", "file")
APT: Final = (6, 30, 6, 10, 10, 14, 6, 4, 3, 4, 3)
UNAPT: Final = (40, 3, 2, 1, 1, 2, 1, 3, 3, 1, 2)
"""Deeds of staff, and how often each is done by whoever owns the conversation at that moment, and by others."""
JUMPS: Final = (timedelta(minutes=119), timedelta(hours=2), timedelta(hours=3), timedelta(days=4), timedelta(days=31))

LOCK, MOBILE = "账号被锁定怎么办", "手机号停用了怎么找回密码"
PRELUDES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    (LOCK,),
    ("加油站选择哪个",),
    ("转人工",),
    (LOCK, "+unlock"),
    (LOCK, "+unlock", "同意"),
    (LOCK, "+unlock", "同意", "账号是 wang_0001", "192.168.3.4"),
    (MOBILE, "+appeal", "同意"),
    (MOBILE, "+appeal", "同意", "13812345678"),
    (MOBILE, "+appeal", "同意", "13812345678", "确认"),
    ("转人工", LOCK, "+unlock"),
    ("转人工", "!take"),
    ("转人工", "!take", "!resolve"),
    ("转人工", "!take", "!release"),
    (MOBILE, "+appeal", "同意", "13812345678", "确认", "转人工", "!take"),
    (MOBILE, "+appeal", "同意", "13812345678", "确认", "!take", "!resolve", LOCK, "+unlock"),
)
"""How a scenario begins, before anybody hurries: texts, +accepted reasons, !deeds of the first member of staff."""

_BECOMES: Final[dict[str, TicketStatus]] = {
    "handed_in": "waiting",
    "taken": "assigned",
    "transferred": "assigned",
    "released": "waiting",
    "resolved": "resolved",
    "reopened": "waiting",
    "cancelled": "closed",
    "expired": "closed",
    "closed": "closed",
}
_SILENT: Final = frozenset({"note", "rated"})


class _QuickDesk(Desk):
    """The desk, which remembers what it made of a text: it is pure, and ten thousand scenarios say little new."""

    consider: Callable[..., Thought]

    def __init__(self) -> None:
        super().__init__(index_of(knowledge_of(*ENTRIES, catalog=CATALOG)), REASONS, Thresholds(answer=0.3))
        self.consider = cache(super().consider)  # type: ignore[method-assign]


desk = cache(_QuickDesk)


class Schedule:
    """Threads of which one runs at a time, from one pause to the next; who is next, the generator says."""

    def __init__(self, rng: random.Random, *, free: bool = False) -> None:
        self._rng = rng
        self._free = free
        self._here = threading.local()
        self._turnstile = threading.Semaphore(0)
        self._sticky = rng.choice((0.0, 0.3, 0.7))

    def pause(self) -> None:
        """Let somebody else come first. Nothing outside of `run`."""
        gate = getattr(self._here, "gate", None)
        if gate is None:
            return
        if self._free:
            time.sleep(0 if self._here.rng.random() < 0.5 else self._here.rng.random() * 2e-3)
            return
        self._turnstile.release()
        gate.acquire()

    def run(self, actors: Sequence[tuple[str, Callable[[], None]]]) -> list[BaseException]:
        """Run the actors, each with a name, to their end; what any of them raised."""
        gates = [threading.Semaphore(0) for _ in actors]
        raised: list[BaseException] = []

        def live(number: int) -> None:
            self._here.gate, self._here.rng = gates[number], random.Random(number)
            gates[number].acquire()
            try:
                actors[number][1]()
            except BaseException as error:
                raised.append(error)
            ended.add(number)
            self._turnstile.release()

        ended: set[int] = set()
        threads = [
            threading.Thread(target=live, args=(number,), name=name, daemon=True)
            for number, (name, _) in enumerate(actors)
        ]
        for thread in threads:
            thread.start()
        if self._free:
            for gate in gates:
                gate.release()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive(), "an actor hangs"
            return raised
        last = 0
        while left := [number for number in range(len(actors)) if number not in ended]:
            if last not in left or self._rng.random() >= self._sticky:
                last = self._rng.choice(left)
            gates[last].release()
            assert self._turnstile.acquire(timeout=60), "an actor hangs"
        for thread in threads:
            thread.join()
        return raised


@dataclass(frozen=True)
class Shot:
    """The database after a work, seen from within its transaction; ids of messages and events count on."""

    by: str
    owners: dict[str, str | None]
    tickets: dict[int, tuple[str, str, str, str | None]]
    """Number → conversation, reason, status, assignee."""
    messages: list[dict[str, Any]]
    events: list[dict[str, Any]]
    """Those that the work added."""
    looked: dict[str, int] = field(default_factory=dict)
    """Conversation → last sequence number when whoever did the work looked last."""


class Watched:
    """A store whose every read and write is a pause, and which keeps a shot after every write in the common journal."""

    def __init__(self, store: SqliteStore, schedule: Schedule, journal: list[Shot]) -> None:
        self._store = store
        self._schedule = schedule
        self._journal = journal
        self._looked = threading.local()

    def read(self, work: Callable[[Transaction], T]) -> T:
        self._schedule.pause()

        def watched(transaction: Transaction) -> T:
            self._looked.at = _lengths(transaction)
            return work(transaction)

        return self._store.read(watched)

    def write(self, work: Callable[[Transaction], T]) -> T:
        self._schedule.pause()
        by, looked = threading.current_thread().name, getattr(self._looked, "at", {})

        def watched(transaction: Transaction) -> T:
            done = work(transaction)
            self._journal.append(_shot(transaction, by, self._journal, looked))
            return done

        return self._store.write(watched)

    def peek(self, work: Callable[[Transaction], T]) -> T:
        """A read of the test's own."""
        return self._store.read(work)

    def check(self) -> None:
        self._store.check()

    def close(self) -> None:
        self._store.close()


def _lengths(transaction: Transaction) -> dict[str, int]:
    db = transaction._db  # type: ignore[attr-defined]
    sql = "SELECT conversation_id, max(sequence) AS last FROM message GROUP BY conversation_id"
    return {row["conversation_id"]: row["last"] for row in db.query(sql)}


def _shot(transaction: Transaction, by: str, journal: Sequence[Shot], looked: dict[str, int]) -> Shot:
    db = transaction._db  # type: ignore[attr-defined]
    message = max((row["rowid"] for shot in journal for row in shot.messages), default=0)
    event = max((row["id"] for shot in journal for row in shot.events), default=0)
    rows = "SELECT number, conversation_id, reason, status, assignee FROM ticket"
    return Shot(
        by,
        {row["id"]: row["owner"] for row in db.query("SELECT id, owner FROM conversation")},
        {row["number"]: tuple(row.values())[1:] for row in db.query(rows)},
        list(db.query("SELECT rowid, * FROM message WHERE rowid > ? ORDER BY rowid", (message,))),
        list(db.query("SELECT * FROM ticket_event WHERE id > ? ORDER BY id", (event,))),
        looked,
    )


@dataclass
class Scenario:
    """One scenario under way: the two processes, what was sent and acknowledged, and what went wrong."""

    rng: random.Random
    stores: list[Watched]
    bots: list[Bot]
    agents: list[Agents]
    journal: list[Shot]
    pause: Callable[[], None]
    now: datetime = BEGIN
    holder: Pass | None = None
    sent: list[tuple[Incoming, Pass | None]] = field(default_factory=list)
    turns: list[tuple[Incoming, Turn]] = field(default_factory=list)
    written: list[tuple[str, str | None, Message]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    ids: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def say(self, rng: random.Random, incoming: Incoming, holder: Pass | None) -> None:
        """The visitor sends something, through either process."""
        self.sent.append((incoming, holder))
        try:
            turn = rng.choice(self.bots).turn(incoming, holder)
        except MessageConflict as error:
            self._check_conflict(incoming, holder)
            self.refused[type(error).__name__] += 1
        except TurnError as error:
            self.refused[type(error).__name__] += 1
        else:
            self.turns.append((incoming, turn))
            if turn.token is not None and self.holder is None:
                self.holder = Pass(turn.conversation.id, turn.token)

    def _check_conflict(self, incoming: Incoming, holder: Pass | None) -> None:
        """A message that was sent before as it is must not be refused while it is the visitor's last."""
        if holder is not None or incoming.client_message_id is None:
            return

        def mine(transaction: Transaction) -> bool:
            conversation = transaction.opened_by(incoming.client_message_id or "")
            said = transaction.messages(conversation.id) if conversation else []
            first = [message.text for message in said if message.author == "visitor"]
            return first == [_stored(incoming)]

        if self.stores[0].peek(mine):
            self.faults.append(f"the visitor's first message, sent again, is refused: {incoming}")

    def is_owner(self, staff: Staff, number: int) -> bool:
        """Whether the conversation of a ticket is that member's now."""

        def mine(transaction: Transaction) -> bool:
            ticket = transaction.ticket(number)
            conversation = transaction.conversation(ticket.conversation_id) if ticket else None
            return conversation is not None and conversation.owner == staff.name

        return self.stores[0].peek(mine)

    def tickets(self) -> list[int]:
        """Numbers of all tickets there are."""
        found = self.stores[0].peek(
            lambda t: [ticket.number for c in _conversations(t) for ticket in t.tickets(c)]  # type: ignore[misc]
        )
        return list(found)


def _conversations(transaction: Transaction) -> list[str]:
    db = transaction._db  # type: ignore[attr-defined]
    return [row["id"] for row in db.query("SELECT id FROM conversation ORDER BY rowid")]


def _stored(incoming: Incoming) -> str:
    """What is stored as a message's text."""
    if incoming.text is not None:
        return hide_secrets(incoming.text)[0]
    if incoming.choose is not None:
        return next(entry.question for entry in ENTRIES if entry.id == incoming.choose)
    return next((reason.dossier.label for reason in REASONS if reason.name == incoming.accept), "")


def visit(scenario: Scenario, rng: random.Random) -> None:
    """One deed of a visitor."""
    deeds = {_speak: 64, _repeat: 17, _send_picture: 6, _rate: 7, _mark: 4, _like: 2}
    deed = rng.choices([*deeds], [*deeds.values()])[0]
    holder = scenario.holder
    if holder is None:
        sent = [each for each in scenario.sent if each[0].client_message_id]
        if sent and rng.random() < 0.7:
            scenario.say(rng, *rng.choice(sent))
        else:
            scenario.say(rng, Incoming(rng.choice(TEXTS), client_message_id=_client_id(scenario, rng)), None)
        return
    try:
        deed(scenario, rng, holder)
    except TurnError as error:
        scenario.refused[type(error).__name__] += 1


def _client_id(scenario: Scenario, rng: random.Random) -> str | None:
    return f"a-client-message-id-{next(scenario.ids)}" if rng.random() < 0.6 else None


def _speak(scenario: Scenario, rng: random.Random, holder: Pass) -> None:
    client_id = _client_id(scenario, rng)
    said = (
        Incoming(rng.choice(TEXTS), client_message_id=client_id),
        Incoming(choose=rng.choice(ENTRIES).id, client_message_id=client_id),
        Incoming(accept=rng.choice(("unlock", "appeal", "human")), client_message_id=client_id),
    )
    scenario.say(rng, rng.choices(said, (50, 4, 10))[0], holder)


def _repeat(scenario: Scenario, rng: random.Random, holder: Pass) -> None:
    """The same message again, or another one under its id."""
    named = [each for each in scenario.sent if each[0].client_message_id]
    if named:
        incoming, first_holder = rng.choice(named)
        if rng.random() < 0.2:
            incoming = Incoming(rng.choice(TEXTS), client_message_id=incoming.client_message_id)
        scenario.say(rng, incoming, rng.choice((first_holder, holder)))


def _send_picture(scenario: Scenario, rng: random.Random, holder: Pass) -> None:
    picture_id = f"picture-{next(scenario.ids):08}"
    picture = Picture(picture_id, holder.conversation_id, "image/png", 9, 3, 3, scenario.now)
    rng.choice(scenario.bots).add_picture(holder, picture)
    client_id = _client_id(scenario, rng)
    scenario.say(rng, Incoming(rng.choice((None, "截图")), picture=picture_id, client_message_id=client_id), holder)


def _rate(scenario: Scenario, rng: random.Random, holder: Pass) -> None:
    if numbers := scenario.tickets():
        comment = rng.choice(("", "很好"))
        rng.choice(scenario.bots).rate_ticket(holder, rng.choice(numbers), rng.randint(1, 5), comment)


def _mark(scenario: Scenario, rng: random.Random, holder: Pass) -> None:
    rng.choice(scenario.bots).read_up_to(holder, rng.randint(0, 20))


def _like(scenario: Scenario, rng: random.Random, holder: Pass) -> None:
    if answers := [turn.message_id for _, turn in scenario.turns if turn.reply and turn.reply.answer]:
        rng.choice(scenario.bots).rate_answer(holder, rng.choice(answers), helpful=rng.random() < 0.5)


def work(scenario: Scenario, rng: random.Random, staff: Staff, kind: str | None = None) -> None:
    """One deed of a member of staff."""
    agents = rng.choice(scenario.agents)
    numbers = scenario.tickets()
    if not numbers:
        return
    number = rng.choice(numbers)
    kind = kind or rng.choices(DEEDS, APT if scenario.is_owner(staff, number) or rng.random() < 0.2 else UNAPT)[0]
    try:
        match kind:
            case "take":
                agents.take(number, staff)
            case "reply" | "again":
                mine = [(text, sent) for text, sent, _ in scenario.written if sent and sent.startswith(staff.name)]
                text, sent = rng.choice(SAID), f"{staff.name}-{next(scenario.ids)}" if rng.random() < 0.6 else None
                if kind == "again" and mine:
                    text, sent = rng.choice(mine)
                message = agents.reply(number, staff, text, client_message_id=sent)
                scenario.written.append((text, sent, message))
            case "release":
                agents.release(number, staff)
            case "transfer":
                agents.transfer(number, staff, rng.choice([other.name for other in STAFF]), "请接手")
            case "resolve" | "close":
                agents.resolve(number, staff, resolved=kind == "resolve", note="好了")
            case "dismiss":
                agents.dismiss(number, staff)
            case "note":
                agents.note(number, staff, "记一下")
            case "mark":
                agents.read_up_to(number, staff, rng.randint(0, 20))
            case _:
                agents.file(number, staff)
    except (AgentError, IllegalChange) as error:
        scenario.refused[type(error).__name__] += 1


def pass_time(scenario: Scenario, rng: random.Random) -> None:
    """The clock jumps, and the sweeper comes by."""
    if rng.random() < 0.5:
        scenario.pause()
        scenario.now += rng.choice(JUMPS)
    if rng.random() < 0.7:
        expire(rng.choice(scenario.stores), scenario.bots[0].office, scenario.now)


@contextmanager
def scenario_of(folder: Path, schedule: Schedule, rng: random.Random) -> Iterator[Scenario]:
    """Two processes' worth over one new database."""
    path = folder / "conversations.db"
    for old in folder.glob("conversations.db*"):
        old.unlink()
    template = folder / "template.db"
    if not template.exists():
        with closing(SqliteStore(template)) as store:
            store.write(lambda t: [t.put_staff(staff, "hash") for staff in STAFF])
    shutil.copy(template, path)
    journal: list[Shot] = []
    with ExitStack() as stack:
        stores = [Watched(stack.enter_context(closing(SqliteStore(path))), schedule, journal) for _ in range(2)]

        def clock() -> datetime:
            scenario.now += timedelta(seconds=rng.randint(1, 40))
            return scenario.now

        dossiers = {reason.name: reason.dossier for reason in REASONS}
        ports: list[Store] = [*stores]
        scenario = Scenario(
            rng,
            stores,
            [Bot(store, desk(), clock=clock) for store in ports],
            [Agents(store, Live(), lambda: dossiers, clock=clock) for store in ports],
            journal,
            schedule.pause,
        )
        yield scenario


def run(
    seed: int, folder: Path, *, free: bool = False, tell: Callable[[str], None] | None = None
) -> tuple[list[str], Counter[str]]:
    """The faults of the scenario of that number, and what happened in it; `tell` is told the story line by line."""
    rng = random.Random(seed)
    schedule = Schedule(rng, free=free)
    with scenario_of(folder, schedule, rng) as scenario:
        for step in rng.choice(PRELUDES):
            if step.startswith("!"):
                work(scenario, rng, STAFF[0], step[1:])
            elif step.startswith("+"):
                scenario.say(rng, Incoming(accept=step[1:]), scenario.holder)
            else:
                scenario.say(
                    rng, Incoming(step, client_message_id=f"prelude-{next(scenario.ids):016}"), scenario.holder
                )
        raised = schedule.run(_actors(scenario, rng))
        scenario.faults += [f"unexpected {type(error).__name__}: {error}" for error in raised]
        scenario.faults += story_faults(scenario.journal)
        scenario.faults += message_faults(scenario, folder / "conversations.db")
        scenario.faults += ticket_faults(folder / "conversations.db") + notice_faults(folder / "conversations.db")
        if tell is not None:
            for line in story(scenario.journal):
                tell(line)
        happened = Counter(event["kind"] for shot in scenario.journal for event in shot.events)
        happened.update(
            "bot's reply" if message["reply"] else message["author"]
            for shot in scenario.journal
            for message in shot.messages
        )
        return scenario.faults, happened + scenario.refused


def _actors(scenario: Scenario, rng: random.Random) -> list[tuple[str, Callable[[], None]]]:
    def often(name: str, deed: Callable[..., None], *more: Any) -> tuple[str, Callable[[], None]]:
        own, times = random.Random(rng.random()), rng.randint(2, 6)

        def act() -> None:
            for _ in range(times):
                deed(scenario, own, *more)

        return name, act

    cast = [
        (1.0, ("visitor", visit)),
        (0.4, ("visitor's other window", visit)),
        (0.9, (STAFF[0].name, work, STAFF[0])),
        (0.6, (STAFF[1].name, work, STAFF[1])),
        (0.5, ("time", pass_time)),
    ]
    return [often(*actor) for chance, actor in cast if rng.random() < chance]


def story_faults(journal: Sequence[Shot]) -> list[str]:
    """What is wrong with the shots taken in every transaction, one after another."""
    faults: list[str] = []
    before = Shot("", {}, {}, [], [])
    for number, shot in enumerate(journal):
        found = [*_owner_faults(before, shot), *_author_faults(before, shot), *_step_faults(before, shot)]
        faults += [f"work {number} by {shot.by}: {fault}" for fault in found]
        before = shot
    return faults


def story(journal: Sequence[Shot]) -> Iterator[str]:
    """The journal to read."""
    for number, shot in enumerate(journal):
        yield f"{number} {shot.by}: owner {[*shot.owners.values()]}"
        yield f"    {', '.join(f'{n} {r} {s} {a}' for n, (_, r, s, a) in shot.tickets.items())}"
        for event in shot.events:
            yield f"    ticket {event['ticket']} {event['kind']} by {event['actor']} {event['at']} {event['detail']}"
        for message in shot.messages:
            yield f"    {message['sequence']} {message['author']} {message['created_at']}: {message['text']!r}"
            if message["reply"]:
                reply = json.loads(message["reply"])
                asked = reply["step"] and reply["step"]["field"]
                yield f"        {reply['decision']} {reply['escalation']} {asked} {reply['note']}"


def _owner_faults(before: Shot, shot: Shot) -> Iterator[str]:
    """A person or the bot owns a conversation, never both."""
    for conversation, owner in shot.owners.items():
        tickets = [ticket for ticket in shot.tickets.values() if ticket[0] == conversation]
        assigned = {assignee for _, _, status, assignee in tickets if status == "assigned"}
        if assigned != ({owner} if owner else set()):
            yield f"the conversation is {owner}'s, its assigned tickets are {assigned}'s"
        if sum(status == "collecting" for _, _, status, _ in tickets) > 1:
            yield "two forms at once"
        reasons = Counter(reason for _, reason, status, _ in tickets if status not in ("resolved", "closed"))
        yield from (f"{count} open tickets for {reason}" for reason, count in reasons.items() if count > 1)
    if missing := (before.owners.keys() - shot.owners.keys()):
        yield f"conversations are gone: {missing}"


def _author_faults(before: Shot, shot: Shot) -> Iterator[str]:
    """Who writes owns the conversation; who is said to come or go does."""
    released = {event["ticket"] for event in shot.events if event["kind"] == "released" and event["actor"] == "bot"}
    left = {shot.tickets[number][0] for number in released}
    for message in shot.messages:
        conversation = message["conversation_id"]
        was, now = before.owners.get(conversation), shot.owners[conversation]
        if message["reply"] and (now is not None or (was is not None and conversation not in left)):
            yield f"the bot replies in {was or now}'s conversation: {message['text']!r}"
        said_to_leave = 1 if conversation in left else 0
        if message["reply"] and message["sequence"] != shot.looked.get(conversation, 0) + 2 + said_to_leave:
            yield f"a reply to a conversation that is another by now: {message['text']!r}"
        if message["reply"]:
            yield from _reply_faults(conversation, json.loads(message["reply"]), shot)
        if message["author"] == "agent" and not was == now == DISPLAYS[message["agent"]]:
            yield f"{message['agent']} writes in {now}'s conversation"
        if message["author"] == "bot" and not message["reply"]:
            coming = [name for display, name in DISPLAYS.items() if message["text"] == wording.taken_over(display)]
            if coming and now != coming[0]:
                yield f"{coming[0]} is said to come into {now}'s conversation"
            if message["text"] == wording.RELEASED and now is not None:
                yield f"{now} is said to be gone"


def _reply_faults(conversation: str, reply: dict[str, Any], shot: Shot) -> Iterator[str]:
    """A reply tells how tickets stand, and offers or asks for nothing that is done."""
    tickets = [ticket[1:3] for ticket in shot.tickets.values() if ticket[0] == conversation]
    shown = reply["escalation"]
    if shown and shown["ticket"] and shown["status"] != shot.tickets[shown["ticket"]][2]:
        yield f"the reply says that ticket {shown['ticket']} is {shown['status']}: {shot.tickets[shown['ticket']]}"
    if shown and not shown["ticket"] and {(shown["reason"], "waiting"), (shown["reason"], "assigned")} & {*tickets}:
        yield f"the reply offers {shown['reason']}, which is open: {tickets}"
    if (reply["step"] is not None) != any(status == "collecting" for _, status in tickets):
        yield f"the reply asks for {reply['step'] and reply['step']['field']}: {tickets}"


def _step_faults(before: Shot, shot: Shot) -> Iterator[str]:
    """Every change of a ticket is legal, has its line in the history, and every line its change."""
    for number, (_, _, status, assignee) in shot.tickets.items():
        at: str | None = before.tickets[number][2] if number in before.tickets else None
        changed = False
        for event in (event for event in shot.events if event["ticket"] == number):
            kind = event["kind"]
            if kind in _SILENT:
                continue
            if kind == "opened":
                fault, at = at is not None, "collecting"
            else:
                after = _BECOMES.get(kind)
                fault, at = at is None or after is None or after not in LEGAL[at], after  # type: ignore[index]
            changed = True
            if fault:
                yield f"ticket {number} is {kind}, illegally"
        if at != status:
            yield f"ticket {number} is {status}, by its history {at}"
        if not changed and number in before.tickets and before.tickets[number][3] != assignee:
            yield f"ticket {number} changed hands without a line"


def _rows(path: Path, sql: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql)]


def sequence_faults(path: Path) -> list[str]:
    """Conversations whose messages are not numbered from 1 on without gaps; messages that are there twice."""
    faults: list[str] = []
    numbers: dict[str, list[int]] = {}
    messages = _rows(path, "SELECT * FROM message ORDER BY conversation_id, sequence")
    for row in messages:
        numbers.setdefault(row["conversation_id"], []).append(row["sequence"])
    wrong = (counted for counted in numbers.values() if counted != list(range(1, len(counted) + 1)))
    faults += [f"sequence numbers {counted}" for counted in wrong]
    ids = Counter((row["conversation_id"], row["client_message_id"], row["agent_message_id"]) for row in messages)
    faults += [f"{key} is there twice" for key, count in ids.items() if count > 1 and any(key[1:])]
    replied = Counter(row["in_reply_to"] for row in messages if row["reply"])
    faults += [f"message {message} was replied to {count} times" for message, count in replied.items() if count > 1]
    return faults


def message_faults(scenario: Scenario, path: Path) -> list[str]:
    """What is wrong with the messages in the database, held against what was acknowledged."""
    faults = sequence_faults(path)
    messages = _rows(path, "SELECT * FROM message ORDER BY conversation_id, sequence")
    by_id = {row["id"]: row for row in messages}
    kept: dict[str, str | None] = {}
    for incoming, turn in scenario.turns:
        row = by_id.get(turn.message_id)
        if row is None or row["sequence"] != turn.sequence or row["conversation_id"] != turn.conversation.id:
            faults.append(f"an acknowledged turn is lost: {incoming}")
            continue
        said = row if turn.reply is None else by_id[row["in_reply_to"]]
        if turn.reply is not None and (turn.reply.text != row["text"] or said["sequence"] != row["sequence"] - 1):
            faults.append(f"a reply was stored otherwise than it was given: {incoming}")
        wanted = ("visitor", _stored(incoming), incoming.client_message_id, incoming.picture)
        if tuple(said[name] for name in ("author", "text", "client_message_id", "picture")) != wanted:
            faults.append(f"{incoming} was stored as {said['text']!r}")
        if said["id"] in kept and (
            incoming.client_message_id is None or kept[said["id"]] != incoming.client_message_id
        ):
            faults.append(f"two messages became one: {incoming}")
        kept[said["id"]] = incoming.client_message_id
    for text, sent, message in scenario.written:
        row = by_id.get(message.id)
        if row is None or (row["author"], row["text"], row["sequence"]) != ("agent", text, message.sequence):
            faults.append(f"an acknowledged message of staff is lost: {text}")
        if message.id in kept and (sent is None or kept[message.id] != sent):
            faults.append(f"two messages of staff became one: {text}")
        kept[message.id] = sent
    strangers = [row["text"] for row in messages if row["author"] != "bot" and row["id"] not in kept]
    faults += [f"nobody sent {text!r}" for text in strangers]
    notices = {wording.RELEASED, *map(wording.taken_over, DISPLAYS)}
    told = [row["text"] for row in messages if row["author"] == "bot" and not row["reply"]]
    faults += [f"a notice of nothing: {text}" for text in told if text not in notices and "受理单" not in text]
    return faults


def ticket_faults(path: Path) -> list[str]:
    """What is wrong with owners and tickets in the database, held against their history."""
    events = _rows(path, "SELECT * FROM ticket_event ORDER BY id")
    tickets = _rows(path, "SELECT * FROM ticket")
    owners = {row["id"]: row["owner"] for row in _rows(path, "SELECT id, owner FROM conversation")}
    known = {t["number"]: (t["conversation_id"], t["reason"], t["status"], t["assignee"]) for t in tickets}
    faults = [*_owner_faults(Shot("", {}, {}, [], []), Shot("", owners, known, [], []))]
    for ticket in tickets:
        own = [event for event in events if event["ticket"] == ticket["number"]]
        at = "collecting" if own and own[0]["kind"] == "opened" else None
        for event in own[1:]:
            if event["kind"] not in _SILENT:
                after = _BECOMES.get(event["kind"])
                if at is None or after is None or after not in LEGAL[at]:  # type: ignore[index]
                    faults.append(f"ticket {ticket['number']}: {at} → {event['kind']}")
                at = after
        if at != ticket["status"]:
            faults.append(f"ticket {ticket['number']} is {ticket['status']}, by its history {at}")
        rated = [event["detail"] for event in own if event["kind"] == "rated"]
        if (rated[-1] if rated else None) != (ticket["stars"] and str(ticket["stars"])):
            faults.append(f"ticket {ticket['number']} was rated {rated}, and has {ticket['stars']} stars")
    return faults


_LEFT = ("released", "bot")
"""Nobody's own doing, so staff are told that the ticket waits again."""


def notice_faults(path: Path) -> list[str]:
    """What staff would be told too often or not at all, while nobody delivers notices."""
    events = _rows(path, "SELECT ticket, kind, actor FROM ticket_event")
    kinds = {"handed_in": "ticket.waiting", "reopened": "ticket.reopened", "transferred": "ticket.transferred"}
    due = Counter(
        (event["ticket"], kinds[event["kind"]])
        for event in events
        if event["kind"] in kinds and (event["kind"] != "handed_in" or event["actor"] == "visitor")
    )
    due.update((event["ticket"], "ticket.waiting") for event in events if (event["kind"], event["actor"]) == _LEFT)
    told = Counter((row["ticket"], row["kind"]) for row in _rows(path, "SELECT ticket, kind FROM notice"))
    return [
        f"ticket {key[0]}: {key[1]} is due {due[key]} ×, told {told[key]} ×"
        for key in due | told
        if due[key] != told[key]
    ]


def main(arguments: Sequence[str]) -> int:
    """Run so many scenarios and say what failed."""
    count, first = int(arguments[0]) if arguments else 10_000, int(arguments[1]) if len(arguments) > 1 else 0
    began, failed = time.monotonic(), 0
    happened: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            faults, counted = run(seed, Path(folder), tell=print if count == 1 else None)
            happened += counted
            if faults:
                failed += 1
                print(f"seed {seed}:", *faults[:5], sep="\n    ", flush=True)
            if (seed - first + 1) % 1000 == 0:
                print(f"{seed - first + 1} in {time.monotonic() - began:.0f} s, {failed} failed", flush=True)
    print(f"{count} scenarios from {first}: {failed} failed; {dict(happened.most_common())}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
