"""Options that several commands share, and what they mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from listening import settings
from listening.app import App
from listening.errors import ConfigError
from listening.records import SLOTS, WHOLE, Kind, Part, Window
from listening.sources.columns import FIELDS

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="From this time on: 2026-10-09, or 7d for days back."),
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Before this time, which itself is left out.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read everything, store nothing.")]
Brand = Annotated[
    str | None, typer.Option(metavar="NAME", help="Brand, where the file names none.")
]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="What the file's rows are.")]
SourceLabel = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="What to call the source.")
]
Zone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Of times that have none, e.g. Europe/Riga.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help=f"How to read a column; repeat for more. FIELD: {', '.join(FIELDS)}.",
    ),
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=200, help="At most so many.")]
_MOST_DAYS = 36_500


def opened(context: typer.Context, *, creates: bool = False) -> App:
    """The app over the settings and the store that the command line names."""
    chosen = settings.load(context.obj["config"])
    store = context.obj["store"]
    if store is not None:
        chosen = replace(chosen, store=store if "://" in store else str(Path(store).absolute()))
    return App(chosen, creates=creates)


def reading(context: typer.Context) -> App:
    """The same for a command that only makes sense once there is a store."""
    app = opened(context)
    if not app.has_store:
        raise ConfigError(
            f"there is no store {app.place}; fill one with listening ingest, or name another "
            "with --store"
        )
    return app


def window(since: str | None, until: str | None, zone: str) -> Window:
    found = Window(since=_moment(since, zone, "--since"), until=_moment(until, zone, "--until"))
    if found.since and found.since == found.until:
        after = found.until + timedelta(days=1)
        raise ConfigError(f"--until is left out itself: for that day write --until {after:%F}")
    if found.since and found.until and found.since > found.until:
        raise ConfigError(f"--since {since} is not before --until {until}; swap them")
    return found


def _moment(text: str | None, zone: str, option: str) -> datetime | None:
    if text is None:
        return None
    days = text.removesuffix("d")
    if days != text and days.isdecimal() and int(days) <= _MOST_DAYS:
        return datetime.now(UTC) - timedelta(days=int(days))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r} is no time; write e.g. 2026-10-09, 2026-10-09T18:00 or 7d"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def part_of(text: str | None) -> Part:
    """The first of four is ``1/4``."""
    if text is None:
        return WHOLE
    number, _, of = text.partition("/")
    try:
        found = Part(int(number) - 1, int(of))
    except ValueError:
        found = Part(0, 0)
    if not 0 <= found.number < found.of <= SLOTS:
        raise ConfigError(
            f"--part {text!r}: write e.g. 1/4 to 4/4 for four workers; {SLOTS} are the most"
        )
    return found


def files_options(*, mapped: list[str] | None, **given: object) -> dict[str, Any]:
    """Options of the files source that were given."""
    options = {name: value for name, value in given.items() if value is not None}
    if mapped:
        options["map"] = dict(_pair(text) for text in mapped)
    return options


def _pair(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals or not column:
        raise ConfigError(f"--map {text!r}: write COLUMN=FIELD, e.g. --map 'Score=nps'")
    return column, field
