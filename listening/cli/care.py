"""The commands that look after the store: quarantine, erase, sources, status."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from listening import settings
from listening.cli import output, shapes
from listening.cli.options import (
    Brand,
    Json,
    KindOption,
    Map,
    SourceLabel,
    Zone,
    files_options,
    opened,
)
from listening.errors import ConfigError
from listening.sources import SOURCES

cli = typer.Typer()
quarantine_cli = typer.Typer(help="What was set aside, and why.", no_args_is_help=True)


@quarantine_cli.command("list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List what was set aside: where it stood, why, and its raw form."""
    held = opened(context).store.quarantine()
    if as_json:
        for number, row in held.items():
            output.as_json(
                {"id": number, "stream": row.stream, **shapes.rejected(row), "raw": row.raw}
            )
        return
    table = Table("id", "where", "column", "reason", "raw", title=f"{len(held):,} set aside")
    for number, row in held.items():
        where = row.origin if row.line is None else f"{row.origin}:{row.line}"
        table.add_row(number, where, row.column or "", row.reason, row.raw[:80])
    output.console.print(table)


@quarantine_cli.command()
def retry(
    context: typer.Context,
    numbers: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    *,
    brand: Brand = None,
    kind: KindOption = None,
    source: SourceLabel = None,
    mapped: Map = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Try again what was set aside, all of it or by id, after a setting was mended."""
    given = files_options(brand=brand, kind=kind, source=source, mapped=mapped, zone=zone)
    result = opened(context).retry(numbers or [], given)
    if as_json:
        failed = {number: row.reason for number, row in result.failed.items()}
        output.as_json({"stored": result.stored, "failed": failed})
        return
    output.console.print(f"{result.stored:,} stored, {len(result.failed):,} still set aside.")
    for number, row in result.failed.items():
        output.console.print(f"  {number}: {row.reason}", markup=False)


@cli.command()
def erase(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    *,
    text: Annotated[
        str | None, typer.Option("--query", help="Erase all that it finds, e.g. author:NAME.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase feedback for good: no byte of it stays, and no later pull brings it back."""
    if not ids and not (text or "").strip():
        raise ConfigError("there is nothing to erase: name ids, or --query, e.g. author:NAME")
    app = opened(context)
    where = app.where(text) if text else None
    count = len(ids or ()) + (app.search(where, limit=1).total if where else 0)
    if not yes and not as_json:
        typer.confirm(f"Erase {count:,} for good?", abort=True)
    erased = app.erase(where, ids or [])
    if as_json:
        output.as_json({"erased": erased})
    else:
        output.console.print(f"Erased {erased:,}.")


@cli.command()
def sources(context: typer.Context, *, as_json: Json = False) -> None:
    """List the sources that there are, and the streams of the settings."""
    streams = opened(context).settings.streams
    shape = [
        {
            "source": name,
            "about": (source.__doc__ or "").strip().splitlines()[0],
            "options": settings.options_of(name),
            "streams": [key for key, stream in streams.items() if stream.source == name],
        }
        for name, source in SOURCES.items()
    ]
    if as_json:
        for one in shape:
            output.as_json(one)
        return
    table = Table("source", "options", "streams")
    for one in shape:
        table.add_row(str(one["source"]), ", ".join(one["options"]), ", ".join(one["streams"]))
    output.console.print(table)


@cli.command()
def status(context: typer.Context, *, as_json: Json = False) -> None:
    """Say what the store holds, what waits, what was set aside, which streams were pulled."""
    found = opened(context).status()
    if as_json:
        output.as_json(asdict(found))
        return
    output.console.print(
        f"Store: {found.store}\n"
        f"Feedback: {found.feedback:,} from {found.first or 'never'} to {found.last or 'never'}\n"
        f"Waiting to be scored: {found.unscored:,}\n"
        f"Set aside: {found.quarantined:,}",
        markup=False,
    )
    table = Table("stream", "source", "pulled", title="Streams")
    for stream in found.streams:
        table.add_row(stream.name, stream.source, "yes" if stream.pulled else "not yet")
    if found.streams:
        output.console.print(table)
