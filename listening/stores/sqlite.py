"""The store that needs nothing but Python: one SQLite file, searchable in every language."""

# ruff: noqa: S608 - names of columns are ours; every value from outside is a parameter

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from listening.analysis import tokens
from listening.errors import ConfigError, TransientError
from listening.match import Matcher, same_text
from listening.records import (
    Bucket,
    Dimension,
    Feedback,
    Filter,
    Hit,
    Hits,
    Rejected,
    Sentiment,
    TermCount,
    TermCounts,
    Written,
)
from listening.stores import sqlite_counts, sqlite_query, sqlite_rows, sqlite_write
from listening.stores.sqlite_counts import Columns, Rows
from listening.stores.sqlite_file import MEMORY, SqliteFile
from listening.stores.sqlite_query import HIGHEST, LOWEST, Selection
from listening.stores.sqlite_rows import COLUMNS, LABELS, SENTIMENT, SERIES

MOST_HITS = 200
COUNTED = 10_000  # totals are exact up to here
SAMPLE = 5_000  # texts that ``terms`` looks at
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
        for language in {one.language for one in feedback}:
            tokens("a", language)  # dictionaries take seconds to load: not while others wait
        with self._file.writing() as db:
            outcomes = Counter(sqlite_write.put(db, one) for one in feedback)
        return Written(outcomes["stored"], outcomes["updated"], outcomes["duplicates"])

    def unscored(self, model: str, *, limit: int | None = None) -> Iterator[tuple[str, str]]:
        left = limit if limit is not None else 2**62
        before = HIGHEST
        while left > 0:
            with self._file.reading() as db:
                page = db.execute(
                    "SELECT at, id, text FROM feedback WHERE at IN (SELECT at FROM feedback"
                    " INDEXED BY facts WHERE at < ? AND label <> 0 AND model IS NOT"
                    " (SELECT coalesce(max(code), -1) FROM model WHERE name = ?)"
                    " ORDER BY at DESC LIMIT ?) ORDER BY at DESC",
                    (before, model, min(left, PAGE)),
                ).fetchall()
            if not page:
                return
            yield from ((id_, text) for _, id_, text in page)
            before = page[-1][0]
            left -= len(page)

    def annotate(self, scored: Sequence[tuple[str, str, Sentiment]]) -> int:
        with self._file.writing() as db:
            return sum(sqlite_write.annotate(db, *one) for one in scored)

    def search(self, where: Filter, *, limit: int = 20, cursor: str | None = None) -> Hits:
        if not 1 <= limit <= MOST_HITS:
            raise ConfigError(f"a page has 1 to {MOST_HITS} hits, not {limit}; page by the cursor")
        before = HIGHEST if cursor is None else _read_cursor(cursor)
        selection = self._select(where)
        with self._file.reading() as db:
            _define(db, selection)
            columns = self._columns.get(sqlite_counts.version(db))
            if columns and selection.is_plain and not sqlite_counts.stale(db):
                found = columns.at[_rows(db, columns, selection)]
                total = len(found)
                page = found[: np.searchsorted(found, before)][: -limit - 2 : -1].tolist()
            else:
                page = _newest(db, selection, limit + 1, before)
                total = _count(db, selection, COUNTED + 1)
            rows = [_row(db, at) for at in page[:limit]]
        matcher = None if where.text is None else Matcher(where.text, selection.languages)
        hits = [
            Hit(one, sentiment, matcher.feedback(one, sentiment).spans if matcher else ())
            for one, sentiment in rows
        ]
        return Hits(
            tuple(hits),
            min(total, COUNTED),
            total_is_exact=total <= COUNTED,
            cursor=str(page[limit - 1]) if len(page) > limit else None,
        )

    def aggregate(
        self, where: Filter, *, by: Sequence[Dimension], zone: str = "UTC"
    ) -> list[Bucket]:
        self._pack()
        selection = self._select(where)
        with self._file.reading() as db:
            _define(db, selection)
            columns = self._load(db)
            rows = _rows(db, columns, selection)
            return sqlite_counts.buckets(columns, rows, _all_series(db), by, zone)

    def terms(self, where: Filter, *, background: Filter, limit: int = 200) -> TermCounts:
        near, surfaces, total = self._frequencies(where)
        far, _, background_total = self._frequencies(background)

        def excess(stem: str) -> float:
            share = near[stem] / total
            return share * log(share * (background_total + 1) / (far[stem] + 0.5))

        chosen = sorted(near, key=lambda stem: (-excess(stem), stem))[:limit]
        return TermCounts(
            tuple(TermCount(surfaces[stem], near[stem], far[stem]) for stem in chosen),
            total,
            background_total,
        )

    def erase(self, ids: Sequence[str]) -> int:
        if not ids:
            return 0
        with self._file.writing() as db:
            there = sum(sqlite_write.erase(db, id_) for id_ in ids)
            if there:
                # Deleted words stay in the full-text index until it is merged into one piece.
                db.execute("INSERT INTO terms (terms) VALUES ('optimize')")
        self._file.scrub()
        return there

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
                [
                    (_rejected_id(r), r.stream, r.origin, r.reason, r.raw, r.line, r.column)
                    for r in rejected
                ],
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

    def _select(self, where: Filter) -> Selection:
        """Compile, before reading begins: dictionaries may take longer to load than it may last."""
        with self._file.reading() as db:
            known = [language for (language,) in db.execute("SELECT DISTINCT language FROM series")]
        return sqlite_query.select(where, known)

    def _frequencies(self, where: Filter) -> tuple[Counter[str], dict[str, str], int]:
        """In how many of the newest texts each stem is, its commonest form, how many texts."""
        selection = self._select(where)
        texts: Counter[str] = Counter()
        forms: Counter[tuple[str, str]] = Counter()
        total = 0
        with self._file.reading() as db:
            _define(db, selection)
            for at in _newest(db, selection, SAMPLE):
                query = "SELECT surface, stem FROM terms WHERE rowid = ?"
                for surfaces, stems in db.execute(query, (at,)):
                    total += 1
                    texts.update({*stems.split(" ")})
                    forms.update(zip(stems.split(" "), surfaces.split(" "), strict=True))
        return texts, {stem: form for (stem, form), _ in reversed(forms.most_common())}, total

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
    series = None
    if selection.series is not None:
        query = f"SELECT code FROM series WHERE {selection.series.text}"
        codes = [code for (code,) in db.execute(query, selection.series.params)]
        series = np.array(codes, np.int64)
    rows = columns.rows(selection.low, selection.high, series, selection.labels)
    if selection.is_plain:
        return rows
    found = _newest(db, replace(selection, series=None, labels=None), -1)
    places = np.searchsorted(columns.at, np.array(found[::-1], np.int64))
    wanted = np.zeros(len(columns.at), np.bool_)
    wanted[rows] = True
    return places[wanted[places]]


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


def _rejected_id(one: Rejected) -> str:
    whole = "\0".join((one.stream, one.origin, one.raw, str(one.line)))
    return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _read_cursor(cursor: str) -> int:
    number = int(cursor) if re.fullmatch(r"-?[0-9]{1,19}", cursor) else LOWEST - 1
    if not LOWEST <= number <= HIGHEST:
        raise ConfigError(f"{cursor[:40]!r} is no search cursor; start again without one")
    return number
