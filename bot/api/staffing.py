"""For administrators: accounts, and keys for other programs."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends

from bot.api import staff_schema as shape
from bot.api.dep import Serving
from bot.api.problem import responses
from bot.api.staff_caller import SignedIn, require
from bot.live import QUEUE
from bot.model import ApiKey, Staff

router = APIRouter(tags=["staff administration"], dependencies=[Depends(require("admin"))])

_REFUSALS: Final = responses(400, 401, 403, 404, 408, 409, 413, 422, 429, 503)


@router.get("/users", responses=responses(401, 403, 503))
def users(serving: Serving) -> shape.Users:
    """All accounts, by name."""
    return shape.Users(users=list(map(_user, serving.accounts.all())))


@router.post("/users", status_code=201, responses=_REFUSALS)
def add_user(form: shape.NewUser, serving: Serving, caller: SignedIn) -> shape.User:
    """Make an account."""
    password = form.password.get_secret_value()
    return _user(serving.accounts.add(form.name, form.display, form.role, password, by=caller.name))


@router.patch("/users/{name}", responses=_REFUSALS)
def change_user(name: str, form: shape.UserChange, serving: Serving, caller: SignedIn) -> shape.User:
    """Change an account, or let it rest. Another role or password, and resting, end its sessions.

    Whoever rests owns no conversation any more: those go back to the queue.
    """
    password = form.password.get_secret_value() if form.password else None
    staff = serving.accounts.change(
        name, display=form.display, role=form.role, active=form.active, password=password, by=caller.name
    )
    serving.live.changed(QUEUE)
    return _user(staff)


@router.get("/keys", responses=responses(401, 403, 503))
def keys(serving: Serving) -> shape.Keys:
    """All keys, the oldest first; the keys themselves are not known any more."""
    return shape.Keys(keys=list(map(_key, serving.accounts.keys())))


@router.post("/keys", status_code=201, responses=_REFUSALS)
def add_key(form: shape.NewKey, serving: Serving, caller: SignedIn) -> shape.KeyMade:
    """Make a key for another program. It is shown this once."""
    secret, key = serving.accounts.add_key(form.label, form.role, by=caller.name)
    return shape.KeyMade(**_key(key).model_dump(), key=secret)


@router.delete("/keys/{key_id}", status_code=204, responses=responses(401, 403, 404, 422, 503))
def drop_key(key_id: str, serving: Serving, caller: SignedIn) -> None:
    """Void a key; conversations that it owns go back to the queue."""
    serving.accounts.drop_key(key_id, by=caller.name)
    serving.live.changed(QUEUE)


def _user(staff: Staff) -> shape.User:
    return shape.User(
        name=staff.name,
        display=staff.display,
        role=staff.role,
        active=staff.active,
        created_at=staff.created_at.isoformat(),
    )


def _key(key: ApiKey) -> shape.Key:
    return shape.Key(
        id=key.id,
        label=key.label,
        role=key.role,
        created_at=key.created_at.isoformat(),
        used_at=key.used_at.isoformat() if key.used_at else None,
    )
