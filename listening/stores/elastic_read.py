"""Reading an Elasticsearch store: pages of hits, counts, terms, and long reads of everything."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from listening.errors import ConfigError
from listening.match import Matcher
from listening.records import Bucket, Dimension, Filter, Hit, Hits, Order, TermCounts
from listening.stores import elastic_counts, elastic_query
from listening.stores.elastic_cluster import Body, Cluster
from listening.stores.elastic_counts import Extent
from listening.stores.elastic_query import Query
from listening.stores.elastic_rows import decode
from listening.stores.reading import (
    COUNTED,
    QUERY_SECONDS,
    SAMPLE,
    TOO_SLOW,
    Frequencies,
    broken_cursor,
    check_limit,
    languages_named,
    telling,
)

REMEMBERED = 5.0  # seconds
KEEP_ALIVE = "5m"  # between two pages of a long read
MOST_LANGUAGES = 1_000
NEWEST = [{"created": "desc"}, {"id": "asc"}]
_MISSING = -1  # below every probability and count


def _most(name: str) -> list[Any]:
    return [{name: {"order": "desc", "missing": _MISSING}}, *NEWEST]


ORDERS: Mapping[Order, list[Any]] = {
    Order.NEWEST: NEWEST,
    Order.OLDEST: [{"created": "asc"}, {"id": "desc"}],
    Order.NEGATIVE: _most("negative"),
    Order.POSITIVE: _most("positive"),
    Order.ENGAGING: _most("engagement"),
}
_ANALYSED = ["surface", "stem", "folded"]
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a store holds: its languages, and from when to when."""

    languages: tuple[str, ...]
    extent: Extent


