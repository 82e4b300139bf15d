"""To indices of the mapping that is expected now, while others go on reading and writing.

Month by month: copy into a new index, hold the writers of that month for the moment it takes to
copy what changed meanwhile, and move both aliases in one step of the cluster. A held writer tries
again by the alias, and so writes to the new index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from listening.errors import ConfigError, TransientError
from listening.stores import elastic_bulk as bulk
from listening.stores import elastic_layout as layout
from listening.stores.elastic_cluster import Body, Cluster, dumps
from listening.stores.elastic_layout import Names, Place
from listening.stores.elastic_rows import decode, encode

Progress = Callable[[int], None]

PAGE = 500
MISSING = ("index_not_found_exception", "aliases_not_found_exception")


def migrate(
    cluster: Cluster, names: Names, replicas: int, progress: Progress, *, force: bool = False
) -> int:
    """How many documents moved. What a stopped migration left is finished first."""
    layout_now, generation = layout.version(cluster, names)
    if layout_now > layout.LAYOUT:
        raise ConfigError(layout.other_layout(names, layout_now))
    if not _behind(cluster, names, generation) and (force or _is_outdated(cluster, names)):
        generation += 1
    layout.put_template(cluster, names, replicas, generation)
    moved = 0
    while behind := _behind(cluster, names, generation):
        for place in reversed(behind):
            target = names.index(generation, place.month)
            moved += _Move(cluster, names, place, target, progress).run()
    layout.configure(cluster, names, replicas)
    return moved


def _behind(cluster: Cluster, names: Names, generation: int) -> list[Place]:
    return [one for one in layout.places(cluster, names) if one.generation < generation]


def _is_outdated(cluster: Cluster, names: Names) -> bool:
    there = layout.found_mappings(cluster, names.name)
    return any(mapping != layout.mappings() for mapping in there.values())


@dataclass(frozen=True, slots=True)
class _Move:
    """One month on its way to the index ``target``."""

    cluster: Cluster
    names: Names
    place: Place
    target: str
    progress: Progress

    def run(self) -> int:
        there = self.cluster.request(
            "PUT", f"/{self.target}", expected=("resource_already_exists_exception",)
        )
        moved, done = self._copy(-1, skip_known="error" in there)
        while True:  # what changed meanwhile, until little is left to copy while writers wait
            more, done = self._copy(done)
            moved += more
            if more < PAGE:
                break
        try:
            return moved + self._switch(done)
        except BaseException:
            self._hold(on=False)
            raise

    def _copy(self, after: int, *, skip_known: bool = False) -> tuple[int, int]:
        """Copy what was written after a sequence number: how many, and the last one's number."""
        self.cluster.refresh(self.place.name)
        copied = 0
        for page in pages(self.cluster, self.place.name, after):
            self._write(self._unknown(page) if skip_known else page)
            copied += len(page)
            after = page[-1]["sort"][0]
            self.progress(len(page))
        return copied, after

    def _unknown(self, page: list[Body]) -> list[Body]:
        wanted = [{"_index": self.target, "_id": hit["_id"]} for hit in page]
        known = self.cluster.mget(wanted, "id")
        return [
            hit
            for hit, one in zip(page, known, strict=True)
            if one.get("_version", 0) < hit["_version"]
        ]

    def _write(self, page: Sequence[Body]) -> None:
        actions = [
            bulk.index(
                self.target, hit["_id"], dumps(encode(*decode(hit["_source"]))), hit["_version"]
            )
            for hit in page
        ]
        for hit, outcome in zip(page, bulk.send(self.cluster, actions, aliases=False), strict=True):
            if outcome.is_refused:
                raise ConfigError(
                    f"{self.place.name} stays as it is: {hit['_source']['id']} does not fit the"
                    f" new mapping ({outcome.reason}); erase it, then migrate again"
                )

    def _switch(self, done: int) -> int:
        """Hold the writers, copy the rest, check that all is there, and move the aliases."""
        self._hold(on=True)
        moved, done = self._copy(done)
        self.cluster.refresh(self.target)
        if self._count(self.target) != self._count(self.place.name):
            self._remove_strays()
        if self._count(self.target) != self._count(self.place.name):
            self.cluster.request("DELETE", f"/{self.target}", expected=MISSING)
            raise TransientError(
                f"{self.target} did not come out as {self.place.name}, which stays; migrate again"
            )
        self._check_held(done)
        actions: list[Body] = [
            {"remove_index": {"index": self.place.name}},
            {"add": {"index": self.target, "alias": self.names.name}},
            layout.entrance(self.names, self.target, self.place.month),
        ]
        self.cluster.request("POST", "/_aliases", {"actions": actions}, expected=MISSING)
        return moved

    def _hold(self, *, on: bool) -> None:
        """Let writers wait, once every write under way is done; or go on."""
        if on:
            path = f"/{self.place.name}/_block/write"
            self.cluster.request("PUT", path, expected=MISSING)
        else:
            release(self.cluster, self.place.name)

    def _check_held(self, done: int) -> None:
        """Two migrations at once: the other may have let the writers go on."""
        index = self.place.name
        path = f"/{index}/_settings/index.blocks.write"
        settings = self.cluster.request("GET", path, expected=MISSING)
        held = settings.get(index, {}).get("settings", {}).get("index", {}).get("blocks")
        self.cluster.refresh(index)
        if "error" not in settings and (not held or next(pages(self.cluster, index, done), None)):
            raise TransientError(f"another migration of {index} is under way; let one finish")

    def _count(self, index: str) -> int:
        return int(self.cluster.request("GET", f"/{index}/_count")["count"])

    def _remove_strays(self) -> None:
        """Delete what was copied and then erased or moved away in the old index."""
        for page in pages(self.cluster, self.target, -1, source=False):
            wanted = [{"_index": self.place.name, "_id": hit["_id"]} for hit in page]
            there = self.cluster.mget(wanted, "id")
            gone = [one["_id"] for one in there if not one.get("found")]
            actions = [bulk.delete(self.target, id_) for id_ in gone]
            bulk.send(self.cluster, actions, aliases=False)
        self.cluster.refresh(self.target)


def release(cluster: Cluster, index: str) -> None:
    """Let the writers of an index go on."""
    settings = {"index": {"blocks": {"write": None}}}
    cluster.request("PUT", f"/{index}/_settings", settings, expected=MISSING)


def pages(cluster: Cluster, index: str, after: int, *, source: bool = True) -> Iterator[list[Body]]:
    """Documents that searches see in one index, in the order of their last writes."""
    while True:
        body: Body = {
            "query": {"range": {"_seq_no": {"gt": after}}},
            "sort": [{"_seq_no": "asc"}],
            "size": PAGE,
            "_source": source,
            "version": True,
            "track_total_hits": False,
        }
        hits = cluster.search(index, body)["hits"]["hits"]
        if not hits:
            return
        yield hits
        after = hits[-1]["sort"][0]
