"""The commands of alerts: evaluate, list, rules, show, ack, silence, test, backtest, detect."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from listening.app import App
from listening.cli import alert_shapes as shapes
from listening.cli import output
from listening.cli.options import Json, opened, reading
from listening.errors import ConfigError
from listening.report.wording import counted

if TYPE_CHECKING:
    from listening.alerts.alert import Outcome
    from listening.alerts.evidence import Evidence
    from listening.alerts.ledger import Entry

cli = typer.Typer(help="Find negative spikes, tell of them, try rules.", no_args_is_help=True)
_FEW = 3

Fingerprint = Annotated[
    str, typer.Argument(metavar="ALERT", help="Its name in the list, or the beginning of it.")
]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who does; else who is logged in.")]


@cli.command()
def evaluate(
    context: typer.Context,
    *,
    anew: Annotated[
        bool, typer.Option("--anew", help="Learn from all that is stored, as after re-scoring.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Evaluate all rules and send what is to be told.

    Run it after each scoring; it may be killed and run again. Exit code 2 when a rule failed.
    """
    done = reading(context).alerts.evaluate(anew=anew)
    failed = [one for one in done.rules if one.error]
    if as_json:
        output.as_json(
            {
                "rules": [
                    {
                        "rule": one.rule,
                        "alerts": one.alerts,
                        "firing": one.firing,
                        "told": one.told,
                        "error": one.error or None,
                    }
                    for one in done.rules
                ],
                "sent": done.delivered.sent,
                "failed": done.delivered.failed,
            }
        )
    else:
        for one in done.rules:
            said = one.error or f"{counted(one.alerts, 'alert')}, {one.firing} firing"
            output.say(f"{one.rule}: {said}")
        output.say(f"{counted(done.delivered.sent, 'notification')} sent")
    if done.delivered.failed:
        output.warn(
            f"{counted(done.delivered.failed, 'notification')} could not be sent, and will be "
            "tried again; see: listening alerts list"
        )
    if failed:
        raise typer.Exit(output.CONFIG)


@cli.command("list")
def list_(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that are quiet, too.")] = False,
    as_json: Json = False,
) -> None:
    """List the alerts that fire or cannot be judged, and channels that fail."""
    alerts = reading(context).alerts
    quiet = {"normal", "learning"}
    found = [e for e in alerts.entries() if every or e.alert.status not in quiet]
    for entry in found:
        output.as_json(shapes.entry(entry)) if as_json else _say_entry(entry, alerts.settings.zone)
    if as_json:
        return
    if not found:
        output.say("No alert fires")
    for name, state in alerts.channels().items():
        trouble = f" ({state.error})" if state.error else ""
        output.say(f"channel {name}: {counted(state.waiting, 'notification')} waiting{trouble}")
    for key, one in alerts.silences().items():
        labels = " ".join(f"{name}={value}" for name, value in one.matchers.items())
        output.say(f"silence {key}: {labels} until {_clock(one.ends, alerts.settings.zone)}")


@cli.command()
def rules(context: typer.Context, *, as_json: Json = False) -> None:
    """List the rules: those of the settings, and those that were made on the page Alerts."""
    for one in reading(context).alerts.book.written():
        if as_json:
            output.as_json(shapes.rule(one))
            continue
        place = f"kept, by {one.by}" if one.is_kept else "settings"
        state = f"ERROR: {one.error}" if one.error else "on" if one.is_on else "off"
        options = ", ".join(f"{name} = {value}" for name, value in one.table.items())
        output.say(f"{one.name} ({place}): {state}{options and '; '}{options}")


