"""Whether a store in the cluster is as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from listening.stores import elastic_layout as layout
from listening.stores.elastic_cluster import Body, Cluster
from listening.stores.elastic_layout import Names, Place
from listening.stores.elastic_migrate import PAGE, pages

_MIGRATE = "run listening store migrate"
_NAMED = 5  # ids that a finding names


def faults(cluster: Cluster, names: Names, replicas: int) -> Iterator[str]:
    """What is wrong, a sentence each with the next step; every id is read."""
    cluster.refresh(names.name)
    cluster.refresh(names.erased)
    places = layout.places(cluster, names)
    yield from _of_template(cluster, names, replicas)
    yield from _of_indices(cluster, names, replicas, places)
    yield from _of_aliases(cluster, names, places)
    yield from _of_state(cluster, names, replicas)
    yield from _of_health(cluster, [names.name] * bool(places) + [names.state("*")])
    yield from _of_months(places)
    yield from _of_doubles(cluster, names, places)
    yield from _of_erased(cluster, names)


def _of_template(cluster: Cluster, names: Names, replicas: int) -> Iterator[str]:
    found = layout.found_template(cluster, names)
    if found is None:
        yield f"the index template {names.name} is missing; open the store anew, which makes it"
        return
    version = found.get("_meta", {}).get("layout")
    if version != layout.LAYOUT:
        yield layout.other_layout(names, int(version or 0))
        return
    expected = layout.template(names, replicas, found["_meta"]["generation"])
    changed = [part for part in expected if found.get(part) != expected[part]]
    if changed:
        yield f"the index template {names.name} has another {', '.join(changed)}; {_MIGRATE}"


def _of_indices(
    cluster: Cluster, names: Names, replicas: int, places: list[Place]
) -> Iterator[str]:
    """Mapping and settings of each, and whether it may be written."""
    mappings = layout.found_mappings(cluster, names.name)
    settings = layout.found_settings(cluster, names.name)
    expected = {**layout.SETTINGS, "number_of_replicas": str(replicas)}
    for place in places:
        mapping, has = mappings.get(place.name), settings.get(place.name, {})
        if mapping != layout.mappings():
            yield f"{place.name} has another mapping than is expected; {_MIGRATE}"
        changed = [name for name, value in expected.items() if has.get(name) != value]
        if changed:
            yield f"{place.name} has another {', '.join(changed)} than is expected; {_MIGRATE}"
        if has.get("blocks.write") == "true":
            yield (
                f"{place.name} is closed for writing, as a migration that was stopped leaves it;"
                f" {_MIGRATE}, which finishes it"
            )


def _of_aliases(cluster: Cluster, names: Names, places: list[Place]) -> Iterator[str]:
    """The read alias and each month's write alias."""
    pattern = f"{names.name}-v*"
    aliases = cluster.request("GET", f"/{pattern}/_alias")
    known = {place.name for place in places}
    for index in sorted(set(layout.members(cluster, names)) - known):
        yield f"{index}, which is not ours, is behind the alias {names.name}; take it out of it"
    for place in places:
        alias = names.write(place.month)
        if alias not in aliases.get(place.name, {}).get("aliases", {}):
            yield f"{place.name} has no write alias {alias}; {_MIGRATE}"
    generations = f"{names.name}-v"
    for index in sorted(aliases.keys() - known):
        if index.removeprefix(generations).partition("-")[0].isdecimal():
            yield (
                f"{index} is no part of the store, as a migration that was stopped leaves it;"
                f" {_MIGRATE}, or delete it where nothing is left to migrate"
            )


def _of_state(cluster: Cluster, names: Names, replicas: int) -> Iterator[str]:
    mappings = layout.found_mappings(cluster, names.state("*"))
    settings = layout.found_settings(cluster, names.state("*"))
    for what in layout.STATE_FIELDS:
        index = names.state(what)
        if index not in mappings:
            yield f"{index} is missing; restore it from a snapshot, or open the store anew"
        elif mappings[index] != layout.state_index(what, replicas)["mappings"]:
            yield f"{index} has another mapping than is expected; restore it from a snapshot"
        elif settings[index].get("number_of_replicas") != str(replicas):
            yield f"{index} has not {replicas} replicas; {_MIGRATE}"


def _of_health(cluster: Cluster, indices: list[str]) -> Iterator[str]:
    path = f"/_cluster/health/{','.join(indices)}"
    health = cluster.request("GET", path, params={"level": "indices"})
    for index, found in sorted(health.get("indices", {}).items()):
        if found["status"] == "red":
            yield (
                f"{index} is red: a shard of it is nowhere; start the nodes that are down, or"
                " restore it from a snapshot"
            )
        elif found["unassigned_shards"]:
            yield (
                f"{index} lacks {found['unassigned_shards']} of its replicas, and would be lost"
                " with its node; add a node, or set replicas under [elasticsearch]"
            )


def _of_months(places: list[Place]) -> Iterator[str]:
    newest = max((place.generation for place in places), default=0)
    if behind := [place.name for place in places if place.generation < newest]:
        yield f"{len(behind)} indices wait for their migration, as {behind[0]}; {_MIGRATE}"


def _of_doubles(cluster: Cluster, names: Names, places: list[Place]) -> Iterator[str]:
    if len(places) <= 1:
        return
    doubles = [
        bucket["key"]["id"]
        for bucket in chain.from_iterable(_counted(cluster, names))
        if bucket["doc_count"] > 1
    ]
    if doubles:
        yield (
            f"{len(doubles)} ids are in two indices ({', '.join(doubles[:_NAMED])}), as a writer"
            " that was killed leaves them; pull them again, which keeps the newest"
        )


def _counted(cluster: Cluster, names: Names) -> Iterator[list[Body]]:
    composite: dict[str, Any] = {"size": 5_000, "sources": [{"id": {"terms": {"field": "id"}}}]}
    while True:
        body = {"size": 0, "aggs": {"ids": {"composite": composite}}, "track_total_hits": False}
        found = cluster.search(names.name, body).get("aggregations", {}).get("ids", {})
        if not found.get("buckets"):
            return
        yield found["buckets"]
        composite["after"] = found["after_key"]


def _of_erased(cluster: Cluster, names: Names) -> Iterator[str]:
    left: list[str] = []
    for page in pages(cluster, names.erased, -1, source=False):
        wanted = [hit["_id"] for hit in page]
        body = {"query": {"ids": {"values": wanted}}, "_source": ["id"], "size": 2 * PAGE}
        left += [hit["_source"]["id"] for hit in cluster.search(names.name, body)["hits"]["hits"]]
    if left:
        yield (
            f"{len(left)} erased ids are there ({', '.join(left[:_NAMED])}), as a writer that was"
            " killed leaves them; erase them again"
        )
