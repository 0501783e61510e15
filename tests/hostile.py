"""Texts that try to become code, put wherever people or files can put a text; or harmless ones in the same places.

A page over the hostile ones must have the same kinds of elements with the same attributes as one over the others.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fake
import pytest
from staffed import Office

from bot.decide import Thresholds
from bot.desk import Desk
from bot.escalation import HUMAN
from bot.model import (
    Alteration,
    Answer,
    ApiKey,
    Canned,
    Conversation,
    Escalation,
    Feedback,
    Option,
    Reply,
    Source,
    Staff,
    Step,
    TicketEvent,
)
from bot.preview import Check, FigureChange, Outcome, Preparation, Preview, Shift
from bot.store.base import Transaction
from bot.ticket import change
from bot.version import Difference, EntryChange, FileChanges, Held, PhraseChange, Text
from faq.catalog import Audience, Catalog, System
from faq.knowledge import KnowledgeBase

PAYLOADS = tuple((Path(__file__).parent / "xss.txt").read_text(encoding="utf-8").splitlines())
HARMLESS = tuple(
    " ".join([*re.findall(r"\w+", text), f"第{n}句", "https://example.com/ 010-12345678" if n % 5 == 0 else ""]).strip()
    for n, text in enumerate(PAYLOADS)
)
"""The same words without the marks: search finds and groups them alike."""
NOW = datetime.now(UTC)


@dataclass
class House:
    """A server, and the texts that stand everywhere in it."""

    office: Office
    texts: Sequence[str]
    ticket: int = 0
    conversations: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.office.url

    @property
    def hostile(self) -> bool:
        return self.texts is PAYLOADS

    def furnish(self) -> None:
        """Put the texts into knowledge base, staff, replies kept ready, tickets and history."""
        [details] = HUMAN.dossier.fields
        dossier = replace(
            HUMAN.dossier,
            label=self.texts[13],
            told=self.texts[14],
            fields=(replace(details, label=self.texts[16], ask=self.texts[17]),),
        )
        index = fake.index_of(knowledge(self.texts))
        self.office.service.bot.desk = Desk(index, (replace(HUMAN, dossier=dossier),), Thresholds())
        self.office.store.write(self._people)
        self.ticket = self.conversation(secrets.token_hex(16))
        self.office.store.write(self._waiting)

    def conversation(self, conversation_id: str) -> int:
        """A conversation in which everybody says everything, and its ticket."""
        self.conversations.append(conversation_id)
        self.office.store.write(
            lambda rows: rows.add_conversation(
                Conversation(conversation_id, "web", "a", NOW, NOW, audience=self.texts[1])
            )
        )
        self.visitor_says(conversation_id)
        self.bot_says(conversation_id)
        return self.agent_says(conversation_id)

    def visitor_says(self, conversation_id: str) -> None:
        """Every text, as the visitor's."""

        def work(rows: Transaction) -> None:
            for text in self.texts:
                rows.add_message(conversation_id, "visitor", text, now=NOW)

        self.office.store.write(work)
        self.office.service.live.changed(conversation_id)

    def bot_says(self, conversation_id: str) -> None:
        """Every text, in all places that a reply has."""

        def work(rows: Transaction) -> None:
            for text in self.texts:
                message = rows.add_message(conversation_id, "bot", text, now=NOW, reply=reply(text))
                rows.rate_answer(Feedback(message.id, conversation_id, helpful=False, reason=text, at=NOW))
            step = Step(
                "details", self.texts[2], self.texts[3], ("text", "phone", "image"), False, tuple(self.texts), 2
            )
            rows.add_message(conversation_id, "bot", "请填写", now=NOW, reply=replace(reply("请填写"), step=step))

        self.office.store.write(work)
        self.office.service.live.changed(conversation_id)

    def agent_says(self, conversation_id: str) -> int:
        """Every text as a person's name, message and quoted entry; in the ticket's fields and history too."""

        def work(rows: Transaction) -> int:
            for text in self.texts:
                quoted = Answer("a-1", text, text, Source(text, text, text, text))
                rows.add_message(conversation_id, "agent", text, now=NOW, agent=text, answer=quoted)
            ticket = change(rows.add_ticket(conversation_id, "human", system="a", now=NOW), "waiting", NOW)
            rows.update_ticket(ticket)
            ticket = replace(
                change(ticket, "assigned", NOW, "zhao"),
                fields={"details": self.texts[4], "name": self.texts[5]} | {text: text for text in self.texts},
                comment=self.texts[6],
                stars=1,
            )
            rows.update_ticket(ticket)
            for text in self.texts:
                rows.add_event(TicketEvent(ticket.number, NOW, text, "note", text))
            conversation = rows.conversation(conversation_id)
            assert conversation is not None
            rows.update_conversation(replace(conversation, owner="zhao"))
            return ticket.number

        number = self.office.store.write(work)
        self.office.service.live.changed(conversation_id, "queue")
        return number

    def _people(self, rows: Transaction) -> None:
        lead = rows.staff("zhao")
        assert lead is not None
        rows.put_staff(replace(lead, display=self.texts[15]))
        for n, text in enumerate(self.texts):
            rows.put_staff(Staff(f"colleague-{n}", text, "agent", active=True, created_at=NOW), "x")
            rows.put_canned(Canned(f"{n:016}", f"{n // 20}组 {text}"[:100], text, NOW))
            rows.add_api_key(ApiKey(f"key-{n}", text, "agent", NOW), f"hash {n}")
            rows.add_alteration(Alteration(NOW, text, text, text, text))

    def _waiting(self, rows: Transaction) -> None:
        """In every system one waits whom the answer did not help."""
        for n, text in enumerate(self.texts):
            conversation_id, at = f"waiting-{n:020}", NOW - timedelta(minutes=1)
            rows.add_conversation(Conversation(conversation_id, "web", f"s{n}", at, at))
            asked = rows.add_message(conversation_id, "visitor", text, now=at)
            said = replace(reply(text), step=None, question=None)
            answered = rows.add_message(conversation_id, "bot", text, now=at, reply=said, in_reply_to=asked)
            rows.rate_answer(Feedback(answered.id, conversation_id, helpful=False, reason=text, at=at))
            rows.update_ticket(change(rows.add_ticket(conversation_id, "human", system=f"s{n}", now=at), "waiting", at))

    def draft(self) -> None:
        """Every text as a similar question and as a topic, in the draft; one conflicts with itself."""
        library = self.office.service.library
        library.change("add_similar", "a-1", self.texts[1:], self.texts[18])
        library.change("add_topic", None, self.texts, self.texts[19])
        library.change("add_similar", "a-2", [self.texts[2] + "吗"], self.texts[19])

    @contextmanager
    def previewed(self) -> Iterator[None]:
        """The texts in what the library makes of draft, files and versions."""
        library = self.office.service.library
        first = library.published()

        def publish(rows: Transaction) -> None:
            version = rows.add_version(self.texts[20], self.texts[21], NOW, first.tree, first.content_hash)
            rows.add_knowledge_event(
                "publish", version.number, first.tree, author=self.texts[20], note=self.texts[22], at=NOW
            )

        self.office.store.write(publish)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(library, "preparation", lambda _=None: self.preparation())
            patch.setattr(library, "difference", lambda *_: self.difference())
            patch.setattr(library, "file_changes", lambda: FileChanges(self.difference(), None, "tree"))
            yield

    def preparation(self) -> Preparation:
        """A preview of which every text is a part."""
        before, after = Outcome("reject", (), 0.1, None), Outcome("answer", ("a-1",), 0.9, "human")
        shifts = [
            Shift(source, text, f"s{n}", 2, before, after, judgement, None)
            for n, text in enumerate(self.texts)
            for source, judgement in (("own", "better"), ("own", "worse"), ("visitor", "other"))
        ]
        checks = [
            Check(severity, text, ("a-1",), (text,), text, new=True)
            for text in self.texts
            for severity in ("error", "hint")
        ]
        figures = [FigureChange(text, text, "covered", True, 0.5, 0.6, 10) for text in self.texts]
        preview = Preview(
            key="key",
            tree="tree",
            content_hash="hash",
            model_id=None,
            thresholds={"answer": 0.5},
            seconds=1.0,
            asked_own=1,
            asked_visitor=1,
            difference=self.difference(),
            shifts=(*shifts,),
            figures=(*figures,),
            checks=(*checks,),
            summary=self.texts[7],
        )
        return Preparation("ready", preview=preview)

    def difference(self) -> Difference:
        """A difference of two versions, of which every text is a part."""
        other = [*self.texts[1:], self.texts[0]]
        return Difference(
            tuple(
                EntryChange(f"a-{n}", Text(one, one), Text(two, two))
                for n, (one, two) in enumerate(zip(self.texts, other, strict=True), 1)
            ),
            tuple(PhraseChange("add", f"a-{n}", text) for n, text in enumerate(self.texts, 1)),
            tuple(Held("a-1", one, two, (one, two)) for one, two in zip(self.texts, other, strict=True)),
            tuple(self.texts),
        )


