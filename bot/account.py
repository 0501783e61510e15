"""Who may act: members of staff with their passwords and logins, and other programs with their keys.

Of passwords, session tokens and keys only hashes are kept. Passwords are hashed with Argon2id at OWASP's minimum
(19 MiB, two passes, one lane), at most two at a time, since the server's memory is tight; a hash of other parameters is
replaced when its password is next seen. Failed logins are counted in this process's memory, by account and by address:
whoever knows a name can keep it from logging in for a while, but cannot try passwords.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore
from typing import Final, NoReturn, get_args

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from bot.handoff import let_go
from bot.model import Alteration, ApiKey, Role, Session, Staff
from bot.store.base import Store, Transaction

NAME: Final = re.compile(r"[a-z0-9._-]{2,40}")
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 128
LONGEST_DISPLAY: Final = 20
LONGEST_LABEL: Final = 40
KEY_PREFIX: Final = "zx_"

TOUCH: Final = timedelta(minutes=1)
"""How long a use of a session or key goes unnoted, so that most requests only read."""

HASHES_AT_ONCE: Final = 2
PATIENCE: Final = 5.0
"""Seconds that a login waits for its turn to be hashed."""

_COMMON: Final = (
    "1234567890 0123456789 0987654321 12345678910 123456789a a123456789 aa123456789 qq123456789 abc1234567 abcd123456 "
    "abc123456789 qwertyuiop qwertyuiop123 qwerty123456 qwer123456 asdfghjkl123 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc "
    "q1w2e3r4t5 zaq12wsxcde3 password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123 admin12345 "
    "admin123456 admin@1234 admin@123456 administrator root123456 woaini1314 woaini520 woaini5201314 5201314520 "
    "iloveyou123 changeme123 welcome123 letmein123 test123456 user123456 kefu123456 zaixianzixun"
)


OPERATOR: Final = ""
"""Who changes something from the command line, in the history."""
ROLE_NAMES: Final[dict[Role, str]] = {"agent": "客服", "lead": "组长", "admin": "管理员"}
"""What people read."""
KEY: Final = "key:"
"""Before a key's id, where another program stands in for a member of staff."""


class AccountError(Exception):
    """What is asked of an account cannot be done; staff read the Chinese text, nothing was changed."""


class BadAccount(AccountError):
    """A name, display name, label, role or password that is not acceptable."""


class NoAccount(AccountError):
    """There is no member of staff of that name, or no key of that id."""


class AccountTaken(AccountError):
    """There is a member of staff of that name already."""


class LastAdmin(AccountError):
    """Nobody could administer accounts any more."""


class LoginFailed(AccountError):
    """Name and password do not go together, or the member is not active; which, is not told."""


class LoginThrottled(AccountError):
    """Too many failures; `seconds` says when to try again."""

    def __init__(self, seconds: int) -> None:
        wait = f"{math.ceil(seconds / 60)} 分钟" if seconds > 60 else f"{seconds} 秒"
        super().__init__(f"登录尝试太频繁了，请 {wait}后再试。")
        self.seconds = seconds


