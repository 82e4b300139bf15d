"""How fast the SQLite store takes in, finds and counts feedback; prints a table.

    python benchmarks/search.py --documents 1000000

The documents are made here from a seed: six invented languages whose words follow Zipf's law, two
years of mentions, reviews and surveys. Their language tags have no dictionary, so that the store
is measured and not the lemmatiser.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from statistics import quantiles
from time import perf_counter, process_time
from typing import NamedTuple

from listening.protocols import Store
from listening.query import parse
from listening.records import (
    Dimension,
    Feedback,
    Filter,
    Kind,
    Rating,
    Scale,
    Sentiment,
    Window,
)
from listening.stores.sqlite import SqliteStore
from listening.tree import Node

ALPHABETS = {
    "qaa": ("ბგდვზთკლმნპრსტ", "აეიოუ"),
    "qab": ("bdgklmnprstvzšžķļņ", "aāeēiīuū"),
    "qac": ("bdgklmnprstvzšžčj", "aąeęėiįyuųū"),
    "qad": ("bcdfghklmnprstvwz", "aeiouäöü"),
    "qae": ("bcdfghjlmnpqrstvz", "aeiouéáíóñ"),
    "qaf": ("бвгджзклмнпрстфхч", "аеиоуыэюя"),
}
WORDS = 20_000
BRANDS = ("aurora", "balt", "civis", "delta", "ekspress")
SOURCES = ("x", "app_store", "play", "rss", "survey", "kiosk")
TOUCHPOINTS = ("web", "app", "branch", "call centre", "delivery")
SEGMENTS = ("consumer", "family", "business", "public")
START, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 730
BATCH = 1_000


def vocabulary(language: str, rng: random.Random) -> list[str]:
    consonants, vowels = ALPHABETS[language]
    words: dict[str, None] = {}
    while len(words) < WORDS:
        size = min(5, 1 + len(words) // 200 + rng.randrange(2))  # frequent words are short
        words["".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(size))] = None
    return list(words)


class Corpus:
    """Documents oldest first; the same seed gives the same ones."""

    def __init__(self, documents: int, seed: int) -> None:
        self.documents = documents
        self.rng = random.Random(seed)
        self.words = {language: vocabulary(language, self.rng) for language in ALPHABETS}
        self.weights = list(accumulate(1 / (rank + 2.7) for rank in range(WORDS)))

    def __iter__(self) -> Iterator[Feedback]:
        return (self.document(number) for number in range(self.documents))

    def document(self, number: int) -> Feedback:
        rng = self.rng
        language = rng.choices(list(ALPHABETS), (6, 5, 4, 3, 2, 1))[0]
        brand = rng.choices(BRANDS, (5, 4, 3, 2, 1))[0]
        source = rng.choices(SOURCES, (6, 4, 3, 2, 3, 2))[0]
        survey = source in {"survey", "kiosk"}
        size = rng.randint(5, 40)
        words = rng.choices(self.words[language], cum_weights=self.weights, k=size)
        moment = START + timedelta(days=DAYS * (number + rng.random() * 50) / self.documents)
        return Feedback(
            id=f"{brand}:{source}:{number}",
            brand=brand,
            source=source,
            native_id=str(number),
            kind=Kind.SURVEY if survey else rng.choice((Kind.MENTION, Kind.REVIEW)),
            text=" ".join(words),
            language=language,
            created_at=moment.replace(microsecond=0),
            version=1,
            ratings=(Rating(Scale.NPS, rng.randrange(11)),) if survey else (),
            touchpoint=rng.choice(TOUCHPOINTS) if survey else None,
            segment=rng.choice(SEGMENTS) if survey else None,
            author=f"author{rng.randrange(50_000)}",
        )


def fill(store: SqliteStore, corpus: Corpus) -> tuple[str, str]:
    """How many documents a second are put and annotated."""
    documents = iter(corpus)
    putting, annotating = Time(0, 0), Time(0, 0)
    while batch := list(islice(documents, BATCH)):
        putting = plus(putting, timed(partial(store.put, batch)))
    scores = random.Random(1)
    unscored = store.unscored("m")
    while waiting := list(islice(unscored, BATCH)):
        scored = [(id_, text, sentiment(scores)) for id_, text in waiting]
        annotating = plus(annotating, timed(partial(store.annotate, scored)))
    return rate(corpus, putting), rate(corpus, annotating)


def plus(one: Time, other: Time) -> Time:
    return Time(one.wall + other.wall, one.processor + other.processor)


def rate(corpus: Corpus, time: Time) -> str:
    wall, processor = (corpus.documents * 1_000 / milliseconds for milliseconds in time)
    return f"{wall:,.0f} wall, {processor:,.0f} CPU"


def sentiment(rng: random.Random) -> Sentiment:
    negative, neutral = sorted((rng.random(), rng.random()))
    return Sentiment(negative, neutral - negative, 1 - neutral, "m", 0.4)


def searches(corpus: Corpus) -> dict[str, Callable[[], Filter]]:
    rng = random.Random(2)

    def word(low: int, high: int, language: str | None = None) -> str:
        language = language or rng.choice(list(ALPHABETS))
        return corpus.words[language][rng.randrange(low, high)]

    def pair(low: int, high: int, form: str) -> str:
        language = rng.choice(list(ALPHABETS))
        return form.format(word(low, high, language), word(low, high, language))

    def month() -> Window:
        since = START + timedelta(days=rng.randrange(DAYS - 31))
        return Window(since=since, until=since + timedelta(days=30))

    def query(text: str) -> Filter:
        return Filter(text=parse(text))

    return {
        "rare term": lambda: query(word(10_000, WORDS)),
        "common term": lambda: query(word(0, 20)),
        "AND": lambda: query(pair(0, 200, "{} {}")),
        "OR": lambda: query(pair(0, 200, "{} OR {}")),
        "NOT": lambda: query(pair(0, 200, "{} -{}")),
        "phrase": lambda: query(pair(0, 50, '"{} {}"')),
        "prefix": lambda: query(word(200, 5_000)[:4] + "*"),
        "NEAR": lambda: query(pair(0, 100, "{} NEAR/5 {}")),
        "ONEAR": lambda: query(pair(0, 100, "{} ONEAR/5 {}")),
        "term, brand, month": lambda: Filter(
            text=parse(word(0, 50)), brand=(rng.choice(BRANDS),), window=month()
        ),
        "term and field": lambda: query(word(0, 50) + " nps:<=6"),
        "brand, source": lambda: Filter(brand=(rng.choice(BRANDS),), source=(rng.choice(SOURCES),)),
        "brand, month": lambda: Filter(brand=(rng.choice(BRANDS),), window=month()),
        "everything": Filter,
    }


PAGE: dict[tuple[Dimension, ...], Filter] = {
    (Dimension.DAY,): Filter(),
    (Dimension.DAY, Dimension.LABEL): Filter(),
    (Dimension.LANGUAGE,): Filter(),
    (Dimension.SOURCE,): Filter(),
    (Dimension.BRAND,): Filter(),
    (Dimension.MONTH,): Filter(kind=(Kind.SURVEY,)),
    (Dimension.KIND,): Filter(),
    (Dimension.TOUCHPOINT, Dimension.SEGMENT): Filter(),
}


def page(store: Store, text: Node | None = None) -> None:
    for by, where in PAGE.items():
        store.aggregate(replace(where, text=text), by=by, zone="Europe/Riga")


class Time(NamedTuple):
    """Milliseconds; a machine that has other work to do adds to ``wall`` alone."""

    wall: float
    processor: float


def timed(call: Callable[[], object]) -> Time:
    wall, processor = perf_counter(), process_time()
    call()
    return Time((perf_counter() - wall) * 1_000, (process_time() - processor) * 1_000)


def row(name: str, times: Sequence[Time]) -> None:
    columns = [quantiles(column, n=20, method="inclusive") for column in zip(*times, strict=True)]
    figures = (percentiles[n] for percentiles in columns for n in (9, 18))
    print(f"{name:<26}" + "".join(f"{figure:>12.1f}" for figure in figures), flush=True)


def once(name: str, call: Callable[[], object]) -> None:
    row(name, [timed(call)] * 2)


def measure(path: Path, corpus: Corpus, repeats: int) -> None:
    store = SqliteStore(str(path))
    titles = ("p50 wall", "p95 wall", "p50 CPU", "p95 CPU")
    print(f"{'milliseconds':<26}" + "".join(f"{title:>12}" for title in titles))
    once("8 counts after writing", lambda: page(store))
    once("8 counts, new process", lambda: page(SqliteStore(str(path))))
    row("8 counts", [timed(partial(page, store)) for _ in range(10)])
    for name, make in searches(corpus).items():
        row(name, [timed(partial(store.search, make())) for _ in range(repeats)])
    once("8 counts of a common term", lambda: page(store, parse(corpus.words["qaa"][5])))
    once("telling terms", lambda: store.terms(Filter(brand=("balt",)), background=Filter()))
    ids = [hit.feedback.id for hit in store.search(Filter(), limit=10).hits]
    once("erase 10", lambda: store.erase(ids))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--repeats", type=int, default=60)
    options.add_argument("--store", type=Path, help="keep the store in this file and use it again")
    chosen = options.parse_args()
    corpus = Corpus(chosen.documents, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.store or Path(folder, "listening.db")
        if not path.exists():
            put, annotated = fill(SqliteStore(str(path)), corpus)
            print(f"put {put}; annotate {annotated}; documents per second")
        print(f"{chosen.documents:,} documents, {path.stat().st_size / 1e6:,.0f} MB\n")
        measure(path, corpus, chosen.repeats)


if __name__ == "__main__":
    main()
