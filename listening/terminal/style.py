"""What every drawing shares: shades, tables, dates, and texts made safe."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import ceil
from typing import NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from listening.records import Label
from listening.terminal.safety import clean


class Shade(NamedTuple):
    """Each label has its own block as well as its colour: not everybody sees colours."""

    block: str
    style: str


SHADES = {
    Label.NEGATIVE: Shade("█", "red"),
    Label.NEUTRAL: Shade("░", "bright_black"),
    Label.POSITIVE: Shade("▒", "green"),
    Label.UNKNOWN: Shade("?", "bright_black"),
}


def table_of(*columns: str | Text) -> Table:
    """A column whose name begins with ``*`` is of numbers, to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        number = str(column).startswith("*")
        name = Text(str(column)[1:]) if number else as_text(column)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def add_row(table: Table, *cells: str | Text) -> None:
    table.add_row(*map(as_text, cells))


def as_text(cell: str | Text) -> Text:
    """Never markup: a brand may be called ``[red]``."""
    return Text(clean(cell)) if isinstance(cell, str) else cell


def columns(heights: Iterable[float]) -> Text:
    """Heights of 0 to 1; only 0 has no column."""
    return Text("".join(" ▁▂▃▄▅▆▇█"[ceil(8 * height)] for height in heights))


def span(first: date, last: date) -> str:
    if first == last:
        return on_day(first)
    if first.year != last.year:
        return f"{on_day(first)} to {on_day(last)}"
    month = "" if first.month == last.month else f" {first:%b}"
    return f"{first.day}{month} to {on_day(last)}"


def on_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
