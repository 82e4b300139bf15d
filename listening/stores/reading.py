"""What the reads of every store share: limits, their errors, and the arithmetic of terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log

from listening.errors import ConfigError
from listening.records import Filter, TermCount, TermCounts
from listening.tree import And, Field, Node

DESK = frozenset({"tag", "status", "assignee", "saved"})  # fields that no store knows by itself
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


def not_looked_up(field: Field) -> ConfigError:
    return ConfigError(
        f"{field.name}: is kept beside the feedback, and has not been looked up; search through App"
    )


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
    """In how many texts each stem is, of how many; and the surfaces and stems of these."""

    texts: Counter[str]
    total: int
    spelt: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, terms: Iterable[tuple[str, str]]) -> Frequencies:
        """``terms`` are surfaces and stems, each joined by spaces, of one text after another."""
        spelt = [*terms]
        each = (set(stems.split(" ")) for _, stems in spelt)
        return cls(Counter(chain.from_iterable(each)), len(spelt), spelt)

    def forms(self, stems: Collection[str]) -> dict[str, str]:
        """The commonest form of each; of those that are as common, the first in the alphabet."""
        forms: Counter[tuple[str, str]] = Counter()
        for surfaces, found in self.spelt:
            pairs = zip(found.split(" "), surfaces.split(" "), strict=True)
            forms.update(pair for pair in pairs if pair[0] in stems)
        return dict(sorted(forms, key=lambda form: (-forms[form], form), reverse=True))


def telling(near: Frequencies, far: Frequencies, limit: int, least: int = 1) -> TermCounts:
    """The terms that ``near`` has more of than its background ``far``, most telling first.

    A term's share of the texts times the logarithm of how much it exceeds the background's.
    """

    def excess(stem: str, texts: int) -> float:
        share = texts / near.total
        return share * log(share * (far.total + 1) / (far.texts.get(stem, 0) + 0.5))

    known = ((stem, texts) for stem, texts in near.texts.items() if texts >= least)
    ranked = sorted((-excess(stem, texts), stem) for stem, texts in known)
    chosen = [stem for _, stem in ranked[:limit]]
    forms = near.forms({*chosen})
    return TermCounts(
        tuple(TermCount(forms[s], near.texts[s], far.texts[s]) for s in chosen),
        near.total,
        far.total,
    )
