"""Who did what, and when: logins, and changes of people. Kept in the store, the newest 500."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from pydantic import TypeAdapter

from listening.protocols import Store
from listening.web import kept

KIND = "audit"
MOST = 500


class Deed(StrEnum):
    LOGIN = "logged in"
    LOGIN_FAILED = "failed to log in"
    LOGOUT = "logged out"
    ADDED = "added"
    ROLE = "changed the role of"
    PASSWORD = "changed the password of"  # noqa: S105 - no password
    REMOVED = "removed"
    TOKEN = "made a token of"  # noqa: S105 - no token
    REVOKED = "revoked a token of"


_LOGINS = {Deed.LOGIN, Deed.LOGIN_FAILED, Deed.LOGOUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``whom`` it was done to, ``detail`` the new role or the token, ``address`` where from."""

    at: datetime
    by: str
    deed: Deed
    whom: str = ""
    detail: str = ""
    address: str = ""


def record(store: Store, event: Event) -> None:
    """Logins are kept apart, so that no number of them pushes out a change of people."""

    def more(value: str) -> str:
        return _list().dump_json([*_read(value), event][-MOST:]).decode()

    kept.change(store, KIND, "logins" if event.deed in _LOGINS else "people", more)


def events(store: Store) -> list[Event]:
    """The newest first."""
    found = [event for note in store.notes(KIND).values() for event in _read(note.value)]
    return sorted(found, key=lambda event: event.at, reverse=True)


def _read(value: str) -> Sequence[Event]:
    return _list().validate_json(value) if value else []


@cache
def _list() -> TypeAdapter[list[Event]]:
    return TypeAdapter(list[Event])
