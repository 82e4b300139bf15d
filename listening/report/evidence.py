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
from listening.records import Bucket, Dimension, Filter, Hit, Label, TermCounts
from listening.report import timeline
from listening.report.shape import Crisis, Sample, Topic
from listening.stores.reading import SAMPLE
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
LOOKED_AT, SPELT_BY = 40, 20  # hits, for samples and words or for how words are spelt
SHORTEST = 3
READ = 24_000  # texts, for the words of all that is asked at once: a report takes a second
LEAST_READ = 250  # of each


class _Part(NamedTuple):
    """What is said in one language: otherwise those of the larger one would be telling words."""

    said: Filter
    background: Filter
    language: str
    texts: int


class _Brand(NamedTuple):
    said: Filter
    texts: int
    parts: Sequence[_Part]


class Evidence(NamedTuple):
    words: tuple[TellingWord, ...]
    samples: tuple[Sample, ...]


class Topics(NamedTuple):
    """Per brand its negative (positive) texts against all its others; ``praise`` has no samples."""

    complaints: tuple[Topic, ...]
    praise: tuple[Topic, ...]


def topics(store: Store, where: Filter) -> Topics:
    """The words of all brands are asked for at once, and of as many texts as that allows."""
    complaints, praise = (
        _of_brands(store, where, label) for label in (Label.NEGATIVE, Label.POSITIVE)
    )
    every = [part for one in (*complaints, *praise) for part in one.parts]
    words = dict(zip(every, _words(store, every), strict=True))
    return Topics(
        tuple(_topic(store, one, words, SAMPLES) for one in complaints),
        tuple(_topic(store, one, words, 0) for one in praise),
    )


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


def telling_each(
    store: Store, pairs: Sequence[tuple[Filter, Filter]], *, most: int = WORDS
) -> list[tuple[TellingWord, ...]]:
    """``telling`` of each pair, all of them read at once."""
    parts = [_parts(store, said, background) for said, background in pairs]
    every = list(dict.fromkeys(part for own in parts for part in own))
    words = dict(zip(every, _words(store, every), strict=True))
    return [_shown(store, {part: words[part][:most] for part in own}, 0).words for own in parts]


def _of_brands(store: Store, where: Filter, label: Label) -> list[_Brand]:
    if where.label and label not in where.label:
        return []
    # Without another label to set them against, texts against themselves: no word stands out.
    others = tuple(one for one in where.label or Label if one is not label) or (label,)
    found = []
    for brand, texts in _brands(store, replace(where, label=(label,))).items():
        said = replace(where, brand=(brand,), label=(label,))
        found.append(_Brand(said, texts, _parts(store, said, replace(said, label=others))))
    return found


def _topic(
    store: Store, brand: _Brand, words: Mapping[_Part, Sequence[TellingWord]], samples: int
) -> Topic:
    found = {part: words[part][:WORDS] for part in brand.parts}
    evidence = _shown(store, found, samples)
    name = (brand.said.brand or ("",))[0]
    query = as_query(brand.said)
    return Topic(brand=name, texts=brand.texts, query=query, **evidence._asdict())


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
    parts = _parts(store, said, background)
    words = zip(parts, _words(store, parts), strict=True)
    return _shown(store, {part: found[:most] for part, found in words}, samples)


def _parts(store: Store, said: Filter, background: Filter) -> list[_Part]:
    languages = _most(store.aggregate(said, by=[Dimension.LANGUAGE]), MOST_LANGUAGES)
    return [
        _Part(replace(said, language=(one,)), replace(background, language=(one,)), one, texts)
        for one, texts in languages.items()
    ]


def _shown(store: Store, words: Mapping[_Part, Sequence[TellingWord]], samples: int) -> Evidence:
    telling: list[TellingWord] = []
    chosen: list[Hit] = []
    for part, found in words.items():
        most = LOOKED_AT if samples else SPELT_BY
        hits = _using(store, part.said, found, most) if found or samples else []
        telling += _as_typed(found, hits[:SPELT_BY])
        chosen += _best(found, hits) if len(chosen) < samples else []
    return Evidence(tuple(telling), tuple(map(_as_sample, chosen[:samples])))


def _words(store: Store, parts: Sequence[_Part]) -> Iterator[list[TellingWord]]:
    """Of each part; with many parts fewer texts of each are looked at."""
    asked = [(part.said, part.background) for part in parts if part.texts >= LEAST_TEXTS]
    most = max(LEAST_READ, min(SAMPLE, READ // (2 * len(asked) or 1)))
    counts = (
        dict(zip(asked, store.terms_of(asked, most=most, least=words.LEAST_COUNT), strict=True))
        if asked
        else {}
    )
    for part in parts:
        found = counts.get((part.said, part.background))
        yield _speaking(found, part) if found else []


def _speaking(counts: TermCounts, part: _Part) -> list[TellingWord]:
    brand = (part.said.brand or ("",))[0].casefold()
    found = words.telling_words(counts, top=len(counts.terms), language=part.language)
    return [w for w in found if _speaks(w.term) and w.term.casefold() != brand]


def _speaks(term: str) -> bool:
    """Words of one or two letters are grammar, save in scripts written without spaces."""
    return len(term) >= SHORTEST or any(east_asian_width(letter) == "W" for letter in term)


def _using(store: Store, said: Filter, telling: Sequence[TellingWord], most: int) -> Sequence[Hit]:
    """Newest texts that use any of the words; without words, newest texts."""
    if telling:
        anyone = Or(tuple(Word(word.term) for word in telling))
        said = replace(said, text=_both(said.text, anyone))
    return store.search(said, limit=most, brief=True).hits


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
