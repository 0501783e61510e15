"""Bot: one turn of a conversation, the only door for every channel.

A turn is thought out first, on the conversation as it stands, and then settled in one transaction, message, reply and
whatever becomes of tickets together: a reply that was given is on disk, and a message that was not acknowledged left
nothing behind. If the conversation moved on meanwhile, nothing is stored and the turn is thought out again; if a person
took it over, the message is stored and the bot keeps silent.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from bot import handoff, wording
from bot.account import display_name
from bot.contact import keep_contact
from bot.decide import Thresholds
from bot.desk import Desk
from bot.escalation import HUMAN, Reason
from bot.handoff import Office
from bot.hours import ALWAYS
from bot.live import QUEUE, Live
from bot.mask import hide_secrets
from bot.model import Conversation, Escalation, Feedback, Message, Picture, Reply, Ticket, TicketEvent
from bot.response import Respondent, Response
from bot.seen import Seen
from bot.store.base import Store, Transaction
from bot.ticket import change
from bot.traffic import Traffic
from bot.turn import (
    BadMessage,
    Incoming,
    MessageConflict,
    NotOffered,
    Pass,
    Turn,
    Unknown,
    View,
    check,
    check_remark,
)

REMEMBERED: Final = 40
"""Messages of a conversation that a turn looks back on."""
MOST_PICTURES: Final = 30
"""Pictures in one conversation within PICTURE_DAY."""
PICTURE_DAY: Final = timedelta(days=1)
_NO_PICTURE: Final = "没有这张图片。"


class _MovedOn(Exception):
    """The conversation is not any more as the turn was thought out for."""


class Bot:
    """Conversations over a store and a desk. Thread-safe; `desk` may be replaced at any time.

    `clock` tells the time (aware); `live` is told of every change.
    """

    def __init__(
        self,
        store: Store,
        desk: Desk,
        office: Office | None = None,
        *,
        live: Live | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._lock = threading.Lock()  # a desk that comes and thresholds that come must not lose each other
        self._thresholds: Thresholds | None = None
        self._desk = desk
        self.office = office or Office(ALWAYS)
        self.live = live or Live()
        self.traffic = Traffic()
        self._clock = clock
        self._key = store.write(lambda transaction: transaction.secret("conversation-token"))

    @property
    def desk(self) -> Desk:
        """What answers. Whatever takes its place works by the thresholds and hours that `tune` set."""
        return self._desk

    @desk.setter
    def desk(self, desk: Desk) -> None:
        with self._lock:
            self._desk = desk if self._thresholds is None else desk.tuned(self._thresholds, self.office.hours)

    def tune(self, thresholds: Thresholds, office: Office) -> None:
        """Decide by these thresholds and know of this office from now on, whichever desk answers."""
        with self._lock:
            self._thresholds, self.office = thresholds, office
            self._desk = self._desk.tuned(thresholds, office.hours)

    def turn(
        self,
        incoming: Incoming,
        holder: Pass | None = None,
        *,
        channel: str = "web",
        public: bool = False,
        may_hand_in: Callable[[str], None] = lambda _: None,
    ) -> Turn:
        """Take a message, in the holder's conversation or in a new one, and return the stored reply.

        `public`: others read along, so nothing is asked for or handed in that says who the visitor is.
        `may_hand_in` is called with the conversation's id when a ticket is handed in; what it raises is raised here,
        and nothing is kept.
        TurnError when the message cannot be taken, StoreError when it could not be kept.
        """
        desk = self.desk
        check(incoming, desk.systems)
        text, leaked = _stored_text(incoming, desk)
        while True:
            now = self._clock()
            seen = self._store.read(lambda t: self._look(t, incoming, holder, text, now))  # noqa: B023 — run at once
            if isinstance(seen, Turn):
                return replace(seen, hidden=leaked)
            response = None
            if seen.conversation is None or seen.conversation.owner is None or seen.cold:
                with self.traffic:
                    response = self._respond(desk, seen, incoming, text, now, public=public)
            fresh = Conversation(secrets.token_urlsafe(16), channel, incoming.system or None, now, now)
            try:
                turn = self._store.write(
                    lambda t: self._record(t, fresh, seen, incoming, text, response, holder, leaked, now, may_hand_in)  # noqa: B023
                )
            except _MovedOn:  # another message, or a member of staff, came first: each round somebody got on
                continue
            self.live.changed(turn.conversation.id, QUEUE)
            return replace(turn, hidden=leaked)

    def begin(
        self,
        system: str | None = None,
        *,
        channel: str = "web",
        also: Callable[[Transaction, str], object] = lambda _, __: None,
    ) -> Pass:
        """A new conversation in which nothing was said yet: a picture, say, comes first. Unknown system: Unknown.

        `also` is done in the same transaction, with the conversation's id.
        """
        if system and system not in self.desk.systems:
            raise Unknown("没有这个系统，请检查系统标识。")
        now = self._clock()
        conversation = Conversation(secrets.token_urlsafe(16), channel, system or None, now, now)

        def work(transaction: Transaction) -> None:
            transaction.add_conversation(conversation)
            also(transaction, conversation.id)

        self._store.write(work)
        return Pass(conversation.id, self.token(conversation.id))

    def view(self, holder: Pass, after: int = 0) -> View:
        """The holder's conversation with its messages above `after`; Unknown if it is not his."""

        def work(transaction: Transaction) -> View:
            conversation = self.held(transaction, holder)
            owner = display_name(transaction, conversation.owner) if conversation.owner else None
            return View(
                conversation,
                tuple(transaction.messages(conversation.id, after)),
                tuple(transaction.tickets(conversation.id)),
                owner,
            )

        return self._store.read(work)

    def history(self, holder: Pass) -> tuple[Conversation, list[Message]]:
        """The holder's conversation and its messages in order; Unknown if it is not his."""
        view = self.view(holder)
        return view.conversation, list(view.messages)

    def read_up_to(self, holder: Pass, sequence: int) -> None:
        """The visitor has read the messages up to a sequence number."""

        def work(transaction: Transaction) -> bool:
            conversation = self.held(transaction, holder)
            last = transaction.last_messages(conversation.id, 1)
            read = min(sequence, last[0].sequence if last else 0)
            if read <= conversation.visitor_read:
                return False
            transaction.update_conversation(replace(conversation, visitor_read=read))
            return True

        if self._store.write(work):
            self.live.changed(holder.conversation_id)

    def add_picture(self, holder: Pass, picture: Picture) -> None:
        """Keep whose picture it is; NotOffered where the visitor sent too many in it already."""
        conversation_id = holder.conversation_id

        def work(transaction: Transaction) -> None:
            self.held(transaction, holder)
            since = self._clock() - PICTURE_DAY
            pictures = transaction.pictures(conversation_id)
            if sum(each.staff is None and each.created_at >= since for each in pictures) >= MOST_PICTURES:
                raise NotOffered(f"一天之内最多可以发送 {MOST_PICTURES} 张图片。")
            transaction.add_picture(picture)

        self._store.write(work)

    def picture(self, holder: Pass, picture_id: str) -> Picture:
        """A picture of the holder's conversation; Unknown if there is none of that id."""

        def work(transaction: Transaction) -> Picture:
            self.held(transaction, holder)
            return _own_picture(transaction, holder.conversation_id, picture_id)

        return self._store.read(work)

    def rate_answer(self, holder: Pass, message_id: str, *, helpful: bool, reason: str = "") -> None:
        """Keep what the visitor thought of an answer; Unknown where the message is no answer of this conversation."""
        reason, _ = hide_secrets(check_remark(reason))

        def work(transaction: Transaction) -> None:
            conversation = self.held(transaction, holder)
            message = transaction.message(message_id)
            answered = message is not None and (message.answer or (message.reply and message.reply.answer))
            if message is None or message.conversation_id != conversation.id or not answered:
                raise Unknown("没有这条回答。")
            transaction.rate_answer(Feedback(message_id, conversation.id, helpful, reason, self._clock()))

        self._store.write(work)
        self.live.changed(holder.conversation_id)

    def rate_ticket(self, holder: Pass, number: int, stars: int, comment: str = "") -> None:
        """Keep the visitor's rating, 1 to 5; Unknown for another's ticket, NotOffered while it is not over."""
        comment, _ = hide_secrets(check_remark(comment))
        if not 1 <= stars <= 5:
            raise BadMessage("评分应为 1 到 5。")

        def work(transaction: Transaction) -> None:
            conversation = self.held(transaction, holder)
            ticket = transaction.ticket(number)
            if ticket is None or ticket.conversation_id != conversation.id:
                raise Unknown("没有这个受理单。")
            if ticket.status not in ("resolved", "closed") or ticket.waiting_since is None:
                raise NotOffered("受理单办结之后才能评分。")
            now = self._clock()
            transaction.update_ticket(replace(ticket, stars=stars, comment=comment or None, updated_at=now))
            transaction.add_event(TicketEvent(number, now, "visitor", "rated", str(stars)))

        self._store.write(work)
        self.live.changed(holder.conversation_id, QUEUE)

    def leave_contact(self, holder: Pass, number: int, contact: Mapping[str, str]) -> None:
        """Keep with a ticket how the visitor wants to be reached, as read; see `bot.contact` for what is refused."""

        def work(transaction: Transaction) -> bool:
            conversation = self.held(transaction, holder)
            return keep_contact(transaction, conversation.id, number, contact, self._clock())

        if self._store.write(work):
            self.live.changed(holder.conversation_id, QUEUE)

    def token(self, conversation_id: str) -> str:
        """The token of a conversation: a keyed hash of its id, so that none has to be stored."""
        return hmac.new(self._key, conversation_id.encode(), hashlib.sha256).hexdigest()

    def held(self, transaction: Transaction, holder: Pass) -> Conversation:
        """The holder's conversation; Unknown if it is not his.

        The same words for no such conversation and a wrong token: a stranger learns nothing from them.
        """
        right = hmac.compare_digest(self.token(holder.conversation_id).encode(), holder.token.encode())
        conversation = transaction.conversation(holder.conversation_id) if right else None
        if conversation is None:
            raise Unknown("找不到这个会话，请刷新页面重新开始咨询。")
        return conversation

    def _look(
        self, transaction: Transaction, incoming: Incoming, holder: Pass | None, text: str, now: datetime
    ) -> Seen | Turn:
        """The conversation as it stands; the turn that this very message already got, if it was sent before."""
        conversation = self.held(transaction, holder) if holder is not None else _opened(transaction, incoming)
        if conversation is None:
            if incoming.picture is not None:
                raise Unknown(_NO_PICTURE)
            return Seen()
        if earlier := self._earlier(transaction, conversation, incoming, text, holder):
            return earlier
        if incoming.picture is not None:
            picture = _own_picture(transaction, conversation.id, incoming.picture)
            if picture.staff is not None:  # what was sent to the visitor is no answer of theirs
                raise Unknown(_NO_PICTURE)
        return Seen(
            conversation,
            _since_rest(transaction.last_messages(conversation.id, REMEMBERED), self.office.cold_after),
            transaction.tickets(conversation.id),
            cold=now - conversation.updated_at
            >= (self.office.unattended_after if conversation.owner else self.office.cold_after),
        )

    def _respond(
        self, desk: Desk, seen: Seen, incoming: Incoming, text: str, now: datetime, *, public: bool
    ) -> Response:
        conversation = None if seen.cold else seen.conversation
        known = conversation.system if conversation else None
        system = known if incoming.system is None else incoming.system or None
        now_open = replace(seen, tickets=_thawed(seen.tickets, now)) if seen.cold else seen
        lapsed = [ticket for ticket in seen.tickets if seen.cold and ticket.status == "collecting" and ticket.fields]
        audience = conversation.audience if conversation else None
        wits = Respondent(desk, self.office, now_open, system, audience, now, public)
        response = self._answer(wits, incoming, text, now_open)
        reason = desk.reason(lapsed[0].reason) if lapsed else None
        if reason is None or response.reply.escalation is not None:
            return response
        return replace(response, reply=_with_lapsed(response.reply, reason))

    def _answer(self, wits: Respondent, incoming: Incoming, text: str, seen: Seen) -> Response:
        if incoming.choose is not None:
            chosen = wits.to_choice(incoming.choose)
            if chosen is None:
                raise Unknown("没有这个条目，它可能已经更新，请重新提问。")
            return chosen
        if incoming.accept is not None:
            reason = wits.desk.reason(incoming.accept)
            if reason is None:
                raise Unknown("没有这项服务，请重新提问。")
            _check_offered(reason, seen)
            return wits.to_acceptance(reason)
        if incoming.picture is not None:
            return wits.to_picture(text, incoming.picture)
        return wits.to_text(text)

    def _record(
        self,
        transaction: Transaction,
        fresh: Conversation,
        seen: Seen,
        incoming: Incoming,
        text: str,
        response: Response | None,
        holder: Pass | None,
        leaked: bool,
        now: datetime,
        may_hand_in: Callable[[str], None],
    ) -> Turn:
        conversation = seen.conversation and transaction.conversation(seen.conversation.id)
        if conversation is None:
            if seen.conversation is not None or _opened(transaction, incoming) is not None:
                raise _MovedOn
            conversation = fresh
            transaction.add_conversation(conversation, incoming.client_message_id)
        last = transaction.last_messages(conversation.id, 1)
        if (last[0].sequence if last else 0) != seen.sequence:
            raise _MovedOn
        if transaction.tickets(conversation.id) != list(seen.tickets):  # expired or rated, which says no word
            raise _MovedOn
        if seen.cold:
            conversation = self._thaw(transaction, conversation, now)
        message = transaction.add_message(
            conversation.id,
            "visitor",
            text,
            now=now,
            client_message_id=incoming.client_message_id,
            picture=incoming.picture,
        )
        if response is None:
            transaction.update_conversation(replace(conversation, updated_at=now))
            return self._as_turn(conversation, message, None, holder)
        conversation = replace(conversation, system=response.system, audience=response.audience, updated_at=now)
        transaction.update_conversation(conversation)
        reply = response.settle(transaction, conversation, response.reply)
        known = {ticket.number for ticket in seen.tickets if ticket.status != "collecting"}
        if any(t.status == "waiting" and t.number not in known for t in transaction.tickets(conversation.id)):
            may_hand_in(conversation.id)
        if leaked:
            reply = replace(reply, note="\n".join(filter(None, (wording.HIDDEN, reply.note))))
        stored = transaction.add_message(conversation.id, "bot", reply.text, now=now, reply=reply, in_reply_to=message)
        return self._as_turn(conversation, stored, reply, holder)

    def _thaw(self, transaction: Transaction, conversation: Conversation, now: datetime) -> Conversation:
        """End what a conversation at rest left undone: a form half filled in, a person who did not come back."""
        for ticket in transaction.tickets(conversation.id):
            if ticket.status == "collecting":
                handoff.end(transaction, ticket, "expired", "bot", now)
        if conversation.owner is not None:
            return handoff.release(transaction, conversation, "bot", now, "长时间没有回复")
        return conversation

    def _earlier(
        self, transaction: Transaction, conversation: Conversation, incoming: Incoming, text: str, holder: Pass | None
    ) -> Turn | None:
        """The turn that this message already got, if it was sent before."""
        if incoming.client_message_id is None:
            return None
        message = transaction.visitor_message(conversation.id, incoming.client_message_id)
        if message is None:
            return None
        if (message.text, message.picture) != (text, incoming.picture):
            raise MessageConflict("这个消息编号已经用于另一条消息，请使用新的编号。")
        reply = transaction.reply_to(message)
        return self._as_turn(conversation, reply or message, reply.reply if reply else None, holder)

    def _as_turn(self, conversation: Conversation, message: Message, reply: Reply | None, holder: Pass | None) -> Turn:
        token = self.token(conversation.id) if holder is None else None
        return Turn(conversation, message.id, message.sequence, reply, token)


