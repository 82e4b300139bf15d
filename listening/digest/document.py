"""What a digest is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from listening.charts.vega import Spec


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A column whose name begins with ``*`` is of numbers, to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody wrote; ``url`` is of the web, or None."""

    text: str
    about: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """``name`` is that of a file; ``figures`` are what it shows, where it cannot be shown."""

    name: str
    chart: Spec
    figures: Table


Block = Heading | Paragraph | Bullets | Table | Quote | Picture


@dataclass(frozen=True, slots=True)
class Document:
    """``link`` opens the same in the pages, where they have an address."""

    title: str
    subtitle: str
    blocks: Sequence[Block]
    link: str = ""
