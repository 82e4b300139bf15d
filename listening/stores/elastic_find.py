"""Where the documents of an id are, although searches see writes only after a refresh."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from listening.stores.elastic_cluster import Body, Cluster
from listening.stores.elastic_layout import Names
from listening.stores.elastic_merge import Stored
from listening.stores.elastic_rows import decode, document_id

MOST_RECENT = 50_000  # ids remembered between two refreshes
TOGETHER = 500  # ids asked for at once


@dataclass(slots=True)
class Recent:
    """Months that this process wrote an id to since the last refresh, and where it read one."""

    _written: dict[str, tuple[str, int]] = field(default_factory=dict)
    _read: dict[str, str] = field(default_factory=dict)
    _clock: int = 0
    _fresh: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Ids and the months they were written to, once they may be there."""
        with self._lock:
            self._clock += 1
            self._written |= {id_: (month, self._clock) for id_, month in pairs}

    def read(self, pairs: Iterable[tuple[str, str]]) -> None:
        with self._lock:
            if len(self._read) > MOST_RECENT:
                self._read.clear()
            self._read |= dict(pairs)

    def months(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Of those ids that are known here, where they may be."""
        found: dict[str, list[str]] = {}
        with self._lock:
            for id_ in ids:
                if id_ in self._written:
                    found.setdefault(id_, []).append(self._written[id_][0])
                if id_ in self._read:
                    found.setdefault(id_, []).append(self._read[id_])
        return found

    def refresh(self, cluster: Cluster, alias: str) -> bool:
        """Make what was written visible to searches; whether anything was not."""
        with self._lock:
            now = self._clock
        if now == self._fresh:
            return False
        cluster.refresh(alias)
        with self._lock:
            self._fresh = max(self._fresh, now)
            kept = {id_: at for id_, at in self._written.items() if at[1] > now}
            self._written = kept
        return True

    @property
    def is_full(self) -> bool:
        return len(self._written) > MOST_RECENT


class Found(NamedTuple):
    """Erased ids, and the months that each id may be in.

    What another process wrote in the last seconds is missing.
    """

    erased: set[str]
    months: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Finder:
    cluster: Cluster
    names: Names
    recent: Recent = field(default_factory=Recent)

    def refresh(self) -> bool:
        """Make what was written visible to searches; whether anything was not."""
        return self.recent.refresh(self.cluster, self.names.name)

    def search(self, ids: Sequence[str]) -> Found:
        by_document = {document_id(id_): id_ for id_ in ids}
        erased: set[str] = set()
        months = defaultdict(list, self.recent.months(ids))
        for index, document in self._ids(f"{self.names.name},{self.names.erased}", by_document):
            if index == self.names.erased:
                erased.add(by_document[document])
            else:
                months[by_document[document]].append(self.names.placed(index).month)
        return Found(erased, {id_: [*dict.fromkeys(at)] for id_, at in months.items()})

    def erased(self, ids: Sequence[str]) -> set[str]:
        by_document = {document_id(id_): id_ for id_ in ids}
        return {by_document[document] for _, document in self._ids(self.names.erased, by_document)}

    def tombstones(self) -> int:
        """How many ids were erased: it only grows, before anything of theirs is deleted."""
        return int(self.cluster.request("GET", f"/{self.names.erased}/_count")["count"])

    def _ids(self, index: str, documents: Collection[str]) -> Iterator[tuple[str, str]]:
        wanted = list(documents)
        for start in range(0, len(wanted), TOGETHER):
            some = wanted[start : start + TOGETHER]
            body: Body = {
                "query": {"ids": {"values": some}},
                "size": min(10_000, 4 * len(some) + 100),
                "_source": False,
                "sort": ["_doc"],
                "track_total_hits": False,
            }
            wants = "error,timed_out,_shards.failed,hits.hits._id,hits.hits._index"
            found = self.cluster.search(index, body, filter_path=wants)
            for hit in found.get("hits", {}).get("hits", ()):
                yield hit["_index"], hit["_id"]

    def get(
        self, months: Mapping[str, Sequence[str]], source: str = ""
    ) -> Iterator[tuple[str, str, Body]]:
        """Id, month and document of all that is there now; ``source`` names fields, or all."""
        pairs = [(id_, month) for id_, many in months.items() for month in many]
        wanted = [
            {"_index": self.names.write(month), "_id": document_id(id_)} for id_, month in pairs
        ]
        for start in range(0, len(wanted), TOGETHER):
            documents = self.cluster.mget(wanted[start : start + TOGETHER], source)
            for (id_, month), document in zip(pairs[start:], documents, strict=False):
                if document.get("found"):
                    yield id_, month, document

    def stored(self, found: Found) -> dict[str, list[Stored]]:
        """What each id has, the one that counts first."""
        all_: dict[str, list[Stored]] = defaultdict(list)
        for id_, month, document in self.get(found.months):
            all_[id_].append(Stored(*decode(document["_source"]), month, document["_version"]))
        return {
            id_: sorted(several, key=lambda one: one.rank, reverse=True)
            for id_, several in all_.items()
        }
