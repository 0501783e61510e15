"""Members of staff, their logins, other programs' keys and canned replies in SQLite."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from bot.model import ApiKey, Canned, Session, Staff
from bot.store.base import ConstraintError
from bot.store.row import Row, Rows, maybe_text, maybe_time, text_of, time_of

_STAFF = "SELECT name, display, role, active, created_at FROM staff"
_KEY = "SELECT id, label, role, created_at, used_at FROM api_key"


class SqliteStaffRows(Rows):
    """See `StaffRows`."""

    def staff(self, name: str) -> Staff | None:
        """See `StaffRows`."""
        row = self._row(f"{_STAFF} WHERE name = ?", name)
        return _staff(row) if row else None

    def all_staff(self) -> list[Staff]:
        """See `StaffRows`."""
        return [_staff(row) for row in self._rows(f"{_STAFF} ORDER BY name")]

    def password_hash(self, name: str) -> str | None:
        """See `StaffRows`."""
        row = self._row("SELECT password_hash FROM staff WHERE name = ?", name)
        return str(row["password_hash"]) if row else None

    def put_staff(self, staff: Staff, password_hash: str | None = None) -> None:
        """See `StaffRows`."""
        kept = password_hash or self.password_hash(staff.name)
        if kept is None:
            raise ConstraintError(f"账号 {staff.name} 没有密码")
        row = {**asdict(staff), "created_at": text_of(staff.created_at), "password_hash": kept}
        self._db.table("staff").upsert(row, pk="name")

    def add_session(self, token_hash: str, session: Session) -> None:
        """See `StaffRows`."""
        times = {"created_at": text_of(session.created_at), "seen_at": text_of(session.seen_at)}
        self._db.table("session").insert({"hash": token_hash, **asdict(session), **times})

    def session(self, token_hash: str) -> Session | None:
        """See `StaffRows`."""
        row = self._row("SELECT staff, csrf, created_at, seen_at FROM session WHERE hash = ?", token_hash)
        if row is None:
            return None
        return Session(row["staff"], row["csrf"], time_of(row["created_at"]), time_of(row["seen_at"]))

    def touch_session(self, token_hash: str, now: datetime) -> None:
        """See `StaffRows`."""
        self._change("UPDATE session SET seen_at = ? WHERE hash = ?", text_of(now), token_hash)

    def end_session(self, token_hash: str) -> None:
        """See `StaffRows`."""
        self._change("DELETE FROM session WHERE hash = ?", token_hash)

    def end_sessions(self, *, staff: str | None = None, seen_before: datetime | None = None) -> None:
        """See `StaffRows`."""
        if staff is not None:
            self._change("DELETE FROM session WHERE staff = ?", staff)
        if seen_before is not None:
            self._change("DELETE FROM session WHERE seen_at < ?", text_of(seen_before))

    def add_api_key(self, key: ApiKey, key_hash: str) -> None:
        """See `StaffRows`."""
        times = {"created_at": text_of(key.created_at), "used_at": maybe_text(key.used_at)}
        self._db.table("api_key").insert({**asdict(key), **times, "hash": key_hash})

    def api_key(self, key_hash: str) -> ApiKey | None:
        """See `StaffRows`."""
        row = self._row(f"{_KEY} WHERE hash = ?", key_hash)
        return _key(row) if row else None

    def api_keys(self) -> list[ApiKey]:
        """See `StaffRows`."""
        return [_key(row) for row in self._rows(f"{_KEY} ORDER BY created_at, id")]

    def touch_api_key(self, key_id: str, now: datetime) -> None:
        """See `StaffRows`."""
        self._change("UPDATE api_key SET used_at = ? WHERE id = ?", text_of(now), key_id)

    def delete_api_key(self, key_id: str) -> bool:
        """See `StaffRows`."""
        return self._change("DELETE FROM api_key WHERE id = ?", key_id) > 0

    def canned(self) -> list[Canned]:
        """See `StaffRows`."""
        rows = self._rows("SELECT * FROM canned ORDER BY title, id")
        return [Canned(**{**row, "updated_at": time_of(row["updated_at"])}) for row in rows]

    def put_canned(self, canned: Canned) -> None:
        """See `StaffRows`."""
        row = {**asdict(canned), "updated_at": text_of(canned.updated_at)}
        self._db.table("canned").upsert(row, pk="id")

    def delete_canned(self, canned_id: str) -> bool:
        """See `StaffRows`."""
        return self._change("DELETE FROM canned WHERE id = ?", canned_id) > 0


def _staff(row: Row) -> Staff:
    return Staff(row["name"], row["display"], row["role"], bool(row["active"]), time_of(row["created_at"]))


def _key(row: Row) -> ApiKey:
    return ApiKey(row["id"], row["label"], row["role"], time_of(row["created_at"]), maybe_time(row["used_at"]))
