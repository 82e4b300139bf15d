"""What only reads of Elasticsearch can get wrong; the rest is the contract of every store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product

import pytest
from pytest_socket import enable_socket, socket_allow_hosts

from listening.errors import ConfigError
from listening.query import parse
from listening.records import Dimension, Filter, Rating, Scale, Window
from listening.stores import elastic_query, elastic_read
from listening.stores.elastic_cluster import Cluster
from listening.stores.elasticsearch import ElasticsearchStore
from listening.stores.sqlite import SqliteStore
from listening.tree import Phrase, Word
from tests.contract.store import GOOD, NOON, everything, ids, said
from tests.elastic import Elastic, elastic  # noqa: F401 - a fixture


@pytest.fixture
def store(elastic: Elastic) -> ElasticsearchStore:  # noqa: F811 - likewise
    return elastic.store()


def found(store: ElasticsearchStore, query: str) -> list[int]:
    return sorted(int(id_.rpartition(":")[2]) for id_ in ids(store, Filter(text=parse(query))))


def test_a_language_is_known_with_its_first_text(store: ElasticsearchStore) -> None:
    store.put([said(0, "Lidojumiem", language="lv")])
    assert found(store, "skrydis") == []
    store.put([said(1, "Skrydžiui", language="lt")])
    assert found(store, "skrydis") == [1]


def test_words_that_are_one_in_some_languages_and_two_in_others(store: ElasticsearchStore) -> None:
    texts = ["l'hôtel d'or", "l hôtel d'or", "l'hôtel et d'or", "hôtel d'or", "lhotel dor"]
    store.put([said(n, text, language="fr") for n, text in enumerate(texts)])
    store.put([said(9, "l'hôtel d'or")])
    assert found(store, "\"l'hôtel d'or\"") == [0, 1, 4, 9]
    assert found(store, "l'hôtel NEAR/0 d'or") == [0, 1, 4, 9]
    assert found(store, "(l'hôtel OR hôtel) ONEAR/1 d'or") == [0, 1, 2, 3, 4, 9]


def test_a_phrase_that_can_be_read_in_too_many_ways_is_a_config_error() -> None:
    where = Filter(text=Phrase(tuple(Word("l'hôtel") for _ in range(7))))
    with pytest.raises(ConfigError, match="shorter part"):
        elastic_query.query(where, ["fr"])


def test_a_prefix_of_too_many_words_in_a_phrase_is_a_config_error(
    store: ElasticsearchStore,
) -> None:
    words = [f"aaa{n}" for n in range(40_000)]
    store.put([said(n, " ".join(words[n * 500 : n * 500 + 500])) for n in range(80)])
    assert len(found(store, "aaa*")) == 80
    with pytest.raises(ConfigError, match="prefix"):
        found(store, '"aaa* night"')


def test_the_deepest_query_is_not_too_deep_for_the_server(store: ElasticsearchStore) -> None:
    store.put([said(1, "late night flight")])
    inner = '("night fli*" OR (late OR "late nig*") NEAR/3 fli*)'
    for _ in range(3):
        inner = f"(NOT (none {inner}) late OR other)"
    assert found(store, inner) == [1]


def test_a_value_that_is_missing_can_be_asked_for(store: ElasticsearchStore) -> None:
    store.put([said(1), said(2, country="LV"), said(3, country="GE")])
    assert ids(store, Filter(country=("",))) == {"balt:x:1"}
    assert ids(store, Filter(country=("", "LV"))) == {"balt:x:1", "balt:x:2"}


def test_a_cursor_carries_any_id(store: ElasticsearchStore) -> None:
    names = ["a~b", "ა\n", "1~2~3", "'\"\\"]
    store.put([said(n, id=name, created_at=NOON) for n, name in enumerate(names)])
    pages = [store.search(Filter(), limit=1)]
    while (cursor := pages[-1].cursor) is not None:
        pages.append(store.search(Filter(), limit=1, cursor=cursor))
    assert [hit.feedback.id for page in pages for hit in page.hits] == sorted(names)


def test_a_window_of_whole_milliseconds_needs_no_exact_field() -> None:
    whole = elastic_query.query(Filter(window=Window(since=NOON, until=NOON)), [])
    exact = elastic_query.query(Filter(window=Window(until=NOON.replace(microsecond=1))), [])
    assert "'created'" not in str(whole)
    assert "'created'" in str(exact)


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),  # half an hour back
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Pacific/Chatham", datetime(2026, 4, 4, 14, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 30, tzinfo=UTC)),  # a quarter forward, once
        ("Africa/Monrovia", datetime(1972, 1, 7, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a day that was not
        ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),  # midnight twice
    ],
)
def test_time_is_cut_as_in_sqlite_where_clocks_change(
    store: ElasticsearchStore, zone: str, change: datetime
) -> None:
    moments = [change + timedelta(minutes=15 * n) for n in range(-12, 12)]
    feedback = [said(n, created_at=moment) for n, moment in enumerate(moments)]
    other = SqliteStore()
    for one in (store, other):
        one.put(feedback)
    for period in (Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH):
        counted, wanted = (
            one.aggregate(Filter(), by=[period], zone=zone) for one in (store, other)
        )
        assert counted == wanted


def test_dimensions_of_very_many_values_are_counted_whole(store: ElasticsearchStore) -> None:
    feedback = [
        said(n, campaign=f"c{n % 1_900}", ratings=(Rating(Scale.NPS, n % 11),))
        for n in range(2_000)
    ]
    other = SqliteStore()
    for one in (store, other):
        one.put(feedback)
        one.annotate([(given.id, given.text, GOOD) for given in feedback[::3]])
    for by in ([Dimension.CAMPAIGN], [Dimension.CAMPAIGN, Dimension.LABEL]):
        assert store.aggregate(Filter(), by=by) == other.aggregate(Filter(), by=by)


def test_counting_goes_on_over_pages(
    store: ElasticsearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listening.stores.elastic_counts.PAGE", 7)
    kinds = product(("LV", "LT", None), ("web", "app"), range(11))
    feedback = [
        said(n, country=country, touchpoint=touchpoint, ratings=(Rating(Scale.NPS, value),))
        for n, (country, touchpoint, value) in enumerate(kinds)
    ]
    other = SqliteStore()
    for one in (store, other):
        one.put(feedback)
    by = [Dimension.COUNTRY, Dimension.TOUCHPOINT]
    assert store.aggregate(Filter(), by=by) == other.aggregate(Filter(), by=by)


def test_a_long_read_gives_everything_once_while_others_write(store: ElasticsearchStore) -> None:
    query: dict[str, object] = {"match_all": {}}
    assert [*elastic_read.pages(store.cluster, store.names.name, query)] == []
    store.put([said(n) for n in range(25)])
    everything(store)
    seen: list[str] = []
    for hit in elastic_read.pages(store.cluster, store.names.name, query, ["id"], size=10):
        store.put([said(100 + len(seen)), said(len(seen), version=2, engagement=1)])
        store.search(Filter())
        seen.append(hit["_source"]["id"])
    assert sorted(seen) == sorted(said(n).id for n in range(25))


@contextmanager
def answering(answer: object) -> Iterator[Cluster]:
    """A server that says the same to everything."""
    body = json.dumps(answer).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    enable_socket()
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster = Cluster((f"http://127.0.0.1:{server.server_port}",), patience=0)
    yield cluster
    cluster.close()
    server.shutdown()
    server.server_close()


def test_a_search_that_took_too_long_is_a_config_error() -> None:
    late = {"timed_out": True, "_shards": {"failed": 0}, "hits": {"hits": []}}
    with answering(late) as cluster, pytest.raises(ConfigError, match="more than 5 seconds"):
        elastic_read.Reader(cluster, "x").search(Filter())
