"""What is behind the figures: telling words, sample texts, and the queries that find them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from math import sqrt
from typing import NamedTuple
from unicodedata import east_asian_width

from listening.analysis import tokens
from listening.protocols import Store
from listening.records import Bucket, Dimension, Filter, Hit, Label
from listening.report import timeline
from listening.report.shape import Crisis, Sample, Topic
from listening.tree import And, Field, Node, Not, Or, Word
from listening.views import words
from listening.views.reproduce import as_query
from listening.views.spikes import Spike, days_of, spikes
from listening.views.words import TellingWord

MOST_BRANDS = 10
MOST_LANGUAGES = 4  # each has its own words, and asking for them takes time
LEAST_TEXTS = 10  # of a language, to look for its words
WORDS = 6
SAMPLES = 3
LOOKED_AT = 50
SHORTEST = 3


class Evidence(NamedTuple):
    words: tuple[TellingWord, ...]
    samples: tuple[Sample, ...]


def complaints(store: Store, where: Filter) -> tuple[Topic, ...]:
    """Per brand the negative texts against all its others, with sample texts."""
    return tuple(_topics(store, where, Label.NEGATIVE, samples=SAMPLES))


def praise(store: Store, where: Filter) -> tuple[Topic, ...]:
    """Per brand the positive texts against all its others; words only."""
    return tuple(_topics(store, where, Label.POSITIVE, samples=0))


def crises(store: Store, where: Filter) -> tuple[Crisis, ...]:
    """Every brand's negative spikes, most excess first; days are UTC's, as in queries."""
    found = [
        (spike, _crisis(store, replace(where, brand=(brand,)), spike))
        for brand in _brands(store, where)
        for spike in _spikes(store, replace(where, brand=(brand,)))
    ]
    return tuple(crisis for _, crisis in sorted(found, key=lambda pair: -pair[0].excess))


def telling(
    store: Store, said: Filter, background: Filter, *, most: int = WORDS
) -> tuple[TellingWord, ...]:
    """Words of ``said`` that ``background`` uses less, at most ``most`` in each language."""
    return _evidence(store, said, background, 0, most).words


def _topics(store: Store, where: Filter, label: Label, *, samples: int) -> Iterator[Topic]:
    if where.label and label not in where.label:
        return
    # Without another label to set them against, texts against themselves: no word stands out.
    others = tuple(one for one in where.label or Label if one is not label) or (label,)
    for brand, texts in _brands(store, replace(where, label=(label,))).items():
        said = replace(where, brand=(brand,), label=(label,))
        evidence = _evidence(store, said, replace(said, label=others), samples)
        yield Topic(brand=brand, texts=texts, query=as_query(said), **evidence._asdict())


def _crisis(store: Store, where: Filter, spike: Spike) -> Crisis:
    after = spike.end + timedelta(days=1)
    window = timeline.utc(spike.start, after, where.window)
    said = replace(where, label=(Label.NEGATIVE,), window=window)
    spoken = (
        Field("sentiment", Label.NEGATIVE),
        Field("after", spike.start.isoformat()),
        Field("before", after.isoformat()),
    )
    background = replace(where, text=_both(where.text, Not(And(spoken))))
    return Crisis(
        brand=(where.brand or ("",))[0],
        start=spike.start,
        end=spike.end,
        negative=spike.negative,
        texts=spike.texts,
        expected=spike.expected,
        share=spike.share,
        share_usual=spike.share_usual,
        query=as_query(said),
        **_evidence(store, said, background, SAMPLES)._asdict(),
    )


def _spikes(store: Store, where: Filter) -> list[Spike]:
    days = store.aggregate(where, by=[Dimension.DAY])
    covered = timeline.utc_days(where.window, days)
    return spikes(days_of(days, *covered)) if covered else []


def _brands(store: Store, where: Filter) -> Mapping[str, int]:
    return _most(store.aggregate(where, by=[Dimension.BRAND]), MOST_BRANDS)


def _most(buckets: Sequence[Bucket], most: int) -> dict[str, int]:
    largest = sorted(buckets, key=lambda bucket: (-bucket.count, bucket.key))
    return {bucket.key[0]: bucket.count for bucket in largest[:most]}


def _evidence(
    store: Store, said: Filter, background: Filter, samples: int, most: int = WORDS
) -> Evidence:
    """Language by language: otherwise those of the larger language would be its telling words."""
    languages = _most(store.aggregate(said, by=[Dimension.LANGUAGE]), MOST_LANGUAGES)
    telling: list[TellingWord] = []
    chosen: list[Hit] = []
    for language, texts in languages.items():
        alike = replace(said, language=(language,))
        among = replace(background, language=(language,))
        found = _words(store, alike, among, language)[:most] if texts >= LEAST_TEXTS else []
        hits = _using(store, alike, found)
        telling += _as_typed(found, hits)
        chosen += _best(found, hits)
    return Evidence(tuple(telling), tuple(map(_as_sample, chosen[:samples])))


def _words(store: Store, said: Filter, background: Filter, language: str) -> list[TellingWord]:
    counts = store.terms(said, background=background)
    brand = (said.brand or ("",))[0].casefold()
    found = words.telling_words(counts, top=len(counts.terms), language=language)
    return [w for w in found if _speaks(w.term) and w.term.casefold() != brand]


def _speaks(term: str) -> bool:
    """Words of one or two letters are grammar, save in scripts written without spaces."""
    return len(term) >= SHORTEST or any(east_asian_width(letter) == "W" for letter in term)


def _using(store: Store, said: Filter, telling: Sequence[TellingWord]) -> Sequence[Hit]:
    """Newest texts that use any of the words; without words, newest texts."""
    if telling:
        anyone = Or(tuple(Word(word.term) for word in telling))
        said = replace(said, text=_both(said.text, anyone))
    return store.search(said, limit=LOOKED_AT).hits


def _as_typed(telling: Sequence[TellingWord], hits: Sequence[Hit]) -> Iterator[TellingWord]:
    """The words as most people spell them: a store may know them folded only."""
    spelt: dict[str, Counter[str]] = {}
    for hit in hits:
        text = hit.feedback.text
        for token in tokens(text, hit.feedback.language):
            spelt.setdefault(token.surface, Counter())[text[token.start : token.end]] += 1
    for word in telling:
        common = spelt.get(word.term, Counter()).most_common(1)
        yield replace(word, term=common[0][0]) if common else word


def _best(telling: Sequence[TellingWord], hits: Sequence[Hit]) -> list[Hit]:
    """The text densest in telling words, of the half whose label is surest."""

    def certainty(hit: Hit) -> float:
        return hit.sentiment.confidence if hit.sentiment else 0.0

    def merit(hit: Hit) -> tuple[float, int]:
        one = hit.feedback
        stems = {t.stem for word in telling for t in tokens(word.term, one.language)}
        used = {token.stem for token in tokens(one.text, one.language)}
        return len(stems & used) / sqrt(len(used) or 1), one.engagement or 0

    surest = sorted(hits, key=certainty, reverse=True)[: (len(hits) + 1) // 2]
    return sorted(surest, key=merit, reverse=True)[:1]


def _as_sample(hit: Hit) -> Sample:
    one = hit.feedback
    return Sample(
        id=one.id,
        brand=one.brand,
        source=one.source,
        kind=one.kind,
        language=one.language,
        created_at=one.created_at,
        text=one.text,
        url=one.url,
    )


def _both(text: Node | None, more: Node) -> Node:
    return more if text is None else And((text, more))
