"""Which days a report covers, how it steps through them, and what it compares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from listening.errors import ConfigError
from listening.protocols import Store
from listening.records import Bucket, Dimension, Filter, Window
from listening.report.shape import Comparison, Period

STEPS = ("day", "week", "month")
MOST_DAYS = 31  # shown day by day
MOST_WEEKS = 26
_DAY = timedelta(days=1)


def period(days: Sequence[Bucket], window: Window, *, zone: str, by: str | None) -> Period:
    """The window in whole days; where it is open, from the first or to the last day with data."""
    if by is not None and by not in STEPS:
        raise ConfigError(f"a report goes by {', '.join(STEPS)}, not by {by!r}; name one of them")
    local = ZoneInfo(zone)
    found = [date.fromisoformat(bucket.key[0]) for bucket in days]
    since = window.since.astimezone(local).date() if window.since else min(found, default=None)
    until = _ceiling(window.until.astimezone(local)) if window.until else None
    if until is None and found:
        until = max(found) + _DAY
    if since is None or until is None or until <= since:
        return Period(since=None, until=None, zone=zone, by=by or STEPS[0])
    return Period(since=since, until=until, zone=zone, by=by or _step((until - since).days))


def comparison(covered: Period, window: Window) -> Comparison | None:
    """The period before as long as this one; of data with an open beginning the two halves."""
    if covered.since is None or covered.until is None:
        return None
    length = covered.until - covered.since
    if window.since is not None:
        return Comparison(
            before_since=covered.since - length, since=covered.since, until=covered.until
        )
    half = timedelta(days=length.days // 2)
    if not half:
        return None
    since = covered.until - half
    return Comparison(before_since=since - half, since=since, until=covered.until)


def sides(
    store: Store, where: Filter, compared: Comparison, zone: str
) -> tuple[list[Bucket], list[Bucket]]:
    """The buckets by brand of the later and the earlier side."""

    def counted(since: date, until: date) -> list[Bucket]:
        window = Window(since=_midnight(since, zone), until=_midnight(until, zone))
        return store.aggregate(replace(where, window=window), by=[Dimension.BRAND])

    return (
        counted(compared.since, compared.until),
        counted(compared.before_since, compared.since),
    )


def starts(covered: Period) -> Iterator[str]:
    """The start of every day, week or month of the period, as stores name them."""
    if covered.since is None or covered.until is None:
        return
    start = _floor(covered.since, covered.by)
    while start < covered.until:
        yield start.isoformat()
        start = _floor(start + {"day": 1, "week": 7, "month": 31}[covered.by] * _DAY, covered.by)


def utc_days(window: Window, days: Sequence[Bucket]) -> tuple[date, date] | None:
    """First day and day after the last, in UTC, of the window or else of the data."""
    covered = period(days, window, zone="UTC", by=None)
    return (covered.since, covered.until) if covered.since and covered.until else None


def utc(since: date, until: date, within: Window) -> Window:
    """Whole UTC days, cut to ``within``."""
    low, high = (datetime.combine(day, time(), UTC) for day in (since, until))
    return Window(
        since=max(low, within.since) if within.since else low,
        until=min(high, within.until) if within.until else high,
    )


def _floor(day: date, by: str) -> date:
    if by == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if by == "week" else day


def _step(days: int) -> str:
    if days <= MOST_DAYS:
        return "day"
    return "week" if days <= MOST_WEEKS * 7 else "month"


def _ceiling(moment: datetime) -> date:
    return moment.date() if moment.time() == time() else moment.date() + _DAY


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
