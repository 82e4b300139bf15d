"""Telling words of what an address asks for, each counted in full: samples only find them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any, NamedTuple

from listening import query
from listening.protocols import Store
from listening.records import Dimension, Filter
from listening.report import evidence
from listening.tree import And
from listening.views.figures import MINIMUM, Figure, share
from listening.views.rollup import total
from listening.views.sentiment import SentimentRow, sentiment
from listening.views.words import LEAST_RATIO
from listening.web.asked import Asked, both

MOST_LANGUAGES = 4
MOST_WORDS = 40  # of all languages together: each is counted by itself
FEWEST_WORDS = 10  # of a language
SIZES = 6  # of letters in a cloud


class Side(NamedTuple):
    """What is compared: as the store reads it, and as an address; None where none can say it."""

    where: Filter
    asked: Asked | None


class Pair(NamedTuple):
    """``most`` words are wanted in each language, 0 for as many as are quickly counted."""

    said: Side
    others: Side
    most: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A word: how much feedback on each side has it, and of what sentiment that is here.

    ``times`` is how much more often it is here; None where the others never use it.
    """

    term: str
    language: str
    sentiment: SentimentRow
    share: Figure
    others: int
    others_share: Figure
    times: float | None

    @property
    def count(self) -> int:
        return self.sentiment.items

    def narrowed(self, asked: Asked) -> dict[str, Any]:
        """What narrows a link to the feedback that has it."""
        return {"q": both(asked.q, f'"{self.term}"'), "language": self.language}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The telling words of one language, surest first; without any where texts are too few.

    A share is that of all feedback in the language, of which there is as much on each side.
    """

    language: str
    items: int
    others: int
    words: tuple[Counted, ...]

    @property
    def is_enough(self) -> bool:
        return min(self.items, self.others) >= MINIMUM

    @property
    def cloud(self) -> list[tuple[Counted, int]]:
        """In the order of the alphabet, with the size that its share calls for."""
        most = max((word.count for word in self.words), default=1)
        sized = [(word, ceil(SIZES * sqrt(word.count / most))) for word in self.words]
        return sorted(sized, key=lambda pair: pair[0].term.casefold())


class _Part(NamedTuple):
    language: str
    items: int
    others: int
    said: Filter
    background: Filter

    @property
    def is_enough(self) -> bool:
        return min(self.items, self.others) >= MINIMUM


def groups(
    store: Store,
    pairs: Sequence[Pair],
    *,
    languages: int = MOST_LANGUAGES,
    names: Collection[str] = (),
) -> list[tuple[Group, ...]]:
    """The words of each pair in its most spoken languages; all are looked for at once.

    ``names`` are words that nobody needs to be told, such as brands.
    """
    parts = [[*_parts(store, pair, languages)] for pair in pairs]
    looked = [part for own in parts for part in own if part.is_enough]
    asked = [(one.said, one.background) for one in looked]
    found = evidence.telling_each(store, asked, most=MOST_WORDS)
    told = dict(zip(looked, found, strict=True))
    known = {name.casefold() for name in names}

    def group(part: _Part, most: int) -> Group:
        words = [word.term for word in told.get(part, ()) if word.term.casefold() not in known]
        return _group(store, part, words[:most])

    return [
        tuple(group(part, pair.most or _fair(len(own))) for part in own)
        for pair, own in zip(pairs, parts, strict=True)
    ]


def _fair(languages: int) -> int:
    return max(FEWEST_WORDS, MOST_WORDS // languages)


def _parts(store: Store, pair: Pair, most: int) -> Iterator[_Part]:
    here, there = (
        {
            row.key[0]: row.items
            for row in sentiment(store.aggregate(side.where, by=_LANGUAGE))
            if row.texts
        }
        for side in pair[:2]
    )
    for language in sorted(here, key=lambda one: (-here[one], one))[:most]:
        said, others = (replace(side.where, language=(language,)) for side in pair[:2])
        yield _Part(language, here[language], there.get(language, 0), said, others)


_LANGUAGE = (Dimension.LANGUAGE,)


def _group(store: Store, part: _Part, terms: Sequence[str]) -> Group:
    """A word of the sample may be none when all is counted."""
    counted = [_counted(store, part, term) for term in dict.fromkeys(terms)]
    return Group(
        language=part.language,
        items=part.items,
        others=part.others,
        words=tuple(one for one in counted if one.times is None or one.times >= LEAST_RATIO),
    )


def _counted(store: Store, part: _Part, term: str) -> Counted:
    row, others = (
        sentiment([total(store.aggregate(having(where, term), by=[]))])[0]
        for where in (part.said, part.background)
    )
    here, there = row.items / part.items, others.items / part.others
    return Counted(
        term=term,
        language=part.language,
        sentiment=row,
        share=share(row.items, part.items),
        others=others.items,
        others_share=share(others.items, part.others),
        times=here / there if there else None,
    )


def having(where: Filter, term: str) -> Filter:
    """What ``Counted.narrowed`` finds."""
    word = query.parse(f'"{term}"')
    return replace(where, text=word if where.text is None else And((where.text, word)))
