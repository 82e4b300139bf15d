"""The commands that keep the store in order: store check, migrate and expire; sweep."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from listening.cli import output
from listening.cli.options import Json, opened, reading
from listening.errors import ConfigError, ListeningError
from listening.report.wording import counted

cli = typer.Typer()
store_cli = typer.Typer(help="Check, migrate and thin out the store.", no_args_is_help=True)


@store_cli.command()
def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Compare what is there with what should be.

    Exit code 2 when something is wrong.
    """
    found = reading(context).store.check()
    if as_json:
        output.as_json({"sound": not found, "problems": list(found)})
    for problem in found if not as_json else ():
        output.say(problem)
    if found:
        raise typer.Exit(2)
    if not as_json:
        output.say("The store is as it should be")


@store_cli.command()
def migrate(context: typer.Context, *, as_json: Json = False) -> None:
    """Bring the store to this version's layout, while it is in use."""
    app = reading(context)
    with output.counting("moved") as count:
        moved = app.migrate(progress=count)
    if as_json:
        output.as_json({"store": app.place, "moved": moved})
    elif moved:
        output.say(f"Moved {counted(moved, 'item')} to the layout of this version")
    elif app.is_remote:
        output.say("Up to date: there was nothing to move")
    else:
        output.say("Up to date: a SQLite file is brought to this version's layout when opened")


@store_cli.command()
def expire(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: Json = False,
) -> None:
    """Remove whole months that are older than the settings keep.

    How long that is says keep = "400d" there.
    """
    app = reading(context)
    gone = app.expire(dry_run=dry_run)
    if as_json:
        output.as_json({"expired": gone, "dry_run": dry_run})
    else:
        verb = "Would remove" if dry_run else "Removed"
        output.say(f"{verb} {counted(gone, 'item')} of before {app.oldest():%Y-%m-%d}")


@cli.command()
def sweep(
    context: typer.Context,
    streams: Annotated[
        list[str] | None,
        typer.Argument(metavar="STREAM", help="All that can be asked by default."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Ask sources what was withdrawn there, and erase it here."""
    app = opened(context)
    names = streams or app.sweepable()
    if not names:
        raise ConfigError("there is nothing to sweep: no stream of the settings can be asked")
    reading(context)
    failures = []
    for name in names:
        try:
            with output.counting(f"{name}: asked about") as count:
                found = app.sweep(name, progress=count)
        except ListeningError as error:  # one source's trouble must not stop the others
            failures.append(output.told(error, as_json=as_json, stream=name))
            continue
        if as_json:
            output.as_json(asdict(found))
        else:
            output.say(f"{name}: {found.checked:,} asked about, {found.erased:,} erased")
    if failures:
        raise typer.Exit(min(failures))  # a person, if anyone, must act
