"""Feedback as CSV for spreadsheets, none of whose cells is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from listening.app import App
from listening.records import Filter, Hit, Scale
from listening.stores.reading import MOST_HITS

MOST_ROWS = 10_000
COLUMNS = (
    *("created_at", "brand", "source", "kind", "language", "sentiment", "confidence", "text"),
    *(scale.value for scale in Scale),
    *("country", "segment", "service", "touchpoint", "campaign", "question", "engagement"),
    *("author", "url", "id"),
)
# What begins a formula, also behind blanks and quotes, which spreadsheets may take away.
_FORMULA = re.compile(r"[\s\"'\u200b\ufeff]*[=+\-@＝＋－＠\t\r\n]")


def as_csv(app: App, where: Filter) -> Iterator[bytes]:
    """UTF-8 with a mark at its beginning, newest first, at most ``MOST_ROWS``.

    The first piece is read before this returns, so that errors come before any answer.
    """
    pages = _pages(app, where)
    first = next(pages)
    return _encoded(first, pages)


def _encoded(first: list[list[str]], pages: Iterator[list[list[str]]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _lines([list(COLUMNS), *first])
    yield from map(_lines, pages)


def _pages(app: App, where: Filter) -> Iterator[list[list[str]]]:
    cursor, done = None, 0
    while True:
        found = app.search(where, limit=MOST_HITS, cursor=cursor)
        yield [_row(hit) for hit in found.hits]
        cursor, done = found.cursor, done + len(found.hits)
        if cursor is None or done >= MOST_ROWS:
            return


def _row(hit: Hit) -> list[str]:
    one, sentiment = hit.feedback, hit.sentiment
    ratings = {rating.scale.value: rating.value for rating in one.ratings}
    values = {
        **{name: getattr(one, name, None) for name in COLUMNS},
        **{scale.value: ratings.get(scale.value) for scale in Scale},
        "created_at": one.created_at.isoformat(),
        "sentiment": sentiment and sentiment.label.value,
        "confidence": sentiment and round(sentiment.confidence, 3),
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
