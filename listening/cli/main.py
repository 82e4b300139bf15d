"""The commands that move feedback through the pipeline, and the entry point."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from listening import __version__, settings
from listening.app import App, demo_settings
from listening.cli import care, output, read, shapes
from listening.cli.options import (
    Brand,
    DryRun,
    Json,
    KindOption,
    Map,
    Since,
    SourceLabel,
    Until,
    Zone,
    files_options,
    opened,
    window,
)
from listening.errors import ConfigError, ListeningError, TransientError
from listening.pipeline import Ingested, Stream
from listening.records import Window
from listening.sources.files import Layout

SHOWN = 10
CONFIG, TEMPORARY = 2, 75  # exit codes: a person must act; try later (EX_TEMPFAIL)

cli = typer.Typer(
    help="Listen to what people say about brands: pull, score, search, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.add_typer(read.cli)
cli.add_typer(care.cli)
cli.add_typer(read.query_cli, name="query")
cli.add_typer(care.quarantine_cli, name="quarantine")


@cli.callback()
def options(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file.")] = None,
    store: Annotated[str | None, typer.Option(help="Store, instead of the settings'.")] = None,
) -> None:
    """Listen to what people say about brands: pull, score, search, report."""
    context.obj = {"config": config, "store": store}


@cli.command()
def version(*, as_json: Json = False) -> None:
    """Print the version."""
    output.as_json({"version": __version__}) if as_json else output.console.print(__version__)


@cli.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path(settings.FILE),
    *,
    as_json: Json = False,
) -> None:
    """Write a settings file that names and explains every option."""
    if path.exists():
        raise ConfigError(f"{path} exists already; move it away first, or name another file")
    path.write_text(settings.template(), encoding="utf-8")
    if as_json:
        output.as_json({"written": str(path)})
    else:
        output.console.print(
            f"Wrote {path}. Edit it, then run: listening ingest && listening score"
        )


@cli.command()
def demo(
    store: Annotated[Path, typer.Argument(help="Where to keep it.")] = Path(
        "listening-demo.sqlite"
    ),
    *,
    as_json: Json = False,
) -> None:
    """Run the whole pipeline over demo feedback of fictional brands, and report on it."""
    app = App(demo_settings(store))
    results = [
        _pull(app, app.stream(name), Window(), dry_run=False) for name in app.settings.streams
    ]
    with output.counting("scored") as count:
        app.score(limit=None, progress=count)
    found = app.report(app.where(""))
    if as_json:
        output.as_json({"ingested": [r.rows for r in results], "report": found.as_json()})
        return
    from listening.terminal import draw_report  # noqa: PLC0415 - drawing is not always wanted

    draw_report(found, output.console)
    output.console.print(
        f"\n{sum(r.rows for r in results):,} items of fictional brands are in {store}. Try:\n"
        f"  listening --store {store} search 'bagāža OR ბარგი'\n"
        f"  listening --store {store} report 'brand:Medus'"
    )


@cli.command()
def ingest(
    context: typer.Context,
    what: Annotated[
        list[str] | None, typer.Argument(help="Streams of the settings, or files. All streams.")
    ] = None,
    *,
    brand: Brand = None,
    kind: KindOption = None,
    source: SourceLabel = None,
    mapped: Map = None,
    zone: Zone = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Pull feedback from streams or files into the store, each row once."""
    app = opened(context)
    period = window(since, until, app.settings.zone)
    given = files_options(brand=brand, kind=kind, source=source, mapped=mapped, zone=zone)
    names = what or list(app.settings.streams)
    if not names:
        raise ConfigError(
            "there is nothing to ingest: name a file, or write streams with: listening init"
        )
    failures: list[ListeningError] = []
    for name in names:
        try:
            _ingest_one(app, name, given, period, dry_run=dry_run, as_json=as_json)
        except ListeningError as error:  # one source's trouble must not stop the others
            failures.append(error)
            _say(error, as_json=as_json, stream=name)
    if failures:
        raise typer.Exit(_code(failures[0]))


def _ingest_one(
    app: App, name: str, given: dict[str, Any], period: Window, *, dry_run: bool, as_json: bool
) -> None:
    stream = app.stream(name) if name in app.settings.streams else _file(app, name, given)
    layout = app.layout(stream)
    result = _pull(app, stream, period, dry_run=dry_run)
    if as_json:
        output.as_json(shapes.ingested(result, layout, dry_run=dry_run))
    else:
        _draw_ingested(result, layout, dry_run=dry_run)


def _file(app: App, name: str, given: dict[str, Any]) -> Stream:
    if not any(mark in name for mark in "*?[") and not Path(name).is_file():
        return app.stream(name)  # which says that it is neither
    return app.file_stream(name, given)


def _pull(app: App, stream: Stream, period: Window, *, dry_run: bool) -> Ingested:
    with output.counting(f"{stream.name}: rows") as count:
        return app.ingest(stream, window=period, dry_run=dry_run, progress=count)


def _draw_ingested(result: Ingested, layout: Layout | None, *, dry_run: bool) -> None:
    output.console.print(
        f"{result.stream}: {result.rows:,} rows, {result.stored:,} "
        f"{'would be new' if dry_run else 'new'}, {result.updated:,} updated, "
        f"{result.duplicates:,} known already, {len(result.quarantined):,} set aside",
        markup=False,
    )
    if layout is not None and dry_run:
        for column, meaning in layout.mapping.items():
            output.console.print(f"  {column} -> {meaning or 'not used'}", markup=False)
        for note in layout.notes:
            output.console.print(f"  {note}", markup=False)
    for row in result.quarantined[:SHOWN]:
        where = f"line {row.line}" if row.line else row.origin
        column = f", {row.column}" if row.column else ""
        output.troubles.print(f"  {where}{column}: {row.reason}", markup=False)
    if len(result.quarantined) > SHOWN:
        output.troubles.print("  … all of them: listening quarantine list")


@cli.command()
def score(
    context: typer.Context,
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many texts.")] = None,
    as_json: Json = False,
) -> None:
    """Score the sentiment of every text that the model has not scored yet."""
    app = opened(context)
    with output.counting("scored") as count:
        result = app.score(limit=limit, progress=count)
    labels = shapes.labels(result.labels)
    if as_json:
        output.as_json({"model": result.model, "texts": result.texts, "labels": labels})
        return
    counts = ", ".join(f"{number:,} {label}" for label, number in labels.items())
    output.console.print(f"Scored {result.texts:,} texts with {result.model}: {counts}.")


def _code(error: ListeningError) -> int:
    return TEMPORARY if isinstance(error, TransientError) else CONFIG


def _say(error: ListeningError, *, as_json: bool, **more: str) -> None:
    if as_json:
        output.as_json({"error": type(error).__name__, "message": str(error), **more})
    output.troubles.print(f"listening: {error}", style="red", markup=False)


def main() -> NoReturn:
    """Run the command line. Exit codes: 0 done, 2 a person must act, 75 try again later."""
    try:
        cli()
    except ListeningError as error:
        _say(error, as_json="--json" in sys.argv)
        sys.exit(_code(error))
    except BrokenPipeError:  # the reader, e.g. head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)
