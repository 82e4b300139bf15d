"""How feedback lies in the cluster: names, mapping, templates. Why: docs/decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from listening.errors import ConfigError, TransientError
from listening.records import Scale
from listening.stores.elastic_cluster import Body, Cluster

LAYOUT = 1  # raise it when documents or their mapping change
EARLY, LATE = "early", "late"  # before 2010, from 2100
_FIRST, _END = 2010, 2100
_NO_ALIAS = ("aliases_not_found_exception", "alias_not_found_exception")
FOLDED = (
    *("brand", "source", "kind", "country", "touchpoint", "segment", "service", "campaign"),
    *("question", "author", "url"),
)

_KEYWORD = {"type": "keyword"}
_FOLDED = {"type": "keyword", "doc_values": False}
_KEPT = {"type": "keyword", "index": False, "doc_values": False}
_TERMS = {"type": "text", "analyzer": "whitespace", "norms": False}
_BYTE, _LONG, _DOUBLE = {"type": "byte"}, {"type": "long"}, {"type": "double"}

FIELDS: Mapping[str, Any] = {
    **dict.fromkeys(
        (
            *("id", "brand", "source", "kind", "language", "country", "touchpoint", "segment"),
            *("service", "campaign", "question", "author", "label", "model", "ratings"),
        ),
        _KEYWORD,
    ),
    **dict.fromkeys(("native_id", "url"), _KEPT),
    **dict.fromkeys(Scale, _BYTE),
    **dict.fromkeys(("engagement", "version", "created"), _LONG),
    **dict.fromkeys(("negative", "neutral", "positive", "threshold"), _DOUBLE),
    "slot": {"type": "short"},
    "created_at": {"type": "date"},
    "text": {"type": "text", "norms": False},
    **dict.fromkeys(("surface", "stem"), _TERMS),
    "folded": {"properties": dict.fromkeys(FOLDED, _FOLDED)},
}
SETTINGS: Mapping[str, Any] = {
    "number_of_shards": "1",
    "refresh_interval": "5s",
    "gc_deletes": "1h",
    # Erasing rewrites every segment that holds a deleted text, not only the worst of them.
    "merge.policy.expunge_deletes_allowed": "0",
}
_FIXED = frozenset({"number_of_shards"})  # when an index is made
STATE_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "cursors": {"stream": _KEPT, "value": _KEPT},
    "quarantine": {
        **dict.fromkeys(("stream", "origin", "reason", "raw", "column"), _KEPT),
        **dict.fromkeys(("line", "number"), _LONG),
    },
    "erased": {},
    "notes": {
        **dict.fromkeys(("kind", "key"), _KEYWORD),
        **dict.fromkeys(("value", "writer"), _KEPT),
    },
}


class Version(NamedTuple):
    """Which layout the documents have, and the number of the indices that hold them."""

    layout: int
    generation: int


@dataclass(frozen=True, slots=True)
class Names:
    """Of everything in the cluster that belongs to the store called ``name``.

    ``name`` is also the alias that all feedback is read by. Each month is written by an alias of
    its own, which the cluster keeps to one index: a migration moves it to another in one step.
    """

    name: str

    def write(self, month: str) -> str:
        return f"{self.name}-w{LAYOUT}-{month}"

    def index(self, generation: int, month: str) -> str:
        return f"{self.name}-v{generation}-{month}"

    def placed(self, index: str) -> Place:
        """Read the name of an index again."""
        generation, month = index.removeprefix(f"{self.name}-v").split("-", 1)
        return Place(month, int(generation), index)

    def state(self, what: str) -> str:
        return f"{self.name}-state-v1-{what}"

    @property
    def cursors(self) -> str:
        return self.state("cursors")

    @property
    def quarantine(self) -> str:
        return self.state("quarantine")

    @property
    def notes(self) -> str:
        return self.state("notes")

    @property
    def erased(self) -> str:
        return self.state("erased")


class Place(NamedTuple):
    """An index of feedback: its month, such as ``2026.03``, generation and name."""

    month: str
    generation: int
    name: str


def month(moment: datetime) -> str:
    """The month (UTC) that an index is named for; ``early`` before 2010, ``late`` from 2100."""
    day = moment.astimezone(UTC)
    if not _FIRST <= day.year < _END:
        return EARLY if day.year < _FIRST else LATE
    return f"{day.year}.{day.month:02}"


def month_end(name: str) -> datetime:
    """When the last moment of a month is over."""
    if name in {EARLY, LATE}:
        return datetime(_FIRST if name == EARLY else 9999, 1, 1, tzinfo=UTC)
    year, number = map(int, name.split("."))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def mappings() -> Body:
    return {"dynamic": "strict", "_meta": {"layout": LAYOUT}, "properties": dict(FIELDS)}


def template(names: Names, replicas: int, generation: int) -> Body:
    """The template of feedback's indices, of this generation and those before."""
    settings = {**SETTINGS, "number_of_replicas": str(replicas)}
    return {
        "index_patterns": [names.index(n, "*") for n in range(1, generation + 1)],
        "priority": 500,
        "template": {
            "settings": {f"index.{key}": value for key, value in settings.items()},
            "mappings": mappings(),
        },
        "_meta": {"layout": LAYOUT, "generation": generation},
    }


def state_index(what: str, replicas: int) -> Body:
    fields = dict(STATE_FIELDS[what])
    return {
        "settings": {"index": {"number_of_shards": "1", "number_of_replicas": str(replicas)}},
        "mappings": {"dynamic": "strict", **({"properties": fields} if fields else {})},
    }


