"""The course of an alarm as one chart: a Vega-Lite specification, for pages, mails and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from listening.alerts import detect, evidence
from listening.alerts.alert import Outcome
from listening.alerts.replay import setting_of
from listening.alerts.rules import Rule, When, Width
from listening.alerts.state import State
from listening.alerts.watch import Scope, Watch
from listening.charts import png, vega
from listening.charts.reports import ceiling, counted
from listening.charts.vega import Spec
from listening.records import Label

__all__ = ["Point", "chart", "course", "png", "subject"]

SHOWN = 7 * 24  # buckets at most, and at least what was looked at
HISTORY = timedelta(days=35)  # to know by then what was to be expected
CACHED = 64  # courses, for pages that are looked at again


@dataclass(frozen=True, slots=True)
class Point:
    """A bucket: how many were seen and were to be expected, with its 80 % interval where known."""

    start: datetime
    observed: int
    expected: float | None = None
    low: float | None = None
    high: float | None = None


def course(watch: Watch, scope: Scope, outcome: Outcome) -> list[Point]:
    """The buckets up to an outcome, in the rule's zone."""
    width = watch.width
    shown = min(SHOWN, round(max(timedelta(days=7), 28 * width) / width))
    until = watch.floor(outcome.at)
    first = max(until - max(HISTORY, 2 * shown * width), watch.first() or until)
    starts = watch.starts(first, until)
    if not starts:
        return []
    return _points(watch, scope, starts, until)[-shown:]


def period(watch: Watch, scope: Scope, since: datetime, until: datetime) -> list[Point]:
    """The same from ``since`` to ``until``, a day in one where the buckets are hours."""
    first = max(since - HISTORY, watch.first() or until)
    starts = watch.starts(first, until)
    if not starts:
        return []
    daily = watch.rule.bucket is Width.HOUR
    points = _points(watch, scope, starts, until, 24 if daily else 1)
    groups = [[*group] for _, group in groupby(points, lambda one: one.start.date())]
    found = [_together(group) for group in groups] if daily else points
    return [one for one in found if one.start >= since]


def _together(points: Sequence[Point]) -> Point:
    """The last of a day was expected of the 24 hours before its end."""
    seen = sum(one.observed for one in points)
    return replace(points[-1], start=points[0].start, observed=seen)


def _points(
    watch: Watch, scope: Scope, starts: Sequence[datetime], until: datetime, window: int = 1
) -> list[Point]:
    """What was seen in each bucket, and to be expected of the last ``window``."""
    there = evidence.counted(watch.rule, watch.narrowed(scope))
    alone = Watch(store=watch.store, rule=watch.rule, where=watch.narrowed(scope))
    every = {start: row.get(scope) for start, row in alone.counts(starts, 1, until).items()}
    bad = Watch(store=watch.store, rule=watch.rule, where=there)
    seen = {start: row[scope].count for start, row in bad.counts(starts, 1, until).items()}
    local = [start.astimezone(ZoneInfo(watch.rule.zone)) for start in starts]
    counts = [seen.get(start, 0) for start in starts]
    if watch.rule.when is not When.SPIKE:
        return [Point(start, count) for start, count in zip(local, counts, strict=True)]
    totals = [sum(b.labels.values()) if (b := every.get(start)) else 0 for start in starts]
    setting = replace(setting_of(watch.rule), windows=(window,))
    return _expected(setting, tuple(local), tuple(counts), tuple(totals))


@lru_cache(maxsize=CACHED)
def _expected(
    setting: detect.Setting,
    starts: tuple[datetime, ...],
    seen: tuple[int, ...],
    totals: tuple[int, ...],
) -> list[Point]:
    """Each bucket beside what the detector expected of its window; half a second's work."""
    buckets = (
        detect.Counts(start, np.array([float(negative)]), np.array([float(total)]))
        for start, negative, total in zip(starts, seen, totals, strict=True)
    )
    verdicts = detect.replay(State.empty(1, setting.spans), buckets, setting)
    return [
        Point(start, count, *(_known(each[0]) for each in (v.expected, v.low, v.high)))
        for start, count, (_, v) in zip(starts, seen, verdicts, strict=True)
    ]


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def chart(
    points: Sequence[Point],
    outcome: Outcome,
    title: str,
    label: str,
    href: Callable[[Point], str | None] = lambda _: None,
) -> Spec:
    """What was seen of ``label``, red within the outcome's window, and what was to be expected.

    ``href``: where the texts of a bucket are read.
    """
    start = outcome.at - timedelta(hours=outcome.hours or 0)
    rows = [
        {
            "slot": one.start.isoformat(),
            "nothing": 0,
            "seen": one.observed,
            "expected": one.expected,
            "low": one.low,
            "high": one.high,
            "alarm": "alarm" if start <= one.start < outcome.at else "usual",
            "told": _told(one, label),
            "href": href(one),
        }
        for one in points
    ]
    most = ceiling(max((max(one.observed, one.high or 0) for one in points), default=1))
    layers = [
        vega.bars("low", "high", style="interval"),
        vega.bars("nothing", "seen", by="alarm", width=0.9),
        vega.levels("expected"),
        vega.zero(),
    ]
    known = any(one.expected is not None for one in points)
    slots = {one.start.isoformat(): f"{one.start.day} {one.start:%b}" for one in points}
    return vega.chart(
        [vega.panel(rows, layers, counted(most), height=260)],
        slots or {"": ""},
        about=f"{title}: {label} over time",
        title=title,
        subtitle=f"{label}; line and band: expected, with its 80 % interval" if known else label,
        named=[one.start.isoformat() for one in points if one.start.hour == 0],
        gap=0,
    )


def _told(one: Point, label: str) -> str:
    hour = f", {one.start:%H:%M}" if one.start.hour or one.start.minute else ""
    told = f"{one.start.day} {one.start:%b %Y}{hour}: {one.observed:,} {label}"
    if one.expected is None or one.low is None or one.high is None:
        return told
    return f"{told}, {one.expected:.3g} expected ({one.low:.3g} to {one.high:.3g})"


def subject(rule: Rule) -> str:
    """What the bars of a rule's chart count."""
    if rule.when is When.DROP:
        return "unfavourable answers"
    return f"{rule.label or Label.NEGATIVE} texts"
