"""Rows made items: the columns read as the layout says, identifiers that survive a re-export."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listening.errors import InvalidItem
from listening.records import Item, Kind, Rating, Scale
from listening.sources import dates
from listening.sources.nested import by_staff
from listening.sources.samples import Column
from listening.sources.scales import SCALES, scale_named
from listening.sources.seen import Seen
from listening.sources.values import is_empty, is_said, number, plain, rating
from listening.sources.wordings import KINDS, LANGUAGES

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_TRUE = frozenset(("true", "1", "yes", "y", "ja", "jā", "taip", "да", "კი"))
_SPOKEN = frozenset(("text", "title", "author", "language"))
# As many rows as one export may count.
_COUNTED = re.compile(r"\d{1,6}(\.0)?")
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rows become items.

    ``written_at`` is the time of rows where no column has one. ``labels`` stand in for empty
    cells. Options of ``Files`` and guesses are both settled here.
    """

    columns: Mapping[str, Column]
    kind: Kind
    zone: str
    written_at: datetime
    labels: Mapping[str, str]

    def item(self, cells: Mapping[str, str], native_id: str) -> Item:
        """Make the row an item; raises InvalidItem naming the column at fault."""
        values: dict[str, Any] = dict(self.labels, kind=self.kind)
        texts: dict[str, None] = {}
        ratings: dict[Scale, int] = {}
        for name, column in self.columns.items():
            cell = cells.get(name, "").strip()
            if column.field in _SPOKEN and by_staff(name, cells):
                continue
            try:
                if column.field in {"text", "title"}:
                    texts |= {cell: None} if is_said(cell) else {}
                elif is_empty(cell):
                    _require(column.field)
                elif (scale := self._scale(column, cells)) is not None:
                    ratings[scale] = rating(cell, scale, column.top)
                elif column.field not in {"scale", "time"}:
                    values[column.field] = self._value(column, cell, cells, self.zone)
            except InvalidItem as error:
                raise InvalidItem(error.reason, column=name) from error
        if not texts and not ratings and not values.get("deleted"):
            raise InvalidItem("no text and no rating")
        values["native_id"] = self._qualified(native_id, cells)
        values.setdefault("created_at", self.written_at)
        rated = tuple(Rating(*pair) for pair in ratings.items())
        return Item(text=storable("\n".join(texts)), ratings=rated, **values)

    def _scale(self, column: Column, cells: Mapping[str, str]) -> Scale | None:
        if column.field == "value":
            named = scale_named(self._cell("scale", cells))
            if named is None:
                raise InvalidItem("a rating value without the name of its scale")
            return named
        return Scale(column.field) if column.field in SCALES else None

    def _cell(self, field_name: str, cells: Mapping[str, str]) -> str:
        names = (name for name, column in self.columns.items() if column.field == field_name)
        return cells.get(next(names, ""), "").strip()

    def _qualified(self, native_id: str, cells: Mapping[str, str]) -> str:
        """A short number begins again in the next export: only with its date does it name a row.

        An edited row keeps its date. The zone is left out: it is an option, and may be corrected.
        """
        dated = (pair for pair in self.columns.items() if pair[1].field == "created_at")
        if not is_counted(native_id) or (found := next(dated, None)) is None:
            return native_id
        when = self._value(found[1], cells[found[0]].strip(), cells, "UTC")
        return f"{native_id}@{when:%FT%T}".removesuffix("T00:00:00")

    def _value(self, column: Column, cell: str, cells: Mapping[str, str], zone: str) -> object:
        match column.field:
            case "created_at" | "updated_at":
                clock = self._cell("time", cells) if ":" not in cell else ""
                when = f"{cell} {clock}" if clock else cell
                return dates.moment(when, day_first=column.day_first, zone=zone)
            case "kind":
                return _kind(cell)
            case "engagement":
                return int(number(cell))
            case "deleted":
                return cell.casefold() in _TRUE
            case "language":
                return language(cell)
        return storable(cell)


def is_counted(native_id: str) -> bool:
    """Whether it may be a row's number in one export, not the name of one thing for good."""
    return _COUNTED.fullmatch(native_id) is not None


def _require(field_name: str) -> None:
    """An empty date is no reason to invent one."""
    if field_name == "created_at":
        raise InvalidItem("no date")


def storable(text: str) -> str:
    """Replace what no UTF-8 store can hold: half of a surrogate pair, and zero bytes."""
    return _UNSTORABLE.sub("\ufffd", text)


def _kind(cell: str) -> Kind:
    known = KINDS.get(plain(cell))
    if known is None:
        raise InvalidItem(f"{cell.strip()[:60]!r} is no kind: use {', '.join(Kind)}")
    return Kind(known)


def language(cell: str) -> str | None:
    """The BCP 47 tag of a tag or of a language's name; None for anything else."""
    cell = cell.strip()
    if (named := LANGUAGES.get(plain(cell))) is not None:
        return named
    if not _TAG.fullmatch(cell):
        return None
    primary, *rest = re.split("[-_]", cell)
    return "-".join([primary.lower(), *rest])


@dataclass(slots=True)
class Identity:
    """Native ids: the id column's, or the row's content and its number among equal rows.

    A row that repeats an id with other content gets one made of both, so that neither is lost.
    ``counters`` are columns that number the rows of this file, and are no content. ``refused`` are
    id columns that do not tell rows apart: a row that is equal even there is the same answer.
    """

    column: str | None
    counters: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    _seen: Seen = field(default_factory=Seen)

    def of(self, cells: Mapping[str, str]) -> str:
        content = _digest(
            "\x1f".join(
                f"{name}={value}"
                for name, value in cells.items()
                if value and name not in self.counters
            )
        )
        own = storable(cells.get(self.column, "").strip()) if self.column else ""
        if own:
            known = self._seen.first(_number(_digest(own)), _number(content[:4]))
            return own if known == _number(content[:4]) else f"{own}#{content.hex()[:12]}"
        if any(cells.get(name, "").strip() for name in self.refused):
            return content.hex()
        count = self._seen.count(_number(content))
        return content.hex() if count == 1 else f"{content.hex()}-{count}"


def _number(digest: bytes) -> int:
    """Read up to 8 bytes as a number, never 0: that is a free slot."""
    return int.from_bytes(digest[:8]) or 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def as_json(cells: Mapping[str, str], native_id: str) -> str:
    """Write a row set aside in the form that ``Files.retry`` reads."""
    return json.dumps({"native_id": native_id, **cells}, ensure_ascii=False)