def install(cluster: Cluster, name: str, replicas: int) -> Names:
    """Make what a store needs before its first document; what is there stays as it is."""
    names = Names(name)
    if found_template(cluster, names) is None:
        put_template(cluster, names, replicas, generation=1)
    there = cluster.request(
        "GET", f"/{names.state('*')}", params={"filter_path": "*.settings.index.uuid"}
    )
    missing = [what for what in STATE_FIELDS if names.state(what) not in there]
    with ThreadPoolExecutor(len(STATE_FIELDS)) as pool:  # the cluster makes them in one step
        list(pool.map(lambda what: _make_state(cluster, names, what, replicas), missing))
    return names


def _make_state(cluster: Cluster, names: Names, what: str, replicas: int) -> None:
    cluster.request(
        "PUT",
        f"/{names.state(what)}",
        state_index(what, replicas),
        expected=("resource_already_exists_exception",),
    )


def put_template(cluster: Cluster, names: Names, replicas: int, generation: int) -> None:
    path = f"/_index_template/{names.name}"
    cluster.request("PUT", path, template(names, replicas, generation))


def found_template(cluster: Cluster, names: Names) -> Body | None:
    """The template as the cluster has it."""
    body = cluster.request(
        "GET",
        f"/_index_template/{names.name}",
        params={"flat_settings": "true"},
        expected=("resource_not_found_exception",),
    )
    found = body.get("index_templates")
    return found[0]["index_template"] if found else None


def version(cluster: Cluster, names: Names) -> Version:
    """The version that the store's template says."""
    found = found_template(cluster, names)
    meta = (found or {}).get("_meta", {})
    if "generation" not in meta:
        raise ConfigError(
            f"Elasticsearch at {cluster.where} has no index template {names.name} of ours any more;"
            " open the store anew, which makes it again"
        )
    return Version(int(meta["layout"]), int(meta["generation"]))


def create(cluster: Cluster, names: Names, alias: str) -> None:
    """Make the index of a month, of which ``alias`` is the write alias.

    The cluster allows an alias one write index: of several processes that try, one succeeds.
    Raises ConfigError where the store is of another layout than this Listening's.
    """
    found = version(cluster, names)
    if found.layout != LAYOUT:
        raise ConfigError(other_layout(names, found.layout))
    name = alias.removeprefix(names.write(""))
    if any(place.month == name for place in places(cluster, names)):
        if not cluster.request("GET", f"/_alias/{alias}", expected=_NO_ALIAS).get("error"):
            return
        raise TransientError(f"{name} waits for its migration; run listening store migrate")
    cluster.request(
        "PUT",
        f"/{names.index(found.generation, name)}",
        {"aliases": {names.name: {}, alias: {"is_write_index": True}}},
        expected=("resource_already_exists_exception", "illegal_state_exception"),
    )


def other_layout(names: Names, layout: int) -> str:
    if layout > LAYOUT:
        return (
            f"the store {names.name} was migrated to layout {layout} by a newer Listening, this one"
            f" writes {LAYOUT}; upgrade it and run this again, nothing is lost"
        )
    return (
        f"the store {names.name} has layout {layout}, this Listening writes {LAYOUT};"
        " run listening store migrate"
    )


def members(cluster: Cluster, names: Names) -> list[str]:
    """The indices behind the read alias."""
    body = cluster.request("GET", f"/_alias/{names.name}")
    return [] if "error" in body else list(body)


def places(cluster: Cluster, names: Names) -> list[Place]:
    """The indices that feedback is read from, oldest month first."""
    ours = re.compile(f"{names.name}-v[0-9]+-({EARLY}|{LATE}|[0-9]{{4}}[.][0-9]{{2}})")
    found = [names.placed(index) for index in members(cluster, names) if ours.fullmatch(index)]
    return sorted(found, key=lambda place: (month_end(place.month), place))


def found_mappings(cluster: Cluster, index: str) -> dict[str, Body]:
    """Of the indices behind a name or pattern."""
    params = {"ignore_unavailable": "true"}
    body = cluster.request("GET", f"/{index}/_mapping", params=params)
    return {name: found["mappings"] for name, found in body.items()}


def found_settings(cluster: Cluster, index: str) -> dict[str, Mapping[str, str]]:
    """Of the indices behind a name or pattern, by dotted name without ``index``."""
    params = {"ignore_unavailable": "true", "flat_settings": "true"}
    body = cluster.request("GET", f"/{index}/_settings", params=params)
    return {
        name: {key.removeprefix("index."): value for key, value in found["settings"].items()}
        for name, found in body.items()
    }


def configure(cluster: Cluster, names: Names, replicas: int) -> None:
    """Give every index the settings that an open one takes, and every month its write alias."""
    copies = {"number_of_replicas": str(replicas)}
    changing = {key: value for key, value in SETTINGS.items() if key not in _FIXED}
    both = ((names.name, {**changing, **copies, "blocks.write": None}), (names.state("*"), copies))
    for index, settings in both:
        cluster.request(
            "PUT",
            f"/{index}/_settings",
            {"index": settings},
            params={"ignore_unavailable": "true"},
            expected=("index_not_found_exception",),
        )
    actions = [entrance(names, place.name, place.month) for place in places(cluster, names)]
    if actions:
        cluster.request("POST", "/_aliases", {"actions": actions})


def entrance(names: Names, index: str, month: str) -> Body:
    """What gives an index the write alias of its month."""
    return {"add": {"index": index, "alias": names.write(month), "is_write_index": True}}
