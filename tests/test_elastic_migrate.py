"""Migration to a new mapping, and what the check finds, on a real Elasticsearch."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from listening.errors import ConfigError, TransientError
from listening.records import Filter, Written
from listening.stores import elastic_layout as layout
from listening.stores.elasticsearch import ElasticsearchStore
from tests.contract.store import BAD, FULL, everything, said, sentiment_of
from tests.elastic import Elastic, elastic  # noqa: F401 - a fixture

ROOT = Path(__file__).parent.parent
MAY = datetime(2026, 5, 2, tzinfo=UTC)
WRITER = """
import sys
from pathlib import Path
from listening.stores.elasticsearch import ElasticsearchStore
from tests.contract.store import GOOD, said
store = ElasticsearchStore.open(sys.argv[1], environ={}, replicas=0)
for version in range(1, 10_000):
    batch = [said(n, f"text {version}", version=version) for n in range(version % 7, 300, 7)]
    batch += [said(1_000 + version * 10 + n) for n in range(10)]
    written = store.put(batch)
    assert written.stored + written.updated + written.duplicates == len(batch), written
    store.annotate([(one.id, one.text, GOOD) for one in batch[:5]])
    if version % 5 == 0:
        store.erase([said(1_000 + version * 10).id])
    print(version, flush=True)
    if Path(sys.argv[2]).exists():
        break
"""


@pytest.fixture
def store(elastic: Elastic) -> ElasticsearchStore:  # noqa: F811 - likewise
    return elastic.store()


def started(code: str, store: ElasticsearchStore, stop: str = "") -> subprocess.Popen[str]:
    address = f"{store.cluster.hosts[0]}/{store.names.name}"
    return subprocess.Popen(
        [sys.executable, "-c", code, address, stop],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def indices(store: ElasticsearchStore) -> list[str]:
    return [place.name for place in layout.places(store.cluster, store.names)]


def outdate(store: ElasticsearchStore) -> None:
    """Give it one field more than is expected: an index of an older mapping."""
    mapping = {"properties": {"mood": {"type": "keyword"}}}
    store.cluster.request("PUT", f"/{store.names.name}/_mapping", mapping)


def counted(store: ElasticsearchStore) -> int:
    return sum(bucket.count for bucket in store.aggregate(Filter(), by=[]))


def test_a_migration_moves_every_document_with_its_score_and_revision(
    store: ElasticsearchStore,
) -> None:
    full = said(1, **FULL)
    store.put([full, *(said(n) for n in range(2, 1_300)), said(2_000, created_at=MAY)])
    store.annotate([(full.id, full.text, BAD)])
    store.erase([said(2).id])
    assert store.migrate() == 0
    outdate(store)
    (march, may) = store.check()
    assert "another mapping" in march
    assert "another mapping" in may
    steps: list[int] = []
    assert store.migrate(steps.append) == sum(steps) == 1_299
    assert indices(store) == [store.names.index(2, "2026.03"), store.names.index(2, "2026.05")]
    assert store.check() == ()
    assert counted(store) == 1_299
    assert sentiment_of(store, said(2_000).id) is None
    assert full in everything(store)
    assert store.put([full, said(2), said(3, version=2)]) == Written(duplicates=3)
    assert store.put([said(1, "edit", version=2)]) == Written(updated=1)
    assert store.migrate(force=True) == 1_299
    assert store.migrate() == 0


def test_writers_of_other_processes_lose_nothing_while_it_migrates(
    store: ElasticsearchStore, tmp_path: Path
) -> None:
    store.put([said(n, f"text {n % 9}", version=0) for n in range(3_000, 5_000)])
    stop = tmp_path / "stop"
    with started(WRITER, store, str(stop)) as writer:
        assert writer.stdout
        for _ in range(3):
            assert writer.stdout.readline()
        assert store.migrate(force=True) >= 2_000
        assert store.migrate(force=True) >= 2_000
        stop.touch()
        last = int(writer.stdout.read().split()[-1])
        assert writer.wait() == 0
    store.cluster.refresh(store.names.name)
    expected = {said(n).id: 0 for n in range(3_000, 5_000)}
    for version in range(1, last + 1):
        expected |= {said(n).id: version for n in range(version % 7, 300, 7)}
        expected |= {said(1_000 + version * 10 + n).id: 1 for n in range(10)}
    for version in range(5, last + 1, 5):
        del expected[said(1_000 + version * 10).id]
    assert {one.id: one.version for one in everything(store)} == expected
    assert store.check() == ()


def test_a_migration_that_was_killed_is_finished_by_the_next(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    store.put([said(n) for n in range(1_500)])
    code = """
