"""What would have fired on a store of real feedback, and why; prints a table of alarms.

    python -m benchmarks.real_alerts listening.toml --source us_airline --bucket hour

Looks at one source or all, over its whole time, with the rule that ``listening init`` proposes:
one false alarm a brand in 30 days. ``--bucket`` may be given several times.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from listening import settings
from listening.alerts.backtest import Alarm, backtest
from listening.alerts.evidence import evidence
from listening.alerts.rules import Rule, Width
from listening.alerts.watch import Watch
from listening.app import App
from listening.records import Dimension, Filter, Label

WORDS = 4
DAY, HOURS = timedelta(days=1), timedelta(hours=23)


def watch_of(app: App, source: str, width: Width) -> Watch:
    return app.alerts.watch(
        Rule(name=source, source=(source,), bucket=width, zone=app.settings.zone)
    )


def lines(watch: Watch) -> Iterator[tuple[str, str, str, str]]:
    """The stream and what it had, then each alarm and why."""
    days = watch.store.aggregate(watch.where, by=[Dimension.DAY], zone=watch.rule.zone)
    first, last = (datetime.fromisoformat(days[place].key[0]) for place in (0, -1))
    until = watch.end(watch.floor(last.replace(tzinfo=ZoneInfo(watch.rule.zone)) + HOURS))
    found = backtest(watch, until - (last - first) - DAY, until)
    rate = 30 * len(found.alarms) / max(1, found.alerts) / found.days
    labels = watch.store.aggregate(watch.where, by=[Dimension.LABEL])
    negative = sum(one.count for one in labels if one.key == (Label.NEGATIVE,))
    had = f"{found.alerts} brands, {found.days:.0f} days, {negative:,} negative texts"
    summary = f"{len(found.alarms)} alarms; {rate:.2f} a brand in 30 days"
    yield watch.rule.name, watch.rule.bucket, had, summary
    for alarm in found.alarms:
        yield "", "", *told(watch, alarm)


def told(watch: Watch, alarm: Alarm) -> tuple[str, str]:
    peak = alarm.episode.peak
    behind = evidence(watch, alarm.scope, peak)
    words = ", ".join(word.term for word in behind.words[:WORDS]) if behind else ""
    when = f"{alarm.labels.get('brand', '')}, {alarm.episode.started:%Y-%m-%d %H:%M}"
    usual = "unknown" if peak.expected is None else f"{peak.expected:.1f}"
    return when, f"{peak.kind}: {peak.observed:g} against {usual}; {words}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path)
    parser.add_argument("--source", action="append", help="all of the store without it")
    parser.add_argument("--bucket", action="append", type=Width, choices=list(Width))
    asked = parser.parse_args()
    app = App(settings.load(asked.settings), creates=False)
    stored = app.store.aggregate(Filter(), by=[Dimension.SOURCE])
    table = Table("stream", "bucket", "what it had; alarm", "result; why", box=None)
    for source in asked.source or [one.key[0] for one in stored]:
        for width in asked.bucket or [Width.DAY]:
            for line in lines(watch_of(app, source, width)):
                table.add_row(*line)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
