"""The course of an alarm as one chart: a Vega-Lite specification, for pages, mails and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from listening.alerts import detect
from listening.alerts.alert import Outcome
from listening.alerts.evidence import counted
from listening.alerts.replay import setting_of
from listening.alerts.rules import Rule, When
from listening.alerts.state import State
from listening.alerts.watch import Scope, Watch
from listening.errors import ConfigError
from listening.records import Label

SHOWN = 7 * 24  # buckets at most, and at least what was looked at
HISTORY = timedelta(days=56)  # to know by then what was to be expected
_RED, _GREY, _BLUE = "#c0392b", "#9aa5b1", "#2c5f8a"


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
    there = counted(watch.rule, watch.narrowed(scope))
    alone = Watch(store=watch.store, rule=watch.rule, where=watch.narrowed(scope))
    every = {start: row.get(scope) for start, row in alone.counts(starts, 1, until).items()}
    bad = Watch(store=watch.store, rule=watch.rule, where=there)
    seen = {start: row[scope].count for start, row in bad.counts(starts, 1, until).items()}
    zone = ZoneInfo(watch.rule.zone)
    if watch.rule.when is not When.SPIKE:
        return [Point(start.astimezone(zone), seen.get(start, 0)) for start in starts[-shown:]]
    totals = [sum(b.labels.values()) if (b := every.get(start)) else 0 for start in starts]
    return _expected(
        watch.rule, [s.astimezone(zone) for s in starts], [seen.get(s, 0) for s in starts], totals
    )[-shown:]


def _expected(
    rule: Rule, starts: Sequence[datetime], seen: Sequence[int], totals: Sequence[int]
) -> list[Point]:
    """Each bucket beside what the detector, one bucket at a time, expected of it."""
    setting = replace(setting_of(rule), windows=(1,))
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


def chart(points: Sequence[Point], outcome: Outcome, title: str, label: str) -> dict[str, Any]:
    """A Vega-Lite specification with its data: bars, red within the outcome's window."""
    hours = timedelta(hours=outcome.hours or 0)
    rows = [
        {
            "time": f"{one.start:%Y-%m-%dT%H:%M:%S}",
            "observed": one.observed,
            "expected": one.expected,
            "low": one.low,
            "high": one.high,
            "alarm": outcome.at - hours <= one.start < outcome.at,
        }
        for one in points
    ]
    if rows:  # a step lasts until the next begins
        after = f"{outcome.at.astimezone(points[-1].start.tzinfo):%Y-%m-%dT%H:%M:%S}"
        rows.append({**rows[-1], "time": after, "observed": None})
    time = {
        "field": "time",
        "type": "temporal",
        "title": None,
        "axis": {"format": "%-d %b", "tickCount": "day", "labelOverlap": True},
    }
    band = {
        "mark": {"type": "area", "color": _GREY, "opacity": 0.3, "interpolate": "step-after"},
        "encoding": {
            "x": time,
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
        },
    }
    line = {
        "mark": {"type": "line", "color": _BLUE, "strokeWidth": 1.5, "interpolate": "step-after"},
        "encoding": {"x": time, "y": {"field": "expected", "type": "quantitative"}},
    }
    bars = {
        "mark": {"type": "bar", "width": {"band": 0.9}},
        "encoding": {
            "x": {**time, "timeUnit": _unit(points)},
            "y": {
                "field": "observed",
                "type": "quantitative",
                "title": label,
                "axis": {"tickMinStep": 1},
            },
            "color": {
                "condition": {"test": "datum.alarm", "value": _RED},
                "value": "#b9c3cd",
            },
        },
    }
    known = any(one.expected is not None for one in points)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {
            "text": title,
            "subtitle": "line and band: expected, with its 80 % interval" if known else "",
            "anchor": "start",
        },
        "width": 720,
        "height": 260,
        "background": "white",
        "padding": 12,
        "data": {"values": rows},
        "layer": [bars, band, line] if known else [bars],
    }


def _unit(points: Sequence[Point]) -> str:
    hourly = len(points) > 1 and points[1].start - points[0].start < timedelta(days=1)
    return "yearmonthdatehours" if hourly else "yearmonthdate"


def subject(rule: Rule) -> str:
    """What the bars of a rule's chart count."""
    if rule.when is When.DROP:
        return "unfavourable answers"
    return f"{rule.label or Label.NEGATIVE} texts"


def png(specification: dict[str, Any]) -> bytes:
    """Drawn offline; raises ConfigError where what draws is not installed."""
    try:
        import vl_convert  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError("pictures need an extra: pip install 'listening[alerts]'") from None
    try:
        drawn: bytes = vl_convert.vegalite_to_png(
            specification, vl_version="5.20", scale=2, allowed_base_urls=[]
        )
    except ValueError as error:
        raise ConfigError(f"the picture cannot be drawn: {error}") from error
    return drawn
