"""The commands that move feedback through the pipeline, and what becomes of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from listening import __version__, settings, status
from listening.app import App, demo_settings
from listening.cli import (
    INTERRUPTED,
    alerts,
    care,
    desk,
    digest,
    draw,
    keep,
    model,
    named,
    output,
    people,
    read,
    serve,
    shapes,
)
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
    part_of,
    reading,
    window,
)
from listening.errors import ConfigError, ListeningError
from listening.pipeline import EVERYTHING, Ingested, Stream
from listening.records import Window
from listening.report.wording import counted

SPIKES = "spikes"
_OF_ALL = ("--store", "--config", "-c")
_Usage: Any = typer.BadParameter.__base__  # click's UsageError, of which typer exports only this
STOPPED = "stopped; what was done is kept, and the same command run again goes on from there"

cli = typer.Typer(
    help="Listen to what people say about brands: pull, score, search, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.add_typer(read.cli)
cli.add_typer(care.cli)
cli.add_typer(keep.cli)
cli.add_typer(serve.cli)
cli.add_typer(read.query_cli, name="query")
cli.add_typer(desk.searches, name="searches")
cli.add_typer(desk.labels, name="labels")
cli.add_typer(care.quarantine_cli, name="quarantine")
cli.add_typer(keep.store_cli, name="store")
cli.add_typer(alerts.cli, name="alerts")
cli.add_typer(digest.cli, name="digest")
cli.add_typer(model.cli, name="model")
cli.add_typer(people.users, name="users")
cli.add_typer(people.tokens, name="tokens")


def _version(*, wanted: bool) -> None:
    if wanted:
        output.say(f"listening {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
]


@cli.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Settings; else listening.toml here."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="Store, instead of the settings'. Both options may stand after a command too.",
        ),
    ] = None,
    *,
    version: Version = False,
) -> None:
    """Listen to what people say about brands: pull, score, search, report."""
    del version  # which has been printed
    context.obj = {"config": config, "store": store}


@cli.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path(
        settings.FILE
    ),
    *,
    as_json: Json = False,
) -> None:
    """Write a settings file that explains every option."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(settings.template())
    except FileExistsError as error:
        raise ConfigError(
            f"{path} exists already; move it away first, or name another file"
        ) from error
    if as_json:
        output.as_json({"written": str(path)})
    else:
        output.say(f"Wrote {path}. Edit it, then run: listening ingest && listening score")


@cli.command()
def demo(
    store: Annotated[Path, typer.Argument(metavar="FILE", help="Where to keep it.")] = Path(
        "listening-demo.sqlite"
    ),
    *,
    as_json: Json = False,
) -> None:
    """Show the whole pipeline on demo feedback.

    Of fictional brands: it is ingested, scored and reported on, in a store of its own.
    """
    app = App(demo_settings(store))
    for name in app.settings.streams:
        _pull(app, app.stream(name), EVERYTHING, dry_run=False)
    with output.counting("scored") as count:
        app.score(limit=None, progress=count)
    if app.alerts.book.find(SPIKES) is None:  # in the store, where the pages show and change it
        app.alerts.keep(SPIKES, {"when": "spike", "false_alarms": 1}, by="demo")
    found = app.report(app.where(""))
    if as_json:
        output.as_json({"store": str(store), "report": found.as_json()})
        return
    read.draw_report(found)
    for said in alerts.fired(app):
        output.say(said)
    output.say(
        f"\n{counted(found.overall.items, 'item')} of fictional brands are in {store}. Try:\n"
        f"  listening --store {store} search 'bagāža OR ბარგი'\n"
        f"  listening --store {store} report 'brand:Medus'\n"
        f"  listening --store {store} words 'sentiment:negative lang:lv'\n"
        f"  listening --store {store} alerts backtest\n"
        f"and look at it in the browser: listening serve --store {store}\n"
        "then with your own: listening ingest FILE.csv && listening score && listening report"
    )


@cli.command()
def ingest(
    context: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="STREAM|FILE", help="What to pull; all streams by default."),
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
    """Pull feedback from streams or files, each row once."""
    app = opened(context, creates=not dry_run)
    period = window(since, until, app.settings.zone)
    given = files_options(brand=brand, kind=kind, source=source, mapped=mapped, zone=zone)
    failures = []
    for name in _names(app, what):
        try:
            stream = _stream(app, name, given)
            _report(app, stream, _pull(app, stream, period, dry_run=dry_run), dry_run, as_json)
        except ListeningError as error:  # one source's trouble must not stop the others
            failures.append(output.told(error, as_json=as_json, stream=name))
    if failures:
        raise typer.Exit(min(failures))  # a person, if anyone, must act


