"""How fast the Elasticsearch store takes in, finds and counts feedback; prints tables.

    python benchmarks/cluster.py --url http://127.0.0.1:9200 --documents 100000

The documents and queries are those of ``search.py``. Putting is compared with the bare bulk API:
the same documents, serialised before, in requests as large and as many at once, into indices of
the same kind, in turns. The labels are what ``annotate`` left.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent))  # the other benchmark's documents

from benchmarks.search import Corpus, page, searches, sentiment
from listening.records import Feedback, Filter
from listening.stores import elastic_layout
from listening.stores.elastic_cluster import dumps
from listening.stores.elastic_find import TOGETHER
from listening.stores.elastic_rows import document_id, encode
from listening.stores.elastic_write import WORKERS
from listening.stores.elasticsearch import ElasticsearchStore

BATCH = 1_000
CLIENTS = 10

Call = Callable[[], object]


def seconds(call: Call) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def batches(feedback: Iterable[Feedback]) -> Iterator[list[Feedback]]:
    rest = iter(feedback)
    while batch := [*islice(rest, BATCH)]:
        yield batch


def put(store: ElasticsearchStore, feedback: Sequence[Feedback]) -> None:
    for batch in batches(feedback):
        store.put(batch)


def raw(store: ElasticsearchStore, feedback: Sequence[Feedback]) -> list[bytes]:
    """Bodies of bulk requests."""
    lines = []
    for one in feedback:
        alias = store.names.write(elastic_layout.month(one.created_at))
        lines.append(
            dumps({"index": {"_index": alias, "_id": document_id(one.id)}})
            + b"\n"
            + dumps(encode(one, None))
            + b"\n"
        )
    return [b"".join(lines[n : n + TOGETHER]) for n in range(0, len(lines), TOGETHER)]


def send(store: ElasticsearchStore, bodies: Sequence[bytes]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for answer in pool.map(lambda body: store.cluster.once("POST", "/_bulk", body), bodies):
            if answer.status != 200 or answer.body["errors"]:  # noqa: PLR2004 - HTTP
                raise SystemExit(f"the server refused documents: {answer.reason}")


def fill(store: ElasticsearchStore, bare: ElasticsearchStore, corpus: Corpus, rounds: int) -> None:
    """Both stores, the bare one by the bulk API, each slice of the documents in turns."""
    documents = iter(corpus)
    size = corpus.documents // rounds
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        given = [*islice(documents, size)]
        for each in (store, bare):
            months = {elastic_layout.month(one.created_at) for one in given}
            for month in sorted(months):
                elastic_layout.create(each.cluster, each.names, each.names.write(month))
        bodies = raw(bare, given)
        turns = [(ours, partial(put, store, given)), (theirs, partial(send, bare, bodies))]
        for times, call in turns if number % 2 else reversed(turns):
            times.append(size / seconds(call))
    share = median(one / other for one, other in zip(ours, theirs, strict=True))
    print(f"| put | {median(ours):,.0f} |\n| bare bulk API | {median(theirs):,.0f} |")
    print(f"| put, of that | {share:.0%} |")


def annotate(store: ElasticsearchStore, rng: Random) -> int:
    unscored, total = store.unscored("m"), 0
    while waiting := [*islice(unscored, BATCH)]:
        total += store.annotate([(id_, text, sentiment(rng)) for id_, text in waiting])
    return total


def at_once(calls: Sequence[Call]) -> list[float]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [*pool.map(seconds, calls)]


def row(name: str, *columns: Sequence[float]) -> None:
    """p50 and p95 of each."""
    cut = [quantiles(column, n=20, method="inclusive") for column in columns]
    figures = (f"{percentiles[n] * 1_000:,.0f}" for percentiles in cut for n in (9, 18))
    print(f"| {name} | {' | '.join(figures)} |", flush=True)


def measure(store: ElasticsearchStore, corpus: Corpus, repeats: int) -> None:
    print("\n| milliseconds | p50 | p95 | p50, ten at once | p95, ten at once |")
    print("|---|---|---|---|---|")
    for name, make in searches(corpus).items():
        calls = [partial(store.search, make()) for _ in range(2 * repeats)]
        row(name, [*map(seconds, calls[:repeats])], at_once(calls[repeats:]))
    telling = partial(store.terms, Filter(brand=("balt",)), background=Filter())
    row("telling terms", [seconds(telling) for _ in range(5)], at_once([telling] * CLIENTS))
    counts = partial(page, store)
    row("8 counts, nothing remembered", *(forgotten(store, clients) for clients in (1, CLIENTS)))
    row("8 counts", [seconds(counts) for _ in range(20)], at_once([counts] * 4 * CLIENTS))


def forgotten(store: ElasticsearchStore, clients: int) -> list[float]:
    """Pages after the server has forgotten its answers, as when every month has changed."""
    found = []
    for _ in range(5):
        path = f"/{store.names.name}/_cache/clear"
        store.cluster.request("POST", path, params={"request": "true"})
        found += at_once([partial(page, store)] * clients)
    return found


def remove(store: ElasticsearchStore) -> None:
    name = store.names.name
    there = store.cluster.request("GET", f"/{name}-*/_alias")
    for index in there:
        store.cluster.request("DELETE", f"/{index}")
    store.cluster.request("DELETE", f"/_index_template/{name}")
    store.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default="http://127.0.0.1:9200", help="of the server")
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--repeats", type=int, default=60)
    options.add_argument("--rounds", type=int, default=10, help="of putting; the median is shown")
    options.add_argument("--name", help="keep the store under this name and use it again")
    chosen = options.parse_args()
    corpus = Corpus(chosen.documents, seed=7)
    name = chosen.name or f"bench-{secrets.token_hex(4)}"
    store = ElasticsearchStore.open(f"{chosen.url}/{name}", replicas=0)
    try:
        if not store.search(Filter(), limit=1).total:
            print("| documents per second, median of rounds | |\n|---|---|")
            bare = ElasticsearchStore.open(f"{chosen.url}/{name}-bare", replicas=0)
            try:
                fill(store, bare, corpus, chosen.rounds)
            finally:
                remove(bare)
            began = perf_counter()
            scored = annotate(store, Random(1))
            print(f"| annotate | {scored / (perf_counter() - began):,.0f} |")
        measure(store, corpus, chosen.repeats)
    finally:
        if not chosen.name:
            remove(store)


if __name__ == "__main__":
    main()
