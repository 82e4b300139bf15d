"""How much came of each source, day by day, and the days on which nothing did that usually does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from listening.alerts.watch import DAY, midnight, silent
from listening.protocols import Store
from listening.records import Dimension, Filter, Window

DAYS = 42
TOGETHER = 100  # sources asked for at once; a store counts 10,000 buckets


@dataclass(frozen=True, slots=True)
class Day:
    """``is_gap``: nothing came, and for longer than chance explains."""

    day: date
    count: int
    is_gap: bool


class Gap(NamedTuple):
    """Both days are inside; ``usual`` is how much comes on a day."""

    first: date
    last: date
    usual: float


class Volume(NamedTuple):
    source: str
    days: tuple[Day, ...]

    @property
    def most(self) -> int:
        return max(day.count for day in self.days)

    @property
    def gaps(self) -> Iterator[Gap]:
        begun = next((place for place, day in enumerate(self.days) if day.count), 0)
        others = [day.count for day in self.days[begun:] if not day.is_gap]
        usual = sum(others) / len(others)
        run: list[date] = []
        for one in (*self.days, Day(date.max, 1, is_gap=False)):
            if one.is_gap:
                run.append(one.day)
            elif run:
                yield Gap(run[0], run[-1], usual)
                run = []


def volumes(
    store: Store, sources: Sequence[str], zone: str, *, now: datetime | None = None
) -> list[Volume]:
    """Of the last six weeks: up to today or, where nothing came in them, to the newest day."""
    last = _last(store, zone, (now or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date())
    days = [last - timedelta(days=ago) for ago in reversed(range(DAYS))]
    window = Window(since=midnight(days[0], zone), until=midnight(last + DAY, zone))
    counts: dict[str, dict[date, int]] = {}
    for start in range(0, len(sources), TOGETHER):
        where = Filter(source=tuple(sources[start : start + TOGETHER]), window=window)
        for bucket in store.aggregate(where, by=[Dimension.SOURCE, Dimension.DAY], zone=zone):
            source, day = bucket.key
            counts.setdefault(source, {})[date.fromisoformat(day)] = bucket.count
    return [Volume(source, _days(days, counts.get(source, {}), zone)) for source in sources]


def _last(store: Store, zone: str, today: date) -> date:
    newest = store.search(Filter(), limit=1, brief=True).hits
    day = newest[0].feedback.created_at.astimezone(ZoneInfo(zone)).date() if newest else today
    return day if day > today or today - day >= timedelta(days=DAYS) else today


def _days(days: Sequence[date], counts: Mapping[date, int], zone: str) -> tuple[Day, ...]:
    """The last day is not over yet, so that it is no gap; nor is what came before the first."""
    begun = [day for day in days[:-1] if counts and day >= min(counts)]
    starts = {midnight(day, zone): day for day in begun}
    known = {midnight(day, zone): count for day, count in counts.items()}
    rate = sum(counts.values()) / max(1, len(begun))
    gaps = {starts[start] for start in silent([*starts], known, rate, DAY)}
    return tuple(Day(day, counts.get(day, 0), day in gaps) for day in days)
