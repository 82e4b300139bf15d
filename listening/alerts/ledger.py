"""What alerting remembers, in the store's notes.

An alert and what is still to be told of it are one note, so the one is never saved without the
other. Several processes may work on it at once: a change is made to what was read last, or again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from listening.alerts.alert import Alert, Event, Notification
from listening.alerts.lifecycle import acknowledge
from listening.alerts.muting import Silence
from listening.errors import ConfigError, TransientError
from listening.records import Note

if TYPE_CHECKING:
    from pydantic import TypeAdapter  # a sixth of the start-up

ALERT, SILENCE = "alert", "silence"
REMEMBERED = 40  # events of an alert
_ATTEMPTS = 20
T = TypeVar("T")


class Notes(Protocol):
    """The part of a Store that this needs."""

    def notes(self, kind: str) -> Mapping[str, Note]: ...

    def save_note(self, kind: str, key: str, value: str, *, revision: int) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """To one channel, not before ``next_at``; ``error`` is why the last of ``attempts`` failed."""

    next_at: datetime
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A notification and the channels that have not taken it."""

    notification: Notification
    channels: Mapping[str, Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An alert, what is to be told of it, and what happened to it lately; both oldest first."""

    alert: Alert
    pending: tuple[Pending, ...] = ()
    history: tuple[Event, ...] = ()

    def noted(self, *events: Event) -> Entry:
        return replace(self, history=(*self.history, *events)[-REMEMBERED:]) if events else self

    def after(self, alert: Alert, told: Iterable[Notification]) -> Entry:
        """The alert as it is now, with more to tell; what has no channel nobody is told."""
        more = tuple(
            Pending(
                notification=one,
                channels={name: Delivery(next_at=one.due) for name in one.channels},
            )
            for one in told
            if one.channels
        )
        return replace(self, alert=alert, pending=(*self.pending, *more))


@dataclass(eq=False)
class Ledger:
    """The entries of a store, by fingerprint, as of when they were read last."""

    store: Notes
    _read: dict[str, tuple[Entry | None, int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.reread()

    def reread(self) -> None:
        """Raises ConfigError for what this version cannot read."""
        self._read = {
            key: (_entry(key, note.value) if note.value else None, note.revision)
            for key, note in self.store.notes(ALERT).items()
        }

    @property
    def entries(self) -> Mapping[str, Entry]:
        return {key: entry for key, (entry, _) in self._read.items() if entry}

    def update(self, key: str, change: Callable[[Entry | None], Entry]) -> Entry:
        """Save what ``change`` makes of an entry, of None where there is none; it is then in force.

        ``change`` is called again when somebody else was first, so it must do nothing else. What
        is equal is not written. Raises TransientError when others never let it through.
        """
        for _ in range(_ATTEMPTS):
            before, revision = self._read.get(key, (None, 0))
            after = change(before)
            if after == before:
                return after
            value = _entries().dump_json(after).decode()
            if self.store.save_note(ALERT, key, value, revision=revision):
                # As it will be read again, so that a message is the same before and after a crash.
                saved = _entry(key, value)
                self._read[key] = (saved, revision + 1)
                return saved
            self.reread()
        raise TransientError(f"alert {key} is being changed by others all the time; try later")

    def acknowledge(self, key: str, by: str, now: datetime) -> Entry:
        """Raises ConfigError where there is no such alert, or no alarm to acknowledge."""

        def change(entry: Entry | None) -> Entry:
            if entry is None:
                raise ConfigError(f"there is no alert {key}; see: listening alerts list")
            known = replace(entry, alert=acknowledge(entry.alert, by, now))
            return known.noted(Event(at=now, by=by))

        return self.update(key, change)

    def forget(self, rule: str) -> None:
        """The alerts of a rule that was taken away, with what was still to be told of them."""
        for key, entry in self.entries.items():
            if entry.alert.labels.get("rule") == rule:
                self.store.save_note(ALERT, key, "", revision=self._read[key][1])
        self.reread()


def silences(store: Notes) -> dict[str, Silence]:
    """By their ids, those whose time is over too."""
    return {
        key: _decoded(_silences(), note.value, f"silence {key}")
        for key, note in store.notes(SILENCE).items()
        if note.value
    }


def add_silence(store: Notes, silence: Silence) -> str:
    """Returns its id."""
    key = secrets.token_hex(4)
    store.save_note(SILENCE, key, _silences().dump_json(silence).decode(), revision=0)
    return key


def end_silence(store: Notes, key: str) -> None:
    """Raises ConfigError where there is none."""
    note = store.notes(SILENCE).get(key)
    if note is None or not note.value:
        raise ConfigError(f"there is no silence {key}")
    store.save_note(SILENCE, key, "", revision=note.revision)


@cache
def _entries() -> TypeAdapter[Entry]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - a sixth of the start-up

    return TypeAdapter(Entry)


@cache
def _silences() -> TypeAdapter[Silence]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - likewise

    return TypeAdapter(Silence)


def _entry(key: str, value: str) -> Entry:
    return _decoded(_entries(), value, f"alert {key}")


def _decoded(adapter: TypeAdapter[T], value: str, what: str) -> T:
    from pydantic import ValidationError  # noqa: PLC0415 - likewise

    try:
        return adapter.validate_json(value)
    except ValidationError as error:
        raise ConfigError(
            f"{what} in the store cannot be read, as a newer Listening writes it; upgrade this one"
            f" ({error.errors()[0]['msg']})"
        ) from error
