"""What the reads of every store share: limits, their errors, and the arithmetic of terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log

from listening.errors import ConfigError
from listening.records import Filter, TermCount, TermCounts
from listening.tree import And, Field, Node

MOST_HITS = 200
COUNTED = 10_000  # totals are exact up to here
SAMPLE = 5_000  # texts that ``terms`` looks at
MOST_BUCKETS = 10_000
QUERY_SECONDS = 5.0
TOO_SLOW = (
    f"the query took more than {QUERY_SECONDS:g} seconds and was stopped; narrow it, for"
    " example by a period, a brand or a longer prefix"
)


def check_limit(limit: int) -> None:
    """Raise ConfigError for a page that is too large or empty."""
    if not 1 <= limit <= MOST_HITS:
        raise ConfigError(f"a page has 1 to {MOST_HITS} hits, not {limit}; page by the cursor")


def broken_cursor(cursor: str) -> ConfigError:
    return ConfigError(f"{cursor[:40]!r} is no search cursor; start again without one")


def too_many_buckets(count: int, *, more: bool = False) -> ConfigError:
    """``more`` says that there are more than ``count``, which have not been counted."""
    return ConfigError(
        f"{'at least ' if more else ''}{count:,} buckets are more than {MOST_BUCKETS:,}; narrow"
        " the filter, or count by fewer dimensions or longer periods"
    )


def conjuncts(node: Node | None) -> Iterator[Node]:
    """What must hold together: the parts of AND, however they are nested."""
    if isinstance(node, And):
        for part in node.parts:
            yield from conjuncts(part)
    elif node is not None:
        yield node


def languages_named(where: Filter) -> set[str]:
    """The languages that a filter narrows itself to; empty when it does not."""
    fields = (part for part in conjuncts(where.text) if isinstance(part, Field))
    return {part.value for part in fields if part.name == "lang"} or set(where.language or ())


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many texts each stem is, its commonest form, how many texts."""

    texts: Counter[str]
    forms: dict[str, str]
    total: int

    @classmethod
    def of(cls, terms: Iterable[tuple[str, str]]) -> Frequencies:
        """``terms`` are surfaces and stems, each joined by spaces, of one text after another."""
        texts: Counter[str] = Counter()
        forms: Counter[tuple[str, str]] = Counter()
        total = 0
        for surfaces, stems in terms:
            total += 1
            texts.update({*stems.split(" ")})
            forms.update(zip(stems.split(" "), surfaces.split(" "), strict=True))
        # Of forms that are as common, the first in the alphabet, whatever came first.
        best_last = sorted(forms, key=lambda form: (-forms[form], form), reverse=True)
        return cls(texts, dict(best_last), total)


def telling(near: Frequencies, far: Frequencies, limit: int) -> TermCounts:
    """The terms that ``near`` has more of than its background ``far``, most telling first.

    A term's share of the texts times the logarithm of how much it exceeds the background's.
    """

    def excess(stem: str) -> float:
        share = near.texts[stem] / near.total
        return share * log(share * (far.total + 1) / (far.texts[stem] + 0.5))

    chosen = sorted(near.texts, key=lambda stem: (-excess(stem), stem))[:limit]
    return TermCounts(
        tuple(TermCount(near.forms[s], near.texts[s], far.texts[s]) for s in chosen),
        near.total,
        far.total,
    )