@cli.command()
def show(
    context: typer.Context,
    alert: Fingerprint,
    *,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw it into this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show an alert with its evidence."""
    alerts = reading(context).alerts
    found = alerts.show(alert)
    if picture is not None and found.outcome is not None:
        picture.write_bytes(alerts.png(found.entry.alert.labels, found.outcome))
    if as_json:
        output.as_json(shapes.shown(found))
        return
    zone = alerts.settings.zone
    _say_entry(found.entry, zone)
    if found.outcome is not None:
        _say_outcome(found.outcome, zone)
    if found.evidence is not None:
        _say_evidence(found.evidence)


@cli.command()
def ack(
    context: typer.Context, alert: Fingerprint, *, by: By = None, as_json: Json = False
) -> None:
    """Acknowledge an alarm: nobody is reminded of it any more."""
    entry = reading(context).alerts.acknowledge(alert, by or _me())
    if as_json:
        output.as_json(shapes.entry(entry))
    else:
        output.say(f"Acknowledged {entry.alert.fingerprint}: {_labels(entry)}")


@cli.command()
def silence(
    context: typer.Context,
    labels: Annotated[
        list[str] | None,
        typer.Argument(metavar="LABEL=VALUE", help="All must hold; * stands for anything."),
    ] = None,
    *,
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="E.g. 30m, 2h, 7d.")] = "2h",
    end: Annotated[str | None, typer.Option(metavar="ID", help="End this silence.")] = None,
    by: By = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    as_json: Json = False,
) -> None:
    """Tell nobody of alerts with these labels for a while, e.g. brand=Amberwing.

    Without labels the silences are listed.
    """
    alerts = reading(context).alerts
    if end is not None:
        alerts.end_silence(end)
        output.as_json({"ended": end}) if as_json else output.say(f"Ended silence {end}")
    elif labels:
        key = alerts.silence(dict(map(_pair, labels)), span, by or _me(), comment)
        output.as_json({"id": key}) if as_json else output.say(f"Silence {key} for {span}")
    else:
        for key, one in alerts.silences().items():
            told = " ".join(f"{name}={value}" for name, value in one.matchers.items())
            output.as_json(shapes.silence(key, one)) if as_json else output.say(
                f"{key}: {told}, by {one.by}"
            )


@cli.command("test")
def try_channel(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Of the settings.")],
    *,
    as_json: Json = False,
) -> None:
    """Send a test message to a channel."""
    opened(context).alerts.test(channel)
    output.as_json({"channel": channel, "sent": True}) if as_json else output.say(
        f"Sent a test message to {channel}"
    )


@cli.command()
def backtest(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Of the settings.")] = "spikes",
    *,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=3660, help="The last N that are stored.")
    ] = 90,
    as_json: Json = False,
) -> None:
    """Say when a rule would have fired; nobody is told.

    A rule called spikes need not be in the settings.
    """
    alerts = reading(context).alerts
    chosen = alerts.rule(rule)
    done = alerts.backtest(chosen, days)
    if as_json:
        output.as_json([one.as_json() for one in done.alarms])
        return
    zone = alerts.settings.zone
    for one in done.alarms:
        end = _clock(one.episode.ended, zone) if one.episode.ended else "now"
        scope = " · ".join(one.scope) or rule
        output.say(f"{scope}: {_clock(one.episode.started, zone)} to {end}")
        _say_outcome(one.episode.peak, zone)
        if behind := alerts.behind(chosen, one):
            _say_evidence(behind, samples=1)
    said = f"{counted(len(done.alarms), 'alarm')} in {days} days on {counted(done.alerts, 'alert')}"
    if chosen.when == "spike":
        most = chosen.false_alarms * days / 30 * done.alerts
        said += f"; of these at most {most:.3g} are to be expected by chance"
    output.say(said)


@cli.command()
def detect(
    counts: Annotated[Path, typer.Option(metavar="FILE.csv", help="timestamp,value")],
    *,
    false_alarms: Annotated[
        float, typer.Option(metavar="N", min=0.001, max=30, help="At most, in 30 days.")
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """Score any series of counts, row by row: only what came before is looked at."""
    from listening.alerts import series  # noqa: PLC0415 - numpy
    from listening.alerts.detect import Setting  # noqa: PLC0415 - likewise

    rows = series.read(counts)
    for one in series.score(rows, Setting(false_alarms=false_alarms)):
        if as_json:
            output.as_json(
                {
                    "timestamp": one.row.text,
                    "value": one.row.value,
                    "score": one.score,
                    "firing": one.firing,
                    "high": one.high,
                    "phase": one.phase,
                    "observed": one.observed,
                    "expected": one.expected,
                    "p": one.p,
                }
            )
        elif one.firing:
            output.say(
                f"{one.row.text}: {one.observed or 0:g} seen, {one.expected or 0:.3g} expected, "
                f"score {one.score:.1f}"
            )


def fired(app: App) -> Iterator[str]:
    """A line for each alarm that the rules would have raised."""
    for name, rule in app.alerts.book.rules().items():
        done = app.alerts.backtest(rule, 90)
        for one in done.alarms:
            peak, start = one.episode.peak, _clock(one.episode.started, app.settings.zone)
            yield (
                f"Alert {name}: {' · '.join(one.scope)} on {start}: "
                f"{peak.observed or 0:g} negative texts in {peak.hours or 0:g} h, "
                f"{peak.expected or 0:.2g} expected"
            )


def _say_entry(entry: Entry, zone: str) -> None:
    alert = entry.alert
    since = f" since {_clock(alert.since, zone)}" if alert.since else ""
    known = alert.episode.acknowledged_by if alert.episode else ""
    more = f", acknowledged by {known}" if known else ""
    error = f" ({alert.error})" if alert.error else ""
    output.say(f"{alert.fingerprint}  {alert.status}{since}{more}: {_labels(entry)}{error}")


def _say_outcome(one: Outcome, zone: str) -> None:
    from listening.alerts import wording  # noqa: PLC0415 - seldom wanted

    kind = f"{one.kind}: " if one.kind else ""
    output.say(f"  {kind}{wording.figures(one, zone)}")


def _say_evidence(found: Evidence, samples: int = _FEW) -> None:
    for fact in found.facts:
        output.say(f"  {fact}")
    for sample in found.samples[:samples]:
        output.say(f"  “{' '.join(sample.text.split())[:200]}”")
    output.say(f"  to see all {found.texts:,}: listening search {_quoted(found.query)}")


def _quoted(text: str) -> str:
    import shlex  # noqa: PLC0415 - for people only

    return shlex.quote(text)


def _labels(entry: Entry) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(entry.alert.labels.items()))


def _clock(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise ConfigError(f"{text!r} is no label; write e.g. brand=Amberwing or rule='*'")
    return name, value


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return str(os.getuid())
