"""The commands that look: sentiment, search, query, report, words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from listening import query
from listening.app import App
from listening.cli import output, shapes
from listening.cli.options import Json, Limit, Since, Until, opened, window
from listening.errors import ConfigError
from listening.records import Hits, Span
from listening.trial import try_query

TOGETHER = 1024  # texts scored at once: memory stays small however long the file

cli = typer.Typer()
query_cli = typer.Typer(help="Check and explain queries.", no_args_is_help=True)

Query = Annotated[str, typer.Argument(help="In the query language; empty means everything.")]
Lines = Annotated[Path | None, typer.Option("--file", help="JSON lines, each with a text.")]


@cli.command()
def sentiment(
    context: typer.Context,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...")] = None,
    *,
    file: Lines = None,
    as_json: Json = False,
) -> None:
    """Score texts given here, or each line of a file; nothing is stored."""
    app = opened(context)
    if not texts and file is None:
        raise ConfigError("there is no text: give some, or --file F.jsonl")
    rows = _read(file) if file else iter([{"text": text} for text in texts or ()])
    while chunk := list(islice(rows, TOGETHER)):
        for row, result in zip(chunk, _scored(app, chunk), strict=True):
            output.as_json(result) if as_json else _draw_sentiment(row, result)


def _scored(app: App, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One answer a row, in order; a row that could not be read is answered by its error."""
    readable = [row for row in rows if "error" not in row]
    found = iter(app.sentiment([row["text"] for row in readable]))
    for row in rows:
        if "error" in row:
            yield row
        else:
            yield {**shapes.sentiment(next(found)), "language": app.language(row)}


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON lines file; in place of one without a text, an ``error`` and its line."""
    try:
        file = path.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _row(line, path, number)


def _row(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        return {"error": f"no JSON: {error}", "file": str(path), "line": number}
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        return {"error": 'no "text" that is a string', "file": str(path), "line": number}
    return row


def _draw_sentiment(row: dict[str, Any], result: dict[str, Any]) -> None:
    from listening import terminal  # noqa: PLC0415 - drawing is not always wanted

    terminal.draw_sentiment(row.get("text", ""), result, output.console)


@cli.command()
def search(
    context: typer.Context,
    text: Query = "",
    *,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    as_json: Json = False,
) -> None:
    """Find feedback, newest first."""
    app = opened(context)
    found = app.search(
        app.where(text, window(since, until, app.settings.zone)), limit=limit, cursor=cursor
    )
    if as_json:
        output.as_json(shapes.hits(found))
    else:
        _draw_hits(found)


def _draw_hits(found: Hits) -> None:
    from listening import terminal  # noqa: PLC0415 - drawing is not always wanted

    terminal.draw_hits(found, output.console)


@cli.command()
def report(
    context: typer.Context,
    text: Query = "",
    *,
    since: Since = None,
    until: Until = None,
    by: Annotated[str | None, typer.Option(help="day, week or month.")] = None,
    as_json: Json = False,
) -> None:
    """Report on feedback: volume, net sentiment, surveys, complaints, what stood out."""
    app = opened(context)
    found = app.report(app.where(text, window(since, until, app.settings.zone)), by=by)
    if as_json:
        output.as_json(found.as_json())
        return
    from listening import terminal  # noqa: PLC0415 - drawing is not always wanted

    terminal.draw_report(found, output.console)


@cli.command()
def words(
    context: typer.Context,
    text: Query = "sentiment:negative",
    *,
    against: Annotated[
        str | None, typer.Option(help="The query to compare with; everything else.")
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Show the words that set the texts of a query apart from others."""
    found = opened(context).words(text, against, limit=limit)
    if as_json:
        output.as_json([shapes.word(one) for one in found])
        return
    from listening import terminal  # noqa: PLC0415 - drawing is not always wanted

    terminal.draw_words(found, output.console)


@query_cli.command()
def check(text: Annotated[str, typer.Argument(metavar="QUERY")], *, as_json: Json = False) -> None:
    """Say whether a query can be read and, if not, where and how to mend it."""
    node = query.parse(text)
    if as_json:
        output.as_json({"query": text, "valid": True, "canonical": query.format(node)})
    else:
        output.console.print(f"The query is valid: {query.format(node)}", markup=False)


@query_cli.command()
def explain(
    text: Annotated[str, typer.Argument(metavar="QUERY")],
    *,
    sample: Annotated[str | None, typer.Option("--text", help="A text to try it on.")] = None,
    file: Lines = None,
    as_json: Json = False,
) -> None:
    """Say in words what a query means and which texts it matches, by which words."""
    node = query.parse(text)
    rows = ([{"text": sample}] if sample is not None else []) + (list(_read(file)) if file else [])
    if not as_json:
        output.console.print(query.describe(node), markup=False)
        for hint in query.hints(node):
            output.console.print(f"Note: {hint}", markup=False)
    elif not rows:
        hints = list(query.hints(node))
        output.as_json({"query": text, "meaning": query.describe(node), "hints": hints})
    for row, result in zip(rows, try_query(node, rows), strict=True):
        if as_json:
            output.as_json(result)
        else:
            _draw_match(row, result)


def _draw_match(row: dict[str, Any], result: dict[str, Any]) -> None:
    from listening import terminal  # noqa: PLC0415 - drawing is not always wanted

    if "error" in result:
        output.troubles.print(f"line {result['line']}: {result['error']}", markup=False)
        return
    mark = "✓" if result["matches"] else "✗"
    spans = tuple(Span(*span) for span in result["spans"])
    output.console.print(mark, terminal.highlighted(row["text"], spans))
