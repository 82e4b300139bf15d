"""The store for clusters: monthly Elasticsearch indices that are read as one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listening.records import (
    DESK,
    PERSON,
    WHOLE,
    Bucket,
    Dimension,
    Feedback,
    Filter,
    Hits,
    Note,
    Order,
    Part,
    Rejected,
    Sentiment,
    TermCounts,
    Written,
)
from listening.stores import (
    elastic_check,
    elastic_layout,
    elastic_migrate,
    elastic_state,
)
from listening.stores.elastic_cluster import Cluster, connect
from listening.stores.elastic_find import Finder
from listening.stores.elastic_layout import Names
from listening.stores.elastic_read import Reader
from listening.stores.elastic_rows import NO_TEXT
from listening.stores.elastic_write import Writer
from listening.stores.reading import SAMPLE

_PAGE = 500


@dataclass(frozen=True, slots=True)
class ElasticsearchStore:
    """The feedback of one name in a cluster. Safe for threads and processes; ``open`` makes it.

    What this store wrote it also finds; what another process wrote, within five seconds. Every
    call is tried again until the cluster has been silent for ``cluster.patience`` seconds.
    """

    cluster: Cluster
    names: Names
    replicas: int = 1
    _finder: Finder = field(init=False, repr=False)
    _writer: Writer = field(init=False, repr=False)
    _reader: Reader = field(init=False, repr=False)

    def __post_init__(self) -> None:
        finder = Finder(self.cluster, self.names)
        object.__setattr__(self, "_finder", finder)
        object.__setattr__(self, "_writer", Writer(self.cluster, self.names, finder))
        object.__setattr__(self, "_reader", Reader(self.cluster, self.names.name, finder.refresh))

    @classmethod
    def open(
        cls,
        url: str,
        *,
        environ: Mapping[str, str] = os.environ,
        replicas: int = 1,
        **options: Any,  # noqa: ANN401 - those of Cluster
    ) -> ElasticsearchStore:
        """Connect, and make what is missing.

        ``url`` is ``https://host[:port][,host...][/name]``, or ``elasticsearch://`` without TLS.
        The environment has ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and _PASSWORD, and
        the file ELASTICSEARCH_CA_CERTS. ``options`` are ``patience`` and ``timeout`` in seconds.
        """
        cluster, name = connect(url, environ, **options)
        names = elastic_layout.install(cluster, name, replicas)
        cluster.refresh(name)  # what a process wrote that was killed
        return cls(cluster, names, replicas)

    def close(self) -> None:
        """Make the last writes visible to everybody, and hang up."""
        self._finder.refresh()
        self.cluster.close()

    def put(self, feedback: Sequence[Feedback]) -> Written:
        return self._writer.put(feedback)

    def unscored(
        self, model: str, *, limit: int | None = None, part: Part = WHOLE
    ) -> Iterator[tuple[str, str]]:
        left = limit if limit is not None else 2**62
        after: dict[str, Any] = {}
        while left > 0:
            self._finder.refresh()
            size = min(left, _PAGE)
            body = {
                "query": _unscored(model, part),
                "size": size,
                "sort": [{"created": "desc"}, {"id": "desc"}],
                "_source": ["id", "text"],
                "track_total_hits": False,
                **after,
            }
            hits = self.cluster.search(self.names.name, body)["hits"]["hits"]
            self._finder.recent.read(
                (hit["_source"]["id"], self.names.placed(hit["_index"]).month) for hit in hits
            )
            yield from ((hit["_source"]["id"], hit["_source"]["text"]) for hit in hits)
            if len(hits) < size:
                return
            after = {"search_after": hits[-1]["sort"]}
            left -= len(hits)

    def annotate(self, scored: Sequence[tuple[str, str, Sentiment | None]]) -> int:
        return self._writer.annotate(scored)

    def search(
        self,
        where: Filter,
        *,
        limit: int = 20,
        cursor: str | None = None,
        order: Order = Order.NEWEST,
        brief: bool = False,
    ) -> Hits:
        return self._reader.search(where, limit=limit, cursor=cursor, order=order, brief=brief)

    def aggregate(
        self, where: Filter, *, by: Sequence[Dimension], zone: str = "UTC"
    ) -> list[Bucket]:
        return self._reader.aggregate(where, by=by, zone=zone)

    def terms(self, where: Filter, *, background: Filter, limit: int = 200) -> TermCounts:
        return self._reader.terms(where, background=background, limit=limit)

    def terms_of(
        self,
        pairs: Sequence[tuple[Filter, Filter]],
        *,
        limit: int = 200,
        most: int = SAMPLE,
        least: int = 1,
    ) -> list[TermCounts]:
        return self._reader.terms_of(pairs, limit=limit, most=most, least=least)

    def erase(self, ids: Sequence[str]) -> int:
        if not ids:
            return 0
        elastic_state.forget(self.cluster, self.names, DESK, ids)
        return self._writer.erase(ids)

    def expire(self, before: datetime) -> int:
        self._finder.refresh()
        return self._writer.expire(before)

    def check(self) -> tuple[str, ...]:
        self._finder.refresh()
        return tuple(elastic_check.faults(self.cluster, self.names, self.replicas))

    def migrate(
        self, progress: Callable[[int], None] = lambda _: None, *, force: bool = False
    ) -> int:
        """Bring every index to the mapping that is expected now, while others read and write.

        ``force`` makes the indices anew also where the mapping is as expected, as after a change
        of the analysis. Stopped, it goes on from where it was. Returns how many documents moved.
        """
        return elastic_migrate.migrate(
            self.cluster, self.names, self.replicas, progress, force=force
        )

    def cursor(self, stream: str) -> str | None:
        return elastic_state.cursor(self.cluster, self.names, stream)

    def set_cursor(self, stream: str, cursor: str | None) -> None:
        elastic_state.set_cursor(self.cluster, self.names, stream, cursor)

    def set_aside(self, rejected: Sequence[Rejected]) -> int:
        return elastic_state.set_aside(self.cluster, self.names, rejected)

    def quarantine(self) -> Mapping[str, Rejected]:
        return elastic_state.quarantine(self.cluster, self.names)

    def release(self, ids: Sequence[str]) -> None:
        elastic_state.release(self.cluster, self.names, ids)

    def notes(self, kind: str) -> Mapping[str, Note]:
        return elastic_state.notes(self.cluster, self.names, kind)

    def save_note(self, kind: str, key: str, value: str, *, revision: int) -> bool:
        return elastic_state.save_note(self.cluster, self.names, kind, key, Note(value, revision))


def _unscored(model: str, part: Part) -> dict[str, Any]:
    slots = part.slots
    return {
        "bool": {
            "filter": [{"range": {"slot": {"gte": slots.start, "lt": slots.stop}}}],
            "must_not": [{"term": {"label": NO_TEXT}}, {"terms": {"model": [model, PERSON]}}],
        }
    }
