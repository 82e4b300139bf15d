"""The store that needs nothing but Python: one SQLite file, searchable in every language."""

# ruff: noqa: S608 - names of columns are ours; every value from outside is a parameter

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import numpy as np

from listening.analysis import tokens
from listening.errors import TransientError
from listening.match import Matcher, same_text
from listening.records import (
    PERSON,
    WHOLE,
    Bucket,
    Dimension,
    Feedback,
    Filter,
    Hit,
    Hits,
    Note,
    Order,
    Part,
    Refusal,
    Rejected,
    Sentiment,
    TermCounts,
    Written,
    slot,
)
from listening.stores import (
    sqlite_check,
    sqlite_counts,
    sqlite_order,
    sqlite_query,
    sqlite_rows,
    sqlite_words,
    sqlite_write,
)
from listening.stores.reading import (
    COUNTED,
    QUERY_SECONDS,
    SAMPLE,
    Frequencies,
    check_limit,
    telling,
)
from listening.stores.sqlite_counts import Columns, Numbers, Rows
from listening.stores.sqlite_file import MEMORY, SqliteFile
from listening.stores.sqlite_order import Placed, read_cursor
from listening.stores.sqlite_query import HIGHEST, Selection
from listening.stores.sqlite_rows import COLUMNS, LABELS, SENTIMENT, SERIES

