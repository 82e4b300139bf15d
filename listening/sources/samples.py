"""The cells of a column, sampled, and how a column is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from listening.errors import InvalidItem
from listening.sources.values import is_empty, number, plain

_COUNTERS = frozenset(("nr", "no", "#", "номер", "ნომერი", "nummer"))


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read; ``top`` is its highest value where that is not the scale's."""

    field: str
    top: float | None = None
    day_first: bool = True
    note: str = ""

    def __str__(self) -> str:
        return f"{self.field} ({self.note})" if self.note else self.field


@dataclass(frozen=True, slots=True)
class Sample:
    """The filled cells of one column."""

    name: str
    question: str
    values: tuple[str, ...]
    rows: Sequence[Mapping[str, str]]

    def share(self, test: Callable[[str], object]) -> float:
        """The share of values for which ``test`` holds."""
        return sum(bool(test(value)) for value in self.values) / len(self.values)

    def identifies(self) -> bool:
        """Whether the column is filled and tells rows of different content apart, in any file."""
        return identifies(self.name, self.rows) and not numbers_rows(self.name, self.rows)


def numbers_rows(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether a column such as ``Nr.`` only counts the rows: the next export's begins again."""
    if (plain(name) or name.strip()) not in _COUNTERS:
        return False
    cells = [row.get(name, "").strip() for row in rows]
    counted = [str(number) for number in range(1, len(rows) + 1)]
    return cells in (counted, counted[::-1])


def identifies(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    contents: dict[str, Mapping[str, str]] = {}
    for row in rows:
        own = row.get(name, "").strip()
        if not own or contents.setdefault(own, row) != row:
            return False
    return bool(rows)


def samples_of(rows: Sequence[Mapping[str, str]], questions: Mapping[str, str]) -> list[Sample]:
    """The columns of ``rows``, in the order they first occur."""
    cells: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            column = cells.setdefault(name, [])
            if not is_empty(value):
                column.append(value)
    return [
        Sample(name, questions.get(name, ""), tuple(column), rows) for name, column in cells.items()
    ]


def bare(cell: str) -> bool:
    try:
        number(cell)
    except InvalidItem:
        return False
    return True
