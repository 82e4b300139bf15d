"""The course of an alert: what was seen, red where it alarms, and what was to be expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from listening import query
from listening.alerts.rules import Rule, When
from listening.charts import Svg, svg, vega
from listening.charts.reports import Words, ceiling, counted
from listening.records import Label
from listening.web.asked import Asked, both
from listening.web.locale import _, number
from listening.web.locale_terms import clock, day, short_day, term

Json = Mapping[str, Any]
_WORDS = Words(gettext=_, term=term, number=number)
HEIGHT = 200


def subject(rule: Rule) -> str:
    """What the bars of a rule count."""
    if rule.when is When.DROP:
        return _("unfavourable answers")
    if rule.when is When.OUTAGE:
        return _("collected texts")
    return _("%(label)s texts", label=term(rule.label or Label.NEGATIVE))


def course_chart(course: Json, label: str, zone: str) -> Svg | None:
    """A course as ``trial`` has it in JSON, each bar leading to what it counts; None: no bars."""
    bars = [_row(bar, course["query"], label, zone) for bar in course["bars"]]
    if not bars:
        return None
    most = ceiling(max(max(bar["seen"], bar["high"] or 0) for bar in bars))
    layers = [
        vega.bars("low", "high", style="interval"),
        vega.bars("nothing", "seen", by="alarm", width=0.9),
        vega.levels("expected"),
        vega.zero(),
    ]
    spec = vega.chart(
        [vega.panel(bars, layers, counted(most, _WORDS), height=HEIGHT)],
        {bar["slot"]: bar["name"] for bar in bars},
        about=_("%(label)s over time, with what was to be expected", label=label),
        named=[bar["slot"] for bar in bars if bar["midnight"]],
        gap=0,
    )
    return svg(spec)


def _row(bar: Json, found: str, label: str, zone: str) -> dict[str, Any]:
    start, end = (datetime.fromisoformat(bar[name]) for name in ("start", "end"))
    local = start.astimezone(ZoneInfo(zone))
    return {
        "slot": bar["start"],
        "name": short_day(local.date()),
        "midnight": not (local.hour or local.minute),
        "nothing": 0,
        "seen": bar["observed"],
        **{name: bar[name] for name in ("expected", "low", "high")},
        "alarm": "alarm" if bar["alarm"] else "usual",
        "told": _told(bar, label, start, end, zone),
        "href": mentions(found, start, end) if bar["observed"] else None,
    }


def _told(bar: Json, label: str, start: datetime, end: datetime, zone: str) -> str:
    hourly = end - start < timedelta(hours=23)
    when = clock(start, zone) if hourly else day(start.astimezone(ZoneInfo(zone)).date())
    said = _("%(label)s: %(count)s (%(when)s)", label=label, count=bar["observed"], when=when)
    if bar["expected"] is None or bar["low"] is None or bar["high"] is None:
        return said
    usual = {name: number(bar[name], 1) for name in ("expected", "low", "high")}
    return said + _("; expected: %(expected)s (%(low)s–%(high)s)", **usual)


def mentions(found: str, start: datetime, end: datetime) -> str:
    """Where what a query finds between two times is read."""
    times = f"after:{query.written(start)} before:{query.written(end)}"
    return Asked(q=both(found, times)).mentions()
