"""Accounts: passwords, logins, throttling, keys, and what of them is on disk."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from bot.account import (
    AccountError,
    Accounts,
    AccountTaken,
    BadAccount,
    LastAdmin,
    LoginFailed,
    LoginThrottled,
    NoAccount,
)
from bot.model import Staff
from bot.store.sqlite import SqliteStore

PASSWORD = "correct horse battery"
HERE = "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "conversations.db")
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(store: SqliteStore, clock: Clock) -> Accounts:
    accounts = Accounts(store, clock=clock)
    accounts.add("admin", "管理员", "admin", PASSWORD)
    accounts.add("wang", "小王", "agent", PASSWORD)
    return accounts


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were verified against."""
    seen: list[str] = []
    verify = PasswordHash.verify_and_update

    def spy(self: PasswordHash, password: Any, hashed: Any) -> tuple[bool, str | None]:
        seen.append(hashed)
        return verify(self, password, hashed)

    monkeypatch.setattr(PasswordHash, "verify_and_update", spy)
    return seen


def refusals(accounts: Accounts, name: str, times: int, address: str = HERE) -> list[type[AccountError]]:
    """What so many logins with a wrong password come to."""
    kinds = []
    for _ in range(times):
        with pytest.raises((LoginFailed, LoginThrottled)) as refused:
            accounts.login(name, "not the password", address)
        kinds.append(refused.type)
    return kinds


def on_disk(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_member_logs_in_and_out(accounts: Accounts) -> None:
    """The name in any case; the session is known by its token until it ends."""
    token, session, staff = accounts.login("WANG", PASSWORD, HERE)
    assert (session.staff, staff.display, staff.role) == ("wang", "小王", "agent")
    assert accounts.session(token) == (session, staff)
    accounts.logout(token)
    assert accounts.session(token) is None
    assert accounts.session("口令\ud800") is None


def test_passwords_are_kept_as_argon2id_of_known_cost(accounts: Accounts, store: SqliteStore) -> None:
    """19 MiB, two passes, one lane: OWASP's minimum."""
    accounts.change("wang", password="another long password")
    hashed = store.read(lambda transaction: transaction.password_hash("wang"))
    assert hashed is not None
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_no_password_token_or_key_is_on_disk(accounts: Accounts, tmp_path: Path) -> None:
    """Not in the database nor in its write-ahead log; of tokens and keys the SHA-256 is."""
    token, _, _ = accounts.login("wang", PASSWORD, HERE)
    secret, _ = accounts.add_key("数据大屏", "agent")
    kept = on_disk(tmp_path)
    for hidden in (PASSWORD, token, secret):
        assert hidden.encode() not in kept
    for shown in (token, secret):
        assert hashlib.sha256(shown.encode()).hexdigest().encode() in kept


def test_a_password_may_be_typed_in_full_width(accounts: Accounts) -> None:
    """Chinese input methods make ａ of a."""
    accounts.change("wang", password="ａｂｃｄ１２３４５６xyz")
    assert accounts.login("wang", "abcd123456xyz", HERE)[2].name == "wang"


def test_a_hash_of_other_cost_is_replaced_at_login(accounts: Accounts, store: SqliteStore) -> None:
    """Nobody has to set a new password when the cost is raised."""
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),)).hash(PASSWORD)
    wang = next(staff for staff in accounts.all() if staff.name == "wang")
    store.write(lambda transaction: transaction.put_staff(wang, weak))
    accounts.login("wang", PASSWORD, HERE)
    better = store.read(lambda transaction: transaction.password_hash("wang"))
    assert better is not None
    assert "m=19456" in better
    assert accounts.login("wang", PASSWORD, HERE)


@pytest.mark.parametrize("name", ["nobody", "wang", "Not a name!", "", "名字", "\ud800"])
def test_whoever_fails_hears_the_same_after_the_same_work(accounts: Accounts, spied: list[str], name: str) -> None:
    """For unknown and impossible names a password is verified all the same, against nobody's hash of the same cost."""
    with pytest.raises(LoginFailed, match=r"^账号或密码不正确。$"):
        accounts.login(name, "not the password", HERE)
    assert len(spied) == 1
    assert "m=19456,t=2,p=1" in spied[0]