def _names(app: App, what: Sequence[str] | None) -> list[str]:
    streams = app.settings.streams
    if not what and not streams:
        raise ConfigError(
            "there is nothing to ingest: name a file, e.g. listening ingest reviews.csv, or "
            f"write a {settings.FILE} with streams: listening init"
        )
    asked = what or list(streams)
    return [each for name in asked for each in ([name] if name in streams else named.spread(name))]


def _stream(app: App, name: str, given: dict[str, Any]) -> Stream:
    if name not in app.settings.streams:
        named.check(name, app.settings.streams)
        return app.file_stream(name, given)
    if given:
        options = ", ".join("--map" if option == "map" else f"--{option}" for option in given)
        raise ConfigError(
            f"{name} is a stream of the settings, and {options} only says how to read files; "
            f"set it under [streams.{name}] instead"
        )
    try:
        return app.stream(name)
    except ListeningError as error:
        if app.creates:  # a dry run leaves the store as it is
            status.failed(app.store, name, error)
        raise


def _pull(app: App, stream: Stream, period: Window, *, dry_run: bool) -> Ingested:
    with output.counting(f"{stream.name}: rows") as count:
        return app.ingest(stream, window=period, dry_run=dry_run, progress=count)


def _report(app: App, stream: Stream, result: Ingested, dry_run: bool, as_json: bool) -> None:
    layout = app.layout(stream)
    if as_json:
        output.as_json(shapes.ingested(result, layout, dry_run=dry_run))
    else:
        draw.ingested(result, layout, dry_run=dry_run)


@cli.command()
def score(
    context: typer.Context,
    *,
    again: Annotated[
        str | None,
        typer.Option(metavar="QUERY", help="Score again all texts it finds; '' finds all."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.")] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="N/M", help="Only part N of M, for workers side by side."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --again: only count the texts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score the texts that the model has not scored yet."""
    app, chosen = reading(context), part_of(part)
    if again is None and dry_run:
        raise ConfigError("--dry-run goes with --again; what waits is in: listening status")
    if again is not None and part is not None:
        raise ConfigError("--part is of what waits, not of a query: leave out --part or --again")
    with output.counting("scored") as count:
        if again is None:
            result = app.score(limit=limit, part=chosen, progress=count)
        else:
            result = app.rescore(again, limit=limit, dry_run=dry_run, progress=count)
    labels = shapes.labels(result.labels)
    if as_json:
        output.as_json({"model": result.model, "texts": result.texts, "labels": labels})
        return
    if dry_run:
        output.say(f"Would score {counted(result.texts, 'text')} again with {result.model}")
        return
    counts = ", ".join(f"{number:,} {label}" for label, number in labels.items())
    output.say(f"Scored {counted(result.texts, 'text')} with {result.model}: {counts}")


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    as_json = "--json" in arguments
    output.prepare(as_json=as_json)
    try:
        code = _code(list(arguments), as_json=as_json)
        if code == INTERRUPTED:
            output.trouble("Interrupted", STOPPED, in_json=as_json)
        sys.stdout.flush()
    except ListeningError as error:
        code = output.told(error, as_json=as_json)
    except BrokenPipeError:  # the reader, e.g. head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        code = output.CONFIG
        output.trouble(
            "ConfigError", f"{error.filename or 'the system'}: {error.strerror}", in_json=as_json
        )
    return code


def _code(arguments: list[str], *, as_json: bool) -> int:
    try:
        code = cli(_forward(arguments), prog_name="listening", standalone_mode=False)
    except _Usage as error:
        if as_json:
            output.trouble("ConfigError", error.format_message(), in_json=True)
        else:
            error.show()
        return output.CONFIG
    except SystemExit as end:  # how typer leaves a pipe that was closed
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    return code if isinstance(code, int) else 0


def _forward(arguments: list[str]) -> list[str]:
    """The same with the options of all commands first, which people put last."""
    first, rest = [], []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument in _OF_ALL:
            first += [argument, *islice(left, 1)]
        elif argument.startswith(tuple(f"{name}=" for name in _OF_ALL)):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest
