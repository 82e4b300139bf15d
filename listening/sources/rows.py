"""Rows made items: the columns read as the layout says, identifiers that survive a re-export."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listening.errors import InvalidItem
from listening.records import Item, Kind, Rating, Scale
from listening.sources import dates
from listening.sources.columns import LABELS, SCALES, Column, scale_named
from listening.sources.values import is_empty, is_said, number, plain, rating
from listening.sources.wordings import KINDS, LANGUAGES

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_TRUE = frozenset(("true", "1", "yes", "y", "ja", "jā", "taip", "да", "კი"))
_WORDY = frozenset(("text", "title"))
_LONE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rows become items. ``written_at`` is the time of rows where no column has one."""

    columns: Mapping[str, Column]
    kind: Kind
    zone: str
    written_at: datetime
    labels: Mapping[str, str]

    def item(self, cells: Mapping[str, str], native_id: str) -> Item:
        """The row as an item; raises InvalidItem naming the column at fault."""
        values: dict[str, Any] = dict(self.labels)
        texts: list[str] = []
        ratings: dict[Scale, int] = {}
        scale: Scale | None = None
        pending: tuple[str, str] | None = None
        clock = ""
        for name, column in self.columns.items():
            cell = cells.get(name, "")
            if column.field in _WORDY:
                if is_said(cell):
                    texts.insert(0 if column.field == "title" else len(texts), cell.strip())
                continue
            if not cell or is_empty(cell):
                continue
            try:
                match column.field:
                    case "scale":
                        scale = scale_named(cell)
                    case "value":
                        pending = name, cell
                    case known if known in SCALES:
                        self._rate(ratings, cell, Scale(known), column.top)
                    case other:
                        values[other] = self._value(other, cell, column)
            except InvalidItem as error:
                raise InvalidItem(error.reason, column=name) from error
        if pending is not None:
            self._pair(ratings, scale, *pending)
        text = _LONE.sub("\ufffd", "\n".join(dict.fromkeys(texts)))
        if not text and not ratings:
            raise InvalidItem("no text and no rating")
        values.setdefault("created_at", self.written_at)
        values.setdefault("kind", self.kind)
        values["native_id"] = native_id
        return Item(text=text, ratings=tuple(Rating(*pair) for pair in ratings.items()), **values)

    def _rate(self, ratings: dict[Scale, int], cell: str, scale: Scale, top: float | None) -> None:
        value = rating(cell, scale, top)
        if value is not None:
            ratings[scale] = value

    def _pair(self, ratings: dict[Scale, int], scale: Scale | None, name: str, cell: str) -> None:
        if scale is None:
            raise InvalidItem("a rating value without the name of its scale", column=name)
        try:
            self._rate(ratings, cell, scale, None)
        except InvalidItem as error:
            raise InvalidItem(error.reason, column=name) from error

    def _value(self, name: str, cell: str, column: Column) -> object:
        match name:
            case "created_at" | "updated_at":
                return dates.moment(cell, day_first=column.day_first, zone=self.zone)
            case "kind":
                return _kind(cell)
            case "engagement":
                return int(number(cell))
            case "deleted":
                return cell.strip().casefold() in _TRUE
            case "language":
                return language(cell)
        return _LONE.sub("\ufffd", cell.strip())


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
    """

    column: str | None
    _contents: dict[bytes, int] = field(default_factory=dict)
    _ids: dict[bytes, bytes] = field(default_factory=dict)

    def of(self, cells: Mapping[str, str]) -> str:
        content = _digest([f"{name}={value}" for name, value in cells.items() if value])
        own = cells.get(self.column, "").strip() if self.column else ""
        if own:
            known = self._ids.setdefault(_digest([own])[:8], content[:8])
            return own if known == content[:8] else f"{own}#{content.hex()[:12]}"
        count = self._contents[content] = self._contents.get(content, 0) + 1
        return content.hex() if count == 1 else f"{content.hex()}-{count}"


def _digest(parts: Sequence[str]) -> bytes:
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=12).digest()


def as_json(cells: Mapping[str, str], native_id: str) -> str:
    """A row set aside, in a form that ``Files.retry`` reads."""
    return json.dumps({"native_id": native_id, **cells}, ensure_ascii=False)