class Accounts:
    """Accounts, logins and keys over a store. Thread-safe.

    A login ends `idle` after it was last used and `absolute` after it began. `per_name` and `per_address` say how many
    failed logins an account and an address may have, in the notation of the `limits` library.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        idle: timedelta = timedelta(hours=12),
        absolute: timedelta = timedelta(days=7),
        per_name: str = "5/15 minutes",
        per_address: str = "20/15 minutes",
    ) -> None:
        self._store = store
        self._clock = clock
        self._idle = idle
        self.absolute = absolute
        self._names, self._addresses = _Failures(per_name), _Failures(per_address)
        self._passwords = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1),))
        self._turn = BoundedSemaphore(HASHES_AT_ONCE)
        self._nobodys = self._passwords.hash(secrets.token_bytes(16))

    def add(self, name: str, display: str, role: Role, password: str, *, by: str = OPERATOR) -> Staff:
        """A new member; BadAccount or AccountTaken where that cannot be. `by`: who does it, for the history."""
        name = name.lower()
        if not NAME.fullmatch(name):
            raise BadAccount("账号应为 2 至 40 个字符，只能使用小写字母、数字、点、下划线和连字符。")
        staff = Staff(name, _label(display, "姓名", LONGEST_DISPLAY), _role(role), True, self._clock())
        hashed = self._hashed(name, password)

        def work(transaction: Transaction) -> Staff:
            if transaction.staff(name) is not None:
                raise AccountTaken(f"账号 {name} 已经存在。")
            transaction.put_staff(staff, hashed)
            self._note(transaction, by, f"账号 {name}", "", _told(staff))
            return staff

        return self._store.write(work)

    def change(
        self,
        name: str,
        *,
        display: str | None = None,
        role: Role | None = None,
        active: bool | None = None,
        password: str | None = None,
        by: str = OPERATOR,
    ) -> Staff:
        """A member with what is given changed; whoever gets another role or password, or has to go, is logged out.

        What somebody has in hand who has to go is released.

        NoAccount, BadAccount, or LastAdmin where no active admin would be left.
        """
        name = name.lower()
        display = None if display is None else _label(display, "姓名", LONGEST_DISPLAY)
        role = None if role is None else _role(role)
        hashed = None if password is None else self._hashed(name, password)

        def work(transaction: Transaction) -> Staff:
            before = transaction.staff(name)
            if before is None:
                raise NoAccount(f"没有名为 {name} 的账号。")
            staff = replace(
                before,
                display=before.display if display is None else display,
                role=before.role if role is None else role,
                active=before.active if active is None else active,
            )
            others = (each for each in transaction.all_staff() if each.name != name)
            if _rules(before) and not _rules(staff) and not any(map(_rules, others)):
                raise LastAdmin("至少要保留一位在用的管理员。")
            transaction.put_staff(staff, hashed)
            if staff != before or hashed is not None:
                after = _told(staff) + ("，密码已重设" if hashed else "")
                self._note(transaction, by, f"账号 {name}", _told(before), after)
            if hashed is not None or staff.role != before.role or not staff.active:
                transaction.end_sessions(staff=name)
            if not staff.active:
                let_go(transaction, name, self._clock())
            return staff

        return self._store.write(work)

    def all(self) -> list[Staff]:
        """All members by name."""
        return self._store.read(lambda transaction: transaction.all_staff())

    def login(self, name: str, password: str, address: str) -> tuple[str, Session, Staff]:
        """Begin a session: its token, which is not kept and not shown again, the session, and whose it is.

        LoginFailed in the same words and after the same time for whatever was wrong; LoginThrottled for an account or
        address with too many failures.
        """
        name = name.lower() if NAME.fullmatch(name.lower()) else ""
        with self._slot():
            self._names.refuse(name)
            self._addresses.refuse(address)
            known = self._store.read(lambda transaction: transaction.password_hash(name))
            right, better = self._passwords.verify_and_update(_bytes(password), known or self._nobodys)
            if not right or known is None:
                self._fail(name, address)
        token, now = secrets.token_urlsafe(32), self._clock()
        session = Session(name, secrets.token_urlsafe(32), now, now)

        def work(transaction: Transaction) -> Staff | None:
            staff = transaction.staff(name)
            if staff is None or not staff.active or transaction.password_hash(name) != known:
                return None
            if better is not None:
                transaction.put_staff(staff, better)
            transaction.end_sessions(seen_before=now - self._idle)
            transaction.add_session(_digest(token), session)
            return staff

        staff = self._store.write(work)
        if staff is None:
            self._fail(name, address)
        self._names.forget(name)
        return token, session, staff

    def renew(self, name: str, old: str, new: str, address: str) -> tuple[str, Session, Staff]:
        """Change one's own password: every session ends, and a new one begins. BadAccount if the old one is wrong."""
        try:
            token, _, _ = self.login(name, old, address)
        except LoginFailed:
            raise BadAccount("原密码不正确。") from None
        try:
            if _bytes(old) == _bytes(new):
                raise BadAccount("新密码不能与原密码相同。")
            self.change(name, password=new, by=name)
        except AccountError:
            self.logout(token)
            raise
        return self.login(name, new, address)

    def session(self, token: str, *, touch: bool = True) -> tuple[Session, Staff] | None:
        """The session of a token and whose it is; None once it ended. With `touch` that counts as a use."""
        hashed, now = _digest(token), self._clock()

        def work(transaction: Transaction) -> tuple[Session | None, Staff | None]:
            session = transaction.session(hashed)
            return session, transaction.staff(session.staff) if session else None

        session, staff = self._store.read(work)
        if session is None or staff is None or not staff.active:
            return None
        if now - session.seen_at >= self._idle or now - session.created_at >= self.absolute:
            return None
        if touch and now - session.seen_at >= TOUCH:
            self._store.write(lambda transaction: transaction.touch_session(hashed, now))
        return session, staff

    def logout(self, token: str) -> None:
        """End a session, if there is one."""
        self._store.write(lambda transaction: transaction.end_session(_digest(token)))

    def add_key(self, label: str, role: Role, *, by: str = OPERATOR) -> tuple[str, ApiKey]:
        """A new key for another program: the key itself, which is not kept, and what is known of it."""
        secret = KEY_PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(secrets.token_hex(6), _label(label, "名称", LONGEST_LABEL), _role(role), self._clock())

        def work(transaction: Transaction) -> None:
            transaction.add_api_key(key, _digest(secret))
            self._note(transaction, by, f"密钥 {key.label}", "", ROLE_NAMES[key.role])

        self._store.write(work)
        return secret, key

    def by_key(self, secret: str, *, touch: bool = True) -> Staff | None:
        """Whoever holds a key, as a member of staff named after its id; None for a key that is not ours."""
        hashed, now = _digest(secret), self._clock()
        key = self._store.read(lambda transaction: transaction.api_key(hashed))
        if key is None:
            return None
        if touch and (key.used_at is None or now - key.used_at >= TOUCH):
            self._store.write(lambda transaction: transaction.touch_api_key(key.id, now))
        return Staff(KEY + key.id, key.label, key.role, True, key.created_at)

    def drop_key(self, key_id: str, *, by: str = OPERATOR) -> None:
        """Void a key, and release what it has in hand; NoAccount if there is none of that id."""

        def work(transaction: Transaction) -> bool:
            let_go(transaction, KEY + key_id, self._clock())
            for key in transaction.api_keys():
                if key.id == key_id:
                    self._note(transaction, by, f"密钥 {key.label}", ROLE_NAMES[key.role], "已作废")
            return transaction.delete_api_key(key_id)

        if not self._store.write(work):
            raise NoAccount("没有这个密钥。")

    def keys(self) -> list[ApiKey]:
        """All keys, the oldest first."""
        return self._store.read(lambda transaction: transaction.api_keys())

    def _note(self, transaction: Transaction, by: str, subject: str, before: str, after: str) -> None:
        transaction.add_alteration(Alteration(self._clock(), by, subject, before, after))

    def _fail(self, name: str, address: str) -> NoReturn:
        self._names.count(name)
        self._addresses.count(address)
        raise LoginFailed("账号或密码不正确。")

    def _hashed(self, name: str, password: str) -> str:
        """The hash of a password that a member may have."""
        password = unicodedata.normalize("NFKC", password)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise BadAccount(f"密码应为 {SHORTEST_PASSWORD} 至 {LONGEST_PASSWORD} 个字符。")
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
            raise BadAccount("密码中有无法识别的字符。")
        if password.casefold() == name or password.casefold() in _COMMON.split() or len(set(password)) < 4:
            raise BadAccount("密码太容易被猜到，请换一个。")
        with self._slot():
            return self._passwords.hash(_bytes(password))

    @contextmanager
    def _slot(self) -> Iterator[None]:
        """A turn to hash, for hashing takes memory."""
        if not self._turn.acquire(timeout=PATIENCE):
            raise LoginThrottled(math.ceil(PATIENCE))
        try:
            yield
        finally:
            self._turn.release()


