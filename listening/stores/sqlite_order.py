"""Pages of hits in other orders than by time, which the order of the rows does not give."""

# ruff: noqa: S608 - names of columns are ours; every value from outside is a parameter

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from typing import NamedTuple

from listening.records import Order
from listening.stores.reading import broken_cursor
from listening.stores.sqlite_query import HIGHEST, LOWEST, Selection

MISSING = -1  # below every probability and count
_FIGURES = {
    Order.NEGATIVE: "negative",
    Order.POSITIVE: "positive",
    Order.ENGAGING: "engagement",
}
_FIGURED = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)~(-?[0-9]{1,19})")


class Placed(NamedTuple):
    """Where a row is, and the cursor of what comes after it."""

    at: int
    cursor: str


def page(
    db: sqlite3.Connection, selection: Selection, order: Order, limit: int, cursor: str | None
) -> list[Placed]:
    """The first ``limit`` after the cursor; its functions must be defined."""
    if order is Order.OLDEST:
        return _oldest(db, selection, limit, cursor)
    return _by_figure(db, selection, _FIGURES[order], limit, cursor)


def _oldest(
    db: sqlite3.Connection, selection: Selection, limit: int, cursor: str | None
) -> list[Placed]:
    after = LOWEST if cursor is None else read_cursor(cursor) + 1
    rows = replace(selection, low=max(selection.low, after)).rows()
    found = db.execute(f"SELECT {rows.text} ORDER BY at LIMIT ?", (*rows.params, limit))
    return [Placed(at, str(at)) for (at,) in found]


def _by_figure(
    db: sqlite3.Connection, selection: Selection, column: str, limit: int, cursor: str | None
) -> list[Placed]:
    rows = selection.rows()
    figure = f"ifnull(p.{column}, {MISSING})"
    params: tuple[float, ...] = ()
    if cursor is not None:
        params = _read_figured(cursor)
    later = f"WHERE ({figure}, p.at) < (?, ?)" if params else ""
    # The rows are found in the narrow index first: only those of the selection are read whole.
    found = db.execute(
        f"SELECT p.at, {figure} AS figure FROM (SELECT {rows.text}) w"
        f" CROSS JOIN feedback p ON p.at = w.at {later} ORDER BY figure DESC, p.at DESC LIMIT ?",
        (*rows.params, *params, limit),
    )
    return [Placed(at, f"{figure!r}~{at}") for at, figure in found]


def read_cursor(cursor: str) -> int:
    number = int(cursor) if re.fullmatch(r"-?[0-9]{1,19}", cursor) else LOWEST - 1
    if not LOWEST <= number <= HIGHEST:
        raise broken_cursor(cursor)
    return number


def _read_figured(cursor: str) -> tuple[float, int]:
    found = _FIGURED.fullmatch(cursor)
    if found is None:
        raise broken_cursor(cursor)
    whole = found[1].lstrip("-").isdecimal()
    return (int(found[1]) if whole else float(found[1])), read_cursor(found[2])
