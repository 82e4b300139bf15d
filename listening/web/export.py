"""Feedback as CSV for spreadsheets, none of whose cells is a formula."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Annotated, cast
from weakref import finalize

from fastapi import Depends, Request

from listening.app import App
from listening.desk import Entry, by_person
from listening.errors import ConfigError
from listening.protocols import Progress
from listening.records import Filter, Hit, Scale
from listening.stores.reading import MOST_HITS

MOST_ROWS = 10_000  # of an answer; more are written by a job
MOST_FILES = 20
COLUMNS = (
    *("created_at", "brand", "source", "kind", "language", "sentiment", "confidence"),
    *("labelled_by", "text", "tags", "status", "assignee", "note"),
    *(scale.value for scale in Scale),
    *("country", "segment", "service", "touchpoint", "campaign", "question", "engagement"),
    *("author", "url", "id"),
)
# What begins a formula, also behind blanks and quotes, which spreadsheets may take away.
_FORMULA = re.compile(r"[\s\"'\u200b\ufeff]*[=+\-@＝＋－＠\t\r\n]")
_NAME = re.compile(r"[0-9a-f]{20}")
_NOTHING = Entry()


def as_csv(
    app: App, where: Filter, most: int | None = MOST_ROWS, progress: Progress = lambda _: None
) -> Iterator[bytes]:
    """UTF-8 with a mark at its beginning, newest first, at most ``most`` rows.

    The first piece is read before this returns, so that errors come before any answer.
    """
    pages = _pages(app, where, most, progress)
    first = next(pages)
    return _encoded(first, pages)


def _encoded(first: list[list[str]], pages: Iterator[list[list[str]]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _lines([list(COLUMNS), *first])
    yield from map(_lines, pages)


def _pages(
    app: App, where: Filter, most: int | None, progress: Progress
) -> Iterator[list[list[str]]]:
    entries = app.desk.entries()
    cursor, done = None, 0
    while True:
        found = app.search(where, limit=MOST_HITS, cursor=cursor)
        yield [_row(hit, entries) for hit in found.hits]
        progress(len(found.hits))
        cursor, done = found.cursor, done + len(found.hits)
        if cursor is None or (most is not None and done >= most):
            return


def _row(hit: Hit, entries: Mapping[str, Entry]) -> list[str]:
    one, sentiment = hit.feedback, hit.sentiment
    entry = entries.get(one.id, _NOTHING)
    ratings = {rating.scale.value: rating.value for rating in one.ratings}
    corrected = entry.correction if by_person(sentiment) else None
    values = {
        **{name: getattr(one, name, None) for name in COLUMNS},
        **{scale.value: ratings.get(scale.value) for scale in Scale},
        "created_at": one.created_at.isoformat(),
        "sentiment": sentiment and sentiment.label.value,
        "confidence": sentiment and round(sentiment.confidence, 3),
        "labelled_by": corrected and corrected.by,
        "tags": ", ".join(entry.tags),
        "status": entry.status and entry.status.value,
        "assignee": entry.assignee,
        "note": entry.note,
    }
    return [cell(values[name]) for name in COLUMNS]


def cell(value: object) -> str:
    """A number as it is; a text with ``'`` before it where a spreadsheet might run it."""
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


@dataclass(frozen=True)
class Exports:
    """Files that jobs write: in a folder that only this user reads, gone when the server ends."""

    @cached_property
    def _folder(self) -> Path:
        made = Path(mkdtemp(prefix="listening-exports-"))
        finalize(self, rmtree, made, ignore_errors=True)
        return made

    def write(self, app: App, where: Filter, progress: Progress) -> str:
        """All rows; returns the path to fetch them from. The oldest files make place."""
        folder = self._folder
        name = secrets.token_hex(10)
        partial = folder / f"{name}.part"
        try:
            with partial.open("wb") as file:
                file.writelines(as_csv(app, where, None, progress))
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.rename(folder / f"{name}.csv")
        kept = sorted(folder.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)
        for old in kept[:-MOST_FILES]:
            old.unlink(missing_ok=True)
        return f"/exports/{name}.csv"

    def path(self, name: str) -> Path:
        """Raises ConfigError for one that is not there any more."""
        found = self._folder / f"{name}.csv" if _NAME.fullmatch(name) else None
        if found is None or not found.is_file():
            raise ConfigError(
                "this export is no longer kept: they go when the server ends, and the oldest when "
                "there are many; export again on Mentions"
            )
        return found


def _of(request: Request) -> Exports:
    return cast("Exports", request.app.state.exports)


Exports_ = Annotated[Exports, Depends(_of)]
