"""Stores on a real Elasticsearch, which ELASTICSEARCH_URL names, each under a name of its own."""

from __future__ import annotations

import os
import secrets
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_socket import enable_socket, socket_allow_hosts

from listening.stores.elasticsearch import ElasticsearchStore

HELP = (
    "no Elasticsearch: docker compose up -d elasticsearch, then"
    " export ELASTICSEARCH_URL=http://localhost:9200"
)
KEPT = 8  # stores a test has at once; a server allows 1,000 shards


class Elastic:
    """Makes stores with no copies and little patience; they go when the test is over."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stores: deque[ElasticsearchStore] = deque()

    def name(self) -> str:
        return f"test-{secrets.token_hex(5)}"

    def store(self, name: str = "", **options: Any) -> ElasticsearchStore:
        """Open a new one, or the one called ``name`` once more."""
        address = f"{self.url}/{name or self.name()}"
        store = ElasticsearchStore.open(
            address, environ={}, replicas=0, **{"patience": 20.0, **options}
        )
        self._stores.append(store)
        if len(self._stores) > KEPT:
            remove(self._stores.popleft())
        return store

    def close(self) -> None:
        while self._stores:
            remove(self._stores.pop())


def remove(store: ElasticsearchStore) -> None:
    """Delete all that a store has in the cluster."""
    cluster, name = store.cluster, store.names.name
    there = cluster.request("GET", f"/{name}-*/_settings", params={"filter_path": "*.*.index.uuid"})
    if there:
        missing = ("index_not_found_exception",)
        cluster.request("DELETE", f"/{','.join(there)}", expected=missing)
    gone = ("resource_not_found_exception", "index_template_missing_exception")
    cluster.request("DELETE", f"/_index_template/{name}", expected=gone)
    store.close()


def server(variable: str = "ELASTICSEARCH_URL", missing: str = HELP) -> str:
    """The address of the server, to which alone the network is opened; skips without one."""
    url = os.environ.get(variable)
    if url is None:
        if variable == "ELASTICSEARCH_URL" and os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    enable_socket()
    socket_allow_hosts([urlsplit(url).hostname or "", "127.0.0.1", "::1"], allow_unix_socket=True)
    return url.rstrip("/")


@pytest.fixture
def elastic() -> Iterator[Elastic]:
    made = Elastic(server())
    yield made
    made.close()
