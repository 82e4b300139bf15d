"""What is told about how a file is read: its columns, where its ids come from, remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from listening.records import Kind
from listening.sources.columns import Columns, question_of
from listening.sources.headers import hints
from listening.sources.rows import is_counted
from listening.sources.samples import identifies, numbers_rows

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is read, for people to check. ``mapping`` says it per column; None is unused.

    ``id_from`` is the id column, ``id@date`` where its short numbers are kept apart by a date
    column, or words.
    """

    path: str
    format: str
    encoding: str
    separator: str | None
    header_line: int | None
    mapping: Mapping[str, str | None]
    rows_sampled: int
    date_order: str | None
    kind: Kind
    id_from: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """Which columns tell rows apart: ``column`` does, ``counters`` and ``refused`` do not.

    ``source`` says in words what the ids come from.
    """

    column: str | None
    counters: frozenset[str]
    refused: frozenset[str]
    source: str
    note: str | None = None


def named(chosen: Columns, field: str) -> list[str]:
    """The columns that are read as ``field``, in the order of the file."""
    return [name for name, column in chosen.items() if column and column.field == field]


def ids(chosen: Columns, rows: Rows) -> Ids:
    """The id column if it tells rows apart; else a row's content is its id."""
    own = named(chosen, "native_id")
    column = own[0] if own and identifies(own[0], rows) else None
    counters = frozenset(name for name in chosen if name != column and numbers_rows(name, rows))
    if column is not None:
        source, note = _numbered(column, named(chosen, "created_at"), rows)
        return Ids(column=column, counters=counters, refused=frozenset(), source=source, note=note)
    failed = own or [name for name in chosen if "native_id" in hints(name)]
    why = ""
    if failed and failed[0] in counters:
        why = f": {failed[0]!r} only numbers the rows of this file"
    elif failed:
        why = f": {failed[0]!r} has gaps or repeats with other content"
    return Ids(
        column=None,
        counters=counters,
        refused=frozenset(failed) - counters,
        source=f"the row's content{why}",
    )


def _numbered(column: str, dates: Sequence[str], rows: Rows) -> tuple[str, str | None]:
    if not any(is_counted(row.get(column, "").strip()) for row in rows):
        return column, None
    if dates:
        return f"{column}@{dates[0]}", None
    return column, (
        f"{column!r} holds short numbers and there is no date column: another export whose numbers "
        "begin again overwrites these rows, unless it has a --source of its own"
    )


def open_questions(chosen: Columns, titles: Mapping[str, str]) -> list[str]:
    """What the columns of text ask, where they ask."""
    asked = (question_of(name, titles.get(name, "")) for name in named(chosen, "text"))
    return [question for question in asked if question is not None]


def joined(questions: Sequence[str]) -> str | None:
    """The remark that several open questions are one text; None where they are not several."""
    if len(questions) <= 1:
        return None
    listed = ", ".join(map(repr, questions))
    return (
        f"{len(questions)} open questions are joined into one text: {listed}; "
        "to keep one alone, map the others to ignore"
    )
