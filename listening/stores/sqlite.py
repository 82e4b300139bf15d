"""The store that needs nothing but Python: one SQLite file, searchable in every language."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from listening import match
from listening.analysis import tokens
from listening.errors import ConfigError
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
from listening.stores import sqlite_counts, sqlite_query, sqlite_rows
from listening.stores.sqlite_counts import Columns, Rows
from listening.stores.sqlite_file import MEMORY, SqliteFile
from listening.stores.sqlite_query import HIGHEST, Selection
from listening.stores.sqlite_rows import COLUMNS, LABELS, SENTIMENT, SERIES, Row, position

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
        with self._file.writing() as db:
            outcomes = Counter(_put(db, one) for one in feedback)
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
        columns = ", ".join(f"{name} = ?" for name in ("label", *SENTIMENT, "model"))
        taken = 0
        with self._file.writing() as db:
            for id_, text, sentiment in scored:
                values = (*sqlite_rows.encode_sentiment(sentiment), _model(db, sentiment.model))
                taken += db.execute(
                    f"UPDATE feedback SET {columns} WHERE id = ? AND text = ? AND label <> 0",
                    (*values, id_, text),
                ).rowcount
        return taken

    def search(self, where: Filter, *, limit: int = 20, cursor: str | None = None) -> Hits:
        if not 1 <= limit <= MOST_HITS:
            raise ConfigError(f"a page has 1 to {MOST_HITS} hits, not {limit}; page by the cursor")
        before = HIGHEST if cursor is None else _read_cursor(cursor)
        with self._file.reading() as db:
            selection = _select(db, where)
            page = _newest(db, selection, limit + 1, before)
            total = _count(db, selection, COUNTED + 1)
            rows = [_row(db, at) for at in page[:limit]]
        hits = tuple(Hit(one, sentiment) for one, sentiment in rows)
        return Hits(
            hits,
            min(total, COUNTED),
            total_is_exact=total <= COUNTED,
            cursor=str(page[limit - 1]) if len(page) > limit else None,
        )

    def aggregate(
        self, where: Filter, *, by: Sequence[Dimension], zone: str = "UTC"
    ) -> list[Bucket]:
        self._pack()
        with self._file.reading() as db:
            columns = self._load(db)
            rows = _rows(db, columns, _select(db, where))
            return sqlite_counts.buckets(columns, rows, _all_series(db), by, zone)

    def terms(self, where: Filter, *, background: Filter, limit: int = 200) -> TermCounts:
        with self._file.reading() as db:
            near, surfaces, total = _frequencies(db, _select(db, where))
            far, _, background_total = _frequencies(db, _select(db, background))

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
        there = 0
        with self._file.writing() as db:
            for id_ in ids:
                db.execute("INSERT OR IGNORE INTO tombstone VALUES (?)", (_digest(id_),))
                for (at,) in db.execute("SELECT at FROM feedback WHERE id = ?", (id_,)).fetchall():
                    _delete(db, at)
                    there += 1
            sqlite_counts.refresh(db)
            db.execute("INSERT INTO terms (terms) VALUES ('optimize')")
        self._file.scrub()
        return there

    def cursor(self, stream: str) -> str | None:
        with self._file.reading() as db:
            row = db.execute("SELECT value FROM cursor WHERE stream = ?", (stream,)).fetchone()
        return row and row[0]

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

    def _pack(self) -> None:
        with self._file.reading() as db:
            if not sqlite_counts.stale(db):
                return
        with self._file.writing() as db:
            sqlite_counts.refresh(db)

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


def _select(db: sqlite3.Connection, where: Filter) -> Selection:
    languages = sqlite_query.query_languages(where) or {
        language for (language,) in db.execute("SELECT DISTINCT language FROM series")
    }
    selection = sqlite_query.select(where, languages)
    if selection.verify:
        matchers = [match.Matcher(node, languages) for node in selection.verify]

        def verified(number: int, surface: str, stem: str) -> bool:
            return matchers[number].terms(surface.split(" "), stem.split(" "), lambda _: False)

        db.create_function("verified", 3, verified, deterministic=True)
    return selection


def _rows(db: sqlite3.Connection, columns: Columns, selection: Selection) -> Rows:
    """Where in the columns the selection is."""
    series = None
    if selection.series is not None:
        query = f"SELECT code FROM series WHERE {selection.series.text}"
        codes = [code for (code,) in db.execute(query, selection.series.params)]
        series = np.array(codes, np.int64)
    rows = columns.rows(selection.low, selection.high, series, selection.labels)
    if selection.match is None and not selection.rest:
        return rows
    found = _newest(db, replace(selection, series=None, labels=None), -1)
    places = np.searchsorted(columns.at, np.array(found[::-1], np.int64))
    wanted = np.zeros(len(columns.at), np.bool_)
    wanted[rows] = True
    return places[wanted[places]]


def _put(db: sqlite3.Connection, one: Feedback) -> str:
    if db.execute("SELECT 1 FROM tombstone WHERE digest = ?", (_digest(one.id),)).fetchone():
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
    if found := tokens(row[-1], language):
        db.execute(
            "INSERT INTO terms (rowid, surface, stem) VALUES (?, ?, ?)",
            (at, " ".join(t.surface for t in found), " ".join(t.stem for t in found)),
        )


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
    *values, threshold, model = row[end:]
    scored = LABELS[row[len(SERIES)]] is not None
    return one, Sentiment(*values, model, threshold) if scored else None


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


def _frequencies(
    db: sqlite3.Connection, selection: Selection
) -> tuple[Counter[str], dict[str, str], int]:
    texts: Counter[str] = Counter()
    forms: Counter[tuple[str, str]] = Counter()
    total = 0
    for at in _newest(db, selection, SAMPLE):
        row = db.execute("SELECT surface, stem FROM terms WHERE rowid = ?", (at,)).fetchone()
        if row is None:
            continue
        total += 1
        surfaces, stems = (column.split(" ") for column in row)
        texts.update(set(stems))
        forms.update(zip(stems, surfaces, strict=True))
    best = {stem: surface for (stem, surface), _ in reversed(forms.most_common())}
    return texts, best, total


def _digest(id_: str) -> bytes:
    return hashlib.blake2b(id_.encode(), digest_size=16).digest()


def _rejected_id(one: Rejected) -> str:
    whole = "\0".join((one.stream, one.origin, one.raw, str(one.line)))
    return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _read_cursor(cursor: str) -> int:
    try:
        return int(cursor)
    except ValueError:
        raise ConfigError(
            f"{cursor!r} is no search cursor; start again without one"
        ) from None
