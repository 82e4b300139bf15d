"""What a store holds, and how far each stream is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from listening.protocols import Store
from listening.records import Dimension, Filter
from listening.settings import Settings


@dataclass(frozen=True)
class StreamStatus:
    """``pulled``: whether anything was ever pulled."""

    name: str
    source: str
    pulled: bool


@dataclass(frozen=True)
class SourceStatus:
    """How much feedback a source gave, as it is called in the index; ``last`` is its newest day."""

    name: str
    feedback: int
    last: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """Days are ISO dates in the zone of the settings. ``exists``: whether there is a store yet."""

    store: str
    exists: bool
    feedback: int
    first: str | None
    last: str | None
    unscored: int
    quarantined: int
    sources: tuple[SourceStatus, ...]
    streams: tuple[StreamStatus, ...]


PULL = "pull"  # the kind of note


def pulled(store: Store, stream: str, begun: datetime) -> None:
    """Remember that a stream was pulled to its end; when nothing new came, its cursor tells not."""
    note = store.notes(PULL).get(stream)
    revision = note.revision if note else 0
    store.save_note(PULL, stream, begun.isoformat(), revision=revision)  # or another was later


def pulls(store: Store) -> dict[str, datetime]:
    """When each stream was last pulled to its end."""
    return {name: datetime.fromisoformat(note.value) for name, note in store.notes(PULL).items()}


def of(store: Store, place: str, settings: Settings, *, exists: bool) -> Status:
    days = store.aggregate(Filter(), by=[Dimension.DAY], zone=settings.zone)
    return Status(
        store=place,
        exists=exists,
        feedback=sum(day.count for day in days),
        first=days[0].key[0] if days else None,
        last=days[-1].key[0] if days else None,
        unscored=sum(day.unscored for day in days),
        quarantined=len(store.quarantine()),
        sources=tuple(_sources(store, settings.zone)),
        streams=tuple(
            StreamStatus(name, stream.source, store.cursor(name) is not None)
            for name, stream in settings.streams.items()
        ),
    )


def _sources(store: Store, zone: str) -> Iterator[SourceStatus]:
    found = store.aggregate(Filter(), by=[Dimension.SOURCE, Dimension.DAY], zone=zone)
    for name, group in groupby(found, key=lambda bucket: bucket.key[0]):
        days = list(group)
        yield SourceStatus(name, sum(day.count for day in days), days[-1].key[1])
