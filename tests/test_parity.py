"""Both stores mean the same by a query: the same ids for 300 queries in ten languages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from listening.protocols import Store
from listening.query import parse
from listening.records import Dimension, Filter, Kind
from listening.stores.sqlite import SqliteStore
from tests.contract.store import everything, ids
from tests.elastic import Elastic, server
from tests.parity.documents import SIZE, documents

LINES = Path(__file__).with_name("parity").joinpath("queries.txt").read_text("utf-8").splitlines()
QUERIES = [line for line in LINES if line and not line.startswith("#")]
COUNTS = (
    *((Dimension.DAY,), (Dimension.WEEK, Dimension.LABEL), (Dimension.LANGUAGE, Dimension.LABEL)),
    *((Dimension.TOUCHPOINT, Dimension.SEGMENT), (Dimension.HOUR,), ()),
    (Dimension.BRAND, Dimension.SOURCE, Dimension.COUNTRY, Dimension.MONTH),
)


class Stores(NamedTuple):
    sqlite: Store
    elasticsearch: Store


@pytest.fixture(scope="module")
def stores() -> Iterator[Stores]:
    elastic = Elastic(server())
    both = Stores(SqliteStore(), elastic.store())
    given = documents()
    while batch := [*islice(given, 5_000)]:
        for store in both:
            store.put([one for one, _ in batch])
            store.annotate([(one.id, one.text, s) for one, s in batch if s])
    yield both
    elastic.close()


def test_the_queries_find_the_same_in_both_stores(stores: Stores) -> None:
    found = {
        query: [ids(store, Filter(text=parse(query))) for store in stores] for query in QUERIES
    }
    in_one_only = {query: sorted(one ^ other) for query, (one, other) in found.items()}
    assert len(found) == 300
    assert sum(not one for one, _ in found.values()) <= 6  # when a text of the recipe changes
    assert {query: ids for query, ids in in_one_only.items() if ids} == {}


def test_every_document_is_in_both_as_it_was_put(stores: Stores) -> None:
    where = Filter(brand=("Ventora",), kind=(Kind.SURVEY, Kind.RATING))
    both = [sorted(everything(store, where), key=lambda one: one.id) for store in stores]
    assert both[0] == both[1]
    assert [sum(b.count for b in s.aggregate(Filter(), by=())) for s in stores] == [SIZE] * 2


@pytest.mark.parametrize("by", COUNTS)
def test_they_count_the_same(stores: Stores, by: tuple[Dimension, ...]) -> None:
    for where in (Filter(), Filter(text=parse("flight OR kurj* OR brand:medus"))):
        for zone in ("Europe/Riga", "Asia/Kolkata"):
            one, other = (store.aggregate(where, by=by, zone=zone) for store in stores)
            assert one == other


def test_they_tell_the_same_terms(stores: Stores) -> None:
    where, background = (Filter(text=parse(query)) for query in ("lang:lv nps:0..6", "lang:lv"))
    one, other = (store.terms(where, background=background, limit=50) for store in stores)
    assert one == other
    assert len(one.terms) == 50
