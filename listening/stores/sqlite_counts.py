"""Counting by any dimensions within milliseconds: feedback as packed columns, counted by numpy.

The columns lie in the table ``chunk``, which triggers keep from lying: what they mark as stale is
packed again, or read from ``feedback`` itself, before it counts.
"""

# ruff: noqa: S608 - names of columns are ours; every value from outside is a parameter

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from listening.records import Bucket, Dimension, Label
from listening.stores.periods import PERIODS, Periods
from listening.stores.reading import MOST_BUCKETS, too_many_buckets
from listening.stores.sqlite_query import HIGHEST, LOWEST, Members
from listening.stores.sqlite_rows import LABELS, RATINGS, SERIES, UNSCORED

MOST_CELLS = 1 << 22  # beyond, sorting beats a table of every possible combination
NO_RATING = -1
MOST_LISTS = 128  # of ids, remembered

Numbers = npt.NDArray[np.signedinteger[Any]]
Rows = slice | Numbers
SeriesValues = Mapping[int, tuple[str, ...]]

_PACKED = np.dtype(
    [("at", "<i8"), ("series", "<i4"), ("label", "i1"), *((scale, "<i2") for scale in RATINGS)]
)


@dataclass(frozen=True, slots=True)
class Columns:
    """All feedback, oldest first, a number a column; a rating that was not given is -1."""

    at: Numbers
    series: Numbers
    label: Numbers
    ratings: Mapping[str, Numbers]
    periods: dict[tuple[Dimension, str], Periods] = field(default_factory=dict)
    listed: dict[frozenset[str], Numbers] = field(default_factory=dict)

    def by(self, period: Dimension, zone: str) -> Periods:
        key = (period, zone)
        if key not in self.periods:
            self.periods[key] = Periods.of(self.at >> 20, period, zone)
        return self.periods[key]

    def rows(
        self, low: int, high: int, series: Numbers | None, labels: Sequence[int] | None
    ) -> Rows:
        """Which rows are in low <= at < high, of one of the series, with one of the labels."""
        first, last = np.searchsorted(self.at, [low, high]).tolist()
        if high == HIGHEST:
            last = len(self.at)
        chosen = slice(first, last)
        wanted = []
        if series is not None:
            wanted.append(_among(series, int(self.series.max(initial=0)))[self.series[chosen]])
        if labels is not None:
            wanted.append(_among(np.array(labels, np.int64), len(LABELS))[self.label[chosen]])
        if not wanted:
            return chosen
        found: Numbers = np.flatnonzero(reduce(np.logical_and, wanted)) + first
        return found

    def narrowed(self, db: sqlite3.Connection, rows: Rows, members: Iterable[Members]) -> Rows:
        """Those of the rows that are, or are not, in each list of ids."""
        for ids, wanted in members:
            places = self._places(db, ids)
            if wanted:
                rows = _both(rows, places)
            else:
                others = np.ones(len(self.at), np.bool_)
                others[places] = False
                every = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
                rows = every[others[every]]
        return rows

    def _places(self, db: sqlite3.Connection, ids: frozenset[str]) -> Numbers:
        """Where these ids are: asked for once, as they are many and asked for again and again."""
        if ids not in self.listed:
            if len(self.listed) >= MOST_LISTS:
                self.listed.clear()
            found = db.execute(
                "SELECT at FROM feedback WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            )
            at = np.sort(np.array([at for (at,) in found], np.int64))
            self.listed[ids] = np.searchsorted(self.at, at)
        return self.listed[ids]


def _both(rows: Rows, places: Numbers) -> Numbers:
    if isinstance(rows, slice):
        inside: Numbers = places[(places >= rows.start) & (places < rows.stop)]
        return inside
    found: Numbers = np.intersect1d(rows, places, assume_unique=True)
    return found


def _among(codes: Numbers, highest: int) -> npt.NDArray[np.bool_]:
    wanted = np.zeros(highest + 1, np.bool_)
    wanted[codes[codes <= highest]] = True
    return wanted


def refresh(db: sqlite3.Connection) -> None:
    """Pack again what has changed; within a write transaction."""
    for (number,) in db.execute("SELECT number FROM stale").fetchall():
        db.execute("DELETE FROM chunk WHERE number = ?", (number,))
        if data := _pack(db, number).tobytes():
            db.execute("INSERT INTO chunk VALUES (?, ?)", (number, data))
    db.execute("DELETE FROM stale")
    db.execute("UPDATE chunk_version SET version = version + 1")


def stale(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM stale LIMIT 1").fetchone() is not None


def version(db: sqlite3.Connection) -> int:
    """The same number means the same chunks."""
    return int(db.execute("SELECT version FROM chunk_version").fetchone()[0])


def load(db: sqlite3.Connection) -> Columns:
    """The columns as of this transaction, whether packed or not."""
    unpacked = {number for (number,) in db.execute("SELECT number FROM stale")}
    chunks = {
        number: np.frombuffer(data, _PACKED)
        for number, data in db.execute("SELECT number, data FROM chunk")
        if number not in unpacked
    }
    chunks |= {number: _pack(db, number) for number in unpacked}
    ordered = [chunks[number] for number in sorted(chunks)]
    packed = np.concatenate([np.empty(0, _PACKED), *ordered])
    columns = {name: np.ascontiguousarray(packed[name]) for name in _PACKED.names or ()}
    return Columns(
        columns["at"],
        columns["series"],
        columns["label"],
        {scale: columns[scale] for scale in RATINGS if (columns[scale] != NO_RATING).any()},
    )


def wrong(db: sqlite3.Connection) -> list[int]:
    """Numbers of chunks that differ from the rows although nothing marks them as stale."""
    unpacked = {number for (number,) in db.execute("SELECT number FROM stale")}
    chunks = dict(db.execute("SELECT number, data FROM chunk"))
    taken = {number for (number,) in db.execute("SELECT DISTINCT at >> 37 FROM feedback")}
    return [
        number
        for number in sorted((chunks.keys() | taken) - unpacked)
        if chunks.get(number, b"") != _pack(db, number).tobytes()
    ]


def _pack(db: sqlite3.Connection, number: int) -> npt.NDArray[Any]:
    ratings = ", ".join(f"ifnull({scale}, {NO_RATING})" for scale in RATINGS)
    rows = db.execute(
        f"SELECT at, series, label, {ratings} FROM feedback INDEXED BY facts"
        " WHERE at >= ? AND at <= ? ORDER BY at",
        (max(LOWEST, number << 37), min(HIGHEST, ((number + 1) << 37) - 1)),
    )
    return np.fromiter(rows, _PACKED)


class Grouping(NamedTuple):
    """A code for each row, and what each code is called."""

    codes: Numbers
    names: Sequence[str]


def buckets(
    columns: Columns, rows: Rows, values: SeriesValues, by: Sequence[Dimension], zone: str
) -> list[Bucket]:
    """Count ``rows`` by the dimensions; ``values`` are those of ``SERIES`` behind each code."""
    groupings = [_grouping(columns, rows, values, dimension, zone) for dimension in by]
    group, keys = _combined(groupings, len(columns.at[rows]))
    labels = _table(group, columns.label[rows], len(keys), len(LABELS))
    ratings = {}
    for scale, ratings_of in columns.ratings.items():
        given = ratings_of[rows]
        answered = np.flatnonzero(given != NO_RATING)
        ratings[scale] = _table(group[answered], given[answered], len(keys))
    counted = [
        _bucket(key, labels[n], {scale: table[n] for scale, table in ratings.items()})
        for n, key in enumerate(keys)
    ]
    return sorted(counted, key=lambda bucket: bucket.key)


def _combined(groupings: Sequence[Grouping], size: int) -> tuple[Numbers, list[tuple[str, ...]]]:
    """The group of every row, and the key of every group that occurs."""
    cells = 1
    combined: Numbers = np.zeros(size, np.int64)
    for codes, names in groupings:
        combined = combined * len(names) + codes
        cells *= max(1, len(names))
    if cells <= MOST_CELLS:
        present = np.flatnonzero(np.bincount(combined, minlength=cells))
        places = np.zeros(cells, np.int64)
        places[present] = np.arange(len(present))
        group = places[combined]
    else:
        present, group = np.unique(combined, return_inverse=True)
    if len(present) > MOST_BUCKETS:
        raise too_many_buckets(len(present))
    keys = np.unravel_index(present, [max(1, len(names)) for _, names in groupings] or [1])
    named = zip(keys, (names for _, names in groupings), strict=False)
    columns = [[names[code] for code in codes] for codes, names in named]
    return group, list(zip(*columns, strict=True)) if columns else [()] * len(present)


def _grouping(
    columns: Columns, rows: Rows, values: SeriesValues, dimension: Dimension, zone: str
) -> Grouping:
    if dimension in PERIODS:
        periods = columns.by(dimension, zone)
        return Grouping(periods.codes[rows], periods.names)
    if dimension is Dimension.LABEL:
        return Grouping(np.maximum(columns.label[rows] - UNSCORED, 0), ["", *Label])
    place = SERIES.index(dimension)
    names = sorted({names[place] for names in values.values()})
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.zeros(max(values, default=0) + 1, np.int64)
    for series, names_of in values.items():
        codes[series] = code_of[names_of[place]]
    return Grouping(codes[columns.series[rows]], names)


def _table(group: Numbers, values: Numbers, groups: int, width: int = 0) -> Numbers:
    width = max(width, int(values.max(initial=0)) + 1)
    return np.bincount(group * width + values, minlength=groups * width).reshape(groups, width)


def _bucket(key: tuple[str, ...], labels: Numbers, ratings: Mapping[Any, Numbers]) -> Bucket:
    counts = dict(zip(LABELS, labels.tolist(), strict=True))
    tables = {scale: table.tolist() for scale, table in ratings.items() if table.any()}
    return Bucket(
        key=key,
        count=int(labels.sum()),
        labels={label: n for label, n in counts.items() if label is not None and n},
        unscored=int(labels[UNSCORED]),
        ratings={
            scale: {value: n for value, n in enumerate(table) if n}
            for scale, table in tables.items()
        },
    )
