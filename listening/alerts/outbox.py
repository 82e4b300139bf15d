"""Notifications leave: each at least once, always under the same key, however often we are killed.

Three steps, each a note of the store: a delivery is claimed, sent, and struck off. Who is killed
in between leaves a claim that runs out, and the next run sends again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from listening.alerts.alert import Event, Notification
from listening.alerts.ledger import Delivery, Entry, Ledger, Pending
from listening.errors import ConfigError, ListeningError, TransientError

CLAIM = timedelta(minutes=5)  # longer than sending one message may take
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


class Sender(Protocol):
    def groups(self, channel: str) -> bool:
        """Whether it takes several notifications as one message."""
        ...

    def send(self, channel: str, notifications: Sequence[Notification]) -> None:
        """Hand over one message. Raises ListeningError when it was not taken."""
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many notifications were sent to a channel and how many failed."""

    sent: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What waits for a channel, from when until when; ``attempts`` and ``error`` if it fails."""

    waiting: int
    oldest: datetime
    next_at: datetime
    attempts: int = 0
    error: str = ""


def deliver(ledger: Ledger, sender: Sender, clock: Clock) -> Delivered:
    """Send what is due. A channel that fails is left alone for this run, and tried by the next."""
    sent = failed = 0
    names = sorted({name for entry in ledger.entries.values() for name in _channels(entry)})
    for name in names:
        for batch in _batches(ledger.entries, name, clock(), grouped=_groups(sender, name)):
            claimed = [one for one in batch if _claim(ledger, one, name, clock)]
            if not claimed:
                continue
            try:
                sender.send(name, claimed)
            except ListeningError as error:
                log.warning("channel %s: %s", name, error)
                for one in claimed:
                    _put_off(ledger, one, name, error, clock)
                failed += len(claimed)
                break
            for one in claimed:
                _strike_off(ledger, one, name, clock())
            sent += len(claimed)
    return Delivered(sent, failed)


def states(entries: Mapping[str, Entry]) -> dict[str, ChannelState]:
    """Of the channels that have not taken everything; all others are well."""
    found: dict[str, ChannelState] = {}
    for entry in entries.values():
        for pending in entry.pending:
            for name, delivery in pending.channels.items():
                one = ChannelState(
                    1,
                    pending.notification.at,
                    delivery.next_at,
                    delivery.attempts if delivery.error else 0,
                    delivery.error,
                )
                found[name] = _merged(found[name], one) if name in found else one
    return found


def _merged(one: ChannelState, other: ChannelState) -> ChannelState:
    worse = max(one, other, key=lambda state: state.attempts)
    return replace(
        worse,
        waiting=one.waiting + other.waiting,
        oldest=min(one.oldest, other.oldest),
        next_at=min(one.next_at, other.next_at),
    )


def _channels(entry: Entry) -> Iterator[str]:
    for pending in entry.pending:
        yield from pending.channels


def _groups(sender: Sender, name: str) -> bool:
    try:
        return sender.groups(name)
    except ConfigError:
        return True  # sending says why


def _batches(
    entries: Mapping[str, Entry], name: str, now: datetime, *, grouped: bool
) -> list[list[Notification]]:
    """What is due, oldest first; of one alert nothing overtakes what came before it."""
    due: list[Notification] = []
    for entry in entries.values():
        for pending in entry.pending:
            delivery = pending.channels.get(name)
            if delivery is None:
                continue
            if delivery.next_at > now:
                break
            due.append(pending.notification)
    due.sort(key=lambda one: one.at)
    if not grouped:
        return [[one] for one in due]
    batches: dict[str, list[Notification]] = {}
    for one in due:
        batches.setdefault(one.group, []).append(one)
    return list(batches.values())


def _claim(ledger: Ledger, one: Notification, name: str, clock: Clock) -> bool:
    """Say that we are about to send it; False when somebody else did, or has sent it."""

    def change(delivery: Delivery) -> Delivery:
        now = clock()
        if delivery.next_at > now:
            return delivery
        return replace(delivery, next_at=now + CLAIM, attempts=delivery.attempts + 1)

    return _change(ledger, one, name, change)


def _put_off(
    ledger: Ledger, one: Notification, name: str, error: ListeningError, clock: Clock
) -> None:
    def change(delivery: Delivery) -> Delivery:
        doubled = FIRST_PAUSE * 2 ** min(delivery.attempts - 1, 10)
        pause = min(doubled, LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - jitter
        if isinstance(error, TransientError) and error.retry_after:
            pause = max(pause, timedelta(seconds=error.retry_after))
        return replace(delivery, next_at=clock() + pause, error=str(error))

    _change(ledger, one, name, change)


def _strike_off(ledger: Ledger, one: Notification, name: str, now: datetime) -> None:
    _change(ledger, one, name, lambda _: None, Event(at=now, reason=one.reason, channel=name))


class _GoneError(Exception):
    """The alert's rule was taken away meanwhile."""


def _change(
    ledger: Ledger,
    one: Notification,
    name: str,
    change: Callable[[Delivery], Delivery | None],
    *events: Event,
) -> bool:
    """Change a delivery; None takes it away. False when it was gone, or it stays as it is."""
    changed = False

    def edit(entry: Entry | None) -> Entry:
        nonlocal changed
        if entry is None:
            raise _GoneError
        left = tuple(_edited(pending, one.key, name, change) for pending in entry.pending)
        changed = left != entry.pending
        after = replace(entry, pending=tuple(pending for pending in left if pending.channels))
        return after.noted(*(events if changed else ()))

    with suppress(_GoneError):
        ledger.update(one.fingerprint, edit)
    return changed


def _edited(
    pending: Pending, key: str, name: str, change: Callable[[Delivery], Delivery | None]
) -> Pending:
    if pending.notification.key != key or name not in pending.channels:
        return pending
    after = change(pending.channels[name])
    rest = {other: kept for other, kept in pending.channels.items() if other != name}
    return replace(pending, channels=rest if after is None else {**rest, name: after})
