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
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from statistics import quantiles
from time import perf_counter

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


def fill(store: SqliteStore, corpus: Corpus) -> tuple[float, float]:
    """Documents put and documents annotated, per second."""
    documents = iter(corpus)
    putting = 0.0
    while batch := list(islice(documents, BATCH)):
        began = perf_counter()
        store.put(batch)
        putting += perf_counter() - began
    scores = random.Random(1)
    unscored = store.unscored("m")
    began = perf_counter()
    while page := list(islice(unscored, BATCH)):
        store.annotate([(id_, text, sentiment(scores)) for id_, text in page])
    return corpus.documents / putting, corpus.documents / (perf_counter() - began)


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


def page(store: SqliteStore) -> None:
    for by, where in PAGE.items():
        store.aggregate(where, by=by, zone="Europe/Riga")


def timed(call: Callable[[], object]) -> float:
    began = perf_counter()
    call()
    return (perf_counter() - began) * 1_000


def row(name: str, times: list[float]) -> None:
    percentiles = quantiles(times, n=20, method="inclusive")
    print(f"{name:<28}{percentiles[9]:>10.1f}{percentiles[18]:>10.1f}{max(times):>10.1f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--repeats", type=int, default=60)
    options.add_argument("--store", type=Path, help="keep the store in this file and use it again")
    chosen = options.parse_args()
    corpus = Corpus(chosen.documents, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.store or Path(folder, "listening.db")
        filled = path.exists()
        store = SqliteStore(str(path))
        if not filled:
            put, annotated = fill(store, corpus)
            print(f"put {put:,.0f}/s, annotate {annotated:,.0f}/s", end=", ")
        print(f"{chosen.documents:,} documents, {path.stat().st_size / 1e6:,.0f} MB\n")
        print(f"{'milliseconds':<28}{'p50':>10}{'p95':>10}{'max':>10}")
        print(f"{'first page of 8 counts':<28}{timed(lambda: page(store)):>10.1f}")
        print(f"{'the same, new process':<28}{timed(lambda: page(SqliteStore(str(path)))):>10.1f}")
        row("page of 8 counts", [timed(lambda: page(store)) for _ in range(10)])
        for name, make in searches(corpus).items():
            filters = [make() for _ in range(chosen.repeats)]
            row(name, [timed(lambda w=where: store.search(w)) for where in filters])  # type: ignore[misc]
        ids = [hit.feedback.id for hit in store.search(Filter(), limit=10).hits]
        print(f"{'erase 10':<28}{timed(lambda: store.erase(ids)):>10.1f}")


if __name__ == "__main__":
    main()
