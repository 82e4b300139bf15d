"""The commands on an Elasticsearch store, against a real server."""

import os
import uuid
from pathlib import Path

import httpx
import pytest

URL = os.environ.get("ELASTICSEARCH_URL", "")

pytestmark = [
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(
        not URL and not os.environ.get("CI"),
        reason="needs a server: docker compose up elasticsearch, then set ELASTICSEARCH_URL",
    ),
]


@pytest.fixture
def place(monkeypatch):
    """The address of a store of this test's own, gone afterwards."""
    assert URL, "ELASTICSEARCH_URL names the server that the tests need"
    name = f"cli-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("LISTENING_AUTHOR_KEY", "a key of a test")
    Path("listening.toml").write_text("[elasticsearch]\nreplicas = 0\n", "utf-8")  # one node
    yield f"{URL}/{name}"
    found = httpx.get(f"{URL}/_cat/indices/{name}-*", params={"h": "index"}).text.split()
    for index in found:
        httpx.delete(f"{URL}/{index}")
    httpx.delete(f"{URL}/_index_template/{name}")


def made(place: str) -> bool:
    server, _, name = place.rpartition("/")
    indices = httpx.get(f"{server}/_cat/indices/{name}-*").text
    return bool(indices) or httpx.get(f"{server}/_index_template/{name}").is_success


@pytest.mark.parametrize("command", ["search crew", "score", "store check", "erase 1 -y"])
def test_reading_a_store_that_is_not_there_makes_none(listening, place, command):
    done = listening("--store", place, *command.split(), "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert f"there is no store {place}" in done.row["message"]
    assert listening("--store", place, "status", "--json").row["exists"] is False
    assert not made(place)


def test_a_dry_run_makes_none_either(listening, place, reviews):
    done = listening("--store", place, "ingest", reviews, "--dry-run", "--json")

    assert done.row["stored"] == 2
    assert not made(place)


def test_every_command_works_on_it(listening, place, reviews):
    def run(*arguments: str):
        return listening("--store", place, *arguments, "--json")

    first, second = (run("ingest", reviews).row for _ in range(2))
    assert (first["stored"], second["stored"], second["duplicates"]) == (2, 0, 2)
    parts = [run("score", "--part", f"{n}/2").row["texts"] for n in (1, 2)]
    assert sum(parts) == 2
    assert run("score", "--again", "crew", "--dry-run").row["texts"] == 1
    assert run("score", "--again", "crew").row["texts"] == 1

    (hit,) = run("search", "author:anna").row["hits"]
    assert hit["sentiment"]["label"] == "positive"
    status = run("status").row
    assert (status["store"], status["exists"], status["feedback"]) == (place, True, 2)
    assert (status["unscored"], status["quarantined"]) == (0, 1)
    assert run("report").code == run("words", "crew").code == 0
    assert run("quarantine", "list").row["line"] == 4
    assert run("quarantine", "retry", "--map", "date=ignore").row["stored"] == 1

    assert run("store", "check").row == {"sound": True, "problems": []}
    assert run("store", "migrate").row == {"store": place, "moved": 0}
    assert run("store", "expire").row["error"] == "ConfigError"
    assert run("erase", "--query", "author:anna", "--yes").row["erased"] == 1
    assert run("ingest", reviews).row["stored"] == 0
    assert run("search", "author:anna").row["total"] == 0
