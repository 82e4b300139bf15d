"""What the commands say to people, apart from what ``terminal`` draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from listening.cli import output
from listening.pipeline import Ingested
from listening.query import QueryError
from listening.records import Rejected
from listening.report.wording import counted
from listening.sources.files import Layout
from listening.status import Status, StreamStatus

MOST_REJECTED = 10
MOST_RAW = 160  # characters of a row set aside: two lines of a terminal


def ingested(result: Ingested, layout: Layout | None, *, dry_run: bool) -> None:
    """The counts, how the columns were read, and the first rows that were set aside."""
    counts = (
        f"{result.stored:,} {'could be stored' if dry_run else 'new'}",
        *([f"{result.updated:,} updated"] if result.updated else []),
        *([f"{result.duplicates:,} known already"] if result.duplicates else []),
        *([f"{result.erased:,} withdrawn"] if result.erased else []),
        *([f"{result.expired:,} older than is kept"] if result.expired else []),
        f"{len(result.quarantined):,} set aside",
    )
    name = layout.path if layout and result.stream.startswith("file:") else result.stream
    output.say(f"{name}: {counted(result.rows, 'row')}: {', '.join(counts)}")
    if layout is not None:
        _layout(layout)
    for row in result.quarantined[:MOST_REJECTED]:
        column = f", {row.column}" if row.column else ""
        output.say(f"  set aside: {place(row)}{column}: {row.reason}")
    if len(result.quarantined) > MOST_REJECTED:
        output.say(f"  … and {len(result.quarantined) - MOST_REJECTED:,} more")


def _layout(layout: Layout) -> None:
    used = [f"{column} → {field}" for column, field in layout.mapping.items() if field]
    unused = [column for column, field in layout.mapping.items() if not field]
    output.say(f"  read as: {', '.join(used) or 'nothing'}")
    if unused:
        output.say(f"  not used: {', '.join(unused)}")
    output.say(f"  ids from: {layout.id_from}")
    for note in layout.notes:
        output.say(f"  note: {note}")


def place(row: Rejected) -> str:
    return row.origin if row.line is None else f"{row.origin}:{row.line}"


def quarantine(held: Mapping[str, Rejected]) -> None:
    output.say(f"{counted(len(held), 'row')} set aside")
    for number, row in held.items():
        column = f", {row.column}" if row.column else ""
        output.say(f"{number}  {place(row)}{column}: {row.reason}")
        output.say(f"    {' '.join(row.raw[:MOST_RAW].split())}")
    if held:
        output.say("Mend a setting and try again: listening quarantine retry [ID]...")


def sentiment(row: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    if "error" in result:
        _unreadable(result)
        return
    if not row["text"].strip():
        output.say("no text")
        return
    surest = max(result[name] for name in ("negative", "neutral", "positive"))
    text = " ".join(row["text"].split())
    output.say(f"{result['label']:8}  {surest:4.0%}  {result['language']:3}  {text}")


def match(result: Mapping[str, Any]) -> None:
    if "error" in result:
        _unreadable(result)
        return
    because = f"  ({', '.join(result['words'])})" if result["words"] else ""
    mark = "yes" if result["matches"] else "no "
    output.say(f"{mark}  {' '.join(result['text'].split())}{because}")


def _unreadable(result: Mapping[str, Any]) -> None:
    where = f"line {result['line']}: " if "line" in result else ""
    output.warn(f"{where}{result['error']}")


def query_error(text: str, error: QueryError) -> None:
    """The query with a mark under the character at fault."""
    from rich.cells import cell_len  # noqa: PLC0415 - of letters that are two columns wide

    if "\n" not in text:
        output.plain(f"  {text}\n  {' ' * cell_len(text[: error.position])}^")


def status(found: Status) -> None:
    missing = "" if found.exists else " (not there yet; fill it with: listening ingest)"
    period = f", {found.first} to {found.last}" if found.first else ""
    waiting = " (score them with: listening score)" if found.unscored else ""
    aside = " (see them with: listening quarantine list)" if found.quarantined else ""
    output.say(f"Store: {found.store}{missing}")
    output.say(f"Feedback: {found.feedback:,}{period}")
    output.say(f"Texts not scored yet: {found.unscored:,}{waiting}")
    output.say(f"Rows set aside: {found.quarantined:,}{aside}")
    for source in found.sources:
        output.say(
            f"Source {source.name}: {counted(source.feedback, 'item')}, the newest of {source.last}"
        )
    for stream in found.streams:
        output.say(f"Stream {stream.name} ({stream.source}): {_stream(stream)}")


def _stream(stream: StreamStatus) -> str:
    if stream.run is None:
        return "pulled before" if stream.pulled else "never pulled"
    run = stream.run
    said = (
        f"{stream.health}, every {stream.every}; {run.ended[:16].replace('T', ' ')} UTC: "
        f"{run.stored:,} new, {run.updated:,} changed, {run.quarantined:,} set aside"
    )
    if stream.meter:
        said += f"; {stream.meter.spent:,} of {stream.meter.budget:,} read this month"
    return f"{said}; {run.error}" if run.error else said


def sources(shape: Mapping[str, Any]) -> None:
    output.say(f"{shape['source']}: {shape['about']}")
    output.say(f"  options: {', '.join(shape['options'])}")
    output.say(f"  streams: {', '.join(shape['streams']) or 'none in the settings'}")