@dataclass(slots=True)
class Reader:
    """Reads of the feedback behind ``alias``, as ``protocols.Store`` promises them.

    ``refresh`` makes what this process wrote visible, and says whether there was anything. The
    languages that others write are known some seconds later than what they wrote.
    """

    cluster: Cluster
    alias: str
    refresh: Callable[[], bool] = lambda: False
    _known: tuple[float, Holdings] | None = field(default=None, init=False)

    def holdings(self) -> Holdings:
        known = self._known
        if known is None or time.monotonic() - known[0] > REMEMBERED:
            known = self._known = (time.monotonic(), self._look())
        return known[1]

    def _look(self) -> Holdings:
        languages = {"terms": {"field": "language", "size": MOST_LANGUAGES}}
        ends = {end: {end: {"field": "created_at"}} for end in ("min", "max")}
        found = self._ask({"size": 0, "aggs": {"languages": languages, **ends}}).get("aggregations")
        if found is None:  # there is no index yet
            return Holdings((), Extent())
        first, last = (int(found[end]["value"] or 0) // 1_000 for end in ("min", "max"))
        names = sorted(bucket["key"] for bucket in found["languages"]["buckets"])
        return Holdings(tuple(names), Extent(first, last))

    def search(
        self,
        where: Filter,
        *,
        limit: int = 20,
        cursor: str | None = None,
        order: Order = Order.NEWEST,
        brief: bool = False,
    ) -> Hits:
        check_limit(limit)
        self._refresh()
        body: Body = {
            "size": limit + 1,
            "query": self.query(where),
            "sort": ORDERS[order],
            "track_total_hits": False if brief else COUNTED + 1,
            "_source": {"excludes": _ANALYSED},
        }
        if cursor is not None:
            body["search_after"] = _read_cursor(cursor, order)
        found = self._ask(body)["hits"]
        page = found["hits"]
        total = found["total"]["value"] if not brief else len(page)
        matcher = (
            None if where.text is None or brief else Matcher(where.text, self._languages(where))
        )
        hits = (decode(hit["_source"]) for hit in page[:limit])
        return Hits(
            tuple(
                Hit(one, sentiment, matcher.feedback(one, sentiment).spans if matcher else ())
                for one, sentiment in hits
            ),
            min(total, COUNTED),
            total_is_exact=not brief and total <= COUNTED,
            cursor="~".join(map(str, page[limit - 1]["sort"])) if len(page) > limit else None,
        )

    def aggregate(
        self, where: Filter, *, by: Sequence[Dimension], zone: str = "UTC"
    ) -> list[Bucket]:
        self._refresh()
        extent = self.holdings().extent.within(where.window)
        return elastic_counts.aggregate(
            self._ask, self.query(where), by=by, zone=zone, extent=extent
        )

    def terms(self, where: Filter, *, background: Filter, limit: int = 200) -> TermCounts:
        (found,) = self.terms_of([(where, background)], limit=limit)
        return found

    def terms_of(
        self,
        pairs: Sequence[tuple[Filter, Filter]],
        *,
        limit: int = 200,
        most: int = SAMPLE,
        least: int = 1,
    ) -> list[TermCounts]:
        self._refresh()
        found = {
            where: self._frequencies(where, most)
            for where in {one for pair in pairs for one in pair}
        }
        return [
            telling(found[where], found[background], limit, least) for where, background in pairs
        ]

    def _frequencies(self, where: Filter, most: int) -> Frequencies:
        query = self.query(where)
        newest = {"bool": {"filter": [query, self._recent(query, most)]}}
        body = {"size": most, "query": newest, "sort": NEWEST, "_source": ["surface", "stem"]}
        hits = self._ask({**body, "track_total_hits": False})["hits"]["hits"]
        sources = (hit["_source"] for hit in hits)
        return Frequencies.of((one["surface"], one["stem"]) for one in sources if one["stem"])

    def _recent(self, query: Query, most: int) -> Query:
        """The months that hold the newest ``most``: each shard asked would sort as many."""
        period = {"field": "created_at", "calendar_interval": "month", "min_doc_count": 1}
        months = {"date_histogram": {**period, "order": {"_key": "desc"}}}
        found = self._ask({"size": 0, "query": query, "aggs": {"months": months}})
        buckets = found.get("aggregations", {}).get("months", {}).get("buckets", ())
        totals = accumulate(bucket["doc_count"] for bucket in buckets)
        enough = (b["key"] for b, total in zip(buckets, totals, strict=True) if total >= most)
        since = next(enough, None)
        return (
            {"match_all": {}} if since is None else {"range": {"created": {"gte": since * 1_000}}}
        )

    def query(self, where: Filter) -> Query:
        """Raises ConfigError for a phrase that can be read in too many ways."""
        return elastic_query.query(where, self._languages(where))

    def _languages(self, where: Filter) -> Sequence[str]:
        if where.text is None:
            return ()
        return sorted(languages_named(where)) or self.holdings().languages

    def _refresh(self) -> None:
        if self.refresh():
            self._known = None

    def _ask(self, body: Body) -> Body:
        return ask(self.cluster, self.alias, body)


def ask(cluster: Cluster, alias: str, body: Body) -> Body:
    """Search; ConfigError when it takes longer than ``QUERY_SECONDS``."""
    # Without partial results the server would call a slow query an outage.
    params = {"allow_partial_search_results": "true", "ignore_unavailable": "true"}
    path = f"/{alias}/_search"
    body = {"timeout": f"{QUERY_SECONDS:g}s", **body}
    try:
        return cluster.request("POST", path, body, params=params, doubt=_doubt)
    except ConfigError as error:
        if _TOO_WIDE in str(error):
            raise _too_wide() from error
        raise


def pages(
    cluster: Cluster, alias: str, query: Query, fields: Sequence[str] = (), *, size: int = 1_000
) -> Iterator[Body]:
    """Every hit as the store was when it began, in no order; ``fields`` of _source, or all.

    For long reads: what is written meanwhile neither shifts nor repeats anything.
    """
    params = {"keep_alive": KEEP_ALIVE, "ignore_unavailable": "true"}
    point = cluster.request("POST", f"/{alias}/_pit", params=params)["id"]
    body: Body = {"query": query, "size": size, "sort": ["_shard_doc"], "track_total_hits": False}
    if fields:
        body["_source"] = [*fields]
    try:
        while True:
            found = cluster.search("", {**body, "pit": {"id": point, "keep_alive": KEEP_ALIVE}})
            hits = found["hits"]["hits"]
            yield from hits
            if len(hits) < size:
                return
            point = found.get("pit_id", point)
            body["search_after"] = hits[-1]["sort"]
    finally:
        cluster.request("DELETE", "/_pit", {"id": point})


def _doubt(answer: Body) -> str | None:
    if answer.get("timed_out"):
        raise ConfigError(TOO_SLOW)
    shards = answer.get("_shards", {})
    if _TOO_WIDE in str(shards.get("failures", "")):
        raise _too_wide()
    return "not every shard answered" if shards.get("failed", 0) or "hits" not in answer else None


_TOO_WIDE = "maxClauseCount"  # what the server says when a prefix begins too many words


def _too_wide() -> ConfigError:
    return ConfigError(
        "too many words begin with a prefix within a phrase or NEAR; make it longer, or join its"
        " words with AND"
    )


_PLACE = r"(-?[0-9]{1,19})~(.+)"
_FIGURE = r"(-?[0-9.]+(?:[eE]-?[0-9]+)?)~"


def _read_cursor(cursor: str, order: Order) -> list[float | str]:
    figured = len(ORDERS[order]) > len(NEWEST)
    found = re.fullmatch((_FIGURE if figured else "()") + _PLACE, cursor, re.DOTALL)
    if not found or not _LOWEST <= int(found[2]) <= _HIGHEST:
        raise broken_cursor(cursor)
    try:
        return [*([float(found[1])] if figured else []), int(found[2]), found[3]]
    except ValueError as error:
        raise broken_cursor(cursor) from error
