"""One write to the SQLite store, within the caller's transaction."""

# ruff: noqa: S608 - names of columns are ours; every value from outside is a parameter

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime

from listening.analysis import terms
from listening.records import DESK, PERSON, Feedback, Sentiment, month_of
from listening.stores import sqlite_rows
from listening.stores.periods import microseconds
from listening.stores.sqlite_rows import (
    COLUMNS,
    NO_TEXT,
    SENTIMENT,
    SERIES,
    UNSCORED,
    Row,
    position,
)


def put(db: sqlite3.Connection, one: Feedback) -> str:
    if db.execute("SELECT 1 FROM tombstone WHERE digest = ?", (digest(one.id),)).fetchone():
        return "duplicates"
    stored = db.execute(
        f"SELECT at, series, {', '.join(COLUMNS)}, model, {', '.join(SENTIMENT)}"
        " FROM feedback WHERE id = ?",
        (one.id,),
    ).fetchone()
    series = _series(db, one)
    row = sqlite_rows.encode(one)
    if stored is None:
        _insert(db, _free(db, position(row[COLUMNS.index("created")])), series, row, one.language)
        return "stored"
    return _replace(db, stored, series, row, one.language)


def _replace(db: sqlite3.Connection, stored: Row, series: int, row: Row, language: str) -> str:
    version, created, text = (COLUMNS.index(name) for name in ("version", "created", "text"))
    at, old_series, *rest = stored
    old, (model, *sentiment) = rest[: len(COLUMNS)], rest[len(COLUMNS) :]
    if row[version] < old[version]:
        return "duplicates"
    same_text = old[text] == row[text]
    if same_text:
        row = (old[0], *row[1:])  # the label stays
    new_content = (series, *row[:version], *row[version + 1 :])
    if new_content == (old_series, *old[:version], *old[version + 1 :]):
        # A later version that says the same still keeps earlier ones out.
        db.execute("UPDATE feedback SET version = ? WHERE at = ?", (row[version], at))
        return "duplicates"
    _delete(db, at)
    if old[created] != row[created]:
        at = _free(db, position(row[created]))
    _insert(db, at, series, row, language)
    if same_text and model is not None:
        db.execute(
            f"UPDATE feedback SET (model, {', '.join(SENTIMENT)}) = (?, ?, ?, ?, ?) WHERE at = ?",
            (model, *sentiment, at),
        )
    return "updated"


def _insert(db: sqlite3.Connection, at: int, series: int, row: Row, language: str) -> None:
    marks = ", ".join("?" * (2 + len(COLUMNS)))
    db.execute(
        f"INSERT INTO feedback (at, series, {', '.join(COLUMNS)}) VALUES ({marks})",
        (at, series, *row),
    )
    surface, stem = terms(row[-1], language)
    if stem:
        db.execute("INSERT INTO terms (rowid, surface, stem) VALUES (?, ?, ?)", (at, surface, stem))


def _delete(db: sqlite3.Connection, at: int) -> None:
    db.execute("DELETE FROM feedback WHERE at = ?", (at,))
    db.execute("DELETE FROM terms WHERE rowid = ?", (at,))


def _free(db: sqlite3.Connection, at: int) -> int:
    """The first number from ``at`` on after a run of taken ones: by doubling, then halving."""

    def taken(number: int) -> bool:
        return db.execute("SELECT 1 FROM feedback WHERE at = ?", (number,)).fetchone() is not None

    if not taken(at):
        return at
    last, step = at, 1
    while taken(last + step):
        last += step
        step *= 2
    while step > 1:
        step //= 2
        if taken(last + step):
            last += step
    return last + 1


def _series(db: sqlite3.Connection, one: Feedback) -> int:
    values = sqlite_rows.series_of(one)
    where = " AND ".join(f"{name} = ?" for name in SERIES)
    found = db.execute(f"SELECT code FROM series WHERE {where}", values).fetchone()
    if found is None:
        return int(
            db.execute(
                f"INSERT INTO series ({', '.join(SERIES)}) VALUES ({', '.join('?' * len(SERIES))})",
                values,
            ).lastrowid
            or 0
        )
    return int(found[0])


def _model(db: sqlite3.Connection, name: str) -> int:
    db.execute("INSERT OR IGNORE INTO model (name) VALUES (?)", (name,))
    return int(db.execute("SELECT code FROM model WHERE name = ?", (name,)).fetchone()[0])


def annotate(db: sqlite3.Connection, id_: str, text: str, sentiment: Sentiment | None) -> int:
    """How many rows took it: 0 when the text is another one by now, or a person's label stays."""
    columns = ", ".join(f"{name} = ?" for name in ("label", *SENTIMENT, "model"))
    values: Row = (UNSCORED, *[None] * len(SENTIMENT), None)
    if sentiment is not None:
        values = (*sqlite_rows.encode_sentiment(sentiment), _model(db, sentiment.model))
    person = _model(db, PERSON)
    stays = sentiment is not None and sentiment.model != PERSON
    return db.execute(
        f"UPDATE feedback SET {columns} WHERE id = ? AND text = ? AND label <> ?"
        " AND model IS NOT ?",
        (*values, id_, text, NO_TEXT, person if stays else -1),
    ).rowcount


def erase(db: sqlite3.Connection, id_: str) -> int:
    """Leave a tombstone; how many rows went."""
    db.execute("INSERT OR IGNORE INTO tombstone VALUES (?)", (digest(id_),))
    db.execute("DELETE FROM note WHERE kind = ? AND key = ?", (DESK, id_))
    found = db.execute("SELECT at FROM feedback WHERE id = ?", (id_,)).fetchall()
    for (at,) in found:
        _delete(db, at)
    return len(found)


def expire(db: sqlite3.Connection, before: datetime) -> int:
    """Delete what was created before the month of ``before``; how many rows went."""
    end = position(microseconds(month_of(before)))
    db.execute("DELETE FROM terms WHERE rowid < ?", (end,))
    return db.execute("DELETE FROM feedback WHERE at < ?", (end,)).rowcount


def digest(id_: str) -> bytes:
    return hashlib.blake2b(id_.encode(), digest_size=16).digest()