def test_who_is_not_active_cannot_log_in(accounts: Accounts) -> None:
    """In the same words, with the right password too."""
    accounts.change("wang", active=False)
    with pytest.raises(LoginFailed, match=r"^账号或密码不正确。$"):
        accounts.login("wang", PASSWORD, HERE)


def test_five_failures_close_an_account_for_a_while(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """From every address, with the right password too, known or not; after a quarter of an hour it is open again."""
    for name in ("wang", "nobody"):
        assert refusals(accounts, name, 6) == [LoginFailed] * 5 + [LoginThrottled]
    with pytest.raises(LoginThrottled, match="15 分钟") as refused:
        accounts.login("wang", PASSWORD, "192.0.2.2")
    assert 890 <= refused.value.seconds <= 900
    later = time.time() + 901
    monkeypatch.setattr(time, "time", lambda: later)
    assert accounts.login("wang", PASSWORD, HERE)


def test_twenty_failures_close_an_address(accounts: Accounts) -> None:
    """Whatever the names were; others go on."""
    for number in range(20):
        assert refusals(accounts, f"name{number}", 1) == [LoginFailed]
    with pytest.raises(LoginThrottled):
        accounts.login("wang", PASSWORD, HERE)
    assert accounts.login("wang", PASSWORD, "192.0.2.2")


def test_a_login_clears_the_accounts_failures_but_not_the_addresss(accounts: Accounts) -> None:
    """Else one account of one's own would be enough to try others' passwords for ever."""
    for _ in range(4):
        assert refusals(accounts, "wang", 4) == [LoginFailed] * 4
        accounts.login("wang", PASSWORD, HERE)
    assert refusals(accounts, "admin", 5) == [LoginFailed] * 4 + [LoginThrottled]


def test_many_at_once_try_no_more_passwords_than_one_by_one(accounts: Accounts, spied: list[str]) -> None:
    """Two are hashed at once; a second that began together with the fifth failure may pass."""

    def attempt(_: int) -> None:
        with pytest.raises((LoginFailed, LoginThrottled)):
            accounts.login("wang", "not the password", HERE)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(attempt, range(32)))
    assert 5 <= len(spied) <= 6


def test_sessions_end_when_idle_and_when_old(accounts: Accounts, clock: Clock) -> None:
    """After 12 hours without use, and after 7 days however much it was used."""
    token = accounts.login("wang", PASSWORD, HERE)[0]
    for _ in range(15):
        clock.pass_by(hours=11)
        assert accounts.session(token)
    clock.pass_by(hours=3)
    assert accounts.session(token) is None
    other = accounts.login("wang", PASSWORD, HERE)[0]
    clock.pass_by(hours=11)
    assert accounts.session(other, touch=False)
    clock.pass_by(hours=1)
    assert accounts.session(other) is None