PAGE = 500


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """``path`` is a file, made when missing, or ``:memory:``. Safe for threads and processes.

    Raises ConfigError when the file cannot be opened, is not a Listening store, or is a newer one.
    """

    path: str = MEMORY
    _file: SqliteFile = field(init=False, repr=False, compare=False)
    _columns: dict[int, Columns] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_file", SqliteFile(self.path))
        with self._file.reading():
            pass

    def close(self) -> None:
        self._file.close()

    def put(self, feedback: Sequence[Feedback]) -> Written:
        faults = [(one.id, sqlite_rows.fault(one)) for one in feedback]
        refused = tuple(Refusal(id_, fault) for id_, fault in faults if fault)
        sound = [one for one, (_, fault) in zip(feedback, faults, strict=True) if not fault]
        for language in {one.language for one in sound}:
            tokens("a", language)  # dictionaries take seconds to load: not while others wait
        with self._file.writing() as db:
            outcomes = Counter(sqlite_write.put(db, one) for one in sound)
        return Written(outcomes["stored"], outcomes["updated"], outcomes["duplicates"], refused)

    def unscored(
        self, model: str, *, limit: int | None = None, part: Part = WHOLE
    ) -> Iterator[tuple[str, str]]:
        slots = part.slots
        found = ((id_, text) for id_, text in self._unscored(model) if slot(id_) in slots)
        return islice(found, limit)

    def _unscored(self, model: str) -> Iterator[tuple[str, str]]:
        before = HIGHEST
        while True:
            with self._file.reading() as db:
                page = db.execute(
                    "SELECT at, id, text FROM feedback WHERE at IN (SELECT at FROM feedback"
                    " INDEXED BY facts WHERE at < ? AND label <> 0 AND (model IS NULL OR model"
                    " NOT IN (SELECT code FROM model WHERE name IN (?, ?)))"
                    " ORDER BY at DESC LIMIT ?) ORDER BY at DESC",
                    (before, model, PERSON, PAGE),
                ).fetchall()
            if not page:
                return
            yield from ((id_, text) for _, id_, text in page)
            before = page[-1][0]

    def annotate(self, scored: Sequence[tuple[str, str, Sentiment | None]]) -> int:
        with self._file.writing() as db:
            return sum(sqlite_write.annotate(db, *one) for one in scored)

    def search(
        self,
        where: Filter,
        *,
        limit: int = 20,
        cursor: str | None = None,
        order: Order = Order.NEWEST,
        brief: bool = False,
    ) -> Hits:
        check_limit(limit)
        selection = self._select(where)
        with self._file.reading() as db:
            _define(db, selection)
            if order is Order.NEWEST:
                page = self._newest(db, selection, limit + 1, cursor)
            else:
                page = sqlite_order.page(db, selection, order, limit + 1, cursor)
            total = self._count(db, selection) if not brief else len(page)
            rows = [_row(db, at) for at, _ in page[:limit]]
        matcher = None if where.text is None or brief else Matcher(where.text, selection.languages)
        hits = [
            Hit(one, sentiment, matcher.feedback(one, sentiment).spans if matcher else ())
            for one, sentiment in rows
        ]
        return Hits(
            tuple(hits),
            min(total, COUNTED),
            total_is_exact=not brief and total <= COUNTED,
            cursor=page[limit - 1].cursor if len(page) > limit else None,
        )

    def _newest(
        self, db: sqlite3.Connection, selection: Selection, limit: int, cursor: str | None
    ) -> list[Placed]:
        before = HIGHEST if cursor is None else read_cursor(cursor)
        columns = self._packed(db, selection)
        if columns:
            found = columns.at[_rows(db, columns, selection)]
            page = found[: np.searchsorted(found, before)][: -limit - 1 : -1].tolist()
        else:
            page = _newest(db, selection, limit, before)
        return [Placed(at, str(at)) for at in page]

    def _count(self, db: sqlite3.Connection, selection: Selection) -> int:
        """At most one more than are counted."""
        columns = self._packed(db, selection)
        if columns:
            return len(columns.at[_rows(db, columns, selection)])
        return _count(db, selection, COUNTED + 1)

    def _packed(self, db: sqlite3.Connection, selection: Selection) -> Columns | None:
        """The columns, where they can answer it and are there already."""
        if not selection.is_plain or sqlite_counts.stale(db):
            return None
        return self._columns.get(sqlite_counts.version(db))

    def aggregate(
        self, where: Filter, *, by: Sequence[Dimension], zone: str = "UTC"
    ) -> list[Bucket]:
        self._pack()
        selection = self._select(where)
        with self._file.reading() as db:
            _define(db, selection)
            columns = self._load(db)
            rows = _rows(db, columns, selection)
            values = _all_series(db) if set(by) & set(SERIES) else {}
            return sqlite_counts.buckets(columns, rows, values, by, zone)

    def terms(self, where: Filter, *, background: Filter, limit: int = 200) -> TermCounts:
        (found,) = self.terms_of([(where, background)], limit=limit)
        return found

    def terms_of(
        self,
        pairs: Sequence[tuple[Filter, Filter]],
        *,
        limit: int = 200,
        most: int = SAMPLE,
        least: int = 1,
    ) -> list[TermCounts]:
        self._pack()
        found = dict(self._frequencies({one for pair in pairs for one in pair}, most))
        return [
            telling(found[where], found[background], limit, least) for where, background in pairs
        ]

    def erase(self, ids: Sequence[str]) -> int:
        return (
            self._remove(lambda db: sum(sqlite_write.erase(db, id_) for id_ in ids)) if ids else 0
        )

    def expire(self, before: datetime) -> int:
        return self._remove(lambda db: sqlite_write.expire(db, before))

    def _remove(self, deleted: Callable[[sqlite3.Connection], int]) -> int:
        """Delete without a trace; returns how many went."""
        with self._file.writing() as db:
            gone = deleted(db)
            if gone:
                # Deleted words stay in the full-text index until it is merged into one piece.
                db.execute("INSERT INTO terms (terms) VALUES ('optimize')")
        self._file.scrub()
        return gone

    def check(self) -> tuple[str, ...]:
        return tuple(sqlite_check.faults(self._file))

    def cursor(self, stream: str) -> str | None:
        with self._file.reading() as db:
            row = db.execute("SELECT value FROM cursor WHERE stream = ?", (stream,)).fetchone()
        return None if row is None else str(row[0])

    def set_cursor(self, stream: str, cursor: str | None) -> None:
        with self._file.writing() as db:
            if cursor is None:
                db.execute("DELETE FROM cursor WHERE stream = ?", (stream,))
            else:
                db.execute("REPLACE INTO cursor VALUES (?, ?)", (stream, cursor))

    def set_aside(self, rejected: Sequence[Rejected]) -> int:
        with self._file.writing() as db:
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO quarantine (id, stream, origin, reason, raw, line, field)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(r.id, r.stream, r.origin, r.reason, r.raw, r.line, r.column) for r in rejected],
            )
            return db.total_changes - before

    def quarantine(self) -> Mapping[str, Rejected]:
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT id, stream, origin, reason, raw, line, field FROM quarantine"
                " ORDER BY number"
            ).fetchall()
        return {
            id_: Rejected(
                stream=stream, origin=origin, reason=reason, raw=raw, line=line, column=column
            )
            for id_, stream, origin, reason, raw, line, column in rows
        }

    def release(self, ids: Sequence[str]) -> None:
        with self._file.writing() as db:
            db.executemany("DELETE FROM quarantine WHERE id = ?", [(id_,) for id_ in ids])
        self._file.scrub()

    def notes(self, kind: str) -> Mapping[str, Note]:
        with self._file.reading() as db:
            rows = db.execute("SELECT key, value, revision FROM note WHERE kind = ?", (kind,))
            return {key: Note(value, revision) for key, value, revision in rows}

    def save_note(self, kind: str, key: str, value: str, *, revision: int) -> bool:
        with self._file.writing() as db:
            if revision == 0:
                query = (
                    "INSERT OR IGNORE INTO note (value, kind, key, revision) VALUES (?, ?, ?, 1)"
                )
                return db.execute(query, (value, kind, key)).rowcount == 1
            query = (
                "UPDATE note SET value = ?, revision = revision + 1"
                " WHERE kind = ? AND key = ? AND revision = ?"
            )
            return db.execute(query, (value, kind, key, revision)).rowcount == 1

    def _select(self, where: Filter) -> Selection:
        """Compile, before reading begins: dictionaries may take longer to load than it may last."""
        with self._file.reading() as db:
            known = [language for (language,) in db.execute("SELECT DISTINCT language FROM series")]
        return sqlite_query.select(where, known)

    def _frequencies(
        self, wheres: Collection[Filter], most: int
    ) -> Iterator[tuple[Filter, Frequencies]]:
        """Of the newest texts; those that differ in no more than values of fields share a look."""
        selections = [(where, self._select(where)) for where in wheres]
        shared: dict[object, Rows] = {}
        with self._file.reading(QUERY_SECONDS * len(selections)) as db:
            columns = self._load(db)
            for where, selection in selections:
                common = replace(selection, series=None, labels=None)
                what = (common.match, common.members, common.rest, common.verify)
                key = (common.low, common.high, what)
                if key not in shared:
                    _define(db, selection)
                    shared[key] = _rows(db, columns, common)
                series = _codes(db, selection)
                found = sqlite_words.newest(columns, shared[key], series, selection.labels, most)
                yield where, sqlite_words.frequencies(db, found)

    def _pack(self) -> None:
        with self._file.reading() as db:
            if not sqlite_counts.stale(db):
                return
        with suppress(TransientError), self._file.writing() as db:
            sqlite_counts.refresh(db)  # else they are counted from the rows

    def _load(self, db: sqlite3.Connection) -> Columns:
        if sqlite_counts.stale(db):
            return sqlite_counts.load(db)
        version = sqlite_counts.version(db)
        columns = self._columns.get(version)
        if columns is None:
            columns = sqlite_counts.load(db)
            self._columns.clear()
            self._columns[version] = columns
        return columns


