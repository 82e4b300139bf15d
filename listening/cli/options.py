"""Options that several commands share, and what they mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from dateutil import parser as dates

from listening import settings
from listening.app import App
from listening.errors import ConfigError
from listening.records import Kind, Window

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Since = Annotated[str | None, typer.Option(help="From this time on (ISO, or 7d for days back).")]
Until = Annotated[str | None, typer.Option(help="Before this time (ISO).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read everything, store nothing.")]
Brand = Annotated[str | None, typer.Option(help="Brand, where the file names none.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="What the file's rows are.")]
SourceLabel = Annotated[str | None, typer.Option("--source", help="What to call the source.")]
Zone = Annotated[str | None, typer.Option(help="Time zone of times that have none.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=FIELD", help="How to read a column; repeat for more."),
]
Limit = Annotated[int, typer.Option(min=1, max=200, help="At most so many.")]
_TINY = "d"


def opened(context: typer.Context) -> App:
    """The app over the settings and the store that the command line names."""
    chosen = settings.load(context.obj["config"])
    store = context.obj["store"]
    return App(chosen if store is None else replace(chosen, store=_absolute(store)))


def _absolute(store: str) -> str:
    return store if "://" in store else str(Path(store).absolute())


def window(since: str | None, until: str | None, zone: str) -> Window:
    return Window(since=_moment(since, zone, "--since"), until=_moment(until, zone, "--until"))


def _moment(text: str | None, zone: str, option: str) -> datetime | None:
    if text is None:
        return None
    if text.endswith(_TINY) and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(days=int(text[:-1]))
    try:
        moment = dates.isoparse(text)
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r} is no time; write e.g. 2026-10-09, 2026-10-09T18:00 or 7d"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


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
