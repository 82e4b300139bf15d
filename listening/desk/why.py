"""Why a hit is among what a query found: which part of the query, by which words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from listening import query
from listening.match import Matcher
from listening.records import Hit
from listening.tree import And, Field, Node, Not, Or


class Reason(NamedTuple):
    """``wanted`` is a part of the query, as canonical text; ``words`` are those it found.

    What the query does not want, or asks of fields, finds no words.
    """

    wanted: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Why:
    """A query made ready to explain many hits."""

    node: Node
    languages: Collection[str]

    @cached_property
    def _parts(self) -> list[tuple[str, Node, Matcher]]:
        return [(_said(part), part, Matcher(part, self.languages)) for part in _parts(self.node)]

    def reasons(self, hit: Hit) -> list[Reason]:
        """Each part that holds, once for each wording; alternatives that do not are left out."""
        found: dict[str, Reason] = {}
        for wanted, part, matcher in self._parts:
            match = matcher.feedback(hit.feedback, hit.sentiment)
            if match.matches:
                text = hit.feedback.text
                words = dict.fromkeys(text[start:end] for start, end in match.spans)
                found[wanted] = Reason(wanted, () if isinstance(part, Not) else tuple(words))
        return [*found.values()]


def in_words(reasons: Collection[Reason]) -> str:
    """One English sentence, without a full stop."""
    words = [f"“{', '.join(one.words)}” for {one.wanted}" for one in reasons if one.words]
    other = [one.wanted for one in reasons if not one.words]
    return "; ".join([*([f"it has {' and '.join(words)}"] if words else []), *other])


def _parts(node: Node) -> Iterator[Node]:
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _parts(part)
        case _:
            yield node


def _said(part: Node) -> str:
    if isinstance(part, Field) or (isinstance(part, Not) and isinstance(part.part, Field)):
        said = query.describe(part)
        return f"it is {said.removeprefix('texts ')}"
    return query.format(part)
