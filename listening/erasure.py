"""Erasing for good: feedback that a filter finds, and the rows set aside that hold the same."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from listening.protocols import Store
from listening.records import Filter, Window
from listening.tree import Field, Node, Or


@dataclass(frozen=True)
class Erased:
    """How much feedback was erased, and how many rows that had been set aside."""

    feedback: int
    quarantined: int


def erase(store: Store, where: Filter | None, ids: Sequence[str]) -> Erased:
    """Erase for good, by id (of rows set aside too) or all that a filter finds.

    Rows set aside go along when they hold an erased text, or the name of an author all of whose
    feedback is erased.
    """
    said = _authors(where.text) if where and where.window == Window() else set()
    erased = store.erase(ids) if ids else 0
    while where is not None and (found := store.search(where, limit=200).hits):
        said |= {hit.feedback.text.casefold() for hit in found if hit.feedback.text}
        erased += store.erase([hit.feedback.id for hit in found])
    held = store.quarantine()
    gone = [number for number, row in held.items() if number in ids or _holds(row.raw, said)]
    if gone:
        store.release(gone)
    return Erased(erased, len(gone))


def _authors(node: Node | None) -> set[str]:
    """Authors whose every text a query finds."""
    match node:
        case Field("author", value):
            return {value.strip().lstrip("@").casefold()}
        case Or(parts):
            return set().union(*map(_authors, parts))
    return set()


def _holds(raw: str, said: Collection[str]) -> bool:
    """Whether a row set aside has any of these as a cell or, where it is no whole row, within."""
    try:
        cells = set(_cells(json.loads(raw)))
    except ValueError:
        return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", raw, re.IGNORECASE) for one in said)
    return not cells.isdisjoint(said)


def _cells(value: object) -> Iterator[str]:
    match value:
        case str():
            yield from (value.strip().casefold(), value.strip().lstrip("@").casefold())
        case dict():
            yield from (cell for part in value.values() for cell in _cells(part))
        case list():
            yield from (cell for part in value for cell in _cells(part))
