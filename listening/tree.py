"""The query tree: what a query means, before any store or API compiles it.

Offsets are character positions in the query as typed; errors and explanations point at them.
They take no part in equality: two nodes are equal when they mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """One word in any inflected form; with ``prefix`` every word that begins so (``deliver*``)."""

    text: str
    prefix: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other directly, in this order, in any inflected forms."""

    words: tuple[Word, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Near:
    """One of ``left`` and one of ``right`` with at most ``distance`` words between them.

    With ``ordered`` the left one comes first (ONEAR). A side is a group of alternatives.
    """

    left: tuple[Word | Phrase, ...]
    right: tuple[Word | Phrase, ...]
    distance: int
    ordered: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """``name:value``, e.g. ``lang:lv``.

    ``low`` and ``high`` are the inclusive bounds of a numeric field (``stars:1..2``, ``nps:>=9``),
    and for ``before:``/``after:`` ``value`` is an ISO date; an open bound is None.

    ``ids`` are the feedback that ``tag:``, ``status:`` and ``assignee:`` mean, once they have been
    looked up; no store and no matcher reads those fields before.
    """

    name: str
    value: str = ""
    low: float | None = None
    high: float | None = None
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Word | Phrase | Near | Field | And | Or | Not


def leaves(node: Node) -> Iterator[Word | Phrase | Near | Field]:
    """Every leaf of the tree, left to right."""
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield node


def with_fields(node: Node, change: Callable[[Field], Node]) -> Node:
    """The tree with each ``name:value`` made what ``change`` says."""
    match node:
        case Field():
            return change(node)
        case And(parts):
            return And(tuple(with_fields(part, change) for part in parts))
        case Or(parts):
            return Or(tuple(with_fields(part, change) for part in parts))
        case Not(part):
            return Not(with_fields(part, change))
    return node
