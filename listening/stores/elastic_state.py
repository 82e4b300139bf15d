"""Cursors, notes and the quarantine: small indices beside the feedback."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from listening.records import Note, Rejected
from listening.stores import elastic_bulk as bulk
from listening.stores.elastic_cluster import Body, Cluster
from listening.stores.elastic_layout import Names
from listening.stores.elastic_rows import document_id
from listening.stores.elastic_write import expunge

_PAGE = 500


def cursor(cluster: Cluster, names: Names, stream: str) -> str | None:
    found = cluster.request("GET", f"/{names.cursors}/_doc/{document_id(stream)}")
    return str(found["_source"]["value"]) if found.get("found") else None


def set_cursor(cluster: Cluster, names: Names, stream: str, value: str | None) -> None:
    path = f"/{names.cursors}/_doc/{document_id(stream)}"
    if value is None:
        cluster.request("DELETE", path)
    else:
        cluster.request("PUT", path, {"stream": stream, "value": value})


def set_aside(cluster: Cluster, names: Names, rejected: Sequence[Rejected]) -> int:
    now = time.time_ns() // 1000
    unique: dict[str, Rejected] = {}
    for one in rejected:
        unique.setdefault(one.id, one)
    actions = [
        bulk.create(names.quarantine, id_, _ascii(asdict(one) | {"number": now + place}))
        for place, (id_, one) in enumerate(unique.items())
    ]
    outcomes = bulk.send(cluster, actions, aliases=False, refresh=True)
    bulk.require(outcomes, "what was set aside")
    return sum(outcome.is_done or outcome.unsure for outcome in outcomes)


def quarantine(cluster: Cluster, names: Names) -> Mapping[str, Rejected]:
    return {
        hit["_id"]: Rejected(
            **{name: value for name, value in hit["_source"].items() if name != "number"}
        )
        for hit in _all(cluster, names.quarantine)
    }


def notes(cluster: Cluster, names: Names, kind: str) -> dict[str, Note]:
    cluster.refresh(names.notes)
    found: dict[str, Note] = {}
    after: Body = {}
    while True:
        body = {
            "query": {"term": {"kind": kind}},
            "sort": [{"key": "asc"}],
            "size": _PAGE,
            "version": True,
            "track_total_hits": False,
            **after,
        }
        hits = cluster.search(names.notes, body)["hits"]["hits"]
        for hit in hits:
            found[hit["_source"]["key"]] = Note(hit["_source"]["value"], hit["_version"])
        if len(hits) < _PAGE:
            return found
        after = {"search_after": hits[-1]["sort"]}


def save_note(cluster: Cluster, names: Names, kind: str, key: str, read: Note) -> bool:
    """Write the value of ``read`` where the stored note still has its revision."""
    path = f"/{names.notes}/_doc/{document_id(f'{kind} {key}')}"
    writer = secrets.token_hex(8)
    answer = cluster.request(
        "PUT",
        path,
        {"kind": kind, "key": key, "value": read.value, "writer": writer},
        params={"version": read.revision + 1, "version_type": "external"},
        expected=("version_conflict_engine_exception",),
    )
    if "error" not in answer:
        return True
    # An answer may have been lost, and the second attempt have met the first.
    found = cluster.request("GET", path)
    return bool(found.get("found")) and found["_source"]["writer"] == writer


def forget(cluster: Cluster, names: Names, kind: str, keys: Sequence[str]) -> None:
    """Take notes away, and from the disk."""
    gone = [bulk.delete(names.notes, document_id(f"{kind} {key}")) for key in keys]
    if any(o.is_done or o.unsure for o in bulk.send(cluster, gone, aliases=False, refresh=True)):
        expunge(cluster, [names.notes])


def _all(cluster: Cluster, index: str) -> Iterator[Body]:
    """Every document, by its number."""
    cluster.refresh(index)
    after: Body = {}
    while True:
        # An index that somebody deleted comes back by itself, with the fields of its first row.
        line = {"order": "asc", "missing": "_first", "unmapped_type": "long"}
        order = [{"number": {"order": "asc", "unmapped_type": "long"}}, {"line": line}]
        body = {"size": _PAGE, "sort": order, "track_total_hits": False, **after}
        hits = cluster.search(index, body)["hits"]["hits"]
        yield from hits
        if len(hits) < _PAGE:
            return
        after = {"search_after": hits[-1]["sort"]}


def release(cluster: Cluster, names: Names, ids: Sequence[str]) -> None:
    actions = [bulk.delete(names.quarantine, id_) for id_ in ids]
    bulk.send(cluster, actions, aliases=False, refresh=True)
    expunge(cluster, [names.quarantine])


def _ascii(document: Body) -> bytes:
    """JSON that keeps even half a character, which is often why a row was set aside."""
    return json.dumps(document).encode()