def test_a_use_is_noted_once_a_minute(accounts: Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads stay reads."""
    token, secret = accounts.login("wang", PASSWORD, HERE)[0], accounts.add_key("大屏", "agent")[0]
    accounts.by_key(secret)
    writes: list[Callable[..., Any]] = []
    write = SqliteStore.write
    monkeypatch.setattr(SqliteStore, "write", lambda self, work: [writes.append(work), write(self, work)][1])
    for _ in range(5):
        clock.pass_by(seconds=25)
        assert accounts.session(token)
        assert accounts.by_key(secret)
    assert len(writes) == 2


@pytest.mark.parametrize("change", [{"password": "another long password"}, {"role": "lead"}, {"active": False}])
def test_a_change_of_standing_ends_sessions(accounts: Accounts, change: dict[str, Any]) -> None:
    """Of that member, not of others; a new display name does not."""
    token, others = accounts.login("wang", PASSWORD, HERE)[0], accounts.login("admin", PASSWORD, HERE)[0]
    accounts.change("wang", display="王老师", role="agent", active=True)
    assert accounts.session(token)
    accounts.change("wang", **change)
    accounts.change("wang", active=True)
    assert accounts.session(token) is None
    assert accounts.session(others)


def test_the_last_admin_stays(accounts: Accounts) -> None:
    """Neither demoted nor deactivated, until there is another."""
    for change in ({"active": False}, {"role": "lead"}):
        with pytest.raises(LastAdmin):
            accounts.change("admin", **change)  # type: ignore[arg-type]
    accounts.change("wang", role="admin")
    assert not accounts.change("admin", active=False).active
    with pytest.raises(LastAdmin):
        accounts.change("wang", role="agent")


@pytest.mark.parametrize(
    "given",
    [
        {"name": "a"},
        {"name": "a" * 41},
        {"name": "小王"},
        {"name": "a b"},
        {"name": "key:1"},
        {"display": " "},
        {"display": "长" * 21},
        {"display": "a\x00b"},
        {"role": "root"},
        {"password": "too short"},
        {"password": "x1y2z3" * 30},
        {"password": "Zhang.wei-2026"},
        {"password": "1234567890"},
        {"password": "Password123"},
        {"password": "aaaaaaaaaaaa"},
        {"password": "control\x07character"},
        {"password": "half a pair \ud800 of it"},
    ],
)
def test_what_no_account_may_have_is_refused(accounts: Accounts, given: dict[str, Any]) -> None:
    """In words; nothing is kept."""
    wanted = {"name": "zhang.wei-2026", "display": "张伟", "role": "agent", "password": PASSWORD, **given}
    before = accounts.all()
    with pytest.raises(BadAccount, match=r"[\u4e00-\u9fff]"):
        accounts.add(**wanted)
    assert accounts.all() == before


def test_names_are_given_once_and_those_unknown_cannot_change(accounts: Accounts) -> None:
    """Nobody takes over an account by adding it again."""
    with pytest.raises(AccountTaken):
        accounts.add("Wang", "别人", "admin", "another long password")
    assert accounts.login("wang", PASSWORD, HERE)[2].role == "agent"
    with pytest.raises(NoAccount):
        accounts.change("nobody", display="某人")


def test_one_changes_ones_own_password_with_the_old_one(accounts: Accounts) -> None:
    """All sessions end and a new one begins; a wrong old password counts as a failed login."""
    token = accounts.login("wang", PASSWORD, HERE)[0]
    for old, new in (("wrong", "another long password"), (PASSWORD, PASSWORD), (PASSWORD, "1234567890")):
        with pytest.raises(BadAccount):
            accounts.renew("wang", old, new, HERE)
        assert accounts.session(token)
    renewed, _, staff = accounts.renew("wang", PASSWORD, "another long password", HERE)
    assert accounts.session(token) is None
    assert accounts.session(renewed)
    assert staff.name == "wang"
    for _ in range(5):
        with pytest.raises(BadAccount):
            accounts.renew("wang", "wrong", PASSWORD, HERE)
    with pytest.raises(LoginThrottled):
        accounts.renew("wang", "another long password", PASSWORD, HERE)


def test_keys_stand_for_staff_until_they_are_dropped(accounts: Accounts, clock: Clock) -> None:
    """Shown once, listed without it, noted when used."""
    secret, key = accounts.add_key("数据大屏", "lead")
    assert secret.startswith("zx_")
    assert accounts.by_key(secret) == Staff(f"key:{key.id}", "数据大屏", "lead", True, key.created_at)
    assert accounts.keys() == [replace(key, used_at=clock.now)]
    assert accounts.by_key(secret + "x") is None
    accounts.drop_key(key.id)
    assert accounts.by_key(secret) is None
    with pytest.raises(NoAccount):
        accounts.drop_key(key.id)
    with pytest.raises(BadAccount):
        accounts.add_key("", "agent")
