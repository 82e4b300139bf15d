"""Whether a SQLite file holds together: what SQLite itself says, and what only we know."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

from listening.errors import ConfigError
from listening.stores import sqlite_counts
from listening.stores.sqlite_file import MEMORY, SqliteFile, connect

Open = AbstractContextManager[sqlite3.Connection]
Stage = Callable[[sqlite3.Connection], Iterator[str]]

_RESTORE = "restore it from a backup, or pull into a new store"


def faults(file: SqliteFile) -> Iterator[str]:
    """What is wrong, a sentence each with the next step; the whole file is read."""
    reading = partial(file.reading, math.inf)
    stages: list[tuple[Callable[[], Open], Stage]] = [
        (reading, _of_file),
        (reading, _of_schema),
        (file.writing, _of_words),  # FTS5 takes the question for a write
        (reading, _of_chunks),
    ]
    for opened, stage in stages:
        try:
            with opened() as db:
                found = list(stage(db))
        except ConfigError as error:  # so damaged that SQLite gives up
            yield str(error)
        else:
            yield from (f"{file.path}: {said}; {_RESTORE}" for said in found)


def _of_file(db: sqlite3.Connection) -> Iterator[str]:
    for (said,) in db.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield f"the file is damaged ({said})"
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} refers to a row of {parent} that is gone"


def _of_schema(db: sqlite3.Connection) -> Iterator[str]:
    fresh = connect(MEMORY)
    query = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"
    expected, found = dict(fresh.execute(query)), dict(db.execute(query))
    fresh.close()
    for name in sorted(expected):
        if found.get(name, ...) != expected[name]:
            yield f"its {name} is {'not as it was made' if name in found else 'missing'}"


def _of_words(db: sqlite3.Connection) -> Iterator[str]:
    try:
        db.execute("INSERT INTO terms (terms) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        yield f"the full-text index does not say what its texts say ({error})"
        return
    lost = "SELECT count(*) FROM terms WHERE rowid NOT IN (SELECT at FROM feedback)"
    if count := db.execute(lost).fetchone()[0]:
        yield f"the full-text index has {count} texts that are gone"


def _of_chunks(db: sqlite3.Connection) -> Iterator[str]:
    if wrong := sqlite_counts.wrong(db):
        numbers = ", ".join(map(str, wrong[:5]))
        yield f"{len(wrong)} packed chunks do not say what the rows say, as number {numbers}"