import os, sys
from listening.stores.elasticsearch import ElasticsearchStore
store = ElasticsearchStore.open(sys.argv[1], environ={}, replicas=0)
copied = []
def killed(number):
    copied.append(number)
    if sum(copied) >= int(sys.stdin.readline()):
        os.kill(os.getpid(), 9)
store.migrate(killed, force=True)
"""
    with started(code, store) as migration:
        migration.communicate("1000\n" * 9)
    assert migration.returncode == -9
    assert indices(store) == [store.names.index(1, "2026.03")]
    store.put([said(0, "edited", version=2), said(9_000)])
    store.erase([said(1).id])
    assert any("is no part of the store" in finding for finding in store.check())
    assert store.migrate() > 0
    assert indices(store) == [store.names.index(2, "2026.03")]
    assert store.check() == ()
    found = {one.id: one.text for one in everything(elastic.store(store.names.name))}
    assert len(found) == 1_500
    assert found[said(0).id] == "edited"
    assert said(1).id not in found


def test_a_writer_held_by_a_dead_migration_goes_on_when_it_is_finished(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    store.put([said(1)])
    store.cluster.request("PUT", f"/{store.names.index(1, '2026.03')}/_block/write")
    (finding,) = store.check()
    assert "run listening store migrate" in finding
    held = elastic.store(store.names.name, patience=0.5)
    with pytest.raises(TransientError, match="listening store check"):
        held.put([said(2)])
    store.migrate()
    assert held.put([said(2)]) == Written(stored=1)
    assert store.check() == ()


def test_a_store_of_another_layout_is_not_written_until_one_side_is_brought_up(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.put([said(1), said(2)])
    monkeypatch.setattr(layout, "LAYOUT", 2)
    newer = elastic.store(store.names.name)
    with pytest.raises(
        ConfigError, match=r"has layout 1, .* writes 2; run listening store migrate"
    ):
        newer.put([said(3)])
    assert len(everything(newer)) == 2
    assert newer.migrate() == 2
    assert newer.put([said(3), said(1)]) == Written(stored=1, duplicates=1)
    assert newer.check() == ()
    monkeypatch.setattr(layout, "LAYOUT", 1)
    for late in (said(4), said(5, created_at=MAY)):
        with pytest.raises(ConfigError, match=r"layout 2 by a newer Listening.*upgrade it"):
            store.put([late])
    assert "layout 2" in store.check()[0]


def break_template(store: ElasticsearchStore) -> None:
    store.cluster.request("DELETE", f"/_index_template/{store.names.name}")


def change_template(store: ElasticsearchStore) -> None:
    layout.put_template(store.cluster, store.names, 3, 1)


def change_settings(store: ElasticsearchStore) -> None:
    settings = {"index": {"refresh_interval": "99s"}}
    store.cluster.request("PUT", f"/{store.names.name}/_settings", settings)


def take_alias(store: ElasticsearchStore) -> None:
    index = store.names.index(1, "2026.03")
    store.cluster.request("DELETE", f"/{index}/_alias/{store.names.write('2026.03')}")


def add_stranger(store: ElasticsearchStore) -> None:
    body = {"aliases": {store.names.name: {}}, "settings": {"number_of_replicas": 0}}
    store.cluster.request("PUT", f"/{store.names.name}-x", body)


def lose_cursors(store: ElasticsearchStore) -> None:
    store.cluster.request("DELETE", f"/{store.names.cursors}")


def want_copies(store: ElasticsearchStore) -> None:
    settings = {"index": {"number_of_replicas": 1}}
    store.cluster.request("PUT", f"/{store.names.erased}/_settings", settings)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (break_template, "index template .* is missing; open the store anew"),
        (change_template, "index template .* has another template; run listening store migrate"),
        (outdate, "another mapping than is expected; run listening store migrate"),
        (change_settings, "another refresh_interval than is expected; run listening store migr"),
        (take_alias, "no write alias .*; run listening store migrate"),
        (add_stranger, "-x, which is not ours, .* take it out"),
        (lose_cursors, "-cursors is missing; .* open the store anew"),
        (want_copies, "-erased lacks 1 of its replicas"),
    ],
)
def test_the_check_names_what_is_wrong_and_the_next_step_mends_it(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
    damage: Any,
    finding: str,
) -> None:
    store.put([said(1), said(2)])
    damage(store)
    found = store.check()
    assert re.search(finding, " ".join(found)), found
    if damage is add_stranger:
        return
    elastic.store(store.names.name).migrate()
    assert store.check() == ()
    assert len(everything(store)) == 2
