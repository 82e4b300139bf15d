"""Erasing for good: what a filter finds or its source withdrew, and the rows set aside of it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from listening.errors import ConfigError
from listening.pipeline import Stream, cells, found
from listening.protocols import Progress, Source, Store
from listening.records import Checked, Filter, Window
from listening.tree import Field, Node, Or

if TYPE_CHECKING:
    from listening.http import Http


@dataclass(frozen=True)
class Erased:
    """How much feedback was erased, and how many rows that had been set aside."""

    feedback: int
    quarantined: int


@dataclass(frozen=True, kw_only=True)
class Swept:
    """How much stored feedback its source was asked about, and how much it no longer has."""

    stream: str
    checked: int = 0
    erased: int = 0


@runtime_checkable
class Revocable(Protocol):
    """A source that can be asked whether it still has what it gave.

    ``withdrawn`` takes at most ``asked_together`` ids. The cursor is the stream's: that of a
    metered source counts what the question costs.
    """

    asked_together: ClassVar[int]

    def withdrawn(
        self, native_ids: Sequence[str], cursor: str | None, *, http: Http
    ) -> Checked: ...


def erase(store: Store, where: Filter | None, ids: Sequence[str]) -> Erased:
    """Erase for good, by id (of rows set aside too) or all that a filter finds.

    Rows set aside go along when they hold an erased text, or the name of an author all of whose
    feedback is erased.
    """
    said = _authors(where.text) if where and where.window == Window() else set()
    erased = store.erase(ids) if ids else 0
    while where is not None and (hits := store.search(where, limit=200).hits):
        said |= {hit.feedback.text.casefold() for hit in hits if hit.feedback.text}
        erased += store.erase([hit.feedback.id for hit in hits])
    held = store.quarantine()
    gone = [number for number, row in held.items() if number in ids or _holds(row.raw, said)]
    if gone:
        store.release(gone)
    return Erased(erased, len(gone))


def sweep(
    stream: Stream, store: Store, *, http: Http, progress: Progress = lambda _: None
) -> Swept:
    """Ask the source about all feedback of the stream's brand and source, and erase what is gone.

    So are rows that the stream had set aside. Raises ConfigError for a source that cannot be
    asked, and what the source raises, with all that was found withdrawn before erased.
    """
    source, checked = stream.source, 0
    if not isinstance(source, Revocable):
        raise ConfigError(
            f"{stream.name}: {source.name} cannot be asked what was withdrawn; erase by hand, with "
            "listening erase"
        )
    held = _set_aside_ids(store, stream.name)
    asked = _askable(stream, store, held)
    withdrawn: list[str] = []
    rows: list[str] = []
    try:
        while chunk := list(islice(asked, source.asked_together)):
            # Read each time, and saved at once: the stream may be pulled meanwhile.
            cursor = store.cursor(stream.name)
            answer = source.withdrawn([native_id for native_id, _ in chunk], cursor, http=http)
            store.set_cursor(stream.name, answer.cursor)
            withdrawn += [id_ for native_id, id_ in chunk if id_ and native_id in answer.withdrawn]
            rows += [number for each in answer.withdrawn for number in held.get(each, ())]
            checked += answer.checked
            progress(len(chunk))
    finally:
        erased = store.erase(withdrawn) if withdrawn else 0  # together, as it may take seconds
        if rows:
            store.release(rows)
    return Swept(stream=stream.name, checked=checked, erased=erased)


def revocable(source: type[Source]) -> bool:
    """Whether ``sweep`` can ask sources of this kind."""
    return hasattr(source, "withdrawn")


def _askable(
    stream: Stream, store: Store, held: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str | None]]:
    """The source's id of everything stored, with ours, and of what is set aside, with none."""
    brand = stream.defaults.brand
    where = Filter(brand=(brand,) if brand else None, source=(stream.defaults.source,))
    yield from ((one.native_id, one.id) for one in found(store, where))
    yield from ((native_id, None) for native_id in held)


def _set_aside_ids(store: Store, stream: str) -> dict[str, list[str]]:
    """The numbers of the rows that a stream had set aside, by the source's id."""
    held: dict[str, list[str]] = {}
    for number, row in store.quarantine().items():
        said = cells(row)
        if row.stream == stream and (native_id := said.get("native_id") or said.get("id")):
            held.setdefault(native_id, []).append(number)
    return held


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
        values = set(_values(json.loads(raw)))
    except ValueError:
        return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", raw, re.IGNORECASE) for one in said)
    return not values.isdisjoint(said)


def _values(value: object) -> Iterator[str]:
    match value:
        case str():
            yield from (value.strip().casefold(), value.strip().lstrip("@").casefold())
        case dict():
            yield from (cell for part in value.values() for cell in _values(part))
        case list():
            yield from (cell for part in value for cell in _values(part))
