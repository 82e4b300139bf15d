"""What a query would find and bring: counts, a day's volume to expect, forms of its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import mean

from listening import query
from listening.app import App
from listening.desk.why import Why
from listening.records import Bucket, Dimension, Filter, Hit
from listening.tree import Near, Node, Phrase, Word, leaves

DAYS = 28  # looked at for the volume to expect
LEAST_DAYS = 14
SAMPLES = 10
LOOKED_AT = 200  # newest hits, for forms of words
MOST_FORMS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Mentions a day: their mean, and the range that eight of ten days fell in."""

    mean: float
    low: int
    high: int
    days: int
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The forms in which texts of a language had a word of the query, with how many had each."""

    word: str
    language: str
    forms: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """``expected`` is None where the store reaches back less than ``LEAST_DAYS`` days."""

    total: int
    by_day: tuple[Bucket, ...]
    brands: tuple[tuple[str, int], ...]
    languages: tuple[tuple[str, int], ...]
    expected: Expected | None
    forms: tuple[Forms, ...]
    samples: tuple[Hit, ...]


def preview(app: App, node: Node) -> Preview:
    """``node`` as ``App.meant`` gives it."""
    where = Filter(text=node)
    days = _by(app, where, Dimension.DAY)
    languages = _by(app, where, Dimension.LANGUAGE)
    hits = app.search(where, limit=LOOKED_AT).hits
    return Preview(
        total=sum(bucket.count for bucket in days),
        by_day=tuple(days),
        brands=_ranked(_by(app, where, Dimension.BRAND)),
        languages=_ranked(languages),
        expected=expected(app, days),
        forms=tuple(forms(node, hits)),
        samples=hits[:SAMPLES],
    )


def _by(app: App, where: Filter, dimension: Dimension) -> list[Bucket]:
    return app.store.aggregate(where, by=[dimension], zone=app.settings.zone)


def _ranked(buckets: Sequence[Bucket]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(((b.key[0], b.count) for b in buckets), key=lambda pair: -pair[1]))


def expected(app: App, days: Sequence[Bucket]) -> Expected | None:
    """From the last days that the store has whole, which the newest may not be yet."""
    held = [date.fromisoformat(bucket.key[0]) for bucket in _by(app, Filter(), Dimension.DAY)]
    if not held:
        return None
    last = held[-1] - timedelta(days=1)
    first = max(held[0], last - timedelta(days=DAYS - 1))
    span = (last - first).days + 1
    if span < LEAST_DAYS:
        return None
    counts = Counter({date.fromisoformat(bucket.key[0]): bucket.count for bucket in days})
    found = sorted(counts[first + timedelta(days=n)] for n in range(span))
    cut = span // 10
    return Expected(
        mean=mean(found), low=found[cut], high=found[-1 - cut], days=span, first=first, last=last
    )


def forms(node: Node, hits: Sequence[Hit]) -> list[Forms]:
    """Of each word, phrase or NEAR of the query, in the languages that the hits are in."""
    languages = sorted({hit.feedback.language for hit in hits})
    found = []
    for leaf in dict.fromkeys(leaves(node)):
        if isinstance(leaf, Word | Phrase | Near):
            why = Why(leaf, languages)
            by_language: dict[str, Counter[str]] = {}
            for hit in hits:
                for reason in why.reasons(hit):
                    counted = by_language.setdefault(hit.feedback.language, Counter())
                    counted.update({word.casefold() for word in reason.words})
            found += [
                Forms(
                    word=query.format(leaf),
                    language=tag,
                    forms=tuple(counts.most_common(MOST_FORMS)),
                )
                for tag, counts in sorted(by_language.items())
            ]
    return found
