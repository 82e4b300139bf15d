"""The commands that look: sentiment, search, query, report, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from listening import digest, query
from listening.app import App
from listening.cli import draw, files, lines, output, shapes
from listening.cli.lines import Row
from listening.cli.options import Json, Limit, Since, Until, opened, reading, window
from listening.digest import Format
from listening.errors import ConfigError
from listening.query import QueryError
from listening.report import Report
from listening.report.wording import counted
from listening.trial import try_query

TOGETHER = 1024  # texts scored at once: memory stays small however long the file

cli = typer.Typer()
query_cli = typer.Typer(help="Check and explain queries.", no_args_is_help=True)

Query = Annotated[
    str, typer.Argument(metavar="QUERY", help="In the query language; empty means everything.")
]
Lines = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="FILE", help="JSON lines, each with a text; - is standard input."
    ),
]


@cli.command()
def sentiment(
    context: typer.Context,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT")] = None,
    *,
    file: Lines = None,
    as_json: Json = False,
) -> None:
    """Score texts given here or in a file; nothing is stored."""
    app = opened(context)
    if not texts and file is None:
        raise ConfigError("there is no text: give some, or --file F.jsonl, or --file -")
    rows = lines.read(file) if file else iter([{"text": text} for text in texts or ()])
    unread = 0
    while chunk := list(islice(rows, TOGETHER)):
        for row, result in zip(chunk, _scored(app, chunk), strict=True):
            output.as_json(result) if as_json else draw.sentiment(row, result)
            unread += "error" in result
    if unread:
        name = "standard input" if file == lines.STANDARD_INPUT else file
        output.warn(f"{counted(unread, 'line')} of {name} could not be read")


def _scored(app: App, rows: Sequence[Row]) -> Iterator[Row]:
    """One answer a row, in order; a row that could not be read is answered by its error."""
    found = iter(app.sentiment([row["text"] for row in rows if "error" not in row]))
    for row in rows:
        if "error" in row:
            yield row
        else:
            yield {**shapes.sentiment(next(found)), "language": app.language(row)}


@cli.command()
def search(
    context: typer.Context,
    text: Query = "",
    *,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Where the last page ended.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find feedback, newest first."""
    app = reading(context)
    where = app.where(text, window(since, until, app.settings.zone))
    found = app.search(where, limit=limit, cursor=cursor)
    if as_json:
        output.as_json(shapes.hits(found))
        return
    from listening.terminal.hits import draw_hits  # noqa: PLC0415 - drawing is not always wanted

    draw_hits(found, output.console())
    if found.cursor:
        output.say(f"\nThe next page: the same with --cursor {found.cursor}")


@cli.command()
def report(
    context: typer.Context,
    text: Query = "",
    *,
    since: Since = None,
    until: Until = None,
    by: Annotated[str | None, typer.Option(metavar="STEP", help="day, week or month.")] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="As a file: png is the chart, all others the report."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to; its ending says the format."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Report on volume, sentiment, surveys and complaints."""
    app = reading(context)
    form = files.format_of(form, out)
    found = app.report(app.where(text, window(since, until, app.settings.zone)), by=by)
    if form is not None:
        files.write(digest.written(found, app.alerts.entries(), form), out, as_json=as_json)
        return
    output.as_json(found.as_json()) if as_json else draw_report(found)


def draw_report(found: Report) -> None:
    from listening.terminal import page  # noqa: PLC0415 - drawing is not always wanted

    page.draw_report(found, output.console())


@cli.command()
def words(
    context: typer.Context,
    text: Query = "sentiment:negative",
    *,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY",
            help="The query to compare with; else other sentiment, or all other texts.",
        ),
    ] = None,
    limit: Limit = 10,
    as_json: Json = False,
) -> None:
    """Show the words that set a query's texts apart, by language."""
    found = reading(context).words(text, against, limit=limit)
    if as_json:
        output.as_json([shapes.word(one) for one in found])
        return
    from listening.terminal.hits import draw_words  # noqa: PLC0415 - drawing is not always wanted

    draw_words(found, output.console())


@query_cli.command()
def check(text: Annotated[str, typer.Argument(metavar="QUERY")], *, as_json: Json = False) -> None:
    """Say whether a query is right, or where it is not."""
    try:
        canonical = query.format(query.parse(text))
    except QueryError as error:
        if not as_json:
            draw.query_error(text, error)
            raise
        output.as_json(
            {"query": text, "valid": False, "position": error.position, "message": str(error)}
        )
        raise typer.Exit(2) from error
    if as_json:
        output.as_json({"query": text, "valid": True, "canonical": canonical})
    else:
        output.say(f"The query is valid: {canonical}")


@query_cli.command()
def explain(
    text: Annotated[str, typer.Argument(metavar="QUERY")],
    *,
    sample: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="A text to try it on.")
    ] = None,
    file: Lines = None,
    as_json: Json = False,
) -> None:
    """Say what a query means, and which texts it matches."""
    node = query.parse(text)
    said = {"query": text, "meaning": query.describe(node), "hints": list(query.hints(node))}
    rows = [{"text": sample}] if sample is not None else []
    rows += lines.read(file) if file else []
    if not as_json:
        output.say(f"Finds {said['meaning']}")
        for hint in query.hints(node):
            output.say(f"Note: {hint}")
    elif not rows:
        output.as_json(said)
    for result in try_query(node, rows):
        output.as_json(said | result) if as_json else draw.match(result)