def knowledge(texts: Sequence[str]) -> KnowledgeBase:
    """A knowledge base in which every text is a question, an answer, a similar question, a topic, a system's name."""
    entries = [
        replace(fake.entry(f"a-{n}", text, f"{text}\n1. {text}", f"{text} 怎么办"), section=text)
        for n, text in enumerate(texts, 1)
    ]
    systems = [
        System(f"s{n}", f"系统{n} {text}", audiences=(Audience(text),), portal=text, hotline=text)
        for n, text in enumerate(texts)
    ]
    own = System("a", texts[8], portal=texts[9], hotline=texts[10])
    found = fake.knowledge_of(*entries, uncovered=texts, catalog=Catalog((own, *systems)))
    return replace(found, documents=tuple(replace(d, name=texts[11], title=texts[12]) for d in found.documents))


def reply(text: str) -> Reply:
    """A reply of which every part is that text."""
    return Reply(
        decision="answer",
        text=text,
        confidence=0.9,
        answer=Answer("a-1", text, f"{text}\n1. {text}", Source(text, text, text, text)),
        options=(Option("a-1", text), Option("a-1", f"【{text}】{text}")),
        escalation=Escalation("human", text, "offered", None),
        related=(Option("a-1", text),),
        note=text,
        question=text,
        step=Step("details", text, text, ("text",), choices=(text,)),
    )