def _with_lapsed(reply: Reply, reason: Reason) -> Reply:
    """A reply that offers to go on with a form that was left behind."""
    offer = Escalation(reason.name, reason.dossier.label, "offered", None)
    return replace(reply, note=wording.lapsed(reason.dossier.label), escalation=offer)


def _since_rest(messages: list[Message], cold_after: timedelta) -> list[Message]:
    """The messages since the conversation last began afresh."""
    pairs = enumerate(pairwise(messages), 1)
    begun = max((at for at, (one, next_) in pairs if next_.created_at - one.created_at >= cold_after), default=0)
    return messages[begun:]


def _thawed(tickets: Sequence[Ticket], now: datetime) -> list[Ticket]:
    """The tickets of a conversation at rest as they will be once a message was stored: see `Bot._thaw`."""
    kept = (ticket for ticket in tickets if ticket.status != "collecting")
    return [change(ticket, "waiting", now) if ticket.status == "assigned" else ticket for ticket in kept]


def _stored_text(incoming: Incoming, desk: Desk) -> tuple[str, bool]:
    """What is stored of a message, and whether something secret was hidden in it."""
    if incoming.text is not None:
        return hide_secrets(incoming.text)
    if incoming.choose is not None:
        entry = desk.index.entry(incoming.choose)
        if entry is None:
            raise Unknown("没有这个条目，它可能已经更新，请重新提问。")
        return entry.question, False
    if incoming.accept is not None:
        reason = desk.reason(incoming.accept)
        if reason is None:
            raise Unknown("没有这项服务，请重新提问。")
        return reason.dossier.label, False
    return "", False


def _opened(transaction: Transaction, incoming: Incoming) -> Conversation | None:
    """The conversation that this message already began, if its reply may have got lost with the token.

    Once the conversation went on its token had arrived, and giving it again would open it to whoever knows the id.
    """
    conversation = transaction.opened_by(incoming.client_message_id) if incoming.client_message_id else None
    said = transaction.messages(conversation.id) if conversation is not None else []
    if sum(message.author == "visitor" for message in said) > 1:
        raise MessageConflict("这条消息已经发送过，请在原来的会话中继续。")
    return conversation


def _check_offered(reason: Reason, seen: Seen) -> None:
    """Refuse a reason that was never offered in this conversation; a person can always be asked for."""
    offers = (message.reply.escalation for message in seen.messages if message.reply)
    if reason.name != HUMAN.name and not any(offer and offer.reason == reason.name for offer in offers):
        raise NotOffered("这项服务还没有为您提供，请先描述您的问题。")


def _own_picture(transaction: Transaction, conversation_id: str, picture_id: str) -> Picture:
    picture = transaction.picture(picture_id)
    if picture is None or picture.conversation_id != conversation_id:
        raise Unknown(_NO_PICTURE)
    return picture
