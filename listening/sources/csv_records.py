"""CSV records, those of files with stray quotes among them."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Record:
    """Cells with the 1-based physical line they begin on; ``error`` in place of cells."""

    line: int
    cells: list[str]
    raw: str
    error: str | None = None


class _Lines:
    """Physical lines for csv.reader, remembering which it took for the record at hand."""

    def __init__(self, lines: Iterable[str], first: int = 1) -> None:
        self._lines = enumerate(lines, first)
        self._again: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        return line[1].replace("\x00", "") if "\x00" in line[1] else line[1]

    def give_back(self, lines: Sequence[tuple[int, str]]) -> None:
        self._again.extendleft(reversed(lines))
        self.ended = False


def records_of(
    lines: Iterable[str], separator: str, escape: str | None, *, width: int = 0, first: int = 1
) -> Iterator[Record]:
    """CSV records. Where a stray quote swallowed rows, those that are whole are read again."""

    def reader(of: Iterable[str], *, strict: bool = True) -> Iterator[list[str]]:
        return csv.reader(of, delimiter=separator, escapechar=escape, strict=strict)

    def loosely(line: str) -> list[str] | None:
        """One line's cells though its quotes are not by the book; None where one stays open."""
        source = _Lines([line])
        try:
            cells = next(reader(source, strict=False), [])
        except csv.Error:
            return None
        return None if source.ended or (width and len(cells) != width) else cells

    source = _Lines(lines, first)
    rows = reader(source)
    while True:
        source.taken = []
        cells: list[str] | None = None
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            rows = reader(source)
        taken = source.taken
        if len(taken) == 1 and cells is None:
            cells = loosely(taken[0][1])
        elif width and len(taken) > 1 and (cells is None or len(cells) != width):
            whole = next((n for n in range(1, len(taken)) if loosely(taken[n][1])), len(taken))
            if whole < len(taken):
                source.give_back(taken[whole:])
                taken, cells, rows = taken[:whole], None, reader(source)
        raw = "".join(line for _, line in taken)
        error = _never_closed(raw) if cells is None else None
        yield Record(taken[0][0], cells or [], raw, error)


def _never_closed(raw: str) -> str:
    longest = csv.field_size_limit()
    too_long = f", or a cell is longer than {longest} characters" if len(raw) > longest else ""
    return f"a quote is opened and never closed{too_long}"