def _define(db: sqlite3.Connection, selection: Selection) -> None:
    """Make the functions that its SQL calls."""
    matchers = [Matcher(node, selection.languages) for node in selection.verify]

    def verified(number: int, surface: str, stem: str) -> bool:
        return matchers[number].terms(surface.split(" "), stem.split(" "), lambda _: False)

    db.create_function("verified", 3, verified, deterministic=True)
    db.create_function("same_text", 2, same_text, deterministic=True)


def _rows(db: sqlite3.Connection, columns: Columns, selection: Selection) -> Rows:
    """Where in the columns the selection is."""
    series = _codes(db, selection)
    rows = columns.rows(selection.low, selection.high, series, selection.labels)
    rows = columns.narrowed(db, rows, selection.members)
    if selection.is_plain:
        return rows
    found = _newest(db, replace(selection, series=None, labels=None, members=()), -1)
    places = np.searchsorted(columns.at, np.array(found[::-1], np.int64))
    wanted = np.zeros(len(columns.at), np.bool_)
    wanted[rows] = True
    return places[wanted[places]]


def _codes(db: sqlite3.Connection, selection: Selection) -> Numbers | None:
    if selection.series is None:
        return None
    query = f"SELECT code FROM series WHERE {selection.series.text}"
    codes = [code for (code,) in db.execute(query, selection.series.params)]
    return np.array(codes, np.int64)


def _all_series(db: sqlite3.Connection) -> dict[int, tuple[str, ...]]:
    rows = db.execute(f"SELECT code, {', '.join(SERIES)} FROM series")
    return {code: tuple(values) for code, *values in rows}


def _row(db: sqlite3.Connection, at: int) -> tuple[Feedback, Sentiment | None]:
    row = db.execute(
        f"SELECT {', '.join(f's.{name}' for name in SERIES)},"
        f" {', '.join(f'f.{name}' for name in COLUMNS)},"
        f" {', '.join(f'f.{name}' for name in SENTIMENT)}, m.name"
        " FROM feedback f JOIN series s ON s.code = f.series"
        " LEFT JOIN model m ON m.code = f.model WHERE f.at = ?",
        (at,),
    ).fetchone()
    end = len(SERIES) + len(COLUMNS)
    one = sqlite_rows.decode(row[: len(SERIES)], row[len(SERIES) : end])
    negative, neutral, positive, threshold, model = row[end:]
    scored = LABELS[row[len(SERIES)]] is not None
    return one, Sentiment(negative, neutral, positive, model, threshold) if scored else None


def _newest(
    db: sqlite3.Connection, selection: Selection, limit: int, before: int = HIGHEST
) -> list[int]:
    rows = selection.rows(before)
    found = db.execute(f"SELECT {rows.text} ORDER BY at DESC LIMIT ?", (*rows.params, limit))
    return [at for (at,) in found]


def _count(db: sqlite3.Connection, selection: Selection, most: int) -> int:
    rows = selection.rows()
    query = f"SELECT count(*) FROM (SELECT {rows.text} LIMIT ?)"
    return int(db.execute(query, (*rows.params, most)).fetchone()[0])
