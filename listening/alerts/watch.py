"""What a rule watches: its filter, the values that are watched by themselves, and their counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from listening.alerts.rules import Rule, Width
from listening.protocols import Store
from listening.records import Bucket, Dimension, Filter, Window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOGETHER = 8_000  # buckets asked for at once; a store gives 10,000
UNUSUAL = 20  # items that were to come: so many do not stay away by chance
LEAST_GAP = DAY
HABIT = 28 * DAY  # over which it is known how many are to come
SCORED = 0.8  # of a bucket's texts: with fewer it cannot be judged
FEW = 5

Scope = tuple[str, ...]  # the values of ``rule.by``
Counts = Mapping[datetime, Mapping[Scope, Bucket]]  # by the bucket's start, UTC


class Pull(NamedTuple):
    """Until when a stream is known to be pulled; ``every`` is how often it should be.

    ``brand`` is None where it brings several.
    """

    brand: str | None
    source: str
    at: datetime
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A rule over a store. ``where`` is all that the rule watches, see ``watched``."""

    store: Store
    rule: Rule
    where: Filter
    pulls: Sequence[Pull] = ()

    @property
    def width(self) -> timedelta:
        return self.rule.bucket.span

    def narrowed(self, scope: Scope, window: Window = Window()) -> Filter:  # noqa: B008 - frozen
        """What one alert of the rule is about."""
        values = {part.value: (value,) for part, value in zip(self.rule.by, scope, strict=True)}
        return replace(self.where, window=window, **values)  # type: ignore[arg-type]  # Part names its fields

    def first(self) -> datetime | None:
        """The start of the first bucket of all that there is."""
        found = self.store.aggregate(self.where, by=[Dimension.MONTH], zone=self.rule.zone)
        if not found:
            return None
        month = self.start_of_day(found[0].key[0])
        after = month + 32 * DAY
        window = Window(since=month, until=after)
        by = [Dimension.DAY]
        days = self.store.aggregate(replace(self.where, window=window), by=by, zone=self.rule.zone)
        return self.floor(self.start_of_day(days[0].key[0]))

    def scopes(self, window: Window) -> tuple[Scope, ...]:
        """Of what there is; what lacks one of the values is watched by no alert."""
        return tuple(bucket.key for bucket in self.totals(window) if all(bucket.key))

    def totals(self, window: Window) -> list[Bucket]:
        by = [Dimension(part.value) for part in self.rule.by]
        return self.store.aggregate(replace(self.where, window=window), by=by)

    def counts(self, starts: Sequence[datetime], scopes: int, until: datetime) -> Counts:
        """Of the buckets that begin at ``starts``, the last of which ends at ``until``."""
        found: dict[datetime, Mapping[Scope, Bucket]] = {}
        for _, some in self.chunks(starts, scopes, until):
            found |= some
        return found

    def chunks(
        self, starts: Sequence[datetime], scopes: int, until: datetime
    ) -> Iterator[tuple[Sequence[datetime], Counts]]:
        """The same, some buckets at a time: a year of a thousand brands is gigabytes."""
        step = max(1, TOGETHER // max(1, scopes))
        for place in range(0, len(starts), step):
            end = starts[place + step] if place + step < len(starts) else until
            yield starts[place : place + step], self._counts(Window(since=starts[place], until=end))

    def _counts(self, window: Window) -> Counts:
        by = [*(Dimension(part.value) for part in self.rule.by), Dimension(self.rule.bucket.value)]
        found: dict[datetime, dict[Scope, Bucket]] = {}
        where = replace(self.where, window=window)
        for bucket in self.store.aggregate(where, by=by, zone=self.rule.zone):
            *scope, key = bucket.key
            found.setdefault(self._start(key), {})[tuple(scope)] = bucket
        return found

    def _start(self, key: str) -> datetime:
        if self.rule.bucket is Width.HOUR:
            return datetime.fromisoformat(key).astimezone(UTC)
        return self.start_of_day(key)

    def start_of_day(self, key: str) -> datetime:
        return midnight(date.fromisoformat(key), self.rule.zone)

    def floor(self, moment: datetime) -> datetime:
        """The start of the bucket that it is in, UTC."""
        local = moment.astimezone(ZoneInfo(self.rule.zone))
        if self.rule.bucket is Width.HOUR:
            into = timedelta(
                minutes=local.minute, seconds=local.second, microseconds=local.microsecond
            )
            return moment.astimezone(UTC) - into
        day = local.date()
        if self.rule.bucket is Width.WEEK:
            day -= timedelta(days=day.weekday())
        return midnight(day, self.rule.zone)

    def starts(self, since: datetime, until: datetime) -> list[datetime]:
        """Of the buckets from the one of ``since`` on that end by ``until``, UTC."""
        return [start for start in self._from(self.floor(since), until) if self.end(start) <= until]

    def _from(self, start: datetime, until: datetime) -> Iterator[datetime]:
        while start < until:
            yield start
            start = self.end(start)

    def end(self, start: datetime) -> datetime:
        if self.rule.bucket is Width.HOUR:
            return start + HOUR
        day = start.astimezone(ZoneInfo(self.rule.zone)).date()
        return midnight(day + self.width, self.rule.zone)

    def back(self, start: datetime, buckets: int) -> datetime:
        """The start of the bucket that is so many before; not all days have as many hours."""
        if self.rule.bucket is Width.HOUR:
            return start - buckets * HOUR
        day = start.astimezone(ZoneInfo(self.rule.zone)).date()
        return midnight(day - buckets * self.width, self.rule.zone)

    def closed(self, now: datetime) -> datetime:
        """Until when it can be judged: what comes late has come, and streams have been pulled.

        A stream that is long overdue is not waited for: what it should bring is then missing.
        """
        ready = [pull.at for pull in self._relevant(None) if now - pull.at <= self._patience(pull)]
        return min([now - self.rule.delay, *ready])

    def _patience(self, pull: Pull) -> timedelta:
        return 2 * pull.every + self.rule.delay + HOUR

    def missing_from(self, scope: Scope) -> datetime | None:
        """From when on a stream of this scope was not pulled; None where there is none."""
        return min((pull.at for pull in self._relevant(scope)), default=None)

    def _relevant(self, scope: Scope | None) -> Iterator[Pull]:
        wanted = dict(zip((part.value for part in self.rule.by), scope or (), strict=False))
        brands = {wanted["brand"]} if "brand" in wanted else set(self.rule.brand)
        sources = {wanted["source"]} if "source" in wanted else set(self.rule.source)
        for pull in self.pulls:
            right = pull.brand is None or not brands or pull.brand in brands
            if right and (not sources or pull.source in sources):
                yield pull

    def gaps(self, starts: Sequence[datetime], until: datetime) -> set[datetime]:
        """The buckets in which nothing came of anything, longer than chance explains."""
        if not starts:
            return set()
        every = replace(
            self,
            where=Filter(),
            rule=replace(self.rule, by=()),
        )
        asked = every.starts(min(starts[0], until - HABIT), until)
        counts = {start: found[()].count for start, found in every.counts(asked, 1, until).items()}
        if not counts:
            return set(starts)
        asked = [start for start in asked if start >= min(counts)]
        rate = sum(counts.values()) / len(asked)
        return set(silent(asked, counts, rate, self.width))


def watched(rule: Rule, where: Filter) -> Filter:
    """What the rule watches of what its query finds (``where``)."""
    return replace(
        where,
        brand=rule.brand or None,
        source=rule.source or None,
        language=rule.language or None,
        segment=rule.segment or None,
        kind=rule.kinds or None,
    )


def silent(
    starts: Sequence[datetime], counts: Mapping[datetime, int], rate: float, width: timedelta
) -> Iterator[datetime]:
    """The buckets of ``width`` without a count, where so many in a row are no chance."""
    run: list[datetime] = []
    for start in [*starts, None]:
        if start is not None and start not in counts:
            run.append(start)
            continue
        if len(run) * rate >= UNUSUAL and len(run) * width >= LEAST_GAP:
            yield from run
        run = []


def is_scored(bucket: Bucket) -> bool:
    """Whether enough of its texts are to judge it."""
    texts = bucket.unscored + sum(bucket.labels.values())
    return bucket.unscored < FEW or bucket.unscored <= (1 - SCORED) * texts


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