class _Failures:
    """Failures by key in a moving window, in memory. HASHES_AT_ONCE may be let in together where one more is left."""

    def __init__(self, rate: str) -> None:
        self._item = parse(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def refuse(self, key: str) -> None:
        """LoginThrottled once there were too many."""
        if not self._limiter.test(self._item, key):
            reset = self._limiter.get_window_stats(self._item, key).reset_time
            raise LoginThrottled(max(1, math.ceil(reset - time.time())))

    def count(self, key: str) -> None:
        """One more."""
        self._limiter.hit(self._item, key)

    def forget(self, key: str) -> None:
        """None any more."""
        self._limiter.clear(self._item, key)


def display_name(transaction: Transaction, name: str) -> str:
    """What visitors see of whoever acts under that name: a member of staff, or another program by its key's label."""
    staff = transaction.staff(name)
    if staff is not None:
        return staff.display
    return next((key.label for key in transaction.api_keys() if name == KEY + key.id), name)


def _digest(token: str) -> str:
    """Tokens are random and long: a plain hash is enough, and one that is looked up has to be the same each time."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _bytes(password: str) -> bytes:
    """A password however its characters were typed: full-width ones are what an input method makes of the others."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def _label(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if not 1 <= len(text) <= longest or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise BadAccount(f"{what}应为 1 至 {longest} 个字符。")
    return text


def _told(staff: Staff) -> str:
    return f"{staff.display}，{ROLE_NAMES[staff.role]}，{'在用' if staff.active else '停用'}"


def _role(role: Role) -> Role:
    if role not in get_args(Role):
        raise BadAccount("角色应为 agent（坐席）、lead（组长）或 admin（管理员）。")
    return role


def _rules(staff: Staff) -> bool:
    return staff.active and staff.role == "admin"
