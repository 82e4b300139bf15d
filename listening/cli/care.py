"""The commands that look after the store: quarantine, erase, sources, status."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from listening import settings
from listening.app import App
from listening.cli import draw, output, shapes
from listening.cli.options import (
    Brand,
    Json,
    KindOption,
    Map,
    SourceLabel,
    Zone,
    files_options,
    opened,
    reading,
)
from listening.errors import ConfigError
from listening.records import Filter
from listening.report.wording import counted
from listening.sources import SOURCES

cli = typer.Typer()
quarantine_cli = typer.Typer(help="What was set aside, and why.", no_args_is_help=True)


@quarantine_cli.command("list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List what was set aside, where it stood, and why."""
    held = reading(context).store.quarantine()
    if not as_json:
        draw.quarantine(held)
        return
    for number, row in held.items():
        output.as_json({"id": number, "stream": row.stream, **shapes.rejected(row), "raw": row.raw})


@quarantine_cli.command()
def retry(
    context: typer.Context,
    numbers: Annotated[list[str] | None, typer.Argument(metavar="ID")] = None,
    *,
    brand: Brand = None,
    kind: KindOption = None,
    source: SourceLabel = None,
    mapped: Map = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Try again what was set aside, all of it or by id.

    After a setting was mended. A row also leaves when a later pull can read it.
    """
    app = reading(context)
    unknown = set(numbers or ()) - app.store.quarantine().keys()
    if unknown:
        raise ConfigError(
            f"nothing is set aside as {', '.join(sorted(unknown))}; see: listening quarantine list"
        )
    given = files_options(brand=brand, kind=kind, source=source, mapped=mapped, zone=zone)
    result = app.retry(numbers or [], given)
    if as_json:
        failed = {number: row.reason for number, row in result.failed.items()}
        output.as_json({"stored": result.stored, "failed": failed})
        return
    output.say(f"{result.stored:,} stored, {len(result.failed):,} still set aside")
    for number, row in result.failed.items():
        output.say(f"  {number}: {row.reason}")


@cli.command()
def erase(
    context: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Of feedback, or of rows set aside."),
    ] = None,
    *,
    text: Annotated[
        str | None,
        typer.Option("--query", metavar="QUERY", help="Erase all it finds, e.g. author:NAME."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase feedback for good.

    No byte of it stays, and no later pull brings it back.
    """
    query = (text or "").strip()
    if not ids and not query:
        raise ConfigError("there is nothing to erase: name ids, or --query, e.g. author:NAME")
    app = reading(context)
    where = app.where(query) if query else None
    if not yes:
        _confirm(app, where, ids or [], as_json=as_json)
    erased = app.erase(where, ids or [])
    if as_json:
        output.as_json({"erased": erased.feedback, "quarantined": erased.quarantined})
    else:
        output.say(
            f"Erased {counted(erased.feedback, 'item')} and "
            f"{counted(erased.quarantined, 'row')} set aside"
        )


def _confirm(app: App, where: Filter | None, ids: list[str], *, as_json: bool) -> None:
    """Ask; raises ConfigError unless the answer is yes."""
    if as_json:
        raise ConfigError("nothing was erased: with --json nobody is asked, so say --yes as well")
    found = app.search(where, limit=1) if where else None
    count = f"{len(ids):,} by id" if ids else ""
    if found is not None:
        more = "" if found.total_is_exact else "more than "
        count += f"{' and ' if ids else ''}{more}{found.total:,} that the query finds"
    sys.stderr.write(f"Erase {count}, for good? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
        raise ConfigError("nothing was erased: it was not confirmed; answer y, or say --yes")


@cli.command()
def sources(context: typer.Context, *, as_json: Json = False) -> None:
    """List the kinds of source, and the streams of each."""
    streams = opened(context).settings.streams
    for name, source in SOURCES.items():
        shape = {
            "source": name,
            "about": (sys.modules[source.__module__].__doc__ or "").partition("\n")[0],
            "options": settings.options_of(name),
            "streams": [key for key, stream in streams.items() if stream.source == name],
        }
        output.as_json(shape) if as_json else draw.sources(shape)


@cli.command()
def status(context: typer.Context, *, as_json: Json = False) -> None:
    """Say what the store holds and what waits."""
    found = opened(context).status()
    output.as_json(asdict(found)) if as_json else draw.status(found)
