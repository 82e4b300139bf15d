"""Files as survey tools, review sites, shops, kiosks and spreadsheets export them."""

from __future__ import annotations

import codecs
import glob as globbing
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from listening.errors import ConfigError, InvalidItem
from listening.records import Item, Kind, Page, Rejected, Window
from listening.sources import columns, tables
from listening.sources import layout as layouts
from listening.sources.columns import LABELS, Columns
from listening.sources.dates import zone_of
from listening.sources.layout import Ids, Layout
from listening.sources.rows import Identity, Reading, as_json
from listening.sources.samples import Column

if TYPE_CHECKING:
    from listening.http import Http

__all__ = ["Files", "Layout"]

PAGE_ROWS = 500
_RAW_LIMIT = 10_000


@dataclass(frozen=True, kw_only=True)
class Files:
    """A file, or every file that a glob matches, read with no configuration.

    CSV and its relatives, JSON lines and arrays, any of them gzipped. ``map`` (column to field)
    overrules the guess: an Item field, ``title``, a scale (``nps`` ...) or ``ignore``. ``zone``
    (IANA) is that of times without one. The labels (``brand`` to ``question``) and ``kind`` stand
    in where the file has none. ``source`` is by default the file's name less dates and counters,
    so that the next export of the same thing is the same source.
    """

    name: ClassVar[str] = "files"
    path: str
    brand: str | None = None
    kind: Kind | None = None
    source: str | None = None
    language: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    encoding: str | None = None
    separator: str | None = None
    country: str | None = None
    touchpoint: str | None = None
    segment: str | None = None
    service: str | None = None
    campaign: str | None = None
    question: str | None = None

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.separator is not None and len(self.separator) != 1:
            raise ConfigError(f"files: separator must be one character, not {self.separator!r}")
        if self.encoding is not None and not _is_encoding(self.encoding):
            raise ConfigError(f"files: there is no encoding {self.encoding!r}; try utf-8 or cp1257")
        columns.check(self.map, None)

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        """Pages of 500 rows. Unchanged files are not read again; changed ones from their start."""
        del http
        done = _progress(cursor)
        for path in self.paths():
            for page, state in self._pages(path, done.get(str(path)), window):
                done[str(path)] = state
                yield replace(page, cursor=json.dumps(done))

    def paths(self) -> list[Path]:
        """The files meant; raises ConfigError where there is none."""
        found = [Path(self.path)] if Path(self.path).is_file() else _matching(self.path)
        if not found:
            raise ConfigError(
                f"no file matches {self.path!r}; check the path, it is relative to {Path.cwd()}"
            )
        for path in found:
            if not os.access(path, os.R_OK):
                raise ConfigError(f"{path} may not be read; give this user the right to read it")
        return found

    def inspect(self) -> Layout:
        """How the first of the files would be read."""
        return self._plan(self.paths()[0]).layout

    def retry(self, rejected: Rejected) -> Item:
        """A row set aside, read with these options; raises InvalidItem where it still cannot be.

        The file need not be there any more. A row that was never whole (a broken line) cannot be
        retried: mend the file and ingest it again.
        """
        try:
            cells = json.loads(rejected.raw)
            native_id = cells.pop("native_id")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidItem(f"no whole row is left to retry: {rejected.reason}") from error
        path = Path(rejected.origin)
        if path.is_file():
            if path not in self._plans:
                self._plans[path] = self._plan(path)
            return self._plans[path].reading.item(cells, native_id)
        chosen = columns.guess([cells], {}, declared=self.map, kind=self.kind)
        return self._reading(path, chosen, {}).item(cells, native_id)

    def _pages(
        self, path: Path, seen: dict[str, object] | None, window: Window
    ) -> Iterator[tuple[Page, dict[str, object]]]:
        stat = path.stat()
        state: dict[str, object] = {
            "size": stat.st_size,
            "mtime": stat.st_mtime_ns,
            "as": hashlib.sha256(repr(self).encode()).hexdigest()[:12],
        }
        skip = 0
        if seen is not None and all(seen.get(key) == value for key, value in state.items()):
            if seen.get("done"):
                return
            skip = int(str(seen.get("rows", 0)))
        rows = islice(self._rows(path), skip, None)
        while True:
            chunk = list(islice(rows, PAGE_ROWS))
            skip += len(chunk)
            last = len(chunk) < PAGE_ROWS
            items = tuple(
                row for row in chunk if isinstance(row, Item) and row.created_at in window
            )
            rejected = tuple(row for row in chunk if isinstance(row, Rejected))
            yield (
                Page(items=items, cursor=None, rejected=rejected),
                {**state, "rows": skip, "done": last},
            )
            if last:
                return

    def _rows(self, path: Path) -> Iterator[Item | Rejected]:
        plan = self._plan(path)
        identity = Identity(plan.ids.column, plan.ids.counters, plan.ids.refused)
        for row in tables.read(path, plan.table):
            if isinstance(row, tables.Broken):
                yield _set_aside(path, row.line, row.reason, row.raw)
                continue
            native_id = identity.of(row.cells)
            try:
                yield plan.reading.item(row.cells, native_id)
            except InvalidItem as error:
                raw = as_json(row.cells, native_id)
                yield _set_aside(path, row.line, error.reason, raw, error.column)

    @cached_property
    def _plans(self) -> dict[Path, _Plan]:
        """Of files whose rows are retried: a plan takes as long as thousands of rows."""
        return {}

    def _plan(self, path: Path) -> _Plan:
        table = tables.look(path, encoding=self.encoding, separator=self.separator)
        sampled = list(islice(tables.read(path, table), tables.SAMPLE_ROWS))
        rows = [row.cells for row in sampled if isinstance(row, tables.Row)]
        titles = dict(zip(table.header, table.questions, strict=False))
        chosen = columns.guess(rows, titles, declared=self.map, kind=self.kind)
        ids = layouts.ids(chosen, rows)
        reading = self._reading(path, chosen, titles)
        dated = layouts.named(chosen, "created_at")
        undated = None
        if rows and not dated:
            undated = (
                f"no date column: every row gets the file's time, {reading.written_at:%F %R} UTC"
            )
        joined = layouts.joined(layouts.open_questions(chosen, titles))
        layout = Layout(
            path=str(path),
            format=table.format,
            encoding=table.encoding,
            separator=table.separator,
            header_line=table.header_line,
            mapping={
                name: None if column is None else str(column) for name, column in chosen.items()
            },
            rows_sampled=len(sampled),
            date_order=_note(chosen, dated[0]) if dated else None,
            kind=reading.kind,
            id_from=ids.source,
            notes=(*table.notes, *filter(None, (undated, ids.note, joined))),
        )
        return _Plan(table=table, reading=reading, ids=ids, layout=layout)

    def _reading(self, path: Path, chosen: Columns, titles: Mapping[str, str]) -> Reading:
        used = {
            name: column
            # A title stands above the text, wherever its column is.
            for name, column in sorted(chosen.items(), key=lambda pair: not _is(pair[1], "title"))
            if column is not None and not _is(column, "native_id")
        }
        kind = self.kind or columns.kind_of(column.field for column in used.values())
        asked = layouts.open_questions(chosen, titles) if kind == Kind.SURVEY else []
        labels = {"source": _label(path), "question": asked[0] if len(asked) == 1 else None}
        labels |= {name: getattr(self, name, None) or labels.get(name) for name in LABELS}
        changed = path.stat().st_mtime if path.exists() else 0.0
        return Reading(
            columns=used,
            kind=kind,
            zone=self.zone,
            written_at=datetime.fromtimestamp(changed, UTC),
            labels={name: value for name, value in labels.items() if value is not None},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    table: tables.Table
    reading: Reading
    ids: Ids
    layout: Layout


def _is(column: Column | None, name: str) -> bool:
    return column is not None and column.field == name


def _note(chosen: Columns, name: str) -> str | None:
    column = chosen[name]
    return (column.note or None) if column is not None else None


def _set_aside(path: Path, line: int, reason: str, raw: str, column: str | None = None) -> Rejected:
    return Rejected(
        stream="",
        origin=str(path),
        reason=reason,
        # Half surrogates and undecodable bytes are written as escapes: no store takes them.
        raw=raw[:_RAW_LIMIT].encode("utf-8", "backslashreplace").decode(),
        line=line,
        column=column,
    )


def _label(path: Path) -> str:
    stem = path.name.split(".")[0]
    return re.sub(r"([\W_]+(\d[\d\W_]*|copy|kopija|$))+$", "", stem, flags=re.IGNORECASE) or "files"


def _matching(pattern: str) -> list[Path]:
    return sorted(
        path
        for found in globbing.glob(pattern, recursive=True)  # noqa: PTH207 - patterns may be absolute
        if (path := Path(found)).is_file()
    )


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _progress(cursor: str | None) -> dict[str, dict[str, object]]:
    try:
        done = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return done if isinstance(done, dict) else {}
