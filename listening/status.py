"""What a store holds, and how far each stream is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from listening import settings
from listening.errors import ListeningError
from listening.pipeline import Ingested
from listening.protocols import Store
from listening.records import Dimension, Filter
from listening.settings import Settings, StreamSettings
from listening.sources import SOURCES

PULL, RUN = "pull", "run"  # kinds of note
SLACK = timedelta(hours=1)


class Health(StrEnum):
    """``LATE``: two of its intervals and an hour went by; a file has what it has and is not."""

    OK = "ok"
    LATE = "late"
    FAILING = "failing"
    NEVER = "never run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The last time that a stream was pulled, of whichever period; times are ISO 8601, UTC.

    ``stored``, ``updated`` and ``quarantined`` are what came of ``rows``, also where an ``error``
    ended it.
    """

    started: str
    ended: str
    rows: int = 0
    stored: int = 0
    updated: int = 0
    quarantined: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """Posts, or whatever is billed, that were read in this UTC month, of at most ``budget``."""

    spent: int
    budget: int


@dataclass(frozen=True, kw_only=True)
class StreamStatus:
    """``pulled``: whether anything was ever pulled; ``complete``: when last to its end.

    ``every`` is its schedule; ``label`` what its source is called in the index.
    """

    name: str
    source: str
    pulled: bool
    label: str
    health: Health
    every: str
    complete: str | None
    run: Run | None
    meter: Meter | None


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


@runtime_checkable
class Billed(Protocol):
    """A source that bills what is read, and says by its cursor how much it was this month."""

    monthly_budget: int

    @staticmethod
    def spent(cursor: str | None, now: datetime) -> int: ...


def pulled(store: Store, stream: str, begun: datetime) -> None:
    """Remember that a stream was pulled to its end; when nothing new came, its cursor tells not."""
    note = store.notes(PULL).get(stream)
    revision = note.revision if note else 0
    store.save_note(PULL, stream, begun.isoformat(), revision=revision)  # or another was later


def pulls(store: Store) -> dict[str, datetime]:
    """When each stream was last pulled to its end."""
    return {name: datetime.fromisoformat(note.value) for name, note in store.notes(PULL).items()}


@contextmanager
def recorded(
    store: Store, stream: str, *, whole: bool = False
) -> Iterator[Callable[[Ingested], None]]:
    """Keep what becomes of a pull, page by page, whether or not it comes to its end.

    ``whole``: it is of all that is new, and not of a period.
    """
    started = datetime.now(UTC)
    pages: list[Ingested] = []
    error: str | None = "it was stopped; pull it again, and it goes on from there"
    try:
        yield pages.append
        error = None
    except ListeningError as failure:
        error = str(failure)
        raise
    finally:
        run = Run(
            started=started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            rows=sum(page.rows for page in pages),
            stored=sum(page.stored for page in pages),
            updated=sum(page.updated for page in pages),
            quarantined=sum(len(page.quarantined) for page in pages),
            error=error,
        )
        _keep(store, stream, run)
    if whole:
        pulled(store, stream, started)


def failed(store: Store, stream: str, error: ListeningError) -> None:
    """Keep why a stream could not even begin, as where its secret is missing."""
    with suppress(ListeningError), recorded(store, stream):
        raise error


def _keep(store: Store, stream: str, run: Run) -> None:
    note = store.notes(RUN).get(stream)
    value = json.dumps(asdict(run), ensure_ascii=True)
    store.save_note(RUN, stream, value, revision=note.revision if note else 0)  # or another did


def runs(store: Store) -> dict[str, Run]:
    """The last one of each stream."""
    return {name: Run(**json.loads(note.value)) for name, note in store.notes(RUN).items()}


def of(
    store: Store, place: str, chosen: Settings, *, exists: bool, now: datetime | None = None
) -> Status:
    days = store.aggregate(Filter(), by=[Dimension.DAY], zone=chosen.zone)
    return Status(
        store=place,
        exists=exists,
        feedback=sum(day.count for day in days),
        first=days[0].key[0] if days else None,
        last=days[-1].key[0] if days else None,
        unscored=sum(day.unscored for day in days),
        quarantined=len(store.quarantine()),
        sources=tuple(_sources(store, chosen.zone)),
        streams=tuple(_streams(store, chosen.streams, now or datetime.now(UTC))),
    )


def _streams(
    store: Store, streams: Mapping[str, StreamSettings], now: datetime
) -> Iterator[StreamStatus]:
    last, complete = runs(store), pulls(store)
    for name, stream in streams.items():
        cursor, run = store.cursor(name), last.get(name)
        yield StreamStatus(
            name=name,
            source=stream.source,
            pulled=cursor is not None,
            label=stream.label or stream.source,
            health=_health(stream, run, complete.get(name), now),
            every=stream.every,
            complete=complete[name].isoformat(timespec="seconds") if name in complete else None,
            run=run,
            meter=_meter(stream, cursor, now),
        )


def _health(
    stream: StreamSettings, run: Run | None, complete: datetime | None, now: datetime
) -> Health:
    if run and run.error:
        return Health.FAILING
    if complete is None:
        return Health.OK if run else Health.NEVER
    patience = 2 * timedelta(seconds=settings.seconds(stream.every)) + SLACK
    late = stream.source != "files" and now - complete > patience
    return Health.LATE if late else Health.OK


def _meter(stream: StreamSettings, cursor: str | None, now: datetime) -> Meter | None:
    kind = SOURCES[stream.source]
    if not isinstance(kind, Billed):
        return None
    budget = stream.options.get("monthly_budget", kind.monthly_budget)
    return Meter(kind.spent(cursor, now), budget)


def _sources(store: Store, zone: str) -> Iterator[SourceStatus]:
    for bucket in store.aggregate(Filter(), by=[Dimension.SOURCE]):
        newest = store.search(Filter(source=bucket.key), limit=1, brief=True).hits
        if newest:  # else it was erased meanwhile
            last = newest[0].feedback.created_at.astimezone(ZoneInfo(zone))
            yield SourceStatus(bucket.key[0], bucket.count, f"{last:%F}")
